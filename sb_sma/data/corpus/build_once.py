"""Corpus folders are built once, completely or not at all, and never changed."""

import contextlib
import json
import logging
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sb_sma.data.corpus.content import (
    CORPUS_FILE,
    DATA_ROOT,
    SPLITS,
    find_damage,
    is_rest_of_corpus,
)
from sb_sma.data.corpus.locks import locked, use
from sb_sma.data.json_files import read_json, write_json
from sb_sma.data.problems import abridged
from sb_sma.data.shards.manifest import SHARD_MANIFEST, ShardManifest

logger = logging.getLogger(__name__)

FORMAT_VERSION = 5
Manifests = dict[str, Mapping[str, dict[str, Any]]]
_DIGEST = re.compile(r"[0-9a-f]{12,64}")


def build_once(
    folder: str | Path,
    parameters: dict[str, Any],
    build: Callable[[Path], None],
    resumable: bool = False,
    begun: str | None = None,
    about: Mapping[str, Any] | None = None,
    in_use: bool = False,
) -> None:
    """Make sure that a corpus folder built with these parameters exists.

    A finished folder with the same parameters is reused; one with others is
    refused, since a run may be reading it. The folder is built under another
    name and renamed at the end, so that an interrupted run leaves nothing that
    looks finished. A second process waits for the first.

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
    begun : str, optional
        Those of one ``begun`` give what they have begun to each other. Default:
        those of one folder.
    about : mapping, optional
        What else to tell about the corpus; the content does not depend on it.
    in_use : bool
        Whether the folder is in use until this process ends.

    Raises
    ------
    ValueError
        If the folder holds another corpus, or anything that is none, or if it
        cannot be written.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "corpus"
    >>> build_once(folder, {"seed": 1}, lambda new: None)
    >>> json.loads((folder / "corpus.json").read_text())["parameters"]
    {'seed': 1}
    """
    folder = Path(folder).expanduser().absolute()
    description = describe(parameters)
    begun = begun or folder.name
    with contextlib.ExitStack() as locks:
        locks.enter_context(_locked(folder))
        if is_finished(folder, description):
            logger.info("Reusing the corpus in %s", folder)
        else:
            if begun != folder.name:
                locks.enter_context(_locked(folder.with_name(begun)))
            # a link goes on leading there
            place = folder.resolve()
            building = place.with_name(f".{begun}.building")
            if building.exists() and not resumable:
                # of a run that was interrupted
                shutil.rmtree(building)
            _make_folder(building)
            try:
                build(building)
                names = sorted(path.name for path in building.iterdir())
                write_json(
                    building / CORPUS_FILE,
                    {**description, "about": dict(about or {}), "files": names},
                )
            except BaseException:
                if not resumable:
                    shutil.rmtree(building, ignore_errors=True)
                raise
            put_in_place(building, place)
            logger.info("The corpus is in %s", folder)
        if in_use:
            use(folder)


