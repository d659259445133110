"""The walk along mel over text, head by head.

The mathematics are in :mod:`sb_sma.attention.aligner.module`.
"""

import math

import torch
from torch import nn

from sb_sma.attention.heads import (
    merge_heads,
    scaled_energies,
    softmax_over_valid,
    split_heads,
)
from sb_sma.attention.masks import padding_mask
from sb_sma.attention.staying import stay_probability
from sb_sma.ops import stepwise_monotonic_expectation
from sb_sma.ops.dropout import Dropout
from sb_sma.ops.focus_rate import focus_rate

HEAD_CHOICES = {"all": 0.0, "focused": math.inf}
"""The focus rate from which on a head reads by its own alignment."""

# below this much of a frame a context fades out: a mean over almost nothing
# has no meaning, and its gradient no bound
_LEAST_OWNED = 1e-8


def least_focus_rate(heads: str | float) -> float:
    """Return the focus rate from which on a head reads by its own alignment.

    Arguments
    ---------
    heads : str or float
        ``all``, ``focused`` or a focus rate in [0, 1].

    Returns
    -------
    rate : float
        What the word or the number stands for.

    Raises
    ------
    ValueError
        If there is no such word, or the number is out of range.

    Example
    -------
    >>> least_focus_rate("focused"), least_focus_rate(0.5)
    (inf, 0.5)
    """
    if not isinstance(heads, str) and 0.0 <= heads <= 1.0:
        return float(heads)
    if heads not in HEAD_CHOICES:
        raise ValueError(
            f"heads must be one of {', '.join(HEAD_CHOICES)}, or a focus rate "
            f"in [0, 1]; got {heads!r}."
        )
    return HEAD_CHOICES[heads]


class StepwiseForm(nn.Module):
    """Text queries and mel keys, read by a walk along the frames.

    Arguments
    ---------
    d_model : int
        Width of the text, the mel and the output.
    d_k : int
        Width of a head's queries and keys.
    d_v : int
        Width of a head's values.
    n_head : int
        Number of heads.
    dropout : float
        Dropout in training on the weights that make the context.
    least_rate : float
        The focus rate from which on a head reads by its own alignment.

    Example
    -------
    >>> form = StepwiseForm(8, 4, 4, n_head=2, dropout=0.0, least_rate=0.5)
    >>> context, alignment, focus_rate = form(
    ...     torch.rand(3, 4, 8),
    ...     torch.rand(3, 9, 8),
    ...     torch.tensor([4, 3, 2]),
    ...     torch.tensor([9, 7, 5]),
    ...     monotonic=True,
    ...     noise_std=0.0,
    ... )
    >>> context.shape, alignment.shape, focus_rate.shape
    (torch.Size([3, 4, 8]), torch.Size([3, 2, 4, 9]), torch.Size([3, 2]))
    """

    def __init__(
        self,
        d_model: int,
        d_k: int,
        d_v: int,
        n_head: int,
        dropout: float,
        least_rate: float,
    ):
        super().__init__()
        self.n_head = n_head
        self.least_rate = least_rate
        self.query_proj = nn.Linear(d_model, n_head * d_k)
        self.key_proj = nn.Linear(d_model, n_head * d_k)
        self.value_proj = nn.Linear(d_model, n_head * d_v)
        self.out_proj = nn.Linear(n_head * d_v, d_model)
        self.dropout = Dropout(dropout)
        self.stay_bias = nn.Parameter(torch.zeros(n_head))

    def forward(
        self,
        text: torch.Tensor,
        mel: torch.Tensor,
        text_lengths: torch.Tensor,
        mel_lengths: torch.Tensor,
        monotonic: bool,
        noise_std: float,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Fuse the audio to the length of the text.

        Arguments
        ---------
        text : torch.Tensor
            Queries, (B, T, D).
        mel : torch.Tensor
            Keys and values, (B, M, D).
        text_lengths : torch.Tensor
            Counts, int64, (B,).
        mel_lengths : torch.Tensor
            Counts, int64, (B,).
        monotonic : bool
            Whether the walk is on.
        noise_std : float
            Standard deviation of the noise on the energies.

        Returns
        -------
        context : torch.Tensor
            Audio of each token, (B, T, D); zero on padding.
        alignment : torch.Tensor
            Share of each frame that each token owns, (B, H, T, M).
        focus_rate : torch.Tensor
            Of each head's own alignment, (B, H).

        Raises
        ------
        ValueError
            If the walk is on and an item has fewer frames than tokens.
        """
        padded_tokens = padding_mask(text_lengths, text.shape[1])
        padded_frames = padding_mask(mel_lengths, mel.shape[1])
        # a NaN there would outlive its weight of zero
        text = text.masked_fill(padded_tokens[..., None], 0.0)
        mel = mel.masked_fill(padded_frames[..., None], 0.0)
        tokens = split_heads(self.query_proj(text), self.n_head)
        frames = split_heads(self.key_proj(mel), self.n_head)
        values = split_heads(self.value_proj(mel), self.n_head)
        energies = scaled_energies(frames, tokens)  # (B, H, M, T)
        if monotonic:
            _check_reach(text_lengths, mel_lengths)
            bias = self.stay_bias[:, None, None]
            p_stay = stay_probability(energies, bias, noise_std)
            owners = stepwise_monotonic_expectation(p_stay, text_lengths)
        else:
            owners = softmax_over_valid(energies, padded_tokens[:, None, None])
        owners = owners.masked_fill(padded_frames[:, None, :, None], 0.0)
        rates = focus_rate(owners, mel_lengths, text_lengths)
        alignment = self._choose(owners, rates).transpose(-1, -2)
        owned = alignment.sum(dim=-1, keepdim=True)  # frames of each token
        weights = self.dropout(alignment / owned.clamp(min=_LEAST_OWNED))
        out = self.out_proj(merge_heads(weights.to(values.dtype) @ values))
        out = out.masked_fill(padded_tokens[..., None], 0.0)
        return out, alignment, rates

    def _choose(
        self, owners: torch.Tensor, rates: torch.Tensor
    ) -> torch.Tensor:
        """Choose what each head reads by: its own, or the most focused one's."""
        items = torch.arange(len(rates), device=rates.device)
        most_focused = owners[items, rates.argmax(dim=-1)]  # (B, M, T)
        focused = (rates >= self.least_rate)[..., None, None]
        return torch.where(focused, owners, most_focused[:, None])


def _check_reach(text_lengths: torch.Tensor, mel_lengths: torch.Tensor) -> None:
    """Refuse an item whose walk could not reach its last token."""
    short = mel_lengths < text_lengths
    if bool(short.any()):
        item = int(short.nonzero()[0])
        tokens, frames = int(text_lengths[item]), int(mel_lengths[item])
        raise ValueError(
            f"mel_lengths must be at least text_lengths where the walk is on; "
            f"item {item} has {frames} frames for {tokens} tokens, and a walk "
            "moves by one token a frame at most. Leave the item out, take "
            "more frames a second, or call set_monotonic(False)."
        )
