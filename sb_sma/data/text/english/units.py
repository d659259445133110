"""Units of measure and other signs beside numbers: 5 km², 6'2", #1, 3 x 5."""

import re
from collections.abc import Iterable

_UNITS = {
    "km": "kilometer",
    "cm": "centimeter",
    "mm": "millimeter",
    "µm": "micrometer",
    "μm": "micrometer",
    "nm": "nanometer",
    "kg": "kilogram",
    "mg": "milligram",
    "ml": "milliliter",
    "mL": "milliliter",
    "ha": "hectare",
    "kW": "kilowatt",
    "MW": "megawatt",
    "GW": "gigawatt",
    "kWh": "kilowatt hour",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "GHz": "gigahertz",
    "kB": "kilobyte",
    "KB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "mi": "mile",
    "yd": "yard",
    "ft": "foot",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "hr": "hour",
    "hrs": "hour",
    "min": "minute",
    "mins": "minute",
    "sec": "second",
    "secs": "second",
    "mph": "mile per hour",
    "kph": "kilometer per hour",
    "km/h": "kilometer per hour",
    "m/s": "meter per second",
}
# these mean other things, too, where no space or power is beside them
_LETTERS = {"m": "meter", "g": "gram", "l": "liter"}
_INCH = {"in": "inch"}
_NAMES = {**_UNITS, **_LETTERS, **_INCH}
_PLURALS = {"foot": "feet", "inch": "inches", "hertz": "hertz"}
_POWERS = {"²": "square ", "2": "square ", "³": "cubic ", "3": "cubic "}


def _one_of(names: Iterable[str]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


def _measure(match: re.Match) -> str:
    is_letter = match["unit"] in _LETTERS
    if is_letter and not match["space"] and not match["power"]:
        return match[0]
    name, *rest = _NAMES[match["unit"]].split(" ")
    # a 5-km run
    if match["number"] != "1" and match["space"] != "-":
        name = _PLURALS.get(name, f"{name}s")
    power = "square " if match["square"] else _POWERS.get(match["power"], "")
    return " ".join([f"{match['number']} {power}{name}", *rest])


RULES = (
    (
        re.compile(r"(?<![\w.])(\d+)['′’] ?(\d{1,2})[\"″”]"),
        r"\1 feet \2 inches",
    ),
    (
        re.compile(
            r"(?<![\w.,$£€¥₹])(?P<number>\d[\d,]*(?:\.\d+)?)(?P<space>[ -]?)"
            rf"(?P<square>sq\.? )?(?P<unit>{_one_of({**_UNITS, **_LETTERS})}|"
            r"in(?=\.(?: ?[a-z,;)\d]|$)|[²³]))(?P<power>[²³23])?"
            # an abbreviation's full stop, not that of the sentence
            r"(?![\w/²³'’])(?:\.(?= ?[a-z,;)\d]))?"
        ),
        _measure,
    ),
    (re.compile(r"(?<=[\w)])²"), " squared"),
    (re.compile(r"(?<=[\w)])³"), " cubed"),
    (re.compile(r"(?<=\d)\^(?=\d)"), " to the power of "),
    (re.compile(r"(?<=\d) ?x ?(?=\d)"), " by "),
    (re.compile(r"(?<=\d) ?\* ?(?=\d)"), " times "),
    (re.compile(r"#(?=\d)"), "number "),
    (re.compile(r"(?<=[\w)] )<(?= [\w(])"), "is less than"),
    (re.compile(r"(?<=[\w)] )>(?= [\w(])"), "is greater than"),
    # −5, where a short dash stands for the sign
    (re.compile(r"(?<!\S)[–‒](?=\d)"), "-"),
)
