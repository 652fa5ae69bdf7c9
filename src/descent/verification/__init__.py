"""Which chapters have to be verified again, how deeply, and the record that they were.

What a chapter rests on is known: its own files, the modules of :mod:`descent` that its cells and
its exercises import, the locked versions of what computes. A chapter that was verified as a whole
leaves a record with the hashes of all this. While they hold, nothing about the chapter can have
changed, and ``make test`` spends its time on the chapters where something did.

What happens where: ``imports`` knows which modules a chapter reaches, ``fingerprints`` hashes all
it rests on, ``records`` keeps what was verified, ``plan`` decides each chapter's depth and says
why, ``light`` cuts a notebook down to its imports, definitions and checks, ``session`` is the
pytest plugin that shares out the work and tells which chapters passed. ``tools/test.py`` does all
of it in order.
"""
