"""How long a plan over the whole course takes, beside reading the course for it.

    python benchmarks/study_plan.py [--turns 50]

Printed in milliseconds: the slowest plan to any chapter, and what comes before it in a command that
was just started: reading headers, curriculum and declarations of exercises, and putting them
together. A learner who waits for a plan waits for both.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from descent.study.routes.course_map import CourseMap, load_map
from descent.study.routes.planner import plan_to
from descent.study.routes.standing import standings

LIMIT = 100.0

Result = TypeVar("Result")


def measured(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return what some work gives, and the milliseconds it took."""
    start = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - start) * 1000.0


def first_plan() -> CourseMap:
    """Read the course and plan to its last chapter, as a command does."""
    course = load_map()
    plan_to(course, course.in_order[-1], standings(course, ()), 24.0)
    return course


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=50, help="plans to each chapter")
    turns = parser.parse_args().turns
    course, cold = measured(first_plan)
    standing = standings(course, ())
    times = {
        chapter.id: [
            measured(partial(plan_to, course, chapter, standing, 24.0))[1] for _ in range(turns)
        ]
        for chapter in course.chapters
    }
    medians = {name: statistics.median(values) for name, values in times.items()}
    slowest = max(medians, key=lambda name: medians[name])
    _, warm = measured(first_plan)
    print(f"{len(course.chapters)} chapters, {len(course.sections)} sections")
    print(f"a plan, slowest chapter   {medians[slowest]:7.2f} ms  ({slowest}, median of {turns})")
    print(f"reading the course anew   {cold:7.2f} ms  (with one plan)")
    print(f"reading it again          {warm:7.2f} ms  (with one plan)")
    within = max(medians.values()) < LIMIT
    print(f"a plan takes {'less' if within else 'more'} than {LIMIT:.0f} ms")


if __name__ == "__main__":
    main()
