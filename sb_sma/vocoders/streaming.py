"""A waveform piece by piece, while its mel is being made.

Where a sample depends on ``reach`` frames before and after its own, a vocoder
is given these beside the new ones, and what it makes of them is dropped: the
pieces are then the whole. One that goes over the whole again and again, as
Griffin-Lim does, states no such number: its pieces overlap, and one fades into
the next. They are near the whole, and not equal to it.
"""

from collections.abc import Callable

import torch

# frames, for a vocoder without reach
_CONTEXT = 32
_FADE = 4


class WaveformStream:
    """Makes sound of a mel that arrives in chunks.

    Arguments
    ---------
    vocoder : Callable
        As of `make_vocoder`.
    hop_length : int
        Samples from one frame to the next.
    least_frames : int
        Frames of a piece, at least, but for the last.

    Example
    -------
    >>> from sb_sma.data.speech.mel import GriffinLim
    >>> stream = WaveformStream(GriffinLim(iterations=1), hop_length=256)
    >>> mel = torch.full((200, 80), -11.5)
    >>> pieces = [stream.push(chunk) for chunk in mel.split(20)]
    >>> len(torch.cat([*pieces, stream.finish()])) == 199 * 256
    True
    """

    def __init__(
        self,
        vocoder: Callable[[torch.Tensor], torch.Tensor],
        hop_length: int,
        least_frames: int = 1,
    ):
        reach = getattr(vocoder, "reach", None)
        self._vocoder = vocoder
        self._hop_length = hop_length
        self._context = _CONTEXT if reach is None else max(reach, 1)
        self._least = (
            least_frames if reach is not None else (max(least_frames, _CONTEXT))
        )
        self._n_fading = 0 if reach is not None else _FADE * hop_length
        self._frames: torch.Tensor | None = None
        self._n_spoken = 0  # of these frames
        self._fading = torch.zeros(0)  # of the piece before

    def push(self, mel: torch.Tensor) -> torch.Tensor:
        """Take some frames.

        Arguments
        ---------
        mel : torch.Tensor
            Natural-log mel, (M', C).

        Returns
        -------
        samples : torch.Tensor
            What can be said of all frames up to now, (N',); often none.
        """
        if self._frames is not None:
            mel = torch.cat([self._frames, mel])
        self._frames = mel
        stop = len(mel) - self._context
        if stop - self._n_spoken < self._least:
            return mel.new_zeros(0)
        samples = self._speak()
        end = stop * self._hop_length
        piece = self._faded_in(samples[:end])
        self._fading = samples[end : end + self._n_fading]
        start = max(stop - self._context, 0)
        self._frames, self._n_spoken = mel[start:], stop - start
        return piece

    def finish(self) -> torch.Tensor:
        """Say the rest.

        Returns
        -------
        samples : torch.Tensor
            (N',).
        """
        if self._frames is None:
            return torch.zeros(0)
        return self._faded_in(self._speak())

    @torch.no_grad()
    def _speak(self) -> torch.Tensor:
        """All that is to be heard of the frames, and some that was."""
        return self._vocoder(self._frames)

    def _faded_in(self, samples: torch.Tensor) -> torch.Tensor:
        """Drop what was heard, and let the piece before fade out."""
        new = samples[self._n_spoken * self._hop_length :]
        old = self._fading[: len(new)].to(new)
        rise = torch.linspace(0, 1, len(old), device=new.device)
        start = torch.lerp(old, new[: len(old)], rise)
        return torch.cat([start, new[len(old) :]])
