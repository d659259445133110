"""Dynamic time warping (Sakoe, Chiba: IEEE Trans. ASSP 26(1), 1978)."""

import numpy as np


def cost_of_best_path(cost: np.ndarray, bending_cost: float = 0.0) -> float:
    """Total cost of the cheapest path from corner to corner.

    The path advances by one row, one column or both. Each cell adds its cost,
    and each move that is not diagonal adds the cost of bending the time.

    Arguments
    ---------
    cost : np.ndarray
        Cost of each pair of frames, (M, N), at least one of each.
    bending_cost : float
        Added for every move along one axis only.

    Returns
    -------
    total : float
        The sum along the path.

    Example
    -------
    >>> cost = np.array([[0.0, 1.0], [5.0, 0.0], [9.0, 0.5]])
    >>> cost_of_best_path(cost), cost_of_best_path(cost, bending_cost=2.0)
    (0.5, 2.5)
    """
    n_rows, n_columns = cost.shape
    # entry i + 1 of a diagonal d belongs to the cell (i, d - i)
    before_last, last = np.full((2, n_rows + 1), np.inf)
    for diagonal in range(n_rows + n_columns - 1):
        rows = np.arange(
            max(0, diagonal - n_columns + 1), min(diagonal, n_rows - 1) + 1
        )
        best = np.minimum(
            before_last[rows],
            np.minimum(last[rows], last[rows + 1]) + bending_cost,
        )
        total = np.full(n_rows + 1, np.inf)
        total[rows + 1] = cost[rows, diagonal - rows]
        if diagonal > 0:
            total[rows + 1] += best
        before_last, last = last, total
    return float(last[n_rows])
