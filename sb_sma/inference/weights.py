"""Model weights as safetensors, through SpeechBrain's Pretrainer."""

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from speechbrain.utils.fetching import fetch
from speechbrain.utils.parameter_transfer import Pretrainer
from torch import nn

from sb_sma.finite import find_nonfinite
from sb_sma.inference.model_folder import ModelFolderError

SUFFIX = ".safetensors"
JSON_SUFFIX = ".json"

_AGAIN = "Copy the folder or export the model again."


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Write parameters and buffers.

    Arguments
    ---------
    model : nn.Module
        What is saved.
    path : str or Path
        Where to.

    Raises
    ------
    ValueError
        If one of them is NaN, or a parameter is infinite.
    """
    buffers = {name for name, _ in model.named_buffers()}
    bad = find_nonfinite(model.state_dict(), may_be_infinite=buffers)
    if bad:
        raise ValueError(
            f"A model must have finite weights; got {bad}, which holds NaN or "
            "infinity. It is not exported. Train it with a lower lr."
        )
    # safetensors' own save_file lets nobody else read the file
    Path(path).write_bytes(to_bytes(model))


def to_bytes(model: nn.Module) -> bytes:
    """Serialize parameters and buffers.

    Arguments
    ---------
    model : nn.Module
        What is serialized.

    Returns
    -------
    content : bytes
        Of a safetensors file.
    """
    return save(
        {
            name: tensor.detach().cpu().contiguous()
            for name, tensor in model.state_dict().items()
        }
    )


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Read what `save_weights` wrote.

    Arguments
    ---------
    model : nn.Module
        What is filled, in place.
    path : str or Path
        Where from.

    Raises
    ------
    ModelFolderError
        If the file is damaged, or is another model's.
    """
    try:
        state = load_file(str(path))
    # a file that is cut, or is something else, raises errors of many kinds
    except Exception as error:
        raise ModelFolderError(
            f"{path} must hold weights; it cannot be read ({error}). {_AGAIN}"
        ) from error
    problem = _find_misfit(model.state_dict(), state)
    if problem:
        raise ModelFolderError(
            f"{path} must hold the weights of the model that the YAML file "
            f"beside it describes; {problem}. {_AGAIN}"
        )
    model.load_state_dict(state)


def find_weights(source: Any, **how: Any) -> list[Path]:
    """Find the weights of an exported model, which a hub is asked for.

    Arguments
    ---------
    source : str, Path or other
        Folder, or repository on a hub.
    **how : object
        Of ``speechbrain.utils.fetching.fetch``.

    Returns
    -------
    paths : list of Path
        Of files that are there.
    """
    if isinstance(source, (str, Path)) and Path(source).is_dir():
        return sorted(Path(source).glob(f"*{SUFFIX}"))
    return [Path(fetch(f"model{SUFFIX}", source, **how))]


def count_weights(paths: Iterable[Path]) -> int:
    """Count the numbers that weights are, by the headers of their files.

    Arguments
    ---------
    paths : iterable of Path
        As `find_weights` finds them.

    Returns
    -------
    n_weights : int
        In all of them.

    Raises
    ------
    ModelFolderError
        If a file is damaged.
    """
    count = 0
    for path in paths:
        try:
            with safe_open(str(path), "pt") as file:
                for part in map(file.get_slice, file.keys()):
                    count += math.prod(part.get_shape())
        except Exception as error:
            raise ModelFolderError(
                f"{path} must hold weights; it cannot be read ({error}). "
                f"{_AGAIN}"
            ) from error
    return count


def _find_misfit(
    wanted: dict[str, torch.Tensor], found: dict[str, torch.Tensor]
) -> str:
    """Say how weights differ from those of a model, or are not finite."""
    for name in sorted(wanted.keys() ^ found.keys()):
        return f"{name} is {'missing' if name in wanted else 'too much'}"
    for name, tensor in wanted.items():
        shape, given = tuple(tensor.shape), found[name]
        if shape != tuple(given.shape):
            return f"{name} must have shape {shape}; got {tuple(given.shape)}"
        if tensor.is_floating_point() and not given.is_floating_point():
            return f"{name} must be of floating point; got {given.dtype}"
        # what is infinite when it is made may be so
        if find_nonfinite(given.masked_fill(tensor.isinf(), 0)) is not None:
            return f"{name} holds NaN or infinity"
    return ""


class SafetensorsPretrainer(Pretrainer):
    """SpeechBrain's Pretrainer for files that end in ``.safetensors``.

    Arguments
    ---------
    loadables : dict of str to nn.Module
        File name without its ending, and what it is loaded into.
    tokenizers : dict of str to object, optional
        The same for files that end in ``.json``; loaded with the object's own
        ``load(path)``.

    Example
    -------
    >>> SafetensorsPretrainer(loadables={"model": nn.Linear(2, 2)}).collect_in
    """

    def __init__(self, loadables: dict, tokenizers: dict | None = None):
        tokenizers = tokenizers or {}
        for name in (*loadables, *tokenizers):
            if not re.fullmatch(r"\w+", name):
                raise ValueError(
                    "files must be named by letters and digits, and lie in "
                    f"the model's folder; got {name!r}."
                )
        super().__init__(
            loadables={**loadables, **tokenizers},
            custom_hooks={
                **dict.fromkeys(loadables, load_weights),
                **dict.fromkeys(tokenizers, _load_tokenizer),
            },
        )
        self._suffixes = {
            **dict.fromkeys(loadables, SUFFIX),
            **dict.fromkeys(tokenizers, JSON_SUFFIX),
        }

    def collect_files(self, default_source=None, **kwargs):
        """Find the files in the model's folder or repository.

        Arguments
        ---------
        default_source : str or Path
            Folder, or repository on a hub.
        **kwargs
            For SpeechBrain's own method.

        Returns
        -------
        paths : dict of str to Path
            Where each file is.
        """
        self.add_paths(
            {
                name: f"{default_source}/{name}{suffix}"
                for name, suffix in self._suffixes.items()
            }
        )
        return super().collect_files(default_source, **kwargs)

    def named(self, paths: dict[str, Path]) -> dict[str, Path]:
        """Give the files that were collected their names in the folder.

        Arguments
        ---------
        paths : dict of str to Path
            As `collect_files` returns them.

        Returns
        -------
        files : dict of str to Path
            By the names that they have there.
        """
        return {
            f"{name}{self._suffixes[name]}": Path(path)
            for name, path in paths.items()
        }


def _load_tokenizer(tokenizer: Any, path: str | Path) -> None:
    """Read what the tokenizer's own ``save`` wrote."""
    tokenizer.load(path)
