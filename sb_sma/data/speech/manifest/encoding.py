"""Reads UTF-8, and finds what went through another encoding."""

import codecs
import html
import re
from pathlib import Path

# begins each of several files that were joined
_BYTE_ORDER_MARKS = re.compile(r"^\ufeff+", re.MULTILINE)
# Windows ends lines with both characters, old Macs with the first
_LINE_END = re.compile(r"\r\n?")
_ENTITY = re.compile(r"&(#\d+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# of the bytes; the letters of UTF-16 have one each in most scripts
_UTF16_SHARE = 0.1
_KINDS = {
    b"\x1f\x8b": "compressed by gzip",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"7z\xbc\xaf": "a 7z archive",
    b"PK\x03\x04": "a spreadsheet (xlsx, ods) or a zip archive",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (xls)",
    b"PAR1": "a Parquet table",
    b"RIFF": "a recording",
}


def read_utf8(path: Path) -> str:
    """Read a text file, and the byte order marks that begin its lines away.

    Arguments
    ---------
    path : Path
        The file; maybe of several, which begin with a byte order mark each.

    Returns
    -------
    str
        Its content, with lines that end in ``\\n``.

    Raises
    ------
    ValueError
        If it is not UTF-8; the line is named.
    """
    content = path.read_bytes()
    start, end, remedy = _not_utf8(content)
    if remedy:
        for magic, kind in _KINDS.items():
            if content.startswith(magic):
                raise ValueError(
                    f"{path} must be a text file in UTF-8; got a file that is "
                    f"{kind}. Unpack it, or save it as text."
                )
        line = content.count(b"\n", 0, start) + 1
        raise ValueError(
            f"{path} must be UTF-8; got {content[start:end]!r} in line {line}. "
            f"{remedy}"
        )
    text = _LINE_END.sub("\n", content.decode())
    return _BYTE_ORDER_MARKS.sub("", text)


def _not_utf8(content: bytes) -> tuple[int, int, str | None]:
    """First bytes that are not UTF-8 text, and how to mend them."""
    convert = (
        "Convert the file, such as by `iconv -f {0} -t UTF-8` if it is {0}."
    )
    start = content.find(b"\0")
    n_zeros = content.count(b"\0")
    if content.startswith(_UTF16_MARKS):
        return 0, 1, convert.format("UTF-16")
    if n_zeros > _UTF16_SHARE * len(content):
        return start, start + 1, convert.format("UTF-16")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.start, error.end, convert.format("CP1252")
    if n_zeros:
        return start, start + 1, f"Remove the {n_zeros} zero byte(s)."
    return 0, 0, None


def text_fault(text: str) -> str | None:
    """Find what another encoding has left of a text.

    Arguments
    ---------
    text : str
        What is said.

    Returns
    -------
    str or None
        What the text must be, what it is, and how to mend it.

    Example
    -------
    >>> text_fault("caf\u00c3\u00a9")
    "the text must be as it is said; got 'cafÃ©', UTF-8 that was read as CP1252. Write 'café'."
    >>> text_fault("Caf\u00e9 & bar")
    """
    if "\ufffd" in text:
        return (
            f"the text must be as it is said; got {text!r}, where U+FFFD "
            "stands for characters that were lost. Write them anew, or remove "
            "the line."
        )
    for mended, what in (
        (_ENTITY.sub(_unescaped, text), "with entities of HTML"),
        (_decoded_again(text), "UTF-8 that was read as CP1252"),
    ):
        if mended != text:
            return (
                f"the text must be as it is said; got {text!r}, {what}. "
                f"Write {mended!r}."
            )
    return None


def _unescaped(entity: re.Match) -> str:
    return html.unescape(entity[0])


def _decoded_again(text: str) -> str:
    """Return what all bytes of a text are in UTF-8, or the text itself."""
    try:
        # CP1252 leaves out five bytes, which programs take from Latin-1
        return b"".join(map(_byte_of, text)).decode()
    except UnicodeError:
        return text


def _byte_of(character: str) -> bytes:
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1")
