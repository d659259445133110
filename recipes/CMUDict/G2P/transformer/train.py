#!/usr/bin/env python3
"""Recipe for grapheme-to-phoneme conversion with swappable attention.

To run this recipe, do the following:
> python train.py hparams/train.yaml
> python train.py hparams/train.yaml --attention_type=regularMHA
> python train.py hparams/train.yaml --data_folder=/path/to/cmudict

A Transformer reads the letters of a word, and a decoder that attends to them
with stepwise monotonic heads, softmax heads or both says its phonemes. Every
run ends with error rates, an exported model and a report.
"""

import itertools
import json
import logging
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from sb_sma.torch_pair import require_torch_pair

# before SpeechBrain is imported, which imports both
require_torch_pair()

import speechbrain as sb
import torch
from speechbrain.utils.distributed import if_main_process, run_on_main

from sb_sma.attention import walk_switches
from sb_sma.data.batch import with_lengths
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.data.lexicon.hinted_tokenizer import HintedTokenizer
from sb_sma.data.phonemes import PhonemeTable
from sb_sma.data.sampler import LengthBatchSampler
from sb_sma.data.tokens import check_token_room, read_symbols
from sb_sma.hparams import load_experiment, write_experiment
from sb_sma.inference.export import export_g2p
from sb_sma.losses import token_loss
from sb_sma.metrics.phonemes import PhonemeErrorRates
from sb_sma.mistakes import tell_mistakes
from sb_sma.models.g2p.beam_search import beam_search
from sb_sma.models.recomputation import set_recomputation
from sb_sma.plots.figures import plot_layers
from sb_sma.training.distributed import close_process_group
from sb_sma.training.fine_tuning import (
    check_readable,
    identify,
    load_initial_model,
    start_from,
)
from sb_sma.training.history import log_epoch
from sb_sma.training.recipe_frame import (
    Start,
    join_processes,
    open_logs,
    read_resolved,
    train_and_test,
)
from sb_sma.training.recovery.disk import tell_full_disk
from sb_sma.training.recovery.recoverable_brain import RecoverableBrain
from sb_sma.training.reports.g2p import write_g2p_report
from sb_sma.training.setting_checks import check_settings

logger = logging.getLogger(__name__)

# the YAML names the prepare script, which stands beside this file, also where
# it is a link
sys.path.insert(0, str(Path(__file__).absolute().parent))


