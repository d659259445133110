"""Settings that training would refuse when it has begun, refused before it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from speechbrain.utils.run_opts import RunOptions
from torch import nn

from sb_sma.inference.export import refuse_foreign
from sb_sma.losses import GuidedLayers
from sb_sma.training.recovery.checkpoint_checks import check_architecture
from sb_sma.training.recovery.disk import check_room


def check_settings(hparams: Mapping[str, Any], run_opts: RunOptions) -> None:
    """Refuse what a Brain could not train; write nothing.

    Arguments
    ---------
    hparams : mapping
        The loaded YAML of a recipe.
    run_opts : RunOptions
        Of SpeechBrain.

    Raises
    ------
    ValueError
        If there are no such layers or heads to guide, if the optimizer cannot
        be made, if the run in this folder has another architecture, if there
        is no room for checkpoints, or if something else is where the model will
        be.
    """
    refuse_foreign(Path(hparams["output_folder"]).expanduser() / "model")
    guided = hparams["guided_attention"]
    if isinstance(guided, GuidedLayers):
        guided.check(hparams["decoder_layers"], hparams["nhead"])
    try:
        hparams["opt_class"]([nn.Parameter(torch.zeros(1))])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"opt_class must be an optimizer; got one that cannot be made "
            f"({error}). Correct its arguments in the YAML file."
        ) from error
    # a trial keeps its checkpoints elsewhere
    if not run_opts.debug or run_opts.debug_persistently:
        checkpointer = hparams["checkpointer"]
        check_room(checkpointer, hparams["models"]["model"])
        check_architecture(checkpointer, hparams["models"]["model"])
        check_architecture(checkpointer, hparams["average"], "average")
