"""Suggestions for a misspelt name."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

_ALIKE = 0.8
_LIKE = 0.6
_SHARED_WORDS = 0.5
_SHOWN = 3
# nobody's name is longer
_MOST_CHARACTERS = 100


def closest_names(
    name: str, known: Iterable[str], others: Iterable[str] = ()
) -> str:
    """Say which known names a misspelt one may stand for.

    Arguments
    ---------
    name : str
        The unknown name.
    known : iterable of str
        The names to choose from.
    others : iterable of str
        More names, for those that are close to none of the known ones.

    Returns
    -------
    hint : str
        A sentence for the end of an error message.

    Example
    -------
    >>> closest_names("epohcs", ["epochs", "seed"])
    'Closest known names: epochs.'
    >>> closest_names("epochs", ["number_of_epochs", "epsilon"])
    'Closest known names: number_of_epochs.'
    >>> closest_names("learning_rate", ["lr", "dropout"])
    'Closest known names: lr.'
    """
    known, others = list(known), list(others)
    name = name[:_MOST_CHARACTERS]
    close = (
        _find_alike(name, known)
        or _find_alike(name, others)
        or _find_similar(name, known)
        or _find_similar(name, others)
    )
    if not close:
        return "No known name is close; correct or remove it."
    return f"Closest known names: {', '.join(close[:_SHOWN])}."


def _find_alike(name: str, known: Iterable[str]) -> list[str]:
    """List names that are spelt alike, the closest first."""
    alike = [other for other in known if _likeness(name, other) >= _ALIKE]
    return sorted(alike, key=lambda other: -_likeness(name, other))


def _find_similar(name: str, known: Iterable[str]) -> list[str]:
    """List names that are somewhat alike or share words, the closest first."""
    ranks = {}
    for other in known:
        like, shared = _likeness(name, other), _share_of_words(name, other)
        if like >= _LIKE or shared >= _SHARED_WORDS:
            ranks[other] = (-max(like, shared), -like)
    return sorted(ranks, key=ranks.get)


def _share_of_words(name: str, other: str) -> float:
    """Say how much of a name another has, as words or as initials."""
    words = re.findall(r"[^\W_]+", name)
    if other == "".join(word[0] for word in words):
        return 1.0
    # n_ and of_ say nothing
    long = [word for word in words if len(word) > 2]
    likenesses = [
        max(_likeness(word, part) for part in other.split("_")) for word in long
    ]
    found = [like for like in likenesses if like >= _ALIKE]
    return sum(found) / max(len(long), 1)


def _likeness(name: str, other: str) -> float:
    return SequenceMatcher(None, name, other).ratio()
