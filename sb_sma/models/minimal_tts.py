"""Transformer text-to-speech with a choice of encoder-decoder attention.

References
----------
Li et al.: "Neural Speech Synthesis with Transformer Network", AAAI 2019.
Liang et al.: "Enhancing Monotonicity for Robust Autoregressive Transformer
TTS", Interspeech 2020.
"""

from collections import namedtuple

import torch
import torch.nn.functional as F
from speechbrain.lobes.models.transformer.Transformer import (
    get_lookahead_mask,
    get_mask_from_lengths,
)
from speechbrain.nnet.CNN import Conv1d
from speechbrain.nnet.embedding import Embedding
from speechbrain.nnet.linear import Linear
from speechbrain.nnet.loss.guidedattn_loss import GuidedAttentionLoss
from speechbrain.nnet.normalization import LayerNorm
from torch import nn

from sb_sma.attention.speechbrain_decoder import TransformerInterface

# of the logarithms of mel-spectrograms of speech
MEL_MEAN, MEL_STD, MEL_SILENCE = -5.0, 2.0, -11.5
Predictions = namedtuple(
    "Predictions",
    ["mel", "mel_postnet", "stop_logits", "alignments", "step_lengths"],
)
LossStats = namedtuple(
    "LossStats", ["loss", "mel_loss", "stop_loss", "attn_loss"]
)


def _absolute(lens, max_len):
    """Convert relative lengths to counts."""
    return (lens * max_len).round().long()


class MaskedConvolutions(nn.Module):
    """Convolutions over time that read zeros on padding, so that an item has
    the same output in any batch. All but the last are followed by layer
    normalization, tanh and dropout.

    Arguments
    ---------
    channels : list
        Numbers of channels, from the input to the output.
    kernel_size : int
        Size of the kernels, odd.
    dropout : float
        Dropout rate.

    Example
    -------
    >>> net = MaskedConvolutions([4, 8, 4], kernel_size=3)
    >>> padding = torch.tensor([[False, False, True]])
    >>> net(torch.rand(1, 3, 4), padding).shape
    torch.Size([1, 3, 4])
    """

    def __init__(self, channels, kernel_size=5, dropout=0.1):
        super().__init__()
        self.convs = nn.ModuleList(
            Conv1d(
                c_out, kernel_size, in_channels=c_in, padding_mode="constant"
            )
            for c_in, c_out in zip(channels[:-1], channels[1:])
        )
        self.norms = nn.ModuleList(LayerNorm(size) for size in channels[1:-1])
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, padding):
        """Compute the output of the convolutions.

        Arguments
        ---------
        x : torch.Tensor
            Features, (batch, time, channels).
        padding : torch.Tensor
            True on padding, (batch, time).

        Returns
        -------
        x : torch.Tensor
            Features, (batch, time, channels).
        """
        padding = padding.unsqueeze(-1)
        x = self.convs[0](x.masked_fill(padding, 0.0))
        for norm, conv in zip(self.norms, self.convs[1:]):
            x = self.dropout(norm(x).tanh())
            x = conv(x.masked_fill(padding, 0.0))
        return x


