"""What one alignment says about how a text was read, without a reference.

Axes: ``Q`` queries (decoder steps), ``K`` keys (text tokens).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch

from sb_sma.metrics.path import PathCounts, count_path
from sb_sma.metrics.shares import (
    diagonal_ratio,
    scattered_share,
    unaligned_share,
)
from sb_sma.metrics.word_times import (
    SAID_SHARE,
    UsualSeconds,
    WordSpan,
    WordTime,
    time_words,
    token_bounds,
)

_SHOWN = 5  # words


@dataclass(frozen=True)
class Reading:
    """How a text was read.

    Arguments
    ---------
    tokens : sequence of str
        What was read, ``K`` tokens.
    words : sequence of WordSpan
        Of the text.
    seconds : float
        Duration of the speech.
    finished : bool
        Whether it ended by itself, at the last sound or after it.
    bounds : sequence of float
        When each token begins, and when the last one ends, in seconds,
        ``K + 1`` times.
    unaligned_share : float
        Of `sb_sma.metrics.shares`.
    scattered_share : float
        Likewise.
    diagonal_ratio : float
        Likewise.
    path : PathCounts
        Of the most attended tokens.
    """

    tokens: Sequence[str]
    words: Sequence[WordSpan]
    seconds: float
    finished: bool
    bounds: Sequence[float]
    unaligned_share: float
    scattered_share: float
    diagonal_ratio: float
    path: PathCounts

    @property
    def token_seconds(self) -> list[float]:
        """Duration of each token."""
        return [end - start for start, end in pairwise(self.bounds)]

    def length_ratio(self, usual: UsualSeconds) -> float:
        """Compare the duration with what is usual.

        Arguments
        ---------
        usual : UsualSeconds
            Of the same model.

        Returns
        -------
        ratio : float
            1 is as long as usual.
        """
        return self.seconds / sum(usual.of(self.tokens))

    def word_times(
        self, usual: UsualSeconds, said_share: float = SAID_SHARE
    ) -> list[WordTime]:
        """Tell when each word is said, and whether it was.

        Arguments
        ---------
        usual : UsualSeconds
            Of the same model.
        said_share : float
            Least share of the usual time that a word gets if it is said.

        Returns
        -------
        times : list of WordTime
            One for each word.
        """
        return time_words(
            self.bounds, self.words, usual.of(self.tokens), said_share
        )


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
    max_scattered_share : float
        Most of the speech that may be read at several places at once.
    max_skip : int
        Most consecutive tokens that the attention may pass over, where it can.
    said_share : float
        Least share of its usual time that a word gets if it is said.
    """

    min_length_ratio: float = 0.6
    max_length_ratio: float = 1.4
    max_unaligned_share: float = 0.0
    max_scattered_share: float = 0.2
    max_skip: int = 2
    said_share: float = SAID_SHARE


def read_alignment(
    alignment: torch.Tensor,
    tokens: Sequence[str],
    words: Sequence[WordSpan],
    seconds: float,
    finished: bool,
) -> Reading:
    """Keep what an alignment tells.

    Arguments
    ---------
    alignment : torch.Tensor
        The head that follows the text, without padding, ``(Q, K)``.
    tokens : sequence of str
        ``K`` tokens.
    words : sequence of WordSpan
        Of the text.
    seconds : float
        Duration of the speech.
    finished : bool
        Whether it ended by itself.

    Returns
    -------
    reading : Reading
        Without the alignment.

    Raises
    ------
    ValueError
        If the alignment has no step, or does not fit the tokens.

    Example
    -------
    >>> tokens, words = ["n", "oʊ", "<end>"], [WordSpan("no", 0, 2)]
    >>> reading = read_alignment(torch.eye(3), tokens, words, 0.3, True)
    >>> usual = UsualSeconds([(tokens, [0.1, 0.1, 0.1])])
    >>> [time.said for time in reading.word_times(usual)]
    [True]
    >>> round(reading.length_ratio(usual), 3), reading.diagonal_ratio
    (1.0, 1.0)
    """
    alignment = alignment.detach().cpu()
    path = alignment.argmax(-1)
    counts = count_path(path, len(tokens))
    return Reading(
        tokens,
        words,
        seconds,
        # the last token is silence
        finished and int(path[-1]) >= len(tokens) - 2,
        token_bounds(alignment, seconds),
        unaligned_share(path, seconds),
        scattered_share(alignment),
        diagonal_ratio(alignment),
        counts,
    )


def find_reading_faults(
    reading: Reading,
    usual: UsualSeconds,
    monotonic: bool,
    rules: ReadingRules = ReadingRules(),
) -> list[str]:
    """List what is wrong with one reading.

    Arguments
    ---------
    reading : Reading
        Of one text.
    usual : UsualSeconds
        Of the same model.
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
    >>> tokens = list("abcd")
    >>> usual = UsualSeconds([(tokens, [0.2] * 4)])
    >>> backwards = torch.eye(4)[[0, 1, 0, 3]]
    >>> words = [WordSpan("abc", 0, 3), WordSpan("d", 3, 4)]
    >>> reading = read_alignment(backwards, tokens, words, 0.4, True)
    >>> find_reading_faults(reading, usual, monotonic=True)
    ['0.50 times as long as usual (0.6 to 1.4)']
    >>> find_reading_faults(reading, usual, monotonic=False)[1:]
    ['goes back once']
    """
    faults = []
    if not reading.finished:
        faults.append("does not reach its end")
    ratio = reading.length_ratio(usual)
    if not rules.min_length_ratio <= ratio <= rules.max_length_ratio:
        faults.append(
            f"{ratio:.2f} times as long as usual "
            f"({rules.min_length_ratio:g} to {rules.max_length_ratio:g})"
        )
    times = reading.word_times(usual, rules.said_share)
    unsaid = [time.text for time in times if not time.said]
    if unsaid:
        words = "1 word" if len(unsaid) == 1 else f"{len(unsaid)} words"
        shown = ", ".join(unsaid[:_SHOWN]) + ", ..." * (len(unsaid) > _SHOWN)
        faults.append(f"{words} unsaid: {shown}")
    if reading.unaligned_share > rules.max_unaligned_share:
        faults.append(
            "stays on a token for more than a second, "
            f"{reading.unaligned_share:.0%} of the speech"
        )
    if reading.scattered_share > rules.max_scattered_share:
        faults.append(
            "reads at several places at once, "
            f"{reading.scattered_share:.0%} of the speech (at most "
            f"{rules.max_scattered_share:.0%})"
        )
    if monotonic:
        return faults
    jumps = reading.path.backward_jumps
    if jumps:
        faults.append(f"goes back {'once' if jumps == 1 else f'{jumps} times'}")
    if reading.path.longest_skip > rules.max_skip:
        faults.append(
            f"passes over {reading.path.longest_skip} tokens at once (at most "
            f"{rules.max_skip})"
        )
    return faults
