# ---
# title: Training at scale
# subtitle: One line for the map of chapters, on what the page is about and what comes out of it
# part: research
# hours: 2
# needs: []
# teaches: [moving average]
# builds: a moving average
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
# # Training at scale

# %% tags=["setup"]
import math
import os
import sys
import time
from collections.abc import Callable
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
from descent.figures import COLOURS, plot_curves, titled, use_style

chapter("research/03_training_at_scale")
use_style()

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

# %%
def all_reduce(values: Tensor, link: Link) -> Tensor:
    """The sum over all processes, of any shape: your two halves, one after the other."""
    return all_gather(reduce_scatter(values.flatten(), link), link).view_as(values)


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
    sums = [gradient * examples if examples else torch.zeros_like(gradient) for gradient in gradients]
    vector = torch.cat([*(part.flatten() for part in sums), torch.tensor([float(examples)])])
    vector = all_reduce(vector, link)
    pieces = (vector[:-1] / vector[-1]).split([gradient.numel() for gradient in gradients])
    return [piece.view_as(gradient) for piece, gradient in zip(pieces, gradients, strict=True)]
    ### END SOLUTION


# %% check="average_gradients"
check(average_gradients)

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
    def alike(a: Tensor, b: Tensor) -> bool:
        return bool((a - b).abs().max() < 1e-3 * b.abs().max())

    p = len(starts)
    first = gradients[0, 0]
    if not all(alike(starts[rank], starts[0]) for rank in range(p)):
        return "own starts"
    if not all(alike(gradients[rank, 0], first) for rank in range(p)):
        return "not exchanged"
    if alike(first, p * one[0]):
        return "summed"
    if not alike(first, one[0]):
        return "same share"
    return "right" if alike(gradients[0, 1], one[1]) else "gradients kept"
    ### END SOLUTION


# %% check="diagnose"
check(diagnose)

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

    def step(self, weights: list[nn.Parameter], gradients: list[Tensor], optimiser, clip: float | None) -> bool:
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

# %% exercise="adam_kernel"
def adam_kernel(parameters, gradients, first, second, count, rate, beta1, beta2, eps, decay,
                correction1, correction2, BLOCK: "tl.constexpr"):
    """Move a block of parameters by a step of Adam. Written in Triton's language, tl.

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

# %% exercise="bandwidth_fraction"
def bandwidth_fraction(counts: np.ndarray, seconds: np.ndarray, copy_bandwidth: float) -> float | None:
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
    if each <= 0 or launch > at_largest / 2:
        return None
    return float(28 / each / copy_bandwidth)
    ### END SOLUTION


# %% check="bandwidth_fraction"
check(bandwidth_fraction)
