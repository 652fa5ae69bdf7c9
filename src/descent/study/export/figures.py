"""The bars of the report, drawn as SVG that prints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 720, 180, 34, 12, 34


def week_bars(weeks: Mapping[date, float]) -> str:
    """Draw the hours of each week as a bar; the numbers stand in a table beside it.

    Parameters
    ----------
    weeks
        Hours by the Monday of the week, in order, with no week left out.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    most = max([1.0, *weeks.values()])
    step = (_WIDTH - _LEFT) / max(1, len(weeks))
    tall = _HEIGHT - _TOP - _BOTTOM
    label_every = max(1, round(len(weeks) * 60 / _WIDTH))
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Hours by week, the most '
        f'{most:.1f}; the table below has the numbers.">'
    ]
    for share in (0.0, 0.5, 1.0):
        y = _TOP + tall * (1 - share)
        parts.append(f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" class="end">{most * share:.3g}</text>')
    for place, (week, hours) in enumerate(weeks.items()):
        x, high = _LEFT + step * place, tall * hours / most
        parts.append(
            f'<rect class="bar" x="{x + 0.1 * step:.1f}" y="{_TOP + tall - high:.1f}" '
            f'width="{0.8 * step:.1f}" height="{high:.1f}"/>'
        )
        if place % label_every == 0:
            parts.append(
                f'<text x="{x + step / 2:.1f}" y="{_HEIGHT - 14}" class="middle">'
                f"{week.day} {week:%b}</text>"
            )
    return "".join([*parts, "</svg>"])
