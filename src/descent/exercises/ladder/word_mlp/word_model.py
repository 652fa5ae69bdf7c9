"""How `WordModel` is judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

WordModel = Exercise("WordModel", minutes=25, difficulty=3)


def _weights(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    return layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()


def _forward(model: Any, contexts: Tensor) -> np.ndarray:
    """The model's logits by numpy, one window and one word at a time."""
    vectors = model.embedding.weight.detach().double().numpy()
    (w1, b1), (w2, b2) = _weights(model.hidden), _weights(model.output)
    rows = []
    for context in contexts.tolist():
        joined = np.concatenate([vectors[word] for word in context])
        rows.append(w2 @ np.tanh(w1 @ joined + b1) + b2)
    return np.array(rows)


def _filled(model: Any, draw: Draw) -> Any:
    """The model with drawn weights, so that the same answer is the same however it started."""
    with torch.no_grad():
        for name in ("embedding", "hidden", "output"):
            for parameter in getattr(model, name).parameters():
                parameter.copy_(0.7 * normals(draw, *parameter.shape))
    return model


@WordModel.property("has layers of the right shapes", trials=4)
def _(answer, draw: Draw) -> None:
    size, n, d, h = (draw.integers(low, low + 4) for low in (5, 1, 2, 10))
    model = answer(size, n, d, h)
    expect(model, "the model").is_a(nn.Module)
    expect(model.embedding.weight, "embedding.weight").has_shape(size, d)
    expect(model.hidden.weight, "hidden.weight").has_shape(h, n * d)
    for name in ("hidden", "output"):
        expect(getattr(model, name).bias is not None, f"{name} has a bias").is_true(
            otherwise=f"`{name}` has no bias. The page's two linear layers have one."
        )
    expect(model.hidden.bias, "hidden.bias").has_shape(h)
    expect(model.output.weight, "output.weight").has_shape(size, h)
    expect(model.output.bias, "output.bias").has_shape(size)
    count = sum(p.numel() for p in model.parameters())
    expect(count, "the number of parameters").equals(size * d + h * (n * d + 1) + size * (h + 1))


@WordModel.property("computes output(tanh(hidden(embeddings side by side)))", trials=6)
def _(answer, draw: Draw) -> None:
    size, n = draw.integers(4, 9), draw.integers(2, 5)
    model = _filled(answer(size, n, 3, 6), draw)
    contexts = torch.tensor(draw.integers(0, size, draw.size, n))
    logits = model(contexts)
    expect(logits, "the logits").has_shape(draw.size, size)
    expect(logits, "the logits").close_to(_forward(model, contexts))


@WordModel.property("hears the order of the words", trials=2)
def _(answer, draw: Draw) -> None:
    model = _filled(answer(6, 2, 3, 5), draw)
    contexts = torch.tensor([[1, 4], [4, 1]])
    logits = model(contexts)
    expect(logits, "the logits of (1, 4) and of (4, 1)").close_to(_forward(model, contexts))
    change = float((logits[0] - logits[1]).abs().max())
    expect(change > 1e-6, "the order matters").is_true(
        otherwise="swapping the two words of a context changes nothing"
    )


@WordModel.property("has 64 numbers for each word and 128 hidden units unless told otherwise")
def _(answer, draw: Draw) -> None:
    model = answer(10, 2)
    expect(model.embedding.weight, "embedding.weight").has_shape(10, 64)
    expect(model.hidden.weight, "hidden.weight").has_shape(128, 128)


@WordModel.property("starts with embeddings of standard deviation 0.1")
def _(answer, draw: Draw) -> None:
    weight = answer(100, 2, 64, 4).embedding.weight.detach()
    # Rounded to one digit, in which all draws of 6400 numbers agree.
    mean, spread = abs(round(float(weight.mean()), 1)), float(f"{float(weight.std()):.1g}")
    expect(spread, "the standard deviation of embedding.weight").close_to(0.1)
    expect(mean, "the mean of embedding.weight").close_to(0.0, atol=1e-6)


