# ---
# title: Modelling objectives
# subtitle: "Contrast, a bound, a game and noise: four losses that teach a network what no label says"
# part: research
# hours: 30
# needs: [ladder/04_softmax_classification, ladder/07_mnist_mlp, ladder/08_adam_optax, ladder/09_convnet]
# teaches: [contrastive learning, InfoNCE, supervised contrastive loss, collapse, VAE, ELBO, importance sampling, GAN, mode collapse, diffusion model]
# builds: contrastive losses with and without labels, classification by ten examples, a diagnosis of embeddings, the ELBO and the likelihood it bounds, a walk through a latent space, a GAN's losses and its coverage, a diffusion model forwards, exactly and backwards
# number: at least 97 % of MNIST's test digits from ten held-out examples a class, by mean similarity
# data: MNIST at 14 × 14 pixels
# run: ddpm
# readings:
#   - {key: khosla2020, where: "the part on method: the self-supervised loss, then the two ways to bring labels in", skip: "the large image experiments, at first"}
#   - {key: chen2020, where: "the part on method: the framework and the loss", skip: "the appendices on augmentations"}
#   - {key: kingma2014, where: "the part on method: the bound and the reparameterisation", skip: "the full variational treatment in the appendix"}
#   - {key: goodfellow2014, where: "the part on adversarial nets, with its remark on early learning", skip: "the proof of convergence, which assumes more than any training has"}
#   - {key: ho2020, where: "the background, and the simplified loss", skip: "the part on lossy compression, for now"}
# sections:
#   - {id: data, heading: "Pictures small enough", for: "four trainings fit on one page, and what a choice is made on is never what is reported", needs: [ladder/07#splits]}
#   - {id: objectives, heading: "One circle, four questions", for: "four points that are followed through every formula of the page", needs: []}
#   - {id: two_views, heading: "Which two belong together?", for: "the loss behind representations that learn without labels, CLIP's among them", needs: [objectives, ladder/04#softmax]}
#   - {id: supervised, heading: "Labels say who belongs together", for: "a representation in which new classes need ten examples and no training", needs: [two_views, data, ladder/08#adam, ladder/09#network]}
#   - {id: diagnosis, heading: "Four ways to fail", for: "telling a broken embedding from a good one before anything is built on it", needs: [supervised]}
#   - {id: bound, heading: "A code and its price", for: "the ELBO, which also stands behind diffusion models", needs: [objectives, data, ladder/04#likelihood]}
#   - {id: importance, heading: "How far below is the bound?", for: "an estimate with an error bar, and the sense to refuse one", needs: [bound]}
#   - {id: walk, heading: "A walk through the codes", for: "looking inside a latent space without leaving the region the decoder knows", needs: [bound]}
#   - {id: game, heading: "A forger and a judge", for: "training against a moving opponent, where no loss says how well it goes", needs: [data, ladder/04#likelihood]}
#   - {id: modes, heading: "What the losses did not say", for: "a measure for what a generator leaves out, with its uncertainty", needs: [game, supervised]}
#   - {id: forward, heading: "Noise in one jump", for: "training a diffusion model at any step without going through those before", needs: [objectives]}
#   - {id: exact, heading: "The best possible answer", for: "an oracle for a diffusion model: what a perfect network would say", needs: [forward, bound]}
#   - {id: denoiser, heading: "A network for pictures", for: "the model that the real run trains at full size", needs: [forward, ladder/09#network]}
#   - {id: back, heading: "The way back", for: "pictures out of noise, one Gaussian step after another", needs: [denoiser, exact]}
# recall:
#   - {id: one_point, section: two_views, transfer: true, q: "An encoder maps every picture to one vector. Its two-view loss, with 64 pictures in a batch, does not move from which value?", a: "$\\ln 127 = 4.84$: each of the 127 other views is as likely a partner as any."}
#   - {id: lone_anchor, section: supervised, transfer: true, q: "A batch of 32 pictures of 500 classes: most anchors have no positive. What must the supervised contrastive loss do with these?", a: "Leave them out of the mean. Counted as 0 they would look solved; divided by 0 positives they make the loss NaN."}
#   - {id: more_examples, section: supervised, transfer: true, q: "An eleventh digit is invented. What do you need before your encoder can recognise it by mean similarity?", a: "Ten pictures of it and no training. How well it goes depends on whether the encoder keeps apart what the digits did not need."}
#   - {id: mean_pixels, section: bound, transfer: true, q: "Somebody averages the reconstruction term over 784 pixels and sums the KL over 20 dimensions. What will the codes look like?", a: "Like the prior, for every picture: the KL weighs 784 times too much, so the encoder says nothing (posterior collapse)."}
#   - {id: below_by, section: importance, transfer: false, q: "By what does the ELBO lie below $\\log p(x)$?", a: "By the KL divergence of the encoder's Gaussian from the true posterior."}
#   - {id: nine_samples, section: importance, transfer: true, q: "1000 importance samples, and one carries 99 % of the weight. What is the effective number, and what do you report?", a: "About 1: $1/0.99^2$. Nothing: neither the estimate nor its error can be trusted."}
#   - {id: zero_of_twenty, section: modes, transfer: true, q: "A generator made 20 pictures and no 7 among them. Does it miss the sevens?", a: "That cannot be said. At a share of 5 %, none among 20 happens in a third of all cases ($0.95^{20} = 0.36$)."}
#   - {id: jump_between, section: forward, transfer: true, q: "$\\bar\\alpha$ is 0.5 at step 40 and 0.1 at step 80. A picture is at step 40. How much of its variance is left at step 80?", a: "$0.1/0.5 = 0.2$; the other 0.8 is new noise."}
#   - {id: floor_of_loss, section: exact, transfer: false, q: "Why does a perfect denoiser not reach a loss of 0?", a: "The same noisy point can come from several clean ones with other noise. The best answer is the mean of them, and the spread round it stays."}
# predictions:
#   - {id: hot_temperature, ask: "The encoder is trained for 100 steps at $\\tau = 0.1$, and another for as long at $\\tau = 1$. How does the second one's accuracy from ten examples compare with the first one's?", choices: ["more than 3 points lower", "within 3 points", "more than 3 points higher"], because: "With labels in the loss, both temperatures pull a class together. What changes is how much the nearest of the wrong ones count."}
#   - {id: bound_gap, ask: "By how many nats a picture does the ELBO of a VAE with 16 latent dimensions lie below its log-likelihood?", factor: 2.0, because: "The gap is the divergence of the encoder's Gaussian from the true posterior: a fraction of a nat for each dimension that is used."}
#   - {id: missed_classes, ask: "The same two networks and losses, without batch norm in the generator. How many of the ten digits does it surely miss?", choices: ["at most 2", "3 to 5", "6 or more"], because: "Batch norm makes a generator's pictures depend on each other, and keeps them from becoming all alike. Without it, the forger follows whatever fools the judge at the moment."}
#   - {id: perfect_loss, ask: "The mean squared error of ε for the *perfect* denoiser of four small blobs in the plane, averaged over all levels of noise: which is it?", choices: ["0", "between 0.1 and 0.5", "about 1"], because: "Much of the noise can be read off where blobs are far apart, and none of it where they overlap: at low noise the blob's own spread hides it."}
# written:
#   - {id: which_objective, ask: "A friend wants to find near-duplicates among a million photographs, and another wants to generate faces. Which of the four objectives for each, and why not the others?", rubric: ["near-duplicates: a contrastive embedding with two views, since similarity is what is asked", "faces: a diffusion model or a GAN, since a sample is what is asked", "says what the VAE gives that neither has: a bound on the likelihood and an encoder", "names a failure to watch for in each choice"], answer: "Near-duplicates want a similarity, and a contrastive loss with two views trains exactly that; watch for collapse, and for views that leave out what matters. Faces want samples: a GAN is quick to sample and may leave out modes without its loss showing it; a diffusion model covers them and is slow. A VAE gives a bound on the likelihood and a code, at the price of blurred samples."}
#   - {id: loss_says, ask: "For each of the four models: what does its loss, by itself, tell you about how well training goes?", rubric: ["contrastive: it can be compared within a batch size and a temperature only", "ELBO: nats, comparable between models of the same pixels", "GAN: nearly nothing, since the opponent moves too", "diffusion: comparable at one schedule, and has a floor above 0"], answer: "A contrastive loss depends on batch size and temperature, and compares runs that share both. The ELBO is in nats and compares models of the same data. A GAN's losses say who is ahead, not how good the pictures are. The denoising loss compares runs with one schedule; its floor is above 0 and mostly unknown."}
#   - {id: exact_oracle, ask: "Why is it worth solving a mixture of Gaussians exactly before training on pictures?", rubric: ["gives the right answer to compare a network with, at every level", "separates the loss that cannot be avoided from the network's own error", "a bug shows there that pictures would hide"], answer: "There the best answer is known at every point and level, so the network's own error can be told from the part of the loss that nobody can avoid. A wrong coefficient shows at once, where pictures would only look a little worse."}
# ---

