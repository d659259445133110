"""Training that starts from a grapheme-to-phoneme model trained before."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sb_sma.data.lexicon.base_tokenizer import GraphemeTokenizer
from sb_sma.data.phonemes import PhonemeTable
from sb_sma.data.problems import raise_problems
from sb_sma.inference.export import G2P_SETTINGS
from sb_sma.inference.g2p.interface import G2P
from sb_sma.models import TransformerG2P
from sb_sma.training.initial_model import (
    digest,
    load_exported,
    refuse_differing,
)

_MAY_DIFFER = ("dropout",)


def load_initial_model(source: str, model: TransformerG2P | None = None) -> G2P:
    """Load the exported model that a training starts from.

    Arguments
    ---------
    source : str
        Its folder, or a repository on a hub.
    model : TransformerG2P, optional
        Of this run, whose classes the trained one may name, too.

    Returns
    -------
    initial : G2P
        On the CPU.

    Raises
    ------
    ValueError
        If there is no such model.
    """
    initial, _ = load_exported(source, G2P, model)
    return initial


def start_from(
    initial: G2P,
    model: TransformerG2P,
    settings: Mapping[str, Any],
    tokenizer: GraphemeTokenizer,
    symbols: Iterable[str],
) -> PhonemeTable:
    """Take the weights, letters and phonemes of a trained model.

    Arguments
    ---------
    initial : G2P
        The trained model.
    model : TransformerG2P
        Filled in place.
    settings : mapping
        What the YAML says that the model is built from; of it, `G2P_SETTINGS`
        are compared.
    tokenizer : GraphemeTokenizer
        Becomes that of the trained model.
    symbols : iterable of str
        Phonemes of the new corpus.

    Returns
    -------
    table : PhonemeTable
        The trained model's phonemes, and after them the new ones, which are
        still to be learnt.

    Raises
    ------
    ValueError
        If the YAML has other settings than the trained model, or the model has
        no room for the new phonemes.
    """
    theirs = _settings(
        vars(initial.hparams), initial.hparams.grapheme_tokenizer
    )
    ours = _settings(settings, tokenizer)
    refuse_differing(theirs, ours)
    known = initial.hparams.phonemes
    new = [symbol for symbol in symbols if symbol not in known]
    room = model.decoder.embedding.num_embeddings
    if len(known) + len(new) > room:
        raise ValueError(
            f"initial_model has room for {room - len(known)} more phonemes; the "
            f"corpus has {len(new)} that it lacks, such as {', '.join(new[:5])}."
            " Train a model with a larger n_phonemes first."
        )
    tokenizer.restore(
        initial.hparams.grapheme_tokenizer.content(), "initial_model"
    )
    model.load_state_dict(initial.mods.model.state_dict())
    return PhonemeTable([*known.symbols, *new], known.backwards)


def check_readable(
    entries: Collection[Mapping[str, Any]], tokenizer: GraphemeTokenizer
) -> None:
    """Refuse training words that the initial model cannot read.

    Arguments
    ---------
    entries : collection of mapping
        Each with ``word`` and ``language``.
    tokenizer : GraphemeTokenizer
        The initial model's.

    Raises
    ------
    ValueError
        If there are such words, some of which are listed, or the model lacks
        their language.
    """
    known = tokenizer.languages
    languages = {entry["language"] for entry in entries} - {*known}
    if len(known) < 2:  # it is not told the language
        languages.discard(None)
    if languages:
        raise ValueError(
            "initial_model must know the language of every training word; it "
            f"knows {', '.join(known) or 'of no language'}; got "
            f"{', '.join(sorted(map(str, languages)))}. Give words of what it "
            "knows, or another model."
        )
    problems = []
    for entry in entries:
        try:
            tokenizer.encode(entry["word"], entry["language"])
        except ValueError as error:
            problems.append(f"initial_model cannot read it: {error}")
    raise_problems(problems)


def identify(initial: G2P) -> str:
    """Tell models apart by all that training takes from them.

    Arguments
    ---------
    initial : G2P
        A trained model.

    Returns
    -------
    digest : str
        Begin of the SHA-256 of weights, letters and phonemes.
    """
    tables = [
        initial.hparams.grapheme_tokenizer.symbols,
        initial.hparams.phonemes.symbols,
    ]
    return digest(initial.mods.model, tables)


def _settings(
    given: Mapping[str, Any], tokenizer: GraphemeTokenizer
) -> dict[str, Any]:
    """Return what the weights mean nothing without."""
    settings = {"graphemes": tokenizer.kind, **vars(tokenizer)}
    settings |= {key: given[key] for key in G2P_SETTINGS if key in given}
    plain = {}
    for name, value in settings.items():
        value = getattr(value, "func", value)  # of `!name:` in the YAML
        value = getattr(value, "__qualname__", value)
        is_plain = isinstance(value, (str, int, float, type(None)))
        if is_plain and name not in _MAY_DIFFER and not name.startswith("_"):
            plain[name] = value
    return plain
