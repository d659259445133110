"""From a word to the probabilities of its phonemes."""

import pytest
import torch

PHONEMES = torch.tensor(
    [[4, 2, 1, 0], [2, 1, 0, 0], [5, 5, 7, 1], [3, 1, 0, 0], [1, 0, 0, 0]]
)


def assert_close(actual, expected, atol=1e-10):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


@torch.no_grad()
def test_steps_weigh_what_teacher_forcing_weighs(make_g2p, words, attention):
    model = make_g2p(attention)
    logits, alignments = model(*words, PHONEMES)
    assert logits.shape == (5, 4, 8)
    assert [layer.shape for layer in alignments] == 2 * [(5, 2, 4, 7)]
    logits = logits.masked_fill(model.blocked, -torch.inf)
    weighed = model.weigh(*words, PHONEMES)
    assert_close(weighed, logits.log_softmax(-1))
    state = model.start(*words, max_steps=4)
    heard = torch.nn.functional.pad(PHONEMES, (1, 0))
    for step in range(4):
        log_probs, attended = model.step(heard[:, step], state)
        assert_close(log_probs, weighed[:, step])
        assert_close(log_probs.exp().sum(-1), torch.ones(5).double())
        for actual, layer in zip(attended, alignments):
            assert_close(actual, layer[:, :, step])


@torch.no_grad()
def test_a_batch_gives_what_its_words_give_alone(make_g2p, words, attention):
    model = make_g2p(attention)
    graphemes, lengths = words
    logits, _ = model(graphemes, lengths, PHONEMES)
    for item, length in enumerate(lengths.tolist()):
        row = slice(item, item + 1)
        alone, _ = model(graphemes[row, :length], lengths[row], PHONEMES[row])
        assert_close(alone, logits[row])


def test_every_letter_is_read(make_g2p, words, attention):
    model = make_g2p(attention)
    logits, _ = model(*words, PHONEMES)
    for item, length in enumerate(words[1].tolist()):
        changed = words[0].clone()
        changed[item, :length] = changed[item, :length] % 11 + 1
        others, _ = model(changed, words[1], PHONEMES)
        same = [torch.allclose(a, b) for a, b in zip(others, logits)]
        assert same == [other != item for other in range(5)]


@torch.no_grad()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_probabilities_are_in_float32_at_least(make_g2p, words, dtype):
    model = make_g2p().float()
    with torch.autocast("cpu", dtype=dtype):
        state = model.start(*words, max_steps=1)
        log_probs, _ = model.step(torch.zeros(5, dtype=torch.int64), state)
    assert log_probs.dtype == torch.float32
    assert_close(log_probs.exp().sum(-1), torch.ones(5), atol=1e-5)


@torch.no_grad()
def test_room_that_is_not_taken_is_never_said(make_g2p, words):
    model = make_g2p()
    model.set_n_phonemes(5)
    state = model.start(*words, max_steps=4)
    log_probs, _ = model.step(torch.zeros(5, dtype=torch.int64), state)
    assert torch.isinf(log_probs).any(0).tolist() == [True] + 4 * [False] + (
        3 * [True]
    )
    assert_close(log_probs.exp().sum(-1), torch.ones(5).double())
    # and back
    model.set_n_phonemes(8)
    assert model.blocked.tolist() == [True] + 7 * [False]
