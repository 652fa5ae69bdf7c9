# ---
# title: Interpretability
# subtitle: "Open a trained network, say what it does in there, and let the claim fail if it is wrong"
# part: research
# hours: 30
# needs: [ladder/09_convnet, ladder/13_causal_transformer]
# teaches: [hook, saliency, attribution, integrated gradients, completeness, feature visualisation, ablation, induction head, activation patching, linear probe, selectivity, superposition, sparse autoencoder]
# builds: forward hooks that record and edit, saliency and integrated gradients, ablation, a claim tested on pictures that did not suggest it, induction found and refused, activation patching, induction weights written by hand, a probe with its control, a sparse autoencoder matched to the truth
# number: an induction score of at least 0.7 on random periods, with a one-layer control that fails; attributions complete to 1e-3
# data: MNIST; rows of tokens that repeat
# run: gpt2_induction
# readings:
#   - {key: olah2020, where: "the three claims, and the curve detectors as an example of evidence", skip: "the interlude on whether it is a science, at first"}
#   - {key: sundararajan2017, where: "the two axioms, and the section on how to apply the method", skip: "the proof of uniqueness"}
#   - {key: elhage2021, where: "zero-, one- and two-layer models, up to induction heads", skip: "the eigenvalue analysis, on a first reading"}
#   - {key: olsson2022, where: "the definition of an induction head, and the argument on the phase change", skip: "the appendices on every model"}
#   - {key: elhage2022, where: "the toy model with its picture of two dimensions, and feature dimensionality", skip: "adversarial robustness and privileged bases"}
#   - {key: hewitt2019, where: "control tasks and selectivity", skip: "the survey of earlier probes"}
# sections:
#   - {id: neuron, heading: "A neuron with two inputs", for: "one small case, worked by hand, that every method of the page is held against", needs: []}
#   - {id: hooks, heading: "Look inside", for: "recording and changing what any part of any model gives, without touching its code", needs: [neuron, ladder/09#network]}
#   - {id: slopes, heading: "Which pixels count?", for: "the cheapest attribution, and what it cannot say", needs: [hooks]}
#   - {id: way, heading: "The whole way", for: "an attribution that adds up, with a number that says when it does", needs: [slopes]}
#   - {id: likes, heading: "What does a unit like?", for: "telling what a unit answers to from what merely excites it", needs: [hooks]}
#   - {id: ablation, heading: "Switch it off", for: "cause in place of correlation: what is lost without a part", needs: [hooks]}
#   - {id: claim, heading: "A claim that can fail", for: "saying what a part does so that new evidence can refute it", needs: [ablation]}
#   - {id: repeats, heading: "Rows that repeat", for: "the smallest task on which a transformer learns from its context", needs: [hooks, ladder/13#attention]}
#   - {id: sudden, heading: "Something happens", for: "a mechanism seen while it forms", needs: [repeats]}
#   - {id: names, heading: "What the score does not say", for: "a test that a head cannot pass for the wrong reason", needs: [sudden]}
#   - {id: patch, heading: "One head at a time", for: "activation patching, the standard test for which part carries what", needs: [sudden]}
#   - {id: byhand, heading: "Write it yourself", for: "proof that two layers suffice, and why one does not", needs: [sudden]}
#   - {id: probe, heading: "What a probe can say", for: "reading a property off activations without fooling yourself", needs: [hooks]}
#   - {id: more, heading: "More features than room", for: "superposition, the reason why single neurons mislead", needs: [neuron]}
#   - {id: sparse, heading: "Take them apart again", for: "sparse autoencoders, judged where the truth is known", needs: [more]}
#   - {id: study, heading: "A study of your own", for: "a causal claim on a training, with seeds, a control and an interval", needs: [names, patch]}
# recall:
#   - {id: in_place, section: hooks, transfer: true, q: "You record a layer before a LeakyReLU(inplace=True), and find no value below −0.1. What may have happened?", a: "The LeakyReLU wrote over the tensor you kept. Clone in the hook."}
#   - {id: flat, section: slopes, transfer: true, q: "A detector's output is 0.99999 for a picture and its saliency map of the probability is nearly 0 everywhere. Does no pixel count?", a: "No: the sigmoid is flat there. Take the logit, or integrate along a way from a baseline."}
#   - {id: off_by_fifty, section: way, transfer: true, q: "Attributions in 50 steps add up to 310; f moved by 6.2. What is wrong?", a: "310 is 50 times 6.2: the slopes were summed and not averaged."}
#   - {id: mean_or_zero, section: ablation, transfer: true, q: "A channel is 5.0 ± 0.01 for every picture. Zero-ablation costs 2 nats, mean-ablation nothing. What does the channel tell about the picture?", a: "Nothing: it acts as a bias. Zero is a value that it never has."}
#   - {id: winner, section: claim, transfer: true, q: "Of 500 neurons, one has the largest effect on 80 sentences. What will its effect be on 80 new ones?", a: "Most likely smaller: it was chosen for looking large. Measure it on sentences that had no say in the choice."}
#   - {id: two_needed, section: byhand, transfer: false, q: "Why does induction take two layers of attention?", a: "To find the place after a copy, a place must already know which token stood before it. The first layer writes that down, the second compares."}
#   - {id: control_task, section: probe, transfer: true, q: "A probe for word class has 97 % on held-out tokens; its control task 95 %. What have you shown?", a: "Little: the probe can learn nearly any labelling of words by heart. Its selectivity is 2 points."}
#   - {id: penalty_length, section: sparse, transfer: false, q: "Why does the sparse penalty weigh a code by the length of its decoder row?", a: "Otherwise codes shrink, the decoder grows, and the penalty vanishes at no cost."}
# predictions:
#   - {id: zero_or_mean, ask: "Each of the twelve channels is set to zero, then to its mean. Over all channels, how do the effects of zeros compare with those of means?", choices: ["more than 1.2 times as large", "within a factor of 1.2", "smaller by more than that"], because: "A ReLU's channel is often 0, so zero is no stranger to the rest of the network. But zero takes away the channel's level as well, which the mean keeps."}
#   - {id: one_layer, ask: "A model with one layer instead of two is trained on the same rows. Which best induction score will it have?", choices: ["below 0.3", "0.3 to 0.7", "above 0.7"], because: "One layer can compare its token with the tokens of other places, but not with what stood before them."}
#   - {id: fixed_period, ask: "The same model with one layer, on rows that all have period 16. Which best induction score now?", choices: ["below 0.3", "0.3 to 0.7", "above 0.7"], because: "With one period, the place after the copy is always 15 places back, and places are all one layer needs to know."}
#   - {id: control_accuracy, ask: "A probe reads the token before off the first layer. Its control task gives every token a label at random. How accurate will the probe be on the control, in percent?", within: 20.0, because: "A linear probe can learn labels of 32 tokens by heart if the activations tell these tokens apart."}
# written:
#   - {id: mechanism, ask: "Write down a mechanism for one channel of your network: what it answers to, what the last layer does with it, and an intervention that would refute you.", rubric: ["says what the channel answers to, with the evidence for it", "says which logits it moves, and in which direction", "names an intervention and the outcome that would refute the claim", "the evidence that tests the claim is not the evidence that suggested it"], answer: "Channel c answers to a stroke in one direction in the middle of the picture: the crops that excite it most all have one. It raises the logit of 4 and lowers that of 0. If it is replaced by its mean, the margin of new fours must fall by at least the lower end of my interval, and that of zeros must not. Had the margin of test fours not fallen, the claim would be refuted."}
#   - {id: not_enough, ask: "A friend shows you an attention pattern with a bright stripe and says: an induction head. What do you ask for before you believe it?", rubric: ["rows with periods drawn at random, so that a fixed distance does not explain the stripe", "a control that cannot have the mechanism, such as a one-layer model", "an intervention: patch or ablate the head, and the head it reads from", "all earlier copies counted, and several seeds"], answer: "Rows whose periods are drawn at random: a fixed offset makes the same stripe. The score over all earlier copies, for several seeds, beside a one-layer model that cannot do it. Then an intervention: patching this head must bring the prediction back, and switching off the head before it must destroy the stripe more than switching off another one."}
#   - {id: truth_known, ask: "Why was the sparse autoencoder tried on features that you had made yourself?", rubric: ["with real activations nobody knows the true features", "so missed, split and dead features can be counted", "names a fault that shows only against the truth, such as shrinkage"], answer: "In a real network nobody can say which features are there, so a low loss proves nothing about them. Here the truth is known: one can count what was found, missed or found twice, and see that the penalty makes every code too small."}
# ---

# %% [markdown]
# # Interpretability
#
# Two small models read rows of tokens that repeat. By the usual measure both have learnt to look up what followed last
# time, and both pass the usual bar of 0.7. One of them does look it up. The other does something else, and fails as soon as the rows
# change a little. The measure does not say which is which. On this page you will make both, and a test that tells them apart.
#
# To **interpret** a network is to say what it computes inside, in a form that could be wrong. That takes two kinds of
# tools. Some *look*: they record, draw and attribute. Others *intervene*: they change one thing inside and watch what comes of it. Looking suggests
# a claim, and intervening tests it.
#
# **You need** [rung 9](../ladder/09_convnet.ipynb) (convolutions) and [rung 13](../ladder/13_causal_transformer.ipynb) (attention).
# **You will have** tools of your own for both kinds of model, with no library of ready-made hooks. **It takes** about
# thirty hours with the papers.

# %% tags=["setup"]
import math
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import (
    chapter,
    check,
    commit,
    hint,
    measured,
    outcome,
    progress,
    recall,
    recorded,
    run,
    write,
)
from descent.data import mnist
from descent.figures import (
    COLOURS,
    induction_figure,
    plot_curves,
    show_digits,
    superposition_figure,
    use_style,
)

