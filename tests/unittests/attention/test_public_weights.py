"""Public weights are loaded as a whole, or refused with all that is wrong."""

import pytest
import torch
from torch import nn

from sb_sma.attention.public_weights import PublicWeights


class Layer(PublicWeights, nn.Linear):
    pass


def test_weights_are_loaded():
    weights = {"weight": torch.rand(2, 3), "bias": torch.rand(2)}
    layer = Layer(3, 2)
    layer.load_public_state_dict(weights)
    assert torch.equal(layer.weight, weights["weight"])
    assert torch.equal(layer.bias, weights["bias"])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"bias": None}, "public module: 'bias' is missing. Build this one"),
        ({"extra": torch.rand(1)}, "module: 'extra' is unknown. Build"),
        (
            {"bias": torch.rand(4)},
            r"module: 'bias' has shape \(4,\), not \(2,\)\. Build",
        ),
        (
            {"bias": None, "offset": torch.rand(2), "weight": torch.rand(1)},
            "'bias' is missing; 'offset' is unknown; 'weight' has shape",
        ),
    ],
    ids=["missing", "unknown", "shape", "everything"],
)
def test_a_wrong_dict_is_refused_and_nothing_loaded(changes, message):
    weights = {"weight": torch.rand(2, 3), "bias": torch.rand(2), **changes}
    weights = {name: w for name, w in weights.items() if w is not None}
    layer = Layer(3, 2)
    before = {name: w.clone() for name, w in layer.state_dict().items()}
    with pytest.raises(ValueError, match=message):
        layer.load_public_state_dict(weights)
    for name, weight in layer.state_dict().items():
        assert torch.equal(weight, before[name])
