"""Writes a trained model as a folder of ONNX graphs.

Graphs are traced by ``torch.export`` and translated by ``torch.onnx.export``
with ``dynamo=True``, which all supported versions of PyTorch have; the exporter
of TorchScript is deprecated in the newer ones, and bakes sizes in without a
word. `sb_sma.onnx.OnnxTTS` and `sb_sma.onnx.OnnxG2P` run the folder.
"""

import contextlib
import logging
import math
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.export import Dim
from torch.utils import _pytree as pytree

from sb_sma.attention.decoding import MODES, DecodingOptions
from sb_sma.data.text.frontends import CharacterFrontend, EspeakFrontend
from sb_sma.inference.g2p.interface import G2P
from sb_sma.inference.load_exported import read_exported_yaml
from sb_sma.inference.model_folder import check_model_folder
from sb_sma.inference.tts import TTS
from sb_sma.models.tts.loop_precision import choose_loop
from sb_sma.onnx.folder import OnnxGraph, write_content
from sb_sma.onnx.graphs import (
    CrossStates,
    EncoderGraph,
    Graph,
    MelStepGraph,
    PostnetGraph,
    RefinerGraph,
    TokenStepGraph,
)
from sb_sma.onnx.preconditions import check_absent, check_packages

# of ONNX's operators; runtimes from 2023 on know it
_OPSET = 18
_TOLERANCE = 1e-3
_FRONTENDS = {EspeakFrontend: "espeak", CharacterFrontend: "characters"}


def export_onnx(
    source: str | Path,
    folder: str | Path,
    trusted: bool = False,
) -> list[str]:
    """Write the graphs of an exported model, and what runs them has to know.

    Arguments
    ---------
    source : str or Path
        Folder of a model that speaks or pronounces, or repository on a hub.
    folder : str or Path
        What is written; absent or empty.
    trusted : bool
        Whether the model's folder may run code of its own.

    Returns
    -------
    names : list of str
        Of the files.

    Raises
    ------
    ImportError
        If a package of the extra onnx is missing.
    ValueError
        If there is no such model, a part of it cannot be traced, or something
        is in the folder already.
    """
    check_packages()
    folder = Path(folder)
    check_absent(folder)
    source = str(source)
    check_model_folder(source)
    is_g2p = re.search(
        r"^grapheme_tokenizer\s*:", read_exported_yaml(source), re.MULTILINE
    )
    if is_g2p:
        model: TTS | G2P = G2P.from_hparams(source, trusted=trusted)
        write = _write_g2p
    else:
        model = TTS.from_hparams(source, trusted=trusted, vocoder="griffin_lim")
        write = _write_tts
    with _complete_or_absent(folder) as building, _quiet(), torch.no_grad():
        write_content(building, write(model, building))
        return sorted(path.name for path in building.iterdir())


def _write_tts(tts: TTS, folder: Path) -> dict[str, Any]:
    """Write the graphs of a model that speaks."""
    model, hparams = tts.mods.model, tts.hparams
    decoder, settings = model.decoder, hparams.mel_settings
    loops = _loops_by_mode(model, hparams.decoding)
    needed: set[str] = set()
    for mode, (loop, states) in loops.items():
        needed |= _write(MelStepGraph(loop, states), folder, f"step_{mode}")
    # what it gives a hard walk is rounded by the runner
    reader, _ = loops["soft"]
    begun = [
        CrossStates(reader.decoder.layers, states.options)
        for _, states in loops.values()
    ]
    _write_encoder(reader, begun, needed, folder)
    _write(PostnetGraph(model), folder, "postnet")
    if model.refiner is not None:
        _write(RefinerGraph(model), folder, "refiner")
    frontend, kind = hparams.frontend, _FRONTENDS.get(type(hparams.frontend))
    content = {
        "kind": "tts",
        "tokens": {"symbols": hparams.tokens.symbols},
        "frontend": {"kind": kind, **_arguments_of(frontend)} if kind else None,
        "modes": list(loops),
        "mode": hparams.decoding.mode,
        "decoding": asdict(hparams.decoding),
        "stop_rule": asdict(hparams.stop_rule),
        "mel_settings": asdict(settings),
        "reduction_factor": decoder.reduction_factor,
        "seconds_per_step": settings.seconds_per_frame
        * decoder.reduction_factor,
        "prenet_dropout": float(decoder.prenet.dropout),
        "window": decoder.layers[0].self_attn.window,
        "head": int(model.guide[1]),
        "refiner": model.refiner is not None,
        "mel_mean": model.mel_mean.tolist(),
        "mel_std": model.mel_std.tolist(),
        "speakers": tts.speakers,
    }
    if model.style is not None:
        layer = model.style.tokens.token_layer
        content["mean_style"] = model.style.tokens.mean_style.tolist()
        content["style_tokens"] = layer.from_weights(
            torch.eye(layer.n_tokens)
        ).tolist()
    return content


