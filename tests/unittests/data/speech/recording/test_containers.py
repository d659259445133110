"""A file is read to its end whatever a stream promised, and a cut one told."""

import struct

import numpy as np
import pytest
import soundfile

from sb_sma.data.speech.mel import MelSettings
from sb_sma.data.speech.recording.audio import read_mono
from sb_sma.data.speech.recording.containers import mend_lengths

RATE = 22050
HEADER = struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)


@pytest.fixture
def samples():
    noise = np.random.default_rng(0).integers(-9000, 9000, 9001)
    return noise.astype(np.int16)


def in_riff(samples, size, riff_size=0, before=b"", after=b""):
    """A WAV file, chunk by chunk."""
    return (
        b"RIFF"
        + struct.pack("<I", riff_size)
        + b"WAVEfmt "
        + HEADER
        + before
        + b"data"
        + struct.pack("<I", size)
        + samples.tobytes()
        + after
    )


def read(tmp_path, content, name="a.wav"):
    path = tmp_path / name
    path.write_bytes(content)
    return read_mono(path, MelSettings()).numpy() * 2**15


@pytest.mark.parametrize(
    "size, riff_size",
    [
        (0x7FFFF000, 0x7FFFF024),
        (0x7FFFFFDB, 0x7FFFFFFF),
        (0x80000000, 0x80000024),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFD8, 0xFFFFFFFF),
        (0, 0),
        (0, 36),
        (18002, 0),
    ],
    ids=[
        "espeak-ng",
        "sox",
        "arecord",
        "ffmpeg",
        "lame",
        "zeros",
        "header alone",
        "outer size",
    ],
)
def test_a_wav_from_a_pipe_is_read_to_its_end(
    tmp_path, samples, size, riff_size
):
    found = read(tmp_path, in_riff(samples, size, riff_size))
    np.testing.assert_array_equal(found, samples)


def test_silence_from_a_pipe_is_not_taken_for_chunks():
    content = in_riff(np.zeros(4000, np.int16), 0)
    assert mend_lengths(content) == (
        in_riff(np.zeros(4000, np.int16), 8000),
        0,
    )


@pytest.mark.parametrize(
    "before",
    [
        b"LIST" + struct.pack("<I", 26) + b"INFOISFT\x0e\0\0\0Lavf58.29.100\0",
        b"JUNK" + struct.pack("<I", 5) + b"three\0",
        # not filled up to an even length
        b"JUNK" + struct.pack("<I", 5) + b"three",
    ],
    ids=["info", "odd", "odd and not filled up"],
)
@pytest.mark.parametrize("size", [0, 18002, 0xFFFFFFFF])
def test_chunks_before_the_samples_do_no_harm(tmp_path, samples, before, size):
    found = read(tmp_path, in_riff(samples, size, before=before))
    np.testing.assert_array_equal(found, samples)


def test_a_file_without_samples_is_no_stream(samples):
    after = b"LIST" + struct.pack("<I", 4) + b"INFO"
    for content in (
        in_riff(samples[:0], 0),
        in_riff(samples[:0], 0, after=after),
        in_riff(samples, 18002, after=after),
    ):
        assert mend_lengths(content) == (content, 0)


CONTAINERS = {
    "wav": ("WAV", "FILE", b"data", "<I"),
    "big-endian wav": ("WAV", "BIG", b"data", ">I"),
    "extensible wav": ("WAVEX", "FILE", b"data", "<I"),
    "rf64": ("RF64", "FILE", b"ds64....Riff....", "<Q"),
    "w64": ("W64", "FILE", b"data" + 12 * b".", "<q"),
    "aiff": ("AIFF", "FILE", b"SSND", ">I"),
    "caf": ("CAF", "FILE", b"data", ">q"),
    "8svx": ("SVX", "FILE", b"BODY", ">I"),
    "au": ("AU", "FILE", b".snd....", ">I"),
}


