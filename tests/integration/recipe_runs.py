"""Runs recipes as a user would, small."""

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import (
    EventAccumulator,
)

ROOT = Path(__file__).resolve().parents[2]
KILLED = Path(__file__).with_name("killed.py")
OBSERVED = Path(__file__).with_name("observed.py")
TIMEOUT = 500  # seconds
SMALL_TTS = (
    "--n_utterances=24",
    "--n_valid=4",
    "--n_test=4",
    "--d_model=32",
    "--nhead=2",
    "--d_ffn=32",
    "--postnet_channels=16",
    "--n_samples=1",
    "--samples_every=1000",
    "--griffin_lim_iterations=2",
    "--max_seconds_per_token=0.1",
    "--device=cpu",
)
SMALL_G2P = (
    "--d_model=32",
    "--nhead=4",
    "--d_ffn=64",
    "--encoder_layers=1",
    "--decoder_layers=1",
    "--batch_words=16",
    "--n_samples=1",
    "--device=cpu",
)


def train_tts(output_folder, *flags, yaml="hparams/tts.yaml", **how):
    """Run the README's command for speech; `how` as `run_recipe` has it."""
    return run_recipe(yaml, output_folder, SMALL_TTS, flags, **how)


def train_g2p(output_folder, *flags, yaml="hparams/g2p.yaml", **how):
    """Run the README's command for pronunciations."""
    return run_recipe(yaml, output_folder, SMALL_G2P, flags, **how)


def refusal_of(train, output_folder, *flags):
    """What a command says that is refused before it trains."""
    done = train(output_folder, *flags, in_fork=True)
    assert done.returncode == 1, done.stdout[-3000:]
    return done.stdout + (done.stderr or "")


def run_recipe(
    yaml,
    output_folder,
    defaults,
    flags,
    script="train.py",
    n_processes=1,
    killed_at=None,
    observed_in=None,
    in_fork=False,
):
    """Run a command of the README from another folder.

    What `flags` give, `defaults` do not. Several processes share the batches.
    They may be killed at a call, as `killed.py` has it, or write down what they
    see in a folder, as `observed.py` has it.
    """
    given = {flag.split("=")[0] for flag in flags}
    folder = output_folder.parent.expanduser()
    arguments = [
        str(ROOT / yaml),
        f"--output_folder={output_folder}",
        f"--corpus_folder={output_folder.parent / 'corpus'}",
        *(flag for flag in defaults if flag.split("=")[0] not in given),
        *flags,
    ]
    # a fork that is no new program may abort on macOS; Windows has none
    if in_fork and sys.platform == "linux":
        return run_forked(ROOT / script, arguments, folder)
    launcher = [
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc_per_node={n_processes}",
    ]
    command = [
        sys.executable,
        *(launcher if n_processes > 1 else []),
        *([str(KILLED), killed_at] if killed_at else []),
        *([str(OBSERVED), str(observed_in)] if observed_in else []),
        str(ROOT / script),
        *arguments,
    ]
    return subprocess.run(
        command,
        cwd=folder,
        # threads would wait for those of the tests beside
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
    )


def run_forked(script, arguments, folder):
    """Run a script in a fork of this process, which has imported everything.

    It must not train: autograd may have threads that a fork has not. Both of
    its outputs are one.
    """
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                signal.alarm(TIMEOUT)
                sys.stdout = sys.stderr = output
                for descriptor in (1, 2):
                    os.dup2(output.fileno(), descriptor)
                os.chdir(folder)
                sys.argv = [str(script), *map(str, arguments)]
                runpy.run_path(str(script), run_name="__main__")
                status = 0
            except SystemExit as end:
                # Python prints what is not a number
                is_text = not isinstance(end.code, (int, type(None)))
                print(end.code if is_text else "")
                status = 1 if is_text else end.code or 0
            except BaseException:
                traceback.print_exc()
            finally:
                output.flush()
                os._exit(status)
        _, status = os.waitpid(child, 0)
        output.seek(0)
        return subprocess.CompletedProcess(
            [script, *arguments],
            os.waitstatus_to_exitcode(status),
            stdout=output.read(),
        )


def read_history(output_folder):
    """The records of every epoch."""
    lines = (output_folder / "history.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def read_observed(folder):
    """What each process saw, as `observed.py` has it."""
    return [
        [json.loads(line) for line in path.read_text().splitlines()]
        for path in sorted(folder.glob("*.jsonl"))
    ]


def describe_run(output_folder):
    """What two runs have in common to the bit, which is all but the time."""
    history = read_history(output_folder)
    for record in history:
        del record["minutes"]
    log = (output_folder / "train_log.txt").read_text()
    events = EventAccumulator(str(output_folder / "tensorboard")).Reload()
    timeless = ("model", "average", "optimizer", "brain", "random_state")
    description = {
        "history": history,
        "log": re.sub("minutes: [^ ]*", "", log).splitlines(),
        "curve": [(each.step, each.value) for each in events.Scalars("lr")],
        "checkpoints": [
            [(folder / f"{name}.ckpt").read_bytes() for name in timeless]
            for folder in sorted((output_folder / "save").glob("CKPT*"))
        ],
    }
    for file in output_folder.glob("*_stats.json"):
        description[file.name] = file.read_text()
    model = load_file(output_folder / "model" / "model.safetensors")
    description["exported"] = {key: x.tolist() for key, x in model.items()}
    return description
