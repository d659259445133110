"""Arguments of a user's calls, refused by name before any work is done."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

Reading = TypeVar("Reading")

_SEEDS = (-(2**63), 2**64 - 1)
_MOST = 1000  # hypotheses, which all lie in memory
MOST_ATTEMPTS = 100
"""So often a passage may be spoken that does not become good."""


def check_number(name: str, value: Any, most: float = math.inf) -> None:
    """Refuse what is not a finite number above 0.

    Arguments
    ---------
    name : str
        Of the argument.
    value : Any
        What was given.
    most : float
        The highest value.

    Raises
    ------
    ValueError
        If it is none, or above `most`.

    Example
    -------
    >>> check_number("pace", 1.5)
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    try:
        number = float(value) if is_number else math.nan
    except OverflowError:
        number = math.inf
    if not (0 < number <= most and math.isfinite(number)):
        limit = f", at most {most:g}" if most < math.inf else ""
        raise ValueError(
            f"{name} must be above 0; got {_shown(value)}. Give a finite "
            f"number{limit}."
        )


def check_count(
    name: str, value: Any, or_none: bool = False, most: int = _MOST
) -> None:
    """Refuse what is no number of hypotheses, or of attempts.

    Arguments
    ---------
    name : str
        Of the argument.
    value : Any
        What was given.
    or_none : bool
        Whether it may be None.
    most : int
        The highest number. Default: that of hypotheses.

    Raises
    ------
    ValueError
        If it is no integer from 1 to `most`.

    Example
    -------
    >>> check_count("n", 3)
    """
    if value is None and or_none:
        return
    if not _is_integer(value) or not 1 <= value <= most:
        others = ", or None" * or_none
        raise ValueError(
            f"{name} must be 1 or more, an integer up to {most}{others}; got "
            f"{_shown(value)}."
        )


def as_seed(seed: Any) -> int | None:
    """Return what PyTorch can start a stream with.

    Arguments
    ---------
    seed : Any
        What was given.

    Returns
    -------
    seed : int, optional
        The same.

    Raises
    ------
    ValueError
        If it is neither None nor an integer of 64 bits.

    Example
    -------
    >>> as_seed(1)
    1
    """
    least, most = _SEEDS
    if seed is None:
        return None
    if not _is_integer(seed) or not least <= seed <= most:
        raise ValueError(
            "seed must be an integer of 64 bits, or None for another one each "
            f"time; got {_shown(seed)}."
        )
    return int(seed)


def check_switch(name: str, value: Any) -> None:
    """Refuse what is neither True nor False.

    Arguments
    ---------
    name : str
        Of the argument.
    value : Any
        What was given.

    Raises
    ------
    ValueError
        If it is neither.

    Example
    -------
    >>> check_switch("progress", True)
    """
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False; got {_shown(value)}.")


def check_tensor(name: str, value: Any, shape: str) -> None:
    """Refuse what is no tensor of finite numbers.

    Arguments
    ---------
    name : str
        Of the argument.
    value : Any
        What was given.
    shape : str
        What its shape should be, for the message.

    Raises
    ------
    ValueError
        If it is no tensor of floating point, or holds NaN or infinity.

    Example
    -------
    >>> import torch
    >>> check_tensor("mel", torch.zeros(2, 80), "(M, C)")
    """
    # words of a lexicon are said without it
    import torch

    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        kind = value.dtype if isinstance(value, torch.Tensor) else type(value)
        raise ValueError(
            f"{name} must be a tensor of floating point, {shape}; got {kind}."
        )
    if not bool(torch.isfinite(value).all()):
        raise ValueError(
            f"{name} must be of finite numbers; got NaN or infinity."
        )


def as_strings(name: str, value: Any) -> list[str]:
    """Return a list of strings, of any length.

    Arguments
    ---------
    name : str
        Of the argument.
    value : Any
        What was given.

    Returns
    -------
    strings : list of str
        A new list.

    Raises
    ------
    ValueError
        If it is anything but several strings.

    Example
    -------
    >>> as_strings("words", ("a", "b"))
    ['a', 'b']
    """
    is_several = isinstance(value, Iterable) and not isinstance(
        value, (str, bytes, Mapping)
    )
    strings = list(value) if is_several else [None]
    if not all(isinstance(each, str) for each in strings):
        raise ValueError(
            f"{name} must be a list of strings; got {_shown(value)}."
        )
    return strings


def read_each(
    words: Sequence[str], encode: Callable[[str], Reading]
) -> list[Reading]:
    """Read several words; an error says which.

    Arguments
    ---------
    words : sequence of str
        Any number of words.
    encode : callable
        Reads one.

    Returns
    -------
    readings : list
        What it makes of each.

    Raises
    ------
    ValueError
        If a word cannot be read; it is named, with its number.

    Example
    -------
    >>> read_each(["a", "bc"], len)
    [1, 2]
    """
    if isinstance(words, str):
        raise ValueError(
            f"words must be a list of words; got the string {words!r:.80}."
            " Put a single word into a list."
        )
    read = []
    for number, word in enumerate(as_strings("words", words), start=1):
        try:
            read.append(encode(word))
        except ValueError as error:
            raise ValueError(f"word {number}: {error}") from error
    return read


def check_indices(name: str, value: Any, count: int) -> None:
    """Refuse what is not a list of lines of indices of a table.

    Arguments
    ---------
    name : str
        Of the argument.
    value : Any
        What was given.
    count : int
        Size of the table; index 0 is padding.

    Raises
    ------
    ValueError
        If a line is empty, or has anything but such indices.

    Example
    -------
    >>> check_indices("graphemes", [[2, 3], [2]], count=4)
    """
    for line in value if _is_list(value) else [None]:
        is_line = _is_list(line) and len(line) > 0
        if not is_line or not all(
            _is_integer(index) and 0 < index < count for index in line
        ):
            raise ValueError(
                f"{name} must be a list of lists of indices, each from 1 to "
                f"{count - 1}; got {_shown(value if line is None else line)}."
            )


def check_pronunciations(value: Any) -> None:
    """Refuse what is not a list of pronunciations for each word.

    Arguments
    ---------
    value : Any
        What was given.

    Raises
    ------
    ValueError
        If it is no list of lists, each of lists of strings.

    Example
    -------
    >>> check_pronunciations([[["B", "UH", "K"]], []])
    """
    for several in value if _is_list(value) else [None]:
        if not _is_list(several):
            raise ValueError(
                "pronunciations must be a list for each word, of lists of "
                f"phonemes; got {_shown(value)}."
            )
        for phonemes in several:
            as_strings("each of the pronunciations", phonemes)


def _shown(value: Any) -> str:
    """Write a value in one line, cut where it is long."""
    return " ".join(repr(value).split())[:80]


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _is_integer(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
