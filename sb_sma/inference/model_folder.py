"""Where a trained model is loaded from."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

_MAYBE_ON_A_HUB = re.compile(r"(?![.~])[\w.-]+(?:/[\w.-]+)?", re.ASCII)


# a key of the YAML that models of a kind alone have, and who takes them
_KINDS = {
    "mel_settings": (
        "speaks (TTS)",
        "sb-sma synthesize, book, evaluate, demo or serve; in Python, sb_sma.TTS",
    ),
    "grapheme_tokenizer": (
        "pronounces words (G2P)",
        "sb-sma g2p; in Python, sb_sma.inference.G2P",
    ),
}


class ModelFolderError(ValueError):
    """The folder of an exported model is damaged, or is not to be trusted."""


def check_model_folder(source: Any, prefer_folder: bool = False) -> None:
    """Refuse a folder without a model, before a hub is asked for it.

    Arguments
    ---------
    source : str, Path or other
        Where a model is to be loaded from: a folder, or what else SpeechBrain
        fetches, such as a repository on a hub.
    prefer_folder : bool
        Whether ``name`` and ``owner/name``, which may be either, are folders
        where their parent is one.

    Raises
    ------
    ValueError
        If it must be a folder and there is none, or it is the folder of a whole
        training run, or one without a model.

    Example
    -------
    >>> check_model_folder("someone/some-model")
    >>> check_model_folder("results/tts/SMA/model")
    Traceback (most recent call last):
    ...
    ValueError: a model must be a folder that a training run exported; results/tts/SMA/model does not exist. Give the folder model/ of the run.
    """
    name = str(source)
    if not isinstance(source, (str, Path)) or "://" in name:
        return
    path = Path(name)
    must_be_folder = (
        path.exists()
        or not _MAYBE_ON_A_HUB.fullmatch(name)
        or (prefer_folder and path.parent.is_dir())
    )
    if must_be_folder and not path.is_dir():
        problem = "is a file" if path.exists() else "does not exist"
        raise ValueError(
            "a model must be a folder that a training run exported; "
            f"{source} {problem}. Give the folder model/ of the run."
        )
    exported = path / "model"
    if (exported / "model.safetensors").is_file():
        raise ValueError(
            "a model must be a folder that a training run exported; "
            f"{source} is the folder of the run itself. Give {exported}."
        )
    kinds = {each.suffix for each in path.glob("*")}
    if path.is_dir() and not kinds & {".yaml", ".safetensors"}:
        raise ValueError(
            "a model must be a folder that a training run exported; "
            f"{source} has no hyperparams.yaml. Give the folder model/ of the run."
        )


def check_kind(
    found: Collection[str], needed: Collection[str], source: Any
) -> None:
    """Refuse a model of another kind than the one that is loaded.

    Arguments
    ---------
    found : collection of str
        Keys of the YAML.
    needed : collection of str
        Keys that a model of this kind must have.
    source : str, Path or other
        Where the model is from, for the error.

    Raises
    ------
    ValueError
        If it is a model of another kind.

    Example
    -------
    >>> check_kind(["mel_settings"], ["grapheme_tokenizer"], "DIR")
    Traceback (most recent call last):
    ...
    ValueError: a model that pronounces words (G2P) is needed here; DIR holds one that speaks (TTS). Give it to sb-sma synthesize, book, evaluate, demo or serve; in Python, sb_sma.TTS.
    """
    for key, (task, takers) in _KINDS.items():
        wanted = [_KINDS[name][0] for name in _KINDS if name in needed]
        if key in found and key not in needed and wanted:
            raise ValueError(
                f"a model that {wanted[0]} is needed here; {source} holds one "
                f"that {task}. Give it to {takers}."
            )
