"""A bound on the size of a model, by that of the files beside its YAML."""

import contextlib
import threading
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

# layers may be made and then replaced; tables of positions are not stored
_MOST_TIMES, _MOST_BESIDE = 4, 2**25


@contextlib.contextmanager
def limit_parameters(n_weights: int | None) -> Iterator[None]:
    """Refuse to build a model that is far larger than its weights.

    Arguments
    ---------
    n_weights : int, optional
        What its files hold; None for no limit.

    Returns
    -------
    context : context manager
        In which modules are built.

    Raises
    ------
    ValueError
        If there are many more parameters, before memory is filled with them.
    """
    if n_weights is None:
        yield
        return
    most, made = _MOST_TIMES * n_weights + _MOST_BESIDE, 0
    here = threading.get_ident()

    def count(module: nn.Module, name: str, tensor: torch.Tensor) -> None:
        """Count a tensor that is made."""
        nonlocal made
        # the hooks are of all threads
        if threading.get_ident() != here:
            return
        made += tensor.numel() if tensor is not None else 0
        if made > most:
            raise ValueError(
                f"the YAML file describes a model of more than {most} numbers, "
                f"and the weights beside it are {n_weights}. "
                "Copy the folder or export the model again."
            )

    hooks = [
        register_module_parameter_registration_hook(count),
        register_module_buffer_registration_hook(count),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
