"""Amounts of money: $5.50 is 5 dollars 50 cents."""

import re

# one, several, and one and several hundredth parts
_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₩": ("won", "won"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₺": ("lira", "lira"),
    "₪": ("shekel", "shekels"),
    "₿": ("bitcoin", "bitcoins"),
}
_COUNTRIES = {
    "US": "U.S. ",
    "CA": "Canadian ",
    "C": "Canadian ",
    "AU": "Australian ",
    "A": "Australian ",
    "NZ": "New Zealand ",
    "HK": "Hong Kong ",
    "NT": "Taiwan ",
    "S": "Singapore ",
}
_SCALES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "b": "billion",
    "bn": "billion",
    "tn": "trillion",
}
_SIGNS = {"-": "minus ", "−": "minus ", "–": "minus ", "+": "plus "}

_SYMBOL = f"[{''.join(_CURRENCIES)}]"
_COUNTRY = rf"(?:{'|'.join(_COUNTRIES)})"
# 1,000,000, and 10,00,000 of India
_WHOLE = r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d\d)+,\d{3}|\d+"
_NAMES = "|".join(name for names in _CURRENCIES.values() for name in names[:2])
_AMOUNT = re.compile(
    r"(?P<article>(?<=\b[Aa] ))?(?:(?<![\w.)])(?P<sign>[-−–+]))?"
    rf"(?<![A-Za-z])(?P<country>{_COUNTRY})?"
    # not 5 € 3
    rf"(?P<symbol>(?<!\d)(?<!\d ){_SYMBOL})(?: |(?P<inner>[-−]))?"
    r"(?=\d|\.\d\d)"
    rf"(?P<whole>{_WHOLE})?(?P<part>\.\d+|,\d\d(?!\d))?"
    r"(?:[ -]?"
    r"(?P<scale>hundred|thousand|lakh|crore|million|billion|trillion)\b"
    rf"|(?P<letter>(?i:{'|'.join(_SCALES)}))(?![A-Za-z]))?"
    # not $20s, €1.234,56
    rf"(?!\w|[.,]\d)(?: (?P<named>{_NAMES})\b)?"
    # a $5 bill, a $5-a-day plan; $5/day
    r"(?P<thing>(?=-[a-z]| (?:bill|note|coin)s?\b))?(?P<per>/(?=[a-z]))?"
)


def _after_number(match: re.Match) -> str:
    one, several, *_ = _CURRENCIES[match["symbol"]]
    number = match["number"]
    return f"{number} {one if number == '1' else several}"


def _in_words(match: re.Match) -> str:
    names = _CURRENCIES[match["symbol"]]
    country = _COUNTRIES.get(match["country"], "")
    one, several = (country + name for name in names[:2])
    if {match["thing"], match["article"]} != {None} or match["named"] == one:
        several, names = one, (*names[:2], *names[2:3] * 2)
    whole = match["whole"] or "0"
    # €1,50, too
    part = (match["part"] or "").replace(",", ".")
    scale = match["scale"] or _SCALES.get((match["letter"] or "").lower())
    if scale:
        said = f"{whole}{part} {scale} {several}"
    elif part and (len(part) != len(".00") or len(names) == 2):
        said = f"{whole}{part} {several}"
    else:
        amounts = [f"{whole} {one if whole == '1' else several}"]
        cents = int(part[1:] or 0)
        if cents:
            amounts.append(f"{cents} {names[2 if cents == 1 else 3]}")
        said = " ".join(amounts[1:] if whole == "0" and cents else amounts)
    sign = _SIGNS.get(match["sign"] or match["inner"], "")
    return sign + said + " per " * bool(match["per"])


def _range(match: re.Match) -> str:
    low, high = (
        float(match[name].replace(",", "")) for name in ("low", "high")
    )
    if low >= high:
        return match[0]
    return f"{match['low']} to {match['symbol']}{match['high']}"


RULES = (
    # $5-$10, $5–10: 5 to 10 dollars; not $5 - 3
    (
        re.compile(
            rf"(?<![A-Za-z])(?P<symbol>(?:{_COUNTRY})?{_SYMBOL})"
            rf"(?P<low>(?:{_WHOLE})(?:\.\d+)?)"
            r"(?: ?[-–—] ?(?P=symbol)|[-–])"
            rf"(?P<high>(?:{_WHOLE})(?:\.\d+)?)"
        ),
        _range,
    ),
    (_AMOUNT, _in_words),
    (
        re.compile(
            rf"(?<![\w.,])(?P<number>(?:{_WHOLE})(?:[.,]\d+)?) ?"
            rf"(?P<symbol>{_SYMBOL})(?!\w|[.,]\d)"
        ),
        _after_number,
    ),
    (re.compile(r"(?<![\w.,])1 ?¢"), "1 cent"),
)
