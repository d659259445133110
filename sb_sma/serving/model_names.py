"""The names by which clients ask for models."""

import os
from collections.abc import Sequence
from pathlib import Path


def name_models(given: Sequence[str]) -> dict[str, str]:
    """Find the names of models, and where they are.

    Arguments
    ---------
    given : sequence of str
        ``NAME=DIR``, or ``DIR``, whose own name it is then, or that of the
        folder around a folder ``model``.

    Returns
    -------
    sources : dict of str to str
        Folder or repository by name.

    Raises
    ------
    ValueError
        If two have the same name.

    Example
    -------
    >>> name_models(["results/SMA/model", "tts-1=results/soft/model"])
    {'SMA': 'results/SMA/model', 'tts-1': 'results/soft/model'}
    """
    sources: dict[str, str] = {}
    for each in given:
        name, separator, source = each.partition("=")
        if not separator or os.path.isdir(each):
            source = each
            path = Path(os.path.abspath(each))
            name = path.name if path.name != "model" else path.parent.name
        if not name or not source:
            raise ValueError(f"--model must be DIR or NAME=DIR; got {each}.")
        if name in sources:
            raise ValueError(
                f"--model: {sources[name]} and {source} have the same name, "
                f"{name}. Give one of them another: NAME={source}."
            )
        sources[name] = source
    return sources
