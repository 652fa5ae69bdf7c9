"""How `unshrink` is judged: by least squares in another way, on codes that the grader shrank."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

unshrink = Exercise("unshrink", minutes=20, difficulty=2, returns=torch.Tensor)


def _by_hand(x, codes, decoder, centre) -> np.ndarray:
    """Least squares of all numbers of x in one column, by numpy."""
    x, codes, decoder, centre = (v.double().numpy() for v in (x, codes, decoder, centre))
    alive = np.flatnonzero(codes.any(axis=0))
    scales = np.ones(codes.shape[1])
    if len(alive):
        columns = [np.outer(codes[:, k], decoder[k]).reshape(-1) for k in alive]
        scales[alive] = np.linalg.lstsq(np.stack(columns, 1), (x - centre).reshape(-1), rcond=None)[
            0
        ]
    return scales


def _case(draw: Draw):
    n, d, k = 30 + draw.size, 4, 3 + draw.size % 4
    codes = (normals(draw, n, k) - 0.4).relu()
    codes[:k] += torch.eye(k)
    decoder = normals(draw, k, d) + 0.3
    centre = normals(draw, d) + 0.4
    scales = torch.tensor(draw.uniform(0.8, 2.0, k)).float()
    x = (codes * scales) @ decoder + centre + 0.1 * normals(draw, n, d)
    return x, codes, decoder, centre


@unshrink.property("gives the factors with the smallest squared error, all together", trials=7)
def _(answer, draw: Draw) -> None:
    case = _case(draw)
    expect(answer(*case), "the factors").close_to(_by_hand(*case), rtol=2e-3, atol=2e-3)


@unshrink.property("gives back what was shrunk", trials=3)
def _(answer, draw: Draw) -> None:
    x, codes, decoder, centre = _case(draw)
    factors = torch.tensor(draw.uniform(1.1, 1.9, codes.shape[1])).float()
    x = (codes * factors) @ decoder + centre
    expect(answer(x, codes, decoder, centre), "the factors").close_to(factors, rtol=1e-2, atol=1e-2)


@unshrink.property("may be below 0, where the error is smallest there", trials=1)
def _(answer, draw: Draw) -> None:
    x, codes, decoder, centre = _case(draw)
    factors = torch.ones(codes.shape[1])
    factors[0] = -0.6
    x = (codes * factors) @ decoder + centre
    expect(answer(x, codes, decoder, centre), "the factors").close_to(factors, rtol=1e-2, atol=1e-2)


@unshrink.property("is 1 for a feature that is never active", trials=3)
def _(answer, draw: Draw) -> None:
    x, codes, decoder, centre = _case(draw)
    codes[:, 1:3] = 0.0
    codes[3, 2] = 0.4  # and one that is active once
    case = (x, codes, decoder, centre)
    expect(answer(*case), "the factors").close_to(_by_hand(*case), rtol=2e-3, atol=2e-3)


@unshrink.property("works for one feature, and where all are dead", trials=2)
def _(answer, draw: Draw) -> None:
    x, codes, decoder, centre = _case(draw)
    case = (x, codes[:, :1], decoder[:1], centre)
    expect(answer(*case), "the factor").close_to(_by_hand(*case), rtol=2e-3, atol=2e-3)
    found = answer(x, 0 * codes, decoder, centre)
    expect(found, "the factors where all are dead").close_to(torch.ones(codes.shape[1]), atol=1e-5)


@unshrink.right
def right_factors(x, codes, decoder, centre):
    alive = codes.sum(dim=0) > 0
    active, rows = codes[:, alive].double(), decoder[alive].double()
    factors = torch.ones(codes.shape[1], dtype=torch.float64)
    if not alive.any():
        return factors.float()
    left = (active.T @ active) * (rows @ rows.T)
    right = ((active.T @ (x - centre).double()) * rows).sum(dim=1)
    factors[alive] = torch.linalg.lstsq(left, right[:, None]).solution[:, 0]
    return factors.float()


unshrink.slip(
    "each_on_its_own",
    "You fitted each feature alone. Those that overlap then explain the same part of "
    "x twice: solve "
    "for all factors together.",
    {"torch.linalg.lstsq(left, right[:, None]).solution[:, 0]": "right / left.diagonal()"},
)
unshrink.slip(
    "directions_ignored",
    "You left out how the directions overlap: the table of equations has the codes' "
    "products alone.",
    {"(active.T @ active) * (rows @ rows.T)": "active.T @ active"},
)
unshrink.slip(
    "codes_ignored",
    "You left out how often features are active together.",
    {"(active.T @ active) * (rows @ rows.T)": "len(x) * (rows @ rows.T)"},
)
unshrink.slip(
    "centre_forgotten",
    "You did not take the centre off x. The factors then try to make up for it.",
    {"(x - centre)": "x"},
)
unshrink.slip(
    "centre_added",
    "You added the centre to x. Take it off.",
    {"(x - centre)": "(x + centre)"},
)
unshrink.slip(
    "upside_down",
    "Your factors are upside down: they are what the codes were shrunk *by*. Multiply the codes by "
    "the factors and x should come out.",
    {
        "factors[alive] = torch.linalg.lstsq(left, right[:, None]).solution[:, 0]": (
            "factors[alive] = 1 / torch.linalg.lstsq(left, right[:, None]).solution[:, 0]"
        )
    },
)
unshrink.slip(
    "dead_are_zero",
    "A feature that is never active got the factor 0. Nothing is known of it: leave it at 1.",
    {"torch.ones(codes.shape[1],": "torch.zeros(codes.shape[1],"},
)
unshrink.slip(
    "dead_are_nan",
    "A feature that is never active makes your equations unsolvable. Leave it out of them.",
    {
        "alive = codes.sum(dim=0) > 0": "alive = codes.sum(dim=0) >= 0",
        "torch.linalg.lstsq(left, right[:, None]).solution[:, 0]": (
            "torch.linalg.pinv(left) @ right + 0 * right / left.diagonal()"
        ),
    },
)
unshrink.slip(
    "one_factor_for_all",
    "You gave all features one factor. Rare and weak ones are shrunk more than others.",
    {"torch.linalg.lstsq(left, right[:, None]).solution[:, 0]": "right.sum() / left.sum()"},
)
unshrink.slip(
    "what_is_missing",
    "You returned how much is missing. The factor multiplies the code: 1 and what is missing.",
    {"right[:, None]).solution[:, 0]": "right[:, None]).solution[:, 0] - 1"},
)
unshrink.slip(
    "ratio_of_lengths",
    "You compared the length of x with that of what was rebuilt. Least squares weighs where each "
    "feature is active.",
    {
        "torch.linalg.lstsq(left, right[:, None]).solution[:, 0]": (
            "(x - centre).norm() / (active @ rows).norm()"
        )
    },
)
unshrink.slip(
    "never_smaller",
    "You raised factors below 1 to 1. The best factor may be smaller.",
    {"right[:, None]).solution[:, 0]": "right[:, None]).solution[:, 0].clamp(min=1)"},
)
unshrink.slip(
    "unit_directions",
    "You divided the decoder's rows by their lengths on the way. The factors are for "
    "the decoder as "
    "it is.",
    {"decoder[alive].double()": ("torch.nn.functional.normalize(decoder[alive].double(), dim=1)")},
)

_SOLUTION = "torch.linalg.lstsq(left, right[:, None]).solution[:, 0]"
unshrink.slip(
    "others_left_as_they_are",
    "You fitted each feature to what the others leave over, and left these shrunken as they are. "
    "They change too: solve for all factors together.",
    {
        _SOLUTION: (
            "1 + ((active.T @ ((x - centre).double() - active @ rows)) * rows).sum(dim=1) "
            "/ left.diagonal()"
        )
    },
)
unshrink.slip(
    "one_factor_for_all_and_the_dead",
    "You gave all features one factor, those that are never active among them. Rare and weak ones "
    "are shrunk more than others, and of a dead one nothing is known.",
    {f"factors[alive] = {_SOLUTION}": "factors[:] = right.sum() / left.sum()"},
)
unshrink.slip(
    "dead_in_the_equations",
    "A feature that is never active makes your equations unsolvable: its row and column are 0. "
    "Leave it out of them.",
    {
        "alive = codes.sum(dim=0) > 0": "alive = codes.sum(dim=0) >= 0",
        _SOLUTION: "torch.linalg.solve(left, right)",
    },
)
unshrink.slip(
    "projections_compared",
    "You compared how far x goes in each feature's direction with the size of its code. The others "
    "go in that direction as well: solve for all factors together.",
    {
        _SOLUTION: (
            "(((x - centre).double() @ torch.nn.functional.normalize(rows, dim=1).T) "
            "* (active > 0)).sum(dim=0) / (active * rows.norm(dim=1)).sum(dim=0)"
        )
    },
)
unshrink.slip(
    "codes_found_anew",
    "You found new codes for every row, and compared them with the old ones. What is asked for is "
    "one factor a feature, with the codes as they are: least squares for the factors themselves.",
    {
        _SOLUTION: (
            "(((x - centre).double() @ torch.linalg.pinv(decoder.double()))[:, alive] * active)"
            ".sum(dim=0) / active.square().sum(dim=0)"
        )
    },
)
unshrink.slip(
    "never_below_zero",
    "You raised factors below 0 to 0. The best factor may be negative.",
    {"right[:, None]).solution[:, 0]": "right[:, None]).solution[:, 0].clamp(min=0)"},
)

unshrink.equivalent(
    "`alive = codes.sum(dim=0) > 0` → `alive = codes.mean(dim=0) > 0`",
    because="a mean is above 0 where the sum is",
)
_SOLVED = "factors[alive] = torch.linalg.lstsq(left, right[:, None]).solution[:, {}]"
unshrink.equivalent(
    f"`{_SOLVED.format('0')}` → `{_SOLVED.format('-1')}`",
    because="of one column the first is the last",
)

unshrink.hint("x − centre should be Σₖ sₖ · codeₖ · decoderₖ. Which sₖ make the error smallest?")
unshrink.hint("Set the slope for each sₖ to 0: as many linear equations as features.")
unshrink.hint("Entry (k, l): (codes of k · codes of l) × (direction of k · direction of l).")
