"""The run `gpt2`: GPT-2's smallest model on OpenWebText, on one GPU or many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from descent.data.fetch import DataError, KnownFile, RefusedFile, UnavailableFile, read
from descent.data.gpt2_bpe import MERGES_FILE, VOCABULARY_FILE, gpt2_bpe
from descent.data.shakespeare import FILE as SHAKESPEARE_FILE
from descent.data.small_texts import SMALL
from descent.data.token_shards import Index
from descent.data.token_texts import OPENWEBTEXT, find_folder, prepare
from descent.runs.definition.declaration import Data, Needs, Published, Run
from descent.training.settings import Settings, WrongSetting

VOCABULARY = 50257  # GPT-2's; that of other tokens is smaller
PADDING = 64  # a vocabulary that this divides makes faster kernels: GPT-2's becomes 50 304
BYTES_OF_A_WEIGHT = 16  # itself, its gradient, and AdamW's two means, in float32
NUMBERS_KEPT = 34  # of each feature of a token in a block, for the backward pass


@dataclass(frozen=True, kw_only=True)
class Gpt2Settings(Settings):
    """Settings of the run; nanoGPT's names for them in brackets where they differ.

    Attributes
    ----------
    context, width, heads, layers
        The model's size: tokens it reads at once (block_size), features of a token (n_embd),
        attention heads (n_head) and blocks (n_layer).
    dropout
        Share that is dropped while training.
    bias
        Whether our model's linear maps and norms add a bias, as OpenAI's do.
    start
        Weights to begin with (init_from): ``random``, or OpenAI's ``gpt2``, ``gpt2-medium``,
        ``gpt2-large`` or ``gpt2-xl``, with the sizes to match and bias=true.
    learning_rate, least_rate
        Where the rate is after the warm-up, and where its cosine ends (min_lr).
    warm_up
        Steps in which the rate rises (warmup_iters).
    beta2, weight_decay
        Of AdamW.
    evaluation_batches, evaluation_rows
        Random batches whose mean is the loss of a split (eval_iters), and the windows in each, over
        all processes together.
    data
        ``openwebtext``; ``made`` (small stories) or ``shakespeare``, which are prepared where they
        are first needed; or the folder of other shards.
    encoding
        ``gpt2``, or ``any``: then single bytes stand in where GPT-2's files are not there.
    """

    CHOICES: ClassVar = {"encoding": ("gpt2", "any")}
    LEAST: ClassVar = {
        "context": 1,
        "width": 1,
        "heads": 1,
        "layers": 1,
        "evaluation_batches": 1,
        "evaluation_rows": 1,
    }
    SHARES: ClassVar = ("dropout", "beta2")

    context: int
    width: int
    heads: int
    layers: int
    dropout: float = 0.0
    bias: bool = False
    start: str = "random"
    learning_rate: float = 6e-4
    least_rate: float = 6e-5
    warm_up: int = 2000
    beta2: float = 0.95
    weight_decay: float = 0.1
    evaluation_batches: int = 150
    evaluation_rows: int = 16
    data: str = "openwebtext"
    encoding: str = "gpt2"

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name."""
        super().__post_init__()
        if self.width % self.heads:
            raise WrongSetting(f"width is {self.width}, which {self.heads} heads do not divide.")
        if self.evaluation_rows % self.world:
            raise WrongSetting(
                f"evaluation_rows is {self.evaluation_rows}, which does not divide among "
                f"{self.world} processes."
            )
        self._check_start()

    def _check_start(self) -> None:
        """Refuse published weights that would not fit the sizes."""
        if self.start == "random":
            return
        from descent.models.openai import CONTEXT, SIZES

        if self.start not in SIZES:
            raise WrongSetting(
                f"start is {self.start!r}; it can be {' or '.join(['random', *SIZES])}."
            )
        size = SIZES[self.start]
        fits = (self.width, self.heads, self.layers) == size and self.context <= CONTEXT
        if not fits or not self.bias or self.model == "mine":
            raise WrongSetting(
                f"start is {self.start}, whose weights are for model=ours with bias=true, "
                f"width={size.width}, heads={size.heads}, layers={size.layers} and a context of at "
                f"most {CONTEXT}."
            )


