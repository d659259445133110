"""Recordings of any kind become the same samples, and bad ones are told."""

import re
import struct

import numpy as np
import pytest
import soundfile

from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.recording.audio import (
    TRIM_MARGIN_SECONDS,
    read_mono,
    read_recording,
)

RATE = 22050


def tone(seconds=1.0, rate=RATE, level=0.4):
    time = np.arange(round(seconds * rate)) / rate
    return level * np.sin(2 * np.pi * 440 * time)


@pytest.fixture
def wav(tmp_path):
    return tmp_path / "a.wav"


def read(wav, samples, rate=RATE, trim_db=None, **options):
    soundfile.write(wav, samples, rate, **options)
    return read_recording(wav, MelSettings(), trim_db)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_any_rate_is_resampled(tmp_path, rate, ending):
    recording = read(tmp_path / f"a.{ending}", tone(rate=rate), rate)
    assert (recording.sample_rate, recording.channels) == (rate, 1)
    assert recording.samples.shape == (RATE,)
    middle = slice(1000, -1000)
    np.testing.assert_allclose(
        recording.samples[middle], tone()[middle], atol=2e-3
    )


def test_channels_are_mixed(wav):
    recording = read(wav, np.column_stack([tone(), 0 * tone()]))
    assert recording.channels == 2
    np.testing.assert_allclose(recording.samples, tone() / 2, atol=1e-4)


@pytest.mark.parametrize(
    "samples, clipped",
    [
        (tone(level=0.98), False),
        (np.clip(tone(level=1.2), -1, 1), True),
        # the peak of a normalised recording
        (np.where(np.arange(9000) == 7, 1.0, 0.5), False),
        # one channel of two
        (np.column_stack([tone(), np.clip(tone(level=2), -1, 1)]), True),
    ],
    ids=["loud", "clipped", "peak", "one channel"],
)
def test_clipping_is_found(wav, samples, clipped):
    recording = read(wav, samples)
    assert recording.clipped is clipped
    assert recording.samples.abs().max() <= 1


def test_resampling_a_clipped_recording_stays_in_range(wav):
    square = np.sign(tone(rate=16000))
    assert read(wav, square, 16000).samples.abs().max() == 1


@pytest.mark.parametrize("before, after", [(0.5, 1.0), (0.0, 0.3), (0.3, 0)])
def test_silence_at_the_ends_is_trimmed_to_a_margin(wav, before, after):
    # as far below as the noise of a quiet room
    noise = np.random.default_rng(0).normal(0, 0.0004, 4 * RATE)
    parts = [round(before * RATE), RATE, round(after * RATE)]
    samples = np.concatenate([np.zeros(parts[0]), tone(), np.zeros(parts[2])])
    samples += noise[: len(samples)]
    recording = read(wav, samples, trim_db=40)
    kept = sum(min(TRIM_MARGIN_SECONDS, silence) for silence in (before, after))
    assert len(recording.samples) / RATE == pytest.approx(1 + kept, abs=0.025)
    assert recording.trimmed_seconds == pytest.approx(
        before + after - kept, abs=0.025
    )
    untrimmed = read(wav, samples)
    assert len(untrimmed.samples) == len(samples)
    assert untrimmed.trimmed_seconds == 0
    # the threshold is relative: this noise is 54 dB below
    assert read(wav, samples, trim_db=70).trimmed_seconds == 0


def test_silence_inside_stays(wav):
    samples = np.concatenate([tone(), np.zeros(RATE), tone()])
    recording = read(wav, samples, trim_db=40)
    assert len(recording.samples) == 3 * RATE
    assert recording.pauses == [] and recording.remarks == {}


@pytest.mark.parametrize("offset", [0.2, -0.3])
@pytest.mark.parametrize("level", [0.4, 0.02])
def test_an_offset_is_no_sound_and_is_subtracted(wav, offset, level):
    silence = np.zeros(RATE)
    samples = np.concatenate([silence, tone(level=level), silence])
    recording = read(wav, samples + offset, trim_db=40)
    kept = 1 + 2 * TRIM_MARGIN_SECONDS
    assert len(recording.samples) / RATE == pytest.approx(kept, abs=0.025)
    assert recording.sound_seconds == pytest.approx(1, abs=0.025)
    assert abs(recording.samples.mean()) < 1e-3
    detail = f"its mean, {offset:.3f}, is subtracted"
    assert recording.remarks == {"off centre": detail}


