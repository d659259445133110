"""The stepwise monotonic expectation on the CPU, compiled by numba.

One pass over memory forward and one backward, by serial kernels that run
without the interpreter's lock on the calling thread and a pool of our own: numba's own
parallel loops end a forked process, abort under two Python threads and know
nothing of ``torch.set_num_threads``. The equations are in ``README.md``.

A tensor that is not contiguous, or not float32 or float64, is copied once.
"""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from sb_sma.ops.compile import compile_kernel
from sb_sma.ops.stepwise_monotonic.buffers import empty_like
from sb_sma.ops.stepwise_monotonic.prefetch import CACHE_LINE_BYTES, prefetch

_OPERATOR = "sb_sma::stepwise_monotonic_numba"
# below this, waking a thread takes longer than the work
_ELEMENTS_WORTH_A_THREAD = 1 << 18
# items differ in length: several pieces for each thread even that out
_PIECES_PER_THREAD = 4
# how far ahead of the backward pass memory is asked for
_PREFETCHED_QUERIES = 4


# LLVM vectorizes a loop only if it can tell its few arrays apart: hence
# several short loops over rows that stay in the cache, and no shared helper


@compile_kernel
def _forward_kernel(p_stay, lengths, initial, moves, alpha):
    """Fill alpha (N, Q, K) from p_stay (N, Q, K) and initial (N, K)."""
    rows, queries, keys = p_stay.shape
    state = np.empty(keys, dtype=alpha.dtype)
    arriving = np.zeros(keys + 1, dtype=alpha.dtype)
    for n in range(rows):
        last = lengths[n] - 1
        for j in range(keys):
            state[j] = initial[n, j] if j <= last else 0.0
        for i in range(queries):
            for _ in range(moves):
                for j in range(last):
                    arriving[j + 1] = state[j] - state[j] * p_stay[n, i, j]
                for j in range(last):
                    state[j] = state[j] * p_stay[n, i, j] + arriving[j]
                if last > 0:
                    state[last] += arriving[last]
            for j in range(keys):
                alpha[n, i, j] = state[j]


@compile_kernel
def _backward_kernel(
    p_stay, lengths, initial, moves, alpha, grad, d_p_stay, d_initial
):
    """Fill d_p_stay (N, Q, K) and d_initial (N, K) from grad (N, Q, K)."""
    rows, queries, keys = p_stay.shape
    line = CACHE_LINE_BYTES // p_stay.itemsize
    between = np.empty((moves, keys), dtype=alpha.dtype)
    arriving = np.zeros(keys + 1, dtype=alpha.dtype)
    total = np.empty(keys, dtype=alpha.dtype)
    drop = np.empty(keys, dtype=alpha.dtype)
    slope = np.empty(keys, dtype=alpha.dtype)
    for n in range(rows):
        last = lengths[n] - 1
        if last < 0:
            d_p_stay[n] = 0.0
            d_initial[n] = 0.0
            continue
        drop[:] = 0.0
        total[:] = 0.0
        for i in range(queries - 1, -1, -1):
            if i >= _PREFETCHED_QUERIES:
                for j in range(0, last + 1, line):
                    prefetch(grad, n, i - _PREFETCHED_QUERIES, j)
                    prefetch(p_stay, n, i - _PREFETCHED_QUERIES, j)
                    prefetch(alpha, n, i - _PREFETCHED_QUERIES, j)
            grad_row, p_row, d_row = grad[n, i], p_stay[n, i], d_p_stay[n, i]
            before = alpha[n, i - 1] if i > 0 else initial[n]
            # back over the first move of the query after this one; after the
            # last query there is nothing to bring back
            p_next = p_stay[n, min(i + 1, queries - 1)]
            for j in range(last - 1):
                drop[j] = (grad_row[j] - grad_row[j + 1]) + (
                    drop[j] * p_next[j]
                    + (drop[j + 1] - drop[j + 1] * p_next[j + 1])
                )
            if last > 0:
                drop[last - 1] = (grad_row[last - 1] - grad_row[last]) + (
                    drop[last - 1] * p_next[last - 1]
                )
            for j in range(last):
                stays = (total[j] - total[j + 1]) * p_next[j]
                total[j] = grad_row[j] + (total[j + 1] + stays)
            total[last] += grad_row[last]
            # the states between the moves of this query were not kept
            for m in range(1, moves):
                for j in range(last):
                    state = before[j] if m == 1 else between[m - 1, j]
                    arriving[j + 1] = state - state * p_row[j]
                for j in range(last):
                    state = before[j] if m == 1 else between[m - 1, j]
                    between[m, j] = state * p_row[j] + arriving[j]
            slope[:] = 0.0
            for m in range(moves - 1, 0, -1):
                for j in range(last):
                    slope[j] += between[m, j] * drop[j]
                for j in range(last - 1):
                    drop[j] = drop[j] * p_row[j] + (
                        drop[j + 1] - drop[j + 1] * p_row[j + 1]
                    )
                if last > 0:
                    drop[last - 1] *= p_row[last - 1]
                for j in range(last):
                    stays = (total[j] - total[j + 1]) * p_row[j]
                    total[j] = total[j + 1] + stays
            for j in range(last):
                d_row[j] = slope[j] + before[j] * drop[j]
            d_row[last:] = 0.0
        for j in range(last):
            stays = (total[j] - total[j + 1]) * p_stay[n, 0, j]
            total[j] = total[j + 1] + stays
        # past the item's length nothing was added
        d_initial[n] = total


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return threads that wait for kernels, made once."""
    return ThreadPoolExecutor(threads, thread_name_prefix="sb_sma")


if hasattr(os, "register_at_fork"):
    # threads do not survive a fork
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _over_rows(
    kernel: Callable, moves: int, inputs: tuple, results: tuple
) -> None:
    """Run a kernel on arrays (N, ...), a part of the rows on each thread."""
    rows = len(inputs[0])
    threads = min(
        torch.get_num_threads(),
        rows,
        1 + inputs[0].size // _ELEMENTS_WORTH_A_THREAD,
    )
    if threads <= 1:
        kernel(*inputs[:3], moves, *inputs[3:], *results)
        return
    n_pieces = min(rows, threads * _PIECES_PER_THREAD)
    edges = [rows * piece // n_pieces for piece in range(n_pieces + 1)]
    pieces = iter(zip(edges[:-1], edges[1:]))  # each goes to who comes first

    def work():
        """Take pieces until none are left."""
        for start, stop in pieces:
            part = [array[start:stop] for array in inputs + results]
            kernel(*part[:3], moves, *part[3:])

    helpers = [_pool(threads - 1).submit(work) for _ in range(threads - 1)]
    work()
    for helper in helpers:
        # one that has not begun finds nothing left to do
        if not helper.cancel():
            helper.result()  # an error in a thread is raised here


def _rows(tensor: torch.Tensor, dtype: torch.dtype) -> np.ndarray:
    """Return the tensor (B, H, ...) as an array (B * H, ...), contiguous."""
    tensor = tensor.detach().to(dtype).contiguous()
    return tensor.flatten(0, 1).numpy()


def _arrays(p_stay, memory_lengths, initial_alpha):
    """Make the arguments of the kernels, and the dtype of the state."""
    _, heads, _, keys = p_stay.shape
    dtype = torch.promote_types(p_stay.dtype, torch.float32)
    lengths = np.minimum(memory_lengths.numpy(), keys).repeat(heads)
    return dtype, (_rows(p_stay, dtype), lengths, _rows(initial_alpha, dtype))


def _tensor(array: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    """Return the array as a tensor of another's shape and dtype."""
    return torch.from_numpy(array).view(like.shape).to(like.dtype)


