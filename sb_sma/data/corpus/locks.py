"""Who makes, uses or removes a corpus folder at this moment.

Locks are files beside the folder, ``.NAME.lock`` and, for each process that
uses it, ``.NAME.user-PID@HOST-TOKEN``. The operating system frees them when a process
ends, however it ends.
"""

import atexit
import contextlib
import glob
import logging
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

logger = logging.getLogger(__name__)

# of everybody: whoever may write in the folder may ask for the lock
_MODE = 0o666
_used: set[Path] = set()


def path_of_lock(folder: Path) -> Path:
    """Tell the file that is locked while a folder is made or removed.

    Arguments
    ---------
    folder : Path
        Need not be there.

    Returns
    -------
    path : Path
        Beside the folder.

    Example
    -------
    >>> path_of_lock(Path("corpora", "noise")).name
    '.noise.lock'
    """
    return folder.with_name(f".{folder.name}.lock")


@contextlib.contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Let no other process make or remove a folder in the meantime.

    Arguments
    ---------
    folder : Path
        Need not be there, but the one that holds it must.
    wait : bool
        Whether to wait for a process that does so already.

    Returns
    -------
    lock : context manager
        Held inside of its block.

    Raises
    ------
    Timeout
        If there is one, and it is not waited for.
    OSError
        If there can be no lock.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "corpus"
    >>> with locked(folder):
    ...     folder.mkdir()
    """
    lock = FileLock(path_of_lock(folder), mode=_MODE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise
        logger.info("Waiting for another process that prepares %s", folder)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def use(folder: Path) -> None:
    """Say that this process uses a folder, until it ends.

    Arguments
    ---------
    folder : Path
        A finished corpus folder, which is locked meanwhile.
    """
    # that it was used is told by the time of a file that nobody changes
    with contextlib.suppress(OSError):
        os.utime(folder / "corpus.json")
    if folder in _used:
        return
    # containers of one machine may share its name and their numbers
    who = f"{os.getpid()}@{socket.gethostname()}-{secrets.token_hex(4)}"
    name = f".{folder.name}.user-{who}"
    lock = FileLock(folder.with_name(name), mode=_MODE)
    lock.acquire(timeout=0)
    _used.add(folder)
    atexit.register(_let_go, lock, os.getpid())


def _let_go(lock: FileLock, pid: int) -> None:
    if os.getpid() == pid:  # a fork may have come to its end
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def users_of(folder: Path) -> list[str]:
    """Find the processes that use a folder.

    Arguments
    ---------
    folder : Path
        A corpus folder, which is locked meanwhile.

    Returns
    -------
    users : list of str
        The number and machine of each that is still running.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "corpus"
    >>> users_of(folder)
    []
    >>> use(folder)
    >>> len(users_of(folder))
    1
    """
    beginning = f".{folder.name}.user-"
    users = []
    for path in folder.parent.glob(f"{glob.escape(beginning)}*"):
        lock = FileLock(path, mode=_MODE)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            who, _, _ = path.name.removeprefix(beginning).rpartition("-")
            pid, _, host = who.partition("@")
            users.append(f"process {pid} on {host}")
            continue
        # it was killed
        lock.release()
        path.unlink(missing_ok=True)
    return sorted(users)
