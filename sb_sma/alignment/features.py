"""What the aligner hears: a cepstrum every five milliseconds.

Frame ``m`` is centred on sample ``m * hop_length``, so that two frames meet
half a hop before the centre of the second: `time_of_frame`.
"""

import math

import torch
import torch.nn.functional as F

from sb_sma.data.speech.mel import LogMel, MelSettings

MEL = MelSettings(
    sample_rate=16000,
    n_fft=512,
    hop_length=80,
    win_length=320,
    n_mels=40,
    f_min=0.0,
    f_max=8000.0,
)
"""The spectrogram under the cepstrum."""

N_CEPSTRUM = 16
N_FEATURES = 3 * N_CEPSTRUM

# natural-log amplitude below the loudest channel of a recording; digital
# silence would be far from all other
_FLOOR = 9.0
# below the loudest frame, on the average of the channels: speech, not pauses
_SPEECH = 4.0
# frames on either side that speed and acceleration are measured over
_SPEED, _ACCELERATION = 2, 4
# of speech: from so much on, an own mean counts more than that of the corpus
_OWN_MEAN_FRAMES = 400
# frames in memory at a time
_BLOCK_FRAMES = 12000


def time_of_frame(frame: int) -> float:
    """Tell when a frame begins.

    Arguments
    ---------
    frame : int
        Its number.

    Returns
    -------
    seconds : float
        Half a hop before its centre; the first begins with the recording.

    Example
    -------
    >>> time_of_frame(0), time_of_frame(2)
    (0.0, 0.0075)
    """
    return max(0.0, (frame - 0.5) * MEL.seconds_per_frame)


def read_cepstrum(samples: torch.Tensor) -> torch.Tensor:
    """Compute the cepstrum of a recording of any length.

    Arguments
    ---------
    samples : torch.Tensor
        At the rate of ``MEL``, (N,).

    Returns
    -------
    cepstrum : torch.Tensor
        (M, C).

    Example
    -------
    >>> read_cepstrum(torch.rand(1600)).shape
    torch.Size([21, 16])
    """
    log_mel = LogMel(MEL)
    hop = MEL.hop_length
    n_frames = len(samples) // hop + 1
    margin = math.ceil(MEL.n_fft / 2 / hop)
    blocks = []
    for first in range(0, n_frames, _BLOCK_FRAMES):
        # a short rest goes with the block before it
        last = first + _BLOCK_FRAMES
        if n_frames - last <= margin:
            last = n_frames
        begin = max(0, first - margin)
        heard = log_mel(samples[None, begin * hop : (last + margin) * hop])[0]
        blocks.append(heard[first - begin : last - begin])
        if last == n_frames:
            break
    mel = torch.cat(blocks)
    return mel.clamp(min=float(mel.max()) - _FLOOR) @ _cosines()


def _cosines() -> torch.Tensor:
    """Return the orthonormal cosine transform, (n_mels, C)."""
    channels = torch.arange(MEL.n_mels) + 0.5
    orders = torch.arange(N_CEPSTRUM)
    angles = math.pi / MEL.n_mels * channels[:, None] * orders
    scale = torch.full((N_CEPSTRUM,), math.sqrt(2 / MEL.n_mels))
    scale[0] = math.sqrt(1 / MEL.n_mels)
    return angles.cos() * scale


def mean_of_speech(cepstrum: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Average the frames that are no pause.

    Arguments
    ---------
    cepstrum : torch.Tensor
        (M, C).

    Returns
    -------
    mean : torch.Tensor
        (C,).
    n_frames : int
        How many they are.

    Example
    -------
    >>> mean_of_speech(torch.zeros(3, 2))
    (tensor([0., 0.]), 3)
    """
    level = cepstrum[:, 0] / math.sqrt(MEL.n_mels)
    speech = cepstrum[level > level.max() - _SPEECH]
    return speech.mean(dim=0), len(speech)


def make_features(
    cepstrum: torch.Tensor, corpus_mean: torch.Tensor
) -> torch.Tensor:
    """Take away what voice and microphone add; put speed and acceleration.

    Arguments
    ---------
    cepstrum : torch.Tensor
        (M, C).
    corpus_mean : torch.Tensor
        Of the recordings' `mean_of_speech`, (C,): the mean of a short
        recording is that of its few sounds, and is brought near to it.

    Returns
    -------
    features : torch.Tensor
        (M, 3 C).

    Example
    -------
    >>> make_features(torch.rand(9, 16), torch.zeros(16)).shape
    torch.Size([9, 48])
    """
    own, n_frames = mean_of_speech(cepstrum)
    share = n_frames / (n_frames + _OWN_MEAN_FRAMES)
    centred = cepstrum - torch.lerp(corpus_mean, own, share)
    speed = _moved(centred, _SPEED) - _moved(centred, -_SPEED)
    acceleration = (
        _moved(centred, _ACCELERATION)
        - 2 * centred
        + _moved(centred, -_ACCELERATION)
    )
    return torch.cat([centred, speed, acceleration], dim=1)


def _moved(frames: torch.Tensor, count: int) -> torch.Tensor:
    """Return for each frame the one so many later; at the ends, the last."""
    sides = (0, count) if count > 0 else (-count, 0)
    padded = F.pad(frames.T[None], sides, mode="replicate")[0].T
    return padded[max(count, 0) :][: len(frames)]
