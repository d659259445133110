"""What a search of pronunciations looks for, and what it finds."""

import math
from dataclasses import dataclass

# as in sb_sma.data.phonemes, which models do not import
START = 0  # heard before the first phoneme, never said
END = 1


@dataclass(frozen=True)
class BeamSettings:
    """How pronunciations are searched.

    Arguments
    ---------
    beam_size : int
        Hypotheses about a word that are followed; 1 is greedy search.
    length_penalty : float
        0 prefers short pronunciations, 1 compares means per phoneme.
    steps_per_grapheme : float
        With `extra_steps`, the limit of a word's steps, its end included.
    extra_steps : int
        What is added for every word, at least 1.
    max_run : int
        How often a phoneme may come in a row; the longest run of the
        training set is a safe choice.
    beam_threshold : float
        Hypotheses whose log-probability is further than this below that of
        the best are dropped; of the n-th best, where n pronunciations are
        asked for. With infinity, none is.

    Raises
    ------
    ValueError
        If a number is out of range.

    Example
    -------
    >>> BeamSettings(steps_per_grapheme=1.5, extra_steps=4).max_steps(6)
    13
    """

    beam_size: int = 5
    length_penalty: float = 1.0
    steps_per_grapheme: float = 2.0
    extra_steps: int = 10
    max_run: int = 3
    beam_threshold: float = math.inf

    def __post_init__(self):
        for name, least in (
            ("beam_size", 1),
            ("length_penalty", 0),
            ("steps_per_grapheme", 0),
            ("extra_steps", 1),
            ("max_run", 1),
        ):
            if not least <= getattr(self, name) < math.inf:
                raise ValueError(
                    f"{name} must be {least} or more; got "
                    f"{getattr(self, name)}."
                )
        if not self.beam_threshold > 0:
            raise ValueError(
                "beam_threshold must be above 0 (infinity = drop none); got "
                f"{self.beam_threshold}."
            )

    def max_steps(self, n_graphemes: int) -> int:
        """Step limit of a word, its end included.

        Arguments
        ---------
        n_graphemes : int
            Length of the word.

        Returns
        -------
        max_steps : int
            At least 1.
        """
        return math.ceil(self.steps_per_grapheme * n_graphemes) + (
            self.extra_steps
        )


@dataclass(frozen=True)
class Hypothesis:
    """A pronunciation that was found.

    Arguments
    ---------
    tokens : list of int
        Phonemes, without start and end.
    log_probability : float
        Natural logarithm, the end included.
    score : float
        The log-probability divided by a power of the length.
    finished : bool
        False if the step limit came before the end.
    """

    tokens: list[int]
    log_probability: float
    score: float
    finished: bool


def make_hypothesis(
    tokens: list[int],
    log_probability: float,
    max_steps: int,
    length_penalty: float,
) -> Hypothesis:
    """Read what was said up to the end.

    Arguments
    ---------
    tokens : list of int
        One per step; what comes after the end or the limit is not read.
    log_probability : float
        Natural logarithm, the end included.
    max_steps : int
        Step limit of the word.
    length_penalty : float
        Power of the length that the log-probability is divided by.

    Returns
    -------
    hypothesis : Hypothesis
        Unfinished if there is no end.

    Example
    -------
    >>> make_hypothesis([5, 4, 1, 1], -1.5, max_steps=4, length_penalty=1.0)
    Hypothesis(tokens=[5, 4], log_probability=-1.5, score=-0.5, finished=True)
    """
    tokens = tokens[:max_steps]
    finished = END in tokens
    length = tokens.index(END) + 1 if finished else len(tokens)
    return Hypothesis(
        tokens[: length - finished],
        log_probability,
        log_probability / length**length_penalty,
        finished,
    )
