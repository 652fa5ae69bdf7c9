"""What research/04_optimization is judged by.

The oracles are the recursion taken step by step where the answer has a closed form, exact
expectations and large samples where it simulates, and numerical minima where it searches.
"""

from .best_rate import best_rate
from .critical_batch import critical_batch
from .diagnose import diagnose
from .expected_loss import expected_loss
from .greedy_rates import greedy_rates
from .log_slope import log_slope
from .moments_step import moments_step
from .momentum_step import momentum_step
from .noise_scale import noise_scale
from .plan_rates import plan_rates
from .search_schedule import search_schedule
from .sharpness import sharpness
from .simulate_adam import simulate_adam
from .simulate_sgd import simulate_sgd
from .steps_to_target import steps_to_target

__all__ = [
    "moments_step",
    "simulate_sgd",
    "expected_loss",
    "steps_to_target",
    "best_rate",
    "log_slope",
    "critical_batch",
    "momentum_step",
    "simulate_adam",
    "greedy_rates",
    "plan_rates",
    "search_schedule",
    "noise_scale",
    "diagnose",
    "sharpness",
]
