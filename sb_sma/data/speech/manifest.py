"""Reads what a corpus of recordings consists of, and finds bad lines.

A manifest is a CSV file with a header (commas, fields with commas in quotes)
or a JSON file; both are UTF-8. Its columns::

    id              unique, and fit to name a file
    wav             relative to the manifest's folder, or absolute
    text            what is said
    speaker         optional; who says it
    style, style_*  optional; how it is said, in as many columns as you like
    split           optional; train, valid or test

A column is there for all utterances or for none, and never empty. In CSV::

    id, wav, text, speaker
    a1, clips / a1.flac, "Yes, you.", anna

In JSON, as in SpeechBrain's manifests, each id has its other columns, all of
them strings::

    {"a1": {"wav": "clips/a1.flac", "text": "Yes, you.", "speaker": "anna"}}

A folder in the layout of LJSpeech-1.1 serves as well: its ``metadata.csv`` has
lines ``id|text|normalised text`` and no header, and the recordings are
``wavs/id.wav``.
"""

import csv
import difflib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sb_sma.data.build_once import SPLITS

METADATA = "metadata.csv"
_REQUIRED = ("id", "wav", "text")
_OPTIONAL = re.compile(r"split|speaker|style(_\w+)?")
_EXAMPLES = ("split", "speaker", "style")
# a file system has room for 255 bytes with an ending
_FILE_NAME = re.compile(r"(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,200}")
_LJSPEECH_FIELDS = 3
_NEXT_KEY = re.compile(r"[\s,]*(?=\")")
_COLON = re.compile(r"\s*:\s*")

# line number and fields of each utterance; takes the text of the file, and a
# function that notes a problem of a line
_Rows = Iterator[tuple[int, dict[str, str]]]
_Note = Callable[[int, str], None]


@dataclass(frozen=True)
class Entry:
    """One utterance of a manifest.

    Arguments
    ---------
    place : str
        File and line.
    name : str
        Its id.
    wav : Path
        Its recording.
    text : str
        What is said.
    labels : dict
        Speaker and style columns, where the manifest has them.
    split : str, optional
        train, valid or test, where the manifest says so.
    """

    place: str
    name: str
    wav: Path
    text: str
    labels: dict[str, str] = field(default_factory=dict)
    split: str | None = None


class BadUtterance(ValueError):
    """All that is wrong with one utterance.

    Arguments
    ---------
    problems : list of str
        Each names what, where and how to mend it.
    """

    def __init__(self, problems: list[str]):
        super().__init__("\n".join(problems))
        self.problems = problems


def find_manifest(data_folder: str | Path) -> Path:
    """Find the file that lists the utterances.

    Arguments
    ---------
    data_folder : str or Path
        A manifest, or a folder in the layout of LJSpeech-1.1.

    Returns
    -------
    Path
        The manifest, or metadata.csv of the folder.

    Raises
    ------
    ValueError
        If there is no such thing.
    """
    source = Path(data_folder).expanduser().absolute()
    if source.is_file() and source.suffix in _READERS:
        return source
    missing = [
        name
        for name, is_there in (
            (METADATA, (source / METADATA).is_file()),
            ("wavs/", (source / "wavs").is_dir()),
        )
        if not is_there
    ]
    if missing:
        raise ValueError(
            f"data_folder must hold {METADATA} and wavs/ as LJSpeech-1.1 "
            f"does, or be a manifest ({' or '.join(_READERS)}); got {source}, "
            f"without {' and '.join(missing)}. Unpack "
            "https://keithito.com/LJ-Speech-Dataset/ and give its folder, or "
            "give a manifest."
        )
    return source / METADATA


def read_entries(data_folder: str | Path) -> tuple[list[Entry], list[str]]:
    """Read a manifest without touching the recordings.

    Arguments
    ---------
    data_folder : str or Path
        A manifest, or a folder in the layout of LJSpeech-1.1.

    Returns
    -------
    (list of Entry, list of str)
        The utterances, and the problems of lines that give none.

    Raises
    ------
    ValueError
        If there is no such file, or if it cannot be read as a whole.

    Example
    -------
    >>> path = getfixture("tmp_path") / "manifest.csv"
    >>> _ = path.write_text("id,wav,text\\na1,a1.wav,Yes.\\na1,a2.wav,No.\\n")
    >>> entries, problems = read_entries(path)
    >>> [entry.text for entry in entries], len(problems)
    (['Yes.'], 1)
    """
    manifest = find_manifest(data_folder)
    is_folder = Path(data_folder).expanduser().is_dir()
    read_rows = _ljspeech_rows if is_folder else _READERS[manifest.suffix]
    entries, problems, lines = [], [], {}

    def note(number: int, problem: str) -> None:
        problems.append((number, f"{manifest}, line {number}: {problem}"))

    rows = list(read_rows(read_utf8(manifest), manifest, note))
    columns = set().union(*(fields for _, fields in rows)) - {"id", "text"}
    for number, fields in rows:
        faults = list(_faults(fields, columns, lines))
        for fault in faults:
            note(number, fault)
        if not faults:
            name = fields.pop("id")
            lines[name] = number
            entries.append(
                Entry(
                    place=f"{manifest}, line {number}",
                    name=name,
                    wav=manifest.parent / fields.pop("wav"),
                    text=fields.pop("text"),
                    split=fields.pop("split", None),
                    labels=fields,
                )
            )
    if not entries and not problems:
        raise ValueError(
            f"{manifest} must list at least one utterance; got none. Give the "
            "whole file."
        )
    return entries, [problem for _, problem in sorted(problems)]


