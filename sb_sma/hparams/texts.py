"""Texts and paths are what was written, whatever YAML would make of it.

``2024-05-01`` is a date in YAML, ``007`` a number and ``[a]`` a list; as the
name of a folder, each is a name. Which keys hold texts is told by a table, and
by the annotations of what takes them. In a path, ``~`` is the home folder.
"""

import inspect
import io
import os
import re
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import TaggedScalar
from ruamel.yaml.nodes import Node, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from sb_sma.hparams.calls import arguments_of
from sb_sma.hparams.document import Document, KeyPath, kind_of, tag_of

TEXTS: Mapping[str, Any] = {
    "checkpoints_dir": Path,
    "corpus_folder": Path,
    "data_folder": Path | None,
    "frozen": str | list[str],
    "initial_model": Path | None,
    "output_folder": Path,
    "save_file": Path,
    "save_folder": Path,
    "texts": Path | None,
    "train_log": Path,
}
"""What texts of the recipes and of SpeechBrain's objects may be, by their key."""

_NULLS = ("", "null", "Null", "NULL")
_FIRST_REFERENCE = re.compile(r"<([^<>]+)>")


@dataclass(frozen=True)
class Text:
    """How a value is read where a text is wanted.

    Arguments
    ---------
    is_path : bool
        Whether ``~`` is the home folder.
    or_null : bool
        Whether ``null`` is none, and not a text.
    or_list : bool
        Whether there may be a list of texts.
    or_called : bool
        Whether there may be a class or a function, ``!name:``.
    """

    is_path: bool
    or_null: bool
    or_list: bool
    or_called: bool

    def as_yaml(self, word: str) -> str:
        """Write what stands on a command line as YAML.

        Arguments
        ---------
        word : str
            What was typed.

        Returns
        -------
        yaml : str
            The text, quoted; null, a list or a name where there may be one.
        """
        is_other = (
            word in _NULLS
            or (self.or_list and word.startswith("["))
            or (self.or_called and word.startswith("!"))
        )
        return word if is_other else quote(word)

    def read(self, node: Node) -> Any:
        """Turn a value of the YAML into the text.

        The node becomes one of a text, too.

        Arguments
        ---------
        node : Node
            Any node.

        Returns
        -------
        text : str, list of str, TaggedScalar or None
            Of a reference, the reference; None if it is nothing of these.
        """
        if self.or_list and isinstance(node, SequenceNode) and not tag_of(node):
            parts = [self.read(part) for part in node.value]
            return None if None in parts else parts
        is_null = kind_of(node) == "null" and node.value in _NULLS
        # HyperPyYAML makes a tuple of (a)
        is_text = not is_null and (kind_of(node) or tag_of(node) == "!tuple")
        if not is_text and tag_of(node) != "!ref":
            return None
        if self.is_path:
            node.value = os.path.expanduser(node.value)
        if not is_text:
            return TaggedScalar(node.value, style=None, tag="!ref")
        node.tag = "tag:yaml.org,2002:str"
        return node.value


def text_of(hints: Iterable[Any]) -> Text | None:
    """Say how a value is read that has to fit all of some annotations.

    Arguments
    ---------
    hints : iterable
        Annotations; None for what has none.

    Returns
    -------
    text : Text, optional
        None unless all of them want a text.

    Example
    -------
    >>> text_of([str | Path | None])
    Text(is_path=True, or_null=True, or_list=False, or_called=False)
    >>> text_of([str, int]) is None
    True
    """
    kinds = [
        {_kind(leaf) for leaf in _leaves(hint)}
        for hint in hints
        if hint not in (None, Any)
    ]
    if not kinds or any(
        "other" in each or not each & {"text", "path"} for each in kinds
    ):
        return None
    return Text(
        is_path=any("path" in each for each in kinds),
        or_null=all("null" in each for each in kinds),
        or_list=all("list" in each for each in kinds),
        or_called=all("called" in each for each in kinds),
    )


