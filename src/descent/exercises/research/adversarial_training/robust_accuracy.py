"""How `robust_accuracy` is judged: example by example, beside Wilson's interval solved for."""

from __future__ import annotations

import math

import torch
from scipy.optimize import brentq

from descent.exercises.studies import refuses
from descent.grading import Draw, Exercise, expect

robust_accuracy = Exercise(
    "robust_accuracy",
    minutes=20,
    difficulty=2,
    seconds=6.0,
    returns=tuple[float, float, float, int],
)

Z = 1.96


def _end(share: float, n: int, side: int) -> float:
    """Where the share lies 1.96 deviations of the end away from the end."""

    def away(p: float) -> float:
        return side * (p - share) - Z * math.sqrt(p * (1 - p) / n)

    if side < 0:
        return 0.0 if share == 0 else brentq(away, 1e-12, share - 1e-9)
    return 1.0 if share == 1 else brentq(away, share + 1e-9, 1 - 1e-12)


def _expected(clean, attacked) -> tuple[float, float, float, int]:
    n = len(clean)
    held = sum(
        bool(clean[i]) and all(bool(attacked[r, i]) for r in range(len(attacked))) for i in range(n)
    )
    share = held / n
    return share, _end(share, n, -1), _end(share, n, +1), n


def _judge(answer, clean, attacked) -> None:
    found, expected = answer(clean, attacked), _expected(clean, attacked)
    expect(found[0], "the robust accuracy").close_to(expected[0], atol=1e-5)
    expect(found[1], "the lower end").close_to(expected[1], rtol=1e-3, atol=1e-4)
    expect(found[2], "the upper end").close_to(expected[2], rtol=1e-3, atol=1e-4)
    expect(found[3], "the number of examples").equals(expected[3])


def _right(draw: Draw, rate: float, *shape: int):
    return torch.tensor(draw.rng.uniform(size=shape) < rate)


@robust_accuracy.property("counts an example only where every restart fails to break it", trials=6)
def _(answer, draw: Draw) -> None:
    n, restarts = 4 + 3 * draw.size, draw.integers(2, 6)
    _judge(answer, _right(draw, 0.9, n), _right(draw, 0.8, restarts, n))


@robust_accuracy.property("counts what was wrong before the attack as broken", trials=4)
def _(answer, draw: Draw) -> None:
    n = 6 + 4 * draw.size
    _judge(answer, _right(draw, 0.5, n), torch.ones(2, n, dtype=torch.bool))


@robust_accuracy.property("of the page's four pictures and three restarts is 1 in 4")
def _(answer, draw: Draw) -> None:
    attacked = torch.tensor([[1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 1, 1]]).bool()
    clean = torch.tensor([True, True, True, False])
    _judge(answer, clean, attacked)
    expect(answer(clean, attacked)[0], "the robust accuracy").close_to(0.25)


@robust_accuracy.property("is the same in whatever order the restarts come", trials=3)
def _(answer, draw: Draw) -> None:
    n = 5 + draw.size
    clean, attacked = _right(draw, 0.95, n), _right(draw, 0.7, 4, n)
    order = torch.tensor(draw.rng.permutation(4))
    expect(answer(clean, attacked), "the four numbers").close_to(answer(clean, attacked[order]))


@robust_accuracy.property("knows little from few examples, also where all or none hold", trials=2)
def _(answer, draw: Draw) -> None:
    for n in (1, 3, 20 + draw.size):
        for value in (True, False):
            _judge(answer, torch.full((n,), True), torch.full((2, n), value))


@robust_accuracy.property("takes a single restart, and 1000 examples", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, _right(draw, 0.99, 1000), _right(draw, 0.9, 1, 1000))


@robust_accuracy.property("refuses to report without examples, or without an attack")
def _(answer, draw: Draw) -> None:
    none = torch.zeros(0, dtype=torch.bool)
    refuses(answer, none, none.reshape(3, 0), because="no examples")
    clean = torch.ones(draw.size + 1, dtype=torch.bool)
    refuses(answer, clean, clean[None][:0], because="no restart")


@robust_accuracy.right
def right_accuracy(clean, attacked):
    restarts, n = attacked.shape
    if n == 0 or restarts == 0:
        raise ValueError("no examples, or no attack")
    held = clean & attacked.all(dim=0)
    share = held.double().mean().item()
    z = 1.96
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    return share, middle - half, middle + half, n


