# ---
# title: Training at scale
# subtitle: One curve from many processes, sixteen bits that lose nothing, a layer and a pipeline cut apart, and Adam as one GPU kernel
# part: research
# hours: 20
# needs: [ladder/07_mnist_mlp, ladder/08_adam_optax]
# teaches: [reduce-scatter, all-gather, broadcast tree, underflow, loss scaling, pipeline parallelism, pipeline bubble, tensor parallelism, Triton, MPI, fused kernel]
# builds: shards, a broadcast tree, the two halves of a ring, a weighted mean of gradients, a diagnosis of parallel programs, a loss scaler, a pipeline's schedule, a pair of layers cut in parts, Adam with a divided state, Adam as one Triton kernel
# number: several processes give the curve of one to 1e-5; in Triton's interpreter the kernel is torch.optim.Adam
# data: MNIST
# run: null
# readings:
#   - {key: weng2021, where: "all of it, before you begin: the map of what this page builds", skip: "the mixture-of-experts part, for now"}
#   - {key: li2020, where: "'System Design': how the exchange is hidden behind the backward pass", skip: "the evaluation"}
#   - {key: micikevicius2018, where: "the part on loss scaling, with its histogram of gradients, before the section on sixteen bits", skip: "the tables of results"}
#   - {key: huang2019, where: "the description of the algorithm and its bubble, before the section on pipelines", skip: "the translation experiments"}
#   - {key: shoeybi2019, where: "'Model Parallel Transformers': which way a pair of layers is cut, and why", skip: "the evaluation of the language models"}
#   - {key: rajbhandari2020, where: "the figure of the three stages, before the section on a divided optimiser", skip: "activations and offloading"}
#   - {key: tillet2019, where: "the introduction, and the official tutorial 'Vector Addition'", skip: "the compiler passes"}
# sections:
#   - {id: shares, heading: "Who trains on what", for: "the first thing to check when several machines learn less than one", needs: [ladder/07#batches]}
#   - {id: one_start, heading: "One start for all", for: "sending weights or settings to a thousand machines in ten rounds", needs: [shares]}
#   - {id: ring, heading: "Two halves of a ring", for: "the two exchanges of which every sharded training program is made", needs: [one_start]}
#   - {id: choice, heading: "A tree or a ring?", for: "choosing an exchange from the size of a message", needs: [ring]}
#   - {id: uneven, heading: "Uneven shares", for: "gradients that are right when a batch does not divide, and losses and metrics likewise", needs: [ring, ladder/02#backward]}
#   - {id: one_curve, heading: "The same curve", for: "the test that every change to a parallel program has to pass", needs: [uneven, ladder/07#training_loop]}
#   - {id: mpi, heading: "The same over MPI", for: "running on a cluster that speaks MPI and not torchrun", needs: [one_curve]}
#   - {id: half, heading: "Sixteen bits, by hand", for: "what a gradient scaler does, and where to look when a loss turns to NaN", needs: [ladder/08#adam]}
#   - {id: pipeline, heading: "A pipeline and its bubble", for: "a model that is too deep for one device", needs: [one_curve]}
#   - {id: tensor, heading: "A layer cut in two", for: "a layer that is too wide for one device", needs: [ring, ladder/02#backward]}
#   - {id: zero, heading: "A divided optimiser", for: "an optimiser's state that is too large for one device; FSDP goes on from here", needs: [ring, ladder/08#adam]}
#   - {id: kernel, heading: "Adam as one kernel", for: "writing an operation for a GPU that no library has", needs: [ladder/08#adam]}
#   - {id: bandwidth, heading: "How fast could it be?", for: "judging any claim of a speed-up of work that only moves bytes", needs: [kernel]}
# recall:
#   - {id: tree_rounds, section: one_start, transfer: true, q: "How many rounds does a broadcast tree take for 1000 processes? And the root alone?", a: "10 rounds, since 2 to the 10 is 1024. The root alone takes 999."}
#   - {id: halves, section: ring, transfer: false, q: "Which two exchanges make an all-reduce, and what does a process have between them?", a: "Reduce-scatter, then all-gather. Between them process r has part r of the sum."}
#   - {id: ring_bytes, section: ring, transfer: true, q: "5 processes, a vector of 40 MB. How much does each send in a ring all-reduce?", a: "2 · 4 messages of 8 MB each: 64 MB."}
#   - {id: last_batch, section: uneven, transfer: true, q: "Two GPUs average their gradients evenly. The last batch leaves 9 examples for one and 1 for the other. What is wrong?", a: "The lonely example counts nine times as much as each of the others. Weigh the two means by 9/10 and 1/10."}
#   - {id: nan_share, section: uneven, transfer: true, q: "A process without examples multiplies its mean loss by a weight of 0. What arrives in the sum?", a: "NaN: a mean over nothing is 0/0, and NaN times 0 is NaN. It has to send zeros."}
#   - {id: overflow_once, section: half, transfer: true, q: "With a loss scale of 4096 one gradient in a thousand steps overflows. What does a dynamic scaler do, and is anything lost?", a: "It skips that step, halves the scale, and doubles it again after enough good steps. One step in a thousand is lost."}
#   - {id: unscale_first, section: half, transfer: false, q: "In which order: clip, unscale, step, look for infinities?", a: "Look for infinities, unscale in float32, clip, step."}
#   - {id: bubble_number, section: pipeline, transfer: true, q: "8 stages and 8 micro-batches. What is the bubble, and with 56?", a: "7/15, nearly a half; with 56 it is 7/63, a ninth."}
#   - {id: bias_once, section: tensor, transfer: false, q: "Two layers are cut along the hidden units. Where are the all-reduces, and where is the second bias added?", a: "One after the second product on the way forward, one for the gradient of the input on the way back. The bias is added once, after the sum."}
#   - {id: fused_bytes, section: bandwidth, transfer: true, q: "SGD with momentum in float32, fused. How many bytes does it move for each parameter?", a: "It reads weight, gradient and velocity and writes weight and velocity: 5 · 4 = 20."}
# predictions:
#   - {id: which_is_right, ask: "Which of the four programs is right?", choices: ["A", "B", "C", "D"], because: "The rates of the right program and of one process are the same; the steepest curve is a sum in the place of a mean, as if the rate were four times larger."}
#   - {id: ring_from, ask: "From which size on does the ring win, for 64 processes?", unit: "MB", factor: 3, because: "The ring waits 126 times and the tree 12 times. Each extra wait costs what a quarter of a megabyte costs to send, and the tree carries the vector twelve times."}
#   - {id: lost_share, ask: "Which share of the first layer's gradients becomes 0 in float16, without scaling?", unit: "%", within: 15, because: "The smallest number of float16 is 6 · 10⁻⁸, and half of it rounds to 0. Most gradients of this layer are smaller than that."}
#   - {id: bubble_of_four, ask: "Four stages and eight micro-batches: which share of its time does a stage wait?", unit: "%", within: 4, because: "Each half has 8 working ticks and 3 idle ones: 3/11."}
#   - {id: launch_tenth, ask: "From how many parameters on is the launch less than a tenth of the time?", unit: "million parameters", factor: 3, because: "Moving 28 bytes for each parameter has to take nine times as long as the launch."}
# written:
#   - {id: why_same_curve, ask: "A colleague's program is twice as fast on 8 GPUs, and its loss falls faster than on one, at the same global batch. Why are you worried, and what do you ask for?", rubric: ["says that the same global batch has to give the same curve, so a better one is a fault too", "names at least two faults that raise no error, such as a sum in the place of a mean or the same share everywhere", "asks for one process and eight with the same start and the same batches, over a few steps", "asks for plain SGD, since Adam hides a factor"], answer: "At the same global batch the curve has to be the same, but for rounding. A better one is a fault as well: a sum of gradients in the place of a mean is a larger rate, for one. I ask for the first ten losses of one process and of eight, from the same start, with the same batches and with plain SGD, since Adam would hide a factor; and for a checksum of the weights in each process."}
#   - {id: where_to_cut, ask: "A model does not fit into one device. When would you cut it by layers, when within layers, and when divide only the optimiser?", rubric: ["dividing the optimiser comes first: it sends no more than data parallelism does", "cutting within layers sends activations twice for every pair of layers, and needs a fast line", "a pipeline sends only what passes between stages, and pays with a bubble", "says that the bubble needs many micro-batches"], answer: "First divide the optimiser: it sends no more than a ring all-reduce and saves most of the memory. If the weights themselves do not fit, cut within layers among devices with a fast line, since every pair of layers exchanges activations forward and backward. Between machines cut by layers: only activations at the borders travel, and the price is a bubble that many micro-batches make small."}
#   - {id: two_overheads, ask: "A blog post reports that its fused Adam is 1.6 times as fast as torch's, on two layers of 8 × 8. What does that tell you?", rubric: ["so few parameters take no time to move", "both times are launches", "bandwidth shows only where moving bytes takes most of the time", "asks for sizes up to the memory's, the fused reference, and the share of a copy's bandwidth"], answer: "144 parameters are four thousand bytes, which move in nanoseconds; both times are launches of kernels, and the ratio says how many were launched. I would ask for sizes from ten million to a billion parameters, beside torch's own fused Adam, as a share of what a plain copy reaches."}
# ---

