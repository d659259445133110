"""How sure a figure is that was measured on some texts of many."""

import math
from collections.abc import Sequence

import numpy as np

_Z = 1.959964  # 95 per cent of a normal distribution
_RESAMPLES = 1000


def wilson_interval(count: float, total: int) -> tuple[float, float]:
    """Give the 95 per cent interval of a share (Wilson, 1927).

    It is of use where the share is 0 or near it, as others are not.

    Arguments
    ---------
    count : float
        How many; a mean over several countings of the same texts may be
        between two numbers.
    total : int
        Of how many, at least 1.

    Returns
    -------
    low : float
        In [0, 1].
    high : float
        In [0, 1].

    Raises
    ------
    ValueError
        If the count is not from 0 to the total.

    Example
    -------
    >>> "%.4f %.4f" % wilson_interval(0, 500)
    '0.0000 0.0076'
    """
    if total < 1 or not 0 <= count <= total:
        raise ValueError(
            f"count must be from 0 to total, which is at least 1; got {count} "
            f"of {total}."
        )
    share = count / total
    weight = 1 + _Z**2 / total
    middle = (share + _Z**2 / (2 * total)) / weight
    spread = _Z * math.sqrt(
        share * (1 - share) / total + _Z**2 / (4 * total**2)
    )
    return max(0.0, middle - spread / weight), min(
        1.0, middle + spread / weight
    )


def bootstrap_interval(
    parts: Sequence[float], wholes: Sequence[float]
) -> tuple[float, float]:
    """Give the 95 per cent interval of a ratio of sums (Efron, 1979).

    Texts are drawn anew, with replacement, a thousand times, always the same
    draws; the interval is that of the percentiles.

    Arguments
    ---------
    parts : sequence of float
        Such as the word errors of each text.
    wholes : sequence of float
        Such as the words of each text; not all 0.

    Returns
    -------
    low : float
        Of the sum of the parts over that of the wholes.
    high : float
        Likewise.

    Raises
    ------
    ValueError
        If there is no text, or not one of each for every text.

    Example
    -------
    >>> bootstrap_interval([1, 1, 1], [4, 4, 4])
    (0.25, 0.25)
    """
    if len(parts) != len(wholes) or not len(parts):
        raise ValueError(
            "parts and wholes must be of the same texts, one at least; got "
            f"{len(parts)} and {len(wholes)}."
        )
    pairs = np.array([parts, wholes], dtype=float)
    drawn = np.random.default_rng(0).integers(
        len(parts), size=(_RESAMPLES, len(parts))
    )
    sums = pairs[:, drawn].sum(axis=-1)
    ratios = sums[0] / np.maximum(sums[1], np.finfo(float).tiny)
    low, high = np.percentile(ratios, [2.5, 97.5]).tolist()
    return low, high
