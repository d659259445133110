"""Stepwise monotonic attention in plain PyTorch: the recurrence and a module.

Every head walks over the keys: at each query it stays on a key or moves to the
next, with a probability computed from that query and that key alone, so that
the attention is causal and can neither skip nor go back. This file needs
nothing but PyTorch; faster forms of the recurrence register themselves with it.

Reference
---------
He, Deng, He: "Robust Sequence-to-Sequence Acoustic Modeling with Stepwise
Monotonic Attention for Neural TTS", Interspeech 2019. Liang et al.:
"Enhancing Monotonicity for Robust Autoregressive Transformer TTS",
Interspeech 2020.
"""

import importlib
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

MIN_MOVES_PER_TOKEN, MAX_MOVES_PER_TOKEN = 1.1, 50.0
FAST_FORMS: dict[str, Callable[..., torch.Tensor]] = {}
"""By type of device: what is called like `expected_alignment`."""


def expected_alignment(
    p_stay: torch.Tensor,
    memory_lengths: torch.Tensor,
    initial_alpha: torch.Tensor | None = None,
    moves_per_query: int = 1,
) -> torch.Tensor:
    """Run the recurrence over queries, one after the other: the definition.

    ``alpha[i, j] = alpha[i-1, j] * p_stay[i, j]
    + alpha[i-1, j-1] * (1 - p_stay[i, j-1])``, where the last valid key of
    each item absorbs.

    Arguments
    ---------
    p_stay : torch.Tensor
        Probability of staying, (B, H, Q, K).
    memory_lengths : torch.Tensor
        Number of valid keys of each item, int64, (B,).
    initial_alpha : torch.Tensor, optional
        Alignment before the first query, (B, H, K). Default: on key 0.
    moves_per_query : int
        How often the recurrence runs for each query.

    Returns
    -------
    alpha : torch.Tensor
        Expected alignment in the dtype of `p_stay`, (B, H, Q, K).

    Example
    -------
    >>> expected_alignment(torch.zeros(1, 1, 2, 2), torch.tensor([2]))[0, 0]
    tensor([[0., 1.],
            [0., 1.]])
    """
    state_dtype = torch.promote_types(p_stay.dtype, torch.float32)
    keys = torch.arange(p_stay.shape[-1], device=p_stay.device)
    lengths = memory_lengths.clamp(max=len(keys))[:, None, None]  # (B, 1, 1)
    may_move = (keys < lengths - 1)[:, :, None]  # (B, 1, 1, K)
    p_stay_valid = p_stay.to(state_dtype)
    stay = torch.where(may_move, p_stay_valid, 1.0)
    move = torch.where(may_move, 1.0 - p_stay_valid, 0.0)

    if initial_alpha is None:
        initial_alpha = (keys == 0).expand(*p_stay.shape[:2], -1)
    alpha = torch.where(keys < lengths, initial_alpha.to(state_dtype), 0.0)
    rows = []
    for stay_row, move_row in zip(stay.unbind(2), move.unbind(2)):
        for _ in range(moves_per_query):
            arriving = F.pad((alpha * move_row)[..., :-1], (1, 0))
            alpha = alpha * stay_row + arriving  # (B, H, K)
        rows.append(alpha)
    return torch.stack(rows, dim=2).to(p_stay.dtype)


def stay_logit(moves_per_token: float) -> float:
    """Return the energy at which a walk spends so many moves on a token.

    A walk that stays with probability ``p`` leaves a token after
    ``1 / (1 - p)`` moves on average.

    Arguments
    ---------
    moves_per_token : float
        Mean number of moves, or tries to, spent on a token; clamped to what
        can still be learned from, 1.1 to 50.

    Returns
    -------
    energy : float
        ``logit(1 - 1 / moves_per_token)``.

    Example
    -------
    >>> stay_logit(2.0)
    0.0
    """
    moves = min(max(moves_per_token, MIN_MOVES_PER_TOKEN), MAX_MOVES_PER_TOKEN)
    p_stay = 1.0 - 1.0 / moves
    return math.log(p_stay / (1.0 - p_stay))


