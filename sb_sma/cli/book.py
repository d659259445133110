"""``sb-sma book``: a text or an EPUB to an audiobook."""

import argparse
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sb_sma.books.chapters import Book, Paragraph
from sb_sma.books.epub import read_epub
from sb_sma.books.kinds import is_archive, refuse_other_kinds
from sb_sma.books.m4b import ChapterSound, Encoder, find_encoder
from sb_sma.books.plain import chapters_of_text
from sb_sma.cli.lines import decode_line, open_lines, tell
from sb_sma.cli.paths import (
    add_trust,
    check_model,
    check_not_read,
    check_readable,
    check_writable,
    complete_or_absent,
)
from sb_sma.cli.sound import open_wav
from sb_sma.cli.synthesize import add_manner_arguments
from sb_sma.data.corpus.digests import sha256_of
from sb_sma.extras import command_for
from sb_sma.torch_pair import check_torch_pair
from sb_sma.vocoders.source import check_vocoder_source

if TYPE_CHECKING:
    from sb_sma.books.subtitles import Cue
    from sb_sma.inference import TTS

HELP = "Speak a book, with chapters and subtitles."
_EXAMPLES = """examples:
  sb-sma book novel.epub --model DIR --out novel.m4b
  sb-sma book novel.txt --model DIR --out novel/
  sb-sma book novel.epub --list

A run that was killed goes on when its command is given again.
"""
# a part of the sound that is made at once, and is not made again
_PART_CHARACTERS = 3000
# seconds
_PARAGRAPH_PAUSE, _SCENE_PAUSE, _CHAPTER_PAUSE = 0.5, 1.0, 1.5
_SHOWN_UNSAID = 20
_CHAPTER_SUFFIXES = (".flac", ".srt")
_LONGEST_NAME = 60
_FORMAT = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "file", metavar="FILE", help="EPUB, or text in UTF-8 or Markdown"
    )
    parser.add_argument(
        "--model",
        help="folder that a training run exported, or a repository on a hub; "
        "only --list does without",
    )
    add_trust(parser)
    parser.add_argument(
        "--out",
        type=Path,
        help="file ending in .m4b, for which ffmpeg or the package av is "
        "needed; or a folder, which gets a FLAC file for each chapter",
    )
    parser.add_argument(
        "--list",
        action="store_true",
        help="show the chapters, with --model what would be passed over, and end",
    )
    add_manner_arguments(parser, seed=0)


def run(arguments: argparse.Namespace) -> None:
    """Read the book, speak it part by part, and put the parts together.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ValueError
        If the file holds no book, there is no such model, or none is given,
        or the parts that are there are of another.
    OSError
        If a file cannot be read or written.
    """
    check_readable("FILE", arguments.file)
    if not arguments.list:
        _check_output(arguments)
        if arguments.model is None:
            raise ValueError(
                "--model must name a folder that a training run exported, or a "
                "repository on a hub; got none. --list shows the chapters "
                "without it."
            )
    if arguments.model is not None:
        check_model(arguments.model)
    if arguments.vocoder_source is not None:
        check_vocoder_source(arguments.vocoder_source)
    book = _read(Path(arguments.file))
    for problem in book.problems:
        tell(f"passed over: {problem}")
    if arguments.list:
        _show(book)
        if arguments.model is None:
            return
    # torch takes seconds to load: mistakes above are told at once
    check_torch_pair()
    from sb_sma.inference import TTS

    tts = TTS.from_hparams(
        source=arguments.model,
        trusted=arguments.trust_model,
        vocoder=arguments.vocoder,
        vocoder_source=arguments.vocoder_source,
    )
    if arguments.list:
        _tell_unspeakable(tts, book, arguments.pace)
        return
    encoder, out = _choose_encoder(arguments.out)
    if encoder is None:
        _check_own(out, book)
    manner = {
        "mode": arguments.mode,
        "pace": arguments.pace,
        "seed": arguments.seed,
        "speaker": arguments.speaker,
    }
    # an unknown speaker, say, is told before anything is written
    tts.narrate("a", **manner)
    folder = out.with_name(f"{out.name}.parts")
    plan = {
        "format": _FORMAT,
        "book": sha256_of(arguments.file),
        "model": _identity_of(arguments.model),
        "vocoder": [arguments.vocoder, str(arguments.vocoder_source)],
        **manner,
    }
    _begin(folder, plan)
    parts = list(_cut_into_parts(book, folder))
    _speak_parts(tts, parts, manner)
    if not any(part.notes()["seconds"] for part in parts):
        raise ValueError(f"nothing in {arguments.file} can be spoken.")
    _put_together(book, parts, encoder, out)
    _report(book, parts, out)
    shutil.rmtree(folder)


