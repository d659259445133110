"""What eSpeak NG calls its phonemes."""

import re

PAUSE = "<pause>"

# "(en)": the voice of another language begins; maybe cut after eight bytes
_LANGUAGE_MARKER = re.compile(r"\([^)]*\)?")
_NOT_A_PHONEME = frozenset("ˈˌː|_-' \u200d\u0361")


def phoneme_of(name: bytes) -> str:
    """Give the phoneme of an event's name.

    Arguments
    ---------
    name : bytes
        As eSpeak NG gives it: eight bytes at most, maybe cut.

    Returns
    -------
    phoneme : str
        In the IPA, or ``PAUSE``.

    Example
    -------
    >>> phoneme_of("ˈoʊ".encode()), phoneme_of(b"")
    ('ˈoʊ', '<pause>')
    """
    decoded = _LANGUAGE_MARKER.sub("", name.decode("utf-8", errors="ignore"))
    if all(character in _NOT_A_PHONEME for character in decoded):
        return PAUSE
    return decoded.strip(" _|-'")
