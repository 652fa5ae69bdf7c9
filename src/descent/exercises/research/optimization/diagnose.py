"""How `diagnose` is judged: by what it concludes from a few trials of jobs with planted faults."""

from __future__ import annotations

import numpy as np

from descent.exercises.studies import concludes
from descent.grading import Draw, Exercise, expect

diagnose = Exercise("diagnose", minutes=40, difficulty=3, returns=str)

CHOICES = ("unstable", "noise", "too short", "decayed too early")
MOST_CALLS = 6


class Job:
    """A training job with a fault: called with factors, it trains anew and gives its last loss."""

    def __init__(self, h, c, rate: float, batch: float, steps: int, decays_at: float) -> None:
        self.h, self.c = h, c
        self.rate, self.batch, self.steps, self.decays_at = rate, batch, steps, decays_at
        self.calls = 0

    def __call__(self, rate: float = 1.0, batch: float = 1.0, steps: float = 1.0) -> float:
        """The expected loss at the end of a run with these factors."""
        if min(rate, batch, steps) < 0:
            raise ValueError("a factor is below 0")
        self.calls += 1
        second = np.ones_like(self.h)
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(round(steps * self.steps)):
                now = self.rate * rate * (0.01 if step >= self.decays_at else 1.0)
                second = (1 - now * self.h) ** 2 * second + now**2 * self.c / (self.batch * batch)
                if not np.isfinite(second).all():
                    return float("inf")
        return float(0.5 * (self.h * second).sum())

    def __repr__(self) -> str:
        return f"a job of {self.steps} steps whose fault is not told"


def _job(draw: Draw, fault: str) -> Job:
    """A job with this fault. Sizes of batch and loss say nothing about it: they vary with it."""
    scale = draw.choice([0.1, 1.0, 30.0])
    h = scale / np.arange(1, 5 + 3 * min(draw.size, 4))
    flat, batch = float(h[-1]), draw.uniform(1, 60)
    quiet = h * batch * 1e-6 / scale
    if fault == "unstable":
        return Job(h, quiet, draw.uniform(2.1, 3.5) / scale, batch, draw.integers(30, 200), 1e9)
    rate = draw.uniform(0.3, 0.7) / scale
    forgets = int(np.log(2) / (rate * flat)) + 1  # steps in which the flattest direction halves
    if fault == "noise":
        loud = h * batch * 2 / rate * draw.uniform(0.05, 0.3)  # every θ² settles near that number
        return Job(h, loud, rate, batch, 12 * forgets, 1e9)
    if fault == "too short":
        return Job(h, quiet, rate, batch, 2 * forgets, 1e9)
    steps = 4 * forgets
    return Job(h, quiet, rate, batch, steps, draw.uniform(0.2, 0.3) * steps)


def _judge(answer, draw: Draw, fault: str) -> None:
    job = _job(draw, fault)
    concludes(answer, job, right=fault, choices=CHOICES)
    expect(job.calls, "how often the job was run").is_between(1, MOST_CALLS)


@diagnose.property("finds a rate past stability", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "unstable")


@diagnose.property("finds a loss that rests on its noise", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "noise")


@diagnose.property("finds a run that was not done", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "too short")


@diagnose.property("finds a rate that was cut too soon", trials=4)
def _(answer, draw: Draw) -> None:
    _judge(answer, draw, "decayed too early")


@diagnose.property("tells unstable jobs from noisy ones, though a lower rate helps both", trials=3)
def _(answer, draw: Draw) -> None:
    for fault in ("noise", "unstable"):
        _judge(answer, draw, fault)
    # Past stability by so little that the loss has not overtaken its start by much.
    h = np.array([1.0, 0.5])
    job = Job(h, h * 1e-6, 2.02, 4.0, 60, 1e9)
    concludes(answer, job, right="unstable", choices=CHOICES)


@diagnose.right
def right_diagnosis(train):
    before, after = train(steps=0), train()
    if not after < before:
        return "unstable"
    if train(batch=4) < 0.7 * after:
        return "noise"
    if train(steps=2) < 0.7 * after:
        return "too short"
    return "decayed too early"


