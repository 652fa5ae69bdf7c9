"""What ladder/07_mnist_mlp is judged by.

The oracles use no formula of the chapter's solutions: numpy for pixels, scikit-learn for scaling,
losses and confusion matrices, plain loops for counting, and a numpy gradient descent with the
derivative of softmax and negative log likelihood written out for training.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from sklearn.metrics import accuracy_score, log_loss
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

# ------------------------------------------------------------------- flatten_and_scale

flatten_and_scale = Exercise("flatten_and_scale", minutes=4, difficulty=1)


@flatten_and_scale.property("gives one row of numbers between 0 and 1 for each picture", trials=4)
def _(answer, draw: Draw) -> None:
    images = draw.integers(0, 200, draw.size, 2, 3).astype(np.uint8)
    rows = np.array(
        [[pixel / 255 for line in image.tolist() for pixel in line] for image in images]
    )
    expect(answer(images), "the rows").close_to(rows)


@flatten_and_scale.property("turns 0 into 0 and 255 into 1, for one picture too")
def _(answer, draw: Draw) -> None:
    images = np.array([[[0, 255], [draw.integers(1, 255), 255]]], dtype=np.uint8)
    rows = answer(images)
    expect(rows, "the rows of one picture").has_shape(1, 4)
    expect(rows, "the rows of one picture").close_to([[0.0, 1.0, images[0, 1, 0] / 255, 1.0]])


@flatten_and_scale.property("returns a float32 tensor")
def _(answer, draw: Draw) -> None:
    images = draw.integers(0, 200, 2, 2, 2).astype(np.uint8)
    rows = answer(images)
    expect(isinstance(rows, torch.Tensor), "the rows are a tensor").is_true(
        otherwise=f"They are a `{type(rows).__name__}`; they should be a tensor."
    )
    expect(rows, "the rows").has_dtype("float32")


@flatten_and_scale.mistake(
    "You divided by 256. A byte has 256 values, and the largest of them is 255: divide by 255 and "
    "full ink becomes exactly 1."
)
def divided_by_256(images):
    return torch.from_numpy(images).flatten(1).float() / 256


@flatten_and_scale.mistake(
    "You flattened everything into one long row. The first axis counts the pictures and stays: "
    "only height and width become one axis."
)
def flattened_batch(images):
    return torch.from_numpy(images).flatten().float() / 255


@flatten_and_scale.mistake(
    "The pixels still run from 0 to 255. Divide by 255, so that ink is a number between 0 and 1."
)
def not_scaled(images):
    return torch.from_numpy(images).flatten(1).float()


@flatten_and_scale.mistake(
    "You divided whole numbers: every grey became 0. Convert to float32 first, divide after."
)
def whole_numbers(images):
    return torch.from_numpy(images // 255).flatten(1).float()


@flatten_and_scale.mistake(
    "Your rows read each picture column by column. Any fixed order would do for the network, but "
    "this page (and every picture it draws) reads line by line, as `reshape` does."
)
def column_by_column(images):
    return torch.from_numpy(images).transpose(1, 2).flatten(1).float() / 255


@flatten_and_scale.mistake(
    "The numbers are right and are float64. Weights are float32, and torch refuses to multiply "
    "the two: call `.float()`."
)
def double_precision(images):
    return torch.from_numpy(images / 255).flatten(1)


@flatten_and_scale.mistake(
    "You divided by the largest pixel of these pictures. The same picture would then get other "
    "numbers in other company: divide by 255, whatever the pictures hold."
)
def divided_by_largest(images):
    return torch.from_numpy(images).flatten(1).float() / max(int(images.max()), 1)


@flatten_and_scale.mistake(
    "You divided each picture by its own largest pixel. That throws away how dark the pen was, "
    "and an empty picture gives 0/0: divide by 255."
)
def divided_by_own_largest(images):
    rows = torch.from_numpy(images).flatten(1).float()
    return rows / rows.max(dim=1, keepdim=True).values


@flatten_and_scale.mistake(
    "The pixels are scaled and the pictures still have height and width. A linear layer takes one "
    "row of numbers per picture: shape (n, height · width)."
)
def not_flattened(images):
    return torch.from_numpy(images).float() / 255


@flatten_and_scale.mistake(
    "You scaled to −1 … 1. Scale to 0 … 1 here; moving the mean to 0 is the next exercise."
)
def minus_one_to_one(images):
    return torch.from_numpy(images).flatten(1).float() / 127.5 - 1


@flatten_and_scale.mistake("You returned a numpy array. Make it a tensor: `torch.from_numpy(…)`.")
def stayed_numpy(images):
    return (images.reshape(len(images), -1) / 255).astype(np.float32)


flatten_and_scale.hint("Three steps: a tensor, one row per picture, float32 between 0 and 1.")
flatten_and_scale.hint("`torch.from_numpy(images)` makes a tensor; `.flatten(1)` keeps axis 0.")
flatten_and_scale.hint("Which axes are merged? The first one counts the pictures.", when="shape")
flatten_and_scale.hint("What is the largest value a byte can hold?", when="factor")
flatten_and_scale.hint("Convert to float before you divide, not after.", when="value")
flatten_and_scale.hint(
    "The check uses small pictures: take sizes from `images.shape`, or let `.flatten(1)` do it.",
    when="error",
)
flatten_and_scale.hint("`.float()` is short for `.to(torch.float32)`.", when="dtype")
flatten_and_scale.hint(
    "`reshape` and `flatten` read line by line. What moved the axes?", when="order"
)

# ------------------------------------------------------------------------ Standardiser

Standardiser = Exercise("Standardiser", minutes=8, difficulty=1)


def _pixels(draw: Draw, n: int, low: float, high: float) -> torch.Tensor:
    """Many pixels: whether the standard deviation divides by N or N − 1 must not show."""
    return torch.tensor(draw.uniform(low, high, n, 200), dtype=torch.float32)


def _scaled(training: torch.Tensor, other: torch.Tensor) -> np.ndarray:
    scaler = StandardScaler().fit(training.numpy().astype(np.float64).reshape(-1, 1))
    flat = other.numpy().astype(np.float64).reshape(-1, 1)
    return scaler.transform(flat).reshape(other.shape)


@Standardiser.property("brings the training pictures to mean 0 and standard deviation 1", trials=3)
def _(answer, draw: Draw) -> None:
    training = _pixels(draw, 100, 0.0, draw.uniform(0.5, 0.9))
    scaled = answer(training)(training)
    expect(scaled, "the training pictures").close_to(_scaled(training, training), rtol=1e-3)


@Standardiser.property(
    "treats other pictures by the training pictures' mean and deviation", trials=3
)
def _(answer, draw: Draw) -> None:
    training, other = _pixels(draw, 100, 0.0, 0.6), _pixels(draw, 30, 0.3, 1.0)
    scaled = answer(training)(other)
    expect(scaled, "the other pictures").close_to(_scaled(training, other), rtol=1e-3)


@Standardiser.property("takes one picture, and one without ink", trials=2)
def _(answer, draw: Draw) -> None:
    training = _pixels(draw, 100, 0.0, 0.7)
    standardise = answer(training)
    for name, other in (("one picture", training[3:4]), ("a blank picture", torch.zeros(1, 200))):
        expect(standardise(other), name).close_to(_scaled(training, other), rtol=1e-3)


@Standardiser.property("stays finite where a pixel is never inked", trials=2)
def _(answer, draw: Draw) -> None:
    training = _pixels(draw, 100, 0.0, 0.7)
    training[:, :20] = 0.0
    scaled = answer(training)(training)
    expect(scaled, "the pictures").is_finite().close_to(_scaled(training, training), rtol=1e-3)


@Standardiser.property("keeps mean and std, one number each")
def _(answer, draw: Draw) -> None:
    training = _pixels(draw, 100, 0.0, 0.7)
    standardise = answer(training)
    standardise(_pixels(draw, 5, 0.5, 1.0))
    flat = training.numpy().astype(np.float64).ravel()
    expect(standardise.mean, "mean").has_shape().close_to(np.average(flat), rtol=1e-3)
    spread = np.linalg.norm(flat - np.average(flat)) / flat.size**0.5
    expect(standardise.std, "std").has_shape().close_to(spread, rtol=1e-3)


@Standardiser.property("leaves the pictures it is given alone")
def _(answer, draw: Draw) -> None:
    training, other = _pixels(draw, 100, 0.0, 0.7), _pixels(draw, 5, 0.5, 1.0)
    kept_training, kept_other = training.numpy().copy(), other.numpy().copy()
    answer(training)(other)
    expect(training, "the training pictures afterwards").close_to(kept_training)
    expect(other, "the other pictures afterwards").close_to(kept_other)


@Standardiser.mistake(
    "You measured the mean and deviation of the pictures that are being scaled. Measure them "
    "once, on the training pictures, in `__init__`: test pictures must not take part in preparing "
    "themselves (that is leakage), and one picture alone would be scaled by itself."
)
class OwnStatistics:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return (x - x.mean()) / x.std().clamp_min(1e-8)


@Standardiser.mistake(
    "You gave every picture its own mean and deviation. That removes how much ink there is, which "
    "is information: one mean and one deviation for all pictures."
)
class PerPicture:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True).clamp_min(1e-8)


@Standardiser.mistake(
    "You gave every pixel its own mean and deviation. A corner pixel that is never inked has "
    "deviation 0, and 0/0 is NaN. One mean and one deviation for all pixels together."
)
class PerPixel:
    def __init__(self, training):
        self.mean, self.std = training.mean(0), training.std(0)

    def __call__(self, x):
        return (x - self.mean) / self.std


@Standardiser.mistake(
    "You gave every pixel its own mean and deviation, with a small number against division by 0. "
    "A pixel inked in one picture of 60 000 would then be blown up to hundreds. One mean and one "
    "deviation for all pixels together."
)
class PerPixelGuarded(PerPixel):
    def __init__(self, training):
        self.mean, self.std = training.mean(0), training.std(0) + 1e-8


@Standardiser.mistake(
    "You divided by the variance. The standard deviation is its square root, and is what has the "
    "units of the pixels."
)
class DividedByVariance:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return (x - self.mean) / self.std**2


@Standardiser.mistake("You subtracted the mean and forgot to divide by the standard deviation.")
class OnlyCentred:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return x - self.mean


@Standardiser.mistake("You divided by the standard deviation and forgot to subtract the mean.")
class OnlyDivided:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return x / self.std


@Standardiser.mistake(
    "Division comes before subtraction unless brackets say otherwise: you computed x − "
    "(mean/std). Write (x − mean) / std."
)
class Precedence:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return x - self.mean / self.std


@Standardiser.mistake(
    "You scaled to the range 0 … 1 by the smallest and largest pixel. Standardising means mean 0 "
    "and standard deviation 1."
)
class MinMax:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()
        self.low, self.high = training.min(), training.max()

    def __call__(self, x):
        return (x - self.low) / (self.high - self.low)


@Standardiser.mistake(
    "You wrote into the tensor you were given: after `x -= …` the caller's pictures are changed, "
    "and standardising them twice goes wrong. `(x - mean) / std` makes a new tensor."
)
class InPlace:
    def __init__(self, training):
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        x -= self.mean
        x /= self.std
        return x


@Standardiser.mistake(
    "You moved the mean to 0 twice: once when the training pictures arrived, and then by the mean "
    "of what was left. Keep the mean of the pixels as they came."
)
class CentredFirst:
    def __init__(self, training):
        training = training - training.mean()
        self.mean, self.std = training.mean(), training.std()

    def __call__(self, x):
        return (x - self.mean) / self.std


Standardiser.hint(
    "What is measured once belongs in `__init__`; what happens each time, in `__call__`."
)
Standardiser.hint(
    "`training.mean()` without an axis is one number over all pixels of all pictures."
)
Standardiser.hint(
    "Which pictures did the mean come from: the training ones, always?", when="offset"
)
Standardiser.hint("Some pixel has deviation 0. One deviation for all pixels avoids it.", when="nan")
Standardiser.hint("Did you divide by std, or by its square?", when="factor")
Standardiser.hint(
    "`mean = …` inside `__init__` is gone when it ends. `self.mean = …` stays, and `self.std`: the "
    "check reads both by these names.",
    when="error",
)
Standardiser.hint(
    "mean and std are single numbers. Is there an axis in the brackets?", when="shape"
)

# ----------------------------------------------------------------------- split_indices

split_indices = Exercise("split_indices", minutes=8, difficulty=2, changes=("generator",))


def _as_list(indices: object) -> list[int]:
    return [int(i) for i in torch.as_tensor(indices).flatten()]


@split_indices.property("puts every index in exactly one of the two parts", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.size + 3
    held_out = draw.integers(1, n - 1)
    first, second = answer(n, held_out, torch_generator(draw.seed()))
    train, kept = _as_list(first), _as_list(second)
    expect(len(kept), "how many are held out").equals(held_out)
    expect(len(train), "how many are left to train on").equals(n - held_out)
    expect(sorted(train + kept), "both parts together, sorted").equals(list(range(n)))


@split_indices.property("holds out a random part")
def _(answer, draw: Draw) -> None:
    train, kept = map(_as_list, answer(60, 20, torch_generator(draw.seed())))
    runs = sum(b != a + 1 for a, b in pairwise(sorted(kept)))
    expect(runs, "gaps between the held-out indices").is_above(2)


@split_indices.property("takes its randomness from the generator it was given", trials=3)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    _, first = answer(40, 10, torch_generator(seed))
    _, again = answer(40, 10, torch_generator(seed))
    _, other = answer(40, 10, torch_generator(seed + 1))
    expect(again, "the same seed again").close_to(_as_list(first))
    shared = len(set(_as_list(first)) & set(_as_list(other)))
    expect(shared, "held-out indices that another seed has too").is_below(10)


@split_indices.property("may hold out nothing")
def _(answer, draw: Draw) -> None:
    train, kept = answer(6, 0, torch_generator(draw.seed()))
    expect(len(kept), "how many are held out").equals(0)
    expect(sorted(_as_list(train)), "the indices to train on, sorted").equals(list(range(6)))


@split_indices.property("returns int64 tensors")
def _(answer, draw: Draw) -> None:
    train, kept = answer(7, 2, torch_generator(draw.seed()))
    expect(train, "the training indices").is_a(torch.Tensor).has_dtype("int64").has_shape(5)
    expect(kept, "the held-out indices").is_a(torch.Tensor).has_dtype("int64").has_shape(2)


@split_indices.mistake(
    "You did not shuffle: the first examples of the file are held out. In a sorted file those "
    "would be one class. Draw a random order first."
)
def first_held_out(n, held_out, generator):
    order = torch.arange(n)
    return order[held_out:], order[:held_out]


@split_indices.mistake(
    "You did not shuffle: the last examples of the file are held out. In a sorted file those "
    "would be one class. Draw a random order first."
)
def last_held_out(n, held_out, generator):
    order = torch.arange(n)
    return order[: n - held_out], order[n - held_out :]


@split_indices.mistake(
    "You drew the two parts independently, so they overlap: the network is examined on pictures "
    "it has learned. Draw one order and cut it in two."
)
def drawn_twice(n, held_out, generator):
    train = torch.randperm(n, generator=generator)[: n - held_out]
    return train, torch.randperm(n, generator=generator)[:held_out]


@split_indices.mistake(
    "You shuffled twice and cut each order once, so the parts overlap: the network is examined on "
    "pictures it has learned. Draw one order and cut it in two."
)
def shuffled_twice(n, held_out, generator):
    train = torch.randperm(n, generator=generator)[held_out:]
    return train, torch.randperm(n, generator=generator)[:held_out]


@split_indices.mistake(
    "You held examples out and then trained on all of them: the training part still contains the "
    "held-out one. Leave it out."
)
def trains_on_all(n, held_out, generator):
    order = torch.randperm(n, generator=generator)
    return order, order[:held_out]


@split_indices.mistake(
    "You drew with replacement: some examples come twice and others in neither part. "
    "`torch.randperm` draws each once."
)
def with_replacement(n, held_out, generator):
    order = torch.randint(n, (n,), generator=generator)
    return order[held_out:], order[:held_out]


@split_indices.mistake(
    "You drew the held-out indices with replacement, so one can come twice and the training part "
    "is too long. `torch.randperm` draws each once."
)
def held_out_with_replacement(n, held_out, generator):
    kept = torch.randint(n, (held_out,), generator=generator)
    train = torch.ones(n, dtype=torch.bool)
    train[kept] = False
    return train.nonzero().flatten(), kept


@split_indices.mistake(
    "The two parts have changed places: the training indices come first, and are n − held_out many."
)
def parts_swapped(n, held_out, generator):
    order = torch.randperm(n, generator=generator)
    return order[:held_out], order[held_out:]


@split_indices.mistake(
    "`order[:-held_out]` and `order[-held_out:]` turn round when held_out is 0: −0 is 0, so the "
    "first is empty and the second is everything. Cut at `held_out` or at `n - held_out`."
)
def cut_at_minus_zero(n, held_out, generator):
    order = torch.randperm(n, generator=generator)
    return order[:-held_out], order[-held_out:]


@split_indices.mistake(
    "You used torch's global generator. Hand yours on, `torch.randperm(n, generator=generator)`: "
    "the split must stay the same when something else draws a random number first."
)
def global_generator(n, held_out, generator):
    order = torch.randperm(n)
    return order[held_out:], order[:held_out]


@split_indices.mistake(
    "Your split comes from a fixed seed: a generator of your own, or `manual_seed` called on the "
    "one you were given. Use it as it comes, so that the caller can draw another split."
)
def own_generator(n, held_out, generator):
    order = torch.randperm(n, generator=torch_generator(0))
    return order[held_out:], order[:held_out]


@split_indices.mistake(
    "One example is in neither part: the cut skips it. `order[:k]` ends before k, so the other "
    "part begins at k, not at k + 1."
)
def loses_one(n, held_out, generator):
    order = torch.randperm(n, generator=generator)
    return order[held_out + 1 :], order[:held_out]


split_indices.hint("Shuffle 0 … n − 1 once; then one cut makes both parts.")
split_indices.hint("`torch.randperm(n, generator=generator)` is a shuffled 0 … n − 1.")
split_indices.hint("How long is each part? They add up to n.", when="value")
split_indices.hint("Is any index in both parts, or in neither?", when="length")
split_indices.hint(
    "Does the generator you were given take part?",
    when="takes its randomness from the generator it was given",
)
split_indices.hint("What is `order[-0:]`?", when="may hold out nothing")

# ----------------------------------------------------------------------------- batches

# The data are handed over as they are, for a generator function does its work after the call: the
# property "leaves the data alone" looks at them when it has run.
batches = Exercise("batches", minutes=12, difficulty=2, changes=("generator", "x", "y"))


def _numbered(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """n pictures of two pixels that carry their own number: pixel 0 is i, the label is i."""
    numbers = torch.arange(n)
    return torch.stack([numbers, -numbers], dim=1).float(), numbers


def _labels(pairs: list) -> list[int]:
    return [int(label) for _, y in pairs for label in y]


@batches.property("cuts the data in its own order when there is no generator", trials=6)
def _(answer, draw: Draw) -> None:
    n, size = draw.size, draw.integers(1, 5)
    x, y = _numbered(n)
    pairs = list(answer(x, y, size))
    lengths = [min(size, n - start) for start in range(0, n, size)]
    expect([len(part) for _, part in pairs], "the lengths of the batches").equals(lengths)
    expect(_labels(pairs), "all labels in turn").equals(list(range(n)))
    for place, (images, labels) in enumerate(pairs):
        expect(images, f"the pictures of batch {place}").close_to(
            [[float(i), -float(i)] for i in labels.tolist()]
        )


@batches.property(
    "shows every example once when it shuffles, the short last batch included", trials=5
)
def _(answer, draw: Draw) -> None:
    n, size = draw.size + 3, draw.integers(2, 5)
    pairs = list(answer(*_numbered(n), size, torch_generator(draw.seed())))
    lengths = [min(size, n - start) for start in range(0, n, size)]
    expect([len(part) for _, part in pairs], "the lengths of the batches").equals(lengths)
    expect(sorted(_labels(pairs)), "all labels, sorted").equals(list(range(n)))


@batches.property("keeps each picture with its label", trials=4)
def _(answer, draw: Draw) -> None:
    pairs = list(answer(*_numbered(draw.size + 3), 2, torch_generator(draw.seed())))
    for place, (images, labels) in enumerate(pairs):
        expect(images[:, 0], f"pixel 0 in batch {place} (it is the label)").close_to(
            labels.tolist()
        )


@batches.property("shuffles by the generator, anew at every call", trials=3)
def _(answer, draw: Draw) -> None:
    x, y = _numbered(40)
    generator = torch_generator(draw.seed())
    first, second = (_labels(list(answer(x, y, 7, generator))) for _ in range(2))
    again = _labels(list(answer(x, y, 7, torch_generator(generator.initial_seed()))))
    expect(again, "the same seed again").equals(first)
    kept = sum(a == b for a, b in zip(first, range(40), strict=True))
    expect(kept, "labels that stayed in their place").is_below(20)
    repeated = sum(a == b for a, b in zip(first, second, strict=True))
    expect(repeated, "labels in the same place at the next call").is_below(20)


@batches.property("shuffles within and across batches")
def _(answer, draw: Draw) -> None:
    pairs = list(answer(*_numbered(40), 10, torch_generator(draw.seed())))
    spans = [max(_labels([pair])) - min(_labels([pair])) for pair in pairs]
    expect(spans, "largest minus smallest label of each batch").is_above(10)


@batches.property("leaves the data alone")
def _(answer, draw: Draw) -> None:
    x, y = _numbered(9)
    list(answer(x, y, 4, torch_generator(draw.seed())))
    expect(y, "the labels afterwards").equals(list(range(9)))
    expect(x[:, 0], "pixel 0 of the pictures afterwards").close_to(list(range(9)))


def _cut(x, y, order, size):
    return [(x[i], y[i]) for i in order.split(size)]


def _order(n, generator):
    return torch.arange(n) if generator is None else torch.randperm(n, generator=generator)


@batches.mistake(
    "You shuffled pictures and labels with two different orders: no picture keeps its label, and "
    "the network can learn nothing. Draw one order and use it for both."
)
def two_orders(x, y, batch_size, generator=None):
    one, two = _order(len(x), generator), _order(len(x), generator)
    return [(x[i], y[j]) for i, j in zip(one.split(batch_size), two.split(batch_size), strict=True)]


@batches.mistake("You shuffled the pictures and left the labels as they were. One order for both.")
def labels_left(x, y, batch_size, generator=None):
    order = _order(len(x), generator)
    return list(zip(x[order].split(batch_size), y.split(batch_size), strict=True))


@batches.mistake(
    "You never shuffle. With a generator the order is random; without one it is the data's own."
)
def never_shuffles(x, y, batch_size, generator=None):
    return _cut(x, y, torch.arange(len(x)), batch_size)


@batches.mistake(
    "You always shuffle. Without a generator keep the data's own order: that is what measuring "
    "uses, where a random order would only make results hard to match to pictures."
)
def always_shuffles(x, y, batch_size, generator=None):
    return _cut(x, y, torch.randperm(len(x), generator=generator), batch_size)


@batches.mistake(
    "You dropped the short batch at the end. Its examples count too, above all when you measure."
)
def drops_rest(x, y, batch_size, generator=None):
    full = len(x) // batch_size * batch_size
    return _cut(x, y, _order(len(x), generator)[:full], batch_size) if full else []


@batches.mistake(
    "You drew examples with replacement: in one epoch some come twice, others never. Shuffle "
    "once, cut after."
)
def replacement(x, y, batch_size, generator=None):
    n = len(x)
    order = torch.arange(n) if generator is None else torch.randint(n, (n,), generator=generator)
    return _cut(x, y, order, batch_size)


@batches.mistake(
    "You shuffled with torch's global generator. Use the one you were given: the same seed then "
    "gives the same batches, whatever else draws random numbers."
)
def shuffles_globally(x, y, batch_size, generator=None):
    order = torch.arange(len(x)) if generator is None else torch.randperm(len(x))
    return _cut(x, y, order, batch_size)


@batches.mistake(
    "You made your own generator with a fixed seed, so every epoch has the same order. Use the "
    "one you were given: it moves on each time it is asked."
)
def same_order_always(x, y, batch_size, generator=None):
    fixed = None if generator is None else torch_generator(0)
    return _cut(x, y, _order(len(x), fixed), batch_size)


@batches.mistake(
    "You shuffled the batches and not the examples: the same neighbours always travel together. "
    "Shuffle the indices first, cut after."
)
def shuffled_batches(x, y, batch_size, generator=None):
    pairs = _cut(x, y, torch.arange(len(x)), batch_size)
    whole = len(x) // batch_size  # the short one stays last
    order = [int(i) for i in _order(whole, generator)] + list(range(whole, len(pairs)))
    return [pairs[i] for i in order]


@batches.mistake(
    "You shuffled the batches and not the examples: the same neighbours always travel together, "
    "and the short batch comes anywhere. Shuffle the indices first, cut after."
)
def shuffled_all_batches(x, y, batch_size, generator=None):
    pairs = _cut(x, y, torch.arange(len(x)), batch_size)
    return [pairs[i] for i in _order(len(pairs), generator)]


@batches.mistake(
    "You shuffled the caller's own tensors: after `x[:] = x[order]` the data are in another order "
    "for everybody. `x = x[order]` makes a new tensor, and so does `x[piece]`."
)
def shuffled_in_place(x, y, batch_size, generator=None):
    order = _order(len(x), generator)
    x[:], y[:] = x[order], y[order]
    yield from _cut(x, y, torch.arange(len(x)), batch_size)


@batches.mistake(
    "You returned the first batch alone: `return` inside a loop ends it. `yield x[piece], "
    "y[piece]` hands one batch over and goes on."
)
def first_batch_only(x, y, batch_size, generator=None):
    piece = _order(len(x), generator)[:batch_size]
    return x[piece], y[piece]


@batches.mistake(
    "Your batches are one example short: a slice already leaves out its end, so `[start : start + "
    "batch_size]` holds batch_size of them."
)
def one_short(x, y, batch_size, generator=None):
    order = _order(len(x), generator)
    pieces = [order[i : i + batch_size - 1] for i in range(0, len(x), batch_size)]
    return [(x[i], y[i]) for i in pieces]


@batches.mistake(
    "You cut the data into batch_size pieces. batch_size says how many examples a piece holds."
)
def that_many_pieces(x, y, batch_size, generator=None):
    order = _order(len(x), generator)
    return [(x[i], y[i]) for i in order.chunk(batch_size)]


@batches.mistake("You returned (labels, pictures). Each pair is (pictures, labels), in that order.")
def pairs_turned(x, y, batch_size, generator=None):
    return [(b, a) for a, b in _cut(x, y, _order(len(x), generator), batch_size)]


batches.hint("Decide the order of the indices first; then cut it; then pick pictures and labels.")
batches.hint(
    "`order.split(batch_size)` cuts a tensor and keeps the short rest. `x[piece]` picks rows."
)
batches.hint("What should the last batch be when batch_size does not divide n?", when="length")
batches.hint("What is the order when generator is None?", when="order")
batches.hint(
    "Pictures and labels must be picked by the same indices.",
    when="keeps each picture with its label",
)
batches.hint(
    "`return` inside a loop ends it with the first batch. `yield x[piece], y[piece]` goes on.",
    when="type",
)
batches.hint("`if generator is None:` asks whether there is one.", when="error")

# ---------------------------------------------------------------------------- evaluate

evaluate = Exercise("evaluate", minutes=15, difficulty=2, changes=("model",))


class DoublesWhileTraining(nn.Module):
    """What dropout is, without the randomness: another output in training mode."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x if self.training else x


