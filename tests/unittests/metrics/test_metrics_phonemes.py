"""Error rates are those counted by hand, whatever the order and the batches;
input that cannot be scored is refused whole.
"""

import pytest
from speechbrain.utils.metric_stats import ErrorRateStats

from sb_sma.metrics.phonemes import PhonemeErrorRates, WordScore

WORDS = ["cat", "tomato", "the", "record"]
HYPOTHESES = ["K AE1 T", "T AH0 M EY1 D OW0", "DH", "R EH2 K AO1 R D"]
REFERENCES = [
    ["K AE1 T"],
    ["T AH0 M EY1 T OW2", "T AH0 M AA1 T OW2"],
    ["DH AH0", "DH IY0", "DH AH1 AH0 AH0"],
    ["R AH0 K AO1 R D", "R EH1 K ER0 D"],
]


def split(pronunciations):
    return [pronunciation.split() for pronunciation in pronunciations]


def rates_of(words, hypotheses, references, languages=None):
    rates = PhonemeErrorRates()
    rates.append(
        words, split(hypotheses), [split(r) for r in references], languages
    )
    return rates


@pytest.fixture
def rates():
    return rates_of(WORDS, HYPOTHESES, REFERENCES)


def test_rates_are_those_counted_by_hand(rates):
    summary = rates.summarize()
    # distances 0, 2, 1, 1 over lengths 3, 6, 2, 6
    assert summary["wer"] == 75.0
    assert summary["per"] == pytest.approx(100 * 4 / 17)
    # without stress 0, 1, 1, 1
    assert summary["wer_no_stress"] == 75.0
    assert summary["per_no_stress"] == pytest.approx(100 * 3 / 17)
    assert summary["n_words"] == 4
    assert len(summary) == 5
    assert all(type(value) in (int, float) for value in summary.values())


def test_a_word_that_is_right_but_for_its_stress():
    summary = rates_of(["a"], ["AH1"], [["AH0", "EY1"]]).summarize()
    assert (summary["wer"], summary["wer_no_stress"]) == (100.0, 0.0)
    assert (summary["per"], summary["per_no_stress"]) == (100.0, 0.0)


def test_the_nearest_reference_may_change_without_stress():
    # one edit to the first with stress, none to the second without
    rates = rates_of(["x"], ["B IY0 D AH0"], [["B EH0 D AH0", "B IY1 D AH1"]])
    summary = rates.summarize()
    assert summary["per"] == 25.0
    assert summary["per_no_stress"] == 0.0


@pytest.mark.parametrize(
    "hypothesis, references",
    [("k æ t", ["k æ p"]), ("K AE1 T", ["K AE T"]), ("a ˧˥", ["a ˧˩"])],
    ids=["ipa", "only-in-the-hypothesis", "tones"],
)
def test_rates_without_stress_need_stress(hypothesis, references):
    summary = rates_of(["cat"], [hypothesis], [references]).summarize()
    assert set(summary) == {"wer", "per", "n_words"}


def test_stress_of_any_word_is_enough():
    rates = rates_of(["a", "b"], ["ə", "b iː"], [["ˈə"], ["b iː"]])
    rates.append(["b"], [["b"]], [[["b"]]])
    assert rates.summarize()["wer_no_stress"] == 0.0


def test_a_single_reference_gives_speechbrains_own_rate():
    references = [pronunciations[0] for pronunciations in REFERENCES]
    stats = ErrorRateStats()
    stats.append(WORDS, split(HYPOTHESES), split(references))
    ours = rates_of(WORDS, HYPOTHESES, [[r] for r in references]).summarize()
    theirs = stats.summarize()
    assert ours["per"] == pytest.approx(theirs["error_rate"])
    n_wrong = theirs["num_erroneous_sents"]
    assert ours["wer"] == pytest.approx(100 * n_wrong / len(WORDS))


def test_the_order_of_references_changes_no_rate(rates):
    turned = [pronunciations[::-1] for pronunciations in REFERENCES]
    assert rates_of(WORDS, HYPOTHESES, turned).summarize() == rates.summarize()


def test_batches_change_nothing(rates):
    batched = PhonemeErrorRates()
    for word, hypothesis, references in zip(WORDS, HYPOTHESES, REFERENCES):
        batched.append([word], split([hypothesis]), [split(references)])
    batched.append([], [], [])
    assert batched.scores == rates.scores
    assert batched.summarize() == rates.summarize()


def test_an_empty_hypothesis_is_all_deletions():
    rates = rates_of(["cat"], [""], [["k æ t"]])
    assert rates.summarize()["per"] == 100.0
    assert rates.confusions(9) == [("k", "", 1), ("t", "", 1), ("æ", "", 1)]


def test_per_can_pass_a_hundred():
    rates = rates_of(["i"], ["a j a j"], [["a"]])
    assert rates.summarize()["per"] == 300.0


def test_languages_are_told_apart():
    rates = rates_of(
        ["an", "an", "chat", "gift"],
        ["a n", "ɑ̃", "tʃ æ t", "ɡ ɪ f"],
        [["æ n"], ["ɑ̃"], ["ʃ a"], ["ɡ ɪ f t"]],
        ["eng", "fre", "fre", "ger"],
    )
    summary = rates.summarize()
    assert summary["wer_eng"] == 100.0 and summary["per_eng"] == 50.0
    assert summary["wer_fre"] == 50.0 and summary["per_fre"] == 100.0
    assert summary["wer_ger"] == 100.0 and summary["per_ger"] == 25.0
    # the mean over languages, not over words
    assert summary["wer_macro"] == pytest.approx(250 / 3)
    assert summary["per_macro"] == pytest.approx(175 / 3)
    assert summary["wer"] == 75.0
    assert summary["per"] == pytest.approx(100 * 5 / 9)
    assert rates.by_language() == [
        ("eng", 1, 100.0, 50.0),
        ("fre", 2, 50.0, 100.0),
        ("ger", 1, 100.0, 25.0),
    ]


