"""Ordinal numbers, years, decades, fractions and ranges."""

import re

_ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth "
    "eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth "
    "eighteenth nineteenth"
).split()
_TENS = {2: ("twenty", "twentieth"), 3: ("thirty", "thirtieth")}
_DENOMINATORS = (*range(2, 11), 12, 16, 32)
_SPECIAL = {2: ("half", "halves"), 4: ("quarter", "quarters")}
_GLYPHS = {
    **{"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5"},
    **{"⅖": "2/5", "⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7"},
    **{"⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10"},
}
_GLYPH = "|".join(_GLYPHS)

# what is not before and after a number that is no part of a longer one
_BEFORE, _AFTER = r"(?<![\w.,/:$£€¥₹-])", r"(?![\w/:]|[.,-]\d)"

_YEAR = r"1[1-9]\d\d"
_PLURAL_OR_UNIT = (
    r" (?!(?:was|is|has|as|his|its|this|us|does|across|perhaps)\b)"
    r"(?:[a-z-]+s|people|men|women|children|feet|percent|million|billion)\b"
)
_ABOUT_YEARS = (
    "in|since|until|till|by|from|before|after|during|of|year|years|dated|"
    "early|late|mid|spring|summer|autumn|fall|winter|circa|AD|January|"
    "February|March|April|May|June|July|August|September|October|November|"
    r"December|\d\d?(?:st|nd|rd|th)?,"
)


def ordinal(number: int) -> str:
    """Name an ordinal number.

    Arguments
    ---------
    number : int
        From 0 to 39.

    Returns
    -------
    str
        In words.

    Example
    -------
    >>> ordinal(8), ordinal(30), ordinal(31)
    ('eighth', 'thirtieth', 'thirty first')
    """
    if number < len(_ORDINALS):
        return _ORDINALS[number]
    tens, units = divmod(number, 10)
    return f"{_TENS[tens][0]} {_ORDINALS[units]}" if units else _TENS[tens][1]


def year(figures: str) -> str:
    """Write a year so that eSpeak NG reads it in pairs, as one says it.

    Arguments
    ---------
    figures : str
        Of the year.

    Returns
    -------
    str
        The same from 2000 on, which it reads right.

    Example
    -------
    >>> year("1984"), year("1905"), year("1800"), year("2020")
    ('19 84', '19 oh 5', '18 hundred', '2020')
    """
    if not re.fullmatch(r"1\d{3}", figures) or figures.startswith("100"):
        return figures
    century, rest = figures[:2], figures[2:]
    if rest == "00":
        return f"{century} hundred"
    return f"{century} oh {rest[1]}" if rest[0] == "0" else f"{century} {rest}"


def _fraction(match: re.Match) -> str:
    above, below = int(match["above"]), int(match["below"])
    if not 0 < above < below or below not in _DENOMINATORS:
        return match[0]
    part = ordinal(below)
    one, several = _SPECIAL.get(below, (part, f"{part}s"))
    said = f"one {one}" if above == 1 else f"{above} {several}"
    if match["whole"] is None:
        return said
    return f"{match['whole']} and {'a half' if below == 2 else said}"


def _phone(match: re.Match) -> str:
    groups = re.findall(r"\d+", match[0])
    return ", ".join(" ".join(group) for group in groups)


def _range_of_years(match: re.Match) -> str:
    first, last = match["first"], match["last"]
    if int(last) <= int(first[-len(last) :]):
        return match[0]
    return f"{year(first)} to {year(last)}"


def _range(match: re.Match) -> str:
    low, high = match["low"], match["high"]
    # 747-400 is a name
    is_range = match["dash"] != "-" or float(low) < max(float(high), 100)
    return f"{low} to {high}" if is_range else match[0]


RULES = (
    # (555) 555-1234
    (
        re.compile(
            rf"{_BEFORE}(?:\+?1[ .-])?(?:\(\d{{3}}\) ?|\d{{3}}[ .-])?"
            r"\d{3}-\d{4}(?![\w/:-]|[.,]\d)"
        ),
        _phone,
    ),
    # '90s is read right, 1990s is not
    (re.compile(r"\b(1[1-9])00['’]?s\b"), r"\1 hundreds"),
    (re.compile(r"\b(1[1-9]|20)([1-9]0)['’]?s\b"), r"\1 \2s"),
    (
        re.compile(
            rf"{_BEFORE}(?P<first>1\d{{3}}|20\d\d)[-–—]"
            r"(?P<last>1\d{3}|20\d\d|\d\d)(?![\w/:-]|[.,]\d)"
        ),
        _range_of_years,
    ),
    (
        re.compile(rf"\b((?i:{_ABOUT_YEARS}) )({_YEAR}|10[1-9]\d){_AFTER}"),
        lambda match: match[1] + year(match[2]),
    ),
    (
        re.compile(rf"{_BEFORE}{_YEAR}{_AFTER}(?!{_PLURAL_OR_UNIT}| [%°])"),
        lambda match: year(match[0]),
    ),
    # names, not fractions
    (
        re.compile(rf"{_BEFORE}(9/11|24/7|50/50){_AFTER}"),
        lambda match: match[0].replace("/", " "),
    ),
    (re.compile(rf"(?<=\d)(?={_GLYPH})"), " "),
    (
        re.compile(rf"[⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒]|(?<=\d )(?:{_GLYPH})"),
        lambda match: _GLYPHS[match[0]],
    ),
    (
        re.compile(
            rf"{_BEFORE}(?:(?P<whole>\d+)[ -])?"
            rf"(?P<above>\d{{1,2}})/(?P<below>\d{{1,2}}){_AFTER}"
        ),
        _fraction,
    ),
    (
        re.compile(
            rf"{_BEFORE}(?P<low>(?!0\d)\d{{1,3}}(?:\.\d+)?)(?P<dash>[-–—])"
            r"(?P<high>(?!0\d)\d{1,3}(?:\.\d+)?)(?![\w/:=-]|[.,]\d)"
        ),
        _range,
    ),
)
