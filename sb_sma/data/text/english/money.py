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
_COUNTRY = rf"(?<![A-Za-z])(?:{'|'.join(_COUNTRIES)})"
_WHOLE = r"\d{1,3}(?:,\d{3})+|\d+"
_AMOUNT = re.compile(
    rf"(?:(?<![\w.)])(?P<sign>[-−–+]))?"
    rf"(?P<country>{_COUNTRY})?"
    # not 5 € 3
    rf"(?P<symbol>(?<!\d)(?<!\d ){_SYMBOL}) ?(?=\.?\d)"
    rf"(?P<whole>{_WHOLE})?(?P<part>\.\d+|,\d\d(?!\d))?"
    r"(?:[ -]?(?P<scale>hundred|thousand|million|billion|trillion)\b"
    rf"|(?P<letter>(?i:{'|'.join(_SCALES)}))(?![A-Za-z]))?"
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
    if match["thing"] is not None:
        several = one
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
    return _SIGNS.get(match["sign"], "") + said + " per " * bool(match["per"])


RULES = (
    # $5-$10, $5–10: 5 to 10 dollars
    (
        re.compile(
            rf"(?P<symbol>(?:{_COUNTRY})?{_SYMBOL})"
            rf"(?P<low>(?:{_WHOLE})(?:\.\d+)?) ?[-–—] ?"
            r"(?P=symbol)?(?=\d)"
        ),
        r"\g<low> to \g<symbol>",
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
