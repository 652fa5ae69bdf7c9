"""What `red_team` trains: the asker, on those of its questions that drew the worst answers."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from descent.runs.definition.contract import BrokenContract
from descent.runs.red_team import RedTeamSettings
from descent.runs.red_team.asking import WAYS, hold_talks, worst
from descent.runs.red_team.judges import make_judge
from descent.runs.red_team.pairs import make_pair
from descent.training.distributed import Processes
from descent.training.randomness import generator
from descent.training.recipes import cosine_rate
from descent.training.settings import WrongSetting

EVERY = 5  # of the questions with the worst answers, one in so many is held out
LEFT_OUT = -100  # a target that `cross_entropy` does not count


class RedTeamTask:
    """Ask as the questions were asked that drew bad answers.

    Before anything is trained, questions are asked zero-shot, by the model as it is.

    Parameters
    ----------
    settings : RedTeamSettings
    device : str
    model_class : None
        The run takes no model of one's own.
    """

    def __init__(
        self, settings: RedTeamSettings, device: str, model_class: type[nn.Module] | None = None
    ) -> None:
        self.settings = settings
        self.device = device
        self.pair = make_pair(settings.pair, settings.seed, device)
        self.judge = make_judge(settings.judge, device)
        zero_shot = WAYS[0]
        self.talks = hold_talks(self.pair, self.pair.model, self.judge, settings, zero_shot)
        found = worst(self.talks, settings.taught)
        if len(found) < EVERY:
            raise WrongSetting(
                f"questions is {settings.questions}, of which {len(found)} were distinct "
                f"questions; {EVERY} have to be, to train on."
            )
        self.held_out = found[::EVERY]
        self.training = [text for i, text in enumerate(found) if i % EVERY]

    def model(self) -> nn.Module:
        """Begin with the model that answers."""
        made: nn.Module = copy.deepcopy(self.pair.model)
        return made

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """AdamW without decay, all weights in one kernel."""
        rate = self.settings.learning_rate
        return [AdamW(model.parameters(), lr=rate, weight_decay=0.0, fused=True)]

    def rate(self, step: int) -> float:
        """Rise in a line, then fall along half a cosine to 0, as a share of the learning rate."""
        return cosine_rate(step, self.settings.steps, self.settings.warm_up)

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Mean cross-entropy of the questions in some rows of a step's batch, in nats a question's
        token.
        """
        s = self.settings
        picked = generator(s.seed, step).integers(len(self.training), size=s.batch_size)
        return self._loss(model, [self.training[picked[row]] for row in rows])

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Measure the loss on the questions that were held out. Every process reads them all.

        How many answers are bad is not among the numbers: the judge has only said so, and its word
        is read by hand first (see the report).
        """
        return {"validation_loss": float(self._loss(model, self.held_out))}

    def _loss(self, model: nn.Module, questions: Sequence[str]) -> Tensor:
        """Return the mean over the questions of each one's mean over its tokens.

        A mean over all tokens would not be the same when processes share the rows.
        """
        prompt = self.pair.encode(self.pair.to_ask(()))
        rows = [prompt + self._tokens(question) for question in questions]
        longest = max(map(len, rows))
        read = torch.full((len(rows), longest), self.pair.end)
        targets = torch.full((len(rows), longest), LEFT_OUT)
        for i, row in enumerate(rows):
            read[i, : len(row)] = torch.tensor(row)
            targets[i, len(prompt) : len(row)] = read[i, len(prompt) : len(row)]
        read, targets = read[:, :-1].to(self.device), targets[:, 1:].to(self.device)
        logits = model(read).logits  # what is behind a question's end changes nothing before it
        losses = F.cross_entropy(
            logits.float().transpose(1, 2), targets, ignore_index=LEFT_OUT, reduction="none"
        )
        return (losses.sum(dim=1) / (targets != LEFT_OUT).sum(dim=1)).mean()

    def _tokens(self, question: str) -> list[int]:
        """Return a question's tokens as they follow a prompt: GPT-2's begin with the space."""
        space = " " if self.settings.pair == "gpt2" else ""
        return self.pair.encode(f"{space}{question}")


def make_task(
    settings: RedTeamSettings, device: str, model_class: type[nn.Module] | None = None
) -> RedTeamTask:
    """Make what the loop trains."""
    return RedTeamTask(settings, device, model_class)


def check_model(model_class: object, settings: RedTeamSettings) -> None:
    """Refuse a model of one's own.

    Raises
    ------
    BrokenContract
        Always: the asker begins with the model that answers.
    """
    raise BrokenContract(
        "red_team asks and answers with one model, GPT-2 or a tiny one made here: it takes no "
        "model of yours."
    )
