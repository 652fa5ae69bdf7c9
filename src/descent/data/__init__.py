"""Data sets: one module each, one common fetch. The names here are those that notebooks use."""

from __future__ import annotations

from descent.data.gpt2_bpe import GPT2_PATTERN, Bpe, gpt2_bpe, gpt2_encoding
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
    "GPT2_PATTERN",
    "Bpe",
    "Mnist",
    "Text",
    "blob_means",
    "blobs",
    "blobs_bayes_accuracy",
    "gpt2_bpe",
    "gpt2_encoding",
    "line",
    "mnist",
    "plane",
    "shakespeare",
    "spiral",
]
