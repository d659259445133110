"""The vocoder of an exported model: how it is kept, and how it is found again."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sb_sma.inference.model_folder import ModelFolderError
from sb_sma.vocoders.registry import Vocoder, make_vocoder
from sb_sma.vocoders.source import LJSPEECH

_FOLDER = "vocoder"


def export_vocoder(resolved: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Copy the folder that the vocoder was loaded from, if it was one.

    Arguments
    ---------
    resolved : mapping
        The training YAML, references resolved.
    folder : Path
        Of the exported model.

    Returns
    -------
    settings : dict
        What the exported YAML says of the vocoder; nothing where the training
        YAML has none.
    """
    if "vocoder" not in resolved:
        return {}
    settings = {"vocoder": resolved["vocoder"]}
    if settings["vocoder"] == "hifigan":
        source = settings["vocoder_source"] = resolved["vocoder_source"]
        if Path(source).is_dir():
            shutil.copytree(source, folder / _FOLDER)
            settings["vocoder_source"] = _FOLDER
    return settings


def choose_vocoder(
    hparams: SimpleNamespace,
    vocoder: str | Callable[..., Vocoder] | None,
    source: str | Path | None,
    trusted: bool = False,
) -> Vocoder:
    """Make that of the training run, or another that is asked for.

    Arguments
    ---------
    hparams : SimpleNamespace
        The loaded YAML of an exported model, and the ``source`` of that.
    vocoder : str or Callable, optional
        As of `make_vocoder`. Default: that of the training run.
    source : str or Path, optional
        Of hifigan's weights. Default: that of the training run.
    trusted : bool
        As `sb_sma.vocoders.HiFiGAN` takes it.

    Returns
    -------
    vocoder : Callable
        As of `make_vocoder`.

    Raises
    ------
    ValueError
        If there is no such vocoder, it is of other mels, `source` is given
        to one that has none, or a folder that is not trusted names one that
        lies elsewhere.
    """
    if vocoder is None:
        # folders without this key are older than the choice
        vocoder = getattr(hparams, "vocoder", "griffin_lim")
    if source is not None and vocoder != "hifigan":
        raise ValueError(
            f"vocoder_source is for vocoder hifigan; got {source} for "
            f"{vocoder}. Leave it out, or choose hifigan."
        )
    if source is None and vocoder == "hifigan":
        source = getattr(hparams, "vocoder_source", LJSPEECH)
        if source == _FOLDER:
            source = Path(hparams.source) / source
        elif source != LJSPEECH and not trusted:
            raise ModelFolderError(
                f"{hparams.source} names a vocoder that is not in its folder, "
                f"{str(source)!r:.200}. If you know it, name it yourself: "
                "vocoder_source (sb-sma: --vocoder_source); or load the model "
                "with trusted=True (sb-sma: --trust_model) if you know who "
                "made it."
            )
    options = {"griffin_lim": {"iterations": hparams.griffin_lim_iterations}}
    if source is not None:
        options["hifigan"] = {"source": source, "trusted": trusted}
    return make_vocoder(vocoder, options, hparams.mel_settings)
