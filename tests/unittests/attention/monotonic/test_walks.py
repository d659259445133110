"""The two ways to walk, on stay probabilities given by hand."""

import pytest
import torch

from sb_sma.attention.decoding import MODES, DecodingOptions
from sb_sma.attention.monotonic import walks
from sb_sma.attention.monotonic.walks import HardWalk, SoftWalk, start_walk
from sb_sma.ops import stepwise_monotonic_expectation

EVERY_WALK = [
    DecodingOptions("soft"),
    DecodingOptions("soft", catch_up=True),
    DecodingOptions("soft", soft_spread=1),
    DecodingOptions("hard"),
    DecodingOptions("hard", head_spread=1),
]


@pytest.fixture(params=["torch", "compiled"])
def soft_walk(request):
    """Both classes of the soft walk."""
    if request.param == "torch":
        return SoftWalk
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    return walks.CompiledSoftWalk


def start(heads, keys, batch=1):
    alpha = torch.zeros(batch, heads, keys)
    alpha[..., 0] = 1.0
    return alpha


def path_of(walk, p_stay):
    """Keys on which the walk stands, (B, H, Q), for p_stay (B, H, Q, K)."""
    return torch.stack(
        [walk.advance(row).argmax(-1) for row in p_stay.unbind(2)], dim=-1
    )


def test_the_mode_says_how_to_walk():
    kinds = {
        mode: type(
            start_walk(DecodingOptions(mode), start(1, 2), torch.tensor([2]), 1)
        )
        for mode in MODES
    }
    assert issubclass(kinds["soft"], SoftWalk) and kinds["hard"] is HardWalk


def test_the_soft_walk_is_compiled_where_it_can_be(monkeypatch):
    arguments = DecodingOptions(), start(1, 2), torch.tensor([2]), 1
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    assert type(start_walk(*arguments)) is walks.CompiledSoftWalk
    monkeypatch.setattr(walks, "advance_compiled", None)
    assert type(start_walk(*arguments)) is SoftWalk


def test_a_compiled_walk_can_be_differentiated(soft_walk):
    p_stay = torch.full((1, 1, 3), 0.25, requires_grad=True)
    walk = soft_walk(start(1, 3), torch.tensor([3]), 1)
    walk.advance(p_stay)[0, 0, 1].backward()
    assert p_stay.grad.tolist() == [[[-1.0, 0.0, 0.0]]]


def test_lengths_beyond_the_keys_count_as_all_of_them(soft_walk):
    p_stay = torch.rand(1, 2, 4)
    whole, beyond = (
        soft_walk(start(2, 4), torch.tensor([length]), 1) for length in (4, 9)
    )
    for _ in range(6):
        assert torch.equal(whole.advance(p_stay), beyond.advance(p_stay))
        assert beyond.alpha.shape == (1, 2, 4)


