"""Softmax attention with the weights of every head kept.

SpeechBrain's ``MultiheadAttention`` returns the mean over heads, which hides
the head that follows the text. Parameters and outputs are the same here.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from speechbrain.nnet.attention import MultiheadAttention

from sb_sma.attention.decoding import DecodingOptions, require_soft
from sb_sma.attention.heads import check_heads, softmax_over_valid
from sb_sma.attention.masks import outside_window, padding_of
from sb_sma.attention.memory import ProjectedMemory, project_memory
from sb_sma.ops.checks import check_axes


@dataclass
class SoftmaxState:
    """What decoding carries from query to query.

    Arguments
    ---------
    memory : ProjectedMemory
        Keys and values.
    position : torch.Tensor
        The key that each head attended most at the query before, int64,
        (R, H) for R rows; the first one without a window.
    window : list of int, optional
        How many keys before and after it a head may attend to. Default: all.
    """

    memory: ProjectedMemory
    position: torch.Tensor
    window: list[int] | None = None


class RegularMHA(MultiheadAttention):
    """SpeechBrain's multi-head attention, returning (B, H, Q, K) weights.

    Arguments
    ---------
    d_model : int
        Width of queries, keys and values.
    nhead : int
        Number of heads.
    dropout : float
        Dropout on the attention weights in training.

    Raises
    ------
    ValueError
        If `nhead` does not divide `d_model`.

    Example
    -------
    >>> attention = RegularMHA(d_model=8, nhead=2)
    >>> query, memory = torch.rand(3, 4, 8), torch.rand(3, 5, 8)
    >>> out, attn = attention(query=query, key=memory, value=memory)
    >>> out.shape, attn.shape
    (torch.Size([3, 4, 8]), torch.Size([3, 2, 4, 5]))
    """

    def __init__(self, d_model: int, nhead: int, dropout: float = 0.0):
        check_heads(d_model, nhead)
        super().__init__(nhead=nhead, d_model=d_model, dropout=dropout)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        key_padding_mask: torch.Tensor | None = None,
        return_attn_weights: bool = True,
        pos_embs: torch.Tensor | None = None,
    ):
        """Attend to the keys.

        Arguments
        ---------
        query : torch.Tensor
            (B, Q, D).
        key : torch.Tensor
            (B, K, D).
        value : torch.Tensor
            (B, K, D).
        attn_mask : torch.Tensor, optional
            True (or -inf) where a query may not attend, (Q, K).
        key_padding_mask : torch.Tensor, optional
            True on padding, (B, K).
        return_attn_weights : bool
            Whether to return the weights too.
        pos_embs : torch.Tensor, optional
            Added to the attention logits, (Q, K).

        Returns
        -------
        out : torch.Tensor
            (B, Q, D).
        attn : torch.Tensor
            Weights of every head, (B, H, Q, K); only if asked for. A query
            that may attend to nothing has zeros here and in `out`.

        Raises
        ------
        ValueError
            If a shape or dtype is another.
        """
        check_axes(
            query=(query, f"B, Q, {self.att.embed_dim}"),
            key=(key, f"B, K, {self.att.embed_dim}"),
            value=(value, f"B, K, {self.att.embed_dim}"),
        )
        key_padding_mask = padding_of(key_padding_mask, key)
        bias = _logit_bias(attn_mask, pos_embs, query.dtype)
        # softmax over no key at all would be NaN
        if bias is None:
            empty = key_padding_mask.all(dim=1)[:, None, None]  # (B, 1, 1)
            key_padding_mask = key_padding_mask & ~empty[:, 0]
        else:
            blocked = key_padding_mask[:, None] | (bias == -torch.inf)
            empty = blocked.all(dim=-1, keepdim=True)  # (B, Q, 1)
            bias = bias.masked_fill(blocked, -torch.inf).masked_fill(empty, 0.0)
            bias = bias.repeat_interleave(self.att.num_heads, dim=0)
            key_padding_mask = None
        out, attn = self.att(
            query.transpose(0, 1),
            key.transpose(0, 1),
            value.transpose(0, 1),
            attn_mask=bias,
            key_padding_mask=key_padding_mask,
            need_weights=return_attn_weights,
            average_attn_weights=False,
        )
        out = out.transpose(0, 1).masked_fill(empty, 0.0)  # (B, Q, D)
        if not return_attn_weights:
            return out
        return out, attn.masked_fill(empty[:, None], 0.0)

    def start(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        options: DecodingOptions,
    ) -> SoftmaxState:
        """Project the memory once and stand before the first query.

        Arguments
        ---------
        memory : torch.Tensor
            Keys and values, (B, K, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        options : DecodingOptions
            Must be soft decoding; may have a window.

        Returns
        -------
        state : SoftmaxState
            The state before the first query.
        """
        require_soft(self, options)
        width = self.att.embed_dim
        projected = F.linear(
            memory,
            self.att.in_proj_weight[width:],
            self.att.in_proj_bias[width:],
        )
        keys, values = projected.chunk(2, dim=-1)
        nhead = self.att.num_heads
        return SoftmaxState(
            project_memory(keys, values, memory_lengths, nhead),
            memory_lengths.new_zeros(len(memory), nhead),
            options.attention_window,
        )

    def step(
        self, query: torch.Tensor, state: SoftmaxState
    ) -> tuple[torch.Tensor, torch.Tensor, SoftmaxState]:
        """Attend with one query.

        Arguments
        ---------
        query : torch.Tensor
            (B, 1, D).
        state : SoftmaxState
            The state before it.

        Returns
        -------
        out : torch.Tensor
            (B, 1, D).
        attn : torch.Tensor
            (B, H, 1, K).
        state : SoftmaxState
            The state for the next query.
        """
        width = self.att.embed_dim
        query = F.linear(
            query,
            self.att.in_proj_weight[:width],
            self.att.in_proj_bias[:width],
        )
        memory = state.memory
        energies, blocked = memory.energies(query), memory.blocked
        if state.window is not None:
            outside = outside_window(
                state.position, *state.window, n_keys=energies.shape[-1]
            )
            blocked = blocked | memory.by_item(outside)
        attn = softmax_over_valid(energies, blocked)
        out = memory.clear_empty(self.att.out_proj(memory.read(attn)))
        attn = memory.by_row(attn)  # (R, H, K)
        if state.window is not None:
            state = replace(state, position=attn.argmax(dim=-1))
        return out, attn[:, :, None], state


def _logit_bias(
    attn_mask: torch.Tensor | None,
    pos_embs: torch.Tensor | None,
    dtype: torch.dtype,
) -> torch.Tensor | None:
    """Return what is added to the logits, -inf where blocked, (Q, K)."""
    if attn_mask is None:
        return pos_embs
    if attn_mask.dim() != 2:
        raise ValueError(
            "attn_mask must have shape (Q, K); got "
            f"{tuple(attn_mask.shape)}. Give padding as key_padding_mask."
        )
    if attn_mask.dtype == torch.bool:
        zeros = torch.zeros_like(attn_mask, dtype=dtype)
        attn_mask = zeros.masked_fill(attn_mask, -torch.inf)
    return attn_mask if pos_embs is None else attn_mask + pos_embs
