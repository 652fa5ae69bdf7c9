"""What ladder/02_autograd is judged by.

No oracle calls ``backward``: slopes come from central differences or closed forms, and the
trajectory of training from a numpy loop with the gradient worked out by hand.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from descent.grading import Draw, Exercise, expect

# -------------------------------------------------------------------------- to_tensors

# x and y are handed over as they are, not as copies, to see whether memory is shared with them.
to_tensors = Exercise("to_tensors", minutes=5, difficulty=1, changes=("x", "y"))


@to_tensors.property("holds the same numbers in the same shape", trials=6)
def _(answer, draw: Draw) -> None:
    x, y = draw.normal(draw.size), draw.normal(draw.size)
    kept_x, kept_y = x.copy(), y.copy()
    inputs, targets = answer(x, y)
    expect(inputs, "the inputs").is_a(torch.Tensor).close_to(kept_x)
    expect(targets, "the targets").is_a(torch.Tensor).close_to(kept_y)
    expect(x, "x after the call").close_to(kept_x)
    expect(y, "y after the call").close_to(kept_y)


@to_tensors.property("has the dtype it was asked for; float64 when none is named", trials=2)
def _(answer, draw: Draw) -> None:
    for x in (draw.normal(3), draw.integers(-5, 5, 3), np.float32(draw.normal(3))):
        inputs, targets = answer(x, x + 1)
        expect(str(inputs.dtype), f"the dtype by default, from {x.dtype}").equals("torch.float64")
        expect(str(targets.dtype), f"the dtype by default, from {x.dtype}").equals("torch.float64")
        inputs, targets = answer(x, x + 1, torch.float32)
        expect(str(inputs.dtype), f"the dtype when float32 is asked, from {x.dtype}").equals(
            "torch.float32"
        )
        expect(str(targets.dtype), f"the dtype when float32 is asked, from {x.dtype}").equals(
            "torch.float32"
        )


@to_tensors.property("is a copy: writing into the tensors leaves the arrays alone", trials=2)
def _(answer, draw: Draw) -> None:
    for dtype, array_type in ((torch.float64, np.float64), (torch.float32, np.float32)):
        x, y = draw.normal(3).astype(array_type), draw.normal(3).astype(array_type)
        kept_x, kept_y = x.copy(), y.copy()
        for tensor in answer(x, y, dtype):
            tensor.detach().fill_(99.0)
        expect(x, "x, after 99 was written into the inputs").close_to(kept_x)
        expect(y, "y, after 99 was written into the targets").close_to(kept_y)


@to_tensors.property("asks for no gradient", trials=1)
def _(answer, draw: Draw) -> None:
    inputs, targets = answer(draw.normal(3), draw.normal(3))
    expect(inputs.requires_grad, "requires_grad of the inputs").equals(False)
    expect(targets.requires_grad, "requires_grad of the targets").equals(False)


@to_tensors.mistake(
    "Your tensors look at the memory of the numpy arrays: `torch.from_numpy` and "
    "`torch.as_tensor` copy only when they must. Write into the tensor and the array changes. "
    "`torch.tensor` always copies."
)
def shared_memory(x, y, dtype=torch.float64):
    return torch.as_tensor(x, dtype=dtype), torch.as_tensor(y, dtype=dtype)


@to_tensors.mistake(
    "Your tensors keep the dtype of the arrays, whatever was asked for. Hand the dtype on: "
    "`torch.tensor(x, dtype=dtype)`."
)
def kept_dtype(x, y, dtype=torch.float64):
    return torch.tensor(x), torch.tensor(y)


@to_tensors.mistake(
    "`torch.from_numpy` keeps the array's dtype and its memory: write into the tensor and the "
    "array changes. `torch.tensor(x, dtype=dtype)` converts and copies."
)
def same_memory_same_dtype(x, y, dtype=torch.float64):
    return torch.from_numpy(x), torch.from_numpy(y)


@to_tensors.mistake(
    "`torch.Tensor(…)` with a capital T is always float32, and where the array is float32 too, "
    "it does not copy. `torch.tensor(x, dtype=dtype)` converts and copies."
)
def capital_t(x, y, dtype=torch.float64):
    return torch.Tensor(x), torch.Tensor(y)


@to_tensors.mistake(
    "Your tensors are always float32: seven digits, whatever came in. Use the dtype that was asked "
    "for."
)
def always_single(x, y, dtype=torch.float64):
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


@to_tensors.mistake("Your tensors are always float64, also when another dtype is asked for.")
def always_double(x, y, dtype=torch.float64):
    return torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)


@to_tensors.mistake(
    "Your tensors require a gradient. Only what is learned does; the data stays as it is, and a "
    "gradient for twenty thousand inputs is work for nothing."
)
def data_requires_gradient(x, y, dtype=torch.float64):
    return (
        torch.tensor(x, dtype=dtype, requires_grad=True),
        torch.tensor(y, dtype=dtype, requires_grad=True),
    )


@to_tensors.mistake(
    "You made a column of shape (n, 1). The shape stays (n,), as in the arrays; a column minus a "
    "row is a whole n × n table."
)
def columns(x, y, dtype=torch.float64):
    return torch.tensor(x, dtype=dtype).reshape(-1, 1), torch.tensor(y, dtype=dtype).reshape(-1, 1)


@to_tensors.mistake("You returned numpy arrays. `torch.tensor(…)` makes a tensor of one.")
def still_arrays(x, y, dtype=torch.float64):
    kind = np.float32 if dtype is torch.float32 else np.float64
    return np.array(x, dtype=kind), np.array(y, dtype=kind)


@to_tensors.mistake("You returned the targets first. The order is inputs, then targets.")
def targets_first(x, y, dtype=torch.float64):
    return torch.tensor(y, dtype=dtype), torch.tensor(x, dtype=dtype)


@to_tensors.mistake("You converted x twice: the second tensor holds y.")
def inputs_twice(x, y, dtype=torch.float64):
    return torch.tensor(x, dtype=dtype), torch.tensor(x, dtype=dtype)


to_tensors.hint("One call makes a tensor of an array, and takes the dtype as a keyword.")
to_tensors.hint("`torch.tensor(x, dtype=dtype)` copies x. Do it for both, and return a pair.")
to_tensors.hint("Is the array a different one after you write into the tensor?", when="shift")
to_tensors.hint("The shape stays (n,): nothing has to be reshaped.", when="shape")
to_tensors.hint("What does your code do with the argument `dtype`?", when="value")

# -------------------------------------------------------------------------- derivative

derivative = Exercise("derivative", minutes=10, difficulty=2)


def _expect_plain(value, name: str) -> None:
    """`value` is a number, and not a tensor that holds one."""
    expect(not isinstance(value, torch.Tensor), f"{name} is a plain number").is_true(
        otherwise=f"{name} is a tensor. The page asks for a Python number."
    )


class Curve:
    """A function of one tensor that prints as its formula and notes what it was called with."""

    def __init__(self, text: str, function) -> None:
        self.text, self.function = text, function
        self.called_with: list[str] = []

    def __call__(self, t):
        self.called_with.append(str(getattr(t, "dtype", type(t).__name__)))
        return self.function(t)

    def __repr__(self) -> str:
        return f"the function {self.text}"


def _cubic(draw: Draw) -> tuple[Curve, np.ndarray]:
    """A cubic, and its coefficients from the highest power down."""
    a, b, c = draw.normal(), draw.normal(), draw.normal()
    curve = Curve(f"t → {a}·t³ + {b}·t² + {c}·t", lambda t: a * t**3 + b * t * t + c * t)
    return curve, np.array([a, b, c, 0.0])


@derivative.property("gives the slope of a cubic", trials=6)
def _(answer, draw: Draw) -> None:
    curve, coefficients = _cubic(draw)
    x = draw.normal()
    expected = np.polyval(np.polyder(coefficients), x)
    expect(answer(curve, x), f"the slope at {x}").close_to(expected, atol=1e-4)


@derivative.property("gives the slope where a curve wriggles too fast for nudging", trials=3)
def _(answer, draw: Draw) -> None:
    k, x = draw.choice([20_000, 30_000, 50_000]), draw.choice([0.5, 1.0, 2.0])
    curve = Curve(f"t → sin({k}·t) + exp(t)", lambda t: torch.sin(k * t) + torch.exp(t))
    expect(answer(curve, x), f"the slope at {x}").close_to(k * math.cos(k * x) + math.exp(x))


@derivative.property("follows the loops and branches that f took", trials=4)
def _(answer, draw: Draw) -> None:
    x = draw.choice([0.7, 1.5, 3.0, -2.0])

    def function(t):
        if t < 0:
            return -3 * t
        while t < 10:
            t = 2 * t
        return t

    curve = Curve("t → −3·t if t < 0, else t doubled until it is 10 or more", function)
    slope = -3.0 if x < 0 else 2.0 ** math.ceil(math.log2(10 / x))
    expect(answer(curve, x), f"the slope at {x}").close_to(slope)


@derivative.property("calls f once, with a float64 tensor, and returns a number", trials=2)
def _(answer, draw: Draw) -> None:
    curve, coefficients = _cubic(draw)
    x = draw.normal()
    slope = answer(curve, x)
    expect(slope, f"the slope at {x}").close_to(np.polyval(np.polyder(coefficients), x), atol=1e-4)
    expect(len(curve.called_with), "how often f was called").equals(1)
    expect(set(curve.called_with) == {"torch.float64"}, "f gets float64").is_true(
        otherwise=f"f was called with {', '.join(sorted(set(curve.called_with)))}; "
        "the page asks for a float64 tensor"
    )
    _expect_plain(slope, "the slope")


@derivative.mistake("You returned the height f(x). The slope is in `t.grad`, after `backward()`.")
def height(f, x):
    return f(torch.tensor(x, dtype=torch.float64)).item()


@derivative.mistake(
    "You nudged. That calls f twice and is off by the nudge; `backward()` gives the slope at the "
    "point itself, from one call."
)
def nudged(f, x):
    h = 1e-4
    above, below = (f(torch.tensor(x + s * h, dtype=torch.float64)) for s in (1, -1))
    return ((above - below) / (2 * h)).item()


@derivative.mistake(
    "`backward()` found no graph. The tensor you give to f needs `requires_grad=True`, and what "
    "f returns must reach `backward()` as it is, without `detach()` or a new `torch.tensor`."
)
def not_recorded(f, x):
    t = torch.tensor(x, dtype=torch.float64)
    f(t).backward()
    return t.grad.item()


@derivative.mistake(
    "You called f with the plain number. Torch takes notes on tensors only: make one of x first, "
    "with `requires_grad=True`."
)
def plain_number_in(f, x):
    return f(x).backward()


@derivative.mistake(
    "`.grad` is None. Either `backward()` was never called, and recording alone computes no "
    "slopes; or you read the `.grad` of what f returned. The slope is in that of the tensor that "
    "went in."
)
def without_backward(f, x):
    t = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    f(t)
    return t.grad.item()


def _slope(f, x: float, dtype=torch.float64) -> torch.Tensor:
    """The right slope as a tensor: what the mistakes below spoil."""
    t = torch.tensor(x, dtype=dtype, requires_grad=True)
    return torch.autograd.grad(f(t), t)[0]


@derivative.mistake(
    "Your tensor is float32, which is what torch makes of a Python number when no dtype is given. "
    "Seven digits are not enough where curves are steep: ask for float64."
)
def single_precision(f, x):
    return _slope(f, x, torch.float32).item()


@derivative.mistake(
    "You returned a tensor. The page asks for a Python number: `.item()` takes it out."
)
def still_a_tensor(f, x):
    return _slope(f, x)


@derivative.mistake(
    "Your slope is twice too large: `backward()` ran twice, and the second adds to `.grad`."
)
def backward_twice(f, x):
    return 2 * _slope(f, x).item()


@derivative.mistake("You multiplied the slope by x. `t.grad` is the slope already.")
def times_x(f, x):
    return x * _slope(f, x).item()


@derivative.mistake("The sign is flipped: return the slope itself. Descending comes later.")
def downhill(f, x):
    return -_slope(f, x).item()


derivative.hint("Three steps: make a tensor that is watched, compute f of it, go backwards.")
derivative.hint("`torch.tensor(x, dtype=…, requires_grad=True)`, then `f(t).backward()`.")
derivative.hint("After `backward()` the slope is in `t.grad`; `.item()` makes it a number.")
derivative.hint("Did you ask torch to record what happens to your tensor?", when="error")
derivative.hint("How often does `backward()` run on one tensor?", when="factor")
derivative.hint("Is it the slope that you return, or the height?", when="value")

# --------------------------------------------------------------------------- line_loss

# w and b are handed over as they are: the slopes arrive in their `.grad`.
line_loss = Exercise("line_loss", minutes=5, difficulty=1, changes=("w", "b"))


def _tensor(numbers, requires_grad: bool = False) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=requires_grad)


def _loss_by_hand(w: float, b: float, x: np.ndarray, y: np.ndarray) -> float:
    residual = np.polyval([w, b], x) - y
    return float(np.dot(residual, residual) / len(residual))


def _slopes_by_nudging(w: float, b: float, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slopes by central differences: exact on a quadratic for any step, so take a long one."""
    dw = _loss_by_hand(w + 0.5, b, x, y) - _loss_by_hand(w - 0.5, b, x, y)
    db = _loss_by_hand(w, b + 0.5, x, y) - _loss_by_hand(w, b - 0.5, x, y)
    return dw, db


