"""Variants of one training, and how well each says the hard texts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.harness.hard_texts import (
    make_reference,
    read_hard_texts,
    refuse_known_texts,
    speak_hard_texts,
    summarize_bad_cases,
)
from benchmarks.harness.models import count_parameters
from benchmarks.harness.training_run import read_cost, summarize_history, train
from sb_sma.inference import TTS

TEST_FIGURES = ("within_one", "line_within_one", "exact", "line_exact")


class Decoding(NamedTuple):
    """How a text is spoken."""

    mode: str = "soft"
    attention_window: list[int] | None = None


SOFT = {"soft": Decoding()}
SOFT_AND_HARD = {**SOFT, "hard": Decoding("hard")}


class Variant(NamedTuple):
    """What is trained, and how it is decoded."""

    overrides: Mapping[str, Any]
    decodings: Mapping[str, Decoding] = SOFT

    @property
    def flags(self) -> Sequence[str]:
        """The overrides on the command line."""
        return [f"--{k}={json.dumps(v)}" for k, v in self.overrides.items()]


@dataclass(frozen=True)
class Experiment:
    """Trainings that differ in what their variants override.

    Arguments
    ---------
    command : sequence of str
        Script, YAML and the overrides of all, relative to the repository.
    variants : dict of str to Variant
        By name.
    folder : Path
        Of the runs.
    corpus : Path, optional
        That all of them learn from. Default: each has its own.
    device : str
        Where the texts are spoken.
    """

    command: Sequence[str]
    variants: Mapping[str, Variant]
    folder: Path
    corpus: Path | None = None
    device: str = "cpu"

    def folder_of(self, name: str) -> Path:
        """Return where a variant is trained."""
        return self.folder / name.replace(", ", "-").replace(" ", "_")

    def train(
        self,
        names: Iterable[str],
        at_a_time: int = 1,
        n_threads: int | None = None,
    ) -> None:
        """Train variants.

        Arguments
        ---------
        names : iterable of str
            Which.
        at_a_time : int
            How many at once.
        n_threads : int, optional
            Of each. Default: as many as PyTorch takes.
        """
        with ThreadPoolExecutor(at_a_time) as pool:
            runs = [
                pool.submit(
                    train,
                    [*self.command, *self.variants[name].flags],
                    self.folder_of(name),
                    self.corpus or self.folder_of(name) / "corpus",
                    n_threads=n_threads,
                )
                for name in names
            ]
            for run in runs:
                run.result()

    def measure(
        self, name: str, folder: Path | None = None
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Let a variant that has been trained say the hard texts.

        Arguments
        ---------
        name : str
            Which.
        folder : Path, optional
            Of its run. Default: where it is trained here.

        Returns
        -------
        figures : dict of str to object
            What the training cost, held-out figures, and the bad cases of each
            way to decode.
        spoken : list of dict
            The texts in the first of these ways, as of `speak_hard_texts`.
        """
        folder = folder or self.folder_of(name)
        texts = read_hard_texts()
        refuse_known_texts(self.corpus.parent if self.corpus else folder, texts)
        references = [make_reference(text).to(self.device) for text in texts]
        tts = TTS.from_hparams(
            source=str(folder / "model"), run_opts={"device": self.device}
        )
        decoding = tts.hparams.decoding
        spoken = {}
        for label, way in self.variants[name].decodings.items():
            tts.hparams.decoding = replace(
                decoding, attention_window=way.attention_window
            )
            spoken[label] = speak_hard_texts(tts, texts, references, way.mode)
        figures = {
            "overrides": dict(self.variants[name].overrides),
            "parameters": count_parameters(tts.mods.model),
            **read_cost(folder),
            **summarize_history(folder),
            "n_hard_texts": len(texts),
            "bad_cases": {
                label: summarize_bad_cases(items)
                for label, items in spoken.items()
            },
        }
        return figures, next(iter(spoken.values()))


def print_figures(name: str, figures: Mapping[str, Any]) -> None:
    """Print what `Experiment.measure` found.

    Arguments
    ---------
    name : str
        Of the variant.
    figures : dict of str to object
        The first that it returns.
    """
    print(f"\n{name}: {figures['training_minutes']:.1f} minutes")
    print(f"  wall minutes: {figures['wall_minutes']:.2f}")
    print(f"  peak memory: {figures['peak_memory_gib']:.2f} GiB")
    reached = figures["minutes_to_99_percent"]
    print(f"  minutes to 99 % of valid frames within one: {reached}")
    for key in TEST_FIGURES:
        print(f"  test {key}: {figures['test'][key]:.4f}")
    for label, bad in figures["bad_cases"].items():
        print(
            f"  bad cases, {label}: {bad['count']} of "
            f"{figures['n_hard_texts']}, median mel distance "
            f"{bad['median_distance']:.3f}"
        )
        for kind, count in bad["kinds"].items():
            print(f"    {count} texts: {kind}")
