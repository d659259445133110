"""Two releases of torch and torchaudio that do not load together are told in
one line.
"""

import os
import subprocess
import sys

import pytest

from sb_sma.torch_pair import TESTED_PAIR, require_torch_pair

# what torchaudio 2.11.1 raises beside torch 2.11.0
UNDEFINED_SYMBOL = (
    "libtorchaudio.so: undefined symbol: "
    "torch_exception_get_what_without_backtrace"
)
SB_SMA = ["-c", "import sys; from sb_sma.cli import main; sys.exit(main())"]
LINE = (
    "error: torch 2.99.0 and torchaudio 2.99.1 do not load together "
    f"({UNDEFINED_SYMBOL}). Install the pair that was tested: pip "
    "install --force-reinstall "
    + " ".join(f"{name}=={version}" for name, version in TESTED_PAIR.items())
)


@pytest.fixture
def broken_pair(tmp_path):
    """A folder of packages that stand in for such a pair."""
    for name, version in (("torch", "2.99.0"), ("torchaudio", "2.99.1")):
        information = tmp_path / f"{name}-{version}.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
    (tmp_path / "torch.py").touch()
    (tmp_path / "torchaudio.py").write_text(
        "raise OSError('Could not load this library') from "
        f"OSError('{UNDEFINED_SYMBOL}')\n"
    )
    return tmp_path


def run_beside(command, broken_pair, repository):
    """Run a command that finds this pair first."""
    return subprocess.run(
        command,
        cwd=repository,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (broken_pair, repository))),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command",
    [
        ["train.py", "hparams/tts.yaml"],
        ["recipes/Embedded/TTS/transformer/train.py", "hparams/tts.yaml"],
        ["recipes/CMUDict/G2P/transformer/train.py", "hparams/g2p.yaml"],
        [*SB_SMA, "synthesize", "--text=a", "--out=a.wav", "--model=MODEL"],
        [*SB_SMA, "g2p", "--input=README.md", "--model=MODEL"],
    ],
    ids=["runner", "tts", "g2p", "sb-sma synthesize", "sb-sma g2p"],
)
def test_a_pair_that_does_not_load_is_one_line(
    command, broken_pair, repository
):
    model = broken_pair / "model"
    model.mkdir()
    (model / "hyperparams.yaml").touch()
    command = [part.replace("MODEL", str(model)) for part in command]
    done = run_beside([sys.executable, *command], broken_pair, repository)
    assert done.returncode == 1
    assert done.stdout == ""
    prefix = "sb-sma: " if command[:2] == SB_SMA else ""
    assert done.stderr.splitlines() == [f"{prefix}{LINE}"]


@pytest.mark.parametrize(
    "statement",
    [
        "from sb_sma import TTS",
        "from sb_sma.inference import G2P",
        "import sb_sma.data; sb_sma.data.MelSettings",
    ],
)
def test_what_is_handed_on_says_the_same(statement, broken_pair, repository):
    # torch itself loads
    (broken_pair / "torch.py").unlink()
    command = [sys.executable, "-c", statement]
    done = run_beside(command, broken_pair, repository)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == LINE.replace("e", "ImportE", 1)
    # the loader's own words are in that line, and nowhere else
    assert done.stderr.count(UNDEFINED_SYMBOL) == 1


def test_other_mistakes_of_an_import_stay_what_they_are():
    with pytest.raises(ImportError, match="cannot import name 'TSS'"):
        from sb_sma import TSS  # noqa: F401


def test_what_is_not_installed_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchaudio", None)
    monkeypatch.setattr("sb_sma.torch_pair.TESTED_PAIR", {"torchaudio": "1.0"})
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "meta_path", [])
    message = r"torchaudio \(not installed\) do not load together"
    with pytest.raises(SystemExit, match=message):
        require_torch_pair()
