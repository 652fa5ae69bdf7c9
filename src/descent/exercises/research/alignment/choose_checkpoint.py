"""How `choose_checkpoint` is judged: the rules of the page, applied one after another."""

from __future__ import annotations

from typing import Any

from descent.grading import Draw, Exercise, expect

choose_checkpoint = Exercise("choose_checkpoint", minutes=20, difficulty=2, returns=int | None)

Checkpoint = dict[str, Any]


def _by_the_rules(checkpoints: list[Checkpoint], limit: float, fewest: float) -> int | None:
    allowed: list[Checkpoint] = []
    for checkpoint in sorted(checkpoints, key=lambda c: c["step"]):
        if checkpoint["kl"] > limit:
            break
        if checkpoint["distinct"] >= fewest and checkpoint["held_out"] is not None:
            allowed.append(checkpoint)
    if not allowed:
        return None
    top = max(c["held_out"] for c in allowed)
    best = [c for c in allowed if c["held_out"] == top]
    return min(best, key=lambda c: (c["kl"], c["step"]))["step"]


def _run(draw: Draw, count: int) -> list[Checkpoint]:
    """A run whose KL rises, with a proxy that rises and a held-out reward that turns."""
    kls = draw.rng.uniform(0.0, 1.0, count).cumsum() * 12 / max(count, 2)
    turn = draw.uniform(2.0, 14.0)
    rows = []
    for k, kl in enumerate(kls):
        rows.append({
            "step": 5 * k + 10 * (k > 3), "kl": round(float(kl), 2),
            "proxy": round(0.3 * k + draw.uniform(0, 0.1), 2),
            "held_out": round(float(1 - (kl - turn) ** 2 / 90) + draw.uniform(-0.05, 0.05), 3),
            "distinct": round(max(0.05, 1.0 - kl / 20 + draw.uniform(-0.03, 0.03)), 2),
        })  # fmt: skip
    return [rows[i] for i in draw.rng.permutation(count)]


def _expect_choice(answer, rows: list[Checkpoint], limit: float = 10.0, fewest: float = 0.5):
    right = _by_the_rules(rows, limit, fewest)
    expect(answer(rows, limit, fewest), "the step chosen").equals(right)


@choose_checkpoint.property("is the best on held-out labels, within both limits", trials=7)
def _(answer, draw: Draw) -> None:
    _expect_choice(answer, _run(draw, draw.size + 3), draw.choice([4.0, 7.0, 10.0]))


def _rows(*values) -> list[Checkpoint]:
    names = ("step", "kl", "proxy", "held_out", "distinct")
    return [dict(zip(names, row, strict=True)) for row in values]


@choose_checkpoint.property("is not what the proxy likes best", trials=2)
def _(answer, draw: Draw) -> None:
    rows = _rows((0, 0.0, 0.0, 0.1, 0.99), (20, 3.0, 0.8, 0.62, 0.95), (40, 7.5, 2.1, 0.48, 0.8))
    _expect_choice(answer, [rows[i] for i in draw.rng.permutation(3)])


@choose_checkpoint.property("holds to the share of distinct samples", trials=3)
def _(answer, draw: Draw) -> None:
    rows = _rows(
        (0, 0.0, 0.0, 0.1, 0.99), (8, 2.0, 0.5, 0.4, 0.5), (16, 5.0, 1.2, 0.9, 0.12),
        (24, 6.0, 1.1, 0.35, 0.81), (100, 9.0, 1.4, 0.7, 0.49),
    )  # fmt: skip
    order = draw.rng.permutation(5)
    _expect_choice(answer, [rows[i] for i in order])
    _expect_choice(answer, [rows[i] for i in order], fewest=0.1)
    _expect_choice(answer, [rows[i] for i in order], fewest=0.6)


@choose_checkpoint.property("does not go back to a checkpoint after the limit was passed", trials=3)
def _(answer, draw: Draw) -> None:
    rows = _rows(
        (0, 0.0, 0.0, 0.1, 0.99), (5, 6.0, 0.7, 0.5, 0.9), (10, 11.0, 1.9, 0.6, 0.8),
        (15, 9.5, 1.8, 0.8, 0.8), (100, 9.0, 1.9, 0.95, 0.9),
    )  # fmt: skip
    _expect_choice(answer, [rows[i] for i in draw.rng.permutation(5)])
    # Where the limit is passed, nothing was measured, or too few lines were different.
    for passes in ((10, 11.0, 1.9, None, 0.8), (10, 11.0, 1.9, 0.6, 0.2)):
        rows = _rows((0, 0.0, 0.0, 0.1, 0.99), (5, 6.0, 0.7, 0.5, 0.9), passes,
                     (15, 9.5, 1.8, 0.8, 0.8))  # fmt: skip
        _expect_choice(answer, [rows[i] for i in draw.rng.permutation(4)])


