"""Manifests of every layout give the same entries, bad lines their number."""

import gzip
import json
import re

import pytest

from sb_sma.data.speech.manifest.read import find_manifest, read_entries

HEADER = "id,wav,text"


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="manifest.csv"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8", newline="")
        return path

    return write_file


def in_json(write, content):
    return write(content, "manifest.json")


def problems_of(path):
    """Line numbers and texts of the problems."""
    prefix = f"{path}, line "
    problems = []
    for problem in read_entries(path)[1]:
        assert problem.startswith(prefix)
        number, text = problem.removeprefix(prefix).split(": ", 1)
        problems.append((int(number), text))
    return problems


def contents(path):
    """Everything of the entries but the place."""
    entries, problems = read_entries(path)
    assert problems == []
    return [(e.name, e.wav, e.text, e.labels, e.split) for e in entries]


def test_csv_json_and_ljspeech_give_the_same_entries(write, tmp_path):
    texts = {"a1": 'Yes, "you".', "a2": "No."}
    lines = ['a1,wavs/a1.wav,"Yes, ""you""."', "a2, wavs/a2.wav , No."]
    from_csv = write("\n".join([HEADER, *lines]) + "\n")
    from_json = in_json(
        write,
        json.dumps(
            {
                name: {"text": text, "wav": f"wavs/{name}.wav"}
                for name, text in texts.items()
            }
        ),
    )
    write(
        "".join(f"{name}|...|{text}\n" for name, text in texts.items()),
        "metadata.csv",
    )
    (tmp_path / "wavs").mkdir()
    expected = [
        (name, tmp_path / "wavs" / f"{name}.wav", text, {}, None)
        for name, text in texts.items()
    ]
    assert contents(from_csv) == expected
    assert contents(from_json) == expected
    assert contents(tmp_path) == expected
    from_lines = write(
        "\n".join(
            json.dumps({"id": name, "wav": f"wavs/{name}.wav", "text": text})
            for name, text in texts.items()
        ),
        "manifest.jsonl",
    )
    assert contents(from_lines) == expected
    for delimiter in ";\t|":
        rows = [HEADER, 'a1,wavs/a1.wav,"Yes; ""you""."', "a2,wavs/a2.wav,No."]
        table = write("\n".join(rows).replace(",", delimiter), "a.csv")
        texts["a1"] = 'Yes; "you".'
        assert [e[2] for e in contents(table)] == list(texts.values())


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_labels_and_splits_are_carried(write, tmp_path, kind):
    columns = {"speaker": "anna", "style": "calm", "style_rate": "120"}
    row = {"wav": "/elsewhere/x.flac", "text": "Yes.", **columns}
    row["split"] = "valid"
    if kind == "json":
        path = in_json(write, json.dumps({"x": row}))
    else:
        lines = [",".join(["id", *row]), ",".join(["x", *row.values()])]
        path = write("\n".join(lines))
    [(name, wav, _, labels, split)] = contents(path)
    assert (name, str(wav), split) == ("x", "/elsewhere/x.flac", "valid")
    assert labels == columns


def test_bom_windows_line_ends_and_blank_lines_do_no_harm(write):
    path = write(f"\ufeff{HEADER}\r\n\r\na,a.wav,Yes.\r\n\r\nb,b.wav\r\n")
    assert [e.name for e in read_entries(path)[0]] == ["a"]
    assert [number for number, _ in problems_of(path)] == [5]


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "jsonl"])
def test_endings_in_capitals_are_read(write, ending):
    row = {"wav": "a.wav", "text": "Yes."}
    content = {
        "csv": f"{HEADER}\na,a.wav,Yes.",
        "tsv": "id\twav\ttext\na\ta.wav\tYes.",
        "json": json.dumps({"a": row}),
        "jsonl": json.dumps({"id": "a", **row}),
    }[ending]
    for name in (f"m.{ending}", f"m.{ending.upper()}"):
        assert [e[0] for e in contents(write(content, name))] == ["a"]


