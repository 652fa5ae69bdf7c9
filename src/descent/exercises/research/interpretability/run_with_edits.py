"""How `run_with_edits` is judged."""

from __future__ import annotations

import numpy as np
import torch

from descent.exercises.doubles import normals
from descent.exercises.studies import refusal
from descent.grading import Draw, Exercise, expect

from .shared import Stumbles, Tower, expect_no_gradients, hooks_on, tower_by_hand

run_with_edits = Exercise(
    "run_with_edits", minutes=20, difficulty=2, changes=("model",), returns=torch.Tensor
)


def _tower(draw: Draw):
    inputs = 2 + draw.size % 4
    return Tower(draw, inputs, 3 + draw.size % 5), normals(draw, 1 + draw.size, inputs) + 0.01


def _after_bend(tower: Tower, bend: np.ndarray, change_inner=None) -> np.ndarray:
    """The output of a `Tower` from its ReLU on."""
    arrays = [p.detach().double().numpy() for p in tower.parameters()]
    _, _, weight, bias, last, last_bias = arrays
    inner = np.tanh(bend @ weight.T + bias)
    if change_inner is not None:
        inner = change_inner(inner)
    return (bend + inner) @ last.T + last_bias


@run_with_edits.property("goes on with what the edit makes of a part's output", trials=6)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    factor, shift = draw.uniform(1.5, 3.0), draw.uniform(0.5, 1.0)
    bend = np.maximum(factor * tower_by_hand(tower, x)["first"] + shift, 0)
    found = answer(tower, x, {"first": lambda output: factor * output + shift})
    expect(found, "the output").close_to(_after_bend(tower, bend), atol=1e-4)


@run_with_edits.property("makes several edits in one run, each its own", trials=5)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    bend = 2.0 * tower_by_hand(tower, x)["bend"]
    edits = {"inner": lambda output: 0.5 - output, "bend": lambda output: 2.0 * output}
    expected = _after_bend(tower, bend, lambda inner: 0.5 - inner)
    expect(answer(tower, x, edits), "the output").close_to(expected, atol=1e-4)
    expect(tower.runs, "how often the model ran").equals(1)


@run_with_edits.property("edits parts inside of parts", trials=2)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    bend = tower_by_hand(tower, x)["bend"]
    expected = _after_bend(tower, 2.0 * bend)
    expect(answer(tower, x, {"bend": lambda output: 2.0 * output}), "the output").close_to(
        expected, atol=1e-4
    )
    expected = _after_bend(tower, bend, lambda inner: 0.5 - inner)
    found = answer(tower, x, {"inner.1": lambda output: 0.5 - output})
    expect(found, "the output with a part of a part edited").close_to(expected, atol=1e-4)


@run_with_edits.property("can put in numbers from elsewhere", trials=3)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    bend = abs(normals(draw, len(x), tower.first.out_features))
    found = answer(tower, x, {"bend": lambda output: bend})
    expect(found, "the output").close_to(_after_bend(tower, bend.double().numpy()), atol=1e-4)


@run_with_edits.property("edits the last part too", trials=2)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    expected = 1.0 - 3.0 * tower_by_hand(tower, x)["last"]
    found = answer(tower, x, {"last": lambda output: 1.0 - 3.0 * output})
    expect(found, "the output").close_to(expected, atol=1e-4)


@run_with_edits.property("without edits is the plain run", trials=2)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    expect(answer(tower, x, {}), "the output").close_to(tower_by_hand(tower, x)["last"], atol=1e-4)


@run_with_edits.property("lets gradients through, to the input and through the edit", trials=3)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    scale = torch.tensor(2.0, requires_grad=True)
    found = answer(tower, x, {"bend": lambda output: scale * output})
    expect(found.requires_grad, "whether a graph hangs on the output").equals(True)
    if found.requires_grad:
        weight, bias = tower.inner[0].weight, tower.inner[0].bias
        bend = torch.tensor(tower_by_hand(tower, x)["bend"]).float()
        free = torch.tensor(2.0, requires_grad=True)
        inner = torch.tanh(free * bend @ weight.T + bias)
        by_hand = (free * bend + inner) @ tower.last.weight.T + tower.last.bias
        wanted = torch.autograd.grad(by_hand.sum(), free)[0]
        given = torch.autograd.grad(found.sum(), [scale, tower.first.weight], allow_unused=True)
        if given[0] is None or given[1] is None:
            expect(0, "parts of the model that the gradient reaches").equals(2)
        else:
            expect(given[0], "the slope of what the edit uses").close_to(wanted, atol=1e-3)
    expect_no_gradients(tower)


@run_with_edits.property("leaves no hook behind, and takes away no other's")
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    tower.first.register_forward_hook(lambda part, inputs, output: None)
    answer(tower, x, {"first": lambda output: -output, "last": lambda output: output + 1})
    expect(hooks_on(tower), "hooks on the model afterwards, where there was 1 before").equals(1)
    plain = tower_by_hand(tower, x)["last"]
    expect(tower(x).detach(), "what a plain run gives afterwards").close_to(plain, atol=1e-4)


@run_with_edits.property("leaves no hook behind when the run or an edit fails", trials=1)
def _(answer, draw: Draw) -> None:
    model = Stumbles()
    _, raised = refusal(answer, model, normals(draw, 2, 2), {"first": lambda output: output})
    expect(raised, "what is raised").equals("RuntimeError")
    expect(hooks_on(model), "hooks on the model afterwards").equals(0)


@run_with_edits.property("raises KeyError for a name that no part has, and does not run", trials=2)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    edits = {"first": lambda output: output, "second": lambda output: output}
    _, raised = refusal(answer, tower, x, edits)
    expect(raised, "what is raised").equals("KeyError")
    expect(hooks_on(tower), "hooks on the model afterwards").equals(0)
    expect(tower.runs, "how often the model ran").equals(0)


