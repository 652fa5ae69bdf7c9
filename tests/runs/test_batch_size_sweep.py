"""What batch_size_sweep trains and comes to: updates to a target, the best rate, the knee."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from descent.runs.batch_size_sweep import (
    UPDATES,
    best_rates,
    critical_batch,
    most,
    points,
    summary,
)
from descent.runs.batch_size_sweep.task import SmallMLP, check_model, load, train_point
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import profile_names, settings_of
from descent.runs.folder.states import FINISHED
from descent.training.settings import WrongSetting

RUN = RUNS["batch_size_sweep"]
POINT = {"batch": 16, "rate": 0.16, "seed": 0}


def smoke(**changes):
    return settings_of(RUN, "smoke", changes)


def trained(settings, values):
    return train_point(settings, values, load(settings, "cpu"))


def test_every_profile_s_settings_are_whole():
    for name in profile_names(RUN):
        assert points(settings_of(RUN, name))
    assert {"smoke", "cpu", "gpu", "slurm"} == set(profile_names(RUN))
    values = [point.values for point in points(settings_of(RUN, "cpu"))]
    assert len(values) == 10 * 7 * 3 == len({tuple(each.values()) for each in values})
    assert max(each["batch"] for each in values) == 2048
    assert max(each["rate"] for each in values) == 0.64


def test_the_smoke_sweep_goes_through_to_its_report(whole_run, tools):
    folder = whole_run("batch_size_sweep")
    status = folder.status()
    assert (status.state, status.reason) == (FINISHED, ""), tools.printed(folder)
    text, pictures, errors = tools.report_outputs(folder)
    assert (pictures, errors) == (1, [])
    for words in ("batch_size_sweep, profile smoke", "16 of 16 trainings.", "best rate",
                  "critical batch", "fewest updates"):  # fmt: skip
        assert words in text


def test_a_training_ends_at_its_target_and_is_the_same_whenever_it_is_made():
    torch.manual_seed(5)
    first = trained(smoke(), POINT)
    assert 1 < first["updates"] < most(smoke(), 16)
    assert first["examples"] == 16 * first["updates"]
    torch.manual_seed(6)
    assert trained(smoke(), POINT) == first
    harder = trained(smoke(target=1.0), POINT)
    assert harder["updates"] > first["updates"]


@pytest.mark.parametrize(
    ("changes", "rate"),
    [({"target": 1e-6}, 0.01), ({}, 1e4)],
    ids=["never reached", "gone astray"],
)
def test_a_training_that_misses_the_target_is_given_up(changes, rate):
    settings = smoke(most_updates=5, most_examples=16, **changes)
    found = trained(settings, {**POINT, "rate": rate})
    assert found == {"updates": None, "examples": None}


def planted(critical=50.0, fewest=20.0, seeds=2, batches=8):
    """Updates of a law with its knee at a known batch; the middle of three rates is the best."""
    return [
        {"batch": 4 << i, "rate": rate, "seed": seed,
         UPDATES: (1 + seed) * slower * fewest * (1 + critical / (4 << i))}
        for seed in range(seeds)
        for i in range(batches)
        for rate, slower in ((0.1, 2.0), (0.2, 1.0), (0.4, 1.5))
    ]  # fmt: skip


def test_the_knee_of_a_planted_law_is_found():
    law = {row["batch"]: row[UPDATES] for row in planted(seeds=1) if row["rate"] == 0.2}
    assert critical_batch(law) == (pytest.approx(50, rel=0.01), pytest.approx(20, rel=0.01))
    found = summary(planted())
    assert found["critical batch"]["mean"] == pytest.approx(50, rel=0.01)
    assert found["critical batch"]["n"] == 2
    assert found["fewest updates"]["mean"] == pytest.approx(30, rel=0.01)
    assert found["fewest examples"]["mean"] == pytest.approx(1500, rel=0.02)


def test_a_rate_is_chosen_by_the_mean_and_must_not_miss_the_target():
    rows = planted()
    assert best_rates(rows) == {4 << i: 0.2 for i in range(8)}
    missed = next(row for row in rows if row["batch"] == 8 and row["rate"] == 0.2)
    missed[UPDATES] = None
    assert best_rates(rows)[8] == 0.4
    for row in rows:
        row[UPDATES] = None if row["batch"] == 16 else row[UPDATES]
    assert 16 not in best_rates(rows)


def test_too_few_batches_for_a_fit_come_to_nothing():
    assert summary([]) == {}
    assert summary(planted(batches=3)) == {}


@pytest.mark.parametrize(
    ("name", "changes"),
    [("rate", {"rate": 0.0}), ("target", {"target": 0.0}), ("batch", {"batch": 0})],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name, changes):
    with pytest.raises(WrongSetting, match=f"^{name} is "):
        smoke(**changes)


def test_more_held_out_than_there_are_pictures_is_refused_by_name():
    with pytest.raises(WrongSetting, match="held_out is 5000"):
        trained(smoke(held_out=5000), POINT)


class Flat(nn.Linear):
    """Does not flatten its pictures."""

    def __init__(self, width):
        super().__init__(784, 10)


def test_a_model_that_cannot_train_is_refused_with_the_reason():
    check_model(SmallMLP, smoke())
    with pytest.raises(BrokenContract, match="the model fails"):
        check_model(Flat, smoke())
