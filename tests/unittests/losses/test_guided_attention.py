"""SpeechBrain's guided attention, whatever the heads and the padding."""

import pytest
import torch
from speechbrain.nnet.loss.guidedattn_loss import GuidedAttentionLoss

from sb_sma.losses import GuidedAttention, GuidedLayers

QUERY_LENGTHS, MEMORY_LENGTHS = [9, 5, 2], [4, 7, 1]


def make_alignments(heads=2, queries=9, keys=7, batch=3):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(batch, heads, queries, keys, generator=generator)
    return logits.softmax(-1)


def lengths():
    return torch.tensor(QUERY_LENGTHS), torch.tensor(MEMORY_LENGTHS)


@pytest.mark.parametrize("sigma", [0.2, 0.4])
@pytest.mark.parametrize("queries, keys", [(9, 7), (5, 11), (1, 1)])
def test_one_head_without_padding_is_speechbrains_per_step(
    sigma, queries, keys
):
    alignments = make_alignments(1, queries, keys, batch=1)
    counts = torch.tensor([queries]), torch.tensor([keys])
    loss = GuidedAttention(sigma)(alignments, *counts)
    # theirs is a mean over the rectangle, ours over the decoder steps
    theirs = GuidedAttentionLoss(sigma)(alignments[:, 0], *reversed(counts))
    torch.testing.assert_close(loss, theirs * keys)


@pytest.mark.parametrize("fill", [0.0, 1.0, 50.0])
def test_padding_changes_nothing(fill):
    alignments = make_alignments()
    expected = GuidedAttention()(alignments, *lengths())
    padded = torch.full((3, 2, 14, 12), fill)
    padded[:, :, :9, :7] = alignments
    loss = GuidedAttention()(padded, *lengths())
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("heads", [1, 2, 3, 5])
def test_it_is_the_mean_over_items_and_heads(heads):
    # three items: SpeechBrain's own mixes them up with three heads
    alignments = make_alignments(heads)
    loss = GuidedAttention()(alignments, *lengths())
    alone = [
        GuidedAttention()(
            alignments[item, head, None, None, :queries, :keys],
            torch.tensor([queries]),
            torch.tensor([keys]),
        )
        for item, (queries, keys) in enumerate(
            zip(QUERY_LENGTHS, MEMORY_LENGTHS)
        )
        for head in range(heads)
    ]
    torch.testing.assert_close(loss, torch.stack(alone).mean())


def test_the_penalty_of_a_step_is_the_gaussian_of_the_paper():
    alignments = torch.zeros(1, 1, 4, 5)
    alignments[0, 0, 3, 1] = 1.0
    loss = GuidedAttention(sigma=0.3)(
        alignments, torch.tensor([4]), torch.tensor([5])
    )
    distance = torch.tensor(3 / 4 - 1 / 5)
    expected = (1 - torch.exp(-(distance**2) / (2 * 0.3**2))) / 4
    torch.testing.assert_close(loss, expected)


def test_the_diagonal_costs_nothing_and_the_corner_almost_everything():
    loss = GuidedAttention(sigma=0.2)
    counts = torch.tensor([50]), torch.tensor([50])
    diagonal = torch.eye(50)[None, None]
    assert float(loss(diagonal, *counts)) == 0.0
    stuck = torch.zeros(1, 1, 50, 50)
    stuck[..., -1] = 1.0
    assert 0.6 < float(loss(stuck, *counts)) < 1.0


def test_gradients_stay_inside_the_lengths():
    alignments = make_alignments().requires_grad_()
    GuidedAttention()(alignments, *lengths()).backward()
    for item, (queries, keys) in enumerate(zip(QUERY_LENGTHS, MEMORY_LENGTHS)):
        inside = torch.zeros(2, 9, 7, dtype=torch.bool)
        inside[:, :queries, :keys] = True
        gradient = alignments.grad[item]
        assert bool((gradient[~inside] == 0).all())
        assert bool((gradient[inside] >= 0).all())


def test_arguments_are_left_as_they_were():
    alignments = make_alignments()
    arguments = (alignments, *lengths())
    GuidedAttention()(*arguments)
    for tensor, copy in zip(arguments, (make_alignments(), *lengths())):
        assert torch.equal(tensor, copy)


@pytest.mark.parametrize("name", ["query_lengths", "memory_lengths"])
def test_relative_lengths_are_refused(name):
    arguments = dict(zip(("query_lengths", "memory_lengths"), lengths()))
    arguments[name] = torch.tensor([1.0, 0.5, 0.2])
    with pytest.raises(
        ValueError,
        match=rf"{name} must be integer counts; got torch\.float32\. Multiply",
    ):
        GuidedAttention()(make_alignments(), **arguments)


def test_layers_and_heads_are_chosen():
    layers = [make_alignments(heads=3), make_alignments(heads=3).flip(1)]
    every = GuidedLayers()(layers, *lengths())
    means = [GuidedAttention()(layer, *lengths()) for layer in layers]
    torch.testing.assert_close(every, torch.stack(means).mean())
    one = GuidedLayers(layers=[-1], heads=[0, 2])(layers, *lengths())
    torch.testing.assert_close(
        one, GuidedAttention()(layers[1][:, [0, 2]], *lengths())
    )


@pytest.mark.parametrize(
    "choice", [{"layers": [2]}, {"heads": [-4]}, {"heads": []}]
)
def test_unknown_layer_or_head_is_refused(choice):
    layers = [make_alignments(heads=3)] * 2
    with pytest.raises(ValueError, match=f"{list(choice)[0]} of the guided"):
        GuidedLayers(**choice)(layers, *lengths())


def test_layers_and_heads_are_checked_before_there_is_an_alignment():
    GuidedLayers(layers=[-1, 0], heads=[3]).check(n_layers=2, n_heads=4)
    message = (
        r"heads .* \(guided_heads in the YAML\) .* among 0 to 3.*got \[9\]"
    )
    with pytest.raises(ValueError, match=message):
        GuidedLayers(heads=[9]).check(n_layers=2, n_heads=4)
    with pytest.raises(ValueError, match="guided_layers in the YAML"):
        GuidedLayers(layers=[2]).check(n_layers=2, n_heads=4)


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), float("inf")])
def test_the_diagonal_has_a_width(sigma):
    with pytest.raises(ValueError, match="sigma must be a finite number above"):
        GuidedAttention(sigma)
