"""Load an experiment, and name every mistake in its YAML before it starts.

HyperPyYAML drops a key that an included file lacks, keeps the old part when an
``!include:`` is overridden, and turns a switch without a value into None;
argparse reads ``--test`` as ``--test_only``. None of them says a word. Here
each is one ValueError with file, line, key and remedy, raised before any
object of the YAML is built.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, Union

from hyperpyyaml import resolve_references
from speechbrain import parse_arguments
from speechbrain.utils.run_opts import RunOptions

from sb_sma.hparams.build import build_hparams
from sb_sma.hparams.checks import check_document
from sb_sma.hparams.command_line import (
    RUN_OPTIONS,
    check_arguments,
    compose_overrides,
    swallowing_options,
)
from sb_sma.hparams.compose import compose, drop_unused
from sb_sma.hparams.document import Document
from sb_sma.hparams.script import keys_read_by
from sb_sma.hparams.values import check_values

__all__ = [
    "check_output_folder",
    "check_yaml",
    "find_recipe",
    "load_experiment",
    "swallowing_options",
]

PathLike = str | os.PathLike[str]


def load_experiment(
    argv: list[str], script: PathLike
) -> tuple[str, dict[str, Any], RunOptions, str]:
    """Read the command line and build what the YAML describes.

    Arguments
    ---------
    argv : list of str
        Command line without the program's name: the YAML file, SpeechBrain's
        run options, and ``--key=value`` for any top-level key of the YAML.
    script : path
        The recipe (``__file__``): the keys that it reads from ``hparams`` are
        those that the YAML may have.

    Returns
    -------
    hparams_file : str
        Path of the YAML file; of a variant, the whole, which is kept in the
        output folder.
    hparams : dict
        The loaded YAML.
    run_opts : RunOptions
        For ``speechbrain.Brain``.
    overrides : str
        The overrides as YAML, for
        ``speechbrain.create_experiment_directory``.

    Raises
    ------
    ValueError
        If the YAML or the command line has a mistake, or `output_folder`
        cannot be written.
    """
    hparams_file, run_opts, overrides = parse_arguments(argv)
    check_arguments(argv, overrides)
    document = check_yaml(hparams_file, script, overrides)
    if document.is_variant:
        folder = _output_folder(document.text, document.path, overrides)
        hparams_file = _write_whole(document, folder)
    elif "output_folder" in document.items:
        with open(hparams_file, encoding="utf-8") as stream:
            _output_folder(stream, hparams_file, overrides)
    hparams = build_hparams(hparams_file, overrides)
    return hparams_file, hparams, run_opts, overrides


def _output_folder(content: Any, path: str, overrides: str) -> str:
    """Make sure that the folder of the run can be written."""
    resolved = resolve_references(content, overrides).getvalue()
    items = Document(path, resolved).items
    if "output_folder" not in items:
        raise ValueError(
            f"{path} must have an output_folder, which keeps the whole of a "
            "variant. Add one to it or to its base."
        )
    folder = items["output_folder"].value
    check_output_folder(folder)
    return folder


def _write_whole(document: Document, folder: PathLike) -> str:
    """Keep a variant as a single file, which all processes may write."""
    path = os.path.join(folder, "experiment.yaml")
    new = f"{path}.{os.getpid()}"
    with open(new, "w", encoding="utf-8") as file:
        file.write(document.text)
    os.replace(new, path)
    return path


def find_recipe(argv: list[str], root: PathLike) -> Path:
    """Find the script that the YAML on a command line names under `recipe`.

    Arguments
    ---------
    argv : list of str
        Command line without the program's name.
    root : path
        Folder that the named path is relative to.

    Returns
    -------
    recipe : pathlib.Path
        Absolute path, its symbolic links kept.

    Raises
    ------
    ValueError
        If the YAML cannot be read or does not name an existing script.
    """
    document = compose(parse_arguments(argv)[0])
    if "recipe" not in document.items:
        raise ValueError(
            f"{document.path} has no key 'recipe', which names the script to "
            "run. Add `recipe: recipes/.../train.py`, or run that script "
            "itself with this file."
        )
    node = document.items["recipe"]
    recipe = Path(os.path.abspath(os.path.join(root, str(node.value))))
    if not recipe.is_file():
        raise ValueError(
            f"{document.place(node)}: recipe must be a script, its path "
            f"relative to {os.path.abspath(root)}; got '{node.value}'. "
            "Correct the path."
        )
    return recipe


def check_output_folder(path: PathLike) -> None:
    """Create a folder if needed, and make sure that it can be written.

    Arguments
    ---------
    path : path
        The folder.

    Raises
    ------
    ValueError
        If the folder cannot be created, or no file can be created in it.

    Example
    -------
    >>> check_output_folder(getfixture("tmp_path") / "results")
    """
    try:
        os.makedirs(path, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ValueError(
            "output_folder must be a folder that can be written; got "
            f"'{path}' ({error.strerror}). Give another with "
            "--output_folder=DIR."
        ) from error


def check_yaml(
    hparams_file: PathLike, script: PathLike, overrides: str = ""
) -> Document:
    """Check an experiment's YAML and all that it includes; build nothing.

    Arguments
    ---------
    hparams_file : path
        The YAML file.
    script : path
        The recipe that reads it.
    overrides : str
        The command line's overrides as YAML.

    Returns
    -------
    document : Document
        The whole experiment, without what nothing reads any more.

    Raises
    ------
    ValueError
        If a key is unknown, given twice or hidden by a run option, if a
        reference leads nowhere, if an override would not take effect, or if a
        placeholder is left.
    """
    read, required = keys_read_by(script)
    document = drop_unused(compose(hparams_file), {path[0] for path in read})
    for key, _ in document.root.value:
        hiding = swallowing_options(key.value)
        if hiding:
            raise ValueError(
                f"{document.place(key)}: --{key.value} on the command line "
                f"would be read as --{hiding[0]}, a run option of "
                "SpeechBrain. Rename the key."
            )
    given = compose_overrides(overrides, document)
    # the runner in the root of the repository reads `recipe`
    by_others = {(name,) for name in RUN_OPTIONS | {"recipe"}}
    check_document(
        document,
        giver=given,
        given=given.root,
        read_outside=read | by_others,
        reader=str(script),
        remedy="Give each as --key=value.",
    )
    missing = {path[0] for path in required} - document.items.keys()
    check_values(document, given)
    if missing:
        raise ValueError(
            f"{document.path} lacks what {script} reads: "
            f"{', '.join(sorted(missing))}. Add these keys."
        )
    return document
