"""Subtitles: what is said when, in lines that can be read."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sb_sma.data.text.pieces import cut_text
from sb_sma.metrics.word_times import WordTime

_LONGEST = 84
"""Characters: two lines of 42."""

# characters of numbers and symbols that may stand between two words
_FARTHEST = 40


class Cue(NamedTuple):
    """A subtitle.

    Attributes
    ----------
    start : float
        In seconds.
    end : float
        Likewise.
    text : str
        In one line.
    """

    start: float
    end: float
    text: str


def make_cues(
    text: str, words: Sequence[WordTime], start: float, end: float
) -> list[Cue]:
    """Cut a passage into subtitles.

    Arguments
    ---------
    text : str
        As it is written.
    words : sequence of WordTime
        As they are said; those that are written otherwise, as numbers are, are
        passed over.
    start : float
        Of the passage, in seconds; the times of the words count from there.
    end : float
        Of the passage.

    Returns
    -------
    cues : list of Cue
        One after the other.

    Example
    -------
    >>> words = [
    ...     WordTime("Yes", 0.1, 0.4, True),
    ...     WordTime("no", 0.6, 0.9, True),
    ... ]
    >>> make_cues("Yes, no.", words, start=2.0, end=3.0)
    [Cue(start=2.1, end=2.9, text='Yes, no.')]
    """
    text = " ".join(text.split())
    placed = _place(text, words)
    cues: list[Cue] = []
    at = 0
    for piece, _ in cut_text(text, _LONGEST):
        first = text.find(piece, at)
        at = max(first, at) + len(piece)
        own = [word for place, word in placed if first <= place < at]
        begins = (
            start + own[0].start if own else (cues[-1].end if cues else start)
        )
        ends = start + own[-1].end if own else begins
        cues.append(Cue(begins, ends, piece))
    return [
        cue._replace(end=min(max(cue.end, cue.start), limit))
        for cue, limit in zip(cues, [*(cue.start for cue in cues[1:]), end])
    ]


def _place(text: str, words: Sequence[WordTime]) -> list[tuple[int, WordTime]]:
    """Find words in a text, in their order."""
    placed, at = [], 0
    lower = text.lower()
    for word in words:
        place = lower.find(
            word.text.lower(), at, at + len(word.text) + _FARTHEST
        )
        if place >= 0:
            placed.append((place, word))
            at = place + len(word.text)
    return placed


def format_srt(cues: Iterable[Cue]) -> str:
    """Write subtitles as SubRip does.

    Arguments
    ---------
    cues : iterable of Cue
        In their order.

    Returns
    -------
    text : str
        Of a file.

    Example
    -------
    >>> print(format_srt([Cue(3661.5, 3662.25, "Yes, no.")]))
    1
    01:01:01,500 --> 01:01:02,250
    Yes, no.
    <BLANKLINE>
    """
    return "\n".join(
        f"{number}\n{_clock(cue.start)} --> {_clock(cue.end)}\n{cue.text}\n"
        for number, cue in enumerate(cues, start=1)
    )


def _clock(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02}:{minutes:02}:{whole:02},{milliseconds:03}"
