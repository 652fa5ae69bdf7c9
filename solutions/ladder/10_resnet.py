# ---
# title: Residual networks
# subtitle: Why more layers make a plain network worse, what batch norm mends and what one addition mends
# part: ladder
# hours: 5
# needs: [ladder/05_deep_network, ladder/06_torch_nn, ladder/09_convnet]
# teaches: [degradation, batch normalisation, running statistics, training and evaluation mode, folding, residual connection, projecting shortcut, gradient norm by depth, zero-initialised residual branch, warm-up and cosine schedule]
# builds: gradient norms by layer, channel statistics, batch norm in both modes, its backward pass by hand, folding it into a convolution, the residual block, a start at the identity, ResNet of depth 6n + 2, the learning-rate schedule, the training loop
# number: at least 99.3 % of the test digits right with a residual network; 56 layers trained at last
# data: MNIST
# run: null
# readings:
#   - {key: he2016, where: "sections 1, 3.1 to 3.3 and 4.2: the failure, the remedy, and both measured", skip: "the detection results in the appendix"}
#   - {key: ioffe2015, where: "section 3, with algorithm 1 and 2: training and inference", skip: "the explanation by 'internal covariate shift', which has not aged well"}
#   - {key: prince2023, where: "chapter 11, 'Residual networks', sections 11.1 to 11.5", skip: "11.5.2 and 11.5.3, on DenseNet and U-Nets"}
#   - {key: veit2016, where: "sections 3 and 4: the unravelled view, and layers deleted from a trained network"}
#   - {key: balduzzi2017, where: "figure 1 and section 2: what gradients look like, not only how long they are", skip: "the proofs"}
#   - {key: santurkar2018, where: "sections 2 and 3: the old explanation tested, and found wanting", skip: "the theorems of section 4, at a first reading"}
# sections:
#   - {id: depth, heading: "Deeper, and worse", for: "the failure that kept networks shallow, and that every deep network of the course has to get round", needs: [ladder/05#depth, ladder/09#data]}
#   - {id: gradient_gauge, heading: "First gauge: the gradient, layer by layer", for: "the instrument for every later network that does not learn: measure before you name a cause", needs: [depth, ladder/05#signal]}
#   - {id: channel_statistics, heading: "Batch norm: statistics of a channel", for: "means and variances over chosen axes; layer norm in transformers takes other axes", needs: [gradient_gauge, ladder/03#broadcasting]}
#   - {id: normalise, heading: "Normalise, and give back the freedom", for: "the scale and shift that every kind of norm has, transformers' too", needs: [channel_statistics]}
#   - {id: batch_coupling, heading: "A batch is no longer a list", for: "why language models use another norm, and why many machines must agree on statistics", needs: [normalise]}
#   - {id: norm_backward, heading: "The way back, by hand", for: "deriving a backward pass through shared statistics, as whoever writes a faster layer must", needs: [batch_coupling, ladder/02#backward]}
#   - {id: running, heading: "What to do with a single picture", for: "running averages, and the difference between a batch's statistics and a population's", needs: [channel_statistics, ladder/08#moments]}
#   - {id: norm_layer, heading: "The layer", for: "buffers and the two modes, which every published checkpoint with norms relies on", needs: [normalise, running, ladder/06#module, ladder/07#evaluate]}
#   - {id: folding, heading: "In use it costs nothing", for: "merging linear steps before deployment, the first idea of making models cheap to use", needs: [norm_layer, ladder/09#conv_layer]}
#   - {id: norm_and_depth, heading: "Does it mend depth?", for: "shows which half of the failure a norm repairs, and which half is left", needs: [gradient_gauge, norm_layer]}
#   - {id: residual, heading: "One addition", for: "the skip connection, which stands in every deep network since, transformers included", needs: [norm_and_depth]}
#   - {id: block, heading: "The block", for: "the unit of the image networks in rungs 14 and 15, and the pattern of the transformer's block", needs: [residual, norm_layer, ladder/09#conv_layer]}
#   - {id: identity_start, heading: "Start by doing nothing", for: "a start that the speed runs and the large transformers use in some form", needs: [block, ladder/05#initialisation]}
#   - {id: answer, heading: "The answer, measured", for: "a model of an ablation: one switch at a time, over seeds, with what was not shown said too", needs: [residual, norm_and_depth]}
#   - {id: resnet, heading: "A residual network for digits", for: "the small network that rung 14 makes fast and rung 15 makes large", needs: [block, identity_start, ladder/09#pooling]}
#   - {id: schedule, heading: "A rate that rises and falls", for: "warm-up and cosine, the schedule of every long run that follows", needs: [ladder/08#race]}
#   - {id: loop, heading: "The whole loop", for: "the loop with a schedule, label smoothing and augmentation, the base of the speed runs", needs: [schedule, ladder/07#training_loop, ladder/09#regularisers]}
#   - {id: the_run, heading: "The real run", for: "the recipe whose larger version trains on ImageNet", needs: [resnet, loop, folding]}
# recall:
#   - {id: degradation_or_overfitting, section: depth, transfer: true, q: "A network has training loss 0.9 and validation loss 1.0. A deeper one has 1.4 and 1.5. Is that overfitting?", a: "No, degradation: the deeper one's *training* loss is higher. Overfitting is a low training loss with bad results on new data."}
#   - {id: how_many_means, section: channel_statistics, transfer: true, q: "A batch has shape $(32, 16, 10, 10)$. How many means does batch norm compute, and over how many numbers each?", a: "16, one for each channel, each over $32 \\cdot 10 \\cdot 10 = 3200$ numbers: over $n$, $h$ and $w$."}
#   - {id: norm_gradient_at_x, section: norm_backward, transfer: false, q: "The gradient $g$ arrives at the outputs of batch norm. What is the gradient at $x$, and why does it sum to 0 over the batch?", a: "$(\\gamma g - \\overline{\\gamma g} - \\hat x \\cdot \\overline{\\gamma g\\,\\hat x})/\\sqrt{\\sigma^2 + \\varepsilon}$. A push of the whole batch changes no output, so the path through the mean takes out what all share."}
#   - {id: two_variances, section: running, transfer: false, q: "In training, which variance normalises the batch, and which goes into the running estimate?", a: "The biased one (divided by the count) normalises the batch. The unbiased one (divided by the count less one) goes into the running estimate, which normalises in evaluation."}
#   - {id: company_matters, section: norm_layer, transfer: true, q: "In use, a classifier's answer for one picture depends on which other pictures are in the batch. What was forgotten?", a: "`model.eval()`: batch norm is still in training mode and takes the statistics of the batch."}
#   - {id: fold_numbers, section: folding, transfer: true, q: "Batch norm has $\\gamma = 6$, $\\sigma^2 + \\varepsilon = 9$, $\\mu = 2$, $\\beta = 1$. What become kernel and bias of the convolution it is folded into?", a: "$s = 6/3 = 2$: the kernel is doubled, and the bias is $1 - 2 \\cdot 2 = -3$."}
#   - {id: exploding_towards_input, section: norm_and_depth, transfer: false, q: "Does the gradient vanish in a deep plain network with batch norm?", a: "No: at the start it explodes towards the first layers, by a factor of about 1.21 a layer. The addition takes the explosion away."}
#   - {id: ten_slopes, section: residual, transfer: true, q: "Ten layers of one number each, every slope 0.1. What is the slope of the whole chain, plain and residual?", a: "Plain $0.1^{10} = 10^{-10}$. Residual $1.1^{10} \\approx 2.6$."}
#   - {id: residual_block, section: block, transfer: false, q: "Write a residual block, and say where the last ReLU stands.", a: "`relu(shortcut(x) + norm2(conv2(relu(norm1(conv1(x))))))`: after the addition."}
# predictions:
#   - {id: plain_tower_56, ask: "What validation accuracy has the plain tower of 56 layers at the end, as a mean of three seeds?", unit: "%", within: 10, because: "It hardly leaves the level of guessing. At the top all pictures look alike, so there is nothing to tell them apart by."}
#   - {id: plain_gradient, ask: "A plain tower of 56 layers, before training: what does the gradient norm do from the last layers towards the first?", choices: ["shrinks to less than a tenth", "stays within a factor of ten", "grows more than tenfold"], because: "He's initialisation keeps the gradient's size from layer to layer. What is lost is lost forwards: the difference between pictures."}
#   - {id: sorted_batches, ask: "In training mode, with batches of 100 sorted by digit, what validation accuracy has the trained tower?", unit: "%", within: 10, because: "In a batch of one class, what its pictures have in common is the class. Subtracting the batch's mean throws it away."}
#   - {id: norm_gradient, ask: "56 layers with batch norm, before training: what does the gradient norm do from the last layers towards the first?", choices: ["shrinks to less than a tenth", "stays within a factor of ten", "grows more than tenfold"], because: "ReLU lets half of the gradient's mean square through, and the next norm divides by the root of 0.34. Together that is a factor of 1.21 a layer, over 53 layers."}
#   - {id: middle_block, ask: "The middle block of the trained network is reduced to its shortcut, with no further training. What test accuracy is left?", unit: "%", within: 8, because: "The paths that avoid the block go on working, and the layers after it still find most of what they expect."}
# written:
#   - {id: vanishing_claim, ask: "A deep plain network with batch norm does not learn. Your friend says: vanishing gradients. What do you measure, and what do you find?", rubric: ["measures the gradient norm of each layer, at the start", "finds that it grows towards the input, about 1.21 times a layer", "names the consequence: one learning rate cannot suit first and last layers", "says what does vanish in a plain network without norm: the difference between examples"], answer: "The gradient norm layer by layer at the start. It grows towards the input, about 1.21 times a layer. So one learning rate cannot suit first and last layers: the first steps throw the first ones out. What vanishes in plain networks *without* norm is the difference between examples."}
#   - {id: two_modes, ask: "Why does a network with batch norm have two modes, and what goes wrong in each of the two confusions?", rubric: ["training: the statistics are the batch's, and the gradient passes through them", "use: an answer must not depend on its company", "left in training mode: answers depend on the batch, and a batch of one class or one picture is ruined", "left in evaluation mode while training: the running values never learn"], answer: "In training the statistics are those of the batch, and the gradient has to pass through them; in use an answer must not depend on its company. Left in training mode, answers depend on the batch, and a batch of one class, or of one picture, is ruined. Left in evaluation mode during training, nothing is normalised by what is there, and the running values never learn."}
#   - {id: what_the_skip_changes, ask: "What does $y = x + f(x)$ change about what a layer has to learn, and what about the gradient?", rubric: ["a layer learns a change; doing nothing is $f = 0$ and easy to reach", "the slope of a block is $1 + f'$", "multiplied out, the product holds a 1 and many short paths", "compares with the plain product of slopes, one long path"], answer: "Doing nothing is $f = 0$ and easy to reach; a layer learns a change. The slope is $1 + f'$: the product of many such factors contains a 1 and many short paths, where the product of the $f'$ alone is one long path."}
# ---

