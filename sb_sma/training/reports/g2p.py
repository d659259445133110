"""The page that every grapheme-to-phoneme run ends with."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from sb_sma.metrics.bad_cases import format_verdict
from sb_sma.metrics.phonemes import PhonemeErrorRates, WordScore
from sb_sma.metrics.pronunciation import list_edits
from sb_sma.plots.g2p_figures import plot_confusions, plot_errors_by_length
from sb_sma.training.reports.page import Example, Table, write_report
from sb_sma.training.reports.shared import (
    describe_command,
    describe_versions,
    draw_history,
)

_SHOWN_CURVES = ("phoneme_loss", "guided_loss", "wer", "per")
_MEANINGS = {
    "wer": "words whose best hypothesis equals none of the references",
    "per": "edit distance to the nearest reference, over its length",
    "wer_no_stress": "the same words, marks of stress left out on both sides",
    "per_no_stress": "the same phonemes, marks of stress left out",
    "wer_macro": "mean of the languages' WER, each counting the same",
    "per_macro": "mean of the languages' PER",
}
_NAMES = {
    "wer_no_stress": "WER without stress",
    "per_no_stress": "PER without stress",
    "wer_macro": "WER over languages",
    "per_macro": "PER over languages",
}
_N_CONFUSIONS = 10
_N_WRONG = 20
_N_WORST = 5
_NOTHING = "(none)"


def write_g2p_report(
    output_folder: str | Path,
    model_folder: str | Path,
    test_name: str,
    rates: PhonemeErrorRates,
    alignment_figures: Mapping[tuple[str, str], Figure],
    history: Sequence[Mapping[str, Any]],
) -> Path:
    """Show how well a test set was pronounced, and where it was not.

    Arguments
    ---------
    output_folder : str or Path
        ``index.html`` goes here.
    model_folder : str or Path
        What was exported.
    test_name : str
        A few words that name the test set.
    rates : PhonemeErrorRates
        Scores of the whole test set.
    alignment_figures : mapping of (str, str) to Figure
        Alignment of some words of the test set, shown as examples; by word and
        language, which is empty where none was given.
    history : sequence of mapping
        Records of `sb_sma.training.history.History`.

    Returns
    -------
    path : Path
        The page.

    Raises
    ------
    ValueError
        If no word was scored, or an alignment belongs to none of the words.
    """
    summary = rates.summarize()
    without_stress = (
        f" Without stress, these are {summary['wer_no_stress']:.1f} % and "
        f"{summary['per_no_stress']:.1f} %."
        if "wer_no_stress" in summary
        else ""
    )
    after = (
        f" after {history[-1]['minutes']:.1f} minutes of training"
        if history
        else ""
    )
    confusions = rates.confusions()
    command = ["sb-sma", "g2p", "--model", str(model_folder)]
    return write_report(
        Path(output_folder) / "index.html",
        "Grapheme to phoneme",
        summary=(
            f"{summary['wer']:.1f} % of the {summary['n_words']:,} words of "
            f"{test_name} were pronounced wrongly{after}; the "
            f"phoneme error rate is {summary['per']:.1f} %.{without_stress}"
        ),
        metrics=_key_figures(summary),
        tables=_tables(rates, confusions),
        pictures=_pictures(rates, confusions),
        curves=draw_history(history, _SHOWN_CURVES),
        examples=_examples(rates, alignment_figures),
        command=describe_command(),
        versions=describe_versions(),
        usage=shlex.join([*command, "--input", "words.txt"])
        + " --output out.tsv",
    )


def _key_figures(summary: Mapping[str, float]) -> list[tuple[str, ...]]:
    return [
        (_NAMES.get(name, name.upper()), f"{summary[name]:.2f} %", meaning)
        for name, meaning in _MEANINGS.items()
        if name in summary
    ]


def _tables(
    rates: PhonemeErrorRates, confusions: Sequence[tuple[str, str, int]]
) -> list[Table]:
    """Those that have a row."""
    columns = ("words", "WER", "PER")
    pronunciations = ("word", "hypothesis", "nearest reference", "edits")
    tables = [
        Table(
            "Languages",
            ("language", *columns),
            _rate_rows(rates.by_language()),
        ),
        Table(
            "Length of the word, in letters",
            ("letters", *columns),
            _rate_rows(rates.by_length()),
        ),
        Table(
            f"Most frequent errors, {_NOTHING} where a phoneme was added or "
            "left out",
            ("reference", "hypothesis", "times"),
            [
                (old or _NOTHING, new or _NOTHING, f"{count:,}")
                for old, new, count in confusions[:_N_CONFUSIONS]
            ],
        ),
        Table(
            "Wrong words, evenly spread over all of them",
            pronunciations,
            _word_rows(rates.sample_wrong(_N_WRONG)),
        ),
        Table(
            "Furthest from their reference",
            pronunciations,
            _word_rows(rates.worst(_N_WORST)),
        ),
    ]
    return [table for table in tables if table.rows]


def _rate_rows(
    rows: Sequence[tuple[str, int, float, float]],
) -> list[tuple[str, ...]]:
    return [
        (name, f"{n_words:,}", f"{wer:.1f} %", f"{per:.1f} %")
        for name, n_words, wer, per in rows
    ]


def _word_rows(scores: Sequence[WordScore]) -> list[tuple[str, ...]]:
    return [
        (
            _name(score),
            " ".join(score.hypothesis) or _NOTHING,
            " ".join(score.reference),
            str(score.distance),
        )
        for score in scores
    ]


def _name(score: WordScore) -> str:
    return f"{score.word} ({score.language})" if score.language else score.word


def _pictures(
    rates: PhonemeErrorRates, confusions: Sequence[tuple[str, str, int]]
) -> list[Figure]:
    pictures = [plot_errors_by_length(rates.by_length())]
    if confusions:
        pictures.append(plot_confusions(confusions))
    return pictures


def _examples(
    rates: PhonemeErrorRates,
    alignment_figures: Mapping[tuple[str, str], Figure],
) -> list[Example]:
    """Return the words that have an alignment, with what is wrong with each."""
    scores = {(score.word, score.language): score for score in rates.scores}
    unknown = [word for word, _ in alignment_figures.keys() - scores.keys()]
    if unknown:
        raise ValueError(
            "alignment_figures must be of words that rates has scored; got "
            f"{', '.join(unknown)}. Score these words too."
        )
    return [
        Example(
            title=_name(scores[key]),
            text=f"hypothesis: {' '.join(scores[key].hypothesis)}\n"
            f"reference: {' '.join(scores[key].reference)}",
            figures=[figure],
            verdict=format_verdict(_faults(scores[key])),
        )
        for key, figure in alignment_figures.items()
    ]


def _faults(score: WordScore) -> list[str]:
    return [
        f"{old} is left out"
        if not new
        else f"{new} is added"
        if not old
        else f"{new} instead of {old}"
        for old, new in list_edits(score.reference, score.hypothesis)
    ]
