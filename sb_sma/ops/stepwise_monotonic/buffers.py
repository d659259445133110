"""Memory of large results on the CPU, handed on from one to the next.

The system clears fresh memory before it gives it away, which takes longer than
the recurrence itself; the C library reuses what is below 32 MiB only. The
block of a large result that nobody holds any more waits for the next one of
its size, and is let go when another size comes.
"""

import threading
import weakref

import numpy as np

_LARGE_BYTES = 32 << 20
_MOST_BLOCKS = 2  # an alignment, a gradient

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
    result = block.view(array.dtype).reshape(array.shape)
    weakref.finalize(result, _keep, block).atexit = False
    return result


def _take(n_bytes: int) -> np.ndarray:
    """Return a block that waits, or a new one."""
    with _lock:
        if _waiting and _waiting[-1].nbytes == n_bytes:
            return _waiting.pop()
        _waiting.clear()
    # numpy asks the system for huge pages
    return np.empty(n_bytes, dtype=np.uint8)


def _keep(block: np.ndarray) -> None:
    """Let the block of a result that has ended wait."""
    with _lock:
        if _waiting and _waiting[-1].nbytes != block.nbytes:
            _waiting.clear()
        if len(_waiting) < _MOST_BLOCKS:
            _waiting.append(block)
