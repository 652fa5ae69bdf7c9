"""How `fit_gao` is judged: by laws that the grader knows, with and without noise."""

from __future__ import annotations

import math

import numpy as np

from descent.exercises.studies import does_not_refuse, refuses
from descent.grading import Draw, Exercise, expect

fit_gao = Exercise("fit_gao", minutes=30, difficulty=3, returns=tuple[float, float, float])

KINDS = ("best of n", "rl")


def _law(kl: np.ndarray, alpha: float, beta: float, kind: str) -> np.ndarray:
    d = np.sqrt(kl)
    if kind == "best of n":
        return d * (alpha - beta * d)
    return np.array([x * (alpha - beta * math.log(x)) if x > 0 else 0.0 for x in d])


def _peak(alpha: float, beta: float, kind: str) -> float:
    """The KL at which the law is highest, by the root of its derivative."""
    if beta <= 0:
        return math.inf
    d = alpha / (2 * beta) if kind == "best of n" else math.exp(alpha / beta - 1)
    return d * d


def _normal_equations(kl: np.ndarray, rewards: np.ndarray, kind: str) -> tuple[float, float]:
    """Least squares for two unknowns, by Cramer's rule."""
    d = np.sqrt(kl)
    second = (
        -(d**2) if kind == "best of n" else np.array([-x * math.log(x) if x else 0.0 for x in d])
    )
    a, b, c = d @ d, d @ second, second @ second
    e, f = d @ rewards, second @ rewards
    return (e * c - b * f) / (a * c - b * b), (a * f - b * e) / (a * c - b * b)


def _expect_fit(answer, kl, rewards, kind: str) -> None:
    alpha, beta = _normal_equations(kl, rewards, kind)
    found = answer(kl, rewards, kind)
    expect(found[0], "α").close_to(alpha, rtol=1e-3)
    expect(found[1], "β").close_to(beta, rtol=1e-3, atol=1e-6)
    peak = _peak(alpha, beta, kind)
    if math.isinf(peak):
        expect(found[2], "the KL of the peak").equals(math.inf)
    else:
        expect(found[2], "the KL of the peak").close_to(peak, rtol=1e-2)


def _distances(draw: Draw, count: int) -> np.ndarray:
    kl = np.sort(draw.rng.uniform(0.2, 30.0, count))
    return draw.rng.permutation(kl)


@fit_gao.property("finds the law of best of n", trials=4)
def _(answer, draw: Draw) -> None:
    kl = _distances(draw, draw.size + 3)
    rewards = _law(kl, draw.uniform(0.5, 1.5), draw.uniform(0.05, 0.2), "best of n")
    _expect_fit(answer, kl, rewards, "best of n")


@fit_gao.property("finds the law of reinforcement learning", trials=4)
def _(answer, draw: Draw) -> None:
    kl = _distances(draw, draw.size + 3)
    rewards = _law(kl, draw.uniform(0.5, 1.5), draw.uniform(0.2, 0.6), "rl")
    _expect_fit(answer, kl, rewards, "rl")


@fit_gao.property("takes the start, where the KL is 0, as it is", trials=3)
def _(answer, draw: Draw) -> None:
    kl = np.array([0.0, *_distances(draw, 6)])
    for kind in KINDS:
        rewards = _law(kl, 0.8, 0.15, kind) + 0.05 * draw.rng.normal(size=7)
        _expect_fit(answer, kl, rewards, kind)


@fit_gao.property("is the least-squares fit where there is noise", trials=4)
def _(answer, draw: Draw) -> None:
    kl = _distances(draw, 12)
    for kind in KINDS:
        rewards = _law(kl, draw.uniform(0.6, 1.4), draw.uniform(0.1, 0.3), kind)
        _expect_fit(answer, kl, rewards + 0.1 * draw.rng.normal(size=12), kind)


