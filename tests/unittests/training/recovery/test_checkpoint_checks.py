"""A checkpoint of another start is refused before it is loaded."""

import json

import pytest
import torch
from speechbrain.utils.checkpoints import Checkpointer
from torch import nn

from sb_sma.training.recovery.checkpoint_checks import (
    check_architecture,
    check_same_start,
    check_trial,
    remember_start,
)


def make_model(width=4, **layers):
    return nn.ModuleDict(
        {"inner": nn.Linear(3, width), "norm": nn.BatchNorm1d(width), **layers}
    )


def make_checkpointer(folder, **recoverables):
    return Checkpointer(str(folder), recoverables=recoverables)


@pytest.fixture
def saved(tmp_path):
    """A folder with a checkpoint of `make_model()`."""
    make_checkpointer(tmp_path, model=make_model()).save_checkpoint()
    return tmp_path


def test_the_same_architecture_is_accepted(saved):
    model = make_model()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    check_architecture(make_checkpointer(saved, model=model), model)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_nothing_is_checked_without_a_checkpoint(tmp_path):
    model = make_model()
    check_architecture(None, model)
    check_architecture(make_checkpointer(tmp_path, model=model), model)


@pytest.mark.parametrize(
    "other, message",
    [
        pytest.param(
            make_model(width=5),
            r"6 parameters differ, such as inner\.bias: \(4,\) in the "
            r"checkpoint, \(5,\) in the model",
            id="width",
        ),
        pytest.param(
            make_model(extra=nn.Linear(2, 2)),
            r"2 parameters differ, such as extra\.bias: absent in the "
            r"checkpoint, \(2,\) in the model",
            id="one-layer-more",
        ),
        pytest.param(
            nn.ModuleDict({"inner": nn.Linear(3, 4)}),
            r"5 parameters differ, such as norm\.bias: \(4,\) in the "
            "checkpoint, absent in the model",
            id="one-layer-less",
        ),
    ],
)
def test_another_architecture_is_refused(saved, other, message):
    with pytest.raises(
        ValueError,
        match=rf"The checkpoint .*model\.ckpt is of another architecture: "
        rf"{message}\. Give another --output_folder",
    ):
        check_architecture(make_checkpointer(saved, model=other), other)


def test_the_name_says_which_recoverable_is_meant(tmp_path):
    model, teacher = make_model(), make_model(width=5)
    checkpointer = make_checkpointer(tmp_path, model=model, teacher=teacher)
    checkpointer.save_checkpoint()
    check_architecture(checkpointer, teacher, name="teacher")
    with pytest.raises(ValueError, match="of another architecture"):
        check_architecture(checkpointer, model, name="teacher")


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    make_checkpointer(tmp_path, g2p=make_model()).save_checkpoint()
    model = make_model()
    with pytest.raises(
        ValueError, match="holds no 'model'.*Give another --output_folder"
    ):
        check_architecture(make_checkpointer(tmp_path, model=model), model)


def corpus(**parameters):
    """What a corpus is told by."""
    return {"format": 1, "parameters": parameters}


def begin(save, description, initial_model=None):
    """What a run does that has made its corpus."""
    path = save.parent / "corpus.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**description, "about": {"data": "here"}}))
    remember_start(save, path, initial_model)


def test_a_run_goes_on_with_its_corpus(tmp_path):
    save = tmp_path / "run" / "save"
    check_same_start(save, corpus(seed=1))  # it has not begun
    assert not save.exists()
    begin(save, corpus(seed=1, rate=175))
    # made again, elsewhere
    check_same_start(str(save), corpus(rate=175, seed=1))


def test_another_corpus_is_refused(tmp_path):
    save = tmp_path / "save"
    begin(save, corpus(seed=1))
    for _ in range(2):
        with pytest.raises(
            ValueError,
            match=r"began with something else: seed was 1, is 2\. Give another "
            r"--output_folder, or what was given before\. Or pray\.$",
        ):
            check_same_start(save, corpus(seed=2), remedy="Or pray.")
    check_same_start(save, corpus(seed=1))


def test_what_came_and_went_is_told(tmp_path):
    save = tmp_path / "save"
    utterances = dict.fromkeys("abc", 16 * "0")
    begin(save, corpus(utterances=utterances))
    other = {"b": 16 * "1", "c": 16 * "0", "d": 16 * "0", "e": 16 * "0"}
    with pytest.raises(
        ValueError,
        match=r"2 added \(d, e\), 1 removed \(a\), 1 changed \(b\)\. Give "
        r"another --output_folder, or what was given before: a manifest .* that "
        r"lists the recordings of then, unchanged, and no others\.$",
    ):
        check_same_start(save, corpus(utterances=other))


def test_another_initial_model_is_refused(tmp_path):
    save = tmp_path / "save"
    begin(save, corpus(seed=1), initial_model="one/model")
    check_same_start(save, corpus(seed=1), initial_model="one/model")
    for other, now in (("two/model", "'two/model'"), (None, "None")):
        with pytest.raises(
            ValueError, match=f"initial_model was 'one/model', is {now}"
        ):
            check_same_start(save, corpus(seed=1), initial_model=other)


def test_a_trial_does_not_replace_a_run(tmp_path):
    save = tmp_path / "run" / "save"
    check_trial(save)
    begin(save, corpus())
    with pytest.raises(ValueError, match="--debug would replace .*run/save. G"):
        check_trial(save)


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b"\xff\xfe", b'{"par']
)
def test_a_damaged_memory_of_the_start_is_told(tmp_path, content):
    save = tmp_path / "save"
    begin(save, corpus(seed=1))
    (save / "corpus.json").write_bytes(content)
    with pytest.raises(ValueError, match="save/corpus.json .* damaged. Remove"):
        check_same_start(save, corpus(seed=1))
