"""How `ConvNet` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import different_values

ConvNet = Exercise("ConvNet", minutes=25, difficulty=3)


SHAPES = {
    "conv1.weight": (16, 1, 5, 5),
    "conv1.bias": (16,),
    "conv2.weight": (32, 16, 3, 3),
    "conv2.bias": (32,),
    "conv3.weight": (64, 32, 3, 3),
    "conv3.bias": (64,),
    "linear.weight": (10, 576),
    "linear.bias": (10,),
}


def _weights(seed: int) -> dict[str, torch.Tensor]:
    """Weights of a size that keeps about half of every ReLU open."""
    generator = torch_generator(seed)
    return {
        name: torch.randn(shape, generator=generator)
        * (0.3 if len(shape) == 1 else np.prod(shape[1:]) ** -0.5)
        for name, shape in SHAPES.items()
    }


def _give(model, weights: dict[str, torch.Tensor]) -> bool:
    """Copy the weights into the model; False where its parameters are others."""
    own = dict(model.named_parameters())
    if {name: tuple(p.shape) for name, p in own.items()} != SHAPES:
        return False
    with torch.no_grad():
        for name, weight in weights.items():
            own[name].copy_(weight)
    return True


def _logits(x: torch.Tensor, w: dict[str, torch.Tensor]) -> torch.Tensor:
    """The network of the page, in one breath."""
    x = F.relu(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], 2, 2))
    x = F.relu(F.conv2d(x, w["conv2.weight"], w["conv2.bias"], 2, 1))
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv3.weight"], w["conv3.bias"], 1, 1)), 2)
    return x.flatten(1) @ w["linear.weight"].T + w["linear.bias"]


def _pairs(gap: int = 1) -> dict[str, torch.Tensor]:
    """Weights for which logit j is features 9·j and 9·j + gap, each of them 1.

    A channel has 9 features: a gap of 1 stays inside it, one of 9 reaches the next. The 1 comes
    from the first bias, averaged over channels twice: what is dropped on the way shows.
    """
    weights = {name: torch.zeros(shape) for name, shape in SHAPES.items()}
    weights["conv1.bias"] += 1.0
    weights["conv2.weight"][:, :, 1, 1] = 1 / 16
    weights["conv3.weight"][:, :, 1, 1] = 1 / 32
    for digit in range(10):
        weights["linear.weight"][digit, [9 * digit, 9 * digit + gap]] = 1.0
    return weights


@ConvNet.property("has the parameters of the specification", trials=1)
def _(answer, draw: Draw) -> None:
    own = {name: tuple(p.shape) for name, p in answer().named_parameters()}
    missing = [name for name in SHAPES if name not in own]
    expect(not missing, "the parameters have the names of the table").is_true(
        otherwise=f"no parameter is called {', '.join(missing[:1])}; the model's own are: "
        f"{', '.join(own) or 'none'}"
    )
    for name, shape in SHAPES.items():
        expect(own.get(name, ()), f"the shape of {name}").equals(shape)
    sizes = [int(np.prod(shape)) for shape in own.values()]
    expect(sum(sizes), "how many parameters there are").equals(29_322)


@ConvNet.property("turns n pictures into n rows of 10 logits", trials=2)
def _(answer, draw: Draw) -> None:
    x = torch.rand(draw.size, 1, 28, 28, generator=torch_generator(draw.seed()))
    logits = answer().eval()(x)
    expect(tuple(logits.shape), "the shape of the logits").equals((draw.size, 10))


@ConvNet.property("computes the network of the specification", trials=3)
def _(answer, draw: Draw) -> None:
    weights = _weights(draw.seed())
    x = torch.rand(draw.size, 1, 28, 28, generator=torch_generator(draw.seed()))
    logits = _logits(x, weights)
    for p, mode, words in ((0.5, False, "in evaluation"), (0.0, True, "in training, dropout 0")):
        model = answer(p).train(mode)
        if _give(model, weights):
            expect(model(x), f"the logits {words}").close_to(logits, rtol=1e-3, atol=1e-4)


@ConvNet.property("drops features while training, and only then", trials=1)
def _(answer, draw: Draw) -> None:
    empty = torch.zeros(24, 1, 28, 28)
    for p, mode, gap, expected in (
        (0.5, True, 1, [0.0, 2.0, 4.0]),
        (0.5, True, 9, [0.0, 2.0, 4.0]),
        (0.5, False, 1, [2.0]),
        (0.0, True, 1, [2.0]),
        (0.75, True, 1, [0.0, 4.0, 8.0]),
    ):
        model = answer(p).train(mode)
        if _give(model, _pairs(gap)):
            where = "training" if mode else "evaluation"
            seen = different_values(model(empty))
            expect(seen, f"sums of two features of 1, in {where} at dropout {p}").equals(expected)
    model = answer(0.5).train()
    if _give(model, _pairs()):
        share = float((model(empty.repeat(8, 1, 1, 1)) == 0).double().mean())
        expect(share < 0.32, "features drop one by one").is_true(
            otherwise=f"at dropout 0.5 two features are both gone in {share:.0%} of the cases; "
            "a quarter would be right"
        )
        expect(share > 0.18, "features drop as often as they should").is_true(
            otherwise=f"at dropout 0.5 two features are both gone in {share:.0%} of the cases; "
            "a quarter would be right. Is dropout between the flattening and the linear layer?"
        )


@ConvNet.property("has no dropout unless it is asked for", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer().train()
    if _give(model, _pairs()):
        seen = different_values(model(torch.zeros(24, 1, 28, 28)))
        expect(seen, "sums of two features of 1, in training").equals([2.0])


@ConvNet.property("learns: every parameter gets a gradient", trials=1)
def _(answer, draw: Draw) -> None:
    model = answer()
    if _give(model, _weights(draw.seed())):
        x = torch.rand(8, 1, 28, 28, generator=torch_generator(draw.seed()))
        F.cross_entropy(model(x), torch.arange(8)).backward()
        reached = [p.grad is not None and bool(p.grad.any()) for p in model.parameters()]
        expect(sum(reached), "how many of the 8 tensors of parameters have a gradient").equals(8)


class _Net(nn.Module):
    """The network with one bad habit, a class attribute: what the mistakes below share."""

    padding = (2, 1, 1)
    last_relu = True
    relu: Any = staticmethod(F.relu)
    pool: Any = staticmethod(lambda x: F.max_pool2d(x, 2))
    flat_from = 1
    drops = "features"
    default = 0.0

    def __init__(self, dropout=None):
        super().__init__()
        self.p = self.default if dropout is None else dropout
        self.conv1 = nn.Conv2d(1, 16, 5, stride=2, padding=self.padding[0])
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=self.padding[1])
        self.conv3 = nn.Conv2d(32, 64, 3, padding=self.padding[2])
        side = self.pool(torch.zeros(1, 1, 7, 7)[..., : 5 + 2 * self.padding[2]]).shape[3]
        self.linear = nn.Linear(64 * side * side, 10)

    def dropped(self, x):
        return F.dropout(x, self.p, self.training)

    def forward(self, x):
        x = self.relu(self.conv2(self.relu(self.conv1(x))))
        x = self.conv3(x)
        if self.drops == "pixels":
            return self.linear(self.pool(self.dropped(F.relu(x))).flatten(1))
        x = self.pool(F.relu(x) if self.last_relu else x).flatten(self.flat_from)
        if self.drops == "logits":
            return self.dropped(self.linear(x))
        return self.linear(self.dropped(x))


@ConvNet.mistake(
    "There is no ReLU between your convolutions. Without one, three convolutions in a row are no "
    "more than a single larger one."
)
class WithoutRelu(_Net):
    relu = staticmethod(lambda x: x)
    last_relu = False


@ConvNet.mistake("The third convolution has no ReLU after it.")
class WithoutLastRelu(_Net):
    last_relu = False


@ConvNet.mistake(
    "You drop in evaluation too. `F.dropout(x, p)` drops always unless it is told "
    "`training=self.training`; an `nn.Dropout` in `__init__` knows by itself."
)
class DropsAlways(_Net):
    def dropped(self, x):
        return F.dropout(x, self.p)


@ConvNet.mistake("Nothing is dropped. Apply dropout to the flattened features.")
class NeverDrops(_Net):
    def dropped(self, x):
        return x


@ConvNet.mistake(
    "You drop logits: a digit whose logit becomes 0 by lot teaches nothing. Drop features, before "
    "the linear layer."
)
class DropsLogits(_Net):
    drops = "logits"


@ConvNet.mistake(
    "You drop before the pooling. The largest of four hides what fell, so that hardly a feature is "
    "lost and all are scaled up. Drop the 576 features after it."
)
class DropsBeforePooling(_Net):
    drops = "pixels"


@ConvNet.mistake(
    "Your second convolution has no padding: it should be 1, so that 14 becomes 7. Without, 6 × 6 "
    "come out, and the pooling hides it."
)
class UnpaddedSecond(_Net):
    padding = (2, 0, 1)


@ConvNet.mistake(
    "Your third convolution has no padding: it should be 1, so that 7 stays 7 and the pooling "
    "makes 3 of it, not 2."
)
class UnpaddedThird(_Net):
    padding = (2, 1, 0)


@ConvNet.mistake(
    "`super().__init__()` is missing: it has to come first in `__init__`, before a layer is "
    "assigned to `self`."
)
class WithoutSuper(nn.Module):
    def __init__(self, dropout=0.0):
        self.conv1 = nn.Conv2d(1, 16, 5, stride=2, padding=2)

    def forward(self, x):
        return x


@ConvNet.mistake("You drop whole channels (`Dropout2d`). The page drops single features.")
class DropsChannels(_Net):
    def dropped(self, x):
        return F.dropout2d(x.unflatten(1, (64, 3, 3)), self.p, self.training).flatten(1)


@ConvNet.mistake("Your dropout does not use the number it was given; it is always 0.5.")
class FixedDropout(_Net):
    def dropped(self, x):
        return F.dropout(x, 0.5, self.training)


@ConvNet.mistake("Without an argument there is no dropout: `def __init__(self, dropout=0.0)`.")
class DropoutByDefault(_Net):
    default = 0.5


@ConvNet.mistake(
    "You returned probabilities. Return the logits: `F.cross_entropy` contains the softmax, and a "
    "second one flattens the gradients."
)
class EndsInSoftmax(_Net):
    def forward(self, x):
        return super().forward(x).softmax(dim=1)


@ConvNet.mistake(
    "You returned log-probabilities. Return the logits as the linear layer gives them: "
    "`F.cross_entropy` takes the log-softmax itself."
)
class EndsInLogSoftmax(_Net):
    def forward(self, x):
        return super().forward(x).log_softmax(dim=1)


@ConvNet.mistake(
    "Your third convolution has the stride 2 that belongs to the second. The shapes at the end "
    "agree; those between do not."
)
class StrideTooLate(_Net):
    def __init__(self, dropout=0.0):
        super().__init__(dropout)
        self.conv2.stride, self.conv3.stride = (1, 1), (2, 2)


@ConvNet.mistake("You put a ReLU on the logits. Logits may be negative.")
class ReluOnLogits(_Net):
    def forward(self, x):
        return super().forward(x).relu()


@ConvNet.mistake("You averaged in the pooling. The page takes the largest.")
class AveragePooling(_Net):
    pool = staticmethod(lambda x: F.avg_pool2d(x, 2))


@ConvNet.mistake(
    "The pooling is missing: 64 × 7 × 7 features reach the linear layer, where 64 × 3 × 3 should."
)
class WithoutPooling(_Net):
    pool = staticmethod(lambda x: x)


@ConvNet.mistake("Your first convolution has no padding: it should be 2, so that 28 becomes 14.")
class UnpaddedFirst(_Net):
    padding = (0, 1, 1)

    def forward(self, x):
        return super().forward(F.pad(x, (0, 4, 0, 4)))


@ConvNet.mistake(
    "Your layers do not register, so that no optimiser would find them: an `nn.Module` knows what "
    "is assigned to `self.…` directly, not what is inside a list or a dict."
)
class InAList(nn.Module):
    def __init__(self, dropout=0.0):
        super().__init__()
        self.layers = [_Net(dropout)]

    def forward(self, x):
        return self.layers[0](x)


@ConvNet.mistake(
    "You flattened the whole batch into one row. The first axis counts pictures and stays: "
    "`x.flatten(1)`."
)
class FlattensBatch(_Net):
    flat_from = 0


ConvNet.hint("`__init__` makes four layers with the names of the table; `forward` uses them.")
ConvNet.hint("Print the shape after each step: 28, 14, 7, 7, 3, then 576 numbers, then 10.")
ConvNet.hint("`nn.Conv2d(in, out, kernel, stride=…, padding=…)`, then `F.relu`.")
ConvNet.hint("Which layer has the wrong shape, and which number of the table is it?", when="shape")
ConvNet.hint(
    "Go through the table once more: is there a ReLU after each of the three?", when="value"
)
ConvNet.hint(
    "`nn.Dropout(p)` obeys `model.eval()`.", when="drops features while training, and only then"
)
