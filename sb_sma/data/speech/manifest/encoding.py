"""Reads UTF-8, and finds what went through another encoding."""

import codecs
import html
import re
from collections.abc import Iterator
from pathlib import Path

_BYTE_ORDER_MARK = "\ufeff"
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


class TextLines:
    """The lines of a text file, read anew by each loop, and never held.

    Byte order marks that begin lines, as those of files that were joined, are
    left out. Lines end as on any system: Windows has two characters for it,
    old Macs the first of them.

    Arguments
    ---------
    path : Path
        The file.

    Raises
    ------
    ValueError
        If it is not UTF-8; the line is named.

    Example
    -------
    >>> path = getfixture("tmp_path") / "texts.txt"
    >>> _ = path.write_bytes(b"One.\\r\\nTwo.")
    >>> lines = TextLines(path)
    >>> list(lines), list(lines)
    (['One.', 'Two.'], ['One.', 'Two.'])
    """

    def __init__(self, path: Path):
        self.path = path
        _check_utf8(path)

    def __iter__(self) -> Iterator[str]:
        with open(self.path, encoding="utf-8", newline=None) as file:
            for line in file:
                yield line.rstrip("\n").lstrip(_BYTE_ORDER_MARK)


def _check_utf8(path: Path) -> None:
    """Refuse what is no text in UTF-8."""
    fault = _not_utf8(path)
    if fault is None:
        return
    with open(path, "rb") as file:
        start = file.read(8)
    for magic, kind in _KINDS.items():
        if start.startswith(magic):
            raise ValueError(
                f"{path} must be a text file in UTF-8; got a file that is "
                f"{kind}. Unpack it, or save it as text."
            )
    line, got, remedy = fault
    raise ValueError(
        f"{path} must be UTF-8; got {got!r} in line {line}. {remedy}"
    )


def _not_utf8(path: Path) -> tuple[int, bytes, str] | None:
    """First line and bytes that are not UTF-8 text, and how to mend them."""
    convert = (
        "Convert the file, such as by `iconv -f {0} -t UTF-8` if it is {0}."
    )
    n_bytes, n_zeros, first_zero, undecoded = 0, 0, 0, None
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1 and line.startswith(_UTF16_MARKS):
                return 1, line[:1], convert.format("UTF-16")
            zeros = line.count(b"\0")
            if zeros and not n_zeros:
                first_zero = number
            n_zeros += zeros
            n_bytes += len(line)
            if undecoded is None:
                try:
                    line.decode()
                except UnicodeDecodeError as error:
                    undecoded = number, line[error.start : error.end]
    if n_zeros > _UTF16_SHARE * n_bytes:
        return first_zero, b"\0", convert.format("UTF-16")
    if undecoded:
        return *undecoded, convert.format("CP1252")
    if n_zeros:
        return first_zero, b"\0", f"Remove the {n_zeros} zero byte(s)."
    return None


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
    if text.isascii():
        return text
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
