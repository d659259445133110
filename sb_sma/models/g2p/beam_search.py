"""Decoding of tokens: beam search over a batch of words.

A model offers ``start(graphemes (B, T), grapheme_lengths (B,), max_steps,
options) -> state`` and ``step(tokens (R,), state) -> (log_probs (R, V),
alignments)``. The hypotheses about a word are rows side by side, and
`select_rows` carries the state from one set of them to the next.

A beam search takes these steps:

- Of all ways to go on with the `beam_size` hypotheses of a word, the best
  `beam_size` count. Those that end are kept; the best ones that do not end,
  as many as there is room for, go on.
- Hypotheses that are far less probable than the `n_best`-th best, of those
  that go on and those that ended and were kept, are dropped (Freitag,
  Al-Onaizan: "Beam Search Strategies for Neural Machine Translation", WNMT
  2017, on absolute threshold pruning).
- A hypothesis is worth ``log_probability / length ** length_penalty``, where
  the end counts as a token.
- A word is done when no hypothesis can come among its `n_best` any more. Since
  a log-probability only falls, what a hypothesis may still be worth is at
  most ``log_probability / max_steps ** length_penalty``: stopping there loses
  nothing. At `max_steps` it is done in any case.

With a beam of one, the most probable token is taken at every step, and the
first end is the end. No hypothesis ends before its first token.
"""

from typing import Any

import torch

from sb_sma.attention.decoding import DecodingOptions, select_rows
from sb_sma.attention.rows import RowLayout
from sb_sma.models.g2p.hypothesis import (
    END,
    START,
    BeamSettings,
    Hypothesis,
    make_hypothesis,
)

# what is left is moved, which costs a part of a step
_SHARE_THAT_LEAVES = 0.1


@torch.no_grad()
def beam_search(
    model: Any,
    graphemes: torch.Tensor,
    grapheme_lengths: torch.Tensor,
    settings: BeamSettings = BeamSettings(),
    n_best: int = 1,
    options: DecodingOptions = DecodingOptions(),
) -> list[list[Hypothesis]]:
    """Search the best pronunciations of a batch of words.

    Words of similar lengths are decoded fastest.

    Arguments
    ---------
    model : object
        With ``start`` and ``step``, in evaluation mode.
    graphemes : torch.Tensor
        Indices, padded with 0, (B, T).
    grapheme_lengths : torch.Tensor
        Counts, int64, (B,).
    settings : BeamSettings
        How to search.
    n_best : int
        Pronunciations of each word, at most the beam size.
    options : DecodingOptions
        How the cross-attentions are decoded.

    Returns
    -------
    hypotheses : list of list of Hypothesis
        Of each word up to `n_best` different ones that ended, best first; or,
        if none did, the best one that did not.

    Raises
    ------
    ValueError
        If `n_best` is out of range, or a word is empty.

    Example
    -------
    >>> from sb_sma.attention import RegularMHA
    >>> from sb_sma.models.encoder.transformer import TransformerTextEncoder
    >>> from sb_sma.models.g2p.token_decoder import TokenDecoder
    >>> from sb_sma.models.g2p.transformer_g2p import TransformerG2P
    >>> model = TransformerG2P(
    ...     TransformerTextEncoder(10, 8, 2, 1, 16),
    ...     TokenDecoder(12, 8, 2, 1, 16, RegularMHA),
    ... ).eval()
    >>> word, length = torch.tensor([[3, 4, 5]]), torch.tensor([3])
    >>> hypotheses = beam_search(model, word, length, n_best=2)
    >>> len(hypotheses), len(hypotheses[0]) <= 2
    (1, True)
    """
    if not 1 <= n_best <= settings.beam_size:
        raise ValueError(
            f"n_best must be from 1 to beam_size = {settings.beam_size}; got "
            f"{n_best}. Choose a larger beam."
        )
    lengths = grapheme_lengths.tolist()
    if not lengths:
        return []
    if min(lengths) < 1:
        raise ValueError(
            "grapheme_lengths must be 1 or more; word "
            f"{lengths.index(min(lengths))} has {min(lengths)}. Leave empty "
            "words out."
        )
    limits = torch.tensor(
        [settings.max_steps(length) for length in lengths],
        device=graphemes.device,
    )
    state = model.start(graphemes, grapheme_lengths, int(limits.max()), options)
    if settings.beam_size == 1:
        return _greedy_search(model, state, limits, settings)
    return _Beams(model, state, limits, settings, n_best).search()


