"""A checkpoint counts once it is whole."""

import itertools
import math
import subprocess
import sys

import pytest
import torch
import yaml
from speechbrain.utils.epoch_loop import EpochCounter
from torch import nn

from sb_sma.training.recovery.checkpointer import AtomicCheckpointer


class Killed(Exception):
    """Stands for the end of the process."""


def make_checkpointer(folder, weight):
    """One with two models, whose weights are all `weight`."""
    models = {name: nn.Linear(1, 1, bias=False) for name in ("one", "two")}
    for model in models.values():
        nn.init.constant_(model.weight, weight)
    return AtomicCheckpointer(folder, models)


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """A folder with a checkpoint, and half of a later one."""
    make_checkpointer(tmp_path, 1.0).save_checkpoint(meta={"loss": 1.0})
    with monkeypatch.context() as patch:
        real, calls = torch.save, []

        def save(*args):
            calls.append(args)
            if len(calls) == 2:
                raise Killed
            real(*args)

        patch.setattr(torch, "save", save)
        with pytest.raises(Killed):
            make_checkpointer(tmp_path, 2.0).save_checkpoint({"loss": 0.5})
    assert len(list(tmp_path.iterdir())) == 2
    return tmp_path


@pytest.mark.parametrize("min_key", [None, "loss"])
def test_half_a_checkpoint_is_passed_over(killed, min_key):
    checkpointer = make_checkpointer(killed, 3.0)
    assert checkpointer.recover_if_possible(min_key=min_key)
    weights = [m.weight.item() for m in checkpointer.recoverables.values()]
    assert weights == [1.0, 1.0]


def test_half_a_checkpoint_is_deleted_with_the_next(killed):
    make_checkpointer(killed, 3.0).save_and_keep_only()
    checkpointer = make_checkpointer(killed, 4.0)
    (checkpoint,) = killed.iterdir()
    assert checkpointer.find_checkpoint().path == checkpoint
    checkpointer.recover_if_possible()
    weights = [m.weight.item() for m in checkpointer.recoverables.values()]
    assert weights == [3.0, 3.0]


def test_the_best_and_the_last_are_kept(tmp_path):
    checkpointer = make_checkpointer(tmp_path, 1.0)
    for loss in (0.5, 0.2, 0.7):
        checkpointer.save_and_keep_only({"loss": loss}, min_keys=["loss"])
    kept = [c.meta["loss"] for c in checkpointer.list_checkpoints()]
    assert sorted(kept) == [0.2, 0.7]


def test_a_long_run_saves_as_fast_as_a_short_one(tmp_path, monkeypatch):
    checkpointer, n_listed = make_checkpointer(tmp_path, 1.0), []

    def list_checkpoints(real=checkpointer.list_checkpoints):
        n_listed[-1] += 1
        return real()

    monkeypatch.setattr(checkpointer, "list_checkpoints", list_checkpoints)
    for _ in range(4):
        n_listed.append(0)
        checkpointer.save_and_keep_only()
    assert len(set(n_listed)) == 1


def test_there_is_no_folder_before_there_is_a_checkpoint(tmp_path):
    folder = tmp_path / "run" / "save"
    checkpointer = make_checkpointer(folder, 1.0)
    assert checkpointer.find_checkpoint() is None
    assert checkpointer.recover_if_possible() is None
    assert not folder.parent.exists()
    saved = checkpointer.save_checkpoint()
    assert make_checkpointer(folder, 0.0).find_checkpoint().path == saved.path


def save_epochs(folder, *epochs, key="loss"):
    """A checkpoint at the end of each epoch; its weights are its number."""
    for epoch in epochs:
        checkpointer = make_checkpointer(folder, float(epoch))
        checkpointer.save_checkpoint({"epoch": epoch, key: 1.0 / epoch})
    return sorted(folder.glob("CKPT+*"))


def recover(folder, **how):
    """The weights of what is recovered."""
    checkpointer = make_checkpointer(folder, 0.0)
    checkpointer.recover_if_possible(**how)
    return [m.weight.item() for m in checkpointer.recoverables.values()]


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def spoil(path):
    """Other bytes in the middle, as many as there were."""
    content = bytearray(path.read_bytes())
    quarter = len(content) // 4
    content[quarter : 3 * quarter] = b"\xff" * 2 * quarter
    path.write_bytes(content)


def remove(path):
    path.unlink()


