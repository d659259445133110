"""Corpora beside each other: named by their content, shared, never changed."""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from sb_sma.data.corpus import listing
from sb_sma.data.corpus.build_once import list_changes
from sb_sma.data.corpus.digests import FileDigests
from sb_sma.data.corpus.listing import (
    list_corpora,
    remove_corpora,
    remove_unused,
)
from sb_sma.data.corpus.plan import Corpus

PROGRAM = """
    import sys, time
    from pathlib import Path
    from sb_sma.data.corpus.plan import Corpus

    def build(folder):
        (folder / "wavs").mkdir(exist_ok=True)
        with open(folder / "wavs" / "log", "a") as log:
            log.write("begun\\n")
        if "{mode}" == "building":
            print("ready", flush=True)
            sys.stdin.read()
        time.sleep({seconds})

    corpus = Corpus("noise", {parameters}, build, goes_on_with={{}})
    folder = corpus.make_in("{root}")
    print("ready", folder, flush=True)
    if "{mode}" == "using":
        sys.stdin.read()
"""


def make(root, seed=1, **options):
    def build(folder):
        (folder / "wavs").mkdir(exist_ok=True)
        (folder / "wavs" / "a.wav").write_text(f"noise {seed}")

    return Corpus("noise", {"seed": seed}, build, **options).make_in(root)


