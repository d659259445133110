"""A folder that cannot be written is named, with cause and remedy."""

import errno
import shutil

import pytest
import torch
from torch import nn

from sb_sma.training.recovery.checkpointer import AtomicCheckpointer
from sb_sma.training.recovery.disk import check_room, tell_full_disk


@pytest.mark.parametrize(
    "number, remedy",
    [
        (errno.ENOSPC, "Make room there"),
        (errno.EDQUOT, "Make room there"),
        (errno.EROFS, "Let it be written"),
        (errno.EACCES, "Let it be written"),
        (errno.EFBIG, "Raise the limit"),
    ],
)
def test_cause_and_remedy_are_told(number, remedy):
    with pytest.raises(ValueError, match=rf"results cannot be .*\. {remedy}"):
        with tell_full_disk("results"):
            raise OSError(number, "so it is")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2"),
        RuntimeError("inline_container.cc:672"),  # which was not the disk's
        FileNotFoundError(errno.ENOENT, "not there"),
    ],
)
def test_other_errors_stay_what_they_are(tmp_path, error):
    with pytest.raises(type(error)) as raised, tell_full_disk(tmp_path):
        raise error
    assert raised.value is error
    assert not list(tmp_path.iterdir())


def test_too_little_room_is_refused(tmp_path):
    checkpointer = AtomicCheckpointer(tmp_path / "run" / "save")
    check_room(checkpointer, nn.Linear(2, 2))
    free = shutil.disk_usage(tmp_path).free
    with torch.device("meta"):
        model = nn.Linear(free // 4 // 4, 1)  # twice weights and moments
    with pytest.raises(
        ValueError, match="save needs .* MB for checkpoints; got"
    ):
        check_room(checkpointer, model)
    assert not list(tmp_path.iterdir())


def test_what_was_copied_is_not_blamed(tmp_path):
    for name, told in (("results/a", "results/a"), ("source", "results")):
        with pytest.raises(ValueError, match=rf"^{told} cannot be written"):
            with tell_full_disk("results"):
                raise OSError(errno.ENOSPC, "No space left on device", name)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EIO])
def test_what_cannot_be_read_is_told_so(tmp_path, number):
    mel = tmp_path / "corpus" / "a.npy"
    with pytest.raises(ValueError, match=rf"^{mel} cannot be read: so it is"):
        with tell_full_disk(tmp_path / "results"):
            raise OSError(number, "so it is", str(mel))


def test_what_cannot_be_written_in_the_folder_is_told_so(tmp_path):
    log = tmp_path / "results" / "log.txt"
    with pytest.raises(ValueError, match=rf"^{log} cannot be written"):
        with tell_full_disk(tmp_path / "results"):
            raise OSError(errno.EACCES, "so it is", str(log))
