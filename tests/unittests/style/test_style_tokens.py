"""Styles from references and by hand are made alike."""

import json

import numpy as np
import pytest
import torch

from sb_sma.style import StyleTokenLayer

N_TOKENS, HEADS, QUERY, STYLE = 6, 2, 5, 8


def make_layer(**options):
    torch.manual_seed(0)
    arguments = {
        "n_tokens": N_TOKENS,
        "token_width": 3,
        "query_width": QUERY,
        "num_heads": HEADS,
        "style_width": STYLE,
        **options,
    }
    return StyleTokenLayer(**arguments)


@pytest.fixture
def layer():
    return make_layer().eval()


def make_reference(batch=3):
    generator = torch.Generator().manual_seed(1)
    return 3 * torch.randn(batch, QUERY, generator=generator)


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@torch.no_grad()
@pytest.mark.parametrize("scale", ["head", "key_dim"])
@pytest.mark.parametrize("n_tokens, heads", [(1, 1), (6, 2), (10, 8)])
def test_weights_give_back_their_style(n_tokens, heads, scale):
    layer = make_layer(n_tokens=n_tokens, num_heads=heads, scale=scale)
    style, weights = layer(make_reference())
    assert style.shape == (3, STYLE)
    assert weights.shape == (3, heads, n_tokens)
    assert_close(weights.sum(dim=-1), torch.ones(3, heads))
    assert_close(layer.from_weights(weights), style)


@torch.no_grad()
def test_different_references_give_different_styles_in_any_batch(layer):
    reference = make_reference()
    style, weights = layer(reference)
    assert float(torch.pdist(style).min()) > 1e-2
    for item in range(3):
        style_alone, weights_alone = layer(reference[item, None])
        assert_close(style_alone[0], style[item])
        assert_close(weights_alone[0], weights[item])


@torch.no_grad()
def test_keys_are_tokens_through_tanh(layer):
    """However large a token gets, its value stays."""
    layer.tokens.mul_(1e4)
    values = layer.attention.W_value(layer.tokens.sign())
    for index in range(N_TOKENS):
        assert_close(layer.from_token(index)[0], values[index])


@torch.no_grad()
def test_weights_without_batch_or_heads(layer):
    weights = torch.randn(3, N_TOKENS)
    per_head = weights[:, None].expand(3, HEADS, N_TOKENS)
    expected = layer.from_weights(per_head)
    assert_close(layer.from_weights(weights), expected)
    one = layer.from_weights(weights[1])
    assert one.shape == (1, STYLE)
    assert_close(one[0], expected[1])