@run_with_edits.right
def right_run(model, x, edits):
    parts = dict(model.named_modules())
    missing = [name for name in edits if name not in parts]
    if missing:
        raise KeyError(missing)

    def editor(edit):
        return lambda part, inputs, output: edit(output)

    handles = [parts[name].register_forward_hook(editor(edit)) for name, edit in edits.items()]
    try:
        return model(x)
    finally:
        for handle in handles:
            handle.remove()


run_with_edits.slip(
    "nothing_returned",
    "The model goes on with the old output: there is no hook, or yours computes the edit and "
    "returns nothing. What a forward hook *returns* replaces it.",
    {"lambda part, inputs, output: edit(output)": "lambda part, inputs, output: None"},
)
run_with_edits.slip(
    "input_edited",
    "You gave the edit what goes into the part. It is to change what comes out.",
    {"output: edit(output)": "output: edit(inputs[0])"},
)
run_with_edits.slip(
    "input_then_part",
    "You edited the input of the part, and let the part run on it. The edit is for the output.",
    {
        "lambda part, inputs, output: edit(output)": "lambda part, inputs: (edit(inputs[0]),)",
        "register_forward_hook": "register_forward_pre_hook",
    },
)
run_with_edits.slip(
    "edit_added",
    "You added the edited output to the old one. It replaces it.",
    {"output: edit(output)": "output: output + edit(output)"},
)
run_with_edits.slip(
    "last_edit_for_all",
    "All your hooks make the same edit, the last one of the loop. A function made in a loop sees "
    "the variable as it is when it is *called*: hand the edit over when you make the hook.",
    {
        "edit(output)": "list(edits.values())[-1](output)",
    },
)
run_with_edits.slip(
    "first_edit_alone",
    "You made the first edit and no other. All of them belong to one run.",
    {"in edits.items()]": "in list(edits.items())[:1]]"},
)
run_with_edits.slip(
    "a_run_for_each",
    "You ran the model once for each edit, so no run has had all of them. Register all the hooks, "
    "then run once.",
    {
        "    handles = [parts[name].register_forward_hook(editor(edit)) "
        "for name, edit in edits.items()]\n    try:\n        return model(x)\n    finally:\n"
        "        for handle in handles:\n            handle.remove()\n": (
            "    y = model(x) if not edits else None\n"
            "    for name, edit in edits.items():\n"
            "        handle = parts[name].register_forward_hook(editor(edit))\n"
            "        try:\n            y = model(x)\n        finally:\n"
            "            handle.remove()\n    return y\n"
        )
    },
)
run_with_edits.slip(
    "detached",
    "The graph breaks at the edited part: you detached its output, before the edit or after it. "
    "The run can no longer be differentiated down to the parts before it.",
    {"edit(output)": "edit(output.detach())"},
)
run_with_edits.slip(
    "without_graph",
    "You ran the model without a graph. Whoever calls this may want a slope through the edited "
    "run: leave `no_grad` to the caller.",
    {"return model(x)": "return torch.no_grad()(model)(x)"},
)
run_with_edits.slip(
    "hooks_left",
    "Your hooks stay on the model: every later run is edited as well. Remove each handle.",
    {"handle.remove()": "pass"},
)
run_with_edits.slip(
    "left_after_an_error",
    "When the run fails, your hooks stay. Remove them in a `finally`.",
    {
        "    try:\n        return model(x)\n    finally:\n        for handle in handles:\n"
        "            handle.remove()\n": (
            "    y = model(x)\n    for handle in handles:\n        handle.remove()\n    return y\n"
        )
    },
)
run_with_edits.slip(
    "all_hooks_cleared",
    "You took away every hook of these parts. Somebody else's may be among them: remove the "
    "handles that you made.",
    {"            handle.remove()": "            handle.hooks_dict_ref().clear()"},
)
run_with_edits.slip(
    "unknown_ignored",
    "You pass over a name that no part has: an edit that was never made then looks like one "
    "without effect. Raise KeyError before the model runs.",
    {"raise KeyError(missing)": "edits = {n: e for n, e in edits.items() if n in parts}"},
)
run_with_edits.slip(
    "hooked_before_looking",
    "An unknown name stops you while hooks are already on the parts before it, and these stay. "
    "Look all names up before you register the first.",
    {"if missing:": "if False:"},
)

run_with_edits.slip(
    "outermost_parts_alone",
    "You look for names among the outermost parts alone. Parts inside of parts have names as well, "
    'such as "inner.0": `named_modules()` has them all.',
    {"model.named_modules()": "model.named_children()"},
)
run_with_edits.slip(
    "another_error",
    "For a name that no part has you raise another error. KeyError is asked for.",
    {"raise KeyError(missing)": "raise ValueError(missing)"},
)
run_with_edits.slip(
    "found_out_too_late",
    "You notice the unknown name after the model has run. Look all names up first.",
    {"raise KeyError(missing)": "model(x)\n        raise KeyError(missing)"},
)
run_with_edits.slip(
    "plain_run_first",
    "You ran the model a second time, without the edits or with them. One run, with the hooks on "
    "it, is enough.",
    {"    def editor(edit):": "    model(x)\n\n    def editor(edit):"},
)

run_with_edits.hint("It is `record` with one difference: the hook returns something.")
run_with_edits.hint("Make each hook by a function of its edit; a lambda in a loop sees the last.")
run_with_edits.hint("Return the model's output from inside `try`; `finally` still runs.")
run_with_edits.hint("Does your hook return the edited output?", when="value")