def _write_g2p(g2p: G2P, folder: Path) -> dict[str, Any]:
    """Write the graphs of a model that pronounces."""
    model, hparams = g2p.mods.model, g2p.hparams
    layers = model.decoder.layers
    states = CrossStates(layers, DecodingOptions())
    needed = _write(TokenStepGraph(model, states), folder, "step")
    _write_encoder(model, [states], needed, folder)
    beam = asdict(hparams.beam_settings)
    if math.isinf(beam["beam_threshold"]):
        beam["beam_threshold"] = None
    table = hparams.phonemes
    return {
        "kind": "g2p",
        "graphemes": hparams.grapheme_tokenizer.content(),
        "phonemes": {"symbols": table.symbols, "backwards": table.backwards},
        "beam_settings": beam,
        "window": layers[0].self_attn.window,
    }


def _loops_by_mode(
    model: nn.Module, options: DecodingOptions
) -> dict[str, tuple[nn.Module, CrossStates]]:
    """Return what takes steps, and what they carry, of each way of decoding
    that there is."""
    found = {}
    for mode in MODES:
        own = replace(options, mode=mode)
        loop = choose_loop(model, own)
        # attention that does not walk refuses hard decoding
        with contextlib.suppress(ValueError):
            found[mode] = loop, CrossStates(loop.decoder.layers, own)
    return found


def _arguments_of(frontend: Any) -> dict[str, Any]:
    return asdict(frontend) if isinstance(frontend, EspeakFrontend) else {}


def _write_encoder(
    model: nn.Module, states: Any, needed: set[str], folder: Path
) -> None:
    """Write what gives the first step all that it needs."""
    known = {name: None for each in states for name in each.given}
    wanted = [name for name in known if name in needed]
    _write(EncoderGraph(model, list(states), wanted), folder, "encoder")


def _write(graph: Graph, folder: Path, name: str) -> set[str]:
    """Trace a graph and write it; return the inputs that it needs."""
    import onnx

    try:
        proto = _trace(graph)
    # whatever a tracer raises of a module that it does not understand
    except Exception as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        first = str(cause).strip().partition("\n")[0]
        raise ValueError(
            f"{name} of this model cannot be exported to ONNX "
            f"({type(cause).__name__}: {first:.300}). Modules of your own must "
            "compute with tensors alone."
        ) from error
    used = {given for node in proto.graph.node for given in node.input}
    kept = [each for each in proto.graph.input if each.name in used]
    del proto.graph.input[:]
    proto.graph.input.extend(kept)
    # they name files of this machine
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    _try(proto.SerializeToString(), graph, name)
    onnx.save(proto, str(folder / f"{name}.onnx"))
    return {each.name for each in kept}


def _try(model: bytes, graph: Graph, name: str) -> None:
    """Refuse a graph that does not give what PyTorch does."""
    inputs = {key: each.numpy() for key, each in graph.inputs.items()}
    found = OnnxGraph(model, n_threads=1)(inputs)
    for key, wanted in zip(graph.outputs, graph(*graph.inputs.values())):
        if not np.allclose(
            found[key], wanted.numpy(), rtol=_TOLERANCE, atol=_TOLERANCE
        ):
            raise ValueError(
                f"{name} of this model gives another {key} by onnxruntime than "
                "by PyTorch. Modules of your own must compute with tensors "
                "alone."
            )


