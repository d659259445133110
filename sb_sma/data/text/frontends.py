"""Text front ends: what turns a text into the tokens that a TTS model reads.

All keep one contract, so that the model and its stop rule work the same: the
tokens are sounds or letters, ``PAUSE`` for every tenth of a second of silence
at punctuation (none after the last word), and a final ``END``.
"""

import hashlib
import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from sb_sma.data.espeak.library import find_version
from sb_sma.data.espeak.voice import (
    END,
    PAUSE,
    VoiceSettings,
    check_speakable,
    phonemize,
)
from sb_sma.data.espeak.words import spoken_words
from sb_sma.data.plain_text import plain_text
from sb_sma.data.text.english.write_out import write_out
from sb_sma.data.text.normalize import MARKS, speak_out
from sb_sma.data.text.word_spans import SPACE, cut_at_pauses

# a class path and its keyword arguments, for a YAML file
Node = tuple[type, dict[str, Any]]

# as many as eSpeak NG makes in read sentences
_PAUSES = {
    **dict.fromkeys(',—()"', 1),
    **dict.fromkeys(";:", 2),
    **dict.fromkeys(".!?", 3),
}
SENTENCE_PAUSES = _PAUSES["."]
"""As many pauses as this or more end a sentence."""
_ELLIPSIS_PAUSES = 2
_PARAGRAPH_PAUSES = 5
_DASH = re.compile(r"--+|(?<=\s)-(?=\s)")
# not from the apostrophe of 'tis to that of dogs'
_QUOTED = re.compile(
    r"(?<!\w)'(?!(?:bout|cause|em|n|round|til|tis|twas)\b)(\w[^'\n]+(?:'\w[^'\n]*)*)'(?!\w)",
    re.IGNORECASE,
)
# en-us, en-gb-scotland, gmw/en-US, English (America)
_ENGLISH = re.compile(
    r"(?:.*/)?en(?:glish)?(?![a-z])(?P<american>.*(?:us|america))?",
    re.IGNORECASE,
)
_WORD_OR_MARKS = re.compile(rf"[^\s{MARKS}]+|[\s{MARKS}]+")


class Frontend(Protocol):
    """What every front end can do.

    Most have nothing to learn and no files; those that do override `fit`,
    `save` and `locate`.
    """

    @abstractmethod
    def tokens(self, text: str) -> list[str]:
        """Turn a text into tokens.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of str
            Sounds or letters, ``PAUSE``, and a final ``END``.
        """

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Tell all that the tokens depend on, for comparison.

        Returns
        -------
        dict
            What JSON can hold.
        """

    @abstractmethod
    def export(self, folder: Path) -> Node:
        """Copy what the front end needs into the folder of a model.

        Arguments
        ---------
        folder : Path
            Of the exported model.

        Returns
        -------
        (type, dict)
            Class and keyword arguments that build it again; call
            `locate` on what they build. File names are relative to the
            folder.
        """

    def written_out(self, text: str) -> str:
        """Show what is read of a text: the same in plainer characters.

        Arguments
        ---------
        text : str
            Any text.

        Returns
        -------
        str
            What has the same tokens.
        """
        return plain_text(text)

    def words(self, text: str) -> list[tuple[str, list[str]]]:
        """Tell which tokens belong to which word, in their order.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of (str, list of str)
            Each word, and its tokens without pauses and spaces. A front end
            that does not know words gives what stands between these.
        """
        return cut_at_pauses(self.tokens(text))

    def check(self) -> None:
        """Refuse what would fail for every text.

        Raises
        ------
        ValueError
            If no text can be read.
        """

    def fit(self, texts: Sequence[str]) -> "Frontend":
        """Learn from texts what the tokens are.

        Arguments
        ---------
        texts : sequence of str
            Those of the training split; bad ones are passed over.

        Returns
        -------
        Frontend
            One that is ready to read; this one stays as it is.

        Raises
        ------
        ValueError
            If the texts do not suffice.
        """
        return self

    def save(self, folder: Path) -> None:
        """Write what `fit` has learned, for `locate`.

        Arguments
        ---------
        folder : Path
            Of the corpus.
        """

    def locate(self, folder: str | Path) -> "Frontend":
        """Find what `save` or `export` has written.

        Arguments
        ---------
        folder : str or Path
            Of the corpus, or of the exported model.

        Returns
        -------
        Frontend
            One that is ready to read; this one stays as it is.

        Raises
        ------
        ValueError
            If a file is missing.
        """
        return self


@dataclass(frozen=True)
class EspeakFrontend(Frontend):
    """eSpeak NG's phonemes.

    What its English voices read wrong, such as money and dates, is put into
    words first (`sb_sma.data.text.english.write_out`).

    Arguments
    ---------
    settings : VoiceSettings
        Voice, rate, pitch and pitch range.

    Example
    -------
    >>> EspeakFrontend().tokens("Yes, you.")
    ['j', 'ˈɛ', 's', '<pause>', 'j', 'ˈuː', '<end>']
    >>> EspeakFrontend().written_out("It costs $5.50.")
    'It costs 5 dollars 50 cents.'
    """

    settings: VoiceSettings = VoiceSettings()

    def __post_init__(self):
        if not isinstance(self.settings, VoiceSettings):
            raise ValueError(
                f"settings must be VoiceSettings; got {self.settings!r:.80}."
            )

    def tokens(self, text: str) -> list[str]:
        """Turn a text into phonemes; see ``phonemize``.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of str
            IPA phonemes, ``PAUSE``, and a final ``END``.
        """
        return phonemize(self.written_out(text), self.settings)

    def written_out(self, text: str) -> str:
        """Show what is read of a text.

        Arguments
        ---------
        text : str
            Any text.

        Returns
        -------
        str
            In plain characters, and for an English voice with money, dates
            and the like in words.
        """
        text = plain_text(text)
        voice, _, _ = self.settings.voice.partition("+")
        english = _ENGLISH.match(voice)
        return write_out(text, not english["american"]) if english else text

    def words(self, text: str) -> list[tuple[str, list[str]]]:
        """Tell which phonemes belong to which word.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of (str, list of str)
            Each word as it is written out, and its phonemes.
        """
        found = spoken_words(self.written_out(text), self.settings)
        return [(word.text, word.phonemes) for word in found]

    def identity(self) -> dict[str, Any]:
        """Tell all that the tokens depend on.

        Returns
        -------
        dict
            The name, the voice, and which eSpeak NG reads.
        """
        return {
            "name": "espeak",
            "version": find_version(),
            **asdict(self.settings),
        }

    def check(self) -> None:
        """Refuse a voice that eSpeak NG lacks.

        Raises
        ------
        ValueError
            If there is no such voice.
        """
        self.tokens("a")

    def export(self, folder: Path) -> Node:
        """Need no file.

        Arguments
        ---------
        folder : Path
            Of the exported model.

        Returns
        -------
        (type, dict)
            Class and keyword arguments.
        """
        settings = (VoiceSettings, asdict(self.settings))
        return type(self), {"settings": settings}


class CharacterFrontend(Frontend):
    """The letters of an English text that is spoken out first.

    Letters are lower case; words without a pause between them are divided by
    ``SPACE``. Apostrophes and hyphens stay.

    Example
    -------
    >>> " ".join(CharacterFrontend().tokens("Don't go, Zoë."))
    "d o n ' t   g o <pause> z o ë <end>"
    """

    def tokens(self, text: str) -> list[str]:
        """Turn a text into letters.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of str
            Letters, ``SPACE``, ``PAUSE``, and a final ``END``.

        Raises
        ------
        ValueError
            If the text has nothing to say, or letters that are not Latin.
        """
        tokens = []
        for word, pauses in split_words(text):
            tokens += [*word.lower(), *([PAUSE] * pauses or [SPACE])]
        return [*tokens[:-1], END]

    def identity(self) -> dict[str, Any]:
        """Tell all that the tokens depend on.

        Returns
        -------
        dict
            The name.
        """
        return {"name": "characters"}

    def export(self, folder: Path) -> Node:
        """Need no file.

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


