# ---
# title: The same with torch.nn
# subtitle: Modules, loaders and optimisers, checked number for number against raw tensors
# part: ladder
# hours: 3
# needs: [ladder/05_deep_network]
# teaches: [nn.Module, nn.Linear, F.cross_entropy, optim.SGD, Dataset, DataLoader, state_dict, train and eval mode]
# builds: a Module, copied weights, a Dataset, a loader with a known order, one epoch, the evaluation, a training run from a specification
# number: the loss curve of rung 5 to 1e-5, step by step
# data: synthetic spiral
# run: null
# readings:
#   - {key: paszke2019, where: "sections 3 and 4: why a network is an ordinary Python object", skip: "section 5 on the implementation, until rung 14"}
#   - {key: karpathy2019, where: "all of it: ten minutes that save days", skip: "nothing"}
#   - {key: zhang2023, where: "chapter 6, 'Builders' Guide': modules, parameters, saving", skip: "the sections on lazy initialisation and GPUs"}
#   - {key: baydin2018, where: "section 3.2 on reverse mode, to see what backward() does for all of this", skip: "the rest, for now"}
# sections:
#   - {id: target, heading: "The program to match", for: "a program you understand is the ruler for the one that replaces it", needs: [ladder/05#loop]}
#   - {id: module, heading: "A network is a Module", for: "every network from here to GPT-2 is a Module made of Modules", needs: [ladder/05#layers]}
#   - {id: same_start, heading: "The same start", for: "published weights are loaded into your own networks in the same way", needs: [module, ladder/05#initialisation]}
#   - {id: optimiser, heading: "Loss and optimiser", for: "these four lines are the training step of every later program in torch", needs: [module, ladder/05#step, ladder/04#likelihood]}
#   - {id: dataset, heading: "A Dataset", for: "handwritten digits, photographs and text all come to a network through this door", needs: [ladder/02#tensors]}
#   - {id: loader, heading: "A DataLoader, and whose order it is", for: "a run can be repeated, or compared with another, only if you know where its order comes from", needs: [dataset, ladder/01#minibatches]}
#   - {id: epoch, heading: "One epoch", for: "dropout and batch norm behave as they should only where the mode is set as it is here", needs: [optimiser, loader]}
#   - {id: number_for_number, heading: "Number for number", for: "it is how you prove that a faster, larger or translated program is still the same program", needs: [target, same_start, epoch]}
#   - {id: double_softmax, heading: "A mistake that learns", for: "mistakes that still learn are the hardest to find, and this is the commonest of them", needs: [same_start, epoch, ladder/04#softmax]}
#   - {id: evaluation, heading: "Evaluation", for: "every held-out number from rung 7 on is measured in this way", needs: [epoch, ladder/04#accuracy]}
#   - {id: saving, heading: "Saving and loading", for: "long runs are interrupted, and other people's checkpoints are opened", needs: [module, evaluation]}
#   - {id: specification, heading: "The whole run, from a specification", for: "a result that can be repeated begins with one object that holds all its settings", needs: [same_start, epoch, evaluation]}
#   - {id: default_start, heading: "What torch would have started from", for: "defaults decide results: you learn to look at one before you trust it", needs: [same_start, evaluation, ladder/05#bad_starts]}
# recall:
#   - {id: registration, section: module, transfer: false, q: "What does `nn.Module` do when you assign a layer to `self.something`, and when does it fail to?", a: "It registers the layer, so that `parameters()`, `state_dict()`, `train()` and `to()` find it. A plain Python list hides its contents; `nn.ModuleList` does not."}
#   - {id: linear_shapes, section: same_start, transfer: true, q: "`layer = nn.Linear(784, 100)`, and `x` has shape `(32, 784)`. Which shapes have `layer.weight` and `layer(x)`? For which layers does a forgotten transpose go unnoticed?", a: "`(100, 784)` and `(32, 100)`. For square ones, $n_\\text{in} = n_\\text{out}$: there the wrong way round fits, too."}
#   - {id: four_lines, section: optimiser, transfer: false, q: "Name the four lines of a training step in order.", a: "`loss = …`; `optimiser.zero_grad()`; `loss.backward()`; `optimiser.step()`."}
#   - {id: gradient_thrown_away, section: optimiser, transfer: true, q: "Right after `loss.backward()` every `.grad` is far from zero, and yet no step of plain SGD moves a weight. There is no error. Which line stands in the wrong place?", a: "`optimiser.zero_grad()`, between `backward()` and `step()`: the gradient is thrown away before the step can use it."}
#   - {id: loader_order, section: loader, transfer: false, q: "Two `DataLoader` runs with one seed agree with each other. Why do they not agree with `torch.randperm` from that seed?", a: "The loader draws other numbers from the same generator as well, a base seed for its workers among them. So the permutations come from elsewhere in the stream."}
#   - {id: ten_class_floor, section: double_softmax, transfer: true, q: "A classifier of ten classes ends in a softmax, and its output goes to `F.cross_entropy`. Below which loss can it never fall?", a: "The best it can say is $[1, 0, \\dots, 0]$, taken as logits: $-\\ln \\frac{e}{e + 9} = 1.46$ nats. Nothing warns you."}
#   - {id: two_modes, section: evaluation, transfer: false, q: "What do `network.train()` and `network.eval()` change, and what do they not?", a: "A flag that layers such as dropout and batch norm read. They do not switch gradients on or off: that is `torch.no_grad()`."}
#   - {id: short_last_batch, section: evaluation, transfer: true, q: "Batches of 100, 100 and 20 examples have the accuracies 0.9, 0.9 and 0.5. What is the accuracy on all 220?", a: "$(90 + 90 + 10)/220 = 0.864$. In the mean of the three, 0.767, an example of the short batch counts five times as much as any other."}
#   - {id: file_from_a_stranger, section: saving, transfer: true, q: "A stranger sends you `weights.pt`. With which argument do you load it, and what could happen without?", a: "`weights_only=True`: only tensors and plain containers are accepted. A pickle can run any code at the moment it is opened."}
# predictions:
#   - {id: hidden_parameters, ask: "How many parameters does `nn.Module` find in the second class, whose two layers are in a plain list?", unit: "parameters", within: 0, because: "None. `Module` does not look into a plain list, so the optimiser is never told of the layers. An `nn.ModuleList` is a list it looks into."}
#   - {id: loader_order, ask: "Two loaders and the `torch.randperm` of rung 5 start from the same seed. Which orders agree?", choices: ["all three", "the two loaders only", "none"], because: "Both loaders draw the same numbers, so they agree. But a loader takes more from the generator than one permutation an epoch, so it is elsewhere in the stream."}
#   - {id: float64_gap, ask: "How far apart are the two loss curves at most, over 1 200 steps in float64?", choices: ["less than 1e-13", "from 1e-13 to 1e-9", "more than 1e-9"], because: "They differ in the last digits of a float64, by about $10^{-15}$. Rounding does not pile up: gradient descent on its way down forgets small kicks."}
#   - {id: twice_loss, ask: "Which loss does the run with two softmaxes end at, as a mean over its last epoch?", unit: "nats", within: 0.08, because: "The best the network can say is $[1, 0, 0]$, and the second softmax gives that only $e/(e+2) = 0.58$: a loss of 0.551, below which it cannot fall."}
#   - {id: default_accuracy, ask: "Where does the mean held-out accuracy from torch's default start lie, after 40 epochs and over four seeds?", choices: ["above 95 %", "from 70 % to 95 %", "from 40 % to 70 %", "below 40 %"], because: "The signal is weak at first and grows only as the weights do. For twenty epochs it hardly leaves guessing, while He's start has every point right by the end."}
# written:
#   - {id: loss_does_not_move, ask: "Your friend's network runs, gives logits, and its loss does not move at all. Which three causes would you look for first?", rubric: ["names layers in a plain list, of which the optimiser is never told", "names `zero_grad` between `backward` and `step`, or no `step`", "names a learning rate of nearly 0, or a symmetric start"], answer: "Layers in a plain list, of which the optimiser is never told. `zero_grad` between `backward` and `step`, or no `step`. A learning rate of nearly 0, or a symmetric start."}
#   - {id: nothing_changed, ask: "How would you prove that a rewrite of a training program changed nothing?", rubric: ["takes the same initial weights and the same batches", "lays the losses side by side, from the first step to the last", "uses float64, and expects differences of the size of rounding", "says that the step where they part tells which part to suspect"], answer: "Give both programs the same initial weights and the same batches, in float64, and lay the losses side by side. They differ by no more than rounding, from the first step to the last. Where they part tells you which part to suspect."}
#   - {id: two_switches, ask: "What is the difference between `eval()` and `no_grad()`, and what goes wrong if you forget each?", rubric: ["says that `eval()` changes what some layers compute, and `no_grad()` what autograd records", "without `eval()`: dropout and batch norm behave as in training, so results are noisy or wrong", "without `no_grad()`: the numbers are right, and memory and time are wasted on graphs"], answer: "`eval()` changes what some layers compute; `no_grad()` changes what autograd records. Without `eval()` dropout and batch norm behave as in training, so results are noisy or wrong. Without `no_grad()` the numbers are right, and memory and time are wasted on graphs."}
# ---

