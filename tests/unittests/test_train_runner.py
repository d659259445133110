"""The runner in the root of the repository, and the recipes that it runs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

REPOSITORY = Path(__file__).resolve().parents[2]
# what goes upstream starts as SpeechBrain's own recipes do
RECIPES = [
    path
    for path in sorted(REPOSITORY.glob("recipes/**/train.py"))
    if path.parent.name != "transformer_minimal"
]

RECIPE = """\
import sys
from toy_prepare import CORPUS
if __name__ == "__main__":
    print(CORPUS, __file__, *sys.argv)
    sys.exit(3)
"""


def run(script, *arguments, folder):
    """Run a script from a folder; SpeechBrain's own log lines are not
    compared."""
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def toy(tmp_path):
    """A repository whose recipe for one corpus is a link to another's."""
    shutil.copy(REPOSITORY / "train.py", tmp_path)
    for corpus in ("first", "second"):
        folder = tmp_path / "recipes" / corpus
        folder.mkdir(parents=True)
        (folder / "toy_prepare.py").write_text(f'CORPUS = "{corpus}"\n')
    (tmp_path / "recipes/first/train.py").write_text(RECIPE)
    (tmp_path / "recipes/second/train.py").symlink_to("../first/train.py")
    (tmp_path / "toy.yaml").write_text("recipe: recipes/second/train.py\n")
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


def test_recipe_runs_with_the_arguments_and_its_own_folder(toy):
    done = run(
        toy / "train.py", "../toy.yaml", "--seed=2", folder=toy / "elsewhere"
    )
    recipe = toy / "recipes" / "second" / "train.py"
    expected = f"second {recipe} {recipe} ../toy.yaml --seed=2"
    assert done.stdout.splitlines()[-1] == expected, done.stderr
    assert done.returncode == 3


def test_missing_yaml_is_named(toy):
    done = run(toy / "train.py", "hparams/tts.yaml", folder=toy / "elsewhere")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: cannot read the YAML file hparams/tts.yaml (No such file "
        "or directory). Give the path of an existing file as the first "
        "argument."
    )


def test_missing_argument_shows_the_usage(toy):
    done = run(toy / "train.py", folder=toy)
    assert done.returncode == 2
    assert "the following arguments are required: param_file" in done.stderr


@pytest.mark.parametrize(
    "recipe",
    RECIPES,
    ids=[str(path.relative_to(REPOSITORY)) for path in RECIPES],
)
def test_every_recipe_starts_from_another_folder(recipe, tmp_path):
    done = run(recipe, "missing.yaml", folder=tmp_path)
    assert done.stderr.splitlines()[-1].startswith(
        "error: cannot read the YAML file missing.yaml"
    ), done.stderr
