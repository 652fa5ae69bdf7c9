"""What a policy writes in one iteration, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from descent.data.sentiment import sentiment
from descent.runs.rlhf_shakespeare import RlhfSettings
from descent.runs.rlhf_shakespeare.policies import Policies
from descent.runs.rlhf_shakespeare.sampling import AT_ONCE, complete, measured
from descent.runs.word_shakespeare.words import Words
from descent.training.randomness import generator


@dataclass(frozen=True)
class Rollout:
    """Completions with what is known of each.

    Attributes
    ----------
    tokens : Tensor
        (n, prompt + completion); completions of one prompt are side by side.
    old, reference : Tensor
        (n, completion) log-probabilities by the policy that drew them, and by the language model.
    rewards : Tensor
        (n,), by the reward model.
    texts : list of str
        The completions, without their prompts.
    """

    tokens: Tensor
    old: Tensor
    reference: Tensor
    rewards: Tensor
    texts: list[str]

    @cached_property
    def kl(self) -> float:
        """The distance from the language model, in nats for each completion: Monte Carlo's mean."""
        return float((self.old - self.reference).sum(dim=1).mean())

    def numbers(self) -> Tensor:
        """Return what is noted of it, as `NUMBERS` names it; nothing is clipped yet."""
        distinct = len(set(self.texts)) / len(self.texts)
        pleasant = float(sentiment(self.texts).mean())
        return torch.tensor([self.kl, float(self.rewards.mean()), pleasant, distinct, 0.0])


class Writer:
    """Draws prompts and completions, and reads them back as texts.

    Parameters
    ----------
    settings : RlhfSettings
    words : Words
    windows : Tensor
        (windows, context) tokens of the plays, whose beginnings are the prompts.
    """

    def __init__(self, settings: RlhfSettings, words: Words, windows: Tensor) -> None:
        self.settings, self.words = settings, words
        self.starts = windows[:, : settings.prompt]

    def write(self, model: nn.Module, samples: int, *seed: int) -> Tensor:
        """Draw completions, `group` of each prompt: (samples, prompt + completion) tokens."""
        s = self.settings
        drawn = generator(s.seed, *seed)
        picked = drawn.integers(len(self.starts), size=samples // s.group)
        prompts = self.starts[torch.from_numpy(picked).to(self.starts.device)]
        draw = torch.Generator(self.starts.device).manual_seed(int(drawn.integers(2**31)))
        many = prompts.repeat_interleave(s.group, dim=0)
        return complete(model, many, s.completion, self.words.unknown, draw)

    def roll_out(self, models: Policies, policy: nn.Module, *seed: int) -> Rollout:
        """Draw an iteration's samples from a policy, and measure them."""
        s, known = self.settings, self.words.unknown
        tokens = self.write(policy, s.samples, *seed)
        return Rollout(
            tokens,
            measured(policy, tokens, s.prompt, known),
            measured(models.reference, tokens, s.prompt, known),
            scores(models, tokens[:, s.prompt :]),
            self.texts(tokens),
        )

    def texts(self, tokens: Tensor) -> list[str]:
        """Return completions as texts, without their prompts."""
        rows = tokens[:, self.settings.prompt :].tolist()
        return ["".join(self.words.names[token] for token in row) for row in rows]


@torch.no_grad()
def scores(models: Policies, completions: Tensor) -> Tensor:
    """Return the reward model's score of completions of one length: (n,)."""
    models.judge.eval()
    parts = [
        models.judge(some, torch.full((len(some),), some.shape[1], device=some.device))
        for some in completions.split(AT_ONCE)
    ]
    return torch.cat(parts)
