"""The clock that a learner begins, pauses and stops, and the time they worked.

What happens where: `clock` reads the clocks from the record, whatever became of the processes that
wrote it; `setting` begins, pauses and stops one; `moments` understands and says times of day.
`spans` holds stretches of time, `worked` puts the clocks and the times of the checks together, and
`summary` says them by week and chapter. `timer` shows a clock in a terminal, `in_notebook` in a
notebook; both leave signs of life in the record.
"""
