"""A backend's two functions as a PyTorch operator.

An operator is what ``torch.compile`` can take without looking inside, and
what autograd knows the gradient of.
"""

from collections.abc import Callable

import torch


def make_operator(
    backend: str, forward: Callable, backward: Callable
) -> Callable:
    """Register ``sb_sma::stepwise_monotonic_<backend>``.

    Tensors are those of `stepwise_monotonic_expectation`; the initial
    alignment and its gradient are float32 or better, and `memory_lengths` is
    int64.

    Arguments
    ---------
    backend : str
        Part of the operator's name.
    forward : Callable
        ``(p_stay, memory_lengths, initial_alpha, moves_per_query) -> alpha``,
        contiguous and of the dtype of `p_stay`.
    backward : Callable
        ``(grad, p_stay, memory_lengths, initial_alpha, alpha,
        moves_per_query) -> (gradient of p_stay, gradient of initial_alpha)``,
        contiguous and of the dtypes of what they belong to.

    Returns
    -------
    operator : Callable
        With the arguments of `forward`, differentiable once.

    Example
    -------
    >>> from sb_sma.ops.stepwise_monotonic.cpu import numba_expectation
    >>> numba_expectation
    <CustomOpDef(sb_sma::stepwise_monotonic_numba)>
    """
    name = f"sb_sma::stepwise_monotonic_{backend}"

    @torch.library.custom_op(name, mutates_args=())
    def expectation(
        p_stay: torch.Tensor,
        memory_lengths: torch.Tensor,
        initial_alpha: torch.Tensor,
        moves_per_query: int,
    ) -> torch.Tensor:
        return forward(p_stay, memory_lengths, initial_alpha, moves_per_query)

    @torch.library.custom_op(f"{name}_backward", mutates_args=())
    def gradients(
        grad: torch.Tensor,
        p_stay: torch.Tensor,
        memory_lengths: torch.Tensor,
        initial_alpha: torch.Tensor,
        alpha: torch.Tensor,
        moves_per_query: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return backward(
            grad, p_stay, memory_lengths, initial_alpha, alpha, moves_per_query
        )

    @expectation.register_fake
    def _(p_stay, memory_lengths, initial_alpha, moves_per_query):
        return p_stay.new_empty(p_stay.shape)

    @gradients.register_fake
    def _(grad, p_stay, memory_lengths, initial_alpha, alpha, moves_per_query):
        return (
            p_stay.new_empty(p_stay.shape),
            initial_alpha.new_empty(initial_alpha.shape),
        )

    def keep_for_backward(ctx, inputs, output):
        *tensors, ctx.moves_per_query = inputs
        ctx.save_for_backward(*tensors, output)

    def differentiate(ctx, grad):
        d_p_stay, d_initial = gradients(
            grad, *ctx.saved_tensors, ctx.moves_per_query
        )
        return d_p_stay, None, d_initial, None

    expectation.register_autograd(
        differentiate, setup_context=keep_for_backward
    )
    return expectation
