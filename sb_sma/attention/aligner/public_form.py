"""The public form of stepwise monotonic attention from text to audio.

keonlee9420's public module computes these formulas, and models trained with
it need them. Whoever has no such model should use the form in
:mod:`sb_sma.attention.aligner.module`. What this one does otherwise:

- The softmax runs over mel frames, so that later frames change earlier
  weights, and its weights, not the energies, go through the sigmoid: the
  probability of staying is between 0.5 and 0.73 whatever the audio.
- One head's alignment serves all values. It is chosen by a focus rate that is
  normalised over frames, which is at most ``T / M``.
- No token absorbs: the alignment runs off the end of the text. Padded tokens
  and frames take part in the walk and in its context.
- The alignment that it returns is the softmax one, before the walk.
"""

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.attention.heads import (
    merge_heads,
    scaled_energies,
    softmax_over_valid,
    split_heads,
)
from sb_sma.attention.masks import padding_mask
from sb_sma.attention.public_weights import PublicWeights
from sb_sma.attention.staying import stay_probability
from sb_sma.ops import stepwise_monotonic_expectation
from sb_sma.ops.dropout import Dropout


class PublicForm(PublicWeights, nn.Module):
    """Text queries and mel keys, as the public module computes them.

    With ``w`` the softmax over frames of each head, zero at padded tokens,

    ``focus[h] = sum_m max_t w[h, t, m] / mel_length``

    and ``a`` the weights of the head with the highest focus rate, the walk is

    ``p = sigmoid(a + noise)``,
    ``alpha[t, m] = alpha[t, m-1] p[t, m] + alpha[t-1, m-1] (1 - p[t-1, m])``

    from all mass on token 0. All heads' values are read by ``alpha``; where
    the walk is off, each head's by its own ``w``.

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
        Dropout in training after the output projection.

    Example
    -------
    >>> form = PublicForm(d_model=8, d_k=4, d_v=4, n_head=2, dropout=0.0)
    >>> context, alignment, focus_rate = form(
    ...     torch.rand(3, 4, 8),
    ...     torch.rand(3, 9, 8),
    ...     torch.tensor([4, 3, 2]),
    ...     torch.tensor([9, 7, 5]),
    ...     monotonic=True,
    ...     noise_std=0.0,
    ... )
    >>> context.shape, alignment.shape, focus_rate.shape
    (torch.Size([3, 4, 8]), torch.Size([3, 4, 9]), torch.Size([]))
    """

    public_names = {
        "query_proj": "energy.w_qs",
        "key_proj": "energy.w_ks",
        "value_proj": "energy.w_vs",
        "out_proj": "last_layer",
    }

    def __init__(
        self, d_model: int, d_k: int, d_v: int, n_head: int, dropout: float
    ):
        super().__init__()
        self.n_head = n_head
        self.query_proj = nn.Linear(d_model, n_head * d_k)
        self.key_proj = nn.Linear(d_model, n_head * d_k)
        self.value_proj = nn.Linear(d_model, n_head * d_v)
        self.out_proj = nn.Linear(n_head * d_v, d_model)
        self.layer_norm = nn.LayerNorm(d_model)
        self.dropout = Dropout(dropout)

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
            Standard deviation of the noise on the weights.

        Returns
        -------
        context : torch.Tensor
            Audio of each token, (B, T, D); not zero on padding.
        alignment : torch.Tensor
            Softmax over frames of the chosen head, (B, T, M).
        focus_rate : torch.Tensor
            Mean over the items of the chosen head's focus rate, ().
        """
        queries = split_heads(self.query_proj(text), self.n_head)
        keys = split_heads(self.key_proj(mel), self.n_head)
        values = split_heads(self.value_proj(mel), self.n_head)
        padded_tokens = padding_mask(text_lengths, text.shape[1])
        padded_frames = padding_mask(mel_lengths, mel.shape[1])
        weights = softmax_over_valid(
            scaled_energies(queries, keys), padded_frames[:, None, None]
        )  # (B, H, T, M)
        weights = weights.masked_fill(padded_tokens[:, None, :, None], 0.0)
        peaks = weights.amax(dim=2)  # (B, H, M)
        rates, heads = (peaks.sum(-1) / mel_lengths[:, None]).max(dim=-1)
        items = torch.arange(len(heads), device=heads.device)
        alignment = weights[items, heads]
        if monotonic:
            p_stay = stay_probability(alignment, 0.0, noise_std)
            weights = _walk_off_the_end(p_stay)[:, None]
        out = self.out_proj(merge_heads(weights.to(values.dtype) @ values))
        out = self.layer_norm(self.dropout(out))
        return out, alignment, rates.mean()


def _walk_off_the_end(p_stay: torch.Tensor) -> torch.Tensor:
    """Walk along mel over text, where no token absorbs, (B, T, M)."""
    p_stay = p_stay.transpose(1, 2)[:, None]  # (B, 1, M, T)
    # one more token takes what leaves the last one, and is dropped
    p_stay = F.pad(p_stay, (0, 1))
    alpha = stepwise_monotonic_expectation(p_stay)
    return alpha[:, 0, :, :-1].transpose(1, 2)