diagnose.slip(
    "no_control",
    "You never looked at the loss before training. A loss that ends above its start is past "
    "stability, and no other experiment says so as plainly.",
    {"if not after < before:": "if not np.isfinite(after):"},
)
diagnose.slip(
    "rate_alone",
    "You take any job that a lower rate helps for an unstable one. A lower rate also lowers a "
    "noise "
    "floor: compare with the loss at the start.",
    {"if not after < before:": "if train(rate=0.5) < 0.7 * after:"},
)
diagnose.slip(
    "steps_for_noise",
    "You take a job that more steps do not help for one that rests on noise. One whose rate was "
    "cut "
    "too soon stands still as well: only a larger batch tells them apart.",
    {"if train(batch=4) < 0.7 * after:": "if train(steps=2) > 0.7 * after:"},
)
diagnose.slip(
    "noise_and_short_swapped",
    "What a larger batch helps rests on noise; what more steps help was too short. You have the "
    "two "
    "the wrong way round.",
    {
        'return "noise"': 'return "too short"',
        'return "too short"\n    return "dec': 'return "noise"\n    return "dec',
    },
)
diagnose.slip(
    "never_decayed",
    "You never conclude that the rate was cut too soon. Neither a larger batch nor more steps help "
    "then: what is left of the rate moves nothing.",
    {'return "decayed too early"': 'return "too short"'},
)
diagnose.slip(
    "all_differences_count",
    "You take any improvement, however small, for a cause. A little of everything helps every job: "
    "ask for a clear difference.",
    {"train(batch=4) < 0.7 * after": "train(batch=4) < after",
     "train(steps=2) < 0.7 * after": "train(steps=2) < after"},
)  # fmt: skip
diagnose.slip(
    "smaller_batch",
    "Your jobs that rest on noise are taken for others. Ask whether a *larger* batch lowers the "
    "loss clearly: it lowers a noise floor in proportion, and no more than that.",
    {"if train(batch=4) < 0.7 * after:": "if train(batch=0.25) < 0.7 * after:"},
)


@diagnose.mistake(
    "You ran the job more than six times. Compute is what you are paid to save: choose the three "
    "or "
    "four experiments that tell the causes apart."
)
def many_trials(train):
    for factor in (0.5, 0.7, 1.3, 2.0):
        train(rate=factor)
    return right_diagnosis(train)


@diagnose.mistake(
    "You judge by the size of the loss. Losses of different jobs have different units; compare "
    "runs "
    "of the same job."
)
def by_size(train):
    loss = train()
    return "unstable" if loss > 10 else "noise" if loss > 0.5 else "too short"


diagnose.slip(
    "higher_rate_for_both",
    "You tried a higher rate. It helps a run that was too short, and one whose rate was cut: the "
    "two look alike. More steps help only one of them.",
    {"if train(steps=2) < 0.7 * after:\n        return \"too short\"\n    return \"decayed":
     "if train(rate=2) >= 0.7 * after:\n        return \"too short\"\n    return \"decayed"},
)  # fmt: skip
diagnose.slip(
    "two_changes_at_once",
    "You changed two things in one run. Whichever helped, you cannot tell: change one at a time.",
    {"train(batch=4) < 0.7 * after": "train(batch=4, steps=2) < 0.7 * after"},
)
diagnose.slip(
    "half_the_steps_settle_it",
    "You take a run that was as good after half its steps for one whose rate was cut. A run on its "
    "noise floor stands still as well: try a larger batch.",
    {"if train(batch=4) < 0.7 * after:\n        return \"noise\"":
     "if train(steps=0.5) < 1.2 * after:\n        return \"decayed too early\""},
)  # fmt: skip
diagnose.slip(
    "noise_before_the_start",
    "You call a job noisy because a lower rate helps, before you look whether it is stable. An "
    "unstable one is helped as well.",
    {"if not after < before:": "if train(rate=0.5) < 0.8 * after:\n        return \"noise\"\n"
     "    if not after < before:"},
)  # fmt: skip


@diagnose.mistake("Your words are others. The four that are asked for stand in the docstring.")
def other_words(train):
    return {"unstable": "past stability", "noise": "noise floor", "too short": "short"}.get(
        right_diagnosis(train), "decayed"
    )


diagnose.hint("For each cause: which change would lower the loss, and which would do nothing?")
diagnose.hint(
    "Write a table, four causes by three changes: a larger batch, more steps, no steps at all."
)
diagnose.hint("What does a job do in more steps if its rate is a hundredth by then?",
              when="finds a rate that was cut too soon")  # fmt: skip

for _mutant, _because in {
    "`if not after < before:` → `if not after <= before:`": "no job ends exactly at its start",
    "`if train(batch=4) < 0.7 * after:` → `if train(batch=4) <= 0.7 * after:`":
    "no job ends exactly on the bound",
    "`if train(batch=4) < 0.7 * after:` → `if train(batch=5) < 0.7 * after:`":
    "any batch that is clearly larger tells",
    "`if train(batch=4) < 0.7 * after:` → `if train(batch=3) < 0.7 * after:`":
    "any batch that is clearly larger tells",
    "`if train(steps=2) < 0.7 * after:` → `if train(steps=2) <= 0.7 * after:`":
    "no job ends exactly on the bound",
    "`if train(steps=2) < 0.7 * after:` → `if train(steps=3) < 0.7 * after:`":
    "any number of steps that is clearly larger tells",
}.items():  # fmt: skip
    diagnose.equivalent(_mutant, _because)
