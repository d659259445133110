"""Several processes train one model, and write one run."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from sb_sma.training.recovery.sole_run import held_once_begun
from tests.integration.recipe_runs import (
    ROOT,
    read_history,
    read_observed,
    train_g2p,
    train_tts,
)
from tests.integration.spelling import write_dictionary

pytestmark = pytest.mark.integration

GLOO = "--distributed_backend=gloo"
FAILING = """
import sys, torch
from sb_sma.mistakes import tell_mistakes

with tell_mistakes(__file__):
    torch.distributed.init_process_group("gloo")
    rank = str(torch.distributed.get_rank())
    if rank in sys.argv[1]:
        raise ValueError(f"mels must be finite; got those of {rank}.")
    torch.distributed.all_reduce(torch.zeros(1))
"""


def flags_of(train, folder):
    """A small corpus of some ten batches."""
    if train is train_tts:
        own = ["--max_batch_frames=700", "--samples_every=2"]
        return [GLOO, *own, "--warmup_steps=0"]
    lexicon = folder / "lexicon"
    if not lexicon.exists():
        write_dictionary(lexicon)
    return [GLOO, f"--data_folder={lexicon}", "--batch_words=40"]


def run(train, output_folder, n_processes, *flags, name="seen", **how):
    """Train as several processes, and return what each of them saw."""
    observed = output_folder.parent / name
    if train is train_tts:
        how["yaml"] = "hparams/tts_gst.yaml"
    done = train(
        output_folder,
        *flags_of(train, output_folder.parent),
        *flags,
        n_processes=n_processes,
        observed_in=observed,
        **how,
    )
    assert bool(done.returncode) == ("killed_at" in how), done.stderr[-3000:]
    return read_observed(observed)


def batches_of(rank, epoch):
    """What a process trained on in an epoch, step by step."""
    return [each for each in rank if "noise" in each and each["epoch"] == epoch]


def assert_one_model(ranks):
    """Weights, average and moments are the same to the bit."""
    ends = [
        [
            [end[name] for name in ("weights", "average", "moments", "n_steps")]
            for end in rank
            if "weights" in end
        ]
        for rank in ranks
    ]
    assert ends[0] and all(end == ends[0] for end in ends)


def assert_own_share(ranks, epoch):
    """The batches of a step differ, and so does what is drawn for them."""
    steps = list(zip(*(batches_of(rank, epoch) for rank in ranks)))
    assert len(steps) > 1
    for step in steps:
        seen = sum((batch["ids"] for batch in step), [])
        assert len(seen) == len({*seen})
        assert len({batch["noise"] for batch in step}) == len(ranks)


def assert_counted_once(ranks, epoch):
    """Every process judges each item of the validation set once."""
    judged = [
        sorted(
            name
            for batch in rank
            if batch.get("stage") == "VALID" and batch["epoch"] == epoch
            for name in batch["ids"]
        )
        for rank in ranks
    ]
    assert judged[0] and all(each == judged[0] for each in judged)
    assert len(judged[0]) == len({*judged[0]})


def assert_one_run(folder, n_epochs, n_starts=1):
    """One set of files, each epoch in it once."""
    records = read_history(folder)
    assert [record["epoch"] for record in records] == [*range(1, n_epochs + 1)]
    log = (folder / "train_log.txt").read_text()
    assert log.count(" - train ") == n_epochs
    assert log.count(f"epoch: {n_epochs} - test") == 1
    curves = (folder / "tensorboard").glob("events*")
    # their names end with the process and a number
    assert len({path.suffixes[-2] for path in curves}) == n_starts
    assert (folder / "index.html").exists() and (folder / "model").is_dir()
    assert len(list(folder.glob("save/CKPT*"))) <= 2


@pytest.mark.parametrize("train", [train_tts, train_g2p])
def test_two_processes_train_one_model(tmp_path, train):
    folder = tmp_path / "run"
    ranks = run(train, folder, 2, "--number_of_epochs=2")
    assert len(ranks) == 2
    assert_one_model(ranks)
    for epoch in (1, 2):
        assert_own_share(ranks, epoch)
        assert_counted_once(ranks, epoch)
    assert_one_run(folder, n_epochs=2)


@pytest.mark.slow
@pytest.mark.parametrize("train", [train_tts, train_g2p])
def test_figures_are_those_of_one_process(tmp_path, train):
    folder = tmp_path / "run"
    run(train, folder, 2, "--number_of_epochs=1")
    # nothing is left to train
    tested = {}
    for n_processes in (1, 4, 2):
        run(train, folder, n_processes, "--number_of_epochs=1", name="again")
        text = (folder / "test_stats.json").read_text()
        tested[n_processes] = json.loads(text)
    for n_processes in (2, 4):
        assert tested[n_processes] == pytest.approx(tested[1], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("train", [train_tts, train_g2p])
def test_a_run_goes_on_in_another_number_of_processes(tmp_path, train):
    folder = tmp_path / "run"
    flags = [
        "--number_of_epochs=3",
        "--ckpt_interval_minutes=0",
        "--ckpt_interval_steps=1",
    ]
    whole = run(train, tmp_path / "whole", 1, *flags, name="whole_seen")[0]
    items = Counter(sum((b["ids"] for b in batches_of(whole, 2)), []))
    n_batches = len(batches_of(whole, 2))
    assert n_batches > 8
    # 3 steps of the second epoch are kept, then 2 more, each with one that is
    # lost with its process
    in_first = -(-n_batches // 2)
    spot = f"speechbrain.core.Brain.fit_batch:{in_first + 4}"
    two = run(train, folder, 2, *flags, name="two", killed_at=spot)
    spot = "speechbrain.core.Brain.fit_batch:3"
    one = run(train, folder, 1, *flags, name="one", killed_at=spot)
    four = run(train, folder, 4, *flags, name="four")
    assert_one_model(two)
    assert_one_model(four)
    assert_own_share(four, 3)
    assert_counted_once(four, 2)
    assert_one_run(folder, n_epochs=3, n_starts=3)
    kept = [
        *(batch for rank in two for batch in batches_of(rank, 2)[:3]),
        *batches_of(one[0], 2)[:2],
        *(batch for rank in four for batch in batches_of(rank, 2)),
    ]
    seen = Counter(sum((batch["ids"] for batch in kept), []))
    assert {*seen} == {*items}
    # a batch may come twice where they do not divide evenly
    n_most = max(len(batch["ids"]) for batch in kept)
    assert seen.total() - items.total() <= 3 * n_most
    # as far as the whole run, where the rate falls to 0
    rates = [
        [record["lr"] for record in read_history(each)]
        for each in (folder, tmp_path / "whole")
    ]
    assert rates[0][-1] < 0.3 * max(rates[0])
    assert rates[0] == pytest.approx(rates[1], abs=0.3 * max(rates[1]))


@pytest.mark.parametrize("train", [train_tts])
def test_another_run_is_refused_and_these_are_ended(tmp_path, train):
    folder = tmp_path / "run"
    script = (
        "import sys\n"
        "from sb_sma.training.recovery.sole_run import held_once_begun\n"
        "with held_once_begun(sys.argv[1]):\n    pass\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder / "save")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        other.stdout.readline()
        done = train(folder, *flags_of(train, tmp_path), n_processes=2)
        other.stdin.close()
    assert done.returncode != 0
    assert done.stderr.count("error: ") == 1
    assert "in use by another run" in done.stderr
    with held_once_begun(folder / "save"):
        pass


@pytest.mark.parametrize("who", ["01", "0", "1"])
def test_a_process_that_fails_ends_the_others(tmp_path, who):
    script = tmp_path / "failing.py"
    script.write_text(FAILING)
    launcher = ["-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [sys.executable, *launcher, "--nproc_per_node=2", str(script), who],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if "error: " in line]
    assert told == [f"error: mels must be finite; got those of {who[0]}."]
    # torchrun has one of its own
    assert done.stderr.count("Traceback (most recent call last)") == 1
