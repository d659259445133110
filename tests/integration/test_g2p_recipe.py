"""The G2P recipes, small: train, resume, export, report, pronounce."""

import json
from signal import SIGKILL

import pytest
import torch
from safetensors.torch import load_file

from sb_sma.cli import main
from sb_sma.inference import G2P
from tests.integration.recipe_runs import describe_run, read_history, run_recipe

pytestmark = pytest.mark.integration

SMALL = (
    "--d_model=32",
    "--nhead=4",
    "--d_ffn=64",
    "--encoder_layers=1",
    "--decoder_layers=1",
    "--batch_words=16",
    "--n_samples=2",
    "--device=cpu",
)
# all words of four letters but some
UNSEEN = range(216, 1296, 27)
SEEN = sorted({*range(216, 1296)} - {*UNSEEN})[::2]
LETTERS = {"a": "AH0", "b": "B", "k": "K", "t": "T", "o": "OW1", "x": "K S"}


def spell(number):
    """An invented word, and how its letters are said one by one."""
    letters = []
    while number or not letters:
        number, rest = divmod(number, len(LETTERS))
        letters.append("abktox"[rest])
    word = "".join(letters)
    return word, " ".join(LETTERS[letter] for letter in word)


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory):
    """A dictionary in the layout of the official one."""
    folder = tmp_path_factory.mktemp("lexicon")
    lines = [" ".join(spell(number)) for number in SEEN]
    lines.append(f"{spell(SEEN[0])[0]}(2) AH0 AH0")
    (folder / "cmudict.dict").write_text("\n".join(sorted(lines)) + "\n")
    return folder


def train(
    output_folder,
    *flags,
    script="train.py",
    yaml="hparams/g2p.yaml",
    n_processes=1,
    killed_at=None,
):
    """Run the README's command, small."""
    return run_recipe(
        script, yaml, output_folder, SMALL, flags, n_processes, killed_at
    )


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


def test_a_killed_run_ends_as_one_that_was_not(tmp_path, lexicon, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    flags = (
        f"--data_folder={lexicon}",
        "--number_of_epochs=2",
        "--batch_words=64",
        "--ckpt_interval_minutes=0",
        "--ckpt_interval_steps=3",
    )
    done = train(tmp_path / "whole", *flags)
    assert done.returncode == 0, done.stdout[-3000:]
    whole = describe_run(tmp_path / "whole")
    n_batches = whole["history"][0]["step"]
    assert n_batches > 5
    for spot in (f"speechbrain.core.Brain.fit_batch:{n_batches + 5}", None):
        done = train(tmp_path / "killed", *flags, killed_at=spot)
        assert done.returncode == (-SIGKILL if spot else 0), done.stdout[-3000:]
    assert describe_run(tmp_path / "killed") == whole


def test_two_processes_train_on_one_batch(tmp_path, lexicon, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
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
def tuned(run, lexicon):
    """A run of one epoch on more words, and its flags."""
    data = run.parent / "more"
    data.mkdir()
    known = (lexicon / "cmudict.dict").read_text()
    # a phoneme that the trained model lacks, and that sorts before its own
    new = [f"{letter * 5} AA0 AA0" for letter in sorted(LETTERS)]
    (data / "cmudict.dict").write_text(known + "\n".join(new) + "\n")
    flags = (
        f"--data_folder={data}",
        f"--initial_model={run / 'model'}",
        "--lr=0.0005",
    )
    folder = run.parent / "tuned"
    # a mistake leaves nothing behind
    done = train(folder, *flags, "--number_of_epochs=1", "--nhead=2")
    assert "nhead: 4 there, 2 here" in done.stdout + done.stderr
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
    done = train(folder, flags[0], "--number_of_epochs=3")
    assert done.returncode != 0
    assert "initial_model was" in done.stdout + done.stderr


def test_another_architecture_is_refused(run, lexicon):
    done = train(
        run,
        f"--data_folder={lexicon}",
        "--number_of_epochs=13",
        "--attention_type=regularMHA",
    )
    assert done.returncode != 0
    assert "is of another architecture" in done.stdout + done.stderr


def test_too_little_room_is_told_before_training(run, lexicon):
    done = train(
        run.parent / "small", f"--data_folder={lexicon}", "--n_graphemes=4"
    )
    assert done.returncode != 0
    assert "Give n_graphemes: 8 or more" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "flags",
    [
        ("--attention_type=regularMHA", "--guided_heads=[0]", "--n_samples=0"),
        ("--monotonic_heads=4", "--guided_weight=0"),
        ("--graphemes=sentencepiece", "--sentencepiece_size=12"),
        ("--stress=strip", "--precision=bf16", "--beam_size=2"),
        ("--graphemes=hinted", "--moves_per_query=3"),
        ("--backwards=True", "--decompose=True"),
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
    stats = json.loads((folder / "test_stats.json").read_text())
    assert ("wer_no_stress" in stats) == ("--stress=strip" not in flags)
    g2p = G2P.from_hparams(source=str(folder / "model"))
    assert len(g2p(["book", "tab"])) == 2
    is_backwards = "--backwards=True" in flags
    assert g2p.hparams.phonemes.backwards == is_backwards
    assert g2p.hparams.grapheme_tokenizer.backwards == is_backwards
    has_hints = "/U/" in g2p.hparams.grapheme_tokenizer.symbols
    assert has_hints == ("--graphemes=hinted" in flags)


def write_shared_task(folder, test):
    """Two languages in the shared task's layout: 200 words, and 140."""
    for size, language, last_seen in (
        ("high", "one", 700),
        ("low", "two", 580),
    ):
        (folder / size).mkdir(parents=True)
        for split, first, last in (
            ("train", 300, last_seen),
            ("dev", 700, 760),
        ):
            lines = [
                "\t".join(spell(number)) for number in range(first, last, 2)
            ]
            if split == "dev":
                lines.append("жук\tB")  # letters that training lacks
            path = folder / size / f"{language}_{split}.tsv"
            path.write_text("\n".join(lines) + "\n")
            if test and split == "dev":
                path.rename(folder / size / f"{language}_test.tsv")
                path.write_text("xx\tK S K S\n")


def test_a_balance_out_of_range_is_refused(run, lexicon):
    done = train(
        run.parent / "balance",
        f"--data_folder={lexicon}",
        "--language_balance=-1",
    )
    assert done.returncode != 0
    assert "must be from 0 to 1; got -1" in done.stdout + done.stderr


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
