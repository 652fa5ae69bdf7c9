# ---
# title: Optimisation
# subtitle: A loss that can be solved with a pencil, and what it says about batches, rates, momentum, Adam and schedules
# part: research
# hours: 20
# needs: [ladder/08_adam_optax]
# teaches: [noisy quadratic model, noise floor, perfect scaling, critical batch size, gradient noise scale, short-horizon bias, dynamic programming, Hessian, sharpness, edge of stability]
# builds: a step of mean and variance, SGD simulated and in closed form, steps to a target, the best rate, a slope with its interval, the critical batch, the moments of momentum, Adam on replicas, greedy, planned and searched schedules, the noise scale, a diagnosis, the sharpness
# number: the best rate goes with the batch for SGD (slope 1) and with its root for Adam (slope ½), within the interval that you compute
# data: synthetic, and MNIST
# run: batch_size_sweep
# readings:
#   - {key: mccandlish2018, where: "section 2, the theory: read it after the fifth heading of this page", skip: "the tables of settings, and the section on reinforcement learning unless you come from there"}
#   - {key: zhang2019, where: "the noisy quadratic model and its predictions, which stand before the experiments on networks", skip: "the proofs in the appendix, and K-FAC at first"}
#   - {key: kingma2015, where: "Algorithm 1, once more, with the words 'signal-to-noise ratio' in mind", skip: "the convergence proof"}
#   - {key: wu2018, where: "the introduction and the noisy quadratic problem: why greedy schedules fail", skip: "the experiments on meta-learning"}
#   - {key: cohen2021, where: "the introduction and its figures", skip: "the appendices, which repeat the figures on many networks"}
# sections:
#   - {id: model, heading: "A loss that can be solved", for: "the model on which every claim of this page is tried before it is believed", needs: [ladder/08#valley]}
#   - {id: closed_form, heading: "A million steps in one line", for: "an expectation in place of a thousand simulated runs, as the papers on batch size use it", needs: [model]}
#   - {id: steps, heading: "Steps to a target", for: "the measure in which optimisers are compared when batches differ", needs: [closed_form]}
#   - {id: rate, heading: "The best rate", for: "comparisons in which each batch has the rate it needs, without which none is fair", needs: [steps, ladder/08#race]}
#   - {id: slopes, heading: "A slope, and how far to trust it", for: "every power law you will fit, in scaling laws above all", needs: [rate]}
#   - {id: knee, heading: "The knee", for: "how many machines are worth using at once", needs: [rate, slopes]}
#   - {id: momentum, heading: "What momentum changes", for: "a rule on when momentum is worth its memory", needs: [knee, ladder/08#momentum]}
#   - {id: adam, heading: "What Adam changes", for: "scaling the rate of Adam when the batch of a language model changes", needs: [slopes, ladder/08#adam]}
#   - {id: schedule, heading: "A schedule", for: "why rates fall late, and why tuning on short runs misleads", needs: [closed_form]}
#   - {id: diagnosis, heading: "Four sick jobs", for: "finding out what holds a run up with few experiments", needs: [knee, schedule]}
#   - {id: noise_scale, heading: "The noise scale of a real network", for: "guessing the critical batch of a network before any sweep", needs: [knee, ladder/07#training_loop]}
#   - {id: edge, heading: "Where the model ends", for: "knowing what a quadratic cannot explain: the curvature moves", needs: [model, ladder/02#backward]}
# recall:
#   - {id: floor_halved, section: closed_form, transfer: true, q: "A run of SGD has settled at a loss of 0.08, far below stability. You halve the rate and double the batch. Where does it settle?", a: "At about 0.02: the floor goes with $\\eta/B$."}
#   - {id: two_parts, section: closed_form, transfer: false, q: "Which two parts has the expected loss of SGD on a quadratic, and which of them does the batch change?", a: "What is left of the start, which shrinks by $(1-\\eta h)^2$ a step, and what the noise has brought. The batch changes only the second."}
#   - {id: linear_rule, section: slopes, transfer: true, q: "A paper trains with SGD at rate 0.1 and batch 256, far below the critical batch. You have memory for 64. Which rate, and how many steps?", a: "0.025, and four times the steps: the same number of examples."}
#   - {id: two_neighbours, section: slopes, transfer: true, q: "Best rates from a grid of factor 1.7 are off by up to 1.3 each way. Batches 1 and 4 give an exponent from two points. How far off can it be?", a: "By $\\ln(1.3^2)/\\ln 4 = 0.38$: enough to take ½ for 0.12 or 0.88."}
#   - {id: at_the_knee, section: knee, transfer: true, q: "A job needs 1 000 steps at least, and its critical batch is 500. How many steps and examples does it take at batch 500, and at 5 000?", a: "2 000 steps and 1 million examples; 1 100 steps and 5.5 million."}
#   - {id: momentum_rate, section: momentum, transfer: true, q: "Below the critical batch you add momentum 0.9 to SGD and keep its rate of 0.2. What happens?", a: "The effective rate is $0.2/(1-0.9) = 2$. The noise floor is ten times as high, or the run explodes. Divide the rate by ten."}
#   - {id: adam_root, section: adam, transfer: true, q: "Adam at rate 0.0006 and batch 512 is moved to batch 32, both far below the critical batch. Which rate do you try first?", a: "$0.0006 \\cdot \\sqrt{32/512} = 0.00015$."}
#   - {id: short_horizon, section: schedule, transfer: false, q: "Why does choosing each rate for the next loss end badly?", a: "Noise in the steep directions is the dearest part of the loss, and a lower rate removes it at once. So the rate falls too soon, and the flat directions, which need a large rate for long, are left where they were."}
#   - {id: no_decay_effect, section: diagnosis, transfer: true, q: "A loss has been flat for a thousand steps. Neither a batch four times as large nor twice as many steps changes it. What do you look at first?", a: "The schedule: the rate is probably near zero. If noise held it up, the batch would have helped."}
#   - {id: growing_noise, section: noise_scale, transfer: true, q: "The noise scale is 40 early in training and 2 000 late. What does that say about one fixed batch of 400?", a: "Early it is beyond the critical batch and wastes examples; late it is below, and a larger one would save steps."}
# predictions:
#   - {id: knee_factor, ask: "From batch 64 to batch 16 384 each step sees 256 times as many examples. By what factor do the steps to the target fall, each batch at its best rate?", factor: 2, because: "Past the critical batch the noise is no longer what limits the rate. Curvature is: at 2/h the steepest direction explodes, however many examples there are."}
#   - {id: momentum_small_batch, ask: "Batch 4, each at its best rate: how many steps does momentum 0.9 need, as a share of plain SGD's?", within: 0.15, because: "Where noise limits the rate, momentum is the same as a rate of $\\eta/(1-\\mu)$. The best rate makes up for it exactly."}
#   - {id: greedy_or_constant, ask: "The same 1 000 steps at batch 64: which ends at the lower loss?", choices: ["the greedy rates", "the best constant rate", "they are within 10 %"], because: "Each greedy step is the best for the next loss, and the steep directions dominate that. The rate falls at once, and the many flat directions hardly move."}
#   - {id: scale_grows, ask: "From step 20 to step 1 200 of training on MNIST, what does the gradient noise scale do?", choices: ["falls by half or more", "changes by less than a factor of 2", "grows more than twofold"], because: "As the loss falls the examples agree less about where to go: $|G|^2$ falls much faster than the noise."}
#   - {id: sharpness_end, ask: "The sharpness begins at about 20, with a rate of 0.2. Where is it after 1 200 steps of gradient descent?", within: 1.5, because: "Gradient descent with rate η is unstable where the sharpness is above $2/\\eta = 10$. It falls there and hovers, while training goes on."}
# written:
#   - {id: more_machines, ask: "A colleague wants to train four times as fast on four times as many machines, with a batch four times as large. What do you measure first, and what do you tell them to do with the rate?", rubric: ["the critical batch or the noise scale, at the loss of interest", "below it: SGD's rate times four, Adam's times two", "above it: no such gain, and the rate is bound by curvature", "the noise scale grows as the loss falls"], answer: "Measure the noise scale at losses along the run, or the steps to a target at two or three batches. Where the batch is below the critical one, four times as many examples a step buy four times fewer steps: multiply SGD's rate by four, Adam's by two. Above it little is gained, for the rate is bound by curvature and not by noise. The scale grows as the loss falls, so a batch too large early may be right late."}
#   - {id: fair_comparison, ask: "A paper says that momentum halves the number of steps. Which three things do you look for before you believe it for your own job?", rubric: ["the rate of each was tuned, and its optimum is inside the grid", "the batch, and whether it is above the critical one", "the same target loss, over several seeds"], answer: "Whether each method had its own best rate, inside the grid that was searched: at an equal rate momentum has a larger effective one. Which batch it was, since below the critical batch the two are the same and above it momentum helps. And whether both ran to one target, over several seeds."}
#   - {id: quadratic_limits, ask: "What does the noisy quadratic explain about training a network, and what can it not explain? Give two of each.", rubric: ["explains: linear and root scaling of the rate", "explains: the knee, or momentum's gain beyond it, or why rates decay late", "cannot: the sharpness moves to 2/η during training", "cannot: generalisation, such as double descent or grokking"], answer: "It explains why the best rate goes with the batch, or with its root for Adam, and why there is a knee beyond which momentum helps. It cannot explain why the sharpness moves until it is near 2/η, since its curvature is constant. Nor does it know of test data, so double descent and grokking are out of its reach."}
# ---

