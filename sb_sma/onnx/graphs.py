"""A model as functions of tensors alone, which can be traced.

What decoding carries from step to step lies in Python objects. Here its tensors
have names: those that a step changes come in and go out, the others come in.
All graphs are of one text or word; pronunciations have several hypotheses, which
are rows R.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from sb_sma.attention.decoding import DecodingOptions, start_decoding
from sb_sma.attention.rows import RowLayout
from sb_sma.models.decoder.layer import LayerState
from sb_sma.models.decoder.stack import DecoderStack
from sb_sma.models.g2p.token_decoder import TokenDecoderState
from sb_sma.models.g2p.transformer_g2p import TransformerG2P
from sb_sma.models.tts.transformer_tts import TransformerTTS
from sb_sma.onnx.folder import NEXT, PAST

_WITHOUT_PARTS = (
    torch.Tensor,
    nn.Module,
    torch.Generator,
    # of a trace, it holds numbers that are not known yet
    RowLayout,
)
# sizes of examples; those of a trace that may change have to differ
_SHORT, _LONG, _PAST_STEPS, _ROWS = 40, 50, 5, 3


def _find_tensors(state: Any, name: str) -> Iterator[tuple[str, torch.Tensor]]:
    """Name the tensors of a state by the way to them."""
    if isinstance(state, torch.Tensor):
        yield name, state
    for key, part in _parts_of(state):
        yield from _find_tensors(part, f"{name}.{key}")


def _put_tensors(
    state: Any, name: str, tensors: Mapping[str, torch.Tensor], n_rows: int
) -> Any:
    """Make a state of other tensors."""
    if isinstance(state, torch.Tensor):
        return tensors[name]
    if isinstance(state, RowLayout):
        return RowLayout(1, n_rows)
    parts = {
        key: _put_tensors(part, f"{name}.{key}", tensors, n_rows)
        for key, part in _parts_of(state)
    }
    if isinstance(state, dict):
        return parts
    if isinstance(state, (list, tuple)):
        return type(state)(parts.values())
    put = copy.copy(state)
    for key, part in parts.items():
        # a frozen dataclass refuses an assignment
        object.__setattr__(put, key, part)
    return put


def _parts_of(state: Any) -> list[tuple[Any, Any]]:
    if isinstance(state, dict):
        return list(state.items())
    if isinstance(state, (list, tuple)):
        return list(enumerate(state))
    if isinstance(state, _WITHOUT_PARTS):
        return []
    return list(getattr(state, "__dict__", {}).items())


class StepCache:
    """A `KeyValueCache` of which a step sees the past, and gives what is new.

    Arguments
    ---------
    past : torch.Tensor
        Keys and values of the steps before that are seen, (L, R, 2, H, D / H).

    Example
    -------
    >>> cache = StepCache(torch.rand(5, 1, 2, 4, 8))
    >>> cache.append(torch.rand(1, 2, 4, 8))
    >>> cache.attend(torch.rand(1, 4, 8)).shape
    torch.Size([1, 4, 8])
    """

    def __init__(self, past: torch.Tensor):
        self.past = past
        self.new = past[:0]

    def append(self, keys_and_values: torch.Tensor) -> None:
        """Add the step.

        Arguments
        ---------
        keys_and_values : torch.Tensor
            The key and the value of every head, (R, 2, H, D / H).
        """
        self.new = keys_and_values[None]

    def attend(
        self, queries: torch.Tensor, window: int | None = None
    ) -> torch.Tensor:
        """Attend with the query of the step.

        Arguments
        ---------
        queries : torch.Tensor
            Of every head, (R, H, D / H).
        window : int, optional
            Not heeded: nothing else is in the past.

        Returns
        -------
        read : torch.Tensor
            What every head reads, (R, H, D / H).
        """
        stored = torch.cat((self.past, self.new)).permute(2, 1, 3, 0, 4)
        keys, values = stored.unbind(0)  # (R, H, L + 1, D / H)
        queries = queries * queries.shape[-1] ** -0.5
        weights = (queries[:, :, None] @ keys.transpose(-1, -2)).softmax(-1)
        return (weights @ values)[:, :, 0]


class CrossStates:
    """The states of a decoder's cross-attentions, as tensors with names.

    Arguments
    ---------
    layers : DecoderStack
        The decoder's.
    options : DecodingOptions
        How they are decoded.

    Attributes
    ----------
    given : dict of str to torch.Tensor
        An example of all that a step needs.
    changed : list of str
        Which of them a step changes.
    growing : dict of str to list of int
        Their axes that are as long as the text.
    """

    def __init__(self, layers: DecoderStack, options: DecodingOptions):
        self.layers = layers
        self.options = options
        width = len(layers[0].norm1.weight)
        weight = layers[0].norm1.weight

        def begin(n_keys: int) -> list[Any]:
            """Return a state before so many keys."""
            return self._start(
                torch.rand(1, n_keys, width).to(weight), torch.tensor([n_keys])
            )

        self._template = begin(_SHORT)
        self.given = dict(_find_tensors(self._template, "layers"))
        longer = dict(_find_tensors(begin(_LONG), "layers"))
        self.growing = {
            name: [
                axis
                for axis, sizes in enumerate(
                    zip(tensor.shape, longer[name].shape)
                )
                if len(set(sizes)) > 1
            ]
            for name, tensor in self.given.items()
        }
        states = self.as_layers(
            self.given, [torch.zeros(0, 1, 2, *self.head_shape)] * len(layers)
        )
        layers.step(torch.rand(1, 1, width).to(weight), states)
        after = self.of_layers(states)
        self.changed = [
            name for name in self.given if after[name] is not self.given[name]
        ]

    @property
    def head_shape(self) -> tuple[int, int]:
        """Heads, and the width of one, of the self-attention."""
        attention = self.layers[0].self_attn
        return (
            attention.nhead,
            attention.out_proj.in_features // attention.nhead,
        )

    def _start(self, memory: torch.Tensor, lengths: torch.Tensor) -> list[Any]:
        return [
            start_decoding(layer.cross_attn, memory, lengths, self.options)
            for layer in self.layers
        ]

    def begin(
        self, memory: torch.Tensor, lengths: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Return the tensors before the first step.

        Arguments
        ---------
        memory : torch.Tensor
            (1, K, D).
        lengths : torch.Tensor
            K, int64, (1,).

        Returns
        -------
        tensors : dict of str to torch.Tensor
            By name.
        """
        return dict(_find_tensors(self._start(memory, lengths), "layers"))

    def as_layers(
        self,
        tensors: Mapping[str, torch.Tensor],
        pasts: Sequence[torch.Tensor],
    ) -> list[LayerState]:
        """Make the states that decoder layers take.

        Arguments
        ---------
        tensors : mapping of str to torch.Tensor
            Of the cross-attentions.
        pasts : sequence of torch.Tensor
            Of the self-attention of each layer, (L, R, 2, H, D / H).

        Returns
        -------
        states : list of LayerState
            One per layer.
        """
        n_rows = pasts[0].shape[1]
        crosses = _put_tensors(self._template, "layers", tensors, n_rows)
        return [
            LayerState(StepCache(past), cross)
            for past, cross in zip(pasts, crosses)
        ]

    def of_layers(self, states: list[LayerState]) -> dict[str, torch.Tensor]:
        """Return the tensors of the cross-attentions.

        Arguments
        ---------
        states : list of LayerState
            One per layer.

        Returns
        -------
        tensors : dict of str to torch.Tensor
            By name.
        """
        return dict(_find_tensors([each.cross for each in states], "layers"))


