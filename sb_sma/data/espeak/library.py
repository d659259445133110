"""One utterance from the eSpeak NG library, called through ctypes.

eSpeak keeps state that its API cannot reset (the flutter of the pitch walks on
from text to text), so that the same text would sound a little different every
time. The library is therefore loaded afresh for each utterance, which costs
about 3 ms: the same text and settings always give the same samples.
"""

import _ctypes
import ctypes
import os
import re
import threading
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sb_sma.data.espeak.phoneme_names import PAUSE, phoneme_of

_SYNCHRONOUS = 2
_PHONEME_EVENTS_IN_IPA = 0x0001 | 0x0002
_BUFFER_MILLISECONDS = 1000
_UTF8 = 1
_EVENT_LIST_TERMINATED = 0
_EVENT_WORD = 1
_EVENT_PHONEME = 7
_PARAMETERS = {"rate": 1, "pitch": 3, "pitch_range": 4}
_SEED = 1
_VOICE = re.compile(r"[\w (),.-]+(/[\w (),.-]+)*(\+[\w .-]+)?")
_LONGEST_NAME = 40

_lock = threading.Lock()
# a child must not inherit a half-spoken library or a lock that nobody frees
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire,
        after_in_parent=_lock.release,
        after_in_child=_lock.release,
    )


class _EventId(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_void_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_short),
    ctypes.c_int,
    ctypes.POINTER(_Event),
)


def find_version() -> str:
    """Tell which eSpeak NG speaks.

    Returns
    -------
    version : str
        Of the wheel that brings library and voices.

    Example
    -------
    >>> find_version()[0].isdigit()
    True
    """
    return version("espeakng-loader")


def synthesize(
    text: str, voice: str, parameters: dict[str, int]
) -> tuple[np.ndarray, list[tuple[int, bytes]], int]:
    """Speak once; one thread of a process at a time.

    Arguments
    ---------
    text : str
        What to say, without control characters.
    voice : str
        eSpeak NG's name of the voice, with an optional ``+variant``.
    parameters : dict
        rate, pitch and pitch_range.

    Returns
    -------
    samples : np.ndarray
        16-bit samples, of shape (N,).
    events : list of (int, bytes)
        First sample and name of each phoneme; pauses have no name, and eSpeak
        cuts names after eight bytes. What it says within another phoneme, as the
        l of "all", shares its time.
    sample_rate : int
        Samples per second.

    Raises
    ------
    ImportError
        If the wheel espeakng-loader is missing.
    ValueError
        If eSpeak NG lacks the voice.
    RuntimeError
        If eSpeak NG itself fails.

    Example
    -------
    >>> numbers = {"rate": 175, "pitch": 50, "pitch_range": 50}
    >>> samples, events, sample_rate = synthesize("no", "en-us", numbers)
    >>> sample_rate
    22050
    """
    samples, events, sample_rate = _speak(text, voice, parameters)
    phonemes = [
        (event.sample, event.name) for event in events if event.name is not None
    ]
    return samples, phonemes, sample_rate


def names_by_word(
    text: str,
    voice: str,
    parameters: dict[str, int],
) -> list[tuple[int, list[bytes]]]:
    """Tell which part of a text each phoneme belongs to.

    Arguments
    ---------
    text : str
        What to say, without control characters.
    voice : str
        As of `synthesize`.
    parameters : dict
        rate, pitch and pitch_range.

    Returns
    -------
    words : list of (int, list of bytes)
        Where each word of eSpeak NG's begins in the text, and the names of its
        phonemes, as `synthesize` gives them. A word of the text may be several
        of eSpeak NG's, as a number is, or have none, as the second of two that
        eSpeak NG reads as one.

    Raises
    ------
    ImportError, ValueError, RuntimeError
        As `synthesize`.

    Example
    -------
    >>> numbers = {"rate": 175, "pitch": 50, "pitch_range": 50}
    >>> [
    ...     (position, len(names))
    ...     for position, names in names_by_word("no way", "en-us", numbers)
    ... ]
    [(0, 2), (3, 3)]
    """
    samples, events, _ = _speak(text, voice, parameters)
    ends = _ends(events, len(samples))
    words = []
    for event in events:
        if event.name is None:
            words.append((event.position, []))
        elif event.sample < ends.pop(0) and words:
            words[-1][1].append(event.name)
    return words


class _Heard(NamedTuple):
    """An event; that of a word has no name."""

    sample: int
    position: int
    name: bytes | None


