"""One handle for every monotonic attention of a model, SpeechBrain's too."""

import pytest
import torch
from speechbrain.lobes.models.transformer.Transformer import TransformerDecoder

from sb_sma.attention import RegularMHA, set_cross_attention, walk_switches


@pytest.fixture
def decoder():
    """A decoder of SpeechBrain's with our attention."""
    decoder = TransformerDecoder(num_layers=2, nhead=2, d_ffn=16, d_model=8)
    return set_cross_attention(decoder, "SMA", moves_per_query=3)


def attentions(decoder):
    return [layer.multihead_attn for layer in decoder.layers]


def test_the_walk_of_every_layer_is_switched(decoder):
    assert walk_switches.can_walk(decoder)
    memory, target = torch.rand(1, 7, 8), torch.rand(1, 5, 8)
    walk_switches.set_monotonic(decoder, False)
    assert [a.n_walking for a in attentions(decoder)] == [0, 0]
    *_, alignments = decoder(target, memory)
    # softmax attends to the last token at once
    assert bool((alignments[0][:, :, 0, -1] > 0).all())
    walk_switches.set_monotonic(decoder, True)
    *_, alignments = decoder(target, memory)
    assert bool((alignments[1][:, :, 0, 4:] == 0).all())


def test_noise_and_speed_reach_every_layer(decoder):
    walk_switches.set_energy_noise(decoder, 1.5)
    assert [a.noise_std for a in attentions(decoder)] == [1.5, 1.5]
    before = [a.stay_bias.mean().item() for a in attentions(decoder)]
    walk_switches.set_queries_per_token(decoder, 30.0)
    after = [a.stay_bias.mean().item() for a in attentions(decoder)]
    assert after[0] == after[1] > before[0]
    assert walk_switches.moves_per_query(decoder) == 3


def test_a_model_without_a_walk_is_left_alone():
    model = RegularMHA(nhead=2, d_model=8)
    walk_switches.set_monotonic(model, True)
    walk_switches.set_energy_noise(model, 1.0)
    walk_switches.choose_heads(model, torch.ones(1, 2))
    assert not walk_switches.can_walk(model)
    assert walk_switches.moves_per_query(model) is None
    assert not hasattr(model, "noise_std")
