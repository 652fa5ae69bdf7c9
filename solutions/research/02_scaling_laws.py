# ---
# title: Scaling laws
# subtitle: A study on MNIST, two published laws that disagree, and a prediction to be held to
# part: research
# hours: 30
# needs: [ladder/08_adam_optax, ladder/09_convnet]
# teaches: [scaling law, power law, compute-efficient frontier, compute-optimal size, irreducible loss, bootstrap]
# builds: a FLOP counter, rates by fan-in, the grid, the frontier, two fits that know when to refuse, bootstrap intervals, the best size for a budget, a diagnosis, Chinchilla refitted, a forecast
# number: Chinchilla's law refitted on its own public points (β = 0.366 published by the replication), and a forecast within 10 % at thirty times the budget
# data: MNIST, and the 245 points read off Chinchilla's figure
# run: mnist_scaling
# readings:
#   - {key: kaplan2020, where: "section 1, the summary: read it after your own study, and compare", skip: "the appendices; and keep in mind which parameters it counts"}
#   - {key: hoffmann2022, where: "the three approaches to the best size, and their table of exponents", skip: "the benchmarks of the finished model"}
#   - {key: besiroglu2024, where: "all of it: a short paper that takes a famous fit apart"}
#   - {key: pearce2024, where: "the derivation of the local exponent, which you repeat here", skip: "the part on loss against compute, at first"}
#   - {key: henighan2020, where: "the idea of the irreducible loss, and its figure for several kinds of data", skip: "the details of each data set"}
# sections:
#   - {id: cost, heading: "What a run costs", for: "every budget of a study, and every plan of a large model, is counted in these", needs: [ladder/09#cost, ladder/09#network]}
#   - {id: rates, heading: "A rate for every width", for: "comparing sizes at their best, the first condition of any study over sizes", needs: [ladder/08#adam, ladder/09#network]}
#   - {id: grid, heading: "The runs", for: "a study planned before it is paid for, as the sweeps of later chapters are", needs: [cost, rates]}
#   - {id: frontier, heading: "The frontier", for: "the best that a budget can buy, the curve that all scaling laws speak of", needs: [grid]}
#   - {id: power_law, heading: "A straight line, or a refusal", for: "fits that say when they mean nothing, in this chapter and in the one on optimisation", needs: [frontier]}
#   - {id: bootstrap, heading: "How sure?", for: "an interval for any number of a study, whatever it is computed by", needs: [power_law]}
#   - {id: best_size, heading: "How large should the model be?", for: "the question that decides what a laboratory trains", needs: [bootstrap]}
#   - {id: dropout, heading: "All again with dropout", for: "what a change of recipe does to a law, and not to one run", needs: [best_size, ladder/09#regularisers]}
#   - {id: diagnosis, heading: "Three bad studies", for: "finding the fault of a study from its tables, your own included", needs: [best_size]}
#   - {id: two_laws, heading: "Two laboratories", for: "why a published exponent depends on what was counted", needs: [best_size]}
#   - {id: refit, heading: "Chinchilla's own points", for: "checking a published fit from its data, a skill for every paper with a curve in it", needs: [two_laws]}
#   - {id: forecast, heading: "One budget, one forecast", for: "what scaling laws are for: knowing the end of a run before it is paid for", needs: [power_law]}
# recall:
#   - {id: conv_flops, section: cost, transfer: true, q: "A 5 × 5 convolution from 3 to 8 channels makes maps of 20 × 20. How many FLOPs has its forward pass, and how many does a training step take for one picture?", a: "$2 \\cdot 400 \\cdot 25 \\cdot 3 \\cdot 8 = 480\\,000$; three times that, 1 440 000."}
#   - {id: scaled_rate, section: rates, transfer: true, q: "A layer's fan-in grows from 50 to 200. By what should its rate be multiplied under the rule of the page?", a: "By ½: the rate goes as $1/\\sqrt{\\text{fan-in}}$."}
#   - {id: frontier_def, section: frontier, transfer: true, q: "Two runs reach the same loss, with 3 and with 5 petaFLOPs. Both are better than all cheaper runs. Which of them are on the compute-efficient frontier?", a: "The one with 3 alone: it has less compute and no more loss than the other."}
#   - {id: narrow_range, section: power_law, transfer: true, q: "A post fits a power law to losses at 1, 2 and 4 PF-days and predicts 1 000. Name two things that are wrong.", a: "Less than a decade of compute, over which any smooth curve looks straight; and no floor, which a straight line goes through."}
#   - {id: resample_seeds, section: bootstrap, transfer: true, q: "Five seeds, each with losses at eight sizes. What do you resample for an interval of the exponent, and why?", a: "The five seeds, each with all its eight losses. The losses of a seed share its luck and are not independent."}
#   - {id: edge_of_grid, section: best_size, transfer: true, q: "At four of six budgets the best size is the largest that was trained. What do you conclude about the exponent?", a: "Nothing from these four: the best size may lie beyond the grid. Two are left, too few for a line."}
#   - {id: exponent_of_size, section: two_laws, transfer: true, q: "A law has α = 0.5 and β = 0.25. How does the best size go with compute?", a: "As $C^{\\beta/(\\alpha+\\beta)} = C^{1/3}$: the loss falls slowly with data, so most of the budget goes into data."}
#   - {id: counted_parameters, section: two_laws, transfer: false, q: "Why does leaving out the embedding raise the exponent of the best size?", a: "In small models the embedding is most of the parameters, and it grows more slowly than the rest. What is counted starts too low and catches up, so it rises more steeply."}
# predictions:
#   - {id: flops_ratio, ask: "The formula for language models says $6 \\cdot N \\cdot D$ FLOPs for $N$ parameters and $D$ examples. How many times as many does one example really take in training this network of width 4?", unit: "times", factor: 2, because: "A weight of the first convolution is used at 196 places and one of the second at 49, for every picture. The formula counts each weight once."}
#   - {id: dropout_effect, ask: "What does dropout of 20 % do to the loss on the frontier, as a mean over the budgets?", choices: ["lowers it by more than 2 %", "changes it by 2 % or less", "raises it by more than 2 %"], because: "With one epoch no picture is seen twice, so there is nothing to learn by heart. What is left is that a fifth of the features is missing in every step."}
#   - {id: printed_ratio, ask: "How many tokens for each parameter do Chinchilla's printed constants ask for at its budget? (Its own model was given 20.)", factor: 1.5, because: "The printed exponents are rounded, and come from a search that stopped early. α/(α+β) for the tokens is 0.55 by them, and over many decades that adds up."}
#   - {id: five_runs, ask: "The replication leaves out the five runs with the highest loss. By how much does β rise when they are put back?", within: 0.03, because: "The five have few tokens, and B·D^(−β) is largest there. Five runs of 245 can hold an exponent when they are all there is at one end."}
# written:
#   - {id: defend_exponent, ask: "A colleague shows an exponent from one seed and five sizes, without an interval. Which three things do you ask for, and why?", rubric: ["several seeds, and an interval from resampling them", "whether the best sizes were inside the grid", "whether every size had its own learning rate, or a rule for it", "over how many decades of compute it was fitted"], answer: "Several seeds, with an interval from resampling whole seeds: otherwise the exponent may be luck. Whether the best size at each budget was inside the grid, since an edge pulls the slope. Whether each size had its own rate, or a rule for it: otherwise large sizes are measured at their worst. And over how many decades the line was fitted, since a short stretch of any curve is straight."}
#   - {id: why_disagree, ask: "Why did Kaplan and Chinchilla find different exponents for the best size?", rubric: ["Kaplan counted parameters and compute without the embedding", "its models were small, where the embedding is a large share", "the share falls with size, so the counted parameters rise too steeply", "no measurement need be wrong"], answer: "Kaplan left the embedding out of parameters and compute. Its models were small, and there the embedding is a large share. The share falls as models grow, so the counted size rises more steeply than the true one. Both may have measured well: they did not count the same thing."}
#   - {id: accuracy_and_loss, ask: "Why do scaling laws speak of loss, and what does accuracy do?", rubric: ["accuracy is bounded by 1 and bends as it comes near", "the error rate is nearer to a power law than the accuracy", "accuracy counts pictures and is coarser and noisier when few are wrong"], answer: "Accuracy cannot go past 1, so against compute it bends and can be no power law. The error rate, 1 − accuracy, is closer to one. It counts pictures, so where few are wrong it is coarse. The loss also moves when no picture changes sides."}
# ---

