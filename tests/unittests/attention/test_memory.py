"""A projected memory serves all hypotheses about its items."""

import pytest
import torch

from sb_sma.attention.memory import project_memory

LENGTHS = [5, 3, 0]


def make_memory():
    generator = torch.Generator().manual_seed(0)
    keys, values = torch.randn(2, 3, 5, 8, generator=generator)
    return project_memory(keys, values, torch.tensor(LENGTHS), nhead=2)


def test_energies_are_scaled_products_per_head():
    keys, values = torch.randn(2, 3, 5, 8)
    memory = project_memory(keys, values, torch.tensor(LENGTHS), nhead=2)
    queries = torch.randn(3, 1, 8)
    energies = memory.energies(queries)
    features = memory.read(energies)
    for head, part in enumerate((slice(0, 4), slice(4, 8))):
        expected = queries[..., part] @ keys[..., part].mT / 2.0
        torch.testing.assert_close(energies[:, head], expected)
        torch.testing.assert_close(
            features[..., part], expected @ values[..., part]
        )


@pytest.mark.parametrize(
    "rows",
    [
        [[0, 0], [1, 1], [2, 2]],
        [[1, 1, 1], [2, 2, 2]],
        [[2], [0]],
        [1, 1, 2, 0],
        [[0, -1, -1], [1, 1, -1], [2, 2, 2]],
    ],
    ids=["fork", "leave", "change", "rows", "fewer"],
)
def test_rows_have_the_memory_of_their_item(rows):
    memory, rows = make_memory(), torch.tensor(rows)
    selected, alone = memory.select_rows(rows), rows[rows >= 0]
    queries = torch.randn(len(alone), 1, 8)
    copied = memory.select_rows(alone)
    energies = selected.energies(queries)
    by_row = selected.by_row(energies)
    torch.testing.assert_close(by_row, copied.by_row(copied.energies(queries)))
    assert torch.equal(selected.by_item(by_row), energies)
    features = selected.read(energies)
    torch.testing.assert_close(features, copied.read(copied.energies(queries)))
    cleared = selected.clear_empty(features)
    assert torch.equal(cleared, copied.clear_empty(features))
    is_empty = torch.tensor(LENGTHS)[alone] == 0
    assert bool((cleared[is_empty] == 0).all())
    assert torch.equal(cleared[~is_empty], features[~is_empty])


def test_nothing_is_copied_while_every_item_stays():
    memory = make_memory()
    forked = memory.select_rows(torch.tensor([[0, 0], [1, 1], [2, 2]]))
    changed = forked.select_rows(torch.tensor([[1, 0], [2, 2], [5, 5]]))
    assert changed.keys is memory.keys and changed.values is memory.values
    assert changed.layout.rows_per_item == 2
    single = changed.select_rows(torch.tensor([[1], [3], [4]]))
    assert single.keys is memory.keys and single.layout.rows_per_item == 1
