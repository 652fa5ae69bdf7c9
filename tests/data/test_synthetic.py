"""Data made from a known rule."""

from __future__ import annotations

import numpy as np
import pytest

from descent.data import blob_means, blobs, blobs_bayes_accuracy, line, plane, spiral


@pytest.mark.parametrize("make", [line, plane, blobs, spiral])
def test_a_seed_gives_the_same_arrays_and_another_gives_others(make):
    first, again, other = make(50, seed=4), make(50, seed=4), make(50, seed=5)
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_shapes_and_types():
    for (x, y), width, kind in [
        (line(7), None, np.float64),
        (plane(7, w=[1.0, 2.0]), 2, np.float64),
        (blobs(7), 2, np.int64),
        (spiral(7), 2, np.int64),
    ]:
        assert x.shape == ((7,) if width is None else (7, width))
        assert (x.dtype, y.dtype, y.shape) == (np.float64, kind, (7,))


def test_without_noise_the_rule_holds_exactly():
    x, y = line(30, w=3.0, b=0.5, noise=0.0)
    assert np.allclose(y, 3 * x + 0.5, rtol=0, atol=1e-15)
    x, y = plane(30, w=(1.0, -2.0), b=4.0, noise=0.0)
    assert np.allclose(y, x[:, 0] - 2 * x[:, 1] + 4, rtol=0, atol=1e-14)


def test_the_noise_has_the_stated_deviation():
    x, y = line(20_000, w=2.0, b=-1.0, noise=0.3)
    assert np.std(y - (2 * x - 1)) == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize("make", [blobs, spiral])
def test_classes_are_equally_frequent_and_mixed(make):
    _, y = make(300, classes=3)
    assert np.bincount(y).tolist() == [100, 100, 100]
    assert len(set(y[:20].tolist())) == 3


@pytest.mark.parametrize(("classes", "spread"), [(2, 1.5), (3, 0.8), (5, 0.8), (7, 0.4)])
def test_bayes_accuracy_is_what_the_nearest_centre_reaches(classes, spread):
    x, y = blobs(60_000, classes, spread, seed=1)
    distance = ((x[:, None] - blob_means(classes)) ** 2).sum(axis=2)
    reached = float((distance.argmin(axis=1) == y).mean())
    assert blobs_bayes_accuracy(classes, spread) == pytest.approx(reached, abs=0.006)


def test_the_spiral_can_be_told_apart_but_not_by_straight_lines():
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    (x, y), test = spiral(600, seed=0), spiral(600, seed=1)
    assert KNeighborsClassifier(3).fit(x, y).score(*test) > 0.99
    assert LogisticRegression().fit(x, y).score(*test) < 0.7


@pytest.mark.parametrize(
    "call",
    [
        lambda: line(0),
        lambda: line(5, noise=-1),
        lambda: plane(5, w=[[1.0]]),
        lambda: blobs(5, classes=1),
        lambda: blobs(5, spread=0),
        lambda: spiral(5, noise=-0.1),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(ValueError, match="must"):
        call()