def stay_probability(
    energies: torch.Tensor, bias: torch.Tensor | float, noise_std: float
) -> torch.Tensor:
    """Return probabilities of staying, from energies.

    Arguments
    ---------
    energies : torch.Tensor
        Any shape.
    bias : torch.Tensor or float
        Added to them; of a shape that fits.
    noise_std : float
        Standard deviation of the Gaussian noise on them, which makes the
        probabilities go to 0 or 1 in training. 0 for none.

    Returns
    -------
    p_stay : torch.Tensor
        In [0, 1], of the shape of `energies`.

    Example
    -------
    >>> stay_probability(torch.zeros(3), bias=0.0, noise_std=0.0)
    tensor([0.5000, 0.5000, 0.5000])
    """
    energies = energies + bias
    if noise_std > 0:
        energies = energies + noise_std * torch.randn_like(energies)
    return energies.sigmoid()


class StepwiseMonotonicAttention(nn.Module):
    """Multi-head attention whose heads stay on a key or move to the next.

    Keys must be padded on the right. The last valid key absorbs.

    Arguments
    ---------
    d_model : int
        Width of queries, keys and values.
    nhead : int
        Number of heads.
    dropout : float
        Dropout in training on the weights that make the output; the returned
        alignment is the one before it.
    queries_per_token : float
        Mean number of queries spent on a key, which sets the bias that the
        stay energy starts from.
    moves_per_query : int
        How often the recurrence runs per query. A walk reaches the last of K
        keys only if ``Q * moves_per_query >= K - 1``.
    noise_std : float
        Standard deviation of the Gaussian noise on the energies in training.

    Raises
    ------
    ValueError
        If `nhead` does not divide `d_model`, or a number is out of range.

    Example
    -------
    >>> attention = StepwiseMonotonicAttention(d_model=8, nhead=2)
    >>> query, memory = torch.rand(3, 4, 8), torch.rand(3, 5, 8)
    >>> out, attn = attention(query=query, key=memory, value=memory)
    >>> out.shape, attn.shape
    (torch.Size([3, 4, 8]), torch.Size([3, 2, 4, 5]))
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dropout: float = 0.0,
        *,
        queries_per_token: float = 2.0,
        moves_per_query: int = 1,
        noise_std: float = 0.0,
    ):
        super().__init__()
        if nhead < 1 or d_model % nhead:
            raise ValueError(
                f"nhead ({nhead}) must divide d_model ({d_model}). "
                "Change one of them."
            )
        if moves_per_query < 1:
            raise ValueError(
                f"moves_per_query must be 1 or more; got {moves_per_query}."
            )
        if noise_std < 0:
            raise ValueError(f"noise_std must be 0 or more; got {noise_std}.")
        self.nhead = nhead
        self.moves_per_query = moves_per_query
        self.noise_std = noise_std
        self.query_proj = nn.Linear(d_model, d_model)
        self.key_proj = nn.Linear(d_model, d_model)
        self.value_proj = nn.Linear(d_model, d_model)
        self.out_proj = nn.Linear(d_model, d_model)
        self.dropout = nn.Dropout(dropout)
        self.stay_bias = nn.Parameter(torch.empty(nhead))
        self.set_queries_per_token(queries_per_token)

    def set_queries_per_token(self, queries_per_token: float) -> None:
        """Start the stay bias anew from the mean time spent on a key.

        Arguments
        ---------
        queries_per_token : float
            Queries per key: mel frames per token / reduction factor in TTS.

        Raises
        ------
        ValueError
            If it is not above 0.

        Example
        -------
        >>> attention = StepwiseMonotonicAttention(d_model=8, nhead=2)
        >>> attention.set_queries_per_token(4.0)
        >>> attention.stay_bias.sigmoid().mean().isclose(torch.tensor(0.75))
        tensor(True)
        """
        if not queries_per_token > 0:
            raise ValueError(
                f"queries_per_token must be above 0; got {queries_per_token}."
            )
        moves = queries_per_token * self.moves_per_query
        with torch.no_grad():
            self.stay_bias.fill_(stay_logit(moves))

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
        """Walk over the keys, from the first query to the last.

        Arguments
        ---------
        query : torch.Tensor
            (B, Q, D).
        key : torch.Tensor
            (B, K, D).
        value : torch.Tensor
            (B, K, D).
        attn_mask : torch.Tensor, optional
            Not supported: the walk itself says where a query may attend.
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
            The alignment that every head reads by, (B, H, Q, K); only if asked
            for.

        Raises
        ------
        ValueError
            If `attn_mask` or `pos_embs` is given, or padding is not on the
            right.
        """
        for name, given in (("attn_mask", attn_mask), ("pos_embs", pos_embs)):
            if given is not None:
                raise ValueError(
                    f"{type(self).__name__} takes no {name}; got one of shape "
                    f"{tuple(given.shape)}. Pass None."
                )
        lengths = lengths_of(key_padding_mask, key)
        queries, keys, values = (
            project(features).unflatten(-1, (self.nhead, -1)).transpose(1, 2)
            for project, features in (
                (self.query_proj, query),
                (self.key_proj, key),
                (self.value_proj, value),
            )
        )
        energies = queries @ keys.transpose(-1, -2)  # (B, H, Q, K)
        dtype = torch.promote_types(energies.dtype, torch.float32)
        energies = energies.to(dtype) * (1.0 / math.sqrt(queries.shape[-1]))
        attn = self.align(energies, lengths)
        weights = self.dropout(attn).to(values.dtype)
        out = self.out_proj((weights @ values).transpose(1, 2).flatten(-2))
        out = out.masked_fill((lengths == 0)[:, None, None], 0.0)
        return (out, attn) if return_attn_weights else out

    def align(
        self, energies: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Say where every head is at every query.

        Arguments
        ---------
        energies : torch.Tensor
            Scaled products of queries and keys, (B, H, Q, K).
        lengths : torch.Tensor
            Counts of keys, int64, (B,).

        Returns
        -------
        alignment : torch.Tensor
            (B, H, Q, K).
        """
        p_stay = stay_probability(
            energies,
            self.stay_bias[:, None, None],
            self.noise_std if self.training else 0.0,
        )
        form = _fastest_form(p_stay.device)
        return form(p_stay, lengths, moves_per_query=self.moves_per_query)


