"""Corpus folders are built once, completely or not at all."""

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from sb_sma.data.problems import abridged

logger = logging.getLogger(__name__)

FORMAT_VERSION = 4
SPLITS = ("train", "valid", "test")
Manifests = dict[str, dict[str, dict[str, Any]]]
_CORPUS_FILE = "corpus.json"
_DIGEST = "sha256"
_OWN_NAMES = frozenset(
    ["wavs", "mels", "mel_statistics.json", "tokens.json", "phonemes.json"]
    + ["report.json", "sentencepiece.json", _CORPUS_FILE]
    + [f"{split}.json" for split in SPLITS]
)


def build_once(
    folder: str | Path,
    parameters: dict[str, Any],
    build: Callable[[Path], None],
    resumable: bool = False,
) -> None:
    """Make sure that a corpus folder built with these parameters exists.

    A finished folder with the same parameters is reused; one with others is
    replaced. The folder is built under another name and renamed at the end, so
    that an interrupted run leaves nothing that looks finished. A second
    process waits for the first.

    Arguments
    ---------
    folder : str or Path
        The corpus folder.
    parameters : dict
        All that the content depends on; must survive JSON.
    build : callable
        Called with a folder to fill.
    resumable : bool
        Whether that folder, which is empty at first, is kept when ``build``
        fails or is interrupted, and given to the next one, of whatever
        parameters: ``build`` knows what of it is still of use.

    Raises
    ------
    ValueError
        If the folder holds anything that is not a corpus, or if it cannot be
        written.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "corpus"
    >>> build_once(folder, {"seed": 1}, lambda new: None)
    >>> json.loads((folder / "corpus.json").read_text())["parameters"]
    {'seed': 1}
    """
    folder = Path(folder).expanduser().absolute()
    wanted = json.loads(
        json.dumps({"format": FORMAT_VERSION, "parameters": parameters})
    )
    building = folder.with_name(f".{folder.name}.building")
    replaced = _name_of_replaced(folder)
    with _locked(folder):
        is_finished = _is_finished(folder, wanted)
        goes_on = resumable and not is_finished
        # leftovers of a run that was interrupted
        for leftover in [replaced] if goes_on else [replaced, building]:
            if leftover.exists():
                shutil.rmtree(leftover)
        if is_finished:
            logger.info("Reusing the corpus in %s", folder)
            return
        _make_folder(building)
        try:
            build(building)
            (building / _CORPUS_FILE).write_text(
                json.dumps(wanted, indent=2), encoding="utf-8"
            )
        except BaseException:
            if not resumable:
                shutil.rmtree(building, ignore_errors=True)
            raise
        put_in_place(building, folder)