def texts_by_key(
    document: Document, replaced: Collection[str] = ()
) -> Mapping[str, Text]:
    """Find the keys that hold texts.

    Arguments
    ---------
    document : Document
        A YAML file.
    replaced : collection of str
        Keys that have another value than the file's.

    Returns
    -------
    texts : mapping
        How each is read, by key.
    """
    uses = _Uses(document)
    for key, node in document.items.items():
        uses.note(node, key)
    for path, node, hint in arguments_of(document, replaced):
        uses.note(node, hint or TEXTS.get(path[-1]))
    found = {key: text_of(uses.hints(key)) for key in document.items}
    return {key: text for key, text in found.items() if text is not None}


def read_texts(document: Document, given: Document) -> dict[KeyPath, Any]:
    """Read every text of an experiment.

    The nodes become those of texts, so that whoever looks at them sees texts.

    Arguments
    ---------
    document : Document
        The YAML file.
    given : Document
        The command line's values.

    Returns
    -------
    texts : dict
        As `Text.read` gives them, by the keys that lead to each.
    """
    read = {
        (key,): text.read(given.items.get(key, document.items[key]))
        for key, text in texts_by_key(document, given.items).items()
    }
    for path, node, hint in arguments_of(document, given.items):
        text = text_of([hint or TEXTS.get(path[-1])])
        if text is not None:
            read[path] = text.read(node)
    return {path: text for path, text in read.items() if text is not None}


def quote(text: str) -> str:
    """Write a text so that YAML reads it as one.

    Arguments
    ---------
    text : str
        Anything.

    Returns
    -------
    yaml : str
        In one line, in double quotes.

    Example
    -------
    >>> print(quote("1: #2"))
    "1: #2"
    """
    yaml = YAML()
    yaml.width = sys.maxsize
    stream = io.StringIO()
    yaml.dump(DoubleQuotedScalarString(text), stream)
    return stream.getvalue().rstrip("\n")


class _Uses:
    """What keys are for: annotations, and other keys that are made of them."""

    def __init__(self, document: Document):
        self.of_key: dict[str, list[tuple[bool, Any]]] = {
            key: [] for key in document.items
        }

    def note(self, node: Node, use: Any) -> None:
        """Note that a value is a reference to a key, or begins with one."""
        if tag_of(node) == "!ref":
            found = _FIRST_REFERENCE.match(node.value)
            if found and found[1] in self.of_key:
                is_whole = found.end() == len(node.value)
                self.of_key[found[1]].append((is_whole, use))

    def hints(self, key: str, seen: KeyPath = ()) -> list[Any]:
        """Give the annotations of all that a key ends up in."""
        hints = [TEXTS.get(key)]
        for is_whole, use in self.of_key[key]:
            found = [use]
            if isinstance(use, str):
                found = [] if use in seen else self.hints(use, (*seen, key))
            leaves = [leaf for hint in found for leaf in _leaves(hint)]
            # what a path begins with is a path
            is_path = "path" in map(_kind, leaves)
            hints += found if is_whole else [Path] * is_path
        return hints


def _leaves(hint: Any) -> list[Any]:
    """Take an annotation apart into those that it is a choice of."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _leaves(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return [leaf for part in arguments for leaf in _leaves(part)]
    return [hint]


def _kind(leaf: Any) -> str:
    """Sort annotations by what they have to do with texts."""
    origin, arguments = typing.get_origin(leaf), typing.get_args(leaf)
    kind = origin or leaf
    if kind in (None, type(None)):
        return "null"
    if kind in (Path, os.PathLike):
        return "path"
    if kind is str or {*map(type, arguments)} == {str}:
        return "text"
    if kind is Callable:
        return "called"
    is_list = inspect.isclass(kind) and issubclass(kind, Collection)
    if is_list and not issubclass(kind, Mapping) and {*arguments} == {str}:
        return "list"
    return "other"