@torch.no_grad()
@pytest.mark.parametrize("layer_dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("dtype", [torch.int64, torch.float64])
def test_weights_of_any_dtype(layer, layer_dtype, dtype):
    layer = layer.to(layer_dtype)
    style = layer.from_weights(torch.tensor([0, 0, 2, 0, 0, 0], dtype=dtype))
    assert style.dtype == layer_dtype
    assert torch.equal(style, layer.from_weights({2: 2.0}))


@torch.no_grad()
def test_heads_may_have_weights_of_their_own(layer):
    weights = torch.zeros(1, HEADS, N_TOKENS)
    weights[0, 0, 2], weights[0, 1, 4] = 1.0, 1.0
    style = layer.from_weights(weights)
    half = STYLE // 2
    assert_close(style[:, :half], layer.from_token(2)[:, :half])
    assert_close(style[:, half:], layer.from_token(4)[:, half:])


@torch.no_grad()
@pytest.mark.parametrize(
    "named",
    [
        {"0": 0.3, "4": -0.2},
        {0: 0.3, 4: -0.2},
        {4: -0.2, "0": 0.3},
        {"0": np.float64(0.3), np.int64(4): np.float32(-0.2)},
        {"0": 0.3, "4": -0.2, "1": 0},
        json.loads('{"0": 0.3, "4": -0.2}'),
    ],
    ids=["digits", "ints", "mixed", "numpy", "zero", "json"],
)
def test_weights_by_token_index(layer, named):
    weights = torch.tensor([0.3, 0.0, 0.0, 0.0, -0.2, 0.0])
    assert_close(layer.from_weights(named), layer.from_weights(weights))


@torch.no_grad()
def test_no_weights_are_no_style(layer):
    assert torch.equal(layer.from_weights({}), torch.zeros(1, STYLE))


@torch.no_grad()
@pytest.mark.parametrize("scale", [1.0, -0.5, 3])
def test_one_token_is_a_weight_of_one(layer, scale):
    weights = torch.zeros(N_TOKENS)
    weights[5] = scale
    assert_close(layer.from_token(5, scale), layer.from_weights(weights))
    assert_close(layer.from_token(5, scale), scale * layer.from_token(5))


UNKNOWN = ["6", 6, -1, "-1", "happy", "", "1.0", 1.0, "1e0", None, True, "²"]


@pytest.mark.parametrize("name", UNKNOWN, ids=repr)
def test_an_unknown_token_is_named(layer, name):
    with pytest.raises(ValueError) as error:
        layer.from_weights({0: 1.0, name: 0.3})
    assert str(error.value) == (
        f"weights must name tokens from 0 to 5; got {name!r}."
    )


@pytest.mark.parametrize("index", [6, -1])
def test_from_token_names_an_unknown_token(layer, index):
    with pytest.raises(ValueError, match=f"from 0 to 5; got {index}"):
        layer.from_token(index)


def test_a_token_named_twice_is_refused(layer):
    with pytest.raises(ValueError, match="weights name token 4 twice"):
        layer.from_weights({"4": 0.3, 4: 0.2})


NOT_FINITE = [torch.nan, torch.inf, -torch.inf, 1e300, 10**400, "0.3", None]


@pytest.mark.parametrize("weight", [*NOT_FINITE, True, False, [0.3]], ids=repr)
def test_a_weight_that_is_no_finite_number_is_named(layer, weight):
    match = "the weight of token 4 must be a finite number; got"
    with pytest.raises(ValueError, match=match):
        layer.from_weights({"0": 0.3, "4": weight})


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_tensors_must_be_finite(layer, number):
    weights = torch.zeros(2, N_TOKENS)
    weights[1, 3] = number
    with pytest.raises(ValueError, match=f"token 3 of item 1 has {number}"):
        layer.from_weights(weights)


@pytest.mark.parametrize(
    "shape", [(), (5,), (3, 5), (3, 1, N_TOKENS), (1, 3, HEADS, N_TOKENS)]
)
def test_weights_of_another_shape_are_refused(layer, shape):
    with pytest.raises(ValueError) as error:
        layer.from_weights(torch.zeros(shape))
    assert str(error.value) == (
        "weights must have shape (N,), (B, N) or (B, H, N) with H = 2 and "
        f"N = 6; got {shape}."
    )


def test_weights_of_another_type_are_refused(layer):
    with pytest.raises(ValueError, match="a dict of token indices; got list"):
        layer.from_weights([0.3] * N_TOKENS)


@pytest.mark.parametrize("shape", [(QUERY,), (3, 4), (1, 3, QUERY)])
def test_a_reference_of_another_shape_is_refused(layer, shape):
    """With an axis more, the items of a batch would share their weights."""
    with pytest.raises(ValueError, match="query_width = 5; got"):
        layer(torch.rand(shape))


def test_no_token_is_refused():
    with pytest.raises(ValueError, match="n_tokens must be at least 1; got 0"):
        make_layer(n_tokens=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("autocast", [True, False], ids=["autocast", "pure"])
@torch.no_grad()
def test_low_precision_stays_finite(layer, dtype, autocast):
    reference = 10 * make_reference()
    if not autocast:
        layer, reference = layer.to(dtype), reference.to(dtype)
    with torch.autocast("cpu", dtype=dtype, enabled=autocast):
        style, weights = layer(reference)
        again = layer.from_weights(weights)
    assert bool(style.isfinite().all()) and bool(weights.isfinite().all())
    assert torch.equal(again, style)


@pytest.mark.parametrize("by_hand", [False, True], ids=["reference", "weights"])
def test_gradients_reach_the_tokens(layer, by_hand):
    style = layer.from_weights({1: 1.0}) if by_hand else layer(make_reference())
    (style if by_hand else style[0]).square().sum().backward()
    assert bool(layer.tokens.grad.isfinite().all())
    rows = layer.tokens.grad.any(dim=1)
    assert rows.tolist() == [not by_hand or i == 1 for i in range(N_TOKENS)]
