"""Lexicons: what is read, what is refused, and what a folder holds."""

import json
import logging

import pytest

from sb_sma.data.corpus.build_once import build_once, load_manifests
from sb_sma.data.corpus.content import find_foreign_names
from sb_sma.data.lexicon.folder import check_splits, write_lexicon_corpus
from sb_sma.data.lexicon.read import (
    BadEntries,
    LexiconEntry,
    layout_of,
    read_lexicon,
    read_pronunciations,
)


def read(path, content, layout="sigmorphon", skip=False):
    """Entries of a file with this content; raises what is wrong with it."""
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content)
    bad_entries = BadEntries(skip)
    entries = read_lexicon(path, layout, bad_entries, language="xx")
    bad_entries.report()
    return entries


def entry(word, *pronunciations, language=None, place=""):
    phonemes = tuple(tuple(p.split()) for p in pronunciations)
    return LexiconEntry(word, phonemes, language, place)


def test_pronunciations_of_a_word_are_merged_in_file_order(tmp_path):
    content = "b\tb iː\na\te ɪ\nb\tb e\na\tə\n"
    entries = read(tmp_path / "x.tsv", content)
    assert entries == [
        entry("b", "b iː", "b e", language="xx"),
        entry("a", "e ɪ", "ə", language="xx"),
    ]
    assert entries[1].place == f"{tmp_path / 'x.tsv'}, line 2"


def test_words_may_have_spaces_and_marks(tmp_path):
    entries = read(tmp_path / "x.tsv", "an giang\tʔ aː n ˧˧\né\te\n")
    assert [e.word for e in entries] == ["an giang", "é"]


def test_byte_order_mark_windows_line_ends_and_blank_lines(tmp_path):
    content = "\ufeffa\te\r\n\r\n \nb\tb i\r\n".encode()
    entries = read(tmp_path / "x.tsv", content)
    assert entries == [
        entry("a", "e", language="xx"),
        entry("b", "b i", language="xx"),
    ]


