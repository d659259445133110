"""The alignment of a long text, kept where there is any attention."""

from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from sb_sma.metrics.word_times import band_bounds
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
    >>> band.dense().shape, band.bounds(seconds=2.0)
    (torch.Size([1, 4, 3]), [0.0, 0.5, 1.5, 2.0])
    """

    def __init__(self, n_tokens: int, layer: int, head: int):
        self._n_tokens = n_tokens
        self._layer, self._head = layer, head
        self._rows: list[_Row] = []

    @property
    def n_steps(self) -> int:
        """Steps that were taken."""
        return len(self._rows)

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

    def bounds(self, seconds: float) -> list[float]:
        """Tell when each token begins, and when the last one ends.

        Arguments
        ---------
        seconds : float
            Duration of the speech.

        Returns
        -------
        bounds : list of float
            As of `sb_sma.metrics.word_times.token_bounds`.
        """
        band = pad_sequence(
            [row.weights[self._head] for row in self._rows], batch_first=True
        )
        firsts = torch.tensor([row.first for row in self._rows])
        return band_bounds(band, firsts, self._n_tokens, seconds)
