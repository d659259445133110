"""Content and distance decide, and padding does not."""

import math

import pytest
import torch
from speechbrain.lobes.models.transformer.Transformer import (
    TransformerEncoderLayer,
)

from sb_sma.attention import RelativeMultiHeadAttention
from sb_sma.attention.relative.positions import sinusoids

WIDTH, HEADS = 12, 3
LENGTHS = [7, 4, 1]


def make_attention(**options):
    torch.manual_seed(0)
    arguments = {"d_model": WIDTH, "num_heads": HEADS, **options}
    return RelativeMultiHeadAttention(**arguments).eval()


@pytest.fixture
def attention():
    return make_attention()


def make_inputs(lengths=LENGTHS, steps=None):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(len(lengths), 7, WIDTH, generator=generator)
    steps = steps or max(lengths)
    padding = torch.arange(steps) >= torch.tensor(lengths)[:, None]
    more = torch.randn(len(lengths), 64, WIDTH, generator=generator)
    return torch.cat((features, more), dim=1)[:, :steps], padding


def attend(attention, features, padding=None, **arguments):
    return attention(
        query=features,
        key=features,
        value=features,
        key_padding_mask=padding,
        **arguments,
    )


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def test_legacy_gives_the_public_numbers(assert_gives_golden):
    assert_gives_golden(
        "relative_multi_head_attention",
        RelativeMultiHeadAttention,
        lambda module, x, pos, mask: attend(
            module, x, mask[:, 0, 0], pos_embs=pos
        ),
    )


