"""How `smallest_perturbation` is judged: beside thresholds that the grader knows."""

from __future__ import annotations

import math

import torch

from descent.grading import Draw, Exercise, expect

smallest_perturbation = Exercise(
    "smallest_perturbation", minutes=25, difficulty=3, seconds=6.0, returns=torch.Tensor
)


class _Attack:
    """Breaks each example from its own threshold on; notes what it was asked."""

    def __init__(self, thresholds: torch.Tensor) -> None:
        self.thresholds = thresholds
        self.asked: list[torch.Tensor] = []

    def __deepcopy__(self, memo: dict) -> _Attack:
        return self  # what the answer asked is looked at afterwards

    def __call__(self, epsilon: torch.Tensor) -> torch.Tensor:
        self.asked.append(epsilon.detach().clone())
        return epsilon >= self.thresholds

    def __repr__(self) -> str:
        return f"an attack that breaks from {[round(t, 3) for t in self.thresholds.tolist()]} on"


def _judge(answer, thresholds, highest: float, tolerance: float) -> None:
    attack = _Attack(torch.as_tensor(thresholds, dtype=torch.float32))
    found = answer(attack, len(attack.thresholds), highest, tolerance)
    expect(found, "the smallest perturbations").has_shape(len(attack.thresholds))
    if tuple(found.shape) != tuple(attack.thresholds.shape):
        return
    for i, (value, true) in enumerate(zip(found.tolist(), attack.thresholds.tolist(), strict=True)):
        if true <= 0:
            expect(value, "of an example that breaks unattacked").equals(0.0)
        elif true > highest:
            expect(value, "of an example that holds to the highest").equals(math.inf)
        else:
            name = f"of an example that breaks from {true:.4f} on"
            expect(value >= true - 1e-6, "whether the example breaks at what came back").is_true(
                f"It holds at the ε that came back: it breaks from {true:.5g} on."
            )
            expect(value <= true + tolerance * 1.001 + 1e-6, "whether it is near enough").is_true(
                f"It is further above the smallest ε, {true:.5g}, than the tolerance of "
                f"{tolerance:g}."
            )
            expect(value, name).is_between(true - 1e-6, true + tolerance * 1.001 + 1e-6)
            tried = [float(e[i]) for e in attack.asked if e.shape == found.shape]
            nearest = min((abs(value - e) for e in tried), default=math.inf)
            expect(nearest, f"how far {name[3:]} it is from an ε that was tried").is_below(1e-5)
    allowed = math.ceil(math.log2(highest / tolerance)) + 2
    calls = len(attack.asked)
    expect(calls <= allowed, "whether the attack is called seldom enough").is_true(
        f"You called the attack {calls} times; {allowed} times are allowed, for a highest ε of "
        f"{highest:g} and a tolerance of {tolerance:g}."
    )
    expect(calls, f"calls of the attack, of at most {allowed},").is_between(0, allowed)
    for asked in attack.asked[:40]:
        expect(asked, "what the attack is asked").has_dtype("float32")
        expect(asked, "what the attack is asked").has_shape(len(attack.thresholds))
        expect(asked, "what the attack is asked").is_between(0.0, highest)


@smallest_perturbation.property("finds each example's own threshold", trials=5)
def _(answer, draw: Draw) -> None:
    n, highest = draw.size + 1, draw.choice([0.5, 1.0, 3.0])
    _judge(answer, highest * draw.uniform(0.05, 0.95, n), highest, 0.01)


@smallest_perturbation.property("gives an ε that was seen to break, never one just below", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw.uniform(0.1, 0.9, 8), 1.0, 0.1)


@smallest_perturbation.property(
    "says 0 where nothing is needed, and infinity where nothing helps", trials=4
)
def _(answer, draw: Draw) -> None:
    thresholds = [draw.uniform(0.1, 0.9), 0.0, 7.0, -1.0, 1.0, draw.uniform(0.1, 0.9)]
    thresholds += [0.003, 0.018]  # both below the tolerance
    order = draw.rng.permutation(8)
    _judge(answer, [thresholds[i] for i in order], 1.0, 0.02)
    _judge(answer, [5.0], 1.0, 0.02)
    _judge(answer, [-1.0], 1.0, 0.02)


