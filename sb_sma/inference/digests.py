"""Whether the files of an exported model are those that were exported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sb_sma.data.corpus.digests import sha256_of
from sb_sma.inference.model_folder import ModelFolderError

KEY = "sha256"
"""Of the YAML file, which may be edited, and tells of all the others."""


def digests_of(folder: Path) -> dict[str, str]:
    """Compute the digests of the files that lie in a folder.

    A model in a folder of it has digests of its own.

    Arguments
    ---------
    folder : Path
        Of a model, without its YAML file.

    Returns
    -------
    digests : dict
        SHA-256 by the file's path in the folder.

    Example
    -------
    >>> folder = getfixture("tmp_path")
    >>> _ = (folder / "a.json").write_text("{}")
    >>> digests_of(folder)["a.json"][:8]
    '44136fa3'
    """
    return {
        path.name: sha256_of(path)
        for path in sorted(folder.iterdir())
        if path.is_file()
    }


def check_digests(source: Any, hparams: Mapping[str, Any]) -> None:
    """Refuse a folder in which a file is another.

    Whoever needs a file that is missing tells so.

    Arguments
    ---------
    source : str, Path or other
        The folder; what is on a hub is checked there.
    hparams : mapping
        Of its YAML file; older ones have no digests.

    Raises
    ------
    ModelFolderError
        If a file differs.
    """
    is_folder = isinstance(source, (str, Path)) and Path(source).is_dir()
    digests = hparams.get(KEY) or {}
    if not is_folder:
        return
    if not isinstance(digests, Mapping):
        raise ModelFolderError(
            f"{source}: {KEY} must give a digest for each file; got "
            f"{digests!r:.80}. Copy the folder or export the model again."
        )
    for name, digest in digests.items():
        path = Path(source) / name
        is_there = path.parent == Path(source) and path.is_file()
        if is_there and sha256_of(path) != digest:
            raise ModelFolderError(
                f"{path} is damaged, or another one than was exported. Copy "
                f"the folder or export the model again; or remove {KEY} from "
                "its YAML file, if you changed it yourself."
            )