@pytest.mark.parametrize(
    "name, damage",
    [
        *itertools.product(
            ["one.ckpt", "two.ckpt", "CKPT.yaml", "digests.json"], [cut, spoil]
        ),
        ("one.ckpt", remove),
    ],
)
def test_a_damaged_checkpoint_is_named_and_the_next_is_taken(
    tmp_path, caplog, name, damage
):
    _, last = save_epochs(tmp_path, 1, 2)
    damage(last / name)
    assert recover(tmp_path) == [1.0, 1.0]
    assert recover(tmp_path, min_key="loss") == [1.0, 1.0]
    assert f"{last} is damaged and passed over" in caplog.text
    make_checkpointer(tmp_path, 2.0).save_and_keep_only({"epoch": 2})
    assert recover(tmp_path) == [2.0, 2.0]


@pytest.mark.parametrize("content", ["- 1\n", "word\n", "7\n", ""])
def test_meta_that_is_no_mapping_is_damage(tmp_path, caplog, content):
    _, last = save_epochs(tmp_path, 1, 2)
    (last / "CKPT.yaml").write_text(content)
    assert recover(tmp_path) == [1.0, 1.0]
    assert f"{last} is damaged and passed over" in caplog.text


def test_what_is_passed_over_is_kept(tmp_path):
    _, last = save_epochs(tmp_path, 1, 2)
    cut(last / "one.ckpt")
    checkpointer = make_checkpointer(tmp_path, 0.0)
    checkpointer.recover_if_possible()
    checkpointer.save_and_keep_only({"epoch": 2})
    assert (tmp_path / f"damaged+{last.name}" / "two.ckpt").exists()


def test_a_damaged_checkpoint_is_no_matter_where_none_is_wanted(tmp_path):
    _, last = save_epochs(tmp_path, 1, 2)
    cut(last / "one.ckpt")
    checkpointer = make_checkpointer(tmp_path, 0.0)
    assert checkpointer.find_checkpoint() is not None
    assert checkpointer.find_checkpoint(min_key="unknown") is None


@pytest.mark.parametrize("name", ["one.ckpt", "CKPT.yaml"])
def test_a_run_without_a_sound_checkpoint_is_refused(tmp_path, name):
    for folder in save_epochs(tmp_path, 1, 2):
        spoil(folder / name)
    with pytest.raises(
        ValueError, match=rf"No checkpoint in {tmp_path} is sound: CKPT.*{name}"
    ):
        recover(tmp_path)


@pytest.mark.parametrize("damage", [cut, spoil, lambda p: p.write_bytes(b"")])
def test_checkpoints_without_digests_are_compared_with_their_own_sums(
    tmp_path, damage
):
    folders = save_epochs(tmp_path, 1, 2)
    for folder in folders:
        (folder / "digests.json").unlink()
    assert recover(tmp_path) == [2.0, 2.0]
    damage(folders[1] / "two.ckpt")
    assert recover(tmp_path) == [1.0, 1.0]


def test_an_earlier_version_may_have_saved_what_is_not_finite(tmp_path, caplog):
    first, last = save_epochs(tmp_path, 1, 2)
    (last / "digests.json").unlink()
    torch.save({"weight": torch.full((1, 1), torch.nan)}, last / "two.ckpt")
    assert recover(tmp_path) == [1.0, 1.0]
    assert "two.ckpt has weight, which is not finite" in caplog.text


def set_clock_back(folder):
    path = folder / "CKPT.yaml"
    meta = yaml.safe_load(path.read_text())
    path.write_text(
        yaml.safe_dump({**meta, "unixtime": meta["unixtime"] - 1e6})
    )
    (folder / "digests.json").unlink()


def test_progress_counts_and_no_clock(tmp_path):
    _, last = save_epochs(tmp_path, 1, 2)
    set_clock_back(last)
    assert recover(tmp_path) == [2.0, 2.0]
    checkpointer = make_checkpointer(tmp_path, 3.0)
    checkpointer.delete_checkpoints()
    assert list(tmp_path.iterdir()) == [last]


def test_progress_of_an_earlier_version_is_read_from_its_counter(tmp_path):
    for epoch, end_of_epoch in ((1, True), (2, False)):
        counter = EpochCounter(3)
        checkpointer = AtomicCheckpointer(tmp_path, {"counter": counter})
        counter.current = epoch
        folder = checkpointer.save_checkpoint(end_of_epoch=end_of_epoch).path
        path = folder / "CKPT.yaml"
        meta = yaml.safe_load(path.read_text())
        assert meta.pop("epoch") == epoch
        path.write_text(yaml.safe_dump(meta))
        set_clock_back(folder)
    assert checkpointer.find_checkpoint().path == folder


