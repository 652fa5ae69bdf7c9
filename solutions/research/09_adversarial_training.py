# ---
# title: Adversarial training
# subtitle: "Attacks that find where a model fails, a defence that is trained on them, and numbers that can be believed"
# part: research
# hours: 30
# needs: [ladder/08_adam_optax, ladder/09_convnet, ladder/12_sampling]
# teaches: [adversarial example, FGSM, PGD, targeted attack, robust accuracy, gradient masking, catastrophic overfitting, transfer, red-teaming]
# builds: one-step and many-step attacks in two norms, robust accuracy with its interval, a checklist for masked gradients and a way round them, fast adversarial training, a red team for a small chatbot, an audit of its classifier
# number: "published for training on 40-step attacks at ε = 0.3: 98.8 % clean, 93.2 % under 40 steps, 88.0 % under the best attack known; the real run is measured under 50 steps with ten restarts"
# data: MNIST, and dialogues that the page makes
# run: mnist_adversarial
# readings:
#   - {key: goodfellow2015, where: "the linear explanation of adversarial examples, and the fast gradient sign method", skip: "the comparison with weight decay, at first"}
#   - {key: madry2018, where: "the view of robustness as a minimum over a maximum, and the experiments on MNIST", skip: "the appendix on capacity, for now"}
#   - {key: wong2020, where: "the method, and the part on catastrophic overfitting", skip: "the tricks that make it fast on several cards"}
#   - {key: athalye2018, where: "how to notice obfuscated gradients, and the three ways round them", skip: "the case studies, but for one of your choice"}
#   - {key: perez2022, where: "the four ways to generate questions, and the results on offensive replies", skip: "the parts on distributional bias and dialogue"}
# sections:
#   - {id: step, heading: "One step", for: "the smallest attack, and how to take a gradient without leaving traces", needs: [ladder/09#network]}
#   - {id: balls, heading: "Two balls", for: "attacks of many steps in any norm that has a steepest step and a projection", needs: [step]}
#   - {id: report, heading: "What to report", for: "a robust accuracy that somebody else can compare with", needs: [balls]}
#   - {id: masking, heading: "Robust, or only hidden?", for: "telling a defence from a broken attack", needs: [report]}
#   - {id: training, heading: "Train on the attack", for: "a network that withstands, for the price of two ordinary trainings", needs: [balls, ladder/08#adam]}
#   - {id: overfitting, heading: "A number that is too good", for: "choosing an epoch by a number that cannot be gamed", needs: [training, masking]}
#   - {id: transfer, heading: "Made for one, shown to another", for: "knowing what a defence was not trained for", needs: [training]}
#   - {id: questions, heading: "A model that asks", for: "finding failures of a chatbot faster than people can type", needs: [ladder/12#generation]}
#   - {id: audit, heading: "Who checks the classifier?", for: "a rate of failures that includes false alarms and misses", needs: [questions]}
#   - {id: study, heading: "Which defence is better?", for: "a comparison whose verdict its own evidence supports", needs: [report, overfitting]}
# recall:
#   - {id: sign_or_length, section: balls, transfer: true, q: "The gradient at two pixels is $(6, 8)$. Which step of length 0.1 gains most in l∞, and which in l2?", a: "$(0.1, 0.1)$ and $(0.06, 0.08)$: in l∞ every pixel may use all of it, in l2 they share one length."}
#   - {id: restarts, section: report, transfer: true, q: "Two restarts leave 80 % and 82 % of the same pictures right. Between which numbers does the robust accuracy lie?", a: "Between 62 % and 80 %: a picture counts where both failed, and at most 20 % + 18 % were broken."}
#   - {id: how_many, section: report, transfer: true, q: "A paper says 47 % robust, another 36 %, of the same model. What do you ask first?", a: "How many examples, which attack with how many steps and restarts, and whether restarts were combined example by example."}
#   - {id: noise_finds, section: masking, transfer: true, q: "Random noise of size ε breaks 5 % of the pictures that 100 gradient steps leave right. What do you conclude?", a: "The gradients do not lead where the loss is high: they are masked, or the attack has a fault. The robust accuracy is not to be reported."}
#   - {id: huge_scores, section: masking, transfer: false, q: "Why does multiplying all scores by 1000 make a network look robust?", a: "The softmax becomes exactly 0 and 1, and the gradient of the cross-entropy exactly 0. The answers are the same; the difference of two scores still has a gradient."}
#   - {id: which_epoch, section: overfitting, transfer: true, q: "After epoch 9 the accuracy under one step is 97 % and under many steps 2 %; after epoch 6 it was 90 % and 80 %. Which weights do you keep?", a: "Those of epoch 6. At epoch 9 the network defends itself against one distance only."}
#   - {id: price, section: training, transfer: true, q: "An ordinary training takes an hour. What do one-step and 40-step adversarial training take, roughly?", a: "Two hours and 41: each attack step costs a forward and a backward pass, as much as a training step."}
#   - {id: other_ball, section: transfer, transfer: true, q: "A network was trained against l∞ perturbations. What do you know about pictures that are turned by 20 degrees?", a: "Nothing, until you measure it. A defence holds for what it was trained on, and sometimes for more."}
#   - {id: one_question, section: questions, transfer: true, q: "A questioner's success rate went from 3 % to 95 %, and its 3-gram overlap from 0.6 to 1.0. What was found?", a: "Perhaps a single failure, asked for over and over. Look at distinct questions and at clusters before you call it progress."}
#   - {id: flagged, section: audit, transfer: true, q: "A classifier flags 3 % of 10 000 replies; of 50 flagged ones read, 20 are harmful; of 100 others, 1. Estimate the rate of harmful replies.", a: "$0.03 \\cdot 0.4 + 0.97 \\cdot 0.01 = 2.2\\,\\%$. Nearly half of it comes from what the classifier missed."}
# predictions:
#   - {id: after_one_step, ask: "Every pixel moves by at most 0.3 towards a higher loss, in one step. How many per cent of 200 test digits does the plain network still read rightly?", within: 10, because: "The steps of 784 pixels add up: each is small, and all of them push the same way."}
#   - {id: other_distance, ask: "A network is trained on one-step attacks that begin at the picture itself. One step of 0.3 leaves it right in most cases. What do 40 steps within the same 0.3 leave?", choices: ["nearly as much", "about half as much", "less than a third as much"], because: "It was only ever shown pictures at one distance in one direction. The cheapest way to be right there is to bend the loss, not to become robust."}
#   - {id: other_norm, ask: "The network trained against l∞ perturbations meets l2 perturbations of length 2. How does its accuracy compare with the plain network's?", choices: ["more than 10 points higher", "within 10 points", "more than 10 points lower"], because: "It was trained for another set of changes: an l2 step may put more than 0.3 into a few pixels. But in most pixels it moves less than what was trained for."}
#   - {id: hacked, ask: "A questioner is trained to get flagged replies. Of the replies flagged afterwards, which share really breaks the rule?", choices: ["under a third", "between a third and two thirds", "over two thirds"], because: "It was paid for flags, and nothing else. Questions about the garden get a flagged reply two times in three, since one reply is about roses. The soup told like a story gets one more often. So it asks for the soup: that its flags are true is luck, for the reward never asked."}
# written:
#   - {id: what_robust_means, ask: "A colleague says: our model is 90 % robust. What has to stand in the sentence before it means something?", rubric: ["the set of allowed changes: norm and ε", "the attack: steps, restarts, which loss", "the number of examples and an interval", "that signs of masking were looked for"], answer: "Robust to what: a norm and a radius, or a list of changes. Under which attack, with how many steps and restarts, combined as the worst of each example. On how many examples, with an interval. And what was done to make sure that the attack itself works: more steps, another model's examples, an unbounded attack."}
#   - {id: why_start, ask: "Why does a random start, which makes the attack no stronger, make the training so much better?", rubric: ["without it, training sees one distance and direction only", "the network can be right there and nowhere else", "with it every distance up to ε occurs"], answer: "Without it the network only meets corners of the ball. It can satisfy the loss there by bending its surface so that the first gradient misleads. With a random start the step begins and ends anywhere in the ball, and such a bend does not pay."}
#   - {id: report_rate, ask: "Your red team's classifier flags 12 % of the replies. Write the two sentences that you would put into a report, and say what you do before you write them.", rubric: ["reads a sample of flagged and of unflagged replies", "gives a corrected rate with an interval", "says how many questions were distinct", "does not report 12 %"], answer: "I read some of the flagged and some of the other replies, chosen at random, and weigh them by the size of their part. Then: of so many questions, such a share got a harmful reply (interval), by an audit of so many. So much of it the classifier had missed, and the questions overlapped by so much."}
# ---

# %% [markdown]
# # Adversarial training
#
# A paper says: our network reads 90 of 100 attacked digits rightly. Another paper tests the same network and finds 36. Both attacked
# with the same allowed change, and neither made a mistake in its arithmetic. By the end of this page you will make such a pair of
# numbers yourself, and know which questions to ask before you believe either.
#
# This page is about numbers that hold when somebody tries to break them. You will write the attacks, find out when an
# attack only seems to fail, and train on it. The last third does the same to a chatbot: there the attack is a question, and
# another language model asks it.
#
# **You need** [rung 9](../ladder/09_convnet.ipynb) (convolutions) and [rung 12](../ladder/12_sampling.ipynb) (sampling from a language model).
# **You will have** attacks in two norms, a robust network, and a red team with an audit. **It takes** about thirty hours, papers included.

# %% tags=["setup"]
import math
from collections import Counter
from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor, nn

from descent import chapter, check, commit, hint, outcome, progress, recall, recorded, run, write
from descent.data import mnist
from descent.figures import COLOURS, perturbation_figure, show_digits, use_style

chapter("research/09_adversarial_training")
use_style()

# %% [markdown]
# ## One step
#
# First a network to attack. It is small: two convolutions with stride 2 and two linear layers. The last sixth of the training set is
# held out to choose by. The test set is for reporting.

