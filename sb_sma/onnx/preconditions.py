"""What must hold before an export begins, told without PyTorch."""

import importlib
from pathlib import Path

PRECISIONS = ("float32", "float64")
EXTRA = "pip install 'sb_sma[onnx]'"
_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def check_packages() -> None:
    """Refuse to begin without the packages that an export needs.

    Raises
    ------
    ImportError
        If one is missing; it names the extra.
    """
    for name in _PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise ImportError(
                f"exporting ONNX graphs needs {', '.join(_PACKAGES)}: {EXTRA} "
                f"({error})"
            ) from None


def check_absent(folder: Path) -> None:
    """Refuse to write where something is.

    Arguments
    ---------
    folder : Path
        What will be written.

    Raises
    ------
    ValueError
        If it is neither absent nor an empty folder.

    Example
    -------
    >>> check_absent(getfixture("tmp_path"))
    """
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists() or folder.is_symlink():
        raise ValueError(
            f"{folder} must be absent or an empty folder: what is there is "
            "never replaced. Remove it, or name another."
        )
