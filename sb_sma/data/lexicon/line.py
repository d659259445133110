"""A line of a lexicon: a word and its phonemes, whoever wrote them.

The word is read in plain characters, with straight apostrophes, as texts are;
the phonemes are composed (NFC), so that one sound has one spelling. Numbers
between word and phonemes, as Kaldi's and MFA's lexicons have them, are left
out.
"""

import itertools
import re
import unicodedata
from dataclasses import dataclass

from sb_sma.data.plain_text import plain_text
from sb_sma.data.spelling import STRAIGHT_APOSTROPHES

MAX_WORD_LENGTH = 100
# tab and NUL among them, and what ends a line or a paragraph in Unicode
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u2060\ufeff]")
_SPACES = re.compile(r"[^\S\t\n\r\f\v\x1c-\x1f\x85\u2028\u2029]")
_VARIANT = re.compile(r" *\(\d+\)$")
_VARIANT_APART = re.compile(r"\(\d+\)(?: +|$)")
_COMMENT = re.compile(r";;;|#+(?: |$)")
_DECIMAL = r"-?\d*\.\d+(?:e-?\d+)?"
_NUMBER = re.compile(rf"{_DECIMAL}|[01]")
_NO_PHONEME = re.compile(rf"(?<!\S)(?:{_DECIMAL}|\(\d+\))(?!\S)")

PROBABILITY = re.compile(rf"[ \t]{_DECIMAL}[ \t]")
"""Pattern of a number beside a word, in a line of a lexicon."""

_UNSEEN = "invisible characters are left out"
_RESPELLED = "words are read in plainer characters, such as ' for ’"
_COMPOSED = "phonemes are read with composed letters (NFC)"
_NUMBERED = (
    "probabilities are left out, the order of lines tells the first "
    "pronunciation"
)


class BadLine(ValueError):
    """What is wrong with a line, and what it is counted as.

    Arguments
    ---------
    kind : str
        What is counted together.
    problem : str
        What was expected, what is there and how to mend it.
    """

    def __init__(self, kind: str, problem: str):
        super().__init__(problem)
        self.kind = kind


@dataclass(frozen=True)
class Line:
    """What a line says.

    Arguments
    ---------
    word : str
        In plain characters.
    phonemes : tuple of str
        Its pronunciation.
    notes : tuple of str
        What is read otherwise than it is written, to be told.
    """

    word: str
    phonemes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_line(
    line: str, layout: str, has_probabilities: bool = False
) -> Line | None:
    """Take a line apart.

    Arguments
    ---------
    line : str
        Without its end, not blank.
    layout : str
        A name of `LAYOUTS`.
    has_probabilities : bool
        Whether 1 and 0 after the word are probabilities, as in a file where
        0.5 is there, too.

    Returns
    -------
    Line or None
        None of a comment.

    Raises
    ------
    BadLine
        If it has no word, or none that can be read, or no phonemes.

    Example
    -------
    >>> line = read_line("don’t (2) 0.3 D OW1 N T", "cmudict")
    >>> line.word, line.phonemes, len(line.notes)
    ("don't", ('D', 'OW1', 'N', 'T'), 2)
    """
    notes = []
    seen = _INVISIBLE.sub("", line)
    if seen != line:
        notes.append(_UNSEEN)
    fields = LAYOUTS[layout](_SPACES.sub(" ", seen))
    if fields is None:
        return None
    for text in fields:
        _refuse_control_characters(text)
    written = fields[0].strip()
    said = unicodedata.normalize("NFC", fields[1]).split()
    if said != fields[1].split():
        notes.append(_COMPOSED)
    word = plain_text(written).translate(STRAIGHT_APOSTROPHES).strip()
    if word != written:
        notes.append(_RESPELLED)
    numbers = list(itertools.takewhile(_NUMBER.fullmatch, said))
    if numbers and (has_probabilities or "." in "".join(numbers)):
        del said[: len(numbers)]
        notes.append(_NUMBERED)
    _check(word, said, line)
    return Line(word, tuple(said), tuple(notes))


def _check(word: str, phonemes: list[str], line: str) -> None:
    if not word:
        raise BadLine(
            "empty word",
            f"expected a word, got none in {line!r}. Mend or remove the line.",
        )
    if len(word) > MAX_WORD_LENGTH:
        raise BadLine(
            "long word",
            f"a word must have at most {MAX_WORD_LENGTH} characters; got "
            f"{len(word)}: {word[:20]!r}... Mend or remove the line.",
        )
    if not phonemes:
        raise BadLine(
            "empty pronunciation",
            f"the word {word!r} must have phonemes; got none. Mend or remove "
            "the line.",
        )
    number = _NO_PHONEME.search(" ".join(phonemes))
    if number:
        raise BadLine(
            "number among phonemes",
            f"phonemes must be symbols such as AH0; got {number[0]!r} in "
            f"{line[:40]!r}. Mend or remove the line.",
        )


def _refuse_control_characters(text: str) -> None:
    control = _CONTROL.search(text)
    if control:
        raise BadLine(
            "control character",
            f"a field must have no control character; got {control[0]!r} in "
            f"{text[:40]!r}. Mend or remove the line.",
        )


def _sigmorphon_fields(line: str) -> tuple[str, str]:
    word, *others = line.split("\t")
    if not others or not all(map(_NUMBER.fullmatch, others[:-1])):
        raise BadLine(
            "wrong number of fields",
            f"expected 2 fields (word<TAB>phonemes), got {len(others) + 1}. "
            "Mend or remove the line.",
        )
    return _VARIANT.sub("", word), " ".join(others)


def _cmudict_fields(line: str) -> tuple[str, str] | None:
    if _COMMENT.match(line):
        return None
    if "\t" in line:
        raise BadLine(
            "tab",
            f"expected word and phonemes with spaces between, got tabs in "
            f"{line[:40]!r}. If all lines are word<TAB>phonemes, give the file "
            "a name that ends with .tsv.",
        )
    word, _, phonemes = line.split(" #", 1)[0].partition(" ")
    phonemes = phonemes.lstrip()
    # the mark of a variant may stand apart from the word
    mark = _VARIANT_APART.match(phonemes)
    phonemes = phonemes[mark.end() :] if mark else phonemes
    return _VARIANT.sub("", word), phonemes


LAYOUTS = {"sigmorphon": _sigmorphon_fields, "cmudict": _cmudict_fields}
"""What finds word and phonemes of a line, by the name of the layout."""
