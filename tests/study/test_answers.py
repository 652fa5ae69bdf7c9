"""A notebook as a module: what is taken from it, and what is not."""

from __future__ import annotations

import inspect
import pickle
import sys
import traceback

import pytest

from descent.study.answers import (
    AnswersError,
    answers_from_cells,
    answers_from_notebook,
    answers_from_source,
)
from descent.study.catalog import find_chapter


def test_imports_definitions_and_constants_are_taken():
    module = answers_from_cells(
        [
            "import math\nfrom math import pi as PI",
            "WIDTH, DEPTH = 8, 2\nSIZES = [WIDTH] * DEPTH\nTURN: float = 2 * math.pi",
            "def area(r):\n    return PI * r ** 2",
            "class Net:\n    sizes = SIZES",
        ],
        "answers_taken",
    )
    assert module.area(1) == pytest.approx(3.14159, rel=1e-4)
    assert module.Net.sizes == [8, 8] and pytest.approx(6.2832, rel=1e-4) == module.TURN


def test_nothing_else_runs():
    module = answers_from_cells(
        [
            "def work():\n    raise RuntimeError('this must not run')",
            "work()\nresult = work()\nfor step in range(3):\n    work()\nwith work(): pass",
            "assert work()\nif True:\n    work()\nprint(work())\nrows = [work() for _ in range(2)]",
        ],
        "answers_quiet",
    )
    public = {name for name in vars(module) if not name.startswith("__")}
    assert public == {"work"}


def test_later_definitions_win():
    cells = ["RATE = 1\ndef f():\n    return 1", "RATE = 2\ndef f():\n    return RATE"]
    assert answers_from_cells(cells, "answers_later").f() == 2


def test_a_constant_that_training_changes_is_not_one():
    module = answers_from_cells(
        ["w = 0.0\nsteps = 2\nsteps += 1", "w = w - run()", "for steps_left in range(3): pass"],
        "answers_changed",
    )
    assert not hasattr(module, "w") and module.steps == 3


def test_what_an_experiment_would_have_put_into_a_table_is_no_constant():
    module = answers_from_cells(
        ["results = {}\nrows = []", "fill(results)\nbest = results['Adam']\nlast = rows[-1]",
         "def f():\n    return 1"],
        "answers_tables",
    )  # fmt: skip
    assert module.f() == 1 and not hasattr(module, "best") and not hasattr(module, "last")


def test_an_experiment_under_an_answers_name_does_not_remove_the_answer():
    cells = ["def predict(x):\n    return x", "predict = timed(predict)"]
    assert answers_from_cells(cells, "answers_kept").predict(3) == 3


def test_magics_are_stripped():
    module = answers_from_cells(
        [
            "%matplotlib inline\nimport math\n!ls\nx = !pwd\nmath?",
            "%%time\ndef f():\n    return 1",
            "%%bash\nls | wc",
        ],
        "answers_magic",
    )
    assert module.f() == 1 and not hasattr(module, "x")


def test_tracebacks_and_source_show_the_learners_lines():
    cell = "%matplotlib inline\ndef f(x):\n    return x / 0  # my line"
    module = answers_from_cells(["A = 1", cell], "answers_trace")
    with pytest.raises(ZeroDivisionError) as caught:
        module.f(1)
    shown = "".join(traceback.format_exception(caught.value))
    assert "return x / 0  # my line" in shown and "cell 2" in shown and "line 3" in shown
    assert inspect.getsource(module.f).startswith("def f(x):")


def test_classes_can_be_pickled_and_dataclasses_made():
    module = answers_from_cells(
        [
            "from __future__ import annotations\nfrom dataclasses import dataclass",
            "@dataclass\nclass Point:\n    x: int\n    y: Unknown = 2",
        ],
        "answers_pickle",
    )
    assert pickle.loads(pickle.dumps(module.Point(1))) == module.Point(1)


def test_a_module_of_the_machine_is_not_replaced():
    with pytest.raises(ValueError, match="json"):
        answers_from_cells([], "json")
    assert hasattr(sys.modules["json"], "dumps")


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("\ndef f(:\n    pass", r"cell 1, line 2"),
        ("import no_such_module_here", r"cell 1, line 1.*No module named"),
        ("x = run()\n\n\ndef f(y=x): ...", r"line 4: f cannot be defined.*Only imports"),
        ("def f():\n        x = 1\n    return x", r"cell 1, line 3: unindent does not match"),
        ("def f(x, x): ...", r"line 1: f cannot be defined.*duplicate argument"),
        ("from __future__ import braces", r"line 1: this cannot be defined.*not a chance"),
        ("class Net:\n    raise SystemExit(3)", r"line 1: Net cannot be defined.*SystemExit"),
        ("x = 1\0", r"cell 1"),
        ("x = " + "(" * 5000, r"cell 1"),
        ("x = " + "-" * 100_000 + "1", r"cell 1"),
    ],
)
def test_what_cannot_be_taken_is_named_by_cell_and_line(cell, complaint):
    with pytest.raises(AnswersError, match=complaint):
        answers_from_cells([cell], "answers_wrong")


def test_a_notebook_is_read(course, courses):
    path = courses.write_notebook(
        course / "work/ladder/01_scalar_regression.ipynb",
        [
            courses.prose_cell("a", "def prose(): pass"),
            courses.exercise_cell("predict", "def predict(w, x):\n    return w * x"),
            courses.check_cell("predict"),
        ],
    )
    module = answers_from_notebook(path, find_chapter("ladder/01"))
    assert module.predict(2, 3) == 6 and not hasattr(module, "prose")


def test_a_source_is_read_with_its_own_lines(course):
    path = find_chapter("ladder/01").source
    module = answers_from_source(path, "answers_of_a_file")
    assert module.predict(2, 3) == 6
    assert module.predict.__code__.co_filename == str(path)
    line = path.read_text().splitlines()[module.predict.__code__.co_firstlineno - 1]
    assert line.startswith("def predict")
