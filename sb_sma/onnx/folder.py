"""The folder of an exported model: graphs, and a JSON file that tells of them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sb_sma.data.json_files import parse_json
from sb_sma.extras import require
from sb_sma.inference.model_folder import ModelFolderError

FORMAT = 1
CONTENT = "onnx.json"
PAST, NEXT = "past.", "next."
"""Of the self-attention's cache of a layer, and of what a step changes."""

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}
_ROOM = 64  # steps, at first
_AGAIN = "Copy the folder or export the model again."


def write_content(folder: Path, content: Mapping[str, Any]) -> None:
    """Write what a runner has to know, and the digests of the graphs.

    Arguments
    ---------
    folder : Path
        With the graphs.
    content : mapping
        What JSON can hold.
    """
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*.onnx"))
    }
    text = json.dumps(
        {"format": FORMAT, **content, "sha256": digests},
        ensure_ascii=False,
        indent=1,
        allow_nan=False,
    )
    (folder / CONTENT).write_text(text, encoding="utf-8")


class OnnxFolder:
    """What an export has written.

    Arguments
    ---------
    source : str or Path
        The folder.
    kind : str
        tts or g2p.
    n_threads : int
        Of each graph.

    Raises
    ------
    ImportError
        If there is no onnxruntime.
    ModelFolderError
        If there is no such folder, it holds a model of another kind, or it is
        damaged.
    """

    def __init__(self, source: str | Path, kind: str, n_threads: int = 1):
        if type(n_threads) is not int or n_threads < 1:
            raise ValueError(
                f"n_threads must be an integer, 1 or more; got {n_threads!r}."
            )
        self.path = Path(source)
        self.n_threads = n_threads
        file = self.path / CONTENT
        if not file.is_file():
            raise ModelFolderError(
                f"{source} must be a folder that sb-sma export --onnx has "
                f"written; there is no {file}."
            )
        content = parse_json(file.read_bytes(), file)
        if not isinstance(content, dict):
            raise ModelFolderError(
                f"{file} must hold a JSON object; got {content!r:.80}. {_AGAIN}"
            )
        self._content = content
        number, found = self.get("format", int), self.get("kind", str)
        if number > FORMAT:
            raise ModelFolderError(
                f"{source} has the format {number}, this version of sb_sma "
                f"reads up to {FORMAT}. Install a newer one: pip install -U "
                "sb_sma"
            )
        if found != kind:
            other = {"tts": "OnnxTTS", "g2p": "OnnxG2P"}.get(found)
            remedy = f"Load it with {other}." if other else _AGAIN
            raise ModelFolderError(
                f"{source} must hold a model of the kind {kind}; got "
                f"{found!r:.40}. {remedy}"
            )
        self._digests = self.get("sha256", dict)

    def get(self, key: str, *kinds: type) -> Any:
        """Look up what the JSON file says.

        Arguments
        ---------
        key : str
            Of the JSON file.
        *kinds : type
            That its value may have.

        Returns
        -------
        value : object
            Of one of these types.

        Raises
        ------
        ModelFolderError
            If it is missing, or another.
        """
        value = self._content.get(key)
        if not isinstance(value, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise self.damaged(f"{key} must be a {names}", value)
        return value

    def build(self, key: str, make: Any) -> Any:
        """Make an object of what the JSON file says.

        Arguments
        ---------
        key : str
            Of a JSON object in the file.
        make : Callable
            Called with its keys as keywords.

        Returns
        -------
        made : object
            What it returns.

        Raises
        ------
        ModelFolderError
            If it refuses them.
        """
        arguments = self.get(key, dict)
        try:
            return make(**arguments)
        # what damage raises may be of any kind
        except Exception as error:
            if isinstance(error, (ImportError, OSError)):
                raise
            told = f"{type(error).__name__}: {error}"
            raise self.damaged(f"{key} is refused ({told})", arguments) from (
                error
            )

    def array(self, key: str, *shape: int) -> np.ndarray:
        """Look numbers up.

        Arguments
        ---------
        key : str
            Of the JSON file.
        *shape : int
            What they must have; -1 is any.

        Returns
        -------
        numbers : np.ndarray
            Finite, float32.

        Raises
        ------
        ModelFolderError
            If there are others.
        """
        listed = self.get(key, list)
        try:
            numbers = np.array(listed, dtype=np.float32)
        except (TypeError, ValueError):
            numbers = np.full(1, np.nan)
        fits = len(shape) == numbers.ndim and all(
            wanted in (-1, size) for wanted, size in zip(shape, numbers.shape)
        )
        if not fits or not np.isfinite(numbers).all():
            raise self.damaged(
                f"{key} must be finite numbers of shape {shape}", listed
            )
        return numbers

    def damaged(self, what: str, got: Any) -> ModelFolderError:
        """Say what is wrong with the JSON file.

        Arguments
        ---------
        what : str
            Beginning with the key.
        got : object
            Its value.

        Returns
        -------
        error : ModelFolderError
            To be raised.
        """
        return ModelFolderError(
            f"{self.path / CONTENT}: {what}; got {got!r:.80}. {_AGAIN}"
        )

    def graph(self, name: str) -> "OnnxGraph":
        """Load a graph.

        Arguments
        ---------
        name : str
            Of its file, without ending.

        Returns
        -------
        graph : OnnxGraph
            Ready to run.

        Raises
        ------
        ModelFolderError
            If it is missing or damaged.
        """
        path = self.path / f"{name}.onnx"
        try:
            model = path.read_bytes()
        except OSError as error:
            raise ModelFolderError(
                f"{path} cannot be read ({error.strerror}). {_AGAIN}"
            ) from error
        if hashlib.sha256(model).hexdigest() != self._digests.get(path.name):
            raise ModelFolderError(
                f"{path} is damaged, or another one than was exported. {_AGAIN}"
            )
        return OnnxGraph(model, self.n_threads)


class StepCache:
    """The keys and values of a layer's steps so far.

    Arguments
    ---------
    shape : sequence of int
        Of a step, such as (R, 2, H, D / H).
    window : int, optional
        How many steps a step sees, itself included. Default: all.
    dtype : type
        Of the keys and values.

    Example
    -------
    >>> cache = StepCache((1, 2, 4, 8), window=3)
    >>> for _ in range(5):
    ...     cache.append(np.zeros((1, 1, 2, 4, 8), dtype=np.float32))
    >>> cache.past.shape
    (2, 1, 2, 4, 8)
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        window: int | None = None,
        dtype: type = np.float32,
    ):
        self._stored = np.empty((_ROOM, *shape), dtype=dtype)
        self._window = window
        self._n_steps = 0

    @property
    def past(self) -> np.ndarray:
        """What the next step sees, (L, R, 2, H, D / H)."""
        first = 0
        if self._window is not None:
            first = max(0, self._n_steps + 1 - self._window)
        return self._stored[first : self._n_steps]

    def append(self, step: np.ndarray) -> None:
        """Add a step.

        Arguments
        ---------
        step : np.ndarray
            (1, R, 2, H, D / H).
        """
        if self._n_steps == len(self._stored):
            room = np.empty_like(self._stored)
            self._stored = np.concatenate([self._stored, room])
        self._stored[self._n_steps] = step[0]
        self._n_steps += 1

    def select_rows(self, rows: np.ndarray) -> None:
        """Keep some rows, each as often as it is named.

        Arguments
        ---------
        rows : np.ndarray
            Their indices, (R',).
        """
        self._stored = self._stored[:, rows]


class OnnxGraph:
    """A graph that runs on arrays with names.

    Arguments
    ---------
    model : bytes
        Of the file.
    n_threads : int
        That it takes.

    Attributes
    ----------
    shapes : dict of str to list
        Of the inputs, by name; a string is any size.
    dtypes : dict of str to type
        Of numpy, of the inputs.
    outputs : list of str
        Their names.

    Raises
    ------
    ImportError
        If there is no onnxruntime.
    """

    def __init__(self, model: bytes, n_threads: int):
        onnxruntime = require("onnxruntime", "onnx", "Running ONNX graphs")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        # errors are raised anyway
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        inputs = self._session.get_inputs()
        self.shapes = {each.name: each.shape for each in inputs}
        self.dtypes = {each.name: _DTYPES[each.type] for each in inputs}
        self.outputs = [each.name for each in self._session.get_outputs()]

    def caches(self, window: int | None) -> dict[str, StepCache]:
        """Make the caches of a step, before the first one.

        Arguments
        ---------
        window : int, optional
            How many steps a step sees. Default: all.

        Returns
        -------
        caches : dict of str to StepCache
            Of one row, by the name of the input that is their past.
        """
        return {
            name: StepCache((1, *shape[2:]), window, self.dtypes[name])
            for name, shape in self.shapes.items()
            if name.startswith(PAST)
        }

    def __call__(
        self, inputs: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Run it.

        Arguments
        ---------
        inputs : mapping of str to np.ndarray
            All that it takes; others are left out.

        Returns
        -------
        outputs : dict of str to np.ndarray
            By name.
        """
        taken = {
            name: np.asarray(inputs[name], dtype=dtype)
            for name, dtype in self.dtypes.items()
        }
        return dict(zip(self.outputs, self._session.run(None, taken)))
