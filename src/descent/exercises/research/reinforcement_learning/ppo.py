"""How `ppo` is judged: by five tiny worlds with known answers, and by worlds worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from descent.exercises.doubles import PlainDescent
from descent.grading import Draw, Exercise, expect

ppo = Exercise(
    "ppo", minutes=60, difficulty=3, changes=("envs", "model", "optimiser"), seconds=12.0
)

NAMES = (
    "clip_fraction", "approx_kl", "entropy", "explained_variance", "advantage_mean",
    "advantage_std", "reward", "ended",
)  # fmt: skip


class Straight(nn.Module):
    """Logits of two actions and a value, each a straight line of the one number observed."""

    def __init__(self, value: tuple[float, float] = (0.0, 0.0)) -> None:
        super().__init__()
        self.policy = nn.Parameter(torch.zeros(2, 2))
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        lines = torch.cat([torch.ones_like(observations), observations], dim=1)
        return lines @ self.policy, lines @ self.value


class World:
    """n environments; a subclass says what a state pays, where it leads and how it ends."""

    def __init__(self, n: int, seed: int) -> None:
        self.n, self.rng = n, np.random.default_rng(seed)
        self.resets, self.steps, self.paid, self.ends = 0, 0, 0.0, 0
        self.seen = self.starts()

    def starts(self) -> np.ndarray:
        return np.zeros((self.n, 1), dtype=np.float32)

    def outcome(self, seen: Any, actions: Any) -> tuple[Any, Any, Any, Any]:
        """Rewards, terminated, truncated, and where it leads, each (n,)."""
        raise NotImplementedError

    def reset(self) -> np.ndarray:
        self.resets += 1
        self.seen = self.starts()
        return self.seen

    def step(self, actions: Any) -> tuple[Any, ...]:
        self.steps += 1
        rewards, terminated, truncated, led = self.outcome(self.seen[:, 0], np.asarray(actions))
        final = led.astype(np.float32)[:, None]
        ended = terminated | truncated
        self.paid, self.ends = self.paid + float(rewards.sum()), self.ends + int(ended.sum())
        self.seen = np.where(ended[:, None], self.starts(), final).astype(np.float32)
        return self.seen, rewards, terminated, truncated, final

    def __repr__(self) -> str:
        return f"{type(self).__name__} × {self.n}"


class ConstantReward(World):
    """Probe 1: one step, which pays 1."""

    def outcome(self, seen, actions):
        return 1.0 + 0 * seen, seen == 0, seen > 9, seen


class Signs(World):
    """Probe 2: one step, which pays the observation."""

    def starts(self):
        return self.rng.choice([-1.0, 1.0], size=(self.n, 1)).astype(np.float32)

    def outcome(self, seen, actions):
        return seen.astype(float), abs(seen) == 1, seen > 9, seen


class Delayed(World):
    """Probe 3: two steps, of which the second pays 1."""

    def outcome(self, seen, actions):
        return seen.astype(float), seen == 1, seen > 9, seen + 1


class Chosen(World):
    """Probe 4: one step, which pays 1 for action 1 and −1 for action 0."""

    def outcome(self, seen, actions):
        return 2.0 * actions - 1, seen == 0, seen > 9, seen


class Fitting(Signs):
    """Probe 5: one step, which pays 1 if the action fits the sign seen, else −1."""

    def outcome(self, seen, actions):
        return (2.0 * actions - 1) * seen, abs(seen) == 1, seen > 9, seen


class Stopped(World):
    """The clock stops every episode after one step, which leads to 2."""

    def outcome(self, seen, actions):
        return 1.0 + 0 * seen, seen > 9, seen == 0, seen + 2


class StoppedAndFallen(World):
    """Every step both terminates and is truncated."""

    def outcome(self, seen, actions):
        return 1.0 + 0 * seen, seen == 0, seen == 0, seen


class Climbing(World):
    """It climbs by 1 a step, pays half of where it stands, and never ends."""

    def outcome(self, seen, actions):
        return 0.5 * seen, seen < 0, seen < 0, seen + 1


class Watched(PlainDescent):
    """Notes the rate of each group at every step."""

    def __init__(self, model: nn.Module, rate: float) -> None:
        super().__init__(model, rate)
        self.param_groups[1]["lr"] = rate / 2
        self.rates: list[list[float]] = []

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        self.rates.append([float(group["lr"]) for group in self.param_groups])
        return super().step(closure)


def _settings(**changes: Any) -> dict[str, Any]:
    return {
        "steps": 6, "epochs": 4, "minibatch": 48, "gamma": 0.5, "lam": 0.9, "epsilon": 0.2,
        "value_weight": 1.0, "entropy_weight": 0.0, "max_norm": 1e6,
    } | changes  # fmt: skip


def _solved(answer, world: World, seed: int, entropy_weight: float = 0.0) -> tuple[Any, Any]:
    """Values, and chances of action 1, at −1, 0 and 1, after a short training."""
    model = Straight()
    answer(
        world, model, PlainDescent(model, 0.7), 14, seed, _settings(entropy_weight=entropy_weight)
    )
    with torch.no_grad():
        logits, values = model(torch.tensor([[-1.0], [0.0], [1.0]]))
    return values.numpy(), logits.softmax(1)[:, 1].numpy()


def _expect_in_band(value: Any, name: str, centre: float, width: float) -> None:
    """Within half of `width` of the centre. What is observed is the middle of the band that the
    value lies in, so that luck in a training does not show."""
    bands = np.round((float(value) - centre) / width) if math.isfinite(float(value)) else math.nan
    expect(float(centre + width * bands), f"{name}, in steps of {width}").close_to(
        centre, atol=1e-6
    )


def _expect_true(holds: Any, name: str) -> None:
    expect(bool(holds), f"whether {name}").equals(True)


@ppo.property("probe 1: a constant reward is worth 1", trials=1)
def _(answer, draw: Draw) -> None:
    values, _ = _solved(answer, ConstantReward(16, draw.seed()), draw.seed())
    _expect_in_band(values[1], "the value", 1.0, 0.2)


@ppo.property("probe 2: the value follows the observation", trials=1)
def _(answer, draw: Draw) -> None:
    values, _ = _solved(answer, Signs(16, draw.seed()), draw.seed())
    _expect_in_band(values[0], "the value of −1", -1.0, 0.2)
    _expect_in_band(values[2], "the value of 1", 1.0, 0.2)


@ppo.property("probe 3: a reward one step away is worth γ", trials=1)
def _(answer, draw: Draw) -> None:
    values, _ = _solved(answer, Delayed(16, draw.seed()), draw.seed())
    _expect_in_band(values[1], "the value of the first step", 0.5, 0.2)
    _expect_in_band(values[2], "the value of the second step", 1.0, 0.2)


@ppo.property("probe 4: the action that pays is taken", trials=1)
def _(answer, draw: Draw) -> None:
    _, chances = _solved(answer, Chosen(16, draw.seed()), draw.seed())
    _expect_in_band(chances[1], "the chance of action 1, which pays", 0.95, 0.1)


@ppo.property("probe 5: the action that fits what is seen is taken", trials=1)
def _(answer, draw: Draw) -> None:
    _, chances = _solved(answer, Fitting(16, draw.seed()), draw.seed())
    _expect_in_band(chances[0], "the chance of action 1 at −1", 0.05, 0.1)
    _expect_in_band(chances[2], "the chance of action 1 at 1", 0.95, 0.1)


def _at_rest(answer, draw: Draw, world: World, **changes: Any) -> dict[str, float]:
    """One iteration with a rate of 0: nothing moves, and all can be worked out by hand."""
    model = Straight((0.3, -0.4))
    history = answer(world, model, PlainDescent(model, 0.0), 1, draw.seed(), _settings(**changes))
    return history[0]


@ppo.property("bootstraps where the clock stopped, from what the step led to", trials=1)
def _(answer, draw: Draw) -> None:
    found = _at_rest(answer, draw, Stopped(4, 0))
    wanted = 1 + 0.5 * (0.3 - 0.4 * 2) - 0.3
    expect(found["advantage_mean"], "the mean advantage").close_to(wanted, 1e-4)
    expect(found["advantage_std"], "its standard deviation").close_to(0.0, atol=1e-5)
    expect(found.get("ended"), "the episodes that ended, by the clock").equals(24.0)
    found = _at_rest(answer, draw, StoppedAndFallen(2, 0))
    expect(found.get("ended"), "the episodes that ended, both ways at once").equals(12.0)


@ppo.property("computes advantages and returns with its own γ and λ", trials=2)
def _(answer, draw: Draw) -> None:
    gamma, lam = draw.uniform(0.6, 0.9), draw.uniform(0.2, 0.5)
    found = _at_rest(answer, draw, Climbing(3, 0), gamma=gamma, lam=lam)
    values = [0.3 - 0.4 * t for t in range(7)]
    surprises = [0.5 * t + gamma * values[t + 1] - values[t] for t in range(6)]
    gains = [sum((gamma * lam) ** k * surprises[t + k] for k in range(6 - t)) for t in range(6)]
    returns = np.array(gains) + values[:6]
    expect(found["advantage_mean"], "the mean advantage").close_to(np.mean(gains), 1e-4)
    expect(found["advantage_std"], "its standard deviation").close_to(np.std(gains), 1e-4)
    explained = 1 - np.var(gains) / np.var(returns)
    expect(found["explained_variance"], "explained_variance").close_to(explained, 1e-3)
    expect(found["entropy"], "the entropy").close_to(math.log(2), 1e-4)
    expect(found["approx_kl"], "approx_kl, where nothing moves").close_to(0.0, atol=1e-6)
    expect(found["clip_fraction"], "clip_fraction, where nothing moves").close_to(0.0)


@ppo.property("reports rewards, ends and all diagnostics of every iteration", trials=1)
def _(answer, draw: Draw) -> None:
    world, model = Fitting(5, draw.seed()), Straight()
    history = answer(world, model, PlainDescent(model, 0.3), 3, draw.seed(), _settings(minibatch=7))
    expect(len(history), "how many iterations are reported").equals(3)
    for row in history:
        expect(sorted(map(str, row)), "the names").equals(sorted(NAMES))
    rewards = [row.get("reward", math.nan) for row in history]
    paid = world.paid / 90 or math.nan  # over nothing paid, no ratio can be taken
    ratio = 1.0 if math.isnan(paid) else float(np.mean(rewards)) / paid
    expect(ratio, "the mean reward over the iterations, over what was paid").close_to(1.0)
    ends = [row.get("ended", math.nan) for row in history]
    expect(ends, "the episodes that ended").equals([30.0, 30.0, 30.0])
    moved = [row.get("approx_kl", math.nan) for row in history]
    _expect_true(np.min(moved) > 1e-7, "approx_kl, measured after the update, is above 0")


class Noted(Fitting):
    """Keeps what was seen, and what was done there."""

    def __init__(self, n: int, seed: int) -> None:
        super().__init__(n, seed)
        self.places: list[np.ndarray] = []
        self.deeds: list[np.ndarray] = []

    def step(self, actions: Any) -> tuple[Any, ...]:
        self.places.append(np.array(self.seen))
        self.deeds.append(np.array(actions))
        return super().step(actions)


@ppo.property("compares the policy after the update with the one that acted", trials=1)
def _(answer, draw: Draw) -> None:
    world, model = Noted(9, draw.seed()), Straight()
    settings = _settings(minibatch=9)
    row = answer(world, model, PlainDescent(model, 0.4), 1, draw.seed(), settings)[0]
    with torch.no_grad():
        chances = model(torch.tensor(np.concatenate(world.places)))[0].softmax(1).numpy()
    taken = chances[np.arange(len(chances)), np.concatenate(world.deeds)]
    ratios = taken / 0.5  # a model of zeros acts by a coin
    expect(row["approx_kl"], "approx_kl").close_to(np.mean(ratios - 1 - np.log(ratios)), 1e-3)
    expect(row["clip_fraction"], "clip_fraction").close_to(np.mean(abs(ratios - 1) > 0.2), 1e-6)
    entropies = -(chances * np.log(chances)).sum(axis=1)
    expect(row["entropy"], "the entropy").close_to(np.mean(entropies), 1e-3)


@ppo.property("holds the returns against the values of the rollout", trials=1)
def _(answer, draw: Draw) -> None:
    world, model = Signs(16, draw.seed()), Straight()
    row = answer(world, model, PlainDescent(model, 0.5), 1, draw.seed(), _settings())[0]
    # A value of 0 everywhere explains nothing of rewards that differ.
    expect(row["explained_variance"], "explained_variance").close_to(0.0, atol=1e-6)


@ppo.property("steps through the world without resetting it between rollouts", trials=1)
def _(answer, draw: Draw) -> None:
    world, model = Climbing(2, 0), Straight()
    history = answer(world, model, PlainDescent(model, 0.01), 3, draw.seed(), _settings(steps=4))
    expect(world.resets, "how often the world was reset").equals(1)
    expect(world.steps, "how many steps were taken").equals(12)
    rewards = [row["reward"] for row in history]
    expect(rewards, "the mean rewards, of a world that climbs").close_to([0.75, 2.75, 4.75])


@ppo.property("lets every group's rate fall in a straight line", trials=2)
def _(answer, draw: Draw) -> None:
    model = Straight()
    optimiser = Watched(model, 0.4)
    iterations = draw.integers(3, 6)
    settings = _settings(steps=5, epochs=3, minibatch=4)
    answer(ConstantReward(2, 0), model, optimiser, iterations, draw.seed(), settings)
    first = [0.4 * (1 - i / iterations) for i in range(iterations) for _ in range(9)]
    expect(len(optimiser.rates), "how many steps of the optimiser").equals(9 * iterations)
    expect([one[0] for one in optimiser.rates], "the first group's rates").close_to(first)
    second = [rate / 2 for rate in first]
    expect([one[1] for one in optimiser.rates], "the second group's rates").close_to(second)


@ppo.property("moves no policy where every reward was expected", trials=1)
def _(answer, draw: Draw) -> None:
    model = Straight((0.0, 1.0))
    answer(Signs(16, draw.seed()), model, PlainDescent(model, 0.5), 2, draw.seed(), _settings())
    _expect_true(model.policy.abs().max() <= 1e-5, "the policy's parameters stay where they were")


def _after(answer, draw: Draw, rate: float, **changes: Any) -> Straight:
    model = Straight()
    answer(Chosen(16, 1), model, PlainDescent(model, rate), 1, 5, _settings(**changes))
    return model


@ppo.property("hands every setting on to the update", trials=1)
def _(answer, draw: Draw) -> None:
    still = _after(answer, draw, 0.5, value_weight=0.0)
    expect(still.value, "the value's parameters with value_weight 0").close_to([0.0, 0.0])
    short = _after(answer, draw, 1.0, max_norm=1e-3)
    _expect_true(short.policy.abs().max() < 0.01, "the policy hardly moves with max_norm 0.001")
    held = _after(answer, draw, 0.05, epsilon=1e-3, epochs=60)
    free = _after(answer, draw, 0.05, epsilon=0.5, epochs=60)
    _expect_true(held.policy.abs().max() < 0.1, "the policy moves little with ε = 0.001")
    _expect_true(free.policy.abs().max() > 0.2, "the policy moves far with ε = 0.5")
    _, chances = _solved(answer, Chosen(16, draw.seed()), draw.seed(), entropy_weight=3.0)
    _expect_in_band(chances[1], "the chance of action 1 with entropy_weight 3", 0.65, 0.3)


@ppo.property("follows from its seed", trials=1)
def _(answer, draw: Draw) -> None:
    seed, found = draw.seed(), []
    for place, one in enumerate((seed, seed, seed + 1)):
        torch.manual_seed(place)
        model = Straight()
        answer(Fitting(8, 3), model, PlainDescent(model, 0.3), 2, one, _settings(minibatch=9))
        found.append(model.policy.detach().clone())
    _expect_true((found[1] - found[0]).abs().max() <= 1e-4, "the same seed gives the same policy")
    _expect_true((found[2] - found[0]).abs().max() > 1e-6, "another seed gives another policy")


@ppo.property("draws its actions anew in every rollout", trials=1)
def _(answer, draw: Draw) -> None:
    world, model = Noted(16, draw.seed()), Straight()
    answer(world, model, PlainDescent(model, 0.0), 2, draw.seed(), _settings())
    deeds = np.array(world.deeds)
    expect(len(deeds), "how many steps were taken").equals(12)
    repeated = len(deeds) == 12 and bool((deeds[:6] == deeds[6:]).all())
    expect(repeated, "whether the second rollout draws what the first drew").equals(False)


def _rolled(envs, model, generator, observations, steps):
    """A rollout, for the right answer below."""
    rows = []
    for _ in range(steps):
        with torch.no_grad():
            logits, values = model(torch.as_tensor(observations))
        log_chances = logits.log_softmax(1)
        actions = torch.multinomial(log_chances.exp(), 1, generator=generator)
        taken = log_chances.gather(1, actions)[:, 0]
        before = np.array(observations)
        observations, *outcome = envs.step(actions[:, 0].numpy())
        rows.append((before, actions[:, 0].numpy(), taken.numpy(), values.numpy(), *outcome))
    return [
        np.stack([np.array(x) for x in column]) for column in zip(*rows, strict=True)
    ], observations


def _gae(rewards, values, following, terminated, truncated, gamma, lam):
    """GAE, for the right answer below."""
    surprises = rewards + gamma * np.where(terminated, 0.0, following) - values
    goes_on, gains = ~(terminated | truncated), np.zeros(rewards.shape)
    for t in range(len(gains) - 1, -1, -1):
        later = gains[t + 1] if t + 1 < len(gains) else 0.0
        gains[t] = surprises[t] + gamma * lam * goes_on[t] * later
    return gains


def _update(model, optimiser, part, s):
    """One step of the page's loss, for the right answer below."""
    seen, actions, old, gains, targets = part
    logits, values = model(seen)
    log_chances = logits.log_softmax(1)
    ratios = (log_chances.gather(1, actions[:, None])[:, 0] - old).exp()
    gains = (gains - gains.mean()) / (gains.std(unbiased=False) + 1e-8)
    cut = ratios.clamp(1 - s["epsilon"], 1 + s["epsilon"])
    loss = -torch.minimum(ratios * gains, cut * gains).mean()
    loss = loss + s["value_weight"] * (values - targets).square().mean() / 2
    loss = loss + s["entropy_weight"] * (log_chances.exp() * log_chances).sum(1).mean()
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), s["max_norm"])
    optimiser.step()


