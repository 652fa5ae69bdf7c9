"""How `fold_batch_norm` is judged."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import affine

fold_batch_norm = Exercise("fold_batch_norm", minutes=10, difficulty=2)


def _trained_norm(draw: Draw, channels: int, eps: float = 1e-5) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, eps=eps).eval()
    mean, variance, weight, bias = affine(draw, channels)
    with torch.no_grad():
        norm.weight.copy_(weight * torch.tensor([-1.0] + [1.0] * (channels - 1)))
        norm.bias.copy_(bias)
        norm.running_mean, norm.running_var = mean + 0.5, variance
    return norm


@fold_batch_norm.property("gives one convolution that does what both did", trials=4)
def _(answer, draw: Draw) -> None:
    out, channels = min(draw.size, 4), 2
    kernel, norm = normals(draw, out, channels, 3, 2), _trained_norm(draw, out)
    x = normals(draw, 2, channels, 5, 4)
    with torch.no_grad():
        expected = norm(F.conv2d(x, kernel))
        folded, bias = answer(kernel, norm)
        expect(bias, "the bias").has_shape(out)
        expect(folded, "the kernel").has_shape(*kernel.shape)
        expect(F.conv2d(x, folded, bias), "its output").close_to(expected, rtol=1e-3, atol=1e-3)


@fold_batch_norm.property("tells output channels from input channels and rows", trials=1)
def _(answer, draw: Draw) -> None:
    kernel, norm = normals(draw, 3, 3, 3, 3), _trained_norm(draw, 3)
    x = normals(draw, 1, 3, 4, 4)
    with torch.no_grad():
        expected = norm(F.conv2d(x, kernel))
        expect(F.conv2d(x, *answer(kernel, norm)), "the output of the folded one").close_to(
            expected, rtol=1e-3, atol=1e-3
        )


@fold_batch_norm.property("uses the norm's own eps", trials=1)
def _(answer, draw: Draw) -> None:
    kernel, norm = normals(draw, 2, 1, 1, 1), _trained_norm(draw, 2, eps=2.0)
    with torch.no_grad():
        folded, bias = answer(kernel, norm)
        x = normals(draw, 1, 1, 2, 2)
        expected = norm(F.conv2d(x, kernel))
        expect(F.conv2d(x, folded, bias), "its output with eps 2").close_to(
            expected, rtol=1e-3, atol=1e-3
        )


def _folded(kernel, norm, **habits):
    """The folding with one bad habit, named by keyword."""
    root = (norm.running_var + norm.eps).sqrt()
    root = norm.running_var.sqrt() + norm.eps if habits.get("outside") else root
    root = (norm.running_var + 1e-5).sqrt() if habits.get("fixed_eps") else root
    root = norm.running_var + norm.eps if habits.get("no_root") else root
    scale = 1 / root if habits.get("no_weight") else norm.weight / root
    shift = norm.bias - norm.running_mean * scale
    shift = norm.bias - norm.running_mean if habits.get("bare_mean") else shift
    shift = norm.bias if habits.get("no_mean") else shift
    shift = norm.bias + norm.running_mean * scale if habits.get("plus") else shift
    shift = (norm.bias - norm.running_mean) * scale if habits.get("scaled_bias") else shift
    shift = -norm.running_mean * scale if habits.get("no_bias") else shift
    if habits.get("kernel_kept"):
        return kernel, shift
    axis = scale if habits.get("last_axis") else scale[:, None, None, None]
    axis = scale[:, None, None] if habits.get("inputs") else axis
    return kernel * axis, shift


@fold_batch_norm.mistake("The kernel is unchanged. Multiply output channel o of it by s[o].")
def kernel_kept(kernel, norm):
    return _folded(kernel, norm, kernel_kept=True)


@fold_batch_norm.mistake("The mean is missing from the bias: it becomes bias − mean · s.")
def mean_forgotten(kernel, norm):
    return _folded(kernel, norm, no_mean=True)


@fold_batch_norm.mistake(
    "The mean goes into the bias *scaled*: the norm subtracts it before it multiplies, so the bias "
    "is bias − mean · s."
)
def mean_unscaled(kernel, norm):
    return _folded(kernel, norm, bare_mean=True)


@fold_batch_norm.mistake("You scaled the norm's bias too. Only the mean is multiplied by s.")
def bias_scaled(kernel, norm):
    return _folded(kernel, norm, scaled_bias=True)


@fold_batch_norm.mistake("You added the mean. The norm subtracts it.")
def mean_added(kernel, norm):
    return _folded(kernel, norm, plus=True)


@fold_batch_norm.mistake("The norm's own bias is missing.")
def norm_bias_forgotten(kernel, norm):
    return _folded(kernel, norm, no_bias=True)


@fold_batch_norm.mistake("The norm's weight is missing: s = weight / √(variance + eps).")
def norm_weight_forgotten(kernel, norm):
    return _folded(kernel, norm, no_weight=True)


@fold_batch_norm.mistake("You divided by the variance. Divide by the root.")
def without_root(kernel, norm):
    return _folded(kernel, norm, no_root=True)


@fold_batch_norm.mistake("Your eps stands outside the root. It is added to the variance.")
def folded_eps_outside(kernel, norm):
    return _folded(kernel, norm, outside=True)


@fold_batch_norm.mistake("Your eps is always 1e-5. Use the norm's: `norm.eps`.")
def folded_fixed_eps(kernel, norm):
    return _folded(kernel, norm, fixed_eps=True)


@fold_batch_norm.mistake(
    "You scaled the *input* channels, axis 1 of the kernel. The norm follows the convolution: its "
    "channels are the output channels, axis 0."
)
def scaled_inputs(kernel, norm):
    return _folded(kernel, norm, inputs=True)


@fold_batch_norm.mistake(
    "Your scale met the last axis of the kernel, its columns. Output channels are axis 0: "
    "`scale[:, None, None, None]`."
)
def scaled_columns(kernel, norm):
    return _folded(kernel, norm, last_axis=True)


fold_batch_norm.hint("Write the norm as s · (number) + t. What are s and t?")


fold_batch_norm.hint("`scale[:, None, None, None]` has shape (o, 1, 1, 1).")


fold_batch_norm.hint("Channels of the norm are axis 0 of the kernel.", when="error")


fold_batch_norm.hint("Do the worked number: the bias must come out as −2.", when="value")


fold_batch_norm.hint("Do the worked number: the bias must come out as −2.", when="offset")