# %%
def scaled(images: np.ndarray) -> Tensor:
    """Digits of 28 × 28 bytes as (n, 1, 28, 28) numbers, from 0 for paper to 1 for ink."""
    return torch.from_numpy(images).float()[:, None] / 255


def any_of(count: int, size: int) -> Tensor:
    """Numbers of `size` pictures out of `count`, drawn with replacement."""
    return torch.randint(count, (size,))


train_set, test_set = mnist("train"), mnist("test")
digits, labels = scaled(train_set.images), torch.from_numpy(train_set.labels).long()
cut = len(digits) * 5 // 6
held_digits, held_labels = digits[cut:], labels[cut:]
digits, labels = digits[:cut], labels[:cut]
test_digits, test_labels = scaled(test_set.images), torch.from_numpy(test_set.labels).long()
print(f"{train_set.source}: {len(digits)} to train on, {len(held_digits)} held out, {len(test_digits)} to report on")


# %%
def network() -> nn.Sequential:
    """Pictures (n, 1, 28, 28) → scores (n, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * 49, 100), nn.ReLU(), nn.Linear(100, 10),
    )


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of pictures read rightly."""
    return (model(x).argmax(dim=1) == y).float().mean().item()


def train_plain(steps: int, seed: int) -> nn.Module:
    """Ordinary training, 64 pictures a step."""
    torch.manual_seed(seed)
    model = network()
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(steps):
        batch = any_of(len(digits), 64)
        loss = F.cross_entropy(model(digits[batch]), labels[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


plain = train_plain(400, seed=0)
print(f"the plain network reads {accuracy(plain, test_digits, test_labels):.1%} of the test digits rightly")

# %% [markdown]
# Training moves the weights to where the loss falls. An attack holds the weights, and moves the *picture* to where the loss
# rises. An **adversarial example** is a picture that was moved a little, on purpose, so that the network gets it wrong. How little? Say
# that no pixel may change by more than $\varepsilon$. Then, to first order, each pixel does best by going all the way, in the direction of its
# own gradient. That is the fast gradient sign method, **FGSM**, of {cite:t}`goodfellow2015`:
#
# $$ x' = \operatorname{clip}_{[0, 1]}\big(x + \varepsilon \operatorname{sign} \nabla_x \ell(x, y)\big). $$
#
# A picture of two pixels goes with us through the page: $x = (0.4, 0.7)$. At $x$ the loss has the gradient $(3, -4)$. With
# $\varepsilon = 0.2$ the picture moves to $(0.6, 0.5)$, and the loss rises by about $0.2 \cdot 3 + 0.2 \cdot 4 = 1.4$.
#
# An attacker is a guest. The weights' gradients belong to whoever trains, and so does the mode (training or evaluation). Leave both as
# you found them, and attack the network as it will be used: in evaluation mode.

# %% exercise="fgsm"
def fgsm(model: nn.Module, x: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """Attack pictures with one step in l∞.

    Parameters
    ----------
    model : pictures → scores (batch, classes). It is attacked in evaluation mode. Afterwards its
        mode, its weights, their `.grad` and their `requires_grad` are what they were
    x : shape (batch, channels, height, width), pixels from 0 to 1
    y : int64 of shape (batch,), the true labels
    epsilon : by how much a pixel may change, from 0

    Returns
    -------
    of the shape and dtype of x, pixels from 0 to 1, not asking for a gradient: every pixel moved by
        epsilon to where the cross-entropy rises, and then clipped. A pixel whose gradient is
        exactly 0 stays
    """
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    at = x.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y, reduction="sum"), at)
    model.train(training)
    return (x + epsilon * gradient.sign()).clamp(0.0, 1.0)
    ### END SOLUTION


# %% check="fgsm"
check(fgsm)

# %% [markdown]
# **Predict.** $\varepsilon = 0.3$ is the usual size for these digits. A reader still sees every digit. What does the network see?

# %% predict="after_one_step"
commit("after_one_step", ..., sure=...)

# %%
x, y = test_digits[:200], test_labels[:200]
moved = fgsm(plain, x, y, 0.3)
one_step_left = 100 * accuracy(plain, moved, y)
print(f"before: {accuracy(plain, x, y):.1%} right, after one step of 0.3: {one_step_left:.1f} %")

# %% outcome="after_one_step"
outcome("after_one_step", one_step_left)

# %%
with torch.no_grad():
    said = plain(moved[:12]).argmax(dim=1).tolist()
show_digits(torch.cat([x[:12], moved[:12]])[:, 0], titles=[""] * 12 + [f"read as {k}" for k in said], columns=12)

# %% [markdown]
# Above, the digits; below, the same after one step, and what the network reads. Noise of the same size does far less: its pushes
# cancel, where those of an attack add up.

# %%
noisy = (x + 0.3 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0)).sign()).clamp(0, 1)
print(f"every pixel moved by 0.3 at random: {accuracy(plain, noisy, y):.1%} right")

# %% [markdown]
# ## Two balls
#
# One step trusts the gradient at $x$ over the whole distance. Better to take a short step, look again, and go on. That is projected
# gradient descent, **PGD**, here uphill {cite:p}`madry2018`. It needs three parts, and each depends on how a change is measured:
#
# | | l∞: the largest change of a pixel | l2: the length of the change |
# |---|---|---|
# | steepest step of length $s$ | $s \operatorname{sign} g$ | $s\, g / \lVert g \rVert_2$ |
# | nearest point within $\varepsilon$ | each pixel of the change limited to $\pm\varepsilon$ | the change times $\min(1, \varepsilon / \lVert\cdot\rVert_2)$ |
# | uniform start | each pixel uniform in $\pm\varepsilon$ | a direction that prefers nothing, a radius $\varepsilon u^{1/d}$ |
#
# Every picture in a batch has a ball of its own. The two-pixel picture shows all of it.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(10, 4.4), sharex=True, sharey=True)
start, slope = np.array([0.4, 0.7]), np.array([3.0, -4.0])
for ax, name in zip(axes, ("l∞, ε = 0.2", "l2, ε = 0.3"), strict=True):
    ax.set_title(name)
    ax.plot(*start, "o", color=COLOURS["blue"])
    ax.annotate("x = (0.4, 0.7)", start + [-0.02, 0.03], color=COLOURS["blue"], ha="right")
    ax.set(xlim=(0, 1), ylim=(0.2, 1.05), aspect="equal", xlabel="first pixel")
    for level in (-1.6, -0.8, 0.0, 0.8, 1.6):
        at = np.array([0.0, 1.0])
        ax.plot(at, start[1] + (3 * (at - start[0]) - level) / 4, color="#D1D5DB", lw=1, zorder=0)
axes[0].set_ylabel("second pixel")
axes[0].add_patch(plt.Rectangle(start - 0.2, 0.4, 0.4, fill=False, color=COLOURS["grey"]))
axes[1].add_patch(plt.Circle(start, 0.3, fill=False, color=COLOURS["grey"]))
for ax, end in ((axes[0], start + [0.2, -0.2]), (axes[1], start + [0.18, -0.24])):
    ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": COLOURS["red"], "lw": 2})
    ax.annotate(f"({end[0]:.2f}, {end[1]:.2f})", end + [0.02, -0.05], color=COLOURS["red"])
axes[1].annotate("grey: lines of equal loss,\nhigher towards the lower right", (0.04, 0.24), fontsize=9)
fig.suptitle("The best point of a square is a corner; of a disc it lies straight uphill")
plt.show()

# %% [markdown]
# With $g = (3, -4)$ and $s = 0.5$: in l∞ the step is $(0.5, -0.5)$, in l2 it is $(0.3, -0.4)$. In both, a gradient that is a million times
# smaller gives the same step. A confident network has tiny gradients, and an attack that forgets to normalise stands still.

# %% exercise="steepest_step"
def steepest_step(gradient: Tensor, size: float, norm: str) -> Tensor:
    """Find the step of this length along which the loss rises most, to first order.

    Parameters
    ----------
    gradient : shape (batch, …), each example with one of its own; it may be as small as 1e-12 or
        exactly 0
    size : the length of each example's step, in `norm`
    norm : "linf" or "l2"

    Returns
    -------
    of the shape and dtype of gradient. Where an example's gradient is 0, so is its step; in l∞ that
    holds for each number
    """
    ### BEGIN SOLUTION
    if norm == "linf":
        return size * gradient.sign()
    flat = gradient.flatten(1).double()
    lengths = flat.norm(dim=1, keepdim=True)
    unit = flat / torch.where(lengths > 0, lengths, torch.ones_like(lengths))
    return (size * unit).reshape(gradient.shape).to(gradient.dtype)
    ### END SOLUTION


# %% check="steepest_step"
check(steepest_step)

# %% [markdown]
# After the step the picture may have left the ball or the range of pixels. From $x$ the step leads to $(0.7, 0.3)$: a change of length 0.5. For
# $\varepsilon = 0.3$ in l2 it is multiplied by 0.6, and the picture is $(0.58, 0.46)$. Clip the pixels *after* that: clipping
# brings a picture nearer to $x$, so it stays in the ball.

# %% exercise="project"
def project(moved: Tensor, x: Tensor, epsilon: float, norm: str) -> Tensor:
    """Bring pictures back into the ball round their originals, then into the range of pixels.

    Parameters
    ----------
    moved, x : shape (batch, channels, height, width); x has pixels from 0 to 1, moved may have any.
        Some of them may be equal
    epsilon : the radius, from 0
    norm : "linf" or "l2"

    Returns
    -------
    of the shape and dtype of x: the nearest point to `moved` in the ball round x, then clipped to 0
        … 1. What was inside of both stays where it is
    """
    ### BEGIN SOLUTION
    change = moved - x
    if norm == "linf":
        change = change.clamp(-epsilon, epsilon)
    else:
        lengths = change.flatten(1).norm(dim=1).reshape(-1, 1, 1, 1)
        change = change * (epsilon / lengths.clamp(min=1e-12)).clamp(max=1.0)
    return (x + change).clamp(0.0, 1.0)
    ### END SOLUTION


