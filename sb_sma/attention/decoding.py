"""Decoding with attention, one query at a time.

An attention module that is decoded with a state of its own offers
``start(memory, memory_lengths, options) -> state`` and ``step(query (B, 1, D),
state) -> (out (B, 1, D), attn (B, H, 1, K), state)``. A module that has only
``forward`` must be stateless, and is decoded by ``forward`` with Q = 1.

Items that have ended leave the batch: the tensors of a state have the batch as
their first axis, or the state has ``select_rows(rows) -> state``. An item may
also be decoded as several hypotheses, which are rows of the batch.
"""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sb_sma.attention.masks import padding_mask

MODES = ("soft", "hard")
PRECISIONS = ("float32", "float64")

_WITHOUT_ROWS = (
    str,
    int,
    float,
    type(None),
    nn.Module,
    torch.Generator,
    torch.dtype,
    torch.device,
)


@dataclass(frozen=True)
class DecodingOptions:
    """How an alignment is decoded.

    Arguments
    ---------
    mode : str
        ``soft`` carries the expected alignment, ``hard`` stands on one key.
    max_stay : float
        Highest probability of staying on a key for one query (`stay_for` gives
        that of a time). Below 1, no head can wait for ever. For stepwise
        monotonic heads only.
    catch_up : bool
        Soft decoding: whether the median key is always the most attended one,
        which then never goes back. For stepwise monotonic heads only.
    soft_spread : int, optional
        Soft decoding: how many keys from the median key a head may attend to,
        1 or more; what is further is attended at that distance. For stepwise
        monotonic heads only. Default: any.
    head_spread : int, optional
        Hard decoding: how many keys a head may be from the median of the heads
        of its layer, 1 or more. Heads that walk by themselves lose each other
        where durations vary. For stepwise monotonic heads only. Default: any.
    attention_window : list of int, optional
        ``[back, ahead]``: how many keys before and after the one that it
        attended most at the query before a head may attend to. It starts at
        the first key. For softmax attention (regularMHA) only. Default: all.
    soft_precision : str
        Soft decoding: in ``float64``, what takes the steps is copied to it, so
        that rounding does not grow from step to step. For models with
        stepwise monotonic heads only.

    Raises
    ------
    ValueError
        If `mode` or `soft_precision` is unknown, a number is out of range, or
        `attention_window` is not a pair of counts.

    Example
    -------
    >>> DecodingOptions(mode="hard").max_stay
    1.0
    """

    mode: str = "soft"
    max_stay: float = 1.0
    catch_up: bool = False
    soft_spread: int | None = None
    head_spread: int | None = None
    attention_window: list[int] | None = None
    soft_precision: str = "float32"

    def __post_init__(self):
        if self.mode not in MODES:
            raise ValueError(
                f"mode must be one of {', '.join(MODES)}; got '{self.mode}'."
            )
        if self.soft_precision not in PRECISIONS:
            raise ValueError(
                f"soft_precision must be one of {', '.join(PRECISIONS)}; got "
                f"{self.soft_precision!r}."
            )
        if not 0 < self.max_stay <= 1:
            raise ValueError(
                f"max_stay must be in (0, 1] (1 = no limit); got "
                f"{self.max_stay}."
            )
        for name in ("soft_spread", "head_spread"):
            spread = getattr(self, name)
            if spread is not None and not (type(spread) is int and spread >= 1):
                raise ValueError(
                    f"{name} must be a count, 1 or more (null = no limit); got "
                    f"{spread!r}."
                )
        window = self.attention_window
        if window is not None and not _is_window(window):
            raise ValueError(
                "attention_window must be a list [back, ahead] of two counts, "
                "0 or more and 1 or more (null = no window); got "
                f"{window!r}."
            )


def stay_for(seconds: float | None, seconds_per_query: float) -> float:
    """Turn the longest time on a key into a probability of staying.

    Arguments
    ---------
    seconds : float, optional
        After which a head has left a key with a probability of one half at
        least; a hard walk has left it then. Default: it may stay for ever.
    seconds_per_query : float
        How long a query lasts.

    Returns
    -------
    max_stay : float
        Of one query, for `DecodingOptions`.

    Raises
    ------
    ValueError
        If a time is not above 0.

    Example
    -------
    >>> round(stay_for(0.4, seconds_per_query=0.1), 3)
    0.841
    """
    for name, value in (
        ("seconds", seconds),
        ("seconds_per_query", seconds_per_query),
    ):
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be above 0; got {value}.")
    return 1.0 if seconds is None else 0.5 ** (seconds_per_query / seconds)


@dataclass
class StatelessDecoding:
    """What a module with only ``forward`` is decoded with.

    Arguments
    ---------
    memory : torch.Tensor
        Keys and values, (B, K, D).
    key_padding_mask : torch.Tensor
        True on padding, (B, K).
    """

    memory: torch.Tensor
    key_padding_mask: torch.Tensor


def start_decoding(
    attention: nn.Module,
    memory: torch.Tensor,
    memory_lengths: torch.Tensor,
    options: DecodingOptions,
) -> Any:
    """Make the state that `step_decoding` carries.

    Arguments
    ---------
    attention : nn.Module
        A module that keeps the attention contract.
    memory : torch.Tensor
        Keys and values, (B, K, D).
    memory_lengths : torch.Tensor
        Counts, int64, (B,).
    options : DecodingOptions
        How to decode.

    Returns
    -------
    state : object
        The state before the first query.

    Raises
    ------
    ValueError
        If the module cannot be decoded like that. A stateless one has soft
        decoding only, and no window.

    Example
    -------
    >>> from sb_sma.attention import RegularMHA
    >>> attention = RegularMHA(d_model=8, nhead=2)
    >>> memory, lengths = torch.rand(1, 5, 8), torch.tensor([5])
    >>> state = start_decoding(attention, memory, lengths, DecodingOptions())
    >>> out, attn, state = step_decoding(attention, torch.rand(1, 1, 8), state)
    >>> attn.shape
    torch.Size([1, 2, 1, 5])
    """
    if hasattr(attention, "start"):
        return attention.start(memory, memory_lengths, options)
    require_soft(attention, options)
    require_all_keys(attention, options)
    mask = padding_mask(memory_lengths, memory.shape[1])
    return StatelessDecoding(memory, mask)


