"""Checks on checkpoints before they are loaded."""

import json
from pathlib import Path

import torch
from speechbrain.utils.checkpoints import Checkpointer
from torch import nn

from sb_sma.data.build_once import list_changes, write_json


def check_architecture(
    checkpointer: Checkpointer | None, model: nn.Module, name: str = "model"
) -> None:
    """Refuse to resume from a checkpoint of another architecture.

    Arguments
    ---------
    checkpointer : speechbrain.utils.checkpoints.Checkpointer, optional
        Nothing is checked without one, or without a checkpoint.
    model : nn.Module
        What would be filled.
    name : str
        The model's name among the checkpointer's recoverables.

    Raises
    ------
    ValueError
        If the checkpoint has no such model, or a parameter is missing,
        superfluous or of another shape.
    """
    checkpoint = checkpointer and checkpointer.find_checkpoint()
    if not checkpoint:
        return
    if name not in checkpoint.paramfiles:
        raise ValueError(
            f"The checkpoint {checkpoint.path} holds no '{name}': it is of "
            "another recipe. Give another --output_folder."
        )
    path = checkpoint.paramfiles[name]
    saved = torch.load(path, map_location="cpu", weights_only=True)
    saved = {key: tuple(value.shape) for key, value in saved.items()}
    wanted = {
        key: tuple(value.shape) for key, value in model.state_dict().items()
    }
    differing = [
        f"{key}: {saved.get(key, 'absent')} in the checkpoint, "
        f"{wanted.get(key, 'absent')} in the model"
        for key in sorted({*saved, *wanted})
        if saved.get(key) != wanted.get(key)
    ]
    if differing:
        raise ValueError(
            f"The checkpoint {path} is of another architecture: "
            f"{len(differing)} parameters differ, such as {differing[0]}. "
            "Give another --output_folder, or the YAML and overrides that "
            "the run was started with."
        )


def check_same_start(
    save_folder: str | Path,
    corpus_file: str | Path,
    initial_model: str | None = None,
) -> None:
    """Refuse to resume a run with another start than it had.

    Arguments
    ---------
    save_folder : str or Path
        Where the run's checkpoints are; remembers what it began with.
    corpus_file : str or Path
        ``corpus.json`` of the corpus: the parameters it was built with.
    initial_model : str, optional
        Identity of the trained model that it started from.

    Raises
    ------
    ValueError
        If corpus or model differ from those that the run began with.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "corpus.json").write_text('{"parameters": {"seed": 1}}')
    >>> check_same_start(folder / "save", folder / "corpus.json")
    >>> check_same_start(folder / "save", folder / "corpus.json")
    """
    remembered = Path(save_folder) / "corpus.json"
    now = json.loads(Path(corpus_file).read_text(encoding="utf-8"))
    if initial_model is not None:
        now["parameters"]["initial_model"] = initial_model
    if not remembered.exists():
        remembered.parent.mkdir(parents=True, exist_ok=True)
        new = remembered.with_suffix(".new")
        write_json(new, now)
        new.replace(remembered)
        return
    before = json.loads(remembered.read_text(encoding="utf-8"))
    changes = list_changes(before, now)
    if changes:
        raise ValueError(
            f"The run in {save_folder} began with something else: "
            f"{'; '.join(changes)}. Give another --output_folder, or what was "
            "given before."
        )
