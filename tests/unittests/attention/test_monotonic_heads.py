"""Heads that walk beside softmax heads: each kind does what it does alone."""

import pytest
import torch
from torch.func import functional_call

from sb_sma.attention import (
    DecodingOptions,
    RegularMHA,
    StepwiseMonotonicMHA,
    attention_factory,
)
from sb_sma.attention.decoding import select_rows

WIDTH, HEADS = 16, 4
LENGTHS = [7, 4, 1, 0]


def make_attention(monotonic_heads=2, **options):
    """A module with energies that differ, in evaluation mode."""
    torch.manual_seed(0)
    attention = StepwiseMonotonicMHA(
        WIDTH, HEADS, monotonic_heads=monotonic_heads, **options
    )
    with torch.no_grad():
        attention.query_proj.weight.mul_(5.0)
        attention.stay_bias.add_(torch.linspace(-0.5, 0.5, monotonic_heads))
    return attention.eval()


def make_inputs(queries=6, lengths=LENGTHS, dtype=torch.float32):
    """Queries, memory, and how many of its keys are valid."""
    generator = torch.Generator().manual_seed(1)
    query = torch.randn(len(lengths), queries, WIDTH, generator=generator)
    memory = torch.randn(len(lengths), max(lengths), WIDTH, generator=generator)
    return query.to(dtype), memory.to(dtype), torch.tensor(lengths)


def attend(attention, query, memory, lengths):
    mask = torch.arange(memory.shape[1]) >= lengths[:, None]
    return attention(
        query=query, key=memory, value=memory, key_padding_mask=mask
    )


def step_through(attention, query, memory, lengths, **options):
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


def parts_of(attention):
    """The parameters of the same heads in a module where all walk, and in one
    where none does; the sum of their outputs is that of the mixture."""
    own = dict(attention.named_parameters())
    n_walking = attention.n_walking
    is_walking = torch.arange(WIDTH) < n_walking * WIDTH // HEADS
    no_bias = own["stay_bias"].new_zeros(HEADS - n_walking)
    walking = {
        **own,
        "stay_bias": torch.cat((own["stay_bias"][:n_walking], no_bias)),
        "out_proj.weight": own["out_proj.weight"] * is_walking,
    }
    projections = ("query_proj", "key_proj", "value_proj")
    softmax = {
        f"att.in_proj_{kind}": torch.cat(
            [own[f"{projection}.{kind}"] for projection in projections]
        )
        for kind in ("weight", "bias")
    }
    softmax["att.out_proj.weight"] = own["out_proj.weight"] * ~is_walking
    softmax["att.out_proj.bias"] = torch.zeros_like(own["out_proj.bias"])
    return walking, softmax


@pytest.mark.parametrize("moves", [1, 2])
@pytest.mark.parametrize("monotonic_heads", [1, 2, 3])
def test_each_kind_of_head_is_what_it_is_alone(monotonic_heads, moves):
    attention = make_attention(monotonic_heads, moves_per_query=moves).double()
    query, memory, lengths = make_inputs(dtype=torch.float64)
    query.requires_grad_()
    memory.requires_grad_()
    out, attn = attend(attention, query, memory, lengths)

    walking, softmax = parts_of(attention)
    arguments = {
        "query": query,
        "key": memory,
        "value": memory,
        "key_padding_mask": torch.arange(7) >= lengths[:, None],
    }
    all_walk = StepwiseMonotonicMHA(WIDTH, HEADS, moves_per_query=moves)
    none_walks = RegularMHA(WIDTH, HEADS)
    walked, walked_attn = functional_call(all_walk, walking, (), arguments)
    attended, attended_attn = functional_call(
        none_walks, softmax, (), arguments
    )
    expected = walked + attended
    expected_attn = torch.cat(
        (
            walked_attn[:, :monotonic_heads],
            attended_attn[:, monotonic_heads:],
        ),
        dim=1,
    )
    assert_close(out, expected, atol=1e-12)
    assert_close(attn, expected_attn, atol=1e-12)

    leaves = [query, memory, *attention.parameters()]
    weigh = torch.randn_like(out), torch.randn_like(attn)
    actual_gradients = torch.autograd.grad((out, attn), leaves, weigh)
    expected_gradients = torch.autograd.grad(
        (expected, expected_attn), leaves, weigh
    )
    for actual, gradient in zip(actual_gradients, expected_gradients):
        assert bool((gradient != 0).any())
        assert_close(actual, gradient, atol=1e-11)


