"""One way to write a text, however it was typed, copied or normalised.

Unicode writes the same letter, digit or space in many ways, and what reads a
text knows one of them: to eSpeak NG, é in two characters is e, and ３ is
nothing. Every text passes through `plain_text` before it is read, those that
are trained on as those that are spoken.

Letters with marks are composed (NFC). Of what Unicode calls compatible (NFKC),
only what is the same character in another shape is replaced: full-width and
mathematical letters, ligatures, the forms of Arabic letters, enclosed numbers,
Roman numerals. What has a reading of its own stays: 10² is not 102, ½ not
1⁄2, ™ not TM.
"""

import functools
import re
import unicodedata

# Unicode's default ignorable characters, as far as they are no letters
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]+"
)
# after these, joiners and the ends of words in scripts without spaces decide
# on the sound, and variation selectors on what an emoji is
_NEED_INVISIBLE = ("Lo", "Mn", "Mc", "So", "Sk")
THOUSANDS = re.compile(
    "(?<![\\d.,])[1-9]\\d{0,2}(?:[\u00a0\u2009\u202f]\\d{3})+(?!\\d)"
)
"""A number whose digits stand in groups with narrow or fixed spaces between."""

# elsewhere, those of full width end clauses as they are
_WITHIN_NUMBER = re.compile(r"(?<=\d)(?:[．：٫](?=\d)|[，٬](?=\d{3}(?!\d)))")
_POINTS = str.maketrans("．：٫，٬", ".:.,,")
_BACKTICK = re.compile(r"(?<=[^\W\d_])`(?=[^\W\d_])")
_SAME_SHAPES = frozenset(
    "<wide> <narrow> <small> <vertical> <font> <noBreak> "
    "<initial> <medial> <final> <isolated>".split()
)
_STAY = frozenset("，．：；！？（）［］｛｝～№µ")
_REPLACED = {
    **dict.fromkeys("ʼ‛＇", "'"),
    **dict.fromkeys("‐‑", "-"),
    **dict.fromkeys("⁄∕", "/"),
    "٪": "%",
}
# NFC would make a semicolon of it
_GREEK_QUESTION_MARK = "\u037e"


def plain_text(text: str) -> str:
    """Write a text in the characters that are read.

    Arguments
    ---------
    text : str
        Any text.

    Returns
    -------
    str
        The same to a reader: letters composed; digits from 0 to 9; spaces and
        line ends of one kind, and no other control characters; nothing
        invisible, but for what a script or an emoji needs.

    Example
    -------
    >>> plain_text("cafe\\u0301 ５０％\\u00a0oﬀ")
    'café 50% off'
    """
    if not text.isascii():
        text = THOUSANDS.sub(_join_digits, text)
        text = _INVISIBLE.sub(_drop_or_keep, text)
    text = _BACKTICK.sub("'", text)
    # most words of a lexicon
    if text.isascii() and text.isprintable():
        return text
    text = "".join(map(_plain, text))
    text = _WITHIN_NUMBER.sub(lambda match: match[0].translate(_POINTS), text)
    return _GREEK_QUESTION_MARK.join(
        unicodedata.normalize("NFC", part)
        for part in text.split(_GREEK_QUESTION_MARK)
    )


def is_speakable(text: str) -> bool:
    """Tell whether a text has anything to say: a letter or a digit.

    Arguments
    ---------
    text : str
        Any text.

    Returns
    -------
    bool
        False for a text of nothing but punctuation, symbols and spaces, even
        where they have names that could be read.

    Example
    -------
    >>> is_speakable("B 4!"), is_speakable("...")
    (True, False)
    """
    return any(unicodedata.category(character)[0] in "LN" for character in text)


def _join_digits(match: re.Match) -> str:
    return "".join(filter(str.isdecimal, match[0]))


def _drop_or_keep(match: re.Match) -> str:
    before = match.string[: match.start()][-1:]
    is_needed = before and unicodedata.category(before) in _NEED_INVISIBLE
    return match[0] if is_needed else ""


@functools.cache
def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if character in _REPLACED:
        return _REPLACED[character]
    if category in ("Zl", "Zp"):
        return "\n"
    if category in ("Cc", "Zs") and character != "\n":
        return " "
    if character in _STAY:
        return character
    tag = unicodedata.decomposition(character).partition(" ")[0]
    shape = unicodedata.normalize("NFKC", character)
    # a mark alone, which is shown on a space
    if shape.startswith(" "):
        return character
    if tag in _SAME_SHAPES:
        return shape
    if tag in ("<compat>", "<circle>", "<square>"):
        if category in ("Lu", "Ll", "Lt", "Nl"):
            return shape
        if category in ("No", "So"):
            return f" {shape} "
    return character
