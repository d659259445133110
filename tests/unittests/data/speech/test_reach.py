"""What cannot be trained is named before training starts."""

import logging

import pytest

from sb_sma.data.speech.reach import leave_out_unreachable
from sb_sma.data.tokens import TokenTable, check_token_room


def entry(n_tokens, mel_length):
    return {"tokens": ["a"] * n_tokens, "mel_length": mel_length}


def manifests_of(**splits):
    """With an utterance in each split that a walk can reach."""
    return {
        split: {f"good {split}": entry(2, 80), **splits.get(split, {})}
        for split in ("train", "valid", "test")
    }


@pytest.mark.parametrize(
    "n_tokens, mel_length, reduction_factor, moves",
    [
        (11, 10, 1, 1),
        (11, 40, 4, 1),
        (11, 37, 4, 1),
        (21, 37, 4, 2),
        (1, 1, 8, 1),
        (99, 8, 8, None),
    ],
)
@pytest.mark.parametrize("skip_bad_utterances", [False, True])
def test_what_a_walk_can_reach_is_kept(
    n_tokens, mel_length, reduction_factor, moves, skip_bad_utterances
):
    manifests = manifests_of(valid={"u": entry(n_tokens, mel_length)})
    kept = leave_out_unreachable(
        manifests,
        reduction_factor,
        moves,
        skip_bad_utterances=skip_bad_utterances,
    )
    assert kept == manifests


@pytest.mark.parametrize(
    "n_tokens, mel_length, reduction_factor, moves, steps",
    [
        (12, 10, 1, 1, 10),
        (12, 40, 4, 1, 10),
        (12, 36, 4, 1, 9),
        (4, 8, 8, 2, 1),
    ],
)
def test_a_text_too_long_for_its_steps_is_told_with_its_place(
    n_tokens, mel_length, reduction_factor, moves, steps
):
    manifests = manifests_of(test={"LJ001": entry(n_tokens, mel_length)})
    places = {"LJ001": "metadata.csv, line 7", "good test": "line 8"}
    with pytest.raises(ValueError) as error:
        leave_out_unreachable(manifests, reduction_factor, moves, places)
    assert str(error.value) == (
        "1 utterance(s) cannot be walked through at reduction_factor "
        f"{reduction_factor} and moves_per_query {moves}:\n"
        f"- metadata.csv, line 7: LJ001 has {n_tokens} tokens for {steps} "
        "decoder steps\nLower reduction_factor, raise moves_per_query, mend "
        "text or recording, or give --skip_bad_utterances=True to leave such "
        "utterances out."
    )


def test_those_of_all_splits_are_in_one_error():
    names = [f"u{index}" for index in range(33)]
    long = {name: entry(9, 4) for name in names}
    with pytest.raises(ValueError, match=r"^34 utterance\(s\)") as error:
        leave_out_unreachable(
            manifests_of(train=long, valid={"v": entry(6, 3)}),
            reduction_factor=1,
            moves_per_query=1,
        )
    problems = str(error.value).splitlines()[1:-1]
    assert problems[0] == "- u0 has 9 tokens for 4 decoder steps"
    assert [line.split()[1] for line in problems] == [*names, "v"]


def test_they_can_be_left_out_and_are_counted(caplog):
    manifests = manifests_of(
        train={"long": entry(9, 4)}, valid={"v": entry(6, 3)}
    )
    with caplog.at_level(logging.WARNING):
        kept = leave_out_unreachable(
            manifests, 1, 1, {"v": "a.csv, line 3"}, skip_bad_utterances=True
        )
    assert kept == manifests_of()
    assert "long" in manifests["train"]
    assert "Training goes without 2 utterance(s) that cannot" in caplog.text
    assert "- long has 9 tokens" in caplog.text
    assert "- a.csv, line 3: v has 6 tokens" in caplog.text


def test_a_split_of_which_nothing_is_left_is_an_error():
    manifests = manifests_of()
    manifests["valid"] = {"u": entry(9, 4), "v": entry(6, 3)}
    with pytest.raises(
        ValueError,
        match="The split valid must hold at least one utterance that fits its "
        "decoder steps; got 2 that do not. Lower reduction_factor",
    ):
        leave_out_unreachable(manifests, 1, 1, skip_bad_utterances=True)


def test_a_table_must_fit_into_the_model():
    table = TokenTable(["a", "b"])
    check_token_room(table, n_tokens=4)
    with pytest.raises(
        ValueError,
        match="The corpus has 4 tokens, the model room for 3. Give n_tokens: 4",
    ):
        check_token_room(table, n_tokens=3)
