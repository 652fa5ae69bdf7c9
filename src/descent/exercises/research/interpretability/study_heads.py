"""How `study_heads` is judged: on made laboratories whose truth is known.

Seeds differ in how well induction is learnt, which moves all three scores of a seed together; and
switching off *any* head of the first layer does some harm.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from descent.exercises.studies import fewest_hits
from descent.grading import Draw, Exercise, expect

study_heads = Exercise(
    "study_heads",
    minutes=45,
    difficulty=3,
    changes=("laboratory",),
    returns=tuple[str, float, float],
    seconds=10.0,
)
CONCLUSIONS = ("specific", "not specific", "undecided")
MARGIN = 0.1


class Laboratory:
    """Trains the models of the seeds that it may, each at its first score."""

    def __init__(
        self,
        rng: np.random.Generator,
        budget: int,
        specific: float,
        general: float = 0.1,
        noise: float = 0.03,
        spread: float = 0.05,
        failing: float = 0.0,
    ) -> None:
        self.rng, self.budget = rng, budget
        self.specific, self.general, self.noise = specific, general, noise
        self.spread, self.failing = spread, failing
        self.trained: dict[int, dict[str, float]] = {}
        self.asked: set[tuple[int, str]] = set()
        self.overdrawn = False

    def score(self, seed: int, off: str | None = None) -> float:
        """The induction score of this seed's model: None whole, or "previous" or "other" off."""
        if off not in (None, "previous", "other"):
            raise ValueError(f"no head is called {off!r}")
        if seed not in self.trained:
            if seed not in range(self.budget):
                self.overdrawn = True
                raise RuntimeError("the budget is spent")
            self.trained[seed] = self._train()
        self.asked.add((seed, str(off)))
        return self.trained[seed][str(off)]

    def _train(self) -> dict[str, float]:
        if self.rng.random() < self.failing:
            low = 0.15 + 0.02 * self.rng.normal()
            return {"None": low, "previous": low - 0.01, "other": low + 0.01}
        whole = 0.86 + self.spread * np.clip(self.rng.normal(), -2, 2)
        jitter = self.noise * self.rng.normal(size=2)
        # The difference between the two arms varies by `noise` from seed to seed.
        both = whole - self.general
        return {
            "None": float(whole),
            "previous": float(both - self.specific + jitter[0]),
            "other": float(both + jitter[1]),
        }

    def __repr__(self) -> str:
        return f"a laboratory with a budget of {self.budget} trainings"


def _ask(answer, laboratory: Laboratory):
    """The claim, or None where the budget was overdrawn."""
    try:
        return answer(laboratory, laboratory.budget)
    except RuntimeError:
        if not laboratory.overdrawn:
            raise
        trained = sorted(laboratory.trained)
        expect(trained, "the seeds that were trained by then").equals(
            list(range(laboratory.budget))
        )
    expect(laboratory.overdrawn, "whether a seed was asked for that is not trained").equals(False)
    return None


def _concluded(answer, laboratory: Laboratory, right: str):
    found = _ask(answer, laboratory)
    if found is None:
        return None
    expect(found[0] in CONCLUSIONS, "whether it is one of the conclusions").equals(True)
    expect(found[0], "the conclusion").equals(right)
    return found


@study_heads.property("finds a head that matters, whatever seeds differ by", trials=4)
def _(answer, draw: Draw) -> None:
    laboratory = Laboratory(draw.rng, draw.integers(8, 14), draw.choice([0.3, 0.6]))
    found = _concluded(answer, laboratory, "specific")
    if found is not None:
        expect(found[1], "the lower end").is_above(MARGIN)


@study_heads.property("does not blame a head when any other does as much harm", trials=4)
def _(answer, draw: Draw) -> None:
    laboratory = Laboratory(draw.rng, draw.integers(9, 14), 0.0, general=draw.choice([0.35, 0.5]))
    found = _concluded(answer, laboratory, "not specific")
    if found is not None:
        expect(found[2], "the upper end").is_below(MARGIN)


@study_heads.property("finds a head whose loss *helps* not specific", trials=1)
def _(answer, draw: Draw) -> None:
    _concluded(answer, Laboratory(draw.rng, 10, -0.4, general=0.5), "not specific")