def start(repository, root, seed=1, mode="using", seconds=0):
    """Another process that makes or uses a corpus."""
    program = textwrap.dedent(PROGRAM).format(
        root=root, parameters={"seed": seed}, mode=mode, seconds=seconds
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=repository,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def started(repository, tmp_path):
    """Starts processes that are ready, and ends them."""
    processes = []

    def start_ready(*args, **options):
        process = start(repository, *args, **options)
        processes.append(process)
        assert process.stdout.readline().startswith("ready")
        return process

    yield start_ready
    for process in processes:
        with process:
            process.kill()


def users_of(root):
    return {corpus.folder.name: corpus.users for corpus in list_corpora(root)}


def test_a_corpus_is_named_by_what_is_in_it(tmp_path):
    folder = make(tmp_path)
    assert re.fullmatch("noise-[0-9a-f]{8}", folder.name)
    assert make(tmp_path, about={"from": "elsewhere"}) == folder
    other = make(tmp_path, seed=2)
    assert other != folder
    assert (folder / "wavs" / "a.wav").read_text() == "noise 1"
    assert (other / "wavs" / "a.wav").read_text() == "noise 2"


@pytest.mark.parametrize(
    "name, shown",
    [("en-us+f3", "en-us+f3"), ("a/b: c", "a_b_c"), (99 * "x", 60 * "x")],
    ids=["a voice", "no name of a file", "long"],
)
def test_the_name_begins_readably(name, shown):
    corpus = Corpus(name, {}, lambda folder: None)
    assert corpus.folder_name[:-9] == shown


def test_the_users_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert make("~/corpora").parent == tmp_path / "corpora"


def test_a_corpus_of_somebody_else_is_used(tmp_path):
    folder = make(tmp_path)
    tmp_path.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        assert make(tmp_path) == folder
    finally:
        tmp_path.chmod(0o755)


def test_what_is_ready_is_told_whether_new_or_not(tmp_path):
    told = []
    for _ in range(2):
        make(tmp_path, when_ready=told.append)
    assert told == 2 * [make(tmp_path)]


def test_processes_that_make_the_same_corpus_make_it_once(repository, tmp_path):
    processes = [
        start(repository, tmp_path, mode="alone", seconds=0.3) for _ in range(3)
    ]
    folders = {process.communicate(timeout=60)[0] for process in processes}
    assert len(folders) == 1
    (log,) = tmp_path.glob("noise-*/wavs/log")
    assert log.read_text() == "begun\n"


def test_a_killed_preparation_goes_on(tmp_path, started):
    started(tmp_path, mode="building").kill()
    (corpus,) = _wait_until_free(tmp_path)
    assert not corpus.is_finished
    started(tmp_path)
    (log,) = tmp_path.glob("noise-*/wavs/log")
    assert log.read_text() == "begun\nbegun\n"


def _wait_until_free(root):
    for _ in range(1000):
        corpora = list_corpora(root)
        if not any(corpus.users for corpus in corpora):
            return corpora
    raise AssertionError("a killed process still counts")


def test_one_that_waits_says_so(tmp_path, started, caplog):
    process = started(tmp_path, mode="building")
    threading.Timer(0.5, process.stdin.close).start()
    with caplog.at_level(logging.INFO):
        folder = make(tmp_path)
    assert f"Waiting for another process that prepares {folder}" in caplog.text
    assert (folder / "wavs" / "log").read_text() == "begun\n"


def test_a_corpus_in_use_cannot_be_removed(tmp_path, started):
    process = started(tmp_path)
    (corpus,) = list_corpora(tmp_path)
    assert corpus.users[0].startswith(f"process {process.pid} on ")
    make(tmp_path, seed=2)
    names = sorted(users_of(tmp_path))
    with pytest.raises(ValueError, match="Nothing was removed") as error:
        remove_corpora(tmp_path, names)
    assert f"in use by process {process.pid} on" in str(error.value)
    assert sorted(users_of(tmp_path)) == names
    assert (corpus.folder / "corpus.json").exists()


@pytest.mark.parametrize("end", ["kill", "end"])
def test_a_corpus_is_free_when_its_user_has_ended(tmp_path, started, end):
    process = started(tmp_path)
    if end == "kill":
        process.kill()
    process.communicate(timeout=60)
    (corpus,) = list_corpora(tmp_path)
    assert corpus.users == []
    remove_corpora(tmp_path, [corpus.folder.name])
    assert list_corpora(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_several_users_are_all_told(tmp_path, started):
    processes = [started(tmp_path) for _ in range(2)]
    (users,) = users_of(tmp_path).values()
    assert [user.split()[1] for user in users] == sorted(
        str(process.pid) for process in processes
    )


def test_what_is_being_prepared_cannot_be_removed(tmp_path, started):
    started(tmp_path, mode="building")
    (corpus,) = list_corpora(tmp_path)
    assert not corpus.is_finished
    with pytest.raises(ValueError, match="a process that prepares or removes"):
        remove_corpora(tmp_path, [corpus.folder.name])
    assert corpus.folder.exists()


def test_what_an_interrupted_preparation_left_can_be_removed(tmp_path, started):
    started(tmp_path, mode="building").kill()
    (corpus,) = _wait_until_free(tmp_path)
    remove_corpora(tmp_path, [corpus.folder.name])
    assert list_corpora(tmp_path) == []


def test_an_interrupted_removal_leaves_no_corpus(tmp_path, monkeypatch):
    Corpus("noise", {}, lambda folder: None).make(tmp_path / "noise")
    monkeypatch.setattr("shutil.rmtree", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        remove_corpora(tmp_path, ["noise"])
    monkeypatch.undo()
    (corpus,) = list_corpora(tmp_path)
    assert corpus.folder.name == ".noise.removed"
    assert not corpus.is_finished
    Corpus("noise", {}, lambda folder: None).make(tmp_path / "noise")
    remove_corpora(tmp_path, ["noise", ".noise.removed"])
    assert list_corpora(tmp_path) == []


def test_what_is_no_corpus_is_neither_listed_nor_removed(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "wavs").mkdir()
    (tmp_path / ".notes.building").write_text("precious")
    corpus = Corpus("noise", {}, lambda folder: None)
    corpus.make(tmp_path / "noise")
    (tmp_path / "noise" / "notes.txt").write_text("precious")
    assert list(users_of(tmp_path)) == ["noise"]
    with pytest.raises(ValueError, match="is no corpus: notes.txt"):
        remove_corpora(tmp_path, ["noise"])
    with pytest.raises(ValueError, match="no corpus thesis in .*holds noise"):
        remove_corpora(tmp_path, ["noise", "thesis"])
    assert (tmp_path / "noise" / "notes.txt").exists()
    with pytest.raises(ValueError, match="there is no .*nowhere"):
        list_corpora(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "before, after, changes",
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"rate": [1, 1]}, {"rate": [1, 2]}, ["rate was [1, 1], is [1, 2]"]),
        (
            {"texts": 16 * "0"},
            {"texts": 16 * "1"},
            ["texts has other content"],
        ),
        (
            {"mel": {"n_mels": 80, "f_min": 0.0}},
            {"mel": {"n_mels": 40, "f_min": 0.0}},
            ["mel: n_mels was 80, is 40"],
        ),
        (
            {"u": {"a": 16 * "0", "b": 16 * "0"}},
            {"u": {"b": 16 * "0", "a": 16 * "0"}},
            ["u: the same in another order"],
        ),
        (
            {"u": {f"{i:02d}": 16 * "0" for i in range(30)}},
            {"u": {}},
            [
                "u: 30 removed ("
                + ", ".join(f"{i:02d}" for i in range(20))
                + ", ... and 10 more)"
            ],
        ),
    ],
    ids=["order of settings", "values", "digests", "parts", "order", "many"],
)
def test_what_differs_is_told_in_words(before, after, changes):
    assert changes == list_changes(
        {"format": 4, "parameters": before}, {"format": 4, "parameters": after}
    )


