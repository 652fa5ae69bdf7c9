"""How `train` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

from .shared import best_plane, column_scales, floats, moments, plane_heights, with_ones

train = Exercise(
    "train",
    minutes=35,
    difficulty=3,
    changes=("rng",),
    returns=tuple[np.ndarray, float, list[float]],
)


def _back(theta: np.ndarray, mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, float]:
    """The plane θ over standardised features, as w and b over the original ones."""
    d = len(mean)
    points = with_ones((np.vstack([np.eye(d), np.zeros(d)]) - mean) / std)
    heights = points @ theta
    return heights[:-1] - heights[-1], float(heights[-1])


def _descend(
    features: np.ndarray, y: np.ndarray, rate: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient descent on a fixed batch as powers of one matrix.

    On a quadratic a step is affine, θ ← (I − ηH)θ + ηc, so k steps from 0 are the last column of
    the k-th power of [[I − ηH, ηc], [0, 1]]. `features` is (n, d + 1), ones last.

    Returns
    -------
    theta : (d + 1,) array, the parameters after ``steps`` steps
    losses : (steps,) array, the loss before each of them
    """
    size = features.shape[1]
    step = np.eye(size + 1)
    step[:size, :size] -= rate * 2 * features.T @ features / len(y)
    step[:size, size] = rate * 2 * features.T @ y / len(y)
    path = [np.linalg.matrix_power(step, k)[:size, size] for k in range(steps + 1)]
    losses = [np.linalg.norm(features @ theta - y) ** 2 / len(y) for theta in path[:-1]]
    return path[-1], np.array(losses)


def _visits(answer, n: int, epochs: int, seed: int) -> list[list[int]]:
    """Which example each step saw, epoch by epoch.

    With a learning rate of 0 and batches of one, the plane stays at 0 and a step's loss is its
    example's y²; with y = 1 … n its root is the example's name.
    """
    x, y = np.arange(2.0 * n).reshape(n, 2), np.arange(1.0, n + 1)
    _, _, losses = answer(x, y, 0.0, 1, epochs, np.random.default_rng(seed))
    names = np.rint(np.sqrt(floats(losses))).astype(int).tolist()
    return [names[i : i + n] for i in range(0, len(names), n)]


