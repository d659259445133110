"""Texts of any length, marked up or not, in passages or in one piece."""

import itertools

import pytest
import torch

from sb_sma.data.espeak.voice import phonemize
from sb_sma.inference import (
    TTS,
    performer,
    tts as module,
)
from sb_sma.inference.performer import Performer
from sb_sma.inference.script import write_script
from sb_sma.models.tts.synthesis import LOG_FLOOR

FRAME = 256 / 22050
MARKED = 'No. <break time="{}s"/> Two words.'


@pytest.fixture
def tts(exported):
    return TTS.from_hparams(source=str(exported[2]))


@pytest.fixture
def long_text(texts):
    return " ".join([texts[2], texts[0]] * 20)


def test_a_long_text_is_spoken_in_passages(tts, long_text):
    (spoken,) = tts.speak(long_text, seed=0)
    passages = [item for _, item in tts.narrate(long_text, seed=0)]
    assert len(passages) > 4 and all(len(p.text) <= 250 for p in passages)
    assert " ".join(item.text for item in passages) == long_text
    torch.testing.assert_close(
        torch.cat([item.mel for item in passages]),
        spoken.mel,
        rtol=0,
        atol=1e-4,
    )
    assert spoken.text == long_text and spoken.finished
    assert tts.finished == [True]
    assert spoken.tokens == [t for item in passages for t in item.tokens]
    mass = spoken.alignment.sum(-1)
    assert spoken.alignment.shape[2] == len(spoken.tokens)
    torch.testing.assert_close(mass, torch.ones_like(mass))


def test_one_text_is_what_it_is_among_others(tts, long_text, texts):
    several = [texts[1], long_text, texts[0]]
    for text, spoken in zip(several, tts.speak(several, seed=0)):
        (alone,) = tts.speak(text, seed=0)
        torch.testing.assert_close(spoken.mel, alone.mel, rtol=0, atol=1e-4)
    indices = [index for index, _ in tts.narrate(several, seed=0)]
    assert indices == sorted(indices) and set(indices) == {0, 1, 2}


@pytest.mark.parametrize("pace", [1.0, 1.5])
def test_a_stream_is_what_is_spoken(tts, long_text, pace):
    text = MARKED.format(1) + long_text
    chunks = list(tts.stream(text, seed=0, pace=pace, chunk_seconds=0.1))
    (spoken,) = tts.speak(text, seed=0, pace=pace)
    torch.testing.assert_close(torch.cat(chunks), spoken.mel, rtol=0, atol=1e-4)
    assert all(len(chunk) >= 9 for chunk in chunks[:-1])
    assert tts.finished == [True]


def test_a_stream_reads_no_more_than_it_says(tts, long_text, monkeypatch):
    read = []
    whole = type(tts.hparams.frontend).tokens

    def tokens(self, text):
        """Note what is read."""
        read.append(text)
        return whole(self, text)

    monkeypatch.setattr(type(tts.hparams.frontend), "tokens", tokens)
    next(tts.stream(long_text * 10, seed=0, chunk_seconds=0.05))
    assert len(read) == 1 and len(read[0]) <= 250


def test_only_some_passages_are_read_ahead(tts, long_text, monkeypatch):
    monkeypatch.setattr(module, "_PASSAGES_AHEAD", 2)
    spoken = []
    speak_batch = Performer._speak_batch

    def note(self, lines, *arguments):
        """Note what is spoken."""
        spoken.extend(lines)
        return speak_batch(self, lines, *arguments)

    monkeypatch.setattr(Performer, "_speak_batch", note)
    passages = tts.narrate(long_text, seed=0)
    assert spoken == []
    for count in (2, 2, 4, 4):
        next(passages)
        assert len(spoken) == count


def test_sound_is_that_of_the_stream(tts, long_text, hifigan_folder, exported):
    tts = TTS.from_hparams(
        source=str(exported[2]),
        vocoder="hifigan",
        vocoder_source=str(hifigan_folder),
    )
    (whole,), _ = tts.synthesize(long_text, seed=0)
    (spoken,) = tts.speak(long_text, seed=0)
    assert len(whole) == 256 * len(spoken.mel)
    streamed = torch.cat(list(tts.stream_waveform(long_text, seed=0)))
    torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-4)
    expected = tts.vocoder(spoken.mel)
    torch.testing.assert_close(whole, expected, rtol=0, atol=1e-4)


