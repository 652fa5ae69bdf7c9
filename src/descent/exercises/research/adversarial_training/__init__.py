"""What research/09_adversarial_training is judged by.

The oracles are gradients worked out by hand, closed forms, counts one by one, enumeration, and for
studies models and defences whose truth is known.
"""

from .audited_rate import audited_rate
from .choose_examples import choose_examples
from .compare_defences import compare_defences
from .cyclic_rate import cyclic_rate
from .diagnose_training import diagnose_training
from .fast_step import fast_step
from .fgsm import fgsm
from .margin_loss import margin_loss
from .masking_signs import masking_signs
from .name_clusters import name_clusters
from .pgd import pgd
from .project import project
from .random_start import random_start
from .red_team_loss import red_team_loss
from .robust_accuracy import robust_accuracy
from .self_overlap import self_overlap
from .smallest_perturbation import smallest_perturbation
from .steepest_step import steepest_step
from .transfer_matrix import transfer_matrix
from .unmask import unmask

__all__ = [
    "fgsm",
    "steepest_step",
    "project",
    "random_start",
    "pgd",
    "robust_accuracy",
    "smallest_perturbation",
    "margin_loss",
    "masking_signs",
    "unmask",
    "cyclic_rate",
    "fast_step",
    "diagnose_training",
    "transfer_matrix",
    "choose_examples",
    "red_team_loss",
    "self_overlap",
    "name_clusters",
    "audited_rate",
    "compare_defences",
]
