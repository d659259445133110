"""The loss of a decoder that predicts tokens."""

import torch
import torch.nn.functional as F

from sb_sma.attention.masks import padding_mask
from sb_sma.ops.checks import check_axes, check_lengths


def token_loss(
    logits: torch.Tensor,
    targets: torch.Tensor,
    target_lengths: torch.Tensor,
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """Cross-entropy, as a mean over all valid tokens of the batch.

    Reference: Szegedy et al.: "Rethinking the Inception Architecture for
    Computer Vision", CVPR 2016 (label smoothing).

    Arguments
    ---------
    logits : torch.Tensor
        (B, Q, V).
    targets : torch.Tensor
        Token indices, int64, (B, Q).
    target_lengths : torch.Tensor
        Counts, int64, (B,).
    label_smoothing : float
        Share of the target that is spread over all tokens, in [0, 1).

    Returns
    -------
    loss : torch.Tensor
        In nats per token.

    Raises
    ------
    ValueError
        If a shape or dtype is another.

    Example
    -------
    >>> logits = torch.tensor([[[9.0, 0.0], [0.0, 9.0], [5.0, 5.0]]])
    >>> targets = torch.tensor([[0, 1, 0]])
    >>> bool(token_loss(logits, targets, torch.tensor([2])) < 1e-3)
    True
    """
    check_axes(logits=(logits, "B, Q, V"), targets=(targets, "B, Q: integer"))
    check_lengths("target_lengths", target_lengths, targets)
    valid = ~padding_mask(target_lengths, targets.shape[1])
    return F.cross_entropy(
        logits[valid].float(), targets[valid], label_smoothing=label_smoothing
    )
