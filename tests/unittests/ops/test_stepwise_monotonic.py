"""The op against its formula, its gradients and what it promises to ignore."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sb_sma.ops import stepwise_monotonic_expectation
from sb_sma.ops.stepwise_monotonic import BACKENDS, _fastest_backend

# (H, Q, K) and the valid keys of each item
SHAPES = [
    pytest.param((1, 1, 1), [1], id="one-of-all"),
    pytest.param((2, 3, 1), [1, 0], id="one-key"),
    pytest.param((1, 1, 5), [5, 2], id="one-query"),
    pytest.param((2, 3, 7), [7, 5, 1, 0], id="fewer-queries-than-keys"),
    pytest.param((3, 7, 3), [3, 2, 1], id="more-queries-than-keys"),
    pytest.param((2, 5, 5), [4, 5], id="square"),
    pytest.param((1, 7, 11), [11, 3], id="primes"),
]
LONGER_SHAPES = [
    pytest.param((1, 37, 17), [13], id="many-queries"),
    pytest.param((1, 5, 131), [131], id="many-keys"),
]


@pytest.fixture(params=list(BACKENDS))
def backend(request):
    """A backend's name; tensors are made on the device that it is for."""
    if BACKENDS[request.param] is None:
        pytest.skip(f"needs {request.param}: pip install {request.param}")
    on_cuda = request.param == "triton" and torch.cuda.is_available()
    with torch.device("cuda" if on_cuda else "cpu"):
        yield request.param


def random_inputs(shape, lengths, dtype=torch.float64, seed=0):
    """Stay probabilities, lengths and an initial alignment."""
    generator = torch.Generator("cpu").manual_seed(seed)
    heads, queries, keys = shape
    batch = len(lengths)

    def draw(*shape):
        drawn = torch.rand(*shape, generator=generator, device="cpu")
        return drawn.to(torch.get_default_device(), dtype)

    p_stay = draw(batch, heads, queries, keys)
    return p_stay, torch.tensor(lengths), draw(batch, heads, keys)


def outcome(p_stay, lengths, initial, weights, backend, moves=1):
    """The alignment and both gradients of its weighted sum."""
    p_stay = p_stay.detach().clone().requires_grad_()
    initial = initial.detach().clone().requires_grad_()
    alpha = stepwise_monotonic_expectation(
        p_stay, lengths, initial, backend, moves_per_query=moves
    )
    alpha.backward(weights.to(alpha.dtype))
    return alpha.detach(), p_stay.grad, initial.grad


@pytest.fixture
def poisoned(monkeypatch):
    """Fresh memory holds NaN, so that a cell never written is seen."""

    def poison_torch(*arguments, **options):
        return torch.full_like(*arguments, torch.nan, **options)

    def poison_numpy(array):
        return np.full_like(array, np.nan)

    monkeypatch.setattr(torch, "empty_like", poison_torch)
    monkeypatch.setattr(np, "empty_like", poison_numpy)


def naive(p_stay, lengths, initial):
    """The formula, one number after the other."""
    alpha = torch.zeros_like(p_stay)
    batch, heads, queries, keys = p_stay.shape
    for b, h in torch.cartesian_prod(
        torch.arange(batch), torch.arange(heads)
    ).tolist():
        length = int(lengths[b])
        before = [float(initial[b, h, j]) for j in range(length)]
        for i in range(queries):
            # the last valid key absorbs
            stay = [float(p_stay[b, h, i, j]) for j in range(length - 1)] + [1]
            now = []
            for j in range(length):
                arriving = before[j - 1] * (1 - stay[j - 1]) if j > 0 else 0.0
                now.append(before[j] * stay[j] + arriving)
                alpha[b, h, i, j] = now[j]
            before = now
    return alpha


