"""What SpeechBrain's relative attention computes, in any precision."""

import pytest
import torch
from speechbrain.nnet.attention import RelPosEncXL, RelPosMHAXL

from sb_sma.models.encoder.registry import make_text_encoder
from sb_sma.models.encoder.relative import RelativeAttention

LENGTH = 7
PADDING = torch.arange(LENGTH) >= torch.tensor([7, 4, 1])[:, None]


def make_pair():
    torch.manual_seed(0)
    theirs = RelPosMHAXL(embed_dim=12, num_heads=2).eval()
    torch.nn.init.normal_(theirs.out_proj.bias)
    features = torch.randn(3, LENGTH, 12)
    return theirs, RelativeAttention(theirs), features


@pytest.mark.parametrize("padding", [None, PADDING], ids=["whole", "padded"])
def test_outputs_and_gradients_are_those_of_speechbrain(padding):
    theirs, ours, features = make_pair()
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    pos_embs = RelPosEncXL(12)(features)
    weights = torch.randn(3, LENGTH, 12)
    found = []
    for attention in (theirs, ours):
        leaf = features.clone().requires_grad_()
        out, attn = attention(
            leaf, leaf, leaf, pos_embs, key_padding_mask=padding
        )
        tensors = [leaf, *theirs.parameters()]
        gradients = torch.autograd.grad((out * weights).sum(), tensors)
        found.append([out, attn, *gradients])
    for expected, got in zip(*found):
        assert torch.equal(got, expected)


def test_float64_is_not_rounded_on_the_way():
    _, ours, features = make_pair()
    features, pos_embs = features.double(), RelPosEncXL(12)(features)
    _, weights = ours.double()(features, features, features, pos_embs)
    assert weights.dtype == torch.float64
    assert bool(((weights.sum(-1) - 1).abs() < 1e-12).all())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_halves_are_weighed_in_float32(dtype):
    _, ours, features = make_pair()
    pos_embs = RelPosEncXL(12)(features)
    expected, _ = ours(features, features, features, pos_embs)
    features = features.to(dtype)
    out, weights = ours.to(dtype)(features, features, features, pos_embs)
    assert (out.dtype, weights.dtype) == (dtype, torch.float32)
    torch.testing.assert_close(out.float(), expected, atol=0.1, rtol=0.1)


@pytest.mark.parametrize(
    "changes",
    [{"vbias": True}, {"vdim": 6}, {"mask_pos_future": True}],
    ids=lambda changes: next(iter(changes)),
)
def test_what_it_has_not_is_refused(changes):
    with pytest.raises(ValueError, match="Keep the RelPosMHAXL"):
        RelativeAttention(RelPosMHAXL(12, 2, **changes))


def test_it_is_self_attention():
    _, ours, features = make_pair()
    pos_embs = RelPosEncXL(12)(features)
    with pytest.raises(ValueError, match="must be one tensor"):
        ours(features, features.clone(), features, pos_embs)
    with pytest.raises(ValueError, match="attn_mask"):
        ours(*[features] * 3, pos_embs, attn_mask=torch.zeros(LENGTH, LENGTH))


@pytest.mark.parametrize("encoder_type", ["transformer", "ConformerEncoder"])
def test_it_takes_the_place_of_speechbrains(encoder_type):
    encoder = make_text_encoder(
        encoder_type,
        n_tokens=9,
        d_model=8,
        nhead=2,
        num_layers=1,
        dropout=0.0,
        prenet_layers=0,
        prenet_kernel_size=3,
        options={
            encoder_type: {
                "d_ffn": 8,
                "encoder_attention_type": "RelPosMHAXL",
            }
        },
    )
    kinds = [type(each) for each in encoder.modules()]
    assert RelativeAttention in kinds and RelPosMHAXL not in kinds