# %% [markdown]
# # The same with torch.nn
#
# Two programs train the same network on the same spiral. One is yours from
# [rung 5](05_deep_network.ipynb), made of raw tensors; the other is made of the parts that nearly all
# deep learning code in the world is made of. At the end of this page their 1 200 losses lie side by side, and you know to
# which decimal they agree. You will also meet a difference that is no mistake, and read where it probably comes from.
#
# Why so strict? Because "it also learns" proves little. A training loop with a mistake usually learns too, only worse
# {cite:p}`karpathy2019`. When you replace code you understand by code you do not, equal numbers are the proof that nothing
# else has changed.
#
# **You need** rung 5: layers, He initialisation, the loop. **You will have** a `Module`, a `Dataset`, a `DataLoader`, an epoch, an
# evaluation, a checkpoint, and the experience of making two programs agree. **It takes** about three hours.

# %% tags=["setup"]
import io
import math
from dataclasses import dataclass
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn, optim
from torch.utils.data import DataLoader, Dataset, Sampler

from descent import chapter, check, commit, hint, outcome, progress, recall, write
from descent.data import spiral
from descent.figures import COLOURS, plot_curves, use_style

chapter("ladder/06_torch_nn")
use_style()
torch.set_num_threads(1)  # the matrices here are small: one core is fastest

# %% [markdown]
# ## The program to match
#
# This is rung 5, whole. It is given, so that the page stands alone; it is also the ruler for everything below.

