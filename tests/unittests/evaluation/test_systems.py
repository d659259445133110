"""Models speak for an evaluation as they do alone."""

import pytest
import torch

from sb_sma.data.text.frontends import EspeakFrontend
from sb_sma.evaluation.systems import Model, make_systems
from sb_sma.inference import TTS
from sb_sma.inference.word_times import find_words


@pytest.fixture(scope="module")
def tts(exported):
    return TTS.from_hparams(source=str(exported[2]))


def spoken_by(system, texts, seed):
    found = {}
    system.speak(texts, seed, found.__setitem__)
    return [found[number] for number in range(len(texts))]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_threads_change_nothing(tts, texts, threads, mode):
    # several batches
    many = texts * 12
    model = Model("here", tts)
    for text in texts:
        model.learn(text)
    (system,) = make_systems("a", model, [mode], None)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        spoken = spoken_by(system, many, seed=3)
    finally:
        torch.set_num_threads(before)
    assert [each.text for each in spoken] == many
    alone = tts.speak(texts, mode=mode, seed=3)
    for number, each in enumerate(spoken):
        expected = alone[number % len(texts)]
        assert each.finished == expected.finished
        torch.testing.assert_close(each.mel, expected.mel)
    assert tts.hparams.frontend == EspeakFrontend()


def test_a_window_is_that_of_the_system_alone(exported_softmax, texts):
    tts = TTS.from_hparams(source=str(exported_softmax))
    model = Model("there", tts)
    model.learn(texts[0])
    plain, windowed = make_systems("a", model, None, [0, 1])
    (without,) = spoken_by(plain, texts[:1], seed=0)
    (within,) = spoken_by(windowed, texts[:1], seed=0)
    assert (without.alignment > 0).sum(-1).max() > 2
    assert (within.alignment > 0).sum(-1).max() == 2
    assert tts.hparams.decoding.attention_window is None


def test_words_are_timed_within_the_speech(tts, texts):
    for each in tts.speak(texts, seed=0):
        words = each.words
        seconds = len(each.mel) * tts.hparams.mel_settings.seconds_per_frame
        bounds = [bound for word in words for bound in (word.start, word.end)]
        assert bounds == sorted(bounds)
        assert 0 <= bounds[0] and bounds[-1] <= seconds + 1e-6
        stripped = [word.strip(",.:;") for word in each.text.split()]
        assert [word.text for word in words] == stripped


def test_a_front_end_without_words_gives_phrases(tts, texts, monkeypatch):
    class Own:
        """A front end that somebody wrote."""

        tokens = staticmethod(EspeakFrontend().tokens)

    monkeypatch.setattr(tts.hparams, "frontend", Own())
    words = find_words(tts, texts[2], tts.tokens(texts[2]))
    assert len(words) == 3


def test_what_looks_like_markup_is_evaluated_as_it_is(tts):
    many = ["AT&amp;T, I say.", "No <i>way</i>.", "No, [way](/x.", "No. " * 160]
    model = Model("here", tts)
    for text in many:
        model.learn(text)
    (system,) = make_systems("a", model, ["hard"], None)
    spoken = spoken_by(system, many, seed=3)
    assert [each.text for each in spoken] == many
    read = EspeakFrontend().tokens
    assert spoken[0].tokens == read(many[0]) != read("AT&T, I say.")
    assert spoken[3].tokens == read(many[3])
    for each in spoken:
        assert system.read(each).tokens == each.tokens