@pytest.mark.parametrize("monotonic_heads", [1, HEADS])
def test_no_head_walks_while_the_walk_is_off(monotonic_heads):
    attention = make_attention(monotonic_heads, noise_std=1.0)
    inputs = make_inputs()
    on = attend(attention, *inputs)
    attention.set_monotonic(False)
    _, softmax = parts_of(attention)
    arguments = {
        "query": inputs[0],
        "key": inputs[1],
        "value": inputs[1],
        "key_padding_mask": torch.arange(7) >= inputs[2][:, None],
    }
    none_walks = RegularMHA(WIDTH, HEADS)
    softmax["att.out_proj.bias"] = attention.out_proj.bias
    expected = functional_call(none_walks, softmax, (), arguments)
    for mode in (attention.train(), attention.eval()):
        for actual, value in zip(attend(mode, *inputs), expected):
            assert_close(actual, value)
    attention.set_monotonic(True)
    for actual, value in zip(attend(attention, *inputs), on):
        assert torch.equal(actual, value)


@torch.no_grad()
def test_step_by_step_is_the_whole_sequence_while_the_walk_is_off():
    attention = make_attention()
    attention.set_monotonic(False)
    inputs = make_inputs()
    out, attn = attend(attention, *inputs)
    out_steps, attn_steps = step_through(attention, *inputs)
    assert_close(out_steps, out)
    assert_close(attn_steps, attn)


def test_the_bias_waits_for_the_walk():
    attention = make_attention().train()
    attention.set_monotonic(False)
    optimizer = torch.optim.Adam(attention.parameters(), lr=0.1)
    before = attention.stay_bias.detach().clone()
    out, attn = attend(attention, *make_inputs())
    (out.square().sum() + attn.square().sum()).backward()
    optimizer.step()
    # distributed training waits for every gradient, so there has to be one
    assert_close(attention.stay_bias.grad, torch.zeros(2), atol=0)
    assert torch.equal(attention.stay_bias, before)
    attention.set_monotonic(True)
    attend(attention, *make_inputs())[0].square().sum().backward()
    assert bool((attention.stay_bias.grad != 0).all())


def make_focused(monotonic_heads=3):
    attention = make_attention(monotonic_heads, head_choice="focused")
    attention.choose_head(torch.tensor([0.1, 0.6, 0.3, 0.9]))
    return attention


def test_walking_heads_read_by_the_most_focused_of_them():
    plain, focused = make_attention(3), make_focused()
    assert focused.reads_by.tolist() == [1, 1, 1, 3]
    inputs = make_inputs()
    expected, own = attend(plain, *inputs)
    out, attn = attend(focused, *inputs)
    assert torch.equal(attn, own[:, [1, 1, 1, 3]])
    values = plain.value_proj(inputs[1]).unflatten(-1, (HEADS, -1))
    values = values.transpose(1, 2)
    read = attn @ values
    read = plain.out_proj(read.transpose(1, 2).flatten(2))
    assert_close(out[:3], read[:3])
    assert not torch.allclose(out, expected)


@torch.no_grad()
def test_step_by_step_is_the_whole_sequence_where_one_head_is_read():
    attention, inputs = make_focused(), make_inputs()
    out, attn = attend(attention, *inputs)
    out_steps, attn_steps = step_through(attention, *inputs)
    assert_close(out_steps, out)
    assert_close(attn_steps, attn)


