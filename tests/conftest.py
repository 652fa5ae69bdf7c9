"""How the tests are shared out among processes."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: Any, log: Any) -> Any:
    """Keep each file (and notebook) in one process, but share out the chapters of the course."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrChapter(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            each_alone = nodeid.startswith("tests/course/")
            return nodeid if each_alone else super()._split_scope(nodeid)

    if config.getoption("dist") != "loadfile":
        return None
    return ByFileOrChapter(config, log)
