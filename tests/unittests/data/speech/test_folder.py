"""Corpus folders: complete or absent, reused or refused, never changed."""

import json
import multiprocessing
import os
import select
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import torch

from sb_sma.data.corpus.build_once import FORMAT_VERSION, build_once
from sb_sma.data.speech.folder import Utterance, write_corpus
from sb_sma.data.speech.mel import LOG_FLOOR, LogMel, MelSettings, MelStatistics


def fill(content):
    def build(folder):
        (folder / "wavs").mkdir()
        (folder / "wavs" / "a.wav").write_text(content)

    return build


def must_not_build(folder):
    raise AssertionError("the corpus was built again")


def content_of(folder):
    return (folder / "wavs" / "a.wav").read_text()


def leftovers(folder):
    names = {path.name for path in folder.parent.iterdir()}
    return names - {folder.name, f".{folder.name}.lock"}


def test_finished_corpus_is_reused(tmp_path):
    folder = tmp_path / "new" / "corpus"
    parameters = {"seed": 1, "rate": (150, 200), "mel": {"f_min": 0.0}}
    build_once(folder, parameters, fill("one"))
    assert content_of(folder) == "one"
    recorded = json.loads((folder / "corpus.json").read_text())
    assert recorded["parameters"]["rate"] == [150, 200]
    build_once(str(folder), parameters, must_not_build)
    assert not leftovers(folder)


def test_other_parameters_are_refused_and_told(tmp_path):
    folder = tmp_path / "corpus"
    build_once(folder, {"seed": 1, "rate": 175}, fill("one"))
    with pytest.raises(
        ValueError, match="another corpus than .*: seed was 1, "
    ) as e:
        build_once(folder, {"seed": 2, "rate": 175}, must_not_build)
    assert content_of(folder) == "one"
    assert "seed was 1, is 2. It is never changed" in str(e.value)
    assert f"--corpus_folder {tmp_path} --remove corpus" in str(e.value)
    assert "rate" not in str(e.value)
    build_once(folder, {"seed": 1, "rate": 175}, must_not_build)
    assert not leftovers(folder)


def test_changed_contents_are_told_by_their_names(tmp_path):
    folder = tmp_path / "corpus"
    many = {f"u{i}": "0" * 12 for i in range(30)}
    before = {"texts": many, "lines": "0" * 12, "front": {"x": 1}}
    after = {"texts": {"u7": "1" * 12, "new": "2" * 12}, "lines": "1" * 12}
    build_once(folder, before, fill("one"))
    with pytest.raises(ValueError, match="holds another corpus") as error:
        build_once(folder, {**after, "front": {"x": 2}}, must_not_build)
    told = "front: x was 1, is 2; lines has other content; texts: 1 added (new)"
    assert f"{told}, 29 removed (u0, u1, " in str(error.value)
    assert "and 9 more), 1 changed (u7)" in str(error.value)
    assert "0" * 12 not in str(error.value)


def test_a_corpus_of_another_format_is_refused(tmp_path):
    folder = tmp_path / "corpus"
    build_once(folder, {"seed": 1}, fill("one"))
    (folder / "corpus.json").write_text('{"format": 1, "parameters": {}}')
    with pytest.raises(ValueError, match="format of corpora was 1, is ") as e:
        build_once(folder, {"seed": 1}, must_not_build)
    assert content_of(folder) == "one"
    assert "seed" not in str(e.value)


def test_interrupted_build_leaves_nothing(tmp_path):
    folder = tmp_path / "corpus"

    def interrupted(new):
        fill("half")(new)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_once(folder, {}, interrupted)
    assert not folder.exists()
    assert not leftovers(folder)
    build_once(folder, {}, fill("whole"))
    assert content_of(folder) == "whole"


def test_leftovers_of_a_killed_run_are_cleared(tmp_path):
    folder = tmp_path / "corpus"
    for name in (".corpus.building", ".corpus.replaced"):
        fill("half")(_new(tmp_path / name))
    build_once(folder, {}, fill("whole"))
    assert content_of(folder) == "whole"
    assert not leftovers(folder)


def _new(folder):
    folder.mkdir()
    return folder


def test_empty_folder_is_used(tmp_path):
    folder = _new(tmp_path / "corpus")
    build_once(folder, {}, fill("one"))
    assert content_of(folder) == "one"


