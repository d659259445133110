"""The module walks forward, sees no future and no padding, and decodes step by
step what it computes at once.
"""

import math

import pytest
import torch

from sb_sma.attention import DecodingOptions, StepwiseMonotonicMHA
from sb_sma.attention.masks import padding_mask
from sb_sma.ops import stepwise_monotonic_expectation
from sb_sma.stepwise_monotonic import (
    StepwiseMonotonicAttention,
    expected_alignment,
)

WIDTH, HEADS = 12, 3

# (Q, K) and the valid keys of each item
SHAPES = [
    pytest.param((1, 1), [1], id="one-of-all"),
    pytest.param((3, 7), [7, 5, 2, 1], id="fewer-queries-than-keys"),
    pytest.param((11, 5), [5, 3, 0], id="more-queries-than-keys"),
    pytest.param((5, 5), [4, 5], id="square"),
]
MOVES = [1, 2, 3]


def make_attention(moves_per_query=1, **options):
    """A module with energies that differ, in evaluation mode."""
    torch.manual_seed(0)
    attention = StepwiseMonotonicMHA(
        WIDTH, HEADS, moves_per_query=moves_per_query, **options
    )
    with torch.no_grad():
        attention.query_proj.weight.mul_(5.0)
        attention.stay_bias.add_(torch.tensor([-0.5, 0.0, 0.5]))
    return attention.eval()


def make_inputs(shape, lengths, seed=1):
    """Queries, memory, and its padding mask."""
    generator = torch.Generator().manual_seed(seed)
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


def test_the_recurrence_that_is_given_is_taken():
    given = []

    def recurrence(p_stay, lengths, moves_per_query):
        given.append((p_stay.shape, lengths.tolist(), moves_per_query))
        return expected_alignment(p_stay, lengths, None, moves_per_query)

    attention = StepwiseMonotonicAttention(
        WIDTH, HEADS, moves_per_query=2, recurrence=recurrence
    )
    query, memory, mask = make_inputs((3, 7), [7, 5])
    attend(attention, query, memory, mask)
    assert given == [((2, HEADS, 3, 7), [7, 5], 2)]
    # this package's own module has its compiled form
    compiled = StepwiseMonotonicMHA(WIDTH, HEADS).recurrence
    assert compiled is stepwise_monotonic_expectation


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_every_head_walks_by_its_own_energies(shape, lengths, moves):
    attention = make_attention(moves)
    query, memory, mask = make_inputs(shape, lengths)
    out, attn = attend(attention, query, memory, mask)

    width = WIDTH // HEADS
    expected_values = []
    for head in range(HEADS):
        part = slice(head * width, (head + 1) * width)
        queries = attention.query_proj(query)[..., part]
        keys = attention.key_proj(memory)[..., part]
        energies = queries @ keys.mT / math.sqrt(width)
        p_stay = (energies + attention.stay_bias[head]).sigmoid()
        rows = []
        alpha = torch.eye(shape[1])[:1].expand(len(lengths), 1, -1)
        for step in range(shape[0]):
            for _ in range(moves):
                alpha = stepwise_monotonic_expectation(
                    p_stay[:, None, step : step + 1],
                    torch.tensor(lengths),
                    alpha,
                )[:, :, -1]
            rows.append(alpha)
        rows = torch.cat(rows, dim=1)  # (B, Q, K)
        assert_close(attn[:, head], rows, atol=1e-6)
        expected_values.append(rows @ attention.value_proj(memory)[..., part])
    expected = attention.out_proj(torch.cat(expected_values, dim=-1))
    empty = torch.tensor(lengths) == 0
    assert_close(out[~empty], expected[~empty])
    assert attn.shape == (len(lengths), HEADS, *shape)