# %% [markdown]
# # Modelling objectives
#
# Two generators of digits have trained for the same time with the same two losses. No curve ran away, and no
# number on it is absurd. One of them draws all ten digits. The other leaves some out. The
# losses do not say which is which, nor how many. On this page you will make both, and measure what the losses hide.
#
# A label is one way to say what a network should learn. Here are four others, each in its smallest honest form. One
# asks which pictures belong together. One asks for a code and makes it pay. One lets two networks
# play against each other, and one takes noise off. For each there is something exact to hold it against.
#
# **You need** [rung 8](../ladder/08_adam_optax.ipynb) (Adam) and [rung 9](../ladder/09_convnet.ipynb) (convolutions).
# **You will have** four trained models of your own, and a diffusion model for the real run. **It takes** about
# thirty hours with the papers, which are meant to be read alongside.

# %% tags=["setup"]
import math
from collections.abc import Callable, Iterable

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
from descent.figures import COLOURS, diffusion_figure, plot_curves, show_digits, titled, use_style

chapter("research/05_modeling_objectives")
use_style()

# %% [markdown]
# ## Pictures small enough
#
# Four trainings have to fit on this page, so the digits are made smaller: each square of four pixels becomes its
# mean, 14 × 14 in all. The training set is cut once more. The last sixth is held out, to choose and to take examples
# from. The test set is only for reporting.

# %%
def halved(images: np.ndarray) -> Tensor:
    """Digits of 28 × 28 bytes as (n, 1, 14, 14) numbers, from 0 for paper to 1 for ink."""
    return F.avg_pool2d(torch.from_numpy(images).float()[:, None] / 255, 2)


train_set, test_set = mnist("train"), mnist("test")
digits, labels = halved(train_set.images), torch.from_numpy(train_set.labels)
test_digits, test_labels = halved(test_set.images), torch.from_numpy(test_set.labels)
cut = len(digits) * 5 // 6
held_digits, held_labels = digits[cut:], labels[cut:]
digits, labels = digits[:cut], labels[:cut]
print(f"{train_set.source}: {len(digits)} to train on, {len(held_digits)} held out, {len(test_digits)} to report on")
show_digits(digits[:16, 0], columns=16)

# %% [markdown]
# All trainings of this page use the same loop. `loss` draws a batch of its own; the rate falls along half a cosine.

# %%
def fit(parameters: Iterable[nn.Parameter], loss: Callable[[], Tensor], steps: int, rate: float) -> list[float]:
    """Minimise with Adam; return the loss at every step."""
    optimiser = torch.optim.Adam(parameters, lr=rate)
    losses = []
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * (1 + math.cos(math.pi * step / steps)) / 2
        value = loss()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(value.item())
    return losses


def any_of(count: int, size: int) -> Tensor:
    """Numbers of `size` pictures out of `count`, drawn with replacement."""
    return torch.randint(count, (size,))


# %% [markdown]
# ## One circle, four questions
#
# Four points on a circle go with us through the page: $A = (1, 0)$, $B = (0.6, 0.8)$, $C = (0, 1)$ and
# $D = (-0.8, 0.6)$. All have length 1, so a dot product of two is the cosine of the angle between them. Each
# objective asks another question about them.

# %% tags=["hide-input"]
circle = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]])
fig, axes = plt.subplots(1, 4, figsize=(13, 3.9), sharex=True, sharey=True)
titles = ["Contrast: who is near?", "VAE: what does a code cost?", "GAN: what is left out?", "Diffusion: which noise?"]
shapes = ["picture (1, 14, 14) → z (64)", "picture → μ, log σ² (16) → z → picture", "z (32) → picture → real?", "picture, t → noise (1, 14, 14)"]
around = torch.linspace(0, 2 * math.pi, 200)
for ax, title, shape in zip(axes, titles, shapes, strict=True):
    ax.plot(around.cos(), around.sin(), color="#D1D5DB", lw=1)
    ax.set(aspect="equal", xlim=(-1.9, 1.9), ylim=(-1.9, 1.9), xlabel=shape)
    ax.set_title(title, fontsize=11)
    ax.xaxis.label.set_fontsize(9.5)
for ax in (axes[0], axes[2], axes[3]):
    for name, point in zip("ABCD", circle, strict=True):
        ax.plot(*point, "o", color=COLOURS["blue"] if name in "AB" else COLOURS["orange"])
        ax.annotate(name, 1.22 * point, ha="center", va="center")
axes[0].annotate("A·B = 0.6", (0.35, 0.25), color=COLOURS["blue"], fontsize=10)
axes[0].annotate("A·D = −0.8", (-1.0, -0.35), color=COLOURS["red"], fontsize=10)
axes[0].plot(*circle[:2].T, color=COLOURS["blue"], lw=1)
axes[0].plot(*circle[[0, 3]].T, color=COLOURS["red"], lw=1)
axes[1].plot(around.cos(), around.sin(), color=COLOURS["grey"], ls="--", lw=1)
axes[1].annotate("prior, one deviation wide", (-1.5, -1.4), color=COLOURS["grey"], fontsize=10)
axes[1].fill(0.6 + around.cos(), 0.8 + around.sin(), color=COLOURS["sky"], alpha=0.4, lw=0)
axes[1].annotate("q(z | x) at B:\nvariance 1,\ncosts 0.5 nats", (0.6, 0.8), ha="center", va="center", fontsize=10)
for point, share in zip(circle, (0.6, 0.4, 0.0, 0.0), strict=True):
    axes[2].annotate(f"{share:.0%}", 0.72 * point, ha="center", va="center", fontsize=10)
    axes[2].add_patch(plt.Circle(point, 0.32 * share, color=COLOURS["red"], alpha=0.4, lw=0))
axes[2].annotate("red: the forgeries", (-0.95, -1.4), color=COLOURS["red"], fontsize=10)
for point in circle:
    axes[3].annotate("", 0.8 * point, point, arrowprops={"arrowstyle": "->", "color": COLOURS["red"]})
    axes[3].add_patch(plt.Circle(0.8 * point, 0.6, color=COLOURS["grey"], alpha=0.15, lw=0))
axes[3].annotate("ᾱ = 0.64:\n0.8 x + 0.6 ε", (-0.55, -1.4), color=COLOURS["red"], fontsize=10)
plt.show()

# %% [markdown]
# ## Which two belong together?
#
# Make two views of every picture, by shifting it a little, say. A network that has understood the picture
# should give both views nearly the same vector, and other pictures other vectors. Turn that into a classification:
# *among all the other views, which one is my partner?* This is **contrastive learning**, and this loss is called
# **InfoNCE**, or NT-Xent by {cite:t}`chen2020`. With $2n$ vectors $z_i$ of length 1 and a **temperature** $\tau$,
#
# $$ \ell_i = -\log \frac{e^{z_i \cdot z_{p(i)} / \tau}}{\sum_{k \ne i} e^{z_i \cdot z_k / \tau}},
#    \qquad z: (2n, d), \quad p(i) = i \pm n. $$
#
# A view is never compared with itself: it would win every time. By hand, with the pairs $A, B$ and $C, D$ and
# $\tau = 0.5$: for $A$ the similarities to $B, C, D$ are $0.6, 0, -0.8$. The scores are
# $1.2, 0, -1.6$, the share of $B$ is $3.32 / (3.32 + 1 + 0.20) = 0.73$, and $\ell_A = 0.31$.
#
# Read the method of {cite:t}`chen2020` now, then come back.