def step_decoding(
    attention: nn.Module, query: torch.Tensor, state: Any
) -> tuple[torch.Tensor, torch.Tensor, Any]:
    """Attend with one query.

    Arguments
    ---------
    attention : nn.Module
        The module that the state belongs to.
    query : torch.Tensor
        (B, 1, D).
    state : object
        What `start_decoding` or the step before returned.

    Returns
    -------
    out : torch.Tensor
        (B, 1, D).
    attn : torch.Tensor
        (B, H, 1, K).
    state : object
        The state for the next query.
    """
    if not isinstance(state, StatelessDecoding):
        return attention.step(query, state)
    out, attn = attention(
        query=query,
        key=state.memory,
        value=state.memory,
        key_padding_mask=state.key_padding_mask,
    )
    return out, attn, state


def select_rows(state: Any, rows: torch.Tensor) -> Any:
    """Keep some items of the batch in a state.

    Every tensor is indexed along its first axis, which is the batch, however
    deep it lies in lists, tuples, dicts and objects; numbers, strings, modules
    and tensors without an axis stay as they are. A state that needs another
    way has a method ``select_rows``.

    Rows may come in lines, (B, n), one for each item that is kept: n
    hypotheses that go on, each from a hypothesis about the same item, and after
    them -1 where there are fewer. What an item has in common is then kept once,
    and memory is taken over where that saves a copy: go on with the new state
    only.

    Arguments
    ---------
    state : object
        What `start_decoding` or `step_decoding` returned, or any holder of
        such states. It is not changed.
    rows : torch.Tensor
        Indices of the rows to keep, int64, (R,) or (B, n). A line starts with
        a row.

    Returns
    -------
    state : object
        The state of these rows.

    Raises
    ------
    TypeError
        If a part of it is none of these.

    Example
    -------
    >>> state = {"walk": [torch.tensor([[1.0], [2.0]])], "mode": "soft"}
    >>> select_rows(state, torch.tensor([1]))
    {'walk': [tensor([[2.]])], 'mode': 'soft'}
    """
    if isinstance(state, torch.Tensor):
        return state[rows[rows >= 0]] if state.dim() else state
    if hasattr(state, "select_rows"):
        return state.select_rows(rows)
    if isinstance(state, tuple) and hasattr(state, "_make"):
        return state._make(select_rows(part, rows) for part in state)
    if isinstance(state, (list, tuple)):
        return type(state)(select_rows(part, rows) for part in state)
    if isinstance(state, dict):
        return {key: select_rows(part, rows) for key, part in state.items()}
    if isinstance(state, _WITHOUT_ROWS):
        return state
    if not hasattr(state, "__dict__"):
        raise TypeError(
            f"cannot keep some items of a {type(state).__name__}: it has "
            "neither attributes nor a method select_rows. Give it one."
        )
    selected = copy.copy(state)
    for name, part in vars(state).items():
        # a frozen dataclass refuses an assignment
        object.__setattr__(selected, name, select_rows(part, rows))
    return selected


def call_layer(layer: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """Call a layer; for a single step, the search for hooks takes as long.

    Arguments
    ---------
    layer : nn.Module
        Of one input.
    features : torch.Tensor
        What it takes.

    Returns
    -------
    features : torch.Tensor
        What it gives, its own forward hooks included; global ones are not
        called.

    Example
    -------
    >>> call_layer(nn.ReLU(), torch.tensor([-1.0, 1.0]))
    tensor([0., 1.])
    """
    if layer._forward_pre_hooks or layer._forward_hooks:
        return layer(features)
    return layer.forward(features)


def require_soft(attention: nn.Module, options: DecodingOptions) -> None:
    """Refuse a mode that only stepwise monotonic attention has.

    Arguments
    ---------
    attention : nn.Module
        The module that is asked.
    options : DecodingOptions
        What it is asked for.

    Raises
    ------
    ValueError
        If the options are not soft decoding.
    """
    if options.mode != "soft":
        raise ValueError(
            f"{type(attention).__name__} can only be decoded with mode='soft'; "
            f"got mode='{options.mode}'. Train with attention_type: SMA to use "
            "it."
        )


def require_all_keys(attention: nn.Module, options: DecodingOptions) -> None:
    """Refuse a window that only softmax attention has.

    Arguments
    ---------
    attention : nn.Module
        The module that is asked.
    options : DecodingOptions
        What it is asked for.

    Raises
    ------
    ValueError
        If there is a window.
    """
    if options.attention_window is not None:
        raise ValueError(
            f"{type(attention).__name__} has no attention_window; got "
            f"{options.attention_window}. Leave it out, or take "
            "attention_type: regularMHA."
        )


def _is_window(value: Any) -> bool:
    """Whether it is a list of two counts that lets a head move on."""
    return (
        isinstance(value, list)
        and [type(count) for count in value] == [int, int]
        and value[0] >= 0
        and value[1] >= 1
    )
