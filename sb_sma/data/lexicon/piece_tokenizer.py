"""Words as pieces that SentencePiece finds."""

import base64
import io
import re
from collections.abc import Sequence
from typing import Annotated, Any

from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from sb_sma.data.lexicon.base_tokenizer import GraphemeTokenizer

MODEL_TYPES = ("unigram", "bpe")


class SentencePieceTokenizer(GraphemeTokenizer):
    """Pieces of several characters, which SentencePiece finds.

    The same words in the same order give the same pieces. A space within a
    word is written ▁. A piece that no training word is cut into, as BPE has
    some on the way to longer ones, is cut into its characters: a model would
    not know it.

    Arguments
    ---------
    model_type : str
        unigram or bpe.
    vocab_size : int
        Number of pieces; at least the characters of the training words.
    decompose : bool
        Whether letters are taken apart (Unicode's NFD).
    mark_start : bool
        Whether a word begins with ▁, alone or in a piece; one more character.
    backwards : bool
        Whether `encode` gives the last piece first.

    Raises
    ------
    ValueError
        If an argument is out of its bounds.

    Example
    -------
    >>> tokenizer = SentencePieceTokenizer("bpe", vocab_size=5)
    >>> tokenizer.fit(["banana", "ban", "nab"])
    >>> tokenizer.pieces("bananaban")
    ['ban', 'an', 'a', 'ban']
    """

    kind = "sentencepiece"

    def __init__(
        self,
        model_type: Annotated[str, MODEL_TYPES] = "unigram",
        vocab_size: int = 200,
        decompose: bool = False,
        mark_start: bool = False,
        backwards: bool = False,
    ):
        super().__init__(decompose, backwards)
        if model_type not in MODEL_TYPES:
            raise ValueError(
                f"model_type must be one of {', '.join(MODEL_TYPES)}; got "
                f"{model_type!r}."
            )
        is_count = isinstance(vocab_size, int) and vocab_size > 0
        if not is_count or isinstance(vocab_size, bool):
            raise ValueError(
                "vocab_size (sentencepiece_size in the YAML) must be a number "
                f"of pieces, 1 or more; got {vocab_size!r}."
            )
        self.model_type = model_type
        self.vocab_size = vocab_size
        self.mark_start = mark_start
        self._processor = SentencePieceProcessor()
        self._unused: frozenset[str] = frozenset()

    def _fit_units(self, words: Sequence[str]) -> list[str]:
        n_characters = len(set().union(*words)) + self.mark_start
        if self.vocab_size < n_characters:
            raise ValueError(
                "vocab_size must be at least the number of characters, "
                f"{n_characters}; got {self.vocab_size}. Raise it "
                "(sentencepiece_size in the YAML)."
            )
        model = io.BytesIO()
        try:
            SentencePieceTrainer.train(
                sentence_iterator=iter(words),
                model_writer=model,
                model_type=self.model_type,
                # the unknown piece, which cannot be left out
                vocab_size=self.vocab_size + 1,
                character_coverage=1.0,
                normalization_rule_name="identity",
                add_dummy_prefix=self.mark_start,
                remove_extra_whitespaces=False,
                bos_id=-1,
                eos_id=-1,
                # several threads may add up in another order
                num_threads=1,
                minloglevel=4,
            )
        except RuntimeError as error:
            most = re.search(r"value <= (\d+)", str(error))
            if not most:
                raise
            raise ValueError(
                "vocab_size must be at most what the training words give, "
                f"{int(most[1]) - 1}; got {self.vocab_size}. Lower it "
                "(sentencepiece_size in the YAML)."
            ) from error
        units = self._set_model(model.getvalue())
        self._unused = frozenset(units).difference(*map(self._split, {*words}))
        return units

    def _cut(self, word: str) -> list[str]:
        pieces = []
        for piece in self._split(word):
            pieces += piece if piece in self._unused else [piece]
        return pieces

    def _split(self, word: str) -> list[str]:
        try:
            return self._processor.encode(word, out_type=str)
        except RuntimeError as error:
            raise ValueError(
                f"the sentencepiece model cannot split {word!r:.80} ({error}). "
                "Copy it or train it again."
            ) from error

    def _units_to_json(self) -> dict[str, Any]:
        model = self._processor.serialized_model_proto()
        return {
            "model": base64.b64encode(model).decode("ascii"),
            "unused": sorted(self._unused),
        }

    def _units_from_json(
        self, content: dict[str, Any], characters: set[str]
    ) -> list[str]:
        self._unused = frozenset(content["unused"])
        return self._set_model(base64.b64decode(content["model"]))

    def _set_model(self, model: bytes) -> list[str]:
        self._processor = SentencePieceProcessor(model_proto=model)
        return [
            self._processor.id_to_piece(index)
            for index in range(len(self._processor))
            if not self._processor.is_unknown(index)
        ]
