"""Which paces there are, and what becomes of a length at one of them."""

from numbers import Real

SLOWEST, FASTEST = 0.25, 4.0
"""Paces; 1 is as trained."""


def check_pace(pace: float) -> None:
    """Refuse a pace that nobody can speak at.

    Arguments
    ---------
    pace : float
        1 is as trained.

    Raises
    ------
    ValueError
        If it is no number from `SLOWEST` to `FASTEST`.

    Example
    -------
    >>> check_pace(1.25)
    """
    is_number = isinstance(pace, Real) and not isinstance(pace, bool)
    if not is_number or not SLOWEST <= pace <= FASTEST:
        raise ValueError(
            f"pace must be a number from {SLOWEST} to {FASTEST} (1 = as "
            f"trained, 2 = twice as fast); got {pace!r}."
        )


def scaled_length(length: int, pace: float) -> int:
    """Count the frames that some frames become.

    Arguments
    ---------
    length : int
        Frames at pace 1.
    pace : float
        Above 1 is faster.

    Returns
    -------
    length : int
        At least 1, if there was one.

    Example
    -------
    >>> scaled_length(100, 1.25), scaled_length(1, 4.0), scaled_length(0, 2.0)
    (80, 1, 0)
    """
    return max(round(length / pace), min(length, 1))