def test_columns_are_known_whatever_their_case(write, tmp_path):
    expected = [("a", tmp_path / "a.wav", "Yes.", {"speaker": "Anna"}, None)]
    table = write("ID; WAV ;Text;\u200bSpeaker\na;a.wav;Yes.;Anna\n")
    assert contents(table) == expected
    row = {"Wav": "a.wav", "TEXT": "Yes.", "Speaker": "Anna"}
    assert contents(in_json(write, json.dumps({"a": row}))) == expected
    row["text"] = "No."
    assert (
        "each once" in problems_of(in_json(write, json.dumps({"a": row})))[0][1]
    )


def test_quotes_in_a_table_of_tabs_mean_little(write):
    texts = ['"Yes," he said.', 'He said "no".', '"', '"All ""in"" quotes."']
    rows = [f"a{i}\ta.wav\t{text}" for i, text in enumerate(texts)]
    path = write("\n".join(["id\twav\ttext", *rows]), "a.tsv")
    assert [e[2] for e in contents(path)] == [*texts[:3], 'All "in" quotes.']


@pytest.mark.parametrize("blank", ["", " ", ",,", "\u200b"])
def test_lines_without_anything_are_passed_over(write, blank):
    path = write(f"{blank}\n{HEADER}\n{blank}\na,a.wav,Yes.\n{blank}\nb\n")
    assert [entry.name for entry in read_entries(path)[0]] == ["a"]
    assert [number for number, _ in problems_of(path)] == [6]


def test_byte_order_marks_of_joined_files_do_no_harm(write, tmp_path):
    rows = [
        HEADER,
        "a,a.wav,Yes.",
        '\ufeff"b","b.wav","No."',
        "\ufeffc,c.wav,So.",
    ]
    assert [e[2] for e in contents(write("\n".join(rows)))] == [
        "Yes.",
        "No.",
        "So.",
    ]
    write("\ufeffa|A|A\n\ufeff\ufeffb|B|B\n", "metadata.csv")
    (tmp_path / "wavs").mkdir()
    assert [e[:2] for e in contents(tmp_path)] == [
        (name, tmp_path / "wavs" / f"{name}.wav") for name in "ab"
    ]


def test_files_joined_without_a_line_end_are_told(write):
    told = r"a byte order mark (U+FEFF) must begin a line; got one inside "
    joined = f"a,a.wav,Yes.\ufeff{HEADER}"
    [(number, problem)] = problems_of(write(f"{HEADER}\n{joined}\nb,b.wav,No."))
    assert number == 2
    assert problem.startswith(f"{told}'Yes.\\ufeffid', as where files are")
    # after a quote it is an error of the whole table
    joined = f'a,a.wav,"Yes."\ufeff{HEADER}'
    with pytest.raises(ValueError, match=f"line 2: {re.escape(told)}"):
        read_entries(write(f"{HEADER}\n{joined}\nb,b.wav,No."))


def test_the_header_of_a_joined_file_is_no_utterance(write):
    path = write(f"{HEADER}\na,a.wav,Yes.\n\ufeffID,wav,text\nb,b.wav,No.\n")
    assert [entry.name for entry in read_entries(path)[0]] == ["a", "b"]
    assert problems_of(path) == [
        (3, "the header must come once; got it again. Remove the line.")
    ]


def test_quotes_that_swallow_lines_are_told(write):
    path = write(
        f'{HEADER}\na,a.wav,"Yes.\nb,b.wav,No.\nc,c.wav,So."\nd,d.wav,Ah.\n'
    )
    [(number, problem)] = problems_of(path)
    assert number == 2 and "got a field with the line 'b,b.wav,No.'" in problem
    # which is no fault where the line is none of the manifest's
    text = "One, two, three.\nFour, five.txt, six."
    assert contents(write(f'{HEADER}\na,a.wav,"{text}"\n'))[0][2] == text


