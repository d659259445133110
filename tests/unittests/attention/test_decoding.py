"""Decoding any module that keeps the contract."""

import re
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import nn

from sb_sma.attention import (
    DecodingOptions,
    ForwardMHA,
    RegularMHA,
    StepwiseMonotonicMHA,
)
from sb_sma.attention.decoding import (
    call_layer,
    select_rows,
    start_decoding,
    stay_for,
    step_decoding,
)


class ForwardOnly(nn.Module):
    """A module that was written for training only."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.inner = RegularMHA(d_model=8, nhead=2)
        self.n_queries = []

    def forward(self, query, key, value, key_padding_mask=None, **kwargs):
        """Attend, and note the number of queries."""
        self.n_queries.append(query.shape[1])
        return self.inner(
            query, key, value, key_padding_mask=key_padding_mask, **kwargs
        )


def decode(attention, query, memory, lengths, **options):
    state = start_decoding(
        attention, memory, lengths, DecodingOptions(**options)
    )
    outs, attns = [], []
    for step in range(query.shape[1]):
        out, attn, state = step_decoding(
            attention, query[:, step : step + 1], state
        )
        outs.append(out)
        attns.append(attn)
    return torch.cat(outs, dim=1), torch.cat(attns, dim=2)


def test_a_module_with_forward_alone_is_decoded_by_it():
    attention = ForwardOnly().eval()
    query, memory = torch.rand(3, 4, 8), torch.rand(3, 5, 8)
    lengths = torch.tensor([5, 2, 1])
    mask = torch.arange(5) >= lengths[:, None]
    expected = attention(query, memory, memory, key_padding_mask=mask)
    out, attn = decode(attention, query, memory, lengths)
    torch.testing.assert_close(out, expected[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(attn, expected[1], rtol=0, atol=1e-5)
    assert attention.n_queries == [4, 1, 1, 1, 1]


def test_a_module_with_a_state_keeps_it():
    torch.manual_seed(0)
    attention = StepwiseMonotonicMHA(d_model=8, nhead=2).eval()
    query, memory = torch.rand(3, 4, 8), torch.rand(3, 5, 8)
    expected = attention(query=query, key=memory, value=memory)
    out, attn = decode(attention, query, memory, torch.tensor([5, 5, 5]))
    torch.testing.assert_close(out, expected[0], rtol=0, atol=1e-5)
    torch.testing.assert_close(attn, expected[1], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "attention", [ForwardOnly(), RegularMHA(8, 2), ForwardMHA(8, 2)]
)
def test_only_a_stepwise_walk_has_a_mode(attention):
    with pytest.raises(
        ValueError,
        match=f"{type(attention).__name__} can only be decoded with "
        r"mode='soft'; got mode='hard'.*attention_type: SMA",
    ):
        decode(
            attention,
            torch.rand(1, 1, 8),
            torch.rand(1, 5, 8),
            torch.tensor([5]),
            mode="hard",
        )


@pytest.mark.parametrize(
    "attention",
    [ForwardOnly(), StepwiseMonotonicMHA(8, 2), ForwardMHA(8, 2)],
)
def test_only_softmax_attention_has_a_window(attention):
    with pytest.raises(
        ValueError,
        match=rf"{type(attention).__name__} has no attention_window; got "
        r"\[1, 3\].*attention_type: regularMHA",
    ):
        decode(
            attention,
            torch.rand(1, 1, 8),
            torch.rand(1, 5, 8),
            torch.tensor([5]),
            attention_window=[1, 3],
        )


@pytest.mark.parametrize(
    "options, message",
    [
        ({"mode": "sofft"}, "mode must be one of soft, hard; got 'sofft'"),
        ({"max_stay": 0.0}, r"max_stay must be in \(0, 1\].*got 0\.0"),
        ({"max_stay": 1.1}, r"max_stay must be in \(0, 1\].*got 1\.1"),
        ({"head_spread": 0}, "head_spread must be a count, 1 or more.*got 0"),
        ({"head_spread": 1.0}, "head_spread must be a count.*got 1.0"),
        *(
            (
                {"attention_window": window},
                r"attention_window must be a list \[back, ahead\] of two .*"
                rf"\(null = no window\); got {re.escape(repr(window))}\.",
            )
            for window in (
                [-1, 3],
                [1, -3],
                [1, 0],
                [3],
                [1, 2, 3],
                [],
                [1.0, 3.0],
                ["1", "3"],
                "13",
                3,
                True,
            )
        ),
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DecodingOptions(**options)


class Pair(NamedTuple):
    """A state of two parts."""

    left: torch.Tensor
    right: torch.Tensor


@dataclass(frozen=True)
class Frozen:
    """A state that refuses an assignment."""

    rows: torch.Tensor
    step: torch.Tensor
    name: str = "frozen"


class Slotted:
    """A state whose parts cannot be listed."""

    __slots__ = ("rows",)


ROWS = torch.arange(6.0).view(3, 2)


@pytest.mark.parametrize(
    "state, parts",
    [
        ([ROWS, (ROWS, None)], lambda state: (state[0], state[1][0])),
        ({"a": ROWS, "b": 3}, lambda state: (state["a"],)),
        (Pair(ROWS, ROWS), lambda state: (state.left, state.right)),
        (Frozen(ROWS, torch.tensor(7)), lambda state: (state.rows,)),
    ],
)
def test_items_are_kept_wherever_they_lie(state, parts):
    selected = select_rows(state, torch.tensor([2, 0]))
    assert type(selected) is type(state)
    for part in parts(selected):
        assert torch.equal(part, ROWS[[2, 0]])
    for part in parts(state):
        assert part is ROWS  # the caller's is left as it was


def test_a_counter_belongs_to_no_item():
    selected = select_rows(Frozen(ROWS, torch.tensor(7)), torch.tensor([1]))
    assert (int(selected.step), selected.name) == (7, "frozen")


def test_a_state_that_cannot_be_searched_is_refused():
    with pytest.raises(TypeError, match="of a Slotted.*select_rows. Give"):
        select_rows([Slotted()], torch.tensor([0]))


def test_the_hooks_of_a_layer_are_called():
    layer, seen = nn.Linear(2, 2), []
    features = torch.rand(1, 2)
    assert torch.equal(call_layer(layer, features), layer(features))
    layer.register_forward_pre_hook(lambda *given: seen.append("before"))
    layer.register_forward_hook(lambda *given: seen.append("after"))
    call_layer(layer, features)
    assert seen == ["before", "after"]


@pytest.mark.parametrize("seconds_per_query", [0.0116, 0.0232, 0.0464])
def test_the_longest_stay_is_a_time(seconds_per_query):
    attention = StepwiseMonotonicMHA(8, 2)
    with torch.no_grad():
        attention.stay_bias.fill_(100.0)  # wants to stay for ever
    n_queries = round(0.8 / seconds_per_query)
    _, attn = decode(
        attention.eval(),
        torch.rand(1, n_queries, 8),
        torch.rand(1, 3, 8),
        torch.tensor([3]),
        mode="hard",
        max_stay=stay_for(0.3, seconds_per_query),
    )
    for token in (0, 1):
        seconds = (attn.argmax(-1) == token).sum(-1) * seconds_per_query
        assert bool(((seconds - 0.3).abs() <= seconds_per_query).all())


@pytest.mark.parametrize("times", [(0.0, 0.1), (-1.0, 0.1), (0.4, 0.0)])
def test_a_stay_of_no_time_is_refused(times):
    with pytest.raises(ValueError, match="must be above 0; got"):
        stay_for(*times)


def test_a_stay_may_be_without_limit():
    assert stay_for(None, 0.05) == 1.0
