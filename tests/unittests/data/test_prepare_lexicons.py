"""The prepare functions of the recipes for grapheme-to-phoneme."""

import json
import logging

import pytest

from recipes.CMUDict.cmudict_prepare import prepare_cmudict, stem
from recipes.SIGMORPHON2021.sigmorphon_prepare import prepare_sigmorphon
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.lexicon.read import BadEntries, read_lexicon

SPLITS = ("train", "valid", "test")
SHARES = {"valid_share": 0.2, "test_share": 0.3}
LETTERS = {"a": "AE1", "b": "B", "d": "D", "k": "K", "o": "OW2", "t": "T"}


def invented(count):
    """Words of two syllables, each said as it is spelled."""
    onsets = [c + v + d for c in "bdkt" for v in "ao" for d in "bdkt"]
    words = [first + second for first in onsets for second in onsets]
    return {w: " ".join(LETTERS[c] for c in w) for w in words[:count]}


@pytest.fixture
def dictionary(tmp_path):
    """A folder with a cmudict.dict of 400 words."""
    folder = tmp_path / "dictionary"
    folder.mkdir()
    lines = [f"{word} {said}\n" for word, said in invented(400).items()]
    (folder / "cmudict.dict").write_text("".join(lines), "utf-8")
    return folder


def add(dictionary, *lines):
    with open(dictionary / "cmudict.dict", "a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


def split_of_words(folder):
    return {
        entry["word"]: split
        for split, manifest in load_manifests(folder).items()
        for entry in manifest.values()
    }


def entry_of(folder, name):
    [entry] = [m[name] for m in load_manifests(folder).values() if name in m]
    return entry


def phonemes_of(folder):
    return json.loads((folder / "phonemes.json").read_text("utf-8"))


@pytest.mark.integration
@pytest.mark.parametrize(
    "stress, n_phonemes, tomatoes",
    [
        # English has 39 phonemes, 15 of them vowels, and three kinds of stress
        pytest.param(
            *("strip", 39, ["T AH M EY T OW", "T AH M AA T OW"]),
            marks=pytest.mark.slow,
        ),
        ("keep", 69, ["T AH0 M EY1 T OW2", "T AH0 M AA1 T OW2"]),
    ],
)
def test_cmudict_of_the_package(tmp_path, stress, n_phonemes, tomatoes):
    prepare_cmudict(tmp_path / "corpus", stress=stress)
    manifests = load_manifests(tmp_path / "corpus")
    sizes = [len(manifests[split]) for split in SPLITS]
    total = sum(sizes)
    assert total >= 120_000
    assert sizes[1] / total == pytest.approx(0.01, abs=0.002)
    assert sizes[2] / total == pytest.approx(0.1, abs=0.005)
    assert len(phonemes_of(tmp_path / "corpus")) == n_phonemes
    assert entry_of(tmp_path / "corpus", "tomato") == {
        "word": "tomato",
        "language": None,
        "pronunciations": [each.split() for each in tomatoes],
    }


def test_more_words_are_trained_on_and_never_held_out(dictionary, tmp_path):
    before = prepare_cmudict(tmp_path / "a", dictionary, **SHARES)
    known = split_of_words(tmp_path / "a")
    extra = tmp_path / "more.tsv"
    held_out = next(word for word, split in known.items() if split == "test")
    extra.write_text(f"{held_out}\tT AE1\nZoo\tT AE1\nzoo\tAE1 T\n")
    corpus = prepare_cmudict(
        tmp_path / "b", dictionary, extra_lexicon=extra, **SHARES
    )
    assert split_of_words(tmp_path / "b") == {**known, "zoo": "train"}
    assert entry_of(tmp_path / "b", "zoo")["pronunciations"] == [
        ["T", "AE1"],
        ["AE1", "T"],
    ]
    assert corpus.parameters.keys() - before.parameters.keys() == {"extra"}
    with pytest.raises(ValueError, match="extra_lexicon must be .*lost.tsv"):
        prepare_cmudict(extra_lexicon=tmp_path / "lost.tsv")


def test_cmudict_is_split_by_word_and_seed_alone(dictionary, tmp_path):
    prepare_cmudict(tmp_path / "a", dictionary, **SHARES)
    before = split_of_words(tmp_path / "a")
    counts = [list(before.values()).count(split) for split in SPLITS]
    assert sum(counts) == 400
    assert counts == pytest.approx([200, 80, 120], abs=30)
    path = dictionary / "cmudict.dict"
    lines = path.read_text().splitlines()
    path.write_text("zoo Z UW1\n" + "\n".join(reversed(lines)))
    with pytest.raises(ValueError, match="UW1, Z in 'zoo'") as e:
        prepare_cmudict(tmp_path / "b", path, seed=1, **SHARES)
    assert "cmudict.dict, line 1" in str(e.value)
    prepare_cmudict(
        tmp_path / "b", path, seed=1, allow_unseen_phonemes=True, **SHARES
    )
    assert split_of_words(tmp_path / "b").keys() == {*before, "zoo"}
    assert "Z" not in phonemes_of(tmp_path / "b")
    path.write_text("\n".join(["oat T AE1", *reversed(lines)]))
    prepare_cmudict(tmp_path / "c", path, **SHARES)
    after = split_of_words(tmp_path / "c")
    after.pop("oat")
    assert after == before
    prepare_cmudict(tmp_path / "d", path, seed=2, **SHARES)
    other = split_of_words(tmp_path / "d")
    assert sum(other[word] != before[word] for word in before) > 100


def test_cmudict_pronunciations_of_a_word_stay_together(dictionary, tmp_path):
    add(dictionary, *(f"{word}(2) T AE1" for word in invented(400)))
    prepare_cmudict(tmp_path / "a", dictionary, **SHARES)
    entries = [
        e for m in load_manifests(tmp_path / "a").values() for e in m.values()
    ]
    assert len(entries) == 400
    assert {len(e["pronunciations"]) for e in entries} == {2}


def test_cmudict_stress(dictionary, tmp_path):
    variants = ["oka OW1 K AE2", "oka(2) OW2 K AE1", "oka(3) T AE1"]
    add(dictionary, *variants)
    # training shows each stress
    add(dictionary, *(f"{word}(2) OW1 AE2" for word in invented(400)))
    prepare_cmudict(tmp_path / "strip", dictionary, stress="strip", **SHARES)
    prepare_cmudict(tmp_path / "keep", dictionary, **SHARES)
    stripped, kept = (
        entry_of(tmp_path / name, "oka")["pronunciations"]
        for name in ("strip", "keep")
    )
    assert kept == [v.split()[1:] for v in variants]
    assert stripped == [["OW", "K", "AE"], ["T", "AE"]]
    assert phonemes_of(tmp_path / "strip") == sorted("B D K T AE OW".split())
    assert "AE1" in phonemes_of(tmp_path / "keep")
    assert split_of_words(tmp_path / "strip") == split_of_words(
        tmp_path / "keep"
    )


def test_cmudict_inflections(dictionary, tmp_path):
    add(
        dictionary,
        *(
            f"{word}{ending} T AE1"
            for word in invented(400)
            for ending in ("s", "'s", "ed", "ing", "ings")
        ),
    )
    prepare_cmudict(tmp_path / "apart", dictionary, **SHARES)
    prepare_cmudict(
        tmp_path / "grouped", dictionary, group_inflections=True, **SHARES
    )

    def n_torn(name):
        splits = split_of_words(tmp_path / name)
        return sum(
            len({s for w, s in splits.items() if w.startswith(word)}) > 1
            for word in invented(400)
        )

    assert n_torn("grouped") == 0
    assert n_torn("apart") > 300


@pytest.mark.parametrize(
    "words",
    [
        "walk walks walk's walks' walked walking walkings",
        "run runs running",
        "bake bakes baked baking",
        "box boxes boxed boxing",
        "boss bosses boss's bossed",
        "lady ladies lady's ladies'",
        "see sees seeing",
        "be being",
        "die dies died",
    ],
)
def test_stem_is_that_of_all_forms(words):
    assert len({stem(word) for word in words.split()}) == 1


def test_stem_leaves_words_apart():
    words = "red ring string king bring need bed bus class is 'em b. walk talk"
    stems = {stem(word) for word in words.split()}
    assert len(stems) == len(words.split())


def test_cmudict_leaves_out_what_is_no_word(dictionary, tmp_path, caplog):
    strange = ["!bang B AE1", "... D AO1", "4d D", "%at T", "a.k. AE1", "'at T"]
    add(dictionary, *strange[:1], *strange[2:], "OAK OW2 K", "... D AE1")
    with caplog.at_level(logging.INFO):
        prepare_cmudict(tmp_path / "corpus", dictionary, **SHARES)
    words = split_of_words(tmp_path / "corpus").keys() - invented(400).keys()
    assert words == {"a.k.", "'at", "oak"}
    assert "Left out 4 of 407 words" in caplog.text
    assert "!bang (line 401), 4d (line 402), %at (line 403)" in caplog.text


def test_cmudict_keeps_contractions_of_any_apostrophe(dictionary, tmp_path):
    lines = [f"{word}’t T\n" for word in ("ba", "bo", "da", "do", "ka")]
    lines += ["ta‘d D\n", "hi\u0304ṛ T\n", "हिन्दी T\n"]
    path = tmp_path / "mine.dict"
    path.write_text((dictionary / "cmudict.dict").read_text() + "".join(lines))
    prepare_cmudict(tmp_path / "corpus", path, allow_unseen_phonemes=True)
    words = split_of_words(tmp_path / "corpus").keys() - invented(400).keys()
    assert words == {*"ba't bo't da't do't ka't ta'd हिन्दी hīṛ".split()}


def test_cmudict_takes_tabs_in_a_file_of_that_name(dictionary, tmp_path):
    path = tmp_path / "mine.tsv"
    lines = (dictionary / "cmudict.dict").read_text().splitlines()
    text = "".join(line.replace(" ", "\t", 1) + "\n" for line in lines)
    path.write_text(text)
    prepare_cmudict(tmp_path / "tabs", path)
    prepare_cmudict(tmp_path / "spaces", dictionary)
    assert load_manifests(tmp_path / "tabs") == load_manifests(
        tmp_path / "spaces"
    )


def test_cmudict_problems(dictionary, tmp_path):
    add(dictionary, "bad", "kot\tT", "ok OW1 K", "ok OW1 K")
    with pytest.raises(ValueError, match=r"3 problem\(s\)") as e:
        prepare_cmudict(tmp_path / "corpus", dictionary, **SHARES)
    for line in (401, 402, 404):
        assert f"cmudict.dict, line {line}: " in str(e.value)
    assert not (tmp_path / "corpus").exists()
    prepare_cmudict(
        tmp_path / "corpus", dictionary, skip_bad_entries=True, **SHARES
    )
    assert len(split_of_words(tmp_path / "corpus")) == 401


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"stress": "none"}, "stress must be one of strip, keep; got 'none'"),
        ({"valid_share": 0}, "valid_share and test_share must be above 0"),
        ({"test_share": 0.99}, "leave words for training; got 0.01 and 0.99"),
        ({"valid_share": 1e-9}, "split valid must hold at least one word"),
        ({"data_folder": "nowhere"}, "there is no .*nowhere. Download"),
    ],
    ids=str,
)
def test_cmudict_refuses_wrong_arguments(
    dictionary, tmp_path, arguments, message
):
    arguments = {"data_folder": dictionary, **arguments}
    with pytest.raises(ValueError, match=message):
        prepare_cmudict(tmp_path / "corpus", **arguments)
    assert not (tmp_path / "corpus").exists()


