"""How `ablation_effects` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals, token_tensor
from descent.grading import Draw, Exercise, expect

ablation_effects = Exercise(
    "ablation_effects", minutes=25, difficulty=2, returns=tuple[Tensor, Tensor]
)


class _Rest:
    """The rest of a network: each channel's mean, bent, then a linear layer."""

    def __init__(self, draw: Draw, channels: int, classes: int) -> None:
        self.weight = normals(draw, channels, classes, scale=1.5) + 0.05

    def __call__(self, maps):
        return (maps.mean(dim=(2, 3)) + 0.3 * maps[:, :, 0, 0].square()) @ self.weight

    def __repr__(self) -> str:
        return "the rest of a network: maps → logits"


def _loss(rest, maps, labels) -> float:
    logits = rest(torch.tensor(maps).float()).double().numpy()
    total = 0.0
    for row, label in zip(logits, labels.tolist(), strict=True):
        total += math.log(np.exp(row - row[label]).sum())
    return total / len(logits)


def _by_hand(rest, maps, labels, reference) -> tuple[np.ndarray, np.ndarray]:
    whole, other = maps.double().numpy(), reference.double().numpy()
    plain = _loss(rest, whole, labels)
    zero, mean = np.zeros(whole.shape[1]), np.zeros(whole.shape[1])
    for c in range(whole.shape[1]):
        cut = whole.copy()
        cut[:, c] = 0.0
        zero[c] = _loss(rest, cut, labels) - plain
        cut[:, c] = sum(other[:, c].reshape(-1)) / other[:, c].size
        mean[c] = _loss(rest, cut, labels) - plain
    return zero, mean


def _case(draw: Draw, channels: int | None = None):
    channels = channels or 2 + draw.size % 4
    rest = _Rest(draw, channels, 4)
    n = 2 + draw.size % 6
    maps = abs(normals(draw, n, channels, 2, 3)) + 0.5
    reference = abs(normals(draw, n + 3, channels, 2, 3)) + torch.arange(float(channels)).reshape(
        1, -1, 1, 1
    )
    return rest, maps, token_tensor(draw, 4, n), reference


def _expect_effects(answer, rest, maps, labels, reference) -> None:
    zero, mean = _by_hand(rest, maps, labels, reference)
    found = answer(rest, maps, labels, reference)
    expect(found[0], "the effects of zeros").close_to(zero, rtol=1e-3, atol=1e-4)
    expect(found[1], "the effects of means").close_to(mean, rtol=1e-3, atol=1e-4)


@ablation_effects.property("is how much the mean loss rises, by each way of cutting", trials=6)
def _(answer, draw: Draw) -> None:
    _expect_effects(answer, *_case(draw))


@ablation_effects.property("is below 0 for a channel that does harm", trials=2)
def _(answer, draw: Draw) -> None:
    rest, maps, _, reference = _case(draw, 3)
    rest.weight[1] = torch.tensor([0.0, 0.0, 0.0, 3.0])
    _expect_effects(answer, rest, maps, torch.zeros(len(maps), dtype=torch.long), reference)


@ablation_effects.property("is 0 by means for a channel that never changes, and not by zeros")
def _(answer, draw: Draw) -> None:
    rest, maps, labels, reference = _case(draw, 3)
    maps[:, 0], reference[:, 0] = 2.0, 2.0
    _expect_effects(answer, rest, maps, labels, reference)


@ablation_effects.property("works for one picture and one channel", trials=2)
def _(answer, draw: Draw) -> None:
    rest, maps, labels, reference = _case(draw, 1)
    _expect_effects(answer, rest, maps[:1], labels[:1], reference)


@ablation_effects.property("asks for the given labels, also where the network is wrong", trials=3)
def _(answer, draw: Draw) -> None:
    rest, maps, _, reference = _case(draw)
    _expect_effects(answer, rest, maps, rest(maps).argmin(dim=1), reference)


@ablation_effects.right
def right_effects(rest, maps, labels, reference):
    def loss(values):
        return torch.nn.functional.cross_entropy(rest(values), labels)

    means = reference.mean(dim=(0, 2, 3))
    effects = torch.zeros(2, maps.shape[1])
    for c in range(maps.shape[1]):
        for way, level in enumerate((0.0, means[c])):
            cut = maps.clone()
            cut[:, c] = level
            effects[way, c] = loss(cut) - loss(maps)
    return effects[0], effects[1]