@line_loss.property("is the mean of the squared errors of the line", trials=6)
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(), draw.normal(), draw.normal(draw.size), draw.normal(draw.size)
    loss = answer(_tensor(w, True), _tensor(b, True), _tensor(x), _tensor(y))
    expect(loss, "the loss").close_to(_loss_by_hand(w, b, x, y))


@line_loss.property("works for a batch of one")
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(), draw.normal(), draw.normal(1), draw.normal(1)
    loss = answer(_tensor(w, True), _tensor(b, True), _tensor(x), _tensor(y))
    expect(loss, "the loss").close_to(_loss_by_hand(w, b, x, y))


@line_loss.property("is one tensor, with its graph", trials=2)
def _(answer, draw: Draw) -> None:
    w, b = _tensor(draw.normal(), True), _tensor(draw.normal(), True)
    loss = answer(w, b, _tensor(draw.normal(3)), _tensor(draw.normal(3)))
    expect(loss, "the loss").is_a(torch.Tensor).has_shape()
    expect(isinstance(loss, torch.Tensor), "the loss is a tensor").equals(True)
    expect(getattr(loss, "requires_grad", False), "the loss has a graph").is_true(
        otherwise="The loss has no graph behind it, so backward() has nothing to go through."
    )
    expect(w.grad is None and b.grad is None, "nothing is in .grad yet").is_true(
        otherwise="`.grad` is filled after the call: computing the loss is not yet going backwards."
    )