def test_cmudict_is_reused_or_another(dictionary, tmp_path):
    root = tmp_path / "corpora"
    corpus = prepare_cmudict(None, dictionary, **SHARES).make_in(root)
    before = split_of_words(corpus)
    dictionary = dictionary.rename(tmp_path / "moved")
    moved = prepare_cmudict(None, dictionary / "cmudict.dict", **SHARES)
    assert moved.make_in(root) == corpus
    add(dictionary, "oak OW2 K")
    other = prepare_cmudict(None, dictionary, **SHARES).make_in(root)
    assert split_of_words(other).keys() == {*before, "oak"}
    assert split_of_words(corpus) == before
    other = prepare_cmudict(None, dictionary, stress="strip", **SHARES)
    assert len({corpus.name, other.folder_name}) == 2


@pytest.fixture
def shared_task(tmp_path):
    """The layout of the shared task, with three languages."""
    folder = tmp_path / "task"
    files = {
        "high/eng_us_train": "cat\tk æ t\ncats\tk æ t s\n",
        "high/eng_us_dev": "act\tæ k t\n",
        "high/eng_us_test": "sat\ts æ t\n",
        "low/ita_train": "gatto\tɡ a t o\ncosa\tk ɔ s a\n",
        "low/ita_dev": "gatta\tɡ a t a\n",
        "medium/mlt_latn_train": "act\ta k t\n",
        "medium/mlt_latn_dev": "tac\tt a k\n",
    }
    for name, content in files.items():
        path = folder / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return folder


