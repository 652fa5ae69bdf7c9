"""How `diagnose_embedding` is judged."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.exercises.studies import concludes
from descent.grading import Draw, Exercise, expect

diagnose_embedding = Exercise("diagnose_embedding", minutes=25, difficulty=3, returns=str)

CONCLUSIONS = ("not normalised", "collapsed", "mixed", "one direction", "healthy")


def _unit(z: Tensor) -> Tensor:
    return z / z.norm(dim=1, keepdim=True)


def _labels(draw: Draw) -> Tensor:
    """Three or four classes of unequal size, in any order."""
    sizes = [draw.integers(3, 6) for _ in range(3 + draw.integers(0, 2))]
    labels = torch.cat([torch.full((n,), 2 * k) for k, n in enumerate(sizes)])
    return labels[torch.tensor(draw.rng.permutation(len(labels)))]


def _classes(draw: Draw, labels: Tensor, noise: float) -> Tensor:
    """Each class round a direction of its own."""
    return _unit(torch.eye(8)[labels // 2] + noise * normals(draw, len(labels), 8))


def _concludes(answer, z: Tensor, labels: Tensor, right: str) -> None:
    """Turn the vectors first: which way the axes lie says nothing about an embedding."""
    d = z.shape[1]
    turn = torch.linalg.qr(torch.sin(1.7 * torch.arange(1.0, d * d + 1) ** 1.5).reshape(d, d)).Q
    z = z @ turn
    concludes(answer, z, labels, right=right, choices=CONCLUSIONS)


@diagnose_embedding.property(
    "finds nothing wrong with classes in directions of their own", trials=5
)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    _concludes(answer, _classes(draw, labels, 0.02), labels, "healthy")


@diagnose_embedding.property("finds nothing wrong where the gap is 0.3", trials=4)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    # Two parts: one of a vector's own, at right angles to all, and one of the class.
    n = len(labels)
    own = torch.cat([torch.zeros(n, 8), torch.eye(n)], dim=1) * 0.7**0.5
    shared = torch.nn.functional.pad(torch.eye(8)[labels // 2], (0, n)) * 0.3**0.5
    _concludes(answer, own + shared, labels, "healthy")


@diagnose_embedding.property("notices lengths other than 1 before all else", trials=5)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    z = _classes(draw, labels, 0.05) if draw.size % 2 else _unit(torch.ones(len(labels), 8))
    factor = draw.choice([1.015, 0.985, 4.0, 0.1])
    z[draw.integers(0, len(z))] *= factor
    _concludes(answer, z, labels, "not normalised")


@diagnose_embedding.property("notices that all vectors have the same wrong length", trials=2)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    _concludes(answer, 3.0 * _classes(draw, labels, 0.05), labels, "not normalised")


@diagnose_embedding.property("forgives lengths that are off by less than 0.01", trials=3)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    z = _classes(draw, labels, 0.02)
    z[0] *= draw.choice([1.006, 0.994])
    _concludes(answer, z, labels, "healthy")


@diagnose_embedding.property("notices that all went to one place", trials=4)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    z = _unit(torch.ones(len(labels), 8) + 0.06 * draw.size**-0.5 * normals(draw, len(labels), 8))
    _concludes(answer, z, labels, "collapsed")


@diagnose_embedding.property("does not call a narrow cone collapsed", trials=3)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    # Across classes the cosine is 0.7, within one it is 1.
    z = 0.7**0.5 * torch.eye(9)[8] + torch.nn.functional.pad(
        0.3**0.5 * torch.eye(8)[labels // 2], (0, 1)
    )
    _concludes(answer, z, labels, "healthy")


@diagnose_embedding.property("is not deceived by a cone with one large class in it", trials=2)
def _(answer, draw: Draw) -> None:
    labels = torch.tensor([0] * 10 + [1] + [2] * 2)
    shared, own = 0.78**0.5 * torch.eye(4)[3], 0.22**0.5 * torch.eye(4)[labels]
    _concludes(answer, shared + own, labels, "healthy")


@diagnose_embedding.property("notices that labels make no difference", trials=5)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    n = len(labels)
    shared = draw.choice([0.0, 0.1])
    z = torch.cat([(1 - shared) ** 0.5 * torch.eye(n), shared**0.5 * torch.eye(8)[labels // 2]], 1)
    _concludes(answer, z, labels, "mixed")


@diagnose_embedding.property(
    "calls mixed what is alike within a class and as alike across", trials=3
)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    n = len(labels)
    own = 0.3**0.5 * torch.eye(n)
    of_class, of_all = 0.1**0.5 * torch.eye(8)[labels // 2], 0.6**0.5 * torch.ones(n, 1)
    _concludes(answer, torch.cat([own, of_class, of_all], dim=1), labels, "mixed")


@diagnose_embedding.property("calls mixed what is more alike across classes than within", trials=2)
def _(answer, draw: Draw) -> None:
    _concludes(answer, torch.eye(4)[:3].repeat(3, 1), torch.arange(9) // 3, "mixed")


@diagnose_embedding.property("lets every pair count the same, in large classes and small", trials=2)
def _(answer, draw: Draw) -> None:
    # A scattered class of six has 30 pairs; two tight classes of two have 4.
    z = torch.eye(8)[[0, 1, 2, 3, 4, 5, 6, 6, 7, 7]]
    _concludes(answer, z, torch.tensor([0] * 6 + [1, 1, 2, 2]), "mixed")


@diagnose_embedding.property("calls mixed what lies on one line, but not by its labels", trials=3)
def _(answer, draw: Draw) -> None:
    direction = _unit(normals(draw, 1, 4) + 0.01)[0]
    z = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])[:, None] * direction
    _concludes(answer, z, torch.tensor([0, 0, 1, 1, 2, 2]), "mixed")


@diagnose_embedding.property("notices that all the spread is along one direction", trials=4)
def _(answer, draw: Draw) -> None:
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 1])
    # The classes stand along an arc so short that it is nearly a line.
    angles = torch.tensor([-0.55, 0.0, 0.55])[labels] + 0.01 * normals(draw, 7)
    offset = draw.choice([0.0, 0.4])
    z = torch.stack([angles.sin(), angles.cos(), torch.full((7,), offset)], dim=1)
    _concludes(answer, _unit(z), labels, "one direction")


@diagnose_embedding.property("notices a line that does not pass through 0", trials=2)
def _(answer, draw: Draw) -> None:
    labels = torch.tensor([0, 1, 0, 1, 0, 1, 1])
    ends = torch.tensor([0.6, -0.6])[labels]
    z = torch.stack([ends, torch.zeros(7), torch.full((7,), 0.8)], dim=1)
    _concludes(answer, z, labels, "one direction")


@diagnose_embedding.property("notices a line along an axis")
def _(answer, draw: Draw) -> None:
    labels = torch.tensor([0, 1, 0, 1, 0, 1, 1])
    ends = torch.tensor([0.6, -0.6])[labels]
    z = torch.stack([torch.zeros(7), torch.full((7,), 0.8), ends], dim=1)
    concludes(answer, z, labels, right="one direction", choices=CONCLUSIONS)


@diagnose_embedding.property("says the same whatever the order of the rows", trials=3)
def _(answer, draw: Draw) -> None:
    labels = _labels(draw)
    z = _classes(draw, labels, 0.02)
    turned = torch.tensor(draw.rng.permutation(len(z)))
    same = answer(z, labels) == answer(z[turned], labels[turned])
    expect(same, "whether both orders give the same conclusion").equals(True)


@diagnose_embedding.right
def right_diagnosis(z, labels):
    if ((z.norm(dim=1) - 1).abs() > 0.01).any():
        return "not normalised"
    same = labels[:, None] == labels
    others = ~torch.eye(len(z), dtype=torch.bool)
    similarity = z @ z.T
    within, across = similarity[same & others].mean(), similarity[~same].mean()
    if across > 0.9:
        return "collapsed"
    if within - across < 0.2:
        return "mixed"
    variances = torch.linalg.svdvals(z - z.mean(0)) ** 2
    if variances[0] > 0.9 * variances.sum():
        return "one direction"
    return "healthy"


_WITHIN = "similarity[same & others].mean()"

diagnose_embedding.slip(
    "itself_counted",
    "You counted each vector's similarity with itself, which is 1, among those within its class. "
    "In small classes that alone makes a gap: take the diagonal out.",
    {_WITHIN: "similarity[same].mean()"},
)
diagnose_embedding.slip(
    "mean_length",
    "You looked at the mean length. A single vector of length 4 among many is a fault as well: "
    "look at each.",
    {"((z.norm(dim=1) - 1).abs() > 0.01).any()": "(z.norm(dim=1).mean() - 1).abs() > 0.01"},
)
diagnose_embedding.slip(
    "only_too_long",
    "You notice vectors that are too long, and not those that are too short. Take the size of the "
    "difference from 1.",
    {".abs() > 0.01": " > 0.01"},
)
diagnose_embedding.slip(
    "mixed_before_collapsed",
    "You ask for the gap first. Where all vectors are in one place the gap is 0 as well, but the "
    "cause is the collapse: keep to the order of the table.",
    {"across > 0.9": "within - across >= 0.2 and across > 0.9"},
)
diagnose_embedding.slip(
    "within_for_across",
    "You take a high similarity *within* the classes for a collapse. That is what the loss is "
    "for; a collapse shows in the similarity across classes.",
    {"across > 0.9": "within > 0.9"},
)
diagnose_embedding.slip(
    "all_pairs_for_collapse",
    "You took the gap for the similarity within classes. What counts is how much more similar "
    "vectors of one class are than vectors of two.",
    {"within - across < 0.2": "within < 0.2"},
)
diagnose_embedding.slip(
    "not_centred",
    "You did not take the mean off before the singular values. In a cone the mean is the first "
    "direction, however well the classes lie round it.",
    {"z - z.mean(0)": "z"},
)
diagnose_embedding.slip(
    "not_squared",
    "You compared singular values. Variances are their squares.",
    {"svdvals(z - z.mean(0)) ** 2": "svdvals(z - z.mean(0))"},
)
diagnose_embedding.slip(
    "lengths_ignored",
    "You did not look at the lengths. With vectors of other lengths a dot product is no cosine, "
    "and nothing that follows means what it says.",
    {"((z.norm(dim=1) - 1).abs() > 0.01).any()": "False"},
)
diagnose_embedding.slip(
    "one_direction_forgotten",
    "You never look at the directions. Classes may be apart and yet all lie along one line.",
    {"variances[0] > 0.9 * variances.sum()": "False"},
)
diagnose_embedding.slip(
    "direction_before_labels",
    "You asked for the directions before the labels. Where labels make no difference the answer "
    'is "mixed", also on one line: keep to the order of the table.',
    {
        "within - across < 0.2": "torch.linalg.svdvals(z - z.mean(0))[0] ** 2 <= "
        "0.9 * (z - z.mean(0)).square().sum() and within - across < 0.2"
    },
)
diagnose_embedding.slip(
    "one_axis",
    "You looked at the variance along single coordinates. A direction may lie aslant to all of "
    "them: take the singular values of the centred vectors.",
    {"torch.linalg.svdvals(z - z.mean(0)) ** 2": "z.var(0).sort(descending=True).values"},
)
diagnose_embedding.slip(
    "size_of_the_gap",
    "You took the size of within − across. Where vectors of different labels are *more* alike, "
    "the gap is negative, and that is mixed.",
    {"within - across < 0.2": "(within - across).abs() < 0.2"},
)
diagnose_embedding.slip(
    "mean_of_class_means",
    "You averaged within each class and then over the classes. All pairs count the same: a class "
    "of six has many more of them than a class of two.",
    {
        _WITHIN: (
            "torch.stack([similarity[same & others & (labels == k)[:, None]].mean() for k in "
            "labels.unique() if (labels == k).sum() > 1]).mean()"
        )
    },
)
diagnose_embedding.slip(
    "squared_lengths",
    "You compared squared lengths with 1: they are off by twice as much. Take the root.",
    {"z.norm(dim=1) - 1": "z.square().sum(1) - 1"},
)
diagnose_embedding.slip(
    "ratio_of_similarities",
    "You divided within by across. The table asks for their difference; a ratio means nothing "
    "where across is near 0 or negative.",
    {"within - across < 0.2": "within / across < 1.2"},
)
diagnose_embedding.slip(
    "centred_by_class",
    "You took off the mean of each class. One mean, that of all vectors, is taken off: how the "
    "classes lie is what counts.",
    {"z - z.mean(0)": "z - torch.stack([z[labels == k].mean(0) for k in labels])"},
)
diagnose_embedding.slip(
    "every_pair_for_across",
    "You took the mean over all pairs for the collapse. Pairs of the same label are meant to be "
    "alike: take those with different labels.",
    {"across > 0.9": "similarity[others].mean() > 0.9"},
)
diagnose_embedding.slip(
    "first_against_the_rest",
    "You compared the first variance with 0.9 of the others. It is compared with 0.9 of them "
    "all, itself among them.",
    {"0.9 * variances.sum()": "0.9 * variances[1:].sum()"},
)

diagnose_embedding.slip(
    "every_pair_across",
    "You took the mean over all pairs for “across”. Pairs with the same label do not belong "
    "there: take those with different labels.",
    {"similarity[~same].mean()": "similarity[others].mean()"},
)


for _line, _other in (
    (
        "if ((z.norm(dim=1) - 1).abs() > 0.01).any():",
        "if ((z.norm(dim=1) - 1).abs() >= 0.01).any():",
    ),
    ("if across > 0.9:", "if across >= 0.9:"),
    ("if within - across < 0.2:", "if within - across <= 0.2:"),
    (
        "return 'one direction' if variances[0] > 0.9 * variances.sum() else 'healthy'",
        "return 'one direction' if variances[0] >= 0.9 * variances.sum() else 'healthy'",
    ),
):
    diagnose_embedding.equivalent(
        f"`{_line}` → `{_other}`",
        because="sums of rounded numbers do not lie exactly on a limit",
    )


diagnose_embedding.hint("Go down the table of the page row by row; the first that applies is it.")
diagnose_embedding.hint("Two masks on z @ z.T: same label but not itself, and different label.")
diagnose_embedding.hint(
    "`torch.linalg.svdvals` of the centred z, squared, are proportional to variances."
)
diagnose_embedding.hint(
    "Is the similarity of a vector with itself among those that you average?", when="value"
)
