"""One error where a folder cannot be written, or a file cannot be read."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from speechbrain.utils.checkpoints import Checkpointer
from torch import nn

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
# what reading may raise, too
_OF_BOTH = {errno.EACCES, errno.EPERM, errno.EIO}
_READABLE = "Let it be read"
_READING = {errno.EIO: "Have the disk checked, and put back a copy"}
# what PyTorch's writer names in place of the cause
_WRITER = "inline_container"
_PROBE_BYTES = 2**20
# the best, the last, and the one that is being saved
_MOST_KEPT = 3


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
        If the disk is full, it may not be written, or a file cannot be read.

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
        place, verb = Path(cause.filename or folder), "written"
        if _was_read(place, cause.errno, Path(folder)):
            verb, remedy = "read", _READING.get(cause.errno, _READABLE)
        elif Path(folder) not in place.parents:
            place = folder  # what was read, to be copied there
        raise ValueError(
            f"{place} cannot be {verb}: {cause.strerror}. {remedy}; what was "
            "saved before is as it was, and the same command goes on from "
            "there."
        ) from error


def _was_read(path: Path, number: int, folder: Path) -> bool:
    """Say whether a file could not be read, and not what is written."""
    if number not in _OF_BOTH or path == folder:
        return False
    if folder not in path.parents:
        return True
    return path.is_file() and not os.access(path, os.R_OK)


def check_room(checkpointer: Checkpointer, model: nn.Module) -> None:
    """Refuse to begin where there is no room for checkpoints; write nothing.

    Arguments
    ---------
    checkpointer : speechbrain.utils.checkpoints.Checkpointer
        It has the best, the last, and the one that is being saved.
    model : nn.Module
        A checkpoint has its weights, their average and Adam's moments.

    Raises
    ------
    ValueError
        If those that are not there yet need more than is free.
    """
    trained = [x for x in model.parameters() if x.requires_grad]
    tensors = [*model.state_dict().values(), *trained]
    n_bytes = 2 * sum(x.numel() * x.element_size() for x in tensors)
    n_bytes *= max(_MOST_KEPT - len(checkpointer.list_checkpoints()), 1)
    folder = Path(checkpointer.checkpoints_dir).absolute()
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
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


def _write_probe(path: Path, n_bytes: int) -> None:
    chunk = bytes(min(n_bytes, _PROBE_BYTES))
    try:
        with open(path, "wb") as file:
            for _ in range(-(-n_bytes // len(chunk))):
                file.write(chunk)
    finally:
        path.unlink(missing_ok=True)
