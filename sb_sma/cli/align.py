"""``sb-sma align``: when each word and phoneme of a recording is said."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sb_sma.cli.lines import decode_line, tell
from sb_sma.cli.paths import check_readable
from sb_sma.torch_pair import check_torch_pair

if TYPE_CHECKING:
    from sb_sma.data.speech.manifest.read import Entry

HELP = "Find when each word and phoneme of recordings is said."
_EXAMPLES = """\
examples:
  a corpus (a manifest, or a folder as LJSpeech-1.1): an aligner is trained on it
    sb-sma align --data_folder=LJSpeech-1.1 --out=alignments --n_processes=2

  the same for SpeechBrain's FastSpeech 2 recipe, which takes alignments.zip
    sb-sma align --data_folder=LJSpeech-1.1 --out=alignments --phones=arpabet
    cp alignments/alignments.zip LJSpeech-1.1/

  one recording, by an aligner that was trained before
    sb-sma align a1.wav "Yes, you." --model=alignments/model --out=a1

  one recording alone; its text in a file, in German
    sb-sma align a1.wav a1.txt --voice=de --out=a1

files in --out:
  TextGrid/ID.TextGrid (Praat, tiers words and phones), words.ctm, phones.ctm,
  alignments.json, model/

exit status:
  0 if all was aligned, 3 if something was passed over, 1 if nothing was aligned,
  2 for a mistyped command line. A command that was killed goes on where it was
  when it is started again.
"""
PASSED_OVER = 3


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
        "recording", nargs="?", metavar="WAV", help="a single recording"
    )
    parser.add_argument(
        "text",
        nargs="?",
        metavar="TEXT",
        help="what is said in it, or a text file that holds it",
    )
    parser.add_argument(
        "--data_folder",
        metavar="PATH",
        help="a corpus: a .csv, .tsv, .json or .jsonl manifest, or a folder in "
        "the layout of LJSpeech-1.1",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder for what is found; made if it is not there",
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="the folder model/ of an earlier alignment; default: an aligner "
        "is trained on the recordings themselves",
    )
    parser.add_argument(
        "--voice",
        metavar="NAME",
        help="eSpeak NG's voice that reads the texts, such as en-us or de; "
        "default: that of --model, or en-us",
    )
    # alignment.reader.NOTATIONS, without torch
    parser.add_argument(
        "--phones",
        choices=("ipa", "arpabet"),
        help="how phonemes are written: as eSpeak NG does, or, of English, as "
        "CMUdict does without stress, with spn for pauses and with "
        "alignments.zip; default: that of --model, or ipa",
    )
    parser.add_argument(
        "--n_processes",
        type=int,
        default=1,
        metavar="NUMBER",
        help="processes that read and align; at most the number of cores",
    )


def run(arguments: argparse.Namespace) -> int:
    """Align, and tell what was passed over.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Returns
    -------
    status : int
        0 if all was aligned, `PASSED_OVER` if some was not, 1 if nothing was.

    Raises
    ------
    ValueError
        If it is not said what to align, or the corpus or the aligner cannot
        be read as a whole.
    OSError
        If the folder cannot be written.
    """
    _check_what(arguments)
    entries, problems = _find_entries(arguments)
    _make_folder(arguments.out)
    # torch takes seconds to load: mistakes above are told at once
    check_torch_pair()
    from sb_sma.alignment.corpus import Job, align_corpus

    aligner, reader = _find_aligner(arguments)
    job = Job(
        entries,
        arguments.out,
        reader=reader,
        aligner=aligner,
        n_processes=arguments.n_processes,
        tell=tell,
    )
    outcome = align_corpus(job)
    problems += outcome.problems
    for problem in problems:
        tell(f"passed over: {problem}")
    n_aligned = len(outcome.alignments)
    seconds = sum(each.duration for each in outcome.alignments.values())
    if n_aligned:
        print(
            f"{n_aligned} recording(s) aligned, {seconds:.0f} s of sound: "
            f"{arguments.out}/TextGrid, {', '.join(outcome.files)}"
        )
    if problems:
        tell(f"{len(problems)} problem(s), see above")
        return PASSED_OVER if n_aligned else 1
    return 0


def _check_what(arguments: argparse.Namespace) -> None:
    """Refuse both a recording and a corpus, and neither."""
    if (arguments.recording is None) == (arguments.data_folder is None):
        raise ValueError(
            "give a recording and its text (sb-sma align a1.wav a1.txt --out "
            "DIR), or a corpus (sb-sma align --data_folder DIR --out DIR); got "
            + ("neither." if arguments.recording is None else "both.")
        )
    if arguments.recording is not None and arguments.text is None:
        raise ValueError(
            f"{arguments.recording} needs its text: sb-sma align "
            f'{arguments.recording} "What is said." --out DIR, or a text file. '
            "A corpus is given by --data_folder."
        )
    if arguments.n_processes < 1:
        raise ValueError(
            f"--n_processes must be 1 or more; got {arguments.n_processes}."
        )


def _find_entries(
    arguments: argparse.Namespace,
) -> tuple[list["Entry"], list[str]]:
    """Read the manifest, or what stands for one."""
    from sb_sma.data.problems import abridged
    from sb_sma.data.speech.manifest.read import Entry, read_entries

    if arguments.data_folder is not None:
        entries, problems = read_entries(arguments.data_folder)
        if not entries:
            raise ValueError(
                "no line can be used:\n- " + abridged(problems, "\n- ")
            )
        return entries, problems
    check_readable("WAV", arguments.recording)
    wav = Path(arguments.recording)
    text = _read_text(arguments.text)
    return [Entry("WAV and TEXT", wav.stem, wav, text)], []


def _read_text(text: str) -> str:
    """Read the file that is meant, or the text itself."""
    path = Path(text)
    is_file = len(text) < 4096 and "\n" not in text and path.is_file()
    if not is_file and path.suffix.lower() == ".txt" and " " not in text:
        check_readable("TEXT", text)
    content = path.read_bytes() if is_file else os.fsencode(text)
    try:
        return decode_line(content)
    except ValueError as error:
        name = text if is_file else "TEXT"
        raise ValueError(f"{name} {error}") from error


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(
            f"--out must be a folder; {folder} is a file. Name another one."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"--out: {folder} cannot be made: {error.strerror}."
        ) from error
    if not os.access(folder, os.W_OK):
        raise ValueError(f"--out: you may not write into {folder}.")


def _find_aligner(arguments: argparse.Namespace):
    """Return the aligner of --model, if given, and what reads the texts."""
    from sb_sma.alignment.aligner import Aligner
    from sb_sma.alignment.reader import TextReader

    if arguments.model is None:
        reader = TextReader(
            arguments.voice or "en-us", arguments.phones or "ipa"
        )
        # a voice that is not there fails once, not for every text
        reader("a")
        return None, reader
    aligner = Aligner.load(arguments.model)
    for name in ("voice", "phones"):
        given, known = getattr(arguments, name), getattr(aligner.reader, name)
        if given not in (None, known):
            raise ValueError(
                f"--{name} must be that of the aligner, {known}; got {given}. "
                "Leave it out, or train another aligner without --model."
            )
    return aligner, aligner.reader