# %% [markdown]
# # Scaling laws
#
# In 2020 a laboratory asked how a budget for training should be spent, and measured: the best size of a model
# goes as $C^{0.73}$ of the compute $C$ {cite:p}`kaplan2020`. Two years later another asked the same, and measured
# $C^{0.50}$ {cite:p}`hoffmann2022`. With ten times the budget, the first makes the model 5.4 times as large, the
# second 3.2 times. Models that cost millions were trained by the one number, and then by the other.
#
# Both had measured with care. By the end of this page you can say why they differ, and reproduce either number. You
# will also have found that the second paper's printed law does not lead to its own model. First you make
# a study of your own.
#
# **You need** [Adam](../ladder/08_adam_optax.ipynb) and [convolutional networks](../ladder/09_convnet.ipynb).
# **You will have** a study of scaling with honest intervals, Chinchilla's law refitted by you, and a forecast that you
# were held to. **It takes** some thirty hours with the readings and a study of your own; the exercises take
# about eight.
#
# This page says less than the ladder did. Where it names a paper, read the section named, then come back.

# %% tags=["setup"]
import math
import time
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize, minimize_scalar
from torch import Tensor, nn

from descent import chapter, check, commit, hint, measured, outcome, progress, recall, run, write
from descent.data import chinchilla_runs, mnist
from descent.figures import COLOURS, frontier_figure, plot_curves, titled, use_style

chapter("research/02_scaling_laws")
use_style()

# %% [markdown]
# ## What a run costs
#
# A **scaling law** says how the loss falls with model, data or compute. Compute is counted in **FLOPs**: floating-point
# operations, a multiplication and an addition being two. Our network is small so that hundreds of runs can be paid for.
# Its **width** $w$ is the handle: the study will multiply it by $\sqrt 2$, again and again.

# %% tags=["hide-input"]
def draw_network(width: int) -> None:
    """The layers as boxes, with shapes above and what each holds and costs below."""
    shapes = [("picture", (1, 14, 14)), ("conv 3 × 3", (width, 14, 14)), ("pool 2", (width, 7, 7)),
              ("conv 3 × 3", (2 * width, 7, 7)), ("pool 2", (2 * width, 3, 3)), ("linear", (10, 1, 1))]
    places = {1: 196, 3: 49, 5: 1}
    weights = {1: 9 * width, 3: 9 * width * 2 * width, 5: 18 * width * 10}
    fig, ax = plt.subplots(figsize=(10, 3.6))
    for at, (name, (channels, side, _)) in enumerate(shapes):
        height = 0.25 + side / 10
        box = plt.Rectangle((1.7 * at, -height / 2), 0.25 + channels / 14, height, color=COLOURS["sky"], alpha=0.8)
        ax.add_patch(box)
        ax.text(1.7 * at, 1.25, f"{name}\n({channels}, {side}, {side})" if side > 1 else f"{name}\n(10)", fontsize=10)
        if at in weights:
            ax.text(1.7 * at, -1.45, f"{weights[at]} weights\n× {places[at]} places", fontsize=10, color=COLOURS["red"])
    ax.set(xlim=(-0.2, 10), ylim=(-1.7, 1.9), title=f"Width {width}: few weights, each used at many places")
    ax.set_axis_off()
    plt.show()


draw_network(4)

# %% [markdown]
# A weight that is used at 196 places costs 196 multiplications and additions for every picture. A linear layer uses
# each of its weights once. Pooling, ReLU and biases cost little and are not counted here.
#
# By hand, the first convolution at width 4: $14 \cdot 14$ places, each with 4 outputs, each a sum over a 3 × 3 window of 1
# channel. $2 \cdot 196 \cdot 4 \cdot 9 = 14\,112$ FLOPs. Write the counter for any such network.

# %% exercise="forward_flops"
def forward_flops(shape: tuple[int, int, int], layers: list[tuple[Any, ...]]) -> int:
    """Count the FLOPs of one picture's forward pass: two for each product that is added up.

    Parameters
    ----------
    shape : (channels, rows, columns) of the picture, not always square
    layers : in their order, each one of
        ("conv", outputs, kernel, stride, padding): square; windows that hang over do not count
        ("pool", kernel): stride equal to the kernel, no padding; costs nothing
        ("linear", outputs): reads everything that is there, of every channel and place

    Returns
    -------
    the FLOPs, a whole number. Biases, activations and poolings are not counted; no layers cost 0.
    """
    ### BEGIN SOLUTION
    flops, (channels, rows, columns) = 0, shape
    for kind, *numbers in layers:
        if kind == "conv":
            outputs, kernel, stride, padding = numbers
            rows = (rows + 2 * padding - kernel) // stride + 1
            columns = (columns + 2 * padding - kernel) // stride + 1
            flops += 2 * rows * columns * outputs * channels * kernel**2
            channels = outputs
        elif kind == "pool":
            (kernel,) = numbers
            rows, columns = rows // kernel, columns // kernel
        else:
            (outputs,) = numbers
            flops += 2 * channels * rows * columns * outputs
            channels, rows, columns = outputs, 1, 1
    return flops
    ### END SOLUTION


# %% check="forward_flops"
check(forward_flops)

# %% [markdown]
# The backward pass costs about twice the forward pass: one product for the gradient of the inputs, one for that of the
# weights. So training takes three times the forward FLOPs for each example. For a language model nearly every weight
# is used once for each token, which gives the famous $3 \cdot 2 \cdot N \cdot D = 6ND$.
#
# **Predict.** How far is that formula off for our network?

# %% predict="flops_ratio"
commit("flops_ratio", ..., sure=...)

# %%
def layers_of(width: int) -> list[tuple[Any, ...]]:
    """Our network, for the counter."""
    return [("conv", width, 3, 1, 1), ("pool", 2), ("conv", 2 * width, 3, 1, 1), ("pool", 2), ("linear", 10)]


def training_flops(width: int, examples: int) -> float:
    """Three forward passes for each example, once through."""
    return 3.0 * forward_flops((1, 14, 14), layers_of(width)) * examples


def parameters(width: int) -> int:
    """Weights and biases of the three layers."""
    return (9 + 1) * width + (9 * width + 1) * 2 * width + (18 * width + 1) * 10


ratio = training_flops(4, 1) / (6 * parameters(4))
print("width  parameters   training FLOPs a picture   6·N     ratio")
for width in (2, 4, 8, 16):
    real, formula = training_flops(width, 1), 6 * parameters(width)
    print(f"{width:5}  {parameters(width):10}   {real:24,.0f}   {formula:6,}  {real / formula:5.1f}")

# %% outcome="flops_ratio"
outcome("flops_ratio", ratio)

# %% [markdown]
# A published answer to this very exercise used $6ND$ for its convolutional network, and every compute on its axis is off by
# such a factor. If the factor were the same for all widths, exponents would survive. The column on the right says that it is
# not: the wider the network, the larger the part of the second convolution.

# %% recall="cost"
recall("cost")

