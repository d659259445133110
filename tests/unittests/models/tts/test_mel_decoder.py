"""The decoder sees no frame that it has not made, at any reduction factor."""

import pytest
import torch
from torch import nn

from sb_sma.attention import (
    DecodingOptions,
    ForwardMHA,
    RegularMHA,
    StepwiseMonotonicMHA,
)
from sb_sma.models.tts.mel_decoder import MelDecoder, Prenet

FACTORS = range(1, 9)
FACTORIES = [StepwiseMonotonicMHA, RegularMHA, ForwardMHA]
N_MELS = 3
LENGTHS = [6, 3, 1]


def make_decoder(reduction_factor, factory=StepwiseMonotonicMHA, **options):
    torch.manual_seed(0)
    arguments = {
        "num_layers": 2,
        "n_mels": N_MELS,
        "prenet_dropout": 0.0,
        **options,
    }
    return MelDecoder(
        8,
        2,
        d_ffn=16,
        cross_attention=factory,
        reduction_factor=reduction_factor,
        **arguments,
    ).eval()


def make_inputs(reduction_factor, queries=4):
    generator = torch.Generator().manual_seed(1)
    memory = torch.randn(3, 6, 8, generator=generator)
    mels = torch.randn(
        3, queries * reduction_factor, N_MELS, generator=generator
    )
    return memory, torch.tensor(LENGTHS), mels


def walk(decoder, memory, lengths, mels, seed=0):
    """Teacher-forced, one step at a time."""
    generator = torch.Generator().manual_seed(seed)
    factor = decoder.reduction_factor
    n_steps = mels.shape[1] // factor
    state = decoder.start(
        memory, lengths, DecodingOptions(), generator, n_steps
    )
    frame = torch.zeros(len(memory), N_MELS)
    steps = []
    for step in range(n_steps):
        steps.append(decoder.step(frame, state))
        frame = mels[:, (step + 1) * factor - 1]
    return steps


@pytest.mark.parametrize("factor", FACTORS)
def test_shapes(factor):
    frames, stop_logits, alignments = make_decoder(factor)(*make_inputs(factor))
    assert frames.shape == (3, 4 * factor, N_MELS)
    assert stop_logits.shape == (3, 4)
    assert [alignment.shape for alignment in alignments] == [(3, 2, 4, 6)] * 2


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("factor", FACTORS)
def test_a_step_depends_on_earlier_steps_only(factor, factory):
    decoder = make_decoder(factor, factory)
    memory, lengths, mels = make_inputs(factor)
    mels.requires_grad_()
    frames, stop_logits, alignments = decoder(memory, lengths, mels)
    for step in range(4):
        made = slice(step * factor, (step + 1) * factor)
        results = [frames[:, made], stop_logits[:, step]]
        results += [alignment[:, :, step] for alignment in alignments]
        total = sum(result.square().sum() for result in results)
        (gradient,) = torch.autograd.grad(total, mels, retain_graph=True)
        heard = (gradient != 0).any(-1).any(0)
        # the last frame of every step before
        expected = [
            frame < made.start and frame % factor == factor - 1
            for frame in range(4 * factor)
        ]
        assert heard.tolist() == expected


@torch.no_grad()
@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize(
    "factor, window", [(1, None), (3, None), (8, None), (2, 2)]
)
def test_step_by_step_is_the_whole_sequence(factor, window, factory):
    decoder = make_decoder(factor, factory, window=window)
    memory, lengths, mels = make_inputs(factor)
    frames, stop_logits, alignments = decoder(memory, lengths, mels)
    steps = walk(decoder, memory, lengths, mels)

    def assert_close(actual, expected):
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)

    assert_close(torch.cat([step.frames for step in steps], 1), frames)
    assert_close(
        torch.stack([step.stop_logits for step in steps], 1), stop_logits
    )
    for layer, alignment in enumerate(alignments):
        rows = [step.alignments[layer] for step in steps]
        assert_close(torch.stack(rows, dim=2), alignment)


