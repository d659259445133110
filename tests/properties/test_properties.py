"""What holds for every public module and op, whatever its sizes."""

import pytest
import torch
from hypothesis import (
    given,
    strategies as st,
)

import sb_sma.attention as attention
import sb_sma.losses as losses
import sb_sma.models as models
import sb_sma.ops as ops
import sb_sma.style as style
from sb_sma.attention.decoding import DecodingOptions
from sb_sma.attention.registry import ATTENTION_TYPES
from tests.properties.subjects import (
    SIZES,
    SUBJECTS,
    TABLE,
    WITHOUT_TENSORS,
    make,
)

TOLERANCES = {torch.float64: 1e-8, torch.float32: 2e-4, torch.bfloat16: 0.1}
each_subject = pytest.mark.parametrize("name", SUBJECTS)


def test_every_public_name_is_tried():
    public = {
        name
        for package in (attention, losses, models, ops, style)
        for name in package.__all__
    }
    assert public - SUBJECTS.keys() - WITHOUT_TENSORS == set()


class Example:
    """Tensors of a subject, and how much of them is valid."""

    def __init__(self, subject, draw, dtype=torch.float32):
        n_items = draw(st.integers(1, 3))
        self.subject = subject
        self.sizes = {"B": n_items, **SIZES}
        letters = set("".join(subject.axes.values())) - self.sizes.keys()
        self.lengths = {}
        for axis in sorted(letters):
            several = st.lists(
                st.integers(subject.minimum, 7),
                min_size=n_items,
                max_size=n_items,
            )
            lengths = draw(several)
            self.sizes[axis] = max(lengths)
            if axis in subject.lengths:
                self.lengths[axis] = torch.tensor(lengths)
                # sometimes nothing reaches the end
                self.sizes[axis] += draw(st.integers(0, 2))
        generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
        self.tensors = {}
        for name, axes in subject.axes.items():
            shape = [self.sizes[axis] for axis in axes]
            if name in subject.indices:
                drawn = torch.randint(1, TABLE, shape, generator=generator)
            else:
                drawn = torch.rand(shape, generator=generator).to(dtype)
            self.tensors[name] = drawn

    def padded_with(self, value):
        """Return the same tensors, with other padding."""
        tensors = {}
        for name, axes in self.subject.axes.items():
            filled = 0 if name in self.subject.indices else value
            tensors[name] = self.fill(self.tensors[name], axes, filled)
        return tensors

    def fill(self, tensor, axes, value):
        """Fill the padding of a tensor."""
        if "B" not in axes:
            return tensor
        padding = torch.zeros(tensor.shape, dtype=torch.bool)
        for position, axis in enumerate(axes):
            if axis in self.lengths:
                steps = torch.arange(tensor.shape[position])
                steps = steps.view([-1 if a == axis else 1 for a in axes])
                lengths = self.lengths[axis]
                lengths = lengths.view([-1 if a == "B" else 1 for a in axes])
                padding = padding | (steps >= lengths)
        return tensor.masked_fill(padding, value)

    def item(self, index):
        """Return the tensors and lengths of one item, without its padding."""
        lengths = {
            axis: x[index : index + 1] for axis, x in self.lengths.items()
        }
        tensors = {
            name: self.cut(self.tensors[name], axes, index)
            for name, axes in self.subject.axes.items()
        }
        return tensors, lengths

    def cut(self, tensor, axes, index):
        """Cut an item out of a tensor."""
        for position, axis in enumerate(axes):
            if axis == "B":
                tensor = tensor.narrow(position, index, 1)
            elif axis in self.lengths:
                length = int(self.lengths[axis][index])
                tensor = tensor.narrow(position, 0, length)
        return tensor


def assert_close(actual, expected, dtype=torch.float32):
    tolerance = TOLERANCES[dtype]
    torch.testing.assert_close(
        actual, expected, rtol=tolerance, atol=tolerance, check_dtype=False
    )


@each_subject
@given(data=st.data())
def test_padding_changes_nothing(name, data):
    subject = SUBJECTS[name]
    made = make(subject)
    example = Example(subject, data.draw)
    # the tensors of a caller stay as they are
    given_ = {key: x.clone() for key, x in example.tensors.items()}
    expected = subject(made, example.tensors, example.lengths)
    assert all(given_[key].equal(x) for key, x in example.tensors.items())
    for value in (0.0, 1e4, -1e4):
        actual = subject(made, example.padded_with(value), example.lengths)
        for axes, one, other in zip(subject.outputs, actual, expected):
            assert_close(
                example.fill(one, axes, 0), example.fill(other, axes, 0)
            )


