"""One run at a time in a folder."""

import atexit
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import Timeout

from sb_sma.data.corpus.locks import locked, path_of_lock

_held: set[Path] = set()


@contextlib.contextmanager
def held_once_begun(save_folder: str | Path) -> Iterator[None]:
    """Let no other process run in a folder, to the end of this one.

    The operating system frees it when the process ends, however it ends. It is
    freed at once, and nothing is left, where the block fails: the run has not
    begun.

    Arguments
    ---------
    save_folder : str or Path
        Where the run's checkpoints are, or will be.

    Returns
    -------
    held : context manager
        Of the checks before the run begins.

    Raises
    ------
    ValueError
        If another process runs there, or the folder cannot be written.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "run" / "save"
    >>> with held_once_begun(folder):
    ...     pass
    >>> [path.name for path in folder.parent.iterdir()]
    ['.save.lock']
    """
    folder = Path(save_folder).expanduser().resolve()
    if folder in _held:
        yield
        return
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_made(folder.parent))
            stack.enter_context(locked(folder, wait=False))
        except Timeout as error:
            raise ValueError(
                f"The folder {folder.parent} is in use by another run, which "
                "has not ended. Give another --output_folder, or wait for it."
            ) from error
        except (OSError, NotImplementedError) as error:
            raise ValueError(
                f"A run needs a folder that can be written and locked; got "
                f"{folder.parent} ({error}). Give another --output_folder."
            ) from error
        # while it is locked: whoever locks it next makes it anew
        stack.callback(path_of_lock(folder).unlink, missing_ok=True)
        yield
        _held.add(folder)
        atexit.register(_let_go, stack.pop_all(), os.getpid())


def _let_go(held: contextlib.ExitStack, pid: int) -> None:
    if os.getpid() == pid:  # a fork may have come to its end
        held.close()


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder, and remove what is empty at the end."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for each in new:
            with contextlib.suppress(OSError):
                each.rmdir()
