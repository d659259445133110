"""``sb-sma synthesize`` in a style."""

import shutil

import numpy as np
import pytest
import soundfile

from sb_sma.cli import main
from sb_sma.data.espeak.voice import VoiceSettings, speak


@pytest.fixture
def say(exported_gst, tmp_path, texts, capsys):
    """Speak a text in a style: the samples, or what went wrong."""

    def run(*options, model=exported_gst):
        out = tmp_path / "said.wav"
        arguments = ["--model", model, "--text", texts[1], "--out", out]
        arguments = ["synthesize", *arguments, "--seed", 0, *options]
        if main([str(argument) for argument in arguments]):
            return capsys.readouterr().err
        return soundfile.read(out)[0]

    return run


@pytest.fixture
def wavs(tmp_path):
    """A slow and a fast recording."""
    for rate in (100, 250):
        speech = speak("One, two, three.", VoiceSettings(rate=rate))
        soundfile.write(tmp_path / f"{rate}.wav", speech.samples, 22050)
    return [str(tmp_path / f"{rate}.wav") for rate in (100, 250)]


def test_tokens_are_chosen_in_two_ways(say):
    one = say("--style_token", "3=-2.5")
    assert np.array_equal(one, say("--style_weights", '{"3": -2.5}'))
    assert not np.array_equal(one, say("--style_token", "3"))
    assert np.array_equal(
        say("--style_token", "3"), say("--style_weights", '{"3": 1}')
    )


def test_a_recording_and_a_mix_of_two(say, wavs):
    slow, fast = wavs
    alone = say("--style_wav", slow)
    weighted = say("--style_wav", slow, f"{fast}=0")
    np.testing.assert_allclose(weighted, alone, atol=1e-3)
    equals = f"{slow}=0.wav"
    shutil.copy(slow, equals)
    assert np.array_equal(alone, say("--style_wav", equals))
    mixed = say("--style_wav", f"{slow}=0.5", f"{fast}=0.5")
    assert mixed.shape != alone.shape or not np.array_equal(mixed, alone)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--style_token", "ten"], "from 0 to 9; got 'ten'"),
        (["--style_token", "3=much"], "a number after the last =; got 3=much"),
        (["--style_weights", "0.3"], "must name tokens and their weights"),
        (["--style_weights", "{3: 1}"], "--style_weights must be JSON"),
        (["--style_weights", '{"3": 1, "3": 2}'], "name each token once"),
        (["--style_wav", "nowhere.wav"], "nowhere.wav cannot be read"),
    ],
    ids=["token", "scale", "no dict", "no json", "twice", "no file"],
)
def test_what_cannot_be_read_is_told_in_one_line(say, options, message):
    error = say(*options)
    assert message in error and len(error.splitlines()) == 1


def test_a_model_without_styles_says_so(say, exported):
    error = say("--style_token", "3", model=exported[2])
    assert "must have styles" in error
