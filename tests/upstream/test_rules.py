"""Each rule finds what breaks it, and nothing in what does not."""

import pytest

from sb_sma.upstream.difference import ChangedFile, Difference
from sb_sma.upstream.rules import RULES
from sb_sma.upstream.table import Branch

BRANCH = Branch(name="walk", title="Add walks", max_lines=3, pull_request="")
NNET = "speechbrain/nnet/walk.py"


def faults(rule, root, path, after, before="", **about):
    """What a rule says of one changed file."""
    added = [a for a in after.splitlines() if a not in before.splitlines()]
    for name, text in ((path, after), ("speechbrain/nnet/other.py", "")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    file = ChangedFile(path, before, after, added)
    return list(RULES[rule](BRANCH, Difference(root, [file], **about)))


def test_too_many_lines_are_told(tmp_path):
    assert faults("lines", tmp_path, NNET, "1\n2\n3\n") == []
    (fault,) = faults("lines", tmp_path, NNET, "1\n2\n3\n4\n")
    assert fault.startswith("4 lines are added, 3 may be: 4 in " + NNET)
    assert list(RULES["lines"](BRANCH, Difference(tmp_path, []))) == [
        "nothing is changed"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "from sb_sma.walk import Walk",
        'raise ValueError("install sb-sma")',
        "torch.library.define('SB_SMA::walk')",
        "# see https://example.org/sb_sma/walk",
    ],
)
def test_the_name_of_the_package_is_found(text, tmp_path):
    (fault,) = faults("names", tmp_path, NNET, text + "\n")
    assert fault == f"{NNET}: {text}"


def test_the_name_is_found_in_a_path_and_in_the_message(tmp_path):
    assert faults("names", tmp_path, "recipes/sb_sma/a.py", "\n") != []
    (fault,) = faults("names", tmp_path, NNET, "\n", message="From sb_sma.\n")
    assert fault == "the commit's message or the pull request: From sb_sma."
    text = "USBSMALL, sbs_ma\n"
    assert faults("names", tmp_path, NNET, text, message="Add SMA") == []


@pytest.mark.parametrize(
    "path, text",
    [
        (NNET, "import numba"),
        (NNET, "def f():\n    from matplotlib import pyplot"),
        (NNET, "try:\n    import transformers.x\nexcept ImportError: pass"),
        (NNET, "import pytest"),
        (NNET, "from speechbrain.nnet.none import A"),
        (NNET, "from speechbrain.nnet import none"),
        (NNET, "from .none import A"),
        ("recipes/a/train.py", "from ours_prepare import prepare"),
        ("tests/unittests/test_a.py", "import sb_sma"),
        ("speechbrain/integrations/a.py", "from speechbrain.none import A"),
    ],
)
def test_an_import_that_not_everybody_has_is_found(path, text, tmp_path):
    (tmp_path / "speechbrain/nnet").mkdir(parents=True)
    (tmp_path / "speechbrain/nnet/__init__.py").write_text("")
    (fault,) = faults("imports", tmp_path, path, text + "\n")
    assert fault.startswith(f"{path} imports ")
    # what was imported before is not the branch's
    assert faults("imports", tmp_path, path, text + "\n", text + "\n") == []


@pytest.mark.parametrize(
    "path, text",
    [
        (NNET, "import math, torch\nfrom torch import nn"),
        (NNET, "import numpy as np\nfrom hyperpyyaml import load_hyperpyyaml"),
        (NNET, "from speechbrain.nnet.other import A"),
        (NNET, "from speechbrain.nnet import other"),
        (NNET, "from .other import A"),
        ("tests/unittests/test_a.py", "import pytest"),
        ("recipes/a/train.py", "from train import a"),
        ("speechbrain/integrations/a.py", "import triton"),
    ],
)
def test_what_everybody_has_may_be_imported(path, text, tmp_path):
    (tmp_path / "speechbrain/nnet").mkdir(parents=True)
    (tmp_path / "speechbrain/nnet/__init__.py").write_text("")
    assert faults("imports", tmp_path, path, text + "\n") == []