@study_heads.property("stays undecided where seeds disagree too much", trials=3)
def _(answer, draw: Draw) -> None:
    class Divided(Laboratory):
        """Every second seed needs the head."""

        def _train(self) -> dict[str, float]:
            scores = super()._train()
            scores["previous"] -= 0.5 * (len(self.trained) % 2)
            return scores

    _concluded(answer, Divided(draw.rng, 6, 0.0), "undecided")


@study_heads.property("leaves out seeds in which no induction was learnt", trials=3)
def _(answer, draw: Draw) -> None:
    class Fails(Laboratory):
        """Three of the first six seeds fail."""

        def _train(self) -> dict[str, float]:
            self.failing = 1.0 if len(self.trained) in (1, 2, 4) else 0.0
            return super()._train()

    found = _concluded(answer, Fails(draw.rng, 12, 0.5), "specific")
    if found is not None:
        expect((found[1] + found[2]) / 2, "the middle of the interval").is_between(0.4, 0.6)


@study_heads.property("stays undecided with fewer than three seeds that learnt it", trials=2)
def _(answer, draw: Draw) -> None:
    for laboratory in (
        Laboratory(draw.rng, 2, 0.6),
        Laboratory(draw.rng, 6, 0.6, failing=1.0),
    ):
        found = _concluded(answer, laboratory, "undecided")
        if found is not None:
            expect([found[1], found[2]], "the interval").equals([-1.0, 1.0])


class _Fixed(Laboratory):
    """Every seed's difference is written down."""

    def __init__(
        self, draw: Draw, differences: list[float], wholes: list[float] | None = None
    ) -> None:
        super().__init__(draw.rng, len(differences), 0.0)
        self.differences, self.wholes = differences, wholes

    def _train(self) -> dict[str, float]:
        scores = super()._train()
        if self.wholes is not None:
            scores["None"] = self.wholes[len(self.trained)]
        scores["previous"] = scores["other"] - self.differences[len(self.trained)]
        return scores


@study_heads.property("hands in Student's interval for the mean difference within a seed", trials=4)
def _(answer, draw: Draw) -> None:
    cases = (
        ([0.14, 0.16, 0.15, 0.15, 0.16, 0.14], "specific"),
        ([0.08, 0.09, 0.10, 0.11, 0.12], "undecided"),
        ([0.5, 0.6, 0.55], "specific"),
        ([0.05, 0.02, -0.03, 0.04, 0.01, 0.03, 0.0], "not specific"),
    )
    differences, right = cases[(1, 2, 3, 5).index(draw.size)]
    order = [float(differences[k]) for k in draw.rng.permutation(len(differences))]
    found = _concluded(answer, _Fixed(draw, order), right)
    if found is None:
        return
    n, middle = len(order), sum(order) / len(order)
    spread = np.sqrt(sum((d - middle) ** 2 for d in order) / (n - 1))
    half = stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n)
    expect([found[1], found[2]], f"the interval from differences {order}").close_to(
        np.array([middle - half, middle + half]), rtol=1e-3, atol=1e-4
    )


@study_heads.property("draws the line at 0.7, which is enough itself", trials=1)
def _(answer, draw: Draw) -> None:
    differences = [0.3, 0.5, 0.4, 0.45, 0.9]
    wholes = [0.7, 0.9, 0.7, 0.8, 0.65]  # the last one is left out
    found = _concluded(answer, _Fixed(draw, differences, wholes), "specific")
    if found is not None:
        expect((found[1] + found[2]) / 2, "the middle of the interval").close_to(
            sum(differences[:4]) / 4, rtol=1e-3, atol=1e-4
        )


@study_heads.property("hands in an interval of the difference that holds as often as it says")
def _(answer, draw: Draw) -> None:
    repeats, hits, widths = 40, 0, []
    for _ in range(repeats):
        truth = float(draw.rng.uniform(0.0, 0.5))
        found = answer(Laboratory(draw.rng, 5, truth, noise=0.04, spread=0.08), 5)
        hits += found[1] <= truth <= found[2]
        widths.append(found[2] - found[1])
    least = fewest_hits(repeats, 0.95)
    expect(hits, f"of {repeats} intervals, how many hold the truth").is_between(least, repeats)
    needed = 2 * stats.t.ppf(0.975, 4) * 0.04 * np.sqrt(2) / np.sqrt(5)
    expect(float(np.median(widths)) / needed, "their width, in needed widths").is_between(0.7, 1.4)


