"""Reads pronunciation lexicons and finds all that is wrong with them.

Two layouts of a line are known::

    sigmorphon      word<TAB>p1 p2 p3
    cmudict         word p1 p2 p3 # comment
                    word(2) p1 p2 p3

In both, a word that stands on several lines has several pronunciations, and
the number in parentheses is no part of it. In ``cmudict``, a line that begins
with ``;;;`` or a ``#`` alone is a comment. Files may be packed by gzip (``.gz``). Words and phonemes that are written
in several ways, and probabilities before the phonemes, are read as
`sb_sma.data.lexicon.line` tells, with one warning for each kind.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sb_sma.data.lexicon.content import plain_name, read_content
from sb_sma.data.lexicon.line import (
    LAYOUTS,
    MAYBE_PROBABILITY,
    PROBABILITY,
    BadLine,
    read_line,
)
from sb_sma.data.problems import abridged, raise_problems

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LexiconEntry:
    """One word and how it is said.

    Arguments
    ---------
    word : str
        As it is spelled in the lexicon.
    pronunciations : tuple of tuples of str
        Phonemes of each pronunciation, in the order of the file, each
        pronunciation once.
    language : str, optional
        Its code, where the lexicon has one.
    place : str
        File and line where the word stands first; entries that differ in
        nothing else are equal.
    """

    word: str
    pronunciations: tuple[tuple[str, ...], ...]
    language: str | None = None
    place: str = field(default="", compare=False)


class BadEntries:
    """Collects what is wrong with lexicons, to raise or to count it at once.

    Arguments
    ---------
    skip_bad_entries : bool
        Whether a bad entry is left out and counted instead of being an error.

    Example
    -------
    >>> bad_entries = BadEntries(skip_bad_entries=True)
    >>> bad_entries.add("empty word", "a.tsv, line 3: the word is empty.")
    >>> bad_entries.counts
    Counter({'empty word': 1})
    >>> bad_entries.report()
    """

    def __init__(self, skip_bad_entries: bool = False):
        self.skip_bad_entries = skip_bad_entries
        self.counts = Counter()
        self._problems = []

    def add(self, kind: str, problem: str, skippable: bool = True) -> None:
        """Note a problem.

        Arguments
        ---------
        kind : str
            What is counted together.
        problem : str
            Where it is, what was expected, what is there and how to mend it.
        skippable : bool
            Whether the rest is of use without it.
        """
        if skippable and self.skip_bad_entries:
            self.counts[kind] += 1
        else:
            self._problems.append(problem)

    def report(self) -> None:
        """Raise one error for all problems, or warn once of those skipped.

        Raises
        ------
        ValueError
            If there are problems that are not skipped.
        """
        raise_problems(self._problems)
        if self.counts:
            kinds = sorted(self.counts.items())
            logger.warning(
                "Skipped %d bad entries of the lexicon: %s. Prepare without "
                "skip_bad_entries to see where they are.",
                self.counts.total(),
                ", ".join(f"{count} x {kind}" for kind, count in kinds),
            )


def read_lexicon(
    path: Path,
    layout: str,
    bad_entries: BadEntries,
    language: str | None = None,
) -> list[LexiconEntry]:
    """Read one file.

    Arguments
    ---------
    path : Path
        A UTF-8 file; a byte order mark and Windows line ends do no harm, and
        blank lines are passed over.
    layout : str
        sigmorphon or cmudict; see the module.
    bad_entries : BadEntries
        Takes what is wrong; call its `report` after the last file.
    language : str, optional
        Code of the language, kept in the entries.

    Returns
    -------
    list of LexiconEntry
        One per word, in the order in which the words come first.

    Raises
    ------
    ValueError
        If the layout is unknown.

    Example
    -------
    >>> path = getfixture("tmp_path") / "lexicon.tsv"
    >>> _ = path.write_text(
    ...     "tomato\\tt ə m eɪ t oʊ\\ntomato\\tt ə m ɑː t əʊ\\n"
    ... )
    >>> bad_entries = BadEntries()
    >>> [entry] = read_lexicon(path, "sigmorphon", bad_entries)
    >>> bad_entries.report()
    >>> [" ".join(phonemes) for phonemes in entry.pronunciations]
    ['t ə m eɪ t oʊ', 't ə m ɑː t əʊ']
    """
    if layout not in LAYOUTS:
        raise ValueError(
            f"layout must be one of {', '.join(LAYOUTS)}; got {layout!r}."
        )
    found: dict[str, tuple[str, dict]] = {}
    lines_seen: dict[str, int] = {}
    noted: dict[str, list[str]] = {}
    n_repeated = 0
    lines = list(_lines(path, bad_entries))
    has_probabilities = any(PROBABILITY.search(line) for _, line in lines) or (
        len(lines) > 1
        and all(MAYBE_PROBABILITY.match(line) for _, line in lines)
    )
    for number, line in lines:
        place = f"{path}, line {number}"
        try:
            parsed = read_line(line, layout, has_probabilities)
            if parsed is not None:
                _refuse_again(line, lines_seen)
        except BadLine as bad:
            bad_entries.add(bad.kind, f"{place}: {bad}")
            continue
        lines_seen[line] = number
        if parsed is not None:
            # a dict keeps the order
            pronunciations = found.setdefault(parsed.word, (place, {}))[1]
            n_repeated += parsed.phonemes in pronunciations
            pronunciations[parsed.phonemes] = None
            for note in parsed.notes:
                noted.setdefault(note, []).append(str(number))
    for note, numbers in noted.items():
        logger.warning(
            "%s: %s, in %d line(s): %s",
            path,
            note,
            len(numbers),
            abridged(numbers),
        )
    if n_repeated:
        logger.info(
            "%s gives %d pronunciations again; each counts once",
            path,
            n_repeated,
        )
    return [
        LexiconEntry(word, tuple(pronunciations), language, place)
        for word, (place, pronunciations) in found.items()
    ]


def layout_of(path: Path) -> str:
    """Tell the layout of a lexicon by its name.

    Arguments
    ---------
    path : Path
        The file.

    Returns
    -------
    str
        sigmorphon if its name ends with .tsv or .tsv.gz, else cmudict; see the
        module.

    Example
    -------
    >>> layout_of(Path("mine.tsv")), layout_of(Path("cmudict.dict.gz"))
    ('sigmorphon', 'cmudict')
    """
    return "sigmorphon" if plain_name(path).endswith(".tsv") else "cmudict"


def read_pronunciations(
    path: Path,
) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Read a lexicon to look words up.

    Arguments
    ---------
    path : Path
        In the layout of its name (`layout_of`).

    Returns
    -------
    dict
        Each word in lower case with its pronunciations, the first one first,
        and after them those of words that differ in case only.

    Raises
    ------
    ValueError
        If lines are wrong; all are named.

    Example
    -------
    >>> path = getfixture("tmp_path") / "mine.dict"
    >>> _ = path.write_text("Read R EH1 D\\nread(2) R IY1 D\\n")
    >>> read_pronunciations(path)["read"][0]
    ('R', 'EH1', 'D')
    """
    bad_entries = BadEntries()
    entries = read_lexicon(path, layout_of(path), bad_entries)
    bad_entries.report()
    pronunciations: dict[str, dict[tuple[str, ...], None]] = {}
    for entry in entries:
        # a dict keeps the order
        known = pronunciations.setdefault(entry.word.lower(), {})
        known.update(dict.fromkeys(entry.pronunciations))
    return {word: tuple(known) for word, known in pronunciations.items()}


def _lines(path: Path, bad_entries: BadEntries) -> Iterator[tuple[int, str]]:
    """Yield the lines that can be decoded and are not blank, numbered."""
    try:
        content = read_content(path)
    except OSError as error:
        bad_entries.add(
            "unreadable file",
            f"{path} must be a readable file; got: {error.strerror}. "
            "Give another.",
            skippable=False,
        )
        return
    if not content.strip():
        bad_entries.add(
            "empty file",
            f"{path} must hold at least one word; got an empty file. Give "
            "the file as it was published.",
            skippable=False,
        )
    # str.splitlines would also split at other characters
    for number, row in enumerate(content.split(b"\n"), start=1):
        try:
            line = row.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            bad_entries.add(
                "line that is not UTF-8",
                f"{path}, line {number}: the line must be UTF-8; got "
                f"{row[error.start : error.end]!r}. Convert the file.",
            )
            continue
        line = line.removesuffix("\r")
        if line.strip():
            yield number, line


def _refuse_again(line: str, lines_seen: dict[str, int]) -> None:
    if line in lines_seen:
        raise BadLine(
            "duplicate line",
            f"the line {line!r} must be unique, but line {lines_seen[line]} "
            "is the same. Remove one of them.",
        )
