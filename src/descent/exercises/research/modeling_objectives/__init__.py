"""What research/05_modeling_objectives is judged by.

The oracles are loops over single numbers, torch's distributions and autograd, Bayes' rule with
precisions, and for studies models and generators whose truth is known.
"""

from .classify_by_mean_similarity import classify_by_mean_similarity
from .denoiser import Denoiser
from .diagnose_embedding import diagnose_embedding
from .elbo import elbo
from .exact_noise import exact_noise
from .gan_losses import gan_losses
from .gaussian_kl import gaussian_kl
from .importance_log_likelihood import importance_log_likelihood
from .latent_walk import latent_walk
from .modes_covered import modes_covered
from .noise_levels import noise_levels
from .noised import noised
from .sample_step import sample_step
from .supervised_contrastive_loss import supervised_contrastive_loss
from .two_view_loss import two_view_loss

__all__ = [
    "two_view_loss",
    "supervised_contrastive_loss",
    "classify_by_mean_similarity",
    "diagnose_embedding",
    "gaussian_kl",
    "elbo",
    "importance_log_likelihood",
    "latent_walk",
    "gan_losses",
    "modes_covered",
    "noise_levels",
    "noised",
    "exact_noise",
    "Denoiser",
    "sample_step",
]
