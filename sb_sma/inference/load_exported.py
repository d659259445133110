"""The folder of an exported model, read by its format number.

A folder names the classes that it is built of as the packages of ``sb_sma``
hand them on, and never by the files that these stand in, so that files may
move. What older folders name is led to what stands in its place.
"""

import contextlib
import copy
import difflib
import importlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from hyperpyyaml import load_hyperpyyaml
from speechbrain.inference.interfaces import Pretrained
from speechbrain.utils.fetching import FetchConfig, LocalStrategy, fetch
from torch import nn

from sb_sma.inference.digests import check_digests, files_of
from sb_sma.inference.model_folder import (
    ModelFolderError,
    check_kind,
    check_model_folder,
)
from sb_sma.inference.weights import count_weights, find_weights
from sb_sma.model_size import limit_parameters
from sb_sma.safe_yaml import find_names, load_safely

FORMAT = 1
"""Of what is exported now."""

_MOVED_SINCE_FORMAT_0 = {
    "attention.compiled_walk": "ops.stepwise_monotonic.single_step",
    "attention.conformer": "attention.relative.conformer",
    "attention.forward_attention": "attention.monotonic.forward",
    "attention.reference": "attention.aligner.module",
    "attention.reference_legacy": "attention.aligner.public_form",
    "attention.reference_stepwise": "attention.aligner.stepwise",
    "attention.relative": "attention.relative.module",
    "attention.relative_positions": "attention.relative.positions",
    "attention.schedules": "training.schedules",
    "attention.speechbrain": "attention.registry",
    "attention.stay": "attention.staying",
    "attention.stepwise_monotonic": "attention.monotonic.stepwise",
    "attention.walks": "attention.monotonic.walks",
    "data.audio": "data.speech.recording.audio",
    "data.build_once": "data.corpus.build_once",
    "data.checks": "data.speech.reach",
    "data.cmudict": "data.lexicon.cmudict",
    "data.corpus": "data.speech.folder",
    "data.espeak": "data.espeak.voice",
    "data.espeak_library": "data.espeak.library",
    "data.frontends": "data.text.frontends",
    "data.grapheme_fallback": "data.spelling",
    "data.grapheme_tokenizer": "data.lexicon.base_tokenizer",
    "data.graphemes": "data.lexicon.tokenizers",
    "data.hinted_tokenizer": "data.lexicon.hinted_tokenizer",
    "data.journal": "data.speech.journal",
    "data.letter_alignment": "data.lexicon.letter_alignment",
    "data.lexicon": "data.lexicon.read",
    "data.lexicon_corpus": "data.lexicon.folder",
    "data.manifest": "data.speech.manifest.read",
    "data.mel": "data.speech.mel",
    "data.model_folder": "inference.model_folder",
    "data.normalize": "data.text.normalize",
    "data.phrases": "data.espeak.phrases",
    "data.pronounce": "data.text.pronounce",
    "data.sentencepiece_frontend": "data.text.sentencepiece",
    "data.speakers": "data.speech.speakers",
    "data.speech_corpus": "data.speech.prepare",
    "data.splicing": "data.lexicon.splicing",
    "data.splits": "data.speech.splits",
    "data.text": "data.tokens",
    "data.text_grammar": "data.espeak.text_grammar",
    "inference.frontends": "inference.frontend_registry",
    "inference.g2p": "inference.g2p.interface",
    "inference.g2p_analogy": "inference.g2p.analogy",
    "inference.g2p_batches": "inference.g2p.batches",
    "inference.g2p_combination": "inference.g2p.rescoring",
    "inference.g2p_frontend": "inference.g2p.frontend",
    "inference.g2p_likeness": "inference.g2p.likeness",
    "models.beam_search": "models.g2p.beam_search",
    "models.compiled_attention": "ops.single_query",
    "models.conformer": "models.encoder.conformer",
    "models.conformer_encoder": "models.encoder.conformer_encoder",
    "models.conformer_parts": "models.encoder.conformer_parts",
    "models.decoder_layer": "models.decoder.layer",
    "models.decoder_stack": "models.decoder.stack",
    "models.encoder": "models.encoder.transformer",
    "models.encoder_registry": "models.encoder.registry",
    "models.ensemble": "models.g2p.ensemble",
    "models.hypothesis": "models.g2p.hypothesis",
    "models.key_value_cache": "models.decoder.key_value_cache",
    "models.mel_decoder": "models.tts.mel_decoder",
    "models.rotary": "models.encoder.rotary",
    "models.self_attention": "models.decoder.self_attention",
    "models.stop_rule": "models.tts.stop_rule",
    "models.synthesis": "models.tts.synthesis",
    "models.token_decoder": "models.g2p.token_decoder",
    "models.transformer_g2p": "models.g2p.transformer_g2p",
    "models.transformer_tts": "models.tts.transformer_tts",
    "ops.stepwise_monotonic.memory": "ops.stepwise_monotonic.buffers",
    "ops.stepwise_monotonic.reference": "stepwise_monotonic",
    "plots.report": "training.reports.page",
    "training.averaging": "training.moving_average",
    "training.brain": "training.recovery.recoverable_brain",
    "training.checkpointer": "training.recovery.checkpointer",
    "training.checkpoints": "training.recovery.checkpoint_checks",
    "training.g2p_report": "training.reports.g2p",
    "training.random_state": "training.recovery.random_state",
    "training.run_report": "training.reports.shared",
    "training.samples": "training.sample_writer",
    "training.tts_report": "training.reports.tts",
}
"""Files of format 0, and where what they held stands now."""

