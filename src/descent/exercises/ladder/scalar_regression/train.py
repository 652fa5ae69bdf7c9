"""How `train` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

train = Exercise(
    "train", minutes=30, difficulty=3, changes=("rng",), returns=tuple[float, float, list[float]]
)


def _descend(
    x: np.ndarray, y: np.ndarray, rate: float, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient descent on a fixed batch as powers of one matrix.

    On a quadratic a step is affine, θ ← (I − ηH)θ + ηc, so k steps from 0 are the last column of
    the k-th power of [[I − ηH, ηc], [0, 1]].

    Returns
    -------
    theta : (2,) array, w and b after ``steps`` steps
    losses : (steps,) array, the loss before each of them
    """
    features = np.stack([x, np.ones_like(x)], axis=1)
    step = np.eye(3)
    step[:2, :2] -= rate * 2 * features.T @ features / len(x)
    step[:2, 2] = rate * 2 * features.T @ y / len(x)
    path = [np.linalg.matrix_power(step, k)[:2, 2] for k in range(steps + 1)]
    losses = [np.linalg.norm(features @ theta - y) ** 2 / len(x) for theta in path[:-1]]
    return path[-1], np.array(losses)


def _visits(answer, n: int, epochs: int, seed: int) -> list[list[int]]:
    """Which example each step saw, epoch by epoch.

    With a learning rate of 0 and batches of one, the line stays at 0 and a step's loss is its
    example's y²; with y = 1 … n its root is the example's name.
    """
    y = np.arange(1.0, n + 1)
    _, _, losses = answer(np.ones(n), y, 0.0, 1, epochs, np.random.default_rng(seed))
    names = np.rint(np.sqrt(np.asarray(losses, dtype=float))).astype(int).tolist()
    return [names[i : i + n] for i in range(0, len(names), n)]


def _batches_seen(answer, seed: int) -> tuple[list[int], list[list[frozenset[int]]]]:
    """Which examples each step saw when 16 are cut in fives: sizes, and batches by epoch.

    The line stays at 0 as above. With y² = 1, 2, 4 … the sum over a batch names its members in
    binary.
    """
    y = 2.0 ** (np.arange(16) / 2)
    _, _, losses = answer(np.ones(16), y, 0.0, 5, 2, np.random.default_rng(seed))
    means = np.asarray(losses, dtype=float).reshape(-1)
    sums = np.rint(means * np.resize([5, 5, 5, 1], len(means))).astype(int)
    seen = [frozenset(i for i in range(16) if total >> i & 1) for total in sums.tolist()]
    return [len(batch) for batch in seen], [seen[i : i + 4] for i in range(0, len(seen), 4)]


@train.property("starts at w = 0 and b = 0, and stays there with a learning rate of 0", trials=3)
def _(answer, draw: Draw) -> None:
    n = draw.size
    x, y = draw.normal(n), draw.normal(n)
    w, b, losses = answer(x, y, 0.0, n, 1, np.random.default_rng(draw.seed()))
    expect(w, "w").close_to(0.0, atol=1e-9)
    expect(b, "b").close_to(0.0, atol=1e-9)
    expect(losses, "the losses").close_to([np.dot(y, y) / n], atol=1e-5)


@train.property("takes the right steps when one batch holds everything", trials=4)
def _(answer, draw: Draw) -> None:
    n = draw.size
    x, y = draw.normal(n), draw.normal(n)
    rate, epochs = draw.uniform(0.02, 0.1), draw.integers(1, 5)
    batch_size = n + draw.integers(0, 3)
    w, b, losses = answer(x, y, rate, batch_size, epochs, np.random.default_rng(draw.seed()))
    theta, expected_losses = _descend(x, y, rate, epochs)
    expect(losses, "the losses").close_to(expected_losses, atol=1e-5)
    expect(w, "w").close_to(theta[0], atol=1e-5)
    expect(b, "b").close_to(theta[1], atol=1e-5)


