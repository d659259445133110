"""Pronunciations are weighed by how words that look alike are said."""

import math

import pytest

from sb_sma.data.lexicon.letter_alignment import LetterAligner
from sb_sma.inference.g2p.analogy import Analogy

LEXICON = {
    "nations": ["n e ʃ ə n z"],
    "nation": ["n e ʃ ə n"],
    "rations": ["r æ ʃ ɪ n z"],
    "ration": ["r æ ʃ ɪ n"],
    "ton": ["t ʌ n", "t ɔ n"],
    "ions": ["aɪ ɔ n z"],
    "tonic": ["t ɔ n ɪ k"],
    "kit": ["k ɪ t"],
    "cit": ["k ɪ d"],
    "antidisestablishments": ["æ n t i d ɪ s ɪ s t æ b l ɪ ʃ m ə n t s"],
    "predisestablishmenting": ["p ɹ i d ɪ s ɛ s t æ b l ɪ ʃ m ɛ n t ɪ ŋ"],
}
LEXICON = {word: [p.split() for p in said] for word, said in LEXICON.items()}


def weigh(analogy, word, *pronunciations):
    candidates = [each.split() for each in pronunciations]
    return analogy.weigh([analogy.encode(word)], [candidates])[0]


def by_letter(cut):
    """Letters with their phonemes; the second one of two has none."""
    return [
        (letter, phonemes if not place else ())
        for letters, phonemes in cut
        for place, letter in enumerate(letters)
    ]


def log_probability_by_definition(lexicon, word, phonemes):
    words = [(w, tuple(p)) for w, said in lexicon.items() for p in said]
    aligner = LetterAligner(words)
    others = [by_letter(cut) for cut in aligner.cut(words)]
    own = by_letter(aligner.cut([(word, tuple(phonemes))])[0])

    def look(word, place):
        return word[place] if 0 <= place < len(word) else (None, None)

    def count_neighbours(other, there, here):
        right = left = 0
        while right < 9 and (
            look(own, here + right + 1)[0] == look(other, there + right + 1)[0]
        ):
            right += 1
        while left < 9 and (
            look(own, here - left - 1) == look(other, there - left - 1)
        ):
            left += 1
        return left + right

    total = 0.0
    for here, (letter, sound) in enumerate(own):
        places = [
            (other, there)
            for other in others
            for there in range(len(other))
            if other[there][0] == letter
        ]
        between = [
            (other, there)
            for other, there in places
            if look(other, there - 1)[0] == look(own, here - 1)[0]
            and look(other, there + 1)[0] == look(own, here + 1)[0]
        ]
        weights = {}
        for other, there in between or places:
            said = other[there][1]
            weight = 4.0 ** count_neighbours(other, there, here)
            weights[said] = weights.get(said, 0.0) + weight
        share = weights.get(sound, 0.0) / max(sum(weights.values()), 1e-9)
        total += math.log(max(share, 0.02))
    return total


@pytest.mark.parametrize(
    "word, pronunciations",
    [
        ("nations", ["n e ʃ ə n z", "n e ʃ ɪ n z"]),
        ("rationic", ["r æ ʃ ə n ɪ k", "r æ ʃ ɪ n ɪ k", "k"]),
        ("stonic", ["z t ɔ n ɪ k", "s t ɔ n ɪ k"]),
        ("жtonic", ["t ʌ n", "t ɔ n ɪ k"]),
        ("on", ["ø ø", "ɔ n"]),
        ("cit", ["k ɪ t", "k ɪ d"]),
        ("internationalisation", ["ɪ n t n æ ʃ ə n n a s e ʃ ə n", "ɪ n"]),
        (
            "disestablishmental",
            [
                "d ɪ s ɪ s t æ b l ɪ ʃ m ə n t ə l",
                "d ɪ s ɛ s t æ b l ɪ ʃ m ɛ n t ə l",
                "d ɪ s ɛ s t æ b l ɪ ʃ m ə n t",
            ],
        ),
    ],
)
def test_what_is_said_is_weighed_as_by_definition(word, pronunciations):
    weighed = weigh(Analogy(LEXICON), word, *pronunciations)
    by_definition = [
        log_probability_by_definition(LEXICON, word, each.split())
        for each in pronunciations
    ]
    expected = [each - max(by_definition) for each in by_definition]
    assert len(set(expected)) > 1
    assert weighed == pytest.approx(expected, abs=1e-9)


