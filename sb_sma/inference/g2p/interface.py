"""Grapheme-to-phoneme conversion with a trained model."""

import copy
import logging
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import torch

from sb_sma.data.lexicon.base_tokenizer import GraphemeTokenizer
from sb_sma.data.phonemes import PhonemeTable
from sb_sma.inference.arguments import (
    check_count,
    check_indices,
    check_pronunciations,
)
from sb_sma.inference.exported_names import PRONOUNCING
from sb_sma.inference.g2p.batches import (
    Batch,
    check_candidates,
    make_batches,
    pad,
)
from sb_sma.inference.g2p.lexicon_first import (
    ENGLISH,
    LexiconG2P,
    find_packaged,
)
from sb_sma.inference.g2p.likeness import find_differences, members_of
from sb_sma.inference.g2p.pronouncer import Pronouncer
from sb_sma.inference.g2p.pronunciation import Pronunciation
from sb_sma.inference.load_exported import ExportedModel
from sb_sma.inference.threads import map_in_threads
from sb_sma.models.g2p.beam_search import beam_search
from sb_sma.models.g2p.ensemble import Ensemble
from sb_sma.models.g2p.hypothesis import BeamSettings, Hypothesis

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class G2P(Pronouncer, ExportedModel):
    """Pronounces words with the model that a training run exported.

    Arguments
    ---------
    *args, **kwargs
        Those of ``speechbrain.inference.interfaces.Pretrained``; use
        ``G2P.from_hparams(source=DIR)``.
    """

    NAMES_ALLOWED = PRONOUNCING
    MODULES_NEEDED = ["model"]
    HPARAMS_NEEDED = ["grapheme_tokenizer", "phonemes", "beam_settings"]
    KINDS_NEEDED = {
        "grapheme_tokenizer": GraphemeTokenizer,
        "phonemes": PhonemeTable,
        "beam_settings": BeamSettings,
    }

    @classmethod
    def from_hparams(cls, source: str, *args, **kwargs) -> "G2P":
        """Load an exported model.

        Arguments
        ---------
        source : str
            Folder, or repository on a hub.
        *args, **kwargs
            Those of ``speechbrain.inference.interfaces.Pretrained``.

        Returns
        -------
        g2p : G2P
            Ready to pronounce.

        Raises
        ------
        ValueError
            If `source` is a path at which there is no exported model.
        """
        g2p = super().from_hparams(source, *args, **kwargs)
        if g2p is None:  # only fetched
            return None
        if g2p.precision != "fp32":
            # autocast keeps what it has cast of weights with a gradient only
            g2p.mods.requires_grad_(True)
        return g2p

    # as it is called of SpeechBrain's interfaces
    forward = Pronouncer.__call__

    def try_out(self) -> None:
        """Pronounce the last letter."""
        last = len(self.hparams.grapheme_tokenizer) - 1
        ((_, (found,)),) = self._search([[last]], self.hparams.beam_settings, 1)
        self._name(found[0])

    @classmethod
    def pretrained(
        cls, name: str = ENGLISH, lexicon: bool = True
    ) -> "G2P | LexiconG2P":
        """Load a model that comes with the package.

        Arguments
        ---------
        name : str
            en-us, in the phonemes of CMUdict.
        lexicon : bool
            Whether words that CMUdict has are said as it says them.

        Returns
        -------
        g2p : LexiconG2P or G2P
            Ready to pronounce; with the lexicon, the model is loaded when a
            word needs it.

        Raises
        ------
        ValueError
            If there is none of this name.

        Example
        -------
        >>> G2P.pretrained("en-us")(["hello"])
        [['HH', 'AH0', 'L', 'OW1']]
        """
        folder = str(find_packaged(name))

        def load() -> G2P:
            """Load the model."""
            return cls.from_hparams(source=folder)

        return LexiconG2P(load) if lexicon else load()

    def decode(
        self,
        graphemes: Sequence[Sequence[int]],
        n: int = 1,
        beam_size: int | None = None,
    ) -> list[list[Pronunciation]]:
        """Give the best pronunciations of words that `encode` has read.

        Arguments
        ---------
        graphemes : sequence of sequence of int
            Indices of each word.
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
            If a number is below 1, or an index is not in the table.
        """
        check_count("n", n)
        check_count("beam_size", beam_size, or_none=True)
        self._check_graphemes(graphemes)
        settings = self.hparams.beam_settings
        if beam_size is not None:
            settings = replace(settings, beam_size=beam_size)
        if n > settings.beam_size:
            settings = replace(settings, beam_size=n)
        found = {}
        for rows, hypotheses in self._search(graphemes, settings, n):
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
            If one has other graphemes or phonemes, or reads words otherwise,
            or is no model.
        """
        is_list = isinstance(others, Sequence)
        if not is_list or not all(isinstance(each, G2P) for each in others):
            raise ValueError(
                "others must be a list of models, each a G2P; got "
                f"{type(others).__name__}."
            )
        for other in others:
            differences = find_differences(self, other)
            if differences:
                raise ValueError(
                    "models that are joined must read and say words alike; "
                    f"they differ in {'; '.join(differences)}. Take models of "
                    "one lexicon, decompose, backwards and hint_lexicon, or "
                    "combine them by "
                    "sb_sma.inference.g2p.rescoring.CombinedG2P."
                )
        members = [
            member for g2p in (self, *others) for member in members_of(g2p)
        ]
        self.mods.model = Ensemble(members).eval()

    def weigh(
        self,
        graphemes: Sequence[Sequence[int]],
        pronunciations: Sequence[Sequence[Sequence[str]]],
    ) -> list[list[float]]:
        """Say how probable given pronunciations are.

        Arguments
        ---------
        graphemes : sequence of sequence of int
            Indices of each word, as `encode` has read it.
        pronunciations : sequence of sequence of sequence of str
            Phonemes, of any number of pronunciations of each word.

        Returns
        -------
        log_probabilities : list of list of float
            Natural logarithms, that of the end included; minus infinity where
            the model lacks a phoneme.

        Raises
        ------
        ValueError
            If there are not as many lists of pronunciations as words, or one
            has anything but strings.
        """
        self._check_graphemes(graphemes)
        check_pronunciations(pronunciations)
        check_candidates(graphemes, pronunciations)
        table = self.hparams.phonemes
        pairs, places = [], []
        weighed = [[-math.inf] * len(each) for each in pronunciations]
        for word, (letters, several) in enumerate(
            zip(graphemes, pronunciations)
        ):
            for number, phonemes in enumerate(several):
                if all(phoneme in table for phoneme in phonemes):
                    pairs.append((letters, table.encode(phonemes)))
                    places.append((word, number))

        def follow(batch: Batch) -> tuple[list[int], list[float]]:
            """Score the pairs of a batch."""
            phonemes = pad([pairs[row][1] for row in batch.rows])
            phonemes = phonemes.to(self.device)
            with torch.no_grad(), copy.deepcopy(self.inference_ctx):
                log_probs = self.mods.model.weigh(
                    batch.graphemes.to(self.device),
                    batch.lengths.to(self.device),
                    phonemes,
                )
            said = log_probs.gather(2, phonemes[..., None])[..., 0]
            said = said.masked_fill(phonemes == 0, 0.0)
            return batch.rows, said.double().sum(dim=1).tolist()

        for rows, found in self._map(follow, [letters for letters, _ in pairs]):
            for row, log_probability in zip(rows, found):
                word, number = places[row]
                weighed[word][number] = log_probability
        return weighed

    @property
    def fallbacks(self) -> Counter:
        """How often each letter that training lacks was replaced."""
        return self.hparams.grapheme_tokenizer.fallbacks

    def check_language(self, language: str | None) -> None:
        """Refuse a language that the model lacks.

        Arguments
        ---------
        language : str, optional
            As of a call.

        Raises
        ------
        ValueError
            If the model lacks it, or needs one.
        """
        if not isinstance(language, (str, type(None))):
            raise ValueError(
                f"language must be a string, or None; got {language!r:.80}."
            )
        self.hparams.grapheme_tokenizer.check_language(language)

    def encode(self, word: str, language: str | None = None) -> list[int]:
        """Look the letters of a word up.

        Arguments
        ---------
        word : str
            The word.
        language : str, optional
            As of a call.

        Returns
        -------
        indices : list of int
            Of the grapheme table.

        Raises
        ------
        ValueError
            If the model cannot read the word.
        """
        if not isinstance(word, str):
            raise ValueError(f"word must be a string; got {word!r:.80}.")
        self.check_language(language)
        return self.hparams.grapheme_tokenizer.encode(word, language)

    def _check_graphemes(self, graphemes: Sequence[Sequence[int]]) -> None:
        """Refuse what `encode` never gives."""
        n_graphemes = len(self.hparams.grapheme_tokenizer)
        check_indices("graphemes", graphemes, n_graphemes)

    def _search(
        self, graphemes: Sequence[Sequence[int]], settings: BeamSettings, n: int
    ) -> list[tuple[list[int], list[list[Hypothesis]]]]:
        """Search in batches; returns the rows of each, and what was found."""

        def search(batch: Batch) -> tuple[list[int], list[list[Hypothesis]]]:
            """Search the hypotheses of a batch."""
            # a context is of one thread
            with copy.deepcopy(self.inference_ctx):
                hypotheses = beam_search(
                    self.mods.model,
                    batch.graphemes.to(self.device),
                    batch.lengths.to(self.device),
                    settings,
                    n_best=n,
                )
            return batch.rows, hypotheses

        return self._map(search, graphemes)

    def _map(
        self,
        function: Callable[[Batch], Result],
        graphemes: Sequence[Sequence[int]],
    ) -> list[Result]:
        """Call a function for batches of words, on all cores."""
        if torch.device(self.device).type != "cpu":
            return [function(batch) for batch in make_batches(graphemes, 1)]
        n_threads = torch.get_num_threads()
        batches = make_batches(graphemes, n_threads)
        if min(n_threads, len(batches)) > 1:
            # threads must find the tables of positions made
            _, words, lengths = batches[0]
            with torch.no_grad(), self.inference_ctx:
                self.mods.model.start(words[:1], lengths[:1], max_steps=1)
        return map_in_threads(function, batches)

    def _name(self, hypothesis: Hypothesis) -> Pronunciation:
        """Return a hypothesis with symbols instead of indices."""
        return Pronunciation(
            self.hparams.phonemes.decode(hypothesis.tokens),
            hypothesis.log_probability,
            hypothesis.finished,
        )