@torch.no_grad()
@pytest.mark.parametrize(
    "queries, keys", [(1, 1), (1, 5), (5, 1), (4, 7), (7, 4)], ids=str
)
def test_energies_are_those_of_the_formula(attention, queries, keys):
    query = torch.randn(2, queries, WIDTH)
    key, value = torch.randn(2, 2, keys, WIDTH)
    out, attn = attention(query=query, key=key, value=value)
    by_head = (HEADS, WIDTH // HEADS)
    energies = torch.empty(2, HEADS, queries, keys)
    for i in range(queries):
        q = attention.query_proj(query[:, i]).unflatten(-1, by_head)
        for j in range(keys):
            k = attention.key_proj(key[:, j]).unflatten(-1, by_head)
            embedded = sinusoids(torch.tensor([i - j]), WIDTH)[0]
            r = attention.pos_proj(embedded).unflatten(-1, by_head)
            energies[:, :, i, j] = (
                (q + attention.u_bias) * k + (q + attention.v_bias) * r
            ).sum(dim=-1) / math.sqrt(WIDTH // HEADS)
    expected = energies.softmax(dim=-1)
    assert_close(attn, expected)
    values = attention.value_proj(value).unflatten(-1, by_head)
    read = torch.einsum("bhqk,bkhd->bqhd", expected, values)
    assert_close(out, attention.out_proj(read.flatten(2)))


@torch.no_grad()
@pytest.mark.parametrize(
    "queries, keys", [(1, 5), (5, 1), (4, 7), (7, 4), (3, 3)], ids=str
)
def test_legacy_energies_are_those_of_the_formula(queries, keys):
    attention = make_attention(legacy=True)
    query = torch.randn(2, queries, WIDTH)
    key = torch.randn(2, keys, WIDTH)
    table = torch.randn(1, keys + 3, WIDTH)
    padding = torch.arange(keys) >= torch.tensor([[keys], [1]])
    _, attn = attention(
        query=query,
        key=key,
        value=key,
        key_padding_mask=padding,
        pos_embs=table,
    )
    by_head = (HEADS, WIDTH // HEADS)
    q = attention.query_proj(query).unflatten(-1, by_head)
    k = attention.key_proj(key).unflatten(-1, by_head)
    r = attention.pos_proj(table[0, :keys]).unflatten(-1, by_head)
    content = torch.einsum("bqhd,bkhd->bhqk", q + attention.u_bias, k)
    position = torch.einsum("bqhd,khd->bhqk", q + attention.v_bias, r)
    # read row by row with one column of zeros before each, from the second
    # row of the transposed sizes on
    shifted = torch.cat((position.new_zeros(2, HEADS, queries, 1), position), 3)
    shifted = shifted.reshape(2, HEADS, keys + 1, queries)[:, :, 1:]
    energies = (content + shifted.reshape(content.shape)) / math.sqrt(WIDTH)
    energies = energies.masked_fill(padding[:, None, None], -1e9)
    assert_close(attn, energies.softmax(dim=-1))


@torch.no_grad()
def test_moving_queries_and_keys_changes_nothing(attention):
    features, _ = make_inputs([7])
    moved = torch.cat((torch.randn(1, 5, WIDTH), features), dim=1)
    out, attn = attend(attention, features)
    before = torch.arange(12)[None] < 5
    moved_out, moved_attn = attend(attention, moved, before)
    assert_close(moved_out[:, 5:], out)
    assert_close(moved_attn[:, :, 5:, 5:], attn)


@torch.no_grad()
def test_order_is_heard(attention):
    features, _ = make_inputs([7])
    out, _ = attend(attention, features)
    turned, _ = attend(attention, features.flip(1))
    assert not torch.allclose(turned.flip(1), out, atol=1e-3)


@torch.no_grad()
def test_padding_changes_nothing(attention):
    out, attn = attend(attention, *make_inputs())
    longer_out, longer_attn = attend(attention, *make_inputs(steps=20))
    for item, length in enumerate(LENGTHS):
        assert_close(longer_out[item, :length], out[item, :length])
        assert_close(longer_attn[item, :, :length, :7], attn[item, :, :length])
        assert bool((longer_attn[item, ..., length:] == 0).all())


@torch.no_grad()
def test_legacy_keeps_what_padding_does():
    attention = make_attention(legacy=True)
    out, _ = attend(attention, *make_inputs())
    longer, _ = attend(attention, *make_inputs(steps=20))
    assert not torch.allclose(longer[:, :7], out, atol=1e-3)


@torch.no_grad()
def test_a_batch_gives_what_its_items_give_alone(attention):
    features, padding = make_inputs()
    out, _ = attend(attention, features, padding)
    for item, length in enumerate(LENGTHS):
        alone, _ = attend(attention, features[item, None, :length])
        assert_close(out[item, :length], alone[0])


def test_an_item_of_padding_gives_zeros(attention):
    features, padding = make_inputs([7, 0])
    features.requires_grad_()
    out, attn = attend(attention, features, padding)
    assert bool((out[1] == 0).all()) and bool((attn[1] == 0).all())
    out.square().sum().backward()
    assert bool(features.grad.isfinite().all())
    assert bool((features.grad[1] == 0).all())


@torch.no_grad()
def test_masks_of_bool_and_of_floats_agree(attention):
    features, padding = make_inputs()
    blocked = torch.ones(7, 7).triu(1).bool()
    blocked[2] = True
    floats = torch.zeros(7, 7).masked_fill(blocked, -torch.inf)
    out, attn = attend(attention, features, padding, attn_mask=blocked)
    assert bool((attn[:, :, blocked] == 0).all())
    assert bool((out[:, 2] == 0).all())
    assert_close(attn[0, :, [1, 3]].sum(dim=-1), torch.ones(HEADS, 2))
    out_floats, attn_floats = attend(
        attention, features, padding, attn_mask=floats
    )
    assert_close(out_floats, out)
    assert_close(attn_floats, attn)
    # what is finite is added to the energies
    favour = torch.zeros(7, 7)
    favour[:, 3] = 50.0
    _, attn = attend(attention, features, attn_mask=favour)
    assert_close(attn[..., 3], torch.ones(3, HEADS, 7))


@torch.no_grad()
@pytest.mark.parametrize("legacy", [False, True], ids=["default", "legacy"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_low_precision_stays_finite(legacy, dtype):
    attention = make_attention(legacy=legacy)
    features, padding = make_inputs()
    expected, _ = attend(attention, features, padding)
    out, attn = attend(attention.to(dtype), features.to(dtype), padding)
    assert out.dtype == attn.dtype == dtype
    assert_close(out.float(), expected, atol=0.03)
    loud, _ = attend(attention, (300 * features).to(dtype), padding)
    assert bool(loud.isfinite().all())
    with torch.autocast("cpu", dtype=dtype):
        out, _ = attend(attention.float(), features, padding)
        loud, attn = attend(attention, 300 * features, padding)
    assert_close(out.float(), expected, atol=0.03)
    assert bool(loud.isfinite().all())
    _, expected = attend(attention, 300 * features, padding)
    assert_close(attn.float(), expected, atol=0.2)


@torch.no_grad()
@pytest.mark.parametrize("legacy", [False, True], ids=["default", "legacy"])
def test_there_is_no_longest_sequence(legacy):
    attention = make_attention(d_model=2, num_heads=1, legacy=legacy)
    features = torch.randn(1, 3001, 2)
    assert attend(attention, features)[0].shape == (1, 3001, 2)


@torch.no_grad()
def test_default_positions_are_sinusoids(attention):
    features, padding = make_inputs()
    table = sinusoids(torch.arange(6, -7, -1), WIDTH)
    out, _ = attend(attention, features, padding, pos_embs=table)
    assert_close(out, attend(attention, features, padding)[0])
    of_items = table.repeat(3, 1, 1)
    same, _ = attend(attention, features, padding, pos_embs=of_items)
    assert_close(same, out)
    other, _ = attend(attention, features, padding, pos_embs=2 * table)
    assert not torch.allclose(other, out, atol=1e-3)
    legacy = make_attention(legacy=True)
    table = sinusoids(torch.arange(9), WIDTH)
    out, _ = attend(legacy, features, padding, pos_embs=table)
    assert_close(out, attend(legacy, features, padding)[0])


@pytest.mark.parametrize(
    "legacy, shape, message",
    [
        (False, (1, 12, WIDTH), r"Q \+ K - 1 = 13 distances; got 12\. Give No"),
        (True, (1, 6, WIDTH), "each of the K = 7 positions; got 6. Give None"),
        (False, (13, WIDTH), r"\(1, positions, D\); got \(13, 12\)"),
        (True, (7, WIDTH), r"\(1, positions, D\); got \(7, 12\)"),
    ],
)
def test_positions_that_do_not_fit_are_refused(legacy, shape, message):
    attention = make_attention(legacy=legacy)
    with pytest.raises(ValueError, match=message):
        attend(attention, *make_inputs(), pos_embs=torch.zeros(shape))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"attn_mask": torch.zeros(3, 7, 7).bool()},
            r"attn_mask must have shape \(Q, K\) = \(7, 7\); got \(3, 7, 7\)",
        ),
        (
            {"padding": torch.zeros(3, 1, 1, 7).bool()},
            r"key_padding_mask must have shape \(B, K\) = \(3, 7\)",
        ),
        (
            {"padding": torch.zeros(3, 7)},
            "key_padding_mask must be a bool tensor",
        ),
    ],
    ids=["attn_mask", "padding", "dtype"],
)
def test_masks_that_do_not_fit_are_refused(attention, arguments, message):
    with pytest.raises(ValueError, match=message):
        attend(attention, make_inputs()[0], **arguments)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match=r"\(5\) must divide d_model \(12\)"):
        make_attention(num_heads=5)


