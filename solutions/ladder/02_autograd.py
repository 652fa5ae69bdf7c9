# ---
# title: Slopes by machine
# subtitle: The same line in tensors, with the gradient worked out by torch as it goes
# part: ladder
# hours: 2
# needs: [ladder/01_scalar_regression]
# teaches: [tensors, dtypes, computation graph, chain rule backwards, backward, accumulating gradients, no_grad, detach and item, live training plot]
# builds: tensors from arrays, a derivative of any function, the loss in tensors, its gradient by backward, zeroing, the step in place, the training loop with a live plot
# number: the same trajectory as rung 1 from the same seed, to 0.00001
# data: synthetic
# run: null
# readings:
#   - {key: nielsen2015, where: "chapter 2, 'How the backpropagation algorithm works', the four equations and what they say", skip: "the proofs, until you have built rung 5"}
#   - {key: baydin2018, where: "sections 2 and 3.2: what automatic differentiation is not, and reverse mode on one small example", skip: "forward mode and the survey of applications"}
#   - {key: paszke2019, where: "section 4.3, 'Automatic differentiation', half a page by those who wrote it", skip: "the benchmarks"}
#   - {key: zhang2023, where: "section 2.5, 'Automatic Differentiation', for more small examples to run", skip: "nothing; it is short"}
# sections:
#   - {id: target, heading: "What we have to match", for: "a known result, step by step, is the measure for every rewrite of the loop", needs: [ladder/01#loop]}
#   - {id: tensors, heading: "Tensors", for: "data, weights and results are tensors from here to the last rung, and their digits decide what can be compared", needs: []}
#   - {id: graph, heading: "Torch takes notes", for: "every network is such a graph, and its size is what fills a GPU", needs: [tensors]}
#   - {id: backward, heading: "Backwards", for: "backpropagation trains every network of the course; you will not have to work out its gradients again", needs: [graph, ladder/01#slope]}
#   - {id: loss, heading: "The loss in tensors", for: "a loss written in tensors is all that torch needs to find the slopes", needs: [graph, ladder/01#squared_error]}
#   - {id: accumulation, heading: "The first habit: slopes add up", for: "large models train on batches that do not fit into memory by going backwards in pieces", needs: [backward, loss]}
#   - {id: no_grad, heading: "The second habit: everything is noted", for: "steps, evaluations and copied weights all have to be kept out of the graph", needs: [accumulation, ladder/01#step]}
#   - {id: kept_graph, heading: "The third habit: notes are kept as long as you keep the result", for: "it is the first place to look when a long run fills the memory", needs: [backward, loss]}
#   - {id: loop, heading: "The whole loop", for: "it is the training loop of torch, in which only the loss changes from here on", needs: [no_grad, kept_graph, ladder/01#minibatches]}
#   - {id: same_path, heading: "The same path?", for: "rung 6 and the later rewrites are proved right by the same comparison", needs: [target, loop]}
#   - {id: live_plot, heading: "A plot that draws itself", for: "long runs are watched, and stopped early, with this plot", needs: [loop, ladder/01#batch_size]}
# recall:
#   - {id: stuck_counter, section: tensors, transfer: true, q: "A program adds 1 to a float32 number for each of 20 million examples. Which number does it show at the end?", a: "16 777 216, which is $2^{24}$. The next number that float32 can hold is 2 further, so each further 1 is rounded away."}
#   - {id: which_way, section: backward, transfer: false, q: "Which way does the chain rule run in `backward()`, and why that way?", a: "From the loss to the leaves. One pass gives the slopes of one output with respect to all inputs, however many there are."}
#   - {id: two_roads, section: backward, transfer: true, q: "The function $w \\cdot w + 3w$ is recorded at $w = 2$. Which contributions arrive at `w.grad`, and what is in it?", a: "Each factor of $w \\cdot w$ is a road with local slope 2, and $3w$ is one with slope 3. They add: $2 + 2 + 3 = 7$."}
#   - {id: nudge_too_small, section: backward, transfer: true, q: "Somebody checks a gradient in float32 with a nudge of $10^{-9}$ at $w = 1$, and measures a slope of exactly 0. Is `backward()` wrong?", a: "No. Near 1 float32 has steps of about $10^{-7}$, so $w + h$ and $w - h$ are the same number. Check in float64, with a larger nudge."}
#   - {id: what_backward_does, section: accumulation, transfer: false, q: "What does `backward()` compute, and where does it put it?", a: "The derivative of the tensor it is called on, with respect to every leaf that requires a gradient. It adds it to that leaf's `.grad`."}
#   - {id: two_half_batches, section: accumulation, transfer: true, q: "A batch of 100 does not fit. You go backwards from the mean loss of each half, one after the other, without clearing. How does `.grad` compare with that of the whole batch?", a: "It is twice as large: a sum of two means. Divide each loss by 2 before you go backwards."}
#   - {id: step_not_noted, section: no_grad, transfer: false, q: "Why is the update written under `torch.no_grad()`?", a: "The update is no part of the loss. Recorded, it is refused on a leaf; as `w = w - …`, it makes `w` a computed tensor whose `.grad` stays `None`."}
#   - {id: item_or_detach, section: kept_graph, transfer: false, q: "What is the difference between `loss.item()` and `loss.detach()`?", a: "`item()` gives a Python number; `detach()` a tensor with the same memory and no graph. Keep either rather than the loss itself, which keeps its graph alive."}
#   - {id: growing_memory, section: kept_graph, transfer: true, q: "An evaluation does `total += loss` for 500 batches, each with a graph of 8 MB, and never goes backwards. How much memory is held at the end? What do you change?", a: "All of it: 500 · 8 MB = 4 GB. `total` is made of every loss and keeps their graphs. Write `loss.item()`, or evaluate under `torch.no_grad()`."}
# predictions:
#   - {id: best_nudge, ask: "In float64: at which $h$, between $10^{-14}$ and 0.1, is the mean error of the central difference smallest?", factor: 12, because: "The error of the formula falls with $h^2$, that of rounding grows as $1/h$. The two meet near $10^{-5}$ or $10^{-6}$."}
#   - {id: never_cleared, ask: "What does the loss of the loop that never clears do, over 600 steps?", choices: ["arrives, sooner than the right one", "swings without end", "grows without end", "does not move"], because: "The step is the sum of all slopes so far, a velocity. This is a ball in a bowl without friction: it runs through the bottom and up the other side."}
#   - {id: kept_bytes, ask: "How much does one loss on all 20 000 readings keep for the way back, the inputs left out?", unit: "bytes", factor: 1.9, because: "Only the square needs a number from the way forward: the errors, 20 000 of eight bytes. Sums need nothing, and $w \\cdot x$ needs inputs that are there anyway."}
#   - {id: path_gap, ask: "How far apart are the two loss curves at most, over the thousand steps in float64?", choices: ["exactly 0", "about 1e-15", "about 1e-6"], because: "torch adds up a mean in another order than numpy, and rounding depends on the order. So the last bits of a float64 differ, and nothing more."}
# written:
#   - {id: the_missing_line, ask: "Your friend's loss goes down and up again, evenly, for ever. Which line is missing, and what has their program become?", rubric: ["names the clearing of `.grad`", "says that the step is then the sum of all slopes: a velocity without friction, a pendulum", "gives a test, such as printing `w.grad` at one point twice"], answer: "The clearing of `.grad`. The step is the sum of all slopes, a velocity without friction: a pendulum. Test: print `w.grad` at one point twice."}
#   - {id: formula_or_nudge, ask: "\"Autograd finds the formula of the derivative.\" \"No, it nudges very cleverly.\" Settle it.", rubric: ["says that it is neither", "says that it keeps the operations that were run and the numbers that went through, and multiplies local slopes backwards", "against the formula: loops and branches", "against the nudge: it has no $h$, and no error that depends on one"], answer: "Neither. It keeps the operations that were run and the numbers that went through, and multiplies local slopes backwards. It is no formula, as loops and branches show. It is no nudge: it has no $h$, and no error that depends on one, as the V does."}
#   - {id: an_hour_then_no_memory, ask: "A training program works for an hour and then runs out of memory. Where do you look first?", rubric: ["looks for something that grows with the steps and holds on to a graph", "names a list of losses, or a running mean, without `.item()`", "names an evaluation without `no_grad`, or an update that became part of the graph"], answer: "For something that grows with the steps and holds on to a graph. That may be a list of losses without `.item()`, or a running mean of tensors. It may be an evaluation without `no_grad`, or an update that became part of the graph."}
# ---

