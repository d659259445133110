"""Lets a trained model say how long its tokens usually last."""

import logging
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from sb_sma.data.tokens import TokenTable
from sb_sma.inference.performer import Line, Performer
from sb_sma.inference.script import Passage
from sb_sma.inference.spoken import SpokenText, SpokenTimes
from sb_sma.inference.token_seconds import TokenSeconds
from sb_sma.models.tts.synthesis import Manner

logger = logging.getLogger(__name__)

# by which it is seen whether a model can speak
_FIRST = 32
_LEAST_ENDED = 0.9
# that are in memory together
_AT_A_TIME = 32


@torch.no_grad()
def measure_usual_seconds(
    model: nn.Module,
    hparams: Mapping[str, Any],
    table: TokenTable,
    token_lists: Sequence[Sequence[str]],
    speaker: torch.Tensor | None,
) -> dict[str, list[float]] | None:
    """Let a model speak some of the texts that it was trained on.

    Arguments
    ---------
    model : nn.Module
        A `TransformerTTS`, in evaluation mode.
    hparams : mapping
        The loaded training YAML.
    table : TokenTable
        Of the model.
    token_lists : sequence of sequence of str
        Tokens of the training texts.
    speaker : torch.Tensor, optional
        Index of who speaks each text, (B,), for a model with speakers.

    Returns
    -------
    by_token : dict of str to list of float, optional
        What `TokenSeconds` takes; None of a model that cannot speak yet: of the
        first texts, less than nine in ten end by themselves.
    """
    lines = [
        Line(number, Passage(""), list(tokens), table.encode(tokens), None)
        for number, tokens in enumerate(token_lists)
    ]
    settings = {name: hparams[name] for name in ("mel_settings", "stop_rule")}
    performer = Performer(
        model,
        SimpleNamespace(frontend=None, **settings),
        model.mel_mean.device,
    )
    manner = Manner(hparams["decoding"], seed=0, speaker=speaker)
    times = SpokenTimes()

    def speak(some: list[Line]) -> list[SpokenText]:
        """Speak, and keep how long it took."""
        return performer.speak(some, manner, times, lambda count: None)

    ended = [item.finished for item in speak(lines[:_FIRST])]
    if sum(ended) < _LEAST_ENDED * len(ended):
        logger.info(
            "Speech is not spoken again where it fails: of %d texts, the model "
            "ends %d by itself",
            len(ended),
            sum(ended),
        )
        return None
    others = sorted(lines[_FIRST:], key=lambda line: len(line.tokens))
    for start in range(0, len(others), _AT_A_TIME):
        speak(others[start : start + _AT_A_TIME])
    return TokenSeconds.describe(times.usual(), table.symbols)
