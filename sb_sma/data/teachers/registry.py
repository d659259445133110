"""The teachers that a YAML file chooses between."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from sb_sma.data.teachers.espeak import EspeakTeacher
from sb_sma.data.teachers.hibari import HibariTeacher
from sb_sma.data.teachers.interface import Teacher
from sb_sma.data.teachers.piper import PiperTeacher

TEACHERS: dict[str, Callable[..., Teacher]] = {
    "espeak": EspeakTeacher,
    "hibari": HibariTeacher,
    "piper": PiperTeacher,
}
_MEMBERS = (
    *("name", "settings", "speak", "identity", "frontend", "check", "close"),
)


def make_teacher(
    teacher: Annotated[str | Callable[..., Teacher], TEACHERS],
    voice: str | Path | None = None,
) -> Teacher:
    """Turn the YAML word into who speaks the embedded corpus.

    Arguments
    ---------
    teacher : str or Callable
        A name of `TEACHERS`, or a class with the methods of `Teacher`.
    voice : str or Path, optional
        A file, for teachers that take one, as their argument ``voice``.

    Returns
    -------
    teacher : Teacher
        Nothing of it is loaded yet.

    Raises
    ------
    ValueError
        If the name is unknown, if it is no teacher, or if a voice is missing
        or has no use.

    Example
    -------
    >>> make_teacher("espeak").name
    'espeak'
    >>> make_teacher("hibari", "emma.onnx")
    Traceback (most recent call last):
    ...
    ValueError: teacher_voice must be null for teacher: hibari, which has a voice of its own; got 'emma.onnx'. Leave it out.
    """
    if not callable(teacher) and teacher not in TEACHERS:
        raise ValueError(
            f"teacher must be one of {', '.join(TEACHERS)}, or "
            f"!name:your.module.Class; got '{teacher}'."
        )
    factory = teacher if callable(teacher) else TEACHERS[teacher]
    shown = getattr(teacher, "__name__", teacher)
    lacking = [name for name in _MEMBERS if not hasattr(factory, name)]
    lacking += sorted(getattr(factory, "__abstractmethods__", ()))
    if lacking:
        raise ValueError(
            "teacher must be a class with the names of sb_sma.data.Teacher; "
            f"{shown} lacks {', '.join(lacking)}. Add them."
        )
    parameter = inspect.signature(factory).parameters.get("voice")
    if voice is not None and parameter is None:
        raise ValueError(
            f"teacher_voice must be null for teacher: {shown}, which has a "
            f"voice of its own; got '{voice}'. Leave it out."
        )
    is_needed = parameter is not None and parameter.default is parameter.empty
    if voice is None and is_needed:
        raise ValueError(
            f"teacher: {shown} needs teacher_voice, the file of a voice; got "
            "none. Give --teacher_voice=FILE."
        )
    return factory() if voice is None else factory(voice=voice)