# %% [markdown]
# # Slopes by machine
#
# Rung 1 cost you a page of calculus for two parameters. On this page you delete it. You will write down the
# loss, and only the loss; torch watches the arithmetic, and on the word `backward()` hands you every slope.
# Then you put it to the test: from the same seed, the new loop must walk the path of the old one, step by step,
# and the two may differ by no more than 0.00001.
#
# There is a price. The machine has three habits that look like faults until you know the reason, and each of
# them has cost every person who trains networks an afternoon. One of them spoils a training run without an
# error message. We will build that one on purpose, look at it, and then repair it.
#
# **You need** [rung 1](01_scalar_regression.ipynb): its loss, its gradient, its loop. **You will have** the
# same loop without a formula for the gradient, a picture of what happens inside `backward()`, and a plot that
# draws itself while training runs. **It takes** about two hours.

# %% tags=["setup"]
import math
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from descent import chapter, check, commit, hint, outcome, progress, recall, write
from descent.figures import COLOURS, LivePlot, plot_curves, use_style

chapter("ladder/02_autograd")
use_style()

# %% [markdown]
# ## What we have to match
#
# The same sensor: voltages $x$, pressures $y$, the same seed. And rung 1's loop in one cell, written compactly,
# with the gradient by hand. It is the standard that this page is measured by.

# %%
TRUE_W, TRUE_B, SIGMA = 1.5, 2.0, 0.3  # bar per volt, bar, bar

data_rng = np.random.default_rng(2024)
x = data_rng.uniform(-1.0, 3.0, size=20_000)  # volts, shape (20000,)
y = TRUE_W * x + TRUE_B + data_rng.normal(0.0, SIGMA, size=x.shape)  # bar, shape (20000,)


