"""Test Triton integration"""

import os

import pytest
import torch

from sb_sma.stepwise_monotonic import (
    StepwiseMonotonicAttention,
    expected_alignment,
)

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cpu":
    # read when triton is imported: kernels then run in its interpreter
    os.environ.setdefault("TRITON_INTERPRET", "1")


@pytest.fixture
def recurrence():
    """Import the kernels, or say what they need"""
    pytest.importorskip("triton", reason="needs triton: pip install triton")
    from sb_sma.ops.stepwise_monotonic.triton_kernels import (
        IS_INTERPRETED,
        triton_expected_alignment,
    )

    if DEVICE == "cpu" and not IS_INTERPRETED:
        pytest.skip("needs a GPU, or TRITON_INTERPRET=1")
    return triton_expected_alignment


def outcome(recurrence, inputs, weights, moves):
    """Return the alignment, and the gradients of its weighted sum"""
    p_stay, lengths, initial = (x.clone() for x in inputs)
    leaves = p_stay.requires_grad_(), initial.requires_grad_()
    alpha = recurrence(p_stay, lengths, initial, moves)
    alpha.backward(weights)
    return [alpha.detach(), *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize("moves", [1, 3])
@pytest.mark.parametrize("queries, keys", [(1, 1), (7, 5), (5, 131)])
def test_kernels_agree_with_the_loop(recurrence, queries, keys, moves):
    """Test outputs and gradients"""
    torch.manual_seed(0)
    lengths = torch.tensor([keys, (keys + 1) // 2, 0], device=DEVICE)
    p_stay = torch.rand(3, 2, queries, keys, device=DEVICE)
    initial = torch.rand(3, 2, keys, device=DEVICE)
    inputs, weights = (p_stay, lengths, initial), torch.rand_like(p_stay)
    actual = outcome(recurrence, inputs, weights, moves)
    expected = outcome(expected_alignment, inputs, weights, moves)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_kernels_keep_the_dtype(recurrence, dtype):
    """Test low and high precision"""
    torch.manual_seed(0)
    p_stay = torch.rand(1, 1, 50, 30, device=DEVICE).to(dtype)
    lengths = torch.tensor([20], device=DEVICE)
    expected = expected_alignment(p_stay, lengths)
    torch.testing.assert_close(recurrence(p_stay, lengths), expected)


def test_attention_takes_the_kernels(recurrence):
    """Test the module"""
    torch.manual_seed(0)
    plain = StepwiseMonotonicAttention(8, 2).to(DEVICE)
    fast = StepwiseMonotonicAttention(8, 2, recurrence=recurrence).to(DEVICE)
    fast.load_state_dict(plain.state_dict())
    inputs = [torch.rand(2, n, 8, device=DEVICE) for n in (6, 5, 5)]
    torch.testing.assert_close(fast(*inputs), plain(*inputs))


def test_too_many_keys_for_a_kernel(recurrence):
    """Test that the loop takes over"""
    inputs = torch.rand(1, 1, 1, 4097), torch.tensor([4097])
    inputs = [x.to(DEVICE) for x in inputs]
    assert torch.equal(recurrence(*inputs), expected_alignment(*inputs))