def test_dropout_leaves_the_returned_weights_alone():
    attention = make_attention(dropout=0.5)
    features, padding = make_inputs()
    out, attn = attend(attention, features, padding)
    dropped_out, dropped_attn = attend(attention.train(), features, padding)
    assert_close(dropped_attn, attn)
    assert not torch.allclose(dropped_out, out, atol=1e-3)


@torch.no_grad()
def test_weights_are_returned_only_if_asked_for(attention):
    inputs = make_inputs()
    out = attend(attention, *inputs, return_attn_weights=False)
    assert_close(out, attend(attention, *inputs)[0])


@pytest.mark.parametrize("legacy", [False, True], ids=["default", "legacy"])
def test_arguments_are_not_changed(legacy):
    attention = make_attention(legacy=legacy)
    features, padding = make_inputs()
    mask = torch.randn(7, 7).masked_fill(torch.eye(7).bool(), -torch.inf)
    table = torch.randn(1, 13, WIDTH)
    given = [features, padding, mask, table]
    before = [tensor.clone() for tensor in given]
    attend(attention, features, padding, attn_mask=mask, pos_embs=table)
    for tensor, copy in zip(given, before):
        assert torch.equal(tensor, copy)


@torch.no_grad()
def test_it_stands_in_speechbrains_layer(attention):
    layer = TransformerEncoderLayer(
        d_ffn=8, nhead=HEADS, d_model=WIDTH, normalize_before=True
    ).eval()
    layer.self_att = attention
    features, padding = make_inputs()
    out, attn = layer(features, src_key_padding_mask=padding)
    assert out.shape == features.shape
    assert attn.shape == (3, HEADS, 7, 7)


def test_state_dict_comes_back():
    attention, other = make_attention(), make_attention(legacy=True)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.add_(1.0)
    other.load_public_state_dict(attention.state_dict())
    for name, weight in other.state_dict().items():
        assert torch.equal(weight, attention.state_dict()[name])
