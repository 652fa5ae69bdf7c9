# ---
# title: Steps of the right size
# subtitle: Momentum and Adam from their formulas, then the same network in JAX with optax
# part: ladder
# hours: 5
# needs: [ladder/03_vector_regression, ladder/07_mnist_mlp]
# teaches: [momentum, moving averages, bias correction, Adam, pytrees, jax.jit, jax.value_and_grad, gradient transformations, decoupled weight decay, learning-rate sweeps]
# builds: a momentum step, the two moments, bias correction, Adam as a step and as a class, a loss and a training step in JAX, AdamW as a chain, the sweep
# number: own Adam equals optax.adam to 1e-6 over 100 steps
# data: MNIST
# run: null
# readings:
#   - {key: kingma2015, where: "Algorithm 1 and sections 2 and 3: two pages that you will have written yourself", skip: "the convergence proof in section 4 and the appendix, which was later found to have a gap"}
#   - {key: goh2017, where: "all of it, for the movable figures", skip: "the part called 'The Limits of Descent', unless you like it"}
#   - {key: prince2023, where: "sections 6.3 and 6.4, momentum and Adam"}
#   - {key: loshchilov2019, where: "section 2 and Algorithm 2: one line moves, and weight decay means something else"}
#   - {key: choi2019, where: "sections 1 and 4: how the winner of a comparison depends on who tuned what", skip: "the tables of search spaces"}
# sections:
#   - {id: valley, heading: "A valley", for: "the picture of a badly conditioned loss that every optimiser of the course is measured against", needs: [ladder/01#learning_rate, ladder/03#conditioning]}
#   - {id: momentum, heading: "A ball with some weight", for: "the image networks of rungs 10, 14 and 15 train with momentum", needs: [valley]}
#   - {id: moments, heading: "Two averages", for: "moving averages return in Adam, in batch norm and in averaged weights", needs: [momentum]}
#   - {id: bias_correction, heading: "They begin too small", for: "any average that starts at 0 needs it, first of all Adam's", needs: [moments]}
#   - {id: adam, heading: "Adam", for: "the optimiser of every language model in this course", needs: [bias_correction]}
#   - {id: adam_class, heading: "Adam, the class", for: "the object that later rungs fetch from your notebook and train with", needs: [adam, ladder/02#no_grad, ladder/06#optimiser]}
#   - {id: agreement, heading: "Is it the real one?", for: "how to prove that code equals a library's, which the GPT rungs do with whole models", needs: [adam_class, ladder/06#number_for_number]}
#   - {id: jax, heading: "JAX: a gradient is a function", for: "the second library of the field, and pure functions as a way to think about training", needs: [ladder/02#backward, ladder/04#likelihood]}
#   - {id: optax, heading: "optax: an optimiser is two functions", for: "an optimiser's state as plain data, which later has to be saved and split over machines", needs: [jax, adam]}
#   - {id: jit, heading: "jit: write down once, compile, repeat", for: "compiled training steps, met again as torch.compile in the speed runs", needs: [jax]}
#   - {id: weight_decay, heading: "Chains, and the decay that is not L2", for: "AdamW with clipping is the recipe of the transformer rungs", needs: [adam, optax]}
#   - {id: race, heading: "A race that means something", for: "every later claim that one method beats another is settled by a sweep like this one", needs: [adam, optax, jit, ladder/07#splits]}
#   - {id: adam_goes_on, heading: "Your Adam goes on", for: "how later rungs train with the class you wrote here", needs: [adam_class]}
# recall:
#   - {id: velocity_limit, section: momentum, transfer: true, q: "Momentum 0.95, learning rate 0.01, and a gradient that is always 2. How long do the steps become?", a: "$\\eta g/(1-m) = 0.01 \\cdot 2/0.05 = 0.4$: twenty times gradient descent's 0.02."}
#   - {id: kappa_steps, section: momentum, transfer: true, q: "The condition number of a bowl rises from 100 to 900. By what factors do the steps of gradient descent and of momentum grow, each at its best setting?", a: "By about 9 and about 3: the steps go with $\\kappa$ and with $\\sqrt\\kappa$."}
#   - {id: why_correction, section: bias_correction, transfer: false, q: "Why do Adam's averages need a bias correction, and by what are they divided at step $t$?", a: "They start at 0, so that their weights add up to $1 - \\beta^t$ only. They are divided by that."}
#   - {id: uncorrected_steps, section: adam, transfer: false, q: "Without the correction, are Adam's first steps too short or too long, and why?", a: "Too long, about three to seven times: $v$ has the slower average, so the divisor $\\sqrt v$ is further below its true size than $m$ is."}
#   - {id: adam_formula, section: adam, transfer: false, q: "Write Adam's step with its epsilon in the right place.", a: "$\\theta \\leftarrow \\theta - \\eta\\,\\hat m/(\\sqrt{\\hat v} + \\varepsilon)$, with $\\varepsilon$ outside the root."}
#   - {id: summed_loss, section: adam, transfer: true, q: "By mistake a loss is summed over 256 examples instead of averaged. What happens to the steps of gradient descent, and to Adam's?", a: "Gradient descent's are 256 times longer and probably diverge. Adam's stay as they are: the factor cancels in $\\hat m/\\sqrt{\\hat v}$."}
#   - {id: decoupled_decay, section: weight_decay, transfer: false, q: "What is the difference between L2 regularisation and decoupled weight decay under Adam?", a: "L2 adds $\\lambda\\theta$ to the gradient, where it is divided by $\\sqrt{\\hat v}$ like the rest. Decoupled decay adds it after that division, so that all weights shrink at the same rate."}
#   - {id: jitted_list, section: jit, transfer: true, q: "A jitted step appends its loss to a global list and is called 100 times with equal shapes. What is in the list?", a: "One entry, a tracer without a number. Python ran once, at the first call; the other 99 ran compiled code."}
#   - {id: nan_wins, section: race, transfer: true, q: "Two seeds give losses 0.4 and 0.6 at rate 0.1, and 0.2 and nan at rate 1. What does `np.argmin` of the plain means choose, and what should you?", a: "It chooses rate 1: `np.argmin` takes nan for the smallest. A rate with a diverged run has mean $\\infty$, so choose 0.1."}
# predictions:
#   - {id: first_step_uncorrected, ask: "With the usual betas, both corrections left out and a gradient that never changes: how long is the first step?", unit: "η", factor: 1.25, because: "The first step is $0.1\\,g/\\sqrt{0.001\\,g^2} = 3.16$. Both averages are too small, but the divisor is the smaller part of its true size."}
#   - {id: turned_bowl, ask: "For which rule does the loss at the end change when bowl and start are turned by 45°?", choices: ["gradient descent", "momentum", "Adam", "none of them"], because: "Gradient descent and momentum do not know where the axes are. Adam rescales each parameter, so it depends on which directions the parameters are."}
#   - {id: python_runs, ask: "Under `jit` the function is called with shapes (3,), (3,), (3,), (4,) and (3,). How often does it print?", unit: "times", within: 0, because: "Python runs once for each new shape, to write down the operations. Calls with a known shape run the compiled list and print nothing."}
#   - {id: coupled_quiet_weight, ask: "With the decay added to the gradient, where is the weight with the small gradients after 2 000 steps?", within: 0.15, because: "The decay of 0.1 is as large as this weight's gradients. Divided by their small $\\sqrt{\\hat v}$ it becomes a step of nearly $\\eta\\theta$. Two thousand of them leave not much more than $e^{-2} = 0.14$."}
#   - {id: gap_of_the_best, ask: "Each optimiser at its own best rate: by how many per cent is the highest of the three mean losses above the lowest?", unit: "%", within: 5, because: "Tuned with the same effort, the three are nearly level on this problem. Adam's gain is that its best rate is easier to guess."}
# written:
#   - {id: loss_times_hundred, ask: "Your friend multiplied the loss by 100 \"to see it better\", and training with SGD broke. With Adam nothing changed. Why?", rubric: ["the gradient grew a hundredfold", "SGD's step grew with it, past the threshold of stability", "in Adam's ratio of $\\hat m$ and $\\sqrt{\\hat v}$ the factor cancels", "the condition: $\\varepsilon$ is small beside $\\sqrt{\\hat v}$"], answer: "The gradient grew a hundredfold. SGD's step grew with it, past the threshold. In Adam's ratio the factor cancels, as long as $\\varepsilon$ is small beside $\\sqrt{\\hat v}$."}
#   - {id: equal_rates, ask: "A paper compares a new optimiser with Adam, both at a rate of 0.001. What do you ask?", rubric: ["how the rate of each was found, and on which data", "whether both were tuned with the same effort", "over how many seeds, and with what spread", "says why equal rates are not fair: the rate is a distance for Adam and a factor for others"], answer: "How the rate of each was found, on which data, with how much effort, over how many seeds, and with what spread. Equal rates are no fairness: the same number means a distance for Adam and a factor for others."}
#   - {id: state_in_a_global, ask: "Why does an optax optimiser hand you its state, and what would go wrong if a jitted function kept it in a global variable?", rubric: ["functions in JAX are pure: what goes in are arguments, what comes out are results", "Python runs a jitted function once for each set of shapes", "the change of the global would happen at that one time, with tracers in place of numbers", "names the consequence: the optimiser forgets, without an error at that moment"], answer: "JAX's functions are pure, so the averages and the count have to come in as arguments and go out as results. A jitted function is run by Python only once for each set of shapes. A change of a global happens at that one time, with tracers in place of numbers, and never again: the optimiser would forget, without an error."}
# ---