def test_bad_lines_of_objects_are_named(write):
    rows = [
        '{"id": "a", "wav": "a.wav", "text": "A"}',
        "",
        '{"id": "b", "wav": "b.wav", "text": 7}',
        '{"id": "c", "wav": "c.wav"',
        '["d", "d.wav", "D"]',
        '{"audio_filepath": "e.wav", "text": "E"}',
        '{"id": "a", "wav": "f.wav", "text": "F"}',
    ]
    expected = [
        (3, 'as {"id": "a1", "wav": "a1.wav", "text": "Yes."}; got {"id": "b"'),
        (4, "the line must be an object with strings as its columns"),
        (5, 'got ["d", "d.wav", "D"].'),
        (6, "got 'audio_filepath'. Rename it, or remove it."),
        (7, "the id 'a' must be unique, but line 1 has it, too"),
    ]
    found = problems_of(write("\n".join(rows), "a.jsonl"))
    assert len(found) == len(expected)
    for (number, text), (line, part) in zip(found, expected):
        assert number == line and part in text


@pytest.mark.parametrize(
    "before, after", [("\u200b", ""), (" ", "\ufeff \u2060")]
)
def test_what_does_not_show_is_no_part_of_a_field(
    write, tmp_path, before, after
):
    fields = [f"{before}{field}{after}" for field in ("a1", "a1.wav", "a1")]
    path = write(f"{HEADER}\n{','.join(fields)}\n")
    (tmp_path / "a1.wav").touch()
    assert contents(path) == [("a1", tmp_path / "a1.wav", "a1", {}, None)]


def test_names_of_recordings_are_found_in_every_form(write, tmp_path):
    composed, decomposed = "caf\xe9", "cafe\u0301"
    (tmp_path / decomposed).mkdir()
    (tmp_path / decomposed / f"{decomposed}.wav").touch()
    (tmp_path / f"{composed}.wav").touch()
    rows = [
        f"a,{composed}/{composed}.wav,A,{composed}",
        f"b,{decomposed}.wav,B,{decomposed}",
        f"c,{composed}\\{composed}.wav,C,{composed}",
    ]
    path = write("\n".join([f"{HEADER},speaker", *rows]))
    there = tmp_path / decomposed / f"{decomposed}.wav"
    wavs = [there, tmp_path / f"{composed}.wav", there]
    assert [e[1] for e in contents(path)] == wavs
    # and nobody becomes two speakers
    assert {e[3]["speaker"] for e in contents(path)} == {composed}


@pytest.mark.parametrize(
    "one, other, shown",
    [("a1", "A1", "A1"), ("caf\xe9", "cafe\u0301", "cafe\\u0301")],
    ids=["case", "form"],
)
def test_ids_that_are_one_file_elsewhere_are_told(write, one, other, shown):
    path = write(f"{HEADER}\n{one},a.wav,A\n{other},b.wav,B\n")
    [(number, problem)] = problems_of(path)
    assert number == 3
    assert problem.startswith(f"the id '{shown}' must be another one for")
    assert problem.endswith(f"line 2 has '{one}'. Rename one of them.")


def test_all_bad_lines_of_a_csv_are_named(write):
    rows = [
        "good,a.wav,Yes.,anna,train",
        "short,a.wav,Yes.",
        "comma,a.wav,Yes, you.,anna,train",
        "good,b.wav,Again.,anna,train",
        "../x,b.wav,Out.,anna,train",
        ",b.wav,Nameless.,anna,train",
        "nowav,,Lost.,anna,train",
        "nobody,b.wav,Alone., ,dev",
    ]
    path = write("\n".join([f"{HEADER},speaker,split", *rows]))
    expected = [
        (3, "expected 5 fields (id,wav,text,speaker,split), got 3. Mend"),
        (4, "got 6. Mend the line; a field with a comma needs quotes"),
        (5, "the id 'good' must be unique, but line 2 has it, too"),
        (6, "the id must be the name of a file in wavs/; got '../x'"),
        (7, "the id must be the name of a file in wavs/; got ''"),
        (8, "the wav must not be empty"),
        (9, "split must be one of train, valid, test; got 'dev'"),
        (9, "the speaker must not be empty"),
    ]
    found = problems_of(path)
    assert len(found) == len(expected)
    for (number, text), (line, part) in zip(found, expected):
        assert number == line and part in text


