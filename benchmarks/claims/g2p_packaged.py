#!/usr/bin/env python3
"""The English model that comes with the package: made again, and scored.

All are trained on the training words of the recipe's split of CMUdict, by its
own commands and with its seed, with stress:

- member: a model of 1.3 M parameters;
- backwards: the same, but that it reads and says words from their end;
- packaged: the member, trained on with what the two together say of other
  English spellings. These are drawn from ``--spellings``, a word a line, such as
  SCOWL's american-english-huge (Debian's wamerican-huge; free for any use); those
  of CMUdict, held-out ones included, are left out.

What is in the folder is not trained again. ``--package`` puts the last one into
the package, with weights of half precision. Else the test words are scored, with
stress and without: each model, both combined, analogy with the training words,
and the model of the package, whose weights have not seen them and whose lexicon
is off. Speed and the time from the start of the command are measured, too.
Prints, and stores everything under ``results/``.

> OMP_NUM_THREADS=1 python -m benchmarks.claims.g2p_packaged --spellings=american-english-huge --package
> python -m benchmarks.claims.g2p_packaged
"""

import argparse
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from benchmarks.harness.g2p_score import (
    Entries,
    load_entries,
    print_rates,
    pronounce,
    score,
)
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.models import count_parameters
from benchmarks.harness.timing import time_in_turn
from benchmarks.harness.training_run import ROOT, read_history, train
from sb_sma.data.corpus.digests import sha256_of
from sb_sma.data.lexicon.cmudict import Cmudict
from sb_sma.inference import G2P
from sb_sma.inference.g2p.analogy import Analogy
from sb_sma.inference.g2p.rescoring import CombinedG2P

STORED = Path(__file__).parents[1] / "results" / "g2p_packaged.json"
PACKAGED = ROOT / "sb_sma" / "inference" / "g2p" / "packaged" / "en-us"
RECIPE = ["train.py", "hparams/g2p.yaml", "--precision=bf16", "--seed=1986"]
SHAPE = [
    *["--d_model=128", "--d_ffn=512", "--encoder_layers=4"],
    *["--decoder_layers=1", "--dropout=0.07", "--average_decay=0.999"],
]
RUNS = {
    "member": [*SHAPE, "--lr=0.002", "--number_of_epochs=18"],
    "backwards": [
        *[*SHAPE, "--lr=0.002", "--number_of_epochs=17"],
        "--backwards=True",
    ],
    "packaged": [*SHAPE, "--lr=0.001", "--number_of_epochs=6"],
}
TAUGHT = "taught.tsv"
_DRAW_SEED = 1986
_PLAIN = re.compile("[a-z]{4,16}")


