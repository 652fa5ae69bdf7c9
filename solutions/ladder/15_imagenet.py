# ---
# title: ImageNet
# subtitle: The same network of 2015, and the recipes that took it from 76 to 81 per cent
# part: ladder
# hours: 7
# needs: [ladder/09_convnet, ladder/10_resnet, ladder/14_fast_resnet]
# teaches: [random resized crop, evaluation protocol, top-5 accuracy, label smoothing, mixup, warm-up, linear scaling rule, weight averaging, sharded loading, shuffle buffer, bottleneck block, progressive resizing, train-test resolution gap]
# builds: the centre crop, the random resized crop, normalising, top-1 and top-5, smoothed loss, mixup, schedule, moving average of weights, reading shards, a shuffle buffer, the bottleneck, ResNet-50
# number: torchvision's 76.1 % top-1 in 90 epochs; its stronger recipe's 80.9 %
# data: two photographs and pictures made here; ImageNet-1k in the real run
# run: imagenet
# readings:
#   - {key: he2016, where: "section 4.1 and table 1: the bottleneck, and the network line by line", skip: "section 4.3, on detection"}
#   - {key: goyal2017, where: "sections 2 and 5.1: the linear scaling rule, warm-up, and the last gain at 0", skip: "section 4, on communication between machines"}
#   - {key: touvron2019, where: "section 3: why objects look larger in training than in the test", skip: "the fine-tuning of classifier and batch norm, at a first reading"}
#   - {key: wightman2021, where: "the table of ingredients of procedures A1, A2 and A3: three whole recipes side by side", skip: "the other architectures and the transfer results"}
#   - {key: zhang2018mixup, where: "sections 1 and 2: one formula, and what it is to do"}
#   - {key: szegedy2016, where: "section 7: label smoothing, in one page"}
# sections:
#   - {id: protocol, heading: "How you will be judged", for: "a protocol to the pixel, without which no number can stand beside a published one", needs: []}
#   - {id: training_crop, heading: "How the network is shown a picture", for: "the augmentation of nearly every image recipe since 2015, and of contrastive learning in research chapter 5", needs: [protocol, ladder/09#regularisers]}
#   - {id: bytes, heading: "Bytes to numbers", for: "what a loader sends and what the device does, in every real run on pictures: bytes travel, floats are made there", needs: [ladder/07#standardise, ladder/14#resident]}
#   - {id: accuracy, heading: "Right at once, and right among five", for: "evaluations that cannot flatter: ties, NaN and short batches come back in every later table", needs: [ladder/04#accuracy, ladder/04#nan, ladder/07#evaluate]}
#   - {id: smoothing, heading: "What is asked of the network", for: "soft targets, which the reward model of research chapter 7 is trained on too", needs: [ladder/04#likelihood]}
#   - {id: mixup, heading: "Mixed pictures", for: "training on what was never seen, the strongest cheap ingredient of a stronger recipe", needs: [smoothing]}
#   - {id: rate, heading: "The rate, and the batch", for: "the rule that carries a rate from one GPU to many, tested again in research chapter 4", needs: [ladder/01#learning_rate, ladder/10#schedule]}
#   - {id: average, heading: "Which weights to keep", for: "averaged weights, in recipes for images, for diffusion models and for target networks", needs: [ladder/08#moments, ladder/10#running]}
#   - {id: small, heading: "All of it, small", for: "a bench on which every part of a recipe can be measured within minutes, before it costs a GPU for days", needs: [training_crop, bytes, accuracy, smoothing, average]}
#   - {id: shards, heading: "A hundred gigabytes, in order", for: "data that are read from front to back, once, by many readers, as the text of rung 17 is", needs: [ladder/06#loader, ladder/10#running]}
#   - {id: bottleneck, heading: "The network: a bottleneck", for: "narrow, work, widen: the block that makes wide networks affordable", needs: [ladder/10#block, ladder/10#identity_start, ladder/14#cost]}
#   - {id: resnet50, heading: "ResNet-50", for: "the network that half of the image literature is measured with, whole and yours", needs: [bottleneck, ladder/10#resnet]}
#   - {id: recipes, heading: "Two recipes", for: "reading a table of ingredients, and asking whether both sides of a comparison had the same ones", needs: [mixup, rate, average, resnet50]}
#   - {id: real_run, heading: "The real run", for: "reading the report of a long run in the order in which failures show", needs: [recipes, shards, ladder/14#loading_ahead]}
# recall:
#   - {id: crop_numbers, section: training_crop, transfer: false, q: "What does RandomResizedCrop draw, and in which scale?", a: "The share of the area, evenly from 0.08 to 1; the aspect ratio, evenly in its logarithm from 3/4 to 4/3; then the corner, evenly among those that fit."}
#   - {id: larger_test, section: training_crop, transfer: false, q: "Why may a network that was trained at 224 do better when tested at a larger size?", a: "Random crops are shrunk less than the whole picture, or enlarged, so objects look larger in training than in the centre crop. A larger test size brings the sizes together."}
#   - {id: tall_picture, section: protocol, transfer: true, q: "A picture is 500 high and 333 wide. What is its size after the resizing of ImageNet's protocol, and where is the corner of the crop?", a: "384 high and 256 wide, since $\\lfloor 256 \\cdot 500 / 333 \\rfloor = 384$. The corner is at $(80, 16)$, top and left."}
#   - {id: tied_rows, section: accuracy, transfer: true, q: "By this page's rules, with label 0: are logits $(3, 3, 1)$ right in top-1, in top-2? And $(4, \\text{NaN}, 1)$ in top-2?", a: "One rival, class 1, so it is wrong in top-1 and right in top-2. A row with NaN in it is wrong whatever the label's logit is."}
#   - {id: ten_smoothed, section: smoothing, transfer: true, q: "$K = 10$ and $\\varepsilon = 0.2$. What does the target give the right class and each other one, and which gap of the logits is best?", a: "0.82 and 0.02, so the best gap is $\\ln 41 = 3.7$."}
#   - {id: training_above, section: mixup, transfer: false, q: "With random crops, smoothing and mixup the training loss stays above the validation loss. Is that a bug?", a: "No. All three make the training task harder than the test, and smoothing alone puts a floor under the loss. Compare accuracies on untouched pictures."}
#   - {id: eight_gpus, section: rate, transfer: true, q: "SGD has a peak rate of 0.1 at a batch of 256. You get 8 GPUs with 128 pictures each and warm up for 4 steps. What are the peak and the first rate?", a: "The batch is 1 024, so the peak is 0.4. The first rate is $0.4 \\cdot 1/5 = 0.08$."}
#   - {id: young_average, section: average, transfer: true, q: "The weights are 2, 6 and 10 at the first three updates, and the half-life is 7 000. What are the three averages?", a: "2, 4 and 6. While it is young it is a plain mean: $\\kappa = 0, \\frac12, \\frac23$."}
#   - {id: three_readers, section: shards, transfer: true, q: "Ten samples, three readers. Which places does each read?", a: "0 to 2, 3 to 5, 6 to 9, from $\\lfloor 10 r / 3 \\rfloor$ on. Each sample once, and the shares differ by one at most."}
#   - {id: wider_bottleneck, section: bottleneck, transfer: true, q: "How many convolution weights has a bottleneck with 512 channels and width 128, without projection, and how many have two 3 × 3 convolutions on 512 channels?", a: "$2 \\cdot 512 \\cdot 128 + 9 \\cdot 128^2 = 278\\,528$ against $2 \\cdot 9 \\cdot 512^2 = 4\\,718\\,592$, seventeen times as many."}
# predictions:
#   - {id: apparent_size, ask: "How many times as large does an object look in training as in the test, on average over the crops?", unit: "times", within: 0.15, because: "An average box has 0.43 of the picture's area, and at 224 it shows things 1.16 times as large as the test does. Small boxes are enlarged a lot, which lifts the mean."}
#   - {id: smoothed_floor, ask: "A perfect model, 1 000 classes, $\\varepsilon = 0.1$. What is the lowest training loss that it can have?", unit: "nats", within: 0.15, because: "The loss cannot fall below the entropy of the target. The smoothed tenth alone, spread over 1 000 classes, costs $0.1 \\cdot \\ln 10\\,000 = 0.92$ nats."}
#   - {id: linear_rule_end, ask: "Which is the first batch at which the linear rule ends with a larger loss than it began with?", choices: ["1024", "2048", "4096", "8192", "16384"], because: "The rule brings the rate to $0.1 B/256$, and above $2/h = 2$ every step throws $\\theta$ further out. That is passed at a batch of 5 120."}
#   - {id: average_lead, ask: "From step 220 on, by how many points does the mean accuracy of the averaged weights exceed that of the live ones? (Negative if it lies below.)", unit: "points", within: 8, because: "At a rate that stays high the live weights jump about a good place, and a jump costs ten points and more. The average cancels the jumps."}
#   - {id: buffer_classes, ask: "How many different classes are there in a batch of 64, on average, as packed and with the buffer of 500?", unit: "classes", factor: 1.5, because: "The buffer is filled by two or three shards of two classes each, and holds some leftovers of earlier ones. A batch wholly at random has three times as many classes."}
# written:
#   - {id: test_larger, ask: "A friend trains at 224 and tests at 224. You say: resize to 293 and cut out 256, and it gets better without any new training. Why is that so, and what would you measure before believing it?", rubric: ["random crops are enlarged, on average, relative to the whole picture at the test's size", "a larger test size brings the apparent sizes together", "measures accuracy against test size", "chooses the size on pictures that are not also reported on"], answer: "Random crops are enlarged, on average, relative to the whole picture at the test's size; so in training objects look larger. A larger test size brings the sizes together. Measure accuracy against test size on held-out pictures that you do not also report on, and look for a maximum above the training size."}
#   - {id: two_evaluations, ask: "A colleague's evaluation gives 76.4 %, yours 76.2 %, of the same weights. Name four places where evaluations differ, and the test for each.", rubric: ["the short last batch, averaged or dropped, or rows that fill up", "rounding and interpolation of resize and crop", "evaluation mode, and which weights: live or averaged", "ties and NaN", "a test for each: a few pictures whose answer is known by hand"], answer: "The short last batch (averaged or dropped); rounding and interpolation of resize and crop; evaluation mode; ties and NaN; rows that fill up; which weights, live or averaged. For each: a set of a few pictures whose answer is known by hand."}
#   - {id: better_than_any, ask: "Why may an average of weights be better than any of the weights it is made of, and why does batch norm need care there?", rubric: ["at a large rate the weights circle around a middle with a lower loss, and averaging cancels the circling", "it does not hold for weights that are far apart", "the running statistics belong to the weights that made them", "average the statistics too, or measure them anew"], answer: "At a large rate the weights circle around a middle that is lower than they are; averaging cancels the circling. It is not true for weights that are far apart. The running statistics belong to the weights that made them: average them too, or measure them anew."}
# ---

