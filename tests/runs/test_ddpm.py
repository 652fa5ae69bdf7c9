"""What ddpm trains: noise on digits, the way back, and what the digits made are measured by."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from descent.data.mnist import OFFLINE_SOURCE
from descent.models.unet import UNet
from descent.runs.ddpm.diffusion import kept_shares, noisy, sampling_times, ways_back
from descent.runs.ddpm.task import check_model, make_task
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import settings_of
from descent.runs.folder.states import FINISHED
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, latest, read_metrics
from descent.training.settings import WrongSetting

RUN = RUNS["ddpm"]
SMALL = {"steps": 9, "evaluate_every": 5, "checkpoint_every": 4, "batch_size": 8, "width": 4}


def settings(profile="smoke", **changes):
    return settings_of(RUN, profile, {"digits": "any", **changes})


def task(profile="smoke", **changes):
    return make_task(settings(profile, **changes), "cpu")


class Mine(nn.Module):
    """The least that trains: made as the learner's Denoiser is."""

    def __init__(self, width, noise_steps):
        super().__init__()
        self.step = nn.Embedding(noise_steps, width)
        self.conv = nn.Conv2d(1, width, 3, padding=1)
        self.out = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x, t):
        return self.out(torch.relu(self.conv(x) + self.step(t)[:, :, None, None]))


