# ---
# title: Real digits
# subtitle: Flatten, split, train, measure on pictures never seen, and look at what goes wrong
# part: ladder
# hours: 4
# needs: [ladder/06_torch_nn]
# teaches: [flattening, standardising, data leakage, validation and test sets, evaluation mode, overfitting, confusion matrix, error analysis, seeds and spread]
# builds: flattening and scaling, a standardiser, the split, batches, evaluation, the confusion matrix, the worst mistakes, the training loop with train and test curves
# number: at least 97.5 % of the test digits right with a 2-layer network, mean over seeds
# data: MNIST
# run: null
# readings:
#   - {key: nielsen2015, where: "chapter 1, 'A simple network to classify handwritten digits', and chapter 3, 'Overfitting and regularization' up to the heading 'Regularization'", skip: "the derivations: rungs 1 to 6 did them"}
#   - {key: karpathy2019, where: "sections 1, 'Become one with the data', and 2, 'Set up the end-to-end training/evaluation skeleton'", skip: "sections 4 to 6 until rung 10"}
#   - {key: lecun1998gradient, where: "section III, for how the data set was made and for the results of many methods in Fig. 9", skip: "the graph transformer networks, from section IV on"}
#   - {key: goodfellow2016, where: "sections 5.2 and 5.3, on capacity, overfitting and validation sets", skip: "the no-free-lunch theorem"}
#   - {key: zhang2017, where: "sections 1 and 2 and Figure 1", skip: "the proof about finite samples"}
#   - {key: prince2023, where: "sections 8.1 to 8.4, for the pictures of bias, variance and double descent"}
# sections:
#   - {id: the_data, heading: "Seventy thousand scraps of paper", for: "the pictures on which rungs 7 to 10 and 14 check their code, and the habit of looking at data first", needs: []}
#   - {id: flatten, heading: "From a picture to a row of numbers", for: "every network without convolutions reads a picture this way; rung 9 measures what it loses", needs: [the_data, ladder/03#many_features]}
#   - {id: standardise, heading: "Zero mean, unit spread, and a first way to cheat", for: "every later data set is scaled like this, and every later claim rests on data that took no part in its preparation", needs: [flatten, ladder/03#conditioning]}
#   - {id: splits, heading: "Three parts, three purposes", for: "every later chapter chooses on validation data and reports on test data", needs: [standardise]}
#   - {id: batches, heading: "Batches", for: "the fast way to feed data that fits in memory, used up to the speed runs of rung 14", needs: [splits, ladder/06#loader]}
#   - {id: evaluate, heading: "Measuring without disturbing", for: "the measurement that every later training loop calls between epochs", needs: [batches, ladder/02#no_grad, ladder/06#optimiser]}
#   - {id: baseline, heading: "A baseline first", for: "a later number is good or bad only beside a simpler method's number", needs: [evaluate, ladder/04#softmax]}
#   - {id: confusion, heading: "Which digits are confused?", for: "error analysis of every classifier, on photographs as on digits", needs: [baseline]}
#   - {id: worst, heading: "The worst mistakes", for: "finds wrong labels and broken data in any set you will meet", needs: [baseline, ladder/04#likelihood]}
#   - {id: training_loop, heading: "The training loop, whole", for: "the loop on which those of rungs 9 and 11 are built, with the curves by which every later run is judged", needs: [evaluate, ladder/06#optimiser]}
#   - {id: choosing, heading: "Choosing, on the validation set", for: "how every learning rate and width of the later chapters is chosen", needs: [training_loop, splits]}
#   - {id: the_run, heading: "The run", for: "how later claims are reported: a mean, a spread over seeds and the error of a finite test set", needs: [choosing]}
#   - {id: mistakes_left, heading: "What is left to get wrong", for: "shows that a trained network is surer than it deserves, which rung 12 meets again as temperature", needs: [the_run, confusion, worst]}
#   - {id: overfitting, heading: "Overfitting, seen", for: "the failure that dropout, weight decay and augmentation are there to reduce", needs: [training_loop, splits]}
#   - {id: shift, heading: "What flattening costs", for: "the reason for convolutions, and for asking what a test set can speak for", needs: [the_run, flatten]}
#   - {id: draw, heading: "Draw your own", for: "a network meets data that nobody prepared, as every deployed one does", needs: [the_run, standardise]}
# recall:
#   - {id: leakage_in_filling, section: standardise, transfer: true, q: "A colleague fills missing ages with the median of all rows, then splits off a test set. What is wrong, and what is the right order?", a: "It is leakage: the test rows took part in preparing the data. Split first, take the median of the training rows, and use it for all parts."}
#   - {id: three_sets, section: choosing, transfer: false, q: "What are the training, validation and test sets each for?", a: "Training: the gradients. Validation: every choice (learning rate, width, when to stop). Test: one number to report, after the last choice."}
#   - {id: unequal_batches, section: evaluate, transfer: true, q: "A program reports another test loss for the same model and the same 10 000 pictures when the batch size goes from 1 000 to 768. What is its mistake, and which number is right?", a: "It averages the means of the batches. $10\\,000 = 13 \\cdot 768 + 16$: the last 16 pictures count as much as 768. With 1 000 all batches are equal, and the number is right."}
#   - {id: evaluation_duties, section: evaluate, transfer: false, q: "Name the three things an evaluation does besides adding up.", a: "It switches the model to evaluation mode, records no gradients, and puts the mode back as it was."}
#   - {id: untrained_loss, section: training_loop, transfer: true, q: "You run the cell that trains on ten digits a second time, and entry 0 of its curve is 0.08. What has happened?", a: "An untrained network has about $\\ln 10 = 2.30$. This one had been trained before: the cell did not make a new model, so the run goes on from the old one."}
#   - {id: row_and_column, section: confusion, transfer: false, q: "In a confusion matrix, what does row 4, column 9 count?", a: "Fours that were taken for nines: rows are the true class, columns the predicted one."}
#   - {id: sure_and_wrong, section: overfitting, transfer: true, q: "A validation loss climbs from 0.30 to 0.45 while the accuracy stays at 93 %. Dividing all logits by 2 brings it back to 0.31. What does that do to the accuracy, and what was wrong?", a: "It stays at 93 %: the order of the logits is the same. The network had become too sure, also of its wrong answers, and cross-entropy punishes that."}
#   - {id: random_labels, section: overfitting, transfer: false, q: "A network reaches a training loss of nearly 0 on labels drawn at random. What does that show?", a: "That it can memorise. A low training loss alone is no evidence of anything learned about the task."}
#   - {id: standard_error, section: the_run, transfer: true, q: "A model has 96 % on a test set of 2 400 pictures. What standard error does the size of the test set alone leave?", a: "$\\sqrt{0.96 \\cdot 0.04 / 2400} = 0.004$, which is 0.4 percentage points."}
# predictions:
#   - {id: linear_accuracy, ask: "After three rounds over the training pictures, what validation accuracy has a single linear layer?", unit: "%", within: 2, because: "Ten weighted sums of pixels already read nine digits in ten. One template a class fails only where a class has several shapes."}
#   - {id: worst_rate, ask: "Which learning rate has the lowest validation accuracy after four epochs?", choices: ["0.003", "0.03", "0.3"], because: "With momentum 0.9 the steps of 0.3 are too long to settle, and the loss jumps up and down. The rate of 0.003 is only slow."}
#   - {id: accuracy_after_the_turn, ask: "By how much does the validation accuracy change from the epoch of the lowest validation loss to epoch 100?", choices: ["falls by more than 2 points", "stays within 2 points", "rises by more than 2 points"], because: "The loss rises because wrong answers become surer, not because there are more of them."}
#   - {id: random_labels_loss, ask: "Where does the training loss on random labels end, after a hundred epochs?", choices: ["above 2 nats", "between 0.1 and 2 nats", "below 0.1 nats"], because: "A network of 150 000 parameters can memorise 500 pictures whatever their labels are. A training loss is evidence of nothing but optimisation."}
#   - {id: shifted_four, ask: "What test accuracy has the network when every test picture is moved four pixels to the right?", unit: "%", within: 10, because: "The network learned strokes at places. Four pixels to the right, most ink falls on weights that were trained for something else."}
# written:
#   - {id: why_three_sets, ask: "Why do we need three data sets and not two? What would be wrong with choosing the learning rate by the test accuracy?", rubric: ["says that the best of several candidates is in part the luckiest on the data that chose it", "concludes that the reported test number would be too high", "gives each set its purpose: gradients, choices, one report", "notes that the test set stands for data that do not exist yet"], answer: "Whatever data make a choice are flattered by it: the winner among several learning rates is in part the one that suited those pictures by luck. If the test set chooses, its number is too high, and nothing is left that could tell you so. So the training set gives the gradients, the validation set makes the choices, and the test set is looked at when the choices are over. It stands for pictures that do not exist yet."}
#   - {id: loss_up_accuracy_flat, ask: "In the run on 500 pictures the validation loss rose and the accuracy stayed. How can both be true?", rubric: ["accuracy asks only which logit is the largest", "cross-entropy asks how much probability the true class has", "once the training pictures are right, the loss falls further only by making logits larger", "larger logits make wrong answers surer, and each of them costs more"], answer: "Accuracy counts which class is on top, and cross-entropy counts how probable the true class was. Once every training picture is right, the training loss can fall only by scaling the logits up. On new pictures the same answers win, so the accuracy stays. The wrong ones among them are now surer, and a sure wrong answer costs more nats."}
#   - {id: was_it_a_lie, ask: "The network has 98 % on the test set and fails on shifted digits. Was the 98 % a lie?", rubric: ["says what the 98 % is true of: pictures made as the test set was made, centred", "explains that the test set is centred like the training set and could not show the weakness", "names the cause: flattening makes neighbouring pixels unrelated, so strokes are learned at places", "says what would reveal or repair it: a shifted test set, shifted training pictures or convolutions"], answer: "No: it is true of pictures made as the test pictures were, with the centre of mass in the middle. A test set speaks only for data made like itself. After flattening, a pixel and its neighbour are as unrelated as any two, so the network learned strokes at places. Nobody asked it about other places until we shifted the pictures. Shifts in training, or convolutions, are the remedy."}
# ---

