"""``sb-sma evaluate``: how well models speak, by numbers."""

import argparse
import contextlib
import io
import json
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sb_sma.cli.lines import TextLines, open_lines, tell
from sb_sma.cli.paths import (
    add_trust,
    check_model,
    check_writable,
    complete_or_absent,
    short_names,
)
from sb_sma.cli.utterances import read_texts
from sb_sma.inference.arguments import MOST_ATTEMPTS
from sb_sma.torch_pair import check_torch_pair

if TYPE_CHECKING:
    from sb_sma.evaluation.ear import Ear
    from sb_sma.evaluation.systems import System
    from sb_sma.evaluation.texts import EvaluationText

HELP = "Count what models say wrongly, on 500 hard texts or your own."
EPILOG = """\
examples:
  sb-sma evaluate --model results/tts/SMA/model
      500 texts of ten kinds, five seeds; evaluation/index.html shows all
  sb-sma evaluate --model sma/model softmax/model --mode soft hard --window 1 3
      side by side: both ways to decode SMA, softmax without and with a window
  sb-sma evaluate --model DIR --texts mine.txt --seeds 1
      texts of your own, a line each, or kind<TAB>text
  sb-sma evaluate --model DIR --ear tiny.en --opinion
      what is understood, beside eSpeak NG; pip install 'sb_sma[evaluate]'
  sb-sma evaluate --model DIR --texts mine.txt --ear tiny.en --recordings wavs
      the same beside recordings wavs/1.wav, wavs/2.wav, ... of these texts
"""
_FILES = ("evaluation.json", "evaluation.png", "index.html")
_MOST_SEEDS = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    parser.add_argument(
        "--model",
        required=True,
        nargs="+",
        help="folders that training runs exported, or repositories on a hub",
    )
    add_trust(parser)
    parser.add_argument(
        "--texts",
        metavar="FILE",
        help="one text per line, or its kind, a tab and the text; - reads "
        "stdin (default: the 500 of the package)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("evaluation"),
        metavar="FOLDER",
        help=f"for {', '.join(_FILES)} (default: evaluation)",
    )
    parser.add_argument(
        "--seeds",
        type=_count_to(_MOST_SEEDS),
        default=5,
        metavar="NUMBER",
        help="how often each text is spoken (default: 5)",
    )
    # attention.decoding.MODES, without torch
    parser.add_argument(
        "--mode",
        nargs="+",
        choices=("soft", "hard"),
        help="how monotonic attention decodes; several are set side by side "
        "(default: the model's own)",
    )
    parser.add_argument(
        "--window",
        nargs=2,
        type=int,
        metavar=("BACK", "AHEAD"),
        help="let softmax attention speak a second time through such a window",
    )
    parser.add_argument(
        "--attempts",
        type=_count_to(MOST_ATTEMPTS),
        metavar="NUMBER",
        help="how often a text that does not become good is spoken at most; 1 "
        "takes each as it comes (default: the model's own)",
    )
    parser.add_argument(
        "--ear",
        metavar="NAME",
        help="recogniser that hears the words: one of faster-whisper's, such "
        "as tiny.en, or a folder or repository with one of SpeechBrain's",
    )
    parser.add_argument(
        "--opinion",
        action="store_true",
        help="predict how natural the speech sounds, with --ear",
    )
    parser.add_argument(
        "--recordings",
        type=Path,
        metavar="FOLDER",
        help="WAV files of the texts, with their numbers, that the ear hears "
        "for comparison (default: eSpeak NG speaks them)",
    )
    parser.add_argument(
        "--language",
        default="en",
        help="of the texts, for the ear (default: en)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Let every model speak, count, listen, and write what was found.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ValueError
        If an option is wrong, there is no such model, or none of the texts can
        be spoken.
    OSError
        If a file cannot be read or written.
    ImportError
        If the ear needs a package that is missing.
    """
    _check(arguments)
    with contextlib.ExitStack() as stack:
        lines = None
        if arguments.texts is not None:
            lines = stack.enter_context(
                open_lines(arguments.texts, "one text", "--texts")
            )
        texts = _read(lines)
        # torch takes seconds to load: mistakes above are told at once
        check_torch_pair()
        if arguments.ear is not None:
            from sb_sma.evaluation.ear import check_ear

            check_ear(arguments.ear, arguments.opinion)
        systems = _load_systems(arguments)
        texts, passed_over = _speakable(systems, texts, lines)
        _evaluate(arguments, systems, texts, passed_over)
        if lines is not None:
            lines.conclude(len(texts))


def _evaluate(
    arguments: argparse.Namespace,
    systems: "list[System]",
    texts: "list[EvaluationText]",
    passed_over: dict[str, str],
) -> None:
    """Measure, print and write."""
    from tqdm import tqdm

    from sb_sma.evaluation.measure import hear_reference, measure_system
    from sb_sma.evaluation.references import (
        ESPEAK,
        espeak_reference,
        recorded_reference,
    )
    from sb_sma.evaluation.summary import (
        group_by_kind,
        summarize,
        summarize_heard,
    )

    spoken = [each.text for each in texts]
    seeds = list(range(arguments.seeds))
    reference = name = None
    if arguments.recordings is not None:
        reference = recorded_reference(
            arguments.recordings, [each.position for each in texts]
        )
        name = str(arguments.recordings)
    elif arguments.ear is not None:
        reference = espeak_reference(spoken, arguments.language)
        name = ESPEAK
    ear = _load_ear(arguments)
    passes = len(systems) * len(seeds) * (1 if ear is None else 2)
    passes += reference is not None
    with tqdm(
        # a long text takes longer
        total=passes * sum(map(len, spoken)),
        unit=" characters",
        unit_scale=True,
    ) as bar:

        def advance(number: int) -> None:
            """Show that a text is done."""
            bar.update(len(spoken[number]))

        results = []
        for system in systems:
            bar.set_description(system.name)
            results.append(measure_system(system, spoken, seeds, ear, advance))
        heard = None
        if ear is not None:
            bar.set_description(name)
            heard = hear_reference(reference, spoken, ear, advance)
    evaluation: dict[str, Any] = {
        "command": _command(arguments),
        "n_texts": len(texts),
        "passed_over": len(passed_over),
        "passed_over_texts": passed_over,
        "texts": arguments.texts or "sb_sma/evaluation/texts.tsv",
        "seeds": seeds,
        "ear": arguments.ear,
        "intervals": "95 %; Wilson's for shares of texts, else bootstrap over "
        "texts",
        "systems": [summarize(each, texts, seeds) for each in results],
        "reference": heard
        and {
            "name": name,
            "heard": summarize_heard([heard], group_by_kind(texts)),
        },
    }
    _write(arguments.out, evaluation, results, texts, seeds)


def _write(
    folder: Path,
    evaluation: dict[str, Any],
    results: Sequence[Any],
    texts: "list[EvaluationText]",
    seeds: list[int],
) -> None:
    """Write JSON, picture and page, each completely or not at all."""
    from sb_sma.evaluation.page import plot_evaluation, write_page
    from sb_sma.evaluation.table import format_tables
    from sb_sma.training.reports.shared import describe_versions

    print(format_tables(evaluation))
    folder.mkdir(parents=True, exist_ok=True)
    stored, picture, page = (folder / name for name in _FILES)
    evaluation["versions"] = describe_versions()
    content = json.dumps(evaluation, indent=1, ensure_ascii=False) + "\n"
    with complete_or_absent(stored) as file:
        file.write(content.encode())
    figure = plot_evaluation(evaluation)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", bbox_inches="tight", dpi=150)
    with complete_or_absent(picture) as file:
        file.write(drawn.getbuffer())
    write_page(page, evaluation, results, texts, seeds, figure)
    print(f"\n{page} shows all of it.")


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what could not end well, before torch is loaded."""
    for option in ("opinion", "recordings"):
        if getattr(arguments, option) and arguments.ear is None:
            raise ValueError(
                f"--{option} needs --ear, which listens. Give both, or neither."
            )
    if arguments.window is not None:
        back, ahead = arguments.window
        if back < 0 or ahead < 1:
            raise ValueError(
                "--window must be two counts, 0 or more back and 1 or more "
                f"ahead; got {back} {ahead}."
            )
    repeated = [m for m, n in Counter(arguments.model).items() if n > 1]
    if repeated:
        raise ValueError(f"--model names {repeated[0]} twice.")
    for model in arguments.model:
        check_model(model)
    if arguments.out.exists() and not arguments.out.is_dir():
        raise ValueError(f"--out must be a folder; {arguments.out} is a file.")
    if arguments.out.is_dir():
        for name in _FILES:
            check_writable(arguments.out / name)


def _read(lines: TextLines | None) -> "list[EvaluationText]":
    """Read the texts of a file, or those of the package."""
    from sb_sma.evaluation.texts import own_texts, take_kinds

    if lines is None:
        return own_texts()
    found = read_texts(lines, remedy="Give")
    try:
        return take_kinds(found)
    except ValueError as error:
        raise ValueError(f"{lines.name}: {error}") from error


def _load_systems(arguments: argparse.Namespace) -> "list[System]":
    from sb_sma.evaluation.systems import Model, make_systems
    from sb_sma.inference import TTS

    # each once
    modes = list(dict.fromkeys(arguments.mode or [])) or None
    systems = []
    for name, source in short_names(arguments.model):
        tts = TTS.from_hparams(source=source, trusted=arguments.trust_model)
        if arguments.attempts is not None:
            tts.attempts = arguments.attempts
        systems += make_systems(
            name, Model(source, tts), modes, arguments.window
        )
    if (arguments.attempts or 1) > 1 and not any(
        system.model.tts.usual_seconds for system in systems
    ):
        raise ValueError(
            "--attempts above 1 is for models that know how long their sounds "
            "usually last; got none. Leave it out, or export them anew."
        )
    if arguments.mode and not any(system.model.monotonic for system in systems):
        raise ValueError(
            "--mode is for models with monotonic attention; got none. Leave "
            "it out."
        )
    if arguments.window and not any(
        system.model.has_softmax for system in systems
    ):
        raise ValueError(
            "--window is for models with softmax attention; got none. Leave "
            "it out."
        )
    return systems


def _command(arguments: argparse.Namespace) -> str:
    """Write the command as it can be typed again."""
    words = ["sb-sma", "evaluate"]
    for name, value in vars(arguments).items():
        if name == "run" or value in (None, False):
            continue
        words.append(f"--{name}")
        if value is not True:
            words += map(str, value if isinstance(value, list) else [value])
    return shlex.join(words)


def _load_ear(arguments: argparse.Namespace) -> "Ear | None":
    if arguments.ear is None:
        return None
    import torch

    from sb_sma.evaluation.ear import Ear, load_opinion, load_recogniser

    return Ear(
        load_recogniser(
            arguments.ear,
            arguments.language,
            torch.get_num_threads(),
            arguments.trust_model,
        ),
        load_opinion() if arguments.opinion else None,
        arguments.language,
    )


def _speakable(
    systems: "list[System]",
    texts: "list[EvaluationText]",
    lines: TextLines | None,
) -> "tuple[list[EvaluationText], dict[str, str]]":
    """Keep what every model can say; name the others, and why."""
    models = list(
        {id(system.model): system.model for system in systems}.values()
    )
    good, passed_over = [], {}
    for each in texts:
        try:
            for model in models:
                model.learn(each.text)
        except ValueError as error:
            if lines is None:
                tell(f"{each.text!r:.60} passed over: {error}")
                passed_over[each.text] = str(error)
            else:
                lines.pass_over(each.line, error)
        else:
            good.append(each)
    if not good:
        raise ValueError(
            f"none of the {len(texts)} texts can be spoken by every model. "
            "Give others by --texts."
        )
    if lines is not None:
        # with those that could not be read
        passed_over = {
            f"line {number}": problem
            for number, problem in sorted(lines.bad.items())
        }
    return good, passed_over


def _count_to(most: int) -> Callable[[str], int]:
    """Return what reads a count of an option."""

    def read(text: str) -> int:
        """Read a count."""
        try:
            count = int(text)
        except ValueError:
            count = 0
        if not 1 <= count <= most:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from 1 to {most}; got {text}"
            )
        return count

    return read
