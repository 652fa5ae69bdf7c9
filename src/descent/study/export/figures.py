"""The bars of the report, drawn as SVG that prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 720, 180, 34, 12, 34


def week_bars(weeks: Mapping[date, float]) -> str:
    """Draw the hours of each week as a bar; the numbers stand in a list beside it.

    Parameters
    ----------
    weeks
        Hours by the Monday of the week, in order, with no week left out.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    tick = _tick(max([1.0, *weeks.values()]))
    most = tick * math.ceil(max([1.0, *weeks.values()]) / tick)
    step = (_WIDTH - _LEFT) / max(1, len(weeks))
    tall = _HEIGHT - _TOP - _BOTTOM
    label_every = max(1, round(len(weeks) * 60 / _WIDTH))
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Hours by week, at most '
        f'{max(weeks.values(), default=0.0):.1f}; the list below has the numbers.">'
    ]
    for number in range(round(most / tick) + 1):
        y = _TOP + tall * (1 - tick * number / most)
        parts.append(f'<line class="rule" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" class="end">{tick * number:g}</text>')
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


def _tick(most: float) -> float:
    """Return the hours between two lines of the scale: a round number, four lines at most."""
    return next(tick for tick in (0.5, 1, 2, 5, 10, 20, 50, 100) if most / tick <= 4)
