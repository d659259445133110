"""What SpeechBrain's rotary attention computes, in any precision."""

import pytest
import torch
from speechbrain.nnet.attention import RoPEMHA, _rope_rotate

from sb_sma.models.encoder.registry import make_text_encoder
from sb_sma.models.encoder.rotary import (
    RotaryAttention,
    _turn,
    replace_rotary_attention,
)

LENGTH = 7


def make_pair(dtype=torch.float32):
    torch.manual_seed(0)
    theirs = RoPEMHA(embed_dim=12, num_heads=2).to(dtype).eval()
    torch.nn.init.normal_(theirs.out_proj.bias)
    features = torch.randn(3, LENGTH, 12, dtype=dtype)
    return theirs, RotaryAttention(theirs), features


def masks():
    padding = torch.arange(LENGTH) >= torch.tensor([7, 4, 1])[:, None]
    causal = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
    infinite = torch.zeros(LENGTH, LENGTH).masked_fill(causal, -torch.inf)
    return [
        {"attn_mask": infinite},
        {"key_padding_mask": padding, "attn_mask": infinite},
        {},
        {"key_padding_mask": padding},
        {"attn_mask": causal},
        {"key_padding_mask": padding, "attn_mask": causal},
    ]


@pytest.mark.parametrize("given", masks(), ids=range(6))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_outputs_and_gradients_are_those_of_speechbrain(given, dtype):
    theirs, ours, features = make_pair(dtype)
    weights = torch.randn(3, LENGTH, 12, dtype=dtype)
    found = []
    for attention in (theirs, ours):
        leaf = features.clone().requires_grad_()
        out, nothing = attention(leaf, leaf, leaf, **given)
        assert nothing is None
        tensors = [leaf, theirs.in_proj_weight, theirs.out_proj.weight]
        found.append(
            [out, *torch.autograd.grad((out * weights).sum(), tensors)]
        )
    for expected, got in zip(*found):
        torch.testing.assert_close(got, expected)


def test_long_rows_keep_their_places():
    theirs, ours, _ = make_pair()
    features = torch.randn(1, 1500, 12)
    expected = theirs(features, features, features, return_attn_weights=False)
    got = ours(features, features, features, return_attn_weights=False)
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "dtype, tolerance", [(torch.float64, 1e-12), (torch.bfloat16, 0.016)]
)
def test_turns_are_as_exact_as_their_type(dtype, tolerance):
    """In bfloat16 or its angles, places far on would be guessed."""
    features = torch.randn(1, 1500, 2, 2, 6).to(dtype)
    expected = torch.stack(
        [_rope_rotate(part) for part in features.double().unbind(dim=3)], dim=3
    )
    turned = _turn(features)
    assert turned.dtype == dtype
    error = (turned.double() - expected).abs().max()
    assert error < tolerance


def test_autocast_gives_its_own_type():
    _, ours, features = make_pair()
    expected, _ = ours(features, features, features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got, _ = ours(features, features, features)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), expected, atol=0.03, rtol=0.03)


def test_dropout_acts_in_training_only():
    theirs = RoPEMHA(embed_dim=12, num_heads=2, dropout=0.5)
    ours, features = RotaryAttention(theirs), torch.randn(1, 5, 12)
    outs = [ours(features, features, features)[0] for _ in range(2)]
    assert not torch.equal(*outs)
    outs = [ours.eval()(features, features, features)[0] for _ in range(2)]
    assert torch.equal(*outs)


def test_weights_keep_their_names_and_values():
    layers = torch.nn.ModuleDict({"attention": RoPEMHA(12, 2)})
    before = dict(layers.state_dict())
    replace_rotary_attention(layers)
    assert isinstance(layers["attention"], RotaryAttention)
    after = layers.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_heads_of_odd_width_are_refused():
    with pytest.raises(ValueError, match="must be even for RoPEMHA.*; got 3"):
        RotaryAttention(RoPEMHA(embed_dim=6, num_heads=2))


@pytest.mark.parametrize("option", [{"vbias": True}, {"vdim": 8}], ids=str)
def test_values_of_another_kind_are_refused(option):
    with pytest.raises(ValueError, match="without a bias; got vdim="):
        RotaryAttention(RoPEMHA(embed_dim=12, num_heads=2, **option))


def test_other_attention_than_self_attention_is_refused():
    _, ours, features = make_pair()
    other = features.clone()
    for given in (
        (features, other, other),
        (features, features, other),
        (features, features, features, None, None, True, other),
    ):
        with pytest.raises(ValueError, match="must be one tensor"):
            ours(*given)


@pytest.mark.parametrize("encoder_type", ["transformer", "ConformerEncoder"])
def test_encoders_use_it(encoder_type):
    rotary = {"d_ffn": 16, "encoder_attention_type": "RoPEMHA"}
    encoder = make_text_encoder(
        encoder_type,
        options={"transformer": rotary, "ConformerEncoder": rotary},
        n_tokens=10,
        d_model=8,
        nhead=2,
        num_layers=2,
    )
    kinds = [type(module) for module in encoder.modules()]
    assert kinds.count(RotaryAttention) == 2
    assert RoPEMHA not in kinds