# %%
def initial_network(widths, generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
    """He's initial weights as raw tensors: W of shape (n_in, n_out), b zeros of shape (n_out,)."""
    return [
        ((torch.randn(a, c, generator=generator) * math.sqrt(2 / a)).requires_grad_(), torch.zeros(c, requires_grad=True))
        for a, c in pairwise(widths)
    ]


def raw_forward(network: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    """Logits: ReLU after every layer but the last."""
    for W, b in network[:-1]:
        z = x @ W + b
        x = torch.where(z > 0, z, torch.zeros_like(z))
    return x @ network[-1][0] + network[-1][1]


def raw_train(network, x, y, learning_rate, batch_size, epochs, generator) -> list[float]:
    """The loop of rung 5: one randperm an epoch, one loss a step."""
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(x), generator=generator).split(batch_size):
            logits = raw_forward(network, x[batch])
            right = logits[torch.arange(len(batch)), y[batch]]
            loss = (torch.logsumexp(logits, dim=1) - right).mean()
            losses.append(loss.item())
            loss.backward()
            with torch.no_grad():
                for parameter in (tensor for layer in network for tensor in layer):
                    parameter -= learning_rate * parameter.grad
                    parameter.grad = None
    return losses


points, labels = spiral(600, seed=0)  # float64 of shape (600, 2), int64 of shape (600,)
held_out_points, held_out_labels = spiral(1000, seed=1)
x, y = torch.tensor(points, dtype=torch.float32), torch.tensor(labels)

generator = torch.Generator().manual_seed(0)
start = initial_network([2, 64, 64, 3], generator)
raw = [(W.detach().clone().requires_grad_(), b.detach().clone().requires_grad_()) for W, b in start]
raw_losses = raw_train(raw, x, y, 0.3, 50, 100, generator)
print(f"{len(raw_losses)} steps; first loss {raw_losses[0]:.6f}, last {raw_losses[-1]:.6f}")

# %% [markdown]
# ## A network is a Module
#
# `nn.Linear(n_in, n_out)` is a layer: it owns a `weight` and a `bias` and computes $h\,W + b$. One thing differs from
# rung 5. It stores the weight the other way round, one *row* for each output:
#
# $$ \texttt{weight}: (n_\text{out}, n_\text{in}), \qquad \texttt{layer(x)} = x\,\texttt{weight}^\top + \texttt{bias}. $$
#
# `nn.Module` is the class that networks are made from. You write two methods: `__init__` makes the layers and assigns them to
# `self`; `forward` says how an input goes through them. You *call* the network, `network(x)`, and `Module` calls your
# `forward`. In exchange it keeps the books: every layer you assign to `self` is **registered**, so that `network.parameters()` finds all
# that training may change, `state_dict()` all that a checkpoint must hold.
#
# Two slips are common enough to see them before you write anything.
#
# **Predict.** Three classes own the same two layers, from 2 to 64 and from 64 to 3. The first keeps them in an
# `nn.ModuleList`. The second keeps them in a plain Python list. The third forgets to call `super().__init__()`.

# %% predict="hidden_parameters"
commit("hidden_parameters", ..., sure=...)

# %%
class Visible(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 64), nn.Linear(64, 3)])


class Hidden(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Linear(2, 64), nn.Linear(64, 3)]


class TooEarly(nn.Module):
    def __init__(self) -> None:
        self.layers = nn.ModuleList([nn.Linear(2, 64), nn.Linear(64, 3)])


found = {}
for kind in (Visible, Hidden, TooEarly):
    try:
        found[kind.__name__] = sum(p.numel() for p in kind().parameters())
        print(f"{kind.__name__:>8}: {found[kind.__name__]} parameters")
    except AttributeError as error:
        print(f"{kind.__name__:>8}: {error}")

# %% outcome="hidden_parameters"
outcome("hidden_parameters", found["Hidden"])

# %% [markdown]
# The second is the dangerous one. `Hidden` computes the right logits, and nothing in it will ever learn, because the
# optimiser is never told of its layers. A plain list is opaque to `Module`; an `nn.ModuleList` is a list it looks into.
#
# Your turn. By hand first: widths `[2, 5, 3]` give two `nn.Linear`, with weights of shape $(5, 2)$ and $(3, 5)$ and
# $2\cdot 5 + 5 + 5\cdot 3 + 3 = 33$ parameters. ReLU has no parameters: apply it in `forward`, with `torch.relu(z)` (also
# called `F.relu`). A ModuleList can be indexed and cut, `self.layers[:-1]`, like a list.

# %% exercise="DeepNetwork"
class DeepNetwork(nn.Module):
    """A feed-forward network: ReLU after every layer except the last.

    Parameters
    ----------
    widths : sequence of at least two ints: inputs, hidden layers, classes

    Attributes
    ----------
    layers : nn.ModuleList of the nn.Linear layers (with bias), one for each two neighbouring
        widths, first layer first. The network has no other parameters.
    """

    def __init__(self, widths) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in pairwise(widths))
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, shape (n, widths[-1]), of a batch x of shape (n, widths[0])."""
        ### BEGIN SOLUTION
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        return self.layers[-1](x)
        ### END SOLUTION


# %% check="DeepNetwork"
check(DeepNetwork)

# %% [markdown]
# ## The same start
#
# A new `nn.Linear` fills itself with random numbers of torch's choosing. To match rung 5 it must get rung 5's. Copying
# into a parameter is like the step of rung 5: in place, under `torch.no_grad()`. `parameter.copy_(values)` writes values into the
# memory that is there, so an optimiser that already knows the parameter still holds the right one.
#
# Mind the transpose. For a layer of shape $(2, 64)$ torch refuses the wrong way round. For $(64, 64)$ it does not: the network
# runs, learns, and is another network. By hand, with
# $W = \begin{bmatrix} 1 & -1 \\ 0 & 2 \end{bmatrix}$ and $x = [1, 2]$: $xW = [1, 3]$, and $xW^\top = [-1, 4]$.

# %% exercise="copy_weights"
def copy_weights(layers, weights: list[tuple[Tensor, Tensor]]) -> None:
    """Write raw weights into nn.Linear layers, so that each computes x @ W + b.

    Parameters
    ----------
    layers : nn.ModuleList (or list) of nn.Linear, changed in place. Their `weight` and `bias` stay
        the same Parameter objects and still require a gradient.
    weights : as many pairs (W, b): W of shape (n_in, n_out), b of shape (n_out,). They are not
        changed, and share no memory with the layers afterwards.

    Returns
    -------
    None
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for layer, (W, b) in zip(layers, weights, strict=True):
            layer.weight.copy_(W.T)
            layer.bias.copy_(b)
    ### END SOLUTION