# %% [markdown]
# # Optimisation
#
# Two teams train the same model to the same loss. One uses 256 times as many examples in each step as the other, on as many more machines. Both have tuned their rates with care. How much sooner is the large team done? By the end of this page you can compute the answer for a loss that you can solve. And you can tell which part of it holds for a network.
#
# **You need** [rung 8](../ladder/08_adam_optax.ipynb), momentum and Adam, and some patience with expectations. **You will have** a laboratory in which a million steps of SGD cost a millisecond, and two power laws measured in it. **It takes** about twenty hours with the papers; read the first one when the page says so.

# %% tags=["setup"]
import itertools
import math
import time
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from scipy import interpolate, optimize, stats
from torch import nn

from descent import chapter, check, commit, hint, measured, outcome, progress, recall, run, write
from descent.data import mnist
from descent.figures import COLOURS, noisy_quadratic_figure, plot_curves, titled, use_style

chapter("research/04_optimization")
use_style()

# %% [markdown]
# ## A loss that can be solved
#
# Near a minimum every smooth loss is a bowl. Turn the axes along its main directions and the **Hessian**, the matrix of second derivatives, becomes diagonal. What is left is one curvature $h_i$ a direction:
#
# $$ L(\theta) = \tfrac12 \sum_{i=1}^{d} h_i\,\theta_i^2, \qquad g_i = h_i\,\theta_i + \varepsilon_i, \qquad \operatorname{var}(\varepsilon_i) = c_i / B. $$
#
# A batch of $B$ examples gives the gradient $g$: the true one, $h_i\theta_i$, and noise. One example has a noise variance of $c_i$ and a mean over $B$ of them has a $B$-th of it. This is the **noisy quadratic model** of {cite:t}`zhang2019`. All of $h$, $c$ and $\theta$ have shape $(d,)$. Nothing stops $B$ from being below 1: it then stands for examples noisier than ours.
#
# One small case goes with us: $d = 2$, $h = (2, \tfrac12)$, $c = (3, 1)$, batch $B = 4$, rate $\eta = 0.4$, start $\theta = (1, -2)$, so that the loss begins at $\tfrac12(2 \cdot 1 + \tfrac12 \cdot 4) = 2$.

# %% tags=["hide-input"]
def box(ax, x: float, y: float, text: str, colour: str) -> None:
    """A rounded box with text, centred at (x, y)."""
    ax.text(x, y, text, ha="center", va="center", fontsize=10.5,
            bbox={"boxstyle": "round,pad=0.5", "facecolor": COLOURS[colour], "alpha": 0.22, "edgecolor": COLOURS[colour]})


def arrow(ax, start: tuple[float, float], end: tuple[float, float]) -> None:
    """An arrow from one point to another."""
    ax.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "->", "color": COLOURS["ink"], "lw": 1.4})


fig, ax = plt.subplots(figsize=(9.6, 3.6))
box(ax, 0.9, 2, "θ  (d,)\nmean (1, −2)\nvariance (0, 0)", "blue")
box(ax, 3.6, 3, "true gradient  hθ  (d,)\n(2, −1)", "green")
box(ax, 3.6, 1, "noise ε  (d,)\nvariance c/B = (0.75, 0.25)", "red")
box(ax, 6.4, 2, "gradient g  (d,)\n= hθ + ε", "grey")
box(ax, 9.0, 2, "θ − ηg  (d,)\nmean (0.2, −1.6)\nvariance (0.12, 0.04)", "blue")
for start, end in (((1.7, 2.2), (2.3, 2.9)), ((4.9, 2.9), (5.6, 2.2)), ((4.9, 1.1), (5.6, 1.8)), ((7.2, 2), (7.8, 2))):
    arrow(ax, start, end)
ax.text(7.5, 2.25, "·(−η)", ha="center", fontsize=10)
ax.text(3.6, 0.25, "a larger batch makes only this box smaller", ha="center", fontsize=10, color=COLOURS["red"])
ax.set(xlim=(-0.2, 10.2), ylim=(0, 3.7), title="One step: a pull towards the minimum, and noise")
ax.axis("off")
plt.show()

# %% [markdown]
# We will rarely look at one $\theta$. Think of all runs at once: at every step each coordinate has a mean and a variance over runs. Put $g$ into $\theta' = \theta - \eta g$ and collect terms. What stands before $\theta$, and what before $\varepsilon$? By hand, the first coordinate is multiplied by $1 - 0.4 \cdot 2 = 0.2$, and its variance becomes $0.2^2 \cdot 0 + 0.4^2 \cdot 0.75 = 0.12$.

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
# Expectations are worth nothing if a simulation says otherwise. So write that too. The loss it reports is the true one, at the $\theta$ that the noise has led to.

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
    rng : all random numbers come from here; every coordinate and every step has its own, normal
        noise

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
# Both together: a hundred runs of the small case, and the loss that your recursion expects, $\tfrac12\sum h_i\,(\text{mean}_i^2 + \text{variance}_i)$.

# %%
h2, c2, start2 = np.array([2.0, 0.5]), np.array([3.0, 1.0]), np.array([1.0, -2.0])
rng = np.random.default_rng(0)
runs = np.stack([simulate_sgd(h2, c2, start2, 0.4, 4, 30, rng) for _ in range(100)])
mean, variance, expected = start2, np.zeros(2), [0.5 * (h2 * start2**2).sum()]
for _ in range(30):
    mean, variance = moments_step(mean, variance, h2, c2, 0.4, 4)
    expected.append(0.5 * (h2 * (mean**2 + variance)).sum())
