#!/usr/bin/env python3
"""Twenty languages: one model of all, one for each, or both? And where does
monotonic attention help?

The languages of the SIGMORPHON 2021 shared task with 8,000 words (medium) and
with 800 (low), whose development words are scored; its test files are kept
aside. Trains models of all of them, by commands of the recipe, with stepwise
monotonic heads beside softmax heads and with softmax heads only, a larger one,
and one for every language with 8,000 words alone. Those of all languages are
asked together, and combined with those of one.

What is in the folder is not trained again. Prints a table, and stores
everything under ``results/``.

> python benchmarks/g2p_languages.py --shared_task=DIR
> OMP_NUM_THREADS=1 python benchmarks/g2p_languages.py --shared_task=DIR --only softmax
"""

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Union

from g2p_families import (
    Family,
    load_family,
    make_parser,
    pronounce_by_all,
    train_family,
)
from g2p_quality import summarize
from g2p_score import Entries, Pronunciations, load_entries, pronounce, score
from machine import describe_machine
from scipy.stats import binomtest

from sb_sma.inference import G2P
from sb_sma.inference.g2p_combination import CombinedG2P

STORED = Path(__file__).with_name("results") / "g2p_languages.json"
LANGUAGES = {
    "medium": "arm_e bul dut fre geo hbs_latn hun jpn_hira kor vie_hanoi",
    "low": "ady gre ice ita khm lav mlt_latn rum slv wel_sw",
}
WANTED = {"medium": 9.35, "low": 22.40}  # the task's baseline
LARGE = ["--decompose=True", "--encoder_layers=4", "--dropout=0.2"]
ALL = [
    f"--languages=[{','.join(' '.join(LANGUAGES.values()).split())}]",
    *["--n_graphemes=512", "--n_phonemes=384", "--language_balance=0.5"],
]
SMALL = [
    *[*ALL, "--decompose=True", "--d_model=128", "--d_ffn=512"],
    *["--batch_words=256", "--number_of_epochs=20"],
]
MULTILINGUAL = (
    Family("monotonic", [1], SMALL, "languages"),
    Family(
        "softmax", [1], [*SMALL, "--attention_type=regularMHA"], "languages"
    ),
    Family("large", [1], [*ALL, *LARGE, "--number_of_epochs=16"], "languages"),
)
ALONE = {
    language: Family(
        f"alone_{language}",
        [1],
        [
            *[f"--languages={language}", *LARGE],
            *["--batch_words=64", "--number_of_epochs=22"],
        ],
        language,
    )
    for language in LANGUAGES["medium"].split()
}
FAMILIES = {family.name: family for family in (*MULTILINGUAL, *ALONE.values())}


def main() -> None:
    """Train what is missing, score, print and store."""
    parser = make_parser(__doc__, FAMILIES, "g2p_languages")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    for name, family in FAMILIES.items():
        if arguments.only in (None, name):
            train_family(
                family, arguments.shared_task, folder, arguments.precision
            )
    if arguments.only is None:
        measure(folder)


def measure(folder: Path) -> None:
    """Score, print and store."""
    entries = load_entries(folder / "corpus" / "languages", "valid")
    said: Dict[str, Pronunciations] = {}
    for family in MULTILINGUAL:
        said.update(pronounce_by_all(family, folder, entries))
    first, *others = (load_family(family, folder) for family in MULTILINGUAL)
    first.join(others)
    said["of all languages, together"] = pronounce(first, entries)
    alone = {
        language: load_family(family, folder)
        for language, family in ALONE.items()
    }
    said["of one language, else of all"] = pronounce_by_language(
        alone, first, entries
    )
    combined = {
        language: CombinedG2P([g2p, first]) for language, g2p in alone.items()
    }
    said["both combined"] = pronounce_by_language(combined, first, entries)
    runs = [run for each in FAMILIES.values() for run in each.runs(folder)]
    result = {
        "machine": describe_machine(),
        "wanted": WANTED,
        "runs": {run.name: summarize(run) for run in runs},
        "wer": {
            name: rates_by_language(score(entries, each))
            for name, each in said.items()
        },
        "monotonic_against_softmax": compare(
            entries, said["monotonic, seed 1"], said["softmax, seed 1"]
        ),
    }
    STORED.write_text(json.dumps(result, indent=1) + "\n")
    print_table(result["wer"])
    for language, figures in result["monotonic_against_softmax"].items():
        print(f"{language:12}{figures}")


def pronounce_by_language(
    models: Mapping[str, Union[G2P, CombinedG2P]], other: G2P, entries: Entries
) -> Pronunciations:
    """What the model of its language says of each word; the other one, where
    there is none."""
    rows: Dict[str, List[int]] = {}
    for row, entry in enumerate(entries):
        rows.setdefault(entry["language"], []).append(row)
    said: Pronunciations = [[] for _ in entries]
    for language, places in rows.items():
        g2p = models.get(language, other)
        found = pronounce(g2p, [entries[row] for row in places])
        for row, phonemes in zip(places, found):
            said[row] = phonemes
    return said


def rates_by_language(figures: Dict[str, Any]) -> Dict[str, float]:
    """WER of every language, and the mean of each size."""
    rates = {}
    for size, languages in LANGUAGES.items():
        wers = {each: figures[f"wer_{each}"] for each in languages.split()}
        rates |= {**wers, size: sum(wers.values()) / len(wers)}
    return rates


def compare(
    entries: Entries, monotonic: Pronunciations, softmax: Pronunciations
) -> Dict[str, Dict[str, float]]:
    """Words of every language that only one of two models gets right, and how
    probable so unequal a share were if these two were as good (McNemar's exact
    test); other seeds make other models."""
    only = {each: [0, 0] for each in " ".join(LANGUAGES.values()).split()}
    for entry, *said in zip(entries, monotonic, softmax):
        is_right = [each in entry["pronunciations"] for each in said]
        if is_right[0] != is_right[1]:
            only[entry["language"]][is_right[1]] += 1
    return {
        language: {
            "only_monotonic": counts[0],
            "only_softmax": counts[1],
            # without any such word, nothing can be said
            "p": binomtest(counts[0], max(1, sum(counts))).pvalue,
        }
        for language, counts in only.items()
    }


def print_table(rates: Dict[str, Dict[str, float]]) -> None:
    """A column of each system, a row of each language."""
    columns = list(rates)
    print(f"{'':12}" + "".join(f"{name:>22}" for name in columns))
    for language in rates[columns[0]]:
        row = "".join(f"{rates[name][language]:22.2f}" for name in columns)
        print(f"{language:12}{row}  {WANTED.get(language, '')}")


if __name__ == "__main__":
    main()