@dataclass(frozen=True)
class _Part:
    """Paragraphs of one chapter that are spoken together."""

    chapter: int
    paragraphs: tuple[Paragraph, ...]
    is_last: bool  # of its chapter
    path: Path  # of its sound

    @property
    def length(self) -> int:
        """Characters."""
        return sum(len(each.text) for each in self.paragraphs)

    @property
    def notes_path(self) -> Path:
        """Of what is known of it, written last."""
        return self.path.with_suffix(".json")

    def notes(self) -> dict[str, Any]:
        """Return what is known of it."""
        return json.loads(self.notes_path.read_text(encoding="utf-8"))


def _check_output(arguments: argparse.Namespace) -> None:
    out = arguments.out
    if out is None:
        raise ValueError(
            "--out must name a file ending in .m4b, or a folder; got none. "
            "--list shows the chapters without it."
        )
    is_file = out.suffix.lower() == ".m4b"
    check_writable(out / "chapter" if out.is_dir() and not is_file else out)
    if out.is_file() and not is_file:
        raise ValueError(
            f"--out must end in .m4b, or be a folder; {out} is another file."
        )
    outputs = [("--out", out)]
    if is_file:
        subtitles = out.with_suffix(".srt")
        check_writable(subtitles)
        outputs.append(("--out", subtitles))
    check_not_read(outputs, [("FILE", arguments.file)])


def _read(path: Path) -> Book:
    """Read an EPUB, which is a ZIP archive, or a text."""
    refuse_other_kinds(path)
    if is_archive(path) or path.suffix.lower() == ".epub":
        book = read_epub(path)
    else:
        book = _read_text(path)
    if not book.chapters:
        raise ValueError(
            f"{path} holds nothing to speak. Give an EPUB, or a text."
        )
    return book


def _read_text(path: Path) -> Book:
    problems: list[str] = []
    is_ascii = True

    def good(
        numbered: Iterable[tuple[int, bytes]],
    ) -> Iterator[tuple[int, str]]:
        """Yield lines that can be read."""
        nonlocal is_ascii
        for number, line in numbered:
            try:
                text = decode_line(line)
            except ValueError as error:
                problems.append(f"{path}:{number}: {error}")
            else:
                is_ascii &= text.isascii()
                yield number, text

    with open_lines(str(path), "a text", "FILE") as lines:
        book = chapters_of_text(good(lines), path.stem, str(path))
    # a few bad bytes in a text in UTF-8 are passed over
    if problems and is_ascii:
        raise ValueError(
            f"{problems[0]} (first of {len(problems)} such line(s))."
        )
    book.problems += problems
    return book


def _choose_encoder(out: Path) -> tuple[Encoder | None, Path]:
    """Return what writes an M4B file, and where; a folder without."""
    if out.suffix.lower() != ".m4b":
        return None, out
    encoder = find_encoder()
    if encoder is None:
        folder = out.with_suffix("")
        if folder.exists() and not folder.is_dir():
            raise ValueError(
                f"{out} needs ffmpeg or the package av "
                f"({command_for('text')}), and there is neither; the folder "
                f"{folder}, which would be made instead, is a file. Give "
                "another --out."
            )
        tell(
            f"there is neither ffmpeg nor the package av "
            f"({command_for('text')}), which write {out}: the folder {folder} gets a "
            "file for each chapter"
        )
        return None, folder
    return encoder, out


def _check_own(folder: Path, book: Book) -> None:
    """Refuse a folder in which another book is, which would mix with this."""
    names = _chapter_names(book)
    for path in sorted(folder.glob("*")):
        if path.suffix in _CHAPTER_SUFFIXES and path.stem not in names:
            raise ValueError(
                f"{folder} must hold no sound but that of {book.title}; got "
                f"{path.name}. Give another --out, or move it."
            )


def _chapter_names(book: Book) -> list[str]:
    """Return the names of the chapters' files, which are in order."""
    width = len(str(len(book.chapters)))
    return [
        f"{number:0{width}} {_file_name(chapter.title)}".strip()
        for number, chapter in enumerate(book.chapters, start=1)
    ]


