"""Statistics of the batches so far, in training and after it."""

import pytest
import torch

from sb_sma.style.running_norm import RunningNorm


def make_batches(n_batches=200, n_items=8):
    generator = torch.Generator().manual_seed(0)
    batches = torch.randn(n_batches, n_items, 3, generator=generator)
    return batches * torch.tensor([0.1, 1.0, 5.0]) + torch.tensor([1.0, 0, -2])


def test_what_training_showed_is_standardised():
    norm, batches = RunningNorm(3), make_batches(n_batches=1000)
    for batch in batches:
        norm(batch)
    out = norm.eval()(batches.flatten(0, 1))
    torch.testing.assert_close(out.mean(0), torch.zeros(3), atol=0.2, rtol=0)
    torch.testing.assert_close(out.std(0), torch.ones(3), atol=0.1, rtol=0)


def test_first_batches_count_alike():
    norm, batches = RunningNorm(3), make_batches(n_batches=5)
    for batch in batches:
        norm(batch)
    torch.testing.assert_close(norm.mean, batches.sum(0).mean(0) / 6)


def test_statistics_follow_an_encoder_that_changes():
    norm, batches = RunningNorm(3), make_batches(n_batches=600)
    for batch in batches[:100]:
        norm(batch)
    for batch in batches[100:]:
        norm(batch + 7.0)
    torch.testing.assert_close(
        norm.mean, batches.mean((0, 1)) + 7.0, atol=0.3, rtol=0
    )


def test_a_batch_may_be_one_item_and_equals_its_items():
    norm, batches = RunningNorm(3), make_batches()
    for batch in batches[:, :1]:
        assert bool(norm(batch).isfinite().all())
    norm.eval()
    alone = torch.cat([norm(item[None]) for item in batches[0]])
    torch.testing.assert_close(norm(batches[0]), alone)


def test_evaluation_changes_no_statistics():
    norm = RunningNorm(3).eval()
    before = {name: b.clone() for name, b in norm.named_buffers()}
    norm(make_batches()[0])
    for name, buffer in norm.named_buffers():
        torch.testing.assert_close(buffer, before[name])


def test_a_channel_that_never_changes_gives_no_infinity():
    norm = RunningNorm(2)
    for _ in range(3):
        out = norm(torch.full((4, 2), 3.0))
    assert bool(out.isfinite().all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_dtype_stays(dtype):
    assert RunningNorm(3)(make_batches()[0].to(dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_finds_small_differences_around_a_large_mean(dtype):
    """As an encoder in single precision under a cast model gives them."""
    norm, batches = RunningNorm(3), make_batches(n_batches=1000)
    batches[..., 0] += 3.0
    for batch in batches:
        norm(batch)
    norm.eval()
    expected = norm(batches[0])
    torch.testing.assert_close(norm.to(dtype)(batches[0]), expected)


def test_a_batch_of_nan_leaves_the_statistics_alone():
    norm = RunningNorm(3)
    norm(make_batches()[0])
    mean = norm.mean.clone()
    norm(torch.full((2, 3), float("nan")))
    torch.testing.assert_close(norm.mean, mean)
