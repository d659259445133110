"""A generator of HiFi-GAN as a folder that SpeechBrain's ``HIFIGAN`` loads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.tag import Tag
from speechbrain.lobes.models.HifiGAN import HifiganGenerator

V1 = {
    "in_channels": 80,
    "out_channels": 1,
    "resblock_type": "1",
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "resblock_kernel_sizes": [3, 7, 11],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "upsample_initial_channel": 512,
    "upsample_factors": [8, 8, 2, 2],
}
"""Arguments of the generator that the paper calls V1."""

_PRETRAINER = "speechbrain.utils.parameter_transfer.Pretrainer"
# what SpeechBrain's weight norm calls what others call so
_NAMES = {"weight_g": "original0", "weight_v": "original1"}


def write_hifigan(
    folder: str | Path,
    weights: Mapping[str, torch.Tensor],
    arguments: Mapping[str, Any] = V1,
    **stated: Any,
) -> Path:
    """Write the folder.

    Arguments
    ---------
    folder : str or Path
        Made if it is not there.
    weights : mapping
        The generator's state.
    arguments : mapping
        Those of ``HifiganGenerator``.
    **stated : Any
        What else its YAML says, such as ``sample_rate``.

    Returns
    -------
    folder : Path
        The same.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    generator = _new(
        f"{HifiganGenerator.__module__}.HifiganGenerator", arguments
    )
    generators = {"generator": generator}
    content = CommentedMap({**stated, **generators, "modules": generators})
    content["pretrainer"] = _new(_PRETRAINER, {"loadables": generators})
    with open(folder / "hyperparams.yaml", "w", encoding="utf-8") as stream:
        YAML().dump(content, stream)
    torch.save(dict(weights), folder / "generator.ckpt")
    return folder


def as_speechbrain(
    weights: Mapping[str, torch.Tensor],
) -> dict[str, torch.Tensor]:
    """Rename the weights of the authors' implementation.

    Arguments
    ---------
    weights : mapping
        Such as ``resblocks.0.convs1.0.weight_g``, with weight norm.

    Returns
    -------
    weights : dict
        The state of a ``HifiganGenerator``.
    """
    renamed = {}
    for name, tensor in weights.items():
        layer, _, part = name.rpartition(".")
        if part in _NAMES:
            part = f"parametrizations.weight.{_NAMES[part]}"
        renamed[f"{layer}.conv.{part}"] = tensor
    return renamed


def _new(name: str, arguments: Mapping[str, Any]) -> CommentedMap:
    """Return a ``!new:`` node."""
    node = CommentedMap(arguments)
    node.yaml_set_ctag(Tag(suffix=f"!new:{name}"))
    return node
