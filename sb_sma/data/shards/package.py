"""The package that reads and writes shards, where it is installed."""

from types import ModuleType


def load_webdataset() -> ModuleType:
    """Import WebDataset.

    Returns
    -------
    webdataset : module
        The package.

    Raises
    ------
    ImportError
        If it is missing; how it is installed is told.
    """
    try:
        import webdataset
    except ImportError as error:
        raise ImportError(
            "A corpus in shards (utterances_per_shard above 0) needs the package "
            "webdataset, which is missing. Install it with: pip install "
            "'sb_sma[shards]'"
        ) from error
    return webdataset
