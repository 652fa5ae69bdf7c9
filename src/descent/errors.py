"""The one family of errors the course raises on purpose."""


class CourseError(Exception):
    """Something a person can put right, said in one line.

    The command line prints the message alone, without a traceback; every error that the course
    raises on purpose derives from it.
    """
