"""SpeechBrain's guided attention for every head and any padding.

Reference
---------
Tachibana, Uenoyama, Aihara: "Efficiently Trainable Text-to-Speech System Based
on Deep Convolutional Networks with Guided Attention", ICASSP 2018.
"""

import math
from collections.abc import Sequence

import torch
from speechbrain.nnet.loss.guidedattn_loss import GuidedAttentionLoss
from torch import nn

from sb_sma.ops.checks import check_axes, check_lengths


class GuidedAttention(nn.Module):
    """Mean over items and heads of the guided penalty per decoder step.

    SpeechBrain's loss takes one head and is a mean over the padded rectangle.
    It is linear in the attention, so scaling each item beforehand makes the
    result independent of the padding.

    Arguments
    ---------
    sigma : float
        Width of the diagonal, as a share of the sequences.

    Raises
    ------
    ValueError
        If `sigma` is not above 0.

    Example
    -------
    >>> loss = GuidedAttention(sigma=0.4)
    >>> attention = torch.eye(6)[None, None]
    >>> loss(attention, torch.tensor([6]), torch.tensor([6])).item()
    0.0
    """

    def __init__(self, sigma: float = 0.4):
        super().__init__()
        if not 0 < sigma < math.inf:
            raise ValueError(
                f"sigma must be a finite number above 0; got {sigma}."
            )
        self.loss = GuidedAttentionLoss(sigma=sigma)

    def forward(
        self,
        alignments: torch.Tensor,
        query_lengths: torch.Tensor,
        memory_lengths: torch.Tensor,
    ) -> torch.Tensor:
        """Penalise attention far from the diagonal.

        Arguments
        ---------
        alignments : torch.Tensor
            (B, H, Q, K).
        query_lengths : torch.Tensor
            Counts, int64, (B,).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).

        Returns
        -------
        loss : torch.Tensor
            A number between 0 and 1.

        Raises
        ------
        ValueError
            If a shape or dtype is another.
        """
        check_axes(alignments=(alignments, "B, H, Q, K"))
        check_lengths("query_lengths", query_lengths, alignments)
        check_lengths("memory_lengths", memory_lengths, alignments)
        _, heads, queries, keys = alignments.shape
        scale = queries * keys / query_lengths  # (B,)
        scaled = alignments * scale[:, None, None, None]
        return self.loss(
            scaled.flatten(0, 1),
            memory_lengths.repeat_interleave(heads),
            query_lengths.repeat_interleave(heads),
            max_input_len=keys,
            max_target_len=queries,
        )


class GuidedLayers(nn.Module):
    """Guided attention of chosen layers and heads of a decoder.

    Arguments
    ---------
    sigma : float
        Width of the diagonal, as a share of the sequences.
    layers : sequence of int, optional
        Which layers, counted from 0; negative from the end. Default: all.
    heads : sequence of int, optional
        Which heads of them. Default: all.

    Example
    -------
    >>> loss = GuidedLayers(sigma=0.4, layers=[-1], heads=[0])
    >>> diagonal = torch.eye(6)[None, None]
    >>> other = torch.ones(1, 1, 6, 6) / 6
    >>> length = torch.tensor([6])
    >>> loss([other, torch.cat((diagonal, other), 1)], length, length).item()
    0.0
    """

    def __init__(
        self,
        sigma: float = 0.4,
        layers: Sequence[int] | None = None,
        heads: Sequence[int] | None = None,
    ):
        super().__init__()
        self.guided_attention = GuidedAttention(sigma)
        self.layers = layers
        self.heads = heads

    def check(self, n_layers: int, n_heads: int) -> None:
        """Refuse layers and heads that a decoder does not have.

        Arguments
        ---------
        n_layers : int
            Of the decoder.
        n_heads : int
            Of each layer.

        Raises
        ------
        ValueError
            If there is no such layer or head.
        """
        _indices("layers", self.layers, n_layers)
        _indices("heads", self.heads, n_heads)

    def forward(
        self,
        alignments: Sequence[torch.Tensor],
        query_lengths: torch.Tensor,
        memory_lengths: torch.Tensor,
    ) -> torch.Tensor:
        """Average the penalty over the chosen layers and heads.

        Arguments
        ---------
        alignments : sequence of torch.Tensor
            One (B, H, Q, K) per layer.
        query_lengths : torch.Tensor
            Counts, int64, (B,).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).

        Returns
        -------
        loss : torch.Tensor
            A number between 0 and 1.

        Raises
        ------
        ValueError
            If there is no such layer or head.
        """
        layers = _indices("layers", self.layers, len(alignments))
        for alignment in alignments:
            check_axes(alignments=(alignment, "B, H, Q, K"))
        losses = []
        for alignment in (alignments[layer] for layer in layers):
            heads = _indices("heads", self.heads, alignment.shape[1])
            losses.append(
                self.guided_attention(
                    alignment[:, heads], query_lengths, memory_lengths
                )
            )
        return torch.stack(losses).mean()


def _indices(name: str, chosen: Sequence[int] | None, count: int) -> list[int]:
    """Return what was chosen of so many, or all."""
    if chosen is None:
        return list(range(count))
    wrong = [index for index in chosen if not -count <= index < count]
    if wrong or not chosen:
        raise ValueError(
            f"{name} of the guided attention (guided_{name} in the YAML) must "
            f"be among 0 to {count - 1}, or null for all; got {list(chosen)}."
        )
    return list(chosen)