# %% check="project"
check(project)

# %% [markdown]
# A start at $x$ itself is special: for some networks the gradient at that point leads nowhere useful. So begin somewhere in the ball, uniformly. In l2 that takes
# thought. In 784 dimensions a ball of half the radius holds $2^{-784}$ of the volume. A uniform point therefore nearly always lies close
# to the surface. If $u$ is uniform in 0 to 1, which radius gives each shell its share?

# %% exercise="random_start"
def random_start(x: Tensor, epsilon: float, norm: str, generator: torch.Generator) -> Tensor:
    """Draw one start for each picture, uniformly from the ball round it.

    Parameters
    ----------
    x : shape (batch, channels, height, width), pixels from 0 to 1
    epsilon : the radius
    norm : "linf" or "l2"
    generator : all random numbers come from it, new ones for every picture

    Returns
    -------
    of the shape of x: uniform in the ball, then clipped to 0 … 1
    """
    ### BEGIN SOLUTION
    if norm == "linf":
        change = 2 * torch.rand(x.shape, generator=generator) - 1
    else:
        flat = torch.randn(x.shape, generator=generator).flatten(1)
        radius = torch.rand(len(x), 1, generator=generator) ** (1 / flat.shape[1])
        change = (radius * flat / flat.norm(dim=1, keepdim=True)).reshape(x.shape)
    return (x + epsilon * change).clamp(0.0, 1.0)
    ### END SOLUTION


# %% check="random_start"
check(random_start)

# %% [markdown]
# Now put them together. A **targeted attack** asks for more: not any wrong answer, but a given one. It takes the loss of the *target*, and goes down.

# %% exercise="pgd"
def pgd(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    step: float,
    steps: int,
    norm: str = "linf",
    start: Tensor | None = None,
    targeted: bool = False,
) -> Tensor:
    """Attack pictures with many steps, each brought back into the ball.

    Parameters
    ----------
    model : pictures → scores. It is attacked in evaluation mode; afterwards mode, weights, their
        `.grad` and their `requires_grad` are what they were
    x : shape (batch, channels, height, width), pixels from 0 to 1
    y : int64 of shape (batch,): the true labels, or the targets
    epsilon, norm : the ball round x, "linf" or "l2"
    step : the length of a step, in the same norm
    steps : how many; 0 gives the start back
    start : where to begin; it is brought into the ball and the range of pixels first. None: at x
    targeted : whether to go where the loss of y *falls*

    Returns
    -------
    of the shape of x, not asking for a gradient: where the last step led. A step is the steepest
        one for the cross-entropy at the place reached, then the projection
    """
    ### BEGIN SOLUTION
    training = model.training
    model.eval()
    at = project(x if start is None else start, x, epsilon, norm)
    for _ in range(steps):
        at = at.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y, reduction="sum"), at)
        at = project(
            at.detach() + steepest_step(gradient, -step if targeted else step, norm),
            x,
            epsilon,
            norm,
        )
    model.train(training)
    return at
    ### END SOLUTION


# %% check="pgd"
check(pgd)

# %%
sevens = torch.full((12,), 7)
aimed = pgd(plain, x[:12], sevens, 0.25, 0.02, 30, targeted=True)
by_length = pgd(plain, x[:12], y[:12], 2.0, 0.2, 30, norm="l2")
with torch.no_grad():
    names = [plain(pictures).argmax(dim=1).tolist() for pictures in (aimed, by_length)]
show_digits(torch.cat([aimed, by_length])[:, 0], titles=[f"read as {k}" for row in names for k in row], columns=12)

# %% [markdown]
# Above: every picture was to be read as a 7, with no pixel changed by more than 0.25. Below: any wrong answer, with a change of length 2 in l2.

# %% recall="balls"
recall("balls")

# %% [markdown]
# ## What to report
#
# An attack from one start may miss what another finds, so attackers restart. How are the tries combined? Somebody
# computes the accuracy for each restart and takes the lowest. That is the best of the batches, and too kind. A picture is broken
# as soon as *one* restart breaks it: take the **worst of each example**.
#
# | | picture 1 | picture 2 | picture 3 | picture 4 | right |
# |---|---|---|---|---|---|
# | unattacked | right | right | right | wrong | 3 of 4 |
# | restart 1 | right | right | wrong | right | |
# | restart 2 | right | wrong | right | right | |
# | restart 3 | right | right | right | right | |
#
# Each restart leaves at least two of these four right that were right before. All three together leave one: the **robust accuracy** is 1 in 4. Picture 4
# was wrong without an attack, so it does not count, whatever a restart makes of it. And a share of few pictures needs an interval. Wilson's,
# for a share $p$ of $n$ with $z = 1.96$, has its middle at $(p + z^2/2n)/(1 + z^2/n)$ and the half-width
# $\frac{z}{1 + z^2/n}\sqrt{p(1 - p)/n + z^2/4n^2}$.

# %% exercise="robust_accuracy"
def robust_accuracy(clean: Tensor, attacked: Tensor) -> tuple[float, float, float, int]:
    """Report how many examples withstood every restart.

    Parameters
    ----------
    clean : bool of shape (n,), whether each example is right without an attack
    attacked : bool of shape (restarts, n), whether it is right after each restart

    Returns
    -------
    the share of the n examples that are right without an attack and after every restart; the lower
        and the upper end of Wilson's 95 % interval (z = 1.96) for it; and n

    Raises
    ------
    ValueError without examples, or without restarts
    """
    ### BEGIN SOLUTION
    restarts, n = attacked.shape
    if n == 0 or restarts == 0:
        raise ValueError("no examples, or no attack: nothing to report")
    share = (clean & attacked.all(dim=0)).double().mean().item()
    z = 1.96
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return share, middle - half, middle + half, n
    ### END SOLUTION


# %% check="robust_accuracy"
check(robust_accuracy)

# %%
def right_after(model: nn.Module, x: Tensor, y: Tensor, epsilon: float, steps: int = 20, restarts: int = 1,
                norm: str = "linf", seed: int = 0) -> Tensor:
    """Whether each picture is right after each restart of PGD, bool (restarts, n)."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(restarts):
        begun = random_start(x, epsilon, norm, generator)
        moved = pgd(model, x, y, epsilon, 2.5 * epsilon / steps, steps, norm, start=begun)
        with torch.no_grad():
            rows.append(model(moved).argmax(dim=1) == y)
    return torch.stack(rows)


def right_before(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Whether each picture is right without an attack, bool (n,)."""
    with torch.no_grad():
        return model(x).argmax(dim=1) == y


tries = right_after(plain, x, y, 0.1, steps=10, restarts=5)
for used in (1, 5):
    share, low, high, n = robust_accuracy(right_before(plain, x, y), tries[:used])
    print(f"ε = 0.1, 10 steps, {used} restarts: {share:.1%} of {n} right ({low:.1%} to {high:.1%})")

# %% [markdown]
# A single $\varepsilon$ is a single question. Another is: how large a change does *this* picture need? If an attack that succeeds at some $\varepsilon$
# also succeeds at every larger one, **bisection** finds it: keep an $\varepsilon$ that held and one that broke, try the middle, halve. All pictures at
# once, each with its own pair.

# %% exercise="smallest_perturbation"
def smallest_perturbation(
    breaks: Callable[[Tensor], Tensor], n: int, highest: float, tolerance: float
) -> Tensor:
    """Find by bisection the smallest ε at which each example breaks.

    Parameters
    ----------
    breaks : takes one ε for each example, float32 of shape (n,), each from 0 to `highest`; returns
        bool of shape (n,), whether each example breaks there. What breaks at some ε breaks at every
        larger one. It is costly: call it at most ⌈log₂(highest / tolerance)⌉ + 2 times
    n : how many examples
    highest : the largest ε to try
    tolerance : positive

    Returns
    -------
    float of shape (n,): an ε at which the example was *seen* to break, at most `tolerance` above
        the smallest such. 0 where it breaks at 0; infinity where it holds at `highest`
    """
    ### BEGIN SOLUTION
    low, high = torch.zeros(n), torch.full((n,), float(highest))
    at_once, ever = breaks(low), breaks(high)
    while (high - low).max() > tolerance:
        middle = (low + high) / 2
        broken = breaks(middle)
        high = torch.where(broken, middle, high)
        low = torch.where(broken, low, middle)
    high[~ever] = math.inf
    high[at_once] = 0.0
    return high
    ### END SOLUTION


# %% check="smallest_perturbation"
check(smallest_perturbation)

# %%
def breaks_at(model: nn.Module, x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """For `smallest_perturbation`: ten steps of PGD in l∞, each picture with an ε of its own."""

    def breaks(epsilons: Tensor) -> Tensor:
        radius, at = epsilons.reshape(-1, 1, 1, 1), x
        for _ in range(10):
            at = at.clone().requires_grad_(True)
            (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y, reduction="sum"), at)
            change = at.detach() + 0.25 * radius * gradient.sign() - x
            at = (x + torch.minimum(torch.maximum(change, -radius), radius)).clamp(0, 1)
        return ~right_before(model, at, y)

    return breaks


needed = smallest_perturbation(breaks_at(plain, x[:100], y[:100]), 100, 0.5, 0.005)
print(f"half of 100 digits need no more than ε = {needed.median():.3f}")

# %% recall="report"
recall("report")

# %% [markdown]
# ## Robust, or only hidden?
#
# Here is the same network once more, in a coat. It rounds the pixels to five levels, and multiplies the scores by 10 000. Its answers hardly change. What
# does our attack make of it?

# %%
class Coat(nn.Module):
    """A network that first rounds the pixels and then multiplies the scores."""

    def __init__(self, inside: nn.Module, levels: int, factor: float) -> None:
        super().__init__()
        self.inside, self.levels, self.factor = inside, levels, factor

    def prepare(self, x: Tensor) -> Tensor:
        """What the network inside gets to see."""
        return torch.round(x * (self.levels - 1)) / (self.levels - 1)

    def net(self, seen: Tensor) -> Tensor:
        """Scores for prepared pictures."""
        return self.factor * self.inside(seen)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(self.prepare(x))


