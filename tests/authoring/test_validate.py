"""Each mistake an author can make is one line that names the file and the cell."""

from __future__ import annotations

import pytest

from descent.authoring import AuthoringError, build_chapters, stale_files

FILE = "solutions/toys/01_one_weight.py"
MODULE = "src/descent/exercises/toys/one_weight.py"

# what is replaced in the source, by what, where the message says it is, what it says
MISTAKES = {
    "begin without end": (
        "    return w * x\n    ### END SOLUTION\n",
        "    return w * x\n",
        ", cell 3 (exercise 'predict', ",
        "'### BEGIN SOLUTION' has no '### END SOLUTION'",
    ),
    "end without begin": (
        "    ### BEGIN SOLUTION\n    return w * x\n",
        "    return w * x\n",
        ", cell 3 (exercise 'predict', ",
        "'### END SOLUTION' closes no region",
    ),
    "region in a region": (
        "    return w * x\n",
        "    ### BEGIN SOLUTION\n    return w * x\n",
        ", cell 3 (exercise 'predict', ",
        "stands inside a region that is open already",
    ),
    "marker with more on its line": (
        "    ### BEGIN SOLUTION\n    return w * x\n",
        "    ### BEGIN SOLUTION here\n    return w * x\n",
        ", cell 3 (exercise 'predict', ",
        "a marker is a line of its own",
    ),
    "no region": (
        "    ### BEGIN SOLUTION\n    return w * x\n    ### END SOLUTION\n",
        "    return w * x\n",
        ", cell 3 (exercise 'predict', ",
        "the exercise has no solution region",
    ),
    "region outside an exercise": (
        "import os\n",
        "import os\n### BEGIN SOLUTION\n### END SOLUTION\n",
        ", cell 2 (line ",
        "a solution region stands outside an exercise cell",
    ),
    "duplicate exercise": (
        '# %% exercise="Line"\nclass Line:',
        '# %% exercise="predict"\nclass predict:',
        ", cell 6 (exercise 'predict', ",
        "there is an exercise 'predict' already, in cell 3",
    ),
    "exercise without check": (
        '# %% check="predict"\ncheck(predict)\n',
        "",
        ", cell 3 (exercise 'predict', ",
        "the exercise has no check cell",
    ),
    "check without exercise": (
        '# %% check="predict"\ncheck(predict)\n',
        '# %% check="predict"\ncheck(predict)\n\n# %% check="other"\ncheck(other)\n',
        ", cell 5 (check 'other', ",
        "the check has no exercise",
    ),
    "check of another name": (
        "check(predict)\n",
        "check(Line)\n",
        ", cell 4 (check 'predict', ",
        "contains check(predict) and nothing else",
    ),
    "more than a check": (
        "check(predict)\n",
        "check(predict)\nprint(1)\n",
        ", cell 4 (check 'predict', ",
        "contains check(predict) and nothing else",
    ),
    "unknown metadata": (
        '# %% tags=["setup"]',
        '# %% tag=["setup"]',
        ", cell 2 (line ",
        "'tag' is not cell metadata we know",
    ),
    "exercise and check in one": (
        '# %% exercise="predict"',
        '# %% exercise="predict" check="predict"',
        ", cell 3 (exercise 'predict', ",
        "a cell has one role",
    ),
    "the stub defines nothing": (
        'def predict(w: float, x: float) -> float:\n    """Predict y."""\n'
        "    ### BEGIN SOLUTION\n    return w * x\n    ### END SOLUTION\n",
        "### BEGIN SOLUTION\ndef predict(w, x):\n    return w * x\n### END SOLUTION\n",
        ", cell 3 (exercise 'predict', ",
        "the stub does not define 'predict'",
    ),
    "the cell defines another name": (
        "def predict(w: float",
        "def forecast(w: float",
        ", cell 3 (exercise 'predict', ",
        "the cell does not define 'predict'",
    ),
    "not Python": (
        "    return w * x\n",
        "    return w *\n",
        ", cell 3 (exercise 'predict', ",
        "the cell is not Python",
    ),
    "hidden tests": (
        "import os\n",
        "### BEGIN HIDDEN TESTS\nimport os\n### END HIDDEN TESTS\n",
        ", cell 2 (line ",
        "hidden tests have no place",
    ),
    "a line too long for the page": (
        '    """Predict y."""\n',
        f'    """Predict y{" again" * 20}."""\n',
        ", cell 3 (exercise 'predict', ",
        "line 2 of the exercise has 140 characters, and a page shows 100",
    ),
    "a mark for the formatter": (
        'print("slope"',
        'x = [1,  2]  # fmt: skip\nprint("slope"',
        ", cell 8 (line ",
        "'# fmt: skip' does nothing here",
    ),
    "a mark for the formatter in a solution": (
        "    return w * x\n",
        "    # fmt: off\n    return w * x\n",
        ", cell 3 (exercise 'predict', ",
        "'# fmt: off' does nothing here",
    ),
    "an import from a room inside": (
        "import os\n",
        "import os\nfrom descent.study.paths import course_root\n",
        ", cell 2 (line ",
        "imports from descent, descent.data or descent.figures, not from 'descent.study.paths'",
    ),
    "an import from a module inside a public room": (
        "import os\n",
        "import os\nfrom descent.data.synthetic import spiral\n",
        ", cell 2 (line ",
        "not from 'descent.data.synthetic'",
    ),
    "an import inside an answer": (
        "    return w * x\n",
        "    from descent.models.gpt import GPT\n    return w * x\n",
        ", cell 3 (exercise 'predict', ",
        "not from 'descent.models.gpt'",
    ),
    "a module imported as a whole": (
        "import os\n",
        "import os\nimport descent.runs.launch\n",
        ", cell 2 (line ",
        "'import descent.runs.launch' brings in more than is public",
    ),
    "a room imported as a name": (
        "import os\n",
        "import os\nfrom descent import study\n",
        ", cell 2 (line ",
        "'study' is not a public name of 'descent'",
    ),
    "a name that a public room does not offer": (
        "import os\n",
        "import os\nfrom descent.data import fetch\n",
        ", cell 2 (line ",
        "'fetch' is not a public name of 'descent.data'",
    ),
    "a check without the hints that its report names": (
        "import os\n",
        "import os\nfrom descent import chapter, check\n",
        ", cell 2 (line ",
        "import 'hint' beside 'check'",
    ),
    "every name of a room": (
        "import os\n",
        "import os\nfrom descent.figures import *\n",
        ", cell 2 (line ",
        "'*' is not a public name of 'descent.figures'",
    ),
    "a measurement that is not there": (
        'print("slope"',
        'print(measured("race"))\nprint("slope"',
        ", cell 8 (line ",
        "there is no book/results/race.json",
    ),
    "a measurement whose name is worked out": (
        'print("slope"',
        'print(measured(f"race_{os.name}"))\nprint("slope"',
        ", cell 8 (line ",
        "takes the record's name as a text in quotes",
    ),
    "missing header field": ("# hours: 1.5\n", "", ": ", "field 'hours' is missing"),
    "title not the header's": (
        "# # One weight",
        "# # Two weights",
        ": ",
        "begins with '# One weight'",
    ),
    "needs an unknown chapter": (
        "# needs: []",
        "# needs: [toys/09_ghost]",
        ": ",
        "'toys/09_ghost', which is not a chapter",
    ),
    "cites an unknown work": (
        "follow {cite:t}`nielsen2015`",
        "follow {cite:t}`nobody1999`",
        ", cell 1 (line ",
        "'nobody1999' is not in book/references.bib",
    ),
    "reads an unknown work": (
        "{key: nielsen2015,",
        "{key: nobody1999,",
        ": ",
        "reading 1 cites 'nobody1999'",
    ),
    "recall cites an unknown work": (
        "{cite:p}`nielsen2015` says",
        "{cite:p}`nobody1999` says",
        ": ",
        "card 'slope' cites 'nobody1999'",
    ),
}


