"""Sound files that are written while their sound is made."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sb_sma.cli.paths import complete_or_absent

if TYPE_CHECKING:
    import soundfile


@contextlib.contextmanager
def open_wav(path: Path, sample_rate: int) -> "Iterator[soundfile.SoundFile]":
    """Open a WAV file that appears under its name when all is written.

    Arguments
    ---------
    path : Path
        Its name. A pipe gets all of it at the end.
    sample_rate : int
        In Hz.

    Returns
    -------
    sound : context manager of soundfile.SoundFile
        To write samples to.

    Raises
    ------
    OSError
        If it cannot be written.

    Example
    -------
    >>> path = getfixture("tmp_path") / "out.wav"
    >>> with open_wav(path, 22050) as sound:
    ...     sound.write([0.0, 0.5])
    ...     path.exists()
    False
    >>> path.stat().st_size
    48
    """
    import soundfile

    with complete_or_absent(path) as file:
        seekable = file.seekable()
        target = file if seekable else io.BytesIO()
        with soundfile.SoundFile(
            target, "w", sample_rate, 1, format="WAV"
        ) as sound:
            yield sound
        if not seekable:
            file.write(target.getbuffer())
