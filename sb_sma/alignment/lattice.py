"""Which states a recording of a text may walk through.

Each phoneme is three states, one after the other, each of at least a frame.
Between words, at the begin and at the end there may be a pause, which is
skipped where nobody makes one. A walk stays on a state or moves to the next,
as that of stepwise monotonic attention, or over a whole pause.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

STATES_PER_UNIT = 3
PAUSE_UNIT, UNKNOWN_UNIT = 0, 1
"""Numbers of what is no phoneme; those of phonemes come after them."""

# frames of the states of a pause: a stop's closure is shorter
_INNER_PAUSE = (0, 1, 1, 1, 1, 1, 1, 2)
_OUTER_PAUSE = (0, 1, 2)
# how likely there is one
_AT_ENDS, _AT_MARKS, _BETWEEN_WORDS = 0.9, 0.6, 0.05


class AlignedWord(NamedTuple):
    """A word that is to be found in a recording.

    Attributes
    ----------
    text : str
        How it is shown.
    phonemes : list of str
        How they are shown, at least one.
    units : list of str
        What each sounds like, for the aligner.
    pause : bool
        Whether the text has a mark after it.
    """

    text: str
    phonemes: list[str]
    units: list[str]
    pause: bool


class Segment(NamedTuple):
    """What states are of.

    Attributes
    ----------
    word : int or None
        Number of the word; None is a pause.
    phoneme : int
        Number of the phoneme in its word.
    """

    word: int | None
    phoneme: int = 0


@dataclass(frozen=True)
class Lattice:
    """The states of a text, N in number.

    Arguments
    ---------
    emitters : np.ndarray
        Which Gaussian each state is heard by, (N,).
    segments : list of Segment
        Words' phonemes, and pauses, that may be made.
    segment_of : np.ndarray
        Number of each state's segment, (N,).
    enter : np.ndarray
        Log-probability of moving on to each from the state before, (N,).
    skip_from : np.ndarray
        The state from which each is reached over a pause, or -1, (N,).
    skip : np.ndarray
        Log-probability of that, (N,).
    start : np.ndarray
        Log-probability of beginning with each, (N,).
    end : np.ndarray
        Log-probability of ending with each, (N,).
    """

    emitters: np.ndarray
    segments: list[Segment]
    segment_of: np.ndarray
    enter: np.ndarray
    skip_from: np.ndarray
    skip: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def __len__(self) -> int:
        return len(self.emitters)

    @property
    def fewest_frames(self) -> int:
        """How many the shortest walk has."""
        return STATES_PER_UNIT * sum(
            segment.word is not None for segment in self.segments
        )


def build_lattice(
    words: Sequence[AlignedWord], numbers: Mapping[str, int]
) -> Lattice:
    """Lay out the states of a text.

    Arguments
    ---------
    words : sequence of AlignedWord
        At least one.
    numbers : mapping
        Of the units that the aligner knows; others are `UNKNOWN_UNIT`.

    Returns
    -------
    lattice : Lattice
        Its states.

    Example
    -------
    >>> words = [AlignedWord("no", ["n", "oʊ"], ["n", "oʊ"], False)]
    >>> lattice = build_lattice(words, {"n": 2, "oʊ": 3})
    >>> lattice.emitters.tolist()
    [0, 1, 2, 6, 7, 8, 9, 10, 11, 0, 1, 2]
    """
    layout = _Layout()
    layout.add_pause(_OUTER_PAUSE, _AT_ENDS)
    likely = _AT_ENDS
    for number, word in enumerate(words):
        for index, unit in enumerate(word.units):
            layout.add_phoneme(
                Segment(number, index), numbers.get(unit, UNKNOWN_UNIT)
            )
            if index == 0:
                layout.skip[-STATES_PER_UNIT] = math.log(1 - likely)
                layout.skip_from[-STATES_PER_UNIT] = layout.last_of_word
        layout.last_of_word = len(layout.emitters) - 1
        if number == len(words) - 1:
            layout.add_pause(_OUTER_PAUSE, _AT_ENDS)
        else:
            likely = _AT_MARKS if word.pause else _BETWEEN_WORDS
            layout.add_pause(_INNER_PAUSE, likely)
    return layout.finish()


class _Layout:
    """States that are laid out one after the other."""

    def __init__(self):
        self.emitters: list[int] = []
        self.segments: list[Segment] = []
        self.segment_of: list[int] = []
        self.enter: list[float] = []
        self.skip_from: list[int] = []
        self.skip: list[float] = []
        self.last_of_word = -1

    def add_pause(self, states: Sequence[int], likely: float) -> None:
        """Lay out a pause, however likely."""
        first = len(self.emitters)
        emitters = [PAUSE_UNIT * STATES_PER_UNIT + state for state in states]
        self._add(Segment(None), emitters)
        self.enter[first] = math.log(likely)

    def add_phoneme(self, segment: Segment, unit: int) -> None:
        """Lay out a phoneme."""
        first = unit * STATES_PER_UNIT
        self._add(segment, list(range(first, first + STATES_PER_UNIT)))

    def _add(self, segment: Segment, emitters: list[int]) -> None:
        count = len(emitters)
        self.emitters += emitters
        self.segment_of += [len(self.segments)] * count
        self.segments.append(segment)
        self.enter += [0.0] * count
        self.skip_from += [-1] * count
        self.skip += [-np.inf] * count

    def finish(self) -> Lattice:
        """Add where a walk begins and ends."""
        count = len(self.emitters)
        start, end = np.full((2, count), -np.inf, dtype=np.float32)
        after_pause = len(_OUTER_PAUSE)
        start[0] = self.enter[0]
        start[after_pause] = self.skip[after_pause]
        self.skip[after_pause] = -np.inf
        end[-1] = 0.0
        end[self.last_of_word] = math.log(1 - _AT_ENDS)
        return Lattice(
            emitters=np.array(self.emitters),
            segments=self.segments,
            segment_of=np.array(self.segment_of),
            enter=np.array(self.enter, dtype=np.float32),
            skip_from=np.array(self.skip_from),
            skip=np.array(self.skip, dtype=np.float32),
            start=start,
            end=end,
        )
