"""How `BatchNorm` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import STATE, drawn_batch, normalised, positive

BatchNorm = Exercise("BatchNorm", minutes=20, difficulty=3)


def _has(module: Any, names: tuple[str, ...]) -> bool:
    """Expect these attributes; False where one is missing."""
    missing = [name for name in names if not hasattr(module, name)]
    expect(len(missing), f"how many of {', '.join(names)} are missing").equals(0)
    return not missing


def _twin(layer: Any, draw: Draw, channels: int, eps: float = 1e-5) -> nn.BatchNorm1d:
    """Torch's layer with the same random scale and shift, given to both."""
    twin = nn.BatchNorm1d(channels, eps=eps)
    for name in ("weight", "bias"):
        values = positive(draw, channels) + 0.5
        with torch.no_grad():
            getattr(layer, name).copy_(values)
            getattr(twin, name).copy_(values)
    return twin


def _through(twin: nn.BatchNorm1d, x: Tensor) -> Tensor:
    """Send rows or pictures through torch's layer for rows."""
    if x.ndim == 2:
        return twin(x)
    n, channels, height, width = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(-1, channels)
    return twin(rows).reshape(n, height, width, channels).permute(0, 3, 1, 2)


@BatchNorm.property("has two parameters and two buffers, as in the table", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(3)
    if not _has(layer, STATE):
        return
    starts = [torch.as_tensor(getattr(layer, name)) for name in STATE]
    for name, found, value in zip(STATE, starts, (1.0, 0.0, 0.0, 1.0), strict=True):
        expect(found, f"{name} at the start").close_to(np.full(3, value), atol=1e-6)
    parameters = sorted(name for name, _ in layer.named_parameters())
    buffers = {name for name, _ in layer.named_buffers()}
    expect(len(parameters), "how many parameters there are").equals(2)
    running = {"running_mean", "running_var"}
    expect(len(running & buffers), "how many of the two running statistics are buffers").equals(2)
    saved = len(set(STATE) & set(layer.state_dict()))
    expect(saved, "how many of the four tensors are saved with the model").equals(4)
    expect(parameters == ["bias", "weight"], "the parameters").is_true(
        otherwise="The parameters should be weight and bias; they are "
        f"{', '.join(parameters) or 'none'}."
    )
    expect(running <= buffers, "the buffers").is_true(
        otherwise="running_mean and running_var should be buffers; the buffers are "
        f"{', '.join(sorted(buffers)) or 'none'}."
    )


@BatchNorm.property("normalises with the batch's statistics while training", trials=4)
def _(answer, draw: Draw) -> None:
    for side in ((2, 3), ()):
        x, layer = drawn_batch(draw, draw.size + 1, 3, side), answer(3).train()
        if _has(layer, STATE):
            expected = _through(_twin(layer, draw, 3), x)
            expect(layer(x), "the output in training").close_to(expected, rtol=1e-3, atol=1e-4)


@BatchNorm.property("remembers: running statistics after three batches", trials=2)
def _(answer, draw: Draw) -> None:
    for side, momentum in (((2, 2), 0.1), ((), 0.3)):
        layer = answer(2, momentum).train()
        twin = nn.BatchNorm1d(2, momentum=momentum).train()
        if not _has(layer, STATE):
            return
        for _ in range(3):
            x = drawn_batch(draw, 4, 2, side)
            layer(x), _through(twin, x)
        expect(layer.running_mean, "the running mean").close_to(twin.running_mean, rtol=1e-3)
        expect(layer.running_var, "the running variance").close_to(twin.running_var, rtol=1e-3)


@BatchNorm.property("uses the running statistics in evaluation, and leaves them", trials=2)
def _(answer, draw: Draw) -> None:
    layer = answer(2)
    if not _has(layer, STATE):
        return
    twin = _twin(layer, draw, 2)
    for _ in range(2):
        x = drawn_batch(draw, 5, 2)
        layer.train()(x), _through(twin.train(), x)
    layer.eval(), twin.eval()
    for n in (3, 1):
        x = drawn_batch(draw, n, 2)
        expect(layer(x), f"the output of {n} in evaluation").close_to(
            _through(twin, x), rtol=1e-3, atol=1e-4
        )
    expect(layer.running_mean, "the running mean after evaluation").close_to(
        twin.running_mean, rtol=1e-3
    )
    expect(layer.running_var, "the running variance after evaluation").close_to(
        twin.running_var, rtol=1e-3
    )


@BatchNorm.property("lets the gradient pass through mean and variance", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(3).train()
    if not _has(layer, STATE):
        return
    twin, x, slope = _twin(layer, draw, 3), drawn_batch(draw, 4), normals(draw, 4, 3, 2, 3)
    own, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    (layer(own) * slope).sum().backward()
    (_through(twin, other) * slope).sum().backward()
    expect(own.grad, "the gradient at the input").close_to(other.grad, rtol=1e-3, atol=1e-4)
    for name in ("weight", "bias"):
        found, wanted = getattr(layer, name).grad, getattr(twin, name).grad
        expect(found, f"the gradient at {name}").close_to(wanted, rtol=1e-3, atol=1e-3)


@BatchNorm.property("keeps no graph in the running statistics, and uses its eps", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(2, 0.1, 0.5).train()
    if not _has(layer, STATE):
        return
    x = drawn_batch(draw, 4, 2, ())
    twin = _twin(layer, draw, 2, eps=0.5)
    expect(layer(x.clone().requires_grad_()), "the output with eps 0.5").close_to(twin(x), 1e-3)
    names = ("running_mean", "running_var")
    attached = [bool(getattr(layer, name).grad_fn is not None) for name in names]
    expect(sum(attached), "how many running statistics hang on to a graph").equals(0)
    expect(layer.eval()(x), "in evaluation, with eps 0.5").close_to(twin.eval()(x), 1e-3)


class _Norm(nn.Module):
    """A right layer, which the mistakes below spoil in one place each."""

    habits: tuple[str, ...] = ()

    def __init__(self, channels, momentum=0.1, eps=1e-5):
        super().__init__()
        habits = self.habits
        self.momentum = 0.1 if "fixed_momentum" in habits else momentum
        self.eps = 1e-5 if "fixed_eps" in habits else eps
        make = (lambda t: t) if "no_parameters" in habits else nn.Parameter
        start = torch.zeros if "zero_scale" in habits else torch.ones
        self.weight, self.bias = make(start(channels)), make(torch.zeros(channels))
        var = torch.zeros(channels) if "zero_variance" in habits else torch.ones(channels)
        if "all_parameters" in habits:
            self.running_mean = nn.Parameter(torch.zeros(channels))
            self.running_var = nn.Parameter(var)
        elif "no_buffers" in habits:
            self.running_mean, self.running_var = torch.zeros(channels), var
        else:
            saved = "unsaved" not in habits
            self.register_buffer("running_mean", torch.zeros(channels), persistent=saved)
            self.register_buffer("running_var", var, persistent=saved)

    def remember(self, mean, variance):
        a = self.momentum
        a = 1 - a if "reversed" in self.habits else a
        mean = (1 - a) * self.running_mean + a * mean
        variance = (1 - a) * self.running_var + a * variance
        if "all_parameters" in self.habits:
            self.running_mean.data, self.running_var.data = mean, variance
        else:
            self.running_mean, self.running_var = mean, variance

    def forward(self, x):
        habits, axes = self.habits, [0, *range(2, x.ndim)]
        axes = [0] if "per_pixel" in habits and x.ndim == 4 else axes
        mean, variance = x.mean(axes), x.var(axes, correction=0)
        seen = x if "attached" in habits else x.detach()
        unbiased = seen.var(axes, correction=0 if "biased" in habits else 1)
        if "unbiased" in habits:
            variance = x.var(axes, correction=1)
        if "constants" in habits:
            mean, variance = mean.detach(), variance.detach()
        if (self.training and "forgets" not in habits) or "always_updates" in habits:
            kept = mean if "attached" in habits else mean.detach()
            self.remember(kept, unbiased)
        if not (self.training or "always_batch" in habits) or "running_in_training" in habits:
            mean, variance = self.running_mean, self.running_var
        if "per_pixel" in habits and mean.ndim == 3:
            return (x - mean) / (variance + self.eps).sqrt() * self.weight[:, None, None]
        return normalised(
            x, mean, variance, self.weight, self.bias, self.eps, outside="outside" in habits
        )


@BatchNorm.mistake(
    "In evaluation your layer still uses the batch's statistics, so that a picture's "
    "answer depends "
    "on its company. Use running_mean and running_var there: `if self.training: … else: …`."
)
class AlwaysTheBatch(_Norm):
    habits = ("always_batch",)


@BatchNorm.mistake(
    "Your running statistics move in evaluation too. Looking must not change the layer: "
    "update only `if self.training`."
)
class UpdatesInEvaluation(_Norm):
    habits = ("always_updates",)


@BatchNorm.mistake(
    "Your running statistics never move. In training each batch is mixed in, or evaluation will "
    "normalise with mean 0 and variance 1 for ever."
)
class NeverRemembers(_Norm):
    habits = ("forgets",)


@BatchNorm.mistake(
    "In training you normalised with the running statistics. They are for evaluation; a batch in "
    "training is normalised with its own."
)
class RunningInTraining(_Norm):
    habits = ("running_in_training",)


@BatchNorm.mistake(
    "You normalised with the unbiased variance. The batch is normalised with the biased one; the "
    "unbiased one goes into the running estimate."
)
class NormalisesUnbiased(_Norm):
    habits = ("unbiased",)


@BatchNorm.mistake(
    "The biased variance went into running_var. The running estimate takes the unbiased one, "
    "divided by the count less one."
)
class RemembersBiased(_Norm):
    habits = ("biased",)


@BatchNorm.mistake(
    "Momentum is the wrong way round: it is the weight of the *new* batch, 1 − momentum that of "
    "the old."
)
class MomentumReversed(_Norm):
    habits = ("reversed",)


@BatchNorm.mistake("Your momentum is always 0.1. Use the one that was given.")
class FixedMomentum(_Norm):
    habits = ("fixed_momentum",)


@BatchNorm.mistake("Your eps is always 1e-5. Use the one that was given, in both modes.")
class FixedEps(_Norm):
    habits = ("fixed_eps",)


@BatchNorm.mistake("Your eps stands outside the root. It is added to the variance.")
class EpsOutside(_Norm):
    habits = ("outside",)


@BatchNorm.mistake(
    "weight and bias are plain tensors, which no optimiser finds. Make each an `nn.Parameter`."
)
class PlainTensors(_Norm):
    habits = ("no_parameters",)


@BatchNorm.mistake(
    "Your running statistics are parameters: the optimiser would move them, weight decay shrink "
    "them. Use `self.register_buffer(name, tensor)`."
)
class RunningParameters(_Norm):
    habits = ("all_parameters",)


@BatchNorm.mistake(
    "Your running statistics are plain attributes: they are not saved with the model and "
    "stay behind when it moves to a GPU. Use `self.register_buffer(name, tensor)`."
)
class PlainRunning(_Norm):
    habits = ("no_buffers",)


@BatchNorm.mistake(
    "Your buffers are not saved with the model (`persistent=False`): loaded again, it would "
    "evaluate with mean 0 and variance 1. Leave that out."
)
class UnsavedBuffers(_Norm):
    habits = ("unsaved",)


@BatchNorm.mistake(
    "Your running statistics hang on to the graph of every batch so far: memory grows with each "
    "step. Detach what goes into them."
)
class KeepsTheGraph(_Norm):
    habits = ("attached",)


@BatchNorm.mistake(
    "Mean and variance are cut off from the graph before you normalise. They depend on x, and the "
    "gradient passes through them; only the running copies are detached."
)
class ConstantsInTheGradient(_Norm):
    habits = ("constants",)


@BatchNorm.mistake("weight starts at 0, so that everything becomes 0. It starts at 1.")
class StartsAtZero(_Norm):
    habits = ("zero_scale",)


@BatchNorm.mistake("running_var starts at 0. A variance starts at 1, so that it scales nothing.")
class ZeroVariance(_Norm):
    habits = ("zero_variance",)


BatchNorm.hint("`__init__` makes four tensors: two `nn.Parameter`, two `register_buffer`.")


BatchNorm.hint("`forward` is your three functions, and one `if self.training`.")


BatchNorm.hint(
    "A buffer may be assigned again: `self.running_mean = …`, with a tensor, not a parameter."
)


BatchNorm.hint("Which statistics normalise, and which are remembered: in which mode?", when="value")


BatchNorm.hint("Are the four shapes (c,)?", when="shape")


BatchNorm.hint(
    "Call `super().__init__()` first; then `register_buffer` and parameters work.", when="error"
)
