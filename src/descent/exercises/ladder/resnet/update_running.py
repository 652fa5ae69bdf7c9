"""How `update_running` is judged."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import drawn_batch, positive

update_running = Exercise("update_running", minutes=10, difficulty=2, returns=tuple[Tensor, Tensor])


def _running(draw: Draw, x: Tensor, momentum: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Running statistics, and what torch makes of them with one batch."""
    mean, variance = normals(draw, x.shape[1]), positive(draw, x.shape[1])
    new_mean, new_variance = mean.clone(), variance.clone()
    F.batch_norm(x, new_mean, new_variance, training=True, momentum=momentum)
    return mean, variance, new_mean, new_variance


@update_running.property("moves towards the statistics of the batch of pictures", trials=4)
def _(answer, draw: Draw) -> None:
    channels, side = draw.integers(2, 5), (draw.integers(2, 4), draw.integers(2, 5))
    x, momentum = drawn_batch(draw, draw.size, channels, side), draw.choice([0.05, 0.3, 0.7])
    mean, variance, new_mean, new_variance = _running(draw, x, momentum)
    found = answer(mean, variance, x, momentum)
    expect(found[0], "the running mean").close_to(new_mean, rtol=1e-3)
    expect(found[1], "the running variance").close_to(new_variance, rtol=1e-3)


@update_running.property("does so for rows, and with momentum 0.1 unless told", trials=3)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, draw.size + 1, 4, ())
    mean, variance, new_mean, new_variance = _running(draw, x, 0.1)
    found = answer(mean, variance, x)
    expect(found[0], "the running mean").close_to(new_mean, rtol=1e-3)
    expect(found[1], "the running variance").close_to(new_variance, rtol=1e-3)


@update_running.property("works for two numbers in a channel, the fewest there are", trials=1)
def _(answer, draw: Draw) -> None:
    for shape in ((2, 3), (1, 3, 1, 2), (2, 3, 1, 1)):
        x = normals(draw, *shape)
        mean, variance, new_mean, new_variance = _running(draw, x, 0.3)
        found = answer(mean, variance, x, 0.3)
        expect(found[0], f"the running mean, x of shape {shape}").close_to(new_mean, rtol=1e-3)
        expect(found[1], f"the running variance, x of shape {shape}").close_to(
            new_variance, rtol=1e-3
        )


@update_running.property("keeps the old with momentum 0 and takes the new with 1", trials=1)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, 4, 2, ())
    mean, variance, _, _ = _running(draw, x, 0.1)
    for momentum, want in ((0.0, (mean, variance)), (1.0, (x.mean(0), x.var(0)))):
        found = answer(mean, variance, x, momentum)
        expect(found[0], f"the running mean, momentum {momentum}").close_to(want[0], rtol=1e-3)
        expect(found[1], f"the running variance, momentum {momentum}").close_to(want[1], rtol=1e-3)


@update_running.property("keeps no graph", trials=1)
def _(answer, draw: Draw) -> None:
    x = drawn_batch(draw, 4)
    mean, variance, _, _ = _running(draw, x, 0.1)
    found = answer(mean, variance, x.requires_grad_())
    attached = [int(isinstance(part, Tensor) and part.requires_grad) for part in found]
    expect(attached, "which of mean and variance hang on to a graph (1 is yes)").equals([0, 0])


@update_running.right
def right_update(running_mean, running_var, x, momentum=0.1):
    x = x.detach()
    axes = [0, *range(2, x.ndim)]
    mean = x.mean(axes)
    count = x.numel() / x.shape[1]
    variance = x.var(axes, correction=0) * count / (count - 1)
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * variance
    return new_mean, new_var


MIX_MEAN = "(1 - momentum) * running_mean + momentum * mean"
MIX_VAR = "(1 - momentum) * running_var + momentum * variance"


