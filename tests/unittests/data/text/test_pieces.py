"""Long texts are cut where a sentence ends for certain, or a clause does."""

import time

import pytest

from sb_sma.data.text.pieces import cut_text, pauses_after


def sentences(text):
    """Cut wherever a sentence ends: no two fit together."""
    from sb_sma.data.text.pieces import _sentences

    return [sentence.strip() for sentence in _sentences(text)]


CERTAIN = {
    "plain": ["He came.", "She left!", "Why?", "So."],
    "quotes": ['"Yes," he said.', "“No.”", "‘Oh dear!’", "He left."],
    "ellipsis": ["I said so...", "He left…", "Then nothing."],
    "brackets": ["He came (late).", "She left."],
    "year": ["It was in 1999.", "Then it was not."],
    "money": ["It costs $5.50.", "It is 3.5 times as much."],
    "German": ["Er kam.", "„Ja.“", "Sie ging."],
    "French": ["« Oui. »", "Voilà !", "Il va."],
    "Spanish": ["¿Qué?", "¡No!", "Él fue."],
    "Russian": ["Он пришёл.", "Она ушла."],
    "Japanese": ["今日は。", "元気ですか？", "「そう。」", "はい"],
    "Hindi": ["यह है।", "वह है।"],
    "Arabic": ["ماذا؟", "نعم."],
}


@pytest.mark.parametrize("expected", CERTAIN.values(), ids=CERTAIN)
def test_sentences_are_told_apart(expected):
    space = "" if "今日は。" in expected else " "
    assert sentences(space.join(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith, Mrs. Jones and Prof. Lee met Col. Brown at St. James St. Then.",
        "J. R. R. Tolkien and George W. Bush.",
        "See p. 5, vol. 2, fig. 3, No. 7 and ch. 4.",
        "At 5 p.m. Eastern time, in the U.S. Navy, i.e. There.",
        "Apple Inc. Bought it, vs. Samsung Corp. And others.",
        "Version 2.0.1 of www.example.com is $1,000.50.",
        '"What?" he said. and "Stop!" she cried.',
        "Wait... what? no! yes.",
        "Das ist z. B. Hans am 5. Mai, Nr. 3, Bd. 2, bzw. Abb. 4, Hr. Maier.",
        "M. Dupont et Mme. Curie, chap. 3.",
        "El Sr. Pérez y la Sra. Díaz, pág. 5.",
        "А. С. Пушкин, ул. Ленина, стр. 5.",
    ],
)
def test_what_may_be_no_end_is_not_cut_at(text):
    assert sentences(text) == [text]


def test_neighbours_stay_together_as_far_as_there_is_room():
    text = "One two. Three four. Five six. Seven."
    assert [p.text for p in cut_text(text, 21)] == [
        "One two. Three four.",
        "Five six. Seven.",
    ]
    assert [p.text for p in cut_text(text, 1000)] == [text]


def test_clauses_words_and_letters_are_next():
    text = "When he came, she left; nobody knew why (not even he) and so on"
    assert [p.text for p in cut_text(text, 30)] == [
        "When he came, she left;",
        "nobody knew why (not even he)",
        "and so on",
    ]
    assert [p.text for p in cut_text("a" * 25, 10)] == [
        "a" * 10,
        "a" * 10,
        "a" * 5,
    ]
    assert [p.text for p in cut_text("漢字、仮名、漢字", 4)] == [
        "漢字、",
        "仮名、",
        "漢字",
    ]


@pytest.mark.parametrize("longest", [1, 7, 40, 250])
def test_nothing_is_lost(longest):
    text = (
        'Dr. Smith said: "It is $5.50; no—more." Then he left... at 5 p.m. '
        "sharp (why?).\nA line.\n\nNext: an-other 1,000 words, vs. none!"
    )
    pieces = cut_text(text, longest)
    assert all(0 < len(piece.text) <= longest for piece in pieces)
    said = "".join(filter(str.isalnum, "".join(p.text for p in pieces)))
    assert said == "".join(filter(str.isalnum, text))


def test_pauses_are_those_of_the_marks():
    text = "One,\n\n* * *\n\nTwo; three. “Four!”"
    pieces = cut_text(text, 10)
    assert [(p.text, p.pauses) for p in pieces] == [
        ("One,", 5),
        ("Two;", 2),
        ("three.", 3),
        ("“Four!”", 3),
    ]
    assert [
        pauses_after(t) for t in ("a", "a,", "a、", "a…", "a。", "a-b")
    ] == [*(0, 1, 1, 2, 3, 0)]


@pytest.mark.parametrize("text", ["", " \n\n ", "* * *", "..."])
def test_nothing_to_say_is_one_piece(text):
    (piece,) = cut_text(text, 10)
    assert piece.text == text.strip()


def test_a_long_text_is_cut_in_no_time():
    import time

    text = "The old man left, and p. 5 of it was torn. " * 5000
    start = time.process_time()
    assert len(cut_text(text, 250)) > 800
    cut_text("a" * 200_000, 250)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "mark", [".", "!", ",", " ", "\n", ";", "-", ".'", " –"]
)
def test_a_run_of_marks_takes_no_longer_than_words(mark):
    """A thousand times as long where each is tried to the end of the run."""
    start = time.process_time()
    cut_text(f"a{mark * 20_000}b", 120)
    assert time.process_time() - start < 2.0
