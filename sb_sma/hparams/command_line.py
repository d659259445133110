"""What a command line may say: run options in full, and ``--key=value``."""

import contextlib
import io
import os
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import NamedTuple

from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode
from speechbrain import parse_arguments
from speechbrain.utils.run_opts import RunOptions

from sb_sma.hparams.document import Document, compose_yaml, kind_of
from sb_sma.hparams.names import closest_names
from sb_sma.hparams.texts import texts_by_key

RUN_OPTIONS = frozenset(field.name for field in fields(RunOptions))
_FLAGS = {"help"} | {
    field.name for field in fields(RunOptions) if field.default is False
}
_MOST_OPTIONS = 500
_OF_SEVERAL_WORDS = {
    field.name for field in fields(RunOptions) if "list" in str(field.type)
}


class CommandLine(NamedTuple):
    """What a command line says.

    Arguments
    ---------
    hparams_file : str
        Path of the YAML file.
    run_opts : RunOptions
        SpeechBrain's options.
    given : list of (str, str or None)
        Keys of the YAML and what was typed for each, None for nothing.
    """

    hparams_file: str
    run_opts: RunOptions
    given: list[tuple[str, str | None]]


def swallowing_options(key: str) -> list[str]:
    """Run options that argparse takes a key for, as their abbreviation.

    Arguments
    ---------
    key : str
        A key as given on the command line, without the dashes.

    Returns
    -------
    options : list of str
        Empty if ``--key=value`` reaches the YAML, or is a run option itself.

    Example
    -------
    >>> swallowing_options("test")
    ['test_only']
    >>> swallowing_options("debug")
    []
    """
    if key in RUN_OPTIONS:
        return []
    return sorted(name for name in RUN_OPTIONS if name.startswith(key))


def read_command_line(argv: Sequence[str]) -> CommandLine:
    """Take a command line apart, whose words arrive as they were typed.

    Arguments
    ---------
    argv : sequence of str
        Command line without the program's name.

    Returns
    -------
    line : CommandLine
        What it says.

    Raises
    ------
    ValueError
        If a run option is abbreviated, a word belongs to nothing, or there
        are hundreds of options.

    Example
    -------
    >>> line = read_command_line(["a.yaml", "--note=b=c", "--rate", "1e-3"])
    >>> line.hparams_file, line.given
    ('a.yaml', [('note', 'b=c'), ('rate', '1e-3')])
    """
    words, files, options, given = deque(argv), [], [], []
    while words:
        word = words.popleft()
        name, has_value, value = word[2:].partition("=")
        if word == "-h":
            options.append(word)
        elif not word.startswith("--") or not name:
            files.append(word)
        elif name in RUN_OPTIONS | _FLAGS:
            n_words = len(words) if name in _OF_SEVERAL_WORDS else 1
            if has_value or name in _FLAGS:
                n_words = 0
            options += [word, *_values(words, n_words)]
        else:
            following = [value] if has_value else _values(words, 1)
            given.append((name, following[0] if following else None))
    if len(given) > _MOST_OPTIONS:
        raise ValueError(
            f"a command line must have at most {_MOST_OPTIONS} options; got "
            f"{len(given)}. Write a variant of the YAML file in their place."
        )
    keys = [file for file in files if "=" in file and not os.path.isfile(file)]
    stray = keys or files[1:]
    if stray:
        raise ValueError(_stray(stray[0]))
    hparams_file, run_opts, unknown = _parse(files, options)
    if unknown:
        raise ValueError(
            f"--{unknown.partition(':')[0]} is no option of a command line. "
            "Leave it out."
        )
    return CommandLine(hparams_file, run_opts, given)