def minibatches(n: int, batch_size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Rung 1's batches of indices: one epoch, in a random order taken from `rng`."""
    order = rng.permutation(n)
    return [order[start : start + batch_size] for start in range(0, n, batch_size)]


def train_by_hand(x, y, learning_rate, batch_size, epochs, rng):
    """Rung 1's training loop: returns w, b and the loss before every step."""
    w, b, losses = 0.0, 0.0, []
    for _ in range(epochs):
        for batch in minibatches(len(x), batch_size, rng):
            error = w * x[batch] + b - y[batch]
            losses.append(float(np.mean(error**2)))
            dw, db = 2 * np.mean(error * x[batch]), 2 * np.mean(error)  # the calculus
            w, b = w - learning_rate * dw, b - learning_rate * db
    return float(w), float(b), losses


hand_w, hand_b, hand_losses = train_by_hand(x, y, 0.01, 100, 5, np.random.default_rng(0))
print(f"by hand: w = {hand_w:.4f} bar/V, b = {hand_b:.4f} bar, {len(hand_losses)} steps")

# %% [markdown]
# ## Tensors
#
# A **tensor** is torch's array. It holds numbers of one kind in a shape, and the arithmetic looks like numpy's.
# It can do two things that an array cannot: remember how it was computed, which is this page, and live on a
# GPU, which is a later one.
#
# The kind of number is the **dtype**. Two matter to us. `float64` uses 64 bits and holds about 16 decimal
# digits; it is what numpy takes unless told otherwise. `float32` holds about 7, takes half the memory, and is
# what torch takes unless told otherwise. See what the digits are worth:

# %%
for dtype in (torch.float64, torch.float32):
    third = torch.tensor(1.0, dtype=dtype) / 3
    big = torch.tensor(16_777_216.0, dtype=dtype)
    print(f"{dtype}:  1/3 = {third.item():.20f}   16 777 216 + 1 = {(big + 1).item():.0f}")
print("torch makes of 0.1:", torch.tensor(0.1).dtype, "  of np.array(0.1):",
      torch.tensor(np.array(0.1)).dtype)

# %% [markdown]
# In float32 the third is wrong from the eighth digit on, and counting by ones stops at $2^{24}$: the next
# number it can hold is 2 further. For training this is rarely a trouble, as minibatches are noisier than that
# by far. It is one when you compare two programs digit by digit. So on this page everything is float64, and we
# shall measure what float32 would have done.
#
# `torch.tensor(array, dtype=…)` copies an array into a tensor. There is also `torch.from_numpy(array)`, which
# does not copy: array and tensor then look at the same memory, and writing into one changes the other. That is
# fast, and it surprises people. Here we want copies.

# %% exercise="to_tensors"
def to_tensors(
    x: np.ndarray, y: np.ndarray, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor]:
    """Copy inputs and targets into tensors.

    Parameters
    ----------
    x, y : numpy arrays of shape (n,) each, of floats or whole numbers
    dtype : the dtype that both tensors are to have, whatever the arrays have

    Returns
    -------
    (inputs, targets): tensors of shape (n,) each, holding the numbers of x and of y. They are
        copies: writing into them leaves x and y as they are. They do not require a gradient.
    """
    ### BEGIN SOLUTION
    return torch.tensor(x, dtype=dtype), torch.tensor(y, dtype=dtype)
    ### END SOLUTION


# %% check="to_tensors"
check(to_tensors)

# %% recall="tensors"
recall("tensors")

# %% [markdown]
# ## Torch takes notes
#
# Give a tensor `requires_grad=True`, and torch notes down every operation that it takes part in. The notes form
# a **graph**: each result points to the operation that made it, and that to the tensors that went in. Tensors
# that nobody computed, such as our parameters, are its **leaves**.
#
# The smallest case: one example, $x = 3$ and $y = 6$, and the line $w = 1$, $b = 0$. The arithmetic from the
# parameters to the loss has four operations.

# %%
def one_example(w: float, b: float, x: float, y: float) -> dict[str, Tensor]:
    """Every number on the way from the parameters to the squared error of one example."""
    steps = {name: torch.tensor(value, dtype=torch.float64)
             for name, value in {"w": w, "x": x, "b": b, "y": y}.items()}
    steps["w"].requires_grad_()
    steps["b"].requires_grad_()
    steps["w·x"] = steps["w"] * steps["x"]
    steps["p = w·x + b"] = steps["w·x"] + steps["b"]
    steps["e = p − y"] = steps["p = w·x + b"] - steps["y"]
    steps["L = e²"] = steps["e = p − y"] ** 2
    return steps


steps = one_example(w=1.0, b=0.0, x=3.0, y=6.0)
for name, tensor in steps.items():
    noted = type(tensor.grad_fn).__name__ if tensor.grad_fn else "-"
    print(f"{name:12} = {tensor.item():5.1f}   requires_grad {tensor.requires_grad!s:5}   "
          f"made by {noted}")

# %% [markdown]
# The data $x$ and $y$ require nothing. Whatever is computed from $w$ or $b$ does, without being asked, and it
# has a `grad_fn`: the note of the operation that made it. Following the notes gives this picture.

# %%
PLACES = {"w": (0, 2), "x": (0, 1), "b": (1.15, 1), "y": (2.45, 1), "w·x": (1.15, 2),
          "p = w·x + b": (2.45, 2), "e = p − y": (3.75, 2), "L = e²": (5.05, 2)}
ARROWS = [("w", "w·x"), ("x", "w·x"), ("w·x", "p = w·x + b"), ("b", "p = w·x + b"),
          ("p = w·x + b", "e = p − y"), ("y", "e = p − y"), ("e = p − y", "L = e²")]


def draw_graph(
    steps: dict[str, Tensor], title: str, local: dict[tuple[str, str], float] | None = None
) -> None:
    """Draw the graph of `one_example`; with `local` slopes of the arrows, the way back too."""
    fig, ax = plt.subplots(figsize=(9.5, 2.9))
    ax.set(xlim=(-0.4, 5.5), ylim=(0.35, 2.65), title=title)
    ax.axis("off")
    boxes = {}
    for name, (across, up) in PLACES.items():
        tensor = steps[name]
        leaf = tensor.requires_grad and tensor.is_leaf
        edge = COLOURS["blue"] if leaf else COLOURS["ink" if tensor.requires_grad else "grey"]
        boxes[name] = ax.text(
            across, up, f"{name}\n{in_figures(tensor.item())}", ha="center", va="center",
            bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": edge,
                  "linewidth": 2.4 if leaf else 1.2})
        if local and tensor.requires_grad:
            ax.text(across, up + (0.42 if up == 2 else -0.42),
                    f"slope {in_figures(tensor.grad.item())}", ha="center",
                    va="bottom" if up == 2 else "top", color=COLOURS["red"], fontweight="bold")
    fig.canvas.draw()  # places the boxes, where the arrows are to end
    for start, end in ARROWS:
        ax.annotate("", PLACES[end], PLACES[start],
                    arrowprops={"arrowstyle": "-|>", "color": COLOURS["grey"], "linewidth": 1.5,
                                "patchA": boxes[start].get_bbox_patch(), "shrinkA": 3,
                                "patchB": boxes[end].get_bbox_patch(), "shrinkB": 3})
    for (start, end), slope in (local or {}).items():
        (left, low), (right, high) = PLACES[start], PLACES[end]
        shift = 0.05 if low != high else 0.0
        ax.text((left + right) / 2 + shift, (low + high) / 2 - 0.1, f"× {in_figures(slope)}",
                ha="left" if shift else "center", va="top", color=COLOURS["red"])
    plt.show()


def in_figures(number: float) -> str:
    """The number with a proper minus sign."""
    return f"{number:g}".replace("-", "−")


draw_graph(steps, "What torch notes down: four operations from the parameters to the loss")

