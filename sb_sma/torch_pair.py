"""Whether torch and torchaudio, which SpeechBrain imports, load together.

Their releases no longer come in pairs, and two that do not match die with the
traceback of a linker.
"""

import importlib
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import lazy_loader

TESTED_PAIR = {"torch": "2.14.1", "torchaudio": "2.11.1"}
"""What ``constraints.txt`` installs."""


# a linker's error is an OSError, and another release of CUDA a RuntimeError
_LOAD_ERRORS = (ImportError, OSError, RuntimeError)


def check_torch_pair() -> None:
    """Import both.

    The imports take seconds, and SpeechBrain needs them anyway.

    Raises
    ------
    ImportError
        If one of them cannot be imported. It says both versions, what went
        wrong, and the command that mends it.

    Example
    -------
    >>> check_torch_pair()
    """
    try:
        for name in TESTED_PAIR:
            importlib.import_module(name)
    except _LOAD_ERRORS as error:
        found = " and ".join(f"{name} {_version(name)}" for name in TESTED_PAIR)
        pair = " ".join(f"{name}=={TESTED_PAIR[name]}" for name in TESTED_PAIR)
        # torch says which file it could not load, and why only in the cause
        reason = " ".join(str(error.__cause__ or error).split())
        raise ImportError(
            f"{found} do not load together ({reason}). Install the pair that "
            f"was tested: pip install --force-reinstall {pair}"
        ) from None


def require_torch_pair() -> None:
    """Import both, or end the program with one line.

    Raises
    ------
    SystemExit
        If `check_torch_pair` says no.

    Example
    -------
    >>> require_torch_pair()
    """
    try:
        check_torch_pair()
    except ImportError as error:
        sys.exit(f"error: {error}")


def attach_stub(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Hand on what a package's stub lists, as ``lazy_loader`` does.

    What cannot be loaded because of the pair says so.

    Arguments
    ---------
    package : str
        ``__name__`` of the package.
    file : str
        Its ``__file__``.

    Returns
    -------
    (callable, callable, list of str)
        Its ``__getattr__``, ``__dir__`` and ``__all__``.
    """
    load, list_names, names = lazy_loader.attach_stub(package, file)

    def load_or_explain(name: str) -> Any:
        """Load a library, or say what to install."""
        try:
            return load(name)
        except _LOAD_ERRORS:
            check_torch_pair()
            raise

    return load_or_explain, list_names, names


def _version(name: str) -> str:
    """As installed, told without an import."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
