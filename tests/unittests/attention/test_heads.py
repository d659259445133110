"""Splitting into heads and back."""

import pytest
import torch

from sb_sma.attention.heads import check_heads, merge_heads, split_heads


@pytest.mark.parametrize("nhead", [1, 2, 3, 12])
def test_merging_undoes_splitting(nhead):
    features = torch.rand(2, 5, 12)
    heads = split_heads(features, nhead)
    assert heads.shape == (2, nhead, 5, 12 // nhead)
    assert torch.equal(merge_heads(heads), features)


def test_a_head_is_a_part_of_the_width():
    features = torch.rand(2, 5, 12)
    assert torch.equal(split_heads(features, 3)[:, 1], features[..., 4:8])


@pytest.mark.parametrize("nhead", [0, -1, 5, 24])
def test_heads_that_do_not_divide_the_width_are_refused(nhead):
    with pytest.raises(
        ValueError,
        match=rf"nhead \({nhead}\) must divide d_model \(12\)\. Change one",
    ):
        check_heads(12, nhead)