class WatchesGradients(nn.Module):
    """Counts the calls during which torch was recording for `backward`."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.recorded += torch.is_grad_enabled()
        return x


def _linear(draw: Draw, inputs: int = 2, classes: int = 3) -> nn.Linear:
    """A linear layer with weights that a person can follow."""
    layer = nn.Linear(inputs, classes)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(draw.normal(classes, inputs)))
        layer.bias.copy_(torch.tensor(draw.normal(classes)))
    return layer


def _examples(draw: Draw, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """n examples with 2 features and a label out of 3."""
    x = torch.tensor(draw.normal(n, 2), dtype=torch.float32)
    return x, torch.tensor(draw.integers(0, 3, n), dtype=torch.int64)


def _measured(layer: nn.Linear, pairs: list) -> tuple[float, float]:
    """Mean loss and accuracy by numpy and scikit-learn, all examples in one heap."""
    x = np.concatenate([np.asarray(x, dtype=np.float64) for x, _ in pairs])
    y = np.concatenate([np.asarray(y) for _, y in pairs])
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    logits = x @ weight.T.astype(np.float64) + bias
    exponentials = np.exp(logits)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    predicted = np.argmax(logits, axis=1)
    return float(log_loss(y, probabilities, labels=[0, 1, 2])), float(accuracy_score(y, predicted))


def _expect_measured(result: tuple, layer: nn.Linear, pairs: list) -> None:
    loss, accuracy = result
    expected_loss, expected_accuracy = _measured(layer, pairs)
    expect(loss, "the loss").close_to(expected_loss)
    expect(accuracy, "the accuracy").close_to(expected_accuracy)


@evaluate.property("gives mean loss and accuracy of one batch", trials=5)
def _(answer, draw: Draw) -> None:
    layer, pairs = _linear(draw), [_examples(draw, draw.size)]
    _expect_measured(answer(layer, pairs), layer, pairs)


@evaluate.property("lets every example count the same when batches differ in size", trials=5)
def _(answer, draw: Draw) -> None:
    layer = _linear(draw)
    pairs = [_examples(draw, n) for n in (4, draw.size, 1)]
    _expect_measured(answer(layer, pairs), layer, pairs)


@evaluate.property("measures in evaluation mode", trials=3)
def _(answer, draw: Draw) -> None:
    layer, pairs = _linear(draw), [_examples(draw, 3), _examples(draw, 2)]
    model = nn.Sequential(layer, DoublesWhileTraining()).train()
    _expect_measured(answer(model, pairs), layer, pairs)


@evaluate.property("leaves the model in the mode it found it in")
def _(answer, draw: Draw) -> None:
    layer, pairs = _linear(draw), [_examples(draw, 3)]
    answer(layer.train(), pairs)
    expect(int(layer.training), "training mode afterwards, on (1) before").equals(1)
    answer(layer.eval(), pairs)
    expect(int(layer.training), "training mode afterwards, off (0) before").equals(0)


@evaluate.property("records nothing for backward, and switches recording on again")
def _(answer, draw: Draw) -> None:
    watch = WatchesGradients()
    layer = _linear(draw)
    answer(nn.Sequential(layer, watch), [_examples(draw, 3), _examples(draw, 2)])
    expect(watch.recorded, "batches recorded for backward").equals(0)
    expect(int(torch.is_grad_enabled()), "recording afterwards (1 = on)").equals(1)
    gradients = sum(p.grad is not None for p in layer.parameters())
    expect(gradients, "parameters with a gradient afterwards").equals(0)
    learning = sum(p.requires_grad for p in layer.parameters())
    expect(learning, "parameters that can still learn afterwards").equals(2)


@evaluate.property("walks through the batches once")
def _(answer, draw: Draw) -> None:
    layer = _linear(draw)
    pairs = [_examples(draw, n) for n in (3, 2)]
    _expect_measured(answer(layer, (pair for pair in pairs)), layer, pairs)


@evaluate.property("returns two plain numbers")
def _(answer, draw: Draw) -> None:
    for name, value in zip(
        ("loss", "accuracy"), answer(_linear(draw), [_examples(draw, 4)]), strict=True
    ):
        expect(isinstance(value, float), f"the {name} is a float").is_true(
            otherwise=f"The {name} is of type `{type(value).__name__}`; it should be a plain float."
        )


def _evaluation(model, pairs, **habits):
    """A measurement with one bad habit, named by keyword: what the mistakes below share."""
    was_training = model.training
    model.train(was_training and bool(habits.get("in_training_mode")))
    total, correct, count, seen, rows = 0.0, 0.0, 0, 0, 0
    with torch.set_grad_enabled(bool(habits.get("records"))):
        for x, y in pairs:
            logits = model(x)
            if habits.get("softmax_twice"):
                loss = F.cross_entropy(logits.softmax(1), y).item()
            else:
                loss = F.cross_entropy(logits, y).item()
            weight = 1 if habits.get("batch_means") or habits.get("loss_unweighted") else len(y)
            total += loss * weight
            right = (logits.argmax(1) == y).float()
            correct += (right.mean() if habits.get("batch_means") else right.sum()).item()
            count, seen, rows = count + 1, seen + len(y), rows or len(y)
            last = loss, right.mean().item()
    if not habits.get("stays_in_evaluation"):
        model.train(was_training or bool(habits.get("always_training")))
    if habits.get("last_batch"):
        return last
    if habits.get("batch_means"):
        return total / count, correct / count
    if habits.get("first_size"):
        return total / (count * rows), correct / (count * rows)
    loss_divisor = {"loss_sum": 1, "loss_by_batches": count, "loss_unweighted": seen}
    divisor = next((value for name, value in loss_divisor.items() if habits.get(name)), seen)
    scale = 100 if habits.get("percent") else seen if habits.get("counts") else 1
    return total / divisor, correct / seen * scale


@evaluate.mistake(
    "You averaged the batches' means. The short last batch then counts as much as a full one: "
    "multiply each mean by the number of its examples, add up, divide by all examples."
)
def batch_means(model, batches):
    return _evaluation(model, batches, batch_means=True)


@evaluate.mistake(
    "You measured in training mode. Layers such as dropout then go on disturbing the network: "
    "call `model.eval()` before the first batch."
)
def in_training_mode(model, batches):
    return _evaluation(model, batches, in_training_mode=True)


@evaluate.mistake(
    "The model stays in evaluation mode when you are done. The next epoch would train without its "
    "dropout: put the mode back, `model.train(was_training)`."
)
def stays_in_evaluation(model, batches):
    return _evaluation(model, batches, stays_in_evaluation=True)


@evaluate.mistake(
    "You always switch training mode on at the end. Put back the mode you found: a model that was "
    "in evaluation mode stays there. `was_training = model.training` remembers it."
)
def always_training(model, batches):
    return _evaluation(model, batches, always_training=True)


@evaluate.mistake(
    "torch recorded every step for a backward pass that never comes: memory and time for nothing. "
    "Put the loop inside `with torch.no_grad():`."
)
def records_gradients(model, batches):
    return _evaluation(model, batches, records=True)


@evaluate.mistake(
    "You switched recording off for good: after your function no `backward()` works any more. Use "
    "`with torch.no_grad():`, which switches it on again at its end."
)
def recording_stays_off(model, batches):
    result = _evaluation(model, batches)
    torch.set_grad_enabled(False)
    return result


@evaluate.mistake(
    "You switched `requires_grad` off and left it off: the model can never learn again. Use `with "
    "torch.no_grad():`, which changes nothing in the model."
)
def freezes_the_model(model, batches):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return _evaluation(model, batches)


@evaluate.mistake(
    "You took the largest logit along axis 0, over the examples. Each example has its own largest "
    "logit: `argmax(dim=1)`."
)
def largest_over_examples(model, batches):
    pairs, right, count = list(batches), 0, 0
    loss, _ = _evaluation(model, pairs)
    with torch.no_grad():
        for x, y in pairs:
            right += int((model(x).argmax(0) == y).sum())
            count += len(y)
    return loss, right / count


@evaluate.mistake(
    "`F.cross_entropy` takes logits: it applies log-softmax itself. You gave it probabilities, so "
    "the softmax was taken twice and the loss can never get near 0."
)
def softmax_twice(model, batches):
    return _evaluation(model, batches, softmax_twice=True)


@evaluate.mistake(
    "Your accuracy is in per cent. Return a share between 0 and 1; print it as per cent if you "
    "like."
)
def percent(model, batches):
    return _evaluation(model, batches, percent=True)


@evaluate.mistake(
    "Your accuracy counts the right answers. Divide by the number of examples to get a share."
)
def counts_right_answers(model, batches):
    return _evaluation(model, batches, counts=True)


@evaluate.mistake("Your loss is a sum over all examples. Divide by how many there were.")
def summed_loss(model, batches):
    return _evaluation(model, batches, loss_sum=True)


@evaluate.mistake(
    "You multiplied each batch's loss by its size, and then divided by the number of batches. "
    "Divide by the number of examples."
)
def divided_by_batches(model, batches):
    return _evaluation(model, batches, loss_by_batches=True)


@evaluate.mistake(
    "You added up batch means and divided by the number of examples. `F.cross_entropy` gives a "
    "mean over its batch: multiply it by the batch's size before you add it."
)
def means_over_examples(model, batches):
    return _evaluation(model, batches, loss_unweighted=True)


@evaluate.mistake("You returned the numbers of the last batch. Add up over all of them.")
def last_batch_only(model, batches):
    return _evaluation(model, batches, last_batch=True)


@evaluate.mistake(
    "You divided by the number of batches times the size of the first. The last one may be "
    "shorter: count the examples as they come, `n += len(y)`."
)
def first_batch_size(model, batches):
    return _evaluation(model, batches, first_size=True)


@evaluate.mistake("You returned (accuracy, loss). The loss comes first.")
def turned_round(model, batches):
    return _evaluation(model, batches)[::-1]


@evaluate.mistake(
    "You returned tensors. `.item()` or `float(…)` makes plain numbers that can be printed, saved "
    "and compared, and lets go of what the tensor holds on to."
)
def returns_tensors(model, batches):
    loss, accuracy = _evaluation(model, batches)
    return torch.tensor(loss), torch.tensor(accuracy)


evaluate.hint(
    "Before the loop: remember the mode, switch it. In the loop: add up. After: divide, put the "
    "mode back."
)
evaluate.hint("Keep three sums: losses times batch sizes, right answers, examples.")
evaluate.hint(
    "Whose mean is it? A batch of 1 and a batch of 1 000 must not weigh the same.",
    when="lets every example count the same when batches differ in size",
)
evaluate.hint("What did you divide by: examples, batches, nothing?", when="factor")
evaluate.hint(
    "`model.eval()` switches; `model.training` says which mode it is in.",
    when="measures in evaluation mode",
)
evaluate.hint(
    "`was_training = model.training` first, `model.train(was_training)` last.",
    when="leaves the model in the mode it found it in",
)
evaluate.hint(
    "`with torch.no_grad():` around the loop.",
    when="records nothing for backward, and switches recording on again",
)
evaluate.hint("`batches` may be a generator: one `for` loop, no `len`.", when="error")
evaluate.hint(
    "Return two plain numbers: `return loss, accuracy`. `.item()` makes one of a tensor.",
    when="type",
)

# -------------------------------------------------------------------- confusion_matrix

confusion_matrix = Exercise("confusion_matrix", minutes=8, difficulty=2)


@confusion_matrix.property("counts how often each class was taken for each", trials=6)
def _(answer, draw: Draw) -> None:
    n = draw.size * 2
    true = torch.tensor(draw.integers(0, 3, n))
    predicted = torch.tensor(draw.integers(0, 3, n))
    expected = sklearn_confusion_matrix(true.numpy(), predicted.numpy(), labels=range(3))
    expect(answer(true, predicted, 3), "the matrix").close_to(expected)


@confusion_matrix.property("has a row and a column for classes that never occur")
def _(answer, draw: Draw) -> None:
    true, predicted = torch.tensor([1, 1, 0]), torch.tensor([1, 0, 1])
    matrix = answer(true, predicted, 4)
    expected = sklearn_confusion_matrix(true.numpy(), predicted.numpy(), labels=range(4))
    expect(matrix, "the matrix").has_shape(4, 4).close_to(expected)


@confusion_matrix.property("takes one example, and none")
def _(answer, draw: Draw) -> None:
    one = answer(torch.tensor([2]), torch.tensor([0]), 3)
    expect(one, "the matrix of one example").close_to([[0, 0, 0], [0, 0, 0], [1, 0, 0]])
    none = torch.zeros(0, dtype=torch.int64)
    expect(answer(none, none, 3), "the matrix of no examples").close_to(np.zeros((3, 3)))


@confusion_matrix.property("holds whole numbers (int64)")
def _(answer, draw: Draw) -> None:
    matrix = answer(torch.tensor([0, 1, 1]), torch.tensor([0, 1, 0]), 2)
    expect(matrix, "the matrix").has_dtype("int64")


def _counted(rows, columns, classes):
    return torch.bincount(rows * classes + columns, minlength=classes**2).reshape(classes, classes)


@confusion_matrix.mistake(
    "Your matrix is transposed. Rows are the true classes, columns the predicted ones: row 4, "
    "column 9 counts fours that were taken for nines."
)
def transposed(labels, predictions, classes):
    return _counted(predictions, labels, classes)


@confusion_matrix.mistake(
    "`matrix[labels, predictions] += 1` adds 1 once to each cell, however often the pair occurs: "
    "torch reads all cells, adds, and writes back. Loop over the pairs, or use `torch.bincount`."
)
def counted_once(labels, predictions, classes):
    matrix = torch.zeros(classes, classes, dtype=torch.int64)
    matrix[labels, predictions] += 1
    return matrix


@confusion_matrix.mistake("You divided each row by its sum. Return the counts themselves.")
def shares_of_rows(labels, predictions, classes):
    matrix = _counted(labels, predictions, classes).float()
    return matrix / matrix.sum(1, keepdim=True).clamp_min(1)


@confusion_matrix.mistake("You divided by the number of examples. Return the counts themselves.")
def shares_of_all(labels, predictions, classes):
    return _counted(labels, predictions, classes) / max(len(labels), 1)


@confusion_matrix.mistake(
    "Your matrix is only as large as the classes that occur. It always has `classes` rows and "
    "columns, so that row 7 is class 7."
)
def only_seen_classes(labels, predictions, classes):
    seen = int(torch.cat([labels, predictions]).max()) + 1 if len(labels) else 0
    return _counted(labels, predictions, seen)


@confusion_matrix.mistake(
    "You counted the mistakes and left out the right answers. They belong on the diagonal."
)
def only_errors(labels, predictions, classes):
    matrix = _counted(labels, predictions, classes)
    return matrix - torch.diag(matrix.diagonal())


@confusion_matrix.mistake(
    "You counted the right answers and left out the mistakes. They are the cells off the "
    "diagonal, and the reason for the matrix."
)
def only_diagonal(labels, predictions, classes):
    return torch.diag(_counted(labels, predictions, classes).diagonal())


@confusion_matrix.mistake(
    "The counts are right and are floating-point numbers. Start from `torch.zeros(classes, "
    "classes, dtype=torch.int64)`."
)
def float_counts(labels, predictions, classes):
    return _counted(labels, predictions, classes).float()


@confusion_matrix.mistake(
    "You counted each pair in both directions. A four taken for a nine is one thing, a nine taken "
    "for a four another."
)
def both_ways(labels, predictions, classes):
    matrix = _counted(labels, predictions, classes)
    return matrix + matrix.T - torch.diag(matrix.diagonal())


confusion_matrix.hint("A table of zeros; each example adds 1 to one cell. Which row, which column?")
confusion_matrix.hint(
    "A `for true, predicted in zip(…)` loop is fine. Faster: `torch.bincount` of true · classes + "
    "predicted."
)
confusion_matrix.hint(
    "Which class says the row: the true one or the predicted one?", when="transposed"
)
confusion_matrix.hint("What happens when the same pair comes twice?", when="value")
confusion_matrix.hint("The size is given by `classes`, not by what occurs.", when="shape")
confusion_matrix.hint(
    "`torch.zeros` makes floats unless you say `dtype=torch.int64`.", when="dtype"
)

# -------------------------------------------------------------------------- most_wrong

most_wrong = Exercise("most_wrong", minutes=8, difficulty=2)


def _losses(logits: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    scores = logits.numpy().astype(np.float64)
    true_scores = np.array([row[label] for row, label in zip(scores, labels.tolist(), strict=True)])
    return np.logaddexp.reduce(scores, axis=1) - true_scores


def _worst_first(logits: torch.Tensor, labels: torch.Tensor, k: int) -> list[int]:
    losses = _losses(logits, labels)
    return sorted(range(len(losses)), key=lambda i: -losses[i])[:k]


def _guesses(draw: Draw, n: int, scale: float = 2.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits without ties, and labels, some of which the logits agree with."""
    logits = torch.tensor(draw.rng.normal(0, scale, (n, 3)).round(3), dtype=torch.float32)
    return logits, torch.tensor(draw.integers(0, 3, n))


