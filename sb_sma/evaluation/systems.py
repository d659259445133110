"""What is evaluated: models, each as it is told to decode, and what they say."""

import copy
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace

import torch

from sb_sma.attention.softmax import RegularMHA
from sb_sma.attention.walk_switches import can_walk
from sb_sma.data.text.word_spans import find_spans
from sb_sma.inference import TTS
from sb_sma.inference.spoken import SpokenText
from sb_sma.inference.threads import map_in_threads
from sb_sma.metrics.reading import Reading, read_alignment
from sb_sma.metrics.word_times import WordSpan

_BATCH_TEXTS = 16


@dataclass(frozen=True)
class System:
    """A model as it is told to decode.

    Arguments
    ---------
    name : str
        Unlike that of other systems.
    tts : TTS
        The model.
    mode : str
        soft or hard.
    window : list of int, optional
        Of softmax attention: tokens back and ahead.
    """

    name: str
    tts: TTS
    mode: str
    window: list[int] | None = None

    @property
    def monotonic(self) -> bool:
        """Whether the attention can neither go back nor leave tokens out."""
        return can_walk(self.tts.mods.model)


def make_systems(
    name: str,
    tts: TTS,
    modes: Sequence[str] | None,
    window: list[int] | None,
) -> list[System]:
    """Make the systems of one model.

    Arguments
    ---------
    name : str
        Of the model.
    tts : TTS
        The model.
    modes : sequence of str, optional
        How monotonic attention decodes. Default: as the model does by itself.
    window : list of int, optional
        Through which softmax attention speaks a second time.

    Returns
    -------
    systems : list of System
        At least one.
    """
    decoding = tts.hparams.decoding
    if can_walk(tts.mods.model):
        return [
            System(f"{name}, {mode}", tts, mode)
            for mode in modes or [decoding.mode]
        ]
    plain = System(name, tts, "soft", decoding.attention_window)
    if window is None or not any(
        isinstance(module, RegularMHA) for module in tts.mods.model.modules()
    ):
        return [plain]
    named = f"{name}, window {window[0]}, {window[1]}"
    return [plain, System(named, tts, "soft", window)]


def check_speakable(system: System, text: str) -> None:
    """Refuse a text that a model cannot say.

    Arguments
    ---------
    system : System
        The model.
    text : str
        What it is to say.

    Raises
    ------
    ValueError
        If it has no token, or one that the model does not know.
    """
    system.tts.hparams.tokens.encode(system.tts.tokens(text))


class Speaker:
    """Lets a system say texts, which are read once.

    Arguments
    ---------
    system : System
        Who speaks.
    texts : sequence of str
        What is said, all different or not.
    """

    def __init__(self, system: System, texts: Sequence[str]):
        self.system = system
        self.texts = list(texts)
        frontend = system.tts.hparams.frontend
        self._tokens = {text: system.tts.tokens(text) for text in set(texts)}
        self._words = {
            text: _find_words(frontend, text, tokens)
            for text, tokens in self._tokens.items()
        }

    def speak(
        self,
        seed: int,
        take: Callable[[int, SpokenText], None],
        chosen: Sequence[int] | None = None,
    ) -> None:
        """Say texts on all cores, in batches of like lengths.

        Arguments
        ---------
        seed : int
            Of the prenet's dropout.
        take : Callable
            Called with the number and the speech of each text as soon as it is
            there, by several threads.
        chosen : sequence of int, optional
            Numbers of the texts. Default: all.
        """
        numbers = range(len(self.texts)) if chosen is None else chosen
        longest_first = sorted(
            numbers, key=lambda number: -len(self._tokens[self.texts[number]])
        )
        batches = [
            longest_first[start : start + _BATCH_TEXTS]
            for start in range(0, len(longest_first), _BATCH_TEXTS)
        ]

        def say(batch: list[int]) -> None:
            """Say the texts of a batch."""
            tts = self._for_thread()
            spoken = tts.speak(
                [self.texts[number] for number in batch],
                mode=self.system.mode,
                seed=seed,
            )
            for number, item in zip(batch, spoken):
                take(number, item)

        with _limits_untold():
            map_in_threads(say, batches)

    def read(self, spoken: SpokenText) -> Reading:
        """Keep of a speech what its alignment tells.

        Arguments
        ---------
        spoken : SpokenText
            By this system.

        Returns
        -------
        reading : Reading
            Of the head that follows the text.
        """
        _, head = self.system.tts.mods.model.guide.tolist()
        settings = self.system.tts.hparams.mel_settings
        return read_alignment(
            spoken.alignment[head],
            spoken.tokens,
            self._words[spoken.text],
            len(spoken.mel) * settings.seconds_per_frame,
            spoken.finished,
        )

    def _for_thread(self) -> TTS:
        """Return a model with all that a call changes of its own."""
        tts = copy.copy(self.system.tts)
        tts.inference_ctx = copy.deepcopy(tts.inference_ctx)
        hparams = dict(vars(tts.hparams))
        hparams["frontend"] = SimpleNamespace(tokens=self._tokens.__getitem__)
        hparams["decoding"] = replace(
            tts.hparams.decoding, attention_window=self.system.window
        )
        tts.hparams = SimpleNamespace(**hparams)
        return tts


def to_samples(system: System, mel: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Make sound of a mel, as the model does.

    Arguments
    ---------
    system : System
        Whose mel it is.
    mel : torch.Tensor
        Natural-log mel, (M, C).

    Returns
    -------
    samples : torch.Tensor
        On the CPU, (N,).
    sample_rate : int
        In Hz.
    """
    rate = system.tts.hparams.mel_settings.sample_rate
    return system.tts.to_waveform(mel).cpu(), rate


def _find_words(
    frontend: object, text: str, tokens: Sequence[str]
) -> list[WordSpan]:
    words = frontend.words(text)
    return [WordSpan(*span) for span in find_spans(tokens, words)]


@contextmanager
def _limits_untold() -> Iterator[None]:
    """Leave out what a `TTS` says of texts that were cut off: it is counted."""

    def is_other(record: logging.LogRecord) -> bool:
        """Say whether another function logs this."""
        return record.funcName != "_warn_about_limits"

    logger = logging.getLogger("sb_sma.inference.tts")
    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
