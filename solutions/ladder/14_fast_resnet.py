# ---
# title: A fast residual network
# subtitle: Where the seconds go, what a layer costs, and a training loop that keeps a GPU busy
# part: ladder
# hours: 4
# needs: [ladder/09_convnet, ladder/10_resnet]
# teaches: [profiling, Amdahl's law, prefetching, resident data, augmentation on the device, memory layout, channels-last, FLOPs and bytes, arithmetic intensity, roofline, bfloat16, mixed precision, kernel launches, synchronisation, CUDA graphs, compilation]
# builds: the speed-up of a whole, the pipeline of loading and computing, shifts of a whole batch, strides, the cost of a convolution, the roofline, the smallest compute-bound batch, rounding to few bits, the timeline of launches, the fast training loop
# number: 99.0 % of the test digits in at most 0.4 s of training on one GPU, or in at most 3 s on two CPU cores
# data: MNIST
# run: mnist_resnet
# readings:
#   - {key: he2022, where: "the whole page, half an hour: compute, memory, overhead", skip: "nothing"}
#   - {key: williams2009, where: "pages 65 to 69: the model and how to read it", skip: "the four machines of its time"}
#   - {key: micikevicius2018, where: "section 3: master weights, loss scaling, arithmetic", skip: "the results, network by network"}
#   - {key: oikarinen2021, where: "the README: eight steps from 2 min 52 s to 0.76 s"}
#   - {key: jordan2024, where: "the introduction, for what is claimed and on which machine; then the part on the alternating flip: mirroring with the chance taken out of it", skip: "the ablations, at a first reading"}
# sections:
#   - {id: measure, heading: "Measure before you mend", for: "the habit of every later speed-up: what share a part takes bounds what mending it can give", needs: [ladder/10#resnet, ladder/06#loader]}
#   - {id: loading_ahead, heading: "Loading ahead", for: "how good a loader has to be when the data do not fit, as on ImageNet and OpenWebText", needs: [measure]}
#   - {id: resident, heading: "Keep the data where they are used", for: "the whole text of rung 16 also lies on the device, and batches are cut from it there", needs: [measure, ladder/07#batches]}
#   - {id: batch_shift, heading: "A whole batch at once", for: "work on a batch by indices and broadcasting, in place of a Python loop that a device would wait for", needs: [resident, ladder/03#broadcasting, ladder/09#regularisers]}
#   - {id: layout, heading: "Where neighbours live", for: "strides, behind every view and transpose, as of the heads on rung 16, and behind what a kernel has to copy first", needs: [ladder/09#conv_layer]}
#   - {id: cost, heading: "What a layer costs", for: "FLOPs and bytes of a layer, from which the budgets of rungs 15 to 17 and of the scaling laws are made", needs: [ladder/09#cost, ladder/09#output_size]}
#   - {id: roofline, heading: "The roofline", for: "telling before a purchase or a rewrite whether arithmetic or memory is the limit; attention on rung 16 is judged so", needs: [cost]}
#   - {id: sixteen_bits, heading: "Sixteen bits", for: "mixed precision, in which every large model of the course is trained", needs: [roofline]}
#   - {id: launches, heading: "The CPU sends, the GPU does", for: "why small models leave a GPU idle, and why no loop of the later rungs reads its loss at each step", needs: [batch_shift]}
#   - {id: larger_batches, heading: "Larger batches", for: "what has to change with the batch when one machine becomes eight", needs: [launches, ladder/10#schedule]}
#   - {id: loop, heading: "The whole loop", for: "the loop for a device from which the transformers of rungs 16 and 17 start", needs: [batch_shift, layout, sixteen_bits, larger_batches, ladder/10#loop]}
#   - {id: real_run, heading: "The real run", for: "reading a claim of seconds: what the clock counts, how many seeds, and who chose the settings", needs: [loop, ladder/07#choosing]}
# recall:
#   - {id: loading_share, section: measure, transfer: true, q: "Loading takes 20 % of a step. A new device does the other 80 % 40 times as fast and leaves the loading alone. How much faster is the whole, and what could no device exceed?", a: "$1/(0.2 + 0.8/40) = 4.5$ times. Never more than $1/0.2 = 5$."}
#   - {id: hundred_batches, section: loading_ahead, transfer: true, q: "Loading takes 3 ms a batch, computing 5 ms. How long do 100 batches take without a worker, and with one that is one batch ahead?", a: "$100 \\cdot 8 = 800$ ms. With the worker 503 ms: the first loading, then the longer of the two a hundred times."}
#   - {id: colour_strides, section: layout, transfer: true, q: "What are the strides of a batch of shape (8, 3, 32, 32) in channels-last memory?", a: "$(3072, 1, 96, 3)$: the next pixel is 3 colours away, the next row $32 \\cdot 3$, the next picture $32 \\cdot 32 \\cdot 3$."}
#   - {id: intensity, section: roofline, transfer: false, q: "What is arithmetic intensity, and what is the ridge point?", a: "FLOPs for each byte moved. The ridge point is peak / bandwidth: below it the memory is the limit, above it the arithmetic."}
#   - {id: addition_share, section: roofline, transfer: true, q: "Two large bfloat16 tensors are added on a device with its ridge at 295 FLOPs for each byte. What share of its peak can be reached?", a: "One FLOP for 6 bytes: two numbers read, one written. $\\tfrac16 / 295 = 0.06$ %."}
#   - {id: lost_step, section: sixteen_bits, transfer: true, q: "A bfloat16 weight of 4 is to move by 0.01, then by 0.02. What becomes of each step?", a: "Above 4 the neighbours are $2^{-5} = 0.031$ apart. 0.01 is less than half of that and is lost; 0.02 is more, and the weight moves by 0.031."}
#   - {id: reading_a_loss, section: launches, transfer: false, q: "What does `loss.item()` cost on a GPU?", a: "The CPU waits until the queue is empty, and the GPU then waits for the next launches: the overlap of the two is lost."}
#   - {id: gaps, section: launches, transfer: true, q: "A step takes 5 ms with 64 pictures and 5 ms with 256. The profile shows gaps between kernels. What is the limit, and what helps?", a: "The training is launch-bound. Fewer launches help: fused kernels, CUDA graphs, larger batches. Faster arithmetic does not."}
#   - {id: dropped, section: loop, transfer: true, q: "An epoch has 55 000 pictures, and all batches must have one shape, 512. How many steps has it, and how many pictures does it leave out?", a: "107 steps, and $55\\,000 - 107 \\cdot 512 = 216$ pictures are left out, others in each epoch."}
# predictions:
#   - {id: places_ahead, ask: "Every eighth batch is slow to load, and the device needs 1.2 times the mean loading time for each. What is the smallest number of batches ahead that gives all that loading ahead can give?", choices: ["1", "2", "8", "32"], because: "While a slow batch loads, 4.5 times the mean, the device eats what lies ready: three or four batches. One or two places run empty, eight do not, and more than eight buy nothing."}
#   - {id: narrowest_layer, ask: "Which is the narrowest of these square layers that some batch makes compute-bound on the H100, in bfloat16?", choices: ["64", "256", "512", "1024", "4096"], because: "However large the batch, the intensity of a square layer of width $w$ stays below $w/2$ at 2 bytes a number. The ridge, 295, asks for a width above 590."}
#   - {id: thousand_ones, ask: "Start at 0 and add 1 a thousand times, rounding to bfloat16 after each addition. What is the sum?", within: 0, because: "From 256 on neighbours are 2 apart. 257 lies half-way and goes to the even one, 256, so the sum never gets on."}
#   - {id: small_steps, ask: "A bfloat16 weight of 1 is moved up by 0.002, a thousand times. Where is it then?", within: 0.1, because: "Above 1 the neighbours are $2^{-7} = 0.0078$ apart. A step of 0.002 is less than half of that, so each is rounded away."}
#   - {id: cost_of_reading, ask: "At which length of the kernels does reading the loss at each step take most from the share of time in which the GPU is busy?", choices: ["a tenth as long", "about as long as above", "ten times as long"], because: "With very short kernels the GPU waits for launches anyway. With very long ones the gap is small beside them. In between both are busy, and reading makes them take turns."}
# written:
#   - {id: twice_the_flops, ask: "Your friend has bought a GPU with twice the FLOP/s and the training is as slow as before. Name three causes, and the measurement that tells them apart.", rubric: ["loading: the time to get a batch, measured apart, is not below that of the step", "memory-bound: the layers' intensity lies below the ridge, and halving the bytes helps", "launch-bound: gaps between kernels in the profile", "launch-bound: a batch twice as large takes the same time"], answer: "Loading: the time to get a batch, measured apart, is not below that of the step. Memory-bound: the layers' intensity lies below the ridge; halving the bytes helps, a new peak does not. Launch-bound: gaps between kernels in the profile; a batch twice as large takes the same time."}
#   - {id: narrow_layer, ask: "Why can a batch of any size not make a narrow layer compute-bound?", rubric: ["inputs and outputs grow with the batch as the FLOPs do", "only the weights are shared by the batch", "gives the limit of the intensity, $2io / b(i + o)$, set by the widths"], answer: "Inputs and outputs grow with the batch as the FLOPs do. Only the weights are shared. For large batches the intensity goes to $2io / b(i + o)$, which is set by the widths."}
#   - {id: printed_loss, ask: "What happens, step by step, on CPU and GPU when a loop prints its loss? And why does it matter least with very short and with very long kernels?", rubric: ["the CPU waits until the queue is empty before it can read", "the GPU has nothing to do until the next launch arrives", "short kernels: the queue was empty anyway", "long kernels: the gap is small beside them"], answer: "The CPU waits until the queue is empty, reads, formats, prints, and only then launches again; meanwhile the GPU has nothing to do until the first launch arrives. Short kernels: the queue was empty anyway. Long kernels: the gap is small beside them."}
# ---