standard_error = runs.std(axis=0, ddof=1) / 10
print("step      expected    mean of 100 runs")
for step in (0, 1, 2, 5, 10, 30):
    print(f"{step:4} {expected[step]:13.3f} {runs[:, step].mean():13.3f} ± {standard_error[step]:.3f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots()
ax.plot(runs[:40].T, color=COLOURS["grey"], lw=0.6, alpha=0.5)
ax.plot(expected, color=COLOURS["red"], lw=3)
ax.text(30.4, expected[-1], "expected", color=COLOURS["red"], va="center", fontweight="bold")
ax.set(yscale="log", xlabel="step", ylabel="loss", ylim=(1e-3, 6), xlim=(0, 35),
       title="Single runs scatter; their mean is known")
plt.show()

# %% [markdown]
# ## A million steps in one line
#
# Fall, then flat. The flat part is the **noise floor**: every step brings in as much noise as it removes. To find it without walking there, follow $s = \mathbb{E}[\theta_i^2]$ for one coordinate. From your own step,
#
# $$ s \leftarrow q\,s + a, \qquad q = (1 - \eta h_i)^2, \quad a = \eta^2 c_i / B. $$
#
# After $T$ steps that is $q^T s_0 + a\,(1 + q + \dots + q^{T-1})$: what is left of the start, and a geometric series of noise. In the small case, $q = (0.04, 0.64)$ and $a = (0.12, 0.04)$, so after one step $s = (0.16, 2.6)$ and the loss is $\tfrac12(0.32 + 1.3) = 0.81$, as printed above.
#
# The sum has a closed form, and a hole in it where $q = 1$. Write it for many rates at once. You will ask it a few ten thousand times.

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
    with np.errstate(all="ignore"):  # past stability powers overflow
        power = np.minimum(q**steps, 1e300)
        terms = np.where(q == 1, steps, (1 - power) / (1 - q))
    second = power * start**2 + rates**2 * c / batch * terms
    return 0.5 * (h * second).sum(axis=1)
    ### END SOLUTION


# %% check="expected_loss"
check(expected_loss)

# %%
h = 1 / np.arange(1, 1001)
c, start = h.copy(), np.ones(1000)
began = time.perf_counter()
late = expected_loss(h, c, start, np.array([0.02, 0.2, 1.0]), 16, 10**9)
print(f"after 10⁹ steps in {1000 * (time.perf_counter() - began):.1f} ms: " + "  ".join(f"{loss:.4f}" for loss in late))
print("ratio of the floors to the rates: " + "  ".join(f"{loss / rate:.4f}" for loss, rate in zip(late, (0.02, 0.2, 1.0), strict=True)))

# %% [markdown]
# That was the standard problem of the field: $d = 1000$ directions, and $h_i = c_i = 1, \tfrac12, \tfrac13, \dots$ At small rates the floor is proportional to the rate. Letting $T \to \infty$ in your formula shows why: it is $\tfrac12 \sum \eta c_i / (B(2 - \eta h_i))$, and for small $\eta$ that is $\eta \sum c_i / (4B)$.

# %% recall="closed_form"
recall("closed_form")

# %% [markdown]
# ## Steps to a target
#
# Losses after equal numbers of steps are a poor measure, since everybody would stop at another time. We ask: **how many steps until the expected loss is at most 0.01?** That answer spans four powers of ten, so walking there is out of the question.
#
# Halving an interval is quick: if the loss at step $t$ is still above the target, look later, else earlier. It is right only if the loss falls all the way. Does it? Each coordinate's $s$ moves from its start to its floor, $\eta c_i / (B h_i (2 - \eta h_i))$, and never turns. If all of them fall, the loss falls. If one starts *below* its floor it rises, and then the loss may dip under the target and come out again.
#
# There is a third case, where the answer needs no search at all. On the way $s$ is never below the smaller of its start and its floor. What if those alone add up to more than the target?

# %% exercise="steps_to_target"
def steps_to_target(
    h: np.ndarray,
    c: np.ndarray,
    start: np.ndarray,
    rate: float,
    batch: float,
    target: float,
    most: int,
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
# Now play. The figure shows the same problem with 200 directions. Move the batch and the rate, and look for two things: the floor that falls as the batch grows, and the rate at which everything explodes.

# %%
noisy_quadratic_figure()

# %% [markdown]
# ## The best rate
#
# A batch may be compared with another only at the best rate of each. The grid that finds it must be wide enough to see that the rates beyond are worse. A best rate at the end of a grid is no optimum. And steps are whole numbers, so ties happen.

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
# **Predict.** We tune every batch from 1 to 16 384 on the standard problem. Think of the perfect case first: 256 times as many examples a step, 256 times fewer steps.

# %% predict="knee_factor"
commit("knee_factor", ..., sure=...)

# %%
TARGET = 0.01
RATES = np.geomspace(2e-3, 3.0, 40).tolist()
BATCHES = [2**k for k in range(15)]


def tuned(batch: int) -> tuple[float, int]:
    """The best rate of SGD on the standard problem at this batch, and the fewest steps."""
    steps = [steps_to_target(h, c, start, rate, batch, TARGET, 10**7) for rate in RATES]
    return best_rate(RATES, steps), min(count for count in steps if count is not None)


sgd = {batch: tuned(batch) for batch in BATCHES}
print(" batch   best rate     steps      examples")
for batch, (rate, steps) in sgd.items():
    print(f"{batch:6} {rate:11.4f} {steps:9} {batch * steps:13}")
fall = sgd[64][1] / sgd[16384][1]

# %% outcome="knee_factor"
outcome("knee_factor", fall)

# %% [markdown]
# At small batches the number of *examples* hardly changes: twice the batch, half the steps. That is **perfect scaling**, and it is free speed for whoever has the machines. Then the curve bends, and at the end of the table twice the batch buys almost nothing.
#
# Both follow from two limits on the rate. The floor $\eta \sum c_i/(4B)$ has to stay below the target, which allows $\eta \propto B$. And $\eta$ must stay below $2/h_1 = 2$, or the steepest direction explodes, whatever the batch. Small batches meet the first limit, large ones the second.
#
# ## A slope, and how far to trust it
#
# Is "$\eta \propto B$" true? It is a claim about an exponent, and an exponent is a slope: $\log \eta = a \log B + \text{const}$. A number without an interval is no finding, so fit all points, and report how far to trust the slope. With residuals $r_i$ and $u_i = \log x_i - \overline{\log x}$,
#
# $$ a = \frac{\sum u_i v_i}{\sum u_i^2}, \qquad \text{its error} = \sqrt{\frac{\sum r_i^2/(n-2)}{\sum u_i^2}}, $$
#
# with $v_i$ made from $y_i$ as $u_i$ from $x_i$. The interval is that error times a quantile of Student's t with $n - 2$ degrees of freedom: `stats.t.ppf`. Part of the study is to refuse: two points fit any law, and over less than a decade every curve looks straight.

# %% exercise="log_slope"
def log_slope(
    x: Sequence[float], y: Sequence[float], level: float = 0.95
) -> tuple[float, float, float]:
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
    if len(x) < 3:
        raise ValueError("fewer than three points")
    numbers = np.array([x, y])
    if not (np.isfinite(numbers) & (numbers > 0)).all():
        raise ValueError("there is no logarithm of these")
    if max(x) < 10 * min(x):
        raise ValueError("less than a decade")
    u, v = np.log(numbers) - np.log(numbers).mean(axis=1, keepdims=True)
    slope = (u @ v) / (u @ u)
    rest = v - slope * u
    error = np.sqrt(rest @ rest / (len(x) - 2) / (u @ u))
    reach = stats.t.ppf((1 + level) / 2, len(x) - 2) * error
    return float(slope), float(slope - reach), float(slope + reach)
    ### END SOLUTION


# %% check="log_slope"
check(log_slope)

# %%
small = [batch for batch in BATCHES if batch <= 64]
slope, low, high = log_slope(small, [sgd[batch][0] for batch in small])
print(f"best rate ∝ batch^{slope:.3f}, 95 % interval {low:.3f} to {high:.3f}, batches 1 to 64")
slope, low, high = log_slope(small, [sgd[batch][1] for batch in small])
print(f"steps ∝ batch^{slope:.3f}, 95 % interval {low:.3f} to {high:.3f}")
pairs = [math.log2(sgd[2 * batch][0] / sgd[batch][0]) for batch in small[:-1]]
print("the rate's slope from two neighbours:", "  ".join(f"{pair:.2f}" for pair in pairs))

# %% [markdown]
# The law holds within its interval. The last line shows what somebody reports who looked at two batches only: the grid of rates is coarse, and a pair of neighbours sees its steps.

# %% recall="slopes"
recall("slopes")

# %% [markdown]
# ## The knee
#
# *Read section 2 of {cite:t}`mccandlish2018` now, then come back.* Their argument ends in a curve with two numbers,
#
# $$ S(B) = S_{\min}\left(1 + \frac{B_{\text{crit}}}{B}\right). $$
#
# $S_{\min}$ is the number of steps that no batch can undercut. At the **critical batch size** $B_{\text{crit}}$ a run takes twice as many, and twice as many examples as the thriftiest run. By hand, $S_{\min} = 100$ and $B_{\text{crit}} = 40$: batch 10 takes 500 steps, batch 40 takes 200, batch 400 takes 110.
#
# Fit it to logarithms of steps: a run is wrong by some per cent, not by some steps. For a given $B_{\text{crit}}$ the best $\log S_{\min}$ is a mean, so only one number is left to search. Again there is something to refuse. If all batches lie on one side of the knee, they say nothing about where it is.

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
    if len(batches) < 4:
        raise ValueError("fewer than four batches")
    tried = np.geomspace(min(batches) / 100, max(batches) * 100, 4001)
    # what log(fewest) has to explain
    rest = np.log(steps) - np.log(1 + tried[:, None] / np.array(batches))
    best = rest.var(axis=1).argmin()
    if not min(batches) <= tried[best] <= max(batches):
        raise ValueError("all batches lie on one side of the knee")
    return math.exp(rest[best].mean()), float(tried[best])
    ### END SOLUTION


# %% check="critical_batch"
check(critical_batch)

# %%
fewest, knee = critical_batch(BATCHES, [steps for _, steps in sgd.values()])
print(f"SGD: at least {fewest:.0f} steps, critical batch {knee:.0f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 4.4))
x = np.geomspace(1, 16384, 200)
ax.loglog(BATCHES, [steps for _, steps in sgd.values()], "o", color=COLOURS["blue"])
ax.loglog(x, fewest * (1 + knee / x), color=COLOURS["grey"], lw=1.5)
ax.axvline(knee, color=COLOURS["red"], lw=1.2, ls="--")
ax.text(knee * 1.15, 2e5, f"critical batch {knee:.0f}", color=COLOURS["red"])
ax.text(1.2, 3e3, "perfect scaling:\nas many examples,\nfewer steps", color=COLOURS["ink"])
ax.text(2500, 1.5e3, "more examples,\nas many steps", color=COLOURS["ink"])
ax.set(xlabel="batch (examples)", ylabel="steps to a loss of 0.01", title="Below the knee examples count, above it steps do")
plt.show()

# %% [markdown]
# The law is a rough one here: the points bend more sharply than the curve. But its two numbers say what a whole table said, and they can be compared between optimisers.
#
# ## What momentum changes
#
# Momentum keeps a velocity: $u \leftarrow \mu u + g$, then $\theta \leftarrow \theta - \eta u$, as in `torch.optim.SGD`. A mean and a variance are no longer enough, since $\theta$ and $u$ depend on each other. Three expectations close the recursion: $\mathbb{E}[\theta^2]$, $\mathbb{E}[\theta u]$ and $\mathbb{E}[u^2]$. Square and multiply the two updates, and drop what has mean 0.
#
# By hand, the small case with $\mu = \tfrac12$ and $u = 0$ before the first step. $\mathbb{E}[u'^2] = h^2\theta^2 + c/B = (4.75, 1.25)$ and $\mathbb{E}[\theta u'] = h\theta^2 = (2, 2)$. Then $\mathbb{E}[\theta' u'] = (2, 2) - 0.4 \cdot (4.75, 1.25) = (0.1, 1.5)$.

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
# Your step is an affine map, $z \leftarrow Mz + a$ with $z$ of shape $(3,)$ for each direction. Two such steps are one affine map again, so 2, 4, 8, … steps follow by doubling, and any number of steps to a target from those. That much is given.

# %%
def momentum_steps(rate: float, momentum: float, batch: float, most: int = 2**22) -> int | None:
    """Steps to the target with momentum, by doubling; None where it is not reached, or explodes."""
    zero = momentum_step(np.zeros((3, len(h))), h, c, rate, momentum, batch)
    units = np.repeat(np.eye(3)[:, :, None], len(h), axis=2)
    columns = [momentum_step(unit, h, c, rate, momentum, batch) - zero for unit in units]
    maps = [(np.stack(columns, axis=-1).transpose(1, 0, 2), zero.T[:, :, None])]  # (d, 3, 3), (d, 3, 1)
    while 2 ** len(maps) <= most:
        m, a = maps[-1]
        maps.append((m @ m, m @ a + a))
        if not np.abs(maps[-1][0]).max() < 1e9:
            return None
    z, steps = np.zeros((len(h), 3, 1)), 0
    z[:, 0, 0] = start**2
    for power in reversed(range(len(maps))):
        later = maps[power][0] @ z + maps[power][1]
        if 0.5 * (h * later[:, 0, 0]).sum() > TARGET:
            z, steps = later, steps + 2**power
    return steps + 1 if steps + 1 < most else None


print("check, momentum 0 at batch 64 and rate 0.25:", momentum_steps(0.25, 0.0, 64), "and by your other function:",
      steps_to_target(h, c, start, 0.25, 64, TARGET, 10**7))

# %% [markdown]
# **Predict.** Momentum 0.9 rolls ten times as far as the gradient at hand. How many steps does it save where the batch is small?

# %% predict="momentum_small_batch"
commit("momentum_small_batch", ..., sure=...)

# %%
SOME = [4**k for k in range(10)]
with_momentum = {0.0: {batch: tuned(batch) for batch in SOME}}
for mu in (0.9, 0.99):
    with_momentum[mu] = {}
    for batch in SOME:
        grid = (np.geomspace(1.5e-3, 8 / (1 - mu), 40) * (1 - mu)).tolist()
        steps = [momentum_steps(rate, mu, batch) for rate in grid]
        with_momentum[mu][batch] = best_rate(grid, steps), min(count for count in steps if count is not None)
print(" batch   " + "   ".join(f"momentum {mu:<4}: steps, η/(1 − μ)" for mu in with_momentum))
for batch in SOME:
    row = [(found[batch][1], found[batch][0] / (1 - mu)) for mu, found in with_momentum.items()]
    print(f"{batch:6}   " + "   ".join(f"{steps:17} {rate:13.4f}" for steps, rate in row))
share = with_momentum[0.9][4][1] / with_momentum[0.0][4][1]

# %% outcome="momentum_small_batch"
outcome("momentum_small_batch", share)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 4.4))
for (mu, found), colour in zip(with_momentum.items(), ("blue", "orange", "green"), strict=True):
    ax.loglog(list(found), [steps for _, steps in found.values()], "o-", color=COLOURS[colour])
    ax.text(SOME[-1] * 1.25, found[SOME[-1]][1], f"momentum {mu:g}", color=COLOURS[colour], va="center", fontweight="bold")
ax.set(xlabel="batch (examples)", ylabel="steps to a loss of 0.01", xlim=(0.7, 6e6),
       title="Momentum moves the knee, and nothing before it")
plt.show()
for mu, found in with_momentum.items():
    fewest, knee = critical_batch(SOME, [steps for _, steps in found.values()])
    print(f"momentum {mu:<4}: at least {fewest:5.0f} steps, critical batch {knee:6.0f}")

# %% [markdown]
# Where noise limits the rate, momentum saves nothing: the columns of $\eta/(1-\mu)$ agree, and so do the steps. Momentum is then a larger rate under another name. Where curvature limits it, momentum reaches the target in far fewer steps. So its gain is a higher critical batch. More momentum is not more gain: at 0.99 the velocity overshoots for long, and the fewest steps are more than at 0.9. Whoever compares the two at one batch finds whatever that batch shows.

# %% recall="momentum"
recall("momentum")

# %% [markdown]
# ## What Adam changes
#
# Adam divides by $\sqrt v$, and $v$ holds the squared *noisy* gradient. There is no closed form now, so we simulate. A row of `start` is a replica, and $d = 256$ will do.

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
    rng : all random numbers come from here; every replica, coordinate and step has its own, normal
        noise
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
# What to expect? At small batches nearly all of $v$ is noise: $v_i \approx c_i/B$. Then Adam is SGD with the rate $\eta\sqrt{B/c_i}$ in direction $i$. We know that such a rate should go with $B$, so $\eta \propto \sqrt B$. But it holds only where the noise outweighs the gradient. On this problem that means batches *below* 1, down to a quarter of an example.

# %%
h256, replicas = 1 / np.arange(1, 257), np.random.default_rng(0).normal(size=(8, 256))
ADAM_TARGET = 0.3
ADAM_RATES = np.geomspace(0.003, 0.8, 14).tolist()


def adam_steps(batch: float) -> list[int | None]:
    """Steps of Adam to its target at every rate; a rate is given up when it is no longer among the best."""
    steps: list[int | None] = []
    most = 4000
    for rate in ADAM_RATES:
        losses = simulate_adam(h256, h256, replicas, rate, batch, most, np.random.default_rng(1))
        there = np.flatnonzero(losses <= ADAM_TARGET)
        steps.append(int(there[0]) if len(there) else None)
        most = min(most, int(1.3 * there[0]) + 5) if len(there) else most
    return steps


adam: dict[float, tuple[float, int]] = {}
for batch in (0.25, 0.5, 1, 2, 4, 8, 16, 64, 256):
    steps = adam_steps(batch)
    adam[batch] = best_rate(ADAM_RATES, steps), min(count for count in steps if count is not None)
    print(f"batch {batch:6}: best rate {adam[batch][0]:.4f}, {adam[batch][1]:5} steps")

# %%
few = [batch for batch in adam if batch <= 16]
slope, low, high = log_slope(few, [adam[batch][0] for batch in few])
print(f"Adam: best rate ∝ batch^{slope:.2f}, 95 % interval {low:.2f} to {high:.2f}, batches ¼ to 16")
pairs = [math.log2(adam[2 * batch][0] / adam[batch][0]) for batch in few[:-1]]
print("from two neighbours:", "  ".join(f"{pair:.2f}" for pair in pairs))
slope, low, high = log_slope(small, [sgd[batch][0] for batch in small])
print(f"SGD:  best rate ∝ batch^{slope:.2f}, 95 % interval {low:.2f} to {high:.2f}, batches 1 to 64")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 4.2))
ax.loglog(few, [adam[batch][0] for batch in few], "o", color=COLOURS["orange"])
middle = math.exp(np.mean([math.log(adam[batch][0] / math.sqrt(batch)) for batch in few]))
ax.loglog(few, [middle * math.sqrt(batch) for batch in few], color=COLOURS["orange"], lw=1.2)
ax.text(0.26, 0.032, "Adam: √batch", color=COLOURS["orange"], fontweight="bold")
ax.loglog(small, [sgd[batch][0] for batch in small], "s", color=COLOURS["blue"])
ax.loglog(small, [sgd[1][0] * batch for batch in small], color=COLOURS["blue"], lw=1.2)
ax.text(75, sgd[64][0], "SGD: batch", color=COLOURS["blue"], va="center", fontweight="bold")
ax.set(xlabel="batch (examples)", ylabel="best rate", xlim=(0.2, 600), title="Two optimisers, two scaling rules")
plt.show()

