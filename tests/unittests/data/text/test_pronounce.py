"""Words are read by the lexicon first, then by a rule in place of a model."""

import threading

import pytest

from sb_sma.data.espeak.voice import END, PAUSE
from sb_sma.data.lexicon.cmudict import find_cmudict
from sb_sma.data.lexicon.read import read_pronunciations
from sb_sma.data.text.pronounce import Pronouncer


@pytest.fixture(scope="module")
def lexicon():
    return read_pronunciations(find_cmudict())


class Spelling:
    """Says an unknown word by its letters in capitals; keeps what it read."""

    def __init__(self):
        self.asked = []

    def __call__(self, words):
        self.asked += words
        return [list(word.upper()) for word in words]


def say(lexicon, text, keep_stress=False):
    predict = Spelling()
    tokens = Pronouncer(lexicon, predict, keep_stress).tokens(text)
    return " ".join(tokens).replace(PAUSE, "_").replace(END, "$"), predict.asked


@pytest.mark.parametrize(
    "text, expected",
    {
        "The DOG": "DH AH D AO G $",
        # homographs, by the words beside them
        "We have read it, we will read on.": (
            "W IY HH AE V R EH D IH T _ W IY W IH L R IY D AA N $"
        ),
        "Lead pipes lead here.": "L EH D P AY P S L IY D HH IY R $",
        "A dog. A cat, plan A": ("AH D AO G _ _ _ AH K AE T _ P L AE N EY $"),
        "USA, US and us": "Y UW EH S EY _ Y UW EH S AH N D AH S $",
        "TTS, NASA": "T IY T IY EH S _ N AE S AH $",
        "the PhD CDs": "DH AH P IY EY CH D IY S IY D IY Z $",
        "RSVP'D": "AA R EH S V IY P IY D IY $",
        "x w": "EH K S D AH B AH L Y UW $",
        "dog's cats' boss's": "D AO G Z K AE T S B AO S IH Z $",
        "state-of-the-art": "S T EY T AH V DH IH AA R T $",
        "well-lit": "W EH L L IH T $",
        "naïve café": "N AY IY V K AH F EY $",
        "'tis O'Brien's": "T IH Z OW B R AY IH N Z $",
    }.items(),
    ids=repr,
)
def test_the_lexicon_says_it(lexicon, text, expected):
    assert say(lexicon, text) == (expected, [])


@pytest.mark.parametrize(
    "text, expected, asked",
    [
        ("Blorptik", "B L O R P T I K $", ["blorptik"]),
        ("blorptik's", "B L O R P T I K S $", ["blorptik"]),
        ("blorptiz's", "B L O R P T I Z IH Z $", ["blorptiz"]),
        ("blorptin's", "B L O R P T I N Z $", ["blorptin"]),
        ("blorptiks'", "B L O R P T I K S $", ["blorptiks"]),
        ("dog-blorptik", "D AO G B L O R P T I K $", ["blorptik"]),
        ("blörptïk", "B L O R P T I K $", ["blorptik"]),
        ("BLORPTIK", "B L O R P T I K $", ["blorptik"]),
    ],
    ids=repr,
)
def test_the_model_says_the_rest(lexicon, text, expected, asked):
    assert say(lexicon, text) == (expected, asked)


def test_stress_is_kept_or_stripped_everywhere(lexicon):
    tokens, _ = say(lexicon, "A boss's dog, TTS", keep_stress=True)
    assert tokens == "AH0 B AO1 S IH0 Z D AO1 G _ T IY1 T IY1 EH1 S $"
    pronouncer = Pronouncer(lexicon, Spelling(), keep_stress=True)
    assert pronouncer.pronounce(["bench's"]) == [
        ["B", "EH1", "N", "CH", "IH0", "Z"]
    ]
    tokens, _ = say(lexicon, "A boss's dog, bench's TTS")
    assert not any(symbol[-1].isdigit() for symbol in tokens.split())


def test_the_model_is_asked_once_for_each_word(lexicon):
    predict = Spelling()
    pronouncer = Pronouncer(lexicon, predict)
    threads = [
        threading.Thread(target=pronouncer.tokens, args=("zorb blorp zorb",))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(predict.asked) == ["blorp", "zorb"]


@pytest.mark.parametrize(
    "text, asked",
    [
        ("Is it As", ["is", "it", "as"]),
        # letters by the names that a model can read
        ("TTS, w", ["double", "ess", "tee", "you"]),
        ("x-ray", ["ex", "ray"]),
    ],
)
def test_without_a_lexicon_the_model_says_everything(text, asked):
    predict = Spelling()
    Pronouncer({}, predict, keep_stress=False).tokens(text)
    assert sorted(predict.asked) == sorted(asked)


def test_a_silent_model_is_an_error(lexicon):
    pronouncer = Pronouncer(lexicon, lambda words: [[] for _ in words])
    with pytest.raises(ValueError, match="got nothing for 'zorb'. Write"):
        pronouncer.tokens("The zorb.")


def test_nothing_to_say_is_refused(lexicon):
    with pytest.raises(ValueError, match="at least one letter or digit"):
        say(lexicon, "...")


@pytest.mark.parametrize(
    "text", ["-'s go", "'-'s a", "''s go", "rock-'n'-roll", "--- well", "dogs'"]
)
def test_apostrophes_and_hyphens_at_the_ends_say_nothing(lexicon, text):
    predict = Spelling()
    tokens = Pronouncer(lexicon, predict, False).tokens(text)
    assert len(tokens) > 1 and "" not in predict.asked
