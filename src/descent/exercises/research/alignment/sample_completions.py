"""How `sample_completions` is judged: a model whose lines can be told in advance, and one whose
distribution is enumerated."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import END, PAD

START, WORDS = 2, 6


class Speaker(nn.Module):
    """A model whose next logits are a row of a table, chosen by all it has read at each place.

    The row of place t is (Σ (i + 1) · token_i) mod 6. It notes what it read.
    """

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = nn.Parameter(table.float())
        self.read: list[tuple[int, ...]] = []

    def forward(self, tokens: Tensor) -> Tensor:
        self.read.append(tuple(tokens.shape))
        places = torch.arange(1, tokens.shape[1] + 1)
        return self.table[(tokens * places).cumsum(1) % WORDS]

    def __repr__(self) -> str:
        return f"a model that knows {WORDS} tokens"


def _speaker(draw: Draw, scale: float = 1.0) -> Speaker:
    """PAD and START are as likely as anything: only the page's rules keep them out of lines."""
    return Speaker(torch.tensor(draw.normal(WORDS, WORDS, scale=scale)))


def _expected(model: Speaker, tokens: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Mask and log-probabilities of given lines, token after token, with Python's floats."""
    table = model.table.detach().double()
    mask = torch.zeros(tokens.shape, dtype=torch.bool)
    log_probs = torch.zeros(tokens.shape)
    for i, line in enumerate(tokens.tolist()):
        before = [START]
        for t, token in enumerate(line):
            row = sum((k + 1) * word for k, word in enumerate(before)) % WORDS
            heated = [value / temperature for value in table[row].tolist()]
            total = math.log(sum(math.exp(value) for value in heated))
            mask[i, t], log_probs[i, t] = True, heated[token] - total
            before.append(token)
            if token == END:
                break
    return mask, log_probs


def _expect_lines(answer, model: Speaker, n: int, longest: int, temperature: float, seed: int):
    tokens, mask, log_probs = answer(model, n, longest, temperature, torch_generator(seed))
    expect(tokens, "the tokens").has_shape(n, longest).has_dtype("int64")
    expect(mask, "the mask").has_shape(n, longest).has_dtype("bool")
    expect(log_probs, "the log-probabilities").has_shape(n, longest)
    expect(tokens, "the tokens").is_between(0, WORDS - 1)
    if tuple(tokens.shape) != (n, longest) or int(tokens.min()) < 0 or int(tokens.max()) >= WORDS:
        return None
    right_mask, right = _expected(model, tokens, temperature)
    expect(mask, "the mask of these tokens").equals(right_mask)
    expect(log_probs, "the log-probabilities of these tokens").close_to(right, atol=1e-4)
    beyond = tokens[~right_mask] if tuple(mask.shape) == (n, longest) else tokens[:0]
    expect(beyond, "the tokens after the end").equals(torch.full_like(beyond, PAD))
    return tokens


sample_completions = Exercise(
    "sample_completions", minutes=30, difficulty=3, returns=tuple[Tensor, Tensor, Tensor]
)


@sample_completions.property("come with the log-probabilities they were drawn with", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_lines(answer, _speaker(draw), draw.size + 1, 5, 1.0, draw.seed())


@sample_completions.property("at another temperature too", trials=5)
def _(answer, draw: Draw) -> None:
    temperature = draw.choice([0.5, 0.7, 1.6, 2.0])
    _expect_lines(answer, _speaker(draw), draw.size + 3, 4, temperature, draw.seed())


def _frequencies(answer, draw: Draw, temperature: float) -> None:
    """The share of each pair of first tokens among 4 000 lines, beside its probability."""
    model, n = _speaker(draw, 1.5), 4000
    tokens, _, _ = answer(model, n, 2, temperature, torch_generator(draw.seed()))
    table = (model.table.detach().double() / temperature).softmax(dim=1)
    expect(tokens, "the tokens").has_shape(n, 2)
    if tuple(tokens.shape) != (n, 2):
        return
    for first in range(WORDS):
        chance = table[START % WORDS, first].item()
        share = (tokens[:, 0] == first).float().mean().item()
        slack = 5.5 * math.sqrt(chance * (1 - chance) / n) + 1e-3
        expect(share, f"the share of lines that begin with token {first}").is_between(
            chance - slack, chance + slack
        )
        second = table[(START + 2 * first) % WORDS, 3].item()
        both = chance * (second if first != END else 0.0)
        slack = 5.5 * math.sqrt(both * (1 - both) / n) + 1e-3
        share = ((tokens[:, 0] == first) & (tokens[:, 1] == 3)).float().mean().item()
        expect(share, f"the share of lines that begin with tokens {first}, 3").is_between(
            both - slack, both + slack
        )


@sample_completions.property("are drawn as often as the model says", trials=2)
def _(answer, draw: Draw) -> None:
    _frequencies(answer, draw, 1.0)


@sample_completions.property("are drawn as often as the heated model says", trials=2)
def _(answer, draw: Draw) -> None:
    _frequencies(answer, draw, draw.choice([0.5, 2.0]))


def _certain(next_token: int) -> Speaker:
    """A model that always says the same token."""
    table = torch.full((WORDS, WORDS), -60.0)
    table[:, next_token] = 0.0
    return Speaker(table)


@sample_completions.property("stop at `longest`, and keep their full width when all end", trials=2)
def _(answer, draw: Draw) -> None:
    longest = draw.size + 2
    for token in (4, END):
        tokens, mask, _ = answer(_certain(token), 3, longest, 1.0, torch_generator(draw.seed()))
        expect(tokens, "the tokens").has_shape(3, longest)
        length = 1 if token == END else longest
        expect(mask, "the mask").equals((torch.arange(longest) < length).expand(3, longest))


@sample_completions.property("count padding drawn by the model before the end as real", trials=1)
def _(answer, draw: Draw) -> None:
    tokens, mask, log_probs = answer(_certain(PAD), 2, 4, 1.0, torch_generator(draw.seed()))
    expect(mask, "the mask").equals(torch.ones(2, 4, dtype=torch.bool))


@sample_completions.property("draw from the generator that is handed in, and record nothing")
def _(answer, draw: Draw) -> None:
    model, seed = _speaker(draw), draw.seed()
    before = torch.get_rng_state()
    one = answer(model, 6, 5, 1.0, torch_generator(seed))
    same = answer(model, 6, 5, 1.0, torch_generator(seed))
    other = answer(model, 40, 5, 1.0, torch_generator(seed + 1))
    again = answer(model, 40, 5, 1.0, torch_generator(seed))
    still = torch.equal(before, torch.get_rng_state())
    expect(still, "whether the global generator is untouched").equals(True)
    expect(one[0], "the tokens, asked for again with the same seed").equals(same[0])
    differs = not torch.equal(other[0], again[0])
    expect(differs, "whether another seed gives other lines").equals(True)
    expect(one[2].requires_grad, "whether gradients were recorded").equals(False)


@sample_completions.right
def right_lines(model, n, longest, temperature, generator):
    seen = torch.full((n, 1), 2)
    running = torch.ones(n, dtype=torch.bool)
    mask, found = [], []
    for _ in range(longest):
        logits = model(seen).detach()
        log_shares = (logits[:, -1] / temperature).log_softmax(dim=-1)
        token = torch.multinomial(log_shares.exp(), 1, generator=generator)
        log_prob = log_shares.gather(1, token)[:, 0]
        mask.append(running)
        found.append(log_prob.masked_fill(~running, 0.0))
        token = token[:, 0].masked_fill(~running, 0)
        seen = torch.cat([seen, token[:, None]], dim=1)
        running = running & (token != 1)
    return seen[:, 1:], torch.stack(mask, dim=1), torch.stack(found, dim=1)


_SLIPS = {
    "log_probs_at_temperature_1": (
        "You sampled at one temperature and gave the log-probabilities at another, 1. The "
        "policy "
        "that drew these lines is the heated one; ratios and KL would be wrong from the "
        "first step.",
        {"log_prob = log_shares.gather": "log_prob = logits[:, -1].log_softmax(-1).gather"},
    ),
    "temperature_multiplied": (
        "You multiplied by the temperature. Divide: a high one makes the shares more equal.",
        {"/ temperature": "* temperature"},
    ),
    "temperature_ignored": (
        "The temperature changes nothing in your answer. Divide the logits by it.",
        {" / temperature": ""},
    ),
    "temperature_after_softmax": (
        "You divided log-probabilities by the temperature and did not make them add up to 1 "
        "again. "
        "Divide the logits, before the softmax.",
        {"(logits[:, -1] / temperature).log_softmax(dim=-1)":
         "logits[:, -1].log_softmax(dim=-1) / temperature"},
    ),
    "most_likely": (
        "You took the most likely token. A sample is drawn.",
        {"torch.multinomial(log_shares.exp(), 1, generator=generator)":
         "log_shares.argmax(dim=1, keepdim=True)"},
    ),
    "uniform": (
        "You drew every token with the same probability. The model's shares are the weights.",
        {"log_shares.exp(), 1, generator": "torch.ones_like(log_shares), 1, generator"},
    ),
    "end_not_counted": (
        "Your mask leaves the end token out. The policy chose to end there, and is trained on "
        "it.",
        {"        mask.append(running)\n": "",
         "        running = running & (token != 1)":
         "        running = running & (token != 1)\n        mask.append(running)"},
    ),
    "never_ends": (
        "Your lines go on after their end. What follows an end token is padding.",
        {"running = running & (token != 1)": "running = running & (token != -1)"},
    ),
    "padding_has_log_probs": (
        "You kept log-probabilities of what was drawn after the end. Padding was not chosen: "
        "there they are 0.",
        {"log_prob.masked_fill(~running, 0.0)": "log_prob"},
    ),
    "padding_not_written": (
        "The tokens after the end are not 0. They are no part of the line: pad it.",
        {"token = token[:, 0].masked_fill(~running, 0)": "token = token[:, 0]",
         "running = running & (token != 1)": "running = running & (token != 1)"},
    ),
    "padded_with_the_end": (
        "You padded with the end token, 1. Padding is 0.",
        {"masked_fill(~running, 0)\n": "masked_fill(~running, 1)\n"},
    ),
    "ends_at_padding": (
        "You ended lines at token 0. It is padding only after the end, which is token 1.",
        {"(token != 1)": "(token != 0)"},
    ),
    "padding_masked_by_value": (
        "You took every token 0 for padding. A 0 that the model drew before the end counts: "
        "what "
        "is real follows from where the end is.",
        {"mask.append(running)": "mask.append(running & (token[:, 0] != 0))"},
    ),
    "start_kept": (
        "Your lines still have the start token, or are shifted by one place because of it. "
        "The model did not write it.",
        {"return seen[:, 1:]": "return seen[:, :-1]"},
    ),
    "last_word_alone": (
        "The model read the last token alone. It reads all of the line so far, from the start.",
        {"logits = model(seen).detach()": "logits = model(seen[:, -1:]).detach()"},
    ),
    "first_place": (
        "You took the logits of the first place. The next token is told at the last one.",
        {"(logits[:, -1] /": "(logits[:, 0] /"},
    ),
    "starts_with_padding": (
        "Your lines begin from token 0. They begin from the start token, 2.",
        {"torch.full((n, 1), 2)": "torch.full((n, 1), 0)"},
    ),
    "starts_with_the_end": (
        "Your lines begin from the end token. They begin from the start token, 2.",
        {"torch.full((n, 1), 2)": "torch.full((n, 1), 1)"},
    ),
    "global_chance": (
        "You drew from torch's global generator. The one that is handed in is the only source "
        "of chance.",
        {", generator=generator)": ")"},
    ),
    "own_seed": (
        "You made a generator of your own, so that every call draws the same lines.",
        {"generator=generator)": "generator=torch.Generator().manual_seed(0))"},
    ),
    "probabilities": (
        "You gave probabilities. Log-probabilities are asked for.",
        {"log_prob.masked_fill(~running, 0.0)": "log_prob.exp().masked_fill(~running, 0.0)"},
    ),
    "added_up": (
        "You added the log-probabilities up along the line. One for each token is asked for.",
        {"torch.stack(found, dim=1)": "torch.stack(found, dim=1).cumsum(dim=1)"},
    ),
    "raw_logits": (
        "You gave logits. A log-probability is a logit minus the logarithm of the softmax's sum.",
        {"log_prob = log_shares.gather": "log_prob = (logits[:, -1] / temperature).gather"},
    ),
    "one_token_for_all": (
        "All your lines have the same tokens. Each line is drawn by itself.",
        {"torch.multinomial(log_shares.exp(), 1, generator=generator)":
         "torch.multinomial(log_shares.exp(), 1, generator=generator)[:1].expand(n, 1)"},
    ),
    "stops_with_the_first": (
        "You stopped all lines when the first of them ended. The others go on.",
        {"running = running & (token != 1)": "running = running & (token != 1).all()"},
    ),
    "cut_to_the_longest_drawn": (
        "Your tensors are as wide as the longest line that was drawn. They are `longest` wide, "
        "always.",
        {"    for _ in range(longest):\n":
         "    for _ in range(longest):\n        if not running.any():\n            break\n"},
    ),
    "base_two": (
        "Your log-probabilities are to base 2. The natural logarithm is meant, as everywhere "
        "on the page.",
        {"log_prob.masked_fill(~running, 0.0)":
         "(log_prob / 0.6931471805599453).masked_fill(~running, 0.0)"},
    ),
    "infinite_at_padding": (
        "You wrote −∞ at padding. The page asks for 0 there.",
        {"log_prob.masked_fill(~running, 0.0)":
         "log_prob.masked_fill(~running, -torch.inf)"},
    ),
    "mask_of_numbers": (
        "Your mask holds numbers. It is of type bool: whether a token is real.",
        {"torch.stack(mask, dim=1),":
         "torch.stack(mask, dim=1).float(),"},
    ),
    "start_returned": (
        "You returned the start token too: the tokens are one place too wide.",
        {"return seen[:, 1:]":
         "return seen"},
    ),
    "end_without_log_prob": (
        "The end token has log-probability 0 in your answer. The policy chose to end there: "
        "it counts like any other.",
        {"log_prob.masked_fill(~running, 0.0)":
         "log_prob.masked_fill(~running | (token[:, 0] == 1), 0.0)"},
    ),
    "end_struck_out": (
        "You struck the end token out of the lines, the mask and the log-probabilities. The "
        "policy chose to end there, and is trained on it.",
        {"        mask.append(running)\n":
         "        running = running & (token[:, 0] != 1)\n        mask.append(running)\n"},
    ),
    "surprises": (
        "The sign of your log-probabilities is wrong: none of them can be above 0.",
        {"log_prob.masked_fill(~running, 0.0)":
         "(-log_prob).masked_fill(~running, 0.0)"},
    ),
    "softmax_over_lines": (
        "Your softmax goes along the lines. The shares of the tokens that may come next in "
        "*one* line add up to 1.",
        {"log_softmax(dim=-1)":
         "log_softmax(dim=0)"},
    ),
    "padding_forbidden": (
        "You kept the model from drawing token 0. Then the lines come from another "
        "distribution than the model's.",
        {"logits = model(seen).detach()":
         "logits = model(seen).detach().clone()\n        logits[..., 0] = -1e9"},
    ),
    "padding_and_start_forbidden": (
        "You kept the model from drawing tokens 0 and 2. Then the lines come from another "
        "distribution than the model's.",
        {"logits = model(seen).detach()":
         "logits = model(seen).detach().clone()\n        logits[..., [0, 2]] = -1e9"},
    ),
    "one_step_short": (
        "You drew one token less than `longest`, and left the last place to padding.",
        {"for _ in range(longest):":
         "for _ in range(longest - 1):",
         "return seen[:, 1:], torch.stack(mask, dim=1), torch.stack(found, dim=1)":
         "wide = lambda x: nn.functional.pad(x, (0, longest - x.shape[1]))\n    if longest == "
         "1:\n        return torch.zeros(n, 1).long(), torch.zeros(n, 1).bool(), "
         "torch.zeros(n, 1)\n    return wide(seen[:, 1:]), wide(torch.stack(mask, dim=1)), "
         "wide(torch.stack(found, dim=1))"},
    ),
    "end_forced": (
        "You wrote an end token into lines that had not ended by `longest`. They are cut: "
        "their last token is the one that was drawn.",
        {"    return seen[:, 1:]":
         "    seen[running, -1] = 1\n    return seen[:, 1:]"},
    ),
    "ends_at_start_too": (
        "You ended lines at token 2 as well. Only token 1 is the end.",
        {"(token != 1)":
         "(token != 1) & (token != 2)"},
    ),
    "ends_at_padding_too": (
        "You ended lines at token 0 as well. Only token 1 is the end.",
        {"(token != 1)":
         "(token > 1)"},
    ),
    "likeliest_alone": (
        "You drew among the likeliest tokens alone. Every token may come, with its own "
        "probability.",
        {"logits = model(seen).detach()":
         "logits = model(seen).detach()\n        third = logits.topk(3, dim=-1).values[..., "
         "-1:]\n        logits = logits.masked_fill(logits < third, -torch.inf)"},
    ),
    "one_for_each_line": (
        "You gave one log-probability for each line. One for each token is asked for.",
        {"torch.stack(found, dim=1)":
         "torch.stack(found, dim=1).sum(dim=1)"},
    ),
    "drawn_at_temperature_1": (
        "You drew at temperature 1, and gave log-probabilities of the heated policy. Draw "
        "from the softmax that they come from.",
        {"torch.multinomial(log_shares.exp(), 1":
         "torch.multinomial(logits[:, -1].softmax(dim=1), 1"},
    ),
    "padding_has_its_own_log_prob": (
        "You gave the padding the log-probability of token 0. Padding was not chosen: there "
        "it is 0.",
        {"        found.append(log_prob.masked_fill(~running, 0.0))\n        token = "
         "token[:, 0].masked_fill(~running, 0)\n":
         "        token = token[:, 0].masked_fill(~running, 0)\n        "
         "found.append(log_shares.gather(1, token[:, None])[:, 0])\n"},
    ),
    "ends_at_the_start_token": (
        "You take token 2 for the end. It is the start; a line ends after token 1.",
        {"(token != 1)":
         "(token != 2)"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    sample_completions.slip(_name, _message, _edits)


@sample_completions.mistake(
    "Gradients were recorded through the sampling. These log-probabilities are numbers that "
    "stay "
    "as they are: sample under `torch.no_grad()`."
)
def recorded_gradients(model, n, longest, temperature, generator):
    tokens, mask, _ = right_lines(model, n, longest, temperature, generator)
    seen = torch.cat([torch.full((n, 1), 2), tokens], dim=1)
    log_probs = (model(seen)[:, :-1] / temperature).log_softmax(-1)
    found = log_probs.gather(2, tokens[..., None])[..., 0].masked_fill(~mask, 0.0)
    return tokens, mask, found


for _mutant, _because in {
    "`log_shares = (model(seen)[:, -1] / temperature).log_softmax(dim=-1)` → "
    "`log_shares = (model(seen)[:, -1] / temperature).log_softmax(dim=+1)`":
    "the logits of one place have two axes, and 1 is the last",
    "`found.append(log_shares.gather(1, token)[:, 0].masked_fill(~running, 0.0))` → "
    "`found.append(log_shares.gather(1, token)[:, -1].masked_fill(~running, 0.0))`":
    "one token is drawn at a time: the first column is the last",
    "`running = running & (token[:, 0] != 1)` → `running = running & (token[:, -1] != 1)`":
    "one token is drawn at a time: the first column is the last",
}.items():  # fmt: skip
    sample_completions.equivalent(_mutant, _because)

sample_completions.hint("Keep, for each line, whether it is still running. A place is real if so.")
sample_completions.hint(
    "Draw a token for every line, ended or not; then overwrite what was drawn after an end."
)
sample_completions.hint(
    "Take the softmax once, of the heated logits: draw from it, and look the token up in it.",
    when="at another temperature too",
)
sample_completions.hint("Is the end token itself real? Who chose to end?", when="value")