@WordModel.property("learns in all its parts")
def _(answer, draw: Draw) -> None:
    model = answer(6, 2, 3, 5)
    contexts, targets = torch.tensor([[0, 2], [3, 4]]), torch.tensor([0, 5])
    F.cross_entropy(model(contexts), targets).backward()
    for name in ("embedding", "hidden", "output"):
        gradient = getattr(model, name).weight.grad
        reached = gradient is not None and bool((gradient != 0).any())
        expect(reached, f"a gradient reaches {name}").is_true(
            otherwise=f"No gradient reaches {name}.weight."
        )
    gradient = model.embedding.weight.grad
    unknown = gradient is not None and bool((gradient[0] != 0).any())
    expect(unknown, "a gradient reaches the vector of word 0").is_true(
        otherwise="No gradient reaches the vector of word 0, `<unk>`, which must learn as well "
        "(`padding_idx` would prevent it)."
    )


@WordModel.property("starts the two linear layers as torch does")
def _(answer, draw: Draw) -> None:
    model = answer(50, 2, 32, 100)
    for name in ("hidden", "output"):
        layer = getattr(model, name)
        bound = 1.001 / math.sqrt(layer.weight.shape[1])
        for kind in ("weight", "bias"):
            values = getattr(layer, kind).detach()
            usual = bool((values.abs() <= bound).all()) and float(values.std()) > bound / 3
            expect(usual, f"{name}.{kind} starts as torch starts it").is_true(
                otherwise=f"{name}.{kind} does not start as `nn.Linear` starts it by itself: leave "
                "it alone. Only the embeddings are drawn anew."
            )


class _Network(nn.Module):
    """The right layers; each mistake below overrides what it gets wrong."""

    spread = 0.1

    def __init__(self, vocabulary_size, context, embedding_size=64, hidden_size=128):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        nn.init.normal_(self.embedding.weight, std=self.spread)
        self.hidden = nn.Linear(self.joined(context, embedding_size), hidden_size)
        self.output = nn.Linear(hidden_size, vocabulary_size)

    def joined(self, context, embedding_size):
        return context * embedding_size

    def join(self, vectors):
        return vectors.flatten(1)

    def bend(self, values):
        return torch.tanh(values)

    def forward(self, contexts):
        return self.output(self.bend(self.hidden(self.join(self.embedding(contexts)))))


@WordModel.mistake(
    "Your embeddings start with a standard deviation of 1, torch's default. The page asks for 0.1: "
    "`nn.init.normal_(self.embedding.weight, std=0.1)`."
)
class LargeEmbeddings(_Network):
    spread = 1.0


@WordModel.mistake(
    "Your embeddings have mean 0.1 and standard deviation 1: the second argument of "
    "`nn.init.normal_` is the mean. Say `std=0.1`."
)
class ShiftedEmbeddings(_Network):
    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        nn.init.normal_(self.embedding.weight, 0.1)


@WordModel.mistake(
    "Your embeddings are uniform between −0.1 and 0.1, which has a standard deviation of 0.06. "
    "Draw normal numbers: `nn.init.normal_(self.embedding.weight, std=0.1)`."
)
class UniformEmbeddings(_Network):
    def __init__(self, *sizes, **named):
        super().__init__(*sizes, **named)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)


@WordModel.mistake(
    "0.1 has become the *variance* of your embeddings, so that their standard deviation is 0.3."
)
class VarianceOfEmbeddings(_Network):
    spread = math.sqrt(0.1)


@WordModel.mistake(
    "`padding_idx=0` takes the vector of word 0 out of the learning. Word 0 is `<unk>` here, the "
    "most frequent of all, and must learn: leave `padding_idx` out."
)
class UnknownAsPadding(_Network):
    def __init__(self, vocabulary_size, context, embedding_size=64, hidden_size=128):
        super().__init__(vocabulary_size, context, embedding_size, hidden_size)
        self.embedding = nn.Embedding(vocabulary_size, embedding_size, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.1)


@WordModel.mistake(
    "The linear layers have no bias. `bias=True` is what `nn.Linear` does unless told otherwise."
)
class WithoutBias(_Network):
    def __init__(self, vocabulary_size, context, embedding_size=64, hidden_size=128):
        super().__init__(vocabulary_size, context, embedding_size, hidden_size)
        self.hidden = nn.Linear(context * embedding_size, hidden_size, bias=False)
        self.output = nn.Linear(hidden_size, vocabulary_size, bias=False)


@WordModel.mistake(
    "Your hidden layer takes three words, whatever `context` says. It takes context · "
    "embedding_size numbers."
)
class AlwaysThree(_Network):
    def joined(self, context, embedding_size):
        return 3 * embedding_size


