"""A run that is killed, at whatever moment, ends as one that was not."""

from signal import SIGKILL

import pytest

from tests.integration.recipe_runs import describe_run, train_g2p, train_tts
from tests.integration.spelling import write_dictionary

pytestmark = [pytest.mark.integration, pytest.mark.slow]

OFTEN = ("--ckpt_interval_minutes=0", "--ckpt_interval_steps=3")


def test_a_killed_run_of_speech(tmp_path):
    flags = ("--number_of_epochs=3", "--max_batch_frames=800", *OFTEN)
    done = train_tts(tmp_path / "whole", *flags)
    assert done.returncode == 0, done.stderr[-3000:]
    for spot in (
        "speechbrain.core.Brain.fit_batch:14",  # of 8 in an epoch
        "speechbrain.core.Brain.evaluate_batch:1",
        "torch.save:2",  # when the epoch is in the logs
        None,
    ):
        done = train_tts(tmp_path / "killed", *flags, killed_at=spot)
        assert done.returncode == (-SIGKILL if spot else 0), done.stderr[-3000:]
    whole = describe_run(tmp_path / "whole")
    assert describe_run(tmp_path / "killed") == whole
    assert [record["step"] for record in whole["history"]] == [8, 16, 24]


def test_a_killed_run_of_pronunciations(tmp_path):
    flags = (
        f"--data_folder={write_dictionary(tmp_path / 'lexicon')}",
        "--number_of_epochs=2",
        "--batch_words=64",
        *OFTEN,
    )
    done = train_g2p(tmp_path / "whole", *flags)
    assert done.returncode == 0, done.stdout[-3000:]
    whole = describe_run(tmp_path / "whole")
    n_batches = whole["history"][0]["step"]
    assert n_batches > 5
    for spot in (f"speechbrain.core.Brain.fit_batch:{n_batches + 5}", None):
        done = train_g2p(tmp_path / "killed", *flags, killed_at=spot)
        assert done.returncode == (-SIGKILL if spot else 0), done.stdout[-3000:]
    assert describe_run(tmp_path / "killed") == whole


def test_a_killed_run_of_two_processes(tmp_path):
    flags = (
        "--number_of_epochs=4",
        "--max_batch_frames=500",
        "--distributed_backend=gloo",
        "--ckpt_interval_minutes=0",
        "--ckpt_interval_steps=2",
    )
    spot = "speechbrain.core.Brain.fit_batch:10"
    for folder, killed_at in (
        ("whole", None),
        ("killed", spot),
        ("killed", None),
    ):
        done = train_tts(
            tmp_path / folder,
            *flags,
            yaml="hparams/tts_gst.yaml",
            n_processes=2,
            killed_at=killed_at,
        )
        assert bool(done.returncode) == bool(killed_at), done.stderr[-3000:]
    whole = describe_run(tmp_path / "whole")
    assert describe_run(tmp_path / "killed") == whole
