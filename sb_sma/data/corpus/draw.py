"""Draws that depend on a name and a seed alone, whatever other names there are."""

import hashlib


def position(name: object, seed: int) -> float:
    """Draw a number for a name.

    Arguments
    ---------
    name : object
        Of an utterance or a word; as text.
    seed : int
        Another one gives other numbers.

    Returns
    -------
    position : float
        In [0, 1), evenly distributed.

    Example
    -------
    >>> position("a", 1) == position("a", 1) != position("a", 2)
    True
    """
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
