"""Roman numerals in figures: Henry the 8th, Chapter 4, the 19th century."""

import re
from collections.abc import Iterable

from sb_sma.data.text.english.numbers import ordinal

RULERS = (
    "Adrian Albert Alexander Alfonso Amenhotep Antiochus Baldwin Benedict "
    "Boniface Carl Catherine Charles Christian Clement Constantine Darius "
    "David Edward Elizabeth Erik Eugene Felipe Ferdinand Francis Frederick "
    "George Gregory Gustav Haakon Harald Henry Innocent Isabella Ivan James "
    "John Joseph Juan Julius Leo Leopold Louis Ludwig Martin Mary Maximilian "
    "Mehmed Murad Napoleon Nicholas Olaf Olav Otto Paul Pedro Peter Philip "
    "Pius Ptolemy Ramesses Ramses Richard Robert Rudolf Selim Sixtus Stephen "
    "Thomas Thutmose Urban Valdemar Victor Wilhelm William Xerxes"
).split()
"""Names after which a numeral is an ordinal number."""

ROMAN = r"(?=[IVXL])(?P<tens>XC|XL|L?X{0,3})(?P<units>IX|IV|V?I{0,3})"
"""Pattern of a numeral up to 99."""

_TENS = ("", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC")
_UNITS = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_TITLES = "King|Queen|Pope|Emperor|Tsar|Czar|Kaiser|Sultan|Pharaoh"
# with these, a single letter is a numeral, too
_COUNTED = (
    "Act Appendix Article Book Chapter Class Figure Grade Level Part Phase "
    "Scene Section Stage Table Title Type Volume War"
).split()
_OF_TYPE_I = (
    "cancers?|cells?|collagen|diabetes|drugs?|errors?|evidence|hypersensitivity|"
    "stud(?:y|ies)|survey|trials?|tumou?rs?"
)
# these are no names
_OTHER_WORDS = "An|And|At|For|From|Her|His|In|Its|My|Of|On|Or|Our|The|Their"


def number_of(match: re.Match) -> int:
    """Tell the number that a match of `ROMAN` stands for.

    Arguments
    ---------
    match : re.Match
        With the groups tens and units.

    Returns
    -------
    int
        From 1 to 99.

    Example
    -------
    >>> number_of(re.fullmatch(ROMAN, "XIV"))
    14
    """
    return 10 * _TENS.index(match["tens"]) + _UNITS.index(match["units"])


def _ruler(match: re.Match) -> str:
    return f"{match['name']} the {ordinal(number_of(match))}"


def _counted(match: re.Match) -> str:
    return f"{match['name']} {number_of(match)}"


def _as_title(names: Iterable[str]) -> str:
    """Write names as in Henry and in HENRY."""
    return "|".join(f"{name}|{name.upper()}" for name in names)


# a single letter is a numeral, not I or an initial
_LONG = r"(?=[IVXL]{2})"
_I = r"I\b(?:$|['’]s\b|[,;:!?)]|\.(?! ?\w)| (?:of|and|or|to|is|was|in|by)\b)"
_SURE = rf"(?:{_LONG}|(?=[VX]\b(?!\. ?\w)|{_I}))"

RULES = (
    (re.compile(r"\bWorld War I\b"), "World War 1"),
    # Henry VIII, King Harald V, Charles I of England
    (
        re.compile(rf"\b(?P<name>{_as_title(RULERS)}) {_SURE}{ROMAN}\b"),
        _ruler,
    ),
    # Henry Ford II
    (
        re.compile(
            rf"\b(?P<name>(?:{'|'.join(RULERS)}) [A-Z][a-z]+) "
            rf"(?=III?\b|IV\b){ROMAN}\b"
        ),
        _ruler,
    ),
    (
        re.compile(
            rf"\b(?P<name>(?:{_TITLES}) (?:[A-Z]\w+ )?[A-Z]\w+) "
            rf"{_SURE}{ROMAN}\b"
        ),
        _ruler,
    ),
    # the XIX century
    (
        re.compile(
            rf"\b{ROMAN}(?:th)?(?= (?:[Cc]entur(?:y|ies)|[Dd]ynasty)\b)"
        ),
        lambda match: ordinal(number_of(match)),
    ),
    # Chapter V, part II, Super Bowl LIV; not Type XL
    (
        re.compile(
            r"\b(?!(?i:class|grade|level|table|type) XL\b)"
            rf"(?P<name>(?i:{'|'.join(_COUNTED)}|Super Bowl)) {_LONG}{ROMAN}\b"
        ),
        _counted,
    ),
    (
        re.compile(
            rf"\b(?P<name>{_as_title(_COUNTED)}) "
            rf"(?=[VX]\b|{_I}|I\.|I (?:{_OF_TYPE_I})\b){ROMAN}\b"
        ),
        _counted,
    ),
    # Rocky II; not Start IV, Chromosome XX
    (
        re.compile(
            r"(?P<name>(?P<within>\w )?\b"
            rf"(?!(?:{_OTHER_WORDS}) )[A-Z][a-z]+) "
            r"(?!XXX?\b)(?(within)|(?!(?:IV|VI)\b))"
            rf"(?=[IVX]{{2}}){ROMAN}\b"
        ),
        _counted,
    ),
)
