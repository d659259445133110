#!/usr/bin/env python3
"""Which error rates have exported G2P models, alone and together?

Scores the held-out words of a lexicon folder that a G2P run has built, as the
recipes do: words with letters that a model cannot read count as wrong. With
several models, all of them together (`G2P.join`) come last. Prints a table, and
stores it if a file is given.

> python benchmarks/g2p_score.py --corpus DIR --models ONE/model OTHER/model
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

from g2p_rates import format_rates
from machine import describe_machine

from sb_sma.data.corpus import load_manifests
from sb_sma.inference import G2P
from sb_sma.metrics.phonemes import PhonemeErrorRates


def main() -> None:
    """Score, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--models", nargs="+", required=True)
    parser.add_argument("--split", default="valid", choices=["valid", "test"])
    parser.add_argument("--beam_size", type=int)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    entries = list(load_manifests(arguments.corpus)[arguments.split].values())
    figures: Dict[str, Any] = {"machine": describe_machine(), "models": {}}
    for name, g2p in load_models(arguments.models):
        rates = score(g2p, entries, arguments.beam_size)
        figures["models"][name] = rates
        print(f"{name}: {format_rates(rates)}")
        for key, rate in rates.items():
            if key.startswith("wer_"):
                print(f"  {key.removeprefix('wer_'):12}{rate:8.2f}")
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(figures, indent=1) + "\n")


def load_models(sources: List[str]) -> Iterator[Tuple[str, G2P]]:
    """Each model, and then all together."""
    models = [G2P.from_hparams(source=source) for source in sources]
    for number, g2p in enumerate(models, start=1):
        yield f"model {number}", g2p
    if len(models) > 1:
        models[0].join(models[1:])
        yield "together", models[0]


def score(
    g2p: G2P, entries: List[Dict[str, Any]], beam_size: int
) -> Dict[str, float]:
    """Error rates of a split, which may have several languages."""
    read, readable, unreadable = [], [], []
    for entry in entries:
        try:
            read.append(g2p.encode(entry["word"], entry["language"]))
            readable.append(entry)
        except ValueError:
            unreadable.append(entry)
    found = g2p.decode(read, beam_size=beam_size)
    rates = PhonemeErrorRates()
    for part, said in (
        (readable, [best[0].phonemes for best in found]),
        (unreadable, [[] for _ in unreadable]),
    ):
        languages = [entry["language"] for entry in part]
        rates.append(
            [entry["word"] for entry in part],
            said,
            [entry["pronunciations"] for entry in part],
            languages if any(languages) else None,
        )
    return rates.summarize()


if __name__ == "__main__":
    main()