class Spy(nn.Module):
    """Finds no noise, and keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x, t):
        self.seen.append((x, t))
        return torch.zeros_like(x)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [50, 1000])
def test_the_picture_goes_from_nearly_all_to_nearly_nothing(schedule, steps):
    kept = kept_shares(steps, schedule)
    assert kept.shape == (steps,) and (kept.diff() < 0).all()
    assert kept[0] > 0.99 and 0 < kept[-1] < 1e-3


def test_the_linear_schedule_is_the_paper_s():
    kept = kept_shares(1000, "linear")
    assert kept[0].item() == pytest.approx(1 - 1e-4)
    assert kept[-1].item() == pytest.approx(4.04e-5, rel=0.01)
    assert kept_shares(1000, "cosine")[499].item() == pytest.approx(0.49, abs=0.01)


def test_noise_keeps_the_variance():
    torch.manual_seed(0)
    pictures, noise = torch.randn(2, 4000, 1, 2, 2)
    given = noisy(pictures, noise, torch.linspace(0, 1, 4000))
    assert given.var().item() == pytest.approx(1, abs=0.05)
    assert torch.equal(given[0], noise[0]) and torch.equal(given[-1], pictures[-1])


def test_the_steps_of_sampling_are_spread_evenly_and_end_at_the_picture():
    assert sampling_times(5, 5) == [4, 3, 2, 1, 0]
    assert sampling_times(1000, 5) == [999, 749, 500, 250, 0]
    assert sampling_times(10, 1) == [9]


@pytest.mark.parametrize("visited", [1000, 100])
def test_with_the_exact_noise_the_way_back_ends_in_the_data_s_distribution(visited):
    # Of a Gaussian the noise to expect is known: ε* = √(1 - ᾱ) (x - √ᾱ m) / (ᾱ s² + 1 - ᾱ).
    mean, spread, kept = 0.3, 0.2, kept_shares(1000, "linear")

    def exact(x, t):
        k = kept[t][:, None, None, None]
        return (1 - k).sqrt() * (x - k.sqrt() * mean) / (k * spread**2 + 1 - k)

    draw = torch.Generator().manual_seed(1)
    noise = torch.randn((20_000, 1, 1, 1), generator=draw)
    steps = list(ways_back(exact, noise, kept, visited, draw))
    assert [t for t, _ in steps] == sampling_times(1000, visited)
    made = steps[-1][1]
    assert made.mean().item() == pytest.approx(mean, abs=0.01)
    # Bayes' rule takes the picture as known; the longer the steps, the more spread that costs.
    assert made.std().item() == pytest.approx(spread, rel=0.05 if visited == 1000 else 0.15)
    assert made.abs().max() <= 1
    for t, x in steps[:: visited // 4]:  # x is what was there one step before t
        k = kept[max(0, t - 1000 // visited)]
        expected = (k * spread**2 + 1 - k).sqrt().item()
        assert x.std().item() == pytest.approx(expected, rel=0.1, abs=0.02)


def test_what_is_looked_for_is_the_noise_and_shares_make_up_the_batch():
    made = task()
    assert made.source == OFFLINE_SOURCE and made.pictures.min() == -1 and made.pictures.max() == 1
    spy = Spy()
    whole = made.loss(spy, 5, range(32))
    halves = [made.loss(spy, 5, rows) for rows in (range(16), range(16, 32))]
    assert whole.item() == pytest.approx(1, abs=0.03)  # the variance of the noise
    assert whole.item() == pytest.approx(sum(half.item() for half in halves) / 2, abs=1e-6)
    for i in range(2):
        assert torch.equal(spy.seen[0][i], torch.cat([seen[i] for seen in spy.seen[1:]]))
    x, t = spy.seen[0]
    kept = made.kept[t][:, None, None, None]
    clean = made.training[made.epochs.picked(5, range(32))]
    noise = (x - kept.sqrt() * clean) / (1 - kept).sqrt()
    assert noise.std().item() == pytest.approx(1, abs=0.02) and len(t.unique()) > 10
    made.loss(spy, 6, range(32))
    assert not torch.equal(spy.seen[-1][1], t)


def test_measuring_is_of_every_held_out_picture_for_any_number_of_processes(monkeypatch):
    made = task(held_out=31, width=4)
    model = UNet(4)
    nn.init.normal_(model.read_out.weight, std=0.1)
    with torch.no_grad():
        alone = made.evaluate(model, Processes())
        assert alone == made.evaluate(model, Processes())
        sums = []
        monkeypatch.setattr(
            "descent.runs.ddpm.task.mean_over", lambda total, _: sums.append(total) or total
        )
        for rank in range(3):
            made.evaluate(model, Processes(rank=rank, world=3))
    total, number = sum(sums).tolist()
    assert number == 31 and total / number == pytest.approx(alone["validation_loss"], rel=1e-5)
    assert torch.equal(made.validation, made.pictures[-31:])
    assert len(made.training) == 1437 - 31 == made.epochs.count


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("width", {"width": 6}),
        ("sampling_steps", {"sampling_steps": 51}),
        ("schedule", {"schedule": "steep"}),
        ("noise_steps", {"noise_steps": 1}),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name, changes):
    with pytest.raises(WrongSetting, match=f"^{name} is "):
        settings(**changes)


def test_too_much_held_out_is_refused_by_name():
    with pytest.raises(WrongSetting, match="^held_out is 1420"):
        task(held_out=1420)


def test_it_continues_exactly(tmp_path):
    told, first = settings(**SMALL), settings(**{**SMALL, "steps": 5})
    assert train(make_task(told, "cpu"), told, tmp_path / "whole", Processes()) == "finished"
    scheduled = make_task(told, "cpu")  # the schedule of the long one
    assert train(scheduled, first, tmp_path / "parts", Processes()) == "finished"
    assert train(make_task(told, "cpu"), told, tmp_path / "parts", Processes()) == "finished"
    whole, parts = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    assert curve(whole, "loss") == curve(parts, "loss") and len(curve(whole, "loss")[0]) == 9
    assert latest(whole) == latest(parts)


def test_the_learner_s_class_trains(tmp_path):
    told = settings(steps=40, learning_rate=0.03, checkpoint_every=0)
    check_model(Mine, told)
    assert train(make_task(told, "cpu", Mine), told, tmp_path, Processes()) == "finished"
    losses = curve(read_metrics(tmp_path / "metrics.jsonl"), "loss")[1]
    assert losses[-1] < losses[0] - 0.2


class IgnoresTheStep(Mine):
    def forward(self, x, t):
        return super().forward(x, torch.zeros_like(t))


class OneStepForAll(Mine):
    def forward(self, x, t):
        return super().forward(x, t.max().expand(len(x)))


class NormalisesOverTheBatch(Mine):
    def forward(self, x, t):
        return super().forward(x, t) - x.mean()


class AlsoThePicture(Mine):
    def forward(self, x, t):
        return super().forward(x, t), x


class NoChannel(Mine):
    def forward(self, x, t):
        return super().forward(x, t)[:, 0]


class NoGradient(Mine):
    def forward(self, x, t):
        return super().forward(x, t).detach()


class PicturesAlone(Mine):
    def forward(self, x):
        return super().forward(x, torch.zeros(len(x)).long())


class NotFinite(Mine):
    def forward(self, x, t):
        return super().forward(x, t) / 0


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (dict, "dict is not a class that derives from torch.nn.Module"),
        (UNet.__base__, r"Module\(width=8, noise_steps=50\) cannot be made"),
        (IgnoresTheStep, "(No gradient reaches|does not use the step)"),
        (OneStepForAll, "other pictures of its batch"),
        (NormalisesOverTheBatch, "moves by .* with the other pictures of its batch"),
        (AlsoThePicture, "returns tuple, not a tensor of noise"),
        (NoChannel, r"noise of shape \(4, 28, 28\).* needs \(4, 1, 28, 28\): their own shape"),
        (NoGradient, "No gradient comes back"),
        (PicturesAlone, r"Given pictures of shape \(4, 1, 28, 28\) and steps of shape \(4,\)"),
        (NotFinite, "noise that is not finite"),
    ],
)
def test_a_model_that_cannot_train_is_refused_with_the_reason(model, reason):
    with pytest.raises(BrokenContract, match=reason):
        check_model(model, settings())


def test_the_smoke_run_goes_through_to_its_report_and_is_that_of_one_process(
    whole_run, tools, tmp_path
):
    folder = whole_run("ddpm", steps=12, evaluate_every=6)
    status = folder.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(folder)
    text, pictures, errors = tools.report_outputs(folder)
    assert (pictures, errors) == (5, [])
    for words in ("ddpm, profile smoke", "steps = 12   (changed)", "20 samples, and the 360 digits",
                  "mean confidence", "classifier is right about"):  # fmt: skip
        assert words in text
    told = folder.settings()
    assert train(make_task(told, "cpu"), told, tmp_path, Processes()) == "finished"
    for name in ("loss", "validation loss"):
        alone = dict(zip(*curve(read_metrics(tmp_path / "metrics.jsonl"), name), strict=True))
        assert alone == pytest.approx(tools.losses(folder, name), abs=1e-4) and len(alone) >= 3
