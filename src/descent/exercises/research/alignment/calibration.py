"""How `calibration` is judged: texts sorted into drawers one after another."""

from __future__ import annotations

import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

Row = tuple[float, float, int]
calibration = Exercise("calibration", minutes=20, difficulty=2, returns=tuple[list[Row], float])


def _sorted_into(probabilities, labels, bins: int) -> tuple[list[Row], float]:
    drawers: dict[int, list[tuple[float, float]]] = {}
    for p, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        place = next(k for k in range(bins) if k == bins - 1 or p < (k + 1) / bins)
        drawers.setdefault(place, []).append((p, label))
    rows, error = [], 0.0
    for place in sorted(drawers):
        said = sum(p for p, _ in drawers[place]) / len(drawers[place])
        came = sum(label for _, label in drawers[place]) / len(drawers[place])
        rows.append((said, came, len(drawers[place])))
        error += abs(said - came) * len(drawers[place]) / len(probabilities)
    return rows, error


def _expect_table(answer, probabilities, labels, bins: int) -> None:
    rows, error = answer(probabilities, labels, bins)
    right_rows, right_error = _sorted_into(probabilities, labels, bins)
    expect(len(rows), "how many rows").equals(len(right_rows))
    if len(rows) == len(right_rows) and all(len(row) == 3 for row in rows):
        for k, name in enumerate(("what was said", "what came", "how many")):
            expect([float(row[k]) for row in rows], f"{name}, row by row").close_to(
                [row[k] for row in right_rows]
            )
    expect(error, "the calibration error").close_to(right_error, atol=1e-5)


def _texts(draw: Draw, n: int) -> tuple[Tensor, Tensor]:
    """Probabilities off all limits of bins, in double precision, and soft labels."""
    p = torch.tensor(draw.rng.uniform(0, 1, n)).double()
    labels = torch.tensor([draw.choice([0.0, 0.5, 1.0, 0.25]) for _ in range(n)]).double()
    return p, labels


@calibration.property("compares what was said with what came, bin by bin", trials=5)
def _(answer, draw: Draw) -> None:
    _expect_table(answer, *_texts(draw, 12 + 3 * draw.size), draw.choice([3, 4, 5]))


@calibration.property("has no row for an empty bin", trials=4)
def _(answer, draw: Draw) -> None:
    p = torch.tensor([0.07, 0.93, 0.11, 0.55, 0.97]).double()
    labels = torch.tensor([0.0, 1.0, 0.5, 0.25, 0.5]).double()
    _expect_table(answer, p, labels, 10)
    _expect_table(answer, *_texts(draw, draw.size), 12)


@calibration.property("puts limits into the upper bin, and 1 into the last", trials=1)
def _(answer, draw: Draw) -> None:
    p = torch.tensor([1.0, 0.0, 0.5, 0.25, 0.75, 0.375, 1.0]).double()
    labels = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.5, 1.0, 0.0]).double()
    _expect_table(answer, p, labels, 4)


@calibration.property("weighs the bins by how many texts they hold", trials=4)
def _(answer, draw: Draw) -> None:
    n = 8 + draw.size
    p = torch.cat([torch.tensor([0.9]), torch.full((n,), 0.2)]).double()
    labels = torch.cat([torch.tensor([0.0]), torch.full((n,), 0.25)]).double()
    order = torch.tensor(draw.rng.permutation(n + 1))
    _expect_table(answer, p[order], labels[order], 2)


@calibration.property("adds up distances, whichever way a bin is off", trials=2)
def _(answer, draw: Draw) -> None:
    p = torch.tensor([0.1, 0.9, 0.2, 0.8]).double()
    labels = torch.tensor([0.5, 0.5, 0.5, 0.5]).double()
    _expect_table(answer, p, labels, 2)


