"""One error for all problems of a corpus or a lexicon."""

from collections.abc import Sequence

_SHOWN = 20


def raise_problems(
    problems: list[str], list_command: str | None = None
) -> None:
    """Raise one error for all problems of a corpus, if there are any.

    Arguments
    ---------
    problems : list of str
        Each names what, where and how to mend it.
    list_command : str, optional
        Lists those of lines and recordings, where the error has room for the
        first problems alone.

    Raises
    ------
    ValueError
        If the list is not empty.

    Example
    -------
    >>> raise_problems([])
    """
    if not problems:
        return
    message = f"The corpus has {len(problems)} problem(s):\n- " + abridged(
        problems, "\n- "
    )
    if list_command and len(problems) > _SHOWN:
        message += f"; `{list_command}` lists those of lines and recordings."
    raise ValueError(message)


def abridged(things: Sequence[str], separator: str = ", ") -> str:
    """Join the first of many things, and count the others.

    Arguments
    ---------
    things : sequence of str
        Names, or problems.
    separator : str
        Between two of them.

    Returns
    -------
    str
        At most 20 of them, and the number of those that are left.

    Example
    -------
    >>> abridged(["a", "b"])
    'a, b'
    """
    shown = list(things[:_SHOWN])
    if len(things) > len(shown):
        shown.append(f"... and {len(things) - len(shown)} more")
    return separator.join(shown)
