"""The grader of the graders finds what is wrong with a grader."""

from __future__ import annotations

import json
from types import ModuleType

import numpy as np

from descent.grading import Draw, Exercise, expect, judge
from descent.grading.audit import Depth, Score, audit
from descent.grading.mutants import source_mutants
from descent.grading.report import CORRECT

SOURCE = '''
def slope(w, x, y):
    """Of the loss."""
    error = w * x - y
    return 2 * np.mean(error * x)
'''


def module_of(source: str) -> ModuleType:
    module = ModuleType("reference")
    vars(module)["np"] = np
    exec(source, vars(module))
    return module


def stub(w, x, y):
    raise NotImplementedError


def test_a_sound_grader_kills_every_mutant(slope: Exercise) -> None:
    score = audit(slope, module_of(SOURCE), SOURCE, stub)
    assert score.faults == ["fewer than 5 named mistakes"]
    assert score.killed == score.mutants > 10


def test_a_grader_that_looks_at_the_shape_only_is_found_out() -> None:
    lax = Exercise("slope", minutes=1, difficulty=1)

    @lax.property("returns a number")
    def _(answer, draw: Draw) -> None:
        expect(answer(draw.normal(), draw.normal(3), draw.normal(3)), "the slope").has_shape()

    @lax.mistake("You summed.")
    def summed(w, x, y):
        return 2 * np.sum((w * x - y) * x)

    score = audit(lax, module_of(SOURCE), SOURCE, stub)
    assert "sign flipped" in score.survivors
    assert "`error = w * x - y` → `error = w * x + y`" in score.survivors
    assert any("`summed` passes" in fault for fault in score.faults)


def test_a_mistake_told_as_another_is_a_fault(slope: Exercise) -> None:
    @slope.mistake("You added instead of averaging.")
    def summed_again(w, x, y):
        return 2 * np.dot(w * x - y, x)

    score = audit(slope, module_of(SOURCE), SOURCE, stub)
    assert any("`summed_again` is named `summed`" in fault for fault in score.faults)


def test_a_check_that_refuses_a_right_answer_now_and_then_is_a_fault() -> None:
    unlucky = Exercise("slope", minutes=1, difficulty=1)

    @unlucky.property("is any number, save by bad luck")
    def _(answer, draw: Draw) -> None:
        expect(draw.integers(0, 10) == 7, "bad luck").equals(False)

    score = audit(unlucky, module_of(SOURCE), SOURCE, stub)
    assert any("the reference fails (seed " in fault for fault in score.faults)


def test_a_wrong_reference_and_a_filled_stub_are_faults(slope: Exercise) -> None:
    wrong = SOURCE.replace("2 *", "3 *")
    score = audit(slope, module_of(wrong), wrong, module_of(SOURCE).slope)
    assert any("the reference fails" in fault for fault in score.faults)
    assert any("blank" in fault for fault in score.faults)


def test_a_mutant_excused_without_need_is_a_fault(slope: Exercise) -> None:
    slope.equivalent("`return 1` → `return 2`", because="it is not")
    score = audit(slope, module_of(SOURCE), SOURCE, stub)
    assert any("marked equivalent" in fault for fault in score.faults)


def test_a_mutant_that_rounding_decides_may_die_but_must_be_made(slope: Exercise) -> None:
    killed = next(m.name for m in source_mutants(SOURCE) if "2 *" in m.name)
    slope.equivalent(killed, because="it passes elsewhere", everywhere=False)
    slope.equivalent("`return 1` → `return 2`", because="it is not", everywhere=False)
    score = audit(slope, module_of(SOURCE), SOURCE, stub)
    marked = [fault for fault in score.faults if "marked equivalent" in fault]
    assert len(marked) == 1 and "return 1" in marked[0]


def test_source_mutants_change_one_place_and_keep_the_docstring() -> None:
    mutants = source_mutants(SOURCE)
    names = [mutant.name for mutant in mutants]
    assert len(names) == len(set(names))
    assert all("Of the loss." in mutant.source for mutant in mutants)
    assert "`error = w * x - y` deleted" in names
    assert any("np.sum" in name for name in names)


