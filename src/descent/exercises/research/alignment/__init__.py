"""What research/07_alignment is judged by.

The oracles go token by token with Python's floats; they enumerate choices, prefixes and pairs, and
for studies they simulate trainings whose truth is known.
"""

from .best_of_n import best_of_n
from .blind_result import blind_result
from .calibration import calibration
from .choose_checkpoint import choose_checkpoint
from .compare_rewards import compare_rewards
from .diagnose_run import diagnose_run
from .distinct_share import distinct_share
from .dpo_loss import dpo_loss
from .estimator_report import estimator_report
from .exact_kl import exact_kl
from .fit_gao import fit_gao
from .group_advantages import group_advantages
from .kl_estimates import kl_estimates
from .policy_loss import policy_loss
from .reward_model import RewardModel
from .reward_scale import RewardScale
from .sample_completions import sample_completions
from .soft_label_loss import soft_label_loss
from .votes_to_labels import votes_to_labels

__all__ = [
    "sample_completions",
    "votes_to_labels",
    "RewardModel",
    "soft_label_loss",
    "calibration",
    "RewardScale",
    "exact_kl",
    "kl_estimates",
    "estimator_report",
    "policy_loss",
    "distinct_share",
    "choose_checkpoint",
    "diagnose_run",
    "best_of_n",
    "fit_gao",
    "group_advantages",
    "dpo_loss",
    "blind_result",
    "compare_rewards",
]
