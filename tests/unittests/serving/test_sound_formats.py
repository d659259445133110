"""Sound that is written in pieces is the file that it would be at once."""

import io
import wave

import numpy as np
import pytest
import soundfile
import torch
import torchaudio

from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.recording.audio import read_mono
from sb_sma.serving.resampling import ResamplingStream
from sb_sma.serving.sound_formats import WRITERS
from sb_sma.serving.speech_request import FORMATS

RATE = 22050
SIZES = [[1], [1000], [5000, 1, 0, 300], [44100]]


@pytest.fixture(scope="module")
def sound():
    """Two seconds of a tone that rises, and is too loud at its end."""
    seconds = torch.arange(2 * RATE) / RATE
    tone = (6.283 * (200 * seconds + 100 * seconds.square())).sin()
    return 0.55 * seconds * tone


def split(sound, sizes):
    start = 0
    while start < len(sound):
        for size in sizes:
            yield sound[start : start + size]
            start += size


def write(name, sound, sizes, rate=RATE):
    """The pieces that would be sent."""
    writer = WRITERS[name](rate, len(sound))
    pieces = [writer.push(piece) for piece in split(sound, sizes)]
    return [*pieces, writer.finish()]


def test_every_format_of_a_request_is_written():
    assert list(WRITERS) == list(FORMATS)


@pytest.mark.parametrize("sizes", SIZES[1:], ids=str)
@pytest.mark.parametrize("name", ["wav", "flac"])
def test_lossless_formats_hold_every_sample(sound, name, sizes):
    content = b"".join(write(name, sound, sizes))
    samples, rate = soundfile.read(io.BytesIO(content))
    assert rate == RATE and len(samples) == len(sound)
    assert soundfile.info(io.BytesIO(content)).frames == len(sound)
    expected = sound.clamp(-1.0, 1.0).numpy()
    np.testing.assert_allclose(samples, expected, atol=1e-4)


@pytest.mark.parametrize("sizes", SIZES[1:], ids=str)
def test_pcm_is_the_sound_at_24_khz(sound, sizes):
    content = b"".join(write("pcm", sound, sizes))
    samples = np.frombuffer(content, "<i2") / 32767
    expected = torchaudio.functional.resample(sound, RATE, 24000)
    np.testing.assert_allclose(samples, expected.clamp(-1, 1), atol=1e-4)


@pytest.mark.parametrize("sizes", SIZES[1:], ids=str)
@pytest.mark.parametrize("rate", [16000, 22050, 24000, 48000])
def test_mp3_is_the_sound(sound, rate, sizes):
    content = b"".join(write("mp3", sound, sizes, rate))
    samples, found = soundfile.read(io.BytesIO(content))
    assert found == 24000
    expected = torchaudio.functional.resample(sound, rate, found).clamp(-1, 1)
    assert 0 <= len(samples) - len(expected) < 0.1 * found
    # the encoder's delay
    correlation = np.correlate(samples, expected.numpy(), "valid")
    late = int(correlation.argmax())
    heard = samples[late : late + len(expected)]
    assert np.corrcoef(heard, expected)[0, 1] > 0.99


def test_a_wav_is_read_by_all(sound, tmp_path):
    """Its head names a length that nothing has."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"".join(write("wav", sound, [5000])))
    with wave.open(str(path)) as file:
        assert file.getframerate() == RATE
        assert len(file.readframes(file.getnframes())) == 2 * len(sound)
    assert len(read_mono(path, MelSettings())) == len(sound)


@pytest.mark.parametrize("name", FORMATS)
def test_pieces_are_given_while_they_come(sound, name):
    pieces = write(name, sound, [4000])
    assert sum(map(len, pieces[:6])) > 0.2 * sum(map(len, pieces))


@pytest.mark.parametrize("name", FORMATS)
def test_no_sound_is_a_file_without_any(name):
    writer = WRITERS[name](RATE, 0)
    content = writer.push(torch.zeros(0)) + writer.finish()
    if name == "wav":
        samples, _ = soundfile.read(io.BytesIO(content))
        assert len(samples) == 0


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("rates", [(22050, 24000), (48000, 24000), (7, 5)])
def test_resampling_in_pieces_is_that_of_the_whole(sound, rates, sizes):
    sound = sound[:3000]
    stream = ResamplingStream(*rates)
    pieces = [stream.push(piece) for piece in split(sound, sizes)]
    given = torch.cat([*pieces, stream.finish()])
    whole = torchaudio.functional.resample(sound, *rates)
    torch.testing.assert_close(given, whole, rtol=0, atol=1e-5)
