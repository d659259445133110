"""Whether what a checkpoint holds is what was written.

Beside its files lies ``digests.json``, a hash of each. A checkpoint of an
earlier version has none; of it, the checksums that PyTorch's files bear are
compared.
"""

import functools
import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from sb_sma.data.corpus.build_once import write_json
from sb_sma.data.corpus.digests import state_of

DIGESTS = "digests.json"
_ARCHIVE = b"PK"
_CHUNK_BYTES = 2**20


def seal(folder: Path, names: dict[str, str] | None = None) -> None:
    """Write the hashes of a folder's files, and see all of it on the disk.

    Arguments
    ---------
    folder : Path
        Of a checkpoint.
    names : dict of str to str, optional
        The later name of files that are going to be renamed.

    Raises
    ------
    OSError
        If something was not written as it should be.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "model.ckpt").write_text("weights")
    >>> seal(folder)
    >>> find_damage(folder)
    >>> _ = (folder / "model.ckpt").write_text("weighty")
    >>> find_damage(folder)
    'model.ckpt is not what was written'
    """
    digests = {}
    for path in sorted(folder.iterdir()):
        _flush(path)
        damage = _damage_of_unsealed(path)
        if damage:
            raise OSError(f"{path}: {damage}")
        digests[(names or {}).get(path.name, path.name)] = _digest(path)
    write_json(folder / DIGESTS, digests)
    _flush(folder / DIGESTS)


def find_damage(folder: Path) -> str | None:
    """Compare a checkpoint with what was written.

    Arguments
    ---------
    folder : Path
        Of the checkpoint.

    Returns
    -------
    damage : str, optional
        What is missing, or other than it was; None if it is sound.
    """
    sealed = folder / DIGESTS
    if not sealed.exists():
        paths = sorted(folder.iterdir())
        damages = (_damage_of_unsealed(path) or _bad_in(path) for path in paths)
        return next(filter(None, damages), None)
    try:
        digests = dict(json.loads(sealed.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return f"{DIGESTS} cannot be read"
    for name, digest in digests.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        try:
            is_sound = _digest(path) == digest
        except OSError as error:
            return f"{name} cannot be read ({error.strerror})"
        if not is_sound:
            return f"{name} is not what was written"
    return None


def find_nonfinite(state: Any, name: str = "") -> str | None:
    """Look for a number that is NaN or infinite.

    Arguments
    ---------
    state : Any
        Tensors in mappings and sequences, such as a ``state_dict``.
    name : str
        Of what is looked at.

    Returns
    -------
    name : str, optional
        Of the first tensor that has one.

    Example
    -------
    >>> find_nonfinite({"a": torch.ones(2), "b": [torch.tensor(torch.nan)]})
    'b.0'
    """
    found = (key for key, x in _tensors(state, name) if not x.isfinite().all())
    return next(found, None)


def refuse_nonfinite(parts: Mapping[str, Any], folder: Path) -> None:
    """Refuse to save what is not finite.

    Arguments
    ---------
    parts : mapping of str to Any
        What is saved; models and optimizers are looked at.
    folder : Path
        Of all checkpoints.

    Raises
    ------
    ValueError
        If one of them has a number that is NaN or infinite.
    """
    for name, part in parts.items():
        if not isinstance(part, (torch.nn.Module, torch.optim.Optimizer)):
            continue
        found = find_nonfinite(part.state_dict(), name)
        if found:
            raise ValueError(
                f"Nothing is saved in {folder}, since {found} is not finite. "
                "What was saved before is as it was, and the same command goes "
                "on from there. Lower lr, or look for utterances that are not "
                "finite."
            )


def _tensors(state: Any, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(state, torch.Tensor):
        yield name, state
        return
    parts = ()
    if isinstance(state, dict):
        parts = state.items()
    elif isinstance(state, (list, tuple)):
        parts = enumerate(state)
    for key, part in parts:
        yield from _tensors(part, f"{name}.{key}" if name else str(key))


def _damage_of_unsealed(path: Path) -> str | None:
    """Say what can be seen of a file alone."""
    try:
        if not path.stat().st_size:
            return f"{path.name} is empty"
        with open(path, "rb") as file:
            if file.read(len(_ARCHIVE)) != _ARCHIVE:
                return None
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return f"{path.name} cannot be read ({error})"
    return f"{path.name} is damaged" if damaged else None


def _bad_in(path: Path) -> str | None:
    """Look for numbers that an earlier version has saved all the same."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # whatever else a file may hold
        return None
    found = find_nonfinite(state)
    return f"{path.name} has {found}, which is not finite" if found else None


def _digest(path: Path) -> str:
    """Hash a file, which is read once unless it has changed."""
    return _digest_in_state(str(path), *state_of(path))


@functools.lru_cache(maxsize=256)
def _digest_in_state(path: str, *state: int) -> str:
    del state  # another one is another file
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            hashed.update(chunk)
    return hashed.hexdigest()


def _flush(path: Path) -> None:
    """See a file on the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