# %% [markdown]
# # Steps of the right size
#
# In [rung 3](03_vector_regression.ipynb) gradient descent would have taken years, because one learning
# rate had to serve a steep direction and a flat one. You cured it by hand: look at the features,
# rescale them. Inside a deep network nobody can look. By the end of this page you will have written the
# optimiser that copes, **Adam**, from the algorithm in its paper, and checked that over a hundred steps it agrees with
# a library's to the sixth decimal. Some twenty lines; most networks you have heard of were trained by them.
#
# Then the digits of [rung 7](07_mnist_mlp.ipynb) once more, with another library, JAX, in which a gradient
# is a function and an optimiser is two functions. And an honest race between the optimisers, each at a rate of
# its own.
#
# **You need** rungs 3 and 7. **You will have** an `Adam` that later rungs can train with, a training step in JAX, and
# a learning-rate sweep you can trust. **It takes** about five hours.

# %% tags=["setup"]
import math
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import chapter, check, commit, hint, outcome, progress, recall, write
from descent.data import mnist
from descent.figures import COLOURS, plot_curves, titled, use_style

chapter("ladder/08_adam_optax")
use_style()

# %% [markdown]
# ## A valley
#
# The loss of a linear model is a bowl, and near a minimum so is nearly every other loss. Its difficulty is its
# **condition number** $\kappa$: the largest curvature over the smallest. Here is a bowl in two parameters
# with curvatures $1$ and $50$,
#
# $$ L(\theta) = \tfrac12\left(\theta_1^2 + 50\,\theta_2^2\right), \qquad \nabla L = (\theta_1,\; 50\,\theta_2), $$
#
# and a helper that follows any rule for stepping. A rule gets the parameters, the gradient, whatever it wants
# to remember, and the number of the step.

# %%
Rule = Callable[[Tensor, Tensor, Any, int], tuple[Tensor, Any]]
START = torch.tensor([-9.0, 1.2], dtype=torch.float64)


def bowl(flat: float, steep: float, degrees: float = 0.0) -> Tensor:
    """The second derivatives, shape (2, 2), of a bowl turned by an angle."""
    turn = turned(degrees)
    return turn @ torch.diag(torch.tensor([flat, steep], dtype=torch.float64)) @ turn.T


def turned(degrees: float) -> Tensor:
    """The matrix, shape (2, 2), of a rotation."""
    a = math.radians(degrees)
    return torch.tensor(
        [[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]], dtype=torch.float64
    )


def follow(rule: Rule, hessian: Tensor, start: Tensor, steps: int) -> Tensor:
    """The path of a rule in the bowl ½ θᵀHθ, shape (steps + 1, 2)."""
    path, memory = [start], None
    for t in range(1, steps + 1):
        theta, memory = rule(path[-1], hessian @ path[-1], memory, t)
        path.append(theta)
    return torch.stack(path)


def gradient_descent(rate: float) -> Rule:
    """Plain gradient descent, which remembers nothing."""
    return lambda theta, gradient, memory, t: (theta - rate * gradient, memory)


def draw_path(
    ax: plt.Axes, path: Tensor, hessian: Tensor, title: str, colour: str, height: float = 2.5
) -> None:
    """A path on the map of its bowl, with the loss at its end."""
    side_x, side_y = torch.linspace(-11, 6, 150), torch.linspace(-height, height, 150)
    x, y = torch.meshgrid(side_x.double(), side_y.double(), indexing="xy")
    heights = 0.5 * (hessian[0, 0] * x**2 + 2 * hessian[0, 1] * x * y + hessian[1, 1] * y**2)
    ax.contour(x, y, heights, levels=np.geomspace(0.3, 1500, 12), colors=COLOURS["grey"],
               linewidths=0.6, alpha=0.7)
    ax.plot(path[:, 0], path[:, 1], "o-", color=colour, markersize=3.5, linewidth=1.3)
    ax.plot(0, 0, "*", color=COLOURS["red"], markersize=13)
    loss = float(0.5 * path[-1] @ hessian @ path[-1])
    ax.set_title(f"{title}\nloss at the end: {loss:.2g}", fontsize=11)
    ax.set(xlim=(-11, 6), ylim=(-height, height), xlabel="θ₁")


HESSIAN = bowl(1.0, 50.0)
fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.9), sharey=True)
for ax, rate in zip(axes, (0.005, 0.02, 0.038), strict=True):
    path = follow(gradient_descent(rate), HESSIAN, START, 40)
    draw_path(ax, path, HESSIAN, f"learning rate {rate}", COLOURS["blue"])
axes[0].set_ylabel("θ₂")
plt.show()

# %% [markdown]
# Forty steps each; the star is the minimum, and the threshold is $2/50 = 0.04$ (rung 1). Whatever the
# rate, the way along the valley is slow. A rate at which the floor of the valley would be walked briskly throws
# you out over its sides.
#
# ## A ball with some weight
#
# Watch the third path: across the valley the gradient changes its sign at every step, along the valley it
# never does. A rule with a memory can tell the two apart. Keep a **velocity** $v$, to which every gradient gives a push
# and which loses a part of itself at each step:
#
# $$ v \leftarrow m\, v + g, \qquad \theta \leftarrow \theta - \eta\, v, \qquad
#    v,\, g,\, \theta \text{ of one shape},\quad 0 \le m < 1. $$
#
# This is **momentum**, or the heavy ball of {cite:t}`polyak1964`; $m = 0$ is gradient descent. Pushes that alternate
# cancel. Pushes that agree add up: if $g$ never changed, $v$ would approach $g + mg + m^2 g + \dots = g/(1-m)$.
#
# By hand: $\theta = 1$, $v = 0$, a gradient that is always $2$, $\eta = 0.1$, $m = 0.9$. First $v = 2$ and
# $\theta = 0.8$. Then $v = 0.9 \cdot 2 + 2 = 3.8$ and $\theta = 0.8 - 0.38 = 0.42$. The new velocity moves the
# parameters, not the old one. As the steps go on, $v$ approaches $20$: ten times the gradient.