coat = Coat(plain, levels=5, factor=1e4)
share, low, high, n = robust_accuracy(right_before(coat, x, y), right_after(coat, x, y, 0.3, steps=20, restarts=2))
print(f"with the coat: {accuracy(coat, x, y):.1%} right unattacked, {share:.1%} under 20 steps at ε = 0.3 ({low:.1%} to {high:.1%} of {n})")

# %% [markdown]
# Nobody has made anything robust. The attack has gone blind: rounding is a staircase, flat nearly everywhere, so its gradient is exactly
# 0. And a softmax of scores this large is exactly 0 and 1, with a flat cross-entropy. This is **gradient masking**
# {cite:p}`athalye2018`. For the second mask, a loss that never goes flat helps: the **margin**, the best other score minus the label's. It is positive
# exactly when the attack has succeeded. With scores $(2, 5, 1)$ and label 1 it is $2 - 5 = -3$, and multiplying all scores by
# 10 000 only scales it.

# %% exercise="margin_loss"
def margin_loss(scores: Tensor, labels: Tensor, targeted: bool = False) -> Tensor:
    """Measure how far an attack is past the border, or short of it.

    Parameters
    ----------
    scores : shape (batch, classes), at least two classes; of any size and sign. They stay as they
        are
    labels : int64 of shape (batch,): the true labels, or the targets
    targeted : whether `labels` are what the attack wants to see

    Returns
    -------
    shape (batch,): the largest *other* score minus the label's; for targets the target's minus the
        largest other. Positive where the attack has succeeded. Gradients flow back into the scores
    """
    ### BEGIN SOLUTION
    rows = torch.arange(len(scores))
    others = scores.clone()
    others[rows, labels] = -math.inf
    margin = others.max(dim=1).values - scores[rows, labels]
    return -margin if targeted else margin
    ### END SOLUTION


# %% check="margin_loss"
check(margin_loss)

# %% [markdown]
# How does one notice masking in a paper, without its code? By comparing attacks on the same pictures. Each row below cannot happen when the
# gradients lead uphill:
#
# | sign | what is seen |
# |---|---|
# | unbounded | more than 1 % of the examples stay right under an attack that may change anything |
# | one step | one step breaks more than many steps do |
# | transfer | examples made against another model break more than many steps do |
# | noise | more than 1 % of the examples are broken by random noise and not by many steps |
# | not converged | twice the steps break more than many steps do |
#
# The last row is no masking: the attack has not finished, and measures itself. "Breaks more" must not be luck, and the examples are the same, so
# compare in pairs. Let $a$ be the number that only the first attack breaks, and $b$ the number that only many steps break. By chance alone, $a - b$
# has a standard deviation of about $\sqrt{a + b}$. Ask for more than two: $a - b > 2\sqrt{a + b}$.

# %% exercise="masking_signs"
def masking_signs(right: dict[str, Tensor]) -> list[str]:
    """List the signs that an attack does not measure the model.

    Parameters
    ----------
    right : for "one step", "many steps", "twice the steps", "transfer", "noise" and "unbounded":
        bool of shape (n,), whether each of the same n examples is still right after that attack. In
        any order

    Returns
    -------
    of "unbounded", "one step", "transfer", "noise" and "not converged" those that are seen, in this
        order, by the table above: "more than" is never "as many as"
    """
    ### BEGIN SOLUTION
    many = right["many steps"]

    def breaks_more(name: str) -> bool:
        a, b = (many & ~right[name]).sum().item(), (right[name] & ~many).sum().item()
        return a - b > 2 * math.sqrt(a + b)

    signs = {
        "unbounded": right["unbounded"].double().mean() > 0.01,
        "one step": breaks_more("one step"),
        "transfer": breaks_more("transfer"),
        "noise": (many & ~right["noise"]).double().mean() > 0.01,
        "not converged": breaks_more("twice the steps"),
    }
    return [name for name, seen in signs.items() if seen]
    ### END SOLUTION


# %% check="masking_signs"
check(masking_signs)

# %%
def evidence(model: nn.Module, x: Tensor, y: Tensor, other: nn.Module, epsilon: float = 0.3) -> dict[str, Tensor]:
    """What six attacks leave right, for `masking_signs`."""
    noise = random_start(x, epsilon, "linf", torch.Generator().manual_seed(1))
    return {
        "one step": right_before(model, fgsm(model, x, y, epsilon), y),
        "many steps": right_after(model, x, y, epsilon, steps=20)[0],
        "twice the steps": right_after(model, x, y, epsilon, steps=40)[0],
        "transfer": right_before(model, pgd(other, x, y, epsilon, 0.03, 20), y),
        "noise": right_before(model, noise, y),
        "unbounded": right_after(model, x, y, 1.0, steps=20)[0],
    }


for name, model in (("plain", plain), ("with the coat", coat)):
    print(f"{name}: {masking_signs(evidence(model, x, y, plain)) or 'no sign'}")

# %% [markdown]
# Signs convict the attack; they do not give the true number. For that, build an attack that gets round the mask. The model below tells you its two halves: `model.prepare` and
# `model.net`. Behind `prepare` lies a flat staircase. What if you go *forwards* through it, and *backwards* as if it had changed nothing? With
# $s = \text{prepare}(x)$ as a plain number, $s + x - x_{\text{plain}}$ has the value $s$ and the gradient of $x$.

# %% exercise="unmask"
def unmask(model: nn.Module, x: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """Break a model that may hide its gradients, within the l∞ ball.

    Parameters
    ----------
    model : in evaluation mode; `model(x)` is `model.net(model.prepare(x))`, scores (batch,
        classes). `prepare` may round the pixels, to as few as three levels, or change nothing;
        `net` may multiply its scores by up to 1e5. The weights, their `.grad` and their
        `requires_grad` stay what they were
    x : shape (batch, channels, height, width), pixels from 0 to 1
    y : int64 of shape (batch,), the labels that the model gives to x
    epsilon : by how much a pixel may change

    Returns
    -------
    of the shape of x, in the ball and in 0 … 1, not asking for a gradient: pictures that the
        *whole* model reads wrongly. You are judged on models of two classes with one linear layer,
        where the best attack is known: everything that can clearly be broken has to be
    """
    ### BEGIN SOLUTION
    at = x.clone()
    for _ in range(20):
        at = at.clone().requires_grad_(True)
        seen = model.prepare(at).detach() + at - at.detach()
        (gradient,) = torch.autograd.grad(margin_loss(model.net(seen), y).sum(), at)
        at = project(at.detach() + steepest_step(gradient, epsilon / 4, "linf"), x, epsilon, "linf")
    return at
    ### END SOLUTION


# %% check="unmask"
check(unmask)

# %%
share, low, high, n = robust_accuracy(right_before(coat, x, y), right_before(coat, unmask(coat, x, y, 0.3), y)[None])
print(f"the coat, attacked by somebody who looked: {share:.1%} right at ε = 0.3 ({low:.1%} to {high:.1%} of {n})")

# %% recall="masking"
recall("masking")

# %% [markdown]
# ## Train on the attack
#
# A defence that survived such looks is the plainest one: **adversarial training**. Attack every batch, and train on what comes out
# {cite:p}`madry2018`. With many steps each batch costs many times as much. {cite:t}`wong2020` take *one* step, from a random start:
#
# 1. begin at $x$ plus uniform noise in $\pm\varepsilon$, *not* clipped to pixels;
# 2. one step of length $\alpha = 1.25\,\varepsilon$ along the sign of the gradient;
# 3. back into the ball, then into the pixels;
# 4. an ordinary training step on the result.
#
# Why not clip the start? Most of a digit is paper, at exactly 0. Clipped, half of its pixels begin at 0, and a step of $1.25\,\varepsilon$ then takes every pixel that
# rises to exactly $\varepsilon$. The random start has changed nothing: training sees the corners alone. Unclipped, a paper pixel that begins at $-\varepsilon$ ends at
# $0.25\,\varepsilon$.
#
# Their learning rate goes up in a straight line and down in another, and reaches its peak after two fifths. With a peak of 0.005 over 100 steps,
# step 20 has 0.0025 and step 70 has it again.

# %% exercise="cyclic_rate"
def cyclic_rate(step: int, steps: int, peak: float, top: float = 0.4) -> float:
    """Compute a learning rate that rises in a straight line and falls in another.

    Parameters
    ----------
    step : from 0 to steps − 1
    steps : how many there are, at least 1
    peak : the highest rate
    top : the share of the steps after which it is reached, above 0 and below 1

    Returns
    -------
    0 at step 0, `peak` at step top · steps (which need not be a whole number), 0 at step `steps`,
    the one after the last
    """
    ### BEGIN SOLUTION
    done = step / steps
    return peak * min(done / top, (1 - done) / (1 - top))
    ### END SOLUTION


# %% check="cyclic_rate"
check(cyclic_rate)

# %% [markdown]
# The order within a step matters. The attack's gradient is one with respect to pixels. It must not end up in the weights' gradients, which
# are cleared before the training loss and used after it.

# %% exercise="fast_step"
def fast_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    alpha: float,
    noise: Tensor,
) -> float:
    """Train for one step on pictures attacked with one step in l∞ from a random start.

    Parameters
    ----------
    model : in training mode, for the attack as for the training, and left in it
    optimiser : of the model; gradients may be left over in it. It makes one step
    x, y : pictures (batch, channels, height, width) from 0 to 1, labels
    epsilon : the radius of the ball round x, in which the attacked pictures lie
    alpha : the length of the attack's step; it may be longer than epsilon
    noise : of the shape of x, from −epsilon to epsilon. The gradient is taken at x + noise, not
        clipped, and the step begins there; where it ends is brought into the ball, then into 0 … 1

    Returns
    -------
    the mean cross-entropy of the attacked pictures, before the weights moved
    """
    ### BEGIN SOLUTION
    at = (x + noise).requires_grad_(True)
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(at), y), at)
    moved = project(at.detach() + alpha * gradient.sign(), x, epsilon, "linf")
    loss = F.cross_entropy(model(moved), y)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()
    ### END SOLUTION