# %% exercise="two_view_loss"
def two_view_loss(z: Tensor, temperature: float) -> Tensor:
    """Compute the contrastive loss of pairs of views, in nats.

    Parameters
    ----------
    z : shape (2n, d), vectors of length 1; rows i and i + n are two views of the same picture
    temperature : positive, down to 0.001

    Returns
    -------
    one number: the mean over all 2n anchors of −log of the share that the anchor's partner has in a
        softmax of similarity / temperature over the 2n − 1 *other* rows. With n = 1 it is 0.
    """
    ### BEGIN SOLUTION
    n = len(z) // 2
    itself = torch.eye(2 * n, dtype=torch.bool)
    scores = (z @ z.T / temperature).masked_fill(itself, -math.inf)
    return F.cross_entropy(scores, torch.arange(2 * n).roll(n))
    ### END SOLUTION


# %% check="two_view_loss"
check(two_view_loss)

# %% recall="two_views"
recall("two_views")

# %% [markdown]
# ## Labels say who belongs together
#
# Where labels are at hand, they can say who belongs together. An anchor then has several positives, and a question
# arises that the page above did not have: average the logarithms of their shares, or take the logarithm of their
# average? {cite:t}`khosla2020` compare both, and the mean outside of the logarithm does better. With $P(i)$ for the positives of
# $i$ in the batch, the **supervised contrastive loss** of one anchor is
#
# $$ \ell_i = -\frac{1}{|P(i)|} \sum_{p \in P(i)} \log \frac{e^{z_i \cdot z_p / \tau}}{\sum_{k \ne i} e^{z_i \cdot z_k / \tau}}. $$
#
# What if $P(i)$ is empty? Then the anchor has no question to answer, and it is left out. Mind how you leave it out:
# $0/0$ and $0 \cdot \infty$ are both NaN (not a number), and one NaN spoils the whole batch.
#
# Be clear about what this loss is told. It **sees the labels**. What it learns is a *geometry*, and that is what you
# will use.

# %% exercise="supervised_contrastive_loss"
def supervised_contrastive_loss(z: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Compute the contrastive loss that sees labels, in nats.

    This loss is told which pictures belong together, by their labels. It is not self-supervised.

    Parameters
    ----------
    z : shape (n, d), vectors of length 1, n at least 2
    labels : int64 of shape (n,)
    temperature : positive, down to 0.001

    Returns
    -------
    one number. For each anchor: the mean, over its positives (the other rows with its label), of
        −log of the positive's share in a softmax over all other rows. Then the mean over those
        anchors that have a positive; 0 where none has. The gradient with respect to z is there
        always, and finite.
    """
    ### BEGIN SOLUTION
    others = ~torch.eye(len(z), dtype=torch.bool)
    positive = (labels[:, None] == labels) & others
    scores = (z @ z.T / temperature).masked_fill(~others, -math.inf)
    log_share = scores.log_softmax(dim=1).masked_fill(~positive, 0.0)
    counts = positive.sum(dim=1)
    of_each = -log_share.sum(dim=1) / counts.clamp(min=1)
    return of_each.sum() / (counts > 0).sum().clamp(min=1)
    ### END SOLUTION


# %% check="supervised_contrastive_loss"
check(supervised_contrastive_loss)

# %% [markdown]
# A classifier without a classifier: take ten held-out examples of each class, and give a new picture the
# class to whose examples it is most similar on average. No weight is trained for it.

# %% exercise="classify_by_mean_similarity"
def classify_by_mean_similarity(
    queries: Tensor, examples: Tensor, labels: Tensor, classes: int
) -> Tensor:
    """Give each query the class whose examples are most similar to it on average.

    Parameters
    ----------
    queries : shape (m, d), vectors of any length but 0
    examples : shape (n, d), vectors of any length but 0
    labels : int64 of shape (n,), the examples' classes, in any order and any numbers of each
    classes : how many classes there are; some may have no example, and are never the answer

    Returns
    -------
    int64 of shape (m,): the class with the highest mean cosine of the angle to its examples
    """
    ### BEGIN SOLUTION
    similarity = F.normalize(queries) @ F.normalize(examples).T
    means = torch.full((len(queries), classes), -math.inf)
    for label in labels.unique():
        means[:, label] = similarity[:, labels == label].mean(dim=1)
    return means.argmax(dim=1)
    ### END SOLUTION


# %% check="classify_by_mean_similarity"
check(classify_by_mean_similarity)

# %% [markdown]
# Now train an encoder: two convolutions, 64 numbers, divided by their length.

# %%
class Encoder(nn.Module):
    """Pictures (n, 1, 14, 14) → vectors (n, 64) of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(288, 64),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.net(x))


def train_encoder(temperature: float, steps: int, seed: int = 0) -> tuple[Encoder, list[float]]:
    """Batches of 256 with labels."""
    torch.manual_seed(seed)
    encoder = Encoder()

    def loss() -> Tensor:
        batch = any_of(len(digits), 256)
        return supervised_contrastive_loss(encoder(digits[batch]), labels[batch], temperature)

    return encoder, fit(encoder.parameters(), loss, steps, 3e-3)


def ten_of_each(seed: int = 0) -> Tensor:
    """Numbers of ten held-out pictures a class."""
    order = torch.randperm(len(held_labels), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[held_labels[order] == label][:10] for label in range(10)])


@torch.no_grad()
def named(encoder: Encoder, pictures: Tensor, seed: int = 0) -> Tensor:
    """The digit of each picture, by its mean similarity to ten held-out examples a class."""
    chosen = ten_of_each(seed)
    return classify_by_mean_similarity(encoder(pictures), encoder(held_digits[chosen]), held_labels[chosen], 10)


encoder, contrast_losses = train_encoder(0.1, 300)
accuracies = [(named(encoder, test_digits, seed) == test_labels).float().mean().item() for seed in range(5)]
print(f"from ten examples a class: {np.mean(accuracies):.2%} of the test digits right "
      f"(± {np.std(accuracies, ddof=1):.2%} over five choices of the examples)")

# %% [markdown]
# That is the number to match: 97 %. And the examples cost no training: hand over ten pictures of a new class, and
# it takes part from then on. How well depends on whether the encoder keeps it apart from the others.
#
# How much of it is owed to the labels? Below is the same encoder with the two-view loss, which never sees one: its
# views are copies that are turned, stretched, slanted and shifted a little. Three seeds of each were recorded beforehand.

# %%
record = measured("modelling_objectives")
print(f"recorded beforehand, on {record['data']}: {record['command']}\n{record['date']}, {record['hardware']}\n")
for kind in ("with labels", "two views"):
    values = [row["accuracy"] for row in record["contrastive"] if row["loss"] == kind]
    print(f"{kind:<12} {np.mean(values):.2%} ± {np.std(values, ddof=1):.2%}")

# %% [markdown]
# A training without labels [in public code](https://github.com/AhmedOsman00py/deep-contrastive-learning) is
# reported at 92 % with a hundred labels. Without labels, somebody has to decide which changes leave a digit what it is. Shifts do; turning a 6 upside down
# does not. The views carry the knowledge that labels carry otherwise.
#
# **Predict.** What does the temperature do? Two encoders, a hundred steps each.

# %% predict="hot_temperature"
commit("hot_temperature", ..., sure=...)

# %%
held_accuracy = {}
for temperature in (0.1, 1.0):
    other, _ = train_encoder(temperature, 100)
    held_accuracy[temperature] = (named(other, held_digits[:4000]) == held_labels[:4000]).float().mean().item()
    print(f"τ = {temperature}: {held_accuracy[temperature]:.1%} of held-out digits right")
difference = held_accuracy[1.0] - held_accuracy[0.1]
said = "within 3 points" if abs(difference) <= 0.03 else f"more than 3 points {'lower' if difference < 0 else 'higher'}"

# %% outcome="hot_temperature"
outcome("hot_temperature", said)

# %% recall="supervised"
recall("supervised")

# %% [markdown]
# ## Four ways to fail
#
# Here are four encoders. Something was done to three of them, or to their output. Look at the similarities of 30 test
# pictures, three of each digit, before you read on. Which is which?