@smallest_perturbation.property("asks no more often than bisection needs", trials=3)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw.uniform(0.01, 0.99, 5), 1.0, 1e-3)
    _judge(answer, 2 * draw.uniform(0.1, 0.9, 3), 2.0, 0.3)
    _judge(answer, draw.uniform(0.1, 0.9, 3), 1.0, 0.25)


@smallest_perturbation.right
def right_search(breaks, n, highest, tolerance):
    low, high = torch.zeros(n), torch.full((n,), float(highest))
    at_once, ever = breaks(low.clone()), breaks(high.clone())
    while (high - low).max() > tolerance:
        middle = (low + high) / 2
        broken = breaks(middle)
        high = torch.where(broken, middle, high)
        low = torch.where(broken, low, middle)
    high[~ever] = math.inf
    high[at_once] = 0.0
    return high


smallest_perturbation.slip(
    "lower_end",
    "You return the lower end of the interval, an ε that was seen *not* to break. Report one at "
    "which the attack succeeded.",
    {"    return high": "    low[~ever] = math.inf\n    low[at_once] = 0.0\n    return low"},
)
smallest_perturbation.slip(
    "middle_returned",
    "You return the middle of the last interval. Nobody has seen the attack succeed there.",
    {"    high[~ever] = math.inf": "    high = (low + high) / 2\n    high[~ever] = math.inf"},
)
smallest_perturbation.slip(
    "one_for_all",
    "You moved all examples together. Each has an interval of its own.",
    {"broken = breaks(middle)": "broken = breaks(middle).any().expand(n)"},
)
smallest_perturbation.slip(
    "all_must_break",
    "You lower ε only where all examples break. Each has an interval of its own.",
    {"broken = breaks(middle)": "broken = breaks(middle).all().expand(n)"},
)
smallest_perturbation.slip(
    "halves_exchanged",
    "You keep the wrong half: where the attack succeeds, a smaller ε may do, so the upper end "
    "comes down.",
    {
        "torch.where(broken, middle, high)": "torch.where(broken, high, middle)",
        "torch.where(broken, low, middle)": "torch.where(broken, middle, low)",
    },
)
smallest_perturbation.slip(
    "unbroken_at_highest",
    "An example that holds even at the highest ε gets the highest as its answer. It was never "
    "broken: infinity.",
    {"    high[~ever] = math.inf\n": ""},
)
smallest_perturbation.slip(
    "wrong_already",
    "An example that is wrong without an attack gets a small positive ε. It needs none: exactly 0.",
    {"    high[at_once] = 0.0\n": ""},
)


@smallest_perturbation.mistake(
    "You try one ε after another, a tolerance apart. That takes highest/tolerance attacks; "
    "halving the interval takes the logarithm of it.",
)
def step_by_step(breaks, n, highest, tolerance):
    found = torch.full((n,), math.inf)
    for k in range(math.ceil(highest / tolerance) + 1):
        epsilon = torch.full((n,), min(k * tolerance, float(highest)))
        found = torch.where(breaks(epsilon) & found.isinf(), epsilon, found)
    return found


