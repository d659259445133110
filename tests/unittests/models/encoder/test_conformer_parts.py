"""Layers of a Conformer block: public numbers, and no trace of padding."""

import inspect

import pytest
import torch

from sb_sma.models.encoder.conformer_parts import (
    ConformerConvModule,
    Conv1dGLU,
    FeedForward,
)

WIDTH = 8
LENGTHS = [9, 5, 1]
EMBEDDINGS = torch.randn(3, 1, 4, generator=torch.Generator().manual_seed(2))


class Hearing(torch.nn.Module):
    """A gated convolution that always hears the same embeddings."""

    def __init__(self, convolution):
        super().__init__()
        self.convolution = convolution

    def forward(self, features, padding=None):
        embeddings = EMBEDDINGS.to(features.dtype)[: len(features)]
        return self.convolution(features, embeddings, padding)


PARTS = {
    "feed-forward": lambda **o: FeedForward(WIDTH, kernel_size=5, **o),
    "convolution": lambda **o: ConformerConvModule(WIDTH, **o),
    "wider": lambda **o: ConformerConvModule(WIDTH, 3, 3, 0.1, **o),
    "gated": lambda **o: Hearing(Conv1dGLU(WIDTH, 5, 2, 4, **o)),
}


def make_part(name, **options):
    torch.manual_seed(0)
    part = PARTS[name](**options).eval()
    for parameter in part.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return part


@pytest.fixture(params=PARTS)
def name(request):
    return request.param


@pytest.fixture
def part(name):
    return make_part(name)


def make_inputs(lengths=LENGTHS, steps=9):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(20, len(lengths), WIDTH, generator=generator)
    padding = torch.arange(steps) >= torch.tensor(lengths)[:, None]
    return features[:steps].transpose(0, 1), padding


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@pytest.mark.parametrize(
    "file, kind",
    [
        ("feed_forward", FeedForward),
        ("conformer_conv_module", ConformerConvModule),
        ("conv1d_glu", Conv1dGLU),
    ],
)
def test_legacy_gives_the_public_numbers(assert_gives_golden, file, kind):
    assert_gives_golden(
        file, kind, lambda module, **inputs: [module(*inputs.values())]
    )


@torch.no_grad()
def test_padding_changes_nothing(part):
    out = part(*make_inputs())
    features, padding = make_inputs(steps=20)
    longer = part(features, padding)
    assert_close(longer[:, :9], out)
    assert bool((longer[padding] == 0).all())


@torch.no_grad()
def test_a_batch_gives_what_its_items_give_alone(part):
    out = part(*make_inputs())
    features, _ = make_inputs()
    for item, length in enumerate(LENGTHS):
        # items cut to one length, without a mask, do not hear each other
        alone = part(features[:, :length])[item]
        assert_close(out[item, :length], alone)


@torch.no_grad()
def test_legacy_takes_padding_for_content(name, part):
    features, padding = make_inputs()
    legacy = make_part(name, legacy=True)
    assert_close(legacy(features, padding), part(features))
    assert not torch.allclose(
        legacy(features, padding), part(features, padding), atol=1e-3
    )


def test_an_item_of_padding_gives_zeros(part):
    features, padding = make_inputs([9, 0, 3])
    features.requires_grad_()
    out = part(features, padding)
    assert bool((out[1] == 0).all())
    out.square().sum().backward()
    assert bool((features.grad[padding] == 0).all())
    for parameter in part.parameters():
        assert bool(parameter.grad.isfinite().all())


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_low_precision_stays_finite(part, dtype):
    features, padding = make_inputs()
    expected = part(features, padding)
    out = part.to(dtype)(features.to(dtype), padding)
    assert out.dtype == dtype
    assert_close(out.float(), expected, atol=0.05 * expected.abs().max().item())


@torch.no_grad()
def test_the_mask_and_the_input_are_not_changed(part):
    features, padding = make_inputs()
    before = features.clone(), padding.clone()
    part(features, padding)
    assert torch.equal(features, before[0])
    assert torch.equal(padding, before[1])


def test_a_mask_that_does_not_fit_is_refused(part):
    features, padding = make_inputs()
    with pytest.raises(ValueError, match=r"shape \(B, K\) = \(3, 9\); got"):
        part(features, padding[:, None, None])


@pytest.mark.parametrize(
    "build",
    [
        lambda: FeedForward(WIDTH, kernel_size=4),
        lambda: ConformerConvModule(WIDTH, kernel_size=4),
        lambda: Conv1dGLU(WIDTH, kernel_size=4, padding=2, embedding_dim=4),
    ],
    ids=["feed-forward", "convolution", "gated"],
)
def test_even_kernels_are_refused(build):
    with pytest.raises(ValueError, match="kernel_size must be odd.*; got 4"):
        build()


def test_padding_that_changes_the_length_is_refused():
    with pytest.raises(
        ValueError, match="padding must be kernel_size // 2 = 2, .*; got 1"
    ):
        Conv1dGLU(WIDTH, kernel_size=5, padding=1, embedding_dim=4)


@torch.no_grad()
def test_embeddings_are_heard_by_item_or_by_step():
    convolution = make_part("gated").convolution
    features, padding = make_inputs()
    out = convolution(features, EMBEDDINGS, padding)
    by_step = EMBEDDINGS.repeat(1, 9, 1)
    assert_close(convolution(features, by_step, padding), out)
    by_step[:, 2] += 1.0
    changed = (convolution(features, by_step, padding) - out).abs() > 1e-4
    assert changed.any(dim=-1).int().tolist() == [
        [0, 0, 1, 0, 0, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize("shape", [(3, 4), (3, 1), (3, 2, 4)], ids=str)
def test_embeddings_that_do_not_fit_are_refused(shape):
    convolution = make_part("gated").convolution
    with pytest.raises(
        ValueError, match=r"embeddings must have shape \(B, 1 or T = 9, E\)"
    ):
        convolution(make_inputs()[0], torch.zeros(shape))


@pytest.mark.parametrize("name", ["feed-forward", "convolution"])
def test_padding_may_hold_anything_while_training(name):
    layer = make_part(name).train()
    padding = torch.tensor([[False, False, True]])
    features = torch.randn(1, 3, WIDTH)
    features[padding] = float("nan")
    layer(features, padding).sum().backward()
    for name, parameter in layer.named_parameters():
        assert bool(parameter.grad.isfinite().all()), name


def test_arguments_stand_in_the_public_order():
    expected = {
        FeedForward: (
            "d_model kernel_size dropout expansion_factor leaky_relu_slope"
        ),
        ConformerConvModule: (
            "d_model expansion_factor kernel_size dropout leaky_relu_slope"
        ),
        Conv1dGLU: "d_model kernel_size padding embedding_dim",
    }
    for kind, names in expected.items():
        parameters = list(inspect.signature(kind).parameters)
        assert parameters == [*names.split(), "legacy"]
