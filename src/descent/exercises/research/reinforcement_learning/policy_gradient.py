"""How `policy_gradient` is judged: by the mean over every batch there is."""

from __future__ import annotations

from itertools import product

import numpy as np

from descent.grading import Draw, Exercise, expect

policy_gradient = Exercise("policy_gradient", minutes=20, difficulty=2, returns=np.ndarray)


def _chances(logits) -> list[float]:
    """A softmax, one number after another."""
    weights = [np.exp(value - max(logits)) for value in logits]
    return [float(weight / sum(weights)) for weight in weights]


def _by_hand(logits, actions, rewards) -> list[float]:
    """The estimate as the page says it, in single numbers."""
    chances, n = _chances(logits), len(actions)
    total = [0.0] * len(logits)
    for i in range(n):
        others = [rewards[j] for j in range(n) if j != i]
        baseline = sum(others) / len(others) if others else 0.0
        for j in range(len(logits)):
            score = (1.0 if actions[i] == j else 0.0) - chances[j]
            total[j] += (rewards[i] - baseline) * score / n
    return total


@policy_gradient.property("is the mean of (reward − mean of the others) · ∇ log π", trials=6)
def _(answer, draw: Draw) -> None:
    k, n = draw.integers(2, 6), draw.size + 1
    logits, actions, rewards = draw.normal(k), draw.integers(0, k, n), draw.normal(n, scale=3.0)
    found = answer(logits, actions, rewards)
    expect(found, "the gradient").has_shape(k).close_to(_by_hand(logits, actions, rewards))


@policy_gradient.property("is right on average: over all batches of three it is ∇J", trials=3)
def _(answer, draw: Draw) -> None:
    logits, pays = draw.normal(3), draw.normal(3, scale=3.0) + 5.0
    chances = np.array(_chances(logits))
    mean = np.zeros(3)
    for actions in product(range(3), repeat=3):
        chosen = list(actions)
        given = np.asarray(answer(logits, np.array(chosen), pays[chosen]), dtype=float)
        if given.shape != (3,):
            expect(given, "the gradient").has_shape(3)
            return
        mean += chances[chosen].prod() * given
    expect(mean, "the mean over all batches").close_to(chances * (pays - chances @ pays), 1e-6)


@policy_gradient.property("takes a single try, whose baseline is 0", trials=3)
def _(answer, draw: Draw) -> None:
    logits, action, reward = draw.normal(4), draw.integers(0, 4, 1), draw.normal(1) + 3.0
    found = answer(logits, action, reward)
    expect(found, "the gradient").has_shape(4).close_to(_by_hand(logits, action, reward))


@policy_gradient.property("does not change when every reward is 50 larger", trials=3)
def _(answer, draw: Draw) -> None:
    logits, actions, rewards = draw.normal(3), draw.integers(0, 3, 5), draw.normal(5)
    found = answer(logits, actions, rewards + 50.0)
    expect(found, "the gradient").close_to(_by_hand(logits, actions, rewards), atol=1e-8)


@policy_gradient.property("takes logits in the hundreds", trials=3)
def _(answer, draw: Draw) -> None:
    logits = draw.normal(3) + np.array([900.0, 0.0, -300.0])
    actions, rewards = draw.integers(0, 3, 4), draw.normal(4)
    expect(answer(logits, actions, rewards), "the gradient").is_finite().close_to(
        _by_hand(logits, actions, rewards)
    )


@policy_gradient.property("takes rewards that are whole numbers")
def _(answer, draw: Draw) -> None:
    logits, actions, rewards = draw.normal(3), draw.integers(0, 3, 4), draw.integers(-5, 6, 4)
    expect(answer(logits, actions, rewards), "the gradient").close_to(
        _by_hand(logits, actions, rewards)
    )


@policy_gradient.right
def right_gradient(logits, actions, rewards):
    n, k = len(actions), len(logits)
    chances = np.exp(logits - logits.max())
    chances = chances / chances.sum()
    baselines = (rewards.sum() - rewards) / max(n - 1, 1)
    scores = np.eye(k)[actions] - chances
    weights = rewards - baselines
    return weights @ scores / n


