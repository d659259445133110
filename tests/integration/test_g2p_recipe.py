"""The G2P recipes, small: train, resume, export, report, pronounce."""

import json

import pytest
import torch
from safetensors.torch import load_file

from sb_sma.cli import main
from sb_sma.inference import G2P
from tests.integration.recipe_runs import (
    read_history,
    refusal_of,
    train_g2p as train,
)
from tests.integration.spelling import (
    LETTERS,
    SEEN,
    UNSEEN,
    spell,
    write_dictionary,
    write_shared_task,
)

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory):
    """A dictionary in the layout of the official one."""
    return write_dictionary(tmp_path_factory.mktemp("lexicon"))


@pytest.fixture(scope="module")
def run(tmp_path_factory, lexicon):
    """A finished run of one epoch, continued to the twelfth."""
    folder = tmp_path_factory.mktemp("g2p") / "run"
    for n_epochs in (1, 12):
        done = train(
            folder, f"--data_folder={lexicon}", f"--number_of_epochs={n_epochs}"
        )
        assert done.returncode == 0, done.stdout[-3000:]
    return folder


def test_a_run_leaves_what_the_readme_promises(run):
    for name in ("index.html", "train_log.txt", "test_stats.json"):
        assert (run / name).stat().st_size > 0
    assert {path.name for path in (run / "model").iterdir()} == {
        "hyperparams.yaml",
        "model.safetensors",
        "graphemes.json",
    }
    assert list((run / "tensorboard").glob("events*"))
    history = read_history(run)
    assert [record["epoch"] for record in history] == list(range(1, 13))


def test_two_processes_train_on_one_batch(tmp_path, lexicon):
    done = train(
        tmp_path / "run",
        f"--data_folder={lexicon}",
        "--number_of_epochs=1",
        f"--batch_words={2 * len(SEEN)}",
        "--distributed_backend=gloo",
        n_processes=2,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (record,) = read_history(tmp_path / "run")
    assert record["step"] == 1
    assert (tmp_path / "run" / "index.html").exists()


def test_it_learns_to_read(run):
    stats = json.loads((run / "test_stats.json").read_text())
    assert stats["per_no_stress"] <= stats["per"] < 10
    g2p = G2P.from_hparams(source=str(run / "model"))
    words, expected = zip(*map(spell, UNSEEN))
    found = [" ".join(phonemes) for phonemes in g2p(words)]
    assert sum(map(str.__eq__, found, expected)) > 30


def test_the_report_shows_errors_and_alignments(run):
    page = (run / "index.html").read_text(encoding="utf-8")
    assert "--number_of_epochs=12" in page
    assert page.count("<img") >= 4
    assert "<audio" not in page


def test_the_exported_model_pronounces_elsewhere(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("takobax\nБ\nbook\n")
    arguments = ["g2p", "--model", str(run / "model"), "--input", "words.txt"]
    assert main([*arguments, "--output", "out.tsv", "--nbest", "2"]) == 0
    rows = (tmp_path / "out.tsv").read_text().splitlines()
    assert [row.split("\t")[0] for row in rows] == ["takobax"] * 2 + [
        "book"
    ] * 2


@pytest.fixture(scope="module")
def tuned(run):
    """A run of one epoch on more words, and its flags."""
    # a phoneme that the trained model lacks, and that sorts before its own
    new = [f"{letter * 5} AA0 AA0" for letter in LETTERS]
    data = write_dictionary(run.parent / "more", new)
    flags = (
        f"--data_folder={data}",
        f"--initial_model={run / 'model'}",
        "--lr=0.0005",
    )
    folder = run.parent / "tuned"
    # a mistake leaves nothing behind
    refusal = refusal_of(train, folder, *flags, "--nhead=2")
    assert "nhead: 4 there, 2 here" in refusal
    done = train(folder, *flags, "--number_of_epochs=1")
    assert done.returncode == 0, done.stdout[-3000:]
    return folder, flags


def test_a_run_starts_from_a_trained_model(run, tuned):
    folder, _ = tuned
    # after one epoch, a model that starts from nothing says nothing right
    (record,) = read_history(folder)
    assert record["valid"]["wer"] < 20 < read_history(run)[0]["valid"]["wer"]
    model, base = (
        G2P.from_hparams(source=str(each / "model")) for each in (folder, run)
    )
    symbols = base.hparams.phonemes.symbols
    assert model.hparams.phonemes.symbols == [*symbols, "AA0"]


def test_nothing_of_a_trained_model_is_lost(run, tuned):
    folder = run.parent / "untouched"
    done = train(folder, *tuned[1], "--number_of_epochs=0")
    assert done.returncode == 0, done.stdout[-3000:]
    found, given = (
        load_file(each / "model" / "model.safetensors")
        for each in (folder, run)
    )
    del found["blocked"], given["blocked"]  # one phoneme more
    assert found.keys() == given.keys()
    for name, tensor in given.items():
        assert torch.equal(found[name], tensor), name


def test_fine_tuning_goes_on_where_it_was(tuned):
    folder, flags = tuned
    done = train(folder, *flags, "--number_of_epochs=2")
    assert done.returncode == 0, done.stdout[-3000:]
    assert [each["epoch"] for each in read_history(folder)] == [1, 2]
    refusal = refusal_of(train, folder, flags[0], "--number_of_epochs=3")
    assert "initial_model was" in refusal


def test_another_architecture_is_refused(run, lexicon):
    refusal = refusal_of(
        train,
        run,
        f"--data_folder={lexicon}",
        "--number_of_epochs=13",
        "--attention_type=regularMHA",
    )
    assert "is of another architecture" in refusal


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--graphemes=hinted", "--hint_lexicon=lost.tsv"], "no lost.tsv"),
        (["--guided_heads=[4]"], "must be among 0 to 3, or null"),
        (["--beam_size=0"], "'beam_size' must be a whole number, from 1"),
        (["--monotonic_heads=5"], "must be from 1 to nhead = 4; got 5"),
    ],
    ids=["lexicon", "head", "beam", "heads"],
)
def test_a_mistake_is_one_message_and_leaves_nothing(tmp_path, flags, message):
    refusal = refusal_of(train, tmp_path / "run", *flags)
    assert message in refusal and "error: " in refusal
    assert "Traceback" not in refusal
    assert list(tmp_path.iterdir()) == []


