"""``sb-sma g2p``: words to phonemes."""

import argparse
import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sb_sma.cli.lines import TextLines, decode_line, open_lines, tell
from sb_sma.cli.paths import (
    add_trust,
    check_model,
    check_not_read,
    check_writable,
    complete_or_absent,
)
from sb_sma.data.lexicon.read import read_pronunciations
from sb_sma.data.notation import ARPABET_PHONEMES, strip_stress
from sb_sma.data.problems import abridged
from sb_sma.inference.g2p.lexicon_first import LexiconG2P, find_packaged
from sb_sma.torch_pair import check_torch_pair

HELP = (
    "Pronounce every word of a file: English by CMUdict and the model that "
    "comes with the package, or any language by trained models."
)
# lines in memory at a time; they are sorted by length for the batches
_CHUNK_LINES = 4096
_CMUDICT, _NO_LEXICON = "cmudict", "none"
_CUT_OFF = "cut off"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.add_argument(
        "--model",
        nargs="+",
        help="folder that a training run exported, or a repository on a hub; "
        "several are asked together. Default: the English one of the package",
    )
    add_trust(parser)
    parser.add_argument(
        "--lexicon",
        metavar="{cmudict,none,FILE}",
        help="without --model: whose words are said as it says them, a file in "
        "the phonemes of CMUdict, or none. Default: cmudict",
    )
    parser.add_argument(
        "--analogy",
        help="lexicon in the language and notation of the models, a .tsv of "
        "word<TAB>phonemes or as cmudict, such as their training words: what "
        "they propose is weighed by how its words are said",
    )
    # told what to do instead
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument(
        "--input", default="-", help="one word per line; - reads stdin"
    )
    parser.add_argument(
        "--output", default="-", help="word<TAB>phonemes; - writes to stdout"
    )
    parser.add_argument(
        "--nbest",
        type=_positive,
        help="lines per word, the best score first, with the log-probability "
        "as a third column; the score is that over the length",
    )
    parser.add_argument(
        "--beam",
        type=_positive,
        help="hypotheses per word, --nbest at least; 1 is greedy",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="end with the status 1 if a line was passed over, or a word cut "
        "off",
    )
    parser.add_argument(
        "--language", help="of the words, for a model of several languages"
    )


def run(arguments: argparse.Namespace) -> int:
    """Read, pronounce and write, some lines at a time.

    A line that cannot be read is reported with its number and passed over; an
    empty one is passed over. The line of a word that the model did not end by
    itself ends with "cut off".

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Returns
    -------
    status : int
        1 if --strict was given and a line was passed over or a word cut off.

    Raises
    ------
    ValueError
        If there is no such model or lexicon, it lacks the language, or no line
        can be read.
    OSError
        If a file cannot be read or written.
    """
    _check_options(arguments)
    for model in arguments.model or ():
        check_model(model)
    analogy = None
    if arguments.analogy is not None:
        if arguments.beam == 1 and len(arguments.model) == 1:
            raise ValueError(
                "--analogy chooses between pronunciations, and --beam 1 of one "
                "model gives a single one. Give --beam 5, or another --model."
            )
        analogy = _read_lexicon("--analogy", arguments.analogy)
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(open_lines(arguments.input, "one word"))
        sink = sys.stdout.buffer
        if arguments.output != "-":
            output = Path(arguments.output)
            check_writable(output)
            check_not_read(
                [("--output", output)],
                [
                    ("--input", arguments.input),
                    ("--analogy", arguments.analogy),
                    ("--lexicon", arguments.lexicon),
                ],
            )
            sink = stack.enter_context(complete_or_absent(output))
        if arguments.model is None:
            g2p = _packaged(arguments.lexicon)
            g2p.check_language(arguments.language)
        else:
            g2p = _trained(arguments, analogy)
        n_good = n_cut_off = 0
        words = _readable_words(g2p, lines, arguments.language)
        while chunk := list(itertools.islice(words, _CHUNK_LINES)):
            n_good += len(chunk)
            for line in _pronounce(g2p, chunk, arguments):
                n_cut_off += line.endswith(f"\t{_CUT_OFF}")
                sink.write(line.encode() + b"\n")
            sink.flush()
        for letter, count in g2p.fallbacks.most_common():
            tell(f"{letter} was replaced {count} time(s)")
        lines.conclude(n_good)
        if not (n_good or lines.bad):
            tell(f"{lines.name} holds no word. Give {lines.content} per line.")
    return int(arguments.strict and bool(lines.bad or n_cut_off))