# %% check="copy_weights"
check(copy_weights)

# %%
network = DeepNetwork([2, 64, 64, 3])
copy_weights(network.layers, start)
difference = (network(x) - raw_forward(start, x)).abs().max().item()
print(f"largest difference between the two sets of {600 * 3} logits: {difference:.1e}")

# %% [markdown]
# Rounding, or not even that: on one processor this cell gave exactly 0, on another $3.6 \cdot 10^{-7}$. The two probably add
# the same products in different orders, and float32 keeps seven digits. That is the size of difference to expect from now on.
#
# ## Loss and optimiser
#
# `F.cross_entropy(logits, labels)` is the mean cross-entropy: log-softmax and negative log-likelihood in one, computed stably. It
# wants *logits* and int64 labels. An optimiser holds the parameters and knows the rule of the step.
# `optim.SGD(network.parameters(), lr=0.3)` is the rule you know. A training step has four lines:

# %%
optimiser = optim.SGD(network.parameters(), lr=0.3)

loss = F.cross_entropy(network(x), y)
optimiser.zero_grad()  # clear what earlier steps left in .grad
loss.backward()        # fill .grad
optimiser.step()       # parameter -= lr * parameter.grad
print(f"loss before the step {loss.item():.4f}, after {F.cross_entropy(network(x), y).item():.4f}")

# %% [markdown]
# The order of the last three matters. A `step` before `backward` uses old gradients, or none; a `zero_grad` between `backward` and
# `step` throws the gradient away. None of these is an error for Python.

# %% recall="optimiser"
recall("optimiser")

# %% [markdown]
# ## A Dataset
#
# A `Dataset` answers two questions: how many examples are there, `len(dataset)`, and what is example $i$, `dataset[i]`. Behind
# it may be two arrays, as here, or a million files. Ours also settles the types once and for all. Arrays come
# as float64, torch's layers are float32, and a matrix product refuses to mix the two. Labels must be int64, because they are used as
# indices.

# %% exercise="Points"
class Points(Dataset):
    """Labelled points as tensors.

    Parameters
    ----------
    x : array of shape (n, d), any real number type; not changed
    y : array of shape (n,), integer labels; not changed
    """

    def __init__(self, x, y) -> None:
        ### BEGIN SOLUTION
        self.x = torch.tensor(x, dtype=torch.float32)
        self.y = torch.tensor(y, dtype=torch.int64)
        ### END SOLUTION

    def __len__(self) -> int:
        """Return the number of points, n."""
        ### BEGIN SOLUTION
        return len(self.x)
        ### END SOLUTION

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        """Return point i, float32 of shape (d,), and its label, an int64 tensor of shape ()."""
        ### BEGIN SOLUTION
        return self.x[i], self.y[i]
        ### END SOLUTION


# %% check="Points"
check(Points)

# %% [markdown]
# ## A DataLoader, and whose order it is
#
# A `DataLoader` goes through a data set in batches: it asks for an order of the indices, fetches the examples one by one, and stacks them.
# The usual call is `DataLoader(dataset, batch_size=50, shuffle=True, generator=generator)`. Rung 5 drew
# `torch.randperm(n, generator=generator)` once an epoch.
#
# **Predict.** Ten examples, two epochs. We look at the order that `randperm` gives, as in rung 5, and at those of two loaders that shuffle.

# %% predict="loader_order"
commit("loader_order", ..., sure=...)

# %%
def orders_of(loader: DataLoader, epochs: int = 2) -> list[list[int]]:
    """The order in which a loader visits a data set whose examples are their own numbers."""
    return [[int(i) for batch in loader for i in batch] for _ in range(epochs)]


def seeded(seed: int = 5) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


ten = list(range(10))
by_hand = seeded()
ours = [torch.randperm(10, generator=by_hand).tolist() for _ in range(2)]
one, another = (orders_of(DataLoader(ten, batch_size=3, shuffle=True, generator=seeded())) for _ in range(2))
print("rung 5:    ", ours)
print("one loader:", one)
print("another:   ", another)

agreeing = "none" if one != another else "all three" if one == ours else "the two loaders only"

# %% outcome="loader_order"
outcome("loader_order", agreeing)

# %% [markdown]
# The loaders agree with each other and not with us. Both are right. The loader takes *more* from the generator than one
# permutation an epoch: a base seed for its worker processes first, and what its sampler needs besides. So its permutations come from
# other places in the stream of random numbers. To agree we say where the order comes from. A `Sampler` is the part of a loader that does so:
# each time an epoch starts, it is asked for the indices. You hand it over by name, `DataLoader(…, sampler=…)`.