def test_a_missing_dictionary_is_one_message(tmp_path):
    refusal = refusal_of(train, tmp_path / "run", "--data_folder=~/lost")
    assert "error: data_folder must hold cmudict.dict" in refusal
    assert "Traceback" not in refusal and "~" not in refusal


def test_too_little_room_is_told_before_training(run, lexicon):
    flags = (f"--data_folder={lexicon}", "--n_graphemes=4")
    refusal = refusal_of(train, run.parent / "small", *flags)
    assert "Give n_graphemes: 8 or more" in refusal


@pytest.mark.parametrize(
    "flags",
    [
        ("--attention_type=regularMHA", "--guided_heads=[0]", "--n_samples=0"),
        ("--monotonic_heads=4", "--guided_weight=0"),
        ("--graphemes=sentencepiece", "--sentencepiece_size=12"),
        ("--stress=strip", "--precision=bf16", "--beam_size=2"),
        ("--graphemes=hinted", "--moves_per_query=3"),
        (
            "--backwards=True",
            "--decompose=True",
            "--grad_accumulation_factor=4",
        ),
    ],
    ids=[
        *["softmax", "all monotonic", "sentencepiece", "bf16", "hinted"],
        "backwards",
    ],
)
def test_other_choices_train(run, lexicon, flags):
    folder = run.parent / flags[0].strip("-").replace("=", "_")
    hints = run.parent / "hints.tsv"
    hints.write_text("book\tB U K\nat\tA T\n")
    done = train(
        folder,
        f"--data_folder={lexicon}",
        f"--hint_lexicon={hints}",
        "--number_of_epochs=1",
        *flags,
    )
    hints.unlink()
    assert done.returncode == 0, done.stdout[-3000:]
    assert (folder / "index.html").exists()
    # the last step is the last one that was planned
    (record,) = read_history(folder)
    n_warmup_steps = round(0.05 * record["step"])
    last_rate = 0.0015 / (record["step"] - n_warmup_steps)
    assert record["lr"] == pytest.approx(last_rate)
    stats = json.loads((folder / "test_stats.json").read_text())
    assert ("wer_no_stress" in stats) == ("--stress=strip" not in flags)
    g2p = G2P.from_hparams(source=str(folder / "model"))
    assert len(g2p(["book", "tab"])) == 2
    is_backwards = "--backwards=True" in flags
    assert g2p.hparams.phonemes.backwards == is_backwards
    assert g2p.hparams.grapheme_tokenizer.backwards == is_backwards
    has_hints = "/U/" in g2p.hparams.grapheme_tokenizer.symbols
    assert has_hints == ("--graphemes=hinted" in flags)


def test_a_balance_out_of_range_is_refused(run, lexicon):
    flags = (f"--data_folder={lexicon}", "--language_balance=-1")
    refusal = refusal_of(train, run.parent / "balance", *flags)
    assert "must be a number, from 0 to 1; got -1" in refusal


@pytest.mark.parametrize(
    "test, balance, n_batches",
    [(False, 0, 22), (True, 1, 26)],
    ids=["dev", "test"],
)
def test_the_shared_task_trains_several_languages(
    tmp_path, test, balance, n_batches
):
    write_shared_task(tmp_path / "data", test)
    folder = tmp_path / "run"
    done = train(
        folder,
        f"--data_folder={tmp_path / 'data'}",
        "--languages=all",
        f"--language_balance={balance}",
        "--number_of_epochs=1",
        script="recipes/SIGMORPHON2021/G2P/transformer/train.py",
        yaml="recipes/SIGMORPHON2021/G2P/transformer/hparams/train.yaml",
    )
    assert done.returncode == 0, done.stdout[-3000:]
    (record,) = read_history(folder)
    assert record["step"] == n_batches
    split = "test" if test else "valid"
    stats = json.loads((folder / f"{split}_stats.json").read_text())
    assert stats["n_words"] == 62
    log = (folder / "train_log.txt").read_text().splitlines()
    assert f" - {split} wer: " in log[-1].replace(", ", " - ")
    assert {"wer_one", "wer_two", "wer_macro"} <= stats.keys()
    g2p = G2P.from_hparams(source=str(folder / "model"))
    assert len(g2p(["book", "at"], language="two")) == 2
    with pytest.raises(ValueError, match=r"language must be .*\(one, two\)"):
        g2p(["book"])
