"""Numbers that are not finite, or are not there, are found."""

import pytest
import torch

from sb_sma.finite import find_nonfinite


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor([0.0, torch.nan]),
        torch.tensor([-torch.inf]),
        torch.zeros(1).expand(10**12),
        torch.zeros(2, 2).to_sparse(),
        torch.zeros(2, device="meta"),
    ],
    ids=["nan", "inf", "immense", "sparse", "meta"],
)
def test_what_is_no_finite_number_is_named(tensor):
    state = {"a": torch.ones(2), "b": [torch.arange(3), {"c": tensor}]}
    assert find_nonfinite(state) == "b.1.c"
    assert (
        find_nonfinite({"a": torch.ones(2, dtype=torch.int8), "n": 1}) is None
    )


def test_infinity_may_be_allowed_by_name():
    state = {"mask": torch.tensor([-torch.inf, 0.0])}
    assert find_nonfinite(state, may_be_infinite={"mask"}) is None
    state["mask"][1] = torch.nan
    assert find_nonfinite(state, may_be_infinite={"mask"}) == "mask"
