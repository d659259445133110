"""Whether what a checkpoint holds is what was written.

Beside its files lies ``digests.json``, a hash of each. A checkpoint of an
earlier version has none; of it, the checksums that PyTorch's files bear are
compared.
"""

import functools
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sb_sma.data.corpus.digests import sha256_of, state_of
from sb_sma.data.json_files import read_json, write_json
from sb_sma.finite import find_nonfinite

DIGESTS = "digests.json"
_ARCHIVE = b"PK"


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
    for path in sorted(folder.rglob("*")):
        flush(path)
        if path.is_dir():
            continue
        damage = _damage_of_archive(path)
        if damage:
            raise OSError(f"{path}: {damage}")
        name = path.relative_to(folder).as_posix()
        digests[(names or {}).get(name, name)] = _digest(path)
    write_json(folder / DIGESTS, digests)
    flush(folder / DIGESTS)
    flush(folder)


def flush(path: Path) -> None:
    """See a file, or the names in a folder, on the disk.

    Arguments
    ---------
    path : Path
        Of either.

    Example
    -------
    >>> flush(getfixture("tmp_path"))
    """
    if path.is_dir() and os.name == "nt":
        return  # which opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
        paths = sorted(filter(Path.is_file, folder.rglob("*")))
        damages = (_damage_of_unsealed(path) or _bad_in(path) for path in paths)
        return next(filter(None, damages), None)
    try:
        digests = dict(read_json(sealed))
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
        If one of them has a number that is NaN, or infinite and no buffer.
    """
    for name, part in parts.items():
        if not isinstance(part, (torch.nn.Module, torch.optim.Optimizer)):
            continue
        buffers = getattr(part, "named_buffers", dict)()
        found = find_nonfinite(
            part.state_dict(), may_be_infinite={key for key, _ in buffers}
        )
        if found:
            raise ValueError(
                f"Nothing is saved in {folder}, since {name}.{found} is not "
                "finite. "
                "What was saved before is as it was, and the same command goes "
                "on from there. Lower lr, or look for utterances that are not "
                "finite."
            )


def _damage_of_unsealed(path: Path) -> str | None:
    """Say what can be seen of a file alone."""
    try:
        if not path.stat().st_size:
            return f"{path.name} is empty"
    except OSError as error:
        return f"{path.name} cannot be read ({error.strerror})"
    return _damage_of_archive(path)


def _damage_of_archive(path: Path) -> str | None:
    """Compare the checksums of a file of PyTorch's."""
    try:
        with open(path, "rb") as file:
            if file.read(len(_ARCHIVE)) != _ARCHIVE:
                return None
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    # an archive that is damaged raises errors of many kinds
    except Exception as error:
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
    return sha256_of(path)
