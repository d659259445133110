"""Putting values in the place of references, and building what they describe."""

import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import ruamel.yaml
from hyperpyyaml import load_hyperpyyaml, resolve_references
from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from sb_sma.hparams.document import Document, KeyPath

_LOADERS = ("hyperpyyaml", "ruamel", "yaml")
# of the characters that Unicode leaves to private use
_STAND_IN = "\ue000{}\ue001"
_STANDING_IN = re.compile(_STAND_IN.format(r"(\d+)"))


class Resolved:
    """An experiment with values in the place of references.

    HyperPyYAML would look for references, sums and tuples in texts, too. It is
    given stand-ins, which have none.

    Arguments
    ---------
    document : Document
        The experiment.
    overrides : str
        Keys with other values, as YAML.
    texts : mapping
        Text, list of texts or reference, by the keys that lead to it; texts
        are taken as they are.

    Example
    -------
    >>> document = Document("a.yaml", "out: x\\nlog: !ref <out>/log\\nn: 1")
    >>> resolved = Resolved(document, "n: 2", {("out",): "<a>"})
    >>> resolved.build()
    {'out': '<a>', 'log': '<a>/log', 'n': 2}
    >>> print(resolved.text.rstrip())
    out: "<a>"
    log: "<a>/log"
    n: 2
    """

    def __init__(
        self, document: Document, overrides: str, texts: Mapping[KeyPath, Any]
    ):
        self._texts: list[str] = []
        self._path = document.path
        given = {}
        with self._told():
            given = YAML().load(overrides or "{}")
        for path, text in texts.items():
            below = given
            for key in path[:-1]:
                below = below.setdefault(key, {})
            below[path[-1]] = self._hide(text)
        stream = io.StringIO(document.text)
        # what is included is looked for beside it
        stream.name = document.path
        with self._told():
            self._resolved = resolve_references(stream, given).getvalue()

    @property
    def text(self) -> str:
        """As YAML."""
        stream = io.StringIO()
        with self._told():
            YAML().dump(self._shown_in(YAML().load(self._resolved)), stream)
        return stream.getvalue()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Name the experiment where its values cannot be read."""
        try:
            yield
        # values with a tag that they do not fit raise errors of many kinds
        except Exception as error:
            told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise ValueError(
                f"{self._path}, with what the command line gives, cannot be "
                f"put together ({told}). Correct the value, its tag or its "
                "reference."
            ) from error

    def build(self) -> dict[str, Any]:
        """Build every object, without the loader's own calls in a traceback.

        They are dozens for every error of a class or function that the YAML
        names. An error of the loader itself keeps them.

        Returns
        -------
        hparams : dict
            With every object.

        Raises
        ------
        Exception
            Whatever an object that is built raises.
        """

        class Loader(ruamel.yaml.Loader):
            """Reads texts again where they have stand-ins."""

        def construct(loader: Loader, node: ScalarNode) -> str:
            """Show the text that is read."""
            return self._show(loader.construct_scalar(node))

        Loader.add_constructor("tag:yaml.org,2002:str", construct)
        try:
            return load_hyperpyyaml(self._resolved, loader=Loader)
        except Exception as error:
            # Python adds this function again
            frames = _frames(error.__traceback__.tb_next)
            if _is_of_loader(frames[-1]):
                raise
            below = None
            for frame in reversed(frames):
                if not _is_of_loader(frame):
                    below = TracebackType(
                        below, frame.tb_frame, frame.tb_lasti, frame.tb_lineno
                    )
            raise error.with_traceback(below)

    def _hide(self, text: Any) -> Any:
        """Exchange a text, or those of a list, for a stand-in."""
        if isinstance(text, list):
            return [self._hide(each) for each in text]
        if not isinstance(text, str):
            return text
        self._texts.append(text)
        return _STAND_IN.format(len(self._texts) - 1)

    def _show(self, value: str) -> str:
        """Exchange stand-ins for the texts."""
        return _STANDING_IN.sub(lambda it: self._texts[int(it[1])], value)

    def _shown_in(self, value: Any) -> Any:
        """Exchange all stand-ins below a value, in place."""
        if isinstance(value, dict):
            for key in value:
                value[key] = self._shown_in(value[key])
        elif isinstance(value, list):
            value[:] = [self._shown_in(each) for each in value]
        elif isinstance(value, str) and _STANDING_IN.search(value):
            return DoubleQuotedScalarString(self._show(value))
        return value


def _frames(traceback: TracebackType | None) -> list[TracebackType]:
    """From the outermost call to the innermost."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def _is_of_loader(frame: TracebackType) -> bool:
    module = frame.tb_frame.f_globals.get("__name__", "")
    return module.partition(".")[0] in _LOADERS
