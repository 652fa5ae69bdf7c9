"""How `collect` is judged: by worlds that write down what was done in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from descent.grading import Draw, Exercise, expect

collect = Exercise(
    "collect", minutes=25, difficulty=2, changes=("envs",), returns=tuple[dict, np.ndarray]
)

KEYS = (
    "observations", "actions", "log_probs", "values", "rewards", "terminated", "truncated",
    "next_observations",
)  # fmt: skip


class World:
    """Environments whose numbers follow from a clock; it hands back the same arrays every time."""

    def __init__(self, draw: Draw, n: int, shape: tuple[int, ...], dtype: str) -> None:
        self.shape, self.dtype, self.seed = (n, *shape), dtype, draw.seed()
        self.clock, self.resets, self.actions = 0, 0, []  # type: ignore[var-annotated]
        self.seen = np.zeros(self.shape, dtype)
        self.final = np.zeros(self.shape, dtype)
        self.rewards = np.zeros(n)
        self.terminated, self.truncated = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        self._show()

    def _show(self) -> None:
        rng = np.random.default_rng([self.seed, self.clock])
        for array in (self.seen, self.final):
            array[...] = rng.integers(0, 250, self.shape)
        self.rewards[...] = np.round(rng.normal(size=self.shape[0]), 2)
        self.terminated[...] = rng.random(self.shape[0]) < 0.3
        self.truncated[...] = rng.random(self.shape[0]) < 0.3
        on = ~(self.terminated | self.truncated)
        self.final[on] = self.seen[on]

    def reset(self) -> Any:
        self.resets += 1
        return self.seen

    def step(self, actions: Any) -> tuple[Any, ...]:
        self.actions.append(np.array(actions))
        self.clock += 1
        self._show()
        return self.seen, self.rewards, self.terminated, self.truncated, self.final

    def __repr__(self) -> str:
        return f"a world of {self.shape[0]} environments"


class Actor:
    """Acts by a rule on what it sees, and counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, observations: Any) -> tuple[Any, Any, Any]:
        self.calls += 1
        sums = np.asarray(observations, dtype=np.float64).reshape(len(observations), -1).sum(axis=1)
        actions = (sums % 3).astype(np.int64)
        return actions, -(sums % 7) - 0.25 * self.calls, sums / 100 + self.calls

    def __repr__(self) -> str:
        return "an actor"


def _wanted(draw_seed: Any, steps: int) -> dict[str, Any]:
    """The rows, from a second world that was made alike."""
    world, act = draw_seed, Actor()
    rows: dict[str, list[Any]] = {name: [] for name in KEYS}
    for _ in range(steps):
        before = np.array(world.seen)
        acted = act(before)
        after = [np.array(part) for part in world.step(acted[0])]
        for name, part in zip(KEYS, (before, *acted, *after[1:]), strict=True):
            rows[name].append(part)
    return {name: np.array(parts) for name, parts in rows.items()} | {"last": np.array(world.seen)}


def _judge(answer, draw: Draw, steps: int, n: int, shape=(3,), dtype="float32") -> None:
    seed = draw.seed()
    world, twin = (World(Draw(seed, 1), n, shape, dtype) for _ in range(2))
    act, wanted = Actor(), _wanted(twin, steps)
    rollout, last = answer(world, np.array(world.seen), act, steps)
    expect(sorted(map(str, rollout)), "the keys of the rollout").equals(sorted(KEYS))
    for name in KEYS:
        found = rollout.get(name)
        expect(found, name).is_a(np.ndarray)
        expect(found, name).has_shape(*wanted[name].shape).close_to(wanted[name], 1e-6)
    expect(rollout.get("observations"), "observations").has_dtype(dtype)
    expect(rollout.get("terminated"), "terminated").has_dtype("bool")
    expect(last, "the observations that come next").close_to(wanted["last"])
    expect(act.calls, "how often `act` was called").equals(steps)
    expect(world.clock, "how many steps the environments took").equals(steps)
    expect(world.resets, "how often they were reset").equals(0)


