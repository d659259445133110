"""``sb-sma g2p``: words to phonemes."""

import argparse
import contextlib
import itertools
import sys
from pathlib import Path
from typing import IO, Iterator, List, Optional, Tuple

from sb_sma.cli.models import check_model

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
    parser.add_argument(
        "--input", default="-", help="one word per line; - reads stdin"
    )
    parser.add_argument(
        "--output", default="-", help="word<TAB>phonemes; - writes to stdout"
    )
    parser.add_argument(
        "--nbest",
        type=_positive,
        help="lines per word, with the log-probability as a third column",
    )
    parser.add_argument(
        "--beam", type=_positive, help="hypotheses per word; 1 is greedy"
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
        If there is no such model.
    OSError
        If a file cannot be read or written.
    """
    for model in arguments.model:
        check_model(model)
    _check_files(arguments.input, arguments.output)
    with contextlib.ExitStack() as stack:
        source = sys.stdin.buffer
        if arguments.input != "-":
            source = stack.enter_context(open(arguments.input, "rb"))
        sink = sys.stdout.buffer
        if arguments.output != "-":
            sink = stack.enter_context(_complete_or_absent(arguments.output))
        # torch takes seconds to load: mistakes above are told at once
        from sb_sma.inference import G2P

        g2p, *others = (
            G2P.from_hparams(source=model) for model in arguments.model
        )
        if others:
            g2p.join(others)
        n_bad = 0
        lines = enumerate(source, start=1)
        while chunk := list(itertools.islice(lines, _CHUNK_LINES)):
            words = _readable_words(g2p, chunk, arguments.language)
            n_bad += len(chunk) - len(words)
            for line in _pronounce(g2p, words, arguments):
                sink.write(line.encode() + b"\n")
            sink.flush()
    if n_bad:
        print(f"sb-sma: {n_bad} bad line(s) passed over", file=sys.stderr)


def _positive(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more; got {text}")
    return number


def _check_files(source: str, sink: str) -> None:
    """Refuse to overwrite what is being read."""
    if source != "-" and sink != "-" and Path(sink).exists():
        if Path(source).samefile(sink):
            raise ValueError(
                f"--output must be another file than --input; got {sink} for "
                "both."
            )


@contextlib.contextmanager
def _complete_or_absent(path: str) -> Iterator[IO[bytes]]:
    """A file that appears under its name when all is written."""
    new = Path(f"{path}.new")
    with open(new, "wb") as file:
        try:
            yield file
        except BaseException:
            new.unlink()
            raise
    new.replace(path)


def _readable_words(
    g2p, chunk: List[Tuple[int, bytes]], language: Optional[str]
) -> List[str]:
    """Words of the lines that the model can read; the others are reported."""
    words = []
    for number, line in chunk:
        try:
            # of a file that begins with a byte order mark, too
            word = line.decode("utf-8-sig" if number == 1 else "utf-8")
            word = word.rstrip("\r\n")
            g2p.encode(word, language)
        except ValueError as error:
            print(f"sb-sma: line {number}: {error}", file=sys.stderr)
        else:
            words.append(word)
    return words


def _pronounce(
    g2p, words: List[str], arguments: argparse.Namespace
) -> Iterator[str]:
    """Lines of the output, in the order of the words."""
    n_best = arguments.nbest or 1
    found = g2p.n_best(words, n_best, arguments.language, arguments.beam)
    for word, pronunciations in zip(words, found):
        for pronunciation in pronunciations:
            line = f"{word}\t{' '.join(pronunciation.phonemes)}"
            if arguments.nbest is not None:
                line += f"\t{pronunciation.log_probability:.4f}"
            yield line
