"""Checks on checkpoints before they are loaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from speechbrain.utils.checkpoints import Checkpointer
from torch import nn

from sb_sma.data.corpus.build_once import list_changes
from sb_sma.data.json_files import read_json, write_json

_START = "corpus.json"


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
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        saved = {key: tuple(value.shape) for key, value in saved.items()}
    # a file that holds something else raises errors of many kinds
    except Exception as error:
        raise ValueError(
            f"{path} must hold the weights of a model; it cannot be read "
            f"({type(error).__name__}). Remove {path.parent}, and the same "
            "command goes on from the checkpoint before."
        ) from error
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
    corpus: Mapping[str, Any],
    initial_model: str | None = None,
    remedy: str = "",
) -> None:
    """Refuse to resume a run with another start than it had.

    Arguments
    ---------
    save_folder : str or Path
        Where the run's checkpoints are, and what `remember_start` has written.
    corpus : mapping
        ``format`` and ``parameters`` of the corpus, made or not.
    initial_model : str, optional
        Identity of the trained model that it starts from.
    remedy : str
        A sentence that tells what else a user could do.

    Raises
    ------
    ValueError
        If corpus or model differ from those that the run began with, or what
        it began with cannot be read.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> check_same_start(folder / "save", {"parameters": {"seed": 1}})
    >>> _ = (folder / "corpus.json").write_text('{"parameters": {"seed": 1}}')
    >>> remember_start(folder / "save", folder / "corpus.json")
    >>> check_same_start(folder / "save", {"parameters": {"seed": 1}})
    """
    remembered = Path(save_folder) / _START
    if not remembered.exists():
        return
    try:
        before = read_json(remembered)
        changes = list_changes(before, _start(corpus, initial_model))
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{remembered} must tell what the run began with; it is damaged. "
            "Remove it, if what is given now is what was given before, or "
            "give another --output_folder."
        ) from error
    if not changes:
        return
    given = "what was given before"
    utterances = corpus["parameters"].get("utterances")
    if utterances != before.get("parameters", {}).get("utterances"):
        given += (
            ": a manifest (metadata.csv, CSV or JSON) that lists the "
            "recordings of then, unchanged, and no others"
        )
    raise ValueError(
        f"The run in {save_folder} began with something else: "
        f"{'; '.join(changes)}. Give another --output_folder, or {given}. "
        f"{remedy}".rstrip()
    )


def remember_start(
    save_folder: str | Path,
    corpus_file: str | Path,
    initial_model: str | None = None,
) -> None:
    """Keep what a run begins with, for `check_same_start`.

    Arguments
    ---------
    save_folder : str or Path
        Where the run's checkpoints will be.
    corpus_file : str or Path
        ``corpus.json`` of its corpus.
    initial_model : str, optional
        Identity of the trained model that it starts from.
    """
    corpus = read_json(corpus_file)
    path = Path(save_folder) / _START
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    write_json(new, _start(corpus, initial_model))
    new.replace(path)


def check_trial(save_folder: str | Path) -> None:
    """Refuse to try a run out where one has begun in earnest.

    SpeechBrain's ``--debug`` keeps its checkpoints elsewhere, but logs, report
    and exported model would take the place of those of the run.

    Arguments
    ---------
    save_folder : str or Path
        Where the run's checkpoints are.

    Raises
    ------
    ValueError
        If there is such a run.

    Example
    -------
    >>> check_trial(getfixture("tmp_path"))
    """
    if (Path(save_folder) / _START).exists():
        raise ValueError(
            f"--debug would replace logs, report and model of the run in "
            f"{save_folder}. Give another --output_folder."
        )


def _start(
    corpus: Mapping[str, Any], initial_model: str | None
) -> dict[str, Any]:
    parameters = dict(corpus["parameters"])
    if initial_model is not None:
        parameters["initial_model"] = initial_model
    return {**corpus, "parameters": parameters}