update_running.slip(
    "biased_into_running",
    "The biased variance went into the running one. The running variance estimates that of all "
    "pictures: multiply by m / (m − 1), or use torch's default `correction=1`.",
    {" * count / (count - 1)": ""},
)
update_running.slip(
    "momentum_reversed",
    "Your momentum is the wrong way round: here it is the weight of the *new* batch, and the old "
    "keeps 1 − momentum.",
    {
        MIX_MEAN: "momentum * running_mean + (1 - momentum) * mean",
        MIX_VAR: "momentum * running_var + (1 - momentum) * variance",
    },
)
update_running.slip(
    "momentum_fixed",
    "Your momentum is always 0.1. Use the one that was given.",
    {"    x = x.detach()\n": "    x, momentum = x.detach(), 0.1\n"},
)
update_running.slip(
    "zero_momentum_replaced",
    "Your momentum of 0 became 0.1: `momentum or …` and `if momentum` take 0 for nothing. With 0 "
    "nothing new comes in.",
    {"    x = x.detach()\n": "    x, momentum = x.detach(), momentum or 0.1\n"},
)
update_running.slip(
    "corrected_by_examples",
    "You corrected with the number of examples. The m of m / (m − 1) counts all numbers of a "
    "channel: n · height · width.",
    {
        "x.var(axes, correction=0) * count / (count - 1)": "x.var(axes, correction=0)\n"
        "    variance = variance * len(x) / (len(x) - 1 or 1e-12)"
    },
)
update_running.slip(
    "corrected_by_everything",
    "You corrected with the number of *all* numbers. The m of m / (m − 1) counts those of one "
    "channel: divide by how many channels there are.",
    {"x.numel() / x.shape[1]": "x.numel()"},
)
update_running.slip(
    "corrected_twice",
    "You corrected twice: torch's `var` divides by the count less one already. Take "
    "`correction=0` first, or leave out m / (m − 1).",
    {"x.var(axes, correction=0)": "x.var(axes)"},
)
update_running.slip(
    "correction_upside_down",
    "Your correction is upside down: multiply by m / (m − 1), which exceeds 1.",
    {"* count / (count - 1)": "* (count - 1) / count"},
)
update_running.slip(
    "correction_without_brackets",
    "Your brackets are missing: m / m − 1 is 0. Divide by (m − 1).",
    {"x.var(axes, correction=0) * count / (count - 1)": "x.var(axes, correction=0) * "
     "(count / count - 1)"},
)  # fmt: skip
update_running.slip(
    "never_forgets",
    "You forgot to forget: the old statistics are to be multiplied by 1 − momentum, or they grow "
    "for ever.",
    {
        "(1 - momentum) * running_mean": "running_mean",
        "(1 - momentum) * running_var": "running_var",
    },
)
update_running.slip(
    "whole_batch_added",
    "The new comes in whole: multiply the batch's statistics by momentum, as the old ones by "
    "1 − momentum.",
    {"momentum * mean": "mean", "momentum * variance": "variance"},
)
update_running.slip(
    "plain_average",
    "You took the plain average of old and new. The new batch has the weight momentum.",
    {MIX_MEAN: "(running_mean + mean) / 2", MIX_VAR: "(running_var + variance) / 2"},
)
update_running.slip(
    "replaced_by_batch",
    "You returned the batch's statistics. Mix them with the running ones.",
    {MIX_MEAN: "mean", MIX_VAR: "variance"},
)
update_running.slip(
    "mean_only",
    "The running variance did not move. Both statistics are updated.",
    {MIX_VAR: "running_var"},
)
update_running.slip(
    "corrects_the_old",
    "You multiplied the old running variance by m / (m − 1) too. Correct the batch's variance "
    "alone, before you mix it in.",
    {
        "correction=0) * count / (count - 1)": "correction=0)",
        MIX_VAR: f"({MIX_VAR}) * count / (count - 1)",
    },
)
update_running.slip(
    "mixed_deviations",
    "You mixed standard deviations. It is the variances that are averaged.",
    {
        MIX_VAR: "((1 - momentum) * running_var.sqrt() + momentum * variance.sqrt()) ** 2",
    },
)
update_running.slip(
    "deviation_mixed_in",
    "You mixed the batch's standard deviation into the running *variance*. Leave out the root.",
    {MIX_VAR: "(1 - momentum) * running_var + momentum * variance.sqrt()"},
)
update_running.slip(
    "variance_around_the_running_mean",
    "Your variance is measured from the running mean. It is the batch's own: from the mean of "
    "these numbers.",
    {
        "x.var(axes, correction=0)": "(x - running_mean.view(1, -1, *[1] * (x.ndim - 2)))"
        ".square().mean(axes)"
    },
)
update_running.slip(
    "variance_returned_first",
    "Variance and mean have changed places: return the mean first.",
    {"return new_mean, new_var": "return new_var, new_mean"},
)
update_running.slip(
    "keeps_the_graph",
    "Your running statistics hang on to the graph of the batch. Every batch would be kept in "
    "memory for ever: use `x.detach()`, or `torch.no_grad()`.",
    {"    x = x.detach()\n": ""},
)
update_running.slip(
    "variance_keeps_the_graph",
    "Your running variance hangs on to the graph of the batch. Detach what goes into it, too.",
    {
        "    x = x.detach()\n": "",
        "x.mean(axes)": "x.detach().mean(axes)",
    },
)
update_running.slip(
    "mean_keeps_the_graph",
    "Your running mean hangs on to the graph of the batch. Detach what goes into it, too.",
    {
        "    x = x.detach()\n": "",
        "x.var(axes": "x.detach().var(axes",
    },
)


update_running.hint("Statistics of the batch first; `channel_statistics` has them.")
update_running.hint("How many numbers has a channel? `x.numel() / x.shape[1]`.")
update_running.hint("New = (1 − momentum) · old + momentum · batch, for both.")
update_running.hint("Which of the two is off? The variance needs m / (m − 1).", when="value")
update_running.hint("`x.detach()` cuts the batch out of its graph.", when="keeps no graph")
