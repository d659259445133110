"""Pronunciations by ONNX graphs, with numpy and onnxruntime alone.

Words are searched one after the other, as `sb_sma.models.g2p.beam_search` does
it, which describes the steps.
"""

import importlib
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sb_sma.data.phonemes import PhonemeTable
from sb_sma.inference.arguments import check_count, check_indices
from sb_sma.inference.g2p.pronouncer import Pronouncer
from sb_sma.inference.g2p.pronunciation import Pronunciation
from sb_sma.models.g2p.hypothesis import (
    END,
    START,
    BeamSettings,
    Hypothesis,
    make_hypothesis,
)
from sb_sma.onnx.folder import NEXT, PAST, OnnxFolder, OnnxGraph

# those of sb_sma.data.lexicon.tokenizers, without PyTorch
_TOKENIZERS = {
    "characters": ("character_tokenizer", "CharacterTokenizer"),
    "hinted": ("hinted_tokenizer", "HintedTokenizer"),
    "sentencepiece": ("piece_tokenizer", "SentencePieceTokenizer"),
}


class OnnxG2P(Pronouncer):
    """Pronounces words with a model that ``sb-sma export --onnx`` has written.

    Arguments
    ---------
    source : str or Path
        The folder.
    n_threads : int
        Of each graph.

    Raises
    ------
    ImportError
        If there is no onnxruntime.
    ModelFolderError
        If there is no such folder, or it is damaged.
    """

    def __init__(self, source: str | Path, n_threads: int = 1):
        folder = OnnxFolder(source, "g2p", n_threads)

        def make_tokenizer(kind: str, **content: Any) -> Any:
            """Build the tokenizer that was exported."""
            if kind not in _TOKENIZERS:
                raise ValueError(f"kind is one of {', '.join(_TOKENIZERS)}")
            module, name = _TOKENIZERS[kind]
            module = importlib.import_module(f"sb_sma.data.lexicon.{module}")
            arguments = {"lexicon": folder.path} if kind == "hinted" else {}
            tokenizer = getattr(module, name)(**arguments)
            tokenizer.restore({"kind": kind, **content}, folder.path)
            return tokenizer

        self._tokenizer = folder.build("graphemes", make_tokenizer)
        self._phonemes = folder.build("phonemes", PhonemeTable)
        self._settings = folder.build("beam_settings", _make_settings)
        self._window = folder.get("window", int, type(None))
        self._encoder = folder.graph("encoder")
        self._step = folder.graph("step")

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
        graphemes : list of int
            Indices of the grapheme table.

        Raises
        ------
        ValueError
            If the model cannot read the word.
        """
        if not isinstance(word, str):
            raise ValueError(f"word must be a string; got {word!r:.80}.")
        self._tokenizer.check_language(language)
        return self._tokenizer.encode(word, language)

    def decode(
        self,
        graphemes: Sequence[list[int]],
        n: int = 1,
        beam_size: int | None = None,
    ) -> list[list[Pronunciation]]:
        """Give the best pronunciations of words that `encode` has read.

        Arguments
        ---------
        graphemes : sequence of list of int
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
        check_indices("graphemes", graphemes, len(self._tokenizer))
        settings = self._settings
        width = max(n, settings.beam_size if beam_size is None else beam_size)
        settings = replace(settings, beam_size=width)
        return [
            [self._name(found) for found in self._search(each, settings, n)]
            for each in graphemes
        ]

    def _name(self, found: Hypothesis) -> Pronunciation:
        """Return a hypothesis with symbols instead of indices."""
        return Pronunciation(
            self._phonemes.decode(found.tokens),
            found.log_probability,
            found.finished,
        )

    def _search(
        self, graphemes: list[int], settings: BeamSettings, n_best: int
    ) -> list[Hypothesis]:
        """Search the best pronunciations of a word."""
        decoding = _Decoding(self._encoder, self._step, graphemes, self._window)
        limit = settings.max_steps(len(graphemes))
        if settings.beam_size == 1:
            return [_greedy(decoding, settings, limit)]
        return _beam(decoding, settings, limit, n_best)


