"""What stands on padding is not heard."""

import pytest
import torch
import torch.nn.functional as F

from sb_sma.models.padded_layers import (
    PaddedConvolution,
    UtteranceNorm,
    check_kernel_size,
    no_padding,
)

LENGTHS = torch.tensor([7, 4, 1, 0])
PADDING = torch.arange(7) >= LENGTHS[:, None]


def make_features(fill=0.0):
    features = torch.randn(4, 7, 6, generator=torch.Generator().manual_seed(0))
    return features.masked_fill(PADDING[:, :, None], fill)


def make_norm():
    torch.manual_seed(0)
    norm = UtteranceNorm(6)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    return norm


LAYERS = {
    "convolution": lambda: PaddedConvolution(6, 4, kernel_size=5),
    "depthwise": lambda: PaddedConvolution(6, 6, kernel_size=3, groups=6),
    "norm": make_norm,
}


@torch.no_grad()
@pytest.mark.parametrize("fill", [9.0, float("nan")])
@pytest.mark.parametrize("name", LAYERS)
def test_padding_is_not_heard(name, fill):
    layer = LAYERS[name]()
    out = layer(make_features(), PADDING)
    assert bool(out.isfinite().all())
    assert torch.equal(layer(make_features(fill), PADDING), out)
    for item, length in enumerate(LENGTHS[:3]):
        alone = layer(
            make_features()[item, None, :length], PADDING[:1, :length]
        )
        torch.testing.assert_close(
            out[item, :length], alone[0], rtol=0, atol=1e-6
        )


def test_norm_without_padding_is_a_group_norm():
    norm, features = make_norm(), make_features()
    expected = F.group_norm(
        features.transpose(1, 2), 1, norm.weight, norm.bias, norm.eps
    ).transpose(1, 2)
    actual = norm(features, torch.zeros_like(PADDING))
    torch.testing.assert_close(actual, expected)


@torch.no_grad()
def test_statistics_are_in_float32():
    norm, features = make_norm(), make_features()
    expected = norm(features, PADDING)
    # squares of these are too large for float16
    loud = norm.half()((1000 * features).half(), PADDING)
    assert loud.dtype == torch.float16
    torch.testing.assert_close(loud.float(), expected, rtol=0, atol=0.01)


def test_no_padding_is_without_padding():
    padding = no_padding(PADDING, make_features())
    assert padding.shape == PADDING.shape
    assert not bool(padding.any())


@pytest.mark.parametrize("size", [-1, 0, 2, 8])
def test_even_kernels_are_refused(size):
    with pytest.raises(
        ValueError,
        match=f"width must be odd and at least 1; got {size}. Take the next",
    ):
        check_kernel_size("width", size)
