"""PPO as the loop's task: what it lives through, exact continuation, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from descent.environments.cartpole import CartPole
from descent.environments.stepping import Step
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, latest, read_metrics
from descent.training.ppo.rollout import choose, live, moments_of
from descent.training.ppo.settings import PpoSettings
from descent.training.ppo.task import PpoTask
from descent.training.settings import WrongSetting


class Counting:
    """Environments whose observation is the step; they end by turns, terminated and truncated."""

    actions, shape = 2, (1,)

    def __init__(self, number):
        self.number = number

    def reset(self, seed):
        self.at = np.arange(self.number) * 10.0
        return self._seen()

    def step(self, actions):
        self.at += 1
        terminated, truncated = self.at % 5 == 3, self.at % 5 == 0
        final = self._seen()
        self.at[terminated | truncated] += 100
        nothing = np.full(self.number, np.nan)
        rewards = np.asarray(actions, dtype=np.float32)
        return Step(self._seen(), rewards, terminated, truncated, final, nothing)

    def _seen(self):
        return self.at[:, None].astype(np.float32)


class Told(nn.Module):
    """Values an observation at itself, and always takes the second action."""

    def forward(self, seen):
        return torch.tensor([[-50.0, 50.0]]).expand(len(seen), 2), seen[:, 0]


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 32), nn.Tanh())
        self.policy, self.value = nn.Linear(32, 2), nn.Linear(32, 1)

    def forward(self, seen):
        thought = self.body(seen)
        return self.policy(thought), self.value(thought)[:, 0]


def settings(**changes):
    known = {"steps": 22, "batch_size": 16, "environments": 4, "horizon": 8, "passes": 2,
             "learning_rate": 0.01, "checkpoint_every": 3, "evaluate_every": 4,
             "test_games": 2, "clip": 0.5}  # fmt: skip
    return PpoSettings(**{**known, **changes})


def task(told):
    return PpoTask(told, "cpu", CartPole, Small)


def test_what_follows_is_the_last_observation_of_an_episode_not_the_first_of_the_next():
    games = Counting(2)
    seen = games.reset(0)
    noise = np.full((7, 2, 2), 0.5, dtype=np.float32)
    lived, after = live(Told(), games, seen, noise, "cpu")
    assert lived.values[:, 0].tolist() == [0, 1, 2, 103, 104, 205, 206]
    going_on = ~lived.terminated[:, 0]  # of what terminated the next value plays no part
    assert lived.next_values[:, 0][going_on].tolist() == [1, 2, 104, 105, 206, 207]
    assert lived.terminated[:, 0].nonzero().flatten().tolist() == [2]
    assert lived.truncated[:, 0].nonzero().flatten().tolist() == [4]
    assert after[:, 0].tolist() == [207, 217] and lived.rewards.min() == 1
    moments = moments_of(lived, settings())
    assert torch.equal(moments.returns, moments.advantages + moments.values)
    assert moments.observations.shape == (14, 1)


def test_actions_are_drawn_as_often_as_their_probabilities_say():
    noise = torch.rand((50_000, 3), generator=torch.Generator().manual_seed(0))
    drawn = choose(torch.tensor([[0.0, 1.0, -1.0]]).expand(50_000, 3), noise)
    shares = torch.bincount(drawn) / 50_000
    wanted = torch.tensor([0.0, 1.0, -1.0]).softmax(0)
    assert (shares - wanted).abs().max() < 0.01
    assert choose(torch.zeros(2, 2), torch.tensor([[0.0, 0.5], [0.5, 0.0]])).tolist() == [1, 0]


@pytest.mark.parametrize("first", [5, 8, 11])
def test_it_continues_exactly_in_the_middle_of_a_round_too(first, tmp_path):
    told = settings()
    assert train(task(told), told, tmp_path / "whole", Processes()) == "finished"
    scheduled = task(told)  # the schedule of the long one
    train(scheduled, settings(steps=first), tmp_path / "parts", Processes())
    assert train(task(told), told, tmp_path / "parts", Processes()) == "finished"
    whole, parts = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    for name in ("loss", "episode return", "test return", "entropy", "clip fraction",
                 "explained variance"):  # fmt: skip
        # What a last step measured besides is not there in the whole one.
        assert dict(zip(*curve(whole, name), strict=True)) == dict(
            zip(*curve(parts, name), strict=True)
        )
    assert latest(whole) == latest(parts) and len(curve(whole, "loss")[0]) == 22


def test_rehearsing_changes_nothing(tmp_path):
    for rehearse in (0, 3):
        told = settings(rehearse=rehearse, steps=10)
        train(task(told), told, tmp_path / str(rehearse), Processes())
    plain, rehearsed = (
        curve(read_metrics(tmp_path / name / "metrics.jsonl"), "loss") for name in ("0", "3")
    )
    assert plain == rehearsed


def test_parts_of_a_minibatch_make_up_its_loss(tmp_path):
    told = settings()
    made = task(told)
    made.begin(Processes(), None)
    torch.manual_seed(0)
    model = made.model()
    whole = made.loss(model, 3, range(16)).item()
    halves = [made.loss(model, 3, rows).item() for rows in (range(8), range(8, 16))]
    assert whole == pytest.approx(sum(halves) / 2, abs=1e-6)


def test_the_cart_is_soon_balanced_better(tmp_path):
    told = settings(
        steps=640, batch_size=128, environments=16, horizon=32, passes=4, checkpoint_every=0,
        evaluate_every=0, test_games=32, learning_rate=3e-3, clip_range=0.2, log_every=50,
    )  # fmt: skip
    train(task(told), told, tmp_path, Processes())
    assert latest(read_metrics(tmp_path / "metrics.jsonl"))["test return"] > 60  # chance has 22


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 15}, "^batch_size is 15, which does not divide the 32 moments"),
        ({"environments": 5, "processes": 2, "batch_size": 8}, "^environments is 5"),
        ({"test_games": 3, "processes": 2}, "^test_games is 3"),
        ({"shard": "full"}, "^shard is full"),
        ({"discount": 1.1}, "^discount is 1.1"),
        ({"horizon": 0}, "^horizon is 0"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(changes, message):
    with pytest.raises(WrongSetting, match=message):
        settings(**changes)