class _Decoding:
    """A word that is being pronounced."""

    def __init__(
        self,
        encoder: OnnxGraph,
        step: OnnxGraph,
        graphemes: list[int],
        window: int | None,
    ):
        self._step = step
        self._inputs = encoder({"tokens": np.array([graphemes])})
        self._caches = step.caches(window)
        self._changed = [
            name.removeprefix(NEXT)
            for name in step.outputs
            if name.startswith(NEXT) and not name.startswith(NEXT + PAST)
        ]
        self._n_steps = 0

    def weigh(
        self, heard: np.ndarray, run: np.ndarray, settings: BeamSettings
    ) -> np.ndarray:
        """Give the next tokens' log-probabilities, (R, V)."""
        for name, cache in self._caches.items():
            self._inputs[name] = cache.past
        self._inputs["token"] = heard
        self._inputs["step"] = np.array([self._n_steps])
        made = self._step(self._inputs)
        for name, cache in self._caches.items():
            cache.append(made[NEXT + name])
        for name in self._changed:
            self._inputs[name] = made[NEXT + name]
        log_probs = made["log_probs"]
        if self._n_steps == 0:
            log_probs[:, END] = -np.inf
        self._n_steps += 1
        is_long = (run >= settings.max_run).nonzero()[0]
        log_probs[is_long, heard[is_long]] = -np.inf
        return log_probs

    def select_rows(self, rows: np.ndarray) -> None:
        """Go on with some hypotheses, each as often as it is named."""
        for cache in self._caches.values():
            cache.select_rows(rows)
        for name in self._changed:
            self._inputs[name] = self._inputs[name][rows]


def _greedy(
    decoding: _Decoding, settings: BeamSettings, limit: int
) -> Hypothesis:
    """Take the most probable token at every step."""
    heard, run, total = np.array([START]), np.array([0]), 0.0
    tokens: list[int] = []
    while END not in tokens and len(tokens) < limit:
        (log_probs,) = decoding.weigh(heard, run, settings)
        chosen = END + int(log_probs[END:].argmax())
        total += float(log_probs[chosen])
        run = np.where(chosen == heard, run + 1, 1)
        heard = np.array([chosen])
        tokens.append(chosen)
    return make_hypothesis(tokens, total, limit, settings.length_penalty)


def _beam(
    decoding: _Decoding, settings: BeamSettings, limit: int, n_best: int
) -> list[Hypothesis]:
    """Follow several hypotheses."""
    power = settings.length_penalty
    tokens = np.zeros((1, 0), dtype=np.int64)
    heard, run = np.array([START]), np.array([0])
    totals = np.zeros(1)
    ended: list[tuple[float, float, list[int]]] = []
    for step in range(limit):
        log_probs = decoding.weigh(heard, run, settings)
        sums = totals[:, None] + log_probs.astype(np.float64)
        going_on = sums[:, END + 1 :]
        n_tokens = going_on.shape[1]
        best = _highest(going_on.ravel(), settings.beam_size)
        totals_on = going_on.ravel()[best]
        length = (step + 1) ** power
        for row, total in enumerate(sums[:, END]):
            n_better = (sums[:, END] > total).sum() + (totals_on > total).sum()
            if n_better < settings.beam_size and total > -np.inf:
                ended.append((total / length, total, tokens[row].tolist()))
        ended = sorted(ended, key=lambda each: -each[0])[:n_best]
        parents = best // n_tokens
        chosen = best % n_tokens + END + 1
        totals = _without_hopeless(
            totals_on, [total for _, total, _ in ended], n_best, settings
        )
        best_scores = [score for score, _, _ in ended]
        has_all = len(ended) == n_best
        if step + 1 == limit or (
            has_all and best_scores[-1] >= totals[0] / limit**power
        ):
            break
        kept = totals > -np.inf
        kept[0] = True
        parents, chosen, totals = parents[kept], chosen[kept], totals[kept]
        tokens = np.concatenate([tokens[parents], chosen[:, None]], axis=1)
        run = np.where(chosen == heard[parents], run[parents] + 1, 1)
        heard = chosen
        decoding.select_rows(parents)
    if not ended:
        line = [*tokens[parents[0]].tolist(), int(chosen[0])]
        return [make_hypothesis(line, float(totals[0]), limit, power)]
    return [
        make_hypothesis([*line, END], float(total), limit, power)
        for _, total, line in ended
    ]


def _without_hopeless(
    totals: np.ndarray,
    ended: list[float],
    n_best: int,
    settings: BeamSettings,
) -> np.ndarray:
    """Put -inf where a hypothesis is below the threshold."""
    both = np.concatenate([ended, totals])
    wanted = (
        both[_highest(both, n_best)][-1] if len(both) >= n_best else -np.inf
    )
    is_hopeless = totals < wanted - settings.beam_threshold
    return np.where(is_hopeless, -np.inf, totals)


def _highest(values: np.ndarray, number: int) -> np.ndarray:
    """Return the indices of the highest values, highest first."""
    return np.argsort(-values, kind="stable")[:number]


def _make_settings(
    beam_threshold: float | None = None, **others: Any
) -> BeamSettings:
    """Read the settings; JSON has no infinity."""
    if beam_threshold is None:
        beam_threshold = math.inf
    return BeamSettings(beam_threshold=beam_threshold, **others)
