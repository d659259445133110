"""Pictures and sounds of a few sentences while training goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile
import torch
from matplotlib.figure import Figure

from sb_sma.attention.decoding import DecodingOptions
from sb_sma.data.speech.mel import MelSettings
from sb_sma.models.tts.stop_rule import StopRule
from sb_sma.models.tts.synthesis import Manner, Narrator, assemble
from sb_sma.models.tts.transformer_tts import TransformerTTS
from sb_sma.plots.figures import plot_layers, plot_mels
from sb_sma.vocoders.registry import Vocoder


@dataclass
class Sentence:
    """What is shown of a validation item.

    Arguments
    ---------
    token_ids : torch.Tensor
        (T,).
    log_mel : torch.Tensor
        Natural-log mel of the recording, (M, C).
    tokens : list of str
        The token symbols.
    true_path : torch.Tensor, optional
        True token of each decoder step, (Q,).
    speaker : torch.Tensor, optional
        Index of who speaks, (1,), for a model with speakers.
    """

    token_ids: torch.Tensor
    log_mel: torch.Tensor
    tokens: list[str]
    true_path: torch.Tensor | None = None
    speaker: torch.Tensor | None = None


class SampleWriter:
    """Draws the teacher-forced alignment and speaks freely.

    Arguments
    ---------
    folder : str or Path
        Where the samples go, one folder per call.
    sentences : sequence of Sentence
        What is shown.
    mel_settings : MelSettings
        The numbers that define the mels.
    stop_rule : StopRule
        When a sentence ends.
    decoding : DecodingOptions
        How it is spoken.
    vocoder : Callable
        Makes the sound, on the CPU.
    """

    def __init__(
        self,
        folder: str | Path,
        sentences: Sequence[Sentence],
        mel_settings: MelSettings,
        stop_rule: StopRule,
        decoding: DecodingOptions,
        vocoder: Vocoder,
    ):
        self.folder = Path(folder)
        self.sentences = list(sentences)
        self.mel_settings = mel_settings
        self.stop_rule = stop_rule
        self.decoding = decoding
        self.vocoder = vocoder

    def write(self, model: TransformerTTS, name: str) -> dict[str, Figure]:
        """Write one folder of pictures and sounds.

        Arguments
        ---------
        model : TransformerTTS
            In evaluation mode.
        name : str
            Of the folder, such as ``epoch_004``.

        Returns
        -------
        figures : dict of str to Figure
            The pictures, by file name without ending.
        """
        if not self.sentences:
            return {}
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        figures = {}
        for index, sentence in enumerate(self.sentences, start=1):
            figures.update(self._draw(model, sentence, str(index)))
            waveform = self._speak(model, sentence)
            soundfile.write(
                folder / f"{index}.wav",
                waveform.numpy(),
                self.mel_settings.sample_rate,
            )
        for file_name, figure in figures.items():
            figure.savefig(folder / f"{file_name}.png", bbox_inches="tight")
        return figures

    def draw_alignment(
        self, model: TransformerTTS, sentence: Sentence
    ) -> Figure:
        """Draw every head of every layer, teacher-forced.

        Arguments
        ---------
        model : TransformerTTS
            In evaluation mode.
        sentence : Sentence
            What is read.

        Returns
        -------
        figure : Figure
            With the true path where it is known.
        """
        output = self._teacher_forced(model, sentence)
        return plot_layers(
            output.alignments,
            true_path=sentence.true_path,
            tokens=sentence.tokens,
        )

    def _draw(
        self, model: TransformerTTS, sentence: Sentence, prefix: str
    ) -> dict[str, Figure]:
        """Return the alignment, and the mel beside its target."""
        output = self._teacher_forced(model, sentence)
        predicted = output.mels_after[0] * model.mel_std + model.mel_mean
        return {
            f"{prefix}_alignment": plot_layers(
                output.alignments,
                true_path=sentence.true_path,
                tokens=sentence.tokens,
            ),
            f"{prefix}_mel": plot_mels(
                sentence.log_mel, predicted[: len(sentence.log_mel)].cpu()
            ),
        }

    @torch.no_grad()
    def _teacher_forced(self, model: TransformerTTS, sentence: Sentence):
        """Run the model on one sentence, as a batch of one."""
        return model(
            *_as_batch(model, sentence.token_ids),
            *_as_batch(model, sentence.log_mel),
            speaker=sentence.speaker,
        )

    def _speak(self, model: TransformerTTS, sentence: Sentence) -> torch.Tensor:
        """Return the model's own rendering as a waveform, (N,)."""
        settings = self.mel_settings
        manner = Manner(
            self.decoding,
            seed=0,
            style=model.read_style(*_as_batch(model, sentence.log_mel)),
            speaker=sentence.speaker,
        )
        narrator = Narrator(
            model,
            *_as_batch(model, sentence.token_ids),
            self.stop_rule,
            settings.seconds_per_frame,
            manner,
        )
        speech = assemble(narrator)
        return self.vocoder(speech.mels[0].cpu()).clamp(-1.0, 1.0)


def _as_batch(
    model: TransformerTTS, item: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a batch of one item, and its length."""
    device = model.mel_mean.device
    return item[None].to(device), torch.tensor([len(item)], device=device)
