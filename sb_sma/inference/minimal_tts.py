"""Speak with the minimal Transformer TTS, by SpeechBrain's own interface."""

import torch
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.inference.interfaces import Pretrained


class TransformerTTS(Pretrained):
    """A ready-to-use wrapper for TransformerTTS (text -> mel_spec).

    Arguments
    ---------
    *args : tuple
    **kwargs : dict
        Arguments are forwarded to ``Pretrained`` parent class.

    Example
    -------
    >>> from sb_sma.models.minimal_tts import TransformerTTS as Model
    >>> from speechbrain.utils.text_to_sequence import text_to_sequence
    >>> transformer_tts = TransformerTTS(
    ...     modules={"model": Model(n_symbols=148)},
    ...     hparams={"text_to_sequence": text_to_sequence, "max_steps": 10},
    ... )
    >>> mel_outputs, mel_lengths, alignments = transformer_tts.encode_batch(
    ...     ["Never odd or even", "How much wood would a woodchuck chuck?"]
    ... )
    >>> mel_outputs.shape[:2]
    torch.Size([2, 80])
    """

    MODULES_NEEDED = ["model"]
    HPARAMS_NEEDED = ["text_to_sequence"]

    def encode_batch(self, texts):
        """Compute mel-spectrograms for a list of texts, in any order.

        Arguments
        ---------
        texts : list
            Texts to be encoded into spectrograms.

        Returns
        -------
        mel_outputs : torch.Tensor
            Log mel-spectrograms, (batch, channels, time), as vocoders take them.
        mel_lengths : torch.Tensor
            Number of frames of each text, (batch,).
        alignments : torch.Tensor
            Attention, (batch, layers * heads, decoder steps, symbols).
        """
        cleaners = getattr(self.hparams, "text_cleaners", ["english_cleaners"])
        items = []
        for text in texts:
            sequence = self.hparams.text_to_sequence(text, cleaners)
            if not sequence:
                raise ValueError(f"There is nothing to speak in {text!r}.")
            items.append({"tokens": torch.tensor(sequence)})
        mels, mel_lengths, alignments = self.mods.model.infer(
            *PaddedBatch(items).to(self.device).tokens,
            max_steps=getattr(self.hparams, "max_steps", 1000),
            stop_threshold=getattr(self.hparams, "stop_threshold", 0.5),
        )
        return mels.transpose(1, 2), mel_lengths, alignments

    def encode_text(self, text):
        """Compute the mel-spectrogram of a single text.

        Arguments
        ---------
        text : str
            Text to be encoded into a spectrogram.

        Returns
        -------
        As for ``encode_batch``.
        """
        return self.encode_batch([text])

    def forward(self, texts):
        """Compute mel-spectrograms, as ``encode_batch`` does.

        Arguments
        ---------
        texts : list
            Texts to be encoded into spectrograms.

        Returns
        -------
        As for ``encode_batch``.
        """
        return self.encode_batch(texts)
