"""Distance between mels."""

import torch

from sb_sma.attention.masks import padding_mask
from sb_sma.ops.checks import check_axes, check_lengths


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

    Raises
    ------
    ValueError
        If a shape or dtype is another.

    Example
    -------
    >>> masked_l1(torch.ones(1, 3, 2), torch.zeros(1, 3, 2), torch.tensor([2]))
    tensor(1.)
    """
    check_axes(predicted=(predicted, "B, M, C"), target=(target, "B, M, C"))
    check_lengths("mel_lengths", mel_lengths, predicted)
    padding = padding_mask(mel_lengths, predicted.shape[1])
    difference = (predicted.float() - target).abs().mean(dim=-1)
    return difference.masked_fill(padding, 0.0).sum() / mel_lengths.sum()
