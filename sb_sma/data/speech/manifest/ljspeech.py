"""Reads ``metadata.csv`` in the layout of LJSpeech-1.1, and its relatives.

Its lines are ``id|text|normalised text``, or ``id|text`` where both are the
same. Other corpora have as many columns that mean something else, most of them
a speaker; a first line that names the columns says so: ``id|speaker|text``.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sb_sma.data.speech.manifest.columns import (
    Note,
    Rows,
    column_name,
    columns_fault,
    joined_fault,
)
from sb_sma.data.speech.names import strip_invisible
from sb_sma.data.speech.recording.pace import count_letters

_NORMALISED = "normalised text"
_COLUMNS = {2: ("id", "text"), 3: ("id", "text", _NORMALISED)}
_NORMALISED_SPELLING = re.compile(r"normali[sz]ed[ _-]?\w*", re.IGNORECASE)
# what a line that names columns consists of
_NAME_WORD = (
    r"(id|file|base|name|audio|wav|path|clip|client|utt|utterance|text|raw"
    r"|words?|sentence|prompt|label|transcript|transcription|phonemes?"
    r"|normali[sz]ed|speaker|spk|style(_\w+)?|split|duration|length|seconds"
    r"|lang|language|locale|gender|accent|emotion)"
)
_NAME = re.compile(rf"{_NAME_WORD}([ _-]?{_NAME_WORD})*", re.IGNORECASE)
_IDENTIFIER = re.compile(r"[A-Za-z]\w*([ -]\w+)*")
_WORD = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.?!。？！]\W*$")
_FEWEST_WORDS = 3
# of the lines; of text and normalised text nearly all have words in common,
# and no text is normalised in two ways
_UNRELATED_SHARE = 0.5
_REPEATED_SHARE = 0.3
# of the letters; no text is so much longer than its normalised form
_UNLIKE_FACTOR = 3
# p225, or clips/a1; a1.wav; seconds
_CODE = re.compile(r"[A-Za-z][\w./\\-]*\d[\w./\\-]*")
_FILE = re.compile(r".*[^\s.]\.[A-Za-z][A-Za-z0-9]{1,3}")
_DECIMAL = re.compile(r"-?\d+(\.\d+|,\d{1,2}) ?(s|sec|ms)?")


def ljspeech_rows(lines: Iterable[str], path: Path, note: Note) -> Rows:
    """Read the utterances of ``metadata.csv``.

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
        If the columns are others than they seem to be.

    Example
    -------
    >>> list(ljspeech_rows(["a|Dr. No|Doctor No"], Path("metadata.csv"), print))
    [(1, {'id': 'a', 'text': 'Doctor No', 'wav': 'wavs/a.wav'})]
    """
    rows = _split(lines)
    first = next(rows, None)
    if first is None:
        return
    if _names_columns(first[1]):
        columns = _named_columns(*first, path)
    else:
        columns = _counted_columns(lines, path)
        rows = _split(lines)
    for number, fields in rows:
        fault = joined_fault(fields)
        if not fault and len(fields) != len(columns):
            fault = (
                f"expected {len(columns)} fields ({'|'.join(columns)}), got "
                f"{len(fields)}. Mend the line."
            )
        if fault:
            note(number, fault)
            continue
        values = dict(zip(columns, fields))
        values["text"] = values.pop(_NORMALISED, values["text"])
        values.setdefault("wav", f"wavs/{values['id']}.wav")
        yield number, values


def _split(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, list(map(strip_invisible, line.split("|")))


def _names_columns(fields: Sequence[str]) -> bool:
    if not all(map(_IDENTIFIER.fullmatch, fields)):
        return False
    n_known = sum(map(bool, map(_NAME.fullmatch, fields)))
    return len({*map(str.lower, fields)}) == len(fields) and n_known > max(
        1, len(fields) / 2
    )


def _named_columns(number: int, fields: list[str], path: Path) -> list[str]:
    """Return the columns that the first line names."""
    columns = [
        _NORMALISED
        if _NORMALISED_SPELLING.fullmatch(field)
        else column_name(field)
        for field in fields
    ]
    named = [column for column in columns if column != _NORMALISED]
    fault = columns_fault([*named, *({"wav"} - {*named})])
    if fault:
        raise ValueError(
            f"{path}, line {number} names the columns: {fault} Remove the line "
            f"if they are {' or '.join(map('|'.join, _COLUMNS.values()))}."
        )
    return columns


def _counted_columns(lines: Iterable[str], path: Path) -> tuple[str, ...]:
    """Return the columns that as many fields as most lines have must be."""
    counts = Counter(len(fields) for _, fields in _split(lines))
    count = max(sorted(counts, reverse=True), key=counts.get)
    if count not in _COLUMNS:
        number, fields = next(
            row for row in _split(lines) if len(row[1]) == count
        )
        raise ValueError(
            f"{path}, line {number}: expected lines id|text|normalised text, "
            f"or id|text; got {count} field(s) with | between them, "
            f"{'|'.join(fields)!r}. Name the columns in a line above, such as "
            "id|speaker|text|normalised text; of a table with a header, give "
            "the file itself."
        )
    if count == 3:
        pairs = (
            fields[1:] for _, fields in _split(lines) if len(fields) == count
        )
        _refuse_speakers(pairs, counts[count], path)
    return _COLUMNS[count]


def _refuse_speakers(
    pairs: Iterable[list[str]], n_pairs: int, path: Path
) -> None:
    """Refuse a column of names, files or numbers beside one of texts."""
    unrelated = [
        pair for pair in pairs if pair[0] != pair[1] and _are_unrelated(*pair)
    ]
    if len(unrelated) < _UNRELATED_SHARE * n_pairs:
        return
    seen = _repeated_name(unrelated, _REPEATED_SHARE * n_pairs)
    unlike = [pair for pair in unrelated if _are_unlike(*pair)]
    # of a single line nobody can tell
    if not seen and 1 < len(unlike) >= _UNRELATED_SHARE * n_pairs:
        seen = "{0!r} beside {1!r}".format(*unlike[0])
    if seen:
        raise ValueError(
            f"{path} must have lines id|text|normalised text, where the last "
            f"two say the same; got {seen}. Name the columns in a line above "
            "the first: id|speaker|text, or id|text|normalised text if they "
            "are that; remove a column that is something else."
        )


def _repeated_name(pairs: Sequence[list[str]], fewest: float) -> str | None:
    """Find a column whose values come again, beside other texts each time."""
    for named in (pairs, [pair[::-1] for pair in pairs]):
        texts = defaultdict(dict)
        for name, text in named:
            # "5 %" and "5%" are one
            texts[name].setdefault(" ".join(_words(text)), text)
        name = max(texts, key=lambda name: len(texts[name]))
        if sum(len(texts[name]) > 1 for name, _ in named) >= fewest:
            return (
                f"{name!r} beside {len(texts[name])} different texts, such as "
                f"{next(iter(texts[name].values()))!r}"
            )
    return None


def _are_unlike(text: str, normalised: str) -> bool:
    """Whether one cannot be the other when it is written out."""
    if any(map(_is_label, (text, normalised))) or normalised.isdecimal():
        return True
    if _differ_in_script(text, normalised):
        return False
    few, many = sorted(map(count_letters, (text, normalised)))
    if few * _UNLIKE_FACTOR < many:
        return True
    return any(
        _is_sentence(one) and not _SENTENCE_END.search(other)
        for one, other in ((text, normalised), (normalised, text))
    )


def _is_sentence(text: str) -> bool:
    ends = _SENTENCE_END.search(text)
    return bool(ends) and len(_words(text)) >= _FEWEST_WORDS


def _is_label(field: str) -> bool:
    patterns = (_CODE, _FILE, _DECIMAL)
    return any(pattern.fullmatch(field) for pattern in patterns)


def _differ_in_script(one: str, other: str) -> bool:
    """Whether there is no letter to compare, as in hanzi and their pinyin."""
    letters, others = (
        {character for character in text.casefold() if character.isalpha()}
        for text in (one, other)
    )
    return bool(letters and others) and letters.isdisjoint(others)


def _are_unrelated(one: str, other: str) -> bool:
    words, others = _words(one), _words(other)
    return bool(words and others) and set(words).isdisjoint(others)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