# %% exercise="momentum_step"
def momentum_step(
    theta: Tensor, velocity: Tensor, gradient: Tensor, learning_rate: float, momentum: float
) -> tuple[Tensor, Tensor]:
    """Take one step of gradient descent with momentum.

    Parameters
    ----------
    theta, velocity, gradient : tensors of one shape, which may be any. They are not changed.
    learning_rate : η, 0 or more
    momentum : m, from 0 up to but not including 1; with 0 this is plain gradient descent

    Returns
    -------
    (theta, velocity): new tensors. First the velocity becomes m·velocity + gradient, then theta
        moves by −η times the new velocity.
    """
    ### BEGIN SOLUTION
    velocity = momentum * velocity + gradient
    return theta - learning_rate * velocity, velocity
    ### END SOLUTION

# %% check="momentum_step"
check(momentum_step)

# %% [markdown]
# The learning rate stays at 0.02, where plain gradient descent was safe. Before you run the cell, picture what momentum
# 0.5, 0.8 and 0.98 will do to the path. One of the three is worse than no momentum at all after forty steps. Which, and
# what does it look like?

# %%
def heavy_ball(rate: float, momentum: float) -> Rule:
    """Gradient descent with momentum; its memory is the velocity."""

    def rule(theta: Tensor, gradient: Tensor, memory: Any, t: int) -> tuple[Tensor, Any]:
        velocity = torch.zeros_like(theta) if memory is None else memory
        return momentum_step(theta, velocity, gradient, rate, momentum)

    return rule


fig, axes = plt.subplots(1, 3, figsize=(10.5, 3.9), sharey=True)
for ax, momentum in zip(axes, (0.5, 0.8, 0.98), strict=True):
    path = follow(heavy_ball(0.02, momentum), HESSIAN, START, 40)
    draw_path(ax, path, HESSIAN, f"momentum {momentum}", COLOURS["orange"])
axes[0].set_ylabel("θ₂")
plt.show()

# %% [markdown]
# A heavy ball rolls through the minimum and far up the other side. Momentum is a trade: enough to carry you along the
# floor, not so much that you swing. {cite:t}`goh2017` lets you move both numbers with a finger.
#
# How much does it buy, with both methods set as well as can be? On a bowl with curvatures from $\mu$ to $\lambda$ the
# best settings are known: $\eta = 2/(\lambda+\mu)$ for gradient descent, and $\eta = 4/(\sqrt\lambda+\sqrt\mu)^2$ with
# $m = \left(\frac{\sqrt\kappa-1}{\sqrt\kappa+1}\right)^2$ for momentum.
#
# Gradient descent needs ten times the steps when $\kappa$ is ten times larger. And momentum? Read the factor off the
# printed lines before you read on.

# %%
def steps_needed(rule: Rule, kappa: float, limit: int = 20_000) -> int:
    """Steps until the distance to the minimum has shrunk a thousandfold."""
    curvatures = torch.tensor([1.0, kappa], dtype=torch.float64)
    theta, memory = torch.ones(2, dtype=torch.float64), None
    goal = 1e-3 * theta.norm()
    for t in range(1, limit):
        theta, memory = rule(theta, curvatures * theta, memory, t)
        if theta.norm() < goal:
            return t
    return limit


kappas = [10, 30, 100, 300, 1000]
plain_steps, heavy_steps = [], []
for kappa in kappas:
    root = math.sqrt(kappa)
    plain_steps.append(steps_needed(gradient_descent(2 / (kappa + 1)), kappa))
    best_ball = heavy_ball(4 / (root + 1) ** 2, ((root - 1) / (root + 1)) ** 2)
    heavy_steps.append(steps_needed(best_ball, kappa))
plot_curves({"gradient descent": (kappas, plain_steps), "momentum": (kappas, heavy_steps)},
            "condition number κ", "steps to a thousandth", logy=True,
            title="Steps to go, by the shape of the bowl")
plt.xscale("log")
plt.xticks(kappas, [str(kappa) for kappa in kappas])
plt.yticks([10, 100, 1000], ["10", "100", "1000"])
plt.minorticks_off()
plt.show()
for kappa, plain, heavy in zip(kappas, plain_steps, heavy_steps, strict=True):
    print(f"κ = {kappa:5}: gradient descent {plain:5} steps, momentum {heavy:4}")

# %% [markdown]
# Momentum needs in proportion to the square root: at $\kappa = 1000$ it takes 198 steps in place of 3454, which can be
# minutes in place of an hour. But momentum still has *one* learning rate for all parameters, and it needs to be told
# $\kappa$, which nobody knows. Next we let each parameter find its own scale.

# %% recall="momentum"
recall("momentum")

# %% [markdown]
# ## Two averages
#
# How large are the gradients of a parameter, typically, and which way do they point? Averages over the recent past answer
# both. An **exponential moving average** of a quantity $x$ with memory $\beta$ is
#
# $$ \bar x \leftarrow \beta\, \bar x + (1 - \beta)\, x . $$
#
# Compare it with the velocity: the same sum, times $1-\beta$, which makes it a mean. It looks back over
# about $1/(1-\beta)$ steps: ten for $\beta = 0.9$, a thousand for $0.999$. Adam keeps two for every single parameter,
#
# $$ m \leftarrow \beta_1 m + (1-\beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2, $$
#
# where $g^2$ means each entry squared. (By custom the letters are the same as above: from here on $m$ and $v$ are Adam's
# averages, no longer the momentum and the velocity.) These are its estimates of the **first moment** (the mean) and the
# **second moment** (the mean of the square) of the gradient. Not the variance: no mean is subtracted.
#
# By hand, with $\beta_1 = 0.9$, $\beta_2 = 0.99$, both averages 0 and gradients $4$ and then $-2$: $m = 0.4$, then
# $0.36 - 0.2 = 0.16$. $v = 0.16$, then $0.1584 + 0.04 = 0.1984$. Signs cancel in $m$; in $v$ nothing does.

# %% exercise="update_moments"
def update_moments(
    m: Tensor, v: Tensor, gradient: Tensor, beta1: float, beta2: float
) -> tuple[Tensor, Tensor]:
    """Bring both moving averages up to date with a new gradient.

    Parameters
    ----------
    m, v : tensors of one shape, the averages of the gradient and of its square. Not changed.
    gradient : of the same shape. Not changed.
    beta1, beta2 : how much of the old m and of the old v is kept, from 0 up to but not including 1

    Returns
    -------
    (m, v): the new averages, new tensors
    """
    ### BEGIN SOLUTION
    return beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
    ### END SOLUTION

# %% check="update_moments"
check(update_moments)

# %% [markdown]
# ## They begin too small
#
# An average that starts at 0 remembers a past that never was. Let every gradient be 4, with $\beta_1 = 0.9$: $m$ reads
# $0.4$, $0.76$, $1.08$, … and after twenty steps it is still at $3.5$. An average with $\beta_2 = 0.999$ needs two thousand steps to
# come as near.
#
# The cure is exact. Write the average out: the gradient of $k$ steps ago has the weight
# $(1-\beta)\,\beta^k$. After $t$ steps all the weights together are
#
# $$ (1-\beta)\left(1 + \beta + \dots + \beta^{t-1}\right) = 1 - \beta^t , $$
#
# where an honest mean would have 1. So divide by it: $\hat m = m/(1-\beta_1^t)$ and $\hat v = v/(1-\beta_2^t)$. This is the
# **bias correction**. In the example, $0.4/(1-0.9) = 4$ and $0.76/(1-0.81) = 4$.
#
# Steps count from 1. At $t = 0$ nothing has been averaged, and the divisor is 0.

# %% exercise="bias_correct"
def bias_correct(average: Tensor, beta: float, t: int) -> Tensor:
    """Make a moving average that started at 0 a true weighted mean.

    Parameters
    ----------
    average : any shape, after t updates. Not changed.
    beta : its memory, from 0 up to but not including 1
    t : how many updates it has had, at least 1

    Returns
    -------
    a new tensor of the same shape
    """
    ### BEGIN SOLUTION
    return average / (1 - beta**t)
    ### END SOLUTION

# %% check="bias_correct"
check(bias_correct)

