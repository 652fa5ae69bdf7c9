"""The way through the course: a map of all chapters and their sections, and plans made from it."""

from descent.study.routes.course_data import course_data
from descent.study.routes.course_map import CourseMap, load_map

__all__ = ["CourseMap", "course_data", "load_map"]