@pytest.mark.parametrize("name", [".", "..", "a/b", "a\\b", "a\tb", "a" * 201])
def test_an_id_names_a_file(write, name):
    path = in_json(write, json.dumps({name: {"wav": "a.wav", "text": "A"}}))
    assert "must be the name of a file" in problems_of(path)[0][1]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\r\r\n"])
def test_lines_end_as_on_any_system(write, tmp_path, end):
    (tmp_path / "wavs").mkdir()
    write(end.join(["a|A|A", "b|B|B", ""]), "metadata.csv")
    assert [entry[0] for entry in contents(tmp_path)] == ["a", "b"]
    for name, delimiter in (("a.csv", ","), ("a.tsv", "\t")):
        rows = [HEADER, "a,a.wav,A", "b,b.wav,B", ""]
        table = write(end.join(rows).replace(",", delimiter), name)
        assert [entry[0] for entry in contents(table)] == ["a", "b"]


@pytest.mark.parametrize(
    "written", ["~/a 1.wav", "file:{home}/a%201.wav", "file://{home}/a%201.wav"]
)
def test_a_recording_may_be_in_the_home_directory(
    write, tmp_path, monkeypatch, written
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    wav = written.format(home=tmp_path / "home")
    path = write(f"{HEADER}\na,{wav},A\n")
    assert contents(path)[0][1] == tmp_path / "home" / "a 1.wav"


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "A Caf\xc3\xa9.",
            "UTF-8 that was read as CP1252. Write 'A Caf\xe9.'.",
        ),
        ("Don\xe2\u20ac\u2122t.", "CP1252. Write 'Don\u2019t.'."),
        ("\xe2\u20ac\u0153A\xe2\u20ac\x9d", "Write '\u201cA\u201d'."),
        ("\xd0\u203a\xd0\xb0", "Write '\u041b\u0430'."),
        ("A caf\ufffd.", "U+FFFD stands for characters that were lost"),
        ("You &amp; me.", "entities of HTML. Write 'You & me.'."),
        ("It&#39;s &quot;A&quot;", "HTML. Write 'It\\'s \"A\"'."),
    ],
    ids=ascii,
)
def test_texts_of_another_encoding_are_told(write, text, message):
    row = {"wav": "a.wav", "text": text}
    [(_, problem)] = problems_of(in_json(write, json.dumps({"a": row})))
    assert problem.startswith("the text must be as it is said; got ")
    assert message in problem


@pytest.mark.parametrize(
    "text",
    [
        "Caf\xe9 \xab\xc9t\xc9\xbb, na\xefve",
        "\xab\xc9\xbb",
        "S\xc3O PAULO",
        "\xc2ge",
        "AT&T; R&D; x &unknown; y",
        "\u5988\u5988 & \u041b\u0430",
    ],
    ids=ascii,
)
def test_texts_that_are_as_they_are_said_stay(write, text):
    row = {"wav": "a.wav", "text": text}
    path = in_json(write, json.dumps({"a": row}))
    assert contents(path)[0][2] == text


def test_lines_are_counted_across_quoted_line_ends(write):
    path = write(f'{HEADER}\na,a.wav,"One.\n\nTwo."\nb,"b.\nwav"\n')
    [(number, _)] = problems_of(path)
    assert number == 5
    assert read_entries(path)[0][0].text == "One.\n\nTwo."