def _trace(graph: Graph) -> Any:
    """Return a graph as ONNX has it."""
    shapes = tuple(
        dict.fromkeys(graph.growing.get(name, []), Dim.DYNAMIC)
        for name in graph.inputs
    )
    program = torch.export.export(
        _Traced(graph).eval(),
        tuple(graph.inputs.values()),
        dynamic_shapes={"tensors": shapes},
        strict=False,
    )
    if any(each.dtype == torch.float64 for each in graph.parameters()):
        # onnxruntime has no convolution of these, and ONNX keeps the slope as
        # an attribute, which is a float32
        program = program.run_decompositions(
            {
                torch.ops.aten.conv1d.default: _convolve,
                torch.ops.aten.leaky_relu.default: _rectify_leakily,
            }
        )
    exported = torch.onnx.export(
        program,
        dynamo=True,
        input_names=list(graph.inputs),
        output_names=graph.outputs,
        opset_version=_OPSET,
        external_data=False,
        verbose=False,
    )
    proto = exported.model_proto
    _restore_numbers(proto, program.graph)
    return proto


def _restore_numbers(proto: Any, graph: torch.fx.Graph) -> None:
    """Give numbers of float64 back what the exporter takes: it writes them by
    way of float32."""
    import onnx.numpy_helper

    largest = np.finfo(np.float32).max
    exact = {
        float(np.float32(given)): given
        for node in graph.nodes
        for given in pytree.tree_leaves((node.args, node.kwargs))
        if isinstance(given, float) and abs(given) <= largest
    }
    for tensor in proto.graph.initializer:
        if tensor.data_type == onnx.TensorProto.DOUBLE and not tensor.dims:
            number = onnx.numpy_helper.to_array(tensor)
            number = np.float64(exact.get(float(number), number))
            tensor.CopyFrom(onnx.numpy_helper.from_array(number, tensor.name))


def _convolve(
    features: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> torch.Tensor:
    """Convolve (B, C, T) by a product of matrices."""
    if tuple(stride) != (1,):
        raise ValueError(f"stride must be 1 in float64; got {stride}")
    size, (step,) = weight.shape[-1], dilation
    padded = F.pad(features, (padding[0], padding[0]))
    n_windows = padded.shape[-1] - step * (size - 1)
    windows = torch.stack(
        [
            padded[..., first * step : first * step + n_windows]
            for first in range(size)
        ],
        dim=2,
    )  # (B, C, size, T')
    windows = windows.unflatten(1, (groups, -1)).flatten(2, 3)
    made = weight.flatten(1).unflatten(0, (groups, -1)) @ windows
    made = made.flatten(1, 2)
    return made if bias is None else made + bias[:, None]


def _rectify_leakily(
    features: torch.Tensor, negative_slope: float = 0.01
) -> torch.Tensor:
    """Multiply what is below zero."""
    return torch.where(features > 0, features, features * negative_slope)


class _Traced(nn.Module):
    """A graph whose inputs are all of one name, as a tracer wants them."""

    def __init__(self, graph: Graph):
        super().__init__()
        # a module of PyTorch's that it becomes has a graph of its own
        self.traced = graph

    def forward(self, *tensors: torch.Tensor):
        """Call the graph."""
        return self.traced(*tensors)


@contextlib.contextmanager
def _complete_or_absent(folder: Path) -> Iterator[Path]:
    """Give a new folder that gets its name when it is complete.

    Another export may be on its way to the same name: the one that is there
    first stays, and the other is refused.
    """
    folder = folder.resolve()
    token = secrets.token_hex(4)
    building = folder.with_name(f".{folder.name}.building-{token}")
    building.mkdir(parents=True)
    try:
        yield building
        try:
            # takes the place of an empty folder, and of no other
            building.rename(folder)
        except OSError:
            check_absent(folder)
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let PyTorch's exporter say nothing of what it goes without."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
