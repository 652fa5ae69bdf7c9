"""Slips in calls: another function, one forgotten, an option left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from descent.grading.edits.change import Change
from descent.grading.edits.code import Code, called, is_module
from descent.grading.edits.phrases import phrase, where

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

_WRAPPERS = {
    "float",
    "int",
    "round",
    "abs",
    "list",
    "tuple",
    "sorted",
    "reversed",
    "set",
    "str",
    "sqrt",
    "log",
    "exp",
    "relu",
    "tanh",
    "softmax",
    "log_softmax",
    "sigmoid",
    "asarray",
    "array",
    "tensor",
    "deepcopy",
    "copy",
    "ceil",
    "floor",
    "enumerate",
    "normalize",
    "square",
    "no_grad",
    "softmax_with_temperature",
    "dropout",
    "pad",
}
_METHODS = {
    "item": "`.item()`",
    "detach": "`.detach()`",
    "clone": "`.clone()`",
    "copy": "`.copy()`",
    "float": "`.float()`",
    "double": "`.double()`",
    "mean": "the mean",
    "sum": "the sum",
    "sqrt": "the square root",
    "log": "the logarithm",
    "exp": "the exponential",
    "abs": "the absolute value",
    "flatten": "`.flatten(…)`",
    "clamp": "the clamping",
    "lower": "`.lower()`",
    "T": "the transpose",
    "long": "`.long()`",
    "to": "`.to(…)`",
    "tolist": "`.tolist()`",
    "softmax": "the softmax",
    "cumsum": "the running sum",
    "square": "the square",
    "norm": "the norm",
    "contiguous": "`.contiguous(…)`",
    "requires_grad_": "`.requires_grad_(…)`",
    "eval": "`.eval()`",
    "tril": "the triangle",
    "masked_fill": "the mask",
    "astype": "`.astype(…)`",
    "sort": "the sorting",
    "bool": "`.bool()`",
    "reshape": "`.reshape(…)`",
    "view": "`.view(…)`",
    "view_as": "`.view_as(…)`",
    "unsqueeze": "`.unsqueeze(…)`",
    "squeeze": "`.squeeze(…)`",
    "manual_seed": "the seed",
    "transpose": "`.transpose(…)`",
    "permute": "`.permute(…)`",
    "unfold": "an `.unfold(…)`",
    "int": "`.int()`",
    "size": "the size",
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


def forgotten_call(code: Code) -> Iterator[Change]:
    """What a call does not done at all: `x` for `f(x)` and for `x.f()`."""
    for node in code.all(ast.Call):
        name = called(node)
        if isinstance(node.func, ast.Attribute) and not is_module(node.func.value):
            if _is_statement(code, node) or code.text_of(node.func.value) == "self":
                continue
            if not node.args or name in _METHODS:
                what = _METHODS.get(name, f"a `{name}`")
                yield Change(
                    "forgotten call",
                    f"{what} were missing{where(code, node)}",
                    [code.put(node, code.inside(node.func.value))],
                )
        elif (
            node.args
            and not _is_statement(code, node)
            and not isinstance(node.args[0], ast.Starred)
        ):
            known = name in _WRAPPERS or name in code.known or isinstance(node.func, ast.Attribute)
            what = f"a `{name}`" if known and name else "a step"
            if len(node.args) == 1 or name in _WRAPPERS or isinstance(node.func, ast.Attribute):
                yield Change(
                    "forgotten call",
                    f"{what} were missing{where(code, node)}",
                    [code.put(node, code.inside(node.args[0]))],
                )
    for attribute in code.all(ast.Attribute):
        if attribute.attr in ("values", "indices") and isinstance(attribute.ctx, ast.Load):
            other = "indices" if attribute.attr == "values" else "values"
            if not isinstance(code.parent(attribute), ast.Call):
                yield Change(
                    "other attribute",
                    f"`.{other}` stood for `.{attribute.attr}`" + where(code, attribute),
                    [code.put(attribute, f"{code.text_of(attribute.value)}.{other}")],
                )


def self_layer_forgotten(code: Code) -> Iterator[Change]:
    """A layer of a model left out: `x` for `self.layer(x)`."""
    for node in code.all(ast.Call):
        if len(node.args) == 1 and isinstance(node.func, ast.Attribute | ast.Subscript):
            base = node.func.value
            if (
                isinstance(base, ast.Name)
                and base.id == "self"
                or isinstance(node.func, ast.Subscript)
            ):
                yield Change(
                    "forgotten layer",
                    f"{phrase(code, node.func)} were left out{where(code, node)}",
                    [code.put(node, code.inside(node.args[0]))],
                )


def summed_loss(code: Code) -> Iterator[Change]:
    """A loss or gradient that is a sum over the batch, or divided once more."""
    for node in code.all(ast.Call):
        name = called(node)
        if name not in code.known and name != "cross_entropy" or _is_statement(code, node):
            continue
        if not (
            name.endswith("loss") or "entropy" in name or "error" in name or "gradient" in name
        ):
            continue
        if not node.args:
            continue
        size = f"len({code.text_of(node.args[-1])})"
        text = code.text_of(node)
        at = where(code, node)
        if "gradient" in name:
            scaled = [f"tuple(part_ {sign} {size} for part_ in {text})" for sign in "*/"]
        else:
            scaled = [f"({text} {sign} {size})" for sign in "*/"]
        if "batch_size" in code.text and "batch_size" not in text:
            weight = f"{size} / batch_size"
            fixed = f"tuple(part_ * {weight} for part_ in {text})"
            new = fixed if "gradient" in name else f"({text} * {weight})"
            yield Change(
                "fixed divisor",
                f"what `{name}` gives were divided by the size of a full "
                f"batch in the last, shorter one too{at}",
                [code.put(node, new)],
            )
        for new, clause in zip(
            scaled,
            ("summed over the batch, not averaged", "divided by the size of the batch once more"),
            strict=True,
        ):
            yield Change(
                "sum for mean", f"what `{name}` gives were {clause}{at}", [code.put(node, new)]
            )
        root = f"({text}) ** 0.5"
        if "gradient" not in name:
            yield Change(
                "root too much",
                f"you took a square root of what `{name}` gives{at}",
                [code.put(node, f"({root})")],
            )
            yield Change(
                "sign",
                f"what `{name}` gives had the other sign{at}",
                [code.put(node, f"(-{text})")],
            )


def other_layer(code: Code) -> Iterator[Change]:
    """Another layer of the same model called, or the same one twice."""
    layers = [
        node.func
        for node in code.all(ast.Call)
        if isinstance(node.func, ast.Attribute) and code.text_of(node.func.value) == "self"
    ]
    names = list(dict.fromkeys(layer.attr for layer in layers))
    for layer in layers:
        for name in names:
            if name != layer.attr:
                new = f"`self.{name}`" if name in code.known else "another layer"
                yield Change(
                    "other layer",
                    f"{new} stood in the place of {phrase(code, layer)}" + where(code, layer),
                    [code.put(layer, f"self.{name}")],
                )


def nested_order(code: Code) -> Iterator[Change]:
    """f(g(x)) where g(f(x)) belongs."""
    for node in code.all(ast.Call):
        inner = node.args[0] if node.args else None
        if isinstance(inner, ast.Call) and inner.args:
            rest = [code.text_of(a) for a in (*node.args[1:], *node.keywords)]
            others = [code.text_of(a) for a in (*inner.args[1:], *inner.keywords)]
            first = ", ".join([code.text_of(inner.args[0]), *rest])
            text = f"{code.text_of(node.func)}({first})"
            text = f"{code.text_of(inner.func)}({', '.join([text, *others])})"
            one, two = _step(code, node), _step(code, inner)
            yield Change(
                "order of steps",
                f"{one} came before {two}{where(code, node)}, not after it",
                [code.put(node, text)],
            )
    for node in code.all(ast.Call):
        outer = node.func
        if isinstance(outer, ast.Attribute) and isinstance(outer.value, ast.Call):
            inner = outer.value
            if isinstance(inner.func, ast.Attribute) and not is_module(inner.func.value):
                given = [code.text_of(a) for a in (*node.args, *node.keywords)]
                others = [code.text_of(a) for a in (*inner.args, *inner.keywords)]
                text = f"{code.inside(inner.func.value)}.{outer.attr}({', '.join(given)})"
                text = f"{text}.{inner.func.attr}({', '.join(others)})"
                clause = f"`{outer.attr}` came before `{inner.func.attr}`{where(code, node)}"
                yield Change("order of steps", clause + ", not after it", [code.put(node, text)])


def dropped_option(code: Code) -> Iterator[Change]:
    """A keyword argument, or the last positional one, left out."""
    for node in code.all(ast.Call):
        name = called(node)
        for keyword in node.keywords:
            if keyword.arg and keyword.arg not in ("dim", "axis", "keepdim"):
                what = f"`{keyword.arg}`" + (
                    f" were not given to `{name}`" if name else " were not given"
                )
                yield Change(
                    "dropped option", what + where(code, node), [code.without(node, keyword)]
                )
            elif keyword.arg is None:
                yield Change(
                    "dropped option",
                    f"the settings were not handed to `{name}`",
                    [code.without(node, keyword)],
                )
        if len(node.args) > 1 and name not in ("range", "arange"):
            last = node.args[-1]
            known = name in code.known or isinstance(node.func, ast.Attribute)
            the = f" of `{name}`" if known else " of a call"
            yield Change(
                "dropped argument",
                f"the last argument{the} were left out{where(code, node)}",
                [code.without(node, last)],
            )


def turned_option(code: Code) -> Iterator[Change]:
    """True for False; a missing option set."""
    for node in code.all(ast.Constant):
        if isinstance(node.value, bool):
            parent = code.parent(node)
            what = f"`{parent.arg}`" if isinstance(parent, ast.keyword) else "a switch"
            call = code.parent(parent) if isinstance(parent, ast.keyword) else parent
            of = f" of `{called(call)}`" if called(call) else ""
            yield Change(
                "turned option",
                f"{what}{of} were {not node.value}{where(code, node)}",
                [code.put(node, str(not node.value))],
            )


_ADDED = {
    "cross_entropy": ("reduction='sum'", "label_smoothing=0.1", "reduction='none'"),
    "std": ("correction=0", "ddof=1"),
    "var": ("correction=1", "ddof=1"),
    "argsort": ("descending=True",),
    "sorted": ("reverse=True",),
    "topk": ("largest=False",),
    "Linear": ("bias=False",),
    "Conv2d": ("bias=False",),
    "zip": ("strict=False",),
    "SGD": ("momentum=0.9", "weight_decay=0.0005"),
    "median": (),
    "randperm": (),
    "LayerNorm": ("bias=False",),
    "bincount": (),
    "DataLoader": ("shuffle=True", "drop_last=True"),
    "register_buffer": ("persistent=False",),
    "AdamW": ("weight_decay=0.0",),
    "BatchNorm2d": ("affine=False",),
    "Embedding": ("padding_idx=0",),
    "step": (),
    "backward": ("retain_graph=True",),
}


def added_option(code: Code) -> Iterator[Change]:
    """An option set that is not to be: `reduction="sum"`, `reverse=True`."""
    for node in code.all(ast.Call):
        name = called(node)
        present = {keyword.arg for keyword in node.keywords}
        for option in _ADDED.get(name, ()):
            if option.split("=")[0] not in present:
                comma = ", " if node.args or node.keywords else ""
                text = f"{code.text_of(node)[:-1]}{comma}{option})"
                shown = option.replace("'", '"')
                yield Change(
                    "added option",
                    f"`{name}`{where(code, node)} had `{shown}`",
                    [code.put(node, text)],
                )
    usual = {
        "reduction": ("'mean'", "'sum'", "'none'"),
        "correction": ("1", "0"),
        "ddof": ("0", "1"),
        "mode": ("'fan_in'", "'fan_out'"),
        "errors": ("'ignore'", "'strict'"),
    }
    for node in code.all(ast.Call):
        for keyword in node.keywords:
            for other in usual.get(keyword.arg or "", ()):
                if other != code.text_of(keyword.value):
                    yield Change(
                        "other option",
                        f"`{keyword.arg}` of `{called(node)}` were {other}",
                        [code.put(keyword.value, other)],
                    )


_DTYPES = {
    "float32": ("float64",),
    "float64": ("float32",),
    "int64": ("int32", "float32"),
    "bfloat16": ("float32", "float16"),
    "bool": ("float32", "int64"),
    "uint8": ("int64",),
}


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


def twice(code: Code) -> Iterator[Change]:
    """A function applied twice, or a root where none belongs."""
    for node in code.all(ast.Call):
        name = called(node)
        if _is_statement(code, node) or not name:
            continue
        text = code.text_of(node)
        if name in ("mean", "sum", "var", "square"):
            yield Change(
                "root too much",
                f"you took a square root of the `{name}`{where(code, node)}",
                [code.put(node, f"(({text}) ** 0.5)")],
            )
        if name in ("std", "sqrt", "norm"):
            yield Change(
                "square too much",
                f"you squared the `{name}`{where(code, node)}",
                [code.put(node, f"(({text}) ** 2)")],
            )
        known = name in code.known or is_module(getattr(node.func, "value", node))
        if len(node.args) == 1 and not node.keywords and known:
            yield Change(
                "done twice",
                f"`{name}` were applied twice{where(code, node)}",
                [code.put(node, f"{code.text_of(node.func)}({text})")],
            )


def _step(code: Code, call: ast.Call) -> str:
    return (
        phrase(code, call.func)
        if isinstance(call.func, ast.Subscript | ast.Attribute) and not is_module(call.func.value)
        else f"`{called(call)}`"
    )


def _is_statement(code: Code, node: ast.AST) -> bool:
    return isinstance(code.parent(node), ast.Expr)