# %% [markdown]
# Blue frames are leaves that require a gradient, grey ones are data, dark ones were computed. The graph is made
# afresh each time the arithmetic runs, by running it. So loops and `if`s need no special treatment: what is noted is what happened.
#
# ## Backwards
#
# We want to know how much $L$ changes when $w$ is nudged. The chain rule says: multiply the slopes of the
# operations on the way. Each operation's own slope, its **local slope**, is schoolwork, and needs only the
# numbers that went through it:
#
# | operation | local slopes | here |
# |---|---|---|
# | $L = e^2$ | $\partial L/\partial e = 2e$ | $-6$ |
# | $e = p - y$ | $\partial e/\partial p = 1$ | $1$ |
# | $p = wx + b$, the sum | $1$ for each side | $1$ and $1$ |
# | $w \cdot x$ | $\partial (wx)/\partial w = x$ | $3$ |
#
# Now start at the loss, whose slope with respect to itself is 1, and walk against the arrows, multiplying as
# you go. At $e$: $1 \cdot (-6) = -6$. At $p$: $-6 \cdot 1 = -6$. At $b$: $-6$, and there is the first answer.
# At $w \cdot x$: $-6$. At $w$: $-6 \cdot 3 = -18$, the second. Rung 1's formulas agree: $2 e x = 2 \cdot (-3)
# \cdot 3 = -18$ and $2e = -6$.
#
# That walk is `backward()`. Each arrow is walked once, and the slope at $p$ is worked out once although both
# $w$ and $b$ need it. This is why the walk goes backwards: one pass gives the slopes of *one* loss with respect
# to *every* leaf, be there two or a hundred billion.

# %%
for tensor in steps.values():
    if tensor.requires_grad:
        tensor.retain_grad()  # torch keeps slopes of leaves only, unless asked
steps["L = e²"].backward()
print("w.grad =", steps["w"].grad.item(), "  b.grad =", steps["b"].grad.item())

x_here, e_here = steps["x"].item(), steps["e = p − y"].item()
draw_graph(
    steps,
    "What backward() does: multiply local slopes, against the arrows",
    local={("e = p − y", "L = e²"): 2 * e_here, ("p = w·x + b", "e = p − y"): 1,
           ("w·x", "p = w·x + b"): 1, ("b", "p = w·x + b"): 1, ("w", "w·x"): x_here},
)

# %% [markdown]
# One rule is missing. If a number is used in two places, a nudge of it reaches the loss along two roads, and
# the two contributions **add**. For $w \cdot w$ each factor is a road with local slope $w$, so the slope is $w
# + w = 2w$, as it should be.
#
# That is all there is. A machine that does it fits on a screen:

# %%
class Number:
    """A number that remembers its parents, each with the local slope on the way to it."""

    def __init__(self, value: float, parents: tuple = ()) -> None:
        self.value, self.parents, self.slope = value, parents, 0.0

    def __add__(self, other: "Number") -> "Number":
        return Number(self.value + other.value, ((self, 1.0), (other, 1.0)))

    def __sub__(self, other: "Number") -> "Number":
        return Number(self.value - other.value, ((self, 1.0), (other, -1.0)))

    def __mul__(self, other: "Number") -> "Number":
        return Number(self.value * other.value, ((self, other.value), (other, self.value)))

    def backward(self) -> None:
        """Add to the slope of every number this one was made of."""
        order: list[Number] = []

        def visit(number: Number) -> None:  # parents come before what is made of them
            if number not in order:
                for parent, _ in number.parents:
                    visit(parent)
                order.append(number)

        visit(self)
        self.slope = 1.0
        for number in reversed(order):
            for parent, local in number.parents:
                parent.slope += local * number.slope


own_w, own_b = Number(1.0), Number(0.0)
own_error = own_w * Number(3.0) + own_b - Number(6.0)
(own_error * own_error).backward()  # e · e: two roads to the same number
print("slope of w:", own_w.slope, "  slope of b:", own_b.slope)

# %% [markdown]
# Look at the `+=` near the end. It is there for numbers with two roads. It will also turn out to be the most
# famous trap in torch.
#
# :::{note}
# {cite:t}`rumelhart1986` made this walk famous as *back-propagation*, in four pages on how networks learn. The
# idea is older and wider, and belongs to any program at all: {cite:t}`baydin2018` tell the history, and clear
# up what it is not. It is not algebra on formulas, and it is not nudging. {cite:t}`paszke2019` describe the
# library in front of you.
# :::
#
# Your turn: a machine that differentiates any function. The tensor that goes in has to require a gradient from
# the start, so that torch takes notes. `backward()` is called on what comes out; the slope is then in the `.grad`
# of the tensor that went in. It is a tensor too, from which `.item()` takes the Python number.

# %% exercise="derivative"
def derivative(f: Callable[[Tensor], Tensor], x: float) -> float:
    """Work out the slope of any function at one point, by recording it and going backwards.

    Parameters
    ----------
    f : takes one float64 tensor of shape () and returns one; it may contain loops and branches.
        It is called once.
    x : where, a Python number

    Returns
    -------
    the derivative of f at x, as a Python number
    """
    ### BEGIN SOLUTION
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    f(t).backward()
    return t.grad.item()
    ### END SOLUTION


# %% check="derivative"
check(derivative)

# %% [markdown]
# How good is it, beside nudging? Take $f(t) = \sin^2 t$, whose slope is known, $2 \sin t \cos t = \sin 2t$, at
# two hundred points $t$. Rung 1 nudged with $h = 0.0001$.
#
# **Predict.** As $h$ shrinks from 0.1 to $10^{-14}$, what does the error of the central difference do? Where is
# it smallest? And how large is the error of `backward()`?

# %% predict="best_nudge"
commit("best_nudge", ..., sure=...)

# %%
def curve(t: Tensor) -> Tensor:
    return torch.sin(t) ** 2


points = torch.linspace(0.0, 3.0, 200, dtype=torch.float64)
truth = torch.sin(2 * points)


def typical_error(slopes: Tensor) -> float:
    return torch.mean(torch.abs(slopes - truth)).item()


