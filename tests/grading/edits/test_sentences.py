"""What an edit says is what the changed answer does."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

RATE = """
def rate(size: float, bandwidth: float, latency: float = 2.0):
    return latency + size / (3 * bandwidth)
"""
SPREAD = """
def spread(x, y):
    return np.mean((x - y) ** 2), x.sum(axis=1)
"""
MIX = """
def mix(old: float, new: float, momentum: float = 0.1):
    if momentum is not None:
        return (1 - momentum) * old + momentum * new
    return new
"""
SUMS = """
def sums(rows: list, start: int = 0):
    total = start
    found = []
    for row in rows:
        for value in row:
            total += value
        found.append(total)
    return found
"""
BATCHES = """
def batches(n: int, size: int):
    return [list(range(at, min(at + size, n))) for at in range(0, n, size)]
"""
EVALUATE = """
def evaluate(model: nn.Module, x: torch.Tensor):
    was_training = model.training
    model.eval()
    with torch.no_grad():
        result = model(x)
    model.train(was_training)
    return result
"""
TOP = """
def top(scores: torch.Tensor, dim: int = 1):
    return scores.argmax(dim=1), scores.softmax(dim=1)
"""
NET = """
class Net(nn.Module):
    def __init__(self, width: int, depth: int):
        super().__init__()
        self.layers = nn.ModuleList((nn.Linear(width, width) for _ in range(depth)))
        self.register_buffer("mean", torch.zeros(width))

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return x
"""
TABLE = torch.tensor([[1.0, 5.0], [7.0, 2.0], [3.0, 4.0]])

NUMBERS = [
    (RATE,
     "you divided by `3` and then multiplied by the factor `bandwidth`: are brackets missing?",
     (6.0, 4.0), 2 + 6 / 3 * 4),
    (RATE, "the term `latency` were missing.", (6.0, 4.0), 6 / 12),
    (RATE, "the factor `3` were missing.", (6.0, 4.0), 2 + 6 / 4),
    (RATE, "`latency` were always 2.0, its default: use the argument.", (6.0, 4.0, 9.0), 2.5),
    (RATE, "`size` and `bandwidth` were exchanged.", (6.0, 4.0), 2 + 4 / 18),
    (RATE, "the default of `latency` were not `2.0`.", (6.0, 4.0), 3.5),
    (RATE, "the result were halved.", (6.0, 4.0), 1.25),
    (MIX, "`momentum` itself stood where one minus it belongs.", (2.0, 6.0, 0.25), 2.0),
    (MIX, "the weights of `old` and `new` were exchanged.", (2.0, 6.0, 0.25), 5.0),
    (MIX, "`momentum` were taken for absent where it is 0 or empty: ask whether it is None.",
     (2.0, 6.0, 0.0), 6.0),
    (MIX, "`momentum` were always 0.9, a usual value: use the argument.", (2.0, 6.0, 0.25), 5.6),
    (MIX, "the condition on `momentum` never held.", (2.0, 6.0, 0.25), 6.0),
    (MIX, "`old` and `new` were exchanged.", (2.0, 6.0, 0.25), 5.0),
    (SUMS, "the outer loop ended after its first pass: does it stop or return too early?",
     ([[1, 2], [3]],), [3]),
    (SUMS, "a counter or sum began again in every pass of the outer loop.",
     ([[1, 2], [3]],), [3, 3]),
    (SUMS, "the outer loop ran backwards.", ([[1, 2], [3]],), [3, 6]),
    (SUMS, "the last pass of the outer loop were missing.", ([[1, 2], [3]],), [3]),
    (BATCHES, "the last, shorter part were left out.", (5, 2), [[0, 1], [2, 3]]),
    (BATCHES, "a loop went on by one each time.", (3, 2), [[0, 1], [1, 2], [2]]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "clause", "arguments", "expected"), NUMBERS)
def test_the_answer_does_what_the_sentence_says(
    answer_of, text: str, clause: str, arguments: tuple, expected: object
) -> None:
    answer = answer_of(text, f"It behaves as if {clause}")
    right = expected if isinstance(expected, list) else pytest.approx(expected)
    assert answer(*arguments) == right


def test_swapped_results(answer_of) -> None:
    sentence = "It behaves as if the first and the second result were returned in the other order."
    rows, mean = answer_of(SPREAD, sentence)(np.ones((2, 3)), np.zeros((2, 3)))
    assert list(rows) == [3, 3] and mean == 1


def test_squared_after_the_mean(answer_of) -> None:
    sentence = "It behaves as if you squared after the `mean`, not before in the first result."
    mean, _ = answer_of(SPREAD, sentence)(np.array([[1.0, -1.0]]), np.zeros((1, 2)))
    assert mean == 0


def test_along_another_axis(answer_of) -> None:
    sentence = (
        "It behaves as if `axis` of a `sum` in the second result were `0`, not `1`: "
        "is the axis the right one?"
    )
    _, sums = answer_of(SPREAD, sentence)(np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2)))
    assert list(sums) == [4, 6]


def test_the_same_slip_in_both_results_is_told_once(answer_of) -> None:
    sentence = "It behaves as if the sign of both results were turned round."
    mean, sums = answer_of(SPREAD, sentence)(np.ones((1, 2)), np.zeros((1, 2)))
    assert mean == -1 and list(sums) == [-2]


def test_the_mode_is_not_put_back(answer_of) -> None:
    sentence = "It behaves as if `model` were not put back into the mode it came in."
    model = nn.Linear(2, 2)
    answer_of(EVALUATE, sentence)(model, torch.ones(1, 2))
    assert not model.training


def test_training_mode_at_the_end(answer_of) -> None:
    sentence = (
        "It behaves as if `model` were always put into training mode at the end: "
        "put back the mode it came in."
    )
    model = nn.Linear(2, 2).eval()
    answer_of(EVALUATE, sentence)(model, torch.ones(1, 2))
    assert model.training


def test_gradients_recorded(answer_of) -> None:
    sentence = "It behaves as if `no_grad` were missing: nothing here is to be recorded."
    assert answer_of(EVALUATE, sentence)(nn.Linear(2, 2), torch.ones(1, 2)).requires_grad


def test_the_last_of_equals(answer_of) -> None:
    sentence = "It behaves as if among equals the last came first in the first result."
    places, _ = answer_of(TOP, sentence)(torch.tensor([[3.0, 3.0, 1.0]]))
    assert places.tolist() == [1]


def test_softmax_along_another_axis(answer_of) -> None:
    sentence = (
        "It behaves as if `dim` of a `softmax` in the second result were `0`, not `1`: "
        "is the axis the right one?"
    )
    _, shares = answer_of(TOP, sentence)(TABLE)
    assert shares.sum(0).tolist() == pytest.approx([1, 1])


def test_layers_in_a_plain_list(answer_of) -> None:
    sentence = "It behaves as if the layers stood in a plain list, where no optimiser finds them."
    assert not list(answer_of(NET, sentence)(2, 3).parameters())


def test_one_layer_in_every_place(answer_of) -> None:
    sentence = (
        "It behaves as if one and the same thing stood in every place, not a new one each time: "
        "make a new one in the loop."
    )
    net = answer_of(NET, sentence)(2, 3)
    assert net.layers[0] is net.layers[2]


def test_a_buffer_that_is_none(answer_of) -> None:
    sentence = "It behaves as if `self.mean` were a plain tensor, not a buffer."
    net = answer_of(NET, sentence)(2, 1)
    assert "mean" not in net.state_dict() and net.mean.tolist() == [0, 0]


def test_a_step_between_backward_and_step(answer_of) -> None:
    text = """
    def train(parameter, optimiser, steps: int):
        for _ in range(steps):
            optimiser.zero_grad()
            (parameter ** 2).backward()
            optimiser.step()
    """
    sentence = (
        "It behaves as if the gradients were cleared between the backward pass and the step: "
        "clear them before."
    )
    parameter = torch.tensor(3.0, requires_grad=True)
    answer_of(text, sentence)(parameter, torch.optim.SGD([parameter], lr=0.1), 2)
    assert parameter.item() == 3


def test_labels_that_stay_where_they_were(answer_of) -> None:
    text = """
    def pairs(x, y, size: int, generator):
        found = []
        for batch in torch.randperm(len(x), generator=generator).split(size):
            found.append((x[batch], y[batch]))
        return found
    """
    sentence = (
        "It behaves as if `y` stayed in the old order and the rest were shuffled: they go together."
    )
    x = torch.arange(7)
    found = answer_of(text, sentence)(x, x, 3, torch.Generator().manual_seed(0))
    assert torch.cat([labels for _, labels in found]).tolist() == list(range(7))
    assert torch.cat([inputs for inputs, _ in found]).tolist() != list(range(7))


def test_the_old_value_after_a_change(answer_of) -> None:
    text = """
    def step(theta: float, velocity: float, slope: float):
        velocity = velocity * 0.5 + slope
        return theta - velocity, velocity
    """
    sentence = (
        "It behaves as if the value of `velocity` from before its change were used "
        "in the first result."
    )
    assert answer_of(text, sentence)(1.0, 2.0, 4.0) == (-1.0, 5.0)


def test_a_brackets_slip_with_a_root(answer_of) -> None:
    text = """
    def scale(variance: float, eps: float):
        return 1 / np.sqrt(variance + eps)
    """
    sentence = (
        "It behaves as if the part `eps` stood outside the `sqrt`: is a bracket in the wrong place?"
    )
    assert answer_of(text, sentence)(4.0, 0.5) == pytest.approx(1 / 2.5)


def test_natural_logarithms_for_those_to_base_two(answer_of) -> None:
    text = """
    def bits(p: torch.Tensor):
        return torch.log2(p).mean()
    """
    answer = answer_of(text, "It behaves as if `log` stood for `log2`.")
    assert answer(torch.tensor([math.e])).item() == pytest.approx(1)


def test_a_division_rounded_up(answer_of) -> None:
    text = """
    def parts(n: int, size: int):
        return n // size
    """
    answer = answer_of(text, "It behaves as if a division were rounded up, not down.")
    assert answer(7, 3) == 3


def test_probabilities_for_logits(answer_of) -> None:
    text = """
    def loss(logits: Tensor, labels: Tensor):
        return F.cross_entropy(logits, labels)
    """
    answer = answer_of(text, "It behaves as if `logits` went through a softmax first.")
    labels = torch.tensor([1, 0, 1])
    right = nn.functional.cross_entropy(TABLE.softmax(-1), labels)
    assert answer(TABLE, labels) == pytest.approx(right.item())
