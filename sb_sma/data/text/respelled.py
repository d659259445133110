"""Phonemes that a text gives for a word, among the tokens of the others."""

from collections.abc import Iterable, Sequence

from sb_sma.data.espeak.voice import END, PAUSE
from sb_sma.data.notation import strip_stress
from sb_sma.data.text.frontends import Frontend
from sb_sma.data.text.markup import IPA_VOWELS, Respelling
from sb_sma.data.text.word_spans import SPACE, find_spans, words_of

_STRESS = "ˈˌ"
_SILENT = ".'"
_TIES = "\u0361\u035c"
_LOOKALIKES = {"g": "ɡ", "r": "ɹ"}


def read_phonemes(sounds: str, symbols: Iterable[str]) -> list[str]:
    """Cut what a text says of a word into the symbols of a model.

    Arguments
    ---------
    sounds : str
        Symbols with spaces between them; or in the IPA without, stress before
        the syllable.
    symbols : iterable of str
        What the model knows.

    Returns
    -------
    phonemes : list of str
        At least one, stress before vowels.

    Raises
    ------
    ValueError
        If a part of it is no symbol of the model.

    Example
    -------
    >>> symbols = ["k", "ɜː", "ˈɜː", "n", "ə", "l", "əl"]
    >>> read_phonemes("ˈkɜːnəl", symbols), read_phonemes("k ˈɜː n ə l", symbols)
    (['k', 'ˈɜː', 'n', 'əl'], ['k', 'ˈɜː', 'n', 'ə', 'l'])
    """
    known = set(symbols) - {PAUSE, END, SPACE}
    ties = set(_TIES).difference("".join(known))
    written = sounds.translate(dict.fromkeys(map(ord, ties)))
    phonemes: list[str] = []
    stress = ""
    for part in written.split():
        if part in known:
            phonemes.append(part)
            continue
        found, stress = _read_part(part, known, stress, sounds)
        phonemes += found
    if not phonemes:
        raise ValueError(f"/{sounds}/ must hold a phoneme; got none.")
    return phonemes


def _read_part(
    part: str, known: set[str], stress: str, sounds: str
) -> tuple[list[str], str]:
    """Read without spaces, the longest symbols first."""
    bases = set(strip_stress(sorted(known))) - {""}
    longest = max(map(len, bases), default=0)
    phonemes = []
    while part:
        if part[0] in _STRESS:
            stress, part = part[0], part[1:]
            continue
        if part[0] in _SILENT:
            part = part[1:]
            continue
        if part[0] not in bases:
            part = _LOOKALIKES.get(part[0], part[0]) + part[1:]
        for length in range(min(longest, len(part)), 0, -1):
            if part[:length] in bases:
                break
        else:
            raise ValueError(
                f"/{sounds:.80}/ must be phonemes of the model; {part!r:.80} begins "
                f"with none. It knows {' '.join(sorted(bases))}."
            )
        symbol, part = part[:length], part[length:]
        if stress and (stress + symbol in known or symbol[0] in IPA_VOWELS):
            symbol, stress = stress + symbol, ""
        phonemes.append(symbol)
    return phonemes, stress


def respell(
    tokens: Sequence[str],
    words: Sequence[tuple[str, Sequence[str]]],
    respellings: Sequence[tuple[Respelling, Sequence[str]]],
) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Put phonemes in the place of stand-ins.

    Arguments
    ---------
    tokens : sequence of str
        Of the text.
    words : sequence of (str, sequence of str)
        Of the text, as a front end gives them.
    respellings : sequence of (Respelling, sequence of str)
        In their order, each with its phonemes.

    Returns
    -------
    tokens : list of str
        With the phonemes.
    words : list of (str, list of str)
        Likewise.

    Raises
    ------
    ValueError
        If a stand-in is not found as a word.

    Example
    -------
    >>> bob = Respelling("Zoë", "Bob", "z oʊ i")
    >>> respell(
    ...     ["b", "ɑː", "b", "<end>"],
    ...     [("Bob", ["b", "ɑː", "b"])],
    ...     [(bob, ["z", "oʊ", "i"])],
    ... )
    (['z', 'oʊ', 'i', '<end>'], [('Zoë', ['z', 'oʊ', 'i'])])
    """
    new_tokens, new_words = [], []
    waiting, end = list(respellings), 0
    for (text, sounds), (_, first, stop) in zip(
        words, find_spans(tokens, words)
    ):
        if waiting and text.lower() == waiting[0][0].stand_in.lower():
            respelling, phonemes = waiting.pop(0)
            new_tokens += [*tokens[end:first], *phonemes]
            new_words.append((respelling.word, list(phonemes)))
            end = stop
        else:
            new_words.append((text, list(sounds)))
    if waiting:
        raise ValueError(
            f"[{waiting[0][0].word}](/.../) must stand between spaces or marks, "
            "in a text whose words the front end tells apart; it was not found "
            "again. Write the word alone, or respell it in letters."
        )
    return [*new_tokens, *tokens[end:]], new_words


def read_respelled(
    frontend: Frontend,
    text: str,
    respellings: Sequence[Respelling],
    symbols: Iterable[str],
) -> tuple[list[str], list[tuple[str, list[str]]] | None]:
    """Turn a text with stand-ins into tokens.

    Arguments
    ---------
    frontend : Frontend
        Of the model.
    text : str
        At least one letter or digit.
    respellings : sequence of Respelling
        In the order of their stand-ins in the text.
    symbols : iterable of str
        What the model knows.

    Returns
    -------
    tokens : list of str
        As of the front end.
    words : list of (str, list of str), optional
        None where nothing is respelled: the front end tells them.

    Raises
    ------
    ValueError
        If the text cannot be read, or a word not be said so.
    """
    tokens = frontend.tokens(text)
    if not respellings:
        return tokens, None
    said = [(each, read_phonemes(each.sounds, symbols)) for each in respellings]
    return respell(tokens, words_of(frontend, text, tokens), said)
