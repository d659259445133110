"""What the columns of a manifest are called."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator

from sb_sma.data.speech.names import strip_invisible, visible

# line number and fields of each utterance
Rows = Iterator[tuple[int, dict[str, str]]]
# takes the number of a line, and what is wrong with it
Note = Callable[[int, str], None]

REQUIRED = ("id", "wav", "text")
# what JSON may have as a number, too
NUMBERS = ("duration",)
_OPTIONAL = re.compile(r"split|speaker|duration|style(_\w+)?")
_EXAMPLES = ("split", "speaker", "duration", "style")


def column_name(name: str) -> str:
    """Return the name of a column as it is known here.

    Arguments
    ---------
    name : str
        As it is spelled in a file.

    Returns
    -------
    str
        In lower case, and without what does not show at its ends, if there is
        such a column; else as it is.

    Example
    -------
    >>> column_name(" Text"), column_name("Words")
    ('text', 'Words')
    """
    name = strip_invisible(name)
    lower = name.lower()
    known = lower in REQUIRED or _OPTIONAL.fullmatch(lower)
    return lower if known else name


def is_header(fields: Iterable[str]) -> bool:
    """Tell whether a line names the columns.

    Arguments
    ---------
    fields : iterable of str
        Of the line.

    Returns
    -------
    bool
        Whether all required columns are among them.

    Example
    -------
    >>> is_header(["ID", "WAV", "Text"]), is_header(["a", "a.wav", "Yes."])
    (True, False)
    """
    return set(REQUIRED).issubset(map(column_name, fields))


def columns_fault(columns: Iterable[str]) -> str | None:
    """Find what is wrong with the columns of a manifest.

    Arguments
    ---------
    columns : iterable of str
        Their names.

    Returns
    -------
    str or None
        What they must be, what they are, and how to mend them.

    Example
    -------
    >>> columns_fault(["id", "wav", "text", "speeker"])[-50:]
    "got 'speeker'. Rename it to speaker, or remove it."
    """
    columns = list(columns)
    for column in columns:
        if column not in REQUIRED and not _OPTIONAL.fullmatch(column):
            known = (*REQUIRED, *_EXAMPLES)
            near = difflib.get_close_matches(column.lower(), known, n=1)
            return (
                f"columns must be among {', '.join(known)} and style_*; got "
                f"'{visible(column)}'. Rename "
                f"{'it to ' + near[0] if near else 'it'}, or remove it."
            )
    missing = [column for column in REQUIRED if column not in columns]
    if missing or len(set(columns)) < len(columns):
        return (
            f"columns must be {', '.join(REQUIRED)}, each once, and optional "
            f"ones; got {', '.join(columns)}. Mend the columns."
        )
    return None


def joined_fault(fields: Iterable[str]) -> str | None:
    """Find where the end of a file and the beginning of the next are one line.

    Arguments
    ---------
    fields : iterable of str
        Of a line.

    Returns
    -------
    str or None
        What the line must be, what it is, and how to mend it.

    Example
    -------
    >>> joined_fault(["a", "Yes.\\ufeffid"])[:61]
    'a byte order mark (U+FEFF) must begin a line; got one inside '
    """
    for field in fields:
        if "\ufeff" in field:
            return (
                "a byte order mark (U+FEFF) must begin a line; got one inside "
                f"'{visible(field)}', as where files are joined. Put a line "
                "end before it, or remove it."
            )
    return None