# %%
class EpochOrder(Sampler):
    """Indices in a new random order each epoch: one torch.randperm, and nothing else, from `generator`."""

    def __init__(self, n: int, generator: torch.Generator) -> None:
        self.n, self.generator = n, generator

    def __len__(self) -> int:
        return self.n

    def __iter__(self):
        return iter(torch.randperm(self.n, generator=self.generator).tolist())


# %% exercise="make_loader"
def make_loader(dataset: Dataset, batch_size: int, generator: torch.Generator) -> DataLoader:
    """Make a loader whose k-th epoch has the order of the k-th torch.randperm(n,
    generator=generator).

    Parameters
    ----------
    dataset : n examples
    batch_size : examples in a batch, at least 1; the last batch of an epoch is shorter when
        batch_size does not divide n
    generator : the source of the order. Nothing but one randperm an epoch is drawn from it.

    Returns
    -------
    a DataLoader that can be gone through any number of times
    """
    ### BEGIN SOLUTION
    return DataLoader(dataset, batch_size=batch_size, sampler=EpochOrder(len(dataset), generator))
    ### END SOLUTION


# %% check="make_loader"
check(make_loader)

# %% recall="loader"
recall("loader")

# %% [markdown]
# ## One epoch
#
# Now the four lines go into a loop over batches. One more habit comes with modules. A module is in **training mode** or in **evaluation
# mode**, a flag that `network.train()` and `network.eval()` set for all its parts. Linear layers ignore it; others, such
# as dropout, behave differently in the two. So whoever trains says `train()`, whoever evaluates says `eval()`, every time.

# %% exercise="train_epoch"
def train_epoch(network: nn.Module, loader, optimiser) -> list[float]:
    """Train for one epoch: one step of the optimiser for each batch.

    Parameters
    ----------
    network : maps a batch of inputs to logits; trained in place, in training mode, whichever mode
        it comes in. Its parameters may hold gradients from before, which must not count.
    loader : gives batches (x, y) when gone through; once is an epoch
    optimiser : holds the network's parameters, like optim.SGD

    Returns
    -------
    one Python float for each batch, in order: its mean cross-entropy before its step
    """
    ### BEGIN SOLUTION
    network.train()
    losses = []
    for batch_x, batch_y in loader:
        loss = F.cross_entropy(network(batch_x), batch_y)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return losses
    ### END SOLUTION


# %% check="train_epoch"
check(train_epoch)

# %% [markdown]
# ## Number for number
#
# Everything is in place: the same initial weights, the same order of batches, the same loss and step. Rounding is the one thing that
# differs, so for the proof we take it down as far as it goes: float64, sixteen digits, in both programs.
#
# **Predict.** Rounding differs at every one of 1 200 steps, and each step starts from where the last one ended. Will the difference pile up?

# %% predict="float64_gap"
commit("float64_gap", ..., sure=...)

# %%
WIDTHS = [2, 64, 64, 3]


def rung_5_losses(seed: int, dtype: torch.dtype) -> list[float]:
    """The 1 200 losses of raw tensors."""
    generator = torch.Generator().manual_seed(seed)
    network = [tuple(tensor.detach().to(dtype).requires_grad_() for tensor in layer)
               for layer in initial_network(WIDTHS, generator)]
    return raw_train(network, x.to(dtype), y, 0.3, 50, 100, generator)


class CastPoints(Points):
    """The same points in another precision."""

    def __init__(self, x, y, dtype: torch.dtype) -> None:
        super().__init__(x, y)
        self.dtype = dtype

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        point, label = super().__getitem__(i)
        return point.to(self.dtype), label


def rung_6_losses(seed: int, dtype: torch.dtype, own_shuffle: bool = False) -> list[float]:
    """The 1 200 losses of torch.nn; with `own_shuffle`, batches in DataLoader's order."""
    generator = torch.Generator().manual_seed(seed)
    network = DeepNetwork(WIDTHS).to(dtype)
    copy_weights(network.layers, initial_network(WIDTHS, generator))
    optimiser = optim.SGD(network.parameters(), lr=0.3)
    dataset = CastPoints(points, labels, dtype)
    loader = make_loader(dataset, 50, generator)
    if own_shuffle:
        loader = DataLoader(dataset, batch_size=50, shuffle=True, generator=generator)
    return [loss for _ in range(100) for loss in train_epoch(network, loader, optimiser)]


by_hand = np.array(rung_5_losses(0, torch.float64))
by_torch = np.array(rung_6_losses(0, torch.float64))
shuffled = np.array(rung_6_losses(0, torch.float64, own_shuffle=True))
gap = np.abs(by_torch - by_hand)
print(f"{len(gap)} steps, largest difference {gap.max():.1e}")
assert gap.max() < 1e-5

fig, (left, right) = plt.subplots(1, 2, figsize=(12, 4.2))
plot_curves({"rung 5": by_hand, "rung 6": by_torch}, xlabel="step", ylabel="cross-entropy (nats)",
            logy=True, ax=left, title="Two programs, one curve")
left.get_lines()[0].set(linewidth=5, alpha=0.4)
plot_curves({"its own shuffle": np.abs(shuffled - by_hand), "our order": np.maximum(gap, 1e-17)}, xlabel="step",
            ylabel="distance from rung 5's loss", logy=True, ax=right,
            title="Equal to rounding, if the batches are")
right.axhline(1e-5, color=COLOURS["grey"], linestyle="--")
right.annotate("promised: 1e-5", (30, 1e-6), color=COLOURS["grey"])
plt.show()
sizes = {1e-13: "less than 1e-13", 1e-9: "from 1e-13 to 1e-9", math.inf: "more than 1e-9"}
largest_gap = next(words for most, words in sizes.items() if gap.max() <= most)