def test_one_language_has_no_rates_of_its_own():
    rates = rates_of(["an"], ["a n"], [["æ n"]], ["eng"])
    assert set(rates.summarize()) == {"wer", "per", "n_words"}
    assert rates.by_language() == []


def test_confusions_are_counted_from_the_most_frequent(rates):
    rates.append(["cats"], split(["K AE1 T"]), [split(["K AE1 T S"])])
    rates.append(["up"], split(["AH1 P AH0"]), [split(["AH1 P"])])
    rates.append(["cuts"], split(["K AH1 T"]), [split(["K AH1 T S"])])
    assert rates.confusions(2) == [("S", "", 2), ("", "AH0", 1)]
    assert rates.confusions(99) == [
        ("S", "", 2),
        ("", "AH0", 1),
        ("AH0", "", 1),
        ("AH0", "EH2", 1),
        ("OW2", "OW0", 1),
        ("T", "D", 1),
    ]


def test_rates_are_told_by_the_length_of_the_word():
    words = ["a", "ab", "abc", "e\u0301te\u0301", "x" * 14, "y" * 15, "z" * 40]
    hypotheses = ["a", "b", "a b", "e t", "x", "y", "y"]
    references = [["a"], ["a"], ["a b c"], ["e t e"], ["x"], ["y"], ["z"]]
    assert rates_of(words, hypotheses, references).by_length() == [
        ("1-2", 2, 50.0, 50.0),
        # an accent is no letter
        ("3-4", 2, 100.0, pytest.approx(100 / 3)),
        ("13-14", 1, 0.0, 0.0),
        ("15+", 2, 50.0, 50.0),
    ]


def test_the_worst_words_come_first(rates):
    rates.append(["xyz"], [["K"]], [split(["EH1 K S"])])
    assert [score.word for score in rates.worst(9)] == [
        "tomato",
        "xyz",
        "the",
        "record",
    ]
    assert rates.worst(1) == [
        WordScore(
            "tomato",
            "",
            ("T", "AH0", "M", "EY1", "D", "OW0"),
            ("T", "AH0", "M", "EY1", "T", "OW2"),
            2,
        )
    ]


@pytest.mark.parametrize(
    "n, expected",
    [(0, ""), (1, "b"), (2, "bd"), (3, "bcd"), (9, "bcde")],
)
def test_wrong_words_are_picked_evenly(n, expected):
    rates = rates_of("abcde", "abbbb", ["a", "c", "c", "c", "c"])
    assert "".join(score.word for score in rates.sample_wrong(n)) == expected


def test_without_a_word_there_is_no_rate():
    with pytest.raises(ValueError, match="at least one word; got none"):
        PhonemeErrorRates().summarize()


@pytest.mark.parametrize("short", range(4))
def test_lists_of_different_lengths_are_refused(short):
    lists = [["a", "b"], [["a"], ["b"]], [[["a"]], [["b"]]], ["eng", "eng"]]
    lists[short] = lists[short][:1]
    got = ", ".join("1" if index == short else "2" for index in range(4))
    with pytest.raises(ValueError, match=f"must be equally long; got {got}"):
        PhonemeErrorRates().append(*lists)


@pytest.mark.parametrize(
    "hypothesis, references, message",
    [
        pytest.param(
            ["a"],
            [],
            r"references of 'cat' must be a list of at least one .*got \[\]",
            id="no-reference",
        ),
        pytest.param(
            ["a"],
            "k a",
            "references of 'cat' must be a list of at least one .*got 'k a'",
            id="text-for-references",
        ),
        pytest.param(
            ["a"],
            ["k a"],
            "reference of 'cat' must be a sequence of phonemes.*got 'k a'",
            id="text-for-a-reference",
        ),
        pytest.param(
            "k a",
            [["k"]],
            "hypothesis of 'cat' must be a sequence of phonemes.*got 'k a'",
            id="text-for-the-hypothesis",
        ),
        pytest.param(
            [["k", "a"], ["k"]],
            [["k"]],
            "hypothesis of 'cat' must be a sequence of phonemes.*the best one",
            id="several-hypotheses",
        ),
        pytest.param(
            ["a"],
            [["k"], []],
            r"reference of 'cat' must have at least one phoneme; got \[\]",
            id="empty-reference",
        ),
        pytest.param(
            ["a"],
            [["ˈ"]],
            "reference of 'cat' must have at least one phoneme",
            id="only-stress",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(hypothesis, references, message):
    rates = rates_of(["a"], ["a"], [["a"]])
    with pytest.raises(ValueError, match=message):
        rates.append(["dog", "cat"], [["a"], hypothesis], [[["a"]], references])
    # not even the word before it is counted
    assert rates.summarize()["n_words"] == 1


@pytest.mark.parametrize(
    "first, second",
    [(["eng"], None), (None, ["eng"]), (["eng"], [""])],
    ids=["then-none", "none-first", "empty"],
)
def test_languages_are_given_always_or_never(first, second):
    rates = rates_of(["a"], ["a"], [["a"]], first)
    with pytest.raises(ValueError, match="for every word or for none"):
        rates.append(["b"], [["b"]], [[["b"]]], second)
