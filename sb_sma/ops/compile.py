"""Kernels for the CPU, compiled by numba."""

import logging
from collections.abc import Callable

from numba import njit

# a run's log.txt takes every message, and a compilation has thousands
logging.getLogger("numba").setLevel(logging.WARNING)


def compile_kernel(
    kernel: Callable, fastmath: set[str] = frozenset({"contract"})
) -> Callable:
    """Compile at the first call; keep the result where that is possible.

    Arguments
    ---------
    kernel : Callable
        Of arrays and numbers.
    fastmath : set of str
        LLVM's liberties with rounding. Default: a multiplication and an
        addition may be rounded once.

    Returns
    -------
    kernel : Callable
        The same, without the interpreter's lock.

    Example
    -------
    >>> import numpy as np
    >>> compile_kernel(lambda numbers: numbers.sum())(np.ones(3))
    3.0
    """
    options = {"nogil": True, "fastmath": set(fastmath)}
    try:
        return njit(cache=True, **options)(kernel)
    except RuntimeError:  # neither this folder nor the home can be written
        return njit(**options)(kernel)
