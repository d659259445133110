"""Tests of the interface that speaks with a Transformer."""

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from sb_sma.inference.minimal_tts import TransformerTTS

HYPERPARAMS = """
model: !new:sb_sma.models.minimal_tts.TransformerTTS
    n_symbols: 148
    d_model: 16
    num_encoder_layers: 1
    num_decoder_layers: 1
    cross_attention_type: SMA
modules:
    model: !ref <model>
text_to_sequence: !name:speechbrain.utils.text_to_sequence.text_to_sequence
max_steps: 8
stop_threshold: 1.0
pretrainer: !new:speechbrain.utils.parameter_transfer.Pretrainer
    loadables:
        model: !ref <model>
"""
TEXTS = ["No.", "A quick brown fox jumped over the lazy dog", "Never odd"]


@pytest.fixture
def speaker(tmp_path):
    (tmp_path / "hyperparams.yaml").write_text(HYPERPARAMS)
    model = load_hyperpyyaml(HYPERPARAMS)["model"]
    torch.save(model.state_dict(), tmp_path / "model.ckpt")
    return TransformerTTS.from_hparams(source=str(tmp_path))


def test_texts_keep_their_order_and_do_not_change_each_other(speaker):
    mels, lengths, alignments = speaker.encode_batch(TEXTS)
    assert mels.shape == (3, 80, 16)
    assert lengths.tolist() == [16, 16, 16]
    for index, text in enumerate(TEXTS):
        mel, length, alignment = speaker.encode_text(text)
        torch.testing.assert_close(mels[index : index + 1], mel)
        n_symbols = alignment.shape[-1]
        torch.testing.assert_close(
            alignments[index, ..., :n_symbols], alignment[0]
        )
    torch.testing.assert_close(speaker(TEXTS)[0], mels)


def test_a_text_without_symbols_is_refused(speaker):
    with pytest.raises(ValueError, match="nothing to speak in '%'"):
        speaker.encode_batch(["Good.", "%"])