@torch.no_grad()
@pytest.mark.parametrize("queries", [4, 70])  # one block of masks, and two
def test_step_by_step_drops_what_the_whole_sequence_drops(queries, monkeypatch):
    decoder = make_decoder(2, prenet_dropout=0.5)
    memory, lengths, mels = make_inputs(2, queries)
    steps = walk(decoder, memory, lengths, mels, seed=3)
    masks = decoder.prenet.draw_masks(queries, torch.Generator().manual_seed(3))
    forward = Prenet.forward

    def drop_the_same(frames):
        return forward(decoder.prenet, frames, masks.transpose(0, 1))

    monkeypatch.setattr(decoder.prenet, "forward", drop_the_same)
    frames, _, _ = decoder(memory, lengths, mels)
    made = torch.cat([step.frames for step in steps], dim=1)
    torch.testing.assert_close(made, frames, rtol=0, atol=1e-5)


@torch.no_grad()
def test_padding_changes_nothing():
    decoder = make_decoder(2)
    memory, lengths, mels = make_inputs(2)
    frames, stop_logits, alignments = decoder(memory, lengths, mels)
    longer = decoder(
        torch.cat((memory, torch.full((3, 5, 8), 9.0)), dim=1),
        lengths,
        torch.cat((mels, torch.full((3, 6, N_MELS), 9.0)), dim=1),
    )
    torch.testing.assert_close(longer[0][:, :8], frames, rtol=0, atol=1e-5)
    torch.testing.assert_close(longer[1][:, :4], stop_logits, rtol=0, atol=1e-5)
    for actual, expected in zip(longer[2], alignments):
        torch.testing.assert_close(
            actual[:, :, :4, :6], expected, rtol=0, atol=1e-5
        )


def test_a_forward_only_attention_can_be_decoded():
    class ForwardOnly(nn.Module):
        """A stateless attention of someone else."""

        def __init__(self, **arguments):
            super().__init__()
            self.inner = RegularMHA(**arguments)

        def forward(self, **arguments):
            """Attend."""
            return self.inner(**arguments)

    decoder = make_decoder(2, ForwardOnly)
    with torch.no_grad():
        frames, _, _ = decoder(*make_inputs(2))
        steps = walk(decoder, *make_inputs(2))
    torch.testing.assert_close(
        torch.cat([step.frames for step in steps], 1),
        frames,
        rtol=0,
        atol=1e-5,
    )


def test_prenet_dropout_never_sleeps():
    prenet = Prenet(N_MELS, 16, dropout=0.5).eval()
    frames = torch.rand(2, 5, N_MELS)
    assert not torch.equal(prenet(frames), prenet(frames))


def test_prenet_masks_come_from_the_seed_and_the_step():
    prenet = Prenet(N_MELS, 16, dropout=0.5)
    masks = prenet.draw_masks(5, torch.Generator().manual_seed(3))
    assert masks.shape == (5, 2, 16)
    assert len({str(mask.tolist()) for mask in masks.flatten(0, 1)}) == 10
    generator = torch.Generator().manual_seed(3)
    again = [prenet.draw_masks(n, generator) for n in (2, 3)]
    assert torch.equal(torch.cat(again), masks)
    other = prenet.draw_masks(5, torch.Generator().manual_seed(4))
    assert not torch.equal(other, masks)


@torch.no_grad()
def test_prenet_dropout_keeps_the_mean():
    prenet = Prenet(N_MELS, 64, dropout=0.3)
    for layer in prenet.layers:
        nn.init.constant_(layer.weight, 1 / layer.in_features)
        nn.init.zeros_(layer.bias)
    frames = torch.ones(1, 2000, N_MELS)
    drawn = prenet.draw_masks(2000, torch.Generator().manual_seed(0))
    for masks in (None, drawn.transpose(0, 1)):
        out = prenet(frames, masks)
        assert float(out.mean()) == pytest.approx(1.0, abs=0.02)
        assert float((out == 0).float().mean()) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("factor", [0, 9, -1])
def test_reduction_factors_out_of_range_are_refused(factor):
    with pytest.raises(
        ValueError, match=f"reduction_factor must be 1 to 8; got {factor}"
    ):
        make_decoder(factor)


def test_frames_that_do_not_fill_the_last_step_are_refused():
    memory, lengths, mels = make_inputs(4)
    with pytest.raises(
        ValueError, match="must have a multiple of 4 frames; got 15.*Pad them"
    ):
        make_decoder(4)(memory, lengths, mels[:, :15])