# %% [markdown]
# # Training at scale
#
# Below are the losses of four programs. Each was meant to train one small model on MNIST with four processes, from the same start, with the same rate and the same batches. One program is right. None of them stops with an error.

# %% tags=["setup"]
import importlib.util
import inspect
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descent import (
    Link,
    alone,
    chapter,
    check,
    commit,
    hint,
    in_processes,
    in_turns,
    outcome,
    progress,
    recall,
    tl,
    triton,
    write,
)
from descent.data import mnist
from descent.figures import COLOURS, pipeline_figure, plot_curves, titled, use_style

chapter("research/03_training_at_scale")
use_style()

# %% tags=["hide-input"]
train = mnist("train")
X = torch.tensor(train.images[:2048]).flatten(1).float() / 255  # (2048, 784)
Y = torch.tensor(train.labels[:2048]).long()  # (2048,)


def softmax_slope(weights: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, float]:
    """Gradient and loss of a softmax regression, its weights as one vector."""
    weights = weights.clone().requires_grad_()
    loss = F.cross_entropy(x @ weights.view(784, 10), y)
    return torch.autograd.grad(loss, weights)[0], loss.item()


def seen(kind: int, p: int = 4, steps: int = 60, rate: float = 0.1) -> tuple[Tensor, Tensor, list[float]]:
    """What p processes of a program compute: starts (p, d), gradients (p, steps, d), and process 0's losses."""
    starts = torch.zeros(p, 7840)
    if kind == 1:
        starts[1:] = 0.3 * torch.randn(p - 1, 7840, generator=torch.Generator().manual_seed(1))
    models, gradients, losses = starts.clone(), [], []
    for step in range(steps):
        rows = torch.arange(step * 64, step * 64 + 64) % len(X)
        shares = [rows[(0 if kind == 3 else rank) :: p] for rank in range(p)]
        own = torch.stack([softmax_slope(models[rank], X[shares[rank]], Y[shares[rank]])[0] for rank in range(p)])
        losses.append(softmax_slope(models[0], X[rows], Y[rows])[1])
        gradients.append((own.sum(0) if kind == 2 else own.mean(0)).repeat(p, 1))
        models = models - rate * gradients[-1]
    return starts, torch.stack(gradients, 1), losses


PROGRAMS = {"A": seen(3), "B": seen(0), "C": seen(2), "D": seen(1)}
smooth = {name: (np.arange(2, 60, 4), np.reshape(losses, (-1, 4)).mean(1)) for name, (_, _, losses) in PROGRAMS.items()}
plot_curves(smooth, xlabel="step", ylabel="loss (nats)", title=titled("Four programs that should be one", train.source))
plt.show()

# %% [markdown]
# **Predict.** Commit yourself now. You will write the test that decides.

# %% predict="which_is_right"
commit("which_is_right", ..., sure=...)

# %% [markdown]
# **You need** a training loop and Adam (rungs 7 and 8). Rung 17 meets some of this with a GPT; you can come from either side. **You will have** a parallel program that gives the curve of one process, four ways to cut a model, and Adam as a GPU kernel. No GPU is needed. **It takes** about twenty hours with the readings. Read {cite:t}`weng2021` first, then come back.
#
# ## Who trains on what
#
# In **data parallelism** each of $p$ processes holds the whole model, and takes a share of every batch. A process's number $r$, from 0 to $p - 1$, is its **rank**.
#
# They never speak about who takes what: each works out its own share. So all have to shuffle alike, and then take different places. Two things go wrong in public code. Some make the shares equal by giving a few examples twice. Others add seed and epoch up, so that two runs with neighbouring seeds see nearly the same orders.
#
# By hand, the thread of this page: 7 examples, 3 processes. If the order is 4 1 6 0 5 2 3, they could take 4 0 3, then 1 5, then 6 2. Seven examples, none twice.

# %% exercise="shard"
def shard(count: int, rank: int, size: int, seed: int, epoch: int) -> list[int]:
    """Choose the examples that one process takes in an epoch.

    Parameters
    ----------
    count : examples in the data set, numbered from 0; possibly fewer than processes, or none
    rank, size : number of this process, and how many there are
    seed, epoch : whole numbers from 0 on. Both together, in this order, choose the random order
        of the examples: epoch 1 of seed 7 has nothing to do with epoch 0 of seed 8.

    Returns
    -------
    a list of Python ints, in a random order. Over all processes every example is there exactly
        once, and no process has more than one example more than another. The list depends on
        the five arguments alone, whatever else has drawn random numbers.
    """
    ### BEGIN SOLUTION
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(count)
    mine = order[rank::size]
    return mine.tolist()
    ### END SOLUTION

# %% check="shard"
check(shard)

# %% [markdown]
# ## One start for all
#
# Processes talk by messages. Each has a `link`:
#
# - `link.rank`, `link.size`: its number $r$, and the number $p$ of all;
# - `link.send(values, to)` sends a copy of a tensor, and does not wait;
# - `link.receive(source)` waits for the next tensor from there.
#
# `link.sent` lists what was sent. `in_turns(function, p)` runs a function in $p$ threads that take turns: always in the same order, and if all of them wait it says so. `in_processes` takes real processes.
#
# The first need: one process has the starting weights and all shall have them. The root could send them to each of the others, one after another, in $p - 1$ rounds. But whoever has them can pass them on. After one round two have them, then four: a **broadcast tree** needs $\lceil \log_2 p \rceil$ rounds.
#
# By hand, seven processes, root 0. First 0 → 1. Then 0 → 2 and 1 → 3. Then 0 → 4, 1 → 5 and 2 → 6. From another root, count the places from there, modulo $p$.

# %% exercise="broadcast"
def broadcast(values: Tensor, link: Link, root: int) -> Tensor:
    """Give every process the tensor of one of them, along a tree.

    Parameters
    ----------
    values : in process `root` what everybody shall have; in the others any tensor of the same
        shape and dtype. It is not changed.
    link : has rank, size, send(values, to) and receive(source)
    root : the process that has it, from 0 to size − 1

    Returns
    -------
    what `root` has, of its shape and dtype, in every process

    A send takes a round, and what was sent can be passed on in the next one. All have it after
    log₂ p rounds, rounded up, and p − 1 messages in all. A process alone sends nothing.
    """
    ### BEGIN SOLUTION
    p = link.size
    place = (link.rank - root) % p  # counted from the root
    have, reach = values.clone(), 1
    while reach < p:  # the places below `reach` have it
        if place < reach:
            if place + reach < p:
                link.send(have, (root + place + reach) % p)
        elif place < 2 * reach:
            have = link.receive((root + place - reach) % p)
        reach *= 2
    return have
    ### END SOLUTION

# %% check="broadcast"
check(broadcast)

# %% recall="one_start"
recall("one_start")

# %% [markdown]
# ## Two halves of a ring
#
# Every process has a vector of $n$ numbers, its gradient; all want the sum. That is an **all-reduce**. Through one process it would be slow, as the picture further down shows. In a ring {cite:p}`patarasuk2009` each process sends to $r + 1$ and receives from $r - 1$, modulo $p$, and every vector is cut into $p$ parts. There are two halves, and both are useful alone.
#
# **Reduce-scatter**: process $r$ ends with part $r$ of the sum. **All-gather**: finished parts go round until all have all. Here is the first half for the thread, 7 numbers in parts of 3, 2 and 2.

# %% tags=["hide-input"]
def draw_ring() -> None:
    """Which part each process sends at each step of a reduce-scatter among three."""
    fig, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True)
    fills = [COLOURS["sky"], COLOURS["orange"], COLOURS["green"]]
    held = [[{r} for _ in range(3)] for r in range(3)]
    for step, ax in enumerate(axes):
        for r in range(3):
            left = 0.0
            for part, length in enumerate((3, 2, 2)):
                done = len(held[r][part]) == 3
                ax.add_patch(plt.Rectangle((left, -r), length, 0.6, fc=fills[part], alpha=0.9 if done else 0.35, ec="black", lw=2 if done else 0.5))
                ax.text(left + length / 2, 0.3 - r, "+".join(map(str, sorted(held[r][part]))), ha="center", va="center", fontsize=9)
                if step < 2 and part == (r - step - 1) % 3:
                    ax.plot([left + 0.1, left + length - 0.1], [-0.08 - r] * 2, color=COLOURS["red"], lw=3)
                left += length
        ax.set(xlim=(-0.2, 7.2), ylim=(-2.3, 0.8), yticks=[0.3, -0.7, -1.7], yticklabels=["process 0", "process 1", "process 2"],
               xticks=[1.5, 4, 6], xticklabels=["part 0", "part 1", "part 2"], title=("at first", "after step 0", "after step 1")[step])
        ax.grid(False)
        if step < 2:
            new = [[set(cell) for cell in row] for row in held]
            for r in range(3):
                part = (r - step - 1) % 3
                new[(r + 1) % 3][part] |= held[r][part]
            held = new
    fig.suptitle("Whose numbers are in a part; underlined in red: sent to the next process", fontsize=12)
    plt.show()


