"""How `adam_kernel` is judged: in Triton's interpreter, on a CPU, against Adam in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from descent.errors import NotInstalled
from descent.grading import Draw, Exercise, expect
from descent.training.triton_guard import Access, accesses
from descent.training.triton_language import NO_TRITON, tl, triton

Tensor = torch.Tensor

adam_kernel = Exercise("adam_kernel", minutes=50, difficulty=3, seconds=10.0)

_GUARD = 7.0
"""Stands around the tensors, where a kernel has nothing to write."""

_ROOM = 64
"""So many of these before and behind each tensor. Further off the interpreter's guard refuses."""

_NAMES = ("parameters", "gradients", "first", "second")


class _State:
    """The four tensors of an update, each with room around it that is not the kernel's."""

    def __init__(self, draw: Draw, count: int, dtype=torch.float32, fresh: bool = False,
                 gradient_scale: float = 1.0) -> None:  # fmt: skip
        self.count = count
        self.accesses: list[Access] = []
        drawn = {name: draw.normal(count) for name in _NAMES}
        drawn["gradients"] = gradient_scale * (drawn["gradients"] + 0.03)
        drawn["second"] = gradient_scale**2 * (drawn["second"] ** 2 + 0.01)
        drawn["first"] = gradient_scale * drawn["first"]
        if fresh:
            drawn["first"] = drawn["second"] = np.zeros(count)
        kinds = (dtype, dtype, torch.float32, torch.float32)
        self.tensors: dict[str, Tensor] = {}
        self.wholes: dict[str, Tensor] = {}
        for name, kind in zip(_NAMES, kinds, strict=True):
            whole = torch.full((_ROOM + count + _ROOM,), _GUARD, dtype=kind)
            self.wholes[name] = whole
            self.tensors[name] = whole[_ROOM : _ROOM + count]
            self.tensors[name].copy_(torch.tensor(drawn[name]))

    def exact(self, settings: dict[str, float]) -> dict[str, np.ndarray]:
        """One update of Adam with torch's weight decay, in float64, from the same numbers."""
        w, g, m, v = (self.tensors[name].double().numpy() for name in _NAMES)
        g = g + settings["decay"] * w
        m = settings["beta1"] * m + (1 - settings["beta1"]) * g
        v = settings["beta2"] * v + (1 - settings["beta2"]) * g * g
        step = (m / settings["correction1"]) / (
            np.sqrt(v / settings["correction2"]) + settings["eps"]
        )
        return {"parameters": w - settings["rate"] * step, "first": m, "second": v}


def _settings(draw: Draw, step: int = 3, **changes: float) -> dict[str, float]:
    told = {"rate": 0.5, "beta1": 0.8, "beta2": 0.97, "eps": 0.1, "decay": 0.0} | changes
    told["correction1"] = 1 - told["beta1"] ** step
    told["correction2"] = 1 - told["beta2"] ** step
    return told