# %% [markdown]
# The neighbours scatter widely: a coarse grid turns pairs into 0 or something above ½. No single pair would have told ½ from ¾. All of them together hold ½ and exclude 1. At the largest batches the rate no longer keeps up, for Adam too has a knee.
#
# ## A schedule
#
# Far from the minimum a large rate is right, and near it only a small one gets below the floor. So the rate should fall. When? The natural answer is greedy: choose every rate so that the *next* expected loss is lowest. The next loss is a parabola in $\eta$. In the small case, with $s = (1, 4)$, its bottom is at
#
# $$ \eta = \frac{\sum h_i^2 s_i}{\sum h_i (h_i^2 s_i + c_i/B)} = \frac{5}{10.125} = 0.49. $$

# %% exercise="greedy_rates"
def greedy_rates(
    h: np.ndarray, c: np.ndarray, start: np.ndarray, batch: float, steps: int
) -> np.ndarray:
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
# **Predict.** The standard problem, batch 64, a thousand steps. One run has your greedy rates. The other has one constant rate, the best of a grid.

# %% predict="greedy_or_constant"
commit("greedy_or_constant", ..., sure=...)

# %%
def follow(rates: np.ndarray, batch: float) -> list[float]:
    """The expected loss before the first step and after each, on the standard problem."""
    second, losses = start**2, [0.5 * (h * start**2).sum()]
    for rate in rates:
        second = (1 - rate * h) ** 2 * second + rate**2 * c / batch
        losses.append(0.5 * (h * second).sum())
    return losses


