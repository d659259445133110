"""Which corpora a folder holds, who uses them, and how they are removed."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout

from sb_sma.data.corpus.content import (
    CORPUS_FILE,
    HASHED_NAME,
    find_damage,
    find_foreign_names,
    is_rest_of_corpus,
)
from sb_sma.data.corpus.digests import DIGESTS
from sb_sma.data.corpus.locks import locked, path_of_lock, users_of
from sb_sma.data.json_files import read_json

# what a preparation, or a removal, that was interrupted leaves
_UNFINISHED = re.compile(r"\.(.+)\.(building|replaced|removed)")

_LOCK = re.compile(rf"\.({HASHED_NAME.pattern})\.lock")


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
    users : list of str, optional
        Processes that use it; None where that cannot be told.
    foreign_names : list of str
        What its folder holds that no corpus does.
    damage : str, optional
        What a finished one has lost, in words.
    """

    folder: Path
    is_finished: bool
    about: dict[str, Any]
    last_used: float
    size: int
    users: list[str] | None
    foreign_names: list[str]
    damage: str | None = None

    @property
    def obstacle(self) -> str | None:
        """Why it must not be removed, if it must not."""
        if self.users is None:
            return f"{self.folder.parent} cannot be written"
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
    found = []
    for folder in _find(root):
        with _locked_if_free([folder]) as corpora:
            found += corpora
    return found


def _find(root: Path) -> list[Path]:
    """Return the folders of corpora, finished or not."""
    if not root.is_dir():
        raise ValueError(
            f"--corpus_folder must be the folder of corpora; there is no {root}."
            " Give that of your runs."
        )
    if (root / CORPUS_FILE).is_file() or is_rest_of_corpus(root):
        raise ValueError(
            f"--corpus_folder must be the folder of corpora; {root} is a corpus "
            f"itself. Give {root.parent}."
        )
    return sorted(filter(_is_corpus, root.iterdir()))


def _is_corpus(folder: Path) -> bool:
    is_begun = folder.is_dir() and _UNFINISHED.fullmatch(folder.name)
    return (
        bool(is_begun)
        or (folder / CORPUS_FILE).is_file()
        or is_rest_of_corpus(folder)
    )


def remove_corpora(root: Path, names: Sequence[str]) -> list[StoredCorpus]:
    """Remove corpora, all or none of them.

    Arguments
    ---------
    root : Path
        The folder of corpora.
    names : sequence of str
        Of their folders, or paths of these.

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
    known = {folder.name: folder for folder in _find(root)}
    names = [_name_in(root, name) for name in dict.fromkeys(names)]
    with _locked_if_free([root / name for name in names if name in known]) as (
        corpora
    ):
        there = [corpus.folder.name for corpus in corpora]
        unknown = [name for name in names if name not in there]
        if unknown:
            raise ValueError(
                f"There is no corpus {', '.join(unknown)} in {root}; it holds "
                f"{', '.join(known) or 'none'}. Nothing was removed."
            )
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
    _remove_locks(root, corpora)
    return corpora


def remove_unused(
    root: Path,
) -> tuple[list[StoredCorpus], list[StoredCorpus]]:
    """Remove all corpora that can go, and what is remembered of their data.

    Arguments
    ---------
    root : Path
        The folder of corpora.

    Returns
    -------
    removed : list of StoredCorpus
        As they were.
    kept : list of StoredCorpus
        Those that cannot.

    Raises
    ------
    ValueError
        If there is no such folder.

    Example
    -------
    >>> remove_unused(getfixture("tmp_path"))
    ([], [])
    """
    removed, kept = [], []
    for folder in _find(root):
        with _locked_if_free([folder]) as corpora:
            for corpus in corpora:
                if corpus.obstacle:
                    kept.append(corpus)
                else:
                    _remove(corpus.folder)
                    removed.append(corpus)
    if removed and not kept:
        for path in root.glob(DIGESTS.format("*")):
            path.unlink(missing_ok=True)
    _remove_locks(root, removed)
    return removed, kept


def _name_in(root: Path, name: str) -> str:
    """Return the name of a folder of which a path may be given."""
    path = Path(name).expanduser().absolute()
    return path.name if path.parent.resolve() == root.resolve() else name


def _remove_locks(root: Path, removed: Sequence[StoredCorpus]) -> None:
    """Delete the locks of folders that are there no more."""
    if not removed:
        return
    locks = filter(None, map(_LOCK.fullmatch, os.listdir(root)))
    gone = {root / lock[1] for lock in locks}
    gone |= {_name_of(corpus.folder) for corpus in removed}
    for folder in gone - {_name_of(folder) for folder in _find(root)}:
        with contextlib.suppress(Timeout), locked(folder, wait=False):
            # whoever locks it next makes it anew
            path_of_lock(folder).unlink(missing_ok=True)


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
def _locked_if_free(folders: Sequence[Path]) -> Iterator[list[StoredCorpus]]:
    """Describe corpora while nobody can begin to make or use those not in use.

    What is no corpus any more is left out.
    """
    with contextlib.ExitStack() as locks:
        users = {}
        for name in dict.fromkeys(map(_name_of, folders)):
            try:
                locks.enter_context(locked(name, wait=False))
                users[name] = users_of(name)
            except Timeout:
                users[name] = ["a process that prepares or removes it"]
            except (OSError, NotImplementedError):
                # the folder of corpora cannot be written
                users[name] = None
        corpora = []
        for folder in filter(_is_corpus, folders):
            # one that is being prepared may be finished just now
            with contextlib.suppress(FileNotFoundError):
                corpora.append(_describe(folder, users[_name_of(folder)]))
        yield corpora


def _describe(folder: Path, users: list[str] | None) -> StoredCorpus:
    is_finished = _name_of(folder) == folder
    return StoredCorpus(
        folder,
        is_finished=is_finished,
        about=_read_about(folder),
        last_used=_last_change(folder),
        size=sum(_sizes(folder)),
        users=users,
        foreign_names=find_foreign_names(folder),
        damage=find_damage(folder) if is_finished else None,
    )


def _read_about(folder: Path) -> dict[str, Any]:
    try:
        content = read_json(folder / CORPUS_FILE)
        return {k: v for k, v in content["about"].items() if v is not None}
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
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
