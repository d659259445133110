"""Memory of large results on the CPU, handed on from one to the next.

The system clears fresh memory before it gives it away, which takes longer than
the recurrence itself; whether the C library keeps what was freed depends on all
that the process has freed before. The block of a large result that nobody holds
any more waits for the next one that fits, and is let go when one comes that is
larger, or very much smaller.
"""

import threading
import weakref

import numpy as np

_LARGE_BYTES = 1 << 20
_MOST_BLOCKS = 2  # an alignment, a gradient
_MOST_TIMES = 4  # as large as what it is used for

_waiting: list[np.ndarray] = []
_lock = threading.RLock()  # a collection may end a result at any time


def empty_like(array: np.ndarray) -> np.ndarray:
    """Make an array that is yet to be written.

    Arguments
    ---------
    array : np.ndarray
        Its shape and dtype are taken; contiguous.

    Returns
    -------
    result : np.ndarray
        Of unknown content.

    Example
    -------
    >>> empty_like(np.zeros((2, 3))).shape
    (2, 3)
    """
    if array.nbytes < _LARGE_BYTES:
        return np.empty_like(array)
    block = _take(array.nbytes)
    result = block[: array.nbytes].view(array.dtype).reshape(array.shape)
    weakref.finalize(result, _keep, block).atexit = False
    return result


def _take(n_bytes: int) -> np.ndarray:
    """Return a block that waits, or a new one."""
    with _lock:
        _waiting[:] = [
            block
            for block in _waiting
            if n_bytes <= block.nbytes <= _MOST_TIMES * n_bytes
        ]
        if _waiting:
            return _waiting.pop()
    # numpy asks the system for huge pages
    return np.empty(n_bytes, dtype=np.uint8)


def _keep(block: np.ndarray) -> None:
    """Let the block of a result that has ended wait."""
    with _lock:
        _waiting.append(block)
        _waiting.sort(key=len)
        del _waiting[:-_MOST_BLOCKS]
