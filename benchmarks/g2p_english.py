#!/usr/bin/env python3
"""How well can English words be pronounced, and how well by a small model?

On the English of the SIGMORPHON 2021 shared task, whose development words are
scored; its test files are kept aside. Trains, by commands of the recipe:

- members: models of the training file alone, which differ in their seed;
- translators: models that also read what CMUdict says of a word (graphemes:
  hinted). Asked together, they translate CMUdict into the phonemes of the
  shared task: ``lexicon/eng_us_train.tsv``;
- readers: models of the training file and of the translated lexicon, but for
  its words that the shared task has itself;
- distilled: a small model of the same words.

About half of the development words stand in CMUdict, which may be used by the
rules of the task. So the words inside and outside of it are also scored apart.
A system with the lexicon looks a word up, and asks models if it is not there.

What is in the folder is not trained again. Prints a table, and stores
everything under ``results/``.

> python benchmarks/g2p_english.py --shared_task=DIR
> python benchmarks/g2p_english.py --shared_task=DIR --only members
"""

import argparse
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Dict, List

import torch
from g2p_quality import summarize
from g2p_score import (
    Entries,
    Pronunciations,
    load_entries,
    load_models,
    print_rates,
    pronounce,
    score,
)
from machine import describe_machine
from models import count_parameters
from timing import median, time_in_turn
from training_run import ROOT, train

from sb_sma.cli import main as sb_sma
from sb_sma.data.cmudict import find_cmudict
from sb_sma.data.lexicon import read_pronunciations
from sb_sma.inference import G2P

STORED = Path(__file__).with_name("results") / "g2p_english.json"
RECIPE = "recipes/SIGMORPHON2021/G2P/transformer"
TRANSLATED = "lexicon/eng_us_train.tsv"
LARGE = ["--encoder_layers=4", "--dropout=0.2"]


@dataclass(frozen=True)
class Family:
    """Models that differ in their seed.

    Arguments
    ---------
    seeds : list of int
        One per model.
    flags : list of str
        Of the recipe's command.
    is_taught : bool
        Whether they also learn the translated lexicon.
    """

    seeds: List[int]
    flags: List[str]
    is_taught: bool = False


FAMILIES = {
    "members": Family([1, 2, 3, 4, 5], [*LARGE, "--number_of_epochs=22"]),
    "translators": Family(
        [11, 12],
        [
            *[*LARGE, "--number_of_epochs=16"],
            *["--graphemes=hinted", "--hint_lexicon=cmudict"],
            "--moves_per_query=3",
        ],
    ),
    "readers": Family(
        [21, 22], [*LARGE, "--number_of_epochs=10"], is_taught=True
    ),
    "distilled": Family(
        [31],
        [
            *["--d_model=128", "--d_ffn=512", "--dropout=0.1"],
            *["--encoder_layers=3", "--decoder_layers=1"],
            "--number_of_epochs=14",
        ],
        is_taught=True,
    ),
}


