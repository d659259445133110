"""Files of lexicons, which may be packed."""

import gzip
import zlib
from pathlib import Path

_PACKED = ".gz"


def read_content(path: Path) -> bytes:
    """Read a file, and unpack it if its name ends with .gz.

    Arguments
    ---------
    path : Path
        The file.

    Returns
    -------
    bytes
        What it holds.

    Raises
    ------
    OSError
        If it cannot be read or unpacked.

    Example
    -------
    >>> path = getfixture("tmp_path") / "mine.dict.gz"
    >>> _ = path.write_bytes(gzip.compress(b"zoo Z UW1"))
    >>> read_content(path)
    b'zoo Z UW1'
    """
    content = path.read_bytes()
    if path.suffix != _PACKED:
        return content
    try:
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise OSError(None, f"it is no file of gzip ({error})") from error


def plain_name(path: Path) -> str:
    """Tell the name that a file has when it is unpacked.

    Arguments
    ---------
    path : Path
        The file.

    Returns
    -------
    str
        Its name without .gz.

    Example
    -------
    >>> plain_name(Path("mine.tsv.gz")), plain_name(Path("mine.tsv"))
    ('mine.tsv', 'mine.tsv')
    """
    return path.name.removesuffix(_PACKED)
