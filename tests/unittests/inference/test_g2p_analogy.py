"""Pronunciations are weighed by how words that look alike are said."""

import math

import pytest

from sb_sma.data.letter_alignment import LetterAligner
from sb_sma.inference.g2p_analogy import Analogy

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
    "word, pronunciation",
    [
        ("nations", "n e ʃ ə n z"),
        ("rationic", "r æ ʃ ə n ɪ k"),
        ("rationic", "r æ ʃ ɪ n ɪ k"),
        ("stonic", "z t ɔ n ɪ k"),
        ("øtonic", "t ʌ n"),
        ("on", "ø ø"),
        ("cit", "k ɪ t"),
        ("internationalisation", "ɪ n t n æ ʃ ə n n a s e ʃ ə n"),
    ],
)
def test_what_is_said_is_weighed_as_by_definition(word, pronunciation):
    (weighed,) = weigh(Analogy(LEXICON), word, pronunciation)
    expected = log_probability_by_definition(
        LEXICON, word, pronunciation.split()
    )
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


def test_letters_cannot_spell_anything():
    (said,) = weigh(Analogy(LEXICON), "on", "ɔ n z k ɪ")
    assert said == -math.inf


def test_what_was_never_seen_is_weighed():
    assert weigh(Analogy(LEXICON), "øø", "ø ø") == [2 * math.log(0.02)]


def test_spelling_is_that_of_the_lexicon():
    analogy = Analogy({"가각": [["k", "a", "k"]], "\xe9t\xe9": [["e", "t"]]})
    assert analogy.encode("각") == ["ᄀ", "ᅡ", "ᆨ"]
    assert analogy.encode("\xc9T") == analogy.encode("e\u0301t")
    assert analogy.symbols == ["a", "e", "k", "t"]


@pytest.mark.parametrize("lexicon", [{}, {"東": [["h", "i", "g", "a"]]}])
def test_a_lexicon_must_spell_its_phonemes(lexicon):
    with pytest.raises(ValueError, match=f"got {len(lexicon)} word"):
        Analogy(lexicon)
