"""Arguments of a wrong type or range are refused by name, in every way to call."""

import math

import numpy as np
import pytest
import torch

from sb_sma.inference import G2P, TTS


@pytest.fixture(scope="module")
def tts(exported_speakers):
    return TTS.from_hparams(source=str(exported_speakers))


@pytest.fixture(scope="module")
def g2p(exported_g2p):
    return G2P.from_hparams(source=str(exported_g2p))


def call(tts, way, text="No.", **arguments):
    result = getattr(tts, way)(text, **arguments)
    return list(result) if way == "stream" else result


WAYS = ["speak", "encode_text", "synthesize", "stream"]
STYLE = (1, 8)
WRONG = {
    "mode": [1, "loud", ["soft"], True],
    "pace": [0, -1, math.inf, math.nan, "2", None, True, [1], 10**400],
    "seed": [1.5, "1", True, 2**64, -(2**63) - 1, [1], math.nan],
    "style": [
        *(1, "x", [1.0], True, np.zeros(STYLE)),
        torch.zeros(8),
        torch.zeros(3, 8),
        torch.zeros(1, 3),
        torch.zeros(STYLE, dtype=torch.int64),
        torch.full(STYLE, math.nan),
        torch.full(STYLE, math.inf),
    ],
    "speaker": [0, 1.5, True, [0], ["225", "no"], [], {}, b"225", "anna"],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", WRONG)
def test_each_argument_is_refused_by_its_name(tts, way, name):
    for value in WRONG[name]:
        with pytest.raises(ValueError, match=rf"{name} must .*; got "):
            call(tts, way, **{name: value})


@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_text_is_refused(tts, way):
    wrong = [None, 1, math.nan, b"a", ["a", 1], [["a"]], [], {}, {"a": 1}]
    for value in wrong:
        with pytest.raises(ValueError, match="texts? must be .*; got "):
            call(tts, way, value)


def test_a_stream_is_of_one_text(tts):
    with pytest.raises(ValueError, match=r"text must be a string; got \['a'"):
        tts.stream(["a", "b"])


@pytest.mark.parametrize("way", WAYS[:3])
def test_progress_is_a_switch(tts, way):
    for value in ("yes", 1, None, []):
        with pytest.raises(ValueError, match="progress must be True or False"):
            call(tts, way, progress=value)


@pytest.mark.parametrize(
    "value", [0, -1, math.inf, math.nan, "1", None, True, [1], 1e308], ids=str
)
def test_a_chunk_has_a_length(tts, value):
    message = "chunk_seconds must be above 0; got .* at most 3600"
    with pytest.raises(ValueError, match=message):
        tts.stream("No.", chunk_seconds=value)


@pytest.mark.parametrize(
    "mel",
    [
        *(None, 1, "x", [[0.0] * 80], np.zeros((5, 80))),
        torch.zeros(5),
        torch.zeros(5, 79),
        torch.zeros(1, 5, 80),
        torch.zeros(1, 80),
        torch.zeros(5, 80, dtype=torch.int64),
        torch.full((5, 80), math.nan),
        torch.full((5, 80), math.inf),
    ],
    ids=lambda mel: f"{type(mel).__name__} {getattr(mel, 'shape', mel)}"[:40],
)
def test_what_is_no_mel_is_refused(tts, mel):
    with pytest.raises(ValueError, match="mel must .*; got "):
        tts.to_waveform(mel)


def test_numbers_of_numpy_are_numbers(tts, g2p):
    spoken = tts.speak("No.", seed=np.int64(3), pace=np.float64(1.0))
    expected = tts.speak("No.", seed=3)
    assert torch.equal(spoken[0].mel, expected[0].mel)
    assert g2p.n_best(["cab"], np.int64(2)) == g2p.n_best(["cab"], 2)


@pytest.mark.parametrize("way", ["forward", "read", "n_best"])
def test_what_is_no_list_of_words_is_refused(g2p, way):
    others = [2] if way == "n_best" else []
    for value in (None, 1, b"a", "a", ["a", 1], [None], {"a": 1}):
        with pytest.raises(ValueError, match="words must be .*; got "):
            getattr(g2p, way)(value, *others)
    for value in (1, True, ["eng"], b"eng", "eng"):
        with pytest.raises(ValueError, match="language must be .*; got "):
            getattr(g2p, way)(["cab"], *others, language=value)


COUNTS = [0, -1, 1.5, "2", True, math.inf, math.nan, [1], 10**9]


@pytest.mark.parametrize("value", COUNTS, ids=str)
def test_what_is_no_count_is_refused(g2p, value):
    for way, others in (("forward", []), ("n_best", [1]), ("decode", [])):
        words = [[2]] if way == "decode" else ["cab"]
        with pytest.raises(ValueError, match="beam_size must be .*; got "):
            getattr(g2p, way)(words, *others, beam_size=value)
    with pytest.raises(ValueError, match="n must be 1 or more.*; got "):
        g2p.n_best(["cab"], value)
    with pytest.raises(ValueError, match="n must be 1 or more.*; got "):
        g2p.decode([[2]], value)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, "a", [1], ["a"], [[]], [[0]], [[-1]], [[5]], [[1.5]]),
        *([None], [[True]], torch.tensor([[2]])),
    ],
    ids=str,
)
def test_what_encode_never_gives_is_refused(g2p, value):
    for way in (g2p.decode, lambda words: g2p.weigh(words, [[["AH"]]])):
        with pytest.raises(ValueError, match="graphemes must be .*; got "):
            way(value)


@pytest.mark.parametrize(
    "value", [None, 1, "a", [1], [[1]], [[[1]]], [["AH"]], [[None]]], ids=str
)
def test_what_is_no_pronunciation_is_refused(g2p, value):
    with pytest.raises(ValueError, match="pronunciations must be .*; got "):
        g2p.weigh([[2]], value)


def test_a_word_and_a_model_are_told_from_others(g2p, tts):
    for value in (None, 1, b"a", ["a"]):
        with pytest.raises(ValueError, match="word must be a string; got "):
            g2p.encode(value)
    for value in (None, g2p, "a", [1], [tts]):
        with pytest.raises(ValueError, match="others must be a list of models"):
            g2p.join(value)
    with pytest.raises(ValueError, match="language must be a string, or None"):
        g2p.check_language(1)
