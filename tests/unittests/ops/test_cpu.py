"""The CPU kernels where threads and processes meet."""

import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import distributed, nn

from sb_sma.ops import stepwise_monotonic_expectation
from sb_sma.training.distributed import close_process_group

cpu = pytest.importorskip(
    "sb_sma.ops.stepwise_monotonic.cpu", reason="needs numba: pip install numba"
)


@pytest.fixture
def three_threads(monkeypatch):
    """Work worth a pool of threads, whatever the number of cores."""
    monkeypatch.setattr(cpu, "_ELEMENTS_WORTH_A_THREAD", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)


def loss_and_gradient(backend="numba"):
    """Of inputs that are the same everywhere."""
    generator = torch.Generator().manual_seed(1)
    p_stay = torch.rand(5, 2, 30, 20, generator=generator).requires_grad_()
    alpha = stepwise_monotonic_expectation(
        p_stay, torch.tensor([20, 9, 1, 0, 13]), backend=backend
    )
    loss = alpha.square().sum()
    loss.backward()
    return loss.detach(), p_stay.grad


def test_threads_change_nothing(three_threads):
    torch.testing.assert_close(
        loss_and_gradient(), loss_and_gradient("reference")
    )


def test_more_threads_than_rows_will_do(three_threads):
    p_stay = torch.rand(1, 2, 3, 5)
    torch.testing.assert_close(
        stepwise_monotonic_expectation(p_stay, backend="numba"),
        stepwise_monotonic_expectation(p_stay, backend="reference"),
    )


def test_an_error_in_a_thread_is_raised(three_threads):
    begun = threading.Event()

    def fails(*arguments):
        if threading.current_thread() is threading.main_thread():
            assert begun.wait(timeout=60)
        else:
            begun.set()
            raise FloatingPointError("in a thread")

    rows = torch.zeros(4, 2, 3).numpy()
    with pytest.raises(FloatingPointError, match="in a thread"):
        cpu._over_rows(fails, 1, (rows, rows, rows), (rows,))


def test_it_runs_in_two_python_threads(three_threads):
    expected = loss_and_gradient()
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(loss_and_gradient) for _ in range(8)]
    for future in futures:
        for one, other in zip(future.result(), expected):
            assert torch.equal(one, other)


def _send_outcome(connection):
    # numpy arrays need no shared memory
    arrays = [tensor.numpy() for tensor in loss_and_gradient()]
    connection.send((arrays, threading.active_count()))


def test_it_runs_in_a_forked_process(three_threads):
    expected = loss_and_gradient()  # the parent has its threads by now
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send_outcome, args=(sender,))
    child.start()
    assert receiver.poll(timeout=60), "the forked process gives no answer"
    arrays, n_threads = receiver.recv()
    assert n_threads > 1  # of its own: those of the parent are gone
    for array, right in zip(arrays, expected):
        assert torch.equal(torch.from_numpy(array).view_as(right), right)
    child.join(60)
    assert child.exitcode == 0


@pytest.mark.integration
def test_one_openmp_thread_means_one_thread(repository):
    script = (
        "import threading, torch\n"
        "from sb_sma.ops import stepwise_monotonic_expectation\n"
        "p_stay = torch.rand(8, 4, 100, 100)\n"
        "stepwise_monotonic_expectation(p_stay, backend='numba')\n"
        "print(torch.get_num_threads(), threading.active_count())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=repository,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.split() == ["1", "1"]


def _train_on_a_part(rank, folder):
    """One step of data-parallel training on two of four items."""
    distributed.init_process_group(
        "gloo", f"file://{folder}/rendezvous", world_size=2, rank=rank
    )
    model = nn.parallel.DistributedDataParallel(_Aligner())
    model(_items()[2 * rank : 2 * rank + 2]).backward()
    if rank == 0:
        torch.save(model.module.bias.grad, f"{folder}/gradient.pt")
    close_process_group()


class _Aligner(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.linspace(-1, 1, 20))

    def forward(self, energies):
        alpha = stepwise_monotonic_expectation(
            (energies + self.bias).sigmoid(), backend="numba"
        )
        return alpha.square().sum() / len(energies)


def _items():
    generator = torch.Generator().manual_seed(2)
    return torch.randn(4, 2, 30, 20, generator=generator)


@pytest.mark.integration
def test_two_data_parallel_processes_find_the_gradient_of_the_whole(tmp_path):
    whole = _Aligner()
    whole(_items()).backward()
    script = (
        "import sys, importlib.util\n"
        "spec = importlib.util.spec_from_file_location('t', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "module._train_on_a_part(int(sys.argv[2]), sys.argv[3])\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, __file__, str(rank), str(tmp_path)]
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    torch.testing.assert_close(
        torch.load(tmp_path / "gradient.pt"), whole.bias.grad
    )
