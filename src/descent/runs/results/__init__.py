"""What runs came to: shown in their reports, and recorded in the book.

What happens where: ``numbers`` puts the trainings of a run together and writes numbers in words,
``report_cells`` has what the cells of every report call and ``sweep_cells`` what those of a sweep
do, ``records`` keeps results as small files of the course and sets them beside the published ones.
"""
