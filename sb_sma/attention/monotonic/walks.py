"""How stepwise monotonic attention walks over the keys while decoding.

A walk holds one position, or one distribution over positions, per item and
head, and moves it by at most `moves_per_query` keys per query.
"""

import torch

from sb_sma.attention.decoding import DecodingOptions

try:
    from sb_sma.ops.stepwise_monotonic.single_step import advance_compiled
except ImportError:
    # numba has no wheel for every Python
    advance_compiled = None


class SoftWalk:
    """Carries the expected alignment, as in training.

    The expectation may hold two keys in balance, and its largest entry may
    then go back; its median never does, and passes at most `moves_per_query`
    keys. With `soft_spread`, what is further from the median is moved to that
    distance, on either side: where heads are unsure for long, it would spread
    over ever more keys, whose sounds are then mixed. With `catch_up`, where
    the largest entry is not the median, what lags behind is attended on the
    median key; the walk itself is not changed.

    Arguments
    ---------
    alpha : torch.Tensor
        Alignment before the first query, (B, H, K).
    memory_lengths : torch.Tensor
        Counts, int64, (B,).
    moves_per_query : int
        How often the recurrence runs per query.
    catch_up : bool
        Whether the most attended key is always the median.
    soft_spread : int, optional
        Keys between the alignment's ends and the median. Default: any.

    Example
    -------
    >>> alpha = torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> walk = SoftWalk(alpha, torch.tensor([3]), moves_per_query=1)
    >>> walk.advance(torch.full((1, 1, 3), 0.25))
    tensor([[[0.2500, 0.7500, 0.0000]]])
    """

    def __init__(
        self,
        alpha: torch.Tensor,
        memory_lengths: torch.Tensor,
        moves_per_query: int,
        catch_up: bool = False,
        soft_spread: int | None = None,
    ):
        keys = torch.arange(alpha.shape[-1], device=alpha.device)
        # the compiled walk must not leave its arrays
        self.lengths = memory_lengths.clamp(max=alpha.shape[-1])
        lengths = self.lengths[:, None, None]
        self.alpha = alpha.masked_fill(keys >= lengths, 0.0)
        self.half_mass = self.alpha.sum(dim=-1, keepdim=True) / 2  # (B, H, 1)
        self.must_stay = keys >= lengths - 1  # (B, 1, K)
        self.moves_per_query = moves_per_query
        self.catch_up = catch_up
        self.soft_spread = soft_spread

    def advance(self, p_stay: torch.Tensor) -> torch.Tensor:
        """Take one query's moves.

        Arguments
        ---------
        p_stay : torch.Tensor
            Probability of staying, (B, H, K).

        Returns
        -------
        alpha : torch.Tensor
            Alignment of this query, (B, H, K).
        """
        # the op's recurrence; for a single query, it is faster than a kernel
        p_leave = (1.0 - p_stay).masked_fill(self.must_stay, 0.0)
        alpha = self.alpha
        for _ in range(self.moves_per_query):
            leaving = alpha * p_leave
            alpha = alpha - leaving
            alpha[..., 1:].add_(leaving[..., :-1])
        if self.soft_spread is not None:
            alpha = _drawn_together(alpha, self.half_mass, self.soft_spread)
        self.alpha = alpha
        return self._gathered() if self.catch_up else alpha

    def _gathered(self) -> torch.Tensor:
        """All mass before the median key on it, unless it is the largest."""
        below = self.alpha.cumsum(dim=-1)  # (B, H, K)
        is_before = below < self.half_mass
        median = is_before.sum(dim=-1, keepdim=True)
        gathered = self.alpha.masked_fill(is_before, 0.0)
        gathered.scatter_(-1, median, below.gather(-1, median))
        is_largest = self.alpha.argmax(dim=-1, keepdim=True) == median
        return torch.where(is_largest, self.alpha, gathered)


class CompiledSoftWalk(SoftWalk):
    """A `SoftWalk` on the CPU, in float32 or float64.

    Example
    -------
    >>> alpha = torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> walk = CompiledSoftWalk(alpha, torch.tensor([3]), moves_per_query=1)
    >>> walk.advance(torch.full((1, 1, 3), 0.25))
    tensor([[[0.2500, 0.7500, 0.0000]]])
    """

    def advance(self, p_stay: torch.Tensor) -> torch.Tensor:
        """Take one query's moves.

        Arguments
        ---------
        p_stay : torch.Tensor
            Probability of staying, (B, H, K).

        Returns
        -------
        alpha : torch.Tensor
            Alignment of this query, (B, H, K).
        """
        if (
            p_stay.requires_grad
            or torch.compiler.is_compiling()
            # the compiled walk does not broadcast
            or len(p_stay) != len(self.lengths)
        ):
            return super().advance(p_stay)
        self.alpha, seen = advance_compiled(
            p_stay,
            self.alpha,
            self.half_mass,
            self.lengths,
            self.moves_per_query,
            self.soft_spread,
            self.catch_up,
        )
        return seen


