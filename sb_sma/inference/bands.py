"""The alignment of a long text, kept where there is any attention."""

from dataclasses import dataclass

import torch

from sb_sma.metrics.word_times import token_seconds
from sb_sma.models.tts.synthesis import SpokenStep
from sb_sma.models.tts.time_scaling import scale_time

# attention below is left out
_LEAST = 1e-6


@dataclass
class _Row:
    first: int
    weights: torch.Tensor  # (H, W)


class AlignmentBand:
    """Collects the alignment of one item, step by step.

    Arguments
    ---------
    n_tokens : int
        Of the text.
    layer : int
        Of the decoder, that follows the text best.
    head : int
        Of the layer, likewise.

    Example
    -------
    >>> band = AlignmentBand(n_tokens=3, layer=0, head=0)
    >>> for place in (0, 1, 1, 2):
    ...     row = torch.eye(3)[None, None, place]
    ...     band.add(SpokenStep(torch.tensor([0]), torch.empty(0), [row]))
    >>> band.dense().shape, band.seconds(0.1, reach=None)
    (torch.Size([1, 4, 3]), [0.1, 0.2, 0.1])
    """

    def __init__(self, n_tokens: int, layer: int, head: int):
        self._n_tokens = n_tokens
        self._layer, self._head = layer, head
        self._rows: list[_Row] = []

    def add(self, step: SpokenStep) -> None:
        """Take a step.

        Arguments
        ---------
        step : SpokenStep
            Of one item.
        """
        weights = step.alignments[self._layer][0]
        places = (weights > _LEAST).any(0).nonzero()[:, 0]
        first, stop = 0, 1
        if len(places):
            first, stop = int(places[0]), int(places[-1]) + 1
        self._rows.append(_Row(first, weights[:, first:stop].clone()))

    def dense(self, pace: float = 1.0) -> torch.Tensor:
        """Lay the alignment out.

        Arguments
        ---------
        pace : float
            Above 1 is faster.

        Returns
        -------
        alignment : torch.Tensor
            (H, Q, T).
        """
        like = self._rows[0].weights
        whole = like.new_zeros(len(self._rows), len(like), self._n_tokens)
        for place, row in enumerate(self._rows):
            stop = row.first + row.weights.shape[1]
            whole[place, :, row.first : stop] = row.weights
        return scale_time(whole, pace, False).transpose(0, 1)

    def seconds(
        self, seconds_per_step: float, reach: int | None
    ) -> list[float]:
        """Tell how long each token lasts.

        Arguments
        ---------
        seconds_per_step : float
            Duration of a decoder step.
        reach : int, optional
            As of `token_seconds`.

        Returns
        -------
        seconds : list of float
            One for each token.
        """
        lasted = [0.0] * self._n_tokens
        for row in self._rows:
            own = row.weights[self._head : self._head + 1]
            for place, time in enumerate(
                token_seconds(own, seconds_per_step, reach), row.first
            ):
                lasted[place] += time
        return lasted