@study_heads.property("spends the budget: every seed it may, with all three scores", trials=2)
def _(answer, draw: Draw) -> None:
    class FailsOnce(Laboratory):
        """The second seed learns nothing."""

        def _train(self) -> dict[str, float]:
            self.failing = float(len(self.trained) == 1)
            return super()._train()

    laboratory = FailsOnce(draw.rng, draw.integers(5, 12), 0.4)
    if _ask(answer, laboratory) is None:
        return
    expect(len(laboratory.trained), "how many models were trained").equals(laboratory.budget)
    for off in (None, "previous", "other"):
        seeds = len({seed for seed, name in laboratory.asked if name == str(off)})
        expect(seeds, f"seeds of which the score with {off} off was asked").equals(
            laboratory.budget
        )


@study_heads.right
def right_study(laboratory, budget):
    from scipy import stats

    differences = []
    for seed in range(budget):
        whole = laboratory.score(seed)
        with_other_off = laboratory.score(seed, "other")
        without = laboratory.score(seed, "previous")
        if whole >= 0.7:
            differences.append(with_other_off - without)
    n = len(differences)
    if n < 3:
        return "undecided", -1.0, 1.0
    middle = float(np.mean(differences))
    half = float(stats.t.ppf(0.975, n - 1) * np.std(differences, ddof=1) / np.sqrt(n))
    low, high = middle - half, middle + half
    if low > 0.1:
        return "specific", low, high
    return ("not specific" if high < 0.1 else "undecided"), low, high


_APPEND = "differences.append(with_other_off - without)"

