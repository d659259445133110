"""SpeechBrain's attention to the digit, with the heads kept."""

import pytest
import torch
from speechbrain.nnet.attention import MultiheadAttention

from sb_sma.attention import DecodingOptions, RegularMHA
from sb_sma.attention.decoding import select_rows

WIDTH, HEADS = 12, 3
LENGTHS = [7, 4, 1]


@pytest.fixture
def attention():
    torch.manual_seed(0)
    return RegularMHA(d_model=WIDTH, nhead=HEADS).eval()


@pytest.fixture
def speechbrains(attention):
    """SpeechBrain's module with the same parameters."""
    module = MultiheadAttention(nhead=HEADS, d_model=WIDTH).eval()
    module.load_state_dict(attention.state_dict())
    return module


def make_inputs(queries=5, lengths=LENGTHS):
    generator = torch.Generator().manual_seed(1)
    keys = max(lengths)
    query = torch.randn(len(lengths), queries, WIDTH, generator=generator)
    memory = torch.randn(len(lengths), keys, WIDTH, generator=generator)
    mask = torch.arange(keys) >= torch.tensor(lengths)[:, None]
    return query, memory, mask


def attend(attention, query, memory, mask=None, **arguments):
    return attention(
        query=query,
        key=memory,
        value=memory,
        key_padding_mask=mask,
        **arguments,
    )


def assert_close(actual, expected, atol=1e-5):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


ADDITIONS = {
    "plain": {},
    "attn_mask": {"attn_mask": torch.ones(5, 7).triu(1).bool()},
    "float-attn_mask": {
        "attn_mask": torch.zeros(5, 7).masked_fill(
            torch.ones(5, 7).triu(1).bool(), -torch.inf
        )
    },
    "pos_embs": {"pos_embs": torch.linspace(-2, 2, 35).reshape(5, 7)},
}
ADDITIONS["both"] = {
    **ADDITIONS["float-attn_mask"],
    **ADDITIONS["pos_embs"],
}


@pytest.mark.filterwarnings("ignore:.*mismatched key_padding_mask")
@pytest.mark.parametrize("name", ADDITIONS)
@pytest.mark.parametrize("padded", [True, False], ids=["padded", "full"])
def test_it_gives_what_speechbrain_gives(attention, speechbrains, name, padded):
    query, memory, mask = make_inputs()
    mask = mask if padded else None
    out, attn = attend(attention, query, memory, mask, **ADDITIONS[name])
    theirs = {
        # SpeechBrain writes into its mask
        key: value.clone()
        for key, value in ADDITIONS[name].items()
    }
    expected, mean = attend(speechbrains, query, memory, mask, **theirs)
    assert_close(out, expected)
    assert_close(attn.mean(dim=1), mean)
    assert attn.shape == (3, HEADS, 5, 7)
    assert_close(attn.sum(-1), torch.ones(3, HEADS, 5))
    without = attend(
        attention,
        query,
        memory,
        mask,
        return_attn_weights=False,
        **ADDITIONS[name],
    )
    assert_close(without, expected)


def test_gradients_are_speechbrains_too(attention, speechbrains):
    query, memory, mask = make_inputs()
    for module in (attention, speechbrains):
        attend(module, query, memory, mask)[0].square().sum().backward()
    theirs = dict(speechbrains.named_parameters())
    for name, parameter in attention.named_parameters():
        assert_close(parameter.grad, theirs[name].grad, atol=1e-4)


def test_a_bool_mask_blocks_also_beside_positions(attention):
    query, memory, mask = make_inputs()
    both = {**ADDITIONS["attn_mask"], **ADDITIONS["pos_embs"]}
    _, attn = attend(attention, query, memory, mask, **both)
    _, expected = attend(attention, query, memory, mask, **ADDITIONS["both"])
    assert_close(attn, expected)
    assert bool((attn[:, :, both["attn_mask"]] == 0).all())


def test_heads_are_not_averaged(attention):
    _, attn = attend(attention, *make_inputs())
    assert not torch.allclose(attn[:, 0], attn[:, 1], atol=1e-2)


