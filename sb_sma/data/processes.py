"""A function called for many items, by several processes or threads.

What is begun ends with the process that began it, be it killed or not.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import torch

_THREADS = 2
_ITEMS_AT_ONCE = 8


def check_processes(n_processes: int) -> None:
    """Refuse what is no number of processes.

    Arguments
    ---------
    n_processes : int
        Processes that make utterances.

    Raises
    ------
    ValueError
        If it is not an integer of at least 1.

    Example
    -------
    >>> check_processes(2)
    """
    if not isinstance(n_processes, int) or n_processes < 1:
        raise ValueError(
            f"n_processes must be an integer of at least 1; got "
            f"{n_processes!r}. Give at most the number of cores."
        )


@contextlib.contextmanager
def mapped(
    call: Callable[[Any], Any], items: Sequence[Any], n_processes: int
) -> Iterator[Iterator[Any]]:
    """Return what a function gives for each item, in their order.

    Arguments
    ---------
    call : callable
        Takes an item; must be pickled for more than one process.
    items : sequence
        What it is called with.
    n_processes : int
        How many call it; one does by two threads.

    Returns
    -------
    results : context manager of iterator
        Of what it returns; what is not asked for is not begun in the end.

    Example
    -------
    >>> with mapped(abs, [-1, 2], n_processes=1) as results:
    ...     list(results)
    [1, 2]
    """
    executor, run = _executor(call, n_processes)
    with executor:
        # who has enough, or fails, must not wait for thousands of utterances
        try:
            yield executor.map(run, items, chunksize=_ITEMS_AT_ONCE)
        finally:
            executor.shutdown(cancel_futures=True)


def _executor(
    call: Callable[[Any], Any], n_processes: int
) -> tuple[Executor, Callable[[Any], Any]]:
    if n_processes == 1:
        return ThreadPoolExecutor(_THREADS), call
    # a forked child would inherit locks that threads of torch hold
    processes = ProcessPoolExecutor(
        n_processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_process,
        initargs=(call,),
    )
    return processes, _call_in_process


def _start_process(call: Callable[[Any], Any]) -> None:
    global _call
    _call = call
    torch.set_num_threads(1)
    # Ctrl-C reaches all processes; the first one ends the others
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the first one is gone, which may have been killed."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _call_in_process(item: Any) -> Any:
    return _call(item)