@pytest.mark.parametrize("moves", MOVES)
def test_alignments_see_no_later_query(moves):
    attention = make_attention(moves)
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


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("fill", [0.0, 50.0], ids=["zeros", "large"])
def test_padding_changes_nothing(moves, fill):
    attention = make_attention(moves)
    query, memory, mask = make_inputs((6, 5), [5, 3, 1, 0])
    out, attn = attend(attention, query, memory, mask)

    more_keys = torch.full((4, 4, WIDTH), fill)
    longer = mask_of([5, 3, 1, 0], 9)
    out_keys, attn_keys = attend(
        attention, query, torch.cat((memory, more_keys), dim=1), longer
    )
    assert_close(out_keys, out)
    assert_close(attn_keys[..., :5], attn)
    assert bool((attn_keys[..., 5:] == 0).all())

    more_queries = torch.full((4, 3, WIDTH), fill)
    out_queries, attn_queries = attend(
        attention, torch.cat((query, more_queries), dim=1), memory, mask
    )
    assert_close(out_queries[:, :6], out)
    assert_close(attn_queries[:, :, :6], attn)


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_a_batch_gives_what_its_items_give_alone(shape, lengths, moves):
    attention = make_attention(moves)
    query, memory, mask = make_inputs(shape, lengths)
    out, attn = attend(attention, query, memory, mask)
    for item, length in enumerate(lengths):
        if length == 0:
            continue
        out_alone, attn_alone = attend(
            attention, query[item, None], memory[item, None, :length]
        )
        assert_close(out[item], out_alone[0])
        assert_close(attn[item, ..., :length], attn_alone[0])


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_step_by_step_is_the_whole_sequence(shape, lengths, moves):
    attention = make_attention(moves)
    query, memory, mask = make_inputs(shape, lengths)
    out, attn = attend(attention, query, memory, mask)
    out_steps, attn_steps = walk(
        attention, query, memory, torch.tensor(lengths)
    )
    assert_close(out_steps, out)
    assert_close(attn_steps, attn)


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_steps_are_invariant_to_padding_too(mode):
    attention = make_attention()
    query, memory, _ = make_inputs((12, 5), [5, 3, 1])
    lengths = torch.tensor([5, 3, 1])
    out, attn = walk(attention, query, memory, lengths, mode=mode)
    padded = torch.cat((memory, torch.full((3, 4, WIDTH), 9.0)), dim=1)
    out_padded, attn_padded = walk(attention, query, padded, lengths, mode=mode)
    assert_close(out_padded, out)
    assert_close(attn_padded[..., :5], attn)


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_hard_walk_never_skips_nor_goes_back(shape, lengths, moves):
    attention = make_attention(moves)
    query, memory, _ = make_inputs((9 * shape[0], shape[1]), lengths)
    _, attn = walk(attention, query, memory, torch.tensor(lengths), mode="hard")
    for item, length in zip(attn, lengths):
        if length == 0:
            assert bool((item == 0).all())
            continue
        assert torch.equal(item.sum(-1), torch.ones(item.shape[:2]))
        assert bool(((item == 0) | (item == 1)).all())
        path = item.argmax(-1)  # (H, Q)
        steps = path.diff(dim=-1, prepend=torch.zeros(HEADS, 1).long())
        assert 0 <= int(steps.min()) <= int(steps.max()) <= moves
        assert int(path.max()) <= length - 1


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_a_walk_that_always_moves_is_at_the_end_in_time_and_stays(mode, moves):
    attention = make_attention(moves)
    with torch.no_grad():
        attention.stay_bias.fill_(-100.0)
    query, memory, _ = make_inputs((12, 11), [11, 6, 1])
    lengths = torch.tensor([11, 6, 1])
    _, attn = walk(attention, query, memory, lengths, mode=mode)
    walked = torch.arange(1, 13) * moves
    expected = torch.minimum(walked, lengths[:, None] - 1)
    path = attn.argmax(-1)  # (B, H, Q)
    assert torch.equal(path, expected[:, None].expand_as(path))


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize("bias", [-40.0, 40.0], ids=["moves", "stays"])
def test_hard_is_soft_where_every_move_is_certain(moves, bias):
    attention = make_attention(moves)
    with torch.no_grad():
        # energies of a few hundreds: sigmoid gives 0 or 1
        attention.query_proj.weight.mul_(2e4)
        attention.stay_bias.fill_(bias)
    query, memory, _ = make_inputs((17, 6), [6, 4, 1, 0])
    lengths = torch.tensor([6, 4, 1, 0])
    soft = walk(attention, query, memory, lengths, mode="soft")
    hard = walk(attention, query, memory, lengths, mode="hard")
    assert_close(soft[1], hard[1])
    assert_close(soft[0], hard[0])
    assert len(hard[1].argmax(-1).unique()) > 2


@pytest.mark.parametrize("moves", MOVES)
def test_staying_is_capped_per_query(moves):
    attention = make_attention(moves)
    with torch.no_grad():
        attention.stay_bias.fill_(100.0)
    query, memory, _ = make_inputs((1, 5), [5])
    _, attn = walk(attention, query, memory, torch.tensor([5]), max_stay=0.9)
    assert_close(attn[:, :, 0, 0], torch.full((1, HEADS), 0.9))


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_a_head_that_would_stay_for_ever_arrives_when_capped(mode):
    attention = make_attention()
    with torch.no_grad():
        attention.stay_bias.fill_(100.0)
    query, memory, _ = make_inputs((30, 5), [5])
    lengths = torch.tensor([5])
    _, waiting = walk(attention, query, memory, lengths, mode=mode)
    assert int(waiting.argmax(-1).max()) == 0
    # 0.9 ** 7 is below one half: seven queries on each of four keys
    _, moving = walk(attention, query, memory, lengths, mode=mode, max_stay=0.9)
    assert bool((moving.argmax(-1)[..., -1] == 4).all())