def written(path, samples, name):
    """The file in a container, and where the size of its samples stands."""
    kind, byte_order, mark, size_format = CONTAINERS[name]
    soundfile.write(path, samples, RATE, "PCM_16", byte_order, kind)
    content = path.read_bytes()
    return content, content.rindex(mark[:4]) + len(mark), size_format


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("value", [0, -1], ids=["zero", "all bits"])
def test_a_stream_in_any_container_is_read_to_its_end(
    tmp_path, samples, name, value
):
    content, position, size_format = written(tmp_path / "a", samples, name)
    length = struct.calcsize(size_format)
    size = value.to_bytes(length, "little", signed=True)
    stream = content[:position] + size + content[position + length :]
    np.testing.assert_array_equal(read(tmp_path, stream), samples)
    np.testing.assert_array_equal(read(tmp_path, content), samples)


def test_an_aiff_stream_of_sox_is_read_to_its_end(tmp_path, samples):
    content, position, _ = written(tmp_path / "a", samples, "aiff")
    frames = content.index(b"COMM") + 10
    stream = bytearray(content)
    stream[4:8] = struct.pack(">I", 0x7F00002E)
    stream[frames : frames + 4] = struct.pack(">I", 0x7F000000 // 2)
    stream[position : position + 4] = struct.pack(">I", 0x7F000008)
    np.testing.assert_array_equal(read(tmp_path, stream), samples)


def test_a_flac_of_unknown_length_is_read_to_its_end(tmp_path, samples):
    soundfile.write(tmp_path / "a.flac", samples, RATE)
    stream = bytearray((tmp_path / "a.flac").read_bytes())
    # the number of samples, and their digest
    stream[21] &= 0xF0
    stream[22:42] = bytes(20)
    np.testing.assert_array_equal(read(tmp_path, stream), samples)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_cut_file_in_any_container_is_refused(tmp_path, samples, name):
    content, _, _ = written(tmp_path / "a", samples, name)
    # what fills up the end is no loss
    kept = len(content) - 3000
    with pytest.raises(ValueError, match="got: it is cut, (2999|3000) bytes"):
        read(tmp_path, content[:kept])


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_header_that_promises_less_is_refused(tmp_path, samples, name):
    content, position, size_format = written(tmp_path / "a", samples, name)
    (size,) = struct.unpack_from(size_format, content, position)
    stopped = bytearray(content)
    struct.pack_into(size_format, stopped, position, size - 8000)
    with pytest.raises(
        ValueError, match=r"a.wav .* its header ends it (79|80)\d\d bytes ea"
    ):
        read(tmp_path, stopped)
    with pytest.raises(ValueError, match="or files were joined"):
        read(tmp_path, content + content)


def test_joined_streams_of_ogg_are_refused(tmp_path, samples):
    soundfile.write(tmp_path / "a.ogg", samples, RATE)
    content = (tmp_path / "a.ogg").read_bytes()
    assert len(read(tmp_path, content, "a.ogg")) == len(samples)
    with pytest.raises(ValueError, match="a.ogg .* bytes early, .* joined"):
        read(tmp_path, content + content, "a.ogg")


@pytest.mark.parametrize(
    "after",
    [
        bytes(9000),
        b"\r\n",
        b"ID3\4" + bytes(range(256)) * 9,
        b"TAG" + 125 * b"x",
        b"LIST" + struct.pack("<I", 4000) + 1000 * b"INFO",
        b"LIST" + struct.pack("<I", 3) + b"odd",
    ],
    ids=["zeros", "line end", "tags", "old tags", "list", "odd"],
)
def test_what_stands_behind_the_samples_does_no_harm(tmp_path, samples, after):
    content = in_riff(samples, 18002, after=after)
    np.testing.assert_array_equal(read(tmp_path, content), samples)


@pytest.mark.parametrize(
    "kind, ending", [("OGG", "ogg"), ("MP3", "mp3"), ("NIST", "sph")]
)
def test_other_cut_files_are_refused(tmp_path, samples, kind, ending):
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, np.tile(samples, 4), RATE, format=kind)
    content = path.read_bytes()
    assert len(read(tmp_path, content, path.name)) == 4 * len(samples)
    with pytest.raises(ValueError, match=f"a.{ending} .* got: it is cut, "):
        read(tmp_path, content[: -len(content) // 2], path.name)


@pytest.mark.parametrize("length", range(0, 60, 3))
@pytest.mark.parametrize("name", CONTAINERS)
def test_what_ends_in_its_header_is_refused(tmp_path, samples, name, length):
    content, _, _ = written(tmp_path / "a", samples, name)
    with pytest.raises(ValueError, match="must be a readable recording; got: "):
        read(tmp_path, content[:length])