# %% [markdown]
# ## A rate for every width
#
# A study over sizes compares each size *at its best*. With one learning rate for all, the widest networks are measured
# at their worst, and the law you find is a law about that. Either tune each size, or use a rule. For Adam, whose steps have
# about the size of the rate, a rate in proportion to the scale of the start keeps the relative change of a layer
# the same. The weights start at about $1/\sqrt{\text{fan-in}}$, so
#
# $$ \text{rate of a layer} = \frac{\text{gain}}{\sqrt{\text{fan-in}}}, $$
#
# with the **fan-in** of rung 5: how many numbers one output reads. A 3 × 3 convolution over 4 channels has a fan-in of 36: with a
# gain of 0.15 its rate is $0.15 / 6 = 0.025$.

# %% exercise="scaled_rates"
def scaled_rates(network: nn.Module, gain: float) -> list[dict[str, Any]]:
    """Make the parameter groups of an optimiser, a learning rate for every layer by its fan-in.

    Parameters
    ----------
    network : with `nn.Conv2d` and `nn.Linear` layers at any depth; nothing else in it has
        parameters. Kernels need not be square, and layers may have no bias.
    gain : the rate of a layer with a fan-in of 1

    Returns
    -------
    a list of {"params": [...], "lr": rate}, in which every parameter stands exactly once. A bias
        has the rate of its layer.
    """
    ### BEGIN SOLUTION
    groups = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            groups.append({"params": list(layer.parameters()), "lr": gain / math.sqrt(fan_in)})
    return groups
    ### END SOLUTION


# %% check="scaled_rates"
check(scaled_rates)

# %% [markdown]
# ## The runs
#
# Network and training are given; nothing in them is new. One epoch: no picture is seen twice. The rate falls
# in a straight line to 0 *at the end of each run*, however short. The first pictures are held out, and every run is
# measured on all of them.

# %%
class SmallCNN(nn.Module):
    """Two convolutions, each followed by a pooling, and a linear layer; 14 × 14 pixels in, 10 logits out."""

    def __init__(self, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, width, 3, padding=1)
        self.second = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width * 3 * 3, 10)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 14, 14) → (n, width, 7, 7) → (n, 2 · width, 3, 3) → (n, 10)."""
        x = F.max_pool2d(self.first(x).relu(), 2)
        x = F.max_pool2d(self.second(x).relu(), 2)
        return self.head(self.dropout(x.flatten(1)))


BATCH, GAIN = 32, 0.15


def small_digits() -> tuple[Tensor, Tensor, str]:
    """MNIST's training pictures in a fixed random order, pooled to (n, 1, 14, 14), their labels, and the source."""
    digits = mnist("train")
    order = torch.randperm(len(digits.images), generator=torch.Generator().manual_seed(7))
    images = torch.from_numpy(digits.images).float().unsqueeze(1)[order] / 255
    return F.avg_pool2d(images, 2), torch.from_numpy(digits.labels)[order], digits.source


def one_run(data: tuple[Tensor, Tensor], held_out: int, width: int, examples: int, seed: int,
            dropout: float = 0.0) -> tuple[float, float]:
    """Train once through `examples` pictures; loss and accuracy on the whole validation set.

    The first `held_out` pictures of the data are the validation set; the seed chooses the start, and which of
    the others are seen, in which order. Adam, its rates scaled by fan-in, and falling to 0 in a straight line.
    """
    x, y = data
    torch.manual_seed(seed)
    network = SmallCNN(width, dropout)
    optimiser = torch.optim.Adam(scaled_rates(network, GAIN))
    chosen = held_out + torch.randperm(len(x) - held_out)[:examples]
    steps = examples // BATCH
    falling = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - step / steps)
    for batch in chosen[: steps * BATCH].split(BATCH):
        optimiser.zero_grad()
        F.cross_entropy(network(x[batch]), y[batch]).backward()
        optimiser.step()
        falling.step()
    network.eval()
    with torch.no_grad():
        logits = network(x[:held_out])
    right = (logits.argmax(1) == y[:held_out]).float().mean()
    return F.cross_entropy(logits, y[:held_out]).item(), right.item()

# %% [markdown]
# Which runs? Widths by $\sqrt 2$, since compute goes roughly with the square of the width. Sizes by ½. And no run above
# what you can pay.

