"""What research/08_interpretability is judged by.

The oracles are small networks computed by hand, functions whose slopes are written down, heads
that follow a known rule, loops over single numbers, and laboratories whose truth is known.
"""

from .ablation_effects import ablation_effects
from .enough_steps import enough_steps
from .induction_by_hand import induction_by_hand
from .induction_score import induction_score
from .integrated_gradients import integrated_gradients
from .linear_probe import linear_probe
from .match_features import match_features
from .name_head import name_head
from .patching_effect import patching_effect
from .previous_token_score import previous_token_score
from .record import record
from .repeated_batch import repeated_batch
from .run_with_edits import run_with_edits
from .saliency import saliency
from .selectivity import selectivity
from .sparse_loss import sparse_loss
from .state_mechanism import state_mechanism
from .study_heads import study_heads
from .unshrink import unshrink
from .visualise import visualise

__all__ = [
    "record",
    "saliency",
    "integrated_gradients",
    "enough_steps",
    "visualise",
    "run_with_edits",
    "ablation_effects",
    "state_mechanism",
    "repeated_batch",
    "previous_token_score",
    "induction_score",
    "name_head",
    "patching_effect",
    "induction_by_hand",
    "linear_probe",
    "selectivity",
    "sparse_loss",
    "match_features",
    "unshrink",
    "study_heads",
]
