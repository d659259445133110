"""Every mistake in a YAML file or on a command line is named."""

import dataclasses
import re

import pytest

from sb_sma.hparams import (
    check_output_folder,
    find_recipe,
    load_experiment,
    swallowing_options,
)
from sb_sma.hparams.script import keys_read_by

SCRIPT = """
import getpass
def main(hparams, brain):
    print(hparams["seed"], hparams.get("note"), hparams["model"]["layer"])
    brain.hparams.epochs.bit_length()
    print(getattr(brain.hparams, "shuffle", False))
    print("rate" in hparams, hparams["built"])
"""

TRAIN = """\
# a comment
seed: 1
note: SMA
epochs: 3
shuffle: False
rate: 175.
width: 8
precision: fp32
output_folder: !ref <__root>/results
__root: {root}
model: !include:models/model.yaml
    width: !ref <width>
built: !apply:os.mkdir [!ref <__root>/built]
copied: !copy <output_folder>
modules:
    out: !ref <copied>
"""

MODEL = """\
width: !PLACEHOLDER
dropout: 0.1
inner: !include:inner.yaml
    size: !ref <width>
layer: !new:collections.Counter
    width: !ref <width>
    inner: !ref <inner[size]>
    dropout: !ref <dropout>
"""

INNER = """\
size: 1
"""