def test_nan_is_the_worst(tmp_path):
    checkpointer = make_checkpointer(tmp_path, 1.0)
    for epoch, loss in enumerate((math.nan, 0.5, 0.7, math.nan), start=1):
        meta = {"epoch": epoch, "loss": loss}
        checkpointer.save_and_keep_only(meta, min_keys=["loss"])
    kept = {c.meta["epoch"] for c in checkpointer.list_checkpoints()}
    assert kept == {2, 4}
    assert checkpointer.find_checkpoint(min_key="loss").meta["epoch"] == 2
    assert checkpointer.find_checkpoint(max_key="loss").meta["epoch"] == 2


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_not_saved(tmp_path, value):
    save_epochs(tmp_path, 1)
    before = sorted(tmp_path.rglob("*"))
    checkpointer = make_checkpointer(tmp_path, value)
    with pytest.raises(ValueError, match="one.weight is not finite.*Lower lr"):
        checkpointer.save_and_keep_only({"loss": 0.1}, min_keys=["loss"])
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_is_told_and_leaves_what_was_saved(tmp_path):
    program = f"""
import resource, torch
from sb_sma.training.recovery.checkpointer import AtomicCheckpointer
small, large = torch.nn.Linear(1, 1), torch.nn.Linear(1000, 100)
AtomicCheckpointer({str(tmp_path)!r}, {{"one": small}}).save_checkpoint()
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
checkpointer = AtomicCheckpointer({str(tmp_path)!r}, {{"one": large}})
try:
    checkpointer.save_and_keep_only()
except ValueError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert done.stdout.startswith(
        f"{tmp_path} cannot be written: File too large. Raise the limit"
    ), done.stderr
    (kept,) = tmp_path.iterdir()
    assert (kept / "CKPT.yaml").exists()


class Own:
    """A recoverable that saves an empty file, or a folder."""

    def __init__(self, save):
        self.save = save


@pytest.mark.parametrize("kind", ["folder", "empty"])
def test_own_recoverables_may_save_what_they_like(tmp_path, kind):
    def save(obj, path):
        if kind == "empty":
            path.write_bytes(b"")
            return
        path.mkdir()
        (path / "weights.txt").write_text("1")

    loaded = []
    checkpointer = AtomicCheckpointer(
        tmp_path,
        {"own": Own(save)},
        custom_save_hooks={"own": save},
        custom_load_hooks={"own": lambda obj, path, end: loaded.append(path)},
    )
    checkpoint = checkpointer.save_checkpoint()
    assert checkpointer.recover_if_possible().path == checkpoint.path
    assert [path.is_dir() for path in loaded] == [kind == "folder"]
    if kind == "folder":
        (loaded[0] / "weights.txt").write_text("2")
        with pytest.raises(ValueError, match="weights.txt is not what was"):
            checkpointer.find_checkpoint()


@pytest.mark.parametrize("value", [math.inf, math.nan])
@pytest.mark.parametrize("is_buffer", [True, False])
def test_only_a_buffer_may_be_infinite(tmp_path, value, is_buffer):
    model = nn.Linear(2, 2)
    model.register_buffer("scores", torch.zeros(2))
    with torch.no_grad():
        (model.scores if is_buffer else model.weight).fill_(value)
    checkpointer = AtomicCheckpointer(tmp_path, {"model": model})
    if is_buffer and value == math.inf:
        assert checkpointer.save_checkpoint()
        return
    with pytest.raises(ValueError, match="model.* is not finite"):
        checkpointer.save_checkpoint()


def test_names_are_on_the_disk_before_others_are_deleted(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(
        "sb_sma.training.recovery.checkpointer.flush", flushed.append
    )
    checkpointer = make_checkpointer(tmp_path, 1.0)
    checkpoint = checkpointer.save_checkpoint()
    assert flushed == [checkpoint.path, tmp_path]


def test_a_checkpoint_of_other_parts_is_named(tmp_path):
    path = make_checkpointer(tmp_path, 1.0).save_checkpoint().path
    (path / "digests.json").unlink()
    torch.save([1, 2], path / "one.ckpt")
    with pytest.raises(ValueError, match="cannot be loaded .AttributeError"):
        make_checkpointer(tmp_path, 2.0).recover_if_possible()
