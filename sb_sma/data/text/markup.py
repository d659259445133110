"""What a text says about how it is to be spoken.

Two elements of SSML, and phonemes in the place of a word:

* ``<break time="0.5s"/>`` is a silence,
* ``<prosody rate="80%">...</prosody>`` a pace of its own,
* ``[word](/phonemes/)`` how a word is said.

``<`` and ``[`` otherwise are what they are; ``&lt;`` is ``<`` in any case. What
looks like an element and is none of these is refused.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

LONGEST_BREAK = 60.0
"""Seconds."""

_MARKED = re.compile(r"<[A-Za-z/]|\]\(/|&(?:lt|gt|amp);")
_PART = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][\w.-]*)(?P<rest>\s[^<>]*?|)"
    r"(?P<empty>/?)>"
    r"|\[(?P<word>[^\[\]\n]*)\]\(/(?P<sounds>[^()\n]*)/\)"
    r"|(?P<broken></?(?:break|prosody)\b|\]\(/)"
)
_ATTRIBUTES = re.compile(r"""\s*([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ms|s)", re.ASCII)
_RATE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*%", re.ASCII)
_ESCAPED = {"lt": "<", "gt": ">", "amp": "&"}
_ESCAPE = re.compile("&(lt|gt|amp);")
_KNOWN = (
    'known are <break time="0.5s"/>, <prosody rate="80%">...</prosody> and '
    "[word](/phonemes/). Write &lt; for a < that is read"
)
# in their places stand words that no voice reads together with others
_STANDING_IN = {
    True: (
        *("Ann", "Ed", "Alf", "Izz", "Upp"),
        *("Amos", "Edna", "Ivan", "Oscar", "Otis"),
        *("Elsa", "Iris", "Olga", "Abel", "Enid"),
    ),
    False: (
        *("Bob", "Ted", "Kim", "Nat", "Zeb"),
        *("Ben", "Tom", "Peg", "Gus", "Rex"),
        *("Hank", "Doug", "Meg", "Vic", "Judd"),
    ),
}
_LETTER = r"[^\W_]"
IPA_VOWELS = frozenset("aeiouyæœøɐɑɒɔəɘɚɛɜɞɤɨɪɯɵɶʉʊʌʏᵻAEIOUWY")


class Respelling(NamedTuple):
    """A word that is said otherwise.

    Attributes
    ----------
    word : str
        As it is written.
    stand_in : str
        The word that stands in its place while the text is read.
    sounds : str
        How it is said.
    """

    word: str
    stand_in: str
    sounds: str


class MarkedSpan(NamedTuple):
    """A part of a text at one pace.

    Attributes
    ----------
    text : str
        With stand-ins.
    pace : float
        Above 1 is faster.
    respellings : tuple of Respelling
        In the order of their stand-ins.
    """

    text: str
    pace: float
    respellings: tuple[Respelling, ...]


class Break(NamedTuple):
    """A silence.

    Attributes
    ----------
    seconds : float
        How long it lasts, at any pace.
    """

    seconds: float


def parse_markup(text: str) -> list[MarkedSpan | Break]:
    """Take a text apart where it says how it is spoken.

    Arguments
    ---------
    text : str
        Any text.

    Returns
    -------
    parts : list of MarkedSpan or Break
        In their order; a text without markup is a single span.

    Raises
    ------
    ValueError
        If an element is unknown, not complete, or out of range.

    Example
    -------
    >>> text = 'Wait <break time="500ms"/> [Zoë](/z ˈoʊ i/), if a < b.'
    >>> for part in parse_markup(text):
    ...     print(part[:2])
    ('Wait ', 1.0)
    (0.5,)
    (' Bob, if a < b.', 1.0)
    """
    if not _MARKED.search(text):
        return [MarkedSpan(text, 1.0, ())]
    reader = _Reader(text)
    end = 0
    for match in _PART.finditer(text):
        if match["name"] is not None and not _is_element(match):
            continue
        reader.take_text(text[end : match.start()])
        end = match.end()
        if match["broken"]:
            _refuse(match, "is not complete")
        elif match["name"] is None:
            reader.respell(match)
        else:
            reader.take_element(match)
    reader.take_text(text[end:])
    return reader.finish()


def find_standing_in(names: Iterable[str]) -> re.Pattern:
    """Make a pattern that finds names where they are whole words.

    Arguments
    ---------
    names : iterable of str
        At least one.

    Returns
    -------
    pattern : re.Pattern
        In upper or lower case.

    Example
    -------
    >>> find_standing_in(["Bob", "Ed"]).findall("Bobby, bob and Ed's Edna")
    ['bob', 'Ed']
    """
    either = "|".join(sorted(set(names)))
    return re.compile(f"(?<!{_LETTER})(?:{either})(?!{_LETTER})", re.IGNORECASE)


def escape_markup(text: str) -> str:
    """Escape what would be markup, in a text that is to be read as it is.

    Arguments
    ---------
    text : str
        Any text.

    Returns
    -------
    text : str
        In which `parse_markup` finds nothing but text.

    Example
    -------
    >>> escape_markup("AT&T, <i>a</i>")
    'AT&amp;T, &lt;i>a&lt;/i>'
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return text.replace("](/", "] (/")


class _Reader:
    """What was read of a text so far."""

    def __init__(self, text: str):
        self._whole = text
        self._parts: list[MarkedSpan | Break] = []
        self._paces: list[tuple[float, re.Match]] = []
        self._text = ""
        self._respellings: list[Respelling] = []

    def take_text(self, text: str) -> None:
        """Add what is read as it is."""
        self._text += _ESCAPE.sub(lambda match: _ESCAPED[match[1]], text)

    def respell(self, match: re.Match) -> None:
        """Add a word with its phonemes."""
        word, sounds = match["word"].strip(), match["sounds"].strip()
        if not any(map(str.isalnum, word)) or not sounds:
            _refuse(match, "must have a word and phonemes")
        after = match.string[match.end() : match.end() + 1]
        if re.search(f"{_LETTER}$", self._text) or re.match(_LETTER, after):
            _refuse(match, "must stand between spaces or marks")
        first = sounds.lstrip("ˈˌ'")[:1]
        stand_in = _choose_stand_in(first in IPA_VOWELS, self._whole, match)
        self._text += stand_in
        self._respellings.append(Respelling(word, stand_in, sounds))

    def take_element(self, match: re.Match) -> None:
        """Add an element of SSML."""
        if match["name"] == "break":
            self._end_span()
            self._parts.append(Break(_read_break(match)))
        elif match["name"] != "prosody":
            _refuse(match, "is not known")
        elif match["close"]:
            if not self._paces or match["rest"].strip() or match["empty"]:
                _refuse(match, "ends nothing that was begun")
            self._end_span()
            self._paces.pop()
        else:
            if match["empty"]:
                _refuse(match, "must surround a text")
            rate = _read_rate(match)
            self._end_span()
            outer = self._paces[-1][0] if self._paces else 1.0
            self._paces.append((outer * rate, match))

    def finish(self) -> list[MarkedSpan | Break]:
        """Return the parts."""
        if self._paces:
            _refuse(self._paces[-1][1], "is not ended by </prosody>")
        self._end_span()
        return self._parts or [MarkedSpan("", 1.0, ())]

    def _end_span(self) -> None:
        if self._text.strip():
            pace = self._paces[-1][0] if self._paces else 1.0
            span = MarkedSpan(self._text, pace, tuple(self._respellings))
            self._parts.append(span)
        self._text, self._respellings = "", []


def _is_element(match: re.Match) -> bool:
    """Tell an element from a < b and c > d."""
    return not match["rest"].strip() or "=" in match["rest"]


def _read_break(match: re.Match) -> float:
    time = _only_attribute(match, "time", 'such as time="0.5s"')
    number = _TIME.fullmatch(time.strip())
    if match["close"] or not match["empty"] or number is None:
        _refuse(match, 'must be written as <break time="0.5s"/>')
    seconds = float(number[1]) / (1000.0 if number[2] == "ms" else 1.0)
    if seconds > LONGEST_BREAK:
        _refuse(match, f"is longer than {LONGEST_BREAK:g} s")
    return seconds


def _read_rate(match: re.Match) -> float:
    rate = _only_attribute(match, "rate", 'such as rate="80%"')
    number = _RATE.fullmatch(rate.strip())
    if number is None or not 25 <= float(number[1]) <= 400:
        _refuse(match, "must have a rate from 25% to 400%")
    return float(number[1]) / 100.0


def _only_attribute(match: re.Match, name: str, example: str) -> str:
    """Return the value of an attribute, and refuse all others."""
    rest = match["rest"].rstrip()
    found = {m[1]: m[2] or m[3] or "" for m in _ATTRIBUTES.finditer(rest)}
    if _ATTRIBUTES.sub("", rest).strip() or list(found) != [name]:
        _refuse(
            match, f"must have the attribute {name} and no other, {example}"
        )
    return found[name]


def _choose_stand_in(before_vowel: bool, text: str, match: re.Match) -> str:
    for word in _STANDING_IN[before_vowel]:
        if not find_standing_in([word]).search(text):
            return word
    _refuse(match, "stands among too many names")


def _refuse(match: re.Match, problem: str) -> None:
    before = match.string[: match.start()]
    place = f"character {match.start() + 1}"
    if "\n" in before:
        place = f"line {before.count(chr(10)) + 1}"
    shown = match[0] if not match["broken"] else match.string[match.start() :]
    shown = " ".join(shown[:60].split())
    raise ValueError(f"{place}: {shown!r} {problem}; {_KNOWN}.")
