"""Text to speech by ONNX graphs, with numpy and onnxruntime alone.

What the graphs leave to do is here: the dropout of every step, when to stop, the
frame limit, the noise of the refiner, and the pace.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sb_sma.data.espeak.voice import VoiceSettings
from sb_sma.data.text.frontends import CharacterFrontend, EspeakFrontend
from sb_sma.data.tokens import PADDING, UNKNOWN, TokenTable
from sb_sma.models.tts.pace import check_pace, scaled_length
from sb_sma.models.tts.stop_rule import EndDetector, StopRule
from sb_sma.onnx.folder import NEXT, OnnxFolder
from sb_sma.onnx.random_numbers import TorchRandom

# as sb_sma.models.tts.mel_decoder and frame_noise draw them
_BLOCK_STEPS = 64
_BLOCK_FRAMES = 64

FRONTENDS: dict[str, Callable[..., Any]] = {
    "espeak": lambda settings: EspeakFrontend(VoiceSettings(**settings)),
    "characters": CharacterFrontend,
}
"""Those that load no PyTorch."""


@dataclass(frozen=True)
class OnnxSpeech:
    """What was spoken.

    Arguments
    ---------
    mel : np.ndarray
        Natural-log mel, float32, (M, C).
    alignment : np.ndarray
        Of the decoder layer that follows the text best, (H, Q, T), of Q decoder
        steps of the time that they last at the pace.
    finished : bool
        Whether it ended by itself, and not at its frame limit.
    """

    mel: np.ndarray
    alignment: np.ndarray
    finished: bool


class OnnxTTS:
    """Speaks with a model that ``sb-sma export --onnx`` has written.

    Arguments
    ---------
    source : str or Path
        The folder.
    n_threads : int
        Of each graph.

    Attributes
    ----------
    symbols : list of str
        Tokens that the model knows.
    speakers : list of str
        Names; the first speaks if none is asked for.
    modes : list of str
        soft, and hard where attention is monotonic.
    sample_rate : int
        Of the sound that the mels are of, in Hz.
    mel_settings : dict
        All numbers of the mels.

    Raises
    ------
    ImportError
        If there is no onnxruntime.
    ModelFolderError
        If there is no such folder, or it is damaged.
    """

    def __init__(self, source: str | Path, n_threads: int = 1):
        folder = OnnxFolder(source, "tts", n_threads)
        self._table = folder.build("tokens", TokenTable)
        self.symbols = self._table.symbols
        self._names = [PADDING, UNKNOWN, *self.symbols]
        self._frontend = None
        if folder.get("frontend", dict, type(None)) is not None:
            self._frontend = folder.build("frontend", _make_frontend)
        self.modes = folder.get("modes", list)
        self._mode = folder.get("mode", str)
        if not self.modes or any(
            mode not in ("soft", "hard") for mode in self.modes
        ):
            raise folder.damaged("modes must be some of soft, hard", self.modes)
        self._stop_rule = folder.build("stop_rule", StopRule)
        self._seconds_per_step = folder.get("seconds_per_step", float)
        self.mel_settings = folder.get("mel_settings", dict)
        self.sample_rate = self.mel_settings.get("sample_rate")
        self._window = folder.get("window", int, type(None))
        self._head = folder.get("head", int)
        self._dropout = folder.get("prenet_dropout", float)
        self._mean = folder.array("mel_mean", -1)
        self._std = folder.array("mel_std", len(self._mean))
        self.speakers = folder.get("speakers", list)
        self._encoder = folder.graph("encoder")
        style = self._encoder.shapes.get("style")
        if style is not None:
            self._mean_style = folder.array("mean_style", style[1])
            self._style_tokens = folder.array("style_tokens", -1, style[1])
        self._steps = {
            mode: folder.graph(f"step_{mode}") for mode in self.modes
        }
        self._postnet = folder.graph("postnet")
        self._refiner = None
        if folder.get("refiner", bool):
            self._refiner = folder.graph("refiner")

    def tokens(self, text: str) -> list[str]:
        """Turn a text into the tokens that the model reads.

        Arguments
        ---------
        text : str
            What is to be said, in one piece and without markup.

        Returns
        -------
        tokens : list of str
            Those that the model never heard are warned about, and are others of
            the same sound, or ``<unk>``.

        Raises
        ------
        ValueError
            If the text cannot be read, or the model reads by what is not here.
        """
        if not isinstance(text, str):
            raise ValueError(f"text must be a string; got {text!r:.80}.")
        if self._frontend is None:
            raise ValueError(
                "the front end of this model needs PyTorch, and was not "
                "exported; got a text. Give its tokens, as sb_sma.TTS.tokens "
                "makes them."
            )
        ids = self._table.encode(self._frontend.tokens(text))
        return [self._names[index] for index in ids]

    def speak(
        self,
        text: str | Sequence[str],
        mode: str | None = None,
        pace: float = 1.0,
        seed: int | None = None,
        style: np.ndarray | Mapping[int, float] | None = None,
        speaker: str | None = None,
    ) -> OnnxSpeech:
        """Turn a text into a mel.

        Arguments
        ---------
        text : str or sequence of str
            What is to be said; or the tokens of it, the final one included.
        mode : str, optional
            ``soft`` or ``hard``. Default: as the model was trained to.
        pace : float
            Above 1 speaks faster, from 0.25 to 4.
        seed : int, optional
            The same speech as of ``sb_sma.TTS`` with this seed. Default:
            another one each time.
        style : np.ndarray or mapping, optional
            (S,); or weights by index of style token. Default: the mean style.
        speaker : str, optional
            One of `speakers`. Default: the first.

        Returns
        -------
        speech : OnnxSpeech
            With the mel.

        Raises
        ------
        ValueError
            If it cannot be spoken so.
        """
        tokens = self.tokens(text) if isinstance(text, str) else text
        inputs = {"tokens": self._look_up(tokens)}
        mode = self._mode if mode is None else mode
        if mode not in self.modes:
            raise ValueError(
                f"mode must be one of {', '.join(self.modes)}; got {mode!r:.40}."
            )
        check_pace(pace)
        if seed is not None and type(seed) is not int:
            raise ValueError(
                f"seed must be an integer, or None; got {seed!r:.40}."
            )
        if seed is None:
            seed = secrets.randbits(32)
        inputs.update(self._style(style))
        inputs.update(self._speaker(speaker))
        encoded = self._encoder(inputs)
        frames, alignment, finished = self._decode(mode, encoded, seed)
        mel = self._postnet({"frames": frames})["mel"]
        if self._refiner is not None:
            attended = alignment[self._head] @ encoded["memory"][0]
            factor = len(frames) // len(attended)
            mel = self._refiner(
                {
                    "mel": mel,
                    "text": attended.repeat(factor, axis=0),
                    "noise": _frame_noise(seed, *mel.shape),
                }
            )["refined"]
        mel = _scale_time(mel * self._std + self._mean, pace)
        steps = _scale_time(alignment.swapaxes(0, 1), pace, False)
        return OnnxSpeech(mel, steps.swapaxes(0, 1), finished)

    def _decode(
        self, mode: str, encoded: dict[str, np.ndarray], seed: int
    ) -> tuple[np.ndarray, np.ndarray, bool]:
        """Take steps until the end; frames (M, C), alignment (H, Q, T)."""
        step = self._steps[mode]
        # once, and not at every step
        inputs = {
            name: encoded[name].astype(dtype, copy=False)
            for name, dtype in step.dtypes.items()
            if name in encoded
        }
        inputs["frame"] = np.zeros((1, len(self._mean)))
        caches = step.caches(self._window)
        n_tokens = encoded["memory"].shape[1]
        detector = EndDetector(
            self._stop_rule, np.array([n_tokens]), self._seconds_per_step
        )
        limit = self._stop_rule.max_steps(n_tokens, self._seconds_per_step)
        random = TorchRandom(seed)
        masks_shape, dtype = step.shapes["masks"], step.dtypes["masks"]
        frames, alignments, ended = [], [], False
        while not ended and len(frames) < limit:
            index = len(frames) % _BLOCK_STEPS
            if index == 0:
                drawn = random.uniform(_BLOCK_STEPS, *masks_shape)
                masks = (drawn >= np.float32(self._dropout)).astype(dtype)
                masks /= dtype(1.0 - self._dropout)
            inputs["masks"] = masks[index]
            inputs["step"] = np.array([len(frames)])
            for name, cache in caches.items():
                inputs[name] = cache.past
            made = step(inputs)
            frames.append(made["frames"])
            alignments.append(made["alignment"])
            inputs["frame"] = made["frames"][-1:]
            for name, value in made.items():
                name = name.removeprefix(NEXT)
                if name in caches:
                    caches[name].append(value)
                elif name in inputs:
                    inputs[name] = value
            alignment = made["alignment"][None]
            (ended,) = detector.advance(
                made["stop_logit"], alignment.max(-1), alignment.argmax(-1)
            )
        return (
            np.concatenate(frames),
            np.stack(alignments, axis=1),
            bool(ended),
        )

    def _look_up(self, tokens: Sequence[str]) -> np.ndarray:
        """Return indices of tokens that the model knows, (1, T)."""
        if not isinstance(tokens, Sequence) or not len(tokens):
            raise ValueError(
                "text must be a string, or a list of at least one token; got "
                f"{tokens!r:.80}."
            )
        for place, token in enumerate(tokens, start=1):
            if token not in self._names[1:]:
                raise ValueError(
                    f"token {place} must be one that the model knows (symbols "
                    f"lists them); got {token!r:.40}. Give another, or "
                    f"{UNKNOWN}."
                )
        return np.array([[self._names.index(token) for token in tokens]])

    def _style(self, style: Any) -> dict[str, np.ndarray]:
        """Return what the encoder wants to know of the style."""
        if "style" not in self._encoder.shapes:
            if style is None:
                return {}
            raise ValueError(
                "style must be None for a model without styles; got "
                f"{style!r:.80}. Train with style: gst."
            )
        if style is None:
            return {"style": self._mean_style[None]}
        n_tokens, width = self._style_tokens.shape
        if isinstance(style, Mapping):
            weights = np.zeros(n_tokens, dtype=np.float32)
            for index, weight in style.items():
                if type(index) is not int or not 0 <= index < n_tokens:
                    raise ValueError(
                        "style must name tokens by integers from 0 to "
                        f"{n_tokens - 1}; got {index!r:.40}."
                    )
                if not isinstance(weight, (int, float)):
                    raise ValueError(
                        f"the weight of style token {index} must be a number; "
                        f"got {weight!r:.40}."
                    )
                weights[index] = weight
            style = weights @ self._style_tokens
        values = np.asarray(style)
        if values.shape not in ((width,), (1, width)) or (
            values.dtype.kind != "f" or not np.isfinite(values).all()
        ):
            raise ValueError(
                f"style must be {width} finite numbers, or weights by index of "
                f"token; got {values.dtype} of shape {values.shape}."
            )
        return {"style": values.reshape(1, width).astype(np.float32)}

    def _speaker(self, speaker: str | None) -> dict[str, np.ndarray]:
        """Return what the encoder wants to know of the speaker."""
        if speaker is not None and speaker not in self.speakers:
            wanted = ", ".join(self.speakers) or "None, the only one there is"
            raise ValueError(f"speaker must be {wanted}; got {speaker!r:.40}.")
        if "speaker" not in self._encoder.shapes:
            return {}
        index = 0 if speaker is None else self.speakers.index(speaker)
        return {"speaker": np.array([index])}


def _make_frontend(kind: str, **arguments: Any) -> Any:
    """Build a front end again."""
    if kind not in FRONTENDS:
        raise ValueError(
            f"kind must be one of {', '.join(FRONTENDS)}; got {kind!r:.40}"
        )
    return FRONTENDS[kind](**arguments)


def _frame_noise(seed: int, n_frames: int, n_mels: int) -> np.ndarray:
    """Draw what `FrameNoise` does, (M, C)."""
    random = TorchRandom(seed)
    n_blocks = -(-n_frames // _BLOCK_FRAMES)
    blocks = [random.normal(_BLOCK_FRAMES, n_mels) for _ in range(n_blocks)]
    return np.concatenate(blocks)[:n_frames]


def _scale_time(
    frames: np.ndarray, pace: float, interpolate: bool = True
) -> np.ndarray:
    """Do what `sb_sma.models.tts.time_scaling.scale_time` does."""
    if pace == 1:
        return frames
    places = (np.arange(scaled_length(len(frames), pace)) + 0.5) * pace - 0.5
    if not interpolate:
        places = np.rint(places)
    places = places.clip(0, len(frames) - 1)
    below = places.astype(int)
    above = np.minimum(below + 1, len(frames) - 1)
    weights = (places - below).astype(np.float32)
    weights = weights.reshape(-1, *[1] * (frames.ndim - 1))
    return frames[below] + weights * (frames[above] - frames[below])