_GONE = re.compile(r"^  pace: .*\n", re.MULTILINE)
"""What `DecodingOptions` took once, and every text was told anew."""

_KEY = re.compile(r"^([^\s#'\"{&][^\s:]*)\s*:(?:\s|$)", re.MULTILINE)
"""Of the top level."""
_LONGEST_NAME = 100

_NAME = re.compile(r"(!(?:new|apply|name):sb_sma\.)([\w.]+)\.(\w+)")


class ExportedModel(Pretrained):
    """What is loaded from a folder that a training run exported.

    Arguments
    ---------
    *args, **kwargs
        Those of ``speechbrain.inference.interfaces.Pretrained``; use
        ``from_hparams``.
    """

    NAMES_ALLOWED: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    """What a folder may name, if it is not trusted."""

    KINDS_NEEDED: ClassVar[Mapping[str, type]] = {}
    """What the parts of a folder are, if it is not trusted."""

    @classmethod
    def _check_parts(
        cls, modules: Any, hparams: Mapping[str, Any], trusted: bool
    ) -> None:
        """Refuse parts that are missing, or are something else."""
        needed = dict.fromkeys(cls.HPARAMS_NEEDED, object)
        if not trusted:
            needed.update(cls.KINDS_NEEDED)
        for place, values, kinds in (
            ("modules", modules, dict.fromkeys(cls.MODULES_NEEDED, nn.Module)),
            ("the YAML file", hparams, needed),
        ):
            for name, kind in kinds.items():
                if not isinstance(values, Mapping) or name not in values:
                    raise ValueError(f"{place} must have {name}.")
                if not isinstance(values[name], kind):
                    raise ValueError(
                        f"{name} of {place} must be a {kind.__name__}; got "
                        f"{values[name]!r:.80}."
                    )

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
        trusted: bool | Collection[str] = False,
        **kwargs,
    ) -> Any:
        """Load an exported model, of this format or an older one.

        Nothing of the folder is run: its YAML may name what exported models
        are built of, and nothing else.

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
        trusted : bool or collection of str
            Whether the YAML may name, and run, anything, such as modules of
            your own; or which names it may besides ours.
        **kwargs
            Those of ``speechbrain.inference.interfaces.Pretrained``.

        Returns
        -------
        model : ExportedModel
            Ready to use; None if `download_only`.

        Raises
        ------
        ModelFolderError
            A ValueError; if the folder is damaged, or names what would run
            code of its own.
        ValueError
            If `source` is a path at which there is no exported model, or one
            of a newer version or of another kind, or an argument is of another type.
        """
        check_model_folder(source)
        overrides = _as_overrides(overrides)
        how = {"local_strategy": local_strategy, "fetch_config": fetch_config}
        own = [trusted] if isinstance(trusted, str) else trusted
        allowed = cls.NAMES_ALLOWED
        if not isinstance(own, bool):
            allowed = {**allowed, **find_names(own)}
        text = read_exported_yaml(source, hparams_file, savedir=savedir, **how)
        check_kind(_KEY.findall(text), cls.HPARAMS_NEEDED, source)
        if overrides_must_match:
            _check_overrides(overrides, text, source)
        with _told(source):
            path = Path(str(source)) / hparams_file
            if trusted is True:
                hparams = load_hyperpyyaml(
                    text, overrides, overrides_must_match
                )
            else:
                weights = find_weights(source, savedir=savedir, **how)
                with limit_parameters(count_weights(weights)):
                    hparams = load_safely(
                        text, path, allowed, overrides, overrides_must_match
                    )
            is_folder = (
                isinstance(source, (str, Path)) and Path(source).is_dir()
            )
            if is_folder:
                check_digests(source, files_of(Path(source)), hparams)
            hparams["savedir"], hparams["source"] = savedir, source
            pretrainer = hparams["pretrainer"]
            pretrainer.set_collect_in(savedir)
            collected = pretrainer.collect_files(default_source=source, **how)
            if not is_folder:
                check_digests(source, pretrainer.named(collected), hparams)
            if download_only:
                return None
            pretrainer.load_collected()
            hparams["trusted"] = trusted
            modules = hparams["modules"]
            cls._check_parts(modules, hparams, trusted is True)
        model = cls(modules, hparams, **kwargs)
        if trusted is not True:
            with _told(source), copy.deepcopy(model.inference_ctx):
                model.try_out()
        return model

    def try_out(self) -> None:
        """Use the model once: parts that do not fit raise, and not later."""


