"""What the tokenizers of words have in common; see `tokenizers`."""

import logging
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sb_sma.data.json_files import read_json, write_json
from sb_sma.data.lexicon.line import MAX_WORD_LENGTH
from sb_sma.data.plain_text import is_speakable
from sb_sma.data.spelling import clusters, nearest_spelling
from sb_sma.data.tokens import TokenTable

logger = logging.getLogger(__name__)


def _is_switch(value: Any) -> bool:
    return isinstance(value, bool)


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(x, str) for x in value)


_CONTENT = {
    "decompose": ("true or false", _is_switch),
    "backwards": ("true or false", _is_switch),
    "languages": ("a list of strings", _are_strings),
    "characters": ("a list of strings", _are_strings),
}

_FIRST = 2  # index after padding and unknown


class GraphemeTokenizer(ABC):
    """Turns words into pieces and indices.

    A character that training did not show is replaced by known ones that are
    near (`sb_sma.data.spelling`), which is counted in ``fallbacks``
    and logged once per character, unless only its case changes. Where training
    has several languages, a token of the language, such as ``<eng_us>``, comes
    first.

    Arguments
    ---------
    decompose : bool
        Whether letters are taken apart (Unicode's NFD): syllables of Hangul
        into their letters, é into e and an accent.
    backwards : bool
        Whether `encode` gives the last piece first.

    Attributes
    ----------
    kind : str
        The YAML word of the class.
    languages : list of str
        Codes of the training words, sorted; empty if they have none.
    fallbacks : collections.Counter
        How often each unknown character was replaced.
    """

    kind: str

    def __init__(self, decompose: bool = False, backwards: bool = False):
        self.decompose = decompose
        self.backwards = backwards
        self.languages: list[str] = []
        self.fallbacks: Counter[str] = Counter()
        self._characters: frozenset[str] = frozenset()
        self._table = TokenTable([])

    def __len__(self) -> int:
        return len(self._table)

    @property
    def symbols(self) -> list[str]:
        """Language tokens, then pieces; index 2 is the first."""
        return self._table.symbols

    def fit(
        self,
        words: Sequence[str],
        languages: Sequence[str | None] | None = None,
    ) -> None:
        """Learn the pieces.

        Arguments
        ---------
        words : sequence of str
            The training words, used as they are spelled; what is frequent
            among them becomes a piece.
        languages : sequence of str or None, optional
            Code of each word's language.

        Raises
        ------
        ValueError
            If there are no words, or if only some have a language.
        """
        languages = [None] * len(words) if languages is None else languages
        if not words or len(words) != len(languages):
            raise ValueError(
                "words must hold at least one word and languages as many "
                f"codes; got {len(words)} and {len(languages)}. Pass the "
                "training split's."
            )
        if None in languages and set(languages) != {None}:
            raise ValueError(
                "languages must name the language of every word or of none; "
                f"got {list(languages).count(None)} of {len(words)} without. "
                "Add the missing codes."
            )
        words = [self._normalised(word) for word in words]
        units = self._fit_units(words)
        self._set_up(set(languages) - {None}, set().union(*words), units)

    def pieces(self, word: str) -> list[str]:
        """Cut a word into pieces.

        Arguments
        ---------
        word : str
            At most 100 characters.

        Returns
        -------
        list of str
            Known pieces from the first on, without the language token.

        Raises
        ------
        ValueError
            If the word is too long, has no letter or known digit, or has a
            character that is neither known nor near a known one.
        """
        if not self._characters:
            raise ValueError(
                "The tokenizer must be fitted or loaded first; got neither."
            )
        _refuse_silent(word, word)
        if len(word) > MAX_WORD_LENGTH:
            raise ValueError(
                f"A word must have at most {MAX_WORD_LENGTH} characters; got "
                f"{len(word)}: {word[:20]!r}... Leave it out or cut it."
            )
        spelled = self._normalised(word)
        if not self._characters.issuperset(spelled):
            spelled = "".join(self._spell(c, word) for c in clusters(spelled))
            _refuse_silent(spelled, word)
        return self._cut(spelled)

    def encode(self, word: str, language: str | None = None) -> list[int]:
        """Turn a word into indices.

        Arguments
        ---------
        word : str
            At most 100 characters.
        language : str, optional
            Its code; needed where training has several languages.

        Returns
        -------
        list of int
            One index per piece, that of the language before them.

        Raises
        ------
        ValueError
            As `pieces`, or if the language is unknown.
        """
        self.check_language(language)
        is_needed = len(self.languages) > 1
        first = [_language_token(language)] if is_needed else []
        pieces = self.pieces(word)
        if self.backwards:
            pieces.reverse()
        return self._table.encode(first + pieces)

    def check_language(self, language: str | None) -> None:
        """Refuse a language that training lacks.

        Arguments
        ---------
        language : str, optional
            A code; needed where training has several languages.

        Raises
        ------
        ValueError
            If the language is unknown, or needed and missing.
        """
        is_needed = len(self.languages) > 1
        if language not in self.languages and (is_needed or language):
            raise ValueError(
                "language must be one that the tokenizer was fitted with "
                f"({', '.join(self.languages) or 'none'}); got "
                f"{repr(language) if language else 'none'}. "
                + ("Name one." if is_needed else "Leave it out.")
            )

    def decode(self, indices: Iterable[int]) -> list[str]:
        """Name what `encode` returned.

        Arguments
        ---------
        indices : iterable of int
            Of pieces and language tokens.

        Returns
        -------
        list of str
            One symbol per index.
        """
        return [self._table.symbols[index - _FIRST] for index in indices]

    def content(self) -> dict[str, Any]:
        """Tell all that the tokenizer has learned.

        Returns
        -------
        dict
            What JSON can hold.
        """
        return {
            "kind": self.kind,
            "decompose": self.decompose,
            "backwards": self.backwards,
            "languages": self.languages,
            "characters": sorted(self._characters),
            "units": self._units_to_json(),
        }

    def save(self, path: str | Path) -> None:
        """Write the tokenizer.

        Arguments
        ---------
        path : str or Path
            The file.
        """
        write_json(Path(path), self.content())

    def load(self, path: str | Path, end_of_epoch: bool = False) -> None:
        """Become the tokenizer that was saved.

        Arguments
        ---------
        path : str or Path
            What `save` was given.
        end_of_epoch : bool
            Of SpeechBrain's checkpoints; makes no difference.

        Raises
        ------
        ValueError
            If the file is damaged, or holds another kind of tokenizer, or this
            one has learnt something else.
        """
        try:
            content = read_json(path)
            # files of before there was a choice
            self.restore({"backwards": False, **content}, path)
        # what a damaged file raises may be of any kind
        except Exception as error:
            if isinstance(error, OSError) or str(path) in str(error):
                raise
            raise ValueError(
                f"{path} must hold a tokenizer that was saved; it cannot be "
                f"read ({type(error).__name__}: {error}). Copy it or export "
                "the model again."
            ) from error

    def restore(self, content: dict[str, Any], source: str | Path) -> None:
        """Become the tokenizer that told its content.

        Arguments
        ---------
        content : dict
            What `content` returned.
        source : str or Path
            Where it is from, for errors.

        Raises
        ------
        ValueError
            If it is another kind of tokenizer, or this one has learnt
            something else.
        """
        if content["kind"] != self.kind:
            raise ValueError(
                f"{source} must hold a tokenizer of the kind {self.kind}; got "
                f"{content['kind']}. Choose that one, or start a new run."
            )
        if self._characters and self.content() != content:
            raise ValueError(
                f"{source} must hold what this tokenizer has learnt; it was "
                "made with other words, pieces, hints or backwards. Give the "
                "settings and data of before, or start a new run in another "
                "output_folder."
            )
        for key, (called, is_sound) in _CONTENT.items():
            if not is_sound(content[key]):
                raise ValueError(
                    f"{source} must have {called} as {key}; got "
                    f"{content[key]!r:.80}. Copy it or export the model again."
                )
        self.decompose = content["decompose"]
        self.backwards = content["backwards"]
        characters = set(content["characters"])
        units = self._units_from_json(content["units"], characters)
        self._set_up(content["languages"], characters, units)

    @abstractmethod
    def _fit_units(self, words: Sequence[str]) -> list[str]:
        """Learn the pieces and returns them."""

    @abstractmethod
    def _cut(self, word: str) -> list[str]:
        """Cut a word of known characters."""

    @abstractmethod
    def _units_to_json(self) -> Any:
        """Return what the characters do not tell."""

    @abstractmethod
    def _units_from_json(self, content: Any, characters: set[str]) -> list[str]:
        """Take it back, and return the pieces."""

    def _set_up(
        self,
        languages: Iterable[str],
        characters: Iterable[str],
        units: list[str],
    ) -> None:
        self.languages = sorted(languages)
        self._characters = frozenset(characters)
        several = self.languages if len(self.languages) > 1 else []
        self._table = TokenTable([*map(_language_token, several), *units])

    def _normalised(self, word: str) -> str:
        return unicodedata.normalize("NFD", word) if self.decompose else word

    def _spell(self, cluster: str, word: str) -> str:
        spelling = nearest_spelling(cluster, self._characters)
        if spelling is None:
            known = "".join(sorted(self._characters))
            raise ValueError(
                f"The word {word!r} has {cluster!r}, which is neither among "
                "the training characters nor near one. Leave the word out, "
                f"or spell it with {known[:60]}{'...' * (len(known) > 60)}"
            )
        if spelling not in (cluster, cluster.casefold()):
            if cluster not in self.fallbacks:
                is_read = f"read as {spelling!r}" if spelling else "left out"
                logger.warning(
                    "Training has no %r; it is %s.", cluster, is_read
                )
            self.fallbacks[cluster] += 1
        return spelling


def _refuse_silent(spelled: str, word: str) -> None:
    if not is_speakable(spelled):
        raise ValueError(
            f"A word must have a letter; got {word!r}. Leave it out."
        )


def _language_token(language: str) -> str:
    return f"<{language}>"
