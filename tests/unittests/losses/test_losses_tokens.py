"""The cross-entropy of token decoders."""

import torch

from sb_sma.losses import token_loss

LENGTHS = torch.tensor([5, 2, 1])


def make_batch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 5, 7, generator=generator)
    return logits, torch.randint(1, 7, (3, 5), generator=generator)


def test_loss_is_the_mean_over_valid_tokens():
    logits, targets = make_batch()
    log_probs = logits.log_softmax(-1)
    expected = [
        -log_probs[item, step, targets[item, step]]
        for item, length in enumerate(LENGTHS.tolist())
        for step in range(length)
    ]
    torch.testing.assert_close(
        token_loss(logits, targets, LENGTHS), torch.stack(expected).mean()
    )


def test_smoothing_mixes_in_the_mean_over_all_tokens():
    logits, targets = make_batch()
    sharp, smooth = (
        token_loss(logits, targets, LENGTHS, label_smoothing=share)
        for share in (0.0, 0.2)
    )
    valid = torch.arange(5) < LENGTHS[:, None]
    spread = -logits.log_softmax(-1).mean(-1)[valid].mean()
    torch.testing.assert_close(smooth, 0.8 * sharp + 0.2 * spread)


def test_padding_changes_neither_loss_nor_gradient():
    logits, targets = make_batch()
    wild = logits.clone()
    wild[1, 2:], wild[2, 1:] = 1e4, -1e4
    gradients = []
    for batch in (logits, wild):
        batch.requires_grad_()
        loss = token_loss(batch, targets, LENGTHS, 0.1)
        loss.backward()
        gradients.append(batch.grad)
    torch.testing.assert_close(*gradients)
    assert not gradients[1][2, 1:].any()
