"""Writes a trained model as a folder of its own."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.tag import Tag
from torch import nn

from sb_sma.data.corpus.build_once import put_in_place
from sb_sma.data.lexicon.tokenizers import GraphemeTokenizer
from sb_sma.data.phonemes import PhonemeTable
from sb_sma.data.speech.speakers import SpeakerTable
from sb_sma.data.text.frontends import Frontend
from sb_sma.data.tokens import TokenTable
from sb_sma.inference.digests import KEY, digests_of
from sb_sma.inference.load_exported import FORMAT, public_name
from sb_sma.inference.token_seconds import TokenSeconds
from sb_sma.inference.vocoder import export_vocoder
from sb_sma.inference.weights import (
    JSON_SUFFIX,
    SUFFIX,
    SafetensorsPretrainer,
    save_weights,
)
from sb_sma.models.g2p.hypothesis import BeamSettings

G2P_SETTINGS = (
    *("n_graphemes", "n_phonemes", "d_model", "nhead", "d_ffn", "dropout"),
    *("encoder_type", "encoder_layers", "encoder_attention_type"),
    *("encoder_prenet_layers", "encoder_prenet_kernel_size"),
    *("conformer_kernel_size", "decoder_layers", "decoder_window"),
    *("attention_type", "moves_per_query", "monotonic_heads"),
)
"""Keys of the YAML that fine-tuning compares; the weights fit to these."""

_BEGIN = "Made by sb_sma"
_HEADER = f"""{_BEGIN}. Load it with
sb_sma.inference.{{}}.from_hparams(source=THIS_FOLDER)"""


def export_tts(
    folder: str | Path,
    resolved_yaml: str,
    model: nn.Module,
    symbols: Sequence[str],
    frontend: Frontend,
    settings: dict[str, Any],
    speakers: Sequence[str] = (),
) -> None:
    """Write everything that speaking needs; the folder can be moved.

    Arguments
    ---------
    folder : str or Path
        Replaced if it is there.
    resolved_yaml : str
        The training YAML, includes and references resolved (by
        ``hyperpyyaml.resolve_references``); its ``models`` part and its
        vocoder are kept, with a copy of the vocoder's folder.
    model : nn.Module
        The model with its trained weights.
    symbols : sequence of str
        The token table.
    frontend : Frontend
        What turns texts into tokens; its files are copied.
    settings : dict
        Numbers of the features and the stop rule: each value is a plain
        number, or a (class, keyword arguments) pair.
    speakers : sequence of str
        The speaker table; none for a model without speakers.
    """
    tokens = (TokenTable, {"symbols": list(symbols)})
    resolved = YAML().load(resolved_yaml)
    with _replaced(Path(folder)) as building:
        save_weights(model, building / f"model{SUFFIX}")
        content = _model_part(resolved["models"], "TTS", {})
        settings = {
            "frontend": frontend.export(building),
            **settings,
            **export_vocoder(resolved, building),
        }
        if speakers:
            names = {"names": list(speakers)}
            settings["speaker_table"] = (SpeakerTable, names)
        _write_yaml(building, content, {"tokens": tokens, **settings})


def export_g2p(
    folder: str | Path,
    resolved_yaml: str,
    model: nn.Module,
    grapheme_tokenizer: GraphemeTokenizer,
    phonemes: PhonemeTable,
    beam_settings: BeamSettings,
) -> None:
    """Write everything that pronouncing needs; the folder can be moved.

    Arguments
    ---------
    folder : str or Path
        Replaced if it is there.
    resolved_yaml : str
        The training YAML, includes and references resolved (by
        ``hyperpyyaml.resolve_references``); its ``models`` and
        ``grapheme_tokenizer`` parts are kept.
    model : nn.Module
        The model with its trained weights.
    grapheme_tokenizer : GraphemeTokenizer
        Fitted.
    phonemes : PhonemeTable
        What the model says.
    beam_settings : BeamSettings
        How words are decoded.
    """
    with _replaced(Path(folder)) as building:
        save_weights(model, building / f"model{SUFFIX}")
        grapheme_tokenizer.save(building / f"graphemes{JSON_SUFFIX}")
        resolved = YAML().load(resolved_yaml)
        tokenizer = resolved["grapheme_tokenizer"]
        content = CommentedMap(
            {key: resolved[key] for key in G2P_SETTINGS if key in resolved}
        )
        content.update(resolved["models"])
        content = _model_part(content, "G2P", {"graphemes": tokenizer})
        content["grapheme_tokenizer"] = tokenizer
        table = (
            PhonemeTable,
            {"symbols": phonemes.symbols, "backwards": phonemes.backwards},
        )
        _write_yaml(
            building,
            content,
            {"phonemes": table, "beam_settings": _as_node(beam_settings)},
        )


def refuse_foreign(folder: str | Path) -> None:
    """Refuse to put a model where something else is.

    Arguments
    ---------
    folder : str or Path
        Where a model will be exported to.

    Raises
    ------
    ValueError
        If it holds anything but an exported model.

    Example
    -------
    >>> folder = getfixture("tmp_path") / "model"
    >>> refuse_foreign(folder)
    >>> folder.mkdir()
    >>> refuse_foreign(folder)
    >>> (folder / "notes.txt").touch()
    >>> refuse_foreign(folder)
    Traceback (most recent call last):
    ...
    ValueError: ...
    """
    folder = Path(folder)
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    with contextlib.suppress(OSError, ValueError):
        text = (folder / "hyperparams.yaml").read_text(encoding="utf-8")
        if text.startswith(f"# {_BEGIN}"):
            return
    raise ValueError(
        f"The model will be exported to {folder}, which must be absent, empty "
        "or a model that a training run exported; got something else. Move "
        "it, or give another --output_folder."
    )


def speaking_settings(
    hparams: Mapping[str, Any],
    attempts: int = 1,
    usual_seconds: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, Any]:
    """Collect what the exported YAML needs besides the model.

    Arguments
    ---------
    hparams : mapping
        The loaded training YAML.
    attempts : int
        How often a passage is spoken at most.
    usual_seconds : dict of str to list of float, optional
        What `TokenSeconds` takes; without it, nothing is spoken again.

    Returns
    -------
    settings : dict
        For `export_tts`.
    """
    settings = {
        "attempts": attempts,
        "griffin_lim_iterations": hparams["griffin_lim_iterations"],
        "mel_settings": _as_node(hparams["mel_settings"]),
        "decoding": _as_node(hparams["decoding"]),
        "stop_rule": _as_node(hparams["stop_rule"]),
    }
    if usual_seconds is not None:
        rows = {name: _in_a_row(row) for name, row in usual_seconds.items()}
        settings["usual_seconds"] = (TokenSeconds, {"by_token": rows})
    return settings


def _in_a_row(numbers: Sequence[float]) -> CommentedSeq:
    """Let numbers be written beside each other."""
    row = CommentedSeq(numbers)
    row.fa.set_flow_style()
    return row


def _as_node(settings: Any) -> tuple[type, dict[str, Any]]:
    """Return class and keyword arguments of a dataclass."""
    return type(settings), asdict(settings)


@contextlib.contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """Give a new folder that takes another's place when it is complete.

    A link goes on leading where it leads to, and the new one is there.
    """
    folder = folder.resolve()
    building = folder.with_name(f".{folder.name}.building")
    if building.exists():  # of a run that was interrupted
        shutil.rmtree(building)
    building.mkdir(parents=True)
    yield building
    put_in_place(building, folder)


def _model_part(
    content: CommentedMap, user: str, tokenizers: dict[str, Any]
) -> CommentedMap:
    """Return the model's part of the YAML, and what fills it."""
    content.insert(0, "format", FORMAT)
    content.yaml_set_start_comment(_HEADER.format(user))
    content["modules"] = {"model": content["model"]}
    filled = {"loadables": {"model": content["model"]}}
    if tokenizers:
        filled["tokenizers"] = tokenizers
    content["pretrainer"] = _new(SafetensorsPretrainer, filled)
    return content


def _write_yaml(
    folder: Path, content: CommentedMap, settings: dict[str, Any]
) -> None:
    """Write hyperparams.yaml, settings after what is there."""
    for name, value in settings.items():
        content[name] = _as_yaml(value)
    content[KEY] = digests_of(folder)
    with open(folder / "hyperparams.yaml", "w", encoding="utf-8") as stream:
        YAML().dump(content, stream)


def _as_yaml(value: Any) -> Any:
    return _new(*value) if isinstance(value, tuple) else value


def _new(kind: type, arguments: dict[str, Any]) -> CommentedMap:
    """Return a ``!new:`` node."""
    node = CommentedMap(
        {name: _as_yaml(value) for name, value in arguments.items()}
    )
    node.yaml_set_ctag(Tag(suffix=f"!new:{public_name(kind)}"))
    return node