STEPS, BATCH = 1000, 64
greedy = greedy_rates(h, c, start, BATCH, STEPS)
grid = np.geomspace(0.01, 1.98, 60)
constant = grid[expected_loss(h, c, start, grid, BATCH, STEPS).argmin()]
schedules = {"greedy": greedy, "constant": np.full(STEPS, constant)}
ends = {name: follow(rates, BATCH)[-1] for name, rates in schedules.items()}
print("  ".join(f"{name} ends at {end:.4f}" for name, end in ends.items()))
ratio = ends["greedy"] / ends["constant"]
better = "they are within 10 %" if 0.9 <= ratio <= 1.1 else "the greedy rates" if ratio < 1 else "the best constant rate"

# %% outcome="greedy_or_constant"
outcome("greedy_or_constant", better)

# %% [markdown]
# Every single greedy step was the best one, and the sum of them is a failure. Noise in the steep directions is the dearest part of the next loss, and a lower rate removes it at once. The flat directions would need a large rate for long. This is **short-horizon bias** {cite:p}`wu2018`, and it strikes whoever tunes a schedule on short runs.
#
# In one direction greedy is right. There the next loss is lowest where $s$ is smallest, and a smaller $s$ is never worse for what comes after. With two directions, a low loss may hide a small $s_1$ beside a large $s_2$. Take the small case and only two rates, 0.5 and 0.9. The first leads to $s = (0.19, 2.31)$ and a loss of 0.77, the second to $s = (1.25, 1.41)$ and a loss of 1.60. Now let both take a step of 0.5: the first ends at 0.53, the second at 0.40.
#
# What counts is the loss at the *end*. So begin there. Let $V_k(s)$ be the lowest loss that can be reached from $s$ with $k$ steps left. **Dynamic programming** goes backwards from the end:
#
# $$ V_0(s) = \tfrac12 \sum h_i s_i, \qquad V_{k+1}(s) = \min_\eta V_k(q s + a), $$
#
# with $q$ and $a$ of each direction, as above. For two directions a table over a grid of states holds $V_k$, and between its points you interpolate. Two decisions are yours. Which states can a run come to? And how should the grid be spaced, if a run crosses powers of ten?