@torch.no_grad()
def _watched(model, seen, actions, old, values, targets, gains, epsilon):
    """The diagnostics, for the right answer below."""
    logits, _ = model(seen)
    log_chances = logits.log_softmax(1)
    moved = (log_chances.gather(1, actions[:, None])[:, 0] - old).double()
    total = np.var(targets)
    return {
        "clip_fraction": float(((moved.exp() - 1).abs() > epsilon).double().mean()),
        "approx_kl": float((moved.exp() - 1 - moved).mean()),
        "entropy": float(-(log_chances.exp() * log_chances).sum(1).mean()),
        "explained_variance": 1 - float(np.var(targets - values) / total) if total else math.nan,
        "advantage_mean": float(np.mean(gains)),
        "advantage_std": float(np.std(gains)),
    }


@ppo.right
def right_ppo(envs, model, optimiser, iterations, seed, settings):
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    rates = [group["lr"] for group in optimiser.param_groups]
    observations = envs.reset()
    history = []
    s = settings
    for i in range(iterations):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * (1 - i / iterations)
        rollout, observations = _rolled(envs, model, generator, observations, s["steps"])
        seen, actions, old, values, rewards, terminated, truncated, final = rollout
        with torch.no_grad():
            flat = torch.as_tensor(final.reshape(-1, *final.shape[2:]))
            following = model(flat)[1].numpy().reshape(rewards.shape)
        ends = terminated, truncated
        gains = _gae(rewards, values, following, *ends, s["gamma"], s["lam"])
        targets = gains + values
        rows = torch.as_tensor(seen.reshape(-1, *seen.shape[2:]))
        acts = torch.as_tensor(actions.reshape(-1))
        before = torch.as_tensor(old.reshape(-1)).float()
        gained = torch.as_tensor(gains.reshape(-1)).float()
        aims = torch.as_tensor(targets.reshape(-1)).float()
        judged = model
        for _ in range(s["epochs"]):
            order = torch.as_tensor(rng.permutation(len(acts)))
            for part in order.split(s["minibatch"]):
                parts = [x[part] for x in (rows, acts, before, gained, aims)]
                _update(model, optimiser, parts, s)
        flat_values = values.reshape(-1)
        row = _watched(
            judged, rows, acts, before, flat_values, targets.reshape(-1), gains, s["epsilon"]
        )
        row["reward"] = float(rewards.mean())
        row["ended"] = float((terminated | truncated).sum())
        history.append(row)
    return history


