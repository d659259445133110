"""Words as a lexicon says them, and those that it lacks as a model does."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sb_sma.data.lexicon.cmudict import Cmudict
from sb_sma.data.plain_text import plain_text
from sb_sma.data.spelling import STRAIGHT_APOSTROPHES
from sb_sma.inference.arguments import check_count
from sb_sma.inference.g2p.pronouncer import Pronouncer
from sb_sma.inference.g2p.pronunciation import Pronunciation

_PACKAGED = Path(__file__).with_name("packaged")
ENGLISH = "en-us"
"""The model that comes with the package: ARPAbet with stress, as CMUdict."""

# of what stands in the lexicon
_CERTAIN = 0.0
Entry = tuple[tuple[str, ...], ...]


def find_packaged(name: str = ENGLISH) -> Path:
    """Find a model that comes with the package.

    Arguments
    ---------
    name : str
        Of its language, such as en-us.

    Returns
    -------
    folder : Path
        Of the exported model.

    Raises
    ------
    ValueError
        If there is none of this name.

    Example
    -------
    >>> find_packaged("en-us").name
    'en-us'
    >>> find_packaged("en-gb")
    Traceback (most recent call last):
    ...
    ValueError: a packaged model must be one of en-us; got 'en-gb'. Train one of your own, and give its folder.
    """
    known = sorted(path.name for path in _PACKAGED.iterdir() if path.is_dir())
    if name not in known:
        raise ValueError(
            f"a packaged model must be one of {', '.join(known)}; got "
            f"{name!r}. Train one of your own, and give its folder."
        )
    return _PACKAGED / name


class LexiconG2P(Pronouncer):
    """Looks words up in a lexicon, and asks a model for those that it lacks.

    The model is loaded when the first such word is read. Pronunciations of the
    lexicon have the log-probability 0, and are in its order.

    Arguments
    ---------
    load : callable
        Returns the model, a `G2P` of one language.
    lexicon : mapping, optional
        From a word in lower case to its pronunciations, in the phonemes of the
        model. Default: CMUdict.

    Example
    -------
    >>> g2p = LexiconG2P(load=lambda: None)
    >>> g2p(["Read"])
    [['R', 'EH1', 'D']]
    >>> [" ".join(each.phonemes) for each in g2p.n_best(["read"], 5)[0]]
    ['R EH1 D', 'R IY1 D']
    """

    def __init__(
        self,
        load: Callable[[], Any],
        lexicon: Mapping[str, Entry] | None = None,
    ):
        self.lexicon = Cmudict() if lexicon is None else lexicon
        self._load = load
        self._model = None
        self._lock = threading.Lock()

    @property
    def model(self) -> Any:
        """What says the words that the lexicon lacks."""
        with self._lock:
            if self._model is None:
                self._model = self._load()
        return self._model

    @property
    def fallbacks(self) -> Counter:
        """How often each letter that training lacks was replaced."""
        return Counter() if self._model is None else self._model.fallbacks

    def encode(
        self, word: str, language: str | None = None
    ) -> Entry | list[int]:
        """Look a word up, or else its letters.

        Arguments
        ---------
        word : str
            The word.
        language : str, optional
            As of a call.

        Returns
        -------
        reading : tuple or list
            Its pronunciations, or the indices of its letters.

        Raises
        ------
        ValueError
            If it cannot be read.
        """
        if not isinstance(word, str):
            raise ValueError(f"word must be a string; got {word!r:.80}.")
        self.check_language(language)
        plain = plain_text(word).translate(STRAIGHT_APOSTROPHES).strip()
        known = self.lexicon.get(plain.lower())
        return self.model.encode(word) if known is None else known

    def decode(
        self,
        graphemes: Sequence[Entry | list[int]],
        n: int = 1,
        beam_size: int | None = None,
    ) -> list[list[Pronunciation]]:
        """Give the pronunciations of what `encode` has read.

        Arguments
        ---------
        graphemes : sequence
            Of each word its pronunciations, or the indices of its letters.
        n : int
            As of `n_best`.
        beam_size : int, optional
            As of a call.

        Returns
        -------
        pronunciations : list of list of Pronunciation
            Of each word.

        Raises
        ------
        ValueError
            If a number is below 1.
        """
        check_count("n", n)
        check_count("beam_size", beam_size, or_none=True)
        unknown = [each for each in graphemes if not isinstance(each, tuple)]
        found = iter(
            self.model.decode(unknown, n, beam_size) if unknown else ()
        )
        return [
            [Pronunciation([*each], _CERTAIN, True) for each in reading[:n]]
            if isinstance(reading, tuple)
            else next(found)
            for reading in graphemes
        ]

    def check_language(self, language: str | None) -> None:
        """Refuse a language that the model does not know of.

        Arguments
        ---------
        language : str, optional
            As of a call.

        Raises
        ------
        ValueError
            If it knows of none of this name.
        """
        if language is not None:
            self.model.check_language(language)
