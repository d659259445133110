"""The text front end that cuts words into pieces, by SentencePiece."""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sb_sma.data.espeak.voice import END, PAUSE
from sb_sma.data.lexicon.tokenizers import SentencePieceTokenizer
from sb_sma.data.text.frontends import Frontend, Node, split_words

logger = logging.getLogger(__name__)

_FILE = "sentencepiece.json"


class SentencePieceFrontend(Frontend):
    """Pieces of the words of an English text that is spoken out first.

    The pieces are learned from the training texts, where frequent words count
    more. They are in lower case; that at the start of a word begins with ▁. A
    character that training did not show is replaced as `GraphemeTokenizer`
    does it.

    Arguments
    ---------
    model_type : str
        unigram or bpe.
    vocab_size : int
        Number of pieces, ▁ included; at least the characters of the training
        texts.

    Raises
    ------
    ValueError
        If an argument is out of its bounds.

    Example
    -------
    >>> frontend = SentencePieceFrontend(vocab_size=9)
    >>> texts = ["The cat, the hat, the heat", "A tea at the chat"]
    >>> frontend.fit(texts).tokens("At the, eh, heath.")
    ['▁', 'at', '▁t', 'he', '<pause>', '▁', 'e', 'h', '<pause>', '▁', 'he', 'at', 'h', '<end>']
    """

    def __init__(self, model_type: str = "unigram", vocab_size: int = 100):
        self.model_type = model_type
        self.vocab_size = vocab_size
        self._tokenizer = SentencePieceTokenizer(
            model_type, vocab_size, mark_start=True
        )

    def tokens(self, text: str) -> list[str]:
        """Turn a text into pieces.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of str
            Pieces, ``PAUSE``, and a final ``END``.

        Raises
        ------
        ValueError
            If the text has nothing to say, letters that are not Latin, or a
            character that is neither known nor near a known one; or if nothing
            is learned yet.
        """
        tokens = []
        for word, pauses in split_words(text):
            tokens += self._tokenizer.pieces(word.lower())
            tokens += [PAUSE] * pauses
        return [*tokens, END]

    def words(self, text: str) -> list[tuple[str, list[str]]]:
        """Tell which pieces belong to which word.

        Arguments
        ---------
        text : str
            At least one letter or digit.

        Returns
        -------
        list of (str, list of str)
            Each word as it is spoken out, and its pieces.
        """
        return [
            (word, self._tokenizer.pieces(word.lower()))
            for word, _ in split_words(text)
        ]

    def identity(self) -> dict[str, Any]:
        """Tell all that the tokens depend on.

        Returns
        -------
        dict
            The name and the arguments; once fitted, a hash of what is learned.
        """
        identity = {
            "name": "sentencepiece",
            "model_type": self.model_type,
            "vocab_size": self.vocab_size,
        }
        if self._tokenizer.symbols:
            content = json.dumps(self._tokenizer.content())
            learned = hashlib.sha256(content.encode()).hexdigest()
            identity["learned_sha256"] = learned
        return identity

    def export(self, folder: Path) -> Node:
        """Write what is learned into the folder of a model.

        Arguments
        ---------
        folder : Path
            Of the exported model.

        Returns
        -------
        (type, dict)
            Class and keyword arguments; call `locate` on what they build.
        """
        self.save(folder)
        arguments = {
            "model_type": self.model_type,
            "vocab_size": self.vocab_size,
        }
        return type(self), arguments

    def fit(self, texts: Sequence[str]) -> "SentencePieceFrontend":
        """Learn the pieces.

        Arguments
        ---------
        texts : sequence of str
            Those of the training split; those that cannot be spoken are passed
            over.

        Returns
        -------
        SentencePieceFrontend
            One that is ready to read.

        Raises
        ------
        ValueError
            If no text can be spoken, or if the texts give fewer pieces, or
            have more characters, than ``vocab_size``.
        """
        words = []
        for text in tqdm(texts, desc="Reading the training texts"):
            try:
                words += [word.lower() for word, _ in split_words(text)]
            except ValueError:
                # told with file and line when the utterance is made
                continue
        if not words:
            raise ValueError(
                "frontend: sentencepiece must have a training text that can be "
                f"spoken; got none of {len(texts)}. Mend them: sb-sma check "
                "tells their faults."
            )
        fitted = self._new()
        fitted._tokenizer.fit(words)
        fitted._warn_about_hidden_characters(words)
        return fitted

    def save(self, folder: Path) -> None:
        """Write what is learned.

        Arguments
        ---------
        folder : Path
            Of the corpus.
        """
        self._tokenizer.save(Path(folder) / _FILE)

    def locate(self, folder: str | Path) -> "SentencePieceFrontend":
        """Read what `save` or `export` has written.

        Arguments
        ---------
        folder : str or Path
            Of the corpus, or of the exported model.

        Returns
        -------
        SentencePieceFrontend
            One that is ready to read.

        Raises
        ------
        ValueError
            If there is no such file.
        """
        path = Path(folder) / _FILE
        if not path.is_file():
            raise ValueError(
                f"frontend: sentencepiece must have its pieces in {path}; got "
                "no such file. Give the whole folder that was exported, or "
                "prepare the corpus in another corpus_folder."
            )
        located = self._new()
        located._tokenizer.load(path)
        return located

    def _new(self) -> "SentencePieceFrontend":
        """One with the same arguments that has learned nothing."""
        return SentencePieceFrontend(self.model_type, self.vocab_size)

    def _warn_about_hidden_characters(self, words: Sequence[str]) -> None:
        """Tell of characters that training has in longer pieces alone."""
        used = set().union(*map(self._tokenizer.pieces, {*words}))
        unused = {*self._tokenizer.symbols} - used
        hidden = sorted(piece for piece in unused if len(piece) == 1)
        if hidden:
            logger.warning(
                "No training text has a piece that is only %s; new words that "
                "need one will lack it. A lower sentencepiece_size may help.",
                " or ".join(map(repr, hidden)),
            )
