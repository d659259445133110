"""Training on shards: as on files, and gone on with within an epoch."""

from signal import SIGKILL

import pytest
from safetensors.torch import load_file

from tests.integration.recipe_runs import (
    describe_run,
    read_history,
    refusal_of,
    train_tts,
)

pytest.importorskip(
    "webdataset", reason="needs the extra data: pip install 'sb_sma[data]'"
)
pytestmark = pytest.mark.integration

# with all shards at a time, the order is that of files
FLAGS = ("--number_of_epochs=2", "--max_batch_frames=800")
SHARDS = ("--utterances_per_shard=4", "--mixed_shards=100")
FEW = ("--utterances_per_shard=3", "--mixed_shards=2", "--style=gst")
OFTEN = ("--ckpt_interval_minutes=0", "--ckpt_interval_steps=3")


def succeed(done):
    assert done.returncode == 0, done.stderr[-3000:]


def test_training_on_shards_is_training_on_files(tmp_path):
    for name, flags in (("files", ()), ("shards", SHARDS)):
        succeed(train_tts(tmp_path / name, *FLAGS, "--style=gst", *flags))
    shards = describe_run(tmp_path / "shards")
    assert shards == describe_run(tmp_path / "files")
    assert len(shards["history"]) == 2
    (corpus,) = (tmp_path / "corpus").glob("*/shards")
    path = sorted(corpus.iterdir())[0]
    path.write_bytes(path.read_bytes()[:-100])
    refusal = refusal_of(train_tts, tmp_path / "again", *FLAGS, *SHARDS)
    assert f"is incomplete: shards/{path.name} has " in refusal


@pytest.mark.slow
def test_a_killed_run_on_shards(tmp_path):
    flags = (*FLAGS, *FEW, *OFTEN)
    succeed(train_tts(tmp_path / "whole", *flags))
    whole = describe_run(tmp_path / "whole")
    n_steps = read_history(tmp_path / "whole")[0]["step"]
    for spot in (f"speechbrain.core.Brain.fit_batch:{n_steps + 5}", None):
        # workers change nothing
        how = ("--num_workers=2",) if spot is None else ()
        done = train_tts(tmp_path / "killed", *flags, *how, killed_at=spot)
        assert done.returncode == (-SIGKILL if spot else 0), done.stderr[-3000:]
    killed = describe_run(tmp_path / "killed")
    assert killed == whole


@pytest.mark.slow
def test_a_killed_run_of_two_processes_on_shards(tmp_path):
    flags = (
        *("--number_of_epochs=3", "--max_batch_frames=500", *FEW),
        *("--ckpt_interval_minutes=0", "--ckpt_interval_steps=2"),
        "--distributed_backend=gloo",
    )
    spot = "speechbrain.core.Brain.fit_batch:10"
    for name, killed_at in (
        ("whole", None),
        ("killed", spot),
        ("killed", None),
    ):
        done = train_tts(
            tmp_path / name, *flags, n_processes=2, killed_at=killed_at
        )
        assert bool(done.returncode) == bool(killed_at), done.stderr[-3000:]
    assert describe_run(tmp_path / "killed") == describe_run(tmp_path / "whole")
    model = load_file(tmp_path / "whole" / "model" / "model.safetensors")
    assert all(x.isfinite().all() for x in model.values())