def padded(tokens: int) -> int:
    """Return the size of a model's vocabulary: as many tokens, or up to 63 more."""
    return -(-tokens // PADDING) * PADDING


def needs(settings: Gpt2Settings) -> Needs:
    """Estimate memory and disk: weights with their optimiser, and what the backward pass keeps."""
    from descent.models.gpt import parameter_count

    s = settings
    vocabulary = padded(VOCABULARY)
    weights = parameter_count(vocabulary, s.context, s.width, s.layers, s.bias)
    state = weights * BYTES_OF_A_WEIGHT
    if s.shard == "full":  # gradients are whole until the last part of a batch is done
        state = state // s.world + (weights * 4 if s.rows * s.world < s.batch_size else 0)
    bytes_kept = 4 if s.precision == "float32" else 2
    features = s.layers * NUMBERS_KEPT * s.width * bytes_kept
    logits = vocabulary * (8 + bytes_kept)  # as they come, and for the loss in float32
    return Needs(
        memory=state + s.rows * s.context * (features + logits),
        checkpoint=weights * 12,
    )


def missing_tokens(settings: Gpt2Settings) -> str | None:
    """Say why the tokens cannot be had, or None.

    Raises
    ------
    NoWeights
        When the settings begin with OpenAI's weights, and these cannot be had.
    """
    if settings.start != "random":
        from descent.models.openai import load_openai_weights

        load_openai_weights(settings.start)
    if settings.data in SMALL:
        files = [MERGES_FILE, VOCABULARY_FILE]
        files = files if settings.encoding == "gpt2" else []
        return _missing_file([*files, *([SHAKESPEARE_FILE] if settings.data != "made" else [])])
    try:
        return Index(find_folder(settings.data)).problem()
    except DataError as error:
        return str(error)


def _missing_file(files: list[KnownFile]) -> str | None:
    for file in files:
        try:
            read(file)
        except (UnavailableFile, RefusedFile) as error:
            return str(error)
    return None


def prepare_tokens(source: str, folder: Path | None) -> None:
    """Make the shards of OpenWebText, or of another source; interrupted, it goes on.

    Raises
    ------
    DataError
        When the source, GPT-2's files or the room for the shards are missing.
    """
    bpe = gpt2_bpe()
    if not bpe.merges:
        raise DataError("GPT-2's vocab.bpe and encoder.json are needed, and are not there.")
    folder = folder or find_folder("openwebtext")
    print(f"The shards go to {folder}")
    prepare(source or OPENWEBTEXT, folder, bpe)


NANOGPT_NODE = (
    "nanoGPT's README, which says only 'loss': 8 A100 in about 4 days (5, its configuration says), "
    "mean of 200 random batches"
)
NANOGPT_TABLE = "nanoGPT's README, its table of baselines: OpenAI's 124M evaluated on OpenWebText"

RUN = Run(
    name="gpt2",
    title="GPT-2's smallest model on OpenWebText",
    chapter="ladder/17",
    settings=Gpt2Settings,
    mine=("ladder/16", "GPT"),
    needs=needs,
    data=Data(
        name="OpenWebText in GPT-2's tokens",
        size="9 billion tokens, 18 GB of shards; to make them another 54 GB of disk",
        licence="The texts belong to their authors: read the terms of OpenWebText first.",
        command="descent prepare gpt2",
        missing=missing_tokens,
        prepare=prepare_tokens,
    ),
    published=(
        Published("multi-gpu", "validation loss", 2.85, NANOGPT_NODE),
        Published("slurm", "validation loss", 2.85, NANOGPT_NODE),
        Published("openai", "validation loss", 3.12, NANOGPT_TABLE),
    ),
)