@pytest.mark.parametrize(
    "queries_per_token, moves, p_stay",
    [
        (2.0, 1, 0.5),
        (4.0, 1, 0.75),
        (2.0, 2, 0.75),
        (0.5, 4, 0.5),
        (1.0, 1, 1 - 1 / 1.1),
        (0.01, 1, 1 - 1 / 1.1),
        (1e6, 1, 0.98),
        (math.inf, 1, 0.98),
    ],
    ids=str,
)
def test_bias_starts_at_the_time_spent_on_a_key(
    queries_per_token, moves, p_stay
):
    attention = StepwiseMonotonicMHA(
        WIDTH,
        HEADS,
        queries_per_token=queries_per_token,
        moves_per_query=moves,
    )
    expected = torch.full((HEADS,), math.log(p_stay / (1 - p_stay)))
    assert_close(attention.stay_bias.detach(), expected)
    again = StepwiseMonotonicMHA(WIDTH, HEADS, moves_per_query=moves)
    again.set_queries_per_token(queries_per_token)
    assert_close(again.stay_bias.detach(), expected)
    assert again.stay_bias.requires_grad


@pytest.mark.parametrize("moves", MOVES)
def test_walk_starts_at_the_speed_that_it_was_given(moves):
    attention = StepwiseMonotonicMHA(
        WIDTH, HEADS, queries_per_token=2.5, moves_per_query=moves
    )
    torch.nn.init.zeros_(attention.query_proj.weight)
    torch.nn.init.zeros_(attention.query_proj.bias)
    query, memory, mask = make_inputs((20, 60), [60])
    _, attn = attend(attention, query, memory, mask)
    mean_position = (attn * torch.arange(60.0)).sum(-1)[0, :, -1]
    assert_close(mean_position, torch.full((HEADS,), 20 / 2.5), atol=1e-3)


@pytest.mark.parametrize(
    "options",
    [{}, {"monotonic_heads": 2}, {"head_choice": "focused"}],
)
def test_heads_go_along_a_path_that_is_given(options):
    torch.manual_seed(0)
    attention = StepwiseMonotonicMHA(WIDTH, HEADS, **options).eval()
    if attention.reads_by is not None:
        attention.choose_head(torch.tensor([0.1, 0.3, 0.2]))
    queries, memory = torch.randn(2, 6, WIDTH), torch.randn(2, 4, WIDTH)
    lengths = torch.tensor([4, 3])
    expected, path = attention(
        queries, memory, memory, key_padding_mask=padding_mask(lengths, 4)
    )
    # energies of the given bias alone would lead them elsewhere
    with torch.no_grad():
        attention.stay_bias.add_(3.0)
    state = attention.start(memory, lengths, DecodingOptions(mode="hard"))
    state.follow(path)
    for index in range(queries.shape[1]):
        out, attn, state = attention.step(queries[:, index, None], state)
        torch.testing.assert_close(attn[:, :, 0], path[:, :, index])
        torch.testing.assert_close(out[:, 0], expected[:, index])


def test_noise_is_for_training_only_and_follows_the_seed():
    quiet, noisy = make_attention(), make_attention(noise_std=2.0)
    query, memory, mask = make_inputs((6, 5), [5, 3])
    _, expected = attend(quiet, query, memory, mask)
    _, evaluated = attend(noisy, query, memory, mask)
    assert torch.equal(evaluated, expected)

    def trained(attention, seed):
        torch.manual_seed(seed)
        return attend(attention.train(), query, memory, mask)[1]

    assert torch.equal(trained(quiet, 3), expected)
    assert torch.equal(trained(noisy, 3), trained(noisy, 3))
    assert not torch.allclose(trained(noisy, 3), trained(noisy, 4))
    noisy.noise_std = 0.0
    assert torch.equal(trained(noisy, 3), expected)


def test_noise_is_as_large_as_said():
    attention = make_attention().train()
    query, memory, _ = make_inputs((1, 2), [2] * 400)

    def energies(noise_std):
        torch.manual_seed(3)
        attention.noise_std = noise_std
        return attend(attention, query, memory)[1][..., 0, 0].logit()

    plain = energies(0.0)
    for noise_std in (0.25, 0.5):
        noise = (energies(noise_std) - plain).detach()
        assert float(noise.std()) == pytest.approx(noise_std, rel=0.1)
        assert float(noise.mean()) == pytest.approx(0.0, abs=0.1)


def test_dropout_leaves_the_returned_alignment_alone():
    plain, dropping = make_attention(), make_attention(dropout=0.5).train()
    query, memory, mask = make_inputs((6, 5), [5, 3])
    out, attn = attend(plain, query, memory, mask)
    out_dropped, attn_dropped = attend(dropping, query, memory, mask)
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


