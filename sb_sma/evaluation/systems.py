"""What is evaluated: models, each as it is told to decode, and what they say."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import torch

from sb_sma.attention.softmax import RegularMHA
from sb_sma.attention.walk_switches import can_walk
from sb_sma.data.text.markup import escape_markup
from sb_sma.data.text.word_spans import find_spans, words_of
from sb_sma.inference import TTS
from sb_sma.inference.script import write_script
from sb_sma.inference.spoken import SpokenText
from sb_sma.inference.threads import map_in_threads
from sb_sma.inference.tts import without_limit_warnings
from sb_sma.inference.word_times import read_spoken
from sb_sma.metrics.reading import Reading
from sb_sma.metrics.word_times import WordSpan

_BATCH_TEXTS = 16


class Model:
    """A model, and texts as it reads them.

    Arguments
    ---------
    source : str
        What it was loaded from.
    tts : TTS
        The model.
    """

    def __init__(self, source: str, tts: TTS):
        self.source = source
        self.tts = tts
        self.tokens: dict[str, list[str]] = {}
        self.words: dict[str, list[WordSpan]] = {}
        self.tokens_read: dict[str, list[str]] = {}
        self.words_read: dict[str, list[tuple[str, list[str]]]] = {}

    @property
    def monotonic(self) -> bool:
        """Whether the attention can neither go back nor leave tokens out."""
        return can_walk(self.tts.mods.model)

    @property
    def attempts(self) -> int:
        """How often a text is spoken at most."""
        return 1 if self.tts.usual_seconds is None else self.tts.attempts

    @property
    def has_softmax(self) -> bool:
        """Whether the attention can look through a window."""
        modules = self.tts.mods.model.modules()
        return any(isinstance(module, RegularMHA) for module in modules)

    def learn(self, text: str) -> None:
        """Read a text, which can then be spoken.

        Arguments
        ---------
        text : str
            What is to be said, as it is: it has no markup.

        Raises
        ------
        ValueError
            If it has no token, or one that the model does not know.
        """
        (passage,) = write_script(escape_markup(text), split=False)
        tokens = self.tts.hparams.frontend.tokens(passage.text)
        self.tts.hparams.tokens.encode(tokens)
        words = words_of(self.tts.hparams.frontend, passage.text, tokens)
        self.words_read[passage.text] = words
        self.words[text] = [
            WordSpan(*span) for span in find_spans(tokens, words)
        ]
        self.tokens[text] = self.tokens_read[passage.text] = tokens


@dataclass(frozen=True)
class System:
    """A model as it is told to decode.

    Arguments
    ---------
    name : str
        Unlike that of other systems.
    model : Model
        Which speaks.
    mode : str
        soft or hard.
    window : list of int, optional
        Of softmax attention: tokens back and ahead.
    """

    name: str
    model: Model
    mode: str
    window: list[int] | None = None

    def speak(
        self,
        texts: Sequence[str],
        seed: int,
        take: Callable[[int, SpokenText], None],
    ) -> None:
        """Say texts on all cores, in batches of like lengths.

        Arguments
        ---------
        texts : sequence of str
            What the model has learned.
        seed : int
            Of the prenet's dropout.
        take : Callable
            Called with the number and the speech of each text as soon as it is
            there, by several threads.
        """
        tokens = self.model.tokens
        longest_first = sorted(
            range(len(texts)), key=lambda number: -len(tokens[texts[number]])
        )
        batches = [
            longest_first[start : start + _BATCH_TEXTS]
            for start in range(0, len(longest_first), _BATCH_TEXTS)
        ]

        def say(batch: list[int]) -> None:
            """Say the texts of a batch."""
            chosen = [texts[number] for number in batch]
            spoken = self._for_thread().speak(
                list(map(escape_markup, chosen)),
                self.mode,
                seed=seed,
                split=False,
            )
            for number, item in zip(batch, spoken):
                item.text = texts[number]
                take(number, item)

        with without_limit_warnings():
            map_in_threads(say, batches)

    def read(self, spoken: SpokenText) -> Reading:
        """Keep what the alignment of a speech tells.

        Arguments
        ---------
        spoken : SpokenText
            By this system.

        Returns
        -------
        reading : Reading
            Of the head that follows the text.
        """
        words = self.model.words[spoken.text]
        return read_spoken(self.model.tts, spoken, words)

    def to_samples(self, mel: torch.Tensor) -> tuple[torch.Tensor, int]:
        """Make sound of a mel, as the model does.

        Arguments
        ---------
        mel : torch.Tensor
            Natural-log mel, (M, C).

        Returns
        -------
        samples : torch.Tensor
            On the CPU, (N,).
        sample_rate : int
            In Hz.
        """
        tts = self.model.tts
        rate = tts.hparams.mel_settings.sample_rate
        return tts.to_waveform(mel).cpu(), rate

    def _for_thread(self) -> TTS:
        """Return a model with all that a call changes of its own."""
        tts = copy.copy(self.model.tts)
        tts.inference_ctx = copy.deepcopy(tts.inference_ctx)
        decoding = replace(tts.hparams.decoding, attention_window=self.window)
        known = SimpleNamespace(
            tokens=self.model.tokens_read.__getitem__,
            words=self.model.words_read.__getitem__,
        )
        tts.hparams = SimpleNamespace(
            **{**vars(tts.hparams), "frontend": known, "decoding": decoding}
        )
        return tts


def make_systems(
    name: str,
    model: Model,
    modes: Sequence[str] | None,
    window: list[int] | None,
) -> list[System]:
    """Make the systems of one model.

    Arguments
    ---------
    name : str
        Of the model.
    model : Model
        Which speaks.
    modes : sequence of str, optional
        How monotonic attention decodes. Default: as the model does by itself.
    window : list of int, optional
        Through which softmax attention speaks a second time.

    Returns
    -------
    systems : list of System
        At least one.
    """
    decoding = model.tts.hparams.decoding
    if model.monotonic:
        return [
            System(f"{name}, {mode}", model, mode)
            for mode in modes or [decoding.mode]
        ]
    systems = [System(name, model, "soft", decoding.attention_window)]
    if window is not None and model.has_softmax:
        named = f"{name}, window {window[0]} {window[1]}"
        systems.append(System(named, model, "soft", window))
    return systems
