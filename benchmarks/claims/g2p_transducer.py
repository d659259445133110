#!/usr/bin/env python3
"""What error rates has a joint n-gram transducer on the same words?

Trains Phonetisaurus (Novak, Minematsu, Hirose: "Phonetisaurus: Exploring
grapheme-to-phoneme conversion with joint n-gram models in the WFST framework",
NLE 2016) with its own settings on the training words of a lexicon folder that
a G2P run has built, and scores its best hypotheses as the recipes score theirs.
Published figures are of other splits; this says how hard a split is. Prints a
table, and stores everything under ``results/``.

> pip install phonetisaurus
> python -m benchmarks.claims.g2p_transducer cmudict=results/corpus/cmudict-HASH
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness.g2p_rates import format_rates
from benchmarks.harness.machine import describe_machine
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.metrics.phonemes import PhonemeErrorRates

STORED = Path(__file__).parents[1] / "results" / "g2p_transducer.json"


def main() -> None:
    """Train, score, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("lexicons", nargs="+", metavar="NAME=FOLDER")
    arguments = parser.parse_args()
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    for lexicon in arguments.lexicons:
        name, folder = lexicon.split("=", 1)
        figures = measure(Path(folder))
        stored[name] = {**figures, "machine": describe_machine()}
        STORED.write_text(json.dumps(stored, indent=1) + "\n")
        for split, stats in figures["scores"].items():
            print(f"{name}, {split}: {format_rates(stats)}")


def measure(folder: Path) -> dict[str, Any]:
    """Train on the training words, and score the others."""
    manifests = load_manifests(folder)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model.fst"
        import phonetisaurus

        phonetisaurus.train(
            {
                entry["word"]: entry["pronunciations"]
                for entry in manifests["train"].values()
            },
            model,
        )
        minutes = (time.monotonic() - start) / 60
        scores = {
            split: score(list(manifests[split].values()), model)
            for split in ("valid", "test")
            if manifests[split]
        }
    return {"training_minutes": minutes, "scores": scores}


def score(entries: list[dict[str, Any]], model: Path) -> dict[str, float]:
    """Error rates of the best hypotheses; none is wrong, too."""
    words = [entry["word"] for entry in entries]
    import phonetisaurus

    said = dict(phonetisaurus.predict(words, model))
    rates = PhonemeErrorRates()
    rates.append(
        words,
        [said.get(word, []) for word in words],
        [entry["pronunciations"] for entry in entries],
    )
    return rates.summarize()


if __name__ == "__main__":
    main()
