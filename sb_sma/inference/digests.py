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
    return {name: sha256_of(path) for name, path in files_of(folder).items()}


def files_of(folder: Path) -> dict[str, Path]:
    """List the files that lie in a folder, and not in folders of it.

    Arguments
    ---------
    folder : Path
        Of a model.

    Returns
    -------
    files : dict of str to Path
        By name.

    Example
    -------
    >>> files_of(getfixture("tmp_path"))
    {}
    """
    return {
        path.name: path for path in sorted(folder.iterdir()) if path.is_file()
    }


def check_digests(
    source: Any, files: Mapping[str, Path], hparams: Mapping[str, Any]
) -> None:
    """Refuse a model of which a file is another.

    Whoever needs a file that is missing tells so.

    Arguments
    ---------
    source : Any
        Folder, or repository on a hub; for the error.
    files : mapping of str to Path
        Where each file of it is, by its name there.
    hparams : mapping
        Of its YAML file; older ones have no digests.

    Raises
    ------
    ModelFolderError
        If a file differs.
    """
    digests = hparams.get(KEY) or {}
    if not isinstance(digests, Mapping):
        raise ModelFolderError(
            f"{source}: {KEY} must give a digest for each file; got "
            f"{digests!r:.80}. Copy the folder or export the model again."
        )
    for name, digest in digests.items():
        if name in files and sha256_of(files[name]) != digest:
            raise ModelFolderError(
                f"{files[name]} is damaged, or another one than was exported. "
                "Copy the folder or export the model again; or remove "
                f"{KEY} from its YAML file, if you changed it yourself."
            )
