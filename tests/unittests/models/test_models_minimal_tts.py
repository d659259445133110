"""Tests of the Transformer for text-to-speech."""

import pytest
import torch

from sb_sma.models.minimal_tts import TransformerTTS, TransformerTTSLoss

ONE = torch.ones(1)


def make_model(attention):
    torch.manual_seed(0)
    model = TransformerTTS(
        n_symbols=20,
        n_mel_channels=8,
        d_model=16,
        reduction_factor=3,
        cross_attention_type=attention,
    )
    tokens, token_lens = torch.randint(1, 20, (2, 10)), torch.tensor([1.0, 0.6])
    mels, mel_lens = torch.randn(2, 25, 8), torch.tensor([1.0, 0.52])
    return model.eval(), tokens, token_lens, mels, mel_lens


@pytest.mark.parametrize("attention", ["SMA", None])
def test_padding_changes_nothing(attention):
    model, tokens, token_lens, mels, mel_lens = make_model(attention)
    alone = model(tokens[1:, :6], ONE, mels[1:, :13], ONE)
    losses = []
    for padding in (0.0, 9.0):
        mels[1, 13:] = padding
        batch = model(tokens, token_lens, mels, mel_lens)
        mel = batch.mel_postnet[1:, :13]
        torch.testing.assert_close(mel, alone.mel_postnet)
        torch.testing.assert_close(batch.stop_logits[1:, :5], alone.stop_logits)
        losses.append(TransformerTTSLoss()(batch, mels, mel_lens, token_lens))
    torch.testing.assert_close(*losses)
    spoken, _, _ = model.infer(tokens, token_lens, 4, 1.0)
    spoken_alone, _, _ = model.infer(tokens[1:, :6], ONE, 4, 1.0)
    torch.testing.assert_close(spoken[1:], spoken_alone)


@pytest.mark.parametrize("attention", ["SMA", None])
def test_single_steps_give_what_all_steps_give(attention):
    model, tokens, token_lens, _, _ = make_model(attention)
    for parameter in model.postnet.parameters():
        torch.nn.init.zeros_(parameter)
    spoken, lengths, alignments = model.infer(tokens, token_lens, 6, 1.0)
    assert lengths.tolist() == [18, 18]
    whole = model(tokens, token_lens, spoken, torch.ones(2))
    torch.testing.assert_close(whole.mel, spoken)
    torch.testing.assert_close(whole.alignments, alignments)

    ends = whole.stop_logits.sigmoid()
    threshold = ends[:, 0].mean().item()  # one item ends with the first step
    steps = [[*row.gt(threshold).tolist(), True].index(True) for row in ends]
    expected = [3 * min(step + 1, 6) for step in steps]
    mels, lengths, _ = model.infer(tokens, token_lens, 6, threshold)
    assert lengths.tolist() == expected and min(expected) < max(expected)
    for mel, length in zip(mels, expected):
        assert (mel[length:] == -11.5).all()


@pytest.mark.parametrize("attention", ["SMA", None])
def test_all_parameters_learn(attention):
    model, tokens, token_lens, mels, mel_lens = make_model(attention)
    predictions = model(tokens, token_lens, mels, mel_lens)
    TransformerTTSLoss()(
        predictions, mels, mel_lens, token_lens
    ).loss.backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert all(g.isfinite().all() and g.any() for g in gradients)
