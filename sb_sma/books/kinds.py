"""What a file is that is no book, told by how it begins."""

import re
import zipfile
from pathlib import Path

from sb_sma.books.epub import CONTAINER, UNREADABLE

_KINDS = {
    b"%PDF-": "a PDF",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8[79]a": "a GIF picture",
    b"RIFF.{4}(?:WAVE|AVI |WEBP)": "a WAV or another RIFF file",
    b"fLaC\\0": "a FLAC sound",
    b"OggS\\0": "an Ogg sound",
    b"ID3[\x02-\x04]": "an MP3 sound",
    b"\xd0\xcf\x11\xe0": "a document of an old Office, such as a DOC",
    rb"\{\\rtf": "an RTF document",
    b"\x1f\x8b": "packed by gzip",
    b"BZh[1-9]1AY&SY": "packed by bzip2",
    b"\xfd7zXZ": "packed by xz",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\\0.{3}ftyp": "an MP4 or M4B file",
    b".{60}BOOKMOBI": "a Kindle book (MOBI)",
}
# of ZIP archives
_FILES = {
    "word/document.xml": "a DOCX document",
    "xl/workbook.xml": "an XLSX table",
    "ppt/presentation.xml": "a PPTX presentation",
    "content.xml": "an ODT or another OpenDocument file",
}
_ZIP = b"PK\x03\x04"
_READ_BYTES = 4096
_MOST_ZEROS = 0.05


def is_archive(path: Path) -> bool:
    """Tell whether a file is a ZIP archive, as an EPUB is.

    Arguments
    ---------
    path : Path
        The file.

    Returns
    -------
    bool
        Whether it begins as one.
    """
    with open(path, "rb") as file:
        return file.read(len(_ZIP)) == _ZIP


def refuse_other_kinds(path: Path) -> None:
    """Refuse a file that is neither an EPUB nor a text.

    Arguments
    ---------
    path : Path
        The file.

    Raises
    ------
    ValueError
        If it is none of them; it says what it is.
    OSError
        If it cannot be read.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.txt"
    >>> _ = path.write_bytes(b"It rained.")
    >>> refuse_other_kinds(path)
    """
    kind = _kind_in(path) if is_archive(path) else _kind_of(path)
    if kind is not None:
        raise ValueError(
            f"{path} must be a text in UTF-8 or Markdown, or an EPUB; it is "
            f"{kind}. Convert it, and give what it says as a text."
        )


def _kind_of(path: Path) -> str | None:
    with open(path, "rb") as file:
        start = file.read(_READ_BYTES)
    for beginning, kind in _KINDS.items():
        if re.match(beginning, start, re.DOTALL):
            return kind
    # a text in UTF-16 has zeros in every other place at most
    zeros = min(start[::2].count(0), start[1::2].count(0))
    if zeros > _MOST_ZEROS * len(start) and not _has_mark(start):
        return "a binary file"
    return None


def _has_mark(start: bytes) -> bool:
    """Whether it is marked as a text in UTF-16 or UTF-32."""
    return start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[:4] == (
        b"\0\0\xfe\xff"
    )


def _kind_in(path: Path) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except UNREADABLE:
        return None  # it is told as an EPUB that is damaged
    if CONTAINER in names:
        return None
    return next((_FILES[name] for name in names if name in _FILES), None)