@collect.property("keeps what was seen, done and paid, step by step", trials=5)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, draw.size + 1, 1 + draw.size % 4)


@collect.property("takes a single step in a single environment", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 1, 1)


@collect.property("keeps pictures of bytes as they are", trials=2)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, 3, 2, (1, 4, 5), "uint8")


@collect.property("goes on where the last rollout stopped", trials=2)
def _(answer, draw: Draw) -> None:
    world, act = World(draw, 3, (2,), "float32"), Actor()
    _, last = answer(world, np.array(world.seen), act, 3)
    expect(last, "the observations that come next").close_to(np.array(world.seen))
    begun = np.array(last)
    rollout, _ = answer(world, np.array(last), act, 2)
    expect(rollout["observations"][0], "the first row of the second rollout").close_to(begun)
    expect(world.resets, "how often they were reset").equals(0)


@collect.right
def right_collect(envs, observations, act, steps):
    rows = []
    for _ in range(steps):
        before = observations.copy()
        actions, log_probs, values = act(before)
        observations, rewards, terminated, truncated, final = envs.step(actions)
        row = {
            "observations": before, "actions": actions, "log_probs": log_probs, "values": values,
            "rewards": rewards, "terminated": terminated, "truncated": truncated,
            "next_observations": final,
        }  # fmt: skip
        rows.append({name: np.array(part) for name, part in row.items()})
    rollout = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return rollout, observations


_ROW = '"observations": before'
collect.slip(
    "observation_after_the_step",
    "You kept the observation that came *of* the action. A row begins with what was seen before "
    "it: the policy is asked about that again later.",
    {_ROW: '"observations": observations'},
)
collect.slip(
    "same_array_kept",
    "All your rows are alike: the environment wrote new numbers into the array that you kept. Keep "
    "a copy of each.",
    {"{name: np.array(part) for name, part in row.items()}": "row",
     "before = observations.copy()": "before = observations"},
)  # fmt: skip
collect.slip(
    "same_observations_kept",
    "Your observations were overwritten by the environment before you kept them: copy them before "
    "the step.",
    {"before = observations.copy()": "before = observations"},
)
collect.slip(
    "next_is_the_new_start",
    "For the next observations you kept what the environment shows now. Where an episode ended "
    "that is the start of another: keep `final`.",
    {'"next_observations": final': '"next_observations": observations'},
)
collect.slip(
    "resets_first",
    "You reset the environments. A rollout goes on where the last one stopped; else long episodes "
    "are never seen to the end.",
    {"rows = []": "rows = []\n    envs.reset()"},
)
collect.slip(
    "first_observations_returned",
    "You return the observations that the rollout began with. The next one begins with the last.",
    {"return rollout, observations": "return rollout, rollout['observations'][0]"},
)
collect.slip(
    "last_row_returned",
    "You return what was seen before the last step. The next rollout begins with what came of it.",
    {"return rollout, observations": "return rollout, rollout['observations'][-1]"},
)
collect.slip(
    "final_returned",
    "You return `final` for the next rollout. Where an episode ended, the environment is elsewhere "
    "by now.",
    {"return rollout, observations": "return rollout, rollout['next_observations'][-1]"},
)
collect.slip(
    "one_step_too_many",
    "You take one step too many.",
    {"range(steps)": "range(steps + 1)"},
)
collect.slip(
    "ends_exchanged",
    "You exchanged terminated and truncated.",
    {
        '"terminated": terminated, "truncated": truncated': (
            '"terminated": truncated, "truncated": terminated'
        )
    },
)
collect.slip(
    "ends_in_one",
    "You kept every end as a termination. A truncation is bootstrapped later: keep them apart.",
    {'"terminated": terminated,': '"terminated": terminated | truncated,'},
)
collect.slip(
    "environments_first",
    "Your arrays are (n, steps, …). Steps come first.",
    {"np.stack([row[name] for row in rows])": "np.stack([row[name] for row in rows], axis=1)"},
)
collect.slip(
    "environments_joined",
    "You joined steps and environments into one axis. Keep them apart: advantages are computed "
    "along the steps.",
    {"np.stack([row[name] for row in rows])": "np.concatenate([row[name] for row in rows])"},
)
collect.slip(
    "never_looks",
    "You act on the first observations in every step. The world has moved on: act on what it shows "
    "now.",
    {
        "observations, rewards, terminated": "now, rewards, terminated",
        "return rollout, observations": "return rollout, now",
    },
)  # fmt: skip
collect.slip(
    "values_as_log_probs",
    "You exchanged log-probabilities and values: `act` returns actions, log-probabilities, values.",
    {"actions, log_probs, values = act(before)": "actions, values, log_probs = act(before)"},
)
collect.slip(
    "asked_again",
    "You ask `act` once more after the step. Its answer is drawn anew each time: the numbers kept "
    "must be of the action that was taken.",
    {"        row = {": "        _, log_probs, values = act(before)\n        row = {"},
)
collect.slip(
    "bytes_to_floats",
    "You turned the observations into floats. They keep their dtype: a rollout of pictures as "
    "floats takes four times the room.",
    {"before = observations.copy()": "before = observations.astype(float)"},
)

