#!/usr/bin/env python3
"""Is the expectation as fast as memory, and how much faster than a loop?

First holds every backend that can run here against the float64 reference,
outputs and gradients; if one is wrong, nothing is timed. Then measures, on the
CPU and, where there is one, on a CUDA device:

- bandwidth: bytes per second of forward and of backward, as a share of those
  of a copy into an existing tensor;
- loop: forward + backward against the formula as a Python loop under autograd,
  as public code writes it, and as it could have been written;
- memory: what forward + backward take at most, in tensors of p_stay's size
  (CPU, in a process of its own);
- doubling: forward + backward with twice the queries or keys (CPU, likewise:
  whether the C library gives freed memory back to the system, whose pages cost
  more than the recurrence, depends on all that a process has freed before).

Contestants run in turn, and ratios are of the same round. Prints a table, and
stores everything under ``results/``.

> python -m benchmarks.claims.stepwise_monotonic
"""

import argparse
import json
import math
import os
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.timing import compare, median, significant, time_in_turn
from sb_sma.ops import stepwise_monotonic_expectation
from sb_sma.ops.stepwise_monotonic import BACKENDS

OUTPUT = Path(__file__).parents[1] / "results" / "stepwise_monotonic.json"
Shape = tuple[int, int, int, int]  # B, H, Q, K
PARITY_SHAPES: list[Shape] = [
    (3, 2, 37, 11),
    (4, 1, 5, 64),
    (2, 2, 200, 512),
    (32, 1, 600, 100),
]
PARITY_MOVES = (1, 3)
CPU_SHAPE: Shape = (256, 1, 600, 100)
DOUBLED_SHAPE: Shape = (64, 1, 600, 100)  # before it is doubled
CUDA_LOOP_SHAPE: Shape = (16, 8, 800, 150)
CUDA_SHAPE: Shape = (64, 8, 2000, 512)
CUDA_GIB = 16  # for CUDA_SHAPE
TENSORS_MOVED = {
    "copy": 2,  # source, copy
    "forward": 2,  # p_stay, alpha
    "backward": 4,  # p_stay, alpha, grad, d_p_stay
}
WANTED = {
    "share_of_copy": ">= 0.40",
    "cpu_public_loop": ">= 60",
    "cuda_public_loop": ">= 50",
    "doubling": "<= 2.2",
}


