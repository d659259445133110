"""A small repository that looks like SpeechBrain's, and one that looks like
this."""

import contextlib
import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sb_sma.cli import main, upstream
from sb_sma.upstream import contribution


def paths_in(variable):
    return list(filter(None, os.environ.get(variable, "").split(os.pathsep)))


CHECKOUTS = paths_in("SPEECHBRAIN_CHECKOUT")
PYTHONS = paths_in("SPEECHBRAIN_PYTHONS")
needs_checkout = pytest.mark.skipif(
    not CHECKOUTS,
    reason="name a clone of SpeechBrain's repository in the environment "
    "variable SPEECHBRAIN_CHECKOUT",
)

SPEECHBRAIN = {
    ".dict-speechbrain.txt": "caf\n",
    ".gitignore": "__pycache__/\ntests/tmp/\n",
    ".github/pull_request_template.md": (
        "## What does this PR do?\n\n<!--\nPlease include a summary.\n-->\n\n"
        "Fixes #<issue_number>\n\n<!-- Breaking changes? -->\n\n## PR review\n"
    ),
    ".yamllint.yaml": "rules:\n  trailing-spaces: enable\n",
    "lint-requirements.txt": "pytest==7.4.0\nruff==v0.12.4\n",
    "pyproject.toml": (
        '[tool.ruff]\ntarget-version = "py38"\nline-length = 80\n'
        '[tool.ruff.lint]\nselect = ["E", "F", "I"]\nignore = ["E501"]\n'
    ),
    "pytest.ini": "[pytest]\nnorecursedirs = tests/tmp\n",
    "conftest.py": (
        "def pytest_generate_tests(metafunc):\n"
        '    if "device" in metafunc.fixturenames:\n'
        '        metafunc.parametrize("device", ["cpu"])\n'
    ),
    "README.md": "# Models\n\n# One\n\n# Two\n",
    "speechbrain/__init__.py": '"""Speech."""\n',
    "speechbrain/core.py": (
        '"""The core.\n\nAuthors\n * Grace Hopper 1952\n"""\n\nimport os\n\n\n'
        'def folder():\n    """Return the folder."""\n    return os.curdir\n'
    ),
    "speechbrain/nnet/__init__.py": '"""Networks."""\n',
    "speechbrain/lobes/models/FastSpeech2.py": (
        '"""A model."""\n\n\ndef mel_spectogram(audio):\n'
        '    """Return a mel."""\n    return audio\n'
    ),
    "recipes/prepare.py": '"""Prepare."""\n',
    "tests/__init__.py": "",
    "tests/recipes/LJSpeech.csv": (
        "Task,Dataset,Script_file,Hparam_file,Readme_file,test_debug_flags\n"
        "TTS,LJSpeech,a.py,a.yaml,README.md,\n"
    ),
    "tests/utils/__init__.py": "",
    "tests/utils/recipe_tests.py": '"""Recipe tests."""\n',
    "tests/consistency/test_docstrings.py": (
        "from pathlib import Path\n\n\ndef test_modules_have_docstrings():\n"
        '    for file in Path("speechbrain").glob("**/*.py"):\n'
        '        assert file.read_text().startswith(\'"""\'), file\n'
    ),
}

WALK = '''\
"""Walks over a mel_spectrogram."""

import math


class Walk:
    """Walk.

    Arguments
    ---------
    steps : int
        How many.

    Example
    -------
    >>> Walk(3).far()
    3.0
    """

    def __init__(self, steps):
        self.steps = steps

    def far(self):
        """Say how far.

        Returns
        -------
        far : float
            Steps.
        """
        return math.fabs(self.steps)
'''

TEST_WALK = '''\
"""Tests of walks."""

from sb_sma.walk import Walk


def test_far(device):
    assert Walk(-2).far() == 2.0
'''

RUN = '''\
"""What is appended."""

import math
import os

from sb_sma.walk import Walk


# a factor
SPEED = 2.0


def run(steps):
    """Run.

    Arguments
    ---------
    steps : int
        How many.

    Returns
    -------
    far : float
        Twice as far as a walk.

    Example
    -------
    >>> run(2)
    4.0
    """
    return math.prod([SPEED, Walk(steps).far()])
'''

PATCH = """\
diff --git a/speechbrain/nnet/__init__.py b/speechbrain/nnet/__init__.py
--- a/speechbrain/nnet/__init__.py
+++ b/speechbrain/nnet/__init__.py
@@ -1 +1 @@
-\"\"\"Networks.\"\"\"
+\"\"\"Networks, and walks.\"\"\"
"""

