"""Names that look the same are found, and what does not show is shown."""

import os

import pytest

from sb_sma.data.speech.names import (
    find_alike,
    same_look,
    strip_invisible,
    tell_near_names,
    visible,
)

COMPOSED, DECOMPOSED = "M\xfcller", "Mu\u0308ller"


@pytest.mark.parametrize(
    "name, shown",
    [
        ("a 1.wav", "a 1.wav"),
        ("Мама, 妈妈, माँ", "Мама, 妈妈, माँ"),
        (COMPOSED, COMPOSED),
        (DECOMPOSED, "Mu\\u0308ller"),
        ("\u200ba1", "\\u200ba1"),
        ("a\xa01\ufeff", "a\\xa01\\ufeff"),
        ("a\t1", "a\\t1"),
        # of a name that is not UTF-8
        ("caf\udce9", "caf\\udce9"),
    ],
)
def test_every_character_of_a_name_is_seen(name, shown):
    assert visible(name) == shown
    assert visible(shown).encode("utf-8")


@pytest.mark.parametrize(
    "text, stripped",
    [
        ("\ufeff \u200b a b\u2060\n", "a b"),
        ("a\u200bb", "a\u200bb"),
        ("\u200b\ufeff ", ""),
        ("", ""),
    ],
)
def test_what_does_not_show_is_stripped_from_the_ends(text, stripped):
    assert strip_invisible(text) == stripped


def test_names_look_the_same_whatever_their_form():
    assert same_look(DECOMPOSED) == same_look(COMPOSED + "\u200b ") == COMPOSED
    assert same_look("A") != same_look("a")


@pytest.mark.parametrize(
    "there, written",
    [
        ("a.wav", "a.wav"),
        (f"{COMPOSED}/{DECOMPOSED}.wav", f"{DECOMPOSED}/{COMPOSED}.wav"),
        (f"{DECOMPOSED}/a.wav", f"{COMPOSED}/a.wav"),
        ("clips/a.wav", "clips\\a.wav"),
        ("a\\b.wav", "a\\b.wav"),
        (f"{DECOMPOSED}/clips/a.wav", f"{COMPOSED}\\clips\\a.wav"),
        ("a.wav", "\u200ba.wav"),
        ("a\ufeff.wav", "a.wav"),
    ],
)
def test_what_looks_the_same_is_found(tmp_path, there, written):
    path = tmp_path / there
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert find_alike(tmp_path / written) == path


def test_what_is_written_comes_before_what_looks_the_same(tmp_path):
    for name in (COMPOSED, DECOMPOSED):
        (tmp_path / name).touch()
        assert find_alike(tmp_path / name).name == name
    # neither of both is meant more than the other
    unclear = tmp_path / f"{COMPOSED}\u200b"
    assert find_alike(unclear) == unclear


@pytest.mark.parametrize("name", ["b.wav", "A.wav", "b/a.wav", "x" * 300])
def test_what_does_not_exist_stays_as_it_is(tmp_path, name):
    (tmp_path / "a.wav").touch()
    assert find_alike(tmp_path / name) == tmp_path / name


@pytest.mark.parametrize(
    "there, missing, told",
    [
        ("a.WAV", "a.wav", " ('a.wav' is not there, but 'a.WAV')"),
        ("a .wav", "a.wav", " ('a.wav' is not there, but 'a .wav')"),
        ("a.flac", "a.wav", " ('a.wav' is not there, but 'a.flac')"),
        ("a.wav", "a", " ('a' is not there, but 'a.wav')"),
        ("a.wav", "a.wav.wav", " ('a.wav.wav' is not there, but 'a.wav')"),
        ("Wavs/a.wav", "wavs/a.wav", " ('wavs' is not there, but 'Wavs')"),
        ("a.wav", "b.wav", ""),
        (
            "a1.wav",
            "\u04301.wav",
            r" ('\u04301.wav' is not there, but 'a1.wav')",
        ),
        (
            "a-1.wav",
            "a\u20131.wav",
            r" ('a\u20131.wav' is not there, but 'a-1.wav')",
        ),
        (
            "o'n.wav",
            "o\u2019n.wav",
            " ('o\\u2019n.wav' is not there, but \"o'n.wav\")",
        ),
        (
            "o\u2019n.wav",
            "o'n.wav",
            " (\"o'n.wav\" is not there, but 'o\\u2019n.wav')",
        ),
        (
            "a1.wav",
            "\uff41\uff11.wav",
            r" ('\uff41\uff11.wav' is not there, but 'a1.wav')",
        ),
        ("a 1.wav", "a%201.wav", " ('a%201.wav' is not there, but 'a 1.wav')"),
        (
            "\u041f\u0430.wav",
            "\u041fa.wav",
            r" ('\u041fa.wav' is not there, but '\u041f\u0430.wav')",
        ),
        ("\u041f\u0430.wav", "\u041f\u0432.wav", ""),
    ],
)
def test_names_that_are_nearly_the_same_are_told(
    tmp_path, there, missing, told
):
    path = tmp_path / there
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert tell_near_names(tmp_path / missing) == told


def test_a_missing_folder_is_told(tmp_path):
    told = tell_near_names(tmp_path / "clips" / "new" / "a.wav")
    assert told == f" ('{tmp_path / 'clips'}' is not there)"


def test_a_file_that_comes_later_is_found(tmp_path):
    assert find_alike(tmp_path / COMPOSED).name == COMPOSED
    (tmp_path / DECOMPOSED).touch()
    # some file systems count time in steps
    os.utime(tmp_path, ns=(0, 1))
    assert find_alike(tmp_path / COMPOSED).name == DECOMPOSED