class Graph(nn.Module):
    """What is traced: tensors in, tensors out, all with names.

    Attributes
    ----------
    inputs : dict of str to torch.Tensor
        Examples, in the order of the arguments.
    growing : dict of str to list of int
        Axes of inputs whose length is not fixed.
    outputs : list of str
        Names of what it gives.
    """

    inputs: dict[str, torch.Tensor]
    growing: dict[str, list[int]]
    outputs: list[str]


class EncoderGraph(Graph):
    """From tokens to their memory, and all that the first step needs.

    Arguments
    ---------
    model : TransformerTTS or TransformerG2P
        Whose encoder it is.
    states : sequence of CrossStates
        One for each way of decoding.
    needed : collection of str
        Which of their tensors are needed.
    """

    def __init__(
        self,
        model: TransformerTTS | TransformerG2P,
        states: Sequence[CrossStates],
        needed: Sequence[str],
    ):
        super().__init__()
        self.model = model
        self.states = states
        self.inputs = {"tokens": torch.full((1, _SHORT), 1)}
        self.growing = {"tokens": [1]}
        if getattr(model, "style", None) is not None:
            mean = model.style.tokens.mean_style
            self.inputs["style"] = torch.rand(1, len(mean)).to(mean)
        if getattr(model, "speakers", None) is not None:
            self.inputs["speaker"] = torch.zeros(1, dtype=torch.int64)
        self.needed = list(needed)
        self.outputs = ["memory", *self.needed]

    def forward(self, tokens: torch.Tensor, *conditions: torch.Tensor):
        """Read a text.

        Arguments
        ---------
        tokens : torch.Tensor
            (1, T).
        *conditions : torch.Tensor
            Style (1, S) and speaker (1,), where the model has them.
        """
        lengths = (tokens >= 0).sum(dim=1)
        if isinstance(self.model, TransformerTTS):
            names = list(self.inputs)[1:]
            memory = self.model.encode(
                tokens, lengths, **dict(zip(names, conditions))
            )
        else:
            memory = self.model.encoder(tokens, lengths)
        found: dict[str, torch.Tensor] = {}
        for states in self.states:
            found = {**states.begin(memory, lengths), **found}
        return (memory.float(), *(found[name] for name in self.needed))


