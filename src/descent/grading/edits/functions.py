"""Slips in which function is called: another one, another base, another dtype."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called, is_module
from descent.grading.edits.phrases import where

_OTHERS: dict[str, tuple[str, ...]] = {
    "sum": ("mean",),
    "mean": ("sum",),
    "max": ("min",),
    "min": ("max",),
    "amax": ("amin", "sum"),
    "amin": ("amax",),
    "argmax": ("argmin", "amax"),
    "argmin": ("argmax",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "exp": ("log",),
    "log": ("log2", "log10", "exp"),
    "log2": ("log",),
    "sqrt": ("square",),
    "square": ("sqrt",),
    "zeros": ("ones",),
    "ones": ("zeros",),
    "zeros_like": ("ones_like",),
    "ones_like": ("zeros_like",),
    "new_zeros": ("new_ones",),
    "zeros_": ("ones_",),
    "ones_": ("zeros_",),
    "floor": ("ceil",),
    "ceil": ("floor",),
    "round": ("int", "math.floor", "math.ceil"),
    "int": ("round",),
    "append": ("extend",),
    "extend": ("append",),
    "std": ("var",),
    "var": ("std",),
    "softmax": ("log_softmax", "sigmoid"),
    "log_softmax": ("softmax",),
    "relu": ("sigmoid", "tanh", "abs"),
    "tanh": ("relu", "sigmoid"),
    "GELU": ("ReLU",),
    "cos": ("sin",),
    "sin": ("cos",),
    "randn": ("rand",),
    "rand": ("randn",),
    "normal_": ("uniform_",),
    "tril": ("triu",),
    "triu": ("tril",),
    "cumsum": ("cumprod",),
    "all": ("any",),
    "any": ("all",),
    "copy_": ("add_",),
    "permutation": ("permuted",),
    "abs": ("square",),
    "norm": ("sum",),
    "train": ("eval",),
    "max_pool2d": ("avg_pool2d",),
    "numel": ("size",),
    "parameters": ("buffers",),
    "sorted": ("list",),
    "startswith": ("endswith",),
    "endswith": ("startswith",),
    "rsplit": ("split",),
    "split": ("chunk",),
    "tensor_split": ("split",),
    "isfinite": ("isnan",),
    "zip_longest": ("zip",),
    "combinations": ("permutations",),
    "comb": ("perm",),
    "kaiming_normal_": ("xavier_normal_", "kaiming_uniform_"),
    "from_numpy": ("tensor",),
    "tensor": ("as_tensor", "Tensor"),
    "detach": ("clone",),
    "clone": ("detach",),
    "normalize": ("softmax",),
    "view": ("reshape",),
    "values": ("keys",),
    "floor_divide": ("true_divide",),
    "state_dict": ("named_parameters",),
    "mul_": ("mul",),
    "add_": ("add",),
    "sub_": ("sub",),
    "square_": ("square",),
    "requires_grad_": ("detach",),
}


_DTYPES = {
    "float32": ("float64",),
    "float64": ("float32",),
    "int64": ("int32", "float32"),
    "bfloat16": ("float32", "float16"),
    "bool": ("float32", "int64"),
    "uint8": ("int64",),
}


def other_function(code: Code) -> Iterator[Change]:
    """`sum` for `mean`, `max` for `min`, `zeros` for `ones`, and so on."""
    for node in code.all(ast.Call):
        name = called(node)
        for other in _OTHERS.get(name, ()):
            if isinstance(node.func, ast.Attribute):
                short = other.rsplit(".", 1)[-1]
                text = f"{code.inside(node.func.value)}.{short}"
            else:
                if name == "sum" and other == "mean":
                    if len(node.args) != 1:
                        continue
                    yield Change(
                        "other function",
                        f"you took the mean for the sum{where(code, node)}",
                        [
                            code.put(
                                node,
                                "(lambda all_: sum(all_) / max(len(all_), "
                                f"1))(list({code.text_of(node.args[0])}))",
                            )
                        ],
                    )
                    continue
                text = short = other
            clause = f"`{short.rsplit('.', 1)[-1]}` stood for `{name}`{where(code, node)}"
            yield Change("other function", clause, [code.put(node.func, text)])


def other_base(code: Code) -> Iterator[Change]:
    """2 or 10 raised to a power in the place of e."""
    for node in code.all(ast.Call):
        if called(node) == "exp" and isinstance(node.func, ast.Attribute):
            argument = node.args[0] if node.args else node.func.value
            for base in ("2.0", "10.0"):
                yield Change(
                    "other base",
                    f"you raised {base[:-2]}, not e, to a power{where(code, node)}",
                    [code.put(node, f"({base} ** {code.inside(argument)})")],
                )


def averaged_last(code: Code) -> Iterator[Change]:
    """The mean or sum taken after a function, not before: exp of a mean, and mean of exp."""
    for node in code.all(ast.Call):
        outer = called(node)
        if outer not in ("exp", "log", "sqrt", "abs", "square"):
            continue
        for inner in ast.walk(node):
            name = called(inner)
            if inner is node or name not in ("mean", "sum") or not isinstance(inner, ast.Call):
                continue
            if not isinstance(inner.func, ast.Attribute):
                continue
            given = inner.args if is_module(inner.func.value) else [inner.func.value]
            if len(given) != 1 or inner.keywords:
                continue
            start = code.span(node)[0]
            a, b = (place - start for place in code.span(inner))
            text = code.text_of(node).encode()
            without = (text[:a] + code.inside(given[0]).encode() + text[b:]).decode()
            yield Change(
                "order of steps",
                f"the `{name}` were taken after the `{outer}`, not before it" + where(code, node),
                [code.put(node, f"{without}.{name}()")],
            )


def other_of_equals(code: Code) -> Iterator[Change]:
    """Among equals the last for the first."""
    for node in code.all(ast.Call):
        if not isinstance(node.func, ast.Attribute) or is_module(node.func.value):
            continue
        base = code.inside(node.func.value)
        clause = f"among equals the last came first{where(code, node)}"
        if called(node) == "argmax":
            axis = code.text_of(node.keywords[0].value) if node.keywords else "0"
            axis = code.text_of(node.args[0]) if node.args else axis
            text = f"({base}.shape[{axis}] - 1 - {base}.flip({axis}).argmax({axis}))"
            yield Change("ties", clause, [code.put(node, text)])
        if called(node) == "argsort":
            yield Change("ties", clause, [code.put(node, f"{base}.argsort(stable=True).flip(0)")])
            yield Change(
                "ascending",
                f"the order were rising, not falling{where(code, node)}",
                [code.put(node, f"{base}.argsort(stable=True)")],
            )


def summed_for_averaged(code: Code) -> Iterator[Change]:
    """Every mean a sum: `mean` and the division by a length, together."""
    splices = []
    for node in code.all(ast.Call):
        if called(node) == "mean" and isinstance(node.func, ast.Attribute):
            splices.append(code.put(node.func, f"{code.text_of(node.func.value)}.sum"))
    for product in code.all(ast.BinOp):
        if isinstance(product.op, ast.Div) and called(product.right) in ("len", "numel"):
            splices.append(code.put(product, code.inside(product.left)))
    if len(splices) > 1:
        yield Change("sum for mean", "you summed wherever you are to average", splices)


def without_fill(code: Code) -> Iterator[Change]:
    """`zip` for `zip_longest`, with what it does not know left out."""
    for node in code.all(ast.Call):
        if called(node) == "zip_longest":
            given = ", ".join(map(code.text_of, node.args))
            yield Change(
                "other function", "`zip` stood for `zip_longest`", [code.put(node, f"zip({given})")]
            )


def other_dtype(code: Code) -> Iterator[Change]:
    """float32 for float64, and the like."""
    for node in code.all(ast.Attribute):
        for other in _DTYPES.get(node.attr, ()):
            if is_module(node.value):
                clause = f"the dtype were {other}, not {node.attr}{where(code, node)}"
                yield Change(
                    "other dtype", clause, [code.put(node, f"{code.text_of(node.value)}.{other}")]
                )
    for call in code.all(ast.Call):
        swapped = {"double": "float", "float": "double", "long": "float"}
        if isinstance(call.func, ast.Attribute) and called(call) in swapped and not call.args:
            other = swapped[called(call)]
            yield Change(
                "other dtype",
                f"`.{other}()` stood for `.{called(call)}()`{where(code, call)}",
                [code.put(call.func, f"{code.text_of(call.func.value)}.{other}")],
            )
