"""The recurrence is the paper's, sees no future and no padding, stays finite,
and decodes step by step what it computes at once.
"""

import math

import pytest
import torch

from sb_sma.attention import DecodingOptions, ForwardMHA
from sb_sma.attention.decoding import select_rows

WIDTH, HEADS = 12, 3

# (Q, K) and the valid keys of each item
SHAPES = [
    pytest.param((1, 1), [1], id="one-of-all"),
    pytest.param((3, 7), [7, 5, 2, 1], id="fewer-queries-than-keys"),
    pytest.param((11, 5), [5, 3, 0], id="more-queries-than-keys"),
    pytest.param((5, 5), [4, 5], id="square"),
]
MOVES = [1, 2]
AGENTS = pytest.mark.parametrize(
    "transition_agent", [True, False], ids=["agent", "no-agent"]
)


def make_attention(moves_per_query=1, **options):
    """A module with energies and agents that differ, in evaluation mode."""
    torch.manual_seed(0)
    attention = ForwardMHA(
        WIDTH, HEADS, moves_per_query=moves_per_query, **options
    )
    with torch.no_grad():
        attention.query_proj.weight.mul_(5.0)
        if attention.transition_agent is not None:
            attention.transition_agent.weight.mul_(3.0)
    return attention.eval()


def make_inputs(shape, lengths):
    """Queries, memory, and its padding mask."""
    generator = torch.Generator().manual_seed(1)
    queries, keys = shape
    query = torch.randn(len(lengths), queries, WIDTH, generator=generator)
    memory = torch.randn(len(lengths), keys, WIDTH, generator=generator)
    return query, memory, mask_of(lengths, keys)


def mask_of(lengths, keys):
    return torch.arange(keys) >= torch.tensor(lengths)[:, None]


def attend(attention, query, memory, mask=None):
    return attention(
        query=query, key=memory, value=memory, key_padding_mask=mask
    )


def walk(attention, query, memory, lengths, **options):
    """Outputs (B, Q, D) and alignments (B, H, Q, K), one query at a time."""
    state = attention.start(memory, lengths, DecodingOptions(**options))
    outs, attns = [], []
    for step in range(query.shape[1]):
        out, attn, state = attention.step(query[:, step : step + 1], state)
        outs.append(out)
        attns.append(attn)
    return torch.cat(outs, dim=1), torch.cat(attns, dim=2)


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def by_the_paper(attention, query, memory, lengths):
    """The paper's equations, entry by entry; zeros for empty items."""
    width = WIDTH // HEADS
    n_queries, n_keys = query.shape[1], memory.shape[1]
    attn = query.new_zeros(len(lengths), HEADS, n_queries, n_keys)
    features = query.new_zeros(len(lengths), n_queries, WIDTH)
    for item, length in enumerate(lengths):
        for head in range(HEADS):
            part = slice(head * width, (head + 1) * width)
            queries = attention.query_proj(query[item])[:, part]
            keys = attention.key_proj(memory[item, :length])[:, part]
            values = attention.value_proj(memory[item, :length])[:, part]
            y = (queries @ keys.mT / math.sqrt(width)).softmax(dim=-1)
            u = query.new_full((n_queries,), 0.5)
            if attention.transition_agent is not None:
                u = attention.transition_agent(query[item])[:, head].sigmoid()
            alpha = [query.new_tensor(float(n == 0)) for n in range(length)]
            for step in range(n_queries if length else 0):
                for _ in range(attention.moves_per_query):
                    alpha = [
                        (1 - u[step]) * alpha[n]
                        + (u[step] * alpha[n - 1] if n else 0.0)
                        for n in range(length)
                    ]
                row = torch.stack(alpha) * y[step]
                row = row / row.sum()
                alpha = list(row)
                attn[item, head, step, :length] = row
                features[item, step, part] = row @ values
    out = attention.out_proj(features)
    empty = torch.tensor(lengths) == 0
    return out.masked_fill(empty[:, None, None], 0.0), attn


@AGENTS
@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_it_is_the_papers_recurrence(shape, lengths, moves, transition_agent):
    attention = make_attention(moves, transition_agent=transition_agent)
    attention.double()
    query, memory, mask = make_inputs(shape, lengths)
    query = query.double().requires_grad_()
    memory = memory.double().requires_grad_()
    actual = attend(attention, query, memory, mask)
    expected = by_the_paper(attention, query, memory, lengths)
    assert actual[1].shape == (len(lengths), HEADS, *shape)
    for each, other in zip(actual, expected):
        assert_close(each, other, atol=1e-12)
    leaves = [query, memory, *attention.parameters()]
    weigh = [torch.randn_like(each) for each in actual]
    gradients = torch.autograd.grad(actual, leaves, weigh)
    expected_gradients = torch.autograd.grad(expected, leaves, weigh)
    for gradient, other in zip(gradients, expected_gradients):
        assert_close(gradient, other, atol=1e-10)


@pytest.mark.parametrize("moves", MOVES)
def test_no_query_passes_more_keys_than_it_may(moves):
    _, attn = attend(make_attention(moves), *make_inputs((6, 9), [9, 7]))
    for step in range(6):
        reached = min(moves * (step + 1) + 1, 9)
        assert bool((attn[:, :, step, reached:] == 0).all())
        assert bool((attn[0, :, step, :reached] > 0).all())


