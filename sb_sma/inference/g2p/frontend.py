"""The text front end that says words by a lexicon and a trained G2P model."""

import hashlib
import shutil
import threading
import unicodedata
from collections.abc import Collection, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from sb_sma.data.corpus.digests import sha256_of
from sb_sma.data.lexicon.cmudict import Cmudict, find_cmudict
from sb_sma.data.lexicon.content import plain_name, read_content
from sb_sma.data.lexicon.read import read_pronunciations
from sb_sma.data.notation import (
    ARPABET,
    ARPABET_PHONEMES,
    find_notation,
    strip_stress,
)
from sb_sma.data.text.frontends import Frontend, Node
from sb_sma.data.text.pronounce import Pronouncer
from sb_sma.inference.g2p.interface import G2P

Lexicon = Mapping[str, tuple[tuple[str, ...], ...]]

CMUDICT, NO_LEXICON = "cmudict", "none"
_MODEL_FOLDER = "g2p"
_MODEL_FILES = ("hyperparams.yaml", "model.safetensors", "graphemes.json")


class G2PFrontend(Frontend):
    """Phonemes of English: of the lexicon, of the model for unknown words.

    Lexicon and model are loaded when the first text is read. Whether vowels
    have stress is the model's choice: the lexicon's is stripped where the
    model has none.

    Arguments
    ---------
    source : str or Path
        Folder of an exported G2P model.
    lexicon : str or Path
        A file in the phonemes of the model, as `read_pronunciations` takes it;
        cmudict, the dictionary that comes with the package; or none, with which
        the model says every word.

    Raises
    ------
    ValueError
        If there is no word for the lexicon.

    Example
    -------
    >>> frontend = G2PFrontend("results/g2p/cmudict/SMA/model")
    >>> frontend.tokens("Hello.")
    Traceback (most recent call last):
    ...
    ValueError: g2p_model must be the folder of an exported G2P model; results/g2p/cmudict/SMA/model holds no hyperparams.yaml. Train one with: python train.py hparams/g2p.yaml, and give the folder model of its results.
    """

    def __init__(
        self,
        source: str | Path,
        lexicon: str | Path = CMUDICT,
    ):
        self.source = Path(source).expanduser()
        if lexicon is None:
            raise ValueError(
                "lexicon (g2p_lexicon in the YAML) must be a file, cmudict or "
                "none; got null. Write none for no lexicon."
            )
        self.lexicon = lexicon
        # not an argument: the YAML of a folder must not say so itself
        self.trusted: bool | Collection[str] = False
        self._pronouncer: Pronouncer | None = None
        self._lock = threading.Lock()

    def __reduce__(self):
        # another process loads the model itself
        arguments = self.source, self.lexicon
        return type(self), arguments, {"trusted": self.trusted}

    def tokens(self, text: str) -> list[str]:
        """Turn a text into phonemes; see `Pronouncer`.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        tokens : list of str
            Phonemes, pauses and the end.

        Raises
        ------
        ValueError
            If the text cannot be read, or there is no model.
        """
        return self._loaded().tokens(text)

    def words(self, text: str) -> list[tuple[str, list[str]]]:
        """Tell which phonemes belong to which word; see `Pronouncer`.

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
            If the text cannot be read, or there is no model.
        """
        return self._loaded().words(text)

    def identity(self) -> dict[str, Any]:
        """Tell all that the tokens depend on.

        Returns
        -------
        identity : dict
            The name, and hashes of the model's files and of the lexicon.

        Raises
        ------
        ValueError
            If there is no model or lexicon.
        """
        self.check_files()
        path = self._lexicon_path()
        return {
            "name": "g2p",
            "model_sha256": {
                str(path.relative_to(self.source)): sha256_of(path)
                for path in sorted(self.source.rglob("*"))
                if path.is_file()
            },
            "lexicon_sha256": path
            and hashlib.sha256(read_content(path)).hexdigest(),
        }

    def export(self, folder: Path) -> Node:
        """Copy the G2P model and the lexicon into the folder of a model.

        Arguments
        ---------
        folder : Path
            Of the exported TTS model.

        Returns
        -------
        node : (str, dict)
            Class and keyword arguments; call `locate` on what they build.

        Raises
        ------
        ValueError
            If there is no model or lexicon.
        """
        self.check_files()
        shutil.copytree(self.source, folder / _MODEL_FOLDER)
        arguments = {"source": _MODEL_FOLDER, "lexicon": NO_LEXICON}
        path = self._lexicon_path()
        if path is not None:
            arguments["lexicon"] = f"lexicon{Path(plain_name(path)).suffix}"
            content = read_content(path)
            (folder / arguments["lexicon"]).write_bytes(content)
        return type(self), arguments

    def check_inside(self) -> None:
        """Refuse files that are not in the folder of the model.

        Raises
        ------
        ValueError
            If a name leads out of it.
        """
        for path in (self.source, Path(self.lexicon)):
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(
                    "the files of frontend: g2p must lie in the folder of the "
                    f"model; got {path}. Export the model again."
                )

    def locate(self, folder: str | Path) -> "G2PFrontend":
        """Find the files whose names are relative to a folder.

        Arguments
        ---------
        folder : str or Path
            Of the exported TTS model.

        Returns
        -------
        frontend : G2PFrontend
            One with absolute names.

        Raises
        ------
        ValueError
            If a file is missing.
        """
        folder = Path(folder).absolute()
        lexicon = self.lexicon
        if lexicon not in (CMUDICT, NO_LEXICON):
            lexicon = folder / lexicon
        located = G2PFrontend(folder / self.source, lexicon)
        located.trusted = self.trusted
        located.check_files()
        return located

    def check(self) -> None:
        """Load model and lexicon, and refuse what does not fit together.

        Raises
        ------
        ValueError
            If a file is missing, the model reads several languages, or the
            lexicon has other phonemes.
        """
        self._loaded()

    def check_files(self) -> None:
        """Refuse a folder that holds no model, and a missing lexicon.

        Raises
        ------
        ValueError
            If a file is missing.
        """
        for name in _MODEL_FILES:
            if not (self.source / name).is_file():
                raise ValueError(
                    "g2p_model must be the folder of an exported G2P model; "
                    f"{self.source} holds no {name}. Train one with: python "
                    "train.py hparams/g2p.yaml, and give the folder model of "
                    "its results."
                )
        path = self._lexicon_path()
        if path is not None and not path.is_file():
            raise ValueError(
                "lexicon (g2p_lexicon in the YAML) must be a file, cmudict or "
                f"none; there is no {path}. Give another."
            )

    def _lexicon_path(self) -> Path | None:
        if self.lexicon == NO_LEXICON:
            return None
        if self.lexicon == CMUDICT:
            return find_cmudict()
        return Path(self.lexicon).expanduser()

    def _read_lexicon(self) -> Lexicon:
        if self.lexicon == CMUDICT:
            return Cmudict()
        path = self._lexicon_path()
        return {} if path is None else read_pronunciations(path)

    def _loaded(self) -> Pronouncer:
        with self._lock:
            if self._pronouncer is None:
                self._pronouncer = self._load()
        return self._pronouncer

    def _load(self) -> Pronouncer:
        self.check_files()
        lexicon = self._read_lexicon()
        g2p = G2P.from_hparams(source=str(self.source), trusted=self.trusted)
        symbols = g2p.hparams.phonemes.symbols
        if not all(unicodedata.is_normalized("NFC", each) for each in symbols):
            lexicon = _spelled_as(symbols, lexicon)
        languages = g2p.hparams.grapheme_tokenizer.languages
        if len(languages) > 1:
            raise ValueError(
                "g2p_model must read English and nothing else; "
                f"{self.source} reads {', '.join(languages)}. Train one of a "
                "single language."
            )
        known = frozenset(strip_stress(symbols))
        notation = find_notation(known)
        if notation is ARPABET:
            known |= ARPABET_PHONEMES
        said = _phonemes_of(lexicon)
        if not said <= known:
            raise ValueError(
                "lexicon (g2p_lexicon in the YAML) must have the phonemes of "
                f"g2p_model; {self.lexicon} has "
                f"{', '.join(sorted(said - known)[:5])}, which {self.source} "
                "lacks. Give a lexicon in its phonemes, or none."
            )
        has_stress = tuple(symbols) != strip_stress(symbols)

        def predict(words: list[str]) -> list[list[str]]:
            """Pronounce words."""
            # an error names the word alone: its number is none of the text's
            found = g2p.decode([g2p.encode(word) for word in words])
            return [each[0].phonemes for each in found]

        return Pronouncer(lexicon, predict, has_stress, notation)


def _phonemes_of(lexicon: Lexicon) -> Set[str]:
    """Tell the phonemes of first pronunciations, without stress."""
    if isinstance(lexicon, Cmudict):
        return ARPABET_PHONEMES
    return {
        phoneme
        for pronunciations in lexicon.values()
        for phoneme in strip_stress(pronunciations[0])
    }


def _spelled_as(symbols: Sequence[str], lexicon: Lexicon) -> Lexicon:
    """Write the phonemes of a lexicon, which are composed, as a model does."""
    own = {unicodedata.normalize("NFC", symbol): symbol for symbol in symbols}
    return {
        word: tuple(
            tuple(own.get(phoneme, phoneme) for phoneme in phonemes)
            for phonemes in pronunciations
        )
        for word, pronunciations in lexicon.items()
    }
