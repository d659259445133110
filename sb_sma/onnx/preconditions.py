"""What must hold before an export begins, told without PyTorch."""

from pathlib import Path

from sb_sma.extras import check_installed

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


def check_packages() -> None:
    """Refuse to begin without the packages that an export needs.

    Raises
    ------
    ImportError
        If one is missing; it names the extra.
    """
    check_installed(*_PACKAGES, extra="onnx", needed_by="The export to ONNX")


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