# %% exercise="study_grid"
def study_grid(base: int, widths: int, full: int, sizes: int, cost: Callable[[int, int], float],
               most: float) -> list[tuple[int, int]]:
    """List the runs of a study, cheapest first.

    Parameters
    ----------
    base : the narrowest width, at least 1; the others are base · √2^k, each rounded, k from 0 to
        widths − 1
    widths : how many, before those that round to the same number are taken as one
    full : the largest number of examples; the others are full halved and cut to a whole number, j
        times, j from 0 to sizes − 1
    sizes : how many; runs without examples are left out
    cost : a function of (width, examples), in FLOPs
    most : a run that costs more than this is left out; one that costs exactly this stays

    Returns
    -------
    a list of (width, examples) by rising cost, narrower first where costs are equal, none twice

    Raises
    ------
    ValueError : no run is left
    """
    ### BEGIN SOLUTION
    runs = {
        (round(base * 2 ** (k / 2)), full // 2**j)
        for k in range(widths)
        for j in range(sizes)
    }
    runs = {run for run in runs if run[1] > 0 and cost(*run) <= most}
    if not runs:
        raise ValueError("no run fits")
    return sorted(runs, key=lambda run: (cost(*run), run[0]))
    ### END SOLUTION


# %% check="study_grid"
check(study_grid)

# %% [markdown]
# A small study, here and now, to see the machinery move: four widths, two sizes, one seed.

# %%
x, y, SOURCE = small_digits()
held_out = len(x) // 6
began = time.perf_counter()
small = []
for width, examples in study_grid(2, 4, min(4096, len(x) - held_out), 2, training_flops, 1e9):
    loss, accuracy = one_run((x, y), held_out, width, examples, seed=0)
    small.append((training_flops(width, examples), loss))
    print(f"width {width}, {examples:5} pictures, {small[-1][0]:.1e} FLOPs: loss {loss:.3f}, right {accuracy:.1%}")
print(f"{SOURCE}, {time.perf_counter() - began:.0f} s")

# %% [markdown]
# The whole study does not fit into a page's minute. It is a real run of the same network by the same recipe:
# every width, every size, several seeds, and all of it again with dropout. It was made beforehand, and from here on
# the page reads its record.

# %%
record = measured("runs/mnist_scaling-cpu-2-cores")
rows = record["trainings"]
WIDTHS = sorted({row["width"] for row in rows})
SIZES = sorted({row["pictures"] for row in rows})
print(f"recorded beforehand, on MNIST: {record['command']}\n{record['date']}, {record['hardware']}")
print(f"{len(rows)} runs: widths {WIDTHS}\nsizes {SIZES}")
same = sum(training_flops(row["width"], row["pictures"]) == row["training flops"] for row in rows)
print(f"its FLOPs come from PyTorch's own counter; yours gives the same for {same} of {len(rows)}")


def table(column: str, dropout: float) -> np.ndarray:
    """Shape (seeds, widths, sizes): one number of every run."""
    found = {(row["seed"], row["width"], row["pictures"]): row[column] for row in rows if row["dropout"] == dropout}
    seeds = sorted({seed for seed, _, _ in found})
    return np.array([[[found[seed, width, size] for size in SIZES] for width in WIDTHS] for seed in seeds])


FLOPS = np.array([[training_flops(w, n) for n in SIZES] for w in WIDTHS])  # (widths, sizes)
losses, dropped = table("validation loss", 0.0), table("validation loss", 0.2)
print(f"{len(losses)} seeds without dropout, {len(dropped)} with 20 % of it")
mean_losses = losses.mean(axis=0)

# %% [markdown]
# You can make it yourself. The run splits the trainings over the processes you give it; `smoke` is a small corner
# of the grid, `cpu` is what you read above:

# %% tags=["real-run"]
run("mnist_scaling", profile="smoke")

# %% [markdown]
# ## The frontier
#
# A run is on the **compute-efficient frontier** if no other run has both at most its compute and at most its loss. Six runs,
# which go with us to the end of the page:
#
# | run | 0 | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|---|
# | compute | 1 | 5 | 4 | 9 | 16 | 25 |
# | loss | 8 | 4.6 | 4 | 4.1 | 2 | 2.1 |
#
# Run 1 costs more than run 2 and is worse. So are runs 3 and 5 beside a cheaper one. Runs 0, 2 and 4 are left.

# %% exercise="frontier"
def frontier(flops: np.ndarray, losses: np.ndarray) -> list[int]:
    """Find the runs that no other run beats.

    A run is beaten by another with at most its compute and at most its loss. Of runs that are equal
    in both, the first in the input stays.

    Parameters
    ----------
    flops : shape (n,), in any order; several runs may cost the same. n may be 0.
    losses : shape (n,), finite

    Returns
    -------
    the places of these runs in the input, by rising compute: a list of whole numbers
    """
    ### BEGIN SOLUTION
    kept, best = [], math.inf
    for i in np.lexsort((losses, flops)):
        if losses[i] < best:
            kept.append(int(i))
            best = losses[i]
    return kept
    ### END SOLUTION


# %% check="frontier"
check(frontier)

# %%
on = frontier(FLOPS.ravel(), mean_losses.ravel())
front_flops, front_losses = FLOPS.ravel()[on], mean_losses.ravel()[on]
fig, ax = plt.subplots(figsize=(8, 4.6))
for k, width in enumerate(WIDTHS):
    shade = plt.colormaps["viridis"](0.9 * k / (len(WIDTHS) - 1))
    ax.plot(FLOPS[k], mean_losses[k], "o-", color=shade, lw=1.2, ms=4)
    ax.annotate(f"{width}", (FLOPS[k, 0], mean_losses[k, 0]), (-4, 8), textcoords="offset points", color=shade, fontsize=10)
ax.plot(front_flops, front_losses, "o", ms=10, mfc="none", mec=COLOURS["red"])
ax.set(xscale="log", yscale="log", xlabel="training compute (FLOPs)", ylabel="validation loss (nats)",
       title="Each width flattens out; together they keep falling")
plt.show()
print(f"on the frontier, {len(on)} of {FLOPS.size}:")
for i in on:
    print(f"  width {WIDTHS[i // len(SIZES)]:2}, {SIZES[i % len(SIZES)]:6} pictures, "
          f"{FLOPS.ravel()[i]:.1e} FLOPs, loss {mean_losses.ravel()[i]:.3f}")
for width in (2, 4):
    print(f"width {width}, whole data set, each seed:", losses[:, WIDTHS.index(width), -1].round(3))

# %% [markdown]
# Numbers at the left ends are widths, and red rings mark the frontier. Mind that its ends belong to the grid: left of the
# narrowest network and right of the whole data set nothing was tried.
#
# The curves of widths 2 and 4 turn up at their right ends. The last two lines say why: one seed of three went wrong there,
# and the mean carries it. We keep every run. To leave out the ones we dislike would be a study of our taste.

# %% recall="frontier"
recall("frontier")

# %% [markdown]
# ## A straight line, or a refusal
#
# A **power law** $y = a\, x^{-b}$ is a straight line in logarithms: $\ln y = \ln a - b \ln x$. Our three frontier
# runs: each time compute rises fourfold, the loss halves. So $b = \tfrac12$ and $a = 8$.
#
# Nearly anything looks straight if it is short enough. So your fit has to *refuse*: a fit that is handed two points
# or a factor of three of compute, and returns an exponent, is worse than none.

# %% exercise="fit_power_law"
def fit_power_law(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Fit y = scale · x^(−exponent) by least squares in the logarithms of both.

    Parameters
    ----------
    x, y : shape (n,), in any order; an x may come several times

    Returns
    -------
    (scale, exponent); the exponent is positive for what falls

    Raises
    ------
    ValueError : an x or y is not positive and finite; there are fewer than three *different* x; or
        the largest x is less than ten times the smallest
    """
    ### BEGIN SOLUTION
    both = np.concatenate([x, y])
    if not np.all(np.isfinite(both)) or np.any(both <= 0):
        raise ValueError("every x and y must be positive and finite")
    if len(np.unique(x)) < 3:
        raise ValueError("fewer than three different x")
    if x.max() < 10 * x.min():
        raise ValueError("less than a decade of x")
    slope, height = np.polyfit(np.log(x), np.log(y), 1)
    return float(np.exp(height)), float(-slope)
    ### END SOLUTION


# %% check="fit_power_law"
check(fit_power_law)

# %%
scale, exponent = fit_power_law(front_flops, front_losses)
print(f"frontier: loss = {scale:.3g} · C^(−{exponent:.3f}), over {front_flops.max() / front_flops.min():.0f}-fold compute")
accuracy = table("validation accuracy", 0.0).mean(axis=0).ravel()[on]
print(f"error rate along it: exponent {fit_power_law(front_flops, 1 - accuracy)[1]:.3f}")
fig, axes = plt.subplots(1, 2, figsize=(10, 3.8))
axes[0].plot(front_flops, accuracy, "o-", color=COLOURS["blue"])
axes[0].set(xscale="log", xlabel="compute (FLOPs)", ylabel="accuracy", title="Accuracy bends towards 1 …")
axes[1].plot(front_flops, 1 - accuracy, "o-", color=COLOURS["red"])
axes[1].set(xscale="log", yscale="log", xlabel="compute (FLOPs)", ylabel="share wrong", title="… the error rate is straighter")
plt.show()

# %% [markdown]
# Accuracy cannot pass 1, so it can be no power law. The error rate comes nearer to one, and it is coarse: one
# picture more or less moves it, while the loss also sees how sure the network was.
#
# ## How sure?
#
# The exponent is a number computed from runs that chance had a hand in. What would another study have given?
# The **bootstrap** makes one up: draw as many seeds as there are, with replacement, and compute the number again. Do so
# many times, and take the middle 90 % of what comes.
#
# One decision matters. What chance chose were the *seeds*. The sizes you chose yourself. And whatever luck a seed has, in its
# start or its order of pictures, it may have at all sizes: its losses are not independent of each other. So
# whole seeds are drawn, with all their losses.

# %% exercise="bootstrap_interval"
def bootstrap_interval(losses: np.ndarray, statistic: Callable[[np.ndarray], float], level: float,
                       generator: np.random.Generator, resamples: int = 200) -> tuple[float, float]:
    """Compute an interval for a number of a study by drawing its seeds again.

    Parameters
    ----------
    losses : shape (seeds, …), a row for each seed
    statistic : takes an array of the shape of `losses`, gives the number
    level : the share of resamples inside, such as 0.9; as many lie below the interval as above
    generator : the only source of chance
    resamples : how often the seeds are drawn; each time as many as there are, with replacement

    Returns
    -------
    (low, high), quantiles of the statistic over the resamples

    Raises
    ------
    ValueError : fewer than two seeds
    """
    ### BEGIN SOLUTION
    seeds = len(losses)
    if seeds < 2:
        raise ValueError("one seed says nothing about chance")
    values = []
    for _ in range(resamples):
        chosen = generator.integers(seeds, size=seeds)
        values.append(statistic(losses[chosen]))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
    ### END SOLUTION


# %% check="bootstrap_interval"
check(bootstrap_interval)

# %%
def frontier_exponent(some: np.ndarray) -> float:
    """From (seeds, widths, sizes) to the exponent of the frontier of their mean."""
    mean = some.mean(axis=0).ravel()
    kept = frontier(FLOPS.ravel(), mean)
    return fit_power_law(FLOPS.ravel()[kept], mean[kept])[1]


each = [frontier_exponent(losses[s : s + 1]) for s in range(len(losses))]
low, high = bootstrap_interval(losses, frontier_exponent, 0.9, np.random.default_rng(0))
print(f"exponent of the frontier: {frontier_exponent(losses):.3f}, 90 % of resamples in [{low:.3f}, {high:.3f}]")
print("each seed alone:", "  ".join(f"{value:.3f}" for value in each), f" mean {np.mean(each):.3f}")

# %% [markdown]
# The exponent of the mean and the mean of the exponents are two ways to read one study. Here they differ by less than
# the seeds do. With this few seeds the interval is too narrow: two of the three seeds alone lie outside it. The check judged yours
# with fourteen. Nor does the interval know of anything that all seeds share, such as a gain that is a little too
# high. It is about chance, and nothing else.

# %% recall="bootstrap"
recall("bootstrap")

# %% [markdown]
# ## How large should the model be?
#
# Fix a budget. A wide network sees few pictures, a narrow one many; somewhere between lies the best. That
# **compute-optimal size** grows with the budget, again about as a power law. Its exponent is what the two laboratories disagree about.
#
# Three steps. At a budget, read off what loss each size reaches with it, between two of its runs.
# Find the lowest, and its place between the sizes of the grid, by a parabola through it and its two neighbours over
# the logarithm of size. Then fit a line through these best sizes. And one trap: where the lowest is at the *edge* of what
# can be compared, the true best may lie beyond it.

# %% exercise="optimal_exponent"
def optimal_exponent(
    sizes: np.ndarray, flops: np.ndarray, losses: np.ndarray, budgets: np.ndarray
) -> float:
    """Estimate how the best size goes with compute: best size ∝ compute^exponent.

    At each budget compare the sizes that were run with at most *and* with at least that compute, by
    their loss interpolated in logarithms along the size's own runs. If fewer than three can be
    compared, or the best of them is the smallest or the largest, leave the budget out. Else take
    the lowest point of the parabola through the log losses of the best and its two neighbours, over
    log size.

    Parameters
    ----------
    sizes : shape (n,), parameters of each model, rising
    flops : shape (n, m), compute of each model's runs, rising along each row
    losses : shape (n, m)
    budgets : shape (k,), in FLOPs, in any order

    Returns
    -------
    the slope of log best size against log budget

    Raises
    ------
    ValueError : fewer than three budgets are left
    """
    ### BEGIN SOLUTION
    found = []
    for budget in budgets:
        reach = np.flatnonzero((flops[:, 0] <= budget) & (budget <= flops[:, -1]))
        if len(reach) < 3:
            continue
        at_budget = np.array(
            [np.interp(np.log(budget), np.log(flops[i]), np.log(losses[i])) for i in reach]
        )
        best = int(np.argmin(at_budget))
        if best in (0, len(reach) - 1):
            continue
        near = slice(best - 1, best + 2)
        a, b, _ = np.polyfit(np.log(sizes[reach[near]]), at_budget[near], 2)
        found.append((np.log(budget), -b / (2 * a)))
    if len(found) < 3:
        raise ValueError("fewer than three budgets have their best size inside the grid")
    log_budgets, log_sizes = np.array(found).T
    return float(np.polyfit(log_budgets, log_sizes, 1)[0])
    ### END SOLUTION


# %% check="optimal_exponent"
check(optimal_exponent)

# %%
COUNTED = np.array([parameters(width) for width in WIDTHS], dtype=float)
BUDGETS = np.logspace(math.log10(FLOPS[0, 1]), math.log10(FLOPS[-1, -2]), 10)


def size_exponent(some: np.ndarray) -> float:
    """From (seeds, widths, sizes) to the exponent of the best size; NaN where it must not be fitted."""
    try:
        return optimal_exponent(COUNTED, FLOPS, some.mean(axis=0), BUDGETS)
    except ValueError:
        return math.nan


best_size = size_exponent(losses)
each = [size_exponent(losses[s : s + 1]) for s in range(len(losses))]
reported = record["metrics"]["dropout 0.0, exponent of the best size against compute"]
print(f"exponent of the best size: {best_size:.2f}, fitted on the mean of the seeds")
print("each seed alone:", "  ".join(f"{value:.2f}" for value in each), f" mean {np.mean(each):.2f}")
edges = 0
for budget in BUDGETS:
    reach = [i for i in range(len(WIDTHS)) if FLOPS[i, 0] <= budget <= FLOPS[i, -1]]
    lowest = np.argmin([np.interp(np.log(budget), np.log(FLOPS[i]), np.log(mean_losses[i])) for i in reach])
    edges += lowest in (0, len(reach) - 1)
print(f"of {len(BUDGETS)} budgets, {edges} have their lowest loss at an edge of what can be compared, and are left out")
print(f"the run's own report, by the sizes on each seed's frontier: {reported['mean']:.2f} ± {reported['std']:.2f}")
fig, ax = plt.subplots(figsize=(7.5, 4.2))
for k, budget in enumerate(BUDGETS[1::2]):
    reach = [i for i in range(len(WIDTHS)) if FLOPS[i, 0] <= budget <= FLOPS[i, -1]]
    shade = plt.colormaps["plasma"](0.85 * k / 4)
    curve = [np.interp(np.log(budget), np.log(FLOPS[i]), np.log(mean_losses[i])) for i in reach]
    ax.plot(COUNTED[reach], np.exp(curve), "o-", color=shade)
    ax.annotate(f"{budget:.0e}", (COUNTED[reach[-1]], np.exp(curve[-1])), (6, -3), textcoords="offset points", color=shade)
ax.set(xscale="log", yscale="log", xlabel="parameters", ylabel="validation loss (nats)",
       title="At each budget (in FLOPs) one size is best")
plt.show()

# %% [markdown]
# One study, read in three ways. The first fits the mean of the seeds, the second each seed alone. The third, in the
# run's own report, takes the sizes on the frontier for the best ones, edges of the grid included. They come to 0.59, 0.52 and
# 0.46, further apart than the ± of the third. An interval over seeds knows nothing of the choice between ways of fitting.
#
# The picture shows why. Few budgets show a whole valley, and each valley has bumps of its own. Noise moves its bottom by a
# whole step of the grid.
# A public study on MNIST used five widths and one seed's training loss. It printed 0.37, without an interval. By the
# lines above you can judge how much such a number says.

# %% recall="best_size"
recall("best_size")

# %% [markdown]
# ## All again with dropout
#
# On rung 9 dropout lowered the validation loss of a network that saw its pictures many times. Here nothing is seen twice.
#
# **Predict.** What do 20 % dropout do to the loss on the frontier?

# %% predict="dropout_effect"
commit("dropout_effect", ..., sure=...)

# %%
fronts = {}
for name, some in {"without": losses, "with dropout": dropped}.items():
    mean = some.mean(axis=0).ravel()
    kept = frontier(FLOPS.ravel(), mean)
    fronts[name] = FLOPS.ravel()[kept], mean[kept]
    interval = "one seed, so no interval"
    if len(some) > 1:
        low, high = bootstrap_interval(some, frontier_exponent, 0.9, np.random.default_rng(0))
        interval = f"[{low:.3f}, {high:.3f}]"
    print(f"{name:<13} exponent {frontier_exponent(some):.3f} {interval}, best size {size_exponent(some):.2f}")
at = np.logspace(*np.log10([max(f[0][0] for f in fronts.values()), min(f[0][-1] for f in fronts.values())]), 20)
both = [np.interp(np.log(at), np.log(flops), np.log(some)) for flops, some in fronts.values()]
change = float(np.mean(both[1] - both[0]))
print(f"the loss on the frontier changes by {math.expm1(change):+.1%}")
effect = "changes it by 2 % or less" if abs(math.expm1(change)) <= 0.02 else (
    "raises it by more than 2 %" if change > 0 else "lowers it by more than 2 %")

# %% outcome="dropout_effect"
outcome("dropout_effect", effect)

# %%
plot_curves(fronts, xlabel="training compute (FLOPs)", ylabel="validation loss (nats)", logy=True,
            title="Two frontiers: without and with 20 % dropout")
plt.gca().set_xscale("log")
plt.show()

# %% [markdown]
# Compare the two exponents with the intervals beside them before you say that one is steeper: they overlap. Of the best
# size no interval stands there. Remember how far three ways of reading it lay apart. A constant factor
# moves a frontier up or down and leaves its exponent alone; only a change of exponent would matter more and more
# as budgets grow.

# %% [markdown]
# ## Three bad studies
#
# Here are three studies, each with one thing wrong. Rows are widths, columns are numbers of examples. Look before
# you read on.

# %% tags=["hide-input"]
def bad_study(seed: int, fault: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Tables of a made-up study: reported, measured again on validation data, with half the rate; and its noise."""
    rng = np.random.default_rng(seed)
    widths, sizes = np.arange(5)[:, None], np.arange(4)
    centre = 6.0 if fault == 2 else 1.0 + 0.7 * sizes
    true = 2.0 * 0.75**sizes * np.exp(0.06 * (widths - centre) ** 2)
    noise = 0.02
    validation, again = (true * np.exp(noise * rng.uniform(-1, 1, true.shape)) for _ in range(2))
    halved = again * np.exp(-0.012 * widths**2 if fault == 1 else 0.01)
    return validation * (0.9 if fault == 0 else 1.0), validation, halved, noise


for name, order in zip("ABC", (1, 2, 0), strict=True):
    reported, validation, halved, noise = bad_study(3, order)
    print(f"study {name} (noise {noise:.0%})\n   reported                      validation, again             validation, half the rate")
    for k in range(5):
        print("   ", "     ".join("  ".join(f"{v:5.2f}" for v in part[k]) for part in (reported, validation, halved)))

# %% [markdown]
# Write down for each study what you think is wrong. Then write the program that thinks so. It works in this order,
# because what spoils losses has to be ruled out before anything is read from them:
#
# 1. *training loss*: what was reported lies below what is measured on validation data.
# 2. *rate not scaled*: half the rate helps the widest network, and more than it helps the narrowest.
# 3. *too small a grid*: the best width is the widest for every number of examples, or the narrowest for every one.

# %% exercise="diagnose_study"
def diagnose_study(
    reported: np.ndarray, validation: np.ndarray, halved: np.ndarray, noise: float
) -> str:
    """Name what is wrong with a study, the first in this order that is found.

    "training loss"    : the log of validation/reported, as a mean over all runs, is more than
                         twice the noise.
    "rate not scaled"  : the log of validation/halved, as a mean along a width's row, is larger for
                         the widest than for the narrowest, by more than twice the noise.
    "too small a grid" : the lowest validation loss is at the widest in every column, or at the
                         narrowest in every column.
    "sound"            : none of these.

    Parameters
    ----------
    reported, validation, halved : shape (widths, examples), the widest last: the losses of the
        study, those measured again on validation data, and those of the same runs with half the
        learning rate
    noise : the relative spread of a loss from run to run, such as 0.02
    """
    ### BEGIN SOLUTION
    if np.mean(np.log(validation / reported)) > 2 * noise:
        return "training loss"
    gain = np.log(validation / halved).mean(axis=1)
    if gain[-1] - gain[0] > 2 * noise:
        return "rate not scaled"
    best = np.argmin(validation, axis=0)
    if np.all(best == 0) or np.all(best == len(validation) - 1):
        return "too small a grid"
    return "sound"
    ### END SOLUTION


# %% check="diagnose_study"
check(diagnose_study)

# %%
for name, order in zip("ABC", (1, 2, 0), strict=True):
    print(f"study {name}: {diagnose_study(*bad_study(3, order))}")

# %% [markdown]
# ## Two laboratories
#
# Read section 1 of {cite:t}`kaplan2020` now, then come back. {cite:t}`hoffmann2022` write the loss of a language model with $N$
# parameters after $D$ tokens as
#
# $$ L(N, D) = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}, \qquad C = 6\,N D. $$
#
# $E$ is the **irreducible loss**, which no model goes below. Of the rest, each half is a power law. Put $D = C/(6N)$ in and look for
# the lowest point over $N$: there, one per cent more parameters gains as much as one per cent fewer tokens loses,
#
# $$ \alpha\, A\, N^{-\alpha} = \beta\, B\, D^{-\beta}. $$
#
# By hand, with $\alpha = \beta$, $A = B$ and $C = 600$: then $N = D$, and $6 N^2 = 600$ gives $N = 10$.

# %% exercise="optimal_allocation"
def optimal_allocation(
    flops: float, a: float, b: float, alpha: float, beta: float
) -> tuple[float, float]:
    """Split a budget between size and data, so that E + a/N^alpha + b/D^beta is lowest under 6·N·D
    = flops.

    Parameters
    ----------
    flops : the budget C
    a, b, alpha, beta : the law's constants, all positive

    Returns
    -------
    (parameters, tokens), not rounded
    """
    ### BEGIN SOLUTION
    ratio = (alpha * a / (beta * b)) ** (1 / (alpha + beta))
    size = ratio * (flops / 6) ** (beta / (alpha + beta))
    return size, flops / (6 * size)
    ### END SOLUTION


# %% check="optimal_allocation"
check(optimal_allocation)

# %% [markdown]
# So the best size goes as $C^{\beta/(\alpha+\beta)}$: near ½ if the two exponents are nearly equal. Where does 0.73 come from?
#
# The first laboratory counted parameters *without the embedding*, and compute without it too. The
# embedding grows with the width, the other parameters with its cube (at a fixed shape, depth grows along). So if $n$ is what was
# counted, the true number is about $n + \omega\, n^{1/3}$, with $\omega \approx 47\,491$ for Chinchilla's models
# {cite:p}`pearce2024`. The loss goes by the true number. The study sees $n$ and $6nD$.
#
# Suppose Chinchilla's law holds exactly. Which exponent would such a study report? Do not search: turn the question round. For each $n$, from
# which compute is it the best size? The condition is the one above, with an inner derivative:
#
# $$ \alpha A\, n\, \Big(1 + \tfrac{\omega}{3} n^{-2/3}\Big)\,\big(n + \omega n^{1/3}\big)^{-\alpha-1} = \beta B\, D^{-\beta}. $$

# %% exercise="apparent_exponent"
def apparent_exponent(
    sizes: np.ndarray, a: float, b: float, alpha: float, beta: float, omega: float
) -> float:
    """Compute the exponent that a study finds which leaves the embedding out of size and compute.

    The loss is E + a/N^alpha + b/D^beta, with N = n + omega · n^(1/3) *all* parameters. The study
    counts n, and spends 6·n·D. For every n of `sizes` find the compute for which it is the best,
    and fit a straight line to log n against log compute.

    Parameters
    ----------
    sizes : shape (k,), k at least 2, the n of the study, in any order
    a, b, alpha, beta : the law's constants, positive
    omega : 0 or more; with 0 nothing is left out

    Returns
    -------
    the slope
    """
    ### BEGIN SOLUTION
    total = sizes + omega * sizes ** (1 / 3)
    growth = 1 + omega / 3 * sizes ** (-2 / 3)
    pull = alpha * a * sizes * growth * total ** (-alpha - 1)
    tokens = (pull / (beta * b)) ** (-1 / beta)
    return float(np.polyfit(np.log(6 * sizes * tokens), np.log(sizes), 1)[0])
    ### END SOLUTION


# %% check="apparent_exponent"
check(apparent_exponent)

# %%
REPLICATED = {"a": 482.01, "b": 2085.43, "alpha": 0.3478, "beta": 0.3658}
SMALL = np.logspace(math.log10(768), math.log10(1.5e9), 20)  # the sizes of 2020, counted without the embedding
print(f"all parameters counted:              C^{apparent_exponent(SMALL, **REPLICATED, omega=0.0):.3f}")
print(f"embedding left out, sizes of 2020:   C^{apparent_exponent(SMALL, **REPLICATED, omega=47491.0):.3f}")
for factor in (1e3, 1e6):
    larger = apparent_exponent(SMALL * factor, **REPLICATED, omega=47491.0)
    print(f"the same, sizes {factor:9,.0f} times as large: C^{larger:.3f}")

# %% [markdown]
# One law, counted in two ways, gives one exponent near a half and one above three quarters. The published ones are
# 0.50 and 0.73. Nobody measured wrongly. At small sizes the embedding is most of the model. What is counted lags behind,
# and catching up looks like a steep law.
# At large sizes the difference is gone.

# %% recall="two_laws"
recall("two_laws")

# %% [markdown]
# ## Chinchilla's own points
#
# The paper prints $E = 1.69$, $A = 406.4$, $B = 410.7$, $\alpha = 0.34$, $\beta = 0.28$. With $5.76 \cdot 10^{23}$ FLOPs it trained a model of 70
# billion parameters on 1.4 trillion tokens, 20 for each parameter.
#
# **Predict.** How many tokens for each parameter do the printed constants ask for at that budget?

# %% predict="printed_ratio"
commit("printed_ratio", ..., sure=...)

# %%
PRINTED = {"a": 406.4, "b": 410.7, "alpha": 0.34, "beta": 0.28}
for name, law in {"printed": PRINTED, "refitted by the replication": REPLICATED}.items():
    size, tokens = optimal_allocation(5.76e23, **law)
    print(f"{name:<28} {size / 1e9:5.1f} B parameters, {tokens / 1e12:5.2f} T tokens, {tokens / size:5.1f} a parameter, "
          f"N ∝ C^{law['beta'] / (law['alpha'] + law['beta']):.3f}")
size, tokens = optimal_allocation(5.76e23, **PRINTED)

# %% outcome="printed_ratio"
outcome("printed_ratio", tokens / size)

# %% [markdown]
# The paper's own formula does not lead to the paper's own model. {cite:t}`besiroglu2024` found out why: they read the runs off a figure of the
# paper, fitted them again, and got other constants. You will do the same on their points.
#
# Turn the two exponents and the budget yourself, and watch the best size and the tokens for each parameter.

# %%
frontier_figure()

# %%
points = chinchilla_runs()
print(f"{points.source}: {len(points.losses)} runs, {points.parameters.min() / 1e6:.0f} M to "
      f"{points.parameters.max() / 1e9:.0f} B parameters, losses {points.losses.min():.2f} to {points.losses.max():.2f}")

# %% [markdown]
# The fit of the paper minimises a **Huber loss** of the residuals of log losses. Small residuals count by half their square; beyond $\delta$
# in a straight line, so that an odd run does not pull the law to itself:
#
# $$ \sum_i H_\delta\big(\ln \hat L_i - \ln L_i\big), \qquad
#    \ln \hat L = \ln\!\big(e^{a - \alpha \ln N} + e^{b - \beta \ln D} + e^{e}\big), \qquad
#    H_\delta(r) = \begin{cases} r^2/2 & |r| \le \delta \\ \delta\,(|r| - \delta/2) & \text{else.} \end{cases} $$
#
# Here $a, b, e$ are logarithms of $A, B, E$. A search may try $a = 900$ on its way, and $e^{900}$ overflows: use `np.logaddexp`.

# %% exercise="log_huber"
def log_huber(theta: np.ndarray, sizes: np.ndarray, tokens: np.ndarray, losses: np.ndarray,
              delta: float = 1e-3) -> float:
    """Compute the objective of the fit: the sum of Huber losses of the residuals of log losses.

    Parameters
    ----------
    theta : (a, b, e, alpha, beta), with a = log A, b = log B and e = log E; any finite numbers
    sizes, tokens, losses : shape (n,), positive
    delta : where the parabola ends

    Returns
    -------
    the sum over all runs, finite also where exp(a) would overflow
    """
    ### BEGIN SOLUTION
    a, b, e, alpha, beta = theta
    terms = np.logaddexp(a - alpha * np.log(sizes), b - beta * np.log(tokens))
    miss = np.abs(np.logaddexp(terms, e) - np.log(losses))
    return float(np.where(miss <= delta, miss**2 / 2, delta * (miss - delta / 2)).sum())
    ### END SOLUTION


# %% check="log_huber"
check(log_huber)

# %% [markdown]
# Now the search. `scipy.optimize.minimize` with `method="BFGS"` needs no gradient from you, only a start. Beware of its idea of "done": the
# objective is tiny, so tiny improvements look like none. The replication found that the published search had stopped too early, because
# it averaged over runs instead of summing. Scale the objective up, begin again where the search ended, and try more than one start.

# %% exercise="refit_law"
def refit_law(
    sizes: np.ndarray, tokens: np.ndarray, losses: np.ndarray
) -> tuple[float, float, float, float, float]:
    """Fit L = E + A/N^alpha + B/D^beta by minimising `log_huber` with delta = 0.001.

    The objective at the answer must be as low as a search reaches that begins near the right law
    (within 2 %). A few spoiled runs must not move it.

    Parameters
    ----------
    sizes, tokens, losses : shape (n,), n at least 40, of language models: E is between 1 and 3,
        both exponents between 0.2 and 0.6, A and B between 100 and 20 000

    Returns
    -------
    (E, A, B, alpha, beta), in this order
    """
    ### BEGIN SOLUTION
    best = None
    for a, alpha in ((4.0, 0.25), (8.0, 0.5)):
        theta = np.array([a, a, 0.5, alpha, alpha])
        for _ in range(3):
            found = minimize(
                lambda theta: 1e3 * log_huber(theta, sizes, tokens, losses),
                theta,
                method="BFGS",
                options={"gtol": 1e-8},
            )
            theta = found.x
        if best is None or found.fun < best.fun:
            best = found
    a, b, e, alpha, beta = best.x
    return float(np.exp(e)), float(np.exp(a)), float(np.exp(b)), float(alpha), float(beta)
    ### END SOLUTION


# %% check="refit_law"
check(refit_law)

# %% [markdown]
# The replication leaves out the five runs with the highest loss. A small thing, it seems: five of 245.
#
# **Predict.** By how much does $\beta$ rise when they are put back?

# %% predict="five_runs"
commit("five_runs", ..., sure=...)

# %%
kept = points.losses < np.sort(points.losses)[-5]
refits = {}
for name, chosen in {f"{kept.sum()} runs": kept, f"all {len(kept)}": np.full(len(kept), True)}.items():
    refits[name] = refit_law(points.parameters[chosen], points.tokens[chosen], points.losses[chosen])
    E, A, B, alpha, beta = refits[name]
    size, tokens = optimal_allocation(5.76e23, A, B, alpha, beta)
    print(f"{name}: E {E:.3f}, A {A:.0f}, B {B:.0f}, α {alpha:.4f}, β {beta:.4f}: "
          f"{size / 1e9:.0f} B parameters, {tokens / size:.1f} tokens a parameter")
without, with_all = refits.values()

# %% outcome="five_runs"
outcome("five_runs", with_all[4] - without[4])

# %%
rng = np.random.default_rng(0)
P, T, L = (values[kept] for values in (points.parameters, points.tokens, points.losses))
draws = np.array([refit_law(P[i], T[i], L[i]) for i in (rng.integers(len(L), size=len(L)) for _ in range(40))])
shares = draws[:, 4] / (draws[:, 3] + draws[:, 4])
for name, values in {"α": draws[:, 3], "β": draws[:, 4], "exponent of the best size": shares}.items():
    print(f"{name}: 90 % of 40 resamples in [{np.quantile(values, 0.05):.3f}, {np.quantile(values, 0.95):.3f}]")

# %% tags=["hide-input"]
budgets = np.logspace(20, 26, 30)
curves = {}
for name, law in {"printed": PRINTED, "your refit": dict(zip(("a", "b", "alpha", "beta"), without[1:], strict=True))}.items():
    best = [optimal_allocation(budget, **law) for budget in budgets]
    curves[name] = (budgets, [tokens / size for size, tokens in best])
plot_curves(curves, xlabel="budget (FLOPs)", ylabel="tokens for each parameter", logy=True,
            title=titled("One formula, two sets of constants, two kinds of model", points.source))
plt.gca().set_xscale("log")
plt.plot(5.76e23, 20, "*", ms=16, color=COLOURS["red"])
plt.annotate("Chinchilla as trained", (5.76e23, 20), (-150, 10), textcoords="offset points", color=COLOURS["red"])
plt.show()

# %% [markdown]
# Here runs are resampled, not seeds: each run of that study stands alone. Compare your constants with the replication's $\alpha = 0.3478$ and $\beta = 0.3658$.
# The refit leads to the model that was trained; the printed law does not. And five runs
# at one end move $\beta$ further than chance does: hold the step against the interval above. An interval cannot know
# which runs should not have been there.
#
# ## One budget, one forecast
#
# This is what scaling laws are for. You have a budget, to be spent once. Then somebody trains a model with *thirty times* that
# compute, and asks you beforehand what its loss will be.
#
# Our six runs say $8\, C^{-1/2}$: at 64 units of compute, 1.0. Suppose the run gives 1.5. No line in logarithms bends by itself; a floor makes it
# bend. So first a fit with one. Its errors are *relative*, $(\text{fit} - y)/y$, since noise multiplies.

# %% exercise="fit_with_floor"
def fit_with_floor(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Fit y = floor + scale · x^(−exponent), with the lowest sum of squared relative errors.

    Parameters
    ----------
    x, y : shape (n,), x positive, in any order

    Returns
    -------
    (floor, scale, exponent): the floor at least 0 (where the best is below, the fit with a floor of
        0); the exponent between 0.01 and 2

    Raises
    ------
    ValueError : fewer than five points, or a y that is not positive
    """
    ### BEGIN SOLUTION
    if len(y) < 5 or np.any(y <= 0):
        raise ValueError("at least five points, and positive losses")

    def solved(exponent: float) -> tuple[float, float, float]:
        """Floor and scale are linear once the exponent is known; and the sum of squares."""
        parts = np.column_stack([1 / y, x**-exponent / y])
        floor, scale = np.linalg.lstsq(parts, np.ones(len(y)))[0]
        if floor < 0:
            floor, scale = 0.0, parts[:, 1].sum() / (parts[:, 1] @ parts[:, 1])
        return floor, scale, float(((parts @ [floor, scale] - 1) ** 2).sum())

    found = minimize_scalar(
        lambda exponent: solved(exponent)[2], bounds=(0.01, 2.0), method="bounded"
    )
    floor, scale, _ = solved(found.x)
    return float(floor), float(scale), float(found.x)
    ### END SOLUTION


# %% check="fit_with_floor"
check(fit_with_floor)

# %% [markdown]
# Now the budget. `train(flops)` makes the best run of that compute, takes the FLOPs off your account, and gives its loss, with the
# luck of a seed (about 0.3 %). When the account is empty it raises an error. How many runs, and of which sizes? The steps are
# yours; the gap is judged.

# %% exercise="predict_largest"
def predict_largest(train: Callable[[float], float], budget: float, target: float) -> float:
    """Spend a budget on small runs, and predict the loss of one that is too dear to make.

    The loss of a run is floor + scale · flops^(−exponent), with a floor above 0 and an exponent
    between 0.2 and 0.6, times the luck of a seed.

    Parameters
    ----------
    train : takes the FLOPs of a run (positive), gives its loss. It may be called as long as the sum
        of FLOPs is at most the budget, and raises RuntimeError otherwise.
    budget : in FLOPs; more than half of it must be spent
    target : in FLOPs, up to 30 times the budget

    Returns
    -------
    the loss expected at `target`; it must be within 10 % of the truth, and within 1 % where there
    is no luck
    """
    ### BEGIN SOLUTION
    costs = list(budget / 4 / 2.0 ** np.arange(9))  # half the budget, over two decades
    left = budget - sum(costs)
    costs += [budget / 8] * int(left // (budget / 8))
    losses = np.array([train(cost) for cost in costs])
    floor, scale, exponent = fit_with_floor(np.array(costs) / budget, losses)
    return float(floor + scale * (target / budget) ** -exponent)
    ### END SOLUTION


# %% check="predict_largest"
check(predict_largest)

# %% [markdown]
# And on the real study? Hide the most expensive part of our frontier, fit the rest, and predict the last point.

# %%
steps = np.array([SIZES[i % len(SIZES)] // BATCH for i in on])
for least in (0, 60):
    cheap = (front_flops <= front_flops.max() / 8) & (steps >= least)
    print(f"{cheap.sum()} points of {steps[cheap].min()} steps or more, up to {front_flops[cheap].max():.1e} FLOPs; "
          f"the last has {front_flops[-1]:.1e}")
    scale, exponent = fit_power_law(front_flops[cheap], front_losses[cheap])
    floor, gain, bend = fit_with_floor(front_flops[cheap] / front_flops.max(), front_losses[cheap])
    forecasts = {"a straight line": scale * front_flops[-1] ** -exponent, f"a floor of {floor:.3f}": floor + gain}
    for name, forecast in forecasts.items():
        print(f"   {name:<16} predicts {forecast:.4f}; it came {front_losses[-1]:.4f}, a gap of {forecast / front_losses[-1] - 1:+.0%}")

# %% [markdown]
# Neither hits it: the straight line promises too much, the floor too little. In the check the losses came from a law.
# Here the cheapest runs make 48 steps and hardly train, so the curve bends where no law is. Leave them out, and the two
# forecasts agree, at half the gap of the line. But we left them out after we had seen the answer, and that counts for
# nothing. A forecast is no better than the runs it stands on. The gap is the one measure of a study that cannot be argued
# with: write yours down before the run.
#
# ## Go further
#
# No grader here; each takes from an hour to a week.
#
# **Your own study.** Another data set, another family of networks, or transformers from the chapter before this one. Plan the grid
# by its cost, write down the forecast, then make the dearest run.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The rule for the rate, and a check of it at the widest and the narrowest. At least three seeds. The frontier with
# its interval, best sizes with those at the edge left out, and the forecast with its date, before the run.
# :::
#
# **The middle approach.** Chinchilla's second approach fits a parabola over log size at fixed compute, as you did, and fits
# a line. Make surfaces with α ≠ β and wide grids, without noise. Is the exponent it gives right?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A table of true and found exponents against the width of the grid. A valley of two unequal powers is no parabola, so
# its bottom is found off its place, the more so the wider the grid. Three points are safer than a whole curve.
# :::
#
# **Other things that scale.** {cite:t}`henighan2020` find such laws for pictures, video and mathematics, each with a floor of its own. Choose one figure of theirs,
# read its points off as the replication did, and fit it with your functions.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# How the points were read off and how exactly. The fit with an interval, once with a floor and once without, and which of the two the points can tell apart.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="defend_exponent"
write("defend_exponent", """
""")

# %% write="why_disagree"
write("why_disagree", """
""")

# %% write="accuracy_and_loss"
write("accuracy_and_loss", """
""")
