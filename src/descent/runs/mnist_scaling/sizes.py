"""The sizes of the network `ScalingCNN`, counted: its parameters, and the operations it makes."""

from __future__ import annotations


def parameters(width: int) -> int:
    """Return how many weights and biases the network has."""
    return (9 * width + width) + (9 * width * 2 * width + 2 * width) + (18 * width * 10 + 10)


def forward_flops(width: int) -> int:
    """Return the operations on one picture: two, a product and a sum, for each use of a weight.

    A convolution uses each of its weights at every place of its output, 14 × 14 and 7 × 7; biases,
    poolings and what acts on single numbers are left out.
    """
    first, second = 9 * width * 14 * 14, 9 * width * 2 * width * 7 * 7
    return 2 * (first + second + 18 * width * 10)