@train.property("takes the right steps when one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.size
    x, y = draw.normal(n, 2) * np.array([1.0, 3.0]) + np.array([2.0, -5.0]), draw.normal(n)
    rate, epochs = draw.uniform(0.02, 0.1), draw.integers(1, 5)
    size = n + draw.integers(0, 3)
    w, b, losses = answer(x, y, rate, size, epochs, np.random.default_rng(draw.seed()))
    mean, std = moments(x)
    theta, expected_losses = _descend(with_ones((x - mean) / std), y, rate, epochs)
    expected_w, expected_b = _back(theta, mean, std)
    expect(losses, "the losses").close_to(expected_losses, atol=1e-4)
    expect(w, "w").close_to(expected_w, atol=1e-4)
    expect(b, "b").close_to(expected_b, atol=1e-4)


@train.property("takes loss and gradient from the minibatch alone", trials=2)
def _(answer, draw: Draw) -> None:
    # Standardised, the four rows (x, 1) are at right angles to one another. A step on one leaves
    # the errors of the others alone, so neither their order nor their pairing changes the result.
    signs = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    mean, std = draw.integers(2, 9, 3) / 2.0, np.array([0.5, 2.0, 1.0])
    y, rate = draw.uniform(1, 4, 4), draw.uniform(0.05, 0.1)
    for size in (1, 2):
        generator = np.random.default_rng(draw.seed())
        w, b, losses = answer(mean + std * signs, y, rate, size, 1, generator)
        theta = rate * 2 / size * with_ones(signs).T @ y
        expected_w, expected_b = _back(theta, mean, std)
        total = float(np.sum(floats(losses))) * size
        expect(len(losses), f"how many losses in batches of {size}").equals(4 // size)
        expect(total, "the sum of the squared errors met").close_to(float(np.dot(y, y)))
        expect(w, "w").close_to(expected_w, atol=1e-4)
        expect(b, "b").close_to(expected_b, atol=1e-4)


@train.property("takes one step per minibatch, the short last one included", trials=2)
def _(answer, draw: Draw) -> None:
    # All examples alike: any order gives the same batches. Every feature is constant, so w stays 0.
    x, target = np.full((5, 2), 1.5), draw.uniform(1.0, 3.0)
    rate, epochs = draw.uniform(0.02, 0.1), draw.integers(2, 4)
    generator = np.random.default_rng(draw.seed())
    w, b, losses = answer(x, np.full(5, target), rate, 2, epochs, generator)
    theta, expected_losses = _descend(np.ones((1, 1)), np.array([target]), rate, 3 * epochs)
    expect(len(losses), "how many losses were recorded").equals(3 * epochs)
    expect(losses, "the losses").close_to(expected_losses, atol=1e-4)
    expect(w, "w").close_to(np.zeros(2), atol=1e-5)
    expect(b, "b").close_to(theta[0], atol=1e-4)


@train.property("stays at 0 with a learning rate of 0", trials=2)
def _(answer, draw: Draw) -> None:
    x, y = draw.normal(5, 2), draw.uniform(1.0, 3.0, 5)
    w, b, losses = answer(x, y, 0.0, 5, 2, np.random.default_rng(draw.seed()))
    expect(w, "w").close_to(np.zeros(2), atol=1e-9)
    expect(b, "b").close_to(0.0, atol=1e-9)
    expect(losses, "the losses").close_to([np.dot(y, y) / 5] * 2)


@train.property("shows every example once an epoch, in a new order each time")
def _(answer, draw: Draw) -> None:
    epochs = _visits(answer, 12, 2, draw.seed())
    expect(len(epochs), "how many epochs of 12 steps").equals(2)
    expect(all(sorted(e) == list(range(1, 13)) for e in epochs), "each example once").is_true(
        otherwise="in one epoch some example was seen twice, or never"
    )
    expect(epochs[0] == list(range(1, 13)), "the first epoch is unshuffled").equals(False)
    expect(epochs[0] == epochs[-1], "the second epoch repeats the first").equals(False)


@train.property("takes its order from the generator it was given")
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first = _visits(answer, 12, 1, seed)
    expect(first == _visits(answer, 12, 1, seed), "same seed, same order").is_true(
        otherwise="two generators with the same seed gave different orders"
    )
    expect(first == _visits(answer, 12, 1, seed + 1), "another seed, same order").equals(False)


@train.property("comes near least squares on features of very different size")
def _(answer, draw: Draw) -> None:
    scale, shift = np.array([1.0, 10.0, 40.0]), np.array([1.0, 15.0, 5000.0])
    x = draw.rng.normal(size=(200, 3)) * scale + shift
    y = x @ np.array([1.5, -0.03, 0.01]) - 47.5 + 0.1 * draw.rng.normal(size=200)
    w, b, losses = answer(x, y, 0.1, 20, 10, np.random.default_rng(draw.seed()))
    best_w, best_b = best_plane(x, y)
    gap = plane_heights(floats(w), floats(b), x) - plane_heights(best_w, best_b, x)
    # Truth values, not numbers: the last digits depend on how the answer shuffles.
    far = float(np.sqrt(np.mean(gap**2)))
    expect(far < 0.1, "the predictions").is_true(
        otherwise=f"the predictions are {far:.3g} away from those of least squares, typically"
    )
    last = float(np.mean(floats(losses)[-10:]))
    expect(0.005 < last < 0.03, "the last epoch's loss").is_true(
        otherwise=f"the last epoch's mean loss is {last:.4g}; the noise floor is 0.01"
    )


def _loop(x, y, learning_rate, batch_size, epochs, rng, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    n, order = len(x), np.arange(len(x))
    mean, std = column_scales(x, ddof=1 if habits.get("ddof") and n > 1 else 0)
    if habits.get("raw"):
        mean, std = np.zeros_like(mean), np.ones_like(std)
    scaled = (x - mean) / std
    w, b, losses = np.zeros(x.shape[1]), 0.0, []
    for epoch in range(epochs):
        if habits.get("restarts"):
            w, b = np.zeros(x.shape[1]), 0.0
        if not (habits.get("unshuffled") or (epoch and habits.get("shuffles_once"))):
            source = np.random.default_rng(0) if habits.get("own_generator") else rng
            order = source.permutation(n)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = np.arange(n) if habits.get("full_batch") else order[start : start + batch_size]
            rows = scaled[batch]
            if habits.get("batch_moments"):
                batch_mean, batch_std = column_scales(x[batch])
                rows = (x[batch] - batch_mean) / batch_std
            before = scaled @ w + b - y
            error = rows @ w + b - y[batch]
            count = batch_size if habits.get("fixed_divisor") else len(batch)
            count = 1 if habits.get("summed") else count
            rate = -learning_rate if habits.get("climbs") else learning_rate
            dw, db = 2 * rows.T @ error / count, 2 * np.sum(error) / count
            if habits.get("full_gradient"):
                dw, db = 2 * scaled.T @ before / n, 2 * np.mean(before)
            w = w - rate * dw
            b = b if habits.get("no_bias") else b - rate * db
            error = rows @ w + b - y[batch] if habits.get("loss_after") else error
            whole = habits.get("loss_of_all")
            loss = np.mean((before if whole else error) ** 2)
            share = count / len(batch) if habits.get("fixed_divisor_of_loss") else 1.0
            losses.append(float(loss / share))
        if habits.get("maps_in_loop"):
            w = w / std
            b = b - w @ mean
    if habits.get("not_mapped") or habits.get("maps_in_loop"):
        return w, b, losses
    w = w / std
    return w, b if habits.get("bias_not_mapped") else b - w @ mean, losses


@train.mistake(
    "Your w and b belong to the standardised features. Map them back with `unstandardise` before "
    "you return them."
)
def not_mapped(*specification):
    return _loop(*specification, not_mapped=True)


@train.mistake(
    "You mapped w back and not b: the means that were subtracted have to come off b as well."
)
def bias_not_mapped(*specification):
    return _loop(*specification, bias_not_mapped=True)


@train.mistake(
    "You trained on x as it is. The specification begins with `standardise`; without it features "
    "of very different size blow the loop up, or starve it."
)
def trained_raw(*specification):
    return _loop(*specification, raw=True)


@train.mistake(
    "You standardised each minibatch by its own mean and spread, so the features mean something "
    "else in every step. Standardise once, with all of x, before the loop."
)
def batch_moments(*specification):
    return _loop(*specification, batch_moments=True)


@train.mistake("Your spread divides by n − 1. Use `standardise`, which divides by n.")
def other_spread(*specification):
    return _loop(*specification, ddof=True)


@train.mistake(
    "You trained on x as it is, and then mapped w and b back as if x had been standardised. Train "
    "on what `standardise` returned first."
)
def raw_but_mapped(x, y, *specification):
    w, b, losses = _loop(x, y, *specification, raw=True)
    mean, std = column_scales(x)
    return w / std, b - (w / std) @ mean, losses


@train.mistake(
    "You mapped w and b back in every epoch, and went on training with them on the standardised "
    "features. Map back once, at the end."
)
def mapped_every_epoch(*specification):
    return _loop(*specification, maps_in_loop=True)


@train.mistake("You standardised the targets too. They stay in bar.")
def scaled_targets(x, y, *specification):
    return _loop(x, (y - np.mean(y)) / (np.std(y) or np.nan), *specification)


@train.mistake(
    "You standardised the targets too, so that weights, bias and losses are in other units. They "
    "stay in bar."
)
def scaled_targets_guarded(x, y, *specification):
    return _loop(x, (y - np.mean(y)) / (np.std(y) or 1.0), *specification)


@train.mistake(
    "In the short last batch you divided by batch_size, loss and gradient alike. A mean divides by "
    "the number of examples that are there."
)
def fixed_divisors(*specification):
    return _loop(*specification, fixed_divisor=True, fixed_divisor_of_loss=True)


@train.mistake(
    "In the short last batch you divided the gradient by batch_size. A mean divides by the number "
    "of examples that are there."
)
def fixed_divisor(*specification):
    return _loop(*specification, fixed_divisor=True)


@train.mistake("b never moves. It takes a step of its own, −η·db, with every step of w.")
def no_bias(*specification):
    return _loop(*specification, no_bias=True)


@train.mistake(
    "You recorded each loss after its step. Record it before: the loss of the plane that the "
    "gradient was computed for."
)
def loss_after_step(*specification):
    return _loop(*specification, loss_after=True)


@train.mistake("You never shuffled. Ask `minibatches` for new batches in every epoch.")
def never_shuffled(*specification):
    return _loop(*specification, unshuffled=True)


@train.mistake("You shuffled once, before the first epoch. Every epoch needs an order of its own.")
def shuffled_once(*specification):
    return _loop(*specification, shuffles_once=True)


@train.mistake("Your steps use all the data, not the minibatch: pick out its rows and targets.")
def full_batch(*specification):
    return _loop(*specification, full_batch=True)


@train.mistake(
    "Your steps are right, but you recorded the loss on all the data. Record that of the minibatch."
)
def loss_of_all(*specification):
    return _loop(*specification, loss_of_all=True)


@train.mistake("You made a generator of your own. Take the order from the `rng` you were given.")
def own_generator(*specification):
    return _loop(*specification, own_generator=True)


@train.mistake(
    "The loss is that of the minibatch, but the gradient is taken over all the data: give "
    "`gradient` the batch's rows and targets too."
)
def full_gradient(*specification):
    return _loop(*specification, full_gradient=True)


@train.mistake(
    "w and b go back to 0 at the start of every epoch. Set them once, before the epoch loop."
)
def restarted(*specification):
    return _loop(*specification, restarts=True)


@train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")
def dropped_last_batch(*specification):
    return _loop(*specification, drops_rest=True)


@train.mistake("You summed the gradient over the batch. It is a mean, like the loss.")
def summed_gradient(*specification):
    return _loop(*specification, summed=True)


@train.mistake("You added the gradient: the loss climbs. Subtract it.")
def climbing(*specification):
    return _loop(*specification, climbs=True)


@train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")
def one_epoch(x, y, learning_rate, batch_size, epochs, rng):
    return _loop(x, y, learning_rate, batch_size, 1, rng)


train.hint("Three parts: `standardise` once; rung 1's two loops, on the result; `unstandardise`.")
train.hint("Inside: rows = scaled[batch]; loss; gradient; step. Every function exists already.")
train.hint("How many steps does an epoch of 5 examples take with batch_size 2?", when="length")
train.hint("The first loss is that of w = 0 and b = 0: the mean of y².", when="shift")
train.hint("w starts as `np.zeros(x.shape[1])`, a vector of shape (d,).", when="shape")
train.hint("In which units are the w and b that you return?", when="value")
train.hint("Does every argument take part?", when="ignores argument")


train.equivalent(
    "`losses.append(mean_squared_error(predict(w, b, batch_x), batch_y))` → "
    "`losses.append(mean_squared_error(batch_y, predict(w, b, batch_x)))`",
    because="the square of an error does not depend on its sign",
)
