"""``sb-sma demo`` up to the page: what is refused before a model is loaded."""

import socket
import sys

import pytest

from sb_sma.cli import main


@pytest.fixture
def free_port():
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def test_a_missing_package_names_the_extra(
    exported, free_port, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "gradio", None)
    model = ["--model", str(exported[2])]
    assert main(["demo", *model, "--port", str(free_port)]) == 1
    assert capsys.readouterr().err == (
        "sb-sma: error: The page needs gradio, which is missing. Install it "
        "with: pip install 'sb_sma[serve]'\n"
    )


def test_a_port_that_is_taken_is_told(exported, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        model = ["--model", str(exported[2])]
        assert main(["demo", *model, "--port", str(port)]) == 1
    assert (
        f"the page cannot be served at 127.0.0.1, port {port}: Address already "
        "in use. Name another by --host or --port."
    ) in capsys.readouterr().err


def test_a_host_that_is_unknown_is_told(exported, capsys):
    arguments = ["--model", str(exported[2]), "--host", "no host"]
    assert main(["demo", *arguments]) == 1
    assert "cannot be served at no host, port 7860" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["0", "-1", "65536", "1.5", "http", "²"])
def test_what_is_no_port_is_told(port, capsys):
    with pytest.raises(SystemExit):
        main(["demo", "--model", "m", f"--port={port}"])
    assert (
        f"--port: must be a whole number from 1 to 65535; got {port}"
    ) in capsys.readouterr().err


def test_a_model_is_named_once(exported, capsys):
    folder = str(exported[2])
    assert main(["demo", "--model", folder, folder]) == 1
    assert f"--model names {folder} twice." in capsys.readouterr().err


def test_a_model_that_is_not_there_is_told(capsys):
    assert main(["demo", "--model", "./no/such/model"]) == 1
    assert "./no/such/model does not exist" in capsys.readouterr().err
