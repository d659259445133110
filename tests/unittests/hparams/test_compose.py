"""A variant is its base with other lines, and says where each of them stands."""

import pytest
from hyperpyyaml import load_hyperpyyaml

from sb_sma.hparams import check_yaml, load_experiment, write_experiment
from sb_sma.hparams.compose import compose, drop_unused

BASE = """\
# Model: base

# Paths
seed: 1
output_folder: results  # of the run

# Parts
width: 8  # units
rate: 0.1
counter: !new:collections.Counter
    a: !ref <width>
    b: !ref <rate>
options:
    deep:
        depth: 2  # layers
        names: [x, y]
    flat: True
text: |
    two
    lines
last: null
"""
SCRIPT = "hparams = {}\nprint(hparams['seed'], hparams['counter'], hparams['text'])\nprint(hparams['options'], hparams['last'], hparams['output_folder'])\n"


@pytest.fixture
def write(tmp_path):
    """Write a variant of the base; give its path."""
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "train.py").write_text(SCRIPT)

    def write(text, name="variant.yaml", base="base.yaml"):
        path = tmp_path / name
        path.write_text(f"# Model: variant\nbase: {base}\n{text}")
        return path

    return write


def load(path, overrides="", read=()):
    document = drop_unused(compose(path), {*read})
    return load_hyperpyyaml(document.text, overrides)


def test_a_variant_without_keys_is_its_base(write):
    path = write("")
    assert compose(path).text == BASE.replace("Model: base", "Model: variant")


def test_single_values_and_lists_are_replaced_where_they_stand(write):
    path = write("width: 16  # wide\noptions:\n  deep:\n    names: [z]\n")
    expected = BASE.replace("Model: base", "Model: variant")
    expected = expected.replace("width: 8  # units", "width: 16  # wide")
    expected = expected.replace("names: [x, y]", "names: [z]")
    assert compose(path).text == expected


def test_a_text_of_several_lines_is_replaced_whole(write):
    assert load(write("text: one\nlast: |\n    a\n    b\n"))["text"] == "one"
    hparams = load(write("text: |\n    three\n    more\n    lines\n"))
    assert hparams["text"] == "three\nmore\nlines\n"
    assert hparams["last"] is None


def test_an_object_replaces_the_base_s_whole(write):
    hparams = load(write("counter: !new:collections.OrderedDict\n    c: 3\n"))
    assert type(hparams["counter"]).__name__ == "OrderedDict"
    assert dict(hparams["counter"]) == {"c": 3}
    # what nothing else took has gone with it
    assert "width" not in hparams and "rate" not in hparams
    # unless it is given
    hparams = load(write("counter: !new:collections.Counter\nwidth: 3\n"))
    assert hparams["width"] == 3 and "rate" not in hparams


def test_what_the_recipe_reads_stays(write):
    path = write("counter: !new:collections.Counter\n")
    assert load(path, read=["width"])["width"] == 8


def test_what_only_a_dropped_key_took_is_dropped_too(write, tmp_path):
    base = BASE.replace("width: 8  # units", "half: 4\nwidth: !ref <half> * 2")
    (tmp_path / "base.yaml").write_text(base)
    hparams = load(write("counter: null\n"))
    assert not {"width", "half", "rate"} & hparams.keys()


def test_deeper_and_flatter_lines_fit_in(write):
    path = write(
        "options:\n        deep:\n            depth: 3\n        flat: a\n"
    )
    expected = {"deep": {"depth": 3, "names": ["x", "y"]}, "flat": "a"}
    assert load(path)["options"] == expected
    assert load(write("options:\n flat: b\n"))["options"]["flat"] == "b"


def test_an_argument_of_an_object_is_replaced_alone(write):
    hparams = load(write("counter:\n    b: 5\n"))
    assert hparams["counter"] == {"a": 8, "b": 5}
    assert hparams["width"] == 8 and "rate" not in hparams


def test_null_takes_an_object_away(write):
    assert load(write("counter: null\n"))["counter"] is None


def test_new_keys_stand_after_the_one_before_them(write):
    path = write("seed: 2\nnote: a  # new\nother: !ref <note>\n")
    lines = compose(path).text.splitlines()
    index = lines.index("seed: 2")
    assert lines[index + 1 : index + 3] == [
        "note: a  # new",
        "other: !ref <note>",
    ]


