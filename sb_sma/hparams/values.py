"""Values of a wrong type, found before anything is built.

Arguments of objects are held against the signature and annotations of what they
are handed to, and the keys that a recipe itself reads against a table. The
annotation ``Annotated[str, TABLE]`` asks for a name of that table; where it says
what is built by each name, the arguments of that are checked, too.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sb_sma.hparams.annotations import describe, matches
from sb_sma.hparams.calls import (
    built_by_name,
    called_by,
    hints_of,
    parameters_of,
    takes_any,
)
from sb_sma.hparams.document import Document, items, plain_value, tag_of
from sb_sma.hparams.names import closest_names
from sb_sma.hparams.ranges import NUMBERS
from sb_sma.hparams.texts import TEXTS

_UNKNOWN = object()


def check_values(document: Document, given: Document) -> None:
    """Refuse values that what reads them cannot take.

    Arguments
    ---------
    document : Document
        The whole experiment.
    given : Document
        The command line's overrides.

    Raises
    ------
    ValueError
        If an object has no such argument or lacks one, or a value is of
        another type than it asks for.
    """
    values = _Values(document, given)
    for key, hint in TEXTS.items():
        if key in document.items:
            values.check(document.items[key], f"'{key}'", hint, key)
    for path, node in document.walk():
        if path[0] not in given.items:
            name, called = called_by(document, node)
            if called is not None and isinstance(node, MappingNode):
                _check_call(document, values, node, name, called)


def check_numbers(
    document: Document, given: Document, resolved: Document
) -> None:
    """Refuse numbers of the recipes that are out of range.

    Arguments
    ---------
    document : Document
        The whole experiment.
    given : Document
        The command line's overrides.
    resolved : Document
        What sums of references come to, by key; of other values it need not
        know.

    Raises
    ------
    ValueError
        If a number is out of range, or no number.
    """
    values = _Values(document, given)
    for key, node in document.items.items():
        if key not in NUMBERS:
            continue
        place, value = values.find(node, key)
        if value is _UNKNOWN and key in resolved.items:
            value = values.read(resolved, resolved.items[key])
        if value is _UNKNOWN or NUMBERS[key].allows(value):
            continue
        remedy = "Correct it."
        usual = values.read(document, node)
        if key in given.items and usual is not _UNKNOWN:
            remedy = f"Give another, or leave it out for {_written(usual)}."
        raise ValueError(
            f"{place}: '{key}' must be {NUMBERS[key]}; got {_written(value)}. "
            f"{remedy}"
        )


def _written(value: Any) -> str:
    """Write a value as YAML has it."""
    words = {"None": "null", "inf": ".inf", "-inf": "-.inf", "nan": ".nan"}
    return words.get(repr(value), repr(value))


class _Values:
    """Finds what a node comes to, the command line included."""

    def __init__(self, document: Document, given: Document):
        self.document, self.given = document, given

    def find(
        self, node: Node, name: str = "", seen: tuple[str, ...] = ()
    ) -> tuple[str, Any]:
        """Return the place and the plain value, or `_UNKNOWN`."""
        if name in seen and name:
            raise ValueError(
                f"{self.document.place(node)}: '{name}' refers to itself. "
                "Give it a value."
            )
        if name in self.given.items and node is self.document.items.get(name):
            node = self.given.items[name]
            return self.given.place(node), self.read(self.given, node)
        if tag_of(node) == "!ref":
            key = node.value.strip()[1:-1]
            if key in self.document.items and f"<{key}>" == node.value.strip():
                return self.find(self.document.items[key], key, (*seen, name))
        return self.document.place(node), self.read(self.document, node)

    def check(self, node: Node, what: str, hint: Any, name: str = "") -> None:
        """Refuse a plain value that does not fit an annotation."""
        place, value = self.find(node, name)
        if value is not _UNKNOWN and not matches(value, hint):
            raise ValueError(
                f"{place}: {what} must be {describe(hint)}; got "
                f"{_written(value)}. Correct it."
            )

    def read(self, document: Document, node: Node) -> Any:
        """Return the plain value of a node, or `_UNKNOWN`."""
        if tag_of(node):
            return _UNKNOWN
        if isinstance(node, ScalarNode):
            return plain_value(node)
        if isinstance(node, SequenceNode):
            parts = [self.find(part)[1] for part in node.value]
            return _UNKNOWN if _UNKNOWN in parts else parts
        parts = {name: self.find(part)[1] for name, part in items(node).items()}
        return _UNKNOWN if _UNKNOWN in parts.values() else parts


def _check_call(
    document: Document,
    values: _Values,
    node: MappingNode,
    name: str,
    called: Callable[..., Any],
) -> None:
    """Hold the arguments of an object against its signature."""
    given = items(node)
    extra = None
    for key, hint in hints_of(called).items():
        built = built_by_name(hint)
        if not built or key not in given:
            continue
        values.check(given[key], f"'{key}' of {name}", hint)
        extra = built.get(values.find(given[key])[1], takes_any)
        options = given.get("options")
        if not isinstance(options, MappingNode):
            continue
        for option, arguments in items(options).items():
            if option not in built:
                raise ValueError(
                    f"{document.place(arguments)}: {name} has options for "
                    f"{', '.join(built)}; got '{option}'. Correct it."
                )
            if isinstance(arguments, MappingNode):
                _check_arguments(
                    document, values, arguments, option, built[option]
                )
    parameters = _check_arguments(document, values, node, name, called, extra)
    missing = [
        parameter.name
        for parameter in parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind
        in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and parameter.name not in given
    ]
    # a `!name:` is called later, with more
    if missing and not tag_of(node).startswith("!name:"):
        raise ValueError(
            f"{document.place(node)}: {name} lacks {', '.join(missing)}. Give "
            "all that it needs."
        )


def _check_arguments(
    document: Document,
    values: _Values,
    node: MappingNode,
    name: str,
    called: Callable[..., Any],
    extra: Callable[..., Any] | None = None,
) -> Mapping[str, inspect.Parameter]:
    """Hold keyword arguments against a signature, which is returned.

    Where it takes any, those that are not its own are those of `extra`.
    """
    own = known = parameters_of(called)
    hints = hints_of(called)
    takes_any = _takes_others(own)
    if takes_any and extra is not None:
        others = parameters_of(extra)
        known, hints = {**others, **own}, {**hints_of(extra), **hints}
        takes_any = _takes_others(others)
    for key, value in node.value:
        if key.value == "<<":
            continue
        if key.value not in known and not takes_any:
            raise ValueError(
                f"{document.place(key)}: {name} takes no '{key.value}'. "
                f"{closest_names(key.value, known)}"
            )
        _, plain = values.find(value)
        default = getattr(known.get(key.value), "default", _UNKNOWN)
        if type(plain) is not type(default) or plain != default:
            hint = hints.get(key.value, Any)
            values.check(value, f"'{key.value}' of {name}", hint)
    return own


def _takes_others(parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Say whether keywords of any name can be given."""
    return any(p.kind is p.VAR_KEYWORD for p in parameters.values())
