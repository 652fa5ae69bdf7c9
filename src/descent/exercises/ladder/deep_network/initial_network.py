"""How `initial_network` is judged."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import torch
from torch import Tensor

from descent.exercises.doubles import torch_generator
from descent.grading import Draw, Exercise, expect

from .shared import drawn_layer, he

initial_network = Exercise(
    "initial_network",
    minutes=6,
    difficulty=2,
    changes=("generator",),
    returns=list[tuple[Tensor, Tensor]],
)


def _are_layers(network: object) -> bool:
    """Whether it is a list of pairs of tensors; if not, the learner is told."""
    expect(isinstance(network, list | tuple), "the network").is_true(
        otherwise=f"It should be a list of pairs (W, b), and is a `{type(network).__name__}`."
    )
    if not isinstance(network, list | tuple):
        return False
    pairs = all(isinstance(layer, list | tuple) and len(layer) == 2 for layer in network)
    expect(pairs, "the network").is_true(otherwise="It should be a list of pairs (W, b).")
    return pairs


@initial_network.property("has one layer for each two neighbouring widths", trials=5)
def _(answer, draw: Draw) -> None:
    widths = draw.integers(1, 9, 1 + draw.size if draw.size < 4 else 4).tolist()
    network = answer(widths, torch_generator(draw.seed()))
    if not _are_layers(network):
        return
    expect(len(network), "the number of layers").equals(len(widths) - 1)
    shapes = [size for W, b in network for size in (*W.shape, *b.shape)]
    wanted = [size for a, c in pairwise(widths) for size in (a, c, c)]
    expect(shapes, "the shapes of W and b, layer by layer").equals(wanted)


@initial_network.property("scales every layer by its own n_in", trials=2)
def _(answer, draw: Draw) -> None:
    widths = draw.choice([[40, 400, 200, 100], [400, 40, 300, 150]])
    network = answer(widths, torch_generator(draw.seed()))
    if not _are_layers(network):
        return
    found = [float(W.detach().std()) for W, _ in network]
    wanted = [math.sqrt(2 / n_in) for n_in in widths[:-1]]
    expect(found, "the standard deviations of the W").close_to(wanted, rtol=0.05)


@initial_network.property("draws every layer anew, from the generator")
def _(answer, draw: Draw) -> None:
    seed = draw.seed()
    shorter = answer([5, 5], torch_generator(seed))
    network, again, other = (answer([5] * 5, torch_generator(s)) for s in (seed, seed, seed + 1))
    if not (_are_layers(network) and _are_layers(again) and _are_layers(other)):
        return
    alike = [torch.equal(one[0], two[0]) for one, two in combinations(network, 2)]
    expect(sum(alike), "how many pairs of the four layers are equal").equals(0)
    expect(len({id(t) for layer in network for t in layer}), "how many different tensors").equals(8)
    same = all(torch.equal(a[0], c[0]) for a, c in zip(network, again, strict=False))
    expect(same, "two networks of one seed").is_true(
        otherwise="One seed gave two networks: not all numbers come from the generator you were "
        "given."
    )
    expect(not torch.equal(network[0][0], other[0][0]), "two networks of two seeds").is_true(
        otherwise="Two seeds gave the same network: its numbers do not come from the generator "
        "as it was handed over."
    )
    if _are_layers(shorter) and len(shorter) == 1:
        expect(torch.equal(shorter[0][0], network[0][0]), "the first layer").is_true(
            otherwise="The first layer did not draw first: with fewer layers it gets other numbers."
        )


@initial_network.property("is made of leaves that require a gradient")
def _(answer, draw: Draw) -> None:
    network = answer([3, 4, 2], torch_generator(draw.seed()))
    if not _are_layers(network):
        return
    for number, layer in enumerate(network, start=1):
        for tensor, name in zip(layer, "Wb", strict=True):
            expect(tensor.requires_grad and tensor.is_leaf, f"{name}{number}").is_true(
                otherwise=f"{name}{number} is not a leaf that requires a gradient"
            )


@initial_network.mistake(
    "One layer is missing: k widths have k − 1 neighbouring pairs, the last included."
)
def one_layer_short(widths, generator):
    return [he(widths[i], widths[i + 1], generator) for i in range(len(widths) - 2)]


@initial_network.mistake(
    "The first layer is missing: the pairs start with the number of inputs, widths[0]."
)
def first_layer_missing(widths, generator):
    return [he(widths[i], widths[i + 1], generator) for i in range(1, len(widths) - 1)]


@initial_network.mistake(
    "You have a layer too many, from the last width back to the first. The pairs do not wrap "
    "around."
)
def wraps_around(widths, generator):
    return [he(widths[i - 1], widths[i], generator) for i in (*range(1, len(widths)), 0)]


@initial_network.mistake(
    "You made one layer for each width, and one more than there are: the last maps the classes to "
    "themselves. k widths have k − 1 neighbouring pairs."
)
def extra_layer(widths, generator):
    return [he(a, c, generator) for a, c in zip(widths, [*widths[1:], widths[-1]], strict=True)]


@initial_network.mistake(
    "Every layer of yours starts from the inputs, widths[0]. Layer k takes what layer k − 1 gives."
)
def all_from_input(widths, generator):
    return [he(widths[0], width, generator) for width in widths[1:]]


@initial_network.mistake("n_in and n_out have changed places: the first width of a pair goes in.")
def swapped(widths, generator):
    return [he(c, a, generator) for a, c in pairwise(widths)]


@initial_network.mistake(
    "You took every second pair. The pairs overlap: the output of one layer is the input of the "
    "next."
)
def separate_pairs(widths, generator):
    return [he(widths[i], widths[i + 1], generator) for i in range(0, len(widths) - 1, 2)]


@initial_network.mistake(
    "Your layers start with the same numbers: the generator is seeded again, or a new one is made, "
    "for each. Hand the same generator on; it moves by itself."
)
def seeded_again(widths, generator):
    seed = generator.initial_seed()
    return [he(a, c, torch_generator(seed)) for a, c in pairwise(widths)]


@initial_network.mistake(
    "Layers of equal shape are one and the same pair of tensors: training one trains all. Draw "
    "each layer by a call of its own; `[layer] * 3` repeats a layer, it does not copy it."
)
def shared_layers(widths, generator):
    made = {}
    for pair in pairwise(widths):
        if pair not in made:
            made[pair] = he(*pair, generator)
    return [made[pair] for pair in pairwise(widths)]


@initial_network.mistake(
    "Your hidden layers are one and the same pair of tensors: training one trains all. "
    "`[layer] * 3` repeats a layer, it does not copy it. Draw each by a call of its own."
)
def hidden_layers_shared(widths, generator):
    if len(widths) < 4 or len(set(widths[1:-1])) > 1:
        return [he(a, c, generator) for a, c in pairwise(widths)]
    first = he(widths[0], widths[1], generator)
    hidden = [he(widths[1], widths[1], generator)] * (len(widths) - 3)
    return [first, *hidden, he(widths[-2], widths[-1], generator)]


@initial_network.mistake(
    "You made one flat list of W, b, W, b, … The network is a list of pairs: append (W, b)."
)
def flat(widths, generator):
    return [t for a, c in pairwise(widths) for t in he(a, c, generator)]


@initial_network.mistake(
    "You scaled every layer by the same number, that of the first layer. Each has an n_in of its "
    "own."
)
def one_scale(widths, generator):
    return [drawn_layer(a, c, generator, math.sqrt(2 / widths[0]))
            for a, c in pairwise(widths)]  # fmt: skip


@initial_network.mistake(
    "You made a generator of your own, with a fixed seed, for each layer: equal shapes get equal "
    "numbers, whatever the seed. Hand on the generator you were given; it moves by itself."
)
def fixed_seed(widths, generator):
    return [he(a, c, torch_generator(0)) for a, c in pairwise(widths)]


@initial_network.mistake(
    "You returned a generator, which can be gone through once. Make a list: square brackets."
)
def lazily(widths, generator):
    return (he(a, c, generator) for a, c in pairwise(widths))


@initial_network.mistake(
    "The last layer of yours draws first. The order is that of the network, from the inputs on, so "
    "that one seed means one network for everybody."
)
def last_layer_first(widths, generator):
    return [he(a, c, generator) for a, c in reversed(list(pairwise(widths)))][::-1]


initial_network.hint("List the pairs of [2, 64, 64, 3] on paper. How many are there?")
initial_network.hint(
    "`zip(widths, widths[1:])` walks through neighbours; `initial_layer` does the rest."
)
initial_network.hint("How many layers have 4 widths?", when="length")
initial_network.hint("Where do your pairs begin and end?", when="value")
initial_network.hint(
    "Is every layer made by its own call?",
    when="draws every layer anew, from the generator",
)
initial_network.hint("Write the pair of each layer beside its shape. Which is off?", when="order")
