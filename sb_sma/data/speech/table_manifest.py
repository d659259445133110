"""Reads a manifest that is a table: fields, delimiters, and a header."""

import csv
import io
import re
from pathlib import Path

from sb_sma.data.names import strip_invisible
from sb_sma.data.speech.columns import (
    Note,
    Rows,
    column_name,
    columns_fault,
    is_header,
    joined_fault,
)

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_FILE_ENDING = re.compile(r"\.\w{2,4}\s*$")


def table_rows(content: str, path: Path, note: Note) -> Rows:
    """Read the utterances of a table.

    Arguments
    ---------
    content : str
        Of the file.
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
    >>> list(table_rows("ID;WAV;Text\\na;a.wav;Yes.", Path("a.csv"), print))
    [(2, {'id': 'a', 'wav': 'a.wav', 'text': 'Yes.'})]
    """
    delimiter = _find_delimiter(content, path)
    reader = csv.reader(
        io.StringIO(content, newline=""), delimiter=delimiter, strict=True
    )
    first_line = 1
    try:
        header = list(map(column_name, next(reader, [])))
        fault = columns_fault(header)
        if fault:
            raise ValueError(
                f"{path}, line 1: {fault} Of a corpus in LJSpeech's layout, "
                "give the folder."
            )
        first_line = reader.line_num + 1
        for row in reader:
            number, first_line = first_line, reader.line_num + 1
            if not row:
                continue
            row = list(map(strip_invisible, row))
            fault = _row_fault(row, header, delimiter)
            if fault:
                note(number, fault)
            else:
                yield number, dict(zip(header, row))
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {first_line}: the line and what follows cannot be "
            f"read: {error}. Close the quotes, and write a quote within "
            'quotes twice ("").'
        ) from error


def _find_delimiter(content: str, path: Path) -> str:
    """Return what stands between the names of the required columns."""
    first_line = content.split("\n", 1)[0]
    for delimiter in _DELIMITERS:
        if any(map(is_header, csv.reader([first_line], delimiter=delimiter))):
            return delimiter
    return "\t" if path.suffix.lower() == ".tsv" else ","


def _row_fault(row: list[str], header: list[str], delimiter: str) -> str | None:
    if is_header(row):
        return "the header must stand in line 1 alone; got it again. Remove it."
    fault = joined_fault(row)
    if fault:
        return fault
    if len(row) != len(header):
        return (
            f"expected {len(header)} fields ({','.join(header)}), got "
            f"{len(row)}. Mend the line; a field with a "
            f"{_DELIMITERS[delimiter]} needs quotes."
        )
    wav = header.index("wav")
    for line in "\n".join(row).split("\n"):
        fields = line.split(delimiter)
        if len(fields) >= len(header) and _FILE_ENDING.search(fields[wav]):
            return (
                f"quotes must close where a field ends; got a field with the "
                f"line {line!r} in it. Close them, and write a quote within "
                'quotes twice ("").'
            )
    return None
