"""Suggestions for a misspelt name."""

import difflib
from collections.abc import Iterable


def closest_names(name: str, known: Iterable[str]) -> str:
    """Say which known names a misspelt one may stand for.

    Arguments
    ---------
    name : str
        The unknown name.
    known : iterable of str
        The names to choose from.

    Returns
    -------
    hint : str
        A sentence for the end of an error message.

    Example
    -------
    >>> closest_names("epohcs", ["epochs", "seed"])
    'Closest known names: epochs.'
    """
    matches = difflib.get_close_matches(name, sorted(known))
    if not matches:
        return "No known name is close; correct or remove it."
    return f"Closest known names: {', '.join(matches)}."
