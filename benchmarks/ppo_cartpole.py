"""CartPole by PPO: actions until 475 over 100 games, several seeds; and what a step costs.

    python benchmarks/ppo_cartpole.py [--seeds 5] [--busy]

Each training is of 131 072 actions; every tenth of it plays 100 new games. Beside it the same
training, update for update, with Gymnasium's own carts in place of ours: its `SyncVectorEnv` of
CartPole-v1, which begins a new episode in the step in which the old one ends. Seconds are those
that a processor worked for it, one thread on both sides; ours and theirs take turns. Writes
book/results/ppo_cartpole.json.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import Tensor, nn

from descent.environments.cartpole import CartPole
from descent.environments.stepping import Step
from descent.runs.results.records import hardware, versions
from descent.study.files import write_whole
from descent.training.distributed import Processes
from descent.training.loop import train
from descent.training.metrics import curve, read_metrics
from descent.training.ppo.settings import PpoSettings
from descent.training.ppo.task import PpoTask

OUT = Path(__file__).resolve().parents[1] / "book/results/ppo_cartpole.json"
GOAL = 475.0
TURNS, STEPS = 5, 400  # of measuring what a step costs


class Policy(nn.Module):
    """Two networks of two hidden layers, as is usual for this task."""

    def __init__(self) -> None:
        super().__init__()
        self.policy, self.value = layers(2, 0.01), layers(1, 1.0)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Take (n, 4) observations; return (n, 2) logits and (n,) values."""
        return self.policy(seen), self.value(seen).squeeze(1)


def layers(outputs: int, gain: float) -> nn.Sequential:
    """Return layers that begin orthogonal."""
    made = [nn.Linear(4, 64), nn.Linear(64, 64), nn.Linear(64, outputs)]
    for layer, size in zip(made, (2**0.5, 2**0.5, gain), strict=True):
        nn.init.orthogonal_(layer.weight, size)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(made[0], nn.Tanh(), made[1], nn.Tanh(), made[2])


class Gymnasiums:
    """Gymnasium's carts, made to look like ours."""

    actions, shape = 2, (4,)

    def __init__(self, number: int) -> None:
        self.number = number
        self.carts: Any = gymnasium.make_vec(
            "CartPole-v1",
            num_envs=number,
            vectorization_mode="sync",
            vector_kwargs={"autoreset_mode": gymnasium.vector.AutoresetMode.SAME_STEP},
        )

    def reset(self, seed: int) -> np.ndarray:
        """Begin an episode in each."""
        self.earned = np.zeros(self.number)
        return self.carts.reset(seed=seed)[0].copy()

    def step(self, actions: np.ndarray) -> Step:
        """Push every cart once."""
        seen, rewards, terminated, truncated, more = self.carts.step(actions)
        self.earned += rewards
        ended = terminated | truncated
        final = seen.copy()
        for i in np.flatnonzero(ended):
            final[i] = more["final_obs"][i]
        returns = np.where(ended, self.earned, np.nan)
        self.earned[ended] = 0
        return Step(seen.copy(), rewards.astype(np.float32), terminated, truncated, final, returns)

    def state(self) -> list[dict[str, Any]]:
        """Return nothing: these trainings are not continued."""
        return [{} for _ in range(self.number)]


def told(seed: int, test_games: int) -> PpoSettings:
    """Return the settings of a training, of 131 072 actions."""
    return PpoSettings(
        steps=5120, batch_size=256, environments=16, horizon=32, passes=10, seed=seed,
        learning_rate=1e-3, discount=0.98, trace=0.8, clip_range=0.2, clip_values=False,
        entropy_weight=0.0, clip=0.5, log_every=1000, evaluate_every=512 if test_games else 0,
        test_games=test_games,
    )  # fmt: skip


def trained(settings: PpoSettings, carts: Any) -> tuple[float, list[tuple[int, float]]]:
    """Train once; return the processor's seconds, and the test returns by actions taken."""
    task = PpoTask(settings, "cpu", carts, Policy)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(None):
        began = time.process_time()
        train(task, settings, Path(folder), Processes())
        seconds = time.process_time() - began
        steps, scores = curve(read_metrics(Path(folder) / "metrics.jsonl"), "test return")
    actions = [step // settings.updates * settings.moments for step in steps]
    return seconds, list(zip(actions, scores, strict=True))


def step_seconds(carts: Any, number: int) -> float:
    """Return the processor's seconds of one action in one cart, of so many moved together."""
    made = carts(number)
    made.reset(0)
    chance = np.random.default_rng(0)
    actions = chance.integers(2, size=(STEPS, number))
    began = time.process_time()
    for taken in actions:
        made.step(taken)
    return (time.process_time() - began) / STEPS / number


def compared() -> dict[str, float]:
    """Return our processor time over Gymnasium's, medians over turns."""
    both, found = (CartPole, Gymnasiums), {}
    for number in (16, 256):
        turns = [[step_seconds(carts, number) for carts in both] for _ in range(TURNS)]
        found[f"moving {number} carts"] = statistics.median(a / b for a, b in turns)
    whole = [[trained(told(seed, 0), carts)[0] for carts in both] for seed in (0, 1)]
    found["a whole training"] = statistics.median(a / b for a, b in whole)
    return found


def main() -> None:
    """Train from several seeds, measure beside the peer, write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--busy", action="store_true", help="other work runs: claim no seconds")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    runs = []
    for seed in range(asked.seeds):
        _, scores = trained(told(seed, 100), CartPole)
        reached = next((actions for actions, score in scores if score >= GOAL), None)
        runs.append({"seed": seed, "actions to 475": reached, "scores": scores})
        print(f"seed {seed}: 475 after {reached}, {scores[-1][1]:.1f} at the end", flush=True)
    ratios = compared()
    record = {
        "what": "CartPole-v1 by PPO: actions to 475 over 100 games; ours over Gymnasium's time",
        "command": f"python benchmarks/ppo_cartpole.py --seeds {asked.seeds}",
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "hardware": hardware(),
        "busy": f"load average {os.getloadavg()[0]:.1f} at the end" if asked.busy else "",
        "versions": {**versions(), "gymnasium": gymnasium.__version__},
        "runs": runs,
        "processor time, ours over Gymnasium's": {n: round(r, 3) for n, r in ratios.items()},
    }
    write_whole(OUT, f"{json.dumps(record, indent=1)}\n".encode())
    print(json.dumps(ratios))


if __name__ == "__main__":
    main()