@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_it_is_the_formula(shape, lengths, backend):
    p_stay, lengths, initial = random_inputs(shape, lengths)
    alpha = stepwise_monotonic_expectation(p_stay, lengths, initial, backend)
    expected = naive(p_stay, lengths, initial)
    torch.testing.assert_close(alpha, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_defaults_are_every_key_and_all_mass_on_the_first(
    shape, lengths, backend
):
    p_stay, lengths, initial = random_inputs(shape, lengths)
    first = torch.zeros_like(initial)
    first[..., 0] = 1.0
    every = torch.full_like(lengths, shape[-1])
    torch.testing.assert_close(
        stepwise_monotonic_expectation(p_stay, backend=backend),
        naive(p_stay, every, first),
        rtol=0,
        atol=1e-12,
    )


@pytest.mark.parametrize("moves", [1, 3])
@pytest.mark.parametrize("shape, lengths", LONGER_SHAPES)
def test_backends_agree_to_every_gradient_of_much(
    shape, lengths, moves, backend, poisoned
):
    assert_parity(shape, lengths, torch.float32, moves, backend)


@pytest.mark.parametrize(
    "dtype, moves",
    [
        (torch.float64, 1),
        (torch.float32, 1),
        (torch.float32, 3),
        (torch.bfloat16, 1),
        (torch.float16, 3),
    ],
)
@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_backends_agree_to_every_gradient(
    shape, lengths, dtype, moves, backend, poisoned
):
    assert_parity(shape, lengths, dtype, moves, backend)


def assert_parity(shape, lengths, dtype, moves, backend):
    """Hold outputs and gradients against the float64 reference."""
    p_stay, lengths, initial = random_inputs(shape, lengths)
    p_stay, initial = p_stay.to(dtype), initial.float()
    weights = torch.rand_like(p_stay)
    actual = outcome(p_stay, lengths, initial, weights, backend, moves)
    single = outcome(
        p_stay.float(), lengths, initial, weights, "reference", moves
    )
    exact = outcome(
        p_stay.double(),
        lengths,
        initial.double(),
        weights.double(),
        "reference",
        moves,
    )
    for ours, rounded, right in zip(actual, single, exact):
        assert ours.dtype in (dtype, torch.float32)
        error = (ours.double() - right).abs().max()
        allowed = 4 * torch.finfo(ours.dtype).eps * right.abs().max()
        if dtype != torch.float64:
            reference_error = (rounded.double() - right).abs().max()
            allowed = torch.maximum(allowed, 2 * reference_error)
        else:
            # the recurrence itself rounds once for each query
            allowed = allowed * (1 + moves * shape[1])
        assert error <= allowed


@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_several_moves_are_the_recurrence_on_repeated_queries(
    shape, lengths, backend
):
    moves = 2
    p_stay, lengths, initial = random_inputs(shape, lengths)
    torch.testing.assert_close(
        stepwise_monotonic_expectation(
            p_stay, lengths, initial, backend, moves_per_query=moves
        ),
        naive(p_stay.repeat_interleave(moves, 2), lengths, initial)[
            :, :, moves - 1 :: moves
        ],
        rtol=0,
        atol=1e-12,
    )


def test_two_runs_are_identical(backend, monkeypatch):
    if BACKENDS["numba"] is not None:
        from sb_sma.ops.stepwise_monotonic import cpu

        monkeypatch.setattr(cpu, "_ELEMENTS_WORTH_A_THREAD", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    p_stay, lengths, initial = random_inputs(
        (3, 11, 13), [13, 5, 1, 0], dtype=torch.float32
    )
    weights = torch.rand_like(p_stay)
    first = outcome(p_stay, lengths, initial, weights, backend)
    second = outcome(p_stay, lengths, initial, weights, backend)
    for one, other in zip(first, second):
        assert torch.equal(one, other)


@pytest.mark.parametrize("moves", [1, 2])
def test_it_compiles_into_one_graph(moves, backend):
    p_stay, lengths, initial = random_inputs(
        (2, 5, 7), [7, 3], dtype=torch.float32
    )

    def loss(energies, initial):
        alpha = stepwise_monotonic_expectation(
            energies.sigmoid(),
            lengths,
            initial,
            backend,
            moves_per_query=moves,
        )
        return alpha.square().sum()

    inputs = p_stay.logit().requires_grad_(), initial.requires_grad_()
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    expected = torch.autograd.grad(loss(*inputs), inputs)
    actual = torch.autograd.grad(compiled(*inputs), inputs)
    torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize("backend", ["numba", "triton"], indirect=True)
def test_the_operator_keeps_pytorchs_rules(backend):
    p_stay, lengths, initial = random_inputs((2, 5, 7), [7, 3])
    stepwise_monotonic_expectation(p_stay, lengths, initial, backend)  # loads
    operator = getattr(torch.ops.sb_sma, f"stepwise_monotonic_{backend}")
    torch.library.opcheck(
        operator,
        (p_stay.requires_grad_(), lengths, initial.requires_grad_(), 2),
    )


def test_any_memory_layout_will_do(backend):
    p_stay, lengths, initial = random_inputs((3, 5, 7), [7, 3])
    expected = stepwise_monotonic_expectation(p_stay, lengths, initial, backend)
    alpha = stepwise_monotonic_expectation(
        p_stay.mT.contiguous().mT,
        lengths.repeat_interleave(2)[::2],
        initial.mT.contiguous().mT,
        backend,
    )
    torch.testing.assert_close(alpha, expected)
    rows = p_stay[:, :, :1].expand(-1, -1, 5, -1)
    torch.testing.assert_close(
        stepwise_monotonic_expectation(rows, lengths, initial, backend),
        stepwise_monotonic_expectation(rows.clone(), lengths, initial, backend),
    )


def test_lengths_beyond_the_keys_count_as_all_of_them(backend):
    p_stay, _, initial = random_inputs((2, 5, 7), [7, 7])
    torch.testing.assert_close(
        stepwise_monotonic_expectation(
            p_stay, torch.tensor([7, 9]), initial, backend
        ),
        stepwise_monotonic_expectation(p_stay, None, initial, backend),
    )


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize(
    "device, keys, fastest",
    [
        ("cpu", 3, "numba"),
        ("cuda", 3, "triton"),
        ("cuda", 4096, "triton"),
        ("cuda", 4097, "reference"),
        ("meta", 3, "reference"),
    ],
)
def test_the_fastest_installed_backend_is_taken(
    device, keys, fastest, installed, monkeypatch
):
    for name in ("numba", "triton"):
        monkeypatch.setitem(BACKENDS, name, print if installed else None)
    p_stay = SimpleNamespace(device=torch.device(device), shape=(1, 1, 2, keys))
    assert _fastest_backend(p_stay) == (fastest if installed else "reference")


@pytest.mark.parametrize("name", ["numba", "triton"])
def test_a_backend_that_is_not_installed_says_how_to_get_it(name, monkeypatch):
    monkeypatch.setitem(BACKENDS, name, None)
    with pytest.raises(
        ValueError, match=f"'{name}' is not installed.*pip install {name}"
    ):
        stepwise_monotonic_expectation(torch.rand(1, 1, 2, 3), backend=name)


@pytest.mark.parametrize(
    "backend, message",
    [
        ("numba", "'numba' runs on the CPU only; p_stay is on meta. Use"),
        ("triton", "'triton' runs on CUDA devices only .*p_stay is on meta"),
    ],
    indirect=["backend"],
)
def test_a_backend_for_another_device_is_refused(backend, message):
    p_stay = torch.rand(1, 1, 2, 3, device="meta")
    with pytest.raises(ValueError, match=message):
        stepwise_monotonic_expectation(p_stay, backend=backend)


@pytest.mark.parametrize("backend", ["triton"], indirect=True)
def test_more_keys_than_a_kernel_holds_are_refused(backend):
    with pytest.raises(
        ValueError, match="at most 4096 keys; p_stay has 4097. Use"
    ):
        stepwise_monotonic_expectation(
            torch.rand(1, 1, 1, 4097), backend=backend
        )


@pytest.mark.parametrize("backend", ["triton"], indirect=True)
def test_as_many_keys_as_a_kernel_holds_are_taken(backend):
    p_stay, lengths, initial = random_inputs((1, 2, 4096), [4001])
    torch.testing.assert_close(
        stepwise_monotonic_expectation(p_stay, lengths, initial, backend),
        stepwise_monotonic_expectation(p_stay, lengths, initial, "reference"),
    )


# Triton's interpreter takes minutes; its gradients are compared with these
@pytest.mark.parametrize("backend", ["reference", "numba"], indirect=True)
@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_gradients_are_those_of_the_function(shape, lengths, backend):
    p_stay, lengths, initial = random_inputs(shape, lengths)
    p_stay = (0.1 + 0.8 * p_stay).requires_grad_()
    initial.requires_grad_()

    def function(p_stay, initial):
        return stepwise_monotonic_expectation(p_stay, lengths, initial, backend)

    assert torch.autograd.gradcheck(function, (p_stay, initial))


def test_an_empty_batch_gives_an_empty_alignment(backend):
    if backend == "triton":
        pytest.skip("a grid of no programs is not launched by every driver")
    p_stay = torch.rand(0, 2, 3, 4, requires_grad=True)
    alpha = stepwise_monotonic_expectation(p_stay, backend=backend)
    alpha.sum().backward()
    assert alpha.shape == p_stay.grad.shape == (0, 2, 3, 4)


@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_every_row_keeps_the_mass_of_the_valid_keys(shape, lengths, backend):
    p_stay, lengths, initial = random_inputs(shape, lengths)
    alpha = stepwise_monotonic_expectation(p_stay, lengths, initial, backend)
    valid = torch.arange(shape[-1]) < lengths[:, None]  # (B, K)
    mass = (initial * valid[:, None]).sum(-1)  # (B, H)
    expected = mass[:, :, None].expand(-1, -1, shape[1])
    torch.testing.assert_close(alpha.sum(-1), expected, rtol=0, atol=1e-12)
    assert bool((alpha >= 0).all())


@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_keys_past_the_length_get_nothing(shape, lengths, backend):
    p_stay, lengths, initial = random_inputs(shape, lengths)
    alpha = stepwise_monotonic_expectation(p_stay, lengths, initial, backend)
    for item, length in zip(alpha, lengths):
        assert bool((item[..., length:] == 0).all())


@pytest.mark.parametrize("garbage", [float("nan"), float("inf")])
@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_what_stands_at_and_past_the_last_valid_key_is_never_read(
    shape, lengths, garbage, backend
):
    p_stay, lengths, initial = random_inputs(shape, lengths)
    unread = torch.arange(shape[-1]) >= lengths[:, None, None, None] - 1
    past = torch.arange(shape[-1]) >= lengths[:, None, None]
    unread, past = unread.expand_as(p_stay), past.expand_as(initial)
    weights = torch.rand_like(p_stay)

    plain = outcome(p_stay, lengths, initial, weights, backend)
    spoilt = outcome(
        p_stay.masked_fill(unread, garbage),
        lengths,
        initial.masked_fill(past, garbage),
        weights,
        backend,
    )
    for expected, actual in zip(plain, spoilt):
        assert torch.equal(actual, expected)
    assert bool((spoilt[1][unread] == 0).all())
    assert bool((spoilt[2][past] == 0).all())


@pytest.mark.parametrize("shape, lengths", SHAPES)
def test_a_row_depends_on_no_later_query(shape, lengths, backend):
    p_stay, lengths, initial = random_inputs(shape, lengths)
    whole = stepwise_monotonic_expectation(p_stay, lengths, initial, backend)
    for step in {0, shape[1] // 2}:
        other = p_stay.clone()
        other[:, :, step + 1 :] = 1.0 - other[:, :, step + 1 :]
        changed = stepwise_monotonic_expectation(
            other, lengths, initial, backend
        )
        seen = slice(0, step + 1)
        assert torch.equal(changed[:, :, seen], whole[:, :, seen])


@pytest.mark.parametrize("split", [1, 4, 12])
def test_it_can_be_continued(split, backend):
    p_stay, lengths, initial = random_inputs((2, 13, 7), [7, 4, 1, 0])
    whole = stepwise_monotonic_expectation(p_stay, lengths, initial, backend)
    first = stepwise_monotonic_expectation(
        p_stay[:, :, :split], lengths, initial, backend
    )
    second = stepwise_monotonic_expectation(
        p_stay[:, :, split:], lengths, first[:, :, -1], backend
    )
    together = torch.cat((first, second), dim=2)
    torch.testing.assert_close(together, whole, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "path",
    [[0, 0, 1, 2, 2, 3], [1, 2, 3, 3, 3, 3], [0, 0, 0, 0, 0, 0]],
    ids=["walks", "hurries", "stays"],
)
def test_certain_moves_walk_the_planted_path(path, backend):
    p_stay = torch.full((1, 1, len(path), 4), 0.5)
    before = 0
    for step, here in enumerate(path):
        p_stay[0, 0, step, before] = float(here == before)
        before = here
    alpha = stepwise_monotonic_expectation(p_stay, backend=backend)
    assert torch.equal(alpha[0, 0], torch.eye(4)[path])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_input_keeps_its_mass(dtype, backend):
    # a state of this precision would lose percents on the way
    p_stay = torch.full((1, 1, 600, 100), 0.83, dtype=dtype)
    alpha = stepwise_monotonic_expectation(p_stay, backend=backend)
    assert alpha.dtype == dtype
    expected = stepwise_monotonic_expectation(p_stay.double())
    precision = torch.finfo(dtype).eps  # of what comes out
    assert bool(((alpha.double().sum(-1) - 1).abs() < precision).all())
    torch.testing.assert_close(
        alpha.double(), expected, rtol=precision, atol=1e-6
    )


def test_the_dtype_of_the_initial_alignment_does_not_matter(backend):
    p_stay, lengths, initial = random_inputs(
        (2, 3, 5), [5, 2], dtype=torch.float32
    )
    expected = stepwise_monotonic_expectation(p_stay, lengths, initial, backend)
    alpha = stepwise_monotonic_expectation(
        p_stay, lengths.int(), initial.double(), backend
    )
    assert alpha.dtype == torch.float32
    torch.testing.assert_close(alpha, expected)


def test_arguments_are_left_as_they_were(backend):
    arguments = random_inputs((2, 5, 7), [7, 3, 0])
    before = [argument.clone() for argument in arguments]
    stepwise_monotonic_expectation(*arguments, backend=backend)
    for argument, copy in zip(arguments, before):
        assert torch.equal(argument, copy)


@pytest.mark.parametrize(
    "arguments, message",
    [
        pytest.param(
            {"p_stay": torch.rand(2, 7, 5)},
            r"p_stay must have shape \(B, H, Q, K\); got \(2, 7, 5\)\. Add",
            id="axes",
        ),
        pytest.param(
            {"p_stay": torch.ones(1, 1, 2, 2, dtype=torch.int64)},
            r"p_stay must be a floating-point tensor; got torch\.int64",
            id="dtype",
        ),
        pytest.param(
            {"p_stay": torch.rand(1, 1, 0, 3)},
            r"at least one query and one key; got \(1, 1, 0, 3\)",
            id="no-query",
        ),
        pytest.param(
            {"p_stay": torch.rand(1, 1, 3, 0)},
            r"at least one query and one key; got \(1, 1, 3, 0\)",
            id="no-key",
        ),
        pytest.param(
            {"memory_lengths": torch.tensor([3])},
            r"memory_lengths must be integer counts of shape \(2,\); got "
            r"torch\.int64 of shape \(1,\)",
            id="lengths-of-another-batch",
        ),
        pytest.param(
            {"memory_lengths": torch.tensor([0.5, 1.0])},
            r"integer counts.*got torch\.float32.*multiplied by K and rounded",
            id="relative-lengths",
        ),
        pytest.param(
            {"memory_lengths": torch.tensor([True, True])},
            r"integer counts.*got torch\.bool",
            id="bool-lengths",
        ),
        pytest.param(
            {"initial_alpha": torch.rand(2, 3, 4)},
            r"initial_alpha must have shape \(B, H, K\) = \(2, 3, 5\); got "
            r"\(2, 3, 4\)",
            id="initial-alpha",
        ),
        pytest.param(
            {"initial_alpha": torch.rand(3, 5)},
            r"initial_alpha must have shape.*got \(3, 5\)",
            id="initial-alpha-of-one-item",
        ),
        pytest.param(
            {"moves_per_query": 0},
            "moves_per_query must be 1 or more; got 0",
            id="moves",
        ),
        pytest.param(
            {"backend": "numpy"},
            "backend must be one of auto, reference, numba, triton; got 'numpy'",
            id="backend",
        ),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        stepwise_monotonic_expectation(
            **{"p_stay": torch.rand(2, 3, 4, 5), **arguments}
        )