def _launch(answer, state: _State, settings: dict[str, float], block: int) -> None:
    """Run an answer over the grid, in the interpreter."""
    if triton is None:
        _expect_attempted(answer)
        raise NotInstalled(NO_TRITON)
    from triton.runtime.interpreter import GridExecutor, InterpreterError

    names = [*_NAMES, "count", *_SETTINGS, "BLOCK"]
    try:
        with accesses() as state.accesses:
            GridExecutor(_called(answer), names, (-(-state.count // block),))(
                *(state.tensors[name] for name in _NAMES), state.count,
                *(settings[name] for name in _SETTINGS), BLOCK=block,
            )  # fmt: skip
    except InterpreterError as error:
        raise (error.__cause__ or error) from None


def _expect_attempted(answer) -> None:
    """Let a stub say that it is one, where a kernel cannot run."""
    try:
        answer(*[0] * (len(_NAMES) + 1 + len(_SETTINGS)), 1)
    except NotImplementedError:
        raise
    except Exception:
        return


_SETTINGS = ("rate", "beta1", "beta2", "eps", "decay", "correction1", "correction2")


def _called(answer) -> Any:
    """The answer as a function of this module: the interpreter looks for `tl` where it stands."""
    answer = getattr(answer, "fn", answer)  # it may be decorated with triton.jit

    def kernel(parameters, gradients, first, second, count, rate, beta1, beta2, eps, decay,
               correction1, correction2, BLOCK: tl.constexpr):  # fmt: skip  # noqa: N803
        given = (parameters, gradients, first, second, count, rate, beta1, beta2, eps, decay,
                 correction1, correction2)  # fmt: skip
        answer(*map(_as_it_is, given), BLOCK)

    return kernel


def _as_it_is(value: Any) -> Any:
    """A tensor of the interpreter, not to be copied: nothing changes one, and copies take long."""
    if isinstance(value, tl.tensor):
        vars(value)["__deepcopy__"] = lambda memo: value
    return value


def _expect_update(answer, state: _State, settings, block: int, rtol: float = 1e-4,
                   only: tuple[str, ...] = ("parameters", "first", "second")) -> None:  # fmt: skip
    wanted = state.exact(settings)
    _launch(answer, state, settings, block)
    for name in only:
        got = state.tensors[name]
        expect(got, f"`{name}` of {state.count} numbers in blocks of {block}").close_to(
            wanted[name], rtol=rtol, atol=rtol * 0.1 if name == "parameters" else None
        )


def _expect_guarded(state: _State) -> None:
    """Nothing outside of the tensors was written, by the latest launch, nor read."""
    for name, whole in state.wholes.items():
        touched = int((whole[:_ROOM] != _GUARD).sum() + (whole[-_ROOM:] != _GUARD).sum())
        expect(touched, f"numbers outside of `{name}` that were written").equals(0)
    own = [(t.data_ptr(), t.data_ptr() + t.nbytes) for t in state.tensors.values()]
    read = sum(access.outside(own) for access in state.accesses if not access.writes)
    expect(read, "numbers outside of the tensors that were read").equals(0)


@adam_kernel.property("is a step of Adam, in one block", trials=2)
def _(answer, draw: Draw) -> None:
    _expect_update(answer, _State(draw, 8), _settings(draw), 8)


@adam_kernel.property("is a step of Adam over several blocks", trials=1)
def _(answer, draw: Draw) -> None:
    state = _State(draw, 12)
    _expect_update(answer, state, _settings(draw), 4)
    _expect_guarded(state)


@adam_kernel.property("reads and writes nothing behind the end where a block is not full", trials=1)
def _(answer, draw: Draw) -> None:
    for count, block in ((5, 4), (3, 8), (1, 2), (13, 4)):
        state = _State(draw, count)
        _expect_update(answer, state, _settings(draw), block)
        _expect_guarded(state)


@adam_kernel.property("corrects both moments for their start at 0", trials=1)
def _(answer, draw: Draw) -> None:
    for step in (1, 2, 50):
        state = _State(draw, 6, fresh=step == 1)
        _expect_update(answer, state, _settings(draw, step), 4)


@adam_kernel.property("adds the weight decay to the gradient", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_update(answer, _State(draw, 6), _settings(draw, decay=0.4), 4)


@adam_kernel.property("stays where gradient and moments are 0", trials=1)
def _(answer, draw: Draw) -> None:
    state = _State(draw, 4, fresh=True)
    state.tensors["gradients"][:] = 0.0
    _expect_update(answer, state, _settings(draw, 1, eps=1e-8), 4)


@adam_kernel.property("adds eps to the root, and not inside it", trials=1)
def _(answer, draw: Draw) -> None:
    _expect_update(answer, _State(draw, 4), _settings(draw, eps=0.3), 4)


@adam_kernel.property("works with float16 weights and float32 moments", trials=1)
def _(answer, draw: Draw) -> None:
    # Squares of these gradients, and eps, are 0 in float16.
    state = _State(draw, 6, torch.float16, fresh=True, gradient_scale=1e-4)
    settings = _settings(draw, 1, eps=1e-8, decay=0.001)
    _expect_update(answer, state, settings, 4, rtol=2e-3)
    expect(state.tensors["parameters"], "`parameters`").has_dtype("float16")
    _expect_guarded(state)


@adam_kernel.property("leaves the gradients as they are", trials=1)
def _(answer, draw: Draw) -> None:
    state = _State(draw, 5)
    before = state.tensors["gradients"].clone()
    _launch(answer, state, _settings(draw, decay=0.2), 4)
    expect(state.tensors["gradients"], "`gradients`").close_to(before, rtol=0, atol=0)


@adam_kernel.property("is Adam over several steps, one after another", trials=1)
def _(answer, draw: Draw) -> None:
    state = _State(draw, 5, fresh=True)
    for step in range(1, 4):
        state.tensors["gradients"][:] = torch.tensor(draw.normal(5))
        _expect_update(answer, state, _settings(draw, step, decay=0.1), 4)


@adam_kernel.right
def right_kernel(
    parameters,
    gradients,
    first,
    second,
    count,
    rate,
    beta1,
    beta2,
    eps,
    decay,
    correction1,
    correction2,
    BLOCK,
):  # noqa: E501, N803
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    w = tl.load(parameters + at, mask=inside, other=0.0).to(tl.float32)
    g = tl.load(gradients + at, mask=inside, other=0.0).to(tl.float32)
    m = tl.load(first + at, mask=inside, other=0.0)
    v = tl.load(second + at, mask=inside, other=0.0)
    g = g + decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    step = (m / correction1) / (tl.sqrt(v / correction2) + eps)
    tl.store(parameters + at, w - rate * step, mask=inside)
    tl.store(first + at, m, mask=inside)
    tl.store(second + at, v, mask=inside)


adam_kernel.slip(
    "no_mask",
    "The last block is not full, and the kernel writes behind the end of the tensors. On a GPU "
    "that is somebody else's memory. Give every load and store the mask at < count.",
    {"inside = at < count": "inside = at < at + 1"},
)
adam_kernel.slip(
    "loads_without_mask",
    "Your stores have the mask, and a load has not: it reads behind the end of the tensors, where "
    "there may be no memory at all. Give every load mask=at < count.",
    {
        f"tl.load({_name} + at, mask=inside, other=0.0)": f"tl.load({_name} + at)"
        for _name in _NAMES
    },
)
adam_kernel.slip(
    "one_load_without_mask",
    "One of your loads has no mask, or another one than the stores: it reads behind the end of the "
    "tensors. Give every load mask=at < count.",
    {"tl.load(gradients + at, mask=inside, other=0.0)": "tl.load(gradients + at)"},
)
adam_kernel.slip(
    "stores_without_mask",
    "Your loads have the mask, and the stores have not: they write behind the end of the tensors. "
    "Give every store mask=at < count.",
    {
        "w - rate * step, mask=inside": "w - rate * step",
        "m, mask=inside": "m",
        "v, mask=inside": "v",
    },
)
adam_kernel.slip(
    "places_in_bytes",
    "Your places are counted in bytes. A pointer plus k is the k-th number after it, whatever the "
    "bytes of one: add `at` itself.",
    {"    inside = at < count\n": "    inside = at < count\n    at = 4 * at\n"},
)
adam_kernel.slip(
    "one_too_many_inside",
    "Your mask lets one number behind the end in: places are 0 to count − 1.",
    {"at < count": "at <= count"},
)
adam_kernel.slip(
    "first_block_only",
    "Every program works on the first block. Which one is its own says tl.program_id(0).",
    {"tl.program_id(0) * BLOCK + ": ""},
)
adam_kernel.slip(
    "blocks_one_apart",
    "Your blocks begin one number apart, and overlap. Block k begins at k · BLOCK.",
    {"tl.program_id(0) * BLOCK": "tl.program_id(0)"},
)
adam_kernel.slip(
    "half_throughout",
    "You compute in the dtype of the weights. In float16 a gradient of 10⁻⁴ has the square 0. Load "
    "and turn into float32 at once: .to(tl.float32).",
    {
        "w = tl.load(parameters + at, mask=inside, other=0.0).to(tl.float32)": (
            "w = tl.load(parameters + at, mask=inside, other=0.0)"
        ),
        "g = tl.load(gradients + at, mask=inside, other=0.0).to(tl.float32)": (
            "g = tl.load(gradients + at, mask=inside, other=0.0)"
        ),
        "(1 - beta2) * g * g": "(1 - beta2) * (g * g)",
    },
)
adam_kernel.slip(
    "not_corrected",
    "The moments are not corrected for their start at 0. Divide the first by correction1 and the "
    "second by correction2.",
    {"(m / correction1)": "m", "tl.sqrt(v / correction2)": "tl.sqrt(v)"},
)
adam_kernel.slip(
    "corrected_moments_stored",
    "You store the corrected moments. The running means are stored as they are; the correction is "
    "for this step only.",
    {
        "tl.store(first + at, m,": "tl.store(first + at, m / correction1,",
        "tl.store(second + at, v,": "tl.store(second + at, v / correction2,",
    },
)
adam_kernel.slip(
    "eps_in_the_root",
    "eps stands inside the root. It is added to the root.",
    {"tl.sqrt(v / correction2) + eps": "tl.sqrt(v / correction2 + eps)"},
)
adam_kernel.slip(
    "decay_after_the_moments",
    "The decay pulls at the weights directly, as in AdamW. In torch.optim.Adam it is added to the "
    "gradient, before the moments.",
    {"    g = g + decay * w\n": "", "w - rate * step": "w - rate * (step + decay * w)"},
)
adam_kernel.slip(
    "decay_forgotten",
    "The weight decay is not used. Add decay · w to the gradient.",
    {"    g = g + decay * w\n": ""},
)
adam_kernel.slip(
    "moments_not_stored",
    "The moments stay as they were. The next step needs the new ones: store them.",
    {
        "    tl.store(first + at, m, mask=inside)\n": "",
        "    tl.store(second + at, v, mask=inside)\n": "",
    },
)
adam_kernel.slip(
    "square_not_taken",
    "The second moment averages the gradients. It is the mean of their squares.",
    {"(1 - beta2) * g * g": "(1 - beta2) * g"},
)
adam_kernel.slip(
    "uphill",
    "The weights go uphill. The step is subtracted.",
    {"w - rate * step": "w + rate * step"},
)
adam_kernel.slip(
    "corrections_swapped",
    "You swapped the corrections. correction1 belongs to the first moment, correction2 to the "
    "second.",
    {"m / correction1": "m / correction2", "v / correction2": "v / correction1"},
)
adam_kernel.slip(
    "betas_swapped",
    "You swapped the betas. beta1 belongs to the first moment, beta2 to the second.",
    {
        "beta1 * m + (1 - beta1) * g": "beta2 * m + (1 - beta2) * g",
        "beta2 * v + (1 - beta2) * g * g": "beta1 * v + (1 - beta1) * g * g",
    },
)
adam_kernel.slip(
    "root_not_taken",
    "You divide by the second moment. Adam divides by its root.",
    {"tl.sqrt(v / correction2)": "(v / correction2)"},
)
adam_kernel.slip(
    "eps_forgotten",
    "eps is not used. Add it to the root: a gradient of 0 would be divided by 0.",
    {" + eps)": ")"},
)
adam_kernel.slip(
    "square_of_the_mean",
    "The second moment averages the squares of the first. It averages those of the gradients.",
    {"(1 - beta2) * g * g": "(1 - beta2) * m * m"},
)
adam_kernel.slip(
    "decay_not_squared",
    "Your second moment has the gradient without the decay. The decay is added before both.",
    {
        "    g = g + decay * w\n": "    raw = g\n    g = g + decay * w\n",
        "(1 - beta2) * g * g": "(1 - beta2) * raw * raw",
    },
)
adam_kernel.slip(
    "gradients_changed",
    "You store the gradients with the decay in them. They are only read.",
    {
        "    tl.store(first + at, m, mask=inside)\n": "    tl.store(first + at, m, mask=inside)\n"
        "    tl.store(gradients + at, g, mask=inside)\n"
    },
)
adam_kernel.slip(
    "moments_stored_in_the_others_place",
    "You store each moment in the other's place.",
    {"tl.store(first + at, m,": "tl.store(first + at, v,",
     "tl.store(second + at, v,": "tl.store(second + at, m,"},
)  # fmt: skip

adam_kernel.hint("Which places of the tensors does program k work on?")
adam_kernel.hint(
    "`tl.arange(0, BLOCK)` are BLOCK numbers, and all that is computed with them goes on in "
    "parallel. A pointer plus such numbers are BLOCK pointers: load four times, store three times."
)
adam_kernel.hint(
    "Every load and store gets `mask=at < count`; a load also `other=0.0`. Between them are the "
    "lines of Adam that you know, on blocks. In which dtype should they be computed?",
)
adam_kernel.hint(
    "What is (10⁻⁴)² in float16?",
    when="works with float16 weights and float32 moments",
)
adam_kernel.hint("Is the pointer's name right? A block is a power of two.", when="error")

for _old in (
    "weight = tl.load(parameters + at, mask=inside, other=0.0).to(tl.float32)",
    "gradient = tl.load(gradients + at, mask=inside, other=0.0).to(tl.float32)",
    "m = tl.load(first + at, mask=inside, other=0.0)",
    "v = tl.load(second + at, mask=inside, other=0.0)",
):
    adam_kernel.equivalent(
        f"`{_old}` → `{_old.replace(', other=0.0', '')}`",
        because="what is loaded behind the end is never stored",
    )
