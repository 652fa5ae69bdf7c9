"""How `initialise` is judged."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from descent.grading import Draw, Exercise, expect

from .shared import spreads

initialise = Exercise(
    "initialise", minutes=15, difficulty=2, changes=("model",), returns=type(None)
)


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
        self.unbiased = nn.LayerNorm(width, bias=False)  # a gain, whatever it is called


class Started(nn.Module):
    """A model of GPT-2's parts, some of them with a bias and some without.

    Its blocks are not called `blocks`: other models of the page have none of that name.
    """

    def __init__(self, layers: int, width: int = 64) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(96, width), nn.Embedding(64, width)
        self.tower = nn.ModuleList(_Layer(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.read_out = nn.Linear(width, 96, bias=False)
        self.read_out.weight = self.tokens.weight
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.fill_(_OUT_OF_PLACE)

    def __repr__(self) -> str:
        return f"a model of {len(self.tower)} blocks, whose parameters are all {_OUT_OF_PLACE:g}"


def _drawn(model: nn.Module) -> np.ndarray:
    """The numbers of all matrices, each divided by its root mean square."""
    weights = [w.detach().double() for w in model.parameters() if w.dim() > 1]
    return torch.cat([(w / w.square().mean().sqrt()).flatten() for w in weights]).numpy()


@initialise.property("gives tables and ordinary matrices a spread of 0.02", trials=2)
def _(answer, draw: Draw) -> None:
    layers = {1: 1, 2: 3}[draw.size]
    model = Started(layers)
    answer(model, layers)
    ordinary = spreads(model, layers, projections=False)
    expect(ordinary, "the spreads of tables and ordinary matrices, divided by 0.02").equals(
        [1.0] * (2 + 3 * layers)
    )


@initialise.property("gives what writes into the stream a spread of 0.02/√(2·layers)", trials=3)
def _(answer, draw: Draw) -> None:
    layers = {1: 1, 2: 3}.get(draw.size, 8)
    model = Started(layers)
    answer(model, layers)
    scaled = spreads(model, layers, projections=True)
    expect(scaled, "the spreads of the projections, divided by 0.02/√(2·layers)").equals(
        [1.0] * (2 * layers)
    )


@initialise.property("draws from a normal distribution around 0", trials=1)
def _(answer, draw: Draw) -> None:
    model = Started(2)
    answer(model, 2)
    numbers = _drawn(model)
    near = round(float((np.abs(numbers) < 1).mean()), 1)
    expect(near, "the share within one spread of 0, to one decimal").equals(0.7)
    mean = round(float(numbers.mean()), 1)
    expect(mean, "the mean in units of the spread, to one decimal").equals(0.0)


def _vectors(model: nn.Module, biases: bool) -> list[float]:
    """The smallest and the largest of all biases, or of all gains."""
    found = [
        weight.detach()
        for name, weight in model.named_parameters()
        if weight.dim() < 2 and name.endswith("bias") == biases
    ]
    numbers = torch.cat(found)
    return [round(float(numbers.min()), 2), round(float(numbers.max()), 2)]


@initialise.property("sets biases to 0", trials=1)
def _(answer, draw: Draw) -> None:
    model = Started(2)
    answer(model, 2)
    expect(_vectors(model, True), "smallest and largest of the biases").equals([0.0, 0.0])


@initialise.property("sets gains to 1", trials=1)
def _(answer, draw: Draw) -> None:
    model = Started(2)
    answer(model, 2)
    expect(_vectors(model, False), "smallest and largest of the gains of the norms").equals(
        [1.0, 1.0]
    )


@initialise.property("changes the parameters in place, a shared one too", trials=1)
def _(answer, draw: Draw) -> None:
    model = Started(1)
    before = dict(model.named_parameters())
    answer(model, 1)
    after = dict(model.named_parameters())
    same = [name for name, weight in before.items() if after.get(name) is weight]
    expect(len(same), "how many parameters are the ones that were there before").equals(len(before))
    tied = model.read_out.weight is model.tokens.weight
    expect(tied, "whether two layers that shared a table still share it").equals(True)
    trained = sum(weight.requires_grad for weight in after.values())
    expect(trained, "how many parameters want a gradient").equals(len(before))


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


@initialise.right
def right_start(model, layers):
    base = 0.02
    shrink = math.sqrt(2 * layers)
    for name, parameter in model.named_parameters():
        inner = name.endswith("projection.weight")
        if parameter.dim() == 2:
            spread = base / shrink if inner else base
            nn.init.normal_(parameter, std=spread)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.ones_(parameter)


initialise.slip(
    "unscaled_projections",
    "The projections start as large as the rest. 2·layers of them add to the stream: divide "
    "their spread by √(2·layers).",
    {"base / shrink if inner else base": "base"},
)
initialise.slip(
    "root_of_layers",
    "You divided by √layers. Each block adds to the stream twice, after attention and after "
    "the MLP: √(2·layers).",
    {"2 * layers": "layers"},
)
initialise.slip(
    "without_root",
    "You divided by 2·layers. Independent terms add by their variances, so it takes the root.",
    {"math.sqrt(2 * layers)": "2 * layers"},
)
initialise.slip(
    "root_of_two_alone",
    "You divided by √2 · layers. The root is of the whole product: √(2·layers).",
    {"math.sqrt(2 * layers)": "math.sqrt(2) * layers"},
)
initialise.slip(
    "variance_for_spread",
    "0.02 is the standard deviation, and you used it as the variance.",
    {"base = 0.02": "base = math.sqrt(0.02)"},
)
initialise.slip(
    "square_for_spread",
    "You squared 0.02. `normal_(std=…)` takes the standard deviation itself.",
    {"base = 0.02": "base = 0.02**2"},
)
initialise.slip(
    "spread_as_mean",
    "Your matrices have the spread 1, and 0.02 or so is their mean. The first number that "
    "nn.init.normal_ takes is the mean: write std=….",
    {"std=spread": "spread"},
)
initialise.slip(
    "all_scaled",
    "You made every matrix smaller by √(2·layers). That is for the matrices that write into "
    "the stream, named projection.weight.",
    {" if inner else base": ""},
)
initialise.slip(
    "scaled_the_wrong_ones",
    "You made all matrices smaller except those that write into the stream. Only these, named "
    "projection.weight, are divided by √(2·layers).",
    {"if inner": "if not inner"},
)
initialise.slip(
    "attention_projection_missed",
    "One of the two projections of each block is not scaled. Attention writes into the "
    "stream too: look for every name that ends in projection.weight.",
    {'"projection.weight")': '"projection.weight") and "attention" not in name'},
)
initialise.slip(
    "projection_anywhere",
    'You scale whatever has "projection" in its name, projection_in.weight too. Only names '
    'that end in "projection.weight" belong to what writes into the stream.',
    {'name.endswith("projection.weight")': '"projection" in name'},
)
initialise.slip(
    "tables_missed",
    "The two tables keep what they had. nn.Embedding starts at 0.02, like nn.Linear.",
    {"std=spread)": 'std=spread) if "tokens" not in name and "positions" not in name else None'},
)


@initialise.mistake(
    "The table of positions keeps what it had. You go through the nn.Linear alone, and the table "
    "of tokens is reached only where it is shared with one. nn.Embedding starts at 0.02 as well."
)
def linear_layers_alone(model, layers):
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            inner = name.endswith("projection")
            nn.init.normal_(module.weight, std=0.02 / math.sqrt(2 * layers) if inner else 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


initialise.slip(
    "uniform_numbers",
    "Your numbers are uniform. GPT-2 starts from normal ones: nn.init.normal_.",
    {"normal_(parameter, std=spread)": "uniform_(parameter, -spread * 3**0.5, spread * 3**0.5)"},
)
initialise.slip(
    "uniform_between",
    "Your numbers are uniform between −0.02 and 0.02, and their spread is smaller by √3. GPT-2 "
    "starts from normal ones: nn.init.normal_.",
    {"normal_(parameter, std=spread)": "uniform_(parameter, -spread, spread)"},
)
initialise.slip(
    "by_fan_in",
    "You scaled each matrix by the width of its input, as on rung 5. Here it is 0.02 for all.",
    {"if parameter.dim() == 2:": "if parameter.dim() == 2:\n"
     "            base = 1 / math.sqrt(parameter.shape[1])"},
)  # fmt: skip
initialise.slip(
    "biases_kept",
    "The biases keep what they had. Set them to 0.",
    {"nn.init.zeros_(parameter)": "pass"},
)
initialise.slip(
    "biases_drawn",
    "You drew the biases as if they were matrices. They start at 0.",
    {"nn.init.zeros_(parameter)": "nn.init.normal_(parameter, std=base)"},
)
initialise.slip(
    "biases_by_word",
    'You look for "bias" anywhere in the name, and a gain may stand in a layer that is called so. '
    'A bias has a name that ends in "bias".',
    {'name.endswith("bias")': '"bias" in name'},
)
initialise.slip(
    "gains_kept",
    "The gains of the norms keep what they had. A norm starts with weight 1 and bias 0.",
    {"nn.init.ones_(parameter)": "pass"},
)
initialise.slip(
    "gains_drawn",
    "You drew the gains of the norms as if they were matrices. A gain near 0 silences its "
    "branch: they start at 1.",
    {"nn.init.ones_(parameter)": "nn.init.normal_(parameter, std=base)"},
)
initialise.slip(
    "gains_zero",
    "The gains are 0. They start at 1; the biases at 0.",
    {"nn.init.ones_(parameter)": "nn.init.zeros_(parameter)"},
)
initialise.slip(
    "vectors_kept",
    "Biases and gains keep what they had. Biases start at 0, gains at 1.",
    {"nn.init.zeros_(parameter)": "pass", "nn.init.ones_(parameter)": "pass"},
)
initialise.slip(
    "own_seed",
    "You seed the generator yourself, so that every model starts alike. Leave the seed to the "
    "caller.",
    {"base = 0.02": "base = 0.02\n    torch.manual_seed(0)"},
)
initialise.slip(
    "nothing_changed",
    "Nothing changes in the model: did you work on a copy, or give a local name another tensor? "
    "`nn.init.normal_(parameter, …)` changes a parameter in place.",
    {"base = 0.02": "from copy import deepcopy\n    base, model = 0.02, deepcopy(model)"},
)


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
