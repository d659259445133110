"""What the pages of all runs share: the command, the versions, the curves."""

import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import torch
from matplotlib.figure import Figure

from sb_sma import __version__
from sb_sma.plots.figures import plot_curves


def describe_command() -> str:
    """Return the command of this run, as it can be typed again.

    Returns
    -------
    command : str
        Begins with python.

    Example
    -------
    >>> describe_command().split()[0]
    'python'
    """
    return shlex.join(["python", *sys.orig_argv[1:]])


def describe_versions() -> dict[str, str]:
    """Return versions and machine that a result was made with.

    Returns
    -------
    versions : dict of str to str
        Package or part to version.

    Example
    -------
    >>> sorted(describe_versions())[:2]
    ['machine', 'numpy']
    """
    names = ("speechbrain", "torch", "torchaudio", "numpy")
    versions = {"sb_sma": __version__, **{n: version(n) for n in names}}
    versions["python"] = platform.python_version()
    versions["machine"] = (
        f"{platform.system()} {platform.machine()}, "
        f"{torch.get_num_threads()} threads"
    )
    return versions


def draw_history(
    history: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[Figure]:
    """Draw how the figures of the epochs moved, training beside validation.

    Arguments
    ---------
    history : sequence of mapping
        Records of `sb_sma.training.history.History`.
    names : sequence of str
        What to draw of each record's ``train`` and ``valid``, in this order;
        what no record has is passed over.

    Returns
    -------
    figures : list of Figure
        One, or none where there is nothing to draw.

    Example
    -------
    >>> records = [
    ...     {"epoch": 1, "minutes": 2.0, "train": {"loss": 0.5}, "valid": {}}
    ... ]
    >>> [figure.get_label() for figure in draw_history(records, ["loss"])]
    ['Curves over the minutes: loss']
    >>> draw_history(records, ["per"])
    []
    """
    rows = [
        {
            "minutes": record["minutes"],
            **{
                f"{part}/{name}": record[part][name]
                for name in names
                for part in ("train", "valid")
                if name in record[part]
            },
        }
        for record in history
    ]
    if all(len(row) == 1 for row in rows):
        return []
    return [plot_curves(rows, x="minutes")]
