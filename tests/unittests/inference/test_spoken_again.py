"""What does not become good is spoken again, and the best attempt given."""

import math
from itertools import pairwise

import pytest
import torch

from sb_sma.inference import (
    TTS,
    attempts as module,
)
from sb_sma.inference.model_folder import ModelFolderError
from sb_sma.inference.token_seconds import TokenSeconds
from sb_sma.inference.word_times import find_words, read_spoken
from sb_sma.metrics.reading import find_reading_faults
from sb_sma.metrics.word_times import UsualSeconds
from sb_sma.models.tts.synthesis import Manner

SEEDS = range(40)


def speaks_once(folder):
    tts = TTS.from_hparams(source=str(folder))
    tts.attempts = 1
    return tts


@pytest.fixture(scope="module")
def attempts_of_a_seed(exported, texts):
    """A seed, what its attempts are, and usual times by which the first is too
    long and another is not."""
    tts = speaks_once(exported[2])
    frame = tts.hparams.mel_settings.seconds_per_frame
    for seed in SEEDS:
        seeds = [seed, *(Manner(seed=seed).again(n).seed for n in (1, 2, 3, 4))]
        modes = ["soft"] * 4 + ["hard"]
        said = [
            tts.speak(texts[0], mode=mode, seed=each)[0]
            for each, mode in zip(seeds, modes)
        ]
        lengths = [len(item.mel) for item in said]
        if min(lengths) < lengths[0]:
            break
    seconds = frame * (min(lengths) + lengths[0]) / 2 / 1.3
    each = seconds / len(said[0].tokens)
    usual = TokenSeconds({"<end>": [each] * 8})
    return seed, said, usual


def teach(tts, usual, attempts):
    tts.hparams.usual_seconds = usual
    tts.attempts = attempts
    return tts


def judge(tts, item, usual):
    words = find_words(tts, item.text, item.tokens)
    reading = read_spoken(tts, item, words)
    faults = find_reading_faults(reading, usual, True, module._RULES)
    return len(faults), abs(math.log(reading.length_ratio(usual)))


def test_the_best_attempt_is_given(exported, texts, attempts_of_a_seed):
    seed, said, usual = attempts_of_a_seed
    tts = teach(speaks_once(exported[2]), usual, 5)
    (item,) = tts.speak(texts[0], seed=seed)
    judged = [judge(tts, each, usual) for each in said]
    assert judged[0][0] > 0
    best = said[judged.index(min(judged))]
    assert len(best.mel) < len(said[0].mel)
    torch.testing.assert_close(item.mel, best.mel, rtol=0, atol=1e-4)
    assert item.spoken_again == 1


def test_an_attempt_is_what_it_is_among_others(
    exported, texts, attempts_of_a_seed
):
    seed, _, usual = attempts_of_a_seed
    tts = teach(speaks_once(exported[2]), usual, 5)
    together = tts.speak([texts[1], texts[0], texts[2]], seed=seed)
    for item in together:
        (alone,) = tts.speak(item.text, seed=seed)
        torch.testing.assert_close(item.mel, alone.mel, rtol=0, atol=1e-4)
        assert item.spoken_again == alone.spoken_again


def test_a_long_text_counts_its_passages(exported, texts, attempts_of_a_seed):
    seed, _, usual = attempts_of_a_seed
    tts = teach(speaks_once(exported[2]), usual, 2)
    long = " ".join([texts[2], texts[0]] * 20)
    passages = [item for _, item in tts.narrate(long, seed=seed)]
    (whole,) = tts.speak(long, seed=seed)
    assert whole.spoken_again == sum(each.spoken_again for each in passages) > 1
    joined = torch.cat([each.mel for each in passages])
    torch.testing.assert_close(whole.mel, joined, rtol=0, atol=1e-4)