def main() -> None:
    """Check, measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument(
        "--loop_rounds", type=int, default=3, help="of the public loop"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    if BACKENDS["numba"] is None:
        raise SystemExit("needs numba: pip install numba")
    result: dict[str, Any] = {
        "machine": {**describe_machine(), **describe_setup()},
        "counted": {
            "tensors_moved": TENSORS_MOVED,
            "share_of_copy": "bytes per second over the copy's",
            "forward": "the public function without gradient; its result takes "
            "over the memory of the one before, as in training",
            "backward": "torch.autograd.grad on a kept graph, likewise",
            "existing_memory": "the same kernels alone",
            "copy_into_new_memory": "what an allocation costs any operation",
            "memory": "growth of the resident set at its peak, in tensors of "
            "p_stay's size; alpha and d_p_stay are 2",
        },
        "wanted": WANTED,
        "parity": check_parity("numba", "cpu"),
    }
    on_cuda = torch.cuda.is_available()
    if on_cuda:
        result["parity"] += check_parity("triton", "cuda")
    result["cpu"] = measure_cpu(arguments.rounds, arguments.loop_rounds)
    result["cuda"] = (
        measure_cuda(arguments.rounds, arguments.loop_rounds)
        if on_cuda
        else "no CUDA device"
    )
    print_table(result)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def describe_setup() -> dict[str, str]:
    """Return what `describe_machine` does not know."""
    setup = {"threads": str(torch.get_num_threads()), "numba": version("numba")}
    if torch.cuda.is_available():
        setup["cuda_device"] = torch.cuda.get_device_name()
        setup["cuda"] = str(torch.version.cuda)
        setup["triton"] = version("triton")
    return setup


def check_parity(backend: str, device: str) -> list[dict[str, Any]]:
    """Hold a backend against the float64 reference, or end the program.

    An error is relative to the largest value of the reference, and may be
    twice that of the reference backend in the dtype itself, or 4 eps.
    """
    lines = []
    for dtype in (torch.float32, torch.bfloat16):
        for shape in PARITY_SHAPES:
            inputs = random_inputs(shape, dtype, device)
            for moves in PARITY_MOVES:
                exact = outcome("reference", inputs, torch.float64, moves)
                same_dtype = outcome("reference", inputs, dtype, moves)
                actual = outcome(backend, inputs, dtype, moves)
                for name, right in exact.items():
                    error = relative_error(actual[name], right)
                    allowed = max(
                        2.0 * relative_error(same_dtype[name], right),
                        4.0 * torch.finfo(dtype).eps,
                    )
                    line = {
                        "backend": backend,
                        "dtype": str(dtype),
                        "shape": shape,
                        "moves_per_query": moves,
                        "of": name,
                        "error": significant(error),
                        "allowed": significant(allowed),
                    }
                    # not error > allowed: NaN must not pass
                    if not error <= allowed:
                        raise SystemExit(f"no parity, nothing timed: {line}")
                    lines.append(line)
    return lines


def random_inputs(
    shape: Shape, dtype: torch.dtype, device: str
) -> dict[str, torch.Tensor]:
    """Input with lengths from 0 to K, and the gradient of the result."""
    batch, heads, queries, keys = shape
    lengths = torch.randint(0, keys + 1, (batch,))
    lengths[:3] = torch.tensor([keys, 1, 0])[: min(batch, 3)]
    inputs = {
        "p_stay": torch.rand(shape),
        "initial_alpha": torch.rand(batch, heads, keys).softmax(dim=-1),
        "grad": torch.randn(shape),
    }
    inputs = {name: value.to(dtype) for name, value in inputs.items()}
    inputs["lengths"] = lengths
    return {name: value.to(device) for name, value in inputs.items()}


def outcome(
    backend: str,
    inputs: dict[str, torch.Tensor],
    dtype: torch.dtype,
    moves_per_query: int,
) -> dict[str, torch.Tensor]:
    """Return the alignment and both gradients."""
    leaves = [
        inputs[name].to(dtype, copy=True).requires_grad_()
        for name in ("p_stay", "initial_alpha")
    ]
    alpha = stepwise_monotonic_expectation(
        leaves[0],
        inputs["lengths"],
        leaves[1],
        backend,
        moves_per_query=moves_per_query,
    )
    grads = torch.autograd.grad(alpha, leaves, inputs["grad"].to(dtype))
    return {
        "alpha": alpha.detach(),
        "gradient of p_stay": grads[0],
        "gradient of initial_alpha": grads[1],
    }


def relative_error(actual: torch.Tensor, right: torch.Tensor) -> float:
    """Largest difference, relative to the largest right value."""
    return float((actual.double() - right).abs().max() / right.abs().max())


def measure_cpu(rounds: int, loop_rounds: int) -> dict[str, Any]:
    """All that is measured on the CPU, in float32."""
    return {
        "bandwidth": measure_bandwidth(CPU_SHAPE, torch.float32, "cpu", rounds),
        "loop": measure_loop(CPU_SHAPE, "cpu", rounds, loop_rounds),
        "memory": measure_memory(CPU_SHAPE),
        "doubling": in_own_process(measure_doubling, DOUBLED_SHAPE, rounds),
    }


def in_own_process(function: Callable, *arguments: Any) -> Any:
    """Return what a function returns in a process that has done nothing else."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def measure_cuda(rounds: int, loop_rounds: int) -> dict[str, Any]:
    """All that is measured on a CUDA device."""
    loop = measure_loop(CUDA_LOOP_SHAPE, "cuda", rounds, loop_rounds)
    room = torch.cuda.get_device_properties(0).total_memory / 2**30
    if room < CUDA_GIB:
        return {"loop": loop, "bandwidth": f"needs {CUDA_GIB} GiB"}
    bandwidth = {
        str(dtype): measure_bandwidth(CUDA_SHAPE, dtype, "cuda", rounds)
        for dtype in (torch.float32, torch.bfloat16)
    }
    return {"loop": loop, "bandwidth": bandwidth}


def measure_bandwidth(
    shape: Shape, dtype: torch.dtype, device: str, rounds: int
) -> dict[str, Any]:
    """Forward and backward against a copy into an existing tensor."""
    p_stay = torch.rand(shape, device=device).to(dtype).requires_grad_()
    source = p_stay.detach()
    grad = torch.randn(shape, device=device).to(dtype)
    existing = torch.zeros_like(source)
    alpha = stepwise_monotonic_expectation(p_stay)
    contestants: dict[str, Callable[[], Any]] = {
        "copy": lambda: existing.copy_(source),
        "copy_into_new_memory": lambda: source.clone(),
        "forward": lambda: stepwise_monotonic_expectation(source),
        "backward": lambda: torch.autograd.grad(
            alpha, p_stay, grad, retain_graph=True
        ),
    }
    if device == "cpu":
        contestants.update(
            kernels_in_existing_memory(source, alpha.detach(), grad, existing)
        )
    seconds = time_in_turn(contestants, rounds, device)
    tensor_bytes = source.numel() * source.element_size()
    figures = {}
    for name, spent in seconds.items():
        moved = TENSORS_MOVED[name.split("_")[0]]
        figures[name] = {
            "seconds": median(spent),
            "bytes_per_second": significant(
                moved * tensor_bytes / median(spent)
            ),
            "share_of_copy": compare(
                seconds["copy"], spent, moved / TENSORS_MOVED["copy"]
            ),
        }
    return {
        "shape": shape,
        "dtype": str(dtype),
        "rounds": rounds,
        "tensor_bytes": tensor_bytes,
        **figures,
    }