# %% [markdown]
# # Residual networks
#
# Take a network that learns. Add layers to it. The larger network can do all that the smaller one can, since the new layers could hand
# their input on unchanged. Yet with 56 layers instead of 8 it reads *fewer* digits, even of those that it was trained on.
# [Rung 5](05_deep_network.ipynb) ended at this wall. On this page you see it with your own instruments and take
# it down with two inventions: **batch norm**, a layer that you will write by hand, and the **residual connection**, which is one
# addition. Each repairs a different thing, and neither is enough alone. At the end stands the network that both made possible, and it gets more than 993
# of 1 000 test digits right.
#
# **You need** modules ([rung 6](06_torch_nn.ipynb)), He initialisation (rung 5) and convolutions ([rung 9](09_convnet.ipynb)).
# **You will have** batch norm with both its modes and its gradient, the residual block, a ResNet, a learning-rate schedule, and a measured answer to "why skips?".
# **It takes** about five hours.

# %% tags=["setup"]
import copy
import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent import chapter, check, commit, hint, mine, outcome, progress, recall, write
from descent.data import mnist
from descent.figures import COLOURS, plot_curves, titled, use_style

chapter("ladder/10_resnet")
use_style()

# %% [markdown]
# ## Deeper, and worse
#
# The data are split as in rung 9: a validation part of the training pictures for every choice, and the test pictures for the
# end. The first half of the page needs many trainings of deep networks, so they are made cheap: pictures shrunk to 14 × 14 and
# laid flat, 12 000 of them, and towers of linear layers of width 32.

# %%
train_file, test_file = mnist("train"), mnist("test")
SOURCE = train_file.source
FULL = len(train_file.images) > 10_000  # False on the small offline stand-in


def pictures(images: np.ndarray) -> Tensor:
    """Bytes of shape (n, 28, 28) as float32 of shape (n, 1, 28, 28), 0 to 1."""
    return torch.from_numpy(images).float().unsqueeze(1) / 255


held_out = len(train_file.images) // 12  # 5 000 of 60 000, for every choice on this page
order = torch.randperm(len(train_file.images), generator=torch.Generator().manual_seed(7))
x_all, y_all = pictures(train_file.images)[order], torch.from_numpy(train_file.labels)[order]
x_valid, y_valid = x_all[:held_out], y_all[:held_out]
x_train, y_train = x_all[held_out:], y_all[held_out:]
x_test, y_test = pictures(test_file.images), torch.from_numpy(test_file.labels)


def flat(x: Tensor) -> Tensor:
    """Pictures shrunk to 14 × 14 and laid flat, shape (n, 196), mean about 0, spread about 1."""
    return (F.avg_pool2d(x, 2).flatten(1) - 0.13) / 0.28


x_flat, y_flat = flat(x_train[:12_000]), y_train[:12_000]
v_flat, v_labels = flat(x_valid), y_valid
print(f"data: {SOURCE}")
print(f"training {tuple(x_train.shape)}, validation {tuple(x_valid.shape)}, test {tuple(x_test.shape)}")
print(f"for the towers: {tuple(x_flat.shape)}, validation {tuple(v_flat.shape)}")

# %% [markdown]
# A **tower** of depth $d$ is a linear layer into width 32, then pairs of layers, $(d - 2)/2$ of them, then a linear layer to ten logits, with
# a ReLU between any two layers and the initialisation of rung 5. The pair has two switches, `norm` and `skip`. Both are off for
# now. They are what the page is about.

# %%
class Pair(nn.Module):
    """Two linear layers of one width, with or without batch norm, with or without a skip."""

    def __init__(self, width: int, norm: bool, skip: bool) -> None:
        super().__init__()
        self.linear1 = nn.Linear(width, width, bias=not norm)
        self.norm1 = nn.BatchNorm1d(width) if norm else nn.Identity()
        self.linear2 = nn.Linear(width, width, bias=not norm)
        self.norm2 = nn.BatchNorm1d(width) if norm else nn.Identity()
        self.skip = skip

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.norm1(self.linear1(x)))
        h = self.norm2(self.linear2(h))
        return F.relu(x + h) if self.skip else F.relu(h)


