"""The command from start to end, on a small repository."""

import os
import shutil
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sb_sma.cli import main, upstream
from sb_sma.upstream import runner
from sb_sma.upstream.changes import Changes
from sb_sma.upstream.checkout import Checkout
from sb_sma.upstream.table import read_table
from tests.upstream.conftest import OURS, commit, git, write_files

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def settings(monkeypatch):
    """Nobody else's settings of git."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for name in ("NAME", "EMAIL"):
        monkeypatch.delenv(f"GIT_AUTHOR_{name}", raising=False)
        monkeypatch.delenv(f"GIT_COMMITTER_{name}", raising=False)
    monkeypatch.delenv("EMAIL", raising=False)


@pytest.fixture
def command(ours, speechbrain, monkeypatch, capsys):
    """Runs it, and returns the status and what was printed."""

    def run(*arguments, folder=speechbrain):
        monkeypatch.setattr(upstream, "_REPOSITORY", ours)
        status = main(["upstream", "--speechbrain", str(folder), *arguments])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return run


@pytest.fixture(scope="session")
def made_template(speechbrain_template, tmp_path_factory):
    """Both branches, made once, and what was printed."""
    root = tmp_path_factory.mktemp("made")
    write_files(root / "ours", OURS)
    shutil.copytree(speechbrain_template, root / "speechbrain")
    output = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upstream, "_REPOSITORY", root / "ours")
        patch.setattr("builtins.print", lambda *a, **_: output.append(*a))
        status = main(["upstream", "--speechbrain", str(root / "speechbrain")])
    assert status == 0, output
    return root, "\n".join(output)


@pytest.fixture
def made(made_template, speechbrain, ours):
    """A checkout that has both branches."""
    shutil.rmtree(speechbrain)
    shutil.copytree(made_template[0] / "speechbrain", speechbrain)
    return speechbrain


def state(root):
    """Branches, working tree and settings of a repository."""
    return (
        git(root, "for-each-ref"),
        git(root, "status", "--porcelain", "--branch"),
        git(root, "worktree", "list"),
        (root / ".git" / "config").read_text(),
    )


def test_branches_are_made_one_on_the_other(made, made_template):
    for child, parent in (("walk", "develop"), ("run", "walk")):
        assert git(made, "rev-parse", f"{child}^") == git(
            made, "rev-parse", parent
        )
    assert git(made, "log", "-1", "--format=%an <%ae>|%cn|%B", "walk") == (
        "Ada Lovelace <ada@example.org>|Ada Lovelace|Add walks\n\n"
        "Add what walks."
    )
    # the working tree is as it was
    assert git(made, "branch", "--show-current") == "develop"
    assert git(made, "status", "--porcelain") == ""
    assert len(git(made, "worktree", "list").splitlines()) == 1
    output = made_template[1]
    assert "pytest 9" not in output or "wants ==7.4.0" in output
    for check in ("lines", "ruff check", "consistency", "unit tests"):
        assert f"walk             {check} " in output


def test_files_are_copied_under_other_names(made):
    files = git(made, "diff", "--name-only", "develop", "walk").splitlines()
    assert files == [
        "README.md",
        "recipes/walk/prepare.py",
        "speechbrain/nnet/walk.py",
        "tests/unittests/test_walk.py",
    ]
    module = git(made, "show", "walk:speechbrain/nnet/walk.py")
    year = git(made, "log", "-1", "--format=%ad", "--date=format:%Y", "walk")
    # spelt as this checkout spells it
    assert module.startswith(
        f'"""Walks over a mel_spectogram.\n\nAuthors\n * Ada Lovelace {year}\n"""'
    )
    test = git(made, "show", "walk:tests/unittests/test_walk.py")
    assert "from speechbrain.nnet.walk import Walk" in test
    assert git(made, "show", "walk:recipes/walk/prepare.py") == "../prepare.py"
    assert git(made, "show", "walk:README.md") == (
        "# Models\n\n# One\n\n# Walks\n\nSee `speechbrain/nnet/walk.py`.\n\n"
        "# Two"
    )


def test_definitions_and_patches_are_put_into_files(made):
    core = git(made, "show", "run:speechbrain/core.py")
    assert core.startswith('"""The core.\n\nAuthors\n * Grace Hopper 1952\n"""')
    assert (
        "import math\nimport os\n\nfrom speechbrain.nnet.walk import Walk\n"
        in core
    )
    assert "# a factor\nSPEED = 2.0\n\n\ndef run(steps):" in core
    assert git(made, "show", "run:speechbrain/nnet/__init__.py") == (
        '"""Networks, and walks."""'
    )


def test_the_text_of_the_pull_request_fills_the_template(made):
    folder = made / ".git" / "sb-sma-upstream"
    text = (folder / "run.md").read_text()
    assert text.startswith("## What does this PR do?\n\nAdd what walks.\n")
    assert "Please include a summary" not in text and "Fixes #" not in text
    assert "<!-- Breaking changes? -->\n\n## PR review" in text
    assert "| model | PER |\n|---|---|\n| run | 0.1235 |" in text
    assert "Measured on: cores 2.\n" in text
    assert "| `pytest tests/consistency` | 1 passed in " in text
    assert "| `ruff check $(git diff --name-only walk -- '*.py')` |" in text
    assert "Builds on the branch `walk`." in text
    text = (folder / "walk.md").read_text()
    assert "no results of trained models" in text and "Builds on" not in text
    assert "| `pytest tests/unittests/test_walk.py` | 1 passed in" in text


def test_a_second_run_changes_nothing(made, command):
    before = state(made)
    status, output = command("--branch", "walk")
    assert status == 0 and "(unchanged), 4 files" in output
    assert state(made) == before


def test_a_run_in_another_year_changes_nothing(made, command, monkeypatch):
    before = state(made)
    clock = SimpleNamespace(localtime=lambda: SimpleNamespace(tm_year=1999))
    monkeypatch.setattr("sb_sma.upstream.contribution.time", clock)
    status, output = command("--branch", "run")
    assert status == 0 and "(unchanged)" in output
    assert state(made) == before


def test_what_changed_here_is_made_anew(made, command, ours):
    old = git(made, "rev-parse", "run")
    file = ours / "sb_sma" / "run.py"
    file.write_text(file.read_text().replace("# a factor", "# another factor"))
    status, output = command("--branch", "run")
    assert status == 0 and "(made)" in output
    assert git(made, "rev-parse", "run^") == git(made, "rev-parse", "walk")
    assert git(made, "rev-parse", "run") != old


def test_one_branch_takes_along_what_it_builds_on(speechbrain, command):
    status, output = command("--branch", "run")
    assert status == 0
    assert git(speechbrain, "branch", "--format=%(refname:short)") == (
        "develop\nrun\nwalk"
    )


def test_somebodys_commits_are_kept(made, command, ours):
    git(made, "switch", "--quiet", "run")
    write_files(made, {"speechbrain/core.py": '"""Mine."""\n'})
    commit(made, "mine")
    git(made, "switch", "--quiet", "develop")
    before = state(made)
    # the same would be made, and stands below
    status, output = command("--branch", "run")
    assert status == 0 and "(unchanged)" in output
    (ours / "results.json").write_text('{"table": [{"a": 1}], "machine": {}}')
    assert command("--branch", "run")[0] == 0
    assert state(made) == before
    (ours / "upstream/run/nnet.patch").write_text(
        (ours / "upstream/run/nnet.patch").read_text().replace("walks", "runs")
    )
    status, output = command("--branch", "run")
    assert status == 1
    assert "run would be made anew, but has commits that this" in output
    status, output = command("--remove")
    assert status == 1
    assert "removed walk\nkept run: it has commits that this" in output
    assert git(made, "log", "-1", "--format=%s", "run") == "mine"


def test_somebodys_own_branch_is_never_touched(speechbrain, command):
    git(speechbrain, "branch", "run")
    before = state(speechbrain)
    status, output = command()
    assert status == 1
    assert "has branches that this command did not make: run." in output
    status, output = command("--remove")
    assert status == 0 and "this command made no branch" in output
    assert state(speechbrain) == before


def test_a_branch_of_the_same_name_made_after_ours_is_kept(made, command):
    git(made, "branch", "--delete", "--force", "run")
    git(made, "branch", "run", "develop")
    status, output = command("--branch", "run")
    assert status == 1 and "run would be made anew, but has" in output
    status, output = command("--remove", "--branch", "run")
    assert status == 1 and "kept run" in output
    assert git(made, "rev-parse", "run") == git(made, "rev-parse", "develop")


def test_somebodys_own_branch_is_not_built_on(speechbrain, command):
    git(speechbrain, "branch", "walk")
    status, output = command("--branch", "run")
    assert status == 1
    assert "has branches that this command did not make: walk." in output


def test_what_others_did_in_the_meantime_is_kept(made):
    checkout = Checkout(made)
    seen, other = checkout.tip("walk"), checkout.tip("run")
    git(made, "branch", "--force", "walk", "run")
    with pytest.raises(ValueError, match="update-ref"):
        checkout.make_branch("walk", git(made, "rev-parse", "develop"), seen)
    assert checkout.tip("walk") == other
    assert checkout.made_commits()["walk"] == seen


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_that_is_ended_leaves_nothing(end, ours, speechbrain, tmp_path):
    before = state(speechbrain)
    write_files(
        ours,
        {"upstream/walk/test_walk.py": "import time\n\ntime.sleep(99)\n"},
    )
    program = (
        "import sys; from pathlib import Path; from sb_sma.cli import main, "
        "upstream; upstream._REPOSITORY = Path(sys.argv.pop(1)); sys.exit("
        "main())"
    )
    command = [sys.executable, "-c", program, str(ours), "upstream"]
    process = subprocess.Popen(
        [*command, "--speechbrain", str(speechbrain)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    with process:
        for line in process.stdout:
            # the unit tests come next
            if "consistency" in line:
                break
        process.send_signal(end)
        assert process.wait(timeout=60) == 1
    assert state(speechbrain) == before
    assert list(tmp_path.glob("speechbrain-*")) == []


def test_branches_are_removed_and_leave_nothing(
    made, speechbrain_template, command, ours
):
    # whatever the table holds by now
    shutil.rmtree(ours / "upstream")
    status, output = command("--remove", "--branch", "run")
    assert (status, output) == (0, "removed run\n")
    assert git(made, "branch", "--format=%(refname:short)") == "develop\nwalk"
    status, output = command("--remove")
    assert (status, output) == (0, "removed walk\n")
    assert state(made)[0] == state(speechbrain_template)[0]
    assert "sma" not in (made / ".git" / "config").read_text()
    assert not (made / ".git" / "sb-sma-upstream").exists()


def test_a_branch_that_is_checked_out_is_not_pulled_away(made, command, ours):
    git(made, "switch", "--quiet", "run")
    status, output = command("--branch", "run")
    assert status == 1
    assert "has run checked out, a branch of this table" in output
    (ours / "upstream/run/nnet.patch").write_text(
        (ours / "upstream/run/nnet.patch").read_text().replace("walks", "runs")
    )
    status, output = command("--branch", "run", "--base", "develop")
    assert status == 1
    assert "run would be made anew, but is checked out in" in output
    status, output = command("--remove")
    assert status == 1 and "kept run: it is checked out in" in output


def test_a_branch_that_is_not_there_is_not_removed(made, command):
    git(made, "branch", "--delete", "--force", "run")
    for name in ("run", "wlak"):
        status, output = command("--remove", "--branch", name)
        assert (status, output) == (0, f"this command made no branch {name}\n")


def test_the_base_may_be_a_tag(speechbrain, command):
    git(speechbrain, "tag", "v1")
    write_files(speechbrain, {"a.txt": "later\n"})
    commit(speechbrain)
    status, _ = command("--base", "v1", "--branch", "walk")
    assert status == 0
    assert git(speechbrain, "rev-parse", "walk^") == git(
        speechbrain, "rev-parse", "v1"
    )


def test_texts_may_be_put_elsewhere(speechbrain, command, tmp_path):
    texts = tmp_path / "texts"
    status, output = command("--branch", "walk", "--texts", str(texts))
    assert status == 0 and str(texts / "walk.md") in output
    assert [file.name for file in texts.iterdir()] == ["walk.md"]
    inside = str(speechbrain)
    status, output = command("--branch", "walk", "--texts", inside)
    assert status == 1 and "is in the working tree" in output
    inside = str(speechbrain / "texts")
    status, output = command("--branch", "walk", "--texts", inside)
    assert status == 1 and "is in the working tree of" in output
    file = str(texts / "walk.md" / "texts")
    status, output = command("--branch", "walk", "--texts", file)
    assert status == 1 and "--texts: there can be no folder" in output


def test_another_base_than_that_below_is_refused(made, command):
    write_files(made, {"a.txt": "later\n"})
    commit(made)
    assert command("--branch", "run")[0] == 0
    status, output = command("--branch", "run", "--base", "develop")
    assert status == 1
    assert "run builds on walk, which is there and does not come" in output
    assert "--branch walk --base develop" in output
    status, _ = command("--branch", "run", "--base", "develop~1")
    assert status == 0


def test_what_the_text_lacks_is_told_before_the_checks(
    speechbrain, command, ours
):
    (ours / "results.json").write_text("{}")
    status, output = command("--branch", "run")
    assert status == 1 and "must hold `table`, a list of rows" in output
    assert "run              " not in output
    (speechbrain / ".github/pull_request_template.md").write_text("Say.\n")
    commit(speechbrain)
    status, output = command()
    assert status == 1 and "pull_request_template.md with the head" in output
    assert "walk             " not in output


# taken apart, for the sake of this repository's own spelling
TYPO = "".join(["T", "eh"])
BROKEN = {
    "lines": ({"upstream/walk/branch.yaml": ("60", "20")}, "20 may be: "),
    "names": ({"sb_sma/walk.py": ("Walks over", "Of sb_sma:")}, "Of sb_sma:"),
    "imports": (
        {"sb_sma/walk.py": ("import math", "import numba as math")},
        "numba",
    ),
    "docstrings": ({"sb_sma/walk.py": ("Example", "Note")}, "no Example"),
    "whitespace": ({"upstream/walk/section.md": ("See", " \nSee")}, "blanks"),
    "ruff check": ({"sb_sma/walk.py": ("(self.steps", "(selves")}, "F821"),
    "codespell": (
        {"upstream/walk/section.md": ("See", TYPO)},
        f"{TYPO} ==> The",
    ),
    "consistency": (
        {
            "sb_sma/walk.py": ('"""Walks', '# c\n"""Walks'),
        },
        "speechbrain/nnet/walk.py",
    ),
    "unit tests": (
        {"upstream/walk/test_walk.py": ("2.0", "3.0")},
        "2.0 == 3.0",
    ),
    "doctests": ({"sb_sma/walk.py": ("    3.0", "    4.0")}, "Expected:"),
    "doctests, again": (
        {
            "sb_sma/walk.py": (
                "    >>> Walk(3).far()\n    3.0",
                '    >>> __import__("os").mkdir("tests/tmp")',
            ),
        },
        "FileExistsError",
    ),
    "nothing left": (
        {
            "upstream/walk/test_walk.py": (
                "    assert",
                '    open("left.txt", "w").close()\n    assert',
            )
        },
        "left.txt",
    ),
}


