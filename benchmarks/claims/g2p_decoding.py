#!/usr/bin/env python3
"""How many words does G2P pronounce in a second?

- ours: a trained model, as ``sb_sma.inference.G2P`` loads it; reading the
  words, sorting them into batches and naming the phonemes count;
- SpeechBrain's own: ``TransformerG2P`` with its ``S2STransformerBeamSearcher``,
  in the sizes of our model and the settings of its recipe, but with a
  Transformer encoder instead of the slower Conformer, and without CTC scores
  and language model. It gets the batches that our model makes, read beforehand.

SpeechBrain's model has random weights and would never end. So its searcher is
told when to: all hypotheses about a word end after as many phonemes as ours has
with the same beam. Nothing else is changed. That favours it: a trained model's
hypotheses end one after the other, and it goes on until the last one does.

The words are a seeded sample of those that the CMUdict recipe holds out by its
own settings; for a model of other words, give a file with one word a line.
Contestants run in turn, and ratios are of the same round. Prints a table, and
stores everything under ``results/``. SpeechBrain's model is left out where it
cannot be imported: pip install transformers

> python -m benchmarks.claims.g2p_decoding --model results/g2p/cmudict/SMA/model
> python -m benchmarks.claims.g2p_decoding --model DIR --words words.txt
"""

import argparse
import json
import random
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from speechbrain.decoders import S2STransformerBeamSearcher
from speechbrain.nnet.activations import Softmax
from speechbrain.nnet.embedding import Embedding
from speechbrain.nnet.linear import Linear

from benchmarks.harness.machine import describe_machine
from benchmarks.harness.models import count_parameters, load_hparams
from benchmarks.harness.timing import compare, median, significant, time_in_turn
from sb_sma.data.corpus.build_once import load_manifests
from sb_sma.inference import G2P
from sb_sma.models.g2p.hypothesis import END, START

OUTPUT = Path(__file__).parents[1] / "results" / "g2p_decoding.json"
SEED = 0
BEAM_SIZE = 5
WORDS_ALONE = 32
GREEDY, BEAM = "ours, greedy", f"ours, beam {BEAM_SIZE}"
RIVAL = f"SpeechBrain, beam {BEAM_SIZE}"
WANTED = {GREEDY: ">= 1500", BEAM: ">= 500", "SpeechBrain over ours": ">= 10"}


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--model", required=True, help="folder that a training run exported"
    )
    parser.add_argument("--words", type=Path, help="file, one word a line")
    parser.add_argument("--number", type=int, default=4096, help="of words")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--precision",
        default="fp32",
        choices=["fp32", "bf16"],
        help="of all contestants; bf16 is autocast",
    )
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    g2p = G2P.from_hparams(
        source=arguments.model, run_opts={"precision": arguments.precision}
    )
    words = sample_words(arguments.words, arguments.number)
    result: dict[str, Any] = {
        "machine": {**describe_machine(), "threads": str(arguments.threads)},
        "rounds": arguments.rounds,
        "precision": arguments.precision,
        "wanted": WANTED,
        "words": {
            "of": (
                arguments.words.name if arguments.words else "held-out CMUdict"
            ),
            "seed": SEED,
            "number": len(words),
        },
        "throughput": measure_throughput(g2p, words, arguments.rounds),
        "one_word": measure_one_word(
            g2p, words[:WORDS_ALONE], arguments.rounds
        ),
    }
    print_table(result)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")


def sample_words(path: Path | None, number: int) -> list[str]:
    """Return words of a file, or held-out words of CMUdict, in random order."""
    if path is not None:
        words = path.read_text(encoding="utf-8").splitlines()
    else:
        prepare = load_hparams({}, task="g2p")["prepare"]
        with tempfile.TemporaryDirectory() as folder:
            corpus = Path(folder) / "cmudict"
            prepare(save_folder=corpus)
            manifests = load_manifests(corpus)
        words = [entry["word"] for entry in manifests["test"].values()]
    words = sorted(set(words))
    return random.Random(SEED).sample(words, min(number, len(words)))