def test_the_first_choice_stays_and_is_kept_with_the_weights():
    attention = make_focused()
    attention.choose_head(torch.tensor([0.9, 0.6, 0.3, 0.1]))
    assert attention.reads_by.tolist() == [1, 1, 1, 3]
    other = StepwiseMonotonicMHA(
        WIDTH, HEADS, monotonic_heads=3, head_choice="focused"
    )
    other.load_state_dict(attention.state_dict())
    assert other.reads_by.tolist() == [1, 1, 1, 3]


def test_nothing_is_chosen_before_heads_walk_or_where_all_read():
    attention = make_attention(3, head_choice="focused")
    attention.set_monotonic(False)
    attention.choose_head(torch.tensor([0.1, 0.6, 0.3, 0.9]))
    assert attention.reads_by.tolist() == [0, 1, 2, 3]
    plain = make_attention(3)
    plain.choose_head(torch.tensor([0.1, 0.6, 0.3, 0.9]))
    assert plain.reads_by is None
    assert "reads_by" not in plain.state_dict()


def test_each_head_reads_by_its_own_softmax_while_the_walk_is_off():
    plain, focused = make_attention(3), make_focused()
    inputs = make_inputs()
    for attention in (plain, focused):
        attention.set_monotonic(False)
    assert torch.equal(attend(focused, *inputs)[0], attend(plain, *inputs)[0])


def test_an_unknown_head_choice_is_refused():
    with pytest.raises(
        ValueError, match="head_choice must be one of all, focused; got 'best'"
    ):
        StepwiseMonotonicMHA(WIDTH, HEADS, head_choice="best")


def test_all_heads_walk_unless_said_otherwise():
    inputs = make_inputs()
    torch.manual_seed(0)
    plain = StepwiseMonotonicMHA(WIDTH, HEADS, noise_std=1.0)
    named = StepwiseMonotonicMHA(
        WIDTH, HEADS, noise_std=1.0, monotonic_heads=HEADS
    )
    named.load_state_dict(plain.state_dict())
    results = []
    for attention in (plain, named):
        torch.manual_seed(3)
        results.append(attend(attention, *inputs))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


@torch.no_grad()
@pytest.mark.parametrize("moves", [1, 2])
@pytest.mark.parametrize("monotonic_heads", [1, 3])
def test_step_by_step_is_the_whole_sequence(monotonic_heads, moves):
    attention = make_attention(monotonic_heads, moves_per_query=moves)
    inputs = make_inputs()
    out, attn = attend(attention, *inputs)
    out_steps, attn_steps = step_through(attention, *inputs)
    assert_close(out_steps, out)
    assert_close(attn_steps, attn)


@torch.no_grad()
@pytest.mark.parametrize("mode", ["forward", "soft", "hard"])
def test_padding_and_the_rest_of_the_batch_change_nothing(mode):
    attention = make_attention()

    def run(query, memory, lengths):
        if mode == "forward":
            return attend(attention, query, memory, lengths)
        return step_through(attention, query, memory, lengths, mode=mode)

    query, memory, lengths = make_inputs()
    out, attn = run(query, memory, lengths)
    longer = torch.cat((memory, torch.full((4, 4, WIDTH), 50.0)), dim=1)
    out_longer, attn_longer = run(query, longer, lengths)
    assert_close(out_longer, out)
    assert_close(attn_longer[..., :7], attn)
    assert bool((attn_longer[..., 7:] == 0).all())
    for item, length in enumerate(LENGTHS[:3]):
        row = slice(item, item + 1)
        out_alone, attn_alone = run(
            query[row], memory[row, :length], lengths[row]
        )
        assert_close(out[row], out_alone)
        assert_close(attn[row, ..., :length], attn_alone)
    assert bool((out[3] == 0).all()) and bool((attn[3] == 0).all())


@torch.no_grad()
def test_only_the_walking_heads_are_hard():
    attention = make_attention()
    inputs = make_inputs()
    _, soft = step_through(attention, *inputs)
    _, hard = step_through(attention, *inputs, mode="hard")
    assert bool(((hard[:3, :2] == 0) | (hard[:3, :2] == 1)).all())
    assert_close(hard[:, :2].sum(-1), soft[:, :2].sum(-1))
    assert torch.equal(hard[:, 2:], soft[:, 2:])


