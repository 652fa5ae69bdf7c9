"""The resources that the course's source documents send a reader to, and the search in them."""

from descent.study.resources.library import (
    KINDS,
    LEVELS,
    Library,
    Resource,
    Source,
    duration,
    hours_text,
)
from descent.study.resources.reading import (
    FILE,
    ResourceError,
    course_library,
    read_library,
)
from descent.study.resources.search import (
    chapter_name,
    chapter_subject,
    chapters_in_order,
    find_resources,
)

__all__ = [
    "FILE",
    "KINDS",
    "LEVELS",
    "Library",
    "Resource",
    "ResourceError",
    "Source",
    "chapter_name",
    "chapter_subject",
    "chapters_in_order",
    "course_library",
    "duration",
    "find_resources",
    "hours_text",
    "read_library",
]
