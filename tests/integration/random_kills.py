"""Kill runs at random moments, and compare their ends with one that was not.

``python -m tests.integration.random_kills --tts 50 --g2p 20`` tells how many
kills hit each phase of a run, from its corpus to its report. All that
`describe_run` knows has to be equal: weights, curves, logs, checkpoints.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from signal import SIGKILL

from tests.integration.recipe_runs import describe_run, train_g2p, train_tts
from tests.integration.spelling import write_dictionary

_RUN = {
    "corpus": "sb_sma.data.corpus.plan.Corpus.make_in",
    "training": "speechbrain.core.Brain.fit_batch",
    "checkpoint": "sb_sma.training.recovery.checkpointer.AtomicCheckpointer"
    ".save_checkpoint",
    "deletion": "sb_sma.training.recovery.checkpointer.AtomicCheckpointer"
    ".delete_checkpoints",
    "validation": "speechbrain.core.Brain.evaluate_batch",
    "logs": "sb_sma.training.history.History.append",
}
TTS_PHASES = {
    **_RUN,
    "samples": "sb_sma.training.sample_writer.SampleWriter.write",
    "export": "sb_sma.inference.export.export_tts",
    "report": "sb_sma.training.reports.tts.write_tts_report",
}
G2P_PHASES = {
    **_RUN,
    "export": "sb_sma.inference.export.export_g2p",
    "report": "sb_sma.training.reports.g2p.write_g2p_report",
}
_OFTEN = ("--ckpt_interval_minutes=0", "--ckpt_interval_steps=2")
_KILLS_OF_A_RUN = 3


def kill_tts(n_kills, folder, seed=0):
    """Kill runs of speech so often; return the kills of each phase."""
    flags = (
        *("--number_of_epochs=2", "--max_batch_frames=800", *_OFTEN),
        "--samples_every=1",
    )
    return _kill(train_tts, TTS_PHASES, flags, n_kills, folder, seed)


def kill_g2p(n_kills, folder, seed=0):
    """Kill runs of pronunciations so often; return the kills of each phase."""
    flags = (
        f"--data_folder={write_dictionary(folder / 'lexicon')}",
        *("--number_of_epochs=2", "--batch_words=128", *_OFTEN),
    )
    return _kill(train_g2p, G2P_PHASES, flags, n_kills, folder, seed)


def _kill(train, phases, flags, n_kills, folder, seed):
    chance = random.Random(seed)
    for name in ("whole", "killed"):
        (folder / name).mkdir()
    times_file = folder / "times.json"
    watched = f"{times_file}:{','.join(phases.values())}"
    done = train(folder / "whole" / "run", *flags, killed_at=watched)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    whole = describe_run(folder / "whole" / "run")
    times = json.loads(times_file.read_text())
    hits, killed = Counter(dict.fromkeys(phases, 0)), folder / "killed"
    left = []
    while hits.total() < n_kills:
        # with a corpus of its own, and a process of its own after each kill
        n_before = hits.total()
        for _ in range(_KILLS_OF_A_RUN):
            if not left:
                left = chance.sample(list(phases), len(phases))
            if hits.total() == n_kills:
                break
            phase = left.pop()
            spot = _draw(chance, phases[phase], times)
            done = train(killed / "run", *flags, killed_at=spot)
            if done.returncode == 0:
                left.append(phase)  # it was beyond that, and the next is not
                break
            message = f"{spot}: {(done.stdout + done.stderr)[-3000:]}"
            assert done.returncode == -SIGKILL, message
            hits[phase] += 1
        if done.returncode:
            done = train(killed / "run", *flags)
            assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        assert describe_run(killed / "run") == whole, f"killed at {spot}"
        assert hits.total() > n_before or left, "no phase is reached"
        shutil.rmtree(killed)
        killed.mkdir()
    return dict(hits)


def _draw(chance, name, times):
    """Draw a moment within one of the calls of a function."""
    call = chance.randrange(len(times[name]))
    seconds = chance.uniform(0, times[name][call])
    return f"{name}:{call + 1}:{seconds:.4f}"


def main():
    """Kill, and tell what was hit."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tts", type=int, default=50, metavar="COUNT")
    parser.add_argument("--g2p", type=int, default=20, metavar="COUNT")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for name, kill, count in (
        ("tts", kill_tts, given.tts),
        ("g2p", kill_g2p, given.g2p),
    ):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            hits = kill(count, Path(folder), given.seed)
        minutes = round((time.monotonic() - started) / 60, 1)
        print(
            json.dumps({"kind": name, "minutes": minutes, **hits}), flush=True
        )


if __name__ == "__main__":
    sys.exit(main())
