"""What the path of one alignment did: which token it read at each decoder
step, and what it skipped, repeated or never reached.

A path is ``(Q,)`` integer: the index of the token read at each query (decoder
step), as :func:`sb_sma.metrics.alignment.alignment_path` gives it for one head
of one item.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from sb_sma.ops.checks import is_integer


@dataclass(frozen=True)
class PathCounts:
    """What a path did that a stepwise monotonic one cannot do, or must do.

    Arguments
    ---------
    skips : int
        Tokens jumped over, those before the first step included.
    longest_skip : int
        Most tokens jumped over in one move.
    backward_jumps : int
        Moves to an earlier token.
    repeats : int
        Returns to a token that the path had left before.
    ends_on_last : bool
        Whether the last step reads the last token.
    """

    skips: int
    longest_skip: int
    backward_jumps: int
    repeats: int
    ends_on_last: bool


def coverage(path: torch.Tensor, n_tokens: int) -> float:
    """Return the share of the tokens that the path reads at some step.

    Arguments
    ---------
    path : torch.Tensor
        Token read at each decoder step, ``(Q,)`` integer.
    n_tokens : int
        Number of tokens in the text.

    Returns
    -------
    float
        Share in (0, 1].

    Raises
    ------
    ValueError
        If the path is empty, not one-dimensional, or leaves the text.

    Example
    -------
    >>> coverage(torch.tensor([0, 0, 1, 3]), n_tokens=4)
    0.75
    """
    _check_path("path", path, n_tokens)
    return torch.unique(path).numel() / n_tokens


def count_path(path: torch.Tensor, n_tokens: int) -> PathCounts:
    """Count what a path skips, repeats and leaves unread.

    Arguments
    ---------
    path : torch.Tensor
        Token read at each decoder step, ``(Q,)`` integer.
    n_tokens : int
        Number of tokens in the text.

    Returns
    -------
    PathCounts
        The counts.

    Raises
    ------
    ValueError
        If the path is empty, not one-dimensional, or leaves the text.

    Example
    -------
    >>> counts = count_path(torch.tensor([0, 0, 1, 4, 1, 2]), n_tokens=6)
    >>> counts.skips, counts.longest_skip, counts.backward_jumps
    (2, 2, 1)
    >>> counts.repeats, counts.ends_on_last
    (1, False)
    """
    _check_path("path", path, n_tokens)
    path = path.long()  # an unsigned type has no moves back
    # a path comes from just before the text, so that a late start is a skip
    moves = torch.diff(path, prepend=path.new_tensor([-1]))
    skipped = (moves - 1).clamp(min=0)
    visits = (moves != 0).sum()
    counts = (
        skipped.sum(),
        skipped.max(),
        (moves < 0).sum(),
        visits - torch.unique(path).numel(),
        path[-1] == n_tokens - 1,
    )
    # one transfer from the device for all of them
    *numbers, ends_on_last = torch.stack(
        [count.to(torch.int64) for count in counts]
    ).tolist()
    return PathCounts(*numbers, ends_on_last=bool(ends_on_last))


def true_path(
    token_starts: Sequence[int],
    n_queries: int,
    hop_length: int,
    reduction_factor: int,
) -> torch.Tensor:
    """Return the token that is being spoken at the middle of each step.

    Step ``i`` makes the mel frames ``i * reduction_factor`` to
    ``(i + 1) * reduction_factor - 1``, and frame ``f`` is centred on sample
    ``f * hop_length``. The last token lasts for ever.

    Arguments
    ---------
    token_starts : sequence of int
        First sample of each token, strictly increasing from 0.
    n_queries : int
        Number of decoder steps.
    hop_length : int
        Samples from one mel frame to the next.
    reduction_factor : int
        Mel frames that one decoder step makes.

    Returns
    -------
    torch.Tensor
        Token indices, ``(Q,)`` int64.

    Raises
    ------
    ValueError
        If the starts do not strictly increase from 0, or a count is too low.

    Example
    -------
    >>> true_path([0, 300, 1000], 3, hop_length=256, reduction_factor=2)
    tensor([0, 1, 2])
    """
    _check_count("n_queries", n_queries)
    _check_count("hop_length", hop_length)
    _check_count("reduction_factor", reduction_factor)
    starts = torch.as_tensor(token_starts, dtype=torch.float64)
    if starts.ndim != 1 or len(starts) == 0:
        raise ValueError(
            "token_starts must hold one first sample per token; got shape "
            f"{tuple(starts.shape)}. Pass one utterance's list."
        )
    if starts[0] != 0 or bool((starts.diff() <= 0).any()):
        raise ValueError(
            "token_starts must strictly increase from 0, in samples; got "
            f"{_abridged(token_starts)}. Merge tokens without a length into "
            "their neighbour."
        )
    steps = torch.arange(n_queries, dtype=torch.float64)
    frames = steps * reduction_factor + (reduction_factor - 1) / 2
    samples = frames * hop_length
    return torch.searchsorted(starts, samples, right=True) - 1


def path_agreement(
    path: torch.Tensor, truth: torch.Tensor, tolerance: int = 1
) -> float:
    """Return the share of steps at most ``tolerance`` tokens from the truth.

    A straight line already agrees at most steps of plain speech: compare with
    :func:`straight_line_path`.

    Arguments
    ---------
    path : torch.Tensor
        Token read at each decoder step, ``(Q,)`` integer.
    truth : torch.Tensor
        Token spoken at each decoder step, ``(Q,)`` integer.
    tolerance : int
        Tokens that the path may be away.

    Returns
    -------
    float
        Share in [0, 1].

    Raises
    ------
    ValueError
        If the two are empty or differ in shape.

    Example
    -------
    >>> path, truth = torch.tensor([0, 1, 2, 5]), torch.tensor([0, 0, 2, 3])
    >>> path_agreement(path, truth), path_agreement(path, truth, tolerance=0)
    (0.75, 0.5)
    """
    _check_path("path", path)
    _check_path("truth", truth)
    if path.shape != truth.shape:
        raise ValueError(
            "path and truth must have the same number of decoder steps; got "
            f"{len(path)} and {len(truth)}. Compare a teacher-forced path, "
            "whose steps are the target's."
        )
    if tolerance < 0:
        raise ValueError(
            f"tolerance must be at least 0 tokens; got {tolerance}. Pass 0 "
            "for exact agreement."
        )
    distances = path.long() - truth.to(path.device).long()
    near = distances.abs() <= tolerance
    return float(near.double().mean())


def straight_line_path(n_queries: int, n_tokens: int) -> torch.Tensor:
    """Return the path that gives every token the same time.

    It is the true path of speech at a constant rate, hence the result that a
    trained alignment has to beat.

    Arguments
    ---------
    n_queries : int
        Number of decoder steps.
    n_tokens : int
        Number of tokens in the text.

    Returns
    -------
    torch.Tensor
        Token indices, ``(Q,)`` int64.

    Raises
    ------
    ValueError
        If a count is below 1.

    Example
    -------
    >>> straight_line_path(n_queries=6, n_tokens=3)
    tensor([0, 0, 1, 1, 2, 2])
    """
    _check_count("n_queries", n_queries)
    _check_count("n_tokens", n_tokens)
    # the middle of step i is (2 i + 1) / (2 Q) of the way, in whole numbers
    middles = 2 * torch.arange(n_queries) + 1
    return middles * n_tokens // (2 * n_queries)


def _check_path(
    name: str, path: torch.Tensor, n_tokens: int | None = None
) -> None:
    if path.ndim != 1 or len(path) == 0 or not is_integer(path):
        raise ValueError(
            f"{name} must have shape (Q,), at least one step, of integers; "
            f"got {tuple(path.shape)} of {path.dtype}. Pass one head of one "
            "item of alignment_path."
        )
    if n_tokens is None:
        return
    _check_count("n_tokens", n_tokens)
    first, last = torch.stack(torch.aminmax(path)).tolist()
    if first < 0 or last >= n_tokens:
        raise ValueError(
            f"{name} must stay on the tokens 0 to {n_tokens - 1}; got "
            f"{first} to {last}. Cut the padding off, or correct n_tokens."
        )


def _check_count(name: str, count: int) -> None:
    if count < 1:
        raise ValueError(
            f"{name} must be at least 1; got {count}. Leave empty utterances "
            "out."
        )


def _abridged(numbers: Sequence[int], n_shown: int = 8) -> str:
    shown = ", ".join(str(int(number)) for number in numbers[:n_shown])
    return f"[{shown}{', ...' if len(numbers) > n_shown else ''}]"