def test_pace_does_not_make_a_text_unusual(exported, texts, attempts_of_a_seed):
    seed, said, _ = attempts_of_a_seed
    bounds = said[0].timings[0][1].bounds
    lasted = [end - start for start, end in pairwise(bounds)]
    usual = UsualSeconds([(said[0].tokens, lasted)] * 3)
    own = TokenSeconds(TokenSeconds.describe(usual, said[0].tokens))
    tts = teach(speaks_once(exported[2]), own, 5)
    for pace in (0.25, 0.5, 1.0, 2.0, 4.0):
        (item,) = tts.speak(texts[0], seed=seed, pace=pace)
        assert item.spoken_again == 0
    # others are as good or as bad as they are at a pace of 1
    tts.attempts = 2
    for seed in range(8):
        again = {
            tuple(i.spoken_again for i in tts.speak(texts, seed=seed, pace=p))
            for p in (0.25, 1.0, 4.0)
        }
        assert len(again) == 1


def test_what_is_usual_is_known_of_the_mean_style(exported_gst, texts):
    usual = TokenSeconds({"<end>": [9.0] * 8})
    tts = teach(speaks_once(exported_gst), usual, 2)
    (item,) = tts.speak(texts[0], seed=0)
    assert item.spoken_again == 1
    assert not any(word.said for word in item.words)
    style = tts.styles.from_token(0)
    ((_, narrated),) = tts.narrate(texts[0], seed=0, style=style)
    (styled,) = tts.speak(texts[0], seed=0, style=style)
    for each in (narrated, styled):
        assert each.spoken_again == 0
        assert any(word.said for word in each.words)


def test_one_attempt_is_the_stream(exported, texts, attempts_of_a_seed):
    seed, said, usual = attempts_of_a_seed
    tts = teach(speaks_once(exported[2]), usual, 1)
    (once,) = tts.speak(texts[0], seed=seed)
    assert torch.equal(once.mel, said[0].mel) and once.spoken_again == 0
    tts.attempts = 5
    streamed = torch.cat(list(tts.stream(texts[0], seed=seed)))
    torch.testing.assert_close(streamed, said[0].mel, rtol=0, atol=1e-4)


def test_a_model_that_does_not_know_what_is_usual_speaks_once(exported, texts):
    tts = TTS.from_hparams(source=str(exported[2]))
    assert tts.usual_seconds is None and tts.attempts == 5
    assert tts.speak(texts[0], seed=0)[0].spoken_again == 0


@pytest.mark.parametrize("attempts", [0, -1, 1.5, "3", None, 101])
def test_other_counts_are_refused(exported, attempts):
    tts = TTS.from_hparams(source=str(exported[2]))
    with pytest.raises(ValueError, match="attempts must be 1 or more"):
        tts.attempts = attempts
    assert tts.attempts == 5


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"attempts": 0}, "attempts must be 1 or more"),
        ({"usual_seconds": {"a": 1}}, "usual_seconds must be a TokenSeconds"),
    ],
)
def test_a_damaged_folder_is_told(exported, overrides, message):
    with pytest.raises(ModelFolderError, match=message):
        TTS.from_hparams(
            source=str(exported[2]),
            overrides=overrides,
            overrides_must_match=False,
        )


@pytest.mark.parametrize(
    "by_token",
    [
        {},
        {"a": [0.1] * 7},
        {"a": [0.1] * 7 + [0.0]},
        {"a": [0.1] * 7 + [math.nan]},
        {"a": [0.1] * 7 + ["1"]},
        {"a": [0.1] * 7 + [True]},
        {"a": [1e308] * 8},
        {"a": [10**400] * 8},
        {"a": 0.1},
        {"a": {str(number): 0.1 for number in range(8)}},
        [["a", [0.1] * 8]],
        3,
        None,
    ],
)
def test_usual_times_are_eight_numbers_above_0(by_token):
    with pytest.raises(ValueError, match="usual seconds"):
        TokenSeconds(by_token)


def test_what_is_stored_is_what_was_usual():
    tokens = ["a", "b", "a", "b", "a", "b", "<pause>", "a", "<end>"]
    lasted = [0.1, 0.2, 0.1, 0.2, 0.15, 0.3, 0.4, 0.25, 0.5]
    usual = UsualSeconds([(tokens, lasted)] * 3)
    stored = TokenSeconds(
        TokenSeconds.describe(usual, ["a", "b", "<pause>", "<end>", "new"])
    )
    assert stored.of(tokens) == pytest.approx(usual.of(tokens))
    assert stored.of(["new"]) == pytest.approx(usual.of(["new"]), abs=1e-3)