def _identity_of(model: str) -> str:
    """Tell one exported model from another; a hub's by its name."""
    yaml = Path(model) / "hyperparams.yaml"
    if not yaml.is_file():
        return model
    weights = sorted(Path(model).glob("*.safetensors"))
    return " ".join(sha256_of(path) for path in (yaml, *weights))


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    """Make the folder of the parts, or find that it is of this very book."""
    path = folder / "plan.json"
    if path.is_file():
        try:
            found = dict(json.loads(path.read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is damaged. Remove {folder}, and the book is spoken "
                "from its beginning."
            ) from error
        differing = [key for key in plan if found.get(key) != plan[key]]
        if differing:
            raise ValueError(
                f"{folder} holds parts that were made otherwise "
                f"({', '.join(differing)}). Give the same command again to go "
                "on, another --out, or remove the folder."
            )
        tell(f"going on with what is in {folder}")
        return
    if folder.exists() and not _is_left_by_a_kill(folder):
        raise ValueError(
            f"{folder} is in the way: it holds no plan of a book. Move it, or "
            "give another --out."
        )
    folder.mkdir(exist_ok=True)
    with complete_or_absent(path) as file:
        file.write(json.dumps(plan, indent=1).encode())


def _is_left_by_a_kill(folder: Path) -> bool:
    """Tell whether it holds at most a plan that was being written."""
    return folder.is_dir() and all(
        each.name.startswith(".sb-sma-") for each in folder.iterdir()
    )


def _cut_into_parts(book: Book, folder: Path) -> Iterator[_Part]:
    number = 0
    for index, chapter in enumerate(book.chapters):
        groups: list[list[Paragraph]] = [[]]
        length = 0
        for paragraph in chapter.paragraphs:
            length += len(paragraph.text)
            if groups[-1] and length > _PART_CHARACTERS:
                groups.append([])
                length = len(paragraph.text)
            groups[-1].append(paragraph)
        for position, group in enumerate(groups, start=1):
            number += 1
            path = folder / f"{number:05}.wav"
            last = position == len(groups)
            yield _Part(index, tuple(group), last, path)


def _speak_parts(
    tts: "TTS", parts: Sequence[_Part], manner: dict[str, Any]
) -> None:
    """Speak what is not there yet."""
    from tqdm import tqdm

    waiting = [part for part in parts if not part.notes_path.is_file()]
    total = sum(part.length for part in parts)
    done = total - sum(part.length for part in waiting)
    with tqdm(total=total, initial=done, unit="char", unit_scale=True) as bar:
        for part in waiting:
            end = bar.n + part.length
            _speak_part(tts, part, manner, bar.update)
            # markup and what is passed over are not said
            bar.update(end - bar.n)


def _speak_part(
    tts: "TTS",
    part: _Part,
    manner: dict[str, Any],
    advance: Callable[[int], object],
) -> None:
    """Write the sound of a part, and then what is known of it.

    Characters that have been said are told on the way.
    """
    from sb_sma.books.subtitles import make_cues

    texts: list[str] = []
    passed_over: list[str] = []
    # from the last one, after which the pause of a chapter comes
    pause = _CHAPTER_PAUSE if part.is_last else _PARAGRAPH_PAUSE
    for paragraph in reversed(part.paragraphs):
        if paragraph.ends_scene:
            pause = max(pause, _SCENE_PAUSE)
        text = _with_pause(paragraph, pause)
        try:
            tts.check_text(text, manner["pace"])
        except ValueError as error:
            passed_over.insert(0, _told(paragraph, error))
        else:
            texts.insert(0, text)
            pause = _PARAGRAPH_PAUSE
    for problem in passed_over:
        tell(problem)
    settings = tts.hparams.mel_settings
    kept: list[tuple[float, float, str, Any]] = []
    seconds, finished, spoken_again = 0.0, True, 0
    with open_wav(part.path, settings.sample_rate) as sound:
        if texts:
            passages = tts.narrate(texts, **manner)

            def noted() -> Iterator[Any]:
                """Keep what is known of each passage."""
                nonlocal seconds, finished, spoken_again
                for _, spoken in passages:
                    start = seconds
                    seconds += len(spoken.mel) * settings.seconds_per_frame
                    finished &= spoken.finished
                    spoken_again += spoken.spoken_again
                    advance(len(spoken.text))
                    for _, timing in spoken.timings:
                        kept.append((start, seconds, spoken.text, timing))
                    yield spoken

            for samples in tts.to_sound(noted()):
                sound.write(samples.cpu().numpy())
        exact = sound.frames / settings.sample_rate
    cues: list[Cue] = []
    unsaid = []
    for start, end, spoken_text, timing in kept:
        words = timing.words()
        cues += make_cues(spoken_text, words, start, end)
        unsaid += [[start + w.start, w.text] for w in words if not w.said]
    notes = {
        "seconds": exact,
        "cues": cues,
        "unsaid": unsaid,
        "passed_over": passed_over,
        "finished": finished,
        "spoken_again": spoken_again,
    }
    with complete_or_absent(part.notes_path) as file:
        file.write(json.dumps(notes, ensure_ascii=False).encode())


def _told(paragraph: Paragraph, error: ValueError) -> str:
    return f"passed over: {paragraph.place}: {error}"


def _with_pause(paragraph: Paragraph, seconds: float) -> str:
    return f'{paragraph.text}<break time="{seconds}s"/>'


def _put_together(
    book: Book, parts: Sequence[_Part], encoder: Encoder | None, out: Path
) -> None:
    """Write the audiobook, and its subtitles."""
    from sb_sma.books.subtitles import Cue, format_srt

    chapters: list[ChapterSound] = []
    cues: list[list[Cue]] = []
    for index, chapter in enumerate(book.chapters):
        own = [part for part in parts if part.chapter == index]
        cues.append([])
        start = 0.0
        for part in own:
            notes = part.notes()
            cues[-1] += [
                Cue(start + begin, start + end, text)
                for begin, end, text in notes["cues"]
            ]
            start += notes["seconds"]
        paths = [part.path for part in own]
        chapters.append(ChapterSound(chapter.title, paths, start))
    if encoder is None:
        _write_chapters(_chapter_names(book), chapters, cues, out)
        return
    metadata = {"title": book.title, "genre": "Audiobook"}
    if book.author:
        metadata["artist"] = metadata["album_artist"] = book.author
    new = out.with_name(f"{out.name}.parts") / "book.m4b"
    encoder(new, metadata, chapters)
    starts = [0.0]
    for chapter in chapters:
        starts.append(starts[-1] + chapter.seconds)
    shifted = [
        Cue(start + cue.start, start + cue.end, cue.text)
        for start, own in zip(starts, cues)
        for cue in own
    ]
    _write_text(out.with_suffix(".srt"), format_srt(shifted))
    new.replace(out)


def _write_chapters(
    names: Sequence[str],
    chapters: Sequence[ChapterSound],
    cues: "Sequence[Sequence[Cue]]",
    out: Path,
) -> None:
    """Write a file for each chapter."""
    import soundfile

    from sb_sma.books.subtitles import format_srt

    out.mkdir(exist_ok=True)
    sound_suffix, text_suffix = _CHAPTER_SUFFIXES
    for name, chapter, own in zip(names, chapters, cues):
        rate = soundfile.info(chapter.parts[0]).samplerate
        with (
            complete_or_absent(out / f"{name}{sound_suffix}") as file,
            soundfile.SoundFile(file, "w", rate, 1, format="FLAC") as sound,
        ):
            for part in chapter.parts:
                for block in soundfile.blocks(part, 1 << 16, dtype="int16"):
                    sound.write(block)
        _write_text(out / f"{name}{text_suffix}", format_srt(own))


def _file_name(title: str) -> str:
    """Return what every system takes as the name of a file."""
    kept = re.sub(r"[^\w ,'’()&+-]+", " ", title)
    return " ".join(kept.split())[:_LONGEST_NAME].strip()


def _write_text(path: Path, text: str) -> None:
    with complete_or_absent(path) as file:
        file.write(text.encode())


def _show(book: Book) -> None:
    """Print the chapters."""
    print(f"{book.title}" + (f", by {book.author}" if book.author else ""))
    for number, chapter in enumerate(book.chapters, start=1):
        length = sum(len(each.text) for each in chapter.paragraphs)
        print(f"{number:4}  {length:8} characters  {chapter.title}")


def _tell_unspeakable(tts: "TTS", book: Book, pace: float) -> None:
    """Tell what would be passed over."""
    for chapter in book.chapters:
        for paragraph in chapter.paragraphs:
            try:
                tts.check_text(_with_pause(paragraph, _PARAGRAPH_PAUSE), pace)
            except ValueError as error:
                tell(_told(paragraph, error))


def _report(book: Book, parts: Sequence[_Part], out: Path) -> None:
    """Say what is there, and what of the book is not in it."""
    seconds, start = 0.0, 0.0
    unsaid: list[str] = []
    passed_over, spoken_again = len(book.problems), 0
    for part in parts:
        notes = part.notes()
        spoken_again += notes["spoken_again"]
        start, seconds = seconds, seconds + notes["seconds"]
        passed_over += len(notes["passed_over"])
        unsaid += [
            f"{_clock(start + at)} {word}" for at, word in notes["unsaid"]
        ]
        if not notes["finished"]:
            tell(f"cut off within the part at {_clock(start)}")
    tell(f"{out}: {_clock(seconds)}, {len(book.chapters)} chapter(s)")
    if passed_over:
        tell(f"{passed_over} odd thing(s) passed over, as told above")
    if spoken_again:
        tell(f"{spoken_again} passage(s) were spoken again")
    shown = ", ".join(unsaid[:_SHOWN_UNSAID])
    more = ", ..." * (len(unsaid) > _SHOWN_UNSAID)
    rest = " of the rest" * bool(passed_over)
    tell(
        f"{len(unsaid)} word(s) unsaid: {shown}{more}"
        if unsaid
        else f"every word{rest} was said"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
