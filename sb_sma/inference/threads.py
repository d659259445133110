"""Independent batches side by side on the cores of the CPU."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    function: Callable[[Item], Result], items: Sequence[Item]
) -> list[Result]:
    """Call a function for every item, with as many threads as torch may use.

    Every thread computes alone: the operations of a decoder are too small to
    be shared between cores, and independent batches are not. A thread that is
    started elsewhere and first uses torch meanwhile keeps to one core, too.

    Arguments
    ---------
    function : Callable
        Of one item; it is called by several threads.
    items : sequence
        What it is called for. They are taken in this order; the largest first
        keeps all threads busy to the end.

    Returns
    -------
    results : list
        In the order of the items.

    Example
    -------
    >>> map_in_threads(torch.norm, [torch.zeros(2), torch.ones(4)])
    [tensor(0.), tensor(2.)]
    """
    n_threads = torch.get_num_threads()
    if min(n_threads, len(items)) <= 1:
        return [function(item) for item in items]
    pool = ThreadPoolExecutor(n_threads, initializer=_compute_alone)
    try:
        return list(pool.map(function, items))
    finally:
        try:
            pool.shutdown(cancel_futures=True)
        finally:
            torch.set_num_threads(n_threads)  # for threads to come


def _compute_alone() -> None:
    """Let this thread use one core."""
    torch.set_num_threads(1)
