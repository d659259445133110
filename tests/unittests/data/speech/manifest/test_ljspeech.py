"""Lines of metadata.csv are read as what they are, or not at all."""

import pytest

from sb_sma.data.speech.manifest.read import read_entries

TEXTS = [
    "Hello there, my friends.",
    "Good morning to you all.",
    "How do you do today?",
    "It is a nice day, Anna.",
    "We shall see you soon.",
    "They came on Monday.",
]


@pytest.fixture
def corpus(tmp_path):
    """Takes the lines of metadata.csv, and returns the folder."""

    def write(lines):
        (tmp_path / "wavs").mkdir()
        text = "\n".join("|".join(line) for line in lines)
        (tmp_path / "metadata.csv").write_text(text, encoding="utf-8")
        return tmp_path

    return write


def ids():
    return (f"a{i}" for i in range(9999))


def texts_of(folder):
    entries, problems = read_entries(folder)
    assert problems == []
    return [entry.text for entry in entries]


def test_the_normalised_text_is_read(corpus):
    lines = [(name, "Dr. No", text) for name, text in zip(ids(), TEXTS[:1])]
    assert texts_of(corpus(lines)) == TEXTS[:1]


def test_two_columns_are_id_and_text(corpus):
    folder = corpus(zip(ids(), TEXTS))
    assert texts_of(folder) == TEXTS
    entry = read_entries(folder)[0][0]
    assert entry.wav == folder / "wavs" / "a0.wav" and entry.labels == {}


@pytest.mark.parametrize(
    "pairs",
    [
        [("1907", "nineteen oh seven"), ("Dr.", "Doctor"), ("XIV", "fourteen")],
        # the same again and again
        3 * [("1", "one"), ("2", "two")],
        [
            ("5 %", "five per cent"),
            ("5%", "five per cent"),
            ("$5", "five dollars"),
        ],
        [("", text) for text in TEXTS],
        [("今天3点", "今天三点"), ("5月", "五月"), ("今天", "今天")],
        [("Anna", "Anna"), ("Anna", "Anna"), ("Ben", "Ben")],
        [("St. John", "Saint John"), ("St. John", "Street John")],
        [("1963.", "nineteen sixty-three."), ("1, 2!", "one two")],
        [
            ("今天天气很好", "jin1 tian1 tian1 qi4 hen3 hao3"),
            ("你好", "ni hao"),
        ],
        [("$5", "five dollars"), ("24/7", "all the time"), ("Dr.", "Doctor")],
    ],
    ids=[
        "numbers",
        "repeated",
        "spellings",
        "no original",
        "one word",
        "names",
        "two ways",
        "ends",
        "two scripts",
        "signs",
    ],
)
def test_texts_and_their_normalised_forms_are_no_speakers(corpus, pairs):
    lines = [(name, *pair) for name, pair in zip(ids(), pairs)]
    assert texts_of(corpus(lines)) == [pair[1] for pair in pairs]


def test_no_piece_of_ljspeech_is_taken_for_speakers(shared, corpus):
    content = (shared / "data" / "ljspeech-transcripts.csv").read_text("utf-8")
    lines = [line.split("|") for line in content.splitlines()]
    folder = corpus(lines)
    assert len(texts_of(folder)) == len(lines)
    for size in (2, 3, 4, 5):
        for start in range(0, len(lines), 650):
            rows = ["|".join(line) for line in lines[start : start + size]]
            (folder / "metadata.csv").write_text("\n".join(rows), "utf-8")
            assert len(texts_of(folder)) == len(rows)


@pytest.mark.parametrize(
    "speakers",
    [
        ["anna", "ben"],
        ["p225"],
        ["0", "1", "2"],
        ["Anna Maria", "Benedict Cumber"],
        ["anna", "anna", "ben", "carl", "dora", "eve"],
    ],
    ids=["two", "one", "numbers", "full names", "few of most"],
)
@pytest.mark.parametrize("comes_last", [False, True])
def test_a_column_of_speakers_is_refused(corpus, speakers, comes_last):
    lines = []
    for i, text in enumerate(TEXTS):
        pair = [speakers[i % len(speakers)], text]
        lines.append([f"a{i}", *(pair[::-1] if comes_last else pair)])
    with pytest.raises(
        ValueError,
        match=r"metadata.csv must have lines id\|text\|normalised text, where "
        r"the last two say the same; got '.*' beside \d different texts, such "
        r"as '.*'. Name the columns in a line above the first: id\|speaker\|",
    ):
        read_entries(corpus(lines))


@pytest.mark.parametrize(
    "column",
    [
        "1.20 2.05 0.9 3.33 1.751 2.4",
        "1,2s 2,5s 0,9s 3,3s 1,75s 2,4s",
        "wavs/a.wav wavs/b.wav wavs/c.wav wavs/d.wav wavs/e.wav wavs/f.wav",
        "a.flac b.flac c.flac d.flac e.flac f.flac",
        "clips/a1 clips/a2 clips/a3 clips/a4 clips/a5 clips/a6",
        "p225 p226 p227 p228 p229 p230",
        "anna ben carl dora eve finn",
        "1 2 3 4 5 6",
        "1200 2310 980 1440 3010 1999",
        "0:01:02 0:01:03 0:01:09 0:02:05 0:03:00 0:05:50",
        "Anna-Maria-Smith Ben-Jones Carl-Meyer Dora-Leeson Eva-Ross Fin-Orr",
    ],
    ids=lambda column: column.split()[0],
)
@pytest.mark.parametrize("comes_last", [False, True])
def test_a_column_of_something_else_is_refused(corpus, column, comes_last):
    lines = []
    for i, pair in enumerate(zip(column.split(), TEXTS)):
        lines.append([f"a{i}", *(pair[::-1] if comes_last else pair)])
    with pytest.raises(
        ValueError,
        match=r"the last two say the same; got '.*' beside '.*'. Name the "
        r"columns in a line above .* remove a column that is something else",
    ):
        read_entries(corpus(lines))


