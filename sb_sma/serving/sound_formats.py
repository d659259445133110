"""Sound in the formats of the answers, written while it is made.

Nothing that was sent is written again: the length at the head of a WAV file is
the largest there is, by which all read to its end; MP3 has a constant bit rate,
by which players know the length. Of FLAC, many read nothing without a length:
it is asked for at the beginning.
"""

import io
import struct
from typing import Protocol

import numpy as np
import soundfile
import torch

from sb_sma.serving.resampling import ResamplingStream

PCM_RATE = 24000
"""Of the formats whose rate is that of OpenAI's answers, in Hz."""

_FULL_SCALE = 32767
_UNKNOWN_LENGTH = 0xFFFFFFFF
_FLAC_NUMBERS = 18
# of 0 to 1, where 1 is the lowest bit rate: 96 kbit/s
_MP3_LEVEL = 0.4


class SoundWriter(Protocol):
    """Turns samples into a file, piece by piece.

    Arguments
    ---------
    sample_rate : int
        Of the samples, in Hz.
    n_samples : int, optional
        How many there will be, where `needs_length`.
    """

    media_type: str
    needs_length: bool

    def __init__(self, sample_rate: int, n_samples: int | None = None): ...

    def push(self, samples: torch.Tensor) -> bytes:
        """Write some samples.

        Arguments
        ---------
        samples : torch.Tensor
            In [-1, 1], (N,).

        Returns
        -------
        written : bytes
            What can be sent.
        """
        ...

    def finish(self) -> bytes:
        """Give the rest.

        Returns
        -------
        written : bytes
            To be sent.
        """
        ...


class _ResampledWriter:
    """What is at the rate of OpenAI's answers.

    Arguments
    ---------
    sample_rate : int
        Of what is written, in Hz.
    n_samples : int, optional
        How many there will be.
    """

    needs_length = False

    def __init__(self, sample_rate: int, n_samples: int | None = None):
        self._resampler = ResamplingStream(sample_rate, PCM_RATE)

    def push(self, samples: torch.Tensor) -> bytes:
        """Write some samples.

        Arguments
        ---------
        samples : torch.Tensor
            In [-1, 1], (N,).

        Returns
        -------
        written : bytes
            What can be sent.
        """
        return self._encode(self._resampler.push(samples))

    def finish(self) -> bytes:
        """Give the rest.

        Returns
        -------
        written : bytes
            To be sent.
        """
        return self._encode(self._resampler.finish()) + self._close()

    def _encode(self, samples: torch.Tensor) -> bytes:
        return _as_pcm(samples)

    def _close(self) -> bytes:
        return b""


class PcmWriter(_ResampledWriter):
    """Samples alone: 24 kHz, signed, 16 bits, little endian, mono."""

    media_type = "audio/pcm"


class WavWriter:
    """WAV of 16 bits at the rate of the model.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_samples : int, optional
        How many there will be.
    """

    media_type = "audio/wav"
    needs_length = False

    def __init__(self, sample_rate: int, n_samples: int | None = None):
        n_bytes = 2
        self._head = struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF",
            _UNKNOWN_LENGTH,
            b"WAVE",
            b"fmt ",
            16,
            1,
            1,
            sample_rate,
            sample_rate * n_bytes,
            n_bytes,
            8 * n_bytes,
            b"data",
            _UNKNOWN_LENGTH,
        )

    def push(self, samples: torch.Tensor) -> bytes:
        """Write some samples.

        Arguments
        ---------
        samples : torch.Tensor
            In [-1, 1], (N,).

        Returns
        -------
        written : bytes
            What can be sent.
        """
        if not len(samples):
            return b""
        head, self._head = self._head, b""
        return head + _as_pcm(samples)

    def finish(self) -> bytes:
        """Give the rest.

        Returns
        -------
        written : bytes
            The head, if there was no sound.
        """
        return self._head