@WordModel.mistake(
    "Your hidden layer takes the numbers of one word. Side by side, `context` words are context · "
    "embedding_size numbers."
)
class OneWordWide(_Network):
    def joined(self, context, embedding_size):
        return embedding_size


@WordModel.mistake(
    "You added the embeddings up. A sum forgets the order: `dog bites man` and `man bites dog` "
    "become one. Lay them side by side, so that each position has its own weights."
)
class Summed(_Network):
    def joined(self, context, embedding_size):
        return embedding_size

    def join(self, vectors):
        return vectors.sum(1)


@WordModel.mistake(
    "You added the embeddings up and repeated the sum for every position. A sum forgets the order: "
    "lay the vectors of the words side by side."
)
class SummedAndRepeated(_Network):
    def join(self, vectors):
        return vectors.sum(1).repeat(1, vectors.shape[1])


@WordModel.mistake(
    "You averaged the embeddings. A mean forgets the order: lay them side by side, so that each "
    "position has its own weights."
)
class Averaged(_Network):
    def joined(self, context, embedding_size):
        return embedding_size

    def join(self, vectors):
        return vectors.mean(1)


@WordModel.mistake(
    "You laid the embeddings together in the reverse order. The first word of the context comes "
    "first."
)
class Reversed(_Network):
    def join(self, vectors):
        return vectors.flip(1).flatten(1)


@WordModel.mistake(
    "The numbers of the words are interleaved: first number of every word, second number of every "
    "word, and so on. Lay whole vectors one after the other: `flatten(1)` with no transpose."
)
class Interleaved(_Network):
    def join(self, vectors):
        return vectors.transpose(1, 2).flatten(1)


@WordModel.mistake("There is no tanh. Two linear layers in a row are one linear layer (rung 5).")
class Linear(_Network):
    def bend(self, values):
        return values


@WordModel.mistake("You used ReLU. Bengio's network, and this page's, bends with tanh.")
class Rectified(_Network):
    def bend(self, values):
        return torch.relu(values)


@WordModel.mistake(
    "You returned probabilities. Return logits: `F.cross_entropy` applies the log-softmax itself, "
    "and applied twice it flattens everything."
)
class Probabilities(_Network):
    def forward(self, contexts):
        return torch.softmax(super().forward(contexts), dim=1)


@WordModel.mistake(
    "You returned log-probabilities. Return the output layer's numbers as they are, the logits."
)
class LogProbabilities(_Network):
    def forward(self, contexts):
        return torch.log_softmax(super().forward(contexts), dim=1)


@WordModel.mistake(
    "The tanh is applied to the output too. Logits must be free to be large: bend the hidden layer "
    "only."
)
class BentOutput(_Network):
    def forward(self, contexts):
        return torch.tanh(super().forward(contexts))


@WordModel.mistake(
    "The tanh comes after the output layer instead of the hidden one. Bend the hidden layer, and "
    "leave the logits free to be large."
)
class BentLate(_Network):
    def forward(self, contexts):
        return torch.tanh(self.output(self.hidden(self.join(self.embedding(contexts)))))


@WordModel.mistake("You bent the embeddings as well. The only tanh comes after `hidden`.")
class BentTwice(_Network):
    def join(self, vectors):
        return torch.tanh(vectors).flatten(1)


@WordModel.mistake("You bent the embeddings and not the hidden layer. tanh comes after `hidden`.")
class BentEarly(_Network):
    def forward(self, contexts):
        return self.output(self.hidden(torch.tanh(self.join(self.embedding(contexts)))))


@WordModel.mistake(
    "Your model hears the last word only: it is a bigram with extra steps. Use every word of the "
    "context."
)
class LastWord(_Network):
    def join(self, vectors):
        joined = torch.zeros_like(vectors)
        joined[:, -1] = vectors[:, -1]
        return joined.flatten(1)


WordModel.hint("`nn.Embedding(vocabulary_size, embedding_size)` maps (b, n) ids to (b, n, d).")
WordModel.hint("`.flatten(1)` lays the n vectors of each example end to end: (b, n · d).")
WordModel.hint("embedding → flatten → hidden → tanh → output. Did `__init__` call super()?")
WordModel.hint("How many numbers enter the hidden layer?", when="shape")
WordModel.hint("Which class has an attribute of that name? The page names three.", when="error")
WordModel.hint("Follow one window through the layers; is tanh where it should be?", when="value")
