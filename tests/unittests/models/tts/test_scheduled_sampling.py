"""What a decoder hears of itself in training, made as when it speaks."""

import pytest
import torch

from sb_sma.attention import ForwardMHA, RegularMHA, StepwiseMonotonicMHA
from sb_sma.models.tts.mel_decoder import MelDecoder
from sb_sma.models.tts.scheduled_sampling import roll_out

FACTORIES = [StepwiseMonotonicMHA, RegularMHA, ForwardMHA]
TOKEN_LENGTHS = torch.tensor([5, 3, 1])


def make_decoder(factory=StepwiseMonotonicMHA, reduction_factor=2):
    torch.manual_seed(0)
    return MelDecoder(
        *(8, 2, 2, 16, factory),
        n_mels=3,
        reduction_factor=reduction_factor,
        prenet_dropout=0.0,
    ).eval()


def make_inputs(dtype=torch.float32):
    torch.manual_seed(1)
    return torch.randn(3, 5, 8, dtype=dtype), torch.randn(3, 12, 3, dtype=dtype)


def roll(decoder, shares, seed=0):
    memory, targets = make_inputs()
    torch.manual_seed(seed)
    shares = torch.tensor(shares)
    return roll_out(decoder, memory, TOKEN_LENGTHS, targets, shares), targets


@pytest.mark.parametrize("reduction_factor", [1, 2, 4])
@pytest.mark.parametrize("factory", FACTORIES)
def test_a_share_of_each_items_steps_is_its_own(factory, reduction_factor):
    decoder = make_decoder(factory, reduction_factor)
    heard, targets = roll(decoder, [0.0, 0.5, 1.0])
    assert heard.shape == targets.shape and not heard.requires_grad
    is_true = (heard == targets).all(-1).unflatten(1, (-1, reduction_factor))
    # of whole decoder steps
    assert torch.equal(is_true.any(-1), is_true.all(-1))
    none, some, every = is_true.all(-1).float().mean(-1)
    assert (none, every) == (1.0, 0.0)
    assert 0.0 < some < 1.0


@pytest.mark.parametrize("factory", [RegularMHA, ForwardMHA])
def test_each_step_is_made_from_those_before_it(factory):
    decoder = make_decoder(factory)
    heard, _ = roll(decoder, [1.0, 1.0, 1.0])
    memory, targets = make_inputs()
    again, _, _ = decoder(memory, TOKEN_LENGTHS, heard)
    torch.testing.assert_close(again, heard)
    # which a pass over true frames does not give
    at_once, _, _ = decoder(memory, TOKEN_LENGTHS, targets)
    assert not torch.allclose(at_once[:, 4:], heard[:, 4:], atol=1e-3)


def test_the_walk_is_that_of_the_true_frames():
    decoder = make_decoder()
    memory, targets = make_inputs()
    _, _, expected = decoder(memory, TOKEN_LENGTHS, targets)
    seen = []
    for layer in decoder.layers:
        step = layer.cross_attn.step

        def listen(query, state, step=step):
            out = step(query, state)
            seen.append(out[1])
            return out

        layer.cross_attn.step = listen
    heard, _ = roll(decoder, [1.0, 1.0, 1.0])
    for number, alignment in enumerate(expected):
        walked = torch.cat(seen[number :: len(expected)], dim=2)
        torch.testing.assert_close(walked, alignment)
    # from frames of its own it would have gone another way
    _, _, own = decoder(memory, TOKEN_LENGTHS, heard)
    assert not torch.allclose(own[1], expected[1], atol=1e-3)


def test_a_batch_equals_its_items():
    decoder = make_decoder()
    together, _ = roll(decoder, [1.0, 1.0, 1.0])
    memory, targets = make_inputs()
    for item, length in enumerate(TOKEN_LENGTHS.tolist()):
        alone = roll_out(
            decoder,
            memory[item : item + 1, :length],
            TOKEN_LENGTHS[item : item + 1],
            targets[item : item + 1],
            torch.tensor([1.0]),
        )
        torch.testing.assert_close(alone, together[item : item + 1])


def test_autocast_changes_neither_frames_nor_later_gradients():
    decoder = make_decoder().train()
    memory, targets = make_inputs()
    shares = torch.ones(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        heard = roll_out(decoder, memory, TOKEN_LENGTHS, targets, shares)
        frames, stop_logits, _ = decoder(memory, TOKEN_LENGTHS, heard)
        (frames.square().sum() + stop_logits.sum()).backward()
    assert heard.dtype == torch.float32
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None, name