def test_all_bad_utterances_of_a_json_are_named(write):
    path = in_json(
        write,
        """{
          "good": {"wav": "a.wav", "text": "A", "style": "calm"},
          "good": {"wav": "b.wav", "text": "B", "style": "calm"},
          "list": ["a.wav", "A"],

          "number": {"wav": "a.wav", "text": 7, "style": "calm"},
          "typo": {"wav": "a.wav", "text": "A", "speeker": "anna"},
          "no text": {"wav": "a.wav"}, "no style":
            {"wav": "a.wav", "text": "{\\"}"},
          "twice": {"wav": "a.wav", "text": "A", "style": "calm",
                    "wav": "b.wav"},
          "nested": {"wav": {"path": "a.wav"}, "text": "A", "style": "calm"}
        }""",
    )
    expected = [
        (3, "the id 'good' must be unique, but line 2 has it, too"),
        (4, "the utterance 'list' must have strings as its columns"),
        (6, "the utterance 'number' must have strings as its columns"),
        (7, "got 'speeker'. Rename it to speaker, or remove it"),
        (8, "columns must be id, wav, text, each once"),
        (8, "the style must not be empty where the manifest has that column"),
        (10, "each once, and optional ones; got id, wav, text, style, wav"),
        (12, 'got {"wav": {"path": "a.wav"}, "text": "A", "style": "calm"}.'),
    ]
    found = problems_of(path)
    assert len(found) == len(expected)
    for (number, text), (line, part) in zip(found, expected):
        assert number == line and part in text


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.csv", "", "line 1: columns must be id, wav, text, each once"),
        ("a.csv", "id,text\n", "got id, text. Mend the columns"),
        ("a.csv", "id,wav,text,wav\n", "each once, and optional ones; got id"),
        ("a.csv", "id,wav,txet\n", "got 'txet'. Rename it to text"),
        ("a.csv", "ID|a|b\n", r"got 'ID\|a\|b'. Rename it, or remove it"),
        ("a.csv", f"{HEADER}\n", "must list at least one utterance"),
        (
            "a.csv",
            'id,wav,"text\na,a.wav,A\n',
            "line 1: the line and what follows cannot be read: .* Close the",
        ),
        (
            "a.csv",
            f'{HEADER}\na,a.wav,A\nb,b.wav,"B\nc,c.wav,C\n',
            "line 3: the line and what follows cannot be read: .* Close the",
        ),
        ("a.json", '{"a": {"wav": 1}\n', r"must be JSON; got .*line 2"),
        ("a.json", "[]", "must map each id to its wav and text; got a list"),
        ("a.json", "{}", "must list at least one utterance"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error(write, name, content, message):
    with pytest.raises(ValueError, match=f"{name}.*{message}"):
        read_entries(write(content, name))


def test_other_encodings_are_told_with_their_line(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_bytes(f"{HEADER}\na,a.wav,caf\xe9\n".encode("latin-1"))
    with pytest.raises(
        ValueError, match=r"UTF-8; got b'\\xe9' in line 2. Conv"
    ):
        read_entries(path)


@pytest.mark.parametrize(
    "encoding, message",
    [
        ("utf-16", r"got b'\\xff' in line 1. .* `iconv -f UTF-16 -t UTF-8`"),
        ("utf-16-be", r"got b'\\x00' in line 1. .* `iconv -f UTF-16 -t UTF-8`"),
        ("utf-32", r"got b'\\xff' in line 1. .* UTF-16"),
        ("cp1252", r"got b'\\x93' in line 2. .* `iconv -f CP1252 -t UTF-8`"),
    ],
)
@pytest.mark.parametrize("name", ["manifest.csv", "manifest.jsonl"])
def test_encodings_of_windows_are_named(tmp_path, encoding, message, name):
    path = tmp_path / name
    path.write_bytes(f"{HEADER}\na,a.wav,“A”\n".encode(encoding))
    with pytest.raises(ValueError, match=f"{name} must be UTF-8; {message}"):
        read_entries(path)


@pytest.mark.parametrize(
    "content, message",
    [
        (gzip.compress(b"id,wav,text"), "a file that is compressed by gzip"),
        (b"PK\x03\x04\x14\0\x06\0", "a file that is a spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", r"a file that is a spreadsheet \(xls\)"),
        (
            f"{HEADER}\na,a.wav,The text is\0 long.".encode(),
            r"got b'\\x00' in line 2. Remove the 1 zero byte\(s\)",
        ),
        (
            f"{HEADER}\na,a.wav,\u5988\u5988".encode("utf-16-le"),
            "iconv -f UTF-16",
        ),
    ],
    ids=["gzip", "xlsx", "xls", "a zero", "hanzi"],
)
@pytest.mark.parametrize("name", ["manifest.csv", "manifest.jsonl"])
def test_what_is_no_text_is_named(tmp_path, content, message, name):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=f"{name} must be .*UTF-8; .*{message}"
    ):
        read_entries(path)


@pytest.mark.parametrize("name", ["m.txt", "m", "m.csv.gz", "m.xlsx"])
def test_a_file_of_another_kind_is_told(write, name):
    with pytest.raises(
        ValueError,
        match=r"must be a manifest \(.csv, .tsv, .json or .jsonl\), or a "
        rf"folder; got the file .*/{name}. Give its name the ending of",
    ):
        read_entries(write("", name))


def test_what_may_be_meant_is_told(tmp_path):
    (tmp_path / "m.CSV").touch()
    with pytest.raises(ValueError, match=r"'m.csv' is not there, but 'm.CSV'"):
        find_manifest(tmp_path / "m.csv")
    for name in ("Wavs", "Metadata.csv"):
        (tmp_path / name).mkdir()
    with pytest.raises(
        ValueError,
        match="without metadata.csv and wavs/; there is 'Metadata.csv', "
        "'Wavs', 'm.CSV'. Unpack",
    ):
        find_manifest(tmp_path)


def test_a_folder_that_holds_no_corpus_is_told(tmp_path):
    with pytest.raises(ValueError, match="nowhere, without metadata.csv and"):
        find_manifest(tmp_path / "nowhere")
    (tmp_path / "wavs").mkdir()
    with pytest.raises(ValueError, match="without metadata.csv. Unpack"):
        find_manifest(tmp_path)
    (tmp_path / "wavs").rmdir()
    (tmp_path / "metadata.csv").write_text("")
    with pytest.raises(ValueError, match="without wavs/. Unpack"):
        find_manifest(tmp_path)
    (tmp_path / "wavs").mkdir()
    with pytest.raises(ValueError, match="metadata.csv must list at least one"):
        read_entries(tmp_path)


def test_all_of_ljspeech_is_read(shared):
    content = (shared / "data" / "ljspeech-transcripts.csv").read_text("utf-8")
    mini = shared / "data" / "ljspeech-mini"
    entries, problems = read_entries(mini)
    assert (len(entries), problems) == (32, [])
    assert all(entry.wav.is_file() for entry in entries)
    lines = content.splitlines()
    for entry, line in zip(entries, lines):
        assert [entry.name, entry.text] == line.split("|")[::2]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_that_is_nested_too_deep_is_told(tmp_path, name):
    path = tmp_path / name
    path.write_text('{"a":' * 100000 + "1" + "}" * 100000)
    try:
        _, problems = read_entries(path)
    except ValueError as error:
        problems = [str(error)]
    assert name in problems[0] and len(problems[0]) < 600


@pytest.mark.parametrize("name", ["\u00e9" * 200, "a\ud800"])
def test_an_id_that_no_file_can_have_is_told(tmp_path, name):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({name: {"wav": "a.wav", "text": "Yes."}}))
    entries, problems = read_entries(path)
    assert not entries and "a.json" in problems[0]