def kernels_in_existing_memory(
    p_stay: torch.Tensor,
    alpha: torch.Tensor,
    grad: torch.Tensor,
    existing: torch.Tensor,
) -> dict[str, Callable[[], None]]:
    """Return the CPU kernels on results that were written before."""
    from sb_sma.ops.stepwise_monotonic import cpu

    batch, heads, _, keys = p_stay.shape
    initial = F.one_hot(torch.zeros(batch, heads, dtype=torch.long), keys)
    lengths = torch.full((batch,), keys)
    dtype, inputs = cpu._arrays(p_stay, lengths, initial)
    kept = inputs + (cpu._rows(alpha, dtype), cpu._rows(grad, dtype))
    written = cpu._rows(existing, dtype)
    d_initial = torch.zeros(batch * heads, keys).numpy()
    return {
        "forward_existing_memory": lambda: cpu._over_rows(
            cpu._forward_kernel, 1, inputs, (written,)
        ),
        "backward_existing_memory": lambda: cpu._over_rows(
            cpu._backward_kernel, 1, kept, (written, d_initial)
        ),
    }


def measure_loop(
    shape: Shape, device: str, rounds: int, loop_rounds: int
) -> dict[str, Any]:
    """Forward + backward against two Python loops."""
    p_stay = torch.rand(shape, device=device)
    # the bare formula loses what leaves the last key: nothing leaves it here
    p_stay[..., -1] = 1.0
    p_stay.requires_grad_()
    grad = torch.randn(shape, device=device)
    with torch.no_grad():
        expected = stepwise_monotonic_expectation(p_stay)
        for loop in (unbound_loop, public_loop):
            torch.testing.assert_close(loop(p_stay), expected)
    ours = partial(
        forward_and_backward, stepwise_monotonic_expectation, p_stay, grad
    )
    figures: dict[str, Any] = {
        "shape": shape,
        "dtype": str(p_stay.dtype),
        "of": "forward + backward",
    }
    # apart: what follows the public loop, which takes and frees gigabytes, is
    # slower than it is elsewhere
    for loop, times in ((unbound_loop, rounds), (public_loop, loop_rounds)):
        rival = partial(forward_and_backward, loop, p_stay, grad)
        seconds = time_in_turn(
            {"ours": ours, "loop": rival}, times, device, warm_up=1
        )
        figures[loop.__name__] = {
            "rounds": times,
            "seconds": {name: median(t) for name, t in seconds.items()},
            "over_ours": compare(seconds["loop"], seconds["ours"]),
        }
    return figures


