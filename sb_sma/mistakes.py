"""Mistakes of those who run a script, told without a traceback.

Whoever gave a wrong value needs to read what is wrong with it; a traceback is
for mistakes of those who wrote the script.
"""

import contextlib
import dis
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

logger = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parent
_NAME = __name__.partition(".")[0]


@contextlib.contextmanager
def tell_mistakes(script: str | os.PathLike[str]) -> Iterator[None]:
    """End the program with one message where a user made a mistake.

    Such are: a ValueError or an ImportError that this package or the folder of
    the script raises itself, a file that cannot be read or written, and a
    package that is not installed. Anything else keeps its traceback, and these
    have theirs in the log of the run, if there is one.

    Arguments
    ---------
    script : path
        The script that is run.

    Returns
    -------
    context : context manager
        For the run.

    Raises
    ------
    SystemExit
        With the message.

    Example
    -------
    >>> with tell_mistakes("train.py"):
    ...     open("/no/such/file")
    Traceback (most recent call last):
    ...
    SystemExit: error: No such file or directory: '/no/such/file'
    """
    try:
        yield
    except (ValueError, ImportError, OSError) as error:
        message = _message(error, Path(script).absolute().parent)
        if message is None:
            raise
        logger.debug("the run ends", exc_info=True)
        sys.exit(f"error: {message}")


def _message(error: Exception, folder: Path) -> str | None:
    """Return what to tell of a mistake, or None of anything else."""
    if _raises_itself(error.__traceback__, folder):
        return str(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror}: '{error.filename}'"
    name = getattr(error, "name", None)
    if isinstance(error, ModuleNotFoundError) and name:
        package = name.partition(".")[0]
        if package != _NAME:
            return f"the package {package} is not installed. Install it."
    return None


def _raises_itself(traceback: TracebackType, folder: Path) -> bool:
    """Say whether the innermost call is in these folders, and says `raise`."""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    operation = dis.opname[code.co_code[traceback.tb_lasti]]
    path = Path(code.co_filename)
    is_ours = _PACKAGE in path.parents or folder in path.parents
    return is_ours and operation == "RAISE_VARARGS"
