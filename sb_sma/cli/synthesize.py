"""``sb-sma synthesize``: text to WAV files."""

import argparse
import sys
from pathlib import Path

from sb_sma.cli.paths import check_writable
from sb_sma.cli.styles import add_style_arguments, read_style
from sb_sma.inference.model_folder import check_model_folder
from sb_sma.torch_pair import require_torch_pair

HELP = "Speak a text, or every line of a file, with a trained model."


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
        help="WAV file; several utterances get -1, -2, ... before the ending",
    )
    parser.add_argument(
        "--plot", type=Path, help="PNG file for the alignment, numbered alike"
    )
    # attention.decoding.MODES, without torch
    parser.add_argument("--mode", choices=("soft", "hard"), default="soft")
    parser.add_argument(
        "--pace", type=float, default=1.0, help="above 1 speaks faster"
    )
    parser.add_argument(
        "--seed", type=int, help="the same seed gives the same speech"
    )
    parser.add_argument(
        "--speaker",
        metavar="NAME",
        help="who speaks, for a model of several speakers",
    )
    add_style_arguments(parser)


def run(arguments: argparse.Namespace) -> None:
    """Speak and write.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ValueError
        If there is nothing to say, there is no such model, or a file cannot
        be written.
    """
    texts = _read_texts(arguments)
    _check_outputs(arguments)
    check_model_folder(arguments.model, prefer_folder=True)
    # torch takes seconds to load: mistakes above are told at once
    require_torch_pair()
    import soundfile

    from sb_sma.inference import TTS
    from sb_sma.plots.figures import plot_alignments

    tts = TTS.from_hparams(source=arguments.model)
    spoken = tts.speak(
        texts,
        mode=arguments.mode,
        pace=arguments.pace,
        seed=arguments.seed,
        progress=True,
        style=read_style(arguments, tts),
        speaker=arguments.speaker,
    )
    for index, item in enumerate(spoken):
        soundfile.write(
            _numbered(arguments.out, index, len(texts)),
            tts.to_waveform(item.mel).cpu().numpy(),
            tts.hparams.mel_settings.sample_rate,
        )
        if arguments.plot is None:
            continue
        figure = plot_alignments(
            item.alignment.cpu(),
            tokens=item.tokens,
            title=item.text if len(item.text) < 80 else item.text[:77] + "...",
        )
        figure.savefig(
            _numbered(arguments.plot, index, len(texts)), bbox_inches="tight"
        )


def _read_texts(arguments: argparse.Namespace) -> list[str]:
    """Return the utterances, from wherever they come."""
    if arguments.text is not None:
        return [arguments.text]
    if arguments.input in (None, "-"):
        name, content = "standard input", sys.stdin.read()
    else:
        name = arguments.input
        content = Path(arguments.input).read_text(encoding="utf-8")
    texts = [line.strip() for line in content.splitlines() if line.strip()]
    if not texts:
        raise ValueError(
            f"{name} holds no text. Give --text, or one utterance per line."
        )
    return texts


def _check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse files that could not be written in the end."""
    if arguments.out.suffix.lower() != ".wav":
        raise ValueError(f"--out must end in .wav; got {arguments.out}.")
    if arguments.plot is not None:
        _check_plot_ending(arguments.plot)
    for path in (arguments.out, arguments.plot):
        if path is not None:
            check_writable(path)


def _check_plot_ending(path: Path) -> None:
    """Refuse a picture of a kind that cannot be drawn."""
    from matplotlib.backend_bases import FigureCanvasBase

    endings = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix.lower().lstrip(".") not in endings:
        raise ValueError(
            f"--plot must end in one of .{', .'.join(endings)}; got {path}."
        )


def _numbered(path: Path, index: int, count: int) -> Path:
    """Return the path of one of several files."""
    if count == 1:
        return path
    return path.with_name(f"{path.stem}-{index + 1}{path.suffix}")