@pytest.mark.parametrize("check", BROKEN)
def test_a_check_that_fails_leaves_nothing(check, command, ours, speechbrain):
    changes, told = BROKEN[check]
    for name, (right, wrong) in changes.items():
        text = (ours / name).read_text()
        assert right in text
        (ours / name).write_text(text.replace(right, wrong))
    before = state(speechbrain)
    status, output = command()
    assert status == 1
    assert f"walk             {check:26} FAILED" in output
    assert told in output
    assert output.splitlines()[-1].startswith("walk: ")
    assert output.splitlines()[-1].endswith("failed. It was not made.")
    assert "run " not in output.replace("run the", "")
    assert state(speechbrain) == before


def test_a_branch_that_is_there_stays_where_a_check_fails(made, command, ours):
    before = state(made)
    file = ours / "upstream" / "walk" / "test_walk.py"
    file.write_text(file.read_text().replace("2.0", "3.0"))
    status, output = command()
    assert status == 1
    assert output.endswith("walk: unit tests failed. It stays as it was.\n")
    assert state(made) == before


OLD_TESTS = {
    "that failed before": ("assert False", "", "passed"),
    "that fail now and then": (
        "count = Path({count!r})\n"
        "    count.open('a').write('x')\n"
        "    assert len(count.read_text()) > 1",
        "",
        "passed",
    ),
    "that cannot be collected": ("pass\n\n\nimport none", "", "passed"),
    "that the branch breaks": (
        "assert not Path('speechbrain/nnet/walk.py').exists()",
        "",
        "FAILED",
    ),
    "beside a new one that fails": ("assert False", "assert False", "FAILED"),
    "beside a new one that fails now and then": (
        "pass",
        "count = Path({count!r})\n"
        "    count.open('a').write('x')\n"
        "    assert len(count.read_text()) > 1",
        "FAILED",
    ),
}