_GAE = '_gae(rewards, values, following, *ends, s["gamma"], s["lam"])'
ppo.slip(
    "truncation_as_termination",
    "You took truncations for terminations: nothing is bootstrapped where the clock stopped.",
    {"ends = terminated, truncated": "ends = terminated | truncated, truncated"},
)
ppo.slip(
    "bootstraps_past_the_end",
    "You took terminations for truncations, so a value is counted after the end: probe 1 is worth "
    "1/(1 − γ) then.",
    {"ends = terminated, truncated": "ends = terminated & ~terminated, terminated | truncated"},
)
ppo.slip(
    "ends_ignored",
    "Your advantages do not know where episodes end.",
    {"ends = terminated, truncated": "ends = terminated & ~terminated, truncated & ~truncated"},
)
ppo.slip(
    "values_of_the_new_start",
    "You took the values of the observations that come next in the rollout. Where an episode ended "
    "these are of another one: the values of `next_observations` are wanted.",
    {"flat = torch.as_tensor(final.reshape(-1, *final.shape[2:]))":
     "final = np.concatenate([seen[1:], np.array(observations)[None]])\n"
     "            flat = torch.as_tensor(final.reshape(-1, *final.shape[2:]))"},
)  # fmt: skip
ppo.slip(
    "gamma_and_lambda_exchanged",
    "You exchanged γ and λ.",
    {_GAE: '_gae(rewards, values, following, *ends, s["lam"], s["gamma"])'},
)
ppo.slip(
    "undiscounted",
    "γ is 1 with you, whatever the settings say.",
    {_GAE: '_gae(rewards, values, following, *ends, 1.0, s["lam"])'},
)
ppo.slip(
    "advantages_for_returns",
    "You train the value function towards the advantages. Its targets are advantage + value.",
    {"targets = gains + values": "targets = gains"},
)
ppo.slip(
    "returns_for_advantages",
    "You train the policy with the returns. Those are the targets of the value function.",
    {"gained = torch.as_tensor(gains": "gained = torch.as_tensor(targets"},
)
ppo.slip(
    "next_values_forgotten",
    "You put 0 for all next values. Nothing reaches back over more than a rollout, and truncations "
    "are not bootstrapped.",
    {"following = model(flat)[1].numpy()": "following = 0 * model(flat)[1].numpy()"},
)
ppo.slip(
    "reset_every_rollout",
    "You reset the environments before every rollout. Long episodes are never seen to their end.",
    {"rollout, observations = _rolled(envs, model, generator, observations,":
     "rollout, observations = _rolled(envs, model, generator, envs.reset(),"},
)  # fmt: skip
ppo.slip(
    "rates_compound",
    "You multiply the *present* rate in each iteration, so the factors compound. Keep the rates of "
    "the start.",
    {'group["lr"] = rate *': 'group["lr"] = group["lr"] *'},
)
ppo.slip(
    "rate_constant",
    "The learning rate does not fall.",
    {"rate * (1 - i / iterations)": "rate"},
)
ppo.slip(
    "rate_starts_lower",
    "The first iteration has a lower rate already. It begins with the whole one; 0 would come one "
    "iteration after the last.",
    {"(1 - i / iterations)": "(1 - (i + 1) / iterations)"},
)
ppo.slip(
    "rate_ends_at_zero",
    "The rate reaches 0 in the last iteration, which then learns nothing. It would reach 0 one "
    "iteration later.",
    {"(1 - i / iterations)": "(1 - i / max(iterations - 1, 1))"},
)
ppo.slip(
    "first_group_only",
    "You lower the rate of the first group of parameters alone.",
    {"zip(optimiser.param_groups, rates, strict=True)": "zip(optimiser.param_groups[:1], rates)"},
)
ppo.slip(
    "first_groups_rate_for_all",
    "All groups get the first one's rate. Each has its own.",
    {'group["lr"] = rate *': 'group["lr"] = rates[0] *'},
)
ppo.slip(
    "diagnosed_before_the_update",
    "You computed the diagnostics with the policy *before* the update: it has not moved, so KL and "
    "clip fraction are 0 always.",
    {"judged = model": "import copy\n\n        judged = copy.deepcopy(model)"},
)
ppo.slip(
    "one_epoch",
    'You go over each rollout once, whatever "epochs" says.',
    {'range(s["epochs"])': "range(1)"},
)
ppo.slip(
    "seed_ignored",
    "Your randomness does not follow from `seed`.",
    {"torch.Generator().manual_seed(seed), np.random.default_rng(seed)":
     "torch.Generator().manual_seed(0), np.random.default_rng(0)"},
)  # fmt: skip
ppo.slip(
    "global_randomness",
    "You draw actions from torch's global state, so equal seeds give other results.",
    {"_rolled(envs, model, generator,": "_rolled(envs, model, None,"},
)
ppo.slip(
    "ends_of_one_kind",
    "You count terminations alone as ended. A truncation ends an episode as well.",
    {"float((terminated | truncated).sum())": "float(terminated.sum())"},
)
ppo.slip(
    "ends_counted_twice",
    "A step that both terminated and was truncated counts twice with you. It ended one episode.",
    {"float((terminated | truncated).sum())": "float(terminated.sum() + truncated.sum())"},
)
ppo.slip(
    "share_of_ends",
    "You report the share of steps that ended an episode. Asked for is their number.",
    {"float((terminated | truncated).sum())": "float((terminated | truncated).mean())"},
)
ppo.slip(
    "observations_not_carried",
    "Every rollout begins, with you, from the observations of the very first reset. The world has "
    "moved on: take what `collect` hands back.",
    {"rollout, observations = _rolled(": "rollout, _ = _rolled("},
)
ppo.slip(
    "same_luck_in_every_rollout",
    "You seed the generator of the actions anew in each iteration, so every rollout draws the same "
    "luck. Make it once, before the loop.",
    {"        rollout, observations = _rolled(envs, model, generator,":
     "        generator = torch.Generator().manual_seed(seed)\n"
     "        rollout, observations = _rolled(envs, model, generator,"},
)  # fmt: skip
ppo.slip(
    "ratios_of_the_old_policy",
    "Your ratios are 1 always: for the log-probabilities after the update you took those of the "
    "rollout. Ask the model again, of the same actions.",
    {'        row["reward"] =': "        row |= {'clip_fraction': 0.0, 'approx_kl': 0.0}\n"
     '        row["reward"] ='},
)  # fmt: skip
ppo.slip(
    "weights_exchanged",
    "You exchanged the weights of the value loss and of the entropy.",
    {"_update(model, optimiser, parts, s)": "_update(model, optimiser, parts, s | "
     "{'entropy_weight': s['value_weight'], 'value_weight': s['entropy_weight']})"},
)  # fmt: skip
ppo.slip(
    "rate_lowered_too_late",
    "You lower the rate at the end of an iteration, by what belongs to that iteration: the second "
    "learns with the whole rate still. Lower it before the rollout.",
    {
        "        for group, rate in zip(optimiser.param_groups, rates, strict=True):\n": "",
        '            group["lr"] = rate * (1 - i / iterations)\n': "",
        "        history.append(row)": (
            "        for group, rate in zip(optimiser.param_groups, rates):\n"
            "            group['lr'] = rate * (1 - i / iterations)\n"
            "        history.append(row)"
        ),
    },
)
ppo.slip(
    "last_iteration_alone",
    "You return the last iteration alone. Asked for is a row for each.",
    {"return history": "return history[-1:]"},
)
ppo.slip(
    "values_of_the_observations",
    "You took the values of the observations themselves for the next values. What a step led to is "
    "in `next_observations`.",
    {"flat = torch.as_tensor(final.reshape": "flat = torch.as_tensor(seen.reshape"},
)
ppo.slip(
    "environments_mixed_up",
    "You laid the advantages out environment by environment, and the other rows step by step. Each "
    "row then has the advantage of another.",
    {"gained = torch.as_tensor(gains.reshape(-1))": "gained = torch.as_tensor("
     "gains.T.reshape(-1))"},
)  # fmt: skip
ppo.slip(
    "normalised_for_the_diagnostics",
    "You normalised the advantages before the diagnostics. Their mean and spread are watched as "
    "they are; the update normalises in each minibatch.",
    {"targets.reshape(-1), gains, s[": "targets.reshape(-1), (gains - gains.mean()) / "
     "(gains.std() + 1e-8), s["},
)  # fmt: skip
ppo.slip(
    "judged_by_new_values",
    "You computed the explained variance with the values *after* the update, which have seen the "
    "returns. Take those that were believed during the rollout.",
    {"flat_values = values.reshape(-1)": "flat_values = model(rows)[1].detach().numpy()"},
)
ppo.slip(
    "reward_of_a_rollout",
    "You report the sum of the rewards. The mean of a step is asked for.",
    {"float(rewards.mean())": "float(rewards.sum())"},
)
ppo.slip(
    "entropy_weight_forgotten",
    "The entropy bonus of the settings is not handed on.",
    {"_update(model, optimiser, parts, s)": "_update(model, optimiser, parts, s | "
     "{'entropy_weight': 0.0})"},
)  # fmt: skip

