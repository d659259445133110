"""SpeechBrain's mel function, by either of the names that it has had."""

from speechbrain.lobes.models import Tacotron2

# renamed in SpeechBrain 1.1.2
mel_spectrogram = getattr(
    Tacotron2, "mel_spectrogram", getattr(Tacotron2, "mel_spectogram", None)
)