class TransformerTTS(TransformerInterface):
    """Autoregressive Transformer from text to mel-spectrograms.

    Padding does not change the output of an item, and one decoder step after
    the other gives what all steps at once give.

    Arguments
    ---------
    n_symbols : int
        Number of symbols of the text, padding (0) included.
    n_mel_channels : int
        Number of mel channels.
    d_model : int
        Number of features in the encoder, the decoder and the postnet.
    nhead : int
        Number of attention heads.
    num_encoder_layers : int
        Number of encoder layers.
    num_decoder_layers : int
        Number of decoder layers.
    d_ffn : int
        Hidden size of the feed-forward layers.
    dropout : float
        Dropout rate.
    reduction_factor : int
        Number of frames that a decoder step predicts.
    cross_attention_type : str or Callable
        Encoder-decoder attention, as for ``TransformerInterface``: "SMA"
        (stepwise monotonic), a factory, or None for ``MultiheadAttention``.

    Example
    -------
    >>> model = TransformerTTS(n_symbols=20, cross_attention_type="SMA")
    >>> tokens, lens = torch.randint(1, 20, (2, 7)), torch.tensor([1.0, 0.6])
    >>> predictions = model(tokens, lens, torch.randn(2, 30, 80), lens)
    >>> predictions.mel_postnet.shape, predictions.alignments.shape
    (torch.Size([2, 30, 80]), torch.Size([2, 12, 15, 7]))
    >>> mels, mel_lengths, alignments = model.infer(tokens, lens, max_steps=5)
    """

    def __init__(
        self,
        n_symbols,
        n_mel_channels=80,
        d_model=256,
        nhead=4,
        num_encoder_layers=3,
        num_decoder_layers=3,
        d_ffn=1024,
        dropout=0.1,
        reduction_factor=2,
        cross_attention_type=None,
    ):
        super().__init__(
            d_model=d_model,
            nhead=nhead,
            num_encoder_layers=num_encoder_layers,
            num_decoder_layers=num_decoder_layers,
            d_ffn=d_ffn,
            dropout=dropout,
            cross_attention_type=cross_attention_type,
        )
        self.n_mel_channels = n_mel_channels
        self.reduction_factor = reduction_factor
        self.position_scales = nn.Parameter(torch.ones(2))
        self.embedding = Embedding(n_symbols, d_model)
        self.encoder_prenet = MaskedConvolutions([d_model] * 3, 3, dropout)
        self.decoder_prenet = nn.Sequential(
            Linear(d_model, input_size=n_mel_channels),
            nn.ReLU(),
            nn.Dropout(0.5),
            Linear(d_model, input_size=d_model),
            nn.ReLU(),
            nn.Dropout(0.5),
            Linear(d_model, input_size=d_model),
        )
        self.mel_linear = Linear(
            n_mel_channels * reduction_factor, input_size=d_model
        )
        self.stop_linear = Linear(1, input_size=d_model)
        self.postnet = MaskedConvolutions(
            [n_mel_channels, d_model, d_model, n_mel_channels], 5, dropout
        )

    def forward(self, tokens, token_lens, mels, mel_lens):
        """Predict every frame from the text and the true frames before it.

        Arguments
        ---------
        tokens : torch.Tensor
            Symbols, (batch, symbols).
        token_lens : torch.Tensor
            Relative lengths, (batch,).
        mels : torch.Tensor
            Log mel-spectrograms, (batch, time, channels).
        mel_lens : torch.Tensor
            Relative lengths, (batch,).

        Returns
        -------
        predictions : Predictions
            Log mel-spectrograms before and after the postnet, (batch, time,
            channels); logits of the end, (batch, steps); attention of the
            heads of all layers, (batch, layers * heads, steps, symbols); and
            the number of steps of each item, (batch,).
        """
        n_frames, reduction = mels.shape[1], self.reduction_factor
        lengths = _absolute(mel_lens, n_frames)
        mels = (mels - MEL_MEAN) / MEL_STD
        mels = F.pad(mels, (0, 0, 0, -n_frames % reduction))
        # each step hears the last frame of the step before
        heard = F.pad(mels[:, reduction - 1 :: reduction], (0, 0, 1, -1))
        mel, stop_logits, alignments = self._decode(
            heard, *self._encode(tokens, token_lens)
        )
        return Predictions(
            *self._finish(mel[:, :n_frames], lengths),
            stop_logits,
            alignments,
            (lengths + reduction - 1) // reduction,
        )

    @torch.no_grad()
    def infer(self, tokens, token_lens, max_steps=1000, stop_threshold=0.5):
        """Predict every frame from the text and the predictions before it.

        Arguments
        ---------
        tokens : torch.Tensor
            Symbols, (batch, symbols).
        token_lens : torch.Tensor
            Relative lengths, (batch,).
        max_steps : int
            Maximum number of decoder steps, at most 2500.
        stop_threshold : float
            Probability of the end above which an item ends.

        Returns
        -------
        mels : torch.Tensor
            Log mel-spectrograms, silent on padding, (batch, time, channels).
        mel_lengths : torch.Tensor
            Number of frames of each item, (batch,).
        alignments : torch.Tensor
            Attention, (batch, layers * heads, steps, symbols).
        """
        memory, padding = self._encode(tokens, token_lens)
        heard = memory.new_zeros(len(memory), 1, self.n_mel_channels)
        n_steps = padding.new_full((len(memory),), max_steps, dtype=torch.long)
        for step in range(1, max_steps + 1):
            mel, stop_logits, alignments = self._decode(heard, memory, padding)
            ends = stop_logits[:, -1].sigmoid() > stop_threshold
            n_steps = torch.where(ends, n_steps.clamp(max=step), n_steps)
            if n_steps.max() <= step:
                break
            heard = torch.cat([heard, mel[:, -1:]], dim=1)
        lengths = n_steps * self.reduction_factor
        _, mels = self._finish(mel, lengths)
        padding = get_mask_from_lengths(lengths, mels.shape[1]).unsqueeze(-1)
        return mels.masked_fill(padding, MEL_SILENCE), lengths, alignments

    def _encode(self, tokens, token_lens):
        """Encode texts; padding is True on what is none."""
        lengths = _absolute(token_lens, tokens.shape[1])
        padding = get_mask_from_lengths(lengths, tokens.shape[1])
        x = self.embedding(tokens)
        x = x + self.encoder_prenet(x, padding)
        x = x + self.position_scales[0] * self.positional_encoding(x)
        memory, _ = self.encoder(x, src_key_padding_mask=padding)
        return memory, padding

    def _decode(self, heard, memory, padding):
        """Run the decoder on the last frame of each step before."""
        x = self.decoder_prenet(heard)
        x = x + self.position_scales[1] * self.positional_encoding(x)
        x, _, alignments = self.decoder(
            x,
            memory,
            tgt_mask=get_lookahead_mask(x),
            memory_key_padding_mask=padding,
        )
        # MultiheadAttention averages its heads
        alignments = [a if a.dim() == 4 else a.unsqueeze(1) for a in alignments]
        mel = self.mel_linear(x).reshape(len(x), -1, self.n_mel_channels)
        return mel, self.stop_linear(x).squeeze(-1), torch.cat(alignments, 1)

    def _finish(self, mel, lengths):
        """Apply the postnet, and undo the normalization before and after it."""
        padding = get_mask_from_lengths(lengths, mel.shape[1])
        mel_postnet = mel + self.postnet(mel, padding)
        return [x * MEL_STD + MEL_MEAN for x in (mel, mel_postnet)]