study_heads.slip(
    "no_control",
    "You compared with the whole model. Switching off *any* head does harm: the "
    "control is the same "
    "model with the other head off.",
    {_APPEND: "differences.append(whole - without)"},
)
study_heads.slip(
    "sign_turned",
    "Your difference has the wrong sign. It is the score with the *other* head off, less that with "
    "the previous-token head off.",
    {_APPEND: "differences.append(without - with_other_off)"},
)
study_heads.slip(
    "failed_seeds_kept",
    "You kept seeds in which no induction was learnt. There is nothing to lose in them, so they "
    "pull the effect towards 0: leave out those below 0.7.",
    {"if whole >= 0.7:": "if whole > -9:"},
)
study_heads.slip(
    "kept_by_the_outcome",
    "You left out seeds by how they came out with a head off. Whether a seed counts is decided by "
    "the whole model alone.",
    {"if whole >= 0.7:": "if with_other_off >= 0.7:"},
)
study_heads.slip(
    "one_seed",
    "One seed is no evidence.",
    {"for seed in range(budget)": "for seed in range(1)"},
)
study_heads.slip(
    "half_the_budget",
    "You left half of the budget unspent, and your interval is wider for it.",
    {"for seed in range(budget)": "for seed in range((budget + 1) // 2)"},
)
study_heads.slip(
    "overspent",
    "You trained more than the budget allows.",
    {"for seed in range(budget)": "for seed in range(budget + 1)"},
)
study_heads.slip(
    "same_seed_again",
    "You asked the same seed again and again. That is one model, and no new evidence.",
    {"for seed in range(budget):\n": "for seed in [0] * budget:\n"},
)
study_heads.slip(
    "deviation_of_a_population",
    "Your standard deviation divides by n. These seeds are a sample, and their mean was estimated "
    "as well: divide by n − 1 (`ddof=1`).",
    {", ddof=1": ""},
)
study_heads.slip(
    "median",
    "Your interval is centred on the median. The mean difference is asked for.",
    {"np.mean(differences)": "np.median(differences)"},
)
study_heads.slip(
    "degrees_of_freedom",
    "You took Student's t with n degrees of freedom. The mean uses one up: n − 1.",
    {"stats.t.ppf(0.975, n - 1)": "stats.t.ppf(0.975, n)"},
)
study_heads.slip(
    "share_of_the_whole",
    "You divided each difference by the whole model's score. The difference itself is asked for.",
    {_APPEND: "differences.append((with_other_off - without) / whole)"},
)
study_heads.slip(
    "two_seeds_are_enough",
    "You draw a conclusion from two seeds. With fewer than three the answer is undecided, from "
    "−1 to 1.",
    {"if n < 3:": "if n < 2:"},
)
study_heads.slip(
    "z_for_t",
    "You used 1.96. With a handful of seeds the spread itself is uncertain: Student's t, with "
    "n − 1 degrees of freedom.",
    {"stats.t.ppf(0.975, n - 1)": "1.96"},
)
study_heads.slip(
    "one_sided_quantile",
    "You took the 95 % quantile. An interval of 95 % leaves 2.5 % on either side.",
    {"0.975": "0.95"},
)
study_heads.slip(
    "deviation_for_error",
    "Your interval is that of single seeds. The mean of n varies √n times less.",
    {" / np.sqrt(n)": ""},
)
study_heads.slip(
    "divided_by_n",
    "You divided the deviation by n. It is √n.",
    {"/ np.sqrt(n)": "/ n"},
)
study_heads.slip(
    "unpaired",
    "You compared two groups as if they were of different models. Each seed has both scores: take "
    "the difference within a seed, and what seeds differ by falls out.",
    {
        "    differences = []\n": "    differences, first, second = [], [], []\n",
        _APPEND: (
            "differences.append(with_other_off - without)\n"
            "            first.append(with_other_off)\n            second.append(without)"
        ),
        "np.std(differences, ddof=1) / np.sqrt(n))": (
            "np.sqrt(np.var(first, ddof=1) + np.var(second, ddof=1)) / np.sqrt(n))"
        ),
    },
)
study_heads.slip(
    "any_effect_is_specific",
    "You conclude from an interval above 0. The page asks for more than 0.1: an effect that nobody "
    "would care about is none.",
    {"if low > 0.1:": "if low > 0:"},
)
study_heads.slip(
    "middle_decides",
    "You let the middle decide, whatever the interval says.",
    {
        "if low > 0.1:": "if middle > 0.1:",
        '"not specific" if high < 0.1 else "undecided"': ('"not specific"'),
    },
)
study_heads.slip(
    "never_undecided",
    'What is not shown to be specific is "not specific" for you. That claim needs evidence '
    "as well: the whole interval below 0.1.",
    {'"not specific" if high < 0.1 else "undecided"': '"not specific"'},
)
study_heads.slip(
    "too_few_seeds",
    "You draw a conclusion from fewer than three seeds.",
    {
        "if n < 3:": "if n < 1:",
        "stats.t.ppf(0.975, n - 1) * np.std(differences, ddof=1)": (
            "stats.t.ppf(0.975, max(n - 1, 1)) * np.std(differences)"
        ),
    },
)
study_heads.slip(
    "never_not_specific",
    'You never conclude "not specific". A whole interval below 0.1 shows it.',
    {'"not specific" if high < 0.1 else "undecided"': '"undecided"'},
)
study_heads.slip(
    "small_sizes_only",
    "You ask whether the interval lies near 0, on both sides. An effect far below 0 "
    "is not specific "
    "either.",
    {"if high < 0.1": "if -0.1 < low and high < 0.1"},
)

