"""Weights survive the file, and fit or fail."""

import stat

import pytest
import torch
from torch import nn

from sb_sma.inference.model_folder import ModelFolderError
from sb_sma.inference.weights import (
    SafetensorsPretrainer,
    load_weights,
    save_weights,
)


def make_model(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    model(torch.randn(5, 3))  # moves the buffers
    return model


def assert_same(model, other):
    states = model.state_dict(), other.state_dict()
    assert states[0].keys() == states[1].keys()
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name]), name
        assert tensor.dtype == states[1][name].dtype


def test_parameters_and_buffers_come_back(tmp_path):
    model, other = make_model(0), make_model(1)
    save_weights(model, tmp_path / "model.safetensors")
    load_weights(other, str(tmp_path / "model.safetensors"))
    assert_same(other, model)
    assert other[0].weight.requires_grad


def test_views_are_saved_whole(tmp_path):
    model = nn.Linear(3, 4)
    model.weight = nn.Parameter(torch.rand(3, 4).T)
    save_weights(model, tmp_path / "model.safetensors")
    other = nn.Linear(3, 4)
    load_weights(other, tmp_path / "model.safetensors")
    assert torch.equal(other.weight, model.weight)


def test_others_may_read_the_file(tmp_path):
    save_weights(make_model(0), tmp_path / "model.safetensors")
    (tmp_path / "beside").write_text("")
    mode, expected = (
        stat.S_IMODE((tmp_path / name).stat().st_mode)
        for name in ("model.safetensors", "beside")
    )
    assert mode == expected


def test_the_pretrainer_finds_its_files(tmp_path):
    model, other = make_model(0), make_model(1)
    save_weights(model, tmp_path / "net.safetensors")
    pretrainer = SafetensorsPretrainer(loadables={"net": other})
    pretrainer.collect_files(default_source=str(tmp_path))
    pretrainer.load_collected()
    assert_same(other, model)


@pytest.mark.parametrize(
    "other, message",
    [
        (
            nn.Linear(3, 5),
            r"model.safetensors must .*weight must have shape \(5, 3\)",
        ),
        (nn.Linear(3, 4, bias=False), "bias is too much.* again"),
    ],
    ids=["width", "superfluous"],
)
def test_weights_of_another_architecture_are_refused(tmp_path, other, message):
    save_weights(nn.Linear(3, 4), tmp_path / "model.safetensors")
    with pytest.raises(ModelFolderError, match=message):
        load_weights(other, tmp_path / "model.safetensors")


def test_a_missing_weight_is_an_error(tmp_path):
    save_weights(nn.Linear(3, 4, bias=False), tmp_path / "model.safetensors")
    with pytest.raises(ModelFolderError, match="bias is missing.* again"):
        load_weights(nn.Linear(3, 4), tmp_path / "model.safetensors")