# %% [markdown]
# ## Adam
#
# Now the idea. $\hat m$ says which way, and $\sqrt{\hat v}$ says how large gradients of this parameter usually are. Their
# ratio has no units. It is about $\pm 1$ where gradients agree, and near 0 where they are noise. So let the ratio
# decide the step, and $\eta$ its length:
#
# $$ \theta \leftarrow \theta - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon}. $$
#
# That is Adam {cite:p}`kingma2015`. The $\varepsilon$, $10^{-8}$, is there so that a parameter whose gradients are all 0
# gets $0/\varepsilon = 0$ and not $0/0$. The learning rate is now a *distance*: as a rule no parameter moves further than about
# $\eta$ in a step, whatever the size of its gradients. (A step can be longer for a short while, when gradients suddenly grow: $m$
# follows them sooner than $v$ does.) The usual settings are $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\eta = 0.001$.
#
# By hand, the first step with $\eta = 0.1$ and two parameters with gradients $g = (-10,\ 0.001)$: $\hat m = g$, $\hat v = g^2$,
# and the ratio is $(-1, 1)$, but for $\varepsilon$. One parameter goes up by $0.1$, the other down by $0.1$.

# %% exercise="adam_step"
def adam_step(
    theta: Tensor,
    gradient: Tensor,
    m: Tensor,
    v: Tensor,
    t: int,
    learning_rate: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-8,
) -> tuple[Tensor, Tensor, Tensor]:
    """Take one step of Adam.

    Parameters
    ----------
    theta, gradient : the parameters and the gradient there, of one shape. Not changed.
    m, v : the moving averages *before* this step, of the same shape; 0 before the first. Not
        changed.
    t : the number of this step; the first is 1
    learning_rate : η
    betas : (β₁, β₂), the memories of m and v
    epsilon : added to the root of the corrected v

    Returns
    -------
    (theta, m, v): after the step, new tensors. m and v are the plain averages: the bias correction
        is for the step only and is not stored.
    """
    ### BEGIN SOLUTION
    beta1, beta2 = betas
    m, v = update_moments(m, v, gradient, beta1, beta2)
    m_hat, v_hat = bias_correct(m, beta1, t), bias_correct(v, beta2, t)
    return theta - learning_rate * m_hat / (v_hat.sqrt() + epsilon), m, v
    ### END SOLUTION

# %% check="adam_step"
check(adam_step)

# %% [markdown]
# ### What the correction does
#
# **Predict.** Leave both corrections out, for a gradient that never changes. Both averages start too small, so is the first
# step too short, too long, or about right because it cancels? With them it is one $\eta$ long.

# %% predict="first_step_uncorrected"
commit("first_step_uncorrected", ..., sure=...)

# %%
one, steps_shown = torch.ones(1, dtype=torch.float64), 3000
lengths: dict[str, list[float]] = {"with correction": [], "without": []}
theta, m, v = 0 * one, 0 * one, 0 * one
for t in range(1, steps_shown + 1):
    moved, m, v = adam_step(theta, 4 * one, m, v, t, learning_rate=1.0)
    lengths["with correction"].append(float((theta - moved).abs()))
    lengths["without"].append(float(m / (v.sqrt() + 1e-8)))
    theta = moved
plot_curves({name: (range(1, steps_shown + 1), values) for name, values in lengths.items()},
            "step t", "length of the step (in units of η)",
            title="How long Adam's steps are, with the corrections and without")
bare = lengths["without"]
plt.gca().set(xscale="log", ylim=(0, 1.15 * max(bare)))
plt.show()
print(
    f"without: step 1 is {bare[0]:.2f} η long, the longest ({np.argmax(bare) + 1}) {max(bare):.2f} η"
)
print(
    f"with: between {min(lengths['with correction']):.4f} and {max(lengths['with correction']):.4f} η"
)

# %% outcome="first_step_uncorrected"
outcome("first_step_uncorrected", round(bare[0], 2))

# %% [markdown]
# Too long. $v$ has a hundred times the memory of $m$, so it stays too small for longer, and it is the one we divide by.
# A network is most fragile in its first steps, so this is the worst moment for steps of six times the length you asked for.
#
# ### Where the epsilon goes
#
# Inside the root, $\sqrt{\hat v + \varepsilon}$, looks the same. A gradient of size $g$ that never changes should give a
# step of $\eta$:

# %%
for size in (1.0, 1e-3, 1e-4, 1e-5, 1e-7, 0.0):
    print(f"gradient {size:7.0e}: ε outside the root {size / (size + 1e-8):.3f} η,"
          f"   inside {size / math.sqrt(size**2 + 1e-8):.3f} η")

# %% [markdown]
# Inside the root, $10^{-8}$ stands beside a *squared* gradient, and takes over at gradients of $10^{-4}$, which are
# common in a deep network. Outside it takes over at $10^{-8}$.
#
# ### Down the valley
#
# **Predict.** Three rules, forty steps, each with a decent setting, in our bowl; and then in the same bowl *turned by
# 45°*, with the start turned along. A path that is only turned with the bowl ends at the same loss. Whose path changes?

# %% predict="turned_bowl"
commit("turned_bowl", ..., sure=...)

# %%
def adam(rate: float) -> Rule:
    """Adam; its memory is the pair of averages."""

    def rule(theta: Tensor, gradient: Tensor, memory: Any, t: int) -> tuple[Tensor, Any]:
        m, v = (0 * theta, 0 * theta) if memory is None else memory
        theta, m, v = adam_step(theta, gradient, m, v, t, rate)
        return theta, (m, v)

    return rule


rules = {
    "gradient descent": (gradient_descent(0.036), COLOURS["blue"]),
    "momentum": (heavy_ball(0.02, 0.8), COLOURS["orange"]),
    "Adam": (adam(0.4), COLOURS["green"]),
}
ends = {}  # the loss at the end of each path
fig, axes = plt.subplots(2, 3, figsize=(10.5, 7.4), sharex=True, sharey="row")
for row, degrees in zip(axes, (0, 45), strict=True):
    hessian, start = bowl(1.0, 50.0, degrees), turned(degrees) @ START
    for ax, (name, (rule, colour)) in zip(row, rules.items(), strict=True):
        path = follow(rule, hessian, start, 40)
        ends[name, degrees] = float(0.5 * path[-1] @ hessian @ path[-1])
        title = f"{name}, turned by {degrees}°" if degrees else name
        draw_path(ax, path, hessian, title, colour, height=8.0 if degrees else 2.5)
        if not degrees:
            ax.set_xlabel("")
    row[0].set_ylabel("θ₂")
plt.show()
changed = [name for name in rules if not math.isclose(ends[name, 0], ends[name, 45], rel_tol=0.01)]

# %% outcome="turned_bowl"
outcome("turned_bowl", changed[0] if len(changed) == 1 else "none of them")

# %% [markdown]
# Gradient descent and momentum do not know where the axes are: their paths turn with the bowl, and the losses at the end are the same. Adam
# rescales *each parameter*, so it cares. When the flat and the steep direction are two parameters it sets out for the minimum without a zigzag, as
# if you had standardised the features. (Then it swings past: its steps stay about $\eta$ long until the gradients have changed sign for a while.) When
# the directions are mixtures of the parameters, each parameter sees both, one scale each is not enough, and here plain gradient descent is ahead.
# (Momentum is ahead in both bowls, with a setting that suits their $\kappa$.) Rung 3 met the same limit: standardising cures sizes, not correlations.

# %% recall="adam"
recall("adam")

