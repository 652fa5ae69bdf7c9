# ---
# title: "Optimization"
# subtitle: One line for the map of chapters, on what the page is about and what comes out of it
# part: research
# hours: 2
# needs: []
# teaches: [moving average]
# builds: x
# number: the number that the reader's own result has to match, and how closely
# data: synthetic
# run: null
# readings: []
# sections:
#   - {id: data, heading: "The data", for: "every experiment of the page is judged on it", needs: []}
#   - {id: moving_average, heading: "One idea, one exercise", for: "a convolution is the same with weights that are learned", needs: [data]}
# recall:
#   - {id: windows, section: moving_average, transfer: false, q: "How many windows of $k$ neighbours are there in a list of $n$ numbers?", a: "$n - k + 1$. The first begins at place 0, and the last at place $n - k$."}
#   - {id: window_of_one, section: moving_average, transfer: true, q: "What does a window of 1 do?", a: "Nothing. Each number is its own mean."}
#   - {id: spread_of_four, section: moving_average, transfer: true, q: "Noise has a spread of 1. What is its spread after a moving average over 4 independent numbers?", a: "1/2: the spread of a mean of $k$ independent numbers falls with the root of $k$."}
#   - {id: jump, section: data, transfer: false, q: "A series jumps from 0 to 1. What does a moving average over $k$ numbers make of the jump?", a: "A ramp that takes $k$ steps. What calms the noise also blurs the edge."}
#   - {id: whole_series, section: moving_average, transfer: true, q: "The window is as long as the series. What comes out?", a: "One number, the mean of all."}
#   - {id: place_of_a_mean, section: moving_average, transfer: false, q: "At which place does a mean over 9 neighbours belong in a plot?", a: "In the middle of its window, four places after its first neighbour."}
# predictions:
#   - {id: calmed_spread, ask: "What is the spread after a moving average over 9 readings, on the flat part before the step?", within: 0.03, because: "The spread of a mean of 9 independent numbers is a third of the spread of one."}
# written:
#   - {id: calmer_curve, ask: "What do you pay for a calmer curve?", rubric: ["the edge is blurred", "over as many readings as the window is long"], answer: "The step becomes a ramp as long as the window: what calms the noise also blurs the edge."}
# ---

# %% [markdown]
# # Optimization

# %% tags=["setup"]
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from descent import chapter, check

chapter("research/04_optimization")

# %% [markdown]
# ## moments_step

# %% exercise="moments_step"
def moments_step(
    mean: np.ndarray, variance: np.ndarray, h: np.ndarray, c: np.ndarray, rate: float, batch: float
) -> tuple[np.ndarray, np.ndarray]:
    """Follow the mean and the variance of every coordinate of θ through one step of SGD.

    Parameters
    ----------
    mean, variance : shape (d,), of θ before the step
    h : shape (d,), curvatures
    c : shape (d,), noise variances of one example's gradient
    rate : learning rate; 0 and rates past stability are allowed
    batch : examples in a batch; any positive number, below 1 too

    Returns
    -------
    mean, variance : shape (d,), of θ after the step
    """
    ### BEGIN SOLUTION
    shrink = 1 - rate * h
    return shrink * mean, shrink**2 * variance + rate**2 * c / batch
    ### END SOLUTION


# %% check="moments_step"
check(moments_step)

# %% [markdown]
# ## simulate_sgd

