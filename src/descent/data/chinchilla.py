"""Chinchilla: 245 language models, read off a figure of the paper (Besiroglu et al., 2024)."""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from descent.data.fetch import KnownFile, RefusedFile, UnavailableFile, read
from descent.data.offline import warn_once

SOURCE = "Chinchilla's runs"
OFFLINE_SOURCE = "made by a law (offline default)"
COUNT = 245

FILE = KnownFile(
    name="chinchilla/svg_extracted_data.csv",
    sha256="193478df4e90f040016431996c45682659306840ecdadf83cfb9cd5ca0aa1b30",
    size=23_224,
    mirrors=(
        "https://raw.githubusercontent.com/epoch-research/analyzing-chinchilla/main/data/svg_extracted_data.csv",
    ),
)

# The law of the stand-in: the constants of the replication, and a scatter like that of the runs.
FLOOR, A, B, ALPHA, BETA = 1.8172, 482.01, 2085.43, 0.3478, 0.3658
SCATTER = 0.006


class Runs(NamedTuple):
    """Trained language models.

    Attributes
    ----------
    parameters : float64, shape (n,).
    tokens : float64, shape (n,), those trained on: compute / (6 · parameters).
    losses : float64, shape (n,), in nats a token.
    source : "Chinchilla's runs", or which offline default stands in for them.
    """

    parameters: NDArray[np.float64]
    tokens: NDArray[np.float64]
    losses: NDArray[np.float64]
    source: str


def chinchilla_runs() -> Runs:
    """The 245 runs, or a loudly announced stand-in where they cannot be had.

    Returns
    -------
    Runs with fresh arrays. Without a copy and without a network: as many runs over the same ranges,
    made by a law and some scatter, and `.source` says so.

    Raises
    ------
    RefusedFile : a copy was found, and it is damaged or another table.
    """
    try:
        return parse(read(FILE).decode("utf-8"))
    except UnavailableFile as reason:
        warn_once(SOURCE, OFFLINE_SOURCE, reason)
        return offline_runs()


def parse(text: str) -> Runs:
    """The runs of the published table, whose columns are named in its first line.

    Raises
    ------
    RefusedFile : a column is missing, a number cannot be read, or there are not 245 rows.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    try:
        sizes, flops, losses = (
            np.array([float(row[name]) for row in rows])
            for name in ("Model Size", "Training FLOP", "loss")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedFile(f"{FILE.name} is refused: {error!r} while reading it.") from error
    if len(rows) != COUNT:
        raise RefusedFile(f"{FILE.name} is refused: {len(rows)} rows where {COUNT} belong.")
    return Runs(sizes, flops / (6 * sizes), losses, SOURCE)


def offline_runs() -> Runs:
    """The generated default: the law of the replication over the ranges of the published runs."""
    rng = np.random.default_rng(0)
    sizes = 10 ** rng.uniform(7.76, 10.2, COUNT)
    tokens = 10 ** rng.uniform(9.0, 11.4, COUNT)
    losses = FLOOR + A * sizes**-ALPHA + B * tokens**-BETA
    return Runs(sizes, tokens, losses * np.exp(SCATTER * rng.normal(size=COUNT)), OFFLINE_SOURCE)
