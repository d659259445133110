"""The texts that models are evaluated on.

Five hundred come with the package, fifty of each of ten kinds, in
``texts.tsv``: attention fails on what plain sentences lack. Short texts,
repetition (the n-th says its words n times), rhyme and cut-off sentences are
kinds of J-HARD-TTS-Eval.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_OWN = Path(__file__).with_name("texts.tsv")
UNNAMED = "text"
"""Kind of the texts of a file that names none."""


class EvaluationText(NamedTuple):
    """What a model is to say.

    Attributes
    ----------
    kind : str
        Of text.
    text : str
        What is to be said.
    line : int
        Of its file, from 1.
    position : int
        Among the texts of the file, from 1.
    """

    kind: str
    text: str
    line: int
    position: int


def own_texts() -> list[EvaluationText]:
    """Read the texts of the package.

    Returns
    -------
    texts : list of EvaluationText
        Fifty of each kind.

    Example
    -------
    >>> texts = own_texts()
    >>> len(texts), len({each.kind for each in texts})
    (500, 10)
    """
    lines = _OWN.read_text(encoding="utf-8").splitlines()
    return take_kinds(enumerate(lines, start=1))


def take_kinds(lines: Iterable[tuple[int, str | None]]) -> list[EvaluationText]:
    """Take kinds and texts of lines apart.

    Arguments
    ---------
    lines : iterable of (int, str or None)
        Number and content of each line that is not blank: a text, or its kind,
        a tab, and the text. None is that of one that could not be read.

    Returns
    -------
    texts : list of EvaluationText
        One of each line that could be read.

    Raises
    ------
    ValueError
        If a line has two tabs, or nothing before or after one, or if some
        lines name a kind and others do not.

    Example
    -------
    >>> take_kinds([(1, "short\\tNo."), (3, "short\\tYes.")])[1]
    EvaluationText(kind='short', text='Yes.', line=3, position=2)
    >>> take_kinds([(1, "No.")])[0].kind
    'text'
    """
    texts: list[EvaluationText] = []
    named_before = None
    for position, (number, line) in enumerate(lines, start=1):
        if line is None:
            continue
        kind, *rest = [part.strip() for part in line.split("\t")]
        if len(rest) > 1 or (rest and not (kind and rest[0])):
            raise ValueError(
                f"line {number} must be a text, or its kind, a tab and the "
                f"text; got {line!r:.80}."
            )
        named = bool(rest)
        if named_before not in (named, None):
            raise ValueError(
                f"line {number}: all lines must name a kind before a tab, or "
                f"none; got {line!r:.80} after {texts[0].text!r:.40}."
            )
        named_before = named
        kind, text = (kind, rest[0]) if named else (UNNAMED, kind)
        texts.append(EvaluationText(kind, text, number, position))
    return texts