class FlacWriter:
    """FLAC of 16 bits at the rate of the model.

    Arguments
    ---------
    sample_rate : int
        In Hz.
    n_samples : int, optional
        How many there will be.
    """

    media_type = "audio/flac"
    needs_length = True

    def __init__(self, sample_rate: int, n_samples: int | None = None):
        self._n_samples = n_samples or 0
        self._is_first = True
        self._sent = _SentFile()
        self._file = soundfile.SoundFile(
            self._sent, "w", sample_rate, 1, "PCM_16", format="FLAC"
        )

    def push(self, samples: torch.Tensor) -> bytes:
        """Write some samples.

        Arguments
        ---------
        samples : torch.Tensor
            In [-1, 1], (N,).

        Returns
        -------
        written : bytes
            What can be sent.
        """
        self._file.write(_as_integers(samples))
        written = bytearray(self._sent.take())
        if self._is_first and written:
            self._is_first = False
            # the last 36 bits of eight bytes in the block STREAMINFO
            (numbers,) = struct.unpack_from(">Q", written, _FLAC_NUMBERS)
            struct.pack_into(
                ">Q", written, _FLAC_NUMBERS, numbers | self._n_samples
            )
        return bytes(written)

    def finish(self) -> bytes:
        """Give the rest.

        Returns
        -------
        written : bytes
            To be sent.
        """
        self._file.close()
        return self._sent.take()


class Mp3Writer(_ResampledWriter):
    """MP3 at 24 kHz and a constant bit rate.

    Arguments
    ---------
    sample_rate : int
        Of what is written, in Hz.
    n_samples : int, optional
        How many there will be.
    """

    media_type = "audio/mpeg"

    def __init__(self, sample_rate: int, n_samples: int | None = None):
        super().__init__(sample_rate, n_samples)
        self._sent = _SentFile()
        self._file = soundfile.SoundFile(
            self._sent,
            "w",
            PCM_RATE,
            1,
            "MPEG_LAYER_III",
            format="MP3",
            compression_level=_MP3_LEVEL,
            bitrate_mode="CONSTANT",
        )

    def _encode(self, samples: torch.Tensor) -> bytes:
        self._file.write(samples.clamp(-1.0, 1.0).numpy())
        return self._sent.take()

    def _close(self) -> bytes:
        self._file.close()
        return self._sent.take()


WRITERS: dict[str, type[SoundWriter]] = {
    "mp3": Mp3Writer,
    "wav": WavWriter,
    "flac": FlacWriter,
    "pcm": PcmWriter,
}
"""By the name of the format."""


class _SentFile(io.RawIOBase):
    """A file that is sent while it is written.

    What goes back to bytes that were sent is lost, as it must be.
    """

    def __init__(self):
        self._unsent = bytearray()
        self._n_sent = 0
        self._place = 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def seekable(self) -> bool:
        """Say that another place can be chosen."""
        return True

    def tell(self) -> int:
        """Tell the place of what is written next."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Choose the place of what is written next."""
        starts = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._place,
            io.SEEK_END: self._n_sent + len(self._unsent),
        }
        self._place = starts[whence] + offset
        return self._place

    def write(self, data: bytes) -> int:
        """Take bytes, but for those of what is sent already."""
        start = self._place - self._n_sent
        new = memoryview(bytes(data))[max(-start, 0) :]
        start = max(start, 0)
        self._unsent[start : start + len(new)] = new
        self._place += len(data)
        return len(data)

    def take(self) -> bytes:
        """Return what is to be sent."""
        sent = bytes(self._unsent)
        self._n_sent += len(sent)
        self._unsent.clear()
        return sent


def _as_integers(samples: torch.Tensor) -> np.ndarray:
    whole = (samples.clamp(-1.0, 1.0) * _FULL_SCALE).round()
    return whole.to(torch.int16).numpy()


def _as_pcm(samples: torch.Tensor) -> bytes:
    return _as_integers(samples).astype("<i2").tobytes()
