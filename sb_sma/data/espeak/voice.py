"""Speech with its true phoneme timing from eSpeak NG, without a system package.

The ``espeakng-loader`` wheel brings the library and its voices.

* The same text and settings always give the same samples.
* Tokens are IPA phonemes; stress is a part of a vowel's symbol (``ˈoʊ``).
* Unnamed events are ``PAUSE``, one token for every ``PAUSE_SECONDS`` that the
  silence lasts: nothing else in the text tells a decoder how long it is to
  wait.
* A phoneme of no length, as the l of "all" is to eSpeak, which says it within the
  vowel, shares the time of the one before it, or, after a pause, of the one after
  it: a stepwise path cannot skip a token that has no frames. Pauses of no length
  are left out.
* ``END`` is always last and always ``END_SECONDS`` long: eSpeak's own trailing
  silence, which lasts between 7 ms and 350 ms depending on punctuation, is cut
  or continued with zeros. A stop predictor then sees one kind of ending.
"""

import functools
import logging
import re
import unicodedata
from collections import defaultdict
from dataclasses import asdict, dataclass

import numpy as np

from sb_sma.data.espeak.library import synthesize
from sb_sma.data.espeak.phoneme_names import (
    PAUSE as PAUSE,
    phoneme_of,
)
from sb_sma.data.plain_text import is_speakable, plain_text
from sb_sma.data.problems import abridged

logger = logging.getLogger(__name__)

END = "<end>"
END_SECONDS = 0.15
PAUSE_SECONDS = 0.1

# eSpeak clips values outside of these without a word
BOUNDS = {"rate": (80, 450), "pitch": (0, 99), "pitch_range": (0, 99)}
# punctuation that is no pause, but stands for a word
NAMED_MARKS = frozenset("#%&*@/\\_^§¶†‡•‰‱※٪٫٬")
# of scripts whose letters are all the same to most voices: "Chinese letter"
_TWO_LETTERS = {
    "CJK": "北京",
    "HIRAGANA": "あん",
    "KATAKANA": "アン",
    "BOPOMOFO": "ㄅㄑ",
}
# a word of scripts that voices of other languages spell letter by letter
_WORDS = {
    "ARABIC": "سلام",
    "CYRILLIC": "трава",
    "ETHIOPIC": "ሰላም",
    "GREEK": "καλημερα",
    "HEBREW": "שלום",
    "THAI": "สวัสดี",
}
# with marks between; a letter alone, such as π, has a name in any language
_WORD = re.compile(
    r"[^\W\d_](?:[\u0300-\u036f\u0591-\u05c7\u064b-\u0655\u0e31-\u0e4e]*[^\W\d_])+"
)
# Nepali reads other digits as English
_OWN_DIGITS = {"ne": str.maketrans("0123456789", "०१२३४५६७८९")}
# of each voice, the characters and scripts that were warned about
_warned: dict[str, set[str]] = defaultdict(set)


@dataclass(frozen=True)
class VoiceSettings:
    """How eSpeak NG speaks.

    Arguments
    ---------
    voice : str
        A voice of eSpeak NG, with an optional variant after a plus sign, e.g.,
        ``en-us`` or ``en-us+f3``.
    rate : int
        Speed in words per minute, from 80 to 450.
    pitch : int
        Base pitch from 0 to 99.
    pitch_range : int
        Liveliness of the melody from 0 (monotone) to 99.

    Raises
    ------
    ValueError
        If a number is not an integer within its bounds.

    Example
    -------
    >>> VoiceSettings(voice="en-us+f3", rate=200).rate
    200
    """

    voice: str = "en-us"
    rate: int = 175
    pitch: int = 50
    pitch_range: int = 50

    def __post_init__(self):
        for name, (low, high) in BOUNDS.items():
            value = getattr(self, name)
            whole = isinstance(value, (int, np.integer))
            if not whole or not low <= value <= high:
                raise ValueError(
                    f"{name} must be an integer from {low} to {high}; got "
                    f"{value!r}. Choose a value inside: eSpeak NG would clip "
                    "it without a word."
                )