@torch.library.custom_op(_OPERATOR, mutates_args=())
def numba_expectation(
    p_stay: torch.Tensor,
    memory_lengths: torch.Tensor,
    initial_alpha: torch.Tensor,
    moves_per_query: int,
) -> torch.Tensor:
    """Run the recurrence on the CPU, once differentiable.

    Arguments
    ---------
    p_stay : torch.Tensor
        Probability of staying, (B, H, Q, K).
    memory_lengths : torch.Tensor
        Number of valid keys of each item, int64, (B,).
    initial_alpha : torch.Tensor
        Before the first query, float32 or better, (B, H, K).
    moves_per_query : int
        How often the recurrence runs for each query.

    Returns
    -------
    alpha : torch.Tensor
        Expected alignment, of the shape and dtype of `p_stay`.

    Example
    -------
    >>> p_stay, lengths = torch.zeros(1, 1, 2, 2), torch.tensor([2])
    >>> numba_expectation(p_stay, lengths, torch.eye(2)[None, :1], 1)[0, 0]
    tensor([[0., 1.],
            [0., 1.]])
    """
    _, arrays = _arrays(p_stay, memory_lengths, initial_alpha)
    alpha = empty_like(arrays[0])
    _over_rows(_forward_kernel, moves_per_query, arrays, (alpha,))
    return _tensor(alpha, p_stay)


@torch.library.custom_op(f"{_OPERATOR}_backward", mutates_args=())
def _gradients(
    grad: torch.Tensor,
    p_stay: torch.Tensor,
    memory_lengths: torch.Tensor,
    initial_alpha: torch.Tensor,
    alpha: torch.Tensor,
    moves_per_query: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the gradients of p_stay and of the initial alignment."""
    dtype, arrays = _arrays(p_stay, memory_lengths, initial_alpha)
    arrays += _rows(alpha, dtype), _rows(grad, dtype)
    d_p_stay, d_initial = empty_like(arrays[0]), empty_like(arrays[2])
    _over_rows(_backward_kernel, moves_per_query, arrays, (d_p_stay, d_initial))
    return _tensor(d_p_stay, p_stay), _tensor(d_initial, initial_alpha)


@numba_expectation.register_fake
def _(p_stay, memory_lengths, initial_alpha, moves_per_query):
    return p_stay.new_empty(p_stay.shape)


@_gradients.register_fake
def _(grad, p_stay, memory_lengths, initial_alpha, alpha, moves_per_query):
    return (
        p_stay.new_empty(p_stay.shape),
        initial_alpha.new_empty(initial_alpha.shape),
    )


def _keep_for_backward(ctx, inputs, output):
    *tensors, ctx.moves_per_query = inputs
    ctx.save_for_backward(*tensors, output)


def _differentiate(ctx, grad):
    d_p_stay, d_initial = _gradients(
        grad, *ctx.saved_tensors, ctx.moves_per_query
    )
    return d_p_stay, None, d_initial, None


numba_expectation.register_autograd(
    _differentiate, setup_context=_keep_for_backward
)
