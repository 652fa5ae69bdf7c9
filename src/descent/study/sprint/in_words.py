"""The plan, the block under way and the log of a sprint, for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from descent.study.progress import minutes_text
from descent.study.sprint.log import REST, UNKNOWN, WORK, LogDay, total
from descent.study.sprint.places import source_in_words, source_of, standing_chapters
from descent.study.sprint.plan import Block, Day, Plan
from descent.study.sprint.schedule import Schedule, Slot, lay_out
from descent.study.sprint.weekend import Weekend
from descent.study.timing.moments import say_moment

if TYPE_CHECKING:
    from rich.console import RenderableType

_KIND_WORDS = {WORK: "work", REST: "break", UNKNOWN: "not said"}


def plan_as_rich(plan: Plan, begin: float, full: bool) -> RenderableType:
    """Make the plan for a terminal, as if each day began at one time of day.

    Parameters
    ----------
    plan
        The plan.
    begin
        When the first day begins, in seconds since 1970 (UTC); the second does a day later.
    full
        Whether to say what to do in each block, and why.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(plan.title, style="bold")]
    for number, day in enumerate(plan.days):
        start = begin + 86400.0 * number
        schedule = lay_out(day.blocks, start, start + 60.0 * day.minutes)
        parts += [Text(""), Text(day_words(day), style="bold")]
        parts += _hour_by_hour(schedule.slots, full)
    parts += [Text(""), Text("What to skip", style="bold")]
    parts += [Text(f"  {skip.what}: {skip.why}") for skip in plan.skips]
    parts += [Text(""), Text("To begin: descent sprint begin", style="bold")]
    return Group(*parts)


def day_words(day: Day) -> str:
    """Say what a day is for and how long it is."""
    work = minutes_text(day.minutes - day.rest_minutes)
    return f"{day.title}: {day.aim}. {work} of work, {minutes_text(day.rest_minutes)} of breaks."


def _hour_by_hour(slots: Iterable[Slot], full: bool) -> Iterator[RenderableType]:
    """Show each block with its time and its source; an address stays whole, to be clicked."""
    from rich.padding import Padding
    from rich.text import Text

    chapters = standing_chapters()
    yield Text("Time   Min  What", style="bold")
    for slot in slots:
        block = slot.block
        style = "dim" if block.is_rest else ""
        times = f"{say_moment(slot.start)}  {round((slot.end - slot.start) / 60):>3}  "
        yield Text.assemble((times, style), (block.title, style or "bold"))
        found = source_of(block, chapters)
        indent = (0, 0, 0, len(times))
        lines = [Text(found.part.words)] if found.part is not None else []
        if found.elsewhere is not None:
            yield Padding(Text(found.elsewhere.title), indent)
            yield Text(" " * len(times) + found.elsewhere.url, no_wrap=True, overflow="ignore")
            lines += [Text(f"Skip: {found.elsewhere.skip}.")] if found.elsewhere.skip else []
        if full and block.do:
            lines.append(Text(f"{block.do} {block.why}", style="dim"))
        yield from (Padding(line, indent) for line in lines)


def block_words(block: Block) -> list[str]:
    """Say what to do in a block, with what, and why, a line each."""
    if block.is_rest:
        return [f"{block.title}: {block.minutes} min."]
    lines = [f"{block.title}: {block.minutes} min.", f"  {block.do}"]
    lines += [f"  With: {line}" for line in source_in_words(block, standing_chapters())]
    return [line.replace("With: Skip", "Skip") for line in lines] + [f"  Why: {block.why}"]


def weekend_words(weekend: Weekend) -> list[str]:
    """Say how a sprint stands: what is under way, what comes, what no longer fits."""
    current, block = weekend.current, weekend.block
    if current is not None and not current.block:
        lines = [f"{current.what}: {minutes_text(current.seconds / 60)}."]
        if block is not None:
            lines.append(f"Afterwards {block.title} goes on (descent sprint go-on).")
    elif current is not None and block is not None:
        spent = minutes_text(weekend.spent.get(block.id, 0.0) / 60)
        state = "" if current.state == "running" else ", paused"
        first, *rest = block_words(block)
        lines = [f"{first.removesuffix('.')}, {spent} so far{state}.", *rest]
    else:
        lines = ["Nothing of the sprint is under way."]
    return [*lines, *rest_of_day(weekend.schedule, weekend)]


def rest_of_day(schedule: Schedule, weekend: Weekend) -> list[str]:
    """Say what comes next on the day, when it ends, and what no longer fits."""
    under_way = weekend.block.id if weekend.block else ""
    coming = [slot for slot in schedule.slots if slot.block.id != under_way]
    lines = []
    if coming:
        named = ", ".join(f"{say_moment(slot.start)} {slot.block.title}" for slot in coming[:3])
        lines.append(f"Then: {named}. The day ends at {say_moment(schedule.slots[-1].end)}.")
    elif not under_way:
        lines.append("Every block of this day is done, or its twelve hours are over.")
    if schedule.left_out:
        lines.append(f"No longer fits today: {_titles(schedule.left_out)}.")
    if weekend.missed:
        lines.append(f"Left over from the day before: {_titles(weekend.missed)}.")
    return lines


def _titles(blocks: Iterable[Block]) -> str:
    return "; ".join(block.title for block in blocks if not block.is_rest) or "breaks"


def log_as_rich(groups: Sequence[tuple[str, Sequence[LogDay]]]) -> RenderableType:
    """Make the table of some logs for a terminal, each with its totals."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for whose, days in groups:
        for day in days:
            parts += [Text(f"{whose}, {day.title}", style="bold"), _entries(day), Text("")]
        parts += [Text(totals_words(whose, days), style="bold"), Text("")]
    return Group(*parts)


def totals_words(whose: str, days: Sequence[LogDay]) -> str:
    """Say what a log adds up to."""
    counts = ", ".join(
        f"{minutes_text(total(days, kind))} {word}" for kind, word in _KIND_WORDS.items()
    )
    span = minutes_text(sum(day.minutes for day in days))
    return f"{whose}: {span} from each day's beginning to its end; {counts}."


def _entries(day: LogDay) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("After", justify="right", no_wrap=True)
    table.add_column("Min", justify="right")
    table.add_column("Kind")
    table.add_column("What", overflow="fold")
    for entry in day.entries:
        table.add_row(
            minutes_text(entry.start),
            f"{round(entry.minutes)}",
            _KIND_WORDS[entry.kind],
            Text(entry.what),
        )
    return table