@choose_checkpoint.property("may lie exactly on both limits", trials=2)
def _(answer, draw: Draw) -> None:
    rows = _rows((0, 0.0, 0.0, 0.1, 0.99), (5, 10.0, 0.7, 0.9, 0.5), (10, 10.5, 1.9, 1.0, 0.8))
    _expect_choice(answer, [rows[i] for i in draw.rng.permutation(3)])


@choose_checkpoint.property("of equally good ones is the nearest, then the earliest", trials=3)
def _(answer, draw: Draw) -> None:
    rows = _rows(
        (0, 0.0, 0.0, -0.3, 0.9), (30, 4.0, 0.7, 0.5, 0.9), (9, 6.0, 0.9, 0.5, 0.95),
        (20, 4.0, 1.9, 0.5, 0.7),
    )  # fmt: skip
    _expect_choice(answer, [rows[i] for i in draw.rng.permutation(4)])
    rows = _rows(
        (0, 0.0, 0.0, -0.3, 0.9), (9, 5.0, 0.9, 0.5, 0.9), (20, 4.0, 1.9, 0.5, 0.7),
        (40, 6.0, 2.7, 0.5, 0.99),
    )  # fmt: skip
    _expect_choice(answer, [rows[i] for i in draw.rng.permutation(4)])
    rows = _rows((0, 0.01, 0.0, 0.5, 0.9), (5, -0.03, 0.9, 0.5, 0.9), (9, 0.4, 1.1, 0.3, 0.9))
    _expect_choice(answer, [rows[i] for i in draw.rng.permutation(3)])


@choose_checkpoint.property("takes the limit for nats", trials=2)
def _(answer, draw: Draw) -> None:
    rows = _rows(
        (0, 0.0, 0.0, 0.1, 0.9), (5, 1.8, 0.9, 0.3, 0.9), (10, 3.1, 0.9, 0.5, 0.9),
        (15, 5.2, 0.9, 0.7, 0.9),
    )  # fmt: skip
    _expect_choice(answer, [rows[i] for i in draw.rng.permutation(4)], limit=2.0)


@choose_checkpoint.property("is none where none is allowed, and passes over what is not measured")
def _(answer, draw: Draw) -> None:
    _expect_choice(answer, [])
    _expect_choice(answer, _rows((0, 0.0, 0.0, 0.1, 0.2), (5, 1.0, 0.7, 0.5, 0.3)))
    _expect_choice(answer, _rows((0, 12.0, 0.0, 0.1, 0.9), (7, 2.0, 0.7, 0.5, 0.9)))
    _expect_choice(answer, _rows((0, 0.0, 0.0, -0.4, 0.9), (5, 1.0, 0.7, None, 0.9)))
    _expect_choice(answer, _rows((0, 0.0, 0.0, -0.4, 0.9), (5, -0.02, 0.7, -0.5, 0.9)))
    _expect_choice(answer, _rows((0, 0.0, 0.0, -0.4, 0.9), (5, 1.0, 0.7, 0.0, 0.9)))
    _expect_choice(answer, _rows((0, 0.0, 0.0, -0.4, 0.9), (5, -0.02, 0.7, 0.3, 0.9)))
    _expect_choice(answer, _rows((0, -0.3, 0.0, 0.1, 0.9), (5, 0.1, 0.7, 0.2, 0.9)), limit=0.2)


@choose_checkpoint.right
def right_choice(checkpoints, limit, fewest_distinct):
    rows = sorted(checkpoints, key=lambda c: c["step"])
    allowed = []
    for row in rows:
        if row["kl"] > limit:
            break
        if row["distinct"] >= fewest_distinct and row["held_out"] is not None:
            allowed.append(row)
    if not allowed:
        return None
    best = min(allowed, key=lambda c: (-c["held_out"], c["kl"], c["step"]))
    return best["step"]