_HELD = "held = clean & attacked.all(dim=0)"
_MIDDLE = "(share + z**2 / (2 * n)) / (1 + z**2 / n)"

robust_accuracy.slip(
    "best_batch",
    "You took the restart with the lowest accuracy. An attacker chooses for *each* example the "
    "restart that breaks it: the worst of each example is lower than the best of the batches.",
    {_HELD: "held = (clean & attacked)[(clean & attacked).sum(dim=1).argmin()]"},
)
robust_accuracy.slip(
    "mean_of_restarts",
    "You averaged over the restarts. A picture that one restart in ten breaks is broken: the "
    "attacker stops at the first success.",
    {_HELD: "held = (clean & attacked).double().mean(dim=0)"},
)
robust_accuracy.slip(
    "any_restart_holds",
    "You count an example as soon as one restart fails to break it. All of them must fail.",
    {_HELD: "held = clean & attacked.any(dim=0)"},
)
robust_accuracy.slip(
    "clean_ignored",
    "You did not look at the unattacked picture. What is wrong without an attack is no robust "
    "example, even if an attack by chance puts it right.",
    {_HELD: "held = attacked.all(dim=0)"},
)
robust_accuracy.slip(
    "among_clean",
    "You divided by the examples that are right without an attack. Robust accuracy is a share of "
    "all examples; what you have is one minus the attack's success rate.",
    {
        "share = held.double().mean().item()": (
            "share = held.sum().item() / max(int(clean.sum()), 1)"
        )
    },
)
robust_accuracy.slip(
    "last_restart",
    "You looked at the last restart alone.",
    {_HELD: "held = clean & attacked[-1]"},
)
robust_accuracy.slip(
    "first_restart",
    "You looked at the first restart alone.",
    {_HELD: "held = clean & attacked[0]"},
)
robust_accuracy.slip(
    "restarts_as_examples",
    "Your interval counts every restart as an example of its own. Ten attacks on one picture are "
    "no ten pictures: the interval is too narrow.",
    {
        "    z = 1.96\n": "    z, n = 1.96, n * restarts\n",
        "middle + half, n": "middle + half, len(clean)",
    },
)
robust_accuracy.slip(
    "number_of_tries",
    "You reported the number of attacks instead of that of examples.",
    {"middle + half, n": "middle + half, n * restarts"},
)
robust_accuracy.slip(
    "plain_interval",
    "You took share ± 1.96 √(share (1 − share)/n). Where all hold, its width is 0: take Wilson's.",
    {
        _MIDDLE: "share",
        "z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5": (
            "z * (share * (1 - share) / n) ** 0.5"
        ),
    },
)
robust_accuracy.slip(
    "middle_not_moved",
    "Wilson's half-width goes round a middle that lies nearer to one half than the share does.",
    {_MIDDLE: "share"},
)
robust_accuracy.slip(
    "one_deviation",
    "Your interval is one deviation wide to either side. 95 % need 1.96.",
    {"z = 1.96": "z = 1.0"},
)
robust_accuracy.slip(
    "broken_share",
    "You return the share that was broken. Robust accuracy is the share that held.",
    {"share = held.double().mean().item()": "share = 1 - held.double().mean().item()"},
)
robust_accuracy.slip(
    "no_refusal",
    "Without examples or without an attack there is nothing to report: raise a ValueError.",
    {
        "if n == 0 or restarts == 0:": "if n == 0 and restarts == 0:",
        "share = held": "n = max(n, 1)\n    share = held",
    },
)
robust_accuracy.slip(
    "no_attack_no_refusal",
    "Without a single restart nobody attacked, and everything looks robust: raise a ValueError.",
    {"if n == 0 or restarts == 0:": "if n == 0:"},
)

