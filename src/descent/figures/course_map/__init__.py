"""The map of the course: chapters in lanes, drawn as SVG when the book is made."""

from descent.figures.course_map.drawing import draw_course_map
from descent.figures.course_map.graph import Lane, Stop

__all__ = ["Lane", "Stop", "draw_course_map"]
