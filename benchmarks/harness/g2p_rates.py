"""Error rates of pronunciations in a line."""

from collections.abc import Mapping

_NAMES = {
    "wer": "WER",
    "per": "PER",
    "wer_no_stress": "WER without stress",
    "per_no_stress": "PER without stress",
}


def format_rates(stats: Mapping[str, float]) -> str:
    """Name the rates that a set has.

    Arguments
    ---------
    stats : mapping
        What ``PhonemeErrorRates.summarize`` gives.

    Returns
    -------
    line : str
        Rates in percent, and the number of words.
    """
    rates = [
        f"{name} {stats[key]:.2f}"
        for key, name in _NAMES.items()
        if key in stats
    ]
    return f"{', '.join(rates)} of {stats['n_words']} words"
