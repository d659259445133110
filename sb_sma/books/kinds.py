"""What a file is that is no book, told by how it begins."""

import contextlib
import zipfile
from pathlib import Path

from sb_sma.books.epub import CONTAINER

_BEGINNINGS = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"RIFF": "a WAV or another RIFF file",
    b"fLaC": "a FLAC sound",
    b"OggS": "an Ogg sound",
    b"ID3": "an MP3 sound",
    b"\xd0\xcf\x11\xe0": "a document of an old Office, such as a DOC",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "packed by gzip",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ": "packed by xz",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
}
_WITHIN = {
    (4, b"ftyp"): "an MP4 or M4B file",
    (60, b"BOOKMOBI"): "a Kindle book (MOBI)",
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
    for beginning, kind in _BEGINNINGS.items():
        if start.startswith(beginning):
            return kind
    for (place, mark), kind in _WITHIN.items():
        if start.startswith(mark, place):
            return kind
    # a text in UTF-16 has zeros in every other place at most
    if 0 in start[::2] and 0 in start[1::2] and not _has_mark(start):
        return "a binary file"
    return None


def _has_mark(start: bytes) -> bool:
    """Whether it is marked as a text in UTF-16 or UTF-32."""
    return start[:2] in (b"\xff\xfe", b"\xfe\xff") or start[:4] == (
        b"\0\0\xfe\xff"
    )


def _kind_in(path: Path) -> str | None:
    names: list[str] = []
    # what cannot be opened is told as an EPUB that is damaged
    with contextlib.suppress(zipfile.BadZipFile, NotImplementedError):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    if CONTAINER in names:
        return None
    return next((_FILES[name] for name in names if name in _FILES), None)
