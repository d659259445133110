"""``sb-sma synthesize``: text to WAV files."""

import argparse
import contextlib
import io
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sb_sma.cli.lines import TextLines, open_lines, tell
from sb_sma.cli.paths import (
    add_trust,
    check_model,
    check_not_read,
    check_writable,
    complete_or_absent,
)
from sb_sma.cli.sound import open_wav
from sb_sma.cli.styles import add_style_arguments, read_style, style_wavs
from sb_sma.cli.utterances import (
    Utterance,
    number_utterances,
    read_argument,
    read_texts,
)
from sb_sma.models.tts.pace import FASTEST, SLOWEST
from sb_sma.torch_pair import check_torch_pair
from sb_sma.vocoders.source import LJSPEECH, check_vocoder_source

if TYPE_CHECKING:
    from sb_sma.inference import TTS
    from sb_sma.inference.spoken import SpokenText

HELP = "Speak a text, or every line of a file, with a trained model."
# read together, before the first of them is spoken
_CHUNK_TEXTS = 64
_CHUNK_CHARACTERS = 8000
# of the longest text whose alignment is drawn
_DRAWN_TOKENS = 2000
_EXAMPLES = """examples:
  sb-sma synthesize --model DIR --text "Hello there." --out hello.wav
  sb-sma synthesize --model DIR --input lines.txt --out line.wav --seed 0
  sb-sma synthesize --model DIR --out a.wav --words a.tsv --text \\
    'Wait <break time="0.5s"/> [Zoë](/z ˈoʊ i/), <prosody rate="80%">slowly</prosody>.'

A text of any length: beyond 600 characters it is spoken sentence by sentence.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.add_argument(
        "--model",
        required=True,
        help="folder that a training run exported, or a repository on a hub",
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    add_trust(parser)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--text", help="what to say")
    source.add_argument(
        "--input",
        help="text file, one utterance per line; - or nothing reads stdin",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        help="WAV file; the texts of several lines get their numbers, such as "
        "-01, -02, ..., before the ending",
    )
    parser.add_argument(
        "--plot", type=Path, help="PNG file for the alignment, numbered alike"
    )
    parser.add_argument(
        "--words",
        type=Path,
        metavar="FILE",
        help="TSV file for when each word is said, and whether it was, numbered "
        "alike",
    )
    parser.add_argument(
        "--one_piece",
        action="store_true",
        help="do not take long texts apart at sentences",
    )
    add_manner_arguments(parser)
    add_style_arguments(parser)


def add_manner_arguments(
    parser: argparse.ArgumentParser, seed: int | None = None
) -> None:
    """Declare the options of how texts are spoken, and by whom.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of a command that speaks.
    seed : int, optional
        Default of that option. Default: another one each time.
    """
    add_sound_arguments(parser, seed)
    parser.add_argument(
        "--pace",
        type=_pace,
        default=1.0,
        metavar="NUMBER",
        help="above 1 speaks faster: 2 in half of the time (0.25 to 4)",
    )
    parser.add_argument(
        "--speaker",
        metavar="NAME",
        help="who speaks, for a model of several speakers",
    )


def add_sound_arguments(
    parser: argparse.ArgumentParser, seed: int | None = None
) -> None:
    """Declare the options of how all texts are spoken.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of a command that speaks.
    seed : int, optional
        Default of that option. Default: another one each time.
    """
    # attention.decoding.MODES, without torch
    parser.add_argument(
        "--mode",
        choices=("soft", "hard"),
        help="soft carries the expected alignment, hard stands on one token at "
        "a time and is for monotonic attention only; default: the model's own",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=seed,
        help="the same seed gives the same speech"
        + ("" if seed is None else f" (default: {seed})"),
    )
    # vocoders.registry.VOCODERS, without torch
    parser.add_argument(
        "--vocoder",
        choices=("griffin_lim", "hifigan"),
        help="what makes the sound (default: that of the training run)",
    )
    parser.add_argument(
        "--vocoder_source",
        metavar="SOURCE",
        help="for hifigan: folder, or repository on a hub (default: that of "
        f"the training run, or {LJSPEECH})",
    )


def _pace(text: str) -> float:
    """Read a pace."""
    try:
        pace = float(text)
    except ValueError:
        pace = math.nan
    if not SLOWEST <= pace <= FASTEST:
        raise argparse.ArgumentTypeError(
            f"must be a number from {SLOWEST:g} to {FASTEST:g}; got {text}"
        )
    return pace


def run(arguments: argparse.Namespace) -> None:
    """Read, and then speak and write, some lines at a time.

    A line that cannot be spoken is reported with its number and passed over.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ValueError
        If there is nothing to say, there is no such model or vocoder, or a
        file cannot be written.
    OSError
        If a file cannot be read or written.
    """
    _check_outputs(arguments)
    check_model(arguments.model)
    if arguments.vocoder_source is not None:
        check_vocoder_source(arguments.vocoder_source)
    make_style = read_style(arguments)
    with contextlib.ExitStack() as stack:
        if arguments.text is not None:
            lines, texts = None, [(1, read_argument(arguments.text))]
        else:
            lines = stack.enter_context(
                open_lines(arguments.input, "one utterance")
            )
            texts = read_texts(lines)
        utterances = number_utterances(
            texts, arguments.out, arguments.plot, arguments.words
        )
        _check_numbered(arguments, utterances)
        # torch takes seconds to load: mistakes above are told at once
        check_torch_pair()
        from sb_sma.inference import TTS

        tts = TTS.from_hparams(
            source=arguments.model,
            trusted=arguments.trust_model,
            vocoder=arguments.vocoder,
            vocoder_source=arguments.vocoder_source,
        )
        manner = {
            "mode": arguments.mode,
            "pace": arguments.pace,
            "seed": arguments.seed,
            "style": make_style and make_style(tts.styles),
            "speaker": arguments.speaker,
            "split": not arguments.one_piece,
        }
        n_written = _speak_and_write(tts, utterances, manner, lines)
        if lines is not None:
            lines.conclude(n_written)


def _speak_and_write(
    tts: "TTS",
    utterances: list[Utterance],
    manner: dict[str, Any],
    lines: TextLines | None,
) -> int:
    """Return how many were written."""
    from tqdm import tqdm

    from sb_sma.inference.tts import without_limit_warnings

    spoken = _speak(tts, utterances, manner, lines)
    with without_limit_warnings() if lines else contextlib.nullcontext():
        # an unknown speaker, say, is told before there is a bar
        first = next(spoken)
        spoken_again = n_written = 0
        with tqdm(total=len(utterances), unit="text") as bar:
            for utterance, passages in itertools.chain([first], spoken):
                if passages is None:
                    bar.update()
                    continue
                written = _write(tts, utterance, passages)
                spoken_again += written.spoken_again
                if lines and not written.finished:
                    lines.warn(
                        utterance.line,
                        "did not end by itself and was cut off; see "
                        f"{utterance.out}",
                    )
                n_written += 1
                bar.update()
    if spoken_again:
        tell(f"{spoken_again} passage(s) were spoken again")
    return n_written


def _speak(
    tts: "TTS",
    utterances: list[Utterance],
    manner: dict[str, Any],
    lines: TextLines | None,
) -> "Iterator[tuple[Utterance, Iterator[SpokenText] | None]]":
    """Yield each with its passages; None if the model cannot speak it."""
    for chunk in _chunks(utterances):
        good = _speakable(tts, chunk, lines, manner["pace"], manner["split"])
        yield from ((each, None) for each in chunk if each not in good)
        if not good:
            continue
        passages = tts.narrate([each.text for each in good], **manner)
        for index, own in itertools.groupby(passages, lambda each: each[0]):
            yield good[index], (item for _, item in own)


def _chunks(utterances: list[Utterance]) -> Iterator[list[Utterance]]:
    """Yield consecutive utterances that are read together; the first alone, so
    that it can soon be listened to."""
    yield utterances[:1]
    chunk, n_characters = [], 0
    for utterance in utterances[1:]:
        n_characters += len(utterance.text)
        if n_characters > _CHUNK_CHARACTERS or len(chunk) == _CHUNK_TEXTS:
            yield chunk
            chunk, n_characters = [], len(utterance.text)
        chunk.append(utterance)
    if chunk:
        yield chunk


def _speakable(
    tts: "TTS",
    chunk: list[Utterance],
    lines: TextLines | None,
    pace: float,
    split: bool,
) -> list[Utterance]:
    """Find utterances that the model can speak; report others, or refuse what
    is no line of a file."""
    good = []
    for utterance in chunk:
        try:
            tts.check_text(utterance.text, pace, split)
        except ValueError as error:
            if lines is None:
                raise ValueError(f"--text: {error}") from error
            lines.pass_over(utterance.line, error)
        else:
            good.append(utterance)
    return good


def _write(
    tts: "TTS", utterance: Utterance, passages: "Iterator[SpokenText]"
) -> "SpokenText":
    """Write sound, picture and words, each completely or not at all; return
    what is known of the text."""
    from sb_sma.inference.spoken import join_spoken

    settings = tts.hparams.mel_settings
    kept: list[SpokenText] = []

    def noted() -> "Iterator[SpokenText]":
        """Keep of each passage what is written of it later."""
        drawn, n_tokens = utterance.plot is not None, 0
        for passage in passages:
            n_tokens += len(passage.tokens)
            if drawn and n_tokens > _DRAWN_TOKENS:
                drawn = False
                kept[:] = [each.without_sound() for each in kept]
            kept.append(passage if drawn else passage.without_sound())
            yield passage

    with open_wav(utterance.out, settings.sample_rate) as sound:
        for samples in tts.to_sound(noted()):
            sound.write(samples.cpu().numpy())
    spoken = join_spoken(utterance.text, kept, settings.seconds_per_frame)
    if utterance.plot is not None:
        _draw(utterance, spoken)
    if utterance.words is not None:
        _write_words(utterance, spoken)
    return spoken


def _draw(utterance: Utterance, spoken: "SpokenText") -> None:
    if len(spoken.tokens) > _DRAWN_TOKENS:
        tell(
            f"{utterance.plot} is not drawn: the text has {len(spoken.tokens)} "
            f"tokens, and a picture room for {_DRAWN_TOKENS}"
        )
        return
    from sb_sma.plots.figures import plot_alignments

    text = spoken.text
    figure = plot_alignments(
        spoken.alignment.cpu(),
        tokens=spoken.tokens,
        title=text if len(text) < 80 else text[:77] + "...",
    )
    picture = io.BytesIO()
    ending = utterance.plot.suffix[1:].lower()
    figure.savefig(picture, format=ending, bbox_inches="tight")
    with complete_or_absent(utterance.plot) as file:
        file.write(picture.getbuffer())


def _write_words(utterance: Utterance, spoken: "SpokenText") -> None:
    words = spoken.words
    unsaid = [word for word in words if not word.said]
    for word in unsaid:
        tell(f"{utterance.out}: unsaid at {word.start:.2f} s: {word.text}")
    rows = ["start\tend\tsaid\tword"]
    rows += [
        f"{word.start:.3f}\t{word.end:.3f}\t{'yes' if word.said else 'no'}\t"
        f"{word.text}"
        for word in words
    ]
    with complete_or_absent(utterance.words) as file:
        file.write(("\n".join(rows) + "\n").encode())


def _check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse files that could not be written in the end."""
    if arguments.out.suffix.lower() != ".wav":
        raise ValueError(f"--out must end in .wav; got {arguments.out}.")
    for path in (arguments.out, arguments.plot, arguments.words):
        if path is not None:
            check_writable(path)
    if arguments.plot is not None:
        _check_plot_ending(arguments.plot)


def _check_numbered(
    arguments: argparse.Namespace, utterances: list[Utterance]
) -> None:
    """Refuse numbered files that could not be written, or are read."""
    outputs = [("--out", each.out) for each in utterances]
    if arguments.plot is not None:
        outputs += [("--plot", each.plot) for each in utterances]
    if arguments.words is not None:
        outputs += [("--words", each.words) for each in utterances]
    for _, path in outputs:
        check_writable(path)
    inputs = [("--style_wav", wav) for wav in style_wavs(arguments)]
    check_not_read(outputs, [("--input", arguments.input), *inputs])


def _check_plot_ending(path: Path) -> None:
    """Refuse a picture of a kind that cannot be drawn."""
    from matplotlib.backend_bases import FigureCanvasBase

    endings = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix.lower().lstrip(".") not in endings:
        raise ValueError(
            f"--plot must end in one of .{', .'.join(endings)}; got {path}."
        )
