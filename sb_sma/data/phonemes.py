"""From phoneme symbols to the indices that a decoder predicts, and back."""

from collections.abc import Iterable, Sequence

START = 0  # heard before the first phoneme; padding everywhere else
END = 1


class PhonemeTable:
    """The phonemes that a model can say.

    Index 0 is padding, and what the decoder hears first; index 1 ends a word.

    Arguments
    ---------
    symbols : sequence of str
        The phonemes, each once.
    backwards : bool
        Whether a model says the last phoneme first.

    Raises
    ------
    ValueError
        If a symbol is empty or comes twice.

    Example
    -------
    >>> table = PhonemeTable(["AH", "B"])
    >>> table.encode(["B", "AH"])
    [3, 2, 1]
    >>> table.decode([3, 2, 1])
    ['B', 'AH']
    """

    def __init__(self, symbols: Sequence[str], backwards: bool = False):
        self.symbols = list(symbols)
        self.backwards = backwards
        self._index = {
            symbol: index for index, symbol in enumerate(self.symbols, END + 1)
        }
        if len(self._index) != len(self.symbols) or "" in self._index:
            raise ValueError(
                "symbols must be phonemes that differ from each other; got "
                f"{self.symbols}."
            )

    def __len__(self) -> int:
        return len(self.symbols) + END + 1

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._index

    def encode(self, phonemes: Iterable[str]) -> list[int]:
        """Look phonemes up, and end the word.

        Arguments
        ---------
        phonemes : iterable of str
            Symbols of the table.

        Returns
        -------
        indices : list of int
            One per phoneme, and `END`.

        Raises
        ------
        ValueError
            If a phoneme is not in the table.
        """
        phonemes = list(phonemes)
        unknown = sorted(set(phonemes) - self._index.keys())
        if unknown:
            raise ValueError(
                "phonemes must be among those of the training set; got "
                f"{', '.join(unknown)}. Correct the pronunciation."
            )
        said = self.as_said(phonemes)
        return [*(self._index[phoneme] for phoneme in said), END]

    def decode(self, indices: Iterable[int]) -> list[str]:
        """Name what a model predicted.

        Arguments
        ---------
        indices : iterable of int
            Of the table; padding and `END` are left out.

        Returns
        -------
        phonemes : list of str
            Symbols, from the first phoneme of the word to the last.

        Raises
        ------
        ValueError
            If an index is beyond the table.
        """
        indices = [index for index in indices if index > END]
        if max(indices, default=0) >= len(self):
            raise ValueError(
                f"indices must be of phonemes of a table of {len(self)}; got "
                f"{max(indices)}. Give the table that the model was trained with."
            )
        return self.as_said([self.symbols[each - END - 1] for each in indices])

    def as_said(self, phonemes: Sequence[str]) -> list[str]:
        """Put phonemes in the order in which a model says them, or back.

        Arguments
        ---------
        phonemes : sequence of str
            Symbols.

        Returns
        -------
        phonemes : list of str
            The same, turned around if the model says the last one first.
        """
        return list(reversed(phonemes) if self.backwards else phonemes)
