"""The styles in which a trained model can speak."""

from collections.abc import Sequence
from pathlib import Path

import torch

from sb_sma.data.speech.mel import LogMel, MelSettings
from sb_sma.data.speech.recording.audio import read_mono
from sb_sma.models.tts.transformer_tts import TransformerTTS
from sb_sma.style.tokens import TokenWeights


class Styles:
    """Makes styles for `sb_sma.inference.TTS.speak`, each (1, S).

    Arguments
    ---------
    model : TransformerTTS
        Trained with ``style: gst``.
    mel_settings : MelSettings
        The numbers that define its mels.

    Raises
    ------
    ValueError
        If the model has no styles.
    """

    def __init__(self, model: TransformerTTS, mel_settings: MelSettings):
        if model.style is None:
            raise ValueError(
                "the model must have styles; got one without. Train with "
                "--style=gst."
            )
        self.model = model
        self.log_mel = LogMel(mel_settings)

    @property
    def n_tokens(self) -> int:
        """Number of style tokens."""
        return self.model.style.tokens.token_layer.n_tokens

    def mean(self) -> torch.Tensor:
        """Give the mean style of the training set.

        Returns
        -------
        style : torch.Tensor
            (1, S).
        """
        return self.model.style.tokens.mean_style[None]

    @torch.no_grad()
    def from_wavs(
        self,
        wavs: Sequence[str | Path],
        weights: Sequence[float] | None = None,
        most_seconds: float | None = None,
    ) -> torch.Tensor:
        """Give the style of a recording, or of a mix of several.

        Arguments
        ---------
        wavs : sequence of str or Path
            Recordings, of any rate and number of channels.
        weights : sequence of float, optional
            One for each; they are divided by their sum. Default: equal ones.
        most_seconds : float, optional
            How long each may be.

        Returns
        -------
        style : torch.Tensor
            (1, S).

        Raises
        ------
        ValueError
            If a file cannot be read or is too long, there is none, or the
            weights do not fit.
        """
        mels, lengths = self._read(wavs, most_seconds)
        if weights is None:
            weights = [1.0] * len(mels)
        return self.model.style.tokens.mix(mels, lengths, weights)

    @torch.no_grad()
    def token_weights(self, wavs: Sequence[str | Path]) -> torch.Tensor:
        """Tell which tokens recordings use.

        Arguments
        ---------
        wavs : sequence of str or Path
            Recordings, of any rate and number of channels.

        Returns
        -------
        weights : torch.Tensor
            Of each token, the mean of its heads, 1 in sum, (B, N).

        Raises
        ------
        ValueError
            If a file cannot be read, or there is none.
        """
        _, weights = self.model.style.tokens(*self._read(wavs))
        return weights.mean(dim=1)

    @torch.no_grad()
    def from_token(self, index: int, scale: float = 1.0) -> torch.Tensor:
        """Give the style of one token.

        Arguments
        ---------
        index : int
            Which token, from 0.
        scale : float
            Its weight; below 0 for the opposite.

        Returns
        -------
        style : torch.Tensor
            (1, S).

        Raises
        ------
        ValueError
            If there is no such token, or `scale` is not finite.
        """
        return self.model.style.tokens.token_layer.from_token(index, scale)

    @torch.no_grad()
    def from_weights(self, weights: TokenWeights) -> torch.Tensor:
        """Give a style made of several tokens.

        Arguments
        ---------
        weights : dict or torch.Tensor
            As ``sb_sma.style.StyleTokenLayer.from_weights`` takes them, such
            as ``{"0": 0.3, "4": -0.2}``.

        Returns
        -------
        style : torch.Tensor
            (1, S).

        Raises
        ------
        ValueError
            If there is no such token, or a weight is not finite.
        """
        return self.model.style.tokens.token_layer.from_weights(weights)

    def _read(
        self, wavs: Sequence[str | Path], most_seconds: float | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Standardised mels, (B, M, C), and their frames, (B,)."""
        if isinstance(wavs, (str, Path)) or not wavs:
            raise ValueError(
                f"wavs must be a list of at least one recording; got {wavs!r}."
            )
        settings = self.log_mel.settings
        mels = [
            self.log_mel(read_mono(wav, settings, most_seconds)[None])[0]
            for wav in wavs
        ]
        padded = torch.nn.utils.rnn.pad_sequence(mels, batch_first=True)
        device = self.model.mel_mean.device
        lengths = torch.tensor([len(mel) for mel in mels], device=device)
        return self.model.standardise(padded.to(device)), lengths
