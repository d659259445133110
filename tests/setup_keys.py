"""What setup.py says."""

import runpy
from pathlib import Path

import pytest

SETUP = Path(__file__).resolve().parents[1] / "setup.py"


def setup_keys():
    """The keywords that it gives to setuptools."""
    given = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("setuptools.setup", lambda **keys: given.update(keys))
        runpy.run_path(str(SETUP))
    return given