torch.set_num_threads(1)  # the matrices here are small: one core is fastest
chapter("research/08_interpretability")
use_style()

# %% [markdown]
# ## A neuron with two inputs
#
# One neuron goes with us through the page: $f(a, b) = \max(0, 2a - b)$. We compare two inputs. At $x = (3, 1)$ it
# gives 5. At $x' = (1, 4)$ it gives 0, since $2 - 4$ is negative. Which of the two inputs made the difference of 5?

# %% tags=["hide-input"]
x_line, y_line = torch.meshgrid(torch.linspace(0, 4, 81), torch.linspace(0, 5, 101), indexing="xy")
fig, ax = plt.subplots(figsize=(6.4, 4.4))
shade = ax.contourf(x_line, y_line, (2 * x_line - y_line).relu(), levels=[0, 1e-6, 1, 2, 3, 4, 5, 6, 7, 8], cmap="Blues")
ax.plot([1, 3], [4, 1], color=COLOURS["orange"], lw=2)
ax.plot([0, 2.5], [0, 5], color=COLOURS["grey"], ls="--", lw=1)
for name, (a, b), shift in (("x′ = (1, 4): 0", (1, 4), (-0.9, 0.25)), ("x = (3, 1): 5", (3, 1), (-1.15, -0.4))):
    ax.plot(a, b, "o", color=COLOURS["orange"])
    ax.annotate(name, (a + shift[0], b + shift[1]))
ax.annotate("off", (0.5, 4.6), color=COLOURS["grey"])
ax.annotate("it turns on 2/7 of the way", (1.68, 3.15))
ax.set(xlabel="a", ylabel="b", title="The way from x′ to x crosses a bend")
fig.colorbar(shade, label="f(a, b)", ticks=range(9))
plt.show()

# %% [markdown]
# The slope at $x$ is $(2, -1)$, and at $x'$ it is $(0, 0)$. Neither adds up: slope times distance is $2·2 + (-1)(-3) = 7$ from the
# one end and 0 from the other. Keep these numbers at hand; every method on this page gives its own answer to them.
#
# ## Look inside
#
# The network to take apart is a small one for digits, of rung 9's kind. Two convolutions with stride 2, each with a ReLU, then a linear layer.
#
# | name | what it is | gives, for n pictures |
# |---|---|---|
# | `first` | convolution 5 × 5, stride 2 | (n, 8, 12, 12) |
# | `bend1` | ReLU | the same |
# | `second` | convolution 5 × 5, stride 2 | (n, 12, 4, 4) |
# | `bend2` | ReLU | the same |
# | `last` | linear, from the 192 numbers above | (n, 10), the logits |

# %%
class Net(nn.Module):
    """Digits (n, 1, 28, 28) → logits (n, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 8, 5, stride=2)
        self.bend1 = nn.ReLU()
        self.second = nn.Conv2d(8, 12, 5, stride=2)
        self.bend2 = nn.ReLU()
        self.last = nn.Linear(192, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.bend2(self.second(self.bend1(self.first(x)))).flatten(1))


def as_pictures(images: np.ndarray) -> Tensor:
    """Bytes (n, 28, 28) → numbers (n, 1, 28, 28) from 0, paper, to 1, ink."""
    return torch.from_numpy(images).float()[:, None] / 255


train_set, test_set = mnist("train"), mnist("test")
digits, labels = as_pictures(train_set.images), torch.from_numpy(train_set.labels)
test_digits, test_labels = as_pictures(test_set.images), torch.from_numpy(test_set.labels)
cut = len(digits) * 5 // 6
held_digits, held_labels = digits[cut:], labels[cut:]
digits, labels = digits[:cut], labels[:cut]

# %%
def fit(parameters: list[nn.Parameter] | list[Tensor], loss: Callable[[], Tensor], steps: int, rate: float) -> None:
    """Minimise with Adam; the rate falls along half a cosine."""
    optimiser = torch.optim.Adam(parameters, lr=rate)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
        value = loss()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()


def digit_loss() -> Tensor:
    """Cross-entropy on 128 drawn digits."""
    drawn = torch.randint(len(digits), (128,))
    return F.cross_entropy(net(digits[drawn]), labels[drawn])


torch.manual_seed(0)
net = Net()
fit(list(net.parameters()), digit_loss, 600, 6e-3)
with torch.no_grad():
    accuracy = float((net(test_digits).argmax(dim=1) == test_labels).float().mean())
print(f"{train_set.source}: {sum(p.numel() for p in net.parameters())} parameters, {accuracy:.2%} of the test digits")

# %% [markdown]
# Nothing in `forward` hands out what is inside. A **hook** is a function that PyTorch calls whenever a part has run, with the
# part, its inputs and its output: `part.register_forward_hook(f)`. It returns a handle, and `handle.remove()` takes the hook
# off again. What `f` returns replaces the output; if it returns nothing, the output stays.
#
# Hooks have two traps. One that is left behind goes on working in every later run. And what you keep may be changed
# afterwards: a ReLU that works in place writes over its input.

# %% exercise="record"
def record(model: nn.Module, x: Tensor, names: list[str]) -> dict[str, Tensor]:
    """Run a model once, and return what some of its parts gave.

    Parameters
    ----------
    model : any module, in the mode it is in; neither that nor its parameters change
    x : its input
    names : names of parts as `model.named_modules()` has them, inner ones such as "inner.0" too;
        perhaps none

    Returns
    -------
    name → output of that part, in the order of `names`. Copies without a graph: what a later part
    does in place does not change them. No hook is left on the model, also when the run raises an
    error, and hooks that were there before stay.

    Raises
    ------
    KeyError : a name that no part has; the model is then not run
    """
    ### BEGIN SOLUTION
    parts = dict(model.named_modules())
    missing = [name for name in names if name not in parts]
    if missing:
        raise KeyError(f"no part is called {missing}")
    seen: dict[str, Tensor] = {}

    def keeper(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def keep(part: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            seen[name] = output.detach().clone()

        return keep

    handles = [parts[name].register_forward_hook(keeper(name)) for name in names]
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return {name: seen[name] for name in names}
    ### END SOLUTION


# %% check="record"
check(record)

# %%
sample = test_digits[:1]
maps = record(net, sample, ["bend1", "bend2"])
fig, axes = plt.subplots(2, 10, figsize=(12, 2.9))
for ax in axes.flat:
    ax.set_axis_off()
axes[0, 0].imshow(sample[0, 0], cmap="gray_r")
axes[0, 0].set_title("picture", fontsize=9)
for c in range(8):
    axes[0, c + 1].imshow(maps["bend1"][0, c], cmap="viridis", vmin=0)
    axes[0, c + 1].set_title(f"bend1, {c}", fontsize=9)
for c in range(10):
    axes[1, c].imshow(maps["bend2"][0, c], cmap="viridis", vmin=0)
    axes[1, c].set_title(f"bend2, {c}", fontsize=9)
fig.suptitle("Early channels still look like the digit, later ones do not", fontsize=11)
plt.show()

# %% recall="hooks"
recall("hooks")

# %% [markdown]
# ## Which pixels count?
#
# An **attribution** shares out what a network did among its inputs. The cheapest one is the **saliency** map: how
# steeply the logit of a class rises or falls with each pixel. For our neuron at $x$ it is $(2, 1)$: the sizes of its slopes.
#
# Take the logit and not the probability. A probability of 0.9999 is flat, whatever the picture shows. And it
# falls when *another* logit rises.

# %% exercise="saliency"
def saliency(model: nn.Module, x: Tensor, classes: Tensor) -> Tensor:
    """Compute how steeply each picture's logit depends on each of its pixels.

    Parameters
    ----------
    model : pictures (n, channels, h, w) → logits (n, classes); rows do not influence each other.
        What is in its parameters' `grad`, or nothing, stays as it is
    x : shape (n, channels, h, w); it does not ask for gradients, and stays as it is
    classes : int64 of shape (n,), the class to ask of each picture, whichever the model prefers

    Returns
    -------
    shape (n, h, w), without a graph: the size of the logit's slope, the largest over the channels
    """
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    chosen = model(x).gather(1, classes[:, None])
    (slopes,) = torch.autograd.grad(chosen.sum(), x)
    return slopes.abs().amax(dim=1)
    ### END SOLUTION


# %% check="saliency"
check(saliency)

# %%
def draw_maps(pictures: Tensor, rows: dict[str, Tensor], signed: bool = False) -> None:
    """Pictures (n, 1, 28, 28), and below them a row of maps (n, 28, 28) for each name."""
    fig, axes = plt.subplots(len(rows) + 1, len(pictures), figsize=(1.25 * len(pictures), 1.35 * len(rows) + 1.35))
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
    for i, picture in enumerate(pictures):
        axes[0, i].imshow(picture[0], cmap="gray_r")
        for ax, values in zip(axes[1:, i], rows.values(), strict=True):
            top = float(values[i].abs().max())
            ax.imshow(values[i], cmap="RdBu_r" if signed else "magma", vmin=-top if signed else 0, vmax=top)
    for ax, name in zip(axes[:, 0], ["picture", *rows], strict=True):
        ax.set_ylabel(name, fontsize=9)
    plt.show()


some = test_digits[:8]
asked = test_labels[:8]
draw_maps(some, {"own class": saliency(net, some, asked), "another class": saliency(net, some, (asked + 1) % 10)})

# %% [markdown]
# The maps are specks all over the middle of the picture, and the digit can hardly be seen in them. Look at the last row: asked about *another* class, the maps look no
# different in kind. So the looks of a map are weak evidence. And like the slope of our neuron, it does not say how much of the logit a pixel is responsible for.

# %% recall="slopes"
recall("slopes")

# %% [markdown]
# ## The whole way
#
# One slope is that of one point. **Integrated gradients** {cite:p}`sundararajan2017` averages the slopes along the straight way from a baseline $x'$ to $x$, and
# multiplies by how far each input moved:
#
# $$ A_i = (x_i - x'_i) \int_0^1 \frac{\partial f}{\partial x_i}\bigl(x' + s\,(x - x')\bigr)\, ds, \qquad \sum_i A_i = f(x) - f(x'). $$
#
# The second equation is **completeness**: the shares add up to the whole difference. For our neuron the way is $(1 + 2s,\ 4 - 3s)$, where $2a - b$ is
# $-2 + 7s$. The neuron is on from $s = 2/7$, which is $5/7$ of the way. So the mean slopes are $2 · 5/7$ and $-5/7$, times 2 and $-3$:
# shares of $20/7$ and $15/7$, together 5.
#
# On a computer the integral is a mean over the middles of $n$ equal steps: $s = 0.5/n,\ 1.5/n, \dots$

# %% exercise="integrated_gradients"
def integrated_gradients(
    f: Callable[[Tensor], Tensor], x: Tensor, baseline: Tensor, steps: int
) -> Tensor:
    """Share f(x) − f(baseline) out among the inputs, row by row.

    Parameters
    ----------
    f : (n, …) → (n,), differentiable; rows do not influence each other. It takes always as many
        rows as x has
    x : shape (n, …)
    baseline : of the shape of x, where each row's way begins; any numbers
    steps : at least 1. The slope is taken in the middle of each of so many equal steps

    Returns
    -------
    of the shape of x, without a graph: the attributions, exactly 0 where an input did not move
    """
    ### BEGIN SOLUTION
    total = torch.zeros_like(x)
    for k in range(steps):
        share = (k + 0.5) / steps
        point = (baseline + share * (x - baseline)).detach().requires_grad_()
        (slope,) = torch.autograd.grad(f(point).sum(), point)
        total += slope
    return total / steps * (x - baseline)
    ### END SOLUTION


# %% check="integrated_gradients"
check(integrated_gradients)

# %% [markdown]
# Four faults of this method are known from public code. One adds the slopes and forgets to average them; one takes another factor than $x - x'$. One leaves the baseline out of
# the way, and one fixes the number of steps once for all. Completeness catches the first three. The fourth is next: how many steps are enough?

# %%
def gate(row: Tensor) -> Tensor:
    """The page's neuron: (n, 2) → (n,)."""
    return (2 * row[:, 0] - row[:, 1]).relu()


