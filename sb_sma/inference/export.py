"""Writes a trained model as a folder of its own."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence, Tuple, Union

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from torch import nn

from sb_sma.inference.weights import SUFFIX, save_weights

_HEADER = """Made by sb_sma. Load it with
sb_sma.inference.TTS.from_hparams(source=THIS_FOLDER)"""
_NEW = "!new:"


def export_tts(
    folder: Union[str, Path],
    resolved_yaml: str,
    model: nn.Module,
    symbols: Sequence[str],
    settings: Dict[str, Any],
) -> None:
    """Write everything that speaking needs; the folder can be moved.

    Arguments
    ---------
    folder : str or Path
        Replaced if it is there.
    resolved_yaml : str
        The training YAML, includes and references resolved (by
        ``hyperpyyaml.resolve_references``); its ``models`` part is kept.
    model : nn.Module
        The model with its trained weights.
    symbols : sequence of str
        The token table.
    settings : dict
        Numbers of the features, the voice and the stop rule: each value is a
        plain number, or a (class path, keyword arguments) pair.
    """
    folder = Path(folder)
    building = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    save_weights(model, building / f"model{SUFFIX}")
    with open(building / "hyperparams.yaml", "w", encoding="utf-8") as stream:
        YAML().dump(_inference_yaml(resolved_yaml, symbols, settings), stream)
    shutil.rmtree(folder, ignore_errors=True)
    building.rename(folder)


def speaking_settings(hparams: Mapping[str, Any]) -> Dict[str, Any]:
    """Collect what the exported YAML needs besides the model.

    Arguments
    ---------
    hparams : mapping
        The loaded training YAML. Of several voices the first is taken, of a
        range of rates the middle.

    Returns
    -------
    settings : dict
        For `export_tts`.
    """
    voice, rate = hparams["voice"], hparams["rate"]
    return {
        "griffin_lim_iterations": hparams["griffin_lim_iterations"],
        "mel_settings": _as_node(hparams["mel_settings"]),
        "voice_settings": (
            "sb_sma.data.espeak.VoiceSettings",
            {
                "voice": voice if isinstance(voice, str) else voice[0],
                "rate": rate if isinstance(rate, int) else sum(rate) // 2,
            },
        ),
        "decoding": _as_node(hparams["decoding"]),
        "stop_rule": _as_node(hparams["stop_rule"]),
    }


def _as_node(settings: Any) -> Tuple[str, Dict[str, Any]]:
    """Class path and keyword arguments of a dataclass."""
    kind = type(settings)
    return f"{kind.__module__}.{kind.__qualname__}", asdict(settings)


def _inference_yaml(
    resolved_yaml: str, symbols: Sequence[str], settings: Dict[str, Any]
) -> CommentedMap:
    """The model's part of the YAML, with what speaking needs beside it."""
    content = YAML().load(resolved_yaml)["models"]
    content.yaml_set_start_comment(_HEADER)
    content["modules"] = {"model": content["model"]}
    loadables = {"loadables": {"model": content["model"]}}
    made = {
        "tokens": (
            "sb_sma.data.text.TokenTable",
            {"symbols": list(symbols)},
        ),
        "pretrainer": (
            "sb_sma.inference.weights.SafetensorsPretrainer",
            loadables,
        ),
        **settings,
    }
    for name, value in made.items():
        content[name] = _new(*value) if isinstance(value, tuple) else value
    return content


def _new(class_path: str, arguments: Dict[str, Any]) -> CommentedMap:
    """A ``!new:`` node."""
    node = CommentedMap(arguments)
    node.yaml_set_ctag(_tag(class_path))
    return node


def _tag(class_path: str):
    """The tag ``!new:class.path`` as ruamel keeps it."""
    from ruamel.yaml.tag import Tag

    return Tag(suffix=_NEW + class_path)