_IF = 'row["distinct"] >= fewest_distinct and row["held_out"] is not None'
_SLIPS = {
    "best_proxy": (
        "You chose by the proxy, which is what was trained. It rises when the held-out reward "
        "has "
        "long turned: choose by `held_out`.",
        {'-c["held_out"]': '-c["proxy"]'},
    ),
    "limit_ignored": (
        "You chose a checkpoint from beyond the KL's limit.",
        {'if row["kl"] > limit:\n            break': "if False:\n            break"},
    ),
    "goes_back": (
        "You took a checkpoint after the limit had been passed. Training stops there: later "
        "ones "
        "do not exist in an honest run.",
        {"            break\n": "            continue\n"},
    ),
    "listed_order": (
        "You went through the list as it came. It is in any order: go by `step`.",
        {'sorted(checkpoints, key=lambda c: c["step"])': "checkpoints"},
    ),
    "distinct_ignored": (
        "You did not look at the distinct samples: a policy that says one good sentence for "
        "ever "
        "would win.",
        {_IF: 'row["held_out"] is not None'},
    ),
    "distinct_excluded_at_the_limit": (
        "You left out a checkpoint with exactly the fewest distinct samples. It is allowed.",
        {'row["distinct"] >= fewest': 'row["distinct"] > fewest'},
    ),
    "limit_excluded": (
        "You left out a checkpoint at exactly the limit. It is allowed.",
        {'row["kl"] > limit': 'row["kl"] >= limit'},
    ),
    "last_allowed": (
        "You took the last checkpoint within the limits. The best one on held-out labels is "
        "asked "
        "for.",
        {'min(allowed, key=lambda c: (-c["held_out"], c["kl"], c["step"]))': "allowed[-1]"},
    ),
    "worst": (
        "You took the lowest held-out reward.",
        {'(-c["held_out"]': '(c["held_out"]'},
    ),
    "ties_farthest": (
        "Of equally good checkpoints you took one farther from the start. The nearest has "
        "changed "
        "least: it is preferred.",
        {'c["kl"], c["step"]': '-c["kl"], c["step"]'},
    ),
    "ties_by_step": (
        "Of equally good checkpoints you took the earliest. The nearest to the start comes "
        "first; "
        "the step settles equal distances.",
        {'c["kl"], c["step"]': 'c["step"]'},
    ),
    "ties_latest": (
        "Of equally good checkpoints at equal distance you took a later one. The earliest is "
        "asked "
        "for.",
        {'c["kl"], c["step"]': 'c["kl"], -c["step"]'},
    ),
    "falls_back": (
        "Where no checkpoint was allowed you chose one all the same. None says that there is "
        "none.",
        {"if not allowed:\n        return None":
         "if not allowed:\n        allowed = [r for r in rows if r['held_out'] is not None]\n"
         "    if not allowed:\n        return None"},
    ),
    "unmeasured_as_zero": (
        "You took a checkpoint that was not measured for one with reward 0. Pass over it.",
        {_IF: 'row["distinct"] >= fewest_distinct', '(-c["held_out"]': '(-(c["held_out"] or 0.0)'},
    ),
    "distinct_stops": (
        "You stopped at the first checkpoint with too few distinct samples. Only the KL's limit "
        "stops the training.",
        {'if row["kl"] > limit:': 'if row["kl"] > limit or row["distinct"] < fewest_distinct:'},
    ),
    "place_in_the_list": (
        "You gave a place in the list. The step of the checkpoint is asked for.",
        {'return best["step"]': "return rows.index(best)"},
    ),
    "root_of_the_kl": (
        "You compared √KL with the limit, which is in nats.",
        {'row["kl"] > limit': 'row["kl"] > limit**2'},
    ),
    "reward_minus_kl": (
        "You took the KL from the held-out reward. Within the limit the held-out reward decides.",
        {'-c["held_out"]': '-c["held_out"] + 0.05 * c["kl"]'},
    ),
    "most_distinct": (
        "You chose by the share of distinct samples. It is a condition; the held-out reward "
        "decides.",
        {'-c["held_out"]': '-c["distinct"]'},
    ),
    "size_of_the_kl": (
        "You compared the KL's size with the limit. A KL a little below 0 is chance, and not "
        "above it.",
        {'row["kl"] > limit':
         'abs(row["kl"]) > limit'},
    ),
    "negative_kl_refused": (
        "You left out a checkpoint with a KL below 0. A mean over samples may be, by chance, "
        "near the start.",
        {'row["distinct"] >= fewest_distinct and':
         'row["kl"] >= 0 and row["distinct"] >= fewest_distinct and'},
    ),
    "zero_as_unmeasured": (
        "You took a held-out reward of 0 for one that was not measured. Only None is.",
        {'row["held_out"] is not None':
         'row["held_out"]'},
    ),
    "negative_left_out": (
        "You left out checkpoints whose held-out reward is 0 or less. The best of those "
        "allowed is asked for, whatever its sign.",
        {'row["held_out"] is not None':
         'row["held_out"] is not None and row["held_out"] > 0'},
    ),
    "first_beyond_allowed": (
        "You allowed the first checkpoint above the limit. It is out, as are those after it.",
        {'        if row["kl"] > limit:\n            break\n        if row["distinct"] >= '
         'fewest_distinct and row["held_out"] is not None:\n            allowed.append(row)\n':
         '        if row["distinct"] >= fewest_distinct and row["held_out"] is not None:\n     '
         '       allowed.append(row)\n        if row["kl"] > limit:\n            break\n'},
    ),
    "whole_checkpoint": (
        "You gave the whole checkpoint. Its step is asked for.",
        {'return best["step"]':
         "return best"},
    ),
    "zero_for_none": (
        "Where no checkpoint is allowed you gave step 0. That is a checkpoint: None says that "
        "there is none.",
        {"return None":
         "return 0"},
    ),
    "stops_without_any": (
        "Where no checkpoint is allowed your code stopped with an error. Give None.",
        {"    if not allowed:\n        return None\n":
         ""},
    ),
    "nearest": (
        "You took the checkpoint nearest to the start. The highest held-out reward decides "
        "first.",
        {'(-c["held_out"], c["kl"], c["step"])':
         '(c["kl"], -c["held_out"])'},
    ),
    "ties_by_proxy": (
        "Of equally good checkpoints you took the one that the proxy likes best. The nearest "
        "to the start is asked for.",
        {'(-c["held_out"], c["kl"], c["step"])':
         '(-c["held_out"], -c["proxy"])'},
    ),
    "proxy_added": (
        "You added the proxy to the held-out reward. The proxy is what was trained, and has "
        "no say.",
        {'-c["held_out"]':
         '-c["held_out"] - c["proxy"]'},
    ),
    "ties_as_listed": (
        "Of equally good checkpoints you took the first in the list. The nearest to the start "
        "is asked for.",
        {'(-c["held_out"], c["kl"], c["step"])':
         '(-c["held_out"], checkpoints.index(c))'},
    ),
    "rounded": (
        "You rounded the held-out rewards before comparing them.",
        {'-c["held_out"]':
         '-round(c["held_out"], 1)'},
    ),
    "smallest_gap": (
        "You took the smallest gap between proxy and held-out reward. The highest held-out "
        "reward is asked for.",
        {'(-c["held_out"], c["kl"], c["step"])':
         '(c["proxy"] - c["held_out"], c["kl"], c["step"])'},
    ),
    "limit_after_the_others": (
        "You looked for the limit among the checkpoints that keep the other rules. It is "
        "passed by any checkpoint, also one that was not measured or says too few different "
        "lines.",
        {"        if row[\"kl\"] > limit:\n            break\n        if row[\"distinct\"] "
         ">= fewest_distinct and row[\"held_out\"] is not None:\n            "
         "allowed.append(row)\n":
         "        if row[\"distinct\"] < fewest_distinct or row[\"held_out\"] is "
         "None:\n            continue\n        if row[\"kl\"] > limit:\n            "
         "break\n        allowed.append(row)\n"},
    ),
    "ties_by_size_of_the_kl": (
        "Of equally good checkpoints you took the one whose KL is nearest to 0. The smallest "
        "KL is asked for, and one below 0 is smaller.",
        {"c[\"kl\"], c[\"step\"]":
         "abs(c[\"kl\"]), c[\"step\"]"},
    ),
    "step_zero_is_false": (
        "Step 0 came back as None. 0 is false in Python, and a checkpoint like any other: "
        "ask with `is None`.",
        {"return best[\"step\"]":
         "return best[\"step\"] or None"},
    ),
    "place_in_the_given_list": (
        "You gave a place in the list. The step of the checkpoint is asked for."
        " The list is in any order, besides.",
        {"return best[\"step\"]":
         "return checkpoints.index(best)"},
    ),
    "ties_the_last": (
        "Of equally good checkpoints you took the latest. The nearest to the start comes "
        "first; the step settles equal distances, the earliest before others.",
        {"min(allowed, key=lambda c: (-c[\"held_out\"], c[\"kl\"], c[\"step\"]))":
         "max(allowed, key=lambda c: (c[\"held_out\"], c[\"step\"]))"},
    ),
    "largest_of_none": (
        "Where no checkpoint is allowed your code stopped with an error. Give None."
        " Nothing has no largest.",
        {"    if not allowed:\n        return None\n":
         "",
         "min(allowed, key=lambda c: (-c[\"held_out\"], c[\"kl\"], c[\"step\"]))":
         "max(allowed, key=lambda c: (c[\"held_out\"], -c[\"kl\"], -c[\"step\"]))"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    choose_checkpoint.slip(_name, _message, _edits)

choose_checkpoint.hint("In the order of the steps: which checkpoints would an honest run have?")
choose_checkpoint.hint("Conditions first, then the choice, then the ties.")
choose_checkpoint.hint("`min` with a tuple as key settles ties by the next entry.", when="value")