GOOD = '''\
"""A module."""


class Walk:
    """Walk.

    Arguments
    ---------
    steps : int
        How many.

    Example
    -------
    >>> Walk(1)
    """

    def __init__(self, steps):
        self.steps = steps

    def far(self, factor):
        """Say how far.

        Arguments
        ---------
        factor : float
            How far a step is.

        Returns
        -------
        far : float
            Steps times factor.
        """

        def times(a):
            """Multiply.

            Arguments
            ---------
            a : float
                By what.

            Returns
            -------
            product : float
                What comes out.
            """
            return a * factor

        return times(self.steps)


def stop():
    """Stop.

    Example
    -------
    >>> stop()
    """
    _ = lambda: 1


def _private(a):
    return a
'''

BROKEN = {
    "module": ('"""A module."""', "", f"{NNET} has no docstring"),
    "class": ('    """Walk.', '    _ = """Walk.', "Walk has no docstring"),
    "method": ('"""Say', '_ = """Say', "Walk.far has no docstring"),
    "nested": ('"""Multiply', '_ = """M', "Walk.far.times has no docstring"),
    "argument of a class": ("steps : int", "paces : int", "what steps is"),
    "argument": ("    factor : float", "    f : float", "what factor is"),
    "nested argument": ("   a : float", "   b : float", "what a is"),
    "returns": (
        "        Returns\n        -------\n        far",
        "        far",
        "Walk.far has no section Returns",
    ),
    "class without example": ("Example", "Note", "Walk has no Example"),
    "function without example": (
        "    Example\n    -------\n    >>> stop()\n",
        "",
        "stop has no Example",
    ),
}


@pytest.mark.parametrize("right, wrong, fault", BROKEN.values(), ids=BROKEN)
def test_a_docstring_that_is_missing_is_found(right, wrong, fault, tmp_path):
    assert faults("docstrings", tmp_path, NNET, GOOD) == []
    assert GOOD.count(right) >= 1
    broken = GOOD.replace(right, wrong, 1)
    (told,) = faults("docstrings", tmp_path, NNET, broken)
    assert told.endswith(fault) or fault in told


def test_of_a_function_that_was_there_new_arguments_are_told(tmp_path):
    before = 'def f(a):\n    """Do."""\n    return a\n'
    after = before.replace("(a)", "(a, b)")
    (fault,) = faults("docstrings", tmp_path, NNET, after, before)
    assert fault == f"{NNET}: f does not say what b is, under Arguments"
    assert faults("docstrings", tmp_path, NNET, before + "\n", before) == []


def test_recipes_need_docstrings_and_tests_do_not(tmp_path):
    text = '"""A recipe."""\n\n\ndef f(a):\n    return a\n'
    (fault,) = faults("docstrings", tmp_path, "recipes/a/train.py", text)
    assert fault == "recipes/a/train.py: f has no docstring"
    text = text.replace("    return", '    """Do."""\n    return')
    assert faults("docstrings", tmp_path, "recipes/a/train.py", text) == []
    assert (
        faults("docstrings", tmp_path, "tests/test_a.py", "def f(): ...\n")
        == []
    )


@pytest.mark.parametrize(
    "path, text, fault",
    [
        (NNET, "a = 1 \n", "blanks at the end of a new line"),
        ("a.md", "one\t\n", "blanks at the end of a new line"),
        (NNET, "a = 1\r\n", "lines that end in CR LF"),
        (NNET, "a = 1", "must end with one end of line"),
        (NNET, "a = 1\n\n", "must end with one end of line"),
        ("a.txt", "1234567\n" * 131073, "has more than 1024 KiB"),
        ("a/extra_requirements.txt", "b>=1\na>=1\n", "must be sorted"),
    ],
)
def test_whitespace_and_sizes_are_looked_at(path, text, fault, tmp_path):
    assert fault in " ".join(faults("whitespace", tmp_path, path, text))


def test_good_whitespace_passes(tmp_path):
    assert faults("whitespace", tmp_path, NNET, "a = 1\n") == []
    # what was there before is not the branch's
    assert faults("whitespace", tmp_path, NNET, "a \nb\n", "a \n") == []
    assert faults("whitespace", tmp_path, NNET, "b\n\n", "a\n\n") == []
