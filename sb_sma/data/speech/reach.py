"""What is wrong with a manifest, found before training starts."""

import logging
from collections.abc import Mapping
from typing import Any

from speechbrain.utils.distributed import if_main_process

from sb_sma.data.corpus.build_once import Manifests
from sb_sma.data.shards.manifest import without

logger = logging.getLogger(__name__)


def leave_out_unreachable(
    manifests: Manifests,
    reduction_factor: int,
    moves_per_query: int | None = None,
    places: Mapping[str, str] = {},
    skip_bad_utterances: bool = False,
) -> Manifests:
    """Refuse utterances that a walk cannot speak to the end, or skip them.

    Arguments
    ---------
    manifests : dict
        Of each split, the entries by name.
    reduction_factor : int
        Mel frames per decoder step.
    moves_per_query : int, optional
        Most tokens that the attention passes per decoder step. Default: no
        limit, as with softmax.
    places : mapping
        File and line of utterances by their name, where known.
    skip_bad_utterances : bool
        Whether such utterances are left out and counted instead of being an
        error.

    Returns
    -------
    dict
        The manifests without such utterances.

    Raises
    ------
    ValueError
        If an utterance has too many tokens for its decoder steps, or if a
        split has no others.

    Example
    -------
    >>> entry = {"tokens": list("abcdefghijkl"), "mel_length": 40}
    >>> manifests = {"train": {"u1": entry}}
    >>> leave_out_unreachable(manifests, reduction_factor=4) == manifests
    True
    >>> leave_out_unreachable(
    ...     manifests, 4, moves_per_query=1, places={"u1": "a.csv, line 2"}
    ... )
    Traceback (most recent call last):
    ...
    ValueError: 1 utterance(s) cannot be walked through at reduction_factor 4 and moves_per_query 1:
    - a.csv, line 2: u1 has 12 tokens for 10 decoder steps
    Lower reduction_factor, raise moves_per_query, mend text or recording, or give --skip_bad_utterances=True to leave such utterances out.
    """
    if moves_per_query is None:
        return manifests
    left_out = {
        split: {
            name: fault
            for name, entry in manifest.items()
            if (fault := _walk_fault(entry, reduction_factor, moves_per_query))
        }
        for split, manifest in manifests.items()
    }
    problems = [
        f"{places[name]}: {name} {fault}"
        if name in places
        else f"{name} {fault}"
        for faults in left_out.values()
        for name, fault in faults.items()
    ]
    if not problems:
        return manifests
    settings = (
        f"reduction_factor {reduction_factor} and moves_per_query "
        f"{moves_per_query}"
    )
    listed = "\n- ".join(problems)
    if not skip_bad_utterances:
        raise ValueError(
            f"{len(problems)} utterance(s) cannot be walked through at "
            f"{settings}:\n- {listed}\nLower reduction_factor, raise "
            "moves_per_query, mend text or recording, or give "
            "--skip_bad_utterances=True to leave such utterances out."
        )
    kept = {
        split: without(manifest, left_out[split])
        for split, manifest in manifests.items()
    }
    for split, manifest in kept.items():
        if not manifest:
            raise ValueError(
                f"The split {split} must hold at least one utterance that "
                f"fits its decoder steps; got {len(manifests[split])} that do "
                "not. Lower reduction_factor, raise moves_per_query, or give "
                "more utterances."
            )
    log = logger.warning if if_main_process() else logger.debug
    log(
        "Training goes without %d utterance(s) that cannot be walked through "
        "at %s:\n- %s",
        len(problems),
        settings,
        listed,
    )
    return kept


def _walk_fault(
    entry: Mapping[str, Any], reduction_factor: int, moves_per_query: int
) -> str | None:
    """Why a stepwise walk cannot speak an utterance to the end, if so."""
    steps = -(-entry["mel_length"] // reduction_factor)
    n_tokens = len(entry["tokens"])
    if steps * moves_per_query < n_tokens - 1:
        return f"has {n_tokens} tokens for {steps} decoder steps"
    return None
