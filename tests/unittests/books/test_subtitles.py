"""Subtitles are short, in order, and where their words are said."""

from sb_sma.books.subtitles import Cue, format_srt, make_cues
from sb_sma.metrics.word_times import WordTime

TEXT = (
    "The old man paid $5.50, and he said that every winter the water rises a "
    "little higher than before. Then he left, and nobody ever came back."
)


def spoken(text):
    words = text.replace("$5.50,", "5 dollars 50 cents").split()
    return [
        WordTime(word.strip(".,"), 0.5 * index, 0.5 * index + 0.4, True)
        for index, word in enumerate(words)
    ]


def test_cues_are_the_text_in_order():
    words = spoken(TEXT)
    cues = make_cues(TEXT, words, start=10.0, end=40.0)
    assert " ".join(cue.text for cue in cues) == TEXT
    assert len(cues) > 1 and all(len(cue.text) <= 84 for cue in cues)
    times = [time for cue in cues for time in (cue.start, cue.end)]
    assert times == sorted(times)
    assert cues[0].start == 10.0 and cues[-1].end == 10.0 + words[-1].end


def test_a_cue_begins_with_its_first_word():
    words = spoken(TEXT)
    cues = make_cues(TEXT, words, start=0.0, end=30.0)
    first = cues[-1].text.split()[0].strip(".,")
    assert cues[-1].start in [w.start for w in words if w.text == first]


def test_a_passage_whose_words_are_written_otherwise_has_a_cue():
    assert make_cues("§ 5", [WordTime("section", 0, 1, True)], 2.0, 3.0) == [
        Cue(2.0, 2.0, "§ 5")
    ]


def test_numbers_and_times():
    text = format_srt([Cue(0.0, 1.0, "a"), Cue(59.9996, 60.5, "b")])
    assert text.splitlines() == [
        *("1", "00:00:00,000 --> 00:00:01,000", "a", ""),
        *("2", "00:01:00,000 --> 00:01:00,500", "b"),
    ]
