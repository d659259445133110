"""Values of a wrong type, found before anything is built.

Arguments of objects are held against the signature and annotations of what they
are handed to, and the keys that a recipe itself reads against a table. The
annotation ``Annotated[str, TABLE]`` asks for a name of that table; where it says
what is built by each name, the arguments of that are checked, too.
"""

import inspect
import pydoc
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sb_sma.hparams.annotations import describe, matches
from sb_sma.hparams.document import Document, items, kind_of, tag_of
from sb_sma.hparams.names import closest_names

_CALLED = ("!new:", "!apply:", "!name:")
_UNKNOWN = object()


@dataclass(frozen=True)
class Number:
    """What a number of the YAML may be.

    Arguments
    ---------
    kind : type
        int or float.
    least : float
        The lowest value.
    most : float
        The highest value.
    or_null : bool
        Whether there may be none.
    """

    kind: type = int
    least: float = 0
    most: float = float("inf")
    or_null: bool = False

    def __str__(self) -> str:
        """Describe it for an error."""
        name = "a whole number" if self.kind is int else "a number"
        ends = f"{self.least:g} or more"
        if self.most < float("inf"):
            ends = f"from {self.least:g} to {self.most:g}"
        return f"{name}, {ends}" + (", or null" if self.or_null else "")

    def allows(self, value: Any) -> bool:
        """Say whether a value is one.

        Arguments
        ---------
        value : Any
            Of the YAML.

        Returns
        -------
        allows : bool
            Whether it is of this kind and in range.
        """
        if value is None:
            return self.or_null
        return matches(value, self.kind) and self.least <= value <= self.most


_SIZE = Number(least=1)
_SHARE = Number(float, 0, 1)
NUMBERS: Mapping[str, Number] = {
    "average_decay": _SHARE,
    "batch_words": _SIZE,
    "conformer_kernel_size": _SIZE,
    "d_ffn": _SIZE,
    "d_model": _SIZE,
    "decoder_layers": _SIZE,
    "dropout": _SHARE,
    "encoder_layers": _SIZE,
    "encoder_prenet_kernel_size": _SIZE,
    "encoder_prenet_layers": Number(),
    "frames_per_token": Number(float, or_null=True),
    "griffin_lim_iterations": Number(),
    "label_smoothing": _SHARE,
    "language_balance": _SHARE,
    "lr": Number(float),
    "max_batch_frames": _SIZE,
    "max_batch_items": _SIZE,
    "moves_per_query": _SIZE,
    "n_graphemes": _SIZE,
    "n_phonemes": _SIZE,
    "n_samples": Number(),
    "n_tokens": _SIZE,
    "nhead": _SIZE,
    "num_workers": Number(),
    "number_of_epochs": Number(),
    "postnet_dropout": _SHARE,
    "prenet_dropout": _SHARE,
    "reduction_factor": _SIZE,
    "samples_every": _SIZE,
    "seed": Number(),
    "short_first_epochs": Number(),
    "speakers": Number(),
    "stop_positive_weight": Number(float),
    "stop_weight": Number(float),
    "warmup_share": _SHARE,
    "warmup_steps": Number(),
}
"""Numbers of the recipes, by their key."""
TEXTS: Mapping[str, Any] = {
    "corpus_folder": str,
    "data_folder": str | None,
    "initial_model": str | None,
    "output_folder": str,
    "texts": str | None,
}
"""What texts of the recipes may be, by their key."""


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
    for key, number in NUMBERS.items():
        if key in document.items:
            node = document.items[key]
            place, value = values.find(node, key)
            if value is not _UNKNOWN and not number.allows(value):
                raise ValueError(
                    f"{place}: '{key}' must be {number}; got "
                    f"{value!r}. Correct it."
                )
    for key, hint in TEXTS.items():
        if key in document.items:
            values.check(document.items[key], f"'{key}'", hint, key)
    for path, node in document.walk():
        if path[0] in given.items or not isinstance(node, MappingNode):
            continue
        tag = tag_of(node)
        start = next((s for s in _CALLED if tag.startswith(s)), None)
        if start is not None:
            _check_call(document, values, node, tag[len(start) :], start)


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
            return self._read(self.given, self.given.items[name])
        if tag_of(node) == "!ref":
            key = node.value.strip()[1:-1]
            if key in self.document.items and f"<{key}>" == node.value.strip():
                return self.find(self.document.items[key], key, (*seen, name))
        return self._read(self.document, node)

    def check(self, node: Node, what: str, hint: Any, name: str = "") -> None:
        """Refuse a plain value that does not fit an annotation."""
        place, value = self.find(node, name)
        if value is not _UNKNOWN and not matches(value, hint):
            raise ValueError(
                f"{place}: {what} must be {describe(hint)}; got {value!r}. "
                "Correct it."
            )

    def _read(self, document: Document, node: Node) -> tuple[str, Any]:
        place = document.place(node)
        if tag_of(node):
            return place, _UNKNOWN
        if isinstance(node, SequenceNode):
            parts = [self.find(part)[1] for part in node.value]
            return place, _UNKNOWN if _UNKNOWN in parts else parts
        if not isinstance(node, ScalarNode):
            return place, _UNKNOWN
        read = {
            "bool": lambda text: text.lower() == "true",
            "int": lambda text: int(text.replace("_", ""), 0),
            "float": float,
            "null": lambda text: None,
        }.get(kind_of(node), str)
        try:
            return place, read(node.value)
        except ValueError:
            return place, _UNKNOWN


def _check_call(
    document: Document, values: _Values, node: MappingNode, name: str, how: str
) -> None:
    """Hold the arguments of an object against its signature."""
    try:
        called = pydoc.locate(name)
    except pydoc.ErrorDuringImport as error:
        raise ValueError(
            f"{document.place(node)}: {name} cannot be imported ({error})."
        ) from error
    if called is None:
        return  # the loader says what is missing
    given = items(node)
    extra = None
    for key, hint in _hints_of(called).items():
        built = _built_by_name(hint)
        if not built or key not in given:
            continue
        values.check(given[key], f"'{key}' of {name}", hint)
        extra = built.get(values.find(given[key])[1], _takes_any)
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
    if missing and how != "!name:":
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
    own = known = _parameters_of(called)
    hints = _hints_of(called)
    takes_any = _takes_others(own)
    if takes_any and extra is not None:
        others = _parameters_of(extra)
        known, hints = {**others, **own}, {**_hints_of(extra), **hints}
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


def _takes_any(*values: Any, **options: Any) -> None:
    """Stand for what has no signature, as much of C."""


def _parameters_of(
    called: Callable[..., Any],
) -> Mapping[str, inspect.Parameter]:
    """Return what can be given, by name."""
    try:
        return inspect.signature(called).parameters
    except (TypeError, ValueError):
        return inspect.signature(_takes_any).parameters


def _hints_of(called: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the annotations by argument."""
    function = called.__init__ if inspect.isclass(called) else called
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}


def _built_by_name(hint: Any) -> Mapping[str, Callable[..., Any]] | None:
    """Return the table of an annotation, if it says what is built."""
    table = getattr(hint, "__metadata__", (None,))[0]
    is_built = isinstance(table, Mapping) and all(map(callable, table.values()))
    return table if is_built else None