@train.property("takes one step per minibatch, the short last one included", trials=3)
def _(answer, draw: Draw) -> None:
    # All examples alike: any order gives the same batches, so the whole path is known.
    x, y = np.full(5, draw.uniform(0.5, 1.5)), np.full(5, draw.uniform(1.0, 3.0))
    # Not 3 epochs: their first batches alone would be as many steps as one whole epoch.
    rate, epochs = draw.uniform(0.02, 0.1), draw.choice([2, 4])
    w, b, losses = answer(x, y, rate, 2, epochs, np.random.default_rng(draw.seed()))
    theta, expected_losses = _descend(x[:1], y[:1], rate, 3 * epochs)
    expect(len(losses), "how many losses were recorded").equals(3 * epochs)
    expect(losses, "the losses").close_to(expected_losses, atol=1e-5)
    expect(w, "w").close_to(theta[0], atol=1e-5)
    expect(b, "b").close_to(theta[1], atol=1e-5)


@train.property("takes loss and gradient from the minibatch alone", trials=3)
def _(answer, draw: Draw) -> None:
    # (x, 1) of the two examples are at right angles: a step on one leaves the error of the other
    # alone, so the result does not depend on their order.
    c = draw.choice([0.5, 1.0, 2.0])
    x, y = np.array([c, -1 / c]), np.array([draw.uniform(1, 2), draw.uniform(2.5, 4)])
    rate = draw.uniform(0.05, 0.1)
    w, b, losses = answer(x, y, rate, 1, 1, np.random.default_rng(draw.seed()))
    steps = [_descend(x[i : i + 1], y[i : i + 1], rate, 1)[0] for i in range(2)]
    expect(sorted(losses), "the two losses, sorted").close_to(y**2)
    expect(w, "w").close_to(steps[0][0] + steps[1][0], atol=1e-5)
    expect(b, "b").close_to(steps[0][1] + steps[1][1], atol=1e-5)


@train.property("shows every example once an epoch, in a new order each time", trials=3)
def _(answer, draw: Draw) -> None:
    epochs = _visits(answer, 12, 2, draw.seed())
    expect(len(epochs), "how many epochs of 12 steps").equals(2)
    expect(all(sorted(e) == list(range(1, 13)) for e in epochs), "each example once").is_true(
        otherwise="In one epoch some example was seen twice, or never."
    )
    expect(epochs[0] != list(range(1, 13)), "the first epoch is shuffled").is_true(
        otherwise="The first epoch went through the data in its original order."
    )
    expect(epochs[0] != epochs[-1], "the second epoch has another order").is_true(
        otherwise="The second epoch repeated the order of the first."
    )


@train.property("puts other examples together in the next epoch", trials=2)
def _(answer, draw: Draw) -> None:
    sizes, epochs = _batches_seen(answer, draw.seed())
    expect(sizes == [5, 5, 5, 1] * 2, "16 examples in batches of 5").is_true(
        otherwise="16 examples in batches of 5 should make steps on 5, 5, 5 and 1 of them."
    )
    expect(set(epochs[0]) != set(epochs[-1]), "other batches").is_true(
        otherwise="Both epochs were made of the same batches: which examples travel together "
        "should change too."
    )


@train.property("takes its order from the generator it was given", trials=2)
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    first = _visits(answer, 12, 1, seed)
    expect(first == _visits(answer, 12, 1, seed), "same seed, same order").is_true(
        otherwise="Two generators with the same seed gave different orders."
    )
    expect(first != _visits(answer, 12, 1, seed + 1), "another seed, another order").is_true(
        otherwise="Two generators with different seeds gave the same order."
    )


@train.property("recovers a noisy line", trials=2)
def _(answer, draw: Draw) -> None:
    true_w, true_b = draw.uniform(0.5, 2.0), draw.uniform(-2.0, -0.5)
    x = draw.rng.uniform(-1, 1, 400)
    y = true_w * x + true_b + 0.1 * draw.rng.normal(size=400)
    w, b, losses = answer(x, y, 0.1, 20, 20, np.random.default_rng(draw.seed()))
    best_w, best_b = np.polyfit(x, y, 1)
    # Truth values, not numbers: the last digits depend on how the answer shuffles.
    expect(abs(w - best_w) < 0.05, "w").is_true(
        otherwise=f"w is {w:.3f} where least squares finds {best_w:.3f}"
    )
    expect(abs(b - best_b) < 0.05, "b").is_true(
        otherwise=f"b is {b:.3f} where least squares finds {best_b:.3f}"
    )
    last = float(np.mean(losses[-20:]))
    expect(0.005 < last < 0.02, "the last epoch's loss").is_true(
        otherwise=f"the last epoch's mean loss is {last:.4f}; the noise floor is 0.01"
    )