def read_entry(
    entry: Entry,
    read_text: Callable[[str], Any],
    read_wav: Callable[[Path], Any],
) -> list[Any]:
    """Read text and recording of an utterance, and find the faults of both.

    Arguments
    ---------
    entry : Entry
        The utterance.
    read_text : callable
        Takes the text; raises a ValueError if it is bad.
    read_wav : callable
        Takes the path of the recording; raises a ValueError if it is bad.

    Returns
    -------
    list
        What both return.

    Raises
    ------
    BadUtterance
        If one or both are bad.
    """
    results, problems = [], []
    for read, source in ((read_text, entry.text), (read_wav, entry.wav)):
        try:
            results.append(read(source))
        except ValueError as error:
            problems.append(f"{entry.place}: {error}")
    if problems:
        raise BadUtterance(problems)
    return results


def read_utf8(path: Path) -> str:
    """Read a text file, with or without a byte order mark.

    Arguments
    ---------
    path : Path
        The file.

    Returns
    -------
    str
        Its content.

    Raises
    ------
    ValueError
        If it is not UTF-8; the line is named.
    """
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path} must be UTF-8; got {content[error.start : error.end]!r} "
            f"in line {line}. Convert the file."
        ) from error


def _faults(
    fields: dict[str, str], columns: set[str], lines: dict[str, int]
) -> Iterator[str]:
    """Return what is wrong with a line, its text aside."""
    name = fields["id"]
    if name in lines:
        yield (
            f"the id {name!r} must be unique, but line {lines[name]} has it, "
            "too. Remove one of them."
        )
    elif not _FILE_NAME.fullmatch(name):
        yield (
            f"the id must be the name of a file in wavs/; got {name!r}. Mend "
            "the line."
        )
    for column in sorted(columns):
        if not fields.get(column):
            yield (
                f"the {column} must not be empty where the manifest has that "
                "column. Fill it in, or remove the line."
            )
    split = fields.get("split")
    if split and split not in SPLITS:
        yield f"split must be one of {', '.join(SPLITS)}; got {split!r}."


def _column_fault(columns: Iterable[str]) -> str | None:
    """Return what is wrong with the columns of a manifest."""
    columns = list(columns)
    for column in columns:
        if column not in _REQUIRED and not _OPTIONAL.fullmatch(column):
            known = (*_REQUIRED, *_EXAMPLES)
            near = difflib.get_close_matches(column, known, n=1)
            return (
                f"columns must be among {', '.join(known)} and style_*; got "
                f"{column!r}. Rename {'it to ' + near[0] if near else 'it'}, "
                "or remove it."
            )
    missing = [column for column in _REQUIRED if column not in columns]
    if missing or len(set(columns)) < len(columns):
        return (
            f"columns must be {', '.join(_REQUIRED)}, each once, and optional "
            f"ones; got {', '.join(columns)}. Mend the columns; of a corpus "
            "in LJSpeech's layout, give the folder."
        )
    return None


def _csv_rows(content: str, path: Path, note: _Note) -> _Rows:
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    first_line = 1
    try:
        header = [column.strip() for column in next(reader, [])]
        fault = _column_fault(header)
        if fault:
            raise ValueError(f"{path}, line 1: {fault}")
        first_line = reader.line_num + 1
        for row in reader:
            number, first_line = first_line, reader.line_num + 1
            if not row:
                continue
            if len(row) != len(header):
                note(
                    number,
                    f"expected {len(header)} fields ({','.join(header)}), got "
                    f"{len(row)}. Mend the line; a field with a comma needs "
                    "quotes.",
                )
                continue
            yield number, dict(zip(header, map(str.strip, row)))
    except csv.Error as error:
        raise ValueError(
            f"{path}, line {first_line}: the line and what follows cannot be "
            f"read: {error}. Close the quotes, and write a quote within "
            'quotes twice ("").'
        ) from error


def _json_rows(content: str, path: Path, note: _Note) -> _Rows:
    try:
        utterances = json.loads(content)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} must be JSON; got {error}.") from error
    if not isinstance(utterances, dict):
        raise ValueError(
            f"{path} must map each id to its wav and text; got a "
            f"{type(utterances).__name__}. See sb_sma/data/speech/manifest.py."
        )
    # once more, piece by piece: json.loads tells no line, and keeps only the
    # last of two utterances with the same id, or of two columns
    decode = json.JSONDecoder(object_pairs_hook=tuple).raw_decode
    position, number, counted = content.index("{") + 1, 1, 0
    while key := _NEXT_KEY.match(content, position):
        number += content.count("\n", counted, key.end())
        counted = key.end()
        name, position = decode(content, counted)
        name = name.strip()
        start = _COLON.match(content, position).end()
        pairs, position = decode(content, start)
        if not isinstance(pairs, tuple) or not all(
            isinstance(value, str) for _, value in pairs
        ):
            note(
                number,
                f"the utterance {name!r} must have strings as its columns, "
                'such as {"wav": "a1.wav", "text": "Yes."}; got '
                f"{' '.join(content[start:position].split())}.",
            )
            continue
        fault = _column_fault(["id", *(column for column, _ in pairs)])
        if fault:
            note(number, fault)
            continue
        values = {column: value.strip() for column, value in pairs}
        yield number, {"id": name, **values}


def _ljspeech_rows(content: str, path: Path, note: _Note) -> _Rows:
    # str.splitlines would also split at other characters
    for number, row in enumerate(content.split("\n"), start=1):
        if not row.strip():
            continue
        fields = row.rstrip("\r").split("|")
        if len(fields) != _LJSPEECH_FIELDS:
            note(
                number,
                "expected 3 fields (id|text|normalised text), got "
                f"{len(fields)}. Mend the line.",
            )
            continue
        name, text = fields[0].strip(), fields[2].strip()
        yield number, {"id": name, "wav": f"wavs/{name}.wav", "text": text}


_READERS = {".csv": _csv_rows, ".json": _json_rows}
