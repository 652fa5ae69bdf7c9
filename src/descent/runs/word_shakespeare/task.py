"""What `word_shakespeare` trains: windows of words that do not overlap."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from descent.data.shakespeare import shakespeare
from descent.models.gpt import GPT, total_loss, windows
from descent.runs.definition.contract import check_language_model
from descent.runs.definition.language_models import TRAINING_SHARE
from descent.runs.word_shakespeare import WordSettings
from descent.runs.word_shakespeare.words import Words, cut
from descent.training.distributed import Processes, mean_over
from descent.training.epochs import Epochs
from descent.training.recipes import cosine_rate, decay_groups
from descent.training.settings import WrongSetting

TRIAL = 320  # words that a learner's model is tried on: their number changes nothing


class WordTask:
    """Predict the next word of a text, or what stands between two.

    Parameters
    ----------
    settings : WordSettings
    device : str
    model_class : type, optional
        The learner's own, made with (vocabulary, width, heads, layers): its positions are computed,
        so that it need not know the context.
    """

    def __init__(
        self, settings: WordSettings, device: str, model_class: type[nn.Module] | None = None
    ) -> None:
        self.settings = settings
        self.device = device
        self.model_class = model_class
        found = shakespeare()
        self.source = found.source
        at = int(TRAINING_SHARE * len(found.text))
        training, validation = cut(found.text[:at]), cut(found.text[at:])
        self.words = Words(training, settings.least_count)
        self.inputs, self.targets = self._windows(training)
        if len(self.inputs) < settings.batch_size:
            raise WrongSetting(
                f"batch_size is {settings.batch_size}; the {len(training)} words of {self.source} "
                f"make {len(self.inputs)} windows of {settings.context}."
            )
        self.epochs = Epochs(len(self.inputs), settings.batch_size, settings.seed, device)
        self.validation = self._windows(validation)
        read = validation[1 : self.validation[1].numel() + 1]  # the targets, in their own words
        self.characters = sum(len(word) for word in read)
        self.spelling = sum(self.words.spelling(word) for word in read)  # in nats

    def model(self) -> nn.Module:
        """Make ours, or the learner's."""
        s = self.settings
        if self.model_class:
            return self.model_class(*arguments(s, len(self.words)).values())
        return GPT(len(self.words), s.context, s.width, s.heads, s.layers, s.dropout)

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """AdamW, where matrices decay and gains and biases do not."""
        s = self.settings
        groups = decay_groups(model.parameters(), s.weight_decay)
        return [AdamW(groups, lr=s.learning_rate, betas=(0.9, s.beta2), fused=True)]

    def rate(self, step: int) -> float:
        """Rise in a line, then fall along half a cosine, as a share of the learning rate."""
        s = self.settings
        return cosine_rate(step, s.steps, s.warm_up, s.least_rate / s.learning_rate)

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Mean cross-entropy of some rows of a step's batch, in nats for each word."""
        picked = self.epochs.picked(step, rows)
        logits = model(self.inputs[picked])
        return F.cross_entropy(logits.flatten(0, 1), self.targets[picked].flatten())

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Measure the whole validation text.

        Its windows are dealt out to the processes in turn, so that any number can share them.
        """
        inputs, targets = (part[processes.rank :: processes.world] for part in self.validation)
        total = total_loss(model, inputs, targets, at_once=16)
        # Every process has as much of the mean, so the sum is the mean times their number.
        shared = torch.tensor(total, dtype=torch.float64, device=self.device)
        nats = float(mean_over(shared, processes)) * processes.world
        loss = nats / self.validation[1].numel()
        return {
            "validation_loss": loss,
            "validation_perplexity": math.exp(loss),
            "bits_per_character": (nats + self.spelling) / self.characters / math.log(2),
        }

    def _windows(self, words: list[str]) -> tuple[Tensor, Tensor]:
        """Cut words into inputs and targets, (windows, context) each, none of them twice."""
        tokens = torch.tensor(self.words.read(words), device=self.device)
        return windows(tokens, self.settings.context)


def make_task(
    settings: WordSettings, device: str, model_class: type[nn.Module] | None = None
) -> WordTask:
    """Make what the loop trains."""
    return WordTask(settings, device, model_class)


def check_model(model_class: object, settings: WordSettings) -> None:
    """Refuse a model that this run cannot train. It is tried with fewer words.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    check_language_model(model_class, arguments(settings, TRIAL), settings.context)


def arguments(settings: WordSettings, vocabulary: int) -> dict[str, int]:
    """Return what the learner's model is made with, by name, in order."""
    sizes = {name: getattr(settings, name) for name in ("width", "heads", "layers")}
    return {"vocabulary": vocabulary, **sizes}
