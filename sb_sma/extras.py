"""Packages that only some of the work needs: the extras of ``setup.py``."""

import importlib
import importlib.util
from types import ModuleType


def require(module: str, extra: str, needed_by: str) -> ModuleType:
    """Import a package that an extra brings.

    Arguments
    ---------
    module : str
        Its name in an import.
    extra : str
        Which of ``setup.py`` brings it.
    needed_by : str
        What needs it: the subject of a sentence.

    Returns
    -------
    module : module
        The package.

    Raises
    ------
    ImportError
        If it is not installed; how it is, is told. What goes wrong inside of it
        is told as it is.

    Example
    -------
    >>> require("no_such", "text", "Speaking numbers out")
    Traceback (most recent call last):
    ImportError: Speaking numbers out needs no-such, which is missing. Install it with: pip install 'sb_sma[text]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise _missing([module], extra, needed_by) from None


def check_installed(*modules: str, extra: str, needed_by: str) -> None:
    """Refuse to begin where a package is missing; none is imported.

    Arguments
    ---------
    *modules : str
        Their names in an import.
    extra : str
        Which of ``setup.py`` brings them.
    needed_by : str
        What needs it: the subject of a sentence.

    Raises
    ------
    ImportError
        Which names those that are missing, and the extra.

    Example
    -------
    >>> check_installed("json", extra="text", needed_by="Nothing")
    """
    missing = [name for name in modules if not importlib.util.find_spec(name)]
    if missing:
        raise _missing(missing, extra, needed_by)


def command_for(extra: str) -> str:
    """Say how an extra is installed.

    Arguments
    ---------
    extra : str
        Its name.

    Returns
    -------
    command : str
        For a shell.

    Example
    -------
    >>> command_for("text")
    "pip install 'sb_sma[text]'"
    """
    return f"pip install 'sb_sma[{extra}]'"


def _missing(modules: list[str], extra: str, needed_by: str) -> ImportError:
    packages = " and ".join(name.replace("_", "-") for name in modules)
    are, them = ("is", "it") if len(modules) == 1 else ("are", "them")
    return ImportError(
        f"{needed_by} needs {packages}, which {are} missing. Install {them} "
        f"with: {command_for(extra)}"
    )
