# ---
# title: A deep network
# subtitle: Layers of raw tensors that untangle the spiral no straight line can divide
# part: ladder
# hours: 3
# needs: [ladder/03_vector_regression, ladder/04_softmax_classification]
# teaches: [hidden layer, ReLU, He initialisation, vanishing and exploding signals, symmetry breaking, depth and width, held-out accuracy]
# builds: ReLU, an initial layer, an initial network, the forward pass, a parameter count, one step for all parameters, the training loop
# number: at least 99 % on held-out points of the spiral that a linear classifier fails
# data: synthetic spiral
# run: null
# readings:
#   - {key: prince2023, where: "chapters 3 and 4 for the pictures of folding, and section 7.5 on initialisation", skip: "the universal approximation argument, at a first reading"}
#   - {key: goodfellow2016, where: "section 6.1, 'Example: Learning XOR', worked by hand", skip: "section 6.2 on output units, which rung 4 covered"}
#   - {key: he2015, where: "section 2.2: the derivation of √(2/n) in one page", skip: "the parametric ReLU and the ImageNet experiments"}
#   - {key: glorot2010, where: "the figures of activations by layer, to see what people fought with before ReLU", skip: "the comparison of data sets"}
# sections:
#   - {id: spiral, heading: "The spiral, and the classifier that fails", for: "it is the case that each part of a deep network is tried on, here and in rung 6", needs: [ladder/04#likelihood, ladder/04#linear_limits]}
#   - {id: relu, heading: "A bend", for: "ReLU stands in nearly every network up to the residual ones, and its relatives in the transformers", needs: [spiral, ladder/02#backward]}
#   - {id: layers, heading: "Layers", for: "hidden layers are the body of every later network, and the transformer has two of them in each block", needs: [relu, ladder/03#broadcasting]}
#   - {id: parameters, heading: "How big is it?", for: "a count of parameters is how models are compared, up to the 124 million of rung 16", needs: [layers]}
#   - {id: initialisation, heading: "Where to start from", for: "every deeper network depends on a start that keeps the size of its signal", needs: [layers, ladder/02#no_grad]}
#   - {id: signal, heading: "The signal, measured", for: "the same measurement explains normalisation and skip connections in rung 10", needs: [initialisation]}
#   - {id: step, heading: "One step for every parameter", for: "this is what an optimiser does inside, in rung 6 and when you build Adam in rung 8", needs: [layers, ladder/02#accumulation, ladder/02#no_grad]}
#   - {id: loop, heading: "The whole loop", for: "rung 6 rebuilds this loop with the parts that everybody uses, and must get the same numbers", needs: [step, ladder/04#loop]}
#   - {id: spiral_again, heading: "The spiral again", for: "it sets the standard of proof for a result: held-out points, five seeds and their spread", needs: [parameters, initialisation, loop]}
#   - {id: depth, heading: "What depth does to the regions", for: "it asks the question that residual networks answer in rung 10", needs: [spiral_again]}
#   - {id: bad_starts, heading: "What a bad start looks like", for: "a run that does not learn is diagnosed from such curves and counts", needs: [signal, spiral_again]}
# recall:
#   - {id: no_nonlinearity, section: layers, transfer: false, q: "What does a network without a nonlinearity compute, however many layers it has?", a: "A linear function: the product of its weight matrices is one matrix, and its biases fold into one bias."}
#   - {id: relu_at_the_end, section: layers, transfer: true, q: "Somebody puts a ReLU after the last layer too. Which logits can the network no longer give? What becomes of an example whose logits are all negative before it?", a: "No negative ones. All its logits become 0, softmax says $1/k$ for each class, and no gradient comes back: ReLU has slope 0 there."}
#   - {id: count_parameters, section: parameters, transfer: true, q: "How many parameters does a network of widths `[784, 128, 10]` have? Which layer holds nearly all of them?", a: "$(784 \\cdot 128 + 128) + (128 \\cdot 10 + 10) = 101\\,770$. The first: 100 480."}
#   - {id: he_deviation, section: initialisation, transfer: false, q: "Which standard deviation does He initialisation give the weights, and where does each part come from?", a: "$\\sqrt{2/n_\\text{in}}$. A sum of $n_\\text{in}$ terms multiplies the variance by $n_\\text{in}$, and ReLU throws away half of the mean square."}
#   - {id: twenty_layers, section: signal, transfer: true, q: "All weights of a plain ReLU network of 20 layers start at 0.8 of He's, with biases 0. How much of the signal is left at the end? And of the gradient at the first layer?", a: "$0.8^{20} \\approx 0.012$, about one part in 87. The gradient goes back through the same matrices and shrinks alike."}
#   - {id: under_no_grad, section: step, transfer: false, q: "Somebody goes through the list of layers under `torch.no_grad()` and writes `W = W - …` for each. What does the loss curve look like, and why is there no error?", a: "It stays where it started, but for the noise of the batches. The line makes a new tensor and gives it the name `W`; the list still holds the old one. `W -= …` changes that."}
#   - {id: deep_and_worse, section: depth, transfer: false, q: "You make a plain network much deeper and it gets worse on its training points too. Is that overfitting?", a: "No. Overfitting is good on training points and bad on held-out ones. Here optimisation fails: signal and gradient do not survive the many layers, or the steps are too long for them."}
#   - {id: identical_columns, section: bad_starts, transfer: true, q: "After training, all 64 columns of $W_1$ are the same. What was wrong with the start, and how wide is the layer in truth?", a: "All its units started equal, so they got equal gradients and stayed copies. The layer has width 1. Random weights break the symmetry."}
#   - {id: unscaled_inputs, section: bad_starts, transfer: true, q: "Rung 3's supply of 5000 mV goes unscaled into a network with He's start. Of what size are the first logits, and the first loss?", a: "He's start keeps the size of the signal, whatever it is: logits in the thousands. The loss starts in the thousands too, far above $\\ln k$: sure and wrong. Standardise the inputs."}
# predictions:
#   - {id: signal_ratio, ask: "Every $\\sigma_w$ is ten per cent below He's value. By what factor is the root mean square of the signal smaller after thirty layers, compared with He's start?", unit: "times smaller", factor: 1.5, because: "Each layer multiplies the signal by 0.9, and $0.9^{30} \\approx 1/24$. Small factors multiply."}
#   - {id: first_depth, ask: "Which is the first of the four networks of width 16 to get more than 95 % of the held-out points right?", choices: ["1 hidden layer", "2 hidden layers", "3 hidden layers", "none of them"], because: "Two. One hidden layer draws sixteen straight creases across the whole plane. The second adds creases that bend where they cross them."}
#   - {id: wide_accuracy, ask: "Which mean held-out accuracy does one hidden layer of 64 reach, over four seeds?", unit: "%", within: 5, because: "About 88 %, against 99 % for two layers of 16 at the same price. Units side by side add creases; layers on top of each other multiply them."}
#   - {id: ten_layers, ask: "Where does the mean held-out accuracy of ten hidden layers of width 16 lie, over four seeds?", choices: ["above 97 %", "from 80 % to 97 %", "from 40 % to 80 %", "below 40 %"], because: "It falls to little better than half, and the training accuracy with it. That is no overfitting: gradient descent does not find what three layers find."}
#   - {id: starts_that_learn, ask: "How many of the four starts bring the loss below 0.5 within 60 epochs?", unit: "of 4", within: 0, because: "Only He's does. At 0.3 of it the signal dies in six layers, and equal weights make the units of a layer copies of each other."}
# written:
#   - {id: one_bend, ask: "Why is a stack of linear layers no better than one, and what does one bend change?", rubric: ["says that a product of matrices is one matrix", "says that with ReLU each unit switches on along a line, so the function is linear in pieces", "says that the pieces multiply with depth"], answer: "The product of matrices is a matrix, so the stack is one linear layer. With ReLU each unit switches on along a line, and the function is linear in pieces. The pieces multiply with depth."}
#   - {id: he_on_a_napkin, ask: "Derive $\\sqrt{2/n_\\text{in}}$ on a napkin.", rubric: ["says that variances of independent terms add: $n_\\text{in}\\,\\sigma_w^2$ times the mean square of the input", "says that ReLU halves the mean square", "sets the product $\\tfrac12 n_\\text{in}\\,\\sigma_w^2$ to 1"], answer: "One entry of $hW$ is a sum of $n_\\text{in}$ independent terms, so its variance is $n_\\text{in}\\sigma_w^2$ times the mean square of the input. ReLU halves the mean square. The product $\\tfrac12 n_\\text{in}\\sigma_w^2$ is 1 when $\\sigma_w = \\sqrt{2/n_\\text{in}}$."}
#   - {id: stuck_at_ln_k, ask: "Your friend's deep network sits at $\\ln k$ for $k$ classes. Which causes would you look for, and how?", rubric: ["names symmetric or zero weights, and looks at the columns of $W$", "names a signal or gradient that has vanished, and measures its size by layer", "names a learning rate far too large or too small, and tries others", "names gradients that never reach the parameters, and looks at `.grad`"], answer: "Symmetric or zero weights: look at the columns of $W$. A signal or a gradient that has vanished: measure its size by layer. A learning rate far too large or too small: try others. Gradients that never reach the parameters: look at `.grad`."}
# ---

