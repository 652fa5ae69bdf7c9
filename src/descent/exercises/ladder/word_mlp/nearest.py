"""How `nearest` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from descent.grading import Draw, Exercise, expect

nearest = Exercise("nearest", minutes=12, difficulty=2, returns=tuple[Tensor, Tensor])


def _cosines(vectors: np.ndarray, word: int) -> list[tuple[float, int]]:
    """(cosine, id) of every other word, the nearest first."""
    found = []
    for other, vector in enumerate(vectors):
        if other != word:
            lengths = math.hypot(*vector) * math.hypot(*vectors[word])
            found.append((float(np.dot(vector, vectors[word])) / lengths, other))
    return sorted(found, reverse=True)


@nearest.property("finds the words at the smallest angle, the nearest first", trials=6)
def _(answer, draw: Draw) -> None:
    size = draw.size + 2
    vectors = draw.rng.normal(size=(size, 3)) * draw.rng.uniform(0.2, 4, (size, 1))
    word, count = draw.integers(0, size), draw.integers(1, min(size, 5))
    ids, similarities = answer(torch.tensor(vectors), word, count)
    wanted = _cosines(vectors, word)[:count]
    expect(similarities, "the cosines").close_to([cosine for cosine, _ in wanted])
    expect(ids, "the ids").equals([other for _, other in wanted])


@nearest.property("does not name the word itself", trials=3)
def _(answer, draw: Draw) -> None:
    vectors = torch.tensor(draw.rng.normal(size=(4, 3)))
    word = draw.integers(0, 4)
    ids, _ = answer(vectors, word, 3)
    expect(sorted(int(i) for i in ids), "all other words, sorted").equals(
        [i for i in range(4) if i != word]
    )


@nearest.property("does not care how long the vectors are")
def _(answer, draw: Draw) -> None:
    vectors = torch.tensor([[1.0, 0.0], [0.1, 0.01], [30.0, 30.0], [0.0, -2.0], [-9.0, 1.0]])
    ids, similarities = answer(vectors * draw.choice([0.5, 1.0, 8.0]), 0, 4)
    expect(ids, "the ids").equals([1, 2, 3, 4])
    expect(similarities, "the cosines").close_to(
        [10 / math.hypot(10, 1), math.sqrt(0.5), 0.0, -9 / math.hypot(9, 1)], atol=1e-5
    )


def _ranked_by(vectors, word, count, similarity, itself=False, largest=True):
    values = similarity(vectors, vectors[word]).clone()
    if not itself:
        values[word] = -math.inf if largest else math.inf
    found = values.topk(count, largest=largest)
    return found.indices, found.values


def _cosine(vectors: Tensor, vector: Tensor) -> Tensor:
    return F.cosine_similarity(vectors, vector[None], dim=1)


@nearest.mistake(
    "The word is its own nearest neighbour. Its cosine with itself is always 1: leave it out."
)
def itself_included(vectors, word, count):
    return _ranked_by(vectors, word, count, _cosine, itself=True)


@nearest.mistake(
    "You used dot products without normalising: long vectors come near to everything. Divide by "
    "both lengths."
)
def dot_products(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: v @ one)


@nearest.mistake(
    "You divided by one of the two lengths only. A cosine is between −1 and 1: divide by the "
    "length of the word's own vector too."
)
def half_normalised(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: F.normalize(v, dim=1) @ one)


@nearest.mistake(
    "You divided by the word's own length only. A cosine divides by the other vector's too, or "
    "long vectors come near to everything."
)
def other_half_normalised(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: v @ F.normalize(one, dim=0))


@nearest.mistake("You sorted the wrong way: these are the words furthest away.")
def furthest(vectors, word, count):
    return _ranked_by(vectors, word, count, _cosine, largest=False)


@nearest.mistake(
    "You measured distances between points. Two vectors in the same direction count as near here, "
    "whatever their lengths: use the cosine of the angle."
)
def distances(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: (v - one).norm(dim=1), largest=False)


@nearest.mistake(
    "You ranked by the distance between points. Two vectors in "
    "the same direction count as near here, whatever their lengths: rank by the cosine."
)
def ranked_by_distance(vectors, word, count):
    ids, _ = _ranked_by(vectors, word, count, lambda v, one: (v - one).norm(dim=1), largest=False)
    return ids, _cosine(vectors, vectors[word])[ids]


@nearest.mistake(
    "You measured distances between points, with a minus. Two vectors in the same direction count "
    "as near here, whatever their lengths: use the cosine of the angle."
)
def negative_distances(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: -(v - one).norm(dim=1))


@nearest.mistake(
    "You set the word's own similarity to 0, which is still above every negative cosine. −infinity "
    "is below all of them."
)
def itself_at_zero(vectors, word, count):
    values = _cosine(vectors, vectors[word]).clone()
    values[word] = 0.0
    found = values.topk(count)
    return found.indices, found.values


@nearest.mistake(
    "You took the word's row out of the table before you ranked, so that every id behind it is one "
    "too small. Keep the table and set the word's own similarity to −infinity."
)
def row_taken_out(vectors, word, count):
    others = torch.cat([vectors[:word], vectors[word + 1 :]])
    found = _cosine(others, vectors[word]).topk(count)
    return found.indices, found.values


@nearest.mistake(
    "You ranked by the size of the cosine without its sign. −0.9 is a nearly opposite direction, "
    "not a near one."
)
def without_sign(vectors, word, count):
    return _ranked_by(vectors, word, count, lambda v, one: _cosine(v, one).abs())


@nearest.mistake(
    "You normalised the columns: every *dimension* has length 1 then. Normalise each word's row."
)
def normalised_columns(vectors, word, count):
    columns = F.normalize(vectors, dim=0)
    return _ranked_by(columns, word, count, lambda v, one: v @ one)


@nearest.mistake("You returned the cosines first. The ids come first, then the cosines.")
def swapped_results(vectors, word, count):
    return _ranked_by(vectors, word, count, _cosine)[::-1]


@nearest.mistake(
    "You squared the lengths: divide by the lengths themselves, the square roots of the sums of "
    "squares."
)
def squared_lengths(vectors, word, count):
    def similarity(v, one):
        return v @ one / ((v**2).sum(1) * (one**2).sum())

    return _ranked_by(vectors, word, count, similarity)


nearest.hint("Divide every row by its length; cosines are then plain dot products.")
nearest.hint("`F.normalize(vectors, dim=1)`, a matrix times one vector, `topk(count)`.")
nearest.hint("Set the word's own similarity to −infinity before you take the largest.")
nearest.hint("A cosine is never above 1. Which length is left over?", when="factor")
nearest.hint("Largest cosine first.", when="order")


nearest.equivalent(
    "`directions = F.normalize(vectors, dim=1)` → `directions = F.normalize(vectors)`",
    because="dim=1 is what F.normalize does unless told otherwise",
)