# %% exercise="plan_rates"
def plan_rates(
    h: np.ndarray, c: np.ndarray, start: np.ndarray, batch: float, steps: int, rates: np.ndarray
) -> np.ndarray:
    """Plan a rate for every step, so that the expected loss after the last is lowest.

    Parameters
    ----------
    h, c, start : shape (2,), with every h and c above 0; `start` may hold a zero
    batch : any positive number
    steps : 0 or more
    rates : shape (r,), the rates to choose from, in any order: each above 0 and below 2 / h.max()

    Returns
    -------
    shape (steps,): a rate of the list for each step, in order. Its loss at the end is within 2 % of
        the lowest that any of the r^steps schedules has. Checks have up to 24 steps and 8 rates;
        each plan has to be there within a second or two.
    """
    ### BEGIN SOLUTION
    q, a = (1 - rates[:, None] * h) ** 2, rates[:, None] ** 2 * c / batch  # (r, 2)
    low, high = a.min(axis=0), np.maximum(start**2, (a / (1 - q)).max(axis=0))
    axes = np.linspace(np.log(low), np.log(high * 1.01), 40).T  # even in log s: (2, 40)
    states = np.exp(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1))  # (40, 40, 2)
    after = np.log(q[:, None, None] * states + a[:, None, None])  # (r, 40, 40, 2)

    def worth(table: np.ndarray, logs: np.ndarray) -> np.ndarray:
        inside = np.clip(logs, axes[:, 0], axes[:, -1])
        return interpolate.RegularGridInterpolator(tuple(axes), table)(inside)

    tables = [np.log((h * states).sum(axis=-1))]  # tables[k] is log V with k steps left
    for _ in range(steps - 1):
        tables.append(worth(tables[-1], after).min(axis=0))
    s, plan = start**2.0, []
    for left in reversed(range(steps)):
        best = int(worth(tables[left], np.log(q * s + a)).argmin())
        plan.append(rates[best])
        s = q[best] * s + a[best]
    return np.array(plan)
    ### END SOLUTION


# %% check="plan_rates"
check(plan_rates)

# %%
def path(rates: np.ndarray) -> np.ndarray:
    """The states of the small case, before the first step and after each: (steps + 1, 2)."""
    states = [start2**2]
    for rate in rates:
        states.append((1 - rate * h2) ** 2 * states[-1] + rate**2 * c2 / 4)
    return np.array(states)


choice = np.geomspace(0.02, 0.98, 30)
small_case = {"greedy": greedy_rates(h2, c2, start2, 4, 24), "planned": plan_rates(h2, c2, start2, 4, 24, choice)}
for name, rates in small_case.items():
    print(f"{name}, 24 steps: ends at {0.5 * (h2 * path(rates)[-1]).sum():.4f}, rates " + "  ".join(f"{rate:.2f}" for rate in rates[::4]))

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 4.8))
one, two = np.meshgrid(np.geomspace(0.005, 3, 60), np.geomspace(0.005, 6, 60))
levels = ax.contour(one, two, 0.5 * (h2[0] * one + h2[1] * two), levels=[0.02, 0.05, 0.1, 0.2, 0.5, 1, 2], colors=COLOURS["grey"], linewidths=0.8)
ax.clabel(levels, fmt="loss %g", fontsize=8)
for (name, rates), colour in zip(small_case.items(), ("red", "green"), strict=True):
    ax.loglog(*path(rates).T, "o-", color=COLOURS[colour], ms=4, label=name)
