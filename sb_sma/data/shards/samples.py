"""What a sample of a shard is called, and how it is read.

It is ``KEY.json``, the entry of an utterance, and ``KEY.npy``, its mel; the key
has its place and a checksum of both.
"""

import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sb_sma.data.shards.manifest import ShardManifest
from sb_sma.data.shards.package import load_webdataset


def sample_key(position: int, *contents: bytes) -> str:
    """Name a sample by its place and what is in it.

    Arguments
    ---------
    position : int
        In its shard, counted from 0.
    *contents : bytes
        Its files, in order.

    Returns
    -------
    key : str
        The beginning of the names of its files.

    Example
    -------
    >>> sample_key(12, b"abc")
    '000012_352441c2'
    """
    checksum = 0
    for content in contents:
        checksum = zlib.crc32(content, checksum)
    return f"{position:06d}_{checksum:08x}"


def read_samples(
    manifest: ShardManifest, shard: int, indices: Sequence[int]
) -> Iterator[tuple[int, dict[str, Any], torch.Tensor]]:
    """Read some utterances of a shard.

    Arguments
    ---------
    manifest : ShardManifest
        What is in the shards.
    shard : int
        Which one.
    indices : sequence of int
        Of the utterances.

    Returns
    -------
    samples : iterator of (int, dict, torch.Tensor)
        Index, entry and mel (M, C) of each, as they come.

    Raises
    ------
    ValueError
        If the shard is missing, cut or damaged.
    """
    path = manifest.shard_path(shard)
    missing = {int(manifest.positions[index]): int(index) for index in indices}
    try:
        for position, entry, mel in _read(path, frozenset(missing)):
            yield missing.pop(position), entry, mel
    except (OSError, ValueError, LookupError, tarfile.TarError) as error:
        raise _unreadable(path, error) from error
    if missing:
        raise _unreadable(path, f"{len(missing)} utterances are missing")


def read_mels(manifest: ShardManifest) -> Iterator[torch.Tensor]:
    """Read all mels once, in the order of the shards.

    Arguments
    ---------
    manifest : ShardManifest
        What is in the shards.

    Returns
    -------
    mels : iterator of torch.Tensor
        Each (M, C).
    """
    for shard in range(len(manifest.names)):
        own = manifest.in_shard(shard)
        for _, _, mel in read_samples(manifest, shard, own) if len(own) else ():
            yield mel


def _read(
    path: Path, wanted: frozenset[int]
) -> Iterator[tuple[int, dict[str, Any], torch.Tensor]]:
    """Give place, entry and mel of the samples that are wanted of a shard."""
    tar = load_webdataset().tariterators
    with open(path, "rb") as stream:
        files = tar.tar_file_expander(
            [{"url": str(path), "stream": stream}],
            select_files=lambda name: _place(name) in wanted,
        )
        for sample in tar.group_by_keys(files):
            key = sample["__key__"]
            contents = sample.get("json", b""), sample.get("npy", b"")
            position = _place(key)
            if sample_key(position, *contents) != key:
                raise ValueError(f"the content of {key} is damaged")
            entry = json.loads(contents[0])
            if entry["shard"] != path.name:
                raise ValueError(f"{key} is of {entry['shard']}")
            mel = np.load(io.BytesIO(contents[1]))
            yield position, entry, torch.from_numpy(mel)


def _place(name: str) -> int:
    return int(name.partition("_")[0])


def _unreadable(path: Path, reason: object) -> ValueError:
    return ValueError(
        f"The shard {path} cannot be read: {reason}. Put the file back, or "
        f"remove its corpus (sb-sma corpora --remove {path.parent.parent.name})"
        ", and the next run makes it anew."
    )
