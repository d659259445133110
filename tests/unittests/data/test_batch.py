"""SpeechBrain's fractions become counts, exactly."""

import pytest
import torch
from speechbrain.dataio.batch import PaddedBatch

from sb_sma.data.batch import with_lengths


@pytest.mark.parametrize(
    "lengths",
    [[3, 7], [1], [5, 5], [999, 1000, 1], [4999, 4998, 5000]],
    ids=str,
)
@pytest.mark.parametrize("shape", [(), (4,)], ids=["tokens", "mels"])
def test_lengths_come_back(lengths, shape):
    batch = PaddedBatch([{"x": torch.ones(n, *shape)} for n in lengths])
    data, counts = with_lengths(batch.x)
    assert counts.tolist() == lengths
    assert counts.dtype == torch.int64
    assert data.shape == (len(lengths), max(lengths), *shape)


def test_every_length_up_to_a_long_mel_comes_back():
    lengths = torch.arange(1, 6001)
    fractions = (lengths / 6000).float()
    data = torch.zeros(6000, 1).expand(6000, 6000)
    assert torch.equal(with_lengths((data, fractions))[1], lengths)
