"""Building the objects of a YAML file."""

import os
from types import TracebackType
from typing import Any

from hyperpyyaml import load_hyperpyyaml

_LOADERS = ("hyperpyyaml", "ruamel", "yaml")


def build_hparams(
    path: str | os.PathLike[str], overrides: str
) -> dict[str, Any]:
    """Load a file, without the loader's own calls in a traceback.

    They are dozens for every error of a class or function that the YAML names.
    An error of the loader itself keeps them.

    Arguments
    ---------
    path : path
        The YAML file.
    overrides : str
        Keys with other values, as YAML.

    Returns
    -------
    hparams : dict
        With every object built.

    Raises
    ------
    Exception
        Whatever an object that is built raises.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.yaml"
    >>> text = "whole: 1\\nhalf: !apply:operator.truediv [!ref <whole>, 2]"
    >>> _ = path.write_text(text)
    >>> build_hparams(path, "whole: 3")["half"]
    1.5
    """
    try:
        with open(path, encoding="utf-8") as stream:
            return load_hyperpyyaml(stream, overrides)
    except Exception as error:
        # Python adds this function again
        frames = _frames(error.__traceback__.tb_next)
        if _is_of_loader(frames[-1]):
            raise
        below = None
        for frame in reversed(frames):
            if not _is_of_loader(frame):
                below = TracebackType(
                    below, frame.tb_frame, frame.tb_lasti, frame.tb_lineno
                )
        raise error.with_traceback(below)


def _frames(traceback: TracebackType | None) -> list[TracebackType]:
    """From the outermost call to the innermost."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def _is_of_loader(frame: TracebackType) -> bool:
    module = frame.tb_frame.f_globals.get("__name__", "")
    return module.partition(".")[0] in _LOADERS
