"""Dynamic time warping (Sakoe, Chiba: IEEE Trans. ASSP 26(1), 1978)."""

import numpy as np


def mean_cost_of_best_path(cost: np.ndarray) -> float:
    """Mean cost along the cheapest path from corner to corner.

    The path advances by one row, one column or both; its cost is the sum over
    its cells, and among equally cheap moves the diagonal is taken.

    Arguments
    ---------
    cost : np.ndarray
        Cost of each pair of frames, (M, N), at least one of each.

    Returns
    -------
    mean : float
        The sum along the path over its number of cells.

    Example
    -------
    >>> mean_cost_of_best_path(np.array([[0.0, 5.0], [5.0, 2.0]]))
    1.0
    """
    n_rows, n_columns = cost.shape
    nowhere = np.full(n_rows + 1, np.inf)
    no_cells = np.zeros(n_rows + 1)
    # entry i + 1 of a diagonal d belongs to the cell (i, d - i)
    before_last, last = (nowhere, no_cells), (nowhere, no_cells)
    for diagonal in range(n_rows + n_columns - 1):
        rows = np.arange(
            max(0, diagonal - n_columns + 1), min(diagonal, n_rows - 1) + 1
        )
        totals = np.stack(
            (before_last[0][rows], last[0][rows], last[0][rows + 1])
        )
        lengths = np.stack(
            (before_last[1][rows], last[1][rows], last[1][rows + 1])
        )
        if diagonal == 0:
            totals[:] = 0.0
        best = totals.argmin(axis=0)[None]
        total, length = nowhere.copy(), no_cells.copy()
        total[rows + 1] = (
            np.take_along_axis(totals, best, axis=0)[0]
            + cost[rows, diagonal - rows]
        )
        length[rows + 1] = np.take_along_axis(lengths, best, axis=0)[0] + 1
        before_last, last = last, (total, length)
    return float(last[0][n_rows] / last[1][n_rows])