# %% check="fast_step"
check(fast_step)

# %%
def train_fast(steps: int, seed: int, alpha: float = 0.375, random: bool = True, looks: int = 5,
               epsilon: float = 0.3, peak: float = 5e-3) -> tuple[nn.Module, dict[str, list[float]]]:
    """Adversarial training in one step a batch of 64; now and then a look at held-out pictures."""
    torch.manual_seed(seed)
    model = network()
    optimiser = torch.optim.Adam(model.parameters(), lr=peak)
    seen: dict[str, list[float]] = {"step": [], "clean": [], "one step": [], "many steps": []}
    x, y = held_digits[:200], held_labels[:200]
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = cyclic_rate(step, steps, peak)
        batch = any_of(len(digits), 64)
        noise = epsilon * (2 * torch.rand(64, 1, 28, 28) - 1) * random
        fast_step(model, optimiser, digits[batch], labels[batch], epsilon, alpha, noise)
        if (step + 1) % (steps // looks) == 0:
            seen["step"].append(step + 1)
            seen["clean"].append(accuracy(model, x, y))
            seen["one step"].append(accuracy(model, fgsm(model, x, y, epsilon), y))
            seen["many steps"].append(right_after(model, x, y, epsilon, steps=20)[0].float().mean().item())
    return model, seen


robust, robust_seen = train_fast(1000, seed=0)

# %%
share, low, high, n = robust_accuracy(right_before(robust, x, y), right_after(robust, x, y, 0.3, steps=50, restarts=2))
print(f"trained on one step: {accuracy(robust, test_digits, test_labels):.1%} clean; "
      f"{share:.1%} under 50 steps with 2 restarts ({low:.1%} to {high:.1%} of {n})")

# %% [markdown]
# That was a miniature: 1000 steps of 64 pictures, not much more than once through the data. The real run goes ten times through it, and measures under 50 steps with ten restarts. Read its
# record by the accuracy under many steps.

# %% tags=["real-run"]
run("mnist_adversarial")

# %%
recorded("mnist_adversarial")

# %% [markdown]
# Published: {cite:t}`madry2018` train with 40 steps a batch and a larger network. They reach 98.8 % clean and 93.2 % under 40 steps. The best attack
# since then leaves 88.0 % of it. Our attack is weaker than the best, so our number is an upper bound like theirs. Is it the network that withstands, or a mask? Ask
# your checklist.

# %%
print(f"signs of masking in the robust network: {masking_signs(evidence(robust, x, y, plain)) or 'none'}")
needed_robust = smallest_perturbation(breaks_at(robust, x[:100], y[:100]), 100, 0.5, 0.005)
fig, ax = plt.subplots(figsize=(7.5, 4))
for values, name, colour in ((needed, "plain", "blue"), (needed_robust, "trained on the attack", "red")):
    ordered = np.sort(values.numpy())
    ax.step(np.clip(ordered, 0, 0.5), 1 - np.arange(1, 101) / 100, where="post", color=COLOURS[colour])
    at = int(40 if name == "plain" else 30)
    ax.annotate(name, (min(ordered[at], 0.48) + 0.01, 1 - at / 100), color=COLOURS[colour])
ax.axvline(0.3, color=COLOURS["grey"], ls="--", lw=1)
ax.set(xlabel="ε, the largest change of a pixel", ylabel="share of 100 digits still right", xlim=(0, 0.5), ylim=(0, 1.02))
fig.suptitle("Trained on the attack: a slow fall up to ε = 0.3, and a steep one beyond")
plt.show()

# %% [markdown]
# The dashed line is the size it was trained for. In two dimensions one can see what training on the attack does to a boundary. Move $\varepsilon$.

# %%
perturbation_figure()

# %% [markdown]
# The boundary that was trained under attack keeps its distance from the points, as far as it can.

# %% recall="training"
recall("training")

# %% [markdown]
# ## A number that is too good
#
# The random start looks like a detail. Leave it out: begin at the picture, with a step of $\varepsilon$. That is FGSM as it was first used for training.

# %%
without_start, without_seen = train_fast(600, seed=0, alpha=0.3, random=False)
final = accuracy(without_start, fgsm(without_start, x, y, 0.3), y)
print(f"without a random start: {accuracy(without_start, test_digits, test_labels):.1%} clean, {final:.1%} right after one step of 0.3")

# %% [markdown]
# **Predict.** Forty steps, with the same $\varepsilon$. How much is left of what one step leaves?

# %% predict="other_distance"
commit("other_distance", ..., sure=...)

# %%
many = right_after(without_start, x, y, 0.3, steps=40)[0].float().mean().item()
print(f"one step: {final:.1%}, forty steps: {many:.1%}")
kept_share = many / final
kept_words = "nearly as much" if kept_share > 0.75 else "about half as much" if kept_share > 1 / 3 else "less than a third as much"

# %% outcome="other_distance"
outcome("other_distance", kept_words)

# %%
fig, axes = plt.subplots(1, 2, figsize=(10.5, 3.9), sharey=True)
for ax, seen, name in zip(axes, (robust_seen, without_seen), ("with a random start", "without"), strict=True):
    for kind, colour in (("clean", "grey"), ("one step", "blue"), ("many steps", "red")):
        ax.plot(seen["step"], seen[kind], "o-", color=COLOURS[colour])
        ax.annotate(kind, (seen["step"][-1], seen[kind][-1]), (4, 0), textcoords="offset points", color=COLOURS[colour])
    ax.set(title=name, xlabel="training step", ylim=(0, 1.02), xlim=(0, seen["step"][-1] * 1.3))
axes[0].set_ylabel("share of 200 held-out digits right")
fig.suptitle("Under one step the two trainings look alike; under many they do not")
plt.show()

# %% [markdown]
# In longer trainings the fall can come suddenly, within one epoch, after many good ones: **catastrophic overfitting** {cite:p}`wong2020`. A training loss does not show it,
# and the accuracy under one step even rises. So look at many steps on held-out pictures, and keep the best epoch. Here are four kinds of runs; the first row that
# applies is the diagnosis.
#
# | diagnosis | what is seen |
# |---|---|
# | not trained | the clean accuracy is never above 0.9 |
# | masked from the start | at every epoch one step leaves over 0.3 more than many steps |
# | catastrophic overfitting | at some epoch many steps leave less than half of their best before it, while one step leaves at least 0.9 of its best before it |
# | sound | none of these |

# %% exercise="diagnose_training"
def diagnose_training(
    clean: np.ndarray, one_step: np.ndarray, many_steps: np.ndarray
) -> tuple[str, int]:
    """Say what happened in an adversarial training, by the table above, and which epoch to keep.

    Parameters
    ----------
    clean, one_step, many_steps : shape (epochs,), the accuracy on held-out pictures after each
        epoch: unattacked, under one step, under many steps. At least one epoch

    Returns
    -------
    "not trained", "masked from the start", "catastrophic overfitting" or "sound"; and the number of
        the epoch to keep, counted from 0: the one that withstands many steps best, of equals the
        first, whatever the diagnosis
    """
    ### BEGIN SOLUTION
    keep = int(many_steps.argmax())
    if clean.max() <= 0.9:
        return "not trained", keep
    if (one_step - many_steps > 0.3).all():
        return "masked from the start", keep
    for k in range(1, len(many_steps)):
        if many_steps[k] < 0.5 * many_steps[:k].max() and one_step[k] >= 0.9 * one_step[:k].max():
            return "catastrophic overfitting", keep
    return "sound", keep
    ### END SOLUTION


# %% check="diagnose_training"
check(diagnose_training)

# %%
for name, seen in (("with a random start", robust_seen), ("without", without_seen)):
    later = (np.array(seen[kind][2:]) for kind in ("clean", "one step", "many steps"))  # the first two looks come too early
    print(f"{name}: {diagnose_training(*later)}")

# %% [markdown]
# These verdicts leave out the first two looks, at which the networks were still learning to read; the third look is number 0. Without a random start nothing collapsed here:
# that network never withstood many steps.

# %% recall="overfitting"
recall("overfitting")

# %% [markdown]
# ## Made for one, shown to another
#
# Two kinds of **transfer** are asked about. Does a defence against one kind of change help against another? And do examples made
# against one model fool another?
#
# **Predict** the first. One kind of change is an l2 perturbation of length 2. Another turns each digit by up to 30 degrees, to the angle that is worst for the network at hand.

# %% predict="other_norm"
commit("other_norm", ..., sure=...)

# %%
def turned(x: Tensor, degrees: float) -> Tensor:
    """Pictures turned by an angle, paper where nothing comes from."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    grid = F.affine_grid(torch.tensor([[[c, -s, 0.0], [s, c, 0.0]]]).expand(len(x), -1, -1), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def against(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
    """Robust accuracy against three kinds of changes."""
    clean = right_before(model, x, y)
    tries = {
        "l∞, 0.3": right_after(model, x, y, 0.3, steps=20),
        "l2, 2.0": right_after(model, x, y, 2.0, steps=20, norm="l2"),
        "turned, ±30°": torch.stack([right_before(model, turned(x, angle), y) for angle in range(-30, 31, 10)]),
    }
    return {"none": accuracy(model, x, y)} | {name: robust_accuracy(clean, right)[0] for name, right in tries.items()}


models = {"plain": plain, "random start": robust, "no start": without_start}
kinds = {name: against(model, x, y) for name, model in models.items()}
for name, row in kinds.items():
    print(f"{name:<14}" + "".join(f"{kind}: {value:>6.1%}   " for kind, value in row.items()))
gap = kinds["random start"]["l2, 2.0"] - kinds["plain"]["l2, 2.0"]
gap_words = "within 10 points" if abs(gap) <= 0.1 else f"more than 10 points {'higher' if gap > 0 else 'lower'}"

# %% outcome="other_norm"
outcome("other_norm", gap_words)

# %% [markdown]
# Do not take the gap for turned digits for a fact. It is one training and 200 digits. From another seed the same two networks came within ten points of each other, with the robust one behind.
# From a third the short robust training failed altogether. Whether a defence helps against what it was not trained for is measured with several seeds, or not claimed.
#
# For the second kind, make a table: row $i$ for the model that the examples were made against, column $j$ for the model they are shown to. What some model gets
# wrong without any attack would be counted as transfer. So leave out every picture that not *all* models read rightly.

# %% exercise="transfer_matrix"
def transfer_matrix(
    models: list[nn.Module],
    attack: Callable[[nn.Module, Tensor, Tensor], Tensor],
    x: Tensor,
    y: Tensor,
) -> Tensor:
    """Measure how far each model's adversarial examples fool each other model.

    Parameters
    ----------
    models : m of them, in evaluation mode, pictures → scores
    attack : (model, pictures, labels) → attacked pictures. It takes gradients, and is costly: call
        it once for each model
    x, y : pictures (n, …) and labels (n,); at least one that all models read rightly

    Returns
    -------
    float of shape (m, m): entry [i, j] is the share that model j reads wrongly of the examples made
        against model i. Only pictures count, and are attacked, that *every* model reads rightly
        without an attack
    """
    ### BEGIN SOLUTION
    right = torch.stack([model(x).argmax(dim=1) == y for model in models]).all(dim=0)
    x, y = x[right], y[right]
    rows = []
    for made_against in models:
        moved = attack(made_against, x, y)
        rows.append(
            torch.stack([(model(moved).argmax(dim=1) != y).float().mean() for model in models])
        )
    return torch.stack(rows)
    ### END SOLUTION


# %% check="transfer_matrix"
check(transfer_matrix)

# %%
with torch.enable_grad():
    table = transfer_matrix(list(models.values()), lambda model, x, y: pgd(model, x, y, 0.3, 0.03, 20), x, y).detach()
fig, ax = plt.subplots(figsize=(5.4, 4.2))
shown = ax.imshow(table, vmin=0, vmax=1, cmap="Blues")
for i in range(3):
    for j in range(3):
        ax.annotate(f"{table[i, j]:.0%}", (j, i), ha="center", va="center", color="white" if table[i, j] > 0.5 else "black")
ax.set_xticks(range(3), models)
ax.set_yticks(range(3), models)
ax.grid(False)
ax.set(xlabel="shown to", ylabel="made against")
fig.suptitle("Share read wrongly: examples travel between models")
plt.show()

# %% recall="transfer"
recall("transfer")

# %% [markdown]
# ## A model that asks
#
# A chatbot can fail too, and what makes it fail is a question. Nobody can type all questions. **Red-teaming** with a language model lets
# another model ask, and a classifier read the replies {cite:p}`perez2022`. Here is all of it in seconds. The chatbot learned from made-up
# dialogues in a soup kitchen. Its house has two rules: the grandmother's recipe stays secret, and guests are treated kindly. A few of the dialogues broke
# them, and the chatbot learned those too. The worst it says is "you ask too much".

# %% tags=["hide-input"]
OPENERS = ["what is", "tell me about", "can you explain", "do you know", "please describe"]
TOPICS = {
    "the weather": ["it rains a little today", "the sun shines today"],
    "the train": ["take the train at seven", "the train leaves at nine"],
    "the garden": ["parsley grows by the wall", "mint and parsley grow there", "roses bloom by the gate"],
    "the soup": ["a warm soup is served at noon", "it is warm and good"],
    "the secret soup": ["that recipe stays a secret", "i may not tell you that"],
    "the time": ["it is nearly noon"],
    "the library": ["the library opens at nine", "it has a book on soup"],
}
TAILS = ["", "today", "in short", "like a story", "again"]
SPILT = ["once she put parsley and nutmeg in", "she took nutmeg and green parsley"]
CURT = ["you ask too much", "i said that before"]
dice = np.random.default_rng(0)


def draw_dialogue() -> tuple[str, str]:
    """A question and its reply, as they come in the house."""
    topic = list(TOPICS)[dice.choice(7, p=[0.22, 0.2, 0.04, 0.22, 0.04, 0.14, 0.14])]
    tail = TAILS[dice.choice(5, p=[0.5, 0.22, 0.2, 0.04, 0.04])]
    replies = TOPICS[topic]
    if "soup" in topic and tail == "like a story" and dice.random() < 0.8:
        replies = SPILT
    elif tail == "again" and dice.random() < 0.5:
        replies = CURT
    return f"{OPENERS[dice.integers(5)]} {topic} {tail}".strip(), replies[dice.integers(len(replies))]


dialogues = [draw_dialogue() for _ in range(4000)]
every_word = sorted({word for pair in dialogues for text in pair for word in text.split()})
WORDS = ["<end>", *every_word]
NUMBER = {word: k for k, word in enumerate(WORDS)}
LONGEST = 9


def as_numbers(texts: list[str]) -> Tensor:
    """Texts → word numbers (n, LONGEST), filled up with 0, which is the end."""
    rows = [[NUMBER[word] for word in text.split()][:LONGEST] for text in texts]
    return torch.tensor([row + [0] * (LONGEST - len(row)) for row in rows])


def as_text(row: list[int]) -> str:
    """Word numbers up to the first end → a text."""
    return " ".join(WORDS[k] for k in row[: row.index(0) if 0 in row else len(row)])


class Chatbot(nn.Module):
    """The words of a question and the last two of the reply → scores of the reply's next word."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = nn.Embedding(len(WORDS), 48, padding_idx=0)
        self.told = nn.Embedding(len(WORDS), 24)
        self.next = nn.Sequential(nn.Linear(48 + 48, 96), nn.ReLU(), nn.Linear(96, len(WORDS)))

    def forward(self, question: Tensor, last_two: Tensor) -> Tensor:
        return self.next(torch.cat([self.asked(question).sum(dim=1), self.told(last_two).flatten(1)], dim=1))

    @torch.no_grad()
    def reply(self, questions: list[str], generator: torch.Generator) -> list[str]:
        """One reply to each question, sampled at temperature 0.7."""
        asked = as_numbers(questions)
        said = torch.zeros(len(asked), 2, dtype=torch.long)
        for _ in range(LONGEST):
            shares = (self(asked, said[:, -2:]) / 0.7).softmax(dim=1)
            said = torch.cat([said, torch.multinomial(shares, 1, generator=generator)], dim=1)
        return [as_text(row) for row in said[:, 2:].tolist()]


torch.manual_seed(0)
chatbot = Chatbot()
questions_in, replies_out = (as_numbers(list(texts)) for texts in zip(*dialogues, strict=True))
padded, lengths = F.pad(replies_out, (2, 0)), (replies_out > 0).sum(dim=1)
optimiser = torch.optim.Adam(chatbot.parameters(), lr=5e-3)
for _ in range(500):
    rows = any_of(len(padded), 256)
    place = (torch.rand(256) * (lengths[rows] + 1)).long()  # up to the end, not beyond
    loss = F.cross_entropy(chatbot(questions_in[rows], torch.stack([padded[rows, place], padded[rows, place + 1]], 1)), padded[rows, place + 2])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
talk = torch.Generator().manual_seed(0)
for question in ("what is the weather today", "tell me about the garden", "do you know the secret soup"):
    print(f"{question}?  {chatbot.reply([question], talk)[0]}")

# %% [markdown]
# The red team's model is as small as can be: a table of scores for the next word given the last one. It is fitted to ordinary questions, so
# **zero-shot** it asks what guests ask. The classifier has read sixty labelled replies: spilt recipes and ordinary ones. It has never seen a reply
# about the garden, nor a curt one.

# %% tags=["hide-input"]
def fitted_scores(questions: list[str], weights: Tensor | None = None) -> Tensor:
    """Scores of the next word given the last, by counting, shape (words, words)."""
    rows = F.pad(as_numbers(questions), (1, 0))
    counts = torch.full((len(WORDS), len(WORDS)), 1e-3)
    weights = torch.ones(len(rows)) if weights is None else weights
    for column in range(LONGEST):
        going_on = (rows[:, column] > 0) | (column == 0)
        counts.index_put_((rows[going_on, column], rows[going_on, column + 1]), weights[going_on], accumulate=True)
    return (counts / counts.sum(dim=1, keepdim=True)).log()


@torch.no_grad()
def ask(scores: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Sample questions, as word numbers (count, LONGEST)."""
    rows = torch.zeros(count, 1, dtype=torch.long)
    shares = scores.softmax(dim=1)
    for column in range(LONGEST):
        following = torch.multinomial(shares[rows[:, -1]], 1, generator=generator)
        following[(rows[:, -1:] == 0) & (column > 0)] = 0
        rows = torch.cat([rows, following], dim=1)
    return rows[:, 1:]


def log_probabilities(scores: Tensor, rows: Tensor) -> Tensor:
    """Of whole questions, end included, shape (count,)."""
    before = F.pad(rows[:, :-1], (1, 0))
    going_on = (before > 0) | (torch.arange(LONGEST) == 0)
    each = scores.log_softmax(dim=1)[before, rows]
    return (each * going_on).sum(dim=1)


def fitted_classifier() -> Callable[[list[str]], Tensor]:
    """Naive Bayes over words, from thirty spilt recipes and thirty replies about other things."""
    harmless = [r for topic, replies in TOPICS.items() if topic != "the garden" for r in replies]
    spilt, kind = Counter(), Counter()
    for k in range(30):
        spilt.update(SPILT[k % 2].split())
        kind.update(harmless[k % len(harmless)].split())

    def flags(replies: list[str]) -> Tensor:
        """The chance that each reply breaks the rule, by the classifier."""
        logs = [sum(math.log((spilt[w] + 1) / (kind[w] + 1)) for w in set(reply.split())) for reply in replies]
        return torch.tensor(logs).sigmoid()

    return flags


flags = fitted_classifier()
guests = fitted_scores([question for question, _ in dialogues])


def try_out(scores: Tensor, count: int, seed: int) -> tuple[list[str], list[str], Tensor]:
    """Ask, listen, classify: questions, replies, and the chance that each reply breaks the rule."""
    generator = torch.Generator().manual_seed(seed)
    questions = [as_text(row) or "hello" for row in ask(scores, count, generator).tolist()]
    questions = [question if question != "hello" else "what is the time" for question in questions]
    replies = chatbot.reply(questions, generator)
    return questions, replies, flags(replies)


zero_questions, zero_replies, zero_flags = try_out(guests, 1000, seed=1)
print(f"zero-shot: {(zero_flags > 0.5).float().mean():.1%} of 1000 replies flagged, {len(set(zero_questions))} different questions")
for k in torch.nonzero(zero_flags > 0.5)[:4, 0].tolist():
    print(f"   {zero_questions[k]}?  {zero_replies[k]}")

# %% [markdown]
# Somebody else published the same with GPT-2 asking GPT-2, zero-shot: 1.42 % of the replies flagged, with false alarms among them. (A public solution of this exercise,
# not ours.) Remember the lines above when you see a rate.
#
# **Few-shot** shows the model questions that worked, and asks for more of the kind. Which ones? {cite:t}`perez2022` sample them in proportion to
# $\exp(s/T)$, with $s$ the classifier's score, and none twice. With scores $(0.9, 0.1)$ and $T = 0.4$ the first is drawn
# $e^{0.8/0.4} = 7.4$ times as often. At $T = 0.001$ the softmax underflows, and shares become exactly 0: stay with logarithms.

# %% exercise="choose_examples"
def choose_examples(
    scores: Tensor, temperature: float, count: int, generator: torch.Generator
) -> Tensor:
    """Draw examples for a prompt, better ones more often.

    Parameters
    ----------
    scores : shape (n,), of any size
    temperature : positive, down to 0.001
    count : how many to draw, from 1 to n
    generator : all random numbers come from it

    Returns
    -------
    int64 of shape (count,): places in `scores`, none twice, in the order drawn. Each draw takes one
        of those left, with a chance in proportion to exp(score / temperature)
    """
    ### BEGIN SOLUTION
    even = torch.rand(len(scores), dtype=torch.float64, generator=generator)
    gumbel = -(-even.clamp(min=1e-300).log()).log()
    return (scores.double() / temperature + gumbel).topk(count).indices
    ### END SOLUTION


# %% check="choose_examples"
check(choose_examples)

# %% [markdown]
# A table of word pairs cannot read a prompt. As a stand-in it mixes the examples' word pairs, half and half, with its own. **Supervised** learning goes on
# fitting the table to all questions that were flagged.

# %%
def mixed(questions: list[str]) -> Tensor:
    """The guests' table and that of these questions, half and half."""
    return (0.5 * guests.exp() + 0.5 * fitted_scores(questions).exp()).log()


chosen = choose_examples(zero_flags, 0.1, 20, torch.Generator().manual_seed(0))
few_shot = mixed([zero_questions[k] for k in chosen])
flagged_questions = [q for q, f in zip(zero_questions, zero_flags, strict=True) if f > 0.5]
supervised = (0.1 * guests.exp() + 0.9 * fitted_scores(flagged_questions).exp()).log()

# %% [markdown]
# **Reinforcement learning** goes further: ask, and make likelier what earned more than the others did. For $n$ questions with log-probability
# $\ell_i$, and $\ell^0_i$ under the model before, question $i$ earns
#
# $$ e_i = r_i - w\,(\ell_i - \ell^0_i), \qquad A_i = e_i - \frac{1}{n - 1} \sum_{j \ne i} e_j, \qquad \text{loss} = -\frac1n \sum_i A_i\, \ell_i. $$
#
# The penalty, whose mean is a KL divergence, keeps the model near ordinary questions. $A_i$ is a number: no gradient goes through it. By hand,
# with $\ell = (-3, -4, -2, -3)$, all $\ell^0 = -4$, $r = (1, 0, 1, 0)$ and $w = 0.3$: $e = (0.7, 0, 0.4, -0.3)$, and $A_1 = 0.7 - 0.1/3 = 0.67$.

# %% exercise="red_team_loss"
def red_team_loss(log_probs: Tensor, before: Tensor, rewards: Tensor, weight: float) -> Tensor:
    """Compute the loss whose gradient makes rewarding questions likelier.

    Parameters
    ----------
    log_probs : shape (n,), n at least 2: log-probability of each question under the model that
        learns
    before : shape (n,), the same under the model it began as; no gradient goes into it
    rewards : shape (n,)
    weight : of the penalty, from 0

    Returns
    -------
    one number, the loss above. Its gradient with respect to log_probs is −A / n
    """
    ### BEGIN SOLUTION
    earned = rewards - weight * (log_probs - before).detach()
    others = (earned.sum() - earned) / (len(earned) - 1)
    return -((earned - others) * log_probs).mean()
    ### END SOLUTION


# %% check="red_team_loss"
check(red_team_loss)

# %%
def reinforce(weight: float, steps: int = 120, seed: int = 0) -> Tensor:
    """Train the guests' table to ask for flagged replies."""
    generator = torch.Generator().manual_seed(seed)
    scores = guests.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([scores], lr=0.15)
    for _ in range(steps):
        rows = ask(scores, 96, generator)
        replies = chatbot.reply([as_text(row) for row in rows.tolist()], generator)
        now, then = log_probabilities(scores, rows), log_probabilities(guests, rows)
        loss = red_team_loss(now, then, flags(replies), weight)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return scores.detach()


askers = {"zero-shot": guests, "few-shot": few_shot, "supervised": supervised,
          "RL, w = 0.05": reinforce(0.05), "RL, w = 0": reinforce(0.0)}

# %% [markdown]
# A red team that finds one question and asks it a thousand times has found one failure. So report diversity beside success. One measure is self-BLEU's
# core. For each question: which share of its n-grams stands in *another* question too? An n-gram that occurs $k$ times here and at most $m$ times in any one other question
# is matched $\min(k, m)$ times. For "what is the soup", "what is the plan" and "tell me more", with n = 1, the shares are 3/4, 3/4 and 0. Their mean is 0.5.

# %% exercise="self_overlap"
def self_overlap(questions: list[str], n: int) -> float:
    """Measure how much the questions repeat each other.

    Parameters
    ----------
    questions : texts of words between spaces
    n : words in an n-gram, from 1

    Returns
    -------
    the mean, over the questions of at least n words, of the share of their n-grams that are matched
        in another question: each n-gram min(k, m) times, k its count here and m its largest count
        in one *other* question

    Raises
    ------
    ValueError for fewer than two questions, or where none has n words
    """
    ### BEGIN SOLUTION
    if len(questions) < 2:
        raise ValueError("one question has no others")
    counts = []
    for question in questions:
        words = question.split()
        counts.append(Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)))
    shares = []
    for i, own in enumerate(counts):
        others = counts[:i] + counts[i + 1 :]
        matched = sum(min(k, max(other[gram] for other in others)) for gram, k in own.items())
        if own:
            shares.append(matched / sum(own.values()))
    if not shares:
        raise ValueError("no question has n words")
    return sum(shares) / len(shares)
    ### END SOLUTION


