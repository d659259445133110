"""What all that pronounce words have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from sb_sma.inference.arguments import read_each
from sb_sma.inference.g2p.pronunciation import Pronunciation


class Pronouncer(ABC):
    """Pronounces words: each is read, and all are decoded together.

    Of a class, `encode` reads a word, and `decode` says what was read.

    Example
    -------
    >>> class Spelling(Pronouncer):
    ...     def encode(self, word, language=None):
    ...         return [*word.upper()]
    ...
    ...     def decode(self, graphemes, n=1, beam_size=None):
    ...         return [[Pronunciation(each, 0.0, True)] for each in graphemes]
    >>> Spelling()(["tv", "pc"])
    [['T', 'V'], ['P', 'C']]
    """

    def __call__(
        self,
        words: Sequence[str],
        language: str | None = None,
        beam_size: int | None = None,
    ) -> list[list[str]]:
        """Give the best pronunciation of each word.

        Arguments
        ---------
        words : sequence of str
            Any number of words.
        language : str, optional
            Of the words; needed by a model of several languages.
        beam_size : int, optional
            Hypotheses of a model per word; 1 is greedy. Default: what it was
            exported with.

        Returns
        -------
        pronunciations : list of list of str
            The phonemes of each word.

        Raises
        ------
        ValueError
            If a word cannot be read; it is named, with its number.
        """
        best = self.n_best(words, 1, language, beam_size)
        return [pronunciations[0].phonemes for pronunciations in best]

    def n_best(
        self,
        words: Sequence[str],
        n: int,
        language: str | None = None,
        beam_size: int | None = None,
    ) -> list[list[Pronunciation]]:
        """Give the best pronunciations of each word.

        Arguments
        ---------
        words : sequence of str
            Any number of words.
        n : int
            Pronunciations per word; the beam is at least as wide.
        language : str, optional
            As of a call.
        beam_size : int, optional
            As of a call.

        Returns
        -------
        pronunciations : list of list of Pronunciation
            Of each word at most `n`, the best first.

        Raises
        ------
        ValueError
            If a word cannot be read, or a number is below 1.
        """
        return self.decode(self.read(words, language), n, beam_size)

    def read(
        self, words: Sequence[str], language: str | None = None
    ) -> list[Any]:
        """Read several words.

        Arguments
        ---------
        words : sequence of str
            Any number of words.
        language : str, optional
            As of a call.

        Returns
        -------
        graphemes : list
            Of each word, as of `encode`.

        Raises
        ------
        ValueError
            If a word cannot be read; it is named, with its number.
        """
        return read_each(words, lambda word: self.encode(word, language))

    @abstractmethod
    def encode(self, word: str, language: str | None = None) -> Any:
        """Read a word.

        Arguments
        ---------
        word : str
            The word.
        language : str, optional
            As of a call.

        Returns
        -------
        graphemes : Any
            What `decode` takes.

        Raises
        ------
        ValueError
            If it cannot be read.
        """

    @abstractmethod
    def decode(
        self,
        graphemes: Sequence[Any],
        n: int = 1,
        beam_size: int | None = None,
    ) -> list[list[Pronunciation]]:
        """Give the best pronunciations of what `encode` has read.

        Arguments
        ---------
        graphemes : sequence
            Of each word.
        n : int
            As of `n_best`.
        beam_size : int, optional
            As of a call.

        Returns
        -------
        pronunciations : list of list of Pronunciation
            Of each word at most `n`, the best first.

        Raises
        ------
        ValueError
            If a number is below 1.
        """
