"""``sb-sma export``: a model in a form that runs without PyTorch."""

import argparse
from pathlib import Path

from sb_sma.cli.paths import add_trust, check_model
from sb_sma.inference.g2p.lexicon_first import ENGLISH, find_packaged
from sb_sma.onnx.preconditions import check_absent, check_packages
from sb_sma.torch_pair import check_torch_pair

HELP = "Write a trained model as ONNX graphs, which run without PyTorch."
_EXAMPLES = """examples:
  sb-sma export --model results/tts/model --onnx voice_onnx
  python -c "from sb_sma.onnx import OnnxTTS; print(OnnxTTS('voice_onnx').speak('Hello.').mel.shape)"
"""


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
        help="folder that a training run exported, of a model that speaks or "
        f"pronounces, a repository on a hub, or {ENGLISH}: the model of the "
        "package that pronounces",
    )
    parser.add_argument(
        "--onnx",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder for the graphs; it must be absent or empty",
    )
    add_trust(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write the graphs.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Raises
    ------
    ImportError
        If a package of the extra onnx is missing.
    ValueError
        If there is no such model, it cannot be exported, or something is in
        the folder already.
    OSError
        If the folder cannot be written.
    """
    check_absent(arguments.onnx)
    source = arguments.model
    if source == ENGLISH and not Path(source).exists():
        source = str(find_packaged(ENGLISH))
    check_model(source)
    check_packages()
    # torch takes seconds to load: mistakes above are told at once
    check_torch_pair()
    from sb_sma.onnx.export import export_onnx

    names = export_onnx(source, arguments.onnx, arguments.trust_model)
    print(f"{arguments.onnx}: {', '.join(names)}")