def test_speakers_who_say_the_same_are_refused(corpus):
    lines = [(name, f"p{name}", "Yes.") for name, _ in zip(ids(), range(5))]
    with pytest.raises(ValueError, match="got 'Yes.' beside 5 different texts"):
        read_entries(corpus(lines))


@pytest.mark.parametrize(
    "header, line, expected",
    [
        ("id|speaker|text", "a|anna|Yes.", ("Yes.", {"speaker": "anna"})),
        ("ID|Text|Speaker", "a|Yes.|anna", ("Yes.", {"speaker": "anna"})),
        ("id|text|normalised text", "a|Y.|Yes.", ("Yes.", {})),
        ("id|text|normalized_text", "a|Y.|Yes.", ("Yes.", {})),
        ("id|text", "a|Yes.", ("Yes.", {})),
        (
            "id|speaker|text|normalised text|style_mood",
            "a|anna|Y.|Yes.|calm",
            ("Yes.", {"speaker": "anna", "style_mood": "calm"}),
        ),
    ],
)
def test_a_first_line_names_the_columns(corpus, header, line, expected):
    folder = corpus([[header], [line]])
    [entry], problems = read_entries(folder)
    assert (entry.text, entry.labels) == expected and problems == []
    assert entry.place.endswith("line 2")
    assert entry.wav == folder / "wavs" / "a.wav"


def test_a_first_line_may_name_the_recordings(corpus):
    folder = corpus([["id|wav|text"], ["a|clips/x.flac|Yes."]])
    assert read_entries(folder)[0][0].wav == folder / "clips" / "x.flac"


def test_a_first_line_keeps_texts_that_look_like_speakers(corpus):
    pairs = [("½", "half"), ("½", "one half"), ("½", "a half")]
    lines = [(name, *pair) for name, pair in zip(ids(), pairs)]
    folder = corpus([["id", "text", "normalised text"], *lines])
    assert texts_of(folder) == ["half", "one half", "a half"]


@pytest.mark.parametrize(
    "header, message",
    [
        ("id|speaker_name|text", "got 'speaker_name'. Rename it to speaker"),
        ("file_name|transcription", "got 'file_name'. Rename it"),
        ("wav_filename|transcript", "got 'wav_filename'. Rename it"),
        (
            "wav_filename|wav_filesize|transcript",
            "got 'wav_filename'. Rename it",
        ),
        ("audio_file_path|raw_text", "got 'audio_file_path'. Rename it"),
        ("id|speaker", "columns must be id, wav, text, each once"),
        ("id|text|normalized|raw", "got 'raw'. Rename it, or remove it"),
    ],
)
def test_names_of_other_columns_are_told(corpus, header, message):
    with pytest.raises(
        ValueError,
        match=rf"line 1 names the columns: .*{message}.*Remove the line if "
        r"they are id\|text or id\|text\|normalised text",
    ):
        read_entries(corpus([[header], ["a|b|c|d"]]))


def test_a_word_that_names_columns_may_be_said(corpus):
    pairs = [("text", "text"), ("file", "file"), ("duration", "duration")]
    lines = [(text, text, text) for _, text in pairs]
    assert texts_of(corpus(lines)) == [text for _, text in pairs]


@pytest.mark.parametrize(
    "line, message",
    [
        ("a|anna|Y.|Yes.", r"got 4 field\(s\) with | between them, 'a|anna"),
        ("a Yes, you.", r"got 1 field\(s\) with | between them, 'a Yes, you.'"),
        ("id,wav,text", "of a table with a header, give the file itself"),
    ],
)
def test_another_number_of_columns_is_one_error(corpus, line, message):
    with pytest.raises(ValueError, match="metadata.csv, line 1: expected") as e:
        read_entries(corpus(5 * [[line]]))
    assert message.replace("\\", "") in str(e.value)


def test_single_lines_with_other_columns_are_problems(corpus):
    lines = [(name, text, text) for name, text in zip(ids(), TEXTS)]
    lines[1:3] = [("b", "One."), ("c", "x", "Two.", "Two.")]
    entries, problems = read_entries(corpus(lines))
    assert len(entries) == 4
    assert [problem.split(", ", 1)[1] for problem in problems] == [
        f"line {number}: expected 3 fields (id|text|normalised text), got "
        f"{count}. Mend the line."
        for number, count in ((2, 2), (3, 4))
    ]


def test_a_path_as_an_id_is_told(corpus):
    entries, problems = read_entries(corpus([("wavs/a.wav", "Yes.")]))
    assert entries == []
    assert (
        "got 'wavs/a.wav'. Mend the line; a recording elsewhere" in problems[0]
    )
