"""How states sound, learned and kept."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from sb_sma.alignment.acoustic_model import (
    AcousticModel,
    Counts,
    load_model,
    save_model,
)
from sb_sma.alignment.features import N_FEATURES


def test_score_is_the_log_likelihood_but_for_a_constant(model):
    model.log_variance = torch.randn(model.mean.shape)
    features = torch.randn(5, N_FEATURES)
    gaussians = torch.distributions.Normal(
        model.mean, (0.5 * model.log_variance).exp()
    )
    expected = gaussians.log_prob(features[:, None]).sum(-1)
    ratio = model.score(features) - 0.2 * expected
    assert torch.allclose(ratio, ratio[0, 0].expand_as(ratio), atol=1e-3)


def test_means_move_to_what_was_heard(model):
    features = torch.randn(4000, N_FEATURES) + 3
    counts = Counts.none(len(model.mean))
    counts.add_path(torch.full((4000,), 7), features)
    updated = model.updated(counts)
    assert torch.allclose(updated.mean[7], features.mean(0), atol=0.05)
    assert torch.allclose(
        updated.log_variance[7].exp(), features.var(0), atol=0.1
    )


def test_what_is_hardly_heard_stays_what_is_believed(model):
    counts = Counts.none(len(model.mean))
    counts.add_path(torch.full((100,), 7), torch.randn(100, N_FEATURES))
    updated = model.updated(counts, believed=model)
    assert torch.allclose(updated.mean[8], model.mean[8], atol=1e-5)
    assert not torch.allclose(updated.mean[7], model.mean[7], atol=0.1)


def test_both_ways_of_counting_agree(model):
    features = torch.randn(6, N_FEATURES)
    emitters = torch.tensor([6, 7, 8])
    path = torch.tensor([0, 0, 1, 1, 1, 2])
    shared, followed = (Counts.none(len(model.mean)) for _ in range(2))
    shared.add(emitters, torch.eye(3)[path], features)
    followed.add_path(emitters[path], features)
    for name in ("frames", "totals", "squares", "visits"):
        counted = getattr(shared, name), getattr(followed, name)
        assert torch.allclose(*counted, atol=1e-4)


def test_an_aligner_is_read_as_it_was_written(model, tmp_path):
    save_model(tmp_path / "new" / "model", model, {"voice": "de"})
    again, settings = load_model(tmp_path / "new" / "model")
    assert settings == {"voice": "de"} and again.units == model.units
    for name, tensor in model.tensors().items():
        assert torch.equal(tensor, again.tensors()[name])


@pytest.mark.parametrize(
    "spoil, told",
    [
        (lambda path: path.unlink(), "which has none"),
        (lambda path: path.write_bytes(b"abc"), "cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "be read"),
        (lambda path: save_file({"a": torch.ones(1)}, path), "be read"),
        (lambda path: rewrite(path, format=9), "another version"),
        (lambda path: rewrite(path, units=["a"]), "another version"),
        (lambda path: rewrite(path, mean=float("nan")), "its mean must be"),
        (lambda path: rewrite(path, mean=1e30), "its mean must be"),
        (lambda path: rewrite(path, units=["a", "a", "b"]), "unique"),
    ],
)
def test_a_spoilt_aligner_is_refused(model, tmp_path, spoil, told):
    save_model(tmp_path, model, {})
    spoil(tmp_path / "aligner.safetensors")
    with pytest.raises(ValueError, match=told) as raised:
        load_model(tmp_path)
    assert str(tmp_path) in str(raised.value)


def rewrite(path, mean=None, **changed):
    tensors = load_file(path)
    if mean is not None:
        tensors["mean"].fill_(mean)
    described = {"format": 1, "units": [*"abc"], "settings": {}, **changed}
    save_file(tensors, path, {"aligner": json.dumps(described)})


def test_quiet_frames_are_pauses_from_the_start():
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(1000, N_FEATURES, generator=generator)
    features[:200, 0] -= 20
    flat = AcousticModel.flat(["a"], features, torch.zeros(16))
    scores = flat.score(features)
    assert (scores[:100, 1] > scores[:100, 7]).all()
    assert (scores[300:, 1] < scores[300:, 7]).all()