smallest_perturbation.slip(
    "too_few_halvings",
    "You stop too early: the interval is still wider than the tolerance.",
    {"> tolerance": "> 4 * tolerance"},
)
smallest_perturbation.slip(
    "stops_at_the_first",
    "You stop as soon as one example's interval is narrow enough, or none was broken in a round. "
    "All must be.",
    {
        "while (high - low).max() > tolerance:": (
            "while breaks(high.clone()).all() and (high - low).max() > tolerance:"
        )
    },
)
smallest_perturbation.slip(
    "infinity_before_zero_exchanged",
    "You give 0 to what never broke and infinity to what was wrong from the start.",
    {
        "high[~ever] = math.inf": "high[~ever] = 0.0",
        "high[at_once] = 0.0": "high[at_once] = math.inf",
    },
)
smallest_perturbation.slip(
    "tolerance_as_share",
    "You took the tolerance for a share of the highest ε. It is an ε itself.",
    {"> tolerance": "> tolerance * highest * 1.5"},
)
smallest_perturbation.slip(
    "nan_for_never",
    "What never broke gets −1. It has to be infinity, so that a median over the examples means "
    "something.",
    {"high[~ever] = math.inf": "high[~ever] = -1.0"},
)

smallest_perturbation.slip(
    "float64_asked",
    "You ask with float64. The attack works on float32 pictures, and what it makes of them with "
    "your ε fits no model: ask with float32.",
    {
        "low, high = torch.zeros(n), torch.full((n,), float(highest))": (
            "low = torch.zeros(n, dtype=torch.float64)\n"
            "    high = torch.full((n,), float(highest), dtype=torch.float64)"
        )
    },
)
smallest_perturbation.slip(
    "low_and_tolerance",
    "You return the lower end plus the tolerance. Nobody has seen the attack succeed there: return "
    "the upper end.",
    {"    high[~ever] = math.inf": "    high = low + tolerance\n    high[~ever] = math.inf"},
)
smallest_perturbation.slip(
    "not_a_number_for_never",
    "What never broke gets NaN. It has to be infinity, so that a median over the examples means "
    "something.",
    {"high[~ever] = math.inf": "high[~ever] = math.nan"},
)
smallest_perturbation.slip(
    "fifty_halvings",
    "You halve fifty times, whatever the tolerance is. Every halving is an attack on all examples: "
    "stop when the interval is no wider than the tolerance.",
    {"while (high - low).max() > tolerance:": "for _ in range(50):"},
)
smallest_perturbation.slip(
    "one_halving_too_many",
    "You call the attack once more than is allowed: halve ⌈log₂(highest / tolerance)⌉ times.",
    {
        "while (high - low).max() > tolerance:": (
            "for _ in range(math.ceil(math.log2(highest / tolerance)) + 1):"
        )
    },
)
smallest_perturbation.slip(
    "one_halving_too_few",
    "You halve once too seldom: your last interval is wider than the tolerance.",
    {
        "while (high - low).max() > tolerance:": (
            "for _ in range(math.ceil(math.log2(highest / tolerance)) - 1):"
        )
    },
)
smallest_perturbation.slip(
    "halvings_rounded_down",
    "You rounded the number of halvings down. Round it up, or the last interval is wider than the "
    "tolerance.",
    {
        "while (high - low).max() > tolerance:": (
            "for _ in range(math.floor(math.log2(highest / tolerance))):"
        )
    },
)
smallest_perturbation.slip(
    "natural_logarithm",
    "You took the natural logarithm for the number of halvings: it is too small. Halving goes by "
    "the logarithm of base 2.",
    {
        "while (high - low).max() > tolerance:": (
            "for _ in range(math.ceil(math.log(highest / tolerance))):"
        )
    },
)
smallest_perturbation.slip(
    "highest_forgotten_in_halvings",
    "Your number of halvings is that for a highest ε of 1. The first interval is `highest` wide.",
    {
        "while (high - low).max() > tolerance:": (
            "for _ in range(math.ceil(math.log2(1 / tolerance))):"
        )
    },
)
smallest_perturbation.slip(
    "grid_from_above",
    "You try one ε after another, from the highest down, a tolerance apart. That takes highest / "
    "tolerance attacks; halving the interval takes the logarithm of it.",
    {
        "    low, high = torch.zeros(n), torch.full((n,), float(highest))\n": (
            "    out, size = torch.full((n,), math.inf), float(highest)\n"
            "    while size >= 0:\n"
            "        out[breaks(torch.full((n,), size))] = size\n"
            "        size -= tolerance\n"
            "    return out\n"
            "    low, high = torch.zeros(n), torch.full((n,), float(highest))\n"
        )
    },
)
smallest_perturbation.slip(
    "grid_from_below",
    "You try one ε after another, from 0 up, a tolerance apart. That takes highest / tolerance "
    "attacks; halving the interval takes the logarithm of it.",
    {
        "    low, high = torch.zeros(n), torch.full((n,), float(highest))\n": (
            "    out, size = torch.full((n,), math.inf), 0.0\n"
            "    while size <= highest:\n"
            "        first = breaks(torch.full((n,), size)) & torch.isinf(out)\n"
            "        out[first] = size\n"
            "        size += tolerance\n"
            "    return out\n"
            "    low, high = torch.zeros(n), torch.full((n,), float(highest))\n"
        )
    },
)
smallest_perturbation.slip(
    "one_example_after_another",
    "You search example by example, with calls of its own for each. One call tries an ε for every "
    "example at once: all searches go on together.",
    {
        "    low, high = torch.zeros(n), torch.full((n,), float(highest))\n": (
            "    out = torch.zeros(n)\n"
            "    for i in range(n):\n"
            "        low, high = torch.zeros(n), torch.full((n,), float(highest))\n"
            "        if breaks(low)[i]:\n"
            "            continue\n"
            "        if not breaks(high)[i]:\n"
            "            out[i] = math.inf\n"
            "            continue\n"
            "        while high[i] - low[i] > tolerance:\n"
            "            middle = (low + high) / 2\n"
            "            low, high = (low, middle) if breaks(middle)[i] else (middle, high)\n"
            "        out[i] = high[i]\n"
            "    return out\n"
            "    low, high = torch.zeros(n), torch.full((n,), float(highest))\n"
        )
    },
)
smallest_perturbation.slip(
    "one_call_more",
    "You call the attack once more than is allowed: what it says of the ends is known from the "
    "beginning.",
    {"    high[~ever] = math.inf": "    breaks(high.clone())\n    high[~ever] = math.inf"},
)
smallest_perturbation.slip(
    "infinity_by_the_last_round",
    "You give infinity to what held in the *last* round. There the middle of its interval was "
    "tried; only what holds at the highest ε never breaks.",
    {
        "    while (high": "    broken = ever\n    while (high",
        "high[~ever] = math.inf": "high[~broken] = math.inf",
    },
)
smallest_perturbation.slip(
    "infinity_by_the_end",
    "You give infinity where the upper end never came down. An example that breaks only just below "
    "the highest ε has such an end too: ask at the highest.",
    {"high[~ever]": "high[high == highest]"},
)
smallest_perturbation.slip(
    "zero_by_the_end",
    "You give 0 where the lower end never went up. An example that needs less than the tolerance "
    "has such an end too: ask at 0.",
    {"high[at_once]": "high[low == 0]"},
)
smallest_perturbation.slip(
    "zero_tried_at_the_tolerance",
    "You tried the tolerance in place of 0. What breaks there need not be wrong already.",
    {"breaks(low.clone())": "breaks(low + tolerance)"},
)
smallest_perturbation.slip(
    "geometric_middle",
    "You took the geometric middle. With a lower end of 0 it is 0, and nothing moves.",
    {
        "(low + high) / 2": "(low * high).sqrt()",
        "while (high - low).max() > tolerance:": (
            "for _ in range(math.ceil(math.log2(highest / tolerance))):"
        ),
    },
)

smallest_perturbation.hint(
    "Keep two tensors: an ε that holds and one that breaks, for each example."
)
smallest_perturbation.hint("One call tries the middle of every interval at once.")
smallest_perturbation.hint("Which end have you seen to break?", when="value")

_WHILE = "while (high - low).{}() > tolerance:"
smallest_perturbation.equivalent(
    f"`{_WHILE.format('max')}` → `{_WHILE.format('min')}`",
    because="all intervals are halved together and stay equally wide",
)