def respelled(
    frontends: Sequence[Frontend], texts: Sequence[str]
) -> dict[str, Any]:
    """Tell of a corpus how its texts are read, where not as they are written.

    Arguments
    ---------
    frontends : sequence of Frontend
        All that read them.
    texts : sequence of str
        Those of the corpus.

    Returns
    -------
    dict
        For the parameters of the corpus; empty where nothing is respelled.

    Example
    -------
    >>> respelled([CharacterFrontend()], ["café"])
    {}
    >>> respelled([CharacterFrontend()], ["cafe\\u0301"])["respelled"]["texts"]
    1
    """
    pairs = [
        (text, frontend.written_out(text))
        for frontend in frontends
        for text in texts
    ]
    changed = sorted({(text, read) for text, read in pairs if text != read})
    if not changed:
        return {}
    sha256 = hashlib.sha256(repr(changed).encode()).hexdigest()
    return {"respelled": {"texts": len(changed), "sha256": sha256}}


def split_words(text: str) -> list[tuple[str, int]]:
    """Speak a text out and cuts it into words.

    Arguments
    ---------
    text : str
        At least one letter or digit.

    Returns
    -------
    list of (str, int)
        Each word as it is written, and the number of pauses after it: those
        of the strongest mark there, 0 after the last word.

    Raises
    ------
    ValueError
        If the text has nothing to say, or letters that are not Latin.

    Example
    -------
    >>> split_words("Well-known words: two... (Or more.)")
    [('Well-known', 0), ('words', 2), ('two', 2), ('Or', 0), ('more', 0)]
    """
    check_speakable(text)
    spoken = _DASH.sub("—", speak_out(text))
    spoken = _QUOTED.sub(r'"\1"', spoken)
    words, pauses = [], []
    for piece in _WORD_OR_MARKS.findall(spoken):
        if any(character.isalpha() for character in piece):
            words.append(piece)
            pauses.append(0)
        elif words:
            pauses[-1] = max(pauses[-1], count_pauses(piece))
    pauses[-1] = 0
    return list(zip(words, pauses))


def count_pauses(marks: str) -> int:
    """Tell how many pauses the marks between two words make.

    Arguments
    ---------
    marks : str
        Of ``MARKS``, and spaces.

    Returns
    -------
    count : int
        Of the strongest mark.

    Example
    -------
    >>> count_pauses("), "), count_pauses(". ")
    (1, 3)
    """
    if marks.count("\n") > 1:
        return _PARAGRAPH_PAUSES
    if "..." in marks:
        return _ELLIPSIS_PAUSES
    return max((_PAUSES.get(mark, 0) for mark in marks), default=0)
