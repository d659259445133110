"""English words as ARPAbet phonemes: a lexicon first, then a trained model."""

import threading
from typing import Callable, Mapping, Sequence

from sb_sma.data.espeak import END, PAUSE
from sb_sma.data.frontends import split_words
from sb_sma.data.grapheme_fallback import clusters, nearest_spelling

_STRESS = "012"
_SIBILANTS = frozenset(["S", "Z", "SH", "ZH", "CH", "JH"])
_VOICELESS = frozenset(["P", "T", "K", "F", "TH"])
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz'-")
_VOWELS = frozenset("aeiouy")
# unknown capitals are spelled up to this length: SMA, but not UNESCO
_SPELLED_LENGTH = 3


class Pronouncer:
    """Reads words by a lexicon, and by a model those that it lacks.

    The first pronunciation of the lexicon is taken. Capitals are read as an
    abbreviation if the lexicon has it with full stops (US is "u.s."), and
    spelled if it lacks the word and they are few or without a vowel (TTS).
    Possessives and words with hyphens are put together from their parts;
    letters with diacritics are read without them where the lexicon lacks the
    word otherwise.

    Arguments
    ---------
    lexicon : mapping
        From a word in lower case to its pronunciations, in ARPAbet; letters
        may have entries of their own with a full stop ("a.").
    predict : callable
        Turns a list of words into a list of lists of phonemes.
    keep_stress : bool
        Whether vowels keep the digit that tells their stress; as the model has
        it.

    Example
    -------
    >>> lexicon = {"the": [["DH", "AH0"]], "fox": [["F", "AA1", "K", "S"]]}
    >>> def predict(words):
    ...     return [["OW0"] * len(word) for word in words]
    >>> pronouncer = Pronouncer(lexicon, predict, keep_stress=False)
    >>> pronouncer.pronounce(["The", "fox's", "io"])
    [['DH', 'AH'], ['F', 'AA', 'K', 'S', 'IH', 'Z'], ['OW', 'OW']]
    """

    def __init__(
        self,
        lexicon: Mapping[str, Sequence[Sequence[str]]],
        predict: Callable[[list[str]], list[list[str]]],
        keep_stress: bool = True,
    ):
        self.lexicon = lexicon
        self.predict = predict
        self.keep_stress = keep_stress
        self._predicted: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def tokens(self, text: str) -> list[str]:
        """Turns a text into phonemes and pauses.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of str
            Phonemes, ``PAUSE``, and a final ``END``.

        Raises
        ------
        ValueError
            If the text has nothing to say, or letters that are not Latin, or
            if the model is silent about a word.
        """
        words, pauses = zip(*split_words(text))
        tokens = []
        for phonemes, count in zip(self.pronounce(words), pauses):
            tokens += [*phonemes, *[PAUSE] * count]
        return [*tokens, END]

    def pronounce(self, words: Sequence[str]) -> list[list[str]]:
        """Reads the words of a text, one by one.

        Arguments
        ---------
        words : sequence of str
            As they are written, in their order.

        Returns
        -------
        list of list of str
            The phonemes of each word.

        Raises
        ------
        ValueError
            If the model is silent about a word.
        """
        parts = [
            self._take_apart(word, is_first=position == 0)
            for position, word in enumerate(words)
        ]
        self._predict({p for word in parts for p in word if p.unknown})
        return [self._join(word) for word in parts]
