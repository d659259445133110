"""Which grapheme-to-phoneme models can be asked together, and how."""

from typing import Any, List, Sequence

from torch import nn

# a rare phoneme may be missing in one of two lexicons in the same notation
_LEAST_SHARE_IN_COMMON = 0.9


def members_of(g2p: Any) -> List[nn.Module]:
    """List the models that answer as one.

    Arguments
    ---------
    g2p : G2P
        One model, or several that were joined.

    Returns
    -------
    members : list of nn.Module
        The model itself, or each of them.
    """
    return list(getattr(g2p.mods.model, "models", [g2p.mods.model]))


def find_differences(first: Any, second: Any) -> List[str]:
    """Say why two models cannot be joined.

    Arguments
    ---------
    first : G2P
        A model.
    second : G2P
        Another one.

    Returns
    -------
    differences : list of str
        In what they read or say words differently; empty if in nothing.
    """
    found = []
    for table in ("grapheme_tokenizer", "phonemes"):
        own, its = (
            getattr(g2p.hparams, table).symbols for g2p in (first, second)
        )
        different = sorted({*own} ^ {*its})
        if different:
            found.append(
                f"{table}: {len(own)} and {len(its)} symbols, of which one "
                f"model lacks {', '.join(different[:5])}"
            )
        elif own != its:
            found.append(f"the order of {table}")
    if found:
        return found
    own, its = (
        g2p.hparams.grapheme_tokenizer.content() for g2p in (first, second)
    )
    found = [key for key in own if own[key] != its.get(key)]
    for part, name in (("encoder", "n_graphemes"), ("decoder", "n_phonemes")):
        own, its = (
            getattr(members_of(g2p)[0], part).embedding.num_embeddings
            for g2p in (first, second)
        )
        if own != its:
            found.append(f"{name}: {own} and {its}")
    return found


def check_notation(models: Sequence[Any]) -> None:
    """Refuse models that write phonemes differently.

    Arguments
    ---------
    models : sequence of G2P
        What is to be combined.

    Raises
    ------
    ValueError
        If two of them have few phonemes in common.
    """
    tables = [{*g2p.hparams.phonemes.symbols} for g2p in models]
    for number, table in enumerate(tables, start=1):
        smaller, larger = sorted((tables[0], table), key=len)
        missing = sorted(smaller - larger)
        if len(missing) > (1 - _LEAST_SHARE_IN_COMMON) * len(smaller):
            raise ValueError(
                "models that are combined must write phonemes alike; of the "
                f"{len(smaller)} of one, model {number} and model 1 do not "
                f"share {', '.join(missing[:5])}{' ...' * (len(missing) > 5)}. "
                "Take models of lexicons in one notation."
            )
