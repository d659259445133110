"""What one alignment says about how a text was read, without a reference.

Axes: ``Q`` queries (decoder steps), ``K`` keys (text tokens).

* Unaligned share: Shen et al., *Non-Attentive Tacotron*, 2020
  (https://arxiv.org/abs/2010.04301, section 4); there, a recogniser finds what
  is not aligned, here the attention tells.
* Diagonal ratio: Chen et al., *MultiSpeech*, 2020
  (https://arxiv.org/abs/2006.04664, section 3.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sb_sma.metrics.path import PathCounts, count_path
from sb_sma.metrics.word_times import (
    UsualSeconds,
    WordSpan,
    WordTime,
    time_words,
    token_seconds,
)

_LONGEST_STAY = 1.0  # seconds
_BAND = 0.1  # of the text, to both sides of the diagonal
_NARROWEST_BAND = 2  # tokens


@dataclass(frozen=True)
class Reading:
    """How a text was read.

    Arguments
    ---------
    tokens : sequence of str
        What was read.
    alignment : torch.Tensor
        The head that follows the text, without padding, ``(Q, K)``.
    seconds : float
        Duration of the speech.
    finished : bool
        Whether it ended by itself.
    words : sequence of WordSpan
        Of the text.
    """

    tokens: Sequence[str]
    alignment: torch.Tensor
    seconds: float
    finished: bool
    words: Sequence[WordSpan]

    @property
    def token_seconds(self) -> list[float]:
        """Duration of each token."""
        return token_seconds(self.alignment, self.seconds)


@dataclass(frozen=True)
class ReadingRules:
    """Where a good reading ends.

    Arguments
    ---------
    min_length_ratio : float
        Shortest speech, as a share of its tokens' usual time.
    max_length_ratio : float
        Longest speech, likewise.
    max_unaligned_share : float
        Most of the speech that may be spent on staying on a token for more
        than a second.
    max_skip : int
        Most consecutive tokens that the attention may pass over, where it can.
    """

    min_length_ratio: float = 0.6
    max_length_ratio: float = 1.4
    max_unaligned_share: float = 0.0
    max_skip: int = 2


@dataclass(frozen=True)
class ReadingFigures:
    """The figures of one reading.

    Arguments
    ---------
    finished : bool
        Whether the speech ended by itself, on the last token.
    length_ratio : float
        Its duration over the usual one of its tokens.
    unaligned_share : float
        Of `unaligned_share`.
    diagonal_ratio : float
        Of `diagonal_ratio`.
    path : PathCounts
        What the most attended tokens did.
    words : list of WordTime
        When each word was said.
    """

    finished: bool
    length_ratio: float
    unaligned_share: float
    diagonal_ratio: float
    path: PathCounts
    words: list[WordTime]

    @property
    def unsaid(self) -> list[str]:
        """Words that were not said."""
        return [word.text for word in self.words if not word.said]


def measure_reading(reading: Reading, usual: UsualSeconds) -> ReadingFigures:
    """Measure how a text was read.

    Arguments
    ---------
    reading : Reading
        Of one text.
    usual : UsualSeconds
        Of the same model.

    Returns
    -------
    figures : ReadingFigures
        Its figures.

    Raises
    ------
    ValueError
        If the alignment has no step, or does not fit the tokens.

    Example
    -------
    >>> tokens = ["n", "oʊ", "<end>"]
    >>> usual = UsualSeconds([(tokens, [0.1, 0.1, 0.1])])
    >>> words = [WordSpan("no", 0, 2)]
    >>> reading = Reading(tokens, torch.eye(3), 0.3, True, words)
    >>> figures = measure_reading(reading, usual)
    >>> figures.unsaid, round(figures.length_ratio, 3), figures.diagonal_ratio
    ([], 1.0, 1.0)
    """
    expected = usual.of(reading.tokens)
    words = time_words(
        reading.alignment, reading.seconds, reading.words, expected
    )
    path = reading.alignment.argmax(-1)
    counts = count_path(path, len(reading.tokens))
    return ReadingFigures(
        reading.finished and counts.ends_on_last,
        reading.seconds / sum(expected),
        unaligned_share(path, reading.seconds),
        diagonal_ratio(reading.alignment),
        counts,
        words,
    )


def find_reading_faults(
    figures: ReadingFigures,
    monotonic: bool,
    rules: ReadingRules = ReadingRules(),
) -> list[str]:
    """List what is wrong with one reading.

    Arguments
    ---------
    figures : ReadingFigures
        Of the reading.
    monotonic : bool
        Whether the attention cannot go back or leave tokens out: moves of the
        most attended token are then no faults.
    rules : ReadingRules
        Where a good reading ends.

    Returns
    -------
    faults : list of str
        One sentence each; empty for a good reading.

    Example
    -------
    >>> path = count_path(torch.tensor([0, 3, 1, 4]), n_tokens=5)
    >>> figures = ReadingFigures(True, 1.5, 0.0, 1.0, path, [])
    >>> find_reading_faults(figures, monotonic=True)
    ['1.50 times as long as usual (0.6 to 1.4)']
    >>> find_reading_faults(figures, monotonic=False)[1:]
    ['goes back once']
    """
    faults = []
    if not figures.finished:
        faults.append("does not reach its end")
    ratio = figures.length_ratio
    if not rules.min_length_ratio <= ratio <= rules.max_length_ratio:
        faults.append(
            f"{ratio:.2f} times as long as usual "
            f"({rules.min_length_ratio:g} to {rules.max_length_ratio:g})"
        )
    unsaid = figures.unsaid
    if unsaid:
        shown = ", ".join(unsaid[:5]) + ", ..." * (len(unsaid) > 5)
        faults.append(f"{_count(len(unsaid), 'unsaid word')}: {shown}")
    if figures.unaligned_share > rules.max_unaligned_share:
        faults.append(
            f"stays on a token for more than a second in "
            f"{figures.unaligned_share:.0%} of the speech"
        )
    if monotonic:
        return faults
    jumps = figures.path.backward_jumps
    if jumps:
        faults.append(f"goes back {'once' if jumps == 1 else f'{jumps} times'}")
    if figures.path.longest_skip > rules.max_skip:
        faults.append(
            f"passes over {figures.path.longest_skip} tokens at once (at most "
            f"{rules.max_skip})"
        )
    return faults


def unaligned_share(path: torch.Tensor, seconds: float) -> float:
    """Tell how much of the speech belongs to nothing in the text.

    Arguments
    ---------
    path : torch.Tensor
        Token read at each decoder step, ``(Q,)`` integer.
    seconds : float
        Duration of the speech.

    Returns
    -------
    share : float
        Of the steps, in [0, 1]: those of stays on one token that last for more
        than a second.

    Example
    -------
    >>> unaligned_share(torch.tensor([0, 1, 1, 1]), seconds=2.0)
    0.75
    """
    _, stays = torch.unique_consecutive(path, return_counts=True)
    long_ones = stays * (seconds / len(path)) > _LONGEST_STAY
    return float(stays[long_ones].sum()) / len(path)


def diagonal_ratio(alignment: torch.Tensor) -> float:
    """Tell how much of the attention lies near the diagonal.

    Arguments
    ---------
    alignment : torch.Tensor
        One head of one item without padding, ``(Q, K)``.

    Returns
    -------
    ratio : float
        Share of the attention, in [0, 1], that is at most a tenth of the text,
        or two tokens, away from where a steady reader would be.

    Example
    -------
    >>> diagonal_ratio(torch.eye(30)), diagonal_ratio(torch.eye(30).flip(0))
    (1.0, 0.2)
    """
    n_queries, n_keys = alignment.shape
    weights = alignment.detach().double()
    middles = (torch.arange(n_queries, device=weights.device) + 0.5) / n_queries
    distance = torch.arange(n_keys, device=weights.device) + 0.5
    distance = (distance - middles[:, None] * n_keys).abs()
    near = distance <= max(_NARROWEST_BAND, _BAND * n_keys)
    return float((weights * near).sum() / weights.sum())


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'s' * (number != 1)}"
