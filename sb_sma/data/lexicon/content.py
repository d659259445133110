"""Files of lexicons, which may be packed."""

import gzip
import zlib
from pathlib import Path

_PACKED = ".gz"
# a small file may unpack to more than fits into memory
_MOST_BYTES = 2**28


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
    if path.suffix != _PACKED:
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            content = file.read(_MOST_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise OSError(None, f"it is no file of gzip ({error})") from error
    if len(content) > _MOST_BYTES:
        raise OSError(None, f"unpacked, it has more than {_MOST_BYTES} bytes")
    return content


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
