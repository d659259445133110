"""The branches of the table, on SpeechBrain itself.

``SPEECHBRAIN_CHECKOUT`` names one clone of its repository, or several as
``PATH`` does; ``SPEECHBRAIN_PYTHONS`` more interpreters that have PyTorch. What
takes more than a minute is slow.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from sb_sma.upstream.rewriting import spelling_of
from sb_sma.upstream.table import branches_below, read_table
from tests.upstream.conftest import (
    PULL_REQUEST,
    PYTHONS,
    git,
    needs_checkout,
    run,
    worktree,
    write_files,
)

# what was promised
BUDGETS = {
    "sma-attention": 350,
    "tts-transformer": 750,
    "g2p-sma": 50,
    "guided-loss": 100,
    "checkpointer": 80,
    "sampler": 30,
    "triton": 400,
    "inference": 150,
}
BRANCHES = list(BUDGETS)

pytestmark = [pytest.mark.integration, needs_checkout]


def test_one_branch_is_made_and_removed(clone):
    root = clone()
    heads = git(root, "for-each-ref")
    status, output = run("--speechbrain", root, "--branch", "sampler")
    assert status == 0, output
    assert git(root, "status", "--porcelain") == ""
    assert run("--speechbrain", root, "--remove")[0] == 0
    assert git(root, "for-each-ref") == heads


@pytest.fixture(scope="module")
def made(clone):
    """All branches, made once, and what was printed."""
    root = clone()
    status, output = run("--speechbrain", root)
    assert status == 0, output
    return root, output


def parent_of(repository, name):
    return read_table(repository)[name].builds_on or "base"


@pytest.mark.slow
@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_keeps_its_budget(name, made, repository):
    root, _ = made
    numbers = git(root, "diff", "--numstat", parent_of(repository, name), name)
    added = sum(int(line.split()[0]) for line in numbers.splitlines())
    assert 0 < added <= BUDGETS[name]
    assert git(root, "rev-parse", f"{name}^") == git(
        root, "rev-parse", parent_of(repository, name)
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_has_no_trace_of_this_package(name, made):
    root, _ = made
    trace = re.compile("sb[-_ ]?sma", re.IGNORECASE)
    change = git(root, "diff", "base", name)
    added = [line for line in change.splitlines() if line[:1] == "+"]
    assert list(filter(trace.search, added)) == []
    names = git(root, "ls-tree", "-r", "--name-only", name)
    assert not trace.search(names)
    assert not trace.search(git(root, "log", "--format=%B", f"base..{name}"))


@pytest.mark.slow
@pytest.mark.parametrize("name", BRANCHES)
def test_every_check_was_run(name, made, repository):
    _, output = made
    branch = read_table(repository)[name]
    rows = [r.split() for r in output.splitlines() if r.startswith(f"{name} ")]
    told = [" ".join(row[1:]) for row in rows]
    wanted = ["lines", "names", "imports", "docstrings", "whitespace"]
    wanted += ["ruff format", "ruff check", "codespell", "consistency"]
    wanted += ["unit tests", "doctests", "nothing left"]
    if branch.rows:
        wanted += ["yamllint", "YAML loads passed", "recipe tests passed"]
    for check in wanted:
        assert any(line.startswith(check) for line in told), check


@pytest.mark.slow
@pytest.mark.parametrize("name", BRANCHES)
def test_mel_spectrograms_are_spelt_as_in_the_checkout(name, made):
    root, _ = made
    change = git(root, "diff", "base", name)
    added = "\n".join(x for x in change.splitlines() if x[:1] == "+")
    assert set(re.findall(r"\bmel_spectr?ogram\b", added)) <= {
        spelling_of(root)
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", BRANCHES)
def test_the_text_shows_results_or_says_that_there_are_none(
    name, made, repository
):
    root, _ = made
    text = (root / ".git" / "sb-sma-upstream" / f"{name}.md").read_text()
    results = read_table(repository)[name].results
    assert ("There are no results" in text) == (results is None)
    if results is not None:
        for row in json.loads(results.read_text())["table"]:
            assert str(next(iter(row.values()))) in text
    assert "| `pytest tests/consistency` | 6 passed" in text
    assert "{results}" not in text and "{commands}" not in text
    assert "## PR review" in text


@pytest.mark.slow
def test_a_second_run_changes_no_commit(made):
    root, _ = made
    heads = git(root, "for-each-ref")
    for name in ("guided-loss", "sampler"):
        status, output = run("--speechbrain", root, "--branch", name)
        assert status == 0 and "(unchanged)" in output
    assert git(root, "for-each-ref") == heads


PARITY = """
import torch
import speechbrain
assert speechbrain.__file__.startswith({tree!r}), speechbrain.__file__