@each_subject
@given(data=st.data())
def test_a_batch_is_its_items(name, data):
    subject = SUBJECTS[name]
    made = make(subject)
    example = Example(subject, data.draw)
    whole = subject(made, example.tensors, example.lengths)
    items = [
        subject(made, *example.item(index))
        for index in range(example.sizes["B"])
    ]
    for position, axes in enumerate(subject.outputs):
        parts = [item[position] for item in items]
        if axes == "":
            # a mean lies between those of the items
            low, high = min(parts), max(parts)
            assert low - 1e-4 <= whole[position] <= high + 1e-4
            continue
        for index, part in enumerate(parts):
            assert part.dim() == len(axes)
            assert_close(part, example.cut(whole[position], axes, index))


@each_subject
@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@given(data=st.data())
def test_the_dtype_is_kept(name, dtype, data):
    subject = SUBJECTS[name]
    if subject.only_float32:
        return
    example = Example(subject, data.draw, dtype)
    lengths = example.lengths
    actual = subject(make(subject, dtype), example.tensors, lengths)
    exact = {
        key: x.double() if x.is_floating_point() else x
        for key, x in example.tensors.items()
    }
    expected = subject(make(subject, torch.float64), exact, lengths)
    for axes, one, other in zip(subject.outputs, actual, expected):
        one, other = (example.fill(x, axes, 0) for x in (one, other))
        if one.is_floating_point():
            assert one.isfinite().all()
            assert_close(one.double(), other.double(), dtype)
        if subject.keeps_dtype and "".join(axes) and axes[-1] not in "KTMNH":
            assert one.dtype == dtype


def mistakes(draw, example):
    """Make one argument wrong."""
    tensors, lengths = dict(example.tensors), dict(example.lengths)
    kinds = ["axis", "one more", "dtype", "batch"]
    if lengths:
        kinds += ["floating", "too few", "axis of lengths", "bool"]
    kind = draw(st.sampled_from(kinds))
    name = draw(st.sampled_from(sorted(tensors)))
    tensor = tensors[name]
    if kind == "axis":
        tensors[name] = tensor[0]
    elif kind == "one more":
        tensors[name] = tensor[None]
    elif kind == "dtype":
        is_floating = tensor.is_floating_point()
        tensors[name] = tensor.long() if is_floating else tensor.float()
    elif kind == "batch":
        several = torch.cat([tensor, tensor, tensor[:1]])
        others = len(tensors) + len(lengths) > 1
        tensors[name] = several if others else tensor[0]
    else:
        axis = draw(st.sampled_from(sorted(lengths)))
        wrong = lengths[axis]
        wrong = {
            "floating": wrong.float() / 7,
            "too few": torch.cat([wrong, wrong]),
            "axis of lengths": wrong[:, None],
            "bool": wrong > 0,
        }[kind]
        lengths[axis] = wrong
    return kind, tensors, lengths


MASKED = {
    name
    for name, subject in SUBJECTS.items()
    if {"key_padding_mask", "padding"} & {*subject.lengths.values()}
}


@each_subject
@given(data=st.data())
def test_a_mistake_is_told(name, data):
    subject = SUBJECTS[name]
    example = Example(subject, data.draw)
    kind, tensors, lengths = mistakes(data.draw, example)
    if name == "StepwiseMonotonicAttention":
        return  # the small form for SpeechBrain looks at its masks alone
    if name in MASKED and kind in ("floating", "bool"):
        return  # the mask is made here
    one_for_all = (
        name.endswith("EmbedAttention") or name == "MultiHeadAttention"
    )
    if one_for_all and kind == "batch" and example.sizes["B"] == 1:
        return  # keys of one item are those of all
    if "style" in tensors and tensors["style"].dim() == 1:
        return
    with pytest.raises((ValueError, TypeError)) as told:
        subject(make(subject), tensors, lengths)
    assert "must" in str(told.value)


@pytest.mark.parametrize("name", ATTENTION_TYPES)
@given(data=st.data())
def test_steps_are_the_whole(name, data):
    subject = SUBJECTS[name]
    made = make(subject)
    example = Example(subject, data.draw)
    tensors = {**example.tensors, "value": example.tensors["key"]}
    with torch.no_grad():
        out, attn = subject(made, tensors, example.lengths)
        state = made.start(
            tensors["key"], example.lengths["K"], DecodingOptions()
        )
        for query in range(example.sizes["Q"]):
            one, row, state = made.step(
                tensors["query"][:, query : query + 1], state
            )
            assert_close(one[:, 0], out[:, query])
            assert_close(row[:, :, 0], attn[:, :, query])
