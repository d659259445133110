"""The names that a YAML file chooses between."""

import pytest

from sb_sma.attention import (
    ATTENTION_TYPES,
    ForwardMHA,
    RegularMHA,
    StepwiseMonotonicMHA,
    attention_factory,
)


@pytest.mark.parametrize(
    "name, kind",
    [
        ("SMA", StepwiseMonotonicMHA),
        ("regularMHA", RegularMHA),
        ("forward", ForwardMHA),
    ],
)
def test_a_name_builds_its_module(name, kind):
    attention = attention_factory(name)(d_model=8, nhead=2, dropout=0.1)
    assert type(attention) is kind


def test_no_other_name_is_known():
    assert list(ATTENTION_TYPES) == ["SMA", "regularMHA", "forward"]


def test_options_go_to_the_chosen_name_only():
    options = {"SMA": {"moves_per_query": 3, "noise_std": 0.5}}
    chosen = attention_factory("SMA", options)(d_model=8, nhead=2)
    assert (chosen.moves_per_query, chosen.noise_std) == (3, 0.5)
    attention_factory("regularMHA", options)(d_model=8, nhead=2)
    assert options == {"SMA": {"moves_per_query": 3, "noise_std": 0.5}}


def test_an_option_that_the_module_lacks_is_an_error():
    factory = attention_factory("SMA", {"SMA": {"moves_per_qery": 3}})
    with pytest.raises(TypeError, match="moves_per_qery"):
        factory(d_model=8, nhead=2)


def test_a_factory_of_your_own_is_passed_through():
    def factory(d_model, nhead, dropout):
        raise AssertionError("not called yet")

    assert attention_factory(factory, {"SMA": {}}) is factory


@pytest.mark.parametrize("typo", ["sma", "SMAA", "", None])
def test_a_typo_lists_the_choices(typo):
    with pytest.raises(
        ValueError,
        match="attention_type must be one of SMA, regularMHA, forward, or a "
        rf"factory \(!name:your\.module\.Class\); got '{typo}'",
    ):
        attention_factory(typo)
