"""A plot that redraws itself while training goes on."""

from __future__ import annotations

import math
import sys
import time
from io import BytesIO
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from descent.figures.style import use_style
from descent.shell import in_notebook

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TERMINAL_SECONDS = 2.0
SHARE = 0.1  # of the time that may go into redrawing


class LivePlot:
    """Curves that grow as training goes on.

    In a notebook one figure redraws itself in place and is left in its final state; in a terminal
    a line is printed now and then. A plot never stops a training: what cannot be drawn is left
    out.

    Examples
    --------
    >>> live = LivePlot("step", "mean squared error")  # doctest: +SKIP
    >>> for step in range(1000):                       # doctest: +SKIP
    ...     live.update(step, loss=train_one_step())
    >>> live.close()                                   # doctest: +SKIP

    Parameters
    ----------
    xlabel, ylabel : axis labels, with units where there are any.
    logy : logarithmic vertical axis.
    every : least number of seconds between two redraws. Slow drawing spaces them further apart,
        so that it takes about a tenth of the time at most.
    title : one message, or None.
    """

    def __init__(
        self,
        xlabel: str,
        ylabel: str,
        logy: bool = False,
        every: float = 0.25,
        title: str | None = None,
    ) -> None:
        self.xlabel, self.ylabel, self.title = xlabel, ylabel, title
        self.logy = logy
        self.every = every
        self.curves: dict[str, tuple[list[float], list[float]]] = {}
        self._notebook = in_notebook()
        self._handle: Any = None
        self._next = 0.0
        self._last_line = ""
        self._closed = False

    def update(self, step: float, **values: Any) -> None:
        """Add one point to each named curve; redraw if it is time.

        Parameters
        ----------
        step : where on the horizontal axis.
        values : name=number (a Python number, 0-d array or tensor). A curve may be left out of
            some updates, as a test loss measured once an epoch is.
        """
        for name, value in values.items():
            steps, numbers = self.curves.setdefault(name, ([], []))
            steps.append(float(step))
            numbers.append(_number(value))
        if not self._closed and time.monotonic() >= self._next:
            self._show()

    def close(self) -> None:
        """Draw the final figure, or print the final line. Calling it again does nothing."""
        if not self._closed:
            self._show()
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, also when training was stopped: what was reached stays to be seen."""
        self.close()

    def _show(self) -> None:
        if not self.curves:
            return
        started = time.monotonic()
        if self._notebook:
            self._redraw()
        else:
            self._print()
        now = time.monotonic()
        pause = max(self.every, (now - started) / SHARE)
        self._next = now + (pause if self._notebook else max(pause, TERMINAL_SECONDS))

    def _redraw(self) -> None:
        from IPython.display import Image, display

        try:
            latest = ", ".join(f"{name} {y[-1]:.4g}" for name, (_, y) in self.curves.items())
            picture = Image(self._png(), retina=True, alt=f"{self.ylabel}: {latest}")
            if self._handle is None:
                self._handle = display(picture, display_id=True)
            else:
                self._handle.update(picture)
        except Exception as error:  # training matters more than its picture
            self._notebook = False
            print(f"The live plot stopped: {error}", file=sys.stderr)

    def _png(self) -> bytes:
        """The figure, at twice the pixels it takes on the page."""
        figure = self.figure()
        buffer = BytesIO()
        figure.savefig(buffer, format="png", dpi=2 * figure.dpi)
        return buffer.getvalue()

    def figure(self) -> Figure:
        """The curves so far as a matplotlib figure, unknown to pyplot (so never shown twice)."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        from descent.figures.curves import draw_curves, label_ends

        use_style()
        figure = Figure()
        FigureCanvasAgg(figure)
        ax = figure.add_subplot()
        draw_curves(ax, self.curves, self.logy)
        ax.set(xlabel=self.xlabel, ylabel=self.ylabel)
        if self.title is not None:
            ax.set_title(self.title)
        label_ends(ax)
        return figure

    def _print(self) -> None:
        step = max(x[-1] for x, _ in self.curves.values())
        latest = "  ".join(f"{name} {y[-1]:.4g}" for name, (_, y) in self.curves.items())
        line = f"{self.xlabel} {step:g}  {latest}"
        if line != self._last_line:
            print(line, flush=True)
            self._last_line = line


def _number(value: Any) -> float:
    """The value as a float; what is not finite, or too large to draw, as NaN: a gap."""
    try:
        number = float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if abs(number) < 1e100 else math.nan
