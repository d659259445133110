"""The text front ends that a YAML file chooses between."""

from pathlib import Path
from typing import Callable, Dict, Optional, Sequence, Union

from sb_sma.data.espeak import VoiceSettings
from sb_sma.data.frontends import CharacterFrontend, EspeakFrontend, Frontend
from sb_sma.inference.g2p_frontend import G2PFrontend

_Builder = Callable[[VoiceSettings, Optional[str]], Frontend]

FRONTENDS: Dict[str, _Builder] = {
    "espeak": lambda settings, g2p_model: EspeakFrontend(settings),
    "characters": lambda settings, g2p_model: CharacterFrontend(),
    "g2p": lambda settings, g2p_model: _g2p_frontend(g2p_model),
}


def make_frontend(
    name: str,
    voice: Union[str, Sequence[str]] = "en-us",
    rate: Union[int, Sequence[int]] = 175,
    g2p_model: Optional[Union[str, Path]] = None,
) -> Frontend:
    """Turn the YAML word into a front end.

    Arguments
    ---------
    name : str
        A name of `FRONTENDS`.
    voice : str or sequence of str
        eSpeak NG's voice; of several the first is taken.
    rate : int or [int, int]
        eSpeak NG's words per minute; of a range the middle is taken.
    g2p_model : str or Path, optional
        Folder of an exported G2P model, for g2p.

    Returns
    -------
    frontend : Frontend
        Turns texts into tokens.

    Raises
    ------
    ValueError
        If the name is unknown, or g2p lacks its model.

    Example
    -------
    >>> make_frontend("characters").tokens("To be")
    ['t', 'o', ' ', 'b', 'e', '<end>']
    """
    if name not in FRONTENDS:
        raise ValueError(
            f"frontend must be one of {', '.join(FRONTENDS)}; got '{name}'."
        )
    if not voice:
        raise ValueError(
            f"voice must name a voice of eSpeak NG; got {voice!r}. Give "
            "'en-us'."
        )
    settings = VoiceSettings(
        voice=voice if isinstance(voice, str) else voice[0],
        rate=rate if isinstance(rate, int) else sum(rate) // 2,
    )
    return FRONTENDS[name](settings, g2p_model)


def _g2p_frontend(g2p_model: Optional[Union[str, Path]]) -> G2PFrontend:
    if g2p_model is None:
        raise ValueError(
            "frontend: g2p needs g2p_model, the folder of an exported G2P "
            "model; got none. Give --g2p_model=results/g2p/.../model, or "
            "choose another frontend."
        )
    frontend = G2PFrontend(g2p_model)
    frontend.check()
    return frontend
