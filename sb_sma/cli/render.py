"""``sb-sma render``: a variant as the usual single YAML file."""

import argparse
import sys
from pathlib import Path

from sb_sma.cli.paths import (
    check_not_read,
    check_readable,
    check_writable,
    complete_or_absent,
)

HELP = "Write an experiment and what it is a variant of as a single YAML file."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.add_argument("yaml", help="an experiment, such as hparams/tts.yaml")
    parser.add_argument(
        "--out", type=Path, help="where to write; nothing writes to stdout"
    )


def run(arguments: argparse.Namespace) -> None:
    """Put the files together and write them.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ValueError
        If the files cannot be put together, or written.
    """
    check_readable("yaml", arguments.yaml)
    if arguments.out is not None:
        check_writable(arguments.out)
        check_not_read([("--out", arguments.out)], [("yaml", arguments.yaml)])
    # SpeechBrain takes seconds to load: mistakes above are told at once
    from sb_sma.hparams import check_yaml
    from sb_sma.hparams.compose import compose

    document = compose(arguments.yaml)
    recipe = document.items.get("recipe")
    # beside the runner that reads `recipe`, the keys that nothing reads go
    for folder in Path(arguments.yaml).absolute().parents:
        if recipe is not None and (folder / recipe.value).is_file():
            given = _placeholders(document)
            document = check_yaml(arguments.yaml, folder / recipe.value, given)
            break
    text = document.text
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        with complete_or_absent(arguments.out) as file:
            file.write(text.encode())


def _placeholders(document) -> str:
    """Give what a user has to, as overrides."""
    return "".join(
        f"{key.value}: given\n"
        for key, value in document.root.value
        if value.tag and str(value.tag) == "!PLACEHOLDER"
    )
