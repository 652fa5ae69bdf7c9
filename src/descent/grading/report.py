"""What a check found, and its two renderings: plain text, and HTML for light and dark pages."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from descent.characters import whole_characters

if TYPE_CHECKING:
    from descent.grading.exercise import Exercise

CORRECT = "correct"
NOT_RIGHT = "not right yet"
NOT_ATTEMPTED = "not attempted"
COULD_NOT_GRADE = "could not grade"
OUTCOMES = (CORRECT, NOT_RIGHT, NOT_ATTEMPTED, COULD_NOT_GRADE)

MIME = "application/vnd.descent.check+json"
"""The bundle entry from which programs read an outcome out of an executed notebook."""

NO_FAULT = "This says nothing about your answer, which is as you wrote it."
"""With the outcome "could not grade"."""

OUTCOME_MARKS = {CORRECT: "✓", NOT_RIGHT: "✗", NOT_ATTEMPTED: "○", COULD_NOT_GRADE: "?"}
"""One character for each outcome, in lists of many."""

_MARKS = {True: "✓", False: "✗", None: "·"}
# Okabe-Ito green, vermilion, grey and blue, at a lightness that can be read on white and on black
# where the page does not bring its own. Told apart by colour-blind readers, and by their words.
_COLOURS = {
    CORRECT: "var(--descent-green, #00855f)",
    NOT_RIGHT: "var(--descent-orange, #c25500)",
    NOT_ATTEMPTED: "#767676",
    COULD_NOT_GRADE: "var(--descent-blue, #007bc2)",
}


@dataclass(frozen=True)
class Failure:
    """The first thing that went wrong, on the smallest case that shows it.

    `guess` says that `message` is likely and not sure, which its own words say too; `isolated`
    holds sentences that questions to the answer found, such as "It is right where `eps` is 0."
    """

    property: str
    words: str
    symptom: str
    call: str | None = None
    call_returned: str | None = None
    name: str | None = None
    returned: str | None = None
    expected: str | None = None
    mistake: str | None = None
    message: str | None = None
    guess: bool = False
    isolated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unjudged:
    """Why an answer could not be judged, which is no fault of the answer's.

    Attributes
    ----------
    cause
        ``grader``, ``data``, ``kernel`` or ``busy``.
    reason, remedy
        Sentences: what happened, and what to do.
    detail
        What to report it with, for whoever mends the check; empty where there is nothing to mend.
    not_installed
        Whether it needs something that this machine has not got, and may never have. Then nobody
        can do anything about it here, and a notebook goes on.
    """

    cause: str
    reason: str
    remedy: str
    detail: str = ""
    not_installed: bool = False


@dataclass(frozen=True)
class Report:
    """A check's result: plain data, which another process can make and send (it pickles).

    `properties` pairs each property's name with True (holds), False (fails) or None (not tried);
    `notes` says what the notebook had changed around the check; `unjudged`, with the outcome "could
    not grade", why that is.
    """

    exercise: str
    outcome: str
    properties: tuple[tuple[str, bool | None], ...] = ()
    failure: Failure | None = None
    printed: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    unjudged: Unjudged | None = None

    @property
    def message(self) -> str:
        """What the learner reads first: the named mistake, else the first sentence that says where
        to look, else the difference in words."""
        if self.outcome == NOT_ATTEMPTED:
            return "Nothing is written here yet."
        if self.unjudged is not None:
            return f"{self.unjudged.reason} {NO_FAULT} {self.unjudged.remedy}"
        if self.failure is None:
            return "Every property holds."
        failure = self.failure
        return failure.message or next(iter(failure.isolated), failure.words)

    @property
    def _further(self) -> tuple[str, ...]:
        """What questions found beyond the headline."""
        failure = self.failure
        if failure is None:
            return ()
        return failure.isolated if failure.message else failure.isolated[1:]

    def as_json(self) -> dict[str, Any]:
        """The parts that programs read. What only one outcome has is there with that one alone."""
        parts: dict[str, Any] = {
            "exercise": self.exercise,
            "outcome": self.outcome,
            "message": self.message,
            "mistake": self.failure.mistake if self.failure else None,
            "symptom": self.failure.symptom if self.failure else None,
            "properties": [list(pair) for pair in self.properties],
            "notes": list(self.notes),
        }
        if self.failure is not None:
            parts |= {"guess": self.failure.guess, "isolated": list(self.failure.isolated)}
        if self.unjudged is not None:
            parts |= {"cause": self.unjudged.cause, "reason": self.unjudged.reason}
        return parts

    def as_bundle(self) -> dict[str, Any]:
        """What a notebook's cell shows: every rendering under its MIME type. Plain data that
        depends on nothing but the report's words: not on how long the check took. Half a character
        (a lone surrogate), as an error's message may hold, is shown as a mark: no message to a
        notebook can carry it."""
        for_programs = json.dumps(self.as_json(), ensure_ascii=False)
        return {
            "text/plain": whole_characters(self.as_text()),
            "text/html": whole_characters(self.as_html()),
            MIME: json.loads(whole_characters(for_programs)),
        }

    def as_text(self) -> str:
        """For a terminal."""
        lines = [f"{self.exercise}: {self.outcome}"]
        if self.outcome == NOT_ATTEMPTED:
            lines.append(f"  {self.message}")
        if self.unjudged is not None:
            sentences = (self.unjudged.reason, NO_FAULT, self.unjudged.remedy)
            lines += ["", *(f"  {sentence}" for sentence in sentences)]
        if self.failure is not None:
            lines += ["", f"  {self.message}"]
            lines += [f"  - {sentence}" for sentence in self._further]
            lines.append("")
        lines += [f"  {_MARKS[held]} {name}" for name, held in self.properties]
        if self._case():
            lines += ["", *(f"  {line}" for line in self._case())]
        if self.failure is not None:
            lines += ["", f"  Stuck? hint({self.exercise})"]
        if self.printed.strip():
            lines += ["", "  Your code printed:"]
            lines += [f"    {line}" for line in self._printed_lines()]
        for note in self.notes:
            lines += ["", f"  {note}"]
        if self.unjudged is not None and self.unjudged.detail:
            lines += ["", "  To report it:", f"    {self.unjudged.detail}"]
        return "\n".join(lines)

    def as_html(self) -> str:
        """For a notebook or a page; colours come from the theme around it."""
        colour = _COLOURS[self.outcome]
        parts = [
            f'<div class="descent-check" style="border-left:4px solid {colour};'
            'padding:.4em .9em;margin:.3em 0;color:inherit;font-size:.95em;line-height:1.5">',
            f"<div><code>{html.escape(self.exercise)}</code> "
            f'<strong style="color:{colour}">{self.outcome}</strong></div>',
        ]
        if self.outcome != CORRECT:
            headline = marked_up(self.message)
            if self.failure is not None and self.failure.guess:
                headline = f'<em class="descent-guess">{headline}</em>'
            parts.append(f'<p style="margin:.4em 0">{headline}</p>')
        if self._further:
            found = "".join(f"<li>{marked_up(text)}</li>" for text in self._further)
            parts.append(
                '<ul class="descent-isolated" style="margin:.3em 0;padding-left:1.4em;'
                f'color:inherit">{found}</ul>'
            )
        if self.properties:
            parts.append(self._properties_html())
        if self._case():
            case = html.escape("\n".join(self._case()))
            parts.append(
                '<pre style="margin:.5em 0;padding:.5em .7em;white-space:pre-wrap;color:inherit;'
                f'background:rgba(127,127,127,.12)">{case}</pre>'
            )
        if self.failure is not None:
            parts.append(f"<div>Stuck? <code>hint({html.escape(self.exercise)})</code></div>")
        if self.printed.strip():
            shown = html.escape("\n".join(self._printed_lines()))
            parts.append(
                "<details><summary>Your code printed</summary>"
                f'<pre style="color:inherit;background:none">{shown}</pre></details>'
            )
        parts += [f'<p style="margin:.4em 0">{marked_up(note)}</p>' for note in self.notes]
        if self.unjudged is not None and self.unjudged.detail:
            detail = html.escape(self.unjudged.detail)
            parts.append(
                "<details><summary>To report it</summary>"
                f'<pre style="color:inherit;background:none;white-space:pre-wrap">{detail}</pre>'
                "</details>"
            )
        return "".join([*parts, "</div>"])

    def _properties_html(self) -> str:
        outcomes = {True: CORRECT, False: NOT_RIGHT, None: NOT_ATTEMPTED}
        rows = "".join(
            f'<div><span style="color:{_COLOURS[outcomes[held]]};'
            'display:inline-block;width:1.2em">'
            f"{_MARKS[held]}</span>{html.escape(name)}</div>"
            for name, held in self.properties
        )
        return f'<div style="margin:.3em 0">{rows}</div>'

    def _case(self) -> list[str]:
        failure = self.failure
        if failure is None or failure.call is None:
            return []
        lines = [f"The smallest case that fails: {failure.call}"]
        if failure.returned is not None:
            width = max(len(failure.name or ""), len("expected"))
            lines.append(f"{failure.name or '':<{width}}  {failure.returned}")
            lines.append(f"{'expected':<{width}}  {failure.expected}")
        elif failure.call_returned is not None:
            lines.append(f"It returned {failure.call_returned}")
        if failure.words != self.message:
            lines.append(failure.words)
        return lines

    def _printed_lines(self) -> list[str]:
        lines = self.printed.rstrip().splitlines()
        return lines if len(lines) <= 12 else [*lines[:10], f"… and {len(lines) - 10} more lines"]


def marked_up(text: str) -> str:
    """Escaped text with its `code` in <code> elements."""
    pieces = html.escape(text).split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))


def passing_report(exercise: Exercise) -> Report:
    """The report of a right answer that prints nothing, from the declaration alone.

    Its `as_bundle` is what `check` displays for such an answer.
    """
    properties = tuple((row, True) for row in exercise.rows())
    return Report(exercise.name, CORRECT, properties)


class CheckFailed(Exception):
    """A check that did not pass. Shown as one line, so that no wall of traceback hides the report.

    Attributes
    ----------
    report : Report
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        super().__init__(f"{report.exercise}: {report.outcome}. {report.message}")

    def _render_traceback_(self) -> list[str]:
        """IPython's hook for what is shown in place of a traceback."""
        if self.report.outcome == COULD_NOT_GRADE:
            return [f"{self.report.exercise}: {self.report.outcome}. Your answer is not at fault."]
        return [f"{self.report.exercise}: {self.report.outcome}."]
