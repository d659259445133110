"""SpeechBrain's mel function is the one that this package's mels are of."""

import torch

from sb_sma.data.speech.mel import LogMel
from sb_sma.data.speech.tacotron2_mel import mel_spectrogram


def test_spectrograms_are_those_of_this_package():
    torch.manual_seed(0)
    audio = 0.1 * torch.randn(9000)
    mel = mel_spectrogram(
        audio=audio,
        sample_rate=22050,
        hop_length=256,
        win_length=1024,
        n_fft=1024,
        n_mels=80,
        f_min=0.0,
        f_max=8000.0,
        power=1,
        normalized=False,
        norm="slaney",
        mel_scale="slaney",
        compression=True,
    )
    torch.testing.assert_close(mel.T, LogMel()(audio[None])[0])
