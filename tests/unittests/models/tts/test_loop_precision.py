"""In soft mode a walk is taken in float64, as the model is at the moment."""

import copy

import pytest
import torch

from sb_sma.attention import RegularMHA, StepwiseMonotonicMHA
from sb_sma.attention.decoding import DecodingOptions
from sb_sma.attention.walk_switches import set_monotonic
from sb_sma.models.tts.loop_precision import choose_loop
from tests.unittests.models.tts.test_transformer_tts import make_model, speak

PRECISE = {"mode": "soft", "soft_precision": "float64"}
SOFT = DecodingOptions(**PRECISE)


def test_soft_steps_are_in_float64_and_the_model_stays():
    model = make_model(StepwiseMonotonicMHA)
    before = copy.deepcopy(model.state_dict())
    loop = choose_loop(model, SOFT)
    kinds = {each.dtype for each in loop.parameters()}
    assert kinds == {torch.float64}
    assert loop.postnet is None and loop.training == model.training
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, before[name])
        assert weight.dtype == before[name].dtype
    assert {each.dtype for each in model.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    "why", ["hard", "softmax", "walk is off", "float64", "not asked for"]
)
def test_what_forgets_rounding_is_the_model_itself(why):
    model = make_model(RegularMHA if why == "softmax" else StepwiseMonotonicMHA)
    if why == "walk is off":
        set_monotonic(model, False)
    if why == "float64":
        model.double()
    options = {
        "hard": DecodingOptions("hard", soft_precision="float64"),
        "not asked for": DecodingOptions("soft"),
    }.get(why, SOFT)
    assert choose_loop(model, options) is model


def test_what_is_spoken_follows_the_model():
    """Whatever was changed since it spoke, and however."""
    model = make_model(StepwiseMonotonicMHA, prenet_dropout=0.5)
    one = speak(model, seed=5, **PRECISE).mels
    with torch.no_grad():
        model.decoder.prenet.dropout = 0.0
        changed = speak(model, seed=5, **PRECISE).mels
        for weight in model.decoder.parameters():
            weight.data.mul_(0.5)
        halved = speak(model, seed=5, **PRECISE).mels
    for found, other in ((one, changed), (changed, halved)):
        assert found.shape != other.shape or not torch.equal(found, other)


def test_hooks_are_called():
    model = make_model(StepwiseMonotonicMHA)
    calls = []
    model.decoder.prenet.register_forward_hook(lambda *given: calls.append(1))
    speak(model, seed=5, **PRECISE)
    assert calls


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_frames_are_in_the_precision_of_the_model(dtype):
    model = make_model(StepwiseMonotonicMHA).to(dtype)
    speech = speak(model, seed=5, **PRECISE)
    assert speech.mels.dtype == dtype
    wide = torch.promote_types(dtype, torch.float32)
    assert {each.dtype for each in speech.alignments} == {wide}
