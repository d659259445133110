"""``sb-sma serve``: speech over HTTP, as OpenAI's clients ask for it."""

import argparse
import signal
import socket
from collections.abc import Callable

from sb_sma.cli.lines import tell
from sb_sma.cli.paths import add_trust, check_model
from sb_sma.cli.synthesize import add_sound_arguments
from sb_sma.extras import check_installed
from sb_sma.serving.model_names import name_models
from sb_sma.torch_pair import check_torch_pair
from sb_sma.vocoders.source import check_vocoder_source

HELP = "Speak over HTTP, as OpenAI's clients ask for it."
_EXAMPLES = """examples:
  sb-sma serve --model DIR
  sb-sma serve --model tts-1=DIR soft=OTHER_DIR --port 8080

  curl http://127.0.0.1:8000/v1/audio/speech -H 'Content-Type: application/json' \\
    -d '{"model": "tts-1", "voice": "default", "input": "Hello."}' -o hello.mp3

It needs pip install 'sb_sma[serve]'.
"""
_PACKAGES = ("starlette", "uvicorn")
_SECONDS_TO_END = 10
# connections that ask for no speech, and those that are not yet taken
_MOST_IDLE, _MOST_WAITING = 256, 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--model",
        required=True,
        nargs="+",
        metavar="[NAME=]DIR",
        help="folders that training runs exported, or repositories on a hub; "
        "clients ask for them by their names",
    )
    add_trust(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at (default: 127.0.0.1, for this machine "
        "alone; there is no password)",
    )
    parser.add_argument(
        "--port",
        type=_read_port,
        default=8000,
        help="port to listen at (default: 8000); 0 takes any that is free",
    )
    parser.add_argument(
        "--max_characters",
        type=_read_count,
        default=20_000,
        metavar="NUMBER",
        help="of a text (default: 20000)",
    )
    parser.add_argument(
        "--max_requests",
        type=_read_count,
        default=128,
        metavar="NUMBER",
        help="that are being spoken or wait; one client may have half of them "
        "(default: 128)",
    )
    add_sound_arguments(parser, seed=0)


def run(arguments: argparse.Namespace) -> None:
    """Load the models, and answer until the process is told to end.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ValueError
        If there is no such model or vocoder, or two models have one name.
    OSError
        If the server cannot listen there.
    ImportError
        If a package of the extra is missing.
    """
    sources = name_models(arguments.model)
    for source in sources.values():
        check_model(source)
    if arguments.vocoder_source is not None:
        check_vocoder_source(arguments.vocoder_source)
    check_installed(*_PACKAGES, extra="serve", needed_by="The server")
    with _bind(arguments.host, arguments.port) as bound:
        # torch takes seconds to load: mistakes above are told at once
        check_torch_pair()
        serve = _load(arguments, sources)
        bound.listen(_MOST_WAITING)
        tell(f"listening at {_url_of(bound)}, speaking {', '.join(sources)}")
        _run_until_told(serve, bound)
    tell("ended")


def _load(
    arguments: argparse.Namespace, sources: dict[str, str]
) -> Callable[[socket.socket], None]:
    """Return what serves the models at a socket."""
    import torch
    import uvicorn

    from sb_sma.inference import TTS
    from sb_sma.serving.app import Limits, make_app
    from sb_sma.serving.connections import PatientProtocol
    from sb_sma.serving.hosts import names_of
    from sb_sma.serving.voices import ServedModel

    models = []
    for name, source in sources.items():
        tts = TTS.from_hparams(
            source=source,
            trusted=arguments.trust_model,
            vocoder=arguments.vocoder,
            vocoder_source=arguments.vocoder_source,
        )
        models.append(ServedModel(name, tts, arguments.mode, arguments.seed))
        models[-1].warm_up()
    limits = Limits(arguments.max_characters, arguments.max_requests)
    hosts = names_of(arguments.host)
    app = make_app(models, limits, torch.get_num_threads(), hosts)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        http=PatientProtocol,
        ws="none",
        limit_concurrency=2 * limits.requests + _MOST_IDLE,
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )
    return lambda bound: uvicorn.Server(config).run(sockets=[bound])


def _run_until_told(
    serve: Callable[[socket.socket], None], bound: socket.socket
) -> None:
    """Serve until SIGINT or SIGTERM, after which running requests end."""
    # uvicorn hands the signal on when it has ended
    earlier = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve(bound)
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _bind(host: str, port: int) -> socket.socket:
    """Take a port before anything is loaded."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind)
    except OSError as error:
        raise OSError(
            f"--host {host} is no address of this machine: {error.strerror}."
        ) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise OSError(
            f"the server cannot listen at {host}, port {port}: "
            f"{error.strerror}. Give another --port, or --port 0."
        ) from error
    return bound


def _url_of(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _read_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(
            f"must be a number from 0 to 65535; got {text}"
        )
    return int(text)


def _read_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10**9:
        raise argparse.ArgumentTypeError(
            f"must be a number of 1 or more; got {text}"
        )
    return int(text)