def test_sound_of_a_long_mel_is_made_in_parts(tts, exported, hifigan_folder):
    tts = TTS.from_hparams(
        source=str(exported[2]),
        vocoder="hifigan",
        vocoder_source=str(hifigan_folder),
    )
    mel = torch.randn(module._WHOLE_FRAMES + 1, 80)
    lengths = []
    forward = tts.vocoder.forward
    tts.vocoder.forward = lambda part: (
        lengths.append(len(part)),
        forward(part),
    )[1]
    parts = tts.to_waveform(mel)
    assert max(lengths) <= 2 * module._PART_FRAMES
    torch.testing.assert_close(parts, forward(mel), rtol=0, atol=1e-4)


def test_a_short_text_is_one_piece(tts, texts):
    (item,) = tts.narrate(" ".join(texts), seed=0)
    assert item[1].tokens == phonemize(" ".join(texts))


@pytest.mark.parametrize("pace", [1.0, 0.6])
def test_one_piece_is_kept_as_a_band(tts, texts, monkeypatch, pace):
    (dense,) = tts.speak(texts[2], seed=0, pace=pace, split=False)
    monkeypatch.setattr(performer, "_DENSE_TOKENS", 3)
    (band,) = tts.speak(texts[2], seed=0, pace=pace, split=False)
    torch.testing.assert_close(band.mel, dense.mel, rtol=0, atol=1e-4)
    torch.testing.assert_close(
        band.alignment, dense.alignment, rtol=0, atol=1e-4
    )
    assert band.tokens == dense.tokens and band.finished == dense.finished
    for one, other in zip(band.words, dense.words):
        assert one.text == other.text
        assert abs(one.end - other.end) < 2 * FRAME / pace
    assert band.words[-1].end <= len(band.mel) * FRAME


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_the_alignment_of_a_band_lasts_as_long_as_its_silence(
    tts, monkeypatch, seconds
):
    text = MARKED.format(seconds)
    (dense,) = tts.speak(text, seed=0)
    monkeypatch.setattr(performer, "_DENSE_TOKENS", 1)
    (band,) = tts.speak(text, seed=0)
    assert band.mel.shape == dense.mel.shape
    torch.testing.assert_close(
        band.alignment, dense.alignment, rtol=0, atol=1e-4
    )


def test_each_very_long_text_is_spoken_alone(tts, texts, monkeypatch):
    several = [texts[2], texts[1], texts[2], texts[0], texts[2]]
    dense = tts.speak(several, seed=0, split=False)
    monkeypatch.setattr(performer, "_DENSE_TOKENS", 1)
    for one, other in zip(tts.speak(several, seed=0, split=False), dense):
        torch.testing.assert_close(one.mel, other.mel, rtol=0, atol=1e-4)
        assert one.tokens == other.tokens


def test_one_piece_is_asked_for(tts, long_text):
    (item,) = tts.narrate(long_text, seed=0, split=False)
    assert item[1].tokens == phonemize(long_text)


@pytest.mark.parametrize("seconds", [0.2, 1.0])
@pytest.mark.parametrize("pace", [1.0, 2.0])
def test_a_break_lasts_as_long_as_it_says(tts, seconds, pace):
    text = MARKED.format(seconds)
    (_, first), (_, second) = tts.narrate(text, seed=0, pace=pace)
    (alone,) = tts.speak("No. ", seed=0, pace=pace)
    n_frames = round(seconds / FRAME)
    loudness = first.mel.exp().mean(1)
    quiet = loudness < 0.01 * loudness.max()
    assert bool(quiet[-n_frames:].all())
    n_said = len(first.mel) - n_frames
    torch.testing.assert_close(
        first.mel[:n_said], alone.mel[:n_said], rtol=0, atol=1e-4
    )
    assert not bool(quiet[n_said - 1])
    assert first.text == "No. " and second.text == " Two words."


def test_breaks_before_and_after_all(tts):
    text = '<break time="300ms"/>No.<break time="1s"/><break time="0.5s"/>'
    silence, said = (item for _, item in tts.narrate(text, seed=0))
    assert len(silence.mel) == round(0.3 / FRAME) and silence.tokens == []
    assert bool((silence.mel == LOG_FLOOR).all())
    assert bool((said.mel[-round(1.5 / FRAME) + 12 :] == LOG_FLOOR).all())
    (spoken,) = tts.speak(text, seed=0)
    assert spoken.words[0].start == pytest.approx(0.3, abs=FRAME)
    assert spoken.alignment.shape[2] == len(spoken.tokens)


