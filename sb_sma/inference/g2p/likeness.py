"""Which grapheme-to-phoneme models can be asked together, and how."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

# a rare phoneme may be missing in one of two lexicons in the same notation
_LEAST_SHARE_IN_COMMON = 0.9


def members_of(g2p: Any) -> list[nn.Module]:
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


def find_differences(first: Any, second: Any) -> list[str]:
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


def check_notation(tables: Mapping[str, Collection[str]]) -> None:
    """Refuse what writes phonemes differently.

    Arguments
    ---------
    tables : mapping from str to collection of str
        Phonemes of each that is to be combined, by its name.

    Raises
    ------
    ValueError
        If one has few phonemes in common with the first.
    """
    (first, own), *others = tables.items()
    for name, its in others:
        smaller, larger = sorted(({*own}, {*its}), key=len)
        missing = sorted(smaller - larger)
        if len(missing) > (1 - _LEAST_SHARE_IN_COMMON) * len(smaller):
            raise ValueError(
                "what is combined must write phonemes alike; of the "
                f"{len(smaller)} of one, {name} and {first} do not share "
                f"{', '.join(missing[:5])}{' ...' * (len(missing) > 5)}. Take "
                "models and lexicons in one notation."
            )
