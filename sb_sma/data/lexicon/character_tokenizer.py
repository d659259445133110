"""Words as their letters."""

from collections.abc import Sequence

from sb_sma.data.lexicon.base_tokenizer import GraphemeTokenizer


class CharacterTokenizer(GraphemeTokenizer):
    """A piece for each character.

    Arguments
    ---------
    decompose : bool
        Whether letters are taken apart (Unicode's NFD).
    backwards : bool
        Whether `encode` gives the last piece first.

    Example
    -------
    >>> tokenizer = CharacterTokenizer()
    >>> tokenizer.fit(["cafe", "face"])
    >>> tokenizer.symbols, tokenizer.encode("café")
    (['a', 'c', 'e', 'f'], [3, 2, 5, 4])
    >>> tokenizer.fallbacks
    Counter({'é': 1})
    """

    kind = "characters"

    def _fit_units(self, words: Sequence[str]) -> list[str]:
        return sorted(set().union(*words))

    def _cut(self, word: str) -> list[str]:
        return list(word)

    def _units_to_json(self) -> None:
        """Return nothing: the characters are all there is."""

    def _units_from_json(
        self, content: None, characters: set[str]
    ) -> list[str]:
        return sorted(characters)
