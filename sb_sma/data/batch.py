"""The border between SpeechBrain's batches and this package's tensors."""

import torch
from speechbrain.dataio.batch import PaddedData


def with_lengths(padded: PaddedData) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn SpeechBrain's fractions of the longest item into counts.

    Arguments
    ---------
    padded : speechbrain.dataio.batch.PaddedData
        Right-padded data (B, T, ...) and fractions in (0, 1], (B,).

    Returns
    -------
    data : torch.Tensor
        (B, T, ...).
    lengths : torch.Tensor
        Counts, int64, (B,).

    Example
    -------
    >>> from speechbrain.dataio.batch import PaddedBatch
    >>> batch = PaddedBatch([{"x": torch.ones(3)}, {"x": torch.ones(7)}])
    >>> with_lengths(batch.x)[1]
    tensor([3, 7])
    """
    data, fractions = padded
    return data, torch.round(fractions * data.shape[1]).long()
