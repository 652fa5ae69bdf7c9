"""``python -m descent.serving``: what ``make start`` runs in the environment."""

import sys

from descent.serving.start import main

sys.exit(main())