def test_another_format_is_all_that_is_told():
    before = {"format": 3, "parameters": {"sizes_sha256": "x"}}
    after = {"format": 4, "parameters": {"utterances": {}}}
    (change,) = list_changes(before, after)
    assert change.startswith("the format of corpora was 3, is 4: another")


def test_digests_survive_a_damaged_memory(tmp_path):
    path = tmp_path / "a.wav"
    path.write_text("abc")
    os.utime(path, (0, 0))
    memory = tmp_path / "memory.json"
    for content in (None, "{", "[]", '{"x": 1}', json.dumps({str(path): 3})):
        if content is not None:
            memory.write_text(content)
        digests = FileDigests(memory)
        assert digests.of([path, tmp_path / "none"]) == [
            "ba7816bf8f01cfea",
            None,
        ]
        digests.save()


SPEECH = {"wav": "{data_root}/wavs/a.wav", "mel": "{data_root}/mels/a.npy"}


def make_speech(root):
    """A corpus with manifests, which name their files."""

    def build(folder):
        for split in ("train", "valid", "test"):
            entry = {
                k: v.replace("/a.", f"/{split}.") for k, v in SPEECH.items()
            }
            (folder / f"{split}.json").write_text(json.dumps({split: entry}))
            for path in entry.values():
                path = Path(path.replace("{data_root}", str(folder)))
                path.parent.mkdir(exist_ok=True)
                path.touch()
        (folder / "tokens.json").write_text("[]")

    corpus = Corpus("speech", {}, build)
    corpus.make(root / corpus.folder_name)
    return root / corpus.folder_name


@pytest.mark.parametrize(
    "lost, told",
    [
        (["mels/train.npy"], "mels/train.npy is missing"),
        (
            ["wavs/test.wav", "mels/valid.npy"],
            "2 files are missing (mels/valid.npy, wavs/test.wav)",
        ),
        (["mels"], "4 files are missing (mels, mels/train.npy, mels/valid.npy"),
        (["tokens.json"], "tokens.json is missing"),
        (["valid.json"], "valid.json is missing"),
        (["corpus.json"], "corpus.json is missing"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_a_corpus_has_lost_is_told(tmp_path, lost, told):
    folder = make_speech(tmp_path)
    assert make_speech(tmp_path) == folder
    for name in lost:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ValueError, match="is incomplete: ") as error:
        make_speech(tmp_path)
    assert told in str(error.value)
    assert f"{tmp_path} --remove {folder.name}" in str(error.value)
    (corpus,) = list_corpora(tmp_path)
    assert told in corpus.damage
    remove_corpora(tmp_path, [folder.name])
    make_speech(tmp_path)


def test_a_manifest_that_is_cut_off_is_told(tmp_path):
    folder = make_speech(tmp_path)
    (folder / "valid.json").write_text("{")
    with pytest.raises(ValueError, match="incomplete: valid.json is damaged"):
        make_speech(tmp_path)


def test_a_corpus_of_an_earlier_version_is_taken(tmp_path):
    folder = make_speech(tmp_path)
    content = json.loads((folder / "corpus.json").read_text())
    del content["files"]
    (folder / "corpus.json").write_text(json.dumps(content))
    assert make_speech(tmp_path) == folder


def test_one_that_is_finished_meanwhile_is_no_error(tmp_path, monkeypatch):
    folder = make(tmp_path)
    building = folder.rename(folder.with_name(f".{folder.name}.building"))
    find = listing._find

    def find_and_finish(root):
        found = find(root)
        if building.exists():
            building.rename(folder)
        return found

    monkeypatch.setattr(listing, "_find", find_and_finish)
    with pytest.raises(ValueError, match="There is no corpus .noise-"):
        remove_corpora(tmp_path, [building.name])
    folder.rename(building)
    assert remove_unused(tmp_path) == ([], [])
    assert folder.exists()


def test_one_that_is_used_meanwhile_keeps_itself_alone(
    tmp_path, started, monkeypatch
):
    used, free = make_in_another(started, tmp_path, 1, 2)
    find = listing._find

    def find_and_use(root):
        found = find(root)
        monkeypatch.setattr(listing, "_find", find)
        started(root, seed=1)
        return found

    monkeypatch.setattr(listing, "_find", find_and_use)
    removed, kept = remove_unused(tmp_path)
    assert [corpus.folder for corpus in removed] == [free]
    assert [corpus.folder for corpus in kept] == [used]


def make_in_another(started, root, *seeds):
    """Corpora that nobody uses any more."""
    before = set(root.glob("noise-*"))
    folders = []
    for seed in seeds:
        started(root, seed=seed).communicate("", timeout=60)
        (folder,) = set(root.glob("noise-*")) - before
        folders.append(folder)
        before.add(folder)
    return folders
