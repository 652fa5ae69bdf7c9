"""How `convolve` is judged."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import slid, uses


def _slid_over(image, kernel, steps=(1, 1)):
    """The same for one picture and one kernel."""
    return slid(image[None, None], kernel[None, None], None, steps)[0, 0]


convolve = Exercise("convolve", minutes=8, difficulty=1, returns=Tensor)


@convolve.property("is the sum of products at every place the window fits", trials=5)
def _(answer, draw: Draw) -> None:
    n = min(draw.size, 5)
    image, kernel = normals(draw, n + 2, n + 3), normals(draw, 2, 3)
    expected = F.conv2d(image[None, None], kernel[None, None])[0, 0]
    expect(answer(image, kernel), "the output").close_to(expected, atol=1e-5)


@convolve.property("works for windows of one pixel, of the whole picture, tall and wide", trials=2)
def _(answer, draw: Draw) -> None:
    image = normals(draw, 4, 5)
    for rows, columns in ((1, 1), (4, 5), (3, 1), (1, 4), (2, 2)):
        kernel = normals(draw, rows, columns)
        expected = F.conv2d(image[None, None], kernel[None, None])[0, 0]
        found = answer(image, kernel)
        expect(found, f"the output of a {rows} × {columns} kernel").close_to(expected, atol=1e-5)


@convolve.property("turns a single bright pixel into the kernel, upside down")
def _(answer, draw: Draw) -> None:
    image, kernel = torch.zeros(5, 5), normals(draw, 3, 3)
    image[2, 2] = 1.0
    expect(answer(image, kernel), "the output").close_to(kernel.flip(0, 1))


@convolve.property("is made by hand", trials=1)
def _(answer, draw: Draw) -> None:
    lent = uses("conv", answer, normals(draw, 3, 3), normals(draw, 2, 2))
    expect(not lent, "torch's own convolution is left alone").is_true(
        otherwise="this is torch's own convolution; write the sums yourself"
    )


@convolve.mistake(
    "You turned the kernel upside down. That is the convolution of mathematics; deep learning lays "
    "the kernel on the picture as it is, kernel[0, 0] on the window's top left pixel."
)
def flipped_kernel(image, kernel):
    return _slid_over(image, kernel.flip(0, 1))


@convolve.mistake(
    "You divided by the number of pixels in the window. A convolution sums the products; a kernel "
    "that should average carries its own 1/9."
)
def averaged_products(image, kernel):
    return _slid_over(image, kernel) / kernel.numel()


@convolve.mistake(
    "Your output is one row and one column short: a window of k fits in H − k + 1 places, and "
    "`range(H - k)` stops one before that."
)
def one_short(image, kernel):
    return _slid_over(image, kernel)[:-1, :-1]


@convolve.mistake(
    "You padded the picture. Here the window stays inside it, so that the output is smaller than "
    "the picture; padding comes two exercises later."
)
def padded_already(image, kernel):
    return _slid_over(F.pad(image, (1, 1, 1, 1)), kernel)


@convolve.mistake(
    "You padded the picture to keep its size. Here the window stays inside it, so that the output "
    "is smaller than the picture; padding comes two exercises later."
)
def padded_to_its_size(image, kernel):
    rows, columns = kernel.shape
    margins = (columns // 2, columns // 2, rows // 2, rows // 2)
    return _slid_over(F.pad(image, margins), kernel)


@convolve.mistake(
    "You multiplied each window with the kernel as matrices, `@`. The products are taken entry by "
    "entry (`*`), and then all summed."
)
def matrix_product_with_transposed(image, kernel):
    rows, columns = kernel.shape
    windows = image.unfold(0, rows, 1).unfold(1, columns, 1)
    return (windows @ kernel.T).sum(dim=(2, 3))


@convolve.mistake(
    "You multiplied window and kernel as matrices. The products are taken entry by entry (`*`), "
    "and then all summed."
)
def matrix_product(image, kernel):
    rows, columns = kernel.shape
    windows = image.unfold(0, rows, 1).unfold(1, columns, 1)
    return (windows @ kernel).sum(dim=(2, 3))


@convolve.mistake("Rows and columns of the output have changed places: out[i, j] is row i.")
def transposed_output(image, kernel):
    return _slid_over(image, kernel).T


@convolve.mistake(
    "Your windows do not overlap. The window moves by one pixel at a time, not by its own size."
)
def moved_by_its_size(image, kernel):
    return _slid_over(image, kernel, tuple(kernel.shape))


@convolve.mistake(
    "You returned the products of a window without adding them up. Each place gives one number."
)
def not_summed(image, kernel):
    rows, columns = kernel.shape
    return image.unfold(0, rows, 1).unfold(1, columns, 1) * kernel


@convolve.mistake(
    "You took the kernel to be square. Its rows and its columns are two numbers: `rows, columns = "
    "kernel.shape`."
)
def square_kernel(image, kernel):
    rows = kernel.shape[0]
    places = [range(side - rows + 1) for side in image.shape]
    return torch.tensor(
        [[(image[i : i + rows, j : j + rows] * kernel).sum() for j in places[1]] for i in places[0]]
    )


@convolve.mistake(
    "That is torch's own convolution, which this exercise is about: write the sums yourself, with "
    "two loops over the places."
)
def torchs_convolution(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None])[0, 0]


convolve.hint("Two loops, over the rows and the columns of the *output*. How many of each?")
convolve.hint("The window at (i, j) is `image[i : i + rows, j : j + columns]`.")
convolve.hint("A window of k pixels on a line of n has n − k + 1 places.", when="shape")
convolve.hint("Do the worked number of the page by hand and compare entry [0, 0].", when="value")
convolve.hint("Is there an average where a sum should be?", when="factor")
