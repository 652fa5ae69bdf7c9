"""How `match_features` is judged: by trying every way to pair them."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

match_features = Exercise("match_features", minutes=25, difficulty=2, returns=list)


def _by_hand(found, true, least: float) -> list[tuple[int, int, float]]:
    rows, wanted = found.double().numpy(), true.double().numpy()
    alive = [k for k in range(len(rows)) if np.linalg.norm(rows[k]) >= 1e-6]

    def cosine(i: int, k: int) -> float:
        lengths = np.linalg.norm(wanted[i]) * np.linalg.norm(rows[k])
        return float(wanted[i] @ rows[k] / lengths)

    pairs = min(len(wanted), len(alive))
    best, total = [], -np.inf
    for chosen in itertools.combinations(range(len(wanted)), pairs):
        for order in itertools.permutations(alive, pairs):
            here = [(i, k, cosine(i, k)) for i, k in zip(chosen, order, strict=True)]
            if sum(c for *_, c in here) > total:
                best, total = here, sum(c for *_, c in here)
    return [pair for pair in best if pair[2] >= least]


def _expect_pairs(answer, found, true, least: float) -> None:
    wanted, given = _by_hand(found, true, least), answer(found, true, least)
    pairs = [(i, k) for i, k, _ in wanted]
    is_list = all(isinstance(pair, tuple) and len(pair) == 3 for pair in given)
    expect(is_list, "whether each entry is a tuple of three").equals(True)
    if not is_list:
        return
    expect([(int(i), int(k)) for i, k, _ in given], "the pairs (true, found)").equals(pairs)
    if len(given) == len(wanted):
        expect(np.array([float(c) for *_, c in given]), "their cosines").close_to(
            np.array([c for *_, c in wanted]), rtol=1e-3, atol=1e-4
        )


@match_features.property("pairs them so that the cosines add up to most", trials=7)
def _(answer, draw: Draw) -> None:
    true = normals(draw, 2 + draw.size % 3, 3) + 0.05
    found = draw.choice([0.3, 2.5]) * (normals(draw, 4 + draw.size % 2, 3) + 0.05)
    _expect_pairs(answer, found, true, -1.0)


@match_features.property("uses no found feature twice, though it is the best for two", trials=2)
def _(answer, draw: Draw) -> None:
    true = torch.tensor([[1.0, 0.05, 0.0], [1.0, -0.1, 0.1]])
    found = torch.tensor([[1.0, 0.0, 0.02], [0.7, 0.0, 0.9], [0.0, 1.0, 0.0]])
    _expect_pairs(answer, found, true, -1.0)


@match_features.property("does not take the best pair first, where that costs more later", trials=1)
def _(answer, draw: Draw) -> None:
    angle = torch.deg2rad(torch.tensor([0.0, 40.0]))
    true = torch.stack([angle.cos(), angle.sin()], dim=1)
    angle = torch.deg2rad(torch.tensor([20.0, -75.0]) + 0.4 * draw.size)
    _expect_pairs(answer, torch.stack([angle.cos(), angle.sin()], dim=1), true, -1.0)


@match_features.property("leaves out dead features, of length 0 or nearly", trials=3)
def _(answer, draw: Draw) -> None:
    true, found = normals(draw, 4, 3) + 0.05, normals(draw, 4, 3) + 0.05
    found[1], found[3] = 0.0, 1e-9
    _expect_pairs(answer, found, true, -1.0)


@match_features.property("does not take the opposite direction for the same", trials=3)
def _(answer, draw: Draw) -> None:
    true = normals(draw, 3, 4) + 0.05
    found = torch.cat([-true, 0.5 * true + 0.8 * normals(draw, 3, 4)])
    _expect_pairs(answer, found, true, -1.0)
    _expect_pairs(answer, -true[:1], true[:1], 0.9)


@match_features.property("drops pairs below the least cosine, after pairing", trials=4)
def _(answer, draw: Draw) -> None:
    true = torch.eye(4)[:3] + 0.05 * normals(draw, 3, 4)
    found = true[[2, 0, 1]] + torch.tensor([0.02, 0.3, 1.4])[:, None] * (normals(draw, 3, 4) + 0.1)
    _expect_pairs(answer, found, true, 0.9)
    _expect_pairs(answer, found, true, 0.5)


@match_features.property("keeps a cosine that is exactly the least", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_pairs(answer, 2 * torch.eye(3)[[1, 0]], torch.eye(3)[:2], 1.0)


@match_features.property("does not let the least cosine decide who is paired with whom", trials=2)
def _(answer, draw: Draw) -> None:
    # The best pairing has one pair below 0.9; another pairing, with a smaller sum, has none.
    true = torch.tensor([[1.0, 0.0, 0.0], [0.904, 0.135, -0.405]])
    found = torch.tensor([[0.99, 0.139, 0.0], [0.9135, 0.4057, 0.0284]])
    order = torch.tensor(draw.rng.permutation(2))
    _expect_pairs(answer, draw.choice([0.5, 2.0]) * found[order], true, 0.9)


@match_features.property("works for one feature, more true than found, and none alive", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_pairs(answer, normals(draw, 1, 3) + 0.1, normals(draw, 1, 3) + 0.1, -1.0)
    _expect_pairs(answer, normals(draw, 2, 3) + 0.1, normals(draw, 4, 3) + 0.1, -1.0)
    _expect_pairs(answer, torch.zeros(2, 3), normals(draw, 2, 3) + 0.1, -1.0)


@match_features.right
def right_pairs(found, true, least):
    from scipy.optimize import linear_sum_assignment

    alive = (found.norm(dim=1) >= 1e-6).nonzero()[:, 0]
    there = found[alive] / found[alive].norm(dim=1, keepdim=True)
    cosines = (true / true.norm(dim=1, keepdim=True)) @ there.T
    rows, columns = linear_sum_assignment(-cosines.detach().numpy())
    pairs = [
        (int(i), int(alive[k]), float(cosines[i, k])) for i, k in zip(rows, columns, strict=True)
    ]
    return [pair for pair in pairs if pair[2] >= least]


_ASSIGN = "rows, columns = linear_sum_assignment(-cosines.detach().numpy())"

match_features.slip(
    "nearest_for_each",
    "You gave every true feature its nearest found one. One found feature is then counted for two: "
    "each may be used once.",
    {
        _ASSIGN: (
            "rows = range(len(true)) if len(alive) else []\n"
            "    columns = cosines.argmax(dim=1).tolist() if len(alive) else []"
        )
    },
)
match_features.slip(
    "best_pair_first",
    "You took the best pair, then the best of what was left. That may cost more later: find the "
    "pairs whose cosines add up to most.",
    {
        _ASSIGN: (
            "left, chosen = cosines.detach().clone(), []\n"
            "    for _ in range(min(left.shape)):\n"
            "        i, k = divmod(int(left.argmax()), left.shape[1])\n"
            "        chosen.append((i, k))\n"
            "        left[i], left[:, k] = -9, -9\n"
            "    rows, columns = zip(*sorted(chosen)) if chosen else ((), ())"
        )
    },
)
match_features.slip(
    "in_turn",
    "You gave each true feature in turn the best that was left. The first ones take what the later "
    "ones need.",
    {
        _ASSIGN: (
            "left, chosen = cosines.detach().clone(), []\n"
            "    for i in range(min(left.shape)):\n"
            "        chosen.append((i, int(left[i].argmax())))\n"
            "        left[:, chosen[-1][1]] = -9\n"
            "    rows, columns = zip(*chosen) if chosen else ((), ())"
        )
    },
)
match_features.slip(
    "size_of_the_cosine",
    "You took the size of the cosine. A feature that points the other way is another "
    "one: codes are "
    "never negative.",
    {
        "linear_sum_assignment(-cosines.detach().numpy())": (
            "linear_sum_assignment(-cosines.detach().abs().numpy())"
        )
    },
)
match_features.slip(
    "dot_products",
    "You compared dot products, so long features win. Divide both sides by their lengths.",
    {
        "found[alive] / found[alive].norm(dim=1, keepdim=True)": "found[alive]",
    },
)
match_features.slip(
    "true_not_normalised",
    "You did not divide the true features by their lengths.",
    {"(true / true.norm(dim=1, keepdim=True))": "true"},
)
match_features.slip(
    "worst_pairs",
    "You found the pairs whose cosines add up to the least: the assignment looks for the smallest "
    "sum unless it is told otherwise.",
    {"(-cosines": "(cosines"},
)
match_features.slip(
    "distances",
    "You compared distances. A found feature of another length is as good a match: use cosines.",
    {"(-cosines.detach().numpy())": "(torch.cdist(true, found[alive]).detach().numpy())"},
)
match_features.slip(
    "dead_kept",
    "You kept dead features. Their direction is noise, or 0 divided by 0.",
    {
        ">= 1e-6": ">= 0.0",
        "found[alive].norm(dim=1, keepdim=True)": (
            "found[alive].norm(dim=1, keepdim=True).clamp(min=1e-12)"
        ),
    },
)
match_features.slip(
    "numbers_among_the_living",
    "You numbered the found features after taking out the dead ones. The numbers asked for are "
    "rows of `found`.",
    {"int(alive[k])": "int(k)"},
)
match_features.slip(
    "dropped_before_pairing",
    "You forbade pairs below the least cosine before pairing. Pair first, then drop: otherwise the "
    "limit decides who is paired with whom.",
    {
        "(-cosines.detach().numpy())": (
            "(-torch.where(cosines >= least, cosines, -5.0).detach().numpy())"
        )
    },
)
match_features.slip(
    "nothing_dropped",
    "You keep pairs below the least cosine. Those are features that were not found.",
    {"[pair for pair in pairs if pair[2] >= least]": "pairs"},
)
match_features.slip(
    "found_first",
    "Your pairs have the found feature first. The true one comes first.",
    {"(int(i), int(alive[k]), ": "(int(alive[k]), int(i), "},
)
match_features.slip(
    "sorted_by_cosine",
    "You sorted the pairs by their cosine. They come in the order of the true features.",
    {
        "return [pair for pair in pairs if": (
            "pairs = sorted(pairs, key=lambda pair: -pair[2])\n"
            "    return [pair for pair in pairs if"
        )
    },
)

match_features.slip(
    "at_the_least_dropped",
    "You dropped a pair whose cosine is exactly the least. From there on it counts as found.",
    {"if pair[2] >= least": "if pair[2] > least"},
)
match_features.slip(
    "opposite_counts_as_found",
    "You took the size of the cosine when you dropped pairs. The opposite direction, with a cosine "
    "near −1, is another feature.",
    {"if pair[2] >= least": "if abs(pair[2]) >= least"},
)
match_features.slip(
    "sizes_of_all_cosines",
    "You took the size of all cosines. A feature that points the other way is another one: codes "
    "are never negative.",
    {"@ there.T\n": "@ there.T\n    cosines = cosines.abs()\n"},
)
match_features.slip(
    "neither_normalised",
    "You compared dot products of both as they are, so long features win. Divide both sides by "
    "their lengths.",
    {
        "found[alive] / found[alive].norm(dim=1, keepdim=True)": "found[alive]",
        "(true / true.norm(dim=1, keepdim=True))": "true",
    },
)
match_features.slip(
    "nearest_for_each_found",
    "You gave every found feature its nearest true one. One true feature is then found several "
    "times: each may be used once.",
    {
        _ASSIGN: (
            "nearest = cosines.argmax(dim=0).tolist()\n"
            "    columns = sorted(range(len(nearest)), key=lambda k: (nearest[k], k))\n"
            "    rows = [nearest[k] for k in columns]"
        )
    },
)
match_features.slip(
    "only_zeros_are_dead",
    "You left out rows of length 0 alone. One of 1e-9 is dead as well: its direction is noise.",
    {">= 1e-6": "> 0.0"},
)

_ALIVE = "alive = (found.norm(dim=1) {}).nonzero()[:, {}]"
for _test, _column in (("> 1e-06", "0"), (">= 2e-06", "0"), (">= 1e-06", "-1")):
    match_features.equivalent(
        f"`{_ALIVE.format('>= 1e-06', '0')}` → `{_ALIVE.format(_test, _column)}`",
        because="no length lies so near the limit, and of one column the first is the last",
    )
_COSINES = "cosines = F.normalize({}) @ F.normalize({}).T"
for _true, _found in (("true", "found[alive], dim=1"), ("true, dim=1", "found[alive]")):
    match_features.equivalent(
        f"`{_COSINES.format('true, dim=1', 'found[alive], dim=1')}` → "
        f"`{_COSINES.format(_true, _found)}`",
        because="axis 1 is what it takes anyway",
    )
_PAIRS = "pairs = [(int(i), int(alive[k]), float(cosines[i, k])) for i, k in zip(rows, columns{})]"
for _other in ("", ", strict=False"):
    match_features.equivalent(
        f"`{_PAIRS.format(', strict=True')}` → `{_PAIRS.format(_other)}`",
        because="an assignment has as many rows as columns",
    )

match_features.hint("All cosines at once: both sides divided by their lengths, then a product.")
match_features.hint("`scipy.optimize.linear_sum_assignment` finds the pairing of lowest cost.")
match_features.hint("It minimises: what do you hand it?")
match_features.hint("Which number does a found feature have, dead ones counted?", when="value")
