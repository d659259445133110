"""One vector per recording, whatever stands beside or after it."""

import pytest
import torch

from sb_sma.style import ReferenceEncoder

N_MELS = 20
LENGTHS = [37, 16, 5, 2, 1]
STACKS = [[4], [4, 6], [4, 4, 6], [4, 4, 6, 6]]


def make_encoder(channels=STACKS[1], **options):
    torch.manual_seed(0)
    arguments = {"n_mels": N_MELS, "width": 8, **options}
    return ReferenceEncoder(channels=channels, **arguments).eval()


def make_mel(lengths=LENGTHS):
    generator = torch.Generator().manual_seed(1)
    mel = torch.randn(len(lengths), max(lengths), N_MELS, generator=generator)
    return mel, torch.tensor(lengths)


@pytest.fixture(params=STACKS, ids=lambda channels: f"{len(channels)}-layers")
def encoder(request):
    return make_encoder(request.param)


@torch.no_grad()
@pytest.mark.parametrize("fill", [0.0, 7.0, torch.nan])
@pytest.mark.parametrize("more", [0, 1, 2, 3, 50])
def test_padding_changes_nothing(encoder, fill, more):
    mel, lengths = make_mel()
    reference = encoder(mel, lengths)
    longer = torch.cat((mel, mel.new_zeros(len(mel), more, N_MELS)), dim=1)
    padding = torch.arange(longer.shape[1]) >= lengths[:, None]
    longer[padding] = fill
    torch.testing.assert_close(
        encoder(longer, lengths), reference, rtol=0, atol=1e-5
    )


@torch.no_grad()
def test_a_batch_gives_what_its_items_give_alone(encoder):
    mel, lengths = make_mel()
    reference = encoder(mel, lengths)
    assert reference.shape == (len(LENGTHS), 8)
    for item, length in enumerate(LENGTHS):
        alone = encoder(mel[item, None, :length], torch.tensor([length]))
        torch.testing.assert_close(reference[item], alone[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_every_valid_frame_is_heard_and_no_other(encoder, training):
    encoder.train(training)
    mel, lengths = make_mel()
    mel.requires_grad_()
    for item, length in enumerate(LENGTHS):
        reference = encoder(mel, lengths)[item]
        (grad,) = torch.autograd.grad(reference.square().sum(), mel)
        heard = grad.abs().sum(dim=2) > 0
        expected = torch.zeros_like(heard)
        expected[item, :length] = True
        assert torch.equal(heard, expected)


@torch.no_grad()
def test_the_end_of_an_item_is_heard():
    encoder = make_encoder()
    mel, lengths = make_mel([9, 9])
    mel[1, :8] = mel[0, :8]
    reference = encoder(mel, lengths)
    assert not torch.allclose(reference[0], reference[1], atol=1e-4)


def test_gradients_reach_every_parameter():
    encoder = make_encoder()
    encoder(*make_mel()).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert bool(parameter.grad.isfinite().all()), name
        assert bool(parameter.grad.any()), name


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_finite(encoder, dtype):
    mel, lengths = make_mel()
    with torch.autocast("cpu", dtype=dtype):
        assert bool(encoder(10 * mel, lengths).isfinite().all())


@torch.no_grad()
def test_pure_bfloat16_stays_finite(encoder):
    mel, lengths = make_mel()
    reference = encoder.to(torch.bfloat16)(10 * mel.to(torch.bfloat16), lengths)
    assert reference.dtype == torch.bfloat16
    assert bool(reference.isfinite().all())


@torch.no_grad()
@pytest.mark.parametrize("n_mels", [1, 2, 3, 80])
def test_any_number_of_mel_channels(n_mels):
    encoder = make_encoder(STACKS[3], n_mels=n_mels)
    mel = torch.rand(2, 3, n_mels)
    assert encoder(mel, torch.tensor([3, 1])).shape == (2, 8)


@torch.no_grad()
def test_arguments_are_left_alone(encoder):
    mel, lengths = make_mel()
    mel_before, lengths_before = mel.clone(), lengths.clone()
    encoder(mel, lengths)
    assert torch.equal(mel, mel_before)
    assert torch.equal(lengths, lengths_before)


def test_no_convolution_is_refused():
    with pytest.raises(ValueError, match=r"at least one convolution; got \[\]"):
        make_encoder([])


@pytest.mark.parametrize(
    "lengths, match",
    [
        ([9, 0], "from 1 to 9 frames; item 1 has 0"),
        ([-1, 9], "from 1 to 9 frames; item 0 has -1"),
        ([9, 10], "from 1 to 9 frames; item 1 has 10"),
        ([9], r"shape \(B,\) = \(2,\); got \(1,\)"),
        ([1.0, 0.5], "must be int64 counts of frames; got torch.float32"),
    ],
    ids=["zero", "negative", "too-long", "shape", "fractions"],
)
def test_lengths_that_do_not_fit_are_refused(lengths, match):
    with pytest.raises(ValueError, match=match):
        make_encoder()(torch.rand(2, 9, N_MELS), torch.tensor(lengths))


@pytest.mark.parametrize("shape", [(2, 9), (2, N_MELS, 9), (2, 1, 9, N_MELS)])
def test_a_mel_that_does_not_fit_is_refused(shape):
    with pytest.raises(ValueError, match=r"\(B, M, C\) with C = 20; got"):
        make_encoder()(torch.rand(shape), torch.tensor([9, 9]))
