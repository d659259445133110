"""PyTorch's random numbers, drawn by numpy.

On the CPU, PyTorch's generator is the Mersenne Twister, started as numpy's
``RandomState`` is: both give the same 32 bits for a seed. A number in [0, 1) is
made of the lower 24 of them; normal ones of pairs of these, 8 apart, by Box and
Muller's transform, which PyTorch computes in float32: equal to some 1e-6.
"""

import numpy as np

_BITS = 24
_APART = 8


class TorchRandom:
    """The numbers of a ``torch.Generator`` on the CPU.

    Arguments
    ---------
    seed : int
        As of its ``manual_seed``.

    Example
    -------
    >>> [f"{number:.4f}" for number in TorchRandom(seed=0).uniform(2)]
    ['0.4963', '0.7682']
    """

    def __init__(self, seed: int):
        # the generator heeds no more of it
        self._twister = np.random.RandomState(seed & 0xFFFFFFFF)

    def uniform(self, *shape: int) -> np.ndarray:
        """Draw what ``torch.rand`` does.

        Arguments
        ---------
        *shape : int
            Of the numbers.

        Returns
        -------
        numbers : np.ndarray
            In [0, 1), float32.
        """
        draws = self._twister.randint(0, 2**32, shape, dtype=np.uint32)
        kept = draws & np.uint32(2**_BITS - 1)
        return kept.astype(np.float32) * np.float32(2.0**-_BITS)

    def normal(self, *shape: int) -> np.ndarray:
        """Draw what ``torch.randn`` does.

        Arguments
        ---------
        *shape : int
            Of the numbers, of which there are a multiple of 16.

        Returns
        -------
        numbers : np.ndarray
            Standard normal, float32.
        """
        drawn = self.uniform(*shape).astype(np.float64)
        first, second = drawn.reshape(-1, 2, _APART).transpose(1, 0, 2)
        radius = np.sqrt(-2.0 * np.log(1.0 - first))
        angle = 2.0 * np.pi * second
        pairs = (radius * np.cos(angle), radius * np.sin(angle))
        return np.stack(pairs, axis=1).reshape(shape).astype(np.float32)
