"""The code blocks of a document, run as a reader would."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 900  # seconds
# what the commands of a clone name
_OF_A_CLONE = ("train.py", "hparams", "recipes", "setup.py", "constraints.txt")


@dataclass(frozen=True)
class Block:
    """A block between fences."""

    language: str
    text: str
    line: int  # of its fence

    @property
    def command(self):
        """What runs it."""
        if self.language == "python":
            return [sys.executable, "-c", self.text]
        return ["bash", "-ec", self.text]


def blocks_of(document):
    """Every block of a document, in order."""
    text = document.read_text(encoding="utf-8")
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)
        for match in re.finditer(r"(?ms)^```(\w*)\n(.*?)^```$", text)
    ]


def make_clone(folder):
    """A folder in which commands run as in a clone, and leave what they make."""
    folder.mkdir()
    for name in _OF_A_CLONE:
        (folder / name).symlink_to(ROOT / name)
    return folder


def run_block(block, clone):
    """Run one, and return what it prints; an error is one of the test."""
    # the commands of the environment that the tests run in
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ["PATH"]]
    )
    done = subprocess.run(
        block.command,
        cwd=clone,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, (
        f"the block of line {block.line} ended with {done.returncode}:\n"
        f"{block.text}\n{done.stdout[-3000:]}"
    )
    return done.stdout