def test_cmudict_layout(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    content = (
        ";;; a comment\n"
        "read R IY1 D\n"
        "read(2) R EH1 D # past\n"
        "a.m.  EY2 EH1 M\n"
        "read(3) R IY1 D\n"
    )
    entries = read(tmp_path / "cmudict.dict", content, "cmudict")
    assert entries == [
        entry("read", "R IY1 D", "R EH1 D", language="xx"),
        entry("a.m.", "EY2 EH1 M", language="xx"),
    ]
    assert "cmudict.dict gives 1 pronunciations again" in caplog.text


# content, words with their pronunciations, and the lines that are told
RESPELLED = {
    "apostrophes": (
        "x.dict",
        "don’t D OW1 N T\ncan‘t K AE1 N T\ndogʼs D AO1 G Z\nit's IH1 T S\n",
        {
            "don't": "D OW1 N T",
            "can't": "K AE1 N T",
            "dog's": "D AO1 G Z",
            "it's": "IH1 T S",
        },
        ["plainer characters, such as ' for ’, in 3 line(s): 1, 2, 3"],
    ),
    "decomposed words": (
        "x.tsv",
        "cafe\u0301\tk a f e\ncafé\tk a f ɛ\n",
        {"café": "k a f e | k a f ɛ"},
        ["plainer characters, such as ' for ’, in 1 line(s): 1"],
    ),
    "decomposed phonemes": (
        "x.tsv",
        "pão\tp ã w\nmão\tm a\u0303 w\n",
        {"pão": "p ã w", "mão": "m ã w"},
        ["composed letters (NFC), in 1 line(s): 2"],
    ),
    "full width": (
        "x.tsv",
        "ｒｅａｄ\tR IY1 D\n",
        {"read": "R IY1 D"},
        ["plainer characters, such as ' for ’, in 1 line(s): 1"],
    ),
    "invisible": (
        "x.dict",
        "read R IY1 D\n\ufefflead L EH1 D\nze\u200bro Z IH1\u200b R OW0\n",
        {"read": "R IY1 D", "lead": "L EH1 D", "zero": "Z IH1 R OW0"},
        ["invisible characters are left out, in 2 line(s): 2, 3"],
    ),
    "probabilities": (
        "x.dict",
        "read 0.5 R EH1 D\nread 1.0 R IY1 D\nthe 1 DH AH0\na .3e-2 AH0\n",
        {"read": "R EH1 D | R IY1 D", "the": "DH AH0", "a": "AH0"},
        ["probabilities are left out", "in 4 line(s): 1, 2, 3, 4"],
    ),
    "probabilities of one": (
        "x.dict",
        "# words\nread 1 R EH1 D\nread(2) 0 R IY1 D\nthe 1 DH AH0\n",
        {"read": "R EH1 D | R IY1 D", "the": "DH AH0"},
        ["probabilities are left out", "in 3 line(s): 2, 3, 4"],
    ),
    "probabilities with exponents": (
        "x.tsv",
        "read\t1e-05\tR EH1 D\nread\t1E-5 R IY1 D\n",
        {"read": "R EH1 D | R IY1 D"},
        ["probabilities are left out", "in 2 line(s): 1, 2"],
    ),
    "columns of probabilities": (
        "x.tsv",
        "read\t0.99\t0.2\t1\t1.0\tR EH1 D\nthe\t-0.5 DH AH0\n",
        {"read": "R EH1 D", "the": "DH AH0"},
        ["probabilities are left out", "in 2 line(s): 1, 2"],
    ),
    "spaces": (
        "x.dict",
        "read\u00a0R IY1 D\nlead\u2003 L EH1\u3000D\nwide \u00a0 W AY1 D\n",
        {"read": "R IY1 D", "lead": "L EH1 D", "wide": "W AY1 D"},
        [],
    ),
    "variants": (
        "x.dict",
        "read R EH1 D\nread (2) R IY1 D\nread(3)  R EY1 D\nread\u00a0(4) R D\n"
        "read( 5) R\nread ( 6 ) D\n",
        {"read": "R EH1 D | R IY1 D | R EY1 D | R D | R | D"},
        [],
    ),
    "variants with tabs": (
        "x.tsv",
        "read\tR EH1 D\nread(2)\tR IY1 D\nread (3)\tR EY1 D\n",
        {"read": "R EH1 D | R IY1 D | R EY1 D"},
        [],
    ),
    "phonemes that are figures": (
        "x.dict",
        "one w 1 n\nan 1 n\nto t 2\n",
        {"one": "w 1 n", "an": "1 n", "to": "t 2"},
        [],
    ),
    "comments": (
        "x.dict",
        ";;; a\n# b c\n##\n#hash HH AE1 SH\nread R IY1 D # past\n",
        {"#hash": "HH AE1 SH", "read": "R IY1 D"},
        [],
    ),
}


@pytest.mark.parametrize(
    "name, content, said, told", RESPELLED.values(), ids=RESPELLED
)
def test_one_word_has_one_spelling_whoever_wrote_it(
    tmp_path, caplog, name, content, said, told
):
    entries = read(tmp_path / name, content, layout_of(tmp_path / name))
    assert {
        e.word: " | ".join(" ".join(p) for p in e.pronunciations)
        for e in entries
    } == said
    warnings = [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING
    ]
    assert len(warnings) == bool(told)
    for part in told:
        assert part in warnings[0] and str(tmp_path / name) in warnings[0]


def test_words_that_differ_in_case_are_looked_up_as_one(tmp_path):
    path = tmp_path / "x.dict"
    path.write_text("Polish P OW1\npolish P AA1\nPOLISH P OW1\n")
    assert read_pronunciations(path) == {"polish": (("P", "OW1"), ("P", "AA1"))}


BAD_LINES = {
    "one field": ("word\n", "expected 2 fields .word<TAB>phonemes., got 1"),
    "three fields": ("a\tb\tc\n", "expected 2 fields .*, got 3"),
    "empty word": ("\tb\n", "expected a word, got none"),
    "blank word": (" \tb\n", "expected a word, got none"),
    "no phonemes": ("a\t \n", "the word 'a' must have phonemes; got none"),
    "NUL": ("a\0b\tb\n", r"no control character; got '\\x00' in 'a\\x00b'"),
    "line separator": ("a\tb\u2028c\n", r"got '\\u2028' in"),
    "200 letters": ("a" * 200 + "\tb\n", "at most 100 characters; got 200"),
    "mark of a variant": ("a\tb (2)\n", r"symbols such as AH0; got '\(2\)'"),
    "number": ("a\tb 0.5 c\n", r"symbols such as AH0; got '0.5' in"),
    "number with a comma": ("a\t0,5 b\n", r"such as AH0; got '0,5' in"),
    "percentage": ("a\t50% b\n", r"symbols such as AH0; got '50%' in"),
    "variant in brackets": ("a[2]\tb\n", r"as in word\(2\); got 'a\[2\]'"),
    "variant after a tilde": ("a~2\tb\n", r"as in word\(2\); got 'a~2'"),
    "duplicate": ("ok\to\n", "must be unique, but line 1 is the same"),
    "not UTF-8": (b"caf\xe9\tb\n", r"must be UTF-8; got b'\\xe9'"),
}


@pytest.mark.parametrize("line, message", BAD_LINES.values(), ids=BAD_LINES)
def test_bad_line_is_refused_with_its_place_or_skipped(
    tmp_path, caplog, line, message
):
    line = line if isinstance(line, bytes) else line.encode()
    content = b"ok\to\n\n" + line + b"last\tl\n"
    path = tmp_path / "x.tsv"
    with pytest.raises(ValueError, match=rf"x.tsv, line 3: .*{message}") as e:
        read(path, content)
    assert "1 problem(s)" in str(e.value)
    with caplog.at_level(logging.WARNING):
        entries = read(path, content, skip=True)
    assert [e.word for e in entries] == ["ok", "last"]
    assert [r.getMessage()[:35] for r in caplog.records] == [
        "Skipped 1 bad entries of the lexico"
    ]


@pytest.mark.parametrize(
    "line, message",
    [
        ("word", "the word 'word' must have phonemes; got none"),
        (" W ER1 D", "expected a word, got none"),
        ("(2) W ER1 D", "expected a word, got none"),
        ("word\tW ER1 D", "got tabs in .*a name that ends with .tsv"),
        ("ok OW2", "must be unique, but line 1 is the same"),
        ("wo\vrd W ER1 D", r"no control character; got '\\x0b'"),
        ("read(2 R EH1 D", r"as in word\(2\); got 'read\(2'"),
    ],
)
def test_bad_line_of_cmudict_is_refused(tmp_path, line, message):
    with pytest.raises(ValueError, match=f"line 2: .*{message}"):
        read(tmp_path / "x.dict", f"ok OW2\n{line}\n", "cmudict")


def test_all_problems_of_all_files_come_in_one_error(tmp_path):
    paths = [tmp_path / name for name in ("a.tsv", "b.tsv", "c.tsv", "d.tsv")]
    paths[0].write_text("one\nok\to\n\tb\n")
    paths[1].write_text("two\n")
    paths[2].write_text("\n \n")
    bad_entries = BadEntries()
    for path in paths:
        read_lexicon(path, "sigmorphon", bad_entries)
    with pytest.raises(ValueError, match=r"5 problem\(s\)") as e:
        bad_entries.report()
    for problem in [
        "a.tsv, line 1: expected 2",
        "a.tsv, line 3: expected a word",
        "b.tsv, line 1: expected 2",
        "c.tsv must hold at least one word",
        "d.tsv must be a readable file; got: No such file",
    ]:
        assert problem in str(e.value)


def test_a_file_that_is_missing_or_empty_is_not_skipped(tmp_path):
    with pytest.raises(ValueError, match="must hold at least one word"):
        read(tmp_path / "x.tsv", "", skip=True)
    bad_entries = BadEntries(skip_bad_entries=True)
    read_lexicon(tmp_path / "none.tsv", "sigmorphon", bad_entries)
    with pytest.raises(ValueError, match="must be a readable file"):
        bad_entries.report()


def test_the_warning_counts_by_kind(tmp_path, caplog):
    read(tmp_path / "x.tsv", "a\ta\nb\n\tb\nc\n", skip=True)
    assert "Skipped 3 bad entries" in caplog.text
    assert "1 x empty word, 2 x wrong number of fields." in caplog.text


def test_unknown_layout_lists_the_choices(tmp_path):
    with pytest.raises(ValueError, match="one of sigmorphon, cmudict; got 'x'"):
        read(tmp_path / "x", "a\ta\n", "x")


def splits():
    return {
        "train": [entry("ab", "a b"), entry("c", "k", place="t, line 2")],
        "valid": [entry("b", "b"), entry("n", "a", "ŋ", place="v, line 2")],
        "test": [entry("c", "k", place="e, line 1"), entry("a", "a")],
    }


def test_unseen_phonemes_and_words_of_two_splits_are_refused():
    bad_entries = BadEntries()
    check_splits(splits(), bad_entries)
    with pytest.raises(ValueError, match=r"2 problem\(s\)") as e:
        bad_entries.report()
    message = str(e.value)
    assert "v, line 2: phonemes must be among those" in message
    assert "got ŋ in 'n'" in message
    assert "e, line 1: the word 'c' must stand in one split" in message
    assert "but is at t, line 2, too" in message


def test_unseen_phonemes_and_words_of_two_splits_are_skipped_and_counted():
    bad_entries = BadEntries(skip_bad_entries=True)
    kept = check_splits(splits(), bad_entries)
    words = {split: [e.word for e in kept[split]] for split in kept}
    assert words == {"train": ["ab", "c"], "valid": ["b"], "test": ["a"]}
    assert bad_entries.counts == {"unseen phoneme": 1, "word of two splits": 1}


def test_unseen_phonemes_may_be_allowed():
    given = {**splits(), "test": []}
    bad_entries = BadEntries()
    kept = check_splits(given, bad_entries, allow_unseen_phonemes=True)
    bad_entries.report()
    assert kept == given


@pytest.mark.parametrize(
    "word", ["...", "-", "'", "’", "–", "\u0301", "☂", "ˈ", "ʰ", "\u3164"]
)
def test_what_is_no_word_is_refused(word):
    given = {**splits(), "test": [entry(word, "a", place="e, line 3")]}
    bad_entries = BadEntries()
    check_splits(given, bad_entries)
    with pytest.raises(ValueError, match="e, line 3: a word must have a let"):
        bad_entries.report()


def test_a_word_may_stand_in_several_languages():
    bad_entries = BadEntries()
    given = {
        "train": [entry("a", "a", language="ita")],
        "valid": [entry("a", "a", language="fre")],
        "test": [],
    }
    assert check_splits(given, bad_entries) == given
    bad_entries.report()


def test_a_folder_is_written_and_read_back(tmp_path):
    given = {
        "train": [
            entry("a", "b a", "ə", language="ita"),
            entry("a", "a", language="fre"),
        ],
        "valid": [entry("ünï", "a")],
        "test": [],
    }
    folder = tmp_path / "corpus"

    def build(folder):
        write_lexicon_corpus(folder, given, allow_empty_test=True)

    build_once(folder, {"corpus": "x"}, build)
    manifests = load_manifests(folder)
    assert manifests["train"] == {
        "ita/a": {
            "word": "a",
            "language": "ita",
            "pronunciations": [["b", "a"], ["ə"]],
        },
        "fre/a": {"word": "a", "language": "fre", "pronunciations": [["a"]]},
    }
    assert manifests["valid"]["ünï"]["language"] is None
    assert manifests["test"] == {}
    phonemes = json.loads((folder / "phonemes.json").read_text("utf-8"))
    assert phonemes == ["a", "b", "ə"]
    assert find_foreign_names(folder) == []


@pytest.mark.parametrize("empty", ["train", "valid", "test"])
def test_an_empty_split_is_refused(tmp_path, empty):
    given = {**splits(), empty: []}
    with pytest.raises(ValueError, match=f"split {empty} must hold at least"):
        write_lexicon_corpus(tmp_path, given)
