"""What is wrong with a manifest, found before training starts."""

from typing import Any, Dict, List, Optional, Sized


def check_manifest(
    manifest: Dict[str, Dict[str, Any]],
    reduction_factor: int,
    moves_per_query: Optional[int] = None,
) -> None:
    """Refuse utterances that a stepwise walk cannot speak to the end.

    Arguments
    ---------
    manifest : dict
        Utterance name to its entry, as in ``train.json``.
    reduction_factor : int
        Mel frames per decoder step.
    moves_per_query : int, optional
        Most tokens that the attention passes per decoder step. Default: no
        limit, as with softmax.

    Raises
    ------
    ValueError
        If an utterance has too many tokens for its decoder steps.

    Example
    -------
    >>> entry = {"tokens": list("abcdefghijkl"), "mel_length": 40}
    >>> check_manifest({"u1": entry}, reduction_factor=4)
    >>> check_manifest({"u1": entry}, reduction_factor=4, moves_per_query=1)
    Traceback (most recent call last):
    ...
    ValueError: 1 utterance cannot be walked through at reduction_factor 4 and moves_per_query 1: u1 (12 tokens in 10 steps). Lower reduction_factor or raise moves_per_query.
    """
    if moves_per_query is None:
        return
    unreachable = []
    for name, entry in manifest.items():
        steps = -(-entry["mel_length"] // reduction_factor)
        n_tokens = len(entry["tokens"])
        if steps * moves_per_query < n_tokens - 1:
            unreachable.append(f"{name} ({n_tokens} tokens in {steps} steps)")
    if unreachable:
        count = len(unreachable)
        raise ValueError(
            f"{count} utterance{'s' if count > 1 else ''} cannot be walked "
            f"through at reduction_factor {reduction_factor} and "
            f"moves_per_query {moves_per_query}: {_abridged(unreachable)}. "
            "Lower reduction_factor or raise moves_per_query."
        )


def check_token_room(
    table: Sized, n_tokens: int, key: str = "n_tokens"
) -> None:
    """Refuse a token table that does not fit into the model's.

    Arguments
    ---------
    table : Sized
        The tokens of the corpus, padding and the like included.
    n_tokens : int
        Rows of the model's embedding.
    key : str
        Where the YAML gives this number.

    Raises
    ------
    ValueError
        If there are more tokens than rows.

    Example
    -------
    >>> check_token_room(["<pad>", "<unk>", "a", "b"], n_tokens=128)
    """
    if len(table) > n_tokens:
        raise ValueError(
            f"The corpus has {len(table)} tokens, the model room for "
            f"{n_tokens}. Give {key}: {len(table)} or more in the YAML."
        )


def _abridged(problems: List[str], n_shown: int = 10) -> str:
    """The first problems, and how many more there are."""
    shown = ", ".join(problems[:n_shown])
    n_more = len(problems) - n_shown
    return f"{shown}, and {n_more} more" if n_more > 0 else shown