nudges = np.geomspace(1e-14, 0.1, 53)
errors, by_autograd, best_nudge = {}, {}, {}
for dtype in (torch.float32, torch.float64):
    t = points.to(dtype).requires_grad_()
    curve(t).sum().backward()  # the slope of a sum in each entry is that entry's own slope
    by_autograd[dtype] = typical_error(t.grad)
    with torch.no_grad():
        errors[dtype] = [typical_error((curve(t + h) - curve(t - h)) / (2 * h))
                         for h in nudges.tolist()]
    best, rung_1 = np.argmin(errors[dtype]), np.argmin(np.abs(nudges - 1e-4))
    best_nudge[dtype] = float(nudges[best])
    print(f"{dtype}, mean error: with h = 0.0001 {errors[dtype][rung_1]:.0e},"
          f" with the best h, {nudges[best]:.0e}, {errors[dtype][best]:.0e};"
          f" backward() {by_autograd[dtype]:.0e}")

fig, ax = plt.subplots()
for dtype, colour, name in ((torch.float32, COLOURS["orange"], "float32"),
                            (torch.float64, COLOURS["blue"], "float64")):
    ax.loglog(nudges, errors[dtype], "o-", color=colour, markersize=3.5, linewidth=1.2)
    ax.axhline(by_autograd[dtype], color=colour, linestyle="--")
    ax.annotate(f"backward(), {name}", (1e-14, by_autograd[dtype]),
                (0, 5 if dtype == torch.float64 else -14),
                textcoords="offset points", color=colour, fontweight="bold")
ax.annotate("nudging, float32", (1e-6, 0.5), color=COLOURS["orange"], fontweight="bold")
ax.annotate("nudging, float64", (2e-8, 3e-11), color=COLOURS["blue"], fontweight="bold", ha="right")
ax.set(xlabel="nudge h", ylabel="mean error of the slope",
       title="No nudge is as good as the chain rule")
plt.show()

# %% outcome="best_nudge"
outcome("best_nudge", best_nudge[torch.float64])

# %% [markdown]
# A V. From the right the error falls with $h^2$. In a central difference the curvature cancels; what is left is
# $\tfrac{1}{6}h^2$ times the third derivative.
# Then it turns. The two heights become so alike that their difference is made of rounding, and dividing by a
# tiny $h$ magnifies it; {cite:t}`higham2002` is the book about such things. In float32 rung 1's nudge gets three
# digits and the best nudge five; further left the two points are the same number. **This is where the dtype
# matters**: check gradients in float64. `backward()` has no $h$, and loses nothing but the rounding of a few
# multiplications.

# %% recall="backward"
recall("backward")

# %% [markdown]
# ## The loss in tensors
#
# Now a batch. The arithmetic is rung 1's, on tensors: $w$ and $b$ of shape $()$, one number each; $x$ and $y$
# of shape $(n,)$; and the loss, a mean, of shape $()$ again. Return the tensor and not a number taken out of
# it, since the notes hang on the tensor.
#
# By hand, with rung 1's two examples $x = [1, 3]$, $y = [2, 6]$ at $w = 1$, $b = 0$: errors $[-1, -3]$, loss
# $5$.

