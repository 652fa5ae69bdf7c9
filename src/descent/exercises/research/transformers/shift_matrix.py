"""How `shift_matrix` is judged."""

from __future__ import annotations

import math

import torch

from descent.grading import Draw, Exercise, expect

from .shared import Tensor, codes_by_hand

shift_matrix = Exercise("shift_matrix", minutes=20, difficulty=2, returns=Tensor)


def _moves(answer, places: list[float], steps: float, width: int) -> None:
    matrix = answer(steps, width)
    expect(matrix, "the matrix").has_shape(width, width)
    expect(matrix, "the matrix").has_dtype("float32")
    if isinstance(matrix, torch.Tensor) and matrix.shape == (width, width):
        codes = torch.tensor(codes_by_hand(places, width))
        moved = (matrix.double() @ codes.T).T
        wanted = codes_by_hand([place + steps for place in places], width)
        expect(moved, f"the matrix times the codes of the places {places}").close_to(
            wanted, atol=2e-5
        )


@shift_matrix.property("moves the code of any place by one", trials=4)
def _(answer, draw: Draw) -> None:
    _moves(answer, [draw.integers(0, 100) for _ in range(4)], 1, 2 * draw.integers(1, 6))


@shift_matrix.property("moves by many places, backwards and by fractions", trials=6)
def _(answer, draw: Draw) -> None:
    width, places = 2 * draw.size, [draw.integers(0, 60) for _ in range(3)]
    _moves(answer, places, draw.integers(2, 40), width)
    _moves(answer, places, -draw.integers(1, 40), width)
    _moves(answer, places, draw.uniform(-2, 2) + 0.25, width)


@shift_matrix.property("is the identity for no step")
def _(answer, draw: Draw) -> None:
    width = 2 * draw.integers(1, 6)
    expect(answer(0, width), "the matrix").close_to(torch.eye(width), atol=1e-6)


@shift_matrix.property("keeps lengths and mixes no two pairs: it is a turn of each")
def _(answer, draw: Draw) -> None:
    matrix = answer(draw.integers(1, 30), 6)
    expect(matrix @ matrix.T, "the matrix times its transpose").close_to(torch.eye(6), atol=1e-5)
    pairs = torch.block_diag(*[torch.ones(2, 2)] * 3).bool()
    expect(matrix[~pairs], "what stands outside the pairs").close_to(torch.zeros(24), atol=1e-7)


@shift_matrix.right
def right_shift(steps, width):
    matrix = torch.zeros(width, width)
    for i in range(0, width, 2):
        angle = steps * 10000.0 ** (-i / width)
        sine, cosine = math.sin(angle), math.cos(angle)
        matrix[i, i], matrix[i, i + 1] = cosine, sine
        matrix[i + 1, i], matrix[i + 1, i + 1] = -sine, cosine
    return matrix


shift_matrix.slip(
    "turned_the_other_way",
    "Your matrix moves back instead of on: the minus stands before the wrong sine. "
    "sin(a + b) = sin a cos b + cos a sin b. (It would be right for codes as rows, or with the "
    "cosine first.)",
    {"= cosine, sine": "= cosine, -sine", "= -sine, cosine": "= sine, cosine"},
)
shift_matrix.slip(
    "no_minus",
    "Both of your sines have the same sign. cos(a + b) = cos a cos b − sin a sin b.",
    {"= -sine, cosine": "= sine, cosine"},
)
shift_matrix.slip(
    "sines_on_the_diagonal",
    "Sines and cosines have changed places in your blocks. For no step the block must be the "
    "identity, and cos 0 is 1.",
    {
        "= cosine, sine": "= sine, cosine",
        "= -sine, cosine": "= cosine, -sine",
    },
)
shift_matrix.slip(
    "one_rate_for_all",
    "All your pairs turn by the same angle. Pair i turns by steps · 10000^(−2i/C).",
    {"steps * 10000.0 ** (-i / width)": "steps"},
)
shift_matrix.slip(
    "pair_number_doubled",
    "Your rates fall too fast: `i` goes up by 2 for each pair already, so the power is −i/C.",
    {"(-i / width)": "(-2 * i / width)"},
)
shift_matrix.slip(
    "sign_of_steps_lost",
    "Your matrix moves on even when `steps` is negative.",
    {"angle = steps *": "angle = abs(steps) *"},
)
shift_matrix.slip(
    "whole_steps_only",
    "You rounded the steps. A fraction of a place is a smaller turn.",
    {"angle = steps *": "angle = int(steps) *"},
)
shift_matrix.slip(
    "one_step_only",
    "Your matrix always moves by one place. The angle of a pair is steps times its rate.",
    {"angle = steps *": "angle = 1 *"},
)
shift_matrix.slip(
    "halves",
    "Your sines meet cosines half a code away. In this page's code a pair lies side by side: the "
    "numbers 0 and 1, 2 and 3, ….",
    {
        "matrix[i, i], matrix[i, i + 1]": "matrix[i // 2, i // 2], matrix[i // 2, (i + "
        "width) // 2]",
        "matrix[i + 1, i], matrix[i + 1, i + 1]": "matrix[(i + width) // 2, i // 2], "
        "matrix[(i + width) // 2, (i + width) // 2]",
    },
)


@shift_matrix.mistake(
    "You solved for one place alone: your matrix is right there and wrong "
    "elsewhere. It must be one "
    "matrix for every place: use the sum formulas of sine and cosine."
)
def right_at_one_place(steps, width):
    here = torch.tensor(codes_by_hand([0.0], width), dtype=torch.float32)
    there = torch.tensor(codes_by_hand([float(steps)], width), dtype=torch.float32)
    return there.T @ here / here.square().sum()


shift_matrix.slip(
    "first_pair_only",
    "Only your first pair turns, and all others stand still, or nearly. Pair i turns by "
    "steps · 10000^(−2i/C).",
    {"torch.zeros(width, width)": "torch.eye(width)", "range(0, width, 2)": "range(0, 2, 2)"},
)
shift_matrix.slip(
    "mirrors",
    "Your blocks are mirrors: done for no step, they change the sign of every cosine. The "
    "minus belongs to the sine of the second row.",
    {"= -sine, cosine": "= sine, -cosine"},
)
shift_matrix.slip(
    "cosines_alone",
    "You shrink each number by the cosine of its angle. The other number of the pair has "
    "to be mixed in: sin(a + b) = sin a cos b + cos a sin b.",
    {"= cosine, sine": "= cosine, 0.0", "= -sine, cosine": "= 0.0, cosine"},
)
shift_matrix.slip(
    "pairs_counted_once",
    "Your rates fall too slowly: with i the number of the *pair* the power is −2i/C.",
    {"(-i / width)": "(-i / (2 * width))"},
)


shift_matrix.hint(
    "Take width 2 first. [sin(p + k), cos(p + k)] in terms of sin p, cos p, sin k, cos k?"
)
shift_matrix.hint("The two rows of a 2 × 2 block: one for the new sine, one for the new cosine.")
shift_matrix.hint("Try steps = π/2 at width 2: [0, 1] (place 0) must become [1, 0].", when="sign")
shift_matrix.hint("Has each pair its own rate?", when="value")
