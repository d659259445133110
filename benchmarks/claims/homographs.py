#!/usr/bin/env python3
"""How often is a word that is said in several ways said in the right one?

``benchmarks/harness/homographs_test.tsv`` has 100 sentences, each with a word
and how it is said there; the rules (`sb_sma.data.text.english.homographs`) were
written with the sentences of ``homographs_dev.tsv`` at hand, and not with
these. Prints every word that is said otherwise, beside what the lexicon has
first, and stores everything under ``results/``.

> python -m benchmarks.claims.homographs
"""

import argparse
import json
from pathlib import Path
from typing import Any

from sb_sma.data.lexicon.cmudict import Cmudict
from sb_sma.data.text.pronounce import Pronouncer

STORED = Path(__file__).parents[1] / "results" / "homographs.json"
LISTS = Path(__file__).parents[1] / "harness"
# two spellings of the same sound
_REDUCED = {"IH0": "AH0"}


def main() -> None:
    """Read, compare, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
    results = {
        name: measure(LISTS / f"homographs_{name}.tsv")
        for name in ("dev", "test")
    }
    STORED.write_text(json.dumps(results, indent=1) + "\n")
    for name, figures in results.items():
        for error in figures["errors"]:
            print("{word}: {said}, not {expected}: {sentence}".format(**error))
        print(
            f"{name}: {figures['right']} of {figures['sentences']} right; the "
            f"lexicon's first entry: {figures['first_entry_right']}"
        )


def measure(path: Path) -> dict[str, Any]:
    """Say the word of every sentence, and compare."""
    lexicon = Cmudict()
    pronouncer = Pronouncer(lexicon, lambda words: [["?"] for _ in words])
    errors, first_right, n_sentences = [], 0, 0
    for line in path.read_text(encoding="utf-8").splitlines():
        word, expected, sentence = line.split("\t")
        n_sentences += 1
        (said,) = (
            phonemes
            for spoken, phonemes in pronouncer.words(sentence)
            if spoken.lower() == word
        )
        if not is_same(said, expected.split()):
            errors.append(
                {
                    "word": word,
                    "said": " ".join(said),
                    "expected": expected,
                    "sentence": sentence,
                }
            )
        first_right += is_same(lexicon[word][0], expected.split())
    return {
        "sentences": n_sentences,
        "right": n_sentences - len(errors),
        "first_entry_right": first_right,
        "errors": errors,
    }


def is_same(said: Any, expected: Any) -> bool:
    """Whether two pronunciations differ in the kind of a reduced vowel at most."""
    one, other = (
        [_REDUCED.get(phoneme, phoneme) for phoneme in phonemes]
        for phonemes in (said, expected)
    )
    return one == other


if __name__ == "__main__":
    main()
