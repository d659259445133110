"""The models that are measured, ours and ESPnet2's of the same size."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from hyperpyyaml import load_hyperpyyaml

from sb_sma.hparams.compose import compose

ROOT = Path(__file__).resolve().parents[2]
RECIPES = {
    "tts": ROOT / "recipes" / "Embedded" / "TTS" / "transformer",
    "g2p": ROOT / "recipes" / "CMUDict" / "G2P" / "transformer",
    "ljspeech": ROOT / "recipes" / "LJSpeech" / "TTS" / "transformer",
}
N_MELS = 80
SAME_SIZE = {
    "d_model": 192,
    "nhead": 4,
    "d_ffn": 768,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "reduction_factor": 4,
}
"""Of our model, where it is compared with ESPnet2's."""

ESPNET_COMMAND = "pip install --no-deps espnet typeguard==2.13.3"


def load_hparams(
    overrides: dict[str, Any], task: str = "tts"
) -> dict[str, Any]:
    """Load the ``hparams/train.yaml`` of a recipe.

    Arguments
    ---------
    overrides : dict of str to object
        Keys of the file with other values.
    task : str
        tts, g2p or ljspeech.

    Returns
    -------
    hparams : dict of str to object
        With everything built; the output folder is a temporary one.
    """
    recipe = str(RECIPES[task])
    if recipe not in sys.path:
        sys.path.insert(0, recipe)
    with tempfile.TemporaryDirectory() as folder:
        overrides = {"output_folder": folder, **overrides}
        path = RECIPES[task] / "hparams" / "train.yaml"
        return load_hyperpyyaml(compose(path).text, overrides)


def espnet_arguments(hparams: dict[str, Any]) -> dict[str, Any]:
    """ESPnet2's Transformer in the size of ours, everything else its own.

    Arguments
    ---------
    hparams : dict of str to object
        Ours.

    Returns
    -------
    arguments : dict of str to object
        Of ``espnet2.tts.transformer.transformer.Transformer``.
    """
    return {
        "idim": hparams["n_tokens"],
        "odim": N_MELS,
        "embed_dim": hparams["d_model"],
        "eprenet_conv_layers": hparams["encoder_prenet_layers"],
        "eprenet_conv_chans": hparams["d_model"],
        "eprenet_conv_filts": hparams["encoder_prenet_kernel_size"],
        "dprenet_layers": 2,
        "dprenet_units": hparams["d_model"],
        "elayers": hparams["encoder_layers"],
        "eunits": hparams["d_ffn"],
        "adim": hparams["d_model"],
        "aheads": hparams["nhead"],
        "dlayers": hparams["decoder_layers"],
        "dunits": hparams["d_ffn"],
        "postnet_layers": len(hparams["models"]["postnet"].convs),
        "postnet_chans": hparams["postnet_channels"],
        "postnet_filts": 5,
        "positionwise_layer_type": "linear",
        "reduction_factor": hparams["reduction_factor"],
        "eprenet_dropout_rate": hparams["dropout"],
        "dprenet_dropout_rate": hparams["prenet_dropout"],
        "postnet_dropout_rate": hparams["postnet_dropout"],
        "use_masking": True,
        "bce_pos_weight": hparams["stop_positive_weight"],
        "use_guided_attn_loss": True,
        "modules_applied_guided_attn": ["encoder-decoder"],
        "guided_attn_loss_sigma": 0.4,
    }


def count_parameters(model: torch.nn.Module) -> int:
    """Count the numbers that are trained.

    Arguments
    ---------
    model : nn.Module
        Any.

    Returns
    -------
    parameters : int
        How many.
    """
    return sum(parameter.numel() for parameter in model.parameters())