# %% exercise="simulate_sgd"
def simulate_sgd(
    h: np.ndarray, c: np.ndarray, start: np.ndarray, rate: float, batch: float, steps: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Run SGD once, with random noise drawn from `rng`.

    Parameters
    ----------
    h, c, start : shape (d,): curvatures, noise variances of one example, the first θ
    rate, batch : learning rate and batch; the batch may be below 1
    steps : number of steps, 0 or more
    rng : all random numbers come from here; every coordinate and every step has its own noise

    Returns
    -------
    shape (steps + 1,): the true loss ½ Σ hθ² (without noise) at the start and after each step
    """
    ### BEGIN SOLUTION
    theta = start.astype(float)
    losses = [0.5 * (h * theta**2).sum()]
    for _ in range(steps):
        gradient = h * theta + rng.normal(size=len(h)) * np.sqrt(c / batch)
        theta = theta - rate * gradient
        losses.append(0.5 * (h * theta**2).sum())
    return np.array(losses)
    ### END SOLUTION


# %% check="simulate_sgd"
check(simulate_sgd)

# %% [markdown]
# ## expected_loss

# %% exercise="expected_loss"
def expected_loss(
    h: np.ndarray, c: np.ndarray, start: np.ndarray, rates: np.ndarray, batch: float, steps: int
) -> np.ndarray:
    """Give the expected loss after so many steps of SGD, for several constant rates at once.

    Parameters
    ----------
    h, c, start : shape (d,). `start` is a fixed θ; it may hold zeros and negative numbers
    rates : shape (r,), each 0 or more
    batch : any positive number
    steps : 0 or more; 10⁹ takes no longer than 10

    Returns
    -------
    shape (r,). Where ηh is exactly 0 or 2 the result is exact too. Past stability, after many
        steps, it is beyond 1e100 or infinite, and never NaN; a coordinate whose start and noise
        are both 0 stays at 0.
    """
    ### BEGIN SOLUTION
    rates = rates[:, None]
    q = (1 - rates * h) ** 2
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        power = np.minimum(q**steps, 1e300)
        terms = np.where(q == 1, steps, (1 - power) / (1 - q))
    second = power * start**2 + rates**2 * c / batch * terms
    return 0.5 * (h * second).sum(axis=1)
    ### END SOLUTION


# %% check="expected_loss"
check(expected_loss)

# %% [markdown]
# ## steps_to_target

# %% exercise="steps_to_target"
def steps_to_target(
    h: np.ndarray, c: np.ndarray, start: np.ndarray, rate: float, batch: float, target: float, most: int
) -> int | None:
    """Count the steps of SGD until the expected loss is at or below the target for the first time.

    Parameters
    ----------
    h, c, start : shape (d,), with every h above 0
    rate, batch : both above 0; the rate may be past stability
    target : a loss
    most : the largest number of steps allowed. Where some coordinate's E[θ²] rises and the target
        is not out of reach for certain, `most` is a few thousand; else it may be 10⁹.

    Returns
    -------
    the first t from 0 to `most` with an expected loss ≤ target, or None where there is none
    """
    ### BEGIN SOLUTION
    second, q = start**2.0, (1 - rate * h) ** 2
    stable = rate * h < 2
    floor = np.where(stable, rate * c / (batch * h * np.where(stable, 2 - rate * h, 1)), np.inf)
    if 0.5 * (h * np.minimum(second, floor)).sum() > target:
        return None  # no coordinate is ever below both its start and its floor
    if (floor <= second).all():  # every coordinate falls, so the loss does: halve

        def loss(t: int) -> float:
            return 0.5 * (h * (floor + (second - floor) * q**t)).sum()

        low, high = -1, most
        if loss(most) > target:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if loss(middle) <= target else (middle, high)
        return high
    for t in range(most + 1):
        if 0.5 * (h * second).sum() <= target:
            return t
        second = q * second + rate**2 * c / batch
    return None
    ### END SOLUTION


# %% check="steps_to_target"
check(steps_to_target)

# %% [markdown]
# ## best_rate

# %% exercise="best_rate"
def best_rate(rates: list[float], steps: list[int | None]) -> float:
    """Choose the rate that needs the fewest steps, if the grid can tell.

    Parameters
    ----------
    rates : positive, different, in any order
    steps : for each rate the steps to the target, or None where it never arrives

    Returns
    -------
    the rate with the fewest steps. Where several tie, the middle of the smallest and the largest
        of them on a logarithmic scale: the root of their product.

    Raises
    ------
    ValueError
        When no rate arrives, or the grid is empty. Also when a rate with the fewest steps is the
        smallest or the largest of the whole grid, since a better one may lie outside. A rate that
        never arrives is part of the grid.
    """
    ### BEGIN SOLUTION
    arrived = [count for count in steps if count is not None]
    if not arrived:
        raise ValueError("no rate reaches the target")
    best = [rate for rate, count in zip(rates, steps, strict=True) if count == min(arrived)]
    if min(best) == min(rates) or max(best) == max(rates):
        raise ValueError("the best rate lies at an end of the grid: widen it")
    return math.sqrt(min(best) * max(best))
    ### END SOLUTION


# %% check="best_rate"
check(best_rate)

# %% [markdown]
# ## log_slope

# %% exercise="log_slope"
def log_slope(x: Sequence[float], y: Sequence[float], level: float = 0.95) -> tuple[float, float, float]:
    """Fit the exponent a of y ∝ xᵃ, and say how far to trust it.

    Parameters
    ----------
    x, y : n numbers each, in any order of x
    level : how often the interval should hold the true exponent

    Returns
    -------
    slope, low, high : the least-squares slope of log y against log x over all points, and its
        interval: the slope's standard error times Student's t with n − 2 degrees of freedom

    Raises
    ------
    ValueError
        With fewer than three points; when a number is not finite or not above 0; when the largest
        x is less than ten times the smallest.
    """
    ### BEGIN SOLUTION
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    numbers = np.concatenate([x, y])
    if len(x) < 3 or not (np.isfinite(numbers) & (numbers > 0)).all() or x.max() < 10 * x.min():
        raise ValueError("too few points, too short a range, or no logarithm")
    u, v = np.log(x) - np.log(x).mean(), np.log(y) - np.log(y).mean()
    slope = (u @ v) / (u @ u)
    rest = v - slope * u
    error = np.sqrt(rest @ rest / (len(x) - 2) / (u @ u))
    reach = stats.t.ppf((1 + level) / 2, len(x) - 2) * error
    return float(slope), float(slope - reach), float(slope + reach)
    ### END SOLUTION


# %% check="log_slope"
check(log_slope)

# %% [markdown]
# ## critical_batch

# %% exercise="critical_batch"
def critical_batch(batches: Sequence[float], steps: Sequence[float]) -> tuple[float, float]:
    """Fit steps = fewest · (1 + critical / batch).

    Parameters
    ----------
    batches, steps : n positive numbers each, in any order of batch

    Returns
    -------
    fewest, critical : the pair whose logarithms of steps are nearest to the logarithms of those
        measured, by least squares; each to 1 %

    Raises
    ------
    ValueError
        With fewer than four batches. Also when the critical batch found lies below the smallest
        batch or above the largest: then all were on one side of the knee.
    """
    ### BEGIN SOLUTION
    batches, steps = np.asarray(batches, dtype=float), np.asarray(steps, dtype=float)
    if len(batches) < 4:
        raise ValueError("fewer than four batches")
    tried = np.geomspace(batches.min() / 100, batches.max() * 100, 4001)
    rest = np.log(steps) - np.log(1 + tried[:, None] / batches)  # what log(fewest) has to explain
    best = rest.var(axis=1).argmin()
    if not batches.min() <= tried[best] <= batches.max():
        raise ValueError("all batches lie on one side of the knee")
    return math.exp(rest[best].mean()), float(tried[best])
    ### END SOLUTION


# %% check="critical_batch"
check(critical_batch)

# %% [markdown]
# ## momentum_step

# %% exercise="momentum_step"
def momentum_step(
    moments: np.ndarray, h: np.ndarray, c: np.ndarray, rate: float, momentum: float, batch: float
) -> np.ndarray:
    """Follow three expectations through one step u ← μu + g, θ ← θ − ηu.

    Parameters
    ----------
    moments : shape (3, d): E[θ²], E[θu] and E[u²] before the step
    h, c : shape (d,): curvatures, noise variances of one example
    rate, momentum, batch : η, μ from 0 to below 1, and B

    Returns
    -------
    shape (3, d): E[θ²], E[θu] and E[u²] after the step
    """
    ### BEGIN SOLUTION
    tt, tu, uu = moments
    new_uu = momentum**2 * uu + 2 * momentum * h * tu + h**2 * tt + c / batch
    old_theta_new_u = momentum * tu + h * tt
    new_tu = old_theta_new_u - rate * new_uu
    new_tt = tt - 2 * rate * old_theta_new_u + rate**2 * new_uu
    return np.stack([new_tt, new_tu, new_uu])
    ### END SOLUTION


# %% check="momentum_step"
check(momentum_step)

# %% [markdown]
# ## simulate_adam

# %% exercise="simulate_adam"
def simulate_adam(
    h: np.ndarray, c: np.ndarray, start: np.ndarray, rate: float, batch: float, steps: int,
    rng: np.random.Generator, betas: tuple[float, float] = (0.9, 0.999),
) -> np.ndarray:
    """Run Adam on several replicas at once, and average their losses.

    Parameters
    ----------
    h, c : shape (d,): curvatures, noise variances of one example
    start : shape (replicas, d), the first θ of each replica
    rate, batch, steps : as for SGD
    rng : all random numbers come from here; every replica, coordinate and step has its own noise
    betas : of the two moving averages. Both are corrected; ε = 1e-8 stands outside the root.

    Returns
    -------
    shape (steps + 1,): the mean over replicas of ½ Σ hθ², at the start and after each step
    """
    ### BEGIN SOLUTION
    theta, (beta1, beta2) = start.astype(float), betas
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    losses = [0.5 * (h * theta**2).sum(axis=1).mean()]
    for t in range(1, steps + 1):
        gradient = h * theta + rng.normal(size=theta.shape) * np.sqrt(c / batch)
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        theta = theta - rate * m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + 1e-8)
        losses.append(0.5 * (h * theta**2).sum(axis=1).mean())
    return np.array(losses)
    ### END SOLUTION


# %% check="simulate_adam"
check(simulate_adam)

# %% [markdown]
# ## greedy_rates

# %% exercise="greedy_rates"
def greedy_rates(h: np.ndarray, c: np.ndarray, start: np.ndarray, batch: float, steps: int) -> np.ndarray:
    """Choose rate after rate so that each makes the next expected loss as low as possible.

    Parameters
    ----------
    h, c, start : shape (d,), with every h and c above 0
    batch : any positive number
    steps : 0 or more

    Returns
    -------
    shape (steps,), the rates in order
    """
    ### BEGIN SOLUTION
    second, rates = start**2.0, []
    for _ in range(steps):
        squares = h**2 * second
        rate = squares.sum() / (h * (squares + c / batch)).sum()
        second = (1 - rate * h) ** 2 * second + rate**2 * c / batch
        rates.append(rate)
    return np.array(rates)
    ### END SOLUTION


# %% check="greedy_rates"
check(greedy_rates)

# %% [markdown]
# ## search_schedule

# %% exercise="search_schedule"
def search_schedule(
    h: np.ndarray, c: np.ndarray, start: np.ndarray, batch: float, steps: int, pieces: int
) -> np.ndarray:
    """Search for the rates with the lowest expected loss after the last step.

    Parameters
    ----------
    h, c, start : shape (d,), with every h and c above 0
    batch : any positive number
    steps : length of the run; `pieces` divides it
    pieces : how many rates there are; each is held for steps / pieces steps. 1 is a constant rate.

    Returns
    -------
    shape (pieces,): positive rates whose loss at the end is within 3 % of the lowest there is
        (a single rate: within 1 %). Checks have up to 5 directions, 40 steps and 4 pieces, and
        have to end within a second or two. Searching is yours; nothing has to be reproducible.
    """
    ### BEGIN SOLUTION
    def final_loss(logs: np.ndarray) -> float:
        second = start**2.0
        for rate in np.exp(logs):
            power, floor = (1 - rate * h) ** (2 * (steps // pieces)), rate * c / (batch * h * (2 - rate * h))
            second = floor + (second - floor) * power
        return float(np.log(0.5 * (h * second).sum()))

    constant = np.log(np.geomspace(1e-3, 1.95, 60) / h.max())
    logs = np.full(pieces, min(constant, key=lambda at: final_loss(np.full(pieces, at))))
    lowest, size = final_loss(logs), 1.0
    while size > 0.02:
        improved = False
        for piece, move in itertools.product(range(pieces), (size, -size)):
            trial = logs.copy()
            trial[piece] = min(trial[piece] + move, np.log(1.95 / h.max()))
            if (loss := final_loss(trial)) < lowest - 1e-9:
                logs, lowest, improved = trial, loss, True
        size = size if improved else size / 2
    return np.exp(logs)
    ### END SOLUTION


# %% check="search_schedule"
check(search_schedule)

# %% [markdown]
# ## noise_scale

# %% exercise="noise_scale"
def noise_scale(small: np.ndarray, large: np.ndarray, batch_small: int, batch_large: int) -> float:
    """Estimate tr Σ / |G|² from gradients at two batches.

    Parameters
    ----------
    small : shape (n, d), n gradients, each the mean over `batch_small` examples
    large : shape (m, d), m gradients, each the mean over `batch_large` examples; n and m may differ
    batch_small, batch_large : two different numbers; either may be the larger

    Returns
    -------
    the estimate of tr Σ over that of |G|²; 0 where the estimate of tr Σ is negative

    Raises
    ------
    ValueError
        When the batches are equal, or the estimate of |G|² is 0 or less.
    """
    ### BEGIN SOLUTION
    if batch_small == batch_large:
        raise ValueError("two different batches are needed")
    low, high = (small**2).sum(axis=1).mean(), (large**2).sum(axis=1).mean()
    squared = (batch_large * high - batch_small * low) / (batch_large - batch_small)
    trace = (low - high) / (1 / batch_small - 1 / batch_large)
    if squared <= 0:
        raise ValueError("the gradient drowns in the noise: average over more measurements")
    return float(max(trace, 0.0) / squared)
    ### END SOLUTION


# %% check="noise_scale"
check(noise_scale)

# %% [markdown]
# ## diagnose

# %% exercise="diagnose"
def diagnose(train: Callable[..., float]) -> str:
    """Find out what holds a training job up, in at most six runs.

    Parameters
    ----------
    train : runs the job and returns its last expected loss. train(rate=2, batch=1, steps=1) runs
        it with twice the rate; each factor is 1 where it is left out, and steps=0 gives the loss
        at the start. The loss may come back infinite.

    Returns
    -------
    one of four words. Each job has one of these faults, clearly:
        "unstable": its rate is past stability
        "noise": it has settled on its noise floor
        "too short": it was still falling when it ended
        "decayed too early": its rate was cut to a hundredth at a fixed step, too soon
    """
    ### BEGIN SOLUTION
    before, after = train(steps=0), train()
    if not after < before:
        return "unstable"
    if train(batch=4) < 0.7 * after:
        return "noise"
    if train(steps=2) < 0.7 * after:
        return "too short"
    return "decayed too early"
    ### END SOLUTION


# %% check="diagnose"
check(diagnose)

# %% [markdown]
# ## sharpness

# %% exercise="sharpness"
def sharpness(
    product: Callable[[np.ndarray], np.ndarray], size: int, rng: np.random.Generator
) -> float:
    """Find the largest eigenvalue of a Hessian that is known by its products only.

    Parameters
    ----------
    product : v ↦ Hv for v of shape (size,); H is symmetric. At most 200 calls.
    size : number of parameters, at least 1
    rng : for the first vector

    Returns
    -------
    the largest eigenvalue, to 1 %: the most positive one, which need not be the largest in size.
        It may be negative, and is 0 where H is 0.
    """
    ### BEGIN SOLUTION
    def largest_in_size(shift: float) -> float:
        v, value = rng.normal(size=size), 0.0
        for _ in range(90):
            v = v / np.linalg.norm(v)
            w = product(v) - shift * v
            value = float(v @ w)
            if not w.any():
                break
            v = w
        return value + shift

    first = largest_in_size(0.0)
    return first if first >= 0 else largest_in_size(first)
    ### END SOLUTION


# %% check="sharpness"
check(sharpness)