# %% [markdown]
# ## Adam, the class
#
# Now the whole piece, with the interface of `torch.optim.Adam`, so that it can take its place in any loop:
#
# ```python
# optimiser = Adam(model.parameters(), lr=1e-3)
# optimiser.zero_grad(); loss.backward(); optimiser.step()
# ```
#
# Four points decide whether it is right.
#
# - **State for each parameter.** A network's parameters are a list of tensors, and each has its own $m$, $v$ and $t$.
# - **In place.** The model holds the tensors it was made with. `p = p - …` makes a new one that the model
#   never sees; `p.copy_(…)` or `p -= …` writes into the old one, inside `torch.no_grad()`.
# - **No gradient, no step.** A parameter that took no part in the loss has `p.grad is None`. It keeps its value and its
#   averages, and its $t$ does not count.
# - **`parameters()` is an iterator.** It can be walked through once. Make a list.

# %% exercise="Adam"
class Adam:
    """Adam (Kingma and Ba, 2015, Algorithm 1) for torch parameters.

    Parameters
    ----------
    parameters : an iterable of tensors with requires_grad, of any shapes; it may be an iterator,
        which can be walked through only once
    lr : the learning rate
    betas : the memories (β₁, β₂)
    eps : added to the root of the corrected second moment
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        ### BEGIN SOLUTION
        self.parameters = list(parameters)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.m = [torch.zeros_like(p) for p in self.parameters]
        self.v = [torch.zeros_like(p) for p in self.parameters]
        self.t = [0] * len(self.parameters)
        ### END SOLUTION

    def step(self) -> None:
        """Move every parameter, in place, one step of Adam along its own `.grad`.

        A parameter whose `.grad` is None stays as it is, its averages and its count of steps
        included. No gradient is changed, and nothing is recorded for `backward`.
        """
        ### BEGIN SOLUTION
        with torch.no_grad():
            for i, p in enumerate(self.parameters):
                if p.grad is None:
                    continue
                self.t[i] += 1
                moved, self.m[i], self.v[i] = adam_step(
                    p, p.grad, self.m[i], self.v[i], self.t[i], self.lr, self.betas, self.eps
                )
                p.copy_(moved)
        ### END SOLUTION

    def zero_grad(self) -> None:
        """Set the `.grad` of every parameter to None. Averages and counts stay."""
        ### BEGIN SOLUTION
        for p in self.parameters:
            p.grad = None
        ### END SOLUTION

# %% check="Adam"
check(Adam)

# %% [markdown]
# ## Is it the real one?
#
# Rung 6 asked for equal numbers when code is replaced. So: the network of rung 7, a hundred steps on digits with your `Adam`,
# while the Adam of the library optax gets the same gradients and moves a copy. (optax is made for JAX; both are
# explained right after.) First the digits, split and scaled as in rung 7.

# %%
train_file, test_file = mnist("train"), mnist("test")
SOURCE = train_file.source
FULL = len(train_file.images) > 10_000  # False on the small offline stand-in

order = np.random.default_rng(7).permutation(len(train_file.images))
held_out = len(order) // 12
valid_part, train_part = order[:held_out], order[held_out:]
pixels = train_file.images.reshape(len(order), -1).astype(np.float32) / 255
mean, deviation = pixels[train_part].mean(), pixels[train_part].std()
pixels = (pixels - mean) / deviation
train_x, train_y = pixels[train_part], train_file.labels[train_part]
valid_x, valid_y = pixels[valid_part], train_file.labels[valid_part]
test_x = (
    test_file.images.reshape(len(test_file.images), -1).astype(np.float32) / 255 - mean
) / deviation
test_y = test_file.labels
print(
    f"{SOURCE}: {len(train_x)} to train on, {len(valid_x)} to choose by, {len(test_x)} to report on"
)

# %% [markdown]
# Float32 keeps about seven digits, float64 about sixteen. So watch two curves: the largest difference of any of the 152 650
# parameters, in either precision. Which should stay, and which should shrink, if rounding is the only cause?

# %%
def largest_difference(dtype: torch.dtype, steps: int) -> list[float]:
    """How far own Adam and optax.adam are apart, over all parameters, after each step."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 192), nn.ReLU(), nn.Linear(192, 10)).to(dtype)
    own, library = Adam(model.parameters(), lr=1e-3), optax.adam(1e-3)
    update = jax.jit(library.update)  # compiled: explained below
    theirs = [jnp.asarray(p.detach().numpy().copy()) for p in model.parameters()]
    state, apart, rng = library.init(theirs), [], np.random.default_rng(0)
    for _ in range(steps):
        batch = rng.integers(0, len(train_x), 128)
        loss = F.cross_entropy(
            model(torch.tensor(train_x[batch]).to(dtype)), torch.tensor(train_y[batch])
        )
        own.zero_grad()
        loss.backward()
        gradients = [jnp.asarray(p.grad.numpy().copy()) for p in model.parameters()]
        own.step()
        updates, state = update(gradients, state, theirs)
        theirs = optax.apply_updates(theirs, updates)
        pairs = zip(model.parameters(), theirs, strict=True)
        apart.append(max(float(np.abs(p.detach().numpy() - np.asarray(q)).max()) for p, q in pairs))
    return apart


in_float32 = largest_difference(torch.float32, 100)
with jax.enable_x64(True):
    in_float64 = largest_difference(torch.float64, 100)
plot_curves({"float32": (range(1, 101), in_float32), "float64": (range(1, 101), in_float64)}, "step",
            "largest difference of a parameter", logy=True,
            title="Your Adam and optax.adam differ by rounding alone")
plt.gca().axhline(1e-6, color=COLOURS["grey"], linestyle="--")
plt.show()
print(f"after 100 steps: {in_float32[-1]:.1e} in float32, {in_float64[-1]:.1e} in float64")
print(f"below 1e-6 at every step: {max(in_float32) < 1e-6 and max(in_float64) < 1e-6}")

# %% [markdown]
# The number to match was $10^{-6}$. The second curve is the proof: with twice the digits the difference shrinks by ten
# orders of magnitude. A difference that comes from rounding does that. A mistake would not.
#
# ## JAX: a gradient is a function
#
# torch gives tensors a memory of how they were made, and `backward()` walks it. **JAX** {cite:p}`bradbury2018` does without. You write a
# function of arrays; `jax.grad(f)` *is another function*, the derivative of `f` in its first argument. Nothing is stored
# anywhere, so there is nothing to zero.

# %%
def cube(x: jax.Array) -> jax.Array:
    return x**3


slope = jax.grad(cube)
print(
    "cube(2) =",
    cube(2.0),
    "  its derivative there:",
    slope(2.0),
    "  the second:",
    jax.grad(slope)(2.0),
)
print("both at once:", jax.value_and_grad(cube)(2.0))

# %% [markdown]
# The parameters of a network are many arrays. JAX takes them in any nest of lists, tuples and dictionaries, called a
# **pytree**, and hands back the gradient in *the same nest*. `jax.tree.map(f, tree, …)` applies `f` to every array of a
# pytree, or to corresponding arrays of several. Our network:

# %%
def init_params(widths: list[int], seed: int) -> list[dict[str, jax.Array]]:
    """He initialisation: one {"w": (n_in, n_out), "b": (n_out,)} for each layer."""
    rng = np.random.default_rng(seed)
    return [
        {"w": jnp.asarray(rng.normal(0, math.sqrt(2 / a), (a, c)), jnp.float32), "b": jnp.zeros(c)}
        for a, c in zip(widths[:-1], widths[1:], strict=True)
    ]


def logits(params: list[dict[str, jax.Array]], x: jax.Array) -> jax.Array:
    """The network of rung 5 and 7: ReLU after every layer but the last; (n, d) to (n, classes)."""
    for layer in params[:-1]:
        x = jax.nn.relu(x @ layer["w"] + layer["b"])
    return x @ params[-1]["w"] + params[-1]["b"]


params = init_params([784, 192, 10], seed=0)
print("shapes:", jax.tree.map(lambda leaf: leaf.shape, params))
print("numbers in all:", sum(leaf.size for leaf in jax.tree.leaves(params)))
print("logits of five digits:", logits(params, train_x[:5]).shape)