# %% [markdown]
# # A fast residual network
#
# In 2021 Tuomas Oikarinen took PyTorch's own MNIST example, which trained for 2 minutes and 52 seconds on his laptop, and made it reach 99 % in **0.76 seconds** on the same laptop
# {cite:p}`oikarinen2021`. The network became smaller and the training shorter. But one step alone, from 30.3 to 7.3 seconds, changed nothing about the network, the data or the mathematics. The GPU had been
# waiting three quarters of the time for pictures.
#
# A fast program is one in which nothing waits. This page teaches you to see what waits for what: you take the residual network of [rung 10](10_resnet.ipynb), measure where its seconds go, and change one thing at a time. What cannot be
# measured without a GPU you compute, with models of a few lines that you write yourself. At the end stands a loop that keeps a GPU busy, and a real run with a stopwatch.
#
# **You need** the residual network and its schedule (rung 10), shifts and FLOPs ([rung 9](09_convnet.ipynb)).
# **You will have** a profile before and after, a roofline with your network's layers on it, and the fast loop. No GPU is needed for the exercises. **It takes** about four hours.

# %% tags=["setup"]
import math
import os
import time
from collections.abc import Callable, Iterator
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.data import DataLoader, Dataset

from descent import (
    chapter,
    check,
    commit,
    hint,
    measured,
    mine,
    outcome,
    progress,
    recall,
    recorded,
    run,
    write,
)
from descent.data import mnist
from descent.figures import COLOURS, plot_curves, show_digits, titled, use_style

chapter("ladder/14_fast_resnet")
use_style()
torch.set_num_threads(1)  # one core: then its own clock is the time that a quiet machine would take
os.environ["KINETO_LOG_LEVEL"] = "99"  # the profiler's messages to its own authors

# %% [markdown]
# ## Measure before you mend
#
# The network is rung 10's: yours, if it passed its check, and otherwise the one below.

# %%
class Block(nn.Module):
    """A residual block, as in rung 10."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        project = nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential(*project) if stride > 1 or channels != width else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        branch = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(self.shortcut(x) + branch)


class CourseResNet(nn.Module):
    """Rung 10's residual network of 6 · per_stage + 2 layers."""

    def __init__(self, per_stage: int = 1, widths: tuple[int, int, int] = (16, 32, 64)) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, widths[0], 5, 2, 2, bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        sizes = [width for width in widths for _ in range(per_stage)]
        before = [widths[0], *sizes[:-1]]
        strides = [1 if place % per_stage or place == 0 else 2 for place in range(len(sizes))]
        self.blocks = nn.Sequential(*map(Block, before, sizes, strides))
        self.linear = nn.Linear(widths[-1], 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.blocks(F.relu(self.norm(self.stem(x)))).amax((2, 3)))


ResNet = mine("ladder/10", "ResNet", otherwise=CourseResNet)

train_file, test_file = mnist("train"), mnist("test")
SOURCE = train_file.source
order = torch.randperm(len(train_file.images), generator=torch.Generator().manual_seed(7))
everything = torch.from_numpy(train_file.images).unsqueeze(1)[order]  # bytes, (n, 1, 28, 28)
every_label = torch.from_numpy(train_file.labels)[order]
held_out = len(everything) // 12  # for every choice; the test digits are not touched on this page
valid, valid_labels = everything[:held_out], every_label[:held_out]
pictures, labels = everything[held_out:], every_label[held_out:]
print(f"data: {SOURCE}, training {tuple(pictures.shape)}, {pictures.dtype}")

# %% [markdown]
# Here is the loop as one would first write it. A `Dataset` hands out one picture at a time: bytes turned into floats, shifted by at most one pixel. A `DataLoader` collects 128 of them. The loop reads
# the loss at each step, to print it some day. `timed_steps` takes the time of each batch in two parts: getting it, and learning from it. It uses one core, and the clock of the process, which stands still while other programs have that core.

# %%
class Digits(Dataset):
    """The training pictures, one at a time."""

    def __len__(self) -> int:
        return len(pictures)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        wide = F.pad(pictures[i].float() / 255, (1, 1, 1, 1))
        down, right = torch.randint(0, 3, (2,)).tolist()
        return wide[:, down : down + 28, right : right + 28], labels[i]


