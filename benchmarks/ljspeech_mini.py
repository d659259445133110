#!/usr/bin/env python3
"""Does the recipe find the alignment of real speech, with no known timing?

Trains ``hparams/tts.yaml`` on a folder in LJSpeech-1.1 layout, small enough to
be learnt by heart, counts the utterances whose alignment is monotone in the
end, and stores the counts, the losses and a picture.

> python benchmarks/ljspeech_mini.py --data_folder=../shared/data/ljspeech-mini
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import torch
from hyperpyyaml import load_hyperpyyaml
from machine import describe_machine

from sb_sma.data.corpus import load_manifests
from sb_sma.data.text import TokenTable
from sb_sma.metrics.alignment import alignment_path, focus_rate
from sb_sma.metrics.bad_cases import BadCaseRules
from sb_sma.metrics.path import count_path
from sb_sma.training.samples import SampleWriter, Sentence

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "recipes" / "Embedded" / "TTS" / "transformer"
RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Train, count, print and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data_folder", type=Path, required=True)
    parser.add_argument("--number_of_epochs", type=int, default=360)
    arguments = parser.parse_args()
    if not arguments.data_folder.is_dir():
        print(f"skipped: {arguments.data_folder} is not here")
        return
    output_folder = ROOT / "results" / "ljspeech_mini"
    flags = train(arguments, output_folder)
    lines = (output_folder / "history.jsonl").read_text().splitlines()
    history = [json.loads(line) for line in lines]
    utterances = measure_alignments(output_folder)
    result = {
        "machine": describe_machine(),
        "flags": flags,
        "minutes": history[-1]["minutes"],
        "monotone": {
            split: f"{sum(item['monotone'] for item in items)} of {len(items)}"
            for split, items in utterances.items()
        },
        "utterances": utterances,
        "epochs": [
            {
                "epoch": record["epoch"],
                "train_mel_loss": record["train"]["mel_loss"],
                "train_guided_loss": record["train"]["guided_loss"],
                "valid_mel_loss": record["valid"]["mel_loss"],
                "valid_focus_rate": record["valid"]["focus_rate"],
            }
            for record in history
        ],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ljspeech_mini.json").write_text(
        json.dumps(result, indent=1) + "\n"
    )
    for record in (result["epochs"][0], result["epochs"][-1]):
        print(json.dumps(record))
    print(f"monotone after {result['minutes']:.1f} min: {result['monotone']}")


def train(arguments: argparse.Namespace, output_folder: Path) -> List[str]:
    """Run the README's command; give the flags that it was run with."""
    shutil.rmtree(output_folder, ignore_errors=True)
    flags = [
        f"--number_of_epochs={arguments.number_of_epochs}",
        f"--samples_every={arguments.number_of_epochs}",
        "--n_samples=2",
        "--energy_noise_end=2.0",
        "--short_first_epochs=20",
        f"--guided_half_life={arguments.number_of_epochs}",
    ]
    command = [
        sys.executable,
        "train.py",
        "hparams/tts.yaml",
        f"--data_folder={arguments.data_folder.resolve()}",
        f"--output_folder={output_folder}",
        f"--corpus_folder={output_folder}/corpus",
        *flags,
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    return flags


def measure_alignments(output_folder: Path) -> Dict[str, List[Dict[str, Any]]]:
    """Judge each teacher-forced alignment, and draw the most focused one.

    The weights are the last ones: the best on the few validation utterances
    are from long before the training utterances are known by heart.
    """
    sys.path.insert(0, str(RECIPE))
    with open(output_folder / "hyperparams.yaml", encoding="utf-8") as stream:
        hparams = load_hyperpyyaml(stream)
    hparams["checkpointer"].recover_if_possible()
    model = hparams["average"].module
    folder = output_folder / "corpus" / "speech"
    table = TokenTable(json.loads((folder / "tokens.json").read_text()))
    utterances, sentences = {}, []
    for split, manifest in load_manifests(folder).items():
        utterances[split] = []
        for name, entry in manifest.items():
            sentence = Sentence(
                torch.tensor(table.encode(entry["tokens"])),
                torch.from_numpy(np.load(entry["mel"])),
                entry["tokens"],
            )
            figures = judge(model, sentence)
            utterances[split].append({"name": name, **figures})
            sentences.append((figures["focus_rate"], sentence))
    writer = SampleWriter(
        output_folder,
        [],
        hparams["mel_settings"],
        hparams["stop_rule"],
        hparams["decoding"],
        hparams["griffin_lim_iterations"],
    )
    _, sentence = max(sentences, key=lambda item: item[0])
    figure = writer.draw_alignment(model, sentence)
    RESULTS.mkdir(exist_ok=True)
    figure.savefig(RESULTS / "ljspeech_mini.png", bbox_inches="tight")
    return utterances


@torch.no_grad()
def judge(model: torch.nn.Module, sentence: Sentence) -> Dict[str, Any]:
    """Follow the most focused head of one utterance."""
    n_tokens = torch.tensor([len(sentence.token_ids)])
    output = model(
        sentence.token_ids[None],
        n_tokens,
        sentence.log_mel[None],
        torch.tensor([len(sentence.log_mel)]),
    )
    heads = torch.cat(output.alignments, dim=1)
    rates = focus_rate(heads, output.query_lengths, n_tokens)[0]
    head = int(rates.argmax())
    path = alignment_path(heads, n_tokens)[0, head]
    counts = count_path(path, int(n_tokens))
    monotone = (
        counts.backward_jumps == 0
        and counts.longest_skip <= BadCaseRules().max_skip
        and counts.ends_on_last
    )
    return {
        "monotone": monotone,
        "backward_jumps": counts.backward_jumps,
        "longest_skip": counts.longest_skip,
        "focus_rate": float(rates[head]),
    }


if __name__ == "__main__":
    main()