from sb_sma.attention.monotonic.stepwise import StepwiseMonotonicMHA
from sb_sma.models.minimal_tts import TransformerTTS as Here
from speechbrain.lobes.models.TransformerTTS import TransformerTTS as There
from speechbrain.nnet.monotonic_attention import StepwiseMonotonicAttention

sizes = dict(d_model=16, nhead=2, moves_per_query=2)
here, there = StepwiseMonotonicMHA(**sizes), StepwiseMonotonicAttention(**sizes)
there.load_state_dict(here.state_dict(), strict=True)
query, memory = torch.randn(3, 7, 16), torch.randn(3, 5, 16)
mask = torch.arange(5) >= torch.tensor([[5], [3], [1]])
for ours, theirs in zip(
    here(query, memory, memory, key_padding_mask=mask),
    there(query, memory, memory, key_padding_mask=mask),
):
    torch.testing.assert_close(theirs, ours, rtol=1e-5, atol=1e-6)

sizes = dict(
    n_symbols=9, n_mel_channels=4, d_model=8, nhead=2, num_encoder_layers=1,
    num_decoder_layers=1, d_ffn=8, cross_attention_type="SMA",
)
here, there = Here(**sizes).eval(), There(**sizes).eval()
there.load_state_dict(here.state_dict(), strict=True)
tokens, lens = torch.randint(1, 9, (2, 6)), torch.tensor([1.0, 0.5])
mels = torch.randn(2, 8, 4)
torch.manual_seed(0)
ours = here(tokens, lens, mels, lens)
torch.manual_seed(0)
theirs = there(tokens, lens, mels, lens)
for one, other in zip(ours, theirs):
    torch.testing.assert_close(other, one, rtol=1e-5, atol=1e-6)
"""


@pytest.mark.slow
def test_weights_of_this_package_load_and_give_the_same(
    made, repository, tmp_path
):
    root, _ = made
    with worktree(root, "tts-transformer", tmp_path / "tree") as tree:
        path = os.pathsep.join([str(tree), str(repository)])
        done = subprocess.run(
            [sys.executable, "-c", PARITY.format(tree=str(tree))],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", BRANCHES)
@pytest.mark.parametrize("python", PYTHONS, ids=PYTHONS)
def test_new_tests_pass_in_other_versions_of_python(
    python, name, made, repository, tmp_path
):
    root, _ = made
    branch = branches_below(read_table(repository), name)[-1]
    parent = parent_of(repository, name)
    new = git(root, "diff", "--name-only", "--diff-filter=A", parent, name)
    tests = [file for file in branch.tests if file in new.splitlines()]
    if not tests:
        pytest.skip(f"{name} has no new files of tests")
    with worktree(root, name, tmp_path / "tree") as tree:
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout + done.stderr


# a recipe that does next to nothing, and what breaks it

RECIPE = '''\
"""Recipe for training nothing."""

import sys

from hyperpyyaml import load_hyperpyyaml

import speechbrain as sb

if __name__ == "__main__":
    hparams_file, run_opts, overrides = sb.parse_arguments(sys.argv[1:])
    with open(hparams_file, encoding="utf-8") as fin:
        hparams = load_hyperpyyaml(fin, overrides)
    sb.create_experiment_directory(
        experiment_directory=hparams["output_folder"],
        hyperparams_to_save=hparams_file,
        overrides=overrides,
    )
    print(hparams["data_folder"])
'''

YAML = """\
data_folder: !PLACEHOLDER
output_folder: results/nothing
"""

TABLE = """\
title: Add a recipe that trains nothing
max_lines: 70
copies:
  train.py: recipes/LJSpeech/TTS/nothing/train.py
  train.yaml: recipes/LJSpeech/TTS/nothing/hparams/train.yaml
  sb_sma/walk.py: speechbrain/nnet/walk.py
  test_walk.py: tests/unittests/test_walk.py
tests: [tests/unittests/test_walk.py]
"""

ROWS = """\
rows:
  tests/recipes/LJSpeech.csv:
    - Task: TTS
      Dataset: LJSpeech
      Script_file: recipes/LJSpeech/TTS/nothing/train.py
      Hparam_file: recipes/LJSpeech/TTS/nothing/hparams/train.yaml
      Readme_file: recipes/LJSpeech/TTS/README.md
      test_debug_flags: --data_folder=tests/samples/TTS
      test_debug_checks: "file_exists=[train.py,hyperparams.yaml]"
