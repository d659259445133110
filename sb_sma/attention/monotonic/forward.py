"""Forward attention: a softmax over where a walk over the keys may stand.

Before a query, every head stays on its key or moves to the next, with a
probability that does not depend on the key; its energies then weigh where that
leads: ``alpha[i, j] = ((1 - u[i]) * alpha[i-1, j] + u[i] * alpha[i-1, j-1]) *
exp(energy[i, j])``, divided by its sum over j. Before the first query, all of
it is on the first key. The transition agent predicts ``u[i]``.

Reference
---------
Zhang, Ling, Dai: "Forward Attention in Sequence-to-Sequence Acoustic Modeling
for Speech Synthesis", ICASSP 2018. There, the agent also reads what was
attended, and says what happens at the next query. Here it reads the query
alone, and says what happens at this one: the agents of all queries are then
computed at once, and a Transformer's query has heard the frame before, as has
the agent of the paper.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.attention.decoding import (
    DecodingOptions,
    call_layer,
    require_all_keys,
    require_soft,
)
from sb_sma.attention.heads import (
    check_heads,
    merge_heads,
    scaled_energies,
    split_heads,
)
from sb_sma.attention.masks import lengths_of, padding_mask, require_unmasked
from sb_sma.attention.memory import ProjectedMemory, project_memory
from sb_sma.ops.checks import check_axes
from sb_sma.ops.dropout import Dropout

# logarithm of a probability of 0; that of -inf has no gradient
_NEVER = -1e30


@dataclass
class ForwardState:
    """What decoding carries from query to query.

    Arguments
    ---------
    memory : ProjectedMemory
        Keys and values.
    log_alpha : torch.Tensor
        Logarithm of the alignment of the query before, (R, H, K) for R rows.
    """

    memory: ProjectedMemory
    log_alpha: torch.Tensor


class ForwardMHA(nn.Module):
    """Multi-head attention whose heads stay on a key or move, as it is likely.

    Keys must be padded on the right. The recurrence runs in logarithms, in
    float32 or better, as a plain loop over the queries.

    Arguments
    ---------
    d_model : int
        Width of queries, keys and values.
    nhead : int
        Number of heads.
    dropout : float
        Dropout in training on the weights that make the output; the returned
        alignment is the one before it.
    moves_per_query : int
        How often a head stays or moves before a query; 1 in the paper. The
        last of K keys is reached only if ``Q * moves_per_query >= K - 1``.
    transition_agent : bool
        Whether each head predicts from the query how probable a move is.
        Otherwise staying and moving are as probable.

    Raises
    ------
    ValueError
        If `nhead` does not divide `d_model`, or `moves_per_query` is below 1.

    Example
    -------
    >>> attention = ForwardMHA(d_model=8, nhead=2)
    >>> query, memory = torch.rand(3, 4, 8), torch.rand(3, 5, 8)
    >>> out, attn = attention(query=query, key=memory, value=memory)
    >>> out.shape, attn.shape
    (torch.Size([3, 4, 8]), torch.Size([3, 2, 4, 5]))
    >>> bool((attn[:, :, 0, 2:] == 0).all())
    True
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dropout: float = 0.0,
        *,
        moves_per_query: int = 1,
        transition_agent: bool = True,
    ):
        super().__init__()
        check_heads(d_model, nhead)
        if moves_per_query < 1:
            raise ValueError(
                f"moves_per_query must be 1 or more; got {moves_per_query}."
            )
        self.nhead = nhead
        self.moves_per_query = moves_per_query
        self.query_proj = nn.Linear(d_model, d_model)
        # a bias would be the same for every key, which no softmax sees
        self.key_proj = nn.Linear(d_model, d_model, bias=False)
        self.value_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)
        self.dropout = Dropout(dropout)
        self.transition_agent = None
        if transition_agent:
            self.transition_agent = nn.Linear(d_model, nhead)

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
        """Go over the keys, from the first query to the last.

        Arguments
        ---------
        query : torch.Tensor
            (B, Q, D).
        key : torch.Tensor
            (B, K, D).
        value : torch.Tensor
            (B, K, D).
        attn_mask : torch.Tensor, optional
            Not supported: the recurrence says where a query may attend.
        key_padding_mask : torch.Tensor, optional
            True on padding, on the right only, (B, K).
        return_attn_weights : bool
            Whether to return the alignment too.
        pos_embs : torch.Tensor, optional
            Not supported.

        Returns
        -------
        out : torch.Tensor
            (B, Q, D); zeros for an item without a valid key.
        attn : torch.Tensor
            The alignment of every head, (B, H, Q, K); only if asked for.

        Raises
        ------
        ValueError
            If `attn_mask` or `pos_embs` is given, or padding is not on the
            right.
        """
        require_unmasked(self, attn_mask=attn_mask, pos_embs=pos_embs)
        check_axes(
            query=(query, f"B, Q, {self.query_proj.in_features}"),
            key=(key, f"B, K, {self.query_proj.in_features}"),
            value=(value, f"B, K, {self.query_proj.in_features}"),
        )
        lengths = lengths_of(key_padding_mask, key)
        blocked = padding_mask(lengths, key.shape[1])[:, None, None]
        queries = split_heads(self.query_proj(query), self.nhead)
        keys = split_heads(self.key_proj(key), self.nhead)
        values = split_heads(self.value_proj(value), self.nhead)
        energies = scaled_energies(queries, keys).masked_fill(blocked, _NEVER)
        log_alpha = self._walk(self._start_walk(key), energies, query)
        attn = log_alpha.exp().masked_fill(blocked, 0.0)
        weights = self.dropout(attn).to(values.dtype)
        out = self.out_proj(merge_heads(weights @ values))
        out = out.masked_fill((lengths == 0)[:, None, None], 0.0)
        return (out, attn) if return_attn_weights else out

    def start(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        options: DecodingOptions = DecodingOptions(),
    ) -> ForwardState:
        """Project the memory once and stand before the first query.

        Arguments
        ---------
        memory : torch.Tensor
            Keys and values, (B, K, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        options : DecodingOptions
            Must be soft decoding, and have no window.

        Returns
        -------
        state : ForwardState
            The state before the first query.
        """
        require_soft(self, options)
        require_all_keys(self, options)
        projected = project_memory(
            self.key_proj(memory),
            self.value_proj(memory),
            memory_lengths,
            self.nhead,
        )
        return ForwardState(projected, self._start_walk(memory))

    def step(
        self, query: torch.Tensor, state: ForwardState
    ) -> tuple[torch.Tensor, torch.Tensor, ForwardState]:
        """Attend with one query.

        Arguments
        ---------
        query : torch.Tensor
            (B, 1, D).
        state : ForwardState
            The state before it.

        Returns
        -------
        out : torch.Tensor
            (B, 1, D).
        attn : torch.Tensor
            (B, H, 1, K).
        state : ForwardState
            The state for the next query.
        """
        memory = state.memory
        energies = memory.energies(call_layer(self.query_proj, query))
        energies = energies.to(state.log_alpha.dtype)
        energies = energies.masked_fill(memory.blocked, _NEVER)
        energies = memory.by_row(energies)[:, :, None]  # (R, H, 1, K)
        log_alpha = self._walk(state.log_alpha, energies, query)[:, :, 0]
        attn = memory.by_item(log_alpha.exp()).masked_fill(memory.blocked, 0.0)
        out = call_layer(self.out_proj, memory.read(attn))
        return (
            memory.clear_empty(out),
            memory.by_row(attn)[:, :, None],
            replace(state, log_alpha=log_alpha),
        )

    def _start_walk(self, memory: torch.Tensor) -> torch.Tensor:
        """Logarithm of the alignment before the first query, (B, H, K)."""
        batch, n_keys, _ = memory.shape
        log_alpha = torch.full(
            (batch, self.nhead, n_keys),
            _NEVER,
            dtype=torch.promote_types(memory.dtype, torch.float32),
            device=memory.device,
        )
        log_alpha[..., 0] = 0.0
        return log_alpha

    def _walk(
        self,
        log_alpha: torch.Tensor,
        energies: torch.Tensor,
        query: torch.Tensor,
    ) -> torch.Tensor:
        """Return log alignments, (B, H, Q, K), after a first one."""
        if self.transition_agent is None:
            move_logits = energies.new_zeros(*query.shape[:2], self.nhead)
        else:
            move_logits = call_layer(self.transition_agent, query)
        # (B, H, Q, 1)
        move_logits = move_logits.to(energies.dtype).transpose(1, 2)[..., None]
        log_alphas = []
        for energy, log_stay, log_move in zip(
            energies.unbind(2),
            F.logsigmoid(-move_logits).unbind(2),
            F.logsigmoid(move_logits).unbind(2),
        ):
            for _ in range(self.moves_per_query):
                arriving = F.pad(log_alpha[..., :-1], (1, 0), value=_NEVER)
                log_alpha = _log_add(log_alpha + log_stay, arriving + log_move)
            log_alpha = (log_alpha + energy).log_softmax(dim=-1)
            log_alphas.append(log_alpha)
        return torch.stack(log_alphas, dim=2)


def _log_add(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Add in logarithms; exporters take exponentials that are 0."""
    if not torch.compiler.is_compiling():
        return torch.logaddexp(one, other)
    distance = (one - other).abs()
    return torch.maximum(one, other) + (-distance).exp().log1p()
