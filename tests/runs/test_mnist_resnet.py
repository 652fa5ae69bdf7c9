"""What mnist_resnet trains: resident digits, several seeds, the learner's own network."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from descent.data.mnist import OFFLINE_SOURCE
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import profile_names, settings_of
from descent.runs.folder.states import FINISHED
from descent.runs.launching.start import start_run
from descent.runs.mnist_resnet.task import check_model, make_task
from descent.runs.results.records import read_records, write_record
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, latest, read_metrics
from descent.training.settings import WrongSetting

RUN = RUNS["mnist_resnet"]


def task(profile="smoke", **changes):
    return make_task(settings_of(RUN, profile, {"digits": "any", **changes}), "cpu")


class Mine(nn.Module):
    """The least that trains: made as the learner's ResNet is."""

    def __init__(self, per_stage=1, widths=(16, 32, 64)):
        super().__init__()
        self.conv = nn.Conv2d(1, widths[2], 5, stride=4, bias=False)
        self.norm = nn.BatchNorm2d(widths[2])
        self.linear = nn.Linear(widths[2], 10)

    def forward(self, x):
        return self.linear(torch.relu(self.norm(self.conv(x))).amax((2, 3)))


class Spy(nn.Module):
    """Keeps what it is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(x)
        return torch.zeros(len(x), 10, requires_grad=True)


def seen(made, *calls):
    spy = Spy()
    for step, rows in calls:
        made.loss(spy, step, rows)
    return spy.seen


def test_every_profile_s_settings_are_whole():
    for name in profile_names(RUN):
        settings_of(RUN, name)
    assert {"smoke", "cpu", "gpu", "gpu-accurate", "multi-gpu", "slurm"} <= set(profile_names(RUN))


def test_an_epoch_shows_each_picture_once_and_the_next_in_another_order():
    made = task(held_out=1437 - 4 * 128, shift=0)
    assert made.source == OFFLINE_SOURCE
    one, other = (
        torch.cat(seen(made, *((step, range(128)) for step in steps)))
        for steps in (range(4), range(4, 8))
    )
    trained = made.pictures[: made.trained]
    assert torch.equal(order(one.squeeze(1)), order(trained))
    assert torch.equal(order(other), order(one)) and not torch.equal(other, one)


def order(pictures):
    rows = pictures.flatten(1)
    return rows[rows.double().mul(torch.arange(rows.shape[1]) + 1.0).sum(dim=1).argsort()]


@pytest.mark.parametrize(("side", "shift"), [(28, 0), (24, 0), (28, 2), (24, 1), (24, 3)])
def test_pictures_are_cut_out_moved_no_farther_than_asked_and_shares_make_up_the_batch(side, shift):
    made = task(side=side, shift=shift, width=4)
    whole, *halves = seen(made, (3, range(128)), (3, range(64)), (3, range(64, 128)))
    assert whole.shape == (128, 1, side, side)
    assert torch.equal(whole, torch.cat(halves))
    border = (made.pictures.shape[-1] - side) // 2
    picked = made.epochs.order(0)[3 * 128 : 4 * 128]
    ways = set()
    for picture, number in zip(whole[:, 0], picked, strict=True):
        original = made.pictures[number]
        fits = [
            (down, right)
            for down in range(-shift, shift + 1)
            for right in range(-shift, shift + 1)
            if torch.equal(picture, cut(original, border + down, border + right, side))
        ]
        assert fits
        ways.add(fits[0])
    assert len(ways) == 1 if shift == 0 else len(ways) > 4


def cut(picture, down, right, side):
    return picture[down : down + side, right : right + side]


def test_the_held_out_pictures_are_never_trained_on_and_the_test_set_is_not_touched():
    made = task(held_out=400)
    assert made.measured[0] == "validation" and len(made.measured[2]) == 400
    assert max(int(made.epochs.order(epoch).max()) for epoch in range(3)) < 1437 - 400
    whole = task(held_out=0)
    assert whole.measured[0] == "test" and len(whole.measured[2]) == 360
    assert whole.trained == 1437


def test_too_much_held_out_or_too_large_a_batch_is_refused_by_name():
    with pytest.raises(WrongSetting, match="held_out is 5000"):
        task(held_out=5000)
    with pytest.raises(WrongSetting, match="batch_size is 2048"):
        task(batch_size=2048)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("micro_batch", 32),
        ("norm_rows", 24),
        ("norm_rows", 0),
        ("side", 21),
        ("digits", "none"),
        ("width", 0),
        ("smoothing", 1.0),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name, value):
    with pytest.raises(WrongSetting, match=f"^{name} is "):
        settings_of(RUN, "smoke", {name: value})


def test_the_rate_rises_and_falls_to_nothing():
    made = task(steps=100, warm_up=0.25)
    rates = [made.rate(step) for step in range(100)]
    assert max(rates) > 0.99 and rates.index(max(rates)) in (24, 25)
    assert rates[0] < 0.03 and rates[-1] < 0.001
    assert sum(rates) == pytest.approx(50, rel=0.01)


def test_measuring_is_of_every_picture_for_any_number_of_processes(monkeypatch):
    made = task(held_out=301)
    model = made.model().eval()
    with torch.no_grad():
        alone = made.evaluate(model, Processes())
        sums = []
        monkeypatch.setattr(
            "descent.runs.mnist_resnet.task.mean_over",
            lambda total, _: sums.append(total) or total,
        )
        for rank in range(3):
            made.evaluate(model, Processes(rank=rank, world=3))
    loss, hits, number = sum(sums).tolist()
    assert number == 301
    assert hits / number == alone["validation_accuracy"]
    assert loss / number == pytest.approx(alone["validation_loss"], abs=1e-6)


def test_ours_learns_the_digits_and_continues_exactly(tmp_path):
    settings = settings_of(RUN, "smoke", {"rehearse": 1})
    short = settings_of(RUN, "smoke", {"steps": 20})
    long_task = make_task(settings, "cpu")
    assert train(long_task, settings, tmp_path / "whole", Processes()) == "finished"
    scheduled = make_task(settings, "cpu")  # the schedule of the long one
    assert train(scheduled, short, tmp_path / "parts", Processes()) == "finished"
    assert train(make_task(settings, "cpu"), settings, tmp_path / "parts", Processes())
    whole, parts = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    assert curve(whole, "loss") == curve(parts, "loss")
    assert latest(whole)["validation accuracy"] == latest(parts)["validation accuracy"] > 0.9


def test_the_learner_s_class_is_made_by_its_own_constructor_and_trains(tmp_path):
    settings = settings_of(RUN, "smoke", {"width": 16, "steps": 60})
    check_model(Mine, settings)
    made = make_task(settings, "cpu", Mine)
    assert made.model().norm.num_features == 64
    assert train(made, settings, tmp_path, Processes()) == "finished"
    losses = curve(read_metrics(tmp_path / "metrics.jsonl"), "loss")[1]
    assert losses[-1] < losses[0] - 0.5


class NineClasses(Mine):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.linear = nn.Linear(self.linear.in_features, 9)


class NotFinite(Mine):
    def forward(self, x):
        return super().forward(x) / 0


class NoGradient(Mine):
    def forward(self, x):
        return super().forward(x).detach()


class OtherArguments(Mine):
    def __init__(self, config):
        super().__init__()


class Channels(Mine):
    def forward(self, x):
        return super().forward(x.expand(-1, 3, -1, -1))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (dict, "dict is not a class that derives from torch.nn.Module"),
        (lambda *sizes: Mine(), "not a class"),
        (NineClasses, r"shape \(4, 9\).*needs \(4, 10\)"),
        (NotFinite, "not finite"),
        (NoGradient, "No gradient comes back"),
        (OtherArguments, "OtherArguments.* cannot be made: TypeError"),
        (Channels, r"Given pictures of shape \(4, 1, 28, 28\), the model fails: RuntimeError"),
    ],
)
def test_a_model_that_cannot_train_is_refused_with_the_reason(model, reason):
    with pytest.raises(BrokenContract, match=reason):
        check_model(model, settings_of(RUN, "smoke"))


def test_several_seeds_have_a_curve_each_and_are_recorded_with_their_spread(tools, tmp_path):
    folder = tools.made("mnist_resnet", "cpu", seeds=3, steps=10, digits="any")
    for (told, path), accuracy in zip(folder.trainings(), (0.98, 0.99, 1.0), strict=True):
        path.mkdir(exist_ok=True)
        lines = [
            {"step": 9, "time": 1.5 + told.seed, "loss": 0.1},
            {"step": 10, "time": 1.5 + told.seed, "test accuracy": accuracy},
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (path / "metrics.jsonl").write_text(text)
    assert [told.seed for told, _ in folder.trainings()] == [0, 1, 2]
    assert (folder.step(), folder.steps()) == (30, 30)
    folder.write("program.json", {"outcome": "finished"})
    write_record(tmp_path, folder, "here")
    (record,) = read_records(tmp_path, "mnist_resnet")
    accuracy = record.metrics["test accuracy"]
    assert accuracy == {"mean": pytest.approx(0.99), "std": pytest.approx(0.01), "n": 3}
    assert record.seconds == {"mean": 2.5, "std": 1.0, "n": 3}


def test_the_smoke_run_goes_through_to_its_report_and_is_that_of_one_process(tools, tmp_path):
    # At the profile's own rate Adam's first steps make much of what rounding leaves of a gradient
    # that is zero. Statistics of other rows would show in the first loss.
    changes = {"digits": "any", "steps": 12, "evaluate_every": 6, "shift": 1, "learning_rate": 2e-5}
    two = start_run("mnist_resnet", "smoke", changes)
    status = tools.wait_for_end(two)
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(two)
    text, pictures, errors = tools.report_outputs(two)
    assert (pictures, errors) == (1, [])
    for words in ("mnist_resnet, profile smoke", "learning_rate = 2e-05   (changed)",
                  "seed 1: validation accuracy", "mean and standard deviation"):  # fmt: skip
        assert words in text
    for told, path in two.trainings():
        alone = tmp_path / str(told.seed)
        assert train(make_task(told, "cpu"), told, alone, Processes()) == "finished"
        for name in ("loss", "validation loss"):
            both = (curve(read_metrics(where / "metrics.jsonl"), name) for where in (path, alone))
            (steps, values), (_, others) = both
            assert len(steps) >= 3 and values == pytest.approx(others, abs=1e-5)
