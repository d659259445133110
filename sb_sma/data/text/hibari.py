"""The text front end of the teacher hibari: the phonemes that its voice reads.

They are those of misaki, the front end of Kokoro: ``A I O W Y`` are diphthongs,
stress stands before a vowel and becomes a part of it.
"""

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sb_sma.data.espeak.voice import END, PAUSE, check_speakable
from sb_sma.data.plain_text import plain_text
from sb_sma.data.text.frontends import Frontend, Node, count_pauses
from sb_sma.data.text.normalize import check_letters, name_symbol
from sb_sma.extras import require

_NEEDED_BY = "The teacher hibari, or a model that learned from it,"
_MARKS = ';:,.!?—…"“”()'
_SPACES = " ↓→↗↘"
_ALONE = "ˈˌːʰʲ\u0303"
_SOUND = re.compile(f"[ˈˌ]*[^{_MARKS}{_SPACES}{_ALONE}][ːʰʲ\u0303]*")
_SOUND_OR_MARKS = re.compile(f"{_SOUND.pattern}|[{_MARKS}{_SPACES}]+")
_AS_COUNTED = str.maketrans({"…": "...", "“": '"', "”": '"'})
# read as money only where the sign comes first
_SIGN_AFTER = re.compile(r"(?<![\d.,])(\d+(?:[.,]\d+)*)[ ]?([€£$])(?!\d)")


@dataclass(frozen=True)
class Sentence:
    """What the voice says in one breath.

    Arguments
    ---------
    phonemes : str
        As it reads them, a character each.
    tokens : list of str
        Sounds, and ``PAUSE`` at marks between them.
    positions : list of float
        Where each begins in ``phonemes``; between characters for the second of
        several pauses.
    pauses : int
        After it, where another sentence follows.
    """

    phonemes: str
    tokens: list[str]
    positions: list[float]
    pauses: int


class HibariFrontend(Frontend):
    """The phonemes of the package hibari-tts, which has to be installed.

    Numbers, dates, money and abbreviations are put into words by hibari; symbols
    that it does not know get their names.

    Example
    -------
    >>> HibariFrontend().written_out("cafe\\u0301, 5€")
    'café, €5'
    """

    def tokens(self, text: str) -> list[str]:
        """Turn a text into phonemes.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of str
            Sounds, ``PAUSE``, and a final ``END``.

        Raises
        ------
        ImportError
            If hibari-tts is missing.
        ValueError
            If the text has nothing to say, or letters that are not Latin.
        """
        tokens = []
        for sentence in self.sentences(text):
            tokens += [*sentence.tokens, *[PAUSE] * sentence.pauses]
        return [*tokens, END]

    def sentences(self, text: str) -> list[Sentence]:
        """Cut a text into what the voice says in one breath.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        sentences : list of Sentence
            One at least; no pause follows the last.

        Raises
        ------
        ImportError
            If hibari-tts is missing.
        ValueError
            If the text has nothing to say, or letters that are not Latin.
        """
        check_speakable(text)
        check_letters(plain_text(text))
        read = load_hibari().phonemize(self.written_out(text))
        found = [cut(phonemes) for phonemes in read if _SOUND.search(phonemes)]
        if not found:
            raise ValueError(
                "text must be speakable by hibari, which found no phoneme in "
                f"{text!r}. Leave this utterance out or write it in words."
            )
        last = found.pop()
        return [*found, Sentence(last.phonemes, last.tokens, last.positions, 0)]

    def written_out(self, text: str) -> str:
        """Show what is read of a text.

        Arguments
        ---------
        text : str
            Any text.

        Returns
        -------
        str
            In plain characters, with names for unknown symbols.
        """
        text = _SIGN_AFTER.sub(r"\2\1", plain_text(text))
        return "".join(map(_named_if_unread, text))

    def identity(self) -> dict[str, Any]:
        """Tell all that the tokens depend on.

        Returns
        -------
        dict
            The name, and which hibari reads.

        Raises
        ------
        ImportError
            If hibari-tts is missing.
        """
        load_hibari()
        return {"name": "hibari", "version": version("hibari-tts")}

    def check(self) -> None:
        """Refuse to read without the package.

        Raises
        ------
        ImportError
            If hibari-tts is missing.
        """
        load_hibari()

    def export(self, folder: Path) -> Node:
        """Need no file, but the package.

        Arguments
        ---------
        folder : Path
            Of the exported model.

        Returns
        -------
        (type, dict)
            Class and keyword arguments.
        """
        return type(self), {}


@functools.cache
def load_hibari() -> Any:
    """Load the package with its voice, once.

    Returns
    -------
    hibari : hibari.Hibari
        American English, the voice that the wheel brings.

    Raises
    ------
    ImportError
        If it is missing.
    """
    return require("hibari", "data", _NEEDED_BY).Hibari()


def cut(phonemes: str) -> Sentence:
    """Cut the phonemes of a sentence into tokens.

    Arguments
    ---------
    phonemes : str
        At least one sound.

    Returns
    -------
    sentence : Sentence
        Spaces belong to what is before them; marks are pauses only between
        sounds.

    Example
    -------
    >>> sentence = cut("jˈɛs, ju.")
    >>> sentence.tokens, sentence.positions, sentence.pauses
    (['j', 'ˈɛ', 's', '<pause>', 'j', 'u'], [0, 1, 3, 4.0, 6, 7], 3)
    """
    tokens: list[str] = []
    positions: list[float] = []
    pauses, marks_start, marks_end = 0, 0, 0
    for match in _SOUND_OR_MARKS.finditer(phonemes):
        if not _SOUND.fullmatch(match[0]):
            pauses = count_pauses(match[0].translate(_AS_COUNTED))
            marks_start, marks_end = match.span()
            continue
        if tokens and pauses:
            tokens += [PAUSE] * pauses
            positions += _spread(marks_start, marks_end, pauses)
        pauses = 0
        tokens.append(match[0])
        positions.append(match.start())
    return Sentence(phonemes, tokens, positions, pauses or 1)


def _spread(start: int, end: int, count: int) -> Sequence[float]:
    return [start + (end - start) * i / count for i in range(count)]


def _named_if_unread(character: str) -> str:
    """Put the name in the place of a symbol that hibari would drop."""
    is_symbol = unicodedata.category(character) in ("Sm", "So", "Sk")
    if character.isascii() or not is_symbol or _is_read(character):
        return character
    return f" {name_symbol(character)} "


@functools.cache
def _is_read(character: str) -> bool:
    return any(map(_SOUND.search, load_hibari().phonemize(character)))
