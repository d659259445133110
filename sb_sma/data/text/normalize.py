"""Written English as it is spoken: numbers, dates, money, times, abbreviations.

The grammars are those of NVIDIA's NeMo text processing, compiled into the
package ``kitten-text-processing`` (pure Python, nothing to download). What they
leave as it is written is added here; plain words never reach them.
"""

import functools
import re
import unicodedata
from collections.abc import Callable

from sb_sma.data.plain_text import THOUSANDS, plain_text
from sb_sma.data.text.english.addresses import say_addresses
from sb_sma.extras import require

MARKS = ',;:.!?—()"'
_ALLOWED = frozenset(MARKS + "'-\n")
_LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼ′`´", "'"),
        **dict.fromkeys("“”„‟«»‹›″", '"'),
        **dict.fromkeys("[{", "("),
        **dict.fromkeys("]}", ")"),
        **dict.fromkeys("‐‑−", "-"),
        **dict.fromkeys("–―", "—"),
        "…": "...",
        "µ": "μ",
        "×": " times ",
        "÷": " divided by ",
        "\\": " backslash ",
    }
)
_SYMBOL_NAMES = {"/": "slash", "_": "underscore", "μ": "micro"}
_ABBREVIATIONS = {
    "approx": "approximately",
    "Ave": "Avenue",
    "Bros": "brothers",
    "Corp": "corporation",
    "fig": "figure",
    "Fig": "figure",
    "Inc": "incorporated",
    "Messrs": "Messieurs",
    "Prof": "professor",
    "Rep": "representative",
    "Sen": "senator",
    "Sr": "senior",
}
# those that the grammars read, where no figure stands beside them
_KNOWN_ABBREVIATIONS = (
    "Adm Apr Apt Aug Bldg Capt Co Col Dec Dept Dr Esq Feb Gen Gov Hon Jan Jr "
    "Lt Ltd Maj Mr Mrs Ms Mt Nov Oct Rev Sept Sgt St Vol apt bldg dept est etc "
    "prof vol vs"
).split()
# an abbreviation, a full stop within a word, initials, a Roman numeral
_MAYBE_ABBREVIATED = re.compile(
    rf"\b(?:{'|'.join([*_ABBREVIATIONS, *_KNOWN_ABBREVIATIONS])})\."
    r"|\.(?=\w)|\b[A-HJ-Z]\.\s+[A-Z]|\b[IVX]{2,}\b"
)
_RULERS = (
    "Alexander Benedict Catherine Charles Clement Edward Elizabeth Francis "
    "Frederick George Gregory Henry Innocent Ivan James John Leo Leopold Louis "
    "Ludwig Napoleon Nicholas Paul Peter Philip Pius Ramses Richard Wilhelm "
    "William"
).split()
_ROMAN = r"(?=[IVX]{2})(X{0,3})(IX|IV|V?I{0,3})"
_ROMAN_UNITS = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")


def speak_out(text: str) -> str:
    """Write an English text in words.

    Nothing visible is dropped: a symbol that no grammar knows gets its name
    (☂ is "umbrella"), a letter of another script is an error. Control and
    formatting characters, which nobody sees, become spaces or nothing.

    Arguments
    ---------
    text : str
        Any text.

    Returns
    -------
    str
        Latin letters with and without diacritics, the marks ``MARKS``,
        apostrophes, hyphens, spaces and line ends.

    Raises
    ------
    ImportError
        If the extra ``text`` is needed and not installed.
    ValueError
        If a letter is not a Latin one.

    Example
    -------
    >>> speak_out("“Wait…”, he said — twice.")
    '"Wait...", he said — twice.'
    """
    text = say_addresses(_plain(text))
    check_letters(text)
    # what is no sentence end for sure stays together: abbreviations need the
    # words around them
    pieces = re.split(r"((?<=[!?;:])\s+|(?<=[a-z]{5}\.)\s+|\n+)", text)
    return "".join(map(_speak_piece_out, pieces)).strip()


def _plain(text: str) -> str:
    """Return the same text with fewer kinds of characters, quotes, dashes."""
    kept = []
    # the grammars read longer numbers digit by digit
    text = THOUSANDS.sub(lambda match: re.sub(r"\D", ",", match[0]), text)
    text = plain_text(text)
    for before, character in zip(" " + text, text):
        category = unicodedata.category(character)
        # a mark on a letter stays, e.g., not the variant of an emoji
        if category[0] == "M" and before.isalpha():
            kept.append(character)
        elif category[0] != "M" and category != "Cf":
            kept.append(character)
    return "".join(kept).translate(_LOOKALIKES)


def check_letters(text: str) -> None:
    """Refuse what is not written in Latin letters.

    Arguments
    ---------
    text : str
        Any text.

    Raises
    ------
    ValueError
        If a letter is of another script.

    Example
    -------
    >>> check_letters("Zoë's 2nd")
    """
    foreign = sorted(set(filter(_is_foreign, text)))
    if foreign:
        raise ValueError(
            "text must be English in Latin letters; got "
            f"{', '.join(map(repr, foreign[:5]))} in {text!r:.80}. "
            "Write it in Latin letters, or choose frontend: espeak."
        )


def _is_foreign(character: str) -> bool:
    """Tell a letter of another script, or no character at all."""
    if unicodedata.category(character) in ("Co", "Cs", "Cn"):
        return True
    name = unicodedata.name(character, "")
    return (
        character.isalpha()
        and character not in _SYMBOL_NAMES
        and not name.startswith(("LATIN", "MODIFIER"))
    )


def _speak_piece_out(piece: str) -> str:
    if not _has_more_than_words(piece):
        return piece
    for pattern, replacement in _FIXES:
        piece = pattern.sub(replacement, piece)
    return _name_the_rest(_library()(piece))


def _has_more_than_words(piece: str) -> bool:
    """Whether there may be anything but words and marks to read."""
    return not all(map(_is_written, piece)) or bool(
        _MAYBE_ABBREVIATED.search(piece)
    )


@functools.cache
def _library() -> Callable[[str], str]:
    package = require(
        "kitten_text_processing",
        "text",
        "Speaking out numbers and abbreviations",
    )
    return package.normalize_text


def _name_the_rest(spoken: str) -> str:
    """Speak single digits and symbols that the grammars left."""
    pieces = [c if _is_written(c) else f" {name_symbol(c)} " for c in spoken]
    joined = re.sub(r"  +", " ", "".join(pieces)).strip()
    return re.sub(r" (?=[,;:.!?)])", "", joined)


def _is_written(character: str) -> bool:
    """Whether it may stay: a letter or its mark, a space, punctuation."""
    if character in _SYMBOL_NAMES:
        return False
    return unicodedata.category(character)[0] in "LMZ" or character in _ALLOWED


def name_symbol(character: str) -> str:
    """Say what a symbol or a digit is.

    Arguments
    ---------
    character : str
        One that Unicode has a name for.

    Returns
    -------
    name : str
        In small letters.

    Raises
    ------
    ImportError
        If it is a digit and the extra ``text`` is not installed.

    Example
    -------
    >>> name_symbol("☂")
    'umbrella'
    """
    if character.isdecimal():
        return _library()(str(unicodedata.decimal(character)))
    if character in _SYMBOL_NAMES:
        return _SYMBOL_NAMES[character]
    name = unicodedata.name(character).lower()
    words = re.sub(r"[^a-z]+", " ", name)
    return re.sub(r" (?:sign|symbol)$", "", words.strip())


def _in_figures(match: re.Match) -> str:
    """Return the Roman numeral after a name: Henry the 8th, Chapter 8."""
    tens, units = match[2], match[3]
    number = 10 * len(tens) + _ROMAN_UNITS.index(units)
    if match[1] not in _RULERS:
        return f"{match[1]} {number}"
    # eleventh to nineteenth are regular
    last = 0 if tens == "X" else number % 10
    ending = {1: "st", 2: "nd", 3: "rd"}.get(last, "th")
    return f"{match[1]} the {number}{ending}"


_FIXES = (
    (re.compile(r"\bNo\.\s?(?=\d)"), "number "),
    (re.compile(r"(?<=\d)²"), " squared"),
    (re.compile(r"(?<=\d)³"), " cubed"),
    (
        re.compile(r"\^(-)?(?=\d)"),
        lambda match: f" to the power of {'minus ' * bool(match[1])}",
    ),
    (re.compile(r"~(?=\d)"), "approximately "),
    (re.compile(r"(?<=\d)—(?=\d)"), "-"),
    (re.compile(r"(\d)'(?=\d)"), r"\1 feet "),
    (re.compile(r"(\d\s?(?:ft|oz|lbs?|yd))\.(?=\s+[a-z])"), r"\1"),
    (re.compile(r"(?<=\w )St\.(?=\s*$|,|\s+[a-z])"), "Street"),
    (re.compile(rf"\b([A-Z][a-z]+) {_ROMAN}\b"), _in_figures),
    (
        re.compile(rf"\b({'|'.join(_ABBREVIATIONS)})\."),
        lambda match: _ABBREVIATIONS[match[1]],
    ),
)
