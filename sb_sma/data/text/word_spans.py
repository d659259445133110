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
        Each word, and its tokens, without pauses and spaces.

    Returns
    -------
    spans : list of (str, int, int)
        Each word, the index of its first token, and that after its last one;
        a word without a token spans none.

    Raises
    ------
    ValueError
        If the words do not have the tokens that sound, all and in their order.

    Example
    -------
    >>> tokens = ["j", "ˈɛ", "s", "<pause>", "n", "ˈoʊ", "<end>"]
    >>> find_spans(tokens, [("Yes", ["j", "ˈɛ", "s"]), ("no", ["n", "ˈoʊ"])])
    [('Yes', 0, 3), ('no', 4, 6)]
    """
    places = [
        place for place, token in enumerate(tokens) if token not in _SILENT
    ]
    sounding = [tokens[place] for place in places]
    spoken = [sound for _, sounds in words for sound in sounds]
    if spoken != sounding:
        raise ValueError(
            f"words must have the tokens that sound, {sounding}; got {spoken}."
        )
    spans = []
    start = 0
    for text, sounds in words:
        here = places[start : start + len(sounds)]
        start += len(sounds)
        spans.append((text, here[0], here[-1] + 1) if here else (text, 0, 0))
    return spans


def words_of(
    frontend: object, text: str, tokens: Sequence[str]
) -> list[tuple[str, list[str]]]:
    """Tell the words of a text, by any front end.

    Arguments
    ---------
    frontend : object
        A front end; one of a user's own need not have ``words``.
    text : str
        What is said.
    tokens : sequence of str
        As the front end gives them.

    Returns
    -------
    words : list of (str, list of str)
        Each word, and its tokens; a front end that knows no words gives what
        stands between pauses.

    Example
    -------
    >>> words_of(None, "No.", ["n", "o", "<end>"])
    [('no', ['n', 'o'])]
    """
    if hasattr(frontend, "words"):
        return frontend.words(text)
    return cut_at_pauses(tokens)


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