def test_padding_changes_nothing(attention):
    query, memory, mask = make_inputs()
    out, attn = attend(attention, query, memory, mask)
    longer = torch.cat((memory, torch.full((3, 4, WIDTH), 9.0)), dim=1)
    longer_mask = torch.cat((mask, torch.ones(3, 4).bool()), dim=1)
    out_longer, attn_longer = attend(attention, query, longer, longer_mask)
    assert_close(out_longer, out)
    assert_close(attn_longer[..., :7], attn)


def steps(attention, query, memory, lengths, window=None):
    options = DecodingOptions(attention_window=window)
    state = attention.start(memory, lengths, options)
    outs, attns = [], []
    for step in range(query.shape[1]):
        out, attn, state = attention.step(query[:, step : step + 1], state)
        outs.append(out)
        attns.append(attn)
    return torch.cat(outs, dim=1), torch.cat(attns, dim=2)


@pytest.mark.parametrize("lengths", [[7, 4, 1], [7, 0, 3]], ids=str)
def test_step_by_step_is_the_whole_sequence(attention, lengths):
    query, memory, mask = make_inputs(lengths=lengths)
    out, attn = attend(attention, query, memory, mask)
    out_steps, attn_steps = steps(
        attention, query, memory, torch.tensor(lengths)
    )
    assert_close(out_steps, out)
    assert_close(attn_steps, attn)


WINDOWS = pytest.mark.parametrize("window", [[0, 1], [1, 2], [2, 1]], ids=str)
TALL = [20, 9, 1, 0]


@pytest.fixture
def restless(attention):
    """Heads that look anywhere unless they have a window."""
    with torch.no_grad():
        attention.att.in_proj_weight.mul_(2.0)
    return attention


@torch.no_grad()
@WINDOWS
def test_a_window_follows_each_head(restless, window):
    query, memory, _ = make_inputs(30, TALL)
    _, free = steps(restless, query, memory, torch.tensor(TALL))
    _, attn = steps(restless, query, memory, torch.tensor(TALL), window)
    back, ahead = window
    expected = torch.zeros_like(free)
    for item in range(len(TALL) - 1):
        for head in range(HEADS):
            position = 0
            for step in range(30):
                near = slice(max(position - back, 0), position + ahead + 1)
                weights = free[item, head, step, near]
                expected[item, head, step, near] = weights / weights.sum()
                position = int(expected[item, head, step].argmax())
    assert_close(attn, expected)
    paths = attn[:2].argmax(-1)
    assert not torch.equal(paths[:, 0], paths[:, 1])
    assert int(free[:2].argmax(-1).diff(dim=-1).max()) > ahead


@torch.no_grad()
def test_a_window_that_holds_every_key_changes_nothing(restless):
    query, memory, _ = make_inputs(30, TALL)
    free = steps(restless, query, memory, torch.tensor(TALL))
    held = steps(restless, query, memory, torch.tensor(TALL), [20, 20])
    for each, other in zip(held, free):
        assert torch.equal(each, other)


@torch.no_grad()
def test_a_window_sees_no_padding_and_no_other_item(restless):
    query, memory, _ = make_inputs(30, TALL)
    out, attn = steps(restless, query, memory, torch.tensor(TALL), [1, 3])
    assert bool((out[3] == 0).all()) and bool((attn[3] == 0).all())
    for item, length in enumerate(TALL[:3]):
        row = slice(item, item + 1)
        more_keys = torch.full((1, 4, WIDTH), 9.0)
        longer = torch.cat((memory[row, :length], more_keys), dim=1)
        out_alone, attn_alone = steps(
            restless, query[row], longer, torch.tensor([length]), [1, 3]
        )
        assert_close(out_alone, out[row])
        assert_close(attn_alone[..., :length], attn[row, ..., :length])


@torch.no_grad()
@pytest.mark.parametrize(
    "rows", [[1, 1, 3, 0], [[1, 1], [2, -1], [0, 0]]], ids=["rows", "lines"]
)
def test_a_window_goes_with_its_row(restless, rows):
    lengths = torch.tensor(TALL)
    query, memory, _ = make_inputs(12, TALL)
    out, attn = steps(restless, query, memory, lengths, [1, 2])
    options = DecodingOptions(attention_window=[1, 2])
    state = restless.start(memory, lengths, options)
    for step in range(6):
        _, _, state = restless.step(query[:, step : step + 1], state)
    rows = torch.tensor(rows)
    state = select_rows(state, rows)
    rows = rows[rows >= 0]
    for step in range(6, 12):
        out_rows, attn_rows, state = restless.step(
            query[rows, step : step + 1], state
        )
        assert_close(out_rows, out[rows, step : step + 1])
        assert_close(attn_rows, attn[rows, :, step : step + 1])