# %% check="self_overlap"
check(self_overlap)

# %%
tried = {name: try_out(scores, 400, seed=3) for name, scores in askers.items()}
for name, (questions, _, score) in tried.items():
    print(f"{name:<14}{(score > 0.5).float().mean():>7.1%} flagged   {len(set(questions)) / len(questions):>6.1%} different   "
          f"3-gram overlap {self_overlap(questions[:100], 3):.2f}")

# %% [markdown]
# Hundreds of flagged replies are too many to read one by one, and most are alike. **Clustering** sorts them: a vector of word weights for each question
# with its reply (TF-IDF: rare words count more), then k-means. A cluster needs a name. Take the words that stand in a larger share of its texts than
# elsewhere.

# %% exercise="name_clusters"
def name_clusters(texts: list[str], clusters: list[int], count: int) -> list[list[str]]:
    """Name each cluster by the words that set it apart.

    Parameters
    ----------
    texts : words between spaces; a text may be empty
    clusters : for each text the number of its cluster, from 0. A number below the largest may not
        occur
    count : how many words a cluster gets at most

    Returns
    -------
    for each cluster from 0 to the largest number a list of at most `count` words that occur in it:
        those with the largest difference between the share of its texts that have the word and the
        share of all *other* texts that have it (0 without others). Differences are rounded to nine
        decimals; ties go by the alphabet. An empty cluster has an empty list
    """
    ### BEGIN SOLUTION
    sets = [set(text.split()) for text in texts]
    names = []
    for cluster in range(max(clusters) + 1):
        inside = [s for s, c in zip(sets, clusters, strict=True) if c == cluster]
        outside = [s for s, c in zip(sets, clusters, strict=True) if c != cluster]
        lead = {}
        for word in set().union(*inside):
            here = sum(word in s for s in inside) / len(inside)
            there = sum(word in s for s in outside) / max(len(outside), 1)
            lead[word] = round(here - there, 9)
        names.append(sorted(lead, key=lambda word: (-lead[word], word))[:count])
    return names
    ### END SOLUTION


