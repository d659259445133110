"""Dates and times of day: 12/25/2020, 2020-12-25, 25 Dec. 2020, 10:00."""

import re
from collections.abc import Callable

from sb_sma.data.text.english.numbers import ordinal, year

_MONTHS = (
    "January February March April May June July August September October "
    "November December"
).split()
_SHORT = {month[:3]: month for month in _MONTHS if month != "May"}
_SHORT["Sept"] = "September"
_NAMES = "|".join(sorted(_SHORT, reverse=True))
_BEFORE, _AFTER = r"(?<![\w.,:/-])", r"(?![\w:/-]|[.,]\d)"


def _said(day: int, month: int, figures: str, day_first: bool) -> str | None:
    """Return a date in words, or None if there is no such day."""
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    name = _MONTHS[month - 1]
    said = year(figures) if len(figures) == 4 else re.sub("^0", "oh ", figures)
    if day_first:
        return f"the {ordinal(day)} of {name} {said}".rstrip()
    return f"{name} {ordinal(day)}, {said}".rstrip(", ")


def _reader(day_first: bool) -> Callable[[re.Match], str]:
    """Return what reads a date whose order of day and month is not sure."""

    def read(match: re.Match) -> str:
        """Write out what was found, if it is a date."""
        first, second = int(match["first"]), int(match["second"])
        pairs = [(second, first), (first, second)]
        if day_first or match["mark"] == ".":
            pairs.reverse()
        figures = match["year"] or ""
        dates = (_said(*pair, figures, day_first) for pair in pairs)
        return next(filter(None, dates), match[0])

    return read


def _iso_reader(day_first: bool) -> Callable[[re.Match], str]:
    def read(match: re.Match) -> str:
        """Write out what was found, if it is a date."""
        date = int(match["day"]), int(match["month"]), match["year"]
        return _said(*date, day_first) or match[0]

    return read


def _full_hour(match: re.Match) -> str:
    hour = int(match["hour"])
    if not hour:
        return match[0]
    return f"{hour} o'clock" if 0 < hour < 13 else f"{hour} hundred"


def rules(day_first: bool) -> tuple:
    """List what is read otherwise, in the order of reading.

    Arguments
    ---------
    day_first : bool
        Whether 1/2/2020 is in February.

    Returns
    -------
    tuple of (re.Pattern, str or callable)
        Patterns and what takes their place.
    """
    month, sure_day = r"(?:0?[1-9]|1[0-2])", r"(?:1[3-9]|2\d|3[01])"
    first, second = (sure_day, month) if day_first else (month, sure_day)
    # 10.5.2020 may be a version in America
    dotted = "" if day_first else rf"(?!{month}\.)"
    return (
        (
            re.compile(
                rf"{_BEFORE}{dotted}(?P<first>\d{{1,2}})(?P<mark>[/.-])"
                rf"(?P<second>\d{{1,2}})(?P=mark)(?P<year>[12]\d{{3}}){_AFTER}"
            ),
            _reader(day_first),
        ),
        (
            re.compile(
                rf"{_BEFORE}(?P<first>\d{{1,2}})(?P<mark>/)"
                rf"(?P<second>\d{{1,2}})/(?P<year>\d\d){_AFTER}"
            ),
            _reader(day_first),
        ),
        # on 12/25; on 1/3 it may be a third
        (
            re.compile(
                rf"(?<=\b[oO]n )(?!24/7)(?P<first>{first})(?P<mark>/)"
                rf"(?P<second>{second})(?P<year>){_AFTER}"
                r"(?! (?:of|an?|the)\b)"
            ),
            _reader(day_first),
        ),
        (
            re.compile(
                rf"{_BEFORE}(?P<year>[12]\d{{3}})(?P<mark>[/.-])"
                rf"(?P<month>\d{{1,2}})(?P=mark)(?P<day>\d{{1,2}}){_AFTER}"
            ),
            _iso_reader(day_first),
        ),
        *_RULES,
    )


_RULES = (
    # Dec. 25, 25 Dec, Sept. 2020
    (
        re.compile(rf"\b({_NAMES})\.?(?= \d)"),
        lambda match: _SHORT[match[1]],
    ),
    (
        re.compile(rf"(?<=\d )({_NAMES})\b(?:\.(?=,| [\da-z]))?"),
        lambda match: _SHORT[match[1]],
    ),
    (
        re.compile(
            r"(?<![\w:.+])0?(\d{1,2}):00(?= ?[AaPp]\.?[Mm]\b| [Oo]['’][Cc]lock)"
        ),
        r"\1",
    ),
    (
        re.compile(r"(?<![\w:.+])(?P<hour>[01]?\d|2[0-3]):00(?![\d:]|\.\d)"),
        _full_hour,
    ),
    (
        re.compile(
            r"(?<![\w:.+])(?<![Rr]atio of )(?<![Rr]atio is )(0?[1-9]|1\d|2[0-3])"
            r":0([1-9])(?![\d:]|\.\d)"
        ),
        r"\1 oh \2",
    ),
)
