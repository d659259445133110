"""Which phonemes of a text belong to which of its words."""

import bisect
import re
import unicodedata
from dataclasses import asdict
from typing import NamedTuple

from sb_sma.data.espeak.library import names_by_word
from sb_sma.data.espeak.voice import (
    END,
    NAMED_MARKS,
    PAUSE,
    VoiceSettings,
    check_speakable,
    in_own_digits,
    phoneme_of,
    phonemize,
)
from sb_sma.data.plain_text import is_speakable

_PIECE = re.compile(r"\S+")
_MARKS = re.compile(r"^\W+|\W+$")


class SpokenWord(NamedTuple):
    """A word of a text, as it is said.

    Attributes
    ----------
    text : str
        As it is written, without marks around it. Two that are said as one
        sound stand together.
    phonemes : list of str
        At least one.
    pause : bool
        Whether a pause follows.
    """

    text: str
    phonemes: list[str]
    pause: bool


def spoken_words(
    text: str,
    settings: VoiceSettings = VoiceSettings(),
) -> list[SpokenWord]:
    """Cut a text into words with the phonemes that eSpeak NG gives each.

    Together they are the phonemes of `sb_sma.data.espeak.voice.phonemize`.

    Arguments
    ---------
    text : str
        What is said, in plain characters (`sb_sma.data.plain_text`).
    settings : VoiceSettings
        Voice, rate, pitch and pitch range.

    Returns
    -------
    words : list of SpokenWord
        At least one.

    Raises
    ------
    ValueError
        If the text has nothing to say, or eSpeak NG lacks the voice.

    Example
    -------
    >>> for word in spoken_words("It's on top of the house, I think."):
    ...     print(word.text, *word.phonemes, word.pause)
    It's ɪ t s False
    on ˌɔ n False
    top t ˈɑː p False
    of ʌ v False
    the ð ə False
    house h ˈaʊ s True
    I aɪ False
    think θ ˈɪ ŋ k False
    >>> print(*spoken_words("hill")[0].phonemes)
    h ˈɪ l
    """
    check_speakable(text)
    spoken = in_own_digits(text, settings)
    pieces = [
        piece for piece in _PIECE.finditer(spoken) if _is_word(piece.group())
    ]
    phonemes = _phonemes_by_piece(spoken, pieces, settings)
    words: list[SpokenWord] = []
    for piece, sounds in zip(pieces, phonemes):
        label = _MARKS.sub("", piece.group()) or piece.group()
        named = [sound for sound in sounds if sound != PAUSE]
        pause = sounds[-1:] == [PAUSE]
        if named:
            words.append(SpokenWord(label, named, pause))
        elif words and is_speakable(label):
            words[-1:] = _apart(words[-1], label, settings)
        elif not words:
            continue
        if pause:
            words[-1] = words[-1]._replace(pause=True)
    if not words:
        raise ValueError(
            f"text must be speakable by the voice {settings.voice!r}, which "
            f"found no phoneme in {text!r}. Leave this utterance out or "
            "choose a voice of its language."
        )
    words[-1] = words[-1]._replace(pause=False)
    return words


def _is_word(piece: str) -> bool:
    """Whether it has anything but marks that are silent."""
    return any(
        character in NAMED_MARKS or unicodedata.category(character)[0] != "P"
        for character in piece
    )


def _phonemes_by_piece(
    spoken: str,
    pieces: list[re.Match],
    settings: VoiceSettings,
) -> list[list[str]]:
    parameters = asdict(settings)
    voice = parameters.pop("voice")
    ends = [piece.end() for piece in pieces]
    phonemes = [[] for _ in pieces]
    found = names_by_word(spoken, voice, parameters)
    for position, names in found:
        # a word may be said to begin at a mark before it
        index = min(bisect.bisect_right(ends, position), len(pieces) - 1)
        phonemes[index] += map(phoneme_of, names)
    return phonemes


def _apart(
    word: SpokenWord, following: str, settings: VoiceSettings
) -> list[SpokenWord]:
    """Take two words apart that eSpeak NG reads as one, if it can be told."""
    try:
        alone = phonemize(following, settings)
    except ValueError:  # it has no sound
        alone = []
    count = sum(phoneme not in (PAUSE, END) for phoneme in alone)
    if not 0 < count < len(word.phonemes):
        return [word._replace(text=f"{word.text} {following}")]
    return [
        word._replace(phonemes=word.phonemes[:-count], pause=False),
        SpokenWord(following, word.phonemes[-count:], word.pause),
    ]
