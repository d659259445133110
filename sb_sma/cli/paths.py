"""Paths that a command is given."""

from pathlib import Path


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written in the end.

    Arguments
    ---------
    path : Path
        The file.

    Raises
    ------
    ValueError
        If it is a folder, or the folder that it is to be in does not exist.

    Example
    -------
    >>> check_writable(getfixture("tmp_path") / "out.tsv")
    """
    if path.is_dir():
        raise ValueError(
            f"{path} cannot be written: it is a folder. Name a file in it."
        )
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ValueError(
            f"{path} cannot be written: the folder {folder} does not exist. "
            "Make it first."
        )
