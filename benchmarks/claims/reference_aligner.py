#!/usr/bin/env python3
"""Does attention from text to a reference's mel find the timing of phonemes?

Trains a small model on the embedded corpus: the text reads the mel by
``StepwiseMonotonicReferenceAttention``, each token fuses what it is with a few
numbers of what it read, and the mel is made again from the tokens that own its
frames. The true timing is not used in training: on held-out utterances, the
alignment and a straight line are compared with it. Prints a table, and stores
the figures and a picture under ``results/``.

> python -m benchmarks.claims.reference_aligner
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from speechbrain.nnet.schedulers import StepScheduler
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from benchmarks.harness.machine import describe_machine
from sb_sma.attention.aligner.module import StepwiseMonotonicReferenceAttention
from sb_sma.attention.masks import padding_mask
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.espeak.voice import PAUSE
from sb_sma.data.sampler import LengthBatchSampler
from sb_sma.data.speech.mel import MelSettings, MelStatistics
from sb_sma.data.tokens import TokenTable
from sb_sma.losses import GuidedAttention, masked_l1
from sb_sma.metrics.path import path_agreement, straight_line_path, true_path
from sb_sma.models.convolution import MaskedConvStack
from sb_sma.plots.figures import plot_alignments
from sb_sma.training.schedules import LinearAnneal

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "Embedded"
RESULTS = Path(__file__).parents[1] / "results"
MEL = MelSettings()
CORPUS_SEED = 1986  # of hparams/tts.yaml
# neither so short that there is little to see, nor too long to read
SHOWN_TOKENS = range(24, 37)


@dataclass(frozen=True)
class Settings:
    """Of the model and its training.

    Arguments
    ---------
    d_model : int
        Width of text and mel.
    n_head : int
        Heads of the attention.
    bottleneck : int
        Numbers that a token keeps of what it read.
    kernel_size : int
        Of the mel encoder's convolutions, in frames.
    max_frames : int
        Longer utterances are left out of the training.
    max_batch_frames : int
        Most frames of a batch, padding included.
    max_batch_items : int
        Most utterances of a batch.
    number_of_epochs : int
        Passes over the training set.
    lr : float
        Learning rate of Adam.
    max_grad_norm : float
        What the norm of the gradient is clipped to.
    guided_sigma : float
        Width of the guide's diagonal, as a share of the sequences.
    guided_weight : float
        Of the guide in the first epoch.
    guided_half_life : int
        Epochs.
    noise_std : float
        Standard deviation of the noise on the energies at the start.
    noise_std_end : float
        The same at the end.
    noise_steps : int
        Steps from the start to the end.
    """

    d_model: int = 128
    n_head: int = 1
    bottleneck: int = 4
    kernel_size: int = 5
    max_frames: int = 600
    max_batch_frames: int = 4000
    max_batch_items: int = 16
    number_of_epochs: int = 5
    lr: float = 0.001
    max_grad_norm: float = 1.0
    guided_sigma: float = 0.4
    guided_weight: float = 1.0
    guided_half_life: int = 1
    noise_std: float = 1.0
    noise_std_end: float = 2.0
    noise_steps: int = 600


class Utterance(NamedTuple):
    """An utterance as the model reads it.

    Attributes
    ----------
    tokens : torch.Tensor
        Indices of the phonemes, (T,).
    mel : torch.Tensor
        Standardised, (M, C).
    starts : torch.Tensor
        True first sample of each token, (T,).
    symbols : list of str
        The phonemes.
    """

    tokens: torch.Tensor
    mel: torch.Tensor
    starts: torch.Tensor
    symbols: list[str]


class Batch(NamedTuple):
    """Right-padded utterances.

    Attributes
    ----------
    tokens : torch.Tensor
        (B, T).
    token_lengths : torch.Tensor
        (B,).
    mels : torch.Tensor
        (B, M, C).
    mel_lengths : torch.Tensor
        (B,).
    """

    tokens: torch.Tensor
    token_lengths: torch.Tensor
    mels: torch.Tensor
    mel_lengths: torch.Tensor


class Aligner(nn.Module):
    """Makes a mel again from the tokens that own its frames.

    A token brings what it is, and through the bottleneck a few numbers of what
    it read. Which phoneme it is, it has to know by itself, so that the mel comes
    out well only where each frame is owned by its own phoneme.

    Arguments
    ---------
    n_tokens : int
        Symbols of the token table.
    frames_per_token : float
        Mean of the training set.
    settings : Settings
        The widths.
    """

    def __init__(
        self, n_tokens: int, frames_per_token: float, settings: Settings
    ):
        super().__init__()
        d_model, n_head = settings.d_model, settings.n_head
        self.embedding = nn.Embedding(n_tokens, d_model)
        # the further text and decoder see, the further the alignment may be
        # from the sound without harm to the mel
        self.text_encoder = MaskedConvStack([d_model] * 2, kernel_size=3)
        self.mel_encoder = MaskedConvStack(
            [MEL.n_mels, d_model, d_model], settings.kernel_size
        )
        self.attention = StepwiseMonotonicReferenceAttention(
            d_model,
            d_k=d_model // n_head,
            d_v=d_model // n_head,
            n_head=n_head,
            frames_per_token=frames_per_token,
        )
        self.bottleneck = nn.Sequential(
            nn.Linear(d_model, settings.bottleneck),
            nn.Linear(settings.bottleneck, d_model),
        )
        self.decoder = MaskedConvStack(
            [d_model, d_model, d_model, MEL.n_mels],
            kernel_size=3,
            activate_last=False,
        )

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Align, fuse and make the mel again.

        Arguments
        ---------
        batch : Batch
            The utterances.

        Returns
        -------
        mels : torch.Tensor
            (B, M, C).
        alignment : torch.Tensor
            Share of each frame that each token owns, (B, H, M, T).
        """
        tokens, token_lengths, mels, mel_lengths = batch
        padded_frames = padding_mask(mel_lengths, mels.shape[1])
        text = self.text_encoder(
            self.embedding(tokens), padding_mask(token_lengths, tokens.shape[1])
        )
        read = self.attention(
            text,
            self.mel_encoder(mels, padded_frames),
            token_lengths,
            mel_lengths,
        )
        alignment = read.alignment.transpose(-1, -2)
        fused = text + self.bottleneck(read.context)
        frames = alignment.mean(dim=1) @ fused
        return self.decoder(frames, padded_frames), alignment


