"""What a model has said: text by text, or padded into a batch."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
import torch.nn.functional as F

from sb_sma.metrics.word_times import (
    UsualSeconds,
    WordSpan,
    WordTime,
    time_words,
)
from sb_sma.models.tts.synthesis import LOG_FLOOR


class SpokenTimes:
    """How long tokens usually last, of all that one call has said.

    Arguments
    ---------
    known : UsualSeconds, optional
        Of the model, if it knows it by itself.

    Attributes
    ----------
    known : UsualSeconds or None
        As given.

    Example
    -------
    >>> times = SpokenTimes()
    >>> times.add(["a", "<end>"], [0.1, 0.2])
    >>> [round(seconds, 2) for seconds in times.usual().of(["a", "b"])]
    [0.1, 0.15]
    """

    def __init__(self, known: UsualSeconds | None = None):
        self.known = known
        self._texts: list[tuple[Sequence[str], Sequence[float]]] = []
        self._usual: UsualSeconds | None = None

    def add(self, tokens: Sequence[str], seconds: Sequence[float]) -> None:
        """Take what was said.

        Arguments
        ---------
        tokens : sequence of str
            Of one passage.
        seconds : sequence of float
            Of each of them, at a pace of 1.
        """
        if self.known is not None:
            return
        self._texts.append((tokens, seconds))
        self._usual = None

    def usual(self) -> UsualSeconds:
        """Tell how long tokens usually last.

        Returns
        -------
        usual : UsualSeconds
            Of the model, or of all that was taken up to now.
        """
        if self.known is not None:
            return self.known
        if self._usual is None:
            self._usual = UsualSeconds(self._texts)
        return self._usual


@dataclass
class PassageTiming:
    """What tells when the words of one passage are said.

    Arguments
    ---------
    tokens : sequence of str
        What the model read.
    bounds : sequence of float
        When each token begins, and when the last one ends, in seconds.
    pace : float
        At which it was said.
    find_words : Callable
        Gives the words among the tokens.
    times : SpokenTimes
        Of the call.
    """

    tokens: Sequence[str]
    bounds: Sequence[float]
    pace: float
    find_words: Callable[[], list[WordSpan]]
    times: SpokenTimes

    def tell_times(self) -> None:
        """Let what was said count for what is usual in the call."""
        lasted = [end - start for start, end in pairwise(self.bounds)]
        self.times.add(self.tokens, [self.pace * each for each in lasted])

    def words(self, start: float = 0.0) -> list[WordTime]:
        """Tell when each word is said, and whether it was.

        Arguments
        ---------
        start : float
            Of the passage, in seconds.

        Returns
        -------
        words : list of WordTime
            In their order.
        """
        usual = self.times.usual().of(self.tokens)
        words = time_words(
            self.bounds,
            self.find_words(),
            [seconds / self.pace for seconds in usual],
        )
        return [
            WordTime(word.text, start + word.start, start + word.end, word.said)
            for word in words
        ]


@dataclass
class SpokenText:
    """One text as it was spoken, without padding.

    Arguments
    ---------
    text : str
        What was to be said.
    tokens : list of str
        What the model read.
    mel : torch.Tensor
        Natural-log mel, (M, C).
    alignment : torch.Tensor
        Of the decoder layer that follows the text best, (H, Q, T).
    finished : bool
        Whether it ended by itself.
    timings : list of (float, PassageTiming)
        Of each passage, with the second at which it begins.
    spoken_again : int
        How many of the passages were.
    """

    text: str
    tokens: list[str]
    mel: torch.Tensor
    alignment: torch.Tensor
    finished: bool
    timings: list[tuple[float, PassageTiming]] = field(
        default_factory=list, repr=False, compare=False
    )
    spoken_again: int = 0

    @property
    def words(self) -> list[WordTime]:
        """When each word is said, and whether it was.

        A word is said if it got at least 0.4 of the time that its tokens
        usually take, in median over what the model has said when it was
        exported, or, of older models and in other styles than the mean one,
        over all that the same call has said.
        """
        return [
            word
            for start, timing in self.timings
            for word in timing.words(start)
        ]

    def without_sound(self) -> "SpokenText":
        """Keep what takes little memory.

        Returns
        -------
        spoken : SpokenText
            Its frames without channels, and without an alignment.
        """
        return SpokenText(
            self.text,
            self.tokens,
            self.mel.new_zeros(len(self.mel), 0),
            self.mel.new_zeros(0, 0, 0),
            self.finished,
            self.timings,
            self.spoken_again,
        )


class CompactText(SpokenText):
    """A text whose alignment is made when it is asked for.

    It takes memory with the square of the text.

    Arguments
    ---------
    text : str
        As of `SpokenText`.
    tokens : list of str
        As of `SpokenText`.
    mel : torch.Tensor
        As of `SpokenText`.
    make_alignment : Callable
        Gives the alignment.
    finished : bool
        As of `SpokenText`.
    timings : list of (float, PassageTiming)
        As of `SpokenText`.
    spoken_again : int
        As of `SpokenText`.
    """

    def __init__(
        self,
        text: str,
        tokens: list[str],
        mel: torch.Tensor,
        make_alignment: Callable[[], torch.Tensor],
        finished: bool,
        timings: list[tuple[float, PassageTiming]],
        spoken_again: int = 0,
    ):
        self.text = text
        self.tokens = tokens
        self.mel = mel
        self.finished = finished
        self.timings = timings
        self.spoken_again = spoken_again
        self.make_alignment = make_alignment

    @property
    def alignment(self) -> torch.Tensor:
        """Of the decoder layer that follows the text best, (H, Q, T)."""
        return self.make_alignment()


def join_spoken(
    text: str, passages: Sequence[SpokenText], seconds_per_frame: float
) -> SpokenText:
    """Join the passages of a text.

    Arguments
    ---------
    text : str
        What was to be said.
    passages : sequence of SpokenText
        At least one, each with the silence after it.
    seconds_per_frame : float
        Hop length / sample rate.

    Returns
    -------
    spoken : SpokenText
        The passage itself, if it is the only one.

    Example
    -------
    >>> mel, alignment = torch.zeros(4, 80), torch.ones(2, 1, 3)
    >>> one = SpokenText("a", ["a"], mel[:2], alignment[..., :1], True)
    >>> two = SpokenText("abc", ["a", "b", "c"], mel, alignment, True)
    >>> joined = join_spoken("a abc", [one, two], seconds_per_frame=0.01)
    >>> len(joined.mel), joined.tokens, joined.alignment.shape
    (6, ['a', 'a', 'b', 'c'], torch.Size([2, 2, 4]))
    """
    if len(passages) == 1:
        passages[0].text = text
        return passages[0]
    timings, start = [], 0.0
    for each in passages:
        timings += [(start + at, timing) for at, timing in each.timings]
        start += len(each.mel) * seconds_per_frame
    makers = [
        each.make_alignment
        if isinstance(each, CompactText)
        else functools.partial(_return, each.alignment)
        for each in passages
    ]
    return CompactText(
        text,
        [token for each in passages for token in each.tokens],
        torch.cat([each.mel for each in passages]),
        lambda: _along_the_diagonal([make() for make in makers]),
        all(each.finished for each in passages),
        timings,
        sum(each.spoken_again for each in passages),
    )


def _return(alignment: torch.Tensor) -> torch.Tensor:
    return alignment


def _along_the_diagonal(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Let each part follow the one before, in steps and in tokens."""
    whole = parts[0].new_zeros(
        len(parts[0]),
        sum(part.shape[1] for part in parts),
        sum(part.shape[2] for part in parts),
    )
    query = key = 0
    for part in parts:
        _, n_queries, n_keys = part.shape
        whole[:, query : query + n_queries, key : key + n_keys] = part
        query, key = query + n_queries, key + n_keys
    return whole


