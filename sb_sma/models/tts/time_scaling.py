"""Speech at another pace: its mel stretched or shortened in time.

Frames are interpolated linearly, so that every part of an utterance, pauses
included, lasts 1 / pace of its time, while pitch and timbre stay.
"""

import torch

from sb_sma.models.tts.pace import scaled_length


def scale_time(
    frames: torch.Tensor, pace: float, interpolate: bool = True
) -> torch.Tensor:
    """Stretch or shorten frames in time.

    Arguments
    ---------
    frames : torch.Tensor
        (M, ...), such as a mel (M, C).
    pace : float
        Above 1 is faster.
    interpolate : bool
        Whether to mix the two frames beside, or to take the nearer one.

    Returns
    -------
    scaled : torch.Tensor
        (M', ...), M' = `scaled_length` of M; the same tensor at pace 1.

    Example
    -------
    >>> scale_time(torch.arange(4.0), pace=2.0)
    tensor([0.5000, 2.5000])
    """
    if pace == 1:
        return frames
    places = _places(0, scaled_length(len(frames), pace), pace)
    return _take(frames, places if interpolate else places.round())


class TimeScaler:
    """Does what `scale_time` does to frames that come one after the other.

    Arguments
    ---------
    pace : float
        Above 1 is faster.

    Example
    -------
    >>> scaler = TimeScaler(pace=0.5)
    >>> scaler.push(torch.tensor([0.0, 4.0])), scaler.finish()
    (tensor([0., 1., 3.]), tensor([4.]))
    """

    def __init__(self, pace: float):
        self.pace = pace
        self._kept: torch.Tensor | None = None
        self._first = 0  # of all frames, which one is the first of those kept
        self._n_made = 0

    def push(self, frames: torch.Tensor) -> torch.Tensor:
        """Take the next frames.

        Arguments
        ---------
        frames : torch.Tensor
            (M, ...), at least one.

        Returns
        -------
        scaled : torch.Tensor
            What no later frame changes, (M', ...); may be empty.
        """
        if self._kept is not None:
            frames = torch.cat((self._kept, frames))
        self._kept = frames
        last = self._first + len(frames) - 1
        scaled = self._make(int((last + 0.5) / self.pace + 0.5))
        needed = int(max(_places(self._n_made, self._n_made + 1, self.pace), 0))
        dropped = min(needed - self._first, len(frames) - 1)
        self._kept, self._first = frames[dropped:], self._first + dropped
        return scaled

    def finish(self) -> torch.Tensor:
        """End the frames.

        Returns
        -------
        scaled : torch.Tensor
            The rest, (M', ...); may be empty.
        """
        n_frames = self._first + len(self._kept)
        return self._make(scaled_length(n_frames, self.pace))

    def _make(self, stop: int) -> torch.Tensor:
        """Make the scaled frames up to one."""
        places = _places(self._n_made, stop, self.pace) - self._first
        self._n_made = max(stop, self._n_made)
        return _take(self._kept, places)


def _places(start: int, stop: int, pace: float) -> torch.Tensor:
    """Say where the middle of each scaled frame was, in frames."""
    # float64 holds any place exactly enough, and not every device has it
    return (torch.arange(start, stop, dtype=torch.float64) + 0.5) * pace - 0.5


def _take(frames: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Mix the frames beside each place."""
    places = places.clamp(0, len(frames) - 1)
    below = places.long()
    weights = (places - below).to(frames)
    weights = weights.view(-1, *[1] * (frames.dim() - 1))
    below = below.to(frames.device)
    above = (below + 1).clamp(max=len(frames) - 1)
    return torch.lerp(frames[below], frames[above], weights)
