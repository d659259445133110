"""The number format that this machine trains fastest in."""

import time

import torch
from torch import nn

_ROWS, _WIDTH = 1024, 256
_ROUNDS = 12
_WORTH = 1.5


def fastest_precision() -> str:
    """Choose SpeechBrain's `precision` by trying out a linear layer.

    Processors that can compute in bfloat16 do so several times faster than in
    float32; the others emulate it, and are slower. A GPU is not tried: it has
    its own.

    Returns
    -------
    precision : str
        ``bf16`` if it takes at most two thirds of the time, else ``fp32``.

    Example
    -------
    >>> fastest_precision() in ("bf16", "fp32")
    True
    """
    times = [_time_layer(dtype) for dtype in (torch.float32, torch.bfloat16)]
    return "bf16" if times[0] > _WORTH * times[1] else "fp32"


@torch.no_grad()
def _time_layer(dtype: torch.dtype) -> float:
    """Shortest time of a linear layer on the processor, in seconds."""
    layer = nn.Linear(_WIDTH, _WIDTH, bias=False).to(dtype)
    features = torch.ones(_ROWS, _WIDTH, dtype=dtype)
    times = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        layer(features)
        times.append(time.perf_counter() - start)
    return min(times)
