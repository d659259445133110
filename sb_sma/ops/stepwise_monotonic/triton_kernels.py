"""The stepwise monotonic expectation on CUDA devices, by Triton.

One program walks over all queries of one head of one item. Its state stays in
registers; a key hears of its neighbour by ``tl.gather``, which the compiler
synchronises, and never through global memory. The equations are in
``README.md``.

With ``TRITON_INTERPRET=1`` in the environment before triton is imported, the
kernels run on the CPU, as in the tests.
"""

import torch
import triton
import triton.language as tl

from sb_sma.ops.stepwise_monotonic.custom_op import make_operator

_KEYS_PER_WARP, _MAX_WARPS = 128, 16


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


def _forward(
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


def _backward(
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


triton_expectation = make_operator("triton", _forward, _backward)