@calibration.property("is one row for one bin", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_table(answer, *_texts(draw, 5 + draw.size), 1)


@calibration.right
def right_table(probabilities, labels, bins):
    place = (probabilities * bins).long().clamp(max=bins - 1)
    rows, error = [], 0.0
    for k in range(bins):
        inside = place == k
        count = int(inside.sum())
        if count:
            said = probabilities[inside].mean().item()
            came = labels[inside].mean().item()
            rows.append((said, came, count))
            error += count / len(labels) * abs(said - came)
    return rows, error


_SLIPS = {
    "middles_of_bins": (
        "You took the middle of each bin for what was said. Take the mean of its probabilities.",
        {"probabilities[inside].mean().item()": "(k + 0.5) / bins"},
    ),
    "bins_weigh_the_same": (
        "You gave every bin the same weight. A bin counts by its share of the texts.",
        {"error += count / len(labels) * abs(said - came)": "error += abs(said - came) / bins"},
    ),
    "filled_bins_weigh_the_same": (
        "You averaged over the bins that are filled. A bin counts by its share of the texts.",
        {"return rows, error":
         "return rows, sum(abs(said - came) for said, came, _ in rows) / len(rows)"},
    ),
    "errors_cancel": (
        "You added differences with their signs: a bin too high and one too low cancel. Take "
        "distances.",
        {"abs(said - came)": "(said - came)"},
    ),
    "labels_rounded": (
        "You rounded the labels. Half-way labels count as they are.",
        {"labels[inside].mean()": "(labels[inside] > 0.5).double().mean()"},
    ),
    "half_counts_as_positive": (
        "You counted a neutral label as positive. It counts as ½.",
        {"labels[inside].mean()": "(labels[inside] >= 0.5).double().mean()"},
    ),
    "empty_rows": (
        "You gave rows of empty bins. Nothing is known there: leave them out.",
        {"if count:": "if True:", "probabilities[inside].mean().item()":
         "probabilities[inside].sum().item() / max(count, 1)",
         "labels[inside].mean().item()": "labels[inside].sum().item() / max(count, 1)"},
    ),
    "one_left_out": (
        "Probabilities of exactly 1 fall out of your bins. They belong to the last.",
        {".clamp(max=bins - 1)": ""},
    ),
    "limits_into_the_lower_bin": (
        "You put a probability on the limit of two bins into the lower one. It belongs to the "
        "upper.",
        {"(probabilities * bins).long()":
         "((probabilities * bins).ceil().long() - 1).clamp(min=0)"},
    ),
    "bins_of_equal_count": (
        "You made bins that hold equally many texts. These bins are equally wide.",
        {"(probabilities * bins).long()":
         "(probabilities.argsort().argsort() * bins // len(labels))"},
    ),
    "bins_rounded": (
        "You rounded to the nearest limit. A bin runs from one limit to the next: round down.",
        {"(probabilities * bins).long()": "(probabilities * bins).round().long()"},
    ),
    "said_and_came_exchanged": (
        "Your rows have the labels' mean first. What was said comes first.",
        {"(said, came, count)": "(came, said, count)"},
    ),
    "largest_error": (
        "You gave the error of the worst bin. The mean over texts is asked for.",
        {"return rows, error": "return rows, max(abs(said - came) for said, came, _ in rows)"},
    ),
    "error_of_each_text": (
        "You averaged the distance of each text from its label. A text labelled 1 with a "
        "probability of 0.8 is not wrong: the mean of a bin is compared.",
        {"return rows, error": "return rows, (probabilities - labels).abs().mean().item()"},
    ),
    "squared": (
        "You squared the differences. Take distances.",
        {"abs(said - came)": "(said - came) ** 2"},
    ),
    "error_not_divided": (
        "You weighed the bins by counts and did not divide by the number of texts.",
        {"count / len(labels) * abs": "count * abs"},
    ),
    "highest_first": (
        "Your rows run from the highest bin down. The lowest comes first.",
        {"return rows, error": "return rows[::-1], error"},
    ),
    "bins_between_extremes": (
        "Your bins lie between the smallest and the largest probability. They lie between 0 "
        "and 1.",
        {"(probabilities * bins)": "((probabilities - probabilities.min()) "
         "/ (probabilities.max() - probabilities.min() + 1e-12) * bins)"},
    ),
    "confidence_folded": (
        "You folded probabilities below ½ over to above. Bins run from 0 to 1: what was said "
        "is the probability itself.",
        {"    place = (":
         "    probabilities = torch.maximum(probabilities, 1 - probabilities)\n    place = ("},
    ),
    "root_mean_square": (
        "You took the root of the mean square. The mean distance is asked for.",
        {"return rows, error":
         "return rows, (sum(c * (s - m) ** 2 for s, m, c in rows) / len(labels)) ** 0.5"},
    ),
    "overall_difference": (
        "You compared the means over all texts. Then bins too high and too low cancel: "
        "compare bin by bin.",
        {"return rows, error":
         "return rows, abs(probabilities.mean() - labels.mean()).item()"},
    ),
    "shares_for_counts": (
        "Your rows have shares. How many texts is asked for.",
        {"(said, came, count)":
         "(said, came, count / len(labels))"},
    ),
    "limits_for_said": (
        "You gave the lower limit of the bin for what was said. Take the mean of its "
        "probabilities.",
        {"rows.append((said,":
         "rows.append((k / bins,"},
    ),
    "labels_added": (
        "You added the labels of a bin up. Take their mean.",
        {"labels[inside].mean()":
         "labels[inside].sum()"},
    ),
    "fewest_bins": (
        "You made one bin less than `bins`. So many limits, both ends counted, make one bin "
        "less: bins + 1 limits are needed.",
        {"(probabilities * bins).long().clamp(max=bins - 1)":
         "(probabilities * max(bins - 1, 1)).long().clamp(max=max(bins - 2, 0))"},
    ),
    "rows_rounded": (
        "You rounded the rows. Round when you print.",
        {"rows.append((said, came,":
         "rows.append((round(said, 2), round(came, 2),"},
    ),
    "fullest_first": (
        "Your rows are sorted by how many texts they hold. The lowest bin comes first.",
        {"return rows, error":
         "return sorted(rows, key=lambda row: -row[2]), error"},
    ),
    "zero_left_out": (
        "A probability of exactly 0 is in none of your bins. It belongs to the first.",
        {"inside = place == k":
         "inside = (place == k) & (probabilities > 0)"},
    ),
    "bins_between_the_smallest_and_the_largest": (
        "Your bins lie between the smallest and the largest probability. They lie between 0 "
        "and 1."
        " No data move their limits.",
        {"(probabilities * bins)":
         "((probabilities - probabilities.min()) / (probabilities.max() - "
         "probabilities.min()).clamp(min=1e-9) * bins)"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    calibration.slip(_name, _message, _edits)

calibration.hint("A probability p lies in bin number ⌊p · bins⌋. Which p has no bin then?")
calibration.hint("Of each bin: the mean of p, the mean of the labels, and how many there are.")
calibration.hint("0.1, 0.9, 0.2, 0.8 in two bins: means 0.15 and 0.85.", when="value")
