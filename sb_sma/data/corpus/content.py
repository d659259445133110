"""What is in a corpus folder, and what is missing there."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sb_sma.data.json_files import read_json
from sb_sma.data.problems import abridged

SPLITS = ("train", "valid", "test")
CORPUS_FILE = "corpus.json"
# of a training split in shards, the bytes of each file
SHARD_SIZES = "shards.json"
# before the paths in manifests
DATA_ROOT = "{data_root}"
_OWN_NAMES = frozenset(
    ["wavs", "mels", "mel_statistics.json", "tokens.json", "phonemes.json"]
    + ["report.json", "sentencepiece.json", CORPUS_FILE]
    + ["journal.jsonl", "journal.jsonl.new"]
    + ["shards", SHARD_SIZES, "train.jsonl"]
    + [f"{split}.json" for split in SPLITS]
)
# of the folder of a corpus among others
HASHED_NAME = re.compile(r"[\w.+-]+-[0-9a-f]{8}")


def find_foreign_names(folder: Path) -> list[str]:
    """Find what a corpus folder holds that no corpus does.

    Arguments
    ---------
    folder : Path
        A corpus folder.

    Returns
    -------
    names : list of str
        Of files and folders in it.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> for name in ("corpus.json", "notes.txt"):
    ...     (folder / name).touch()
    >>> find_foreign_names(folder)
    ['notes.txt']
    """
    names = {path.name for path in folder.iterdir()}
    return sorted(names - _OWN_NAMES)


def is_rest_of_corpus(folder: Path) -> bool:
    """Tell what is left of a corpus that has lost its ``corpus.json``.

    Arguments
    ---------
    folder : Path
        In a folder of corpora.

    Returns
    -------
    is_rest : bool
        Whether its name is that of a corpus, and it holds nothing else.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "embedded-en-us-3f9a1c2b"
    >>> (folder / "wavs").mkdir(parents=True)
    >>> is_rest_of_corpus(folder)
    True
    """
    return (
        HASHED_NAME.fullmatch(folder.name) is not None
        and folder.is_dir()
        and any(folder.iterdir())
        and not (folder / CORPUS_FILE).exists()
        and not find_foreign_names(folder)
    )


def find_damage(folder: Path) -> str | None:
    """Compare a finished corpus with what is there of it.

    Arguments
    ---------
    folder : Path
        Its own folder.

    Returns
    -------
    damage : str, optional
        What is missing or cannot be read, in words; None if it is whole.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "corpus.json").write_text('{"files": ["tokens.json"]}')
    >>> find_damage(folder)
    'tokens.json is missing'
    """
    path = folder / CORPUS_FILE
    if not path.is_file():
        return f"{CORPUS_FILE} is missing"
    try:
        # of an earlier version, which has not written them
        names = list(read_json(path).get("files", []))
        for split in SPLITS:
            path = folder / f"{split}.json"
            if path.is_file():
                names += _paths_in(read_json(path))
        path = folder / SHARD_SIZES
        sizes = read_json(path) if path.is_file() else {}
        names += sizes
        names = [os.fsdecode(name) for name in names]
    except (OSError, ValueError, AttributeError, TypeError):
        return f"{path.name} is damaged"
    there = {
        parent: {path.name for path in (folder / parent).glob("*")}
        for parent in {Path(name).parent for name in names}
    }
    missing = [
        name
        for name in names
        if Path(name).name not in there[Path(name).parent]
    ]
    if not missing:
        return _find_cut(folder, sizes)
    if len(missing) > 1:
        return f"{len(missing)} files are missing ({abridged(missing)})"
    return f"{missing[0]} is missing"


def _find_cut(folder: Path, sizes: dict[str, int]) -> str | None:
    """Find a file that is not as long as it was written."""
    for name, size in sizes.items():
        found = (folder / name).stat().st_size
        if found != size:
            return f"{name} has {found} of {size} bytes"
    return None


def _paths_in(manifest: dict[str, dict[str, Any]]) -> Iterator[str]:
    root = f"{DATA_ROOT}/"
    for entry in manifest.values():
        for value in entry.values():
            if isinstance(value, str) and value.startswith(root):
                yield value.removeprefix(root)