class G2PBrain(RecoverableBrain):
    """Trains the model and measures its error rates."""

    def compute_forward(self, batch, stage):
        """Predict every phoneme from the true phonemes before it."""
        batch = batch.to(self.device)
        model = self.modules.model
        if stage != sb.Stage.TRAIN:
            model = self.hparams.average.module
        graphemes, grapheme_lengths = with_lengths(batch.grapheme_ids)
        phonemes, _ = with_lengths(batch.phoneme_ids)
        return model(graphemes, grapheme_lengths, phonemes)

    def compute_objectives(self, predictions, batch, stage):
        """Phoneme loss and guided attention; error rates when not training."""
        logits, alignments = predictions
        graphemes, grapheme_lengths = with_lengths(batch.grapheme_ids)
        phonemes, phoneme_lengths = with_lengths(batch.phoneme_ids)
        losses = {
            "phoneme_loss": token_loss(
                logits[..., : len(self.phonemes)],  # without unused room
                phonemes,
                phoneme_lengths,
                self.hparams.label_smoothing,
            ),
        }
        guided_weight = self.read_schedule(self.hparams.guided_schedule)
        if guided_weight > 0 or stage != sb.Stage.TRAIN:
            losses["guided_loss"] = self.hparams.guided_attention(
                alignments, phoneme_lengths, grapheme_lengths
            )
        self.loss_means.append(losses, phoneme_lengths.sum())
        if stage != sb.Stage.TRAIN:
            self._score(batch, graphemes, grapheme_lengths, stage)
        return losses["phoneme_loss"] + guided_weight * losses.get(
            "guided_loss", 0.0
        )

    def on_fit_batch_start(self, batch, should_step):
        """Set the learning rate and the energy noise of this step."""
        if should_step:
            # at 0 it would not learn
            step = max(self.planned_step(), 1)
            rate = self.lr_schedule.calculate_lr(step)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
        walk_switches.set_energy_noise(
            self.hparams.models["model"],
            self.hparams.noise_schedule(self.optimizer_step),
        )

    def on_stage_start(self, stage, epoch=None):
        """Start the means anew."""
        super().on_stage_start(stage, epoch)
        self.rates = PhonemeErrorRates()
        self.n_unfinished = 0

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log and save."""
        stats = self.loss_means.summarize()
        if stage == sb.Stage.TRAIN:
            self.train_stats = {**stats, **self.skipped_steps.summarize()}
            return
        # held-out words with letters that training lacks count as wrong
        for entry in self.unreadable.get(stage, []):
            languages = entry["language"] and [entry["language"]]
            self.rates.append(
                [entry["word"]], [[]], [entry["pronunciations"]], languages
            )
        stats.update(self.rates.summarize())
        stats["n_unfinished"] = self.n_unfinished
        if stage == sb.Stage.TEST:
            self.test_stats = stats
            self.hparams.train_logger.log_stats(
                {"epoch": self.hparams.epoch_counter.current},
                **{f"{self.tested}_stats": stats},
            )
            return
        stats_meta = {
            "epoch": epoch,
            "step": self.optimizer_step,
            "lr": self.optimizer.param_groups[0]["lr"],
            "guided_weight": self.read_schedule(self.hparams.guided_schedule),
        }
        log_epoch(
            self.loggers, self.history, stats_meta, self.train_stats, stats
        )
        self.checkpointer.save_and_keep_only(
            meta={"epoch": epoch, "wer": stats["wer"]}, min_keys=["wer"]
        )

    def _score(self, batch, graphemes, grapheme_lengths, stage):
        """Say the words freely: greedily, and with beams in the test."""
        settings = self.hparams.beam_settings
        if stage == sb.Stage.VALID:
            settings = replace(settings, beam_size=1)
        hypotheses = beam_search(
            self.hparams.average.module, graphemes, grapheme_lengths, settings
        )
        best = [self.phonemes.decode(each[0].tokens) for each in hypotheses]
        self.n_unfinished += sum(not each[0].finished for each in hypotheses)
        languages = batch.language if any(batch.language) else None
        self.rates.append(batch.word, best, batch.pronunciations, languages)


def check_hints(tokenizer):
    """Refuse a lexicon of hints that is not there."""
    if isinstance(tokenizer, HintedTokenizer):
        tokenizer.check_files()


def split_off_unreadable(manifest, tokenizer):
    """Return entries of words with letters that nothing in training is near."""
    unreadable = []
    for name, entry in list(manifest.items()):
        try:
            tokenizer.encode(entry["word"], entry["language"])
        except ValueError as error:
            logger.warning("%s It counts as wrong.", error)
            unreadable.append(manifest.pop(name))
    if unreadable and not manifest:
        raise ValueError(
            f"None of {len(unreadable)} held-out words, such as "
            f"'{unreadable[0]['word']}', has letters of the training words. "
            "Give data of one language."
        )
    return unreadable


def list_training_items(manifest, language_balance):
    """Return items of training: one per pronunciation, more of small languages."""
    if not 0 <= language_balance <= 1:
        raise ValueError(
            f"language_balance must be from 0 to 1; got {language_balance}. "
            "At 1, an epoch has as many words of each language."
        )
    n_words = Counter(entry["language"] for entry in manifest.values())
    most = max(n_words.values())
    n_seen = Counter()
    items = {}
    for name, entry in manifest.items():
        language = entry["language"]
        repeats = (most / n_words[language]) ** language_balance
        # what is left of a whole number is spread over the language
        first, n_seen[language] = n_seen[language], n_seen[language] + 1
        for repeat in range(
            round(first * repeats), round((first + 1) * repeats)
        ):
            for number, target in enumerate(entry["pronunciations"]):
                key = f"{name}/{number}/{repeat}"
                items[key] = {**entry, "phonemes": target}
    return items


def list_held_out_items(manifest, table):
    """Return items of a split that is scored: one per word."""
    items = {}
    for name, entry in manifest.items():
        # it may have phonemes that no model could learn
        target = entry["pronunciations"][0]
        phonemes = [phoneme for phoneme in target if phoneme in table]
        items[name] = {**entry, "phonemes": phonemes}
    return items


def make_dataset(items, tokenizer, table, output_keys=()):
    """Make a SpeechBrain dataset of grapheme and phoneme indices."""

    @sb.utils.data_pipeline.takes("word", "language")
    @sb.utils.data_pipeline.provides("grapheme_ids")
    def grapheme_pipeline(word, language):
        """Convert a word to indices of graphemes."""
        return torch.tensor(tokenizer.encode(word, language))

    @sb.utils.data_pipeline.takes("phonemes")
    @sb.utils.data_pipeline.provides("phoneme_ids")
    def phoneme_pipeline(phonemes):
        """Convert phonemes to their indices."""
        return torch.tensor(table.encode(phonemes))

    return sb.dataio.dataset.DynamicItemDataset(
        items,
        dynamic_items=[grapheme_pipeline, phoneme_pipeline],
        output_keys=["id", "grapheme_ids", "phoneme_ids", *output_keys],
    )


def make_loader_options(items, hparams, shuffle):
    """Return batches of words of about the same length."""
    lengths = [len(item["word"]) + len(item["phonemes"]) for item in items]
    batch_words = hparams["batch_words"]
    sampler = LengthBatchSampler(
        lengths,
        max_length=max(lengths) * batch_words,
        max_items=batch_words,
        seed=hparams["seed"],
        shuffle=shuffle,
        short_first_epochs=0,
    )
    return {"batch_sampler": sampler, "num_workers": hparams["num_workers"]}


def warn_about_limits(items, tokenizer, hparams):
    """Count training words that decoding could not say."""
    settings = hparams["beam_settings"]
    moves = walk_switches.moves_per_query(hparams["models"]["model"])
    too_long, out_of_reach = [], []
    for item in items:
        n_graphemes = len(tokenizer.encode(item["word"], item["language"]))
        n_steps = len(item["phonemes"]) + 1
        runs = itertools.groupby(item["phonemes"])
        longest_run = max(len(list(run)) for _, run in runs)
        if n_steps > settings.max_steps(n_graphemes) or (
            longest_run > settings.max_run
        ):
            too_long.append(item["word"])
        if moves and n_steps * moves < n_graphemes - 1:
            out_of_reach.append(item["word"])
    for words, keys in (
        (too_long, "steps_per_grapheme, extra_steps or max_run"),
        (out_of_reach, "moves_per_query, or lower monotonic_heads"),
    ):
        if words:
            logger.warning(
                "%d training words are beyond the limits, such as %s. Raise "
                "%s.",
                len(words),
                ", ".join(words[:5]),
                keys,
            )


def make_table(hparams, entries, symbols, initial):
    """Fit the tokenizer, or start from the initial model with its tables.

    Returns the table of phonemes.
    """
    tokenizer = hparams["grapheme_tokenizer"]
    if initial is None:
        tokenizer.fit(
            [entry["word"] for entry in entries],
            [entry["language"] for entry in entries],
        )
        return PhonemeTable(symbols, tokenizer.backwards)
    table = start_from(
        initial, hparams["models"]["model"], hparams, tokenizer, symbols
    )
    check_readable(entries, tokenizer)
    return table


def set_up_model(hparams, tokenizer, table, items):
    """Give the model what is measured on the training set."""
    models = (hparams["models"]["model"], hparams["average"].module)
    for model in models:
        model.set_n_phonemes(len(table))
    if hparams["initial_model"] is not None:
        # it has learnt how fast to walk
        models[1].load_state_dict(models[0].state_dict())
        return
    n_graphemes = sum(
        len(tokenizer.encode(item["word"], item["language"])) for item in items
    )
    n_phonemes = sum(len(item["phonemes"]) for item in items)
    for model in models:
        walk_switches.set_queries_per_token(model, n_phonemes / n_graphemes)


def draw_alignments(model, items, tokenizer, table):
    """How every head reads the first words, teacher-forced."""
    device = model.blocked.device
    figures = {}
    for item in items:
        graphemes = tokenizer.encode(item["word"], item["language"])
        with torch.no_grad():
            _, alignments = model(
                torch.tensor([graphemes], device=device),
                torch.tensor([len(graphemes)], device=device),
                torch.tensor([table.encode(item["phonemes"])], device=device),
            )
        figures[item["word"], item["language"] or ""] = plot_layers(
            alignments,
            tokens=tokenizer.decode(graphemes),
            query_tokens=[*table.as_said(item["phonemes"]), "end"],
        )
    return figures


def export_and_report(brain, hparams, resolved_yaml, split, items):
    """Write model/, the figures and index.html."""
    output_folder = Path(hparams["output_folder"])
    model = hparams["average"].module
    tokenizer = hparams["grapheme_tokenizer"]
    export_g2p(
        output_folder / "model",
        resolved_yaml,
        model,
        tokenizer,
        brain.phonemes,
        hparams["beam_settings"],
    )
    (output_folder / f"{split}_stats.json").write_text(
        json.dumps(brain.test_stats, indent=1) + "\n"
    )
    # with --debug, only some batches are
    scored = {(score.word, score.language) for score in brain.rates.scores}
    items = [
        item
        for item in items
        if (item["word"], item["language"] or "") in scored
    ]
    n_samples = hparams["n_samples"]
    shown = items[:: max(1, len(items) // max(1, n_samples))][:n_samples]
    write_g2p_report(
        output_folder,
        output_folder / "model",
        f"the {split} set",
        brain.rates,
        draw_alignments(model, shown, tokenizer, brain.phonemes),
        brain.history.records,
    )


def main(argv):
    """Train, test, export and report."""
    hparams_file, hparams, run_opts, overrides = load_experiment(argv, __file__)
    check_hints(hparams["grapheme_tokenizer"])
    check_settings(hparams, run_opts)
    join_processes(hparams, run_opts)
    initial, identity = None, None
    if hparams["initial_model"] is not None:
        initial = load_initial_model(
            hparams["initial_model"], hparams["models"]["model"]
        )
        identity = identify(initial)
    set_recomputation(
        hparams["models"]["model"], hparams["activation_checkpointing"]
    )
    start = Start(
        hparams["prepare"],
        hparams["save_folder"],
        run_opts,
        identity,
        remedy=f"--initial_model={hparams['output_folder']}/model with another "
        "--output_folder goes on from its weights.",
        output_folder=hparams["output_folder"],
    )
    with tell_full_disk(hparams["output_folder"]):
        run_on_main(
            write_experiment,
            args=[hparams["output_folder"], hparams_file, __file__, overrides],
        )
        sb.create_experiment_directory(
            experiment_directory=hparams["output_folder"]
        )
    folder = start.make_corpus(hparams["corpus_folder"])
    manifests = load_manifests(folder)
    symbols = read_symbols(folder / "phonemes.json")
    tokenizer = hparams["grapheme_tokenizer"]
    table = make_table(hparams, manifests["train"].values(), symbols, initial)
    check_token_room(tokenizer, hparams["n_graphemes"], "n_graphemes")
    check_token_room(table, hparams["n_phonemes"], "n_phonemes")
    start.remember(folder)
    # the shared task keeps its test files aside
    tested = "test" if manifests["test"] else "valid"
    unreadable = {
        split: split_off_unreadable(manifests[split], tokenizer)
        for split in ("valid", "test")
    }
    balance = hparams["language_balance"]
    items = {"train": list_training_items(manifests["train"], balance)}
    for split in ("valid", tested):
        items[split] = list_held_out_items(manifests[split], table)
    scored = ["word", "language", "pronunciations"]
    datasets = {
        split: make_dataset(
            items[split], tokenizer, table, scored if split != "train" else ()
        )
        for split in items
    }
    loader_options = {
        split: make_loader_options(
            list(items[split].values()), hparams, split == "train"
        )
        for split in items
    }
    set_up_model(hparams, tokenizer, table, items["train"].values())
    warn_about_limits(items["train"].values(), tokenizer, hparams)

    brain = G2PBrain(
        modules=hparams["modules"],
        opt_class=hparams["opt_class"],
        hparams=hparams,
        run_opts=run_opts,
        checkpointer=hparams["checkpointer"],
    )
    n_batches = len(loader_options["train"]["batch_sampler"])
    n_steps = brain.count_steps(n_batches, hparams["number_of_epochs"])
    brain.lr_schedule = hparams["lr_schedule"](
        num_warmup_steps=round(hparams["warmup_share"] * n_steps),
        num_training_steps=n_steps,
    )
    brain.phonemes = table
    brain.tested = tested
    brain.unreadable = {
        sb.Stage.VALID: unreadable["valid"],
        sb.Stage.TEST: unreadable[tested],
    }
    open_logs(
        brain,
        hparams["output_folder"],
        hparams["train_logger"],
        hparams["use_tensorboard"],
    )
    train_and_test(
        brain, hparams["epoch_counter"], datasets, loader_options, "wer", tested
    )
    if if_main_process():
        resolved = read_resolved(hparams["output_folder"])
        with tell_full_disk(hparams["output_folder"]):
            export_and_report(
                brain, hparams, resolved, tested, list(items[tested].values())
            )
    close_process_group()


if __name__ == "__main__":
    with tell_mistakes(__file__):
        main(sys.argv[1:])