def test_a_variant_may_have_a_variant(write):
    write("width: 16\nrate: 0.5\n", "first.yaml")
    hparams = load(write("width: 32\n", "second.yaml", "first.yaml"))
    assert (hparams["width"], hparams["rate"]) == (32, 0.5)


def test_the_command_line_comes_last(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write("width: 16\n")
    file, hparams, _, overrides = load_experiment(
        [str(path), "--width=3"], tmp_path / "train.py"
    )
    assert hparams["counter"]["a"] == 3
    assert file == str(path)
    # the folder of the run has it as a single file, and resolved
    (tmp_path / "results").mkdir()
    write_experiment("results", file, tmp_path / "train.py", overrides)
    whole = (tmp_path / "results" / "experiment.yaml").read_text()
    assert load_hyperpyyaml(whole, overrides)["counter"]["a"] == 3
    resolved = (tmp_path / "results" / "hyperparams.yaml").read_text()
    assert f"# {path}\n" in resolved and "!ref" not in resolved
    assert load_hyperpyyaml(resolved) == hparams


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "options:\n    depp: 3\n",
            r"variant.yaml, line 4: unknown key 'depp'; 'options' "
            r"\(\S+base.yaml, line 13\) has none. Closest known names: deep",
        ),
        (
            "counter:\n    c: 3\n",
            "variant.yaml, line 4: unknown key 'c'; 'counter'",
        ),
        (
            "counter: 3\n",
            r"variant.yaml, line 3: 'counter' \(\S+, line 10\) is an object or "
            "a mapping; give another of its kind, or null",
        ),
        (
            "width:\n    a: 3\n",
            r"variant.yaml, line 3: 'width' \(\S+, line 8\) is a single value",
        ),
        (
            "seed: 1\nmodel: !include:model.yaml\n",
            "variant.yaml, line 4: a variant and its base hold all .* got "
            "!include:model.yaml",
        ),
        (
            "last: &A 3\n",
            "variant.yaml, line 3: a variant and its base have no anchors; got "
            "A",
        ),
        (
            "options: {flat: a}\n",
            r"variant.yaml, line 3: 'options' \(.*\) must have a line for each",
        ),
        ("seed: 1\nseed: 2\n", "variant.yaml, line 4: the key 'seed' is given"),
    ],
    ids=[
        *("nested", "argument", "object", "value", "include", "anchor"),
        *("flow", "twice"),
    ],
)
def test_mistakes_are_named_with_their_place(write, text, message):
    with pytest.raises(ValueError, match=message):
        compose(write(text))


def test_an_unknown_key_is_refused_where_it_stands(write, tmp_path):
    path = write("widt: 3\n")
    message = r"variant.yaml, line 3: unknown key 'widt'.*names: width"
    with pytest.raises(ValueError, match=message):
        check_yaml(path, tmp_path / "train.py")


def test_a_mistake_in_the_base_is_told_with_its_line(write, tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text(BASE.replace("<rate>", "<rat>"))
    message = r"base.yaml, line 12: !ref <rat> refers to the unknown key 'rat'"
    with pytest.raises(ValueError, match=message):
        check_yaml(write("width: 3\n"), tmp_path / "train.py")


def test_a_base_that_is_not_there_is_named(write):
    path = write("", base="bas.yaml")
    with pytest.raises(ValueError, match="variant.yaml, line 2: base must be"):
        compose(path)


def test_a_file_cannot_be_its_own_base(write):
    write("", "a.yaml", "b.yaml")
    with pytest.raises(ValueError, match="[ab].yaml is a variant of itself"):
        compose(write("", "b.yaml", "a.yaml"))


def test_a_base_is_found_beside_the_link_and_beside_the_file(write, tmp_path):
    path = write("width: 3\n")
    folder = tmp_path / "recipe"
    folder.mkdir()
    link = folder / "train.yaml"
    link.symlink_to(path)
    assert load(link)["width"] == 3
    (folder / "base.yaml").write_text(BASE.replace("rate: 0.1", "rate: 0.7"))
    assert load(link)["rate"] == 0.7