@line_loss.property("gives the right slopes when backward is called on it", trials=4)
def _(answer, draw: Draw) -> None:
    w, b, x, y = draw.normal(), draw.normal(), draw.normal(draw.size), draw.normal(draw.size)
    leaves = _tensor(w, True), _tensor(b, True)
    _go_backward(answer(*leaves, _tensor(x), _tensor(y)))
    slopes = [math.nan if leaf.grad is None else leaf.grad.item() for leaf in leaves]
    for name, slope, expected in zip(("w", "b"), slopes, _slopes_by_nudging(w, b, x, y)):  # noqa: B905
        expect(slope, f"{name}.grad after backward()").close_to(expected, atol=1e-5)
    expect([leaf.item() for leaf in leaves], "w and b afterwards").close_to([w, b])


def _go_backward(loss) -> None:
    """Call backward where there is something to go through; a property above says if not."""
    if isinstance(loss, torch.Tensor) and loss.requires_grad and loss.ndim == 0:
        try:
            loss.backward()
        except RuntimeError:  # the graph was used up inside the answer
            return


@line_loss.mistake("You summed the squared errors. A mean divides by n, and so do its slopes.")
def summed(w, b, x, y):
    return torch.sum((w * x + b - y) ** 2)


@line_loss.mistake(
    "You returned a plain number: `.item()` leaves the graph behind, and there is nothing left to "
    "differentiate. Return the tensor; take the number out when you print."
)
def plain_number(w, b, x, y):
    return torch.mean((w * x + b - y) ** 2).item()


@line_loss.mistake(
    "You detached the loss. The value is right, but the graph is cut off, so that `backward()` "
    "stops with an error: `detach()` is for after it."
)
def detached(w, b, x, y):
    return torch.mean((w * x + b - y) ** 2).detach()


@line_loss.mistake(
    "You left torch: numpy cannot take notes, so torch refuses to hand it a tensor that requires a "
    "gradient. Stay with `torch.mean` and tensor arithmetic."
)
def with_numpy(w, b, x, y):
    return np.mean((w * x + b - y).numpy() ** 2)


@line_loss.mistake(
    "You put the value into a new tensor. It starts a graph of its own, in which w and b do not "
    "occur: their `.grad` stays empty. Return what the arithmetic gave you."
)
def wrapped_again(w, b, x, y):
    value = torch.mean((w * x + b - y) ** 2).item()
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


@line_loss.mistake(
    "You called `backward()` inside. Return the loss; whoever calls decides what to do with it, "
    "and a second `backward()` through the same graph is an error."
)
def went_backward(w, b, x, y):
    loss = torch.mean((w * x + b - y) ** 2)
    loss.backward()
    return loss


@line_loss.mistake(
    "Only b is still connected: w entered as a plain number (`w.item()` or `w.detach()`), and no "
    "slope can reach it. Compute with the tensor."
)
def cut_off_w(w, b, x, y):
    return torch.mean((w.detach() * x + b - y) ** 2)


@line_loss.mistake(
    "Only w is still connected: b entered as a plain number (`b.item()` or `b.detach()`), and no "
    "slope can reach it. Compute with the tensor."
)
def cut_off_b(w, b, x, y):
    return torch.mean((w * x + b.detach() - y) ** 2)


@line_loss.mistake(
    "You returned one squared error per example. The loss is one number, their mean."
)
def not_averaged(w, b, x, y):
    return (w * x + b - y) ** 2


@line_loss.mistake("You averaged without squaring: errors of +3 and −3 cancel.")
def without_square(w, b, x, y):
    return torch.mean(w * x + b - y)


@line_loss.mistake("You squared after averaging. Square each error first, then average.")
def squared_mean(w, b, x, y):
    return torch.mean(w * x + b - y) ** 2


@line_loss.mistake("You took absolute values. This loss is the mean of squares, as in rung 1.")
def absolute(w, b, x, y):
    return torch.mean(torch.abs(w * x + b - y))


@line_loss.mistake("You took the square root of the loss. It is the mean of the squares itself.")
def root(w, b, x, y):
    return torch.sqrt(torch.mean((w * x + b - y) ** 2))


@line_loss.mistake("You halved the loss. Rung 1 does not, and the two are to agree.")
def halved(w, b, x, y):
    return torch.mean((w * x + b - y) ** 2) / 2