study_heads.slip(
    "exactly_enough_left_out",
    "You left out seeds that score exactly 0.7. Those *below* are to be left out.",
    {"if whole >= 0.7:": "if whole > 0.7:"},
)
study_heads.slip(
    "another_bar",
    "Your bar for having learnt induction is lower than 0.7, such as 0.5. Seeds below 0.7 are to "
    "be left out.",
    {"if whole >= 0.7:": "if whole >= 0.5:"},
)
study_heads.slip(
    "others_not_asked",
    "You asked for the two other scores of seeds that learnt induction alone. All three scores of "
    "each seed are asked for.",
    {
        '        with_other_off = laboratory.score(seed, "other")\n'
        '        without = laboratory.score(seed, "previous")\n'
        "        if whole >= 0.7:\n": (
            "        if whole >= 0.7:\n"
            '            with_other_off = laboratory.score(seed, "other")\n'
            '            without = laboratory.score(seed, "previous")\n'
        )
    },
)
study_heads.slip(
    "seeds_from_one",
    "Your seeds begin at 1. They are numbered from 0, and the last one that the budget allows is "
    "budget − 1.",
    {"for seed in range(budget)": "for seed in range(1, budget + 1)"},
)
study_heads.slip(
    "five_seeds",
    "You train five seeds, however many the budget allows. Your interval is wider than it need be.",
    {"for seed in range(budget)": "for seed in range(min(budget, 5))"},
)
study_heads.slip(
    "three_seeds",
    "You train three seeds, however many the budget allows. Your interval is wider than it need "
    "be.",
    {"for seed in range(budget)": "for seed in range(min(budget, 3))"},
)
study_heads.slip(
    "odd_seeds_left_out",
    "You left out seeds that score high without their previous-token head. Those speak against the "
    "claim: whether a seed counts is decided by the whole model alone.",
    {"if whole >= 0.7:": "if whole >= 0.7 and without <= 0.7:"},
)
study_heads.slip(
    "compared_with_zero",
    "You compare the interval with 0, on both sides. The page asks for 0.1: an effect that nobody "
    "would care about is none.",
    {"if low > 0.1:": "if low > 0:", "if high < 0.1": "if high < 0"},
)
study_heads.slip(
    "unpaired_two_groups",
    "You compared two groups as if they were of different models, with 2n − 2 degrees of freedom. "
    "Each seed has both scores: take the difference within a seed, and what seeds differ by falls "
    "out.",
    {
        "    differences = []\n": "    differences, first, second = [], [], []\n",
        _APPEND: (
            "differences.append(with_other_off - without)\n"
            "            first.append(with_other_off)\n            second.append(without)"
        ),
        "stats.t.ppf(0.975, n - 1)": "stats.t.ppf(0.975, 2 * n - 2)",
        "np.std(differences, ddof=1) / np.sqrt(n))": (
            "np.sqrt(np.var(first, ddof=1) + np.var(second, ddof=1)) / np.sqrt(n))"
        ),
    },
)


def _conclusion(differences: list[float]) -> tuple[str, float, float]:
    """What a right study makes of these."""
    n = len(differences)
    if n < 3:
        return "undecided", -1.0, 1.0
    middle = float(np.mean(differences))
    half = float(stats.t.ppf(0.975, n - 1) * np.std(differences, ddof=1) / np.sqrt(n))
    low, high = middle - half, middle + half
    if low > MARGIN:
        return "specific", low, high
    return ("not specific" if high < MARGIN else "undecided"), low, high


@study_heads.mistake(
    "You stop training as soon as the interval decides. Who looks after every seed and stops when "
    "the answer suits errs far more often than one time in twenty: spend the budget, then look."
)
def stops_when_it_suits(laboratory, budget):
    differences = []
    for seed in range(budget):
        whole = laboratory.score(seed)
        other, previous = laboratory.score(seed, "other"), laboratory.score(seed, "previous")
        if whole >= 0.7:
            differences.append(other - previous)
        found = _conclusion(differences)
        if found[0] != "undecided":
            break
    return found


@study_heads.mistake(
    "You trained another seed for each that learnt no induction. The budget counts those as well: "
    "fewer differences are what is left."
)
def failed_seeds_replaced(laboratory, budget):
    differences, seed = [], 0
    while len(differences) < budget:
        whole = laboratory.score(seed)
        other, previous = laboratory.score(seed, "other"), laboratory.score(seed, "previous")
        if whole >= 0.7:
            differences.append(other - previous)
        seed += 1
    return _conclusion(differences)


for _line, _other in (
    ("if low > 0.1:", "if low >= 0.1:"),
    (
        "return ('not specific' if high < 0.1 else 'undecided', low, high)",
        "return ('not specific' if high <= 0.1 else 'undecided', low, high)",
    ),
):
    study_heads.equivalent(
        f"`{_line}` → `{_other}`", because="no measured number lies exactly on the limit"
    )

study_heads.hint("Which model should the one without its previous-token head be compared with?")
study_heads.hint("Seeds differ in how well they learnt. What falls out of a difference within one?")
study_heads.hint("`scipy.stats.t.ppf(0.975, n - 1)` for a handful of differences.")
study_heads.hint("What can be lost in a model whose score was 0.15 from the start?")
