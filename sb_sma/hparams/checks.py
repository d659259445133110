"""Checks of a YAML file, of what is given to it, and of what it includes."""

import os
from collections.abc import Iterable, Iterator

from ruamel.yaml.nodes import MappingNode, Node

from sb_sma.hparams.document import Document, KeyPath, items, kind_of, tag_of
from sb_sma.hparams.names import closest_names

_INCLUDE = "!include:"
_TAGS = (
    *("!ref", "!copy", "!tuple", "!PLACEHOLDER", "!new:", "!name:", "!apply:"),
    *("!applyref:", "!module:", "tag:", _INCLUDE),
)


def check_document(
    document: Document,
    giver: Document,
    given: Node,
    read_outside: set[KeyPath],
    reader: str,
    remedy: str,
) -> None:
    """Check one file, then the files that it includes.

    Arguments
    ---------
    document : Document
        The file.
    giver : Document
        Where `given` stands: the command line or the including file.
    given : Node
        A mapping of values that replace the file's own, or anything else if
        nothing is given.
    read_outside : set of KeyPath
        What others read from this file; the empty path stands for all of it.
    reader : str
        Path of the file that these others stand in.
    remedy : str
        How to give a value for a placeholder.

    Raises
    ------
    ValueError
        If a key is unknown, if a reference leads nowhere, if a given value
        would not take effect, or if a placeholder is left.
    """
    check_tags(document)
    _check_keys(document, read_outside, reader)
    if not tag_of(document.root):
        _check_given(giver, given, document, document.root)
        _check_placeholders(document, given, remedy)
    read = read_outside | {path for path, _ in document.references()}
    for path, node, included in included_by(document):
        check_document(
            included,
            giver=document,
            given=node,
            read_outside=set(_below(path, read)),
            reader=document.path,
            remedy=f"Give each at {document.place(node)}.",
        )


def included_by(document: Document) -> Iterator[tuple[KeyPath, Node, Document]]:
    """Read every file that another one includes itself.

    Arguments
    ---------
    document : Document
        A file.

    Returns
    -------
    included : iterator
        Triples of the keys that lead to an ``!include:``, its node, and what
        it includes.

    Raises
    ------
    ValueError
        If there is no such file, or it cannot be read.
    """
    # relative to the file behind a link, as HyperPyYAML has it
    folder = os.path.dirname(os.path.realpath(document.path))
    for path, node in document.walk():
        if not tag_of(node).startswith(_INCLUDE):
            continue
        file = os.path.join(folder, tag_of(node)[len(_INCLUDE) :])
        if not os.path.isfile(file):
            raise ValueError(
                f"{document.place(node)}: {node.tag} names no existing file. "
                f"Give a path relative to {folder}."
            )
        try:
            included = Document(file)
        except ValueError as error:
            raise ValueError(
                f"{document.place(node)}: what is included cannot be read. "
                f"{error}"
            ) from error
        yield path, node, included


def _below(path: KeyPath, read: Iterable[KeyPath]) -> Iterator[KeyPath]:
    """Return what of `read` concerns the node at `path`, told from there."""
    for other in read:
        if other[: len(path)] == path:
            yield other[len(path) :]
        elif path[: len(other)] == other:
            yield ()


def check_tags(document: Document) -> None:
    """Refuse a text that begins with '!', which YAML takes for a tag.

    Arguments
    ---------
    document : Document
        A file, or the command line.

    Raises
    ------
    ValueError
        If HyperPyYAML knows no such tag.
    """
    for _, node in document.walk():
        tag = tag_of(node)
        if tag and not tag.startswith(_TAGS):
            raise ValueError(
                f"{document.place(node)}: {tag} is no tag of HyperPyYAML. "
                "Write quotes around a text that begins with '!'."
            )


def _check_keys(document, read_outside, reader):
    for path, node in document.references():
        if path[0] not in document.items:
            raise ValueError(
                f"{document.place(node)}: {node.tag} {node.value} refers to "
                f"the unknown key '{path[0]}'. "
                f"{closest_names(path[0], document.items)}"
            )
    # everything is read, or the keys are the arguments of one object
    if () in read_outside or tag_of(document.root):
        return
    referenced = {path[0] for path, _ in document.references()}
    used = referenced | {path[0] for path in read_outside}
    for key, _ in document.root.value:
        # HyperPyYAML builds and then drops what begins with two underscores
        if key.value not in used and not key.value.startswith("__"):
            raise ValueError(
                f"{document.place(key)}: unknown key '{key.value}', which "
                f"neither {reader} nor a !ref reads. "
                f"{closest_names(key.value, used)}"
            )


def _check_given(
    giver: Document, given: Node, document: Document, base: MappingNode
) -> None:
    """Refuse what HyperPyYAML would drop or mix when it merges mappings."""
    known = items(base)
    for key, value in given.value if isinstance(given, MappingNode) else ():
        place = giver.place(key)
        if key.value not in known:
            raise ValueError(
                f"{place}: unknown key '{key.value}'; {document.path} has no "
                f"such key. {closest_names(key.value, known)}"
            )
        old = known[key.value]
        value = giver.resolve(value)
        stands = f"'{key.value}' ({document.place(old)})"
        if tag_of(old).startswith(_INCLUDE):
            raise ValueError(
                f"{place}: {stands} is {old.tag}, which cannot be replaced "
                "or changed from outside. Give the keys that are passed into "
                "it, or edit that line."
            )
        is_built = tag_of(old).startswith(("!new:", "!apply:"))
        is_plain = not isinstance(value, MappingNode) and not tag_of(value)
        if (is_built or isinstance(old, MappingNode)) and (
            is_plain and kind_of(value) != "null"
        ):
            raise ValueError(
                f"{place}: {stands} is {tag_of(old) or 'a mapping'}, which a "
                "single value cannot replace. Give one of its arguments, or "
                "edit that line."
            )
        if isinstance(value, MappingNode):
            if not isinstance(old, MappingNode) or tag_of(value):
                raise ValueError(
                    f"{place}: {tag_of(value) or 'a mapping'} with arguments "
                    f"cannot replace {stands}. Name something that needs no "
                    "arguments, or edit that line."
                )
            if not tag_of(old):
                _check_given(giver, value, document, old)
        _check_kind(place, stands, old, value)


def _check_kind(place, stands, old, value):
    """Refuse a text for a switch or a number, e.g. `yes`."""
    if tag_of(value):
        return
    got = value.value if kind_of(value) else "a list"
    if kind_of(old) == "bool" and kind_of(value) != "bool":
        raise ValueError(
            f"{place}: {stands} is a switch; got '{got}'. Write True or False."
        )
    if kind_of(old) in ("int", "float") and kind_of(value) in ("bool", "str"):
        raise ValueError(
            f"{place}: {stands} is a number; got '{got}'. Write a number."
        )


def _check_placeholders(document, given, remedy):
    replaced = items(given)
    left = [
        f"{'.'.join(path)} (line {node.start_mark.line + 1})"
        for path, node in document.walk()
        if tag_of(node) == "!PLACEHOLDER" and path[0] not in replaced
    ]
    if left:
        raise ValueError(
            f"{document.path}: values must be given for {', '.join(left)}. "
            f"{remedy}"
        )