# %% outcome="float64_gap"
outcome("float64_gap", largest_gap)

# %% [markdown]
# The wide line is rung 5, the thin one on top of it rung 6. The difference stays in the last digits of a float64. (Differences
# of exactly 0 are drawn at $10^{-17}$.) It does not pile up: gradient descent on its way down forgets small kicks. With the
# loader's own shuffle, which is as good a shuffle as ours, the curves differ from the first step on. Had we tolerated that, we could
# not have told it from a mistake.
#
# Now the same in float32, seven digits, for four seeds. Will the gap be about $10^{-7}$ every time?

# %%
gaps = {seed: np.abs(np.array(rung_6_losses(seed, torch.float32)) - np.array(rung_5_losses(seed, torch.float32)))
        for seed in range(4)}
for seed, seed_gap in gaps.items():
    large = np.flatnonzero(seed_gap > 1e-6)
    when = f"first above 1e-6 at step {large[0]}" if len(large) else "never above 1e-6"
    print(f"seed {seed}: median {np.median(seed_gap):.0e}, largest {seed_gap.max():.0e}, {when}")

fig, ax = plt.subplots()
for seed_gap in gaps.values():
    ax.semilogy(np.maximum(seed_gap, 1e-9), linewidth=1, alpha=0.8)
ax.set(xlabel="step", ylabel="distance from rung 5's loss", title="float32: equal to rounding, until the gap jumps")
plt.show()

# %% [markdown]
# For some hundreds of steps every seed keeps to about $10^{-7}$. Then the gap jumps, in one seed by one order of magnitude, in
# another by several, and stays up. The lines above print the first step beyond $10^{-6}$. Which seeds jump, and when, changes with
# the processor: on another one seed 1 stayed below $10^{-6}$ to the end. That is not rounding piling up; piles grow slowly. The likely cause is the corner of ReLU, which this page does not measure ("Go further"
# does). Over a run the units are evaluated about eight million times, and now and then one of them should land within $10^{-7}$ of 0. There, rounding decides on which side: in one
# program the unit passes a gradient, in the other it does not, and the two take different steps. In float64 a unit would have to
# land within $10^{-16}$, which a run will hardly ever see.
#
# Keep this in mind when you compare programs: first in float64, where equal means equal. Then a jump in float32 is no alarm.
#
# ## A mistake that learns
#
# **Predict.** Here the network ends in a softmax, and then comes `F.cross_entropy`, which contains one already. The run is otherwise that of
# rung 5, whose loss was 0.003 at the end. How low can this one go, if the best the network can say is "probability 1"?

# %% predict="twice_loss"
commit("twice_loss", ..., sure=...)

# %%
class SoftmaxTwice(DeepNetwork):
    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(super().forward(x), dim=1)


def run_from_start(kind: type[DeepNetwork], seed: int = 0) -> tuple[DeepNetwork, list[float]]:
    generator = torch.Generator().manual_seed(seed)
    network = kind([2, 64, 64, 3])
    copy_weights(network.layers, initial_network([2, 64, 64, 3], generator))
    optimiser = optim.SGD(network.parameters(), lr=0.3)
    loader = make_loader(Points(points, labels), 50, generator)
    return network, [loss for _ in range(100) for loss in train_epoch(network, loader, optimiser)]


twice, twice_losses = run_from_start(SoftmaxTwice)
floor = -math.log(math.e / (math.e + 2))
plot_curves({"logits": raw_losses, "softmax twice": twice_losses}, xlabel="step", ylabel="cross-entropy (nats)",
            logy=True, title="Softmax twice: it learns, slowly, above a floor")
plt.axhline(floor, color=COLOURS["grey"], linestyle="--")
plt.annotate(f"floor {floor:.3f}", (850, floor * 0.72), color=COLOURS["grey"])
plt.show()
with torch.no_grad():
    right = twice(torch.tensor(held_out_points, dtype=torch.float32)).argmax(dim=1).numpy() == held_out_labels
print(f"softmax twice: held-out accuracy {right.mean():.1%}, last loss {twice_losses[-1]:.3f}")
last_epoch = float(np.mean(twice_losses[-12:]))

# %% outcome="twice_loss"
outcome("twice_loss", round(last_epoch, 3))

# %% [markdown]
# No error, and a curve that falls. If the "logits" are probabilities, the best are $[1, 0, 0]$, whose softmax gives the right class
# $e/(e + 2) = 0.58$, a loss of 0.551. The network is judged as if it were never sure. Someone who only looks at whether
# the loss falls will keep this for years.

# %% recall="double_softmax"
recall("double_softmax")

# %% [markdown]
# ## Evaluation
#
# To evaluate: set evaluation mode, record no gradients, go through all batches, and average over *examples*. By hand: a batch of 3 with mean
# loss 1.0 and a last batch of 1 with loss 5.0. The mean over the four examples is $(3 \cdot 1.0 + 5.0)/4 = 2.0$; the mean of the two batch
# means is 3.0, and wrong. Then put the mode back as you found it (`network.training` is the flag, True or False; `network.train(flag)`
# sets it): an evaluation in the middle of training must not change the training.
#
# `eval()` and `no_grad()` are two switches. The first changes what some layers *compute*, the second what autograd *records*.
# With dropout, which sets a random half of its inputs to 0 in training mode, you can see the first:

