"""Where one passage ends and the next begins: a silence of a stated length.

What is quiet at the end of a passage is held back until it is known whether
something follows: then it is the end no more, or it is cut, or continued, to
the length that is wanted.
"""

import torch

from sb_sma.models.tts.synthesis import LOG_FLOOR

_QUIET = 0.01
"""Of the mean amplitude of the loudest frame before: -40 dB."""


class Joint:
    """Ends a mel that arrives in chunks.

    Arguments
    ---------
    n_frames : int
        Quiet frames at the end.

    Example
    -------
    >>> joint = Joint(n_frames=3)
    >>> loud, quiet = torch.full((4, 80), -1.0), torch.full((2, 80), -9.0)
    >>> len(joint.push(torch.cat([loud, quiet]))), len(joint.push(loud))
    (4, 6)
    >>> len(joint.finish())
    3
    """

    def __init__(self, n_frames: int):
        self._n_frames = n_frames
        self._held: torch.Tensor | None = None
        self._loudest: torch.Tensor | None = None

    def push(self, mel: torch.Tensor) -> torch.Tensor:
        """Take the next frames.

        Arguments
        ---------
        mel : torch.Tensor
            Natural-log mel, at least one frame, (M', C).

        Returns
        -------
        mel : torch.Tensor
            What is not the end, (M'', C).
        """
        amplitude = mel.exp().mean(1)
        before = amplitude.cummax(0).values
        if self._loudest is not None:
            before = before.maximum(self._loudest)
        self._loudest = before[-1]
        loud = (amplitude > _QUIET * before).nonzero()[:, 0]
        if self._held is not None:
            loud = loud + len(self._held)
            mel = torch.cat([self._held, mel])
        stop = int(loud[-1]) + 1 if len(loud) else 0
        self._held = mel[stop:]
        return mel[:stop]

    def finish(self) -> torch.Tensor:
        """End a mel that has begun.

        Returns
        -------
        mel : torch.Tensor
            The quiet frames, (M', C).
        """
        quiet = self._held[: self._n_frames]
        missing = self._n_frames - len(quiet)
        floor = quiet.new_full((missing, quiet.shape[1]), LOG_FLOOR)
        return torch.cat([quiet, floor])


def end_with(mel: torch.Tensor, n_frames: int | None) -> torch.Tensor:
    """End a mel with a number of quiet frames.

    Arguments
    ---------
    mel : torch.Tensor
        Natural-log mel, (M, C).
    n_frames : int, optional
        Quiet frames at the end. Default: as they are.

    Returns
    -------
    mel : torch.Tensor
        (M', C).

    Example
    -------
    >>> len(end_with(torch.full((4, 80), -1.0), 3))
    7
    """
    if n_frames is None:
        return mel
    joint = Joint(n_frames)
    return torch.cat([joint.push(mel), joint.finish()])
