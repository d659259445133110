"""One pronunciation beside another: stress, distance and edits.

A pronunciation is a sequence of phonemes, each a string.
"""

from collections.abc import Sequence

from speechbrain.utils.edit_distance import (
    EDIT_SYMBOLS,
    alignment,
    count_ops,
    op_table,
)


def find_nearest(
    hypothesis: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], int]:
    """Find the reference with the lowest edit distance.

    Arguments
    ---------
    hypothesis : sequence of str
        Phonemes; may be empty.
    references : sequence of sequences of str
        At least one pronunciation.

    Returns
    -------
    tuple of tuple of str and int
        The nearest reference (of several the longest, then the first), and its
        distance.

    Example
    -------
    >>> find_nearest("T AH M EY T".split(), ["T AH M EY T OW".split()])
    (('T', 'AH', 'M', 'EY', 'T', 'OW'), 1)
    """
    hypothesis = tuple(hypothesis)
    candidates = [tuple(reference) for reference in references]
    if hypothesis in candidates:
        return hypothesis, 0
    distances = [
        count_ops(op_table(reference, hypothesis)).total()
        for reference in candidates
    ]
    # min() keeps the first of several that are equal
    best = min(
        range(len(candidates)),
        key=lambda index: (distances[index], -len(candidates[index])),
    )
    return candidates[best], distances[best]


def list_edits(
    reference: Sequence[str], hypothesis: Sequence[str]
) -> list[tuple[str, str]]:
    """List what a shortest way from a reference to a hypothesis changes.

    Arguments
    ---------
    reference : sequence of str
        Phonemes.
    hypothesis : sequence of str
        Phonemes.

    Returns
    -------
    list of tuple of str and str
        Phoneme of the reference, and of the hypothesis, in their order. A
        deletion has ``""`` for the second, an insertion for the first.

    Example
    -------
    >>> list_edits("K AE T S".split(), "K AA T".split())
    [('AE', 'AA'), ('S', '')]
    """
    return [
        (
            "" if row is None else reference[row],
            "" if column is None else hypothesis[column],
        )
        for edit, row, column in alignment(op_table(reference, hypothesis))
        if edit != EDIT_SYMBOLS["eq"]
    ]
