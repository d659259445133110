"""Our attention inside SpeechBrain's own decoder."""

import pytest
import torch
from speechbrain.lobes.models.transformer.Transformer import (
    TransformerDecoder,
    get_lookahead_mask,
)
from speechbrain.nnet.attention import MultiheadAttention

from sb_sma.attention import (
    ForwardMHA,
    RegularMHA,
    StepwiseMonotonicMHA,
    set_cross_attention,
)

WIDTH, HEADS = 8, 2


def make_decoder(**options):
    torch.manual_seed(0)
    return TransformerDecoder(
        num_layers=2, nhead=HEADS, d_ffn=16, d_model=WIDTH, **options
    )


def make_batch(queries=5, keys=7):
    generator = torch.Generator().manual_seed(1)
    target = torch.randn(3, queries, WIDTH, generator=generator)
    memory = torch.randn(3, keys, WIDTH, generator=generator)
    mask = torch.arange(keys) >= torch.tensor([7, 4, 1])[:, None]
    return target, memory, mask


@pytest.mark.parametrize(
    "name, kind",
    [
        ("SMA", StepwiseMonotonicMHA),
        ("regularMHA", RegularMHA),
        ("forward", ForwardMHA),
    ],
)
@pytest.mark.parametrize("normalize_before", [True, False])
def test_alignments_come_per_head(name, kind, normalize_before):
    decoder = make_decoder(normalize_before=normalize_before)
    assert set_cross_attention(decoder, name) is decoder
    target, memory, mask = make_batch()
    out, _, alignments = decoder(
        target,
        memory,
        tgt_mask=get_lookahead_mask(target),
        memory_key_padding_mask=mask,
    )
    assert out.shape == target.shape
    assert len(alignments) == 2
    for alignment in alignments:
        assert alignment.shape == (3, HEADS, 5, 7)
        torch.testing.assert_close(alignment.sum(-1), torch.ones(3, HEADS, 5))
    for layer in decoder.layers:
        assert type(layer.multihead_attn) is kind


def test_nothing_else_is_touched():
    decoder, untouched = make_decoder(dropout=0.3), make_decoder(dropout=0.3)
    set_cross_attention(decoder, "SMA", moves_per_query=2)
    expected = untouched.state_dict()
    for name, tensor in decoder.state_dict().items():
        if ".multihead_attn." not in name:
            assert torch.equal(tensor, expected.pop(name)), name
    assert all(".multihead_attn." in name for name in expected)
    for layer, other in zip(decoder.layers, untouched.layers):
        assert type(layer.self_attn) is type(other.self_attn)
        assert isinstance(other.multihead_attn, MultiheadAttention)
        assert layer.multihead_attn.dropout.p == 0.3
        assert layer.multihead_attn.moves_per_query == 2
    first, second = (layer.multihead_attn for layer in decoder.layers)
    assert first is not second


@pytest.mark.parametrize(
    "name, options", [("SMA", {"noise_std": 0.5}), ("forward", {})]
)
def test_it_trains(name, options):
    decoder = set_cross_attention(make_decoder(), name, **options)
    target, memory, mask = make_batch()
    goal = torch.randn(3, 5, WIDTH)
    losses = []
    for _ in range(12):
        decoder.zero_grad()
        out, _, _ = decoder(
            target,
            memory,
            tgt_mask=get_lookahead_mask(target),
            memory_key_padding_mask=mask,
        )
        loss = (out - goal).square().mean()
        loss.backward()
        for name, parameter in decoder.named_parameters():
            if ".multihead_attn." in name:
                assert bool((parameter.grad != 0).any()), name
                assert bool(parameter.grad.isfinite().all()), name
        with torch.no_grad():
            for parameter in decoder.parameters():
                parameter -= 0.1 * parameter.grad
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("name", ["SMA", "forward"])
def test_padding_changes_nothing(name):
    decoder = set_cross_attention(make_decoder(), name).eval()
    target, memory, mask = make_batch()
    arguments = {"tgt_mask": get_lookahead_mask(target)}
    out, _, alignments = decoder(
        target, memory, memory_key_padding_mask=mask, **arguments
    )
    longer = torch.cat((memory, torch.full((3, 4, WIDTH), 9.0)), dim=1)
    longer_mask = torch.cat((mask, torch.ones(3, 4).bool()), dim=1)
    out_longer, _, alignments_longer = decoder(
        target, longer, memory_key_padding_mask=longer_mask, **arguments
    )
    torch.testing.assert_close(out_longer, out, rtol=0, atol=1e-5)
    for longer, alignment in zip(alignments_longer, alignments):
        torch.testing.assert_close(
            longer[..., :7], alignment, rtol=0, atol=1e-5
        )


def test_options_reach_a_factory_of_your_own():
    given = []

    def factory(**arguments):
        given.append(arguments)
        return torch.nn.Identity()

    set_cross_attention(make_decoder(dropout=0.3), factory, flavour="mine")
    expected = {
        "d_model": WIDTH,
        "nhead": HEADS,
        "dropout": 0.3,
        "flavour": "mine",
    }
    assert given == [expected, expected]


def test_a_typo_lists_the_choices():
    with pytest.raises(ValueError, match="one of SMA, regularMHA.*got 'SNA'"):
        set_cross_attention(make_decoder(), "SNA")


def test_an_option_that_the_module_lacks_is_an_error():
    with pytest.raises(TypeError, match="moves_per_qery"):
        set_cross_attention(make_decoder(), "SMA", moves_per_qery=2)