@pytest.mark.parametrize("old, new, result", OLD_TESTS.values(), ids=OLD_TESTS)
def test_tests_of_speechbrain(
    old, new, result, command, ours, speechbrain, tmp_path
):
    count = str(tmp_path / "count")
    test = "from pathlib import Path\n\n\ndef test_it():\n    "
    file = "tests/unittests/test_old.py"
    write_files(speechbrain, {file: test + old.format(count=count) + "\n"})
    commit(speechbrain)
    table = ours / "upstream" / "walk" / "branch.yaml"
    table.write_text(table.read_text().replace("walk.py]", f"walk.py, {file}]"))
    if new:
        body = new.format(count=count)
        write_files(ours, {"upstream/walk/test_walk.py": f"{test}{body}\n"})
    status, output = command("--branch", "walk")
    assert f"walk             unit tests                 {result}" in output
    assert status == (result == "FAILED")
    assert (f"; not by this branch: {file}" in output) == (status == 0)


def test_a_module_without_examples_is_skipped_and_a_test_without_is_not(
    command, ours, speechbrain
):
    write_files(
        ours,
        {
            "sb_sma/walk.py": '"""Walks."""\n\nSTEPS = 2\n',
            "upstream/walk/test_walk.py": "STEPS = 2\n",
        },
    )
    status, output = command("--branch", "walk")
    assert status == 1
    assert "walk             unit tests                 FAILED" in output
    assert "walk             doctests                   skipped" in output
    assert output.endswith("walk: unit tests failed. It was not made.\n")


