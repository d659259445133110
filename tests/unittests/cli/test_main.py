"""The way into ``sb-sma``: its help, and what is told of a mistyped word."""

import argparse

import pytest

from sb_sma.cli import COMMANDS, main


def refusal_of(arguments, capsys):
    """The last line that is printed before the end."""
    with pytest.raises(SystemExit) as exited:
        main(arguments)
    assert exited.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("usage: sb-sma")
    return captured.err.splitlines()[-1]


@pytest.mark.parametrize(
    "word, meant",
    [("synthesise", "synthesize"), ("G2P", "g2p"), ("speak", None)],
)
def test_a_mistyped_command_is_told_from_what_it_may_be(word, meant, capsys):
    message = refusal_of([word, "--text", "a"], capsys)
    assert message.startswith(
        "sb-sma: error: COMMAND must be one of align, book, check, corpora, "
        "demo, evaluate, export, g2p, licences, render, serve, synthesize, "
        "upstream; "
        f"got '{word}'."
    )
    assert message.endswith(f"Closest known names: {meant}.") == bool(meant)


@pytest.mark.parametrize(
    "arguments, option, meant",
    [
        (["synthesize", "--modle", "m"], "--modle", "--model"),
        (["synthesize", "--stlye_wav=a.wav"], "--stlye_wav", "--style_wav"),
        (["g2p", "--model", "m", "--n_best", "3"], "--n_best", "--nbest"),
        (["check", "a.csv", "--skip-audio"], "--skip-audio", "--skip_audio"),
        (["render", "a.yaml", "--xyz"], "--xyz", None),
        # the beginning of another
        (["evaluate", "--seed", "42"], "--seed", "--seeds"),
    ],
)
def test_a_mistyped_option_is_told_from_what_it_may_be(
    arguments, option, meant, capsys
):
    message = refusal_of(arguments, capsys)
    told, _, names = message.partition(" Closest known names: ")
    assert told == (
        f"sb-sma {arguments[0]}: error: there is no option {option}."
    )
    known = names.rstrip(".").split(", ")
    assert meant in known if meant else names == ""


def test_a_text_that_begins_as_an_option_is_a_text(tmp_path, capsys):
    arguments = ["--model", "./none", "--out", str(tmp_path / "a.wav")]
    for text in (["--text=--modle"], ["--text", "--modle is no option"]):
        assert main(["synthesize", *arguments, *text]) == 1
        assert "./none does not exist" in capsys.readouterr().err


def test_the_help_is_plain_text(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert "``" not in text and "Speak and pronounce" in text


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_every_option_is_explained(command):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert [each.dest for each in parser._actions if not each.help] == []