def main() -> None:
    """Train, measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--corpus_folder", type=Path, default=ROOT / "results" / "corpus"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    arguments = parser.parse_args()
    settings = Settings()
    result = {
        "machine": describe_machine(),
        "threads": torch.get_num_threads(),
        "settings": asdict(settings),
        "runs": [],
    }
    table, utterances = read_corpus(arguments.corpus_folder)
    for seed in arguments.seeds:
        torch.manual_seed(seed)
        start = time.monotonic()
        aligner = train(utterances, len(table), settings, seed)
        minutes = (time.monotonic() - start) / 60
        figures = measure(aligner, utterances["test"])
        print(f"seed {seed}")
        print_table(figures)
        result["runs"].append(
            {"seed": seed, "training_minutes": minutes, "held_out": figures}
        )
    result["parameters"] = sum(p.numel() for p in aligner.parameters())
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "reference_aligner.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )
    shown = (
        item for item in utterances["test"] if len(item.tokens) in SHOWN_TOKENS
    )
    draw(aligner, next(shown))


def read_corpus(
    corpus_folder: Path,
) -> tuple[TokenTable, dict[str, list[Utterance]]]:
    """Make or find the corpus of ``hparams/tts.yaml``; read every split."""
    sys.path.insert(0, str(RECIPE))
    from embedded_prepare import prepare_embedded

    corpus = prepare_embedded(seed=CORPUS_SEED, mel=MEL)
    folder = corpus.make_in(corpus_folder)
    symbols = (folder / "tokens.json").read_text(encoding="utf-8")
    table = TokenTable(json.loads(symbols))
    statistics = MelStatistics.load(folder / "mel_statistics.json")
    utterances = {
        split: [
            read_utterance(entry, table, statistics)
            for entry in manifest.values()
        ]
        for split, manifest in load_manifests(folder).items()
    }
    return table, utterances


def read_utterance(
    entry: dict[str, Any], table: TokenTable, statistics: MelStatistics
) -> Utterance:
    """One item of a manifest.

    Its pauses have a token for each tenth of a second. They become one, which
    tells nothing of the timing.
    """
    symbols = entry["tokens"]
    first = [
        index
        for index, symbol in enumerate(symbols)
        if symbol != PAUSE or symbols[index - 1 : index] != [PAUSE]
    ]
    symbols = [symbols[index] for index in first]
    mel = torch.from_numpy(np.load(entry["mel"]))
    return Utterance(
        torch.tensor(table.encode(symbols)),
        (mel - statistics.mean) / statistics.std,
        torch.tensor([entry["token_starts"][index] for index in first]),
        symbols,
    )


def collate(utterances: list[Utterance]) -> Batch:
    """Pad some utterances to the longest of them."""
    return Batch(
        pad_sequence([item.tokens for item in utterances], batch_first=True),
        torch.tensor([len(item.tokens) for item in utterances]),
        pad_sequence([item.mel for item in utterances], batch_first=True),
        torch.tensor([len(item.mel) for item in utterances]),
    )


def train(
    utterances: dict[str, list[Utterance]],
    n_tokens: int,
    settings: Settings,
    seed: int,
) -> Aligner:
    """Train by the mel and a guide that fades; print how it goes."""
    chosen = [
        item
        for item in utterances["train"]
        if len(item.mel) <= settings.max_frames
    ]
    lengths = [len(item.mel) for item in chosen]
    frames_per_token = sum(lengths) / sum(len(item.tokens) for item in chosen)
    aligner = Aligner(n_tokens, frames_per_token, settings)
    sampler = LengthBatchSampler(
        lengths,
        max_length=settings.max_batch_frames,
        max_items=settings.max_batch_items,
        seed=seed,
    )
    guide = GuidedAttention(settings.guided_sigma)
    guided_schedule = StepScheduler(
        settings.guided_weight, half_life=settings.guided_half_life
    )
    noise_schedule = LinearAnneal(
        settings.noise_std, settings.noise_std_end, settings.noise_steps
    )
    optimizer = torch.optim.Adam(aligner.parameters(), lr=settings.lr)
    step = 0
    for epoch in range(1, settings.number_of_epochs + 1):
        sampler.set_epoch(epoch)
        guided_weight, _ = guided_schedule(epoch - 1)
        aligner.train()
        for indices in sampler:
            batch = collate([chosen[index] for index in indices])
            aligner.attention.noise_std = noise_schedule(step)
            mels, alignment = aligner(batch)
            mel_loss = masked_l1(mels, batch.mels, batch.mel_lengths)
            guided_loss = guide(
                alignment, batch.mel_lengths, batch.token_lengths
            )
            optimizer.zero_grad()
            (mel_loss + guided_weight * guided_loss).backward()
            nn.utils.clip_grad_norm_(
                aligner.parameters(), settings.max_grad_norm
            )
            optimizer.step()
            step += 1
        figures = measure(aligner, utterances["valid"])
        print(
            f"epoch {epoch}: mel {mel_loss.item():.3f}, valid within one "
            f"{figures['within_one']:.2%}, exact {figures['exact']:.2%}",
            flush=True,
        )
    return aligner


@torch.no_grad()
def align(aligner: Aligner, item: Utterance) -> torch.Tensor:
    """Return the alignment without noise, (H, M, T)."""
    aligner.eval()
    _, alignment = aligner(collate([item]))
    return alignment[0]


def find_truth(item: Utterance) -> torch.Tensor:
    """Return the phoneme that is spoken at each frame, (M,)."""
    return true_path(item.starts, len(item.mel), MEL.hop_length, 1)


def measure(aligner: Aligner, utterances: list[Utterance]) -> dict[str, float]:
    """Compare alignments and straight lines with the truth, frame by frame.

    The path goes through the token that owns most of a frame; a token starts
    after as many frames as the tokens before it own altogether.
    """
    paths, lines, truths, errors = [], [], [], []
    for item in utterances:
        alignment = align(aligner, item).mean(dim=0)
        paths.append(alignment.argmax(dim=-1))
        lines.append(straight_line_path(*alignment.shape))
        truths.append(find_truth(item))
        owned = alignment.sum(dim=0).cumsum(dim=0)[:-1]
        # two frames meet half a hop before the middle of the second
        starts = (owned - 0.5) * MEL.hop_length
        errors.append((starts - item.starts[1:]).abs())
    path, line, truth = map(torch.cat, (paths, lines, truths))
    error_ms = torch.cat(errors) / MEL.sample_rate * 1000
    return {
        "utterances": len(utterances),
        "frames": len(truth),
        "within_one": path_agreement(path, truth, tolerance=1),
        "exact": path_agreement(path, truth, tolerance=0),
        "line_within_one": path_agreement(line, truth, tolerance=1),
        "line_exact": path_agreement(line, truth, tolerance=0),
        "worst_within_one": min(map(path_agreement, paths, truths)),
        "boundary_error_ms": float(error_ms.mean()),
        "median_boundary_error_ms": float(error_ms.median()),
    }


def print_table(figures: dict[str, float]) -> None:
    """Return the aligner beside the straight line."""
    print(
        f"{figures['frames']} frames of {figures['utterances']} held-out "
        "utterances"
    )
    print(f"{'':26}{'aligner':>12}{'straight line':>16}")
    for title, name in (
        ("within one phoneme", "within_one"),
        ("on the very phoneme", "exact"),
    ):
        line = figures[f"line_{name}"]
        print(f"{title:26}{figures[name]:>12.2%}{line:>16.2%}")
    print(f"{'worst utterance':26}{figures['worst_within_one']:>12.2%}")
    print(
        f"boundary error: {figures['boundary_error_ms']:.1f} ms on average, "
        f"{figures['median_boundary_error_ms']:.1f} ms in the middle"
    )


def draw(aligner: Aligner, item: Utterance) -> None:
    """Draw an alignment with the truth over it."""
    figure = plot_alignments(
        align(aligner, item),
        find_truth(item),
        item.symbols,
        "A held-out utterance, frame by frame",
    )
    figure.axes[0].set_xlabel("mel frame")
    figure.savefig(RESULTS / "reference_aligner.png", bbox_inches="tight")


if __name__ == "__main__":
    main()