@fit_gao.property("says that there is no peak where β is not positive", trials=2)
def _(answer, draw: Draw) -> None:
    kl = _distances(draw, 6)
    for kind in KINDS:
        _expect_fit(answer, kl, _law(kl, 0.7, -0.1, kind), kind)


@fit_gao.property("has enough with two distances, near ones too", trials=3)
def _(answer, draw: Draw) -> None:
    for kl in (np.array([0.07, 0.0, 0.6]), np.array([4.0, 0.3, 4.0]), np.array([0.9, 0.04, 0.5])):
        for kind in KINDS:
            rewards = _law(kl, draw.uniform(0.5, 1.0), 0.25, kind)
            does_not_refuse(answer, kl, rewards, kind, although="two different KLs above 0")
            _expect_fit(answer, kl, rewards, kind)


@fit_gao.property("of a reward that never changes is 0, without a peak", trials=1)
def _(answer, draw: Draw) -> None:
    for kind in KINDS:
        alpha, beta, peak = answer(np.array([1.5, 0.0, 6.0, 3.0]), np.zeros(4), kind)
        expect(alpha, "α").close_to(0.0, atol=1e-9)
        expect(beta, "β").close_to(0.0, atol=1e-9)
        if beta <= 0:  # a search may end a hair above 0
            expect(peak, "the KL of the peak").equals(math.inf)


@fit_gao.property("refuses what no law can be fitted to", trials=1)
def _(answer, draw: Draw) -> None:
    kl = _distances(draw, 4)
    rewards = _law(kl, 1.0, 0.1, "rl")
    negative = kl.copy()
    negative[1] = -0.3
    refuses(answer, negative, rewards, "rl", because="a KL below 0")
    refuses(answer, kl[:1], rewards[:1], "rl", because="a single point")
    refuses(answer, kl, rewards, "ppo", because="a kind that is neither of the two")
    same = np.array([4.0, 0.0, 4.0])
    refuses(answer, same, np.array([1.0, 0.0, 1.1]), "rl", because="one distance besides 0")


@fit_gao.right
def right_fit(kl, rewards, kind):
    if kind not in ("best of n", "rl") or (kl < 0).any() or len(np.unique(kl[kl > 0])) < 2:
        raise ValueError("no law can be fitted")
    d = np.sqrt(kl)
    safe = np.where(d > 0, d, 1.0)
    second = d if kind == "best of n" else np.log(safe)
    columns = np.stack([d, -d * second], axis=1)
    alpha, beta = np.linalg.lstsq(columns, rewards, rcond=None)[0]
    if beta <= 0:
        return float(alpha), float(beta), math.inf
    top = alpha / (2 * beta) if kind == "best of n" else math.exp(alpha / beta - 1)
    return float(alpha), float(beta), float(top**2)


