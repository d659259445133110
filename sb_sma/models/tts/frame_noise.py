"""Noise that belongs to a seed and a frame, however the frames come."""

import torch

_BLOCK_FRAMES = 64


class FrameNoise:
    """Standard normal noise, frame after frame.

    The same for all items of a batch, and for a mel that is made at once or
    piece by piece: one sounds the same in any company.

    Arguments
    ---------
    n_mels : int
        Mel channels C.
    seed : int, optional
        Default: another one each time.

    Example
    -------
    >>> whole = FrameNoise(n_mels=80, seed=0).take(100)
    >>> noise = FrameNoise(n_mels=80, seed=0)
    >>> bool((torch.cat((noise.take(30), noise.take(70))) == whole).all())
    True
    """

    def __init__(self, n_mels: int, seed: int | None = None):
        self.generator = torch.Generator()
        if seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(seed)
        self._rest = torch.zeros(0, n_mels)

    def take(self, n_frames: int) -> torch.Tensor:
        """Give the noise of the next frames.

        Arguments
        ---------
        n_frames : int
            How many.

        Returns
        -------
        noise : torch.Tensor
            On the CPU, (n_frames, C).
        """
        n_mels = self._rest.shape[1]
        # what a generator gives depends on how much it is asked for at a time
        while len(self._rest) < n_frames:
            block = torch.randn(_BLOCK_FRAMES, n_mels, generator=self.generator)
            self._rest = torch.cat((self._rest, block))
        noise, self._rest = self._rest.tensor_split([n_frames])
        return noise
