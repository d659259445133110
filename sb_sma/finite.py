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
    if isinstance(state, torch.Tensor):
        yield name, state
        return
    parts = ()
    if isinstance(state, dict):
        parts = state.items()
    elif isinstance(state, (list, tuple)):
        parts = enumerate(state)
    for key, part in parts:
        yield from _tensors(part, f"{name}.{key}" if name else str(key))


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