def write_overrides(
    given: Iterable[tuple[str, str | None]], document: Document
) -> str:
    """Write what was typed as YAML, a text as the very text.

    Arguments
    ---------
    given : iterable of (str, str or None)
        Keys and what was typed for each.
    document : Document
        The experiment's YAML.

    Returns
    -------
    overrides : str
        A line for each key.

    Raises
    ------
    ValueError
        If a key is unknown, or its value is not YAML.
    """
    given = list(given)
    _check_names((name for name, _ in given), document)
    texts = texts_by_key(document, {name for name, _ in given})
    lines = []
    for name, word in given:
        if word and name in texts:
            word = texts[name].as_yaml(word)
        lines.append(f"{name}: {word or ''}".rstrip())
        _check_line(name, word or "", lines[-1])
    return "\n".join(lines)


def compose_overrides(overrides: str, document: Document) -> Document:
    """Parse the overrides; each must name a key of the YAML, with a value.

    Arguments
    ---------
    overrides : str
        As `write_overrides` gives them.
    document : Document
        The experiment's YAML.

    Returns
    -------
    given : Document
        The overrides.

    Raises
    ------
    ValueError
        If a key is unknown, given twice, without a value, or of no effect.
    """
    given = Document("the command line", overrides or "{}")
    _check_names(given.items, document)
    for name, value in given.items.items():
        if kind_of(value) == "null" and value.value == "":
            raise ValueError(
                f"--{name} came without a value. Write --{name}=True for a "
                f"switch, --{name}=VALUE otherwise, --{name}=null for none."
            )
    return given


def _parse(files: list[str], options: list[str]) -> tuple[str, RunOptions, str]:
    """Let SpeechBrain read its options, without a page of usage for each."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return parse_arguments(files + options)
    except SystemExit as end:
        message = complaint.getvalue()
        if end.code and files and ": error: " in message:
            message = message.partition(": error: ")[2].strip()
            raise ValueError(f"{message}. Correct it.") from end
        sys.stderr.write(message)
        raise


def _values(words: deque[str], count: int) -> list[str]:
    """Take the values that follow a name, at most so many."""
    values = []
    while words and len(values) < count and not words[0].startswith("--"):
        values.append(words.popleft())
    return values


def _stray(word: str) -> str:
    """Say what to write instead of a word that belongs to nothing."""
    name, is_given, value = word.lstrip("-–—").partition("=")
    if name and is_given:
        return (
            f"'{word}' must begin with two dashes, to give a value for the "
            f"key '{name}'. Write --{name}={value}."
        )
    return (
        f"'{word}' belongs to nothing on the command line, which is one YAML "
        "file and --key=value. Write quotes around a value with spaces: "
        "--key='A VALUE'."
    )


def _check_names(names: Iterable[str], document: Document) -> None:
    for name in names:
        if name not in document.items:
            values = [
                key
                for key, node in document.items.items()
                if not isinstance(node, MappingNode) and key[:2] != "__"
            ]
            closest = closest_names(name, values, RUN_OPTIONS)
            options = ", ".join(swallowing_options(name))
            if options:
                raise ValueError(
                    f"--{name} is neither a key nor a run option; SpeechBrain "
                    f"would read it as an abbreviation of {options}. Write "
                    f"the name in full. {closest}"
                )
            raise ValueError(
                f"--{name}: {document.path} has no key '{name}'. {closest}"
            )
        if name == "recipe":
            raise ValueError(
                f"--recipe has no effect: {document.path} names the recipe. "
                "Edit that line, or run the other recipe itself."
            )


def _check_line(name: str, word: str, line: str) -> None:
    """Refuse a value of which YAML would make several, or drop some."""
    problem = "it would be cut"
    try:
        ((_, value),) = compose_yaml(line).value
        is_whole = not line[value.end_mark.index :].strip()
    except YAMLError as error:
        problem, is_whole = getattr(error, "problem", "") or error, False
    except ValueError:
        is_whole = False
    if not is_whole:
        raise ValueError(
            f"--{name}: '{word:.200}' does not arrive as one value of YAML "
            f"({problem}). Write it in quotes, for the shell and for YAML: "
            f"--{name}='\"{word:.200}\"'."
        )
