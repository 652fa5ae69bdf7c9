"""A plan in a terminal of 80 columns, or of fewer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from descent.study.progress import minutes_text
from descent.study.routes.chapters import MapChapter
from descent.study.routes.course_map import CourseMap
from descent.study.routes.named_routes import Route
from descent.study.routes.names import short_id
from descent.study.routes.planner import Plan, Stage, Step
from descent.study.routes.standing import BEGUN

SHOWN_SKIPPED = 3
"""How many of what is left out is named with its purpose; the rest is counted."""

_MOST_WIDTH, _TIMES_WIDTH = 76, 22
_KEY = "✓ done  ● in progress  ○ to do  ◇ not written yet: take the resource below it"


def plan_view(plan: Plan, every_section: bool = False) -> RenderableType:
    """Show a plan: how it stands beside the hours, chapter by chapter, what it leaves out and why.

    Parameters
    ----------
    plan
        The plan.
    every_section
        Whether each section stands in a line of its own.
    """
    parts: list[RenderableType] = [Text(plan_title(plan), style="bold"), Text(verdict(plan))]
    if plan.stages:
        parts += ["", *_stages(plan, every_section), Text(_KEY, style="dim")]
    parts += _left_out(plan)
    parts += ["", Text(next_words(plan), style="bold")]
    return Group(*parts)


def plan_title(plan: Plan) -> str:
    """Say what is planned, in one line."""
    hours = "" if plan.budget is None else f", with {_hours(plan.budget)}"
    if plan.route is not None:
        return f"{plan.route.title}{hours}"
    if plan.target is not None:
        return f"{plan.target.heading} ({plan.target.chapter.reference}){hours}"
    return f"{plan.goal.heading if plan.goal else ''}{hours}"


def verdict(plan: Plan) -> str:
    """Say how long the way is, and how it stands beside the hours."""
    if not plan.steps:
        return "All of it is done."
    way = "The route" if plan.route else "The shortest way"
    size = f"{_count(len(plan.steps), 'section')} in {_count(_chapters_left(plan), 'chapter')}"
    takes = f"{way} takes {_hours(plan.hours)}: {size}."
    if plan.budget is None:
        return takes
    if plan.fits:
        return f"{takes} It fits, with {minutes_text((plan.budget - plan.hours) * 60)} to spare."
    return f"{takes} {_reach(plan)}"


def next_words(plan: Plan) -> str:
    """Say what to do next."""
    if not plan.steps:
        return "Next: descent now shows what you can start."
    section = plan.steps[0].section
    if section.chapter.stands:
        where = "" if section.is_whole else f"'{section.heading}'  "
        return f"Next: {where}descent open {section.chapter.short}"
    return f"Next: {section.chapter.heading}, by the resource above."


def address_line(address: str, columns: int) -> Text:
    """Return an indented address, whole however long it is, to be clicked and copied."""
    return Text(" " * columns + address, style="dim", no_wrap=True, overflow="ignore")


def no_plan_view(course: CourseMap) -> RenderableType:
    """Show what can be planned, for a learner who has not chosen yet."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column()
    for route in course.routes:
        hours = _route_hours(course, route)
        table.add_row(
            Text(route.id, style="bold"), _hours(hours) if hours else "", Text(route.for_whom)
        )
    return Group(
        Text("You have no plan yet. Name what you want to be able to do, and the hours you have:"),
        Text("  descent plan --goal research/7 --hours 24", style="bold"),
        Text("or take a route:"),
        Text("  descent plan --route ladder", style="bold"),
        "",
        table,
        "",
        Text("To begin without a plan: descent now"),
    )


def _reach(plan: Plan) -> str:
    reached = plan.reached
    hours = _hours(plan.budget or 0.0)
    if reached is None:
        first = plan.steps[0]
        return (
            f"{hours} do not carry you to the end of the first section, "
            f"'{first.section.heading}', which takes {_hours(first.ends)}."
        )
    section = reached.section
    place = f"to the end of {section.chapter.reference}"
    if not _ends_stage(plan, reached):
        place = f"into {section.chapter.reference}, to the end of '{section.heading}'"
    return f"{hours} carry you {place}. {_instead(plan)}".rstrip()


def _instead(plan: Plan) -> str:
    """Say which goal would fit, or where the route says one may stop."""
    if plan.stop is not None:
        chapter = next(s.chapter for s in plan.stages if s.chapter.id == plan.stop.after)
        return f"A good place to stop is after {chapter.reference}: {plan.stop.gained}."
    if plan.nearer is None:
        return ""
    heading = plan.nearer.section.chapter.heading
    if not plan.nearer.whole_chapter:
        heading = plan.nearer.section.heading
    return f"What fits is {heading}, {_hours(plan.nearer.hours)}: --goal {plan.nearer.name}"


def _ends_stage(plan: Plan, step: Step) -> bool:
    return any(stage.steps and stage.steps[-1] is step for stage in plan.stages)


