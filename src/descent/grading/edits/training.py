"""Slips with modes, gradients and graphs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called
from descent.grading.edits.phrases import phrase, where


def modes(code: Code) -> Iterator[Change]:
    """The mode not set, the wrong one set, not restored, always restored to training."""
    for node in code.all(ast.Call):
        name = called(node)
        if name not in ("train", "eval") or not isinstance(node.func, ast.Attribute):
            continue
        model = code.text_of(node.func.value)
        of = f"`{model}`" if model in code.known or model.startswith("self.") else "the model"
        is_statement = isinstance(code.parent(node), ast.Expr)
        if name == "train" and node.args:
            yield Change(
                "mode",
                f"{of} were not put back into the mode it came in",
                [code.put(node, "None" if is_statement else model)],
            )
            yield Change(
                "mode",
                f"{of} were always put into training mode at the end",
                [code.put(node, f"{model}.train()")],
                "put back the mode it came in",
            )
            yield Change(
                "mode", f"{of} were left in evaluation mode", [code.put(node, f"{model}.eval()")]
            )
            only = f"setattr({model}, 'training', {code.text_of(node.args[0])})"
            yield Change(
                "mode", f"the mode of the parts of {of} were not put back", [code.put(node, only)]
            )
        else:
            mode = "training" if name == "train" else "evaluation"
            yield Change(
                "mode",
                f"{of} were not put into {mode} mode",
                [code.put(node, "None" if is_statement else model)],
            )
            other, word = ("eval", "evaluation") if name == "train" else ("train", "training")
            yield Change(
                "mode",
                f"{of} were put into {word} mode, not {mode} mode",
                [code.put(node, f"{model}.{other}()")],
            )


def modes_added(code: Code) -> Iterator[Change]:
    """A mode set where it is not to be: before a return, in a function that leaves it alone."""
    for function in code.functions:
        names = [a.arg for a in function.args.args]
        for name in ("model", "network", "f"):
            if name in names and function.body:
                for mode, word in (("train", "training"), ("eval", "evaluation")):
                    yield Change(
                        "mode",
                        f"`{name}` were put into {word} mode at the beginning",
                        [
                            code.before(
                                function.body[0],
                                f"{' ' * function.body[0].col_offset}{name}.{mode}()",
                            )
                        ],
                    )
                    for end in code.all(ast.Return):
                        if code.function(end) is function:
                            yield Change(
                                "mode",
                                f"`{name}` were left in {word} mode",
                                [code.before(end, f"{' ' * end.col_offset}{name}.{mode}()")],
                            )


def recording(code: Code) -> Iterator[Change]:
    """`no_grad` dropped; the graph cut, or kept, where it is not to be."""
    for node in code.all(ast.With):
        name = called(node.items[0].context_expr)
        if name in ("no_grad", "inference_mode", "autocast"):
            what = f"`{name}` were missing"
            yield Change(
                "recording",
                what,
                [code.put(node.items[0].context_expr, "__import__('contextlib').nullcontext()")],
                "nothing here is to be recorded" if name != "autocast" else "",
            )
    for assign in code.all(ast.Assign):
        if isinstance(assign.targets[0], ast.Name) and isinstance(assign.value, ast.Call):
            if called(assign.value) in (
                "len",
                "range",
                "item",
                "zip",
                "Generator",
                "arange",
                "randperm",
            ):
                continue
            text = code.text_of(assign.value)
            said = phrase(code, assign.value)
            yield Change(
                "detached",
                f"{said} were detached from its graph",
                [code.put(assign.value, f"{text}.detach()")],
            )
    for call in code.all(ast.Call):
        if called(call) == "append" and call.args:
            inner = call.args[0]
            if called(inner) == "item" and isinstance(inner.func, ast.Attribute):  # type: ignore[attr-defined]
                base = inner.func.value  # type: ignore[attr-defined]
                yield Change(
                    "tensor for number",
                    "tensors were collected, not plain numbers",
                    [code.put(inner, code.inside(base))],
                    "is `.item()` missing?",
                )


def cut_off(code: Code) -> Iterator[Change]:
    """A parameter detached from its graph in one place."""
    for name_node in code.all(ast.Name):
        if isinstance(name_node.ctx, ast.Load) and _is_tensor(code, name_node):
            yield Change(
                "detached",
                f"{phrase(code, name_node)} were detached from its graph{where(code, name_node)}",
                [code.put(name_node, f"{name_node.id}.detach()")],
            )


def gradients_cleared(code: Code) -> Iterator[Change]:
    """`zero_grad` between `backward` and `step`, only before the loop, after the step."""
    for node in code.all(ast.Expr):
        name = called(node.value)
        if name not in ("zero_grad", "zero_gradients"):
            continue
        text = code.lines(node, node.col_offset)
        for other in code.block(node):
            if (
                isinstance(other, ast.Expr)
                and called(other.value) == "backward"
                or any(called(n) in ("backward", "accumulate") for n in ast.walk(other))
            ):
                yield Change(
                    "gradients cleared",
                    "the gradients were cleared between the backward pass and the step",
                    [code.drop(node), code.after(other, text)],
                    "clear them before",
                )
        loop = code.around(node, ast.For)
        outer = code.around(loop, ast.For) if loop is not None else None
        for around, when in ((loop, "before the loop"), (outer, "before the outer loop")):
            if around is not None:
                yield Change(
                    "gradients cleared",
                    f"the gradients were cleared only once, {when}",
                    [code.drop(node), code.before(around, code.lines(node, around.col_offset))],
                    "clear them for every step",
                )
    for node in code.all(ast.Expr):
        if called(node.value) == "backward":
            text = code.text_of(node)
            twice = f"{text[:-1]}{'' if text.endswith('()') else ', '}retain_graph=True)"
            lines = [" " * node.col_offset + text]
            yield Change(
                "done twice",
                "`backward()` ran twice",
                [code.put(node, twice), code.after(node, *lines)],
            )


def mode_per_epoch(code: Code) -> Iterator[Change]:
    """Training mode set once, before the loops."""
    for node in code.all(ast.Expr):
        if called(node.value) not in ("train", "eval"):
            continue
        loop = code.around(node, ast.For)
        while loop is not None:
            yield Change(
                "mode",
                "the mode were set only once, before the loop",
                [code.drop(node), code.before(loop, code.lines(node, loop.col_offset))],
                "something in the loop changes it",
            )
            loop = code.around(loop, ast.For)


def weights_forgotten(code: Code) -> Iterator[Change]:
    """A mean of batch means: the sizes of the batches forgotten on both sides."""
    for assign in code.all(ast.AugAssign):
        loop = code.around(assign, ast.For)
        value = assign.value
        if loop is None or not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Mult):
            continue
        for size, rest in ((value.right, value.left), (value.left, value.right)):
            if called(size) not in ("len", "numel", "size"):
                continue
            dropped = code.put(assign.value, code.text_of(rest))
            count = code.put(size, "1")
            counters = [
                other
                for other in code.all(ast.AugAssign)
                if other is not assign and code.text_of(other.value) == code.text_of(size)
            ]
            splices = [dropped, *(code.put(other.value, "1") for other in counters)]
            yield Change(
                "mean of means",
                "each batch counted alike, however large it is",
                splices,
                "weigh a batch by its size",
            )
            yield Change("mean of means", "a batch were not weighed by its size", [count])
            over = code.text_of(loop.iter)
            block = code.block(loop)
            for later in block[block.index(loop) + 1 :]:
                for node in ast.walk(later):
                    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                        yield Change(
                            "mean of means",
                            "each batch counted alike, however large it is",
                            [dropped, code.put(node.right, f"len(list({over}))")],
                            "weigh a batch by its size",
                        )


def _is_tensor(code: Code, node: ast.Name) -> bool:
    for argument in code.function(node).args.args:
        if argument.arg == node.id and argument.annotation is not None:
            return code.text_of(argument.annotation) == "Tensor"
    return False
