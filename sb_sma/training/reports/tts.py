"""The page that every TTS run ends with."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import soundfile
import torch
from matplotlib.figure import Figure

from sb_sma.data.speech.speakers import speaker_of
from sb_sma.data.text.markup import escape_markup
from sb_sma.inference import TTS
from sb_sma.inference.script import write_script
from sb_sma.metrics.bad_cases import find_faults, format_verdict
from sb_sma.plots.figures import plot_mels
from sb_sma.plots.style_figures import plot_token_sweep, plot_token_weights
from sb_sma.training.reports.page import Example, Table, write_report
from sb_sma.training.reports.shared import (
    describe_command,
    describe_versions,
    draw_history,
)

_SHOWN_CURVES = (
    "mel_loss",
    "own_mel_loss",
    "stop_loss",
    "guided_loss",
    "focus_rate",
    "within_one",
    "skips",
    "backward_jumps",
    "coverage",
    "end_mass",
    "style_effect",
)
_SWEPT = (-0.5, 0.0, 0.5, 1.0)  # weights of a token alone
# settings of an embedded corpus
_SPOKEN_BY = ("voice", "rate", "pitch")
_STYLED = " Each was spoken in the style of its target."
_BY_SPEAKER = " Each was spoken by the speaker of its target."
_MEANINGS = {
    "mel_loss": "mean absolute difference per channel, in standard deviations",
    "own_mel_loss": "the same where the decoder hears its own frames",
    "within_one": "decoder steps within one token of the true timing",
    "line_within_one": "the same for a straight line",
    "exact": "decoder steps on the very token",
    "line_exact": "the same for a straight line",
    "focus_rate": "1 = one token per decoder step",
    "coverage": "share of the tokens that are attended at some step",
    "end_mass": "attention on the last token at the last step",
    "skips": "tokens passed over, per utterance",
    "backward_jumps": "per utterance",
    "repeats": "returns to a token left before, per utterance",
    "style_effect": "0.1 = the mel loss is a tenth larger in others' styles",
}


def write_tts_report(
    output_folder: str | Path,
    model_folder: str | Path,
    manifest: Mapping[str, Mapping[str, Any]],
    alignment_figures: Mapping[str, Figure],
    history: Sequence[Mapping[str, Any]],
    test_stats: Mapping[str, float],
) -> Path:
    """Speak the test sentences with the exported model and show everything.

    Arguments
    ---------
    output_folder : str or Path
        ``index.html`` and ``report/`` go here.
    model_folder : str or Path
        What was exported.
    manifest : mapping
        Entries of the sentences that are shown, by name; there may be none.
    alignment_figures : mapping of str to Figure
        Teacher-forced alignment of each of them.
    history : sequence of mapping
        Records of `sb_sma.training.history.History`.
    test_stats : mapping of str to float
        Figures of the whole test set.

    Returns
    -------
    path : Path
        The page.
    """
    output_folder = Path(output_folder)
    tts = TTS.from_hparams(
        source=str(model_folder),
        # this run made it
        trusted=True,
    )
    # what the targets say: invented texts are eSpeak NG's own reading
    tokens = {
        _as_read(entry["text"]): entry["tokens"] for entry in manifest.values()
    }
    tts.hparams.frontend = SimpleNamespace(tokens=tokens.__getitem__)
    examples = _speak_examples(
        tts, manifest, alignment_figures, output_folder / "report"
    )
    n_good = sum(example.verdict == "good" for example in examples)
    spoken = "No test sentence was spoken"
    if examples:
        spoken = (
            f"{n_good} of {len(examples)} test sentences were spoken without "
            "a fault"
        )
    minutes = history[-1]["minutes"] if history else 0.0
    return write_report(
        output_folder / "index.html",
        "Text to speech",
        summary=(
            f"{spoken} after {minutes:.1f} minutes of training."
            + _STYLED * (tts.mods.model.style is not None and bool(examples))
            + _BY_SPEAKER * (bool(tts.speakers) and bool(examples))
        ),
        metrics=[
            (name.replace("_", " "), f"{test_stats[name]:.4g}", meaning)
            for name, meaning in _MEANINGS.items()
            if name in test_stats
        ],
        tables=[_focus_table(test_stats)],
        pictures=_draw_styles(tts, manifest),
        curves=draw_history(history, _SHOWN_CURVES),
        examples=examples,
        command=describe_command(),
        versions=describe_versions(),
        usage=_describe_use(tts, model_folder, [*manifest.values()]),
    )


def _as_read(text: str) -> str:
    """Return what the front end gets of a text of the corpus."""
    (passage,) = write_script(escape_markup(text), split=False)
    return passage.text


def _speak_examples(
    tts: TTS,
    manifest: Mapping[str, Mapping[str, Any]],
    alignment_figures: Mapping[str, Figure],
    folder: Path,
) -> list[Example]:
    """One example per sentence, with its verdict."""
    if not manifest:
        return []
    vocoded_folder = folder / "vocoded"
    vocoded_folder.mkdir(parents=True, exist_ok=True)
    texts = [escape_markup(entry["text"]) for entry in manifest.values()]
    examples = []
    style = None
    if tts.mods.model.style is not None:
        styles = tts.styles
        wavs = [entry["wav"] for entry in manifest.values()]
        style = torch.cat([styles.from_wavs([wav]) for wav in wavs])
    speaker = None
    if tts.speakers:
        speaker = [speaker_of(entry) for entry in manifest.values()]
    spoken = tts.speak(texts, seed=0, style=style, speaker=speaker, split=False)
    for item, (name, entry) in zip(spoken, manifest.items()):
        mel = item.mel.cpu()
        target = torch.from_numpy(np.load(entry["mel"]))
        faults = find_faults(
            item.alignment.cpu(),
            item.finished,
            mel,
            target,
            tts.mods.model.mel_mean.cpu(),
            tts.mods.model.mel_std.cpu(),
        )
        wavs = {
            folder / f"{name}.wav": item.mel,
            vocoded_folder / f"{name}.wav": target.to(item.mel.device),
        }
        for path, heard in wavs.items():
            soundfile.write(
                path,
                tts.to_waveform(heard).cpu().numpy(),
                tts.hparams.mel_settings.sample_rate,
            )
        result_wav, vocoded_wav = wavs
        examples.append(
            Example(
                title=name,
                text=entry["text"],
                target_wav=Path(entry["wav"]),
                vocoded_wav=vocoded_wav,
                result_wav=result_wav,
                figures=[
                    alignment_figures[name],
                    plot_mels(target, mel, "Target, and spoken freely"),
                ],
                verdict=format_verdict(faults),
            )
        )
    return examples


def _draw_styles(
    tts: TTS, manifest: Mapping[str, Mapping[str, Any]]
) -> list[Figure]:
    """Draw what the style tokens are used for, and how each changes rate."""
    if tts.mods.model.style is None or not manifest:
        return []
    styles = tts.styles
    wavs = [entry["wav"] for entry in manifest.values()]
    weights = styles.token_weights(wavs).cpu().numpy()
    text = min((entry["text"] for entry in manifest.values()), key=len)
    n_tokens = styles.n_tokens
    each = [
        styles.from_token(token, scale)
        for token in range(n_tokens)
        for scale in _SWEPT
    ]
    spoken = tts.speak(
        [escape_markup(text)] * len(each),
        seed=0,
        style=torch.cat(each),
        split=False,
    )
    settings = tts.hparams.mel_settings
    frames = np.array([len(item.mel) for item in spoken])
    seconds = frames * settings.seconds_per_frame
    return [
        plot_token_weights(
            weights, list(map(_label, manifest, manifest.values()))
        ),
        plot_token_sweep(_SWEPT, seconds.reshape(n_tokens, -1), text),
    ]


def _label(name: str, entry: Mapping[str, Any]) -> str:
    """Return an utterance, and how it is spoken where the corpus knows that."""
    known = [f"{key} {entry[key]}" for key in _SPOKEN_BY if key in entry]
    return ", ".join([name, *known])


def _describe_use(
    tts: TTS, model_folder: str | Path, entries: Sequence[Mapping[str, Any]]
) -> str:
    """Return the command that speaks like the first of the sentences."""
    command = ["sb-sma", "synthesize", "--model", str(model_folder)]
    command += ["--text", "Hello there.", "--out", "hello.wav"]
    if tts.mods.model.style is not None:
        wavs = [*(entry["wav"] for entry in entries), "RECORDING.wav"]
        command += ["--style_wav", wavs[0]]
    if tts.speakers:
        names = [*map(speaker_of, entries), *tts.speakers]
        command += ["--speaker", names[0]]
    return shlex.join(command)


def _focus_table(test_stats: Mapping[str, float]) -> Table:
    """Return focus rate of every head."""
    rows = [
        (f"layer {layer}, head {head}", f"{value:.3f}")
        for name, value in test_stats.items()
        if name.startswith("focus_rate_")
        for layer, head in [name.split("_")[2:]]
    ]
    return Table("Focus rate of every head", ("head", "focus rate"), rows)
