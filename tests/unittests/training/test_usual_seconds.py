"""A trained model says how long its tokens usually last."""

from dataclasses import replace

import pytest

from sb_sma.inference import TTS
from sb_sma.inference.token_seconds import TokenSeconds
from sb_sma.training.usual_seconds import measure_usual_seconds


@pytest.fixture
def tts(exported):
    return TTS.from_hparams(source=str(exported[2]))


def measure(tts, token_lists, **changed):
    names = ("decoding", "mel_settings", "stop_rule")
    hparams = {name: getattr(tts.hparams, name) for name in names}
    return measure_usual_seconds(
        tts.mods.model,
        hparams | changed,
        tts.hparams.tokens,
        token_lists,
        speaker=None,
    )


def test_it_is_what_the_model_says_of_these_texts(tts, texts):
    many = texts * 15
    by_token = measure(tts, [tts.tokens(text) for text in many])
    assert sorted(by_token) == sorted(tts.hparams.tokens.symbols)
    timings = [
        item.timings[0][1] for item in tts.speak(many, seed=0, split=False)
    ]
    for timing in timings:
        timing.tell_times()
    usual = timings[0].times.usual()
    described = TokenSeconds.describe(usual, tts.hparams.tokens.symbols)
    assert by_token == described


def test_a_model_that_does_not_end_knows_nothing(tts, texts):
    early = replace(tts.hparams.stop_rule, max_seconds_per_token=0.01)
    token_lists = [tts.tokens(text) for text in texts * 15]
    assert measure(tts, token_lists, stop_rule=early) is None
