"""Which corpora a folder holds, who uses them, and how they are removed."""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout

from sb_sma.data.corpus.build_once import CORPUS_FILE, find_foreign_names
from sb_sma.data.corpus.locks import locked, users_of

# what a preparation, or a removal, that was interrupted leaves
_UNFINISHED = re.compile(r"\.(.+)\.(building|replaced|removed)")


@dataclass(frozen=True)
class StoredCorpus:
    """A corpus in the folder of corpora.

    Arguments
    ---------
    folder : Path
        Its own folder.
    is_finished : bool
        Whether it is whole; otherwise its preparation can go on.
    about : dict
        What it holds, in words and numbers by name.
    last_used : float
        When a run last began with it, in seconds since 1970.
    size : int
        Bytes.
    users : list of str
        Processes that use it.
    foreign_names : list of str
        What its folder holds that no corpus does.
    """

    folder: Path
    is_finished: bool
    about: dict[str, Any]
    last_used: float
    size: int
    users: list[str]
    foreign_names: list[str]

    @property
    def obstacle(self) -> str | None:
        """Why it must not be removed, if it must not."""
        if self.users:
            return f"in use by {', '.join(self.users)}"
        if self.foreign_names:
            return f"holds what is no corpus: {', '.join(self.foreign_names)}"
        return None


def list_corpora(root: Path) -> list[StoredCorpus]:
    """Find all corpora, and what is left of preparations.

    Arguments
    ---------
    root : Path
        The folder of corpora.

    Returns
    -------
    corpora : list of StoredCorpus
        By name.

    Raises
    ------
    ValueError
        If there is no such folder.

    Example
    -------
    >>> list_corpora(getfixture("tmp_path"))
    []
    """
    if not root.is_dir():
        raise ValueError(
            f"--corpus_folder must be the folder of corpora; there is no {root}."
            " Give that of your runs."
        )
    corpora = []
    for folder in sorted(root.iterdir()):
        is_begun = folder.is_dir() and _UNFINISHED.fullmatch(folder.name)
        if is_begun or (folder / CORPUS_FILE).is_file():
            # one that is being prepared may be finished just now
            with _locked_if_free([folder]) as free:
                with contextlib.suppress(FileNotFoundError):
                    corpora.append(_describe(folder, free))
    return corpora


def remove_corpora(root: Path, names: Sequence[str]) -> list[StoredCorpus]:
    """Remove corpora, all or none of them.

    Arguments
    ---------
    root : Path
        The folder of corpora.
    names : sequence of str
        Of their folders.

    Returns
    -------
    removed : list of StoredCorpus
        As they were.

    Raises
    ------
    ValueError
        If there is no such corpus, one is in use, or its folder holds anything
        else; then nothing is removed.
    """
    known = {corpus.folder.name: corpus for corpus in list_corpora(root)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"There is no corpus {', '.join(unknown)} in {root}; it holds "
            f"{', '.join(known) or 'none'}. Nothing was removed."
        )
    folders = [known[name].folder for name in dict.fromkeys(names)]
    with _locked_if_free(folders) as free:
        corpora = [_describe(folder, free) for folder in folders]
        kept = [
            f"{corpus.folder.name} ({corpus.obstacle})"
            for corpus in corpora
            if corpus.obstacle
        ]
        if kept:
            raise ValueError(
                f"Corpora that are to be removed must be in use by nobody, and "
                f"hold nothing else; got {', '.join(kept)}. Nothing was removed."
            )
        for corpus in corpora:
            _remove(corpus.folder)
    return corpora


def _remove(folder: Path) -> None:
    """Delete a folder; what is left when that is interrupted is no corpus."""
    removed = folder
    if folder == _name_of(folder):
        removed = folder.with_name(f".{folder.name}.removed")
        if removed.exists():
            shutil.rmtree(removed)
        folder.rename(removed)
    if removed.exists():
        shutil.rmtree(removed)


def _name_of(folder: Path) -> Path:
    """Return the finished folder that one is, was, or is to become."""
    unfinished = _UNFINISHED.fullmatch(folder.name)
    return folder.with_name(unfinished[1]) if unfinished else folder


@contextlib.contextmanager
def _locked_if_free(folders: Sequence[Path]) -> Iterator[set[Path]]:
    """Let nobody begin to make or use corpora; yield those that are ours."""
    free = set()
    with contextlib.ExitStack() as locks:
        for name in dict.fromkeys(map(_name_of, folders)):
            with contextlib.suppress(Timeout):
                locks.enter_context(locked(name, wait=False))
                free.add(name)
        yield free


def _describe(folder: Path, free: set[Path]) -> StoredCorpus:
    name = _name_of(folder)
    users = ["a process that prepares or removes it"]
    if name in free:
        users = users_of(folder) if name == folder else []
    return StoredCorpus(
        folder,
        is_finished=name == folder,
        about=_read_about(folder),
        last_used=_last_change(folder),
        size=sum(_sizes(folder)),
        users=users,
        foreign_names=find_foreign_names(folder),
    )


def _read_about(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / CORPUS_FILE).read_text("utf-8"))
        return {k: v for k, v in content["about"].items() if v is not None}
    except (OSError, ValueError, KeyError, AttributeError):
        # unfinished, damaged, or of an earlier version
        return {}


def _last_change(folder: Path) -> float:
    path = folder / CORPUS_FILE
    return (path if path.is_file() else folder).stat().st_mtime


def _sizes(folder: Path) -> Iterator[int]:
    for name, _, files in os.walk(folder):
        for file in files:
            # one that is being prepared changes meanwhile
            with contextlib.suppress(OSError):
                yield os.stat(os.path.join(name, file)).st_size