ax.set(xlabel="E[θ₁²], the steep direction", ylabel="E[θ₂²], the flat direction", title="The plan goes up first, and ends lower")
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# Greedy lowers the loss at every step. Its rate falls at once, so the flat direction is left behind. The plan begins with the largest rates it has. The steep direction first goes *up* under their noise, and the flat one comes down fast. Then smaller rates quieten both.
#
# The standard problem has a thousand numbers in its state, and no grid holds them. With the rate held constant over a few pieces, a **black-box search** is enough: change a rate, keep what helps.

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
    shape (pieces,): rates above 0 and below 2 / h.max(), so that every step is stable, whose loss
        at the end is within 3 % of the lowest there is (a single rate: within 1 %). Checks have up
        to 5 directions, 40 steps and 4 pieces, and have to end within a second or two. How you
        search is up to you, and nothing has to be reproducible.
    """

    ### BEGIN SOLUTION
    def final_loss(logs: np.ndarray) -> float:
        second = start**2.0
        for rate in np.exp(logs) / h.max():
            power, floor = (
                (1 - rate * h) ** (2 * (steps // pieces)),
                rate * c / (batch * h * (2 - rate * h)),
            )
            second = floor + (second - floor) * power
        return float((h * second).sum())

    starts = np.zeros(pieces), np.linspace(0, -3, pieces)  # a constant rate, and one that falls
    bounds = [(-9.0, 0.68)] * pieces
    found = [optimize.minimize(final_loss, at, method="Powell", bounds=bounds) for at in starts]
    return np.exp(min(found, key=lambda one: one.fun).x) / h.max()
    ### END SOLUTION


# %% check="search_schedule"
check(search_schedule)

# %% [markdown]
# Two methods that share no idea can check each other. The small case again, with four steps and a rate for each: dynamic programming has 30 rates to choose from, the search has all of them.

# %%
four = {
    "greedy": greedy_rates(h2, c2, start2, 4, 4),
    "planned": plan_rates(h2, c2, start2, 4, 4, choice),
    "searched": search_schedule(h2, c2, start2, 4, 4, 4),
}
four_ends = {name: 0.5 * (h2 * path(rates)[-1]).sum() for name, rates in four.items()}
for name, rates in four.items():
    print(f"{name:<9} ends at {four_ends[name]:.4f}, rates " + "  ".join(f"{rate:.2f}" for rate in rates))
print(f"planned and searched differ by {100 * abs(four_ends['planned'] / four_ends['searched'] - 1):.1f} %")

# %% [markdown]
# They agree, and greedy is far behind both. Now the thousand directions, where only the search can go.

# %%
pieces = search_schedule(h, c, start, BATCH, STEPS, 8)
schedules["searched, 8 pieces"] = np.repeat(pieces, STEPS // 8)
for name, rates in schedules.items():
    print(f"{name:<20} ends at {follow(rates, BATCH)[-1]:.4f}")
print("the searched rates:", "  ".join(f"{rate:.2f}" for rate in pieces))

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
for (name, rates), colour in zip(schedules.items(), ("red", "blue", "green"), strict=True):
    left.plot(rates, color=COLOURS[colour], label=name)
    right.plot(follow(rates, BATCH), color=COLOURS[colour], label=name)
left.set(yscale="log", xlabel="step", ylabel="rate", title="Greedy falls at once, the best rates late")
right.set(yscale="log", xlabel="step", ylabel="expected loss", title="What that is worth at the end")
right.legend()
plt.show()

# %% [markdown]
# The search was kept below $2/h_1$. On paper a direction may explode for a while and be caught again; no real loss lets it. Its rates stay close to that limit for most of the run, and fall at its end. The loss then drops steeply, as it does in so many training curves. For more than half of the run the searched schedule is *behind* the constant one. Whoever had compared the two there would have chosen the wrong one.

# %% recall="schedule"
recall("schedule")

# %% [markdown]
# ## Four sick jobs
#
# Four training jobs have stalled, each for another reason, and the names on the files are lost. `job(rate=…, batch=…, steps=…)` trains one anew with its rate, batch or number of steps multiplied by a factor, and returns the last loss. Their losses have different units, so only runs of the same job can be compared. Here is the first look.

# %% tags=["hide-input"]
def make_job(h: np.ndarray, noise: float, usual_rate: float, usual_steps: int, cut_at: float) -> Callable[..., float]:
    """A job on a quadratic; where `cut_at` comes before its end, its rate falls there to a hundredth."""

    def train(*, rate: float = 1.0, batch: float = 1.0, steps: float = 1.0) -> float:
        second = np.ones_like(h)
        for step in range(round(steps * usual_steps)):
            now = usual_rate * rate * (0.01 if step >= cut_at else 1.0)
            second = (1 - now * h) ** 2 * second + now**2 * noise * h / batch
        return float(0.5 * (h * second).sum())

    return train


curved = 1 / np.arange(1, 21)
jobs = {
    "A": make_job(curved, 1e-6, 0.5, 240, 60),
    "B": make_job(curved, 0.4, 0.5, 900, 1e9),
    "C": make_job(30 * curved, 1e-6, 0.5 / 30, 60, 1e9),
    "D": make_job(0.1 * curved, 1e-7, 21.0, 40, 1e9),
}
TRIALS: dict[str, dict[str, float]] = {"as it is": {}, "no steps": {"steps": 0}, "rate ÷ 2": {"rate": 0.5}, "rate × 2": {"rate": 2}}
print("job  " + "  ".join(f"{name:>10}" for name in TRIALS))
for name, job in jobs.items():
    print(f"{name:<4} " + "  ".join(f"{job(**trial):10.4g}" for trial in TRIALS.values()))

# %% [markdown]
# A lower rate helps B and D, but not for the same reason. A higher one helps A and C, and again there are two reasons. Which further runs tell them apart? Write down, for each of the four causes, what a larger batch and what more steps would do. Then write the diagnosis as a function. Runs cost money: six at most.

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

# %%
for name, job in jobs.items():
    print(f"{name}: {diagnose(job)}; four times the batch {job(batch=4) / job():.2f} of its loss, twice the steps {job(steps=2) / job():.2f}")

# %% recall="diagnosis"
recall("diagnosis")

# %% [markdown]
# ## The noise scale of a real network
#
# A sweep over batches and rates costs hundreds of runs. {cite:t}`mccandlish2018` offer a guess that costs none: where noise and signal in the gradient are equal, there is the knee. The **gradient noise scale** is
#
# $$ \mathcal{B} = \frac{\operatorname{tr} \Sigma}{|G|^2}, $$
#
# with $G$ the true gradient and $\Sigma$ the covariance of one example's. In the small case, $G = (2, -1)$ and $\operatorname{tr}\Sigma = 3 + 1$, so $\mathcal{B} = 4/5$. A batch of one would do there, because the start is far from the minimum.
#
# In a network nobody knows $G$. But a batch of $B$ has $\mathbb{E}|g_B|^2 = |G|^2 + \operatorname{tr}\Sigma / B$. In the small case that is 9 for single examples and 6 for batches of 4. Two batches, two equations, two unknowns: find 4 and 5 from 9 and 6. Average *before* you divide, for a mean of ratios is no ratio of means.

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
# A network on MNIST, 784 → 32 → 10, trained by plain SGD. Along the way we measure gradients of batches of 16 and of 4 096. One point of the path is a chance event, so each estimate gathers gradients from five points, five steps apart.
#
# **Predict.** Training goes from step 20 to step 1 200. Which way does the noise scale go?

# %% predict="scale_grows"
commit("scale_grows", ..., sure=...)

# %%
digits = mnist("train")
images = torch.from_numpy(digits.images).float().reshape(len(digits.images), -1) / 255
images = (images - images.mean()) / images.std()
labels = torch.from_numpy(digits.labels)
held = slice(-2000, None) if len(labels) > 5000 else slice(-300, None)
pool = len(labels) - len(labels[held])
draw = torch.Generator().manual_seed(0)


def gradient(model: nn.Module, batch: int) -> torch.Tensor:
    """The gradient of the loss on a fresh random batch, as one vector."""
    rows = torch.randint(pool, (batch,), generator=draw)
    loss = F.cross_entropy(model(images[rows]), labels[rows])
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(model.parameters()))])


def move(model: nn.Module, step: torch.Tensor) -> None:
    """Add a vector to the parameters."""
    with torch.no_grad():
        for parameter, part in zip(model.parameters(), step.split([p.numel() for p in model.parameters()]), strict=True):
            parameter.add_(part.view_as(parameter))


torch.manual_seed(0)
network = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
scales = []
few_examples, many_examples = [], []
for step in range(1201):
    if any(stop - 20 <= step <= stop and step % 5 == 0 for stop in (20, 60, 150, 400, 1200)):
        few_examples += [gradient(network, 16) for _ in range(60)]
        many_examples += [gradient(network, 4096) for _ in range(6)]
    if step in (20, 60, 150, 400, 1200):
        loss = F.cross_entropy(network(images[held]), labels[held]).item()
        scale = noise_scale(torch.stack(few_examples).numpy(), torch.stack(many_examples).numpy(), 16, 4096)
        scales.append((step, loss, scale))
        few_examples, many_examples = [], []
        print(f"step {step:5}: held-out loss {loss:.3f}, noise scale {scale:7.1f} examples")
    move(network, -0.08 * gradient(network, 64))
growth = scales[-1][2] / scales[0][2]
direction = "grows more than twofold" if growth > 2 else "falls by half or more" if growth <= 0.5 else "changes by less than a factor of 2"

# %% outcome="scale_grows"
outcome("scale_grows", direction)

# %% [markdown]
# And the knee of the same network? This chapter's real run answers that. It trains the same network with batches from 4 to 2 048 and seven rates, from three seeds each. A training ends when its held-out loss is at most 0.25. Recorded beforehand:

# %%
record = measured("runs/batch_size_sweep-cpu-2-cores")
print(f"{record['command']}\n{record['date']}, {record['hardware']}\n{record['note']}\n")
counts: dict[tuple[int, float], list[int | None]] = {}
for row in record["trainings"]:
    counts.setdefault((row["batch"], row["rate"]), []).append(row["updates"])
fastest: dict[int, tuple[float, float, list[int]]] = {}
for (batch, rate), every in counts.items():
    arrived = [count for count in every if count is not None]
    if len(arrived) == len(every) and np.mean(arrived) < fastest.get(batch, (0, math.inf))[1]:
        fastest[batch] = rate, float(np.mean(arrived)), arrived
print(" batch   best rate   steps of the seeds")
for batch, (rate, _, every) in fastest.items():
    print(f"{batch:6} {rate:11.4f}   {every}")
fits = [critical_batch(list(fastest), counts_of_seed) for counts_of_seed in zip(*(every for _, _, every in fastest.values()), strict=True)]
fewest, real_knee = np.mean(fits, axis=0)
print(f"at least {fewest:.0f} steps, critical batch {real_knee:.0f} ± {np.std(fits, axis=0, ddof=1)[1]:.0f} (a fit for each seed)")
times = [scale / real_knee for _, loss, scale in scales if loss > 0.2]
print(f"on the way to the target the noise scale is {min(times):.1f} to {max(times):.1f} times that")

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
x = np.geomspace(4, 2048, 100)
left.loglog(list(fastest), [typical for _, typical, _ in fastest.values()], "o", color=COLOURS["blue"])
left.loglog(x, fewest * (1 + real_knee / x), color=COLOURS["grey"], lw=1.5)
left.axvline(real_knee, color=COLOURS["red"], ls="--", lw=1.2)
left.set(xlabel="batch (examples)", ylabel="steps to a loss of 0.25", title=f"MNIST: a knee at batch {real_knee:.0f}")
right.semilogy([loss for _, loss, _ in scales], [scale for _, _, scale in scales], "o-", color=COLOURS["orange"])
right.axhline(real_knee, color=COLOURS["red"], ls="--", lw=1.2)
right.text(scales[0][1], real_knee * 1.12, "the knee", color=COLOURS["red"], ha="left")
right.invert_xaxis()
right.set(xlabel="held-out loss", ylabel="noise scale (examples)", title=titled("The noise scale grows as the loss falls", digits.source))
plt.show()

# %% [markdown]
# The guess made from gradients alone is of the right order. No more than that can be asked of it. The noise scale grows on the way, where the knee is one number for all of it. And it takes all directions for equally curved. Still it is worth having. Whoever knows it does not begin with a batch of 4, nor with one of 10 000. The best rates tell the story of the quadratic once more. They grow with the batch up to the knee, and stay about where they are beyond it.
#
# Run it for your machine's own numbers: `smoke` is seconds, `cpu` some minutes on two cores.

# %% tags=["real-run"]
run("batch_size_sweep", profile="cpu")

# %% [markdown]
# ## Where the model ends
#
# The quadratic has one curvature a direction, for ever. A network's Hessian moves while it trains. Its largest eigenvalue is called the **sharpness**, and at rate $\eta$ gradient descent is stable only below $2/\eta$, as you know from the first exercise.
#
# A network with a million parameters has a Hessian of $10^{12}$ numbers. Nobody writes it down. But $Hv$ costs two backward passes, and power iteration needs nothing else: $v \leftarrow Hv/|Hv|$. It finds the eigenvalue that is largest *in size*. Suppose the spectrum is $-9, 1, 5$: what comes out, and what can you do about it?

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

# %% [markdown]
# **Predict.** A small tanh network on 500 digits, full batch, so no noise at all, with $\eta = 0.2$. The sharpness begins at about 20. Where does it go?

# %% predict="sharpness_end"
commit("sharpness_end", ..., sure=...)

# %%
tiny = F.avg_pool2d(torch.from_numpy(digits.images[:500]).float()[:, None] / 255, 2).reshape(500, -1)
tiny, aims = (tiny - tiny.mean()) / tiny.std(), F.one_hot(labels[:500], 10).float()


def full_loss(model: nn.Module) -> torch.Tensor:
    """Half the mean squared error over all 500 digits."""
    return 0.5 * ((model(tiny) - aims) ** 2).sum(dim=1).mean()


def hessian_products(model: nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    """v ↦ Hv by differentiating the gradient's product with v."""
    parameters = list(model.parameters())
    slope = torch.cat([g.flatten() for g in torch.autograd.grad(full_loss(model), parameters, create_graph=True)])

    def product(v: np.ndarray) -> np.ndarray:
        parts = torch.autograd.grad(slope @ torch.from_numpy(v).float(), parameters, retain_graph=True)
        return torch.cat([part.flatten() for part in parts]).double().numpy()

    return product