class Experiment:
    """An experiment in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.yaml = folder / "train.yaml"
        self.script = folder / "train.py"
        (folder / "models").mkdir()
        self.write("train.yaml", TRAIN.format(root=folder))
        self.write("models/model.yaml", MODEL)
        self.write("models/inner.yaml", INNER)
        self.write("train.py", SCRIPT + 'print(hparams["modules"])\n')

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def replace(self, name, old, new):
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def load(self, *arguments):
        return load_experiment([str(self.yaml), *arguments], self.script)

    def error(self, *arguments):
        """The message of the one error, which comes before building."""
        with pytest.raises(ValueError) as caught:
            self.load(*arguments)
        assert not (self.folder / "built").exists()
        return str(caught.value).replace(f"{self.folder}/", "")


@pytest.fixture
def experiment(tmp_path):
    """An experiment without a mistake."""
    return Experiment(tmp_path)


def test_correct_experiment_is_loaded(experiment):
    hparams_file, hparams, run_opts, overrides = experiment.load(
        "--seed=7", "--rate", "1e-3", "--device=cpu", "--note=null"
    )
    assert hparams_file == str(experiment.yaml)
    assert (hparams["seed"], hparams["rate"], hparams["note"]) == (
        7,
        1e-3,
        None,
    )
    assert hparams["model"]["layer"] == {"width": 8, "inner": 8, "dropout": 0.1}
    assert hparams["modules"]["out"] == f"{experiment.folder}/results"
    assert run_opts.device == "cpu"
    assert overrides == "seed: 7\nrate: 1e-3\nnote: null"
    assert (experiment.folder / "built").is_dir()
    # a recipe may still refuse the run
    assert not (experiment.folder / "results").exists()


def test_factory_is_given_on_the_command_line(experiment):
    hparams = experiment.load("--note=!name:collections.Counter")[1]
    assert hparams["note"]() == {}


MISTAKES_IN_FILES = {
    "unknown key": (
        ("train.yaml", "seed: 1", "seed: 1\nepohcs: 3"),
        "train.yaml, line 3: unknown key 'epohcs', which neither train.py "
        "nor a !ref reads. Closest known names: epochs.",
    ),
    "unknown key given to an include": (
        ("train.yaml", "    width: ", "    dropuot: 1\n    width: "),
        "train.yaml, line 12: unknown key 'dropuot'; models/model.yaml has no "
        "such key. Closest known names: dropout.",
    ),
    "unknown key given to an include of an include": (
        ("models/model.yaml", "    size:", "    sizee:"),
        "models/model.yaml, line 4: unknown key 'sizee'; models/inner.yaml has "
        "no such key. Closest known names: size.",
    ),
    "unused key in an include": (
        ("models/model.yaml", "dropout: 0.1", "dropout: 0.1\ndropuot: 0.2"),
        "models/model.yaml, line 3: unknown key 'dropuot', which neither "
        "train.yaml nor a !ref reads. Closest known names: dropout",
    ),
    "reference to an unknown key": (
        ("train.yaml", "<output_folder>", "<outputfolder>"),
        "line 14: !copy <outputfolder> refers to the unknown key "
        "'outputfolder'. Closest known names: output_folder.",
    ),
    "key that a run option swallows": (
        ("train.yaml", "seed: 1", "seed: 1\ndebug_b: 2"),
        "train.yaml, line 3: --debug_b on the command line would be read as "
        "--debug_batches, a run option of SpeechBrain. Rename the key.",
    ),
    "key given twice": (
        ("train.yaml", "seed: 1", "seed: 1\nseed: 2"),
        "train.yaml, line 3: the key 'seed' is given twice.",
    ),
    "nested key given twice": (
        ("models/model.yaml", "    dropout:", "    width:"),
        "models/model.yaml, line 8: the key 'width' is given twice.",
    ),
    "missing include": (
        ("train.yaml", "models/model.yaml", "models/other.yaml"),
        "train.yaml, line 11: !include:models/other.yaml names no existing "
        "file. Give a path relative to",
    ),
    "placeholders": (
        (
            "train.yaml",
            "seed: 1\nnote: SMA",
            "seed: !PLACEHOLDER\nnote: !PLACEHOLDER",
        ),
        "train.yaml: values must be given for seed (line 2), note (line 3). "
        "Give each as --key=value.",
    ),
    "placeholder of an include": (
        ("train.yaml", "    width: !ref <width>", "    dropout: !ref <width>"),
        "models/model.yaml: values must be given for width (line 1). "
        "Give each at train.yaml, line 11.",
    ),
    "factory with arguments given to an include": (
        ("train.yaml", "width: 8", "width: !name:collections.Counter {a: 1}"),
        "train.yaml, line 12: !name:collections.Counter with arguments "
        "cannot replace 'width' (models/model.yaml, line 1). Name something "
        "that needs no arguments, or edit that line.",
    ),
    "invalid syntax": (
        ("train.yaml", "seed: 1", "seed: [1"),
        "train.yaml is not valid YAML: while parsing a flow sequence",
    ),
    "no mapping": (
        ("models/inner.yaml", "size: 1", "- size"),
        "models/inner.yaml must hold a mapping",
    ),
    "version of YAML": (
        ("train.yaml", "# a comment", "%YAML 1.9\n---"),
        "train.yaml is not valid YAML: the version after %YAML is unknown. "
        "Leave that line out.",
    ),
    "included file that is none": (
        ("models/model.yaml", "dropout: 0.1", "dropout: !include:../train.py"),
        "models/model.yaml, line 2: what is included cannot be read. "
        "models/../train.py is not valid YAML",
    ),
    "list as a key": (
        ("models/model.yaml", "dropout: 0.1", "? [a]\n: 1"),
        "models/model.yaml, line 2: a key must be a single value; got a list "
        "or a mapping. Correct it.",
    ),
    "set as a key": (
        ("models/model.yaml", "    width: !ref", "    !!set {a}: !ref"),
        "models/model.yaml, line 6: a key must be a single value",
    ),
    "reference as a key": (
        ("models/model.yaml", "    width: !ref", "    !ref <width>: !ref"),
        "models/model.yaml, line 6: a key must be a single value; got !ref.",
    ),
    "word without end": (
        ("train.yaml", "note: SMA", "note: " + "x" * 10_001),
        "train.yaml is not valid YAML: a word has 10001 characters, more than "
        "10000. Shorten it.",
    ),
    "number without end": (
        ("train.yaml", "seed: 1", "seed: " + "9" * 400),
        "train.yaml, line 2: 'seed' must be a whole number, from 0 to",
    ),
    "class of no name in an included file": (
        ("models/model.yaml", "!new:collections.Counter", "!new:"),
        "models/model.yaml, line 5: !new: names no class that can be imported.",
    ),
    "class that is none in an included file": (
        ("models/model.yaml", "!new:collections.Counter", "!new:a/b"),
        "models/model.yaml, line 5: !new:a/b names no class that can be",
    ),
    "module for a class": (
        ("train.yaml", "!apply:os.mkdir", "!new:collections"),
        "train.yaml, line 13: !new:collections names no class that can be",
    ),
    "class for a function": (
        ("train.yaml", "!apply:os.mkdir", "!apply:collections.Counter"),
        "train.yaml, line 13: !apply:collections.Counter names no function",
    ),
    "function for a module": (
        ("train.yaml", "note: SMA", "note: !module:os.mkdir"),
        "train.yaml, line 3: !module:os.mkdir names no module that can be",
    ),
    "output folder": (
        ("train.yaml", "!ref <__root>/results", "/dev/null"),
        "train.yaml, line 9: output_folder must be a folder that can be",
    ),
}


@pytest.mark.parametrize(
    "change, expected",
    MISTAKES_IN_FILES.values(),
    ids=MISTAKES_IN_FILES,
)
def test_mistake_in_a_file_is_named(experiment, change, expected):
    experiment.replace(*change)
    assert expected in experiment.error()


MISTAKES_ON_THE_COMMAND_LINE = {
    "unknown key": (
        ["--epohcs=3"],
        "--epohcs: train.yaml has no key 'epohcs'. "
        "Closest known names: epochs.",
    ),
    "misspelt run option": (
        ["--devcie=cpu"],
        "--devcie: train.yaml has no key 'devcie'. "
        "Closest known names: device.",
    ),
    "nothing close": (
        ["--zzz=3"],
        "has no key 'zzz'. No known name is close; correct or remove it.",
    ),
    "switch without a value": (
        ["--shuffle"],
        "--shuffle came without a value. Write --shuffle=True for a switch, "
        "--shuffle=VALUE otherwise, --shuffle=null for none.",
    ),
    "empty value": (["--note="], "--note came without a value."),
    "text for a switch": (
        ["--shuffle=yes"],
        "the command line: 'shuffle' (train.yaml, line 5) is a switch; got "
        "'yes'. Write True or False.",
    ),
    "text for a number": (
        ["--rate=fast"],
        "'rate' (train.yaml, line 6) is a number; got 'fast'.",
    ),
    "abbreviated run option": (
        ["--max_grad=3"],
        "--max_grad is neither a key nor a run option; SpeechBrain would read "
        "it as an abbreviation of max_grad_norm. Write the name in full.",
    ),
    "stray word": (
        ["--note=a", "b"],
        "'b' belongs to nothing on the command line, which is one YAML file "
        "and --key=value. Write quotes around a value with spaces",
    ),
    "key without dashes": (
        ["epochs=3"],
        "'epochs=3' must begin with two dashes, to give a value for the key "
        "'epochs'. Write --epochs=3.",
    ),
    "dashes alone": (["--"], "'--' belongs to nothing on the command line"),
    "value of nothing": (["--=3"], "'--=3' belongs to nothing on the command"),
    "key with one dash": (["-epochs=3"], "Write --epochs=3."),
    "key with a printed dash": (["–epochs=3"], "Write --epochs=3."),
    "option that only Python has": (
        ["--data_parallel_count=2"],
        "--data_parallel_count is no option of a command line.",
    ),
    "comment in a value": (
        ["--note=a #b"],
        "--note: 'a #b' does not arrive as one value of YAML (it would be "
        "cut). Write it in quotes, for the shell and for YAML: "
        "--note='\"a #b\"'.",
    ),
    "line break in a value": (
        ["--note=a\nseed: 3"],
        "--note: 'a\nseed: 3' does not arrive as one value",
    ),
    "colon in a value": (
        ["--note=a: b"],
        "(mapping values are not allowed here). Write it in quotes, for the "
        "shell and for YAML: --note='\"a: b\"'.",
    ),
    "tag that is none": (
        ["--note=!a"],
        "the command line: !a is no tag of HyperPyYAML. Write quotes around a "
        "text that begins with '!'.",
    ),
    "value for an object": (
        ["--modules=3"],
        "the command line: 'modules' (train.yaml, line 16) is a mapping, "
        "which a single value cannot replace.",
    ),
    "nothing for a switch": (
        ["--shuffle=null"],
        "'shuffle' (train.yaml, line 5) is a switch; got 'null'.",
    ),
    "key given twice": (
        ["--seed=1", "--seed=2"],
        "the command line: the key 'seed' is given twice.",
    ),
    "include replaced by an include": (
        ["--model=!include:models/inner.yaml"],
        "the command line: 'model' (train.yaml, line 11) is "
        "!include:models/model.yaml, which cannot be replaced or changed "
        "from outside. Give the keys that are passed into it, or edit that",
    ),
    "include replaced by values": (
        ["--model={width: 3}"],
        "'model' (train.yaml, line 11) is !include:models/model.yaml, which",
    ),
    "factory with arguments": (
        ["--note=!name:collections.Counter {a: 1}"],
        "!name:collections.Counter with arguments cannot replace 'note' "
        "(train.yaml, line 3). Name something that needs no arguments",
    ),
    "unknown nested key": (
        ["--modules={in: 3}"],
        "the command line: unknown key 'in'; train.yaml has no such key.",
    ),
}


@pytest.mark.parametrize(
    "arguments, expected",
    MISTAKES_ON_THE_COMMAND_LINE.values(),
    ids=MISTAKES_ON_THE_COMMAND_LINE,
)
def test_mistake_on_the_command_line_is_named(experiment, arguments, expected):
    assert expected in experiment.error(*arguments)


def test_recipe_cannot_be_overridden(experiment):
    experiment.replace("train.yaml", "seed: 1", "seed: 1\nrecipe: train.py")
    assert "--recipe has no effect" in experiment.error("--recipe=other.py")


def test_placeholder_is_given_on_the_command_line(experiment):
    experiment.replace("train.yaml", "seed: 1", "seed: !PLACEHOLDER")
    assert experiment.load("--seed=3")[1]["seed"] == 3


def test_missing_hparams_file_is_named(tmp_path):
    with pytest.raises(ValueError, match="cannot read the YAML file .*tts.yml"):
        load_experiment([str(tmp_path / "tts.yml")], __file__)


def test_key_of_an_include_is_read_by_the_script(experiment):
    experiment.replace(
        "models/model.yaml", "dropout: 0.1", "dropout: 0.1\nextra: 1"
    )
    assert "unknown key 'extra'" in experiment.error()
    experiment.replace(
        "train.py",
        'hparams["built"]',
        'hparams["built"], hparams["model"]["extra"]',
    )
    assert experiment.load()[1]["model"]["extra"] == 1


def test_include_that_is_one_object_takes_any_argument(experiment):
    experiment.write(
        "models/inner.yaml", "!new:collections.Counter\nsize: 1\ndepth: 2\n"
    )
    experiment.replace("models/model.yaml", "    size:", "    length:")
    inner = experiment.load()[1]["model"]["inner"]
    assert inner == {"size": 1, "depth": 2, "length": 8}


def test_missing_key_is_named(experiment):
    experiment.replace("train.yaml", "epochs: 3\n", "")
    experiment.replace("train.yaml", "note: SMA\n", "")
    assert experiment.error() == (
        "train.yaml lacks what train.py reads: epochs. Add these keys."
    )


def test_keys_read_by_a_script(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        """
def main(hparams, brain, name):
    hparams["seed"], brain.hparams.epochs.bit_length(), hparams[name]
    hparams["model"]["layer"], hparams["modules"].keys(), brain.modules.x
    hparams.get("note"), getattr(brain.hparams, "shuffle", False)
    hasattr(brain.hparams, "rate") and brain.hparams.rate, "width" in hparams
    brain.hparams.made = hparams["set"] = 1
    return brain.hparams.made, hparams.items(), [hparams["out"] for _ in name]
