"""The run `rlhf_shakespeare`: a language model is taught to sound pleasant, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from descent.runs.definition.declaration import Needs, Run
from descent.runs.definition.language_models import SHAKESPEARE, needs_of
from descent.runs.word_shakespeare import WORDS, WordSettings
from descent.training.settings import WrongSetting

POLICIES = ("ppo", "grpo", "dpo", "random", "unstopped")
"""What is trained from the language model, one after another, each a stage of the run.

``random`` is PPO whose rewards are noise; ``unstopped`` is PPO that goes on past the limit.
"""

LANGUAGE, REWARD = "language", "reward"
"""The stages before them: the language model itself, and the model of the reward."""

COPIES = len(POLICIES) + 3  # of the language model: itself, its judge, and the one that samples


@dataclass(frozen=True, kw_only=True)
class RlhfSettings(WordSettings):
    """Settings of the run, besides those of the language model that it begins with.

    `learning_rate`, `least_rate`, `warm_up` and `weight_decay` are of the language model; so is
    `dropout`, and of the reward model. The policies have neither dropout nor decay.

    Attributes
    ----------
    steps
        0 for all stages; less than they come to where the run shall end earlier.
    language_steps, reward_steps
        Updates of the language model and of the reward model.
    prompt, completion
        Tokens that a sample begins with, taken from the plays, and tokens that the model adds.
    group
        Completions of each prompt.
    labelled, held_out
        Samples of the language model that get a label, and how many of them the reward model is
        not trained on but measured by.
    labels
        Who labels: ``lexicon``; or the name of a set of labels given by hand with
        `label_samples`, which go before the lexicon's.
    reward_rate, policy_rate
        Learning rates of the reward model and of the policies.
    iterations
        How often a policy draws samples and learns from them.
    samples, passes
        Samples of an iteration, and how often it goes through them, `batch_size` at a time.
    clip_ratio
        How far PPO's and GRPO's ratio of probabilities may be from 1 to be moved further.
    kl_cost, dpo_beta
        What GRPO pays for a nat of distance in each token, and DPO's β.
    stop_nats
        The distance from the language model, in nats for each completion, at which training ends.
        The weights of the iteration before are kept.
    """

    LEAST: ClassVar = {
        "language_steps": 1,
        "reward_steps": 1,
        "prompt": 1,
        "completion": 1,
        "group": 2,
        "held_out": 1,
        "iterations": 1,
        "samples": 1,
        "passes": 1,
    }
    MOST: ClassVar = {"average": 0}  # which would mix what several stages train

    steps: int = 0
    language_steps: int
    reward_steps: int
    prompt: int = 7
    completion: int = 24
    group: int = 16
    labelled: int = 2048
    held_out: int = 512
    labels: str = "lexicon"
    reward_rate: float = 5e-4
    policy_rate: float = 2e-4
    iterations: int = 10
    samples: int = 1024
    passes: int = 1
    clip_ratio: float = 0.2
    kl_cost: float = 0.05
    dpo_beta: float = 0.1
    stop_nats: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what cannot be, by the setting's name; count the steps where none are given."""
        super().__post_init__()
        if self.prompt + self.completion > self.context:
            raise WrongSetting(
                f"completion is {self.completion}; with a prompt of {self.prompt} the most is "
                f"{self.context - self.prompt}, for the model reads {self.context} tokens."
            )
        for name, part in (("samples", self.group), ("samples", self.batch_size),
                           ("labelled", self.group)):  # fmt: skip
            if getattr(self, name) % part:
                raise WrongSetting(
                    f"{name} is {getattr(self, name)}; it has to be a multiple of {part}: of "
                    "group, and samples of batch_size too."
                )
        if self.labelled - self.held_out < self.batch_size:
            raise WrongSetting(
                f"held_out is {self.held_out}, which leaves less than a batch of the "
                f"{self.labelled} that are labelled."
            )
        if not self.steps:
            object.__setattr__(self, "steps", self.all_steps)
        if self.steps > self.all_steps:
            raise WrongSetting(f"steps is {self.steps}; all stages come to {self.all_steps}.")

    @property
    def updates(self) -> int:
        """Updates of a policy in an iteration."""
        return self.passes * self.samples // self.batch_size

    @property
    def policy_steps(self) -> int:
        """Steps of one policy's stage; in the last it is only measured."""
        return self.iterations * self.updates + 1

    @property
    def all_steps(self) -> int:
        """Steps of all stages."""
        return self.language_steps + self.reward_steps + len(POLICIES) * self.policy_steps

    def stage(self, step: int) -> tuple[str, int]:
        """Return the stage that a step belongs to, and how many of its steps were before."""
        if step < self.language_steps:
            return LANGUAGE, step
        step -= self.language_steps
        if step < self.reward_steps:
            return REWARD, step
        which, local = divmod(step - self.reward_steps, self.policy_steps)
        return POLICIES[which], local


def needs(settings: RlhfSettings) -> Needs:
    """Estimate memory and disk: copies of the language model, and what a backward pass keeps."""
    one = needs_of(settings, WORDS)
    return Needs(memory=COPIES * one.memory, checkpoint=COPIES * one.checkpoint)


RUN = Run(
    name="rlhf_shakespeare",
    title="Pleasant Shakespeare: reinforcement learning from labels",
    chapter="research/7",
    settings=RlhfSettings,
    mine=("research/1", "Decoder"),
    needs=needs,
    data=SHAKESPEARE,
    loss_in="each stage's own unit",
)
