"""Every number of every experiment is in its range, or refused by its key."""

from pathlib import Path

import pytest

from sb_sma.hparams import check_yaml
from sb_sma.hparams.compose import compose
from sb_sma.hparams.document import Document, kind_of
from sb_sma.hparams.ranges import NUMBERS, Number, Several, Span
from sb_sma.hparams.values import check_numbers, check_values

REPOSITORY = Path(__file__).resolve().parents[3]
FILES = [
    "hparams/tts.yaml",
    "hparams/tts_gst.yaml",
    "hparams/g2p.yaml",
    "recipes/LJSpeech/TTS/transformer/hparams/train.yaml",
    "recipes/SIGMORPHON2021/G2P/transformer/hparams/train.yaml",
]
# no number at all, or none of any key
NEVER = [
    *("nan", "inf", "abc", "True", "'1'", ".nan", "-.inf", "2024-01-01"),
    *("{a: 1}", "[]", "[[1]]", "[1, abc]"),
]
# what some keys take, and which they are
SOMETIMES = {
    "0": """
        average_decay dropout encoder_prenet_layers energy_noise
        energy_noise_end energy_noise_steps griffin_lim_iterations
        guided_off_after guided_weight label_smoothing language_balance
        length_penalty lr n_samples num_workers number_of_epochs own_frames
        own_frames_steps pitch pitch_range postnet_dropout prenet_dropout
        refiner_temperature refiner_weight rollouts rollouts_steps
        samples_every seed short_first_epochs speakers spliced_words
        steps_per_grapheme stop_positive_weight stop_weight
        utterances_per_shard warmup_share warmup_steps ckpt_interval_minutes
        max_grad_norm
    """,
    "-1": "ckpt_interval_minutes max_grad_norm",
    "1.5": """
        beam_threshold ckpt_interval_minutes energy_noise energy_noise_end
        frames_per_token guided_half_life guided_off_after guided_weight
        hold_seconds length_penalty lr max_grad_norm max_minutes
        max_seconds_per_token max_stay_seconds refiner_temperature
        refiner_weight steps_per_grapheme stop_positive_weight stop_weight
        trim_db
    """,
    # each of them only counts, or has no effect beyond a point
    "1000000000000": """
        batch_words beam_threshold ckpt_interval_minutes energy_noise_steps
        guided_half_life guided_off_after max_batch_frames max_batch_items
        max_grad_norm max_minutes monotonic_start_epoch n_samples
        number_of_epochs own_frames_steps rollouts_steps samples_every
        short_first_epochs trim_db warmup_steps
    """,
    ".inf": "beam_threshold",
    "null": """
        attention_window decoder_window frames_per_token guided_half_life
        guided_heads guided_layers guided_off_after head_spread max_minutes
        max_stay_seconds monotonic_focus_rate monotonic_heads soft_spread
        trim_db
    """,
    "[1, 2]": """
        attention_window guided_heads guided_layers pitch pitch_range
        reference_channels refiner_dilations
    """,
    "[2, 1]": """
        attention_window guided_heads guided_layers reference_channels
        refiner_dilations
    """,
    "[80, 450]": """
        attention_window reference_channels rate
    """,
}


@pytest.fixture
def experiment(request, monkeypatch):
    """One of the files, and the folder of its recipe to import from."""
    document = compose(REPOSITORY / request.param)
    recipe = REPOSITORY / document.items["recipe"].value
    monkeypatch.syspath_prepend(recipe.parent)
    return document


def numeric(document):
    """The keys that hold numbers, or may."""
    spans = ("rate", "pitch", "pitch_range")
    return [
        key
        for key, node in document.items.items()
        if key in NUMBERS or key in spans or kind_of(node) in ("int", "float")
    ]


def refusal(document, key, value):
    """What is said of a value on the command line; nothing if it is taken."""
    given = Document("the command line", f"{key}: {value}")
    try:
        check_numbers(document, given, Document("", "{}"))
        if key not in NUMBERS:
            check_values(document, given)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("experiment", FILES, indirect=True)
def test_what_is_no_number_is_refused_by_every_key(experiment):
    for key in numeric(experiment):
        for value in NEVER:
            message = refusal(experiment, key, value)
            assert message.startswith("the command line: '"), (key, value)
            assert f"'{key}'" in message, (key, value, message)
            assert " must be a" in message and "; got " in message
            assert "number" in message


