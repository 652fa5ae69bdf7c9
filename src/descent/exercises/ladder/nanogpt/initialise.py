"""How `initialise` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from descent.grading import Draw, Exercise, expect

from .shared import spreads, start

initialise = Exercise("initialise", minutes=15, difficulty=2, changes=("model",))


_OUT_OF_PLACE = 7.0  # what every parameter holds before: what nobody touched shows


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width)
        self.attention = nn.ModuleDict(
            {
                "queries_keys_values": nn.Linear(width, 3 * width),
                "projection": nn.Linear(width, width),
            }
        )
        self.norm_2 = nn.LayerNorm(width, bias=False)
        self.expand = nn.Linear(width, 4 * width)
        self.projection = nn.Linear(4 * width, width, bias=False)
        self.projection_in = nn.Linear(width, width, bias=False)  # writes into no stream


class Started(nn.Module):
    """A model of GPT-2's parts, some of them with a bias and some without."""

    def __init__(self, layers: int, width: int = 64) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(96, width), nn.Embedding(64, width)
        self.blocks = nn.ModuleList(_Layer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.read_out = nn.Linear(width, 96, bias=False)
        self.read_out.weight = self.tokens.weight
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.fill_(_OUT_OF_PLACE)

    def __repr__(self) -> str:
        return f"a model of {len(self.blocks)} blocks, whose parameters are all {_OUT_OF_PLACE:g}"


def _drawn(model: nn.Module) -> np.ndarray:
    """The numbers of all matrices, each divided by its root mean square."""
    weights = [w.detach().double() for w in model.parameters() if w.dim() > 1]
    return torch.cat([(w / w.square().mean().sqrt()).flatten() for w in weights]).numpy()


@initialise.property("gives matrices a spread of 0.02, and projections one of 0.02/√(2·layers)", 3)
def _(answer, draw: Draw) -> None:
    layers = {1: 1, 2: 3}.get(draw.size, 8)
    model = Started(layers)
    answer(model, layers)
    ordinary = spreads(model, layers, projections=False)
    scaled = spreads(model, layers, projections=True)
    expect(ordinary, "the spreads of tables and ordinary matrices, divided by 0.02").equals(
        [1.0] * (2 + 3 * layers)
    )
    expect(scaled, "the spreads of the projections, divided by 0.02/√(2·layers)").equals(
        [1.0] * (2 * layers)
    )


@initialise.property("draws from a normal distribution around 0", trials=1)
def _(answer, draw: Draw) -> None:
    model = Started(4)
    answer(model, 4)
    numbers = _drawn(model)
    near = round(float((np.abs(numbers) < 1).mean()), 1)
    expect(near, "the share within one spread of 0, to one decimal").equals(0.7)
    mean = round(float(numbers.mean()), 1)
    expect(mean, "the mean in units of the spread, to one decimal").equals(0.0)


@initialise.property("sets biases to 0 and gains to 1", trials=1)
def _(answer, draw: Draw) -> None:
    model = Started(2)
    answer(model, 2)
    for kind, wanted in (("bias", 0.0), ("weight", 1.0)):
        found = torch.cat(
            [w.detach() for n, w in model.named_parameters() if w.dim() < 2 and n.endswith(kind)]
        )
        name = "the gains of the norms" if kind == "weight" else "the biases"
        lowest, highest = round(float(found.min()), 2), round(float(found.max()), 2)
        expect([lowest, highest], f"smallest and largest of {name}").equals([wanted, wanted])


@initialise.property("takes its numbers from torch's generator, new ones each time", trials=1)
def _(answer, draw: Draw) -> None:
    seed, seen = draw.seed(), []
    for number in (seed, seed, seed + 1):
        torch.manual_seed(number)
        model = Started(1)
        answer(model, 1)
        seen.append(model.tokens.weight.detach().clone())
    expect(torch.equal(seen[0], seen[1]), "whether the same seed gives the same start").equals(True)
    expect(torch.equal(seen[0], seen[2]), "whether another seed gives the same start").equals(False)


def _starting(name, **habits):
    def answer(model, layers):
        changed = {
            key: value(layers) if callable(value) else value for key, value in habits.items()
        }
        start(model, layers, **changed)

    answer.__name__ = name
    return answer


for _name, _habits, _message in (
    (
        "unscaled_projections", {"shrink": 1.0},
        "The projections start as large as the rest. 2·layers of them add to the stream: divide "
        "their spread by √(2·layers).",
    ),
    (
        "root_of_layers", {"shrink": lambda layers: math.sqrt(layers)},
        "You divided by √layers. Each block adds to the stream twice, after attention and after "
        "the MLP: √(2·layers).",
    ),
    (
        "without_root", {"shrink": lambda layers: 2.0 * layers},
        "You divided by 2·layers. Independent terms add by their variances, so it takes the root.",
    ),
    (
        "variance_for_spread", {"spread": 0.02**0.5},
        "0.02 is the standard deviation, and you used it as the variance.",
    ),
    (
        "square_for_spread", {"spread": 0.02**2},
        "You squared 0.02. `normal_(std=…)` takes the standard deviation itself.",
    ),
    (
        "all_scaled", {"all_small": True},
        "You made every matrix smaller by √(2·layers). That is for the matrices that write into "
        "the stream, named projection.weight.",
    ),
    (
        "attention_projection_missed", {"misses_attention": True},
        "One of the two projections of each block is not scaled. Attention writes into the "
        "stream too: look for every name that ends in projection.weight.",
    ),
    (
        "projection_anywhere", {"anywhere": True},
        "You scale whatever has \"projection\" in its name, projection_in.weight too. Only names "
        "that end in \"projection.weight\" belong to what writes into the stream.",
    ),
    (
        "tables_missed", {"no_tables": True},
        "The two tables keep what they had. nn.Embedding starts at 0.02, like nn.Linear.",
    ),
    (
        "uniform_numbers", {"uniform": True},
        "Your numbers are uniform. GPT-2 starts from normal ones: nn.init.normal_.",
    ),
    (
        "by_fan_in", {"fan_in": True},
        "You scaled each matrix by the width of its input, as on rung 5. Here it is 0.02 for all.",
    ),
    (
        "biases_kept", {"no_biases": True},
        "The biases keep what they had. Set them to 0.",
    ),
    (
        "gains_kept", {"no_gains": True},
        "The gains of the norms keep what they had. A norm starts with weight 1 and bias 0.",
    ),
    (
        "gains_drawn", {"draws_gains": True},
        "You drew the gains of the norms as if they were matrices. A gain near 0 silences its "
        "branch: they start at 1.",
    ),
    ("gains_zero", {"zero_gains": True}, "The gains are 0. They start at 1; the biases at 0."),
    (
        "own_seed", {"seeds": True},
        "You seed the generator yourself, so that every model starts alike. Leave the seed to the "
        "caller.",
    ),
):  # fmt: skip
    initialise.mistake(_message)(_starting(_name, **_habits))


initialise.hint("Walk through `model.named_parameters()`: the name and the number of axes decide.")


initialise.hint(
    "`nn.init.normal_(weight, std=…)`, `nn.init.zeros_`, `nn.init.ones_`. Matrices and tables "
    "have two axes; gains and biases have one."
)


initialise.hint(
    "`name.endswith('projection.weight')` tells who writes to the stream.", when="value"
)


initialise.hint("Is the root taken? Is it of 2·layers?", when="factor")


initialise.hint("Change a parameter in place, under torch.no_grad().", when="error")
