"""Transformer grapheme-to-phoneme with a swappable encoder-decoder attention.

Reference
---------
Yolchuyeva, Németh, Gyires-Tóth: "Transformer Based Grapheme-to-Phoneme
Conversion", Interspeech 2019. Wu, Cotterell, Hulden: "Applying the Transformer
to Character-level Transduction", EACL 2021.
"""

import torch
from torch import nn

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.models.g2p.token_decoder import TokenDecoder, TokenDecoderState


class TransformerG2P(nn.Module):
    """Text encoder and token decoder.

    Arguments
    ---------
    encoder : nn.Module
        ``(tokens (B, T), token_lengths (B,)) -> memory (B, T, D)``.
    decoder : TokenDecoder
        Memory to phonemes.

    Example
    -------
    >>> from sb_sma.attention import RegularMHA
    >>> from sb_sma.models.encoder.transformer import TransformerTextEncoder
    >>> model = TransformerG2P(
    ...     TransformerTextEncoder(10, 8, 2, 1, 16),
    ...     TokenDecoder(12, 8, 2, 1, 16, RegularMHA),
    ... )
    >>> logits, alignments = model(
    ...     torch.tensor([[3, 4, 5]]),
    ...     torch.tensor([3]),
    ...     torch.tensor([[4, 1]]),
    ... )
    >>> logits.shape, alignments[0].shape
    (torch.Size([1, 2, 12]), torch.Size([1, 2, 2, 3]))
    """

    def __init__(self, encoder: nn.Module, decoder: TokenDecoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        n_phonemes = decoder.embedding.num_embeddings
        self.register_buffer("blocked", torch.zeros(n_phonemes).bool())
        self.set_n_phonemes(n_phonemes)

    def set_n_phonemes(self, n_phonemes: int) -> None:
        """Say how much of the room for phonemes is taken.

        Arguments
        ---------
        n_phonemes : int
            Size of the phoneme table; what comes after it is never said.
        """
        self.blocked.zero_()
        self.blocked[0] = True  # padding
        self.blocked[n_phonemes:] = True

    def forward(
        self,
        graphemes: torch.Tensor,
        grapheme_lengths: torch.Tensor,
        phonemes: torch.Tensor,
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Predict every phoneme from the word and the phonemes before it.

        Arguments
        ---------
        graphemes : torch.Tensor
            Indices, padded with 0, (B, T).
        grapheme_lengths : torch.Tensor
            Counts, int64, (B,).
        phonemes : torch.Tensor
            The true phonemes, the end included, padded with 0, (B, Q).

        Returns
        -------
        logits : torch.Tensor
            (B, Q, V).
        alignments : list of torch.Tensor
            One (B, H, Q, T) per decoder layer.
        """
        memory = self.encoder(graphemes, grapheme_lengths)
        return self.decoder(memory, grapheme_lengths, phonemes)

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
            Natural logarithms, in float32 or better, (B, Q, V).
        """
        logits, _ = self(graphemes, grapheme_lengths, phonemes)
        return self._log_probs(logits)

    def start(
        self,
        graphemes: torch.Tensor,
        grapheme_lengths: torch.Tensor,
        max_steps: int,
        options: DecodingOptions = DecodingOptions(),
    ) -> TokenDecoderState:
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
        state : TokenDecoderState
            Of the decoder.
        """
        memory = self.encoder(graphemes, grapheme_lengths)
        return self.decoder.start(memory, grapheme_lengths, options, max_steps)

    def step(
        self, phonemes: torch.Tensor, state: TokenDecoderState
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Weigh the next phonemes; the state is advanced.

        Arguments
        ---------
        phonemes : torch.Tensor
            The phonemes before, 0 at the start, int64, (B,).
        state : TokenDecoderState
            What the step before left.

        Returns
        -------
        log_probs : torch.Tensor
            Natural logarithms, in float32 or better, (B, V).
        alignments : list of torch.Tensor
            One (B, H, T) per decoder layer.
        """
        logits, alignments = self.decoder.step(phonemes, state)
        return self._log_probs(logits), alignments

    def _log_probs(self, logits: torch.Tensor) -> torch.Tensor:
        """Of the phonemes in the table, in float32 or better."""
        dtype = torch.promote_types(logits.dtype, torch.float32)
        logits = logits.to(dtype).masked_fill(self.blocked, -torch.inf)
        return logits.log_softmax(dim=-1)
