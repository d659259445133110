"""E-mail and web addresses, as people say them.

*john.smith@example.com* is "john dot smith at example dot com", and nobody says
the *https colon slash slash* before an address of the web.
"""

import re

# where nothing else shows that it is an address
_DOMAINS = (
    "com org net edu gov mil int info biz app dev io ai co me tv fm uk us ca "
    "au nz ie de fr it es nl be ch at se no dk fi pl pt ru jp cn in br mx eu"
).split()
# the end of a sentence without a space after it
_AS_WORDS = frozenset("at be co in is it me no us".split())
_NAMES = {
    ".": "dot",
    "@": "at",
    "/": "slash",
    "-": "dash",
    "_": "underscore",
    "~": "tilde",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "+": "plus",
    ":": "colon",
}
_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*\.[^\W\d_]{{2,}}"
_LOCAL = r"[^\W_][\w.+-]*"
# what ends a sentence is no part of it
_REST = r"(?::\d+)?(?:[/?#](?:[\w./?=&#%+:~@-]*[\w/])?)?"
_BEFORE = r"(?<![\w@./-])"
_PIECE = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")


def _letters(word: str) -> str:
    """Spell what cannot be said: www, html, and the countries."""
    if len(word) == 1 or not re.search("[aeiouy]", word.lower()):
        return word.upper() if len(word) <= 5 else word
    return word


def _say(address: str) -> str:
    """Put an address into words."""
    pieces = _PIECE.findall(address)
    said = []
    for index, piece in enumerate(pieces):
        is_country = (
            len(piece) == 2
            and piece.lower() in _DOMAINS
            and piece.lower() not in ("co", "me")
            and pieces[index - 1 : index] == ["."]
            and pieces[index + 1 : index + 2] in ([], ["/"], [":"], ["?"])
        )
        if is_country:
            letters = piece.upper()
            # A alone is an article
            said.append(letters if letters[0] == "A" else " ".join(letters))
        else:
            said.append(_NAMES.get(piece) or _letters(piece))
    return " ".join(said)


def _say_mail(match: re.Match) -> str:
    return _say(match["address"])


def _say_web(match: re.Match) -> str:
    return _say(match["address"].rstrip("/"))


RULES = (
    (
        re.compile(rf"{_BEFORE}(?:mailto:)?(?P<address>{_LOCAL}@{_HOST})"),
        _say_mail,
    ),
    (
        re.compile(
            rf"{_BEFORE}(?i:https?|ftp)://(?P<address>(?:{_HOST}|localhost|"
            rf"\d+(?:\.\d+){{3}}){_REST})"
        ),
        _say_web,
    ),
    (
        re.compile(rf"{_BEFORE}(?P<address>(?i:www)\.{_HOST}{_REST})"),
        _say_web,
    ),
    (
        re.compile(
            rf"{_BEFORE}(?P<address>{_LABEL}(?:\.{_LABEL})*"
            rf"\.(?:{'|'.join(each for each in _DOMAINS if each not in _AS_WORDS)}"
            rf"|co\.uk){_REST})(?![\w@-])"
        ),
        _say_web,
    ),
)
"""Patterns, and what makes words of what they find."""


def say_addresses(text: str) -> str:
    """Put the addresses of a text into words.

    Arguments
    ---------
    text : str
        Any text.

    Returns
    -------
    str
        The same where there is none.

    Example
    -------
    >>> say_addresses("Write to john.smith@example.com.")
    'Write to john dot smith at example dot com.'
    >>> say_addresses("See https://docs.python.org/3/, or www.bbc.co.uk.")
    'See docs dot python dot org slash 3, or WWW dot BBC dot co dot U K.'
    """
    for pattern, say in RULES:
        text = pattern.sub(say, text)
    return text