# %% [markdown]
# Two rules come with the bargain. Functions are **pure**: everything goes in as an argument and comes out as a result. And arrays
# **cannot be changed**: `x[0] = 1` is an error, a new array is made instead. In a function that JAX is to differentiate, write `jnp`
# where you would write `np`: plain numpy, `float(…)` and `.item()` ask for a number, where JAX sends a stand-in that has none.
#
# The loss is rung 4's, the mean over examples of $-\log p_{\text{true class}}$ with $p = \operatorname{softmax}(\text{logits})$. By
# hand: one example, logits $[2, 1, 0]$, true class 1 gives $-\ln 0.245 = 1.41$. With logits in the hundreds `exp` overflows, so use the
# stable form: `jax.nn.log_softmax`, or `optax.softmax_cross_entropy_with_integer_labels`.

# %% exercise="loss_fn"
def loss_fn(params: list[dict[str, jax.Array]], x: jax.Array, y: jax.Array) -> jax.Array:
    """Mean cross-entropy of the network `logits(params, x)`, as a function JAX can differentiate.

    Parameters
    ----------
    params : a list of layers {"w": (n_in, n_out), "b": (n_out,)}, as `init_params` makes them;
        one layer or more
    x : float, shape (n, d)
    y : integers, shape (n,), the true classes
        n is at least 1. Logits may be in the hundreds, and the loss is still right.

    Returns
    -------
    one number (a 0-d array) in nats. Use jnp, not np: `jax.grad` has to follow.
    """
    ### BEGIN SOLUTION
    log_p = jax.nn.log_softmax(logits(params, x))
    return -jnp.mean(log_p[jnp.arange(len(y)), y])
    ### END SOLUTION

# %% check="loss_fn"
check(loss_fn)

# %% [markdown]
# ## optax: an optimiser is two functions
#
# Where does Adam keep $m$, $v$ and $t$, if functions are pure? It hands them to you. An optax optimiser is a
# pair of functions, a **gradient transformation**:
#
# ```python
# state = optimiser.init(params)                                # m = 0, v = 0, t = 0, in the nest of params
# updates, state = optimiser.update(gradients, state, params)   # what to ADD to the parameters
# params = optax.apply_updates(params, updates)                 # params + updates, leaf by leaf
# ```
#
# The sign is in the updates already. So a training step takes parameters and state, and gives back new ones. Like every pure
# function it can be compiled, which is what comes after it.
#
# By hand, with $L = \theta^2$, $\theta = 3$ and `optax.sgd(0.1)`: loss 9, gradient 6, update $-0.6$, new $\theta = 2.4$. The loss that
# goes with it is that of $\theta = 3$, before the step; `jax.value_and_grad` computes it on the way to the gradient, for free.

# %% exercise="train_step"
def train_step(
    loss_fn: Callable[[Any, jax.Array, jax.Array], jax.Array],
    optimiser: optax.GradientTransformation,
    params: Any,
    state: Any,
    x: jax.Array,
    y: jax.Array,
) -> tuple[Any, Any, jax.Array]:
    """Take one training step; a pure function.

    Parameters
    ----------
    loss_fn : loss_fn(params, x, y) gives one number
    optimiser : an optax gradient transformation. Its `update` is called once, with the gradient,
        the state and the params (some need the params).
    params : a pytree of arrays
    state : the optimiser's state before the step
    x, y : the batch

    Returns
    -------
    (params, state, loss): the new parameters, a pytree of the same structure; the new state; the
        loss of this batch before the step, an array as JAX gives it (no float(): under `jax.jit`
        a number is not there yet)
    """
    ### BEGIN SOLUTION
    loss, gradient = jax.value_and_grad(loss_fn)(params, x, y)
    updates, state = optimiser.update(gradient, state, params)
    return optax.apply_updates(params, updates), state, loss
    ### END SOLUTION

# %% check="train_step"
check(train_step)

# %% [markdown]
# ## jit: write down once, compile, repeat
#
# JAX as we have used it is slow: each operation is dispatched from Python. `jax.jit(f)` calls `f` once with
# **tracers**, stand-ins that have a shape but no numbers, writes down every operation that happens to them, and compiles the
# list. From then on your Python is not run any more.
#
# **Predict.** A function prints a word and doubles its argument. Under `jit` it is called with three arrays of shape (3,), then
# one of shape (4,), then one of shape (3,). How often does it print?

# %% predict="python_runs"
commit("python_runs", ..., sure=...)

# %%
python_runs = []


@jax.jit
def talkative(x: jax.Array) -> jax.Array:
    print("   running Python with", x)
    python_runs.append(x.shape)
    return 2 * x


for size in (3, 3, 3, 4, 3):
    print(f"calling with shape ({size},)")
    talkative(jnp.ones(size))

# %% outcome="python_runs"
outcome("python_runs", len(python_runs))

# %% [markdown]
# Twice: once for each shape. This is also why a tracer cannot be asked `if loss > 1`: there is no number in it yet. And what
# does compiling buy?

# %%
optimiser = optax.adam(1e-3)
compiled_step = jax.jit(partial(train_step, loss_fn, optimiser))
batch_x, batch_y = train_x[:128], train_y[:128]


def milliseconds(step: Callable[..., Any], repeats: int) -> float:
    """The median time of one training step."""
    now, state, times = params, optimiser.init(params), []
    for _ in range(repeats):
        started = time.perf_counter()
        now, state, loss = step(now, state, batch_x, batch_y)
        loss.block_until_ready()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times))


started = time.perf_counter()
jax.block_until_ready(compiled_step(params, optimiser.init(params), batch_x, batch_y))
print(f"the first call, with compiling: {1000 * (time.perf_counter() - started):.0f} ms")
print(
    f"a step, dispatched from Python: {milliseconds(partial(train_step, loss_fn, optimiser), 10):.1f} ms"
)
print(f"a step, compiled              : {milliseconds(compiled_step, 30):.1f} ms")

# %% [markdown]
# The times are this machine's; run the cell again and they move. (JAX returns before the work is done, so a clock has to wait
# for it, with `block_until_ready`.)
#
# ## Chains, and the decay that is not L2
#
# Gradient transformations compose: `optax.chain(a, b, c)` sends the gradient through `a`, then `b`, then `c`, and what comes out
# of the last one is added to the parameters. `optax.adam(η)` is itself
# `chain(scale_by_adam(), scale_by_learning_rate(η))`: the ratio $\hat m/(\sqrt{\hat v}+\varepsilon)$, then times $-\eta$. So you can put
# things in between. In a chain, the order is the meaning.
#
# **Clipping.** One bad batch can have an enormous gradient. `clip_by_global_norm(c)` shrinks it so that its length, over *all* parameters
# together, is at most $c$; the direction stays.
#
# **Weight decay.** Pulling all weights gently towards 0 is the oldest regulariser. Added to the loss as $\tfrac12\lambda\theta^2$ (here
# $\lambda$ is its strength, and no longer a curvature) it adds
# $\lambda\theta$ to the gradient: **L2 regularisation**. For gradient descent that multiplies every weight by $1 - \eta\lambda$ at each step.
# For Adam it is not: $\lambda\theta$ goes through the averages and is divided by $\sqrt{\hat v}$, so that weights with large gradients
# hardly decay. {cite:t}`loshchilov2019` moved one term. In **AdamW** the decay is **decoupled**, added *after* the division:
#
# $$ \theta \leftarrow \theta - \eta \left( \frac{\hat m}{\sqrt{\hat v} + \varepsilon} + \lambda\, \theta \right). $$
#
# This is the form that torch and optax have. In the paper a schedule scales both terms, and Adam's own rate only the first.
#
# By hand, the first step: parameters $(2, -2)$, gradient $(3, 4)$, $c = 1$, $\lambda = 0.1$, $\eta = 0.01$. The gradient has length 5, clipped
# it is $(0.6, 0.8)$. Adam's ratio is $(1, 1)$. The decay adds $(0.2, -0.2)$: $(1.2, 0.8)$. The update is $(-0.012, -0.008)$.

