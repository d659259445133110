"""Training that starts from a text-to-speech model trained before.

A symbol or a speaker that the trained model knows keeps its row of the table,
and those that it lacks get rows after them. Its mel statistics stay, too, since
its weights hear and say mels in them; so does the speed of its walk.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from sb_sma.data.speech.speakers import SpeakerTable
from sb_sma.data.text.frontends import Frontend
from sb_sma.data.tokens import TokenTable
from sb_sma.inference import TTS
from sb_sma.models.tts.transformer_tts import TransformerTTS
from sb_sma.training.initial_model import (
    ABSENT,
    digest,
    load_exported,
    refuse_differing,
)

logger = logging.getLogger(__name__)

_MAY_DIFFER = {
    *("dropout", "prenet_dropout", "postnet_dropout"),
    *("n_tokens", "speakers"),
    *("refiner_crop_frames", "refiner_steps", "refiner_temperature"),
}
# of the YAML, where the model calls them otherwise
_PARTS = {
    "cross_attention": "decoder",
    "style_conditioning": "style",
    "speaker_conditioning": "speakers",
}
# tables with room, whose rows are taken one by one
_TABLES = {"encoder.embedding.weight", "speakers.table.weight"}

Path = tuple[str, ...]


class InitialVoice:
    """A trained model that another training starts from.

    Arguments
    ---------
    source : str
        The folder that a run exported, or a repository on a hub.
    model : TransformerTTS, optional
        Of this run, whose classes the trained one may name, too.

    Raises
    ------
    ValueError
        If there is no such model.
    """

    def __init__(self, source: str, model: TransformerTTS | None = None):
        self.tts, self._settings = load_exported(source, TTS, model)
        self.symbols: list[str] = self.tts.hparams.tokens.symbols
        self.speakers = self.tts.speakers
        self._model: TransformerTTS = self.tts.mods.model

    @property
    def identity(self) -> str:
        """What tells it from others: weights, symbols and speakers."""
        return digest(self._model, [self.symbols, self.speakers])

    def lacking_parts(self, model: TransformerTTS) -> list[str]:
        """Name the parts that a model has beyond the trained one.

        Arguments
        ---------
        model : TransformerTTS
            Of this run.

        Returns
        -------
        parts : list of str
            They start untrained.
        """
        return [part for part in _parts(model) if part not in self._parts]

    def check(
        self, hparams: Mapping[str, Any], keys: Mapping[Path, str]
    ) -> None:
        """Refuse a run that the weights do not fit.

        Arguments
        ---------
        hparams : mapping
            The loaded YAML of the recipe.
        keys : mapping
            Of which key of the YAML each argument of its ``models`` is, by the
            keys that lead to the argument.

        Raises
        ------
        ValueError
            If a setting, a shape or the front end is another, or the run has
            no speakers or styles, and the trained model has.
        """
        model = hparams["models"]["model"]
        for part, remedy in (
            ("speakers", f"--speakers={len(self.speakers)} or more"),
            ("style", "--style=gst"),
        ):
            if part in self._parts and part not in _parts(model):
                raise ValueError(
                    f"initial_model has learnt to speak with a part that this "
                    f"run lacks; got {part}: {hparams[part]}. Give {remedy}."
                )
        if hparams["frames_per_token"] is not None:
            raise ValueError(
                "frames_per_token must be null with initial_model, which has "
                "learnt how fast to walk; got "
                f"{hparams['frames_per_token']}. Leave it out."
            )
        theirs, ours = self._compared(hparams, keys)
        theirs |= asdict(self.tts.hparams.mel_settings)
        ours |= asdict(hparams["mel_settings"])
        theirs["frontend"] = self.tts.hparams.frontend.identity()["name"]
        ours["frontend"] = hparams["text_frontend"].identity()["name"]
        refuse_differing(theirs, ours)
        refuse_differing(*self._shapes(model))

    def compare_frontend(self, frontend: Frontend) -> None:
        """Warn of tokens that are made otherwise than those it has learnt.

        Arguments
        ---------
        frontend : Frontend
            Of the new corpus, of the same name.
        """
        theirs, ours = (
            each.identity() for each in (self.tts.hparams.frontend, frontend)
        )
        differing = [
            f"{name}: {theirs.get(name)} there, {ours.get(name)} here"
            for name in sorted({*theirs, *ours})
            if theirs.get(name) != ours.get(name)
        ]
        if differing:
            logger.warning(
                "The front end of initial_model read texts otherwise: %s. What "
                "is exported reads as here.",
                "; ".join(differing),
            )

    def make_table(self, symbols: Sequence[str], n_tokens: int) -> TokenTable:
        """Make room for symbols that the trained model lacks.

        Arguments
        ---------
        symbols : sequence of str
            Of the new corpus.
        n_tokens : int
            Rows of the new model's table.

        Returns
        -------
        table : TokenTable
            The symbols of the trained model, and after them the new ones.

        Raises
        ------
        ValueError
            If there are more than rows.
        """
        new = [symbol for symbol in symbols if symbol not in self.symbols]
        table = TokenTable([*self.symbols, *new])
        if len(table) > n_tokens:
            raise ValueError(
                f"initial_model has {len(table) - len(new)} tokens and the "
                f"corpus {len(new)} others, the model room for {n_tokens}. "
                f"Give n_tokens: {len(table)} or more in the YAML."
            )
        return table

    @torch.no_grad()
    def fill(
        self, model: TransformerTTS, table: TokenTable, speakers: SpeakerTable
    ) -> None:
        """Copy all weights and statistics that the trained model has.

        Arguments
        ---------
        model : TransformerTTS
            Filled in place; `check` has passed it. What it has beyond the
            trained model is named in the log.
        table : TokenTable
            Of this run, as `make_table` gives it.
        speakers : SpeakerTable
            Of this run, the trained model's first.
        """
        trained = self._model.state_dict()
        for name, tensor in model.state_dict().items():
            if name in _TABLES & trained.keys():
                n_rows = min(len(tensor), len(trained[name]))
                tensor[:n_rows] = trained[name][:n_rows]
            elif name in trained:
                tensor.copy_(trained[name])
        new_rows = {
            "encoder": table.symbols[len(self.symbols) :],
            "speakers": speakers.names[len(self.speakers) :],
        }
        lacking = self.lacking_parts(model)
        for part, new in new_rows.items():
            if new and part not in lacking:
                is_frozen = not any(
                    each.requires_grad
                    for each in getattr(model, part).parameters()
                )
                logger.warning(
                    "initial_model has never heard %s, which %s",
                    ", ".join(new),
                    f"stay untrained, for frozen: {part}"
                    if is_frozen
                    else "start untrained",
                )
        if lacking:
            logger.warning(
                "initial_model has no %s, which start untrained",
                " and no ".join(lacking),
            )
        unused = [part for part in self._parts if part not in _parts(model)]
        if unused:
            logger.warning(
                "The %s of initial_model is left out", " and ".join(unused)
            )

    @property
    def _parts(self) -> list[str]:
        return _parts(self._model)

    def _compared(
        self, hparams: Mapping[str, Any], keys: Mapping[Path, str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return values of both, by key, where an older model names them."""
        model = hparams["models"]["model"]
        shared = {*self._parts} & {*_parts(model)}
        theirs, ours = {}, {}
        for path, key in keys.items():
            part = _PARTS.get(path[0], path[0])
            if part not in shared or key in _MAY_DIFFER:
                continue
            for value in _find(self._settings, path):
                theirs[key] = _plain(value)
                ours[key] = _plain(hparams[key])
        return theirs, ours

    def _shapes(
        self, model: TransformerTTS
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the shapes of both, in the parts that both have."""
        apart = {*self._parts} ^ {*_parts(model)}
        theirs, ours = (
            {
                # the tables may have more rows, or fewer
                name: tuple(tensor.shape[name in _TABLES :])
                for name, tensor in each.state_dict().items()
                if name.split(".")[0] not in apart
            }
            for each in (self._model, model)
        )
        return theirs, {**dict.fromkeys(theirs, ABSENT), **ours}


def _parts(model: nn.Module) -> list[str]:
    return [name for name, _ in model.named_children()]


def _find(settings: Mapping[str, Any], path: Path) -> list[Any]:
    """Return what stands at a path, if there is something that is built."""
    part, *rest = path
    is_choice = rest[0] == "options"
    if is_choice and rest[1] not in settings[part].values():
        return []
    found = settings
    for name in path:
        try:
            found = found[int(name) if isinstance(found, list) else name]
        except (KeyError, IndexError):
            return []
    return [found]


def _plain(value: Any) -> Any:
    """Return a value, or the name of what ``!name:`` stands for."""
    tag = getattr(getattr(value, "tag", None), "value", None)
    if tag:
        return tag.rsplit(".", 1)[-1]
    value = getattr(value, "func", value)
    return getattr(value, "__name__", value)
