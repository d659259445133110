"""Conformer blocks: public numbers, and no trace of padding."""

import pytest
import torch

from sb_sma.attention.relative.positions import sinusoids
from sb_sma.models.encoder.conformer import Conformer, ConformerBlock

WIDTH = 8
LENGTHS = [9, 5, 1]


def make_conformer(**options):
    torch.manual_seed(0)
    arguments = {
        "dim": WIDTH,
        "n_layers": 2,
        "n_heads": 2,
        "embedding_dim": 4,
        "kernel_size_conv_mod": 5,
        **options,
    }
    conformer = Conformer(**arguments).eval()
    for parameter in conformer.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, mean=0.5, std=0.3)
    return conformer


def make_inputs(lengths=LENGTHS, steps=9):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(30, len(lengths), WIDTH, generator=generator)
    embeddings = torch.randn(len(lengths), 1, 4, generator=generator)
    padding = torch.arange(steps) >= torch.tensor(lengths)[:, None]
    return features[:steps].transpose(0, 1), padding, embeddings


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@pytest.fixture(params=[True, False], ids=["ff", "noff"])
def conformer(request):
    return make_conformer(with_ff=request.param)


@pytest.mark.parametrize(
    "file, kind",
    [
        ("conformer_block_ff", ConformerBlock),
        ("conformer_block_noff", ConformerBlock),
        ("conformer", Conformer),
    ],
)
def test_legacy_gives_the_public_numbers(assert_gives_golden, file, kind):
    assert_gives_golden(
        file, kind, lambda module, **inputs: [module(*inputs.values())]
    )


@torch.no_grad()
@pytest.mark.parametrize("steps", [10, 14, 30])
def test_padding_changes_nothing(conformer, steps):
    out = conformer(*make_inputs())
    features, padding, embeddings = make_inputs(steps=steps)
    longer = conformer(features, padding, embeddings)
    assert_close(longer[:, :9], out)
    assert bool((longer[padding] == 0).all())


@pytest.mark.parametrize("conditioned", [True, False])
def test_padding_may_hold_anything(conformer, conditioned):
    features, padding, embeddings = make_inputs()
    embeddings = embeddings if conditioned else None
    filled = features.masked_fill(padding[:, :, None], torch.nan)
    out = conformer(filled, padding, embeddings)
    assert_close(out, conformer(features, padding, embeddings))
    out.sum().backward()
    for name, parameter in conformer.named_parameters():
        if parameter.grad is not None:
            assert bool(parameter.grad.isfinite().all()), name


@torch.no_grad()
def test_a_batch_gives_what_its_items_give_alone(conformer):
    features, padding, embeddings = make_inputs()
    out = conformer(features, padding, embeddings)
    for item, length in enumerate(LENGTHS):
        alone = conformer(
            features[item, None, :length],
            embeddings=embeddings[item, None],
        )
        assert_close(out[item, :length], alone[0])


@torch.no_grad()
def test_legacy_keeps_what_padding_does():
    conformer = make_conformer(legacy=True)
    out = conformer(*make_inputs())
    assert bool((out[make_inputs()[1]] != 0).any())
    assert not torch.allclose(
        conformer(*make_inputs(steps=14))[:, :9], out, atol=1e-3
    )


def test_an_item_of_padding_gives_zeros(conformer):
    features, padding, embeddings = make_inputs([9, 0, 3])
    features.requires_grad_()
    out = conformer(features, padding, embeddings)
    assert bool((out[1] == 0).all())
    out.square().sum().backward()
    assert bool((features.grad[padding] == 0).all())
    assert bool((features.grad[~padding] != 0).any())
    for name, parameter in conformer.named_parameters():
        assert bool(parameter.grad.isfinite().all()), name
        assert bool((parameter.grad != 0).any()), name


@torch.no_grad()
@pytest.mark.parametrize("legacy", [False, True], ids=["default", "legacy"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_low_precision_stays_finite(legacy, dtype):
    conformer = make_conformer(legacy=legacy)
    features, padding, embeddings = make_inputs()
    expected = conformer(features, padding, embeddings)
    with torch.autocast("cpu", dtype=dtype):
        out = conformer(features, padding, embeddings)
    assert out.dtype == torch.float32
    atol = 0.1 * expected.abs().max().item()
    assert_close(out, expected, atol)
    out = conformer.to(dtype)(features.to(dtype), padding, embeddings.to(dtype))
    assert out.dtype == dtype
    assert_close(out.float(), expected, atol)


@torch.no_grad()
def test_there_is_no_longest_sequence():
    conformer = make_conformer(dim=2, n_heads=1, n_layers=1)
    features = torch.randn(1, 3001, 2)
    assert conformer(features).shape == features.shape


@torch.no_grad()
def test_conditioning_is_optional(conformer):
    features, padding, embeddings = make_inputs()
    without = make_conformer(
        embedding_dim=None, with_ff=conformer.layer_stack[0].ff is not None
    )
    weights = conformer.state_dict()
    without.load_public_state_dict(
        {k: v for k, v in weights.items() if "conditioning" not in k}
    )
    out = conformer(features, padding)
    assert_close(without(features, padding), out)
    heard = conformer(features, padding, embeddings)
    assert not torch.allclose(heard, out, atol=1e-3)
    with pytest.raises(
        ValueError,
        match=r"embeddings must be None for a block without conditioning; got "
        r"\(3, 1, 4\)\. Build it with embedding_dim",
    ):
        without(features, padding, embeddings)


@torch.no_grad()
def test_positions_may_be_given(conformer):
    inputs = make_inputs()
    table = sinusoids(torch.arange(8, -9, -1), WIDTH)
    assert_close(conformer(*inputs, table), conformer(*inputs))
    other = conformer(*inputs, 2 * table)
    assert not torch.allclose(other, conformer(*inputs), atol=1e-3)
    with pytest.raises(ValueError, match="= 17 distances; got 12"):
        conformer(*inputs, torch.zeros(1, 12, WIDTH))


@pytest.mark.parametrize("size", [2, 8])
def test_even_kernels_are_refused(size):
    with pytest.raises(
        ValueError, match=f"kernel_size_conv_mod must be odd .*; got {size}"
    ):
        make_conformer(kernel_size_conv_mod=size)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match=r"\(3\) must divide d_model \(8\)"):
        make_conformer(n_heads=3)


def test_a_wrong_dict_is_refused():
    weights = make_conformer().state_dict()
    with pytest.raises(
        ValueError,
        match="weights of the public module: 'layer_stack.0.ff.conv_1.bias' "
        "is unknown; .* Build this one with the arguments",
    ):
        make_conformer(with_ff=False).load_public_state_dict(weights)


@torch.no_grad()
def test_state_dict_comes_back(conformer):
    other = make_conformer(with_ff=conformer.layer_stack[0].ff is not None)
    for parameter in conformer.parameters():
        parameter.mul_(1.5)
    other.load_public_state_dict(conformer.state_dict())
    inputs = make_inputs()
    assert torch.equal(other(*inputs), conformer(*inputs))


@torch.no_grad()
@pytest.mark.parametrize("legacy", [False, True], ids=["default", "legacy"])
def test_arguments_are_not_changed(legacy):
    given = [*make_inputs(), torch.randn(1, 17, WIDTH)]
    before = [tensor.clone() for tensor in given]
    make_conformer(legacy=legacy)(*given)
    for tensor, copy in zip(given, before):
        assert torch.equal(tensor, copy)