def descend(rate: float, steps: int = 1200, every: int = 60) -> list[tuple[int, float, float]]:
    """Full-batch gradient descent; step, loss and sharpness along the way."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(196, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 10))
    size, seen = sum(p.numel() for p in model.parameters()), []
    for step in range(steps + 1):
        loss = full_loss(model)
        slope = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])
        if step % every == 0:
            seen.append((step, loss.item(), sharpness(hessian_products(model), size, np.random.default_rng(0))))
        move(model, -rate * slope)
    return seen


edge = {rate: descend(rate) for rate in (0.1, 0.2)}
for rate, seen in edge.items():
    print(f"η = {rate}, 2/η = {2 / rate:.0f}: " + "  ".join(f"{value:.1f}" for _, _, value in seen[::4]))
end = edge[0.2][-1][2]

# %% outcome="sharpness_end"
outcome("sharpness_end", end)

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
for (rate, seen), colour in zip(edge.items(), ("blue", "orange"), strict=True):
    step, loss, value = (np.array(part) for part in zip(*seen, strict=True))
    left.plot(step, value, "o-", color=COLOURS[colour], ms=4)
    left.axhline(2 / rate, color=COLOURS[colour], ls="--", lw=1.2)
    left.text(step[-1] + 30, 2 / rate + 0.15, f"2/η = {2 / rate:.0f}", color=COLOURS[colour], fontweight="bold")
    right.plot(step, loss, color=COLOURS[colour], label=f"η = {rate}")
left.set(xlim=(-40, 1500), xlabel="step", ylabel="sharpness", title="The curvature comes to 2/η, and stays")
right.set(yscale="log", xlabel="step", ylabel="training loss", title=titled("Meanwhile the loss goes on falling", digits.source))
right.legend()
plt.show()

# %% [markdown]
# This is the **edge of stability** {cite:p}`cohen2021`. On a quadratic nothing like it can happen: the curvature is given, and past $2/\eta$ a run explodes. Here the network moves to where its curvature suits the rate, and trains on at the very edge. So a rate does more than set the length of steps: it also chooses the landscape.
#
# ## Go further
#
# Two more pictures that no quadratic explains, and two open questions.
#
# **Double descent.** Random features and least squares: $p$ random ReLU features of a digit, then the exact solution of least norm, for 300 training digits {cite:p}`nakkiran2020`. Where is the test error worst?

# %%
def random_feature_error(p: int, seed: int, n: int = 300) -> float:
    """Share of test digits that are wrong, with p random features and n training digits."""
    test = mnist("test")
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(196, p)) / 14
    def features(pictures: np.ndarray) -> np.ndarray:
        pooled = pictures[:, :28, :28].reshape(len(pictures), 14, 2, 14, 2).mean(axis=(2, 4)) / 255
        return np.maximum((pooled.reshape(len(pictures), -1) - 0.13) / 0.26 @ weights, 0)
    solution = np.linalg.lstsq(features(digits.images[:n]), np.eye(10)[digits.labels[:n]], rcond=None)[0]
    return float((features(test.images[:1000]).dot(solution).argmax(axis=1) != test.labels[:1000]).mean())


widths = [10, 30, 100, 200, 260, 300, 340, 400, 600, 1000, 2000]
errors = np.array([[random_feature_error(p, seed) for seed in range(3)] for p in widths])
for p, row in zip(widths, errors, strict=True):
    print(f"{p:5} features: test error {row.mean():.3f} ± {row.std(ddof=1):.3f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots()
ax.errorbar(widths, errors.mean(axis=1), errors.std(axis=1, ddof=1), color=COLOURS["blue"], marker="o")
ax.axvline(300, color=COLOURS["red"], ls="--", lw=1.2)
ax.text(310, 0.8, "as many features\nas training digits", color=COLOURS["red"])
ax.set(xscale="log", xlabel="random features p", ylabel="test error", title=titled("Worst where the fit is barely exact, then better again", digits.source))
plt.show()

# %% [markdown]
# **Grokking.** A network learns addition modulo 53 from half of all sums, with strong weight decay {cite:p}`power2022`. This one takes a minute or two, so it was recorded.

# %%
grokking = measured("grokking")
print(f"recorded beforehand: {grokking['command']}\n{grokking['date']}, {grokking['hardware']}\n")
for trial in grokking["runs"]:
    seen_at = next((s for s, a in zip(trial["step"], trial["seen"], strict=True) if a > 0.99), None)
    print(f"seed {trial['seed']}, weight decay {trial['weight decay']}: 99 % of the seen sums at step {seen_at}; "
          f"of the others {trial['unseen'][trial['step'].index(seen_at)]:.0%} then and {trial['unseen'][-1]:.0%} at step {trial['step'][-1]}")
first = grokking["runs"][0]
plot_curves({"seen": (first["step"], first["seen"]), "unseen": (first["step"], first["unseen"])},
            xlabel="step", ylabel="share right", title="It knows the examples long before it knows the rule")
plt.show()

# %% [markdown]
# With weight decay the rule is found long after every seen sum is right. Without it the sums are learned by heart as quickly, and the rule is not found at all. A training loss that has stopped falling does not mean that training is over.
#
# **Averaging instead of decay.** Keep an exponential moving average of $\theta$ and measure *its* loss. How much of the schedule's gain does it give, at a constant rate?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A closed recursion for the moments of $\theta$ and its average, or a simulation with seeds and spread. The best averaging length for several batches, each with its own best rate. And a sentence on why averaging helps below the knee and hardly above it.
# :::
#
# **Adam's knee.** Does Adam have a higher critical batch than momentum on this problem? Find out with a fair target, and say which part is preconditioning and which is momentum.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The same target and start for all, and a rate tuned inside its grid for every batch. Adam with $\beta_1 = 0$ beside Adam with 0.9. Several seeds, since Adam is simulated. A critical batch from `critical_batch` for each, or the reason why it refuses.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="more_machines"
write("more_machines", """
""")

# %% write="fair_comparison"
write("fair_comparison", """
""")

# %% write="quadratic_limits"
write("quadratic_limits", """
""")

# %% [markdown]
# The next chapter changes what is minimised instead of how. Keep `noise_scale` and `log_slope`: they work on any network.
