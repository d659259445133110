"""What the commands that run a trained model share."""

from pathlib import Path


def check_model(model: str) -> None:
    """Refuse a folder that does not exist, before a hub is asked for it.

    Arguments
    ---------
    model : str
        What ``--model`` was given.

    Raises
    ------
    ValueError
        If it looks like a folder, and there is none.

    Example
    -------
    >>> check_model(str(getfixture("tmp_path")))
    """
    path = Path(model)
    looks_local = path.parent.is_dir() or model.count("/") != 1
    if looks_local and not path.is_dir():
        raise ValueError(
            f"--model must be a folder that a training run exported; {model} "
            "does not exist."
        )
