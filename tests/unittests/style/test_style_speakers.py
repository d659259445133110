"""What a speaker does to the memory of a text."""

import pytest
import torch

from sb_sma.style import SpeakerConditioning, make_speakers

LENGTHS = torch.tensor([5, 2, 4])
SPEAKERS = torch.tensor([2, 0, 1])


@pytest.fixture
def conditioning():
    torch.manual_seed(0)
    return make_speakers(4, d_model=16, width=6)


@pytest.fixture
def memory():
    memory = torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(1))
    return memory * (torch.arange(5) < LENGTHS[:, None])[..., None]


@torch.no_grad()
def test_a_batch_gives_what_its_items_give_alone(conditioning, memory):
    out = conditioning(memory, LENGTHS, SPEAKERS)
    for item, length in enumerate(LENGTHS.tolist()):
        alone = conditioning(
            memory[item, None, :length],
            LENGTHS[item, None],
            SPEAKERS[item, None],
        )
        torch.testing.assert_close(out[item, :length], alone[0])
        assert bool((out[item, length:] == 0).all())


@torch.no_grad()
def test_every_token_hears_the_same_speaker(conditioning, memory):
    added = conditioning(memory, LENGTHS, SPEAKERS) - memory
    for item, length in enumerate(LENGTHS.tolist()):
        first = added[item, :1].expand(length, -1)
        torch.testing.assert_close(added[item, :length], first)
    assert not torch.allclose(added[0, 0], added[1, 0])


@torch.no_grad()
def test_one_speaker_is_for_all_items_and_the_first_one_by_default(
    conditioning, memory
):
    expected = conditioning(memory, LENGTHS, torch.tensor([0, 0, 0]))
    for speaker in (torch.tensor([0]), None):
        got = conditioning(memory, LENGTHS, speaker)
        torch.testing.assert_close(got, expected)


def test_only_who_speaks_learns(conditioning, memory):
    conditioning(memory, LENGTHS, SPEAKERS).square().sum().backward()
    learned = (conditioning.table.weight.grad != 0).any(1)
    assert learned.tolist() == [True, True, True, False]
    assert bool((conditioning.project.weight.grad != 0).any())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_stays_half_and_finite(conditioning, memory, dtype):
    out = conditioning.to(dtype)(memory.to(dtype), LENGTHS, SPEAKERS)
    assert out.dtype == dtype and bool(out.isfinite().all())


@pytest.mark.parametrize("shape", [(), (2,), (3, 1)], ids=str)
def test_speakers_of_other_items_are_refused(conditioning, memory, shape):
    speaker = torch.zeros(shape, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"shape \(1,\), \(3,\); got \("):
        conditioning(memory, LENGTHS, speaker)


@pytest.mark.parametrize("n_speakers", [-1, 2.0, True, None, "two"])
def test_a_number_of_speakers_is_a_count(n_speakers):
    with pytest.raises(ValueError, match="speakers must be an integer of at"):
        make_speakers(n_speakers, d_model=16, width=6)


def test_no_speakers_are_no_part_of_a_model():
    assert make_speakers(0, d_model=16, width=6) is None
    assert isinstance(make_speakers(1, 16, 6), SpeakerConditioning)