@dataclass(frozen=True)
class Speech:
    """An utterance and the first sample of each of its tokens.

    Arguments
    ---------
    samples : np.ndarray
        16-bit samples, of shape (N,); floating point in [-1, 1] where it is
        not eSpeak NG that speaks.
    sample_rate : int
        Samples per second.
    tokens : tuple of str
        Phonemes, ``PAUSE``, and a final ``END``.
    starts : tuple of int, optional
        First sample of each token: 0 for the first, strictly increasing. None
        where nobody knows them, which eSpeak NG always does.
    """

    samples: np.ndarray
    sample_rate: int
    tokens: tuple[str, ...]
    starts: tuple[int, ...] | None


def speak(text: str, settings: VoiceSettings = VoiceSettings()) -> Speech:
    """Synthesise a text of any length, from a letter to several paragraphs.

    It is read as `plain_text` writes it. Characters that the voice cannot
    read, and scripts that it spells letter by letter, are warned about, each
    once. English is not put into words here:
    $5.50 is what eSpeak NG makes of it; `EspeakFrontend.written_out` does.

    Arguments
    ---------
    text : str
        What to say; at least one letter or digit.
    settings : VoiceSettings
        Voice, rate, pitch and pitch range.

    Returns
    -------
    Speech
        Samples, tokens and the first sample of each token.

    Raises
    ------
    ValueError
        If the text has nothing to say, or if eSpeak NG lacks the voice.
    RuntimeError
        If eSpeak NG itself fails.

    Example
    -------
    >>> speech = speak("Hello.")
    >>> speech.tokens
    ('h', 'ə', 'l', 'ˈoʊ', '<end>')
    >>> speech.starts[0]
    0
    """
    check_speakable(text)
    parameters = asdict(settings)
    voice = parameters.pop("voice")
    # control characters, which are gone, would steer eSpeak or end the string
    spoken = in_own_digits(plain_text(text), settings)
    _warn_about_unread(spoken, voice)
    _warn_about_spelled(spoken, voice)
    samples, events, sample_rate = synthesize(spoken, voice, parameters)
    tokens, starts, end_start = _merge_events(events, samples)
    if not tokens:
        raise ValueError(
            f"text must be speakable by the voice {settings.voice!r}, which "
            f"found no phoneme in {text!r}. Leave this utterance out or "
            "choose a voice of its language."
        )
    tokens, starts = _split_pauses(tokens, starts, end_start, sample_rate)
    tail = np.zeros(round(END_SECONDS * sample_rate), dtype=np.int16)
    silence = samples[end_start : end_start + len(tail)]
    tail[: len(silence)] = silence
    return Speech(
        samples=np.concatenate([samples[:end_start], tail]),
        sample_rate=sample_rate,
        tokens=(*tokens, END),
        starts=(*starts, end_start),
    )


def phonemize(
    text: str, settings: VoiceSettings = VoiceSettings()
) -> list[str]:
    """Turn a text into the tokens that ``speak`` gives for it as it is.

    Arguments
    ---------
    text : str
        What to say; at least one letter or digit.
    settings : VoiceSettings
        Voice, rate, pitch and pitch range; the rate may decide whether a
        sound is left out.

    Returns
    -------
    list of str
        IPA phonemes, ``PAUSE``, and a final ``END``.

    Example
    -------
    >>> phonemize("Yes, you.")
    ['j', 'ˈɛ', 's', '<pause>', 'j', 'ˈuː', '<end>']
    """
    return list(speak(text, settings).tokens)


def in_own_digits(text: str, settings: VoiceSettings) -> str:
    """Write the digits of a text as the voice reads them as its own.

    Arguments
    ---------
    text : str
        In plain characters.
    settings : VoiceSettings
        Whose voice it is.

    Returns
    -------
    text : str
        As long as before.

    Example
    -------
    >>> in_own_digits("12", VoiceSettings(voice="ne"))
    '१२'
    """
    language, _, _ = settings.voice.partition("+")
    return text.translate(_OWN_DIGITS.get(language, {}))