# %%
def attraction(z: Tensor, labels: Tensor) -> Tensor:
    """Pull together what shares a label, and push nothing apart."""
    same = labels[:, None] == labels
    return (1 - z @ z.T)[same].mean()


torch.manual_seed(1)
pulled = Encoder()
few = any_of(len(digits), 512)
fit(pulled.parameters(), lambda: attraction(pulled(digits[few]), labels[few]), 60, 3e-3)
shown = torch.cat([torch.nonzero(test_labels == label)[:3, 0] for label in range(10)])
with torch.no_grad():
    base, random_z = encoder(test_digits[shown]), torch.randn(30, 64)
    suspects = {
        "P": pulled(test_digits[shown]),
        "Q": base * torch.linspace(0.4, 1.4, 30)[:, None],
        "R": F.normalize(random_z),
        "S": base,
    }

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 4, figsize=(12, 3.4), sharey=True)
for ax, (name, z) in zip(axes, suspects.items(), strict=True):
    shown_map = ax.imshow(z @ z.T, vmin=-1, vmax=1, cmap="RdBu_r")
    ax.set_title(name)
    ax.set_xticks(range(1, 30, 3), range(10))
    ax.set_yticks(range(1, 30, 3), range(10))
    ax.grid(False)
axes[0].set_ylabel("digit")
fig.supxlabel("digit", fontsize=12)
fig.colorbar(shown_map, ax=axes, label="dot product")
plt.show()

# %% [markdown]
# The eye finds it in a picture of 30. For a thousand vectors it takes numbers. Go down this table; the first row that
# applies is the diagnosis. "Within" is the mean similarity of two *different* vectors with the same label, "across" that of
# two with different labels.
#
# | diagnosis | what is seen |
# |---|---|
# | not normalised | some length differs from 1 by more than 0.01 |
# | collapsed | across is above 0.9 |
# | mixed | within − across is below 0.2 |
# | one direction | the centred vectors have more than 0.9 of their variance along one direction |
# | healthy | none of these |
#
# **Collapse** is the famous one: an encoder that gives every picture the same vector makes every pair agree. A loss that only pulls
# together has this as its best answer. The order of the rows matters: a collapsed embedding has no gap either, but
# labels are not its problem.

# %% exercise="diagnose_embedding"
def diagnose_embedding(z: Tensor, labels: Tensor) -> str:
    """Say what is wrong with an embedding, by the table above.

    Parameters
    ----------
    z : shape (n, d), one vector for each picture
    labels : int64 of shape (n,); at least two labels, and at least one of them twice

    Returns
    -------
    "not normalised", "collapsed", "mixed", "one direction" or "healthy": the first row of the table
        that applies. A vector is never compared with itself. Mean similarities run over all pairs.
    """
    ### BEGIN SOLUTION
    if ((z.norm(dim=1) - 1).abs() > 0.01).any():
        return "not normalised"
    same = labels[:, None] == labels
    others = ~torch.eye(len(z), dtype=torch.bool)
    similarity = z @ z.T
    within, across = similarity[same & others].mean(), similarity[~same].mean()
    if across > 0.9:
        return "collapsed"
    if within - across < 0.2:
        return "mixed"
    variances = torch.linalg.svdvals(z - z.mean(dim=0)).square()
    return "one direction" if variances[0] > 0.9 * variances.sum() else "healthy"
    ### END SOLUTION


# %% check="diagnose_embedding"
check(diagnose_embedding)

# %%
for name, z in suspects.items():
    print(f"{name}: {diagnose_embedding(z, test_labels[shown])}")

# %% [markdown]
# ## A code and its price
#
# Now a network that *makes* pictures. A **variational autoencoder** (VAE) assumes that a picture $x$ is made in two
# steps. A code $z$ is drawn from a standard normal prior, then every pixel from a decoder, $p(x \mid z)$. What we want is
# $\log p(x)$, the log-likelihood, an integral over all codes that nobody can do. So {cite:t}`kingma2014` train an
# *encoder* as well. It says where the codes lie that could have made $x$: $q(z \mid x)$, a Gaussian with mean $\mu$ and variance
# $\sigma^2$ in each dimension. For any such $q$,
#
# $$ \log p(x) \;\ge\; \underbrace{\mathbb E_q \log p(x \mid z)}_{\text{how well the code explains}} -
#    \underbrace{\operatorname{KL}(q(z \mid x) \,\|\, p(z))}_{\text{what the code costs}}. $$
#
# The right side is the **ELBO** (evidence lower bound), and the gap is $\operatorname{KL}(q(z \mid x) \,\|\, p(z \mid x))$. Both
# terms are in nats. The price is the **Kullback-Leibler divergence**, the mean of $\log q - \log p$ under $q$. From the standard
# normal it is, in one dimension,
#
# $$ \operatorname{KL} = \tfrac12 \left( \sigma^2 + \mu^2 - 1 - \log \sigma^2 \right). $$
#
# By hand: a code at $B = (0.6, 0.8)$ with variances 1 costs $\tfrac12 (0.36 + 0.64) = 0.5$ nats. Your function is for *any* two
# Gaussians: diffusion models need that. So derive it, from the mean of $\log q - \log p$.

# %% exercise="gaussian_kl"
def gaussian_kl(
    mean: Tensor, log_variance: Tensor, other_mean: Tensor, other_log_variance: Tensor
) -> Tensor:
    """Compute KL(q ‖ p) of two Gaussians with independent dimensions, in nats.

    Parameters
    ----------
    mean, log_variance : shape (batch, d), of q; log_variance is log σ², from −60 to 60
    other_mean, other_log_variance : shape (batch, d), of p; the two log variances differ by little
        where they are large

    Returns
    -------
    shape (batch,): one divergence for each row
    """
    ### BEGIN SOLUTION
    ratio = log_variance - other_log_variance
    gap = (mean - other_mean).square() / other_log_variance.exp()
    return 0.5 * (ratio.exp() - ratio - 1 + gap).sum(dim=1)
    ### END SOLUTION


# %% check="gaussian_kl"
check(gaussian_kl)

# %% [markdown]
# The pixels are black or white here, so the decoder gives a logit for each, and $\log p(x \mid z)$ is a *sum* over all 196. The
# commonest fault of home-made VAEs is a mean in its place. It looks like a matter of scale. But the price is not
# divided along with it.

