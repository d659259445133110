"""The folder of an exported model, read by its format number.

A folder names the classes that it is built of as the packages of ``sb_sma``
hand them on, and never by the files that these stand in, so that files may
move. What older folders name is led to what stands in its place.
"""

import importlib
import re
from typing import Any

from hyperpyyaml import load_hyperpyyaml
from speechbrain.inference.interfaces import Pretrained
from speechbrain.utils.fetching import FetchConfig, LocalStrategy, fetch

from sb_sma.inference.model_folder import check_model_folder

FORMAT = 1
"""Of what is exported now."""

_NAMES_OF_FORMAT_0 = {
    "attention.decoding.DecodingOptions": "attention.DecodingOptions",
    "data.espeak.VoiceSettings": "data.VoiceSettings",
    "data.frontends.CharacterFrontend": "data.CharacterFrontend",
    "data.frontends.EspeakFrontend": "data.EspeakFrontend",
    "data.graphemes.make_grapheme_tokenizer": "data.make_grapheme_tokenizer",
    "data.mel.MelSettings": "data.MelSettings",
    "data.phonemes.PhonemeTable": "data.PhonemeTable",
    "data.sentencepiece_frontend.SentencePieceFrontend": (
        "data.SentencePieceFrontend"
    ),
    "data.speakers.SpeakerTable": "data.SpeakerTable",
    "data.text.TokenTable": "data.TokenTable",
    "inference.g2p_frontend.G2PFrontend": "inference.G2PFrontend",
    "inference.weights.SafetensorsPretrainer": (
        "inference.SafetensorsPretrainer"
    ),
    "models.convolution.MaskedConvStack": "models.MaskedConvStack",
    "models.encoder_registry.make_text_encoder": "models.make_text_encoder",
    "models.hypothesis.BeamSettings": "models.BeamSettings",
    "models.mel_decoder.MelDecoder": "models.MelDecoder",
    "models.stop_rule.StopRule": "models.StopRule",
    "models.token_decoder.TokenDecoder": "models.TokenDecoder",
    "models.transformer_g2p.TransformerG2P": "models.TransformerG2P",
    "models.transformer_tts.TransformerTTS": "models.TransformerTTS",
}
_NAME = re.compile(r"(!(?:new|apply|name):sb_sma\.)([\w.]+)")


class ExportedModel(Pretrained):
    """What is loaded from a folder that a training run exported.

    Arguments
    ---------
    *args, **kwargs
        Those of ``speechbrain.inference.interfaces.Pretrained``; use
        ``from_hparams``.
    """

    @classmethod
    def from_hparams(
        cls,
        source: str,
        hparams_file: str = "hyperparams.yaml",
        overrides: Any = {},
        overrides_must_match: bool = True,
        savedir: Any = None,
        download_only: bool = False,
        local_strategy: LocalStrategy = LocalStrategy.SYMLINK,
        fetch_config: FetchConfig = FetchConfig(),
        **kwargs,
    ) -> Any:
        """Load an exported model, of this format or an older one.

        Arguments
        ---------
        source : str
            Folder, or repository on a hub; a folder if the model reads by
            frontend: g2p or sentencepiece.
        hparams_file : str
            The file that names what the model is built of.
        overrides : dict
            Keys of this file with other values.
        overrides_must_match : bool
            Whether each of them has to be in the file.
        savedir : str or Path, optional
            Where what a hub sends is kept. Default: the hub's cache.
        download_only : bool
            Whether the model is only fetched.
        local_strategy : LocalStrategy
            Of ``speechbrain.utils.fetching.fetch``.
        fetch_config : FetchConfig
            Of ``speechbrain.utils.fetching.fetch``.
        **kwargs
            Those of ``speechbrain.inference.interfaces.Pretrained``.

        Returns
        -------
        model : ExportedModel
            Ready to use; None if `download_only`.

        Raises
        ------
        ValueError
            If `source` is a path at which there is no exported model, or one
            of a newer version.
        """
        check_model_folder(source)
        how = {"local_strategy": local_strategy, "fetch_config": fetch_config}
        path = fetch(hparams_file, source, savedir=savedir, **how)
        with open(path, encoding="utf-8") as stream:
            text = read_format(stream.read(), str(source))
        hparams = load_hyperpyyaml(text, overrides, overrides_must_match)
        hparams["savedir"] = savedir
        pretrainer = hparams["pretrainer"]
        pretrainer.set_collect_in(savedir)
        pretrainer.collect_files(default_source=source, **how)
        if download_only:
            return None
        pretrainer.load_collected()
        return cls(hparams["modules"], hparams, **kwargs)


def read_format(text: str, source: str) -> str:
    """Put an exported YAML into the format of now.

    Arguments
    ---------
    text : str
        Of any format up to now.
    source : str
        Where it comes from, for the error.

    Returns
    -------
    text : str
        With the names of now.

    Raises
    ------
    ValueError
        If the format is newer.

    Example
    -------
    >>> read_format("table: !new:sb_sma.data.text.TokenTable", "model")
    'table: !new:sb_sma.data.TokenTable'
    """
    found = re.search(r"^format: (\d+)$", text, re.MULTILINE)
    if found and int(found[1]) > FORMAT:
        raise ValueError(
            f"{source} has the format {found[1]}, this version of sb_sma "
            f"reads up to {FORMAT}. Install a newer one: pip install -U sb_sma"
        )
    return _NAME.sub(
        lambda name: name[1] + _NAMES_OF_FORMAT_0.get(name[2], name[2]), text
    )


def public_name(kind: type) -> str:
    """Return the name by which a package hands a class on.

    Arguments
    ---------
    kind : type
        A class of ``sb_sma``.

    Returns
    -------
    name : str
        For ``!new:``.

    Example
    -------
    >>> from sb_sma.data.tokens import TokenTable
    >>> public_name(TokenTable)
    'sb_sma.data.TokenTable'
    """
    package = ".".join(kind.__module__.split(".")[:2])
    handed_on = getattr(importlib.import_module(package), kind.__name__, None)
    assert handed_on is kind, f"{package}/__init__.pyi lacks {kind.__name__}"
    return f"{package}.{kind.__name__}"