@line_loss.mistake("You left out b. The line is w·x + b.")
def without_intercept(w, b, x, y):
    return torch.mean((w * x - y) ** 2) + 0.0 * b


@line_loss.mistake("w and b have changed places: w multiplies x.")
def swapped_parameters(w, b, x, y):
    return torch.mean((b * x + w - y) ** 2)


line_loss.hint("Write rung 1's prediction and loss with tensors: the arithmetic looks the same.")
line_loss.hint("`torch.mean` where numpy had `np.mean`. Return what it gives you.")
line_loss.hint("What kind of thing do you return: a tensor, or a Python number?", when="type")
line_loss.hint("Which number did you divide by: n, 2, nothing?", when="factor")
line_loss.hint("A loss is one number for the whole batch.", when="shape")
line_loss.hint("Does every operation from w and b to the loss happen on tensors?", when="nan")

# --------------------------------------------------------------------------- gradients

gradients = Exercise("gradients", minutes=10, difficulty=2)


def _leaf(draw: Draw, used: bool = False) -> torch.Tensor:
    """A number that requires a gradient, with slopes of some earlier loss in `.grad` if used."""
    leaf = _tensor(draw.normal(), requires_grad=True)
    if used:
        leaf.grad = _tensor(draw.uniform(1.0, 9.0))
    return leaf


def _judge_gradients(answer, w: torch.Tensor, b: torch.Tensor, x, y) -> None:
    dw, db = answer(w, b, _tensor(x), _tensor(y))
    expected_dw, expected_db = _slopes_by_nudging(w.item(), b.item(), x, y)
    expect(dw, "dw").close_to(expected_dw, atol=1e-5)
    expect(db, "db").close_to(expected_db, atol=1e-5)


@gradients.property("matches the slopes of the loss", trials=6)
def _(answer, draw: Draw) -> None:
    x, y = draw.normal(draw.size), draw.normal(draw.size)
    _judge_gradients(answer, _leaf(draw), _leaf(draw), x, y)


@gradients.property("does not count what was in .grad before", trials=4)
def _(answer, draw: Draw) -> None:
    x, y = draw.normal(draw.size), draw.normal(draw.size)
    _judge_gradients(answer, _leaf(draw, used=True), _leaf(draw, used=True), x, y)


@gradients.property("is zero when the line goes through every point", trials=3)
def _(answer, draw: Draw) -> None:
    w, b, x = _leaf(draw), _leaf(draw), draw.normal(4)
    _judge_gradients(answer, w, b, x, np.polyval([w.item(), b.item()], x))


@gradients.property("returns two plain numbers", trials=1)
def _(answer, draw: Draw) -> None:
    slopes = answer(_leaf(draw), _leaf(draw), _tensor(draw.normal(3)), _tensor(draw.normal(3)))
    expect(len(slopes), "how many slopes").equals(2)
    for slope, name in zip(slopes, ("dw", "db"), strict=False):
        _expect_plain(slope, name)


def _backward(w, b, x, y, clear: bool = True, total: bool = False):
    """Leave the slopes of the loss in ``w.grad`` and ``b.grad``: what the mistakes begin with."""
    if clear:
        w.grad = b.grad = None
    squares = (w * x + b - y) ** 2
    (squares.sum() if total else squares.mean()).backward()
    return w.grad.item(), b.grad.item()


@gradients.mistake(
    "You did not clear `.grad` first. `backward()` adds to what is there, so you returned the sum "
    "of these slopes and all earlier ones."
)
def accumulated(w, b, x, y):
    return _backward(w, b, x, y, clear=False)


@gradients.mistake(
    "You cleared `.grad` after `backward()` and before you read it: the slopes are gone. Clear "
    "first, then go backwards, then read."
)
def cleared_too_late(w, b, x, y):
    _backward(w, b, x, y)
    w.grad.zero_()
    b.grad.zero_()
    return w.grad.item(), b.grad.item()


@gradients.mistake(
    "`.grad` is None where you read it. Either you set it to None after `backward()` and before "
    "reading it, or `backward()` was not called: clear first, then go backwards, then read."
)
def emptied_too_late(w, b, x, y):
    _backward(w, b, x, y)
    w.grad = b.grad = None
    return w.grad.item(), b.grad.item()


@gradients.mistake("You cleared `w.grad` and forgot `b.grad`. Every parameter has its own.")
def cleared_only_w(w, b, x, y):
    w.grad = None
    return _backward(w, b, x, y, clear=False)


@gradients.mistake(
    "`.grad` is None until the first `backward()`, and None has no `zero_()`. Set `w.grad = None`, "
    "which is right in both cases."
)
def zeroed_none(w, b, x, y):
    w.grad.zero_()
    b.grad.zero_()
    return _backward(w, b, x, y)


@gradients.mistake(
    "You did not call `backward()`: what you read from `.grad` is None, or left over from an "
    "earlier loss."
)
def without_backward_call(w, b, x, y):
    torch.mean((w * x + b - y) ** 2)
    return w.grad.item(), b.grad.item()


@gradients.mistake(
    "`backward()` found no graph. You took the loss out of it first, with `detach()`, `item()` and "
    "a new tensor, or under `torch.no_grad()`: call `backward()` on what line_loss gives you."
)
def detached_first(w, b, x, y):
    torch.mean((w * x + b - y) ** 2).detach().backward()


@gradients.mistake("Your loss is a sum over the batch. It is a mean, and its slopes are too.")
def summed_loss(w, b, x, y):
    return _backward(w, b, x, y, total=True)


@gradients.mistake(
    "`backward()` ran twice on the same batch, and the second run added the slopes once more."
)
def ran_twice(w, b, x, y):
    _backward(w, b, x, y)
    return _backward(w, b, x, y, clear=False)


@gradients.mistake("You returned w.grad twice. Each parameter has its own slope.")
def same_slope(w, b, x, y):
    dw, _ = _backward(w, b, x, y)
    return dw, dw


@gradients.mistake("dw and db have changed places: return (dw, db).")
def swapped_slopes(w, b, x, y):
    return _backward(w, b, x, y)[::-1]


@gradients.mistake(
    "The signs are flipped. `backward()` gives the slopes themselves; the minus belongs to the "
    "step."
)
def negated(w, b, x, y):
    dw, db = _backward(w, b, x, y)
    return -dw, -db


@gradients.mistake(
    "You returned tensors. `w.grad` is filled anew by the next `backward()`: what you keep of it "
    "should be a number, `w.grad.item()`."
)
def returned_tensors(w, b, x, y):
    _backward(w, b, x, y)
    return w.grad, b.grad