def _positive(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"must be a whole number, 1 or more; got {text}"
        )
    return int(text)


def _check_options(arguments: argparse.Namespace) -> None:
    """Refuse options that do not go together, and tell what another changes."""
    if arguments.words:
        raise ValueError(
            "words are read of a file, or of standard input; got "
            f"{' '.join(arguments.words)!r:.80}. Write sb-sma g2p --input FILE, "
            "or echo WORD | sb-sma g2p"
        )
    if arguments.model is None and arguments.analogy is not None:
        raise ValueError(
            "--analogy weighs what trained models propose, and there is none. "
            "Give --model, too."
        )
    if arguments.model is not None and arguments.lexicon is not None:
        raise ValueError(
            "--lexicon is for the model of the package, and --model names "
            "another. Leave one of them out."
        )
    if arguments.beam and arguments.nbest and arguments.nbest > arguments.beam:
        tell(
            f"--nbest {arguments.nbest} widens the beam from {arguments.beam} "
            f"to {arguments.nbest}"
        )


def _read_lexicon(option: str, path: str) -> dict:
    """Return the words of an option's file; an error names the option."""
    try:
        return read_pronunciations(Path(path))
    except ValueError as error:
        raise ValueError(f"{option} {path}: {error}") from error


def _packaged(lexicon: str | None) -> LexiconG2P:
    """Return the model of the package, which a lexicon's words do not load."""
    folder = str(find_packaged())

    def load() -> Any:
        """Load the model; torch takes seconds."""
        check_torch_pair()
        from sb_sma.inference.g2p.interface import G2P

        return G2P.from_hparams(source=folder)

    if lexicon in (None, _CMUDICT):
        return LexiconG2P(load)
    if lexicon == _NO_LEXICON:
        return LexiconG2P(load, {})
    words = _read_lexicon("--lexicon", lexicon)
    said = {
        phoneme
        for pronunciations in words.values()
        for phonemes in pronunciations
        for phoneme in strip_stress(phonemes)
    }
    if not said <= ARPABET_PHONEMES:
        raise ValueError(
            f"--lexicon {lexicon} must have the phonemes of CMUdict; got "
            f"{abridged(sorted(said - ARPABET_PHONEMES))}. Train a model of "
            "these, and give it as --model."
        )
    return LexiconG2P(load, words)


def _trained(arguments: argparse.Namespace, analogy: dict | None) -> Any:
    """Return the models of --model as one."""
    # torch takes seconds to load: mistakes before it are told at once
    check_torch_pair()
    from sb_sma.inference.g2p.rescoring import add_analogy, load_together

    g2p = load_together(arguments.model, arguments.trust_model)
    g2p.check_language(arguments.language)
    if analogy is None:
        return g2p
    try:
        return add_analogy(g2p, analogy)
    except ValueError as error:
        raise ValueError(f"--analogy {arguments.analogy}: {error}") from error


def _readable_words(
    g2p, lines: TextLines, language: str | None
) -> Iterator[tuple[str, list[int]]]:
    """Find words that the model can read, with indices; report others, but
    for empty lines."""
    for number, line in lines:
        try:
            word = decode_line(line)
            if not word:
                continue
            graphemes = g2p.encode(word, language)
        except ValueError as error:
            lines.pass_over(number, error)
        else:
            yield word, graphemes


def _pronounce(
    g2p, words: list[tuple[str, list[int]]], arguments: argparse.Namespace
) -> Iterator[str]:
    """Return lines of the output, in the order of the words."""
    found = g2p.decode(
        [indices for _, indices in words], arguments.nbest or 1, arguments.beam
    )
    for (word, _), pronunciations in zip(words, found):
        for pronunciation in pronunciations:
            line = f"{word}\t{' '.join(pronunciation.phonemes)}"
            if arguments.nbest is not None:
                line += f"\t{pronunciation.log_probability:.4f}"
            if not pronunciation.finished:
                line += f"\t{_CUT_OFF}"
            yield line
