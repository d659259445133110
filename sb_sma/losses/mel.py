"""Distance between mels."""

import torch

from sb_sma.attention.masks import padding_mask


def masked_l1(
    predicted: torch.Tensor, target: torch.Tensor, mel_lengths: torch.Tensor
) -> torch.Tensor:
    """Mean absolute difference over the valid frames of the batch.

    Arguments
    ---------
    predicted : torch.Tensor
        (B, M, C).
    target : torch.Tensor
        (B, M, C).
    mel_lengths : torch.Tensor
        Frames, int64, (B,).

    Returns
    -------
    loss : torch.Tensor
        A number.

    Example
    -------
    >>> masked_l1(torch.ones(1, 3, 2), torch.zeros(1, 3, 2), torch.tensor([2]))
    tensor(1.)
    """
    padding = padding_mask(mel_lengths, predicted.shape[1])
    difference = (predicted.float() - target).abs().mean(dim=-1)
    return difference.masked_fill(padding, 0.0).sum() / mel_lengths.sum()