def test_what_needs_optional_packages_gets_them(command, ours, speechbrain):
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    table = ours / "upstream" / "walk" / "branch.yaml"
    file = "tests/unittests/test_old.py"
    table.write_text(
        table.read_text().replace("tests/unittests/test_walk.py]", f"{file}]")
    )
    for package, told in (
        ("numba", "passed"),
        ("no_such_package", "skipped"),
    ):
        test = f"import {package}\n\n\ndef test_it():\n    pass\n"
        write_files(speechbrain, {file: test})
        commit(speechbrain)
        status, output = command("--branch", "walk")
        assert status == 0
        assert f"walk             unit tests (optional)      {told}" in output
    assert f"not by this branch: {file}" in output


UNFIT = {
    "a copy of what is there": (
        "walk",
        ("nnet/walk.py", "core.py"),
        "speechbrain/core.py is to be new, but SpeechBrain has it already",
    ),
    "a link to nothing": (
        "walk",
        ("../prepare.py", "../none.py"),
        "leads to ../none.py, which SpeechBrain does not have",
    ),
    "a section before nothing": (
        "walk",
        ("# Two", "# Three"),
        "must have the line '# Three' once; it has it 0 times",
    ),
    "a section of nothing": (
        "walk",
        ("README.md", "NONE.md"),
        "NONE.md is to be changed, but SpeechBrain has no such file",
    ),
    "an append to nothing": (
        "run",
        ("core.py", "none.py"),
        "none.py is to be changed, but SpeechBrain has no such file",
    ),
}