_TOP = 'top = alpha / (2 * beta) if kind == "best of n" else math.exp(alpha / beta - 1)'
_SECOND = 'second = d if kind == "best of n" else np.log(safe)'
_SLIPS = {
    "rl_in_the_wrong_form": (
        "You wrote the law of reinforcement learning as α√KL − β KL. That is d(α − βd), the "
        "law of "
        "*best of n*. For reinforcement learning it is d(α − β log d).",
        {_SECOND: "second = d",
         "else math.exp(alpha / beta - 1)": "else alpha / (2 * beta)"},
    ),
    "laws_exchanged": (
        "You exchanged the two laws: best of n has d(α − βd), reinforcement learning "
        "d(α − β log d).",
        {_SECOND: 'second = d if kind == "rl" else np.log(safe)',
         _TOP: 'top = alpha / (2 * beta) if kind == "rl" else math.exp(alpha / beta - 1)'},
    ),
    "best_of_n_with_logarithm": (
        "You used the logarithm for best of n too. Its law is d(α − βd).",
        {_SECOND: "second = np.log(safe)",
         _TOP: "top = math.exp(alpha / beta - 1)"},
    ),
    "d_is_the_kl": (
        "You took d for the KL. It is the root of it: for a small step the reward grows like "
        "√KL.",
        {"d = np.sqrt(kl)": "d = kl * 1.0"},
    ),
    "log_of_kl": (
        "You took the logarithm of the KL. It is that of d = √KL, half as large.",
        {_SECOND: 'second = d if kind == "best of n" else 2 * np.log(safe)',
         "math.exp(alpha / beta - 1)": "math.exp(alpha / (2 * beta) - 1)"},
    ),
    "logarithm_alone": (
        "You fitted αd − β log d. The factor d stands before the whole bracket: d(α − β log d).",
        {"-d * second": '-d * second if kind == "best of n" else -second'},
    ),
    "logarithm_to_base_ten": (
        "Your logarithm is to base 10.",
        {"np.log(safe)": "np.log10(safe)",
         "math.exp(alpha / beta - 1)": "10 ** (alpha / beta) / math.e"},
    ),
    "log_of_one_plus": (
        "You wrote log(1 + d) to avoid the logarithm of 0. At d = 0 the law is 0 by itself; "
        "elsewhere it is log d.",
        {"np.log(safe)": "np.log1p(d)"},
    ),
    "with_intercept": (
        "You fitted a constant as well. At d = 0 the law is 0: rewards are counted from the "
        "start.",
        {"columns = np.stack([d, -d * second], axis=1)":
         "columns = np.stack([d, -d * second, np.ones_like(d)], axis=1)",
         "alpha, beta = np": "alpha, beta, _ = np"},
    ),
    "beta_sign": (
        "Your β has the wrong sign. It is what is taken off: α − β ….",
        {"[d, -d * second]": "[d, d * second]"},
    ),
    "peak_as_distance": (
        "You gave the distance d of the peak. The KL there is d².",
        {"float(top**2)": "float(top)"},
    ),
    "peak_where_the_reward_is_zero": (
        "You gave the KL at which the reward has fallen to 0. The peak is where the "
        "derivative is 0.",
        {_TOP: 'top = alpha / beta if kind == "best of n" else math.exp(alpha / beta)'},
    ),
    "peak_of_the_other_law": (
        "You used the peak α/(2β) for both laws. That of d(α − β log d) lies at log d = α/β − 1.",
        {"else math.exp(alpha / beta - 1)": "else alpha / (2 * beta)"},
    ),
    "best_point": (
        "You gave the KL of the best point measured. The peak of the fitted law is asked for.",
        {"float(top**2)": "float(kl[rewards.argmax()])"},
    ),
    "peak_without_beta": (
        "You gave a peak where β is not positive. Such a law has none: infinity.",
        {"if beta <= 0:": "if beta == 0:"},
    ),
    "log_of_zero": (
        "The start, at KL 0, made NaN of your fit: 0 · log 0 counts as 0 here.",
        {"np.where(d > 0, d, 1.0)": "d"},
    ),
    "divided_by_d": (
        "You fitted R/d by a line. That weighs the points near the start more than the others, "
        "and "
        "fails at d = 0: fit R itself.",
        {"columns = np.stack([d, -d * second], axis=1)":
         "far = d > 0\n    rewards = rewards[far] / d[far]\n"
         "    columns = np.stack([np.ones(far.sum()), -second[far]], axis=1)"},
    ),
    "two_points": (
        "You used two points of the curve. Fit all of them.",
        {"    alpha, beta = np.linalg.lstsq(columns":
         "    ends = [kl.argmin(), kl.argmax()]\n"
         "    columns, rewards = columns[ends], rewards[ends]\n"
         "    alpha, beta = np.linalg.lstsq(columns"},
    ),
    "negative_accepted": (
        "You accept a KL below 0. No mean KL is: something is wrong with the measurement. Raise "
        "ValueError.",
        {"(kl < 0).any()": "False", "np.sqrt(kl)": "np.sqrt(np.abs(kl))"},
    ),
    "one_distance_accepted": (
        "You accept points at one distance. Two unknowns need two different ones besides 0: "
        "raise "
        "ValueError.",
        {"len(np.unique(kl[kl > 0])) < 2": "len(kl) < 2"},
    ),
    "other_kind_accepted": (
        "You accept any kind. The laws are for \"best of n\" and \"rl\": raise ValueError.",
        {'kind not in ("best of n", "rl")': "kind is None"},
    ),
    "one_not_taken_off": (
        "Your peak of the law of reinforcement learning is at log d = α/β. The derivative is "
        "0 where log d = α/β − 1.",
        {'top = alpha / (2 * beta) if kind == "best of n" else math.exp(alpha / beta - 1)':
         'top = alpha / (2 * beta) if kind == "best of n" else math.exp(alpha / beta)'},
    ),
    "one_outside": (
        "You took 1 off the exponential. It belongs into the exponent: e^(α/β − 1).",
        {'top = alpha / (2 * beta) if kind == "best of n" else math.exp(alpha / beta - 1)':
         'top = alpha / (2 * beta) if kind == "best of n" else math.exp(alpha / beta) - 1'},
    ),
    "two_left_out": (
        "Your peak of best of n lies where its reward has fallen to 0 again, at d = α/β. The "
        "peak is at half of it.",
        {'top = alpha / (2 * beta) if kind == "best of n" else math.exp(alpha / beta - 1)':
         'top = alpha / beta if kind == "best of n" else math.exp(alpha / beta - 1)'},
    ),
    "height_of_the_peak": (
        "You gave the reward at the peak. The KL there is asked for.",
        {"float(top**2)":
         "float(top * (alpha - beta * (top if kind == 'best of n' else math.log(top))))"},
    ),
    "root_of_the_distance": (
        "You took the root of d. The KL is d².",
        {"float(top**2)":
         "float(math.sqrt(abs(top)))"},
    ),
    "peak_within_the_data": (
        "You cut the peak at the largest KL measured. The peak of the law is asked for, "
        "beyond the data too.",
        {"float(top**2)":
         "float(min(top**2, kl.max()))"},
    ),
    "beta_cut_at_zero": (
        "You set a negative β to 0. Give what was fitted; only the peak is infinite then.",
        {"    if beta <= 0:":
         "    beta = max(beta, 0.0)\n    if beta <= 0:"},
    ),
    "peak_nan": (
        "You gave NaN where there is no peak. The page asks for infinity.",
        {"float(beta), math.inf":
         "float(beta), math.nan"},
    ),
    "small_number_under_the_root": (
        "You added a small number to the KL. At 0 the law is 0 by itself.",
        {"np.sqrt(kl)":
         "np.sqrt(kl + 1e-3)"},
    ),
    "small_number_in_the_logarithm": (
        "You added a small number in the logarithm. At d = 0 the law is 0 by itself; "
        "elsewhere it is log d.",
        {"np.log(safe)":
         "np.log(d + 1e-2)"},
    ),
    "first_reward_taken_off": (
        "You took the first reward off. They are counted from the start's already, and come "
        "in any order.",
        {"    columns =":
         "    rewards = rewards - rewards[0]\n    columns ="},
    ),
    "distances_sorted_alone": (
        "You sorted the distances and not the rewards with them.",
        {"np.sqrt(kl)":
         "np.sqrt(np.sort(kl))"},
    ),
    "three_asked_for": (
        "You refuse two different distances. They are enough for two unknowns.",
        {"kl[kl > 0])) < 2":
         "kl[kl > 0])) < 3"},
    ),
    "zero_refused": (
        "You refuse a KL of 0. There the law is 0; only a KL below 0 is refused.",
        {"(kl < 0).any()":
         "(kl <= 0).any()"},
    ),
    "intercept_besides_the_start": (
        "You fitted a constant as well. At d = 0 the law is 0: rewards are counted from the "
        "start's.",
        {"columns = np.stack([d, -d * second], axis=1)":
         "far = d > 0\n    rewards = rewards[far]\n    columns = np.stack([d, -d * second, "
         "np.ones_like(d)], axis=1)[far]",
         "alpha, beta = np":
         "alpha, beta, _ = np"},
    ),
    "columns_exchanged": (
        "You fitted each law's columns to the other kind: best of n has d(α − βd), "
        "reinforcement learning d(α − β log d).",
        {"second = d if kind == \"best of n\" else np.log(safe)":
         "second = d if kind == \"rl\" else np.log(safe)"},
    ),
    "columns_of_best_of_n": (
        "You fitted α√KL − β KL for reinforcement learning too. That is d(α − βd), the law "
        "of *best of n*. For reinforcement learning it is d(α − β log d).",
        {"second = d if kind == \"best of n\" else np.log(safe)":
         "second = d"},
    ),
    "log_of_kl_fitted": (
        "You took the logarithm of the KL. It is that of d = √KL, half as large."
        " Your peak is that of the right law.",
        {"second = d if kind == \"best of n\" else np.log(safe)":
         "second = d if kind == \"best of n\" else 2 * np.log(safe)"},
    ),
    "base_ten_fitted": (
        "Your logarithm is to base 10."
        " The natural one is asked for; your peak goes by it.",
        {"np.log(safe)":
         "np.log10(safe)"},
    ),
    "height_of_best_of_n": (
        "You gave the reward at the peak of best of n. The KL there is asked for.",
        {"top = alpha / (2 * beta) if kind == \"best of n\" else math.exp(alpha / beta - 1)":
         "top = abs(alpha) / (2 * beta**0.5) if kind == \"best of n\" else math.exp(alpha / "
         "beta - 1)"},
    ),
    "peak_of_any_beta": (
        "You gave a peak where β is not positive. Such a law has none: infinity."
        " At β = 0 your code stops.",
        {"    if beta <= 0:\n        return float(alpha), float(beta), math.inf\n":
         "    alpha, beta = float(alpha), float(beta)\n"},
    ),
}  # fmt: skip
for _name, (_message, _edits) in _SLIPS.items():
    fit_gao.slip(_name, _message, _edits)

