"""When each word is said, and whether it was: from the alignment alone.

A head that walks through the text says a token while it reads it. A token
begins when it is as likely as not that the walk has reached it: where the
attention on all tokens before it falls below a half, between two decoder steps
as a straight line does. What the attention passes over lasts for no time, nor
does what a head that looks everywhere never looks at most.

Axes: ``Q`` queries (decoder steps), ``K`` keys (text tokens).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import NamedTuple

import torch
import torch.nn.functional as F

from sb_sma.data.espeak.voice import END, PAUSE

SAID_SHARE = 0.4
"""Least share of the usual time of its tokens that a word gets if it is said."""

FAR_FROM_PAUSE = 3
"""Tokens; sounds last longer before a pause, and in a short phrase."""

# that must have a token in each of its contexts; what is rare is known from
# where it stands alone
_LEAST_TEXTS = (3, 3, 3, 1, 1)
_SHORT_PHRASE = 4
# what is passed over says nothing about how long it lasts where it is said
_PASSED_OVER = 0.01  # seconds


class WordSpan(NamedTuple):
    """A word, and the tokens that it is said by.

    Attributes
    ----------
    text : str
        As it is written.
    first : int
        Index of its first token.
    stop : int
        Index after its last token.
    """

    text: str
    first: int
    stop: int


@dataclass(frozen=True)
class WordTime:
    """When a word is said.

    Arguments
    ---------
    text : str
        As it is written.
    start : float
        In seconds from the start of the speech.
    end : float
        Likewise.
    said : bool
        Whether it got at least `SAID_SHARE` of the usual time of its tokens.
    """

    text: str
    start: float
    end: float
    said: bool


class UsualSeconds:
    """How long each token usually lasts, by what follows it.

    The same sound before the same sound, as near to a pause, and in a phrase of
    four sounds at most or in a longer one, if three texts have it; else before
    any sound; else in any phrase; else the same sound anywhere. Of a text, the
    mean counts, which is finer than a decoder step, and of the texts the median
    of these means, so that a word that one text says fifty times counts once.

    Arguments
    ---------
    texts : iterable of (sequence of str, sequence of float)
        Tokens of each text, and the seconds that each of them got.

    Raises
    ------
    ValueError
        If no token of any text got any time.

    Example
    -------
    >>> texts = [(["a", "b", "<end>"], [0.1, 0.2, 0.15])] * 3
    >>> UsualSeconds(texts).of(["b", "b"])
    [0.2, 0.2]
    >>> UsualSeconds(texts).of(["z"])
    [0.15]
    """

    def __init__(self, texts: Iterable[tuple[Sequence[str], Sequence[float]]]):
        found = [defaultdict(list) for _ in _LEAST_TEXTS]
        for tokens, seconds in texts:
            here = [defaultdict(list) for _ in found]
            for contexts, lasted in zip(_contexts(tokens), seconds):
                if lasted < _PASSED_OVER:
                    continue
                for level, context in enumerate(contexts):
                    here[level][context].append(lasted)
            for level, contexts in enumerate(here):
                for context, times in contexts.items():
                    found[level][context].append(fmean(times))
        if not found[0]:
            raise ValueError(
                "texts must have a token that got some time; got none. Pass "
                "what was spoken."
            )
        # descriptions of all kinds differ
        self._found = {
            context: median(times)
            for contexts, least in zip(found, _LEAST_TEXTS)
            for context, times in contexts.items()
            if len(times) >= least
        }

    def of(self, tokens: Sequence[str]) -> list[float]:
        """Tell how long the tokens of a text usually last.

        Arguments
        ---------
        tokens : sequence of str
            Of one text.

        Returns
        -------
        seconds : list of float
            One for each token.
        """
        return list(map(self._look_up, _contexts(tokens)))

    def by_place(self, token: str, near: int, is_short: bool) -> float:
        """Tell how long a token usually lasts, whatever follows it.

        Arguments
        ---------
        token : str
            Which.
        near : int
            Tokens left to the next pause, `FAR_FROM_PAUSE` at most.
        is_short : bool
            Whether its phrase is short.

        Returns
        -------
        seconds : float
            Usual.
        """
        return self._look_up(_descriptions(token, near, is_short))

    def _look_up(self, contexts: Sequence[object]) -> float:
        """Take the closest description that is known."""
        return next(
            self._found[context]
            for context in contexts
            if context in self._found
        )


def token_bounds(alignment: torch.Tensor, seconds: float) -> list[float]:
    """Tell when each token begins, and when the last one ends.

    Arguments
    ---------
    alignment : torch.Tensor
        One head of one item without padding, ``(Q, K)``, no row all zeros.
    seconds : float
        Duration of the speech.

    Returns
    -------
    bounds : list of float
        ``K + 1`` times in seconds, from 0, none before the one before it.

    Raises
    ------
    ValueError
        If the alignment has another shape, or no step.

    Example
    -------
    >>> token_bounds(torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]), 3.0)
    [0.0, 1.5, 3.0]
    """
    if alignment.ndim != 2 or 0 in alignment.shape:
        raise ValueError(
            "alignment must have shape (Q, K), no axis empty; got "
            f"{tuple(alignment.shape)}. Pass one head of one item."
        )
    n_queries, n_keys = alignment.shape
    firsts = torch.zeros(n_queries, dtype=torch.long)
    return band_bounds(alignment, firsts, n_keys, seconds)


def band_bounds(
    band: torch.Tensor, firsts: torch.Tensor, n_tokens: int, seconds: float
) -> list[float]:
    """Do as `token_bounds`, of what is kept of a long alignment.

    Arguments
    ---------
    band : torch.Tensor
        Each decoder step's attention on ``W`` tokens, ``(Q, W)``, 0 past the
        last token; no row all zeros.
    firsts : torch.Tensor
        Index of the first of these tokens, int64, ``(Q,)``.
    n_tokens : int
        ``K``.
    seconds : float
        Duration of the speech.

    Returns
    -------
    bounds : list of float
        ``K + 1`` times in seconds, as of `token_bounds`.

    Example
    -------
    >>> band, firsts = torch.tensor([[1.0], [1.0]]), torch.tensor([0, 1])
    >>> band_bounds(band, firsts, n_tokens=2, seconds=2.0)
    [0.0, 1.0, 2.0]
    """
    weights = band.detach().double().cpu()
    n_queries, width = weights.shape
    # how much lies before each token of the band, one step before the first to
    # one after the last
    before = weights.new_zeros(n_queries + 2, width + 1)
    before[0] = 1.0
    before[1:-1, 1:] = weights.cumsum(1) / weights.sum(1, keepdim=True)
    reached = firsts.cpu() + (before[1:-1] < 0.5).sum(1)
    n_steps = reached.bincount(minlength=n_tokens + 1).cumsum(0)[: n_tokens + 1]
    tokens = torch.arange(n_tokens + 1)
    starts = F.pad(firsts.cpu(), (1, 1))
    above, below = (
        before[step, (tokens - starts[step]).clamp(0, width)]
        for step in (n_steps, n_steps + 1)
    )
    fraction = ((above - 0.5) / (above - below).clamp(min=1e-9)).clamp(0, 1)
    steps = (n_steps - 0.5 + fraction).clamp(0, n_queries)
    # the whole speech is that of the tokens
    steps[0], steps[-1] = 0, n_queries
    return (steps.cummax(0).values * (seconds / n_queries)).tolist()


def time_words(
    bounds: Sequence[float],
    words: Sequence[WordSpan],
    usual: Sequence[float],
    said_share: float = SAID_SHARE,
) -> list[WordTime]:
    """Tell when each word is said, and whether it was.

    Arguments
    ---------
    bounds : sequence of float
        ``K + 1`` times in seconds, of `token_bounds`.
    words : sequence of WordSpan
        Of the text.
    usual : sequence of float
        ``K`` usual durations in seconds, as of `UsualSeconds`.
    said_share : float
        Least share of them that a word gets if it is said.

    Returns
    -------
    times : list of WordTime
        One for each word that has a token.

    Raises
    ------
    ValueError
        If the numbers of tokens differ.

    Example
    -------
    >>> words = [WordSpan("yes", 0, 2), WordSpan("no", 2, 3)]
    >>> read = torch.tensor([0, 0, 1, 1, 3, 3])
    >>> alignment = torch.nn.functional.one_hot(read, 4).float()
    >>> bounds = token_bounds(alignment, seconds=0.6)
    >>> for time in time_words(bounds, words, usual=[0.2] * 4):
    ...     print(time.text, f"{time.start:.1f}", f"{time.end:.1f}", time.said)
    yes 0.0 0.4 True
    no 0.4 0.4 False
    """
    n_tokens = len(bounds) - 1
    if len(usual) != n_tokens or any(word.stop > n_tokens for word in words):
        raise ValueError(
            f"usual and words must be of the {n_tokens} tokens that have "
            f"bounds; got {len(usual)} durations, and words up to token "
            f"{max((word.stop for word in words), default=0)}."
        )
    times = []
    for text, first, stop in words:
        start, end = bounds[first], bounds[stop]
        said = end - start >= said_share * sum(usual[first:stop])
        if stop > first:
            times.append(WordTime(text, start, end, said))
    return times


def _contexts(tokens: Sequence[str]) -> Iterator[list[object]]:
    """Describe where each token stands, the closest description first."""
    pauses = [i for i, token in enumerate(tokens) if token in (PAUSE, END)]
    bounds = iter([*pauses, len(tokens)])
    start, stop = -1, next(bounds)
    for index, token in enumerate(tokens):
        if index > stop:
            start, stop = stop, next(bounds)
        near = min(stop - index, FAR_FROM_PAUSE)
        is_short = stop - start - 1 <= _SHORT_PHRASE
        following = tokens[index + 1] if index + 1 < len(tokens) else ""
        yield [
            (token, following, near, is_short),
            *_descriptions(token, near, is_short),
        ]


def _descriptions(token: str, near: int, is_short: bool) -> list[object]:
    """Describe a token, whatever follows it."""
    return [(token, near, is_short), (token, near), token, None]