# %% [markdown]
# # ImageNet
#
# In 2015 a network called ResNet-50 got three pictures in four of **ImageNet** right: 1.28 million photographs, a thousand
# classes, from goldfish to corkscrew. In 2021 the *same* network, with not one parameter more, got four in five right. The architecture was the same, but for one stride that moved by a layer.
# What had changed was everything around it: how a picture is cut, what is asked for a right answer, how the
# learning rate runs, which weights are kept at the end. This page builds each of these parts, and the network.
#
# ImageNet is not here. It is large (138 GB of training pictures) and has a licence that you must accept yourself.
# So the page works with two photographs that come with scikit-learn, with pictures that it makes itself, and with arithmetic. The real run
# `imagenet` trains your network, if you have the data, one GPU and half a day or two; its loader, loss and average are the course's own, made by the same ideas.
#
# **You need** [rung 9](09_convnet.ipynb) (convolutions), [rung 10](10_resnet.ipynb) (residual networks), and what
# [rung 14](14_fast_resnet.ipynb) says about keeping a GPU busy. **You will have** a ResNet-50 and all that a published recipe is made of. **It takes** about seven hours.

# %% tags=["setup"]
import copy
import math
from collections.abc import Iterable, Iterator

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from sklearn.datasets import load_sample_image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from descent import chapter, check, commit, hint, outcome, progress, recall, recorded, run, write
from descent.figures import COLOURS, plot_curves, use_style

chapter("ladder/15_imagenet")
use_style()

# %%
temple, flower = load_sample_image("china.jpg"), load_sample_image("flower.jpg")
print(f"two photographs of scikit-learn: {temple.shape} and {flower.shape}, {temple.dtype}")

# %% [markdown]
# ## How you will be judged
#
# A number can only be compared with published ones if it was measured as they were. For ImageNet that means:
#
# 1. Resize the picture so that its **shorter** side is 256. The longer one keeps the proportions.
# 2. Cut the middle 224 × 224 out of it.
# 3. One answer a picture, over all 50 000 validation pictures.
#
# For a picture with sides $s \le l$ the new longer side is $\lfloor 256\, l / s \rfloor$, and the crop's corner lies at half of what is left over in each direction.
# Half pixels go to the even number, as with Python's `round`: 58.5 becomes 58, and 59.5 becomes 60. By hand, 375 high and 500 wide: 256 high, $\lfloor 341.3 \rfloor = 341$ wide, corner at $((256 - 224)/2, (341 - 224)/2) = (16, 58.5)$, so $(16, 58)$.

# %% exercise="centre_crop_box"
def centre_crop_box(
    height: int, width: int, resize: int = 256, crop: int = 224
) -> tuple[int, int, int, int]:
    """Work out the resizing and the crop of the evaluation protocol.

    Parameters
    ----------
    height, width : of the picture in pixels, at least 1 each
    resize : what the shorter side becomes, also where the picture has to be enlarged
    crop : side of the square that is cut out; at most `resize`

    Returns
    -------
    height, width, top, left : ints. The first two are of the picture after resizing, the longer
        side rounded down; the last two are the upper left corner of the crop in it, halves
        rounded to the even number
    """
    ### BEGIN SOLUTION
    short = min(height, width)
    height, width = resize * height // short, resize * width // short
    return height, width, round((height - crop) / 2), round((width - crop) / 2)
    ### END SOLUTION


# %% check="centre_crop_box"
check(centre_crop_box)

# %% [markdown]
# ## How the network is shown a picture
#
# In training nearly every recipe since {cite:t}`szegedy2015` cuts each picture anew each time, and boldly. The **random resized crop** takes a box and resizes it to 224 × 224, whatever
# its size and shape. For a picture of height $H$ and width $W$, with $u_0, u_1, u_2, u_3$ even in $[0, 1)$:
#
# - the area is a share of the picture's: $A = H W \, (a + u_0 (b - a))$, with $a = 0.08$ and $b = 1$;
# - the **aspect ratio** $\rho$, width over height, lies between $\tfrac34$ and $\tfrac43$, evenly in its *logarithm*: $\ln \rho = \ln\tfrac34 + u_1 (\ln\tfrac43 - \ln\tfrac34)$, so that wide and tall are equally likely;
# - then $w = \sqrt{A\rho}$ and $h = \sqrt{A/\rho}$, rounded to the nearest whole number;
# - if the box fits ($1 \le w \le W$ and $1 \le h \le H$), its corner is one of those possible: top $\lfloor u_2 (H - h + 1) \rfloor$, left $\lfloor u_3 (W - w + 1) \rfloor$. If not, the next four numbers get their chance.
#
# If none of the rows fits (the run draws ten): the largest box in the middle whose ratio is in the range. If the picture itself is wider than $\tfrac43$, the box has height $H$ and width $\tfrac43 H$; if narrower than $\tfrac34$, width $W$ and height $W / \tfrac34$
# (both rounded to the nearest); else it is the whole picture. Its corner is half of what is left over, rounded down.
#
# By hand: $H = 300$, $W = 400$, numbers $(0.25, 0.5, 0.5, 0.5)$. The share is $0.08 + 0.25 \cdot 0.92 = 0.31$, the area 37 200, the ratio 1, both sides $\sqrt{37200} = 192.9$, so 193. Top $\lfloor 0.5 \cdot 108 \rfloor = 54$, left $\lfloor 0.5 \cdot 208 \rfloor = 104$.

