"""From token symbols to indices."""

import logging
from collections.abc import Iterable, Sequence, Sized
from pathlib import Path

from sb_sma.data.json_files import read_json
from sb_sma.data.notation import strip_stress

logger = logging.getLogger(__name__)

PADDING, UNKNOWN = "<pad>", "<unk>"


class TokenTable:
    """The symbols that a model knows.

    Index 0 is padding, index 1 stands for every unknown symbol that is not
    known with another stress, or without any, either.

    Arguments
    ---------
    symbols : sequence of str
        Without padding and unknown, each once.

    Raises
    ------
    ValueError
        If a symbol comes twice.

    Example
    -------
    >>> table = TokenTable(["a", "b"])
    >>> table.encode(["b", "a"])
    [3, 2]
    >>> len(table)
    4
    """

    def __init__(self, symbols: Sequence[str]):
        self.symbols = list(symbols)
        self._index = {
            symbol: index
            for index, symbol in enumerate([PADDING, UNKNOWN, *self.symbols])
        }
        # without stress itself before the first with any
        self._by_sound: dict[str, str] = {}
        for symbol in sorted(self.symbols, key=len):
            self._by_sound.setdefault("".join(strip_stress([symbol])), symbol)
        if len(self._index) != len(self.symbols) + 2:
            raise ValueError(
                "symbols must be different from each other and from "
                f"{PADDING} and {UNKNOWN}; got {self.symbols}."
            )

    def __len__(self) -> int:
        return len(self._index)

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Look the tokens up; an unknown one is warned about.

        Arguments
        ---------
        tokens : iterable of str
            Token symbols.

        Returns
        -------
        indices : list of int
            One per token.
        """
        tokens = list(tokens)
        for token in sorted(set(tokens) - self._index.keys()):
            logger.warning(
                "The model never heard '%s'; spoken as '%s'.",
                token,
                self._nearest(token),
            )
        return [self._index[self._nearest(token)] for token in tokens]

    def _nearest(self, token: str) -> str:
        """Return the symbol itself, the same with other stress, or unknown."""
        if token in self._index:
            return token
        return self._by_sound.get("".join(strip_stress([token])), UNKNOWN)


def read_symbols(path: str | Path) -> list[str]:
    """Read the symbols of a corpus.

    Arguments
    ---------
    path : str or Path
        A JSON file of its folder.

    Returns
    -------
    symbols : list of str
        For a `TokenTable` or a `PhonemeTable`.

    Raises
    ------
    ValueError
        If it does not hold a list of strings.

    Example
    -------
    >>> path = getfixture("tmp_path") / "tokens.json"
    >>> _ = path.write_text('["a", "b"]')
    >>> read_symbols(path)
    ['a', 'b']
    """
    symbols = read_json(path)
    if not isinstance(symbols, list) or not all(
        isinstance(symbol, str) for symbol in symbols
    ):
        raise ValueError(
            f"{path} must hold a list of strings; got {symbols!r:.80}. Remove "
            "its corpus folder (sb-sma corpora --remove), and the next run "
            "makes it anew."
        )
    return symbols


def check_token_room(
    table: Sized, n_tokens: int, key: str = "n_tokens"
) -> None:
    """Refuse a token table that does not fit into the model's.

    Arguments
    ---------
    table : Sized
        The tokens of the corpus, padding and the like included.
    n_tokens : int
        Rows of the model's embedding.
    key : str
        Where the YAML gives this number.

    Raises
    ------
    ValueError
        If there are more tokens than rows.

    Example
    -------
    >>> check_token_room(["<pad>", "<unk>", "a", "b"], n_tokens=128)
    """
    if len(table) > n_tokens:
        raise ValueError(
            f"The corpus has {len(table)} tokens, the model room for "
            f"{n_tokens}. Give {key}: {len(table)} or more in the YAML."
        )
