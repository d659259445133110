"""Reads manifests in JSON: one object of utterances, or one on each line."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sb_sma.data.speech.manifest.columns import (
    NUMBERS,
    Note,
    Rows,
    column_name,
    columns_fault,
)
from sb_sma.data.speech.names import strip_invisible

_NEXT_KEY = re.compile(r"[\s,]*(?=\")")
_COLON = re.compile(r"\s*:\s*")
# the pairs of an object as they stand there: of two columns with the same
# name, a dict keeps the last
_DECODER = json.JSONDecoder(object_pairs_hook=tuple)
_OBJECT: dict[str, Any] = {}


def json_rows(lines: Iterable[str], path: Path, note: Note) -> Rows:
    """Read an object that maps each id to its columns.

    Arguments
    ---------
    lines : iterable of str
        Of the file.
    path : Path
        Of the file.
    note : callable
        Takes the number of a line, and what is wrong with it.

    Returns
    -------
    iterator of (int, dict)
        Line of each id, and its fields by column.

    Raises
    ------
    ValueError
        If the file cannot be read as a whole.

    Example
    -------
    >>> lines = ['{"a": {"wav": "a.wav",', '"text": "Yes."}}']
    >>> list(json_rows(lines, Path("a.json"), print))
    [(1, {'id': 'a', 'wav': 'a.wav', 'text': 'Yes.'})]
    """
    content = "".join(f"{line}\n" for line in lines)
    try:
        # only whether it can be read: the utterances are not held
        utterances = json.loads(content, object_pairs_hook=lambda _: _OBJECT)
    # deeper than Python calls, or of more digits than it reads
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} must be JSON; got {error}. Mend it; of one object a "
            "line, name the file .jsonl."
        ) from error
    if not isinstance(utterances, dict):
        raise ValueError(
            f"{path} must map each id to its wav and text; got a "
            f"{type(utterances).__name__}. See sb_sma/data/speech/manifest/read.py."
        )
    # once more, piece by piece: json.loads tells no line, and keeps only the
    # last of two utterances with the same id
    position, number, counted = content.index("{") + 1, 1, 0
    while key := _NEXT_KEY.match(content, position):
        number += content.count("\n", counted, key.end())
        counted = key.end()
        name, position = _DECODER.raw_decode(content, counted)
        start = _COLON.match(content, position).end()
        pairs, position = _DECODER.raw_decode(content, start)
        if _are_fields(pairs):
            yield from _fields((("id", name), *pairs), number, note)
        else:
            shown = " ".join(content[start:position].split())
            note(
                number,
                f"the utterance {name.strip()!r} must have strings as its "
                'columns, such as {"wav": "a1.wav", "text": "Yes."}; got '
                f"{shown}.",
            )


def json_lines_rows(lines: Iterable[str], path: Path, note: Note) -> Rows:
    """Read lines that are an object each.

    Arguments
    ---------
    lines : iterable of str
        Of the file.
    path : Path
        Of the file.
    note : callable
        Takes the number of a line, and what is wrong with it.

    Returns
    -------
    iterator of (int, dict)
        Number of each line, and its fields by column.

    Example
    -------
    >>> lines = ['{"id": "a", "wav": "a.wav", "text": "Yes."}']
    >>> list(json_lines_rows(lines, Path("a.jsonl"), print))
    [(1, {'id': 'a', 'wav': 'a.wav', 'text': 'Yes.'})]
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            pairs = _DECODER.decode(line)
        except (ValueError, RecursionError):
            pairs = None
        if _are_fields(pairs):
            yield from _fields(pairs, number, note)
        else:
            note(
                number,
                "the line must be an object with strings as its columns, such "
                'as {"id": "a1", "wav": "a1.wav", "text": "Yes."}; got '
                f"{line.strip():.200}.",
            )


def _are_fields(pairs: Any) -> bool:
    """Whether they are strings, but for what may be a number."""
    return isinstance(pairs, tuple) and all(
        isinstance(value, str)
        or (type(value) in (int, float) and column_name(column) in NUMBERS)
        for column, value in pairs
    )


def _fields(
    pairs: tuple[tuple[str, Any], ...], number: int, note: Note
) -> Rows:
    """Give the fields of an utterance, or note what is wrong with them."""
    columns = [column_name(column) for column, _ in pairs]
    fault = columns_fault(columns)
    if fault:
        note(number, fault)
    else:
        values = (strip_invisible(str(value)) for _, value in pairs)
        yield number, dict(zip(columns, values))