# %% exercise="clipped_adamw"
def clipped_adamw(
    learning_rate: float, weight_decay: float, max_norm: float
) -> optax.GradientTransformation:
    """AdamW with gradient clipping, for parameters in any pytree.

    In this order: the gradient, as a whole, is scaled down to the length `max_norm` if it is
    longer; Adam's ratio is taken of it, with the usual (0.9, 0.999) and 1e-8; `weight_decay` times
    the parameters is added; all is multiplied by −learning_rate.

    Useful parts: optax.chain, optax.clip_by_global_norm, optax.scale_by_adam,
    optax.add_decayed_weights, optax.scale_by_learning_rate (or optax.scale), optax.adamw.

    Returns
    -------
    an optax gradient transformation, whose updates are meant to be added to the parameters
    """
    ### BEGIN SOLUTION
    return optax.chain(
        optax.clip_by_global_norm(max_norm),
        optax.scale_by_adam(),
        optax.add_decayed_weights(weight_decay),
        optax.scale_by_learning_rate(learning_rate),
    )
    ### END SOLUTION

# %% check="clipped_adamw"
check(clipped_adamw)

# %% [markdown]
# **Predict.** Two weights are at 1. The first has gradients that alternate between $+10$ and $-10$, the second between $+0.1$ and
# $-0.1$: neither is asked to go anywhere. There are 2 000 steps with $\eta = 0.001$ and a decay of $0.1$. AdamW multiplies both by
# $1 - \eta\lambda$ at each step, which leaves about $0.82$. Where is the second weight under Adam with the same decay added to the gradient?

# %% predict="coupled_quiet_weight"
commit("coupled_quiet_weight", ..., sure=...)

# %%
sizes = jnp.asarray([10.0, 0.1])
recipes = {
    "decoupled (AdamW)": optax.adamw(1e-3, weight_decay=0.1),
    "coupled (L2 in the gradient)": optax.chain(optax.add_decayed_weights(0.1), optax.adam(1e-3)),
}
for name, recipe in recipes.items():
    weights, state = jnp.ones(2), recipe.init(jnp.ones(2))
    advance = jax.jit(recipe.update)
    for t in range(2000):
        updates, state = advance((-1) ** t * sizes, state, weights)
        weights = weights + updates
    print(f"{name:>29}: {weights[0]:.3f} with large gradients, {weights[1]:.3f} with small ones")
quiet_weight = float(weights[1])  # of the last recipe, the coupled one

# %% outcome="coupled_quiet_weight"
outcome("coupled_quiet_weight", round(quiet_weight, 3))

# %% [markdown]
# Decoupled, both shrink by the same factor. Coupled, the decay of the quiet weight is blown up by its small
# $\sqrt{\hat v}$, while the noisy one hardly decays. If a recipe says "weight decay 0.1", ask which of the two.

# %% recall="weight_decay"
recall("weight_decay")

# %% [markdown]
# ## A race that means something
#
# Which is better: gradient descent, momentum or Adam? The question has no answer until you say *at which learning rate*. The best rates
# of two optimisers may lie a factor of a hundred apart, so comparing them at the same rate, or at somebody's default, compares nothing.
# Each is tuned by itself, with the same effort, on the validation set, over several seeds, and then the best are compared. This is a
# **sweep**, and it is the last piece you write.
#
# There are three traps. First, a run may **diverge**, and its loss is then `nan` or `inf`. A rate at which one seed in three diverges is a bad rate: its mean must
# not be that of the survivors. And `np.argmin` thinks that `nan` is the smallest number there is. Second, the **same seeds** at every rate: then
# the rates differ in nothing but the rate. Third, the best rate is the one with the best *mean*; the best single run was lucky as well.
#
# By hand: rates 0.1 and 1.0, seeds 0 and 1, losses $[[0.5, 0.3], [0.2, \text{nan}]]$. Means: $0.4$ and $\infty$. Best: 0.1. The standard
# deviation of $0.5, 0.3$, with $n - 1$, is $0.141$, so the standard error of the mean is $0.141/\sqrt 2 = 0.1$.

# %% exercise="sweep"
def sweep(
    measure: Callable[[float, int], float], learning_rates: list[float], seeds: list[int]
) -> dict[str, Any]:
    """Measure every learning rate with every seed, and choose the rate with the lowest mean loss.

    Parameters
    ----------
    measure : measure(learning_rate, seed) trains once and returns the validation loss. It is called
        exactly once for each pair. The loss of a run that diverged is nan or inf.
    learning_rates : R of them, in increasing order
    seeds : S of them, at least 2

    Returns
    -------
    {"losses": shape (R, S), row = learning rate, column = seed; inf where a run diverged,
     "mean": shape (R,), over the seeds; inf where any seed diverged,
     "error": shape (R,), the standard error of that mean: the standard deviation over the seeds
         (dividing by S − 1) over √S; inf where any seed diverged,
     "best": the learning rate with the lowest mean (itself, not its place); of equal ones the
         smallest. At least one rate has no diverged run.}
    The arrays may be numpy arrays or lists.
    """
    ### BEGIN SOLUTION
    losses = np.array([[float(measure(rate, seed)) for seed in seeds] for rate in learning_rates])
    losses[~np.isfinite(losses)] = np.inf
    whole = np.isfinite(losses).all(axis=1)
    mean = losses.mean(axis=1)
    error = np.full(len(losses), np.inf)
    error[whole] = losses[whole].std(axis=1, ddof=1) / np.sqrt(len(seeds))
    best = learning_rates[int(np.argmin(mean))]
    return {"losses": losses, "mean": mean, "error": error, "best": best}
    ### END SOLUTION

# %% check="sweep"
check(sweep)

# %% [markdown]
# Each run trains the network of rung 7 (784 → 192 → 10) with batches of 128 for a short while, about half an epoch; then the validation loss is
# taken. `make(rate)` sits *inside* the jitted function, so that the rate is one more number that goes in: each optimiser is compiled once and serves all its rates.

# %%
@partial(jax.jit, static_argnums=0)
def step_at(make: Callable[..., Any], rate: float, params: Any, state: Any, x: Any, y: Any) -> Any:
    """One step of make(rate); recompiled for another `make`, not for another rate."""
    return train_step(loss_fn, make(rate), params, state, x, y)


def run(make: Callable[..., Any], rate: float, seed: int, steps: int) -> tuple[Any, list[float]]:
    """Train from scratch; the final parameters and the minibatch loss before every step."""
    params, rng, losses = init_params([784, 192, 10], seed), np.random.default_rng(seed), []
    state, waiting = make(rate).init(params), np.zeros(0, dtype=np.int64)
    for _ in range(steps):
        if len(waiting) < 128:  # a new epoch, in a new order
            waiting = np.concatenate([waiting, rng.permutation(len(train_x))])
        batch, waiting = waiting[:128], waiting[128:]
        params, state, loss = step_at(make, rate, params, state, train_x[batch], train_y[batch])
        losses.append(loss)
    return params, [float(loss) for loss in losses]


loss_of = jax.jit(loss_fn)


def momentum_09(rate: float) -> optax.GradientTransformation:
    """Gradient descent with momentum 0.9."""
    return optax.sgd(rate, momentum=0.9)


families = {
    "gradient descent": (optax.sgd, [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]),
    "momentum": (momentum_09, [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]),
    "Adam": (optax.adam, [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03]),
}
SEEDS, STEPS = [0, 1, 2], 200

# %% [markdown]
# **Predict.** You will see three curves of validation loss against the learning rate, both axes logarithmic. Each has a lowest point. How far
# apart in height are the three lowest points? (And while the sweeps run: momentum 0.9 multiplies a steady gradient by ten. What does that say about its
# best rate? Whose curve is the widest, that is, who forgives a bad guess?)

# %% predict="gap_of_the_best"
commit("gap_of_the_best", ..., sure=...)