class _StepGraph(Graph):
    """What both decoders' steps share.

    Arguments
    ---------
    model : TransformerTTS or TransformerG2P
        Whose decoder it is.
    states : CrossStates
        Of its layers.
    own : dict of str to torch.Tensor
        Examples of the inputs of the decoder itself.
    outputs : list of str
        What the decoder itself gives.
    n_rows : int
        Rows of the example; more than one may be any number.
    """

    def __init__(
        self,
        model: TransformerTTS | TransformerG2P,
        states: CrossStates,
        own: dict[str, torch.Tensor],
        outputs: list[str],
        n_rows: int = 1,
    ):
        super().__init__()
        self.model = model
        self.states = states
        self.n_own = len(own)
        shape = (_PAST_STEPS, n_rows, 2, *states.head_shape)
        weight = model.decoder.norm.weight
        pasts = {
            f"{PAST}{index}": torch.rand(shape).to(weight)
            for index in range(len(states.layers))
        }
        given = {
            name: tensor.expand(n_rows, *tensor.shape[1:]).clone()
            if name in states.changed
            else tensor
            for name, tensor in states.given.items()
        }
        self.inputs = {**own, **pasts, **given}
        rows = [1] if n_rows > 1 else []
        self.growing = {
            **{name: [0, *rows] for name in pasts},
            **states.growing,
        }
        if n_rows > 1:
            for name in states.changed:
                self.growing[name] = sorted({0, *states.growing[name]})
        self.outputs = [
            *outputs,
            *(NEXT + name for name in pasts),
            *(NEXT + name for name in states.changed),
        ]

    def _open(self, tensors: Sequence[torch.Tensor]) -> list[LayerState]:
        """Make the layers' states."""
        n_layers = len(self.states.layers)
        return self.states.as_layers(
            dict(zip(self.states.given, tensors[n_layers:])), tensors[:n_layers]
        )

    def _close(self, layers: list[LayerState]) -> list[torch.Tensor]:
        """Return what a step has changed."""
        after = self.states.of_layers(layers)
        return [
            *(state.history.new for state in layers),
            *(after[name] for name in self.states.changed),
        ]