def put_in_place(building: Path, folder: Path) -> None:
    """Give a complete folder its name; one of that name goes.

    Arguments
    ---------
    building : Path
        The complete folder.
    folder : Path
        Its name, beside it.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "model"
    >>> for name in ("model", ".model.building"):
    ...     folder.with_name(name).mkdir()
    >>> put_in_place(folder.with_name(".model.building"), folder)
    >>> [path.name for path in folder.parent.iterdir()]
    ['model']
    """
    replaced = _name_of_replaced(folder)
    if replaced.exists():
        shutil.rmtree(replaced)
    if folder.exists():
        folder.rename(replaced)
    building.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def _name_of_replaced(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.replaced")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    _make_folder(folder.parent)
    lock = FileLock(folder.with_name(f".{folder.name}.lock"), mode=0o666)
    try:
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        raise _unwritable(folder.parent, error) from error
    try:
        yield
    finally:
        lock.release()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    if not os.access(folder, os.W_OK):
        raise _unwritable(folder, "permission denied")


def _unwritable(folder: Path, reason: Any) -> ValueError:
    return ValueError(
        f"The corpus needs a folder that can be written; got {folder} "
        f"({reason}). Give another corpus_folder."
    )


def _is_finished(folder: Path, wanted: dict[str, Any]) -> bool:
    """Compare a folder with what is wanted; refuses one that is not ours."""
    if folder.exists() and not folder.is_dir():
        raise _unwritable(folder, "it is a file")
    if not folder.exists() or not any(folder.iterdir()):
        return False
    foreign = sorted(
        path.name for path in folder.iterdir() if path.name not in _OWN_NAMES
    )
    has_corpus_file = (folder / _CORPUS_FILE).is_file()
    if has_corpus_file:
        try:
            found = json.loads((folder / _CORPUS_FILE).read_text("utf-8"))
            changes = list_changes(found, wanted)
        except (ValueError, AttributeError):
            changes = [f"{_CORPUS_FILE} is damaged"]
        if not changes:
            return True
    if foreign or not has_corpus_file:
        raise ValueError(
            f"The corpus folder {folder} must be empty or hold a corpus and "
            f"nothing else; got {', '.join(foreign[:5]) or 'no corpus.json'}. "
            "Give another corpus_folder: a folder that holds anything else is "
            "never deleted."
        )
    logger.warning(
        "Building the corpus in %s anew: %s", folder, "; ".join(changes)
    )
    return False


def list_changes(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Compare two descriptions of a corpus.

    Arguments
    ---------
    found : dict
        ``format`` and ``parameters``, as ``corpus.json`` has them. What ends
        with ``sha256`` is a digest, or digests by the names of what they are
        of.
    wanted : dict
        The same of another one.

    Returns
    -------
    list of str
        What each parameter that differs was, and is; of digests, what was
        added, removed and changed.

    Example
    -------
    >>> list_changes({"parameters": {"seed": 1}}, {"parameters": {"seed": 2}})
    ['seed was 1, is 2']
    >>> before = {"parameters": {"files_sha256": {"a": "0f", "b": "1e"}}}
    >>> after = {"parameters": {"files_sha256": {"a": "2d", "c": "3c"}}}
    >>> list_changes(before, after)
    ['files: 1 added (c), 1 removed (b), 1 changed (a)']
    """
    if found.get("format") != wanted.get("format"):
        # parameters of another format are not comparable
        return [f"format was {found.get('format')}, is {wanted.get('format')}"]
    return list(_changes(found.get("parameters", {}), wanted["parameters"]))


def _changes(
    before: dict[str, Any], after: dict[str, Any], prefix: str = ""
) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        shown = prefix + name
        are_named = isinstance(old, dict) and isinstance(new, dict)
        if name.endswith(_DIGEST):
            content = shown.removesuffix(_DIGEST).rstrip("_.") or "content"
            what = _name_changes(old, new) if are_named else "changed"
            yield f"{content}: {what}"
        elif are_named:
            yield from _changes(old, new, f"{shown}.")
        else:
            yield f"{shown} was {old!r}, is {new!r}"


def _name_changes(old: dict[str, str], new: dict[str, str]) -> str:
    """Tell whose digests have come, gone or changed."""
    names = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "changed": [
            name for name in new if old.get(name, new[name]) != new[name]
        ],
    }
    return ", ".join(
        f"{len(listed)} {what} ({abridged(listed)})"
        for what, listed in names.items()
        if listed
    )


def write_json(path: Path, content: Any) -> None:
    """Write a readable JSON file.

    Arguments
    ---------
    path : Path
        Where to write.
    content : object
        What JSON can hold.
    """
    path.write_text(
        json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8"
    )


def load_manifests(folder: Path) -> Manifests:
    """Read the manifests of a corpus folder.

    Arguments
    ---------
    folder : Path
        A finished corpus folder.

    Returns
    -------
    dict
        Of each split, the entries by name, with the paths of this machine.
    """
    manifests = {}
    for split in SPLITS:
        text = (folder / f"{split}.json").read_text(encoding="utf-8")
        root = json.dumps(str(folder.absolute()))[1:-1]
        manifests[split] = json.loads(text.replace("{data_root}", root))
    return manifests