# %% [markdown]
# # Real digits
#
# Six rungs on data we made ourselves; now data that people made. By the end of this page a network of
# two layers, built from nothing you have not written yourself, reads handwritten digits it has never
# seen and gets all but about two in a hundred right. More important is the rest of the page: how you
# know that number, how you could have fooled yourself about it, and what the two in a hundred look like.
#
# **You need** [rung 6](06_torch_nn.ipynb): `nn.Module`, `F.cross_entropy`, `torch.optim`.
# **You will have** a training loop that measures what it does on held-out data, and the tools to look
# inside an accuracy: a confusion matrix and a list of the worst mistakes. **It takes** about four hours.

# %% tags=["setup"]
import time
from collections.abc import Callable, Iterable, Iterator

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from descent import chapter, check, commit, hint, outcome, progress, recall, write
from descent.data import mnist
from descent.figures import (
    COLOURS,
    LivePlot,
    digit_pad,
    plot_confusion,
    plot_curves,
    show_digits,
    titled,
    use_style,
)

chapter("ladder/07_mnist_mlp")
use_style()
torch.set_num_threads(1)  # matrices this small gain little from more threads, and lose on a busy machine

# %% [markdown]
# ## Seventy thousand scraps of paper
#
# **MNIST** is 70 000 digits, written by employees of the United States Census Bureau and by
# high-school pupils, scanned, shrunk to fit 20 × 20 pixels and laid into 28 × 28 with the centre of mass
# in the middle ({cite:t}`lecun1998gradient`). Sixty thousand are for training, ten thousand for testing, and
# no writer is in both. Every idea about images has been tried on them since, which is what makes them a
# good place to check that your own code does what it should.

