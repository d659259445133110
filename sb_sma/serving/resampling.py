"""Sound at another rate, piece by piece: together the same as at once."""

import functools
import math

import torch
import torchaudio


class ResamplingStream:
    """Resamples sound that arrives in pieces.

    Arguments
    ---------
    rate : int
        Of what arrives, in Hz.
    new_rate : int
        Of what is given, in Hz.

    Example
    -------
    >>> sound = torch.rand(5000) - 0.5
    >>> stream = ResamplingStream(22050, 24000)
    >>> pieces = [stream.push(piece) for piece in sound.split(700)]
    >>> whole = torchaudio.functional.resample(sound, 22050, 24000)
    >>> given = torch.cat([*pieces, stream.finish()])
    >>> given.shape == whole.shape, bool((given - whole).abs().max() < 1e-5)
    (True, True)
    """

    def __init__(self, rate: int, new_rate: int):
        divisor = math.gcd(rate, new_rate)
        # of so many samples come so many, wherever they stand
        self._block, self._new_block = rate // divisor, new_rate // divisor
        self._resample = _resampler(rate, new_rate)
        n_context = getattr(self._resample, "width", 0)
        self._context = math.ceil(n_context / self._block) * self._block
        self._heard = torch.zeros(0)  # with context at its start
        self._n_before = 0

    def push(self, samples: torch.Tensor) -> torch.Tensor:
        """Take some samples.

        Arguments
        ---------
        samples : torch.Tensor
            On the CPU, (N,).

        Returns
        -------
        samples : torch.Tensor
            What can be said of all of them up to now, (N',); often fewer.
        """
        self._heard = torch.cat([self._heard, samples])
        stop = len(self._heard) - self._context
        stop -= stop % self._block
        if stop <= self._n_before:
            return samples.new_zeros(0)
        given = self._between(self._n_before, stop)
        kept = max(stop - self._context, 0)
        self._heard = self._heard[kept:]
        self._n_before = stop - kept
        return given

    def finish(self) -> torch.Tensor:
        """Give the rest.

        Returns
        -------
        samples : torch.Tensor
            (N',).
        """
        if not len(self._heard):
            return self._heard
        return self._between(self._n_before, None)

    def _between(self, start: int, stop: int | None) -> torch.Tensor:
        """Resample what lies between two ends of blocks."""
        resampled = self._resample(self._heard)
        new_start = start // self._block * self._new_block
        if stop is None:
            return resampled[new_start:]
        return resampled[new_start : stop // self._block * self._new_block]


@functools.cache
def _resampler(rate: int, new_rate: int) -> torchaudio.transforms.Resample:
    """Make a kernel once, which takes longer than to use it."""
    return torchaudio.transforms.Resample(rate, new_rate)