@pytest.mark.parametrize("bias, keys_per_query", [(-1e4, 0), (1e4, 1)])
def test_the_agent_alone_may_decide(bias, keys_per_query):
    attention = make_attention()
    with torch.no_grad():
        attention.transition_agent.bias.fill_(bias)
    query, memory, mask = make_inputs((9, 6), [6, 4])
    _, attn = attend(attention, query, memory, mask)
    # beyond the last key, there is nothing to move to
    expected = keys_per_query * torch.arange(1, 10)
    expected = torch.minimum(expected, torch.tensor([[5], [3]]))
    expected = expected[:, None].expand(2, HEADS, 9)
    assert torch.equal(attn.argmax(-1), expected)
    assert_close(attn.amax(-1), torch.ones(2, HEADS, 9))


def test_alignments_see_no_later_query():
    attention = make_attention()
    query, memory, mask = make_inputs((6, 4), [4, 3])
    query.requires_grad_()
    out, attn = attend(attention, query, memory, mask)
    for step in range(6):
        for result in (attn[:, :, step], out[:, step]):
            (gradient,) = torch.autograd.grad(
                result.square().sum(), query, retain_graph=True
            )
            assert bool((gradient[:, step + 1 :] == 0).all())
            assert bool((gradient[:, : step + 1] != 0).any(-1).all())


@torch.no_grad()
@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("how", ["forward", "steps"])
def test_padding_and_the_rest_of_the_batch_change_nothing(how, moves):
    attention = make_attention(moves)

    def run(query, memory, lengths):
        if how == "steps":
            return walk(attention, query, memory, torch.tensor(lengths))
        return attend(
            attention, query, memory, mask_of(lengths, memory.shape[1])
        )

    lengths = [5, 3, 1, 0]
    query, memory, _ = make_inputs((8, 5), lengths)
    out, attn = run(query, memory, lengths)
    more_keys = torch.full((4, 4, WIDTH), 50.0)
    out_keys, attn_keys = run(
        query, torch.cat((memory, more_keys), dim=1), lengths
    )
    assert_close(out_keys, out)
    assert_close(attn_keys[..., :5], attn)
    assert bool((attn_keys[..., 5:] == 0).all())
    for item, length in enumerate(lengths[:3]):
        row = slice(item, item + 1)
        out_alone, attn_alone = run(query[row], memory[row, :length], [length])
        assert_close(out[row], out_alone)
        assert_close(attn[row, ..., :length], attn_alone)
    assert bool((out[3] == 0).all()) and bool((attn[3] == 0).all())


@torch.no_grad()
@AGENTS
@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_step_by_step_is_the_whole_sequence(
    shape, lengths, moves, transition_agent
):
    attention = make_attention(moves, transition_agent=transition_agent)
    query, memory, mask = make_inputs(shape, lengths)
    out, attn = attend(attention, query, memory, mask)
    out_steps, attn_steps = walk(
        attention, query, memory, torch.tensor(lengths)
    )
    assert_close(out_steps, out)
    assert_close(attn_steps, attn)


@torch.no_grad()
@pytest.mark.parametrize(
    "rows", [[1, 1, 3, 0], [[1, 1], [2, -1], [0, 0]]], ids=["rows", "lines"]
)
def test_rows_of_a_state_go_on_as_they_were(rows):
    attention = make_attention()
    lengths = torch.tensor([7, 4, 1, 0])
    query, memory, _ = make_inputs((6, 7), lengths.tolist())
    out, attn = walk(attention, query, memory, lengths)
    state = attention.start(memory, lengths)
    for step in range(3):
        _, _, state = attention.step(query[:, step : step + 1], state)
    rows = torch.tensor(rows)
    state = select_rows(state, rows)
    rows = rows[rows >= 0]
    for step in range(3, 6):
        out_rows, attn_rows, state = attention.step(
            query[rows, step : step + 1], state
        )
        assert_close(out_rows, out[rows, step : step + 1])
        assert_close(attn_rows, attn[rows, :, step : step + 1])


@pytest.mark.parametrize("sharpness", [1.0, 100.0])
def test_hundreds_of_steps_stay_finite(sharpness):
    attention = make_attention()
    lengths = [80, 17, 1]
    query, memory, mask = make_inputs((500, 80), lengths)
    query = (sharpness * query).requires_grad_()
    memory.requires_grad_()
    out, attn = attend(attention, query, memory, mask)
    assert_close(attn.sum(-1), torch.ones(3, HEADS, 500), atol=1e-4)
    (out.square().sum() + attn.square().sum()).backward()
    for tensor in (query, memory, *attention.parameters()):
        assert bool(tensor.grad.isfinite().all())
        assert bool((tensor.grad != 0).any())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_finite_and_keeps_its_mass(dtype):
    attention = make_attention().train()
    lengths = [20, 7, 0]
    query, memory, mask = make_inputs((50, 20), lengths)
    query = (20 * query).requires_grad_()
    with torch.autocast("cpu", dtype=dtype):
        out, attn = attend(attention, query, memory, mask)
    assert (out.dtype, attn.dtype) == (dtype, torch.float32)
    assert_close(attn[:2].sum(-1), torch.ones(2, HEADS, 50))
    out.float().square().sum().backward()
    for tensor in (query, *attention.parameters()):
        assert bool(tensor.grad.isfinite().all())
    with torch.no_grad(), torch.autocast("cpu", dtype=dtype):
        query = query / 20
        out, attn = attend(attention, query, memory, mask)
        out_steps, attn_steps = walk(
            attention, query, memory, torch.tensor(lengths)
        )
    assert_close(attn_steps, attn, atol=0.05)
    assert_close(out_steps, out, atol=0.05)


