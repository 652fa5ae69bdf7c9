"""What the loop trains where a policy learns to act: PPO, with environments as its data."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from descent.environments.playing import play
from descent.environments.stepping import Environments
from descent.training.distributed import Processes, gathered_objects, mean_over, share
from descent.training.ppo.advantages import explained_variance
from descent.training.ppo.objective import MEASURED, clipped_loss, normalised
from descent.training.ppo.rollout import Lived, choose, live, moments_of
from descent.training.ppo.settings import PpoSettings
from descent.training.randomness import generator

BEGINNINGS, ACTING, ORDER, TESTS = range(1, 5)  # draw what is drawn apart from each other
RECENT = 100  # games whose mean score is the episode return


class PpoTask:
    """Learn to act by proximal policy optimisation.

    In the first step of a round the policy acts for a while; the steps of the round learn from
    that. What it met goes into the checkpoints, with what the environments are in, so that a
    training continues exactly from any step.

    Parameters
    ----------
    settings : PpoSettings
    device : str
    make_environments : callable
        Makes so many environments.
    make_model : callable
        Makes the policy: (n, …) observations to (n, actions) logits and (n,) values.
    """

    def __init__(
        self,
        settings: PpoSettings,
        device: str,
        make_environments: Callable[[int], Environments],
        make_model: Callable[[], nn.Module],
    ) -> None:
        self.settings = settings
        self.device = device
        self.make_environments = make_environments
        self.make_model = make_model
        self._forget()

    def model(self) -> nn.Module:
        """Make the policy."""
        return self.make_model()

    def optimisers(self, model: nn.Module) -> list[Optimizer]:
        """Adam, with the larger ε that PPO is used to."""
        return [Adam(model.parameters(), lr=self.settings.learning_rate, eps=1e-5)]

    def rate(self, step: int) -> float:
        """Fall in a line to 0, a step down at every round."""
        rounds = math.ceil(self.settings.steps / self.settings.updates)
        return 1 - step // self.settings.updates / max(1, rounds)

    def begin(self, processes: Processes, state: dict[str, Any] | None) -> None:
        """Take this process's environments, from their beginning or as they were left."""
        self._forget()
        self.processes = processes
        mine = share(self.settings.environments, processes)
        self.environments = self.make_environments(len(mine))
        drawn = generator(self.settings.seed, BEGINNINGS).integers(2**31)
        self.observations = self.environments.reset(int(drawn) + mine.start)
        if state is None:
            return
        self.observations = self.environments.restore(state["environments"][mine.start : mine.stop])
        self.recent.extend(state["recent"])
        self.sums = state["sums"].to(self.device)
        self.of_round |= state["of_round"]
        if state["lived"] is not None:
            self._take(Lived(*(part.to(self.device) for part in state["lived"])), state["round"])

    def state(self, step: int) -> dict[str, Any]:
        """Return all that is not in the weights, of all processes; each must call this."""
        within = step % self.settings.updates and self.lived is not None
        return {
            "environments": gathered_objects(self.environments.state(), self.processes),
            "recent": list(self.recent),
            "sums": mean_over(self.sums, self.processes),
            "of_round": self.of_round,
            "lived": [part.cpu() for part in self.lived] if within and self.lived else None,
            "round": self.round,
        }

    def loss(self, model: nn.Module, step: int, rows: range) -> Tensor:
        """PPO's loss for some rows of a step's minibatch; acts first where a round begins."""
        s = self.settings
        number, update = divmod(step, s.updates)
        if number != self.round:
            self._act(model, number)
        order = self._order(number, update // s.minibatches)
        first = update % s.minibatches * s.batch_size
        batch = order[first : first + s.batch_size]
        among = self.moments.advantages[batch]
        moments = self.moments.picked(batch[rows.start : rows.stop])
        moments = moments._replace(advantages=normalised(moments.advantages, among))
        logits, values = model(moments.observations)
        loss, measured = clipped_loss(logits.float(), values.float(), moments, s)
        share_of_it = torch.cat([measured.double(), torch.ones_like(self.sums[:1])]) * len(rows)
        self.sums += share_of_it
        return loss

    def evaluate(self, model: nn.Module, processes: Processes) -> dict[str, float]:
        """Say how the games went lately, and how the updates since the last time did."""
        s = self.settings
        found: dict[str, float] = {}
        if self.recent:
            found["episode_return"] = float(np.mean(self.recent))
        *totals, count = mean_over(self.sums, processes).tolist()
        if count:
            found |= {name: total / count for name, total in zip(MEASURED, totals, strict=True)}
            found |= self.of_round
        self.sums.zero_()
        if s.test_games:
            scores = torch.tensor(self.test(model, processes).mean(), device=self.device)
            found["test_return"] = float(mean_over(scores, processes))
        return found

    def test(self, model: nn.Module, processes: Processes) -> np.ndarray:
        """Play this process's share of the test games; return their scores, (games,)."""
        mine = share(self.settings.test_games, processes)
        games = self.make_environments(len(mine))
        chance = generator(self.settings.seed, TESTS)
        seed = int(chance.integers(2**31))

        def policy(observations: np.ndarray) -> np.ndarray:
            # The noise of all games, whichever of them this process plays.
            noise = chance.random((self.settings.test_games, games.actions), dtype=np.float32)
            return self.chosen(model, observations, noise[mine.start : mine.stop])

        return play(games, policy, seed + mine.start)

    def chosen(self, model: nn.Module, observations: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Return what the policy does: (n,) actions, drawn with (n, actions) uniform noise."""
        logits, _ = model(torch.from_numpy(observations).to(self.device))
        return choose(logits.float(), torch.from_numpy(noise).to(self.device)).cpu().numpy()

    def _forget(self) -> None:
        """Have met nothing."""
        self.lived: Lived | None = None
        self.round = -1  # that `lived` is of
        self.recent: deque[float] = deque(maxlen=RECENT)
        self.sums = torch.zeros(len(MEASURED) + 1, dtype=torch.float64, device=self.device)
        self.of_round: dict[str, float] = {}

    def _act(self, model: nn.Module, number: int) -> None:
        """Act for a round, each process in its own environments, and put all together."""
        s = self.settings
        policy = getattr(model, "module", model)  # gradients are not exchanged meanwhile
        mine = share(s.environments, self.processes)
        shape = (s.horizon, s.environments, self.environments.actions)
        noise = generator(s.seed, number, ACTING).random(shape, dtype=np.float32)
        lived, self.observations = live(
            policy, self.environments, self.observations, noise[:, mine.start : mine.stop],
            self.device,
        )  # fmt: skip
        lived = lived.of_all(self.processes)
        self._take(lived, number)
        scores = lived.scores.flatten()
        self.recent.extend(scores[~scores.isnan()].tolist())
        found = self.moments.advantages
        self.of_round |= {
            "explained_variance": explained_variance(self.moments.values, self.moments.returns),
            "advantage_mean": float(found.mean()),
            "advantage_std": float(found.std(correction=0)),
        }

    def _take(self, lived: Lived, number: int) -> None:
        self.lived, self.round = lived, number
        self.moments = moments_of(lived, self.settings)

    def _order(self, number: int, way: int) -> Tensor:
        """Return the order in which the moments of a round are used in one of its passes."""
        drawn = generator(self.settings.seed, number, ORDER, way).permutation(self.settings.moments)
        return torch.from_numpy(drawn).to(self.device)
