"""How `optimal_allocation` is judged: by minimising the loss along the line of equal compute."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

from descent.grading import Draw, Exercise, expect

optimal_allocation = Exercise(
    "optimal_allocation", minutes=25, difficulty=2, returns=tuple[float, float]
)
PRINTED = 406.4, 410.7, 0.34, 0.28
REFITTED = 482.01, 2085.43, 0.3478, 0.3658


def _minimised(flops, a, b, alpha, beta) -> tuple[float, float]:
    """The best size by search, and the tokens that are left for it."""

    def loss(log_size):
        size = np.exp(log_size)
        return np.log(a * size**-alpha + b * (flops / (6 * size)) ** -beta)

    top = np.log(flops)
    found = minimize_scalar(
        loss, bounds=(-20.0, top + 20.0), method="bounded", options={"xatol": 1e-9}
    )
    size = float(np.exp(found.x))
    return size, flops / (6 * size)


def _law(draw: Draw) -> tuple[float, float, float, float]:
    return (draw.uniform(2.0, 900.0), draw.uniform(2.0, 2000.0),
            draw.uniform(0.2, 0.8), draw.uniform(0.2, 0.8))  # fmt: skip


@optimal_allocation.property("is the lowest point along equal compute", trials=7)
def _(answer, draw: Draw) -> None:
    law, flops = _law(draw), 10.0 ** draw.integers(6, 24)
    size, tokens = answer(flops, *law)
    wanted = _minimised(flops, *law)
    expect(size, "the parameters").close_to(wanted[0], rtol=2e-3)
    expect(tokens, "the tokens").close_to(wanted[1], rtol=2e-3)


@optimal_allocation.property("spends the budget: 6 · parameters · tokens")
def _(answer, draw: Draw) -> None:
    law, flops = _law(draw), 10.0 ** draw.integers(6, 24)
    size, tokens = answer(flops, *law)
    expect(6 * size * tokens, "6 · parameters · tokens").close_to(flops, rtol=1e-9)


@optimal_allocation.property("splits evenly, up to the 6, where both halves of the law are alike")
def _(answer, draw: Draw) -> None:
    a, alpha = draw.uniform(1, 50), draw.uniform(0.2, 0.8)
    size, tokens = answer(600.0, a, a, alpha, alpha)
    expect(size, "the parameters").close_to(10.0)
    expect(tokens, "the tokens").close_to(10.0)


@optimal_allocation.property(
    "gives what the published constants imply at the published budget", trials=1
)
def _(answer, draw: Draw) -> None:
    for law in (PRINTED, REFITTED):
        size, tokens = answer(5.76e23, *law)
        wanted = _minimised(5.76e23, *law)
        expect(size, "the parameters").close_to(wanted[0], rtol=2e-3)
        expect(tokens / size, "the tokens per parameter").close_to(wanted[1] / wanted[0], rtol=5e-3)


@optimal_allocation.right
def right_allocation(flops, a, b, alpha, beta):
    ratio = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    size = ratio * (flops / 6) ** (beta / (alpha + beta))
    return size, flops / (6 * size)


optimal_allocation.slip(
    "exponents_exchanged",
    "You exchanged the exponents. The *steeper* the loss falls with data (β), the sooner data is "
    "enough and the more goes into the model: N goes as C^(β/(α+β)).",
    {"beta / (alpha + beta))\n": "alpha / (alpha + beta))\n"},
)
optimal_allocation.slip(
    "six_forgotten",
    "You left out the 6: the product of parameters and tokens is C/6.",
    {"(flops / 6)": "flops", "flops / (6 * size)": "flops / size"},
)
optimal_allocation.slip(
    "ratio_upside_down",
    "Your ratio is upside down. A larger A makes small models worse, and so the best model larger.",
    {"alpha * a / (beta * b)": "beta * b / (alpha * a)"},
)
optimal_allocation.slip(
    "without_inner_exponents",
    "You set the two terms equal. At the optimum their *derivatives* are: α·A·N^(−α) = β·B·D^(−β).",
    {"alpha * a / (beta * b)": "a / b"},
)
optimal_allocation.slip(
    "root_of_ratio",
    "You took the square root of the ratio. Its exponent is 1/(α+β).",
    {"(1 / (alpha + beta))\n    size": "0.5\n    size"},
)
optimal_allocation.slip(
    "half_and_half",
    "You gave size and data the same exponent, ½. That holds only where α = β.",
    {"** (beta / (alpha + beta))\n    return": "** 0.5\n    return"},
)
optimal_allocation.slip(
    "tokens_first",
    "You returned the tokens first. The parameters come first.",
    {"return size, flops / (6 * size)": "return flops / (6 * size), size"},
)
optimal_allocation.slip(
    "rounded",
    "You rounded. The page asks for numbers that are not rounded, or the budget is not spent "
    "exactly.",
    {
        "return size, flops / (6 * size)": (
            "return float(round(size)), float(round(flops / (6 * size)))"
        )
    },
)
optimal_allocation.slip(
    "rounded_down",
    "You cut both to whole numbers. The page asks for numbers that are not rounded.",
    {"return size, flops / (6 * size)": "return float(size // 1), float(flops / (6 * size) // 1)"},
)
optimal_allocation.slip(
    "twenty_tokens_each",
    "You gave every parameter 20 tokens. That is Chinchilla's own model; here the law's constants "
    "decide.",
    {
        "ratio * (flops / 6) ** (beta / (alpha + beta))": "(flops / 120) ** 0.5",
    },
)
optimal_allocation.slip(
    "split_evenly",
    "You made parameters and tokens equal. That is best only where both halves of the law are "
    "alike.",
    {
        "ratio * (flops / 6) ** (beta / (alpha + beta))": "(flops / 6) ** 0.5",
    },
)
optimal_allocation.slip(
    "tokens_without_six",
    "Your parameters are right, your tokens are not: D = C/(6N), and you left out the 6.",
    {"return size, flops / (6 * size)": "return size, flops / size"},
)
optimal_allocation.slip(
    "six_in_the_tokens_alone",
    "Your parameters are found without the 6: put C/6 for C in their formula, too.",
    {"(flops / 6)": "flops"},
)
optimal_allocation.slip(
    "without_the_power",
    "You did not take the ratio to the power 1/(α+β). Solve N^(α+β) = … for N.",
    {" ** (1 / (alpha + beta))\n": "\n"},
)
optimal_allocation.slip(
    "root_of_the_whole",
    "You took one square root of the ratio and C/6 together. Each has its own power: 1/(α+β) and "
    "β/(α+β).",
    {
        "ratio * (flops / 6) ** (beta / (alpha + beta))": (
            "(alpha * a / (beta * b) * flops / 6) ** 0.5"
        )
    },
)
optimal_allocation.hint("Put D = C/(6N) into the loss. Now it has one variable.")
optimal_allocation.hint(
    "At the lowest point, moving 1 % from tokens to parameters changes nothing: "
    "α·A·N^(−α) = β·B·D^(−β)."
)
optimal_allocation.hint("α = β and A = B: then N = D. Does yours?", when="value")
