"""Tests of the Transformer for text-to-speech."""

import pytest
import torch

from sb_sma.models.minimal_tts import TransformerTTS, TransformerTTSLoss

ONE = torch.ones(1)


def make_model(cross_attention_type):
    """A small model, and a batch whose second item is padded."""
    torch.manual_seed(0)
    model = TransformerTTS(
        n_symbols=20,
        n_mel_channels=8,
        d_model=16,
        d_ffn=32,
        num_encoder_layers=1,
        num_decoder_layers=2,
        reduction_factor=3,
        cross_attention_type=cross_attention_type,
    ).eval()
    tokens, token_lens = torch.randint(1, 20, (2, 10)), torch.tensor([1.0, 0.6])
    mels, mel_lens = torch.randn(2, 25, 8), torch.tensor([1.0, 0.52])
    return model, (tokens, token_lens, mels, mel_lens)


@pytest.mark.parametrize("attention", ["SMA", None])
def test_padding_changes_nothing(attention):
    model, (tokens, token_lens, mels, mel_lens) = make_model(attention)
    batch = model(tokens, token_lens, mels, mel_lens)
    alone = model(tokens[1:, :6], ONE, mels[1:, :13], ONE)
    torch.testing.assert_close(batch.mel_postnet[1:, :13], alone.mel_postnet)
    torch.testing.assert_close(batch.stop_logits[1:, :5], alone.stop_logits)
    spoken, _, _ = model.infer(tokens, token_lens, 4)
    spoken_alone, _, _ = model.infer(tokens[1:, :6], ONE, 4)
    torch.testing.assert_close(spoken[1:], spoken_alone)

    noise = torch.full_like(mels, 9.0)
    noise[0], noise[1, :13] = mels[0], mels[1, :13]
    lens = (mel_lens, token_lens)
    losses = [
        TransformerTTSLoss()(model(tokens, token_lens, x, mel_lens), x, *lens)
        for x in (mels, noise)
    ]
    torch.testing.assert_close(*map(torch.stack, losses))


@pytest.mark.parametrize("attention", ["SMA", None])
def test_single_steps_give_what_all_steps_give(attention):
    model, (tokens, token_lens, *_) = make_model(attention)
    for parameter in model.postnet.parameters():
        torch.nn.init.zeros_(parameter)
    spoken, lengths, alignments = model.infer(tokens, token_lens, 6, 1.0)
    assert lengths.tolist() == [18, 18]
    whole = model(tokens, token_lens, spoken, torch.ones(2))
    torch.testing.assert_close(whole.mel, spoken)
    torch.testing.assert_close(whole.alignments, alignments)

    ends = whole.stop_logits.sigmoid()
    threshold = ends[:, 3].mean().item()
    expected = [3 * (1 + row.gt(threshold).int().argmax()) for row in ends]
    _, lengths, _ = model.infer(tokens, token_lens, 6, threshold)
    assert lengths.tolist() == expected


@pytest.mark.parametrize("attention", ["SMA", None])
def test_all_parameters_learn(attention):
    model, batch = make_model(attention)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(20):
        stats = TransformerTTSLoss()(
            model(*batch), batch[2], batch[3], batch[1]
        )
        optimizer.zero_grad()
        stats.loss.backward()
        optimizer.step()
        losses.append(stats.loss.item())
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert losses[-1] < losses[0] / 2


def test_unknown_attention_is_refused():
    with pytest.raises(ValueError, match="cross_attention_type"):
        make_model("LSA")
