"""An interpreter that has SpeechBrain from a checkout, and nothing of ours."""

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

from sb_sma.upstream.checkout import without_git

_OWN = "sb_sma"
# what SpeechBrain and its tests are installed with
_TOOLS = ("pytest", "pip", "setuptools", "wheel")


class Sandbox:
    """A virtual environment whose packages are those of this interpreter.

    The checkout comes before them, also where a script is started with another
    ``PYTHONPATH``, as SpeechBrain's recipe tests do.

    Arguments
    ---------
    folder : Path
        Where it is made.
    checkout : Path
        Where SpeechBrain is imported from.
    is_bare : bool
        Whether packages that SpeechBrain does not require are missing, too,
        as they are where it is freshly installed.
    """

    def __init__(self, folder: Path, checkout: Path, is_bare: bool) -> None:
        self.folder = folder
        self.checkout = checkout
        venv.EnvBuilder(symlinks=True).create(folder)
        bases = {"base": str(folder), "platbase": str(folder)}
        packages = Path(sysconfig.get_path("purelib", "posix_prefix", bases))
        missing = sorted({_OWN, *(optional_packages() if is_bare else ())})
        folders = [p for p in sys.path if Path(p).name.endswith("-packages")]
        (packages / "checkout.pth").write_text(
            f"{checkout}\n"
            f"import sys; sys.modules.update(dict.fromkeys({missing!r}))\n"
            f"import site; list(map(site.addsitedir, {folders!r}))\n",
            encoding="utf-8",
        )

    def run(
        self, command: Iterable[str], timeout: float, **variables: str
    ) -> tuple[int, str]:
        """Run a command in the checkout.

        Arguments
        ---------
        command : iterable of str
            Of which ``python`` is that of the sandbox.
        timeout : float
            Seconds after which it is ended.
        **variables : str
            More of the environment.

        Returns
        -------
        status : int
            0 if all went well.
        output : str
            What it printed, errors included.

        Raises
        ------
        subprocess.TimeoutExpired
            If it was ended.
        """
        environment = {
            name: value
            for name, value in without_git(os.environ).items()
            if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV"))
        }
        programs = self.folder / "bin"
        environment |= {
            "PATH": f"{programs}{os.pathsep}{environment.get('PATH', '')}",
            # no plugins but those of the checkout, no models but local ones
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "HF_HUB_OFFLINE": "1",
            **variables,
        }
        program, *arguments = command
        if program == "python":
            program = str(programs / "python")
        with subprocess.Popen(
            [program, *arguments],
            cwd=self.checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            # to be ended with all that it starts
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=timeout)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        return process.returncode, output


def optional_packages() -> set[str]:
    """List installed packages that SpeechBrain does not bring.

    Returns
    -------
    names : set of str
        By which they are imported.

    Example
    -------
    >>> {"numba", "matplotlib"} <= optional_packages()
    True
    >>> {"torch", "numpy", "pytest"} & optional_packages()
    set()
    """
    required: set[str] = set()
    waiting = ["speechbrain", *_TOOLS]
    while waiting:
        name = _plain(waiting.pop())
        if name in required:
            continue
        required.add(name)
        try:
            requirements = importlib.metadata.requires(name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        waiting += [
            each.name
            for each in map(Requirement, requirements)
            if each.marker is None or each.marker.evaluate({"extra": ""})
        ]
    return {
        name
        for name, owners in importlib.metadata.packages_distributions().items()
        if not required & set(map(_plain, owners))
    }


def _plain(name: str) -> str:
    return re.sub("[-_.]+", "-", name).lower()
