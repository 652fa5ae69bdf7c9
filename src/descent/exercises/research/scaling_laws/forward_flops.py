"""How `forward_flops` is judged.

The oracle counts places and products by loops over the outputs of each layer.
"""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

forward_flops = Exercise("forward_flops", minutes=20, difficulty=2, returns=int)


def _counted(shape, layers) -> int:
    """Walk through the layers, and count the products of one output at a time."""
    flops, (channels, rows, columns) = 0, shape
    for kind, *numbers in layers:
        if kind == "linear":
            flops += sum(2 * channels * rows * columns for _ in range(numbers[0]))
            channels, rows, columns = numbers[0], 1, 1
            continue
        size, stride, padding = numbers[1:] if kind == "conv" else (numbers[0], numbers[0], 0)
        places = [len(range(0, side + 2 * padding - size + 1, stride)) for side in (rows, columns)]
        if kind == "conv":
            flops += (
                sum(2 * size * size * channels for _ in range(places[0] * places[1])) * numbers[0]
            )
            channels = numbers[0]
        rows, columns = places
    return flops


def _conv(draw: Draw) -> tuple:
    return (
        "conv",
        draw.integers(2, 6),
        draw.integers(2, 4),
        draw.integers(1, 3),
        draw.integers(0, 2),
    )


PAGE = (
    (1, 14, 14),
    [("conv", 4, 3, 1, 1), ("pool", 2), ("conv", 8, 3, 1, 1), ("pool", 2), ("linear", 10)],
)


@forward_flops.property("of one linear layer is twice its weights")
def _(answer, draw: Draw) -> None:
    inputs, outputs = draw.size + 2, draw.integers(2, 9)
    expect(answer((inputs, 1, 1), [("linear", outputs)]), "the FLOPs").equals(2 * inputs * outputs)


@forward_flops.property("of a convolution counts its kernel once for each place")
def _(answer, draw: Draw) -> None:
    shape = (draw.integers(1, 4), draw.integers(6, 11), draw.integers(6, 11))
    layers = [_conv(draw)]
    expect(answer(shape, layers), "the FLOPs").equals(_counted(shape, layers))


@forward_flops.property("of the page's network is 43 776", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer(*PAGE), "the FLOPs").equals(_counted(*PAGE))


@forward_flops.property("follows shapes through a whole network", trials=6)
def _(answer, draw: Draw) -> None:
    shape = (draw.integers(1, 4), draw.integers(15, 22), draw.integers(15, 22))
    layers = [
        _conv(draw),
        ("pool", draw.integers(2, 4)),
        _conv(draw),
        ("linear", draw.integers(3, 9)),
        ("linear", draw.integers(2, 5)),
    ]
    expect(answer(shape, layers), "the FLOPs").equals(_counted(shape, layers))


@forward_flops.property("of no layers, and of a pooling, is 0")
def _(answer, draw: Draw) -> None:
    expect(answer((2, 6, 6), []), "the FLOPs of no layers").equals(0)
    expect(answer((2, 6, 7), [("pool", 3)]), "the FLOPs of a pooling").equals(0)


@forward_flops.right
def right_flops(shape, layers):
    flops, (channels, rows, columns) = 0, shape
    for kind, *numbers in layers:
        if kind == "conv":
            outputs, kernel, stride, padding = numbers
            rows = (rows + 2 * padding - kernel) // stride + 1
            columns = (columns + 2 * padding - kernel) // stride + 1
            flops += 2 * rows * columns * outputs * channels * kernel**2
            channels = outputs
        elif kind == "pool":
            rows, columns = rows // numbers[0], columns // numbers[0]
        else:
            flops += 2 * channels * rows * columns * numbers[0]
            channels, rows, columns = numbers[0], 1, 1
    return flops


forward_flops.slip(
    "two_per_weight",
    "You counted two FLOPs for each weight, as the formula 6·N·D of language models does. A "
    "convolution uses each weight at every place of its output: multiply by rows × columns.",
    {"2 * rows * columns * outputs": "2 * outputs"},
)
forward_flops.slip(
    "places_of_input",
    "You counted the places of the layer's *input*. The kernel is laid down once for each place of "
    "the output: work out the new rows and columns first.",
    {
        "            rows = (rows + 2 * padding - kernel) // stride + 1\n": "",
        "            columns = (columns + 2 * padding - kernel) // stride + 1\n": "",
        "            channels = outputs\n": (
            "            channels = outputs\n"
            "            rows = (rows + 2 * padding - kernel) // stride + 1\n"
            "            columns = (columns + 2 * padding - kernel) // stride + 1\n"
        ),
    },
)
forward_flops.slip(
    "one_per_product",
    "You counted a multiplication and an addition as one. They are two FLOPs.",
    {"flops += 2 * rows": "flops += rows", "flops += 2 * channels": "flops += channels"},
)
forward_flops.slip(
    "without_input_channels",
    "You left out the input channels. A kernel is as deep as its input.",
    {"outputs * channels * kernel**2": "outputs * kernel**2"},
)
forward_flops.slip(
    "one_side_of_kernel",
    "You took the kernel's side. It has kernel × kernel weights.",
    {"kernel**2": "kernel"},
)
forward_flops.slip(
    "channels_kept",
    "After a convolution the channels are its outputs. The next layer reads these.",
    {"            channels = outputs\n": ""},
)
forward_flops.slip(
    "pooling_ignored",
    "You passed over the pooling. It costs nothing here, but it makes rows and columns fewer.",
    {"rows, columns = rows // numbers[0], columns // numbers[0]": "pass"},
)
forward_flops.slip(
    "channels_only_into_linear",
    "A linear layer reads every place of every channel: channels × rows × columns numbers.",
    {"2 * channels * rows * columns * numbers": "2 * channels * numbers"},
)
forward_flops.equivalent(
    "`rows, columns = (rows // kernel, columns // kernel)` → "
    "`rows, columns = (columns // kernel, rows // kernel)`",
    because="kernels are square and only the product of rows and columns is counted",
)
forward_flops.equivalent(
    "`channels, rows, columns = (outputs, 1, 1)` → `channels, rows, columns = (1, outputs, 1)`",
    because="the next linear layer reads the product of the three",
)