@dataclass
class Batch:
    """Words that our model was given together.

    Arguments
    ---------
    graphemes : torch.Tensor
        Indices, padded with 0, (B, T).
    lengths : torch.Tensor
        Counts, int64, (B,).
    n_phonemes : torch.Tensor
        How many ours said, at least 1, int64, (B,).
    """

    graphemes: torch.Tensor
    lengths: torch.Tensor
    n_phonemes: torch.Tensor


def record_batches(g2p: G2P, words: list[str]) -> list[Batch]:
    """Return what the encoder is given, and how much is said of it.

    The words are sorted as ours sorts them: their order is that of the
    batches, which one thread takes one after the other.
    """
    words = sorted(words, key=lambda word: len(g2p.encode(word)), reverse=True)
    given: list[tuple[torch.Tensor, torch.Tensor]] = []
    hook = g2p.mods.model.encoder.register_forward_pre_hook(
        lambda encoder, inputs: given.append(inputs)
    )
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    pronunciations = g2p(words, beam_size=BEAM_SIZE)
    torch.set_num_threads(n_threads)
    hook.remove()
    n_phonemes = torch.tensor([max(1, len(each)) for each in pronunciations])
    assert sum(len(lengths) for _, lengths in given) == len(words)
    parts = n_phonemes.split([len(lengths) for _, lengths in given])
    return [Batch(*inputs, part) for inputs, part in zip(given, parts)]


class EndingSearcher(S2STransformerBeamSearcher):
    """SpeechBrain's beam search, whose words end after given phonemes.

    The limit of the steps is that of the longest word, whatever the ratio.
    """

    def search(
        self, states: torch.Tensor, shares: torch.Tensor, batch: Batch
    ) -> list[list[int]]:
        """Return the best hypotheses."""
        self.n_phonemes = batch.n_phonemes.repeat_interleave(self.beam_size)
        return self.forward(states, shares)[0]

    def change_max_decoding_length(self, min_decode_steps, max_decode_steps):
        """Room for every word and its end."""
        return min_decode_steps, int(self.n_phonemes.max()) + 1

    def forward_step(self, inp_tokens, memory, enc_states, enc_lens):
        """Allow nothing but the end, or all but the end."""
        log_probs, memory, attention = super().forward_step(
            inp_tokens, memory, enc_states, enc_lens
        )
        n_said = memory.shape[1] - 1  # the start is not said
        ends = n_said >= self.n_phonemes
        is_end = torch.arange(log_probs.shape[1]) == END
        blocked = ends[:, None] ^ is_end
        return log_probs.masked_fill(blocked, -torch.inf), memory, attention


class Rival:
    """SpeechBrain's G2P in the sizes of ours, with random weights.

    Arguments
    ---------
    g2p : G2P
        Ours.

    Raises
    ------
    ImportError
        If SpeechBrain's model cannot be imported.
    """

    def __init__(self, g2p: G2P):
        from speechbrain.lobes.models.g2p.model import TransformerG2P

        self.precision = g2p.inference_ctx
        sizes = g2p.hparams
        width = sizes.d_model
        out_layer = Linear(
            input_size=width, n_neurons=sizes.n_phonemes, bias=False
        )
        self.model = TransformerG2P(
            emb=Embedding(num_embeddings=sizes.n_phonemes, embedding_dim=width),
            encoder_emb=Embedding(
                num_embeddings=sizes.n_graphemes, embedding_dim=width
            ),
            char_lin=Linear(input_size=width, n_neurons=width),
            phn_lin=Linear(input_size=width, n_neurons=width),
            lin=out_layer,
            out=Softmax(apply_log=True),
            d_model=width,
            nhead=sizes.nhead,
            num_encoder_layers=sizes.encoder_layers,
            num_decoder_layers=sizes.decoder_layers,
            d_ffn=sizes.d_ffn,
            activation=torch.nn.GELU,
        ).eval()
        self.searcher = EndingSearcher(
            modules=[self.model, out_layer],
            bos_index=START,
            eos_index=END,
            min_decode_ratio=0,
            max_decode_ratio=1.0,
            beam_size=BEAM_SIZE,
            using_eos_threshold=False,
            length_normalization=False,
        ).eval()

    @torch.no_grad()
    def pronounce(self, batches: list[Batch]) -> None:
        """Search the words of all batches; each ends where it should."""
        for batch in batches:
            shares = batch.lengths / batch.graphemes.shape[1]
            with self.precision:
                _, _, states, _ = self.model((batch.graphemes, shares))
                found = self.searcher.search(states, shares, batch)
            assert [len(each) for each in found] == batch.n_phonemes.tolist()


