"""What `gpt2` trains, with nanoGPT's batches, schedule, parameter groups and estimate."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from descent.data.gpt2_bpe import SOURCE
from descent.data.small_texts import SMALL, prepare_small
from descent.data.token_shards import BrokenShards, Index, Tokens
from descent.data.token_texts import find_folder
from descent.models.gpt import GPT
from descent.models.openai import load_openai_weights
from descent.runs.definition.contract import check_language_model
from descent.runs.gpt2 import Gpt2Settings, padded
from descent.training.distributed import Processes, first_before_others, mean_over, share
from descent.training.randomness import generator
from descent.training.recipes import cosine_rate, decay_groups

ESTIMATE = 1_000_003  # draws the batches of the estimate apart from any step's
TRIAL = {"vocabulary": 320, "context": 32, "layers": 2}  # what a learner's model is tried on


class TokenTask:
    """Predict the next token of a text in shards.

    Parameters
    ----------
    settings : Gpt2Settings
    device : str
    model_class : type, optional
        The learner's own, made with (vocabulary, context, width, heads, layers).
    """

    def __init__(
        self, settings: Gpt2Settings, device: str, model_class: type[nn.Module] | None = None
    ) -> None:
        self.settings = settings
        self.device = device
        self.model_class = model_class
        index = _index(settings)
        assert index.origin is not None
        self.origin = index.origin
        self.splits = {split: Tokens(index, split) for split in ("training", "validation")}
        self.weights = 0

    def model(self) -> nn.Module:
        """Make ours, the learner's, or OpenAI's."""
        s = self.settings
        size = (padded(self.origin.vocabulary), s.context, s.width, s.heads, s.layers)
        made: nn.Module
        if s.start != "random":
            made = load_openai_weights(s.start, s.context, s.dropout)
        elif self.model_class:
            made = self.model_class(*size)
        else:
            made = GPT(*size, dropout=s.dropout, bias=s.bias)
        self.weights = sum(weight.numel() for weight in made.parameters())
        return made

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """AdamW; matrices decay, gains and biases do not."""
        used = decay_groups(model.parameters(), self.settings.weight_decay)
        betas = (0.9, self.settings.beta2)
        fused = self.device != "cpu"
        return [AdamW(used, lr=self.settings.learning_rate, betas=betas, fused=fused)]

    def rate(self, step: int) -> float:
        """Rise in a line, then fall along half a cosine, as a share of the learning rate."""
        s = self.settings
        return cosine_rate(step, s.steps, s.warm_up, s.least_rate / s.learning_rate)

    def operations(self) -> float:
        """Count an update's operations: 6 for each weight and token, and those of attention.

        Two for a weight's multiplication and addition, twice as many again in the backward pass.
        Attention multiplies queries with keys and weights with values: 12 × layers × width ×
        context for each token, backward pass included. Positions are looked up, not multiplied.
        As nanoGPT counts, after appendix B of the PaLM paper; the causal mask is not made use of.
        """
        s = self.settings
        multiplied = self.weights - s.context * s.width
        each = 6 * multiplied + 12 * s.layers * s.width * s.context
        return float(each * s.context * s.batch_size)

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Mean cross-entropy of some rows of a step's batch, in nats for each token."""
        seed = (self.settings.seed, step)
        return self._loss(model, "training", self.settings.batch_size, rows, seed)

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Estimate the loss of both splits by random batches, the same ones each time."""
        s = self.settings
        rows = share(s.evaluation_rows, processes)
        measured = {}
        for split in self.splits:
            seeds = ((s.seed, ESTIMATE, batch) for batch in range(s.evaluation_batches))
            losses = [
                self._loss(model, split, s.evaluation_rows, rows, numbers).double()
                for numbers in seeds
            ]
            measured[f"{split}_loss"] = float(mean_over(torch.stack(losses).mean(), processes))
        return measured

    def _loss(
        self, model: nn.Module, split: str, count: int, rows: range, seed: tuple[int, ...]
    ) -> Tensor:
        length = self.settings.context + 1
        cut = self.splits[split].windows(generator(*seed), count, rows, length)
        window = torch.from_numpy(cut)
        if self.device != "cpu":  # the copy goes on while the program does
            window = window.pin_memory().to(self.device, non_blocking=True)
        logits = model(window[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())


def make_task(
    settings: Gpt2Settings, device: str, model_class: type[nn.Module] | None = None
) -> TokenTask:
    """Make what the loop trains."""
    return TokenTask(settings, device, model_class)


def _index(settings: Gpt2Settings) -> Index:
    """Find the shards; a small text's are made if they are not there, by the first process."""
    if settings.data in SMALL:
        with first_before_others():
            return Index(prepare_small(settings.data))
    index = Index(find_folder(settings.data))
    if settings.start != "random" and index.origin and index.origin.encoding != SOURCE:
        raise BrokenShards(
            f"{index.folder} is in {index.origin.encoding}; OpenAI's weights read {SOURCE}."
        )
    return index


def check_model(model_class: object, settings: Gpt2Settings) -> None:
    """Refuse a model that this run cannot train. It is tried at a smaller size.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    arguments = {
        "vocabulary": TRIAL["vocabulary"],
        "context": min(TRIAL["context"], settings.context),
        "width": settings.width,
        "heads": settings.heads,
        "layers": min(TRIAL["layers"], settings.layers),
    }
    check_language_model(model_class, arguments)
