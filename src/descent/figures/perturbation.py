"""Adversarial examples in the plane: one step against many, and a boundary trained under attack.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from descent.figures.interactive import InteractiveFigure, interactive_figure

REACH = 2.8  # the picture shows this far in all four directions
MOST = 0.8  # the largest ε
NORMS = ("l2", "linf")

# 60 points to train on and 240 others to measure with; both networks begin with the same weights.
TRAINING = {"epsilon": 0.4, "norm": "l2", "points": 60, "seed": 1, "steps": 600}
DRAWN = {"seed": 7, "test": 240}


def perturbation_figure(
    epsilon: float = 0.5, norm: str = "l2", point: tuple[float, float] = (0.27, -0.87)
) -> InteractiveFigure:
    """Attacks on two small networks that tell a ring from what is inside and outside of it.

    Both are trained in the page on the same 60 points, one plainly, one on points that PGD has
    moved. The reader moves a point, ε and the norm, and sees the ball, the one step of FGSM and
    the path of PGD, whether each leaves the class, and the accuracy of both networks on 240 other
    points: as they are, under FGSM and under PGD.

    Parameters
    ----------
    epsilon : radius of the ball to begin with, between 0 and 0.8.
    norm : of the ball to begin with, "l2" or "linf".
    point : what is attacked to begin with, (x, y), at most 2.8 away from 0 in both directions.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : an argument is not one of these.
    """
    if not 0 <= epsilon <= MOST:
        raise ValueError(f"epsilon must be between 0 and {MOST}")
    if norm not in NORMS:
        raise ValueError(f"norm must be one of {', '.join(NORMS)}")
    if len(point) != 2 or not all(abs(v) <= REACH for v in point):
        raise ValueError(f"point must be two numbers at most {REACH} away from 0")
    return interactive_figure(
        "perturbation",
        "adversarial examples in the plane: FGSM, PGD and training under attack",
        {
            "drawn": DRAWN,
            "epsilon": epsilon,
            "most": MOST,
            "norm": norm,
            "norms": NORMS,
            "point": list(point),
            "reach": REACH,
            "training": TRAINING,
        },
        model="perturbation_model",
    )
