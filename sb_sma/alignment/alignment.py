"""When each word and phoneme of a recording is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sb_sma.alignment.features import time_of_frame
from sb_sma.alignment.lattice import AlignedWord, Lattice

PAUSE_LABEL = ""


class Interval(NamedTuple):
    """A part of a recording.

    Attributes
    ----------
    label : str
        A word or a phoneme; a pause has none.
    start : float
        In seconds.
    end : float
        In seconds.
    """

    label: str
    start: float
    end: float


@dataclass(frozen=True)
class Alignment:
    """Words and phonemes of a recording, without a gap from begin to end.

    Arguments
    ---------
    duration : float
        Seconds of the recording.
    words : list of Interval
        Words and pauses.
    phones : list of Interval
        Phonemes and the same pauses.
    score : float
        How well the sound fits the text, to be compared with that of other
        recordings by the same aligner.

    Example
    -------
    >>> alignment = Alignment(1.0, [Interval("a", 0, 1)], [], score=0.0)
    >>> Alignment.from_json(alignment.as_json()) == alignment
    True
    """

    duration: float
    words: list[Interval]
    phones: list[Interval]
    score: float

    def as_json(self) -> dict[str, Any]:
        """Return what JSON can hold.

        Returns
        -------
        content : dict
            For `from_json`.
        """
        return {
            "duration": self.duration,
            "score": round(self.score, 4),
            "words": [list(interval) for interval in self.words],
            "phones": [list(interval) for interval in self.phones],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Alignment":
        """Read what `as_json` returned.

        Arguments
        ---------
        content : dict
            What JSON held.

        Returns
        -------
        alignment : Alignment
            The same.
        """
        words, phones = (
            [Interval(*interval) for interval in content[name]]
            for name in ("words", "phones")
        )
        return cls(content["duration"], words, phones, content["score"])


def intervals_of_path(
    path: np.ndarray,
    lattice: Lattice,
    words: Sequence[AlignedWord],
    duration: float,
) -> tuple[list[Interval], list[Interval]]:
    """Read a walk.

    Arguments
    ---------
    path : np.ndarray
        State of each frame, (M,).
    lattice : Lattice
        Whose states they are.
    words : sequence of AlignedWord
        Which it was built from.
    duration : float
        Seconds of the recording.

    Returns
    -------
    words, phones : list of Interval
        As of `Alignment`.
    """
    segments = lattice.segment_of[path]
    firsts = np.flatnonzero(np.diff(segments, prepend=-1))
    starts = [round(time_of_frame(int(frame)), 4) for frame in firsts]
    shown_words: list[Interval] = []
    phones: list[Interval] = []
    previous = None
    for first, start, end in zip(firsts, starts, [*starts[1:], duration]):
        word, index = lattice.segments[segments[first]]
        if word is None:
            label = shown = PAUSE_LABEL
        else:
            label, shown = words[word].phonemes[index], words[word].text
        phones.append(Interval(label, start, end))
        if word is not None and word == previous:
            shown_words[-1] = shown_words[-1]._replace(end=end)
        else:
            shown_words.append(Interval(shown, start, end))
        previous = word
    return shown_words, phones
