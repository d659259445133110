"""Transformer text-to-speech with a swappable encoder-decoder attention.

Reference
---------
Li et al.: "Neural Speech Synthesis with Transformer Network", AAAI 2019.
Liang et al.: "Enhancing Monotonicity for Robust Autoregressive Transformer
TTS", Interspeech 2020.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from sb_sma.attention import walk_switches
from sb_sma.attention.masks import padding_mask
from sb_sma.models.recomputation import Recomputing
from sb_sma.models.tts.mel_decoder import MelDecoder
from sb_sma.models.tts.scheduled_sampling import mix_own_frames, roll_out
from sb_sma.ops.checks import check_axes, check_lengths
from sb_sma.style.conditioning import StyleConditioning
from sb_sma.style.speakers import SpeakerConditioning


@dataclass
class TeacherForced:
    """What the model predicts from the true past.

    Arguments
    ---------
    mels_before : torch.Tensor
        Before the postnet, standardised, (B, M', C); M' is M rounded up to a
        multiple of the reduction factor.
    mels_after : torch.Tensor
        After the postnet, standardised, (B, M', C).
    targets : torch.Tensor
        The true frames, standardised, zero on padding, (B, M', C).
    stop_logits : torch.Tensor
        (B, Q).
    alignments : list of torch.Tensor
        One (B, H, Q, K) per decoder layer.
    query_lengths : torch.Tensor
        Decoder steps of each item, int64, (B,).
    refiner_loss : torch.Tensor, optional
        A scalar; None for a model without a refiner.
    """

    mels_before: torch.Tensor
    mels_after: torch.Tensor
    targets: torch.Tensor
    stop_logits: torch.Tensor
    alignments: list[torch.Tensor]
    query_lengths: torch.Tensor
    refiner_loss: torch.Tensor | None = None


# of an item's decoder steps, where they are made one after the other
_LEAST_ROLLED = 0.4


class TransformerTTS(Recomputing, nn.Module):
    """Text encoder, autoregressive mel decoder and postnet.

    Arguments
    ---------
    encoder : nn.Module
        ``(tokens (B, T), token_lengths (B,)) -> memory (B, T, D)``.
    decoder : MelDecoder
        Memory to mel frames.
    postnet : nn.Module
        ``(mels (B, M, C), padding (B, M)) -> residual (B, M, C)``.
    style : StyleConditioning, optional
        Reads the style of the mel and gives it to the memory. Default: the
        text alone says how it is spoken.
    speakers : SpeakerConditioning, optional
        Gives the memory the speaker. Default: all speech is of one kind.
    refiner : nn.Module, optional
        Makes the mel sharp, as a `FlowRefiner` does. Default: the postnet's
        mel is what is spoken.

    Example
    -------
    >>> from sb_sma.attention import StepwiseMonotonicMHA
    >>> from sb_sma.models.convolution import MaskedConvStack
    >>> from sb_sma.models.encoder.transformer import TransformerTextEncoder
    >>> model = TransformerTTS(
    ...     TransformerTextEncoder(10, 8, 2, 1, 16),
    ...     MelDecoder(8, 2, 1, 16, StepwiseMonotonicMHA),
    ...     MaskedConvStack([80, 80]),
    ... )
    >>> tokens, mels = torch.tensor([[3, 4, 5]]), torch.rand(1, 9, 80)
    >>> model(
    ...     tokens, torch.tensor([3]), mels, torch.tensor([9])
    ... ).mels_after.shape
    torch.Size([1, 12, 80])
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: MelDecoder,
        postnet: nn.Module,
        style: StyleConditioning | None = None,
        speakers: SpeakerConditioning | None = None,
        refiner: nn.Module | None = None,
    ):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.postnet = postnet
        self.style = style
        self.speakers = speakers
        self.refiner = refiner
        n_mels = decoder.n_mels
        self.register_buffer("mel_mean", torch.zeros(n_mels))
        self.register_buffer("mel_std", torch.ones(n_mels))
        last_layer = len(decoder.layers) - 1
        self.register_buffer("guide", torch.tensor([last_layer, 0]))

    def set_mel_statistics(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        """Set what mels are standardised with.

        Arguments
        ---------
        mean : torch.Tensor
            Of the natural-log mel of the training set, (C,).
        std : torch.Tensor
            Of the same, above 0, (C,).
        """
        self.mel_mean.copy_(mean)
        self.mel_std.copy_(std)

    def set_guide(self, layer: int, head: int) -> None:
        """Say which head follows the text; its layer decides when to stop.

        Arguments
        ---------
        layer : int
            Decoder layer.
        head : int
            Head of its cross-attention.
        """
        self.guide.copy_(torch.tensor([layer, head]))

    def set_frames_per_token(self, frames_per_token: float) -> None:
        """Start the monotonic attentions at the speed of the training set.

        Arguments
        ---------
        frames_per_token : float
            Mel frames per token.
        """
        queries = frames_per_token / self.decoder.reduction_factor
        walk_switches.set_queries_per_token(self.decoder, queries)

    def forward(
        self,
        tokens: torch.Tensor,
        token_lengths: torch.Tensor,
        mels: torch.Tensor,
        mel_lengths: torch.Tensor,
        own_frames: float = 0.0,
        style: torch.Tensor | None = None,
        speaker: torch.Tensor | None = None,
        rollouts: float = 0.0,
    ) -> TeacherForced:
        """Predict every frame from the true frames before it.

        With `own_frames`, some of the frames that the decoder hears are its
        own, predicted from the true ones in a first pass: a decoder that only
        ever heard true frames waits in a pause for a voice that, when it
        speaks freely, never comes (Bengio et al.: "Scheduled Sampling for
        Sequence Prediction with Recurrent Neural Networks", NeurIPS 2015, in
        the parallel form of Duckworth et al., 2019). With `rollouts`, some
        batches are spoken freely in the time of the true frames instead, and
        40 to 100 % of an item's decoder steps hear what was said.

        Arguments
        ---------
        tokens : torch.Tensor
            Token indices, padded with 0, (B, T).
        token_lengths : torch.Tensor
            Counts, int64, (B,).
        mels : torch.Tensor
            Natural-log mel, (B, M, C).
        mel_lengths : torch.Tensor
            Frames, int64, (B,).
        own_frames : float
            Share of the decoder steps that hear the model's own frame.
        style : torch.Tensor, optional
            How it is spoken, (B, S). Default: as `mels` are.
        speaker : torch.Tensor, optional
            As in `encode`.
        rollouts : float
            Share of the calls in which they are made one after the other.

        Returns
        -------
        output : TeacherForced
            Predictions and targets.

        Raises
        ------
        ValueError
            If there is a style or a speaker and the model has none.
        """
        check_axes(tokens=(tokens, "B, T: integer"), mels=(mels, "B, M, C"))
        check_lengths("mel_lengths", mel_lengths, mels)
        factor = self.decoder.reduction_factor
        targets = self.standardise(mels)
        targets = F.pad(targets, (0, 0, 0, -targets.shape[1] % factor))
        padding = padding_mask(mel_lengths, targets.shape[1])
        targets = targets.masked_fill(padding[:, :, None], 0.0)
        if style is None and self.style is not None:
            style, _ = self.style.tokens(targets, mel_lengths)
        memory = self.encode(tokens, token_lengths, style, speaker)
        heard = targets
        if rollouts > 0 and torch.rand(()) < rollouts:
            shares = _LEAST_ROLLED + (1.0 - _LEAST_ROLLED) * torch.rand(
                len(targets), device=targets.device
            )
            heard = roll_out(
                self.decoder, memory, token_lengths, targets, shares
            )
        elif own_frames > 0:
            heard = mix_own_frames(
                self.decoder, memory, token_lengths, targets, own_frames
            )
        before, stop_logits, alignments = self.decoder(
            memory, token_lengths, heard
        )
        after = before + self.run(self.postnet, before, padding)
        query_lengths = (mel_lengths + factor - 1) // factor
        refiner_loss = None
        if self.refiner is not None:
            walked = [alignment.detach() for alignment in alignments]
            text = self.text_by_frame(walked, memory)
            refiner_loss = self.run(
                self.refiner.loss, after, text, targets, mel_lengths
            )
        return TeacherForced(
            before,
            after,
            targets,
            stop_logits,
            alignments,
            query_lengths,
            refiner_loss,
        )

    def text_by_frame(
        self, alignments: list[torch.Tensor], memory: torch.Tensor
    ) -> torch.Tensor:
        """Carry the memory to the frames, by the head that follows the text.

        Arguments
        ---------
        alignments : list of torch.Tensor
            One (B, H, Q, K) per decoder layer.
        memory : torch.Tensor
            (B, K, D).

        Returns
        -------
        text : torch.Tensor
            What was attended in each frame, (B, M, D), M = Q *
            reduction_factor.
        """
        layer, head = self.guide.tolist()
        attended = alignments[layer][:, head].to(memory.dtype) @ memory
        return attended.repeat_interleave(self.decoder.reduction_factor, dim=1)

    def encode(
        self,
        tokens: torch.Tensor,
        token_lengths: torch.Tensor,
        style: torch.Tensor | None = None,
        speaker: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Read texts, to be spoken in a style by a speaker.

        Arguments
        ---------
        tokens : torch.Tensor
            Token indices, padded with 0, (B, T).
        token_lengths : torch.Tensor
            Counts, int64, (B,).
        style : torch.Tensor, optional
            (B, S) or (S,). Default: the mean style of the training set, where
            the model has styles.
        speaker : torch.Tensor, optional
            Indices of speakers, int64, (B,) or (1,). Default: the first one,
            where the model has speakers.

        Returns
        -------
        memory : torch.Tensor
            Zero on padding, (B, T, D).

        Raises
        ------
        ValueError
            If there is a style or a speaker and the model has none.
        """
        memory = self.encoder(tokens, token_lengths)
        if self.speakers is not None:
            memory = self.speakers(memory, token_lengths, speaker)
        elif speaker is not None:
            raise ValueError(
                "speaker must be None for a model without speakers; got a "
                f"tensor of shape {tuple(speaker.shape)}. Train with "
                "speakers: N."
            )
        if self.style is not None:
            if style is None:
                style = self.style.tokens.mean_style
            return self.style(memory, token_lengths, style)
        if style is not None:
            raise ValueError(
                "style must be None for a model without styles; got a tensor "
                f"of shape {tuple(style.shape)}. Train with style: gst."
            )
        return memory

    def standardise(self, mels: torch.Tensor) -> torch.Tensor:
        """Bring mels to mean 0 and standard deviation 1.

        Arguments
        ---------
        mels : torch.Tensor
            Natural-log mel, (B, M, C).

        Returns
        -------
        mels : torch.Tensor
            Standardised, (B, M, C).
        """
        return (mels - self.mel_mean) / self.mel_std

    @torch.no_grad()
    def read_style(
        self, mels: torch.Tensor, mel_lengths: torch.Tensor
    ) -> torch.Tensor | None:
        """Find out in which style references are spoken.

        Arguments
        ---------
        mels : torch.Tensor
            Natural-log mel, (B, M, C).
        mel_lengths : torch.Tensor
            Frames, int64, (B,).

        Returns
        -------
        style : torch.Tensor or None
            (B, S); None for a model without styles.
        """
        if self.style is None:
            return None
        style, _ = self.style.tokens(self.standardise(mels), mel_lengths)
        return style