def test_a_slow_drift_is_no_sound(wav):
    silence = np.zeros(RATE)
    samples = np.concatenate([silence, tone(), silence])
    drift = 0.2 * np.sin(np.arange(len(samples)) * 2 * np.pi / len(samples))
    recording = read(wav, samples + drift, trim_db=40)
    assert recording.trimmed_seconds == pytest.approx(1.8, abs=0.025)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "ULAW"])
def test_a_rounding_error_is_no_offset(wav, subtype):
    recording = read(wav, tone() - 2**-8, subtype=subtype)
    assert recording.remarks == {}
    written, _ = soundfile.read(wav)
    np.testing.assert_allclose(recording.samples, written, atol=1e-6)


def test_long_pauses_are_told_with_their_place(wav):
    noise = np.random.default_rng(0).normal(0, 0.004, 30 * RATE)
    parts = [tone(), np.zeros(3 * RATE), tone(), np.zeros(20 * RATE), tone()]
    samples = np.concatenate(parts)
    recording = read(wav, samples + noise[: len(samples)] + 0.05)
    [(start, seconds), (later, more)] = recording.pauses
    assert (start, seconds) == pytest.approx((1, 3), abs=0.03)
    assert (later, more) == pytest.approx((5, 20), abs=0.03)
    told = recording.remarks["silent inside for long"]
    assert told == "3.0 s from 1.0 s on, 20.0 s from 5.0 s on"


def speechlike(seconds):
    """Half-second bursts whose level goes up and down."""
    sound = tone(seconds)
    time = np.arange(len(sound)) / RATE
    return sound * np.sin(2 * np.pi * time) ** 4


def clicks():
    samples = np.zeros(20 * RATE)
    samples[3 * RATE :: 3 * RATE] = 0.4
    return samples


def noise(seconds=20, decibels=-26):
    level = 0.28 * 10 ** (decibels / 20)
    return np.random.default_rng(0).normal(0, level, seconds * RATE)


LONG = {
    "hum": 0.4
    * 10**-1.3
    * np.sin(np.arange(20 * RATE) * 2 * np.pi * 50 / RATE),
    "noise": noise(),
    "loud noise": noise(decibels=-15),
    "clicks": clicks(),
    "clicks in noise": clicks() + noise(decibels=-45),
}


@pytest.mark.parametrize("between", LONG.values(), ids=LONG)
def test_noise_and_clicks_are_no_speech(wav, between):
    samples = np.concatenate([speechlike(4), between, speechlike(4)])
    recording = read(wav, samples)
    [(start, seconds)] = recording.pauses
    assert (start, seconds) == pytest.approx((4, 20), abs=0.6)
    assert "silent inside for long" in recording.remarks


@pytest.mark.parametrize(
    "samples",
    [
        tone(20),
        np.concatenate([speechlike(4), noise(1), speechlike(4)]),
        speechlike(12) + noise(12),
        np.concatenate([speechlike(3), np.zeros(4 * RATE)]),
    ],
    ids=["long tone", "short noise", "noise below", "short end"],
)
def test_sound_with_some_noise_is_no_pause(wav, samples):
    recording = read(wav, samples)
    assert recording.pauses == [] and recording.remarks == {}


@pytest.mark.parametrize("end", [np.zeros(40 * RATE), noise(40)])
@pytest.mark.parametrize("trim_db", [None, 40])
def test_long_silence_at_the_ends_is_told(wav, end, trim_db):
    samples = np.concatenate([speechlike(4), end])
    [(kind, detail)] = read(wav, samples, trim_db=trim_db).remarks.items()
    assert kind == "silent at the ends for long"
    assert re.match(r"0.\d s before the first word, 4\d.\d s after", detail)


@pytest.mark.parametrize(
    "samples, message",
    [
        (np.zeros(0), "must be a readable recording; got: it has no samples"),
        (np.zeros(RATE), "got silence, 22050 samples that are 0 in 16 bits"),
        (np.full(300, 0.5), "longer than half a window .* got 300 samples"),
        (np.full(RATE, 0.5), "got silence, 22050 samples that are 0 in 16"),
        (np.full((RATE, 2), [0.5, -0.2]), "got silence, 22050 samples that"),
    ],
    ids=["empty", "silent", "short", "offset", "two offsets"],
)
def test_useless_samples_are_refused(wav, samples, message):
    with pytest.raises(ValueError, match=f"a.wav .*{message}"):
        read(wav, samples)


