"""One look for every figure of the course."""

from __future__ import annotations

from typing import Any

from descent.shell import in_notebook

# Okabe and Ito's palette: the colours stay apart for every common kind of colour blindness.
COLOURS: dict[str, str] = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "purple": "#CC79A7",
    "grey": "#6B7280",
    "sky": "#56B4E9",
    "ink": "#1F2937",
}

# The order in which curves and classes take their colours: neighbours differ in lightness too.
CYCLE: tuple[str, ...] = tuple(
    COLOURS[name] for name in ("blue", "orange", "green", "red", "purple", "sky", "grey")
)

OFFLINE_MARK = "offline default"

_SETTINGS: dict[Any, Any] = {
    "figure.figsize": (7.0, 4.0),
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
    "font.size": 12,
    "font.family": ["DejaVu Sans"],
    "text.color": COLOURS["ink"],
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 12,
    "axes.labelcolor": COLOURS["ink"],
    "axes.edgecolor": "#9CA3AF",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E5E7EB",
    "grid.linewidth": 0.8,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "xtick.color": "#9CA3AF",
    "ytick.color": "#9CA3AF",
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "legend.fontsize": 11,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.markersize": 6,
    "image.cmap": "cividis",
    "agg.path.chunksize": 10_000,
}


def use_style() -> None:
    """Give matplotlib the course's look, for this process. Calling it again changes nothing."""
    import matplotlib as mpl
    from cycler import cycler

    mpl.rcParams.update(_SETTINGS)
    mpl.rcParams["axes.prop_cycle"] = cycler(color=list(CYCLE))
    _sharpen_in_notebook()


def titled(title: str, source: str) -> str:
    """A plot's title, with the data's source added when it is not the real data.

    Parameters
    ----------
    title : what the plot says.
    source : the `.source` of the data set it shows.

    Returns
    -------
    The title alone for real data, with "[…(offline default)]" after it otherwise.
    """
    return f"{title}\n[{source}]" if OFFLINE_MARK in source else title


def darker(colour: str) -> str:
    """The colour mixed with black, dark enough for text on white."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = to_rgb(colour)
    return str(to_hex((0.72 * red, 0.72 * green, 0.72 * blue)))


def lighter(colour: str, amount: float = 0.75) -> str:
    """The colour mixed with white, for areas behind points. `amount` 1 is white."""
    from matplotlib.colors import to_hex, to_rgb

    red, green, blue = (part + (1 - part) * amount for part in to_rgb(colour))
    return str(to_hex((red, green, blue)))


def _sharpen_in_notebook() -> None:
    """Twice the pixels at the same size on the page: crisp on today's screens."""
    if not in_notebook():
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("retina")
