"""Every item comes once an epoch, in batches that fit."""

import pytest
import torch
from speechbrain.utils.checkpoints import Checkpointer

from sb_sma.data.sampler import BatchShare, LengthBatchSampler

LENGTHS = torch.randint(
    10, 400, (200,), generator=torch.Generator().manual_seed(0)
).tolist()


def make_sampler(**options):
    arguments = {"max_length": 2000, "max_items": 16, **options}
    return LengthBatchSampler(LENGTHS, **arguments)


def batches_of(sampler, epoch):
    sampler.set_epoch(epoch)
    return list(sampler)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("epoch", range(1, 9))
@pytest.mark.parametrize("options", [{}, {"max_items": 100}], ids=str)
def test_every_item_comes_once_in_batches_that_fit(epoch, shuffle, options):
    sampler = make_sampler(shuffle=shuffle, **options)
    batches = batches_of(sampler, epoch)
    assert sorted(sum(batches, [])) == list(range(200))
    assert len(sampler) == len(batches)
    for batch in batches:
        longest = max(LENGTHS[index] for index in batch)
        assert longest * len(batch) <= 2000
        assert 1 <= len(batch) <= sampler.max_items


@pytest.mark.parametrize("short_first_epochs", [0, 3])
def test_every_epoch_has_as_many_batches(short_first_epochs):
    """The learning rate of a run is planned by the first epoch's number."""
    sampler = make_sampler(short_first_epochs=short_first_epochs)
    counts = {len(batches_of(sampler, epoch)) for epoch in range(1, 50)}
    assert len(counts) == 1


def test_the_first_item_of_a_batch_may_be_its_longest():
    lengths = list(range(95, 106))
    sampler = LengthBatchSampler(lengths, max_length=200, max_items=8)
    for epoch in range(1, 20):
        for batch in batches_of(sampler, epoch):
            longest = max(lengths[index] for index in batch)
            assert len(batch) == 1 or len(batch) * longest <= 200


def test_items_of_a_batch_are_of_similar_length():
    used, padded = 0, 0
    for batch in batches_of(make_sampler(), epoch=5):
        lengths = [LENGTHS[index] for index in batch]
        used, padded = used + sum(lengths), padded + max(lengths) * len(batch)
    assert used / padded > 0.85


def test_an_item_that_is_too_long_is_a_batch_of_its_own():
    sampler = LengthBatchSampler([50, 3000, 60], max_length=200, max_items=8)
    assert sorted(map(sorted, sampler)) == [[0, 2], [1]]
    assert list(LengthBatchSampler([3000], max_length=200, max_items=8)) == [
        [0]
    ]


def test_the_first_epochs_go_from_short_to_long():
    sampler = make_sampler(short_first_epochs=2)
    for epoch, is_rising in ((1, True), (2, True), (3, False)):
        longest = [
            max(LENGTHS[index] for index in batch)
            for batch in batches_of(sampler, epoch)
        ]
        # neighbours are mixed a little
        steps = zip(longest, longest[1:])
        assert all(b > 0.85 * a for a, b in steps) is is_rising


def test_without_shuffling_every_epoch_is_the_same_and_sorted():
    sampler = make_sampler(shuffle=False)
    batches = batches_of(sampler, 1)
    lengths = [LENGTHS[index] for batch in batches for index in batch]
    assert lengths == sorted(lengths)
    assert batches_of(sampler, 9) == batches


def test_epochs_differ_and_a_resumed_run_repeats_them():
    sampler = make_sampler(seed=3)
    epochs = [batches_of(sampler, epoch) for epoch in (1, 2, 3)]
    assert epochs[0] != epochs[1] != epochs[2]
    assert {frozenset(b) for b in epochs[1]} != {
        frozenset(b) for b in epochs[2]
    }
    assert batches_of(make_sampler(seed=3), 3) == epochs[2]
    assert batches_of(make_sampler(seed=4), 3) != epochs[2]
    sampler.set_epoch(2)
    assert list(sampler) == list(sampler) == epochs[1]


def shares_of(epoch, n_processes, before=()):
    """The batches of each process, which go on where others were."""
    shares = []
    for rank in range(n_processes):
        share = BatchShare(make_sampler(), rank, n_processes)
        share._recovered = list(before)
        share.set_epoch(epoch)
        shares.append(list(share))
        assert len(share) == len(shares[-1])
    assert len(set(map(len, shares))) == 1
    return shares


