"""When words are said: held against eSpeak NG, whose own timing is known."""

import re

import pytest
import torch

from sb_sma.data.espeak.voice import speak
from sb_sma.data.text.frontends import EspeakFrontend
from sb_sma.data.text.word_spans import find_spans
from sb_sma.evaluation.texts import own_texts
from sb_sma.metrics.reading import find_reading_faults, read_alignment
from sb_sma.metrics.word_times import (
    SAID_SHARE,
    UsualSeconds,
    WordSpan,
    band_bounds,
    time_words,
    token_bounds,
)

STEP = 0.0125  # seconds
FRONTEND = EspeakFrontend()
TEXT = "The old man fed the ducks, every morning, at eight."


def true_alignment(text):
    """What a perfect reader attends to, step by step, and the tokens."""
    speech = speak(FRONTEND.written_out(text))
    n_steps = round(len(speech.samples) / speech.sample_rate / STEP)
    middles = (torch.arange(n_steps) + 0.5) * STEP * speech.sample_rate
    starts = torch.tensor(speech.starts, dtype=torch.float64)
    path = torch.searchsorted(starts, middles.double(), right=True) - 1
    alignment = torch.nn.functional.one_hot(path, len(speech.tokens)).float()
    return alignment, list(speech.tokens)


def find_words(text, tokens):
    return [
        WordSpan(*span) for span in find_spans(tokens, FRONTEND.words(text))
    ]


def read(text, alignment=None):
    truth, tokens = true_alignment(text)
    alignment = truth if alignment is None else alignment
    words = find_words(text, tokens)
    return read_alignment(alignment, tokens, words, len(alignment) * STEP, True)


@pytest.fixture(scope="module")
def readings():
    """All texts of the package as eSpeak NG itself says them."""
    return {each.text: read(each.text) for each in own_texts()}


@pytest.fixture(scope="module")
def usual(readings):
    return UsualSeconds((r.tokens, r.token_seconds) for r in readings.values())


def test_who_says_all_words_at_the_usual_length_has_no_fault(readings, usual):
    faults = {
        text: find_reading_faults(reading, usual, monotonic=False)
        for text, reading in readings.items()
    }
    found = {
        # very short sounds fall between two steps
        text: [fault for fault in each if not fault.startswith("passes over")]
        for text, each in faults.items()
    }
    assert {text: each for text, each in found.items() if each} == {}


@pytest.mark.parametrize("number", range(10))
def test_a_word_that_is_left_out_is_named(number, usual):
    alignment, tokens = true_alignment(TEXT)
    word = find_words(TEXT, tokens)[number]
    left_out = alignment[:, word.first : word.stop].any(1)
    reading = read(TEXT, alignment[~left_out])
    unsaid = [each.text for each in reading.word_times(usual) if not each.said]
    assert unsaid == [word.text]


@pytest.mark.parametrize("share, said", [(0.45, True), (0.35, False)])
def test_a_word_counts_as_said_from_a_share_of_its_usual_time(share, said):
    assert 0.35 < SAID_SHARE < 0.45
    words, usual = [WordSpan("no", 0, 2)], [0.1, 0.3, 0.1]
    bounds = [0.0, share * 0.1, share * 0.4, share * 0.4 + 0.1]
    (time,) = time_words(bounds, words, usual)
    assert time.said == said


def test_words_begin_and_end_where_espeak_says_them(usual):
    speech = speak(FRONTEND.written_out(TEXT))
    ends = [*speech.starts[1:], len(speech.samples)]
    words = find_words(TEXT, list(speech.tokens))
    times = read(TEXT).word_times(usual)
    assert [time.text for time in times] == re.findall(r"\w+", TEXT)
    for word, time in zip(words, times):
        assert time.start == pytest.approx(
            speech.starts[word.first] / speech.sample_rate, abs=STEP
        )
        assert time.end == pytest.approx(
            ends[word.stop - 1] / speech.sample_rate, abs=STEP
        )


def test_times_are_finer_than_a_step_where_the_walk_is_expected():
    # on the second token from the middle of the second step
    alignment = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    assert token_bounds(alignment, seconds=3.0) == [0.0, 1.5, 3.0]


def test_a_head_that_looks_everywhere_says_only_where_it_looks_most(usual):
    alignment, _ = true_alignment(TEXT)
    reading = read(TEXT, torch.full_like(alignment, 1 / alignment.shape[1]))
    # all of the time is on the middle of the text
    said = [time.text for time in reading.word_times(usual) if time.said]
    assert len(said) <= 1