class MelStepGraph(_StepGraph):
    """One step of a mel decoder.

    Arguments
    ---------
    model : TransformerTTS
        Whose decoder it is.
    states : CrossStates
        Of its layers.
    """

    def __init__(self, model: TransformerTTS, states: CrossStates):
        decoder = model.decoder
        weight = decoder.norm.weight
        own = {
            "frame": torch.rand(1, decoder.n_mels).to(weight),
            "masks": torch.rand(
                len(decoder.prenet.layers),
                len(decoder.prenet.layers[-1].weight),
            ).to(weight),
            "step": torch.tensor([_PAST_STEPS]),
        }
        super().__init__(
            model, states, own, ["frames", "stop_logit", "alignment"]
        )
        self.layer = int(model.guide[0])

    def forward(
        self,
        frame: torch.Tensor,
        masks: torch.Tensor,
        step: torch.Tensor,
        *tensors: torch.Tensor,
    ):
        """Make the next frames.

        Arguments
        ---------
        frame : torch.Tensor
            The last one made, (1, C).
        masks : torch.Tensor
            The prenet's dropout, (2, D).
        step : torch.Tensor
            Its number, int64, (1,).
        *tensors : torch.Tensor
            Pasts, and what the cross-attentions need.
        """
        layers = self._open(tensors)
        decoder = self.model.decoder
        position = decoder.positions.at(step)[0]
        made = decoder.advance(frame, masks, position, layers)
        return (
            made.frames[0],
            made.stop_logits.float(),
            made.alignments[self.layer][0].float(),
            *self._close(layers),
        )


class TokenStepGraph(_StepGraph):
    """One step of a token decoder, for several hypotheses.

    Arguments
    ---------
    model : TransformerG2P
        Whose decoder it is.
    states : CrossStates
        Of its layers.
    """

    def __init__(self, model: TransformerG2P, states: CrossStates):
        own = {
            "token": torch.ones(_ROWS, dtype=torch.int64),
            "step": torch.tensor([_PAST_STEPS]),
        }
        super().__init__(model, states, own, ["log_probs"], _ROWS)
        self.growing["token"] = [0]

    def forward(
        self, token: torch.Tensor, step: torch.Tensor, *tensors: torch.Tensor
    ):
        """Weigh the next phonemes.

        Arguments
        ---------
        token : torch.Tensor
            The one before, int64, (R,).
        step : torch.Tensor
            Its number, int64, (1,).
        *tensors : torch.Tensor
            Pasts, and what the cross-attentions need.
        """
        layers = self._open(tensors)
        positions = self.model.decoder.positions.at(step)
        state = TokenDecoderState(layers, positions)
        log_probs, _ = self.model.step(token, state)
        return (log_probs, *self._close(layers))


class PostnetGraph(Graph):
    """From a decoder's frames to a smooth mel.

    Arguments
    ---------
    model : TransformerTTS
        Whose postnet it is.
    """

    def __init__(self, model: TransformerTTS):
        super().__init__()
        self.postnet = model.postnet
        mean = model.mel_mean
        self.inputs = {"frames": torch.rand(_SHORT, len(mean)).to(mean)}
        self.growing = {"frames": [0]}
        self.outputs = ["mel"]

    def forward(self, frames: torch.Tensor):
        """Smooth a mel.

        Arguments
        ---------
        frames : torch.Tensor
            Standardised, (M, C).
        """
        padding = torch.zeros_like(frames[None, :, 0], dtype=torch.bool)
        return (frames + self.postnet(frames[None], padding)[0],)


class RefinerGraph(Graph):
    """From a smooth mel to a sharp one.

    Arguments
    ---------
    model : TransformerTTS
        Whose refiner it is.
    """

    def __init__(self, model: TransformerTTS):
        super().__init__()
        self.refiner = model.refiner
        mean = model.mel_mean
        d_model = len(model.decoder.norm.weight)
        self.inputs = {
            "mel": torch.rand(_SHORT, len(mean)).to(mean),
            "text": torch.rand(_SHORT, d_model).to(mean),
            "noise": torch.randn(_SHORT, len(mean)).to(mean),
        }
        self.growing = {name: [0] for name in self.inputs}
        self.outputs = ["refined"]

    def forward(
        self, mel: torch.Tensor, text: torch.Tensor, noise: torch.Tensor
    ):
        """Make a mel sharp.

        Arguments
        ---------
        mel : torch.Tensor
            Standardised, (M, C).
        text : torch.Tensor
            What was attended in each frame, (M, D).
        noise : torch.Tensor
            Standard normal, (M, C).
        """
        return (self.refiner(mel[None], text[None], noise)[0],)