@pytest.mark.parametrize("name, change, message", UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_is_told(name, change, message, command, ours, made):
    before = state(made)
    file = ours / "upstream" / name / "branch.yaml"
    file.write_text(file.read_text().replace(*change))
    status, output = command("--branch", name)
    assert status == 1
    assert f"sb-sma: error: upstream/{name}: " in output
    assert message in output and "Traceback" not in output
    assert state(made) == before


def test_a_patch_that_does_not_fit_is_told(command, ours, made):
    file = ours / "upstream" / "run" / "nnet.patch"
    file.write_text(file.read_text().replace("Networks", "Nets"))
    status, output = command("--branch", "run")
    assert status == 1
    assert "upstream/run: nnet.patch does not fit: " in output
    assert "patch failed: speechbrain/nnet/__init__.py:1" in output


def test_python_that_is_not_valid_is_told(command, ours, speechbrain):
    (ours / "sb_sma" / "walk.py").write_text("def walk(:\n")
    status, output = command()
    assert status == 1
    assert "what would be speechbrain/nnet/walk.py is not valid" in output


def test_rows_are_added_to_the_columns_that_are_there(ours, speechbrain):
    file = ours / "upstream" / "walk" / "branch.yaml"
    row = (
        "    - {Script_file: t.py, Hparam_file: t.yaml, Readme_file: README.md, "
        'performance: none, test_debug_checks: x, test_debug_flags: "a, b"}\n'
    )
    file.write_text(
        f"{file.read_text()}rows:\n  tests/recipes/LJSpeech.csv:\n{row}"
        f"  tests/recipes/MyCorpus.csv:\n{row}{row}"
    )
    branch = read_table(ours)["walk"]
    changes = Changes(branch, ours, speechbrain, lambda text: text, "A 1")
    changes.apply(Checkout(speechbrain))
    assert git(speechbrain, "diff", "tests/recipes").splitlines()[-1] == (
        '+,,t.py,t.yaml,README.md,"a, b"'
    )
    new = (speechbrain / "tests" / "recipes" / "MyCorpus.csv").read_text()
    assert new.splitlines() == [
        "Task,Dataset,Script_file,Hparam_file,Data_prep_file,Readme_file,"
        "Result_url,HF_repo,test_debug_flags,test_debug_checks,performance",
        *[',,t.py,t.yaml,,README.md,,,"a, b",x,none'] * 2,
    ]


# what the checkout is like, and what is told


def test_a_detached_head_is_told(speechbrain, command):
    git(speechbrain, "switch", "--quiet", "--detach")
    status, output = command("--base", "develop")
    assert status == 1 and "has a detached HEAD. Check out a branch" in output


@pytest.mark.parametrize("file", ["new.txt", "speechbrain/core.py"])
def test_work_that_is_not_committed_is_told(file, speechbrain, command):
    write_files(speechbrain, {file: "mine\n"})
    status, output = command()
    assert status == 1
    assert f"has work that is not committed: {file}. Commit it" in output
    assert (speechbrain / file).read_text() == "mine\n"


def test_without_an_identity_the_remedy_is_told(speechbrain, command):
    git(speechbrain, "config", "--unset", "user.email")
    status, output = command()
    assert status == 1 and "git config user.email you@example.org" in output


def test_a_folder_that_is_no_checkout_is_told(tmp_path, command, speechbrain):
    status, output = command(folder=tmp_path / "none")
    assert status == 1 and "there is no folder" in output
    (tmp_path / "empty").mkdir()
    status, output = command(folder=tmp_path / "empty")
    assert status == 1 and "is no checkout of a git repository" in output
    git(tmp_path / "empty", "init", "--quiet")
    status, output = command(folder=tmp_path / "empty")
    assert status == 1
    assert "is no checkout of SpeechBrain: it has no speechbrain/" in output
    git(tmp_path, "clone", "--quiet", "--bare", str(speechbrain), "bare")
    status, output = command(folder=tmp_path / "bare")
    assert status == 1 and "is no checkout of a git repository" in output


def test_an_unknown_branch_or_base_is_told(speechbrain, command):
    status, output = command("--branch", "wlak")
    assert status == 1
    assert "has no branch 'wlak'. Closest known names: walk." in output
    for base in ("none", "--all", "HEAD:README.md"):
        status, output = command(f"--base={base}")
        assert status == 1
        assert f"has no branch, tag or commit '{base}'" in output


def test_missing_tools_are_told(command, monkeypatch):
    monkeypatch.setitem(runner.TOOLS, "yamllint", "no_such_yamllint")
    status, output = command()
    assert status == 1
    assert "yamllint must be installed for SpeechBrain's checks" in output
    assert "pip install -e '.[dev]'" in output


def test_without_the_table_a_clone_is_asked_for(command, ours):
    shutil.rmtree(ours / "upstream")
    status, output = command()
    assert status == 1
    assert "Run the command from a clone of this repository" in output


def test_hooks_and_signatures_of_the_user_are_left_alone(speechbrain, command):
    for hook in ("pre-commit", "post-checkout", "commit-msg"):
        file = speechbrain / ".git" / "hooks" / hook
        file.parent.mkdir(exist_ok=True)
        file.write_text("#!/bin/sh\nexit 1\n")
        file.chmod(0o755)
    git(speechbrain, "config", "commit.gpgsign", "true")
    assert command("--branch", "walk")[0] == 0


def test_a_linked_working_tree_is_a_checkout_too(
    speechbrain, command, tmp_path
):
    linked = tmp_path / "linked"
    git(speechbrain, "worktree", "add", "-q", "-b", "mine", str(linked))
    status, output = command("--branch", "walk", folder=linked)
    assert status == 0
    assert git(speechbrain, "rev-parse", "walk^") == git(
        speechbrain, "rev-parse", "mine"
    )
    assert (speechbrain / ".git" / "sb-sma-upstream" / "walk.md").is_file()