def _read_event(event: _Event) -> _Heard:
    name = event.id.string if event.type == _EVENT_PHONEME else None
    return _Heard(event.sample, event.text_position - 1, name)


def _speak(
    text: str, voice: str, parameters: dict[str, int]
) -> tuple[np.ndarray, list[_Heard], int]:
    """Return samples, events and sample rate."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise ImportError(
            "eSpeak NG is missing. Install it with: pip install espeakng-loader"
        ) from error

    chunks, events = [], []

    @_Callback
    def collect(wav, count, event):
        """Take the samples and events of a piece."""
        if count > 0:
            chunks.append(ctypes.string_at(wav, 2 * count))
        i = 0
        while event[i].type != _EVENT_LIST_TERMINATED:
            if event[i].type in (_EVENT_WORD, _EVENT_PHONEME):
                events.append(_read_event(event[i]))
            i += 1
        return 0

    data_path = Path(espeakng_loader.get_data_path())
    with _lock:
        library = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        try:
            sample_rate = library.espeak_Initialize(
                _SYNCHRONOUS,
                _BUFFER_MILLISECONDS,
                str(data_path).encode(),
                _PHONEME_EVENTS_IN_IPA,
            )
            if sample_rate <= 0:
                raise RuntimeError(
                    f"eSpeak NG could not load its data from {data_path}. "
                    "Reinstall the wheel espeakng-loader."
                )
            # initialisation seeds the noise with the time of day
            library.espeak_ng_SetRandSeed(ctypes.c_long(_SEED))
            _set_voice(library, voice, data_path)
            for name, number in _PARAMETERS.items():
                library.espeak_SetParameter(number, int(parameters[name]), 0)
            library.espeak_SetSynthCallback(collect)
            _synthesize_text(library, text)
        finally:
            library.espeak_Terminate()
            _unload(library)
    samples = np.frombuffer(b"".join(chunks), dtype=np.int16)
    return samples, _give_time(events, len(samples)), sample_rate


def _ends(events: list[_Heard], n_samples: int) -> list[int]:
    """Tell where each phoneme ends."""
    starts = [event.sample for event in events if event.name is not None]
    return [*starts[1:], n_samples]


def _give_time(events: list[_Heard], n_samples: int) -> list[_Heard]:
    """Let phonemes of no length share the time of the one before them, or,
    after a pause, of the one after them."""
    places = [i for i, event in enumerate(events) if event.name is not None]
    timed = list(events)
    together: list[int] = []
    start = end = 0

    def share() -> None:
        """Give each as much as the others."""
        for number, place in enumerate(together):
            sample = start + (end - start) * number // len(together)
            timed[place] = timed[place]._replace(sample=sample)
        together.clear()

    for place, stop in zip(places, _ends(events, n_samples)):
        event = events[place]
        is_pause = phoneme_of(event.name) == PAUSE
        if is_pause or (event.sample < stop and start < end):
            share()
        if is_pause:
            continue
        if not together:
            start = event.sample
        together.append(place)
        end = stop
    share()
    return timed


def _set_voice(library, voice: str, data_path: Path) -> None:
    name, _, variant = voice.partition("+")
    # eSpeak would overflow at a long one, follow a path, ignore a variant
    known = len(name) <= _LONGEST_NAME and _VOICE.fullmatch(voice)
    known = known and ".." not in voice
    if variant and known:
        known = (data_path / "voices" / "!v" / variant).is_file()
    if not known or library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise ValueError(
            f"voice must be a voice of eSpeak NG; got {voice!r}. Choose a "
            "language such as 'en-us' or 'de', with an optional variant "
            "such as 'en-us+f3'; the folders lang and voices of "
            f"{data_path} hold all of them."
        )


def _synthesize_text(library, text: str) -> None:
    encoded = text.encode("utf-8", errors="ignore")
    status = library.espeak_Synth(
        ctypes.c_char_p(encoded),
        ctypes.c_size_t(len(encoded) + 1),
        ctypes.c_uint(0),
        ctypes.c_int(1),
        ctypes.c_uint(0),
        ctypes.c_uint(_UTF8),
        None,
        None,
    )
    if status != 0:
        raise RuntimeError(
            f"eSpeak NG failed with status {status} on {text!r}."
        )


def _unload(library) -> None:
    if hasattr(_ctypes, "dlclose"):
        _ctypes.dlclose(library._handle)
    else:
        _ctypes.FreeLibrary(library._handle)
