"""What mnist_scaling trains and comes to: grid, rates, operations, frontier and exponents."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from descent.data.mnist import OFFLINE_SOURCE, mnist
from descent.models.scaling_cnn import ScalingCNN
from descent.runs.definition.catalogue import RUNS
from descent.runs.definition.contract import BrokenContract
from descent.runs.definition.profiles import profile_names, settings_of
from descent.runs.mnist_scaling import FLOPS, LOSS, frontier, points, summary
from descent.runs.mnist_scaling.sizes import forward_flops, parameters
from descent.runs.mnist_scaling.task import (
    check_model,
    groups,
    load,
    measure,
    operations,
    train_point,
)
from descent.training.settings import WrongSetting

RUN = RUNS["mnist_scaling"]


def smoke(**changes):
    return settings_of(RUN, "smoke", changes)


def trained(settings, values, model=None):
    return train_point(settings, values, load(settings, "cpu"), model)


def test_every_profile_s_settings_are_whole():
    for name in profile_names(RUN):
        assert points(settings_of(RUN, name))
    assert {"smoke", "cpu", "gpu", "slurm"} == set(profile_names(RUN))


def test_widths_grow_by_the_root_of_two_and_sets_shrink_by_half():
    values = [point.values for point in points(settings_of(RUN, "cpu"))]
    assert sorted({each["width"] for each in values}) == [2, 3, 4, 6, 8, 11, 16, 23]
    assert sorted({each["pictures"] for each in values}) == [1562, 3125, 6250, 12500, 25000, 50000]
    assert {each["dropout"] for each in values} == {0.0, 0.2}
    assert len(values) == 8 * 6 * 2 * 3 == len({tuple(each.values()) for each in values})
    assert {each.values["dropout"] for each in points(smoke(dropout=0.0))} == {0.0}


@pytest.mark.parametrize("width", [1, 2, 5, 16])
def test_sizes_are_those_of_the_network(width):
    network = ScalingCNN(width)
    assert parameters(width) == sum(weight.numel() for weight in network.parameters())
    assert operations(network, torch.zeros(1, 1, 14, 14)) == forward_flops(width)


def test_each_layer_s_rate_goes_with_the_root_of_its_fan_in():
    rates = [group["lr"] for group in groups(ScalingCNN(8), 0.3)]
    assert rates == pytest.approx([0.3 / math.sqrt(fan) for fan in (9, 72, 144)])
    network = nn.Sequential(nn.Linear(16, 4), nn.LayerNorm(4))
    assert [group["lr"] for group in groups(network, 1.0)] == [0.25, 0.25]


def test_a_training_is_the_same_whenever_it_is_made_and_learns():
    settings = smoke(width=8, batch_size=16)
    point = points(settings)[0].values
    torch.manual_seed(5)
    first = trained(settings, point)
    torch.manual_seed(6)
    assert trained(settings, point) == first
    assert first[LOSS] < math.log(10) - 0.3
    assert first[FLOPS] == 3 * forward_flops(point["width"]) * point["pictures"]
    other = trained(settings, {**point, "seed": 1})
    assert other[LOSS] != first[LOSS]
    assert trained(settings, {**point, "dropout": 0.2})[LOSS] != first[LOSS]


class Spy(ScalingCNN):
    """Keeps what it is trained on."""

    seen: list[torch.Tensor] = []  # noqa: RUF012

    def forward(self, pictures):
        if self.training:
            Spy.seen.append(pictures)
        return super().forward(pictures)


def seen(settings, **values):
    Spy.seen = []
    trained(settings, {"width": 2, "dropout": 0.0, "seed": 0, **values}, Spy)
    return torch.cat(Spy.seen)


def test_a_smaller_set_is_the_beginning_of_a_larger_one_and_the_held_out_are_in_none():
    assert mnist("train").source == OFFLINE_SOURCE
    settings = smoke(pictures=1024, held_out=400)
    large, small = seen(settings, pictures=1024), seen(settings, pictures=512)
    assert len(large) == 1024 and torch.equal(large[:512], small)
    pictures, _ = load(settings, "cpu")
    assert pictures.shape == (1437, 1, 14, 14)
    kept = {picture.numpy().tobytes() for picture in pictures[:-400]}
    assert all(picture.numpy().tobytes() in kept for picture in large)
    assert len({picture.numpy().tobytes() for picture in large}) > 1000
    assert not torch.equal(seen(settings, pictures=512, seed=1), small)


def test_measuring_is_of_all_pictures():
    network = ScalingCNN(2, 0.2)
    pictures, labels = load(smoke(), "cpu")
    loss, accuracy = measure(network, pictures, labels)
    with torch.no_grad():
        logits = network.eval()(pictures)
    assert loss == pytest.approx(nn.functional.cross_entropy(logits, labels).item(), abs=1e-5)
    assert accuracy == (logits.argmax(1) == labels).double().mean().item()


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("halvings", {"halvings": 5}),
        ("width", {"width": 0}),
        ("dropout", {"dropout": 1.0}),
        ("digits", {"digits": "some"}),
        ("held_out", {"held_out": 0}),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(name, changes):
    with pytest.raises(WrongSetting, match=f"^{name} is "):
        smoke(**changes)


def test_more_pictures_than_there_are_are_refused_by_name():
    settings = smoke(pictures=1200)
    with pytest.raises(WrongSetting, match="pictures is 1200, and there are 1037"):
        trained(settings, points(settings)[0].values)


def planted(exponent, size, seeds=3):
    """A study whose best width at a compute C has C ** size parameters and a loss C ** exponent."""
    rows = []
    for seed in range(seeds):
        for flops in (1e6, 4e6, 1e8, 3e9):
            best = {"parameters": flops**size, LOSS: (1 + seed) * flops**exponent}
            worse = {"parameters": 7.0, LOSS: 1.1 * best[LOSS]}
            for numbers in (worse, best):
                rows.append({"dropout": 0.0, "seed": seed, FLOPS: flops,
                             "validation accuracy": 0.9, **numbers})  # fmt: skip
    return rows


def test_the_summary_finds_the_exponents_of_a_planted_law():
    found = summary(planted(-0.3, 0.4))
    loss = found["dropout 0.0, exponent of the loss against compute"]
    assert (loss["mean"], loss["n"]) == (pytest.approx(-0.3), 3)
    assert loss["std"] == pytest.approx(0, abs=1e-9)
    size = found["dropout 0.0, exponent of the best size against compute"]
    assert size["mean"] == pytest.approx(0.4)
    assert summary([]) == {}
    part = summary(planted(-0.3, 0.4)[:1])  # under way: no frontier yet
    assert part == {f"dropout 0.0, {LOSS}": pytest.approx(1.1 * 1e6**-0.3),
                    "dropout 0.0, validation accuracy": 0.9}  # fmt: skip


def test_the_frontier_is_what_nothing_as_cheap_beats():
    rows = [{FLOPS: flops, LOSS: loss} for flops, loss in
            ((1, 3.0), (1, 2.0), (2, 2.5), (4, 2.0), (8, 1.0))]  # fmt: skip
    assert [(row[FLOPS], row[LOSS]) for row in frontier(rows[::-1])] == [(1, 2.0), (8, 1.0)]


class NineClasses(ScalingCNN):
    def forward(self, pictures):
        return super().forward(pictures)[:, :9]


class OtherArguments(nn.Module):
    def __init__(self, config):
        super().__init__()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (dict, "dict is not a class that derives"),
        (NineClasses, r"shape \(4, 9\).*needs \(4, 10\)"),
        (OtherArguments, "OtherArguments.* cannot be made: TypeError"),
    ],
)
def test_a_model_that_cannot_train_is_refused_with_the_reason(model, reason):
    with pytest.raises(BrokenContract, match=reason):
        check_model(model, smoke())


def test_a_model_that_keeps_the_contract_is_taken():
    check_model(ScalingCNN, smoke())
