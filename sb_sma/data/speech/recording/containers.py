"""Finds the samples in a file whose header promises another length.

What is written to a pipe cannot go back to its header: the length that stands
there is 0, or as high as it gets. Such a file is whole, and gets the header
that libsndfile needs. Any other header that promises more than there is tells
of a cut file, and one that promises less of a recorder that stopped, or of
files that were joined; libsndfile reads a part of them without a word.
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

# sox promises this much in AIFF, eSpeak NG 0x7FFFF000 in WAV, others all bits;
# no utterance is as long
_STREAM = 0x7E000000
# in RF64, "see ds64"
_LONG = 0xFFFFFFFF
# of WAV, W64 and CAF; of AIFF; of 8SVX
_SAMPLES = (b"data", b"SSND", b"BODY")
# programs leave a few words behind a file, and MP3's tags
_LEFT_BEHIND = 1024
_TAGS = (b"ID3", b"TAG", b"APETAGEX")
_AU_BYTE_ORDERS = {b".snd": ">", b"dns.": "<"}
_OGG_HEADER = 27
_OGG_BEGINNING = b"OggS\0\2"
_NIST_HEADER = 1024
_NIST_NUMBER = re.compile(rb"^(\w+) -i (\d+)", re.MULTILINE)
_NIST_FACTORS = (b"sample_count", b"channel_count", b"sample_n_bytes")


@dataclass(frozen=True)
class _Layout:
    """How a file is made of chunks: a name, a size and what it holds.

    Arguments
    ---------
    start : int
        Where the first chunk begins.
    name_length : int
        Bytes of a name.
    size_format : str
        Of a size, as `struct` has it.
    alignment : int
        Chunks begin at its multiples.
    counts_header : bool
        Whether a size includes name and size.
    """

    start: int
    name_length: int
    size_format: str
    alignment: int
    counts_header: bool = False

    def chunks(
        self, content: bytes, position: int
    ) -> Iterator[tuple[bytes, int, int, int]]:
        """Yield of each chunk name, beginning, beginning of content, size."""
        header = self.name_length + struct.calcsize(self.size_format)
        while _is_name(content[position : position + 4]):
            start = position + header
            if start > len(content):
                return
            name = content[position : position + 4]
            (size,) = struct.unpack_from(
                self.size_format, content, position + self.name_length
            )
            size -= header * self.counts_header
            yield name, position, start, size
            end = start + max(0, size)
            position = end + -end % self.alignment
            # some writers forget to fill up
            if _is_name(content[end : end + 4]):
                position = end


_LAYOUTS = {
    b"RIFF": _Layout(12, 4, "<I", 2),
    b"RIFX": _Layout(12, 4, ">I", 2),
    b"RF64": _Layout(12, 4, "<I", 2),
    b"FORM": _Layout(12, 4, ">I", 2),
    b"riff": _Layout(40, 16, "<q", 8, counts_header=True),
    b"caff": _Layout(8, 4, ">q", 1),
}


def mend_lengths(content: bytes) -> tuple[bytes, int]:
    """Give a recording the header that tells how long it is.

    Arguments
    ---------
    content : bytes
        A file of any kind.

    Returns
    -------
    (bytes, int)
        The file as libsndfile reads it to its end, and how many bytes it
        promises and lacks; less than 0 if it has more than it promises.

    Example
    -------
    >>> header = b"RIFF\\0\\0\\0\\0WAVEfmt \\x10\\0\\0\\0" + bytes(16) + b"data"
    >>> mend_lengths(header + b"\\0\\xf0\\xff\\x7f" + b"abcd")[0][-8:]
    b'\\x04\\x00\\x00\\x00abcd'
    >>> mend_lengths(header + b"\\x06\\0\\0\\0" + b"abcd")[1]
    2
    """
    if len(content) >= _STREAM:
        return content, 0
    magic = content[:4]
    if magic in _LAYOUTS:
        return _mend_chunks(content, _LAYOUTS[magic])
    if magic in _AU_BYTE_ORDERS:
        return _mend_au(content, _AU_BYTE_ORDERS[magic])
    if magic == b"OggS":
        return content, _missing_of_ogg(content)
    if magic == b"NIST":
        return content, _missing_of_nist(content)
    return content, 0


def _mend_chunks(content: bytes, layout: _Layout) -> tuple[bytes, int]:
    mended = bytearray(content[: layout.start])
    long_size = 0
    for name, position, start, size in layout.chunks(content, layout.start):
        if name in _SAMPLES:
            break
        if name == b"ds64":
            long_size = int.from_bytes(
                content[start + 8 : start + 16], "little"
            )
        mended += content[position : start + size]
        mended += bytes(-len(mended) % layout.alignment)
    else:
        return content, 0
    if content[:4] == b"RF64":
        # a short size, as it is written below, is that of a plain WAV file
        mended[:4] = b"RIFF"
        size = long_size if size in (0, _LONG) else size
    there = len(content) - start
    if _is_stream(content, start, size, layout):
        size = there
    counted = size + (start - position) * layout.counts_header
    mended += content[position : position + layout.name_length]
    mended += struct.pack(layout.size_format, counted)
    mended += content[start:]
    unread = _unread(content, start + size, layout)
    return bytes(mended), max(0, size - there) - unread


def _unread(content: bytes, end: int, layout: _Layout) -> int:
    """Count bytes behind the samples that are more of them."""
    end += -end % layout.alignment
    for name, position, start, size in layout.chunks(content, end):
        if name in _SAMPLES or name in _LAYOUTS:
            break
        end = max(position, start + size)
    return _count_left(content[end:])


def _count_left(rest: bytes) -> int:
    is_more = len(rest.strip(b"\0")) > _LEFT_BEHIND
    return len(rest) if is_more and not rest.startswith(_TAGS) else 0


def _is_stream(content: bytes, start: int, size: int, layout: _Layout) -> bool:
    """Whether the size of the samples was not known when it was written."""
    if size >= _STREAM or size < 0:
        return True
    # without samples there are other chunks, or nothing
    end = start
    for _, _, chunk_start, chunk_size in layout.chunks(content, start):
        end = chunk_start + chunk_size
    return size == 0 and end < len(content)


def _mend_au(content: bytes, byte_order: str) -> tuple[bytes, int]:
    start, size = struct.unpack_from(f"{byte_order}II", content.ljust(12), 4)
    there = max(0, len(content) - start)
    if size == 0 or size >= _STREAM:
        size = there
    mended = content[:8] + struct.pack(f"{byte_order}I", size) + content[12:]
    unread = _count_left(content[start + size :])
    return mended, max(0, size - there) - unread


def _missing_of_ogg(content: bytes) -> int:
    # of streams one after the other, libsndfile reads the first
    last_stream = content.rfind(_OGG_BEGINNING)
    if last_stream > 0:
        return last_stream - len(content)
    page = content[content.rindex(b"OggS") :]
    # the header ends with the number of segments; their sizes come next
    count = int.from_bytes(page[_OGG_HEADER - 1 : _OGG_HEADER], "little")
    sizes = page[_OGG_HEADER : _OGG_HEADER + count]
    return max(0, _OGG_HEADER + count + sum(sizes) - len(page))


def _missing_of_nist(content: bytes) -> int:
    numbers = dict(_NIST_NUMBER.findall(content[:_NIST_HEADER]))
    promised = math.prod(int(numbers.get(name, 0)) for name in _NIST_FACTORS)
    end = _NIST_HEADER + promised
    return max(0, end - len(content)) - _count_left(content[end:])


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and name.isascii() and name.decode().isprintable()
