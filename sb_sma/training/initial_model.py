"""The trained model that a training starts from, of whatever kind it is."""

import hashlib
import json
import os
import pydoc
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from ruamel.yaml import YAML
from torch import nn

from sb_sma.data.problems import abridged
from sb_sma.inference.load_exported import ExportedModel, read_exported_yaml
from sb_sma.inference.model_folder import check_model_folder
from sb_sma.inference.weights import to_bytes

ABSENT = "absent"

Kind = TypeVar("Kind", bound=ExportedModel)


def load_exported(
    source: str, kind: type[Kind], model: nn.Module | None = None
) -> tuple[Kind, Mapping[str, Any]]:
    """Load the exported model that a training starts from.

    Arguments
    ---------
    source : str
        Its folder, or a repository on a hub.
    kind : type
        What loads it, such as ``sb_sma.inference.TTS``.
    model : nn.Module, optional
        Of this run, whose classes the trained one may name, too.

    Returns
    -------
    initial : ExportedModel
        On the CPU.
    settings : mapping
        What it is built of, nothing built: the nodes of its YAML.

    Raises
    ------
    ValueError
        If there is no such model, or it is of another kind.
    """
    source = os.path.expanduser(source)
    check_model_folder(source, prefer_folder=True)
    try:
        settings = YAML().load(read_exported_yaml(source))
        lacking = [name for name in kind.HPARAMS_NEEDED if name not in settings]
        if lacking:
            raise ValueError(
                f"initial_model must be a {kind.__name__} model; {source} "
                f"lacks {', '.join(lacking)}. Give one that a run of this "
                "recipe exported."
            )
        initial = kind.from_hparams(
            source=source,
            trusted=_classes_of(model),
            run_opts={"device": "cpu"},
        )
    except OSError as error:
        raise ValueError(
            "initial_model must be the folder model/ of a training run, or a "
            f"repository on a hub; got '{source}', which is no folder here and "
            f"is not found on the hub ({type(error).__name__})."
        ) from error
    return initial, settings


def _classes_of(model: nn.Module | None) -> list[str]:
    """Name the classes of a model that stand where they can be found."""
    kinds = {type(module) for module in model.modules()} if model else set()
    names = {f"{kind.__module__}.{kind.__qualname__}": kind for kind in kinds}
    return [name for name, kind in names.items() if pydoc.locate(name) is kind]


def digest(model: nn.Module, tables: Sequence[Sequence[str]]) -> str:
    """Tell models apart by all that training takes from them.

    Arguments
    ---------
    model : nn.Module
        With its trained weights.
    tables : sequence
        Of the symbols that its rows belong to.

    Returns
    -------
    digest : str
        Begin of the SHA-256.
    """
    content = to_bytes(model) + json.dumps(tables).encode()
    return hashlib.sha256(content).hexdigest()[:12]


def refuse_differing(
    theirs: Mapping[str, Any], ours: Mapping[str, Any]
) -> None:
    """Refuse a run whose settings are not those of the trained model.

    Arguments
    ---------
    theirs : mapping
        Of the trained model.
    ours : mapping
        Of this run; what it does not name is not compared.

    Raises
    ------
    ValueError
        If a value is another; all of them are named.

    Example
    -------
    >>> refuse_differing({"nhead": 4, "d_model": 8}, {"nhead": 2, "d_model": 8})
    Traceback (most recent call last):
    ...
    ValueError: initial_model must have the settings of this run; got nhead: 4 there, 2 here. Give the YAML and overrides that it was trained with.
    """
    differing = [
        f"{name}: {theirs.get(name, ABSENT)} there, {value} here"
        for name, value in ours.items()
        if theirs.get(name, ABSENT) != value
    ]
    if differing:
        raise ValueError(
            "initial_model must have the settings of this run; got "
            f"{abridged(differing, '; ')}. Give the YAML and overrides that it "
            "was trained with."
        )
