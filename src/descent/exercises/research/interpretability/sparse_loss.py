"""How `sparse_loss` is judged: number by number, and by its slopes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.exercises.doubles import normals
from descent.exercises.inspecting import gradients_at_leaves
from descent.grading import Draw, Exercise, expect

sparse_loss = Exercise("sparse_loss", minutes=25, difficulty=2, returns=tuple[Tensor, Tensor])


def _by_hand(x, encoder, offset, decoder, centre, penalty) -> tuple[float, np.ndarray]:
    x, encoder, offset, decoder, centre = (
        v.detach().double().numpy() for v in (x, encoder, offset, decoder, centre)
    )
    total, codes = 0.0, np.zeros((len(x), len(offset)))
    for i, row in enumerate(x):
        rebuilt = centre.copy()
        for k in range(len(offset)):
            codes[i, k] = max(float((row - centre) @ encoder[:, k] + offset[k]), 0.0)
            rebuilt += codes[i, k] * decoder[k]
            total += penalty * codes[i, k] * np.sqrt((decoder[k] ** 2).sum())
        total += float(((row - rebuilt) ** 2).sum())
    return total / len(x), codes


def _case(draw: Draw):
    n, d, k = 1 + draw.size % 5, 2 + draw.size % 3, 4 + draw.size % 4
    while True:
        x, centre = normals(draw, n, d) + 0.05, normals(draw, d) + 0.4
        encoder, offset = normals(draw, d, k), normals(draw, k, scale=0.5) + 0.1
        if float(((x - centre) @ encoder + offset).abs().min()) > 0.01:  # no code at its kink
            return x, encoder, offset, 1.5 * normals(draw, k, d) + 0.05, centre


def _expect_loss(answer, *case) -> None:
    wanted, codes = _by_hand(*case)
    loss, found = answer(*case)
    expect(found, "the codes").close_to(codes, rtol=1e-3, atol=1e-4)
    expect(loss, "the loss").close_to(wanted, rtol=1e-3, atol=1e-4)


@sparse_loss.property("is the squared error and what the codes cost, a row", trials=7)
def _(answer, draw: Draw) -> None:
    _expect_loss(answer, *_case(draw), draw.choice([0.05, 0.5, 2.0]))


@sparse_loss.property("costs nothing where the penalty is 0", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_loss(answer, *_case(draw), 0.0)


@sparse_loss.property("cannot be lowered by small codes and a long decoder", trials=3)
def _(answer, draw: Draw) -> None:
    x, encoder, offset, decoder, centre = _case(draw)
    first, _ = answer(x, encoder, offset, decoder, centre, 0.7)
    again, _ = answer(x, encoder / 4, offset / 4, decoder * 4, centre, 0.7)
    expect(again, "the loss when codes shrink by 4 and the decoder grows by 4").close_to(
        float(first.detach()), rtol=1e-3
    )


@sparse_loss.property("is the centre where no feature is active", trials=2)
def _(answer, draw: Draw) -> None:
    x, encoder, offset, decoder, centre = _case(draw)
    _expect_loss(answer, x, encoder, offset - 50.0, decoder, centre, 0.5)


@sparse_loss.property("has a slope for each part, the lengths of the decoder included", trials=3)
def _(answer, draw: Draw) -> None:
    x, encoder, offset, decoder, centre = _case(draw)
    parts = [encoder, offset, decoder, centre]
    free = [part.clone().requires_grad_() for part in parts]
    loss, _ = answer(x, *free, 0.6)
    expect(loss.requires_grad, "whether a graph hangs on the loss").equals(True)
    if not loss.requires_grad:
        return
    same = {tuple(leaf.shape): leaf for leaf in gradients_at_leaves(loss)}
    for name, place in (("encoder", 0), ("offset", 1), ("decoder", 2), ("centre", 3)):
        changed = [part.clone().double() for part in parts]
        turn = torch.tensor(draw.rng.normal(size=parts[place].shape))
        ends = []
        for step in (1e-5, -1e-5):
            changed[place] = parts[place].double() + step * turn
            ends.append(_by_hand(x, changed[0], changed[1], changed[2], changed[3], 0.6)[0])
        wanted = (ends[0] - ends[1]) / 2e-5
        slope = same.get(tuple(parts[place].shape))
        found = float("nan") if slope is None else float((slope.double() * turn).sum())
        expect(found, f"the slope along a direction of the {name}").close_to(
            wanted, rtol=2e-2, atol=2e-2
        )


@sparse_loss.right
def right_loss(x, encoder, offset, decoder, centre, penalty):
    codes = ((x - centre) @ encoder + offset).relu()
    error = (x - centre - codes @ decoder).square().sum(dim=1)
    cost = (codes * decoder.norm(dim=1)).sum(dim=1)
    return (error + penalty * cost).mean(), codes


sparse_loss.slip(
    "lengths_ignored",
    "Your penalty looks at the codes alone. The network then makes the codes small and the decoder "
    "long, and pays nothing: weigh each code by the length of its decoder row.",
    {"codes * decoder.norm(dim=1)": "codes"},
)
sparse_loss.slip(
    "centre_not_taken_off",
    "You encode x itself. The centre is taken off first, since it is added at the end.",
    {"((x - centre) @ encoder": "(x @ encoder"},
)
sparse_loss.slip(
    "centre_not_added",
    "Your rebuilt x lacks the centre.",
    {"x - centre - codes @ decoder": "x - codes @ decoder"},
)
sparse_loss.slip(
    "without_centre",
    "You left the centre out altogether.",
    {
        "((x - centre) @ encoder": "(x @ encoder",
        "x - centre - codes @ decoder": "x - codes @ decoder",
    },
)
sparse_loss.slip(
    "mean_over_dimensions",
    "You averaged the squared error over the dimensions, and added the cost up over features. "
    "The cost then weighs d times too much: sum both.",
    {".square().sum(dim=1)": ".square().mean(dim=1)"},
)
sparse_loss.slip(
    "cost_averaged_over_features",
    "You averaged the cost over the features. More features would then be cheaper each: sum.",
    {"decoder.norm(dim=1)).sum(dim=1)": "decoder.norm(dim=1)).mean(dim=1)"},
)
sparse_loss.slip(
    "both_averaged",
    "You averaged the squared error over the dimensions and the cost over the features. Both are "
    "added up over a row, and the mean is over rows alone.",
    {
        ".square().sum(dim=1)": ".square().mean(dim=1)",
        "decoder.norm(dim=1)).sum(dim=1)": "decoder.norm(dim=1)).mean(dim=1)",
    },
)
sparse_loss.slip(
    "weighed_codes_returned",
    "You return codes that are weighed by the decoder's lengths. That belongs in the cost alone.",
    {".mean(), codes": ".mean(), codes * decoder.norm(dim=1)"},
)
sparse_loss.slip(
    "summed_over_rows",
    "You added the rows up. The mean over the batch is asked for.",
    {".mean(), codes": ".sum(), codes"},
)
sparse_loss.slip(
    "codes_squared",
    "Your cost is the square of the codes. Squares make codes small, and not 0: it takes their "
    "size itself.",
    {"(codes * decoder.norm(dim=1))": "(codes * decoder.norm(dim=1)).square()"},
)
sparse_loss.slip(
    "negative_codes",
    "You left out the ReLU. Negative codes lower your cost without end.",
    {"+ offset).relu()": "+ offset)"},
)
sparse_loss.slip(
    "relu_before_the_offset",
    "You added the offset after the ReLU. The offset is the threshold: it comes before.",
    {"((x - centre) @ encoder + offset).relu()": "((x - centre) @ encoder).relu() + offset"},
)
sparse_loss.slip(
    "offset_forgotten",
    "You left out the offset, which is what keeps small overlaps from counting.",
    {" @ encoder + offset)": " @ encoder)"},
)
sparse_loss.slip(
    "error_not_squared",
    "You added up the sizes of the errors. Their squares are asked for.",
    {".square().sum(dim=1)": ".abs().sum(dim=1)"},
)
sparse_loss.slip(
    "lengths_of_columns",
    "You took the lengths of the encoder's columns. What stretches a code is its *decoder* row.",
    {"decoder.norm(dim=1)": "encoder.norm(dim=0)"},
)
sparse_loss.slip(
    "squared_lengths",
    "You weighed by the squared length of the decoder row. Take the length.",
    {"decoder.norm(dim=1)": "decoder.square().sum(dim=1)"},
)
sparse_loss.slip(
    "lengths_detached",
    "You detached the lengths. The decoder then has no reason to stay short: let the "
    "slope through.",
    {"decoder.norm(dim=1)": "decoder.detach().norm(dim=1)"},
)
sparse_loss.slip(
    "penalty_forgotten",
    "You left out the penalty: nothing makes the codes sparse.",
    {"error + penalty * cost": "error + 0 * penalty * cost"},
)
sparse_loss.slip(
    "counts_active_features",
    "Your cost counts the active features. A count has no slope, so training never lowers it.",
    {"(codes * decoder.norm(dim=1))": "(codes > 0).float()"},
)
sparse_loss.slip(
    "codes_detached",
    "Your cost has no slope towards the codes: they are detached in it.",
    {"(codes * decoder": "(codes.detach() * decoder"},
)

sparse_loss.slip(
    "codes_alone_squared",
    "You squared the codes in the cost. Squares make codes small, and not 0: it takes their size "
    "itself.",
    {"(codes * decoder.norm(dim=1))": "(codes.square() * decoder.norm(dim=1))"},
)
sparse_loss.slip(
    "length_of_the_error",
    "You took the length of each row's error. Its square is asked for.",
    {".square().sum(dim=1)": ".norm(dim=1)"},
)
sparse_loss.slip(
    "lengths_of_active_features",
    "Your cost adds up the lengths of the active features, however active they are. Such a count "
    "has no slope towards the codes: weigh each length by its code.",
    {"(codes * decoder.norm(dim=1))": "((codes > 0).float() * decoder.norm(dim=1))"},
)
sparse_loss.slip(
    "rebuilt_returned",
    "You returned the rebuilt x. The codes are asked for.",
    {".mean(), codes": ".mean(), codes @ decoder + centre"},
)
sparse_loss.slip(
    "penalty_on_the_error",
    "You weighed the error by the penalty, and not the cost.",
    {"error + penalty * cost": "penalty * error + cost"},
)
sparse_loss.slip(
    "length_of_the_whole_decoder",
    "You took one length, that of all rows of the decoder together. Each row has its own: `dim=1`.",
    {"decoder.norm(dim=1)": "decoder.norm()"},
)
sparse_loss.slip(
    "offset_taken_off",
    "You took the offset off. It is added.",
    {" @ encoder + offset)": " @ encoder - offset)"},
)

sparse_loss.hint("Codes, then the rebuilt x, then two sums over a row, then the mean over rows.")
sparse_loss.hint("`decoder.norm(dim=1)` has the length of each feature's row.")
sparse_loss.hint("Is anything averaged where it should be added?", when="value")
