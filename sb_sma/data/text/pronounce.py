"""English words as phonemes: a lexicon first, then a trained model."""

import enum
import threading
from collections.abc import Callable, Mapping, Sequence

from sb_sma.data.espeak.voice import END, PAUSE
from sb_sma.data.notation import ARPABET, Notation, strip_stress
from sb_sma.data.spelling import clusters, nearest_spelling
from sb_sma.data.text.english.homographs import HOMOGRAPHS, START, Place, choose
from sb_sma.data.text.frontends import SENTENCE_PAUSES, split_words

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz'-")
_VOWELS = frozenset("aeiouy")
# unknown capitals are spelled up to this length: SMA, but not UNESCO
_SPELLED_LENGTH = 3
# how letters are called, as a model of words reads it
_LETTER_NAMES = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        "ay bee sea dee ee ef gee aitch eye jay kay el em en oh pee cue ar ess "
        "tee you vee double-you ex why zee".split(),
    )
)
# words of the model that are not asked for again
_REMEMBERED = 10_000


class _Ending(enum.Enum):
    S = "'s"


# phonemes, a spelling for the model, or the sound of 's
_Part = Sequence[str] | str | _Ending


class Pronouncer:
    """Reads words by a lexicon, and by a model those that it lacks.

    Of several pronunciations in ARPAbet, the words beside a word choose
    (`sb_sma.data.text.english.homographs`); else the first one is taken. Capitals are read as an
    abbreviation if the lexicon has it with full stops (US is "u.s."), and
    spelled if it lacks the word and they are few or without a vowel (TTS).
    Possessives and words with hyphens are put together from their parts;
    letters with diacritics are read without them where the lexicon lacks the
    word otherwise.

    Arguments
    ---------
    lexicon : mapping
        From a word in lower case to its pronunciations; letters may have
        entries of their own with a full stop ("a."). It may be empty.
    predict : callable
        Turns a list of words into a list of lists of phonemes.
    keep_stress : bool
        Whether vowels keep the digit that tells their stress; as the model has
        it.
    notation : Notation
        How lexicon and model write phonemes.

    Example
    -------
    >>> lexicon = {"the": [["DH", "AH0"]], "fox": [["F", "AA1", "K", "S"]]}
    >>> def predict(words):
    ...     return [["OW"] * len(word) for word in words]
    >>> pronouncer = Pronouncer(lexicon, predict, keep_stress=False)
    >>> pronouncer.pronounce(["The", "fox's", "io"])
    [['DH', 'AH'], ['F', 'AA', 'K', 'S', 'IH', 'Z'], ['OW', 'OW']]
    """

    def __init__(
        self,
        lexicon: Mapping[str, Sequence[Sequence[str]]],
        predict: Callable[[list[str]], list[list[str]]],
        keep_stress: bool = True,
        notation: Notation = ARPABET,
    ):
        self.lexicon = lexicon
        self.predict = predict
        self.keep_stress = keep_stress
        self.notation = notation
        self._predicted: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def tokens(self, text: str) -> list[str]:
        """Turn a text into phonemes and pauses.

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
        tokens = []
        for _, phonemes, count in self._read(text):
            tokens += [*phonemes, *[PAUSE] * count]
        return [*tokens, END]

    def words(self, text: str) -> list[tuple[str, list[str]]]:
        """Tell which phonemes belong to which word.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of (str, list of str)
            Each word as it is spoken out, and its phonemes.

        Raises
        ------
        ValueError
            As of `tokens`.
        """
        return [(word, phonemes) for word, phonemes, _ in self._read(text)]

    def _read(self, text: str) -> list[tuple[str, list[str], int]]:
        """Return each word, its phonemes, and the pauses after it."""
        words, pauses = map(list, zip(*split_words(text)))
        for position, before in enumerate([1, *pauses[:-1]]):
            # the article; elsewhere a capital A is the letter
            if before and words[position] == "A":
                words[position] = "a"
        said = self.pronounce(words, _places(words, pauses))
        return list(zip(words, said, pauses))

    def pronounce(
        self, words: Sequence[str], places: Sequence[Place] | None = None
    ) -> list[list[str]]:
        """Read words.

        Arguments
        ---------
        words : sequence of str
            As they are written, capitals included.
        places : sequence of Place, optional
            Where each word stands in its sentence. Default: each is alone.

        Returns
        -------
        list of list of str
            The phonemes of each word.

        Raises
        ------
        ValueError
            If the model is silent about a word.
        """
        places = places or [Place((word,), 0) for word in words]
        parts = [
            self._choose(place) or self._take_apart(word)
            for word, place in zip(words, places)
        ]
        predicted = self._predict(
            {part for word in parts for part in word if isinstance(part, str)}
        )
        return [self._join(word, predicted) for word in parts]

    def _choose(self, place: Place) -> list[_Part] | None:
        """Say a word that the words beside it decide on, if it is one."""
        if place.word not in HOMOGRAPHS or self.notation is not ARPABET:
            return None
        several = self.lexicon.get(place.word)
        return several and [self._as_said(choose(place, several))]

    def _take_apart(self, word: str) -> list[_Part]:
        known = self._look_up(word)
        if known is not None:
            return [known]
        bare = word.strip("-'")
        if bare != word:
            return self._take_apart(bare) if bare else []
        stem, _, ending = word.rpartition("'")
        if stem.strip("-'") and ending.lower() == "s":
            return [*self._take_apart(stem), _Ending.S]
        if "-" in word:
            pieces = filter(None, word.split("-"))
            return [
                part for piece in pieces for part in self._take_apart(piece)
            ]
        # CDs, but not Is
        if len(word) > 2 and word[:-1].isupper() and word[-1] == "s":
            return [*self._take_apart(word[:-1]), _Ending.S]
        letters = _plain_letters(word)
        is_letter = len(letters) == 1 and word != "a"
        if is_letter or (word.isupper() and _is_spelled(letters)):
            spelled = word.replace("'", "")
            return [part for letter in spelled for part in self._name(letter)]
        return [letters]

    def _name(self, letter: str) -> list[_Part]:
        """How a letter is called."""
        known = self._look_up(letter)
        if known is not None:
            return [known]
        name = _LETTER_NAMES.get(_plain_letters(letter))
        return self._take_apart(name) if name else [letter]

    def _look_up(self, word: str) -> Sequence[str] | None:
        """Return the lexicon's first pronunciation."""
        spellings = [word.lower(), _plain_letters(word)]
        if word.isupper() or (len(word) == 1 and word != "a"):
            spellings.insert(
                0, "".join(f"{letter}." for letter in spellings[0])
            )
        for spelling in spellings:
            if spelling in self.lexicon:
                return self._as_said(self.lexicon[spelling][0])
        return None

    def _as_said(self, phonemes: Sequence[str]) -> Sequence[str]:
        return phonemes if self.keep_stress else list(strip_stress(phonemes))

    def _predict(self, words: set[str]) -> dict[str, list[str]]:
        """Ask the model once for all words that it was not asked before."""
        with self._lock:
            new = sorted(words - self._predicted.keys())
            for word, phonemes in zip(new, self.predict(new) if new else []):
                if not phonemes:
                    raise ValueError(
                        f"The G2P model must say every word; got nothing for "
                        f"{word!r}. Write the word as it sounds, or add it to "
                        "the lexicon."
                    )
                self._predicted[word] = phonemes
            asked = {word: self._predicted[word] for word in words}
            for oldest in [*self._predicted][:-_REMEMBERED]:
                del self._predicted[oldest]
        return asked

    def _join(
        self, parts: list[_Part], predicted: Mapping[str, list[str]]
    ) -> list[str]:
        phonemes = []
        for part in parts:
            if part is _Ending.S:
                phonemes += self._possessive(phonemes[-1])
            elif isinstance(part, str):
                phonemes += predicted[part]
            else:
                phonemes += part
        return phonemes

    def _possessive(self, last: str) -> list[str]:
        """How 's sounds after a phoneme."""
        (sound,) = strip_stress([last])
        notation = self.notation
        if sound in notation.sibilants:
            vowel = notation.vowel
            if not self.keep_stress:
                (vowel,) = strip_stress([vowel])
            return [vowel, notation.voiced_s]
        is_voiceless = sound in notation.voiceless
        return [notation.voiceless_s if is_voiceless else notation.voiced_s]


def _places(words: Sequence[str], pauses: Sequence[int]) -> list[Place]:
    """Put each word into its sentence, where pauses part the clauses."""
    places, sentence = [], [START]
    for word, pause in zip(words, pauses):
        # the list is that of all words of the sentence, which is still to come
        places.append(Place(sentence, len(sentence)))
        sentence.append(word)
        if pause >= SENTENCE_PAUSES:
            sentence = [START]
        elif pause:
            sentence.append(START)
    return places


def _plain_letters(word: str) -> str:
    """In lower case, without diacritics where that is possible."""
    return "".join(
        nearest_spelling(cluster, _LETTERS) or cluster
        for cluster in clusters(word.lower())
    )


def _is_spelled(letters: str) -> bool:
    """Whether unknown capitals are read letter by letter."""
    return len(letters) <= _SPELLED_LENGTH or not _VOWELS.intersection(letters)
