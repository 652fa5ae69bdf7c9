"""The run `nanogpt`: a small GPT that writes Shakespeare, character by character."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.data.fetch import RefusedFile, UnavailableFile, read
from descent.data.shakespeare import FILE
from descent.runs.definition.declaration import Data, Needs, Published, Run
from descent.training.settings import Settings, WrongSetting

CHARACTERS = 65  # of tiny Shakespeare; the stand-in's number is near it
IDEAS = ("rotary", "qk_norm", "squared_relu", "zero_projections")  # of `ModernGPT`
BYTES_OF_A_WEIGHT = 16  # itself, its gradient, and AdamW's two means, in float32


@dataclass(frozen=True, kw_only=True)
class NanoGptSettings(Settings):
    """Settings of the run; nanoGPT's names for them in brackets where they differ.

    Attributes
    ----------
    context, width, heads, layers
        The model's size: characters it reads at once (block_size), features of a character
        (n_embd), attention heads (n_head) and blocks (n_layer).
    dropout
        Share that is dropped while training.
    rotary, qk_norm, squared_relu, zero_projections
        Which later ideas our model has in it (see `models.modern_gpt`); nanoGPT has none.
    optimiser
        ``adamw``, or ``muon``: Muon for the hidden matrices, and AdamW for the rest.
    learning_rate, least_rate
        AdamW's rate after the warm-up, and at the end (min_lr). Muon's falls by the same factor.
    warm_up
        Steps in which the rate rises (warmup_iters).
    schedule
        How it falls then: ``cosine``, half of one; or ``linear``.
    fall
        Share of the steps after the warm-up in which a linear one falls; before, it stays.
    beta2, weight_decay
        Of AdamW.
    matrix_rate, matrix_decay, momentum, rounds
        Of Muon: its learning rate and weight decay, the share of the mean gradient that stays,
        and the rounds that make a step orthogonal.
    evaluation_batches
        Random batches whose mean is the loss of a split (eval_iters).
    text
        ``shakespeare``, or ``any``: then Python's own help text stands in where it is not there.
    """

    CHOICES: ClassVar = {
        "text": ("shakespeare", "any"),
        "optimiser": ("adamw", "muon"),
        "schedule": ("cosine", "linear"),
    }
    LEAST: ClassVar = {
        "context": 1,
        "width": 1,
        "heads": 1,
        "layers": 1,
        "evaluation_batches": 1,
        "rounds": 1,
    }
    MOST: ClassVar = {"fall": 1}
    SHARES: ClassVar = ("dropout", "beta2", "momentum")

    context: int
    width: int
    heads: int
    layers: int
    dropout: float = 0.0
    rotary: bool = False
    qk_norm: bool = False
    squared_relu: bool = False
    zero_projections: bool = False
    optimiser: str = "adamw"
    learning_rate: float = 1e-3
    least_rate: float = 1e-4
    warm_up: int = 100
    schedule: str = "cosine"
    fall: float = 1.0
    beta2: float = 0.99
    weight_decay: float = 0.1
    matrix_rate: float = 0.02
    matrix_decay: float = 0.0
    momentum: float = 0.95
    rounds: int = 5
    evaluation_batches: int = 20
    text: str = "shakespeare"

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.width % self.heads:
            raise WrongSetting(f"width is {self.width}, which {self.heads} heads do not divide.")
        if self.rotary and self.width // self.heads % 2:
            raise WrongSetting(
                f"rotary turns pairs of features, and a head has {self.width // self.heads} of "
                "them, an odd number. Take another number of heads, or rotary=false."
            )
        if not self.fall:
            raise WrongSetting(f"fall is {self.fall}; it is a share, from above 0 to 1.")
        if not 0 < self.learning_rate >= self.least_rate:
            raise WrongSetting(
                f"learning_rate is {self.learning_rate}; it is above 0, and no less than "
                f"least_rate, which is {self.least_rate}."
            )


def needs(settings: NanoGptSettings) -> Needs:
    """Estimate memory and disk: weights with their optimiser, and what the backward pass keeps."""
    width, context = settings.width, settings.context
    weights = (CHARACTERS + context) * width + settings.layers * 12 * width * width
    kept = settings.rows * context * (settings.layers * 20 * width + 3 * CHARACTERS) * 4
    return Needs(memory=weights * BYTES_OF_A_WEIGHT + kept, checkpoint=weights * 12)


def missing_text(settings: NanoGptSettings) -> str | None:
    """Say why the plays cannot be had, or None."""
    if settings.text == "any":
        return None
    try:
        read(FILE)
    except (UnavailableFile, RefusedFile) as error:
        return str(error)
    return None


RUN = Run(
    name="nanogpt",
    title="A small GPT that writes Shakespeare, character by character",
    chapter="ladder/16",
    settings=NanoGptSettings,
    mine=("ladder/16", "GPT"),
    needs=needs,
    data=Data(
        name="tiny Shakespeare",
        size="1.1 MB",
        licence="",
        command='python -c "from descent.data import shakespeare; shakespeare()"',
        missing=missing_text,
    ),
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