def item_by_item(size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches, picture by picture."""
    yield from DataLoader(Digits(), size, shuffle=True)


def timed_steps(
    batches: Iterator[tuple[Tensor, Tensor]],
    channels_last: bool = False,
    bfloat16: bool = False,
    steps: int = 5,
) -> np.ndarray:
    """Train for some steps; seconds of loading and of the network, shape (steps, 2)."""
    torch.manual_seed(0)
    network = ResNet()
    if channels_last:
        network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9, nesterov=True)
    seconds = []
    for _ in range(steps + 1):  # the first is for warming up
        start = time.process_time()
        with record_function("part: loading"):
            x, y = next(batches)
            if channels_last:
                x = x.contiguous(memory_format=torch.channels_last)
        loaded = time.process_time()
        with record_function("part: forward"), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            logits = network(x)
        with record_function("part: loss"):
            loss = F.cross_entropy(logits.float(), y)
        optimiser.zero_grad()
        with record_function("part: backward"):
            loss.backward()
        with record_function("part: optimiser"):
            optimiser.step()
        loss.item()
        seconds.append((loaded - start, time.process_time() - loaded))
    return np.array(seconds[1:])


ladder: dict[str, tuple[float, float, int]] = {}  # best seconds of loading and network, batch size


def measure(name: str, batches: Callable, size: int = 128, **switches) -> None:
    """Add a rung to the ladder and print it. The best of some steps: the others were disturbed."""
    loading, network = timed_steps(batches(size), **switches).min(axis=0)
    ladder[name] = float(loading), float(network), size
    print(f"{name:22} loading {1e3 * loading:6.1f} ms   network {1e3 * network:6.1f} ms   {size / (loading + network):6,.0f} pictures/s")


measure("item by item", item_by_item)

# %% [markdown]
# (All times on this page are from the machine that made it, and yours will differ. The text says what should hold on any, or says "here".)
#
# On the machine that made this page the network takes most of the time. It is tempting to conclude that loading does not matter. Let us compute what a faster device would do about it. Parts of a program take $t_1, t_2, \dots$ seconds. Make part $k$ faster by the factor $f_k$ and the others
# not at all ($f = 1$). The whole becomes faster by
#
# $$ S = \frac{\sum_k t_k}{\sum_k t_k / f_k} . $$
#
# This is **Amdahl's law** {cite:p}`amdahl1967`. By hand: loading 6 s, network 4 s, and the network becomes 4 times faster: $10 / (6 + 1) = 1.43$. If it became infinitely fast: $10/6 = 1.67$, and that is all there is to be had.

# %% exercise="after_speedup"
def after_speedup(seconds: dict[str, float], factors: dict[str, float]) -> float:
    """Compute how many times faster a whole becomes when some of its parts do.

    Parameters
    ----------
    seconds : what each part takes now; together more than 0; not changed
    factors : for some of the parts, how many times faster they become: more than 0, below 1 for a
        part that becomes slower, `math.inf` for one that vanishes. A part that is not named stays
        as it is. At least one part remains. Not changed.

    Returns
    -------
    the seconds of the whole before, divided by those after
    """
    ### BEGIN SOLUTION
    after = sum(part / factors.get(name, 1.0) for name, part in seconds.items())
    return sum(seconds.values()) / after
    ### END SOLUTION


# %% check="after_speedup"
check(after_speedup)

# %% [markdown]
# Take the two numbers measured above. A GPU does the network 10, 100, 1000 times faster and leaves the loading to the CPU. How much faster do you expect the whole to be in each case?

# %%
loading, network, _ = next(iter(ladder.values()))  # of the first rung
parts = {"loading": loading, "network": network}
for factor in (10, 100, 1000, math.inf):
    faster = after_speedup(parts, {"network": factor})
    both = after_speedup(parts, {"network": factor, "loading": 50})
    print(f"network {factor:>4} times faster: the whole {faster:6.1f} times; with loading 50 times faster too: {both:6.1f} times")

factors = np.geomspace(1, 3000, 100)
plot_curves(
    {
        "loading as it is": (factors, [after_speedup(parts, {"network": f}) for f in factors]),
        "loading 50 times faster": (factors, [after_speedup(parts, {"network": f, "loading": 50}) for f in factors]),
    },
    xlabel="how many times faster the network becomes", ylabel="speed-up of the whole",
    title="What is not sped up is what is left",
)
plt.xscale("log")
plt.yscale("log")
plt.show()

# %% [markdown]
# A small share of loading puts a low roof on whatever a device can do. On the laptop's GPU the loader was the step with the largest factor. On this CPU it is a small share, and we mend it first all the same: for a fast device it is the roof.

# %% recall="measure"
recall("measure")

# %% [markdown]
# ## Loading ahead
#
# The cheapest remedy is to load the next batch *while* this one is computed. A worker, another process, puts batches into a queue; the loop takes them out. Let batch $i$ take $l_i$ seconds to load and $c_i$ to compute, and let
# the worker be at most $a$ batches ahead (`prefetch_factor` in a `DataLoader`). There are three times for each batch: it is loaded at $L_i$, its computing begins at $B_i$, which is when it is **taken** from the queue, and ends at $E_i$:
#
# $$ L_i = \max(L_{i-1},\, B_{i-a}) + l_i, \qquad B_i = \max(L_i,\, E_{i-1}), \qquad E_i = B_i + c_i . $$
#
# $L_{i-1}$: one worker loads one batch at a time. $B_{i-a}$: its place in the queue must be free (for $i < a$ it is). All clocks start at 0. With $a = 0$ there is no worker: the loop loads when it has computed, and everything adds up. For many equal batches the sum
# $l + c$ becomes $\max(l, c)$.
#
# By hand, three batches, $l = 2$, $c = 3$. Without a worker $3 \cdot 5 = 15$. With $a = 1$: loaded at 2, computed from 2 to 5; the next is loaded from 2 to 4 and computed from 5 to 8; the last is loaded from 5 to 7 and computed from 8 to **11**.

# %% exercise="epoch_seconds"
def epoch_seconds(loading: list[float], computing: list[float], ahead: int) -> float:
    """Compute when the last batch of an epoch has been computed.

    Parameters
    ----------
    loading, computing : seconds for each batch, at least one, in order
    ahead : how many batches the one worker may have loaded, or be loading, that were not yet taken.
        With 0 there is no worker: each batch is loaded when the one before it has been computed.

    Returns
    -------
    seconds from the beginning, by the recurrence above
    """
    ### BEGIN SOLUTION
    begins: list[float] = []
    loaded = computed = 0.0
    for i, (load, compute) in enumerate(zip(loading, computing, strict=True)):
        free = 0.0
        if ahead == 0:
            free = computed
        elif i >= ahead:
            free = begins[i - ahead]
        loaded = max(loaded, free) + load
        begins.append(max(loaded, computed))
        computed = begins[i] + compute
    return computed
    ### END SOLUTION


# %% check="epoch_seconds"
check(epoch_seconds)

# %% [markdown]
# **Predict.** 400 batches with the loading time measured above, on a device that takes 1.2 times as long to compute one, and on one that takes half as long. First all alike; then with the same total, but every eighth batch slow (4.5 times the mean, the disk is busy) and the rest quick (half of it). We try 1, 2, 8 and 32 batches ahead in each case.

# %% predict="places_ahead"
commit("places_ahead", ..., sure=...)

# %%
count = 400
even = [loading] * count
bumpy = [4.5 * loading if i % 8 == 7 else 0.5 * loading for i in range(count)]
enough = {}
print(f"{'ahead':>24}" + "".join(f"{ahead:>9}" for ahead in (0, 1, 2, 8, 32)))
for name, each, share in (("all alike, device slower", even, 1.2), ("all alike, device faster", even, 0.5),
                           ("bumpy, device slower", bumpy, 1.2), ("bumpy, device faster", bumpy, 0.5)):
    ends = [epoch_seconds(each, [share * loading] * count, ahead) for ahead in (0, 1, 2, 8, 32)]
    print(f"{name:>24}" + "".join(f"{end:8.2f}s" for end in ends))
    enough[name] = next(ahead for ahead, end in zip((1, 2, 8, 32), ends[1:], strict=True) if end < 1.01 * ends[-1])

# %% outcome="places_ahead"
outcome("places_ahead", str(enough["bumpy, device slower"]))

# %% [markdown]
# One batch ahead turns a sum into a maximum. More places help against bumps, and only while the loader is the quicker of the two on average. Once the device is faster than the loader, one place is as good as thirty: the queue is always empty. Then one needs more workers, or less to load.
#
# ## Keep the data where they are used
#
# How much is there to load? The training pictures are 43 million bytes, and a laptop's GPU has a hundred times that. So they move there **once**, as one tensor of bytes, and stay: the data are **resident**. A batch is then one indexing operation with a piece of `randperm`, on the device. Of the `DataLoader` nothing is left; what still counts as loading is the indexing and the shifts.

# %%
print(f"{pictures.nbytes / 1e6:.0f} MB as bytes, {4 * pictures.nbytes / 1e6:.0f} MB as float32")


def resident(size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches out of one tensor; the shifts still picture by picture."""
    order = torch.randperm(len(pictures))
    for start in range(0, len(order) - size + 1, size):
        batch = order[start : start + size]
        wide = F.pad(pictures[batch].float() / 255, (1, 1, 1, 1))
        corners = torch.randint(0, 3, (len(batch), 2)).tolist()
        moved = torch.empty(len(batch), 1, 28, 28)
        for i, (down, right) in enumerate(corners):
            moved[i] = wide[i, :, down : down + 28, right : right + 28]
        yield moved, labels[batch]


measure("resident data", resident)

# %% [markdown]
# About half of the loading is gone here. What is left is a Python loop over 128 pictures. A CPU hardly minds, since a slice costs it next to nothing. A GPU would: each little operation is sent to it by itself, and `.tolist()` waits until the device has answered.
#
# ## A whole batch at once
#
# A shift is a question of indices. Pixel $(y, x)$ of the shifted picture $i$ comes from
#
# $$ \text{out}[i, c, y, x] = \text{in}[i, c,\; y - d_i,\; x - r_i], $$
#
# with $d_i$ (down) and $r_i$ (right) its own offsets, and is 0 where that lies outside. So compute all rows, shape $(n, h)$, and all columns, shape $(n, w)$, and gather once: in torch four index tensors of shapes $(n,1,1,1)$, $(c,1,1)$, $(n,1,h,1)$ and $(n,1,1,w)$
# broadcast to $(n, c, h, w)$. An index outside must be moved inside before the gather (`clamp`), and its pixel set to 0 after it.
#
# By hand: a picture with the one row $[5, 6, 7]$ and offset $(0, 1)$: columns $x - r = [-1, 0, 1]$, result $[0, 5, 6]$.

# %% exercise="shift"
def shift(images: Tensor, offsets: Tensor) -> Tensor:
    """Move each picture of a batch by its own offset.

    Parameters
    ----------
    images : shape (n, c, h, w), of any dtype (bytes, float32, bfloat16); not changed
    offsets : int64, shape (n, 2), on the same device: how far down and how far to the right,
        negative for up and left. They may be larger than the picture.

    Returns
    -------
    the moved pictures: shape, dtype and device of `images`; uncovered pixels are 0. The number
        of torch operations does not depend on n, no number of a tensor is read by Python, and
        all is done on the device of `images`.
    """
    ### BEGIN SOLUTION
    n, channels, height, width = images.shape
    device = images.device
    rows = torch.arange(height, device=device) - offsets[:, :1]
    columns = torch.arange(width, device=device) - offsets[:, 1:]
    rows_inside = (rows >= 0) & (rows < height)
    columns_inside = (columns >= 0) & (columns < width)
    found = images[
        torch.arange(n, device=device)[:, None, None, None],
        torch.arange(channels, device=device)[:, None, None],
        rows.clamp(0, height - 1)[:, None, :, None],
        columns.clamp(0, width - 1)[:, None, None, :],
    ]
    return found * (rows_inside[:, None, :, None] & columns_inside[:, None, None, :])
    ### END SOLUTION


# %% check="shift"
check(shift)

# %%
def on_the_device(size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of bytes, shifted all at once, then made floats."""
    order = torch.randperm(len(pictures))
    for start in range(0, len(order) - size + 1, size):
        batch = order[start : start + size]
        offsets = torch.randint(-1, 2, (len(batch), 2))
        yield shift(pictures[batch], offsets).float() / 255, labels[batch]


def operations(work: Callable[[], object]) -> int:
    """How many operations torch carries out that compute or copy something; one that calls others is not counted."""
    idle = ("empty", "view", "detach", "aten::t", "strided", "expand", "reshape", "select", "slice", "alias", "result_type", "resolve")
    with profile(activities=[ProfilerActivity.CPU]) as record:
        work()
    working = [e for e in record.events() if e.name.startswith("aten::") and not any(word in e.name for word in idle)]
    outer = {id(e.cpu_parent) for e in working}
    return sum(id(e) not in outer for e in working)


measure("a batch at once", on_the_device)
for name, batches in (("picture by picture", resident), ("a batch at once", on_the_device)):
    few, many = (operations(partial(next, batches(n))) for n in (16, 128))
    print(f"{name}: {few} operations for a batch of 16, {many} for one of 128")
one = pictures[:1].expand(9, 1, 28, 28)
nine = torch.cartesian_prod(torch.arange(-6, 7, 6), torch.arange(-6, 7, 6))
show_digits(shift(one, nine).squeeze(1).numpy(), [f"({d}, {r})" for d, r in nine.tolist()], columns=9)

# %% [markdown]
# The number of operations no longer grows with the batch. (And shift *bytes*, floats come afterwards: a quarter of the memory moves.) From here on the network is the subject.
#
# ## Where neighbours live
#
# Memory is one long row. A tensor of shape $(n, c, h, w)$ is a rule that says where each element stands in it: element $(i, k, y, x)$ at $i s_n + k s_c + y s_h + x s_w$. The four numbers $s$ are its **strides**, counted in elements. PyTorch's default puts one channel after the other, each row by row; so $s_w = 1$.
# **Channels last** keeps shape and axes, and orders the memory otherwise: pixel by pixel, row by row, and at each pixel all channels side by side; so $s_c = 1$.
#
# By hand, shape $(1, 2, 2, 3)$. Default: the second row of a channel stands 3 further, the second channel 6: strides $(12, 6, 3, 1)$. Channels last: the next pixel stands 2 further, the next row 6: strides $(12, 1, 6, 2)$.

# %% exercise="strides"
def strides(
    shape: tuple[int, int, int, int], channels_last: bool = False
) -> tuple[int, int, int, int]:
    """Compute how far apart neighbours along each axis stand in memory.

    Parameters
    ----------
    shape : (n, c, h, w), the same order for both layouts
    channels_last : whether the channels of a pixel are adjacent, else a channel's pixels are

    Returns
    -------
    a tuple of four ints: the strides of the axes n, c, h, w, in this order, counted in
        elements. An axis of size 1 gets what the formula gives for any other size.
    """
    ### BEGIN SOLUTION
    n, c, h, w = shape
    if channels_last:
        return h * w * c, 1, w * c, c
    return c * h * w, h * w, w, 1
    ### END SOLUTION


# %% check="strides"
check(strides)

# %%
shape = (1, 3, 2, 4)
CHANNEL_COLOURS = (COLOURS["blue"], COLOURS["orange"], COLOURS["green"])
fig, axes = plt.subplots(2, 1, figsize=(10, 2.9))
for ax, last, title in zip(axes, (False, True), ("Default: one channel after the other", "Channels last: all channels of a pixel side by side"), strict=True):
    _, s_c, s_h, s_w = strides(shape, last)
    for k in range(3):
        for y in range(2):
            for x in range(4):
                place = k * s_c + y * s_h + x * s_w
                window = y < 2 and x < 2  # what a window of 2 × 2 reads
                ax.add_patch(plt.Rectangle((place, 0), 0.92, 1, facecolor=CHANNEL_COLOURS[k], alpha=0.95 if window else 0.3))
                ax.text(place + 0.46, 0.5, f"{'RGB'[k]}\n{y},{x}", ha="center", va="center", fontsize=8.5,
                        color="white" if window and k != 1 else COLOURS["ink"])
    ax.set(xlim=(0, 24), ylim=(0, 1), yticks=[], xticks=np.arange(0, 24, 4) + 0.46, xticklabels=range(0, 24, 4), title=title)
    ax.grid(False)
axes[1].set_xlabel("place in memory (strong colours: what a 2 × 2 window at the corner reads)")
plt.show()

# %% [markdown]
# A convolution sums over the channels of each pixel in its window. Channels last, these stand side by side: the window of the picture reads two runs of six instead of six runs of two. The matrix units of a GPU want their operands so, and with the default layout
# many kernels begin by copying everything into the other one.
#
# Will it pay on this CPU? And for the first convolution, whose pictures have *one* channel: what will be the difference between its two layouts?

# %%
measure("channels last", on_the_device, channels_last=True)
print("one channel:    ", strides((128, 1, 28, 28)), strides((128, 1, 28, 28), channels_last=True))
print("sixteen:        ", strides((128, 16, 14, 14)), strides((128, 16, 14, 14), channels_last=True))

# %% [markdown]
# With one channel both rules put every pixel at the same place. For the other layers it is a real change, and the two lines "a batch at once" and "channels last" say what it is worth here. On CPUs it depends on the processor and on the batch, and may be a loss. Measure; do not believe.
#
# ## What a layer costs
#
# A layer needs arithmetic and it needs memory traffic. Count both. We count a multiplication and an addition as two **FLOPs** (floating-point operations), and each tensor as read or written once. For a convolution without bias of $n$ pictures from $c$ to $o$ channels, kernel $k \times k$, padding $p$, input $s \times s$ (a side now, no longer a stride), output $s' \times s'$, and $b$ bytes an element:
#
# $$ \text{FLOPs} = 2 \cdot n\, o\, s'^2 \cdot c\, k^2, \qquad \text{bytes} = b\,(\underbrace{n\, c\, s^2}_{\text{pictures in}} + \underbrace{o\, c\, k^2}_{\text{kernels}} + \underbrace{n\, o\, s'^2}_{\text{pictures out}}), \qquad s' = \Bigl\lfloor \frac{s + 2p - k}{\text{stride}} \Bigr\rfloor + 1 . $$
#
# The zeros of the padding are multiplied but lie in no memory. A linear layer is the case $s = k = 1$. By hand, one picture, 16 to 16 channels, $14 \times 14$, kernel 3, padding 1, float32: $2 \cdot 16 \cdot 196 \cdot 16 \cdot 9 = 903\,168$ FLOPs and $4\,(3136 + 2304 + 3136) = 34\,304$ bytes.

# %% exercise="conv_cost"
def conv_cost(
    batch: int,
    in_channels: int,
    out_channels: int,
    side: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    size: int = 4,
) -> tuple[int, int]:
    """Count the FLOPs and the bytes of a convolution without bias.

    Parameters
    ----------
    batch, in_channels, out_channels : n, c, o
    side : of the input pictures, s; they are square
    kernel, stride, padding : k, the step of the window, and p on each side
    size : bytes of one element, 4 for float32, 2 for bfloat16

    Returns
    -------
    FLOPs, bytes : whole numbers, as in the formulas
    """
    ### BEGIN SOLUTION
    out = (side + 2 * padding - kernel) // stride + 1
    flops = 2 * batch * out_channels * out**2 * in_channels * kernel**2
    elements = (
        batch * in_channels * side**2
        + out_channels * in_channels * kernel**2
        + batch * out_channels * out**2
    )
    return flops, size * elements
    ### END SOLUTION


# %% check="conv_cost"
check(conv_cost)

# %%
BATCH, BYTES = 256, 2  # bfloat16
LAYERS = {  # in, out, side, kernel, stride, padding
    "stem": (1, 16, 28, 5, 2, 2),
    "stage 1": (16, 16, 14, 3, 1, 1),
    "stage 2": (32, 32, 7, 3, 1, 1),
    "stage 3": (64, 64, 4, 3, 1, 1),
    "ResNet-50's 3 × 3": (256, 256, 14, 3, 1, 1),
}
costs = {name: conv_cost(BATCH, *numbers, BYTES) for name, numbers in LAYERS.items()}
costs["linear"] = conv_cost(BATCH, 64, 10, 1, 1, size=BYTES)
numbers_out = BATCH * 16 * 14 * 14
costs["ReLU"] = (numbers_out, 2 * BYTES * numbers_out)  # one comparison; read and written
for name, (flops, moved) in costs.items():
    print(f"{name:18} {flops / 1e6:8.1f} million FLOPs {moved / 1e6:6.2f} MB   {flops / moved:6.2f} FLOPs for each byte")

# %% [markdown]
# ## The roofline
#
# The last column is the **arithmetic intensity**, FLOPs for each byte moved. A device can do at most `peak` FLOP/s, and move at most `bandwidth` bytes/s. Moving and computing overlap, so a layer takes the longer of the two times, and reaches
#
# $$ \text{attainable} = \min(\text{peak},\; \text{bandwidth} \cdot \text{intensity}) \quad \text{FLOP/s}. $$
#
# On logarithmic axes this is a sloping line and a flat one, a **roofline** {cite:p}`williams2009`. They meet at the **ridge point**, intensity = peak / bandwidth. A layer left of it is **memory-bound**: faster arithmetic is no use to it. Right of it it is **compute-bound**.
#
# By hand: peak 100 FLOP/s, bandwidth 10 byte/s: the ridge is at 10. At intensity 4 one gets 40 FLOP/s, at 25 the peak, 100.

# %% exercise="attainable"
def attainable(intensity, peak: float, bandwidth: float):
    """Compute the most FLOP/s that the roofline allows.

    Parameters
    ----------
    intensity : FLOPs for each byte, more than 0: a number or a numpy array of any shape
    peak : of the arithmetic, FLOP/s
    bandwidth : of the memory, byte/s

    Returns
    -------
    FLOP/s, a number or an array of the shape of `intensity`
    """
    ### BEGIN SOLUTION
    return np.minimum(peak, bandwidth * intensity)
    ### END SOLUTION


# %% check="attainable"
check(attainable)

# %% [markdown]
# Two devices. For an H100 (SXM) the maker's data sheet gives $989 \cdot 10^{12}$ FLOP/s in bfloat16 (it prints twice that, which holds for sparse matrices) and $3.35 \cdot 10^{12}$ byte/s {cite:p}`nvidia2023`. Of this CPU we measure both: a large matrix product for the peak, the addition of two large vectors for the bandwidth.
#
# Where do you expect the ridge of each? Which of the layers above will be memory-bound on the H100?

# %%
def best_seconds(work, repeats: int = 5) -> float:
    """The shortest of some runs."""
    found = []
    for _ in range(repeats + 1):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found[1:])


a, b = torch.rand(1024, 1024), torch.rand(1024, 1024)
long, longer, out = torch.rand(8_000_000), torch.rand(8_000_000), torch.empty(8_000_000)
CPU_PEAK = 2 * 1024**3 / best_seconds(lambda: a @ b)
CPU_BANDWIDTH = 3 * long.nbytes / best_seconds(lambda: torch.add(long, longer, out=out))
DEVICES = {"one core of this CPU, float32": (CPU_PEAK, CPU_BANDWIDTH), "H100, bfloat16": (989e12, 3.35e12)}
for name, (peak, bandwidth) in DEVICES.items():
    print(f"{name:29} peak {peak:8.2g} FLOP/s   bandwidth {bandwidth:8.2g} byte/s   ridge {peak / bandwidth:6.1f} FLOPs for each byte")

fig, ax = plt.subplots(figsize=(8.5, 4.8))
axis = np.geomspace(0.03, 3000, 200)
for (name, (peak, bandwidth)), colour in zip(DEVICES.items(), (COLOURS["blue"], COLOURS["green"]), strict=True):
    ax.loglog(axis, attainable(axis, peak, bandwidth), color=colour)
    ax.text(2800, peak / 3.2, name, color=colour, weight="bold", ha="right")
    ax.plot(peak / bandwidth, peak, "o", color=colour)
peak, bandwidth = DEVICES["H100, bfloat16"]
for name, (flops, moved) in costs.items():
    reached = attainable(flops / moved, peak, bandwidth)
    ax.plot(flops / moved, reached, "s", color=COLOURS["red"], markersize=6)
    flat = flops / moved > peak / bandwidth
    ax.text(flops / moved * (1 if flat else 0.8), reached * (1.8 if flat else 1.15), name, fontsize=10.5, ha="center" if flat else "right")
ax.set(xlabel="arithmetic intensity (FLOPs for each byte)", ylabel="attainable FLOP/s", xlim=(0.02, 3300), ylim=(1e9, 4e15),
       title="On the H100 every layer of our network hangs from the slope")
plt.show()

# %% [markdown]
# None of our layers reaches the H100's ridge, not even the last stage, though that comes close; ResNet-50's layer does. With few channels there is too little arithmetic for each byte that is moved. (One core of a CPU has its ridge far to the left: there the convolutions are compute-bound.) It follows what will help: fewer bytes (bfloat16, half of them), fewer passes over them (norm, ReLU and addition **fused** into one
# kernel, which is what `torch.compile` does). And wider layers are cheaper than they look.
#
# Can a larger batch help? For a linear layer from $i$ to $o$ numbers, $n$ rows: $\text{intensity} = 2 n i o \,/\, b\,(n i + i o + n o)$. The weights are read once for the whole batch, so the intensity rises with $n$, but only up to a limit, $2 i o / b (i + o)$. If that does not exceed the ridge, no batch is large enough. Otherwise solve
#
# $$ 2 n i o \;\ge\; \text{ridge} \cdot b\,(n i + i o + n o) \quad \text{for the smallest whole } n . $$
#
# By hand: $i = o = 64$, $b = 4$, ridge 10: $8192\, n \ge 40\,(128\, n + 4096)$, so $3072\, n \ge 163\,840$, $n \ge 53.3$: the answer is 54.

# %% exercise="smallest_batch"
def smallest_batch(
    inputs: int, outputs: int, peak: float, bandwidth: float, size: int = 4
) -> int | None:
    """Find the smallest batch with which a linear layer is not memory-bound.

    Parameters
    ----------
    inputs, outputs : i and o; the layer has no bias
    peak, bandwidth : FLOP/s and byte/s
    size : bytes of one element, b

    Returns
    -------
    the smallest whole n, at least 1, whose intensity is the ridge point or more (an int), or
        None where there is none
    """
    ### BEGIN SOLUTION
    ridge = peak / bandwidth
    gained = 2 * inputs * outputs - ridge * size * (inputs + outputs)  # by each row
    if gained <= 0:
        return None
    return math.ceil(ridge * size * inputs * outputs / gained)
    ### END SOLUTION


# %% check="smallest_batch"
check(smallest_batch)

# %% [markdown]
# **Predict.** Square layers of width 64, 256, 512, 1024 and 4096, in bfloat16 on the H100. For some there is a batch that makes them compute-bound, for others there is none. Think of the size of that batch, too.

# %% predict="narrowest_layer"
commit("narrowest_layer", ..., sure=...)

# %%
wide_enough = []
for width in (64, 256, 512, 1024, 4096):
    print(f"width {width:4}: smallest compute-bound batch on the H100 {smallest_batch(width, width, *DEVICES['H100, bfloat16'], 2)}, "
          f"on this CPU {smallest_batch(width, width, *DEVICES['one core of this CPU, float32'])}")
    if smallest_batch(width, width, *DEVICES["H100, bfloat16"], 2) is not None:
        wide_enough.append(width)

# %% outcome="narrowest_layer"
outcome("narrowest_layer", str(min(wide_enough)))

# %% [markdown]
# A layer of 512 by 512 *cannot* use that device's arithmetic, however large the batch. (A convolution's kernels are shared by all places of a picture: each picture counts as $s'^2$ rows. Its limit comes from channels and kernel: at stride 1 it is $2\,c\,o\,k^2 / b\,(c + o)$, for our last stage 288, just below the H100's ridge.)

# %% recall="roofline"
recall("roofline")

# %% [markdown]
# ## Sixteen bits
#
# **bfloat16** halves every byte count, and GPUs have matrix units for it. It has float32's range and keeps 8 significant binary digits. A number is $m \cdot 2^e$ with $\tfrac12 \le |m| < 1$; to round it to $k$ digits, round $m \cdot 2^k$ to a whole number and multiply by $2^{e-k}$. A **tie**, half-way between two, goes to the even whole number, so that errors do not all go one way.
#
# By hand, $k = 3$: $x = 13 = 0.8125 \cdot 2^4$; $0.8125 \cdot 8 = 6.5$ is a tie, goes to 6, and $6 \cdot 2 = 12$. And $x = 11$: $5.5$ goes to 6 too: 12.

# %% exercise="rounded"
def rounded(x: np.ndarray, bits: int) -> np.ndarray:
    """Round to a number of significant binary digits.

    Parameters
    ----------
    x : float64, any shape, finite; may hold 0 and negative numbers; not changed
    bits : k, how many significant digits are kept, 1 to 24. The first, always 1, counts.
        float32 has 24, float16 has 11, bfloat16 has 8. There is no smallest or largest
        exponent.

    Returns
    -------
    float64, the shape of x: the nearest number with k digits; of two that are equally near, the
        one whose last digit is 0 (even)
    """
    ### BEGIN SOLUTION
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.round(np.ldexp(fraction, bits)), exponent - bits)
    ### END SOLUTION


# %% check="rounded"
check(rounded)

# %% [markdown]
# **Predict.** A counter in bfloat16: start at 0, add 1 a thousand times, and round after each addition. Then a training in bfloat16: a weight of 1 gets a thousand steps of 0.002.

# %% predict="thousand_ones"
commit("thousand_ones", ..., sure=...)

# %% predict="small_steps"
commit("small_steps", ..., sure=...)

# %%
totals = {"exact": [0.0], "float16 (11 digits)": [0.0], "bfloat16 (8 digits)": [0.0]}
for _ in range(1000):
    totals["exact"].append(totals["exact"][-1] + 1)
    for name, bits in (("float16 (11 digits)", 11), ("bfloat16 (8 digits)", 8)):
        totals[name].append(float(rounded(np.array(totals[name][-1] + 1), bits)))
weight = torch.ones((), dtype=torch.bfloat16)
for _ in range(1000):
    weight += 0.002
print(f"a thousand ones: {totals['bfloat16 (8 digits)'][-1]:.0f} in bfloat16, {totals['float16 (11 digits)'][-1]:.0f} in float16; torch's sum of a thousand bfloat16 ones: {torch.ones(1000).bfloat16().sum():.0f}")
print(f"a weight of 1 after a thousand steps of 0.002: {weight.item():.3f} in bfloat16")
print(f"nearest bfloat16 numbers to a loss of 2.3026: {rounded(np.array(2.3026), 8):.4f}, the next is {rounded(np.array(2.3026), 8) + 2**-6:.4f}")

# %% outcome="thousand_ones"
outcome("thousand_ones", totals["bfloat16 (8 digits)"][-1])

# %% outcome="small_steps"
outcome("small_steps", weight.item())

# %%
plot_curves({name: totals[name] for name in ("exact", "bfloat16 (8 digits)")}, xlabel="ones added", ylabel="sum",
            title="In bfloat16 the sum of ones ends at 256")
plt.show()

# %% [markdown]
# From 256 on the neighbours are 2 apart: 257 is a tie and goes back to 256. (Torch's own sum is right, since it keeps its total in float32 and rounds once.) Steps that are small beside the number vanish without a trace. Hence **mixed precision** {cite:p}`micikevicius2018`: the products of convolutions and linear layers in bfloat16 (their sums run in float32 inside the kernel), while the weights, the optimiser, the statistics of batch norm and
# the loss stay in float32. `torch.autocast(device_type, torch.bfloat16)` does so for the forward pass; take the loss outside it, from `logits.float()`. (float16 has more digits and a small range: its gradients can vanish, and need a **loss scale**. {cite:t}`kalamkar2019` show that bfloat16 trains without.)

# %%
HAS_BFLOAT16 = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))
measure("bfloat16", on_the_device, channels_last=True, bfloat16=True, steps=4 if HAS_BFLOAT16 else 1)
print("This processor has instructions for bfloat16." if HAS_BFLOAT16 else "This processor has no instructions for bfloat16.")

# %% [markdown]
# Read the last line first. With such instructions this rung is a step up. If yours says that there are none, your processor does bfloat16 by detours, and for you this rung is a step *down*. On a GPU with matrix units it is a large step up for compute-bound layers, and a factor of up to two for memory-bound ones.

# %% recall="sixteen_bits"
recall("sixteen_bits")

# %% [markdown]
# ## The CPU sends, the GPU does
#
# A GPU does nothing of its own accord. For each operation the CPU **launches** a **kernel**: it puts an order into a queue and goes on at once, without waiting. The GPU works the queue off. As long as the queue is not empty, the CPU's Python costs nothing; once it is empty, the GPU waits for the CPU, and the training is **launch-bound**.
#
# `loss.item()` breaks this. The number is wanted *now*, so the CPU waits until everything before it is done: a **synchronisation**. Then the queue is empty.
#
# Rules of the model: launches take `launch` seconds each, one after the other, the first from 0. A kernel begins when its launch has ended *and* the kernel before it has ended. With `sync` the CPU waits, after the last launch of a step, until the last kernel of the step has ended. With a **CUDA graph** all
# kernels of a step are recorded beforehand and started by *one* launch: the first waits for that launch, the others follow it.
#
# By hand: one step, launch 2, kernels 1 and 5 and 1. Launches end at 2, 4, 6; kernels run 2–3, 4–9, 9–10. As a graph: one launch to 2, kernels 2–3, 3–8, 8–9.

# %% exercise="launch_timeline"
def launch_timeline(
    steps: list[list[float]], launch: float, sync: bool = False, graph: bool = False
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Lay out what the CPU and the GPU do, by the rules above.

    Parameters
    ----------
    steps : for each step the seconds of its kernels, at least one, in order
    launch : seconds of one launch
    sync : whether the CPU waits for the GPU at the end of each step
    graph : whether a step is started by one launch

    Returns
    -------
    launches, kernels : two lists of tuples (begin, end), in order of time, over all steps. One
        launch for each kernel, or, with graph, one for each step.
    """
    ### BEGIN SOLUTION
    launches: list[tuple[float, float]] = []
    kernels: list[tuple[float, float]] = []
    cpu = gpu = 0.0  # when each of them is free
    for step in steps:
        for place, seconds in enumerate(step):
            if place == 0 or not graph:
                launches.append((cpu, cpu + launch))
                cpu += launch
            begin = max(cpu, gpu)
            gpu = begin + seconds
            kernels.append((begin, gpu))
        if sync:
            cpu = max(cpu, gpu)
    return launches, kernels
    ### END SOLUTION


# %% check="launch_timeline"
check(launch_timeline)

# %%
STEP = [0.5] * 8 + [6.0] * 4  # many short kernels, such as the augmentation's, then a few long ones
fig, axes = plt.subplots(3, 1, figsize=(10, 5), sharex=True)
for ax, switches, title in zip(axes, ({"sync": True}, {}, {"graph": True}), ("The loss is read at each step", "Nothing is read", "Nothing is read, one graph a step"), strict=True):
    launches, kernels = launch_timeline([STEP] * 3, 2.5, **switches)
    colours = [COLOURS["blue"], COLOURS["orange"], COLOURS["green"]]
    for row, spans in ((1, launches), (0, kernels)):
        each = len(spans) // 3
        for step in range(3):
            bars = [(begin, end - begin) for begin, end in spans[step * each : (step + 1) * each]]
            ax.broken_barh(bars, (row - 0.38, 0.76), facecolor=colours[step], edgecolor="white", linewidth=0.8)
    ax.set(yticks=[0, 1], yticklabels=["GPU", "CPU"], title=f"{title}: three steps in {kernels[-1][1]:.1f} µs")
    ax.title.set_fontsize(12)
    ax.grid(False)
axes[-1].set_xlabel("time (µs); one colour for each step")
plt.show()

# %% [markdown]
# Above, the CPU stands still during the long kernels, and then the GPU waits for one launch after the other. In the middle, the CPU launches the next step's short kernels meanwhile, and nearly all of this is hidden. Below, launching is no longer a subject.
#
# **Predict.** Make all kernels of such a step $x$ times as long, from a tenth to ten times. How much `.item()` costs depends on $x$. Think of the graph, too: where does it help most?

# %% predict="cost_of_reading"
commit("cost_of_reading", ..., sure=...)

# %%
lengths = np.geomspace(0.1, 10, 25)
times: dict[str, list[float]] = {"read at each step": [], "not read": [], "graph": []}
for length in lengths:
    steps = [[length * seconds for seconds in STEP]] * 50
    for name, switches in (("read at each step", {"sync": True}), ("not read", {}), ("graph", {"graph": True})):
        _, kernels = launch_timeline(steps, 2.5, **switches)
        times[name].append(sum(map(sum, steps)) / kernels[-1][1])
lost = np.array(times["not read"]) - np.array(times["read at each step"])
worst = lengths[np.argmax(lost)]
print(f"reading takes most, {100 * lost.max():.0f} points, from kernels {worst:.1f} times as long as above")
where = "a tenth as long" if worst < 0.3 else "ten times as long" if worst > 3 else "about as long as above"

# %% outcome="cost_of_reading"
outcome("cost_of_reading", where)

# %%
plot_curves({name: (lengths, 100 * np.array(busy)) for name, busy in times.items()}, xlabel="length of the kernels, times those above",
            ylabel="the GPU is busy (% of the time)", title="Reading hurts most in between")
plt.xscale("log")
plt.show()

# %% [markdown]
# With very short kernels the CPU is the limit anyway, and waiting adds little. With very long ones an empty queue is soon filled again. In between, both are busy, and reading makes them take turns. The graph helps most where the kernels are shortest. (Our model lets a graph cost one launch, however long it is.) So: leave the losses on the device, as tensors, and read them after the last step.
#
# Which case is ours? Count the operations of one training step, and take the time to send off one that has nothing to do.

# %%
network = ResNet()
optimiser = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9, nesterov=True)


def one_step() -> None:
    """Forward, backward and the optimiser, for a few pictures."""
    F.cross_entropy(network(torch.rand(8, 1, 28, 28)), torch.zeros(8, dtype=torch.int64)).backward()
    optimiser.step()


one_step()  # the first makes the optimiser's state
count = operations(one_step)
tiny = torch.zeros(1)
send = best_seconds(lambda: [tiny.add_(1) for _ in range(1000)]) / 1000
roof = sum(3 * flops / attainable(flops / moved, *DEVICES["H100, bfloat16"]) * (2 if "stage" in name else 1)
           for name, (flops, moved) in costs.items() if name in ("stem", "stage 1", "stage 2", "stage 3"))
print(f"about {count} operations in a step; {1e6 * send:.1f} µs to send one off from this CPU: {1e6 * count * send:,.0f} µs a step")
print(f"convolutions of a step, batch {BATCH}, on an H100 by the roofline: {1e6 * roof:,.0f} µs")

# %% [markdown]
# On such a device our network is launch-bound by far. The convolutions of a whole batch would be done before the CPU has sent off more than a few of the orders. (Both numbers are estimates from below: norms and shortcuts are left out of the second, and a launch on a GPU costs more than our tiny operation.) This is why the real run compiles: `torch.compile(network)` fuses what can be fused into fewer kernels, and its mode `"reduce-overhead"` puts them into a
# CUDA graph. Compiling is paid once for each shape of a batch. So all batches have to have *one* shape, and the short one at the end is dropped.

# %% recall="launches"
recall("launches")

# %% [markdown]
# ## Larger batches
#
# The last rung: with 512 pictures a step there is a quarter of the launches. But it is also a quarter of the steps, so each has to go further: a larger rate, which is stable only after a warm-up and has to be small again at the end. The schedule of rung 10 does both. Its peak has to be chosen anew, on the validation pictures, for each batch size; this page only times the larger batch. On one core, with nothing to launch, expect little from it.

# %%
measure("batches of 512", on_the_device, size=512, channels_last=True, bfloat16=HAS_BFLOAT16, steps=3)

names = list(ladder)
fig, ax = plt.subplots(figsize=(9, 3.6))
for place, (loading, network_seconds, size) in enumerate(ladder.values()):
    each = 1e3 / size  # ms for one picture
    ax.barh(place, each * loading, color=COLOURS["orange"])
    ax.barh(place, each * network_seconds, left=each * loading, color=COLOURS["blue"])
    ax.text(each * (loading + network_seconds), place, f"  {size / (loading + network_seconds):,.0f} pictures/s", va="center")
ax.set(yticks=range(len(names)), yticklabels=names, xlabel="milliseconds for one picture: loading (orange), network (blue)",
       xlim=(0, 1.3 * ax.get_xlim()[1]), title="The ladder on this CPU")
ax.invert_yaxis()
ax.grid(axis="y")
plt.show()

# %% [markdown]
# In the first bar, orange is what no faster device would have removed; from the second on the data lie on the device, and this work would become faster with it. One rung is missing, compiling, which takes too long for a page. It was measured apart, with all the others, on the run's network in a larger size (28 pixels, one residual block): each step turn about with the loop as it stood before, and × is the median of what the turns gave. What did not pay there was not kept, but for the unread loss, which can pay on a GPU only. A few per cent are noise.

# %%
record = measured("fast_resnet_steps")
print(f"{record['date']}, {record['hardware']}, {record['threads']} thread(s); {record['busy']}")
for step in record["steps"]:
    share, kept = step["share of the plain loop's time"], "" if step["kept"] else "   (not kept)"
    print(f"{step['step']:32} {np.median(step['pictures per second']):8,.0f} pictures/s   × {step['times as fast']:.2f} ({step['slowest turn']:.2f} to {step['fastest turn']:.2f})   {share:6.1%} of the plain loop's time{kept}")

# %% [markdown]
# Here is the profile of the first rung and of a late one, in batches of 128: by part of the loop and, over the whole loop, by kind of operation.

# %%
def profiled(batches: Iterator, **switches: bool) -> tuple[dict[str, float], dict[str, float]]:
    """Milliseconds for each picture: by part of the loop, and by kind of operation."""
    with profile(activities=[ProfilerActivity.CPU]) as record:
        timed_steps(batches, steps=3, **switches)
    averages, pictures_seen = record.key_averages(), 4 * 128
    parts = {e.key.removeprefix("part: "): e.cpu_time_total / pictures_seen / 1e3 for e in averages if e.key.startswith("part: ")}
    words = {"convolution": ("conv",), "batch norm": ("batch_norm",), "ReLU, addition": ("relu", "threshold", "add", "clamp_min"),
             "copies of another layout or type": ("copy", "_to_copy", "contiguous")}
    kinds = dict.fromkeys([*words, "the rest"], 0.0)
    for event in averages:
        if event.key.startswith("aten::"):
            kind = next((kind for kind, found in words.items() if any(word in event.key for word in found)), "the rest")
            kinds[kind] += event.self_cpu_time_total / pictures_seen / 1e3
    return parts, kinds


profiles = {"before": profiled(item_by_item(128)), "after": profiled(on_the_device(128), channels_last=True, bfloat16=HAS_BFLOAT16)}
fig, axes = plt.subplots(1, 2, figsize=(11.5, 3.6))
for side, (ax, title) in enumerate(zip(axes, ("By part of the loop", "By kind of operation"), strict=True)):
    rows = list(profiles["before"][side])
    for offset, when, colour in ((-0.2, "before", COLOURS["orange"]), (0.2, "after", COLOURS["blue"])):
        values = [profiles[when][side].get(row, 0.0) for row in rows]
        ax.barh(np.arange(len(rows)) + offset, values, 0.38, color=colour)
        largest = int(np.argmax(values))
        ax.text(values[largest], largest + offset, f" {when}", va="center", color=colour, weight="bold")
    ax.set(yticks=range(len(rows)), yticklabels=rows, xlabel="CPU time (ms for each picture)", title=title, xlim=(0, 1.2 * ax.get_xlim()[1]))
    ax.invert_yaxis()
    ax.grid(axis="y")
plt.show()

# %% [markdown]
# Read a profile from the longest bar down, and ask of each: is it work, or waiting, or copying? On the left, loading has shrunk to little. On the right, the other layout and the shorter numbers have made the memory-bound kinds cheaper too, since they move fewer bytes. But they pass over memory as often as before. Fewer passes is what fusing is for. On a GPU ask the profiler for `ProfilerActivity.CUDA` too, and look for gaps between kernels: the queue was empty there.
#
# ## The whole loop
#
# Now build it, for any device, from its specification. `n` is the number of pictures and `device` is `pictures.device`; nothing moves anywhere else. `shift` is yours from above, `one_cycle` is the schedule of rung 10, which the next cell provides.
#
# 1. Once: the model into training mode, and into channels last: `model.to(memory_format=torch.channels_last)`. An epoch has `n // batch_size` steps.
# 2. Each epoch: `order = torch.randperm(n, generator=generator, device=device)`. Its pieces of `batch_size` in turn; the rest is dropped.
# 3. Each step: `offsets = torch.randint(-limit, limit + 1, (batch_size, 2), generator=generator, device=device)`; the pictures of the piece, shifted by `shift`; then float32, divided by 255; then channels last.
# 4. The model runs under `torch.autocast(device.type, torch.bfloat16)`. The loss is the mean cross-entropy of the logits *made float32*.
# 5. The rate of every group of the optimiser is set to `one_cycle(step, steps, peak)`, counting the steps of all epochs; gradients cleared, `backward`, one step.
# 6. No number is read inside the loop. The losses stay tensors, without their graphs, and come back as one tensor.

# %%
def course_cycle(step: int, steps: int, peak: float, warm_up: float = 0.25) -> float:
    """Rung 10's schedule: a straight line up, half a cosine down."""
    t = (step + 0.5) / steps
    return peak * (t / warm_up if t < warm_up else (1 + math.cos(math.pi * (t - warm_up) / (1 - warm_up))) / 2)


one_cycle = mine("ladder/10", "one_cycle", otherwise=course_cycle)

# %% exercise="train_fast"
def train_fast(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    pictures: Tensor,
    labels: Tensor,
    epochs: int,
    batch_size: int,
    peak: float,
    generator: torch.Generator,
    limit: int = 1,
) -> Tensor:
    """Train on resident data without ever waiting for the device.

    By the six points of the page: training mode and channels last; an order for each epoch;
    `shift`, float32 / 255, channels last; autocast to bfloat16, the loss in float32; rates by
    `one_cycle`; nothing read inside the loop.

    Parameters
    ----------
    model, optimiser : the optimiser has the model's parameters; both are changed in place
    pictures : uint8, shape (n, c, h, w), on the device of the model; not changed
    labels : int64, shape (n,), on the same device
    epochs, batch_size : at least 1; batch_size ≤ n
    peak : the largest learning rate
    generator : of that device; it is asked for the order of each epoch, then for the offsets of
        each batch
    limit : the most pixels that a picture is shifted by, in each direction

    Returns
    -------
    float32, shape (epochs · (n // batch_size),): the loss of each batch before its step, on the
        device, not part of any graph
    """
    ### BEGIN SOLUTION
    device, n = pictures.device, len(pictures)
    model.train().to(memory_format=torch.channels_last)
    per_epoch = n // batch_size
    losses: list[Tensor] = []
    for _ in range(epochs):
        order = torch.randperm(n, generator=generator, device=device)
        for batch in order[: per_epoch * batch_size].split(batch_size):
            offsets = torch.randint(
                -limit, limit + 1, (batch_size, 2), generator=generator, device=device
            )
            x = shift(pictures[batch], offsets).float() / 255
            with torch.autocast(device.type, torch.bfloat16):
                logits = model(x.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), labels[batch])
            for group in optimiser.param_groups:
                group["lr"] = one_cycle(len(losses), epochs * per_epoch, peak)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.detach())
    return torch.stack(losses)
    ### END SOLUTION