def own_logit(classes: Tensor) -> Callable[[Tensor], Tensor]:
    """The logit of each picture's own class, as a function of pictures."""
    return lambda pictures: net(pictures).gather(1, classes[:, None])[:, 0]


high, low = torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 4.0]])
picture, blank, its_class = test_digits[1:2], torch.zeros(1, 1, 28, 28), test_labels[1:2]
with torch.no_grad():
    moved = float(own_logit(its_class)(picture) - own_logit(its_class)(blank))
print(" steps   gap of the neuron   gap of the network")
gaps: dict[int, float] = {}
for n in (2, 4, 7, 8, 14, 16, 32, 64, 128, 256, 512):
    gaps[n] = float(integrated_gradients(own_logit(its_class), picture, blank, n).sum()) - moved
    neuron_gap = float(integrated_gradients(gate, high, low, n).sum()) - 5
    print(f"{n:6}   {neuron_gap:17.4f}   {gaps[n]:18.4f}")

# %% [markdown]
# The neuron's gap is 0 in seven steps, and not in eight. It is not monotone: a small gap may be luck. So take the first number of steps from which
# on *every* gap that was tried is small, as a share of the difference to be explained.

# %% exercise="enough_steps"
def enough_steps(gaps: dict[int, float], difference: float, tolerance: float = 1e-3) -> int:
    """Choose the number of steps from the gaps of completeness.

    Parameters
    ----------
    gaps : number of steps → sum of the attributions less `difference`, in any order; not empty
    difference : f(x) − f(baseline), of either sign, never 0
    tolerance : which share of the size of `difference` a gap may have, this share included

    Returns
    -------
    the smallest number of steps in `gaps` such that its gap, and the gap of every larger number in
    `gaps`, is within the tolerance

    Raises
    ------
    ValueError : the gap of the largest number of steps is not within the tolerance
    """
    ### BEGIN SOLUTION
    enough = None
    for steps in sorted(gaps, reverse=True):
        if abs(gaps[steps]) > tolerance * abs(difference):
            break
        enough = steps
    if enough is None:
        raise ValueError("not even the largest number of steps is enough")
    return enough
    ### END SOLUTION


# %% check="enough_steps"
check(enough_steps)

# %%
steps = enough_steps(gaps, moved)
shares = integrated_gradients(own_logit(its_class), picture, blank, steps)
print(f"{steps} steps; the shares add up to {shares.sum():.4f}, the logit moved by {moved:.4f}")
draw_maps(some, {"own class": integrated_gradients(own_logit(asked), some, torch.zeros_like(some), 64)[:, 0],
                 "another class": integrated_gradients(own_logit((asked + 1) % 10), some, torch.zeros_like(some), 64)[:, 0]}, signed=True)

# %% [markdown]
# Red pixels raise the logit, blue ones lower it, and now the two rows differ. The baseline matters: against black paper only ink can have a share, since
# nothing else moved. The question is always "compared with what?".

# %% recall="way"
recall("way")

# %% [markdown]
# ## What does a unit like?
#
# One can ask the other way round: which picture would excite this channel most? **Feature visualisation** starts somewhere and climbs. Each step goes a fixed
# length along the slope, however steep it is, and keeps every pixel between 0 and 1.

# %% exercise="visualise"
def visualise(unit: Callable[[Tensor], Tensor], start: Tensor, steps: int, rate: float) -> Tensor:
    """Climb to pictures that excite a unit.

    Parameters
    ----------
    unit : pictures (n, channels, h, w) → (n,), how excited the unit is by each
    start : shape (n, channels, h, w), pixels from 0 to 1; it stays as it is
    steps : how often to climb; perhaps 0
    rate : how far each picture moves in a step: the slope of a picture is divided by its own
        length, the root of the sum of squares. A picture without any slope stays as it is. After
        every step pixels are limited to [0, 1]

    Returns
    -------
    of the shape of start, without a graph
    """
    ### BEGIN SOLUTION
    x = start.detach().clone()
    for _ in range(steps):
        x.requires_grad_()
        (slope,) = torch.autograd.grad(unit(x).sum(), x)
        size = slope.flatten(1).norm(dim=1).clamp(min=1e-12).reshape(-1, 1, 1, 1)
        x = (x + rate * slope / size).clamp(0, 1).detach()
    return x
    ### END SOLUTION


# %% check="visualise"
check(visualise)

# %%
def excitement(channel: int) -> Callable[[Tensor], Tensor]:
    """How excited the middle of a channel of the second convolution is."""
    return lambda pictures: net.second(net.bend1(net.first(pictures)))[:, channel, 1:3, 1:3].mean(dim=(1, 2))


torch.manual_seed(0)
climbed = torch.cat([visualise(excitement(c), 0.1 * torch.rand(1, 1, 28, 28), 60, 0.5) for c in range(12)])
with torch.no_grad():
    best = [held_digits[excitement(c)(held_digits).topk(3).indices] for c in range(12)]
    on_made = [float(excitement(c)(climbed[c : c + 1])[0]) for c in range(12)]
    on_real = [float(excitement(c)(best[c])[0]) for c in range(12)]
print("above: what excites each channel most; below: the three held-out digits that do")
show_digits(torch.cat([climbed[:, 0], *(torch.stack([best[c][k, 0] for c in range(12)]) for k in range(3))]), columns=12)
print(f"the made pictures excite their channels {np.mean(np.array(on_made) / np.array(on_real)):.1f} times as much as the best digit does")

# %% [markdown]
# The made pictures are spots and stripes. They excite their channels more than the best digits do, and show nothing that anybody writes. That is no fault in the
# code. A small network on plain digits has no reason to be right about pictures which never occur, and there is nothing natural to climb to. The digits below
# show more: in most columns they share a stroke, at one place and in one direction. Where pictures from the data are at hand, look at them first.
#
# ## Switch it off
#
# Looking suggested that a channel answers to a stroke. Whether the network *uses* it is another question: change the channel, and see what is
# lost. For that a hook has to return something.

# %% exercise="run_with_edits"
def run_with_edits(
    model: nn.Module, x: Tensor, edits: dict[str, Callable[[Tensor], Tensor]]
) -> Tensor:
    """Run a model once, with the outputs of some parts changed on the way.

    Parameters
    ----------
    model : any module
    x : its input
    edits : name of a part, as in `record` → function of that part's output, which returns what goes
        on in its place. Perhaps empty

    Returns
    -------
    what the model gives. Gradients flow through run and edits as in a plain run. No hook is left on
    the model, also when the run raises an error, and hooks that were there before stay.

    Raises
    ------
    KeyError : a name that no part has; the model is then not run
    """
    ### BEGIN SOLUTION
    parts = dict(model.named_modules())
    missing = [name for name in edits if name not in parts]
    if missing:
        raise KeyError(f"no part is called {missing}")

    def editor(
        edit: Callable[[Tensor], Tensor],
    ) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        return lambda part, inputs, output: edit(output)

    handles = [parts[name].register_forward_hook(editor(edit)) for name, edit in edits.items()]
    try:
        return model(x)
    finally:
        for handle in handles:
            handle.remove()
    ### END SOLUTION


# %% check="run_with_edits"
check(run_with_edits)

# %% [markdown]
# **Ablation** takes a part away. Away to what? Our neuron gives 5 at $x$. With $a$ set to 0 it gives 0: an effect of 5. With $a$ set to a usual value of 2 it gives
# 3: an effect of 2. Zero may be a value which never occurs, and then you measure the shock. The mean over other pictures leaves what is always there,
# and takes away only what the part says about *this* picture.

