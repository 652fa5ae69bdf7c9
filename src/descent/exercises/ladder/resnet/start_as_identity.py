"""How `start_as_identity` is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from descent.exercises.doubles import normals
from descent.grading import Draw, Exercise, expect

from .residual_block import RightBlock
from .shared import positive

start_as_identity = Exercise(
    "start_as_identity", minutes=6, difficulty=1, changes=("blocks",), returns=type(None)
)


def _given(draw: Draw, before: int, after: int) -> Any:
    """A residual block for the grader to hand over, with scales that are not 1."""
    block = RightBlock(before, after)
    for norm in block.modules():
        if isinstance(norm, nn.BatchNorm2d):
            with torch.no_grad():
                norm.weight.copy_(positive(draw, after))
                norm.bias.copy_(normals(draw, after) + 3)
            norm.running_mean = normals(draw, after)
    return block


def _others(block: Any) -> dict[str, Tensor]:
    """Copies of all parameters and buffers but the scale of norm2."""
    state = {name: tensor.detach().clone() for name, tensor in block.state_dict().items()}
    del state["norm2.weight"]
    return state


@start_as_identity.property("sets the scale of norm2 to 0 in every block", trials=3)
def _(answer, draw: Draw) -> None:
    blocks = [_given(draw, 2, 2 + place % 2) for place in range(draw.size)]
    answer(blocks)
    for number, block in enumerate(blocks):
        scale = torch.as_tensor(block.norm2.weight).detach()
        expect(scale, f"the scale of norm2, block {number}").close_to(
            np.zeros(2 + number % 2), atol=1e-8
        )


@start_as_identity.property("leaves everything else as it was", trials=2)
def _(answer, draw: Draw) -> None:
    for after in (3, 2):
        block = _given(draw, 2, after).train(draw.size > 1)
        block.conv1.weight.requires_grad_(False)
        before = _others(block)
        answer([block])
        state = block.state_dict()
        for name, tensor in before.items():
            expect(state.get(name), f"{name} afterwards").close_to(tensor)
        trained = [name for name, p in block.named_parameters() if not p.requires_grad]
        frozen = len(set(trained) - {"norm2.weight"})
        expect(frozen, "how many other parameters are frozen afterwards").equals(1)
        expect(int(block.norm2.training), "norm2 in training mode (1 is yes)").equals(
            int(draw.size > 1)
        )


@start_as_identity.property("leaves the scale the same parameter, and trainable", trials=1)
def _(answer, draw: Draw) -> None:
    block = _given(draw, 2, 3)
    scale = block.norm2.weight
    answer([block])
    same = block.norm2.weight is scale
    expect(int(same), "how many of the scales are the parameter they were").equals(1)
    expect(same, "the same parameter").is_true(
        otherwise="The scale is a new object: an optimiser made before would move the old one."
    )
    expect(int(block.norm2.weight.requires_grad), "how many scales are trainable").equals(1)
    expect(block.norm2.weight.grad_fn is None, "a leaf").equals(True)


@start_as_identity.property("takes no blocks calmly", trials=1)
def _(answer, draw: Draw) -> None:
    answer([])


@start_as_identity.right
def right_start(blocks):
    for block in blocks:
        scale = block.norm2.weight
        nn.init.zeros_(scale)


start_as_identity.slip(
    "nothing_changes",
    "Nothing changes in the blocks. `scale = …` gives a local name another meaning, and a copy "
    "is another block: write into the parameter itself, with `nn.init.zeros_(…)`.",
    {"nn.init.zeros_(scale)": "scale = torch.zeros_like(scale)"},
)
start_as_identity.slip(
    "first_norm",
    "You set the scale of norm1. The branch ends with norm2.",
    {"block.norm2.weight": "block.norm1.weight"},
)
start_as_identity.slip(
    "both_norms",
    "You set the scales of both norms. With norm1 silent too, a 0 stands before the convolution "
    "and its gradient stays 0 for long. Only norm2's.",
    {"nn.init.zeros_(scale)": "nn.init.zeros_(scale)\n        nn.init.zeros_(block.norm1.weight)"},
)
start_as_identity.slip(
    "shift_instead",
    "You set the shift (`bias`) to 0. It is the scale (`weight`) that silences the branch.",
    {"block.norm2.weight": "block.norm2.bias"},
)
start_as_identity.slip(
    "scale_and_shift",
    "You set the shift to 0 as well. Only the scale changes.",
    {"nn.init.zeros_(scale)": "nn.init.zeros_(scale)\n        nn.init.zeros_(block.norm2.bias)"},
)
start_as_identity.slip(
    "kernels_instead",
    "You set the kernels of conv2 to 0. norm2 would divide 0 by √eps, and the scale learn from "
    "nothing: set norm2's scale.",
    {"block.norm2.weight": "block.conv2.weight"},
)
start_as_identity.slip(
    "kernels_too",
    "You set the kernels of conv2 to 0 as well. Scale and kernels would keep each other at 0: "
    "only norm2's scale changes.",
    {"nn.init.zeros_(scale)": "nn.init.zeros_(scale)\n        nn.init.zeros_(block.conv2.weight)"},
)
start_as_identity.slip(
    "running_variance_instead",
    "You set running_var of norm2. It is a statistic, and is not learned: set the scale, `weight`.",
    {"block.norm2.weight": "block.norm2.running_var"},
)
start_as_identity.slip(
    "first_block_only",
    "You changed the first block alone. Go through all of them.",
    {"in blocks:": "in blocks[:1]:"},
)
start_as_identity.slip(
    "last_block_only",
    "You changed the last block alone. Does the line that sets the scale stand inside the loop?",
    {"in blocks:": "in blocks[-1:]:"},
)
start_as_identity.slip(
    "first_block_left_out",
    "You left the first block out. Go through all of them.",
    {"in blocks:": "in blocks[1:]:"},
)
start_as_identity.slip(
    "projecting_blocks_only",
    "You changed only the blocks whose shortcut projects. Every block begins as its shortcut.",
    {"in blocks:": "in (b for b in blocks if not isinstance(b.shortcut, nn.Identity)):"},
)
start_as_identity.slip(
    "identity_blocks_only",
    "You changed only the blocks with the identity as shortcut. Every block begins as its "
    "shortcut.",
    {"in blocks:": "in (b for b in blocks if isinstance(b.shortcut, nn.Identity)):"},
)
start_as_identity.slip(
    "shortcut_too",
    "The shortcut's norm is at 0 too, so that nothing passes at all. Only norm2's scale changes.",
    {
        "        nn.init.zeros_(scale)": "        nn.init.zeros_(scale)\n"
        "        for norm in list(block.shortcut.children())[1:]:\n"
        "            nn.init.zeros_(norm.weight)"
    },
)
start_as_identity.slip(
    "every_norm",
    "You set the scale of every norm in the block to 0. Only norm2's changes: the shortcut must "
    "pass, and norm1 stays as it is.",
    {
        "        scale = block.norm2.weight\n        nn.init.zeros_(scale)": "        for part in "
        "block.modules():\n            if isinstance(part, nn.BatchNorm2d):\n"
        "                nn.init.zeros_(part.weight)"
    },
)
start_as_identity.slip(
    "new_parameters",
    "You made new parameters. An optimiser made before would go on moving the old ones: write "
    "into the old one, `nn.init.zeros_(…)`.",
    {"nn.init.zeros_(scale)": "block.norm2.weight = nn.Parameter(torch.zeros_like(scale))"},
)
start_as_identity.slip(
    "new_norms",
    "You put new norms in place. Their shift and running statistics begin anew, and an "
    "optimiser made before would move the old ones: write into the old scale, "
    "`nn.init.zeros_(…)`.",
    {
        "nn.init.zeros_(scale)": "block.norm2 = nn.BatchNorm2d(len(scale))\n"
        "        nn.init.zeros_(block.norm2.weight)"
    },
)
start_as_identity.slip(
    "frozen",
    "The scale is frozen (`requires_grad` is False): the branch could never wake. It only "
    "*starts* at 0.",
    {"nn.init.zeros_(scale)": "nn.init.zeros_(scale).requires_grad_(False)"},
)
start_as_identity.slip(
    "ones",
    "The scales are 1, where every norm starts anyway. Set them to 0.",
    {"nn.init.zeros_(scale)": "nn.init.ones_(scale)"},
)
start_as_identity.slip(
    "nearly_zero",
    "The scales are small and not 0. The branch is to give exactly 0 at the start.",
    {"nn.init.zeros_(scale)": "nn.init.constant_(scale, 1e-3)"},
)


start_as_identity.hint("Which number, multiplied with the branch, makes it vanish?")
start_as_identity.hint("`nn.init.zeros_(parameter)` fills in place, without recording.")
start_as_identity.hint("Under `torch.no_grad()`, or with `nn.init`.", when="error")
start_as_identity.hint("Is it norm2, and its `weight`?", when="value")