def test_source_mutants_reach_loops_conditions_keywords_and_tuples() -> None:
    source = (
        "def f(a, n):\n"
        "    total = 0\n"
        "    for i in range(n):\n"
        "        if i > 2:\n"
        "            total += a.sum(axis=1)\n"
        "    return total, n\n"
    )
    names = " ".join(mutant.name for mutant in source_mutants(source))
    for change in ("i >= 2", "not i > 2", "total -= ", "a.sum()", "return (n, total)", "a.mean"):
        assert change in names


def test_a_light_audit_makes_no_mutants_and_still_finds_a_mistake_with_another_name(
    slope: Exercise,
) -> None:
    @slope.mistake("You added instead of averaging.")
    def summed_again(w, x, y):
        return 2 * np.dot(w * x - y, x)

    score = audit(slope, module_of(SOURCE), SOURCE, stub, Depth.LIGHT)
    assert (score.mutants, score.killed) == (0, 0)
    assert any("`summed_again` is named `summed`" in fault for fault in score.faults)


def test_a_light_audit_finds_a_wrong_reference_and_a_filled_stub(slope: Exercise) -> None:
    wrong = SOURCE.replace("2 *", "3 *")
    filled = module_of(SOURCE).slope
    score = audit(slope, module_of(wrong), wrong, filled, Depth.LIGHT)
    assert any("the reference fails" in fault for fault in score.faults)
    assert any("blank" in fault for fault in score.faults)


def test_a_light_audit_leaves_the_marks_of_equivalent_mutants_alone(slope: Exercise) -> None:
    slope.equivalent("`return 1` → `return 2`", because="only a whole audit can tell")
    score = audit(slope, module_of(SOURCE), SOURCE, stub, Depth.LIGHT)
    assert score.faults == ["fewer than 5 named mistakes"]


def test_a_score_is_plain_data_and_back(slope: Exercise) -> None:
    score = audit(slope, module_of(SOURCE), SOURCE, stub, Depth.LIGHT)
    assert Score(**json.loads(json.dumps(score.as_json()))) == score


def test_a_mistake_that_never_does_the_same_twice_is_a_fault(slope: Exercise) -> None:
    rng = np.random.default_rng(5)

    @slope.mistake("You guessed.")
    def guessed(w, x, y):
        return rng.normal()

    score = audit(slope, module_of(SOURCE), SOURCE, stub, Depth.LIGHT)
    assert any("`guessed` is not named" in fault for fault in score.faults)


def test_a_mistake_that_passes_on_one_seed_alone_is_a_fault() -> None:
    lucky = Exercise("slope", minutes=1, difficulty=1)

    @lucky.property("is right", trials=1)
    def _(answer, draw: Draw) -> None:
        w = draw.normal()
        expect(answer(w, np.ones(1), np.ones(1)), "the slope").close_to(2 * (w - 1))

    @lucky.mistake("You never go down.")
    def clipped(w, x, y):
        return max(2 * np.mean((w * x - y) * x), 0.0)

    passes = [judge(lucky, clipped, seed=seed).outcome == CORRECT for seed in range(3)]
    assert any(passes) and not all(passes)
    faults = audit(lucky, module_of(SOURCE), SOURCE, stub).faults
    for seed, passed in enumerate(passes):
        assert (f"the mistake `clipped` passes (seed {seed})" in faults) == passed


def test_a_mutant_that_never_ends_is_killed(slope: Exercise) -> None:
    source = """
def slope(w, x, y):
    total, place = 0.0, 0
    while place < len(x):
        total += 2 * (w * x[place] - y[place]) * x[place]
        place += 1
    return total / len(x)
"""
    score = audit(slope, module_of(source), source, stub)
    assert score.faults == ["fewer than 5 named mistakes"]
    assert score.killed == score.mutants


def test_a_mutant_marked_equivalent_is_excused_and_counted(slope: Exercise) -> None:
    source = SOURCE.replace("    error =", "    unused = 3\n    error =")
    names = [m.name for m in source_mutants(source) if "unused" in m.name]
    for name in names:
        slope.equivalent(name, because="nothing uses it")
    score = audit(slope, module_of(source), source, stub)
    assert score.faults == ["fewer than 5 named mistakes"]
    assert sorted(score.equivalents) == sorted(names) and score.survivors == []