draw_ring()

# %% [markdown]
# At step $s = 0, \dots, p - 2$ process $r$ sends part $r - s - 1$, as far as it has been added up. What arrives is added to part $r - s - 2$. All part numbers count modulo $p$. At the end the framed parts are whole: part $r$ in process $r$.
#
# What travels: $p - 1$ messages of $n/p$ numbers from each process.

# %% exercise="reduce_scatter"
def reduce_scatter(values: Tensor, link: Link) -> Tensor:
    """Add a vector up over all processes, of which each keeps its part, in a ring.

    Parameters
    ----------
    values : shape (n,), the same n in every process, at least 1; not changed
    link : has rank, size, send(values, to) and receive(source)

    Returns
    -------
    part r of the sum in process r, of the dtype of `values`. There are p parts, as
        `values.tensor_split(p)` cuts them: where n does not divide by p, the first n mod p have
        one number more; some may be empty.

    Every process sends p − 1 messages, all to process r + 1 (modulo p), each with one part and
    nothing else. A process alone sends nothing.
    """
    ### BEGIN SOLUTION
    p, rank = link.size, link.rank
    parts = [part.clone() for part in values.tensor_split(p)]
    for step in range(1, p):
        link.send(parts[(rank - step) % p], (rank + 1) % p)
        parts[(rank - step - 1) % p] += link.receive((rank - 1) % p)
    return parts[rank]
    ### END SOLUTION

# %% check="reduce_scatter"
check(reduce_scatter)

# %% [markdown]
# Now the way back. Process $r$ sends its own part first, then always what has arrived last. By hand: with parts $[1, 2]$, $[3]$ and $[4]$ all three end with $[1, 2, 3, 4]$, though they arrive in another order.

# %% exercise="all_gather"
def all_gather(part: Tensor, link: Link) -> Tensor:
    """Give every process the parts of all, in a ring.

    Parameters
    ----------
    part : shape (n_r,), this process's part; the lengths may differ from process to process, and
        be 0. It is not changed.
    link : has rank, size, send(values, to) and receive(source)

    Returns
    -------
    part 0, part 1, … end to end, of shape (n_0 + n_1 + …,) and the dtype of `part`

    Every process sends p − 1 messages, all to process r + 1 (modulo p), each with one part and
    nothing else. A process alone sends nothing.
    """
    ### BEGIN SOLUTION
    p, rank = link.size, link.rank
    parts = {rank: part}
    for step in range(p - 1):
        link.send(parts[(rank - step) % p], (rank + 1) % p)
        parts[(rank - step - 1) % p] = link.receive((rank - 1) % p)
    return torch.cat([parts[other] for other in range(p)])
    ### END SOLUTION

# %% check="all_gather"
check(all_gather)

# %% [markdown]
# The two together are the all-reduce. Here it is beside a star, in which process 0 adds up and sends the sums back. Each has the sum for its result; count the bytes.

# %%
def all_reduce(values: Tensor, link: Link) -> Tensor:
    """The sum over all processes, of any shape: your two halves, one after the other."""
    return all_gather(reduce_scatter(values.flatten(), link), link).view_as(values)


def star(values: Tensor, link: Link) -> Tensor:
    """The sum over all processes, by way of process 0."""
    if link.rank > 0:
        link.send(values, 0)
        return link.receive(0)
    total = sum((link.receive(other) for other in range(1, link.size)), values.clone())
    for other in range(1, link.size):
        link.send(total, other)
    return total


def busiest_line(exchange: Callable[[Tensor, Link], Tensor], p: int, n: int = 840) -> tuple[int, int]:
    """Bytes through the busiest process's line, both ways; and the bytes that one process sends at most."""
    sent = in_turns(lambda link: (exchange(torch.ones(n), link), link.sent)[1], p)
    out = [sum(message.size for message in part) for part in sent]
    into = [sum(message.size for part in sent for message in part if message.to == rank) for rank in range(p)]
    return max(a + b for a, b in zip(out, into, strict=True)), max(out)


sizes = [2, 3, 4, 5, 6, 7, 8]
lines = {"star": [busiest_line(star, p)[0] / 3360 for p in sizes], "ring": [busiest_line(all_reduce, p)[0] / 3360 for p in sizes]}
plot_curves({name: (sizes, values) for name, values in lines.items()}, xlabel="processes",
            ylabel="through the busiest line (vectors)", title="A ring's traffic stays below four vectors")
plt.show()
for p in (2, 4, 7):
    print(f"ring, {p} processes: each sends {busiest_line(all_reduce, p)[1]} bytes; 2(p − 1)/p · 3360 = {2 * (p - 1) / p * 3360:.0f}")

# %% recall="ring"
recall("ring")

# %% [markdown]
# ## A tree or a ring?
#
# Bytes are not all. A message also waits for its **latency** $\ell$ before it flows at the **bandwidth** $b$. Adding up along a tree and sending the sum back down takes $2 \lceil \log_2 p \rceil$ messages one after another, each with the whole vector of $m$ bytes. The ring takes $2(p - 1)$, each with a $p$-th:
#
# $$ t_\text{tree} = 2 \lceil \log_2 p \rceil \left( \ell + \frac{m}{b} \right), \qquad t_\text{ring} = 2 (p - 1) \left( \ell + \frac{m}{p\,b} \right). $$
#
# So there is a size at which one should change over. By hand: 8 processes, $\ell = 1$ second, $b = 1275$ bytes a second. The tree takes $6 (1 + m/1275)$ and the ring $14 (1 + m / 10\,200)$. Both are equal at $m = 2400$.

# %% exercise="break_even_bytes"
def break_even_bytes(processes: int, latency: float, bandwidth: float) -> float | None:
    """Find the size from which on a ring all-reduce is no slower than a tree.

    Parameters
    ----------
    processes : p, at least 1
    latency : seconds that pass before a message flows, 0 or more
    bandwidth : bytes a second on each line

    Returns
    -------
    the bytes of a vector for which both take equally long, not rounded; 0.0 where the ring is
        never slower. None for a process alone, which exchanges nothing.
    """
    ### BEGIN SOLUTION
    if processes == 1:
        return None
    levels = math.ceil(math.log2(processes))
    more_waits = processes - 1 - levels
    less_carried = levels - (processes - 1) / processes
    return more_waits * latency * bandwidth / less_carried
    ### END SOLUTION

# %% check="break_even_bytes"
check(break_even_bytes)

# %% [markdown]
# **Predict.** A network with 12.5 gigabytes a second and a latency of 20 microseconds, and 64 processes.

# %% predict="ring_from"
commit("ring_from", ..., sure=...)

# %%
for p in (2, 4, 8, 64, 512):
    print(f"{p:4} processes: the ring is no slower from {break_even_bytes(p, 20e-6, 12.5e9) / 1e6:8.3f} MB on")

# %% outcome="ring_from"
outcome("ring_from", break_even_bytes(64, 20e-6, 12.5e9) / 1e6)

# %% [markdown]
# With 64 processes a single loss should climb a tree, and a gradient of hundreds of megabytes should go round a ring. Libraries choose by size, as you now can.
#
# ## Uneven shares
#
# A batch of 64 among three processes is 22, 21 and 21 rows. The last batch of an epoch may leave a process with nothing. Look at what a plain average of three gradients does then.

# %%
def shares_of(n: int, p: int) -> list[Tensor]:
    """The rows of a batch of n that each of p processes takes."""
    return [torch.arange(n)[rank::p] for rank in range(p)]


w0 = torch.zeros(7840)
for n in (63, 64, 10, 4):
    whole = softmax_slope(w0, X[:n], Y[:n])[0]
    plain = torch.stack([softmax_slope(w0, X[rows], Y[rows])[0] for rows in shares_of(n, 3)]).mean(0)
    print(f"{n:3} rows in shares of {[len(rows) for rows in shares_of(n, 3)]}: off by {(plain - whole).norm() / whole.norm():.1%} of the gradient")
print("the mean loss of no rows:", softmax_slope(w0, X[:0], Y[:0])[1])

# %% [markdown]
# Only one of the four is right. Mend it, the empty share included, and still with *one* exchange.
#
# By hand: process 0 had 3 examples with the mean gradient 2, process 1 had 1 with 6. The mean of all is $(3 \cdot 2 + 1 \cdot 6)/4 = 3$. The mean of means would be 4.

