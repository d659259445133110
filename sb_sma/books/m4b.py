"""An audiobook in one file with marks at its chapters, by ffmpeg or PyAV."""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

_BIT_RATE = 64_000
_BLOCK = 1 << 16  # samples
_MILLISECONDS = Fraction(1, 1000)


@dataclass(frozen=True)
class ChapterSound:
    """A chapter that has been spoken.

    Arguments
    ---------
    title : str
        Of the chapter.
    parts : sequence of Path
        WAV files, one after the other.
    seconds : float
        How long they last together.
    """

    title: str
    parts: Sequence[Path]
    seconds: float


Encoder = Callable[[Path, dict[str, str], Sequence[ChapterSound]], None]


def find_encoder() -> Encoder | None:
    """Find what can write an M4B file on this machine.

    Returns
    -------
    encoder : Callable, optional
        Called with the file, its metadata and the chapters; None if there is
        neither ffmpeg nor PyAV.
    """
    if shutil.which("ffmpeg"):
        return encode_by_ffmpeg
    if importlib.util.find_spec("av"):
        return encode_by_pyav
    return None


def encode_by_ffmpeg(
    path: Path, metadata: dict[str, str], chapters: Sequence[ChapterSound]
) -> None:
    """Write an M4B file by the program ffmpeg.

    Arguments
    ---------
    path : Path
        The file.
    metadata : dict of str to str
        Such as title and artist.
    chapters : sequence of ChapterSound
        At least one.

    Raises
    ------
    OSError
        If ffmpeg fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        sounds, marks = Path(folder) / "sounds.txt", Path(folder) / "marks.txt"
        sounds.write_text(_list_for_ffmpeg(chapters), encoding="utf-8")
        marks.write_text(_marks_for_ffmpeg(metadata, chapters), "utf-8")
        command = (
            ["ffmpeg", "-nostdin", "-v", "error", "-y"]
            + ["-f", "concat", "-safe", "0", "-i", str(sounds)]
            + ["-f", "ffmetadata", "-i", str(marks)]
            + ["-map", "0:a", "-map_metadata", "1", "-map_chapters", "1"]
            + ["-c:a", "aac", "-b:a", str(_BIT_RATE)]
            + ["-movflags", "+faststart", "-f", "mp4", str(path)]
        )
        done = subprocess.run(
            command, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise OSError(
            f"ffmpeg could not write {path}: {done.stderr.strip()[-300:]}"
        )


def _list_for_ffmpeg(chapters: Sequence[ChapterSound]) -> str:
    paths = [part for chapter in chapters for part in chapter.parts]
    quoted = [str(path.absolute()).replace("'", "'\\''") for path in paths]
    return "".join(f"file '{each}'\n" for each in quoted)


def _marks_for_ffmpeg(
    metadata: dict[str, str], chapters: Sequence[ChapterSound]
) -> str:
    lines = [";FFMETADATA1"]
    lines += [f"{key}={_escaped(value)}" for key, value in metadata.items()]
    for title, start, end in _marks(chapters):
        lines += ["[CHAPTER]", "TIMEBASE=1/1000"]
        lines += [f"START={start}", f"END={end}", f"title={_escaped(title)}"]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    for character in "\\=;#\n":
        value = value.replace(character, f"\\{character}")
    return value


def _marks(chapters: Sequence[ChapterSound]) -> list[tuple[str, int, int]]:
    """Return title, start and end of each chapter, in milliseconds."""
    marks, start = [], 0.0
    for chapter in chapters:
        end = start + chapter.seconds
        marks.append((chapter.title, round(1000 * start), round(1000 * end)))
        start = end
    return marks


def encode_by_pyav(
    path: Path, metadata: dict[str, str], chapters: Sequence[ChapterSound]
) -> None:
    """Write an M4B file by the package PyAV.

    Arguments
    ---------
    path : Path
        The file.
    metadata : dict of str to str
        Such as title and artist.
    chapters : sequence of ChapterSound
        At least one.

    Raises
    ------
    OSError
        If PyAV fails.
    """
    import av
    import soundfile

    paths = [part for chapter in chapters for part in chapter.parts]
    sample_rate = soundfile.info(paths[0]).samplerate
    with av.open(str(path), "w", format="mp4") as container:
        container.metadata.update(metadata)
        stream = container.add_stream("aac", rate=sample_rate, layout="mono")
        stream.bit_rate = _BIT_RATE
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": start,
                    "end": end,
                    "time_base": _MILLISECONDS,
                    "metadata": {"title": title},
                }
                for number, (title, start, end) in enumerate(_marks(chapters))
            ]
        )
        done = 0
        for part in paths:
            for block in soundfile.blocks(part, _BLOCK, dtype="float32"):
                frame = av.AudioFrame.from_ndarray(
                    block[None], format="fltp", layout="mono"
                )
                frame.sample_rate = sample_rate
                frame.pts = done
                done += len(block)
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
