"""Logs drawn day by day: work, breaks, and what the log does not say. SVG, for page and paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from descent.study.progress import minutes_text
from descent.study.sprint.log import REST, UNKNOWN, WORK, LogDay, own_log, published_log
from descent.study.sprint.weekend import Weekend

_WIDTH, _LEFT, _RIGHT, _ROW, _BAR, _TOP = 480, 4, 4, 82, 26, 26

_STYLE = {
    WORK: ("#0072B2", "work"),
    REST: ("#E69F00", "break"),
    UNKNOWN: ("url(#descent-not-said)", "not said"),
}
"""Okabe and Ito's blue and orange, which everybody can tell apart; their lightness differs too."""

_HATCHING = (
    '<defs><pattern id="descent-not-said" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="2" height="6" fill="#6B7280"/></pattern></defs>'
)


def log_chart(groups: Sequence[tuple[str, Sequence[LogDay]]]) -> str:
    """Draw logs below each other on one scale, which begins with each day's first minute.

    Parameters
    ----------
    groups
        Each log with whose it is.

    Returns
    -------
    str
        An ``<svg>`` element without an empty line, which can stand in a page of Markdown.
    """
    days = [(whose, day) for whose, log in groups for day in log]
    longest = max((day.minutes for _, day in days), default=0.0)
    hours = max(1, -(-int(longest) // 60))
    scale = (_WIDTH - _LEFT - _RIGHT) / (60 * hours)
    height = _TOP + _ROW * len(days) + 24
    parts = [
        f'<svg class="descent-sprint-log" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(_in_words(days), quote=True)}" '
        'style="width:100%;max-width:36rem;height:auto;font:13px system-ui,sans-serif" '
        'fill="currentColor">',
        _HATCHING,
        *_key(),
    ]
    for place, (whose, day) in enumerate(days):
        parts += _row(whose, day, _TOP + _ROW * place, scale)
    parts += _axis(hours, scale, height)
    return "\n".join([*parts, "</svg>"])


def beside_the_source(weekend: Weekend) -> str:
    """Draw the log of a learner's sprint beside the one that the sprint's source published.

    Raises
    ------
    PlanError
        When the published log cannot be read.
    """
    return log_chart([("Yours", own_log(weekend)), ("The source", published_log())])


def svg_file(groups: Sequence[tuple[str, Sequence[LogDay]]]) -> str:
    """Return the chart as a file of its own, on white."""
    drawn = log_chart(groups).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return drawn.replace('fill="currentColor">', 'fill="#1F2937">', 1).replace(
        "width:100%;max-width:36rem;height:auto;", "background:white;", 1
    )


def _key() -> list[str]:
    parts, x = [], _LEFT
    for fill, word in _STYLE.values():
        parts.append(
            f'<rect x="{x}" y="4" width="14" height="12" fill="{fill}" stroke="#6B7280"/>'
            f'<text x="{x + 20}" y="15">{word}</text>'
        )
        x += 110
    return parts


def _row(whose: str, day: LogDay, top: float, scale: float) -> list[str]:
    counts = ", ".join(
        f"{word} {minutes_text(day.total(kind))}"
        for kind, (_, word) in _STYLE.items()
        if day.total(kind)
    )
    untold = f", without an entry {minutes_text(day.untold)}" if day.untold >= 1 else ""
    title = escape(f"{whose}, {day.title}, from {day.started}")
    parts = [
        f'<text x="{_LEFT}" y="{top + 20}" font-weight="bold">{title}</text>',
        f'<text x="{_LEFT}" y="{top + 37}">{escape(counts + untold)}</text>',
    ]
    parts.append(
        f'<rect x="{_LEFT}" y="{top + 44}" width="{day.minutes * scale:.1f}" height="{_BAR}" '
        'fill="none" stroke="#6B7280" stroke-dasharray="3 3"/>'
    )
    for entry in day.entries:
        fill, word = _STYLE[entry.kind]
        said = escape(f"{entry.what}: {minutes_text(entry.minutes)}, {word}")
        parts.append(
            f'<rect x="{_LEFT + entry.start * scale:.1f}" y="{top + 44}" '
            f'width="{max(0.5, entry.minutes * scale - 0.8):.1f}" height="{_BAR}" fill="{fill}">'
            f"<title>{said}</title></rect>"
        )
    return parts


def _axis(hours: int, scale: float, height: float) -> list[str]:
    parts = []
    for hour in range(0, hours + 1, 2 if hours > 6 else 1):
        x = _LEFT + 60 * hour * scale
        anchor = "start" if hour == 0 else "end" if hour == hours else "middle"
        label = f"{hour} h" if hour else "begun"
        parts.append(f'<text x="{x:.1f}" y="{height - 6}" text-anchor="{anchor}">{label}</text>')
    return parts


def _in_words(days: Sequence[tuple[str, LogDay]]) -> str:
    rows = [
        f"{whose}, {day.title}: "
        + ", ".join(f"{word} {minutes_text(day.total(kind))}" for kind, (_, word) in _STYLE.items())
        for whose, day in days
    ]
    return "Work and breaks, day by day. " + "; ".join(rows) + "."
