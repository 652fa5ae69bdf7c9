"""What several exercises of ladder/adam_optax draw from and compare with."""

from __future__ import annotations

import numpy as np
import torch

from descent.grading import Draw

BETAS = (0.9, 0.999)


def drawn_tensor(draw: Draw, *shape: int) -> torch.Tensor:
    return torch.tensor(draw.normal(*shape), dtype=torch.float64)


def weighted_mean(history: np.ndarray, beta: float) -> np.ndarray:
    """The mean over the first axis where the last entry counts 1, the one before β, and so on."""
    weights = beta ** np.arange(len(history) - 1, -1, -1.0)
    return np.tensordot(weights / weights.sum(), history, axes=1)


def adam_moves(
    gradients: np.ndarray, rate: float, betas: tuple[float, float] = BETAS, epsilon: float = 1e-8
) -> np.ndarray:
    """The sum of Adam's steps along given gradients, shape (T, …), after each of them."""
    seen = [gradients[: t + 1] for t in range(len(gradients))]
    ratios = [
        weighted_mean(g, betas[0]) / (np.sqrt(weighted_mean(g**2, betas[1])) + epsilon)
        for g in seen
    ]
    return -rate * np.cumsum(ratios, axis=0)


def spoiled_adam(theta, gradient, m, v, t, learning_rate=1e-3, betas=BETAS, epsilon=1e-8, **habits):
    """A step of Adam with one bad habit, named by keyword: what the mistakes below share."""
    beta1, beta2 = betas[::-1] if habits.get("swapped") else betas
    old_m, old_v = m, v
    scale = gradient
    scale = gradient.sum() + 0 * gradient if habits.get("summed") else scale
    scale = (gradient**2).mean().sqrt() + 0 * gradient if habits.get("one_scale") else scale
    m = beta1 * m + (1 - beta1) * gradient
    scale = m if habits.get("square_of_mean") else scale
    v = beta2 * v + (1 - beta2) * scale**2
    t = t - 1 if habits.get("from_zero") else t
    t = t + 1 if habits.get("ahead") else t
    divisor1, divisor2 = (torch.tensor(1 - beta**t) for beta in (beta1, beta2))
    divisor2 = divisor1 if habits.get("v_by_beta1") else divisor2
    m_hat = m if habits.get("m_bare") else m / divisor1
    v_hat = v if habits.get("v_bare") else v / divisor2
    m_hat = gradient if habits.get("no_first") else m_hat
    m_hat = old_m / divisor1 if habits.get("old_m") or habits.get("old_both") else m_hat
    v_hat = old_v / divisor2 if habits.get("old_both") else v_hat
    if habits.get("stores_corrected"):
        m, v = m_hat, v_hat
    root = v_hat.sqrt() + epsilon
    root = (v_hat + epsilon).sqrt() if habits.get("inside") else root
    root = v_hat + epsilon if habits.get("no_root") else root
    root = v_hat.sqrt() if habits.get("no_epsilon") else root
    root = v.sqrt() / divisor2 + epsilon if habits.get("root_first") else root
    root = (v.sqrt() + epsilon) / divisor2.sqrt() if habits.get("epsilon_early") else root
    rate = -learning_rate if habits.get("climbs") else learning_rate
    rate = rate**2 if habits.get("rate_twice") else rate
    return theta - rate * m_hat / root, m, v


MISTAKES = {
    "no_correction": (
        "The bias correction is missing. m and v start at 0 and are too small at first, v far "
        "more than m, and the "
        "first step comes out three times too long.",
        {"m_bare": True, "v_bare": True},
    ),
    "first_moment_uncorrected": (
        "You corrected v and not m. Both averages start at 0: divide m by 1 − β₁ᵗ too.",
        {"m_bare": True},
    ),
    "second_moment_uncorrected": (
        "You corrected m and not v. Both averages start at 0: divide v by 1 − β₂ᵗ too.",
        {"v_bare": True},
    ),
    "epsilon_inside": (
        "Your epsilon is inside the root. Added to the squared gradient, 1e-8 swamps "
        "gradients of 1e-4; take the root "
        "of v̂ first, then add ε.",
        {"inside": True},
    ),
    "no_root": (
        "You divided by v̂ without its root. v̂ is a squared size: only its root has the "
        "units of the gradient, and "
        "cancels them.",
        {"no_root": True},
    ),
    "root_before_correction": (
        "You took the root of v before correcting it. Correct first, v̂ = v/(1 − β₂ᵗ), then "
        "take the root.",
        {"root_first": True},
    ),
    "no_epsilon": (
        "There is no epsilon: where every gradient so far was 0 you divide 0 by 0.",
        {"no_epsilon": True},
    ),
    "counter_from_zero": (
        "Your step counter is one behind. The first step has t = 1; with t − 1 the first "
        "correction divides by 0.",
        {"from_zero": True},
    ),
    "counter_ahead": (
        "Your step counter is one ahead: the correction of the first step is 1 − β, with t = 1.",
        {"ahead": True},
    ),
    "epsilon_before_correction": (
        "Your ε is added to √v before v is corrected, so that in the first steps it weighs up to "
        "thirty times too much. Correct v first, then take the root, then add ε.",
        {"epsilon_early": True},
    ),
    "betas_swapped": (
        "The betas have changed places: β₁ belongs to m and β₂ to v.",
        {"swapped": True},
    ),
    "first_moment_unused": (
        "Your step uses the gradient itself in place of m̂. That is RMSprop: it has the "
        "scale, but no momentum.",
        {"no_first": True},
    ),
    "old_first_moment": (
        "Your step uses the m from before the update. Bring m up to date with the new "
        "gradient first.",
        {"old_m": True},
    ),
    "old_averages": (
        "Your step uses the m and v from before the update, which are 0 at the first step. Bring "
        "both up to date with the new gradient, then take the step.",
        {"old_both": True},
    ),
    "second_corrected_by_first": (
        "You corrected v with β₁. Its memory is β₂: divide it by 1 − β₂ᵗ.",
        {"v_by_beta1": True},
    ),
    "square_of_mean": (
        "Your v averages m². The second moment is of the gradient itself: opposite gradients "
        "must not cancel in it.",
        {"square_of_mean": True},
    ),
    "summed_gradient": (
        "Your v is of the summed gradient, one number for all entries. Square entry by entry.",
        {"summed": True},
    ),
    "one_scale": (
        "Your v averages the squares over all entries, so that all parameters share a scale. "
        "Square entry by entry.",
        {"one_scale": True},
    ),
    "stored_corrected": (
        "You returned the corrected averages. The correction is for this step; what goes on "
        "to the next step is the "
        "plain m and v, or they are corrected again and again.",
        {"stores_corrected": True},
    ),
    "climbed": (
        "You added the step. Subtract it: m̂ points uphill, like the gradient.",
        {"climbs": True},
    ),
    "rate_twice": ("The learning rate is in your step twice.", {"rate_twice": True}),
}
