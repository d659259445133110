"""Roman numerals in figures: Henry the 8th, Chapter 4, the 19th century."""

import re

from sb_sma.data.text.english.numbers import ordinal

RULERS = (
    "Albert Alexander Alfonso Benedict Catherine Charles Christian Clement "
    "Constantine Darius Edward Elizabeth Ferdinand Francis Frederick George "
    "Gregory Gustav Henry Innocent Isabella Ivan James John Joseph Julius Leo "
    "Leopold Louis Ludwig Maximilian Mehmed Murad Napoleon Nicholas Olaf Otto "
    "Paul Peter Philip Pius Ptolemy Ramesses Ramses Richard Rudolf Selim "
    "Sixtus Thutmose Urban Victor Wilhelm William Xerxes"
).split()
"""Names after which a numeral is an ordinal number."""

ROMAN = r"(?=[IVX])(?P<tens>X{0,3})(?P<units>IX|IV|V?I{0,3})"
"""Pattern of a numeral up to 39."""

_UNITS = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_TITLES = "King|Queen|Pope|Emperor|Tsar|Czar|Kaiser|Sultan|Pharaoh"
# with these, a single letter is a numeral, too
_COUNTED = (
    "Act|Appendix|Article|Book|Chapter|Class|Figure|Grade|Level|Part|Phase|"
    "Scene|Section|Stage|Table|Title|Type|Volume|War"
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
        From 1 to 39.

    Example
    -------
    >>> number_of(re.fullmatch(ROMAN, "XIV"))
    14
    """
    return 10 * len(match["tens"]) + _UNITS.index(match["units"])


def _ruler(match: re.Match) -> str:
    return f"{match['name']} the {ordinal(number_of(match))}"


def _counted(match: re.Match) -> str:
    return f"{match['name']} {number_of(match)}"


# a single letter is a numeral, not I or an initial
_SURE = (
    r"(?=[IVX]{2}|[VX]\b(?!\. ?\w)|I\b(?:$|['’]s\b|[,;:!?)]|\.(?! ?\w)|"
    r" (?:of|and|or|to|is|was|in|by)\b))"
)

RULES = (
    (re.compile(r"\bWorld War I\b"), "World War 1"),
    # Henry VIII, King Harald V, Charles I of England
    (
        re.compile(rf"\b(?P<name>{'|'.join(RULERS)}) {_SURE}{ROMAN}\b"),
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
    # Chapter V, Rocky II
    (re.compile(rf"\b(?P<name>{_COUNTED}) {_SURE}{ROMAN}\b"), _counted),
    (
        re.compile(
            rf"\b(?P<name>(?!(?:{_OTHER_WORDS}) )[A-Z][a-z]+) "
            rf"(?=[IVX]{{2}}){ROMAN}\b"
        ),
        _counted,
    ),
)
