"""One error where a folder cannot be written."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

_ROOM = "Make room there, or give another folder"
_RIGHT = "Let it be written, or give another folder"
_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "Raise the limit of file sizes (ulimit -f)",
    errno.EROFS: _RIGHT,
    errno.EACCES: _RIGHT,
    errno.EPERM: _RIGHT,
    errno.EIO: "Have the disk checked, and give another folder",
}
# what PyTorch's writer names in place of the cause
_WRITER = "inline_container"
_PROBE_BYTES = 2**20


@contextlib.contextmanager
def tell_full_disk(folder: str | Path) -> Iterator[None]:
    """Say where and why something could not be written.

    Arguments
    ---------
    folder : str or Path
        What is written is in it.

    Returns
    -------
    context : context manager
        For what writes.

    Raises
    ------
    ValueError
        If the disk is full, or it may not be written.

    Example
    -------
    >>> with tell_full_disk("results"):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
    ...
    ValueError: results cannot be written: No space left on device. Make room there, or give another folder; what was saved before is as it was, and the same command goes on from there.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        cause = error
        if not isinstance(error, OSError) and _WRITER in str(error):
            cause = _find_cause(Path(folder))
        remedy = _REMEDIES.get(getattr(cause, "errno", None))
        if remedy is None:
            raise
        place = Path(cause.filename or folder)
        if Path(folder) not in place.parents:
            place = folder  # what was read, to be copied there
        raise ValueError(
            f"{place} cannot be written: {cause.strerror}. {remedy}; what was "
            "saved before is as it was, and the same command goes on from "
            "there."
        ) from error


def check_room(folder: str | Path, n_bytes: int) -> None:
    """Refuse to begin where there is no room for what will be saved.

    Arguments
    ---------
    folder : str or Path
        Made if it is not there.
    n_bytes : int
        That will be written at least.

    Raises
    ------
    ValueError
        If there are not so many free, or nothing can be written at all.

    Example
    -------
    >>> check_room(getfixture("tmp_path"), 1000)
    """
    folder = Path(folder)
    with tell_full_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write_probe(folder / ".probe")
        free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise ValueError(
            f"{folder} needs {n_bytes / 1e6:.1f} MB for checkpoints; got "
            f"{free / 1e6:.1f} MB that are free. {_ROOM}."
        )


def _find_cause(folder: Path) -> OSError | None:
    """Find out why what was written last has not become longer."""
    files = [path.stat() for path in folder.rglob("*") if path.is_file()]
    last = max(files, key=lambda file: file.st_mtime_ns, default=None)
    n_bytes = (last.st_size if last else 0) + _PROBE_BYTES
    try:
        _write_probe(folder / ".probe", n_bytes)
    except OSError as error:
        return OSError(error.errno, error.strerror, str(folder))
    return None


def _write_probe(path: Path, n_bytes: int = 1) -> None:
    chunk = bytes(min(n_bytes, _PROBE_BYTES))
    try:
        with open(path, "wb") as file:
            for _ in range(-(-n_bytes // len(chunk))):
                file.write(chunk)
    finally:
        path.unlink(missing_ok=True)
