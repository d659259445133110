"""Relative attention, then dropout."""

import pytest
import torch

from sb_sma.attention import (
    ConformerMultiHeadedSelfAttention,
    RelativeMultiHeadAttention,
)


def make_attention(legacy=False, dropout_p=0.5):
    torch.manual_seed(0)
    return ConformerMultiHeadedSelfAttention(8, 2, dropout_p, legacy).eval()


def attend(attention, features, padding=None, **arguments):
    return attention(
        query=features,
        key=features,
        value=features,
        key_padding_mask=padding,
        **arguments,
    )


def test_legacy_gives_the_public_numbers(assert_gives_golden):
    assert_gives_golden(
        "conformer_mhsa",
        ConformerMultiHeadedSelfAttention,
        lambda module, x, pos, mask: attend(
            module, x, mask[:, 0, 0], pos_embs=pos
        ),
    )


@torch.no_grad()
@pytest.mark.parametrize("legacy", [False, True], ids=["default", "legacy"])
def test_it_hands_everything_on(legacy):
    attention = make_attention(legacy)
    inner = RelativeMultiHeadAttention(8, 2, legacy=legacy).eval()
    inner.load_state_dict(attention.attention.state_dict())
    features = torch.randn(2, 5, 8)
    arguments = {
        "padding": torch.arange(5) >= torch.tensor([[5], [3]]),
        "attn_mask": torch.ones(5, 5).triu(2).bool(),
        "pos_embs": torch.randn(1, 9, 8),
    }
    out, attn = attend(attention, features, **arguments)
    expected_out, expected_attn = attend(inner, features, **arguments)
    torch.testing.assert_close(out, expected_out)
    torch.testing.assert_close(attn, expected_attn)
    alone = attend(attention, features, **arguments, return_attn_weights=False)
    torch.testing.assert_close(alone, out)


@torch.no_grad()
def test_dropout_is_on_the_weights_and_on_the_output():
    attention = make_attention().train()
    features = torch.randn(4, 9, 8)
    out, _ = attend(attention, features)
    assert 0.3 < (out == 0).float().mean() < 0.7
    assert attention.attention.dropout.p == 0.5
    # the public implementation has none on the weights
    assert make_attention(legacy=True).attention.dropout.p == 0.0


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match=r"\(3\) must divide d_model \(8\)"):
        ConformerMultiHeadedSelfAttention(d_model=8, num_heads=3)


def test_a_wrong_dict_is_refused():
    attention = make_attention()
    weights = attention.state_dict()
    weights["attention.w_bias"] = weights.pop("attention.u_bias")
    with pytest.raises(
        ValueError,
        match="'attention.u_bias' is missing; 'attention.w_bias' is unknown",
    ):
        attention.load_public_state_dict(weights)
