"""Several models that answer as one."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.models.g2p.token_decoder import TokenDecoderState
from sb_sma.models.g2p.transformer_g2p import TransformerG2P


class Ensemble(nn.Module):
    """The mean of what several models hold to be probable.

    Arguments
    ---------
    models : sequence of TransformerG2P
        Trained on the same tables of graphemes and phonemes.

    Raises
    ------
    ValueError
        If there is no model, or their tables have different sizes.

    Example
    -------
    >>> from sb_sma.attention import RegularMHA
    >>> from sb_sma.models.encoder.transformer import TransformerTextEncoder
    >>> from sb_sma.models.g2p.token_decoder import TokenDecoder
    >>> models = [
    ...     TransformerG2P(
    ...         TransformerTextEncoder(10, 8, 2, 1, 16),
    ...         TokenDecoder(12, 8, 2, 1, 16, RegularMHA),
    ...     ).eval()
    ...     for _ in range(2)
    ... ]
    >>> ensemble = Ensemble(models)
    >>> word, length = torch.tensor([[3, 4, 5]]), torch.tensor([3])
    >>> state = ensemble.start(word, length, max_steps=4)
    >>> log_probs, _ = ensemble.step(torch.tensor([0]), state)
    >>> log_probs.shape
    torch.Size([1, 12])
    """

    def __init__(self, models: Sequence[TransformerG2P]):
        super().__init__()
        self.models = nn.ModuleList(models)
        sizes = [_table_sizes(model) for model in models]
        if len(set(sizes)) != 1:
            raise ValueError(
                "models must be one or more that have the same tables; got "
                f"(graphemes, phonemes) = {sizes}. Take checkpoints that "
                "were trained on the same data."
            )

    def weigh(
        self,
        graphemes: torch.Tensor,
        grapheme_lengths: torch.Tensor,
        phonemes: torch.Tensor,
    ) -> torch.Tensor:
        """Weigh every phoneme after the given ones before it.

        Arguments
        ---------
        graphemes : torch.Tensor
            Indices, padded with 0, (B, T).
        grapheme_lengths : torch.Tensor
            Counts, int64, (B,).
        phonemes : torch.Tensor
            The phonemes, the end included, padded with 0, (B, Q).

        Returns
        -------
        log_probs : torch.Tensor
            Of the mean probability, in float32 or better, (B, Q, V).
        """
        return _mean(
            [
                model.weigh(graphemes, grapheme_lengths, phonemes)
                for model in self.models
            ]
        )

    def start(
        self,
        graphemes: torch.Tensor,
        grapheme_lengths: torch.Tensor,
        max_steps: int,
        options: DecodingOptions = DecodingOptions(),
    ) -> list[TokenDecoderState]:
        """Read the words and stand before their first phonemes.

        Arguments
        ---------
        graphemes : torch.Tensor
            Indices, padded with 0, (B, T).
        grapheme_lengths : torch.Tensor
            Counts, int64, (B,).
        max_steps : int
            Most phonemes of a word, the end included.
        options : DecodingOptions
            How the cross-attentions are decoded.

        Returns
        -------
        states : list of TokenDecoderState
            One per model.
        """
        return [
            model.start(graphemes, grapheme_lengths, max_steps, options)
            for model in self.models
        ]

    def step(
        self, phonemes: torch.Tensor, states: list[TokenDecoderState]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Weigh the next phonemes; the states are advanced.

        Arguments
        ---------
        phonemes : torch.Tensor
            The phonemes before, 0 at the start, int64, (B,).
        states : list of TokenDecoderState
            One per model.

        Returns
        -------
        log_probs : torch.Tensor
            Of the mean probability, in float32 or better, (B, V).
        alignments : list of torch.Tensor
            One (B, H, T) per decoder layer, those of the first model first.
        """
        steps = [
            model.step(phonemes, state)
            for model, state in zip(self.models, states)
        ]
        mean = _mean([log_probs for log_probs, _ in steps])
        return mean, [each for _, alignments in steps for each in alignments]


def _mean(log_probs: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the logarithm of the mean probability."""
    return torch.stack(list(log_probs)).logsumexp(dim=0) - math.log(
        len(log_probs)
    )


def _table_sizes(model: TransformerG2P) -> tuple[int, int]:
    """Of graphemes and of phonemes."""
    return (
        model.encoder.embedding.num_embeddings,
        model.decoder.embedding.num_embeddings,
    )