# %%
def validation_loss(make: Callable[..., Any], steps: int, rate: float, seed: int) -> float:
    """Train once and measure on the validation set."""
    return float(loss_of(run(make, rate, seed, steps)[0], valid_x, valid_y))


results = {}


def sweep_family(name: str) -> None:
    """Sweep the rates of one optimiser, and print the mean loss at each."""
    make, rates = families[name]
    results[name] = sweep(partial(validation_loss, make, STEPS), rates, SEEDS)
    print(f"{name:>16}: " + "  ".join(f"{rate:g} → {loss:.3f}" for rate, loss in zip(rates, results[name]["mean"], strict=True)))


sweep_family("gradient descent")

# %%
sweep_family("momentum")

# %%
sweep_family("Adam")

# %%
fig, ax = plt.subplots(figsize=(8, 4.6))
for (name, (_, rates)), colour in zip(families.items(), ("blue", "orange", "green"), strict=True):
    found = results[name]
    seen = np.isfinite(found["mean"])
    ax.errorbar(np.array(rates)[seen], found["mean"][seen], found["error"][seen], fmt="o-",
                color=COLOURS[colour], capsize=3)
    ax.annotate(name, (rates[0], found["mean"][0]), xytext=(0, 10), ha="center",
                textcoords="offset points", color=COLOURS[colour], fontweight="bold")
ax.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="validation loss (nats)",
       title=titled(f"After {STEPS} steps: each optimiser has a valley of its own", SOURCE))
ax.set_ylim(bottom=0.75 * min(found["mean"].min() for found in results.values()), top=3.5)
ax.set_yticks([0.2, 0.3, 0.5, 1, 2, 3], ["0.2", "0.3", "0.5", "1", "2", "3"])
ax.minorticks_off()
plt.show()
for name, (_, rates) in families.items():
    found = results[name]
    place = rates.index(found["best"])
    print(f"{name:>16}: best rate {found['best']:<6g} loss {found['mean'][place]:.3f} ± {found['error'][place]:.3f},"
          f" worst {found['mean'].max():.2f}, at its largest rate {rates[-1]:<5g} {found['mean'][-1]:.2f}")
plain, heavy = results["gradient descent"]["mean"], results["momentum"]["mean"]
print("gradient descent at 0.01, 0.03, 0.1:", "  ".join(f"{loss:.3f}" for loss in plain[:3]))
print("momentum at 0.001, 0.003, 0.01     :", "  ".join(f"{loss:.3f}" for loss in heavy[:3]))
lowest = [float(np.min(found["mean"])) for found in results.values()]

# %% outcome="gap_of_the_best"
outcome("gap_of_the_best", round(100 * (max(lowest) / min(lowest) - 1), 1))

# %% [markdown]
# Read the picture. Each curve falls, has a floor, and rises: too slow on the left, unstable on the right. On its left flank momentum is gradient
# descent moved a factor of ten to the left, as $1/(1-m)$ promised; compare the last two lines. Adam's valley lies further left
# again, because its rate is a distance and not a multiple of the gradient. The right flanks differ most: at the largest rate of each, gradient
# descent has learned nothing, while Adam, whose steps cannot be much longer than $\eta$, has only become worse. Adam's curve is also the
# widest: each sweep spans a factor of 300, and over the whole of its own Adam's loss stays below 0.5.
#
# And the lowest points? They are nearly level, and the error bars say how far to trust the difference. On this problem, standardised and only two layers deep, a
# well-tuned gradient descent does about as well as Adam. What Adam buys is that its tuning transfers: the size of the gradients has dropped out, so a rate
# near 0.001 is a fair first guess for very different networks. {cite:t}`choi2019` show how published comparisons turn round with the amount of
# tuning. When you read that one optimiser beats another, ask how each got its learning rate.
#
# The choice is made. Now longer runs with new seeds, and the test set, once:

# %%
EPOCHS, FRESH = (2, [10, 11, 12]) if FULL else (30, [10, 11, 12])
count = EPOCHS * len(train_x) // 128
accuracy_of = jax.jit(lambda params, x, y: jnp.mean(logits(params, x).argmax(axis=1) == y))
curves = {}


def train_at_best(name: str) -> None:
    """Train at the best rate of one optimiser, with each of the fresh seeds."""
    make, accuracies = families[name][0], []
    for seed in FRESH:
        trained, losses = run(make, results[name]["best"], seed, count)
        accuracies.append(float(accuracy_of(trained, test_x, test_y)))
    curves[name] = np.convolve(losses, np.ones(50) / 50, mode="valid")
    print(f"{name:>16} at {results[name]['best']:<6g}: test accuracy {np.mean(accuracies):.2%}"
          f" ± {np.std(accuracies, ddof=1):.2%} (standard deviation over {len(FRESH)} seeds)")


train_at_best("gradient descent")

# %%
train_at_best("momentum")

# %%
train_at_best("Adam")
plot_curves(curves, "step", "training loss (nats), mean of 50 steps", logy=True,
            title=titled(f"{EPOCHS} epochs at each optimiser's best rate: a draw", SOURCE))
plt.yticks([0.1, 0.2, 0.3, 0.5], ["0.1", "0.2", "0.3", "0.5"])
plt.minorticks_off()
plt.show()

# %% [markdown]
# Compare the differences with the spread over the seeds before you believe in any of them. One caution belongs here: the rates were chosen for
# runs of 200 steps, and a longer run would often rather have a smaller one, at least towards its end. Later rungs let the rate
# fall as training goes on.
#
# :::{note}
# Where it comes from: {cite:t}`polyak1964` found the heavy ball for quadratic bowls. Dividing by a running size of the gradient spread in the early
# 2010s through a slide of Geoffrey Hinton's lectures (RMSprop) that was never a paper. {cite:t}`kingma2015` put the two together and added
# the bias correction. It became one of the most cited papers of all, and in 2018 its convergence proof turned out to be wrong; nobody stopped using it.
# :::
#
# ## Your Adam goes on
#
# Later rungs train with the `Adam` that you wrote on this page. They fetch it with these two lines, which you will meet in
# [rung 9](09_convnet.ipynb):
#
# ```python
# from descent import mine
# Adam = mine("ladder/08", "Adam", otherwise=torch.optim.Adam)
# ```
#
# `mine` looks into your copy of this notebook, puts your class through its check once more, and prints which one you got: yours, or
# `torch.optim.Adam` with the reason, if yours is not there yet or does not pass. So you are never stuck, and when you come back and
# finish this exercise, the later rungs use it without a change.
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# **Spoil the units.** Multiply every pixel by a random factor of its own between 0.01 and 1, the same in all three sets, and sweep again.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# Three curves over at least three seeds, with rates far enough to both sides that every minimum lies inside. How much each optimiser lost, and
# why Adam loses less: which of its parameters does the factor rescale, and which correlations does it leave?
# :::
#
# **Years into seconds.** Give Adam the raw features of rung 3.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The steps to come within 0.01 of least squares, beside gradient descent's, and the remark that the bias and the supply (5 000 ± 40 mV) are
# almost the same feature. That is a correlation, so Adam is better and still slow. Centring cures it.
# :::
#
# **All runs at once.** `jax.vmap` turns a function of one seed into a function of an array of seeds. Train all three seeds in one call.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A `step` that is mapped over params, state and batch, the same losses as before to rounding, and the time of one call against three. The
# same for the learning rates, which are numbers too.
# :::
#
# **Sign descent.** Set both betas to 0. What is Adam then?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# $\theta \leftarrow \theta - \eta \cdot \operatorname{sign}(g)$, but for $\varepsilon$. Its path in the bowl, which cannot settle, and a sweep that shows how much of Adam's
# success it already has.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="loss_times_hundred"
write("loss_times_hundred", """
""")

# %% write="equal_rates"
write("equal_rates", """
""")

# %% write="state_in_a_global"
write("state_in_a_global", """
""")

# %% [markdown]
# Next, [rung 9](09_convnet.ipynb): the same digits, and a network that knows which pixels are neighbours.