"""
    )
    required = {
        ("seed",),
        ("epochs",),
        ("model", "layer"),
        ("modules",),
        ("out",),
    }
    asked = {("note",), ("shuffle",), ("rate",), ("width",)}
    assert keys_read_by(script) == (required | asked | {("made",)}, required)


def test_names_that_argparse_abbreviates():
    assert swallowing_options("test") == ["test_only"]
    assert swallowing_options("test_only") == []
    assert swallowing_options("epochs") == []


@pytest.mark.parametrize("below", ["", "deeper"])
def test_folder_that_cannot_be_written_is_named(tmp_path, below):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ValueError,
        match="output_folder must be a folder that can be written; got "
        r"'.*' \(.*\). Give another with --output_folder=DIR.",
    ):
        check_output_folder(tmp_path / "file" / below)


def test_output_folder_is_checked_before_building(experiment):
    (experiment.folder / "file").write_text("")
    message = experiment.error(f"--output_folder={experiment.folder}/file")
    assert re.match("the command line: output_folder must be a", message)


def test_recipe_is_found_through_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "train.py").write_text("")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "train.py").symlink_to(tmp_path / "real/train.py")
    (tmp_path / "tts.yaml").write_text("recipe: linked/train.py\n")
    recipe = find_recipe([str(tmp_path / "tts.yaml")], tmp_path)
    assert recipe == tmp_path / "linked" / "train.py"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("seed: 1", "has no key 'recipe', which names the script to run"),
        (
            "seed: 1\nrecipe: no.py",
            "line 2: recipe must be a script, .*'no.py'",
        ),
    ],
    ids=["no recipe", "recipe that does not exist"],
)
def test_yaml_without_a_recipe_is_named(tmp_path, text, expected):
    (tmp_path / "tts.yaml").write_text(text)
    with pytest.raises(ValueError, match=expected):
        find_recipe([str(tmp_path / "tts.yaml")], tmp_path)


def test_run_options_reach_the_brain_unchanged(experiment):
    run_opts = experiment.load("--max_grad_norm=2.5", "--debug")[2]
    assert dataclasses.is_dataclass(run_opts)
    assert (run_opts.max_grad_norm, run_opts.debug) == (2.5, True)


UNFIT_VALUES = {
    "argument without a text": (
        ("models/model.yaml", "    dropout: !ref", "    : !ref"),
        "train.yaml, line 11: 'model.layer' cannot be built by "
        "!new:collections.Counter: keywords must be strings (TypeError). "
        "Correct what it is given.",
    ),
    "value that no argument takes": (
        ("train.yaml", "note: SMA", "note: !new:random.Random {x: [1]}"),
        "train.yaml, line 3: 'note' cannot be built by !new:random.Random: "
        "The only supported seed types are: None, int, float, str, bytes, and "
        "bytearray (TypeError in random.py, line ",
    ),
    "value that is refused": (
        ("train.yaml", "note: SMA", "note: !new:fractions.Fraction [x]"),
        "train.yaml, line 3: 'note' cannot be built by "
        "!new:fractions.Fraction: Invalid literal for Fraction: 'x' "
        "(ValueError in fractions.py, line ",
    ),
    "number that is too large": (
        ("train.yaml", "note: SMA", "note: !apply:math.exp [1000]"),
        "train.yaml, line 3: 'note' cannot be built by !apply:math.exp: math "
        "range error (OverflowError). Correct",
    ),
    "size that is none": (
        ("train.yaml", "note: SMA", "note: !new:torch.nn.Linear [-1, 3]"),
        "train.yaml, line 3: 'note' cannot be built by !new:torch.nn.Linear: "
        "Trying to create tensor with negative dimension -1: [3, -1] "
        "(RuntimeError in linear.py, line ",
    ),
    "tag of Python": (
        ("models/model.yaml", "layer: !new", "layer: !!new"),
        "train.yaml, line 11: 'model.layer' cannot be built: could "
        "not determine a constructor for the tag 'tag:yaml.org,2002:new:"
        "collections.Counter' (ConstructorError). Correct",
    ),
}


@pytest.mark.parametrize(
    "change, expected", UNFIT_VALUES.values(), ids=UNFIT_VALUES
)
def test_value_that_cannot_be_built_with_is_named(experiment, change, expected):
    experiment.replace(*change)
    assert expected in experiment.error()


def test_unfit_value_of_the_command_line_is_named(experiment):
    message = experiment.error("--note=!apply:math.exp [1000]")
    assert message.startswith("the command line: 'note' cannot be built by")


def test_fault_of_what_is_built_is_no_mistake_of_a_user(
    experiment, monkeypatch
):
    monkeypatch.syspath_prepend(experiment.folder)
    experiment.write("faulty_part.py", "def build():\n    oops()\n")
    experiment.replace(
        "train.yaml", "note: SMA", "note: !apply:faulty_part.build []"
    )
    with pytest.raises(NameError, match="oops"):
        experiment.load()


def modules_of(traceback):
    names = [entry.frame.f_globals["__name__"] for entry in traceback]
    return [name.partition(".")[0] for name in names]


def test_an_error_of_what_is_built_is_told_without_the_loader(experiment):
    experiment.replace(
        "train.yaml", "!apply:os.mkdir [", "!apply:shutil.copytree [/lost, "
    )
    with pytest.raises(FileNotFoundError, match="lost") as caught:
        experiment.load()
    modules = modules_of(caught.traceback)
    assert modules[-3:] == ["sb_sma", "sb_sma", "shutil"]
    assert not {"hyperpyyaml", "ruamel", "yaml"} & {*modules}


def test_an_error_within_the_loader_keeps_its_calls(experiment):
    # a function of C has no call of its own in a traceback
    experiment.replace("train.yaml", "!apply:os.mkdir", "!apply:os.rmdir")
    with pytest.raises(FileNotFoundError, match="built") as caught:
        experiment.load()
    assert modules_of(caught.traceback)[-1] == "hyperpyyaml"
