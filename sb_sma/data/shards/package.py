"""The package that reads and writes shards, where it is installed."""

from types import ModuleType

from sb_sma.extras import require


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
    return require(
        "webdataset", "data", "A corpus in shards (utterances_per_shard)"
    )
