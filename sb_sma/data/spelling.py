"""Spells a word with the characters that a model was trained on."""

import functools
import unicodedata
from collections.abc import Collection, Iterator

_APOSTROPHES = dict.fromkeys("‘’ʼ′´", "'")
STRAIGHT_APOSTROPHES = str.maketrans(_APOSTROPHES)
"""For `str.translate`: what is typed for an apostrophe."""

# what no normalisation of Unicode turns into plain letters
_PLAIN = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ß": "ss",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "ŋ": "ng",
        "ı": "i",
        **_APOSTROPHES,
        **dict.fromkeys("‐‑–", "-"),
        # at the end of a Korean syllable, aspirates sound as plain stops
        "\u11bf": "\u11a8",
        "\u11c0": "\u11ae",
        "\u11c1": "\u11b8",
    }
)
# what may stand in a word without a sound of its own
_SILENT = frozenset("'-.")
# marks above, below and through letters; those of other scripts, such as the
# vowel signs of Khmer and the sound marks of kana, are letters in all but name
_FIRST_DIACRITIC_CLASS = 200


def clusters(word: str) -> Iterator[str]:
    """Cut a word into characters with the marks that follow them.

    Arguments
    ---------
    word : str
        Any text.

    Returns
    -------
    iterator of str
        The pieces; joined they are the word.

    Example
    -------
    >>> [len(cluster) for cluster in clusters("cafe\\u0301s")]
    [1, 1, 1, 2, 1]
    """
    start = 0
    for position in range(1, len(word)):
        if not unicodedata.category(word[position]).startswith("M"):
            yield word[start:position]
            start = position
    if word:
        yield word[start:]


def nearest_spelling(cluster: str, known: Collection[str]) -> str | None:
    """Find known characters for one that may be unknown.

    In this order: as it is, casefolded, normalised (NFD, which takes apart,
    then NFKC, which composes), without diacritics (o for ö, and by a table
    what Unicode does not take apart: o for ø, ss for ß, ' for ’). Apostrophes,
    hyphens and full stops that are not known are left out.

    Arguments
    ---------
    cluster : str
        A character with its marks.
    known : collection of str
        Characters that the model was trained on.

    Returns
    -------
    str or None
        Known characters, or None if nothing helps; empty if the character is
        left out.

    Example
    -------
    >>> [nearest_spelling(letter, "aeos") for letter in ["a", "É", "ø", "’"]]
    ['a', 'e', 'o', '']
    >>> nearest_spelling("я", "aeos") is None
    True
    """
    for change in _CHANGES:
        for form in (cluster, cluster.casefold()):
            spelling = change(form)
            if spelling and all(letter in known for letter in spelling):
                return spelling
    plain = _without_diacritics(cluster)
    return "" if plain and _SILENT.issuperset(plain) else None


def _without_diacritics(text: str) -> str:
    return "".join(
        character.translate(_PLAIN)
        for character in unicodedata.normalize("NFD", text)
        if unicodedata.combining(character) < _FIRST_DIACRITIC_CLASS
    )


_CHANGES = (
    str,
    functools.partial(unicodedata.normalize, "NFD"),
    functools.partial(unicodedata.normalize, "NFKC"),
    _without_diacritics,
)