# %%
train_file, test_file = mnist("train"), mnist("test")
SOURCE = train_file.source
FULL = len(train_file.images) > 10_000  # False on the small offline stand-in
print(f"data: {SOURCE}")
print(f"training images {train_file.images.shape} of {train_file.images.dtype}, labels {train_file.labels.shape}")
print(f"test images     {test_file.images.shape}")
print("digits of each class in the training file:", np.bincount(train_file.labels).tolist())
print(f"pixels that are paper: {(train_file.images == 0).mean():.1%}")

# %%
show_digits(train_file.images[:24], titles=train_file.labels[:24].tolist(), columns=12)
plt.suptitle(titled("The first 24, with their labels", SOURCE), x=0.01, ha="left", fontsize=13, fontweight="bold")
plt.show()

# %% [markdown]
# Look at them before anything else; {cite:t}`karpathy2019` puts this first in his recipe, and he is right. The
# strokes vary in slant and weight. Some are odd. The classes are about equally frequent, so a program
# that always says the same digit is right one time in ten: remember 10 % as the floor.
#
# ## From a picture to a row of numbers
#
# Our network takes a vector. A picture is a table of 28 × 28 pixels; **flattening** lays its rows end to
# end into one vector of 784. Nothing is lost, except that the network no longer knows which pixels were
# neighbours. We will measure what that costs.
#
# A pixel is a **byte**, a whole number from 0 (paper) to 255 (ink). Bytes are poor material for
# arithmetic, because they wrap round:

# %%
ink = np.array([200], dtype=np.uint8)
print("200 + 100 in bytes:", (ink + np.uint8(100))[0], "   100 − 200 in bytes:", (np.uint8(100) - ink)[0])

# %% [markdown]
# So convert to float32 first, and divide by 255 after, which brings ink to exactly 1. By hand: the
# 2 × 2 picture `[[0, 255], [51, 0]]` becomes the row `[0, 1, 0.2, 0]`.

# %% exercise="flatten_and_scale"
def flatten_and_scale(images: np.ndarray) -> Tensor:
    """Turn pictures of bytes into rows of numbers between 0 and 1.

    Parameters
    ----------
    images : uint8, shape (n, height, width), 0 … 255; n is at least 1. Not changed.

    Returns
    -------
    float32 tensor, shape (n, height · width): each picture line by line, 0 → 0 and 255 → 1
    """
    ### BEGIN SOLUTION
    return torch.from_numpy(images).flatten(1).float() / 255
    ### END SOLUTION


# %% check="flatten_and_scale"
check(flatten_and_scale)

# %% [markdown]
# ## Zero mean, unit spread, and a first way to cheat
#
# Four pixels in five are paper (the share was printed above), so the numbers pile up at 0. Gradient descent likes inputs that are
# centred and of size about 1: where no input is negative, each example pushes all weights of a unit in the
# same direction, and the loss surface is stretched. **Standardising** subtracts the mean
# $\mu$ and divides by the standard deviation $\sigma$:
#
# $$ x' = \frac{x - \mu}{\sigma}, \qquad x \text{ of shape } (n, 784), \quad \mu, \sigma \text{ one number each.} $$
#
# One number each, over all pixels of all pictures. A $\sigma$ per pixel would be 0 in the corners, which
# no pen ever reaches, and 0/0 is not a number.
#
# Whose mean? **The training pictures' mean, for everybody**: for validation pictures, for test pictures,
# for the one digit you will draw at the end. The test set stands for pictures that do not exist yet when
# the network is made, and their mean cannot be known then. A test set that takes part in its own
# preparation is **leakage**, the commonest way to report a number that does not come true. With pixels
# the harm is small. When the "statistics" are a choice of features, a filled-in missing value or a
# vocabulary, it can be the whole result.
#
# By hand: training pixels $0, 0, 1, 1$ have $\mu = 0.5$ and $\sigma = 0.5$. A test pixel of $1$ becomes
# $+1$, and one of $0.75$ becomes $+0.5$, whatever other test pixels there are.

