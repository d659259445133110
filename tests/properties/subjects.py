"""Every public module and op, and what it takes and gives.

Axes are told by letters, as in CONTRIBUTING.md: ``B`` items, ``T`` tokens,
``K`` keys, ``Q`` queries, ``M`` frames; all others have one size here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

import sb_sma.attention as attention
import sb_sma.losses as losses
import sb_sma.models as models
import sb_sma.ops as ops
import sb_sma.style as style
from sb_sma.attention.masks import padding_mask
from sb_sma.attention.registry import ATTENTION_TYPES
from sb_sma.attention.style import MultiHeadAttention, StyleEmbedAttention
from sb_sma.metrics.alignment import end_mass, most_focused_head
from sb_sma.models.encoder.registry import ENCODER_TYPES
from sb_sma.models.refiner.registry import REFINERS
from sb_sma.ops.focus_rate import focus_rate
from sb_sma.stepwise_monotonic import StepwiseMonotonicAttention
from sb_sma.style.conditioning import STYLE_COMBINATIONS

SIZES = {"D": 8, "H": 2, "C": 6, "S": 8, "N": 3, "V": 9, "R": 8}
"""Of the axes that are the same in every example."""
TABLE = 9
"""Tokens of every table; index 0 is padding."""


@dataclass
class Subject:
    """What is tried.

    Arguments
    ---------
    make : Callable
        Makes it, of the weights of a seed.
    axes : dict of str to str
        Of its tensors, by the names of its arguments.
    lengths : dict of str to str
        Names of its arguments that count the valid positions, by axis.
    outputs : list of str
        Axes of each tensor that it gives; one without axes is a mean over all.
    call : Callable, optional
        Takes it, its tensors and lengths by name, and returns what it gives.
    indices : tuple of str
        Which of the tensors are indices of the table.
    minimum : int
        Positions that an item must have, at least.
    keeps_dtype : bool
        Whether it gives what it was given; other numbers are of float32.
    only_float32 : bool
        Whether it has layers of SpeechBrain's that compute in nothing else.
    """

    make: Callable[[], Callable]
    axes: dict[str, str]
    lengths: dict[str, str]
    outputs: list[str]
    call: Callable | None = None
    indices: tuple[str, ...] = ()
    minimum: int = 1
    keeps_dtype: bool = True
    only_float32: bool = False

    def __call__(self, made, tensors, lengths):
        """Give its outputs, always several."""
        if self.call is not None:
            given = self.call(made, tensors, lengths)
        else:
            named = {name: lengths[axis] for axis, name in self.lengths.items()}
            given = made(**tensors, **named)
        return [given] if isinstance(given, torch.Tensor) else [*given]


def _call_attention(made, tensors, lengths):
    mask = padding_mask(lengths["K"], tensors["key"].shape[1])
    return made(**tensors, key_padding_mask=mask)


def _attention(make, outputs=("BQD", "BHQK")):
    return Subject(
        make,
        {"query": "BQD", "key": "BKD", "value": "BKD"},
        {"K": "key_padding_mask"},
        [*outputs],
        _call_attention,
    )


def _style_tokens():
    return style.GlobalStyleTokens(
        style.ReferenceEncoder(SIZES["C"], [4, 4], SIZES["R"]),
        style.StyleTokenLayer(SIZES["N"], 4, SIZES["R"], 2, SIZES["S"]),
    )


def _call_style_attention(made, tensors, lengths):
    name = "key_soft" if "key_soft" in tensors else "key"
    mask = padding_mask(lengths["K"], tensors[name].shape[1])
    out, weights = made(**tensors, key_padding_mask=mask)
    return out, weights


def _encoder(kind):
    return Subject(
        lambda: models.make_text_encoder(
            kind,
            {} if kind == "conformer" else {kind: {"d_ffn": 16}},
            n_tokens=TABLE,
            d_model=8,
            nhead=2,
            num_layers=1,
        ),
        {"tokens": "BT"},
        {"T": "token_lengths"},
        ["BTD"],
        indices=("tokens",),
        # RelPosMHAXL takes the softmax in it
        only_float32=kind == "ConformerEncoder",
    )


def _tts(**parts):
    return models.TransformerTTS(
        models.make_text_encoder(
            "transformer",
            {"transformer": {"d_ffn": 16}},
            n_tokens=TABLE,
            d_model=8,
            nhead=2,
            num_layers=1,
        ),
        models.MelDecoder(
            8,
            2,
            1,
            16,
            attention.StepwiseMonotonicMHA,
            n_mels=SIZES["C"],
            reduction_factor=1,
            prenet_dropout=0.0,
        ),
        models.MaskedConvStack([SIZES["C"], SIZES["C"]]),
        **parts,
    )


def _call_tts(made, tensors, lengths):
    out = made(tensors["tokens"], lengths["T"], tensors["mels"], lengths["M"])
    return out.mels_before, out.mels_after, out.stop_logits, out.alignments[0]


def _call_decoder(made, tensors, lengths):
    out = made(tensors["memory"], lengths["K"], tensors["mels"])
    return out[0], out[1], out[2][0]


def _call_g2p(made, tensors, lengths):
    logits, alignments = made(
        tensors["graphemes"], lengths["T"], tensors["phonemes"]
    )
    return logits, alignments[0]


def _call_token_decoder(made, tensors, lengths):
    logits, alignments = made(
        tensors["memory"], lengths["K"], tensors["tokens"]
    )
    return logits, alignments[0]


def _call_layers(made, tensors, lengths):
    return made([tensors["alignments"]] * 2, lengths["Q"], lengths["K"])


def _masked(made, tensors, lengths):
    padding = padding_mask(lengths["T"], tensors["features"].shape[1])
    return made(tensors["features"], padding)


def _refine(kind):
    return Subject(
        lambda: models.make_refiner(
            kind, {kind: {"width": 8, "steps": 2}}, SIZES["C"], SIZES["D"]
        ),
        {"coarse": "BMC", "text": "BMD", "noise": "MC"},
        {"M": "mel_lengths"},
        ["BMC"],
    )


_OVER_BOTH = {"Q": "query_lengths", "K": "memory_lengths"}


def _of_alignments(function, outputs, keeps_dtype=True):
    return Subject(
        lambda: function,
        {"alignments": "BHQK"},
        _OVER_BOTH,
        outputs,
        keeps_dtype=keeps_dtype,
    )


SUBJECTS = {
    **{
        name: _attention(lambda kind=kind: kind(d_model=8, nhead=2))
        for name, kind in ATTENTION_TYPES.items()
    },
    "StepwiseMonotonicMHA": _attention(
        lambda: attention.StepwiseMonotonicMHA(8, 2, monotonic_heads=1)
    ),
    "ForwardMHA": _attention(
        lambda: attention.ForwardMHA(8, 2, transition_agent=False)
    ),
    "RegularMHA": _attention(lambda: attention.RegularMHA(8, 2)),
    "StepwiseMonotonicAttention": _attention(
        lambda: StepwiseMonotonicAttention(8, 2, moves_per_query=2)
    ),
    "RelativeMultiHeadAttention": _attention(
        lambda: attention.RelativeMultiHeadAttention(8, 2)
    ),
    "ConformerMultiHeadedSelfAttention": _attention(
        lambda: attention.ConformerMultiHeadedSelfAttention(8, 2)
    ),
    "StepwiseMonotonicReferenceAttention": Subject(
        lambda: attention.StepwiseMonotonicReferenceAttention(
            8, 4, 4, 2, is_tunable=False
        ),
        {"text": "BTD", "mel": "BMD"},
        {"T": "text_lengths", "M": "mel_lengths"},
        ["BTD", "BHTM", "BH"],
    ),
    "MultiHeadAttention": Subject(
        lambda: MultiHeadAttention(8, 8, 8, 2),
        {"query": "BQD", "key": "BKD"},
        {"K": "key_padding_mask"},
        ["BQD", "BHQK"],
        _call_style_attention,
    ),
    "StyleEmbedAttention": Subject(
        lambda: StyleEmbedAttention(8, 8, 8, 2),
        {"query": "BQD", "key_soft": "BKD"},
        {"K": "key_padding_mask"},
        ["BQD", "BHQK"],
        _call_style_attention,
    ),
    "GlobalStyleTokens": Subject(
        _style_tokens, {"mel": "BMC"}, {"M": "mel_lengths"}, ["BS", "BHN"]
    ),
    "ReferenceEncoder": Subject(
        lambda: style.ReferenceEncoder(SIZES["C"], [4, 4], SIZES["R"]),
        {"mel": "BMC"},
        {"M": "mel_lengths"},
        ["BR"],
    ),
    "StyleTokenLayer": Subject(
        lambda: style.StyleTokenLayer(SIZES["N"], 4, SIZES["R"], 2, SIZES["S"]),
        {"reference": "BR"},
        {},
        ["BS", "BHN"],
    ),
    **{
        f"StyleConditioning {how}": Subject(
            lambda how=how: style.StyleConditioning(_style_tokens(), 8, how),
            {"memory": "BTD", "style": "BS"},
            {"T": "memory_lengths"},
            ["BTD"],
        )
        for how in STYLE_COMBINATIONS
    },
    "SpeakerConditioning": Subject(
        lambda: style.SpeakerConditioning(TABLE, 8, 4),
        {"memory": "BTD", "speaker": "B"},
        {"T": "memory_lengths"},
        ["BTD"],
        indices=("speaker",),
    ),
    "masked_l1": Subject(
        lambda: losses.masked_l1,
        {"predicted": "BMC", "target": "BMC"},
        {"M": "mel_lengths"},
        [""],
        keeps_dtype=False,
    ),
    "stop_loss": Subject(
        lambda: losses.stop_loss,
        {"stop_logits": "BQ"},
        {"Q": "query_lengths"},
        [""],
        keeps_dtype=False,
    ),
    "token_loss": Subject(
        lambda: losses.token_loss,
        {"logits": "BQV", "targets": "BQ"},
        {"Q": "target_lengths"},
        [""],
        indices=("targets",),
        keeps_dtype=False,
    ),
    "GuidedAttention": _of_alignments(losses.GuidedAttention(), [""]),
    "GuidedLayers": Subject(
        lambda: losses.GuidedLayers(layers=[-1], heads=[0]),
        {"alignments": "BHQK"},
        _OVER_BOTH,
        [""],
        _call_layers,
    ),
    "stepwise_monotonic_expectation": Subject(
        lambda: ops.stepwise_monotonic_expectation,
        {"p_stay": "BHQK"},
        {"K": "memory_lengths"},
        ["BHQK"],
    ),
    "focus_rate": _of_alignments(focus_rate, ["BH"]),
    "most_focused_head": _of_alignments(most_focused_head, ["B"], False),
    "end_mass": _of_alignments(end_mass, ["BH"]),
    "MaskedConvStack": Subject(
        lambda: models.MaskedConvStack([8, 8, 8], kernel_size=3),
        {"features": "BTD"},
        {"T": "padding"},
        ["BTD"],
        _masked,
    ),
    **{kind: _encoder(kind) for kind in ENCODER_TYPES},
    **{kind: _refine(kind) for kind in REFINERS if REFINERS[kind]},
    "MelDecoder": Subject(
        lambda: _tts().decoder,
        {"memory": "BKD", "mels": "BMC"},
        {"K": "memory_lengths"},
        ["BMC", "BM", "BHMK"],
        _call_decoder,
    ),
    "TokenDecoder": Subject(
        lambda: models.TokenDecoder(
            SIZES["V"], 8, 2, 1, 16, attention.RegularMHA
        ),
        {"memory": "BKD", "tokens": "BQ"},
        {"K": "memory_lengths"},
        ["BQV", "BHQK"],
        _call_token_decoder,
        indices=("tokens",),
    ),
    "TransformerTTS": Subject(
        _tts,
        {"tokens": "BT", "mels": "BMC"},
        {"T": "token_lengths", "M": "mel_lengths"},
        ["BMC", "BMC", "BM", "BHMT"],
        _call_tts,
        indices=("tokens",),
    ),
    "TransformerG2P": Subject(
        lambda: models.TransformerG2P(
            _tts().encoder,
            models.TokenDecoder(
                SIZES["V"], 8, 2, 1, 16, attention.StepwiseMonotonicMHA
            ),
        ),
        {"graphemes": "BT", "phonemes": "BQ"},
        {"T": "grapheme_lengths"},
        ["BQV", "BHQT"],
        _call_g2p,
        indices=("graphemes", "phonemes"),
    ),
}

WITHOUT_TENSORS = {
    *("ATTENTION_TYPES", "attention_factory", "set_cross_attention"),
    *("DecodingOptions", "stay_for", "ReferenceOutput"),
    *("make_text_encoder", "make_refiner", "make_style", "make_speakers"),
    *("BeamSettings", "StopRule"),
    "StyleConditioning",  # it is tried with each of its combinations
}
"""Public names that take no tensors, or make what does."""


def make(subject, dtype=torch.float32):
    """Make a module or function, always with the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = subject.make()
    return made.eval().to(dtype) if isinstance(made, nn.Module) else made
