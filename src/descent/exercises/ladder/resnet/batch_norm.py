"""How `BatchNorm` is judged."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import STATE, drawn_batch, positive

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
        values = positive(draw, channels) * torch.tensor([-1.0] + [1.0] * (channels - 1))
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


STARTS = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}


@BatchNorm.property("starts with the four tensors of the table", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(3)
    if _has(layer, STATE):
        for name, value in STARTS.items():
            found = torch.as_tensor(getattr(layer, name))
            expect(found, f"{name} at the start").close_to([value] * 3, atol=1e-6)


@BatchNorm.property("has weight and bias as parameters, and no others", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(3)
    names = sorted(name for name, _ in layer.named_parameters())
    expect(len(names), "how many parameters there are").equals(2)
    expect(names == ["bias", "weight"], "the parameters").is_true(
        otherwise="The parameters should be weight and bias; they are "
        f"{', '.join(names) or 'none'}."
    )
    trained = [int(parameter.requires_grad) for parameter in layer.parameters()]
    expect(trained, "which parameters require a gradient (1 is yes)").equals([1, 1])


@BatchNorm.property("has the running statistics as buffers, saved with the model", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(3).train()
    if not _has(layer, STATE):
        return
    layer(drawn_batch(draw, 4))  # they are buffers after a batch, too
    buffers = {name for name, _ in layer.named_buffers()}
    running = {"running_mean", "running_var"}
    expect(len(running & buffers), "how many of the two running statistics are buffers").equals(2)
    expect(running <= buffers, "the buffers").is_true(
        otherwise="running_mean and running_var should be buffers; the buffers are "
        f"{', '.join(sorted(buffers)) or 'none'}."
    )
    saved = layer.state_dict()
    expect(len(set(STATE) & set(saved)), "how many of the four tensors are saved").equals(4)
    for name in sorted(running & set(saved)):
        expect(saved[name], f"{name}, as it is saved").close_to(getattr(layer, name).detach())


def _check_training(answer, draw: Draw, x: Tensor) -> None:
    layer = answer(x.shape[1]).train()
    if _has(layer, STATE):
        expected = _through(_twin(layer, draw, x.shape[1]), x)
        expect(layer(x.clone()), "the output in training").close_to(expected, rtol=1e-3, atol=1e-4)


@BatchNorm.property("normalises with the batch's statistics while training", trials=4)
def _(answer, draw: Draw) -> None:
    for side in ((2, 4), ()):
        _check_training(answer, draw, drawn_batch(draw, draw.size + 1, 3, side))


@BatchNorm.property("does so too where no gradients are recorded", trials=1)
def _(answer, draw: Draw) -> None:
    with torch.no_grad():
        _check_training(answer, draw, drawn_batch(draw, 4, 3, (2, 4)))


def _check_remembered(answer, draw: Draw, momentum: float, side: tuple[int, ...]) -> None:
    layer = answer(2, momentum).train()
    twin = nn.BatchNorm1d(2, momentum=momentum).train()
    if not _has(layer, STATE):
        return
    for _ in range(3):
        x = drawn_batch(draw, 4, 2, side)
        layer(x.clone()), _through(twin, x)
    expect(layer.running_mean, "the running mean").close_to(twin.running_mean, rtol=1e-3)
    expect(layer.running_var, "the running variance").close_to(twin.running_var, rtol=1e-3)


@BatchNorm.property("remembers: running statistics after three batches", trials=2)
def _(answer, draw: Draw) -> None:
    for side in ((2, 3), ()):
        _check_remembered(answer, draw, 0.1, side)


@BatchNorm.property("uses the momentum it was given", trials=1)
def _(answer, draw: Draw) -> None:
    for momentum in (draw.choice([0.3, 0.7]), 1.0, 0.0):
        _check_remembered(answer, draw, momentum, ())


@BatchNorm.property("uses the running statistics in evaluation, and leaves them", trials=2)
def _(answer, draw: Draw) -> None:
    layer = answer(2)
    if not _has(layer, STATE):
        return
    twin = _twin(layer, draw, 2)
    for _ in range(2):
        x = drawn_batch(draw, 5, 2)
        layer.train()(x.clone()), _through(twin.train(), x)
    layer.eval(), twin.eval()
    for n in (3, 1):
        x = drawn_batch(draw, n, 2)
        expect(layer(x.clone()), f"the output of {n} in evaluation").close_to(
            _through(twin, x), rtol=1e-3, atol=1e-4
        )
    expect(layer.running_mean, "the running mean after evaluation").close_to(
        twin.running_mean, rtol=1e-3
    )
    expect(layer.running_var, "the running variance after evaluation").close_to(
        twin.running_var, rtol=1e-3
    )


@BatchNorm.property("uses the eps it was given, in both modes", trials=1)
def _(answer, draw: Draw) -> None:
    for eps in (0.5, 1e-5, 1e-9):
        layer = answer(2, 1.0, eps).train()
        if not _has(layer, STATE):
            return
        twin = _twin(layer, draw, 2, eps=eps)
        twin.momentum = 1.0
        x = drawn_batch(draw, 4, 2, ()) * 1e-2  # so small a variance that 1e-5 is seen
        for mode in ("training", "evaluation"):
            layer.train(mode == "training"), twin.train(mode == "training")
            expect(layer(x.clone()), f"the output in {mode}, eps {eps}").close_to(twin(x), 1e-3)


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


@BatchNorm.property("keeps no graph in the running statistics", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(2).train()
    if _has(layer, STATE):
        layer(drawn_batch(draw, 4, 2, ()).requires_grad_())
        names = ("running_mean", "running_var")
        attached = [int(getattr(layer, name).grad_fn is not None) for name in names]
        expect(attached, "which of the two hang on to a graph (1 is yes)").equals([0, 0])


@BatchNorm.property("leaves its input alone", trials=1)
def _(answer, draw: Draw) -> None:
    layer = answer(2)
    for training in (True, False):
        x = drawn_batch(draw, 4, 2)
        kept = x.clone()
        layer.train(training)(x)
        expect(x, "x afterwards").close_to(kept)


@BatchNorm.right
class RightNorm(nn.Module):
    def __init__(self, channels, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def remember(self, mean, unbiased):
        a = self.momentum
        self.running_mean = (1 - a) * self.running_mean + a * mean
        self.running_var = (1 - a) * self.running_var + a * unbiased

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            axes = [0, *range(2, x.ndim)]
            mean, variance = x.mean(axes), x.var(axes, correction=0)
            seen = x.detach()
            self.remember(seen.mean(axes), seen.var(axes, correction=1))
        shape = (1, -1) + (1,) * (x.ndim - 2)
        root = (variance + self.eps).sqrt()
        y = (x - mean.view(shape)) / root.view(shape)
        return y * self.weight.view(shape) + self.bias.view(shape)


BatchNorm.slip(
    "AlwaysTheBatch",
    "In evaluation your layer still uses the batch's statistics, so that a picture's answer "
    "depends on its company. Use running_mean and running_var there: `if self.training: … else: "
    "…`.",
    {
        "        if self.training:": "        if True:",
        "            self.remember(": "            if self.training:\n"
        "                self.remember(",
    },
)
BatchNorm.slip(
    "UpdatesInEvaluation",
    "Your running statistics move in evaluation too. Looking must not change the layer: update "
    "only `if self.training`.",
    {
        "        if self.training:": "        if True:",
        "        shape = ": "        if not self.training:\n"
        "            mean, variance = self.running_mean, self.running_var\n        shape = ",
    },
)
BatchNorm.slip(
    "NoModes",
    "Your layer does in evaluation what it does in training: it normalises with the batch, and "
    "remembers it. Ask `self.training`.",
    {"        if self.training:": "        if True:"},
)
BatchNorm.slip(
    "ModesSwapped",
    "Your two modes have changed places: `self.training` is True in training, and there the batch "
    "is normalised with its own statistics.",
    {"if self.training:": "if not self.training:"},
)
BatchNorm.slip(
    "ModeByGradients",
    "You asked whether gradients are recorded. A layer in training mode uses the batch's "
    "statistics under `torch.no_grad()` too: ask `self.training`.",
    {"if self.training:": "if torch.is_grad_enabled():"},
)
BatchNorm.slip(
    "NeverRemembers",
    "Your running statistics never move. In training each batch is mixed in, or evaluation will "
    "normalise with mean 0 and variance 1 for ever.",
    {"            self.remember(seen.mean(axes), seen.var(axes, correction=1))\n": ""},
)
BatchNorm.slip(
    "RemembersTheMeanOnly",
    "running_var never moves. Both statistics are updated.",
    {"        self.running_var = (1 - a) * self.running_var + a * unbiased\n": ""},
)
BatchNorm.slip(
    "RemembersTheLastBatch",
    "Your running statistics are those of the last batch alone. Mix it with the old ones.",
    {
        "(1 - a) * self.running_mean + a * mean": "mean",
        "(1 - a) * self.running_var + a * unbiased": "unbiased",
    },
)
BatchNorm.slip(
    "RemembersTwice",
    "Each batch is mixed in twice. Update the running statistics once a batch.",
    {
        "            self.remember(": "            self.remember(seen.mean(axes), seen.var(axes, "
        "correction=1))\n            self.remember("
    },
)
BatchNorm.slip(
    "RunningInTraining",
    "In training you normalised with the running statistics. They are for evaluation; a batch in "
    "training is normalised with its own.",
    {
        "        shape = ": "        mean, variance = self.running_mean, self.running_var\n"
        "        shape = "
    },
)
BatchNorm.slip(
    "NormalisesUnbiased",
    "You normalised with the unbiased variance. The batch is normalised with the biased one; the "
    "unbiased one goes into the running estimate.",
    {"correction=0": "correction=1"},
)
BatchNorm.slip(
    "RemembersBiased",
    "The biased variance went into running_var. The running estimate takes the unbiased one, "
    "divided by the count less one.",
    {"correction=1": "correction=0"},
)
BatchNorm.slip(
    "VariancesSwapped",
    "The two variances have changed places: the biased one normalises the batch, the unbiased one "
    "goes into running_var.",
    {
        "x.var(axes, correction=0)": "x.var(axes, correction=1)",
        "seen.var(axes, correction=1)": "seen.var(axes, correction=0)",
    },
)
BatchNorm.slip(
    "MomentumReversed",
    "Momentum is the wrong way round: it is the weight of the *new* batch, 1 − momentum that of "
    "the old.",
    {"        a = self.momentum": "        a = 1 - self.momentum"},
)
BatchNorm.slip(
    "FixedMomentum",
    "Your momentum is always 0.1. Use the one that was given.",
    {"        a = self.momentum": "        a = 0.1"},
)
BatchNorm.slip(
    "ZeroMomentumReplaced",
    "Your momentum of 0 became 0.1: `momentum or …` and `if momentum` take 0 for nothing. With 0 "
    "nothing new comes in.",
    {"        a = self.momentum": "        a = self.momentum or 0.1"},
)
BatchNorm.slip(
    "FixedEps",
    "Your eps is always 1e-5. Use the one that was given, in both modes.",
    {"variance + self.eps": "variance + 1e-5"},
)
BatchNorm.slip(
    "NoEps",
    "There is no eps in it: a channel that is the same everywhere divides by 0.",
    {"variance + self.eps": "variance"},
)
BatchNorm.slip(
    "FixedEpsInEvaluation",
    "In evaluation your eps is always 1e-5. Hand yours on in both modes.",
    {"variance + self.eps": "variance + (self.eps if self.training else 1e-5)"},
)
BatchNorm.slip(
    "EpsOutside",
    "Your eps stands outside the root. It is added to the variance.",
    {"(variance + self.eps).sqrt()": "variance.sqrt() + self.eps"},
)
BatchNorm.slip(
    "EpsAndMomentumSwapped",
    "eps and momentum have changed places: BatchNorm(channels, momentum, eps).",
    {"self.momentum, self.eps = momentum, eps": "self.momentum, self.eps = eps, momentum"},
)
BatchNorm.slip(
    "WithoutScaleAndShift",
    "weight and bias are never used: y = weight · x̂ + bias.",
    {"return y * self.weight.view(shape) + self.bias.view(shape)": "return y"},
)
BatchNorm.slip(
    "PlainTensors",
    "weight and bias are plain tensors, which no optimiser finds. Make each an `nn.Parameter`.",
    {
        "nn.Parameter(torch.ones(channels))": "torch.ones(channels)",
        "nn.Parameter(torch.zeros(channels))": "torch.zeros(channels)",
    },
)
BatchNorm.slip(
    "ScaleAndShiftAsBuffers",
    "weight and bias are buffers, which no optimiser moves. Make each an `nn.Parameter`; only the "
    "running statistics are buffers.",
    {
        "self.weight = nn.Parameter(torch.ones(channels))": "self.register_buffer("
        '"weight", torch.ones(channels))',
        "self.bias = nn.Parameter(torch.zeros(channels))": "self.register_buffer("
        '"bias", torch.zeros(channels))',
    },
)
BatchNorm.slip(
    "RunningParameters",
    "Your running statistics are parameters: the optimiser would move them, weight decay shrink "
    "them. Use `self.register_buffer(name, tensor)`.",
    {
        'self.register_buffer("running_mean", torch.zeros(channels))': "self.running_mean = "
        "nn.Parameter(torch.zeros(channels))",
        'self.register_buffer("running_var", torch.ones(channels))': "self.running_var = "
        "nn.Parameter(torch.ones(channels))",
        "self.running_mean = (1": "self.running_mean.data = (1",
        "self.running_var = (1": "self.running_var.data = (1",
    },
)
BatchNorm.slip(
    "FrozenRunningParameters",
    "Your running statistics are parameters that require no gradient. They still count as the "
    "model's parameters: use `self.register_buffer(name, tensor)`.",
    {
        'self.register_buffer("running_mean", torch.zeros(channels))': "self.running_mean = "
        "nn.Parameter(torch.zeros(channels), requires_grad=False)",
        'self.register_buffer("running_var", torch.ones(channels))': "self.running_var = "
        "nn.Parameter(torch.ones(channels), requires_grad=False)",
        "self.running_mean = (1": "self.running_mean.data = (1",
        "self.running_var = (1": "self.running_var.data = (1",
    },
)
BatchNorm.slip(
    "PlainRunning",
    "Your running statistics are plain attributes: they are not saved with the model and stay "
    "behind when it moves to a GPU. Use `self.register_buffer(name, tensor)`.",
    {
        'self.register_buffer("running_mean", torch.zeros(channels))': "self.running_mean = "
        "torch.zeros(channels)",
        'self.register_buffer("running_var", torch.ones(channels))': "self.running_var = "
        "torch.ones(channels)",
    },
)
BatchNorm.slip(
    "UnsavedBuffers",
    "Your buffers are not saved with the model (`persistent=False`): loaded again, it would "
    "evaluate with mean 0 and variance 1. Leave that out.",
    {
        '"running_mean", torch.zeros(channels)': '"running_mean", torch.zeros(channels), False',
        '"running_var", torch.ones(channels)': '"running_var", torch.ones(channels), False',
    },
)
BatchNorm.slip(
    "KeepsTheGraph",
    "Your running statistics hang on to the graph of every batch so far: memory grows with each "
    "step. Detach what goes into them.",
    {"x.detach()": "x"},
)
BatchNorm.slip(
    "ConstantsInTheGradient",
    "Mean and variance are cut off from the graph before you normalise. They depend on x, and the "
    "gradient passes through them; only the running copies are detached.",
    {"= x.mean(axes), x.var(axes, correction=0)": "= x.detach().mean(axes), "
     "x.detach().var(axes, correction=0)"},
)  # fmt: skip
BatchNorm.slip(
    "StartsAtZero",
    "weight starts at 0, so that everything becomes 0. It starts at 1.",
    {"nn.Parameter(torch.ones(channels))": "nn.Parameter(torch.zeros(channels) * 1)"},
)
BatchNorm.slip(
    "StartsAtRandom",
    "weight starts at random. It starts at 1, so that the layer at first only normalises.",
    {"nn.Parameter(torch.ones(channels))": "nn.Parameter(torch.randn(channels))"},
)
BatchNorm.slip(
    "ShiftOfOne",
    "bias starts at 1. It starts at 0, so that the layer at first only normalises.",
    {"nn.Parameter(torch.zeros(channels))": "nn.Parameter(torch.ones(channels) * 1)"},
)
BatchNorm.slip(
    "ZeroVariance",
    "running_var starts at 0. A variance starts at 1, so that it scales nothing.",
    {'"running_var", torch.ones(channels)': '"running_var", torch.zeros(channels)'},
)


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