def _loop(x, y, learning_rate, batch_size, epochs, rng, **habits):
    """A training loop with one bad habit, named by keyword: what the mistakes below share."""
    n, w, b, losses = len(x), 0.0, 0.0, []
    order = np.arange(n)
    rng = np.random.default_rng(0) if habits.get("own_rng") else rng
    for epoch in range(epochs):
        if habits.get("restarts"):
            w, b = 0.0, 0.0
        if habits.get("with_replacement"):
            order = rng.integers(0, n, size=n)
        elif habits.get("global_rng"):
            order = np.random.permutation(n)  # noqa: NPY002 (the mistake itself)
        elif not (habits.get("unshuffled") or (epoch and habits.get("shuffles_once"))):
            order = rng.permutation(n)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = np.arange(n) if habits.get("full_batch") else order[start : start + batch_size]
            error = w * x[batch] + b - y[batch]
            count = batch_size if habits.get("fixed_divisor") else len(batch)
            count = 1 if habits.get("summed") else count
            loss = np.mean((w * x + b - y) ** 2) if habits.get("full_loss") else np.mean(error**2)
            rate = 0.01 if habits.get("fixed_rate") else learning_rate
            rate = -rate if habits.get("climbs") else rate
            w = w - rate * 2 * np.sum(error * x[batch]) / count
            if habits.get("sequential"):
                error = w * x[batch] + b - y[batch]
            b = b - rate * 2 * np.sum(error) / count
            if habits.get("loss_after"):
                loss = np.mean((w * x[batch] + b - y[batch]) ** 2)
            losses.append(float(loss))
    return w, b, losses


@train.mistake(
    "You recorded each loss after its step. Record it before: the loss of the line that the "
    "gradient was computed for. The first entry is then the loss of w = b = 0."
)
def loss_after_step(*specification):
    return _loop(*specification, loss_after=True)


@train.mistake(
    "You never shuffled: every epoch goes through the data in its original order. Ask "
    "`minibatches` for new batches at the start of each epoch."
)
def never_shuffled(*specification):
    return _loop(*specification, unshuffled=True)


@train.mistake(
    "You shuffled once, before the first epoch. Call `minibatches` inside the epoch loop, so that "
    "every epoch has an order of its own."
)
def shuffled_once(*specification):
    return _loop(*specification, shuffles_once=True)


@train.mistake(
    "You made a generator of your own with a fixed seed, so that no caller can have another order. "
    "Hand the `rng` you were given to `minibatches`."
)
def own_generator_for_training(*specification):
    return _loop(*specification, own_rng=True)


@train.mistake(
    "Your order comes from numpy's global generator. Hand the `rng` you were given to "
    "`minibatches`: the same seed then gives the same run."
)
def global_generator_for_training(*specification):
    return _loop(*specification, global_rng=True)