# %% [markdown]
# # A deep network
#
# The first picture below shows three arms of a spiral, one colour each. The background is what the linear classifier of
# [rung 4](04_softmax_classification.ipynb) with the lowest loss has to say about them: three wedges, right one time in
# three, which is what guessing gets. By the end of this page a network of 4 547 numbers, every line of it yours,
# will have found the arms, and will be right on at least 99 of 100 points it has never seen.
#
# **You need** the matrix product and its shapes ([rung 3](03_vector_regression.ipynb)), softmax and the negative
# log-likelihood ([rung 4](04_softmax_classification.ipynb)), and `backward()`
# ([rung 2](02_autograd.ipynb)). **You will have** a network of any depth made of raw tensors, an initialisation you
# can defend, and the training loop. **It takes** about three hours.

# %% tags=["setup"]
import math
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from descent import chapter, check, commit, hint, outcome, progress, recall, write
from descent.data import spiral
from descent.figures import COLOURS, plot_curves, plot_decision_regions, use_style

chapter("ladder/05_deep_network")
use_style()
torch.set_num_threads(1)  # the matrices here are small: one core is fastest

# %% [markdown]
# ## The spiral, and the classifier that fails
#
# We make two sets of points by the same rule: 600 to learn from, and 1 000 that training never touches. The second
# is **held out**. What a network gets right there it has understood; what it gets right only on the first it may
# have learned by heart.
#
# The loss is the one from rung 4, the mean negative log-likelihood of the right class, also called
# **cross-entropy**. It is given here, so that this page can be about the network:
#
# $$ L = \frac1n \sum_{i=1}^{n} \Bigl( \log \sum_k e^{\,l_{ik}} - l_{i\,y_i} \Bigr), \qquad
#    \text{logits } l \text{ of shape } (n, 3),\quad \text{labels } y \text{ of shape } (n,). $$

