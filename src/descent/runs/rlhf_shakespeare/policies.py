"""Everything that the run trains, and what it noted on the way, as one module.

A checkpoint is of one module: so the language model, the reward model, all policies and the numbers
of each iteration continue exactly after a kill.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent.runs.rlhf_shakespeare import POLICIES, RlhfSettings

NUMBERS = ("kl", "reward", "sentiment", "distinct", "clipped")
"""What is noted of each iteration: the distance from the language model in nats for each
completion; the mean score by the reward model, and by the lexicon; the share of distinct
completions; and the share of tokens whose ratio was beyond the clip."""

SHOWN = 20  # completions of each iteration that are kept to be read


class RewardModel(nn.Module):
    """A score for a text, read off what a language model says after its last token.

    Parameters
    ----------
    body : nn.Module
        From (batch, time) tokens to (batch, time, vocabulary) logits. The score is a linear
        function of them, since they are what every language model has; they are brought to length
        1 first, or an update of thousands of weights would throw the score about.
    vocabulary : int
    """

    def __init__(self, body: nn.Module, vocabulary: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(vocabulary, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Score texts: (n, time) tokens, of which the first (n,) `lengths` count, to (n,)."""
        logits = self.body(tokens)
        last = logits[torch.arange(len(tokens), device=tokens.device), lengths - 1].float()
        features = F.normalize(last - last.mean(dim=1, keepdim=True), dim=1)
        scores: Tensor = self.head(features).squeeze(1)
        return scores


class Policies(nn.Module):
    """The language model ``reference``, its judge ``judge``, the policies, and ``drawing``.

    ``drawing`` has the weights that drew the samples of the iteration under way.

    Parameters
    ----------
    make : callable
        Makes a language model.
    vocabulary : int
    settings : RlhfSettings
    """

    history: Tensor
    shown: Tensor
    stopped: Tensor
    scale: Tensor

    def __init__(
        self, make: Callable[[], nn.Module], vocabulary: int, settings: RlhfSettings
    ) -> None:
        super().__init__()
        self.reference = make()
        self.judge = RewardModel(make(), vocabulary)
        self.policies = nn.ModuleDict({name: make() for name in POLICIES})
        self.drawing = make().requires_grad_(False)
        s = settings
        times = (len(POLICIES), s.iterations + 1)
        self.register_buffer("history", torch.full((*times, len(NUMBERS)), torch.nan))
        length = s.prompt + s.completion
        self.register_buffer("shown", torch.zeros(*times, SHOWN, length, dtype=torch.long))
        self.register_buffer("stopped", torch.zeros(len(POLICIES), dtype=torch.bool))
        self.register_buffer("scale", torch.tensor([0.0, 1.0]))  # mean and deviation of rewards

    def forward(self, name: str, *given: Tensor) -> Tensor:
        """Ask one of the models: every gradient goes through here, so that processes share it."""
        asked = self.policies[name] if name in POLICIES else getattr(self, name)
        answer: Tensor = asked(*given)
        return answer
