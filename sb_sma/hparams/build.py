"""Building the objects of a YAML file."""

import os
from types import TracebackType
from typing import Any, Dict, Optional, Union

from hyperpyyaml import load_hyperpyyaml

_YAML_LIBRARIES = ("hyperpyyaml", "ruamel", "yaml")


def build_hparams(
    path: Union[str, "os.PathLike[str]"], overrides: str
) -> Dict[str, Any]:
    """Load a file, without the loader's own calls in a traceback.

    They are dozens for every error of a class or function that the YAML names.

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
        below = _without(_YAML_LIBRARIES, error.__traceback__.tb_next)
        raise error.with_traceback(below)


def _without(
    packages: tuple[str, ...], traceback: Optional[TracebackType]
) -> Optional[TracebackType]:
    """A traceback without the calls of some packages."""
    if traceback is None:
        return None
    below = _without(packages, traceback.tb_next)
    module = traceback.tb_frame.f_globals.get("__name__", "")
    if module.partition(".")[0] in packages:
        return below
    return TracebackType(
        below, traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno
    )
