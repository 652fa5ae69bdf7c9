"""The run `nanogpt`: a small GPT that writes Shakespeare, character by character."""

from __future__ import annotations

from dataclasses import dataclass

from descent.data.fetch import RefusedFile, UnavailableFile, read
from descent.data.shakespeare import FILE
from descent.runs.run import Data, Needs, Published, Run
from descent.training.settings import Settings, WrongSetting

CHARACTERS = 65  # of tiny Shakespeare; the stand-in's number is near it
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
    learning_rate, least_rate
        Where the rate is after the warm-up, and where its cosine ends (min_lr).
    warm_up
        Steps in which the rate rises (warmup_iters).
    beta2, weight_decay
        Of AdamW.
    evaluation_batches
        Random batches whose mean is the loss of a split (eval_iters).
    text
        ``shakespeare``, or ``any``: then Python's own help text stands in where it is not there.
    """

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
    evaluation_batches: int = 20
    text: str = "shakespeare"

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.text not in ("shakespeare", "any"):
            raise WrongSetting(f"text is {self.text!r}; it can be shakespeare or any.")
        for name in ("context", "width", "heads", "layers", "evaluation_batches"):
            if getattr(self, name) < 1:
                raise WrongSetting(f"{name} is {getattr(self, name)}; the least is 1.")
        if self.width % self.heads:
            raise WrongSetting(f"width is {self.width}, which {self.heads} heads do not divide.")
        if not 0 <= self.dropout < 1:
            raise WrongSetting(f"dropout is {self.dropout}; it is a share, from 0 to below 1.")


def needs(settings: NanoGptSettings) -> Needs:
    """Estimate memory and disk: weights with their optimiser, and what the backward pass keeps."""
    width, context = settings.width, settings.context
    weights = (CHARACTERS + context) * width + settings.layers * 12 * width * width
    rows = settings.micro_batch or -(-settings.batch_size // (settings.processes * settings.nodes))
    kept = rows * context * (settings.layers * 20 * width + 3 * CHARACTERS) * 4
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


NANOGPT = Run(
    name="nanogpt",
    title="A small GPT that writes Shakespeare, character by character",
    chapter="ladder/16",
    settings=NanoGptSettings,
    program="descent.runs.programs.nanogpt",
    mine=("ladder/13", "CausalTransformer"),
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
            "nanoGPT's README, CPU configuration: mean of 20 random batches after 2000 iterations",
        ),
        Published(
            "gpu",
            "validation loss",
            1.4697,
            "nanoGPT's README, one A100: the best of 5000 iterations, mean of 200 random batches",
        ),
    ),
)