def test_an_item_without_a_key_stands_nowhere(soft_walk):
    walk = soft_walk(start(2, 3, batch=2), torch.tensor([0, 3]), 1, True)
    attended = walk.advance(torch.full((2, 2, 3), 0.5))
    assert attended.sum(-1).tolist() == [[0.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize("moves", [1, 2, 3])
def test_soft_walk_is_the_op(moves, soft_walk):
    torch.manual_seed(0)
    p_stay = torch.rand(2, 3, 5, 7)
    lengths = torch.tensor([7, 4])
    walk = soft_walk(start(3, 7, batch=2), lengths, moves)
    rows = [walk.advance(row) for row in p_stay.unbind(2)]
    expected = stepwise_monotonic_expectation(
        p_stay.repeat_interleave(moves, dim=2), lengths
    )[:, :, moves - 1 :: moves]
    torch.testing.assert_close(torch.stack(rows, dim=2), expected)


@pytest.mark.parametrize("moves", [1, 2, 3])
def test_hard_walk_is_the_op_where_moves_are_certain(moves):
    torch.manual_seed(1)
    p_stay = (torch.rand(2, 3, 9, 7) < 0.6).float()
    lengths = torch.tensor([7, 4])
    walk = HardWalk(start(3, 7, batch=2), lengths, moves)
    rows = [walk.advance(row) for row in p_stay.unbind(2)]
    expected = stepwise_monotonic_expectation(
        p_stay.repeat_interleave(moves, dim=2), lengths
    )[:, :, moves - 1 :: moves]
    assert torch.equal(torch.stack(rows, dim=2), expected)


@pytest.mark.parametrize(
    "p_stay, expected",
    [
        # 0.8 ** 3 is above one half, 0.8 ** 4 below
        (0.8, [0, 0, 0, 1, 1, 1, 1, 2, 2]),
        (0.5, [0, 1, 1, 2, 2, 2, 2, 2, 2]),
        (0.49, [1, 2, 2, 2, 2, 2, 2, 2, 2]),
        (1.0, [0] * 9),
    ],
    ids=str,
)
def test_hard_walk_moves_after_the_median_time(p_stay, expected):
    walk = HardWalk(start(1, 3), torch.tensor([3]), moves_per_query=1)
    path = path_of(walk, torch.full((1, 1, 9, 3), p_stay))
    assert path[0, 0].tolist() == expected


def test_time_spent_on_a_key_does_not_count_on_the_next():
    walk = HardWalk(start(1, 3), torch.tensor([3]), moves_per_query=1)
    p_stay = torch.tensor([[0.6, 0.9, 0.0]] * 8)[None, None]
    # 0.6 lasts two queries, 0.9 seven
    assert path_of(walk, p_stay)[0, 0].tolist() == [0, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("spread", [1, 3])
@pytest.mark.parametrize("n_heads", [1, 2, 5])
def test_hard_heads_stay_together(spread, n_heads):
    torch.manual_seed(0)
    p_stay = torch.rand(2, n_heads, 60, 20)
    lengths = torch.tensor([20, 12])
    walk = HardWalk(start(n_heads, 20, batch=2), lengths, 1, spread)
    path = path_of(walk, p_stay)  # (B, H, Q)
    median = path.median(dim=1, keepdim=True).values
    assert int((path - median).max()) <= spread
    # who is too far behind needs a query for each key
    assert int((median - path).max()) <= spread + 1
    assert path[:, :, -1].tolist() == [[19] * n_heads, [11] * n_heads]
    free = path_of(HardWalk(start(n_heads, 20, 2), lengths, 1), p_stay)
    if n_heads == 1:
        assert torch.equal(free, path)
    if n_heads == 5 and spread == 1:
        assert int((free - free.median(1, keepdim=True).values).max()) > spread


def test_hard_heads_and_items_walk_on_their_own():
    p_stay = torch.tensor([[0.0, 1.0], [1.0, 0.0]])  # (B, H)
    walk = HardWalk(start(2, 4, batch=2), torch.tensor([4, 3]), 1)
    path = path_of(walk, p_stay[:, :, None, None].expand(2, 2, 5, 4))
    assert path.tolist() == [
        [[1, 2, 3, 3, 3], [0, 0, 0, 0, 0]],
        [[0, 0, 0, 0, 0], [1, 2, 2, 2, 2]],
    ]


@pytest.mark.parametrize("options", EVERY_WALK, ids=str)
def test_no_probability_is_read_at_the_last_key(options):
    p_stay = torch.zeros(1, 1, 6, 4)
    p_stay[..., 2:] = float("nan")
    walk = start_walk(options, start(1, 4), torch.tensor([3]), 1)
    assert path_of(walk, p_stay)[0, 0].tolist() == [1, 2, 2, 2, 2, 2]
    assert bool(walk.advance(p_stay[:, :, 0]).isfinite().all())


@pytest.mark.parametrize("options", EVERY_WALK, ids=str)
def test_a_walk_leaves_its_start_as_it_was(options):
    alpha = start(2, 4)
    walk = start_walk(options, alpha, torch.tensor([4]), 1)
    walk.advance(torch.zeros(1, 2, 4))
    assert torch.equal(alpha, start(2, 4))


def walk_at_random(kind, catch_up, moves=1, seed=0, **options):
    """Paths and alignments of many heads under random probabilities."""
    torch.manual_seed(seed)
    p_stay = torch.rand(4, 50, 30, 9)
    lengths = torch.tensor([9, 5, 2, 1])
    walk = kind(start(50, 9, batch=4), lengths, moves, catch_up, **options)
    alphas = torch.stack([walk.advance(row) for row in p_stay.unbind(2)], 2)
    return alphas.argmax(-1), alphas, lengths


@pytest.mark.parametrize("moves", [1, 2, 3])
def test_the_largest_entry_goes_back_unless_it_catches_up(moves, soft_walk):
    path, _, _ = walk_at_random(soft_walk, catch_up=False, moves=moves)
    assert int(path.diff(dim=-1).min()) < 0
    path, _, _ = walk_at_random(soft_walk, catch_up=True, moves=moves)
    assert 0 <= int(path.diff(dim=-1).min())
    assert int(path.diff(dim=-1).max()) <= moves
    assert int(path[..., 0].max()) <= moves


@pytest.mark.parametrize(
    "alpha, attended",
    [
        ([0.4, 0.2, 0.3, 0.1], [0.0, 0.6, 0.3, 0.1]),
        ([0.2, 0.2, 0.4, 0.2], [0.2, 0.2, 0.4, 0.2]),
        ([0.1, 0.5, 0.2, 0.2], [0.1, 0.5, 0.2, 0.2]),
    ],
    ids=["median-is-not-the-largest", "median-is-the-largest", "half"],
)
def test_what_lags_behind_is_attended_on_the_median(alpha, attended, soft_walk):
    alpha = torch.tensor([[alpha]])
    walk = soft_walk(alpha, torch.tensor([4]), 1, catch_up=True)
    result = walk.advance(torch.ones(1, 1, 4))
    torch.testing.assert_close(result, torch.tensor([[attended]]))
    torch.testing.assert_close(walk.alpha, alpha)


def test_catching_up_does_not_change_the_pace(soft_walk):
    torch.manual_seed(2)
    plain = soft_walk(start(50, 9), torch.tensor([9]), 1)
    catching_up = soft_walk(start(50, 9), torch.tensor([9]), 1, catch_up=True)
    for p_stay in torch.rand(30, 1, 50, 9):
        plain.advance(p_stay)
        catching_up.advance(p_stay)
        assert torch.equal(plain.alpha, catching_up.alpha)


def test_catching_up_loses_nothing_and_stays_in_the_text(soft_walk):
    _, alphas, lengths = walk_at_random(soft_walk, catch_up=True)
    torch.testing.assert_close(alphas.sum(-1), torch.ones(4, 50, 30))
    for alpha, length in zip(alphas, lengths.tolist()):
        assert float(alpha[..., length:].sum()) == 0


def median_of(alphas):
    return (alphas.cumsum(-1) < alphas.sum(-1, keepdim=True) / 2).sum(-1)


@pytest.mark.parametrize("moves", [1, 2, 3])
@pytest.mark.parametrize("catch_up", [False, True])
def test_nothing_is_further_from_the_median_than_the_spread(
    moves, catch_up, soft_walk
):
    _, wide, _ = walk_at_random(soft_walk, catch_up, moves)
    _, alphas, lengths = walk_at_random(
        soft_walk, catch_up, moves, soft_spread=2
    )
    median = median_of(alphas)
    is_far = (torch.arange(9) - median[..., None]).abs() > 2
    assert float(wide[is_far].sum()) > 1
    assert float(alphas[is_far].sum()) == 0
    torch.testing.assert_close(alphas.sum(-1), torch.ones(4, 50, 30))
    for alpha, length in zip(alphas, lengths.tolist()):
        assert float(alpha[..., length:].sum()) == 0
    assert 0 <= int(median.diff(dim=-1).min())
    assert int(median.diff(dim=-1).max()) <= moves


def test_what_is_far_is_attended_at_the_nearest_of_the_spread(soft_walk):
    alpha = torch.tensor([[[0.1, 0.1, 0.1, 0.3, 0.1, 0.2, 0.1]]])
    walk = soft_walk(alpha, torch.tensor([7]), 1, soft_spread=1)
    result = walk.advance(torch.ones(1, 1, 7))
    expected = torch.tensor([[[0.0, 0.0, 0.3, 0.3, 0.4, 0.0, 0.0]]])
    torch.testing.assert_close(result, expected)
    torch.testing.assert_close(walk.alpha, expected)


def test_a_wide_spread_changes_nothing(soft_walk):
    _, plain, _ = walk_at_random(soft_walk, catch_up=True)
    _, spread, _ = walk_at_random(soft_walk, catch_up=True, soft_spread=8)
    assert torch.equal(plain, spread)


@pytest.mark.parametrize("soft_spread", [None, 1])
def test_an_item_without_a_key_stays_at_zero(soft_spread, soft_walk):
    walk = soft_walk(
        start(2, 3),
        torch.tensor([0]),
        1,
        catch_up=True,
        soft_spread=soft_spread,
    )
    assert float(walk.advance(torch.rand(1, 2, 3)).abs().sum()) == 0


def test_rows_about_one_item_walk_as_alone():
    alpha = torch.zeros(1, 2, 5)
    alpha[..., 0] = 1.0
    p_stay = torch.rand(3, 2, 5)

    def walk():
        """Stand before the first query."""
        return start_walk(DecodingOptions(), alpha, torch.tensor([5]), 1)

    together = walk().advance(p_stay)
    alone = [walk().advance(row[None]) for row in p_stay]
    assert torch.allclose(together, torch.cat(alone))