# %% exercise="ablation_effects"
def ablation_effects(
    rest: Callable[[Tensor], Tensor], maps: Tensor, labels: Tensor, reference: Tensor
) -> tuple[Tensor, Tensor]:
    """Compute how much the loss rises when a channel is switched off, in two ways.

    Parameters
    ----------
    rest : the network after these maps: (n, channels, h, w) → logits (n, classes)
    maps : shape (n, channels, h, w), what the channels gave for the pictures that are judged; it is
        not changed
    labels : int64 of shape (n,), the right classes
    reference : shape (m, channels, h, w), what the channels gave for other pictures

    Returns
    -------
    two tensors of shape (channels,): the rise of the mean cross-entropy, in nats, when every number
    of that one channel is set to 0; and when it is set to the channel's mean over all pictures and
    places of the reference. Below 0 where the loss falls.
    """
    ### BEGIN SOLUTION
    means = reference.mean(dim=(0, 2, 3))
    untouched = F.cross_entropy(rest(maps), labels)

    def rise(channel: int, level: Tensor | float) -> Tensor:
        changed = maps.clone()
        changed[:, channel] = level
        return F.cross_entropy(rest(changed), labels) - untouched

    by_zero = [rise(c, 0.0) for c in range(maps.shape[1])]
    by_mean = [rise(c, level) for c, level in enumerate(means)]
    return torch.stack(by_zero), torch.stack(by_mean)
    ### END SOLUTION


# %% check="ablation_effects"
check(ablation_effects)

# %% [markdown]
# **Predict.** All twelve channels of `bend2`, one at a time, on 2000 held-out digits.

# %% predict="zero_or_mean"
commit("zero_or_mean", ..., sure=...)

# %%
maps = record(net, held_digits[:2000], ["bend2"])["bend2"]
usual = record(net, digits[:2000], ["bend2"])["bend2"]
with torch.no_grad():
    by_zero, by_mean = ablation_effects(lambda m: net.last(m.flatten(1)), maps, held_labels[:2000], usual)
ratio = float(by_zero.sum() / by_mean.sum())
print(f"all effects of zeros together: {by_zero.sum():.2f} nats, of means {by_mean.sum():.2f}; a ratio of {ratio:.2f}")
ratio_words = "more than 1.2 times as large" if ratio > 1.2 else "smaller by more than that" if ratio < 1 / 1.2 else "within a factor of 1.2"

# %% outcome="zero_or_mean"
outcome("zero_or_mean", ratio_words)

# %%
order = by_mean.argsort(descending=True)
fig, ax = plt.subplots(figsize=(8, 3.4))
ax.bar(np.arange(12) - 0.2, by_zero[order], 0.4, color=COLOURS["orange"])
ax.bar(np.arange(12) + 0.2, by_mean[order], 0.4, color=COLOURS["blue"])
ax.set_xticks(range(12), [str(int(c)) for c in order])
ax.set(xlabel="channel of bend2, by the effect of its mean", ylabel="rise of the loss, nats", title="What is lost depends on what is put in (orange: zeros, blue: means)")
plt.show()

# %% recall="ablation"
recall("ablation")

# %% [markdown]
# ## A claim that can fail
#
# "Channel 5 makes the fours" cannot be tested. "With channel 5 at its mean, the margin of a four falls by 2.3 to 2.6 on average" can: on fours nobody has
# looked at. The **margin** is the right logit less the best other one.
#
# There is a trap in choosing the channel. Among forty channels that all do the same, one looks best, by luck. Measured on the pictures that made it look
# best, it keeps its luck. So half of the pictures choose, and the other half measures. Pictures may come sorted, so both halves should be mixed.

# %% exercise="state_mechanism"
def state_mechanism(drops: np.ndarray) -> tuple[int, float, float]:
    """State which channel matters most and by how much, so that it holds on pictures to come.

    Parameters
    ----------
    drops : shape (pictures, channels), by how much each picture's margin fell when that channel was
        off. At least 20 pictures, perhaps sorted by kind

    Returns
    -------
    (channel, low, high): the channel with the largest mean drop in one half of the pictures
    (signed: the most positive), and a 95 % interval for its *mean* drop in new pictures of the same
    kinds, from the pictures that had no say in the choice. Both halves have about the same mix of
    kinds, however the rows are sorted. The normal interval, mean ± 1.96 standard errors, is good
    enough.
    """
    ### BEGIN SOLUTION
    choose, judge = drops[::2], drops[1::2]
    channel = int(choose.mean(axis=0).argmax())
    seen = judge[:, channel]
    half = 1.96 * seen.std(ddof=1) / np.sqrt(len(seen))
    return channel, float(seen.mean() - half), float(seen.mean() + half)
    ### END SOLUTION


# %% check="state_mechanism"
check(state_mechanism)

# %%
def margins(pictures: Tensor, right: int, channel: int | None = None) -> Tensor:
    """Right logit less the best other one, (n,); with a channel of bend2 at its usual mean."""
    level = usual.mean(dim=(0, 2, 3))

    def cut_one(output: Tensor) -> Tensor:
        changed = output.clone()
        changed[:, channel] = level[channel]
        return changed

    with torch.no_grad():
        logits = run_with_edits(net, pictures, {} if channel is None else {"bend2": cut_one})
    others = logits.clone()
    others[:, right] = -torch.inf
    return logits[:, right] - others.amax(dim=1)


def drops_of(pictures: Tensor, right: int) -> np.ndarray:
    """How far each picture's margin falls without each channel, (pictures, channels)."""
    plain = margins(pictures, right)
    return torch.stack([plain - margins(pictures, right, c) for c in range(12)], dim=1).numpy()


held = 0
for digit in range(10):
    channel, least, most = state_mechanism(drops_of(held_digits[held_labels == digit][:300], digit))
    seen = drops_of(test_digits[test_labels == digit], digit)[:, channel].mean()
    other = drops_of(test_digits[test_labels == (digit + 1) % 10], digit)[:, channel].mean()
    held += int(least <= seen <= most)
    print(f"{digit}: channel {channel:2}, a drop of {least:5.2f} to {most:5.2f}; on test digits {seen:5.2f}, on the next digit {other:6.2f}")
print(f"{held} of 10 claims hold on the test digits")

# %% [markdown]
# The last column is what makes it a mechanism: the same change moves the same margin by another amount where the digit is another one. Test pictures come from other writers, so an
# interval for "new pictures of the same kind" may fail there more often than one time in twenty.

# %% write="mechanism"
write("mechanism", """
""")

# %% recall="claim"
recall("claim")

# %% [markdown]
# ## Rows that repeat
#
# Now a transformer, as small as one can be: attention alone, no MLP. Its task is a row such as `2 7 1 8 2 7 1 8 2`. What comes next is 7: a 2 was there before, and a 7
# followed. Nothing can be learnt by heart, since every row has tokens of its own. The model must look the answer up in the row.
#
# Each row repeats after a **period** that is drawn for it. This will turn out to matter more than anything else on the page.

# %% exercise="repeated_batch"
def repeated_batch(
    n: int, vocabulary: int, length: int, shortest: int, longest: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw rows of tokens that repeat.

    Parameters
    ----------
    n : how many rows
    vocabulary : tokens are 0, 1, …, vocabulary − 1, each as likely; within a period they may occur
        twice by chance
    length : tokens in a row; it may be shorter than a period
    shortest, longest : each row's own period is drawn from these and all between, each as likely
    generator : all that is drawn is drawn from it

    Returns
    -------
    tokens, int64 of shape (n, length): from place `period` on, each is the one a period before; and
    the periods, int64 of shape (n,)
    """
    ### BEGIN SOLUTION
    periods = torch.randint(shortest, longest + 1, (n,), generator=generator)
    block = torch.randint(vocabulary, (n, longest), generator=generator)
    places = torch.arange(length) % periods[:, None]
    return block.gather(1, places), periods
    ### END SOLUTION


# %% check="repeated_batch"
check(repeated_batch)

# %% [markdown]
# Here is the model. `pattern` and `mixed` do nothing: they are there for your hooks.

# %%
VOCABULARY, LENGTH, WIDTH, HEADS = 32, 32, 32, 2


class Attention(nn.Module):
    """Rows (n, T, width) → what the heads write, (n, T, width).

    `pattern` gives the attention (n, heads, T, T), `mixed` what each head read, (n, T, heads, width / heads).
    """

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.pattern, self.mixed = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        n, length, _ = x.shape
        q, k, v = (part(x).reshape(n, length, HEADS, -1).transpose(1, 2) for part in (self.query, self.key, self.value))
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        scores = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])).masked_fill(future, -torch.inf)
        return self.out(self.mixed((self.pattern(scores.softmax(dim=-1)) @ v).transpose(1, 2)).flatten(2))


class AttentionOnly(nn.Module):
    """Tokens (n, T) → logits of the next token (n, T, vocabulary)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.layers = nn.ModuleList(Attention() for _ in range(layers))
        self.unembed = nn.Linear(WIDTH, VOCABULARY, bias=False)
        with torch.no_grad():
            self.token.weight.mul_(0.5)
            self.place.weight.mul_(0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.token(tokens) + self.place.weight[: tokens.shape[1]]
        for layer in self.layers:
            x = x + layer(x)
        return self.unembed(x)


# %% [markdown]
# ## Something happens
#
# Two numbers say what a head looks at. The first asks how much of its attention goes to the place before.

# %% exercise="previous_token_score"
def previous_token_score(attention: Tensor) -> Tensor:
    """Compute each head's mean attention to the place before.

    Parameters
    ----------
    attention : shape (n, heads, T, T), T at least 2; row i is the place that looks, column j the
        place it looks at

    Returns
    -------
    shape (heads,): the mean over all rows of the batch and all places that have one before them
    """
    ### BEGIN SOLUTION
    return attention.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))
    ### END SOLUTION


