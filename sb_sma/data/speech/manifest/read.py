"""Reads what a corpus of recordings consists of, and finds bad lines.

A manifest is a table with a header, ``.csv`` or ``.tsv`` (commas, semicolons,
tabs or bars between the fields, and quotes around those that have one), or
JSON, ``.json`` or ``.jsonl``; all are UTF-8. Its columns::

    id              unique, and fit to name a file
    wav             relative to the manifest's folder, absolute, from ~ on,
                    or a URL that begins with file:
    text            what is said
    speaker         optional; who says it
    style, style_*  optional; how it is said, in as many columns as you like
    split           optional; train, valid or test
    duration        optional; seconds of the recording

A column is there for all utterances or for none, and never empty. In CSV::

    id, wav, text, speaker
    a1, clips / a1.flac, "Yes, you.", anna

In ``.json``, as in SpeechBrain's manifests, each id has its other columns, all
of them strings, but for durations, which may be numbers; in ``.jsonl``, each line is such an object, with its id::

    {"a1": {"wav": "clips/a1.flac", "text": "Yes, you.", "speaker": "anna"}}

    {"id": "a1", "wav": "clips/a1.flac", "text": "Yes, you."}

A folder in the layout of LJSpeech-1.1 serves as well: its ``metadata.csv`` has
lines ``id|text|normalised text`` or ``id|text``, and the recordings are
``wavs/id.wav``. A first line may name other columns: ``id|speaker|text``.
"""

import math
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sb_sma.data.corpus.build_once import SPLITS
from sb_sma.data.problems import abridged
from sb_sma.data.speech.manifest.columns import Note, Rows
from sb_sma.data.speech.manifest.encoding import TextLines, text_fault
from sb_sma.data.speech.manifest.entries import Entries, Entry
from sb_sma.data.speech.manifest.json_lines import json_lines_rows, json_rows
from sb_sma.data.speech.manifest.ljspeech import ljspeech_rows
from sb_sma.data.speech.manifest.table import table_rows
from sb_sma.data.speech.names import (
    find_alike,
    same_look,
    tell_near_names,
    visible,
)

METADATA = "metadata.csv"
# a file system has room for 255 bytes with an ending
_FILE_NAME = re.compile(r"(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,200}")
_Reader = Callable[[Iterable[str], Path, Note], Rows]
_READERS = {
    ".csv": table_rows,
    ".tsv": table_rows,
    ".json": json_rows,
    ".jsonl": json_lines_rows,
}
_KINDS = ", ".join([*_READERS][:-1]) + f" or {[*_READERS][-1]}"


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
    return _find(data_folder)[0]


def read_entries(data_folder: str | Path) -> tuple[Entries, list[str]]:
    """Read a manifest without opening the recordings, or holding its lines.

    Arguments
    ---------
    data_folder : str or Path
        A manifest, or a folder in the layout of LJSpeech-1.1.

    Returns
    -------
    (Entries, list of str)
        The utterances, as a sequence of `Entry`, and the problems of lines that give none.

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
    manifest, read_rows = _find(data_folder)
    folder = manifest.parent
    lines = TextLines(manifest)
    # what one utterance has, all have
    columns = set()
    for _, fields in read_rows(lines, manifest, lambda *fault: None):
        columns.update(fields)
    columns -= {"id", "text"}
    entries, problems, seen = Entries(manifest), [], {}

    def note(number: int, problem: str) -> None:
        """Take note of a problem of a line."""
        problems.append((number, f"{manifest}, line {number}: {problem}"))

    for number, fields in read_rows(lines, manifest, note):
        index = seen.get(_file_of(fields["id"]))
        like = entries[index] if index is not None else None
        faults = list(_faults(fields, columns, like))
        for fault in faults:
            note(number, fault)
        if not faults:
            name, duration = fields.pop("id"), fields.pop("duration", None)
            seen[_file_of(name)] = len(entries)
            entries.append(
                number,
                name,
                os.path.join(folder, _local_path(fields.pop("wav"))),
                fields.pop("text"),
                split=fields.pop("split", None),
                duration=duration and float(duration),
                labels={
                    column: unicodedata.normalize("NFC", label)
                    for column, label in fields.items()
                },
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


def _find(data_folder: str | Path) -> tuple[Path, _Reader]:
    """Find the file that lists the utterances, and what reads it."""
    source = find_alike(Path(data_folder).expanduser().absolute())
    if source.is_file():
        read_rows = _READERS.get(source.suffix.lower())
        if read_rows:
            return source, read_rows
        raise ValueError(
            f"data_folder must be a manifest ({_KINDS}), or a folder; got the "
            f"file {visible(source)}. Give its name the ending of what it is, "
            "and a table a first line that names its columns, such as "
            "id|wav|text."
        )
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
            f"does, or be a manifest ({_KINDS}); got {visible(source)}, "
            f"without {' and '.join(missing)}{_what_is_there(source)}. Unpack "
            "https://keithito.com/LJ-Speech-Dataset/ and give its folder, or "
            "give a manifest."
        )
    return source / METADATA, ljspeech_rows


def _what_is_there(source: Path) -> str:
    """Tell what may be meant in place of what is missing."""
    if not source.is_dir():
        return f": there is no such file or folder{tell_near_names(source)}"
    near = [
        f"'{visible(name)}'"
        for name in sorted(os.listdir(source))
        if name not in (METADATA, "wavs")
        and (
            Path(name).suffix.lower() in _READERS
            or same_look(name).casefold() == "wavs"
        )
    ]
    return f"; there is {abridged(near)}" if near else ""


def _local_path(written: str) -> str:
    """Return the path that a home directory or a URL of a file means."""
    if written.lower().startswith("file:"):
        written = url2pathname(urlsplit(written).path)
    return os.path.expanduser(written)


def _file_of(name: str) -> str:
    """Return the same for ids that are one file on some system."""
    return same_look(name).casefold()


def _is_file_name(name: str) -> bool:
    """Whether a file system takes it, an ending added."""
    # halves of characters have no bytes
    content = name.encode("utf-8", "ignore")
    is_whole = content.decode("utf-8") == name
    return bool(_FILE_NAME.fullmatch(name)) and is_whole and len(content) <= 240


def _faults(
    fields: dict[str, str],
    columns: set[str],
    like: Entry | None,
) -> Iterator[str]:
    """Return what is wrong with a line, of which one before may have the id."""
    name = fields["id"]
    if like and like.name == name:
        yield (
            f"the id {name!r} must be unique, but {like.line} has it, too. "
            "Remove one of them."
        )
    elif like:
        yield (
            f"the id '{visible(name)}' must be another one for systems that "
            f"ignore case and forms of letters in names; {like.line} has "
            f"'{visible(like.name)}'. Rename one of them."
        )
    elif not _is_file_name(name):
        yield (
            f"the id must be the name of a file in wavs/; got {name!r}. Mend "
            "the line; a recording elsewhere needs a column wav."
        )
    for column in sorted(columns):
        if not fields.get(column):
            yield (
                f"the {column} must not be empty where the manifest has that "
                "column. Fill it in, or remove the line."
            )
    fault = text_fault(fields["text"])
    if fault:
        yield fault
    split = fields.get("split")
    if split and split not in SPLITS:
        yield f"split must be one of {', '.join(SPLITS)}; got {split!r}."
    duration = fields.get("duration")
    if duration and not _is_duration(duration):
        yield (
            "the duration must be a number of seconds above 0, such as 3.25; "
            f"got {duration!r}. Mend it, or remove the column."
        )


def _is_duration(written: str) -> bool:
    try:
        return 0 < float(written) < math.inf
    except ValueError:
        return False