gradients.hint("The slopes come out of `.grad`. What has to happen before, and in which order?")
gradients.hint("Clear both `.grad`, call `backward()` on line_loss(…), read both with `.item()`.")
gradients.hint("Is something from an earlier `backward()` still in `.grad`?", when="offset")
gradients.hint("Is the loss a mean? Does `backward()` run once?", when="factor")
gradients.hint("A fresh tensor's `.grad` is None. Which line does not expect that?", when="error")
gradients.hint("Read `.grad` after `backward()`, and clear it before.", when="value")

# ---------------------------------------------------------------------- zero_gradients

zero_gradients = Exercise("zero_gradients", minutes=5, difficulty=1, changes=("parameters",))


def _parameters(draw: Draw, bare: bool = False) -> list[torch.Tensor]:
    """Three parameters of different shapes with slopes in ``.grad``; the second bare if asked."""
    parameters = []
    for place, shape in enumerate(((), (3,), (2, 2))):
        parameter = _tensor(draw.normal(*shape), requires_grad=True)
        if not (bare and place == 1):
            parameter.grad = _tensor(draw.uniform(0.5, 2.0, *shape)) * draw.choice([-1, 1])
        parameters.append(parameter)
    return parameters


def _values(parameters: list[torch.Tensor]) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in parameters])


def _slopes_of(parameters: list[torch.Tensor]) -> np.ndarray:
    """All entries of all ``.grad``; a missing one counts as zeros, which is how it is used."""
    slopes = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    return _values(slopes)


def _expect_same_tensors(listed, parameters: list[torch.Tensor]) -> None:
    """The list still holds these very tensors, and backward() would still fill them."""
    same = len(listed) == len(parameters) and all(map(lambda a, b: a is b, listed, parameters))
    expect(same, "the list holds the same tensors").is_true(
        otherwise="The list no longer holds the tensors it held: they must stay the same objects."
    )
    watched = all(p.requires_grad and p.is_leaf for p in parameters)
    expect(watched, "the parameters still require a gradient").is_true(
        otherwise="A parameter no longer requires a gradient (or is no leaf any more)."
    )


@zero_gradients.property("leaves no slope behind", trials=4)
def _(answer, draw: Draw) -> None:
    parameters = _parameters(draw)
    answer(list(parameters))
    expect(_slopes_of(parameters), "the entries of all .grad").close_to(np.zeros(8))


@zero_gradients.property("leaves the parameters themselves alone", trials=3)
def _(answer, draw: Draw) -> None:
    parameters = _parameters(draw)
    listed, before = list(parameters), _values(parameters)
    answer(listed)
    expect(_values(parameters), "the parameters' entries").close_to(before)
    _expect_same_tensors(listed, parameters)


@zero_gradients.property("copes with a parameter that has no .grad yet, and with no parameters")
def _(answer, draw: Draw) -> None:
    parameters = _parameters(draw, bare=True)
    answer(list(parameters))
    expect(_slopes_of(parameters), "the entries of all .grad").close_to(np.zeros(8))
    answer([])


@zero_gradients.property("lets the next backward() start from zero", trials=2)
def _(answer, draw: Draw) -> None:
    parameters = _parameters(draw)
    answer(list(parameters))
    for parameter in parameters:
        if parameter.requires_grad:
            parameter.square().sum().backward()
    expect(_slopes_of(parameters), "the next slopes of Σ p²").close_to(2 * _values(parameters))


@zero_gradients.mistake(
    "Nothing has changed. `grad = torch.zeros(…)` gives a local name a new value; write to the "
    "attribute, `parameter.grad = None`, or into the tensor, `parameter.grad.zero_()`."
)
def only_a_local_name(parameters):
    for parameter in parameters:
        grad = parameter.grad
        grad = None  # noqa: F841 (the mistake itself)


@zero_gradients.mistake(
    "You set the parameters to zero: all that was learned is lost. It is their `.grad` that is to "
    "be emptied."
)
def zeroed_values(parameters):
    with torch.no_grad():
        for parameter in parameters:
            parameter.zero_()


@zero_gradients.mistake(
    "You set the parameters to zero together with their `.grad`. The parameters stay."
)
def zeroed_both(parameters):
    zeroed_values(parameters)
    for parameter in parameters:
        parameter.grad = None


@zero_gradients.mistake("Only the first parameter was cleared. Does the loop return too early?")
def only_the_first(parameters):
    for parameter in parameters[:1]:
        parameter.grad = None


@zero_gradients.mistake(
    "`.grad` is None until the first `backward()`, and None has no `zero_()`. Ask first, or assign "
    "None."
)
def stumbles_over_none(parameters):
    for parameter in parameters:
        parameter.grad.zero_()


@zero_gradients.mistake(
    "`.grad` cannot be the number 0: it is a tensor of the parameter's shape, or None."
)
def assigned_a_number(parameters):
    for parameter in parameters:
        parameter.grad = 0


@zero_gradients.mistake(
    "A `.grad` has the shape and the dtype of its parameter, and `torch.zeros(…)` is float32 "
    "unless told otherwise. `torch.zeros_like(parameter)` has both; None is simpler."
)
def other_dtype(parameters):
    for parameter in parameters:
        parameter.grad = torch.zeros(parameter.shape)


@zero_gradients.mistake(
    "A tensor has no `zero_grad()`; optimisers and modules do, from rung 6 on. Here it is the "
    "attribute `.grad` of each tensor."
)
def called_zero_grad(parameters):
    for parameter in parameters:
        parameter.zero_grad()


@zero_gradients.mistake(
    "You put new tensors into the list. The caller's parameters are still the old ones, slopes and "
    "all."
)
def new_tensors(parameters):
    for place, parameter in enumerate(parameters):
        parameters[place] = parameter.detach().clone().requires_grad_()


@zero_gradients.mistake(
    "The slopes are gone, but the parameters no longer require a gradient, so there will never be "
    "new ones."
)
def stopped_watching(parameters):
    for parameter in parameters:
        parameter.grad = None
        parameter.requires_grad_(False)


zero_gradients.hint("One loop over the parameters, one assignment to an attribute of each.")
zero_gradients.hint("`parameter.grad = None` empties it; `.grad.zero_()` needs a `.grad` to exist.")
zero_gradients.hint("Which of your parameters has `.grad` None?", when="error")
zero_gradients.hint("Print every `.grad` after your function. Did each one change?", when="value")

