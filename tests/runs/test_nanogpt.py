"""What nanogpt trains: nanoGPT's batches, schedule, groups and estimate."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from descent.data.shakespeare import OFFLINE_SOURCE
from descent.models.gpt import GPT
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.learner_model import class_from, join_cells
from descent.runs.launching.torchrun import start_torchrun
from descent.runs.nanogpt.report_cells import show_whole_validation
from descent.runs.nanogpt.task import make_task, whole_validation_loss
from descent.runs.results.report_cells import last_model
from descent.training.checkpoint import load_checkpoint
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, read_metrics
from descent.training.stopping import Stop

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


def test_a_linear_schedule_stays_and_then_falls_to_the_end():
    made = task("cpu", schedule="linear", least_rate=0.0)
    assert [made.rate(step) for step in (0, 100, 1050, 2000)] == pytest.approx([1 / 101, 1, 0.5, 0])
    late = task("cpu", schedule="linear", fall=0.5, least_rate=2e-4)
    assert [late.rate(step) for step in (100, 1050, 1525, 2000)] == pytest.approx([1, 1, 0.6, 0.2])


def test_muon_takes_the_hidden_matrices_and_adamw_the_rest():
    made = task("speedrun", layers=2, width=32)
    model = made.model()
    others, hidden = made.optimisers(model)
    names = {id(weight): name for name, weight in model.named_parameters()}
    taken = [names[id(weight)] for weight in hidden.param_groups[0]["params"]]
    assert len(taken) == 8 and all("blocks." in name and "norm" not in name for name in taken)
    rest = [names[id(weight)] for group in others.param_groups for weight in group["params"]]
    assert sorted(taken + rest) == sorted(names.values())
    assert "tokens.weight" in rest and "norm.weight" in rest
    assert hidden.param_groups[0]["lr"] == made.settings.matrix_rate


def test_the_learner_s_class_gets_the_dropout_where_there_is_some():
    made = []

    class Own(nn.Module):
        def __init__(self, *sizes):
            super().__init__()
            made.append(sizes)

    for profile, dropout in (("cpu", 0.0), ("gpu", 0.0), ("gpu", 0.2)):
        settings = settings_of(NANOGPT, profile, {"text": "any", "dropout": dropout})
        task = make_task(settings, "cpu", Own)
        task.model()
    vocabulary = len(task.characters)
    assert made == [
        (vocabulary, 64, 128, 4, 4),
        (vocabulary, 256, 384, 6, 6),
        (vocabulary, 256, 384, 6, 6, 0.2),
    ]


def test_muon_does_not_take_a_read_out_of_the_learner_s():
    own = class_from(join_cells(CELLS, "Mine"), "another_run")
    made = make_task(settings_of(NANOGPT, "smoke", {"optimiser": "muon"}), "cpu", own)
    (adamw,) = made.optimisers(made.model())
    assert sum(len(group["params"]) for group in adamw.param_groups) == 3


def test_the_speedrun_is_nanogpt_s_size_steps_and_tokens():
    for ours, theirs in (("speedrun", "cpu"), ("speedrun-gpu", "gpu")):
        one, other = settings_of(NANOGPT, ours), settings_of(NANOGPT, theirs)
        for name in ("context", "width", "heads", "layers", "batch_size", "evaluation_batches"):
            assert getattr(one, name) == getattr(other, name)
        assert one.steps <= other.steps
    sizes = [
        sum(w.numel() for w in task(name).model().parameters()) for name in ("cpu", "speedrun")
    ]
    assert sizes[1] <= sizes[0]


SMALL_SPEEDRUN = {
    "steps": 24, "context": 16, "width": 16, "heads": 2, "layers": 2, "warm_up": 4,
    "evaluate_every": 8, "checkpoint_every": 8, "text": "any", "evaluation_batches": 2,
    "average": 0.9, "dropout": 0.1,
}  # fmt: skip


def test_a_speedrun_continues_exactly(tmp_path):
    settings = settings_of(NANOGPT, "speedrun", SMALL_SPEEDRUN)
    made = make_task(settings, "cpu")
    train(made, settings, tmp_path / "whole", Processes())
    stops = iter([False] * 12 + [True] + [False] * 99)

    class AskedOnce(Stop):
        asked = property(lambda self: next(stops))

    assert train(made, settings, tmp_path / "parts", Processes(), AskedOnce()) == "stopped"
    assert train(made, settings, tmp_path / "parts", Processes()) == "finished"
    for name in ("loss", "validation loss"):
        one, other = (curve(read_metrics(tmp_path / part / "metrics.jsonl"), name)
                      for part in ("whole", "parts"))  # fmt: skip
        assert one == other
    one, other = (
        load_checkpoint(tmp_path / part / "checkpoints", 24) for part in ("whole", "parts")
    )
    assert all(torch.equal(one["model"][name], other["model"][name]) for name in one["model"])


def test_a_speedrun_in_two_processes_has_the_curve_of_one(tools):
    one, two = (
        tools.made(profile="speedrun", **{**SMALL_SPEEDRUN, "dropout": 0.0}, processes=processes)
        for processes in (1, 2)
    )
    assert start_torchrun(two).wait(timeout=600) == 0, tools.printed(two)
    train(make_task(one.settings(), "cpu"), one.settings(), one.path, Processes())
    for name in ("loss", "validation loss"):
        found = tools.losses(two, name)
        assert found == pytest.approx(tools.losses(one, name), abs=1e-4) and len(found) > 3


def test_the_whole_validation_split_is_read_once():
    made = task(context=16, text="any")

    class Counting(nn.Module):
        """Knows nothing, and counts what it is shown."""

        seen = 0

        def forward(self, tokens):
            self.seen += tokens.numel()
            return torch.zeros(*tokens.shape, len(made.characters))

    model = Counting()
    loss = whole_validation_loss(made, model)
    assert loss == pytest.approx(math.log(len(made.characters)), rel=1e-6)
    assert 0 <= len(made.splits["validation"]) - model.seen <= 16


def test_the_report_takes_the_averaged_weights_where_there_are_some(tools, capsys):
    folder = tools.made(profile="speedrun", **SMALL_SPEEDRUN)
    settings = folder.settings()
    made = make_task(settings, "cpu")
    train(made, settings, folder.path, Processes())
    same, model, step = last_model(folder)
    with torch.no_grad():
        measured = same.evaluate(model, Processes())["validation_loss"]
    assert step == 24
    assert measured == pytest.approx(tools.losses(folder, "validation loss")[24], abs=1e-6)
    show_whole_validation(folder)
    assert f"{whole_validation_loss(same, model):.4f} nats" in capsys.readouterr().out


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
