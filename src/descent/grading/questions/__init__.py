"""Questions to a wrong answer, by which it shows itself where to look.

``asking`` calls the answer, and a right one, with one case after another; ``changes`` makes other
arguments. Each question is a function of an `Asking` that yields sentences: ``readings`` (right for
other arguments than the given), ``about_arguments`` (not used, or used though they should not be),
``special_values`` (right where an argument does not count), ``growth`` (when it is doubled),
``about_results`` (which part is wrong), ``about_places`` (which numbers, and with how many
examples), ``about_traces`` (random numbers, modes, what is left behind). ``isolating`` asks them
in order.
"""

from descent.grading.questions.isolating import isolate

__all__ = ["isolate"]
