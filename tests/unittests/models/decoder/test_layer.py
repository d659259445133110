"""A decoder layer with any cross-attention, at once and step by step."""

import pytest
import torch
from torch import nn

from sb_sma.attention import (
    DecodingOptions,
    ForwardMHA,
    RegularMHA,
    StepwiseMonotonicMHA,
)
from sb_sma.models.decoder.layer import DecoderLayer

FACTORIES = [StepwiseMonotonicMHA, RegularMHA, ForwardMHA]
LENGTHS = [6, 3, 1]


def make_layer(factory, dropout=0.1, window=None):
    torch.manual_seed(0)
    return DecoderLayer(8, 2, 16, factory, dropout, window).eval()


def make_inputs(queries=5):
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(3, queries, 8, generator=generator)
    memory = torch.randn(3, 6, 8, generator=generator)
    lengths = torch.tensor(LENGTHS)
    return features, memory, lengths, torch.arange(6) >= lengths[:, None]


@torch.no_grad()
@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("window", [None, 2])
def test_step_by_step_is_the_whole_sequence(factory, window):
    layer = make_layer(factory, window=window)
    features, memory, lengths, padding = make_inputs()
    out, alignments = layer(features, memory, padding)
    state = layer.start(memory, lengths, DecodingOptions(), max_steps=5)
    steps = [
        layer.step(features[:, step : step + 1], state) for step in range(5)
    ]
    outs, attns = zip(*steps)
    torch.testing.assert_close(torch.cat(outs, 1), out, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        torch.cat(attns, 2), alignments, rtol=0, atol=1e-5
    )


def test_the_factory_gets_its_keywords():
    given = []

    def factory(**arguments):
        given.append(arguments)
        return nn.Identity()

    make_layer(factory, dropout=0.3)
    assert given == [{"d_model": 8, "nhead": 2, "dropout": 0.3}]


@pytest.mark.parametrize("window, first", [(None, 0), (2, 3), (1, 4)])
def test_the_window_limits_what_is_heard(window, first):
    layer = make_layer(RegularMHA, window=window)
    features, memory, _, padding = make_inputs()
    features.requires_grad_()
    out, _ = layer(features, memory, padding)
    out[:, 4].square().sum().backward()
    heard = (features.grad != 0).any(-1).all(0)
    assert heard.tolist() == [step >= first for step in range(5)]


@torch.no_grad()
def test_padding_of_the_memory_changes_nothing():
    layer = make_layer(StepwiseMonotonicMHA)
    features, memory, _, padding = make_inputs()
    out, alignments = layer(features, memory, padding)
    out_longer, alignments_longer = layer(
        features,
        torch.cat((memory, torch.full((3, 4, 8), 9.0)), dim=1),
        torch.cat((padding, torch.ones(3, 4).bool()), dim=1),
    )
    torch.testing.assert_close(out_longer, out, rtol=0, atol=1e-5)
    torch.testing.assert_close(
        alignments_longer[..., :6], alignments, rtol=0, atol=1e-5
    )
