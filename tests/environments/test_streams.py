"""Streams of chance: SplitMix64's numbers, one stream not moved by another."""

from __future__ import annotations

import numpy as np

from descent.environments.streams import Streams

MASK = 2**64 - 1


def mixed(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def test_the_numbers_are_those_of_splitmix64():
    streams = Streams(np.array([3, 2**40]))
    drawn = np.hstack([streams.uniform(2), streams.uniform(3)])
    for seed, row in zip((3, 2**40), drawn, strict=True):
        counter = mixed(seed)
        for value in row:
            counter = (counter + 0x9E3779B97F4A7C15) & MASK
            assert value == (mixed(counter) >> 11) / 2**53


def test_the_numbers_are_uniform_and_those_of_neighbours_unlike():
    drawn = Streams(np.arange(200)).uniform(500)
    assert drawn.min() >= 0 and drawn.max() < 1
    assert abs(drawn.mean() - 0.5) < 0.005 and abs(drawn.var() - 1 / 12) < 0.002
    correlations = np.corrcoef(drawn)[~np.eye(200, dtype=bool)]
    assert np.abs(correlations).mean() < 0.05
