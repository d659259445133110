"""The loss of the stop predictor."""

import torch
import torch.nn.functional as F

from sb_sma.attention.masks import padding_mask
from sb_sma.ops.checks import check_axes, check_lengths


def stop_loss(
    stop_logits: torch.Tensor,
    query_lengths: torch.Tensor,
    positive_weight: float = 5.0,
) -> torch.Tensor:
    """Weighted binary cross-entropy: only an item's last step says stop.

    Arguments
    ---------
    stop_logits : torch.Tensor
        (B, Q).
    query_lengths : torch.Tensor
        Decoder steps of each item, int64, (B,).
    positive_weight : float
        Weight of the last step, of which there is one among many.

    Returns
    -------
    loss : torch.Tensor
        Mean over valid steps.

    Raises
    ------
    ValueError
        If a shape or dtype is another.

    Example
    -------
    >>> logits = torch.tensor([[-9.0, -9.0, 9.0, 5.0]])
    >>> bool(stop_loss(logits, torch.tensor([3])) < 1e-3)
    True
    """
    check_axes(stop_logits=(stop_logits, "B, Q"))
    check_lengths("query_lengths", query_lengths, stop_logits)
    steps = torch.arange(stop_logits.shape[1], device=stop_logits.device)
    is_last = (steps == query_lengths[:, None] - 1).float()
    loss = F.binary_cross_entropy_with_logits(
        stop_logits.float(),
        is_last,
        pos_weight=stop_logits.new_tensor(positive_weight).float(),
        reduction="none",
    )
    padding = padding_mask(query_lengths, stop_logits.shape[1])
    return loss.masked_fill(padding, 0.0).sum() / query_lengths.sum()
