"""Shards hold what files hold, and are read whole, in order, or not at all."""

import itertools
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.dataio.dataloader import make_dataloader

from recipes.Embedded.embedded_prepare import prepare_embedded
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.corpus.content import find_damage, find_foreign_names
from sb_sma.data.sampler import (
    BatchShare,
    LengthBatchSampler,
    ShardBatchSampler,
)
from sb_sma.data.shards.manifest import ShardManifest, without
from sb_sma.data.shards.read import ShardReader
from sb_sma.data.shards.samples import read_mels
from sb_sma.data.speech.folder import Utterance, write_corpus
from sb_sma.data.speech.mel import MelSettings, MelStatistics

pytest.importorskip(
    "webdataset", reason="needs the extra data: pip install 'sb_sma[data]'"
)
SIZES = {"n_utterances": 32, "n_valid": 3, "n_test": 2}
LIMITS = {"max_length": 900, "max_items": 3, "seed": 5}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same corpus in files, and in shards of 4."""
    root = tmp_path_factory.mktemp("corpora")
    for name, utterances_per_shard in (("files", 0), ("shards", 4)):
        prepare_embedded(
            root / name, **SIZES, utterances_per_shard=utterances_per_shard
        )
    return root


@pytest.fixture(scope="module")
def manifest(folders):
    return load_manifests(folders / "shards")["train"]


@pytest.fixture
def copied(folders, tmp_path):
    """A corpus in shards that a test may damage."""
    return shutil.copytree(folders / "shards", tmp_path / "speech-abcd1234")


def make_item(entry, mel):
    return {"id": entry["id"], "log_mel": mel, "n": len(entry["tokens"])}


def make_sampler(manifest, **options):
    return ShardBatchSampler(
        manifest.lengths, manifest.shards, **{**LIMITS, "mixed": 2, **options}
    )


def read(manifest, sampler, skipped=0, num_workers=0):
    """The batches of a loader that SpeechBrain makes."""
    reader = ShardReader(manifest, make_item)
    reader.sampler, reader.skipped = sampler, skipped
    loader = make_dataloader(
        reader.pipeline(), batch_size=None, num_workers=num_workers
    )
    return list(loader)


def ids_of(batches):
    return [batch.id for batch in batches]


def assert_same(batches, others):
    assert ids_of(batches) == ids_of(others)
    for one, other in zip(batches, others):
        assert torch.equal(one.log_mel.data, other.log_mel.data)
        assert torch.equal(one.log_mel.lengths, other.log_mel.lengths)
        assert torch.equal(one.n, other.n)


def test_shards_hold_what_files_hold(folders, manifest):
    files = load_manifests(folders / "files")
    shards = load_manifests(folders / "shards")
    for split in ("valid", "test"):
        assert shards[split].keys() == files[split].keys()
    assert list(manifest) == list(files["train"])
    mels = read_mels(manifest)
    for (name, entry), mel in zip(manifest.items(), mels, strict=True):
        original = files["train"][name]
        np.testing.assert_array_equal(mel, np.load(original.pop("mel")))
        original.pop("wav")
        assert original.items() <= entry.items()
        assert manifest[name] == entry
    assert not {*manifest} & {
        path.stem for path in (folders / "shards").glob("[mw]*s/*")
    }
    for name in ("tokens.json", "mel_statistics.json"):
        contents = [
            (folders / f / name).read_text() for f in ("files", "shards")
        ]
        assert contents[0] == contents[1]
    assert not find_foreign_names(folders / "shards")
    assert not find_damage(folders / "shards")


@pytest.mark.parametrize("epoch", [1, 2, 7])
@pytest.mark.parametrize("shuffle", [True, False])
def test_all_shards_at_a_time_give_the_batches_of_files(
    folders, manifest, epoch, shuffle
):
    files = load_manifests(folders / "files")["train"]
    lengths = [entry["mel_length"] for entry in files.values()]
    plain = LengthBatchSampler(lengths, **LIMITS, shuffle=shuffle)
    sharded = make_sampler(manifest, mixed=99, shuffle=shuffle)
    plain.set_epoch(epoch)
    sharded.set_epoch(epoch)
    assert list(sharded) == list(plain)
    entries = [{"id": name, **entry} for name, entry in files.items()]
    expected = [
        PaddedBatch(
            [
                make_item(
                    entries[i], torch.from_numpy(np.load(entries[i]["mel"]))
                )
                for i in batch
            ]
        )
        for batch in plain
    ]
    assert_same(read(manifest, sharded), expected)


@pytest.mark.parametrize("mixed", [1, 2, 3, 99])
def test_an_epoch_has_every_utterance_once(manifest, mixed):
    orders = []
    for epoch in (1, 2, 3):
        sampler = make_sampler(manifest, mixed=mixed)
        sampler.set_epoch(epoch)
        orders.append(list(itertools.chain(*ids_of(read(manifest, sampler)))))
        assert sorted(orders[-1]) == sorted(manifest)
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_batches_are_of_few_shards_and_fit(manifest):
    sampler = make_sampler(manifest, mixed=2)
    sampler.set_epoch(4)
    for batch in sampler:
        assert len({*manifest.shards[batch].tolist()}) <= 2
        longest = max(manifest.lengths[batch])
        assert len(batch) == 1 or len(batch) * longest <= LIMITS["max_length"]
        assert len(batch) <= LIMITS["max_items"]


@pytest.mark.parametrize("num_workers", [1, 2, 3])
def test_workers_give_the_batches_of_one_process(manifest, num_workers):
    sampler = make_sampler(manifest)
    sampler.set_epoch(2)
    batches = read(manifest, sampler, num_workers=num_workers)
    assert_same(batches, read(manifest, sampler))


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("skipped", [1, 4, -1, 10**6])
def test_an_epoch_is_gone_on_with(manifest, skipped, num_workers):
    sampler = make_sampler(manifest)
    sampler.set_epoch(3)
    whole = read(manifest, sampler)
    skipped %= len(whole) + 1
    rest = read(manifest, sampler, skipped, num_workers)
    assert_same(rest, whole[skipped:])


def test_only_shards_that_are_left_are_opened(copied):
    manifest = ShardManifest(copied / "train.jsonl")
    sampler = make_sampler(manifest, mixed=1)
    sampler.set_epoch(2)
    batches = list(sampler)
    first = manifest.shards[batches[0][0]]
    n_first = sum(manifest.shards[batch[0]] == first for batch in batches)
    manifest.shard_path(first).unlink()
    assert len(read(manifest, sampler, n_first)) == len(batches) - n_first


@pytest.mark.parametrize("n_processes", [2, 3, 7])
@pytest.mark.parametrize("mixed", [1, 2])
def test_processes_have_shards_of_their_own(manifest, n_processes, mixed):
    sampler = make_sampler(manifest, mixed=mixed)
    shares = [
        BatchShare(sampler, rank, n_processes) for rank in range(n_processes)
    ]
    for share in shares:
        share.set_epoch(2)
    read_ids = [ids_of(read(manifest, share)) for share in shares]
    assert len({len(ids) for ids in read_ids}) == 1
    of_ranks = [{*itertools.chain(*ids)} for ids in read_ids]
    assert set().union(*of_ranks) == {*manifest}
    # each once; only whole batches come again, at the end
    assert sum(map(len, of_ranks)) == len(manifest)
    for ids in read_ids:
        once = list(dict.fromkeys(map(tuple, ids)))
        assert sum(map(len, once)) == len({*itertools.chain(*once)})
    for one, other in itertools.combinations(shares, 2):
        shards = [
            {*manifest.shards[list(itertools.chain(*share))].tolist()}
            for share in (one, other)
        ]
        assert not shards[0] & shards[1]


@pytest.mark.parametrize("before, n_processes", [(1, 2), (3, 1), (2, 4)])
@pytest.mark.parametrize("n_steps", [1, 3])
def test_an_epoch_that_others_began_is_gone_on_with(
    manifest, before, n_processes, n_steps
):
    sampler = make_sampler(manifest, mixed=2)
    steps = sampler.deal(2, n_processes, [(before, n_steps)])
    assert steps[:n_steps] == sampler.deal(2, before)[:n_steps]
    assert {len(step) for step in steps[n_steps:]} == {n_processes}
    seen, rest = (
        {*itertools.chain(*itertools.chain(*part))}
        for part in (steps[:n_steps], steps[n_steps:])
    )
    assert not seen & rest
    assert seen | rest == {*range(len(manifest))}
    share = BatchShare(sampler, 0, n_processes)
    share.set_epoch(2)
    expected = [manifest.lengths[batch].tolist() for batch in share]
    assert len(read(manifest, share)) == len(expected)


def test_more_processes_than_shards_are_refused(manifest):
    sampler = make_sampler(manifest)
    with pytest.raises(
        ValueError, match="9 processes .* got 7. Lower utterances"
    ):
        BatchShare(sampler, 0, n_processes=9)
    with pytest.raises(ValueError, match="mixed must be 1 or more; got 0"):
        make_sampler(manifest, mixed=0)


def test_utterances_that_are_left_out_are_not_read(manifest):
    gone = set(list(manifest)[:5])
    others = without(manifest, gone)
    assert {*others} == {*manifest} - gone
    assert len(others.lengths) == len(manifest) - 5 == len(others)
    ids = itertools.chain(*ids_of(read(others, make_sampler(others))))
    assert sorted(ids) == sorted(others)
    assert sum(1 for _ in read_mels(others)) == len(others)


def cut(path, share):
    with open(path, "r+b") as file:
        file.truncate(int(path.stat().st_size * share))


def flip(path, share):
    content = bytearray(path.read_bytes())
    content[int(len(content) * share)] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("share", [0, 0.001, 0.2, 0.5, 0.8, 0.9])
@pytest.mark.parametrize("damage", [cut, flip])
def test_a_damaged_shard_is_named(copied, damage, share):
    manifest = ShardManifest(copied / "train.jsonl")
    path = manifest.shard_path(1)
    damage(path, share)
    with pytest.raises(ValueError, match="The shard .* Put the file") as error:
        read(manifest, make_sampler(manifest))
    assert str(path) in str(error.value)


def test_every_byte_of_a_sample_is_watched(copied):
    manifest = ShardManifest(copied / "train.jsonl")
    path = manifest.shard_path(0)
    content = path.read_bytes()
    whole = [mel.clone() for mel in read_mels(manifest)]
    draw = np.random.default_rng(0)
    for place in draw.integers(len(content), size=60):
        changed = bytearray(content)
        changed[place] ^= 1 << int(draw.integers(8))
        path.write_bytes(changed)
        try:
            # between the samples nothing is lost
            for one, other in zip(read_mels(manifest), whole, strict=True):
                assert torch.equal(one, other)
        except ValueError as error:
            assert str(path) in str(error)


def test_a_missing_shard_is_named(copied):
    manifest = ShardManifest(copied / "train.jsonl")
    path = manifest.shard_path(2)
    path.rename(path.with_suffix(".bak"))
    assert find_damage(copied) == f"shards/{path.name} is missing"
    with pytest.raises(ValueError, match=f"{path.name} cannot be read"):
        read(manifest, make_sampler(manifest))
    path.write_bytes(b"")
    assert f"shards/{path.name} has 0 of " in find_damage(copied)
    with pytest.raises(ValueError, match=f"{path.name} cannot be read"):
        read(manifest, make_sampler(manifest))


def test_a_shard_in_the_place_of_another_is_named(copied):
    manifest = ShardManifest(copied / "train.jsonl")
    one, other = map(manifest.shard_path, (1, 2))
    shutil.copy(one, other)
    with pytest.raises(ValueError, match=f"{other.name}.* is of {one.name}"):
        read(manifest, make_sampler(manifest))


def test_an_error_in_a_worker_names_the_shard(copied):
    manifest = ShardManifest(copied / "train.jsonl")
    flip(manifest.shard_path(1), 0.5)
    with pytest.raises(ValueError, match="The shard .* is damaged"):
        read(manifest, make_sampler(manifest), num_workers=1)


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "a"}', "\xff", "1"])
def test_a_damaged_manifest_is_one_error(copied, line):
    path = copied / "train.jsonl"
    lines = path.read_bytes().splitlines()
    lines[3] = line.encode("latin-1")
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(ValueError, match="train.jsonl, line 4, must be"):
        ShardManifest(path)


def make(item):
    """A tone for each item; those with a minus are bad."""
    name, split, frequency = item
    if frequency < 0:
        raise ValueError(f"{name} is bad")
    if frequency == 13:
        raise KeyboardInterrupt
    made.append(name)
    samples = np.sin(np.arange(4000) * frequency / 100).astype(np.float32) / 2
    return Utterance(name, split, "a", samples, ["a"], details={"f": frequency})


made = []


def write(folder, items, **options):
    folder.mkdir(exist_ok=True)
    made.clear()
    return write_corpus(
        folder,
        items,
        make,
        MelSettings(),
        **{"utterances_per_shard": 3, "skip_bad_utterances": True, **options},
    )[0]["train"]


def tones(*frequencies):
    held_out = [("v", "valid", 1), ("t", "test", 2)]
    return held_out + [(f"u{abs(f)}", "train", f) for f in frequencies]


def content_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_interrupted_preparation_goes_on(tmp_path):
    before = tones(3, 4, 5, 6, 7, 8, 9, 13, 14)
    after = [*before[:-2], *tones(10, 14)[2:]]
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "some", before)
    n_made = len(made)
    assert len(list((tmp_path / "some" / "shards").glob("*.tar"))) == 2
    write(tmp_path / "some", after)
    assert len(made) <= len(after) - n_made + 1
    write(tmp_path / "whole", after)
    assert content_of(tmp_path / "some") == content_of(tmp_path / "whole")


def test_another_list_after_an_interruption_makes_its_own_shards(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "some", tones(3, 4, 5, 6, 7, 8, 9, 13))
    # every later one comes into another shard
    after = tones(20, 3, 4, 5, 6, 7, 8, 9)
    write(tmp_path / "some", after)
    write(tmp_path / "whole", after)
    assert content_of(tmp_path / "some") == content_of(tmp_path / "whole")


def test_bad_utterances_leave_gaps(tmp_path):
    items = tones(3, -4, 5, -6, -7, -8, 9)
    train = write(tmp_path / "corpus", items)
    assert [entry["f"] for entry in train.values()] == [3, 5, 9]
    assert len(list((tmp_path / "corpus" / "shards").iterdir())) == 2
    mels = list(read_mels(train))
    assert len(mels) == 3
    statistics = MelStatistics.load(tmp_path / "corpus" / "mel_statistics.json")
    assert torch.equal(statistics.mean, MelStatistics.from_mels(mels).mean)
    with pytest.raises(ValueError, match="u4 is bad"):
        write(tmp_path / "strict", items, skip_bad_utterances=False)
    with pytest.raises(ValueError, match="split train must hold at least one"):
        write(tmp_path / "none", tones(-3, -4))


def test_ids_with_dots_and_other_letters_are_read(tmp_path):
    items = tones(3, 4)
    items += [(name, "train", 5) for name in ("a.b.c", "ö ß", "__x__", "u.npy")]
    train = write(tmp_path / "corpus", items)
    ids = itertools.chain(*ids_of(read(train, make_sampler(train))))
    assert sorted(ids) == sorted(name for name, s, _ in items if s == "train")


def test_a_missing_package_names_the_extra(tmp_path):
    code = (
        "import sys; sys.modules['webdataset'] = None\n"
        "from recipes.Embedded.embedded_prepare import prepare_embedded\n"
        f"prepare_embedded({str(tmp_path / 'corpus')!r}, utterances_per_shard=4)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert "pip install 'sb_sma[data]'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_sizes_are_those_of_the_files(folders):
    sizes = json.loads((folders / "shards" / "shards.json").read_text())
    for name, size in sizes.items():
        assert (folders / "shards" / name).stat().st_size == size
    assert len(sizes) == 1 + 7
