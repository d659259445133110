"""Whether a passage became good, and how it is tried again if it did not."""

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from sb_sma.inference.token_seconds import TokenSeconds
from sb_sma.metrics.reading import Reading, ReadingRules, find_reading_faults
from sb_sma.metrics.word_times import WordSpan
from sb_sma.models.tts.synthesis import Manner

# narrower than what is called bad, so that chance does not decide
_RULES = ReadingRules(
    min_length_ratio=0.7, max_length_ratio=1.3, said_share=0.5
)

Verdict = tuple[int, int, float]
"""Kinds of faults, words unsaid, and how unusual the length is: less is better."""
GOOD: Verdict = (0, 0, 0.0)


class Attempts:
    """Judges what a model has said, by what is usual for it.

    Arguments
    ---------
    most : int
        How often a passage is spoken at most.
    usual : TokenSeconds, optional
        Of the model; without it, everything is spoken once.
    is_monotonic : bool
        Whether its attention can neither go back nor leave tokens out.

    Attributes
    ----------
    most : int
        As given, or 1.
    """

    def __init__(
        self, most: int, usual: TokenSeconds | None, is_monotonic: bool
    ):
        self.most = 1 if usual is None else most
        self._usual = usual
        self._is_monotonic = is_monotonic

    def judge(
        self, reading: Reading, find_words: Callable[[], Sequence[WordSpan]]
    ) -> Verdict:
        """Count what is wrong.

        Arguments
        ---------
        reading : Reading
            How the passage was read, at a pace of 1, without its words.
        find_words : Callable
            Gives them; asked only if one may be unsaid, since it takes as long
            as speaking does.

        Returns
        -------
        verdict : Verdict
            The first number is 0 if all is well.
        """
        usual = self._usual.of(reading.tokens)
        # a word is unsaid only if one of its tokens is
        if any(
            lasted < _RULES.said_share * expected
            for lasted, expected in zip(reading.token_seconds, usual)
        ):
            # a front end may not know its words
            with contextlib.suppress(ValueError):
                reading = replace(reading, words=find_words())
        faults = find_reading_faults(
            reading, self._usual, self._is_monotonic, _RULES
        )
        if not faults:
            return GOOD
        times = reading.word_times(self._usual, _RULES.said_share)
        unsaid = sum(not time.said for time in times)
        ratio = reading.length_ratio(self._usual)
        return len(faults), unsaid, abs(math.log(ratio))

    def manner_of(self, number: int, manner: Manner) -> Manner:
        """Tell how a passage is spoken again.

        Arguments
        ---------
        number : int
            Of the attempt; 1 is the second.
        manner : Manner
            Of the first one.

        Returns
        -------
        manner : Manner
            With another seed; of monotonic attention, the last attempt is in
            ``hard`` mode, where nothing is between two places.
        """
        again = manner.again(number)
        if number < self.most - 1 or not self._is_monotonic:
            return again
        return replace(again, options=replace(again.options, mode="hard"))
