"""Paths that a command is given."""

import argparse
import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from sb_sma.cli.lines import tell
from sb_sma.inference.model_folder import check_model_folder


def check_model(source: str) -> None:
    """Refuse a model that is not there; say so if a hub has to be asked.

    Arguments
    ---------
    source : str
        What --model names.

    Raises
    ------
    ValueError
        If it must be a folder and is none that a training run exported.

    Example
    -------
    >>> check_model("./no/such/model")
    Traceback (most recent call last):
    ...
    ValueError: a model must be a folder that a training run exported; ./no/such/model does not exist. Give the folder model/ of the run.
    """
    check_model_folder(source, prefer_folder=True)
    if not Path(source).is_dir():
        tell(f"{source} is no folder here; fetching it from a hub")


def short_names(sources: Sequence[str]) -> list[tuple[str, str]]:
    """Name each of several models.

    Arguments
    ---------
    sources : sequence of str
        What --model names, each once.

    Returns
    -------
    named : list of (str, str)
        A short name, unlike the others, and the source.

    Example
    -------
    >>> short_names(["runs/SMA/model", "runs/softmax/model"])
    [('SMA', 'runs/SMA/model'), ('softmax', 'runs/softmax/model')]
    """
    short = [
        path.parent.name if path.name == "model" else path.name
        for path in (Path(source).absolute() for source in sources)
    ]
    return [
        (name if short.count(name) == 1 else source, source)
        for name, source in zip(short, sources)
    ]


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Declare the option that lets a model's folder run code of its own.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of a command that takes a model.
    """
    parser.add_argument(
        "--trust_model",
        action="store_true",
        help="let the model's folder name, and run, any code; for modules of "
        "your own, and from nobody whom you do not know",
    )


def check_readable(option: str, path: str) -> None:
    """Refuse a file that does not exist, or may not be read.

    Arguments
    ---------
    option : str
        Where it is named.
    path : str
        The file.

    Raises
    ------
    ValueError
        If it cannot be read.

    Example
    -------
    >>> check_readable("--style_wav", "none.wav")
    Traceback (most recent call last):
    ...
    ValueError: --style_wav: none.wav cannot be read: there is no such file.
    """
    if not Path(path).exists():
        problem = "there is no such file"
    elif Path(path).is_dir():
        problem = "it is a folder"
    elif not os.access(path, os.R_OK):
        problem = "you may not read it"
    else:
        return
    raise ValueError(f"{option}: {path} cannot be read: {problem}.")


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written in the end.

    Arguments
    ---------
    path : Path
        The file.

    Raises
    ------
    ValueError
        If it is a folder, the folder that it is to be in does not exist, or
        one of them may not be written.

    Example
    -------
    >>> check_writable(getfixture("tmp_path") / "out.tsv")
    """
    if path.is_dir():
        raise ValueError(
            f"{path} cannot be written: it is a folder. Name a file in it."
        )
    # a link stays one
    target = Path(os.path.realpath(path))
    folder = target.parent
    if not folder.is_dir():
        raise ValueError(
            f"{path} cannot be written: the folder {folder} does not exist. "
            "Make it first."
        )
    needed = [target] if target.exists() else []
    # a pipe or a device is written in place
    if not needed or target.is_file():
        needed.append(folder)
    for each in needed:
        if not os.access(each, os.W_OK):
            raise ValueError(
                f"{path} cannot be written: you may not write {each}. Name "
                "another file."
            )


def check_not_read(
    outputs: Iterable[tuple[str, Path]],
    inputs: Iterable[tuple[str, str | None]],
) -> None:
    """Refuse to overwrite what is read, or was just written.

    Arguments
    ---------
    outputs : iterable of (str, Path)
        Options, and the files that are written for them.
    inputs : iterable of (str, str or None)
        Options, and what they name, if they do; what is no file is passed over.

    Raises
    ------
    ValueError
        If two of them are the same file.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> path.touch()
    >>> check_not_read([("--out", path)], [("--input", "-")])
    """
    option_of = {_identity(Path(path)): name for name, path in inputs if path}
    option_of.pop(None, None)
    for option, path in outputs:
        identity = _identity(path)
        if identity in option_of:
            raise ValueError(
                f"{option} must be another file than {option_of[identity]}; "
                f"got {path} for both."
            )
        if identity is not None:
            option_of[identity] = option


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what all names of a file share; None if it does not exist."""
    if not path.is_file():
        return None
    status = path.stat()
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def complete_or_absent(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under its name when all is written.

    Arguments
    ---------
    path : Path
        Its name. A link stays one; a pipe or a device is written in place.

    Returns
    -------
    file : context manager of binary file
        To write to.

    Raises
    ------
    OSError
        If it cannot be written.

    Example
    -------
    >>> path = getfixture("tmp_path") / "out.tsv"
    >>> with complete_or_absent(path) as file:
    ...     _ = file.write(b"a")
    ...     path.exists()
    False
    >>> path.read_text()
    'a'
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with open(target, "wb") as file:
            yield file
        return
    try:
        file = tempfile.NamedTemporaryFile(
            prefix=".sb-sma-", dir=target.parent, delete=False
        )
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror}") from error
    new = Path(file.name)
    try:
        with file:
            yield file
        # a temporary file is for its owner only
        umask = os.umask(0)
        os.umask(umask)
        new.chmod(0o666 & ~umask)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
