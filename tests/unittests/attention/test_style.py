"""Attention with keys of another width, as published or rightly scaled."""

import pytest
import torch

from sb_sma.attention.style import (
    SCALES,
    MultiHeadAttention,
    StyleEmbedAttention,
)

QUERY_DIM, KEY_DIM, UNITS, HEADS = 6, 5, 12, 3
KINDS = [MultiHeadAttention, StyleEmbedAttention]
GOLDEN = {
    "multi_head_attention": MultiHeadAttention,
    "style_embed_attention": StyleEmbedAttention,
}


def make_attention(kind=MultiHeadAttention, **options):
    torch.manual_seed(0)
    arguments = {
        "query_dim": QUERY_DIM,
        "key_dim": KEY_DIM,
        "num_units": UNITS,
        "num_heads": HEADS,
        **options,
    }
    return kind(**arguments)


def make_inputs(queries=4, keys=7, batch=3):
    generator = torch.Generator().manual_seed(1)
    query = torch.randn(batch, queries, QUERY_DIM, generator=generator)
    key = torch.randn(batch, keys, KEY_DIM, generator=generator)
    return query, key


def slow_attention(module, query, key, scale):
    """One number at a time, after the papers: out and weights, in float64."""
    query, key = query.double(), key.double()
    queries, keys, values = (
        inputs @ projection.weight.double().T
        for inputs, projection in (
            (query, module.W_query),
            (key, module.W_key),
            (key, module.W_value),
        )
    )
    out = torch.zeros(*query.shape[:2], UNITS, dtype=torch.float64)
    weights = torch.zeros(
        len(query), HEADS, query.shape[1], key.shape[1], dtype=torch.float64
    )
    width = UNITS // HEADS
    for item in range(len(query)):
        for head in range(HEADS):
            part = slice(head * width, (head + 1) * width)
            for step in range(query.shape[1]):
                energies = keys[item, :, part] @ queries[item, step, part]
                exponents = (energies * scale).exp()
                weights[item, head, step] = exponents / exponents.sum()
                out[item, step, part] = (
                    weights[item, head, step] @ values[item, :, part]
                )
    return out, weights


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def assert_golden(actual, expected):
    assert_close(actual, expected, 1e-5 * max(1.0, expected.abs().max().item()))


@pytest.mark.parametrize("name", GOLDEN)
def test_numbers_and_gradients_of_the_public_code(shared, name):
    file = shared / "golden" / f"{name}.pt"
    if not file.is_file():
        pytest.skip(f"there is no file {file}")
    golden = torch.load(file, weights_only=True)
    module = GOLDEN[name](**golden["config"], legacy=True)
    module.load_public_state_dict(golden["state_dict"])
    inputs = {
        name: tensor.clone().requires_grad_()
        for name, tensor in golden["inputs"].items()
    }
    out, _ = module(**inputs)
    (out * golden["output_weight"]).sum().backward()
    assert_golden(out, golden["outputs"][0])
    for name, tensor in inputs.items():
        assert_golden(tensor.grad, golden["input_grads"][name])
    assert golden["param_grads"].keys() == golden["state_dict"].keys()
    for name, parameter in module.named_parameters():
        assert_golden(parameter.grad, golden["param_grads"][name])


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "scale, number",
    [("head", (UNITS / HEADS) ** -0.5), ("key_dim", KEY_DIM**-0.5)],
)
@pytest.mark.parametrize("queries, keys", [(1, 1), (1, 10), (7, 3), (3, 7)])
def test_formula(kind, scale, number, queries, keys):
    module = make_attention(kind, scale=scale)
    inputs = make_inputs(queries, keys)
    out, weights = module(*inputs)
    expected_out, expected_weights = slow_attention(module, *inputs, number)
    assert_close(out.double(), expected_out)
    assert_close(weights.double(), expected_weights)


def test_energies_are_scaled_by_the_head_unless_told():
    assert make_attention().scale == make_attention(scale="head").scale


@torch.no_grad()
def test_padding_changes_nothing():
    module = make_attention()
    query, key = make_inputs()
    lengths = torch.tensor([7, 4, 1])
    mask = torch.arange(7) >= lengths[:, None]
    out, weights = module(query, key, mask)
    assert bool((weights.masked_select(mask[:, None, None]) == 0).all())
    for item, length in enumerate(lengths.tolist()):
        alone = module(query[item, None], key[item, None, :length])
        assert_close(out[item, None], alone[0])
        assert_close(weights[item, None, ..., :length], alone[1])


@torch.no_grad()
def test_mask_may_hold_any_key():
    module = make_attention()
    query, key = make_inputs()
    mask = torch.tensor([True, False, True, False, False, True, False])
    out, weights = module(query, key, mask.expand(3, 7))
    expected_out, expected_weights = module(query, key[:, ~mask])
    assert_close(out, expected_out)
    assert_close(weights[..., ~mask], expected_weights)


def test_a_query_without_keys_gets_zeros():
    module = make_attention()
    query, key = make_inputs()
    mask = torch.zeros(3, 7, dtype=torch.bool)
    mask[1] = True
    out, weights = module(query, key, mask)
    out.square().sum().backward()
    assert bool((out[1] == 0).all()) and bool((weights[1] == 0).all())
    for parameter in module.parameters():
        assert bool(parameter.grad.isfinite().all())


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_all_items_may_be_given_once(kind):
    module = make_attention(kind)
    query, key = make_inputs()
    once, tiled = key[:1], key[:1].expand(3, -1, -1)
    for actual, expected in zip(module(query, once), module(query, tiled)):
        assert_close(actual, expected)


@torch.no_grad()
def test_reading_by_the_weights_gives_the_output():
    module = make_attention()
    query, key = make_inputs()
    out, weights = module(query, key)
    assert_close(module.read(weights, key), out)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("autocast", [True, False], ids=["autocast", "pure"])
def test_low_precision_stays_finite(dtype, autocast):
    module = make_attention()
    query, key = (10 * tensor for tensor in make_inputs())
    mask = torch.arange(7) >= torch.tensor([7, 4, 0])[:, None]
    if not autocast:
        module, query, key = module.to(dtype), query.to(dtype), key.to(dtype)
    with torch.autocast("cpu", dtype=dtype, enabled=autocast):
        out, weights = module(query, key, mask)
    assert out.dtype == dtype
    assert bool(out.isfinite().all()) and bool(weights.isfinite().all())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_heads", [0, -1, 5, 24])
def test_heads_that_do_not_divide_the_width_are_refused(kind, num_heads):
    with pytest.raises(
        ValueError,
        match=rf"num_heads \({num_heads}\) must divide num_units \(12\)",
    ):
        make_attention(kind, num_heads=num_heads)


@pytest.mark.parametrize("typo", ["heads", "", "key"])
def test_a_typo_lists_the_scales(typo):
    with pytest.raises(
        ValueError,
        match=f"scale must be one of {', '.join(SCALES)}; got '{typo}'",
    ):
        make_attention(scale=typo)


@pytest.mark.parametrize(
    "mask, match",
    [
        (torch.zeros(3, 7), "must be a bool tensor"),
        (torch.zeros(3, 6, dtype=torch.bool), r"\(B, K\) = \(3, 7\); got"),
    ],
    ids=["dtype", "shape"],
)
def test_a_mask_that_does_not_fit_is_refused(mask, match):
    with pytest.raises(ValueError, match=match):
        make_attention()(*make_inputs(), mask)
