"""What is judged: one module per chapter, named after it, and the learner's own answers.

A chapter's module declares its exercises: for each the properties that hold of every right answer,
with an oracle that uses nothing of the chapter's solutions; the mistakes that people make, each
with what to tell them; the hints; and, where a mutant of the reference is no mistake, the reason.

What happens where: ``<part>/<slug>`` declares the exercises of ``solutions/<part>/NN_slug.py``,
``doubles`` is what several of these draw from and stand in with, ``studies`` how fits, intervals
and conclusions are judged; ``lookup`` finds them by the chapter's name; ``own_answers`` takes an
answer out of the learner's notebook and judges it again before a later chapter builds on it;
``run_model`` makes of it the model that a real run trains.
How an answer is judged is the business of :mod:`descent.grading`, which knows no chapter.
"""