def forward_and_backward(
    function: Callable, p_stay: torch.Tensor, grad: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the alignment and the gradient of `p_stay`."""
    alpha = function(p_stay)
    return alpha, torch.autograd.grad(alpha, p_stay, grad)[0]


def public_loop(p_stay: torch.Tensor) -> torch.Tensor:
    """Return the formula as public implementations run it under autograd.

    Each query is cut out of `p_stay` by its index, what moves on is shifted
    by a concatenation, and the queries are concatenated in the end.
    """
    nothing = torch.zeros_like(p_stay[:, :, :1, :1])
    alpha = F.pad(torch.ones_like(nothing), (0, p_stay.shape[3] - 1))
    rows = []
    for i in range(p_stay.shape[2]):
        stay = p_stay[:, :, i : i + 1]
        moving = alpha[..., :-1] * (1.0 - stay[..., :-1])
        alpha = alpha * stay + torch.cat((nothing, moving), dim=-1)
        rows.append(alpha)
    return torch.cat(rows, dim=2)


def unbound_loop(p_stay: torch.Tensor) -> torch.Tensor:
    """Return the same loop without what makes its backward quadratic.

    The gradient of a query cut out by its index is as large as the whole of
    `p_stay`; those of ``unbind`` are stacked once.
    """
    first = torch.ones_like(p_stay[:, :, 0, :1])
    alpha = F.pad(first, (0, p_stay.shape[3] - 1))
    rows = []
    for stay in p_stay.unbind(2):
        moving = alpha[..., :-1] * (1.0 - stay[..., :-1])
        alpha = alpha * stay + F.pad(moving, (1, 0))
        rows.append(alpha)
    return torch.stack(rows, dim=2)


def measure_memory(shape: Shape) -> dict[str, Any]:
    """Peak of forward + backward, in a process of its own."""
    if not os.access("/proc/self/clear_refs", os.W_OK):
        return {"skipped": "needs /proc/self/clear_refs, which Linux has"}
    growth = in_own_process(peak_growth, shape)
    tensor_bytes = 4 * math.prod(shape)
    return {
        "shape": shape,
        "dtype": str(torch.float32),
        "of": "forward + backward",
        "p_stay_bytes": tensor_bytes,
        "growth_in_tensors": significant(growth / tensor_bytes),
        "beyond_alpha_and_d_p_stay": significant(growth / tensor_bytes - 2.0),
    }


def peak_growth(shape: Shape) -> int:
    """Return bytes by which this process grows at most in forward + backward."""
    small = torch.rand(2, 1, 10, 10, requires_grad=True)  # compiles
    forward_and_backward(
        stepwise_monotonic_expectation, small, torch.rand_like(small)
    )
    p_stay = torch.rand(shape, requires_grad=True)
    grad = torch.randn(shape)
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now
    before = resident_bytes("VmRSS")
    kept = forward_and_backward(stepwise_monotonic_expectation, p_stay, grad)
    growth = resident_bytes("VmHWM") - before
    del kept
    return growth


def resident_bytes(field: str) -> int:
    """``VmRSS``, the resident set, or ``VmHWM``, its peak."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def measure_doubling(shape: Shape, rounds: int) -> dict[str, Any]:
    """Forward + backward with twice the queries, and with twice the keys."""
    batch, heads, queries, keys = shape
    shapes = {
        "once": shape,
        "twice_the_queries": (batch, heads, 2 * queries, keys),
        "twice_the_keys": (batch, heads, queries, 2 * keys),
    }
    contestants = {
        name: partial(
            forward_and_backward,
            stepwise_monotonic_expectation,
            torch.rand(size, requires_grad=True),
            torch.randn(size),
        )
        for name, size in shapes.items()
    }
    seconds = time_in_turn(contestants, rounds)
    return {
        "shapes": shapes,
        "dtype": str(torch.float32),
        "of": "forward + backward",
        "rounds": rounds,
        "seconds": {name: median(spent) for name, spent in seconds.items()},
        "over_once": {
            name: compare(seconds[name], seconds["once"])
            for name in list(shapes)[1:]
        },
    }


def print_table(result: dict[str, Any]) -> None:
    """Return the figures, each with what is wanted of it."""
    worst = max(
        result["parity"], key=lambda line: line["error"] / line["allowed"]
    )
    print(
        f"parity: {len(result['parity'])} comparisons; the worst has "
        f"{worst['error']:.2g} of {worst['allowed']:.2g}"
    )
    cpu = result["cpu"]
    print_bandwidth(cpu["bandwidth"])
    print_loop(cpu["loop"], WANTED["cpu_public_loop"])
    if "skipped" in cpu["memory"]:
        print(f"memory: {cpu['memory']['skipped']}")
    else:
        print(
            "memory of forward + backward, in tensors of p_stay's size: "
            f"{cpu['memory']['growth_in_tensors']:.3f}"
        )
    for name, ratio in cpu["doubling"]["over_once"].items():
        print(
            f"{name}: {ratio['median_of_ratios']:.2f} times the time "
            f"(wanted {WANTED['doubling']})"
        )
    if isinstance(result["cuda"], str):
        print(result["cuda"])
        return
    print_loop(result["cuda"]["loop"], WANTED["cuda_public_loop"])
    if isinstance(result["cuda"]["bandwidth"], str):
        print(result["cuda"]["bandwidth"])
        return
    for figures in result["cuda"]["bandwidth"].values():
        print_bandwidth(figures)


def print_bandwidth(figures: dict[str, Any]) -> None:
    """One line for each contestant."""
    print(
        f"\n{figures['dtype']} {figures['shape']}\n"
        f"{'':26}{'ms':>8}{'GB/s':>8}{'of copy':>9}  "
        f"(wanted {WANTED['share_of_copy']})"
    )
    for name, line in figures.items():
        if isinstance(line, dict):
            print(
                f"{name:26}{1e3 * line['seconds']:8.2f}"
                f"{line['bytes_per_second'] / 1e9:8.2f}"
                f"{line['share_of_copy']['median_of_ratios']:9.2f}"
            )


def print_loop(figures: dict[str, Any], wanted: str) -> None:
    """Time of the loops, each beside ours."""
    print(f"\nforward + backward {figures['shape']}")
    for name in ("public_loop", "unbound_loop"):
        line = figures[name]
        text = f"  (wanted {wanted})" if name == "public_loop" else ""
        print(
            f"{name:26}{1e3 * line['seconds']['loop']:10.1f} ms, ours "
            f"{1e3 * line['seconds']['ours']:.1f} ms:"
            f"{line['over_ours']['median_of_ratios']:8.1f} x{text}"
        )


if __name__ == "__main__":
    main()
