"""Which tokens of a text belong to which of its words."""

from collections.abc import Sequence

from sb_sma.data.espeak.voice import END, PAUSE

SPACE = " "
_SILENT = (PAUSE, SPACE, END)


def find_spans(
    tokens: Sequence[str], words: Sequence[tuple[str, Sequence[str]]]
) -> list[tuple[str, int, int]]:
    """Find each word among the tokens of a text.

    Arguments
    ---------
    tokens : sequence of str
        As a front end gives them.
    words : sequence of (str, sequence of str)
        Each word, and its sounds; some may be missing among the tokens, as
        those that are too short to be heard.

    Returns
    -------
    spans : list of (str, int, int)
        Each word, the index of its first token, and that after its last one;
        a word without a token spans none.

    Raises
    ------
    ValueError
        If the words do not have all tokens that sound, in their order.

    Example
    -------
    >>> tokens = ["j", "ˈɛ", "s", "<pause>", "ˈɔː", "<end>"]
    >>> find_spans(tokens, [("Yes", ["j", "ˈɛ", "s"]), ("all", ["ˈɔː", "l"])])
    [('Yes', 0, 3), ('all', 4, 5)]
    """
    spans = []
    position = 0
    for text, sounds in words:
        first = position = _next_sound(tokens, position)
        stop = first
        for sound in sounds:
            here = _next_sound(tokens, position)
            if tokens[here : here + 1] == [sound]:
                position = stop = here + 1
        spans.append((text, first, stop))
    rest = tokens[_next_sound(tokens, position) :]
    if rest:
        raise ValueError(
            f"words must have all tokens that sound; got none for {rest}."
        )
    return spans


def cut_at_pauses(tokens: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Make words of what stands between pauses and spaces.

    Arguments
    ---------
    tokens : sequence of str
        As a front end gives them.

    Returns
    -------
    words : list of (str, list of str)
        The tokens of each as one string, and one by one.

    Example
    -------
    >>> cut_at_pauses(["n", "o", " ", "b", "e", "<end>"])
    [('no', ['n', 'o']), ('be', ['b', 'e'])]
    """
    words = [[]]
    for token in tokens:
        if token in _SILENT:
            words.append([])
        else:
            words[-1].append(token)
    return [("".join(sounds), sounds) for sounds in words if sounds]


def _next_sound(tokens: Sequence[str], position: int) -> int:
    while position < len(tokens) and tokens[position] in _SILENT:
        position += 1
    return position