@torch.no_grad()
def test_the_limit_of_staying_is_for_walking_heads_only():
    attention = make_attention()
    inputs = make_inputs()
    _, plain = step_through(attention, *inputs)
    for options in ({"max_stay": 0.1}, {"catch_up": True}):
        _, other = step_through(attention, *inputs, **options)
        assert torch.equal(other[:, 2:], plain[:, 2:])
        assert not torch.allclose(other[:, :2], plain[:, :2])


@torch.no_grad()
@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_rows_of_a_state_go_on_as_they_were(mode):
    attention = make_attention()
    query, memory, lengths = make_inputs()
    options = DecodingOptions(mode)
    out, attn = step_through(attention, query, memory, lengths, mode=mode)
    state = attention.start(memory, lengths, options)
    for step in range(3):
        _, _, state = attention.step(query[:, step : step + 1], state)
    rows = torch.tensor([1, 1, 3, 0])
    state = select_rows(state, rows)
    for step in range(3, 6):
        out_rows, attn_rows, state = attention.step(
            query[rows, step : step + 1], state
        )
        assert_close(out_rows, out[rows, step : step + 1])
        assert_close(attn_rows, attn[rows, :, step : step + 1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_finite(dtype):
    attention = make_attention(noise_std=1.0).train()
    query, memory, lengths = make_inputs(queries=50)
    query = (100 * query).requires_grad_()
    with torch.autocast("cpu", dtype=dtype):
        out, attn = attend(attention, query, memory, lengths)
    assert out.dtype == dtype and attn.dtype == torch.float32
    assert_close(attn[:3].sum(-1), torch.ones(3, HEADS, 50))
    out.float().square().sum().backward()
    for tensor in (out, attn, query.grad, attention.stay_bias.grad):
        assert bool(tensor.isfinite().all())
    attention.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=dtype):
        out, attn = attend(attention, query, memory, lengths)
        out_steps, attn_steps = step_through(attention, query, memory, lengths)
    assert_close(attn_steps, attn, atol=0.05)
    assert_close(out_steps, out, atol=0.05)


def test_noise_is_for_the_walking_heads_only():
    attention = make_attention(noise_std=2.0)
    inputs = make_inputs()
    _, quiet = attend(attention, *inputs)
    _, noisy = attend(attention.train(), *inputs)
    assert torch.equal(noisy[:, 2:], quiet[:, 2:])
    assert not torch.allclose(noisy[:, :2], quiet[:, :2])


def test_dropout_is_for_every_head_and_leaves_the_alignment_alone():
    attention = make_attention(dropout=0.5)
    with torch.no_grad():
        attention.out_proj.weight.copy_(torch.eye(WIDTH))
    inputs = make_inputs()
    out, attn = attend(attention, *inputs)
    out_dropped, attn_dropped = attend(attention.train(), *inputs)
    assert torch.equal(attn_dropped, attn)
    by_head = (out_dropped != out).unflatten(-1, (HEADS, -1))
    assert bool(by_head[:3].any(-1).any(1).any(0).all())


def test_the_table_hands_it_on():
    factory = attention_factory(
        "SMA", options={"SMA": {"moves_per_query": 2, "monotonic_heads": 3}}
    )
    attention = factory(d_model=WIDTH, nhead=HEADS, dropout=0.1)
    assert attention.monotonic_heads == 3
    assert attention.stay_bias.shape == (3,)


@pytest.mark.parametrize("monotonic_heads", [0, -1, HEADS + 1])
def test_a_number_of_heads_out_of_range_is_refused(monotonic_heads):
    with pytest.raises(
        ValueError,
        match=rf"monotonic_heads must be from 1 to nhead = {HEADS}; got "
        rf"{monotonic_heads}\. For softmax heads alone, choose regularMHA",
    ):
        StepwiseMonotonicMHA(WIDTH, HEADS, monotonic_heads=monotonic_heads)