def test_a_span_has_a_pace_of_its_own(tts):
    text = 'No. <prosody rate="50%">Two words.</prosody> No.'
    spoken = [item for _, item in tts.narrate(text, seed=0, pace=2.0)]
    (alone,) = tts.speak("Two words.", seed=0)
    loud = len(alone.mel)
    assert abs(len(spoken[1].mel) - loud) <= round(0.3 / FRAME) + loud // 4
    assert [item.text for item in spoken] == ["No. ", "Two words.", " No."]
    with pytest.raises(ValueError, match="text 2: pace must be a number from"):
        tts.speak(["No.", text], pace=0.3)


def test_a_word_is_said_by_its_phonemes(tts):
    (spoken,) = tts.speak("Two [words](/n ˈoʊ/), I say.", seed=0)
    plain = phonemize("Two Bob, I say.")
    start = plain.index("b")
    assert spoken.tokens == [*plain[:start], "n", "ˈoʊ", *plain[start + 3 :]]
    assert [word.text for word in spoken.words] == ["Two", "words", "I", "say"]
    assert spoken.text == "Two [words](/n ˈoʊ/), I say."
    assert tts.tokens("Two [words](/nˈoʊ/), I say.") == spoken.tokens


def test_a_front_end_need_not_know_words(tts, texts, monkeypatch):
    class Own:
        """A front end that somebody wrote."""

        tokens = staticmethod(phonemize)

    monkeypatch.setattr(tts.hparams, "frontend", Own())
    (spoken,) = tts.speak(texts[2], seed=0)
    assert len(spoken.words) == 3
    # it stands between spaces, but nobody knows where
    with pytest.raises(ValueError, match=r"\[Ann\].* front end tells apart"):
        tts.speak("No [Ann](/n/).")


def test_names_that_stand_in_are_whole_words():
    text = "Bobby saw [Bobbin](/n/), and [Bo](/b/) [Bobs](/b/)."
    (passage,) = write_script(text)
    assert passage.written == "Bobby saw Bobbin, and Bo Bobs."
    several = write_script(f"{'Bobby saw. ' * 60}I saw [Bo](/b/). No.")
    assert len(several) > 2
    (told,) = [p for p in several if p.respellings]
    assert told.text.endswith("I saw Bob. No.")
    assert [each.word for each in told.respellings] == ["Bo"]


def test_phonemes_that_the_model_lacks_are_named(tts):
    with pytest.raises(ValueError, match="text 1: /ʘ/ must be phonemes of"):
        tts.speak("[No](/ʘ/)")
    with pytest.raises(ValueError, match=r"\[wo\].* must stand between spaces"):
        tts.speak("[wo](/n/)rds")


def test_a_mistake_costs_nothing(tts, long_text):
    for call in (tts.speak, tts.stream, tts.narrate, tts.synthesize):
        with pytest.raises(ValueError, match="'<i>' is not known"):
            call(f"{long_text} <i>No.</i>")


def test_less_than_is_read(tts):
    frontend = tts.hparams.frontend
    assert tts.tokens("a < b, <3 &lt;i&gt;") == frontend.tokens("a < b, <3 <i>")


def test_words_are_in_order_across_passages(tts, long_text):
    (spoken,) = tts.speak(long_text, seed=0, pace=1.3)
    words = spoken.words
    assert len(words) == len(long_text.split())
    times = list(itertools.chain(*((w.start, w.end) for w in words)))
    assert times == sorted(times)
    assert 0 <= times[0] and times[-1] <= len(spoken.mel) * FRAME


def test_a_word_that_is_passed_over_is_unsaid(tts, long_text):
    (spoken,) = tts.speak(long_text, seed=0)
    start, timing = spoken.timings[2]
    first = timing.words()[3]
    spans = [span for span in timing.find_words()]
    for place in range(spans[3].first, spans[3].stop):
        timing.bounds[place + 1] = timing.bounds[place]
    unsaid = [word for word in timing.words() if not word.said]
    assert first.text in [word.text for word in unsaid]
    assert start > 0


def test_tokens_of_a_long_text_have_its_pauses(tts, long_text):
    tokens = tts.tokens(long_text)
    assert tokens.count("<end>") == 1 and tokens[-1] == "<end>"
    assert [t for t in tokens if t != "<pause>"] == [
        t for t in phonemize(long_text) if t != "<pause>"
    ]
