"""Abbreviations that eSpeak NG spells or reads as words of their own."""

import re

# before a name
_TITLES = {
    "Adm": "Admiral",
    "Capt": "Captain",
    "Cmdr": "Commander",
    "Col": "Colonel",
    "Cpl": "Corporal",
    "Drs": "Doctors",
    "Fr": "Father",
    "Ft": "Fort",
    "Gen": "General",
    "Gov": "Governor",
    "Hon": "Honorable",
    "Lt": "Lieutenant",
    "Maj": "Major",
    "Messrs": "Messieurs",
    "Ms": "Miz",
    "Mt": "Mount",
    "Prof": "Professor",
    "Pvt": "Private",
    "Rep": "Representative",
    "Rev": "Reverend",
    "Sen": "Senator",
    "Sgt": "Sergeant",
}
# after a name
_STREETS = {
    "Ave": "Avenue",
    "Blvd": "Boulevard",
    "Hwy": "Highway",
    "Ln": "Lane",
    "Rd": "Road",
    "Sq": "Square",
}
# after a name and before no other, where they are Saint and Doctor
_STREETS_OR_TITLES = {"Dr": "Drive", "St": "Street"}
# before a number
_COUNTED = {
    "ch": "chapter",
    "fig": "figure",
    "figs": "figures",
    "no": "number",
    "nos": "numbers",
    "p": "page",
    "pp": "pages",
    "vol": "volume",
    "vols": "volumes",
}
# anywhere
_WORDS = {
    "approx.": "approximately",
    "Bros.": "Brothers",
    "Co.": "Company",
    "Corp.": "Corporation",
    "govt.": "government",
    "Inc.": "Incorporated",
    "Jr.": "Junior",
    "Ph.D.": "PhD",
    "Sr.": "Senior",
    "vs": "versus",
    "vs.": "versus",
    "w/": "with",
    "w/o": "without",
}
NAMES = (
    *_TITLES,
    *_STREETS,
    *_STREETS_OR_TITLES,
    *_COUNTED,
    *_WORDS,
    "Mr",
    "Mrs",
)
"""All that are written with a full stop, with it or without."""

_NAMED = (
    r"\b(?!(?:Ask|Call|Consult|Contact|Dear|Good|Hello|Hi|My|No|Oh|Phone|See|"
    r"Tell|Thanks|The|Visit|Well|Yes)\b)"
    r"([A-Z][\w'-]*|\d+(?:st|nd|rd|th))"
)
# after which a full stop ended the sentence, too
_STOP = r"(?=(?P<stop> (?:But|He|I|In|It|She|That|The|Then|There|They|This|We)\b|\s*$)?)"
_NO_NAME = r"[,;:!?)]| [a-z]| (?:[NS][EW]?|[EW]|Station|Journal)\b"


def _one_of(names: dict[str, str]) -> str:
    return "|".join(sorted(map(re.escape, names), key=len, reverse=True))


def _street(match: re.Match) -> str:
    stop = "." if match["stop"] is not None and match["dot"] else ""
    return f"{match[1]} {({**_STREETS, **_STREETS_OR_TITLES})[match[2]]}{stop}"


def _word(match: re.Match) -> str:
    is_stop = match["stop"] is not None and match[1].endswith(".")
    return _WORDS[match[1]] + "." * is_stop


RULES = (
    (
        # not 6 Ft. Tall, Col. A
        re.compile(
            rf"\b(?!(?<=\d )Ft\.)({_one_of(_TITLES)})\.(?= ?[A-Z](?:[\w'’]|\. ?[A-Z]))"
            r"|\bMs(?= [A-Z])"
        ),
        lambda match: _TITLES[match[1] or match[0]],
    ),
    (
        re.compile(rf"{_NAMED} ({_one_of(_STREETS)})\b(?P<dot>\.)?{_STOP}"),
        _street,
    ),
    (
        re.compile(
            rf"{_NAMED} ({_one_of(_STREETS_OR_TITLES)})\b(?P<dot>\.)?{_STOP}"
            rf"(?(stop)|(?={_NO_NAME}))"
        ),
        _street,
    ),
    (
        # not: Any? No. 5 came.
        re.compile(rf"(?<![?!] )\b((?i:{_one_of(_COUNTED)}))\. ?(?=[A-Z]?\d)"),
        lambda match: f"{_COUNTED[match[1].lower()]} ",
    ),
    (re.compile(r"\bca?\. ?(?=\d)"), "circa "),
    (
        re.compile(rf"(?<![\w.])({_one_of(_WORDS)})(?!\w){_STOP}"),
        _word,
    ),
)
