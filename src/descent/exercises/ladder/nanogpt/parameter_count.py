"""How `parameter_count` is judged."""

from __future__ import annotations

from descent.grading import Draw, Exercise, expect

from .shared import count_by_shapes

parameter_count = Exercise("parameter_count", minutes=8, difficulty=1, returns=int)


def _sizes(draw: Draw) -> tuple[int, int, int, int]:
    """Vocabulary and context in either order of size, widths odd and even."""
    return (
        draw.integers(3, 200),
        draw.integers(2, 200),
        draw.integers(2, 20),
        1 + draw.size % 6,
    )


@parameter_count.property("counts 64 for the model worked out by hand")
def _(answer, draw: Draw) -> None:
    expect(answer(3, 2, 2, 1), "the count").equals(64)


@parameter_count.property("counts every matrix, table and gain of a tied model", trials=5)
def _(answer, draw: Draw) -> None:
    sizes = _sizes(draw)
    expect(answer(*sizes), "the count").equals(count_by_shapes(*sizes, tied=True))


@parameter_count.property("adds a second table when the head is not tied", trials=5)
def _(answer, draw: Draw) -> None:
    sizes = _sizes(draw)
    expect(answer(*sizes, False), "the count").equals(count_by_shapes(*sizes, tied=False))


@parameter_count.right
def right_count(vocabulary, context, width, layers, tied=True):
    block = 3 * width**2 + width**2 + 8 * width**2 + 2 * width
    tables = vocabulary * width + context * width
    head = 0 if tied else vocabulary * width
    return tables + layers * block + width + head


parameter_count.slip(
    "tie_backwards",
    "You count a second table when the head is tied, and none when it is not. A tied head is "
    "the token table itself and costs nothing.",
    {"0 if tied else vocabulary * width": "vocabulary * width if tied else 0"},
)
parameter_count.slip(
    "never_untied",
    "`tied` makes no difference to your count. An untied head has width × vocabulary weights "
    "of its own.",
    {"0 if tied else vocabulary * width": "0"},
)
parameter_count.slip(
    "never_tied",
    "You count a second table whether the head is tied or not. A tied head is the token table "
    "itself and costs nothing.",
    {"0 if tied else vocabulary * width": "vocabulary * width"},
)
parameter_count.slip(
    "positions_missed",
    "The table of positions is missing: context × width. (Published counts often leave it "
    "out; here it is in.)",
    {" + context * width": ""},
)
parameter_count.slip(
    "norms_missed",
    "The gains of the norms are missing: two norms in each block, `width` gains each.",
    {" + 2 * width\n": "\n"},
)
parameter_count.slip(
    "one_norm_a_block",
    "You count one norm in each block. There are two, before attention and before the MLP.",
    {" + 2 * width\n": " + width\n"},
)
parameter_count.slip(
    "norms_of_one_block",
    "The norms of one block alone are counted. `layers` multiplies the whole block, its norms "
    "included: brackets.",
    {" + 2 * width\n": "\n", "layers * block": "layers * block + 2 * width"},
)
parameter_count.slip(
    "last_norm_missed",
    "The last norm, before the head, is missing.",
    {"block + width": "block"},
)
parameter_count.slip(
    "biases_counted",
    "You count biases. This model has none: matrices, tables and gains.",
    {" + 2 * width\n": " + 11 * width\n"},
)
parameter_count.slip(
    "biases_of_norms",
    "You count a bias for each gain. The norms of this model have gains alone.",
    {" + 2 * width\n": " + 4 * width\n", "block + width": "block + 2 * width"},
)
parameter_count.slip(
    "attention_missed",
    "In each block 4·width² are missing: attention's matrices, 3·width² for queries, keys and "
    "values and width² for the projection, or one of the MLP's two, of 4·width² each.",
    {"3 * width**2 + width**2 + ": ""},
)
parameter_count.slip(
    "packed_matrix_once",
    "Queries, keys and values count as one matrix of width². Their matrix is three times as "
    "wide: 3·width².",
    {"3 * width**2": "width**2"},
)
parameter_count.slip(
    "single_block",
    "You counted one block. There are `layers` of them.",
    {"layers * block": "block"},
)


parameter_count.hint("Write down the shape of every matrix of a block. There are four.")
parameter_count.hint("A block has 12·width² + 2·width parameters.")
parameter_count.hint("Tables, blocks, last norm, head: which one is missing?", when="value")
parameter_count.hint("How many blocks?", when="factor")
