"""Texts become mels and waveforms, one like many."""

import logging
import math
from dataclasses import replace

import pytest
import torch

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.data.espeak.voice import phonemize
from sb_sma.inference import TTS
from sb_sma.models.tts.stop_rule import StopRule
from sb_sma.models.tts.synthesis import LOG_FLOOR


@pytest.fixture
def tts(exported):
    return TTS.from_hparams(source=str(exported[2]))


@pytest.fixture
def brief(tts):
    """A model that is cut off at every text."""
    tts.hparams.stop_rule = StopRule(
        hold_seconds=9.0, max_seconds_per_token=0.03
    )
    torch.nn.init.constant_(tts.mods.model.decoder.to_stop.bias, -100.0)
    return tts


def test_shapes(tts, texts):
    mels, lengths, alignments = tts.encode_text(texts)
    frames, n_tokens = int(lengths.max()), [len(phonemize(t)) for t in texts]
    assert mels.shape == (3, frames, 80)
    assert lengths.shape == (3,) and lengths.dtype == torch.int64
    assert alignments.shape == (3, 2, frames // 2, max(n_tokens))
    assert tts.finished == [True] * 3
    for item, (length, count) in enumerate(zip(lengths.tolist(), n_tokens)):
        valid = alignments[item, :, : length // 2, :count]
        torch.testing.assert_close(
            valid.sum(-1), torch.ones(2, length // 2), rtol=0, atol=1e-5
        )
        assert float(alignments[item].sum()) == pytest.approx(
            float(valid.sum())
        )
        assert bool((mels[item, length:] == LOG_FLOOR).all())
        assert bool((mels[item, :length] != LOG_FLOOR).all())
    assert not mels.requires_grad and bool(mels.isfinite().all())


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_a_stream_is_what_is_spoken(tts, texts, mode):
    chunks = list(tts.stream(texts[0], mode, seed=3, chunk_seconds=0.05))
    assert len(chunks) > 1 and tts.finished == [True]
    (spoken,) = tts.speak(texts[0], mode, seed=3)
    torch.testing.assert_close(torch.cat(chunks), spoken.mel, rtol=0, atol=1e-4)


def test_a_stream_that_is_cut_off_says_so(brief, texts, caplog):
    with caplog.at_level(logging.WARNING):
        for _ in brief.stream(texts[0]):
            pass
    assert brief.finished == [False] and "cut off" in caplog.text


def test_a_stream_of_nothing_is_refused_at_once(tts, texts):
    with pytest.raises(ValueError, match="chunk_seconds must be above 0; got"):
        tts.stream(texts[0], chunk_seconds=0.0)
    with pytest.raises(ValueError, match="text 1: "):
        tts.stream("   ")


def test_a_single_string_is_a_list_of_one(tts, texts):
    mels, lengths, _ = tts.encode_text(texts[1], seed=0)
    expected, _, _ = tts.encode_text(texts[1:2], seed=0)
    assert torch.equal(mels, expected)
    assert lengths.shape == (1,) and len(tts.finished) == 1


def test_calling_it_is_encoding(tts, texts):
    mels, _, alignments = tts(texts)
    assert mels.shape[::2] == (3, 80) and alignments.dim() == 4


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_many_are_spoken_like_one(tts, texts, mode, monkeypatch):
    # the shortest two together, the longest in a batch of its own
    monkeypatch.setattr("sb_sma.inference.performer._BATCH_ITEMS", 2)
    mels, lengths, alignments = tts.encode_text(texts, seed=3, mode=mode)
    finished = tts.finished
    for item, text in enumerate(texts):
        mel, length, alignment = tts.encode_text(text, seed=3, mode=mode)
        assert tts.finished == [finished[item]]
        frames, (queries, keys) = int(length), alignment.shape[2:]
        assert int(lengths[item]) == frames
        torch.testing.assert_close(
            mels[item, :frames], mel[0], rtol=0, atol=1e-4
        )
        torch.testing.assert_close(
            alignments[item, :, :queries, :keys],
            alignment[0],
            rtol=0,
            atol=1e-4,
        )


def test_the_seed_decides_what_is_said(tts, texts):
    first = tts.encode_text(texts[1], seed=3)[0]
    assert torch.equal(tts.encode_text(texts[1], seed=3)[0], first)
    for seed in (4, None):
        other = tts.encode_text(texts[1], seed=seed)[0]
        assert other.shape != first.shape or not torch.equal(other, first)


def test_the_model_says_in_which_mode_it_speaks(tts, texts, monkeypatch):
    hard = replace(tts.hparams.decoding, mode="hard")
    soft = tts.encode_text(texts, seed=0)[0]
    assert torch.equal(tts.encode_text(texts, mode="soft", seed=0)[0], soft)
    monkeypatch.setattr(tts.hparams, "decoding", hard)
    own = tts.encode_text(texts, seed=0)[0]
    assert torch.equal(own, tts.encode_text(texts, mode="hard", seed=0)[0])
    assert torch.equal(tts.encode_text(texts, mode="soft", seed=0)[0], soft)


def test_hard_mode_stands_on_one_token(tts, texts):
    _, lengths, alignments = tts.encode_text(texts, mode="hard")
    assert set(alignments.unique().tolist()) == {0.0, 1.0}
    for alignment, length in zip(alignments, lengths.tolist()):
        steps = alignment[:, : length // 2].argmax(-1).diff(dim=-1)
        assert 0 <= int(steps.min()) <= int(steps.max()) <= 1


@pytest.mark.parametrize("pace", [0.5, 0.77, 1.25, 2.0])
@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_everything_lasts_the_reciprocal_of_the_pace(tts, texts, mode, pace):
    usual = tts.speak(texts, mode=mode, seed=0)
    paced = tts.speak(texts, mode=mode, pace=pace, seed=0)
    for one, other in zip(usual, paced):
        assert abs(len(other.mel) - len(one.mel) / pace) <= 0.5
        # so does every token
        held, held_paced = (
            item.alignment.sum(1).mean(0) for item in (one, other)
        )
        assert float((held_paced - held / pace).abs().max()) <= 1.0


@pytest.mark.parametrize("pace", [0.5, 2.0])
def test_a_pace_leaves_the_frames_what_they_are(tts, texts, pace):
    (usual,) = tts.speak(texts[0], seed=0)
    (paced,) = tts.speak(texts[0], pace=pace, seed=0)
    if pace > 1:
        expected = usual.mel[: 2 * len(paced.mel)].unflatten(0, (-1, 2)).mean(1)
        torch.testing.assert_close(paced.mel, expected)
    else:
        pairs = paced.mel[1:-1].unflatten(0, (-1, 2))
        between = 0.75 * usual.mel[:-1] + 0.25 * usual.mel[1:]
        torch.testing.assert_close(pairs[:, 0], between)


@pytest.mark.parametrize("pace", [0.4, 1.25, 3.0])
@pytest.mark.parametrize("chunk_seconds", [0.01, 0.25])
def test_a_stream_has_the_pace_of_the_whole(tts, texts, pace, chunk_seconds):
    whole = tts.speak(texts[1], pace=pace, seed=0)[0].mel
    chunks = list(
        tts.stream(texts[1], pace=pace, seed=0, chunk_seconds=chunk_seconds)
    )
    torch.testing.assert_close(torch.cat(chunks), whole, rtol=0, atol=1e-4)
    least = max(1, round(chunk_seconds * 22050 / 256))
    assert all(len(chunk) >= least for chunk in chunks[:-1])


def test_a_batch_has_the_pace_of_its_items(tts, texts):
    mels, lengths, alignments = tts.encode_text(texts, pace=1.3, seed=0)
    for mel, length, text in zip(mels, lengths.tolist(), texts):
        alone = tts.encode_text(text, pace=1.3, seed=0)[0][0]
        torch.testing.assert_close(mel[:length], alone, rtol=0, atol=1e-4)
        assert bool((mel[length:] == LOG_FLOOR).all())
    mass = alignments.sum(-1)
    torch.testing.assert_close(mass, (mass > 0.5).to(mass))


def test_the_exported_decoding_keeps_the_attention_moving(tts, texts):
    for layer in tts.mods.model.decoder.layers:
        torch.nn.init.constant_(layer.cross_attn.stay_bias, 100.0)
    for mode in ("soft", "hard"):
        for item in tts.speak(texts, mode=mode, seed=0):
            path = item.alignment.argmax(-1)
            assert 0 <= int(path.diff(dim=-1).min())
            assert int(path.diff(dim=-1).max()) == 1
    tts.hparams.decoding = DecodingOptions()
    assert int(tts.speak(texts, seed=0)[0].alignment.argmax(-1).max()) == 0


def test_what_is_spoken_has_no_padding(tts, texts):
    mels, lengths, alignments = tts.encode_text(texts, seed=0)
    for item, text in enumerate(texts):
        spoken = tts.speak(texts, seed=0)[item]
        assert spoken.text == text and spoken.tokens == phonemize(text)
        frames = int(lengths[item])
        assert torch.equal(spoken.mel, mels[item, :frames])
        steps, n_tokens = frames // 2, len(spoken.tokens)
        assert torch.equal(
            spoken.alignment, alignments[item, :, :steps, :n_tokens]
        )


def test_alignments_are_those_of_the_layer_that_follows_the_text(tts, texts):
    tts.hparams.decoding = DecodingOptions()
    assert tts.mods.model.guide.tolist() == [1, 0]
    for layer in (0, 1):
        tts.mods.model.set_guide(layer, 0)
        for other in (0, 1):
            bias = 100.0 if other == layer else -100.0
            attention = tts.mods.model.decoder.layers[other].cross_attn
            torch.nn.init.constant_(attention.stay_bias, bias)
        _, _, alignments = tts.encode_text(texts[1])
        assert bool((alignments[..., 0] == 1).all())


def test_a_text_that_is_cut_off_is_warned_about(brief, texts, caplog):
    with caplog.at_level(logging.WARNING, logger="sb_sma"):
        _, lengths, _ = brief.encode_text(texts[:2])
    assert brief.finished == [False, False]
    seconds_per_step = 2 * 256 / 22050
    for text, length in zip(texts, lengths.tolist()):
        steps = round(0.03 * len(phonemize(text)) / seconds_per_step)
        assert length == 2 * max(steps, 1)
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        f"text {index} was cut off after max_seconds_per_token (0.03 s) for "
        f"each of its tokens: {text!r}"
        for index, text in enumerate(texts[:2], start=1)
    ]


def test_what_ends_by_itself_is_not_warned_about(tts, texts, caplog):
    with caplog.at_level(logging.WARNING, logger="sb_sma"):
        tts.encode_text(texts)
    assert tts.finished == [True, True, True] and caplog.records == []


def test_finished_is_that_of_the_last_call(brief, texts):
    brief.encode_text(texts)
    brief.hparams.stop_rule = StopRule(hold_seconds=0.03)
    brief.encode_text(texts[1])
    assert brief.finished == [True]


def test_waveforms_are_sound(tts, texts):
    waveforms, sample_rate = tts.synthesize(texts, seed=0)
    _, lengths, _ = tts.encode_text(texts, seed=0)
    assert sample_rate == 22050 and len(waveforms) == 3
    for waveform, frames in zip(waveforms, lengths.tolist()):
        assert waveform.dim() == 1
        assert abs(len(waveform) - 256 * frames) <= 256
        assert bool(waveform.isfinite().all())
        assert 0 < float(waveform.abs().max()) <= 1
    again, _ = tts.synthesize(texts[1], seed=0)
    torch.testing.assert_close(again[0], waveforms[1], rtol=0, atol=1e-3)


def test_tokens_are_phonemes(tts, texts):
    assert tts.tokens(texts[0]) == phonemize(texts[0])
    assert tts.tokens(texts[0])[-1] == "<end>"


@pytest.mark.parametrize("texts", [[], (), [3], ["a", None]], ids=str)
def test_what_is_no_text_is_refused(tts, texts):
    with pytest.raises(
        ValueError, match="texts must be a string or a list of.*; got "
    ):
        tts.encode_text(texts)


def test_a_text_that_cannot_be_spoken_is_named(tts):
    with pytest.raises(ValueError, match="text 2: .*"):
        tts.encode_text(["Fine.", " ... "])
    for text in ("", "  ", "?!"):
        with pytest.raises(ValueError, match="text 1: "):
            tts.encode_text(text)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"mode": "Soft"}, "mode must be one of soft, hard; got 'Soft'"),
        *(
            ({"pace": pace}, "pace must be a number from 0.25 to 4.0.*got ")
            for pace in (0, -1.0, 0.2, 4.1, math.nan, math.inf, "2", None, True)
        ),
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(tts, options, message):
    with pytest.raises(ValueError, match=message):
        tts.encode_text("Fine.", **options)


def test_softmax_speaks_softly_only(exported_softmax, texts):
    tts = TTS.from_hparams(source=str(exported_softmax))
    _, lengths, alignments = tts.encode_text(texts[1])
    torch.testing.assert_close(
        alignments.sum(-1), torch.ones(1, 2, int(lengths) // 2)
    )
    with pytest.raises(ValueError, match="attention_type: SMA"):
        tts.encode_text(texts[1], mode="hard")
    _, faster, _ = tts.encode_text(texts[1], pace=2.0, seed=0)
    _, usual, _ = tts.encode_text(texts[1], seed=0)
    assert int(faster) == round(int(usual) / 2)


def test_a_model_without_a_part_is_refused(exported, tmp_path):
    text = (exported[2] / "hyperparams.yaml").read_text(encoding="utf-8")
    text = text.replace("griffin_lim_iterations: 2\n", "")
    (tmp_path / "hyperparams.yaml").write_text(text, encoding="utf-8")
    weights = (exported[2] / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights)
    with pytest.raises(ValueError, match="griffin_lim_iterations"):
        TTS.from_hparams(source=str(tmp_path))