# %%
torch.manual_seed(0)
with_dropout = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
one_point = torch.tensor([[0.5, -0.5]])
for mode in (True, False):
    with_dropout.train(mode)
    calls = [with_dropout(one_point)[0, 0].item() for _ in range(4)]
    print("training  " if mode else "evaluation", "mode, the same point four times:", "  ".join(f"{c:.3f}" for c in calls))

# %% exercise="evaluate"
def evaluate(network: nn.Module, loader) -> tuple[float, float]:
    """Measure a network on all the examples of a loader.

    Parameters
    ----------
    network : maps a batch of inputs to logits. It runs in evaluation mode and without recording
        gradients; afterwards it is in the mode it came in, nothing else about it has changed, and
        recording is on or off as it was.
    loader : gives one or more batches (x, y) when gone through; they need not be of equal size

    Returns
    -------
    loss : the mean cross-entropy over all examples, a Python float
    accuracy : the share of examples, 0 to 1, whose largest logit is that of the right class, a
        Python float
    """
    ### BEGIN SOLUTION
    was_training = network.training
    network.eval()
    loss = right = n = 0
    with torch.no_grad():
        for batch_x, batch_y in loader:
            logits = network(batch_x)
            loss += F.cross_entropy(logits, batch_y, reduction="sum").item()
            right += (logits.argmax(dim=1) == batch_y).sum().item()
            n += len(batch_y)
    network.train(was_training)
    return loss / n, right / n
    ### END SOLUTION


# %% check="evaluate"
check(evaluate)

# %% recall="evaluation"
recall("evaluation")

# %% [markdown]
# ## Saving and loading
#
# A network's **state dict** is a dictionary from names to tensors: all that was learned, and nothing about the class. To load, make a
# network of the same widths and hand it the dictionary. (`io.BytesIO` stands in for a file on the disk.)

# %%
network, _ = run_from_start(DeepNetwork)
held_out = DataLoader(Points(held_out_points, held_out_labels), batch_size=256)
file = io.BytesIO()
torch.save(network.state_dict(), file)
for name, tensor in network.state_dict().items():
    print(f"{name:>16}  {tuple(tensor.shape)}")

file.seek(0)
copy_of_it = DeepNetwork([2, 64, 64, 3])
print("a new network:", "loss {:.4f}, accuracy {:.1%}".format(*evaluate(copy_of_it, held_out)))
copy_of_it.load_state_dict(torch.load(file, weights_only=True))
print("loaded:       ", "loss {:.4f}, accuracy {:.1%}".format(*evaluate(copy_of_it, held_out)))
print("the original: ", "loss {:.4f}, accuracy {:.1%}".format(*evaluate(network, held_out)))

# %% [markdown]
# `weights_only=True` is not decoration. `torch.save` writes a pickle, and a pickle may contain a call to any function, which is made
# when the file is opened. Here is one that asks for `print`. It could ask for anything.

# %%
class Stowaway:
    def __reduce__(self):
        return print, ("code from inside the file is running",)


file = io.BytesIO()
torch.save({"layers.0.weight": torch.zeros(3), "extra": Stowaway()}, file)
file.seek(0)
torch.load(file, weights_only=False)  # runs it
file.seek(0)
try:
    torch.load(file, weights_only=True)
except Exception as error:
    print("refused:", type(error).__name__)

# %% [markdown]
# ## The whole run, from a specification
#
# The last exercise is the program itself. Everything a run depends on stands in one small object, the seed included:

# %%
@dataclass(frozen=True)
class Specification:
    """All that a training run depends on, besides the data."""

    widths: tuple[int, ...] = (2, 64, 64, 3)
    learning_rate: float = 0.3
    batch_size: int = 50
    epochs: int = 100
    seed: int = 0


# %% [markdown]
# 1. One generator, seeded with the specification's seed. It gives the initial weights first, by `initial_network`, and then the order of
#    the batches.
# 2. A `DeepNetwork` of those widths with those weights; plain `optim.SGD` with that learning rate.
# 3. For each epoch: train on the training points, then evaluate on the held-out ones.
# 4. The network comes back in evaluation mode, ready for use.

# %% exercise="train"
def train(
    specification: Specification, x, y, held_out_x, held_out_y
) -> tuple[nn.Module, list[float], list[float]]:
    """Train a network as specified, and watch it on held-out points.

    Parameters
    ----------
    specification : has the attributes widths, learning_rate, batch_size, epochs and seed
    x, y : arrays of shape (n, widths[0]) and (n,): the training points and their labels
    held_out_x, held_out_y : the same for points that are never trained on

    Returns
    -------
    network : trained, in evaluation mode
    losses : one Python float for each step, in order: the mean cross-entropy of its minibatch
        before it
    accuracies : one Python float for each epoch: the held-out accuracy after it

    Notes
    -----
    With g = torch.Generator().manual_seed(seed): the initial weights are initial_network(widths,
    g); after that each epoch takes one torch.randperm(n, generator=g), as `make_loader` does.
    """
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(specification.seed)
    network = DeepNetwork(specification.widths)
    copy_weights(network.layers, initial_network(specification.widths, generator))
    optimiser = optim.SGD(network.parameters(), lr=specification.learning_rate)
    loader = make_loader(Points(x, y), specification.batch_size, generator)
    held_out = DataLoader(Points(held_out_x, held_out_y), batch_size=256)
    losses, accuracies = [], []
    for _ in range(specification.epochs):
        losses += train_epoch(network, loader, optimiser)
        accuracies.append(evaluate(network, held_out)[1])
    return network.eval(), losses, accuracies
    ### END SOLUTION


# %% check="train"
check(train)

