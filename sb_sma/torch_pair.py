"""Whether torch and torchaudio, which SpeechBrain imports, load together.

Their releases no longer come in pairs, and two that do not match die with the
traceback of a linker.
"""

import importlib
import sys
from importlib.metadata import PackageNotFoundError, version

TESTED_PAIR = {"torch": "2.14.1", "torchaudio": "2.11.1"}
"""What ``constraints.txt`` installs."""


def require_torch_pair() -> None:
    """Import both, or end the program with one line.

    It says both versions, what went wrong, and the command that mends it. The
    imports take seconds, and SpeechBrain needs them anyway.

    Raises
    ------
    SystemExit
        If one of them cannot be imported.

    Example
    -------
    >>> require_torch_pair()
    """
    try:
        for name in TESTED_PAIR:
            importlib.import_module(name)
    # a linker's error is an OSError, and another release of CUDA a RuntimeError
    except (ImportError, OSError, RuntimeError) as error:
        found = " and ".join(f"{name} {_version(name)}" for name in TESTED_PAIR)
        pair = " ".join(f"{name}=={TESTED_PAIR[name]}" for name in TESTED_PAIR)
        # torch says which file it could not load, and why only in the cause
        reason = " ".join(str(error.__cause__ or error).split())
        sys.exit(
            f"error: {found} do not load together ({reason}). Install the "
            f"pair that was tested: pip install --force-reinstall {pair}"
        )


def _version(name: str) -> str:
    """As installed, told without an import."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
