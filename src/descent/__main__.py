"""``python -m descent``: the ``descent`` command, where its script is not on the PATH."""

from descent.cli import main

main()