def test_values_may_differ_from_keys():
    attention = make_attention()
    query, memory, mask = make_inputs((6, 5), [5, 3])
    out, attn = attend(attention, query, memory, mask)
    out_other, attn_other = attention(
        query=query, key=memory, value=memory + 1, key_padding_mask=mask
    )
    assert torch.equal(attn_other, attn)
    assert not torch.allclose(out_other, out)


@pytest.mark.parametrize("mode", ["forward", "soft", "hard"])
def test_an_item_without_a_key_gives_zeros(mode):
    attention = make_attention()
    query, memory, mask = make_inputs((4, 5), [0, 5])
    if mode == "forward":
        out, attn = attend(attention, query, memory, mask)
    else:
        out, attn = walk(
            attention, query, memory, torch.tensor([0, 5]), mode=mode
        )
    assert bool((out[0] == 0).all()) and bool((attn[0] == 0).all())
    assert bool((out[1] != 0).any()) and bool(out.isfinite().all())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_finite_and_keeps_its_mass(dtype):
    attention = make_attention(noise_std=1.0).train()
    query, memory, mask = make_inputs((50, 20), [20, 7, 0])
    query = (100 * query).requires_grad_()
    with torch.autocast("cpu", dtype=dtype):
        out, attn = attend(attention, query, memory, mask)
    assert out.dtype == dtype
    assert attn.dtype == torch.float32
    assert_close(attn[:2].sum(-1), torch.ones(2, HEADS, 50))
    out.float().square().sum().backward()
    for tensor in (out, attn, query.grad, attention.stay_bias.grad):
        assert bool(tensor.isfinite().all())
    attention.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=dtype):
        out, attn = attend(attention, query, memory, mask)
        out_steps, attn_steps = walk(
            attention, query, memory, torch.tensor([20, 7, 0])
        )
    assert_close(attn_steps, attn, atol=0.05)
    assert_close(out_steps, out, atol=0.05)


def test_a_module_of_low_precision_keeps_its_mass():
    attention = make_attention().bfloat16()
    query, memory, mask = make_inputs((50, 20), [20, 7, 0])
    query, memory = query.bfloat16(), memory.bfloat16()
    out, attn = attend(attention, query, memory, mask)
    assert out.dtype == torch.bfloat16
    assert_close(attn[:2].sum(-1), torch.ones(2, HEADS, 50))
    _, attn_steps = walk(attention, query, memory, torch.tensor([20, 7, 0]))
    assert_close(attn_steps[:2].sum(-1), torch.ones(2, HEADS, 50))
    assert_close(attn_steps, attn, atol=0.05)


def test_gradients_reach_everything():
    attention = make_attention().train()
    query, memory, mask = make_inputs((6, 5), [5, 3])
    key, value = memory.clone().requires_grad_(), memory.requires_grad_()
    query.requires_grad_()
    out, _ = attention(query=query, key=key, value=value, key_padding_mask=mask)
    out.square().sum().backward()
    for item, length in enumerate([5, 3]):
        assert bool((query.grad[item] != 0).any(-1).all())
        # whether to stay on the last key is no question
        for tensor, n_reached in ((key, length - 1), (value, length)):
            reached = (tensor.grad[item] != 0).any(-1)
            assert torch.equal(reached, torch.arange(5) < n_reached)
    for name, parameter in attention.named_parameters():
        assert bool((parameter.grad != 0).any()), name


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_arguments_are_left_as_they_were(mode):
    attention = make_attention(2)
    query, memory, mask = make_inputs((6, 5), [5, 0])
    lengths = torch.tensor([5, 0])
    arguments = (query, memory, mask, lengths)
    before = [argument.clone() for argument in arguments]
    attend(attention, query, memory, mask)
    walk(attention, query, memory, lengths, mode=mode)
    for argument, copy in zip(arguments, before):
        assert torch.equal(argument, copy)


@pytest.mark.parametrize("name", ["attn_mask", "pos_embs"])
def test_what_it_cannot_do_is_refused(name):
    query, memory, _ = make_inputs((4, 5), [5])
    with pytest.raises(
        ValueError, match=rf"takes no {name}; got one of shape \(4, 5\)\. Pass"
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
        ({"nhead": 0}, r"nhead \(0\) must divide d_model \(12\)"),
        ({"moves_per_query": 0}, "moves_per_query must be 1 or more; got 0"),
        ({"noise_std": -0.1}, r"noise_std must be 0 or more; got -0\.1"),
        ({"queries_per_token": 0}, "queries_per_token must be above 0; got 0"),
        ({"queries_per_token": math.nan}, "must be above 0; got nan"),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        StepwiseMonotonicMHA(**{"d_model": WIDTH, "nhead": HEADS, **arguments})