def names(folder):
    return {split: list(m) for split, m in load_manifests(folder).items()}


def test_sigmorphon_one_language(shared_task, tmp_path):
    prepare_sigmorphon(shared_task, tmp_path / "corpus")
    assert names(tmp_path / "corpus") == {
        "train": ["eng_us/cat", "eng_us/cats"],
        "valid": ["eng_us/act"],
        "test": ["eng_us/sat"],
    }
    assert entry_of(tmp_path / "corpus", "eng_us/act") == {
        "word": "act",
        "language": "eng_us",
        "pronunciations": [["æ", "k", "t"]],
    }
    assert phonemes_of(tmp_path / "corpus") == ["k", "s", "t", "æ"]


def test_sigmorphon_extra_words_are_trained_on(shared_task, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    extra = tmp_path / "extra"
    extra.mkdir()
    # words of every official split, and a new one
    (extra / "eng_us_train.tsv").write_text(
        "".join(f"{word}\tt æ k\n" for word in ("cat", "act", "sat", "tack"))
    )
    prepare_sigmorphon(
        shared_task, tmp_path / "a", ["eng_us", "ita"], extra_folder=extra
    )
    assert names(tmp_path / "a")["train"] == [
        "eng_us/cat",
        "eng_us/cats",
        "ita/gatto",
        "ita/cosa",
        "eng_us/tack",
    ]
    cat = entry_of(tmp_path / "a", "eng_us/cat")
    assert cat["pronunciations"] == [["k", "æ", "t"]]
    assert "1 of the 4 words in" in caplog.text
    # a language beside the chosen ones
    prepare_sigmorphon(shared_task, tmp_path / "b", "ita", extra_folder=extra)
    assert names(tmp_path / "b")["train"][2:] == [
        f"eng_us/{word}" for word in ("cat", "act", "sat", "tack")
    ]
    assert names(tmp_path / "b")["valid"] == ["ita/gatta"]
    # other words are another corpus
    (extra / "eng_us_train.tsv").write_text("tacks\tt æ k s\n")
    with pytest.raises(ValueError, match="1 changed .eng_us_train.tsv.[.] It"):
        prepare_sigmorphon(
            shared_task, tmp_path / "a", ["eng_us", "ita"], extra_folder=extra
        )
    assert "eng_us/tack" in names(tmp_path / "a")["train"]


def test_sigmorphon_splices_words_that_no_split_has(shared_task, tmp_path):
    train = shared_task / "high" / "eng_us_train.tsv"
    train.write_text("bat\tb æ t\ncap\tk æ p\ntab\tt æ b\n")
    held_out = shared_task / "high" / "eng_us_dev.tsv"
    held_out.write_text("bab\tb æ p\n")
    (shared_task / "high" / "eng_us_test.tsv").unlink()
    prepare_sigmorphon(shared_task, tmp_path / "corpus", spliced_words=99)
    found = names(tmp_path / "corpus")
    seen = ["eng_us/bat", "eng_us/cap", "eng_us/tab"]
    assert found["train"][:3] == seen
    assert {"eng_us/bap", "eng_us/cab"} <= set(found["train"][3:])
    assert "eng_us/bab" not in found["train"]
    cab = entry_of(tmp_path / "corpus", "eng_us/cab")
    assert cab["pronunciations"] == [["k", "æ", "b"]]
    with pytest.raises(ValueError, match="spliced_words .*; got -1"):
        prepare_sigmorphon(shared_task, tmp_path / "a", spliced_words=-1)


def test_sigmorphon_extra_words_of_no_language(shared_task, tmp_path):
    with pytest.raises(ValueError, match="such as eng_us_train.tsv; .*task"):
        prepare_sigmorphon(
            shared_task, tmp_path / "corpus", extra_folder=shared_task
        )


def test_sigmorphon_tests_every_language_or_none(shared_task, tmp_path, caplog):
    prepare_sigmorphon(shared_task, tmp_path / "corpus", "all")
    assert names(tmp_path / "corpus")["test"] == []
    assert (
        "no test file of ita, mlt_latn: the development words are tested"
        in caplog.text
    )


def test_sigmorphon_several_languages(shared_task, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        prepare_sigmorphon(shared_task, tmp_path / "a", ["ita", "mlt_latn"])
    assert "no test file of ita, mlt_latn" in caplog.text
    assert names(tmp_path / "a") == {
        "train": ["ita/gatto", "ita/cosa", "mlt_latn/act"],
        "valid": ["ita/gatta", "mlt_latn/tac"],
        "test": [],
    }
    prepare_sigmorphon(shared_task, tmp_path / "b", "all")
    assert names(tmp_path / "b")["train"] == [
        "eng_us/cat",
        "eng_us/cats",
        "ita/gatto",
        "ita/cosa",
        "mlt_latn/act",
    ]


def test_sigmorphon_is_another_corpus_when_a_file_changes(
    shared_task, tmp_path
):
    root = tmp_path / "corpora"
    before = prepare_sigmorphon(shared_task).make_in(root)
    path = shared_task / "high" / "eng_us_test.tsv"
    path.write_text(path.read_text("utf-8").replace("sat", "tas"), "utf-8")
    after = prepare_sigmorphon(shared_task).make_in(root)
    assert names(before)["test"] == ["eng_us/sat"]
    assert names(after)["test"] == ["eng_us/tas"]
    moved = shared_task.rename(tmp_path / "moved")
    assert prepare_sigmorphon(moved).make_in(root) == after


def test_sigmorphon_missing_files(shared_task, tmp_path):
    (shared_task / "high" / "eng_us_dev.tsv").unlink()
    (shared_task / "low" / "ita_train.tsv").unlink()
    with pytest.raises(ValueError, match=r"2 problem\(s\)") as e:
        prepare_sigmorphon(shared_task, tmp_path / "corpus", "all")
    assert "eng_us_dev.tsv is missing" in str(e.value)
    assert "ita_train.tsv is missing" in str(e.value)


@pytest.mark.parametrize("languages", ["fre", ["ita", "fre"], []], ids=str)
def test_sigmorphon_unknown_languages(shared_task, tmp_path, languages):
    got = "fre" if languages else "none"
    with pytest.raises(
        ValueError, match=f"among eng_us, ita, mlt_latn; got {got}"
    ):
        prepare_sigmorphon(shared_task, tmp_path / "corpus", languages)


def test_sigmorphon_wrong_folders(shared_task, tmp_path):
    with pytest.raises(ValueError, match="must hold high/, medium/ or low/"):
        prepare_sigmorphon(shared_task / "high", tmp_path / "corpus")
    path = shared_task / "low" / "eng_us_train.tsv"
    path.write_text("a\ta\n")
    with pytest.raises(ValueError, match="in one folder; got eng_us in"):
        prepare_sigmorphon(shared_task, tmp_path / "corpus")


def test_sigmorphon_problems(shared_task, tmp_path):
    files = [shared_task / "high" / f"eng_us_{s}.tsv" for s in ("train", "dev")]
    with open(files[0], "a", encoding="utf-8") as file:
        file.write("cat\tk æ t\nx\n")
    with open(files[1], "a", encoding="utf-8") as file:
        file.write("bat\tb æ t\ncats\tk æ t s\n")
    corpus = tmp_path / "corpus"
    with pytest.raises(ValueError, match=r"4 problem\(s\)") as e:
        prepare_sigmorphon(shared_task, corpus)
    for problem in [
        "eng_us_train.tsv, line 3: the line",
        "eng_us_train.tsv, line 4: expected 2 fields",
        "eng_us_dev.tsv, line 2: phonemes must be among",
        "eng_us_dev.tsv, line 3: the word 'cats' must stand in one split",
    ]:
        assert problem in str(e.value)
    assert not corpus.exists()
    prepare_sigmorphon(shared_task, corpus, skip_bad_entries=True)
    assert names(corpus)["valid"] == ["eng_us/act"]
    other = tmp_path / "other"
    prepare_sigmorphon(
        shared_task, other, skip_bad_entries=True, allow_unseen_phonemes=True
    )
    assert names(other)["valid"] == ["eng_us/act", "eng_us/bat"]
    assert "b" not in phonemes_of(other)


def test_sigmorphon_without_a_good_dev_word(shared_task, tmp_path):
    (shared_task / "high" / "eng_us_dev.tsv").write_text("x\n")
    with pytest.raises(ValueError, match="split valid must hold at least one"):
        prepare_sigmorphon(
            shared_task, tmp_path / "corpus", skip_bad_entries=True
        )


def test_official_files_have_no_bad_line(shared):
    folder = shared / "data" / "sigmorphon2021"
    bad_entries = BadEntries()
    counts = {
        path.name: len(read_lexicon(path, "sigmorphon", bad_entries))
        for path in folder.glob("*/*.tsv")
    }
    bad_entries.report()
    assert counts["eng_us_train.tsv"] == 33344
    assert counts["eng_us_dev.tsv"] == 4168
    assert len(counts) == 42


def test_official_english(shared, tmp_path):
    folder = shared / "data" / "sigmorphon2021"
    with pytest.raises(ValueError, match=r"9 problem\(s\)"):
        prepare_sigmorphon(folder, tmp_path / "corpus")
    prepare_sigmorphon(folder, tmp_path / "corpus", allow_unseen_phonemes=True)
    sizes = [len(n) for n in names(tmp_path / "corpus").values()]
    assert sizes == [33344, 4168, 0]
