"""Styles that do nothing are found out, and the mean style is the mean."""

import logging

import pytest
import torch

from sb_sma.attention import StepwiseMonotonicMHA
from sb_sma.models.convolution import MaskedConvStack
from sb_sma.models.encoder.transformer import TransformerTextEncoder
from sb_sma.models.tts.mel_decoder import MelDecoder
from sb_sma.models.tts.transformer_tts import TransformerTTS
from sb_sma.style import make_speakers, make_style
from sb_sma.training.styles import StyleEffect, set_mean_style


def make_model(style="gst", n_speakers=0):
    torch.manual_seed(0)
    return TransformerTTS(
        TransformerTextEncoder(10, 8, 2, 1, 16),
        MelDecoder(8, 2, 1, 16, StepwiseMonotonicMHA),
        MaskedConvStack([80, 80], activate_last=False),
        make_style(
            style,
            d_model=8,
            n_mels=80,
            n_tokens=4,
            style_width=8,
            num_heads=2,
            reference_channels=[4, 8],
            reference_width=6,
            combination="add",
        ),
        make_speakers(n_speakers, d_model=8, width=4),
    ).eval()


def make_batch(n_items=3):
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, 10, (n_items, 4), generator=generator)
    mels = torch.randn(n_items, 12, 80, generator=generator)
    lengths = torch.tensor([12, 9, 5][:n_items])
    return tokens, torch.full((n_items,), 4), mels, lengths


def measure(model, batch):
    effect = StyleEffect()
    with torch.no_grad():
        effect.append(model, *batch)
    return effect.summarize()


def test_the_same_style_has_no_effect():
    tokens, token_lengths, mels, _ = make_batch()
    same = mels[:1].expand(3, -1, -1)
    lengths = torch.full((3,), 12)
    effect = measure(make_model(), (tokens, token_lengths, same, lengths))
    assert effect == {"style_effect": pytest.approx(0.0, abs=1e-6)}


def test_the_effect_is_the_rise_of_the_loss_in_the_styles_of_others():
    model, batch = make_model(), make_batch()
    tokens, token_lengths, mels, lengths = batch
    torch.nn.init.normal_(model.style.combine.project.weight, std=9.0)
    style = model.read_style(mels, lengths)
    losses = []
    for spoken in (style, style.roll(1, 0)):
        torch.manual_seed(0)
        with torch.no_grad():
            output = model(*batch, style=spoken)
        difference = (output.mels_after - output.targets).abs().mean(-1)
        valid = [row[:n].sum() for row, n in zip(difference, lengths.tolist())]
        losses.append(float(sum(valid)))
    effect = measure(model, batch)["style_effect"]
    assert effect == pytest.approx(losses[1] / losses[0] - 1, abs=1e-6)
    assert abs(effect) > 1e-4


def test_speakers_keep_their_own_voice_while_styles_are_exchanged():
    model, batch = make_model(n_speakers=2), make_batch()
    torch.nn.init.normal_(model.style.combine.project.weight, std=9.0)
    default, first, second = (
        measure(model, (*batch, *speaker))["style_effect"]
        for speaker in (
            [],
            [torch.tensor([0, 0, 0])],
            [torch.tensor([1, 1, 1])],
        )
    )
    assert first == pytest.approx(default, abs=1e-7)
    assert abs(first - second) > 1e-5


def test_tokens_that_do_nothing_are_warned_about(caplog):
    model = make_model()
    torch.nn.init.zeros_(model.style.combine.project.weight)
    with caplog.at_level(logging.WARNING):
        assert measure(model, make_batch()) == {"style_effect": 0.0}
    assert "do nothing of use" in caplog.text


def test_without_styles_there_is_nothing_to_measure(caplog):
    model = make_model("none")
    with caplog.at_level(logging.WARNING):
        assert measure(model, make_batch()) == {}
    assert not caplog.records
    set_mean_style(model, [torch.zeros(5, 80)])


def test_a_single_item_has_no_other_style():
    assert measure(make_model(), make_batch(1)) == {}


def test_the_mean_style_is_that_of_all_mels():
    model = make_model()
    _, _, mels, lengths = make_batch()
    set_mean_style(model, [mel[:n] for mel, n in zip(mels, lengths.tolist())])
    style = model.read_style(mels, lengths)
    torch.testing.assert_close(
        model.style.tokens.mean_style, style.mean(0), rtol=0, atol=1e-5
    )
    assert not torch.allclose(style[0], style[1])


def test_a_mean_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one; got none"):
        set_mean_style(make_model(), [])


def test_a_mel_that_is_not_finite_has_no_part_in_the_mean(caplog):
    means = []
    _, _, mels, _ = make_batch()
    for bad in ([], [torch.full_like(mels[0], torch.inf)]):
        model = make_model()
        set_mean_style(model, [*mels, *bad])
        means.append(model.style.tokens.mean_style)
    assert torch.equal(*means)
    assert "without a finite style is left out" in caplog.text


def test_padding_of_the_reference_changes_no_memory():
    model = make_model()
    tokens, token_lengths, mels, lengths = make_batch()
    longer = torch.nn.functional.pad(mels, (0, 0, 0, 7), value=9.0)
    memories = [
        model.encode(tokens, token_lengths, model.read_style(padded, lengths))
        for padded in (mels, longer)
    ]
    torch.testing.assert_close(*memories, rtol=0, atol=1e-5)
    other = model.read_style(mels, lengths.new_tensor([5, 5, 5]))
    assert not torch.equal(
        memories[0], model.encode(tokens, token_lengths, other)
    )
