"""How `average_gradients` is judged: by the gradient of all examples at once."""

from __future__ import annotations

import torch

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Tensor, all_reduce, everywhere, numbers_sent

average_gradients = Exercise(
    "average_gradients", minutes=25, difficulty=2, returns=list[torch.Tensor]
)

_SHAPES = ((3,), (2, 4), (), (5,))
"""Their sizes rise and fall, so that no sorting leaves the order as it is."""


def _case(draw: Draw, examples: list[int], shapes=_SHAPES) -> tuple[list, list[Tensor]]:
    """Gradients of single examples: each process's means, and the mean over all examples.

    Processes without examples have NaN, as 0/0 gives it.
    """
    each = [[normals(draw, n, *shape) for shape in shapes] for n in examples]
    shares = [[g.mean(0) for g in mine] for mine in each]
    every = [torch.cat([mine[k] for mine in each]).mean(0) for k in range(len(shapes))]
    return shares, every


def _run(answer, shares, examples: list[int]):
    return everywhere(
        answer, len(examples), lambda rank, link: (shares[rank], examples[rank], link)
    )


def _expect_mean(answer, draw: Draw, examples: list[int], shapes=_SHAPES) -> None:
    shares, every = _case(draw, examples, shapes)
    found, _ = _run(answer, shares, examples)
    for rank, gradients in enumerate(found):
        expect(len(gradients), f"gradients in process {rank}").equals(len(every))
        for place, (got, want) in enumerate(zip(gradients, every, strict=False)):
            called = f"gradient {place} in process {rank} of shares {examples}"
            expect(got, called).close_to(want, atol=1e-5)


@average_gradients.property("is the mean where the shares are equal", trials=4)
def _(answer, draw: Draw) -> None:
    _expect_mean(answer, draw, [2 + draw.size % 2] * (1 + draw.size % 4), ((3,),))


@average_gradients.property("counts every example alike where the shares are uneven", trials=4)
def _(answer, draw: Draw) -> None:
    examples = [draw.integers(1, 4) for _ in range(1 + draw.size % 4)] + [7]
    _expect_mean(answer, draw, examples, ((3,),))


@average_gradients.property("gives every gradient its own piece back, in its shape", trials=3)
def _(answer, draw: Draw) -> None:
    _expect_mean(answer, draw, [1, 3, 2])


