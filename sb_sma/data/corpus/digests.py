"""Hashes of files' content, remembered while the files stay as they are."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sb_sma.data.json_files import read_json

# the file that keeps them, in the folder of corpora
DIGESTS = ".digests-{}.json"
# size, and times of change of content and of all else, in nanoseconds
State = list[int]
# a change so soon after another one may show the same time
_SETTLED_NS = 2 * 10**9
_N_DIGITS = 16
_CHUNK_BYTES = 2**20


def state_of(path: str | Path) -> State | None:
    """Tell what changes when a file does.

    Arguments
    ---------
    path : str or Path
        A file, or none.

    Returns
    -------
    state : list of int, optional
        Size and times of change; None where there is no such file.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.wav"
    >>> state_of(path)
    >>> _ = path.write_text("abc")
    >>> state_of(path)[0]
    3
    """
    if not os.path.isfile(path):
        return None
    file = os.stat(path)
    return [file.st_size, file.st_mtime_ns, file.st_ctime_ns]


def digest(content: bytes) -> str:
    """Hash a few bytes.

    Arguments
    ---------
    content : bytes
        Whatever.

    Returns
    -------
    digest : str
        Begin of their SHA-256.

    Example
    -------
    >>> digest(b"abc")
    'ba7816bf8f01cfea'
    """
    return hashlib.sha256(content).hexdigest()[:_N_DIGITS]


def sha256_of(path: str | Path) -> str:
    """Hash a file, whatever its size.

    Arguments
    ---------
    path : str or Path
        The file.

    Returns
    -------
    digest : str
        Of 64 digits.

    Example
    -------
    >>> path = getfixture("tmp_path") / "a.txt"
    >>> _ = path.write_text("abc")
    >>> sha256_of(path)[:16]
    'ba7816bf8f01cfea'
    """
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            hashed.update(chunk)
    return hashed.hexdigest()


class FileDigests:
    """Hashes of files; those that are remembered are not read again.

    Arguments
    ---------
    memory : Path, optional
        A file that keeps them. Default: nothing is kept.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "a.wav").write_text("abc")
    >>> digests = FileDigests(folder / "digests.json")
    >>> digests.of([folder / "a.wav", folder / "b.wav"])
    ['ba7816bf8f01cfea', None]
    >>> digests.save()
    """

    def __init__(self, memory: Path | None = None):
        self._memory = memory
        self._known: dict[str, Any] = {}
        self._to_save: dict[str, Any] | None = None
        if memory is not None:
            # one that is missing or damaged costs time alone
            with contextlib.suppress(OSError, ValueError, TypeError):
                kept = dict(read_json(memory))
                self._known = {path: (*each,) for path, each in kept.items()}

    def of(self, paths: Sequence[Path]) -> list[str | None]:
        """Hash the content of files.

        Arguments
        ---------
        paths : sequence of Path
            All that the memory shall keep.

        Returns
        -------
        digests : list of str
            Begin of each SHA-256; None where there is no file to read.
        """
        settled = time.time_ns() - _SETTLED_NS
        states = {str(path): state_of(path) for path in paths}
        changed = [
            path
            for path, state in states.items()
            if state and self._known.get(path, (None,))[0] != state
        ]
        with ThreadPoolExecutor() as pool:
            read = tqdm(
                pool.map(_digest_file, changed),
                desc="Reading what is new of the data",
                total=len(changed),
                disable=not changed,
            )
            found = {path: (states[path], x) for path, x in zip(changed, read)}
        known = {p: x for p, x in self._known.items() if p in states} | found
        if changed or known.keys() != self._known.keys():
            self._to_save = {
                path: [state, content]
                for path, (state, content) in known.items()
                if state[-1] < settled
            }
        return [
            known[str(path)][1] if states[str(path)] else None for path in paths
        ]

    def save(self) -> None:
        """Remember what was read, where that is possible."""
        if self._memory is None or self._to_save is None:
            return
        new = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            new.write_text(json.dumps(self._to_save), encoding="utf-8")
            new.replace(self._memory)


def _digest_file(path: str) -> str | None:
    try:
        return sha256_of(path)[:_N_DIGITS]
    except OSError:
        return None