def _greedy_search(
    model: Any, state: Any, limits: torch.Tensor, settings: BeamSettings
) -> list[list[Hypothesis]]:
    """Return the most probable token at every step."""
    active = torch.arange(len(limits), device=limits.device)
    tokens = limits.new_full((len(limits), int(limits.max())), END)
    totals = torch.zeros_like(limits, dtype=torch.float64)
    heard = torch.full_like(limits, START)
    run = torch.zeros_like(limits)
    is_over = torch.zeros_like(limits, dtype=torch.bool)
    for step in range(tokens.shape[1]):
        log_probs = _weigh(model, state, heard, run, step, settings)
        gained, chosen = log_probs[:, END:].max(dim=1)
        chosen = chosen + END
        run = torch.where(chosen == heard, run + 1, 1)
        tokens[active, step] = chosen  # what follows an end is not read
        totals[active] += gained.masked_fill(is_over, 0.0)
        is_over = is_over | (chosen == END) | (limits[active] == step + 1)
        if is_over.all():
            break
        heard = chosen
        if is_over.double().mean() >= _SHARE_THAT_LEAVES:
            rows = (~is_over).nonzero()  # one of each word
            active, heard, run, is_over, state = select_rows(
                (active, heard, run, is_over, state), rows
            )
    return [
        [make_hypothesis(row, total, limit, settings.length_penalty)]
        for row, limit, total in zip(
            tokens.tolist(), limits.tolist(), totals.tolist()
        )
    ]


def _weigh(
    model: Any,
    state: Any,
    heard: torch.Tensor,
    run: torch.Tensor,
    step: int,
    settings: BeamSettings,
) -> torch.Tensor:
    """Give the next tokens' log-probabilities, (R, V); impossible are an end
    that is first, and what came `max_run` times in a row."""
    log_probs, _ = model.step(heard, state)
    if step == 0:
        log_probs[:, END] = -torch.inf
    is_long = run >= settings.max_run
    if not is_long.any():
        return log_probs
    repeated = torch.zeros_like(log_probs, dtype=torch.bool)
    repeated.scatter_(1, heard[:, None], is_long[:, None])
    return log_probs.masked_fill(repeated, -torch.inf)


