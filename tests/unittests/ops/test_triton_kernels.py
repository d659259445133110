"""The Triton kernels as a GPU gets them.

Their numbers are in ``test_stepwise_monotonic.py``, where they run in Triton's
interpreter if there is no GPU. The interpreter runs one program after the
other and cannot show a race: that takes a GPU.
"""

import os
import subprocess
import sys

import pytest
import torch

pytest.importorskip("triton", reason="needs triton: pip install triton")

COMPILE = """
import sys
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from sb_sma.ops.stepwise_monotonic import triton_kernels

dtype, keys, warps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
pointers = {"p_lengths": "*i64", "p_initial": "*fp32", "p_d_initial": "*fp32"}
constants = {"MOVES": 2, "BLOCK_K": keys}
for kernel in ("_forward_kernel", "_backward_kernel"):
    kernel = getattr(triton_kernels, kernel)
    signature = {name: "i32" for name in ("heads", "queries", "keys")}
    for name in kernel.arg_names:
        if name.startswith("p_"):
            signature[name] = pointers.get(name, f"*{dtype}")
        elif name in constants:
            signature[name] = "constexpr"
    signature = {name: signature[name] for name in kernel.arg_names}
    source = ASTSource(kernel, signature=signature, constexprs=constants)
    target = GPUTarget("cuda", 90, 32)
    compiled = compile(source, target=target, options={"num_warps": warps})
    assert compiled.asm["cubin"]
    # keys hear of each other by the registers of a warp, or through shared
    # memory with barriers
    exchange = "shfl.sync" if warps == 1 else "bar.sync"
    print(exchange in compiled.asm["ptx"])
"""


@pytest.mark.integration
@pytest.mark.parametrize(
    "dtype, keys, warps",
    [("fp32", 128, 1), ("bf16", 4096, 16)],
)
def test_the_kernels_compile_to_machine_code(dtype, keys, warps, repository):
    environment = {**os.environ}
    environment.pop("TRITON_INTERPRET", None)
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, dtype, str(keys), str(warps)],
        env=environment,
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.split() == ["True", "True"], done.stderr


@pytest.mark.requires_cuda
def test_a_cuda_graph_can_hold_it():
    from sb_sma.ops import stepwise_monotonic_expectation

    p_stay = torch.rand(2, 4, 50, 30, device="cuda")
    lengths = torch.tensor([30, 17], device="cuda")
    expected = stepwise_monotonic_expectation(p_stay, lengths)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        alpha = stepwise_monotonic_expectation(p_stay, lengths)
    graph.replay()
    assert torch.equal(alpha, expected)
