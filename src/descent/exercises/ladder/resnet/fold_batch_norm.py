"""How `fold_batch_norm` is judged."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import affine

# The norm is handed over as it is, so that the checks see what becomes of it.
fold_batch_norm = Exercise(
    "fold_batch_norm",
    minutes=10,
    difficulty=2,
    changes=("norm",),
    returns=tuple[Tensor, Tensor],
)


def _trained_norm(draw: Draw, channels: int, eps: float = 1e-5) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, eps=eps).eval()
    mean, variance, weight, bias = affine(draw, channels)
    with torch.no_grad():
        norm.weight.copy_(weight)
        norm.bias.copy_(bias)
        norm.running_mean, norm.running_var = mean + 0.5, variance
    return norm


def _expect_folded(answer, draw: Draw, kernel: Tensor, norm: nn.BatchNorm2d) -> None:
    """The one convolution must do to drawn pictures what the two did."""
    x = normals(draw, 2, kernel.shape[1], 5, 4)
    with torch.no_grad():
        expected = norm(F.conv2d(x, kernel))
        folded, bias = answer(kernel, norm)
        expect(bias, "the bias").has_shape(len(kernel))
        expect(folded, "the kernel").has_shape(*kernel.shape)
        if bias.shape == (len(kernel),) and folded.shape == kernel.shape:
            found = F.conv2d(x, folded, bias)
            expect(found, "the output of the one convolution").close_to(
                expected, rtol=1e-3, atol=1e-3
            )


@fold_batch_norm.property("gives one convolution that does what both did", trials=4)
def _(answer, draw: Draw) -> None:
    out, channels = min(draw.size, 4), draw.integers(1, 4)
    _expect_folded(answer, draw, normals(draw, out, channels, 3, 2), _trained_norm(draw, out))


@fold_batch_norm.property("tells output channels from input channels, rows and columns", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_folded(answer, draw, normals(draw, 3, 3, 3, 3), _trained_norm(draw, 3))


@fold_batch_norm.property("uses the norm's own eps", trials=1)
def _(answer, draw: Draw) -> None:
    for eps in (2.0, 1e-3):
        _expect_folded(answer, draw, normals(draw, 2, 1, 1, 1), _trained_norm(draw, 2, eps))


@fold_batch_norm.property("folds a channel that never changed, with variance 0", trials=1)
def _(answer, draw: Draw) -> None:
    kernel, norm = normals(draw, 2, 1, 1, 1), _trained_norm(draw, 2, eps=0.25)
    norm.running_var = torch.tensor([0.0, 1.5])
    _expect_folded(answer, draw, kernel, norm)


@fold_batch_norm.property("leaves the norm as it was", trials=1)
def _(answer, draw: Draw) -> None:
    kernel, norm = normals(draw, 3, 2, 3, 3), _trained_norm(draw, 3)
    before = {name: tensor.clone() for name, tensor in norm.state_dict().items()}
    answer(kernel, norm)
    for name, tensor in norm.state_dict().items():
        expect(tensor, f"the norm's {name} afterwards").close_to(before[name])
    states = [int(norm.training), *(int(p.requires_grad) for p in norm.parameters())]
    expect(states, "in training mode, and whether weight and bias are trainable").equals([0, 1, 1])


@fold_batch_norm.right
def right_folded(kernel, norm):
    root = torch.sqrt(norm.running_var + norm.eps)
    scale = norm.weight / root
    bias = norm.bias - norm.running_mean * scale
    kernel = kernel * scale[:, None, None, None]
    return kernel, bias


SHIFT = "norm.bias - norm.running_mean * scale"


fold_batch_norm.slip(
    "kernel_kept",
    "The kernel is unchanged. Multiply output channel o of it by s[o].",
    {"    kernel = kernel * scale[:, None, None, None]\n": ""},
)
fold_batch_norm.slip(
    "kernel_divided",
    "You divided the kernel by s. Multiply it.",
    {"kernel * scale[:, None, None, None]": "kernel / scale[:, None, None, None]"},
)
fold_batch_norm.slip(
    "mean_forgotten",
    "The mean is missing from the bias: it becomes bias − mean · s.",
    {SHIFT: "norm.bias * 1"},
)
fold_batch_norm.slip(
    "mean_unscaled",
    "The mean goes into the bias *scaled*: the norm subtracts it before it multiplies, so the bias "
    "is bias − mean · s.",
    {SHIFT: "norm.bias - norm.running_mean"},
)
fold_batch_norm.slip(
    "mean_times_weight",
    "You multiplied the mean by the weight alone. It is divided by the root too: bias − mean · s.",
    {SHIFT: "norm.bias - norm.running_mean * norm.weight"},
)
fold_batch_norm.slip(
    "mean_over_root",
    "You divided the mean by the root and forgot the weight: bias − mean · s.",
    {SHIFT: "norm.bias - norm.running_mean / root"},
)
fold_batch_norm.slip(
    "bias_scaled",
    "You scaled the norm's bias too. Only the mean is multiplied by s.",
    {SHIFT: "(norm.bias - norm.running_mean) * scale"},
)
fold_batch_norm.slip(
    "mean_added",
    "You added the mean. The norm subtracts it.",
    {SHIFT: "norm.bias + norm.running_mean * scale"},
)
fold_batch_norm.slip(
    "norm_bias_forgotten",
    "The norm's own bias is missing.",
    {SHIFT: "-norm.running_mean * scale"},
)
fold_batch_norm.slip(
    "norm_weight_forgotten",
    "The norm's weight is missing: s = weight / √(variance + eps).",
    {"norm.weight / root": "1 / root"},
)
fold_batch_norm.slip(
    "weight_and_bias_swapped",
    "The norm's weight and bias have changed places: weight multiplies, bias is added.",
    {"norm.weight / root": "norm.bias / root", SHIFT: "norm.weight - norm.running_mean * scale"},
)
fold_batch_norm.slip(
    "root_multiplied",
    "You multiplied by the root. s = weight / √(variance + eps).",
    {"norm.weight / root": "norm.weight * root"},
)
fold_batch_norm.slip(
    "without_root",
    "You divided by the variance. Divide by the root.",
    {"torch.sqrt(norm.running_var + norm.eps)": "norm.running_var + norm.eps"},
)
fold_batch_norm.slip(
    "folded_without_eps",
    "There is no eps in it: the norm divides by √(variance + eps), and a channel with variance 0 "
    "by 0.",
    {"norm.running_var + norm.eps": "norm.running_var"},
)
fold_batch_norm.slip(
    "folded_eps_outside",
    "Your eps stands outside the root. It is added to the variance.",
    {"torch.sqrt(norm.running_var + norm.eps)": "torch.sqrt(norm.running_var) + norm.eps"},
)
fold_batch_norm.slip(
    "folded_fixed_eps",
    "Your eps is always 1e-5. Use the norm's: `norm.eps`.",
    {"norm.eps": "1e-5"},
)
fold_batch_norm.slip(
    "statistics_of_the_kernel",
    "You took mean and variance of the kernel. The norm has its own, of the activations: "
    "`norm.running_mean` and `norm.running_var`.",
    {
        "norm.running_var": "kernel.var((1, 2, 3), correction=0)",
        "norm.running_mean": "kernel.mean((1, 2, 3))",
    },
)
fold_batch_norm.slip(
    "scaled_inputs",
    "You scaled the *input* channels, axis 1 of the kernel. The norm follows the convolution: its "
    "channels are the output channels, axis 0.",
    {"scale[:, None, None, None]": "scale[:, None, None]"},
)
fold_batch_norm.slip(
    "scaled_columns",
    "Your scale met the last axis of the kernel, its columns. Output channels are axis 0: "
    "`scale[:, None, None, None]`.",
    {"scale[:, None, None, None]": "scale"},
)
fold_batch_norm.slip(
    "bias_returned_first",
    "Bias and kernel have changed places: return the kernel first.",
    {"return kernel, bias": "return bias, kernel"},
)
fold_batch_norm.slip(
    "folds_into_the_norm",
    "What you return is right, but the norm itself was changed (`norm.weight.data`, an operation "
    "with `_`, or `/=`). Whoever folds still needs the old one: make new tensors.",
    {
        "    return kernel, bias": "    with torch.no_grad():\n        norm.weight.div_(root)\n"
        "    return kernel, bias"
    },
)
fold_batch_norm.slip(
    "resets_the_norm",
    "What you return is right, but the norm was reset so that it does nothing. Leave it as it was.",
    {
        "    return kernel, bias": "    kernel, bias = kernel.detach(), bias.detach()\n"
        "    norm.reset_parameters()\n    return kernel, bias"
    },
)


fold_batch_norm.hint("Write the norm as s · (number) + t. What are s and t?")
fold_batch_norm.hint("`scale[:, None, None, None]` has shape (o, 1, 1, 1).")
fold_batch_norm.hint("Channels of the norm are axis 0 of the kernel.", when="error")
fold_batch_norm.hint("Do the worked number: the bias must come out as −2.", when="value")
fold_batch_norm.hint("Do the worked number: the bias must come out as −2.", when="offset")
