"""How `record` is judged."""

from __future__ import annotations

from descent.exercises.doubles import normals
from descent.exercises.studies import refusal
from descent.grading import Draw, Exercise, expect

from .shared import Stumbles, Tower, hooks_on, tower_by_hand

record = Exercise("record", minutes=15, difficulty=1, changes=("model",), returns=dict)


def _tower(draw: Draw):
    inputs = 2 + draw.size % 4
    return Tower(draw, inputs, 3 + draw.size % 5), normals(draw, 1 + draw.size, inputs) + 0.01


def _expect_recorded(answer, tower: Tower, x, names: list[str]) -> None:
    found, wanted = answer(tower, x, names), tower_by_hand(tower, x)
    expect(list(found), "the names, in order").equals(names)
    for name in names:
        if name in found:
            expect(found[name], f"what {name} gave").close_to(wanted[name], atol=1e-5)


@record.property("gives what every named part gave", trials=6)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    _expect_recorded(answer, tower, x, ["last", "bend"])
    _expect_recorded(answer, tower, x, ["inner.0", "last", "bend"])


@record.property("keeps what a part gave, though the next one works in place", trials=4)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    _expect_recorded(answer, tower, x, ["first", "inner"])


@record.property("runs the model once, and returns nothing with a graph")
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    found = answer(tower, x, ["first", "inner"])
    expect(tower.runs, "how often the model ran").equals(1)
    for name, values in found.items():
        expect(values.requires_grad, f"whether a graph hangs on {name}").equals(False)


@record.property("leaves no hook behind, and takes away no other's")
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    tower.first.register_forward_hook(lambda part, inputs, output: None)
    answer(tower, x, ["first", "last"])
    expect(hooks_on(tower), "hooks on the model afterwards, where there was 1 before").equals(1)


@record.property("leaves no hook behind when the model raises an error", trials=1)
def _(answer, draw: Draw) -> None:
    model = Stumbles()
    _, raised = refusal(answer, model, normals(draw, 2, 2), ["first"])
    expect(raised, "what is raised").equals("RuntimeError")
    expect(hooks_on(model), "hooks on the model afterwards").equals(0)


@record.property("raises KeyError for a name that no part has, and does not run", trials=2)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    _, raised = refusal(answer, tower, x, ["first", "second"])
    expect(raised, "what is raised").equals("KeyError")
    expect(hooks_on(tower), "hooks on the model afterwards").equals(0)
    expect(tower.runs, "how often the model ran").equals(0)


@record.property("changes neither the model's mode nor its numbers", trials=2)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    tower.train(draw.size % 2 == 0)
    tower.inner.train(draw.size % 2 == 1)
    before = [part.training for part in tower.modules()]
    weight = tower.first.weight.detach().clone()
    answer(tower, x, ["last"])
    same = before == [part.training for part in tower.modules()]
    expect(same, "whether every part is in the mode it was in").equals(True)
    expect(tower.first.weight, "the first weight").close_to(weight, rtol=0, atol=0)


@record.property("of no names is empty", trials=1)
def _(answer, draw: Draw) -> None:
    tower, x = _tower(draw)
    expect(len(answer(tower, x, [])), "how many were recorded").equals(0)


@record.right
def right_record(model, x, names):
    parts = dict(model.named_modules())
    missing = [name for name in names if name not in parts]
    if missing:
        raise KeyError(missing)
    seen = {}

    def keeper(name):
        def keep(part, inputs, output):
            seen[name] = output.detach().clone()

        return keep

    handles = [parts[name].register_forward_hook(keeper(name)) for name in names]
    try:
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return {name: seen[name] for name in names}


