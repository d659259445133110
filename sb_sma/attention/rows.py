"""Rows of a batch that are hypotheses about items.

Rows lie in the order of their items. Computing rows alone is fast where every
row needs the whole computation; a grid of items, with as many places for each,
is fast where the rows of an item share what they are computed with.
"""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class RowLayout:
    """Which item every row is about.

    Arguments
    ---------
    n_items : int
        Items B.
    rows_per_item : int
        Most rows n of an item: places for each in the grid.
    places : torch.Tensor, optional
        Where the rows stand in the flattened grid, int64, (R,). Default: all
        places are taken.

    Example
    -------
    >>> layout, _ = RowLayout(n_items=2).select(torch.tensor([[0, 0], [1, -1]]))
    >>> grid = layout.spread(torch.tensor([3, 4, 5]))
    >>> grid
    tensor([[3, 4],
            [5, 0]])
    >>> layout.collect(grid)
    tensor([3, 4, 5])
    """

    n_items: int
    rows_per_item: int = 1
    places: torch.Tensor | None = None

    def spread(self, rows: torch.Tensor) -> torch.Tensor:
        """Put rows into the grid.

        Arguments
        ---------
        rows : torch.Tensor
            (R, ...).

        Returns
        -------
        grid : torch.Tensor
            0 where there is no row, (B, n, ...).
        """
        shape = (self.n_items, self.rows_per_item)
        if self.places is None:
            return rows.unflatten(0, shape)
        grid = rows.new_zeros(
            self.n_items * self.rows_per_item, *rows.shape[1:]
        )
        return grid.index_copy_(0, self.places, rows).unflatten(0, shape)

    def collect(self, grid: torch.Tensor) -> torch.Tensor:
        """Take the rows out of the grid.

        Arguments
        ---------
        grid : torch.Tensor
            (B, n, ...).

        Returns
        -------
        rows : torch.Tensor
            (R, ...).
        """
        flat = grid.flatten(0, 1)
        return flat if self.places is None else flat[self.places]

    def indices(self, device: torch.device | None = None) -> torch.Tensor:
        """Which row stands where.

        Arguments
        ---------
        device : torch.device, optional
            Of the indices. Default: the CPU.

        Returns
        -------
        rows : torch.Tensor
            Their indices in the grid, 0 where there is none, int64, (B, n).
        """
        n_rows = self.n_items * self.rows_per_item
        if self.places is not None:
            n_rows = len(self.places)
        return self.spread(torch.arange(n_rows, device=device))

    def select(
        self, rows: torch.Tensor
    ) -> tuple["RowLayout", torch.Tensor | None]:
        """Keep some rows.

        Arguments
        ---------
        rows : torch.Tensor
            As ``sb_sma.attention.decoding.select_rows`` takes them.

        Returns
        -------
        layout : RowLayout
            Of these rows.
        items : torch.Tensor or None
            Which of the items have them, int64, (B,); None if they are the
            same as before.
        """
        lines = rows if rows.dim() == 2 else rows[:, None]
        firsts = lines[:, 0]
        if self.places is not None:
            firsts = self.places[firsts]
        items = firsts // self.rows_per_item
        before = torch.arange(self.n_items, device=items.device)
        is_row = lines.flatten() >= 0
        layout = RowLayout(
            *lines.shape, None if is_row.all() else is_row.nonzero()[:, 0]
        )
        return layout, None if torch.equal(items, before) else items