def test_an_item_without_a_key_gives_zeros(attention):
    query, memory, mask = make_inputs(lengths=[7, 0])
    query.requires_grad_()
    out, attn = attend(attention, query, memory, mask)
    assert bool((out[1] == 0).all()) and bool((attn[1] == 0).all())
    (out.sum() + attn.sum()).backward()
    assert bool(query.grad.isfinite().all())
    without = attend(attention, query, memory, mask, return_attn_weights=False)
    assert_close(without, out)
    steps(attention, query, memory, torch.tensor([7, 0]))[0].sum().backward()
    for tensor in (query, *attention.parameters()):
        assert bool(tensor.grad.isfinite().all())


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_query_that_may_attend_to_nothing_gives_zeros(attention, kind):
    query, memory, mask = make_inputs(lengths=[7, 2])
    query.requires_grad_()
    blocked = torch.zeros(5, 7).bool()
    blocked[1] = True
    blocked[3, :2] = True  # all that item 1 has
    attn_mask = blocked
    if kind == "float":
        attn_mask = torch.zeros(5, 7).masked_fill(blocked, -torch.inf)
    out, attn = attend(attention, query, memory, mask, attn_mask=attn_mask)
    (out.sum() + attn.sum()).backward()
    assert bool(query.grad.isfinite().all())
    empty = torch.zeros(2, 5).bool()
    empty[:, 1] = empty[1, 3] = True
    assert bool((out[empty] == 0).all())
    assert bool((attn.transpose(1, 2)[empty] == 0).all())
    expected = attend(attention, query, memory, mask)
    assert_close(out[:, [0, 2, 4]], expected[0][:, [0, 2, 4]])
    assert_close(attn.sum(-1)[:, 0], (~empty).float())


@pytest.mark.parametrize("name", ADDITIONS)
def test_arguments_are_left_as_they_were(attention, name):
    query, memory, mask = make_inputs(lengths=[7, 0])
    additions = {key: value.clone() for key, value in ADDITIONS[name].items()}
    before = [tensor.clone() for tensor in (query, memory, mask)]
    attend(attention, query, memory, mask, **additions)
    steps(attention, query, memory, torch.tensor([7, 0]))
    for tensor, copy in zip((query, memory, mask), before):
        assert torch.equal(tensor, copy)
    for key, value in additions.items():
        assert torch.equal(value, ADDITIONS[name][key])


@pytest.mark.parametrize("name", ADDITIONS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_finite(attention, name, dtype):
    query, memory, mask = make_inputs(lengths=[7, 0])
    with torch.autocast("cpu", dtype=dtype):
        out, attn = attend(attention, query, memory, mask, **ADDITIONS[name])
        without = attend(
            attention,
            query,
            memory,
            mask,
            return_attn_weights=False,
            **ADDITIONS[name],
        )
        out_steps, attn_steps = steps(
            attention, query, memory, torch.tensor([7, 0])
        )
    for tensor in (out, attn, without, out_steps, attn_steps):
        assert bool(tensor.isfinite().all())


def test_dropout_is_for_training_only():
    torch.manual_seed(0)
    attention = RegularMHA(d_model=WIDTH, nhead=HEADS, dropout=0.5)
    query, memory, mask = make_inputs()
    first = attend(attention, query, memory, mask)[0]
    assert not torch.equal(first, attend(attention, query, memory, mask)[0])
    attention.eval()
    out = attend(attention, query, memory, mask)[0]
    assert torch.equal(out, attend(attention, query, memory, mask)[0])
    assert_close(steps(attention, query, memory, torch.tensor(LENGTHS))[0], out)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match=r"nhead \(5\) must divide d_model"):
        RegularMHA(d_model=12, nhead=5)


def test_masks_of_every_head_are_refused(attention):
    query, memory, mask = make_inputs()
    with pytest.raises(
        ValueError,
        match=r"attn_mask must have shape \(Q, K\); got \(9, 5, 7\)\. Give pad",
    ):
        attend(
            attention,
            query,
            memory,
            mask,
            attn_mask=torch.zeros(9, 5, 7).bool(),
        )