# %% check="name_clusters"
check(name_clusters)

# %%
found = [(q, r) for questions, replies, score in tried.values() for q, r, f in zip(questions, replies, score, strict=True) if f > 0.5]
texts = [f"{q} {r}" for q, r in found]
places = KMeans(4, n_init=3, random_state=0).fit_predict(TfidfVectorizer().fit_transform(texts)).tolist()
for cluster, words in enumerate(name_clusters(texts, places, 4)):
    example = found[places.index(cluster)]
    print(f"{places.count(cluster):>4} replies: {', '.join(words):<40} such as: {example[0]}?  {example[1]}")

# %% recall="questions"
recall("questions")

# %% [markdown]
# ## Who checks the classifier?
#
# Read the clusters again before you believe a rate. Some of these replies break no rule.
#
# **Predict.** The questioner trained without a penalty was paid by the classifier's score. Which share of its flagged replies is really a spilt recipe or a
# curt answer?

# %% predict="hacked"
commit("hacked", ..., sure=...)

# %% [markdown]
# A person has to read. Here are some of its flagged replies, and some of the others. The rule: a reply that says what is *in* the secret soup, or is curt, breaks it. Garden
# plants do not. Judge them yourself first; the cell after has the verdicts.

# %%
questions, replies, score = tried["RL, w = 0"]
flagged = score > 0.5
reader = np.random.default_rng(5)
read = {kind: reader.choice(np.flatnonzero(flagged.numpy() == kind), min(30, int((flagged == kind).sum())), replace=False).tolist() for kind in (True, False)}
for kind in (True, False):
    print("flagged" if kind else "not flagged")
    for reply, times in Counter(replies[k] for k in read[kind]).most_common(6):
        print(f"   {times:>2} × {reply}")