# %% exercise="average_gradients"
def average_gradients(gradients: list[Tensor], examples: int, link: Link) -> list[Tensor]:
    """Average gradients over all examples of a batch, whoever had them, in one exchange.

    Parameters
    ----------
    gradients : of the parameters, in the same order everywhere: the mean over this process's
        examples. Not changed. In a process without examples they may hold anything, NaN too.
    examples : how many examples this process had, possibly 0; at least one process has some
    link : to the other processes

    Returns
    -------
    new tensors of the same shapes: the mean over the examples of all processes

    Everything is exchanged together, by one all_reduce: at most 2(p − 1) messages a process.
    """
    ### BEGIN SOLUTION
    sums = [
        gradient * examples if examples else torch.zeros_like(gradient) for gradient in gradients
    ]
    vector = torch.cat([*(part.flatten() for part in sums), torch.tensor([float(examples)])])
    vector = all_reduce(vector, link)
    pieces = (vector[:-1] / vector[-1]).split([gradient.numel() for gradient in gradients])
    return [piece.view_as(gradient) for piece, gradient in zip(pieces, gradients, strict=True)]
    ### END SOLUTION

# %% check="average_gradients"
check(average_gradients)

# %% recall="uneven"
recall("uneven")

# %% [markdown]
# ## The same curve
#
# Now the whole of it, and its test. One process trains alone; then three *real* processes, joined by **gloo**, with the same global batches and each with a random start of its own. Before the first step they agree on that of process 0.

# %%
BATCH, ROWS, STEPS, RATE = 64, 2000, 60, 0.2


def digits(rows: int) -> tuple[Tensor, Tensor]:
    """The first rows of MNIST: pictures (rows, 784) and labels (rows,)."""
    data = mnist("train")
    return torch.tensor(data.images[:rows]).flatten(1).float() / 255, torch.tensor(data.labels[:rows]).long()


def start_model(link: Link) -> nn.Sequential:
    """A model with the weights of process 0, whatever this process drew."""
    torch.manual_seed(link.rank)
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(broadcast(parameter.detach(), link, 0))
    return model


def slopes_and_loss(model: nn.Sequential, x: Tensor, y: Tensor, link: Link) -> tuple[list[Tensor], float]:
    """Gradients and loss of the global batch, of which this process has these rows, if any."""
    loss = F.cross_entropy(model(x), y)
    slopes = list(torch.autograd.grad(loss, list(model.parameters())))
    total = all_reduce(torch.tensor([loss.item() * len(x) if len(x) else 0.0, float(len(x))]), link)
    return average_gradients(slopes, len(x), link), (total[0] / total[1]).item()


