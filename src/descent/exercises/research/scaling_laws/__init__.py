"""What research/02_scaling_laws is judged by.

The oracles are torch's own layers run with a counter, brute force over all pairs of runs, numerical
minimisation and root finding, and laws that the grader made the data from.
"""

from .apparent_exponent import apparent_exponent
from .bootstrap_interval import bootstrap_interval
from .diagnose_study import diagnose_study
from .fit_power_law import fit_power_law
from .fit_with_floor import fit_with_floor
from .forward_flops import forward_flops
from .frontier import frontier
from .log_huber import log_huber
from .optimal_allocation import optimal_allocation
from .optimal_exponent import optimal_exponent
from .predict_largest import predict_largest
from .refit_law import refit_law
from .scaled_rates import scaled_rates
from .study_grid import study_grid

__all__ = [
    "forward_flops",
    "scaled_rates",
    "study_grid",
    "frontier",
    "fit_power_law",
    "bootstrap_interval",
    "optimal_exponent",
    "diagnose_study",
    "optimal_allocation",
    "apparent_exponent",
    "log_huber",
    "refit_law",
    "fit_with_floor",
    "predict_largest",
]