def pad_spoken(
    spoken: Sequence[SpokenText],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pad what was spoken into a batch.

    Arguments
    ---------
    spoken : sequence of SpokenText
        At least one.

    Returns
    -------
    mels : torch.Tensor
        Silence on padding, (B, M, C).
    mel_lengths : torch.Tensor
        Frames, int64, (B,).
    alignments : torch.Tensor
        Zero on padding, (B, H, Q, T).

    Example
    -------
    >>> mel, alignment = torch.zeros(4, 80), torch.ones(2, 1, 3)
    >>> short = SpokenText("a", ["a"], mel[:2], alignment[..., :1], True)
    >>> long = SpokenText("abc", ["a", "b", "c"], mel, alignment, True)
    >>> mels, mel_lengths, alignments = pad_spoken([short, long])
    >>> mels.shape, mel_lengths, alignments.shape
    (torch.Size([2, 4, 80]), tensor([2, 4]), torch.Size([2, 2, 1, 3]))
    """
    found = [item.alignment for item in spoken]
    n_frames = max(len(item.mel) for item in spoken)
    n_queries = max(alignment.shape[1] for alignment in found)
    n_keys = max(alignment.shape[2] for alignment in found)
    mels, alignments = [], []
    for item, alignment in zip(spoken, found):
        _, queries, keys = alignment.shape
        silence = (0, 0, 0, n_frames - len(item.mel))
        mels.append(F.pad(item.mel, silence, value=LOG_FLOOR))
        past_end = (0, n_keys - keys, 0, n_queries - queries)
        alignments.append(F.pad(alignment, past_end))
    lengths = [len(item.mel) for item in spoken]
    return (
        torch.stack(mels),
        torch.tensor(lengths, device=mels[0].device),
        torch.stack(alignments),
    )
