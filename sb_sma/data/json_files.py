"""JSON files, written to be read by people, and read with one error."""

import json
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Any) -> None:
    """Write a readable JSON file.

    Arguments
    ---------
    path : Path
        Where to write.
    content : object
        What JSON can hold.
    """
    path.write_text(
        json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8"
    )


def parse_json(text: str | bytes, source: Any) -> Any:
    """Read JSON.

    Arguments
    ---------
    text : str or bytes
        What is read.
    source : Any
        Where it is from, for the error.

    Returns
    -------
    content : object
        What it holds.

    Raises
    ------
    ValueError
        If it is no JSON, no UTF-8, or nested too deep.

    Example
    -------
    >>> parse_json("[" * 3, "a.json")
    Traceback (most recent call last):
    ...
    ValueError: a.json must be JSON; got Expecting value: line 1 column 4 (char 3). Put back the file as it was written.
    """
    try:
        return json.loads(text)
    # deeper than Python calls, which nothing is that was written
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{source} must be JSON; got {error}. Put back the file as it was "
            "written."
        ) from error


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Arguments
    ---------
    path : str or Path
        The file.

    Returns
    -------
    content : object
        What it holds.

    Raises
    ------
    ValueError
        If it is no JSON, no UTF-8, or nested too deep.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.json"
    >>> write_json(path, {"a": 1})
    >>> read_json(path)
    {'a': 1}
    """
    return parse_json(Path(path).read_bytes(), path)
