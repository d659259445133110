"""What the objects of a YAML file are made by, and what that takes."""

import inspect
import pydoc
import typing
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node

from sb_sma.hparams.checks import included_by
from sb_sma.hparams.document import Document, KeyPath, items, tag_of

_CALLED = ("!new:", "!apply:", "!name:")
_KINDS = {
    "!new": ("class", inspect.isclass),
    "!apply": ("function", inspect.isroutine),
    "!name": ("class or function", lambda named: named is not None),
    "!module": ("module", inspect.ismodule),
}


def called_by(document: Document, node: Node) -> tuple[str, Callable | None]:
    """Find what a node names to be called, now or later.

    Arguments
    ---------
    document : Document
        Where the node stands.
    node : Node
        Any node.

    Returns
    -------
    name : str
        Dotted; empty for other nodes.
    called : Callable, optional
        What is of this name; None for other nodes, and if there is nothing.

    Raises
    ------
    ValueError
        If it cannot be imported.
    """
    tag = tag_of(node)
    name = next((tag[len(s) :] for s in _CALLED if tag.startswith(s)), "")
    return name, _find(name, document, node)


def _find(name: str, document: Document, node: Node) -> Any:
    """Import what is of a name."""
    try:
        return pydoc.locate(name) if name else None
    except pydoc.ErrorDuringImport as error:
        raise ValueError(
            f"{document.place(node)}: {name} cannot be imported ({error})."
        ) from error


def check_called(document: Document, given: Document) -> None:
    """Refuse the name of a class, a function or a module that is not there.

    Arguments
    ---------
    document : Document
        A YAML file; what it includes is looked at, too.
    given : Document
        The command line's overrides.

    Raises
    ------
    ValueError
        If there is nothing of a name, or something else.
    """
    _check_names(given, ())
    files = [(document, given.items)]
    for file, replaced in files:
        _check_names(file, replaced)
        files += [(part, items(node)) for _, node, part in included_by(file)]


def _check_names(document: Document, replaced: Container[str]) -> None:
    for path, node in [((), document.root), *document.walk()]:
        tag, _, name = tag_of(node).partition(":")
        if tag not in _KINDS or (path and path[0] in replaced):
            continue
        kind, is_one = _KINDS[tag]
        if not is_one(_find(name, document, node)):
            raise ValueError(
                f"{document.place(node)}: {tag_of(node)} names no {kind} that "
                "can be imported. Correct the name, or install what it is of."
            )


def arguments_of(
    document: Document, replaced: Container[str]
) -> Iterator[tuple[KeyPath, Node, Any]]:
    """Visit every keyword argument of every object.

    Arguments
    ---------
    document : Document
        A YAML file.
    replaced : container of str
        Keys that have another value than the file's.

    Returns
    -------
    arguments : iterator
        Triples of the keys that lead to an argument, its node and its
        annotation, which is None where there is none.
    """
    for path, node in document.walk():
        if path[0] in replaced or not isinstance(node, MappingNode):
            continue
        _, called = called_by(document, node)
        if called is None:
            continue
        hints = hints_of(called)
        for name, value in items(node).items():
            yield (*path, name), value, hints.get(name)
        options = items(items(node).get("options"))
        for built in filter(None, map(built_by_name, hints.values())):
            for word in built.keys() & options.keys():
                hints = hints_of(built[word])
                for name, value in items(options[word]).items():
                    where = (*path, "options", word, name)
                    yield where, value, hints.get(name)


def parameters_of(
    called: Callable[..., Any],
) -> Mapping[str, inspect.Parameter]:
    """Return what can be given, by name.

    Arguments
    ---------
    called : Callable
        A class or a function.

    Returns
    -------
    parameters : mapping
        Anything at all for what has no signature, as much of C.
    """
    try:
        return inspect.signature(called).parameters
    except (TypeError, ValueError):
        return inspect.signature(takes_any).parameters


def hints_of(called: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the annotations by argument.

    Arguments
    ---------
    called : Callable
        A class or a function.

    Returns
    -------
    hints : mapping
        Empty where they cannot be read.
    """
    function = called.__init__ if inspect.isclass(called) else called
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}


def built_by_name(hint: Any) -> Mapping[str, Callable[..., Any]] | None:
    """Return the table of an annotation, if it says what is built.

    Arguments
    ---------
    hint : Any
        Such as ``Annotated[str, TABLE]``.

    Returns
    -------
    table : mapping, optional
        By name.
    """
    table = getattr(hint, "__metadata__", (None,))[0]
    is_built = isinstance(table, Mapping) and all(map(callable, table.values()))
    return table if is_built else None


def takes_any(*values: Any, **options: Any) -> None:
    """Stand for what has no signature.

    Arguments
    ---------
    *values : Any
        Not used.
    **options : Any
        Not used.
    """
