"""The page of a grapheme-to-phoneme run tells how many words are wrong, which
ones and how.
"""

import html
import re

import pytest
import torch

from sb_sma.metrics.phonemes import PhonemeErrorRates
from sb_sma.plots.figures import plot_alignments
from sb_sma.training.reports.g2p import write_g2p_report

HISTORY = [
    {
        "epoch": epoch,
        "minutes": 1.5 * epoch,
        "train": {"phoneme_loss": 3.0 / epoch},
        "valid": {
            "phoneme_loss": 4.0 / epoch,
            "wer": 80.0 / epoch,
            "n_words": 2.0,
        },
    }
    for epoch in (1, 2)
]


def rates_of(*words):
    """Scores of (word, hypothesis, reference, language or None)."""
    rates = PhonemeErrorRates()
    for word, hypothesis, reference, language in words:
        rates.append(
            [word],
            [hypothesis.split()],
            [[reference.split()]],
            None if language is None else [language],
        )
    return rates


RATES = rates_of(
    ("cat", "K AE1 T", "K AE1 T", None),
    ("cats", "K AA1 T D", "K AE1 T S", None),
    ("catalogue", "", "K AE1", None),
    ("up", "AH0 P", "AH1 P", None),
)


def draw(word):
    return plot_alignments(
        torch.eye(len(word))[None], tokens=word, query_tokens=word
    )


def write(folder, rates, words=(), history=HISTORY, **more):
    """The page's words, and the file."""
    path = write_g2p_report(
        folder,
        folder / "a model",
        "the test words",
        rates,
        {key: draw(key[0]) for key in words},
        history,
        **more,
    )
    page = path.read_text(encoding="utf-8")
    body = page.partition("<body>")[2]
    text = html.unescape(re.sub(r"<[^>]+>", " ", body))
    return " ".join(text.split()), page


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "results"
    return write(folder, RATES, [("cats", ""), ("cat", ""), ("catalogue", "")])


def test_the_rates_are_on_the_page(page):
    text, _ = page
    for words in (
        "75.0 % of the 4 words of the test words were pronounced wrongly "
        "after 3.0 minutes of training; the phoneme error rate is 45.5 %. "
        "Without stress, these are 50.0 % and 36.4 %.",
        "WER 75.00 % words whose best hypothesis",
        "PER 45.45 % edit distance",
        "WER without stress 50.00 %",
        "PER without stress 36.36 %",
    ):
        assert words in text
    assert "languages" not in text.lower()


def test_errors_are_told_by_length_phoneme_and_word(page):
    text, source = page
    for words in (
        "letters words WER PER 1-2 1 100.0 % 50.0 % 3-4 2 50.0 % 28.6 %",
        "9-10 1 100.0 % 100.0 %",
        "(none) where a phoneme was added or left out reference hypothesis "
        "times AE1 (none) 1 AE1 AA1 1 AH1 AH0 1 K (none) 1 S D 1",
        "cats K AA1 T D K AE1 T S 2 catalogue (none) K AE1 2 up AH0 P AH1 P 1",
        "Error rates of words of 1-2, 3-4 and 9-10 letters",
        "5 errors: the most frequent is",
        "Curves over the minutes: phoneme_loss, wer",
    ):
        assert words in text
    # two pictures, the curves and three alignments
    assert source.count("<img") == 6


def test_examples_say_what_is_wrong_and_ask_for_no_sound(page):
    text, source = page
    for words in (
        "Good: 1 of 3 examples.",
        "cat good hypothesis: K AE1 T reference: K AE1 T",
        "cats 2 faults hypothesis: K AA1 T D reference: K AE1 T S "
        "AA1 instead of AE1 D instead of S Alignment of 1 head",
        "AE1 is left out",
    ):
        assert words in text
    assert "<audio" not in source


def test_the_models_use_is_written_for_a_shell(page):
    text, _ = page
    assert re.search(
        r"Use this model sb-sma g2p --model '/[^']+/a model' "
        "--input words.txt --output out.tsv",
        text,
    )


def test_languages_are_told_apart(tmp_path):
    rates = rates_of(
        ("an", "a n ə", "æ n", "eng"),
        ("an", "ɑ̃", "ɑ̃", "fre"),
    )
    text, _ = write(tmp_path, rates, [("an", "fre"), ("an", "eng")])
    assert "WER over languages 50.00 %" in text
    assert (
        "Languages language words WER PER eng 1 100.0 % 100.0 % fre 1 0.0 %"
        in text
    )
    assert "an (eng) a n ə æ n 2" in text
    assert "an (fre) good hypothesis: ɑ̃ reference: ɑ̃" in text
    assert "an (eng) 2 faults hypothesis: a n ə reference: æ n" in text
    assert "a instead of æ ə is added" in text


def test_a_perfect_run_without_history_has_a_page(tmp_path):
    rates = rates_of(
        ("cat", "k æ t", "k æ t", None), ("at", "æ t", "æ t", None)
    )
    text, page = write(tmp_path, rates, history=[])
    assert "0.0 % of the 2 words of the test words were pronounced" in text
    assert "minutes" not in text and "stress" not in text
    assert "Wrong words" not in text and "errors" not in text
    assert page.count("<img") == 1


def test_an_alignment_of_another_word_is_refused(tmp_path):
    with pytest.raises(ValueError, match="that rates has scored; got dog"):
        write(tmp_path, RATES, [("cat", ""), ("dog", "")])
    assert not (tmp_path / "index.html").exists()