def main() -> None:
    """Train what is missing, and package it or score, time, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "results" / "g2p_packaged"
    )
    parser.add_argument("--spellings", type=Path, help="for the last model")
    parser.add_argument("--n_spellings", type=int, default=60_000)
    parser.add_argument("--package", action="store_true")
    parser.add_argument("--only", choices=RUNS, help="train no further")
    parser.add_argument("--rounds", type=int, default=5, help="of timing")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    for name in RUNS:
        train_once(name, folder, arguments.spellings, arguments.n_spellings)
        if name == arguments.only:
            return
    if arguments.package:
        put_into_package(folder / "packaged" / "model", PACKAGED)
    else:
        measure(folder, arguments.rounds)


def train_once(
    name: str, folder: Path, spellings: Path | None, n_spellings: int
) -> None:
    """Train a model that is not in the folder yet."""
    if (folder / name / "model").is_dir():
        return
    command = [*RECIPE, *RUNS[name]]
    if name == "packaged":
        teach(folder, spellings, n_spellings)
        command += [
            f"--initial_model={folder / 'member' / 'model'}",
            f"--extra_lexicon={folder / TAUGHT}",
        ]
    train(command, folder / name, folder / "corpus")


def teach(folder: Path, spellings: Path | None, n_spellings: int) -> None:
    """Write what member and backwards together say of other spellings."""
    if (folder / TAUGHT).exists():
        return
    if spellings is None:
        raise SystemExit("Give --spellings, a file with a word a line.")
    known = Cmudict()
    words = sorted(
        {
            word
            for word in spellings.read_text(encoding="utf-8").splitlines()
            if _PLAIN.fullmatch(word) and word not in known
        }
    )
    words = random.Random(_DRAW_SEED).sample(words, n_spellings)
    said = load_teachers(folder)(words)
    lines = (f"{word}\t{' '.join(each)}\n" for word, each in zip(words, said))
    (folder / TAUGHT).write_text("".join(lines), encoding="utf-8")


def load_teachers(folder: Path, analogy: Analogy | None = None) -> CombinedG2P:
    """Load member and backwards as one."""
    models = [
        G2P.from_hparams(source=str(folder / name / "model"))
        for name in ("member", "backwards")
    ]
    return CombinedG2P(models, analogy)


def put_into_package(model: Path, packaged: Path) -> None:
    """Copy an exported model, its weights in half precision."""
    shutil.rmtree(packaged, ignore_errors=True)
    shutil.copytree(model, packaged)
    weights = packaged / "model.safetensors"
    digest = sha256_of(weights)
    halves = {
        name: each.half() if each.is_floating_point() else each
        for name, each in load_file(weights).items()
    }
    # save_file lets nobody else read the file
    weights.write_bytes(save(halves))
    yaml = packaged / "hyperparams.yaml"
    text = yaml.read_text(encoding="utf-8")
    yaml.write_text(text.replace(digest, sha256_of(weights)), encoding="utf-8")


def measure(folder: Path, rounds: int) -> None:
    """Score, time, print and store."""
    (corpus,) = [
        path.parent
        for path in (folder / "corpus").glob("*/corpus.json")
        if "extra" not in json.loads(path.read_text())
    ]
    entries = load_entries(corpus, "test")
    analogy = Analogy(
        {
            entry["word"]: entry["pronunciations"]
            for entry in load_entries(corpus, "train")
        }
    )
    packaged = G2P.pretrained("en-us", lexicon=False)
    systems = {
        "member": G2P.from_hparams(source=str(folder / "member" / "model")),
        "backwards": G2P.from_hparams(
            source=str(folder / "backwards" / "model")
        ),
        "member and backwards": load_teachers(folder),
        "member, backwards and analogy": load_teachers(folder, analogy),
        "member, backwards, packaged and analogy": CombinedG2P(
            [*load_teachers(folder).models, packaged], analogy
        ),
        "packaged": packaged,
        "packaged and analogy": CombinedG2P([packaged], analogy),
        "packaged, greedy": partial(packaged, beam_size=1),
    }
    scores = {}
    for name, g2p in systems.items():
        said = (
            g2p([entry["word"] for entry in entries])
            if isinstance(g2p, partial)
            else pronounce(g2p, entries)
        )
        scores[name] = score(entries, said)
        print_rates(name, scores[name])
    result = {
        "machine": describe_machine(),
        "runs": {name: summarize(folder / name, name) for name in RUNS},
        "test_words": len(entries),
        "scores": scores,
        "packaged": {
            "parameters": count_parameters(packaged.mods.model),
            "bytes": sum(path.stat().st_size for path in PACKAGED.iterdir()),
        },
        "greedy": measure_speed(packaged, entries, rounds),
        "start": measure_start(rounds),
    }
    STORED.write_text(json.dumps(result, indent=1) + "\n")
    for key in ("packaged", "greedy", "start"):
        print(key, json.dumps(result[key]))


def summarize(run: Path, name: str) -> dict[str, Any]:
    """Tell how a model was trained."""
    history = read_history(run)
    return {
        "flags": " ".join([*RECIPE[2:], *RUNS[name]]),
        "epochs": history[-1]["epoch"],
        "steps": history[-1]["step"],
        "training_minutes": history[-1]["minutes"],
        "greedy_valid_wer_no_stress_by_minutes": [
            [record["minutes"], record["valid"]["wer_no_stress"]]
            for record in history
        ],
    }


def measure_speed(g2p: G2P, entries: Entries, rounds: int) -> dict[str, Any]:
    """Return words per second, greedily in float32: the median and the best."""
    words = [entry["word"] for entry in entries]
    speak = partial(g2p, words, beam_size=1)
    seconds = time_in_turn({"packaged": speak}, rounds, warm_up=1)["packaged"]
    return {
        "threads": torch.get_num_threads(),
        "words_per_second": len(words) / statistics.median(seconds),
        "words_per_second_at_best": len(words) / min(seconds),
    }


def measure_start(rounds: int) -> dict[str, Any]:
    """Return seconds from the start of the command to its end."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, word in (("known", "hello"), ("unknown", "speechbrain")):
            path = Path(folder) / f"{name}.txt"
            path.write_text(f"{word}\n")
            command = [sys.executable, "-m", "sb_sma.cli", "g2p", "--input"]
            seconds = []
            for _ in range(1 + rounds):
                start = time.monotonic()
                subprocess.run(
                    [*command, str(path)], check=True, capture_output=True
                )
                seconds.append(time.monotonic() - start)
            figures[name] = {
                "seconds": statistics.median(seconds[1:]),
                "seconds_at_best": min(seconds[1:]),
            }
    return figures


if __name__ == "__main__":
    main()