def _stages(plan: Plan, every_section: bool) -> Iterator[RenderableType]:
    """Show a line for each chapter with something left, and one where the hours end."""
    yield Text(_columns("", "", "takes", "until"), style="dim")
    finished = [stage.chapter for stage in plan.stages if not stage.steps]
    if finished:
        yield Text(_columns("✓", _marks(finished), "", "done"), style="green")
    is_line_drawn = plan.fits or plan.budget is None
    for stage in plan.stages:
        if not stage.steps:
            continue
        if not is_line_drawn and not stage.steps[0].fits:
            yield _end_of_hours(plan, "here")
            is_line_drawn = True
        yield from _stage(stage, every_section)
        if not is_line_drawn and not stage.fits:
            yield _end_of_hours(plan, f"in {stage.chapter.reference}")
            is_line_drawn = True


def _end_of_hours(plan: Plan, where: str) -> Text:
    text = f"── {_hours(plan.budget or 0.0)} end {where} "
    return Text(text.ljust(_width(), "─"), style="yellow")


def _stage(stage: Stage, every_section: bool) -> Iterator[RenderableType]:
    is_begun = any(step.standing.state == BEGUN for step in stage.steps) or bool(stage.done)
    mark = "●" if is_begun else "○" if stage.chapter.stands else "◇"
    times = minutes_text(stage.hours * 60), minutes_text(stage.ends * 60)
    yield Text(_columns(mark, stage.chapter.heading, *times), style="bold" if stage.fits else "dim")
    yield from _notes(stage, every_section)
    if every_section and not stage.steps[0].section.is_whole:
        for step in stage.steps:
            mark = "●" if step.standing.state == BEGUN else "○"
            line = _columns("", f"{mark} {step.section.heading}", minutes_text(step.minutes), "")
            yield Text(line, style="" if step.fits else "dim")


def _columns(mark: str, name: str, takes: str, until: str) -> str:
    """Put a line together in the columns of the plan; a name that is too long is cut."""
    room = _width() - _TIMES_WIDTH
    name = name if len(name) <= room else f"{name[: room - 1]}…"
    return f"{mark:<3}{name:<{room}}{takes:>9}{until:>10}"


def _width() -> int:
    """Return the columns of a line; a window narrower than 40 wraps it."""
    return max(40, min(_MOST_WIDTH, shutil.get_terminal_size().columns))


def _notes(stage: Stage, every_section: bool) -> Iterator[RenderableType]:
    """Say below a chapter what of it is meant, and what stands in for it."""
    resource = stage.chapter.resource
    if resource is not None:
        yield _indented(Text(resource.title, style="dim"))
        if resource.url:
            yield address_line(resource.url, 3)
        if stage.steps[0].fits:
            yield _indented(Text(f"Do: {resource.read}.", style="dim"))
            yield _indented(Text(f"Skip: {resource.skip}.", style="dim"))
    if stage.done:
        yield _indented(Text(f"{_count(len(stage.done), 'section')} done", style="dim"))
    if stage.skipped and not every_section:
        text = f"{_count(len(stage.skipped), 'section')} can wait"
        if len(stage.steps) <= 3:
            text = f"only: {'; '.join(step.section.heading for step in stage.steps)} ({text})"
        yield _indented(Text(text, style="dim"))


def _left_out(plan: Plan) -> list[RenderableType]:
    """Say what the plan skips and why, what it takes for granted, and what would help."""
    lines: list[RenderableType] = []
    sections = [section for stage in plan.stages for section in stage.skipped if stage.steps]
    if plan.skipped or sections:
        lines += ["", Text("Left out, and what it is for instead:", style="bold")]
        lines += [_reason(one.heading, one.purpose) for one in plan.skipped[:SHOWN_SKIPPED]]
        if more := plan.skipped[SHOWN_SKIPPED:]:
            lines.append(_indented(Text(f"and {_marks(more)}", style="dim")))
        lines += [
            _reason(f"{one.heading} ({short_id(one)})", one.purpose)
            for one in sections[:SHOWN_SKIPPED]
        ]
        if more_sections := sections[SHOWN_SKIPPED:]:
            text = f"and {_count(len(more_sections), 'more section')}; descent why says what for"
            lines.append(_indented(Text(text, style="dim")))
    if plan.granted:
        hours = sum(chapter.hours for chapter in plan.granted)
        text = f"Takes for granted: {_marks(plan.granted)} ({_hours(hours)}). Not yours yet? "
        lines += ["", Text(text + f"descent plan --goal {plan.granted[-1].short}")]
    if plan.helps:
        names = "; ".join(f"{one.heading} ({_hours(one.hours)})" for one in plan.helps)
        lines += ["", Text(f"Would help, and can be done without: {names}.", style="dim")]
    return lines


def _reason(name: str, purpose: str) -> RenderableType:
    return _indented(Text.assemble(name, (f": {purpose}" if purpose else "", "dim")))


def _indented(text: Text) -> RenderableType:
    return Padding(text, (0, 0, 0, 3))


def _chapters_left(plan: Plan) -> int:
    return sum(bool(stage.steps) for stage in plan.stages)


def _marks(chapters: Sequence[MapChapter]) -> str:
    return ", ".join(chapter.mark for chapter in chapters)


def _route_hours(course: CourseMap, route: Route) -> float:
    chapters = [found for name in route.chapters if (found := course.chapter(name))]
    return sum(route.hours.get(chapter.id, chapter.hours) for chapter in chapters)


def _hours(hours: float) -> str:
    """Say hours as a person would: ``24 h``, ``1 h 20``, ``40 min``."""
    return minutes_text(hours * 60).removesuffix(" 00")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
