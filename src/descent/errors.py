"""The one family of errors the course raises on purpose."""


class CourseError(Exception):
    """Something a person can put right, said in one line.

    The command line and a notebook show the message alone, without a traceback; every error that
    the course raises on purpose derives from it.
    """

    def _render_traceback_(self) -> list[str]:
        """IPython's hook for what is shown in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class NotInstalled(CourseError):
    """A library that is not there, on a platform for which it may have no build."""
