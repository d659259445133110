"""Where the weights of a vocoder come from: a folder, or a name on a hub."""

import re
from pathlib import Path

LJSPEECH = "speechbrain/tts-hifigan-ljspeech"
"""SpeechBrain's HiFi-GAN V1 for the voice of LJSpeech."""

HYPERPARAMS = "hyperparams.yaml"

_MAYBE_ON_A_HUB = re.compile(r"(?![.~])[\w.-]+/[\w.-]+", re.ASCII)


def check_vocoder_source(source: str | Path) -> None:
    """Refuse a folder without a vocoder, before a hub is asked for it.

    Arguments
    ---------
    source : str or Path
        A folder; or ``owner/name`` on a hub, unless ``owner`` is a folder here.

    Raises
    ------
    ValueError
        If it must be a folder and there is none, or one that holds none.

    Example
    -------
    >>> check_vocoder_source("speechbrain/tts-hifigan-ljspeech")
    >>> check_vocoder_source("./hifigan")
    Traceback (most recent call last):
    ...
    ValueError: vocoder_source must be a folder, or a name on a hub such as speechbrain/tts-hifigan-ljspeech; ./hifigan does not exist. Give the folder that holds hyperparams.yaml.
    """
    path = Path(source)
    if path.is_dir():
        if (path / HYPERPARAMS).is_file():
            return
        problem = f"holds no {HYPERPARAMS}"
    elif path.exists():
        problem = "is a file"
    elif _MAYBE_ON_A_HUB.fullmatch(str(source)) and not path.parent.is_dir():
        return
    else:
        problem = "does not exist"
    raise ValueError(
        "vocoder_source must be a folder, or a name on a hub such as "
        f"{LJSPEECH}; {source} {problem}. Give the folder that holds "
        f"{HYPERPARAMS}."
    )
