"""Grapheme-to-phoneme conversion with a trained model."""

import logging
from collections import Counter
from dataclasses import dataclass, replace
from typing import Iterator, List, Optional, Sequence, Tuple

import torch
from speechbrain.inference.interfaces import Pretrained

from sb_sma.models.beam_search import beam_search
from sb_sma.models.ensemble import Ensemble

logger = logging.getLogger(__name__)

_BATCH_WORDS = 256


@dataclass(frozen=True)
class Pronunciation:
    """One way to say a word.

    Arguments
    ---------
    phonemes : list of str
        Symbols of the training lexicon.
    log_probability : float
        Natural logarithm of the model's probability.
    finished : bool
        Whether the word ended by itself, and not at the limit of its length.
    """

    phonemes: List[str]
    log_probability: float
    finished: bool


class G2P(Pretrained):
    """Pronounces words with the model that a training run exported.

    Arguments
    ---------
    *args, **kwargs
        Those of ``speechbrain.inference.interfaces.Pretrained``; use
        ``G2P.from_hparams(source=DIR)``.
    """

    MODULES_NEEDED = ["model"]
    HPARAMS_NEEDED = ["grapheme_tokenizer", "phonemes", "beam_settings"]

    def forward(
        self,
        words: Sequence[str],
        language: Optional[str] = None,
        beam_size: Optional[int] = None,
    ) -> List[List[str]]:
        """Give the best pronunciation of each word.

        Arguments
        ---------
        words : sequence of str
            Any number of words.
        language : str, optional
            Of the words; needed by a model of several languages.
        beam_size : int, optional
            Hypotheses per word; 1 is greedy. Default: what the model was
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
        return [hypotheses[0].phonemes for hypotheses in best]

    def n_best(
        self,
        words: Sequence[str],
        n: int,
        language: Optional[str] = None,
        beam_size: Optional[int] = None,
    ) -> List[List[Pronunciation]]:
        """Give the best pronunciations of each word.

        Arguments
        ---------
        words : sequence of str
            Any number of words.
        n : int
            Pronunciations per word; the beam is at least as wide.
        language : str, optional
            As in `forward`.
        beam_size : int, optional
            As in `forward`.

        Returns
        -------
        pronunciations : list of list of Pronunciation
            Of each word at most `n`, the best first.

        Raises
        ------
        ValueError
            If a word cannot be read, or a number is below 1.
        """
        return self.decode(self._read(words, language), n, beam_size)

    def decode(
        self,
        graphemes: Sequence[Sequence[int]],
        n: int = 1,
        beam_size: Optional[int] = None,
    ) -> List[List[Pronunciation]]:
        """Give the best pronunciations of words that `encode` has read.

        Arguments
        ---------
        graphemes : sequence of sequence of int
            Indices of each word.
        n : int
            As in `n_best`.
        beam_size : int, optional
            As in `forward`.

        Returns
        -------
        pronunciations : list of list of Pronunciation
            Of each word at most `n`, the best first.

        Raises
        ------
        ValueError
            If a number is below 1.
        """
        settings = self.hparams.beam_settings
        if beam_size is not None:
            settings = replace(settings, beam_size=beam_size)
        if n > settings.beam_size:
            settings = replace(settings, beam_size=n)
        found = {}
        for rows, padded, lengths in _batches(graphemes):
            with self.inference_ctx:
                hypotheses = beam_search(
                    self.mods.model,
                    padded.to(self.device),
                    lengths.to(self.device),
                    settings,
                    n_best=n,
                )
            found.update(zip(rows, hypotheses))
        n_endless = sum(not each[0].finished for each in found.values())
        if n_endless:
            logger.warning(
                "%d of %d words did not end by themselves; they were cut off.",
                n_endless,
                len(found),
            )
        return [
            [self._name(hypothesis) for hypothesis in found[row]]
            for row in range(len(graphemes))
        ]

    def join(self, others: Sequence["G2P"]) -> None:
        """Ask other models, too: pronunciations are then those of all.

        Arguments
        ---------
        others : sequence of G2P
            Trained on the same lexicon, such as with other seeds.

        Raises
        ------
        ValueError
            If one has other graphemes or phonemes.
        """
        for other in others:
            for table in ("grapheme_tokenizer", "phonemes"):
                own, its = (
                    getattr(g2p.hparams, table).symbols for g2p in (self, other)
                )
                if own != its:
                    raise ValueError(
                        "models that are asked together must have the same "
                        f"symbols; got {len(own)} and {len(its)} of the "
                        f"{table}. Take models of one lexicon."
                    )
        members = [
            member
            for g2p in (self, *others)
            for member in getattr(g2p.mods.model, "models", [g2p.mods.model])
        ]
        self.mods.model = Ensemble(members).eval()

    @property
    def fallbacks(self) -> Counter:
        """How often each letter that training lacks was replaced."""
        return self.hparams.grapheme_tokenizer.fallbacks

    def check_language(self, language: Optional[str]) -> None:
        """Refuse a language that the model lacks.

        Arguments
        ---------
        language : str, optional
            As in `forward`.

        Raises
        ------
        ValueError
            If the model lacks it, or needs one.
        """
        self.hparams.grapheme_tokenizer.check_language(language)

    def encode(self, word: str, language: Optional[str] = None) -> List[int]:
        """Look the letters of a word up.

        Arguments
        ---------
        word : str
            The word.
        language : str, optional
            As in `forward`.

        Returns
        -------
        indices : list of int
            Of the grapheme table.

        Raises
        ------
        ValueError
            If the model cannot read the word.
        """
        return self.hparams.grapheme_tokenizer.encode(word, language)

    def _read(
        self, words: Sequence[str], language: Optional[str]
    ) -> List[List[int]]:
        """All words as indices; an error says which word it was."""
        if isinstance(words, str):
            raise ValueError(
                f"words must be a list of words; got the string {words!r:.80}."
                " Put a single word into a list."
            )
        read = []
        for number, word in enumerate(words, start=1):
            try:
                read.append(self.encode(word, language))
            except ValueError as error:
                raise ValueError(f"word {number}: {error}") from error
        return read

    def _name(self, hypothesis) -> Pronunciation:
        """A hypothesis with symbols instead of indices."""
        return Pronunciation(
            self.hparams.phonemes.decode(hypothesis.tokens),
            hypothesis.log_probability,
            hypothesis.finished,
        )


def _batches(
    read: Sequence[Sequence[int]],
) -> Iterator[Tuple[List[int], torch.Tensor, torch.Tensor]]:
    """Rows, padded indices and lengths of words of similar length."""
    order = sorted(range(len(read)), key=lambda row: len(read[row]))
    for start in range(0, len(order), _BATCH_WORDS):
        rows = order[start : start + _BATCH_WORDS]
        items = [torch.tensor(read[row]) for row in rows]
        yield (
            rows,
            torch.nn.utils.rnn.pad_sequence(items, batch_first=True),
            torch.tensor([len(item) for item in items]),
        )
