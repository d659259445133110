import itertools

import pytest
import torch

from sb_sma.stepwise_monotonic import (
    StepwiseMonotonicAttention,
    expected_alignment,
)


def make_inputs():
    torch.manual_seed(0)
    attention = StepwiseMonotonicAttention(8, 2, moves_per_query=2)
    query, memory = torch.randn(3, 6, 8), torch.randn(3, 5, 8)
    return attention, query, memory, torch.tensor([5, 3, 0])


def test_alignment_is_the_sum_over_all_walks():
    torch.manual_seed(0)
    p_stay = torch.rand(3, 3).double()
    expected = torch.zeros(6, 3).double()
    for moves in itertools.product((0, 1), repeat=6):
        key, path, probability = 0, [], 1.0
        for stay, move in zip(p_stay.repeat_interleave(2, dim=0), moves):
            stay = 1.0 if key == 2 else stay[key]
            probability *= 1.0 - stay if move else stay
            key = min(key + move, 2)
            path.append(key)
        expected[range(6), path] += probability
    p_stay, lengths = p_stay[None, None], torch.tensor([3])
    alpha = expected_alignment(p_stay, lengths, moves_per_query=2)
    torch.testing.assert_close(alpha[0, 0], expected[1::2])


def test_gradients():
    p_stay = torch.rand(2, 1, 4, 3).double().requires_grad_()
    initial = torch.rand(2, 1, 3).double().requires_grad_()
    lengths = torch.tensor([3, 2])
    assert torch.autograd.gradcheck(
        lambda *inputs: expected_alignment(inputs[0], lengths, inputs[1], 2),
        (p_stay, initial),
    )


def test_one_query_at_a_time_without_padding():
    attention, query, memory, lengths = make_inputs()
    mask = torch.arange(5) >= lengths[:, None]
    out, attn = attention(query, memory, memory, key_padding_mask=mask)
    for item, length in enumerate(lengths[:2]):
        keys = memory[item, None, :length]
        for n in range(1, 7):
            out_n, attn_n = attention(query[item, None, :n], keys, keys)
            torch.testing.assert_close(out_n[0], out[item, :n])
            torch.testing.assert_close(attn_n[0], attn[item, :, :n, :length])
    torch.testing.assert_close(attn[:2].sum(-1), torch.ones(2, 2, 6))
    assert not out[2].any() and not attn[2].any()


@pytest.mark.parametrize(
    "options, inputs, message",
    [
        ({"nhead": 3}, {}, r"nhead \(3\) must divide d_model \(8\)"),
        ({"queries_per_token": 0.0}, {}, "must be above 0; got 0.0"),
        ({"moves_per_query": 0}, {}, "must be 1 or more; got 0"),
        ({"noise_std": -1.0}, {}, "must be 0 or more; got -1.0"),
        ({}, {"attn_mask": torch.zeros(6, 5)}, "takes no attn_mask"),
        ({}, {"pos_embs": torch.zeros(6, 5)}, "takes no pos_embs"),
        ({}, {"key_padding_mask": torch.zeros(3, 5)}, "a bool tensor"),
        ({}, {"key_padding_mask": torch.eye(3, 5).bool()}, "on the right"),
    ],
)
def test_errors(options, inputs, message):
    _, query, memory, _ = make_inputs()
    with pytest.raises(ValueError, match=message):
        attention = StepwiseMonotonicAttention(8, **{"nhead": 2, **options})
        attention(query, memory, memory, **inputs)