# %% check="previous_token_score"
check(previous_token_score)

# %% [markdown]
# The second asks about **induction**. At place $i$ stands some token. Wherever it stood before, at $j < i$, the place to look at is $j + 1$: what followed. In the row
# `2 7 1 8 2 7 1 8 2`, the last 2 has copies at places 0 and 4, so the places to look at are 1 and 5. A head may share its attention between
# them, and both count. One that looks at 1 and 5 with 0.4 each has 0.8; by the nearest copy alone it would have 0.4.

# %% exercise="induction_score"
def induction_score(attention: Tensor, tokens: Tensor) -> Tensor:
    """Compute each head's attention to places that follow an earlier copy of the current token.

    Parameters
    ----------
    attention : shape (n, heads, T, T); row i is the place that looks
    tokens : int64 of shape (n, T)

    Returns
    -------
    shape (heads,): at place i, the attention to *all* places j + 1 with j < i and the same token at
    j as at i, added up (if the copy is right before, that is place i itself). Then the mean over
    all places, of all rows together, that have an earlier copy. 0 where no place has one.
    """
    ### BEGIN SOLUTION
    same = tokens[:, :, None] == tokens[:, None, :]
    follows = F.pad(same.tril(-1)[:, :, :-1], (1, 0))
    counted = follows.any(dim=2)
    mass = (attention * follows[:, None]).sum(dim=3)
    return (mass * counted[:, None]).sum(dim=(0, 2)) / counted.sum().clamp(min=1)
    ### END SOLUTION


# %% check="induction_score"
check(induction_score)

# %%
def next_token_loss(logits: Tensor, tokens: Tensor) -> Tensor:
    """Cross-entropy of every next token, (n, T − 1)."""
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")


@torch.no_grad()
def head_scores(model: nn.Module, layers: int, shortest: int, longest: int) -> dict[str, float]:
    """Best induction and previous-token score of any head, and the loss where the row has begun to repeat."""
    tokens, periods = repeated_batch(96, VOCABULARY, LENGTH, shortest, longest, torch.Generator().manual_seed(99))
    names = [f"layers.{k}.pattern" for k in range(layers)]
    seen = record(model, tokens, names)
    repeats = torch.arange(1, LENGTH) > periods[:, None]
    return {
        "induction": max(float(induction_score(a, tokens).max()) for a in seen.values()),
        "previous": max(float(previous_token_score(a).max()) for a in seen.values()),
        "loss": float(next_token_loss(model(tokens), tokens)[repeats].mean()),
    }


