#!/usr/bin/env python3
"""How well can English words be pronounced, and how well by a small model?

On the English of the SIGMORPHON 2021 shared task, whose development words are
scored; its test files are kept aside. Trains, by commands of the recipe:

- members: models of the training file alone, which differ in their seed;
- backwards: the same, but that it reads and says words from their end;
- translators: models that also read what CMUdict says of a word (graphemes:
  hinted). Asked together, they translate CMUdict into the phonemes of the
  shared task: ``lexicon/eng_us_train.tsv``;
- backwards_translators: the same, but that they do so from its end;
- readers: a smaller model of the training file and of the translated lexicon,
  but for its words that the shared task has itself;
- distilled: a small and fast one, taught likewise;
- distilled_tuned: the same, after some epochs of the training file alone.

About half of the development words stand in CMUdict, which may be used by the
rules of the task. So the words inside and outside of it are also scored apart.
A system with the lexicon looks a word up, and asks models if it is not there.
Models are also combined (`CombinedG2P`), with and without analogy with the words
of the training file: the members with the one that works backwards, which are
the best outside CMUdict; and the translators, which are the best inside, with
the readers.

What is in the folder is not trained again. Prints a table, and stores
everything under ``results/``.

> python -m benchmarks.claims.g2p_english --shared_task=DIR
> OMP_NUM_THREADS=1 python -m benchmarks.claims.g2p_english --shared_task=DIR --only members
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.claims.g2p_quality import summarize
from benchmarks.harness.g2p_families import (
    Family,
    load_family,
    make_parser,
    pronounce_by_all,
    train_family,
)
from benchmarks.harness.g2p_score import (
    Entries,
    Pronunciations,
    load_entries,
    print_rates,
    pronounce,
    score,
)
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.models import count_parameters
from benchmarks.harness.timing import median, time_in_turn
from sb_sma.cli import main as sb_sma
from sb_sma.data.lexicon.cmudict import find_cmudict
from sb_sma.data.lexicon.read import read_pronunciations
from sb_sma.inference import G2P
from sb_sma.inference.g2p.analogy import Analogy
from sb_sma.inference.g2p.rescoring import CombinedG2P

STORED = Path(__file__).parents[1] / "results" / "g2p_english.json"
LEXICON = "lexicon/eng_us_train.tsv"
ALONE, TAUGHT = "alone", "taught"
LARGE = ["--encoder_layers=4", "--dropout=0.2"]
MEMBERS = Family(
    "members", [1, 2, 3, 4], [*LARGE, "--number_of_epochs=22"], ALONE
)
BACKWARDS = Family(
    "backwards", [6], [*MEMBERS.flags, "--backwards=True"], ALONE
)
TRANSLATORS = Family(
    "translators",
    [11, 12],
    [
        *[*LARGE, "--number_of_epochs=16", "--moves_per_query=3"],
        *["--graphemes=hinted", "--hint_lexicon=cmudict"],
    ],
    ALONE,
)
BACKWARDS_TRANSLATORS = Family(
    "backwards_translators",
    [13],
    [*TRANSLATORS.flags, "--backwards=True"],
    ALONE,
)
READERS = Family(
    "readers",
    [31],
    [
        *["--d_model=128", "--d_ffn=512", "--dropout=0.05"],
        *["--encoder_layers=3", "--decoder_layers=1"],
        *["--batch_words=256", "--number_of_epochs=14"],
    ],
    TAUGHT,
)
SMALL = [
    *["--d_model=128", "--d_ffn=512"],
    *["--encoder_layers=2", "--decoder_layers=1"],
]
DISTILLED = Family(
    "distilled",
    [33],
    [
        *[*SMALL, "--dropout=0.05"],
        *["--batch_words=256", "--number_of_epochs=16"],
    ],
    TAUGHT,
)
DISTILLED_TUNED = Family(
    "distilled_tuned",
    [1],
    [*SMALL, "--dropout=0.1", "--lr=0.0005", "--number_of_epochs=6"],
    ALONE,
    initial="distilled_33",
)
FAMILIES = {
    family.name: family
    for family in (
        *[MEMBERS, BACKWARDS, TRANSLATORS, BACKWARDS_TRANSLATORS],
        *[READERS, DISTILLED, DISTILLED_TUNED],
    )
}
INSIDE = "all translators, readers and analogy"
OUTSIDE = "members, backwards and analogy"
ALL_TRANSLATORS = [TRANSLATORS, BACKWARDS_TRANSLATORS]
# which families, and whether analogy weighs, too
COMBINED = {
    "members and analogy": ([MEMBERS], True),
    "members and backwards": ([MEMBERS, BACKWARDS], False),
    OUTSIDE: ([MEMBERS, BACKWARDS], True),
    "members, backwards and readers": ([MEMBERS, BACKWARDS, READERS], False),
    "members, backwards, readers and analogy": (
        [MEMBERS, BACKWARDS, READERS],
        True,
    ),
    "translators and readers": ([TRANSLATORS, READERS], False),
    "all translators and readers": ([*ALL_TRANSLATORS, READERS], False),
    INSIDE: ([*ALL_TRANSLATORS, READERS], True),
}


def main() -> None:
    """Train what is missing, score, time, print and store."""
    parser = make_parser(__doc__, FAMILIES, "g2p_english")
    parser.add_argument("--rounds", type=int, default=15, help="of timing")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    for name, family in FAMILIES.items():
        if arguments.only in (None, name):
            lexicon = None
            if family.corpus == TAUGHT:
                lexicon = translate_once(folder).parent
            train_family(
                family,
                arguments.shared_task,
                folder,
                arguments.precision,
                lexicon,
            )
    if arguments.only is None:
        measure(folder, arguments.rounds)


def measure(folder: Path, rounds: int) -> None:
    """Score, time, print and store."""
    entries = load_entries(folder / "corpus" / ALONE, "valid")
    lexicon = read_pronunciations(folder / LEXICON)
    said: dict[str, Pronunciations] = {}
    for family in FAMILIES.values():
        for name, each in pronounce_by_all(family, folder, entries).items():
            said[name] = each
            if family not in ALL_TRANSLATORS:
                said[f"lexicon, else {name}"] = look_up(lexicon, entries, each)
    cmudict = read_pronunciations(find_cmudict())
    analogy = Analogy(
        {
            entry["word"]: entry["pronunciations"]
            for entry in load_entries(folder / "corpus" / ALONE, "train")
        }
    )
    for name, (families, has_analogy) in COMBINED.items():
        models = [load_family(family, folder) for family in families]
        g2p = CombinedG2P(models, analogy if has_analogy else None)
        said[name] = pronounce(g2p, entries)
    said["by whether CMUdict has the word"] = [
        said[INSIDE if entry["word"].lower() in cmudict else OUTSIDE][row]
        for row, entry in enumerate(entries)
    ]
    runs = [run for each in FAMILIES.values() for run in each.runs(folder)]
    timed = [each.runs(folder)[0] for each in (DISTILLED_TUNED, MEMBERS)]
    result = {
        "machine": describe_machine(),
        "runs": {run.name: summarize(run) for run in runs},
        "scores": {
            name: score(entries, each, cmudict) for name, each in said.items()
        },
        "threads": torch.get_num_threads(),
        "greedy": measure_size_and_speed(timed, entries, rounds),
    }
    STORED.write_text(json.dumps(result, indent=1) + "\n")
    for name, figures in result["scores"].items():
        print_rates(name, figures)
    print(json.dumps(result["greedy"], indent=1))


def translate_once(folder: Path) -> Path:
    """Let the translators say every word of CMUdict that they can read; returns
    the lexicon."""
    lexicon = folder / LEXICON
    if lexicon.exists():
        return lexicon
    words = read_pronunciations(find_cmudict())
    lexicon.parent.mkdir(parents=True, exist_ok=True)
    list_of_words = lexicon.with_name("words.txt")
    list_of_words.write_text("\n".join(words) + "\n", encoding="utf-8")
    models = [str(run / "model") for run in TRANSLATORS.runs(folder)]
    files = ["--input", str(list_of_words), "--output", str(lexicon)]
    if sb_sma(["g2p", "--model", *models, *files]):
        raise RuntimeError("the lexicon could not be translated")
    return lexicon


def look_up(
    lexicon: dict[str, Any], entries: Entries, said: Pronunciations
) -> Pronunciations:
    """Say a word as the lexicon does, or, where it lacks it, the models."""
    return [
        list(lexicon[entry["word"]][0]) if entry["word"] in lexicon else each
        for entry, each in zip(entries, said)
    ]


def measure_size_and_speed(
    runs: list[Path], entries: Entries, rounds: int
) -> dict[str, Any]:
    """Return parameters and words per second of models, greedy, in turn."""
    models = {
        (run.name, precision): G2P.from_hparams(
            source=str(run / "model"), run_opts={"precision": precision}
        )
        for run in runs
        for precision in ("fp32", "bf16")
    }
    words = [entry["word"] for entry in entries]
    seconds = time_in_turn(
        {key: partial(g2p, words, beam_size=1) for key, g2p in models.items()},
        rounds,
    )
    sizes: dict[str, Any] = {}
    for (name, precision), g2p in models.items():
        figures = sizes.setdefault(
            name, {"parameters": count_parameters(g2p.mods.model)}
        )
        said = g2p(words, beam_size=1)
        figures[precision] = {
            "words_per_second": median(
                [len(words) / spent for spent in seconds[name, precision]]
            ),
            "wer": score(entries, said)["wer"],
        }
    return sizes


if __name__ == "__main__":
    main()