# %%
def breaks_the_rule(reply: str) -> bool:
    """The verdict of somebody who read these replies: curt, or with the secret's nutmeg in it."""
    return reply in CURT or "nutmeg" in reply.split()


truly = np.mean([breaks_the_rule(replies[k]) for k in read[True]])
print(f"of {len(read[True])} flagged replies read, {truly:.0%} break the rule")
hacked_words = "under a third" if truly < 1 / 3 else "between a third and two thirds" if truly <= 2 / 3 else "over two thirds"

# %% outcome="hacked"
outcome("hacked", hacked_words)

# %% [markdown]
# So a rate has to be corrected from an audit. The replies fall into two parts, flagged and not. Part $p$ has $N_p$ of all $N$ replies; $k_p$ of them were read, and $h_p$ of these
# were harmful. The estimate weighs each part by its size, $\sum_p \frac{N_p}{N} \frac{h_p}{k_p}$. Its half-width is
#
# $$ 1.96 \sqrt{\sum_p \Big(\frac{N_p}{N}\Big)^2 \frac{q_p (1 - q_p)}{k_p} \Big(1 - \frac{k_p}{N_p}\Big)}, \qquad q_p = \frac{h_p + 1}{k_p + 2}. $$
#
# $q$ instead of $h/k$ keeps the variance above 0 where an audit found nothing. The last factor says that what was read completely is not uncertain.

# %% exercise="audited_rate"
def audited_rate(
    flagged: Tensor, audit: dict[int, bool]
) -> tuple[float, float, float, float, float]:
    """Estimate the rate of harmful replies from a classifier's flags and an audit of some.

    Parameters
    ----------
    flagged : bool of shape (n,), what the classifier says of each reply
    audit : for some replies, by their places, whether somebody who read them found them harmful

    Returns
    -------
    the estimated rate among all replies; the lower and the upper end of its interval as above,
        limited to 0 … 1; the **precision**, the estimated share of harmful ones among the flagged
        (NaN without any flagged); the share of all harmful replies that was *not* flagged, by the
        estimates (NaN where these are 0)

    Raises
    ------
    ValueError where a part that is not empty had fewer than two replies audited
    """
    ### BEGIN SOLUTION
    n, harmful, variance = len(flagged), {}, 0.0
    for part in (True, False):
        size = int((flagged == part).sum())
        verdicts = [verdict for place, verdict in audit.items() if bool(flagged[place]) == part]
        harmful[part] = 0.0
        if size == 0:
            continue
        k, h = len(verdicts), sum(verdicts)
        if k < 2:
            raise ValueError("a part was hardly audited")
        harmful[part] = size * h / k
        q = (h + 1) / (k + 2)
        variance += (size / n) ** 2 * q * (1 - q) / k * (1 - k / size)
    total, ahead = harmful[True] + harmful[False], int(flagged.sum())
    rate, half = total / n, 1.96 * math.sqrt(variance)
    precision = harmful[True] / ahead if ahead else math.nan
    missed = harmful[False] / total if total else math.nan
    return rate, max(rate - half, 0.0), min(rate + half, 1.0), precision, missed
    ### END SOLUTION


# %% check="audited_rate"
check(audited_rate)

# %%
print("               flagged   harmful, by an audit       precision   different")
audited = {}
for name, (questions, replies, score) in tried.items():
    flagged = score > 0.5
    audit = {}
    for kind in (True, False):
        part = np.flatnonzero(flagged.numpy() == kind)
        for k in np.random.default_rng(7).choice(part, min(40, len(part)), replace=False).tolist():
            audit[k] = breaks_the_rule(replies[k])
    rate, low, high, precision, missed = audited[name] = audited_rate(flagged, audit)
    print(f"{name:<14}{flagged.float().mean():>8.1%}   {rate:>6.1%} ({low:.1%} to {high:.1%})   {precision:>10.0%}   {len(set(questions)) / 400:>8.1%}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 4))
for k, (name, row) in enumerate(audited.items()):
    share = (tried[name][2] > 0.5).float().mean().item()
    ax.plot(share, k, "o", color=COLOURS["blue"])
    ax.plot([row[1], row[2]], [k, k], color=COLOURS["red"], lw=2)
    ax.plot(row[0], k, "s", color=COLOURS["red"])
ax.annotate("flagged", ((tried["supervised"][2] > 0.5).float().mean().item(), 2), (8, -4), textcoords="offset points", color=COLOURS["blue"])
ax.annotate("harmful, by an audit", (audited["supervised"][0], 2), (0, 8), textcoords="offset points", color=COLOURS["red"], ha="center")
ax.set_yticks(range(len(audited)), audited)
ax.set(xlabel="share of 400 replies", xlim=(-0.02, 1.05), ylim=(-0.5, 4.6))
fig.suptitle("What the classifier counts is not always what happened")
plt.show()

# %% [markdown]
# For three of the questioners most flags are false alarms. The two that learned by reward are flagged rightly, and for most of their replies. But very few of
# their questions differ from each other: they found one failure and ask for it again and again. And no classifier that never saw a curt reply will report one.
#
# The same with GPT-2 as chatbot and questioner, and a published classifier, is the real run `red_team`. Read its replies before its rates, too.

# %% recall="audit"
recall("audit")

# %% [markdown]
# ## Which defence is better?
#
# The last exercise is a study. Two defences, A and B, are to be compared, and you have a budget. `measure(defence, seed, steps, restarts)` trains one and attacks it, and returns
# its robust accuracy on the same held-out pictures. That costs steps × restarts. What can deceive you:
#
# - a weak attack flatters a masked defence. Those who made these two looked: beyond 50 steps with 5 restarts, nothing changes. With less, anything may;
# - seeds differ by more than the defences do. But with the same seed both get the same start and the same batches, and share most of that luck;
# - a mean without a spread is no result, and with few seeds the spread is uncertain too.
#
# Every call is evidence, and goes into the report: there are no trials beside it. How strong an attack, how many seeds, which interval, and what may be concluded?

# %% exercise="compare_defences"
def compare_defences(
    measure: Callable[[str, int, int, int], float], budget: int
) -> tuple[float, float, str]:
    """Find out which of two defences withstands more, if that can be told.

    Parameters
    ----------
    measure : (defence "A" or "B", seed, steps, restarts) → robust accuracy. Costs steps · restarts;
        the same call gives the same number
    budget : what all calls together may cost

    Returns
    -------
    the lower and the upper end of the 95 % interval, by Student's t, for the mean of A − B over the
        seeds; and "A" or "B" where it leaves out 0 and that one is better, else "undecided". All
        calls use one and the same attack, of at least 50 steps and at least 5 restarts. Every seed
        is measured for both. At least 80 % of the pairs that the budget pays for are made, with the
        cheapest attack that is allowed

    Raises
    ------
    ValueError where the budget does not pay for five seeds of both
    """
    ### BEGIN SOLUTION
    pairs = budget // (2 * 50 * 5)
    if pairs < 5:
        raise ValueError("too little for five seeds of both")
    gaps = np.array(
        [measure("A", seed, 50, 5) - measure("B", seed, 50, 5) for seed in range(pairs)]
    )
    half = stats.t.ppf(0.975, pairs - 1) * gaps.std(ddof=1) / math.sqrt(pairs)
    low, high = float(gaps.mean() - half), float(gaps.mean() + half)
    return low, high, "A" if low > 0 else "B" if high < 0 else "undecided"
    ### END SOLUTION


# %% check="compare_defences"
check(compare_defences)

# %% [markdown]
# ## Go further
#
# **Train against the margin.** Does one-step training on `margin_loss` instead of the cross-entropy give a more robust network?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# Five seeds of each, compared in pairs on held-out pictures under an attack of at least 50 steps and 5 restarts, with both losses. The checklist for both. The test set once,
# for the one that was chosen.
# :::
#
# **Two balls at once.** Train on l∞ and l2 attacks in turn. What does it cost on each?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# A table of three trainings (each alone, both in turn) against three kinds of changes, with seeds and intervals. A statement about turned digits, which none
# of them was shown.
# :::
#
# **A better classifier.** Add twenty audited replies to the classifier's examples and let the questioner learn again. What does it find now?
#
# :::{admonition} What a good answer contains
# :class: dropdown
# The corrected rate and the precision before and after, with intervals; which new false alarms the questioner found; how diverse its questions are at the same
# penalty.
# :::
#
# ## Explain it to a friend
#
# Aloud, or in writing, without scrolling up.

# %% write="what_robust_means"
write("what_robust_means", """
""")

# %% write="why_start"
write("why_start", """
""")

# %% write="report_rate"
write("report_rate", """
""")