robust_accuracy.slip(
    "best_batch_alone",
    "You took the restart with the lowest accuracy, and did not look at the unattacked pictures. "
    "An "
    "attacker chooses for *each* example the restart that breaks it, and what was wrong before "
    "counts as broken.",
    {_HELD: "held = attacked[attacked.sum(dim=1).argmin()]"},
)
robust_accuracy.slip(
    "wrong_before_withstands",
    "You count what was wrong before the attack as withstanding it. It is no robust example: it "
    "counts as broken.",
    {_HELD: "held = (attacked | ~clean).all(dim=0)"},
)
robust_accuracy.slip(
    "clean_examples_alone",
    "You looked only at the examples that are right without an attack, and report their number. "
    "The share is one of all n examples.",
    {
        _HELD: "held = attacked[:, clean].all(dim=0)\n    n = max(int(clean.sum()), 1)",
        "held.double().mean().item()": "held.sum().item() / n",
    },
)
robust_accuracy.slip(
    "number_of_restarts",
    "You reported the number of restarts instead of that of examples.",
    {"middle + half, n": "middle + half, restarts"},
)
robust_accuracy.slip(
    "number_that_held",
    "You reported how many held. The last number is that of all examples.",
    {"middle + half, n": "middle + half, int(held.sum())"},
)
robust_accuracy.slip(
    "number_of_clean",
    "You reported how many are right without an attack. The last number is that of all examples.",
    {"middle + half, n": "middle + half, int(clean.sum())"},
)
robust_accuracy.slip(
    "tries_for_examples",
    "You count every restart as an example of its own, in the interval and in the number. Ten "
    "attacks on one picture are no ten pictures.",
    {"    z = 1.96\n": "    z, n = 1.96, n * restarts\n"},
)
robust_accuracy.slip(
    "two_deviations", "You took z = 2. The page says 1.96.", {"z = 1.96": "z = 2.0"}
)
robust_accuracy.slip(
    "ninety_per_cent",
    "You took the z of a 90 % interval. 95 % need 1.96.",
    {"z = 1.96": "z = 1.645"},
)
robust_accuracy.slip(
    "per_cent",
    "You return per cent. A share lies between 0 and 1.",
    {
        "return share, middle - half, middle + half, n": (
            "return 100 * share, 100 * (middle - half), 100 * (middle + half), n"
        )
    },
)
robust_accuracy.slip(
    "middle_not_divided",
    "You did not divide Wilson's middle by 1 + z²/n.",
    {_MIDDLE: "(share + z**2 / (2 * n))"},
)
robust_accuracy.slip(
    "half_width_not_divided",
    "You did not divide Wilson's half-width by 1 + z²/n.",
    {"z / (1 + z**2 / n) *": "z *"},
)
robust_accuracy.slip(
    "nothing_under_the_root",
    "You left z²/4n² out of the root. Where all hold, only this is left of the half-width.",
    {" + z**2 / (4 * n**2)) ** 0.5": ") ** 0.5"},
)
robust_accuracy.slip(
    "n_not_squared",
    "You did not square n: under the root stands z²/4n².",
    {"(4 * n**2)": "(4 * n)"},
)
robust_accuracy.slip(
    "n_minus_one",
    "You divided share · (1 − share) by n − 1. Wilson's interval divides by n.",
    {"share * (1 - share) / n": "share * (1 - share) / max(n - 1, 1)"},
)
robust_accuracy.slip(
    "middle_and_half",
    "You return the interval's middle and half-width. Asked for are its lower and its upper end.",
    {"middle - half, middle + half": "middle, half"},
)
robust_accuracy.slip(
    "share_and_half",
    "Your ends lie as far from the share as Wilson's from their middle, and are cut at 0 and 1. "
    "The middle is not the share.",
    {"middle - half, middle + half": "max(share - half, 0.0), min(share + half, 1.0)"},
)
robust_accuracy.slip(
    "ends_exchanged",
    "You return the upper end before the lower.",
    {"middle - half, middle + half": "middle + half, middle - half"},
)
robust_accuracy.slip(
    "no_examples_no_refusal",
    "Without examples you raise no ValueError.",
    {
        "if n == 0 or restarts == 0:": "if restarts == 0:",
        "share = held": "n = max(n, 1)\n    share = held",
    },
)

robust_accuracy.hint("For each example: was it right before, and right under every restart?")
robust_accuracy.hint(
    "`attacked.all(dim=0)` goes over the restarts. Wilson's interval stands above."
)
robust_accuracy.hint(
    "In the page's table each restart breaks at most one. How many examples hold against all "
    "three?",
    when="value",
)
