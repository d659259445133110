"""Stepwise monotonic attention with what training and decoding add to it.

Beside the heads that walk, others may attend to all keys by softmax; the walk
may begin later than training; and decoding goes on query by query. The walk
itself is that of `sb_sma.stepwise_monotonic`.

Reference
---------
He, Deng, He: "Robust Sequence-to-Sequence Acoustic Modeling with Stepwise
Monotonic Attention for Neural TTS", Interspeech 2019. Liang et al.:
"Enhancing Monotonicity for Robust Autoregressive Transformer TTS",
Interspeech 2020.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import nn

from sb_sma.attention.decoding import (
    DecodingOptions,
    call_layer,
    require_all_keys,
)
from sb_sma.attention.heads import softmax_over_valid
from sb_sma.attention.masks import lengths_of, padding_mask
from sb_sma.attention.memory import ProjectedMemory, project_memory
from sb_sma.attention.monotonic.walks import (
    GivenWalk,
    HardWalk,
    SoftWalk,
    start_walk,
)
from sb_sma.attention.staying import stay_logit
from sb_sma.ops import stepwise_monotonic_expectation
from sb_sma.ops.checks import check_axes
from sb_sma.ops.dropout import Dropout
from sb_sma.stepwise_monotonic import StepwiseMonotonicAttention

HEAD_CHOICES = ("all", "focused")


@dataclass
class MonotonicState:
    """What decoding carries from query to query.

    Arguments
    ---------
    memory : ProjectedMemory
        Keys and values.
    energy_offset : torch.Tensor
        Added to the stay energies: the bias, (R, W, 1) for R rows and W heads
        that walk.
    max_energy : float
        Where their sum is capped.
    walk : SoftWalk, HardWalk or GivenWalk
        Where these heads stand.
    """

    memory: ProjectedMemory
    energy_offset: torch.Tensor
    max_energy: float
    walk: SoftWalk | HardWalk | GivenWalk

    def follow(self, alignment: torch.Tensor) -> None:
        """Let the heads that walk go along a path that is given.

        Arguments
        ---------
        alignment : torch.Tensor
            Of the queries to come and all heads, those that walk first,
            (B, H, Q, K).
        """
        n_walking = self.energy_offset.shape[1]
        self.walk = GivenWalk(alignment[:, :n_walking])


class StepwiseMonotonicMHA(StepwiseMonotonicAttention):
    """Multi-head attention whose heads stay on a key or move to the next.

    With `monotonic_heads`, only the first heads do. The others are softmax
    heads over energies of the same projections, without bias and noise.

    Keys must be padded on the right. The last valid key absorbs.

    While the walk is off (`set_monotonic`), every head is a softmax head over
    the same energies. Softmax cannot see a bias that all keys share: it stays
    where `set_queries_per_token` put it, and the walk starts at that speed.

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
        Standard deviation of the Gaussian noise on the energies in training,
        which makes stay probabilities go to 0 or 1.
    monotonic_heads : int, optional
        How many heads walk. Default: all.
    head_choice : str
        ``all``: each head reads its values by its own alignment. ``focused``:
        those that walk all read by that of the one that `choose_head` has
        chosen; until then, each by its own. The returned alignments are those
        that are read by.

    Raises
    ------
    ValueError
        If `nhead` does not divide `d_model`, or a number is out of range.

    Example
    -------
    >>> attention = StepwiseMonotonicMHA(d_model=8, nhead=2)
    >>> query, memory = torch.rand(3, 4, 8), torch.rand(3, 5, 8)
    >>> out, attn = attention(query=query, key=memory, value=memory)
    >>> out.shape, attn.shape
    (torch.Size([3, 4, 8]), torch.Size([3, 2, 4, 5]))
    >>> bool(torch.allclose(attn.sum(-1), torch.ones(3, 2, 4)))
    True
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
        monotonic_heads: int | None = None,
        head_choice: Annotated[str, HEAD_CHOICES] = "all",
    ):
        super().__init__(
            d_model,
            nhead,
            queries_per_token=queries_per_token,
            moves_per_query=moves_per_query,
            noise_std=noise_std,
            recurrence=stepwise_monotonic_expectation,
        )
        if monotonic_heads is None:
            monotonic_heads = nhead
        if not 0 < monotonic_heads <= nhead:
            raise ValueError(
                f"monotonic_heads must be from 1 to nhead = {nhead}; got "
                f"{monotonic_heads}. For softmax heads alone, choose "
                "regularMHA."
            )
        if head_choice not in HEAD_CHOICES:
            raise ValueError(
                f"head_choice must be one of {', '.join(HEAD_CHOICES)}; got "
                f"'{head_choice}'."
            )
        self.monotonic_heads = monotonic_heads
        self.has_softmax_heads = monotonic_heads < nhead
        self.set_monotonic(True)
        self.dropout = Dropout(dropout)
        # whose alignment each head reads by
        own = torch.arange(nhead) if head_choice == "focused" else None
        self.register_buffer("reads_by", own)
        if self.has_softmax_heads:
            self.stay_bias = nn.Parameter(
                self.stay_bias[:monotonic_heads].detach().clone()
            )

    def set_monotonic(self, monotonic: bool) -> None:
        """Switch the walk on or off, between sequences.

        It is on in a new module; the state dict does not know of it.

        Arguments
        ---------
        monotonic : bool
            Whether heads walk, or all attend by softmax. Then `mode` and
            `max_stay` of decoding have nothing to act on.

        Example
        -------
        >>> attention = StepwiseMonotonicMHA(d_model=8, nhead=2)
        >>> attention.set_monotonic(False)
        >>> query, memory = torch.rand(1, 2, 8), torch.rand(1, 5, 8)
        >>> _, attn = attention(query=query, key=memory, value=memory)
        >>> bool((attn > 0).all())  # a walk would not get to the last keys
        True
        """
        self.n_walking = self.monotonic_heads if monotonic else 0

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
        >>> attention = StepwiseMonotonicMHA(d_model=8, nhead=2)
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

    def choose_head(self, focus_rates: torch.Tensor) -> None:
        """Let the heads that walk read by the most focused of them.

        The same head reads in training and, where only the past is known, in
        decoding. Since values are then trained by it, the first choice stays;
        it is in the state dict. Nothing is chosen while the walk is off, or
        where `head_choice` is ``all``.

        Arguments
        ---------
        focus_rates : torch.Tensor
            Of each head, over a whole set, (H,).

        Example
        -------
        >>> attention = StepwiseMonotonicMHA(8, nhead=2, head_choice="focused")
        >>> attention.choose_head(torch.tensor([0.5, 0.9]))
        >>> attention.reads_by
        tensor([1, 1])
        """
        if self.reads_by is None or not self.n_walking:
            return
        walking = self.reads_by[: self.n_walking]
        if len(walking.unique()) == self.n_walking:
            walking.fill_(int(focus_rates[: self.n_walking].argmax()))

    def start(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        options: DecodingOptions = DecodingOptions(),
    ) -> MonotonicState:
        """Project the memory once and stand before the first query.

        Arguments
        ---------
        memory : torch.Tensor
            Keys and values, (B, K, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        options : DecodingOptions
            Soft or hard, and the highest probability of staying. No window.

        Returns
        -------
        state : MonotonicState
            The state before the first query.
        """
        require_all_keys(self, options)
        batch, n_keys, _ = memory.shape
        alpha = torch.zeros(
            batch,
            self.n_walking,
            n_keys,
            dtype=_state_dtype(memory),
            device=memory.device,
        )
        alpha[..., 0] = 1.0
        walk = start_walk(options, alpha, memory_lengths, self.moves_per_query)
        max_stay = torch.tensor(options.max_stay, dtype=torch.float64)
        max_stay = max_stay ** (1.0 / self.moves_per_query)
        bias = self.stay_bias[: self.n_walking]
        offset = bias.to(_state_dtype(bias))[:, None]
        return MonotonicState(
            project_memory(
                self.key_proj(memory),
                self.value_proj(memory),
                memory_lengths,
                self.nhead,
            ),
            offset.expand(batch, -1, 1),
            max_stay.logit().item(),
            walk,
        )

    def step(
        self, query: torch.Tensor, state: MonotonicState
    ) -> tuple[torch.Tensor, torch.Tensor, MonotonicState]:
        """Attend with one query.

        Arguments
        ---------
        query : torch.Tensor
            (B, 1, D).
        state : MonotonicState
            Where the heads stand; it is advanced.

        Returns
        -------
        out : torch.Tensor
            (B, 1, D).
        attn : torch.Tensor
            (B, H, 1, K).
        state : MonotonicState
            The state for the next query.
        """
        memory = state.memory
        energies = memory.energies(call_layer(self.query_proj, query))
        walking, attending = self._divide(energies)  # (B, H, n, K)
        # the offset is in float32 or better
        walking = memory.by_row(walking) + state.energy_offset
        p_stay = walking.clamp(max=state.max_energy).sigmoid()
        attn = memory.by_item(state.walk.advance(p_stay))
        if attending.shape[1]:
            attending = attending.to(attn.dtype)
            attending = softmax_over_valid(attending, memory.blocked)
            attn = torch.cat((attn, attending), dim=1)
        attn = self._read_by(attn)
        out = call_layer(self.out_proj, memory.read(attn))
        return memory.clear_empty(out), memory.by_row(attn)[:, :, None], state

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
        """Walk over the keys, as `StepwiseMonotonicAttention` does.

        Arguments
        ---------
        query : torch.Tensor
            (B, Q, D).
        key : torch.Tensor
            (B, K, D).
        value : torch.Tensor
            (B, K, D).
        attn_mask : torch.Tensor, optional
            Not supported: the walk says where a query attends.
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
            If a shape or dtype is another, or a mask is not supported.
        """
        width = self.query_proj.in_features
        check_axes(
            query=(query, f"B, Q, {width}"),
            key=(key, f"B, K, {width}"),
            value=(value, f"B, K, {width}"),
        )
        return super().forward(
            query,
            key,
            value,
            attn_mask,
            key_padding_mask,
            return_attn_weights,
            pos_embs,
        )

    def _count_keys(
        self, mask: torch.Tensor | None, key: torch.Tensor
    ) -> torch.Tensor:
        """Count the valid keys of each item, (B,)."""
        return lengths_of(mask, key)

    def _align(
        self, energies: torch.Tensor, lengths: torch.Tensor
    ) -> torch.Tensor:
        """Say what every head reads by, those that walk first, (B, H, Q, K)."""
        walking, attending = self._divide(energies)
        if not attending.shape[1]:
            return self._read_by(super()._align(walking, lengths))
        blocked = padding_mask(lengths, energies.shape[-1])[:, None, None]
        attn = softmax_over_valid(attending, blocked)
        if not self.n_walking:
            # distributed training waits for a gradient of every parameter
            return attn + 0.0 * self.stay_bias.sum()
        attn = torch.cat((super()._align(walking, lengths), attn), dim=1)
        return self._read_by(attn)

    def _read_by(self, attn: torch.Tensor) -> torch.Tensor:
        """Choose what each head reads its values by, (B, H, Q, K)."""
        if self.reads_by is None or not self.n_walking:
            return attn
        return attn.index_select(1, self.reads_by)

    def _divide(
        self, energies: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of the heads that walk, and those of the others."""
        n_softmax = self.nhead - self.n_walking
        return energies.split((self.n_walking, n_softmax), dim=1)


def _state_dtype(energies: torch.Tensor) -> torch.dtype:
    """Float32 or better: what walks are computed in."""
    return torch.promote_types(energies.dtype, torch.float32)