record.slip(
    "not_copied",
    "You kept the tensor itself. A ReLU that works in place wrote over it afterwards, so what you "
    "recorded is no longer what the part gave: clone it.",
    {".detach().clone()": ".detach()"},
)
record.slip(
    "graph_kept",
    "Your recordings still hang on the graph. They keep all its memory alive: detach them.",
    {".detach().clone()": ".clone()"},
)
record.slip(
    "inputs_recorded",
    "You recorded what goes *into* each part. A forward hook gets both; the third argument is what "
    "comes out.",
    {"output.detach()": "inputs[0].detach()"},
)
record.slip(
    "hooks_left",
    "Your hooks stay on the model. From now on every run records, and a second call doubles it: "
    "remove each handle.",
    {"handle.remove()": "pass"},
)
record.slip(
    "left_after_an_error",
    "When the model raises an error, your hooks stay. Remove them in a `finally`.",
    {
        "    try:\n        model(x)\n    finally:\n        for handle in handles:\n"
        "            handle.remove()\n": (
            "    model(x)\n    for handle in handles:\n        handle.remove()\n"
        )
    },
)
record.slip(
    "all_hooks_cleared",
    "You took away every hook of these parts. Somebody else's may be among them: remove the "
    "handles that you made.",
    {"            handle.remove()": "            handle.hooks_dict_ref().clear()"},
)
record.slip(
    "one_name_for_all",
    "All your hooks write under the same name, the last one of the loop. A function made in a loop "
    "sees the variable as it is when it is *called*: hand the name over when you make it.",
    {
        "[parts[name].register_forward_hook(keeper(name)) for name in names]": "[]",
        "    try:": (
            "    last = names[-1:]\n    for name in names:\n        handles.append("
            "parts[name].register_forward_hook(keeper(last[0])))\n    try:"
        ),
        "name: seen[name] for name in names": "name: seen[name] for name in last",
    },
)
record.slip(
    "unknown_ignored",
    "You pass over a name that no part has. A misspelt name then gives less than was asked for, "
    "and nobody is told: raise KeyError before the model runs.",
    {
        "raise KeyError(missing)": "names = [name for name in names if name in parts]",
    },
)
record.slip(
    "found_out_too_late",
    "You notice the unknown name after the model has run. Look all names up first.",
    {
        "raise KeyError(missing)": "names = [n for n in names if n in parts]",
        "    return {": "    if missing:\n        raise KeyError(missing)\n    return {",
    },
)
record.slip(
    "hooked_before_looking",
    "An unknown name stops you while hooks are already on the parts before it, and these stay. "
    "Look all names up before you register the first.",
    {"if missing:": "if False:"},
)
record.slip(
    "order_of_running",
    "Your dictionary is in the order in which the parts ran. It should be in that of `names`.",
    {"{name: seen[name] for name in names}": "seen"},
)
record.slip(
    "run_for_each_name",
    "You ran the model once for every name. One run can feed all the hooks.",
    {"        model(x)\n": "        for _ in names:\n            model(x)\n"},
)
record.slip(
    "mode_changed",
    "You changed the model's mode: afterwards some part of it is not in the mode that it was in. "
    "Leave the mode alone.",
    {"        model(x)\n": "        model.eval()(x)\n"},
)
record.slip(
    "outermost_parts_alone",
    "You look for names among the outermost parts alone. Parts inside of parts have names as well, "
    'such as "inner.0": `named_modules()` has them all.',
    {"model.named_modules()": "model.named_children()"},
)
record.slip(
    "another_error",
    "For a name that no part has you raise another error. KeyError is asked for.",
    {"raise KeyError(missing)": "raise ValueError(missing)"},
)
record.slip(
    "first_row_alone",
    "You kept the first row of the batch. Record the whole output.",
    {"output.detach()": "output[:1].detach()"},
)

record.equivalent(
    "`seen: dict[str, Tensor] = {}` → `seen: dict[Tensor, str] = {}`",
    because="what is written behind a local name is never looked at",
)

record.hint("`dict(model.named_modules())` finds a part by its name, inner ones too.")
record.hint("A hook is a function of (part, inputs, output); what it returns replaces the output.")
record.hint("`try: … finally: handle.remove()` removes it whatever happens.")
record.hint("What does an in-place ReLU do to the tensor you kept?", when="value")