@most_wrong.property("finds the examples with the highest losses, the highest first", trials=5)
def _(answer, draw: Draw) -> None:
    logits, labels = _guesses(draw, draw.size + 4)
    k = draw.integers(2, draw.size + 4)
    expect(answer(logits, labels, k), "the indices").close_to(_worst_first(logits, labels, k))


@most_wrong.property("finds the single worst one", trials=4)
def _(answer, draw: Draw) -> None:
    logits, labels = _guesses(draw, 6)
    expect(answer(logits, labels, 1), "the indices").close_to(_worst_first(logits, labels, 1))


@most_wrong.property("goes on with right answers when there are fewer than k wrong ones", trials=3)
def _(answer, draw: Draw) -> None:
    logits, _ = _guesses(draw, 6)
    labels = logits.argmax(1)
    labels[2] = logits[2].argmin()
    expect(answer(logits, labels, 4), "the indices").close_to(_worst_first(logits, labels, 4))


@most_wrong.property("still orders them when the network is wildly sure", trials=3)
def _(answer, draw: Draw) -> None:
    logits, labels = _guesses(draw, 12, scale=300.0)
    labels[:8] = logits[:8].argmin(dim=1)
    expect(answer(logits, labels, 5), "the indices").close_to(_worst_first(logits, labels, 5))


