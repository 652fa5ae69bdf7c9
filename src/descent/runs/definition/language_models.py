"""What runs declare alike that train a small language model on tiny Shakespeare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.data.fetch import RefusedFile, UnavailableFile, read
from descent.data.shakespeare import FILE
from descent.runs.definition.declaration import Data, Needs
from descent.training.settings import Settings, WrongSetting

TRAINING_SHARE = 0.9  # of the characters; the rest, at the end of the text, is for validation
BYTES_OF_A_WEIGHT = 16  # itself, its gradient, and AdamW's two means, in float32


@dataclass(frozen=True, kw_only=True)
class LanguageModelSettings(Settings):
    """Settings of the model and of AdamW; nanoGPT's names for them in brackets where they differ.

    Attributes
    ----------
    context, width, heads, layers
        The model's size: tokens it reads at once (block_size), features of a token (n_embd),
        attention heads (n_head) and blocks (n_layer).
    dropout
        Share that is dropped while training.
    learning_rate, least_rate
        The rate after the warm-up, and at the end (min_lr).
    warm_up
        Steps in which the rate rises (warmup_iters).
    beta2, weight_decay
        Of AdamW.
    text
        ``shakespeare``, or ``any``: then Python's own help text stands in where it is not there.
    """

    CHOICES: ClassVar = {"text": ("shakespeare", "any")}
    LEAST: ClassVar = {"context": 1, "width": 1, "heads": 1, "layers": 1}
    SHARES: ClassVar[tuple[str, ...]] = ("dropout", "beta2")

    context: int
    width: int
    heads: int
    layers: int
    dropout: float = 0.0
    learning_rate: float = 1e-3
    least_rate: float = 1e-4
    warm_up: int = 100
    beta2: float = 0.99
    weight_decay: float = 0.1
    text: str = "shakespeare"

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.width % self.heads:
            raise WrongSetting(f"width is {self.width}, which {self.heads} heads do not divide.")
        if not 0 < self.learning_rate >= self.least_rate:
            raise WrongSetting(
                f"learning_rate is {self.learning_rate}; it is above 0, and no less than "
                f"least_rate, which is {self.least_rate}."
            )


def needs_of(settings: LanguageModelSettings, vocabulary: int) -> Needs:
    """Estimate memory and disk: weights with their optimiser, and what the backward pass keeps."""
    width, context = settings.width, settings.context
    weights = (vocabulary + context) * width + settings.layers * 12 * width * width
    kept = settings.rows * context * (settings.layers * 20 * width + 3 * vocabulary) * 4
    return Needs(memory=weights * BYTES_OF_A_WEIGHT + kept, checkpoint=weights * 12)


def missing_text(settings: LanguageModelSettings) -> str | None:
    """Say why the plays cannot be had, or None."""
    if settings.text == "any":
        return None
    try:
        read(FILE)
    except (UnavailableFile, RefusedFile) as error:
        return str(error)
    return None


SHAKESPEARE = Data(
    name="tiny Shakespeare",
    size="1.1 MB",
    licence="",
    command='python -c "from descent.data import shakespeare; shakespeare()"',
    missing=missing_text,
)
