"""What `nanogpt` trains: nanoGPT's batches and estimate, its recipe or a later one."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from descent.data.shakespeare import shakespeare
from descent.models.gpt import total_loss, windows
from descent.models.modern_gpt import ModernGPT
from descent.runs.definition.contract import check_language_model
from descent.runs.definition.language_models import TRAINING_SHARE
from descent.runs.nanogpt import CHARACTERS, IDEAS, NanoGptSettings
from descent.training.distributed import Processes, mean_over, share
from descent.training.muon import Muon
from descent.training.randomness import generator
from descent.training.recipes import cosine_rate, decay_groups

ESTIMATE = 1_000_003  # draws the batches of the estimate apart from any step's


class CharacterTask:
    """Predict the next character of a text.

    Parameters
    ----------
    settings : NanoGptSettings
    device : str
    model_class : type, optional
        The learner's own, made with (vocabulary, context, width, heads, layers), and with the
        dropout as a sixth where there is any.
    """

    def __init__(
        self, settings: NanoGptSettings, device: str, model_class: type[nn.Module] | None = None
    ) -> None:
        self.settings = settings
        self.device = device
        self.model_class = model_class
        text = shakespeare()
        self.source = text.source
        self.characters = sorted(set(text.text))
        number = {character: i for i, character in enumerate(self.characters)}
        tokens = torch.tensor([number[character] for character in text.text], device=device)
        cut = int(TRAINING_SHARE * len(tokens))
        self.splits = {"training": tokens[:cut], "validation": tokens[cut:]}

    def model(self) -> nn.Module:
        """Make ours, or the learner's."""
        s = self.settings
        if self.model_class:
            return self.model_class(*arguments(s, len(self.characters)).values())
        ideas = {name: getattr(s, name) for name in IDEAS}
        size = (len(self.characters), s.context, s.width, s.heads, s.layers)
        return ModernGPT(*size, s.dropout, **ideas)

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """AdamW, where matrices decay and gains and biases do not; Muon for some if asked."""
        s = self.settings
        hidden = self._hidden_matrices(model) if s.optimiser == "muon" else []
        taken = {id(matrix) for matrix in hidden}
        others = [weight for weight in model.parameters() if id(weight) not in taken]
        used = decay_groups(others, s.weight_decay)
        made: list[Optimizer] = []
        if used:
            made.append(AdamW(used, lr=s.learning_rate, betas=(0.9, s.beta2), fused=True))
        if hidden:
            decay = s.matrix_decay
            made.append(Muon(hidden, s.matrix_rate, s.momentum, decay, s.rounds))
        return made

    def _hidden_matrices(self, model: nn.Module) -> list[nn.Parameter]:
        """Weights of linear layers, but not of one that scores the vocabulary."""
        linear = (layer for layer in model.modules() if isinstance(layer, nn.Linear))
        inner = (layer for layer in linear if layer.out_features != len(self.characters))
        weights = (cast(nn.Parameter, layer.weight) for layer in inner)
        return [weight for weight in weights if weight.requires_grad]

    def rate(self, step: int) -> float:
        """Rise in a line, then fall along half a cosine or a line, as a share of the rates."""
        s = self.settings
        least = s.least_rate / s.learning_rate
        if s.schedule == "cosine" or step < s.warm_up:
            return cosine_rate(step, s.steps, s.warm_up, least)
        left = max(0, s.steps - step) / max(1, s.steps - s.warm_up)
        return least + (1 - least) * min(1.0, left / s.fall)

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Mean cross-entropy of some rows of a step's batch, in nats for each character."""
        return self._loss(model, "training", rows, (self.settings.seed, step))

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Estimate the loss of both splits by random batches, the same ones each time."""
        s = self.settings
        rows = share(s.batch_size, processes)
        measured = {}
        for split in self.splits:
            seeds = ((s.seed, ESTIMATE, batch) for batch in range(s.evaluation_batches))
            losses = [self._loss(model, split, rows, numbers).double() for numbers in seeds]
            measured[f"{split}_loss"] = float(mean_over(torch.stack(losses).mean(), processes))
        return measured

    def _loss(self, model: nn.Module, split: str, rows: range, seed: tuple[int, ...]) -> Tensor:
        tokens, context = self.splits[split], self.settings.context
        drawn = generator(*seed).integers(len(tokens) - context, size=self.settings.batch_size)
        starts = torch.from_numpy(drawn[rows.start : rows.stop]).to(self.device)
        places = starts[:, None] + torch.arange(context + 1, device=self.device)
        window = tokens[places]
        logits = model(window[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())


def whole_validation_loss(task: CharacterTask, model: nn.Module) -> float:
    """Return the mean loss over the whole validation split, cut into windows side by side.

    Unlike the estimate by random batches it has no noise of drawing, so two models are compared
    best by it. What is left over at the end, less than a window, is not read.

    Parameters
    ----------
    task : CharacterTask
    model : nn.Module
        Put into evaluation mode.

    Returns
    -------
    float
        In nats for each character.
    """
    inputs, targets = windows(task.splits["validation"], task.settings.context)
    return total_loss(model, inputs, targets) / targets.numel()


def make_task(
    settings: NanoGptSettings, device: str, model_class: type[nn.Module] | None = None
) -> CharacterTask:
    """Make what the loop trains."""
    return CharacterTask(settings, device, model_class)


def check_model(model_class: object, settings: NanoGptSettings) -> None:
    """Refuse a model that this run cannot train.

    Raises
    ------
    BrokenContract
        With the reason.
    """
    check_language_model(model_class, arguments(settings, CHARACTERS))


def arguments(settings: NanoGptSettings, vocabulary: int) -> dict[str, float]:
    """Return what the learner's model is made with, by name, in order."""
    names = ["context", "width", "heads", "layers", *(["dropout"] if settings.dropout else [])]
    return {"vocabulary": vocabulary, **{name: getattr(settings, name) for name in names}}
