"""MNIST: 70 000 handwritten digits of 28 × 28 pixels (LeCun, Cortes and Burges, 1998)."""

from __future__ import annotations

import struct
from math import prod
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from descent.data.fetch import KnownFile, RefusedFile, UnavailableFile, read
from descent.data.offline import warn_once

SIDE = 28
SOURCE = "MNIST"
OFFLINE_SOURCE = "scikit-learn digits (offline default)"
OFFLINE_TEST = 360  # of its 1797 digits

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)

UINT8 = 0x08  # the idx format's code for unsigned bytes

Split = Literal["train", "test"]


class Mnist(NamedTuple):
    """Digits and what they are.

    Attributes
    ----------
    images : uint8, shape (n, 28, 28); 0 is paper, 255 is ink.
    labels : int64, shape (n,), 0 … 9.
    source : "MNIST", or which offline default stands in for it.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    source: str


def _known(name: str, sha256: str, size: int) -> KnownFile:
    return KnownFile(f"mnist/{name}", sha256, size, tuple(f"{m}{name}.gz" for m in MIRRORS))


# For each split: how many digits, the images' file, the labels' file.
FILES: dict[str, tuple[int, KnownFile, KnownFile]] = {
    "train": (
        60_000,
        _known(
            "train-images-idx3-ubyte",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            47_040_016,
        ),
        _known(
            "train-labels-idx1-ubyte",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            60_008,
        ),
    ),
    "test": (
        10_000,
        _known(
            "t10k-images-idx3-ubyte",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            7_840_016,
        ),
        _known(
            "t10k-labels-idx1-ubyte",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            10_008,
        ),
    ),
}


def mnist(split: Split = "train") -> Mnist:
    """The handwritten digits, or a loudly announced stand-in where they cannot be had.

    Parameters
    ----------
    split : "train" (60 000 digits) or "test" (10 000).

    Returns
    -------
    Mnist with fresh, writable arrays. Without a copy and without a network: scikit-learn's 1797
    scanned digits scaled to 28 × 28 (1437 to train on, 360 to test on), and `.source` says so.

    Raises
    ------
    ValueError : another split was asked for.
    RefusedFile : a copy was found, and it is damaged or not MNIST.
    """
    if split not in FILES:
        raise ValueError(f"split must be 'train' or 'test', not {split!r}")
    count, images_file, labels_file = FILES[split]
    try:
        images = parse_idx(read(images_file), (count, SIDE, SIDE), images_file.name)
        labels = parse_idx(read(labels_file), (count,), labels_file.name)
    except UnavailableFile as reason:
        warn_once(SOURCE, OFFLINE_SOURCE, reason)
        return offline_digits(split)
    return Mnist(images, labels.astype(np.int64), SOURCE)


def parse_idx(content: bytes, shape: tuple[int, ...], name: str) -> NDArray[np.uint8]:
    """Unsigned bytes from MNIST's idx format.

    The format: two zero bytes, the element type, the number of dimensions, each dimension as a
    big-endian 32-bit integer, then the elements in row-major order.

    Parameters
    ----------
    content : the whole file, decompressed.
    shape : the shape it must have.
    name : what to call it in an error.

    Returns
    -------
    array : uint8, of that shape, writable.

    Raises
    ------
    RefusedFile : not an idx file of unsigned bytes, another shape, or too long or short.
    """
    header = 4 + 4 * len(shape)
    if len(content) < header:
        raise RefusedFile(f"{name} is refused: {len(content)} bytes are too few for an idx header.")
    zeros, kind, dimensions = struct.unpack(">HBB", content[:4])
    if (zeros, kind, dimensions) != (0, UINT8, len(shape)):
        raise RefusedFile(
            f"{name} is refused: its first bytes are {content[:4].hex()}, "
            f"wanted 0000{UINT8:02x}{len(shape):02x} (idx, unsigned bytes, {len(shape)}-d)."
        )
    found = struct.unpack(f">{len(shape)}I", content[4:header])
    if found != shape:
        raise RefusedFile(f"{name} is refused: its shape is {found}, wanted {shape}.")
    if len(content) != header + prod(shape):
        raise RefusedFile(
            f"{name} is refused: {len(content)} bytes where {header + prod(shape)} belong."
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def offline_digits(split: Split) -> Mnist:
    """The embedded default: scikit-learn's 8 × 8 digits, laid out as MNIST's are.

    Each is enlarged to 20 × 20 (linear interpolation) and put in the middle of 28 × 28.
    """
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    chosen = order[OFFLINE_TEST:] if split == "train" else order[:OFFLINE_TEST]
    enlarge = _interpolation(8, 20)
    large = enlarge @ small[chosen].reshape(-1, 8, 8) @ enlarge.T
    images = np.zeros((len(chosen), SIDE, SIDE), np.uint8)
    images[:, 4:24, 4:24] = np.rint(large * (255 / 16))
    return Mnist(images, labels[chosen].astype(np.int64), OFFLINE_SOURCE)


def _interpolation(small: int, large: int) -> NDArray[np.float64]:
    """The matrix, shape (large, small), that interpolates between pixel centres linearly."""
    centres = np.clip((np.arange(large) + 0.5) * small / large - 0.5, 0, small - 1)
    return np.maximum(0.0, 1.0 - np.abs(centres[:, None] - np.arange(small)))