def train_attention(layers: int, shortest: int, longest: int, steps: int, seed: int) -> tuple[AttentionOnly, dict[str, list[float]]]:
    """Train on repeating rows; return the model, and its scores every ten steps."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = AttentionOnly(layers)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2, betas=(0.9, 0.98))
    history: dict[str, list[float]] = {"step": [], "induction": [], "previous": [], "loss": []}
    for step in range(steps + 1):
        if step % 10 == 0:
            for name, value in {"step": step, **head_scores(model, layers, shortest, longest)}.items():
                history[name].append(value)
        optimiser.param_groups[0]["lr"] = 1e-2 * min(1.0, (step + 1) / 50)
        tokens, _ = repeated_batch(32, VOCABULARY, LENGTH, shortest, longest, generator)
        loss = next_token_loss(model(tokens), tokens).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model, history


two, of_two = train_attention(layers=2, shortest=6, longest=16, steps=400, seed=1)
fig, axes = plt.subplots(1, 2, figsize=(12, 4))
plot_curves({"loss": (of_two["step"], of_two["loss"])}, xlabel="step", ylabel="loss once the row repeats, nats",
            title="A plateau, then a fall", ax=axes[0])
plot_curves({"best induction head": (of_two["step"], of_two["induction"]), "best previous-token head": (of_two["step"], of_two["previous"])},
            xlabel="step", ylabel="score", title="The heads form while the loss falls", ax=axes[1])
plt.show()
print(f"after 400 steps: induction {of_two['induction'][-1]:.2f}, previous token {of_two['previous'][-1]:.2f}, loss {of_two['loss'][-1]:.2f}")

rows, _ = repeated_batch(96, VOCABULARY, LENGTH, 6, 16, torch.Generator().manual_seed(99))
earlier = (rows[:, :, None] == rows[:, None, :]).tril(-1)
nearest = earlier & (earlier.flip(2).cumsum(dim=2).flip(2) == 1)  # at each place, the last of its earlier copies
looked = record(two, rows, ["layers.1.pattern"])["layers.1.pattern"][:, :, :, 1:]
on_nearest = (looked * nearest[:, None, :, :-1]).sum(dim=3)
print(f"by the nearest copy alone it would be {(on_nearest.sum(dim=(0, 2)) / nearest.any(dim=2).sum()).max():.2f}")

# %% [markdown]
# This is a **phase change**: for a while nothing, and then two things at once. A head in the first layer begins to look one place back, and heads in the second
# begin to look after copies. {cite:t}`olsson2022` saw the same bump in the loss of large language models, at the same moment as these heads. An **induction head** is what the second layer has now.
# Counted by the nearest copy alone, no head would reach 0.5.
#
# **Predict.** One layer, the same rows, the same training.

# %% predict="one_layer"
commit("one_layer", ..., sure=...)

# %%
one, of_one = train_attention(layers=1, shortest=6, longest=16, steps=400, seed=1)
print(f"one layer: induction {of_one['induction'][-1]:.2f}, previous token {of_one['previous'][-1]:.2f}, loss {of_one['loss'][-1]:.2f}")


def in_words(score: float) -> str:
    """Which of the choices a score is."""
    return "below 0.3" if score < 0.3 else "above 0.7" if score > 0.7 else "0.3 to 0.7"


# %% outcome="one_layer"
outcome("one_layer", in_words(of_one["induction"][-1]))

# %% [markdown]
# See it form, in your browser and with nothing recorded: start the training, watch the heads, then click one of them off. Take
# one layer instead of two as the control.

# %%
induction_figure()

# %% [markdown]
# ## What the score does not say
#
# **Predict.** Many tutorials use one period throughout. Train the same one-layer model on rows that all have period 16.

# %% predict="fixed_period"
commit("fixed_period", ..., sure=...)

# %%
fixed, of_fixed = train_attention(layers=1, shortest=16, longest=16, steps=300, seed=1)
print(f"one layer, period 16 throughout: induction {of_fixed['induction'][-1]:.2f}, loss {of_fixed['loss'][-1]:.2f}")

# %% outcome="fixed_period"
outcome("fixed_period", in_words(of_fixed["induction"][-1]))

# %%
elsewhere = head_scores(fixed, 1, 6, 16)
print(f"the same model on random periods: induction {elsewhere['induction']:.2f}, loss {elsewhere['loss']:.2f}")
same_period, _ = repeated_batch(96, VOCABULARY, LENGTH, 16, 16, torch.Generator().manual_seed(99))
far_back = record(fixed, same_period, ["layers.0.pattern"])["layers.0.pattern"].diagonal(-15, dim1=2, dim2=3)[:, :, 1:]
print(f"on its own rows, once they repeat: {far_back.mean(dim=(0, 2)).max():.2f} of a head's attention goes 15 places back")
row, _ = repeated_batch(1, VOCABULARY, LENGTH, 9, 9, torch.Generator().manual_seed(4))
shown = {"two layers, random periods": record(two, row, ["layers.1.pattern"])["layers.1.pattern"],
         "one layer, fixed period": record(fixed, row, ["layers.0.pattern"])["layers.0.pattern"]}
fig, axes = plt.subplots(1, 2, figsize=(11, 5))
for ax, (name, attention) in zip(axes, shown.items(), strict=True):
    best_head = int(induction_score(attention, row).argmax()) if name.startswith("two") else int(attention[0, :, 20:, :].amax(dim=2).mean(dim=1).argmax())
    ax.imshow(attention[0, best_head], cmap="Blues", vmin=0, vmax=1)
    ax.grid(False)
    for back in (8, 17, 26):  # one, two and three periods of 9, and then one place on
        ax.plot(np.arange(LENGTH - back - 1) + 1, np.arange(back + 1, LENGTH), ".", color=COLOURS["orange"], ms=4)
    ax.set(xlabel="place it looks at", ylabel="place that looks", title=name)
fig.suptitle("A row of period 9: one head looks after earlier copies (dots), the other 15 places back", fontsize=11)
plt.show()

# %% [markdown]
# The second model has learnt "look 15 places back". Where every period is 16, that *is* the place after the copy, so the score cannot tell the two apart. What it lacks to 1 is mostly
# chance copies early in a row, where nothing stands 15 places back. The score says what was looked at and not why. A test for induction must break every other explanation. That is your task: you are handed a head, and name it.
#
# | name | when |
# |---|---|
# | `"position"` | its attention hardly depends on the tokens: for any two rows it is the same within 0.05 |
# | `"induction"` | else, if at least 0.5 of its attention lies on places after earlier copies, whatever the distance |
# | `"duplicate token"` | else, if at least 0.5 lies on the earlier copies themselves |
# | `"something else"` | else |

# %% exercise="name_head"
def name_head(
    head: Callable[[Tensor], Tensor], vocabulary: int, length: int, generator: torch.Generator
) -> str:
    """Say what a head does, from tests of your own.

    Parameters
    ----------
    head : tokens (n, length), n at most 64 → its attention (n, length, length). It may be asked
        several times
    vocabulary : how many tokens there are, at least 20
    length : at least 24, and the only length that the head takes
    generator : for what you draw

    Returns
    -------
    the first name of the table that fits. Attention is measured as a mean over the places that have
    an earlier copy, in rows of your making. Clear cases alone are asked: shares below 0.3 or above
    0.6, and heads that depend on tokens plainly or not at all. Some look right at one distance and
    no other.
    """
    ### BEGIN SOLUTION
    shortest, longest = length // 4, length // 2
    tokens, _ = repeated_batch(32, vocabulary, length, shortest, longest, generator)
    others, _ = repeated_batch(32, vocabulary, length, shortest, longest, generator)
    attention = head(tokens)
    if (attention - head(others)).abs().amax() < 0.05:
        return "position"
    if induction_score(attention[:, None], tokens)[0] >= 0.5:
        return "induction"
    # what went to a copy, at the place after it
    one_later = F.pad(attention, (1, 0))[:, None, :, :-1]
    on_copies = induction_score(one_later, tokens)[0]
    return "duplicate token" if on_copies >= 0.5 else "something else"
    ### END SOLUTION


# %% check="name_head"
check(name_head)

# %%
def head_of(model: nn.Module, layer: int, head: int) -> Callable[[Tensor], Tensor]:
    """One head of a model, as tokens → attention."""
    return lambda tokens: record(model, tokens, [f"layers.{layer}.pattern"])[f"layers.{layer}.pattern"][:, head]


for name, model, layers in (("two layers", two, 2), ("one layer", one, 1), ("fixed period", fixed, 1)):
    for layer in range(layers):
        for head in range(HEADS):
            print(f"{name:<13} layer {layer}, head {head}: {name_head(head_of(model, layer, head), VOCABULARY, LENGTH, torch.Generator().manual_seed(0))}")

# %% [markdown]
# No head of a one-layer model is called an induction head, whatever its score. Trained heads are seldom pure, though. In the figure, the head on the right
# spreads over early places where nothing stands 15 places back. There its attention depends on the tokens, so `"position"` does not fit it either.
#
# ## One head at a time
#
# The heads of the second layer look where they should. Do they *carry* the prediction? **Activation patching** takes two runs: a clean one, and a corrupted one in which the needed token
# is another. Then it puts one part's clean output into the corrupted run. The normalised effect is the share of the way back:
#
# $$ \frac{\text{patched} - \text{corrupted}}{\text{clean} - \text{corrupted}}. $$
#
# Our neuron again, with $x$ clean and $x'$ corrupted: $a$ alone brings back $f(3, 4) = 2$, a share of $2/5$. $b$ alone brings back $f(1, 1) = 1$, so $1/5$. Both together
# bring back everything. Shares of patching need *not* add up.

# %% exercise="patching_effect"
def patching_effect(
    model: nn.Module,
    clean: Tensor,
    corrupted: Tensor,
    part: str,
    head: int,
    metric: Callable[[Tensor], float],
) -> float:
    """Compute how much of a lost score one head's clean output brings back.

    Parameters
    ----------
    model : any module; no hook is left on it
    clean, corrupted : inputs of one shape, batch first; row k of one belongs to row k of the other
    part : name of a part whose output has shape (n, T, heads, size)
    head : which head, from 0; its clean output goes in at all places, and the other heads keep what
        they gave. The tensor that the part gave is not written over: the model may use it once more
    metric : the model's output → a number

    Returns
    -------
    (patched − corrupted) / (clean − corrupted) of the metric. 0: nothing was brought back; 1: all
    of it. It may lie outside 0 to 1.

    Raises
    ------
    ValueError : clean and corrupted differ by less than 1e-6 in the metric
    """
    ### BEGIN SOLUTION
    own = record(model, clean, [part])[part]

    def put_in(output: Tensor) -> Tensor:
        changed = output.clone()
        changed[:, :, head] = own[:, :, head]
        return changed

    with torch.no_grad():
        high, low = metric(model(clean)), metric(model(corrupted))
        if abs(high - low) < 1e-6:
            raise ValueError("both runs score the same: there is no effect to bring back")
        patched = metric(run_with_edits(model, corrupted, {part: put_in}))
    return (patched - low) / (high - low)
    ### END SOLUTION


# %% check="patching_effect"
check(patching_effect)

# %% [markdown]
# The clean rows repeat after 12 places. In the corrupted ones the *followers* in the first copy are others, so the answer can no longer be looked up. The metric is the mean
# log-probability of the clean answer at the last place.

# %%
clean, _ = repeated_batch(64, VOCABULARY, 21, 12, 12, torch.Generator().manual_seed(7))
answer = clean[:, 9]  # the last place, 20, is a copy of place 8
corrupted = clean.clone()
corrupted[:, 9] = (answer + 1 + torch.randint(VOCABULARY - 1, (64,), generator=torch.Generator().manual_seed(8))) % VOCABULARY


def answer_score(logits: Tensor) -> float:
    """Mean log-probability of the clean answer at the last place."""
    return float(logits[:, -1].log_softmax(dim=1).gather(1, answer[:, None]).mean())


shares_back = np.array([[patching_effect(two, clean, corrupted, f"layers.{k}.mixed", h, answer_score) for h in range(HEADS)] for k in range(2)])
fig, ax = plt.subplots(figsize=(4.6, 3.2))
drawn = ax.imshow(shares_back, cmap="Blues", vmin=0, vmax=1)
ax.grid(False)
for k in range(2):
    for h in range(HEADS):
        ax.annotate(f"{shares_back[k, h]:.2f}", (h, k), ha="center", va="center", color="white" if shares_back[k, h] > 0.6 else "black")
ax.set(xticks=range(HEADS), yticks=range(2), xlabel="head", ylabel="layer", title="What each head brings back")
fig.colorbar(drawn, label="share of the lost score")
plt.show()

# %% [markdown]
# The heads of the second layer carry the answer, and their shares add up to more than 1: each alone does most of it. Those of the first layer bring nothing back. What they know
# of place 9 is which token stood *before* it, and that is the same in both runs. A share below 0 says that a mixture of two runs may be worse than either. So a result of
# patching is always one of a *pair* of runs: corrupt something else, and other heads matter.
#
# ## Write it yourself
#
# The best proof that a mechanism suffices is to build it. Take a stream with four parts side by side:
#
# | part | columns | holds at the start |
# |---|---|---|
# | token | $V$ | 1 at the token |
# | place | $T$ | 1 at the place |
# | before | $V$ | 0 |
# | predicted | $V$ | 0 |
#
# A layer of one head is two square matrices of side $3V + T$. With `look`, place $i$ gives place $j$ the score $x_i^\top L\, x_j$, then come the mask and the softmax. With `write`, it adds
# $\sum_j \alpha_{ij}\, x_j^\top W$ to the stream. So an entry of $L$ says: a place with this (row) likes a place with that (column). An entry of $W$ says: read here (row), write there (column).
#
# In `2 7 1 8 2`, the last 2 has to find the place that has a 2 *before* it. Mind the very first place: it can only look at itself.

# %% exercise="induction_by_hand"
def induction_by_hand(vocabulary: int, length: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Write down the weights of a two-layer model that does induction.

    Parameters
    ----------
    vocabulary : V, the number of tokens, at least 4
    length : T, the longest row, at least 6; shorter rows occur

    Returns
    -------
    look and write of the first layer, look and write of the second: four finite float tensors of
    side 3V + T, for a stream with parts token, place, before, predicted in this order, run as
    described above. With them, in every row:
    - in the first layer each place but the first gives more than 0.99 of its attention to the place
      before it;
    - after it, the third part holds the token before, within 0.03, at each place but the first;
    - in the second layer a place whose token occurred earlier gives more than 0.99 of its attention
      to the places after these copies (for a copy right before, that is itself);
    - after it, the largest number in the fourth part stands at the token that followed, by more
      than 0.5 where the token occurred once before.
    """
    ### BEGIN SOLUTION
    size = 3 * vocabulary + length
    token = torch.arange(vocabulary)
    place = vocabulary + torch.arange(length)
    before, predicted = token + vocabulary + length, token + 2 * vocabulary + length
    look, write, look_again, write_again = torch.zeros(4, size, size)
    look[place[1:], place[:-1]] = 40.0
    write[token, before] = 1.0
    look_again[token, before] = 40.0
    # the first place looked at itself: it holds its own token as the one before
    look_again[token, place[0]] = -80.0
    write_again[token, predicted] = 1.0
    return look, write, look_again, write_again
    ### END SOLUTION


# %% check="induction_by_hand"
check(induction_by_hand)

# %% [markdown]
# The second layer compares with what the *first* wrote. That is why one layer cannot do it: when it compares, nobody has yet noted which token stood before each place.

# %% recall="byhand"
recall("byhand")

# %% [markdown]
# ## What a probe can say
#
# If the first layer writes down the token before, one should be able to read it off. A **linear probe** is a linear map fitted from activations to a property. Ours is the
# simplest: least squares to columns of 0 and 1, with a penalty, and an answer in closed form. It minimises
#
# $$ \frac{1}{n} \sum_{i} \lVert W^\top h_i + b - y_i \rVert^2 + \lambda \lVert W \rVert^2 . $$

# %% exercise="linear_probe"
def linear_probe(
    acts: Tensor, labels: Tensor, classes: int, penalty: float
) -> tuple[Tensor, Tensor]:
    """Fit a linear map from activations to classes, in closed form.

    Parameters
    ----------
    acts : float32 of shape (n, d), n at least 1; n may be smaller than d
    labels : int64 of shape (n,), from 0 to classes − 1; some may not occur
    classes : how many there are
    penalty : λ > 0 in the formula above; the bias is not penalised

    Returns
    -------
    weight (d, classes) and bias (classes,), float32, with the lowest penalised error; `acts @
    weight + bias` is the prediction of columns that are 1 for the class and 0 else
    """
    ### BEGIN SOLUTION
    goals = F.one_hot(labels, classes).to(acts.dtype)
    middle, goal = acts.mean(dim=0), goals.mean(dim=0)
    x, y = acts - middle, goals - goal
    n, d = x.shape
    weight = torch.linalg.solve(x.T @ x / n + penalty * torch.eye(d), x.T @ y / n)
    return weight, goal - middle @ weight
    ### END SOLUTION


