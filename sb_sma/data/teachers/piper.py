"""Piper as a teacher: a voice of the user's own, spoken by a process of its own.

piper-tts is under the GPL-3: nothing of it is imported. Its server
(``python -m piper.http_server``) listens to this machine alone, and tells what
it has said, phoneme by phoneme, with seconds where the voice has them. A
corpus has the tokens of eSpeak NG, which Piper's voices read, too, so that a
model speaks without Piper; the times are carried over from one to the other,
character by character.
"""

import contextlib
import io
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata
import urllib.error
import urllib.request
import weakref
from collections.abc import Sequence
from difflib import SequenceMatcher
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from sb_sma.data.corpus.digests import sha256_of
from sb_sma.data.espeak.voice import (
    END,
    PAUSE,
    Speech,
    VoiceSettings,
    phonemize,
)
from sb_sma.data.teachers.ends import end_speech, find_sound
from sb_sma.data.teachers.interface import Teacher
from sb_sma.data.text.frontends import EspeakFrontend
from sb_sma.extras import check_installed

_LEASH = Path(__file__).with_name("leash.py")
_SECONDS_TO_START = 120
_LEAST_LIKENESS = 0.7
# a beginning, an end, a filler, and what is silent
_NO_SOUND = frozenset("^$_ ,.;:!?\"'()-…—«»¡¿“”")
# without noise, the same text has the same sound
_NOISE = {"noise_scale": 0.0, "noise_w_scale": 0.0}

Times = list[tuple[str, float]]
"""What Piper has said: characters of phonemes, and how many seconds each lasts."""


class PiperTeacher(Teacher):
    """Speaks by piper-tts, with a voice that the user brings.

    Arguments
    ---------
    voice : str or Path
        Its .onnx file; the .onnx.json lies beside it.

    Example
    -------
    >>> PiperTeacher("no_voice.onnx").check()
    Traceback (most recent call last):
    ...
    ValueError: teacher_voice must be the .onnx file of a voice of Piper; there is no file no_voice.onnx. Correct the path.
    """

    name = "piper"

    def __init__(self, voice: str | Path):
        self.voice = Path(voice).expanduser()
        self._lock = threading.Lock()
        self._server: _Server | None = None

    def __reduce__(self):
        # another process starts a server of its own
        return type(self), (self.voice,)

    def speak(
        self, text: str, settings: VoiceSettings = VoiceSettings()
    ) -> Speech:
        """Speak once, without noise.

        Arguments
        ---------
        text : str
            At least one letter or digit.
        settings : VoiceSettings
            Not used.

        Returns
        -------
        speech : Speech
            At the voice's rate; ``starts`` is None where the voice tells no
            times, or has read the text otherwise than eSpeak NG.

        Raises
        ------
        ValueError
            If the text cannot be spoken.
        """
        *tokens, _ = phonemize(text, self.frontend(settings).settings)
        with self._lock:
            if self._server is None:
                self._server = _Server(self.voice)
            wav, times = self._server.say(text)
        samples, sample_rate = soundfile.read(io.BytesIO(wav), dtype="float32")
        if not samples.any():
            raise ValueError(
                f"text must be speakable by {self.voice}, which was silent at "
                f"{text!r}. Leave this utterance out or choose a voice of its "
                "language."
            )
        starts = None
        # Piper rounds to whole steps, and tells nothing where it loses its way
        if abs(sum(s for _, s in times) - len(samples) / sample_rate) < 0.1:
            starts = carry_over(tokens, times)
        if starts is None:
            return Speech(samples, sample_rate, (*tokens, END), None)
        begins = [round(start * sample_rate) for start in starts]
        _, end = find_sound(samples, sample_rate)
        return end_speech(samples, sample_rate, tokens, begins, end)

    def identity(self) -> dict[str, Any]:
        """Tell which voice speaks.

        Returns
        -------
        identity : dict
            Piper's version, and hashes of both files.
        """
        return {
            "version": version("piper-tts"),
            "sha256": sha256_of(self.voice),
            "settings_sha256": sha256_of(self._settings_file()),
        }

    def frontend(self, settings: VoiceSettings) -> EspeakFrontend:
        """Return eSpeak NG's phonemes, of the language of the voice.

        Arguments
        ---------
        settings : VoiceSettings
            Not used.

        Returns
        -------
        frontend : EspeakFrontend
            Reads without Piper.
        """
        language = self._settings()["espeak"]["voice"]
        return EspeakFrontend(VoiceSettings(voice=language))

    def check(self) -> None:
        """Refuse a voice that does not speak, before any text is spoken.

        Raises
        ------
        ImportError
            If piper-tts is missing.
        ValueError
            If one of both files is missing or damaged.
        """
        self._settings()
        # not imported: the server is of its own
        check_installed(
            *("piper", "flask", "onnx"),
            extra="data",
            needed_by="The teacher piper",
        )
        self.frontend(VoiceSettings()).check()

    def close(self) -> None:
        """End the server."""
        with self._lock:
            self._server = None

    def _settings_file(self) -> Path:
        return Path(f"{self.voice}.json")

    def _settings(self) -> dict[str, Any]:
        if not self.voice.is_file():
            raise ValueError(
                "teacher_voice must be the .onnx file of a voice of Piper; "
                f"there is no file {self.voice}. Correct the path."
            )
        path = self._settings_file()
        if not path.is_file():
            raise ValueError(
                "a voice of Piper must have its settings beside it; there is "
                f"no file {path}. Copy it from where the voice is from."
            )
        try:
            settings = json.loads(path.read_text("utf-8"))
            kind = settings.get("phoneme_type", "espeak")
            known = isinstance(settings["espeak"]["voice"], str)
        except (
            *(ValueError, KeyError, TypeError, AttributeError),
            RecursionError,
        ) as error:
            raise ValueError(
                f"{path} must be the settings of a voice of Piper, JSON with "
                f"espeak: voice; got {type(error).__name__}: {error}. Copy it "
                "again."
            ) from error
        if kind != "espeak" or not known:
            raise ValueError(
                f"{path} must be of a voice that reads eSpeak NG's phonemes; "
                f"got phoneme_type {kind!r}. Choose another voice."
            )
        return settings


