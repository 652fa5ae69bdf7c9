"""Questions to a wrong answer, by which it shows itself where to look.

``asking`` calls the answer, and a right one, with changed arguments; ``changes`` makes them. Each
question is a function of an `Asking` that yields sentences: ``about_arguments`` (which are not
used, or otherwise than they should be), ``about_results`` (which parts are wrong),
``about_places`` (which numbers are wrong, and with how many examples),
``about_traces`` (random numbers, modes, what is left behind). ``isolating`` asks them in order.
"""

from descent.grading.questions.isolating import isolate

__all__ = ["isolate"]