class TransformerTTSLoss(nn.Module):
    """L1 loss of the mel-spectrograms before and after the postnet, binary
    cross-entropy of the end, and guided attention loss of all heads, each a
    mean over what is no padding.

    Arguments
    ---------
    guided_attention_weight : float
        Weight of the guided attention loss.
    guided_attention_sigma : float
        Width of its diagonal.

    Example
    -------
    >>> model = TransformerTTS(n_symbols=20, cross_attention_type="SMA")
    >>> tokens, lens = torch.randint(1, 20, (2, 7)), torch.tensor([1.0, 0.6])
    >>> mels = torch.randn(2, 30, 80)
    >>> predictions = model(tokens, lens, mels, lens)
    >>> stats = TransformerTTSLoss()(predictions, mels, lens, lens)
    >>> stats.loss.backward()
    """

    def __init__(self, guided_attention_weight=1.0, guided_attention_sigma=0.4):
        super().__init__()
        self.guided_attention_weight = guided_attention_weight
        self.guided_attention_loss = GuidedAttentionLoss(guided_attention_sigma)

    def forward(self, predictions, mels, mel_lens, token_lens):
        """Compute the losses.

        Arguments
        ---------
        predictions : Predictions
            Output of ``TransformerTTS``.
        mels : torch.Tensor
            Log mel-spectrograms, (batch, time, channels).
        mel_lens : torch.Tensor
            Relative lengths, (batch,).
        token_lens : torch.Tensor
            Relative lengths, (batch,).

        Returns
        -------
        stats : LossStats
            The loss, and its parts without their weights.
        """
        mel, mel_postnet, stop_logits, alignments, step_lengths = predictions
        _, _, n_steps, n_tokens = alignments.shape
        lengths = _absolute(mel_lens, mels.shape[1])
        is_frame = ~get_mask_from_lengths(lengths, mels.shape[1])
        is_step = ~get_mask_from_lengths(step_lengths, n_steps)
        is_last = get_mask_from_lengths(step_lengths - 1, n_steps)

        first_mel_loss = F.l1_loss(mel[is_frame], mels[is_frame])
        mel_loss = F.l1_loss(mel_postnet[is_frame], mels[is_frame])
        stop_loss = F.binary_cross_entropy_with_logits(
            stop_logits[is_step], is_last[is_step].to(stop_logits)
        )
        attn_loss = self.guided_attention_loss(
            alignments.mean(dim=1),
            _absolute(token_lens, n_tokens),
            step_lengths,
            max_input_len=n_tokens,
            max_target_len=n_steps,
        )
        # which is a mean over the padded matrices
        attn_loss = attn_loss * is_step.numel() * n_tokens / is_step.sum()
        loss = first_mel_loss + mel_loss + stop_loss
        loss = loss + self.guided_attention_weight * attn_loss
        return LossStats(loss, mel_loss, stop_loss, attn_loss)