collect.slip(
    "observations_not_copied",
    "You kept the observations without a copy. The environment wrote new numbers into that "
    "array, so all your rows but the first are the last one.",
    {
        "before = observations.copy()": "before = observations",
        "np.array(part) for": 'part if name == "observations" else np.array(part) for',
    },
)
collect.slip(
    "rewards_not_copied",
    "You kept the rewards without a copy. The environment wrote new numbers into that "
    "array, so all your rows are the last one.",
    {"np.array(part) for": 'part if name == "rewards" else np.array(part) for'},
)
collect.slip(
    "next_observations_not_copied",
    "You kept `final` without a copy. The environment wrote new numbers into that array, so "
    "all your rows are the last one.",
    {"np.array(part) for": 'part if name == "next_observations" else np.array(part) for'},
)
collect.slip(
    "ends_not_copied",
    "You kept terminated and truncated without a copy. The environment wrote new truth "
    "values into those arrays, so all your rows are the last one.",
    {"np.array(part) for": 'part if name in ("terminated", "truncated") else np.array(part) for'},
)
collect.slip(
    "chances_for_log_probs",
    "You kept probabilities. `act` gives their logarithms, and the ratio later is made of those.",
    {'"log_probs": log_probs,': '"log_probs": np.exp(log_probs),'},
)
collect.slip(
    "rounded_to_float32",
    "You turned the observations into float32. They keep their dtype: a rollout of pictures "
    "as floats takes four times the room.",
    {"before = observations.copy()": "before = observations.astype(np.float32)"},
)
collect.slip(
    "one_step_too_few",
    "You take one step too few.",
    {"range(steps)": "range(max(steps - 1, 1))"},
)

collect.slip(
    "acts_on_the_first",
    "You act on the first observations in every step, though you keep the present ones. Act "
    "on what the world shows now.",
    {"rows = []": "rows, first = [], observations.copy()", "act(before)": "act(first)"},
)
collect.slip(
    "values_of_what_came",
    "Your values are of what came of the action. They belong to what was seen before it: "
    "`act` has told them already.",
    {"        row = {": "        values = act(observations)[2]\n        row = {"},
)

collect.hint("A row: seen, act, step, what came of it. Which of these arrays may change later?")
collect.hint("`np.array(x)` makes a copy; `np.stack(list)` joins the rows along a new first axis.")
collect.hint("Are all rows of one key equal to the last?", when="value")

collect.equivalent(
    "`rows: list[dict[str, ndarray]] = []` → `rows: list[dict[ndarray, str]] = []`",
    because="types of local names are not looked at",
)

collect.equivalent(
    "`return ({name: np.stack([row[name] for row in rows]) for name in rows[0]}, "
    "observations)` → `return ({name: np.stack([row[name] for row in rows]) for name "
    "in rows[-1]}, observations)`",
    because="every row has the same names",
)