def batch_rows(step: int, link: Link) -> list[int]:
    """This process's rows of the global batch: every p-th, so the batch does not depend on p."""
    steps_an_epoch = -(-ROWS // BATCH)
    order = shard(ROWS, 0, 1, seed=7, epoch=step // steps_an_epoch)
    at = step % steps_an_epoch * BATCH
    return order[at : at + BATCH][link.rank :: link.size]


def curve(link: Link, steps: int) -> tuple[list[float], float]:
    """Train with plain SGD: the losses, and a checksum of the weights."""
    x, y = digits(ROWS)
    model, losses = start_model(link), []
    for step in range(steps):
        rows = batch_rows(step, link)
        slopes, loss = slopes_and_loss(model, x[rows], y[rows], link)
        losses.append(loss)
        with torch.no_grad():
            for parameter, slope in zip(model.parameters(), slopes, strict=True):
                parameter -= RATE * slope  # type: ignore[misc]
    return losses, sum(parameter.double().abs().sum().item() for parameter in model.parameters())


one, checksum = curve(alone(), STEPS)
three = in_processes(curve, 3, STEPS)
print(f"loss of one process: {one[0]:.4f} at first, {one[-1]:.4f} at last; checksum of its weights {checksum:.6f}")
print("checksums in the three processes:", ", ".join(f"{found[1]:.6f}" for found in three))
gap = max(abs(a - b) for a, b in zip(one, three[0][0], strict=True))
print(f"largest difference between one process and three: {gap:.1e}")
assert gap < 1e-5

# %% [markdown]
# Equal to rounding, and the three agree with each other to the last digit shown. Notice the optimiser: plain SGD. Adam divides by the gradient's own size, and a wrong factor would not show.
#
# Back to the four programs. Write the test once, so that you never have to guess from a curve again. A fault shows at a certain place: in the starts, at the first step, or only at the second.

# %% exercise="diagnose"
def diagnose(starts: Tensor, gradients: Tensor, one: Tensor) -> str:
    """Say what is wrong with a data-parallel program, from what its processes computed.

    Parameters
    ----------
    starts : shape (p, d), the weights with which each of p processes began, p at least 2
    gradients : shape (p, steps, d), the gradient with which each process made each step; at
        least 2 steps
    one : shape (steps, d), the gradients of one process that began with process 0's weights and
        took the whole of every batch

    Returns
    -------
    the first of these that is true:
        "own starts": not all processes began with the same weights
        "not exchanged": at the first step they do not all step with the same gradient
        "summed": the first gradient is p times the right one
        "same share": the first gradient is another wrong one
        "gradients kept": the first gradient is right, and the second is not
        "right": none of them

    What should be equal differs by rounding, less than 10⁻⁴ of the largest number, whatever
    size the numbers have; what is wrong is off by more than a hundredth of it. p may be large
    enough to make the training fly apart.
    """
    ### BEGIN SOLUTION
    def far(found: Tensor, right: Tensor) -> bool:
        return bool((found - right).abs().max() > 1e-3 * right.abs().max())

    first, second = gradients[:, 0], gradients[:, 1]
    if far(starts, starts[0]):
        return "own starts"
    if far(first, first[0]):
        return "not exchanged"
    if not far(first, len(starts) * one[0]):
        return "summed"
    if far(first, one[0]):
        return "same share"
    return "gradients kept" if far(second, one[1]) else "right"
    ### END SOLUTION

# %% check="diagnose"
check(diagnose)

# %%
right_slopes = []
weights = torch.zeros(7840)
for step in range(2):
    rows = torch.arange(step * 64, step * 64 + 64)
    right_slopes.append(softmax_slope(weights, X[rows], Y[rows])[0])
    weights = weights - 0.1 * right_slopes[-1]
verdicts = {name: diagnose(starts, slopes[:, :2], torch.stack(right_slopes)) for name, (starts, slopes, _) in PROGRAMS.items()}
for name, verdict in verdicts.items():
    print(f"{name}: {verdict}; mean loss of the last 12 steps {np.mean(PROGRAMS[name][2][-12:]):.3f}")
found = next(name for name, verdict in verdicts.items() if verdict == "right")

# %% outcome="which_is_right"
outcome("which_is_right", found)

# %% [markdown]
# The lowest curve belongs to a wrong program: its rate is four times what was asked for. It looks like progress until the rate is tuned, or the number of processes changes. A better curve at the same global batch is a fault to be found.
#
# ## The same over MPI
#
# Clusters often speak **MPI**, a standard of 1994 for exactly these messages. Nothing of yours has to change: only the link is another one. The cell tries it where `mpi4py` and `mpiexec` are installed, and says loudly where they are not. (`pip install mpi4py mpich` brings both.)

# %%
class MpiLink(Link):
    """A link over MPI. It keeps what it sends until it is gone."""

    def __init__(self) -> None:
        from mpi4py import MPI

        self.comm, self.pending = MPI.COMM_WORLD, []
        super().__init__(self.comm.Get_rank(), self.comm.Get_size())

    def _send(self, values: Tensor, to: int) -> None:
        self.pending.append(self.comm.isend(values.numpy(), to))

    def _receive(self, source: int) -> Tensor:
        return torch.from_numpy(self.comm.recv(source=source))


def over_mpi(processes: int) -> list[float] | None:
    """The losses of `curve` under mpiexec; None where there is no MPI, or it fails."""
    if importlib.util.find_spec("mpi4py") is None or shutil.which("mpiexec") is None:
        return None
    pieces = [shard, broadcast, reduce_scatter, all_gather, all_reduce, average_gradients, digits, start_model,
              slopes_and_loss, batch_rows, curve, MpiLink]
    program = ("import numpy as np, torch, torch.nn.functional as F\nfrom torch import Tensor, nn\nfrom descent import Link\n"
               f"from descent.data import mnist\nBATCH, ROWS, RATE = {BATCH}, {ROWS}, {RATE}\n" + "\n\n".join(map(inspect.getsource, pieces))
               + f"\nlink = MpiLink()\nlosses = curve(link, {STEPS})[0]\nfor sent in link.pending:\n    sent.wait()\n"
               + "if link.rank == 0:\n    print('losses', *losses)\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "over_mpi.py"
        path.write_text(program, encoding="utf-8")
        ran = subprocess.run(["mpiexec", "-n", str(processes), sys.executable, str(path)], capture_output=True, text=True,
                             timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if ran.returncode != 0:
        print("mpiexec failed:", *ran.stderr.strip().splitlines()[-3:], sep="\n")
        return None
    return [float(word) for word in ran.stdout.split("losses")[1].split()]


losses = over_mpi(2)
if losses is None:
    print("NOT RUN: there is no working MPI here (mpi4py and mpiexec are needed). Everything else on this page goes on without it.")
else:
    print(f"two processes over MPI: largest difference to one process {max(abs(a - b) for a, b in zip(one, losses, strict=True)):.1e}")

# %% [markdown]
# ## Sixteen bits, by hand
#
# Now read what {cite:t}`micikevicius2018` say about loss scaling, then come back. **float16** has five bits for the exponent. Its largest number is 65 504. Its smallest normal one is $2^{-14}$; below that it gets less exact down to $2^{-24}$, about $6 \cdot 10^{-8}$. What is no more than half of that becomes 0: **underflow**.
#
# Here is a network whose gradients are small: six layers with a timid start.
#
# **Predict.** First its first layer, in float16, without any scaling.

# %% predict="lost_share"
commit("lost_share", ..., sure=...)

# %%
def deep_net(gain: float = 0.1) -> nn.Sequential:
    """Six layers with tanh between them, and small weights."""
    torch.manual_seed(0)
    widths = [784, 64, 64, 64, 64, 64, 10]
    parts = [part for i, o in zip(widths[:-1], widths[1:], strict=True) for part in (nn.Linear(i, o), nn.Tanh())][:-1]
    with torch.no_grad():
        for part in parts[::2]:
            part.weight.normal_(0, gain / part.in_features**0.5)
            part.bias.zero_()
    return nn.Sequential(*parts)


def slopes_of(model: nn.Sequential, x: Tensor, y: Tensor, scale: float = 1.0) -> tuple[list[Tensor], float]:
    """Gradients of scale × loss in the model's own dtype, and the loss."""
    loss = F.cross_entropy(model(x.to(model[0].weight.dtype)).float(), y)
    return list(torch.autograd.grad(scale * loss, list(model.parameters()))), loss.item()


exact, _ = slopes_of(deep_net(), X[:64], Y[:64])
rough, _ = slopes_of(deep_net().half(), X[:64], Y[:64])
lost = [float(((r == 0) & (e != 0)).sum() / (e != 0).sum()) for r, e in zip(rough[::2], exact[::2], strict=True)]
print("share of each layer's gradients that becomes 0:", ", ".join(f"{share:.0%}" for share in lost))

# %% outcome="lost_share"
outcome("lost_share", 100 * lost[0])

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8.5, 3.6))
sizes_of = exact[0][exact[0] != 0].abs().log2()
for shift, colour in ((0, "blue"), (12, "orange")):
    ax.hist((sizes_of + shift).numpy(), bins=np.arange(-45, 5), color=COLOURS[colour], alpha=0.6)
    ax.text(float(sizes_of.median()) + shift, ax.get_ylim()[1] * 0.92, "loss" if shift == 0 else "4096 × loss",
            color=COLOURS[colour], ha="center", fontweight="bold")
ax.axvspan(-45, -25, color=COLOURS["grey"], alpha=0.25)
ax.text(-44, ax.get_ylim()[1] * 0.5, "0 in float16", fontsize=11)
ax.set(xlabel="log₂ of the gradient's size", ylabel="gradients", title="Scaling the loss moves all gradients to where float16 has numbers", xlim=(-45, 5))
plt.show()

# %% [markdown]
# The remedy costs nothing: multiply the loss by a **loss scale** before the backward pass, and divide the gradients after it. Too small a scale loses gradients, too large a one makes some infinite. A power of two changes no digit.
#
# By hand: gradients $2^{-26}$ and $2^{3}$, and nothing may be lost. Scale 2 gives $2^{-25}$, which still rounds to 0. Scale 4 gives $2^{-24}$ and $2^5$, and does.

# %% exercise="smallest_scale"
def smallest_scale(gradients: Tensor, share: float) -> float | None:
    """Find the smallest loss scale that saves enough gradients from underflow in float16.

    Parameters
    ----------
    gradients : float32, of any shape, possibly empty; they may be negative, 0, infinite or NaN
    share : which share of the gradients that are not 0 may be lost at most, from 0 to below 1. A
        gradient is lost when it is 0 after scaling and rounding to float16. The numbers below the
        smallest normal one, 2⁻¹⁴, are less exact and not lost.

    Returns
    -------
    the smallest of 1, 2, 4, …, 2²⁴ with which no more than this share is lost, and no gradient is
        infinite or NaN in float16; 1.0 where nothing needs saving. None where none of them does.
    """
    ### BEGIN SOLUTION
    nonzero = gradients[gradients != 0]
    for power in range(25):
        scale = 2.0**power
        scaled = (scale * nonzero).half()
        lost = int((scaled == 0).sum())
        if scaled.isfinite().all() and lost <= share * nonzero.numel():
            return scale
    return None
    ### END SOLUTION

# %% check="smallest_scale"
check(smallest_scale)

# %% [markdown]
# Gradients shrink while a model learns, so one scale does not fit a whole training. A **dynamic** scaler feels its way: it goes up until something overflows, then halves, and skips that step. And the order matters. A gradient norm is clipped *after* dividing, and the division is done in float32.
#
# By hand, patience 2, from 8: good, good → 16; overflow → 8; good, overflow → 4; good, good → 8.

# %% exercise="LossScaler"
class LossScaler:
    """Scale a loss so that its gradients fit into float16, and find the scale on the way.

    Parameters
    ----------
    scale : of the first step
    patience : after so many good steps in a row the scale is doubled

    Attributes
    ----------
    scale : the factor that the next loss is to be multiplied with
    """

    def __init__(self, scale: float = 65536.0, patience: int = 2000) -> None:
        ### BEGIN SOLUTION
        self.scale = scale
        self.patience = patience
        self.good_steps = 0
        ### END SOLUTION

    def step(
        self, weights: list[nn.Parameter], gradients: list[Tensor], optimiser, clip: float | None
    ) -> bool:
        """Take a step with gradients of scale × loss, or skip it.

        If any number in any gradient is infinite or NaN: touch neither weights nor optimiser,
        halve the scale, begin to count good steps anew, and return False. Otherwise:

        1. Put each gradient, as float32 and divided by the scale, into its weight's .grad.
        2. If clip is a number, scale these so that their norm, over all weights together, is at
           most clip (nn.utils.clip_grad_norm_).
        3. Call optimiser.step().
        4. After `patience` good steps in a row double the scale, and begin to count anew.
        5. Return True.

        Parameters
        ----------
        weights : float32 parameters, the ones that `optimiser` moves
        gradients : float16, as many and of the same shapes, of scale × loss
        optimiser : has step()
        clip : the largest norm of the true gradient, possibly 0.0; or None
        """
        ### BEGIN SOLUTION
        if not all(gradient.isfinite().all() for gradient in gradients):
            self.scale /= 2
            self.good_steps = 0
            return False
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient.float() / self.scale
        if clip is not None:
            nn.utils.clip_grad_norm_(weights, clip)
        optimiser.step()
        self.good_steps += 1
        if self.good_steps == self.patience:
            self.scale *= 2
            self.good_steps = 0
        return True
        ### END SOLUTION

# %% check="LossScaler"
check(LossScaler)

# %%
def half_training(kind: str, steps: int = 200) -> tuple[list[float], list[float]]:
    """Train with float32 master weights and a working copy: losses, and the scale at each step."""
    master, worker = deep_net(), deep_net()
    worker = worker if kind == "float32" else worker.half()
    optimiser = torch.optim.Adam(master.parameters(), 2e-3)
    scaler = LossScaler(2.0**24, patience=40) if kind == "float16, scaled" else LossScaler(1.0, patience=10**9)
    losses, scales = [], []
    for step in range(steps):
        with torch.no_grad():
            for copy, weight in zip(worker.parameters(), master.parameters(), strict=True):
                copy.copy_(weight)
        rows = torch.arange(step * 64, step * 64 + 64) % len(X)
        slopes, loss = slopes_of(worker, X[rows], Y[rows], scaler.scale)
        scaler.step(list(master.parameters()), slopes, optimiser, None)
        losses.append(loss)
        scales.append(scaler.scale)
    return losses, scales


trained = {kind: half_training(kind) for kind in ("float32", "float16", "float16, scaled")}
fig, (left, right) = plt.subplots(1, 2, figsize=(11.5, 3.8))
plot_curves({kind: (np.arange(5, 200, 10), np.reshape(losses, (-1, 10)).mean(1)) for kind, (losses, _) in trained.items()},
            xlabel="step", ylabel="loss (nats)", title=titled("Underflow costs; scaling brings it back", train.source), ax=left)
right.step(range(200), np.log2(trained["float16, scaled"][1]), color=COLOURS["green"])
right.set(xlabel="step", ylabel="log₂ of the scale", title="The scaler finds its place")
plt.show()
for kind, (losses, scales) in trained.items():
    print(f"{kind:16}: mean loss of the last 20 steps {np.mean(losses[-20:]):.3f}, scale at the end {scales[-1]:g}")

# %% recall="half"
recall("half")

# %% [markdown]
# That was one start; other starts give other curves. What holds for all of them is the share of lost gradients above. The scaler, too, lost something: the steps that it skipped while its scale was too large.
#
# With bfloat16, which has float32's exponent, no scaling is needed; float16 has three more bits of precision instead.
#
# ## A pipeline and its bubble
#
# From here on the *model* is cut. Read how {cite:t}`huang2019` cut it by layers, then come back. In **pipeline parallelism** each of $S$ processes holds a **stage**, some consecutive layers. A batch goes through as $M$ micro-batches, so that stage 1 can work on the first while stage 0 takes the second. All forward passes come first, then all backward passes, and the gradients add up.
#
# By hand, two stages and three micro-batches, a tick for each pass:
#
# | tick | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |
# |---|---|---|---|---|---|---|---|---|
# | stage 0 | F0 | F1 | F2 | · | · | B0 | B1 | B2 |
# | stage 1 | · | F0 | F1 | F2 | B0 | B1 | B2 | · |

# %% exercise="pipeline_schedule"
def pipeline_schedule(stages: int, micro_batches: int) -> list[list[str | None]]:
    """Write down what every stage of a pipeline does at every tick.

    Each forward and each backward pass of a micro-batch through a stage takes one tick, and the
    next stage can go on with it at the following tick. A stage does all its forward passes, then
    all its backward passes, both in the order 0, 1, 2, … of the micro-batches, each as early as
    it can. The gradient starts at the last stage, one tick after its last forward pass.

    Parameters
    ----------
    stages : S, at least 1
    micro_batches : M, at least 1

    Returns
    -------
    a row for each stage, the first stage first, each of 2(M + S − 1) ticks: "F3" for the forward
        pass of micro-batch 3, "B3" for its backward pass, None where the stage waits
    """
    ### BEGIN SOLUTION
    half = micro_batches + stages - 1
    rows: list[list[str | None]] = []
    for stage in range(stages):
        row: list[str | None] = [None] * (2 * half)
        behind = stages - 1 - stage  # ticks after the last stage, on the way back
        for m in range(micro_batches):
            row[stage + m] = f"F{m}"
            row[half + behind + m] = f"B{m}"
        rows.append(row)
    return rows
    ### END SOLUTION

# %% check="pipeline_schedule"
check(pipeline_schedule)

# %% [markdown]
# The dots are the **bubble**: the share of all ticks in which a stage waits.
#
# **Predict.** Four stages, eight micro-batches.

# %% predict="bubble_of_four"
commit("bubble_of_four", ..., sure=...)

# %%
def pipeline_slopes(link: Link, micro_batches: int) -> tuple[list[Tensor], int]:
    """One stage at work, over messages: the gradients of its layers, and the tick at which it was done."""
    stage, stages, now = link.rank, link.size, 0
    torch.manual_seed(3)
    layers = [nn.Sequential(nn.Linear(20, 20), nn.Tanh()).double() for _ in range(stages)]
    mine, inputs, outputs = layers[stage], [], []
    data = torch.randn(48, 20, generator=torch.Generator().manual_seed(4), dtype=torch.float64)

    def receive(source: int) -> Tensor:
        nonlocal now
        values = link.receive(source)
        now = max(now, int(link.receive(source)))  # not before it was sent
        return values

    def send(values: Tensor, to: int) -> None:
        link.send(values, to)
        link.send(torch.tensor(now), to)

    for m in range(micro_batches):
        x = data.chunk(micro_batches)[m] if stage == 0 else receive(stage - 1)
        inputs.append(x.requires_grad_(stage > 0))
        outputs.append(mine(inputs[-1]))
        now += 1
        if stage < stages - 1:
            send(outputs[-1].detach(), stage + 1)
    for x, y in zip(inputs, outputs, strict=True):
        slope = 2 * y.detach() / (48 * 20) if stage == stages - 1 else receive(stage + 1)  # of the mean square
        y.backward(slope)
        now += 1
        if stage > 0:
            send(x.grad, stage - 1)
    return [parameter.grad for parameter in mine.parameters()], now  # type: ignore[misc]


def whole_slopes(stages: int) -> list[Tensor]:
    """The same network in one process."""
    torch.manual_seed(3)
    model = nn.Sequential(*[nn.Sequential(nn.Linear(20, 20), nn.Tanh()).double() for _ in range(stages)])
    data = torch.randn(48, 20, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    model(data).square().mean().backward()
    return [parameter.grad for parameter in model.parameters()]  # type: ignore[misc]


for stages, micro in ((4, 1), (4, 2), (4, 8), (4, 24), (2, 8)):
    ran = in_turns(lambda link, micro=micro: pipeline_slopes(link, micro), stages, seconds=20.0)  # type: ignore[misc]
    ticks = max(now for _, now in ran)
    apart = max((a - b).abs().max().item() for a, b in zip([s for slopes, _ in ran for s in slopes], whole_slopes(stages), strict=True))
    print(f"{stages} stages, {micro:2} micro-batches: {ticks} ticks, waiting {1 - 2 * micro / ticks:.3f}, (S − 1)/(M + S − 1) = "
          f"{(stages - 1) / (micro + stages - 1):.3f}; gradients differ from one process by {apart:.0e}")
measured_bubble = 1 - sum(task is not None for row in pipeline_schedule(4, 8) for task in row) / (4 * 22)

# %% outcome="bubble_of_four"
outcome("bubble_of_four", 100 * measured_bubble)

# %% [markdown]
# The ticks were counted by the stages themselves, from the messages they waited for, and the formula holds: a stage waits $S - 1$ of $M + S - 1$ ticks in each half. Twice the micro-batches, about half the bubble.
#
# So take very many? Each should be large enough to keep a GPU busy. The practical question is for the fewest.

# %% exercise="fewest_micro_batches"
def fewest_micro_batches(stages: int, batch_size: int, bubble: float) -> int | None:
    """Find the fewest micro-batches that keep a pipeline's bubble small enough.

    Parameters
    ----------
    stages : at least 1
    batch_size : rows of the batch, at least 1. It is cut into micro-batches of equal size, of at
        least one row.
    bubble : the share of all ticks that a stage may wait at most, from 0 to below 1; this much
        is still small enough

    Returns
    -------
    the fewest micro-batches that divide the batch and do it; None where not even single rows do
    """
    ### BEGIN SOLUTION
    for micro_batches in range(1, batch_size + 1):
        waits = (stages - 1) / (micro_batches + stages - 1)
        if batch_size % micro_batches == 0 and waits <= bubble:
            return micro_batches
    return None
    ### END SOLUTION

# %% check="fewest_micro_batches"
check(fewest_micro_batches)

# %% [markdown]
# Move the two numbers. With more stages the bubble grows, with more micro-batches it shrinks. The last number asked for below has no answer: even 64 micro-batches are too few.

# %%
for batch_size, bubble in ((64, 0.3), (64, 0.1), (60, 0.1), (64, 0.01)):
    print(f"4 stages, batches of {batch_size}, a bubble of at most {bubble}: {fewest_micro_batches(4, batch_size, bubble)} micro-batches")
pipeline_figure()

# %% recall="pipeline"
recall("pipeline")

# %% [markdown]
# ## A layer cut in two
#
# A layer can be too wide for one device. **Tensor parallelism** cuts inside it {cite:p}`shoeybi2019`, and the art is in cutting a *pair* of layers so that hardly anything is exchanged. With hidden units $h = \text{relu}(A x + a)$ and output $y = B h + b$: a process that has some rows of $A$ has some hidden units whole. ReLU works on each by itself. And the columns of $B$ for these units give a part of $y$, of full length:
#
# $$ y = \sum_{r} B_r\, \text{relu}(A_r x + a_r) + b, \qquad A_r: (h_r, i),\quad B_r: (o, h_r). $$
#
# One all-reduce forward. On the way back, $x$ went into every process, so its gradient is a sum over them too.
#
# By hand, two processes with one hidden unit each and $x = 1$: $A = [3; -2]$, $a = 0$, $B = [5, 7]$, $b = 1$. The hidden units are 3 and 0, the parts of $y$ are 15 and 0, and $y = 16$. Added in each process, $b$ would give 17.

# %% exercise="ParallelPair"
class ParallelPair:
    """Two linear layers with a ReLU between them, cut among processes along the hidden units.

    Parameters
    ----------
    first : nn.Linear with a weight of shape (h, i) and a bias of shape (h,)
    second : nn.Linear with a weight of shape (o, h) and a bias of shape (o,). Both are the same
        in every process, and not changed.
    link : to the other processes

    Attributes
    ----------
    shares : four tensors without a graph: the first weight (h_r, i), the first bias (h_r,) and
        the second weight (o, h_r), for the h_r hidden units of this process as tensor_split(p)
        cuts them, possibly none; and the whole second bias
    """

    def __init__(self, first: nn.Linear, second: nn.Linear, link: Link) -> None:
        ### BEGIN SOLUTION
        self.link = link
        rows = first.weight.detach().tensor_split(link.size)[link.rank]
        bias = first.bias.detach().tensor_split(link.size)[link.rank]
        columns = second.weight.detach().tensor_split(link.size, dim=1)[link.rank]
        self.shares = [rows, bias, columns, second.bias.detach()]
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Compute second(relu(first(x))), the same in every process, with one all_reduce.

        Parameters
        ----------
        x : shape (batch, i), the same in every process

        Returns
        -------
        shape (batch, o). Exchanged is an array of this shape, and nothing else.
        """
        ### BEGIN SOLUTION
        rows, bias, columns, last_bias = self.shares
        self.x = x
        self.hidden = torch.relu(x @ rows.T + bias)
        return all_reduce(self.hidden @ columns.T, self.link) + last_bias
        ### END SOLUTION

    def backward(self, grad: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Go back through what the latest call of forward computed, with one all_reduce.

        No autograd: torch's graph does not reach over a link.

        Parameters
        ----------
        grad : shape (batch, o), the gradient of the loss with respect to the output, the same in
            every process

        Returns
        -------
        the gradient with respect to x, of shape (batch, i), the same in every process; and a list
            of the gradients of the four `shares`. Exchanged is an array of the shape of x.
        """
        ### BEGIN SOLUTION
        rows, _, columns, _ = self.shares
        hidden_grad = (grad @ columns) * (self.hidden > 0)
        own = [hidden_grad.T @ self.x, hidden_grad.sum(0), grad.T @ self.hidden, grad.sum(0)]
        return all_reduce(hidden_grad @ rows, self.link), own
        ### END SOLUTION

# %% check="ParallelPair"
check(ParallelPair)

# %% [markdown]
# ## A divided optimiser
#
# In data parallelism every process keeps Adam's two moments for *all* parameters: 8 bytes each in float32, as much as weight and gradient together. {cite:t}`rajbhandari2020` saw that this is waste. Look at your ring between its halves: process $r$ has part $r$ of the summed gradient. That is enough to update part $r$ of the weights, for which it needs part $r$ of the moments and no more. Then all-gather the *weights*. Nothing more is sent than before. This is **ZeRO**'s stage 1.

# %% exercise="ZeroAdam"
class ZeroAdam:
    """Adam whose two moments are divided among the processes: stage 1 of ZeRO.

    Parameters
    ----------
    parameters : the same values, in the same order, in every process; moved by step()
    link : to the other processes
    rate, betas, eps : as of Adam, eps added to the root

    Attributes
    ----------
    first, second : shape (n_r,), the moments of this process's part: of all n parameters laid end
        to end, part r as tensor_split(p) cuts them; possibly empty
    """

    def __init__(self, parameters: list[nn.Parameter], link: Link, rate: float,
                 betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> None:
        ### BEGIN SOLUTION
        self.parameters, self.link = parameters, link
        self.rate, self.betas, self.eps = rate, betas, eps
        self.steps = 0
        count = sum(parameter.numel() for parameter in parameters)
        length = len(torch.empty(count).tensor_split(link.size)[link.rank])
        self.first, self.second = torch.zeros(length), torch.zeros(length)
        ### END SOLUTION

    @torch.no_grad()
    def step(self) -> None:
        """Take a step of Adam with the mean of all processes' gradients.

        Every parameter's .grad is the mean over this process's share of the batch; the shares are
        equal. Afterwards the parameters are the same in every process, as if one process had had
        all. A process sends 2(p − 1) messages, each with one part and nothing else.
        """
        ### BEGIN SOLUTION
        self.steps += 1
        p, rank = self.link.size, self.link.rank
        beta1, beta2 = self.betas
        gradients = torch.cat([parameter.grad.flatten() for parameter in self.parameters])
        gradient = reduce_scatter(gradients, self.link) / p
        self.first.lerp_(gradient, 1 - beta1)
        self.second.lerp_(gradient**2, 1 - beta2)
        root = (self.second / (1 - beta2**self.steps)).sqrt() + self.eps
        weights = torch.cat([parameter.flatten() for parameter in self.parameters])
        mine = weights.tensor_split(p)[rank]
        mine = mine - self.rate / (1 - beta1**self.steps) * self.first / root
        rest = all_gather(mine, self.link)
        for parameter in self.parameters:
            parameter.copy_(rest[: parameter.numel()].view_as(parameter))
            rest = rest[parameter.numel() :]
        ### END SOLUTION

# %% check="ZeroAdam"
check(ZeroAdam)

# %% [markdown]
# All three ways of cutting, in two real processes, each against one process alone:

# %%
def adam_curve(link: Link, steps: int) -> tuple[list[float], int]:
    """Train with the divided Adam, shares of equal size: losses, and numbers of state in this process."""
    x, y = digits(ROWS)
    model, losses = start_model(link), []
    optimiser = ZeroAdam(list(model.parameters()), link, 3e-3)
    for step in range(steps):
        rows = shard(ROWS, 0, 1, seed=7, epoch=step)[:BATCH][link.rank :: link.size]
        loss = F.cross_entropy(model(x[rows]), y[rows])
        for parameter, slope in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True):
            parameter.grad = slope
        optimiser.step()
        losses.append(all_reduce(torch.tensor([loss.item()]), link).item() / link.size)
    return losses, optimiser.first.numel() + optimiser.second.numel()


def pair_of_layers(link: Link) -> list[Tensor]:
    """Output and gradient of the input of two layers that are cut."""
    torch.manual_seed(5)
    first, second = nn.Linear(12, 33), nn.Linear(33, 6)
    pair = ParallelPair(first, second, link)
    return [pair.forward(torch.randn(9, 12)), pair.backward(torch.randn(9, 6))[0]]


def all_three(link: Link, steps: int) -> dict[str, Any]:
    """What one of several real processes finds."""
    losses, state = adam_curve(link, steps)
    slopes, ticks = pipeline_slopes(link, 8)
    return {"losses": losses, "state": state, "pair": pair_of_layers(link), "slopes": slopes, "ticks": ticks}


cut = in_processes(all_three, 2, 30)
whole_losses, whole_state = adam_curve(alone(), 30)


def furthest(found: list, wanted: list) -> float:
    """The largest difference of two lists of numbers or tensors."""
    return max(float((torch.as_tensor(a) - torch.as_tensor(b)).abs().max()) for a, b in zip(found, wanted, strict=True))


print(f"divided Adam: losses differ by {furthest(cut[0]['losses'], whole_losses):.1e}; state {cut[0]['state']} and {cut[1]['state']} numbers, alone {whole_state}")
print(f"pair of layers: differs by {furthest(cut[1]['pair'], pair_of_layers(alone())):.1e}")
print(f"pipeline: gradients differ by {furthest([s for there in cut for s in there['slopes']], whole_slopes(2)):.1e}, done after {max(there['ticks'] for there in cut)} ticks")

# %% [markdown]
# ## Adam as one kernel
#
# The last cut is inside the device. A GPU runs **kernels**: small programs, each started many times side by side. Written with tensor operations, Adam is a dozen kernels, and each reads its operands from memory and writes its result back. A **fused kernel** loads everything once, does all of Adam in registers, and stores once. {cite:t}`tillet2019` made **Triton** for this: Python in which a program works on a *block* of numbers.
#
# ```python
# def double(values, count, BLOCK: tl.constexpr):
#     at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)  # BLOCK places
#     inside = at < count                                   # the last block may be partly empty
#     x = tl.load(values + at, mask=inside, other=0.0)      # `values` is a pointer
#     tl.store(values + at, 2 * x, mask=inside)
# ```
#
# With 7 numbers and blocks of 4 there are two programs. Program 1 has the places 4, 5, 6 and 7, and place 7 belongs to somebody else. The mask is what keeps it off.
#
# Without a GPU, Triton runs kernels in its *interpreter*, slowly and correctly. `descent` switches it on, and lets it refuse whatever leads out of the memory of your tensors. A GPU refuses nothing. Triton is built for Linux only; elsewhere this section says so and goes on.

# %%
if triton is None:
    print("TRITON IS NOT HERE: it has no build for this platform. Write the kernel all the same; it cannot be judged or run on this machine.")
else:
    print(f"Triton {triton.__version__},", "compiling for the GPU" if torch.cuda.is_available() else "in its interpreter: right, but slow")

# %% exercise="adam_kernel"
def adam_kernel(parameters, gradients, first, second, count, rate, beta1, beta2, eps, decay,
                correction1, correction2, BLOCK: tl.constexpr):
    """Move a block of parameters by a step of Adam. Written in Triton's language, tl.

    No decorator: the function below that launches it applies triton.jit.

    Program k works on the places k · BLOCK to (k + 1) · BLOCK − 1, those below `count`; the last
    block may be partly empty. As torch.optim.Adam does it, decay · weight is added to the
    gradient before the moments. All is computed in float32.

    Parameters
    ----------
    parameters, gradients : pointers to the first of `count` numbers each, float32 or float16. The
        parameters are written, the gradients only read.
    first, second : pointers to the moments, float32; read and written, uncorrected
    count : how many parameters there are. Nothing at this place or behind it is read or written.
    rate, beta1, beta2, eps, decay : of Adam; eps is added to the root
    correction1, correction2 : 1 − beta1**t and 1 − beta2**t; the moments are divided by them for
        this step, and stored without it
    BLOCK : numbers in a block, a power of two
    """
    ### BEGIN SOLUTION
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    weight = tl.load(parameters + at, mask=inside, other=0.0).to(tl.float32)
    gradient = tl.load(gradients + at, mask=inside, other=0.0).to(tl.float32)
    m = tl.load(first + at, mask=inside, other=0.0)
    v = tl.load(second + at, mask=inside, other=0.0)
    gradient += decay * weight
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient * gradient
    weight -= rate * (m / correction1) / (tl.sqrt(v / correction2) + eps)
    tl.store(parameters + at, weight, mask=inside)
    tl.store(first + at, m, mask=inside)
    tl.store(second + at, v, mask=inside)
    ### END SOLUTION

# %% check="adam_kernel"
check(adam_kernel)

# %% [markdown]
# The function that launches it. `kernel[grid](…)` starts as many programs as the grid says. The corrections are worked out here, once, in Python's own precision. Steps count from 1: at step 0 both corrections are 0.

# %%
def fused_adam_step(weights, slopes, first, second, step, rate=1e-3, betas=(0.9, 0.999), eps=1e-8, decay=0.0, block=256):
    """One step of Adam by your kernel, all tensors changed in place but the gradients."""
    if step < 1:
        raise ValueError(f"steps count from 1, and this is {step}")
    kernel = triton.jit(adam_kernel)
    grid = (triton.cdiv(weights.numel(), block),)
    kernel[grid](weights, slopes, first, second, weights.numel(), rate, *betas, eps, decay,
                 1 - betas[0] ** step, 1 - betas[1] ** step, BLOCK=block)


def beside_torch(count: int, decay: float, steps: int = 4) -> float:
    """The largest difference between your kernel and torch.optim.Adam, over some steps."""
    torch.manual_seed(count)
    device = "cuda" if torch.cuda.is_available() else "cpu"  # where Triton runs kernels here
    theirs = nn.Parameter(torch.randn(count, device=device))
    ours, first, second = theirs.detach().clone(), torch.zeros_like(theirs.data), torch.zeros_like(theirs.data)
    optimiser = torch.optim.Adam([theirs], 1e-2, weight_decay=decay)
    for step in range(1, steps + 1):
        theirs.grad = torch.randn(count, device=device)
        optimiser.step()
        fused_adam_step(ours, theirs.grad, first, second, step, 1e-2, decay=decay)
    return (ours - theirs.detach()).abs().max().item()


if triton is None:
    print("NOT RUN: Triton is not here.")
else:
    for count in (1, 255, 256, 257, 1000):
        print(f"{count:5} parameters: off torch.optim.Adam by {beside_torch(count, 0.0):.1e}, with weight decay by {beside_torch(count, 0.1):.1e}")
    try:
        fused_adam_step(torch.ones(3), torch.ones(3), torch.zeros(3), torch.zeros(3), 0)
    except ValueError as error:
        print("step 0 is refused:", error)

# %% [markdown]
# ## How fast could it be?
#
# For each parameter the kernel reads a weight, a gradient and two moments, and writes three of them back: $4 \cdot 4 + 3 \cdot 4 = 28$ bytes in float32. It computes next to nothing. So memory **bandwidth** is the limit, and the honest measure is the share of what a plain copy reaches on the same device.
#
# Every launch also costs some microseconds, whatever the size. A public comparison found a Triton Adam 1.6 times as fast as torch's. It was made with two layers of $8 \times 8$.
#
# **Predict.** Say a launch takes 8 microseconds, and a copy moves $2 \cdot 10^{12}$ bytes a second: round numbers, measured nowhere.

# %% predict="launch_tenth"
commit("launch_tenth", ..., sure=...)

# %%
LAUNCH, COPY = 8e-6, 2e12  # assumed, not measured


def update_time(n):
    """Seconds of a launch and of moving 28 bytes for each of n parameters."""
    return LAUNCH + 28 * n / COPY


sizes_n = 10.0 ** np.linspace(2, 9.5, 200)
plt.figure(figsize=(8, 3.6))
plt.semilogx(sizes_n, 100 * LAUNCH / update_time(sizes_n), color=COLOURS["blue"])
plt.axvline(144, color=COLOURS["red"], ls="--")
plt.text(170, 40, "two 8 × 8 layers", color=COLOURS["red"])
plt.xlabel("parameters")
plt.ylabel("launch (% of the time)")
plt.title("Below a hundred thousand parameters, one times launches (assumed numbers)")
plt.show()
print(f"144 parameters: the launch is {LAUNCH / update_time(144):.3%} of the time")
tenth = 9 * LAUNCH * COPY / 28

# %% outcome="launch_tenth"
outcome("launch_tenth", tenth / 1e6)

# %% [markdown]
# So a measurement needs sizes up to a billion, and an analysis that says when it knows nothing. That is your last piece, a small study. The seconds are a constant and something for each parameter; fit both. And refuse where the constant is all that was measured.
#
# By hand: 10, 20 and 40 parameters take 15, 20 and 30 seconds. Each parameter takes half a second, the launch 10. That is $28/0.5 = 56$ bytes a second, 0.7 of a copy with 80; and the launch is a third of the largest time, so the answer stands.

# %% exercise="bandwidth_fraction"
def bandwidth_fraction(
    counts: np.ndarray, seconds: np.ndarray, copy_bandwidth: float
) -> float | None:
    """Estimate which share of a copy's bandwidth an Adam kernel reaches, from timings.

    An update of n parameters in float32 takes the time of its launch, which does not grow, and
    the time to move 28 n bytes.

    Parameters
    ----------
    counts : shape (k,), parameters of each timing, in any order; possibly the same ones several
        times, possibly none
    seconds : shape (k,), what an update took, within a few per cent
    copy_bandwidth : bytes a second that a plain copy moves, reads and writes counted

    Returns
    -------
    the kernel's bytes a second, without the launch, over the copy's; a Python float. None where
        the timings cannot tell: fewer than three different counts, seconds that do not grow with
        the count, or a launch that takes more than half of the time at the largest count.
    """
    ### BEGIN SOLUTION
    if len(set(counts.tolist())) < 3:
        return None
    each, launch = np.polyfit(counts, seconds, 1)
    at_largest = launch + each * max(counts)
    if launch > at_largest / 2:  # also where the seconds do not grow
        return None
    return float(28 / each / copy_bandwidth)
    ### END SOLUTION

# %% check="bandwidth_fraction"
check(bandwidth_fraction)

# %%
rng = np.random.default_rng(0)
for largest in (1e9, 1e6, 1e4):
    counts = largest * 2.0 ** -np.arange(8)
    for share in (0.92, 0.55):
        seconds = (LAUNCH + 28 * counts / (share * COPY)) * rng.normal(1, 0.01, len(counts))
        told = bandwidth_fraction(counts, seconds, COPY)
        print(f"made-up timings up to {largest:.0e} parameters, true share {share}: {'refused' if told is None else f'{told:.2f}'}")

# %% [markdown]
# The program `benchmarks/fused_adam.py` measures your kernel, or ours, on a real GPU from ten million to a billion parameters, beside `torch.optim.Adam(fused=True)`. **It has not been run for this page**, because no GPU was at hand; so there is no number here.
#
# ## Go further
#
# No grader here.
#
# **One forward, one backward.** Let a stage do a backward pass as soon as it can. What stays, and what is saved?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The same bubble, and fewer micro-batches whose activations are kept at once: a stage keeps at most $S$ of them instead of $M$. Both counted from a schedule.
# :::
#
# **Overlap.** Start the reduce-scatter of the last layer's gradients while the first layers still go back.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The same curve as before, to rounding. Seconds for a step with and without, over real processes, with their spread.
# :::
#
# **Stage 3.** Divide the weights too: gather each layer's before it is used, forward and backward, and drop them again.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The same curve; bytes sent, half as many again as before; numbers held in each process.
# :::
#
# ## Explain it
#
# In writing, without scrolling up.

# %% write="why_same_curve"
write("why_same_curve", """
""")

# %% write="where_to_cut"
write("where_to_cut", """
""")

# %% write="two_overheads"
write("two_overheads", """
""")