@pytest.mark.parametrize(
    "samples",
    [np.column_stack([tone(), -tone()]), tone(level=1e-25), tone(level=1e-5)],
    ids=["opposite channels", "no power", "below a step"],
)
@pytest.mark.parametrize("trim_db", [None, 40])
def test_what_16_bits_cannot_tell_from_silence_is_refused(
    wav, samples, trim_db
):
    with pytest.raises(ValueError, match="a.wav .* got silence, 22050 samples"):
        read(wav, samples, trim_db=trim_db, subtype="FLOAT")


def test_an_offset_at_another_rate_is_silence_too(wav):
    with pytest.raises(ValueError, match="a.wav .* got silence, 16000 samples"):
        read(wav, np.full(16000, 0.5), 16000)


@pytest.mark.parametrize("scale", [32767, 2**31, 128, 300])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_at_the_scale_of_integers_are_refused(wav, scale, subtype):
    with pytest.raises(
        ValueError,
        match=r"a.wav must have samples in \[-1, 1\]; got values up to .*, "
        r"\d+% of them beyond full scale. Divide them by the scale",
    ):
        read(wav, tone(level=0.5) * scale, subtype=subtype)


@pytest.mark.parametrize(
    "subtype, tolerance",
    [
        ("PCM_U8", 2**-7),
        ("PCM_16", 2**-15),
        ("PCM_24", 2**-23),
        ("PCM_32", 1e-7),
        ("FLOAT", 0),
        ("DOUBLE", 1e-7),
    ],
)
def test_samples_that_touch_full_scale_are_as_they_were(
    wav, subtype, tolerance
):
    samples = tone(level=0.9).astype(np.float32)
    samples[[5000, 9000]] = [1, -1]
    recording = read(wav, samples, subtype=subtype)
    assert recording.remarks == {}
    np.testing.assert_allclose(recording.samples, samples, atol=tolerance)


def test_samples_beyond_full_scale_are_counted(wav):
    samples = tone()
    samples[[5, 700, 8000]] = [1.1, -1.5, 1.0]
    recording = read(wav, samples, subtype="FLOAT")
    assert recording.clipped and recording.samples.abs().max() == 1
    detail = "3 samples at full scale, 2 of them beyond it and cut"
    assert recording.remarks == {"clipped": detail}


@pytest.mark.parametrize(
    "samples",
    [
        0.98 * np.sign(tone() + 1e-9),
        0.5 * np.clip(5 * tone(), -1, 1),
        0.2 * np.clip(5 * speechlike(3), -2, 1),
    ],
    ids=["square", "attenuated", "one side"],
)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_peaks_that_are_cut_below_full_scale_are_told(wav, samples, subtype):
    recording = read(wav, samples, subtype=subtype)
    assert recording.clipped
    detail = recording.remarks["clipped"]
    assert re.fullmatch(r"\d+ samples in flat peaks at 0.\d\d", detail)


@pytest.mark.parametrize("share", [0.9, 1.0])
def test_channels_that_cancel_each_other_are_refused(wav, share):
    noise = np.random.default_rng(0).normal(0, 0.002, RATE)
    samples = np.column_stack([tone(), noise - share * tone()])
    with pytest.raises(
        ValueError,
        match=r"a.wav must have channels that can be mixed; .* leave 0.\d% of "
        "the power. Keep one of them, or invert one",
    ):
        read(wav, samples)


@pytest.mark.parametrize(
    "channels",
    [
        [tone(), np.roll(tone(), 13)],
        [tone(), np.random.default_rng(0).normal(0, 0.2, RATE)],
        6 * [tone()],
        [tone(), -0.3 * tone()],
    ],
    ids=["late", "independent", "six", "one weak and inverted"],
)
def test_other_channels_are_mixed_without_a_word(wav, channels):
    recording = read(wav, np.column_stack(channels))
    assert recording.remarks == {}
    mixed = np.mean(channels, axis=0)
    np.testing.assert_allclose(recording.samples, mixed, atol=1e-4)


@pytest.mark.parametrize("n_channels", [2, 6, 12])
def test_silent_channels_are_told(wav, n_channels):
    noise = np.random.default_rng(0).normal(0, 1e-4, (RATE, n_channels))
    noise[:, 0] += tone()
    recording = read(wav, noise)
    silent = ", ".join(map(str, range(2, n_channels + 1)))
    assert recording.remarks["silent in a channel"].startswith(
        f"number {silent} of {n_channels}, which makes the mean"
    )


