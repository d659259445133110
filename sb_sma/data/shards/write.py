"""Packs what was made of a training set into tar files of WebDataset."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from sb_sma.data.corpus.content import SHARD_SIZES
from sb_sma.data.shards.manifest import SHARD_MANIFEST, SHARDS
from sb_sma.data.shards.package import load_webdataset
from sb_sma.data.shards.samples import sample_key

_N_DIGITS = 8
# of an utterance, by the keys of its entry
_FILES = {"wav": "wavs/{}.wav", "mel": "mels/{}.npy"}


class ShardPacker:
    """Packs utterances as they are finished, as many to a shard as is asked.

    A shard gets its name when it is whole; then the files that it was made of
    go. It is named by what it is made of, so that an interrupted preparation
    knows which are done.

    Arguments
    ---------
    folder : Path
        Of the corpus.
    keys : mapping
        Of each utterance by its index in the corpus, all that it depends on,
        in the order of the shards.
    size : int
        Utterances in a shard, those that turn out bad included.
    split : str
        What is packed.

    Raises
    ------
    ImportError
        If WebDataset is missing.
    """

    def __init__(
        self,
        folder: Path,
        keys: Mapping[int, str],
        size: int,
        split: str = "train",
    ):
        self.folder = folder
        self._webdataset = load_webdataset()
        self._shard_of: dict[int, str] = {}
        self._last: set[int] = set()
        self._waiting: list[dict[str, Any]] = []
        self._sizes: dict[str, int] = {}
        (folder / SHARDS).mkdir(exist_ok=True)
        indices = list(keys)
        for number, first in enumerate(range(0, len(indices), size)):
            own = indices[first : first + size]
            content = repr([keys[index] for index in own]).encode()
            digest = hashlib.sha256(content).hexdigest()[:_N_DIGITS]
            name = f"{split}-{number:06d}-{digest}.tar"
            self._shard_of |= dict.fromkeys(own, name)
            self._last.add(own[-1])
        self._lines_path = folder / SHARD_MANIFEST.format(split)
        self._lines = open(self._lines_path, "w", encoding="utf-8")

    def __enter__(self) -> "ShardPacker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.close()

    def holds(self, index: int) -> bool:
        """Tell whether an utterance is in a finished shard.

        Arguments
        ---------
        index : int
            Of the utterance in the corpus.

        Returns
        -------
        is_there : bool
            Whether it needs not be made again.
        """
        name = self._shard_of.get(index)
        return name is not None and (self.folder / SHARDS / name).exists()

    def packs(self, index: int) -> bool:
        """Tell whether an utterance belongs in a shard.

        Arguments
        ---------
        index : int
            Of the utterance in the corpus.

        Returns
        -------
        is_packed : bool
            Whether it does, and not in files of its own.
        """
        return index in self._shard_of

    def add(self, index: int, name: str, entry: dict[str, Any] | None) -> None:
        """Take the next utterance, whose mel is in its file.

        Arguments
        ---------
        index : int
            Of the utterance in the corpus.
        name : str
            Its id.
        entry : dict, optional
            Of the manifest; None of one that is left out.
        """
        if entry is not None:
            self._waiting.append(
                {
                    "id": name,
                    "shard": self._shard_of[index],
                    "position": len(self._waiting),
                    **{k: v for k, v in entry.items() if k not in _FILES},
                }
            )
        if index in self._last:
            self._pack(self._shard_of[index])

    def finish(self) -> None:
        """Tell the sizes of all files, and remove what is not of this corpus."""
        self._lines.flush()
        sizes = {
            self._lines_path.name: self._lines_path.stat().st_size,
            **self._sizes,
        }
        path = self.folder / SHARD_SIZES
        path.write_text(json.dumps(sizes, indent=1) + "\n", encoding="utf-8")
        for path in (self.folder / SHARDS).iterdir():
            if f"{SHARDS}/{path.name}" not in self._sizes:
                path.unlink()

    def _pack(self, name: str) -> None:
        entries, self._waiting = self._waiting, []
        if not entries:
            return
        path = self.folder / SHARDS / name
        if not path.exists():
            self._write(path, entries)
        self._sizes[f"{SHARDS}/{name}"] = path.stat().st_size
        for entry in entries:
            self._lines.write(_as_json(entry).decode() + "\n")
            for pattern in _FILES.values():
                file = self.folder / pattern.format(entry["id"])
                file.unlink(missing_ok=True)

    def _write(self, path: Path, entries: Sequence[dict[str, Any]]) -> None:
        building = path.with_name(f".{path.name}.building")
        with open(building, "wb") as stream:
            with self._webdataset.TarWriter(
                stream, user="", group="", mtime=0, encoder=False
            ) as tar:
                for entry in entries:
                    mel = self.folder / _FILES["mel"].format(entry["id"])
                    contents = _as_json(entry), mel.read_bytes()
                    key = sample_key(entry["position"], *contents)
                    sample = dict(zip(("json", "npy"), contents))
                    tar.write({"__key__": key, **sample})
            # what it was made of goes next
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(building, path)


def _as_json(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, ensure_ascii=False).encode()
