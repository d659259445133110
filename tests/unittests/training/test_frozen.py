"""Parts of a model stay as they are while the others learn."""

import re

import pytest
import torch
from torch import nn

from sb_sma.style import make_style
from sb_sma.training.frozen import freeze


def make_model():
    style = make_style(
        "gst",
        d_model=8,
        n_mels=80,
        n_tokens=4,
        style_width=8,
        num_heads=2,
        reference_channels=[4],
        reference_width=8,
        combination="add",
    )
    encoder = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
    parts = {"encoder": encoder, "style": style, "postnet": nn.Linear(8, 8)}
    return nn.ModuleDict(parts)


def step(model):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    lengths = torch.tensor([6, 4])
    style, _ = model.style.tokens(torch.rand(2, 6, 80), lengths)
    memory = model.style(model.encoder(torch.rand(2, 6, 8)), lengths, style)
    model.postnet(memory).square().mean().backward()
    optimizer.step()


def test_frozen_parts_keep_weights_and_statistics():
    model = make_model()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    model.train()
    frozen = freeze(model, ["encoder", "style"])
    assert frozen == [model.encoder, model.style]
    step(model)
    for name, tensor in model.state_dict().items():
        is_kept = torch.equal(tensor, before[name])
        assert is_kept == (not name.startswith("postnet")), name


def test_frozen_parts_drop_nothing():
    model = make_model().train()
    freeze(model, "encoder")
    features = torch.rand(3, 8)
    torch.testing.assert_close(
        model.encoder(features), model.encoder[0](features)
    )
    assert model.postnet.training and model.postnet.weight.requires_grad


def test_nothing_is_frozen_by_default():
    model = make_model().train()
    for untrained in ((), None, ["style"]):
        assert freeze(model, [], untrained) == []
    assert all(each.training for each in model.modules())
    assert all(each.requires_grad for each in model.parameters())


@pytest.mark.parametrize(
    "names, untrained, message",
    [
        (
            ["encoder", "decodr", 3],
            (),
            "frozen must name parts of the model: encoder, style, postnet; got "
            "decodr, 3. Correct",
        ),
        ("null", (), "parts of the model: encoder, style, postnet; got null"),
        (
            ["encoder"],
            None,
            "must be [] for a model that has learnt nothing; got encoder. Give "
            "the trained one, --initial_model=DIR",
        ),
        (
            ["encoder", "style"],
            ["style"],
            "parts that initial_model has; it lacks style, which would never",
        ),
        (
            ["style", "encoder", "postnet"],
            (),
            "must leave a part to be trained; got all of them: style, encoder",
        ),
    ],
    ids=["unknown", "text", "blank", "new part", "all"],
)
def test_what_cannot_be_frozen_is_refused(names, untrained, message):
    model = make_model()
    with pytest.raises(ValueError, match=re.escape(message)):
        freeze(model, names, untrained)
    assert all(each.requires_grad for each in model.parameters())