"""

WALK = '''\
"""Walks."""


def walk(steps):
    """Walk.

    Arguments
    ---------
    steps : int
        How many.

    Returns
    -------
    steps : int
        As many.

    Example
    -------
    >>> walk(3)
    3
    """
    return steps
'''

NOTHING = {
    "train.py": RECIPE,
    "train.yaml": YAML,
    "sb_sma/walk.py": WALK,
    "test_walk.py": "from speechbrain.nnet.walk import walk\n\n\n"
    "def test_walk(device):\n    assert walk(2) == 2\n",
    "upstream/order.yaml": "- nothing\n",
    "upstream/nothing/branch.yaml": TABLE + ROWS,
    "upstream/nothing/pull_request.md": PULL_REQUEST,
}

# what is other, which check tells, and what
BROKEN = {
    "a YAML file without a row": (
        {"upstream/nothing/branch.yaml": TABLE},
        "consistency",
        "is not listed in LJSpeech.csv",
    ),
    "a key that the script does not use": (
        {"train.yaml": YAML + "number_of_walks: 1\n"},
        "consistency",
        'variable "number_of_walks" not used',
    ),
    "a row without flags": (
        {
            "upstream/nothing/branch.yaml": TABLE
            + ROWS.replace("test_debug_flags", "performance")
        },
        "consistency",
        "test_debug_flags are missing in LJSpeech.csv",
    ),
    "a class without a docstring": (
        {"sb_sma/walk.py": WALK + "\n\nclass _Walk:\n    pass\n"},
        "docstrings",
        "_Walk has no docstring",
    ),
    "a name that the YAML cannot load": (
        {
            "train.yaml": YAML + "net: !new:speechbrain.nnet.walk.Run\n",
            "train.py": RECIPE + '    print(hparams["net"])\n',
        },
        "YAML loads",
        "",
    ),
    "a recipe that ends early": (
        {"train.py": RECIPE + '    raise RuntimeError("no batch")\n'},
        "recipe tests",
        "RuntimeError: no batch",
    ),
    "a recipe that lacks a file": (
        {"train.py": RECIPE.replace("hparams_file,\n", "None,\n", 1)},
        "recipe tests",
        "does not contain the expected file",
    ),
    "a recipe that needs another package": (
        {"train.py": RECIPE + '    __import__("matplotlib")\n'},
        "recipe tests",
        "ModuleNotFoundError: ",
    ),
    "a recipe that needs this package": (
        {"train.py": RECIPE + '    __import__("sb" + "_sma")\n'},
        "recipe tests",
        "ModuleNotFoundError: ",
    ),
    "a recipe that writes into the samples": (
        {
            "train.py": RECIPE
            + '    with open(hparams["data_folder"] + "/a.txt", "w") as out:\n'
            '        out.write("a")\n'
        },
        "nothing left",
        "tests/samples/TTS/a.txt",
    ),
}


@pytest.fixture(scope="module")
def untouched(clone):
    return clone()


@pytest.mark.slow
def test_a_recipe_that_trains_nothing_passes(untouched, tmp_path):
    write_files(tmp_path, NOTHING)
    status, output = run("--speechbrain", untouched, here=tmp_path)
    assert status == 0, output
    assert re.search("recipe tests +passed", output)
    assert run("--speechbrain", untouched, "--remove", here=tmp_path)[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("changed, check, told", BROKEN.values(), ids=BROKEN)
def test_what_breaks_a_recipe_is_found(
    changed, check, told, untouched, tmp_path
):
    write_files(tmp_path, {**NOTHING, **changed})
    heads = git(untouched, "for-each-ref")
    status, output = run("--speechbrain", untouched, here=tmp_path)
    assert status == 1
    assert re.search(f"{check} +FAILED", output), output
    assert told in output
    assert git(untouched, "for-each-ref") == heads


@pytest.mark.slow
def test_the_speechbrain_that_is_tested_is_the_checkout(clone, tmp_path):
    """A fault of the checkout alone is seen by tests, examples and recipes."""
    root = clone()
    file = root / "speechbrain" / "nnet" / "linear.py"
    file.write_text(
        file.read_text() + '\nraise RuntimeError("of the checkout")\n'
    )
    git(root, "commit", "--quiet", "--all", "--message", "broken")
    line = "import speechbrain.nnet.linear\n"
    changed = {
        "train.py": RECIPE + "    print(sb.nnet.linear.Linear)\n",
        "sb_sma/walk.py": WALK.replace(
            '"""Walks."""\n', f'"""Walks."""\n\n{line}'
        ),
    }
    changed["sb_sma/walk.py"] += "\n\n_LINEAR = speechbrain.nnet.linear\n"
    write_files(tmp_path, {**NOTHING, **changed})
    status, output = run("--speechbrain", root, here=tmp_path)
    assert status == 1
    for check in ("unit tests", "doctests", "recipe tests"):
        assert re.search(rf"{check} +FAILED", output), check
    assert output.count("RuntimeError: of the checkout") >= 3
    shutil.rmtree(root)
