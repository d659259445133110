"""Small models from words to phonemes, with weights drawn at random."""

import pytest
import torch

from sb_sma.attention import attention_factory
from sb_sma.models.encoder.transformer import TransformerTextEncoder
from sb_sma.models.g2p.token_decoder import TokenDecoder
from sb_sma.models.g2p.transformer_g2p import TransformerG2P

ATTENTIONS = {
    "SMA": ("SMA", {}),
    "mixed": ("SMA", {"moves_per_query": 2, "monotonic_heads": 1}),
    "regularMHA": ("regularMHA", {}),
    "forward": ("forward", {"moves_per_query": 2}),
}


@pytest.fixture(params=ATTENTIONS)
def attention(request):
    """Each kind of cross-attention by name."""
    return request.param


@pytest.fixture(scope="session")
def make_g2p():
    """A factory of models in float64 that hold some phonemes to be much more
    probable than others."""

    def make(
        attention="mixed",
        seed=0,
        n_phonemes=8,
        end_bias=0.0,
        sharpness=2.0,
        window=None,
        kind=TransformerG2P,
    ):
        name, options = ATTENTIONS[attention]
        factory = attention_factory(name, {name: options})
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = kind(
                TransformerTextEncoder(12, 8, 2, 1, 16),
                TokenDecoder(n_phonemes, 8, 2, 2, 16, factory, window=window),
            )
        with torch.no_grad():
            model.decoder.embedding.weight.mul_(sharpness)
            model.decoder.bias[1] += end_bias
        return model.double().eval()

    return make


@pytest.fixture(scope="session")
def words():
    """Words of several lengths, (5, 7), and their lengths."""
    lengths = torch.tensor([7, 3, 1, 5, 3])
    generator = torch.Generator().manual_seed(1)
    graphemes = torch.randint(1, 12, (5, 7), generator=generator)
    return graphemes.masked_fill(
        torch.arange(7) >= lengths[:, None], 0
    ), lengths
