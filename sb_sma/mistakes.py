"""Mistakes of those who run a script, told without a traceback.

Whoever gave a wrong value needs to read what is wrong with it; a traceback is
for mistakes of those who wrote the script.
"""

import atexit
import contextlib
import dis
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

logger = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parent
_NAME = __name__.partition(".")[0]
_SECONDS_TO_BE_ENDED = 10.0


@contextlib.contextmanager
def tell_mistakes(script: str | os.PathLike[str]) -> Iterator[None]:
    """End the program with one message where a user made a mistake.

    Such are: a ValueError or an ImportError that this package or the folder of
    the script raises itself, a file that cannot be read or written, and a
    package that is not installed. Anything else keeps its traceback, and these
    have theirs in the log of the run, if there is one.

    Of several processes that torchrun has started, the main one tells at once
    what the others may have met, too, or follows from it. torchrun then ends
    them before they tell it again.

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
    except Exception as error:
        message = None
        if isinstance(error, (ValueError, ImportError, OSError)):
            message = _message(error, Path(script).absolute().parent)
        is_alone = int(os.environ.get("WORLD_SIZE", "1")) == 1
        is_main = os.environ.get("RANK", "0") == "0"
        if not is_alone and (message is None or not is_main):
            time.sleep(_SECONDS_TO_BE_ENDED)
        if message is None:
            raise
        logger.debug("the run ends", exc_info=True)
        if is_alone:
            sys.exit(f"error: {message}")
        print(f"error: {message}", file=sys.stderr)
        end_at_once(status=1)


def end_at_once(status: int) -> None:
    """End the process as it ends, but for the end of the interpreter.

    Arguments
    ---------
    status : int
        Of the process.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


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