def test_a_module_of_low_precision_keeps_its_mass():
    attention = make_attention().bfloat16()
    query, memory, mask = make_inputs((50, 20), [20, 7, 0])
    query, memory = query.bfloat16(), memory.bfloat16()
    out, attn = attend(attention, query, memory, mask)
    assert (out.dtype, attn.dtype) == (torch.bfloat16, torch.float32)
    assert_close(attn[:2].sum(-1), torch.ones(2, HEADS, 50))
    _, attn_steps = walk(attention, query, memory, torch.tensor([20, 7, 0]))
    assert_close(attn_steps[:2].sum(-1), torch.ones(2, HEADS, 50))


def test_gradients_reach_everything():
    attention = make_attention()
    query, memory, mask = make_inputs((6, 5), [5, 3])
    key, value = memory.clone().requires_grad_(), memory.requires_grad_()
    query.requires_grad_()
    out, _ = attention(query=query, key=key, value=value, key_padding_mask=mask)
    out.square().sum().backward()
    assert bool((query.grad != 0).any(-1).all())
    for tensor in (key, value):
        assert torch.equal((tensor.grad != 0).any(-1), ~mask)
    for name, parameter in attention.named_parameters():
        assert bool((parameter.grad != 0).any()), name


def test_an_item_without_a_key_has_no_part_in_the_gradients():
    attention = make_attention()
    query, memory, mask = make_inputs((4, 5), [5, 0])
    query.requires_grad_()
    out, attn = attend(attention, query, memory, mask)
    (out.sum() + attn.square().sum()).backward()
    assert bool((query.grad[1] == 0).all())
    assert bool(query.grad.isfinite().all())


def test_dropout_leaves_the_returned_alignment_alone():
    plain, dropping = make_attention(), make_attention(dropout=0.5).train()
    inputs = make_inputs((6, 5), [5, 3])
    out, attn = attend(plain, *inputs)
    out_dropped, attn_dropped = attend(dropping, *inputs)
    assert torch.equal(attn_dropped, attn)
    assert not torch.allclose(out_dropped, out)


def test_weights_are_returned_only_if_asked_for():
    attention = make_attention()
    query, memory, mask = make_inputs((6, 5), [5, 3])
    out = attention(
        query=query,
        key=memory,
        value=memory,
        key_padding_mask=mask,
        return_attn_weights=False,
    )
    assert torch.equal(out, attend(attention, query, memory, mask)[0])


def test_arguments_are_left_as_they_were():
    attention = make_attention(2)
    query, memory, mask = make_inputs((6, 5), [5, 0])
    lengths = torch.tensor([5, 0])
    arguments = (query, memory, mask, lengths)
    before = [argument.clone() for argument in arguments]
    attend(attention, query, memory, mask)
    walk(attention, query, memory, lengths)
    for argument, copy in zip(arguments, before):
        assert torch.equal(argument, copy)


@torch.no_grad()
@pytest.mark.parametrize("options", [{"max_stay": 0.1}, {"catch_up": True}])
def test_what_steers_stepwise_walks_changes_nothing(options):
    attention = make_attention()
    query, memory, _ = make_inputs((6, 5), [5, 3])
    lengths = torch.tensor([5, 3])
    _, plain = walk(attention, query, memory, lengths)
    _, other = walk(attention, query, memory, lengths, **options)
    assert torch.equal(other, plain)


@pytest.mark.parametrize("name", ["attn_mask", "pos_embs"])
def test_what_it_cannot_do_is_refused(name):
    query, memory, _ = make_inputs((4, 5), [5])
    with pytest.raises(
        ValueError,
        match=rf"ForwardMHA takes no {name}; got one of shape \(4, 5\)\. Pass",
    ):
        make_attention()(
            query=query, key=memory, value=memory, **{name: torch.zeros(4, 5)}
        )


def test_padding_on_the_left_is_refused():
    query, memory, mask = make_inputs((4, 5), [5, 3])
    with pytest.raises(
        ValueError, match=r"on the right only; item 1 has.*Pad on the right"
    ):
        attend(make_attention(), query, memory, mask.flip(1))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"nhead": 5}, r"nhead \(5\) must divide d_model \(12\)\. Change"),
        ({"moves_per_query": 0}, "moves_per_query must be 1 or more; got 0"),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ForwardMHA(**{"d_model": WIDTH, "nhead": HEADS, **arguments})
