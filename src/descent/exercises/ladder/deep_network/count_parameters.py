"""How `count_parameters` is judged."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

from .shared import drawn_network, module

count_parameters = Exercise("count_parameters", minutes=3, difficulty=1, returns=int)


@count_parameters.property("counts weights and biases of every layer", trials=5)
def _(answer, draw: Draw) -> None:
    widths = draw.integers(1, 7, 2 + min(draw.size, 4)).tolist()
    network = drawn_network(draw, widths)
    expected = sum(p.numel() for p in module(network).parameters())
    expect(answer(network), "the number of parameters").equals(expected)


@count_parameters.property("counts a single layer")
def _(answer, draw: Draw) -> None:
    n_in, n_out = draw.integers(2, 6), draw.integers(6, 9)
    expect(answer(drawn_network(draw, [n_in, n_out])), "the number of parameters").equals(
        (n_in + 1) * n_out
    )


@count_parameters.property("gets 12 for the network on the paper")
def _(answer, draw: Draw) -> None:
    expect(answer(drawn_network(draw, [2, 2, 2])), "the number of parameters").equals(12)


@count_parameters.mistake("You left out the biases: n_out more numbers in every layer.")
def only_weights(network):
    return sum(W.numel() for W, _ in network)


@count_parameters.mistake(
    "You counted the tensors, not the numbers in them. A W of shape (2, 64) holds 128 parameters."
)
def tensors(network):
    return 2 * len(network)


@count_parameters.mistake(
    "You added rows and columns. A matrix of shape (2, 64) has 2 · 64 entries, not 2 + 64."
)
def sides_added(network):
    return sum(sum(W.shape) + len(b) for W, b in network)


@count_parameters.mistake(
    "You counted one bias a layer. There is one for each of its n_out outputs."
)
def one_bias(network):
    return sum(W.numel() + 1 for W, _ in network)


@count_parameters.mistake("You counted n_in biases. A bias is added to what comes out, so n_out.")
def biases_of_inputs(network):
    return sum(W.numel() + W.shape[0] for W, _ in network)


@count_parameters.mistake(
    "You counted the units, one for each output. Each has n_in weights and a bias."
)
def units(network):
    return sum(len(b) for _, b in network)


@count_parameters.mistake(
    "You returned inside the loop, after the first layer. The `return` belongs after the loop."
)
def first_layer(network):
    return network[0][0].numel() + network[0][1].numel()


@count_parameters.mistake("You counted the last layer only. Add them up as you go.")
def last_layer(network):
    return network[-1][0].numel() + network[-1][1].numel()


@count_parameters.mistake(
    "You left out the last layer. Its parameters are trained like the others."
)
def without_last(network):
    return sum(W.numel() + b.numel() for W, b in network[:-1])


@count_parameters.mistake(
    "`len` of a matrix is the number of its rows. `W.numel()` is the number of its entries."
)
def rows_only(network):
    return sum(len(W) + len(b) for W, b in network)


@count_parameters.mistake("You added up the parameters themselves. Count them: `W.numel()`.")
def values_added(network):
    return sum(W.sum() + b.sum() for W, b in network)


count_parameters.hint("How many entries has W? How many has b? Add over the layers.")
count_parameters.hint("`tensor.numel()` is the number of entries of a tensor.")
count_parameters.hint(
    "Widths [2, 2, 2]: (4 + 2) + (4 + 2) = 12. Which part is missing?",
    when="value",
)
count_parameters.hint("Is your number too small by the number of biases?", when="factor")
