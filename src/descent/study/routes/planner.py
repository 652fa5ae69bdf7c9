"""Plans: from a goal and the hours there are to the sections to work through, in order.

The way to a goal is what the goal needs, what that needs in turn, and nothing else. What a learner
has done needs nothing any more: who did rung 13 is not sent back to rung 1 for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from descent.study.routes.chapters import MapChapter
from descent.study.routes.course_map import CourseMap
from descent.study.routes.named_routes import Route, Stop
from descent.study.routes.sections import Section
from descent.study.routes.standing import DONE, Standing


@dataclass(frozen=True)
class Step:
    """One section of a plan.

    Attributes
    ----------
    section
        What to work through.
    standing
        How the learner stands with it.
    minutes
        What is left of it.
    ends
        Hours from the start of the plan to its end.
    fits
        Whether it ends within the hours there are.
    """

    section: Section
    standing: Standing
    minutes: float
    ends: float
    fits: bool


@dataclass(frozen=True)
class Stage:
    """The steps of one chapter.

    Attributes
    ----------
    chapter
        The chapter.
    steps
        What to work through in it.
    done
        Its sections on the way that are done.
    skipped
        Its sections that the goal does not need, done ones aside.
    """

    chapter: MapChapter
    steps: tuple[Step, ...]
    done: tuple[Section, ...]
    skipped: tuple[Section, ...]

    @property
    def hours(self) -> float:
        """What is left to do."""
        return sum(step.minutes for step in self.steps) / 60.0

    @property
    def ends(self) -> float:
        """Hours from the start of the plan to its last step; 0 where nothing is left."""
        return self.steps[-1].ends if self.steps else 0.0

    @property
    def fits(self) -> bool:
        """Whether all of it ends within the hours there are."""
        return all(step.fits for step in self.steps)


@dataclass(frozen=True)
class Nearer:
    """A goal that fits into the hours, where the one that was named does not."""

    section: Section
    whole_chapter: bool
    hours: float

    @property
    def name(self) -> str:
        """What a command calls it."""
        chapter = self.section.chapter
        if self.whole_chapter:
            return chapter.short
        return f"{chapter.short}#{self.section.id.partition('#')[2]}"


@dataclass(frozen=True)
class Plan:
    """A way to a goal, or along a route, beside the hours there are.

    Attributes
    ----------
    goal
        The chapter to reach, or None on a route.
    target
        The section to reach, where the goal is one.
    route
        The route, or None where a goal was named.
    budget
        The hours there are; None where nobody said.
    stages
        Chapter by chapter, in order; those with nothing left to do among them.
    skipped
        Chapters before the goal that it does not need, in order.
    granted
        On a route: chapters it needs and does not have, in order.
    helps
        Chapters that would make what is left easier, and that it can do without.
    nearer
        A goal that fits, where not everything does and there is one.
    """

    goal: MapChapter | None
    target: Section | None
    route: Route | None
    budget: float | None
    stages: tuple[Stage, ...]
    skipped: tuple[MapChapter, ...]
    granted: tuple[MapChapter, ...]
    helps: tuple[MapChapter, ...]
    nearer: Nearer | None

    @property
    def steps(self) -> list[Step]:
        """What is left to do, in order."""
        return [step for stage in self.stages for step in stage.steps]

    @property
    def done(self) -> list[Section]:
        """What is on the way and done."""
        return [section for stage in self.stages for section in stage.done]

    @property
    def hours(self) -> float:
        """What all that is left takes."""
        return sum(stage.hours for stage in self.stages)

    @property
    def fits(self) -> bool:
        """Whether all of it fits into the hours."""
        return all(stage.fits for stage in self.stages)

    @property
    def reached(self) -> Step | None:
        """The last step that fits; None where nothing does, or nothing is left."""
        fitting = [step for step in self.steps if step.fits]
        return fitting[-1] if fitting else None

    @property
    def stop(self) -> Stop | None:
        """The last place that is reached within the hours where the route says one may stop."""
        ends = {stage.chapter.id: stage.fits for stage in self.stages}
        stops = self.route.stops if self.route else ()
        reached = [stop for stop in stops if ends.get(stop.after)]
        return reached[-1] if reached else None


def plan_to(
    course: CourseMap,
    goal: MapChapter | Section,
    standing: Mapping[str, Standing],
    budget: float | None = None,
) -> Plan:
    """Plan the shortest way to a goal.

    Parameters
    ----------
    course
        The map.
    goal
        A chapter or a section.
    standing
        How the learner stands with every section.
    budget
        The hours there are; None for as many as it takes.
    """
    targets = [goal] if isinstance(goal, Section) else course.sections_of(goal)
    chapter = goal.chapter if isinstance(goal, Section) else goal
    way = closure(course, targets, standing)
    stages = _stages(course, way, standing, budget)
    fits = all(stage.fits for stage in stages)
    return Plan(
        goal=chapter,
        target=goal if isinstance(goal, Section) and not goal.is_whole else None,
        route=None,
        budget=budget,
        stages=stages,
        skipped=_skipped(course, chapter, stages, standing),
        granted=(),
        helps=_helps(course, stages, standing),
        nearer=None if fits or budget is None else _nearer(course, stages, standing, budget),
    )


def plan_route(
    course: CourseMap,
    route: Route,
    standing: Mapping[str, Standing],
    budget: float | None = None,
) -> Plan:
    """Plan a named route: its chapters, in its order, and nothing else."""
    chapters = [found for name in route.chapters if (found := course.chapter(name))]
    scales = {
        found.id: hours / found.hours
        for name, hours in route.hours.items()
        if (found := course.chapter(name))
    }
    way = [section for chapter in chapters for section in course.sections_of(chapter)]
    stages = _stages(course, way, standing, budget, scales)
    on_route = {chapter.id for chapter in chapters}
    beyond = [
        section.chapter
        for section in closure(course, way, standing)
        if section.chapter.id not in on_route and standing[section.id].state != DONE
    ]
    return Plan(
        goal=None,
        target=None,
        route=route,
        budget=budget,
        stages=stages,
        skipped=(),
        granted=tuple(dict.fromkeys(beyond)),
        helps=(),
        nearer=None,
    )


def closure(
    course: CourseMap, targets: Iterable[Section], standing: Mapping[str, Standing]
) -> list[Section]:
    """Return targets and all they need, in order; what is done is there, what it needs is not."""
    found: dict[str, Section] = {}
    waiting = list(targets)
    while waiting:
        section = waiting.pop()
        if section.id in found:
            continue
        found[section.id] = section
        if standing[section.id].state != DONE:
            waiting += course.needs(section)
    return course.sorted(found.values())


def hours_left(sections: Iterable[Section], standing: Mapping[str, Standing]) -> float:
    """Return the hours that are left of some sections."""
    return sum(standing[section.id].minutes_left for section in sections) / 60.0


def _stages(
    course: CourseMap,
    way: Sequence[Section],
    standing: Mapping[str, Standing],
    budget: float | None,
    scales: Mapping[str, float] | None = None,
) -> tuple[Stage, ...]:
    spent = 0.0
    stages = []
    on_way = {section.id for section in way}
    for _, group in groupby(way, key=lambda section: section.chapter.id):
        sections = list(group)
        chapter = sections[0].chapter
        steps = []
        for section in sections:
            state = standing[section.id]
            if state.state == DONE:
                continue
            minutes = state.minutes_left * (scales or {}).get(chapter.id, 1.0)
            spent += minutes
            # A minute's rounding is no reason to say that a plan does not fit.
            fits = budget is None or spent <= budget * 60.0 + 0.5
            steps.append(Step(section, state, minutes, spent / 60.0, fits))
        done = tuple(one for one in sections if standing[one.id].state == DONE)
        skipped = tuple(
            one
            for one in course.sections_of(chapter)
            if one.id not in on_way and standing[one.id].state != DONE
        )
        stages.append(Stage(chapter, tuple(steps), done, skipped))
    return tuple(stages)


def _skipped(
    course: CourseMap,
    goal: MapChapter,
    stages: Sequence[Stage],
    standing: Mapping[str, Standing],
) -> tuple[MapChapter, ...]:
    """Return the chapters before a goal, of the parts its way goes through, that are not on it."""
    on_way = {stage.chapter.id for stage in stages}
    parts = {stage.chapter.part for stage in stages}
    before = course.in_order[: course.in_order.index(goal)]
    return tuple(
        chapter
        for chapter in before
        if chapter.part in parts
        and chapter.id not in on_way
        and any(standing[one.id].state != DONE for one in course.sections_of(chapter))
    )


def _helps(
    course: CourseMap, stages: Sequence[Stage], standing: Mapping[str, Standing]
) -> tuple[MapChapter, ...]:
    on_way = {stage.chapter.id for stage in stages}
    named = [name for stage in stages if stage.steps for name in stage.chapter.helped_by]
    found = [chapter for name in named if (chapter := course.chapter(name))]
    return tuple(
        chapter
        for chapter in dict.fromkeys(found)
        if chapter.id not in on_way
        and any(standing[one.id].state != DONE for one in course.sections_of(chapter))
    )


def _nearer(
    course: CourseMap,
    stages: Sequence[Stage],
    standing: Mapping[str, Standing],
    budget: float,
) -> Nearer | None:
    """Return the goal on the way that uses most of the hours: a chapter, or else a section."""
    chapters = [stage.chapter for stage in stages if stage.steps]
    whole = [(course.sections_of(chapter), True) for chapter in chapters]
    parts = [([step.section], False) for stage in stages for step in stage.steps]
    for goals in (whole, parts):
        found = []
        for targets, is_whole in goals:
            hours = hours_left(closure(course, targets, standing), standing)
            if 0 < hours <= budget:
                found.append(Nearer(targets[-1], is_whole, hours))
        if found:
            return max(found, key=lambda one: one.hours)
    return None
