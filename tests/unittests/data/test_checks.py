"""What cannot be trained is named before training starts."""

import pytest

from sb_sma.data.checks import check_manifest, check_token_room
from sb_sma.data.text import TokenTable


def entry(n_tokens, mel_length):
    return {"tokens": ["a"] * n_tokens, "mel_length": mel_length}


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
def test_what_a_walk_can_reach_is_accepted(
    n_tokens, mel_length, reduction_factor, moves
):
    manifest = {"u": entry(n_tokens, mel_length)}
    check_manifest(manifest, reduction_factor, moves)


@pytest.mark.parametrize(
    "n_tokens, mel_length, reduction_factor, moves, steps",
    [
        (12, 10, 1, 1, 10),
        (12, 40, 4, 1, 10),
        (12, 36, 4, 1, 9),
        (4, 8, 8, 2, 1),
    ],
)
def test_a_text_too_long_for_its_steps_is_named(
    n_tokens, mel_length, reduction_factor, moves, steps
):
    manifest = {"good": entry(2, 80), "LJ001": entry(n_tokens, mel_length)}
    with pytest.raises(
        ValueError,
        match=(
            f"1 utterance cannot be walked through at reduction_factor "
            f"{reduction_factor} and moves_per_query {moves}: LJ001 "
            rf"\({n_tokens} tokens in {steps} steps\)\. Lower reduction_factor "
            "or raise moves_per_query"
        ),
    ):
        check_manifest(manifest, reduction_factor, moves)


def test_of_many_utterances_the_first_are_named():
    manifest = {f"u{index}": entry(9, 4) for index in range(13)}
    with pytest.raises(
        ValueError, match=r"13 utterances.*u0 \(.*u9 \([^)]*\), and 3 more\. L"
    ) as caught:
        check_manifest(manifest, reduction_factor=1, moves_per_query=1)
    assert "u10" not in str(caught.value)


def test_a_table_must_fit_into_the_model():
    table = TokenTable(["a", "b"])
    check_token_room(table, n_tokens=4)
    with pytest.raises(
        ValueError,
        match="The corpus has 4 tokens, the model room for 3. Give n_tokens: 4",
    ):
        check_token_room(table, n_tokens=3)
