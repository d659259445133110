"""A HiFi-GAN that is drawn in a moment, for a voice that nobody has."""

import torch
from speechbrain.lobes.models.HifiGAN import HifiganGenerator

from benchmarks.harness.hifigan_folder import V1, write_hifigan


def write_small_hifigan(folder, arguments=(), **stated):
    """Draw a generator of the paper's shape and few channels, loud enough to
    be heard, and write the folder that SpeechBrain's HIFIGAN loads."""
    arguments = {**V1, "upsample_initial_channel": 16, **dict(arguments)}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights = HifiganGenerator(**arguments).state_dict()
    for name in weights:
        weights[name] *= 2 * ("original0" in name) or "bias" not in name
    return write_hifigan(folder, weights, arguments, **stated)
