"""Training that starts from a grapheme-to-phoneme model trained before."""

from typing import Iterable, Mapping, Sequence

from torch import nn

from sb_sma.data.corpus import raise_problems
from sb_sma.data.grapheme_tokenizer import GraphemeTokenizer
from sb_sma.data.phonemes import PhonemeTable
from sb_sma.inference.g2p import G2P
from sb_sma.training.checkpoints import list_other_shapes


def start_from(
    source: str,
    models: Sequence[nn.Module],
    tokenizer: GraphemeTokenizer,
    symbols: Iterable[str],
) -> PhonemeTable:
    """Take the weights, letters and phonemes of an exported model.

    Arguments
    ---------
    source : str
        The model's folder, or repository on a hub.
    models : sequence of nn.Module
        What is filled with its weights, in place.
    tokenizer : GraphemeTokenizer
        Becomes the model's.
    symbols : iterable of str
        Phonemes of the new corpus.

    Returns
    -------
    table : PhonemeTable
        The model's phonemes, and after them the new ones, which it has still
        to learn.

    Raises
    ------
    ValueError
        If there is no such model, or if it is of another architecture or kind
        of tokenizer.
    """
    initial = G2P.from_hparams(source=source)
    weights = initial.mods.model.state_dict()
    differing = list_other_shapes(weights, models[0], "there")
    if differing:
        raise ValueError(
            f"initial_model must be of the YAML's architecture; in {source}, "
            f"{len(differing)} parameters differ, such as {differing[0]}. Give "
            "the YAML and overrides that it was trained with."
        )
    tokenizer.restore(initial.hparams.grapheme_tokenizer.content(), source)
    for model in models:
        model.load_state_dict(weights)
    known = initial.hparams.phonemes.symbols
    return PhonemeTable([*known, *(s for s in symbols if s not in known)])


def check_readable(
    entries: Iterable[Mapping[str, str]], tokenizer: GraphemeTokenizer
) -> None:
    """Refuse training words that the initial model cannot read.

    Arguments
    ---------
    entries : iterable of mapping
        Each with ``word`` and ``language``.
    tokenizer : GraphemeTokenizer
        The initial model's.

    Raises
    ------
    ValueError
        If there are such words; some of them are listed.
    """
    problems = []
    for entry in entries:
        try:
            tokenizer.encode(entry["word"], entry["language"])
        except ValueError as error:
            problems.append(f"initial_model cannot read it: {error}")
    raise_problems(problems)