# %% exercise="line_loss"
def line_loss(w: Tensor, b: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Compute the mean squared error of the line w·x + b, ready to be differentiated.

    Parameters
    ----------
    w, b : the parameters, shape () each
    x, y : shape (n,) each, with n at least 1: the inputs and targets of the batch

    Returns
    -------
    shape (): mean((w·x + b − y)²), with its graph, so that `backward()` can be called on it.
        Nothing is put into `.grad` yet.
    """
    ### BEGIN SOLUTION
    return torch.mean((w * x + b - y) ** 2)
    ### END SOLUTION


# %% check="line_loss"
check(line_loss)

# %% [markdown]
# ## The first habit: slopes add up
#
# Rung 1's slopes on the two examples are $-10$ and $-4$. We compute the loss and call
# `backward()`, three times over. Nothing moves in between. What is in `w.grad` after each?

# %%
paper_x, paper_y = to_tensors(np.array([1.0, 3.0]), np.array([2.0, 6.0]))
w = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
b = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
print("before:", w.grad, b.grad)
for times in (1, 2, 3):
    line_loss(w, b, paper_x, paper_y).backward()
    print(f"after backward() number {times}: w.grad = {w.grad.item():.0f}, b.grad = {b.grad.item():.0f}")

# %% [markdown]
# `backward()` does not *set* `.grad`. It *adds* to it: the `+=` that serves a number with two roads serves two
# losses as well. That is useful when a batch is too large for the memory, since one can go backwards in pieces.
# It also means that somebody has to clear `.grad`, and that is you. Before the first `backward()` a `.grad` is
# `None`. Setting it back to `None` clears it; so does `.grad.zero_()`, if there is one to fill with zeros.

# %% exercise="gradients"
def gradients(w: Tensor, b: Tensor, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Work out the slopes of the mean squared error of the line w·x + b with `backward()`.

    Parameters
    ----------
    w, b : the parameters, leaves of shape () that require a gradient. Their `.grad` may be None
        or hold something from before, which does not count; what is in it afterwards
        is up to you. Their values stay as they are.
    x, y : shape (n,) each, with n at least 1

    Returns
    -------
    (dw, db): the slopes of *this* loss, as two Python numbers
    """
    ### BEGIN SOLUTION
    w.grad = b.grad = None
    line_loss(w, b, x, y).backward()
    return w.grad.item(), b.grad.item()
    ### END SOLUTION


# %% check="gradients"
check(gradients)

# %% [markdown]
# All twenty thousand readings, at a point somewhere off the path, by the formula of rung 1 and by yours:

# %%
inputs, targets = to_tensors(x, y)
off_w = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
off_b = torch.tensor(-1.0, dtype=torch.float64, requires_grad=True)
error = 0.3 * x - 1.0 - y
print(f"formula : dw = {2 * np.mean(error * x):.12f}   db = {2 * np.mean(error):.12f}")
print("autograd: dw = {:.12f}   db = {:.12f}".format(*gradients(off_w, off_b, inputs, targets)))

# %% [markdown]
# From here on there will be more than two parameters, so we keep them in a list. Write the broom.

# %% exercise="zero_gradients"
def zero_gradients(parameters: list[Tensor]) -> None:
    """Clear the slopes of all parameters, so that the next `backward()` starts from zero.

    Parameters
    ----------
    parameters : tensors of any shapes that require a gradient; the list may be empty. Afterwards
        every `.grad` is None or full of zeros, whichever you like. A `.grad` may be None
        already. The tensors themselves keep their values and stay the same objects.
    """
    ### BEGIN SOLUTION
    for parameter in parameters:
        parameter.grad = None
    ### END SOLUTION


# %% check="zero_gradients"
check(zero_gradients)

# %% recall="accumulation"
recall("accumulation")

# %% [markdown]
# ## The second habit: everything is noted
#
# The step was one line in rung 1. Two ways to write it with tensors come to mind, and both fail. Read the
# messages; you will meet them again.

# %%
zero_gradients([w, b])
line_loss(w, b, paper_x, paper_y).backward()

try:
    w -= 0.05 * w.grad
except RuntimeError as message:
    print("w -= …     :", message)

moved = w - 0.05 * w.grad
print(f"w = w - …  : {moved.item()}, is_leaf {moved.is_leaf}, made by {type(moved.grad_fn).__name__}")
line_loss(moved, b, paper_x, paper_y).backward()
print("             the old w.grad is", w.grad.item(), "and the new w has none to take a step with")

# %% [markdown]
# The first writes into a leaf while torch is taking notes. A leaf is by definition a number that nobody
# computed, so torch refuses. The second makes a *new* tensor and notes that too: the update has become part of
# the graph. It is no leaf, so `backward()` keeps no slope for it; the old leaf gets it instead, added to what
# was there, and at the next step `w.grad` is `None`. Each step would also tie the next graph to all graphs
# before it.
#
# The step is no part of the loss. We want it done and not noted:
#
# ```python
# with torch.no_grad():      # no notes inside this block
#     w -= 0.05 * w.grad     # written into the tensor itself: w stays the leaf it was
# ```
#
# By hand: $1 - 0.05 \cdot (-10) = 1.5$, as in rung 1. The underscore at the end of a name is torch's custom for
# functions that change their argument in place, such as `zero_()`; yours gets one too. And as the slopes are
# used up by the step, clear them in the same function. First the step, then the broom.

# %% exercise="sgd_step_"
def sgd_step_(parameters: list[Tensor], learning_rate: float) -> None:
    """Move every parameter one step downhill, in place, and clear its slope.

    Parameters
    ----------
    parameters : leaves of any shapes that require a gradient, their slopes in `.grad`. Afterwards
        they are the same tensors with new values, still require a gradient, and every `.grad` is
        None or full of zeros. One whose `.grad` is None stays where it is.
    learning_rate : 0 or more; with 0 nothing moves, and the slopes are cleared all the same
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter -= learning_rate * parameter.grad
    zero_gradients(parameters)
    ### END SOLUTION


# %% check="sgd_step_"
check(sgd_step_)

# %% [markdown]
# **Predict.** We descend with the first hundred readings, all at each step, at a learning rate of 0.01, in
# three ways. One loop is right. One forgets to clear the slopes. One clears them between `backward()` and the
# step. What does the loss of the last two do? The forgetful loop takes ever larger steps, as its slopes pile
# up. Does it arrive sooner? Does it explode?

# %% predict="never_cleared"
commit("never_cleared", ..., sure=...)

# %%
few_inputs, few_targets = inputs[:100], targets[:100]


def descend(clears: str, steps: int) -> list[float]:
    """The loss before each step; `clears` says when the slopes are cleared."""
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)
    b = torch.zeros((), dtype=torch.float64, requires_grad=True)
    losses = []
    for _ in range(steps):
        loss = line_loss(w, b, few_inputs, few_targets)
        losses.append(loss.item())
        loss.backward()
        if clears == "before the step":
            zero_gradients([w, b])
        with torch.no_grad():
            for parameter in (w, b):
                if parameter.grad is not None:
                    parameter -= 0.01 * parameter.grad
        if clears == "after the step":
            zero_gradients([w, b])
    return losses


swings = {name: descend(clears, steps=600) for name, clears in
          {"never cleared": "never", "cleared too early": "before the step",
           "right": "after the step"}.items()}
plot_curves({name: losses[:150] for name, losses in swings.items()},
            xlabel="step", ylabel="loss on 100 readings (bar²)",
            title="Without clearing, the loss swings like a pendulum")
plt.show()
for start, stop in ((0, 150), (450, 600)):
    stretch = swings["never cleared"][start:stop]
    print(f"never cleared, steps {start:3} to {stop - 1}: between {min(stretch):.2f} and {max(stretch):.2f}")
print(f"right, after {len(swings['right'])} steps: {swings['right'][-1]:.4f}")

few_x = x[:100]
hessian = 2 * np.array([[np.mean(few_x**2), np.mean(few_x)], [np.mean(few_x), 1.0]])
steepest = np.linalg.eigvalsh(hessian)[1]
never = np.array(swings["never cleared"])
peaks = 1 + np.flatnonzero((never[1:-1] > never[:-2]) & (never[1:-1] > never[2:]))
print(f"steps from peak to peak: {np.mean(np.diff(peaks)):.2f}, pendulum's π / √(ηλ) ="
      f" {math.pi / math.sqrt(0.01 * steepest):.2f}")
lowest, highest = never[450:].min() / never[0], never[450:].max() / never[0]
if highest > 2:
    seen = "grows without end"
elif lowest > 0.9:
    seen = "does not move"
else:
    seen = "swings without end" if highest > 0.1 else "arrives, sooner than the right one"

# %% outcome="never_cleared"
outcome("never_cleared", seen)

# %% [markdown]
# Neither. It swings. If slopes are never cleared, the step is the sum of all slopes so far. A slope then no
# longer says how far to go but how much to *accelerate*, and the sum is a velocity. This is a ball in a bowl
# without friction: it runs through the bottom at full speed, climbs the other side and comes back, and no step
# is ever its last. The comparison is exact enough to calculate with. A ball in a bowl of curvature $\lambda$
# passes a turning point once in $\pi/\sqrt{\eta\lambda}$ steps, and the measured peaks come as often as that,
# with rung 1's curvature in the steepest direction.
#
# With friction this becomes a method, *momentum* {cite:p}`polyak1964`, and [rung 8](08_adam_optax.ipynb) builds it. Without, it is a
# bug that raises no error and passes through a good loss again and again. When a loss goes up and down evenly,
# look for the broom.
#
# The loop that clears too early does not move at all, and raises no error either.
#
# ## The third habit: notes are kept as long as you keep the result
#
# To plot a loss curve you keep the losses. What do you keep, if you write `losses.append(loss)`? A tensor holds
# on to its graph, and the graph to every array that it will need on the way back.
#
# **Predict.** We can count those bytes, for one look at the loss on all 20 000 readings. Go through the table of local
# slopes above: which operation needs which numbers? Each takes eight bytes.

# %% predict="kept_bytes"
commit("kept_bytes", ..., sure=...)

# %%
def bytes_noted(compute: Callable[[], Tensor]) -> int:
    """How many bytes a computation keeps for the way back, the inputs left out."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        compute()
    return sum(size for address, size in kept.items() if address != inputs.data_ptr())


def look() -> Tensor:
    return line_loss(w, b, inputs, targets)


def look_without_notes() -> Tensor:
    with torch.no_grad():
        return look()


kept_bytes = bytes_noted(look)
print(f"kept with the loss as it is: {kept_bytes:7} bytes")
print(f"under torch.no_grad():       {bytes_noted(look_without_notes):7} bytes")
loss = look()
print(f"loss.item() is {loss.item():.4f}, a {type(loss.item()).__name__};"
      f"  loss.detach() is a tensor, requires_grad {loss.detach().requires_grad}")
try:
    loss.numpy()
except RuntimeError as message:
    print("loss.numpy():", message)
try:
    loss.detach().backward()
except RuntimeError as message:
    print("loss.detach().backward():", message)

# %% outcome="kept_bytes"
outcome("kept_bytes", kept_bytes)

# %% [markdown]
# A hundred and sixty thousand bytes behind one number: the twenty thousand errors, eight bytes each, waiting
# for a `backward()` that never comes. A thousand such looks and 160 MB are gone; on a GPU, this is what "out of
# memory after an hour" is. (Once `backward()` has run, the arrays are let go, but the notes stay for as long as
# the loss does.) Three ways to let go:
#
# - `loss.item()`: the value as a Python number. For a list of losses.
# - `loss.detach()`: a tensor with the same memory and no graph. For numbers that you go on computing with, or
#   `.numpy()`.
# - `with torch.no_grad():` takes no notes in the first place. For evaluation, and for the step.
#
# Whatever you call `backward()` on must still have its graph. `loss.item()` beside it does no harm, as in
# `descend` above. But `backward()` on a detached loss, or on one computed under `no_grad`, saws off the branch you
# sit on, and the last message is what you get.

# %% recall="kept_graph"
recall("kept_graph")

# %% [markdown]
# ## The whole loop
#
# Rung 1's specification, in tensors:
#
# 1. Make tensors of the data, and $w$ and $b$ as float64 leaves that start at 0 and require a gradient.
# 2. For each epoch, cut new batches with `minibatches(n, batch_size, rng)`, from the top of this page. Its
#    index arrays pick from a tensor as they do from an array: `inputs[batch]`.
# 3. For each batch: the loss; backwards; a step that also clears the slopes. Record, as a number, the loss that
#    you went backwards from: that of the batch at the parameters before the step.
# 4. After each step, if there is an `on_step`, call `on_step(step, loss)`: the number of the step, counted
#    from 0 through all epochs, and the loss that you recorded. This is how somebody else, such as a plot, can
#    watch.
# 5. Return $w$, $b$ and the losses, as Python numbers.

# %% exercise="train"
def train(
    x: np.ndarray,
    y: np.ndarray,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    rng: np.random.Generator,
    on_step: Callable[[int, float], None] | None = None,
) -> tuple[float, float, list[float]]:
    """Fit the line w·x + b by minibatch gradient descent, with `backward()` for the slopes.

    Parameters
    ----------
    x, y : numpy arrays of shape (n,) each, with n at least 1; they must not be changed
    learning_rate : 0 or more
    batch_size : examples in a minibatch, at least 1; the last one of an epoch may be shorter
    epochs : how often to go through all the data, at least 1
    rng : the source of the order: each epoch takes its batches from
        `minibatches(n, batch_size, rng)`, called once, and nothing else is drawn from it
    on_step : None, or a function to call after every step, with the number of the step
        (0, 1, 2, … through all epochs) and its loss (a Python number)

    Returns
    -------
    w, b : the parameters after the last step, as Python numbers; both start at 0. All arithmetic
        is float64, so that they equal rung 1's.
    losses : a Python number for each step: the loss of its minibatch before the step
    """
    ### BEGIN SOLUTION
    inputs, targets = to_tensors(x, y)
    w = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    b = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
    losses: list[float] = []
    for _ in range(epochs):
        for batch in minibatches(len(x), batch_size, rng):
            loss = line_loss(w, b, inputs[batch], targets[batch])
            loss.backward()
            sgd_step_([w, b], learning_rate)
            losses.append(loss.item())
            if on_step is not None:
                on_step(len(losses) - 1, losses[-1])
    return w.item(), b.item(), losses
    ### END SOLUTION


# %% check="train"
check(train)

# %% [markdown]
# ## The same path?
#
# The same data, seed and settings as at the top: five epochs, batches of 100, a learning rate of 0.01.
#
# **Predict.** Both programs do the same arithmetic in float64, one in numpy and one in torch. Will the losses be equal
# to the last bit? And if the same loop ran in float32?

# %% predict="path_gap"
commit("path_gap", ..., sure=...)

# %%
auto_w, auto_b, auto_losses = train(x, y, 0.01, 100, 5, np.random.default_rng(0))
print(f"autograd: w = {auto_w:.4f} bar/V, b = {auto_b:.4f} bar, {len(auto_losses)} steps")
print(f"by hand : w = {hand_w:.4f} bar/V, b = {hand_b:.4f} bar, {len(hand_losses)} steps")


def losses_in_float32(rng: np.random.Generator) -> list[float]:
    """The loop of `train`, with everything in float32."""
    inputs, targets = to_tensors(x, y, torch.float32)
    w, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    losses = []
    for _ in range(5):
        for batch in minibatches(len(x), 100, rng):
            loss = line_loss(w, b, inputs[batch], targets[batch])
            loss.backward()
            sgd_step_([w, b], 0.01)
            losses.append(loss.item())
    return losses


paths = {"float64": auto_losses, "float32": losses_in_float32(np.random.default_rng(0))}
gaps = {name: np.abs(np.array(path) - hand_losses) for name, path in paths.items()}
for name, gap in gaps.items():
    print(f"{name}: loss at most {gap.max():.1e} away from rung 1's, {np.median(gap):.1e} typically")

fig, ax = plt.subplots()
for name, colour in (("float32", COLOURS["orange"]), ("float64", COLOURS["blue"])):
    ax.semilogy(gaps[name], ".", color=colour, markersize=3)
    ax.annotate(name, (1010, np.median(gaps[name][-100:])), color=colour, fontweight="bold",
                va="center", annotation_clip=False)
ax.axhline(1e-5, color=COLOURS["red"], linestyle="--")
ax.annotate("the mark: 0.00001", (1000, 1.6e-5), color=COLOURS["red"], ha="right")
ax.set(xlabel="step", ylabel="distance from rung 1's loss (bar²)", xlim=(0, 1000), ylim=(1e-18, 1e-3),
       title="Autograd walks the path worked out by hand")
plt.show()
widest = gaps["float64"].max()
apart = "exactly 0" if widest == 0 else "about 1e-15" if widest < 1e-10 else "about 1e-6"

# %% outcome="path_gap"
outcome("path_gap", apart)

# %%
worst = 0.0
for seed in range(1, 11):
    _, _, by_hand = train_by_hand(x, y, 0.01, 100, 5, np.random.default_rng(seed))
    _, _, by_machine = train(x, y, 0.01, 100, 5, np.random.default_rng(seed))
    worst = max(worst, np.max(np.abs(np.array(by_machine) - by_hand)))
print(f"ten other seeds: the loss is never more than {worst:.1e} away")

# %% [markdown]
# The same path, to the fourteenth decimal. It is not the same to the last bit: torch adds up the numbers of a
# mean in another order than numpy, and rounding depends on the order. The largest gaps are in the first steps,
# where the loss is about ten and its last bit is worth most. (Where two losses agree exactly there is no dot.)
# The float32 loop would have met the mark too, with less than a factor of ten to spare. For the *result* of a training run the difference is nothing: 0.000001 against a
# noise floor of 0.09. To find out whether two programs do the same thing, it is everything. A gap of $10^{-15}$
# is rounding; a gap of $10^{-6}$ might be a bug.
#
# ## A plot that draws itself
#
# A training run that you only see when it is over is a run you cannot stop in time. `LivePlot` redraws itself
# while numbers come in; your loop offers them through `on_step`. We take small batches of 10 for a longer run,
# and draw the mean of the last 100 losses beside the loss itself, which is noisy.

# %%
live = LivePlot("step", "loss (bar²)", logy=True, title="Down to the floor in 300 steps, then restless")
recent: list[float] = []


def show(step: int, loss: float) -> None:
    recent.append(loss)
    if step % 20 == 0:
        live.update(step, minibatch=loss, **{"mean of 100": np.mean(recent[-100:])})


live_w, live_b, live_losses = train(x, y, 0.01, 10, 4, np.random.default_rng(1), on_step=show)
live.close()
print(f"{len(live_losses)} steps; w = {live_w:.4f} bar/V, off by {abs(live_w - TRUE_W):.4f};"
      f" rung 1's wandering σ√(η/B) = {SIGMA * math.sqrt(0.01 / 10):.4f}")
print(f"mean of the last 1 000 losses {np.mean(live_losses[-1000:]):.4f} bar²,"
      f" floor {SIGMA**2:.4f} ± {SIGMA**2 * math.sqrt(2 / 10_000):.4f}")

# %% [markdown]
# The second curve is what you steer by: the minibatch loss alone jumps about over a factor of ten. At the end
# the loss is little more than a standard error from the floor (that of a thousand batches of ten), and $w$ is off by
# about as much as rung 1's formula for the wandering says. Small batches, restless end.
#
# From now on, plot every run this way, and stop it with the square button when the curve tells you to.
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# **Friction.** In `descend`, replace clearing by `parameter.grad *= 0.9` after each step. Compare with the
# right loop.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A curve for at least three factors between 0 (cleared) and 1 (the pendulum). The remark that a factor of 0.9
# makes a steady slope count ten times, so that a fair comparison gives the plain loop ten times the learning
# rate. The factor at which the swing dies fastest, and that it differs for the steep and the flat direction.
# :::
#
# **A division for `Number`.** Add `__truediv__` and an `exp` to the machine on one screen, and check both
# against `derivative`.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The local slopes $1/c$ and $-a/c^2$ for $a/c$, and for $\exp$ its own value, kept from the way forward. A
# check on a function that uses a number twice, at several random points. What happens with `backward()` called
# twice, and why.
# :::
#
# **What does the way back cost?** Time `line_loss` with and without `backward()`, and nudging as well, for a
# polynomial with 2, 10, 100 and 1 000 coefficients.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# Medians of many repetitions and their spread. Nudging grows with the number of coefficients, `backward()`
# stays within a few times the way forward. Where the fixed cost of a torch operation hides everything else.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="the_missing_line"
write("the_missing_line", """
""")

# %% write="formula_or_nudge"
write("formula_or_nudge", """
""")

# %% write="an_hour_then_no_memory"
write("an_hour_then_no_memory", """
""")

# %% [markdown]
# Next, [rung 3](03_vector_regression.ipynb): inputs with many numbers each, and shapes that have to fit.
