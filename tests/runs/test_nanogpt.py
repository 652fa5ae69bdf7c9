"""What nanogpt trains: nanoGPT's batches, schedule, groups and estimate."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from descent.data.shakespeare import OFFLINE_SOURCE
from descent.models.gpt import GPT
from descent.runs.catalogue import RUNS
from descent.runs.own import class_from, join_cells
from descent.runs.profiles import settings_of
from descent.runs.programs.nanogpt import make_task
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, read_metrics

NANOGPT = RUNS["nanogpt"]
CELLS = [
    "import torch\nfrom torch import nn",
    "WIDTH = 8",
    "class Mine(nn.Module):\n"
    "    def __init__(self, vocabulary, context, width, heads, layers):\n"
    "        super().__init__()\n"
    "        self.table = nn.Embedding(vocabulary, WIDTH)\n"
    "        self.out = nn.Linear(WIDTH, vocabulary)\n"
    "    def forward(self, tokens):\n"
    "        return self.out(self.table(tokens))",
    "raise SystemExit('experiments are not run')",
]


def task(profile="smoke", **changes):
    return make_task(settings_of(NANOGPT, profile, {"text": "any", **changes}), "cpu")


def test_without_the_plays_it_trains_on_python_s_text():
    made = task()
    assert made.source == OFFLINE_SOURCE
    sizes = {name: len(tokens) for name, tokens in made.splits.items()}
    assert sizes["training"] == pytest.approx(9 * sizes["validation"], rel=0.01)


def test_the_schedule_is_nanogpt_s():
    made = task("cpu")
    assert made.rate(0) == pytest.approx(1 / 101)
    assert made.rate(100) == 1.0
    assert made.rate(1050) == pytest.approx(0.55)
    assert made.rate(2000) == pytest.approx(0.1)
    assert all(made.rate(step) >= made.rate(step + 1) for step in range(100, 2000))


def test_matrices_decay_and_gains_do_not():
    made = task()
    decayed, free = made.optimisers(made.model())[0].param_groups
    assert decayed["weight_decay"] == 0.1 and free["weight_decay"] == 0.0
    assert all(weight.dim() >= 2 for weight in decayed["params"])
    assert all(weight.dim() == 1 for weight in free["params"])


def test_targets_are_the_next_characters_and_shares_make_up_the_batch():
    made = task()
    text = made.splits["training"]
    seen = []

    class Spy(nn.Module):
        def forward(self, tokens):
            seen.append(tokens)
            return nn.functional.one_hot(tokens, len(made.characters)) * 1.0

    whole = made.loss(Spy(), 5, range(16))
    halves = [made.loss(Spy(), 5, rows) for rows in (range(8), range(8, 16))]
    assert whole.item() == pytest.approx(sum(half.item() for half in halves) / 2, abs=1e-6)
    assert torch.equal(seen[0], torch.cat(seen[1:]))
    windows = text.unfold(0, 32, 1)
    assert all((windows == row).all(dim=1).any() for row in seen[0][:3])
    made.loss(Spy(), 6, range(16))
    assert not torch.equal(seen[0], seen[3])


def test_the_estimate_draws_the_same_batches_each_time():
    made = task()
    model = GPT(len(made.characters), 32, 32, 2, 2).eval()
    with torch.no_grad():
        one, other = (made.evaluate(model, Processes()) for _ in range(2))
    assert one == other and set(one) == {"training_loss", "validation_loss"}


def test_the_learner_s_class_is_what_trains(tmp_path):
    own = class_from(join_cells(CELLS, "Mine"), "a_run")
    settings = settings_of(NANOGPT, "smoke", {"steps": 30, "learning_rate": 0.1})
    made = make_task(settings, "cpu", own)
    assert type(made.model()).__name__ == "Mine"
    assert train(made, settings, tmp_path, Processes()) == "finished"
    losses = curve(read_metrics(tmp_path / "metrics.jsonl"), "loss")[1]
    assert losses[-1] < losses[0] - 0.5
