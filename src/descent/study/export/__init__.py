"""The learner's record as something to take along, to read, to print, and to delete.

What happens where: `table` makes the CSV file for people, `lines` the JSON lines for machines,
`saving` writes either. `merging` takes in a file of another machine or of the book. `report` makes
the one page to print, from what `figures` draws. `holdings` knows every file that the course keeps
about a learner, and `deleting` deletes them.
"""
