"""How `receptive_field` is judged."""

from __future__ import annotations

import numpy as np

from descent.grading import Draw, Exercise, expect

receptive_field = Exercise("receptive_field", minutes=12, difficulty=2, returns=int)


def _traced(layers) -> int:
    """Trace one output back, layer by layer, to the stretch of inputs it can see."""
    first = last = 0
    for kernel, stride in reversed(layers):
        first, last = first * stride, last * stride + kernel - 1
    return last - first + 1


def _layers(draw: Draw, count: int) -> list[tuple[int, int]]:
    return [(draw.integers(2, 6), draw.integers(1, 4)) for _ in range(count)]


@receptive_field.property("of one layer is its kernel")
def _(answer, draw: Draw) -> None:
    kernel = draw.integers(1, 8)
    expect(answer([(kernel, 1)]), "the receptive field").equals(kernel)
    expect(answer([(kernel, 2)]), "the receptive field with stride 2").equals(kernel)


@receptive_field.property("of layers with stride 1 grows by kernel − 1", trials=4)
def _(answer, draw: Draw) -> None:
    layers = [(draw.integers(2, 6), 1) for _ in range(min(draw.size, 4) + 1)]
    expect(answer(layers), "the receptive field").equals(_traced(layers))


@receptive_field.property("grows faster after strides", trials=6)
def _(answer, draw: Draw) -> None:
    layers = [(draw.integers(2, 6), draw.integers(2, 4)), *_layers(draw, min(draw.size, 5))]
    expect(answer(layers), "the receptive field").equals(_traced(layers))


@receptive_field.property("of two 3 × 3 layers with a pooling between them is 8")
def _(answer, draw: Draw) -> None:
    expect(answer([(3, 1), (2, 2), (3, 1)]), "the receptive field").equals(8)


@receptive_field.property("of no layers is the pixel itself")
def _(answer, draw: Draw) -> None:
    expect(answer([]), "the receptive field").equals(1)


@receptive_field.right
def right_field(layers):
    field, jump = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * jump
        jump *= stride
    return field


receptive_field.slip(
    "adds_whole_kernel",
    "You added the kernel. The window already contains the unit it starts on, so it adds "
    "kernel − 1 neighbours.",
    {"(kernel - 1)": "kernel"},
)
receptive_field.slip(
    "ignores_strides",
    "You ignored the strides of the earlier layers. After a stride of 2, neighbouring units lie 2 "
    "pixels apart, and a step to the next unit is a step of 2 pixels.",
    {"(kernel - 1) * jump": "kernel - 1"},
)
receptive_field.slip(
    "own_stride_too",
    "You applied a layer's stride to its own kernel. Its stride spreads out its *outputs*: it "
    "counts for the layers after it. Update the jump after the field.",
    {"* jump\n": "* jump * stride\n"},
)
receptive_field.slip(
    "last_stride_only",
    "You used the stride of the layer before only. Strides multiply: after 2 and 2 neighbours are "
    "4 pixels apart.",
    {"jump *= stride": "jump = stride"},
)
receptive_field.slip(
    "strides_added",
    "You added the strides. They multiply: 2 and 3 and 2 make 12.",
    {"jump *= stride": "jump += stride"},
)
receptive_field.slip(
    "strides_added_from_one",
    "You added the strides up. They multiply: after three layers of stride 2, neighbours are "
    "8 pixels apart, not 4.",
    {"jump *= stride": "jump += stride - 1"},
)
receptive_field.slip(
    "started_at_zero",
    "You started from 0. Before any layer a unit sees one pixel: itself.",
    {"= 1, 1": "= 0, 1"},
)
receptive_field.slip(
    "backwards_through_layers",
    "You went through the layers from the last to the first with the rule for first to last. The "
    "jump is the product of the strides *before* a layer, on the picture's side.",
    {"in layers:": "in layers[::-1]:"},
)
receptive_field.slip(
    "own_stride_instead",
    "You multiplied by each layer's own stride and left out the earlier ones.",
    {"(kernel - 1) * jump": "(kernel - 1) * stride"},
)


@receptive_field.mistake("You multiplied the kernels. Each layer *adds* its neighbours.")
def kernels_multiplied(layers):
    return int(np.prod([kernel for kernel, _ in layers], dtype=int))


receptive_field.hint("Keep two numbers: the field so far, and how far apart neighbours are (jump).")
receptive_field.hint("A layer adds (kernel − 1) neighbours, each `jump` pixels further. Then?")
receptive_field.hint("Do [(3, 1), (2, 2), (3, 1)] by hand: 1, 3, 4, 8.", when="value")
receptive_field.hint("Is a unit's own pixel counted once, or twice, or not at all?", when="offset")
