"""The IPA of eSpeak NG's English voices as the ARPAbet of CMUdict."""

from collections.abc import Sequence

from sb_sma.data.notation import strip_stress

# longer symbols stand for what they are made of, if they are not here
_TABLE = {
    "iː": "IY",
    "i": "IY",
    "ɪ": "IH",
    "ᵻ": "IH",
    "ɨ": "IH",
    "eɪ": "EY",
    "e": "EH",
    "ɛ": "EH",
    "ɛː": "EH",
    "æ": "AE",
    "a": "AE",
    "aː": "AA",
    "ɑː": "AA",
    "ɑ": "AA",
    "ɒ": "AA",
    "ɔː": "AO",
    "ɔ": "AO",
    "oː": "AO",
    "o": "OW",
    "oʊ": "OW",
    "əʊ": "OW",
    "ʊ": "UH",
    "uː": "UW",
    "u": "UW",
    "ʉː": "UW",
    "ʉ": "UW",
    "ʌ": "AH",
    "ə": "AH",
    "ɐ": "AH",
    "ɚ": "ER",
    "ɜː": "ER",
    "ɜ": "ER",
    "aɪ": "AY",
    "aʊ": "AW",
    "ʌʉ": "AW",
    "ɔɪ": "OY",
    "eə": "EH R",
    "ɪə": "IH R",
    "ʊə": "UH R",
    "aɪɚ": "AY ER",
    "aɪə": "AY AH",
    "p": "P",
    "b": "B",
    "t": "T",
    "d": "D",
    "k": "K",
    "ɡ": "G",
    "g": "G",
    "ɾ": "T",
    "ʔ": "T",
    "tʃ": "CH",
    "dʒ": "JH",
    "f": "F",
    "v": "V",
    "θ": "TH",
    "ð": "DH",
    "s": "S",
    "z": "Z",
    "ʃ": "SH",
    "ʒ": "ZH",
    "h": "HH",
    "x": "K",
    "ɬ": "L",
    "m": "M",
    "n": "N",
    "ŋ": "NG",
    "l": "L",
    "ɫ": "L",
    "ɹ": "R",
    "r": "R",
    "j": "Y",
    "w": "W",
    "ʍ": "W",
    "n̩": "AH N",
    "l̩": "AH L",
    "m̩": "AH M",
}
# lengths, ties, syllabic marks and the like where a symbol is taken apart
_IGNORED = frozenset("ː:\u032a\u0361\u0329\u02b0\u02b2\u0303")


def to_arpabet(phonemes: Sequence[str]) -> list[str]:
    """Write phonemes as CMUdict does, without stress.

    A vowel that ends in r becomes two (``ɔːɹ`` is AO R); two that are the same
    consonant after that, one.

    Arguments
    ---------
    phonemes : sequence of str
        Of a word, in the IPA.

    Returns
    -------
    phonemes : list of str
        In ARPAbet.

    Raises
    ------
    ValueError
        If a sound is none of English.

    Example
    -------
    >>> to_arpabet(["f", "ˈɔːɹ", "ɹ", "ɪ", "s", "t"])
    ['F', 'AO', 'R', 'IH', 'S', 'T']
    """
    written: list[str] = []
    for phoneme in strip_stress(phonemes):
        for symbol in _symbols(phoneme):
            if symbol != "R" or written[-1:] != ["R"]:
                written.append(symbol)
    return written


def _symbols(phoneme: str) -> list[str]:
    """Find a symbol, or the longest ones that it begins with."""
    symbols, rest = [], phoneme
    while rest:
        for length in range(len(rest), 0, -1):
            if rest[:length] in _TABLE:
                symbols += _TABLE[rest[:length]].split()
                rest = rest[length:]
                break
        else:
            if rest[0] not in _IGNORED:
                raise ValueError(
                    f"ARPAbet has no sign for {phoneme!r}, which English lacks. "
                    "Give an English --voice, or --phones ipa."
                )
            rest = rest[1:]
    return symbols
