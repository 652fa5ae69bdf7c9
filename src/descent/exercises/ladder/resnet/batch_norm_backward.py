"""How `batch_norm_backward` is judged."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import affine, drawn_batch

batch_norm_backward = Exercise(
    "batch_norm_backward", minutes=25, difficulty=3, returns=tuple[Tensor, Tensor, Tensor]
)


def _gradients(g: Tensor, x: Tensor, weight: Tensor, eps: float = 1e-5) -> list[Tensor]:
    """What torch's autograd says, in double precision."""
    with torch.enable_grad():
        wide = [part.double().requires_grad_() for part in (x, weight, torch.zeros_like(weight))]
        y = F.batch_norm(wide[0], None, None, wide[1], wide[2], training=True, eps=eps)
        return list(torch.autograd.grad((y * g.double()).sum(), wide))


def _drawn(
    draw: Draw, n: int, channels: int, side: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """A gradient from above, inputs and weights; of the weights the first is negative."""
    x, weight = drawn_batch(draw, n, channels, side), affine(draw, channels)[2]
    return normals(draw, *x.shape) + 0.5, x, weight


def _expect_at_x(found: tuple[Tensor, ...], wanted: list[Tensor]) -> None:
    expect(found[0], "the gradient at x").close_to(wanted[0], rtol=1e-3, atol=2e-4)


def _expect_nothing(at_x: Tensor) -> None:
    """Expect zeros. What rounding leaves of them is anybody's, and is taken off."""
    expect(torch.round(at_x, decimals=3) + 0.0, "the gradient at x").close_to(
        torch.zeros_like(at_x), atol=2e-3
    )


def _side(draw: Draw) -> tuple[int, int]:
    return draw.integers(2, 4), draw.integers(3, 5)


@batch_norm_backward.property("is the gradient at x, for rows", trials=4)
def _(answer, draw: Draw) -> None:
    given = _drawn(draw, draw.size + 2, draw.integers(2, 5), ())
    _expect_at_x(answer(*given), _gradients(*given))


@batch_norm_backward.property("is the gradient at x, for pictures", trials=3)
def _(answer, draw: Draw) -> None:
    given = _drawn(draw, draw.size, draw.integers(2, 5), _side(draw))
    _expect_at_x(answer(*given), _gradients(*given))


@batch_norm_backward.property("is the gradient at weight, for rows and pictures", trials=2)
def _(answer, draw: Draw) -> None:
    for side in ((), _side(draw)):
        given = _drawn(draw, draw.size + 2, 3, side)
        expect(answer(*given)[1], "the gradient at weight").close_to(
            _gradients(*given)[1], rtol=1e-3, atol=1e-3
        )


@batch_norm_backward.property("is the gradient at bias, for rows and pictures", trials=2)
def _(answer, draw: Draw) -> None:
    for side in ((), _side(draw)):
        given = _drawn(draw, draw.size + 2, 3, side)
        expect(answer(*given)[2], "the gradient at bias").close_to(
            _gradients(*given)[2], rtol=1e-3, atol=1e-3
        )


@batch_norm_backward.property("tells channels from examples, rows and columns, three of each", 1)
def _(answer, draw: Draw) -> None:
    for side in ((3, 3), ()):
        given = _drawn(draw, 3, 3, side)
        for name, found, wanted in zip(
            ("x", "weight", "bias"), answer(*given), _gradients(*given), strict=False
        ):
            expect(found, f"the gradient at {name}").close_to(wanted, rtol=1e-3, atol=1e-3)


@batch_norm_backward.property("gives x nothing where all of a channel is to rise alike", trials=1)
def _(answer, draw: Draw) -> None:
    _, x, weight = _drawn(draw, 4, 3, (2, 2))
    alike = normals(draw, 1, 3, 1, 1).expand_as(x).contiguous() + 2
    _expect_nothing(answer(alike, x, weight)[0])


@batch_norm_backward.property("gives x nothing where a channel is to be stretched", trials=1)
def _(answer, draw: Draw) -> None:
    _, x, weight = _drawn(draw, 5, 3, ())
    stretch = (x - x.mean(0)) / x.std(0, correction=0)  # what goes along with x̂
    _expect_nothing(answer(stretch, x, weight)[0])


@batch_norm_backward.property("uses the eps it was given, and 1e-5 unless told", trials=1)
def _(answer, draw: Draw) -> None:
    g, x, weight = _drawn(draw, 4, 3, ())
    for eps in (4.0, 0.3):
        wanted = _gradients(g, x, weight, eps)
        found = answer(g, x, weight, eps)
        _expect_at_x(found, wanted)
        expect(found[1], "the gradient at weight").close_to(wanted[1], rtol=1e-3)
    small = 1e-2 * (x - x.mean(0))  # so small a variance that 1e-5 is seen
    expect(answer(g, small, weight)[0], "the gradient at x, eps not given").close_to(
        _gradients(g, small, weight)[0], rtol=2e-3
    )


@batch_norm_backward.property("is right for a channel that is everywhere the same", trials=1)
def _(answer, draw: Draw) -> None:
    g, x, weight = _drawn(draw, 4, 2, ())
    x[:, 1] = 1.5
    for found, wanted in zip(answer(g, x, weight), _gradients(g, x, weight), strict=False):
        expect(found, "a gradient").close_to(wanted, rtol=1e-3)


@batch_norm_backward.property("is right where a weight is 0", trials=1)
def _(answer, draw: Draw) -> None:
    g, x, weight = _drawn(draw, 4, 3, ())
    weight[1] = 0.0
    for found, wanted in zip(answer(g, x, weight), _gradients(g, x, weight), strict=False):
        expect(found, "a gradient").close_to(wanted, rtol=1e-3, atol=2e-4)


@batch_norm_backward.property("needs no autograd: no gradients are recorded", trials=1)
def _(answer, draw: Draw) -> None:
    given = _drawn(draw, 4, 3, ())
    with torch.no_grad():
        _expect_at_x(answer(*given), _gradients(*given))


@batch_norm_backward.right
def right_backward(upstream, x, weight, eps=1e-5):
    axes = [0, *range(2, x.ndim)]
    weight = weight.view(1, -1, *[1] * (x.ndim - 2))
    mean = x.mean(axes, keepdim=True)
    variance = x.var(axes, correction=0, keepdim=True)
    root = torch.sqrt(variance + eps)
    x_hat = (x - mean) / root
    inner = upstream * weight
    shared = inner.mean(axes, keepdim=True)
    along = (inner * x_hat).mean(axes, keepdim=True)
    at_x = (inner - shared - x_hat * along) / root
    at_weight = (upstream * x_hat).sum(axes)
    at_bias = upstream.sum(axes)
    return at_x, at_weight, at_bias


AT_X = "(inner - shared - x_hat * along) / root"


batch_norm_backward.slip(
    "mean_path_forgotten",
    "The path through the mean is missing. x[j] moves μ by 1/m, and μ moves every x̂: subtract "
    "the mean of γ · g.",
    {"inner - shared - x_hat": "inner - x_hat"},
)
batch_norm_backward.slip(
    "variance_path_forgotten",
    "The path through the variance is missing. x[j] moves σ² too, and σ² moves every x̂: "
    "subtract x̂ times the mean of γ · g · x̂.",
    {" - x_hat * along": ""},
)
batch_norm_backward.slip(
    "statistics_as_constants",
    "You took μ and σ² for constants. Both are made of x: the paths through them take out what "
    "the batch shares and what goes along with x̂.",
    {"inner - shared - x_hat * along": "inner"},
)
batch_norm_backward.slip(
    "mean_path_added",
    "You added the path through the mean. A larger μ makes every x̂ smaller: subtract.",
    {"inner - shared": "inner + shared"},
)
batch_norm_backward.slip(
    "variance_path_added",
    "You added the path through the variance. A larger σ² pulls every x̂ towards 0: subtract.",
    {"- x_hat * along": "+ x_hat * along"},
)
batch_norm_backward.slip(
    "paths_not_averaged",
    "You added up along the two paths and did not divide by m. x[j] is one of m numbers: it "
    "moves μ by 1/m only.",
    {"inner.mean(axes": "inner.sum(axes", "(inner * x_hat).mean": "(inner * x_hat).sum"},
)
batch_norm_backward.slip(
    "averaged_over_examples",
    "You divided by the number of examples. A channel of pictures has m = n · height · width "
    "numbers.",
    {
        "    at_x =": "    pixels = x[0, 0].numel()\n"
        "    shared, along = shared * pixels, along * pixels\n    at_x ="
    },
)
batch_norm_backward.slip(
    "unbiased_variance",
    "You divided by the count less one in the variance. The batch is normalised with the biased "
    "one, divided by m: `correction=0`.",
    {"correction=0": "correction=1"},
)
batch_norm_backward.slip(
    "paths_by_one_less",
    "You divided the two paths by m − 1. Mean and biased variance are both divided by m.",
    {
        "    at_x =": "    count = x.numel() / x.shape[1]\n    factor = count / (count - 1)\n"
        "    shared, along = shared * factor, along * factor\n    at_x ="
    },
)
batch_norm_backward.slip(
    "variance_path_doubled",
    "Your path through the variance is twice too strong: the 2 of the square meets the ½ of the "
    "root.",
    {"x_hat * along": "2 * x_hat * along"},
)
batch_norm_backward.slip(
    "variance_path_halved",
    "Your path through the variance is half as strong as it is: the ½ of the root meets the 2 "
    "of the square.",
    {"x_hat * along": "x_hat * along / 2"},
)
batch_norm_backward.slip(
    "x_in_the_variance_path",
    "You multiplied the mean of γ · g · x̂ by x. It is x̂, the normalised number.",
    {"x_hat * along": "x * along"},
)
batch_norm_backward.slip(
    "deviation_in_the_variance_path",
    "You multiplied the mean of γ · g · x̂ by x − μ. It is x̂: divide by s once more.",
    {"x_hat * along": "(x - mean) * along"},
)
batch_norm_backward.slip(
    "along_without_x_hat",
    "In the path through the variance you averaged γ · g alone. It is the mean of γ · g · x̂, "
    "times x̂.",
    {"(inner * x_hat).mean": "inner.mean"},
)
batch_norm_backward.slip(
    "shared_without_weight",
    "You averaged g and not γ · g for the path through the mean. Everything at x̂ carries γ.",
    {"shared = inner": "shared = upstream"},
)
batch_norm_backward.slip(
    "weight_forgotten",
    "The weight is missing in the gradient at x: at x̂ arrives γ · g.",
    {"upstream * weight": "upstream"},
)
batch_norm_backward.slip(
    "weight_below_the_line",
    "You divided by the weight. The layer multiplies by it, and so does the way back.",
    {"upstream * weight": "upstream / weight"},
)
batch_norm_backward.slip(
    "not_divided",
    "The division by s is missing in the gradient at x: x̂ = (x − μ) / s.",
    {AT_X: "inner - shared - x_hat * along"},
)
batch_norm_backward.slip(
    "divided_by_the_variance",
    "You divided the gradient at x by the variance. Divide by its root, s.",
    {AT_X: "(inner - shared - x_hat * along) / root**2"},
)
batch_norm_backward.slip(
    "direct_path_alone_divided",
    "Only the direct path was divided by s, or only the last: put all three into brackets.",
    {AT_X: "inner - shared - x_hat * along / root"},
)
batch_norm_backward.slip(
    "multiplied_by_the_root",
    "You multiplied by s. Divide by it.",
    {AT_X: "(inner - shared - x_hat * along) * root"},
)
batch_norm_backward.slip(
    "eps_outside",
    "Your eps stands outside the root: s = √(σ² + eps).",
    {"torch.sqrt(variance + eps)": "torch.sqrt(variance) + eps"},
)
batch_norm_backward.slip(
    "eps_forgotten",
    "There is no eps in s: a channel that is everywhere the same divides by 0.",
    {"variance + eps": "variance"},
)
batch_norm_backward.slip(
    "eps_fixed",
    "Your eps is always 1e-5. Use the one that was given.",
    {"variance + eps": "variance + 1e-5"},
)
batch_norm_backward.slip(
    "x_hat_without_eps",
    "Your x̂ has no eps and the division at the end has. Both use the same s = √(σ² + eps).",
    {"(x - mean) / root": "(x - mean) / variance.clamp(min=1e-30).sqrt()"},
)
batch_norm_backward.slip(
    "weight_gradient_with_x",
    "For the gradient at weight you multiplied g by x. The weight multiplies x̂: sum g · x̂.",
    {"(upstream * x_hat).sum": "(upstream * x).sum"},
)
batch_norm_backward.slip(
    "weight_gradient_with_weight",
    "Your gradient at weight carries the weight itself. y = γ · x̂ + β: its slope in γ is x̂.",
    {"(upstream * x_hat).sum": "(inner * x_hat).sum"},
)
batch_norm_backward.slip(
    "bias_gradient_with_weight",
    "Your gradient at bias carries the weight. The bias is added behind it: sum g alone.",
    {"at_bias = upstream": "at_bias = inner"},
)
batch_norm_backward.slip(
    "parameters_averaged",
    "You averaged over the batch for weight and bias. One weight serves all m numbers: add up.",
    {
        "(upstream * x_hat).sum": "(upstream * x_hat).mean",
        "at_bias = upstream.sum": "at_bias = upstream.mean",
    },
)
batch_norm_backward.slip(
    "parameters_per_pixel",
    "For weight and bias you added up over the examples alone. A channel of pictures has one "
    "weight for all its pixels: height and width too.",
    {
        "(upstream * x_hat).sum(axes)": "(upstream * x_hat).sum(0)",
        "upstream.sum(axes)": "upstream.sum(0)",
    },
)
batch_norm_backward.slip(
    "statistics_per_pixel",
    "You summed over the examples alone, so that each pixel has its own mean. A channel's "
    "pixels share theirs: height and width too.",
    {"[0, *range(2, x.ndim)]": "[0]"},
)
batch_norm_backward.slip(
    "statistics_per_example",
    "You summed within each example. Batch norm sums over the examples: every axis but 1.",
    {"[0, *range(2, x.ndim)]": "list(range(1, x.ndim))"},
)
batch_norm_backward.slip(
    "kept_axes",
    "Your gradients at weight and bias kept the summed axes as axes of size 1. Their shape is "
    "(c,).",
    {
        "(upstream * x_hat).sum(axes)": "(upstream * x_hat).sum(axes, keepdim=True)",
        "upstream.sum(axes)": "upstream.sum(axes, keepdim=True)",
    },
)
batch_norm_backward.slip(
    "bias_returned_before_weight",
    "The gradients at weight and bias have changed places: x, weight, bias.",
    {"at_x, at_weight, at_bias": "at_x, at_bias, at_weight"},
)
batch_norm_backward.slip(
    "x_returned_last",
    "The gradient at x comes last. Return x, weight, bias in this order.",
    {"at_x, at_weight, at_bias": "at_weight, at_bias, at_x"},
)


@batch_norm_backward.mistake(
    "You let autograd work it out. The task is to do it by hand: the check calls you where no "
    "gradients are recorded."
)
def by_autograd(upstream, x, weight, eps=1e-5):
    x = x.detach().clone().requires_grad_()
    weight = weight.detach().clone().requires_grad_()
    bias = torch.zeros_like(weight, requires_grad=True)
    y = F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
    (y * upstream).sum().backward()
    return x.grad, weight.grad, bias.grad


batch_norm_backward.hint("Forwards first: mean, variance, s and x̂, each with a shape that meets x.")
batch_norm_backward.hint("`keepdim=True` keeps the summed axes, so that the means meet x again.")
batch_norm_backward.hint("Then γ · g, its mean, and the mean of its product with x̂.")
batch_norm_backward.hint("Check: the gradient at x sums to 0 over the batch, in each channel.")
batch_norm_backward.hint(
    "Rows −1.22, 0, 1.22 with γ = 3 and g = (1, 0, 0) give 0.5, −1, 0.5 at x.", when="value"
)
batch_norm_backward.hint("Which of the two sums is missing, or not an average?", when="offset")
batch_norm_backward.hint(
    "At weight and bias the shape is (c,): sum over all axes but 1.", when="shape"
)
batch_norm_backward.hint(
    "A weight of shape (c,) meets pictures as (1, c, 1, 1): `weight.view(1, -1, 1, 1)`.",
    when="error",
)
batch_norm_backward.hint(
    "The formulas of the page need sums and products only; no `backward`, no `grad`.",
    when="needs no autograd: no gradients are recorded",
)
