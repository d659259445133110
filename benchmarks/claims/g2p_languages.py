#!/usr/bin/env python3
"""Twenty languages: one model of all, one for each, or both? And where does
monotonic attention help?

The languages of the SIGMORPHON 2021 shared task with 8,000 words (medium) and
with 800 (low), whose development words are scored; its test files are kept
aside. Trains, by commands of the recipe, models

- of all languages: with stepwise monotonic heads beside softmax heads, with
  softmax heads only, and a larger one with monotonic heads;
- of the ten languages with 800 words, with and without words spliced together;
- of one language with 8,000 words, where those of all do worst;
- of one language that start from those of all.

Those that read words alike are joined, and combined with the others; then also
with analogy to the training words of the language.

What is in the folder is not trained again. Prints a table, and stores
everything under ``results/``.

> python -m benchmarks.claims.g2p_languages --shared_task=DIR
> OMP_NUM_THREADS=1 python -m benchmarks.claims.g2p_languages --shared_task=DIR --only softmax
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from benchmarks.claims.g2p_quality import summarize
from benchmarks.harness.g2p_families import (
    Family,
    load_family,
    make_parser,
    train_family,
)
from benchmarks.harness.g2p_score import (
    Entries,
    Pronunciations,
    load_entries,
    pronounce,
    score,
)
from benchmarks.harness.machine import describe_machine
from sb_sma.inference import G2P
from sb_sma.inference.g2p.rescoring import CombinedG2P, add_analogy

STORED = Path(__file__).parents[1] / "results" / "g2p_languages.json"
LANGUAGES = {
    "medium": "arm_e bul dut fre geo hbs_latn hun jpn_hira kor vie_hanoi",
    "low": "ady gre ice ita khm lav mlt_latn rum slv wel_sw",
}
WANTED = {"medium": 9.35, "low": 22.40}  # the task's baseline
EVERY = " ".join(LANGUAGES.values()).split()
LOW_LANGUAGES = LANGUAGES["low"].split()
TABLES = ["--decompose=True", "--n_graphemes=512", "--n_phonemes=384"]
SMALL = [*TABLES, "--d_model=128", "--d_ffn=512"]
PARENTS = {
    "monotonic": SMALL,
    "softmax": [*SMALL, "--attention_type=regularMHA"],
    "large": [*TABLES, "--encoder_layers=4"],
}
ALL = [f"--languages=[{','.join(EVERY)}]", "--language_balance=0.5"]
ALL_SMALL = [*ALL, "--batch_words=256", "--number_of_epochs=20"]
ALL_LARGE = [*ALL, "--dropout=0.2", "--number_of_epochs=16"]
MULTILINGUAL = [
    Family(name, [1], [*flags, *PARENTS[name]], "languages")
    for name, flags in (
        ("monotonic", ALL_SMALL),
        ("softmax", ALL_SMALL),
        ("large", ALL_LARGE),
    )
]
LOW = [
    f"--languages=[{','.join(LOW_LANGUAGES)}]",
    *[*SMALL, "--dropout=0.3", "--batch_words=64", "--average_decay=0.999"],
]
LOW_ONLY = (
    Family("low", [1], [*LOW, "--number_of_epochs=40"], "low"),
    # as many words in all
    Family(
        "spliced",
        [1],
        [*LOW, "--spliced_words=2000", "--number_of_epochs=12"],
        "spliced",
    ),
)
ALONE = {
    language: Family(
        f"alone_{language}",
        [1],
        [
            *[f"--languages={language}", "--decompose=True"],
            *["--encoder_layers=4", "--dropout=0.2"],
            *["--batch_words=64", "--number_of_epochs=22"],
        ],
        language,
    )
    for language in "arm_e bul dut fre hbs_latn hun jpn_hira kor".split()
}
# the accents of a word's stem have to be known
LONGER = {
    "hbs_latn": Family(
        "longer_hbs_latn",
        [2],
        [
            *["--languages=hbs_latn", "--decompose=True", "--encoder_layers=4"],
            *["--dropout=0.3", "--batch_words=64", "--number_of_epochs=44"],
        ],
        "hbs_latn",
    )
}
BACKWARDS = {
    "kor": Family(
        "backwards_kor", [1], [*ALONE["kor"].flags, "--backwards=True"], "kor"
    )
}
TUNING = {
    "medium": {
        "batch_words": 64,
        "lr": 0.001,
        "number_of_epochs": 16,
        "dropout": 0.2,
    },
    "low": {
        "batch_words": 32,
        "lr": 0.0005,
        "number_of_epochs": 12,
        "dropout": 0.3,
    },
}
TUNING_OF_ONE = {"hbs_latn": {"number_of_epochs": 32}, "kor": {"dropout": 0.1}}


def tune(
    name: str,
    parent: str,
    languages: Iterable[str],
    seed: int = 1,
    **changes: float,
) -> dict[str, Family]:
    """Return families of one language that start from a model of all languages."""
    families = {}
    for language in languages:
        size = "low" if language in LOW_LANGUAGES else "medium"
        settings = {
            **TUNING[size],
            **TUNING_OF_ONE.get(language, {}),
            **changes,
        }
        families[language] = Family(
            f"{name}_{language}",
            [seed],
            [
                f"--languages={language}",
                *PARENTS[parent],
                *(f"--{key}={value}" for key, value in settings.items()),
            ],
            language,
            initial=f"{parent}_1",
        )
    return families


TUNED = {
    "large": tune("tuned_large", "large", [*ALONE, *LOW_LANGUAGES]),
    "large, longer": tune(
        "tuned_longer",
        "large",
        LOW_LANGUAGES,
        seed=2,
        lr=0.001,
        number_of_epochs=24,
    ),
    "softmax": tune("tuned_softmax", "softmax", LOW_LANGUAGES),
    "monotonic": tune("tuned_monotonic", "monotonic", LOW_LANGUAGES),
}
FAMILIES = {
    family.name: family
    for family in (
        *[*MULTILINGUAL, *LOW_ONLY, *ALONE.values(), *LONGER.values()],
        *BACKWARDS.values(),
        *[family for each in TUNED.values() for family in each.values()],
    )
}
# of every language that a system has
Models = Mapping[str, G2P | CombinedG2P]


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
    said: dict[str, Pronunciations] = {}
    rates = {}
    for name, models in list_systems(folder):
        said[name] = pronounce_by_language(models, entries)
        figures = score(entries, said[name])
        rates[name] = with_means(
            {each: figures[f"wer_{each}"] for each in models}
        )
    # chosen by the very words that are scored
    rates["best of each language"] = with_means(
        {
            language: min(
                each[language] for each in rates.values() if language in each
            )
            for language in EVERY
        }
    )
    runs = [run for each in FAMILIES.values() for run in each.runs(folder)]
    result = {
        "machine": describe_machine(),
        "wanted": WANTED,
        "runs": {run.name: summarize(run) for run in runs},
        "wer": rates,
        "monotonic_against_softmax": compare(
            entries, said["monotonic"], said["softmax"]
        ),
    }
    STORED.write_text(json.dumps(result, indent=1) + "\n")
    print_table(rates)
    for language, figures in result["monotonic_against_softmax"].items():
        print(f"{language:12}{figures}")


def with_means(rates: dict[str, float]) -> dict[str, float]:
    """Return rates of languages, and their means where they are complete."""
    means = {}
    for size, languages in LANGUAGES.items():
        wers = [rates.get(each) for each in languages.split()]
        if None not in wers:
            means[size] = sum(wers) / len(wers)
    return {**rates, **means}


def list_systems(folder: Path) -> Iterator[tuple[str, Models]]:
    """Every system by its name; it holds until the next one is asked for."""
    multilingual = []
    for family in MULTILINGUAL:
        multilingual.append(load_family(family, folder))
        yield family.name, dict.fromkeys(EVERY, multilingual[-1])
    for family in LOW_ONLY:
        g2p = load_family(family, folder)
        yield family.name, dict.fromkeys(LOW_LANGUAGES, g2p)
    alone = load_each(ALONE, folder)
    yield "alone", alone
    first, *others = multilingual
    first.join(others)
    joined = dict.fromkeys(EVERY, first)
    yield "joined", joined
    tuned = {}
    for parent, families in TUNED.items():
        tuned[parent] = load_each(families, folder)
        yield f"{parent}, tuned", tuned[parent]
    for language in LOW_LANGUAGES:
        first, *others = (models[language] for models in tuned.values())
        first.join(others)
    best = {**joined, **tuned["large"]}
    yield "tuned, joined", best
    longer = load_each(LONGER, folder)
    yield "alone, longer", longer
    for language, g2p in longer.items():
        alone[language].join([g2p])
    backwards = load_each(BACKWARDS, folder)
    yield "backwards", backwards
    for language, g2p in alone.items():
        models = [backwards.get(language), g2p, best[language]]
        best[language] = CombinedG2P([each for each in models if each])
    yield "alone and tuned, combined", best
    corpus = load_entries(folder / "corpus" / "languages", "train")
    lexicons: dict[str, dict[str, Any]] = {language: {} for language in EVERY}
    for entry in corpus:
        lexicons[entry["language"]][entry["word"]] = entry["pronunciations"]
    yield (
        "with analogy",
        {
            language: add_analogy(g2p, lexicons[language])
            for language, g2p in best.items()
        },
    )


def load_each(
    families: Mapping[str, Family], folder: Path
) -> dict[str, G2P | CombinedG2P]:
    """Return the models of every language that has a family."""
    return {
        language: load_family(family, folder)
        for language, family in families.items()
    }


def pronounce_by_language(models: Models, entries: Entries) -> Pronunciations:
    """Say each word by the model of its language, if there is one."""
    rows: dict[str, list[int]] = {}
    for row, entry in enumerate(entries):
        rows.setdefault(entry["language"], []).append(row)
    said: Pronunciations = [[] for _ in entries]
    for language, g2p in models.items():
        found = pronounce(g2p, [entries[row] for row in rows[language]])
        for row, phonemes in zip(rows[language], found):
            said[row] = phonemes
    return said


def compare(
    entries: Entries, monotonic: Pronunciations, softmax: Pronunciations
) -> dict[str, dict[str, float]]:
    """Return words of every language that only one of two models gets right, and how
    probable so unequal a share were if these two were as good (McNemar's exact
    test); other seeds make other models."""
    only = {language: [0, 0] for language in EVERY}
    for entry, *said in zip(entries, monotonic, softmax):
        is_right = [each in entry["pronunciations"] for each in said]
        if is_right[0] != is_right[1]:
            only[entry["language"]][is_right[1]] += 1
    return {
        language: {
            "only_monotonic": counts[0],
            "only_softmax": counts[1],
            # without any such word, nothing can be said
            "p": float(binomtest(counts[0], max(1, sum(counts))).pvalue),
        }
        for language, counts in only.items()
    }


def print_table(rates: dict[str, dict[str, float]]) -> None:
    """Return a column of each system, a row of each language and size."""
    print(f"{'':12}" + "".join(f"{name:>18}" for name in rates))
    for line in (*EVERY, *LANGUAGES):
        row = [
            f"{each[line]:.2f}" if line in each else ""
            for each in rates.values()
        ]
        print(f"{line:12}" + "".join(f"{each:>18}" for each in row))


if __name__ == "__main__":
    main()