@average_gradients.property("is not spoilt by a process without examples", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_mean(answer, draw, [2, 0, 1])
    _expect_mean(answer, draw, [0, 3])


@average_gradients.property("takes nothing from a process without examples", trials=1)
def _(answer, draw: Draw) -> None:
    for anything in (float("inf"), -7.0, float("nan")):
        shares, every = _case(draw, [2, 0, 3], ((3,),))
        shares[1] = [torch.full((3,), anything)]
        for got, want in zip(_run(answer, shares, [2, 0, 3])[0][2], every, strict=False):
            called = f"the gradient where a process without examples holds {anything}"
            expect(got, called).close_to(want, atol=1e-5)


@average_gradients.property("hides no NaN of a process that has examples", trials=1)
def _(answer, draw: Draw) -> None:
    shares, every = _case(draw, [2, 0, 3], ((3,),))
    shares[2][0][1] = every[0][1] = float("nan")
    for rank, gradients in enumerate(_run(answer, shares, [2, 0, 3])[0]):
        called = f"the gradient in process {rank}, of which the second number is NaN in process 2"
        expect(gradients[0], called).close_to(every[0], atol=1e-5)


@average_gradients.property("exchanges everything at once", trials=1)
def _(answer, draw: Draw) -> None:
    examples = [2, 1, 4, 1]
    shares, _ = _case(draw, examples)
    _, links = _run(answer, shares, examples)
    expect(max(len(link.sent) for link in links), "messages that a process sends").is_between(1, 6)
    most = max(numbers_sent(link) for link in links)
    expect(most, "numbers that a process sends, for 17 in all and a count").is_between(1, 6 * 6)


@average_gradients.property("works in a process alone, and sends nothing", trials=1)
def _(answer, draw: Draw) -> None:
    shares, every = _case(draw, [3])
    found, links = _run(answer, shares, [3])
    for got, want in zip(found[0], every, strict=False):
        expect(got, "a gradient in a process alone").close_to(want, atol=1e-5)
    expect(len(links[0].sent), "messages of a process alone").equals(0)


@average_gradients.right
def right_average(gradients, examples, link):
    weighted = [g * examples if examples else torch.zeros_like(g) for g in gradients]
    count = torch.tensor([float(examples)])
    together = torch.cat([*(w.flatten() for w in weighted), count])
    total = all_reduce(together, link)
    mean = total[:-1] / total[-1]
    pieces = mean.split([g.numel() for g in gradients])
    return [piece.view_as(g) for piece, g in zip(pieces, gradients, strict=True)]


average_gradients.slip(
    "mean_of_means",
    "You averaged the processes, not the examples. A mean of means is the mean only where all "
    "shares are equal: an example in a small share counts too much. Weigh each process by its "
    "number of examples.",
    {
        "g * examples if examples else torch.zeros_like(g)": "g",
        "[float(examples)]": "[1.0]",
    },
)
average_gradients.slip(
    "empty_share_counts",
    "A process without examples is left out, as it should be, but all others count alike. Weigh "
    "each by its number of examples.",
    {"g * examples if": "g if", "[float(examples)]": "[float(examples > 0)]"},
)
average_gradients.slip(
    "nan_times_zero",
    "A process without examples has NaN for a gradient, and NaN · 0 is NaN. It spreads to "
    "everybody. Such a process has to give zeros.",
    {"g * examples if examples else torch.zeros_like(g)": "g * examples"},
)
average_gradients.slip(
    "not_divided",
    "You left the weighted sum. Divide by the number of examples in all processes.",
    {"total[:-1] / total[-1]": "total[:-1]"},
)
average_gradients.slip(
    "divided_by_own",
    "You divided by this process's own number of examples. The sum is over all of them.",
    {"total[:-1] / total[-1]": "total[:-1] / max(examples, 1)"},
)
average_gradients.slip(
    "divided_by_processes",
    "The weighted sum is divided by the number of processes. It has to be the number of all "
    "examples.",
    {"total[:-1] / total[-1]": "total[:-1] / link.size"},
)
average_gradients.slip(
    "divided_by_the_busy_ones",
    "The weighted sum is divided by the number of processes that had examples. It has to be the "
    "number of all examples.",
    {"[float(examples)]": "[float(examples > 0)]"},
)
average_gradients.slip(
    "not_weighted",
    "The processes' means are added unweighted and divided by the number of examples. A mean times "
    "its number of examples is a sum: that is what has to be added.",
    {"g * examples if": "g if"},
)
average_gradients.slip(
    "in_other_order",
    "The pieces went back in another order. Take them from the long vector as you laid them there.",
    {"for w in weighted": "for w in reversed(weighted)"},
)

average_gradients.slip(
    "mean_of_means_and_zeros",
    "You averaged the processes, not the examples, and one without examples counts as a gradient "
    "of 0. Weigh each process by its number of examples.",
    {"g * examples if": "g if", "[float(examples)]": "[1.0]"},
)
average_gradients.slip(
    "divided_by_processes_unweighted",
    "You averaged the processes, not the examples: an example in a small share counts too much. "
    "Weigh each process by its number of examples, and send that along.",
    {
        "g * examples if": "g if",
        "*(w.flatten() for w in weighted), count": "*(w.flatten() for w in weighted)",
        "total[:-1] / total[-1]": "total / link.size",
    },
)
average_gradients.slip(
    "hides_every_nan",
    "You turn every NaN into 0, also those of processes that have examples. There a NaN is a "
    "training gone wrong, and has to show: ask for `examples`, not for NaN.",
    {"g * examples if examples else torch.zeros_like(g)": "g.nan_to_num() * examples"},
)
average_gradients.slip(
    "nan_only",
    "You replace NaN, and a process without examples may hold anything: infinity · 0 is NaN too. "
    "Such a process has to give zeros.",
    {
        "g * examples if examples else torch.zeros_like(g)": (
            "torch.where(g.isnan(), 0.0, g) * examples"
        )
    },
)
average_gradients.slip(
    "sum_without_a_count",
    "You left the weighted sum, and exchanged no number of examples. Send the count along, and "
    "divide by the sum of the counts.",
    {
        "*(w.flatten() for w in weighted), count": "*(w.flatten() for w in weighted)",
        "total[:-1] / total[-1]": "total",
    },
)
average_gradients.slip(
    "own_count_times_processes",
    "You divided by this process's own number of examples times p. Other processes may have more "
    "or fewer: add the numbers up over all.",
    {"total[:-1] / total[-1]": "total[:-1] / max(examples * link.size, 1)"},
)
average_gradients.slip(
    "stays_away",
    "A process without examples does not take part in the exchange. The others wait for it for "
    "ever: it has to send zeros.",
    {
        "    weighted = [": (
            "    if examples == 0:\n        return [torch.zeros_like(g) for g in gradients]\n"
            "    weighted = ["
        )
    },
)


@average_gradients.mistake(
    "You exchanged every gradient by itself. A model has hundreds, and each exchange pays for "
    "2(p − 1) messages: lay all of them end to end, the number of examples too, and exchange once."
)
def one_by_one(gradients, examples, link):
    count = all_reduce(torch.tensor([float(examples)]), link)
    weighted = [g * examples if examples else torch.zeros_like(g) for g in gradients]
    return [
        all_reduce(w, link) / count.view([1] * w.dim())
        if w.dim()
        else all_reduce(w.view(1), link)[0] / count[0]
        for w in weighted
    ]


@average_gradients.mistake(
    "You exchanged the number of examples by itself. It can travel in the same vector as the "
    "gradients, as one number more: one exchange, 2(p − 1) messages."
)
def count_by_itself(gradients, examples, link):
    count = all_reduce(torch.tensor([float(examples)]), link)
    weighted = [g * examples if examples else torch.zeros_like(g) for g in gradients]
    total = all_reduce(torch.cat([w.flatten() for w in weighted]), link) / count
    pieces = total.split([g.numel() for g in gradients])
    return [piece.view_as(g) for piece, g in zip(pieces, gradients, strict=True)]


@average_gradients.mistake(
    "You exchanged every gradient by itself, each with its count. A model has hundreds, and each "
    "exchange costs 2(p − 1) messages: lay all of them end to end and exchange once."
)
def one_by_one_with_counts(gradients, examples, link):
    found = []
    for g in gradients:
        weighted = g * examples if examples else torch.zeros_like(g)
        vector = torch.cat([weighted.flatten(), torch.tensor([float(examples)])])
        total = all_reduce(vector, link)
        found.append((total[:-1] / total[-1]).view_as(g))
    return found


average_gradients.slip(
    "flat",
    "The pieces are still flat. Give each the shape of its gradient back.",
    {"piece.view_as(g)": "piece"},
)

average_gradients.hint(
    "Two processes with 3 and 1 examples: which weights make every example count alike?"
)
average_gradients.hint("A mean times the number of its examples is a sum, and sums can be added.")
average_gradients.hint(
    "The number of examples can travel in the same vector as the gradients, as its last entry. "
    "After the exchange the last entry is the number of them all.",
)
average_gradients.hint("What is 0/0, and what is it times 0?", when="nan")
average_gradients.hint("By which number do you divide?", when="factor")

for _weaker in ("", ", strict=False"):
    average_gradients.equivalent(
        "`return [piece.view_as(gradient) for piece, gradient in zip(pieces, gradients, "
        "strict=True)]` → `return [piece.view_as(gradient) for piece, gradient in "
        f"zip(pieces, gradients{_weaker})]`",
        because="there are as many pieces as gradients",
    )
