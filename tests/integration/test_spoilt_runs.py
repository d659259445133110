"""What is not finite, or damaged, costs a run as little as possible."""

import json

import numpy as np
import pytest
from safetensors.torch import load_file

from sb_sma.data.corpus.build_once import load_manifests
from tests.integration.recipe_runs import (
    read_history,
    refusal_of,
    train_g2p,
    train_tts,
)
from tests.integration.spelling import write_dictionary

pytestmark = pytest.mark.integration

FLAGS = ("--max_batch_frames=800",)


def assert_finite(run):
    """Neither figures nor weights are NaN."""
    assert "NaN" not in (run / "history.jsonl").read_text()
    for tensor in load_file(run / "model" / "model.safetensors").values():
        assert tensor.isfinite().all()


def test_speech_with_a_mel_that_is_not_finite(tmp_path):
    run = tmp_path / "run"
    done = train_tts(run, *FLAGS, "--number_of_epochs=1")
    assert done.returncode == 0, done.stderr[-3000:]
    (corpus,) = (tmp_path / "corpus").glob("embedded-*")
    manifests = load_manifests(corpus)

    def spoil(split):
        name, entry = list(manifests[split].items())[0]
        mel = np.load(entry["mel"])
        np.save(
            entry["mel"],
            np.where(np.arange(len(mel))[:, None] < 9, np.inf, mel),
        )
        return name, lambda: np.save(entry["mel"], mel)

    name, mend = spoil("train")
    done = train_tts(run, *FLAGS, "--number_of_epochs=2")
    assert done.returncode == 0, done.stderr[-3000:]
    history = read_history(run)
    assert [r["train"].get("skipped_steps") for r in history] == [None, 1]
    assert_finite(run)
    assert (run / "train_log.txt").read_text().count("- test") == 1
    assert name in (run / "log.txt").read_text()

    impatient = (*FLAGS, "--number_of_epochs=3", "--nonfinite_patience=0")
    done = train_tts(run, *impatient)
    assert done.returncode == 1
    assert "error: The training ends: 1 steps in a row" in done.stderr
    assert name in done.stderr and "Traceback" not in done.stderr
    assert_finite(run)
    mend()
    done = train_tts(run, *impatient)
    assert done.returncode == 0, done.stderr[-3000:]
    assert [record["epoch"] for record in read_history(run)] == [1, 2, 3]

    name, mend = spoil("test")
    told = refusal_of(train_tts, tmp_path / "other", *FLAGS)
    assert (
        f"error: Mels must be finite numbers; got 1 that are not: {name}"
        in told
    )


def test_pronunciations_after_damage(tmp_path):
    run = tmp_path / "run"
    lexicon = write_dictionary(tmp_path / "lexicon")
    flags = (f"--data_folder={lexicon}", "--batch_words=64")
    done = train_g2p(run, *flags, "--number_of_epochs=2")
    assert done.returncode == 0, done.stdout[-3000:]
    (last, *_) = sorted(
        (run / "save").glob("CKPT*"),
        key=lambda folder: json.loads((folder / "history.ckpt").read_text())[
            "minutes"
        ],
        reverse=True,
    )
    content = (last / "model.ckpt").read_bytes()
    (last / "model.ckpt").write_bytes(content[: len(content) // 2])
    done = train_g2p(run, *flags, "--number_of_epochs=3")
    if len(list((run / "save").glob("CKPT*"))) == 1:
        assert done.returncode == 1
        assert f"error: No checkpoint in {run / 'save'} is sound" in done.stderr
        (last / "model.ckpt").write_bytes(content)
        done = train_g2p(run, *flags, "--number_of_epochs=3")
    assert done.returncode == 0, done.stderr[-3000:]
    assert [record["epoch"] for record in read_history(run)] == [1, 2, 3]

    (tmp_path / "other" / "model").mkdir(parents=True)
    (tmp_path / "other" / "model" / "thesis.txt").write_text("mine")
    told = refusal_of(train_g2p, tmp_path / "other", *flags)
    assert "other/model, which must be absent, empty or a model" in told
    assert (tmp_path / "other" / "model" / "thesis.txt").exists()
