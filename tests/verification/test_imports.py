"""Which modules a chapter rests on."""

from __future__ import annotations

import pytest

from descent.verification.imports import ImportGraph


@pytest.fixture(scope="module")
def graph() -> ImportGraph:
    return ImportGraph()


def test_what_a_module_imports_is_reached_through_others_and_inside_functions(graph):
    reached = graph.reached_from(["descent.grading.audit"])
    assert {"descent.grading", "descent.grading.judging", "descent.grading.values"} <= reached
    assert "descent.runs" not in reached
    assert "descent.study.store" in graph.reached_from(["descent.study.progress"])


def test_a_name_from_the_front_leads_to_the_module_it_lives_in(graph):
    assert graph.imported_by_code("from descent import check") == {"descent.notebook"}
    assert graph.imported_by_code("from descent import GPT") == {"descent.models.gpt"}


def test_a_name_from_a_room_leads_to_the_whole_room(graph):
    found = graph.imported_by_code("from descent.figures import plot_curves")
    assert {"descent.figures", "descent.figures.curves", "descent.figures.ring"} <= found


def test_other_packages_and_unknown_names_lead_nowhere(graph):
    assert graph.imported_by_code("import numpy as np\nfrom torch import nn") == set()
    assert graph.reached_from(["descent.nowhere"]) == set()


def test_every_module_has_its_file(graph):
    modules = graph.modules_below("descent")
    assert all(graph.file_of(module).is_file() for module in modules)