class _Server:
    """A process that speaks with one voice, until this object is gone."""

    def __init__(self, voice: Path):
        # this machine alone, whatever proxy leads elsewhere
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({})
        ).open
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._address = f"http://127.0.0.1:{port}"
        self._voice = voice
        self._log = tempfile.TemporaryFile()
        command = [sys.executable, "-m", "piper.http_server"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        process = subprocess.Popen(
            [sys.executable, str(_LEASH), *command, "-m", str(voice)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._finalize = weakref.finalize(self, _end, process)
        self._wait(process)

    def say(self, text: str) -> tuple[bytes, Times]:
        """Return a WAV file, and what was said when."""
        request = urllib.request.Request(
            f"{self._address}/synthesize",
            json.dumps({"text": text, **_NOISE}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with self._open(request) as answer:
                wav = answer.read()
            with self._open(f"{self._address}/info") as answer:
                last = json.load(answer)["last"]
        except urllib.error.URLError as error:
            raise ValueError(
                f"text must be speakable by {self._voice}; Piper failed at "
                f"{text!r}: {self._last_words() or error}. Leave this "
                "utterance out, or try another voice."
            ) from error
        times = last["alignments"]
        return wav, [(each["phoneme"], each["seconds"]) for each in times]

    def _wait(self, process: subprocess.Popen) -> None:
        deadline = time.monotonic() + _SECONDS_TO_START
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError, ValueError):
                with self._open(f"{self._address}/info", timeout=10) as answer:
                    json.load(answer)["voice"]
                    return
            time.sleep(0.05)
        self._finalize()
        raise ValueError(
            "teacher_voice must be a voice that Piper can load; "
            f"{self._voice} is none: {self._last_words()}. Copy the file "
            "again, or choose another voice."
        )

    def _last_words(self) -> str:
        """Return the last line of its log that tells an error."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").split("\n")
        told = [line for line in lines if line and not line.startswith("INFO:")]
        return told[-1] if told else ""


def _end(process: subprocess.Popen) -> None:
    process.stdin.close()
    process.wait()


def carry_over(tokens: Sequence[str], times: Times) -> list[float] | None:
    """Find when tokens begin, from the times of what was read alike.

    Arguments
    ---------
    tokens : sequence of str
        eSpeak NG's, without ``END``.
    times : list of (str, float)
        Characters, and how many seconds each lasts.

    Returns
    -------
    starts : list of float, optional
        In seconds; pauses divide what lies between the sounds around them.
        None where fewer than 70 % of the characters are the same.

    Example
    -------
    >>> carry_over(["j", "ˈɛ", "s"], [("^", 1), *zip("jˈɛs", (1, 1, 2, 3))])
    [1.0, 2.0, 5.0]
    """
    ours = [
        (character, index)
        for index, token in enumerate(tokens)
        if token != PAUSE
        for character in unicodedata.normalize("NFD", token)
    ]
    ends = np.cumsum([seconds for _, seconds in times])
    theirs = [
        (character, end - seconds, end)
        for (text, seconds), end in zip(times, ends.tolist())
        for character in text
        if character not in _NO_SOUND
    ]
    matcher = SequenceMatcher(
        None, [c for c, _ in ours], [c for c, *_ in theirs], autojunk=False
    )
    if not theirs or matcher.ratio() < _LEAST_LIKENESS:
        return None
    pairs = [
        (block.a + i, block.b + i)
        for block in matcher.get_matching_blocks()
        for i in range(block.size)
    ]
    # what differs lies evenly between what is the same, or the ends
    places = [-1, *(a for a, _ in pairs), len(ours)]
    first, last = theirs[0][1], theirs[-1][2]
    begins = [first, *(theirs[b][1] for _, b in pairs), last]
    closes = [first, *(theirs[b][2] for _, b in pairs), last]
    spans: dict[int, tuple[float, float]] = {-1: (0.0, 0.0)}
    for place, (_, index) in enumerate(ours):
        begin, close = (
            float(np.interp(place, places, seconds))
            for seconds in (begins, closes)
        )
        spans[index] = (spans.get(index, (begin, close))[0], close)
    return _with_pauses(spans, len(tokens))


def _with_pauses(
    spans: dict[int, tuple[float, float]], n_tokens: int
) -> list[float]:
    """Let pauses divide what lies between the sounds around them."""
    starts = [spans.get(index, (0.0, 0.0))[0] for index in range(n_tokens)]
    sounds = sorted(spans)
    for before, after in zip(sounds, sounds[1:]):
        begin, end = spans[before][1], spans[after][0]
        count = after - before - 1
        for i in range(count):
            starts[before + 1 + i] = begin + (end - begin) * i / count
    return starts