# %% exercise="Standardiser"
class Standardiser:
    """Brings pictures to the scale of the training pictures.

    Made from training pictures, shape (n, d), float32. Calling it with any pictures, shape (m, d),
    m at least 1, returns new ones, shape (m, d), with the training mean subtracted, divided by the
    training standard deviation. Neither tensor is changed.

    Attributes
    ----------
    mean, std : one number each (a float or a 0-d tensor), over all n·d training pixels. Whether the
        standard deviation divides by n·d or n·d − 1 makes no difference here.
    """

    def __init__(self, training: Tensor) -> None:
        ### BEGIN SOLUTION
        self.mean = training.mean()
        self.std = training.std()
        ### END SOLUTION

    def __call__(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return (x - self.mean) / self.std
        ### END SOLUTION


# %% check="Standardiser"
check(Standardiser)

# %% recall="standardise"
recall("standardise")

# %% [markdown]
# ## Three parts, three purposes
#
# A page like this makes choices: the learning rate, the width, how long to train. If you choose by the
# test accuracy, the chosen one was in part the luckiest one *on those ten thousand pictures*, and the
# number you report is too high. So a part of the training file is set aside:
#
# | part | what it decides | how often you look |
# |---|---|---|
# | **training set** | the weights, through gradients; the mean and deviation | all the time |
# | **validation set** | everything you choose by hand | at every choice |
# | **test set** | nothing | when the choices are over |
#
# The validation set is drawn at random: a file may be sorted, and the last rows of a sorted file are all
# nines. And the draw comes from a seeded generator, so that tomorrow's split is today's.

# %% exercise="split_indices"
def split_indices(n: int, held_out: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Divide the indices 0 … n − 1 at random into a training part and a held-out part.

    Parameters
    ----------
    n : how many examples there are
    held_out : how many of them to hold out, 0 … n
    generator : the only source of randomness

    Returns
    -------
    train, held_out : int64 tensors of shapes (n − held_out,) and (held_out,), in any order. Every
        index is in exactly one of them.
    """
    ### BEGIN SOLUTION
    order = torch.randperm(n, generator=generator)
    return order[held_out:], order[:held_out]
    ### END SOLUTION


# %% check="split_indices"
check(split_indices)

# %% [markdown]
# Now all three parts can be made. Read the order of the lines: split first, measure the mean on what is
# left, apply it to all.

# %%
held_out = len(train_file.images) // 12  # 5 000 of 60 000
train_part, valid_part = split_indices(len(train_file.images), held_out, torch.Generator().manual_seed(7))

pixels, labels = flatten_and_scale(train_file.images), torch.from_numpy(train_file.labels)
standardise = Standardiser(pixels[train_part])
train_set = standardise(pixels[train_part]), labels[train_part]
valid_set = standardise(pixels[valid_part]), labels[valid_part]
test_set = standardise(flatten_and_scale(test_file.images)), torch.from_numpy(test_file.labels)

print(f"mean {float(standardise.mean):.4f}, standard deviation {float(standardise.std):.4f} of the training pixels")
for name, (x, _) in {"training": train_set, "validation": valid_set, "test": test_set}.items():
    print(f"{name:>10}: {len(x):6d} pictures, mean {x.mean():+.4f}, standard deviation {x.std():.4f}")

# %% [markdown]
# The test pictures do not come out at exactly 0 and 1. They should not: they are different pictures.
#
# ## Batches
#
# Rung 6 used `DataLoader`, which fetches examples one by one and glues them together; that is right when
# an example is a file on a disk. Ours is a tensor in memory, and one indexing operation picks a whole
# batch. With a generator the order is shuffled, for learning; without one it stays, for measuring, so
# that answer number 17 belongs to picture number 17.

# %% exercise="batches"
def batches(
    x: Tensor, y: Tensor, batch_size: int, generator: torch.Generator | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Go through the data once, a batch at a time.

    Parameters
    ----------
    x, y : shapes (n, d) and (n,): pictures and labels. Not changed.
    batch_size : examples in a batch, at least 1; the last batch is shorter where n is no multiple
    generator : shuffles the examples, anew at each call; None keeps them in their order

    Returns
    -------
    an iterator over pairs (pictures, labels), shapes (b, d) and (b,), every example in exactly one;
    a generator function with `yield`, or a list
    """
    ### BEGIN SOLUTION
    order = (
        torch.arange(len(x)) if generator is None else torch.randperm(len(x), generator=generator)
    )
    for piece in order.split(batch_size):
        yield x[piece], y[piece]
    ### END SOLUTION


# %% check="batches"
check(batches)

# %%
some = train_set[0][:5000], train_set[1][:5000]
loader = DataLoader(TensorDataset(*some), batch_size=128, shuffle=True)
for name, one_epoch in {"DataLoader": loader, "batches": batches(*some, 128, torch.Generator())}.items():
    start = time.perf_counter()
    seen = sum(len(y) for _, y in one_epoch)
    print(f"{name:>10}: {1e3 * (time.perf_counter() - start):6.1f} ms for {seen} pictures")

# %% [markdown]
# ## Measuring without disturbing
#
# A measurement goes through a data set in batches and returns the **mean loss** and the **accuracy**, the
# share of examples whose largest logit is the true class. Three things can go wrong quietly.
#
# **Weights.** `F.cross_entropy` returns the mean over its batch. Batches of 4 and 1 with mean losses 0.5
# and 3.0 do not average to 1.75: five examples have a total loss of $4 \cdot 0.5 + 1 \cdot 3.0 = 5$, so
# the mean is 1.0. Weight each batch by its size.
#
# **Mode.** Some layers behave differently while learning; dropout and batch norm (rungs 9 and 10) are the
# famous ones. `model.eval()` switches them to **evaluation mode**. Ours has no such layer yet, and your
# function will outlive ours. Afterwards put back the mode you found (`model.training` tells), or the next
# epoch trains in the wrong one.
#
# **Gradients.** Without `torch.no_grad()` torch records every operation for a backward pass that never
# comes.

# %% exercise="evaluate"
def evaluate(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Measure a model: mean cross-entropy and accuracy over all examples.

    Parameters
    ----------
    model : maps pictures, shape (b, d), to logits, shape (b, classes). It is run in evaluation mode
        and without recording for `backward`; afterwards it is in the mode it was in before, and
        recording is as it was.
    batches : at least one pair (pictures, labels); sizes may differ. Walk through it once: it may
        be an iterator without a length.

    Returns
    -------
    loss : float, mean over examples (not over batches), in nats
    accuracy : float, between 0 and 1
    """
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    loss = 0.0
    right = count = 0
    with torch.no_grad():
        for x, y in batches:
            logits = model(x)
            loss += F.cross_entropy(logits, y).item() * len(y)
            right += int((logits.argmax(dim=1) == y).sum())
            count += len(y)
    model.train(was_training)
    return loss / count, right / count
    ### END SOLUTION


# %% check="evaluate"
check(evaluate)

# %% recall="evaluate"
recall("evaluate")

# %% [markdown]
# ## A baseline first
#
# What does a single linear layer get, the softmax classifier of [rung 4](04_softmax_classification.ipynb)?
# A number is only good or bad beside another one. Three rounds of a plain loop will do, and the score is
# taken on the **validation** set: the test set stays shut.
#
# **Predict.** The linear layer sees all 55 000 training pictures three times. How many of the validation
# pictures will it read?

# %% predict="linear_accuracy"
commit("linear_accuracy", ..., sure=...)

# %%
torch.manual_seed(0)
linear = nn.Linear(784, 10)
optimiser = torch.optim.SGD(linear.parameters(), lr=0.005, momentum=0.9)
shuffling = torch.Generator().manual_seed(0)
print(f"untrained: loss {evaluate(linear, batches(*valid_set, 1000))[0]:.3f} (ln 10 = {np.log(10):.3f} is knowing nothing)")
for _ in range(3 if FULL else 20):
    for x, y in batches(*train_set, 128, shuffling):
        optimiser.zero_grad()
        F.cross_entropy(linear(x), y).backward()
        optimiser.step()
linear_loss, linear_accuracy = evaluate(linear, batches(*valid_set, 1000))
print(f"linear softmax on the validation set: loss {linear_loss:.3f}, accuracy {linear_accuracy:.1%}")

# %% outcome="linear_accuracy"
outcome("linear_accuracy", round(100 * linear_accuracy, 1))

# %% [markdown]
# The untrained loss lies a little *above* $\ln 10$: random weights prefer some digits over others, which is
# worse than no opinion. After training, about nine in ten are right, from ten weighted sums of pixels. Since there is one weight per pixel and class, the
# weights are pictures:

# %%
def show_weights(weights: Tensor, titles: list[str], title: str, columns: int = 10) -> None:
    """Draw rows of 784 weights as pictures: blue votes for, red against, white is 0."""
    rows = -(-len(weights) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(0.95 * columns, 1.15 * rows + 0.5), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, row, name in zip(axes.flat, weights.detach(), titles, strict=False):
        strongest = float(row.abs().max())
        ax.imshow(row.reshape(28, 28), cmap="RdBu", vmin=-strongest, vmax=strongest)
        ax.set_title(name, fontsize=11, fontweight="normal", loc="center", pad=3)
    plt.suptitle(titled(title, SOURCE), x=0.01, ha="left", fontsize=13, fontweight="bold")
    plt.show()


show_weights(linear.weight, [str(digit) for digit in range(10)], "Linear classifier: ink on blue votes for the digit, on red against")

# %% [markdown]
# Each class has one template. The 0 is blue in a ring and red in its middle: ink in the hole speaks
# against a nought. One template has to serve sevens with a bar and sevens without.
#
# ## Which digits are confused?
#
# An accuracy is one number. The **confusion matrix** is the whole story in counts: row $t$, column $p$ says
# how many digits of true class $t$ were predicted to be $p$. The diagonal holds the right answers. By hand:
# true classes `[0, 1, 1, 1]` and predictions `[0, 1, 0, 0]` with two classes give
#
# $$ \begin{pmatrix} 1 & 0 \\ 2 & 1 \end{pmatrix} $$
#
# One warning about a line that looks right: `matrix[labels, predictions] += 1` counts a pair that occurs
# twice only once.

# %% exercise="confusion_matrix"
def confusion_matrix(labels: Tensor, predictions: Tensor, classes: int) -> Tensor:
    """Count how often each class was taken for each.

    Parameters
    ----------
    labels, predictions : int64, shape (n,), 0 … classes − 1; n may be 0
    classes : how many classes there are, also if some do not occur

    Returns
    -------
    int64 tensor, shape (classes, classes): row = true class, column = predicted class
    """
    ### BEGIN SOLUTION
    pairs = labels * classes + predictions
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    ### END SOLUTION


# %% check="confusion_matrix"
check(confusion_matrix)

# %%
with torch.no_grad():
    linear_logits = linear(valid_set[0])
plot_confusion(confusion_matrix(valid_set[1], linear_logits.argmax(dim=1), 10), range(10),
               title=titled("Linear classifier, validation set", SOURCE))
plt.show()

# %% [markdown]
# Find the darkest cells. Are they pairs that you might confuse too?
#
# ## The worst mistakes
#
# Now look at single pictures. "Most wrong" has a precise meaning here: the highest loss, which is the
# lowest probability *for the true class*. A hesitant prediction is not very wrong, even if it misses. A
# confident one that misses is. With three classes, logits `[2, 1, 0]` give probabilities
# `[0.67, 0.24, 0.09]`; if the label is 1 the loss is $-\ln 0.24 = 1.41$, if it is 2, $2.41$.

# %% exercise="most_wrong"
def most_wrong(logits: Tensor, labels: Tensor, k: int) -> Tensor:
    """Find the k examples with the highest cross-entropy loss.

    Parameters
    ----------
    logits : shape (n, classes), not yet probabilities; they may be large (hundreds), and the
        ranking must still be right
    labels : int64, shape (n,), the true classes
    k : 1 … n

    Returns
    -------
    int64 tensor, shape (k,): where they are, the highest loss first, whether the prediction was
    right or not
    """
    ### BEGIN SOLUTION
    losses = F.cross_entropy(logits, labels, reduction="none")
    return losses.topk(k).indices
    ### END SOLUTION


# %% check="most_wrong"
check(most_wrong)

# %%
def show_most_wrong(logits: Tensor, data: tuple[Tensor, Tensor], k: int, title: str) -> None:
    """Show the k worst: true digit → predicted digit, and below it the probability of the true one."""
    x, y = data
    worst = most_wrong(logits, y, k)
    probabilities = logits.softmax(dim=1)
    titles = [f"{y[i]} → {logits[i].argmax()}\n{probabilities[i, y[i]]:.1g}" for i in worst]
    show_digits(x[worst], titles, columns=8)
    plt.suptitle(titled(title, SOURCE), x=0.01, ha="left", fontsize=13, fontweight="bold")
    plt.show()


show_most_wrong(linear_logits, valid_set, 16, "Linear classifier: true → predicted, and the probability of the true")

# %% [markdown]
# Most of these are easy for you. That is the good news in a list of mistakes: there is something left to
# learn. Worst-first is also how mislabelled examples are found in any data set, so look at it early.
#
# ## The training loop, whole
#
# The last graded piece is yours from its specification. Three points deserve care.
#
# - **Measure both losses at the same moment, the same way.** The running mean of minibatch losses is free, and
#   is an average over weights that no longer exist, taken in training mode. Next to a test loss measured
#   at the end of the epoch it misleads. `evaluate` both.
# - **Measure before the first step.** Entry 0 should be near $\ln 10 \approx 2.30$. If it is not, something
#   is wrong already, and you know it after a second instead of an hour.
# - **One optimiser for the whole run.** Its memory is the momentum: each step moves by
#   $v \leftarrow m v + g$, $\theta \leftarrow \theta - \eta v$, so that directions on which gradients $g$ agree
#   pick up speed. A new optimiser begins from $v = 0$.

# %% exercise="train"
def train(
    model: nn.Module,
    train_set: tuple[Tensor, Tensor],
    test_set: tuple[Tensor, Tensor],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    generator: torch.Generator,
    momentum: float = 0.9,
    after_epoch: Callable[[int, float, float], object] | None = None,
) -> dict[str, list[float]]:
    """Train a classifier with SGD and momentum, measuring as it goes.

    The model is changed in place. Each epoch shows it every training example once, in minibatches
    of `batch_size` (the short last one included), shuffled anew by `generator`, in training mode,
    with one step of cross-entropy for each minibatch. One `torch.optim.SGD` serves the whole run.

    Before the first epoch and after every epoch it is measured in evaluation mode, on all of the
    training set and all of the test set.

    Parameters
    ----------
    model : maps (b, d) to logits (b, classes); it may arrive in either mode
    train_set, test_set : (pictures, labels), shapes (n, d) and (n,). The test set may be any
        held-out data; it never takes part in learning.
    epochs, batch_size : at least 1
    learning_rate, momentum : of the SGD
    generator : shuffles; nothing else here draws random numbers
    after_epoch : if given, called as after_epoch(epoch, train_loss, test_loss) after every
        measurement; the one before training is epoch 0

    Returns
    -------
    {"train_loss": [...], "test_loss": [...], "test_accuracy": [...]} : lists of epochs + 1 floats
    """
    ### BEGIN SOLUTION
    optimiser = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=momentum)
    history: dict[str, list[float]] = {"train_loss": [], "test_loss": [], "test_accuracy": []}

    def measure(epoch: int) -> None:
        train_loss, _ = evaluate(model, batches(*train_set, 1000))
        test_loss, test_accuracy = evaluate(model, batches(*test_set, 1000))
        history["train_loss"].append(train_loss)
        history["test_loss"].append(test_loss)
        history["test_accuracy"].append(test_accuracy)
        if after_epoch is not None:
            after_epoch(epoch, train_loss, test_loss)

    measure(0)
    for epoch in range(1, epochs + 1):
        model.train()
        for x, y in batches(*train_set, batch_size, generator):
            optimiser.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimiser.step()
        measure(epoch)
    return history
    ### END SOLUTION


# %% check="train"
check(train)

# %% [markdown]
# ## Choosing, on the validation set
#
# The network has two layers: 784 pixels → 192 units with ReLU → 10 logits. Which learning rate? Three
# candidates, ten times apart, each for four epochs on 10 000 of the training pictures.
#
# **Predict.** You will see one validation curve for each of 0.003, 0.03 and 0.3. Which of the three ends with
# the fewest digits right?

# %% predict="worst_rate"
commit("worst_rate", ..., sure=...)

# %%
def two_layers(width: int, seed: int) -> nn.Sequential:
    """784 → width → 10, with torch's own initialisation drawn from `seed`."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))


WIDTH = 192
small_set = train_set[0][:10_000], train_set[1][:10_000]
tried = {}
for learning_rate in (0.003, 0.03, 0.3):
    model = two_layers(WIDTH, seed=0)
    tried[learning_rate] = train(
        model, small_set, valid_set, 4, 128, learning_rate, torch.Generator().manual_seed(0)
    )
    print(f"learning rate {learning_rate:<5}: validation accuracy {tried[learning_rate]['test_accuracy'][-1]:.2%}")

plot_curves({f"{rate}": history["test_loss"] for rate, history in tried.items()}, "epoch", "validation loss (nats)",
            title=titled("Three learning rates, four epochs", SOURCE))
plt.xticks(range(5))
plt.show()
best_rate = max(tried, key=lambda rate: tried[rate]["test_accuracy"][-1])
worst_rate = min(tried, key=lambda rate: tried[rate]["test_accuracy"][-1])
print("chosen:", best_rate)

# %% outcome="worst_rate"
outcome("worst_rate", f"{worst_rate}")

# %% [markdown]
# On MNIST the curve of 0.003 is still falling after four epochs: it is only slow. The curve of 0.3 goes down, up
# and down again: its steps are too long to settle. 0.03 is lowest after every epoch. A finer search between the
# three would gain little, and would cost another look at the validation set for each candidate.
#
# ## The run
#
# Now all the training pictures, and the test set opens: from this rung on we plot both losses while the network
# learns. Look as much as you like; the choices are over. Change something because of this curve, and the
# test set has become a validation set.

# %%
EPOCHS = 6 if FULL else 30
live = LivePlot("epoch", "cross-entropy (nats)", logy=True, title=titled("Train and test loss, two layers", SOURCE))
model = two_layers(WIDTH, seed=0)
run = train(
    model, train_set, test_set, EPOCHS, 128, best_rate, torch.Generator().manual_seed(0),
    after_epoch=lambda epoch, train_loss, test_loss: live.update(epoch, train=train_loss, test=test_loss),
)
live.close()
print(f"after {EPOCHS} epochs on {SOURCE}: train loss {run['train_loss'][-1]:.3f}, "
      f"test loss {run['test_loss'][-1]:.3f}, test accuracy {run['test_accuracy'][-1]:.2%}")

# %% [markdown]
# The gap between the curves is the **generalisation gap**: the network knows its own pictures better than new ones.
# The gap alone is no harm, as long as both curves fall. Look at the last epochs: does the test loss still fall?
#
# One run is an anecdote. Another seed draws other first weights and other batches. So train a few, and report
# the mean and the spread.

# %%
def accuracy_of_seed(seed: int) -> float:
    """Train once more, with another start and another order, and return the test accuracy."""
    other = two_layers(WIDTH, seed)
    history = train(other, train_set, test_set, EPOCHS, 128, best_rate, torch.Generator().manual_seed(seed))
    print(f"seed {seed}: test accuracy {history['test_accuracy'][-1]:.2%}")
    return history["test_accuracy"][-1]


by_seed = {0: run["test_accuracy"][-1], 1: accuracy_of_seed(1)}

# %%
by_seed[2] = accuracy_of_seed(2)

# %%
by_seed[3] = accuracy_of_seed(3)
accuracies = list(by_seed.values())
mean, spread = np.mean(accuracies), np.std(accuracies, ddof=1)
sampling = np.sqrt(mean * (1 - mean) / len(test_set[1]))
print("test accuracies:", ", ".join(f"{accuracy:.2%}" for accuracy in accuracies))
print(f"two layers, {len(accuracies)} seeds: {mean:.2%} ± {spread:.2%} (standard deviation over seeds)")
print(f"a test set of {len(test_set[1])} pictures alone leaves ± {sampling:.2%} (standard error)")
print(f"linear softmax, test set: {evaluate(linear, batches(*test_set, 1000))[1]:.2%}")

# %% [markdown]
# The number to match is **97.5 %**. In 1998 a two-layer network with 300 units made 4.7 % errors and a linear
# one 12 % ({cite:t}`lecun1998gradient`, Fig. 9), with a squared error where we use cross-entropy. The two
# lines with a ± say how seriously to take a difference: two networks a tenth of a percentage point apart are not
# different until many seeds, or many more test pictures, say so.

# %% recall="the_run"
recall("the_run")

# %% [markdown]
# ## What is left to get wrong

# %%
model.eval()
with torch.no_grad():
    logits = model(test_set[0])
plot_confusion(confusion_matrix(test_set[1], logits.argmax(dim=1), 10), range(10),
               title=titled("Two layers, test set", SOURCE))
plt.show()

# %%
show_most_wrong(logits, test_set, 24, "Two layers: true → predicted, and the probability of the true")

# %% [markdown]
# These are harder than the linear classifier's. Cover the titles and read them yourself; for a few you will
# side with the network. Now look at the probabilities: it gave the true digit next to nothing. The network is
# not only wrong here, it is *sure*. A network trained to a small training loss tends to be surer than its
# accuracy deserves.
#
# What did the first layer learn to look at? Its 192 units have 784 weights each. Here are the twenty
# with the largest weights:

# %%
first_layer = model[0].weight
strongest = first_layer.norm(dim=1).topk(20).indices
show_weights(first_layer[strongest], [f"unit {i}" for i in strongest], "First-layer weights: strokes and edges in places, no whole digits")

# %% [markdown]
# No templates of whole digits any more. Most units respond to ink here and paper next to it, at one place in the
# picture. At the border the random pattern drawn at the start is still there. No ink ever comes, so the input is the
# same number in every picture, and those weights all move together, like a second bias.
#
# ## Overfitting, seen
#
# **Predict.** Take only 500 training pictures and train for a hundred epochs. Sketch three curves before you run
# it: training loss, validation loss and validation accuracy. Somewhere the validation loss has its lowest point.
# What does the validation accuracy do from that epoch to the last?

# %% predict="accuracy_after_the_turn"
commit("accuracy_after_the_turn", ..., sure=...)

# %%
few = train_set[0][:500], train_set[1][:500]
some_valid = valid_set[0][:2000], valid_set[1][:2000]  # enough to see a curve, and quick
memoriser = two_layers(WIDTH, seed=0)
few_run = train(memoriser, few, some_valid, 100, 50, 0.02, torch.Generator().manual_seed(0))
lowest = int(np.argmin(few_run["test_loss"]))

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
plot_curves({"train": few_run["train_loss"], "validation": few_run["test_loss"]}, "epoch", "cross-entropy (nats)",
            title=titled("500 pictures, a hundred epochs", SOURCE), ax=left)
left.plot(lowest, few_run["test_loss"][lowest], "o", color=COLOURS["orange"])
left.annotate("lowest", (lowest, few_run["test_loss"][lowest]), xytext=(0, -18), textcoords="offset points")
left.set_ylim(0, 1.2)
plot_curves({"validation": [100 * a for a in few_run["test_accuracy"]]}, "epoch", "accuracy (%)",
            title="And the accuracy", ax=right)
plt.show()
print(f"validation loss: lowest {few_run['test_loss'][lowest]:.3f} after epoch {lowest}, at the end {few_run['test_loss'][-1]:.3f}")
print(f"validation accuracy: {few_run['test_accuracy'][lowest]:.1%} at that epoch, {few_run['test_accuracy'][-1]:.1%} at the end")
print(f"training loss at the end: {few_run['train_loss'][-1]:.5f}")
gained = 100 * (few_run["test_accuracy"][-1] - few_run["test_accuracy"][lowest])  # percentage points

# %% outcome="accuracy_after_the_turn"
outcome(
    "accuracy_after_the_turn",
    "stays within 2 points" if abs(gained) <= 2 else f"{'rises' if gained > 0 else 'falls'} by more than 2 points",
)

# %% [markdown]
# This is **overfitting**: the training loss goes to 0 and the held-out loss turns up. The accuracy hardly
# minds, and that is worth a moment's thought. Once every training picture is right, the loss can only fall
# further by making the logits larger. That makes right answers more confident, and wrong ones too, and a
# confident wrong answer is what cross-entropy punishes. Stopping at the lowest validation loss is called **early
# stopping**.
#
# How far does memorising go? Give the same 500 pictures **random labels**: each picture keeps its pixels
# and gets a digit drawn by lot. There is nothing to learn.
#
# **Predict.** Knowing nothing costs 2.30 nats. The same network trains for the same hundred epochs. How low does
# its training loss get?

# %% predict="random_labels_loss"
commit("random_labels_loss", ..., sure=...)

# %%
lots = torch.randint(10, (500,), generator=torch.Generator().manual_seed(3))
nonsense = two_layers(WIDTH, seed=0)
lots_run = train(nonsense, (few[0], lots), some_valid, 100, 50, 0.02, torch.Generator().manual_seed(0))

plot_curves({"true labels": few_run["train_loss"], "random labels": lots_run["train_loss"]}, "epoch",
            "training loss (nats)", title=titled("The same pictures, true labels and random ones", SOURCE), logy=True)
plt.show()
print(f"random labels: training loss {lots_run['train_loss'][-1]:.4f}, validation accuracy {lots_run['test_accuracy'][-1]:.1%}")
last_loss = lots_run["train_loss"][-1]

# %% outcome="random_labels_loss"
outcome(
    "random_labels_loss",
    "above 2 nats" if last_loss > 2 else "below 0.1 nats" if last_loss < 0.1 else "between 0.1 and 2 nats",
)

# %% [markdown]
# A training loss of nearly 0 and the accuracy of a guess. {cite:t}`zhang2017` did this with large networks and a
# million photographs, and it upset the theory of the day: a network that *can* memorise anything has, by the
# old measures, no business generalising, and yet with true labels it does. For you the lesson is practical.
# **A training loss is evidence of nothing but optimisation.** (It makes a fine test of your code, for the same
# reason: a correct loop can overfit ten pictures in a second. If yours cannot, look for the mistake there.)

# %% recall="overfitting"
recall("overfitting")

# %% [markdown]
# ## What flattening costs
#
# **Predict.** Move every test picture four pixels to the right; for you nothing has changed. The network has
# about 98 % on the pictures where they were. What has it now?

# %% predict="shifted_four"
commit("shifted_four", ..., sure=...)

# %%
shifts = list(range(-6, 7))
shifted_accuracy = []
for shift in shifts:
    wide = np.pad(test_file.images, ((0, 0), (0, 0), (6, 6)))  # paper on both sides
    moved = wide[:, :, 6 - shift : 34 - shift]
    moved_set = standardise(flatten_and_scale(moved)), test_set[1]
    shifted_accuracy.append(100 * evaluate(model, batches(*moved_set, 1000))[1])

fig, ax = plt.subplots()
ax.plot(shifts, shifted_accuracy, "o-", color=COLOURS["blue"])
ax.axhline(10, color=COLOURS["grey"], linestyle="--")
ax.text(0, 12, "guessing", color=COLOURS["grey"], ha="center")
ax.set(xlabel="shift to the right (pixels)", ylabel="test accuracy (%)", ylim=(0, 102),
       title=titled("The test set, moved sideways", SOURCE))
plt.show()
for pixels_right in (0, 2, 4):
    print(f"shifted by {pixels_right}: {shifted_accuracy[shifts.index(pixels_right)]:.1f} %")

# %% outcome="shifted_four"
outcome("shifted_four", round(shifted_accuracy[shifts.index(4)], 1))

# %% [markdown]
# To a network on flattened pictures, pixel 300 and pixel 301 are as unrelated as pixel 300 and pixel 7. It has
# learned strokes *at places*, and MNIST's digits are all centred, so it never had to learn more. The test set
# could not reveal this, because it is centred in the same way: a test set speaks only for data made like
# itself. [Rung 9](09_convnet.ipynb), with convolutions, builds the remedy.
#
# ## Draw your own
#
# Your handwriting is the test set nobody prepared. Draw in the box with mouse or finger; the pad centres and
# shrinks your drawing the way MNIST's makers did, and asks *your* network.

# %%
def read_digit(picture: np.ndarray) -> Tensor:
    """Give the ten probabilities for one picture, shape (1, 28, 28), ink in [0, 1]."""
    row = torch.from_numpy(picture).float().flatten(1)
    with torch.no_grad():
        return model(standardise(row)).softmax(dim=1)[0]


digit_pad(read_digit)

# %% [markdown]
# Try a 7 with a bar and one without, a 1 as a bare stroke, a 9 with a curl. Then a letter: what does it say to an
# A, and how sure is it? Ten probabilities that add to 1 leave no room for "none of these".
#
# ## Go further
#
# - **Scramble the pixels.** Apply one fixed random permutation of the 784 pixels to all pictures, training and
#   test. Predict the accuracy, then train. *A good answer says why a two-layer network cannot tell the difference,
#   and what that shows about the shift experiment.*
# - **Leak on purpose.** Standardise everything with the mean and deviation of all 70 000 pictures. *A good answer
#   compares the change with the spread over seeds, and names a case where leakage would matter more.*
# - **Width.** Test accuracy against width 8, 32, 128, 512, three seeds each, with error bars. *Choose the width on
#   the validation set; report one test number. Do wider networks overfit more?*
# - **Train on shifts.** Shift every training picture at random by up to 3 pixels, anew in each epoch, and draw the
#   shift curve again. *What did it cost at shift 0, and how much longer must you train?*
# - **Is it as sure as it should be?** Sort the test predictions into bins by their top probability, and plot the
#   accuracy of each bin against that probability. *A calibrated network lies on the diagonal.*
#
# ## Explain it to a friend
#
# Aloud or in writing, as if to a friend who has not read this page:

# %% write="why_three_sets"
write("why_three_sets", """
""")

# %% write="loss_up_accuracy_flat"
write("loss_up_accuracy_flat", """
""")

# %% write="was_it_a_lie"
write("was_it_a_lie", """
""")

# %% [markdown]
# Next, [rung 8](08_adam_optax.ipynb): the same network, and steps whose size the optimiser finds out for itself.
