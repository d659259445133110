"""What an interrupted work has finished, so that it can go on from there."""

import contextlib
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any


class Journal:
    """Results by key, each kept in a file as soon as it is there.

    A key tells all that a result depends on. Results whose key is no longer
    wanted are forgotten at the start, since what is made next may replace
    their files.

    Arguments
    ---------
    path : Path
        The file, one line of JSON for each result; may not be there yet.
    wanted : collection of str
        The keys that are worked on.

    Example
    -------
    >>> path = getfixture("tmp_path") / "journal.jsonl"
    >>> with Journal(path, {"a", "b"}) as journal:
    ...     journal.add("a", 1)
    >>> with Journal(path, {"a", "b"}) as journal:
    ...     journal.finished
    {'a': 1}
    """

    def __init__(self, path: Path, wanted: Collection[str]):
        self.finished = {
            key: result for key, result in _read_lines(path) if key in wanted
        }
        rewritten = path.with_name(f"{path.name}.new")
        rewritten.write_text(
            "".join(map(_line, self.finished.items())), encoding="utf-8"
        )
        os.replace(rewritten, path)
        self._file = open(path, "a", encoding="utf-8")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def add(self, key: str, result: Any) -> None:
        """Keep a result.

        Arguments
        ---------
        key : str
            What it depends on.
        result : object
            What JSON can hold.
        """
        self._file.write(_line((key, result)))
        self._file.flush()


def _line(item: tuple[str, Any]) -> str:
    return json.dumps(item, ensure_ascii=False) + "\n"


def _read_lines(path: Path) -> list[tuple[str, Any]]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    # what follows the last line end is nothing, or cut
    return [item for item in map(_read_line, lines[:-1]) if item]


def _read_line(line: str) -> tuple[str, Any] | None:
    """Read a line; what it says is found again where it is damaged."""
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        key, result = json.loads(line)
        return (key, result) if isinstance(key, str) else None
    return None