def describe(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Tell a corpus from all others.

    Arguments
    ---------
    parameters : mapping
        All that its content depends on; must survive JSON.

    Returns
    -------
    description : dict
        ``format`` and ``parameters``, as ``corpus.json`` has them.

    Example
    -------
    >>> describe({"rate": (140, 220)})["parameters"]
    {'rate': [140, 220]}
    """
    return json.loads(
        json.dumps({"format": FORMAT_VERSION, "parameters": parameters})
    )


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
    if replaced.is_symlink():
        replaced.unlink()
    elif replaced.exists():
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
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(folder))
        except (OSError, NotImplementedError) as error:
            raise _unwritable(folder.parent, error) from error
        yield


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


def is_finished(folder: Path, description: Mapping[str, Any]) -> bool:
    """Look whether a corpus is there; refuse a folder that holds anything else.

    Arguments
    ---------
    folder : Path
        The corpus folder.
    description : mapping
        Of `describe`.

    Returns
    -------
    is_finished : bool
        Whether it is there, whole.

    Raises
    ------
    ValueError
        If the folder holds another corpus, one that has lost files, or anything
        that is none.

    Example
    -------
    >>> is_finished(getfixture("tmp_path") / "corpus", describe({"seed": 1}))
    False
    """
    if folder.exists() and not folder.is_dir():
        raise _unwritable(folder, "it is a file")
    if not folder.exists() or not any(folder.iterdir()):
        return False
    path = folder / CORPUS_FILE
    if is_rest_of_corpus(folder):
        raise _incomplete(folder, find_damage(folder))
    if not path.is_file():
        names = sorted(found.name for found in folder.iterdir())
        raise ValueError(
            f"The corpus folder {folder} must be empty or hold a corpus; got "
            f"{', '.join(names[:5])} without {CORPUS_FILE}. Give another "
            "corpus_folder: what is there is never changed."
        )
    try:
        changes = list_changes(read_json(path), description)
    except (ValueError, AttributeError, KeyError):
        changes = [f"{CORPUS_FILE} is damaged"]
    if changes:
        raise ValueError(
            f"The folder {folder} holds another corpus than is asked for: "
            f"{'; '.join(changes)}. It is never changed, since a run may be "
            f"reading it. Give another folder, or remove it: {_removal(folder)}"
        )
    damage = find_damage(folder)
    if damage:
        raise _incomplete(folder, damage)
    return True


def _incomplete(folder: Path, damage: str | None) -> ValueError:
    return ValueError(
        f"The corpus in {folder} is incomplete: {damage}. Remove it, and the "
        f"next run makes it anew: {_removal(folder)}"
    )


def _removal(folder: Path) -> str:
    root, name = shlex.quote(str(folder.parent)), shlex.quote(folder.name)
    return f"sb-sma corpora --corpus_folder {root} --remove {name}"


def list_changes(
    found: Mapping[str, Any], wanted: Mapping[str, Any]
) -> list[str]:
    """Compare two descriptions of a corpus.

    Arguments
    ---------
    found : mapping
        ``format`` and ``parameters``, as ``corpus.json`` has them.
    wanted : mapping
        The same of another one.

    Returns
    -------
    changes : list of str
        What each parameter that differs was, and is; of many parts, which were
        added, removed or changed.

    Example
    -------
    >>> list_changes({"parameters": {"seed": 1}}, {"parameters": {"seed": 2}})
    ['seed was 1, is 2']
    >>> before = {"parameters": {"utterances": {"a": "0" * 12, "b": "1" * 12}}}
    >>> after = {"parameters": {"utterances": {"a": "2" * 12, "c": "3" * 12}}}
    >>> list_changes(before, after)
    ['utterances: 1 added (c), 1 removed (b), 1 changed (a)']
    """
    before, after = found.get("format"), wanted.get("format")
    if before != after:
        return [
            f"the format of corpora was {before}, is {after}: another version "
            "of sb_sma made it"
        ]
    before, after = found["parameters"], wanted["parameters"]
    return [
        change
        for name in sorted(before.keys() | after.keys())
        for change in _compare(name, before.get(name), after.get(name))
    ]


def _compare(name: str, before: Any, after: Any) -> list[str]:
    # as text: the order of utterances matters, too
    if json.dumps(before) == json.dumps(after):
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return [f"{name}: {', '.join(_compare_parts(before, after))}"]
    if _is_digest(before) and _is_digest(after):
        return [f"{name} has other content"]
    return [f"{name} was {before!r}, is {after!r}"]


def _compare_parts(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    both = [name for name in after if name in before]
    differing = [name for name in both if before[name] != after[name]]
    others = [name for name in differing if _is_digest(after[name])]
    parts = [
        f"{len(names)} {what} ({abridged(names)})"
        for what, names in (
            ("added", [name for name in after if name not in before]),
            ("removed", [name for name in before if name not in after]),
            ("changed", others),
        )
        if names
    ]
    values = [
        f"{name} was {before[name]!r}, is {after[name]!r}"
        for name in differing
        if name not in others
    ]
    if values:
        parts.append(abridged(values))
    return parts or ["the same in another order"]


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and bool(_DIGEST.fullmatch(value))


def load_manifests(folder: Path) -> Manifests:
    """Read the manifests of a corpus folder.

    Arguments
    ---------
    folder : Path
        A finished corpus folder.

    Returns
    -------
    dict
        Of each split, the entries by name, with the paths of this machine; of
        one in shards, a `ShardManifest`.
    """
    manifests = {}
    root = str(folder.absolute())
    for split in SPLITS:
        lines = folder / SHARD_MANIFEST.format(split)
        if lines.is_file():
            manifests[split] = ShardManifest(lines)
            continue
        path = folder / f"{split}.json"
        manifests[split] = _with_paths(read_json(path), root, path)
    return manifests


def _with_paths(manifest: Any, root: str, path: Path) -> dict[str, Any]:
    """Give a manifest the paths of this machine."""
    if not isinstance(manifest, dict) or not all(
        isinstance(entry, dict) for entry in manifest.values()
    ):
        raise ValueError(
            f"{path} must hold the entries of a corpus, by name. Remove the "
            f"corpus, and the next run makes it anew: {_removal(path.parent)}"
        )
    for entry in manifest.values():
        for key, value in entry.items():
            if isinstance(value, str):
                entry[key] = value.replace(DATA_ROOT, root)
    return manifest