# --------------------------------------------------------------------------- sgd_step_

sgd_step_ = Exercise("sgd_step_", minutes=15, difficulty=2, changes=("parameters",))


def _where_it_arrives(parameters: list[torch.Tensor], rate: float) -> np.ndarray:
    before = np.stack([_values(parameters), _slopes_of(parameters)])
    return np.array([1.0, -rate]) @ before


@sgd_step_.property("moves every parameter against its slope", trials=5)
def _(answer, draw: Draw) -> None:
    parameters, rate = _parameters(draw), draw.uniform(0.05, 0.5)
    expected = _where_it_arrives(parameters, rate)
    answer(list(parameters), rate)
    expect(_values(parameters), "the parameters' entries after the step").close_to(expected)


@sgd_step_.property("changes the tensors it was given, which stay leaves", trials=2)
def _(answer, draw: Draw) -> None:
    parameters = _parameters(draw)
    listed = list(parameters)
    answer(listed, 0.1)
    _expect_same_tensors(listed, parameters)


@sgd_step_.property("leaves no slope behind", trials=2)
def _(answer, draw: Draw) -> None:
    parameters = _parameters(draw)
    answer(list(parameters), 0.1)
    expect(_slopes_of(parameters), "the entries of all .grad").close_to(np.zeros(8))


@sgd_step_.property("lets a parameter without .grad stay where it is", trials=2)
def _(answer, draw: Draw) -> None:
    parameters, rate = _parameters(draw, bare=True), draw.uniform(0.05, 0.5)
    expected = _where_it_arrives(parameters, rate)
    answer(list(parameters), rate)
    expect(_values(parameters), "the parameters' entries after the step").close_to(expected)


@sgd_step_.property("with a learning rate of 0, moves nothing and clears all the same", trials=2)
def _(answer, draw: Draw) -> None:
    parameters = _parameters(draw)
    before = _values(parameters)
    answer(list(parameters), 0.0)
    expect(_values(parameters), "the parameters' entries after the step").close_to(before)
    expect(_slopes_of(parameters), "the entries of all .grad").close_to(np.zeros(8))


@sgd_step_.property("leaves recording switched on afterwards", trials=1)
def _(answer, draw: Draw) -> None:
    torch.set_grad_enabled(True)
    answer(_parameters(draw), 0.1)
    expect(torch.is_grad_enabled(), "recording is on").is_true(
        otherwise="After the call torch records nothing any more, in the whole program."
    )


def _step(parameters, learning_rate, **habits) -> None:
    """One step with one bad habit, named by keyword: what the mistakes below share."""
    with torch.no_grad():
        for parameter in parameters:
            if habits.get("clears_first"):
                parameter.grad = None
            if parameter.grad is not None or habits.get("expects_grad"):
                rate = 1.0 if habits.get("without_rate") else learning_rate
                rate = -rate if habits.get("climbs") else rate
                parameter -= rate * parameter.grad
            if not habits.get("keeps_slopes"):
                parameter.grad = None
            if habits.get("only_first"):
                return


@sgd_step_.mistake(
    "torch refuses: a leaf that requires a gradient may not be changed in place while operations "
    "are recorded. The update is no part of the loss; put it under `with torch.no_grad():`."
)
def recorded_update(parameters, learning_rate):
    for parameter in parameters:
        parameter -= learning_rate * parameter.grad
        parameter.grad = None


@sgd_step_.mistake(
    "The caller's parameters have not moved. `parameter = parameter - …` makes a new tensor and "
    "gives it the local name; `parameter -= …` writes into the one you were given."
)
def rebound_name(parameters, learning_rate):
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter = parameter - learning_rate * parameter.grad
            parameter.grad = None


@sgd_step_.mistake(
    "The parameters have not moved; only their `.grad` is cleared. `parameter = parameter - …` "
    "makes a new tensor under a local name: use `parameter -= …`. Or did you clear before you "
    "used the slopes? First the step, then the clearing."
)
def only_cleared(parameters, learning_rate):
    _step(parameters, learning_rate, clears_first=True)


@sgd_step_.mistake(
    "You put new tensors into the list. The caller still holds the old ones, which have not moved "
    "and which the next `backward()` will fill. Change the tensors in place."
)
def replaced_in_list(parameters, learning_rate):
    for place, parameter in enumerate(parameters):
        if parameter.grad is not None:
            parameters[place] = parameter - learning_rate * parameter.grad


@sgd_step_.mistake(
    "You did not clear the slopes: the next `backward()` adds to them, and every step will carry "
    "all earlier ones along."
)
def not_cleared(parameters, learning_rate):
    _step(parameters, learning_rate, keeps_slopes=True)


@sgd_step_.mistake(
    "You set the parameters to zero after the step, and not their slopes: it is `.grad` that is "
    "cleared."
)
def zeroed_parameters(parameters, learning_rate):
    _step(parameters, learning_rate, keeps_slopes=True)
    with torch.no_grad():
        for parameter in parameters:
            parameter.zero_()


@sgd_step_.mistake("You added the slope. It points uphill, where the loss grows: subtract it.")
def climbed(parameters, learning_rate):
    _step(parameters, learning_rate, climbs=True)


@sgd_step_.mistake("You ignored the learning rate: scale the slope by it.")
def without_rate(parameters, learning_rate):
    _step(parameters, learning_rate, without_rate=True)


@sgd_step_.mistake("Only the first parameter took the step. Does the loop return too early?")
def only_first(parameters, learning_rate):
    _step(parameters, learning_rate, only_first=True)


@sgd_step_.mistake(
    "A parameter's `.grad` may be None, when it took no part in the loss. Leave it where it is."
)
def expects_slopes(parameters, learning_rate):
    _step(parameters, learning_rate, expects_grad=True)


@sgd_step_.mistake(
    "You switched recording off and not on again: from now on no loss in the program has a graph. "
    "`with torch.no_grad():` switches it back at the end of its block."
)
def switched_off(parameters, learning_rate):
    torch.set_grad_enabled(False)
    _step(parameters, learning_rate)
    torch.set_grad_enabled(False)


@sgd_step_.mistake(
    "The step is right, but the parameters no longer require a gradient, so it was the last one. "
    "`torch.no_grad()` pauses the recording and leaves the parameters as they are."
)
def stops_requiring(parameters, learning_rate):
    _step(parameters, learning_rate)
    for parameter in parameters:
        parameter.requires_grad_(False)


