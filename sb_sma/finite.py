"""Whether numbers are finite, and are as many as they say."""

from collections.abc import Container, Iterator
from typing import Any

import torch


def find_nonfinite(
    state: Any, name: str = "", may_be_infinite: Container[str] = ()
) -> str | None:
    """Look for a number that is NaN or infinite.

    Arguments
    ---------
    state : Any
        Tensors in mappings and sequences, such as a ``state_dict``.
    name : str
        Of what is looked at.
    may_be_infinite : container of str
        Names of tensors that may hold infinity, though no NaN, as a buffer of
        scores that forbid something does.

    Returns
    -------
    name : str, optional
        Of the first tensor that has one, or whose numbers are not all there:
        a file of a few bytes can hold a tensor that fills the memory.

    Example
    -------
    >>> find_nonfinite({"a": torch.ones(2), "b": [torch.tensor(torch.nan)]})
    'b.0'
    >>> find_nonfinite({"a": torch.ones(1).expand(10**12)})
    'a'
    """
    for key, tensor in _tensors(state, name):
        if not _is_sound(tensor, key in may_be_infinite):
            return key
    return None


def _tensors(state: Any, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield all, however deep; a damaged file may even nest without an end."""
    waiting, seen = [(name, state)], set()
    while waiting:
        place, part = waiting.pop()
        if isinstance(part, torch.Tensor):
            yield place, part
            continue
        if not isinstance(part, (dict, list, tuple)) or id(part) in seen:
            continue
        seen.add(id(part))
        inner = part.items() if isinstance(part, dict) else enumerate(part)
        named = [(f"{place}.{k}" if place else str(k), v) for k, v in inner]
        waiting += reversed(named)


def _is_sound(tensor: torch.Tensor, may_be_infinite: bool) -> bool:
    is_plain = tensor.layout == torch.strided and not tensor.is_quantized
    if not is_plain or tensor.is_meta:
        return False
    n_bytes = tensor.numel() * tensor.element_size()
    if n_bytes > tensor.untyped_storage().nbytes():
        return False
    if may_be_infinite:
        return not bool(tensor.isnan().any())
    return bool(tensor.isfinite().all())
