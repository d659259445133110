"""Words are cut where letters and phonemes belong together, and joined anew."""

from sb_sma.data.lexicon.read import LexiconEntry
from sb_sma.data.lexicon.splicing import splice

# each letter has its phonemes, but sh and e at the end
SPELLING = {"sh": "ʃ", "x": "k s", "b": "b", "n": "n", "a": "æ", "i": "ɪ"}


def spell(*chunks):
    word = "".join(chunks)
    return LexiconEntry(
        word, (tuple(" ".join(map(SPELLING.get, chunks)).split()),)
    )


WORDS = [
    spell(first, vowel, last)
    for first in ("sh", "b", "n")
    for vowel in ("a", "i")
    for last in ("x", "b", "sh")
]


def test_spliced_words_are_new_and_said_as_their_parts_are():
    seen = [entry for entry in WORDS if entry.word != "bix"]
    seen.append(spell("b", "a", "n", "i", "x"))
    new = splice(seen, 40)
    words = [entry.word for entry in new]
    assert len(set(words)) == len(words) > 5
    assert not set(words) & {entry.word for entry in seen}
    assert max(map(len, words)) <= 6
    for entry in new:
        chunks = entry.word.replace("sh", "S")
        expected = spell(*(c.replace("S", "sh") for c in chunks))
        assert entry.pronunciations == expected.pronunciations
    assert splice(seen, 40) == new
    assert splice(seen, 3) == new[:3]


def test_nothing_can_be_spliced_from_one_word():
    assert splice([LexiconEntry("bat", (("b", "æ", "t"),))], 5) == []


def test_marks_stay_with_their_letters():
    entries = [
        LexiconEntry("e\u0301ta", (("e", "t", "a"),), "fre"),
        LexiconEntry("ote\u0301", (("o", "t", "e"),), "fre"),
    ]
    new = {entry.word: entry for entry in splice(entries, 9)}
    assert set(new) <= {"\xe9t\xe9", "ota"} and new
    assert {entry.language for entry in new.values()} == {"fre"}


def test_syllables_of_hangul_are_cut_into_letters():
    entries = [
        LexiconEntry("가각", (("k", "a", "ɡ", "a", "k"),), "kor"),
        LexiconEntry("나각", (("n", "a", "ɡ", "a", "k"),), "kor"),
        LexiconEntry("가낙", (("k", "a", "n", "a", "k"),), "kor"),
    ]
    new = splice(entries, 5)
    assert "나낙" in [entry.word for entry in new]


def test_no_word_is_spliced_of_what_cannot_be_cut():
    entries = [LexiconEntry("東京", (("t", "oː", "k", "j", "oː"),), "jpn")] * 2
    assert splice(entries, 5) == []


def test_no_spliced_word_is_silent():
    entries = [
        LexiconEntry("ah", (("a",),)),
        LexiconEntry("ha", (("a",),)),
        LexiconEntry("hah", (("a",),)),
    ]
    new = splice(entries, 9)
    assert all(entry.pronunciations[0] for entry in new)
