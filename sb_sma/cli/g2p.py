"""``sb-sma g2p``: words to phonemes."""

import argparse
import contextlib
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from sb_sma.cli.paths import check_writable
from sb_sma.data.lexicon.read import read_pronunciations
from sb_sma.inference.model_folder import check_model_folder
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
        check_model_folder(model, prefer_folder=True)
    lexicon = None
    if arguments.analogy is not None:
        if arguments.beam == 1 and len(arguments.model) == 1:
            raise ValueError(
                "--analogy chooses between pronunciations, and --beam 1 of one "
                "model gives a single one. Give --beam 5, or another --model."
            )
        lexicon = _read_lexicon(arguments.analogy)
    with contextlib.ExitStack() as stack:
        source = sys.stdin.buffer
        if arguments.input != "-":
            source = stack.enter_context(_open_input(arguments.input))
        sink = sys.stdout.buffer
        if arguments.output != "-":
            _check_output(arguments.input, arguments.output)
            sink = stack.enter_context(_complete_or_absent(arguments.output))
        # torch takes seconds to load: mistakes above are told at once
        require_torch_pair()
        from sb_sma.inference.g2p.rescoring import add_analogy, load_together

        g2p = load_together(arguments.model)
        g2p.check_language(arguments.language)
        if lexicon is not None:
            try:
                g2p = add_analogy(g2p, lexicon)
            except ValueError as error:
                raise ValueError(
                    f"--analogy {arguments.analogy}: {error}"
                ) from error
        n_good = n_bad = 0
        lines = enumerate(source, start=1)
        while chunk := list(itertools.islice(lines, _CHUNK_LINES)):
            words = _readable_words(g2p, chunk, arguments.language)
            n_good += len(words)
            n_bad += len(chunk) - len(words)
            for line in _pronounce(g2p, words, arguments):
                sink.write(line.encode() + b"\n")
            sink.flush()
        if n_bad and not n_good:
            raise ValueError(
                f"none of the {n_bad} line(s) of {arguments.input} could be "
                "read. Give one word per line."
            )
    for letter, count in g2p.fallbacks.most_common():
        print(f"sb-sma: {letter} was replaced {count} time(s)", file=sys.stderr)
    if n_bad:
        print(f"sb-sma: {n_bad} bad line(s) passed over", file=sys.stderr)


def _positive(text: str) -> int:
    """Return a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"must be a whole number, 1 or more; got {text}"
        )
    return int(text)


def _open_input(path: str) -> IO[bytes]:
    """Return the words; an error names the option."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise OSError(
            f"--input must be a readable file; got {path}: {error.strerror}"
        ) from error


def _read_lexicon(path: str) -> dict:
    """Return the words of --analogy; an error names the option."""
    try:
        return read_pronunciations(Path(path))
    except ValueError as error:
        raise ValueError(f"--analogy {path}: {error}") from error


def _check_output(source: str, sink: str) -> None:
    """Refuse to overwrite what is being read, and what cannot be written."""
    check_writable(Path(sink))
    if source != "-" and Path(sink).exists() and Path(sink).samefile(source):
        raise ValueError(
            f"--output must be another file than --input; got {sink} for both."
        )


@contextlib.contextmanager
def _complete_or_absent(path: str) -> Iterator[IO[bytes]]:
    """Return a file that appears under its name when all is written."""
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        # a pipe or a device
        with open(target, "wb") as file:
            yield file
        return
    try:
        file = tempfile.NamedTemporaryFile(dir=target.parent, delete=False)
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror}") from error
    new = Path(file.name)
    try:
        with file:
            yield file
        # a temporary file is for its owner only
        umask = os.umask(0)
        os.umask(umask)
        new.chmod(0o666 & ~umask)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)


def _readable_words(
    g2p, chunk: list[tuple[int, bytes]], language: str | None
) -> list[tuple[str, list[int]]]:
    """Find words that the model can read, with indices; report others."""
    words = []
    for number, line in chunk:
        try:
            # of a file that begins with a byte order mark, too
            word = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            words.append((word, g2p.encode(word, language)))
        except UnicodeDecodeError as error:
            bad = error.object[error.start : error.end]
            print(
                f"sb-sma: line {number}: must be UTF-8; got {bad!r}",
                file=sys.stderr,
            )
        except ValueError as error:
            print(f"sb-sma: line {number}: {error}", file=sys.stderr)
    return words


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
