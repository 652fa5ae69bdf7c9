"""Data sets: one module each, one common fetch. The names here are those that notebooks use.

What happens where: ``fetch`` gets a file that is known by its checksum, from the class's copy, the
cache or a mirror, and ``offline`` says loudly that something stands in for it. ``mnist``,
``shakespeare``, ``gpt2_bpe`` and ``chinchilla`` read such files; ``synthetic`` makes points from a
known rule, ``sentiment`` labels texts by a lexicon.

For the real runs: ``token_texts`` encodes documents (``small_texts``, where nothing is to be
fetched) into the ``token_shards`` that training reads. ``imagenet`` prepares pictures (those of
``generated_pictures``, where ImageNet is not at hand) as ``shards``; ``picture_loader`` makes
batches of them, with the ``crops`` that a network sees.
"""

from __future__ import annotations

from descent.data.chinchilla import Runs, chinchilla_runs
from descent.data.gpt2_bpe import GPT2_PATTERN, Bpe, gpt2_bpe, gpt2_encoding
from descent.data.mnist import Mnist, mnist
from descent.data.sentiment import sentiment, soft_labels
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
    "Runs",
    "Text",
    "blob_means",
    "blobs",
    "blobs_bayes_accuracy",
    "chinchilla_runs",
    "gpt2_bpe",
    "gpt2_encoding",
    "line",
    "mnist",
    "plane",
    "sentiment",
    "shakespeare",
    "soft_labels",
    "spiral",
]
