"""The book's page on the 24-hour weekend, made of its plan and of the log its source published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from descent.authoring.course import Course
from descent.authoring.problems import AuthoringError
from descent.authoring.study_cells import written_box
from descent.study.anchors import anchor_of
from descent.study.catalog import Chapter
from descent.study.progress import minutes_text
from descent.study.sprint.chart import log_chart
from descent.study.sprint.in_words import day_words
from descent.study.sprint.log import REST, UNKNOWN, WORK, LogDay, published_log, total
from descent.study.sprint.places import Part, source_of
from descent.study.sprint.plan import Block, Day, Plan, PlanError, load_plan

_BEGIN = "10:00"

_HEAD = """\
% Made by `make chapters` from book/sprint.yml and book/sprint-log.yml: change those instead.

# {title}

Two days of twelve hours, from no mathematics to how a language model learns from human feedback.
The plan follows a published experiment, whose author learned most of it in one weekend. What made
it work: somebody who knew the subject chose what to watch and, above all, what to leave out.

You can begin on any day and at any hour. In a terminal of JupyterLab

```bash
descent sprint begin
```

starts the first block and shows a timer. `descent sprint next` begins the next block,
`descent sprint break` takes a break that the plan does not have, and `descent sprint stop` ends
the day. In a notebook, `from descent import sprint` and `sprint()` show the same with buttons.
Nothing is lost when a terminal is closed. If you are late, the rest moves, and what no longer fits
is named.
Where a chapter of this course stands, the plan uses it; elsewhere it names a source on the
network.

**Before you begin.** Put the telephone into another room. Tell somebody what you are doing. Have
paper, or a whiteboard, and food in the house. Find a person who may be asked for an hour on the
second evening."""

_START = """\
<p class="descent-sprint-start" data-day="{number}"><label>The hours are those of a day that
begins at <b>{begin}</b>.</label></p>"""

_LOG = """\
## What the source's weekend looked like

The author of the experiment kept a log, and published it with a warning: breaks were not always
recorded, so the numbers are rough. It is shown here as it was published; entries marked ??? are
gaps in it. {totals}

{chart}

:::{{dropdown}} The log, entry by entry

{table}
:::

After your own weekend, `descent sprint log` shows your log beside this one, and
`descent sprint log --chart FILE.svg` draws both."""

_AFTER = """\
## The morning after

In the evening the author could not explain what the day had been about. The next morning, twenty
minutes with the notes brought all of it back. So read your notes, close them, and write. In a
terminal: `descent sprint explain`. A formula may be typed as you say it: "dL by dw" for
$\\partial L / \\partial w$."""


def has_sprint(course: Course) -> bool:
    """Say whether the course has a plan for a sprint."""
    return (course.root / "book" / "sprint.yml").is_file()


def sprint_page(course: Course) -> str:
    """Return the text of the page.

    Raises
    ------
    AuthoringError
        When the plan or the log is wrong, or a block names a section that its chapter has not.
    """
    try:
        plan, log = load_plan(course.root), published_log(course.root)
    except PlanError as error:
        raise AuthoringError([str(error)]) from error
    chapters = {chapter.id: chapter for chapter in course.chapters}
    problems = list(_unknown_places(plan, chapters))
    if problems:
        raise AuthoringError(problems)
    parts = [_HEAD.format(title=plan.title)]
    parts += [_day(number, day, chapters) for number, day in enumerate(plan.days)]
    parts.append("## What to skip\n\n" + "\n".join(_skips(plan)))
    parts.append(_AFTER)
    parts += [written_box(plan, written) for written in plan.written]
    chart = log_chart([("The source", log)])
    parts.append(_LOG.format(totals=_totals(log), chart=chart, table=_table(log)))
    parts.append('<script src="../_static/sprint.js"></script>')
    return "\n\n".join(parts) + "\n"


def _unknown_places(plan: Plan, chapters: dict[str, Chapter]) -> Iterator[str]:
    for block in plan.blocks:
        for place in block.places:
            chapter_id, _, section = place.partition("#")
            chapter = chapters.get(chapter_id)
            if chapter is None or not section:
                continue
            if section not in {one.id for one in chapter.sections}:
                yield f"book/sprint.yml: block {block.id} names {place}, which is no section."


def _day(number: int, day: Day, chapters: dict[str, Chapter]) -> str:
    begin, after = datetime.strptime(_BEGIN, "%H:%M"), 0
    lines = []
    for block in day.blocks:
        at = f"{begin + timedelta(minutes=after):%H:%M}"
        time = f'<time data-day="{number}" data-after="{after}">{at}</time>'
        lines.append(f"**{time}** {_block(block, chapters)}")
        after += block.minutes
    heading = f"## {day.title}: {day.aim}"
    words = day_words(day).partition(". ")[2]
    return "\n\n".join([heading, words, _START.format(number=number, begin=_BEGIN), *lines])


def _block(block: Block, chapters: dict[str, Chapter]) -> str:
    if block.is_rest:
        return f"*{block.title}*, {block.minutes} min"
    lead = f"**{block.title}**, {block.minutes} min"
    optional = " (optional)" if block.gives_way else ""
    return " ".join([f"{lead}{optional}. {block.do}", *_source(block, chapters), f"*{block.why}*"])


def _source(block: Block, chapters: dict[str, Chapter]) -> Iterator[str]:
    source = source_of(block, chapters)
    if source.part is not None:
        yield f"→ {_links(source.part)}."
    if source.elsewhere is not None:
        yield f"→ [{source.elsewhere.title}]({source.elsewhere.url})."
        if source.elsewhere.skip:
            yield f"Skip: {source.elsewhere.skip}."


def _links(part: Part) -> str:
    page = f"../solutions/{part.chapter.id}.ipynb"
    links = [f"[{heading}]({page}#{anchor_of(heading)})" for heading in part.headings]
    chapter = f"[{part.chapter.heading}]({page})"
    return f"{chapter}: {', '.join(links)}" if links else chapter


def _skips(plan: Plan) -> Iterator[str]:
    for skip in plan.skips:
        yield f"- **{skip.what[0].upper()}{skip.what[1:]}**: {skip.why}."


def _totals(log: tuple[LogDay, ...]) -> str:
    span = sum(day.minutes for day in log)
    told = sum(total(log, kind) for kind in (WORK, REST, UNKNOWN))
    return (
        "The post speaks of about 18 hours: that is the time from each day's beginning to its end, "
        f"{minutes_text(span)} on two days. The entries account for {minutes_text(told)} of it: "
        f"{minutes_text(total(log, WORK))} of named work, {minutes_text(total(log, REST))} of "
        f"breaks and meditation, and {minutes_text(total(log, UNKNOWN))} marked ???. The remaining "
        f"{minutes_text(sum(day.untold for day in log))}, on Sunday, have no entry."
    )


def _table(log: tuple[LogDay, ...]) -> str:
    rows = ["| Day | Entry | Minutes | Kind |", "|---|---|---:|---|"]
    for day in log:
        rows += [
            f"| {day.title} | {entry.what} | {entry.minutes:g} | {entry.kind} |"
            for entry in day.entries
        ]
    return "\n".join(rows)
