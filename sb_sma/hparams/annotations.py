"""Which plain values of a YAML file fit an annotation."""

import inspect
import os
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn


def matches(value: Any, hint: Any) -> bool:
    """Say whether a plain value of the YAML fits an annotation.

    Arguments
    ---------
    value : Any
        A number, a text, a switch, None or a list of these.
    hint : Any
        An annotation; of one that says nothing about such values, all fit.

    Returns
    -------
    matches : bool
        Whole numbers are numbers, a switch is none.

    Example
    -------
    >>> matches(3, float | None), matches("abc", float | None)
    (True, False)
    >>> matches([1, 2], list[int]), matches(True, int)
    (True, False)
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated and hasattr(hint.__metadata__[0], "allows"):
        return hint.__metadata__[0].allows(value)
    if origin is typing.Annotated:
        is_name = not isinstance(value, str) or value in hint.__metadata__[0]
        return is_name and matches(value, arguments[0])
    if origin in (typing.Union, types.UnionType):
        return any(matches(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return value in arguments
    if hint in (None, type(None)):
        return value is None
    if hint in (int, float):
        kinds = (int, float) if hint is float else int
        return isinstance(value, kinds) and not isinstance(value, bool)
    if hint in (str, bool):
        return isinstance(value, hint)
    if hint in (Path, os.PathLike) or origin is os.PathLike:
        return isinstance(value, str) and value != ""
    kind = origin or hint
    if hint in (Any, object) or not inspect.isclass(kind):
        return True
    if issubclass(kind, tuple) and arguments and Ellipsis not in arguments:
        return (
            isinstance(value, list)
            and len(value) == len(arguments)
            and all(map(matches, value, arguments))
        )
    if issubclass(kind, Iterable) and not issubclass(
        kind, (Mapping, nn.Module)
    ):
        of = arguments[0] if arguments else Any
        if isinstance(value, str):
            return issubclass(str, kind) and matches("", of)
        return isinstance(value, list) and all(matches(v, of) for v in value)
    # neither a module nor what is called is a plain value
    plain = (int, float, str, list)
    if not issubclass(kind, Mapping):
        plain += (dict,)
    is_built = issubclass(kind, (nn.Module, Mapping, Callable))
    return not (is_built and isinstance(value, plain))


def describe(hint: Any) -> str:
    """Name an annotation for an error.

    Arguments
    ---------
    hint : Any
        An annotation.

    Returns
    -------
    name : str
        What a value of the YAML has to be.

    Example
    -------
    >>> describe(float | None)
    'float or null'
    """
    if typing.get_origin(hint) is typing.Annotated:
        if hasattr(hint.__metadata__[0], "allows"):
            return str(hint.__metadata__[0])
        base = hint.__origin__
        others = [kind for kind in typing.get_args(base) if kind is not str]
        names = f"one of {', '.join(hint.__metadata__[0])}"
        return " or ".join([names, *map(describe, others)])
    if Callable in (hint, typing.get_origin(hint)):
        return "!name:your.module.Class"
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(map(describe, typing.get_args(hint)))
    if hint in (None, type(None)):
        return "null"
    if typing.get_args(hint):
        return str(hint).replace("typing.", "").replace("collections.abc.", "")
    return getattr(hint, "__name__", str(hint))
