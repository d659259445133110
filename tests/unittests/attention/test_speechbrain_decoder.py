"""SpeechBrain's Transformer with a choice of encoder-decoder attention."""

import pytest
import torch
from speechbrain.lobes.models.transformer import Transformer

from sb_sma.attention import RegularMHA
from sb_sma.attention.speechbrain_decoder import TransformerInterface
from sb_sma.stepwise_monotonic import StepwiseMonotonicAttention

SIZES = {
    "d_model": 8,
    "nhead": 2,
    "num_encoder_layers": 1,
    "num_decoder_layers": 2,
    "d_ffn": 16,
}


@pytest.mark.parametrize(
    "cross_attention_type, kind",
    [("SMA", StepwiseMonotonicAttention), (RegularMHA, RegularMHA)],
    ids=["word", "class"],
)
def test_every_layer_attends_as_chosen(cross_attention_type, kind):
    model = TransformerInterface(
        **SIZES, cross_attention_type=cross_attention_type
    )
    for layer in model.decoder.layers:
        assert isinstance(layer.multihead_attn, kind)
    _, _, alignments = model.decoder(torch.rand(3, 5, 8), torch.rand(3, 7, 8))
    assert [a.shape for a in alignments] == [(3, 2, 5, 7)] * 2


def test_none_is_speechbrains_own():
    models = []
    for build in (TransformerInterface, Transformer.TransformerInterface):
        torch.manual_seed(0)
        models.append(build(**SIZES).state_dict())
    assert list(models[0]) == list(models[1])
    assert all(map(torch.equal, models[0].values(), models[1].values()))


@pytest.mark.parametrize("wrong", ["sma", "LSA", 3])
def test_another_word_is_refused(wrong):
    message = f"must be 'SMA', a callable or None; got {wrong!r}"
    with pytest.raises(ValueError, match=message):
        TransformerInterface(**SIZES, cross_attention_type=wrong)