class GivenWalk:
    """Attends as it is told, whatever the probabilities of staying.

    Arguments
    ---------
    alignment : torch.Tensor
        Of the queries to come, (B, H, Q, K).

    Example
    -------
    >>> walk = GivenWalk(torch.eye(2)[None, None])
    >>> walk.advance(torch.full((1, 1, 2), 0.25))
    tensor([[[1., 0.]]])
    """

    def __init__(self, alignment: torch.Tensor):
        self.queries = iter(alignment.unbind(dim=2))

    def advance(self, p_stay: torch.Tensor) -> torch.Tensor:
        """Take one query's moves.

        Arguments
        ---------
        p_stay : torch.Tensor
            Probability of staying, which changes nothing, (B, H, K).

        Returns
        -------
        alpha : torch.Tensor
            Alignment of this query, (B, H, K).
        """
        return next(self.queries)


class HardWalk:
    """Stands on one key and moves on when it has probably left it.

    The time spent on a key is random under `p_stay`; the walk moves as soon
    as the probability of still being there falls below one half, that is,
    after the median time. Where `p_stay` is 0 or 1, this is the plain rule
    "stay or move".

    Every head walks by itself. With `head_spread`, one that is so far ahead of
    the median of its layer's heads waits for it, and one that is further behind
    moves on.

    Arguments
    ---------
    alpha : torch.Tensor
        Alignment before the first query, (B, H, K); its largest entry is
        where the walk starts.
    memory_lengths : torch.Tensor
        Counts, int64, (B,).
    moves_per_query : int
        Most keys passed in one query.
    head_spread : int, optional
        Keys between a head and the median. Default: any.

    Example
    -------
    >>> alpha = torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> walk = HardWalk(alpha, torch.tensor([3]), moves_per_query=1)
    >>> p_stay = torch.full((1, 1, 3), 0.6)
    >>> walk.advance(p_stay).argmax(-1), walk.advance(p_stay).argmax(-1)
    (tensor([[0]]), tensor([[1]]))
    """

    def __init__(
        self,
        alpha: torch.Tensor,
        memory_lengths: torch.Tensor,
        moves_per_query: int,
        head_spread: int | None = None,
    ):
        self.head_spread = head_spread
        self.position = alpha.argmax(dim=-1)  # (B, H)
        self.still_here = torch.ones_like(alpha[..., 0])
        self.last_key = memory_lengths[:, None] - 1
        self.moves_per_query = moves_per_query

    def advance(self, p_stay: torch.Tensor) -> torch.Tensor:
        """Take one query's moves.

        Arguments
        ---------
        p_stay : torch.Tensor
            Probability of staying, (B, H, K).

        Returns
        -------
        alpha : torch.Tensor
            One where the walk stands, else zero, (B, H, K).
        """
        for _ in range(self.moves_per_query):
            p_here = p_stay.gather(-1, self.position[..., None])[..., 0]
            self.still_here = self.still_here * p_here
            move = self.still_here < 0.5
            if self.head_spread is not None:
                # of an even number, the lower one of the two in the middle
                middle = (self.position.shape[1] - 1) // 2
                median = self.position.sort(dim=1).values[:, middle]
                ahead = self.position - median[:, None]
                move = move & (ahead < self.head_spread)
                move = move | (ahead < -self.head_spread)
            move = move & (self.position < self.last_key)
            self.position = self.position + move
            self.still_here = torch.where(move, 1.0, self.still_here)
        keys = torch.arange(p_stay.shape[-1], device=p_stay.device)
        stands_here = keys == self.position[..., None]  # (B, H, K)
        has_keys = self.last_key[..., None] >= 0
        return (stands_here & has_keys).to(p_stay.dtype)


def start_walk(
    options: DecodingOptions,
    alpha: torch.Tensor,
    memory_lengths: torch.Tensor,
    moves_per_query: int,
) -> SoftWalk | HardWalk:
    """Make the walk that the options ask for.

    Arguments
    ---------
    options : DecodingOptions
        Soft or hard.
    alpha : torch.Tensor
        Alignment before the first query, (B, H, K).
    memory_lengths : torch.Tensor
        Counts, int64, (B,).
    moves_per_query : int
        Most keys passed in one query.

    Returns
    -------
    walk : SoftWalk or HardWalk
        Before its first query.

    Example
    -------
    >>> alpha = torch.tensor([[[1.0, 0.0]]])
    >>> walk = start_walk(DecodingOptions("hard"), alpha, torch.tensor([2]), 1)
    >>> type(walk).__name__
    'HardWalk'
    """
    if options.mode == "hard":
        return HardWalk(
            alpha, memory_lengths, moves_per_query, options.head_spread
        )
    is_compiled = alpha.device.type == "cpu" and advance_compiled is not None
    kind = CompiledSoftWalk if is_compiled else SoftWalk
    return kind(
        alpha,
        memory_lengths,
        moves_per_query,
        options.catch_up,
        options.soft_spread,
    )


def _drawn_together(
    alpha: torch.Tensor, half_mass: torch.Tensor, spread: int
) -> torch.Tensor:
    """Move what is further than `spread` from the median key to that distance."""
    median = (alpha.cumsum(dim=-1) < half_mass).sum(dim=-1, keepdim=True)
    keys = torch.arange(alpha.shape[-1], device=alpha.device)
    nearest = keys.expand_as(alpha).clamp(median - spread, median + spread)
    return torch.zeros_like(alpha).scatter_add(-1, nearest, alpha)