@train.mistake(
    "Your list of losses starts afresh in every epoch. Make it once, before the epoch loop, as "
    "you do with w and b."
)
def losses_of_last_epoch(x, y, learning_rate, batch_size, epochs, rng):
    w, b, losses = _loop(x, y, learning_rate, batch_size, epochs, rng)
    per_epoch = -(-len(x) // batch_size)
    return w, b, losses[-per_epoch:]


@train.mistake(
    "You recorded the root of each loss. The loss of this page is the mean squared error itself."
)
def rooted_losses(*specification):
    w, b, losses = _loop(*specification)
    return w, b, [loss**0.5 for loss in losses]


@train.mistake(
    "Your steps use all the data, not the minibatch: pick out x[batch] and y[batch] before you "
    "compute the gradient and the loss."
)
def full_batch(*specification):
    return _loop(*specification, full_batch=True)


@train.mistake(
    "Your losses come from the minibatch, but your gradient from all the data. Hand x[batch] and "
    "y[batch] to `gradient` too."
)
def full_gradient(x, y, learning_rate, batch_size, epochs, rng):
    w, b, losses = 0.0, 0.0, []
    for _epoch_number in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            losses.append(float(np.mean((w * x[batch] + b - y[batch]) ** 2)))
            error = w * x + b - y
            dw, db = 2 * np.mean(error * x), 2 * np.mean(error)
            w, b = w - learning_rate * dw, b - learning_rate * db
    return w, b, losses


@train.mistake(
    "w and b never move: the step was computed and thrown away. Write `w, b = sgd_step(…)`, since "
    "it returns the new numbers and changes nothing."
)
def step_not_assigned(x, y, learning_rate, batch_size, epochs, rng):
    return _loop(x, y, 0.0, batch_size, epochs, rng)


@train.mistake(
    "The loss you record is that of all the data. Record the loss of the minibatch the step was "
    "computed from: it is nearly free, and it is what the rest of the page plots."
)
def full_loss(*specification):
    return _loop(*specification, full_loss=True)


@train.mistake(
    "w and b go back to 0 at the start of every epoch. Set them once, before the epoch loop, or "
    "all that was learned is lost."
)
def restarted(*specification):
    return _loop(*specification, restarts=True)


@train.mistake(
    "You moved w first and used the new w in db. Compute dw and db at the same point, then move "
    "both."
)
def sequential(*specification):
    return _loop(*specification, sequential=True)


@train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")
def dropped_last_batch(*specification):
    return _loop(*specification, drops_rest=True)


@train.mistake(
    "In the short last batch you divided by batch_size. A mean divides by the number of examples "
    "that are there."
)
def fixed_divisor(*specification):
    return _loop(*specification, fixed_divisor=True)


@train.mistake("You summed the gradient over the batch. It is a mean, like the loss.")
def summed_gradient(*specification):
    return _loop(*specification, summed=True)


@train.mistake("You added the gradient: the loss climbs. Subtract it.")
def climbing(*specification):
    return _loop(*specification, climbs=True)


@train.mistake(
    "Your steps do not depend on the learning rate you were given; 0.01 seems to be written into "
    "the loop."
)
def fixed_rate(*specification):
    return _loop(*specification, fixed_rate=True)


@train.mistake(
    "You drew examples with replacement, so that in one epoch some come twice and others never."
)
def drawn_with_replacement(*specification):
    return _loop(*specification, with_replacement=True)


@train.mistake(
    "You step once an epoch, with the last minibatch only: the step has slipped out of the inner "
    "loop. Indent it one level further."
)
def step_outside_loop(x, y, learning_rate, batch_size, epochs, rng):
    w, b, losses = 0.0, 0.0, []
    for _epoch_number in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            error = w * x[batch] + b - y[batch]
            losses.append(float(np.mean(error**2)))
        w = w - learning_rate * 2 * np.mean(error * x[batch])
        b = b - learning_rate * 2 * np.mean(error)
    return w, b, losses


@train.mistake(
    "You recorded one loss an epoch. Record one for every step: the list has as many entries as "
    "there were minibatches in all."
)
def one_loss_an_epoch(x, y, learning_rate, batch_size, epochs, rng):
    w, b, losses = _loop(x, y, learning_rate, batch_size, epochs, rng)
    per_epoch = -(-len(x) // batch_size)
    return w, b, losses[per_epoch - 1 :: per_epoch]


@train.mistake(
    "You recorded one loss an epoch, the mean of its minibatches' losses. Record one for every "
    "step: the list has as many entries as there were minibatches in all."
)
def mean_loss_of_epoch(x, y, learning_rate, batch_size, epochs, rng):
    w, b, losses = _loop(x, y, learning_rate, batch_size, epochs, rng)
    return w, b, np.reshape(losses, (epochs, -1)).mean(axis=1).tolist()


@train.mistake("You stop after one epoch. The outer loop runs `epochs` times.")
def one_epoch(x, y, learning_rate, batch_size, epochs, rng):
    return _loop(x, y, learning_rate, batch_size, 1, rng)


train.hint("Write the two loops first, empty: over epochs, and inside it over minibatches(…).")
train.hint("Inside: xb, yb = x[batch], y[batch]; loss; gradient; step. The four functions exist.")
train.hint("How many steps does an epoch of 5 examples take with batch_size 2?", when="length")
train.hint(
    "What is the very first loss? At w = b = 0 it is the mean of y² over the batch.", when="shift"
)
train.hint(
    "Follow one step by hand with the example of this page: x = [1, 3], y = [2, 6].", when="value"
)
train.hint(
    "Does every argument take part: the learning rate, the batch size, the epochs, rng?",
    when="ignores argument",
)
train.hint(
    "`losses.append(float(loss))` keeps plain numbers; return the list, not its mean.", when="type"
)


train.equivalent(
    "`losses.append(float(mean_squared_error(predict(w, b, batch_x), batch_y)))` → "
    "`losses.append(float(mean_squared_error(batch_y, predict(w, b, batch_x))))`",
    because="the square of an error does not depend on its sign",
)
