"""Where a trained model is loaded from."""

from pathlib import Path
from typing import Union


def check_model_folder(source: Union[str, Path]) -> None:
    """Refuse a folder without a model, before a hub is asked for it.

    Arguments
    ---------
    source : str or Path
        Where a model is to be loaded from: a folder, or a repository on a
        hub.

    Raises
    ------
    ValueError
        If it looks like a folder and there is none, or is the folder of a
        whole training run.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> check_model_folder(str(folder))
    """
    path = Path(source)
    looks_local = path.parent.is_dir() or str(source).count("/") != 1
    if looks_local and not path.is_dir():
        raise ValueError(
            "a model must be a folder that a training run exported; "
            f"{source} does not exist. Give the folder model/ of the run."
        )
    exported = path / "model"
    if (exported / "model.safetensors").is_file():
        raise ValueError(
            "a model must be a folder that a training run exported; "
            f"{source} is the folder of the run itself. Give {exported}."
        )