sgd_step_.hint("Two things for every parameter: move it by its slope, then clear the slope.")
sgd_step_.hint("`with torch.no_grad():` around the loop, `parameter -= …` inside it.")
sgd_step_.hint("`zero_gradients(parameters)` does the clearing. When is the right moment?")
sgd_step_.hint("Is the update under `torch.no_grad()`? Can a `.grad` be None?", when="error")
sgd_step_.hint("Which way does a positive slope point?", when="sign")
sgd_step_.hint(
    "Is it the caller's tensor that you change, or a new one under the same name?", when="value"
)

# ------------------------------------------------------------------------------- train

train = Exercise("train", minutes=30, difficulty=3, changes=("rng",))


class StepRecorder:
    """An ``on_step`` that keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list = []
        self.losses: list = []

    def __call__(self, step, loss) -> None:
        self.steps.append(step)
        self.losses.append(loss)

    def __repr__(self) -> str:
        return "a function that keeps what it is told"


def _loop(x, y, learning_rate, batch_size, epochs, rng, on_step=None, **habits):
    """Rung 1's loop in numpy, gradient by hand; with a keyword, one bad habit of a mistake."""
    kind = np.float32 if habits.get("single") else np.float64
    x, y = x.astype(kind), y.astype(kind)
    n, theta, carried, losses = len(x), np.zeros(2, kind), np.zeros(2, kind), []
    order = np.arange(n)
    for epoch in range(epochs):
        if habits.get("restarts"):
            theta = np.zeros(2, kind)
        order = _order(n, rng, order, first=epoch == 0, **habits)
        stop = n - batch_size + 1 if habits.get("drops_rest") else n
        for start in range(0, stop, batch_size):
            batch = order if habits.get("full_batch") else order[start : start + batch_size]
            features = np.stack([x[batch], np.ones(len(batch), kind)], axis=1)
            error = features @ theta - y[batch]
            slopes = features.T @ error * kind(2 if habits.get("summed") else 2 / len(batch))
            carried = slopes + (carried if habits.get("accumulates") else 0)
            rate = kind(0.01 if habits.get("fixed_rate") else learning_rate)
            rate = rate * kind(habits.get("rate_factor", 1.0))
            theta = theta - rate * carried
            if habits.get("loss_after"):
                error = features @ theta - y[batch]
            losses.append(float(error @ error / (1 if habits.get("summed") else len(batch))))
            if on_step is not None:
                on_step(len(losses) - 1, losses[-1])
    return float(theta[0]), float(theta[1]), losses


def _order(n: int, rng, previous: np.ndarray, first: bool, **habits) -> np.ndarray:
    """The order of one epoch, or what a bad habit makes of it."""
    if habits.get("unshuffled") or (habits.get("shuffles_once") and not first):
        return previous
    if habits.get("torch_order"):
        return torch.randperm(n).numpy()
    return (np.random.default_rng(0) if habits.get("own_generator") else rng).permutation(n)


def _compare(answer, draw: Draw, n: int, batch_size: int, epochs: int) -> None:
    """Train beside rung 1's loop, from generators in the same state, and expect equal paths."""
    x, y, seed = draw.normal(n), draw.normal(n), draw.seed()
    rate = draw.uniform(0.02, 0.1)
    w, b, losses = answer(x, y, rate, batch_size, epochs, np.random.default_rng(seed))
    own_w, own_b, own = _loop(x, y, rate, batch_size, epochs, np.random.default_rng(seed))
    expect(len(losses), "how many losses were recorded").equals(len(own))
    expect(losses, "the losses").close_to(own)
    expect(w, "w").close_to(own_w, atol=1e-5)
    expect(b, "b").close_to(own_b, atol=1e-5)


@train.property("takes rung 1's steps when one batch holds everything", trials=3)
def _(answer, draw: Draw) -> None:
    _compare(answer, draw, n=draw.size, batch_size=draw.size, epochs=draw.integers(2, 5))


@train.property("takes rung 1's steps through minibatches, the short last one included", trials=2)
def _(answer, draw: Draw) -> None:
    _compare(answer, draw, n=5, batch_size=2, epochs=2)


@train.property("takes loss and step from one example at a time", trials=1)
def _(answer, draw: Draw) -> None:
    _compare(answer, draw, n=4, batch_size=1, epochs=2)


@train.property("returns plain numbers", trials=1)
def _(answer, draw: Draw) -> None:
    x, seed = draw.normal(4), draw.seed()
    w, b, losses = answer(x, 2 * x, 0.1, 2, 2, np.random.default_rng(seed))
    _, _, own = _loop(x, 2 * x, 0.1, 2, 2, np.random.default_rng(seed))
    expect(losses, "the losses").close_to(own)
    _expect_plain(w, "w")
    _expect_plain(b, "b")
    _expect_plain(next((one for one in losses if isinstance(one, torch.Tensor)), 0.0), "a loss")


@train.property("tells on_step the number and the loss of every step", trials=2)
def _(answer, draw: Draw) -> None:
    x, y, seed, recorder = draw.normal(5), draw.normal(5), draw.seed(), StepRecorder()
    answer(x, y, 0.1, 2, 2, np.random.default_rng(seed), recorder)
    _, _, own = _loop(x, y, 0.1, 2, 2, np.random.default_rng(seed))
    expect(recorder.steps, "the step numbers that on_step was given").close_to(np.arange(len(own)))
    expect(recorder.losses, "the losses that on_step was given").close_to(own)
    tensors = (one for one in recorder.losses if isinstance(one, torch.Tensor))
    _expect_plain(next(tensors, 0.0), "a loss given to on_step")


@train.property("computes in float64: equal to rung 1 in the ninth digit", trials=1)
def _(answer, draw: Draw) -> None:
    x, y, seed = draw.normal(21), draw.normal(21), draw.seed()
    w, b, losses = answer(x, y, 0.07, 4, 3, np.random.default_rng(seed))
    own_w, own_b, own = _loop(x, y, 0.07, 4, 3, np.random.default_rng(seed))
    expect(losses, "the losses").close_to(own)
    mine, theirs = np.array([*map(_digits, (w, b, *losses))]), np.array([own_w, own_b, *own])
    gap = np.max(np.abs(mine - theirs)) if mine.shape == theirs.shape else math.inf
    expect(gap < 1e-9, "equal to rung 1").is_true(
        otherwise=f"The path is up to {gap:.1g} away from rung 1's. Is everything float64, the "
        "parameters too?"
    )


def _digits(value) -> float:
    """All digits of a number, or of a tensor that should have been one."""
    return value.item() if isinstance(value, torch.Tensor) else float(value)