_IF = "`if kind not in ('best of n', 'rl') or (kl < 0).any() or len(np.unique(kl[kl > 0])) < 2:` → "
fit_gao.equivalent(
    _IF + "`if kind not in ('rl', 'best of n') or (kl < 0).any() "
    "or len(np.unique(kl[kl > 0])) < 2:`",
    because="the same two kinds, in another order",
)
fit_gao.equivalent(
    _IF + "`if kind not in ('best of n', 'rl') or (kl < -1).any() "
    "or len(np.unique(kl[kl > 0])) < 2:`",
    because="the root of a KL below 0 is NaN, and numpy's fit of NaN is a ValueError too",
)
_FALLS = "`falls = d if kind == 'best of n' else np.log(np.where(d > 0, d, 1.0))` → "
fit_gao.equivalent(
    _FALLS + "`falls = d if kind == 'best of n' else np.log(np.where(d > 0, d, 2.0))`",
    because="at d = 0 the logarithm is multiplied by 0",
)
fit_gao.equivalent(
    "`alpha, beta = np.linalg.lstsq(np.stack([d, -d * falls], axis=1), rewards, "
    "rcond=None)[0]` → "
    "`alpha, beta = np.linalg.lstsq(np.stack([d, -d * falls], axis=1), rewards)[0]`",
    because="None is what numpy takes by itself",
)

fit_gao.hint("Both laws are linear in α and β: two columns, and least squares.")
fit_gao.hint("The columns are d and −d² for best of n, d and −d log d for reinforcement learning.")
fit_gao.hint("Where is the derivative of d(α − β log d) equal to 0?", when="value")
fit_gao.hint("What does d log d tend to, as d goes to 0?", when="nan")