def test_a_recording_far_below_full_scale_is_told(wav):
    assert read(wav, tone(level=0.02)).remarks == {}
    told = read(wav, tone(level=0.002)).remarks
    assert told == {"very quiet": "its peak is 54 dB below full scale"}


def test_sound_that_blocks_cannot_tell_is_kept(wav):
    # constant within each block of a mel frame
    samples = np.repeat(np.tile([0.3, -0.3], 40), MelSettings().hop_length)
    assert len(read(wav, samples, trim_db=40).samples) == len(samples)


@pytest.mark.parametrize(
    "samples",
    [np.eye(1, RATE)[0] * 2**-15, tone() / 2**15, tone(level=2**-11.1)],
    ids=["one step", "divided twice", "a few steps"],
)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_a_few_steps_of_16_bits_are_refused(wav, samples, subtype):
    with pytest.raises(ValueError, match=r"a peak of .* steps|got silence"):
        read(wav, samples, trim_db=40, subtype=subtype)


@pytest.mark.parametrize("rate", [1, 100, 1999, 768001])
def test_rates_that_no_speech_has_are_refused(wav, rate):
    with pytest.raises(
        ValueError, match=f"a.wav .* a sample rate of {rate} Hz"
    ):
        read(wav, tone(), rate)


@pytest.mark.parametrize("rate", [8001, 22049, 22051, 44101])
def test_rates_without_a_common_factor_are_read(wav, rate):
    samples = read(wav, tone(rate=rate), rate).samples
    assert abs(len(samples) - RATE) <= 1
    there = slice(100, RATE - 100)
    # they part by 1 sample at most
    np.testing.assert_allclose(samples[there], tone()[there], atol=0.06)


def test_a_folder_is_no_recording(tmp_path):
    with pytest.raises(ValueError, match="readable .* got: it is a folder"):
        read_mono(tmp_path, MelSettings())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_counted(wav, value):
    samples = tone()
    samples[5:8] = value
    with pytest.raises(ValueError, match="got: 3 samples are NaN or infinite"):
        read(wav, samples, subtype="FLOAT")


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_a_cut_file_is_refused(wav, subtype):
    soundfile.write(wav, tone(), RATE, subtype=subtype)
    content = wav.read_bytes()
    wav.write_bytes(content[:-1000])
    # it can be read all the same
    assert len(soundfile.read(wav)[0]) < RATE
    with pytest.raises(ValueError, match="got: it is cut, 1000 bytes are miss"):
        read_mono(wav, MelSettings())


def test_a_cut_flac_is_refused(tmp_path):
    flac = tmp_path / "a.flac"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, RATE)
    soundfile.write(flac, noise, RATE)
    flac.write_bytes(flac.read_bytes()[:-9000])
    with pytest.raises(ValueError, match="must be a readable recording; got:"):
        read_mono(flac, MelSettings())


def test_a_stream_of_unknown_length_is_read(wav):
    soundfile.write(wav, tone(), RATE, subtype="PCM_16")
    content = bytearray(wav.read_bytes())
    start = content.index(b"data") + 4
    content[start : start + 4] = struct.pack("<I", 0xFFFFFFFF)
    wav.write_bytes(content)
    assert len(read_mono(wav, MelSettings())) == RATE


def test_a_chunk_after_the_samples_is_no_fault(wav):
    soundfile.write(wav, tone(), RATE, subtype="PCM_16")
    with open(wav, "ab") as file:
        file.write(b"LIST" + struct.pack("<I", 4) + b"INFO")
    assert len(read_mono(wav, MelSettings())) == RATE


def test_what_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(ValueError, match="b.wav cannot be read: there is no"):
        read_mono(tmp_path / "b.wav", MelSettings())
    (tmp_path / "c.wav").write_bytes(b"not audio")
    with pytest.raises(ValueError, match="c.wav must be a readable recording"):
        read_mono(tmp_path / "c.wav", MelSettings())
    # which has no header, wherefore soundfile wants arguments
    (tmp_path / "d.raw").write_bytes(bytes(RATE))
    with pytest.raises(ValueError, match="d.raw must be a readable recording"):
        read_mono(tmp_path / "d.raw", MelSettings())


def test_real_speech_is_not_clipped_and_hardly_trimmed(shared):
    wavs = sorted((shared / "data" / "ljspeech-mini" / "wavs").glob("*.wav"))
    assert wavs
    for wav in wavs:
        recording = read_recording(wav, MelSettings(), trim_db=40)
        assert recording.remarks == {} and recording.pauses == []
        assert recording.trimmed_seconds < 0.05
