"""A mel is refined the same alone, in a batch and piece by piece."""

import pytest
import torch
from torch.testing import assert_close

from sb_sma.models.refiner.flow import FlowRefiner
from sb_sma.models.refiner.registry import REFINERS, make_refiner

N_MELS, D_TEXT = 5, 7


def make(**options):
    torch.manual_seed(0)
    options = {"width": 16, "dilations": [1, 2], "steps": 3, **options}
    refiner = FlowRefiner(N_MELS, D_TEXT, **options)
    for parameter in refiner.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return refiner.eval()


def inputs(*shape):
    return torch.randn(*shape, N_MELS), torch.randn(*shape, D_TEXT)


@torch.no_grad()
@pytest.mark.parametrize("n_frames", [1, 9, 200])
@pytest.mark.parametrize("piece", [1, 7, 64, 1000])
def test_a_stream_gives_what_the_whole_gives(n_frames, piece):
    refiner = make()
    coarse, text = inputs(n_frames)
    noise = torch.randn(n_frames, N_MELS)
    whole = refiner(coarse[None], text[None], noise)[0]
    stream = refiner.stream()
    parts = [
        stream.push(*part)
        for part in zip(*(x.split(piece) for x in (coarse, text, noise)))
    ]
    lag = refiner.ahead * 3
    assert sum(map(len, parts)) == max(n_frames - lag, 0)
    parts.append(stream.finish())
    assert_close(torch.cat(parts), whole, rtol=0, atol=1e-4)


@torch.no_grad()
def test_a_stream_keeps_what_it_needs_and_no_more():
    refiner = make()
    stream = refiner.stream()
    for _ in range(40):
        stream.push(*inputs(10), torch.randn(10, N_MELS))
    kept = [len(stage) for stage in stream._stages]
    assert max(kept) <= refiner.ahead + refiner.behind
    assert len(stream._condition) <= 10 + refiner.behind + 3 * refiner.ahead


@torch.no_grad()
def test_a_batch_gives_what_its_items_give_whatever_the_padding():
    refiner = make()
    lengths = torch.tensor([11, 30, 1])
    coarse, text = inputs(3, 40)
    noise = torch.randn(40, N_MELS)
    together = refiner(coarse, text, noise, lengths)
    for item, length in enumerate(lengths.tolist()):
        alone = refiner(
            coarse[item : item + 1, :length],
            text[item : item + 1, :length],
            noise[:length],
        )
        assert_close(together[item, :length], alone[0], rtol=0, atol=1e-5)


def test_a_frame_depends_on_its_surroundings_alone():
    refiner = make(steps=1)
    coarse, text = inputs(1, 60)
    coarse.requires_grad_()
    mel = refiner(coarse, text, torch.randn(60, N_MELS))
    mel[0, 30].sum().backward()
    (seen,) = coarse.grad[0].abs().sum(-1).nonzero(as_tuple=True)
    assert (refiner.behind, refiner.ahead) == (15, 3)
    assert (seen.min(), seen.max()) == (30 - 15, 30 + 3)


def test_the_loss_heeds_no_padding_and_teaches_not_the_coarse_mel():
    refiner = make(crop_frames=50)
    lengths = torch.tensor([12, 20])
    coarse, text = inputs(2, 20)
    targets = torch.randn(2, 20, N_MELS)
    losses = []
    for padding in (0.0, 100.0):
        for given in (coarse, text, targets):
            given[0, 12:] = padding
        torch.manual_seed(1)
        losses.append(refiner.loss(coarse, text, targets, lengths))
    assert_close(losses[0], losses[1])
    coarse.requires_grad_()
    text.requires_grad_()
    refiner.loss(coarse, text, targets, lengths).backward()
    assert coarse.grad is None
    assert not text.grad[0, 12:].any() and text.grad[1].any(-1).all()
    assert all(p.grad is not None for p in refiner.parameters())


def test_it_learns_what_the_mean_does_not_say():
    torch.manual_seed(0)
    refiner = FlowRefiner(
        1,
        1,
        width=16,
        dilations=[1],
        kernel_size=1,
        taps_ahead=0,
        temperature=1.0,
    )
    optimizer = torch.optim.Adam(refiner.parameters(), lr=5e-3)
    coarse, text = torch.zeros(64, 8, 1), torch.zeros(64, 8, 1)
    lengths = torch.full((64,), 8)
    for _ in range(400):
        # either -1 or 1: the mean is neither
        targets = torch.randint(0, 2, (64, 8, 1)) * 2.0 - 1.0
        loss = refiner.loss(coarse, text, targets, lengths)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        made = refiner(
            coarse[:1, :1].expand(1, 512, 1),
            text[:1, :1].expand(1, 512, 1),
            torch.randn(512, 1),
        )
    assert float(made.abs().median()) > 0.8
    assert 0.3 < float((made > 0).float().mean()) < 0.7


@pytest.mark.parametrize(
    "options, message",
    [
        ({"steps": 0}, "must be 1 or more; got 0"),
        ({"dilations": []}, "number of dilations must be 1 or more"),
        ({"taps_ahead": -1}, "taps_ahead must be 0 or more.*got -1"),
        ({"kernel_size": 3, "taps_ahead": 3}, "below kernel_size, 3; got 3"),
        ({"temperature": -0.1}, "temperature must be 0 or more; got -0.1"),
    ],
    ids=str,
)
def test_sizes_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_the_word_chooses():
    assert make_refiner("none", {}, 80, 8) is None
    options = {"flow": {"width": 8, "steps": 2}}
    refiner = make_refiner("flow", options, 80, 8)
    assert isinstance(refiner, REFINERS["flow"]) and len(refiner.times) == 3
    assert make_refiner(lambda n_mels, d_text: d_text, {}, 80, 8) == 8
    with pytest.raises(ValueError, match="refiner must be one of none, flow"):
        make_refiner("flwo", {}, 80, 8)
