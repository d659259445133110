"""From words to the indices that a grapheme-to-phoneme model reads.

A tokenizer is chosen by a YAML word, fitted on the training words, and saved
with the checkpoint, in one JSON file. The classes themselves load no PyTorch;
SpeechBrain is told here how they are saved.
"""

from typing import Annotated, Any

from speechbrain.utils.checkpoints import (
    mark_as_loader,
    mark_as_saver,
    register_checkpoint_hooks,
)

from sb_sma.data.lexicon.base_tokenizer import GraphemeTokenizer
from sb_sma.data.lexicon.character_tokenizer import CharacterTokenizer
from sb_sma.data.lexicon.hinted_tokenizer import HintedTokenizer
from sb_sma.data.lexicon.piece_tokenizer import SentencePieceTokenizer

mark_as_saver(GraphemeTokenizer.save)
mark_as_loader(GraphemeTokenizer.load)
register_checkpoint_hooks(GraphemeTokenizer)

TOKENIZERS: dict[str, type[GraphemeTokenizer]] = {
    tokenizer.kind: tokenizer
    for tokenizer in (
        CharacterTokenizer,
        SentencePieceTokenizer,
        HintedTokenizer,
    )
}


def make_grapheme_tokenizer(
    name: Annotated[str, TOKENIZERS],
    options: dict[str, dict[str, Any]] | None = None,
) -> GraphemeTokenizer:
    """Turn the YAML word into a tokenizer that is to be fitted.

    Arguments
    ---------
    name : str
        A name of `TOKENIZERS`.
    options : dict, optional
        Keyword arguments by name; only those of the chosen name are used.

    Returns
    -------
    GraphemeTokenizer
        The tokenizer.

    Raises
    ------
    ValueError
        If the name is unknown.

    Example
    -------
    >>> options = {"sentencepiece": {"model_type": "bpe", "vocab_size": 100}}
    >>> make_grapheme_tokenizer("sentencepiece", options).vocab_size
    100
    """
    if name not in TOKENIZERS:
        raise ValueError(
            f"The tokenizer must be one of {', '.join(TOKENIZERS)}; got "
            f"{name!r}."
        )
    return TOKENIZERS[name](**(options or {}).get(name, {}))
