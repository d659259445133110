"""How English phonemes are written, as far as a text front end needs to know."""

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass

ARPABET_PHONEMES = frozenset(
    "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW "
    "B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split()
)
"""The phonemes of CMUdict, without stress."""


# vowels of ARPAbet, the rare AX, AXR, IX and UX of TIMIT included
_STRESSED_VOWEL = re.compile(
    r"(A[AEHOWXY]|AXR|E[HRY]|I[HXY]|O[WY]|U[HWX])[0-2]"
)
_IPA_STRESS = str.maketrans("", "", "ˈˌ")


@dataclass(frozen=True)
class Notation:
    """The sounds of the ending 's, and those that choose between them.

    Arguments
    ---------
    sibilants : frozenset of str
        After these it has the vowel.
    voiceless : frozenset of str
        After these and without the vowel it is voiceless.
    vowel : str
        With its stress, if the notation writes any.
    voiced_s : str
        The ending after all other phonemes.
    voiceless_s : str
        The ending after those that are voiceless.
    """

    sibilants: frozenset[str]
    voiceless: frozenset[str]
    vowel: str
    voiced_s: str
    voiceless_s: str


ARPABET = Notation(
    sibilants=frozenset(["S", "Z", "SH", "ZH", "CH", "JH"]),
    voiceless=frozenset(["P", "T", "K", "F", "TH"]),
    vowel="IH0",
    voiced_s="Z",
    voiceless_s="S",
)
IPA = Notation(
    sibilants=frozenset(["s", "z", "ʃ", "ʒ", "t͡ʃ", "d͡ʒ", "tʃ", "dʒ"]),
    voiceless=frozenset(["p", "t", "k", "f", "θ"]),
    vowel="ɪ",
    voiced_s="z",
    voiceless_s="s",
)


def find_notation(phonemes: Set[str]) -> Notation:
    """Find out how a model writes phonemes.

    Arguments
    ---------
    phonemes : set of str
        All of them, without stress.

    Returns
    -------
    Notation
        ARPAbet if there is no other phoneme; else one whose endings are among
        them.

    Raises
    ------
    ValueError
        If there is none.

    Example
    -------
    >>> find_notation({"k", "æ", "t", "s", "z", "ɪ"}) is IPA
    True
    """
    if phonemes <= ARPABET_PHONEMES:
        return ARPABET
    for notation in (ARPABET, IPA):
        endings = (notation.vowel, notation.voiced_s, notation.voiceless_s)
        if phonemes >= {*strip_stress(endings)}:
            return notation
    raise ValueError(
        "g2p_model must have the phonemes of English, among them S, Z and IH "
        "(ARPAbet) or s, z and ɪ (IPA), as endings need them; got "
        f"{', '.join(sorted(phonemes)[:20])}. Train one with: python train.py "
        "hparams/g2p.yaml"
    )


def strip_stress(phonemes: Sequence[str]) -> tuple[str, ...]:
    """Remove the marks of stress from phonemes.

    These are the digits 0 to 2 at the end of an ARPAbet vowel, and ``ˈ`` and
    ``ˌ`` of the IPA. Tones and lengths stay.

    Arguments
    ---------
    phonemes : sequence of str
        One string per phoneme.

    Returns
    -------
    tuple of str
        The phonemes without stress. A mark that stood alone is gone.

    Example
    -------
    >>> strip_stress(["AH0", "B", "AW1", "T"])
    ('AH', 'B', 'AW', 'T')
    >>> strip_stress(["ə", "ˈ", "b", "ˈaʊ", "t", "˧˥"])
    ('ə', 'b', 'aʊ', 't', '˧˥')
    """
    stripped = (
        phoneme[:-1]
        if _STRESSED_VOWEL.fullmatch(phoneme)
        else phoneme.translate(_IPA_STRESS)
        for phoneme in phonemes
    )
    return tuple(phoneme for phoneme in stripped if phoneme)
