"""``sb-sma g2p``: words to phonemes."""

import argparse
import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

from sb_sma.cli.lines import TextLines, decode_line, open_lines
from sb_sma.cli.paths import (
    add_trust,
    check_model,
    check_not_read,
    check_writable,
    complete_or_absent,
)
from sb_sma.data.lexicon.read import read_pronunciations
from sb_sma.torch_pair import require_torch_pair

HELP = "Pronounce every word of a file with a trained model."
# lines in memory at a time; they are sorted by length for the batches
_CHUNK_LINES = 4096


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
        nargs="+",
        help="folder that a training run exported, or a repository on a hub; "
        "several are asked together",
    )
    add_trust(parser)
    parser.add_argument(
        "--analogy",
        help="lexicon in the language and notation of the models, a .tsv of "
        "word<TAB>phonemes or as cmudict, such as their training words: what "
        "they propose is weighed by how its words are said",
    )
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
        "--language", help="of the words, for a model of several languages"
    )


def run(arguments: argparse.Namespace) -> None:
    """Read, pronounce and write, some lines at a time.

    A line that cannot be read is reported with its number and passed over.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ValueError
        If there is no such model or lexicon, it lacks the language, or no line
        can be read.
    OSError
        If a file cannot be read or written.
    """
    for model in arguments.model:
        check_model(model)
    lexicon = None
    if arguments.analogy is not None:
        if arguments.beam == 1 and len(arguments.model) == 1:
            raise ValueError(
                "--analogy chooses between pronunciations, and --beam 1 of one "
                "model gives a single one. Give --beam 5, or another --model."
            )
        lexicon = _read_lexicon(arguments.analogy)
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
                ],
            )
            sink = stack.enter_context(complete_or_absent(output))
        # torch takes seconds to load: mistakes above are told at once
        require_torch_pair()
        from sb_sma.inference.g2p.rescoring import add_analogy, load_together

        g2p = load_together(arguments.model, arguments.trust_model)
        g2p.check_language(arguments.language)
        if lexicon is not None:
            try:
                g2p = add_analogy(g2p, lexicon)
            except ValueError as error:
                raise ValueError(
                    f"--analogy {arguments.analogy}: {error}"
                ) from error
        n_good = 0
        words = _readable_words(g2p, lines, arguments.language)
        while chunk := list(itertools.islice(words, _CHUNK_LINES)):
            n_good += len(chunk)
            for line in _pronounce(g2p, chunk, arguments):
                sink.write(line.encode() + b"\n")
            sink.flush()
        lines.conclude(n_good)
    for letter, count in g2p.fallbacks.most_common():
        print(f"sb-sma: {letter} was replaced {count} time(s)", file=sys.stderr)


def _positive(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"must be a whole number, 1 or more; got {text}"
        )
    return int(text)


def _read_lexicon(path: str) -> dict:
    """Return the words of --analogy; an error names the option."""
    try:
        return read_pronunciations(Path(path))
    except ValueError as error:
        raise ValueError(f"--analogy {path}: {error}") from error


def _readable_words(
    g2p, lines: TextLines, language: str | None
) -> Iterator[tuple[str, list[int]]]:
    """Find words that the model can read, with indices; report others."""
    for number, line in lines:
        try:
            word = decode_line(line)
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
            yield line
