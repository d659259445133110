"""Lines of text that a command is given: a bad one stops none of the others."""

import codecs
import contextlib
import itertools
import logging
import sys
from collections import deque
from collections.abc import Iterable, Iterator

from sb_sma.data.problems import abridged

# the longer ones first: those of UTF-16 are their beginnings
_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

_REMEMBERED = 1000  # messages of a command, which a server runs for weeks


def tell(message: str) -> None:
    """Print to standard error, above a progress bar if there is one.

    Arguments
    ---------
    message : str
        One line.
    """
    from tqdm import tqdm

    tqdm.write(f"sb-sma: {message}", file=sys.stderr)


class _Teller(logging.Handler):
    def __init__(self):
        super().__init__()
        self._told: deque[str] = deque(maxlen=_REMEMBERED)

    def emit(self, record: logging.LogRecord) -> None:
        """Tell what is logged; the same message once, unless it is an error."""
        message = self.format(record)
        if record.levelno >= logging.ERROR or message not in self._told:
            self._told.append(message)
            tell(message)


@contextlib.contextmanager
def tell_log() -> Iterator[None]:
    """Let what the package logs be told as a command's own messages are.

    What is logged of every text, or again for each seed, is told once.

    Returns
    -------
    told : context manager
        Within which it is.

    Example
    -------
    >>> with contextlib.redirect_stderr(sys.stdout), tell_log():
    ...     for _ in range(5):
    ...         logging.getLogger("sb_sma.data").warning("%s is odd", "a")
    sb-sma: a is odd
    """
    logger, handler = logging.getLogger("sb_sma"), _Teller()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class TextLines:
    """The lines of a file, numbered, and what is wrong with them.

    Lines end with LF, CRLF or CR, and nowhere else.

    Arguments
    ---------
    name : str
        Of the file, for messages.
    source : iterable of bytes
        The file, opened to read bytes.
    content : str
        What a line is to hold, for messages.

    Attributes
    ----------
    bad : dict of int to str
        What is wrong with the lines that were passed over, by number.

    Example
    -------
    >>> pieces = [b"one\\r\\n", b"\\n", b"two\\x0c\\n"]
    >>> lines = TextLines("words.txt", pieces, "one word")
    >>> [(number, decode_line(line)) for number, line in lines]
    [(1, 'one'), (2, ''), (3, 'two')]
    """

    def __init__(self, name: str, source: Iterable[bytes], content: str):
        self.name = name
        self.content = content
        self.bad: dict[int, str] = {}
        self._source = source

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Read one line after the other.

        Raises
        ------
        ValueError
            If the file begins as one in UTF-16 or UTF-32.
        """
        # str.splitlines would also split at other characters
        pieces = itertools.chain.from_iterable(
            map(bytes.splitlines, self._source)
        )
        for number, line in enumerate(pieces, start=1):
            if number == 1:
                self._refuse_other_marks(line)
            yield number, line

    def warn(self, number: int, problem: object) -> None:
        """Report something about a line.

        Arguments
        ---------
        number : int
            Of the line.
        problem : object
            What is printed.
        """
        tell(f"{self.name}:{number}: {problem}")

    def pass_over(self, number: int, problem: object) -> None:
        """Report a bad line, and count it.

        Arguments
        ---------
        number : int
            Of the line.
        problem : object
            What is wrong with it.
        """
        self.warn(number, problem)
        self.bad[number] = str(problem)

    def conclude(self, n_good: int) -> None:
        """Say which lines were passed over, if any were.

        Arguments
        ---------
        n_good : int
            The others that were of use.

        Raises
        ------
        ValueError
            If all that there were are bad.
        """
        if self.bad and not n_good:
            raise ValueError(
                f"none of the {len(self.bad)} line(s) of {self.name} could be "
                f"read. Give {self.content} per line."
            )
        if self.bad:
            numbers = abridged([str(number) for number in sorted(self.bad)])
            tell(f"{len(self.bad)} bad line(s) passed over: {numbers}")

    def _refuse_other_marks(self, line: bytes) -> None:
        for mark, encoding in _OTHER_MARKS.items():
            if line.startswith(mark):
                raise ValueError(f"{self.name}:1: {_not_utf_8(mark, encoding)}")


@contextlib.contextmanager
def open_lines(
    path: str | None, content: str, option: str = "--input"
) -> Iterator[TextLines]:
    """Open the file of an option.

    Arguments
    ---------
    path : str or None
        A file; - or None for standard input.
    content : str
        As of `TextLines`.
    option : str
        Which names the file.

    Returns
    -------
    lines : context manager of TextLines
        The lines.

    Raises
    ------
    OSError
        If the file cannot be read.

    Example
    -------
    >>> path = getfixture("tmp_path") / "words.txt"
    >>> _ = path.write_text("one")
    >>> with open_lines(str(path), "one word") as lines:
    ...     list(lines)
    [(1, b'one')]
    """
    if path in (None, "-"):
        yield TextLines("standard input", sys.stdin.buffer, content)
        return
    try:
        file = open(path, "rb")
    except OSError as error:
        raise OSError(
            f"{option} must be a readable file; got {path}: {error.strerror}"
        ) from error
    with file:
        yield TextLines(path, file, content)


def decode_line(line: bytes) -> str:
    """Read the text of a line, without what surrounds it.

    Arguments
    ---------
    line : bytes
        One line.

    Returns
    -------
    text : str
        Without spaces at its ends, and without byte order marks.

    Raises
    ------
    ValueError
        If the line is not UTF-8.

    Example
    -------
    >>> decode_line("\\ufeff caf\\u00e9 ".encode())
    'café'
    >>> decode_line(b"caf\\xe9")
    Traceback (most recent call last):
    ...
    ValueError: must be UTF-8; got b'\\xe9', as a file in CP1252 has. Convert the file, such as by iconv -f CP1252 -t UTF-8
    """
    if b"\0" in line:
        raise ValueError(_not_utf_8(b"\0", "UTF-16LE"))
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = line[error.start : error.end]
        raise ValueError(_not_utf_8(bad, "CP1252")) from error
    # a file that was put after another brings its mark with it
    return text.replace("\ufeff", "").strip()


def _not_utf_8(found: bytes, encoding: str) -> str:
    """Say what is wrong with an encoding, and how to mend it."""
    return (
        f"must be UTF-8; got {found!r}, as a file in {encoding} has. Convert "
        f"the file, such as by iconv -f {encoding} -t UTF-8"
    )
