"""How `ParallelPair` is judged: by the two whole layers in one process, with autograd."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect
from descent.training.links import Link

from .shared import Tensor, all_reduce, everywhere, numbers_sent

ParallelPair = Exercise("ParallelPair", minutes=40, difficulty=3)


class _Layers:
    """Two whole layers, an input, and the gradient of the output."""

    def __init__(self, draw: Draw, wide: int, inputs: int = 3, outputs: int = 2, rows: int = 4):
        self.first, self.second = nn.Linear(inputs, wide), nn.Linear(wide, outputs)
        with torch.no_grad():
            for values in (*self.first.parameters(), *self.second.parameters()):
                values.copy_(normals(draw, *values.shape) + 0.05)
        self.x = normals(draw, rows, inputs)
        self.grad = normals(draw, rows, outputs)

    def alone(self) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Output, gradient of the input and of the four parameters, from one process."""
        parameters = [*self.first.parameters(), *self.second.parameters()]
        x = self.x.clone().requires_grad_()
        y = self.second(torch.relu(self.first(x)))
        slopes = torch.autograd.grad(y, [x, *parameters], self.grad)
        return y.detach(), slopes[0], list(slopes[1:])

    def parts(self, rank: int, p: int, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The share of a process: hidden units by number, the output's bias whole."""
        wide = self.first.out_features
        each, more = divmod(wide, p)
        begin = rank * each + min(rank, more)
        own = slice(begin, begin + each + (rank < more))
        first, first_bias, second, second_bias = tensors
        return [first[own], first_bias[own], second[:, own], second_bias]


class _Came:
    """What an answer made of them in p processes."""

    def __init__(self, answer, layers: _Layers, p: int, twice: bool = False) -> None:
        self.with_graph = [0] * p
        self.sent = [[0, 0] for _ in range(p)]
        self.numbers = [[0, 0] for _ in range(p)]

        def one(rank: int, link: Link):
            pair = answer(layers.first, layers.second, link)
            shares = [values.detach().clone() for values in pair.shares]
            self.with_graph[rank] = sum(values.requires_grad for values in pair.shares)
            marks = [(len(link.sent), numbers_sent(link))]
            with torch.no_grad():
                if twice:  # what went before is of no account
                    pair.forward(3.0 - layers.x[:-1])
                    marks = [(len(link.sent), numbers_sent(link))]
                y = pair.forward(layers.x.clone())
                marks.append((len(link.sent), numbers_sent(link)))
                back = pair.backward(layers.grad.clone())
            marks.append((len(link.sent), numbers_sent(link)))
            for half in (0, 1):
                self.sent[rank][half] = marks[half + 1][0] - marks[half][0]
                self.numbers[rank][half] = marks[half + 1][1] - marks[half][1]
            return shares, y, back

        found, _ = everywhere(one, p, lambda rank, link: (rank, link))
        self.shares = [there[0] for there in found]
        self.outputs = [there[1] for there in found]
        self.backs = [there[2] for there in found]


_NAMES = ("the first weight", "the first bias", "the second weight", "the second bias")


@ParallelPair.property("keeps a share of the hidden units, and no more", trials=3)
def _(answer, draw: Draw) -> None:
    for p, wide in ((2, 4 + draw.size), (3, 7), (1, 3)):
        layers = _Layers(draw, wide)
        came = _Came(answer, layers, p)
        whole = [*layers.first.parameters(), *layers.second.parameters()]
        for rank in range(p):
            wanted = layers.parts(rank, p, whole)
            for name, got, want in zip(_NAMES, came.shares[rank], wanted, strict=True):
                expect(got, f"{name} of process {rank}").close_to(want.detach(), rtol=0, atol=0)
        expect(came.with_graph, "shares with a graph, in each process").equals([0] * p)


@ParallelPair.property("gives every process the output of the two whole layers", trials=4)
def _(answer, draw: Draw) -> None:
    p = 1 + draw.size % 4
    layers = _Layers(draw, p + draw.size % 5)
    came = _Came(answer, layers, p)
    for rank in range(p):
        expect(came.outputs[rank], f"the output in process {rank} of {p}").close_to(
            layers.alone()[0], atol=1e-5
        )


@ParallelPair.property("gives every process the gradient of the input", trials=4)
def _(answer, draw: Draw) -> None:
    p = 1 + draw.size % 4
    layers = _Layers(draw, p + 2 + draw.size % 5)
    came = _Came(answer, layers, p)
    for rank in range(p):
        expect(came.backs[rank][0], f"the gradient of x in process {rank} of {p}").close_to(
            layers.alone()[1], atol=1e-5
        )


@ParallelPair.property("gives every process the gradients of its own share", trials=3)
def _(answer, draw: Draw) -> None:
    for p in (1, 2, 3):
        layers = _Layers(draw, 5 + draw.size % 3)
        came = _Came(answer, layers, p, twice=draw.size > 1)
        for rank in range(p):
            wanted = layers.parts(rank, p, layers.alone()[2])
            for name, got, want in zip(_NAMES, came.backs[rank][1], wanted, strict=True):
                expect(got, f"the gradient of {name} in process {rank} of {p}").close_to(
                    want, atol=1e-5
                )


@ParallelPair.property("makes one all-reduce forward and one backward", trials=1)
def _(answer, draw: Draw) -> None:
    p = 3
    layers = _Layers(draw, 9, inputs=6, outputs=3, rows=2)  # 12 numbers in x, 6 in the output
    came = _Came(answer, layers, p)
    most = [max(numbers) for numbers in zip(*came.numbers, strict=True)]
    expect(most[0], "numbers that a process sends forward, with 6 in the output").is_between(1, 8)
    expect(most[1], "numbers that a process sends backward, with 12 in x").is_between(1, 16)
    messages = [max(sent) for sent in zip(*came.sent, strict=True)]
    expect(messages, "messages of a process, forward and backward").equals([4, 4])


@ParallelPair.property("works where a process has no hidden unit", trials=1)
def _(answer, draw: Draw) -> None:
    layers = _Layers(draw, 2)
    came = _Came(answer, layers, 3)
    expect(came.outputs[2], "the output in process 2, without a hidden unit").close_to(
        layers.alone()[0], atol=1e-5
    )


@ParallelPair.right
class RightPair:
    def __init__(self, first, second, link):
        p, rank, self.link = link.size, link.rank, link
        weight = first.weight.detach().tensor_split(p)[rank]
        bias = first.bias.detach().tensor_split(p)[rank]
        columns = second.weight.detach().tensor_split(p, dim=1)[rank]
        self.shares = [weight, bias, columns, second.bias.detach()]

    def forward(self, x):
        first, first_bias, second, second_bias = self.shares
        self.x, self.hidden = x, torch.relu(x @ first.T + first_bias)
        return all_reduce(self.hidden @ second.T, self.link) + second_bias

    def backward(self, grad):
        first, _, second, _ = self.shares
        back = (grad @ second) * (self.hidden > 0)
        slopes = [back.T @ self.x, back.sum(0), grad.T @ self.hidden, grad.sum(0)]
        return all_reduce(back @ first, self.link), slopes


ParallelPair.slip(
    "BiasInEach",
    "The output's bias is added in every process before the sum, so it counts p times. Add it "
    "once, after the all-reduce.",
    {
        "all_reduce(self.hidden @ second.T, self.link) + second_bias": (
            "all_reduce(self.hidden @ second.T + second_bias, self.link)"
        )
    },
)
ParallelPair.slip(
    "NoSumForward",
    "Each process has the part of the output that comes from its own hidden units. The output is "
    "the sum of these parts: an all-reduce is missing.",
    {"all_reduce(self.hidden @ second.T, self.link)": "self.hidden @ second.T"},
)
ParallelPair.slip(
    "NoSumBackward",
    "The gradient of x is only what comes through this process's hidden units. x goes into all of "
    "them, so its gradient is the sum over the processes.",
    {"all_reduce(back @ first, self.link)": "back @ first"},
)
ParallelPair.slip(
    "SumsTheOwnGradients",
    "You added the gradient of the second weight up over the processes. Each has other columns of "
    "it: the gradient of a share is whole where it is.",
    {"grad.T @ self.hidden,": "all_reduce(grad.T @ self.hidden, self.link),"},
)
ParallelPair.slip(
    "BiasGradientSummed",
    "You added the gradient of the output's bias up over the processes. Every process has the "
    "whole of it already: the output, and its gradient, is the same everywhere.",
    {"grad.sum(0)]": "all_reduce(grad.sum(0), self.link)]"},
)
ParallelPair.slip(
    "ReluForgotten",
    "The gradient goes back through hidden units that were off. Where the ReLU gave 0 it lets "
    "nothing through.",
    {" * (self.hidden > 0)": ""},
)
ParallelPair.slip(
    "OtherHalf",
    "The rows of the first weight and the columns of the second belong to different hidden units. "
    "A process has to have both sides of the same ones.",
    {"tensor_split(p, dim=1)[rank]": "tensor_split(p, dim=1)[p - 1 - rank]"},
)
ParallelPair.slip(
    "Averages",
    "You divided by the number of processes. The parts of the output are added, and not averaged.",
    {
        "all_reduce(self.hidden @ second.T, self.link)": (
            "all_reduce(self.hidden @ second.T, self.link) / self.link.size"
        )
    },
)
ParallelPair.slip(
    "BiasWholeInFirst",
    "The first bias is kept whole. Each hidden unit has its own: take those of this process's "
    "units.",
    {"first.bias.detach().tensor_split(p)[rank]": "first.bias.detach()"},
)
ParallelPair.slip(
    "KeepsTheGraph",
    "The shares still hang on the graph of the whole layers, and keep these alive. Take them by "
    "detach().",
    {
        "first.weight.detach()": "first.weight",
        "first.bias.detach()": "first.bias",
        "second.weight.detach()": "second.weight",
        "second.bias.detach()": "second.bias",
    },
)
ParallelPair.slip(
    "FirstInputKept",
    "backward goes back through the first input of all. It is the latest call of forward that "
    "counts: keep its x every time.",
    {"self.x, self.hidden = x,": "self.x, self.hidden = getattr(self, 'x', x),"},
)

ParallelPair.slip(
    "MeanOverTheBatch",
    "The gradients of the biases are means over the batch. The loss's mean is in `grad` already: "
    "add the rows up.",
    {"back.sum(0)": "back.mean(0)", "grad.sum(0)]": "grad.mean(0)]"},
)
ParallelPair.slip(
    "AllDividedByTheBatch",
    "You divided the gradients of the share by the rows of the batch. The loss's mean is in `grad` "
    "already: add the rows up.",
    {
        "back.T @ self.x, back.sum(0), grad.T @ self.hidden, grad.sum(0)": (
            "back.T @ self.x / len(grad), back.mean(0), grad.T @ self.hidden / len(grad), "
            "grad.mean(0)"
        )
    },
)
ParallelPair.slip(
    "BiasGradientDivided",
    "You divided the gradient of the output's bias by the number of processes. Every process has "
    "the whole bias, and its whole gradient.",
    {"grad.sum(0)]": "grad.sum(0) / self.link.size]"},
)
ParallelPair.slip(
    "WeightGradientsTurned",
    "The gradients of the weights are transposed. Each has the shape of its weight.",
    {"back.T @ self.x": "self.x.T @ back", "grad.T @ self.hidden": "self.hidden.T @ grad"},
)
ParallelPair.slip(
    "NoRelu",
    "There is no ReLU between the two layers. Two linear layers without it are one.",
    {"torch.relu(x @ first.T + first_bias)": "x @ first.T + first_bias"},
)
ParallelPair.slip(
    "ReluAfterTheSum",
    "The ReLU stands behind the second layer. It belongs between the two, on the hidden units.",
    {
        "torch.relu(x @ first.T + first_bias)": "x @ first.T + first_bias",
        "return all_reduce(self.hidden @ second.T, self.link) + second_bias": (
            "return torch.relu(all_reduce(self.hidden @ second.T, self.link) + second_bias)"
        ),
    },
)
ParallelPair.slip(
    "SecondCutByRows",
    "You cut the second weight by rows, which are outputs. Hidden units are its columns: cut along "
    "dimension 1.",
    {"tensor_split(p, dim=1)": "tensor_split(p)"},
)
ParallelPair.slip(
    "Chunks",
    "`chunk(p)` rounds the lengths up and may make fewer than p parts. `tensor_split(p)` makes p "
    "of nearly equal length.",
    {
        "first.weight.detach().tensor_split(p)": "first.weight.detach().chunk(p)",
        "first.bias.detach().tensor_split(p)": "first.bias.detach().chunk(p)",
        "tensor_split(p, dim=1)": "chunk(p, dim=1)",
    },
)
ParallelPair.slip(
    "BiasDivided",
    "Each process keeps a p-th of the output's bias, so that the sum has it once. The page asks "
    "for the whole bias in every process, added after the sum.",
    {
        "second.bias.detach()]": "second.bias.detach() / p]",
        "all_reduce(self.hidden @ second.T, self.link) + second_bias": (
            "all_reduce(self.hidden @ second.T + second_bias, self.link)"
        ),
    },
)
ParallelPair.slip(
    "BeforeTheRelu",
    "The gradient of the second weight is taken with what goes into the ReLU. What the second "
    "layer was given is what comes out of it.",
    {"grad.T @ self.hidden": "grad.T @ (self.x @ first.T + self.shares[1])"},
)
ParallelPair.slip(
    "InputGradientAveraged",
    "You averaged the gradient of x. x goes into all hidden units, and what comes back from them "
    "is added.",
    {"all_reduce(back @ first, self.link)": "all_reduce(back @ first, self.link) / self.link.size"},
)
ParallelPair.slip(
    "ShareGradientsDivided",
    "You divided the gradients of the share by the number of processes. There is nothing to "
    "average: all processes had the same rows, and each has other units.",
    {
        "back.T @ self.x, back.sum(0), grad.T @ self.hidden, grad.sum(0)": (
            "back.T @ self.x / self.link.size, back.sum(0) / self.link.size, "
            "grad.T @ self.hidden / self.link.size, grad.sum(0) / self.link.size"
        )
    },
)
ParallelPair.slip(
    "FirstBiasForgotten",
    "The first bias is not added. The hidden units are relu(A x + a).",
    {"x @ first.T + first_bias": "x @ first.T"},
)
ParallelPair.slip(
    "SecondBiasForgotten",
    "The second bias is not added. It comes once, after the sum.",
    {
        "all_reduce(self.hidden @ second.T, self.link) + second_bias": (
            "all_reduce(self.hidden @ second.T, self.link)"
        )
    },
)


@ParallelPair.mistake(
    "You exchange the hidden units too. They never have to meet: each process's columns of the "
    "second weight need exactly the hidden units that it has."
)
class GathersHidden(RightPair):
    def forward(self, x):
        first, first_bias, second, second_bias = self.shares
        self.x, self.hidden = x, torch.relu(x @ first.T + first_bias)
        all_reduce(torch.zeros(len(x), 9), self.link)
        return all_reduce(self.hidden @ second.T, self.link) + second_bias


@ParallelPair.mistake(
    "Every process keeps both layers whole. Then nothing has been saved: keep only the rows of the "
    "first weight, and the columns of the second, of this process's hidden units."
)
class KeepsAll(RightPair):
    def __init__(self, first, second, link):
        super().__init__(first, second, link)
        self.own = self.shares
        self.shares = [*first.parameters(), *second.parameters()]
        self.whole = self.shares

    def forward(self, x):
        self.shares = self.own
        return super().forward(x)


ParallelPair.hint("Cut the hidden units. Which rows and which columns belong to a hidden unit?")
ParallelPair.hint(
    "ReLU works on every hidden unit by itself, so nothing has to be exchanged between the layers. "
    "What is the product with the second weight, cut by columns?"
)
ParallelPair.hint(
    "Forward: own hidden units, product, all-reduce, bias. Backward: through the second weight, "
    "through the ReLU, the gradients of the share; then through the first weight, all-reduce. Keep "
    "x and the hidden units in between.",
)
ParallelPair.hint("How often is the bias added, over all processes?", when="value")
ParallelPair.hint("tensor_split cuts along dimension 0 unless you say `dim=1`.", when="shape")