# %% check="train_fast"
check(train_fast)

# %% [markdown]
# A trial, small enough for any machine: 2 000 pictures, two epochs, a network of half the width. The optimiser is Adam with the momenta of the published record, 0.7 and 0.9, which forget quickly, as a training of so few steps needs.

# %%
torch.manual_seed(0)
small = ResNet(1, (8, 16, 32))
adam = torch.optim.Adam(small.parameters(), lr=0.01, betas=(0.7, 0.9))
some = min(2000, len(pictures))
start = time.perf_counter()
curve = train_fast(small, adam, pictures[:some], labels[:some], 2, 50, 0.01, torch.Generator().manual_seed(0))
print(f"{len(curve)} steps in {time.perf_counter() - start:.1f} s")
small.eval()
with torch.no_grad():
    right = float((small(valid.float() / 255).argmax(1) == valid_labels).float().mean())
print(f"validation: {right:.1%} of {len(valid)} on {SOURCE}")
plot_curves({"training loss": curve.numpy()}, xlabel="step", ylabel="cross-entropy (nats)", title=titled("Read once, after the last step", SOURCE))
plt.show()

# %% [markdown]
# A curve that was never looked at while it was made. (On a machine without bfloat16 instructions expect it to be slower than float32 would be. For a GPU the same function needs only its arguments moved there.)
#
# ## The real run
#
# `mnist_resnet` trains against the clock, on all the training pictures, with what this page has built and what it could only describe: the compiled step, the CUDA graph. Each profile takes of it what should pay there. By default it trains a network of the course that was shaped by its costs. Its first two convolutions both have stride 2, so that hardly any arithmetic is spent where channels are few; where seconds count, only a square in the middle of each picture is looked at; the residual blocks stand on the smallest grid, and the shortest
# trainings do without any. With `model="mine"` it trains *your* residual network of rung 10, made as `ResNet(per_stage, (w, 2 * w, 4 * w))`. The recipe is that of your loop, with label smoothing: Adam at a peak of 0.01 with the momenta 0.7 and 0.9, up in a line and down along a cosine, full batches only.
#
# The published number to stand beside: **99.04 %**, the mean of 30 seeds, in **0.76 s** on a laptop's GTX 1660 Ti {cite:p}`oikarinen2021`, in one epoch with batches of 256. That clock counts building the network, training it and reading the test digits. Its settings were chosen by the accuracy on the *test* digits, which flatters such a number a little; ours on training pictures held out. Our goals: 99.0 % in at most 0.4 s and 99.5 % in at most 5 s on one
# modern GPU, and 99.0 % in at most 3 s on two CPU cores.
#
# | profile | for | what it trains |
# |---|---|---|
# | `smoke` | to see that everything works | a few steps on any digits, in two processes on a CPU |
# | `cpu` | two cores | 400 steps, not quite an epoch, in float32, pictures not moved, ten seeds |
# | `gpu` | one GPU, the fewest seconds | one epoch in bfloat16, pictures not moved, compiled and recorded in a CUDA graph, ten seeds |
# | `gpu-accurate` | one GPU, the fewest mistakes | a wider network with residual blocks, shifted pictures, more epochs, ten seeds |
# | `multi-gpu`, `slurm` | four GPUs; two machines with four each | as `gpu-accurate`, a part of each batch on each GPU, not compiled, batch norm over 128 pictures at a time |
#
# Without `profile` the cell takes the largest that your machine can carry. Stop it, and it goes on where it was.

