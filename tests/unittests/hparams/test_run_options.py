"""SpeechBrain's options are refused before training where it would do so late."""

import pytest
import torch

from sb_sma.hparams.command_line import read_command_line
from sb_sma.hparams.document import Document
from sb_sma.hparams.run_options import check_run_options

YAML = "seed: 1\nckpt_interval_minutes: 15\n"


def check(*arguments, yaml=YAML):
    line = read_command_line(["a.yaml", *arguments])
    return check_run_options(line.run_opts, Document("a.yaml", yaml))


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--device=cpu", "--precision=bf16"),
        ("--ckpt_interval_minutes=0", "--ckpt_interval_steps=5"),
        ("--ckpt_interval_steps", "-1"),
        ("--max_grad_norm=-1",),
        ("--debug", "--debug_epochs=0"),
    ],
    ids=str,
)
def test_what_speechbrain_can_do_passes(arguments):
    given = read_command_line(["a.yaml", *arguments]).run_opts
    assert check(*arguments) == given


def test_a_limit_of_steps_is_a_number():
    assert check("--optimizer_step_limit=5").optimizer_step_limit == 5


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--device=gpu"], "--device must be cpu, cuda or cuda:N; got 'gpu'"),
        (["--device=meta"], "--device=meta is not there"),
        (
            ["--device=cpu", "--precision=fp16"],
            "--precision=fp16 needs a GPU; the device is 'cpu'. Write "
            "--precision=bf16",
        ),
        (
            ["--device=cpu", "--eval_precision=fp16"],
            "--eval_precision=fp16 needs a GPU",
        ),
        (["--device=cpu", "--auto_mix_prec"], "--auto_mix_prec needs a GPU"),
        (
            ["--ckpt_interval_steps=5"],
            "cannot both be above 0; got 15 and 5. Give the other one as 0",
        ),
        (
            ["--grad_accumulation_factor=0"],
            "--grad_accumulation_factor must be a whole number, 1 or more; "
            "got 0",
        ),
        (["--debug_batches=-1"], "--debug_batches must be .*; got -1"),
        (["--max_grad_norm=nan"], "--max_grad_norm must be a number; got nan"),
        (["--max_grad_norm=inf"], "--max_grad_norm must be a number; got inf"),
        (["--optimizer_step_limit=abc"], "must be .*, or null; got 'abc'"),
        (["--optimizer_step_limit=0"], "must be .* 1 or more.*; got 0"),
        (["--distributed_backend=foo"], "one of nccl, gloo, mpi; got 'foo'"),
        # of argparse, without the page of its usage
        (["--max_grad_norm=abc"], "^argument --max_grad_norm: invalid float"),
        (["--debug=True"], "^argument --debug: ignored explicit argument"),
        (["--device"], "^argument --device: expected one argument"),
        (["--precision=fp8"], "^argument --precision: invalid choice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_it_cannot_do_is_named(arguments, message, capsys):
    with pytest.raises(ValueError, match=message):
        check(*arguments)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs no GPU")
@pytest.mark.parametrize(
    "arguments",
    [["--device=cuda"], ["--device=cuda:1"], ["--device", "cuda"]],
    ids=str,
)
def test_a_gpu_that_is_not_there_is_told(arguments):
    message = r"sees 0 CUDA device\(s\). Leave it out, or write --device=cpu"
    with pytest.raises(ValueError, match=message):
        check(*arguments)
    with pytest.raises(ValueError, match="--data_parallel_backend needs a GPU"):
        check("--data_parallel_backend")


def test_the_file_may_give_options_too():
    with pytest.raises(ValueError, match="--precision=fp16 needs a GPU"):
        check("--device=cpu", yaml="precision: fp16\n")
    with pytest.raises(ValueError, match="must be one of fp32, fp16, bf16"):
        check(yaml="precision: fp8\n")
    with pytest.raises(ValueError, match="--debug_batches must be"):
        check(yaml="debug_batches: 0\n")
    # what it computes is not known yet
    chosen = "!apply:sb_sma.training.precision.fastest_precision"
    check("--device=cpu", yaml=f"precision: {chosen}\n")
    # the command line comes first
    check("--precision=bf16", "--device=cpu", yaml="precision: fp16\n")


def test_several_words_belong_to_some_options():
    line = read_command_line(
        ["a.yaml", "--jit_module_keys", "a", "b", "--note", "c", "--debug"]
    )
    assert line.run_opts.jit_module_keys == ["a", "b"]
    assert line.run_opts.debug and line.given == [("note", "c")]