class _Beams:
    """The hypotheses about the words that are not done yet.

    Those that go on are sorted, best first, (I, n) for I words, with -inf in
    `totals` where a word has fewer; the `n_best` that ended are sorted too,
    (I, N).
    """

    def __init__(
        self,
        model: Any,
        state: Any,
        limits: torch.Tensor,
        settings: BeamSettings,
        n_best: int,
    ):
        self.model, self.state, self.settings = model, state, settings
        n_words, n_steps = len(limits), int(limits.max())
        self.results: list[list[Hypothesis]] = [[] for _ in range(n_words)]
        self.words = torch.arange(n_words, device=limits.device)
        self.layout = RowLayout(n_words)
        self.limits = limits
        self.is_done = torch.zeros_like(limits, dtype=torch.bool)
        # one hypothesis at first: nothing was said
        self.tokens = limits.new_full((n_words, 1, n_steps), END)
        self.heard = limits.new_full((n_words, 1), START)
        self.run = torch.zeros_like(self.heard)
        self.totals = torch.zeros_like(self.heard, dtype=torch.float64)
        self.ended_tokens = self.tokens.expand(-1, n_best, -1)
        self.ended_totals = self.totals.expand(-1, n_best) - torch.inf
        self.ended_scores = self.ended_totals

    def search(self) -> list[list[Hypothesis]]:
        """Take steps until every word is done."""
        for step in range(self.tokens.shape[-1]):
            parents = self._advance(step)
            self._finish(step)
            if self.is_done.all():
                break
            self._select(parents)
        return self.results

    def _advance(self, step: int) -> torch.Tensor:
        """Go on with the best; returns what they come from, (I, n)."""
        heard, run = map(self.layout.collect, (self.heard, self.run))
        log_probs = _weigh(
            self.model, self.state, heard, run, step, self.settings
        )
        totals = self.totals[..., None] + self.layout.spread(log_probs)
        going_on = totals[..., END + 1 :]
        n_tokens = going_on.shape[-1]
        going_on = going_on.flatten(1)
        beam_size = min(self.settings.beam_size, going_on.shape[1])
        totals_on, best = going_on.topk(beam_size)
        self._keep_ended(totals[..., END], totals_on, step)
        parents = torch.div(best, n_tokens, rounding_mode="floor")
        parents = parents.masked_fill(totals_on == -torch.inf, 0)
        heard_before = self.heard.gather(1, parents)
        self.heard = best % n_tokens + END + 1
        run = self.run.gather(1, parents) + 1
        self.run = torch.where(self.heard == heard_before, run, 1)
        self.totals = self._drop_hopeless(totals_on)
        self.tokens = _gather_lines(self.tokens, parents)
        self.tokens[..., step] = self.heard
        return parents

    def _drop_hopeless(self, totals: torch.Tensor) -> torch.Tensor:
        """Those that go on, with -inf below the threshold, (I, n)."""
        n_best = self.ended_totals.shape[1]
        best = torch.cat((self.ended_totals, totals), dim=1).topk(n_best).values
        is_hopeless = totals < best[:, -1:] - self.settings.beam_threshold
        return totals.masked_fill(is_hopeless, -torch.inf)

    def _keep_ended(
        self, totals: torch.Tensor, totals_on: torch.Tensor, step: int
    ) -> None:
        """Keep hypotheses that end among the best ones of this step."""
        better = torch.cat((totals, totals_on), dim=1)[:, None]
        rank = (better > totals[..., None]).sum(dim=-1)  # (I, n)
        is_worse = rank >= self.settings.beam_size
        totals = totals.masked_fill(is_worse, -torch.inf)
        if not (totals > -torch.inf).any():
            return
        scores = totals / (step + 1) ** self.settings.length_penalty
        scores = torch.cat((self.ended_scores, scores), dim=1)
        totals = torch.cat((self.ended_totals, totals), dim=1)
        tokens = torch.cat((self.ended_tokens, self.tokens), dim=1)
        n_best = self.ended_scores.shape[1]
        self.ended_scores, best = scores.topk(n_best)
        self.ended_totals = totals.gather(1, best)
        self.ended_tokens = _gather_lines(tokens, best)

    def _finish(self, step: int) -> None:
        """Write down the words whose best hypotheses are known."""
        powers = self.limits.double() ** self.settings.length_penalty
        at_most = self.totals[:, 0] / powers
        is_done = self.ended_scores[:, -1] >= at_most
        is_done |= self.limits == step + 1
        for row in (is_done & ~self.is_done).nonzero()[:, 0].tolist():
            self.results[int(self.words[row])] = self._hypotheses(row)
        self.is_done = self.is_done | is_done

    def _hypotheses(self, row: int) -> list[Hypothesis]:
        """Those of a word that ended, or else its best one."""
        totals, tokens = self.ended_totals[row], self.ended_tokens[row]
        n_ended = int((totals > -torch.inf).sum())
        if not n_ended:
            n_ended, totals, tokens = 1, self.totals[row], self.tokens[row]
        limit = int(self.limits[row])
        return [
            make_hypothesis(*each, limit, self.settings.length_penalty)
            for each in zip(
                tokens[:n_ended].tolist(), totals[:n_ended].tolist()
            )
        ]

    def _select(self, parents: torch.Tensor) -> None:
        """Let the state follow; what was dropped leaves, and words that are
        done, which wait for each other as one row."""
        rows = self.layout.indices(parents.device).gather(1, parents)
        is_row = (self.totals > -torch.inf) & ~self.is_done[:, None]
        is_row[:, 0] = True
        self.totals = self.totals.masked_fill(~is_row, -torch.inf)
        width = int(is_row.sum(dim=1).max())
        lines = rows.masked_fill(~is_row, -1)[:, :width]
        for name in ("heard", "run", "totals", "tokens"):
            setattr(self, name, getattr(self, name)[:, :width])
        if self.is_done.double().mean() >= _SHARE_THAT_LEAVES:
            kept = (~self.is_done).nonzero()[:, 0]
            lines = lines[kept]
            for name, value in vars(self).items():
                if isinstance(value, torch.Tensor):
                    setattr(self, name, value[kept])
        self.layout, _ = self.layout.select(lines)
        self.state = select_rows(self.state, lines)


def _gather_lines(tokens: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return hypotheses (I, n, L) from those of the same words, (I, m, L)."""
    index = rows[..., None].expand(-1, -1, tokens.shape[-1])
    return tokens.gather(1, index)
