"""Imports go one way, and every package is one."""

import shutil
from pathlib import Path

import pytest

from benchmarks.harness.import_graph import (
    circles_of,
    import_arrows,
    imported_modules,
)

REPOSITORY = Path(__file__).resolve().parents[2]

OPS = {"ops", "stepwise_monotonic"}
ATTENTION = {"attention"} | OPS
STYLE = {"style"} | ATTENTION
MODELS = {"models"} | STYLE
# know no model; masks are built in one file, which some of them may use
BESIDE = {"data", "losses", "metrics", "plots"}
INFERENCE = {"inference", "vocoders"} | MODELS | BESIDE
TRAINING = {"training"} | INFERENCE

# what each part of sb_sma may import, by the beginning of the name
MAY_IMPORT = {
    # handed on; tests/unittests/test_light_start.py holds that none is loaded
    "": {"ops", "attention", "inference", "torch_pair"},
    "torch_pair": set(),
    "extras": set(),
    "mistakes": set(),
    "finite": set(),
    "model_size": set(),
    "safe_yaml": {"yaml_depth"},
    "yaml_depth": set(),
    # PyTorch alone: it can go upstream as it is
    "stepwise_monotonic": set(),
    "ops": OPS,
    "attention": {"torch_pair"} | ATTENTION,
    "style": STYLE,
    "models": {"torch_pair"} | MODELS,
    "data": {"data", "extras", "torch_pair"},
    "alignment": {"alignment", "data"},
    "losses": {"losses", "attention.masks"} | OPS,
    "metrics": {"metrics", "data", "attention.masks"} | OPS,
    "plots": {"plots", "metrics"},
    "vocoders": {
        "vocoders",
        "data",
        "finite",
        "model_size",
        "safe_yaml",
        "torch_pair",
    },
    "inference": {"finite", "model_size", "safe_yaml", "torch_pair"}
    | INFERENCE,
    "training": {"finite", "mistakes"} | TRAINING,
    "evaluation": {"evaluation", "extras", "training.reports"} | INFERENCE,
    "onnx": {"extras", "onnx", "torch_pair"} | INFERENCE,
    "demo": {"demo", "evaluation.texts", "extras", "serving.hosts"} | INFERENCE,
    "books": {"books", "data", "metrics"},
    "serving": {"extras", "serving"} | INFERENCE,
    "hparams": {"hparams", "inference.arguments", "yaml_depth"},
    "upstream": {"upstream", "hparams"},
    "cli": {
        "alignment",
        "cli",
        "books",
        "demo",
        "evaluation",
        "extras",
        "hparams",
        "onnx",
        "serving",
        "torch_pair",
        "training.reports.shared",
        "upstream",
    }
    | INFERENCE,
    "recipes": {"hparams", "mistakes", "torch_pair"} | TRAINING,
}


def find_violations(root):
    """Every import that goes the wrong way, below a repository's root."""
    violations = []
    files = [*root.glob("sb_sma/**/*.py"), *root.glob("recipes/**/*.py")]
    for file in sorted(filter(Path.is_file, files)):
        relative = file.relative_to(root)
        part = relative.parts[0]
        if part == "sb_sma":
            part = Path(relative.parts[1]).stem.replace("__init__", "")
        package = ".".join(relative.parts[:-1])
        assert part in MAY_IMPORT, f"say what sb_sma/{part} may import"
        for name in imported_modules(file, package):
            if not any(
                f"{name}.".startswith(f"{allowed}.")
                for allowed in MAY_IMPORT[part]
            ):
                violations.append(f"{relative} imports sb_sma.{name}")
    return violations


def test_what_may_be_imported_is_there():
    names = {*MAY_IMPORT, *(set().union(*MAY_IMPORT.values()))} - {"recipes"}
    paths = [REPOSITORY.joinpath("sb_sma", *n.split(".")) for n in names]
    assert [
        path
        for path in paths
        if not path.is_dir() and not path.with_suffix(".py").is_file()
    ] == []


def test_imports_go_one_way():
    assert find_violations(REPOSITORY) == []


PLANTED = {
    "up": ("ops/planted.py", "import sb_sma.attention"),
    "up, from the package": (
        "attention/planted.py",
        "from sb_sma import models",
    ),
    "up, relative": ("models/planted.py", "from ..inference import tts"),
    "up, inside a function": (
        "models/planted.py",
        "def late():\n    from sb_sma.cli import main",
    ),
    "a loss that knows a model": (
        "losses/planted.py",
        "from sb_sma.models.encoder.transformer import Encoder",
    ),
    "a metric that knows attention": (
        "metrics/planted.py",
        "from sb_sma.attention.registry import ATTENTION_TYPES",
    ),
    "the package itself": ("__init__.py", "from sb_sma.cli import main"),
}


@pytest.mark.parametrize("file, text", PLANTED.values(), ids=PLANTED)
def test_planted_violation_is_found(tmp_path, file, text):
    shutil.copytree(
        REPOSITORY / "sb_sma",
        tmp_path / "sb_sma",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    planted = tmp_path / "sb_sma" / file
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(text)
    assert any(
        violation.startswith(f"sb_sma/{file} imports sb_sma.")
        for violation in find_violations(tmp_path)
    )


def test_no_files_import_each_other():
    assert circles_of(import_arrows(REPOSITORY)) == []


@pytest.mark.parametrize(
    "text",
    [
        "from sb_sma.models.decoder.stack import DecoderStack",
        "def late():\n    from sb_sma.models import MelDecoder",
    ],
    ids=["two files", "late, through a package"],
)
def test_planted_circle_is_found(tmp_path, text):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "sb_sma", tmp_path / "sb_sma", ignore=ignored)
    layer = tmp_path / "sb_sma" / "models" / "decoder" / "layer.py"
    layer.write_text(layer.read_text() + "\n\n" + text + "\n")
    (circle,) = circles_of(import_arrows(tmp_path))
    assert "sb_sma.models.decoder.layer" in circle


def test_every_folder_with_code_is_a_package():
    """setuptools leaves a folder without ``__init__.py`` out of a wheel."""
    folders = {file.parent for file in REPOSITORY.glob("sb_sma/**/*.py")}
    assert [
        f for f in sorted(folders) if not (f / "__init__.py").exists()
    ] == []


def test_every_link_leads_somewhere():
    links = filter(Path.is_symlink, REPOSITORY.glob("recipes/**/*"))
    assert [link for link in links if not link.exists()] == []
