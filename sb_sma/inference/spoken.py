"""What a model has said: text by text, or padded into a batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from sb_sma.models.tts.synthesis import LOG_FLOOR


@dataclass
class SpokenText:
    """One text as it was spoken, without padding.

    Arguments
    ---------
    text : str
        What was to be said.
    tokens : list of str
        What the model read.
    mel : torch.Tensor
        Natural-log mel, (M, C).
    alignment : torch.Tensor
        Of the decoder layer that follows the text best, (H, Q, T).
    finished : bool
        Whether it ended by itself.
    """

    text: str
    tokens: list[str]
    mel: torch.Tensor
    alignment: torch.Tensor
    finished: bool


def pad_spoken(
    spoken: Sequence[SpokenText],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pad what was spoken into a batch.

    Arguments
    ---------
    spoken : sequence of SpokenText
        At least one.

    Returns
    -------
    mels : torch.Tensor
        Silence on padding, (B, M, C).
    mel_lengths : torch.Tensor
        Frames, int64, (B,).
    alignments : torch.Tensor
        Zero on padding, (B, H, Q, T).

    Example
    -------
    >>> mel, alignment = torch.zeros(4, 80), torch.ones(2, 1, 3)
    >>> short = SpokenText("a", ["a"], mel[:2], alignment[..., :1], True)
    >>> long = SpokenText("abc", ["a", "b", "c"], mel, alignment, True)
    >>> mels, mel_lengths, alignments = pad_spoken([short, long])
    >>> mels.shape, mel_lengths, alignments.shape
    (torch.Size([2, 4, 80]), tensor([2, 4]), torch.Size([2, 2, 1, 3]))
    """
    n_frames = max(len(item.mel) for item in spoken)
    n_queries = max(item.alignment.shape[1] for item in spoken)
    n_keys = max(item.alignment.shape[2] for item in spoken)
    mels, alignments = [], []
    for item in spoken:
        _, queries, keys = item.alignment.shape
        silence = (0, 0, 0, n_frames - len(item.mel))
        mels.append(F.pad(item.mel, silence, value=LOG_FLOOR))
        past_end = (0, n_keys - keys, 0, n_queries - queries)
        alignments.append(F.pad(item.alignment, past_end))
    lengths = [len(item.mel) for item in spoken]
    return (
        torch.stack(mels),
        torch.tensor(lengths, device=mels[0].device),
        torch.stack(alignments),
    )