@pytest.mark.parametrize("value", SOMETIMES)
@pytest.mark.parametrize("experiment", FILES, indirect=True)
def test_a_number_is_taken_where_it_has_a_meaning(experiment, value):
    keys = numeric(experiment)
    taken = {key for key in keys if not refusal(experiment, key, value)}
    assert taken == {*SOMETIMES[value].split()} & {*keys}


def test_numbers_are_described():
    assert str(Number()) == "a whole number, 0 or more"
    assert str(Number(float, 0, 1, True)) == "a number, from 0 to 1, or null"
    assert str(Number(float, 0, above=True)) == "a number, above 0"
    assert str(Number(least=1, most=9, odd=True)) == (
        "an odd whole number, from 1 to 9"
    )
    assert str(NUMBERS["max_stay"]) == "a number, above 0 and at most 1"
    assert str(NUMBERS["dropout"]) == "a number, 0 or more and below 1"
    assert str(NUMBERS["beam_threshold"]) == "a number, above 0, or .inf"
    assert str(NUMBERS["max_grad_norm"]) == "a number"
    assert str(Span(Number(most=9))) == (
        "a whole number, from 0 to 9, or a list [lowest, highest] of two"
    )
    assert str(Several(Number(), count=2, or_null=True)) == (
        "a list of 2, each a whole number, 0 or more, or null"
    )


@pytest.mark.parametrize(
    "number, right, wrong",
    [
        (Number(), [0, 7, 10**30], [-1, 1.0, True, None, "1"]),
        (Number(odd=True), [1, 3], [0, 2]),
        (Number(float, 0, 1, above=True), [1, 0.1], [0, 1.1]),
        (Number(float, 0, 1, below=True), [0, 0.1], [1]),
        (Number(or_infinity=True, kind=float), [float("inf")], [-1.0]),
        (Span(Number(least=1)), [1, [1, 2], [2, 2]], [0, [2, 1], [1], [0, 1]]),
        (Several(Number()), [[1], [1, 0]], [1, [], None, [-1]]),
    ],
    ids=str,
)
def test_ends_belong_to_a_range_or_do_not(number, right, wrong):
    assert all(map(number.allows, right))
    assert not any(map(number.allows, wrong))


def test_a_sum_of_references_is_held_to_the_range(tmp_path):
    from sb_sma.hparams import load_experiment

    (tmp_path / "train.py").write_text(
        "hparams = {}\nprint(hparams['n_samples'], hparams['half'])\n"
    )
    path = tmp_path / "train.yaml"
    path.write_text("half: 2\nn_samples: !ref 6 - <half>\n")
    script = tmp_path / "train.py"
    assert load_experiment([str(path)], script)[1]["n_samples"] == 4
    message = "line 2: 'n_samples' must be a whole number, 0 or more; got -1"
    with pytest.raises(ValueError, match=message):
        load_experiment([str(path), "--half=7"], script)


@pytest.mark.parametrize(
    "override, message",
    [
        (
            "n_samples: -1",
            "the command line: 'n_samples' must be a whole number, 0 or more; "
            "got -1. Give another, or leave it out for 4.",
        ),
        (
            "max_minutes: abc",
            "'max_minutes' must be a number, above 0, or null; got 'abc'",
        ),
        (
            "guided_heads: 0",
            "'guided_heads' must be a list of one or more, each a whole",
        ),
        (
            "rate: [450, 80]",
            "'rate' of embedded_prepare.prepare_embedded must be a whole "
            r"number, from 80 to 450, or a list \[lowest, highest\] of two; "
            r"got \[450, 80\]",
        ),
        ("seed: 4294967296", "'seed' must be .* from 0 to 4,294,967,295"),
        ("encoder_prenet_kernel_size: 4", "must be an odd whole number"),
    ],
)
def test_key_range_value_and_remedy_are_told(override, message, monkeypatch):
    recipe = REPOSITORY / "recipes/Embedded/TTS/transformer/train.py"
    monkeypatch.syspath_prepend(recipe.parent)
    with pytest.raises(ValueError, match=message):
        check_yaml(REPOSITORY / "hparams/tts.yaml", recipe, override)
