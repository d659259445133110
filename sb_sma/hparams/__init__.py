"""Load an experiment, and name every mistake in its YAML before it starts.

HyperPyYAML drops a key that an included file lacks, keeps the old part when an
``!include:`` is overridden, and turns a switch without a value into None;
argparse reads ``--test`` as ``--test_only``. None of them says a word. Here
each is one ValueError with file, line, key and remedy, raised before any
object of the YAML is built.
"""

import os
from datetime import date
from pathlib import Path
from typing import Any

from speechbrain.utils.run_opts import RunOptions

from sb_sma.hparams.build import Resolved
from sb_sma.hparams.calls import check_called
from sb_sma.hparams.checks import check_document, check_tags
from sb_sma.hparams.command_line import (
    RUN_OPTIONS,
    compose_overrides,
    read_command_line,
    swallowing_options,
    write_overrides,
)
from sb_sma.hparams.compose import compose, drop_unused
from sb_sma.hparams.document import Document, KeyPath
from sb_sma.hparams.run_options import check_run_options
from sb_sma.hparams.script import keys_read_by
from sb_sma.hparams.texts import read_texts
from sb_sma.hparams.values import check_numbers, check_values

__all__ = [
    "check_output_folder",
    "check_yaml",
    "find_recipe",
    "keys_by_argument",
    "load_experiment",
    "swallowing_options",
    "write_experiment",
]

PathLike = str | os.PathLike[str]


def load_experiment(
    argv: list[str], script: PathLike
) -> tuple[str, dict[str, Any], RunOptions, str]:
    """Read the command line and build what the YAML describes; write nothing.

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
        Path of the YAML file.
    hparams : dict
        The loaded YAML.
    run_opts : RunOptions
        For ``speechbrain.Brain``.
    overrides : str
        The overrides as YAML, for `write_experiment`.

    Raises
    ------
    ValueError
        If the YAML or the command line has a mistake, the device is not
        there, or a folder cannot be written.
    """
    line = read_command_line(argv)
    document = _compose(line.hparams_file, script)
    overrides = write_overrides(line.given, document)
    document = check_yaml(line.hparams_file, script, overrides)
    given = compose_overrides(overrides, document)
    check_called(document, given)
    run_opts = check_run_options(line.run_opts, document)
    resolved = _resolve(document, overrides)
    found = Document(document.path, resolved.text)
    check_numbers(document, given, found)
    for key in ("output_folder", "corpus_folder"):
        if key in found.items:
            giver = given if key in given.items else document
            place = giver.place(giver.items[key])
            check_output_folder(found.items[key].value, key, place)
    return line.hparams_file, resolved.build(), run_opts, overrides


def write_experiment(
    folder: PathLike,
    hparams_file: PathLike,
    script: PathLike,
    overrides: str = "",
) -> None:
    """Keep what a run is made of in its folder, which is made if needed.

    ``hyperparams.yaml`` is SpeechBrain's usual single file, references
    resolved; of a variant, ``experiment.yaml`` is the whole before that.

    Arguments
    ---------
    folder : path
        Of the run.
    hparams_file : path
        The YAML file.
    script : path
        The recipe that reads it.
    overrides : str
        As of `load_experiment`.

    Raises
    ------
    ValueError
        If the folder cannot be made or written.
    """
    document = check_yaml(hparams_file, script, overrides)
    # as SpeechBrain begins it
    header = (
        f"# Generated {date.today()} from:\n"
        f"# {os.path.abspath(hparams_file)}\n"
        "# yamllint disable\n"
    )
    files = {"hyperparams.yaml": header + _resolve(document, overrides).text}
    if document.is_variant:
        files["experiment.yaml"] = document.text
    try:
        os.makedirs(folder, exist_ok=True)
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(
            "output_folder must be a folder that can be written; got "
            f"'{folder}' ({error.strerror}). Give another with "
            "--output_folder=DIR."
        ) from error


def keys_by_argument(
    part: str, hparams_file: PathLike, script: PathLike, overrides: str = ""
) -> dict[KeyPath, str]:
    """Tell which keys of the YAML the objects under one of them are made of.

    Arguments
    ---------
    part : str
        The key of the objects, such as ``models``.
    hparams_file : path
        The YAML file.
    script : path
        The recipe that reads it.
    overrides : str
        As of `load_experiment`.

    Returns
    -------
    keys : dict
        By the keys that lead to an argument, from below `part` on: the
        top-level key whose value it is.
    """
    document = check_yaml(hparams_file, script, overrides)
    return {
        path[1:]: name
        for path, name in document.keys_referred_to()
        if path[0] == part
    }


def _resolve(document: Document, overrides: str) -> Resolved:
    given = compose_overrides(overrides, document)
    return Resolved(document, overrides, read_texts(document, given))


def _compose(hparams_file: PathLike, script: PathLike) -> Document:
    """Put an experiment together, without what nothing reads any more."""
    read, _ = keys_read_by(script)
    return drop_unused(compose(hparams_file), {path[0] for path in read})


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
    document = compose(read_command_line(argv).hparams_file)
    if "recipe" not in document.items:
        raise ValueError(
            f"{document.path} has no key 'recipe', which names the script to "
            "run. Add `recipe: recipes/.../train.py`, or run that script "
            "itself with this file."
        )
    node = document.items["recipe"]
    path = os.path.expanduser(str(node.value))
    recipe = Path(os.path.abspath(os.path.join(root, path)))
    if not recipe.is_file():
        raise ValueError(
            f"{document.place(node)}: recipe must be a script, its path "
            f"relative to {os.path.abspath(root)}; got '{node.value}'. "
            "Correct the path."
        )
    return recipe


def check_output_folder(
    path: PathLike, key: str = "output_folder", place: str = ""
) -> None:
    """Make sure that a folder can be written, or made; make nothing.

    Arguments
    ---------
    path : path
        The folder.
    key : str
        What it is called in the YAML.
    place : str
        Where it stands, if an error is to name that.

    Raises
    ------
    ValueError
        If it is a file, or it or what it would be made in is not writable.

    Example
    -------
    >>> check_output_folder(getfixture("tmp_path") / "results")
    """
    folder = Path(path).absolute()
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir():
        reason = f"{folder} is no folder"
    elif not os.access(folder, os.W_OK | os.X_OK):
        reason = f"no permission to write into {folder}"
    else:
        return
    begins = f"{place}: " if place else ""
    raise ValueError(
        f"{begins}{key} must be a folder that can be written; got '{path}' "
        f"({reason}). Give another with --{key}=DIR."
    )


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
    document = _compose(hparams_file, script)
    for key, _ in document.root.value:
        hiding = swallowing_options(key.value)
        if hiding:
            raise ValueError(
                f"{document.place(key)}: --{key.value} on the command line "
                f"would be read as --{hiding[0]}, a run option of "
                "SpeechBrain. Rename the key."
            )
    given = compose_overrides(overrides, document)
    check_tags(given)
    read_texts(document, given)
    check_numbers(document, given, Document("", "{}"))
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