def check_speakable(text: str) -> None:
    """Refuse a text that has nothing to say.

    Arguments
    ---------
    text : str
        Any text.

    Raises
    ------
    ValueError
        If ``is_speakable`` says no.

    Example
    -------
    >>> check_speakable("B 4!")
    """
    if not is_speakable(text):
        raise ValueError(
            "text must have at least one letter or digit to speak; got "
            f"{text!r:.80}. Leave this utterance out or write it in words."
        )


def _warn_about_unread(text: str, voice: str) -> None:
    """Name the characters of a text that get lost, each once."""
    new = {
        character
        for character in set(text)
        if _must_sound(character) and _is_unread(character, voice)
    } - _warned[voice]
    if new:
        _warned[voice] |= new
        logger.warning(
            "The voice %s of eSpeak NG has no sound of its own for %s. Write "
            "it in words, or choose a voice that reads it.",
            voice,
            abridged([repr(character) for character in sorted(new)]),
        )


def _warn_about_spelled(text: str, voice: str) -> None:
    """Name words of another script than those of the language, once each."""
    if text.isascii():
        return
    words: dict[str, list[str]] = defaultdict(list)
    for word in dict.fromkeys(_WORD.findall(text)):
        script = _script(word[0])
        # ΔG is none
        if script == _script(word[-1]):
            words[script].append(word)
    for script in words.keys() & _WORDS.keys() - _warned[voice]:
        if _is_spelled(script, voice):
            _warned[voice].add(script)
            logger.warning(
                "The voice %s of eSpeak NG spells %s letter by letter: its "
                "language does not use %s letters. Write it in those of the "
                "language, or choose a voice that reads it.",
                voice,
                abridged([repr(word) for word in words[script]]),
                script.capitalize(),
            )


@functools.cache
def _is_spelled(script: str, voice: str) -> bool:
    """Whether a word is said as its letters are, by their long names."""
    word = _WORDS[script]
    whole, *letters = [
        sum(token != PAUSE for token in _sound(text, voice))
        for text in (word, *word)
    ]
    return whole == sum(letters) > 1.5 * len(word)


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


def _must_sound(character: str) -> bool:
    category = unicodedata.category(character)
    return character in NAMED_MARKS or (
        category[0] in "LNSC"
        and category not in ("Lm", "Sk", "Cc", "Cf")
        and not (character.isascii() and character.isalnum())
    )


@functools.cache
def _is_unread(character: str, voice: str) -> bool:
    """Whether a character is silent, or sounds like all of its script."""
    sound = _sound(character, voice)
    letters = _TWO_LETTERS.get(_script(character), "")
    both = {_sound(letter, voice) for letter in letters}
    return not sound or both == {sound}


@functools.cache
def _sound(character: str, voice: str) -> tuple[str, ...]:
    parameters = asdict(VoiceSettings())
    del parameters["voice"]
    samples, events, _ = synthesize(character, voice, parameters)
    return tuple(_merge_events(events, samples)[0])


def _merge_events(
    events: list[tuple[int, bytes]], samples: np.ndarray
) -> tuple[list[str], list[int], int]:
    """Drop events of no length, join pauses, cut the trailing silence."""
    ends = [start for start, _ in events[1:]] + [len(samples)]
    tokens, starts = [], []
    for (start, name), end in zip(events, ends):
        symbol = phoneme_of(name)
        if end <= start or (symbol == PAUSE and tokens[-1:] == [PAUSE]):
            continue
        tokens.append(symbol)
        starts.append(start)
    end_start = len(samples)
    if tokens[-1:] == [PAUSE]:
        tokens.pop()
        end_start = starts.pop()
    if starts:
        starts[0] = 0
    return tokens, starts, end_start


def _split_pauses(
    tokens: list[str], starts: list[int], end_start: int, sample_rate: int
) -> tuple[list[str], list[int]]:
    """Give a pause as many tokens of equal length as it has tenths of a
    second: nothing else in a text tells how long it is.
    """
    split_tokens, split_starts = [], []
    for token, start, end in zip(tokens, starts, [*starts[1:], end_start]):
        count = 1
        if token == PAUSE:
            seconds = (end - start) / sample_rate
            count = max(1, round(seconds / PAUSE_SECONDS))
        split_tokens += [token] * count
        split_starts += [
            start + (end - start) * i // count for i in range(count)
        ]
    return split_tokens, split_starts