def measure_throughput(
    g2p: G2P, words: list[str], rounds: int
) -> dict[str, Any]:
    """All words at once: ours, greedily and with a beam, and SpeechBrain's."""
    batches = record_batches(g2p, words)
    contestants = {
        GREEDY: partial(g2p, words, beam_size=1),
        BEAM: partial(g2p, words, beam_size=BEAM_SIZE),
    }
    figures: dict[str, Any] = {
        "batches": len(batches),
        "letters": sum(int(batch.lengths.sum()) for batch in batches),
        "phonemes": sum(int(batch.n_phonemes.sum()) for batch in batches),
        "parameters": {"ours": count_parameters(g2p.mods.model)},
    }
    try:
        rival = Rival(g2p)
    except ImportError as error:
        figures["SpeechBrain"] = f"skipped: {error}".replace("\n", " ")
    else:
        figures["parameters"]["SpeechBrain"] = count_parameters(rival.model)
        contestants[RIVAL] = partial(rival.pronounce, batches)
    seconds = time_in_turn(contestants, rounds, warm_up=1)
    figures["seconds"] = {n: median(spent) for n, spent in seconds.items()}
    figures["words_per_second"] = {
        name: median([len(words) / one for one in spent])
        for name, spent in seconds.items()
    }
    if RIVAL in seconds:
        figures["SpeechBrain over ours"] = compare(
            seconds[RIVAL], seconds[BEAM]
        )
    return figures


def measure_one_word(g2p: G2P, words: list[str], rounds: int) -> dict[str, Any]:
    """Return the time of a word that comes alone, as the mean of some words."""

    def one_by_one(beam_size: int) -> None:
        for word in words:
            g2p([word], beam_size=beam_size)

    seconds = time_in_turn(
        {GREEDY: partial(one_by_one, 1), BEAM: partial(one_by_one, BEAM_SIZE)},
        rounds,
        warm_up=1,
    )
    return {
        "words": len(words),
        "milliseconds": {
            name: significant(1e3 * median(spent) / len(words))
            for name, spent in seconds.items()
        },
    }


def print_table(result: dict[str, Any]) -> None:
    """Return the figures, each with what is wanted of it."""
    words, throughput = result["words"], result["throughput"]
    print(
        f"\n{words['number']} words of {words['of']}, {result['precision']}, "
        f"{result['machine']['threads']} threads"
    )
    for name, parameters in throughput["parameters"].items():
        print(f"{name:40}{parameters / 1e6:10.2f} M parameters")
    for name, speed in throughput["words_per_second"].items():
        wanted = f"  (wanted {WANTED[name]})" if name in WANTED else ""
        print(f"{name:40}{speed:10.0f} words a second{wanted}")
    if "SpeechBrain over ours" in throughput:
        ratio = throughput["SpeechBrain over ours"]["median_of_ratios"]
        wanted = WANTED["SpeechBrain over ours"]
        print(f"{'SpeechBrain over ours':40}{ratio:10.2f} x  (wanted {wanted})")
    else:
        print(f"SpeechBrain: {throughput['SpeechBrain']}")
    for name, spent in result["one_word"]["milliseconds"].items():
        print(f"{name + ', one word alone':40}{spent:10.1f} ms")


if __name__ == "__main__":
    main()