ppo.hint(
    "`actor`, `collect`, next values, `advantages`, `minibatches`, `ppo_update`, `diagnostics`: "
    "what does each hand to the next?"
)
ppo.hint("All next values at once: flatten (steps, n) into rows, ask the model, reshape back.")
ppo.hint("Which is the first probe that fails? Its row in the table says what it isolates.",
         when="value")  # fmt: skip
ppo.hint("With γ = 0.5 probe 1 is worth 2 if values count past the end.",
         when="probe 1: a constant reward is worth 1")  # fmt: skip

ppo.equivalent(
    "`for group, rate in zip(optimiser.param_groups, rates, strict=True):` → `for "
    "group, rate in zip(optimiser.param_groups, rates):`",
    because="there is a rate for every group",
)

ppo.equivalent(
    "`for group, rate in zip(optimiser.param_groups, rates, strict=True):` → `for "
    "group, rate in zip(optimiser.param_groups, rates, strict=False):`",
    because="there is a rate for every group",
)

ppo.equivalent(
    "`rows = {name: array.reshape(-1, *array.shape[2:]) for name, array in "
    "rollout.items()}` → `rows = {name: array.reshape(-2, *array.shape[2:]) for "
    "name, array in rollout.items()}`",
    because="numpy takes any negative number for the one length that is left open",
)

