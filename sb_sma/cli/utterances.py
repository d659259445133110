"""What is to be said, line by line, and the files that are written for it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sb_sma.cli.lines import TextLines, decode_line


@dataclass(frozen=True)
class Utterance:
    """What is to be said, and what is written for it.

    Arguments
    ---------
    line : int
        Number of the line that it stands in.
    text : str
        What is to be said.
    out : Path
        Of its sound.
    plot : Path or None
        Of its picture, if there is to be one.
    words : Path or None
        Of the times of its words, if they are to be told.
    """

    line: int
    text: str
    out: Path
    plot: Path | None
    words: Path | None = None


def read_argument(text: str) -> str:
    """Read a text of the command line, which may be in another encoding.

    Arguments
    ---------
    text : str
        What --text gives.

    Returns
    -------
    text : str
        What is to be said.

    Raises
    ------
    ValueError
        If it is not UTF-8.

    Example
    -------
    >>> read_argument(" Hello. ")
    'Hello.'
    """
    try:
        return decode_line(os.fsencode(text))
    except ValueError as error:
        raise ValueError(f"--text {error}") from error


def read_texts(
    lines: TextLines, remedy: str = "Give --text, or"
) -> list[tuple[int, str | None]]:
    """Read the texts of a file, and report lines that cannot be read.

    Arguments
    ---------
    lines : TextLines
        Of the file.
    remedy : str
        Where there is no text, before what a line is to hold.

    Returns
    -------
    texts : list of (int, str or None)
        Number and text of each line that is not blank; None is that of a bad
        one.

    Raises
    ------
    ValueError
        If there is no text, or no line can be read.

    Example
    -------
    >>> read_texts(TextLines("a.txt", [b"One.\\n", b"\\n", b"Two."], "a text"))
    [(1, 'One.'), (3, 'Two.')]
    """
    texts = []
    for number, line in lines:
        try:
            text = decode_line(line)
        except ValueError as error:
            lines.pass_over(number, error)
            text = None
        if text != "":
            texts.append((number, text))
    if not texts:
        raise ValueError(
            f"{lines.name} holds no text. {remedy} {lines.content} per line."
        )
    if len(lines.bad) == len(texts):
        lines.conclude(n_good=0)
    return texts


def number_utterances(
    texts: Sequence[tuple[int, str | None]],
    out: Path,
    plot: Path | None,
    words: Path | None = None,
) -> list[Utterance]:
    """Name the files of each text.

    Several get numbers, which are those of the texts of the file: one that
    cannot be read leaves a gap. They are as long as the last one, so that the
    names are in order.

    Arguments
    ---------
    texts : sequence of (int, str or None)
        As `read_texts` gives them.
    out : Path
        Of the sounds, without numbers.
    plot : Path or None
        Of the pictures, without numbers.
    words : Path or None
        Of the times of words, without numbers.

    Returns
    -------
    utterances : list of Utterance
        What could be read.

    Example
    -------
    >>> texts = [(1, "One."), (2, None), (4, "Three.")]
    >>> [
    ...     str(each.out)
    ...     for each in number_utterances(texts, Path("a.wav"), None)
    ... ]
    ['a-1.wav', 'a-3.wav']
    """
    utterances = []
    for position, (line, text) in enumerate(texts, start=1):
        paths = (
            path and _numbered(path, position, len(texts))
            for path in (out, plot, words)
        )
        if text is not None:
            utterances.append(Utterance(line, text, *paths))
    return utterances


def _numbered(path: Path, position: int, count: int) -> Path:
    """Return the path of one of several files."""
    if count == 1:
        return path
    number = str(position).zfill(len(str(count)))
    return path.with_name(f"{path.stem}-{number}{path.suffix}")
