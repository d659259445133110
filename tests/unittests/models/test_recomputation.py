"""Activations that are computed again change nothing but memory and time."""

import copy

import pytest
import torch

from benchmarks.harness.models import load_hparams
from sb_sma.attention import walk_switches
from sb_sma.models.recomputation import set_recomputation

VARIANTS = {
    "default": {},
    "softmax": {"attention_type": "regularMHA"},
    "forward": {"attention_type": "forward"},
    "conformer": {"encoder_type": "conformer"},
    "speechbrain's conformer": {"encoder_type": "ConformerEncoder"},
    "everything": {
        "style": "gst",
        "speakers": 2,
        "refiner": "flow",
        "refiner_width": 16,
        "moves_per_query": 2,
    },
}
SMALL = {"d_model": 32, "nhead": 4, "d_ffn": 64, "postnet_channels": 16}


def make_model(task="tts", **overrides):
    """A recipe's model in training, with noise on its energies."""
    torch.manual_seed(0)
    model = load_hparams(overrides, task)["models"]["model"].train()
    walk_switches.set_energy_noise(model, 1.0)
    return model


def make_tts_inputs(model, n_frames=60):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, 90, (3, 9), generator=generator)
    mels = torch.randn(3, n_frames, 80, generator=generator)
    mel_lengths = torch.tensor([n_frames, n_frames - 7, n_frames - 8])
    inputs = [tokens, torch.tensor([9, 8, 5]), mels, mel_lengths, 0.5, None]
    return [*inputs, torch.tensor([0, 1, 1]) if model.speakers else None]


def tts_loss(model, inputs):
    output = model(*inputs)
    aligned = sum(alignment.square().sum() for alignment in output.alignments)
    refined = output.refiner_loss
    loss = output.mels_after.square().mean() + output.stop_logits.mean()
    return loss + aligned + (0.0 if refined is None else refined)


def g2p_loss(model, inputs):
    logits, alignments = model(*inputs)
    return logits.square().mean() + sum(a.square().sum() for a in alignments)


def learn(model, loss_of, inputs, recomputes, dtype=None):
    """The loss, all gradients, what is drawn next, and the bytes kept."""
    set_recomputation(model, recomputes)
    model.zero_grad()
    before = copy.deepcopy(model.state_dict())
    torch.manual_seed(2)
    kept = 0

    def pack(tensor):
        nonlocal kept
        kept += tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
        with torch.autocast("cpu", dtype, enabled=dtype is not None):
            loss = loss_of(model, inputs)
    loss.backward()
    model.load_state_dict(before)  # running statistics
    gradients = {
        name: parameter.grad for name, parameter in model.named_parameters()
    }
    return loss.detach(), gradients, torch.rand(3), kept


def assert_same(one, other):
    assert torch.equal(one[0], other[0])
    assert any(gradient is not None for gradient in one[1].values())
    for name, gradient in one[1].items():
        if gradient is None:
            assert other[1][name] is None
        else:
            torch.testing.assert_close(
                other[1][name], gradient, rtol=1e-5, atol=1e-6, msg=name
            )
    assert torch.equal(one[2], other[2])


@pytest.mark.parametrize("dtype", [None, torch.bfloat16], ids=str)
@pytest.mark.parametrize("overrides", VARIANTS.values(), ids=VARIANTS)
def test_speech_learns_the_same(overrides, dtype):
    model = make_model(**SMALL, **overrides)
    inputs = make_tts_inputs(model)
    plain, recomputed = (
        learn(model, tts_loss, inputs, recomputes, dtype)
        for recomputes in (False, True)
    )
    assert_same(plain, recomputed)


@pytest.mark.parametrize("attention_type", ["SMA", "regularMHA"])
def test_pronunciations_learn_the_same(attention_type):
    model = make_model("g2p", attention_type=attention_type)
    generator = torch.Generator().manual_seed(1)
    graphemes = torch.randint(1, 30, (4, 8), generator=generator)
    phonemes = torch.randint(1, 30, (4, 6), generator=generator)
    inputs = [graphemes, torch.tensor([8, 8, 5, 3]), phonemes]
    plain, recomputed = (
        learn(model, g2p_loss, inputs, recomputes)
        for recomputes in (False, True)
    )
    assert_same(plain, recomputed)
    assert recomputed[3] < 0.5 * plain[3]


def test_little_is_kept_for_the_backward_pass():
    model = make_model(**SMALL, encoder_layers=4, decoder_layers=6)
    inputs = make_tts_inputs(model, n_frames=400)
    plain, recomputed = (
        learn(model, tts_loss, inputs, recomputes)[3]
        for recomputes in (False, True)
    )
    assert recomputed < 0.25 * plain


def test_nothing_is_computed_again_where_nothing_is_learnt():
    model = make_model(**SMALL)
    set_recomputation(model, True)
    inputs = make_tts_inputs(model)
    with torch.no_grad():
        torch.manual_seed(0)
        first = tts_loss(model, inputs)
        set_recomputation(model, False)
        torch.manual_seed(0)
        assert torch.equal(tts_loss(model, inputs), first)
