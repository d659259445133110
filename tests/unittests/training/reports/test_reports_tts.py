"""The page of a TTS run: what is shown beside each other says the same."""

import numpy as np
import pytest
import soundfile
import torch
from matplotlib.figure import Figure

from sb_sma import TTS
from sb_sma.data.espeak.voice import phonemize, speak
from sb_sma.data.speech.mel import LogMel
from sb_sma.training.reports.tts import write_tts_report


def test_sentences_are_read_as_in_the_corpus(exported, tmp_path):
    _, _, folder = exported
    text, spelled = "No, 1984.", "No, nineteen hundred eighty four."
    tts = TTS.from_hparams(source=str(folder))
    assert phonemize(text) == phonemize(spelled) != tts.tokens(text)
    speech = speak(text)
    samples = speech.samples.astype("float32") / 2**15
    soundfile.write(tmp_path / "a.wav", samples, speech.sample_rate)
    np.save(tmp_path / "a.npy", LogMel()(torch.from_numpy(samples)[None])[0])
    entry = {
        "text": text,
        "tokens": list(speech.tokens),
        "wav": str(tmp_path / "a.wav"),
        "mel": str(tmp_path / "a.npy"),
    }
    page = write_tts_report(
        tmp_path, folder, {"a": entry}, {"a": Figure()}, [], {}
    )
    assert page == tmp_path / "index.html"
    said, _ = soundfile.read(tmp_path / "report" / "a.wav", dtype="float32")
    (expected,), _ = tts.synthesize([spelled], seed=0)
    np.testing.assert_allclose(said, expected.numpy(), atol=1e-4)
    # what the vocoder alone makes of the recording
    heard, _ = soundfile.read(tmp_path / "report" / "vocoded" / "a.wav")
    vocoded = tts.to_waveform(torch.from_numpy(np.load(tmp_path / "a.npy")))
    np.testing.assert_allclose(heard, vocoded.numpy(), atol=1e-4)
    html = page.read_text(encoding="utf-8")
    for sound in ("Target", "Target, vocoded", "Result"):
        assert f'aria-label="{sound} of a"' in html


@pytest.mark.parametrize(
    "text",
    ["No. " * 160, "AT&T is AT&amp;T.", "No <i>way</i>.", "[No](/x"],
    ids=["long", "ampersand", "element", "bracket"],
)
def test_what_looks_like_markup_is_text_of_the_corpus(exported, tmp_path, text):
    speech = speak("No.")
    samples = speech.samples.astype("float32") / 2**15
    soundfile.write(tmp_path / "a.wav", samples, speech.sample_rate)
    np.save(tmp_path / "a.npy", LogMel()(torch.from_numpy(samples)[None])[0])
    entry = {
        "text": text,
        "tokens": list(speech.tokens),
        "wav": str(tmp_path / "a.wav"),
        "mel": str(tmp_path / "a.npy"),
    }
    write_tts_report(
        tmp_path, exported[2], {"a": entry}, {"a": Figure()}, [], {}
    )
    said, _ = soundfile.read(tmp_path / "report" / "a.wav", dtype="float32")
    tts = TTS.from_hparams(source=str(exported[2]))
    (expected,), _ = tts.synthesize(["No."], seed=0)
    np.testing.assert_allclose(said, expected.numpy(), atol=1e-4)
