"""The versions that are installed together are whole, and the ones that the
package says it was tested with.
"""

import re
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from sb_sma.torch_pair import TESTED_PAIR
from tests.setup_keys import setup_keys

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SETUP = setup_keys()
EXTRAS = ("", *SETUP["extras_require"])


def pins(name, python, platform="linux"):
    """What a file of versions installs under a Python, by package."""
    text = (REPOSITORY / name).read_text(encoding="utf-8")
    text = re.sub(r"\s*\\\n\s*", " ", text)
    environment = describe(python, platform)
    found = {}
    for line in text.splitlines():
        line = line.partition("#")[0].partition("--hash")[0].strip()
        requirement = Requirement(line) if line else None
        if requirement and applies(requirement, environment):
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            assert requirement.name not in found
            found[requirement.name] = pin.version
    return found


def describe(python, platform="linux"):
    return {
        **default_environment(),
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": platform,
    }


def applies(requirement, environment):
    return requirement.marker is None or requirement.marker.evaluate(
        environment
    )


def requirements(extra, python):
    """What setup.py asks for."""
    lines = SETUP["extras_require"].get(extra, SETUP["install_requires"])
    for line in lines:
        requirement = Requirement(line)
        if applies(requirement, describe(python)):
            yield requirement


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("extra", EXTRAS)
def test_the_constraints_say_a_version_of_all_that_is_asked_for(extra, python):
    pinned = pins("constraints.txt", python)
    for requirement in requirements(extra, python):
        assert requirement.name in pinned
        assert pinned[requirement.name] in requirement.specifier


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_has_the_versions_of_the_constraints(python):
    pinned = pins("constraints.txt", python)
    locked = pins("requirements.lock", python)
    assert locked.items() <= pinned.items()
    for extra in ("", "text"):
        for requirement in requirements(extra, python):
            assert requirement.name in locked
    # a hash for each of them, without which pip installs none
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z])", text)
    pinned_blocks = [block for block in blocks if "==" in block]
    assert len(pinned_blocks) >= len(locked)
    assert all("--hash=sha256:" in block for block in pinned_blocks)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_pair_that_an_error_names_is_the_one_of_the_constraints(python):
    pinned = pins("constraints.txt", python)
    assert {name: pinned[name] for name in TESTED_PAIR} == TESTED_PAIR


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_nothing_for_a_gpu_is_asked_for_where_torch_has_none(platform):
    for_gpu = re.compile("nvidia|cuda|triton")
    pinned = pins("requirements.lock", "3.11", platform)
    assert "torch" in pinned
    assert [name for name in pinned if for_gpu.search(name)] == []
    assert any(map(for_gpu.search, pins("requirements.lock", "3.11")))