# %%
def spiral_tensors(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Points as float32, shape (n, 2), and labels as int64, shape (n,)."""
    points, labels = spiral(n, seed=seed)
    return torch.tensor(points, dtype=torch.float32), torch.tensor(labels)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean negative log-likelihood of the right classes, stable for large logits."""
    right = logits[torch.arange(len(labels)), labels]
    return (torch.logsumexp(logits, dim=1) - right).mean()


x, y = spiral_tensors(600, seed=0)
held_out_x, held_out_y = spiral_tensors(1000, seed=1)

W = torch.zeros(2, 3, requires_grad=True)
b = torch.zeros(3, requires_grad=True)
for _ in range(500):
    loss = cross_entropy(x @ W + b, y)
    slope_w, slope_b = torch.autograd.grad(loss, (W, b))
    with torch.no_grad():
        W -= 1.0 * slope_w
        b -= 1.0 * slope_b
linear_accuracy = (held_out_x @ W + b).argmax(dim=1).eq(held_out_y).float().mean().item()
print(f"linear classifier: loss {loss.item():.3f} (guessing gives ln 3 = {math.log(3):.3f})")
print(f"right on {linear_accuracy:.1%} of the held-out points")

with torch.no_grad():
    plot_decision_regions(
        lambda points: (torch.tensor(points, dtype=torch.float32) @ W + b).argmax(dim=1),
        x, y, title=f"Three wedges, {linear_accuracy:.0%} right")
plt.show()

# %% [markdown]
# (`torch.autograd.grad(loss, tensors)` is `backward()` in another dress: it returns the slopes, and leaves `.grad` alone.)
#
# More training will not help: this *is* the linear classifier with the lowest loss, to within a thousandth. Its regions
# are bounded by straight lines, and no three wedges follow an arm that goes round once. The model has to change.
#
# ## A bend
#
# The idea of a **deep network** is to transform the points first, several times, until a linear classifier can
# divide them. Each transformation is a **layer**: a matrix product, a shift, and then something that bends. The
# bend we use is the **rectified linear unit**,
#
# $$ \operatorname{ReLU}(z) = \max(z, 0), $$
#
# applied to every number by itself. It keeps what is positive and replaces what is negative by 0. Its slope is 1
# where $z > 0$ and 0 where $z < 0$; at 0 it has a corner, where any slope from 0 to 1 will do (`torch.relu` takes 0).
#
# By hand: $\operatorname{ReLU}([3, -1, 0.5]) = [3, 0, 0.5]$.

# %% exercise="relu"
def relu(z: Tensor) -> Tensor:
    """Replace every negative number of z by 0 and keep the others.

    Parameters
    ----------
    z : any shape, floating point. It must not be changed.

    Returns
    -------
    a new tensor of the shape of z, made by torch operations, so that backward() can go through it:
        the gradient passes unchanged where z > 0 and is 0 where z < 0
    """
    ### BEGIN SOLUTION
    return torch.where(z > 0, z, torch.zeros_like(z))
    ### END SOLUTION


# %% check="relu"
check(relu)

# %% [markdown]
# ## Layers
#
# A layer takes $n$ examples of $n_\text{in}$ numbers and gives $n$ examples of $n_\text{out}$ numbers:
#
# $$ z = h\,W + b, \qquad
#    \underset{(n,\,n_\text{out})}{z} = \underset{(n,\,n_\text{in})}{h}\;
#    \underset{(n_\text{in},\,n_\text{out})}{W} + \underset{(n_\text{out},)}{b}, $$
#
# where $b$ is broadcast: the same shift for every row. A network with $N$ layers is a list of $N$ pairs
# $(W, b)$. Between them stands ReLU; after the last there is none, because the last layer gives the logits,
# and a logit must be free to be negative:
#
# $$ h_0 = x, \qquad h_k = \operatorname{ReLU}(h_{k-1} W_k + b_k)\ \ (k < N), \qquad \text{logits} = h_{N-1} W_N + b_N. $$
#
# The layers whose output nobody sees are **hidden layers**, and the length of $h_k$ is the **width** of layer $k$. A
# network is named by its list of widths: `[2, 64, 64, 3]` takes 2 numbers, has two hidden layers of width 64
# and gives 3 logits. That is three pairs $(W, b)$.
#
# **By hand**, with widths `[2, 2, 2]` and one example $x = [1, 2]$:
#
# $$ W_1 = \begin{bmatrix} 1 & -1 \\ 1 & 1 \end{bmatrix},\ b_1 = [0, -2]: \quad z_1 = [3, -1],\ h_1 = [3, 0]; \qquad
#    W_2 = \begin{bmatrix} 1 & 0 \\ 5 & 1 \end{bmatrix},\ b_2 = [0, 1]: \quad \text{logits} = [3, 1]. $$
#
# The second unit of the hidden layer is off for this example, so the second row of $W_2$, the one with the 5,
# takes no part.

# %% exercise="forward"
def forward(network: list[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    """Send a batch of inputs through every layer of a network.

    Parameters
    ----------
    network : a list of one or more layers (W, b), with W of shape (n_in, n_out) and b of shape
        (n_out,). It must not be changed.
    x : shape (n, n_in of the first layer), with n at least 1. It must not be changed.

    Returns
    -------
    shape (n, n_out of the last layer): the logits. ReLU stands after every layer except the last;
        a network of one layer has none. The gradient reaches every W and b.
    """
    ### BEGIN SOLUTION
    hidden = x
    for W, b in network[:-1]:
        hidden = relu(hidden @ W + b)
    W, b = network[-1]
    return hidden @ W + b
    ### END SOLUTION


# %% check="forward"
check(forward)

# %% [markdown]
# The example from the paper, and then the reason for the bend:

# %%
paper_network = [
    (torch.tensor([[1.0, -1.0], [1.0, 1.0]]), torch.tensor([0.0, -2.0])),
    (torch.tensor([[1.0, 0.0], [5.0, 1.0]]), torch.tensor([0.0, 1.0])),
]
print("logits:", forward(paper_network, torch.tensor([[1.0, 2.0]])))

# %% [markdown]
# Take the ReLU away and stack three layers. Can the stack of three do anything that one layer cannot?
# How far from a single layer can it be at most? Answer for yourself before you run the cell.

# %%
bare = torch.Generator().manual_seed(0)
three = [(torch.randn(a, c, generator=bare), torch.randn(c, generator=bare))
         for a, c in ((2, 64), (64, 64), (64, 3))]
stacked = x
for W, b in three:
    stacked = stacked @ W + b  # no ReLU

(W1, b1), (W2, b2), (W3, b3) = three
single = x @ (W1 @ W2 @ W3) + ((b1 @ W2 + b2) @ W3 + b3)
print(f"largest logit of the stack {stacked.abs().max():.1f}; "
      f"largest difference from one layer {(stacked - single).abs().max():.5f}")

# %% [markdown]
# 4 547 parameters, and it is one matrix of shape $(2, 3)$ in disguise; the difference is rounding. A product of
# matrices is a matrix. Depth without a bend buys nothing.
#
# With the bend, each hidden unit folds the plane along a straight line: on one side of it the unit is silent, on the
# other it speaks in proportion to the distance. The next layer folds the folded plane again, and a fold of a
# folded sheet of paper, opened out, is many creases. That is the advantage of depth in one picture: creases multiply.

# %% recall="layers"
recall("layers")

# %% [markdown]
# ## How big is it?
#
# A layer has $n_\text{in} \cdot n_\text{out}$ weights and $n_\text{out}$ biases. The network on the paper has
# $(2\cdot 2 + 2) + (2 \cdot 2 + 2) = 12$ parameters.

# %% exercise="count_parameters"
def count_parameters(network: list[tuple[Tensor, Tensor]]) -> int:
    """Count the numbers that training may change.

    Parameters
    ----------
    network : a list of layers (W, b)

    Returns
    -------
    the number of entries of all weight matrices and all biases together
    """
    ### BEGIN SOLUTION
    return sum(W.numel() + b.numel() for W, b in network)
    ### END SOLUTION


# %% check="count_parameters"
check(count_parameters)

# %% [markdown]
# ## Where to start from
#
# In rungs 1 to 4 we started from zeros, and it did no harm. Here it is fatal, as an experiment below shows: units that
# start equal stay equal. So the weights start as random numbers, and the question is how large.
#
# Follow the size of the signal. One entry of $z = hW + b$ is a sum of $n_\text{in}$ terms $h_i W_{ij}$. Let the
# weights be independent, with mean 0 and standard deviation $\sigma_w$, and the biases 0. Variances of independent
# terms add:
#
# $$ \operatorname{Var}(z) = n_\text{in}\, \sigma_w^2\, \overline{h^2}, $$
#
# where $\overline{h^2}$ is the mean square of the layer's input. Then ReLU: $z$ is as often positive as negative, and
# the negative half becomes 0, so the mean square of what comes out is $\tfrac12 \operatorname{Var}(z)$. One layer
# and its ReLU therefore multiply the mean square by
#
# $$ \tfrac12\, n_\text{in}\, \sigma_w^2 . $$
#
# **By hand**, with $n_\text{in} = 50$ and $\sigma_w = 0.1$: the factor is $\tfrac12 \cdot 50 \cdot 0.01 = 0.25$. Ten such
# layers leave $0.25^{10} \approx 10^{-6}$ of the mean square. The factor is 1 exactly when
#
# $$ \sigma_w = \sqrt{\frac{2}{n_\text{in}}}, $$
#
# here 0.2. This is **He initialisation** {cite:p}`he2015`. The same argument without the 2 is five and
# seventeen years older {cite:p}`glorot2010,lecun1998efficient`, from the days of units that are nearly linear about 0.
#
# In code: `torch.randn(shape, generator=generator)` draws normal numbers of standard deviation 1; multiply them. One trap
# is worth knowing before you meet it. `backward()` leaves gradients only in **leaf** tensors: those that were made
# directly, and not computed from others that require a gradient. So compute the numbers first, and call
# `requires_grad_()` on the result last.

# %% exercise="initial_layer"
def initial_layer(n_in: int, n_out: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw the initial parameters of one layer, after He et al. (2015).

    Parameters
    ----------
    n_in, n_out : how many numbers go in and come out, at least 1 each
    generator : the source of all randomness. It is meant to move on: the next layer gets other
        numbers.

    Returns
    -------
    W : shape (n_in, n_out), float32, normal with mean 0 and standard deviation √(2 / n_in)
    b : shape (n_out,), float32, zeros
        Both are leaf tensors that require a gradient.
    """
    ### BEGIN SOLUTION
    W = torch.randn(n_in, n_out, generator=generator) * math.sqrt(2 / n_in)
    return W.requires_grad_(), torch.zeros(n_out, requires_grad=True)
    ### END SOLUTION


# %% check="initial_layer"
check(initial_layer)

# %% [markdown]
# A network is a layer for each pair of neighbouring widths: `[2, 64, 64, 3]` has the pairs (2, 64), (64, 64), (64, 3).
# `pairwise(widths)`, from `itertools`, walks through them.

# %% exercise="initial_network"
def initial_network(
    widths: list[int], generator: torch.Generator
) -> list[tuple[Tensor, Tensor]]:
    """Draw the initial parameters of a whole network.

    Parameters
    ----------
    widths : at least two of them: the number of inputs, the widths of the hidden layers, the number
        of classes
    generator : the source of all randomness; the first layer draws from it first

    Returns
    -------
    a list of layers (W, b), one for each two neighbouring widths, first layer first. Each is drawn
        as `initial_layer` draws it, and no two layers share a tensor.
    """
    ### BEGIN SOLUTION
    return [initial_layer(n_in, n_out, generator) for n_in, n_out in pairwise(widths)]
    ### END SOLUTION


# %% check="initial_network"
check(initial_network)

# %% recall="initialisation"
recall("initialisation")

# %% [markdown]
# ## The signal, measured
#
# **Predict.** Thirty layers of width 100, and a batch of standard normal inputs. We start it four times: with He's
# weights, without the 2, ten per cent too small and twenty per cent too large.

# %% predict="signal_ratio"
commit("signal_ratio", ..., sure=...)

# %%
def signal_by_depth(gain: float, depth: int = 30, width: int = 100) -> tuple[list[float], list[float]]:
    """Root mean square of the activations after each layer, and of the gradient that arrives there."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(500, width, generator=generator).requires_grad_()
    network = initial_network([width] * (depth + 1), generator)
    activations = [hidden]
    for W, b in network:
        hidden = relu(hidden @ (gain * W) + b)
        hidden.retain_grad()
        activations.append(hidden)
    (hidden * torch.randn(hidden.shape, generator=generator)).sum().backward()
    forwards = [float(h.detach().square().mean().sqrt()) for h in activations]
    return forwards, [float(h.grad.square().mean().sqrt()) for h in activations]


gains = {"He": 1.0, "without the 2": math.sqrt(0.5), "10 % too small": 0.9, "20 % too large": 1.2}
measured = {name: signal_by_depth(gain) for name, gain in gains.items()}
fig, (left, right) = plt.subplots(1, 2, figsize=(12, 4.2))
plot_curves({name: forwards for name, (forwards, _) in measured.items()}, xlabel="layer",
            ylabel="root mean square of the activations", logy=True, ax=left,
            title="Forwards: only He keeps the signal")
plot_curves({name: gradients[::-1] for name, (_, gradients) in measured.items()},
            xlabel="layers gone back from the last", ylabel="root mean square of the gradient",
            logy=True, ax=right, title="Backwards: the same factors")
plt.show()
for name, (forwards, _) in measured.items():
    print(f"{name:>13}: signal × {forwards[-1] / forwards[0]:.1e} in 30 layers, "
          f"{forwards[-1] / measured['He'][0][-1]:.1e} of He's; gain³⁰ = {gains[name] ** 30:.1e}")
times_smaller = measured["He"][0][-1] / measured["10 % too small"][0][-1]

# %% outcome="signal_ratio"
outcome("signal_ratio", round(times_smaller, 1))

# %% [markdown]
# Ten per cent, thirty times over, is a factor of twenty-four. Forgetting the 2 costs a factor of thirty thousand, forwards
# and again backwards: the gradient of the first layer is a product of the same matrices. A signal that dies on the way in
# is a **vanishing** one, a signal that blows up is **exploding**. Even He's curve drifts, because the argument holds on
# average and each layer is one draw; relative to it the factor is $\text{gain}^{30}$ exactly, since
# $\operatorname{ReLU}(cz) = c \operatorname{ReLU}(z)$ for $c > 0$.

# %% recall="signal"
recall("signal")

# %% [markdown]
# ## One step for every parameter
#
# `loss.backward()` puts into every leaf's `.grad` the derivative of the loss, and *adds* it to what is there. A step of
# gradient descent moves every $W$ and every $b$ by $-\eta$ times its gradient and then clears the gradients
# (`W.grad = None`). By hand: an entry 0.5 with gradient 2 and $\eta = 0.1$ becomes $0.5 - 0.2 = 0.3$.
#
# The step itself is not part of the function we differentiate, so it goes under `with torch.no_grad():`. And it must change
# the tensors themselves, `W -= …`; `W = W - …` makes a new tensor, gives it the name W for the length of the function, and
# leaves the network as it was.

# %% exercise="sgd_step"
def sgd_step(network: list[tuple[Tensor, Tensor]], learning_rate: float) -> None:
    """Move every parameter one step downhill, in place, and clear its gradient.

    Parameters
    ----------
    network : a list of layers (W, b), each tensor a leaf whose `.grad` holds its gradient.
        Afterwards it holds the same tensors with changed entries; they still require a gradient,
        and every `.grad` is zero or None.
    learning_rate : 0 or more; with 0 nothing moves, and the gradients are cleared all the same

    Returns
    -------
    None
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for W, b in network:
            for parameter in (W, b):
                parameter -= learning_rate * parameter.grad
                parameter.grad = None
    ### END SOLUTION


# %% check="sgd_step"
check(sgd_step)

# %% [markdown]
# ## The whole loop
#
# It is the loop of rung 1 with another prediction and another loss. Write it from this specification:
#
# 1. For each epoch, draw an order of the examples: `torch.randperm(n, generator=generator)`. Cut it into pieces of
#    `batch_size`; the last piece may be shorter, and it counts.
# 2. For each piece: the logits of its inputs, the cross-entropy with its labels; record that loss as a Python number;
#    `backward()`; one step.
# 3. Return the recorded losses. The network itself has been changed in place.

# %% exercise="train"
def train(
    network: list[tuple[Tensor, Tensor]],
    x: Tensor,
    y: Tensor,
    learning_rate: float,
    batch_size: int,
    epochs: int,
    generator: torch.Generator,
) -> list[float]:
    """Train a network in place by minibatch gradient descent on the mean cross-entropy.

    Parameters
    ----------
    network : a list of layers (W, b), leaf tensors that require a gradient; changed in place
    x : shape (n, n_in), the inputs; not changed
    y : shape (n,), int64, the labels; not changed
    learning_rate : 0 or more
    batch_size : examples in a minibatch, at least 1; the last one of an epoch may be shorter
    epochs : how often to go through all examples, at least 1
    generator : each epoch calls torch.randperm(n, generator=generator) once, and takes the examples
        in that order; nothing else is drawn

    Returns
    -------
    one Python float for each step, in order: the mean cross-entropy of that step's minibatch
        before the step
    """
    ### BEGIN SOLUTION
    losses = []
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator)
        for batch in order.split(batch_size):
            loss = cross_entropy(forward(network, x[batch]), y[batch])
            losses.append(loss.item())
            loss.backward()
            sgd_step(network, learning_rate)
    return losses
    ### END SOLUTION


# %% check="train"
check(train)

# %% [markdown]
# ## The spiral again
#
# Widths `[2, 64, 64, 3]`, learning rate 0.3, batches of 50, 100 epochs: 1 200 steps.

# %%
def accuracy(network: list[tuple[Tensor, Tensor]], x: Tensor, y: Tensor) -> float:
    """The share of examples whose largest logit is that of the right class."""
    with torch.no_grad():
        return forward(network, x).argmax(dim=1).eq(y).float().mean().item()


def labels_of(network: list[tuple[Tensor, Tensor]]):
    """A function from points, an array of shape (m, 2), to predicted labels."""
    def predict(points: np.ndarray) -> Tensor:
        with torch.no_grad():
            return forward(network, torch.tensor(points, dtype=torch.float32)).argmax(dim=1)

    return predict


def trained(widths: list[int], seed: int, epochs: int, gain: float = 1.0):
    """A network trained on the spiral, and its losses."""
    generator = torch.Generator().manual_seed(seed)
    network = initial_network(widths, generator)
    with torch.no_grad():
        for W, _ in network:
            W *= gain
    return network, train(network, x, y, 0.3, 50, epochs, generator)


network, losses = trained([2, 64, 64, 3], seed=0, epochs=100)
print(f"{count_parameters(network):,} parameters, {len(losses)} steps")
print(f"training points right: {accuracy(network, x, y):.1%}")
print(f"held-out points right: {accuracy(network, held_out_x, held_out_y):.1%}")

fig, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6))
plot_curves({"minibatch": losses}, xlabel="step", ylabel="cross-entropy (nats)", logy=True, ax=left,
            title="The loss leaves guessing far behind")
left.axhline(math.log(3), color=COLOURS["grey"], linestyle="--")
left.annotate("guessing: ln 3", (650, math.log(3) * 1.15), color=COLOURS["grey"])
plot_decision_regions(labels_of(network), held_out_x, held_out_y, ax=right,
                      title="Held-out points, and what the network says")
plt.show()

# %% [markdown]
# One run is an anecdote. The same with five seeds, which change the initial weights and the order of the batches:

# %%
by_seed = [accuracy(trained([2, 64, 64, 3], seed, epochs=100)[0], held_out_x, held_out_y) for seed in range(5)]
print("held-out accuracy:", "  ".join(f"{a:.1%}" for a in by_seed))
print(f"mean {np.mean(by_seed):.2%}, lowest {min(by_seed):.1%}; the linear classifier had {linear_accuracy:.1%}")

# %% [markdown]
# That is the number promised: at least 99 % on points it never saw, for every seed.
#
# ## What depth does to the regions
#
# **Predict.** Four networks of width 16: with no hidden layer, one, two and three. Sketch the border between two classes
# for each, and ask yourself which is the first to follow the arms.

# %% predict="first_depth"
commit("first_depth", ..., sure=...)

# %%
shares = []
fig, axes = plt.subplots(1, 4, figsize=(14, 3.9))
for hidden_layers, ax in enumerate(axes):
    shown, _ = trained([2] + [16] * hidden_layers + [3], seed=0, epochs=60)
    right_share = accuracy(shown, held_out_x, held_out_y)
    shares.append(right_share)
    plot_decision_regions(labels_of(shown), x, y, ax=ax, title=f"{hidden_layers} hidden: {right_share:.0%}")
    ax.get_legend().remove()
    if hidden_layers:
        ax.set_ylabel("")
plt.show()
answers = ("none of them", "1 hidden layer", "2 hidden layers", "3 hidden layers")
first_to_follow = answers[next((depth for depth, share in enumerate(shares) if share > 0.95), 0)]

# %% outcome="first_depth"
outcome("first_depth", first_to_follow)

# %% [markdown]
# Look at the borders: they are made of straight pieces everywhere, since every piece of a ReLU network is linear. One
# hidden layer has one crease for each unit, sixteen lines across the whole plane. They stay straight. The second layer adds
# creases of its own, and these bend where they cross the first layer's.
#
# **Predict.** One hidden layer of 64 has 387 parameters. Two of 16 have 371. At the same price, which is better, and by
# how much?

# %% predict="wide_accuracy"
commit("wide_accuracy", ..., sure=...)

# %%
SEEDS = range(4)
contest, contest_means = {"one of 64": [2, 64, 3], "two of 16": [2, 16, 16, 3]}, {}
for name, widths in contest.items():
    size = count_parameters(initial_network(widths, torch.Generator().manual_seed(0)))
    scores = [accuracy(trained(widths, seed, epochs=60)[0], held_out_x, held_out_y) for seed in SEEDS]
    contest_means[name] = float(np.mean(scores))
    print(f"{name}, {size} parameters: mean {np.mean(scores):.1%}, from {min(scores):.1%} to {max(scores):.1%}")

# %% outcome="wide_accuracy"
outcome("wide_accuracy", round(100 * contest_means["one of 64"], 1))

# %% [markdown]
# Two layers beat one of the same size by a wide margin.
#
# **Predict.** Now keep the width at 16 and go on: 1, 2, 3, 6 and 10 hidden layers, four seeds each. Does it keep getting
# better?

# %% predict="ten_layers"
commit("ten_layers", ..., sure=...)

# %%
depths, held_out_scores, train_scores = [1, 2, 3, 6, 10], [], []
for depth in depths:
    runs = [trained([2] + [16] * depth + [3], seed, epochs=60)[0] for seed in SEEDS]
    held_out_scores.append([accuracy(run, held_out_x, held_out_y) for run in runs])
    train_scores.append([accuracy(run, x, y) for run in runs])
    print(f"{depth:2} hidden layers: training {np.mean(train_scores[-1]):.1%}, held out "
          f"{np.mean(held_out_scores[-1]):.1%}, from {min(held_out_scores[-1]):.1%} to {max(held_out_scores[-1]):.1%}")

fig, ax = plt.subplots()
for depth, scores in zip(depths, held_out_scores, strict=True):
    ax.scatter([depth] * len(scores), 100 * np.array(scores), color=COLOURS["blue"], alpha=0.6, zorder=3)
ax.plot(depths, 100 * np.mean(held_out_scores, axis=1), color=COLOURS["blue"])
ax.axhline(100 / 3, color=COLOURS["grey"], linestyle="--")
ax.annotate("guessing", (8.6, 35), color=COLOURS["grey"])
ax.set(xlabel="hidden layers of width 16", ylabel="held-out accuracy (%)", xticks=depths, ylim=(25, 103),
       title="Deeper is better, until it does not train at all")
plt.show()
ranges = {97: "above 97 %", 80: "from 80 % to 97 %", 40: "from 40 % to 80 %", 0: "below 40 %"}
of_ten = next(words for least, words in ranges.items() if 100 * np.mean(held_out_scores[-1]) >= least)

# %% outcome="ten_layers"
outcome("ten_layers", of_ten)

# %% [markdown]
# Each dot is a seed, the line is their mean. Three layers and six get all but one or two points in a thousand. Ten
# fall to little better than half right, each seed somewhere else. Is that overfitting? Read the training accuracies printed above: they fall too.
# The ten-layer network contains the three-layer one (let seven layers hand their input on), so it *could* do as well. Gradient
# descent does not find it. Initialisation carried the signal through; it did not keep it there once the steps began. What
# does comes in [rung 10](10_resnet.ipynb): normalisation, and connections that skip layers.

# %% recall="depth"
recall("depth")

# %% [markdown]
# ## What a bad start looks like
#
# **Predict.** A network `[2, 32, 32, 32, 32, 32, 3]` and four starts: He; He times 0.3; every weight equal to 0.1; every weight
# 0. For each: does the loss fall at once, late, part of the way, or never?

# %% predict="starts_that_learn"
commit("starts_that_learn", ..., sure=...)

# %%
def train_from(start: str) -> tuple[list[tuple[Tensor, Tensor]], list[float]]:
    generator = torch.Generator().manual_seed(1)
    network = initial_network([2, 32, 32, 32, 32, 32, 3], generator)
    with torch.no_grad():
        for W, _ in network:
            if start == "He × 0.3":
                W *= 0.3
            elif start != "He":
                W.fill_(0.1 if start == "all 0.1" else 0.0)
    return network, train(network, x, y, 0.3, 50, 60, generator)


starts = {name: train_from(name) for name in ("He", "He × 0.3", "all 0.1", "all 0")}
smoothed = {name: np.convolve(curve, np.ones(12) / 12, mode="valid") for name, (_, curve) in starts.items()}
plot_curves(smoothed, xlabel="step", ylabel="cross-entropy (nats), mean of 12 steps", logy=True,
            title="Only one of four starts learns")
plt.show()
for name, (network_from, curve) in starts.items():
    W1, W2 = network_from[0][0].detach(), network_from[1][0].detach()
    print(f"{name:>8}: last loss {np.mean(curve[-12:]):.4f}, held out {accuracy(network_from, held_out_x, held_out_y):.1%}, "
          f"different columns in W1 and W2: {len(W1.unique(dim=1).T)}, {len(W2.unique(dim=1).T)}")
learned = sum(bool(np.mean(curve[-12:]) < 0.5) for _, curve in starts.values())

# %% outcome="starts_that_learn"
outcome("starts_that_learn", learned)

# %% [markdown]
# Three ways to fail, and the curves look alike; the numbers below them tell them apart.
#
# - **Too small.** After six layers of factor 0.3 the signal is below a thousandth, and so is the gradient. The logits are the
#   last bias for every input. The loss sits at $\ln 3$, and given long enough it may or may not wake up.
# - **All equal.** Every unit of a layer computes the same number, gets the same gradient, and stays a copy of its
#   neighbours: after 720 steps $W_1$ still has one column, 32 times over. The network has width 1, whatever it says on the
#   box. Random numbers are there to **break the symmetry**.
# - **All zero.** The same, and worse: the hidden layers give 0, so no weight has a gradient. Only the last bias learns.
#
# :::{note}
# Networks of several layers could be trained by backpropagation from the 1980s on {cite:p}`rumelhart1986`. Deep ones like
# those of this page mostly could not, and depth itself was taken for the obstacle. (Networks of convolutions did better: rung 9
# meets one from 1998 with seven layers.) {cite:t}`glorot2010` measured what you measured above, {cite:t}`nair2010` made the
# rectifier popular, and {cite:t}`he2015` put the two together. Much of the obstacle had been the start.
# :::
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# - **Rescue the ten layers.** Change one thing (learning rate, width, number of epochs) so that ten hidden layers reach 99 %.
#   <details><summary>What a good answer contains</summary> At least four seeds with the spread; which change worked and which did
#   not; the training accuracy beside the held-out one; a guess, checked by a measurement of the gradients or of the number of silent units,
#   at why.</details>
# - **Wind it up.** `spiral(n, turns=2)` goes round twice. How do the width and depth you need grow? <details><summary>What a good
#   answer contains</summary> The smallest network that reaches 99 % for 1, 1.5 and 2 turns, over several seeds; the
#   point density in mind: with 600 points and twice the length the arms are thinner, so more points, too.</details>
# - **Dead units.** Count the units of a trained network that are 0 on every training point. <details><summary>What a good
#   answer contains</summary> The count by layer, before and after training, at two learning rates; why such a unit can
#   never come back (its gradient is 0); what a leak, $\max(z, 0.01 z)$, changes.</details>
# - **The last wedge.** Train with the labels shuffled. <details><summary>What a good answer contains</summary> Training accuracy well
#   above a third and held-out accuracy at a third: the network can learn by heart, which is why the held-out points are the ones that
#   count.</details>
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="one_bend"
write("one_bend", """
""")

# %% write="he_on_a_napkin"
write("he_on_a_napkin", """
""")

# %% write="stuck_at_ln_k"
write("stuck_at_ln_k", """
""")

# %% [markdown]
# Next, [rung 6](06_torch_nn.ipynb): the same network, the same numbers to the sixth decimal, written with the tools everybody uses.
