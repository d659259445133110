"""How much speech a corpus has, and what to expect of little."""

import logging

logger = logging.getLogger(__name__)

LITTLE_SECONDS = 300


def tell_if_little(seconds: float) -> None:
    """Say what to expect of a corpus of less than five minutes.

    Arguments
    ---------
    seconds : float
        Of all its recordings.

    Example
    -------
    >>> tell_if_little(3600)
    """
    if seconds < LITTLE_SECONDS:
        logger.warning(
            "The corpus has %.1f minutes of speech, which is less than five: "
            "expect a model that knows these sentences by heart and does not "
            "read others well. More speech is the remedy, not more epochs.",
            seconds / 60,
        )
