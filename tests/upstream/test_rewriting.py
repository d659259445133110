"""Names here become names there, and nothing else does."""

import ast

import pytest

from sb_sma.upstream.rewriting import (
    Rewriting,
    add_author,
    append_definitions,
    spelling_of,
)
from sb_sma.upstream.table import Branch

BRANCHES = [
    Branch(
        name="walk",
        title="Add walks",
        max_lines=9,
        pull_request="",
        copies={
            "walk.py": "speechbrain/nnet/first.py",
            "sb_sma/walk.py": "speechbrain/nnet/walk.py",
            "sb_sma/walk_back.py": "speechbrain/nnet/back.py",
            "recipes/LJSpeech/TTS/minimal/train.py": "recipes/LJSpeech/TTS/t.py",
        },
        names={
            "sb_sma.attention.decoder": "speechbrain.lobes.Transformer",
            "sb_sma::": "speechbrain::",
        },
    )
]


@pytest.mark.parametrize(
    "here, there",
    [
        ("from sb_sma.walk import A", "from speechbrain.nnet.walk import A"),
        ("import sb_sma.walk as w", "import speechbrain.nnet.walk as w"),
        ("sb_sma.walk.Walk()", "speechbrain.nnet.walk.Walk()"),
        ("x: !new:sb_sma.walk.Walk", "x: !new:speechbrain.nnet.walk.Walk"),
        ("`sb_sma.walk_back`", "`speechbrain.nnet.back`"),
        ("sb_sma/walk_back.py", "speechbrain/nnet/back.py"),
        ("sb_sma.walks, sb_sma.walk2", "sb_sma.walks, sb_sma.walk2"),
        ("def walk(): see walk.py", "def walk(): see walk.py"),
        ("my_sb_sma.walk, a.sb_sma.walk", "my_sb_sma.walk, a.sb_sma.walk"),
        ("sb_sma.attention.decoder", "speechbrain.lobes.Transformer"),
        ('op("sb_sma::walk")', 'op("speechbrain::walk")'),
        (
            "python recipes/LJSpeech/TTS/minimal/train.py",
            "python recipes/LJSpeech/TTS/t.py",
        ),
        ("self.mel_spectrogram(mel_spectogram)", "self.mel_X(mel_X)"),
    ],
)
def test_names_are_rewritten(here, there):
    assert Rewriting(BRANCHES, "mel_X")(here) == there


@pytest.mark.parametrize("name", ["mel_spectogram", "mel_spectrogram"])
def test_the_spelling_is_that_of_the_checkout(name, tmp_path):
    assert spelling_of(tmp_path) is None
    file = tmp_path / "speechbrain" / "lobes" / "models" / "FastSpeech2.py"
    file.parent.mkdir(parents=True)
    file.write_text(f"class A:\n    pass\n\n\ndef {name}(\n    audio\n): ...\n")
    assert spelling_of(tmp_path) == name
    for text in ("mel_spectogram", "mel_spectrogram"):
        assert Rewriting(BRANCHES, name)(text) == name
        assert Rewriting(BRANCHES, None)(text) == text


@pytest.mark.parametrize(
    "docstring",
    [
        '"""Walks."""',
        '"""Walks.\n\nOn.\n"""',
        'r"""\\alpha"""',
        "'''Wälks — ä'''",
    ],
)
def test_the_author_stands_at_the_end_of_the_docstring(docstring):
    source = f"# a comment\n{docstring}  # noqa\nimport os\n"
    added = add_author(source, "Ada Lovelace 1843")
    text = ast.get_docstring(ast.parse(added))
    assert text.startswith(ast.get_docstring(ast.parse(source)))
    assert text.endswith("\n\nAuthors\n * Ada Lovelace 1843")
    assert added.endswith("  # noqa\nimport os\n")
    assert add_author(added, "Somebody Else 1900") == added


@pytest.mark.parametrize("source", ["", "import os\n", '"Walks."\n'])
def test_without_a_docstring_there_is_no_author(source):
    assert add_author(source, "Ada Lovelace 1843") == source


def test_definitions_are_appended_with_their_comments_and_decorators():
    there = '"""Doc."""\n\nimport os\n\nlogger = 1\n\n\ndef a():\n    pass\n'
    here = (
        '"""Other."""\n\nimport os\nfrom re import (\n    compile,\n)\n\n'
        "logger = 1\n# why\nB = 2\n\n\n@compile\ndef b():\n    # in it\n    pass\n"
    )
    assert append_definitions(there, here) == (
        '"""Doc."""\n\nimport os\nfrom re import (\n    compile,\n)\n\n'
        "logger = 1\n\n\ndef a():\n    pass\n\n\n"
        "# why\nB = 2\n\n\n@compile\ndef b():\n    # in it\n    pass\n"
    )


def test_two_definitions_of_a_name_are_refused():
    with pytest.raises(ValueError, match="both modules define a"):
        append_definitions("def a():\n    pass\n", "def a():\n    return 1\n")
