"""The manifest of a split in shards, of which no more is held than is needed.

``train.jsonl`` has an utterance a line: its entry, with its ``id``, its
``shard`` and its ``position`` in it. ``shards.json`` has the bytes of each file.
"""

import json
from array import array
from collections.abc import Container, ItemsView, Iterator, Mapping, ValuesView
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

SHARDS = "shards"
SHARD_MANIFEST = "{}.jsonl"


class ShardManifest(Mapping):
    """Entries by name, read from their lines when they are asked for.

    Loops over it read the file; what a sampler needs of each utterance is held
    as numbers.

    Arguments
    ---------
    path : Path
        The file of lines; ``shards/`` is beside it.

    Raises
    ------
    ValueError
        If a line is none that was written here.

    Attributes
    ----------
    lengths : np.ndarray
        Mel frames of each utterance.
    shards : np.ndarray
        Which of `names` has it.
    positions : np.ndarray
        Its place in the shard, counted from 0.
    names : list of str
        The shards' files.

    Example
    -------
    >>> path = getfixture("tmp_path") / "train.jsonl"
    >>> entry = {"id": "a", "shard": "0.tar", "position": 0, "mel_length": 7}
    >>> _ = path.write_text(json.dumps(entry) + "\\n")
    >>> manifest = ShardManifest(path)
    >>> manifest["a"]["mel_length"], manifest.lengths
    (7, array([7], dtype=int32))
    """

    def __init__(self, path: Path):
        self.path = path
        self.names: list[str] = []
        offsets, lengths = array("q"), array("i")
        shards, positions = array("i"), array("i")
        known: dict[str, int] = {}
        for offset, entry in self._lines():
            try:
                shard = known.setdefault(entry["shard"], len(known))
                lengths.append(entry["mel_length"])
                positions.append(entry["position"])
            except (LookupError, TypeError) as error:
                raise self._damaged(len(offsets)) from error
            shards.append(shard)
            offsets.append(offset)
        self.names = list(known)
        self._offsets = np.frombuffer(offsets, np.int64)
        self.lengths = np.frombuffer(lengths, np.int32)
        self.shards = np.frombuffer(shards, np.int32)
        self.positions = np.frombuffer(positions, np.int32)

    def shard_path(self, shard: int) -> Path:
        """Tell where a shard is.

        Arguments
        ---------
        shard : int
            Index into `names`.

        Returns
        -------
        path : Path
            Its tar file.
        """
        return self.path.parent / SHARDS / self.names[shard]

    def in_shard(self, shard: int) -> np.ndarray:
        """Tell which utterances a shard has.

        Arguments
        ---------
        shard : int
            Index into `names`.

        Returns
        -------
        indices : np.ndarray
            Of those of this manifest.
        """
        order, ends = self._by_shard
        return order[ends[shard - 1] if shard else 0 : ends[shard]]

    def without(self, names: Container[str]) -> "ShardManifest":
        """Leave some utterances out; the files stay as they are.

        Arguments
        ---------
        names : container of str
            Of those that go.

        Returns
        -------
        manifest : ShardManifest
            Of the others.
        """
        kept = np.fromiter((name not in names for name in self), bool)
        others = object.__new__(ShardManifest)
        others.path, others.names = self.path, self.names
        for part in ("_offsets", "lengths", "shards", "positions"):
            setattr(others, part, getattr(self, part)[kept])
        return others

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[str]:
        return (entry["id"] for entry in self.values())

    def __getitem__(self, name: str) -> dict[str, Any]:
        offset = self._offsets[self._indices[name]]
        with open(self.path, "rb") as file:
            file.seek(offset)
            return json.loads(file.readline())

    def items(self) -> ItemsView:
        """Return all pairs of name and entry, read one by one.

        Returns
        -------
        items : ItemsView
            In the order of the file.
        """
        return _Items(self)

    def values(self) -> ValuesView:
        """Return all entries, read one by one.

        Returns
        -------
        values : ValuesView
            In the order of the file.
        """
        return _Values(self)

    @cached_property
    def _by_shard(self) -> tuple[np.ndarray, np.ndarray]:
        counts = np.bincount(self.shards, minlength=len(self.names))
        return np.argsort(self.shards, kind="stable"), counts.cumsum()

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self)}

    def _entries(self) -> Iterator[dict[str, Any]]:
        kept = iter(self._offsets.tolist())
        wanted = next(kept, None)
        for offset, entry in self._lines():
            if offset == wanted:
                yield entry
                wanted = next(kept, None)

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        offset = 0
        with open(self.path, "rb") as file:
            for number, line in enumerate(file):
                try:
                    yield offset, json.loads(line)
                except ValueError as error:
                    raise self._damaged(number) from error
                offset += len(line)

    def _damaged(self, index: int) -> ValueError:
        return ValueError(
            f"{self.path}, line {index + 1}, must be an utterance of its "
            "corpus; it is damaged. Put the file back, or remove the corpus "
            "folder, and the next run makes it anew."
        )


def without(
    manifest: Mapping[str, Any], names: Container[str]
) -> Mapping[str, Any]:
    """Leave some utterances out of a manifest, in shards or not.

    Arguments
    ---------
    manifest : mapping
        Entries by name.
    names : container of str
        Of those that go.

    Returns
    -------
    manifest : mapping
        Of the others.

    Example
    -------
    >>> without({"a": 1, "b": 2}, {"a"})
    {'b': 2}
    """
    if isinstance(manifest, ShardManifest):
        return manifest.without(names)
    return {k: v for k, v in manifest.items() if k not in names}


class _Items(ItemsView):
    def __iter__(self):
        return ((entry["id"], entry) for entry in self._mapping._entries())


class _Values(ValuesView):
    def __iter__(self):
        return self._mapping._entries()