def _as_overrides(overrides: Any) -> dict[str, Any] | str:
    """Refuse what are no keys and values."""
    if isinstance(overrides, str):
        return read_format(overrides, "overrides")
    if overrides is None:
        return {}
    if not isinstance(overrides, Mapping):
        raise ValueError(
            "overrides must be a dict of keys of the YAML, or YAML as a text; "
            f"got {overrides!r:.80}."
        )
    return overrides


def _check_overrides(
    overrides: Mapping[str, Any] | str, text: str, source: Any
) -> None:
    """Refuse keys that a YAML does not have: they are the caller's mistake."""
    known = _KEY.findall(text)
    given = _KEY.findall(overrides) if isinstance(overrides, str) else overrides
    for name in given:
        if name in known or not isinstance(name, str):
            continue
        near = difflib.get_close_matches(name[:_LONGEST_NAME], known)
        hint = f" Closest known names: {', '.join(near)}." if near else ""
        raise ValueError(
            f"overrides must be of keys that the YAML of {source} has; got "
            f"{name!r:.200}.{hint} Correct it, or give "
            "overrides_must_match=False."
        )


@contextlib.contextmanager
def _told(source: Any) -> Iterator[None]:
    """Give what a damaged folder raises the folder's name, and a remedy."""
    try:
        yield
    except ModelFolderError:
        raise
    # of a folder that is whole, and of a hub that cannot be reached
    except (OSError, ImportError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        told = " ".join(str(error).split())
        if not isinstance(error, ValueError):
            told = f"{type(error).__name__}: {told}"
        where = "" if str(source) in told else f"{source}: "
        if "again" not in told and "trusted=True" not in told:
            told = told.rstrip(".")
            told += ". Copy the folder or export the model again."
        raise ModelFolderError(f"{where}{told}") from error


def read_exported_yaml(
    source: str, hparams_file: str = "hyperparams.yaml", **how: Any
) -> str:
    """Read what an exported model is built of.

    Arguments
    ---------
    source : str
        Folder, or repository on a hub.
    hparams_file : str
        The file that names it.
    **how : object
        Of ``speechbrain.utils.fetching.fetch``.

    Returns
    -------
    text : str
        YAML, in the format of now.

    Raises
    ------
    ValueError
        If the format is newer.
    """
    path = fetch(hparams_file, source, **how)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelFolderError(
            f"{path} must be UTF-8; got {error}. Copy the folder or export the "
            "model again."
        ) from error
    return read_format(text, str(source))


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
    'table: !new:sb_sma.data.tokens.TokenTable'
    """
    found = re.search(r"^format: (\d+)$", text, re.MULTILINE)
    if found and int(found[1]) > FORMAT:
        raise ValueError(
            f"{source} has the format {found[1]}, this version of sb_sma "
            f"reads up to {FORMAT}. Install a newer one: pip install -U sb_sma"
        )
    # whatever of format 1 is handed on by a package is not in a moved file
    return _NAME.sub(_lead_on, _GONE.sub("", text))


def _lead_on(name: re.Match[str]) -> str:
    """Give the place of now of a class or function."""
    start, module, rest = name.groups()
    return f"{start}{_MOVED_SINCE_FORMAT_0.get(module, module)}.{rest}"


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
    # a class of somebody else's stands where they put it
    where = package if handed_on is kind else kind.__module__
    return f"{where}.{kind.__qualname__}"
