"""The run `nanogpt`: a small GPT that writes Shakespeare, character by character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.runs.definition.declaration import Needs, Published, Run
from descent.runs.definition.language_models import SHAKESPEARE, LanguageModelSettings, needs_of
from descent.training.settings import WrongSetting

CHARACTERS = 65  # of tiny Shakespeare; the stand-in's number is near it
IDEAS = ("rotary", "qk_norm", "squared_relu", "zero_projections")  # of `ModernGPT`


@dataclass(frozen=True, kw_only=True)
class NanoGptSettings(LanguageModelSettings):
    """Settings of the run, besides those of every language model; nanoGPT's names in brackets.

    Attributes
    ----------
    rotary, qk_norm, squared_relu, zero_projections
        Which later ideas our model has in it (see `models.modern_gpt`); nanoGPT has none.
    optimiser
        ``adamw``, or ``muon``: Muon for the hidden matrices, and AdamW for the rest. Muon's rate
        falls by the same factor as AdamW's.
    schedule
        How the rate falls after the warm-up: ``cosine``, half of one; or ``linear``.
    fall
        Share of the steps after the warm-up in which a linear one falls; before, it stays.
    matrix_rate, matrix_decay, momentum, rounds
        Of Muon: its learning rate and weight decay, the share of the mean gradient that stays,
        and the rounds that make a step orthogonal.
    evaluation_batches
        Random batches whose mean is the loss of a split (eval_iters).
    """

    CHOICES: ClassVar = {
        "optimiser": ("adamw", "muon"),
        "schedule": ("cosine", "linear"),
    }
    LEAST: ClassVar = {"evaluation_batches": 1, "rounds": 1}
    MOST: ClassVar = {"fall": 1}
    SHARES: ClassVar = ("momentum",)

    rotary: bool = False
    qk_norm: bool = False
    squared_relu: bool = False
    zero_projections: bool = False
    optimiser: str = "adamw"
    schedule: str = "cosine"
    fall: float = 1.0
    matrix_rate: float = 0.02
    matrix_decay: float = 0.0
    momentum: float = 0.95
    rounds: int = 5
    evaluation_batches: int = 20

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.rotary and self.width // self.heads % 2:
            raise WrongSetting(
                f"rotary turns pairs of features, and a head has {self.width // self.heads} of "
                "them, an odd number. Take another number of heads, or rotary=false."
            )
        if not self.fall:
            raise WrongSetting(f"fall is {self.fall}; it is a share, from above 0 to 1.")


def needs(settings: NanoGptSettings) -> Needs:
    """Estimate memory and disk: weights with their optimiser, and what the backward pass keeps."""
    return needs_of(settings, CHARACTERS)


RUN = Run(
    name="nanogpt",
    title="A small GPT that writes Shakespeare, character by character",
    chapter="ladder/16",
    settings=NanoGptSettings,
    mine=("ladder/16", "GPT"),
    needs=needs,
    data=SHAKESPEARE,
    published=(
        Published(
            "cpu",
            "validation loss",
            1.88,
            "nanoGPT's README, which says only 'loss', CPU configuration: mean of 20 random "
            "batches after 2000 iterations",
        ),
        Published(
            "gpu",
            "validation loss",
            1.4697,
            "nanoGPT's README, one A100: the best of 5000 iterations, mean of 200 random batches",
        ),
    ),
)