def test_a_choice_is_made_as_in_the_word_that_is_most_alike():
    analogy = Analogy(LEXICON)
    schwa, other = weigh(analogy, "nationic", "n e ʃ ə n ɪ k", "n e ʃ ɪ n ɪ k")
    assert schwa > other
    schwa, other = weigh(analogy, "rationic", "r æ ʃ ə n ɪ k", "r æ ʃ ɪ n ɪ k")
    assert other > schwa


def test_words_do_not_depend_on_each_other():
    analogy = Analogy(LEXICON)
    words = [analogy.encode(word) for word in ("nationic", "on", "tonton")]
    candidates = [
        [["n", "e", "ʃ"], ["n", "ʃ", "ə", "n"]],
        [],
        [["t", "ɔ", "n", "t", "ʌ", "n"]],
    ]
    assert analogy.weigh(words, candidates) == [
        analogy.weigh([word], [several])[0]
        for word, several in zip(words, candidates)
    ]
    assert analogy.weigh([], []) == []


def test_what_letters_cannot_spell_is_said_like_nothing():
    known, unheard, long = weigh(
        Analogy(LEXICON), "kit", "k ɪ t", "ø ø ø", "k ɪ t k ɪ t k"
    )
    assert known == 0.0
    assert unheard == long < 2 * math.log(0.02)


def test_where_there_is_nothing_to_compare_all_are_alike():
    assert weigh(Analogy(LEXICON), "жж", "ø ø", "ø", "ø ø ø ø ø") == [0.0] * 3


def test_a_letter_that_the_lexicon_lacks_is_like_none_of_it():
    # whatever stands beside it
    analogy = Analogy({"abcb": [["a", "b", "s", "b"]]})
    assert weigh(analogy, "cжb", "s s b", "s ø b") == [0.0, 0.0]


def test_spelling_is_that_of_the_lexicon():
    analogy = Analogy({"가각": [["k", "a", "k"]], "\xe9tea's": [["e", "t"]]})
    assert analogy.encode("각") == ["ᄀ", "ᅡ", "ᆨ"]
    assert analogy.encode("\xc9\xc4T\u2019") == ["e\u0301", "a", "t", "'"]
    assert analogy.encode("ж") == ["ж"]
    assert analogy.symbols == ["a", "e", "k", "t"]


def test_words_and_pronunciations_are_as_many():
    with pytest.raises(ValueError, match="got 0 for 1 words"):
        Analogy(LEXICON).weigh([["k"]], [])


TOO_MUCH = {"東": [["h", "i", "g", "a"]], "京": [["k", "j", "oː"]]}


@pytest.mark.parametrize(
    "lexicon, found",
    [
        ({}, "got 0 pronunciation.*, 0 of"),
        ({"": [[]]}, "got 1 pronunciation.*, 0 of"),
        ({**TOO_MUCH, "か": [["k", "a"]]}, "got 3 pronunciation.*, 1 of"),
    ],
    ids=["empty", "silent", "two of three"],
)
def test_a_lexicon_must_spell_its_phonemes(lexicon, found):
    with pytest.raises(ValueError, match=found):
        Analogy(lexicon)


def test_what_a_lexicon_does_not_spell_is_counted(caplog):
    Analogy({**LEXICON, **TOO_MUCH})
    assert f"passes over 2 of {len(LEXICON) + 3} pron" in caplog.text