def problems_of(course) -> list[str]:
    with pytest.raises(AuthoringError) as caught:
        build_chapters(course.root, execute=False, report=lambda line: None)
    return list(caught.value.problems)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_source_is_one_line(course, mistake):
    old, new, where, says = MISTAKES[mistake]
    course.edit(course.source, old, new)
    found = [line for line in problems_of(course) if says in line]
    assert len(found) == 1
    assert found[0].startswith(f"{FILE}{where}")
    assert "\n" not in found[0]
    assert found[0] in stale_files(course.root)
    assert not course.learner.exists()


def test_what_is_public_may_be_imported_and_measurements_shown(course):
    course.write("book/results/race.json", "{}")
    course.edit(
        course.source,
        "import os\n",
        "import os\nimport numpy.linalg\nfrom os.path import join\n"
        "from descent import measured, progress\nfrom descent.data import gpt2_bpe, spiral\n"
        "from descent.figures import use_style\n",
    )
    course.add_cells('# %%\nprint(measured("race"))\n')
    build_chapters(course.root, execute=False, report=lambda line: None)
    assert course.learner.exists()


def test_every_mistake_is_told_at_once(course):
    course.edit(course.source, "check(predict)\n", "check(predict, 1)\n")
    course.edit(course.source, "check(Line)\n", "check(Line, 1)\n")
    assert len(problems_of(course)) == 2


def test_an_exercise_that_is_not_declared(course):
    course.edit(course.exercises, '"Line", minutes', '"Curve", minutes')
    problems = problems_of(course)
    assert any(
        "cell 6 (exercise 'Line'" in p and f"not declared in {MODULE}" in p for p in problems
    )
    assert f"{MODULE}: exercise 'Curve' has no cell in {FILE}." in problems


def test_no_exercises_module(course):
    course.exercises.unlink()
    assert len([p for p in problems_of(course) if f"is not declared in {MODULE}" in p]) == 2


def test_an_exercise_declared_twice(course):
    course.edit(course.exercises, '"Line", minutes', '"predict", minutes')
    assert problems_of(course) == [f"{MODULE}: exercise 'predict' is declared twice."]


def test_an_exercises_module_that_does_not_import(course):
    course.edit(course.exercises, 'line.hint("Keep w.")', 'lime.hint("Keep w.")')
    (problem,) = problems_of(course)
    assert problem.startswith(f"{MODULE}: cannot be imported (NameError: name 'lime'")


def test_a_hint_that_can_never_be_matched(course):
    course.edit(course.exercises, 'when="sign"', 'when="sing"')
    (problem,) = problems_of(course)
    assert (
        problem == f"{MODULE}: exercise 'predict' has a hint for 'sing', which nothing can match."
    )


def test_one_wrong_chapter_does_not_stop_the_others(course):
    text = course.source.read_text()
    course.write("solutions/toys/02_again.py", text.replace("One weight", "Again"))
    course.write("src/descent/exercises/toys/again.py", course.exercises.read_text())
    course.edit(course.source, "check(predict)\n", "check(predict, 1)\n")
    problems_of(course)
    assert (course.root / "notebooks" / "toys" / "02_again.ipynb").exists()
    assert not course.learner.exists()
