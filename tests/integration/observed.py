"""Run a script, and write down what each of its processes sees in training.

``python observed.py FOLDER train.py train.yaml`` leaves ``FOLDER/RANK.jsonl``
with a line for every batch and for the end of every epoch.
"""

import hashlib
import json
import os
import runpy
import sys
from pathlib import Path

import torch
from speechbrain.core import Brain

from tests.usage import read_usage


def digest(tensors):
    """Name numbers, the same for the same ones."""
    content = hashlib.sha256()
    for tensor in tensors:
        content.update(tensor.detach().cpu().numpy().tobytes())
    return content.hexdigest()[:16]


def observe(folder):
    """Let a Brain write down what it sees."""
    rank = os.environ.get("RANK", "0")
    path = folder / f"{rank}.jsonl"
    fit_batch, evaluate_batch = Brain.fit_batch, Brain.evaluate_batch
    fit_valid = Brain._fit_valid

    def tell(**record):
        with path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")

    def observed_fit_batch(brain, batch):
        epoch = brain.hparams.epoch_counter.current
        noise = digest([torch.get_rng_state()])
        tell(epoch=epoch, step=brain.step, ids=batch.id, noise=noise)
        return fit_batch(brain, batch)

    def observed_evaluate_batch(brain, batch, stage):
        epoch = brain.hparams.epoch_counter.current
        tell(epoch=epoch, stage=stage.name, ids=batch.id)
        return evaluate_batch(brain, batch, stage)

    def observed_fit_valid(brain, valid_set, epoch, enable):
        fit_valid(brain, valid_set, epoch, enable)
        model, average = brain.hparams.models["model"], brain.hparams.average
        moments = brain.optimizer.state_dict()["state"].values()
        tell(
            epoch=epoch,
            weights=digest(model.state_dict().values()),
            average=digest(average.state_dict().values()),
            moments=digest([each["exp_avg_sq"] for each in moments]),
            n_steps=brain.optimizer_step,
            **read_usage(),
        )

    Brain.fit_batch = observed_fit_batch
    Brain.evaluate_batch = observed_evaluate_batch
    Brain._fit_valid = observed_fit_valid


if __name__ == "__main__":
    folder, *sys.argv = sys.argv[1:]
    Path(folder).mkdir(exist_ok=True)
    observe(Path(folder))
    runpy.run_path(sys.argv[0], run_name="__main__")
