"""Over-optimisation of a reward model: the proxy goes on rising, what it stands for does not.

The figure is HTML and plain JavaScript that needs neither a kernel nor a network: the same output
works in JupyterLab and in the book read from disk.
"""

from __future__ import annotations

from descent.figures.interactive import InteractiveFigure, interactive_figure

WORDS = 24  # in a completion; each pleases the proxy or does not
BATCH = 64  # completions, of which the share of distinct ones is counted
FURTHEST = 3.7  # √KL, with n at 2.4 million; a policy of pleasing words alone has 4.08
FLAWS = (0.2, 2.0)  # where the slider of β ends
STOP = 10.0  # nats: where chapter 7 stops training

# α and β of Gao and others' forms (2022), for best-of-n and for RL: of a made-up reward model, with
# the gold reward in units of its spread over what the first policy writes.
LAW = {"best": {"alpha": 1.0, "beta": 0.2}, "rl": {"alpha": 1.0, "beta": 0.6}}


def overoptimisation_figure(distance: float = 2.0, flaw: float = 1.0) -> InteractiveFigure:
    """Proxy and gold reward against √KL, for best-of-n and for RL, and what is left of variety.

    The proxy counts the pleasing words of a completion of 24, half of them in what the first policy
    writes. Its value follows exactly: for RL from the policy with the highest proxy at that KL, for
    best-of-n from the largest of n, at KL = ln n - (n - 1)/n. Gold follows the forms that Gao and
    others fitted to theirs, with d = √KL: d·(α - β·d) for best-of-n and d·(α - β·ln d) for RL. The
    reader moves d and β, and sees gold turn while the proxy goes on, and how many of 64
    completions are distinct.

    Parameters
    ----------
    distance : √KL from the first policy to begin with, in √nats, between 0 and 3.7.
    flaw : what β is multiplied by to begin with, between 0.2 and 2.

    Returns
    -------
    InteractiveFigure : as the last line of a cell, it is shown.

    Raises
    ------
    ValueError : a number is outside of its range.
    """
    if not 0 <= distance <= FURTHEST:
        raise ValueError(f"distance must be between 0 and {FURTHEST}")
    if not FLAWS[0] <= flaw <= FLAWS[1]:
        raise ValueError(f"flaw must be between {FLAWS[0]} and {FLAWS[1]}")
    return interactive_figure(
        "overoptimisation",
        "a proxy reward over-optimised, with best-of-n and RL",
        {
            "batch": BATCH,
            "distance": distance,
            "flaw": flaw,
            "flaws": FLAWS,
            "furthest": FURTHEST,
            "law": LAW,
            "stop": STOP,
            "words": WORDS,
        },
    )
