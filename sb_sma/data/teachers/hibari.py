"""hibari-tts as a teacher: Kokoro's voice af_heart, made small.

Its network predicts how many frames of 25 ms each phoneme lasts before it makes
a sound: these numbers are an inner value of its ONNX graph, and become an
output here. The sound leads them by `LEAD_FRAMES`: so much earlier do sentences
begin, in median, and voicing agrees best with the phonemes that are voiced.
"""

import functools
import hashlib
import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sb_sma.data.espeak.voice import PAUSE, PAUSE_SECONDS, Speech, VoiceSettings
from sb_sma.data.teachers.ends import end_speech, find_sound, with_silence
from sb_sma.data.teachers.interface import Teacher
from sb_sma.data.text.hibari import HibariFrontend, Sentence, load_hibari
from sb_sma.extras import command_for, require

FRAME = 600
"""Samples of one step of the durations, 25 ms."""
LEAD_FRAMES = 2.0
_DURATIONS = "/Clip_output_0"
_ONSET_SECONDS = 0.02


class HibariTeacher(Teacher):
    """Speaks American English by hibari-tts, with its phonemes and their times.

    Example
    -------
    >>> HibariTeacher().name
    'hibari'
    """

    name = "hibari"

    def speak(
        self, text: str, settings: VoiceSettings = VoiceSettings()
    ) -> Speech:
        """Speak once.

        Arguments
        ---------
        text : str
            At least one letter or digit.
        settings : VoiceSettings
            Not used: hibari has one voice and one pace.

        Returns
        -------
        speech : Speech
            At 24 kHz; between sentences as long a pause as its tokens say.

        Raises
        ------
        ImportError
            If hibari-tts is missing.
        ValueError
            If the text cannot be read.
        """
        sample_rate = load_hibari().sample_rate
        tokens: list[str] = []
        starts: list[int] = []
        spoken, end = np.zeros(0, np.float32), 0
        pauses = 0
        for sentence in HibariFrontend().sentences(text):
            length = round(PAUSE_SECONDS * sample_rate)
            starts += [end + i * length for i in range(pauses)]
            tokens += [PAUSE] * pauses
            spoken = with_silence(spoken, end, pauses * length)
            samples, begins, sound_end = _say(sentence, sample_rate)
            tokens += sentence.tokens
            starts += [len(spoken) + begin for begin in begins]
            end = len(spoken) + sound_end
            spoken = np.concatenate([spoken, samples])
            pauses = sentence.pauses
        return end_speech(spoken, sample_rate, tokens, starts, end)

    def identity(self) -> dict[str, Any]:
        """Tell which voice speaks.

        Returns
        -------
        identity : dict
            The version, and the hash of the network.
        """
        model = Path(load_hibari().model_path).read_bytes()
        return {
            "version": version("hibari-tts"),
            "voice": load_hibari().voice,
            "sha256": hashlib.sha256(model).hexdigest(),
        }

    def frontend(self, settings: VoiceSettings) -> HibariFrontend:
        """Return hibari's own phonemes.

        Arguments
        ---------
        settings : VoiceSettings
            Not used.

        Returns
        -------
        frontend : HibariFrontend
            Reads with them.
        """
        return HibariFrontend()

    def check(self) -> None:
        """Refuse to speak without the packages, or with another network.

        Raises
        ------
        ImportError
            If hibari-tts or onnx is missing.
        ValueError
            If the network does not tell durations.
        """
        _network()


def _say(
    sentence: Sentence, sample_rate: int
) -> tuple[np.ndarray, list[int], int]:
    """Return samples, the first of each token, and the end of the sound."""
    from hibari import dsp

    hibari = load_hibari()
    known = [c for c in sentence.phonemes if c in hibari.vocab]
    if len(known) != len(sentence.phonemes):
        raise ValueError(
            "phonemes must be those of hibari's voice; got "
            f"{sentence.phonemes!r}. Write the text otherwise."
        )
    *spectrum, durations = _network().run(
        None,
        {
            "ids": np.asarray([hibari.ids(sentence.phonemes)], np.int64),
            "speed": np.ones(1, np.float32),
        },
    )
    # the same text has the same noise
    noise = np.random.default_rng(zlib.crc32(sentence.phonemes.encode()))
    samples = dsp.synth(*(part[0] for part in spectrum), noise)
    # silence is at both ends, a duration each
    ends = np.cumsum(durations)
    assert len(ends) == len(known) + 2 and ends[-1] * FRAME == len(samples)
    begins = np.interp(sentence.positions, np.arange(len(ends) - 1), ends[:-1])
    begins = (begins - LEAD_FRAMES) * FRAME
    first, end = find_sound(samples, sample_rate)
    first = max(0, first - round(_ONSET_SECONDS * sample_rate))
    begins = np.maximum(begins - first, 0).round().astype(int)
    begins[0] = 0
    return samples[first:], begins.tolist(), end - first


@functools.cache
def _network() -> Any:
    """Load the network of hibari, with durations as its last output."""
    hibari = load_hibari()
    onnx = require("onnx", "data", "The teacher hibari")
    onnxruntime = require("onnxruntime", "data", "The teacher hibari")
    model = onnx.load(hibari.model_path)
    if not any(_DURATIONS in node.output for node in model.graph.node):
        raise ValueError(
            f"hibari's network must have the durations {_DURATIONS}; that of "
            f"hibari-tts {version('hibari-tts')} has not. Install the version "
            f"that was tried: {command_for('data')}"
        )
    model.graph.output.add(name=_DURATIONS)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
