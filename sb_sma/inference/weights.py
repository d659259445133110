"""Model weights as safetensors, through SpeechBrain's Pretrainer."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from speechbrain.utils.parameter_transfer import Pretrainer
from torch import nn

SUFFIX = ".safetensors"
JSON_SUFFIX = ".json"


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
        If a weight is not finite.
    """
    for name, tensor in model.state_dict().items():
        if not tensor.isfinite().all():
            raise ValueError(
                f"A model must have finite weights; got {name}, which has "
                "others. It is not exported. Train it with a lower lr."
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
    """
    model.load_state_dict(load_file(str(path)))


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


def _load_tokenizer(tokenizer: Any, path: str | Path) -> None:
    """Read what the tokenizer's own ``save`` wrote."""
    tokenizer.load(path)
