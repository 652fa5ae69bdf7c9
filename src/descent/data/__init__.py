"""Data sets: one module each, one common fetch."""

from __future__ import annotations

from descent.data.mnist import Mnist, mnist
from descent.data.shakespeare import Text, shakespeare
from descent.data.synthetic import (
    blob_means,
    blobs,
    blobs_bayes_accuracy,
    line,
    plane,
    spiral,
)

__all__ = [
    "Mnist",
    "Text",
    "blob_means",
    "blobs",
    "blobs_bayes_accuracy",
    "line",
    "mnist",
    "plane",
    "shakespeare",
    "spiral",
]
