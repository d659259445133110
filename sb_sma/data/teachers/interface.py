"""What a teacher is: who speaks a text, and tells when each token begins.

A model learns from the speech of its teacher, and reads texts as it does. What
others bring is an extra, loaded when the first text is spoken.
"""

from abc import abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar, Protocol

import numpy as np

from sb_sma.data.espeak.voice import END, Speech, VoiceSettings
from sb_sma.data.text.frontends import Frontend


class Teacher(Protocol):
    """Speaks the texts of a corpus.

    The same text always gives the same samples. With ``n_processes``, a teacher
    is sent to other processes, and has to be fit to be pickled.
    """

    name: ClassVar[str]
    """What its corpora are called by."""

    settings: ClassVar[Collection[str]] = ()
    """Which fields of `VoiceSettings` it obeys; the others stay as they are."""

    @abstractmethod
    def speak(self, text: str, settings: VoiceSettings) -> Speech:
        """Speak once.

        Arguments
        ---------
        text : str
            At least one letter or digit.
        settings : VoiceSettings
            What it does not obey has its default.

        Returns
        -------
        speech : Speech
            At the teacher's own rate, in the tokens of `frontend`; ``starts`` is
            None where nobody knows when they begin.

        Raises
        ------
        ValueError
            If the text cannot be spoken.
        """

    @abstractmethod
    def identity(self) -> Any:
        """Tell all that the speech depends on, besides text and settings.

        Returns
        -------
        identity : Any
            What JSON can hold, such as a version and the hash of a voice.
        """

    @abstractmethod
    def frontend(self, settings: VoiceSettings) -> Frontend:
        """Return what reads a text into the tokens that are spoken.

        Arguments
        ---------
        settings : VoiceSettings
            As for `speak`.

        Returns
        -------
        frontend : Frontend
            An exported model keeps it.
        """

    def check(self) -> None:
        """Refuse what would fail for every text, before any is spoken.

        Raises
        ------
        ImportError
            If a package is missing.
        ValueError
            If a voice is missing or damaged.
        """

    def close(self) -> None:
        """Let go of what speaks; it is there again when a text is spoken."""


def check_speech(speech: Speech, teacher: str) -> None:
    """Refuse speech that breaks the contract of `Teacher.speak`.

    Arguments
    ---------
    speech : Speech
        What a teacher has said.
    teacher : str
        Its name.

    Raises
    ------
    ValueError
        If samples, tokens and times do not belong to each other.

    Example
    -------
    >>> speech = Speech(np.zeros(9, np.int16), 22050, ("a", END), (0, 5))
    >>> check_speech(speech, "mine")
    """
    samples, tokens, starts = speech.samples, speech.tokens, speech.starts
    is_float = np.issubdtype(samples.dtype, np.floating)
    if samples.ndim != 1 or not (is_float or samples.dtype == np.int16):
        raise ValueError(
            f"samples of teacher {teacher} must be int16 or floating point in "
            f"[-1, 1], of shape (N,); got {samples.dtype} of shape "
            f"{samples.shape}. Convert them."
        )
    if not tokens or tokens[-1] != END:
        raise ValueError(
            f"tokens of teacher {teacher} must end with {END!r}; got "
            f"{tokens[-3:]}. Add it, for the silence after the last sound."
        )
    if starts is None:
        return
    ends = [*starts[1:], len(samples)]
    is_a_start = len(starts) == len(tokens) and starts[0] == 0
    if not is_a_start or any(np.diff([*starts, ends[-1]]) <= 0):
        raise ValueError(
            f"starts of teacher {teacher} must be the first sample of each of "
            f"{len(tokens)} tokens, 0 for the first, each below the next and "
            f"below {len(samples)}; got {starts}. Give None where they are not "
            "known."
        )