forward_flops.slip(
    "padding_once",
    "You added the padding once. It lies on both sides of the picture: rows + 2 · padding.",
    {
        "(rows + 2 * padding - kernel) // stride + 1": "(rows + padding - kernel) // stride + 1",
        "(columns + 2 * padding - kernel) // stride + 1": (
            "(columns + padding - kernel) // stride + 1"
        ),
    },
)
forward_flops.slip(
    "padding_ignored",
    "You left out the padding. It makes more places for the kernel: rows + 2 · padding.",
    {
        "(rows + 2 * padding - kernel) // stride + 1": "(rows - kernel) // stride + 1",
        "(columns + 2 * padding - kernel) // stride + 1": "(columns - kernel) // stride + 1",
    },
)
forward_flops.slip(
    "stride_ignored",
    "You left out the stride. With a stride of 2 the kernel is laid down at every second place.",
    {
        "(rows + 2 * padding - kernel) // stride + 1": "rows + 2 * padding - kernel + 1",
        "(columns + 2 * padding - kernel) // stride + 1": "columns + 2 * padding - kernel + 1",
    },
)
forward_flops.slip(
    "hanging_windows_counted",
    "You counted windows of the convolution that hang over the edge. Round the number of "
    "strides down.",
    {
        "(rows + 2 * padding - kernel) // stride + 1": (
            "-(-(rows + 2 * padding - kernel) // stride) + 1"
        ),
        "(columns + 2 * padding - kernel) // stride + 1": (
            "-(-(columns + 2 * padding - kernel) // stride) + 1"
        ),
    },
)
forward_flops.slip(
    "hanging_pools_kept",
    "Your pooling keeps windows that hang over the edge. Of 7 rows a pooling by 2 makes 3: "
    "round down.",
    {
        "rows, columns = rows // numbers[0], columns // numbers[0]": (
            "rows, columns = -(-rows // numbers[0]), -(-columns // numbers[0])"
        ),
    },
)
forward_flops.slip(
    "pooling_counted",
    "You counted operations for the pooling. By the page it costs nothing: it has no products.",
    {
        "rows, columns = rows // numbers[0], columns // numbers[0]": (
            "rows, columns = rows // numbers[0], columns // numbers[0]; "
            "flops += channels * rows * columns * numbers[0] ** 2"
        ),
    },
)
forward_flops.slip(
    "biases_counted",
    "You counted the additions of the biases. The page leaves them out.",
    {
        "* channels * kernel**2": "* channels * kernel**2 + rows * columns * outputs",
        "* rows * columns * numbers[0]\n": "* rows * columns * numbers[0] + numbers[0]\n",
    },
)
forward_flops.slip(
    "convolution_biases_counted",
    "You counted the additions of the convolutions' biases. The page leaves biases out.",
    {
        "* channels * kernel**2": "* channels * kernel**2 + rows * columns * outputs",
    },
)
forward_flops.slip(
    "places_kept_after_linear",
    "After a linear layer there are no places any more: 1 row, 1 column. You kept those before it.",
    {
        "channels, rows, columns = numbers[0], 1, 1": "channels = numbers[0]",
    },
)
forward_flops.slip(
    "first_sum_free",
    "You took one addition fewer than products for each output. The page counts two FLOPs "
    "for each product.",
    {
        "2 * rows * columns * outputs * channels * kernel**2": (
            "rows * columns * outputs * (2 * channels * kernel**2 - 1)"
        ),
        "2 * channels * rows * columns * numbers[0]": (
            "(2 * channels * rows * columns - 1) * numbers[0]"
        ),
    },
)
forward_flops.slip(
    "backward_counted",
    "You counted the backward pass as well. This is the forward pass alone.",
    {
        "return flops": "return 3 * flops",
    },
)
forward_flops.slip(
    "fractions_of_rows",
    "You divided rows and columns without rounding down. Half a row takes no window.",
    {
        "rows // numbers[0], columns // numbers[0]": "rows / numbers[0], columns / numbers[0]",
        "return flops": "return int(flops)",
    },
)
forward_flops.slip(
    "same_padding_assumed",
    "You took for granted that the padding keeps the size. Compute the places from kernel, "
    "stride and padding.",
    {
        "(rows + 2 * padding - kernel) // stride + 1": "rows // stride",
        "(columns + 2 * padding - kernel) // stride + 1": "columns // stride",
    },
)
forward_flops.slip(
    "last_layer_alone",
    "Your linear layer overwrites the sum. Add its FLOPs to those before.",
    {
        "flops += 2 * channels * rows": "flops = 2 * channels * rows",
    },
)
forward_flops.hint(
    "Carry three numbers along: channels, rows, columns. What does each layer do to them?"
)
forward_flops.hint(
    "One output of a convolution: how many products is it the sum of? And how many outputs?"
)
forward_flops.hint(
    "One 3 × 3 kernel over a 4 × 4 picture, no padding: 4 places, 9 products each, 72.",
    when="value",
)