def _fastest_form(device: torch.device) -> Callable[..., torch.Tensor]:
    """Find the fastest form of the recurrence for a device."""
    if not FAST_FORMS and __name__ == "sb_sma.stepwise_monotonic":
        # this package's kernels register themselves
        importlib.import_module("sb_sma.ops.stepwise_monotonic")
    return FAST_FORMS.get(device.type, expected_alignment)


def lengths_of(
    key_padding_mask: torch.Tensor | None, key: torch.Tensor
) -> torch.Tensor:
    """Count the valid keys of each item from its padding mask.

    Arguments
    ---------
    key_padding_mask : torch.Tensor, optional
        True on padding, (B, K).
    key : torch.Tensor
        The keys that the mask belongs to, (B, K, D).

    Returns
    -------
    lengths : torch.Tensor
        Counts, int64, (B,).

    Raises
    ------
    ValueError
        If the mask has another shape or dtype, or if padding stands before a
        valid key (seen on the CPU only: elsewhere the look would wait for
        the device).

    Example
    -------
    >>> mask = torch.tensor([[False, False, True]])
    >>> lengths_of(mask, torch.zeros(1, 3, 8))
    tensor([2])
    """
    batch, keys = key.shape[:2]
    if key_padding_mask is None:
        return torch.full((batch,), keys, device=key.device)
    if key_padding_mask.dtype != torch.bool:
        raise ValueError(
            "key_padding_mask must be a bool tensor, True on padding; got "
            f"{key_padding_mask.dtype}."
        )
    if key_padding_mask.shape != (batch, keys):
        raise ValueError(
            f"key_padding_mask must have shape (B, K) = {(batch, keys)}; got "
            f"{tuple(key_padding_mask.shape)}."
        )
    if key_padding_mask.device.type == "cpu":
        padded_before = key_padding_mask[:, :-1] & ~key_padding_mask[:, 1:]
        if padded_before.any():
            raise ValueError(
                "key_padding_mask must mark padding on the right only; item "
                f"{int(padded_before.any(1).nonzero()[0])} has padding "
                "before a valid key. Pad on the right."
            )
    return (~key_padding_mask).sum(dim=1)