ppo.equivalent(
    "`rows['advantages'], rows['returns'] = (gained.reshape(-1), (gained + "
    "rollout['values']).reshape(-1))` → `rows['advantages'], rows['returns'] = "
    "(gained.reshape(-2), (gained + rollout['values']).reshape(-1))`",
    because="numpy takes any negative number for the one length that is left open",
)

ppo.equivalent(
    "`rows['advantages'], rows['returns'] = (gained.reshape(-1), (gained + "
    "rollout['values']).reshape(-1))` → `rows['advantages'], rows['returns'] = "
    "(gained.reshape(-1), (gained + rollout['values']).reshape(-2))`",
    because="numpy takes any negative number for the one length that is left open",
)

ppo.equivalent(
    "`batch = {name: torch.as_tensor(rows[name]) for name in ('observations', "
    "'actions')}` → `batch = {name: torch.as_tensor(rows[name]) for name in "
    "('actions', 'observations')}`",
    because="a dictionary is read by its names",
)

ppo.equivalent(
    "`batch |= {name: torch.as_tensor(rows[name]).float() for name in ('log_probs', "
    "'advantages', 'returns')}` → `batch |= {name: "
    "torch.as_tensor(rows[name]).float() for name in ('advantages', 'log_probs', "
    "'returns')}`",
    because="a dictionary is read by its names",
)

ppo.equivalent(
    "`now = logits.log_softmax(dim=1).gather(1, batch['actions'][:, None])[:, 0]` → "
    "`now = logits.log_softmax(dim=1).gather(1, batch['actions'][:, None])[:, -1]`",
    because="there is one column",
)
