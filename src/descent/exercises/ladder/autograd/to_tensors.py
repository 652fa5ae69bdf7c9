"""How `to_tensors` is judged."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from descent.grading import Draw, Exercise, expect

# x and y are handed over as they are, not as copies, to see whether memory is shared with them.
to_tensors = Exercise(
    "to_tensors", minutes=5, difficulty=1, changes=("x", "y"), returns=tuple[Tensor, Tensor]
)


@to_tensors.property("holds the same numbers in the same shape", trials=6)
def _(answer, draw: Draw) -> None:
    x, y = draw.normal(draw.size), draw.normal(draw.size)
    kept_x, kept_y = x.copy(), y.copy()
    inputs, targets = answer(x, y)
    expect(inputs, "the inputs").is_a(torch.Tensor).close_to(kept_x)
    expect(targets, "the targets").is_a(torch.Tensor).close_to(kept_y)
    expect(x, "x after the call").close_to(kept_x)
    expect(y, "y after the call").close_to(kept_y)


@to_tensors.property("has the dtype it was asked for; float64 when none is named", trials=2)
def _(answer, draw: Draw) -> None:
    for x in (draw.normal(3), draw.integers(-5, 5, 3), np.float32(draw.normal(3))):
        inputs, targets = answer(x, x + 1)
        expect(str(inputs.dtype), f"the dtype by default, from {x.dtype}").equals("torch.float64")
        expect(str(targets.dtype), f"the dtype by default, from {x.dtype}").equals("torch.float64")
        inputs, targets = answer(x, x + 1, torch.float32)
        expect(str(inputs.dtype), f"the dtype when float32 is asked, from {x.dtype}").equals(
            "torch.float32"
        )
        expect(str(targets.dtype), f"the dtype when float32 is asked, from {x.dtype}").equals(
            "torch.float32"
        )


@to_tensors.property("keeps every digit that the dtype can hold", trials=2)
def _(answer, draw: Draw) -> None:
    x, y = draw.rng.normal(size=3), draw.integers(2**24, 2**30, 3) * 2 + 1
    kept_x, kept_y = x.copy(), y.copy()
    for tensor, kept, name in zip(
        answer(x, y), (kept_x, kept_y), ("inputs", "targets"), strict=True
    ):
        off = np.max(np.abs(np.asarray(tensor.detach().cpu(), dtype=float) / kept - 1))
        expect(off < 1e-14, f"the {name} to the last digit").is_true(
            otherwise=f"The {name} are off by a part in {1 / off if off else 0:.0e}, from "
            f"{kept.dtype} to float64. Do they pass through float32 on the way, or through whole "
            "numbers?"
        )


@to_tensors.property("is a copy: writing into the tensors leaves the arrays alone", trials=2)
def _(answer, draw: Draw) -> None:
    for dtype, array_type in ((torch.float64, np.float64), (torch.float32, np.float32)):
        x, y = draw.normal(3).astype(array_type), draw.normal(3).astype(array_type)
        kept_x, kept_y = x.copy(), y.copy()
        for tensor in answer(x, y, dtype):
            tensor.detach().fill_(99.0)
        expect(x, "x, after 99 was written into the inputs").close_to(kept_x)
        expect(y, "y, after 99 was written into the targets").close_to(kept_y)


@to_tensors.property("asks for no gradient", trials=1)
def _(answer, draw: Draw) -> None:
    inputs, targets = answer(draw.normal(3), draw.normal(3))
    expect(inputs.requires_grad, "requires_grad of the inputs").equals(False)
    expect(targets.requires_grad, "requires_grad of the targets").equals(False)


@to_tensors.mistake(
    "Your tensors look at the memory of the numpy arrays: `torch.from_numpy` and "
    "`torch.as_tensor` copy only when they must. Write into the tensor and the array changes. "
    "`torch.tensor` always copies."
)
def shared_memory(x, y, dtype=torch.float64):
    return torch.as_tensor(x, dtype=dtype), torch.as_tensor(y, dtype=dtype)


@to_tensors.right
def right_tensors(x, y, dtype=torch.float64):
    return torch.tensor(x, dtype=dtype), torch.tensor(y, dtype=dtype)


to_tensors.slip(
    "through_single",
    "Half of the digits are lost on the way: the numbers pass through float32, as with "
    "`torch.Tensor(x)` or `.float()`, before they become float64. Ask for the dtype at once: "
    "`torch.tensor(x, dtype=dtype)`.",
    {
        "torch.tensor(x, dtype=dtype)": "torch.tensor(x, dtype=torch.float32).to(dtype)",
        "torch.tensor(y, dtype=dtype)": "torch.tensor(y, dtype=torch.float32).to(dtype)",
    },
)


@to_tensors.mistake(
    "Your tensors keep the dtype of the arrays, whatever was asked for. Hand the dtype on: "
    "`torch.tensor(x, dtype=dtype)`."
)
def kept_dtype(x, y, dtype=torch.float64):
    return torch.tensor(x), torch.tensor(y)


@to_tensors.mistake(
    "`torch.from_numpy` keeps the array's dtype and its memory: write into the tensor and the "
    "array changes. `torch.tensor(x, dtype=dtype)` converts and copies."
)
def same_memory_same_dtype(x, y, dtype=torch.float64):
    return torch.from_numpy(x), torch.from_numpy(y)


@to_tensors.mistake(
    "`torch.Tensor(…)` with a capital T is always float32, and where the array is float32 too, "
    "it does not copy. `torch.tensor(x, dtype=dtype)` converts and copies."
)
def capital_t(x, y, dtype=torch.float64):
    return torch.Tensor(x), torch.Tensor(y)


@to_tensors.mistake(
    "Your tensors are always float32: seven digits, whatever came in. Use the dtype that was asked "
    "for."
)
def always_single(x, y, dtype=torch.float64):
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


@to_tensors.mistake("Your tensors are always float64, also when another dtype is asked for.")
def always_double(x, y, dtype=torch.float64):
    return torch.tensor(x, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)


@to_tensors.mistake(
    "Your tensors require a gradient. Only what is learned does; the data stays as it is, and a "
    "gradient for twenty thousand inputs is work for nothing."
)
def data_requires_gradient(x, y, dtype=torch.float64):
    return (
        torch.tensor(x, dtype=dtype, requires_grad=True),
        torch.tensor(y, dtype=dtype, requires_grad=True),
    )


@to_tensors.mistake(
    "You made a column of shape (n, 1). The shape stays (n,), as in the arrays; a column minus a "
    "row is a whole n × n table."
)
def columns(x, y, dtype=torch.float64):
    return torch.tensor(x, dtype=dtype).reshape(-1, 1), torch.tensor(y, dtype=dtype).reshape(-1, 1)


@to_tensors.mistake("You returned numpy arrays. `torch.tensor(…)` makes a tensor of one.")
def still_arrays(x, y, dtype=torch.float64):
    kind = np.float32 if dtype is torch.float32 else np.float64
    return np.array(x, dtype=kind), np.array(y, dtype=kind)


@to_tensors.mistake("You returned the targets first. The order is inputs, then targets.")
def targets_first(x, y, dtype=torch.float64):
    return torch.tensor(y, dtype=dtype), torch.tensor(x, dtype=dtype)


@to_tensors.mistake("You converted x twice: the second tensor holds y.")
def inputs_twice(x, y, dtype=torch.float64):
    return torch.tensor(x, dtype=dtype), torch.tensor(x, dtype=dtype)


to_tensors.hint("One call makes a tensor of an array, and takes the dtype as a keyword.")
to_tensors.hint("`torch.tensor(x, dtype=dtype)` copies x. Do it for both, and return a pair.")
to_tensors.hint("Is the array a different one after you write into the tensor?", when="shift")
to_tensors.hint("The shape stays (n,): nothing has to be reshaped.", when="shape")
to_tensors.hint("What does your code do with the argument `dtype`?", when="value")
