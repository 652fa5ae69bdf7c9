"""What `rlhf_shakespeare` trains, stage after stage: language, reward, then each policy."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from descent.errors import CourseError
from descent.runs.rlhf_shakespeare import LANGUAGE, POLICIES, REWARD, RlhfSettings
from descent.runs.rlhf_shakespeare.labelled import Labelled
from descent.runs.rlhf_shakespeare.losses import (
    clipped_loss,
    distance_in_loss,
    group_advantages,
    preference_loss,
)
from descent.runs.rlhf_shakespeare.policies import NUMBERS, SHOWN, Policies
from descent.runs.rlhf_shakespeare.rollouts import Rollout, Writer, scores
from descent.runs.rlhf_shakespeare.sampling import log_probabilities, measured
from descent.runs.word_shakespeare.task import WordTask, check_model
from descent.training.distributed import Processes
from descent.training.ppo.objective import clip_fraction
from descent.training.randomness import generator

LABELLED, ORDER, NOISE = 1, 2, 3  # draw samples to label, an order, and random rewards apart
CLIPPED = NUMBERS.index("clipped")


class RlhfTask:
    """Teach a language model to sound pleasant.

    Parameters
    ----------
    settings : RlhfSettings
    device : str
    model_class : type, optional
        The learner's own language model, made with (vocabulary, width, heads, layers).
    """

    in_stages = True

    def __init__(
        self, settings: RlhfSettings, device: str, model_class: type[nn.Module] | None = None
    ) -> None:
        self.settings, self.device = settings, device
        alone = replace(settings, steps=settings.language_steps)  # its rate falls to its own end
        self.language = WordTask(alone, device, model_class)
        self.source, self.words = self.language.source, self.language.words
        self.writer = Writer(settings, self.words, self.language.inputs)
        self._labelled: Labelled | None = None
        self._rollout: tuple[str, int, Rollout] | None = None

    def model(self) -> Policies:
        """Make a language model for every stage, ours or the learner's."""
        return Policies(self.language.model, len(self.words), self.settings)

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """Make one for each stage: a model that is not in its stage has no gradient and stays."""
        s, models = self.settings, _inner(model)
        made = self.language.optimisers(models.reference)
        judge = AdamW(models.judge.parameters(), lr=s.reward_rate, weight_decay=0.0)
        policies = [
            AdamW(policy.parameters(), lr=s.policy_rate, weight_decay=0.0)
            for policy in models.policies.values()
        ]
        return [*made, judge, *policies]

    def rate(self, step: int) -> float:
        """Rise and fall while the language model is trained; then the rates stay."""
        stage, local = self.settings.stage(step)
        return self.language.rate(local) if stage == LANGUAGE else 1.0

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """Return the loss of the stage that a step belongs to."""
        stage, local = self.settings.stage(step)
        if stage == LANGUAGE:
            return self.language.loss(_Asked(model, "reference"), step, rows)
        if stage == REWARD:
            return self._reward_loss(model, local, rows)
        return self._policy_loss(model, stage, local, rows)

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Measure what has been trained so far; of a policy, the last iteration within the limit.

        Every policy's numbers are of samples that it was not trained on yet.
        """
        models = _inner(model)
        found = self.language.evaluate(models.reference, processes)
        if models.judge.head.weight.any():
            found |= reward_quality(models, self.labelled(models))
        for name in POLICIES:
            noted = within(models, name, self.settings.stop_nats)
            if len(noted):
                last = dict(zip(NUMBERS, noted[-1].tolist(), strict=True))
                found |= {f"{name}_{number}": last[number] for number in NUMBERS[:-1]}
        return found

    def labelled(self, models: Policies) -> Labelled:
        """Return the language model's samples with their labels; drawn again after a restart."""
        if self._labelled is None:
            tokens = self.writer.write(models.reference, self.settings.labelled, LABELLED)
            self._labelled = Labelled(self.settings, self.writer, tokens)
        return self._labelled

    def _reward_loss(self, model: nn.Module, local: int, rows: range) -> Tensor:
        """Cross-entropy of the reward model with the soft labels of some texts."""
        models = _inner(model)
        if local == 0:
            models.judge.body.load_state_dict(models.reference.state_dict())
        texts = self.labelled(models).training
        picked = self._picked(len(texts.soft), local, rows)
        models.judge.train()
        given = model("judge", texts.tokens[picked], texts.lengths[picked])
        return F.binary_cross_entropy_with_logits(given, texts.soft[picked])

    def _policy_loss(self, model: nn.Module, name: str, local: int, rows: range) -> Tensor:
        """Return the loss of a policy, having drawn its samples where an iteration begins."""
        models = _inner(model)
        iteration, update = divmod(local, self.settings.updates)
        if update == 0:
            self._begin(models, name, iteration)
        if models.stopped[POLICIES.index(name)] or iteration == self.settings.iterations:
            return torch.zeros((), device=self.device, requires_grad=True)  # nothing is moved
        models.policies[name].eval()  # no dropout: a ratio of 1 has to be 1
        if name == "dpo":
            return self._dpo_loss(model, local, rows)
        rollout = self._drawn(models, name, iteration)
        picked = self._order(name, iteration, update)[rows.start : rows.stop]
        s, known = self.settings, self.words.unknown
        old = rollout.old[picked]
        new = _log_probabilities(model, name, rollout.tokens[picked], s.prompt, known)
        advantages = self._advantages(models, name, iteration, rollout)[picked]
        loss = clipped_loss(new, old, advantages, s.clip_ratio)
        beyond = clip_fraction((new.detach() - old).exp(), s.clip_ratio)
        share = len(rows) / (s.batch_size * s.updates)
        models.history[POLICIES.index(name), iteration, CLIPPED] += beyond * share
        if name == "grpo":
            loss = loss + s.kl_cost * distance_in_loss(new, rollout.reference[picked])
        return loss

    def _dpo_loss(self, model: nn.Module, local: int, rows: range) -> Tensor:
        """DPO's loss of some pairs of the labelled samples."""
        s, known, models = self.settings, self.words.unknown, _inner(model)
        labelled = self.labelled(models)
        winners, losers = labelled.pairs()
        if not len(winners):
            raise CourseError(
                f"Of {s.labelled} labelled samples no two of one prompt differ in their labels: "
                "there is nothing to prefer. Take more of them: labelled."
            )
        picked = self._picked(len(winners), local, rows)
        tokens = labelled.tokens[torch.cat([winners[picked], losers[picked]])]
        new = _log_probabilities(model, "dpo", tokens, s.prompt, known).sum(dim=1)
        reference = measured(models.reference, tokens, s.prompt, known).sum(dim=1)
        ahead = (new - reference).chunk(2)  # how far each is from the language model, in nats
        return preference_loss(ahead[0], ahead[1], s.dpo_beta)

    @torch.no_grad()
    def _begin(self, models: Policies, name: str, iteration: int) -> None:
        """Draw an iteration's samples; stop, with the weights before, where they are too far."""
        which, policy = POLICIES.index(name), models.policies[name]
        if models.stopped[which]:
            return
        if iteration == 0:
            policy.load_state_dict(models.reference.state_dict())
            self._fix_scale(models)
        rollout = self.writer.roll_out(models, policy, *_seed(name, iteration))
        models.history[which, iteration] = rollout.numbers()
        models.shown[which, iteration, : len(rollout.tokens)] = rollout.tokens[
            :: max(1, len(rollout.tokens) // SHOWN)
        ][:SHOWN]
        if rollout.kl > self.settings.stop_nats and name != "unstopped":
            models.stopped[which] = True
            policy.load_state_dict(models.drawing.state_dict())
            return
        models.drawing.load_state_dict(policy.state_dict())
        self._rollout = (name, iteration, rollout)

    def _drawn(self, models: Policies, name: str, iteration: int) -> Rollout:
        """Return the samples of the iteration under way; after a restart they are drawn again."""
        if self._rollout is None or self._rollout[:2] != (name, iteration):
            rollout = self.writer.roll_out(models, models.drawing, *_seed(name, iteration))
            self._rollout = (name, iteration, rollout)
        return self._rollout[2]

    def _fix_scale(self, models: Policies) -> None:
        """Take mean and deviation of the language model's rewards: they normalise all later ones.

        Were they taken anew from each batch, a policy's progress would be taken away from it.
        """
        tokens = self.labelled(models).tokens[:, self.settings.prompt :]
        rewards = scores(models, tokens)
        spread = rewards.std().clamp(min=1e-6)  # of a reward model that tells nothing apart
        models.scale.copy_(torch.stack([rewards.mean(), spread]))

    def _advantages(self, models: Policies, name: str, iteration: int, rollout: Rollout) -> Tensor:
        """Return what each completion is worth: (n,)."""
        if name == "grpo":
            return group_advantages(rollout.rewards, self.settings.group)
        if name == "random":
            drawn = generator(self.settings.seed, *_seed(name, iteration), NOISE)
            noise = drawn.standard_normal(len(rollout.rewards), dtype="float32")
            return torch.from_numpy(noise).to(self.device)
        mean, spread = models.scale
        return (rollout.rewards - mean) / spread

    def _order(self, name: str, iteration: int, update: int) -> Tensor:
        """Return the rows of the iteration's samples that an update learns from."""
        s = self.settings
        each = s.samples // s.batch_size  # updates of one pass
        passed, place = divmod(update, each)
        drawn = generator(s.seed, *_seed(name, iteration), ORDER, passed).permutation(s.samples)
        picked = drawn[place * s.batch_size : (place + 1) * s.batch_size]
        return torch.from_numpy(picked).to(self.device)

    def _picked(self, count: int, local: int, rows: range) -> Tensor:
        """Draw some of `count` for an update; there may be fewer of them than a batch."""
        s = self.settings
        drawn = generator(s.seed, local, ORDER).integers(count, size=s.batch_size)
        return torch.from_numpy(drawn[rows.start : rows.stop]).to(self.device)


@torch.no_grad()
def reward_quality(models: Policies, labelled: Labelled) -> dict[str, float]:
    """Measure the reward model on labels that were held out.

    Returns
    -------
    dict
        The cross-entropy with the soft labels; and of the texts that are not neutral, the share on
        whose side of neutral the score is, where there are any.
    """
    texts = labelled.validation
    given = models.judge.eval()(texts.tokens, texts.lengths)
    loss = F.binary_cross_entropy_with_logits(given, texts.soft)
    sided = texts.soft != 0.5
    right = (given.gt(0) == texts.soft.gt(0.5))[sided].float()
    accuracy = {"reward_model_accuracy": float(right.mean())} if len(right) else {}
    return {"reward_model_loss": float(loss), **accuracy}


def within(models: Policies, name: str, limit: float) -> Tensor:
    """Return what was noted of a policy's iterations within the limit: (iterations, numbers).

    All of them of the policy that is not stopped; none where its stage has not begun.
    """
    noted = models.history[POLICIES.index(name)]
    noted = noted[~noted[:, 0].isnan()]
    return noted if name == "unstopped" else noted[noted[:, 0] <= limit]


def make_task(
    settings: RlhfSettings, device: str, model_class: type[nn.Module] | None = None
) -> RlhfTask:
    """Make what the loop trains."""
    return RlhfTask(settings, device, model_class)


class _Asked(nn.Module):
    """One of the models, asked through the whole, so that processes share the gradient."""

    def __init__(self, whole: nn.Module, name: str) -> None:
        super().__init__()
        self.ask, self.name = lambda *given: whole(name, *given), name

    def forward(self, *given: Tensor) -> Tensor:
        answer: Tensor = self.ask(*given)
        return answer


def _log_probabilities(
    model: nn.Module, name: str, tokens: Tensor, prompt: int, vocabulary: int
) -> Tensor:
    return log_probabilities(_Asked(model, name), tokens, prompt, vocabulary)


def _inner(model: nn.Module) -> Policies:
    """Return the models themselves, out of what shares them among processes."""
    found = getattr(model, "module", model)
    assert isinstance(found, Policies)
    return found


def _seed(name: str, iteration: int) -> tuple[int, int]:
    return 10 + POLICIES.index(name), iteration


__all__ = ["RlhfTask", "check_model", "make_task", "reward_quality", "within"]