# %% tags=["real-run"]
run("mnist_resnet", model="mine")

# %% [markdown]
# The report that opens at the end has the settings, the machine, the curve, and the result beside the published one. Read it with three questions.
#
# - *What does the clock count?* Here training alone: not the pictures' way to the device, the compiling, a few steps of rehearsal, or the evaluation. The published 0.76 s hold the evaluation too, so they flatter us a little. Two numbers can be compared only when they count the same.
# - *How many seeds?* One training in 99.04 % tells little: with 10 000 test digits, one standard deviation of chance is about 0.1 points. Look for the mean, the spread, and the number of seeds.
# - *Who chose the settings, by which pictures?* Settings chosen on the test digits fit these digits, chance included, and new ones will be read a little worse.
#
# What has been run so far, and what has not. These rows are the course's network, and yours may differ. The goal for two cores is met; those for a GPU have not been tried:

# %%
recorded("mnist_resnet")

# %% [markdown]
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# - **Compile it.** `torch.compile(network)` on your machine, with and without a GPU. *A good answer has the seconds of compiling, the pictures/s before and after, the number of operations before and after in the profile, and from how many pictures on compiling pays.*
# - **Is it the same training?** Train the small network with `train_fast` and with a float32 loop, the same order and shifts, five seeds each. *The spread over seeds beside the difference of the two; say whether these pictures can tell them apart.*
# - **Your own roofline.** Put the layers of the transformer of [rung 13](13_causal_transformer.ipynb) on the roofline, attention included. *Which of its parts hang from the slope, and what of it changes with the length of the window?*
# - **A larger batch, honestly.** Batches of 128, 512 and 2048 at the same number of epochs, the peak chosen on the validation pictures for each. *Seconds and accuracy, both with spread. Where does it stop paying?*
#
# ## Explain it to a friend
#
# Aloud or in writing, as if to a friend who has not read this page:

# %% write="twice_the_flops"
write("twice_the_flops", """
""")

# %% write="narrow_layer"
write("narrow_layer", """
""")

# %% write="printed_loss"
write("printed_loss", """
""")

# %% [markdown]
# On [rung 15](15_imagenet.ipynb) the pictures no longer fit on the device. Then loading is an art again, and `epoch_seconds` tells how good it has to be.
