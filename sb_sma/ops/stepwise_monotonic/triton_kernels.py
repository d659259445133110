"""The recurrence of stepwise monotonic attention on CUDA devices, by Triton.

One program walks over all queries of one head of one item. Its state stays in
registers; a key hears of its neighbour by ``tl.gather``, which the compiler
synchronises, and never through global memory.

With ``s`` the probability of staying, 1 from the last valid key on, ``g[i]`` the
gradient that reaches ``alpha[i]`` from outside, ``G[i]`` the whole gradient, and
``D[i, j] = G[i, j] - G[i, j+1]``, the kernels carry

``G[i, j] = g[i, j] + G[i+1, j] s[i+1, j] + G[i+1, j+1] (1 - s[i+1, j])``,
``D[i, j] = g[i, j] - g[i, j+1] + D[i+1, j] s[i+1, j]
+ D[i+1, j+1] (1 - s[i+1, j+1])``,

of which ``G[-1]`` is the gradient of the initial alignment, and
``alpha[i-1, j] D[i, j]`` that of ``s[i, j]``.

With ``TRITON_INTERPRET=1`` in the environment before this module is imported,
the kernels run on the CPU, slowly, as in the tests.
"""

import os

import torch
import triton
import triton.language as tl

from sb_sma.stepwise_monotonic import expected_alignment

_OPERATOR = "sb_sma::stepwise_monotonic_triton"
_MAX_KEYS = 4096
_KEYS_PER_WARP, _MAX_WARPS = 128, 16
IS_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


@triton.jit
def _move(b_state, b_p_stay, b_key):
    """Return the state after a move, (BLOCK_K,)."""
    b_staying = b_state * b_p_stay
    b_leaving = b_state - b_staying
    b_arriving = tl.gather(b_leaving, tl.maximum(b_key - 1, 0), axis=0)
    return b_staying + tl.where(b_key > 0, b_arriving, 0.0)


