"""How `classify_by_mean_similarity` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from descent.exercises.doubles import normals, token_tensor
from descent.grading import Draw, Exercise, expect

classify_by_mean_similarity = Exercise(
    "classify_by_mean_similarity", minutes=15, difficulty=2, returns=torch.Tensor
)


def _expected(queries, examples, labels, classes: int) -> np.ndarray:
    """Cosine by cosine."""
    q, e = queries.double().numpy(), examples.double().numpy()
    found = []
    for row in q:
        means = {}
        for label in range(classes):
            cosines = [
                row @ e[j] / np.sqrt((row @ row) * (e[j] @ e[j]))
                for j in range(len(e))
                if int(labels[j]) == label
            ]
            if cosines:
                means[label] = np.mean(cosines)
        found.append(max(means, key=lambda label: means[label]))
    return np.array(found)


def _expect_labels(answer, queries, examples, labels, classes: int) -> None:
    found = answer(queries, examples, labels, classes)
    expect(found, "the labels").has_dtype("int64").equals(
        _expected(queries, examples, labels, classes)
    )


@classify_by_mean_similarity.property("takes the class with the highest mean cosine", trials=6)
def _(answer, draw: Draw) -> None:
    classes = 3
    labels = torch.cat([torch.arange(classes), token_tensor(draw, classes, 2 * draw.size)])
    examples = normals(draw, len(labels), 3)
    _expect_labels(answer, normals(draw, 8 + draw.size, 3), examples, labels, classes)


@classify_by_mean_similarity.property("weighs no class by how many examples it has", trials=4)
def _(answer, draw: Draw) -> None:
    labels = torch.tensor([0] * (3 * draw.size + 4) + [1, 2])
    examples = normals(draw, len(labels), 2) + torch.tensor([1.0, 0.5])
    _expect_labels(answer, normals(draw, 9, 2) + 0.3, examples, labels, 3)


@classify_by_mean_similarity.property("looks at directions, not at lengths", trials=4)
def _(answer, draw: Draw) -> None:
    labels = torch.tensor([0, 1, 0, 1, 2, 2])
    lengths = torch.tensor([9.0, 0.2, 0.3, 5.0, 0.1, 20.0])[:, None]
    _expect_labels(answer, 4 * normals(draw, 9, 3), lengths * normals(draw, 6, 3), labels, 3)


@classify_by_mean_similarity.property("never answers with a class that has no example", trials=4)
def _(answer, draw: Draw) -> None:
    directions = torch.tensor([[1.0, 0.1], [0.9, -0.2], [1.0, 0.4]])
    labels = torch.tensor([1, 3, 4])
    _expect_labels(answer, -directions - 0.1 * normals(draw, 3, 2), directions, labels, 6)


@classify_by_mean_similarity.property("works for one query and one example")
def _(answer, draw: Draw) -> None:
    label = draw.integers(0, 4)
    _expect_labels(answer, normals(draw, 1, 3) + 0.01, normals(draw, 1, 3) + 0.01,
                   torch.tensor([label]), 5)  # fmt: skip


@classify_by_mean_similarity.right
def right_classes(queries, examples, labels, classes):
    similarity = F.normalize(queries, dim=1) @ F.normalize(examples, dim=1).T
    means = torch.full((len(queries), classes), -torch.inf)
    for label in range(classes):
        own = labels == label
        if own.any():
            means[:, label] = similarity[:, own].mean(1)
    return means.argmax(1)


_SIMILARITY = "F.normalize(queries, dim=1) @ F.normalize(examples, dim=1).T"

classify_by_mean_similarity.slip(
    "summed_similarity",
    "You summed the similarities of a class. A class with more examples then has the larger sum: "
    "take the mean.",
    {"[:, own].mean(1)": "[:, own].sum(1)"},
)
classify_by_mean_similarity.slip(
    "nearest_example",
    "You took the one nearest example. The mean over all examples of a class is asked for: it is "
    "not led astray by a single odd one.",
    {"[:, own].mean(1)": "[:, own].amax(1)"},
)
classify_by_mean_similarity.slip(
    "plain_dot_products",
    "You took dot products of vectors of any length. A long vector then counts for more than a "
    "short one: divide each by its length.",
    {_SIMILARITY: "queries @ examples.T"},
)
classify_by_mean_similarity.slip(
    "missing_class_is_zero",
    "A class without examples has a mean of 0 in your answer, which beats all classes that point "
    "the other way. Start from −∞.",
    {"torch.full((len(queries), classes), -torch.inf)": "torch.zeros(len(queries), classes)"},
)
classify_by_mean_similarity.slip(
    "missing_class_is_nan",
    "The mean over no examples is NaN, and argmax takes NaN for the largest. Skip the classes "
    "without an example.",
    {"if own.any():": "if True:"},
)
classify_by_mean_similarity.slip(
    "mean_direction",
    "You compared with each class's mean *direction*, brought back to length 1. A class whose "
    "examples disagree is then as near as one whose examples agree: average the similarities.",
    {
        "similarity[:, own].mean(1)": "F.normalize(queries, dim=1) @ "
        "F.normalize(F.normalize(examples[own], dim=1).mean(0), dim=0)"
    },
)
classify_by_mean_similarity.slip(
    "mean_before_length",
    "You averaged the examples before dividing by their lengths. A long example then outweighs "
    "the others of its class.",
    {
        "similarity[:, own].mean(1)": "F.normalize(queries, dim=1) @ "
        "F.normalize(examples[own].mean(0), dim=0)"
    },
)
classify_by_mean_similarity.slip(
    "least_similar",
    "You took the class with the *lowest* mean similarity.",
    {"means.argmax(1)": "means.masked_fill(means.isinf(), torch.inf).argmin(1)"},
)
classify_by_mean_similarity.slip(
    "place_among_present",
    "You returned the place among the classes that have examples. Return the label itself.",
    {
        "means.argmax(1)": "means[:, torch.unique(labels)].argmax(1)",
    },
)
classify_by_mean_similarity.slip(
    "features_normalised",
    "You normalised along the batch: each feature over all vectors. A *vector* is to have length 1 "
    "(dim=1).",
    {_SIMILARITY: "F.normalize(queries, dim=0) @ F.normalize(examples, dim=0).T"},
)
classify_by_mean_similarity.slip(
    "starts_at_zero",
    "You begin with a best similarity of 0, which no class reaches where all of them point the "
    "other way. Begin at −∞.",
    {"means.argmax(1)": "means.argmax(1) * (means.amax(1) > 0)"},
)
classify_by_mean_similarity.slip(
    "distances",
    "You compared distances. They depend on the lengths of the vectors; the cosine of the angle "
    "does not.",
    {_SIMILARITY: "-torch.cdist(queries, examples)"},
)
classify_by_mean_similarity.slip(
    "median_similarity",
    "You took the median over the examples of a class. The mean is asked for.",
    {"similarity[:, own].mean(1)": "similarity[:, own].median(1).values"},
)

classify_by_mean_similarity.hint("One table of cosines, shape (queries, examples). What then?")
classify_by_mean_similarity.hint("For each class, average the columns of its examples.")
classify_by_mean_similarity.hint(
    "What mean does a class get that has no example, and can it win?",
    when="never answers with a class that has no example",
)
classify_by_mean_similarity.hint("Does a class with more examples win more often?", when="value")
