"""Reads a manifest that is a table: fields, delimiters, and a header."""

import contextlib
import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sb_sma.data.speech.manifest.columns import (
    Note,
    Rows,
    column_name,
    columns_fault,
    is_header,
    joined_fault,
)
from sb_sma.data.speech.names import strip_invisible

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_QUOTED_FIELD = re.compile(r'"([^"]|"")*"')


def table_rows(lines: Iterable[str], path: Path, note: Note) -> Rows:
    """Read the utterances of a table.

    Arguments
    ---------
    lines : iterable of str
        Of the file; looped over more than once.
    path : Path
        Of the file.
    note : callable
        Takes the number of a line, and what is wrong with it.

    Returns
    -------
    iterator of (int, dict)
        Number of each line, and its fields by column.

    Raises
    ------
    ValueError
        If the file cannot be read as a whole.

    Example
    -------
    >>> lines = ["ID;WAV;Text", "a;a.wav;Yes."]
    >>> list(table_rows(lines, Path("a.csv"), print))
    [(2, {'id': 'a', 'wav': 'a.wav', 'text': 'Yes.'})]
    """
    delimiter = _find_delimiter(lines, path)
    split = _tab_lines if delimiter == "\t" else _quoted_lines
    rows = (
        (number, list(map(strip_invisible, row)))
        for number, row in split(lines, path, delimiter)
    )
    number, header = next((row for row in rows if any(row[1])), (1, []))
    header = list(map(column_name, header))
    fault = columns_fault(header)
    if fault:
        raise ValueError(
            f"{path}, line {number}: {fault} Of a corpus in LJSpeech's "
            "layout, give the folder."
        )
    for number, row in rows:
        if not any(row):
            continue
        fault = _row_fault(row, header, delimiter)
        if fault:
            note(number, fault)
        else:
            yield number, dict(zip(header, row))


def _tab_lines(
    lines: Iterable[str], path: Path, delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    """Read lines whose quotes mean something only around a whole field."""
    for number, line in enumerate(lines, start=1):
        yield (
            number,
            [
                field[1:-1].replace('""', '"')
                if _QUOTED_FIELD.fullmatch(field)
                else field
                for field in map(strip_invisible, line.split(delimiter))
            ],
        )


def _quoted_lines(
    lines: Iterable[str], path: Path, delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    """Read lines, of which quotes may make one."""
    ended = (f"{line}\n" for line in lines)
    reader = csv.reader(ended, delimiter=delimiter, strict=True)
    number = 1
    try:
        for row in reader:
            yield number, row
            number = reader.line_num + 1
    except csv.Error as error:
        fault = joined_fault(itertools.islice(lines, number - 1, number))
        raise ValueError(
            f"{path}, line {number}: "
            + (
                fault
                or f"the line and what follows cannot be read: {error}. Close "
                'the quotes, and write a quote within quotes twice ("").'
            )
        ) from error


def _find_delimiter(lines: Iterable[str], path: Path) -> str:
    """Return what stands between the names of the required columns."""
    first_line = next(filter(None, lines), "")
    for delimiter in _DELIMITERS:
        # a line that is no row is told when it is read
        with contextlib.suppress(csv.Error):
            rows = csv.reader([first_line], delimiter=delimiter)
            if any(map(is_header, rows)):
                return delimiter
    return "\t" if path.suffix.lower() == ".tsv" else ","


def _row_fault(row: list[str], header: list[str], delimiter: str) -> str | None:
    if is_header(row):
        return "the header must come once; got it again. Remove the line."
    fault = joined_fault(row)
    if fault:
        return fault
    if len(row) != len(header):
        return (
            f"expected {len(header)} fields ({','.join(header)}), got "
            f"{len(row)}. Mend the line; a field with a "
            f"{_DELIMITERS[delimiter]} needs quotes."
        )
    return _swallowed_fault(row, header.index("wav"), delimiter)


def _swallowed_fault(row: list[str], wav: int, delimiter: str) -> str | None:
    """Find lines that have become text because a quote does not close."""
    lines = [
        line for field in row if "\n" in field for line in field.split("\n")[1:]
    ]
    ending = Path(row[wav]).suffix if lines else ""
    for line in lines if ending else []:
        fields = line.split(delimiter)
        if len(fields) >= len(row) and fields[wav].strip().endswith(ending):
            return (
                "quotes must close where a field ends; got a field with the "
                f"line {line!r} in it. Close them, and write a quote within "
                'quotes twice ("").'
            )
    return None