# %% check="linear_probe"
check(linear_probe)

# %% [markdown]
# A probe with a high accuracy may have learnt the property by heart. So give it a **control task** {cite:p}`hewitt2019`: every *type*, here every token before, gets a label at random, the same
# wherever it occurs. A probe that does well there too has shown its own memory, and not what the model knows. The difference is its **selectivity**.

# %% exercise="selectivity"
def selectivity(
    acts: Tensor,
    labels: Tensor,
    types: Tensor,
    held: Tensor,
    fit: Callable[[Tensor, Tensor], Callable[[Tensor], Tensor]],
    generator: torch.Generator,
) -> tuple[float, float]:
    """Compare a probe's accuracy with that of its control task.

    Parameters
    ----------
    acts : shape (n, d)
    labels : int64 of shape (n,); all rows of one type have the same label
    types : int64 of shape (n,), any numbers
    held : bool of shape (n,), the rows to judge on; every type occurs among the others
    fit : activations, labels → a function from activations to predicted labels; called once for
        each of the two tasks, the real one first
    generator : all that is drawn is drawn from it

    Returns
    -------
    the accuracies, on held-out rows, of a probe fitted to the real labels of the other rows, and of
    one fitted to control labels there. For the control, the labels that the types have are handed
    out to the types in a random order: each type has one label in all rows, and each label goes to
    as many types as before.
    """
    ### BEGIN SOLUTION
    kinds, which = types.unique(return_inverse=True)
    own = torch.stack([labels[which == k][0] for k in range(len(kinds))])
    control = own[torch.randperm(len(kinds), generator=generator)][which]

    def accuracy(goal: Tensor) -> float:
        predict = fit(acts[~held], goal[~held])
        return float((predict(acts[held]) == goal[held]).float().mean())

    return accuracy(labels), accuracy(control)
    ### END SOLUTION


# %% check="selectivity"
check(selectivity)

# %% [markdown]
# **Predict.** The property: is the token before an even number? It is read off what the first layer gave. Its control hands "even" and "odd" out to the 32 tokens at random.

# %% predict="control_accuracy"
commit("control_accuracy", ..., sure=...)

# %%
def ridge(acts: Tensor, labels: Tensor) -> Callable[[Tensor], Tensor]:
    """Fit your probe; return its predictions."""
    weight, bias = linear_probe(acts, labels, int(labels.max()) + 1, 1e-4)
    return lambda rows: (rows @ weight + bias).argmax(dim=1)


rows, _ = repeated_batch(160, VOCABULARY, LENGTH, 6, 16, torch.Generator().manual_seed(5))
wrote = record(two, rows, ["layers.0"])["layers.0"][:, 1:].flatten(0, 1)
tokens_before = rows[:, :-1].flatten()
held_rows = (torch.arange(len(rows)) % 3 == 0).repeat_interleave(LENGTH - 1)
real, control = selectivity(wrote, 1 - tokens_before % 2, tokens_before, held_rows, ridge, torch.Generator().manual_seed(0))
identity, _ = selectivity(wrote, tokens_before, tokens_before, held_rows, ridge, torch.Generator().manual_seed(0))
print(f"even or odd: {real:.1%}; the control: {control:.1%}; which of the 32 tokens: {identity:.1%}")

# %% outcome="control_accuracy"
outcome("control_accuracy", 100 * control)

# %% [markdown]
# The model was never asked whether a number is even. The probe answers all the same, and the control shows why. The activations often say *which* token it was, and from that any
# labelling of tokens can be learnt in part. The honest finding is the last number, against 3 % by chance. "The model knows even from odd" would not be one.

# %% recall="probe"
recall("probe")

# %% [markdown]
# ## More features than room
#
# Single channels were hard to name. One reason is **superposition** {cite:p}`elhage2022`: if features are rare, a network can keep more of them than it has neurons. Their directions then overlap, and
# every neuron takes part in several. The toy model has features $x$, mostly 0, squeezes them through few numbers, $h = xW$, and gives back $\hat x = \max(0, hW^\top + b)$.

# %%
def rare(n: int, features: int, often: float, generator: torch.Generator | None = None) -> Tensor:
    """Features of size 0 to 1, each there with probability `often`, (n, features)."""
    return torch.rand(n, features, generator=generator) * (torch.rand(n, features, generator=generator) < often)


def squeeze(features: int, room: int, often: float, steps: int, seed: int) -> Tensor:
    """Train the toy model; return its directions (features, room)."""
    torch.manual_seed(seed)
    directions = (0.3 * torch.randn(features, room)).requires_grad_()
    offset = torch.zeros(features, requires_grad=True)

    def loss() -> Tensor:
        x = rare(512, features, often)
        return (x - (x @ directions @ directions.T + offset).relu()).square().sum(dim=1).mean()

    fit([directions, offset], loss, steps, 2e-2)
    return directions.detach()


fig, axes = plt.subplots(1, 3, figsize=(11, 3.9), sharex=True, sharey=True)
for ax, often in zip(axes, (1.0, 0.3, 0.05), strict=True):
    for k, (across, up) in enumerate(squeeze(5, 2, often, 500, 0).tolist()):
        ax.plot([0, across], [0, up], "-o", color=list(COLOURS.values())[k % len(COLOURS)], lw=2, ms=4)
    ax.set(aspect="equal", xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), xlabel="first number of h", title=f"each is there {often:.0%} of the time")
axes[0].set_ylabel("second number of h")
fig.suptitle("Five features in two numbers: only where they are rare does each keep a whole direction", fontsize=11)
plt.show()

# %% [markdown]
# At 5 % all five have a direction, like a pentagon, though there is room for two at right angles. Two features at once are rare, so the overlap seldom hurts, and the ReLU takes off what is left of it.
# Move how rare they are, and how much each of them matters:

# %%
superposition_figure()

# %% [markdown]
# ## Take them apart again
#
# Given $h$ alone, can the features be found? A **sparse autoencoder** has more codes than $h$ has numbers, and pays for each that it uses. With encoder $E$, offset $o$, decoder $D$ and centre $c$:
#
# $$ z = \max(0, (h - c)E + o), \qquad \text{loss} = \lVert h - c - zD \rVert^2 + \lambda \sum_k z_k \lVert D_k \rVert . $$

# %% exercise="sparse_loss"
def sparse_loss(
    x: Tensor, encoder: Tensor, offset: Tensor, decoder: Tensor, centre: Tensor, penalty: float
) -> tuple[Tensor, Tensor]:
    """Compute the loss of a sparse autoencoder.

    Parameters
    ----------
    x : shape (n, d), what is to be taken apart
    encoder : shape (d, codes)
    offset : shape (codes,)
    decoder : shape (codes, d)
    centre : shape (d,)
    penalty : λ ≥ 0

    Returns
    -------
    the loss, one number: squared error and cost added up over a row, then the mean over rows, as
    above; and the codes (n, codes). Gradients reach all four parts, through the lengths of the
    decoder's rows too.
    """
    ### BEGIN SOLUTION
    codes = ((x - centre) @ encoder + offset).relu()
    error = (x - centre - codes @ decoder).square().sum(dim=1)
    cost = (codes * decoder.norm(dim=1)).sum(dim=1)
    return (error + penalty * cost).mean(), codes
    ### END SOLUTION


# %% check="sparse_loss"
check(sparse_loss)

# %%
TRUE, ROOM, CODES = 20, 8, 40
directions = squeeze(TRUE, ROOM, 0.05, 1000, 0)