@pytest.mark.parametrize(
    "content", ["{", "[]", json.dumps({"format": FORMAT_VERSION}), ""]
)
def test_damaged_corpus_file_is_refused(tmp_path, content):
    folder = tmp_path / "corpus"
    build_once(folder, {}, fill("one"))
    (folder / "corpus.json").write_text(content)
    with pytest.raises(ValueError, match="corpus.json is damaged.* --remove"):
        build_once(folder, {}, must_not_build)
    assert content_of(folder) == "one"


@pytest.mark.parametrize("name", ["thesis.txt", "wavs"])
def test_folder_that_is_no_corpus_is_refused_and_kept(tmp_path, name):
    folder = _new(tmp_path / "corpus")
    (folder / name).write_text("precious")
    with pytest.raises(ValueError, match="must be empty or hold a corpus"):
        build_once(folder, {}, must_not_build)
    assert (folder / name).read_text() == "precious"


def test_foreign_file_in_a_corpus_is_never_deleted(tmp_path):
    folder = tmp_path / "corpus"
    build_once(folder, {"seed": 1}, fill("one"))
    (folder / "notes.txt").write_text("precious")
    build_once(folder, {"seed": 1}, must_not_build)
    with pytest.raises(ValueError, match="seed was 1, is 2"):
        build_once(folder, {"seed": 2}, must_not_build)
    assert (folder / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize("below", ["", "corpus", "corpus/deeper"])
def test_place_that_cannot_be_written_is_an_error(tmp_path, below):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(ValueError, match="a folder that can be written") as e:
        build_once(tmp_path / "file" / below, {}, must_not_build)
    assert "Give another corpus_folder" in str(e.value)
    assert (tmp_path / "file").read_text() == "precious"


def build_slowly(folder, log):
    def build(new):
        with open(log, "a") as file:
            file.write("built\n")
        time.sleep(0.3)
        fill("one")(new)

    build_once(folder, {}, build)
    assert content_of(folder) == "one"


# the children touch neither torch nor its threads
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_second_process_waits_and_reuses(tmp_path):
    context = multiprocessing.get_context("fork")
    log = tmp_path / "log"
    children = [
        context.Process(target=build_slowly, args=(tmp_path / "corpus", log))
        for _ in range(3)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=30)
        assert child.exitcode == 0
    assert log.read_text() == "built\n"


def utterance(name, split, frames=10, tokens=("a", "<end>"), **optional):
    samples = np.zeros(256 * frames, dtype=np.int16)
    return Utterance(name, split, f"say {name}", samples, tokens, **optional)


def write(folder, utterances, make=lambda item: item):
    folder.mkdir()
    write_corpus(folder, utterances, make, MelSettings())


def test_written_corpus_is_described_by_its_manifests(tmp_path):
    folder = tmp_path / "corpus"
    voice = {"voice": "en-us", "rate": 175, "pitch": 40, "pitch_range": 30}
    torn = np.random.default_rng(0).integers(-9000, 9000, 5000)
    first = utterance("a", "train", token_starts=(0, 300), voice=voice)
    first.samples = torn.astype(np.int16)
    write(folder, [first, utterance("b", "valid"), utterance("c", "test")])
    entry = json.loads((folder / "train.json").read_text())["a"]
    mel = np.load(entry.pop("mel").format(data_root=folder))
    wav = entry.pop("wav").format(data_root=folder)
    samples, sample_rate = soundfile.read(wav, dtype="int16")
    assert entry == {
        "duration": 5000 / 22050,
        "mel_length": 20,
        "text": "say a",
        "tokens": ["a", "<end>"],
        "token_starts": [0, 300],
        **voice,
    }
    assert sample_rate == 22050
    np.testing.assert_array_equal(samples, torn)
    assert mel.dtype == np.float32 and mel.shape == (20, 80)
    expected = LogMel()(torch.tensor(torn / 2**15).float()[None])[0]
    np.testing.assert_allclose(mel, expected, rtol=1e-5, atol=1e-5)
    entry = json.loads((folder / "valid.json").read_text())["b"]
    assert entry["token_starts"] is None
    assert entry["voice"] is entry["rate"] is None
    assert entry["pitch"] is entry["pitch_range"] is None


def test_float_samples_are_written_at_the_same_scale(tmp_path):
    folder = tmp_path / "corpus"
    items = [utterance(name, name) for name in ("train", "valid", "test")]
    items[0].samples = np.linspace(-0.5, 0.5, 2560, dtype=np.float32)
    write(folder, items)
    samples, _ = soundfile.read(folder / "wavs" / "train.wav")
    np.testing.assert_allclose(samples, items[0].samples, atol=2**-15)


def test_statistics_and_tokens_are_of_the_training_split_only(tmp_path):
    folder = tmp_path / "corpus"
    loud = utterance("b", "valid", tokens=("ʒ", "<end>"))
    loud.samples = np.full_like(loud.samples, 20000)
    items = [utterance("a", "train", tokens=("b", "a")), loud]
    write(folder, [*items, utterance("c", "test", tokens=("x",))])
    assert json.loads((folder / "tokens.json").read_text()) == ["a", "b"]
    statistics = MelStatistics.load(folder / "mel_statistics.json")
    np.testing.assert_allclose(statistics.mean, np.log(LOG_FLOOR), rtol=1e-6)


def test_manifests_keep_the_order_of_the_items(tmp_path):
    folder = tmp_path / "corpus"
    names = [f"u{i}" for i in (3, 1, 2, 9, 5, 4)]
    items = [
        utterance(n, "train", frames=60 - 5 * i) for i, n in enumerate(names)
    ]
    write(folder, [*items, utterance("v", "valid"), utterance("t", "test")])
    assert list(json.loads((folder / "train.json").read_text())) == names


def test_all_problems_come_in_one_error(tmp_path):
    def make(item):
        if item % 2:
            raise ValueError(f"item {item} is bad")
        return utterance(str(item), "train")

    with pytest.raises(ValueError, match=r"3 problem\(s\)") as e:
        write(tmp_path / "corpus", range(6), make)
    assert str(e.value).splitlines()[1:] == [
        "- item 1 is bad",
        "- item 3 is bad",
        "- item 5 is bad",
    ]


def test_other_errors_are_not_collected(tmp_path):
    def make(item):
        raise RuntimeError("disk on fire")

    with pytest.raises(RuntimeError, match="disk on fire"):
        write(tmp_path / "corpus", range(100), make)


@pytest.mark.parametrize("missing", ["train", "valid", "test"])
def test_empty_split_is_an_error(tmp_path, missing):
    splits = [s for s in ("train", "valid", "test") if s != missing]
    with pytest.raises(ValueError, match=f"The split {missing} must hold"):
        write(tmp_path / "corpus", [utterance(s, s) for s in splits])


PREPARATION = """
import os, sys, time
from pathlib import Path
import numpy as np
from sb_sma.data.speech.folder import Utterance, write_corpus
from sb_sma.data.speech.mel import MelSettings

def make(item):
    print(os.getpid(), flush=True)
    time.sleep(0.2)
    split = ("train", "valid", "test")[item % 3]
    return Utterance(str(item), split, "a", np.zeros(2560, np.int16), ["a"])

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_corpus(folder, range(10000), make, MelSettings(), n_processes=2)
"""


def test_processes_end_with_the_first_one_that_is_killed(tmp_path, repository):
    script = tmp_path / "prepare.py"
    script.write_text(PREPARATION)
    (tmp_path / "corpus").mkdir()
    with subprocess.Popen(
        [sys.executable, script, tmp_path / "corpus"],
        env={**os.environ, "PYTHONPATH": str(repository)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout.readline().strip().isdigit()
        process.kill()
        process.wait()
        # it comes to its end when all that write to it have ended
        output = process.stdout.fileno()
        deadline = time.monotonic() + 20
        while select.select(
            [output], [], [], max(0, deadline - time.monotonic())
        )[0]:
            if not os.read(output, 1000):
                break
            assert time.monotonic() < deadline
        else:
            pytest.fail("processes are left")


def test_a_link_goes_on_leading_to_the_corpus(tmp_path):
    place, link = tmp_path / "disk" / "place", tmp_path / "corpus"
    place.mkdir(parents=True)
    link.symlink_to(place)
    for content in ("one", "two"):
        build_once(link, {"seed": 1}, fill(content))
        build_once(link, {"seed": 1}, must_not_build)
        assert link.is_symlink() and content_of(place) == content
        shutil.rmtree(place)
    assert not leftovers(link) - {"disk"} and not leftovers(place)
