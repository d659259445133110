"""``sb-sma demo``: a page on which models are tried out, side by side."""

import argparse
import socket
from collections import Counter

from sb_sma.cli.paths import add_trust, check_model, short_names
from sb_sma.extras import check_installed
from sb_sma.torch_pair import check_torch_pair

HELP = "Show a page in the browser: hear, see and compare what models say."
_EPILOG = """\
examples:
  sb-sma demo --model results/tts/SMA/model
  sb-sma demo --model results/tts/SMA/model results/tts/regularMHA/model
      side by side, the words that are unsaid marked

Only this machine can reach the page, unless --host or --share say otherwise.
"""
_HIGHEST_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument(
        "--model",
        required=True,
        nargs="+",
        help="folders that training runs exported, or repositories on a hub",
    )
    add_trust(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="at which the page is served (default: 127.0.0.1, this machine "
        "alone; 0.0.0.0 for all that can reach it)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=7860,
        metavar="NUMBER",
        help="of the page (default: 7860)",
    )
    parser.add_argument(
        "--share",
        action="store_true",
        help="give out a link by which anybody can use the page, through a "
        "server of Gradio's makers",
    )


def run(arguments: argparse.Namespace) -> None:
    """Load the models and serve the page.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ValueError
        If there is no such model.
    OSError
        If it cannot listen at this address.
    ImportError
        If Gradio is missing.
    """
    repeated = [m for m, n in Counter(arguments.model).items() if n > 1]
    if repeated:
        raise ValueError(f"--model names {repeated[0]} twice.")
    for model in arguments.model:
        check_model(model)
    _check_address(arguments.host, arguments.port)
    check_installed("gradio", extra="serve", needed_by="The page")
    # torch takes seconds to load: mistakes above are told at once
    check_torch_pair()
    from sb_sma.demo.page import build_page, serve_page
    from sb_sma.demo.speech import Voice
    from sb_sma.inference import TTS

    voices = [
        Voice(
            name,
            TTS.from_hparams(source=source, trusted=arguments.trust_model),
        )
        for name, source in short_names(arguments.model)
    ]
    serve_page(
        build_page(voices), arguments.host, arguments.port, arguments.share
    )


def _check_address(host: str, port: int) -> None:
    """Refuse an address at which no page can be served, before models load."""
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as taken:
            # one that was just left is free
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((host, port))
    except OSError as error:
        raise OSError(
            f"the page cannot be served at {host}, port {port}: "
            f"{error.strerror}. Name another by --host or --port."
        ) from error


def _port(text: str) -> int:
    """Read a port."""
    port = int(text) if text.isdecimal() else 0
    if not 1 <= port <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 1 to {_HIGHEST_PORT}; got {text}"
        )
    return port