def tower(depth: int, seed: int, norm: bool = False, skip: bool = False, width: int = 32) -> nn.Sequential:
    """A tower with He's initialisation, its numbers drawn from `seed`."""
    torch.manual_seed(seed)
    pairs = [Pair(width, norm, skip) for _ in range((depth - 2) // 2)]
    model = nn.Sequential(nn.Linear(196, width), nn.ReLU(), *pairs, nn.Linear(width, 10))
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


def fit_tower(model: nn.Module, seed: int, steps: int = 160, rate: float = 0.03) -> list[float]:
    """Train with momentum 0.9 and batches of 128 on the flat pictures; the loss of each step."""
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    losses = []
    for _ in range(steps):
        batch = torch.randint(0, len(x_flat), (128,), generator=generator)
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x_flat[batch]), y_flat[batch])
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def share_right(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Accuracy in evaluation mode; the model is left in the mode it was in."""
    was_training = model.training
    model.eval()
    with torch.no_grad():
        right = sum(int((model(a).argmax(1) == b).sum()) for a, b in zip(x.split(1000), y.split(1000), strict=True))
    model.train(was_training)
    return right / len(y)


# %% [markdown]
# **Predict.** Depths 8, 20 and 56, three seeds each, everything else equal. Guessing reads one picture in ten. How far does the deepest tower get?

# %% predict="plain_tower_56"
commit("plain_tower_56", ..., sure=...)

# %%
SEEDS = (0, 1, 2)
DEPTHS = (8, 20, 56)
results: dict[tuple[str, int], list[tuple[float, float]]] = {}  # loss at the end, accuracy
curves: dict[tuple[str, int], np.ndarray] = {}


def run_towers(name: str, depths: tuple[int, ...], norm: bool = False, skip: bool = False) -> None:
    """Train a tower of each depth with each seed, keep and print how it went."""
    for depth in depths:
        runs = []
        for seed in SEEDS:
            model = tower(depth, seed, norm, skip)
            losses = fit_tower(model, seed)
            runs.append(losses)
            results.setdefault((name, depth), []).append((float(np.mean(losses[-25:])), share_right(model, v_flat, v_labels)))
        curves[name, depth] = np.mean(runs, axis=0)
        ends = results[name, depth]
        print(f"{name:13} {depth:2} layers   training loss at the end " + "  ".join(f"{loss:4.2f}" for loss, _ in ends)
              + "   validation " + "  ".join(f"{right:5.1%}" for _, right in ends))


run_towers("plain", DEPTHS)
deepest_right = 100 * float(np.mean([right for _, right in results["plain", 56]]))

# %% outcome="plain_tower_56"
outcome("plain_tower_56", round(deepest_right, 1))

# %% [markdown]
# The deeper the tower, the worse it reads, for every seed. The *training* loss says so too, so this is not overfitting. {cite:t}`he2016` gave it a name,
# **degradation**: the deeper network has a solution that is at least as good, and the optimiser does not find it. Was it the learning
# rate? For 56 layers we tried five rates beforehand, from 0.001 to 0.1, with one seed: with none of them did the tower read more than one validation picture in four.

# %% recall="depth"
recall("depth")

# %% [markdown]
# ## First gauge: the gradient, layer by layer
#
# The usual suspect is a gradient that dies on its way back. Suspects are to be measured. For a layer with weights $W$ we take
#
# $$ \Bigl\lVert \frac{\partial L}{\partial W} \Bigr\rVert = \sqrt{\sum_{ij} \Bigl(\frac{\partial L}{\partial W_{ij}}\Bigr)^2}, $$
#
# one number a layer. By hand: a gradient $\begin{bmatrix} 3 & 0 \\ 0 & 4 \end{bmatrix}$ has norm 5.

# %% exercise="gradient_norms"
def gradient_norms(model: nn.Module, x: Tensor, y: Tensor) -> list[float]:
    """Measure the gradient that arrives at each weight matrix.

    Parameters
    ----------
    model : maps x to logits, shape (n, classes). Every part of it is used in the mode it is in, and
        left so; the parameters keep their values. Some of them may hold an old gradient in `.grad`,
        which must not count; what `.grad` holds afterwards is up to you.
    x : n inputs
    y : int64, shape (n,), the right classes

    Returns
    -------
    one float for each parameter with two axes or more (matrices and kernels: no biases, no scales),
        in the order of `model.parameters()`: the root of the sum of squares of the gradient of the
        mean cross-entropy
    """
    ### BEGIN SOLUTION
    weights = [p for p in model.parameters() if p.ndim > 1]
    gradients = torch.autograd.grad(F.cross_entropy(model(x), y), weights)
    return [float(gradient.norm()) for gradient in gradients]
    ### END SOLUTION


# %% check="gradient_norms"
check(gradient_norms)

# %% [markdown]
# The second gauge goes forwards. Take the activations after each layer and ask how different two different pictures still are: the
# cosine of the angle between their rows, averaged over pairs of pictures. At 1 all pictures look alike to the layers above.
#
# **Predict.** Both gauges, at the start, for a plain tower of 56 layers. Does the gradient shrink towards the first layer, grow, or
# stay? (And where does the cosine go?)

# %% predict="plain_gradient"
commit("plain_gradient", ..., sure=...)

# %%
def likeness(model: nn.Sequential, x: Tensor) -> list[float]:
    """Mean cosine between the activations of different pictures, after the first layer and each pair."""
    found, h = [], x
    with torch.no_grad():
        for layer in model[:-1]:
            h = layer(h)
            if isinstance(layer, nn.ReLU | Pair):
                unit = F.normalize(h, dim=1)
                cosines = unit @ unit.T
                found.append(float((cosines.sum() - cosines.trace()) / (len(x) * (len(x) - 1))))
    return found


def gauges(depth: int, norm: bool = False, skip: bool = False, steps: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gradient norms (geometric mean over seeds) and likeness, after some steps of training."""
    norms, alike = [], []
    for seed in SEEDS:
        model = tower(depth, seed, norm, skip)
        fit_tower(model, seed, steps)
        norms.append(gradient_norms(model, x_flat[:256], y_flat[:256])[1:-1])  # the layers of width 32
        alike.append(likeness(model, x_flat[:256]))
    return np.exp(np.mean(np.log(norms), axis=0)), np.mean(alike, axis=0)


def towards_input(norms: np.ndarray) -> str:
    """What the gradient norm does from the last layer to the first, in words."""
    if norms[0] < norms[-1] / 10:
        return "shrinks to less than a tenth"
    return "grows more than tenfold" if norms[0] > 10 * norms[-1] else "stays within a factor of ten"


by_arrangement = {"plain": gauges(56)}
norms, alike = by_arrangement["plain"]
print(f"plain, 56 layers, at the start: gradient norm {norms[0]:.2g} at layer 2, {norms[27]:.2g} at layer 29, {norms[-1]:.2g} at layer 55")
print("mean cosine between pictures after layers 1, 3, 5, 9, 19, 37, 55: "
      + "  ".join(f"{alike[i]:.3f}" for i in (0, 1, 2, 4, 9, 18, 27)))

# %% outcome="plain_gradient"
outcome("plain_gradient", towards_input(norms))

# %% [markdown]
# The usual suspect is innocent. The gradient is about as large at the bottom as at the top: He's initialisation keeps its promise.
# What is lost is lost on the way *forwards*, and it is not the signal but the **difference between signals**. ReLU makes all activations positive, so that all pictures get a large
# common part; the next layer adds to it. At the top a 3 and an 8 arrive as the same vector, up to length. There is a gradient, but all it can say to the upper layers is how often each digit
# occurs.
#
# ## Batch norm: statistics of a channel
#
# So we subtract the common part. For every unit we take its mean and its standard deviation over a batch, subtract the
# one and divide by the other: what is left is what tells the pictures apart. That is **batch norm** {cite:p}`ioffe2015`.
#
# For pictures of shape $(n, c, h, w)$ a unit is a *channel*: the same kernel made all its pixels, so all $m = n \cdot h \cdot w$ numbers
# of a channel go into one mean and one variance,
#
# $$ \mu_c = \frac1m \sum_{n,h,w} x_{nchw}, \qquad \sigma_c^2 = \frac1m \sum_{n,h,w} (x_{nchw} - \mu_c)^2 . $$
#
# For rows of shape $(n, c)$ the sums run over $n$ alone. The variance is divided by $m$ and not by $m - 1$: it is called **biased**. By hand: two pictures, one channel, pixels $[1, 3]$ and
# $[5, 7]$. The mean is 4, the variance $(9 + 1 + 1 + 9)/4 = 5$.

# %% exercise="channel_statistics"
def channel_statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Compute mean and variance of every channel of a batch.

    Parameters
    ----------
    x : float, shape (n, c) or (n, c, height, width); n may be 1. Not changed.

    Returns
    -------
    mean, variance : shape (c,) each, over all numbers of the channel; the variance is divided by
        how many there are. Made of torch operations, so that `backward` passes.
    """
    ### BEGIN SOLUTION
    axes = [axis for axis in range(x.ndim) if axis != 1]
    return x.mean(axes), x.var(axes, correction=0)
    ### END SOLUTION


# %% check="channel_statistics"
check(channel_statistics)

# %% [markdown]
# ## Normalise, and give back the freedom
#
# With mean and variance in hand every number of channel $c$ becomes
#
# $$ \hat{x} = \frac{x - \mu_c}{\sqrt{\sigma_c^2 + \varepsilon}}, \qquad y = \gamma_c\, \hat{x} + \beta_c . $$
#
# $\varepsilon$ (epsilon), by default $10^{-5}$, stands *under the root* and keeps a constant channel from dividing by 0. The **scale** $\gamma$ and the **shift** $\beta$ are parameters, one each a channel:
# should the network want another mean and spread, it can learn them. In code they are called `weight` and `bias`.
#
# By hand, with the pixels above, $\gamma = 2$, $\beta = 1$: the pixel 1 becomes $(1 - 4)/\sqrt5 = -1.34$, and then $2 \cdot (-1.34) + 1 = -1.68$.

# %% exercise="normalise"
def normalise(
    x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5
) -> Tensor:
    """Shift and scale every channel.

    Parameters
    ----------
    x : float, shape (n, c) or (n, c, height, width); not changed
    mean, variance, weight, bias : shape (c,) each
    eps : added to the variance, under the root; 0 or more

    Returns
    -------
    the shape of x: (x − mean) / √(variance + eps) · weight + bias, each channel with its own
        numbers. Made of torch operations, so that `backward` passes to all that was given.
    """
    ### BEGIN SOLUTION
    shape = (1, -1) + (1,) * (x.ndim - 2)
    scale = weight / torch.sqrt(variance + eps)
    return (x - mean.view(shape)) * scale.view(shape) + bias.view(shape)
    ### END SOLUTION


# %% check="normalise"
check(normalise)

# %% [markdown]
# ## A batch is no longer a list
#
# Until now a batch was a matter of convenience: put a picture into another batch, and its logits stayed what they were. Now the mean belongs to the batch. Eight
# examples of one channel are normalised. Take the derivative of output $i$ with respect to input $j$, an 8 × 8 table. For a linear layer, or ReLU, it is 0 off the diagonal. Before you run the cell: what will it be here? And what is the sum of a column?

# %%
def batch_norm(x: Tensor) -> Tensor:
    """Batch norm as in training, with scale 1 and shift 0."""
    channels = x.shape[1]
    return normalise(x, *channel_statistics(x), torch.ones(channels), torch.zeros(channels))


eight = torch.tensor([-1.6, -0.9, -0.5, -0.1, 0.2, 0.6, 0.9, 1.4])
table = torch.autograd.functional.jacobian(lambda row: batch_norm(row[:, None])[:, 0], eight)
m, z = len(eight), batch_norm(eight[:, None])[:, 0]
formula = (torch.eye(m) - (1 + z[:, None] * z[None, :]) / m) / eight.std(correction=0)
print("largest difference from the formula below:", f"{(table - formula).abs().max():.0e}")
print("sums of the columns:", " ".join(f"{total:+.6f}" for total in table.sum(0)))

fig, ax = plt.subplots(figsize=(4.8, 4.2))
image = ax.imshow(table, cmap="RdBu", vmin=-1.1, vmax=1.1)
for i in range(m):
    for j in range(m):
        ax.text(j, i, f"{table[i, j]:.2f}", ha="center", va="center", fontsize=7.5,
                color="white" if abs(table[i, j]) > 0.75 else "black")
ax.set(xlabel="input of example j", ylabel="output of example i", xticks=range(m), yticks=range(m),
       title="Every example moves every other")
ax.grid(False)
plt.show()

# %% [markdown]
# Not one entry off the diagonal is 0. With $\hat x$ the normalised numbers, $m$ of them, and with $\varepsilon$ left out,
#
# $$ \frac{\partial \hat x_i}{\partial x_j} = \frac{1}{\sigma} \Bigl( \delta_{ij} - \frac{1 + \hat x_i \hat x_j}{m} \Bigr), $$
#
# $\delta_{ij}$ being 1 for $i = j$ and 0 otherwise. The $1/m$ comes from the mean, the $\hat x_i \hat x_j / m$ from the variance. Each column sums to 0: push all eight
# up together, and nothing changes. So the gradient that leaves a batch-norm layer backwards has mean 0 over the batch, whatever came in. And since an example's gradient depends on its company, there is noise in it, which acts like a mild regulariser.

# %%
pushed = eight[:, None].clone().requires_grad_()
batch_norm(pushed).sum().backward()
print(f"every output is to rise alike; largest gradient at an input: {pushed.grad.abs().max():.0e}")

# %% [markdown]
# ## The way back, by hand
#
# Torch worked that out for you. Whoever writes a faster layer derives its backward pass by hand, and with this one many get it wrong.
#
# Take one channel with its $m$ numbers, and let $g_i = \partial L / \partial y_i$ be the gradient that arrives at output $i$ from above. With $s = \sqrt{\sigma^2 + \varepsilon}$,
#
# $$ \hat x_i = \frac{x_i - \mu}{s}, \qquad y_i = \gamma \hat x_i + \beta . $$
#
# One $\gamma$ and one $\beta$ serve all $m$ numbers, so they collect from all of them:
#
# $$ \frac{\partial L}{\partial \beta} = \sum_i g_i, \qquad \frac{\partial L}{\partial \gamma} = \sum_i g_i \hat x_i . $$
#
# At $\hat x_i$ arrives $\hat g_i = \gamma g_i$. Three paths lead from $x_j$ to the loss:
#
# | path | how far $x_j$ moves it | what that does to $\hat x_i$ |
# |---|---|---|
# | direct | | $1/s$, for $i = j$ alone |
# | through $\mu$ | $1/m$ | $-1/s$, for every $i$ |
# | through $\sigma^2$ | $2 (x_j - \mu)/m$ | $-\hat x_i / (2 s^2)$, for every $i$ |
#
# The variance depends on $\mu$ too, but that path contributes 0:
# $\partial \sigma^2 / \partial \mu = -\tfrac2m \sum_i (x_i - \mu) = 0$, as differences from a mean add up to 0.
#
# Multiply along each path, sum over $i$, and put $x_j - \mu = s \hat x_j$:
#
# $$ \frac{\partial L}{\partial x_j} = \frac1s \Bigl( \hat g_j - \frac1m \sum_i \hat g_i - \hat x_j \cdot \frac1m \sum_i \hat g_i \hat x_i \Bigr) . $$
#
# Two things are taken out of the gradient: what the whole batch shares, and what goes along with $\hat x$. But for $\varepsilon$, the layer undoes a push and a stretch of its inputs, so the loss cannot feel them.
#
# Each channel has its own sums: over $n$ for rows ($m = n$), over $n$, $h$ and $w$ for pictures ($m = n \cdot h \cdot w$). So the gradient at $x$ has the shape of $x$, and those at $\gamma$ and $\beta$ have shape $(c,)$.
#
# By hand, with the pixels from above: $1, 3, 5, 7$ with $\mu = 4$, $s = \sqrt5 = 2.236$ ($\varepsilon$ left out) and $\gamma = 2$, so $\hat x = (-1.342, -0.447, 0.447, 1.342)$. Let $g = (1, 0, 2, 0)$.
#
# - At $\beta$ (`bias`): $1 + 0 + 2 + 0 = 3$. At $\gamma$ (`weight`): $-1.342 + 2 \cdot 0.447 = -0.447$.
# - $\hat g = 2g = (2, 0, 4, 0)$. Its mean is $1.5$, and the mean of $\hat g \hat x$ is $(-2.683 + 1.789)/4 = -0.224$.
# - In the bracket: $2 - 1.5 - 0.3 = 0.2$, then $0 - 1.5 - 0.1 = -1.6$, then $4 - 1.5 + 0.1 = 2.6$, then $0 - 1.5 + 0.3 = -1.2$. They add up to 0.
# - At $x$, divided by $s$: $(0.09, -0.72, 1.16, -0.54)$.

# %% exercise="batch_norm_backward"
def batch_norm_backward(
    upstream: Tensor, x: Tensor, weight: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the gradients of batch norm in training, by the formulas above and without autograd.

    Parameters
    ----------
    upstream : g, the gradient of the loss at the output, the shape of x; not changed
    x : the layer's input, float, shape (n, c) or (n, c, height, width), at least two numbers in
        each channel; not changed
    weight : γ, shape (c,); any numbers, 0 too
    eps : added to the biased variance, under the root; above 0

    Returns
    -------
    the gradients at x (the shape of x), at weight and at bias (shape (c,) each)

    It has to work inside `torch.no_grad()`, where torch records no operations: there `backward` and
    `torch.autograd.grad` find nothing to walk. So write out the formulas, and ask autograd for
    nothing.
    """
    ### BEGIN SOLUTION
    axes = [axis for axis in range(x.ndim) if axis != 1]
    channel = (1, -1) + (1,) * (x.ndim - 2)
    mean, variance = channel_statistics(x)
    root = torch.sqrt(variance + eps).view(channel)
    x_hat = (x - mean.view(channel)) / root
    at_x_hat = upstream * weight.view(channel)
    shared = at_x_hat.mean(axes, keepdim=True)
    along = (at_x_hat * x_hat).mean(axes, keepdim=True)
    at_x = (at_x_hat - shared - x_hat * along) / root
    return at_x, (upstream * x_hat).sum(axes), upstream.sum(axes)
    ### END SOLUTION


# %% check="batch_norm_backward"
check(batch_norm_backward)

# %%
rows = (3 + 2 * torch.randn(8, 4, generator=torch.Generator().manual_seed(0))).requires_grad_()
arriving = torch.randn(8, 4, generator=torch.Generator().manual_seed(1))
(exact,) = torch.autograd.grad((batch_norm(rows) * arriving).sum(), rows)
with torch.no_grad():
    constant = arriving / torch.sqrt(channel_statistics(rows)[1] + 1e-5)
    derived = {
        "by hand": batch_norm_backward(arriving, rows, torch.ones(4))[0],
        "μ and σ taken for constants": constant,
        "σ alone taken for a constant": constant - constant.mean(0),
    }
for name, found in derived.items():
    print(f"{name:29} wrong by {(found - exact).norm() / exact.norm():7.1%} of its length, "
          f"largest sum over the batch {found.sum(0).abs().max():.2f}")

# %% [markdown]
# The last one sums to 0 as it should, and is wrong all the same. A property that must hold finds some mistakes; a comparison with autograd, or with small differences, finds the others.

# %% recall="norm_backward"
recall("norm_backward")

# %% [markdown]
# ## What to do with a single picture
#
# In use there may be one picture and no batch. So during training the layer keeps **running statistics**, an average over the batches that slowly forgets the old ones:
#
# $$ r \leftarrow (1 - \alpha)\, r + \alpha\, s, \qquad \alpha = 0.1, $$
#
# with $r$ the running value and $s$ that of the new batch. $\alpha$ is called `momentum` here, and is *the weight of the new*, the reverse of the momentum of an optimiser.
# One subtlety: the variance that goes in is the **unbiased** one, $\sigma_c^2 \cdot m/(m - 1)$. It estimates the variance over all pictures, and not only over these. (The batch itself is still normalised with the biased one. The paper does it so, and torch too.)
#
# By hand: the running mean is 0, the batch mean 4: $0.9 \cdot 0 + 0.1 \cdot 4 = 0.4$. The running variance is 1, the batch's 5 with $m = 4$: unbiased $5 \cdot 4/3 = 6.67$, so $0.9 + 0.667 = 1.567$.

# %% exercise="update_running"
def update_running(
    running_mean: Tensor, running_var: Tensor, x: Tensor, momentum: float = 0.1
) -> tuple[Tensor, Tensor]:
    """Compute the running statistics after one more batch.

    Parameters
    ----------
    running_mean, running_var : shape (c,) each; not changed
    x : the batch, shape (n, c) or (n, c, height, width), at least two numbers in each channel. It
        is not changed, and may be part of a graph that `backward` will walk.
    momentum : the weight of the new batch, 0 to 1

    Returns
    -------
    the new running mean and variance, shape (c,) each: not part of any graph. The batch's
        variance goes in unbiased (divided by the count less one).
    """
    ### BEGIN SOLUTION
    mean, variance = channel_statistics(x.detach())
    count = x.numel() / x.shape[1]
    unbiased = variance * count / (count - 1)
    return (
        (1 - momentum) * running_mean + momentum * mean,
        (1 - momentum) * running_var + momentum * unbiased,
    )
    ### END SOLUTION


# %% check="update_running"
check(update_running)

# %% [markdown]
# ## The layer
#
# Put together from its specification:
#
# | | name | starts at | kind |
# |---|---|---|---|
# | scale $\gamma$ | `weight` | 1 | `nn.Parameter`, shape $(c,)$ |
# | shift $\beta$ | `bias` | 0 | `nn.Parameter`, shape $(c,)$ |
# | running mean | `running_mean` | 0 | buffer, shape $(c,)$ |
# | running variance | `running_var` | 1 | buffer, shape $(c,)$ |
#
# A **buffer** is a tensor that belongs to the module's state, is saved with it and moves with it to another device, but is nothing for the optimiser to
# move: `self.register_buffer("running_mean", torch.zeros(channels))`. A new tensor assigned to `self.running_mean` later becomes the buffer's new value.
#
# In training mode (`self.training` is True) the layer normalises with the batch's statistics *and* updates the running ones; in evaluation mode it normalises with the
# running ones and changes nothing. Your three functions do all the arithmetic.

# %% exercise="BatchNorm"
class BatchNorm(nn.Module):
    """Batch norm for rows, shape (n, c), and pictures, shape (n, c, height, width).

    Parameters
    ----------
    channels : c
    momentum : the weight of a new batch in the running statistics
    eps : added to the variance, under the root; above 0

    Attributes
    ----------
    weight, bias : the only parameters, shape (c,), ones and zeros at the start
    running_mean, running_var : buffers, shape (c,), zeros and ones at the start; never part of a
        graph
    """

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x, unchanged itself: in training by its own statistics, which it remembers."""
        ### BEGIN SOLUTION
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = channel_statistics(x)
            self.running_mean, self.running_var = update_running(
                self.running_mean, self.running_var, x, self.momentum
            )
        return normalise(x, mean, variance, self.weight, self.bias, self.eps)
        ### END SOLUTION


# %% check="BatchNorm"
check(BatchNorm)

# %%
own, library = BatchNorm(16), nn.BatchNorm2d(16)
batch = 3 + 2 * torch.randn(64, 16, 14, 14, generator=torch.Generator().manual_seed(0))
direction = torch.randn(batch.shape, generator=torch.Generator().manual_seed(1))
outcomes = {}
for name, layer in {"yours": own, "torch": library}.items():
    x = batch.clone().requires_grad_()
    for _ in range(5):
        output = layer(x)
    (output * direction).sum().backward()
    state = layer.running_mean, layer.running_var
    layer.eval()
    outcomes[name] = (output.detach(), x.grad, *state, layer(batch).detach())
for what, a, b in zip(("output", "gradient", "running mean", "running variance", "output in evaluation"), *outcomes.values(), strict=True):
    print(f"largest difference in {what:21}: {(a - b).abs().max():.0e}")

# %% [markdown]
# After five batches the two layers are the same, up to rounding. Torch's is several times quicker, so from here on the networks use it.
#
# **Predict.** A trained tower of 8 layers with batch norm reads the validation pictures four times: in evaluation mode; in *training* mode with mixed batches of 100; in training mode with batches of 100 *sorted by
# digit*, so that a batch holds one class only; and in training mode with batches of 2. In evaluation mode it reads about nine in ten. What does it read from the sorted batches?

# %% predict="sorted_batches"
commit("sorted_batches", ..., sure=...)

# %%
normed = tower(8, seed=0, norm=True)
fit_tower(normed, seed=0)


def right_in_batches(model: nn.Module, x: Tensor, y: Tensor, size: int) -> float:
    """Accuracy in training mode, the batch's own statistics used; the model itself is left alone."""
    model = copy.deepcopy(model).train()
    with torch.no_grad():
        right = [int((model(a).argmax(1) == b).sum()) for a, b in zip(x.split(size), y.split(size), strict=True)]
    return sum(right) / len(y)


few = 100 * (len(v_labels) // 100)
v_some, l_some = v_flat[:few], v_labels[:few]
by_digit = l_some.argsort()
print(f"evaluation mode                       {share_right(normed, v_some, l_some):.1%}")
print(f"training mode, mixed batches of 100   {right_in_batches(normed, v_some, l_some, 100):.1%}")
sorted_right = right_in_batches(normed, v_some[by_digit], l_some[by_digit], 100)
print(f"training mode, sorted batches of 100  {sorted_right:.1%}")
print(f"training mode, batches of 2           {right_in_batches(normed, v_some, l_some, 2):.1%}")

# %% outcome="sorted_batches"
outcome("sorted_batches", round(100 * sorted_right, 1))

# %% [markdown]
# With a mixed batch of 100 nobody would notice a forgotten `model.eval()`. That is what makes the mistake dangerous. In a batch of one class, what its pictures have in common *is* the class, and
# subtracting the mean throws it away. With two pictures, each number becomes about $+1$ or $-1$, and all but the sign is gone. A batch of *one* row leaves nothing: every number is its own mean, the output is $\beta$ (torch refuses).
#
# ## In use it costs nothing
#
# In evaluation mode batch norm is a fixed multiplication and addition for each channel, and it stands right behind a convolution, which multiplies and adds too. So it can be **folded** into it. With
# $s_o = \gamma_o / \sqrt{\sigma_o^2 + \varepsilon}$ for output channel $o$:
#
# $$ s_o \, (K_o \star x - \mu_o) + \beta_o = (s_o K_o) \star x + (\beta_o - s_o \mu_o). $$
#
# A convolution with other kernels and a bias, and no norm: so phones run networks. By hand: $\gamma = 2$, $\sigma^2 + \varepsilon = 4$, $\mu = 3$, $\beta = 1$: $s = 1$, the kernel stays, the bias is $1 - 3 = -2$.

# %% exercise="fold_batch_norm"
def fold_batch_norm(kernel: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Fold a batch norm in evaluation mode into the convolution without bias before it.

    Parameters
    ----------
    kernel : shape (o, c, rows, columns), of the convolution; not changed
    norm : a layer of o channels with `weight`, `bias`, `running_mean`, `running_var` (shape (o,))
        and `eps`, in evaluation mode; neither its tensors nor its mode change

    Returns
    -------
    kernel, bias : shapes (o, c, rows, columns) and (o,), of the one convolution that does what both
        did
    """
    ### BEGIN SOLUTION
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return kernel * scale[:, None, None, None], norm.bias - norm.running_mean * scale
    ### END SOLUTION


# %% check="fold_batch_norm"
check(fold_batch_norm)

# %% recall="folding"
recall("folding")

# %% [markdown]
# ## Does it mend depth?
#
# Back to the towers with the first switch on: 56 layers with batch norm. The means are gone, so the pictures can differ again at the top. Does it learn now?
#
# **Predict.** In the plain tower the gradient norm was flat. What does it do with a norm after every layer?

# %% predict="norm_gradient"
commit("norm_gradient", ..., sure=...)

# %%
by_arrangement["norm"] = gauges(56, norm=True)
norms, alike = by_arrangement["norm"]
norm_gradient = towards_input(norms)
print(f"cosine between pictures at the top: {alike[-1]:.3f} (without norm {by_arrangement['plain'][1][-1]:.3f})")
print(f"gradient norm {norms[0]:.3g} at layer 2, {norms[-1]:.2g} at layer 55: "
      f"a factor of {(norms[0] / norms[-1]) ** (1 / (len(norms) - 1)):.3f} a layer")
print(f"√(π / (π − 1)) = {math.sqrt(math.pi / (math.pi - 1)):.3f}")
model = tower(56, seed=0, norm=True)
first, last = model[2].linear1.weight, model[28].linear1.weight
sizes = [float(first.detach().norm()), float(last.detach().norm())]
fit_tower(model, seed=0, steps=30)
print(f"norm of the weights of layer 2: {sizes[0]:.1f}, after 30 steps {float(first.detach().norm()):.1f}; "
      f"of layer 54: {sizes[1]:.1f}, after 30 steps {float(last.detach().norm()):.1f}")
run_towers("norm", DEPTHS, norm=True)

# %% outcome="norm_gradient"
outcome("norm_gradient", norm_gradient)

# %% [markdown]
# The pictures are different again at the top, and 20 layers learn more than they did. 56 still learn next to nothing. Look at the gradient: it does not vanish, it **explodes**; at the first layers it is tens of thousands of times what
# it is at the last. Where does the factor come from? ReLU lets half of the gradient's mean square through, $\tfrac12$. And normalised numbers that have passed a ReLU have a variance below 1, $\tfrac12 - \tfrac1{2\pi} = 0.34$, and the next norm divides by its root.
# Together $\sqrt{0.5/0.34} = \sqrt{\pi/(\pi-1)} \approx 1.21$ a layer, and $1.21^{53}$ is a factor of tens of thousands. (A common explanation has it that gradients vanish without skips. Measure before you repeat it.)
#
# A learning rate that suits the last layers throws the first ones out: in 30 steps their weights have grown to hundreds of times their size, while those at the top have hardly changed theirs. The norm behind the first ones divides that size away again, so that the loss does not blow up; but a step is now tiny beside such weights,
# and the first layers stay what those first steps made them: noise. (The paper said that batch norm keeps the layers' inputs
# from drifting. {cite:t}`santurkar2018` put the drift back on purpose, and the networks trained as well.)

# %% recall="norm_and_depth"
recall("norm_and_depth")

# %% [markdown]
# ## One addition
#
# Now the second switch. A **residual block** lets its layers compute not the new signal but a *change* to the old one:
#
# $$ y = x + f(x). $$
#
# The $x$ that passes by is the **shortcut**, or skip; $f$ is the **branch**. Doing nothing is now easy, $f = 0$. And consider the slope. In a chain of $L$ layers of one number each, with slopes $a_1, \dots, a_L$,
#
# $$ \text{plain: } \frac{dy}{dx} = \prod_l a_l, \qquad \text{residual: } \frac{dy}{dx} = \prod_l (1 + a_l). $$
#
# By hand, slopes $0.1, -0.2, 0.3$: plain $-0.006$; residual $1.1 \cdot 0.8 \cdot 1.3 = 1.144$. Multiply out: $1 + (a_1 + a_2 + a_3) + (a_1 a_2 + a_1 a_3 + a_2 a_3) + a_1 a_2 a_3$. Each term is a **path** through the network: at each block, take the branch or pass by.
# Of $L$ blocks, $\binom{L}{k}$ paths take $k$ branches: here 1, 3, 3, 1. A deep residual network is also a crowd of shallow ones that share their layers {cite:p}`veit2016`.

# %%
counts = np.array([math.comb(27, k) for k in range(28)], dtype=float)  # the 56-layer tower has 27 pairs
lengths = 2 * np.arange(28)  # layers along the path
share = counts / counts.sum()
middle = share[(lengths >= 18) & (lengths <= 36)].sum()
print(f"{counts.sum():,.0f} paths; {middle:.1%} of them are 18 to 36 layers long, and {share[-1]:.0e} go through all 54")

# %% [markdown]
# ## The block
#
# The block of {cite:t}`he2016`, for pictures. The branch is convolution, norm, ReLU, convolution, norm; then the addition; and the second ReLU *after* it:
#
# $$ y = \operatorname{ReLU}\bigl(\text{shortcut}(x) + \text{norm}_2(\text{conv}_2(\operatorname{ReLU}(\text{norm}_1(\text{conv}_1(x)))))\bigr). $$
#
# Convolutions are 3 × 3 with padding 1 and *without bias*: a bias before a norm is subtracted again with the mean. Only `conv1` has the block's stride. Where shape and channels stay, the shortcut is the identity. Where they change (stride not 1, or
# other channels), $x$ and the branch cannot be added, and the shortcut **projects**: a 1 × 1 convolution with the same stride, and a norm.
#
# One number by hand, the norms left out: $x = 2$, branch $-3$: $\operatorname{ReLU}(2 - 3) = 0$. ReLU on the branch first would give $\operatorname{ReLU}(2 + 0) = 2$: a block that can only add.

# %% exercise="ResidualBlock"
class ResidualBlock(nn.Module):
    """Two convolutions and a way past them.

    Parameters
    ----------
    in_channels, out_channels : before and after
    stride : of conv1 and of the projecting shortcut

    Attributes
    ----------
    conv1, conv2 : nn.Conv2d, 3 × 3, padding 1, no bias; conv1 has the stride
    norm1, norm2 : nn.BatchNorm2d
    shortcut : nn.Identity() where neither size nor channels change, else
        nn.Sequential(1 × 1 nn.Conv2d with the stride and no bias, nn.BatchNorm2d)
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, in_channels, h, w) to (n, out_channels, ⌈h / stride⌉, ⌈w / stride⌉); x stays."""
        ### BEGIN SOLUTION
        branch = F.relu(self.norm1(self.conv1(x)))
        branch = self.norm2(self.conv2(branch))
        return F.relu(self.shortcut(x) + branch)
        ### END SOLUTION


# %% check="ResidualBlock"
check(ResidualBlock)

# %% [markdown]
# ## Start by doing nothing
#
# If doing nothing is a good place to start, start there. Set the scale of `norm2` to 0: the branch gives 0, and at the first step a block is $\operatorname{ReLU}(\text{shortcut}(x))$, for the identity shortcut and positive $x$ just $x$. However deep, the network
# begins as a shallow one, and each branch grows as it is found useful. The scale must remain a parameter: its own gradient is not 0, so that it leaves 0 at the first step, and the convolutions follow at the second.

# %% exercise="start_as_identity"
def start_as_identity(blocks: list[nn.Module]) -> None:
    """Make every block's branch give 0, so that the block begins as its shortcut and a ReLU.

    Parameters
    ----------
    blocks : residual blocks with the attributes of `ResidualBlock`; changed in place. The scale
        (`weight`) of each `norm2` becomes 0. It remains the same parameter, and trainable. All else
        stays as it is: the other parameters, what is trainable, the modes. The list may be empty.

    Returns
    -------
    None
    """
    ### BEGIN SOLUTION
    for block in blocks:
        nn.init.zeros_(block.norm2.weight)
    ### END SOLUTION


# %% check="start_as_identity"
check(start_as_identity)

# %% [markdown]
# ## The answer, measured
#
# Before you run the cell, draw the gradient norm against the layer for 56 layers at the start, in four arrangements: plain; norm; norm and skip; skip. Then again after 30 steps of training.

# %%
ARRANGEMENTS = {
    "plain": {"norm": False, "skip": False},
    "norm": {"norm": True, "skip": False},
    "norm and skip": {"norm": True, "skip": True},
    "skip": {"norm": False, "skip": True},
}
fig, axes = plt.subplots(1, 2, figsize=(11.5, 4.4), sharey=True)
print(f"{'':14}    layer 2   layer 55   (geometric means of three seeds)")
for ax, steps, when in zip(axes, (0, 30), ("at the start", "after 30 steps"), strict=True):
    drawn = {}
    for name, switches in ARRANGEMENTS.items():
        norms, _ = gauges(56, **switches, steps=steps)
        print(f"{name:13}  {norms[0]:10.2g} {norms[-1]:10.2g}   {when}")
        if np.isfinite(norms).all():
            drawn[name] = (np.arange(2, 56), norms)
    plot_curves(drawn, xlabel="layer", ylabel="gradient norm", logy=True, ax=ax, title=titled(f"56 layers, {when}", SOURCE))
axes[1].set_ylabel("")
axes[1].text(5, 3e3, "skip alone: no longer a number", color=COLOURS["grey"])
plt.show()

# %% [markdown]
# At the start four towers of the same depth and width lie five powers of ten apart.
#
# - **Norm and skip** stays within a factor of ten. Every block adds one normalised branch to a sum that grows only slowly, and the gradient passes by undivided.
# - **Norm** alone has the explosion towards the input. After 30 steps it seems cured, and you know how: the weights there have grown, and the gradient has shrunk by as much.
# - **Skip** alone has large gradients everywhere. He's initialisation makes a branch even larger than what it is added to, so that the mean square of the signal more than doubles at every block, which is more than $2^{27}$ in all. The first steps end in infinities. (The paper's block has norms in its branch, for this reason among others.)
# - **Plain** had flat and harmless gradients, and they have faded after 30 steps, by a factor of about twenty near the output and more below: the upper layers know how often each digit occurs, and there is no more to be learned from a signal that is the same for all.
#
# And now train them. The same rate and the same batches for all. Which of the four arrangements learns with 56 layers? Is the deep one better than the shallow one, once both learn?

# %%
run_towers("skip", (8, 56), skip=True)

# %%
run_towers("norm and skip", DEPTHS, norm=True, skip=True)

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 4.3), sharey=True)
for ax, name, title in zip(axes, ("norm", "norm and skip"), ("Batch norm, no skip", "Batch norm and skip"), strict=True):
    smoothed = {f"{depth} layers": np.convolve(curves[name, depth], np.ones(15) / 15, mode="valid") for depth in DEPTHS}
    plot_curves(smoothed, xlabel="step", ylabel="training cross-entropy (nats)", title=titled(title, SOURCE), ax=ax)
    ax.set_ylim(0, 2.5)
axes[1].set_ylabel("")
plt.show()

print("validation accuracy, mean of three seeds ± their standard deviation")
print(f"{'':13}" + "".join(f"{depth:8} layers" for depth in DEPTHS))
for name in ARRANGEMENTS:
    cells = []
    for depth in DEPTHS:
        rights = [100 * right for _, right in results.get((name, depth), [])]
        cells.append(f"{np.mean(rights):8.1f} ± {np.std(rights, ddof=1):4.1f}" if rights else f"{'–':>15}")
    print(f"{name:13}" + "".join(cells))

# %% [markdown]
# That is the answer. With 56 layers, three of the four arrangements guess, or do little better; norm and skip together read 87 % of the pictures. The two columns on the left matter as much: with 8 layers neither is needed, and with 20 the norm alone goes about a third of the way. Parameters and data are the same in `norm` and in `norm and skip`,
# number for number; the only difference is the `x +`.
#
# Be exact about what was shown. Depth no longer *ruins* the training; it does not help here either: after so few steps 8 layers of this kind are about four points better than 56, since these flat digits do not need more. On larger pictures it does help: {cite:t}`he2016` had 152 layers beat 34 on ImageNet, and on CIFAR-10 a plain network of 56 layers had a higher *training* error than one of 20. As for the learning rate, none
# of five from 0.001 to 0.1 rescued another arrangement, and 0.03 was the best for norm and skip.
#
# :::{note}
# The block is in nearly every large network since, transformers included. *Why* it helps had more than one answer: {cite:t}`veit2016` the many short paths, {cite:t}`balduzzi2017` that gradients of plain deep networks look like noise from one input to the next. Each explains a part.
# :::
#
# ## A residual network for digits
#
# The network of {cite:t}`he2016` for small pictures, cut to ours. From the specification:
#
# | step | layer | attribute | shape after it |
# |---|---|---|---|
# | 1 | convolution 5 × 5, stride 2, padding 2, no bias; norm; ReLU | `stem`, `norm` | $(n, w_1, 14, 14)$ |
# | 2 | $k$ residual blocks of width $w_1$ | `blocks` | $(n, w_1, 14, 14)$ |
# | 3 | $k$ blocks of width $w_2$, the first with stride 2 | `blocks` | $(n, w_2, 7, 7)$ |
# | 4 | $k$ blocks of width $w_3$, the first with stride 2 | `blocks` | $(n, w_3, 4, 4)$ |
# | 5 | the largest number of each channel | | $(n, w_3)$ |
# | 6 | linear, to logits | `linear` | $(n, 10)$ |
#
# `blocks` is one `nn.Sequential` of $3k$ blocks. All start as the identity. Counting the layers with weights on the longest path gives $6k + 2$: eight for $k = 1$.

# %% exercise="ResNet"
class ResNet(nn.Module):
    """A residual network of depth 6 · per_stage + 2 for pictures of 28 × 28, as in the table.

    Parameters
    ----------
    per_stage : k, how many blocks each of the three stages has, at least 1
    widths : the channels of the three stages

    Attributes
    ----------
    stem, norm, blocks, linear : as in the table. The blocks are `ResidualBlock`s, and start as the
        identity: the scale of each `norm2` is 0 at first.
    """

    def __init__(self, per_stage: int = 1, widths: tuple[int, int, int] = (16, 32, 64)) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.stem = nn.Conv2d(1, widths[0], 5, stride=2, padding=2, bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        blocks, channels = [], widths[0]
        for stage, width in enumerate(widths):
            for place in range(per_stage):
                stride = 2 if stage > 0 and place == 0 else 1
                blocks.append(ResidualBlock(channels, width, stride))
                channels = width
        start_as_identity(blocks)
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(channels, 10)
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn pictures, shape (n, 1, 28, 28), into logits, shape (n, 10)."""
        ### BEGIN SOLUTION
        x = F.relu(self.norm(self.stem(x)))
        return self.linear(self.blocks(x).amax((2, 3)))
        ### END SOLUTION


# %% check="ResNet"
check(ResNet)

# %%
for per_stage in (1, 3, 9):
    net = ResNet(per_stage)
    print(f"ResNet-{6 * per_stage + 2}: {sum(p.numel() for p in net.parameters()):,} parameters")

# %% [markdown]
# ## A rate that rises and falls
#
# At the start the network is random and large steps hurt; in the middle they pay; at the end small ones settle. So the learning rate follows a **schedule**: up in a straight line over the first quarter (**warm-up**), then
# down along half a cosine to 0. Let $t = (\text{step} + \tfrac12)/\text{steps}$ be how far training has come in the *middle* of the step, the first step being 0, and $u$ the share of warm-up:
#
# $$ \eta = \eta_\text{peak} \cdot \begin{cases} t / u & t < u \\ \tfrac12 \bigl(1 + \cos \pi \tfrac{t - u}{1 - u}\bigr) & \text{otherwise.} \end{cases} $$
#
# By hand, 8 steps, $u = \tfrac14$, peak 1: step 0 has $t = 1/16$ and $\eta = 1/4$; step 1 has $3/4$; step 2 has $t = 5/16$ and $\tfrac12(1 + \cos 15°) = 0.983$.

# %% exercise="one_cycle"
def one_cycle(step: int, steps: int, peak: float, warm_up: float = 0.25) -> float:
    """Compute the learning rate of one step: linear warm-up, then a cosine to 0.

    Parameters
    ----------
    step : 0 … steps − 1
    steps : of the whole training, at least 1
    peak : the largest rate
    warm_up : u, the share of the training in which the rate rises; 0 ≤ u < 1. With 0 there is no
        warm-up.

    Returns
    -------
    the learning rate, a float, as in the formula
    """
    ### BEGIN SOLUTION
    t = (step + 0.5) / steps
    if t < warm_up:
        return peak * t / warm_up
    return peak * (1 + math.cos(math.pi * (t - warm_up) / (1 - warm_up))) / 2
    ### END SOLUTION


# %% check="one_cycle"
check(one_cycle)

# %%
fig, ax = plt.subplots(figsize=(7, 3))
ax.plot([one_cycle(step, 600, 1.0) for step in range(600)], color=COLOURS["blue"], linewidth=2.5)
ax.set(xlabel="step of 600", ylabel="rate / peak", title="Up in a line, down along a cosine")
plt.show()

# %% [markdown]
# ## The whole loop
#
# It is the loop you know, with a schedule in it. The optimiser is torch's `SGD` with momentum 0.9, Nesterov's variant and a weight decay of $5 \cdot 10^{-4}$:
# `torch.optim.SGD(model.parameters(), lr=peak, momentum=0.9, nesterov=True, weight_decay=5e-4)`. Its rate is set before each step with `group["lr"] = …` for each `group` in `optimiser.param_groups`.
#
# One thing is new. **Label smoothing** by $s$ asks for $1 - s + s/10$ for the right digit and $s/10$ for each other one, instead of 1 and 0, so that the network is not driven to be
# surer than it can know. `F.cross_entropy` does it when given `label_smoothing=s`.
#
# 1. For each epoch: the model into training mode (someone may have evaluated it in between); an order from `torch.randperm(n, generator=generator)`, cut into pieces of `batch_size`; the last may be shorter.
# 2. For each piece: the pictures, changed by `augment(pictures, generator)` where one is given; the mean cross-entropy, with `label_smoothing=smoothing`; the rate from `one_cycle`, counting the steps of *all* epochs, short batches included; one step. Record the loss as a number.
# 3. After each epoch, call `after_epoch(epoch)` where one is given, counting from 1.

# %% exercise="train"
def train(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    epochs: int,
    batch_size: int,
    peak: float,
    generator: torch.Generator,
    augment=None,
    after_epoch=None,
    smoothing: float = 0.0,
) -> list[float]:
    """Train a model in place with SGD under the one-cycle schedule.

    Parameters
    ----------
    model : maps pictures to logits; changed in place. It is in training mode whenever it learns.
    x, y : n inputs and their int64 labels; not changed
    epochs, batch_size : at least 1; the last batch of an epoch may be shorter, and counts
    peak : the largest learning rate, handed to `one_cycle` with its own warm-up
    generator : each epoch calls torch.randperm(n, generator=generator) once, before anything else;
        `augment` draws from it too
    augment : None, or a function of (inputs, generator) that returns what the model is to see
    after_epoch : None, or a function that is called with 1, 2, … after each epoch. It may leave the
        model in evaluation mode.
    smoothing : `label_smoothing` of the cross-entropy

    Returns
    -------
    one float for each step: the mean cross-entropy of its batch before the step, smoothed as it was
    used
    """
    ### BEGIN SOLUTION
    optimiser = torch.optim.SGD(
        model.parameters(), lr=peak, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    steps = epochs * math.ceil(len(x) / batch_size)
    losses: list[float] = []
    for epoch in range(epochs):
        model.train()
        for batch in torch.randperm(len(x), generator=generator).split(batch_size):
            shown = augment(x[batch], generator) if augment else x[batch]
            loss = F.cross_entropy(model(shown), y[batch], label_smoothing=smoothing)
            optimiser.zero_grad()
            loss.backward()
            for group in optimiser.param_groups:
                group["lr"] = one_cycle(len(losses), steps, peak)
            optimiser.step()
            losses.append(loss.item())
        if after_epoch:
            after_epoch(epoch + 1)
    return losses
    ### END SOLUTION


# %% check="train"
check(train)

# %% [markdown]
# ## The real run
#
# Now the eight-layer network on all the training pictures: two epochs, batches of 128, peak 0.2, label smoothing 0.1, the pictures shifted by at most one pixel with your `augment` of rung 9. These were chosen beforehand on the validation pictures. Other peaks, shifts, widths and optimisers all lay within three tenths of a point, hardly more than 5 000 pictures can tell apart. Two epochs with batches of 128 did as well as three with batches of 256, in three quarters of the time.
#
# Two things make it quick. You know `channels_last`. The other is **bfloat16**, a number of 16 bits with the range of float32 and only two or three significant digits. The layers compute in it; parameters, running statistics and loss stay in float32. It pays only on a processor with instructions for bfloat16, so the wrapper
# around the model asks `torch.cpu.get_capabilities()` first. The two trainings take about half a minute on two cores with such instructions, and somewhat longer without.

# %%
def course_augment(images: Tensor, limit: int, generator: torch.Generator) -> Tensor:
    """Move each picture by up to `limit` pixels, as in rung 9."""
    n, _, height, width = images.shape
    wide = F.pad(images, (limit,) * 4)
    corner = torch.randint(0, 2 * limit + 1, (n, 2), generator=generator)
    windows = wide.unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(n), :, corner[:, 0], corner[:, 1]]


augment = mine("ladder/09", "augment", otherwise=course_augment)


# Instructions for bfloat16 on Intel's and AMD's processors: then it is quicker than float32.
BFLOAT16 = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))