def main() -> None:
    """Train what is missing, score, time, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--shared_task", type=Path, required=True, help="folder with high/"
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "results" / "g2p_english"
    )
    parser.add_argument(
        "--only",
        nargs="*",
        choices=list(FAMILIES),
        default=list(FAMILIES),
        help="train these families, and do nothing else",
    )
    parser.add_argument(
        "--precision",
        default="bf16",
        choices=["fp32", "bf16"],
        help="of training",
    )
    parser.add_argument("--rounds", type=int, default=5, help="of timing")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    for name in arguments.only:
        train_family(name, arguments.shared_task, folder, arguments.precision)
    if arguments.only != list(FAMILIES):
        return
    entries = load_entries(folder / "corpus" / "alone", "valid")
    said = pronounce_by_all(folder, entries)
    said |= look_up(folder / TRANSLATED, entries, said)
    cmudict = read_pronunciations(find_cmudict())
    result = {
        "machine": describe_machine(),
        "runs": {
            run.name: summarize(run)
            for name in FAMILIES
            for run in runs_of(name, folder)
        },
        "scores": {
            name: score(entries, each, cmudict) for name, each in said.items()
        },
        "greedy": measure_size_and_speed(
            *(runs_of(name, folder)[0] for name in ("distilled", "members")),
            entries,
            arguments.rounds,
        ),
        "threads": torch.get_num_threads(),
    }
    STORED.write_text(json.dumps(result, indent=1) + "\n")
    for name, figures in result["scores"].items():
        print_rates(name, figures)
    print(json.dumps(result["greedy"], indent=1))


def runs_of(name: str, folder: Path) -> List[Path]:
    """The folder of each model of a family."""
    return [folder / f"{name}_{seed}" for seed in FAMILIES[name].seeds]


def train_family(
    name: str, shared_task: Path, folder: Path, precision: str
) -> None:
    """Train those models of a family that are not there yet."""
    family = FAMILIES[name]
    flags = [f"--data_folder={shared_task.resolve()}", *family.flags]
    if precision != "fp32":
        flags.append(f"--precision={precision}")
    corpus = folder / "corpus" / "alone"
    if family.is_taught:
        lexicon = folder / TRANSLATED
        if not lexicon.exists():
            translate(runs_of("translators", folder), corpus, lexicon)
        flags.append(f"--extra_folder={lexicon.parent}")
        corpus = folder / "corpus" / "taught"
    for run, seed in zip(runs_of(name, folder), family.seeds):
        if not (run / "cost.json").exists():
            command = [f"{RECIPE}/train.py", f"{RECIPE}/hparams/train.yaml"]
            train([*command, *flags, f"--seed={seed}"], run, corpus)


def translate(translators: List[Path], corpus: Path, lexicon: Path) -> None:
    """Let models say every word of CMUdict that has letters of training."""
    letters = set()
    for entry in load_entries(corpus, "train"):
        letters.update(entry["word"])
    words = [
        word
        for word in read_pronunciations(find_cmudict())
        if letters.issuperset(word)
    ]
    lexicon.parent.mkdir(parents=True, exist_ok=True)
    list_of_words = lexicon.with_name("words.txt")
    list_of_words.write_text("\n".join(words) + "\n", encoding="utf-8")
    models = [str(run / "model") for run in translators]
    files = ["--input", str(list_of_words), "--output", str(lexicon)]
    if sb_sma(["g2p", "--model", *models, *files]):
        raise RuntimeError("the lexicon could not be translated")


def pronounce_by_all(
    folder: Path, entries: Entries
) -> Dict[str, Pronunciations]:
    """What every model says, and the models of each family together."""
    said = {}
    for name, family in FAMILIES.items():
        sources = [str(run / "model") for run in runs_of(name, folder)]
        for key, g2p in load_models(sources):
            if key != "together":
                seed = family.seeds[int(key.removeprefix("model ")) - 1]
                key = f"seed {seed}"
            said[f"{name}, {key}"] = pronounce(g2p, entries)
    return said


def look_up(
    path: Path, entries: Entries, said: Dict[str, Pronunciations]
) -> Dict[str, Pronunciations]:
    """What the lexicon says, and where it lacks a word, what models do."""
    lexicon = read_pronunciations(path)
    return {
        f"lexicon, else {name}": [
            list(lexicon[entry["word"]][0])
            if entry["word"] in lexicon
            else phonemes
            for entry, phonemes in zip(entries, each)
        ]
        for name, each in said.items()
        if not name.startswith("translators")
    }


def measure_size_and_speed(
    small: Path, large: Path, entries: Entries, rounds: int
) -> Dict[str, Any]:
    """Parameters and words per second of two models, greedy, in turn."""
    models = {
        run.name: G2P.from_hparams(source=str(run / "model"))
        for run in (small, large)
    }
    words = [entry["word"] for entry in entries]
    seconds = time_in_turn(
        {
            name: partial(g2p, words, beam_size=1)
            for name, g2p in models.items()
        },
        rounds,
    )
    return {
        name: {
            "parameters": count_parameters(g2p.mods.model),
            "words_per_second": median(
                [len(words) / spent for spent in seconds[name]]
            ),
        }
        for name, g2p in models.items()
    }


if __name__ == "__main__":
    main()
