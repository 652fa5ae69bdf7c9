"""How `apparent_exponent` is judged.

For each size the oracle looks for the budget at which that size is the best one, by root finding on
a numerical derivative.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from descent.grading import Draw, Exercise, expect

apparent_exponent = Exercise("apparent_exponent", minutes=35, difficulty=3, returns=float)
REFITTED = 482.01, 2085.43, 0.3478, 0.3658
OMEGA = 47491.0


def _budget(size, a, b, alpha, beta, omega) -> float:
    """The logarithm of the non-embedding compute for which `size` is the best."""

    def slope(log_flops):
        def loss(log_size):
            n = np.exp(log_size)
            tokens = np.exp(log_flops) / (6 * n)
            return a * (n + omega * n ** (1 / 3)) ** -alpha + b * tokens**-beta

        middle = np.log(size)
        return loss(middle + 1e-4) - loss(middle - 1e-4)

    return brentq(slope, -40.0, 160.0)


def _slope(sizes, *law) -> float:
    budgets = np.array([_budget(size, *law) for size in sizes])
    logs = np.log(sizes)
    centred = budgets - budgets.mean()
    return float(centred @ logs / (centred @ centred))


def _case(draw: Draw) -> tuple:
    sizes = draw.rng.permutation(10.0 ** np.sort(draw.uniform(3.0, 9.0, 6)))
    return (sizes, draw.uniform(100, 900), draw.uniform(100, 2000), draw.uniform(0.25, 0.6),
            draw.uniform(0.25, 0.6), draw.uniform(1e3, 1e5))  # fmt: skip


@apparent_exponent.property("is β/(α+β) where no parameter is left out")
def _(answer, draw: Draw) -> None:
    sizes, a, b, alpha, beta, _ = _case(draw)
    expect(answer(sizes, a, b, alpha, beta, 0.0), "the exponent").close_to(
        beta / (alpha + beta), rtol=1e-6
    )


@apparent_exponent.property("is what a study would find that leaves the embedding out", trials=4)
def _(answer, draw: Draw) -> None:
    case = _case(draw)
    expect(answer(*case), "the exponent").close_to(_slope(*case), rtol=2e-3)


@apparent_exponent.property("tends to β/(α/3+β) for tiny models and to β/(α+β) for huge ones")
def _(answer, draw: Draw) -> None:
    _, a, b, alpha, beta, _ = _case(draw)
    tiny, huge = np.array([1e-6, 1e-5, 1e-4]), np.array([1e15, 1e16, 1e17])
    expect(answer(tiny, a, b, alpha, beta, 1e5), "the exponent of tiny models").close_to(
        beta / (alpha / 3 + beta), rtol=1e-3)  # fmt: skip
    expect(answer(huge, a, b, alpha, beta, 1e3), "the exponent of huge models").close_to(
        beta / (alpha + beta), rtol=1e-3)  # fmt: skip


@apparent_exponent.property("is the one of the page over the sizes of 2020", trials=1)
def _(answer, draw: Draw) -> None:
    sizes = np.logspace(np.log10(768), np.log10(1.5e9), 12)
    wanted = _slope(sizes, *REFITTED, OMEGA)
    expect(answer(sizes, *REFITTED, OMEGA), "the exponent").close_to(wanted, rtol=2e-3)


@apparent_exponent.right
def right_exponent(sizes, a, b, alpha, beta, omega):
    total = sizes + omega * sizes ** (1 / 3)
    growth = 1 + omega / 3 * sizes ** (-2 / 3)
    pull = alpha * a * sizes * growth * total ** (-alpha - 1)
    tokens = (pull / (beta * b)) ** (-1 / beta)
    return float(np.polyfit(np.log(6 * sizes * tokens), np.log(sizes), 1)[0])


apparent_exponent.slip(
    "all_parameters_in_compute",
    "You counted the embedding in the compute. The study that is imitated left it out of both: "
    "C = 6·N·D with the N that it counted.",
    {"np.log(6 * sizes * tokens)": "np.log(6 * total * tokens)"},
)
apparent_exponent.slip(
    "all_parameters_everywhere",
    "You counted the embedding in the size *and* in the compute. The study that is "
    "imitated saw neither.",
    {"np.log(6 * sizes * tokens), np.log(sizes)": "np.log(6 * total * tokens), np.log(total)"},
)
apparent_exponent.slip(
    "embedding_without_effect",
    "The loss goes by *all* parameters, whichever are counted. Put the total into A·N^(−α).",
    {"total = sizes + omega * sizes ** (1 / 3)": "total = sizes"},
)
apparent_exponent.slip(
    "growth_forgotten",
    "You forgot the inner derivative: with one more counted parameter the total grows by "
    "1 + (ω/3)·N^(−2/3).",
    {"growth = 1 + omega / 3 * sizes ** (-2 / 3)": "growth = 1.0"},
)
apparent_exponent.slip(
    "turned_over",
    "You fitted compute to size. The exponent says how the size goes with the compute.",
    {"np.log(6 * sizes * tokens), np.log(sizes)": "np.log(sizes), np.log(6 * sizes * tokens)"},
)
apparent_exponent.slip(
    "tokens_for_compute",
    "You fitted the size to the tokens. It is to be fitted to the compute, 6·N·D.",
    {"np.log(6 * sizes * tokens)": "np.log(tokens)"},
)
apparent_exponent.slip(
    "exponent_not_lowered",
    "The derivative of N^(−α) is −α·N^(−α−1): the exponent goes down by one.",
    {"(-alpha - 1)": "(-alpha)"},
)
apparent_exponent.slip(
    "embedding_as_steep",
    "You took the condition for *all* parameters, α·A·N^(−α), as if the embedding grew as fast as "
    "n. It grows with n^(1/3): the inner derivative is 1 + (ω/3)·n^(−2/3).",
    {"omega / 3 *": "omega *"},
)
apparent_exponent.slip(
    "derivative_of_root",
    "The derivative of n^(1/3) is n^(−2/3)/3: the power goes down by a whole one. Yours is "
    "n^(−1/3).",
    {"(-2 / 3)": "(-1 / 3)"},
)
apparent_exponent.slip(
    "all_parameters_fitted",
    "You fitted the log of all parameters. The study counts n alone, so the line is through log n.",
    {"np.log(sizes), 1)": "np.log(total), 1)"},
)
apparent_exponent.slip(
    "omega_without_effect",
    "Your result is β/(α+β), whatever ω is. That holds only where no parameter is left out of the "
    "count.",
    {"float(np.polyfit(np.log(6 * sizes * tokens), np.log(sizes), 1)[0])": "beta / (alpha + beta)"},
)
apparent_exponent.slip(
    "inverse_of_other_slope",
    "You fitted log compute to log n and turned the slope over. Least squares in the other "
    "direction is another line: fit log n to log compute.",
    {
        "np.polyfit(np.log(6 * sizes * tokens), np.log(sizes), 1)[0]": (
            "1 / np.polyfit(np.log(sizes), np.log(6 * sizes * tokens), 1)[0]"
        )
    },
)
apparent_exponent.slip(
    "ends_alone",
    "You drew the line through the smallest and the largest size. All sizes have a say: fit a "
    "line.",
    {
        "float(np.polyfit(np.log(6 * sizes * tokens), np.log(sizes), 1)[0])": (
            "float(np.ptp(np.log(sizes)) / np.ptp(np.log(6 * sizes * tokens)))"
        )
    },
)
apparent_exponent.slip(
    "first_and_last_given",
    "You drew the line through the first size given and the last. They come in any order, and all "
    "have a say: fit a line.",
    {
        "float(np.polyfit(np.log(6 * sizes * tokens), np.log(sizes), 1)[0])": (
            "float(np.log(sizes[-1] / sizes[0]) / "
            "np.log(sizes[-1] * tokens[-1] / (sizes[0] * tokens[0])))"
        )
    },
)
apparent_exponent.slip(
    "mean_of_local_slopes",
    "You averaged the slopes from each size to the next. The page asks for one straight line by "
    "least squares.",
    {
        "    return float(np.polyfit(np.log(6 * sizes * tokens), np.log(sizes), 1)[0])": (
            "    order = np.argsort(sizes)\n"
            "    rise, run = np.log(sizes[order]), np.log((sizes * tokens)[order])\n"
            "    return float(np.mean(np.diff(rise) / np.diff(run)))"
        )
    },
)
apparent_exponent.slip(
    "line_without_logarithms",
    "You fitted n to compute. A power law is straight in the logarithms of both.",
    {"np.log(6 * sizes * tokens), np.log(sizes)": "6 * sizes * tokens, sizes"},
)
_SIDEWAYS = "a constant factor of the compute moves the line sideways and leaves its slope"
apparent_exponent.equivalent(
    "`pull = alpha * a * sizes * growth * total ** (-alpha - 1)` → "
    "`pull = alpha / a * sizes * growth * total ** (-alpha - 1)`",
    because=_SIDEWAYS,
)
for _changed in ("(pull * (beta * b))", "(pull / (beta / b))"):
    apparent_exponent.equivalent(
        f"`tokens = (pull / (beta * b)) ** (-1 / beta)` → `tokens = {_changed} ** (-1 / beta)`",
        because=_SIDEWAYS,
    )
for _six in (5, 7):
    apparent_exponent.equivalent(
        "`return float(np.polyfit(np.log(6 * sizes * tokens), np.log(sizes), 1)[0])` → "
        f"`return float(np.polyfit(np.log({_six} * sizes * tokens), np.log(sizes), 1)[0])`",
        because=_SIDEWAYS,
    )

apparent_exponent.hint(
    "Turn the question round: for which compute is *this* size the best? Then fit a line."
)
apparent_exponent.hint("At the optimum α·A·N·total^(−α−1)·(d total/dN) = β·B·D^(−β). Solve for D.")
apparent_exponent.hint("With ω = 0 it must be β/(α+β). Is it?", when="value")