class Quick(nn.Module):
    """A model that computes in bfloat16 where that is quicker, and answers in float32."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=BFLOAT16):
            return self.model(x).float()


EPOCHS, BATCH = (2, 128) if FULL else (20, 64)
networks, rights = {}, {}  # by seed


def train_one(seed: int) -> None:
    """Train a network on all the training pictures, and print what it reads."""
    torch.manual_seed(seed)
    networks[seed] = network = Quick(ResNet())
    train(network, x_train, y_train, EPOCHS, BATCH, 0.2, torch.Generator().manual_seed(seed),
          augment=lambda shown, source: augment(shown, 1, source), smoothing=0.1)
    rights[seed] = share_right(network, x_test, y_test)
    print(f"seed {seed}: validation {share_right(network, x_valid, y_valid):.2%}, "
          f"test {rights[seed]:.2%} on {SOURCE}")


print("arithmetic in", "bfloat16" if BFLOAT16 else "float32")
train_one(seed=0)

# %% [markdown]
# One seed is one draw. The second:

# %%
train_one(seed=1)
mean = float(np.mean(list(rights.values())))
print(f"test accuracy, mean of two seeds {mean:.2%}, half their distance {abs(rights[0] - rights[1]) / 2:.2%}; "
      f"{len(y_test)} pictures alone leave ± {math.sqrt(mean * (1 - mean) / len(y_test)):.2%}")

# %% [markdown]
# The number to match is **99.3 %**, with 78 010 parameters and two passes over the data. Rung 9's network, with less than half the parameters, had about 99.1 %: what is won here is some thirty pictures of ten thousand, about four times the ± in the last line. This small step is not what the residual network is for. It is that the recipe goes on working when you make the network twenty times deeper.
#
# Two operations on the trained network. First fold every norm into its convolution, as a phone would. How many of the test answers may change?
#
# **Predict.** Then switch off one residual block at a time, by setting the scale and the shift of its `norm2` to 0, without any further training. (In
# a plain network, taking out a layer leaves nothing.) What is left of the accuracy without the middle one of the three blocks?

# %% predict="middle_block"
commit("middle_block", ..., sure=...)

# %%
def folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """The one convolution that does what the two did."""
    kernel, bias = fold_batch_norm(convolution.weight.detach(), norm)
    one = copy.deepcopy(convolution)
    one.weight, one.bias = nn.Parameter(kernel), nn.Parameter(bias.detach())
    return one


trained = copy.deepcopy(networks[0].model).eval()  # float32 here, so that nothing is blurred
light = copy.deepcopy(trained)
light.stem, light.norm = folded(light.stem, light.norm), nn.Identity()
for block in light.blocks:
    block.conv1, block.norm1 = folded(block.conv1, block.norm1), nn.Identity()
    block.conv2, block.norm2 = folded(block.conv2, block.norm2), nn.Identity()
    if isinstance(block.shortcut, nn.Sequential):
        block.shortcut = folded(*block.shortcut)
some = x_test[:2000]
with torch.no_grad():
    before, after = trained(some), light(some)
print(f"folded: largest change of a logit {(before - after).abs().max():.0e}, "
      f"answers changed {int((before.argmax(1) != after.argmax(1)).sum())} of {len(some)}")
print(f"all blocks on: {share_right(trained, some, y_test[:2000]):.1%} of {len(some)} test pictures")
without = []  # accuracy with each of the blocks off
for number in range(3):
    lesioned = copy.deepcopy(trained)
    start_as_identity([lesioned.blocks[number]])
    lesioned.blocks[number].norm2.bias.data.zero_()
    without.append(share_right(lesioned, some, y_test[:2000]))
    print(f"block {number} reduced to its shortcut: {without[-1]:.1%}")

# %% outcome="middle_block"
outcome("middle_block", round(100 * without[1], 1))

# %% [markdown]
# Folding changes no answer, and nineteen layers of arithmetic have become ten. The lesions are milder than they have any right to be. Without its middle block the network still has more than nine pictures in ten right, without the first or the last one about two in three, and nobody trained it for that: the paths that avoid the block go on
# working. {cite:t}`veit2016` did this with 54 blocks, where most of them could be taken out one at a time without anyone noticing.
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and an evening.
#
# - **Skips without norms.** Put one parameter $a$, starting at 0, before the branch of `Pair` ($x + a f(x)$) and train 56 layers without batch norm. *A good answer has three seeds beside the table above, and says what norm was still needed for.*
# - **The tidier order.** {cite:t}`he2016identity` put norm and ReLU *before* each convolution, so that nothing stands on the way of the skip. Rebuild `Pair` so. *Measure gradient norms at 56 and 200 layers.*
# - **Shattered gradients.** {cite:t}`balduzzi2017` looked not at how long gradients are but at how alike for neighbouring inputs. *For towers with one input number $x$ from −2 to 2, plot $dy/dx$ against $x$ for 2 and 50 layers, plain and residual, and say which looks like noise.*
# - **Small batches.** Train the ResNet with batches of 2, 8 and 32, and evaluate. Then replace the norms by `nn.GroupNorm`. *Where do they cross?*
#
# ## Explain it to a friend
#
# Aloud or in writing, as if to a friend who has not read this page:

# %% write="vanishing_claim"
write("vanishing_claim", """
""")

# %% write="two_modes"
write("two_modes", """
""")

# %% write="what_the_skip_changes"
write("what_the_skip_changes", """
""")

# %% [markdown]
# Next, [rung 11](11_word_mlp.ipynb) leaves pictures for words. The block comes back in [rung 13](13_causal_transformer.ipynb), with attention in its branch; and in [rung 14](14_fast_resnet.ipynb) you train such a network against the clock: on a GPU the aim is less than a second.
