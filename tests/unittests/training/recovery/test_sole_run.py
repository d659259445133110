"""One run at a time in a folder, and no trace of a run that has not begun."""

import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from sb_sma.data.corpus.plan import Corpus
from sb_sma.training.recipe_frame import Start

PROGRAM = """
import sys
from types import SimpleNamespace
from sb_sma.data.corpus.plan import Corpus
from sb_sma.training.recipe_frame import Start

options = SimpleNamespace(debug=False, debug_persistently=False)
plan = lambda: Corpus("a", {}, lambda folder: None)
Start(plan, sys.argv[1], options, output_folder=sys.argv[2])
print("ready", flush=True)
sys.stdin.read()
"""


def begin(save_folder, debug=False, plan=None, output_folder=None):
    options = SimpleNamespace(debug=debug, debug_persistently=False)
    plan = plan or (lambda: Corpus("a", {}, lambda folder: None))
    return Start(plan, save_folder, options, output_folder=output_folder)


@pytest.fixture
def other(repository, tmp_path):
    """Another process that runs in a folder."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tmp_path / "run" / "save"]
        + [tmp_path / "run"],
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize("debug", [False, True], ids=["run", "trial"])
def test_a_second_run_is_refused_at_once(other, tmp_path, debug):
    (tmp_path / "link").symlink_to(tmp_path / "run")
    before = sorted(tmp_path.rglob("*"))
    for folder in ("run", "link"):
        with pytest.raises(ValueError, match="in use by another run") as error:
            begin(tmp_path / folder / "save", debug, plan=pytest.fail)
        assert "Give another --output_folder, or wait" in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_two_runs_with_one_output_are_refused_wherever_they_save(
    other, tmp_path
):
    with pytest.raises(ValueError, match="in use by another run"):
        begin(tmp_path / "elsewhere", output_folder=tmp_path / "run")
    begin(tmp_path / "elsewhere", output_folder=tmp_path / "another")


@pytest.mark.parametrize("end", [signal.SIGKILL, None], ids=["kill", "end"])
def test_a_run_that_ends_frees_its_folder(other, tmp_path, end):
    if end is None:
        other.communicate("")
        assert not (tmp_path / "run").exists()
    else:
        other.send_signal(end)
        other.wait()
    begin(tmp_path / "run" / "save")
    # one process may run there twice
    begin(tmp_path / "run" / "save")


def test_a_run_that_does_not_begin_leaves_nothing(tmp_path):
    def plan():
        raise ValueError("no data")

    for _ in range(2):
        with pytest.raises(ValueError, match="no data"):
            begin(tmp_path / "results" / "run" / "save", plan=plan)
    assert list(tmp_path.iterdir()) == []