def take_apart(penalty: float, steps: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Train a sparse autoencoder on the toy model's h; return encoder, offset, decoder, centre."""
    torch.manual_seed(seed)
    decoder = F.normalize(torch.randn(CODES, ROOM), dim=1).requires_grad_()
    encoder = decoder.detach().T.clone().requires_grad_()
    offset, centre = torch.zeros(CODES, requires_grad=True), torch.zeros(ROOM, requires_grad=True)

    def loss() -> Tensor:
        return sparse_loss(rare(512, TRUE, 0.05) @ directions, encoder, offset, decoder, centre, penalty)[0]

    fit([encoder, offset, decoder, centre], loss, steps, 1e-2)
    return encoder.detach(), offset.detach(), decoder.detach(), centre.detach()


apart = take_apart(0.2, 1200, 0)

# %% [markdown]
# A low loss does not say that the *right* features were found. Here the truth is known, so it can be asked. Each found direction may be matched with one true feature at most, so that
# a feature found twice is not counted twice. A code that is never used is **dead**, and its direction means nothing.

# %% exercise="match_features"
def match_features(found: Tensor, true: Tensor, least: float) -> list[tuple[int, int, float]]:
    """Match found directions with true ones, one to one.

    Parameters
    ----------
    found : shape (k, d); rows shorter than 1e-6 are dead and left out. Perhaps fewer than there are
        true ones, or none alive
    true : shape (m, d), of any length but 0
    least : from −1 to 1, the cosine from which on a feature counts as found

    Returns
    -------
    tuples (row of true, row of found, cosine) in the order of `true`. The matching is the one whose
    cosines add up to most; the opposite direction has cosine −1. As many pairs are made as there
    are true or living rows, whichever is fewer, and those with a cosine below `least` are then
    dropped.
    """
    ### BEGIN SOLUTION
    from scipy.optimize import linear_sum_assignment

    alive = (found.norm(dim=1) >= 1e-6).nonzero()[:, 0]
    cosines = F.normalize(true, dim=1) @ F.normalize(found[alive], dim=1).T
    rows, columns = linear_sum_assignment(-cosines.detach().numpy())
    pairs = [
        (int(i), int(alive[k]), float(cosines[i, k])) for i, k in zip(rows, columns, strict=True)
    ]
    return [pair for pair in pairs if pair[2] >= least]
    ### END SOLUTION


# %% check="match_features"
check(match_features)

# %%
fresh = rare(4000, TRUE, 0.05, torch.Generator().manual_seed(3))
squeezed = fresh @ directions
print("penalty   active a row   dead of 40   found of 20   smallest cosine   squared error")
for penalty in (0.02, 0.2):
    parts = apart if penalty == 0.2 else take_apart(penalty, 1200, 0)
    with torch.no_grad():
        _, codes = sparse_loss(squeezed, *parts, penalty)
        error, _ = sparse_loss(squeezed, *parts, 0.0)
    used = (codes > 0).float().mean(dim=0) > 1e-3
    pairs = match_features(parts[2] * used[:, None], directions, 0.9)
    print(f"{penalty:7}   {(codes > 0).float().sum(dim=1).mean():12.2f}   {int((~used).sum()):10}   {len(pairs):11}   {min(c for *_, c in pairs):15.3f}   {error:13.4f}")
baseline = match_features(F.normalize(torch.randn(CODES, ROOM, generator=torch.Generator().manual_seed(1)), dim=1), directions, 0.9)
print(f"forty random directions find {len(baseline)}")

# %% [markdown]
# Without enough penalty the autoencoder rebuilds $h$ well and finds the wrong directions. With it, all twenty are there, in eight numbers. But more codes are in use than the twenty, and without
# the truth nobody could say which of them to leave out. The penalty has a second price: codes come out too small, since a smaller one is
# cheaper. This **shrinkage** can be made up for in part, with one factor a feature.

# %% exercise="unshrink"
def unshrink(x: Tensor, codes: Tensor, decoder: Tensor, centre: Tensor) -> Tensor:
    """Find the factors that make up for shrunken codes.

    Parameters
    ----------
    x : shape (n, d)
    codes : shape (n, k), none below 0; some features may never be active
    decoder : shape (k, d), rows of any length but 0
    centre : shape (d,)

    Returns
    -------
    shape (k,): the factors s for which the squared error of centre + (s · codes) @ decoder, over
    all of x, is smallest, all chosen together. 1 for a feature that is never active.
    """
    ### BEGIN SOLUTION
    alive = codes.sum(dim=0) > 0
    active, rows = codes[:, alive], decoder[alive]
    factors = torch.ones(codes.shape[1])
    if alive.any():
        left = (active.T @ active) * (rows @ rows.T)
        right = ((active.T @ (x - centre)) * rows).sum(dim=1)
        factors[alive] = torch.linalg.lstsq(left, right[:, None]).solution[:, 0]
    return factors
    ### END SOLUTION


# %% check="unshrink"
check(unshrink)

# %%
with torch.no_grad():
    _, codes = sparse_loss(squeezed, *apart, 0.2)
used = (codes > 0).float().mean(dim=0) > 1e-3
pairs = match_features(apart[2] * used[:, None], directions, 0.9)
factors = unshrink(squeezed, codes, apart[2], apart[3])
k_true, k_found = [k for k, _, _ in pairs], [k for _, k, _ in pairs]
reached = codes[:, k_found] * apart[2][k_found].norm(dim=1)
meant = fresh[:, k_true] * directions[k_true].norm(dim=1)
fig, ax = plt.subplots(figsize=(5, 4.2))
ax.plot(meant.flatten(), reached.flatten(), ".", ms=2, alpha=0.4, color=COLOURS["orange"])
ax.plot(meant.flatten(), (reached * factors[k_found]).flatten(), ".", ms=2, alpha=0.3, color=COLOURS["blue"])
ax.plot([0, 1.1], [0, 1.1], color=COLOURS["grey"], lw=1)
ax.set(xlabel="true size of a feature", ylabel="size in the code", title="Codes are too small (orange); factors help (blue)")
plt.show()
rebuilt = [float((squeezed - apart[3] - (codes * s) @ apart[2]).square().sum(dim=1).mean()) for s in (1.0, factors)]
print(f"squared error {rebuilt[0]:.4f} before, {rebuilt[1]:.4f} after; the mean factor of the features that were found is {factors[k_found].mean():.2f}")

# %% recall="sparse"
recall("sparse")

# %% [markdown]
# ## A study of your own
#
# The last question is yours to settle. The second layer reads what a previous-token head wrote. Is it *this* head that induction needs, or would the loss of any head of the first layer
# do as much harm? You have a laboratory, and a budget of trainings.
#
# `laboratory.score(seed)` trains a model with that seed, at the price of one, and gives its induction score. For a seed that is trained, two more scores are free. `score(seed, "previous")` is that of the
# same model with its previous-token head off, and `score(seed, "other")` with the other head of the first layer off. Some seeds learn no induction within the time. Seeds differ, so a single one proves nothing.
#
# Hand in a conclusion and its evidence: a 95 % interval for the mean of (score with the other head off) − (score with the previous-token head off). `"specific"` needs the whole interval above 0.1, `"not specific"`
# needs it below 0.1, and everything else is `"undecided"`.

# %% exercise="study_heads"
def study_heads(laboratory: Any, budget: int) -> tuple[str, float, float]:
    """Settle whether induction needs the previous-token head in particular.

    Parameters
    ----------
    laboratory : as described above; its only method is score(seed, off=None). Seeds are whole
        numbers from 0
    budget : how many seeds it trains, from 0 to budget − 1; any other raises RuntimeError

    Returns
    -------
    (conclusion, low, high): one of the three conclusions, and the 95 % interval it rests on.
    - All seeds that the budget allows are trained, and all three scores of each are asked for.
    - A seed whose whole model scores below 0.7 has learnt no induction and is left out; nothing
      else is.
    - Differences are taken within a seed; the interval is Student's, for their mean.
    - With fewer than three seeds left: ("undecided", -1.0, 1.0).
    """
    ### BEGIN SOLUTION
    from scipy import stats

    differences = []
    for seed in range(budget):
        whole = laboratory.score(seed)
        other_off, previous_off = (
            laboratory.score(seed, "other"),
            laboratory.score(seed, "previous"),
        )
        if whole >= 0.7:
            differences.append(other_off - previous_off)
    n = len(differences)
    if n < 3:
        return "undecided", -1.0, 1.0
    middle = float(np.mean(differences))
    half = float(stats.t.ppf(0.975, n - 1) * np.std(differences, ddof=1) / np.sqrt(n))
    low, high = middle - half, middle + half
    if low > 0.1:
        return "specific", low, high
    return ("not specific" if high < 0.1 else "undecided"), low, high
    ### END SOLUTION


# %% check="study_heads"
check(study_heads)

# %% [markdown]
# Twelve models of this page were trained beforehand, with these very heads switched off by their mean. Here is what your study makes of them, and beside it the controls with one layer.

# %%
kept = measured("induction_heads")
print(f"recorded beforehand: {kept['command']}\n{kept['date']}, {kept['hardware']}\n")


class Laboratory:
    """The recorded trainings, a seed each."""

    def score(self, seed: int, off: str | None = None) -> float:
        """The induction score of a seed's model, whole or with a head off."""
        if seed >= len(kept["two_layers"]):
            raise RuntimeError("the budget is spent")
        return kept["two_layers"][seed][off or "whole"]


for name in ("whole", "previous", "other"):
    values = [row[name] for row in kept["two_layers"]]
    print(f"two layers, {name if name == 'whole' else name + ' off':<13} {np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}")
for name, words in (("one_layer", "one layer, random periods"), ("fixed_period", "one layer, period 16 alone")):
    values = [row["whole"] for row in kept[name]]
    print(f"{words} {np.mean(values):.2f} ± {np.std(values, ddof=1):.2f}")
for few in (4, len(kept["two_layers"])):
    verdict, least, most = study_heads(Laboratory(), few)
    print(f"{few} trainings: {verdict}, from {least:.2f} to {most:.2f}")

# %% [markdown]
# ## The same in GPT-2
#
# Does a model that read the web have such heads? The run `gpt2_induction` reads repeated random tokens with OpenAI's GPT-2 {cite:p}`radford2019`, scores all of
# its heads with the two scores of this page, and takes heads out one by one. It needs the published weights, which
# `transformers` fetches where there is a network. Heads to look for, as published for GPT-2 small: L5H5 with 0.93, L6H9 and L7H10 with 0.91.
#
# The weights were never trained on rows like these. So the mechanism, if you find it, is not a product of your training task.

# %% tags=["real-run"]
run("gpt2_induction")

# %%
recorded("gpt2_induction")

# %% [markdown]
# ## Go further
#
# **Path by path.** Which of the two first-layer heads does the induction head read? Patch only what one head sends to the other's keys.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# An edit that changes the input of the second layer's `key` alone, with the first head's clean part put in. The same for `query` and `value`.
# Several seeds. Whether the keys carry it and the others do not, and any seed in which that is false.
# :::
#
# **Features of digits.** Train a sparse autoencoder on `bend2` of the network for digits. Can its codes be named better than channels?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# Names written down from one half of the pictures, and guessed by another person on the other half. The same for channels and for random directions, as controls. Dead codes counted.
# :::
#
# **Without repetition.** Do the induction heads of your model work on rows where two tokens repeat and nothing else does?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# Rows with one repeated pair at a random distance; score and prediction for several seeds; a statement on which distances the training never showed.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="not_enough"
write("not_enough", """
""")

# %% write="truth_known"
write("truth_known", """
""")
