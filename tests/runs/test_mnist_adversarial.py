"""What mnist_adversarial trains: attacked digits, measured by the worst restart of each."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from descent.data.mnist import OFFLINE_SOURCE
from descent.models.digit_nets import MadryDigitNet, SmallDigitNet
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import profile_names, settings_of
from descent.runs.folder.states import FINISHED
from descent.runs.mnist_adversarial.task import check_model, make_task
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, latest, read_metrics
from descent.training.settings import WrongSetting

RUN = RUNS["mnist_adversarial"]


def settings(profile="smoke", **changes):
    return settings_of(RUN, profile, {"digits": "any", **changes})


def task(profile="smoke", **changes):
    return make_task(settings(profile, **changes), "cpu")


class Mine(nn.Module):
    """The least that trains, made with the width."""

    def __init__(self, width):
        super().__init__()
        self.hidden = nn.Linear(784, 8 * width)
        self.out = nn.Linear(8 * width, 10)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x.flatten(1))))


class Spy(Mine):
    """Keeps what it is given."""

    def __init__(self):
        super().__init__(1)
        self.seen = []

    def forward(self, x):
        self.seen.append(x.detach())
        return super().forward(x)


def test_every_profile_s_settings_are_whole():
    for name in profile_names(RUN):
        settings_of(RUN, name)
    assert {"smoke", "cpu", "gpu", "multi-gpu", "slurm"} == set(profile_names(RUN))
    theirs = settings_of(RUN, "gpu")
    assert (theirs.steps, theirs.batch_size, theirs.network) == (100_000, 50, "madry")
    assert (theirs.attack_steps, theirs.attack_step, theirs.epsilon) == (40, 0.01, 0.3)


@pytest.mark.parametrize("kind", [SmallDigitNet, MadryDigitNet])
def test_a_digit_s_logits_do_not_hang_on_the_others(kind):
    torch.manual_seed(0)
    model, pictures = kind(4), torch.rand(5, 1, 28, 28)
    assert model(pictures).shape == (5, 10)
    assert torch.allclose(model(pictures)[2:3], model(pictures[2:3]), atol=1e-6)


def test_it_trains_on_attacked_pictures_and_shares_make_up_the_batch():
    made, spy = task(attack_steps=3, attack_step=0.15), Spy()
    assert made.source == OFFLINE_SOURCE and 0 <= made.pictures.min() < made.pictures.max() <= 1
    whole = made.loss(spy, 5, range(64))
    assert len(spy.seen) == 4  # three steps of the attack, and what is trained on
    clean = made.pictures[made.epochs.picked(5, range(64))]
    far = (spy.seen[-1] - clean).abs()
    assert far.max() <= 0.3 + 1e-6 and (far > 0.299).float().mean() > 0.3
    halves = [made.loss(spy, 5, rows) for rows in (range(32), range(32, 64))]
    assert whole.item() == pytest.approx(sum(half.item() for half in halves) / 2, abs=1e-5)
    assert torch.allclose(spy.seen[3], torch.cat([spy.seen[7], spy.seen[11]]), atol=1e-6)
    whole.backward()
    assert spy.out.weight.grad is not None


def test_no_attack_trains_on_the_pictures_as_they_are():
    made, spy = task(attack_steps=0), Spy()
    made.loss(spy, 2, range(64))
    (seen,) = spy.seen
    assert torch.equal(seen, made.pictures[made.epochs.picked(2, range(64))])


def test_the_rate_rises_and_falls_to_nothing_or_stays():
    made = task(steps=100, rise=0.4)
    rates = [made.rate(step) for step in range(100)]
    assert max(rates) > 0.98 and rates.index(max(rates)) in (39, 40)
    assert rates[0] < 0.02 and rates[-1] < 0.01
    assert {task(rate_shape="constant").rate(step) for step in range(30)} == {1.0}


def test_measuring_is_of_every_picture_for_any_number_of_processes(monkeypatch):
    made = task(held_out=103, measured=41)
    torch.manual_seed(0)
    model = made.model().eval()
    with torch.no_grad():
        alone = made.evaluate(model, Processes())
        sums = []
        monkeypatch.setattr(
            "descent.runs.mnist_adversarial.task.mean_over",
            lambda total, _: sums.append(total) or total,
        )
        for rank in range(3):
            made.evaluate(model, Processes(rank=rank, world=3))
    hits, stepped, number, once, worst, attacked = sum(sums).tolist()
    assert (number, attacked) == (103, 41)
    assert alone == {
        "validation_clean_accuracy": hits / number,
        "validation_FGSM_accuracy": stepped / number,
        "validation_PGD_accuracy": once / attacked,
        "validation_PGD_with_restarts_accuracy": worst / attacked,
    }
    assert worst <= once <= hits


def test_the_held_out_pictures_are_never_trained_on_and_the_test_set_is_not_touched():
    made = task(held_out=400)
    assert made.measured[0] == "validation" and len(made.measured[2]) == 400
    assert max(int(made.epochs.order(epoch).max()) for epoch in range(3)) < 1437 - 400
    assert task(held_out=0).measured[0] == "test"


@pytest.mark.parametrize(
    ("name", "value"),
    [("epsilon", 1.0), ("attack_step", 0.0), ("measured_step", 0.0), ("restarts", 0),
     ("network", "large"), ("rate_shape", "steep"), ("digits", "none"), ("width", 0)],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_refused_by_name(name, value):
    with pytest.raises(WrongSetting, match=f"^{name} is "):
        settings(**{name: value})


def test_too_much_held_out_is_refused_by_name():
    with pytest.raises(WrongSetting, match="^held_out is 1420"):
        task(held_out=1420)


def test_training_under_attack_withstands_more_than_training_without(tmp_path):
    measured = {}
    for steps in (0, 1):
        told = settings(
            processes=1, steps=150, width=8, attack_steps=steps, attack_step=0.125, epsilon=0.1,
            evaluate_every=0, measured_steps=20, measured_step=0.01,
        )  # fmt: skip
        train(make_task(told, "cpu"), told, tmp_path / str(steps), Processes())
        measured[steps] = latest(read_metrics(tmp_path / str(steps) / "metrics.jsonl"))
    clean, robust = ("validation clean accuracy", "validation PGD with restarts accuracy")
    assert measured[0][clean] > 0.9
    assert measured[1][robust] > measured[0][robust] + 0.2


def test_it_continues_exactly(tmp_path):
    told, first = settings(processes=1), settings(processes=1, steps=20)
    assert train(make_task(told, "cpu"), told, tmp_path / "whole", Processes()) == "finished"
    scheduled = make_task(told, "cpu")  # the schedule of the long one
    assert train(scheduled, first, tmp_path / "parts", Processes()) == "finished"
    assert train(make_task(told, "cpu"), told, tmp_path / "parts", Processes()) == "finished"
    whole, parts = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    assert curve(whole, "loss") == curve(parts, "loss") and len(curve(whole, "loss")[0]) == 30
    assert latest(whole) == latest(parts)


def test_the_learner_s_class_trains(tmp_path):
    told = settings(processes=1, width=8, steps=40, attack_steps=1)
    check_model(Mine, told)
    assert train(make_task(told, "cpu", Mine), told, tmp_path, Processes()) == "finished"
    losses = curve(read_metrics(tmp_path / "metrics.jsonl"), "loss")[1]
    assert losses[-1] < losses[0] - 0.2


class NoGradient(Mine):
    def forward(self, x):
        return super().forward(x).detach()


class Flat(Mine):
    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


class NineClasses(Mine):
    def __init__(self, width):
        super().__init__(width)
        self.out = nn.Linear(8 * width, 9)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (dict, "dict is not a class that derives from torch.nn.Module"),
        (NoGradient, "No gradient comes back"),
        (Flat, "the model fails"),
        (NineClasses, r"\(4, 9\)"),
    ],
)
def test_a_model_that_cannot_train_is_refused_with_the_reason(model, reason):
    with pytest.raises(BrokenContract, match=reason):
        check_model(model, settings())


def test_the_smoke_run_goes_through_to_its_report_and_is_that_of_one_process(
    whole_run, tools, tmp_path
):
    folder = whole_run("mnist_adversarial", steps=12, evaluate_every=6)
    status = folder.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(folder)
    text, pictures, errors = tools.report_outputs(folder)
    assert (pictures, errors) == (2, [])
    for words in ("mnist_adversarial, profile smoke", "2 starts, worst of each", "PGD with ε = 1",
                  "Wilson", "seed 0: validation PGD with restarts accuracy"):  # fmt: skip
        assert words in text
    told = folder.settings()
    assert train(make_task(told, "cpu"), told, tmp_path, Processes()) == "finished"
    for name, near in (("loss", 1e-3), ("validation PGD accuracy", 0.03)):
        alone = dict(zip(*curve(read_metrics(tmp_path / "metrics.jsonl"), name), strict=True))
        assert alone == pytest.approx(tools.losses(folder, name), abs=near)