@triton.jit
def _forward_kernel(
    p_p_stay,
    p_lengths,
    p_initial,
    p_alpha,
    heads,
    queries,
    keys,
    MOVES: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """Fill alpha (N, Q, K) from p_stay (N, Q, K) and initial (N, K)."""
    row = tl.program_id(0).to(tl.int64)
    length = tl.minimum(tl.load(p_lengths + row // heads), keys)
    b_key = tl.arange(0, BLOCK_K)
    # a key that cannot be left has a p_stay of 1, and is not read
    can_leave = b_key < length - 1
    p_p_stay += row * queries * keys + b_key
    p_alpha += row * queries * keys + b_key
    b_state = tl.load(
        p_initial + row * keys + b_key, mask=b_key < length, other=0.0
    )
    b_next = tl.load(p_p_stay, mask=can_leave, other=1.0)
    for i in range(queries):
        b_p_stay = b_next.to(b_state.dtype)
        p_p_stay += keys
        # on its way while this query is worked on
        b_next = tl.load(
            p_p_stay, mask=can_leave & (i + 1 < queries), other=1.0
        )
        for _ in tl.static_range(MOVES):
            b_state = _move(b_state, b_p_stay, b_key)
        tl.store(p_alpha, b_state, mask=b_key < keys)
        p_alpha += keys


@triton.jit
def _backward_kernel(
    p_p_stay,
    p_lengths,
    p_initial,
    p_alpha,
    p_grad,
    p_d_p_stay,
    p_d_initial,
    heads,
    queries,
    keys,
    MOVES: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """Fill d_p_stay (N, Q, K) and d_initial (N, K) from grad (N, Q, K)."""
    row = tl.program_id(0).to(tl.int64)
    length = tl.minimum(tl.load(p_lengths + row // heads), keys)
    b_key = tl.arange(0, BLOCK_K)
    b_after = tl.minimum(b_key + 1, BLOCK_K - 1)
    can_leave = b_key < length - 1
    end = (row * queries + queries - 1) * keys + b_key
    p_p_stay += end
    p_grad += end
    p_d_p_stay += end
    p_alpha += end - keys
    p_initial += row * keys + b_key
    p_d_initial += row * keys + b_key
    b_first = tl.load(p_initial, mask=can_leave, other=0.0)
    b_drop = tl.zeros_like(b_first)
    b_total = tl.zeros_like(b_first)
    b_next_grad = tl.load(p_grad, mask=b_key < length, other=0.0)
    b_next_p_stay = tl.load(p_p_stay, mask=can_leave, other=1.0)
    b_next_state = tl.load(p_alpha, mask=can_leave & (queries > 1), other=0.0)
    for step in range(queries):
        b_grad = b_next_grad.to(b_drop.dtype)
        b_p_stay = b_next_p_stay.to(b_drop.dtype)
        b_state = b_next_state.to(b_drop.dtype)
        # the alignment before the first query
        b_state = tl.where(step + 1 < queries, b_state, b_first)
        p_grad -= keys
        p_p_stay -= keys
        p_alpha -= keys
        # on their way while this query is worked on
        more = step + 1 < queries
        b_next_grad = tl.load(p_grad, mask=(b_key < length) & more, other=0.0)
        b_next_p_stay = tl.load(p_p_stay, mask=can_leave & more, other=1.0)
        b_next_state = tl.load(
            p_alpha, mask=can_leave & (step + 2 < queries), other=0.0
        )
        b_drop += b_grad - tl.gather(b_grad, b_after, axis=0)
        b_drop = tl.where(can_leave, b_drop, 0.0)
        b_total += b_grad
        b_d_p_stay = tl.zeros_like(b_drop)
        for m in tl.static_range(MOVES):
            # the states between the moves of this query were not kept
            b_before = b_state
            for _ in tl.static_range(MOVES - 1 - m):
                b_before = _move(b_before, b_p_stay, b_key)
            b_d_p_stay += b_before * b_drop
            b_staying = b_drop * b_p_stay
            b_neighbour = tl.gather(b_total, b_after, axis=0)
            b_total = b_neighbour + (b_total - b_neighbour) * b_p_stay
            b_drop = b_staying + tl.gather(b_drop - b_staying, b_after, axis=0)
        tl.store(p_d_p_stay, b_d_p_stay, mask=b_key < keys)
        p_d_p_stay -= keys
    tl.store(p_d_initial, b_total, mask=b_key < keys)


def _launch(kernel, tensors: tuple, moves_per_query: int) -> None:
    """Run a kernel, one program for each head of each item."""
    batch, heads, queries, keys = tensors[0].shape
    block = triton.next_power_of_2(keys)
    warps = min(max(block // _KEYS_PER_WARP, 1), _MAX_WARPS)
    with torch.cuda.device_of(tensors[0]):
        kernel[(batch * heads,)](
            *tensors,
            heads,
            queries,
            keys,
            MOVES=moves_per_query,
            BLOCK_K=block,
            num_warps=warps,
        )


@torch.library.custom_op(_OPERATOR, mutates_args=())
def _expectation(
    p_stay: torch.Tensor,
    memory_lengths: torch.Tensor,
    initial_alpha: torch.Tensor,
    moves_per_query: int,
) -> torch.Tensor:
    """Return the alignment, (B, H, Q, K)."""
    p_stay = p_stay.contiguous()
    alpha = torch.empty_like(p_stay)
    inputs = p_stay, memory_lengths.contiguous(), initial_alpha.contiguous()
    _launch(_forward_kernel, (*inputs, alpha), moves_per_query)
    return alpha


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
    inputs = p_stay, memory_lengths, initial_alpha, alpha, grad
    inputs = tuple(tensor.contiguous() for tensor in inputs)
    results = torch.empty_like(inputs[0]), torch.empty_like(inputs[2])
    _launch(_backward_kernel, inputs + results, moves_per_query)
    return results


@_expectation.register_fake
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


_expectation.register_autograd(_differentiate, setup_context=_keep_for_backward)


def triton_expected_alignment(
    p_stay: torch.Tensor,
    memory_lengths: torch.Tensor,
    initial_alpha: torch.Tensor | None = None,
    moves_per_query: int = 1,
) -> torch.Tensor:
    """Run the recurrence in one kernel, and its gradient in another.

    On devices without CUDA and for more than 4,096 keys, this is
    `expected_alignment`.

    Arguments
    ---------
    p_stay : torch.Tensor
        Probability of staying, (B, H, Q, K).
    memory_lengths : torch.Tensor
        Number of valid keys of each item, (B,).
    initial_alpha : torch.Tensor, optional
        Before the first query, (B, H, K). Default: on key 0.
    moves_per_query : int
        How often the recurrence runs for each query.

    Returns
    -------
    alpha : torch.Tensor
        Expected alignment, of the shape and dtype of `p_stay`.

    Example
    -------
    >>> triton_expected_alignment(torch.zeros(1, 1, 2, 2), torch.tensor([2]))[
    ...     0, 0
    ... ]
    tensor([[0., 1.],
            [0., 1.]])
    """
    has_kernel = p_stay.is_cuda or IS_INTERPRETED
    if not has_kernel or p_stay.shape[-1] > _MAX_KEYS:
        return expected_alignment(
            p_stay, memory_lengths, initial_alpha, moves_per_query
        )
    dtype = torch.promote_types(p_stay.dtype, torch.float32)
    if initial_alpha is None:
        initial_alpha = torch.zeros_like(p_stay[:, :, 0], dtype=dtype)
        initial_alpha[..., 0] = 1.0
    return _expectation(
        p_stay, memory_lengths.long(), initial_alpha.to(dtype), moves_per_query
    )
