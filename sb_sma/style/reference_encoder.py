"""One vector for how a recording sounds, whatever its length.

Strided convolutions over time and mel channels, then a GRU. The embedding is the
mean of its states, not the last one as in the paper: how high and how fast
someone speaks is heard all along, and is learned sooner from the mean. Shapes:
``mel (B, M, C)``, ``mel_lengths (B,)``, ``reference (B, width)``.

Reference
---------
Skerry-Ryan et al.: "Towards End-to-End Prosody Transfer for Expressive Speech
Synthesis with Tacotron", ICML 2018, section 3.
"""

from collections.abc import Sequence

import torch
from torch import nn

from sb_sma.attention.masks import padding_mask

_KERNEL_SIZE, _STRIDE = 3, 2


class ReferenceEncoder(nn.Module):
    """A mel in, one vector out, which padding cannot touch.

    The normalisation is a layer norm over the channels of one step, not the
    papers' batch norm: its statistics hold neither padding nor other items.

    Arguments
    ---------
    n_mels : int
        Mel channels C.
    channels : sequence of int
        Width of each convolution; each halves time and mel channels.
    width : int
        Width of the embedding.

    Attributes
    ----------
    width : int
        Width of the embedding.

    Raises
    ------
    ValueError
        If there is no convolution.

    Example
    -------
    >>> encoder = ReferenceEncoder(n_mels=80, channels=[4, 8], width=16)
    >>> encoder(torch.rand(2, 9, 80), torch.tensor([9, 1])).shape
    torch.Size([2, 16])
    """

    def __init__(
        self,
        n_mels: int = 80,
        channels: Sequence[int] = (32, 32, 64, 64, 128, 128),
        width: int = 128,
    ):
        super().__init__()
        if not channels:
            raise ValueError(
                "channels must name the width of at least one convolution; "
                f"got {channels!r}."
            )
        self.n_mels = n_mels
        self.width = width
        self.convs = nn.ModuleList()
        self.norms = nn.ModuleList()
        n_bins = n_mels
        for c_in, c_out in zip((1, *channels[:-1]), channels):
            self.convs.append(
                nn.Conv2d(c_in, c_out, _KERNEL_SIZE, _STRIDE, _KERNEL_SIZE // 2)
            )
            n_bins = _halve(n_bins)
            self.norms.append(nn.LayerNorm((c_out, n_bins)))
        self.gru = nn.GRU(channels[-1] * n_bins, width, batch_first=True)

    def forward(
        self, mel: torch.Tensor, mel_lengths: torch.Tensor
    ) -> torch.Tensor:
        """Embed a batch of recordings.

        Arguments
        ---------
        mel : torch.Tensor
            Standardised natural-log mel, (B, M, C).
        mel_lengths : torch.Tensor
            Counts from 1 to M, int64, (B,).

        Returns
        -------
        reference : torch.Tensor
            (B, width).

        Raises
        ------
        ValueError
            If a shape or dtype is another, or a length is out of range (seen
            on the CPU only: elsewhere the look would wait for the device).
        """
        self._check(mel, mel_lengths)
        lengths = mel_lengths
        padding = padding_mask(lengths, mel.shape[1])
        features = mel.masked_fill(padding[:, :, None], 0.0)[:, None]
        for conv, norm in zip(self.convs, self.norms):
            features = conv(features).transpose(1, 2)  # (B, M, channels, bins)
            features = norm(features).relu().transpose(1, 2)
            lengths = _halve(lengths)
            padding = padding_mask(lengths, features.shape[2])
            # the next convolution must see past the end what it sees there
            # when the item is alone
            features = features.masked_fill(padding[:, None, :, None], 0.0)
        # the GRU looks back only: no valid step hears padding
        states, _ = self.gru(features.transpose(1, 2).flatten(2))
        states = states.masked_fill(padding[:, :, None], 0.0)
        return states.sum(1) / lengths[:, None]

    def _check(self, mel: torch.Tensor, mel_lengths: torch.Tensor) -> None:
        if mel.dim() != 3 or mel.shape[2] != self.n_mels:
            raise ValueError(
                f"mel must have shape (B, M, C) with C = {self.n_mels}; got "
                f"{tuple(mel.shape)}."
            )
        if not mel.is_floating_point():
            raise ValueError(
                f"mel must be of floating point; got {mel.dtype}. Give "
                "natural-log mels."
            )
        if mel_lengths.dtype != torch.int64:
            raise ValueError(
                "mel_lengths must be int64 counts of frames; got "
                f"{mel_lengths.dtype}. Multiply fractions by the padded length."
            )
        if mel_lengths.shape != mel.shape[:1]:
            raise ValueError(
                f"mel_lengths must have shape (B,) = ({len(mel)},); got "
                f"{tuple(mel_lengths.shape)}."
            )
        if mel_lengths.device.type == "cpu":
            outside = (mel_lengths < 1) | (mel_lengths > mel.shape[1])
            if outside.any():
                item = int(outside.nonzero()[0])
                raise ValueError(
                    f"mel_lengths must be from 1 to {mel.shape[1]} frames; "
                    f"item {item} has {int(mel_lengths[item])}. Leave out "
                    "recordings without frames."
                )


def _halve(length):
    """Return what a convolution leaves of a length, number or tensor."""
    return (length - 1) // _STRIDE + 1