# %% exercise="random_crop_box"
def random_crop_box(
    height: int,
    width: int,
    numbers: NDArray[np.float64],
    share: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> tuple[int, int, int, int]:
    """Turn random numbers into the box of a random resized crop.

    Parameters
    ----------
    height, width : of the picture in pixels, at least 1 each
    numbers : shape (attempts, 4), at least one row, from 0 to below 1: in each row the numbers
        of one attempt, for area, ratio, top and left. The first row whose box fits decides.
    share : least and largest area, as a share of the picture's
    ratio : least and largest width / height; the least is at most 1 and the largest at least 1

    Returns
    -------
    top, left, height, width : ints, of the box in pixels. Where no row's box fits: the largest
        box in the middle with a ratio in the range, as on the page
    """
    ### BEGIN SOLUTION
    low, high = ratio
    for u in numbers:
        area = height * width * (share[0] + u[0] * (share[1] - share[0]))
        aspect = low * (high / low) ** u[1]
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return int(u[2] * (height - h + 1)), int(u[3] * (width - w + 1)), h, w
    w, h = min(width, round(height * high)), min(height, round(width / low))
    return (height - h) // 2, (width - w) // 2, h, w
    ### END SOLUTION


# %% check="random_crop_box"
check(random_crop_box)

# %% [markdown]
# Here are the same twenty boxes on each photograph, beside the centre crop.

# %%
def overlay(ax, photograph: np.ndarray, count: int, rng: np.random.Generator) -> None:
    """Draw a photograph with random boxes, and the centre crop."""
    height, width = photograph.shape[:2]
    ax.imshow(photograph)
    ax.set_axis_off()
    for _ in range(count):
        top, left, h, w = random_crop_box(height, width, rng.random((10, 4)))
        ax.add_patch(Rectangle((left, top), w, h, fill=False, edgecolor="white", linewidth=1.2, alpha=0.8))
    new_height, _, top, left = centre_crop_box(height, width)
    scale = height / new_height
    ax.add_patch(Rectangle((left * scale, top * scale), 224 * scale, 224 * scale, fill=False,
                           edgecolor=COLOURS["orange"], linewidth=3.5))


fig, axes = plt.subplots(1, 2, figsize=(11, 4.1))
for ax, photograph in zip(axes, (temple, flower), strict=True):
    overlay(ax, photograph, 20, np.random.default_rng(3))
fig.suptitle("White: what the network may be shown. Orange: what it is judged by", fontweight="bold", fontsize=13)
plt.show()

# %% [markdown]
# Some boxes hold a roof, some a cloud, and the label is "temple" each time. That is deliberate: the network has to find evidence wherever it is. But there is a side effect.
#
# **Predict.** Whatever its size, a box is brought to 224 × 224; the whole test picture is brought to a shorter side of 256. A box is only a part, so it is shrunk less, or enlarged. Take a picture of 375 × 500, an ordinary size, and ten thousand boxes. Think of the spread, too: how much do the sizes
# in training differ among themselves?

# %% predict="apparent_size"
commit("apparent_size", ..., sure=...)

# %%
rng = np.random.default_rng(0)
H, W = 375, 500
boxes = np.array([random_crop_box(H, W, rng.random((10, 4))) for _ in range(10_000)])
in_training = 224 / np.sqrt(boxes[:, 2] * boxes[:, 3])  # pixels shown for each pixel of the original
in_the_test = 256 / min(H, W)
factor = in_training / in_the_test
print(f"looks larger in training by a factor of {factor.mean():.2f} on average, median {np.median(factor):.2f}; "
      f"nine in ten lie between {np.quantile(factor, 0.05):.2f} and {np.quantile(factor, 0.95):.2f}")
print(f"mean share of the area {np.mean(boxes[:, 2] * boxes[:, 3]) / (H * W):.2f}; "
      f"wide boxes {np.mean(boxes[:, 3] > boxes[:, 2]):.1%}, tall ones {np.mean(boxes[:, 3] < boxes[:, 2]):.1%}")
print(f"a shorter side of {256 * factor.mean():.0f} in the test would show objects as large as in training on average")

# %% outcome="apparent_size"
outcome("apparent_size", float(factor.mean()))

# %%
fig, ax = plt.subplots(figsize=(7, 3.4))
ax.hist(factor, bins=80, color=COLOURS["sky"])
ax.axvline(1, color=COLOURS["orange"], linewidth=3)
ax.text(0.97, ax.get_ylim()[1] * 0.9, "as in\nthe test", color=COLOURS["ink"], ha="right", va="top")
ax.axvline(factor.mean(), color=COLOURS["blue"], linewidth=3)
ax.text(factor.mean() + 0.03, ax.get_ylim()[1] * 0.72, "mean", color=COLOURS["blue"])
ax.set(xlabel="apparent size in training ÷ in the test", ylabel="crops of 10 000", title="Training shows objects larger than the test does")
plt.show()

# %% [markdown]
# The mean is larger than the median, since a tiny box is enlarged a lot. (Two finer points in the second line: the mean share is below the middle of 0.08 and 1, and wide boxes are more frequent than tall ones, both because large and tall boxes often do not fit, and are drawn anew.) So the network learns objects at one size and is examined at another. {cite:t}`touvron2019` noticed this **train–test gap** in 2019,
# after years in which everybody had trained and tested at 224. The repair costs nothing: test at a somewhat larger size, or train at a smaller one, which saves time as well.
# Towards the end of the page you will see it on a network of your own.

# %% recall="training_crop"
recall("training_crop")

# %% [markdown]
# ## Bytes to numbers
#
# A loader delivers bytes: `uint8`, batch × height × width × colour. The network wants floats of about unit size, colour second. With mean $\mu_c$ and deviation $\sigma_c$ of each colour over the training set, on the scale from 0 (black) to 1 (white),
#
# $$ y_{nchw} = \frac{x_{nhwc} / 255 - \mu_c}{\sigma_c}, \qquad (n, h, w, c) \to (n, c, h, w). $$
#
# By hand: a red of 255 with $\mu = 0.485$, $\sigma = 0.229$, ImageNet's red, gives $0.515/0.229 = 2.25$. Send the *bytes* to the GPU and do this there: floats would be four times the traffic.

# %% exercise="normalise"
def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Turn bytes with the colour last into normalised floats with the colour second.

    Parameters
    ----------
    images : uint8, shape (n, h, w, c), 0 to 255; not changed
    mean, std : float32, shape (c,), of each channel on the scale from 0 to 1

    Returns
    -------
    float32, shape (n, c, h, w)
    """
    ### BEGIN SOLUTION
    return ((images.float() / 255 - mean) / std).permute(0, 3, 1, 2)
    ### END SOLUTION


# %% check="normalise"
check(normalise)

# %% [markdown]
# ## Right at once, and right among five
#
# Many ImageNet pictures show several things, and only one of them has the label. So two numbers are published. **Top-1**: the label's class has the largest logit. **Top-5**: it is among the five largest.
#
# Four places where evaluations go wrong in practice, each of which has inflated or deflated somebody's number:
#
# - **The last batch** is shorter (50 000 is no multiple of 256 pictures). Averaging the batches' accuracies weighs its pictures more; dropping it evaluates another set.
# - **Rows that fill up.** Some loaders fill the last batch to full size. On this page such rows carry the label −1, and do not count.
# - **Ties.** Are equal logits right? Here a tie counts *against* the model. Let a **rival** be another class whose logit is at least as large as the label's; top-$k$ means fewer than $k$ rivals. With ties for the model, a network that answers 0 everywhere would be perfect.
# - **NaN.** Every comparison with NaN is False, so a network that has blown up has no rivals. A row with NaN in it is wrong.
#
# By hand: logits $(2, 5, 5, 1)$, label 1: class 2 is a rival, so it is wrong in top-1 and right in top-2.

# %% exercise="evaluate"
def evaluate(model: nn.Module, batches: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Measure top-1 and top-5 accuracy.

    Parameters
    ----------
    model : maps images to logits, shape (n, classes). It is used in evaluation mode, without
        gradients, and left in the mode it came in (training or evaluation, as a whole). Nothing
        else of it changes, nor whether gradients are recorded after the call.
    batches : at least one pair of images and int64 labels, shape (n,); n may differ from batch
        to batch. Rows with label −1 only fill up a batch and do not count; at least one row
        counts.

    Returns
    -------
    top1, top5 : floats from 0 to 1, shares of all rows that count. A row is right in the top k
        when fewer than k *other* classes have a logit at least as large as the label's, and no
        logit of it is NaN. Infinite logits are compared as numbers are.
    """
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    first = five = count = 0
    with torch.no_grad():
        for images, labels in batches:
            logits = model(images)[labels >= 0]
            labels = labels[labels >= 0]
            own = logits.gather(1, labels[:, None])
            rivals = (logits >= own).sum(1) - 1
            sound = ~logits.isnan().any(1)
            first += int(((rivals < 1) & sound).sum())
            five += int(((rivals < 5) & sound).sum())
            count += len(labels)
    model.train(was_training)
    return first / count, five / count
    ### END SOLUTION


# %% check="evaluate"
check(evaluate)

# %% [markdown]
# A "model" that knows nothing and gives all 1 000 classes the logit 0 is asked about 1 000 pictures. What top-1 will `evaluate` report, and what will counting with `argmax` report, as many scripts do, when every picture is of class 0? And when each class comes once?

# %%
zeros, every_class = torch.zeros(1000, 1000), torch.arange(1000)
by_argmax = float((zeros.argmax(1) == every_class).float().mean())
print(f"{'all logits 0':15} on each class once: argmax says {by_argmax:.1%}, evaluate says {evaluate(nn.Identity(), [(zeros, every_class)])[0]:.1%}")
for name, broken in {"all logits 0": zeros, "all logits NaN": zeros * math.nan}.items():
    same_class = torch.zeros(1000, dtype=torch.int64)
    by_argmax = float((broken.argmax(1) == same_class).float().mean())
    own = evaluate(nn.Identity(), [(broken, same_class)])[0]
    print(f"{name:15} on pictures of class 0: argmax says {by_argmax:.0%}, evaluate says {own:.0%}")

# %% [markdown]
# `argmax` gives the first class whenever it cannot decide. On class 0 a dead network looks perfect; over all classes it looks like chance, which hides the failure.
#
# ## What is asked of the network
#
# With a one-hot target, cross-entropy is lowest when the right logit is infinitely larger than the others. The network never gets there, and spends its efforts on being surer. **Label smoothing** {cite:p}`szegedy2016` asks for less:
#
# $$ q_k = (1 - \varepsilon)\,[k = y] + \frac{\varepsilon}{K}, \qquad L = -\frac1n \sum_{i=1}^n \sum_{k=1}^K q_{ik} \ln p_{ik}, $$
#
# where $p_i = \operatorname{softmax}(z_i)$ is row $i$ of the logits $z$, shape $(n, K)$, made probabilities, and $[k = y]$ is 1 where $k$ is the label and else 0. The share $\varepsilon$ is spread over *all* $K$ classes, the right one included. By hand: $K = 4$, $\varepsilon = 0.2$: the right class is to get 0.85, each other one 0.05. Rung 10 used it as an option of `F.cross_entropy`. Now write it, by its definition.

# %% exercise="smoothed_loss"
def smoothed_loss(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Compute the mean cross-entropy with smoothed targets.

    Parameters
    ----------
    logits : float32, shape (n, classes); may be hundreds in size
    labels : int64, shape (n,)
    smoothing : ε from 0 to 1. Each class gets ε / classes, and the label's 1 − ε more.

    Returns
    -------
    a scalar tensor, through which gradients flow to the logits
    """
    ### BEGIN SOLUTION
    logs = logits.log_softmax(1)
    right = logs.gather(1, labels[:, None]).mean()
    return -(1 - smoothing) * right - smoothing * logs.mean()
    ### END SOLUTION


# %% check="smoothed_loss"
check(smoothed_loss)

# %% [markdown]
# **Predict.** A network with 1 000 classes learns with $\varepsilon = 0.1$, and becomes as good as a network can be. Think of its logits, too: by how much does the right one then exceed the others?

# %% predict="smoothed_floor"
commit("smoothed_floor", ..., sure=...)

# %%
floors = {}
print(f"{'':6}lowest loss   gap of the logits   (1 000 classes)")
gaps = np.linspace(0, 16, 200)
drawn = {}
for smoothing in (0.0, 0.1, 0.2):
    losses = []
    for gap in gaps:
        logits = torch.zeros(1, 1000, dtype=torch.float64)
        logits[0, 0] = gap
        losses.append(float(smoothed_loss(logits, torch.tensor([0]), smoothing)))
    drawn[f"ε = {smoothing:g}"] = (gaps, losses)
    if smoothing:
        right, other = 1 - smoothing + smoothing / 1000, smoothing / 1000
        floor = -right * math.log(right) - 999 * other * math.log(other)
        floors[smoothing] = floor
        print(f"ε = {smoothing:g}   {floor:.3f}        {math.log(right / other):.2f}")
plot_curves(drawn, xlabel="right logit minus the others", ylabel="loss (nats)", title="Smoothing puts the best gap at a finite place")
plt.show()

# %% outcome="smoothed_floor"
outcome("smoothed_floor", floors[0.1])

# %% [markdown]
# The softmax that matches the target has $p_y / p_k = q_y / q_k$, so the best gap is $\ln(q_y / q_k)$, a finite number, and the loss there is the entropy of the target, which is not 0. Two consequences. A training loss of 1.2 may be excellent;
# and a smoothed training loss cannot be compared with a plain one. Compare accuracies.

# %% recall="smoothing"
recall("smoothing")

# %% [markdown]
# ## Mixed pictures
#
# **Mixup** {cite:p}`zhang2018mixup` goes further. It shows the network a picture that nobody has seen: $\lambda$ of one and $1 - \lambda$ of another, with both labels in the same shares,
#
# $$ \tilde x_i = \lambda x_i + (1 - \lambda) x_{\pi(i)}, \qquad L = \lambda\, L(\tilde z, y) + (1 - \lambda)\, L(\tilde z, y_\pi), \qquad \tilde z = f(\tilde x). $$
#
# There is one $\lambda$ for the whole batch, drawn from a Beta distribution (with parameter 0.2, mostly near 0 or 1), and $\pi$ is a shuffle of the batch. One pass through the network, two labels. (The run draws one $\lambda$ for each group of 32 rows, and takes the next row of the group as the partner: its pictures come in random order anyway.)
# By hand: $\lambda = 0.75$, pixels 8 and 4: the mixture is $6 + 1 = 7$. With losses 2 for the own and 4 for the other label: $1.5 + 1 = 2.5$.

# %% exercise="mixed_loss"
def mixed_loss(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    share: float,
    order: Tensor,
    smoothing: float = 0.0,
) -> Tensor:
    """Compute the loss of a batch under mixup.

    Parameters
    ----------
    model : maps images to logits, shape (n, classes). It is called once, in the mode it is in.
    images : float32, shape (n, c, h, w); not changed
    labels : int64, shape (n,)
    share : λ, what picture i keeps of itself
    order : int64, shape (n,), a permutation: picture i is mixed with picture order[i]
    smoothing : of both targets, as in `smoothed_loss`

    Returns
    -------
    a scalar tensor: share · loss against labels + (1 − share) · loss against labels[order]
    """
    ### BEGIN SOLUTION
    logits = model(share * images + (1 - share) * images[order])
    own = smoothed_loss(logits, labels, smoothing)
    return share * own + (1 - share) * smoothed_loss(logits, labels[order], smoothing)
    ### END SOLUTION


# %% check="mixed_loss"
check(mixed_loss)

# %%
fig, axes = plt.subplots(1, 4, figsize=(11, 2.3))
for ax, share in zip(axes, (1.0, 0.8, 0.5, 0.2), strict=True):
    ax.imshow((share * temple + (1 - share) * flower) / 255)
    ax.set_title(f"λ = {share:g}: temple {share:g}, flower {1 - share:.1g}", fontsize=9.5)
    ax.set_axis_off()
plt.show()

# %% [markdown]
# ## The rate, and the batch
#
# A batch of 1 024 instead of 256 takes a quarter of the steps in an epoch. To come as far, each step must be four times as long. That is the **linear scaling rule** of {cite:t}`goyal2017`: for SGD, $k$ times the batch, $k$ times the rate, with 0.1 for 256.
# It holds while the gradient changes little during the $k$ small steps that the large one replaces. At the very start that fails, hence the warm-up. With $B$ the batch, $w$ the warm-up and $T$ all steps, for step $t = 0, \dots, T - 1$:
#
# $$ \eta_\text{peak} = 0.1 \cdot \frac{B}{256}, \qquad \eta_t = \eta_\text{peak} \cdot \begin{cases} \dfrac{t + 1}{w + 1} & t < w \\[1.2ex] \dfrac12 \Bigl(1 + \cos \pi \dfrac{t - w}{T - w}\Bigr) & t \ge w. \end{cases} $$
#
# By hand: $B = 512$, $w = 3$: the peak is 0.2, the first rates are 0.05, 0.10, 0.15, and step 3 has 0.2. (Rung 10 counted in shares of the training and took the middle of a step; recipes for ImageNet count in steps.)

# %% exercise="learning_rate"
def learning_rate(step: int, steps: int, warm_up: int, batch: int, base: float = 0.1) -> float:
    """Compute SGD's learning rate: linear in the batch, linear warm-up, then half a cosine.

    Parameters
    ----------
    step : 0 … steps − 1
    steps : of the whole training
    warm_up : steps in which the rate rises; 0 ≤ warm_up < steps. With 0 the first step has the
        peak.
    batch : pictures in a step
    base : the peak for a batch of 256

    Returns
    -------
    the rate of this step, a float, as in the formula
    """
    ### BEGIN SOLUTION
    peak = base * batch / 256
    if step < warm_up:
        return peak * (step + 1) / (warm_up + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))
    ### END SOLUTION


# %% check="learning_rate"
check(learning_rate)

# %% [markdown]
# **Where the rule comes from, and where it ends.** Take the simplest loss with noise: $L(\theta) = \tfrac12 h \theta^2$ with gradients $h\theta + \text{noise}/\sqrt B$. From the same start, we go through the same number of *pictures* with growing batches, once with the linear rule and once at a fixed rate.
#
# **Predict.** The curvature is $h = 1$, the start $\theta = 1$, where the loss is 0.5, and the batches go from 256 to 16 384. Under the linear rule, how long does the result stay the same? What ends it?

# %% predict="linear_rule_end"
commit("linear_rule_end", ..., sure=...)

# %%
def noisy_bowl(batch: int, rate: float, pictures: int = 65_536, curvature: float = 1.0, runs: int = 4000) -> float:
    """Mean loss of many descents from 1 after so many pictures; the noise of one picture is 4."""
    theta = np.ones(runs)
    noise = np.random.default_rng(0)
    for _ in range(pictures // batch):
        theta = theta - rate * (curvature * theta + 4 / math.sqrt(batch) * noise.standard_normal(runs))
        if not np.isfinite(theta).all() or np.abs(theta).max() > 1e6:
            return math.inf
    return float(0.5 * curvature * np.mean(theta**2))


batches = [256, 512, 1024, 2048, 4096, 8192, 16_384]
linear = [noisy_bowl(batch, 0.1 * batch / 256) for batch in batches]
fixed = [noisy_bowl(batch, 0.1) for batch in batches]
print("batch          " + "".join(f"{batch:>10}" for batch in batches))
print("linear rule    " + "".join(f"{loss:>10.2g}" for loss in linear))
print("rate 0.1 always" + "".join(f"{loss:>10.2g}" for loss in fixed))
first_above = next(batch for batch, loss in zip(batches, linear, strict=True) if loss > 0.5)

# %% outcome="linear_rule_end"
outcome("linear_rule_end", str(first_above))

# %% [markdown]
# Over a factor of several the loss hardly depends on the batch under the linear rule: the larger step carries as much more noise as the larger batch takes away. Then the rate nears $2/h$, the edge of stability of rung 1, and it is over within one doubling.
# At a fixed rate a larger batch first gains, since the noise falls, and then loses, since there are too few steps to get anywhere.

# %% recall="rate"
recall("rate")

# %% [markdown]
# ## Which weights to keep
#
# At a large learning rate the weights circle around a good place without settling in it. Their mean lies nearer to the middle than any of them. The **moving average** keeps that mean beside the training, which never sees it:
#
# $$ \bar\theta_{t} = \kappa_t\, \bar\theta_{t-1} + (1 - \kappa_t)\, \theta_t, \qquad \kappa_t = \min\Bigl(2^{-1/\tau},\; \frac{t}{t + 1}\Bigr), \qquad t = 0, 1, \dots $$
#
# $\tau$ is the **half-life** in updates: what was seen $\tau$ updates ago weighs half. The second term is for the youth of the average. With $t/(t+1)$ it is a plain mean of all weights so far, and at $t = 0$, with $\kappa = 0$, it forgets the random start altogether. By hand, $\tau = 1$ and weights 4, 8, 0: $\kappa = 0, \tfrac12, \tfrac12$, averages 4, 6, 3.
#
# A network with batch norm has more than weights. Its running mean and variance belong to the live weights, and averaged weights have other statistics. Averaging these **buffers** in the same way is a good approximation;
# leaving them as they were at the start would be ruin. The counter of batches is a whole number, and is copied.

# %% exercise="MovingAverage"
class MovingAverage:
    """A moving average of a model's weights and statistics.

    Parameters
    ----------
    model : the live model, which is not changed, neither its tensors nor its mode
    half_life : in updates, above 0

    Attributes
    ----------
    model : a copy that shares no memory with the live model: in evaluation mode, its parameters not
        asking for gradients. Before the first update it holds what the live model held.
    """

    def __init__(self, model: nn.Module, half_life: float) -> None:
        ### BEGIN SOLUTION
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.keep = 0.5 ** (1 / half_life)
        self.updates = 0
        ### END SOLUTION

    def update(self, model: nn.Module) -> None:
        """Take in the live model, which has the same parts.

        Parameters and floating-point buffers are averaged by the rule of the page, the first call
        being t = 0. Buffers of whole numbers are copied. Whether gradients are recorded after the
        call stays as it was.
        """
        ### BEGIN SOLUTION
        keep = min(self.keep, self.updates / (self.updates + 1))
        self.updates += 1
        with torch.no_grad():
            live = model.state_dict()
            for name, old in self.model.state_dict().items():
                if old.is_floating_point():
                    old.mul_(keep).add_(live[name], alpha=1 - keep)
                else:
                    old.copy_(live[name])
        ### END SOLUTION


# %% check="MovingAverage"
check(MovingAverage)

# %% [markdown]
# ## All of it, small
#
# Time to see the parts at work. There is no ImageNet here, so we make pictures: six kinds of figure, light on dark or dark on light, anywhere, at any angle and at various sizes. Sharp eyes needed: the figure covers a small part of the picture. A small convolutional network
# trains on random crops, each brought to 32 × 32.

# %%
SIDE, KINDS = 48, ("disc", "square", "triangle", "ring", "cross", "star")


def figures(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Make n pictures, uint8 of shape (n, 48, 48, 3), and which kind of figure each shows."""
    rng = np.random.default_rng(seed)

    def drawn(low: float, high: float, *shape: int) -> np.ndarray:
        return rng.uniform(low, high, shape).astype(np.float32)

    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / SIDE
    labels = rng.integers(len(KINDS), size=n)
    radius, turn = drawn(0.12, 0.28, n, 1, 1), drawn(0, 2 * math.pi, n, 1, 1)
    centre = radius + (1 - 2 * radius) * drawn(0, 1, 2, n, 1, 1)
    u = ((x - centre[0]) * np.cos(turn) + (y - centre[1]) * np.sin(turn)) / radius
    v = ((y - centre[1]) * np.cos(turn) - (x - centre[0]) * np.sin(turn)) / radius
    away, angle = np.hypot(u, v), np.arctan2(v, u)
    bars = [np.maximum(np.abs(a) - 0.3, np.abs(b) - 1) for a, b in ((u, v), (v, u))]
    outside = np.choose(labels[:, None, None], [  # how far outside of the figure, negative inside
        away - 1, np.maximum(np.abs(u), np.abs(v)) - 0.85,
        np.maximum(np.maximum(-v, 0.87 * u + v / 2), v / 2 - 0.87 * u) - 0.55,
        np.abs(away - 0.75) - 0.25, np.minimum(*bars), away - 0.65 - 0.35 * np.cos(5 * angle),
    ])
    inside = 1 / (1 + np.exp(np.clip(outside * radius * SIDE * 3, -30, 30)))[..., None]
    grounds = []
    for low, high in ((0.0, 0.45), (0.55, 1.0)):
        waves = drawn(-15, 15, 2, n, 1, 1)
        share = 0.5 + 0.5 * np.sin(waves[0] * x + waves[1] * y + drawn(0, 6, n, 1, 1))[..., None]
        colours = drawn(low, high, 2, n, 1, 1, 3)
        grounds.append(share * colours[0] + (1 - share) * colours[1])
    dark, light = grounds
    swapped = drawn(0, 1, n, 1, 1, 1) < 0.5
    picture = inside * np.where(swapped, dark, light) + (1 - inside) * np.where(swapped, light, dark)
    picture = np.clip(picture + 0.05 * rng.standard_normal(picture.shape, dtype=np.float32), 0, 1)
    return torch.from_numpy((255 * picture).astype(np.uint8)), torch.from_numpy(labels)


train_bytes, train_labels = figures(2000, seed=0)
valid_bytes, valid_labels = figures(500, seed=1)
channel_mean, channel_std = torch.full((3,), 0.5), torch.full((3,), 0.3)
train_images = normalise(train_bytes, channel_mean, channel_std)
valid_images = normalise(valid_bytes, channel_mean, channel_std)

shown = torch.cat([(train_labels == kind).nonzero()[:3, 0] for kind in range(len(KINDS))])  # three of each kind
fig, axes = plt.subplots(2, 9, figsize=(11, 2.9))
for ax, picture, label in zip(axes.flat, train_bytes[shown], train_labels[shown], strict=True):
    ax.imshow(picture)
    ax.set_title(KINDS[label], fontsize=9)
    ax.set_axis_off()
plt.show()


# %%
def cut(images: Tensor, boxes: list[tuple[int, int, int, int]], side: int) -> Tensor:
    """Cut a box out of each picture and bring it to side × side, by linear interpolation."""
    height, width = images.shape[2:]
    top, left, h, w = torch.tensor(boxes, dtype=torch.float32).T
    to_picture = torch.zeros(len(images), 2, 3)
    to_picture[:, 0, 0], to_picture[:, 0, 2] = w / width, (2 * left + w) / width - 1
    to_picture[:, 1, 1], to_picture[:, 1, 2] = h / height, (2 * top + h) / height - 1
    grid = F.affine_grid(to_picture, [len(images), 3, side, side], align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def small_net(width: int = 8) -> nn.Sequential:
    """Four convolutions, the mean over all places, and a linear layer: any size of picture will do."""
    layers: list[nn.Module] = []
    channels = 3
    for factor, stride in ((1, 1), (2, 2), (4, 2), (4, 1)):
        layers += [nn.Conv2d(channels, width * factor, 3, stride, 1, bias=False), nn.BatchNorm2d(width * factor), nn.ReLU()]
        channels = width * factor
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, len(KINDS)))


def shown_at(side: int) -> list[tuple[Tensor, Tensor]]:
    """The validation pictures, whole, resized to side × side, in batches of which the last is short."""
    resized = F.interpolate(valid_images, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return list(zip(resized.split(200), valid_labels.split(200), strict=True))


# %% [markdown]
# The rate climbs for 40 steps and then *stays* high, so that the weights never settle. Beside the live model go a moving average, and the same average with the live model's batch-norm buffers put in.
#
# **Predict.** We look at the accuracy on whole pictures of 32 × 32 every 20 steps, up to step 360. Think of three more things: which is best after 100 steps, how much each curve jumps, and which buffers serve the averaged weights better.

# %% predict="average_lead"
commit("average_lead", ..., sure=...)

# %%
STEPS, BATCH, TRAIN_SIDE = 360, 64, 32


def train_small(seed: int) -> tuple[nn.Module, MovingAverage, dict[str, list[float]]]:
    """Train on random crops at a rate that stays high; accuracies every 20 steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    live = small_net()
    average = MovingAverage(live, half_life=30)
    optimiser = torch.optim.SGD(live.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    watched = shown_at(TRAIN_SIDE)
    curves: dict[str, list[float]] = {"live": [], "average": [], "average, live buffers": []}
    for step in range(STEPS):
        rows = torch.from_numpy(rng.integers(len(train_images), size=BATCH))
        boxes = [random_crop_box(SIDE, SIDE, rng.random((10, 4)), share=(0.25, 1.0)) for _ in rows]
        shown = cut(train_images[rows], boxes, TRAIN_SIDE)
        live.train()
        loss = smoothed_loss(live(shown), train_labels[rows], 0.1)
        optimiser.zero_grad()
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = 0.1 * min(1, (step + 1) / 41)
        optimiser.step()
        average.update(live)
        if step % 20 == 19:
            hybrid = copy.deepcopy(live)
            for old, new in zip(hybrid.parameters(), average.model.parameters(), strict=True):
                old.data.copy_(new)
            for name, model in zip(curves, (live, average.model, hybrid), strict=True):
                curves[name].append(evaluate(model, watched)[0])
    return live, average, curves


live, average, curves = train_small(seed=0)
at = np.arange(19, STEPS, 20) + 1
for name, right in curves.items():
    late = np.array(right[10:])
    print(f"{name:22} after 100 steps {right[4]:.1%}; from step 220 to {STEPS}: mean {late.mean():.1%}, spread {late.std():.1%}")
average_lead = 100 * float(np.mean(curves["average"][10:]) - np.mean(curves["live"][10:]))

# %% outcome="average_lead"
outcome("average_lead", average_lead)

# %%
plot_curves({name: (at, right) for name, right in curves.items()}, xlabel="step", ylabel="accuracy on validation pictures",
            title="The average rises steadily where the live weights jump")
plt.show()

# %% [markdown]
# Two curves, one training. The live network falls by ten points and more from one look to the next and climbs back. That is not forgetting, for the average of the same weights keeps its accuracy; most likely a step was too long. The average does not take part in it. At first it *lags*, since half of it is older than thirty updates and the network
# is still learning; then it passes, and goes on rising while the live network goes up and down. This is why recipes with an average evaluate the average, and why "the best of all checkpoints" of a live network is a lucky draw. (A falling rate achieves much of the same, and a recipe may use both.)
# The hybrid has the average's weights and the live network's statistics. Over the second half it lies a little below the average: the buffers of the moment do not belong to averaged weights. (One seed, and a small difference; "go further" asks for more.)
#
# Now the size. The network was trained on crops that were brought to 32 × 32. It is tested on whole pictures resized to 20, 24, …, 64. At which size will it be best: below 32, at 32, or above? And what will happen far above?

# %%
sides = list(range(20, 65, 4))
by_side = [evaluate(average.model, shown_at(side))[0] for side in sides]
best = sides[int(np.argmax(by_side))]
print(f"trained at {TRAIN_SIDE}: {by_side[sides.index(TRAIN_SIDE)]:.1%} when tested at {TRAIN_SIDE}; best {max(by_side):.1%} at {best}; {by_side[-1]:.1%} at {sides[-1]}")
boxes = [random_crop_box(SIDE, SIDE, rng.random((10, 4)), share=(0.25, 1.0)) for _ in range(2000)]
larger = np.mean([SIDE / math.sqrt(h * w) for _, _, h, w in boxes])
print(f"figures look {larger:.2f} times as large in training as in a test at {TRAIN_SIDE}: equal on average at {TRAIN_SIDE * larger:.0f}")
fig, ax = plt.subplots(figsize=(7, 3.6))
ax.plot(sides, by_side, marker="o", color=COLOURS["blue"])
ax.axvline(TRAIN_SIDE, color=COLOURS["orange"], linewidth=2.5)
ax.text(TRAIN_SIDE + 0.7, min(by_side) + 0.02, "trained at this size", color=COLOURS["ink"])
ax.set(xlabel="side of the test pictures (pixels)", ylabel="accuracy", title="Nearly flat around the size of the training, steep far from it")
plt.show()

# %% [markdown]
# The best size lies a little above the one of the training, but its lead is a few pictures of 500, no more than chance can make. At the size where figures look as large as in training on average, this network does *worse*. Geometry names a direction, and how far to go has to be measured, with several seeds. Far above, it fails: figures as large as that it has seen only in its smallest crops. This is the gap of {cite:t}`touvron2019`, small. Mind one thing before you use it:
# the best size was chosen on the validation pictures, so its accuracy there flatters a little. To report it, measure on others.
#
# ## A hundred gigabytes, in order
#
# Opening 1.28 million small files at random is the slowest thing you can ask of a disk or a network drive. So pictures are packed, some thousand at a time, into **shards**, large files that are read from front to back. Now the order becomes a matter of design:
#
# - each picture once in an epoch, by exactly one **reader** (a process, or a worker of it);
# - equal shares, or the quick readers wait for the slow one at every step;
# - after a restart, on from the same place, without repeating and without skipping.
#
# Lay the shards end to end in the epoch's order, a stream of $N$ samples in all. Reader $r$ of $R$ takes the stretch from $\lfloor N r / R \rfloor$ to before $\lfloor N (r+1) / R \rfloor$. After `done` samples of its own it starts that much later. What a disk wants to know is *pieces*: shard, start, stop.
#
# By hand: sizes $[3, 2, 4]$, order $[2, 0, 1]$, two readers, $N = 9$. Reader 0 has places 0 to 3, which is all of shard 2: $(2, 0, 4)$. Reader 1 has places 4 to 8: $(0, 0, 3)$ and $(1, 0, 2)$; after one sample, $(0, 1, 3)$ and $(1, 0, 2)$.

# %% exercise="shard_pieces"
def shard_pieces(
    order: list[int], sizes: list[int], reader: int, readers: int, done: int = 0
) -> list[tuple[int, int, int]]:
    """List what one reader has still to read in an epoch.

    Parameters
    ----------
    order : the numbers of all shards, each once, in the order in which this epoch reads them
    sizes : sizes[shard] is how many samples a shard has; may be 0
    reader, readers : this reader's number, from 0, and how many there are
    done : how many of its own samples this reader has read already in this epoch; at most all

    Returns
    -------
    list of (shard, start, stop), in the order of reading: samples start to before stop of that
        shard, counted inside the shard. One piece for each shard; empty pieces are left out.
    """
    ### BEGIN SOLUTION
    total = sum(sizes)
    first, last = total * reader // readers + done, total * (reader + 1) // readers
    pieces, position = [], 0
    for shard in order:
        start, stop = max(first - position, 0), min(last - position, sizes[shard])
        if start < stop:
            pieces.append((shard, start, stop))
        position += sizes[shard]
    return pieces
    ### END SOLUTION


# %% check="shard_pieces"
check(shard_pieces)

# %% [markdown]
# Samples of a shard now come in the order in which they were written. To mix them, hold some in memory: a **shuffle buffer** of size $b$.
#
# 1. Fill the buffer with the first $b$ samples.
# 2. For each further sample: hand out one from the buffer, drawn at random, and put the new one in its place.
# 3. When the stream ends, hand out what is left in the buffer, in random order.
#
# It never holds more than $b$ samples, works on a stream without an end, and hands out each sample once.
# By hand, $b = 2$, stream $A, B, C$: hold $A$ and $B$. $C$ comes; the draw says place 0: out goes $A$. Left are $C$ and $B$, in either order.

# %% exercise="shuffled"
def shuffled(stream: Iterable, size: int, rng: np.random.Generator) -> Iterator:
    """Hand out a stream's samples one by one, mixed by a buffer.

    Parameters
    ----------
    stream : any iterable, perhaps without an end
    size : samples that the buffer holds, at least 1. While the stream lasts the buffer is full:
        one sample is taken from the stream for each that is handed out. With 1 the order stays.
    rng : all randomness comes from it; rng.integers(n) is one of 0 … n − 1

    Returns
    -------
    an iterator over the samples (a function with `yield` returns one), each once. What goes out
        is drawn evenly from the buffer, at the end of the stream too.
    """
    ### BEGIN SOLUTION
    buffer: list = []
    for sample in stream:
        if len(buffer) < size:
            buffer.append(sample)
            continue
        place = int(rng.integers(size))
        yield buffer[place]
        buffer[place] = sample
    while buffer:
        yield buffer.pop(int(rng.integers(len(buffer))))
    ### END SOLUTION


# %% check="shuffled"
check(shuffled)

# %% [markdown]
# ImageNet's folders are sorted by class. Suppose that somebody packs them as they lie: 100 classes of 100 pictures, 50 shards of 200. The shards are read in random order and go through a buffer of 500.
#
# **Predict.** We count the different classes in batches of 64. Beside the order as packed, with the buffer and without, stand two more: mixed wholly at random, and, *without* a buffer, mixed once before packing.

# %% predict="buffer_classes"
commit("buffer_classes", ..., sure=...)

# %%
rng = np.random.default_rng(5)
by_class = np.repeat(np.arange(100), 100)
mixed_once = rng.permutation(by_class)


def epoch(stored: np.ndarray, buffer: int) -> np.ndarray:
    """The classes of one epoch in the order in which a single reader hands them out."""
    order = rng.permutation(50).tolist()
    pieces = shard_pieces(order, [200] * 50, 0, 1)
    stream = (int(label) for shard, start, stop in pieces for label in stored[200 * shard + start : 200 * shard + stop])
    return np.array(list(shuffled(stream, buffer, rng)))


def alike(labels: np.ndarray, lag: int) -> float:
    """How often two samples, so many places apart, have the same class."""
    return float(np.mean(labels[lag:] == labels[:-lag]))


orders = {
    "sorted, no buffer": epoch(by_class, 1),
    "sorted, buffer of 500": epoch(by_class, 500),
    "mixed once, no buffer": epoch(mixed_once, 1),
    "wholly at random": rng.permutation(by_class),
}
in_a_batch = {}
lags = np.unique(np.geomspace(1, 3000, 40).astype(int))
for name, labels in orders.items():
    classes = np.mean([len(set(part)) for part in np.split(labels[: 64 * 156], 156)])
    in_a_batch[name] = float(classes)
    print(f"{name:22} {classes:4.1f} classes in a batch of 64; neighbours alike {alike(labels, 1):.1%}")

# %% outcome="buffer_classes"
outcome("buffer_classes", in_a_batch["sorted, buffer of 500"])

# %%
fig, ax = plt.subplots(figsize=(8, 3.8))
plot_curves({name: (lags, [max(alike(labels, lag), 1e-3) for lag in lags]) for name, labels in list(orders.items())[:3]},
            xlabel="places apart", ylabel="share with the same class", logy=True, ax=ax,
            title="A buffer mixes only as far as it is long")
ax.set_xscale("log")
plt.show()

# %% [markdown]
# Sorted and without a buffer a batch holds one or two classes, and batch norm (rung 10, sorted batches) would be ruined. The buffer helps less than one would think: neighbours are still alike ten times as often as by chance, for as far as the buffer reaches, since it holds two or three shards of two classes each. Mixing the pictures *once*, when they are packed, does it without any buffer, and costs nothing in
# training. So pack in random order, read the shards in a new random order in each epoch, and let the buffer only see to it that the same pictures do not always meet. The run does this; its preparation stores the pictures in a random order, and it mixes within a window of shards.

# %% recall="shards"
recall("shards")

# %% [markdown]
# ## The network: a bottleneck
#
# ResNet-50 has wide layers: up to 2 048 channels. A pair of 3 × 3 convolutions, as in rung 10, would be dear there. A **bottleneck** {cite:p}`he2016` narrows first: 1 × 1 down to `width` channels, 3 × 3 among these, 1 × 1 up to $4 \cdot$ width.
#
# | step | layer | shape after it |
# |---|---|---|
# | 1 | 1 × 1 convolution, batch norm, ReLU | $(n, w, H, W)$ |
# | 2 | 3 × 3 convolution with the block's stride and padding 1, batch norm, ReLU | $(n, w, \lceil H/s \rceil, \lceil W/s \rceil)$ |
# | 3 | 1 × 1 convolution, batch norm whose gain starts at **0** | $(n, 4w, \lceil H/s \rceil, \lceil W/s \rceil)$ |
# | 4 | plus the shortcut, then ReLU | $(n, 4w, \lceil H/s \rceil, \lceil W/s \rceil)$ |
#
# No convolution has a bias. The shortcut is $x$ itself where neither size nor channels change; else a 1 × 1 convolution with the block's stride, and batch norm (gain 1). The paper had the stride in step 1, where a 1 × 1 convolution with stride 2 throws three pixels of four away unseen; since then it stands in step 2. The gain at 0 {cite:p}`goyal2017` you know from rung 10: the block starts as its shortcut. (Write `nn.BatchNorm2d`. The run will replace each by one that takes its statistics from groups of 32 rows, so that the curve does not depend on how many processes share a batch.)
#
# What it saves, by hand, for 256 channels and $w = 64$: $256 \cdot 64 + 9 \cdot 64^2 + 64 \cdot 256 = 69\,632$ weights; two 3 × 3 convolutions on 256 channels have $2 \cdot 9 \cdot 256^2 = 1\,179\,648$, seventeen times as many.

# %% exercise="Bottleneck"
class Bottleneck(nn.Module):
    """Narrow, look around, widen; and a way past it all.

    Use nn.Conv2d and nn.BatchNorm2d. The names of the parts are yours.

    Parameters
    ----------
    channels : of the input
    width : channels in the middle; the output has 4 · width
    stride : of the 3 × 3 convolution, and of the shortcut's where it projects
    """

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.norm3 = nn.BatchNorm2d(4 * width)
        nn.init.zeros_(self.norm3.weight)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != 4 * width:
            projection = nn.Conv2d(channels, 4 * width, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(4 * width))
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, h, w) to (n, 4 · width, ⌈h / stride⌉, ⌈w / stride⌉); x stays."""
        ### BEGIN SOLUTION
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        return F.relu(self.shortcut(x) + self.norm3(self.conv3(y)))
        ### END SOLUTION


# %% check="Bottleneck"
check(Bottleneck)

# %% [markdown]
# ## ResNet-50
#
# The last piece is whole. With width $w = 64$ and blocks $(3, 4, 6, 3)$, on a picture of 224 × 224:
#
# | step | layer | channels | side |
# |---|---|---|---|
# | 1 | convolution 7 × 7, stride 2, padding 3, no bias; batch norm; ReLU | $w$ | 112 |
# | 2 | max pooling 3 × 3, stride 2, padding 1 | $w$ | 56 |
# | 3 | stage 1: bottlenecks of width $w$ | $4w$ | 56 |
# | 4 | stage 2: width $2w$ | $8w$ | 28 |
# | 5 | stage 3: width $4w$ | $16w$ | 14 |
# | 6 | stage 4: width $8w$ | $32w$ | 7 |
# | 7 | mean over all places | $32w$ | |
# | 8 | linear, to logits | classes | |
#
# The first block of stages 2, 3 and 4 has stride 2; all other blocks have stride 1. So each stage's first block projects (in stage 1 because the channels change), and no other.
# Kernels of convolutions start as `nn.init.kaiming_normal_(…, mode="fan_out", nonlinearity="relu")`, which is a deviation of $\sqrt{2 / (\text{outputs} \cdot \text{side}^2)}$; batch norms with gain 1, but 0 for the last in each block; the linear layer as torch makes it.
#
# The count for 1 000 classes is 25 557 032. Counting the layers with weights along the longest path: $1 + 3 \cdot 16 + 1 = 50$.

# %% exercise="ResNet50"
class ResNet50(nn.Module):
    """The residual network of the table, for pictures of three colours and any size from 64 up.

    Use nn.Conv2d, nn.BatchNorm2d and nn.Linear. The names of the parts are yours.

    Parameters
    ----------
    classes : how many logits
    blocks : bottlenecks in each of the stages, however many these are; the first has `width`, each
        further one twice that of the one before
    width : w of the table
    """

    def __init__(
        self, classes: int = 1000, blocks: tuple[int, ...] = (3, 4, 6, 3), width: int = 64
    ) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.stem = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(width)
        layers, channels = [], width
        for stage, count in enumerate(blocks):
            for place in range(count):
                stride = 2 if stage > 0 and place == 0 else 1
                layers.append(Bottleneck(channels, width * 2**stage, stride))
                channels = 4 * width * 2**stage
        self.blocks = nn.Sequential(*layers)
        self.linear = nn.Linear(channels, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        ### END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        """Turn pictures, shape (n, 3, h, w), into logits, shape (n, classes)."""
        ### BEGIN SOLUTION
        x = F.relu(self.norm(self.stem(x)))
        x = F.max_pool2d(x, 3, stride=2, padding=1)
        return self.linear(self.blocks(x).mean((2, 3)))
        ### END SOLUTION


# %% check="ResNet50"
check(ResNet50)

# %% [markdown]
# What does a picture cost? Torch can count operations (a multiplication and an addition are two) without doing them: on the **meta** device tensors have a shape and no numbers. The stronger recipe of our run uses **progressive resizing**: it begins with crops of 128 × 128, passes through 160 and ends at 192.
#
# What share of the full price will a picture of 128 have? And the whole schedule, in which the side grows over the first four fifths of the training and then stays at 192, beside training at 224 throughout?

# %%
with torch.device("meta"):
    model = ResNet50().eval()
print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
cost = {}
for side in (128, 160, 192, 224, 256):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.empty(1, 3, side, side, device="meta"))
    cost[side] = counter.get_total_flops()
    print(f"side {side}: {cost[side] / 1e9:5.2f} billion operations forwards")


def side_at(done: float, first: int = 128, last: int = 192, grown: float = 0.8) -> int:
    """The side after a share of the training: from first to last by steps of 32."""
    return last if done >= grown else first + int((last - first) * done / grown) // 32 * 32


course = np.array([side_at(done) for done in (np.arange(1000) + 0.5) / 1000])
relative = np.mean([cost[side] for side in course]) / cost[224]
print(f"128 costs {cost[128] / cost[224]:.2f} of 224; the schedule {relative:.2f} "
      f"(shares of the training: {', '.join(f'{side} for {np.mean(course == side):.0%}' for side in (128, 160, 192))})")

# %% [markdown]
# The price goes with the square of the side, and about half of it can be saved. Quality need not suffer. Remember the train–test gap: by its numbers a network that finishes training at 192 sees objects 1.12 times as large as the test at 224 shows them, and their median just as large. So the saving may be a repair as well; we have not measured it. Note, too, that the network has no idea of any of this:
# the mean over all places takes whatever there is.
#
# ## Two recipes
#
# Now you can read what the literature reports. The **standard recipe** of the years 2015 to 2020, and a **stronger one**, as the run `imagenet` has them:
#
# | | profile `gpu` | profile `gpu-strong` |
# |---|---|---|
# | epochs | 90 | 300 |
# | batch, peak rate | 256, 0.1 | 1 024, 0.5 |
# | schedule | a tenth after each 30 epochs | 5 epochs of warm-up, half a cosine |
# | weight decay | $10^{-4}$ on everything | $5 \cdot 10^{-5}$, not on gains and biases |
# | label smoothing, mixup | none | 0.1, Beta(0.2) |
# | average of the weights | none | keep 0.9999 |
# | side in training | 224 | 128 to 192, growing |
# | side in the test | 224 | 224 |
# | pictures mirrored | half of them | half of them |
#
# Every ingredient of the right column is published; this combination of them is ours, so the published numbers are those of its neighbours. Torchvision's published weights of ResNet-50 come from recipes of these two kinds: 76.130 % top-1 with the first, 80.858 % with one of 600 epochs that uses most of the right column's ideas and some others. {cite:t}`wightman2021` searched recipes of 100, 300 and 600 epochs systematically and reached 80.4 % with the longest: that the old
# network had been beaten by newer *architectures* was in good part newer *recipes*. {cite:t}`touvron2019` report 79.1 % with 224 in training, 384 in the test, and the last layers fine-tuned at that size; weights trained with another augmentation, CutMix, gave them 79.8 % at 320.
#
# Two habits from reading such papers. First, ask of every comparison whether both sides had the same recipe. Second, mind the spread: {cite:t}`goyal2017` give a standard deviation of about a tenth of a point over five seeds, so that a gain of 0.1 from one run is no gain.

# %%
half_life = math.log(0.5) / math.log(0.9999)
print(f"keep 0.9999 is a half-life of {half_life:,.0f} updates, {half_life * 1024 / 1_281_167:.1f} epochs at a batch of 1 024")
print(f"the linear rule gives {0.1 * 1024 / 256} for 1 024; the recipe has 0.5")
print(f"one picture more or less of 50 000 is {1 / 500:.3f} points; sampling alone leaves ± {100 * math.sqrt(0.76 * 0.24 / 50_000):.2f} at 76 %")

# %% [markdown]
# ## The real run
#
# `run("imagenet", model="mine")` takes your `ResNet50` out of this notebook, after its check has passed, and trains it. Without a profile it chooses the largest that this machine can carry:
#
# - `smoke` shows that everything works: two processes on a CPU, ten classes of generated pictures in ImageNet's own layout, thirty steps. It says nothing about accuracy. Begin with it: `run("imagenet", profile="smoke", model="mine")`.
# - `cpu` is the same kind of data, 1 000 steps. It is meant for the small network of `model="ours"`, a minute or two on two cores; a whole ResNet-50 does many times as much work for each picture.
# - `gpu` is the standard recipe on one GPU, `gpu-strong` the stronger one; `multi-gpu` and `slurm` are the standard one on four and eight GPUs, with the same global batch and so the same curve.
#
# **What the full run needs.** The licensed data set, prepared once: register at image-net.org, accept the terms, download 138 GB and 6.3 GB, and run `descent prepare imagenet SOURCE`. Then a GPU, for something like half a day with the standard recipe and two days with the stronger one *if* it manages the 2 500 pictures a second that the profiles assume. It can be stopped and goes on exactly where it was.
# **We have not run it**: there was no ImageNet and no GPU where this page was written. Of this run nothing was measured that is not in the table below the next cell, and the row there is the small network of `model="ours"`.

# %% tags=["real-run"]
run("imagenet", model="mine")

# %%
recorded("imagenet")

# %% [markdown]
# **Reading the report.** In the order in which to look:
#
# 1. *The first crops.* Are they pictures, the right way up, in the right colours? Most failures of a new loader are visible here and nowhere else.
# 2. *The loss at step 0.* With the last linear layer as torch makes it, near $\ln 1000 = 6.9$. Much more, and the pictures are not normalised.
# 3. *Pictures a second, and whether the GPU waits.* Rung 14's question.
# 4. *The curve.* With `gpu` it falls in stairs at epochs 30 and 60; with `gpu-strong` expect much of the gain late, as the rate goes to 0. A run that looks bad at half-time may be a good one.
# 5. *Training against validation.* Random crops, smoothing and mixup all make the training loss larger than the validation loss. That is no error.
# 6. *The table.* Beside the published numbers, and mind what differs: test size, epochs, seeds.
#
# ## Go further
#
# No grader here; each of these takes between ten minutes and some days.
#
# - **Recompute the statistics.** The hybrid above had the wrong buffers. Instead of averaging them, run the averaged weights in training mode over some thirty batches, and let batch norm measure. *A good answer compares three kinds of buffers over three seeds, for half-lives of 3, 30 and 300.*
# - **CutMix.** Replace a box of one picture by the same box of another, and share the labels by area {cite:p}`yun2019`. *You have all the parts. Say what to do at the border, and why λ must be computed again after the box is clipped.*
# - **Decode less.** JPEG can be decoded at ½, ¼ or ⅛ of its size for a fraction of the time. *Work out, from the distribution of boxes, for what share of the crops at 128 and at 224 this is possible without losing a pixel.*
# - **The hybrid order.** For a network drive, mix within windows of $k$ shards instead of by a buffer. *Measure `alike` for windows of 1, 4 and 16, and count how often a shard is opened.*
# - **The recipe, taken apart.** With the `cpu` profile: one change at a time, three seeds each. *Which ingredients show an effect that is larger than the spread? Which ones need 300 epochs to show it?*
#
# ## Explain it to a friend
#
# Aloud or in writing, as if to a friend who has not read this page:

# %% write="test_larger"
write("test_larger", """
""")

# %% write="two_evaluations"
write("two_evaluations", """
""")

# %% write="better_than_any"
write("better_than_any", """
""")

# %% [markdown]
# Next, rung 16 takes the transformer of [rung 13](13_causal_transformer.ipynb) to the GPU.
