"""The body of ``POST /v1/audio/speech``, read and checked field by field.

A field that would change the speech, and cannot, is refused: nobody gets
another sound than they asked for.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from sb_sma.serving.refusals import Refusal

SLOWEST, FASTEST = 0.5, 2.0
# of the formats that OpenAI's clients know, the first is their default
FORMATS = ("mp3", "wav", "flac", "pcm")
_FIELDS = {
    "model",
    "input",
    "voice",
    "response_format",
    "speed",
    "stream_format",
    "instructions",
    "timestamps",
}
_SHOWN = 60


@dataclass(frozen=True)
class SpeechRequest:
    """What a client asks for.

    Arguments
    ---------
    model : str
        Name of a model.
    text : str
        What is to be said.
    voice : str
        Name of a voice of the model.
    response_format : str
        One of `FORMATS`.
    speed : float
        From `SLOWEST` to `FASTEST`.
    timestamps : bool
        Whether the answer tells when each word is said.
    """

    model: str
    text: str
    voice: str
    response_format: str
    speed: float
    timestamps: bool


def read_speech_request(
    body: bytes,
    voices: Mapping[str, Collection[str]],
    most_characters: int,
) -> SpeechRequest:
    """Read the body of a request.

    Arguments
    ---------
    body : bytes
        JSON, of a length that somebody has looked at.
    voices : mapping
        Names of the voices of each model.
    most_characters : int
        Of the input.

    Returns
    -------
    request : SpeechRequest
        Of a model and a voice that are there.

    Raises
    ------
    Refusal
        If anything is wrong with it.

    Example
    -------
    >>> body = b'{"model": "m", "input": "Hi.", "voice": "anna", "speed": 2}'
    >>> read_speech_request(body, {"m": ["anna"]}, 100)
    SpeechRequest(model='m', text='Hi.', voice='anna', response_format='mp3', speed=2.0, timestamps=False)
    """
    fields = _read_object(body)
    unknown = sorted(fields.keys() - _FIELDS)
    if unknown:
        raise Refusal(
            400,
            f"there is no field {_shown(unknown[0])}; known are "
            f"{', '.join(sorted(_FIELDS))}.",
            _shown(unknown[0], quoted=False),
            "unknown_parameter",
        )
    _refuse_what_would_change_nothing(fields)
    model = _one_of(fields, "model", voices, "model_not_found")
    return SpeechRequest(
        model,
        _read_text(fields, most_characters),
        _read_voice(fields, voices[model]),
        _one_of(
            {"response_format": FORMATS[0], **fields},
            "response_format",
            FORMATS,
        ),
        _read_speed(fields),
        _read_switch(fields, "timestamps"),
    )


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(
            body.decode("utf-8"), object_pairs_hook=_named_once
        )
    # among them a number of too many digits, and what is nested too deep
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep"
        if isinstance(error, UnicodeDecodeError):
            reason = "it is not UTF-8"
        elif isinstance(error, ValueError):
            reason = str(error)
        raise Refusal(400, f"the body must be JSON; {reason[:200]}.") from error
    if not isinstance(content, dict):
        raise Refusal(
            400, f"the body must be a JSON object; got {_shown(content)}."
        )
    # what is null is as what is left out, to OpenAI's clients, too
    return {name: each for name, each in content.items() if each is not None}


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return named


def _refuse_what_would_change_nothing(fields: Mapping[str, Any]) -> None:
    if fields.get("instructions", "") != "":
        raise Refusal(
            400,
            "instructions cannot be followed: a model speaks in one of its "
            "voices. Leave it out, and choose a voice.",
            "instructions",
            "unsupported_parameter",
        )
    if fields.get("stream_format", "audio") != "audio":
        raise Refusal(
            400,
            "stream_format must be audio, which comes in chunks as it is made; "
            f"got {_shown(fields['stream_format'])}.",
            "stream_format",
            "unsupported_value",
        )


def _one_of(
    fields: Mapping[str, Any],
    name: str,
    known: Collection[str],
    code: str = "unsupported_value",
) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or value not in known:
        given = _shown(value) if name in fields else "none"
        raise Refusal(
            400,
            f"{name} must be one of {', '.join(known)}; got {given}.",
            name,
            code,
        )
    return value


def _read_voice(fields: Mapping[str, Any], known: Collection[str]) -> str:
    """Read a name, or an object with one, as the clients send those of
    voices that were made with an account."""
    voice = fields.get("voice")
    if isinstance(voice, dict) and voice.keys() == {"id"}:
        fields = {"voice": voice["id"]}
    return _one_of(fields, "voice", known)


def _read_text(fields: Mapping[str, Any], most_characters: int) -> str:
    text = fields.get("input")
    if not isinstance(text, str):
        given = _shown(text) if "input" in fields else "none"
        raise Refusal(
            400, f"input must be the text to say; got {given}.", "input"
        )
    if len(text) > most_characters:
        raise Refusal(
            400,
            f"input may have {most_characters} characters here; got "
            f"{len(text)}. Send it in parts.",
            "input",
            "string_above_max_length",
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Refusal(
            400,
            "input must be Unicode text; it has half of a surrogate pair at "
            f"character {error.start + 1}.",
            "input",
        ) from error
    return text


def _read_speed(fields: Mapping[str, Any]) -> float:
    speed = fields.get("speed", 1.0)
    is_number = isinstance(speed, Real) and not isinstance(speed, bool)
    # false for NaN, too
    if not is_number or not SLOWEST <= speed <= FASTEST:
        raise Refusal(
            400,
            f"speed must be a number from {SLOWEST:g} to {FASTEST:g}; got "
            f"{_shown(speed)}.",
            "speed",
            "unsupported_value",
        )
    return float(speed)


def _read_switch(fields: Mapping[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise Refusal(
            400, f"{name} must be true or false; got {_shown(value)}.", name
        )
    return value


def _shown(value: Any, quoted: bool = True) -> str:
    """Return a value as JSON has it, not all of it, and in ASCII."""
    text = json.dumps(value)
    text = text if quoted else text.strip('"')
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