# %% exercise="elbo"
def elbo(logits: Tensor, pixels: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Compute the evidence lower bound of a VAE with black and white pixels, in nats a picture.

    Parameters
    ----------
    logits : shape (batch, …), the decoder's logit of ink at every pixel; may be in the hundreds
    pixels : float of the same shape, 0 or 1
    mean, log_variance : shape (batch, latent), the encoder's Gaussian; the prior is standard normal

    Returns
    -------
    one number, the mean over the pictures of: log-probability of all pixels of a picture, minus
        the divergence of its Gaussian from the prior
    """
    ### BEGIN SOLUTION
    surprise = F.binary_cross_entropy_with_logits(logits, pixels, reduction="none")
    prior = torch.zeros_like(mean)
    divergence = gaussian_kl(mean, log_variance, prior, prior)
    return (-surprise.flatten(1).sum(dim=1) - divergence).mean()
    ### END SOLUTION


# %% check="elbo"
check(elbo)

# %% [markdown]
# To train through a random draw, the **reparameterisation** writes $z = \mu + \sigma \varepsilon$ with $\varepsilon$ standard
# normal: the randomness comes from outside, and gradients reach $\mu$ and $\sigma$.

# %%
LATENT = 16


class Vae(nn.Module):
    """Pictures (n, 1, 14, 14) → mean and log variance of a code; codes (n, 16) → logits of ink."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(196, 256), nn.ReLU(), nn.Linear(256, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, 256), nn.ReLU(), nn.Linear(256, 196), nn.Unflatten(1, (1, 14, 14)))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance


torch.manual_seed(0)
vae = Vae()
black, test_black = (torch.rand_like(digits) < digits).float(), (torch.rand_like(test_digits) < test_digits).float()


def bound(x: Tensor) -> Tensor:
    """The ELBO of a batch, with one draw of every code."""
    mean, log_variance = vae.encode(x)
    z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
    return elbo(vae.decoder(z), x, mean, log_variance)


vae_losses = fit(vae.parameters(), lambda: -bound(black[any_of(len(black), 128)]), 1000, 2e-3)
with torch.no_grad():
    print(f"ELBO of the test digits: {bound(test_black):.1f} nats a picture; a model that knows nothing: {-196 * math.log(2):.1f}")

# %% [markdown]
# ## How far below is the bound?
#
# The bound alone does not say how good the *model* is: a poor encoder makes it low too. But $\log p(x)$ can be estimated. Draw $K$
# codes from the encoder and give each the weight $w = p(x, z) / q(z \mid x)$. The mean weight is $p(x)$ on
# average, whatever $q$ is: this is **importance sampling**. The logarithm of the mean weight lies above the mean
# of the logarithms, which is the ELBO.
#
# An estimate needs an error bar, and an alarm. If a few codes carry all the weight, neither estimate nor error is worth
# anything. The **effective number** $(\sum w)^2 / \sum w^2$ tells: it is $K$ for equal weights, and 1 where one
# rules. For the error: a mean with relative error $r$ has a logarithm with absolute error $r$.
#
# Your answer is a study: it is judged on a model whose likelihood is known. Two errors to either side must hold the truth as often as they should.

# %% exercise="importance_log_likelihood"
def importance_log_likelihood(log_joint: Tensor, log_proposal: Tensor) -> tuple[float, float]:
    """Estimate log p(x) of one picture from samples of its encoder, with an error bar.

    Parameters
    ----------
    log_joint : float64 of shape (K,), log p(x, z) at K samples z of the proposal, perhaps near
        −2000
    log_proposal : float64 of shape (K,), log q(z) at the same samples

    Returns
    -------
    the estimate: the logarithm of the mean weight w = p(x, z) / q(z), in nats
    its standard error: the standard deviation of the weights (with K − 1), divided by their mean
        and by √K

    Raises
    ------
    ValueError : the effective number of samples, (Σw)² / Σw², is below 10 (by more than rounding)
    """
    ### BEGIN SOLUTION
    log_weights = log_joint - log_proposal
    highest = log_weights.max()
    weights = (log_weights - highest).exp()
    effective = weights.sum() ** 2 / weights.square().sum()
    if effective < 9.9999:
        raise ValueError(f"only {effective:.1f} of {len(weights)} samples carry the weight")
    error = weights.std() / weights.mean() / math.sqrt(len(weights))
    return (weights.mean().log() + highest).item(), error.item()
    ### END SOLUTION


# %% check="importance_log_likelihood"
check(importance_log_likelihood)

# %% [markdown]
# **Predict.** A hundred test digits, 1000 codes for each. How large is the gap between the estimate and the ELBO?

# %% predict="bound_gap"
commit("bound_gap", ..., sure=...)

# %%
@torch.no_grad()
def log_weights_of(picture: Tensor, samples: int) -> tuple[Tensor, Tensor]:
    """log p(x, z) and log q(z | x) at codes drawn from the encoder; picture (1, 1, 14, 14)."""
    mean, log_variance = vae.encode(picture)
    deviation = (log_variance / 2).exp()
    z = mean + deviation * torch.randn(samples, LATENT)
    pixels = -F.binary_cross_entropy_with_logits(vae.decoder(z), picture.expand(samples, -1, -1, -1), reduction="none")
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    proposal = torch.distributions.Normal(mean, deviation).log_prob(z).sum(dim=1)
    return (pixels.flatten(1).sum(dim=1) + prior).double(), proposal.double()


bounds, estimates, refused = [], [], 0
for picture in test_black[:100, None]:
    joint, proposal = log_weights_of(picture, 1000)
    try:
        estimates.append(importance_log_likelihood(joint, proposal)[0])
        bounds.append((joint - proposal).mean().item())
    except ValueError:
        refused += 1
gap = np.mean(estimates) - np.mean(bounds)
print(f"ELBO {np.mean(bounds):.2f}, log-likelihood {np.mean(estimates):.2f}: the bound lies {gap:.2f} nats below; {refused} of 100 refused")

# %% outcome="bound_gap"
outcome("bound_gap", gap)

# %% recall="importance"
recall("importance")

# %% [markdown]
# ## A walk through the codes
#
# What lies between a 1 and a 7? Decode the codes between theirs. Not along the straight line: in 16 dimensions the
# prior's codes have lengths near $\sqrt{16} = 4$. The middle of a line between two of them is much shorter, and there the
# decoder has seen little. So turn along a great circle. With $u, v$ for the unit vectors and $\omega$ for the angle
# between them,
#
# $$ \frac{\sin((1 - s)\,\omega)\, u + \sin(s\,\omega)\, v}{\sin \omega}, \qquad 0 \le s \le 1, $$
#
# and let the length change evenly. On our circle the walk from $A$ to $C$ has 90° to go, and passes $B$ at 53°. Think of
# the cases in which $\sin \omega$ is 0.

# %% exercise="latent_walk"
def latent_walk(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Walk from one latent vector to another along a great circle.

    Parameters
    ----------
    start, end : shape (d,), neither of them 0
    steps : how many points, both ends among them; at least 2

    Returns
    -------
    shape (steps, d): the direction turns by the same angle at every step, and the length changes by
        the same amount. Where both point the same way the walk is a straight line.

    Raises
    ------
    ValueError : the two point in opposite directions (an angle within 0.001 of π)
    """
    ### BEGIN SOLUTION
    share = torch.linspace(0, 1, steps)[:, None]
    first, last = start.norm(), end.norm()
    u, v = start / first, end / last
    angle = torch.arccos((u @ v).clamp(-1, 1))
    if angle > math.pi - 0.001:
        raise ValueError("between opposite directions no great circle is the shortest")
    if angle < 0.001:
        return (1 - share) * start + share * end
    turned = (((1 - share) * angle).sin() * u + (share * angle).sin() * v) / angle.sin()
    return ((1 - share) * first + share * last) * turned
    ### END SOLUTION


# %% check="latent_walk"
check(latent_walk)

# %%
with torch.no_grad():
    codes = vae.encode(test_black)[0]
    first = {label: torch.nonzero(test_labels == label)[0, 0] for label in (0, 1, 3, 4, 7, 9)}
    rows = [latent_walk(codes[first[a]], codes[first[b]], 12) for a, b in ((1, 7), (3, 0), (4, 9))]
    walked = vae.decoder(torch.cat(rows)).sigmoid()
    dreamed = vae.decoder(torch.randn(24, LATENT)).sigmoid()
print("three walks: 1 to 7, 3 to 0, 4 to 9; below, codes drawn from the prior")
show_digits(torch.cat([walked, dreamed])[:, 0], columns=12)

# %% [markdown]
# The walk is smooth, and so are the pictures: soft where the decoder is unsure, since the mean of several sharp answers is a
# blurred one. The next model is not allowed to blur.
#
# ## A forger and a judge
#
# In a **GAN** (generative adversarial network) {cite:p}`goodfellow2014` a generator turns random numbers into pictures, and a discriminator says for each
# picture whether it is real. The discriminator's logit is large for "real". It learns by classification, with both
# batches weighing alike. The generator learns to have its pictures taken for real.
#
# How should one write the second? "Make the discriminator wrong" suggests minimising $\log(1 - D)$ for
# forgeries, with $D$ the sigmoid of the logit $a$. Its gradient with respect to $a$ is $-D$. Early in training the judge is sure, $D$ is nearly 0,
# and the forger learns nothing when it has most to learn. Minimise $-\log D$ instead: gradient $-(1 - D)$, nearly $-1$
# there. That is the **non-saturating** loss, and the one to write.

# %% exercise="gan_losses"
def gan_losses(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the losses of a discriminator and of a generator that does not give up, in nats.

    Parameters
    ----------
    real_logits, fake_logits : the discriminator's logits of "real" for a batch of real pictures and
        for one of forgeries, of shape (n,) or (n, 1); the batches may differ in size, and logits
        may be in the hundreds

    Returns
    -------
    the discriminator's loss: its mean surprise at the real batch plus that at the fake one
    the generator's loss: the mean of −log of the probability that a forgery is taken for real
    """
    ### BEGIN SOLUTION
    judge = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    return judge, F.softplus(-fake_logits).mean()
    ### END SOLUTION


# %% check="gan_losses"
check(gan_losses)

# %%
CODE = 32


def make_generator(normed: bool) -> nn.Sequential:
    """Codes (n, 32) → pictures (n, 196) from −1 to 1; batch norm or not."""
    norms = [nn.BatchNorm1d(256) if normed else nn.Identity() for _ in range(2)]
    return nn.Sequential(nn.Linear(CODE, 256), norms[0], nn.ReLU(), nn.Linear(256, 256), norms[1], nn.ReLU(), nn.Linear(256, 196), nn.Tanh())


def duel(normed: bool, steps: int, seed: int = 0) -> tuple[nn.Sequential, dict[str, list[float]]]:
    """Train a generator and a discriminator in turns, on batches of 64."""
    torch.manual_seed(seed)
    forger = make_generator(normed)
    judge = nn.Sequential(nn.Linear(196, 256), nn.LeakyReLU(0.2), nn.Linear(256, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
    forger_steps, judge_steps = (torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (forger, judge))
    losses: dict[str, list[float]] = {"discriminator": [], "generator": []}
    for _ in range(steps):
        real = digits[any_of(len(digits), 64)].flatten(1) * 2 - 1
        judge_loss, _ = gan_losses(judge(real), judge(forger(torch.randn(64, CODE)).detach()))
        judge_steps.zero_grad()
        judge_loss.backward()
        judge_steps.step()
        _, forger_loss = gan_losses(judge(real), judge(forger(torch.randn(64, CODE))))
        forger_steps.zero_grad()
        forger_loss.backward()
        forger_steps.step()
        losses["discriminator"].append(judge_loss.item())
        losses["generator"].append(forger_loss.item())
    return forger.eval(), losses


forger, duel_losses = duel(normed=True, steps=1000)
with torch.no_grad():
    forged = (forger(torch.randn(1000, CODE)).reshape(-1, 1, 14, 14) + 1) / 2
show_digits(forged[:32, 0], columns=16)

# %% [markdown]
# Nobody told it what a digit is. Now the other generator of the opening: the same, without batch norm.

# %%
plain_forger, plain_losses = duel(normed=False, steps=1000)
with torch.no_grad():
    plain_forged = (plain_forger(torch.randn(1000, CODE)).reshape(-1, 1, 14, 14) + 1) / 2
curves = {}
for kind, losses in (("with norm", duel_losses), ("without", plain_losses)):
    for name, values in losses.items():
        curves[f"{name}, {kind}"] = (np.arange(25, 1000, 50), np.array(values).reshape(20, 50).mean(axis=1))
plot_curves(curves, xlabel="step", ylabel="loss (nats)", title="Which of the two draws all ten digits?")
plt.show()

# %% [markdown]
# ## What the losses did not say
#
# The curves say who is ahead in the game. They do not say what a generator leaves out, its **mode collapse**. So count: your own encoder
# names a thousand forgeries. A digit counts as covered if at least 2 % of them show it.
#
# Counts are uncertain, and a conclusion has to say so. From $n$ pictures with a share $\hat p$ of one digit, Wilson's 95 %
# interval, with $z = 1.96$, is
#
# $$ \frac{\hat p + \frac{z^2}{2n}}{1 + \frac{z^2}{n}} \;\pm\; \frac{z}{1 + \frac{z^2}{n}}
#    \sqrt{\frac{\hat p\,(1 - \hat p)}{n} + \frac{z^2}{4n^2}}. $$
#
# Why not the plain $\hat p \pm z \sqrt{\hat p (1 - \hat p) / n}$? At a count of 0 it has no width at all, and is sure of
# everything after one picture. On our circle: 20 forgeries, 12 at $A$, 8 at $B$, none at $C$ or $D$. For $C$ the
# interval reaches from 0 to 0.16. At a limit of 2 %, $C$ is neither surely covered nor surely missed.

# %% exercise="modes_covered"
def modes_covered(counts: list[int], least: float) -> tuple[int, int]:
    """Say how many classes a generator surely covers, and how many it surely misses.

    Parameters
    ----------
    counts : for each class, how many of the generator's pictures a classifier took for it
    least : the share that counts as covered, between 0 and 1

    Returns
    -------
    covered : the number of classes whose 95 % interval (Wilson's, z = 1.96) lies above `least`
    missed : the number of classes whose interval lies below `least`. The others are undecided.

    Raises
    ------
    ValueError : there are no pictures at all
    """
    ### BEGIN SOLUTION
    n = sum(counts)
    if n == 0:
        raise ValueError("nothing follows from no pictures")
    # `least` lies outside of Wilson's interval where it would be off by more than 1.96 of *its own*
    # deviations.
    deviation = math.sqrt(least * (1 - least) / n)
    scores = (torch.tensor(counts) / n - least) / deviation
    return int((scores > 1.96).sum()), int((scores < -1.96).sum())
    ### END SOLUTION


# %% check="modes_covered"
check(modes_covered)

# %% [markdown]
# **Predict.** How many of the ten digits does the generator without batch norm surely miss?

# %% predict="missed_classes"
commit("missed_classes", ..., sure=...)

# %%
for name, pictures in (("with batch norm", forged), ("without", plain_forged)):
    counts = torch.bincount(named(encoder, pictures), minlength=10).tolist()
    covered, missed = modes_covered(counts, 0.02)
    print(f"{name:<16} {counts}: {covered} surely covered, {missed} surely missed")
missed_words = "at most 2" if missed <= 2 else "3 to 5" if missed <= 5 else "6 or more"
show_digits(plain_forged[:32, 0], columns=16)

# %% outcome="missed_classes"
outcome("missed_classes", missed_words)

# %%
for row in record["duels"]:
    kind = "with batch norm" if row["batch norm"] else "without"
    print(f"{kind:<16} seed {row['seed']}: {row['covered']} surely covered, {row['missed']} surely missed")

# %% [markdown]
# A count by a classifier has a blind spot: it forces every picture into one of ten drawers, a scribble too. It finds what is missing; it does not
# say that what is there looks right. That is why you looked, too.

# %% recall="modes"
recall("modes")

# %% [markdown]
# ## Noise in one jump
#
# The fourth idea needs no opponent. Ruin a picture slowly with noise, in $T$ steps, and teach a network to go one step back. In each step the
# picture shrinks a little and gets noise of variance $\beta_t$, so that the whole keeps its variance:
# $x_t = \sqrt{1 - \beta_t}\, x_{t-1} + \sqrt{\beta_t}\, \varepsilon$. Gaussian noise on Gaussian noise is Gaussian, so many steps are one
# jump. With $\bar\alpha_t = (1 - \beta_1) \cdots (1 - \beta_t)$, the share of the variance that is left,
#
# $$ x_t = \sqrt{\bar\alpha_t}\; x_0 + \sqrt{1 - \bar\alpha_t}\; \varepsilon. $$
#
# By hand: at $\bar\alpha = 0.64$ our point $B$ is at $0.8\,B = (0.48, 0.64)$, plus 0.6 times the noise. Two schedules are in use:
#
# | schedule | $\beta_t$, limited to at most 0.999 |
# |---|---|
# | linear {cite:p}`ho2020` | evenly from $10^{-4} \cdot 1000/T$ at $t = 1$ to $0.02 \cdot 1000/T$ at $t = T$ |
# | cosine {cite:p}`nichol2021` | $1 - f(t)/f(t - 1)$ with $f(t) = \cos^2\!\left(\frac{t/T + 0.008}{1.008} \cdot \frac{\pi}{2}\right)$ |

# %% exercise="noise_levels"
def noise_levels(steps: int, schedule: str) -> Tensor:
    """Compute which share of a picture's variance is left after each step of noise.

    Parameters
    ----------
    steps : T, at least 2
    schedule : "linear" or "cosine", by the table above

    Returns
    -------
    float32 of shape (steps + 1,): entry t is ᾱ after t steps, so the first is 1. No step adds more
        than 0.999 of the variance.

    Raises
    ------
    ValueError : any other schedule
    """
    ### BEGIN SOLUTION
    if schedule == "linear":
        added = torch.linspace(1e-4, 0.02, steps) * 1000 / steps
    elif schedule == "cosine":
        done = torch.arange(steps + 1) / steps
        left = torch.cos((done + 0.008) / 1.008 * math.pi / 2) ** 2
        added = 1 - left[1:] / left[:-1]
    else:
        raise ValueError(f"schedule is 'linear' or 'cosine', not {schedule!r}")
    return torch.cat([torch.ones(1), (1 - added.clamp(max=0.999)).cumprod(dim=0)])
    ### END SOLUTION


# %% check="noise_levels"
check(noise_levels)

# %% [markdown]
# The closed form begins at the clean picture. Yours shall jump from *any* step to any later one. What is left of $x_s$ at step $t$? Not
# $\bar\alpha_t$: part of it was gone by step $s$ already.

# %% exercise="noised"
def noised(x: Tensor, kept: Tensor, start: Tensor, end: Tensor, noise: Tensor) -> Tensor:
    """Go from one step of noise to a later one in a single jump.

    Parameters
    ----------
    x : shape (batch, …), each row as it is after its own number of steps
    kept : shape (T + 1,), ᾱ after 0, 1, …, T steps, falling from 1 and never 0
    start, end : int64 of shape (batch,), for each row the step it is at and the one to reach;
        start ≤ end, and where they are equal the row stays as it is
    noise : standard normal, of the shape of x

    Returns
    -------
    of the shape of x: the rows at step `end`, made with this noise
    """
    ### BEGIN SOLUTION
    left = (kept[end] / kept[start]).reshape(-1, *[1] * (x.ndim - 1))
    return left.sqrt() * x + (1 - left).sqrt() * noise
    ### END SOLUTION


# %% check="noised"
check(noised)

# %%
STEPS = 200
kept = noise_levels(STEPS, "cosine")
times = torch.tensor([0, 20, 60, 100, 140, 180, 200])
strip = noised((digits[5:6] * 2 - 1).expand(7, -1, -1, -1), kept, torch.zeros(7).long(), times, torch.randn(7, 1, 14, 14))
show_digits(strip[:, 0], titles=[f"t = {t}\nᾱ = {kept[t]:.2f}" for t in times], columns=7)

# %% recall="forward"
recall("forward")

# %% [markdown]
# ## The best possible answer
#
# A **diffusion model** is trained on one question: here is $x_t$; which $\varepsilon$ is in it? The loss is a squared error,
# so the best answer is the mean of $\varepsilon$ given $x_t$. For digits nobody knows that mean. For a mixture of Gaussians it can be
# worked out. Let $x_0$ come from part $k$ with probability $w_k$, with centre $c_k$ and standard deviation $s$. Then
#
# - given the part, $x_t$ is Gaussian around $\sqrt{\bar\alpha}\, c_k$ with variance $v = \bar\alpha s^2 + 1 - \bar\alpha$;
# - given $x_t$ and the part, $\varepsilon$ has mean $\sqrt{1 - \bar\alpha}\,(x_t - \sqrt{\bar\alpha}\, c_k)/v$;
# - and which part it was, Bayes' rule says.
#
# Put them together. The result is $-\sqrt{1 - \bar\alpha}$ times the **score**, the gradient of the log-density of the noisy points.

# %% exercise="exact_noise"
def exact_noise(x: Tensor, kept: float, centres: Tensor, weights: Tensor, spread: float) -> Tensor:
    """Compute the noise that is to be expected in noisy points of a mixture of Gaussians.

    Parameters
    ----------
    x : shape (batch, d), points √ᾱ x₀ + √(1 − ᾱ) ε; perhaps a hundred away from all centres
    kept : ᾱ, from 0 to 1
    centres : shape (parts, d)
    weights : shape (parts,), adding up to 1; some may be 0
    spread : the standard deviation of every part, in every direction; 0 only where kept < 1

    Returns
    -------
    shape (batch, d): the mean of ε given x, exactly
    """
    ### BEGIN SOLUTION
    variance = kept * spread**2 + 1 - kept
    gap = x[:, None] - math.sqrt(kept) * centres
    shares = (weights.log() - gap.square().sum(dim=-1) / (2 * variance)).softmax(dim=1)
    return math.sqrt(1 - kept) * (shares[..., None] * gap).sum(dim=1) / variance
    ### END SOLUTION


# %% check="exact_noise"
check(exact_noise)

# %% [markdown]
# Our four points, with a spread of 0.18. Move the noise level, and let noise run back along the exact answer: no
# network is in this figure.

# %%
diffusion_figure(centres=circle.tolist(), weights=[0.25] * 4)

# %% [markdown]
# **Predict.** With the exact answer in hand, one can compute the loss of a perfect network. Which is it, averaged over all steps?

# %% predict="perfect_loss"
commit("perfect_loss", ..., sure=...)

# %%
SPREAD = 0.18
weights = torch.full((4,), 0.25)


def blobs(n: int) -> Tensor:
    """Points of the mixture round the four points of the circle."""
    return circle[any_of(4, n)] + SPREAD * torch.randn(n, 2)


def perfect_error(t: int, n: int = 2000) -> float:
    """The mean squared error of the exact answer at step t."""
    clean, noise = blobs(n), torch.randn(n, 2)
    x = kept[t].sqrt() * clean + (1 - kept[t]).sqrt() * noise
    return (exact_noise(x, kept[t].item(), circle, weights, SPREAD) - noise).square().mean().item()


floor = {t: perfect_error(t) for t in range(1, STEPS + 1, 3)}
floor_mean = float(np.mean(list(floor.values())))
print(f"the loss of the perfect denoiser, averaged over the steps: {floor_mean:.2f}")
floor_words = "0" if floor_mean < 0.05 else "between 0.1 and 0.5" if 0.1 <= floor_mean <= 0.5 else "about 1"

# %% outcome="perfect_loss"
outcome("perfect_loss", floor_words)

# %% [markdown]
# So a loss far above 0 is no sign of a poor network. Train one, and compare it with the *exact answer* rather than with 0.

# %%
def waves(share: Tensor) -> Tensor:
    """Shares of the way (batch,), from 0 to 1 → six cosines and six sines of them, (batch, 12)."""
    angles = share[:, None] * math.pi * 2.0 ** torch.arange(6, device=share.device)
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def denoising_loss(model: nn.Module, clean: Tensor) -> Tensor:
    """Mean squared error of the noise found, each row at a step of its own."""
    t, noise = torch.randint(1, STEPS + 1, (len(clean),)), torch.randn_like(clean)
    return F.mse_loss(model(noised(clean, kept, torch.zeros_like(t), t, noise), t), noise)


class PointDenoiser(nn.Module):
    """Noisy points (n, 2), steps (n,) → noise (n, 2)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(14, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 2))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.net(torch.cat([x, waves(t / STEPS)], dim=1))


torch.manual_seed(0)
point_model = PointDenoiser()
fit(point_model.parameters(), lambda: denoising_loss(point_model, blobs(256)), 1500, 5e-3)
own, unavoidable = [], []
with torch.no_grad():
    for t in floor:
        x = kept[t].sqrt() * blobs(1000) + (1 - kept[t]).sqrt() * torch.randn(1000, 2)
        exact = exact_noise(x, kept[t].item(), circle, weights, SPREAD)
        own.append((point_model(x, torch.full((1000,), t)) - exact).square().mean().item())
plot_curves({"nobody can avoid": (list(floor), list(floor.values())), "the network's own": (list(floor), own)},
            xlabel="step t", ylabel="squared error of ε", title="Most of the loss is nobody's fault")
plt.show()
print(f"averaged: {floor_mean:.3f} unavoidable, {np.mean(own):.3f} the network's own")

# %% recall="exact"
recall("exact")

# %% [markdown]
# ## A network for pictures
#
# Pictures have detail and meaning at once. So the network looks at three grids, each half as fine as the one before. On the way
# up, the detail is handed across: a small U-Net. It is told the step through `waves`, at every grid. $C$ stands for `width`.
#
# | name | reads | gives | how |
# |---|---|---|---|
# | `step` | `waves(t / noise_steps)` | $7C$ numbers | linear; the row is cut into $C$, $2C$ and $4C$: told₁, told₂, told₃ |
# | `stem` | $x$, 1 channel | fine: $C$ | convolution, + told₁, SiLU |
# | `down` | fine | half: $2C$ | convolution with stride 2, + told₂, SiLU |
# | `bottom` | half | y: $4C$ | convolution with stride 2, + told₃, SiLU |
# | `middle` | y | y: $4C$ | y + SiLU(convolution of y) |
# | `up` | y enlarged to half's size, then half | y: $2C$ | channels joined, convolution, SiLU |
# | `merge` | y enlarged to fine's size, then fine | y: $C$ | channels joined, convolution, SiLU |
# | `noise` | y | 1 channel | convolution |
#
# All kernels are 3 × 3 with padding 1. Enlarging repeats pixels (`F.interpolate` as it comes). For 14 × 14 the grids are 14, 7 and 4: twice 4 is not 7, so enlarge to a size
# and not by a factor.

# %% exercise="Denoiser"
class Denoiser(nn.Module):
    """Find the noise in pictures of one channel, as in the table above.

    Parameters
    ----------
    width : C, the channels of the finest grid
    noise_steps : T, the number of steps

    Attributes
    ----------
    step : nn.Linear with bias, 12 → 7 · width, for waves(t / noise_steps)
    stem, down, bottom, middle, up, merge, noise : nn.Conv2d with bias, kernel 3, padding 1.
        There are no other parameters.
    """

    def __init__(self, width: int, noise_steps: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.noise_steps = noise_steps
        self.cut = [width, 2 * width, 4 * width]
        self.step = nn.Linear(12, 7 * width)
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.bottom = nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1)
        self.middle = nn.Conv2d(4 * width, 4 * width, 3, padding=1)
        self.up = nn.Conv2d(6 * width, 2 * width, 3, padding=1)
        self.merge = nn.Conv2d(3 * width, width, 3, padding=1)
        self.noise = nn.Conv2d(width, 1, 3, padding=1)
        ### END SOLUTION

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Noisy pictures (batch, 1, h, w), steps (batch,) from 0 to T → noise (batch, 1, h, w).

        Both sides are at least 5; they may be odd.
        """
        ### BEGIN SOLUTION
        told = self.step(waves(t / self.noise_steps))[:, :, None, None]
        one, two, four = told.split(self.cut, dim=1)
        fine = F.silu(self.stem(x) + one)
        half = F.silu(self.down(fine) + two)
        y = F.silu(self.bottom(half) + four)
        y = y + F.silu(self.middle(y))
        y = F.interpolate(y, size=half.shape[2:])
        y = F.silu(self.up(torch.cat([y, half], dim=1)))
        y = F.interpolate(y, size=fine.shape[2:])
        y = F.silu(self.merge(torch.cat([y, fine], dim=1)))
        return self.noise(y)
        ### END SOLUTION


# %% check="Denoiser"
check(Denoiser)

# %%
torch.manual_seed(0)
denoiser = Denoiser(16, STEPS)
scaled = digits * 2 - 1  # from −1, paper, to 1, ink
denoising_losses = fit(denoiser.parameters(), lambda: denoising_loss(denoiser, scaled[any_of(len(scaled), 32)]), 900, 4e-3)
print(f"{sum(p.numel() for p in denoiser.parameters())} parameters; loss of the last 50 steps {np.mean(denoising_losses[-50:]):.3f}")

# %% [markdown]
# ## The way back
#
# To go from step $t$ to $t - 1$, guess the clean picture from the noise found, $\hat x_0 = (x_t - \sqrt{1 - \bar\alpha_t}\, \hat\varepsilon) / \sqrt{\bar\alpha_t}$. If it
# were right, Bayes' rule would give the step before as a Gaussian with
#
# $$ \text{mean } \frac{\sqrt{\bar\alpha_{t-1}}\, \beta_t\, \hat x_0 + \sqrt{1 - \beta_t}\,(1 - \bar\alpha_{t-1})\, x_t}{1 - \bar\alpha_t},
#    \qquad \text{variance } \beta_t\, \frac{1 - \bar\alpha_{t-1}}{1 - \bar\alpha_t}. $$
#
# Draw from it. At $t = 1$, where $\bar\alpha_0 = 1$, mean and variance become $\hat x_0$ and 0: the last step adds no noise. Pixels lie between −1 and 1, and a guess
# that leaves this range can be brought back: that is what `clip` is for. The page's points have no such range.

# %% exercise="sample_step"
def sample_step(
    x: Tensor, found: Tensor, t: int, kept: Tensor, noise: Tensor, clip: float | None = None
) -> Tensor:
    """Go one step back, from step t to step t − 1.

    Parameters
    ----------
    x : shape (batch, …), at step t
    found : of the shape of x, the noise that a model finds in it
    t : from 1 to T
    kept : shape (T + 1,), ᾱ after 0, 1, …, T steps
    noise : standard normal, of the shape of x
    clip : unless None, the guess of the clean picture is limited to [−clip, clip]; 0 is a limit too

    Returns
    -------
    of the shape of x: a draw from the Gaussian above. From t = 1 it is the guess itself.
    """
    ### BEGIN SOLUTION
    now, before = kept[t], kept[t - 1]
    added = 1 - now / before
    clean = (x - (1 - now).sqrt() * found) / now.sqrt()
    if clip is not None:
        clean = clean.clamp(-clip, clip)
    mean = (before.sqrt() * added * clean + (1 - added).sqrt() * (1 - before) * x) / (1 - now)
    return mean + (added * (1 - before) / (1 - now)).sqrt() * noise
    ### END SOLUTION


# %% check="sample_step"
check(sample_step)

# %%
@torch.no_grad()
def sample(model: nn.Module, start: Tensor, clip: float | None = None) -> list[Tensor]:
    """Go all the way back; return what was there after every step, the start first."""
    seen = [start]
    for t in range(STEPS, 0, -1):
        found = model(seen[-1], torch.full((len(start),), t))
        seen.append(sample_step(seen[-1], found, t, kept, torch.randn_like(start), clip))
    return seen


torch.manual_seed(2)
back = sample(denoiser, torch.randn(48, 1, 14, 14), clip=1.0)
print("twelve of them on their way, from noise (above) to digit (below)")
show_digits(torch.cat([back[i][:12] for i in (0, 100, 150, 175, 190, 200)])[:, 0].clamp(-1, 1), columns=12)

# %%
made = (back[-1].clamp(-1, 1) + 1) / 2
show_digits(made[:48, 0], columns=16)

# %% [markdown]
# Seconds of training, and the strokes are there, rough as they are. What more of the same buys, the real run shows: 28 × 28 pixels, a thousand steps of noise, and more training than a page has time for. With
# `model="mine"` it trains *your* `Denoiser`.

# %% tags=["real-run"]
run("ddpm", model="mine")

# %%
recorded("ddpm")

# %% [markdown]
# ## Go further
#
# **A cosine or a line?** Train the denoiser with the linear schedule and compare the samples at $T = 200$ and $T = 20$.
#
# :::{admonition} What a good answer contains
# :class: dropdown
# Losses of two schedules cannot be compared: they average over other noise levels. Compare errors at equal $\bar\alpha$, and samples by the coverage and the
# confidence of a classifier, with several seeds. Say at which $\bar\alpha$ each schedule spends its steps.
# :::
#
# **The two-view loss, better.** Which views bring the self-supervised encoder nearest to the supervised one?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A table of views, one at a time and together, with three seeds; the choice made on held-out digits and the test set used once. A
# view that hurts, and why: one that makes a 6 of a 9 tells the encoder that they are the same.
# :::
#
# **One seed is no law.** Which single change cures the collapse of the plain generator?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A list of changes written down before the runs (rates, momentum, a slower forger), at least five seeds each, covered and missed classes with
# intervals. A statement on which differences are larger than the spread over seeds.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="which_objective"
write("which_objective", """
""")

# %% write="loss_says"
write("loss_says", """
""")

# %% write="exact_oracle"
write("exact_oracle", """
""")
