"""How `start_as_identity` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .shared import Block, positive

start_as_identity = Exercise("start_as_identity", minutes=6, difficulty=1, changes=("blocks",))


class _Given(Block):
    """A residual block for the grader to hand over, with scales that are not 1."""

    def __init__(self, channels: int, draw: Draw) -> None:
        super().__init__(channels, channels + 1)
        for norm in (self.norm1, self.norm2, self.shortcut[1]):
            with torch.no_grad():
                norm.weight.copy_(positive(draw, channels + 1))
                norm.bias.copy_(normals(draw, channels + 1) + 3)


def _others(block: nn.Module) -> list[Tensor]:
    """Copies of all parameters but the scale of norm2."""
    named = block.named_parameters()
    return [p.detach().clone() for name, p in named if name != "norm2.weight"]


@start_as_identity.property("sets the scale of norm2 to 0 in every block", trials=3)
def _(answer, draw: Draw) -> None:
    blocks = [_Given(2, draw) for _ in range(draw.size)]
    answer(blocks)
    scales = torch.stack([torch.as_tensor(block.norm2.weight).detach() for block in blocks])
    expect(scales, "the scales of norm2").close_to(np.zeros((draw.size, 3)), atol=1e-8)


@start_as_identity.property("leaves everything else as it was", trials=2)
def _(answer, draw: Draw) -> None:
    block = _Given(2, draw)
    before = _others(block)
    answer([block])
    after = _others(block)
    for name, old, new in zip(
        ("conv1", "norm1.weight", "norm1.bias", "conv2", "norm2.bias"), before, after, strict=False
    ):
        expect(new, f"{name} afterwards").close_to(old)
    expect(after[-1], "the shortcut's shift afterwards").close_to(before[-1])
    expect(after[-2], "the shortcut's scale afterwards").close_to(before[-2])


@start_as_identity.property("leaves the scale the same parameter, and trainable", trials=1)
def _(answer, draw: Draw) -> None:
    block = _Given(2, draw)
    scale = block.norm2.weight
    answer([block])
    expect(block.norm2.weight is scale, "the same parameter").is_true(
        otherwise="The scale is a new object: an optimiser made before would move the old one."
    )
    expect(bool(block.norm2.weight.requires_grad), "trainable").equals(True)
    expect(block.norm2.weight.grad_fn is None, "a leaf").equals(True)


@start_as_identity.property("returns nothing, and takes no blocks calmly", trials=1)
def _(answer, draw: Draw) -> None:
    expect(answer([_Given(2, draw)]) is None, "returns None").equals(True)
    answer([])


@start_as_identity.mistake("You set the scale of norm1. The branch ends with norm2.")
def first_norm(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm1.weight)


@start_as_identity.mistake(
    "You set the scales of both norms. With norm1 silent too, a 0 stands before the "
    "convolution and its gradient stays 0 for long. Only norm2's."
)
def both_norms(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm1.weight)
        nn.init.zeros_(block.norm2.weight)


@start_as_identity.mistake(
    "You set the shift (`bias`) to 0. It is the scale (`weight`) that silences the branch."
)
def shift_instead(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm2.bias)


@start_as_identity.mistake("You set the shift to 0 as well. Only the scale changes.")
def scale_and_shift(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm2.weight)
        nn.init.zeros_(block.norm2.bias)


@start_as_identity.mistake(
    "You set the kernels of conv2 to 0. norm2 would divide 0 by √eps, and the scale learn from "
    "nothing: set norm2's scale."
)
def kernels_instead(blocks):
    for block in blocks:
        nn.init.zeros_(block.conv2.weight)


@start_as_identity.mistake("You changed the first block alone. Go through all of them.")
def first_block_only(blocks):
    for block in blocks[:1]:
        nn.init.zeros_(block.norm2.weight)


@start_as_identity.mistake(
    "The shortcut's norm is at 0 too, so that nothing passes at all. Only norm2's scale changes."
)
def shortcut_too(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm2.weight)
        nn.init.zeros_(block.shortcut[1].weight)


@start_as_identity.mistake(
    "You made new parameters. An optimiser made before would go on moving the old ones: write into "
    "the old one, `nn.init.zeros_(…)`."
)
def new_parameters(blocks):
    for block in blocks:
        block.norm2.weight = nn.Parameter(torch.zeros_like(block.norm2.weight))


@start_as_identity.mistake(
    "The scale is frozen (`requires_grad` is False): the branch could never wake. It only *starts* "
    "at 0."
)
def frozen(blocks):
    for block in blocks:
        nn.init.zeros_(block.norm2.weight).requires_grad_(False)


@start_as_identity.mistake("The scales are 1, where every norm starts anyway. Set them to 0.")
def ones(blocks):
    for block in blocks:
        nn.init.ones_(block.norm2.weight)


start_as_identity.hint("Which number, multiplied with the branch, makes it vanish?")


start_as_identity.hint("`nn.init.zeros_(parameter)` fills in place, without recording.")


start_as_identity.hint("Under `torch.no_grad()`, or with `nn.init`.", when="error")


start_as_identity.hint("Is it norm2, and its `weight`?", when="value")
