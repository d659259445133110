"""``sb-sma synthesize``: text to WAV files."""

import argparse
import contextlib
import io
import itertools
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sb_sma.cli.lines import TextLines, open_lines
from sb_sma.cli.paths import (
    add_trust,
    check_model,
    check_not_read,
    check_writable,
    complete_or_absent,
)
from sb_sma.cli.styles import add_style_arguments, read_style, style_wavs
from sb_sma.cli.utterances import (
    Utterance,
    number_utterances,
    read_argument,
    read_texts,
)
from sb_sma.torch_pair import require_torch_pair
from sb_sma.vocoders.source import LJSPEECH, check_vocoder_source

if TYPE_CHECKING:
    from sb_sma.inference import TTS
    from sb_sma.inference.spoken import SpokenText

HELP = "Speak a text, or every line of a file, with a trained model."
# spoken together; they are sorted by length for the batches
_CHUNK_TEXTS = 64
# the memory that an alignment takes grows with the square of its text
_CHUNK_CHARACTERS = 8000
# models.tts.time_scaling's, without torch
SLOWEST, FASTEST = 0.25, 4.0


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
    # attention.decoding.MODES, without torch
    parser.add_argument(
        "--mode",
        choices=("soft", "hard"),
        help="soft carries the expected alignment, hard stands on one token at "
        "a time and is for monotonic attention only; default: the model's own",
    )
    parser.add_argument(
        "--pace",
        type=_pace,
        default=1.0,
        metavar="NUMBER",
        help="above 1 speaks faster: 2 in half of the time (0.25 to 4)",
    )
    parser.add_argument(
        "--seed", type=int, help="the same seed gives the same speech"
    )
    parser.add_argument(
        "--speaker",
        metavar="NAME",
        help="who speaks, for a model of several speakers",
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
    add_style_arguments(parser)


def _pace(text: str) -> float:
    """Read a pace, which `sb_sma.models.tts.time_scaling` knows with torch."""
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
        utterances = number_utterances(texts, arguments.out, arguments.plot)
        _check_numbered(arguments, utterances)
        # torch takes seconds to load: mistakes above are told at once
        require_torch_pair()
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
    from tqdm.contrib.logging import logging_redirect_tqdm

    pairs = _speak(tts, utterances, manner, lines)
    with (
        logging_redirect_tqdm([logging.getLogger("sb_sma")]),
        _limits_told_by_line() if lines else contextlib.nullcontext(),
    ):
        # an unknown speaker, say, is told before there is a bar
        first = next(pairs)
        with tqdm(total=len(utterances), unit="text") as bar:
            for utterance, spoken in itertools.chain([first], pairs):
                if spoken is None:
                    bar.total -= 1
                    continue
                _write(tts, utterance, spoken)
                if lines and not spoken.finished:
                    lines.warn(
                        utterance.line,
                        "did not end by itself and was cut off; see "
                        f"{utterance.out}",
                    )
                bar.update()
    return bar.n


def _speak(
    tts: "TTS",
    utterances: list[Utterance],
    manner: dict[str, Any],
    lines: TextLines | None,
) -> Iterator[tuple[Utterance, "SpokenText | None"]]:
    """Yield each with its speech; None if the model cannot speak it."""
    for chunk in _chunks(utterances):
        good = _speakable(tts, chunk, lines) if lines else chunk
        yield from ((each, None) for each in chunk if each not in good)
        if good:
            texts = [utterance.text for utterance in good]
            yield from zip(good, tts.speak(texts, **manner))


@contextlib.contextmanager
def _limits_told_by_line() -> Iterator[None]:
    """Leave out what a `TTS` says of texts by their number in a chunk."""

    def is_other(record: logging.LogRecord) -> bool:
        """Say whether another function logs this."""
        return record.funcName != "_warn_about_limits"

    logger = logging.getLogger("sb_sma.inference.tts")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)


def _chunks(utterances: list[Utterance]) -> Iterator[list[Utterance]]:
    """Yield consecutive utterances whose speech fits into memory; the first
    alone, so that it can soon be listened to."""
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
    tts: "TTS", chunk: list[Utterance], lines: TextLines
) -> list[Utterance]:
    """Find utterances that the model can speak; report others."""
    good = []
    for utterance in chunk:
        try:
            tts.tokens(utterance.text)
        except ValueError as error:
            lines.pass_over(utterance.line, error)
        else:
            good.append(utterance)
    return good


def _write(tts: "TTS", utterance: Utterance, spoken: "SpokenText") -> None:
    """Write sound and picture, each completely or not at all."""
    import soundfile

    samples = tts.to_waveform(spoken.mel).cpu().numpy()
    sound = io.BytesIO()
    soundfile.write(
        sound, samples, tts.hparams.mel_settings.sample_rate, format="WAV"
    )
    contents = {utterance.out: sound}
    if utterance.plot is not None:
        from sb_sma.plots.figures import plot_alignments

        text = spoken.text
        figure = plot_alignments(
            spoken.alignment.cpu(),
            tokens=spoken.tokens,
            title=text if len(text) < 80 else text[:77] + "...",
        )
        picture = contents[utterance.plot] = io.BytesIO()
        ending = utterance.plot.suffix[1:].lower()
        figure.savefig(picture, format=ending, bbox_inches="tight")
    for path, content in contents.items():
        with complete_or_absent(path) as file:
            file.write(content.getbuffer())


def _check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse files that could not be written in the end."""
    if arguments.out.suffix.lower() != ".wav":
        raise ValueError(f"--out must end in .wav; got {arguments.out}.")
    for path in (arguments.out, arguments.plot):
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
