"""Families of G2P models that differ in their seed, trained by the recipe."""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.g2p_score import (
    Entries,
    Pronunciations,
    load_models,
    pronounce,
)
from benchmarks.harness.training_run import ROOT, train
from sb_sma.inference import G2P

RECIPE = "recipes/SIGMORPHON2021/G2P/transformer"


@dataclass(frozen=True)
class Family:
    """What its models have in common.

    Arguments
    ---------
    name : str
        Of the folders of its runs.
    seeds : list of int
        One per model.
    flags : list of str
        Of the recipe's command.
    corpus : str
        Name of the corpus, which other families may share.
    initial : str, optional
        Name of the run whose model they start from.
    """

    name: str
    seeds: list[int]
    flags: list[str]
    corpus: str
    initial: str | None = None

    def runs(self, folder: Path) -> list[Path]:
        """Return the folder of each run."""
        return [folder / f"{self.name}_{seed}" for seed in self.seeds]


def make_parser(
    description: str, families: Iterable[str], name: str
) -> argparse.ArgumentParser:
    """Declare the options of a benchmark that trains families.

    Arguments
    ---------
    description : str
        Of the benchmark.
    families : iterable of str
        Their names.
    name : str
        Of its folder of results.

    Returns
    -------
    parser : argparse.ArgumentParser
        To which more options may be added.
    """
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--shared_task",
        type=Path,
        required=True,
        help="folder with high/, medium/ and low/",
    )
    parser.add_argument("--folder", type=Path, default=ROOT / "results" / name)
    parser.add_argument(
        "--only",
        choices=list(families),
        help="train this family, and do nothing else",
    )
    parser.add_argument(
        "--precision",
        default="bf16",
        choices=["fp32", "bf16"],
        help="of training",
    )
    return parser


def train_family(
    family: Family,
    shared_task: Path,
    folder: Path,
    precision: str,
    extra_folder: Path | None = None,
) -> None:
    """Train those models of a family that are not in the folder yet.

    Arguments
    ---------
    family : Family
        What is trained.
    shared_task : Path
        Its data.
    folder : Path
        Of all runs, and of their corpora.
    precision : str
        Of training.
    extra_folder : Path, optional
        With more training words.
    """
    flags = [f"--data_folder={shared_task.resolve()}", *family.flags]
    flags.append(f"--precision={precision}")
    if extra_folder is not None:
        flags.append(f"--extra_folder={extra_folder}")
    if family.initial is not None:
        flags.append(f"--initial_model={folder / family.initial / 'model'}")
    for run, seed in zip(family.runs(folder), family.seeds):
        if not (run / "cost.json").exists():
            command = [f"{RECIPE}/train.py", f"{RECIPE}/hparams/train.yaml"]
            corpus = folder / "corpus" / family.corpus
            train([*command, *flags, f"--seed={seed}"], run, corpus)


def pronounce_by_all(
    family: Family, folder: Path, entries: Entries
) -> dict[str, Pronunciations]:
    """Return what each model of a family says, and what all of them together.

    Arguments
    ---------
    family : Family
        Whose models are trained.
    folder : Path
        Of all runs.
    entries : list of dict
        The words.

    Returns
    -------
    said : dict of str to list of list of str
        By a name, the phonemes of each word.
    """
    sources = [str(run / "model") for run in family.runs(folder)]
    names = [*(f"seed {seed}" for seed in family.seeds), "together"]
    return {
        f"{family.name}, {name}": pronounce(g2p, entries)
        for name, (_, g2p) in zip(names, load_models(sources))
    }


def load_family(family: Family, folder: Path) -> G2P:
    """Load the models of a family as one.

    Arguments
    ---------
    family : Family
        Whose models are trained.
    folder : Path
        Of all runs.

    Returns
    -------
    g2p : G2P
        All of them, joined.
    """
    first, *others = (
        G2P.from_hparams(source=str(run / "model"))
        for run in family.runs(folder)
    )
    if others:
        first.join(others)
    return first
