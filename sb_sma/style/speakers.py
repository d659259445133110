"""Gives the memory of a text the speaker by whom it is to be spoken."""

import torch
from torch import nn

from sb_sma.attention.masks import padding_mask
from sb_sma.ops.checks import check_axes, check_lengths


class SpeakerConditioning(nn.Module):
    """A table of speaker embeddings, projected and added to every token.

    Arguments
    ---------
    n_speakers : int
        Rows of the table.
    d_model : int
        Width of the memory.
    width : int
        Width of an embedding.

    Example
    -------
    >>> conditioning = SpeakerConditioning(n_speakers=3, d_model=16)
    >>> memory, lengths = torch.rand(2, 5, 16), torch.tensor([5, 3])
    >>> conditioning(memory, lengths, torch.tensor([2, 0])).shape
    torch.Size([2, 5, 16])
    """

    def __init__(self, n_speakers: int, d_model: int, width: int = 64):
        super().__init__()
        self.table = nn.Embedding(n_speakers, width)
        self.project = nn.Linear(width, d_model)

    def forward(
        self,
        memory: torch.Tensor,
        memory_lengths: torch.Tensor,
        speaker: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Give every token the speaker.

        Arguments
        ---------
        memory : torch.Tensor
            (B, T, D).
        memory_lengths : torch.Tensor
            Counts, int64, (B,).
        speaker : torch.Tensor, optional
            Rows of the table, int64, on any device, (B,); or (1,) for all
            items. Default: the first row.

        Returns
        -------
        memory : torch.Tensor
            Zero on padding, (B, T, D).

        Raises
        ------
        ValueError
            If a shape or dtype does not fit.
        """
        check_axes(memory=(memory, "B, T, D"))
        check_lengths("memory_lengths", memory_lengths, memory)
        if speaker is None:
            speaker = memory_lengths.new_zeros(1)
        shapes = dict.fromkeys(((1,), (len(memory),)))
        if speaker.shape not in shapes:
            raise ValueError(
                f"speaker must have shape {', '.join(map(str, shapes))}; got "
                f"{tuple(speaker.shape)}. Give one row of the table for each "
                "item."
            )
        check_axes(speaker=(speaker, "B: integer"))
        embedding = self.project(self.table(speaker.to(memory.device)))
        padding = padding_mask(memory_lengths, memory.shape[1])
        return (memory + embedding[:, None]).masked_fill(
            padding[:, :, None], 0.0
        )


def make_speakers(
    n_speakers: int, d_model: int, width: int
) -> SpeakerConditioning | None:
    """Turn the YAML number into the part of a model that knows speakers.

    Arguments
    ---------
    n_speakers : int
        Rows of the table; 0 for a model that has none.
    d_model : int
        Width of the memory.
    width : int
        Width of a speaker's embedding.

    Returns
    -------
    speakers : SpeakerConditioning or None
        None for a model without speakers.

    Raises
    ------
    ValueError
        If the number is none of 0, 1, 2, ...

    Example
    -------
    >>> make_speakers(0, d_model=16, width=8) is None
    True
    """
    if type(n_speakers) is not int or n_speakers < 0:
        raise ValueError(
            f"speakers must be an integer of at least 0; got {n_speakers!r}. "
            "Give the number of speakers of the corpus, or 0 for a model that "
            "does not tell them apart."
        )
    if n_speakers == 0:
        return None
    return SpeakerConditioning(n_speakers, d_model, width)