@train.mistake(
    "You did not clear the slopes after a step. `backward()` adds to `.grad`, so every step "
    "carries all earlier ones along."
)
def accumulates(*specification):
    return _loop(*specification, accumulates=True)


@train.mistake(
    "w and b never move. Did you clear `.grad` between `backward()` and the step, or put new "
    "tensors in their place?"
)
def never_moves(*specification):
    return _loop(*specification, rate_factor=0.0)


@train.mistake("The loss climbs: you went along the slope. Subtract it.")
def climbs(*specification):
    return _loop(*specification, rate_factor=-1.0)


@train.mistake(
    "You recorded each loss after its step. Record it before, as in rung 1: the first entry is the "
    "loss of w = b = 0."
)
def loss_after_step(*specification):
    return _loop(*specification, loss_after=True)


@train.mistake(
    "Your steps use all the data, not the minibatch: pick out `inputs[batch]` and `targets[batch]`."
)
def full_batch(*specification):
    return _loop(*specification, full_batch=True)


@train.mistake("You recorded one loss an epoch. The page asks for one for every step.")
def one_loss_an_epoch(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    w, b, losses = _loop(x, y, learning_rate, batch_size, epochs, rng)
    steps = -(-len(x) // batch_size)
    return w, b, losses[steps - 1 :: steps]


@train.mistake("w and b have changed places: return w, b, losses.")
def swapped_parameters_returned(*specification):
    w, b, losses = _loop(*specification)
    return b, w, losses


@train.mistake("Your loss is a sum over the minibatch. It is a mean, and its slopes are too.")
def summed_minibatch(*specification):
    return _loop(*specification, summed=True)


@train.mistake("You never shuffled. Ask `minibatches` for new batches in every epoch.")
def never_shuffled(*specification):
    return _loop(*specification, unshuffled=True)


@train.mistake(
    "You shuffled once, before the first epoch. Call `minibatches` inside the epoch loop."
)
def shuffled_once(*specification):
    return _loop(*specification, shuffles_once=True)


@train.mistake(
    "You took the order from torch's generator. Rung 1 took it from `rng`: only then are the two "
    "paths the same."
)
def torch_order(*specification):
    return _loop(*specification, torch_order=True)


@train.mistake("You made a generator of your own. Take the order from the `rng` you were given.")
def own_generator(*specification):
    return _loop(*specification, own_generator=True)


@train.mistake("You dropped the short batch at the end of the epoch. Its examples count too.")
def dropped_last_batch(*specification):
    return _loop(*specification, drops_rest=True)


@train.mistake("w and b go back to 0 in every epoch. Make them once, before the epoch loop.")
def restarted(*specification):
    return _loop(*specification, restarts=True)


@train.mistake("Your steps do not depend on the learning rate you were given.")
def fixed_rate(*specification):
    return _loop(*specification, fixed_rate=True)


@train.mistake(
    "The path is rung 1's, but only to seven digits: something is float32. "
    "`torch.tensor(0.0)` is; give the parameters `dtype=torch.float64`, like the data."
)
def single_precision_loop(*specification):
    return _loop(*specification, single=True)


@train.mistake(
    "Your losses are tensors. If they still have their graphs, every step of the training stays in "
    "memory. Keep numbers: `loss.item()`."
)
def kept_tensors(*specification):
    w, b, losses = _loop(*specification)
    return w, b, [_tensor(loss) for loss in losses]


@train.mistake(
    "Your losses are tensors, the recorded ones and those that `on_step` gets. Each holds on to "
    "its graph, so the whole training stays in memory. Take the number out once: `loss.item()`."
)
def kept_and_told_tensors(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    w, b, losses = told_tensors(x, y, learning_rate, batch_size, epochs, rng, on_step)
    return w, b, [_tensor(loss) for loss in losses]


@train.mistake("You returned w and b as tensors. The page asks for numbers: `w.item()`.")
def returned_parameters(*specification):
    w, b, losses = _loop(*specification)
    return _tensor(w), _tensor(b), losses


@train.mistake("You never called `on_step`. After every step tell it the step and the loss.")
def silent(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    return _loop(x, y, learning_rate, batch_size, epochs, rng)


@train.mistake(
    "`on_step` may be None, which is its default: call it only when it is something to call."
)
def called_none(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    if on_step is None:
        raise TypeError("'NoneType' object is not callable")
    return _loop(x, y, learning_rate, batch_size, epochs, rng, on_step)


@train.mistake("The first step has the number 0; you told `on_step` 1.")
def counted_from_one(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    def shifted(step, loss):
        if on_step is not None:
            on_step(step + 1, loss)

    return _loop(x, y, learning_rate, batch_size, epochs, rng, shifted)


@train.mistake("Your step numbers start again in every epoch. Count on: 0, 1, 2, … to the end.")
def counted_per_epoch(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    steps = -(-len(x) // batch_size)

    def within_epoch(step, loss):
        if on_step is not None:
            on_step(step % steps, loss)

    return _loop(x, y, learning_rate, batch_size, epochs, rng, within_epoch)


@train.mistake("You told `on_step` once an epoch. The page asks for every step.")
def told_once_an_epoch(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    steps = -(-len(x) // batch_size)

    def at_the_end(step, loss):
        if on_step is not None and (step + 1) % steps == 0:
            on_step(step, loss)

    return _loop(x, y, learning_rate, batch_size, epochs, rng, at_the_end)


@train.mistake("You handed `on_step` the loss as a tensor. Hand over the number, `loss.item()`.")
def told_tensors(x, y, learning_rate, batch_size, epochs, rng, on_step=None):
    def with_tensor(step, loss):
        if on_step is not None:
            on_step(step, _tensor(loss))

    return _loop(x, y, learning_rate, batch_size, epochs, rng, with_tensor)


train.hint("Rung 1's two loops are still the frame: over epochs, inside over minibatches(…).")
train.hint("Before the loops: tensors of the data, and w and b as float64 leaves.")
train.hint("Inside: line_loss of the batch, backward(), sgd_step_([w, b], …), record, on_step.")
train.hint("How many steps does an epoch of 5 examples take with batch_size 2?", when="length")
train.hint("Is the slope of the last step still in `.grad` when the next one comes?", when="value")
train.hint("Which of your values are tensors that should be numbers?", when="type")
train.hint("Which argument is None by default?", when="error")
train.hint("What is the very first loss? At w = b = 0 it is the mean of y².", when="shift")
