"""Plots and interactive figures, in one style. Nothing heavy is imported until it is drawn with."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from descent.figures.attention_map import attention_map_figure
    from descent.figures.clipping import clipping_figure
    from descent.figures.convolution import convolution_figure
    from descent.figures.curves import plot_curves
    from descent.figures.diffusion import diffusion_figure
    from descent.figures.digits import plot_confusion, show_digits
    from descent.figures.drawing import digit_pad
    from descent.figures.frontier import frontier_figure
    from descent.figures.induction import induction_figure
    from descent.figures.live import LivePlot
    from descent.figures.loss_surface import loss_surface_figure
    from descent.figures.noisy_quadratic import noisy_quadratic_figure
    from descent.figures.overoptimisation import overoptimisation_figure
    from descent.figures.perturbation import perturbation_figure
    from descent.figures.pipeline import pipeline_figure
    from descent.figures.regions import plot_decision_regions
    from descent.figures.ring import ring_figure
    from descent.figures.sampling import sampling_figure
    from descent.figures.style import COLOURS, titled, use_style
    from descent.figures.superposition import superposition_figure

__all__ = [
    "COLOURS",
    "LivePlot",
    "attention_map_figure",
    "clipping_figure",
    "convolution_figure",
    "diffusion_figure",
    "digit_pad",
    "frontier_figure",
    "induction_figure",
    "loss_surface_figure",
    "noisy_quadratic_figure",
    "overoptimisation_figure",
    "perturbation_figure",
    "pipeline_figure",
    "plot_confusion",
    "plot_curves",
    "plot_decision_regions",
    "ring_figure",
    "sampling_figure",
    "show_digits",
    "superposition_figure",
    "titled",
    "use_style",
]

_MODULES = {
    "COLOURS": "style",
    "LivePlot": "live",
    "attention_map_figure": "attention_map",
    "clipping_figure": "clipping",
    "convolution_figure": "convolution",
    "diffusion_figure": "diffusion",
    "digit_pad": "drawing",
    "frontier_figure": "frontier",
    "induction_figure": "induction",
    "loss_surface_figure": "loss_surface",
    "noisy_quadratic_figure": "noisy_quadratic",
    "overoptimisation_figure": "overoptimisation",
    "perturbation_figure": "perturbation",
    "pipeline_figure": "pipeline",
    "plot_confusion": "digits",
    "plot_curves": "curves",
    "plot_decision_regions": "regions",
    "ring_figure": "ring",
    "sampling_figure": "sampling",
    "show_digits": "digits",
    "superposition_figure": "superposition",
    "titled": "style",
    "use_style": "style",
}


def __getattr__(name: str) -> Any:
    """Fetch one of the public names from its module."""
    if name in _MODULES:
        return getattr(import_module(f"descent.figures.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'descent.figures' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names for tab completion, the lazy ones included."""
    return sorted(set(globals()) | set(__all__))