@pytest.mark.parametrize("n_processes", [1, 2, 3, 7])
@pytest.mark.parametrize("epoch", [1, 2])
def test_processes_share_the_batches_of_an_epoch(n_processes, epoch):
    whole = batches_of(make_sampler(), epoch)
    steps = list(zip(*shares_of(epoch, n_processes)))
    dealt = [batch for step in steps for batch in step]
    assert {*map(tuple, dealt)} == {*map(tuple, whole)}
    assert 0 <= len(dealt) - len(whole) < n_processes
    for step in steps:
        assert len({*map(tuple, step)}) == n_processes
    if n_processes == 1 or epoch == 1:
        assert (
            dealt[: len(whole) // n_processes]
            == (whole[: len(whole) // n_processes])
        )


@pytest.mark.parametrize("n_processes, most", [(2, 0.06), (4, 0.12)])
def test_nobody_waits_long_for_another(n_processes, most):
    work, waited = 0, 0
    for step in zip(*shares_of(5, n_processes)):
        frames = [
            max(LENGTHS[index] for index in batch) * len(batch)
            for batch in step
        ]
        work += sum(frames)
        waited += max(frames) * n_processes - sum(frames)
    assert waited < most * work


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize(
    "before, n_processes",
    [
        ([(2, 4)], 1),
        ([(1, 5)], 4),
        ([(2, 3), (1, 9)], 4),
        ([(3, 0)], 2),
        ([(2, 99)], 3),
    ],
)
def test_an_epoch_is_gone_on_with_by_another_number(epoch, before, n_processes):
    whole = batches_of(make_sampler(), epoch)
    seen, done = [], 0
    for position, (n_before, end) in enumerate(before):
        shares = shares_of(epoch, n_before, before[:position])
        seen += [batch for share in shares for batch in share[done:end]]
        done = min(end, len(shares[0]))
    shares = shares_of(epoch, n_processes, before)
    rest = [batch for share in shares for batch in share[done:]]
    assert {*map(tuple, seen + rest)} == {*map(tuple, whole)}
    assert not {*map(tuple, seen)} & {*map(tuple, rest)}
    assert len(rest) < len(whole) - len({*map(tuple, seen)}) + n_processes


@pytest.mark.parametrize("n_processes, is_same", [(2, True), (1, False)])
def test_a_checkpoint_tells_who_began_the_epoch(tmp_path, n_processes, is_same):
    share = BatchShare(make_sampler(), 1, 2)
    share.set_epoch(3)
    before = list(share)
    parts = {"share": share}
    for end_of_epoch in (False, True):
        Checkpointer(tmp_path, parts).save_checkpoint(end_of_epoch=end_of_epoch)
        again = BatchShare(make_sampler(), n_processes - 1, n_processes)
        Checkpointer(tmp_path, {"share": again}).recover_if_possible()
        again.go_on(4)
        again.set_epoch(3)
        left = len(again) - 4 * (not end_of_epoch and not is_same)
        assert left == (len(before) if is_same else len(make_sampler())) - (
            8 * (not end_of_epoch and not is_same)
        )
        again.set_epoch(4)  # is theirs alone
        anew = BatchShare(make_sampler(), n_processes - 1, n_processes)
        anew.set_epoch(4)
        assert list(again) == list(anew)


def test_every_process_goes_from_short_to_long():
    sampler = LengthBatchSampler(range(10, 81, 10), 45, 8)
    shares = [list(BatchShare(sampler, rank, 3)) for rank in range(3)]
    assert shares == [
        [[0, 1], [4], [5]],
        [[2], [5], [6]],
        [[3], [6], [7]],
    ]


@pytest.mark.parametrize(
    "n_batches, n_processes, shares",
    [
        (1, 1, [[[0]]]),
        (1, 3, [[[0]], [[0]], [[0]]]),
        (2, 2, [[[0]], [[1]]]),
        (2, 5, [[[1]], [[0]], [[1]], [[0]], [[1]]]),
        (3, 2, [[[0], [1]], [[1], [2]]]),
    ],
)
def test_no_process_is_without_a_batch(n_batches, n_processes, shares):
    sampler = LengthBatchSampler([5] * n_batches, 5, 1, shuffle=False)
    assert [
        list(BatchShare(sampler, rank, n_processes))
        for rank in range(n_processes)
    ] == shares


@pytest.mark.parametrize("name", ["max_length", "max_items"])
@pytest.mark.parametrize("most", [0, -3, float("nan")])
def test_a_batch_of_nothing_is_an_error(name, most):
    limits = {"max_length": 10, "max_items": 1, name: most}
    with pytest.raises(ValueError, match=f"{name} must be 1 or more; got"):
        LengthBatchSampler([1], **limits)


def test_no_item_is_an_error():
    with pytest.raises(
        ValueError, match="at least one item; got none. Is the manifest empty"
    ):
        LengthBatchSampler([], max_length=10, max_items=1)