def test_a_text_counts_once_for_what_is_usual():
    slow = (["a"] * 50, [0.9] * 50)
    quick = [(["a", "a"], [0.1, 0.1])] * 3
    assert UsualSeconds([slow, *quick]).of(["a"]) == [0.1]


LONG = ["b", "c", "d", "e", "<end>"]


@pytest.mark.parametrize(
    "tokens, seconds",
    [
        (["a", "<end>"], 0.4),
        (["a", "b", "<end>"], 0.3),
        ([*LONG[:-1], "a", "<end>"], 0.2),
        ([*LONG[:-1], "a", "b", "<end>"], 0.15),
        (["a", *LONG], 0.1),
        (["a", "<pause>", "a", *LONG], 0.1),
    ],
    ids=lambda case: " ".join(case) if isinstance(case, list) else "",
)
def test_what_is_usual_depends_on_the_phrase_and_the_place_in_it(
    tokens, seconds
):
    texts = 3 * [
        (["a", "<end>"], [0.4, 0.1]),
        (["a", "b", "<end>"], [0.3, 0.1, 0.1]),
        ([*LONG[:-1], "a", "<end>"], [0.1] * 4 + [0.2, 0.1]),
        ([*LONG[:-1], "a", "b", "<end>"], [0.1] * 4 + [0.15, 0.1, 0.1]),
        (["a", *LONG], [0.1] * 6),
    ]
    index = len(tokens) - tokens[::-1].index("a") - 1
    assert UsualSeconds(texts).of(tokens)[index] == seconds


def test_what_is_passed_over_does_not_count_for_what_is_usual():
    texts = [(["a", "b"], [0.2, 0.0])] * 9 + [(["a", "b"], [0.2, 0.1])]
    assert UsualSeconds(texts).of(["a", "b"]) == [0.2, 0.1]


def test_a_word_without_a_token_is_not_asked_for():
    words = [WordSpan("yes", 0, 1), WordSpan("-", 1, 1)]
    times = time_words([0.0, 0.1], words, [0.1])
    assert [time.text for time in times] == ["yes"]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: token_bounds(torch.zeros(3), 1.0), r"shape \(Q, K\)"),
        (lambda: token_bounds(torch.zeros(0, 3), 1.0), r"no axis empty"),
        (lambda: time_words([0.0, 1.0], [], []), "of the 1 tokens"),
        (
            lambda: time_words([0.0, 1.0], [WordSpan("a", 0, 2)], [1.0]),
            "words up to token 2",
        ),
        (lambda: UsualSeconds([(["a"], [0.0])]), "got some time; got none"),
    ],
    ids=["one axis", "no step", "usual", "words", "nothing lasts"],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_wide_walk_says_its_words_at_the_middle_of_its_width():
    # sixty tokens of three steps each, seen by a head that is seven steps wide
    path = torch.arange(180) // 3
    narrow = torch.nn.functional.one_hot(path, 60).double()
    padded = torch.cat(
        [narrow[:1].repeat(10, 1), narrow, narrow[-1:].repeat(10, 1)]
    )
    wide = padded.unfold(0, 21, 1).mean(-1)
    bounds = torch.tensor(token_bounds(wide, seconds=180.0))
    expected = torch.tensor(token_bounds(narrow, seconds=180.0))
    inside = slice(5, -5)
    assert (bounds - expected)[inside].abs().max() < 1.0


def test_bounds_are_in_order_whatever_the_head_does():
    generator = torch.Generator().manual_seed(0)
    for n_queries, n_keys in [(1, 1), (1, 7), (7, 1), (13, 40), (40, 13)]:
        weights = torch.rand(n_queries, n_keys, generator=generator) ** 4
        bounds = token_bounds(weights / weights.sum(1, keepdim=True), 2.0)
        assert bounds == sorted(bounds) and len(bounds) == n_keys + 1
        assert (bounds[0], bounds[-1]) == (0.0, 2.0)


def test_a_band_tells_what_the_whole_tells():
    places = torch.tensor([0, 0, 1, 2, 2, 4, 5])
    firsts = (places - 1).clamp(min=0, max=3)
    generator = torch.Generator().manual_seed(1)
    band = torch.rand(7, 3, generator=generator) + 0.01
    whole = torch.zeros(7, 6)
    whole.scatter_(1, firsts[:, None] + torch.arange(3), band)
    bounds = band_bounds(band, firsts, n_tokens=6, seconds=1.4)
    assert bounds == pytest.approx(token_bounds(whole, 1.4), abs=1e-9)
    assert len(bounds) == 7