# %%
spiral_data = (points, labels, held_out_points, held_out_labels)
runs = [train(Specification(seed=seed), *spiral_data) for seed in range(4)]
final = [accuracies[-1] for _, _, accuracies in runs]
print("held-out accuracy by seed:", "  ".join(f"{a:.1%}" for a in final))
print(f"seed 0 against rung 5, float32: median difference {np.median(np.abs(np.array(runs[0][1]) - raw_losses)):.0e}")

plot_curves({f"seed {seed}": 100 * np.array(accuracies) for seed, (_, _, accuracies) in enumerate(runs)},
            xlabel="epoch", ylabel="held-out accuracy (%)", title="Four seeds, one ending")
plt.axhline(99, color=COLOURS["grey"], linestyle="--")
plt.show()

# %% [markdown]
# ## What torch would have started from
#
# We overwrote the numbers that `nn.Linear` fills itself with. They are uniform, with standard deviation $1/\sqrt{3\,n_\text{in}}$: smaller than He's
# $\sqrt{2/n_\text{in}}$ by a factor of $\sqrt 6 \approx 2.4$, and the biases are random too.
#
# **Predict.** In rung 5 a factor of 0.3 killed a network with five hidden layers of 32. The default is a factor of 0.41. We train the same network
# from either start for 40 epochs, with four seeds.

# %% predict="default_accuracy"
commit("default_accuracy", ..., sure=...)

# %%
def race(start: str, seed: int, widths=(2, 32, 32, 32, 32, 32, 3), epochs: int = 40) -> list[float]:
    """Held-out accuracy (%) after each epoch, from torch's default start or from He's."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = DeepNetwork(widths)
    if start == "He":
        copy_weights(network.layers, initial_network(widths, generator))
    optimiser = optim.SGD(network.parameters(), lr=0.3)
    loader, accuracies = make_loader(Points(points, labels), 50, generator), []
    for _ in range(epochs):
        train_epoch(network, loader, optimiser)
        accuracies.append(100 * evaluate(network, held_out)[1])
    return accuracies


fig, ax = plt.subplots()
ended = {}
for start_from, colour in (("He", COLOURS["blue"]), ("default", COLOURS["orange"])):
    curves = np.array([race(start_from, seed) for seed in range(4)])
    ended[start_from] = float(curves[:, -1].mean())
    ax.plot(curves.T, color=colour, alpha=0.35, linewidth=1)
    ax.plot(curves.mean(axis=0), color=colour, linewidth=3)
    ax.annotate(start_from, (8, curves.mean(axis=0)[8] + 4), color=colour, fontweight="bold")
    print(f"{start_from:>8}: after 40 epochs mean {curves[:, -1].mean():.1f} %, "
          f"from {curves[:, -1].min():.1f} to {curves[:, -1].max():.1f} %")
ax.set(xlabel="epoch", ylabel="held-out accuracy (%)", title="The default start lags (thin: four seeds, thick: mean)")
plt.show()
ranges = {95: "above 95 %", 70: "from 70 % to 95 %", 40: "from 40 % to 70 %", 0: "below 40 %"}
from_default = next(words for least, words in ranges.items() if ended["default"] >= least)

# %% outcome="default_accuracy"
outcome("default_accuracy", from_default)

# %% [markdown]
# The default lives, and it loses time. For twenty epochs it hardly leaves guessing. After forty, when He's start has every point right,
# it has about half of them. The signal is weak at first and grows only as the weights do. A default is a choice somebody made for the average case; you now
# know how to look at it, and how to replace it.
#
# :::{note}
# Many early frameworks had you describe a network as a graph, which another program then ran. A few, such as Chainer and DyNet, ran it line by
# line instead, and PyTorch {cite:p}`paszke2019` made that usual. A network is an ordinary Python object: you can print inside `forward`, use a loop, set a breakpoint. That is much of why the words on this page
# (Module, DataLoader, state dict) are the ones you will read in nearly every paper's code.
# :::
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# - **Momentum.** Give `optim.SGD` a `momentum` of 0.9 and match it with raw tensors. <details><summary>What a good answer
#   contains</summary> The rule written out from torch's documentation ($v \leftarrow \mu v + g$, $p \leftarrow p - \eta v$); the largest difference over at least a hundred
#   steps; a remark on what the first step has for $v$.</details>
# - **Stop and go on.** Save after 50 epochs, load in a fresh process, go on to 100, and match the uninterrupted curve. <details><summary>What a good answer
#   contains</summary> The state of the network is not enough: the generator's state (`get_state`, `set_state`) must be in the checkpoint too, and with momentum the
#   optimiser's state dict.</details>
# - **Catch the unit.** Find the unit and the example that tip over in one of the float32 runs above. <details><summary>What a good answer
#   contains</summary> The step at which the gap jumps; both networks stopped before it; the pre-activations of the minibatch in both, and the one whose sign
#   differs, with its size.</details>
# - **The price of convenience.** Time one epoch of the raw loop, of `train_epoch` with the loader, and with `num_workers=2`. <details><summary>What a good answer
#   contains</summary> Several repetitions with the spread; where the time goes (fetching 600 examples one by one and stacking them); when workers
#   pay.</details>
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="loss_does_not_move"
write("loss_does_not_move", """
""")

# %% write="nothing_changed"
write("nothing_changed", """
""")

# %% write="two_switches"
write("two_switches", """
""")

# %% [markdown]
# Next, [rung 7](07_mnist_mlp.ipynb): the same program meets handwritten digits, and you watch it learn by heart what it should understand.