policy_gradient.slip(
    "mean_of_all",
    "You took the mean of *all* rewards for the baseline. It holds the try's own reward, so the "
    "estimate is too small by (n − 1)/n on average: leave the try itself out.",
    {"(rewards.sum() - rewards) / max(n - 1, 1)": "rewards.mean() * (n > 1)"},
)
policy_gradient.slip(
    "mean_of_all_alone_too",
    "You took the mean of *all* rewards for the baseline. With a single try nothing is left of "
    "its reward; with more, the estimate is too small. Leave the try itself out.",
    {"(rewards.sum() - rewards) / max(n - 1, 1)": "rewards.mean()"},
)
policy_gradient.slip(
    "no_baseline",
    "You took no baseline off. The estimate is right on average and drowns in noise when all "
    "rewards are large.",
    {"(rewards.sum() - rewards) / max(n - 1, 1)": "0.0"},
)
policy_gradient.slip(
    "others_over_n",
    "You divided the sum of the other rewards by n. There are n − 1 others.",
    {"max(n - 1, 1)": "n"},
)
policy_gradient.slip(
    "downhill",
    "The sign is wrong: this is the gradient of a loss. The reward is to grow.",
    {"return weights @ scores / n": "return -weights @ scores / n"},
)
policy_gradient.slip(
    "summed",
    "You summed over the tries. Take the mean.",
    {"weights @ scores / n": "weights @ scores"},
)
policy_gradient.slip(
    "divided_by_others",
    "You divided the sum by n − 1. The mean over the tries divides by n; n − 1 belongs to the "
    "baseline.",
    {"weights @ scores / n": "weights @ scores / max(n - 1, 1)"},
)
policy_gradient.slip(
    "gradient_of_probability",
    "You took the gradient of the probability and not of its logarithm. Actions were drawn with "
    "their probability already, so it counts twice.",
    {"np.eye(k)[actions] - chances": "chances[actions][:, None] * (np.eye(k)[actions] - chances)"},
)
policy_gradient.slip(
    "chances_forgotten",
    "You used the actions alone, without taking π off: raising one logit lowers the chances of "
    "the others, and that is part of ∇ log π.",
    {"np.eye(k)[actions] - chances": "np.eye(k)[actions]"},
)
policy_gradient.slip(
    "softmax_overflows",
    "Your softmax takes the exponential of numbers in the hundreds. Subtract the largest first.",
    {"np.exp(logits - logits.max())": "np.exp(logits)"},
)
policy_gradient.slip(
    "logits_as_chances",
    "You took the logits for probabilities. The policy is their softmax.",
    {"np.eye(k)[actions] - chances": "np.eye(k)[actions] - logits"},
)
policy_gradient.slip(
    "unscaled_softmax",
    "Your probabilities do not add up to 1: divide by their sum.",
    {"chances = chances / chances.sum()": "chances = chances * 1.0"},
)
policy_gradient.slip(
    "baseline_added",
    "You added the baseline. It is taken off.",
    {"rewards - baselines": "rewards + baselines"},
)
policy_gradient.slip(
    "divided_by_spread",
    "You also divided by the spread of the rewards. That changes the size of the gradient, so it "
    "is not ∇J on average.",
    {"rewards - baselines": "(rewards - baselines) / (rewards.std() + 1e-8)"},
)
policy_gradient.slip(
    "one_row_for_each_try",
    "You return a row for each try. Take the mean over them.",
    {"weights @ scores / n": "weights[:, None] * scores"},
)
policy_gradient.slip(
    "best_other",
    "You took the best of the rewards for the baseline. It is the mean of the others.",
    {"(rewards.sum() - rewards) / max(n - 1, 1)": "rewards.max()"},
)
policy_gradient.slip(
    "median_baseline",
    "You took the median of all rewards. It depends on the try's own reward, so the estimate is "
    "biased: take the mean of the others.",
    {"(rewards.sum() - rewards) / max(n - 1, 1)": "np.median(rewards)"},
)

policy_gradient.slip(
    "chances_off_at_the_action_alone",
    "You took π off at the action alone, and left 0 at the others. Raising one logit lowers "
    "the chances of all others: there the gradient of log π is −π.",
    {"scores = np.eye(k)[actions] - chances": "scores = np.eye(k)[actions] * (1 - chances)"},
)
policy_gradient.slip(
    "single_try_lost",
    "A single try gives 0 with you. There is no other, so its baseline is 0 and its whole "
    "reward counts.",
    {"/ max(n - 1, 1)": "/ (n - 1) if n > 1 else rewards"},
)
policy_gradient.slip(
    "earlier_tries_only",
    "Your baseline is the mean of the *earlier* tries. All the others count, those that "
    "come later too.",
    {"(rewards.sum() - rewards) / max(n - 1, 1)": ("(np.cumsum(rewards) - rewards) / "
         "np.maximum(np.arange(n), 1)")},
)  # fmt: skip
policy_gradient.slip(
    "mean_for_each_action",
    "You took a mean for each action by itself. The mean is over all tries, so that what is "
    "drawn more often counts more.",
    {"return weights @ scores / n": "return weights / np.bincount(actions)[actions] @ scores / k"},
)
policy_gradient.slip(
    "chances_added",
    "You added π. For a softmax ∇ log π(a) is 1 at the action, and everywhere *minus* π.",
    {"np.eye(k)[actions] - chances": "np.eye(k)[actions] + chances"},
)
policy_gradient.slip(
    "equal_chances",
    "You took all actions for equally likely. Their probabilities are the softmax of the logits.",
    {"chances = chances / chances.sum()": "chances = np.ones(k) / k"},
)

policy_gradient.slip(
    "no_case_for_one",
    "With a single try you divide 0 by 0, and NaN comes out. There is no other try: the "
    "baseline is 0 then.",
    {"max(n - 1, 1)": "np.float64(n - 1)"},
)

policy_gradient.hint("The sum of the others is the sum of all minus one's own.")
policy_gradient.hint("`np.eye(k)[actions]` has a row for each try with a 1 at its action.")
policy_gradient.hint("What is the baseline where there is only one try?", when="nan")
policy_gradient.hint("For two tries with rewards 3 and 1, the weights are 2 and −2.", when="value")

policy_gradient.equivalent(
    "`baselines = (rewards.sum() - rewards) / max(n - 1, 1)` → `baselines = "
    "(rewards.sum() - rewards) / max(1, n - 1)`",
    because="the larger of two numbers, whichever comes first",
)
