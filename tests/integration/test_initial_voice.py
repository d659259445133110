"""A run of speech starts from a voice that another run trained."""

import json

import pytest
import torch
from safetensors.torch import load_file

from sb_sma.inference import TTS
from tests.integration.recipe_runs import (
    read_history,
    refusal_of,
    train_tts as train,
)

pytestmark = pytest.mark.integration

# invented texts have no such ch
TEXTS = """Bach and the loch.
The loch of Bach is loud.
A loch, Bach said.
Bach, a loch and a song.
No loch.
Bach plays a song.
The song of the loch.
Yes, the loch.
"""
TRAINED = ("--number_of_epochs=25", "--lr=0.01", "--warmup_steps=10")


def weights_of(run):
    return load_file(run / "model" / "model.safetensors")


def stats_of(run):
    return json.loads((run / "test_stats.json").read_text())


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    """A finished run that has learnt something."""
    folder = tmp_path_factory.mktemp("voice") / "run"
    done = train(folder, *TRAINED)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def tuned(voice):
    """A run of other texts that starts from it, what it was given, and what it
    said."""
    texts = voice.parent / "texts.txt"
    texts.write_text(TEXTS)
    flags = (
        f"--initial_model={voice / 'model'}",
        f"--texts={texts}",
        "--n_utterances=8",
        "--n_valid=1",
        "--n_test=1",
        "--lr=1e-6",
        "--frozen=[encoder]",
    )
    folder = voice.parent / "tuned"
    done = train(folder, *flags, "--number_of_epochs=1")
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, flags, done.stdout + done.stderr


def test_a_run_starts_where_the_voice_was(voice, tuned):
    folder, _, output = tuned
    untrained = read_history(voice)[0]["valid"]["mel_loss"]
    start, end = (stats_of(each)["mel_loss"] for each in (folder, voice))
    assert start == pytest.approx(end, rel=0.2)
    assert start < 0.7 * untrained
    known, symbols = (
        TTS.from_hparams(source=str(each / "model")).hparams.tokens.symbols
        for each in (voice, folder)
    )
    assert symbols[: len(known)] == known
    assert "x" in symbols[len(known) :]
    new = ", ".join(symbols[len(known) :])
    assert f"never heard {new}, which stay untrained" in output


def test_what_is_frozen_is_exported_as_it_was(voice, tuned):
    found, given = weights_of(tuned[0]), weights_of(voice)
    assert found.keys() == given.keys()
    for name, tensor in given.items():
        if name.startswith(("encoder.", "mel_")):
            assert torch.equal(found[name], tensor), name
    assert any(
        not torch.equal(found[name], tensor)
        for name, tensor in given.items()
        if name.startswith("decoder.")
    )


def test_nothing_of_the_voice_is_lost(voice, tuned):
    folder = voice.parent / "untouched"
    flags = tuned[1][:-1]
    done = train(folder, *flags, "--frozen=[]", "--number_of_epochs=0")
    assert done.returncode == 0, done.stderr[-3000:]
    found, given = weights_of(folder), weights_of(voice)
    assert found.keys() == given.keys()
    for name, tensor in given.items():
        assert torch.equal(found[name], tensor), name


def test_a_run_goes_on_with_the_voice_that_it_began_with(voice, tuned):
    folder, flags, _ = tuned
    for other, message in (
        (f"--initial_model={folder / 'model'}", "initial_model has other con"),
        ("--frozen=[]", "initial_model was"),
    ):
        given = [*flags[1:-1], other, "--number_of_epochs=2"]
        assert message in refusal_of(train, folder, *given)
    done = train(folder, *flags, "--number_of_epochs=2")
    assert done.returncode == 0, done.stderr[-3000:]
    assert [each["epoch"] for each in read_history(folder)] == [1, 2]
    encoder = {k: x for k, x in weights_of(voice).items() if "encoder" in k}
    found = weights_of(folder)
    assert all(torch.equal(found[name], x) for name, x in encoder.items())


@pytest.mark.parametrize(
    "flag, message",
    [
        ("--reduction_factor=2", "reduction_factor: 4 there, 2 here. Give"),
        ("--frozen=[encodr]", "encoder, decoder, postnet; got encodr. Correct"),
        ("--frozen=postnet --initial_model=null", "frozen must be [] for a"),
    ],
    ids=["setting", "part", "blank"],
)
def test_a_mistake_is_told_before_anything_is_written(
    voice, tmp_path, flag, message
):
    given = {"--initial_model": f"--initial_model={voice / 'model'}"}
    given |= {each.split("=")[0]: each for each in flag.split()}
    refusal = refusal_of(train, tmp_path / "run", *given.values())
    assert message in refusal and "error: " in refusal
    assert "Traceback" not in refusal
    assert list(tmp_path.iterdir()) == []


def test_recordings_are_added_to_a_finished_run(voice):
    more = ("--n_utterances=30", "--number_of_epochs=26")
    refusal = refusal_of(train, voice, *more)
    assert "began with something else" in refusal
    assert f"--initial_model={voice}/model with another" in refusal
    initial = f"--initial_model={voice / 'model'}"
    flags = (initial, *more[:1], "--number_of_epochs=1", "--lr=0.001")
    done = train(voice.parent / "more", *flags)
    assert done.returncode == 0, done.stderr[-3000:]
    (record,) = read_history(voice.parent / "more")
    before = read_history(voice)
    assert record["valid"]["mel_loss"] < 0.7 * before[0]["valid"]["mel_loss"]


def test_new_parts_are_learnt_and_can_then_be_frozen(voice, tmp_path):
    flags = [
        *("--speakers=2", "--speaker_width=4", "--style=gst"),
        *("--style_width=8", "--reference_width=8", "--number_of_epochs=1"),
    ]
    first = f"--initial_model={voice / 'model'}"
    done = train(tmp_path / "first", first, *flags)
    assert done.returncode == 0, done.stderr[-3000:]
    output = done.stdout + done.stderr
    assert "has no style and no speakers, which start untrained" in output
    second = f"--initial_model={tmp_path / 'first' / 'model'}"
    flags += ["--frozen=[style, speakers]", "--pitch=60"]
    done = train(tmp_path / "second", second, *flags)
    assert done.returncode == 0, done.stderr[-3000:]
    found, given = (weights_of(tmp_path / each) for each in ("second", "first"))
    for name, tensor in given.items():
        if name.startswith(("style.", "speakers.")):
            assert torch.equal(found[name], tensor), name
