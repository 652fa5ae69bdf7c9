"""The 24-hour weekend: its plan, its timer, and its log beside the one that its source published.

What happens where: `plan` reads ``book/sprint.yml``, `places` says which chapter or which other
source a block is done with, `schedule` lays blocks out on the hours that are left. `weekend` reads
from the record how a sprint stands, `acting` begins its blocks and breaks, `in_words` and `live`
show it in a terminal, `in_notebook` in a notebook. `log` holds a log, of the learner or
the published one; `chart` draws logs side by side.
"""
