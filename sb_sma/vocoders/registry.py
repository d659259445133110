"""The vocoders that a YAML file chooses between."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import torch

from sb_sma.data.speech.mel import LOG_FLOOR, GriffinLim, MelSettings
from sb_sma.vocoders.hifigan import HiFiGAN

Vocoder = Callable[[torch.Tensor], torch.Tensor]
VOCODERS: dict[str, Callable[..., Vocoder]] = {
    "griffin_lim": GriffinLim,
    "hifigan": HiFiGAN,
}
_TRIED_FRAMES = 32


def make_vocoder(
    vocoder: Annotated[str | Callable[..., Vocoder], VOCODERS],
    options: Mapping[str, Mapping[str, Any]],
    mel_settings: MelSettings,
) -> Vocoder:
    """Turn the YAML word into what makes sound of a mel.

    A vocoder is called with a natural-log mel, (M, C), and returns a waveform
    in [-1, 1], (N,), of M or M - 1 hops. One whose samples depend on the
    frames near them alone says so by its attribute ``reach``, the number of
    these before and after its own; it then makes M hops, and its streams are
    equal to the whole.

    Arguments
    ---------
    vocoder : str or Callable
        A name of `VOCODERS`, or a factory called with ``mel_settings``.
    options : dict
        Keyword arguments by name of vocoder; only those of the chosen name are
        used.
    mel_settings : MelSettings
        The numbers of the mels.

    Returns
    -------
    vocoder : Callable
        As above; a module where it has weights.

    Raises
    ------
    ValueError
        If the name is unknown, the vocoder is not there, or it is of other
        mels.

    Example
    -------
    >>> vocoder = make_vocoder("griffin_lim", {}, MelSettings())
    >>> type(vocoder).__name__
    'GriffinLim'
    """
    if callable(vocoder):
        made = vocoder(mel_settings)
        _try(made, mel_settings)
        return made
    if vocoder not in VOCODERS:
        raise ValueError(
            f"vocoder must be one of {', '.join(VOCODERS)}, or a factory; got "
            f"'{vocoder}'."
        )
    return VOCODERS[vocoder](mel_settings, **options.get(vocoder, {}))


@torch.no_grad()
def _try(vocoder: Vocoder, mel_settings: MelSettings) -> None:
    """Refuse what does not make a waveform of silence."""
    shape = (_TRIED_FRAMES, mel_settings.n_mels)
    samples = vocoder(torch.full(shape, LOG_FLOOR).log())
    hop = mel_settings.hop_length
    most = _TRIED_FRAMES * hop
    is_waveform = isinstance(samples, torch.Tensor) and samples.dim() == 1
    if not is_waveform or not most - hop <= len(samples) <= most:
        got = getattr(samples, "shape", type(samples).__name__)
        got = tuple(got) if isinstance(got, torch.Size) else got
        raise ValueError(
            f"vocoder must turn a mel of shape {shape} into a waveform of "
            f"shape ({most},); got {got}. Make mel_settings.hop_length samples "
            "of each frame, without other axes."
        )