@most_wrong.property("returns an int64 tensor")
def _(answer, draw: Draw) -> None:
    logits, labels = _guesses(draw, 6)
    expect(answer(logits, labels, 3), "the indices").is_a(torch.Tensor).has_dtype("int64")


@most_wrong.mistake(
    "You sorted upwards: these are the examples the network gets most right. The highest loss "
    "comes first; `argsort(descending=True)` or `topk` does it."
)
def ascending(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").argsort()[:k]


@most_wrong.mistake(
    "These are the right k examples, the least wrong of them first. Put the highest loss first."
)
def right_ones_backwards(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").argsort()[-k:]


@most_wrong.mistake(
    "You ranked by how unsure the prediction is. Most wrong is another thing: how little the "
    "network gave to the TRUE class. A confident wrong answer is worse than a hesitant one."
)
def least_sure(logits, labels, k):
    return logits.softmax(1).max(1).values.argsort()[:k]


@most_wrong.mistake(
    "You ranked by how sure the prediction is, right or wrong. Rank by the loss, which asks about "
    "the true class."
)
def most_sure(logits, labels, k):
    return logits.softmax(1).max(1).values.argsort(descending=True)[:k]


@most_wrong.mistake(
    "You kept only misclassified examples and found fewer than k. The ranking is by loss alone; "
    "after the wrong answers come the barely right ones."
)
def only_misclassified(logits, labels, k):
    losses = F.cross_entropy(logits, labels, reduction="none")
    order = losses.argsort(descending=True)
    return order[(logits.argmax(1) != labels)[order]][:k]


@most_wrong.mistake(
    "You ranked by the logit of the true class. A logit means nothing alone: it counts against "
    "the other logits of its row, which is what the log-softmax in the loss does."
)
def by_true_logit(logits, labels, k):
    return logits.gather(1, labels[:, None])[:, 0].argsort()[:k]


@most_wrong.mistake(
    "You ranked by the distance between the largest logit and the true one. It is close to the "
    "loss, but the loss counts all classes: use `F.cross_entropy(…, reduction='none')`."
)
def by_margin(logits, labels, k):
    margin = logits.max(1).values - logits.gather(1, labels[:, None])[:, 0]
    return margin.argsort(descending=True)[:k]


@most_wrong.mistake(
    "You ranked by probabilities. In float32 a probability below about 1e-45 is 0, and among "
    "zeros there is no order: stay with log-probabilities, as `F.cross_entropy` does."
)
def by_probability(logits, labels, k):
    return logits.softmax(1).gather(1, labels[:, None])[:, 0].argsort(stable=True)[:k]


@most_wrong.mistake(
    "You took the softmax first and its logarithm after. In float32 a probability below about "
    "1e-45 is 0 and its loss infinite, and among infinities there is no order: `F.cross_entropy` "
    "or `log_softmax` on the logits keeps them apart."
)
def log_of_softmax(logits, labels, k):
    probabilities = logits.softmax(1).gather(1, labels[:, None])[:, 0]
    return (-probabilities.log()).topk(k).indices


@most_wrong.mistake(
    "You gave `F.cross_entropy` probabilities. It takes logits and applies log-softmax itself, so "
    "the softmax was taken twice."
)
def softmax_before_loss(logits, labels, k):
    return F.cross_entropy(logits.softmax(1), labels, reduction="none").topk(k).indices


@most_wrong.mistake("You returned the losses. Return where they are: the indices.")
def the_losses(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").topk(k).values


@most_wrong.mistake("You returned all examples in order of loss. Only the first k are asked for.")
def all_of_them(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").argsort(descending=True)


@most_wrong.mistake(
    "You found the k worst and returned them in the order of the data. The highest loss comes "
    "first."
)
def unsorted(logits, labels, k):
    return F.cross_entropy(logits, labels, reduction="none").topk(k).indices.sort().values


most_wrong.hint("One loss per example first; then the k largest, with their places.")
most_wrong.hint("`F.cross_entropy(…, reduction='none')` does not average. `topk` knows places.")
most_wrong.hint("Which comes first, the highest loss or the lowest?", when="order")
most_wrong.hint(
    "Which probability makes an answer wrong: of the predicted class or of the true one?",
    when="value",
)
most_wrong.hint("`topk(k)` returns values and indices. Which did you return?", when="dtype")
most_wrong.hint("How many indices are asked for?", when="length")
most_wrong.hint(
    "`F.cross_entropy` averages unless you say `reduction='none'`: one number has no k largest.",
    when="error",
)
most_wrong.hint(
    "What becomes of exp(−300) in float32?",
    when="still orders them when the network is wildly sure",
)

# ------------------------------------------------------------------------------- train

train = Exercise("train", minutes=35, difficulty=3, changes=("model", "generator"), seconds=10.0)

MOMENTUM = 0.9


class NotesWhatItLearns(nn.Module):
    """Notes pixel 0 of every example that passes in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen += [int(value) for value in x[:, 0]]
        return x


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _score(theta: np.ndarray, data: tuple[torch.Tensor, torch.Tensor]) -> tuple[float, float]:
    """Mean loss and accuracy of softmax regression with weights (3, 2) and biases side by side."""
    x, y = (part.numpy() for part in data)
    logits = np.c_[x.astype(np.float64), np.ones(len(x))] @ theta.T
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(y)), y]
    return float(losses.mean()), float(np.mean(logits.argmax(axis=1) == y))


def _descended(
    layer: nn.Linear,
    train_set: tuple[torch.Tensor, torch.Tensor],
    test_set: tuple[torch.Tensor, torch.Tensor],
    schedule: tuple[int, int],
    rates: tuple[float, float],
    gain: float = 1.0,
) -> dict[str, np.ndarray]:
    """Full-batch gradient descent with momentum on softmax regression, in numpy.

    Parameters
    ----------
    schedule : epochs, and steps in each of them
    rates : learning rate and momentum
    gain : what the logits are multiplied by while learning, as `DoublesWhileTraining` does

    Returns
    -------
    dict of train_loss, test_loss, test_accuracy (epochs + 1 entries each), and the final weights
    """
    x, y = (part.numpy().astype(np.float64) for part in train_set)
    x, targets = np.c_[x, np.ones(len(x))], np.eye(3)[y.astype(int)]
    theta = np.c_[layer.weight.detach().numpy(), layer.bias.detach().numpy()].astype(np.float64)
    velocity, history = np.zeros_like(theta), []
    for epoch in range(schedule[0] + 1):
        for _ in range(schedule[1] if epoch else 0):
            slope = gain * (_softmax(gain * x @ theta.T) - targets).T @ x / len(x)
            velocity = rates[1] * velocity + slope
            theta = theta - rates[0] * velocity
        history.append((_score(theta, train_set)[0], *_score(theta, test_set)))
    names = ("train_loss", "test_loss", "test_accuracy")
    columns = dict(zip(names, np.array(history).T, strict=True))
    return {**columns, "weight": theta[:, :2], "bias": theta[:, 2]}


def _expect_trained(history, layer: nn.Linear, expected: dict[str, np.ndarray]) -> None:
    for name in ("train_loss", "test_loss", "test_accuracy"):
        expect(history[name], f"history['{name}']").close_to(expected[name], rtol=1e-3)
    expect(layer.weight, "the weights afterwards").close_to(expected["weight"], rtol=1e-3)
    expect(layer.bias, "the biases afterwards").close_to(expected["bias"], rtol=1e-3)


@train.property(
    "takes momentum steps and measures after each epoch, and before the first", trials=4
)
def _(answer, draw: Draw) -> None:
    n = draw.size + 3
    layer, train_set, test_set = _linear(draw), _examples(draw, n), _examples(draw, 5)
    epochs, rate, momentum = draw.integers(2, 4), draw.uniform(0.1, 0.4), draw.choice([0.5, 0.8])
    expected = _descended(layer, train_set, test_set, (epochs, 1), (rate, momentum))
    history = answer(layer, train_set, test_set, epochs, n, rate, torch_generator(1), momentum)
    _expect_trained(history, layer, expected)


@train.property("uses momentum 0.9 unless told otherwise", trials=2)
def _(answer, draw: Draw) -> None:
    layer, train_set, test_set = _linear(draw), _examples(draw, 4), _examples(draw, 3)
    expected = _descended(layer, train_set, test_set, (3, 1), (0.2, MOMENTUM))
    _expect_trained(
        answer(layer, train_set, test_set, 3, 4, 0.2, torch_generator(1)), layer, expected
    )


@train.property("takes one step per minibatch, the short last one included", trials=3)
def _(answer, draw: Draw) -> None:
    # All examples alike: any order gives the same batches, so the whole path is known.
    x, y = _examples(draw, 1)
    layer, train_set, test_set = _linear(draw), (x.repeat(5, 1), y.repeat(5)), _examples(draw, 4)
    expected = _descended(layer, train_set, test_set, (2, 3), (0.1, MOMENTUM))
    _expect_trained(
        answer(layer, train_set, test_set, 2, 2, 0.1, torch_generator(1)), layer, expected
    )


@train.property("learns in training mode and measures in evaluation mode", trials=2)
def _(answer, draw: Draw) -> None:
    layer, train_set, test_set = _linear(draw), _examples(draw, 6), _examples(draw, 4)
    expected = _descended(layer, train_set, test_set, (2, 1), (0.1, MOMENTUM), gain=2.0)
    model = nn.Sequential(layer, DoublesWhileTraining()).eval()
    _expect_trained(
        answer(model, train_set, test_set, 2, 6, 0.1, torch_generator(1)), layer, expected
    )


def _visits(answer, generator: torch.Generator) -> list[list[int]]:
    """Which of 12 training examples each of 2 epochs saw; test examples are numbered from 100."""
    notes = NotesWhatItLearns()
    x, y = _numbered(12)
    test_set = (x[:4] + 100, y[:4] % 3)
    answer(nn.Sequential(notes, nn.Linear(2, 3)), (x, y % 3), test_set, 2, 5, 0.001, generator)
    return [notes.seen[:12], notes.seen[12:]]


@train.property("shows every training example once an epoch, in a new order each time", trials=3)
def _(answer, draw: Draw) -> None:
    epochs = _visits(answer, torch_generator(draw.seed()))
    for number, seen in enumerate(epochs, start=1):
        expect(sorted(seen), f"what epoch {number} learned from, sorted").equals(list(range(12)))
    unmoved = sum(a == b for a, b in zip(epochs[0], range(12), strict=False))
    expect(unmoved, "examples still in their own place in epoch 1").is_below(9)
    repeated = sum(a == b for a, b in zip(*epochs, strict=False))
    expect(repeated, "examples in the same place in both epochs").is_below(9)


@train.property("takes its order from the generator it was given", trials=2)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first, again = (_visits(answer, torch_generator(seed))[0] for _ in range(2))
    other = _visits(answer, torch_generator(seed + 1))[0]
    expect(len(first), "how many examples epoch 1 showed").equals(12)
    expect(again, "epoch 1, the same seed again").equals(first)
    shared = sum(a == b for a, b in zip(first, other, strict=False))
    expect(shared, "places that another seed fills alike").is_below(10)


@train.property("calls after_epoch with each measurement", trials=2)
def _(answer, draw: Draw) -> None:
    layer, train_set, test_set = _linear(draw), _examples(draw, 4), _examples(draw, 3)
    expected = _descended(layer, train_set, test_set, (2, 1), (0.2, MOMENTUM))
    called: list[tuple] = []
    answer(layer, train_set, test_set, 2, 4, 0.2, torch_generator(1),
           after_epoch=lambda *numbers: called.append(numbers))  # fmt: skip
    rows = np.stack([np.arange(3), expected["train_loss"], expected["test_loss"]], axis=1)
    expect(called, "(epoch, train loss, test loss) of every call").close_to(rows, rtol=1e-3)


@train.property("returns lists of plain numbers")
def _(answer, draw: Draw) -> None:
    layer = _linear(draw)
    history = answer(layer, _examples(draw, 4), _examples(draw, 3), 1, 2, 0.1, torch_generator(1))
    for name in ("train_loss", "test_loss", "test_accuracy"):
        expect(history[name], f"history['{name}']").is_a(list)
        plain = sum(isinstance(value, float) for value in history[name])
        expect(plain, f"plain floats in history['{name}']").equals(2)


class _Loop:
    """A training loop with one bad habit: what the mistakes below share."""

    def __init__(self, habit, model, train_set, test_set, momentum, after_epoch):
        self.habit, self.model, self.momentum = habit, model, momentum
        self.train_set, self.test_set, self.after_epoch = train_set, test_set, after_epoch
        self.history = {"train_loss": [], "test_loss": [], "test_accuracy": []}

    def has(self, *habits):
        return self.habit in habits

    def run(self, epochs, batch_size, learning_rate, generator):
        x, y = self.train_set
        if self.has("learns_only_from_test"):
            x, y = self.test_set
        if self.has("learns_from_test"):
            x, y = torch.cat([x, self.test_set[0]]), torch.cat([y, self.test_set[1]])
        if not self.has("no_first_measurement"):
            self.measure(0)
        optimiser = self.optimiser(learning_rate)
        first_order = torch.randperm(len(x), generator=generator)
        for epoch in range(1, 2 if self.has("one_epoch") else epochs + 1):
            if self.has("new_optimiser"):
                optimiser = self.optimiser(learning_rate)
            if not self.has("never_switches_mode"):
                self.model.train(not (self.has("stays_in_evaluation") and epoch > 1))
            order = first_order if epoch == 1 else self.later_order(first_order, generator)
            if self.has("never_shuffles", "global_generator"):
                order = (
                    torch.randperm(len(x)) if self.has("global_generator") else torch.arange(len(x))
                )
            losses = self.one_epoch(x, y, order, batch_size, optimiser)
            if not self.has("measures_at_end") or epoch == epochs:
                self.measure(epoch, losses)
        return self.history

    def optimiser(self, learning_rate):
        rate = 0.01 if self.has("fixed_rate") else learning_rate
        if self.has("adam"):
            return torch.optim.Adam(self.model.parameters(), lr=rate)
        momentum = {"no_momentum": 0.0, "fixed_momentum": 0.9}.get(self.habit, self.momentum)
        return torch.optim.SGD(self.model.parameters(), lr=rate, momentum=momentum)

    def later_order(self, first_order, generator):
        if self.has("shuffles_once"):
            return first_order
        return torch.randperm(len(first_order), generator=generator)

    def one_epoch(self, x, y, order, batch_size, optimiser):
        pieces = order.split(len(x) if self.has("full_batch") else batch_size)
        if self.has("drops_rest"):
            pieces = [piece for piece in pieces if len(piece) == batch_size]
        losses = []
        for piece in pieces:
            loss = F.cross_entropy(self.model(x[piece]), y[piece])
            if not self.has("keeps_gradients"):
                optimiser.zero_grad()
            loss.backward()
            if not self.has("steps_once"):
                optimiser.step()
            losses.append(loss.item())
            if self.has("measures_each_step") and piece is not pieces[-1]:
                self.measure(1)
        if self.has("steps_once"):
            optimiser.step()
        return losses

    def measure(self, epoch, losses=()):
        was_training = self.model.training
        self.model.train(self.has("measures_in_training_mode"))
        mode = {"in_training_mode": self.has("measures_in_training_mode")}
        train_loss, train_accuracy = _evaluation(self.model, [self.train_set], **mode)
        tested = self.train_set if self.has("test_is_train") else self.test_set
        test_loss, accuracy = _evaluation(self.model, [tested], **mode)
        self.model.train(was_training)
        if self.has("running_loss", "last_batch_loss") and losses:
            train_loss = float(np.mean(losses)) if self.has("running_loss") else losses[-1]
        if self.has("losses_swapped"):
            train_loss, test_loss = test_loss, train_loss
        accuracy = train_accuracy if self.has("train_accuracy") else accuracy
        for name, value in zip(self.history, (train_loss, test_loss, accuracy), strict=True):
            self.history[name].append(torch.tensor(value) if self.has("keeps_tensors") else value)
        silent = self.has("never_calls") or (epoch == 0 and self.has("skips_first_call"))
        if self.after_epoch is not None and not silent:
            number = max(epoch - 1, 0) if self.has("counts_zero_twice") else epoch
            second = accuracy if self.has("hands_accuracy") else test_loss
            self.after_epoch(number + self.has("counts_from_one"), train_loss, second)


def _with_habit(habit):
    """A whole training loop with one bad habit, called as the exercise says and named after it."""

    def answer(model, train_set, test_set, epochs, batch_size, learning_rate, generator,
               momentum=MOMENTUM, after_epoch=None):  # fmt: skip
        loop = _Loop(habit, model, train_set, test_set, momentum, after_epoch)
        return loop.run(epochs, batch_size, learning_rate, generator)

    answer.__name__ = habit
    return answer


train.mistake(
    "after_epoch is not called for the measurement before training. It is epoch 0, and has its "
    "call like the others."
)(_with_habit("skips_first_call"))

train.mistake(
    "Two of your calls of after_epoch say epoch 0. The measurement before training is epoch 0, the "
    "one after the first round is epoch 1: count with `range(1, epochs + 1)`."
)(_with_habit("counts_zero_twice"))

train.mistake(
    "The third number you hand to after_epoch is the accuracy. It is called with (epoch, train "
    "loss, test loss)."
)(_with_habit("hands_accuracy"))

train.mistake(
    "Your optimiser is Adam. This page uses `torch.optim.SGD` with momentum; rung 8 is about the "
    "others."
)(_with_habit("adam"))

train.mistake(
    "You trained on the test set. Minibatches come from `train_set`; the test set is only measured."
)(_with_habit("learns_only_from_test"))

train.mistake(
    "You measured after every minibatch: the measurement has slipped into the inner loop. Measure "
    "once an epoch, when its minibatches are done."
)(_with_habit("measures_each_step"))

train.mistake(
    "Your history begins after the first epoch. Measure once before it too: entry 0 shows where "
    "the untrained network stands, near ln 10 for ten classes. The lists have epochs + 1 entries."
)(_with_habit("no_first_measurement"))

train.mistake(
    "Your train loss is the running mean of the minibatch losses. Those were measured while the "
    "weights moved and in training mode, so they cannot be compared with the test loss: "
    "`evaluate` both at the same moment."
)(_with_habit("running_loss"))

train.mistake(
    "Your train loss is that of the last minibatch. It jumps about, and comes from before the "
    "step: `evaluate` the whole training set."
)(_with_habit("last_batch_loss"))

train.mistake(
    "You never cleared the gradients, so every step is taken with the sum of all gradients so "
    "far. `optimiser.zero_grad()` before `backward()`."
)(_with_habit("keeps_gradients"))

train.mistake(
    "You made a new optimiser in every epoch. The momentum it had gathered is lost each time: "
    "make it once, before the loop."
)(_with_habit("new_optimiser"))

train.mistake(
    "Your steps have no momentum. Hand it on: `torch.optim.SGD(model.parameters(), "
    "lr=learning_rate, momentum=momentum)`."
)(_with_habit("no_momentum"))

train.mistake("Your momentum is always 0.9. Use the argument; 0.9 is only what it is by default.")(
    _with_habit("fixed_momentum")
)

train.mistake("Your learning rate is written into the loop. Use the one you were given.")(
    _with_habit("fixed_rate")
)

train.mistake(
    "The model came in evaluation mode and you trained it like that, so a dropout layer would "
    "have done nothing. Call `model.train()` before each epoch."
)(_with_habit("never_switches_mode"))

train.mistake(
    "From the second epoch on the model learns in evaluation mode: measuring left it there. Call "
    "`model.train()` at the start of each epoch, inside the loop."
)(_with_habit("stays_in_evaluation"))

train.mistake(
    "You measured in training mode. Use `evaluate`, which switches to evaluation mode and back."
)(_with_habit("measures_in_training_mode"))

train.mistake(
    "Your test loss is measured on the training set. It will look wonderful, and say nothing."
)(_with_habit("test_is_train"))

train.mistake("Your test accuracy is measured on the training set. Take it from the test set.")(
    _with_habit("train_accuracy")
)

train.mistake(
    "You trained on the test set as well. Nothing is left to tell you how the network does on "
    "pictures it has not seen."
)(_with_habit("learns_from_test"))

train.mistake("train_loss and test_loss have changed places in the history.")(
    _with_habit("losses_swapped")
)

train.mistake(
    "You never shuffled. Hand the generator to `batches` in every epoch: without one it keeps the "
    "data's own order."
)(_with_habit("never_shuffles"))

train.mistake(
    "You shuffled once, before the first epoch. Call `batches` inside the epoch loop, so that "
    "every epoch has an order of its own."
)(_with_habit("shuffles_once"))

train.mistake(
    "You shuffled with torch's global generator. Hand on the one you were given, or the same seed "
    "will not give the same run."
)(_with_habit("global_generator"))

train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")(
    _with_habit("drops_rest")
)

train.mistake("Each of your steps uses all the data. Take one step for each minibatch.")(
    _with_habit("full_batch")
)

train.mistake(
    "You step once an epoch: `optimiser.step()` has slipped out of the inner loop. Indent it one "
    "level further."
)(_with_habit("steps_once"))

train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")(
    _with_habit("one_epoch")
)

train.mistake(
    "You measured before training and at the very end. The curve needs a point after every epoch."
)(_with_habit("measures_at_end"))

train.mistake(
    "after_epoch is never called. When it is given, call it with (epoch, train loss, test loss) "
    "after every measurement, the one before training (epoch 0) included."
)(_with_habit("never_calls"))

train.mistake(
    "Your calls of after_epoch count from 1. The measurement before training is epoch 0."
)(_with_habit("counts_from_one"))

train.mistake(
    "Your history holds tensors. `evaluate` gives plain floats; keep those, so that a curve can "
    "be saved and plotted without torch."
)(_with_habit("keeps_tensors"))

for _line in (
    "train_loss, _ = evaluate(model, batches(*train_set, {}))",
    "test_loss, test_accuracy = evaluate(model, batches(*test_set, {}))",
):
    for _size in (999, 1001):
        train.equivalent(
            f"`{_line.format(1000)}` → `{_line.format(_size)}`",
            because="a measurement does not depend on how it is cut into batches",
        )
train.equivalent(
    "`history: dict[str, list[float]] = {'train_loss': [], 'test_loss': [], 'test_accuracy': []}` "
    "→ `history: dict[list[float], str] = {'train_loss': [], 'test_loss': [], 'test_accuracy': "
    "[]}`",
    because="the annotation of a local variable is never evaluated",
)

train.hint(
    "Four pieces: an optimiser, a function that measures, the epoch loop, the minibatch loop."
)
train.hint("In the inner loop: zero_grad, forward, cross_entropy, backward, step. Nothing else.")
train.hint(
    "Measure before the first epoch and after each: a small inner function keeps it in one place."
)
train.hint("How many entries has the history after 2 epochs? Three.", when="length")
train.hint(
    "Follow the first step: is the gradient cleared, is the momentum the one you were given?",
    when="value",
)
train.hint(
    "`model.train()` at the start of each epoch; `evaluate` minds the rest.",
    when="learns in training mode and measures in evaluation mode",
)
train.hint(
    "`batches(…, generator)` inside the epoch loop.",
    when="shows every training example once an epoch, in a new order each time",
)
train.hint(
    "`if after_epoch is not None: after_epoch(epoch, train_loss, test_loss)`, next to where you "
    "measure.",
    when="calls after_epoch with each measurement",
)
train.hint(
    "Does every argument take part: epochs, batch size, learning rate, momentum, generator?",
    when="ignores argument",
)
train.hint("Keep what `evaluate` returns, as it is.", when="type")
