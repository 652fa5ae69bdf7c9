"""What the course knows about its chapters, and about the person working through them.

What happens where: ``paths`` finds the course and the learner's folders; ``catalog`` reads the
headers of all chapters, ``chapter_names`` which of them a person means; ``anchors`` knows what a
link to a heading ends in, ``spelling`` what two spellings of a word share. ``routes`` is the way
through them: the map of all chapters, written or not, and plans made from it. A learner's copy is
made, brought up to date and begun again by
``workbook``: ``notebook_files`` reads a notebook in whatever state, ``marks`` knows what nbgrader
calls a cell, ``identity`` which cell of the course it is, ``merging`` puts the two sides together,
``files`` writes whole or not at all.
``headless`` runs a copy in the ``kernel`` of this Python and reads what its checks answered;
``answers`` makes a module of it, ``cells`` finds the cells that define something in the notebook
that runs; ``lab`` finds the JupyterLab to show it in.

Every check goes into the record: ``store`` keeps it in a database, ``pending`` what waits for that,
``repair`` puts a damaged one away. ``working_time`` reads from it how long a learner worked,
``progress`` what is done and what opens next. ``timing`` is the clock, and ``days`` says what a day
and a week are; ``recall`` brings the cards back when they are about to be forgotten; ``sprint`` is
the 24-hour weekend. ``labelling`` keeps what texts were judged to be by hand. ``export`` takes the
record along, prints and deletes it.
"""
