"""Texts and paths arrive as they were written, on a command line as in a file."""

from pathlib import Path

import pytest
from hyperpyyaml import load_hyperpyyaml

from sb_sma.hparams import check_yaml, load_experiment, write_experiment
from sb_sma.hparams.compose import compose
from sb_sma.hparams.texts import texts_by_key

REPOSITORY = Path(__file__).resolve().parents[3]
TRAIN = """\
output_folder: results
save_folder: !ref <output_folder>/save
home: here
data_folder: null
voice: en-us
note: null
half: !ref <width> / 2
width: 4
written: !new:speechbrain.utils.train_logger.FileTrainLogger
    save_file: !ref <save_folder>/log.txt
part: !name:toy_texts.speak
    voice: !ref <voice>
    data_folder: !ref <data_folder>
    lexicon: cmudict
    prefix: !ref <home>/prefix
"""
MODULE = """\
from collections.abc import Sequence
from pathlib import Path
def speak(voice: str | Sequence[str], data_folder: str | Path | None = None,
          lexicon: str | Path = "", prefix: Path = Path()):
    return voice, data_folder, lexicon, str(prefix)
"""
SCRIPT = "hparams = {}\nprint(" + (
    "hparams['output_folder'], hparams['save_folder'], hparams['note'], "
    "hparams['written'], hparams['part'], hparams['half'])\n"
)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load the toy experiment, with other lines and arguments."""
    (tmp_path / "toy_texts.py").write_text(MODULE)
    (tmp_path / "train.py").write_text(SCRIPT)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("HOME", "/home/anna")

    def load(*arguments, **lines):
        text = TRAIN
        for key, value in lines.items():
            old = next(
                line
                for line in text.splitlines()
                if line.strip().startswith(f"{key}: ")
            )
            indent = old[: len(old) - len(old.lstrip())]
            text = text.replace(f"{old}\n", f"{indent}{key}: {value}\n")
        path = tmp_path / "train.yaml"
        path.write_text(text, encoding="utf-8")
        script = tmp_path / "train.py"
        file, hparams, _, overrides = load_experiment(
            [str(path), *arguments], script
        )
        # what is kept of the run says the same
        write_experiment(tmp_path / "kept", file, script, overrides)
        kept = (tmp_path / "kept" / "hyperparams.yaml").read_text("utf-8")
        if "(" not in hparams["output_folder"]:  # a tuple in any other YAML
            again = load_hyperpyyaml(kept)
            for key in ("output_folder", "save_folder", "data_folder"):
                assert again[key] == hparams[key]
        return hparams

    return load


NAMES = [
    *("2024-05-01", "2024", "1e5", "007", "1", "0x10", "1_000", "12:30", ".5"),
    *("on", "yes", "true", "~name", "nan", ".inf", "NULL1"),
    *("a: b", "a:", "<x>", "<seed>/y", "!x", "!ref <width>", "#", "a # b"),
    *("[a]", "[a", "{a}", "{a: 1}", "-", "-x", "- x", "--x", "*", "*a", "&a"),
    *("'a'", '"a"', "it's", '"', "'", "`a`", "@a", "%a", "|", ">", "?", "=a=b"),
    *(" a ", "a b", "a\tb", "a\nb", "é ü", "日本", "😀", "a\\b", "\\", "$HOME"),
    *("(a)", "(1, 2)", "5/0", "2**9", "1 + 1", ",", "a, b", "\x7f", "\udcff"),
    "x" * 300,
    "long word " * 30,
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_what_was_typed(load, name):
    hparams = load(
        f"--output_folder={name}", f"--data_folder={name}", f"--voice= {name}"
    )
    assert hparams["output_folder"] == name
    assert hparams["save_folder"] == f"{name}/save"
    assert hparams["written"].save_file == f"{name}/save/log.txt"
    assert hparams["part"]()[:2] == (f" {name}", name)


@pytest.mark.parametrize(
    "name",
    [
        *("2024-05-01", "2024", "1e5", "007", "on", "true", "0x10", "12:30"),
        *("<x>", "<seed>/y", "-x", ".inf", "5/0", "é ü", "😀", "a=b", "(a)"),
        *("'a: b'", '"# a"', "'!x'", "'{a}'"),
    ],
)
def test_a_file_says_the_same_as_a_command_line(load, name):
    typed = name.strip("'\"")
    on_line = load(f"--output_folder={typed}", f"--voice={typed}")
    in_file = load(output_folder=name, voice=name)
    for hparams in (on_line, in_file):
        assert hparams["output_folder"] == typed
        assert hparams["written"].save_file == f"{typed}/save/log.txt"
        assert hparams["part"]()[0] == typed
    # and so does an argument that no key stands for
    assert load(lexicon=name)["part"]()[2] == typed


MISREAD = {
    "[a]": "line 1: 'output_folder' must be Path; got ['a']",
    "{a: 1}": "line 1: 'output_folder' must be Path; got {'a': 1}",
    "null": "line 1: 'output_folder' must be Path; got null",
    "''": "line 1: 'output_folder' must be Path; got ''",
    "# a": "line 1: 'output_folder' must be Path; got null",
    "!x": "line 1: !x is no tag of HyperPyYAML. Write quotes around",
    "a: b": "is not valid YAML: mapping values are not allowed here",
    "*a": "is not valid YAML: found undefined alias 'a'",
    "@a": "is not valid YAML: while scanning for the next token",
}


@pytest.mark.parametrize("value", MISREAD)
def test_what_yaml_reads_otherwise_is_named_with_its_line(load, value):
    with pytest.raises(ValueError) as caught:
        load(output_folder=value)
    assert MISREAD[value] in str(caught.value)


def test_none_is_none_where_there_may_be_none(load):
    assert load("--data_folder=null")["data_folder"] is None
    assert load("--note=null")["note"] is None
    for argument in ("--output_folder=null", "--voice=null"):
        with pytest.raises(ValueError, match="the command line: .* got null"):
            load(argument)


def test_a_list_of_texts_is_one_of_texts(load):
    for hparams in (load("--voice=[1, on, b]"), load(voice="[1, on, b]")):
        assert hparams["part"]()[0] == ["1", "on", "b"]
    with pytest.raises(ValueError, match="'voice' of .* got "):
        load("--voice=[[a]]")
    with pytest.raises(ValueError, match="does not arrive as one value"):
        load("--voice=[a")


@pytest.mark.parametrize("typed", ["~", "~/a b", "~/a/<x>"])
def test_a_path_may_begin_in_the_home_folder(load, typed):
    expected = typed.replace("~", "/home/anna")
    arguments = [f"--{key}={typed}" for key in ("output_folder", "data_folder")]
    for hparams in (
        load(*arguments),
        load(output_folder=typed, data_folder=typed),
    ):
        assert hparams["output_folder"] == expected
        assert hparams["save_folder"] == f"{expected}/save"
        assert hparams["written"].save_file == f"{expected}/save/log.txt"
        assert hparams["part"]()[1] == expected
    # no path, or no beginning
    assert load(f"--voice={typed}")["part"]()[0] == typed
    assert load("--data_folder=a~/b")["data_folder"] == "a~/b"


def test_what_a_path_begins_with_is_a_path(load):
    for hparams in (load("--home=~/007"), load(home="~/007")):
        assert hparams["part"]()[3] == "/home/anna/007/prefix"
    hparams = load(output_folder="!ref ~/<width>", save_file="~/log.txt")
    assert hparams["output_folder"] == "/home/anna/4"
    assert hparams["written"].save_file == "/home/anna/log.txt"


def test_what_is_no_text_is_read_as_before(load):
    hparams = load("--note=[1, {a: on}]", "--width=6")
    assert (hparams["note"], hparams["half"]) == ([1, {"a": "on"}], 3.0)
    assert load("--note=2024")["note"] == 2024


PATHS = {
    "hparams/tts.yaml": (
        "corpus_folder data_folder g2p_lexicon g2p_model initial_model "
        "output_folder save_folder teacher_voice texts train_log "
        "vocoder_source"
    ),
    "hparams/g2p.yaml": (
        "corpus_folder data_folder extra_lexicon hint_lexicon initial_model "
        "output_folder save_folder train_log"
    ),
    "recipes/SIGMORPHON2021/G2P/transformer/hparams/train.yaml": (
        "corpus_folder data_folder extra_folder hint_lexicon initial_model "
        "output_folder save_folder train_log"
    ),
}


@pytest.mark.parametrize("file", PATHS)
def test_every_path_of_an_experiment_is_known(file, monkeypatch):
    document = compose(REPOSITORY / file)
    recipe = REPOSITORY / document.items["recipe"].value
    monkeypatch.syspath_prepend(recipe.parent)
    texts = texts_by_key(document)
    found = sorted(key for key in texts if texts[key].is_path)
    assert found == PATHS[file].split()
    # and what is no path is a name that some table or package knows
    words = sorted(key for key in texts if not texts[key].is_path)
    assert not [word for word in words if word.endswith(("folder", "file"))]
    overrides = "\n".join(f"{key}: 007" for key in found)
    check_yaml(REPOSITORY / file, recipe, overrides)