ablation_effects.slip(
    "effects_turned_round",
    "Your effects have the wrong sign: a channel that helps makes the loss *rise* when it is off.",
    {"loss(cut) - loss(maps)": "loss(maps) - loss(cut)"},
)
ablation_effects.slip(
    "loss_alone",
    "You returned the loss with a channel off. The effect is how much it rises: take off the loss "
    "of the untouched network.",
    {"loss(cut) - loss(maps)": "loss(cut)"},
)
ablation_effects.slip(
    "never_put_back",
    "You never put a channel back: each effect is that of all channels up to this one. Begin from "
    "the untouched maps every time.",
    {
        "    for c in range": "    cuts = [maps.clone(), maps.clone()]\n    for c in range",
        "cut = maps.clone()": "cut = cuts[way]",
    },
)
ablation_effects.slip(
    "zeros_for_both",
    "You set the channel to 0 both times. Zero may be a value that never occurs; the mean of the "
    "reference is the second way.",
    {"(0.0, means[c])": "(0.0, 0.0)"},
)
ablation_effects.slip(
    "means_for_both",
    "You set the channel to its mean both times. The first result is for zeros.",
    {"(0.0, means[c])": "(means[c], means[c])"},
)
ablation_effects.slip(
    "exchanged",
    "Your two results are exchanged: zeros come first.",
    {"return effects[0], effects[1]": "return effects[1], effects[0]"},
)
ablation_effects.slip(
    "mean_of_the_same_pictures",
    "You took the mean from the pictures that are judged. It comes from the reference pictures.",
    {"reference.mean(": "maps.mean("},
)
ablation_effects.slip(
    "mean_at_every_place",
    "You kept a mean for every place. That leaves the channel's usual pattern in: one number, over "
    "pictures and places.",
    {"reference.mean(dim=(0, 2, 3))": "reference.mean(dim=0)"},
)
ablation_effects.slip(
    "mean_of_all_channels",
    "You took one mean over all channels. Each channel has its own.",
    {
        "reference.mean(dim=(0, 2, 3))": "reference.mean().expand(maps.shape[1])",
    },
)
ablation_effects.slip(
    "median",
    "You took the median of the reference. The mean is asked for.",
    {
        "reference.mean(dim=(0, 2, 3))": (
            "reference.transpose(0, 1).flatten(1).median(dim=1).values"
        )
    },
)
ablation_effects.slip(
    "summed_over_pictures",
    "You added the loss up over the pictures. It is a mean.",
    {"rest(values), labels": 'rest(values), labels, reduction="sum"'},
)
ablation_effects.slip(
    "own_predictions",
    "You asked for what the network predicts, and not for the labels.",
    {"rest(values), labels": "rest(values), rest(maps).argmax(dim=1)"},
)
ablation_effects.slip(
    "share_of_errors",
    "You counted wrong predictions. The mean cross-entropy is asked for: it moves before a "
    "prediction does.",
    {
        "torch.nn.functional.cross_entropy(rest(values), labels)": (
            "(rest(values).argmax(dim=1) != labels).float().mean()"
        )
    },
)
ablation_effects.slip(
    "sizes_of_effects",
    "You took the size of the effects. A channel that does harm has an effect below 0.",
    {"return effects[0], effects[1]": "return effects[0].abs(), effects[1].abs()"},
)
ablation_effects.slip(
    "relative_rise",
    "You divided the rise by the loss. It is asked for in nats.",
    {"loss(cut) - loss(maps)": "loss(cut) / loss(maps) - 1"},
)
ablation_effects.slip(
    "one_place_alone",
    "You cut one place of the channel. All its places are to be set.",
    {"cut[:, c] = level": "cut[:, c, 0, 0] = level"},
)
ablation_effects.slip(
    "everything_else_off",
    "You cut every channel *but* this one.",
    {"cut[:, c] = level": ("cut[:, [i for i in range(maps.shape[1]) if i != c]] = level")},
)

ablation_effects.slip(
    "cut_in_place",
    "You cut the maps that you were given, and never put them back: each effect is that of all "
    "channels up to this one, and the caller's maps are spoilt. Cut a copy each time.",
    {
        "    effects = ": "    untouched = loss(maps)\n    effects = ",
        "cut = maps.clone()": "cut = maps",
        "loss(cut) - loss(maps)": "loss(cut) - untouched",
    },
)
ablation_effects.slip(
    "falls_left_out",
    "Where the loss falls you return 0. A channel that does harm has an effect below 0: leave it.",
    {"return effects[0], effects[1]": ("return effects[0].clamp(min=0), effects[1].clamp(min=0)")},
)
ablation_effects.slip(
    "kept_alone",
    "You cut every channel *but* this one, to 0 or to its own mean.",
    {
        "            cut[:, c] = level\n": (
            "            cut = cut * 0 + way * means[None, :, None, None]\n"
            "            cut[:, c] = maps[:, c]\n"
        )
    },
)
ablation_effects.slip(
    "first_place_for_the_mean",
    "You averaged over the pictures at one place of each map. The mean is over all places too.",
    {"reference.mean(dim=(0, 2, 3))": "reference[:, :, 0, 0].mean(dim=0)"},
)
ablation_effects.slip(
    "in_bits",
    "Your effects are in bits. They are asked for in nats, as `cross_entropy` gives them.",
    {
        "return effects[0], effects[1]": (
            "return effects[0] / math.log(2), effects[1] / math.log(2)"
        )
    },
)
ablation_effects.slip(
    "a_picture_for_a_channel",
    "You cut the number `c` of axis 0, a picture and not a channel. Channels are axis 1.",
    {"cut[:, c] = level": "cut[c % len(cut)] = level"},
)

ablation_effects.equivalent(
    "`means = reference.mean(dim=(0, 2, 3))` → `means = reference.mean(dim=(2, 0, 3))`",
    because="a mean over axes does not depend on their order",
)

ablation_effects.hint("A copy of the maps, one channel set, the loss, less the untouched loss.")
ablation_effects.hint("`reference.mean(dim=(0, 2, 3))` has one number a channel.")
ablation_effects.hint("Does each channel begin from the untouched maps?", when="value")
