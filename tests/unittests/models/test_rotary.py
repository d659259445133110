"""What SpeechBrain's rotary attention computes, in any precision."""

import pytest
import torch
from speechbrain.nnet.attention import RoPEMHA

from sb_sma.models.rotary import RotaryAttention, replace_rotary_attention

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
    return [
        {},
        {"key_padding_mask": padding},
        {"attn_mask": causal},
        {"key_padding_mask": padding, "attn_mask": causal},
    ]


@pytest.mark.parametrize("given", masks(), ids=lambda given: "+".join(given))
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


def test_half_precision_turns_in_single():
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
