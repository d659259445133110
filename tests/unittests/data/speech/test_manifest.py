"""Manifests of every layout give the same entries, bad lines their number."""

import json

import pytest

from sb_sma.data.speech.manifest import find_manifest, read_entries

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
