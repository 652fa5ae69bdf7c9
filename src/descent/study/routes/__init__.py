"""The way through the course: a map of all chapters and their sections, and plans made from it.

What happens where: ``curriculum`` and ``named_routes`` read the two data files (``yaml_file`` and
``fields`` say what is wrong with one). ``chapters`` puts the curriculum and the catalog together;
``sections`` divides a chapter, by its page (``page_sections``) and what its exercises take
(``exercise_minutes``). ``course_map`` holds all of it, ``problems`` tells an author what is wrong
with it, ``course_data`` hands it to pages without a kernel.

For a learner: ``standing`` says what is done or begun, ``planner`` makes a plan, ``chosen`` keeps
which one was chosen and ``current`` makes it anew; ``questions`` has the others: what now, what
for, and stuck. ``names`` finds what a person means (``terms`` has the words); ``show_plan`` and
``show_answers`` print.
"""

from descent.study.routes.course_data import course_data
from descent.study.routes.course_map import CourseMap, load_map

__all__ = ["CourseMap", "course_data", "load_map"]