PULL_REQUEST = """\
Add what walks.

## Results

{results}

## Commands

{commands}
"""

OURS = {
    "sb_sma/walk.py": WALK,
    "sb_sma/run.py": RUN,
    "upstream/order.yaml": "- walk\n- run\n",
    "upstream/walk/branch.yaml": (
        "title: Add walks\n"
        "max_lines: 60\n"
        "copies:\n"
        "  sb_sma/walk.py: speechbrain/nnet/walk.py\n"
        "  upstream/walk/test_walk.py: tests/unittests/test_walk.py\n"
        "links: {recipes/walk/prepare.py: ../prepare.py}\n"
        "sections: [{file: README.md, text: section.md, before: '# Two'}]\n"
        "tests: [tests/unittests/test_walk.py]\n"
    ),
    "upstream/walk/test_walk.py": TEST_WALK,
    "upstream/walk/section.md": "# Walks\n\nSee `sb_sma/walk.py`.\n",
    "upstream/walk/pull_request.md": PULL_REQUEST,
    "upstream/run/branch.yaml": (
        "title: Add runs\n"
        "max_lines: 40\n"
        "builds_on: walk\n"
        "appends: {sb_sma/run.py: speechbrain/core.py}\n"
        "patches: [nnet.patch]\n"
        "results: results.json\n"
    ),
    "upstream/run/nnet.patch": PATCH,
    "upstream/run/pull_request.md": PULL_REQUEST,
    "results.json": (
        '{"table": [{"model": "run", "PER": 0.123456}], '
        '"machine": {"cores": "2", "sb_sma": "0.1.0"}}'
    ),
}


def write_files(root, files):
    """Write texts by path."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def git(root, *arguments):
    """What a command of git prints."""
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(root, message="more"):
    """Commit all that there is."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


@pytest.fixture(scope="session")
def speechbrain_template(tmp_path_factory):
    root = tmp_path_factory.mktemp("speechbrain")
    git(root, "init", "--quiet", "--initial-branch=develop")
    git(root, "config", "user.name", "Ada Lovelace")
    git(root, "config", "user.email", "ada@example.org")
    write_files(root, SPEECHBRAIN)
    commit(root, "first")
    return root


@pytest.fixture
def speechbrain(speechbrain_template, tmp_path):
    """A checkout, small and with nothing else to do."""
    root = tmp_path / "speechbrain"
    shutil.copytree(speechbrain_template, root)
    return root


@pytest.fixture
def ours(tmp_path):
    """A repository with two branches in its table."""
    root = tmp_path / "ours"
    write_files(root, OURS)
    return root


@pytest.fixture(
    scope="module", params=CHECKOUTS, ids=[Path(c).name for c in CHECKOUTS]
)
def source(request):
    return Path(request.param).resolve()


@pytest.fixture(scope="module")
def clone(source, tmp_path_factory):
    """Makes clones of it, each with a branch ``base``."""

    def make():
        root = tmp_path_factory.mktemp("clone") / "speechbrain"
        git(Path(), "clone", "--quiet", "--shared", str(source), str(root))
        git(root, "switch", "--quiet", "--create", "base")
        git(root, "config", "user.name", "Ada Lovelace")
        git(root, "config", "user.email", "ada@example.org")
        return root

    return make


def run(*arguments, here=None):
    """The status of the command, and what it printed."""
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        if here is not None:
            patch.setattr(upstream, "_REPOSITORY", here)
        with contextlib.redirect_stdout(output):
            status = main(["upstream", *map(str, arguments)])
    return status, output.getvalue()


@contextlib.contextmanager
def worktree(root, name, folder):
    git(root, "worktree", "add", "--quiet", "--detach", str(folder), name)
    try:
        yield folder
    finally:
        git(root, "worktree", "remove", "--force", str(folder))


@pytest.fixture(scope="module")
def made_checkout(clone, tmp_path_factory):
    """Gives a working tree of a branch, which no check has been run on."""
    root = clone()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contribution, "run_checks", lambda *_: ())
        status, output = run("--speechbrain", root)
    assert status == 0, output
    folder = tmp_path_factory.mktemp("trees")
    with contextlib.ExitStack() as stack:

        def checkout(branch):
            if not (folder / branch).exists():
                stack.enter_context(worktree(root, branch, folder / branch))
            return folder / branch

        yield checkout
